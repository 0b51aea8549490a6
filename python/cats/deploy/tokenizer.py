# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The tokenizer that the deployment of a language model keeps.

``plan.json`` says what it is, its file lies beside, and ``cats_tokenizer.h`` has its tables for a
node (``include/cats/tokenizer.h``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from cats import schema
from cats.deploy.tokenizer_header import HEADER, tokenizer_header
from cats.errors import CatsError
from cats.shape.metadata import Metadata
from cats.tasks.text_tokens import UNITS, Vocabulary
from cats.tasks.tokenizers import (
    JSON,
    LLAMA2C,
    Ends,
    Llama2c,
    OfVocabulary,
    Tokenizer,
    TokenizerFile,
    stored_tokenizer,
)

__all__ = ["FILES", "described", "files_of", "read_tokenizer"]

#: Key of plan.json, and what lies beside that.
KEY, FILES = "tokenizer", (LLAMA2C, JSON, HEADER)


class _Characters(msgspec.Struct, forbid_unknown_fields=True):
    """Tokens that are characters or bytes, as plan.json has them."""

    unit: str
    names: list[str]


def described(tokenizer: TokenizerFile | Vocabulary) -> dict[str, Any]:
    """What plan.json says of it."""
    if isinstance(tokenizer, Vocabulary):
        return {"unit": tokenizer.unit, "names": list(tokenizer.names)}
    data = _bytes(tokenizer.path)
    return {**tokenizer.to_json(), "sha256": hashlib.sha256(data).hexdigest()}


def files_of(tokenizer: TokenizerFile | Vocabulary) -> dict[str, bytes]:
    """What lies beside plan.json; one that nodes cannot have is without tables for them."""
    files = {} if isinstance(tokenizer, Vocabulary) else {tokenizer.name: _bytes(tokenizer.path)}
    known = tokenizer if isinstance(tokenizer, Vocabulary) else tokenizer.read()
    if isinstance(known, Vocabulary | Llama2c) and (header := tokenizer_header(known)) is not None:
        files[HEADER] = header.encode()
    return files


def kept(folder: Path, meta: Mapping[str, Any]) -> TokenizerFile | Vocabulary | None:
    """What a DEPLOY folder keeps of a tokenizer, by its plan.json."""
    stored = meta.get(KEY)
    if stored is None:
        return None
    if not isinstance(stored, dict) or "file" in stored:
        return stored_tokenizer(folder, stored if isinstance(stored, dict) else {})
    found = schema.convert(stored, _Characters, folder / "plan.json", again="export again")
    if found.unit not in UNITS.values():
        raise CatsError(f"{folder / 'plan.json'}: its tokens are {found.unit!r}: export again")
    return Vocabulary(found.unit, tuple(found.names))


def check(folder: Path, meta: Mapping[str, Any], tokens: int) -> None:
    """CatsError where what a DEPLOY folder keeps of a tokenizer is not what was exported, or is
    none of a model of so many tokens."""
    found = kept(folder, meta)
    if found is None:
        return
    if described(found) != meta[KEY]:
        raise CatsError(f"{folder}: its tokenizer is not the one of {KEY} in plan.json: export "
                        "again")  # fmt: skip
    if isinstance(found, TokenizerFile):
        found.ends.check(tokens)
    count = found.count if isinstance(found, Vocabulary) else found.read().count
    if count > tokens:
        raise CatsError(f"{folder}: its tokenizer has {count} tokens, the model {tokens}")
    for name, wanted in files_of(found).items():
        if _bytes(folder / name) != wanted:
            raise CatsError(f"{folder / name} does not hold what its tokenizer gives: export again")


def read_tokenizer(
    folder: Path, meta: Mapping[str, Any], metadata: Metadata | None
) -> tuple[Tokenizer, Ends]:
    """That of a deployment, and the tokens that begin and end a text; a text model's that reads
    rows of characters is in its ``metadata``. CatsError where it is no language model."""
    found = kept(folder, meta) or Vocabulary.of(metadata)
    if found is None:
        raise CatsError(
            f"{folder} keeps no tokenizer: export a language model's run, one of 'cats train "
            "--task text' or 'cats import', with 'cats export'"
        )
    if isinstance(found, Vocabulary):
        return OfVocabulary(found), Ends()
    return found.read(), found.ends


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CatsError(f"{path} cannot be read: {error.strerror}: export again") from None
