# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Tokenizers: llama2.c's file, ``tokenizer.json`` of transformers, a text model's own characters.

Imports no PyTorch. Of ``tokenizer.json`` the package ``tokenizers`` makes sense, where it is
installed.
"""

from __future__ import annotations

import itertools
import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np

from cats import schema
from cats.errors import CatsError
from cats.tasks.text_tokens import Vocabulary

#: As a run folder holds them.
LLAMA2C, JSON = "tokenizer.bin", "tokenizer.json"
#: What stands between two texts of a file.
SEPARATOR = "<|endoftext|>"
#: Longest token of a file that can be one.
_LONGEST = 4096


class Tokenizer(Protocol):
    """Text to numbers of tokens and back."""

    count: int

    def encode(self, text: str) -> list[int]:
        """Tokens of a text, what begins every text first; CatsError where it knows none."""

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, what begins it included or not; of bytes that are no UTF-8 marks."""


class _Run(msgspec.Struct):
    """What counts of a run's ``config.json``."""

    tokenizer: dict[str, Any] | None = None


@dataclass(frozen=True)
class Ends:
    """Tokens of a model that are no text: the one that begins a text (None: nothing does), and
    those that end it."""

    begin: int | None = None
    ends: tuple[int, ...] = ()

    def check(self, tokens: int) -> None:
        """CatsError where a model with so many tokens cannot have them."""
        numbers = [*self.ends] if self.begin is None else [self.begin, *self.ends]
        if not all(isinstance(n, int) and 0 <= n < tokens for n in numbers):
            raise CatsError(
                f"tokens {', '.join(map(str, numbers))} begin and end a text: they must be numbers "
                f"from 0 to {tokens - 1}"
            )


class Llama2c:
    """llama2.c's tokenizer: byte pair encoding as SentencePiece's, a score for each token.

    ``data`` is the file: the length of the longest token, int32, then for each token its score,
    float32, its length, int32, and its bytes; all little-endian. Token 1 begins a text, 1 and 2 end
    one. ``where`` names the file in errors.
    """

    ends = Ends(1, (1, 2))

    def __init__(self, data: bytes, where: str | Path) -> None:
        self.pieces, self.scores = _read(data, where)
        self.count = len(self.pieces)
        self._numbers: dict[bytes, int] = {}
        for number, piece in enumerate(self.pieces):
            self._numbers.setdefault(piece, number)
        # Where no token has a space within it, words are merged each by itself.
        self._by_word = not any(b" " in piece[1:] for piece in self.pieces)
        self._words: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """See ``Tokenizer``. A text begins with a space, as SentencePiece has it; of what has no
        token the bytes are taken."""
        _check_utf8(text)
        text = f" {text}" if text else ""
        words = re.findall(" ?[^ ]+| ", text) if self._by_word else [text]
        return [1, *itertools.chain.from_iterable(map(self._word, words))]

    def _word(self, word: str) -> list[int]:
        """Tokens of a stretch of text that no token crosses the ends of."""
        if word not in self._words:
            self._words[word] = self._merged(word)
        return self._words[word]

    def _merged(self, word: str) -> list[int]:
        """The best pair of neighbours becomes one token, until none is one."""
        found: list[int] = []
        for character in word:
            known = self._numbers.get(character.encode())
            found += self._bytes(character) if known is None else [known]
        while True:
            best, place = -math.inf, -1
            for i in range(len(found) - 1):
                merged = self._numbers.get(self.pieces[found[i]] + self.pieces[found[i + 1]])
                if merged is not None and self.scores[merged] > best:
                    best, place, number = self.scores[merged], i, merged
            if place < 0:
                return found
            found[place : place + 2] = [number]

    def _bytes(self, character: str) -> list[int]:
        try:
            return [self._numbers[b"<0x%02X>" % byte] for byte in character.encode()]
        except KeyError:
            raise CatsError(
                f"the model's tokenizer has no token for {character!r}: leave it out"
            ) from None

    def decode(self, tokens: Sequence[int]) -> str:
        """See ``Tokenizer``. The space that begins a text is not of it."""
        text, before = b"", 1
        for token in tokens:
            piece = self.pieces[token]
            if before == 1 and piece.startswith(b" "):
                piece = piece[1:]
            byte = re.fullmatch(rb"<0x([0-9A-F]{2})>", piece)
            if token != 1:
                text += bytes.fromhex(byte[1].decode()) if byte else piece
            before = token
        return text.decode("utf-8", "replace")


def _check_utf8(text: str) -> None:
    """CatsError of a text with half a surrogate pair, as a command line's bytes that are no UTF-8
    become."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise CatsError(
            f"the text is not UTF-8 ({text[error.start]!r} at character {error.start}): leave that "
            "out"
        ) from None


def _read(data: bytes, where: str | Path) -> tuple[list[bytes], list[float]]:
    """(bytes, score) of each token."""
    longest = int.from_bytes(data[:4], "little", signed=True)
    if len(data) < 4 or not 1 <= longest <= _LONGEST:
        raise CatsError(
            f"{where} is no tokenizer of llama2.c: its longest token would have {longest} bytes"
        )
    pieces, scores, at = [], [], 4
    while at < len(data):
        if len(data) - at < 8:
            raise CatsError(f"{where} is cut off within token {len(pieces)}")
        score, length = struct.unpack_from("<fi", data, at)
        at += 8
        if not 0 <= length <= longest or not math.isfinite(score):
            raise CatsError(
                f"{where}: token {len(pieces)} has length {length} and score {score:g}: damaged, "
                "or no tokenizer of llama2.c"
            )
        if len(data) - at < length:
            raise CatsError(f"{where} is cut off within token {len(pieces)}")
        pieces.append(data[at : at + length])
        scores.append(score)
        at += length
    if len(pieces) < 3:
        raise CatsError(f"{where} holds {len(pieces)} tokens: no tokenizer of llama2.c")
    return pieces, scores


class Json:
    """``tokenizer.json`` of transformers, by the package ``tokenizers``."""

    def __init__(self, data: bytes, where: str | Path, begin: int | None) -> None:
        import tokenizers

        try:
            self._of = tokenizers.Tokenizer.from_str(data.decode())
        except Exception as error:  # the package raises no narrower one
            raise CatsError(f"{where} is no tokenizer that can be read: {error}") from None
        self.count, self._begin = self._of.get_vocab_size(), begin

    def encode(self, text: str) -> list[int]:
        """See ``Tokenizer``; what begins a text as the file says, else the model's own."""
        _check_utf8(text)
        found = self._of.encode(text).ids
        if self._begin is not None and found[:1] != [self._begin]:
            found = [self._begin, *found]
        if not found:
            raise CatsError("nothing begins a text of this model: give it a --prompt")
        return found

    def decode(self, tokens: Sequence[int]) -> str:
        """See ``Tokenizer``."""
        return self._of.decode(list(tokens))


class OfVocabulary:
    """The characters or bytes of a model of task text."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._of, self.count = vocabulary, len(vocabulary.names)

    def encode(self, text: str) -> list[int]:
        """See ``Tokenizer``."""
        if not text:
            raise CatsError("nothing begins a text of this model: give it a --prompt")
        return self._of.encode(text, "the prompt").tolist()

    def decode(self, tokens: Sequence[int]) -> str:
        """See ``Tokenizer``."""
        return self._of.decode(tokens)


def check_prompt(prompt: Sequence[int], steps: int) -> None:
    """CatsError where nothing is to be read, or more than ``steps`` tokens."""
    if not prompt:
        raise CatsError("the prompt has no tokens: give it one")
    if len(prompt) > steps:
        raise CatsError(
            f"the prompt has {len(prompt)} tokens, which is more than {steps} steps read: shorten "
            "it, or give more --steps"
        )


class Subwords:
    """What ``Vocabulary`` is of characters, of the tokens of a file that came with a model.

    ``source`` holds texts, between two of which there is a line ``SEPARATOR``: what begins a text
    begins each.
    """

    unit = "token"

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._of, self.count = tokenizer, tokenizer.count
        self._bytes_a_token = 1.0

    def encode(self, text: str, source: str) -> np.ndarray:
        """Numbers of the tokens, int64 [n]; CatsError where there are none."""
        texts = [part for one in text.split(SEPARATOR) if (part := one.strip("\n"))]
        numbers = [number for one in texts for number in self._of.encode(one)]
        if not numbers:
            raise CatsError(f"{source} holds no text")
        self._bytes_a_token = sum(len(one.encode()) for one in texts) / len(numbers)
        return np.array(numbers, np.int64)

    def bytes_of(self, tokens: Sequence[int] | np.ndarray) -> bytes:
        """The text of these tokens."""
        return self.decode(tokens).encode()

    def decode(self, tokens: Sequence[int] | np.ndarray) -> str:
        """See ``Tokenizer``."""
        return self._of.decode([int(token) for token in tokens])

    def metadata(self, context: int) -> None:
        """None: an image has no room for the names of so many tokens."""

    @property
    def sizes(self) -> np.ndarray:
        """Bytes of each token, float64 [tokens]: of all the mean of what was encoded last, since a
        token's text may depend on its neighbours."""
        return np.full(self.count, self._bytes_a_token)


def read_tokenizer(path: Path, begin: int | None = None) -> Llama2c | Json:
    """The tokenizer of a file, by its name: ``.json`` of transformers, else llama2.c's. ``begin``:
    what begins a text of the model, where the file does not say."""
    data = _content(path)
    return Json(data, path, begin) if path.suffix == ".json" else Llama2c(data, path)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CatsError(f"{path} cannot be read: {error.strerror}") from None


@dataclass(frozen=True)
class TokenizerFile:
    """A tokenizer on disk, and what it does not say itself."""

    path: Path
    ends: Ends

    def content(self) -> bytes:
        """What the file holds; CatsError where it cannot be read."""
        return _content(self.path)

    @property
    def name(self) -> str:
        """By which a run keeps it."""
        return JSON if self.path.suffix == ".json" else LLAMA2C

    def read(self) -> Llama2c | Json:
        """The tokenizer; CatsError where it cannot be read or ``ends`` are none of its tokens."""
        found = read_tokenizer(self.path, self.ends.begin)
        self.ends.check(found.count)
        return found

    def to_json(self) -> dict[str, Any]:
        """As ``config.json`` of a run, or ``plan.json`` of a deployment, has it."""
        return {"file": self.name, "begin": self.ends.begin, "ends": list(self.ends.ends)}


def stored_tokenizer(folder: Path, stored: Mapping[str, Any]) -> TokenizerFile:
    """That of a RUN or DEPLOY folder by what its JSON says."""
    name, ends = stored.get("file"), stored.get("ends", [])
    if name not in (JSON, LLAMA2C):
        raise CatsError(f"{folder}: its tokenizer is {name!r}: one of {LLAMA2C}, {JSON}")
    ends = tuple(ends if isinstance(ends, list) else [ends])
    return TokenizerFile(folder / name, Ends(stored.get("begin"), ends))


def find_tokenizer(path: Path) -> TokenizerFile:
    """That of a file, or of the RUN folder of a language model."""
    if not path.is_dir():
        return TokenizerFile(path, Ends() if path.suffix == ".json" else Llama2c.ends)
    config = schema.load(path / "config.json", _Run, "a run's configuration")
    if config.tokenizer is None:
        raise CatsError(f"{path} holds no tokenizer: name a tokenizer.bin or tokenizer.json")
    return stored_tokenizer(path, config.tokenizer)
