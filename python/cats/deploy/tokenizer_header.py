# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Tables of a tokenizer for a node, as a C header: ``struct cats_tokenizer`` of
``include/cats/tokenizer.h``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from cats.deploy.c_header import wrapped
from cats.tasks.text_tokens import Vocabulary
from cats.tasks.tokenizers import Llama2c

#: The file in a DEPLOY folder.
HEADER = "cats_tokenizer.h"
#: CATS_TOKENIZER_NONE.
NO_TOKEN = 0xFFFF
#: Most bytes of all texts together: offsets have 16 bits.
MOST_BYTES = 0xFFFF
_BYTE = re.compile(rb"<0x([0-9A-F]{2})>")


@dataclass(frozen=True)
class Tables:
    """Fields of ``struct cats_tokenizer``: of tokens that merge the order in which they do, larger
    first, else no ``rank``."""

    texts: list[bytes]
    sorted: list[int]
    rank: list[int]
    begin: int = NO_TOKEN
    ends: tuple[int, int] = (NO_TOKEN, NO_TOKEN)
    first_byte: int = NO_TOKEN
    spaced: bool = False


def tables_of(tokenizer: Llama2c | Vocabulary) -> Tables | None:
    """None of a tokenizer that is too large, or has only some of the 256 bytes."""
    if isinstance(tokenizer, Vocabulary):
        texts = [tokenizer.bytes_of([number]) for number in range(tokenizer.count)]
        found = Tables(texts, _sorted(texts), [])
        if tokenizer.unit == "byte":
            found = replace(found, first_byte=0)
    else:
        texts, begin = list(tokenizer.pieces), tokenizer.ends.begin
        named = {m[1]: n for n, text in enumerate(texts) if (m := _BYTE.fullmatch(text))}
        first = named.get(b"00", NO_TOKEN)
        if named and named != {b"%02X" % byte: first + byte for byte in range(256)}:
            return None
        for byte in range(256) if named else ():
            texts[first + byte] = bytes([byte])
        order = {score: rank for rank, score in enumerate(sorted(set(tokenizer.scores)))}
        found = Tables(
            texts, _sorted(texts, range(first, first + 256) if named else ()),
            [order[score] for score in tokenizer.scores], begin, tokenizer.ends.ends, first, True,
        )  # fmt: skip
    if len(texts) >= NO_TOKEN or sum(map(len, texts)) > MOST_BYTES:
        return None
    return found


def _sorted(texts: list[bytes], without: range | tuple[()] = ()) -> list[int]:
    """Numbers by their texts, of equals the first one."""
    first: dict[bytes, int] = {}
    for number, text in enumerate(texts):
        if number not in without:
            first.setdefault(text, number)
    return [first[text] for text in sorted(first)]


def tokenizer_header(tokenizer: Llama2c | Vocabulary) -> str | None:
    """``cats_tokenizer.h``; None where ``tables_of`` is."""
    tables = tables_of(tokenizer)
    if tables is None:
        return None
    offsets = [0]
    for text in tables.texts:
        offsets.append(offsets[-1] + len(text))
    rank = ""
    if tables.rank:
        rank = f"static const uint16_t cats_tokenizer_rank[] = {{\n{_rows(tables.rank)}\n}};\n\n"
    return _HEADER.format(
        text=_rows(list(b"".join(tables.texts))), offset=_rows(offsets),
        sorted=_rows(tables.sorted), rank=rank,
        ranks="cats_tokenizer_rank" if rank else "NULL", count=len(tables.texts),
        longest=max(map(len, tables.texts)), known=len(tables.sorted), begin=_named(tables.begin),
        end0=_named(tables.ends[0]), end1=_named(tables.ends[1]),
        first_byte=_named(tables.first_byte), spaced="true" if tables.spaced else "false",
    )  # fmt: skip


def _named(number: int) -> str:
    return "CATS_TOKENIZER_NONE" if number == NO_TOKEN else str(number)


def _rows(values: list[int]) -> str:
    return "\n".join(wrapped([str(value) for value in values], "\t", end=","))


_HEADER = """\
/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* The tokens of a deployment. Written by `cats export`: do not edit, export again. For one C file
 * of an application.
 */

#ifndef CATS_TOKENIZER_TABLES_H_
#define CATS_TOKENIZER_TABLES_H_

#include <cats/tokenizer.h>

#define CATS_TOKENIZER_COUNT {count}
#define CATS_TOKENIZER_LONGEST {longest} /* bytes of a token's text */

static const uint8_t cats_tokenizer_bytes[] = {{
{text}
}};

static const uint16_t cats_tokenizer_offset[] = {{
{offset}
}};

static const uint16_t cats_tokenizer_sorted[] = {{
{sorted}
}};

{rank}static const struct cats_tokenizer cats_tokenizer = {{
	.text = cats_tokenizer_bytes,
	.offset = cats_tokenizer_offset,
	.sorted = cats_tokenizer_sorted,
	.rank = {ranks},
	.count = CATS_TOKENIZER_COUNT,
	.known = {known},
	.begin = {begin},
	.ends = {{ {end0}, {end1} }},
	.first_byte = {first_byte},
	.spaced = {spaced},
}};

#endif /* CATS_TOKENIZER_TABLES_H_ */
"""
