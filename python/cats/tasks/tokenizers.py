# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Tokenizers: llama2.c's file, ``tokenizer.json`` of transformers, a text model's own characters.

Imports no PyTorch. Of ``tokenizer.json`` the package ``tokenizers`` makes sense, where it is
installed.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cats.errors import CatsError
from cats.tasks.text_tokens import Vocabulary

#: As a run folder holds them.
LLAMA2C, JSON = "tokenizer.bin", "tokenizer.json"
#: Longest token of a file that can be one.
_LONGEST = 4096


class Tokenizer(Protocol):
    """Text to numbers of tokens and back."""

    count: int

    def encode(self, text: str) -> list[int]:
        """Tokens of a text, what begins every text first; CatsError where it knows none."""

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, what begins it included or not; of bytes that are no UTF-8 marks."""


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
        self._pieces, self._scores = _read(data, where)
        self.count = len(self._pieces)
        self._numbers: dict[bytes, int] = {}
        for number, piece in enumerate(self._pieces):
            self._numbers.setdefault(piece, number)

    def encode(self, text: str) -> list[int]:
        """See ``Tokenizer``. A text begins with a space, as SentencePiece has it; of what has no
        token the bytes are taken."""
        found = [1]
        for character in (" " + text) if text else "":
            known = self._numbers.get(character.encode())
            found += self._bytes(character) if known is None else [known]
        while True:
            best, place = -math.inf, -1
            for i in range(1, len(found) - 1):
                merged = self._numbers.get(self._pieces[found[i]] + self._pieces[found[i + 1]])
                if merged is not None and self._scores[merged] > best:
                    best, place, number = self._scores[merged], i, merged
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
            piece = self._pieces[token]
            if before == 1 and piece.startswith(b" "):
                piece = piece[1:]
            byte = re.fullmatch(rb"<0x([0-9A-F]{2})>", piece)
            if token != 1:
                text += bytes.fromhex(byte[1].decode()) if byte else piece
            before = token
        return text.decode("utf-8", "replace")


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


def read_tokenizer(path: Path, begin: int | None = None) -> Llama2c | Json:
    """The tokenizer of a file, by its name: ``.json`` of transformers, else llama2.c's. ``begin``:
    what begins a text of the model, where the file does not say."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CatsError(f"{path} cannot be read: {error.strerror}") from None
    return Json(data, path, begin) if path.suffix == ".json" else Llama2c(data, path)


def ends_of(stored: Mapping[str, Any], tokens: int) -> Ends:
    """What a run's configuration says of a model with so many tokens; CatsError where it cannot
    be."""
    ends = stored.get("ends", [])
    found = Ends(stored.get("begin"), tuple(ends if isinstance(ends, list) else [ends]))
    found.check(tokens)
    return found
