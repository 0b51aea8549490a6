# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Text as tokens, characters or bytes, and a text that is written on token by token.

Imports no PyTorch: ``cats predict`` knows a text model by its metadata alone. That names a channel
and a class for every token, so a sample is [1, N, tokens]: 1 in the column of its token, else 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from cats.errors import CatsError
from cats.shape.config import MAX_COLUMNS
from cats.shape.metadata import Channel, Metadata
from cats.tasks.values import read_bytes

#: By the name of ``--tokens``: what one token is called, which is the unit of its channel.
UNITS = {"characters": "character", "bytes": "byte"}


class Tokens(Protocol):
    """What a text consists of, by numbers from 0."""

    unit: str
    count: int
    sizes: np.ndarray

    def encode(self, text: str, source: str) -> np.ndarray:
        """Numbers of the tokens, int64; CatsError where ``source`` has one that is unknown."""

    def bytes_of(self, tokens: Sequence[int] | np.ndarray) -> bytes:
        """What a file of these tokens holds."""

    def decode(self, tokens: Sequence[int] | np.ndarray) -> str:
        """Text of tokens; bytes that are no UTF-8 are shown as marks."""

    def metadata(self, context: int) -> Metadata | None:
        """Of a model that reads ``context`` tokens and tells the next."""


@dataclass(frozen=True)
class Vocabulary:
    """All tokens in their order; a byte's name is its two hexadecimal digits."""

    unit: str
    names: tuple[str, ...]

    @property
    def count(self) -> int:
        """Of the tokens."""
        return len(self.names)

    @classmethod
    def of_text(cls, unit: str, text: str) -> Vocabulary:
        """The characters of ``text``, sorted, or all bytes."""
        if unit == "byte":
            return cls(unit, tuple(f"{value:02x}" for value in range(256)))
        names = tuple(sorted(set(text)))
        if len(names) > MAX_COLUMNS:
            raise CatsError(
                f"{len(names)} different characters, at most {MAX_COLUMNS}: use --tokens bytes"
            )
        if "\0" in names:
            raise CatsError("the text holds a zero byte: use --tokens bytes")
        return cls(unit, names)

    @classmethod
    def of(cls, metadata: Metadata | None) -> Vocabulary | None:
        """That of a text model's metadata; None where it is of something else."""
        if metadata is None or metadata.classes is None:
            return None
        units = {channel.unit for channel in metadata.channels}
        names = tuple(channel.name for channel in metadata.channels)
        if len(units) != 1 or not units <= set(UNITS.values()) or names != metadata.classes:
            return None
        return cls(*units, names)

    def metadata(self, context: int) -> Metadata:
        """See ``Tokens``."""
        channels = tuple(Channel(name, self.unit, high=1.0) for name in self.names)
        return Metadata(channels, 1, context, (1, 1), classes=self.names)

    def encode(self, text: str, source: str) -> np.ndarray:
        """See ``Tokens``."""
        if self.unit == "byte":
            return np.frombuffer(text.encode("utf-8", "surrogateescape"), np.uint8).astype(np.int64)
        number = {name: i for i, name in enumerate(self.names)}
        try:
            return np.array([number[c] for c in text], np.int64)
        except KeyError as error:
            raise CatsError(
                f"{source} has the character {error.args[0]!r}, which is none of the "
                f"{len(self.names)} that the model knows"
            ) from None

    def bytes_of(self, tokens: Sequence[int] | np.ndarray) -> bytes:
        """See ``Tokens``."""
        if self.unit == "byte":
            return np.asarray(tokens, np.uint8).tobytes()
        return "".join(self.names[token] for token in tokens).encode()

    def decode(self, tokens: Sequence[int] | np.ndarray) -> str:
        """See ``Tokens``."""
        return self.bytes_of(tokens).decode("utf-8", "replace")

    @property
    def sizes(self) -> np.ndarray:
        """Bytes of each token in UTF-8, int64 [tokens]."""
        if self.unit == "byte":
            return np.ones(len(self.names), np.int64)
        return np.array([len(name.encode()) for name in self.names])


def text_of(path: Path, unit: str) -> str:
    """A file's text; of bytes that are no UTF-8 ``Vocabulary.encode`` gives them back."""
    try:
        content = read_bytes(path)
        return content.decode("utf-8", "surrogateescape" if unit == "byte" else "strict")
    except UnicodeDecodeError as error:
        raise CatsError(
            f"{path} is not UTF-8 (byte {error.start}): --tokens bytes takes any file"
        ) from None


def written(
    outputs: Callable[[np.ndarray, int], np.ndarray],
    vocabulary: Tokens,
    prompt: np.ndarray,
    context: int,
    count: int,
    temperature: float,
    seed: int,
) -> Iterator[int]:
    """``count`` tokens that follow ``prompt``, as they come, each drawn from the softmax of
    outputs / temperature (0: the likeliest).

    ``outputs(window, row)``: real outputs [C] of that row for a window float32 [1, N, tokens], of
    which the rows behind it are zero. A causal model reads at most the last ``context`` tokens.
    """
    random = np.random.default_rng(seed)
    tokens = [int(token) for token in prompt]
    for _ in range(count):
        seen = tokens[-context:]
        window = np.zeros((1, context, vocabulary.count), np.float32)
        window[0, np.arange(len(seen)), seen] = 1
        logits = np.asarray(outputs(window, len(seen) - 1), np.float64)
        if temperature > 0:
            logits = (logits - logits.max()) / temperature
            share = np.exp(logits).cumsum()
            drawn = int(np.searchsorted(share, random.random() * share[-1], "right"))
            tokens.append(min(drawn, len(share) - 1))
        else:
            tokens.append(int(logits.argmax()))
        yield tokens[-1]
