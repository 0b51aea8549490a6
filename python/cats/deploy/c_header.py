# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""One node's partition as a C header: the bytes of its image as one constant structure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cats.deploy.image import (
    DESCRIBED,
    EMBEDDED,
    HEADED,
    LLAMA_RECORD,
    LLAMA_SCALES,
    SCALES,
    SHAPED,
    Member,
    members,
    radio_name,
    seal,
)
from cats.integer.model import IntegerModel
from cats.plan.plan import Plan
from cats.shape.config import POOLS
from cats.shape.image_layout import (
    FLAG_CAUSAL,
    FLAG_EMPTY_GATHERS,
    FLAG_FOUR_BITS,
    FLAG_HELD,
    FLAG_HOPS,
    FLAG_LLAMA,
    FLAG_OWN_EMBEDDING,
    FLAG_PARALLEL,
    FLAG_RADIO,
    FLAG_ROWS,
    FLAG_SEALED,
    FLAG_SIGNED_STEM,
    FLAG_STEM,
    FLAG_STREAM,
    FORMAT_VERSION,
    GATHER,
    LLAMA,
    LLAMA_REPLICATED,
    LLAMA_REPLICATED_FORWARD,
    LLAMA_WIDE_KEYS,
    SENSOR,
    STRUCTS,
)
from cats.shape.metadata import NORMALISATIONS
from cats.shape.partition import Kind

_C_TYPES = {
    np.dtype("i1"): "int8_t", np.dtype("S1"): "char",
    np.dtype("<i2"): "int16_t", np.dtype("<u2"): "uint16_t", np.dtype("u1"): "uint8_t",
    np.dtype("<i4"): "int32_t", np.dtype("<u4"): "uint32_t",
    **{dtype: f"struct {name}" for name, dtype in STRUCTS.items()},
}  # fmt: skip
_FLAGS = {
    FLAG_CAUSAL: "CATS_FLAG_CAUSAL",
    FLAG_HELD: "CATS_FLAG_HELD",
    FLAG_SEALED: "CATS_FLAG_SEALED",
    FLAG_OWN_EMBEDDING: "CATS_FLAG_OWN_EMBEDDING",
    FLAG_STEM: "CATS_FLAG_STEM",
    FLAG_SIGNED_STEM: "CATS_FLAG_SIGNED_STEM",
    FLAG_EMPTY_GATHERS: "CATS_FLAG_EMPTY_GATHERS",
    FLAG_STREAM: "CATS_FLAG_STREAM",
    FLAG_LLAMA: "CATS_FLAG_LLAMA",
    FLAG_ROWS: "CATS_FLAG_ROWS",
    FLAG_FOUR_BITS: "CATS_FLAG_FOUR_BITS",
    FLAG_HOPS: "CATS_FLAG_HOPS",
    FLAG_PARALLEL: "CATS_FLAG_PARALLEL",
}
_LLAMA_FLAGS = {
    LLAMA_WIDE_KEYS: "CATS_LLAMA_WIDE_KEYS",
    LLAMA_REPLICATED: "CATS_LLAMA_REPLICATED",
    LLAMA_REPLICATED_FORWARD: "CATS_LLAMA_REPLICATED_FORWARD",
}
#: Members that are one structure, and whose offsets stand in it.
_SINGLE = {"header": HEADED, "model": SHAPED, "metadata": DESCRIBED, "embed": EMBEDDED,
           "stream": None, "llama": LLAMA_RECORD}  # fmt: skip
_KINDS = tuple(f"CATS_GATHER_{kind.name}" for kind in Kind)
_POOLS = tuple(f"CATS_POOL_{pool.upper()}" for pool in POOLS)


def header(model: IntegerModel, plan: Plan, node: int, ident: int) -> str:
    """``cats_partition.h``: the same bytes as pack() gives, as one constant C structure.

    Meant for one C11 (or C++20) file of an application that has include/ in its path.
    """
    parts = members(model, plan, node, ident)
    image, offsets = seal(parts)
    config, split = model.config, model.split
    declarations: list[str] = []
    values: list[str] = []
    at = 0
    for part, offset in [*zip(parts, offsets, strict=True), (None, len(image))]:
        if offset > at:
            declarations.append(f"\tuint8_t pad_{at}[{offset - at}];")
            values.append(f"\t.pad_{at} = {{ {', '.join('0' * (offset - at))} }},")
        if part is None:
            break
        single = part.name in _SINGLE
        dims = "" if single else "".join(f"[{n}]" for n in part.data.shape)
        declarations.append(f"\t/* {part.note} */")
        declarations.append(f"\t{_C_TYPES[part.data.dtype]} {part.name}{dims};")
        values += _value(part, parts)
        at = offset + part.data.nbytes
    tokens = f"{config.tokens} of {config.context}" if config.context else config.tokens
    shape = (
        f"{config.blocks} blocks, {tokens} tokens, {config.features} features, "
        f"{config.heads} heads, {config.hidden} hidden"
    )
    radio = radio_name(plan, split.nodes) or "any"
    lines = [
        "/*",
        " * SPDX-FileCopyrightText: Copyright The CATS Project",
        " * SPDX-License-Identifier: Apache-2.0",
        " */",
        "",
        f"/* Partition of node {node} of {split.nodes}, deployment {ident:08x}.",
        f" * {shape}.",
        f" * {len(image)} bytes of flash, {plan.arenas[node].size} bytes of arena.",
        " * Written by `cats export`: do not edit, export again.",
        " */",
        "",
        "#ifndef CATS_PARTITION_H_",
        "#define CATS_PARTITION_H_",
        "",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "",
        "#include <cats/image.h>",
        "",
        f"#if CATS_FORMAT_VERSION != {FORMAT_VERSION}",
        f'#error "this partition has format {FORMAT_VERSION}: export it again with the cats '
        'program of this source tree"',
        "#endif",
        "#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__",
        '#error "a partition is little-endian"',
        "#endif",
        "",
        f"#define CATS_PARTITION_NODE {node} /* this node */",
        f"#define CATS_PARTITION_NODES {split.nodes} /* nodes of the deployment */",
        f"#define CATS_PARTITION_MODEL_ID 0x{ident:08x}u /* the same on all its nodes */",
        f"#define CATS_PARTITION_RADIO CATS_RADIO_{radio.upper()} /* that it is planned for */",
        f"#define CATS_PARTITION_ARENA_SIZE {plan.arenas[node].size} /* bytes of RAM */",
        f"#define CATS_PARTITION_SIZE {len(image)} /* bytes of flash */",
        "",
        "struct cats_partition_image {",
        *declarations,
        "};",
        "",
        "#define CATS_PARTITION_AT(member) offsetof(struct cats_partition_image, member)",
        "",
        "#ifdef __cplusplus",
        "static_assert(sizeof(struct cats_partition_image) == CATS_PARTITION_SIZE,",
        '\t      "the compiler lays a partition out in another way");',
        "alignas(CATS_IMAGE_ALIGN)",
        "#else",
        "_Static_assert(sizeof(struct cats_partition_image) == CATS_PARTITION_SIZE,",
        '\t       "the compiler lays a partition out in another way");',
        "_Alignas(CATS_IMAGE_ALIGN)",
        "#endif",
        "static const struct cats_partition_image cats_partition = {",
        *values,
        "};",
        "",
        "#undef CATS_PARTITION_AT",
        "",
        "#endif /* CATS_PARTITION_H_ */",
    ]
    return "\n".join(lines) + "\n"


def _value(part: Member, parts: list[Member]) -> list[str]:
    """Lines of one member's initialiser."""
    dtype, data = part.data.dtype, part.data
    if part.name in _SINGLE:
        owner = _SINGLE[part.name]
        return [f"\t.{part.name} = {{", *_fields(data[0], "\t\t", parts, owner), "\t},"]
    if dtype == SENSOR:
        lines = [f"\t.{part.name} = {{"]
        for row in data:
            lines += ["\t\t{", *_fields(row, "\t\t\t", parts, DESCRIBED), "\t\t},"]
        return [*lines, "\t},"]
    if dtype == "S1":
        texts = data.tobytes()[:-1].split(b"\0")
        ends = ["\\0"] * (len(texts) - 1) + [""]
        lines = [f'\t\t"{_literal(text)}{end}"' for text, end in zip(texts, ends, strict=True)]
        return [f"\t.{part.name} =", *lines[:-1], lines[-1] + ","]
    if dtype == GATHER:
        lines = [f"\t.{part.name} = {{"]
        for g, row in enumerate(data):
            lines += ["\t\t{", *_fields(row, "\t\t\t", parts, g), "\t\t},"]
        return [*lines, "\t},"]
    if part.name == LLAMA_SCALES:
        names = {p.gather: f"CATS_PARTITION_AT({p.name})" for p in parts if p.field == SCALES}
        offsets = [names.get(g, "0") for g in range(len(data))]
        return [f"\t.{part.name} = {{", *(f"\t\t{at}," for at in offsets), "\t},"]
    if data.ndim == 2:
        lines = [f"\t.{part.name} = {{"]
        for row in data:
            body = wrapped(_items(row), "\t\t  ")
            lines += ["\t\t{ " + body[0].strip(), *body[1:]]
            lines[-1] += " },"
        return [*lines, "\t},"]
    return [f"\t.{part.name} = {{", *wrapped(_items(data), "\t\t", end=","), "\t},"]


def _items(data: np.ndarray) -> list[str]:
    if data.dtype.names:
        return ["{ " + ", ".join(_number(v) for v in row) + " }" for row in data.tolist()]
    return [str(v) for v in data.tolist()]


def _literal(text: bytes) -> str:
    """Text of a C string, no longer than a line: what is not plain ASCII as three octal digits."""
    plain = set(range(32, 127)) - set(b'"\\?')
    return "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text)


def _number(value: int) -> str:
    return str(value) if value > -(2**31) else "(-2147483647 - 1)"


def wrapped(items: Sequence[str], indent: str, end: str = "") -> list[str]:
    """Items separated by commas, so many a line that a line has at most 100 columns (a tab is
    eight)."""
    room = 97 - len(indent.expandtabs(8))
    count = max(1, room // (max(map(len, items)) + 2))
    lines = [indent + ", ".join(items[i : i + count]) + "," for i in range(0, len(items), count)]
    return [*lines[:-1], lines[-1][:-1] + end]


def _flags(value: int, record: np.dtype) -> str:
    if record == LLAMA:
        return " | ".join(name for bit, name in _LLAMA_FLAGS.items() if value & bit) or "0"
    names = [name for bit, name in _FLAGS.items() if value & bit]
    if value & FLAG_RADIO:
        names.append("CATS_PARTITION_RADIO << CATS_RADIO_SHIFT")
    return " | ".join(names) or "0"


def _fields(row: np.void, indent: str, parts: list[Member], gather: int | None) -> list[str]:
    """``.field = value,`` lines of a structure; offsets become CATS_PARTITION_AT()."""
    pointed = {part.field: part.name for part in parts if part.gather == gather and part.field}

    def real(value: int) -> str:
        return f"0x{value:08x}u, /* {np.uint32(value).view(np.float32)!s} */"

    named = {
        "magic": lambda v: "CATS_IMAGE_MAGIC",
        "format_version": lambda v: "CATS_FORMAT_VERSION",
        "header_size": lambda v: "sizeof(struct cats_image_header)",
        "image_size": lambda v: "CATS_PARTITION_SIZE",
        "crc32": lambda v: f"0x{v:08x}u",
        "model_id": lambda v: "CATS_PARTITION_MODEL_ID",
        "node": lambda v: "CATS_PARTITION_NODE",
        "nodes": lambda v: "CATS_PARTITION_NODES",
        "arena_size": lambda v: "CATS_PARTITION_ARENA_SIZE",
        "kind": lambda v: _KINDS[v],
        "pool": lambda v: _POOLS[v],
        "flags": lambda v: _flags(v, row.dtype),
        "tile": lambda v: f"{{ {v[0]}, {v[1]} }}",
        "outbox": lambda v: f"{{ {v[0]}, {v[1]} }}",
        "addend_low": lambda v: f"0x{v:08x}u",
        "input_scale": real,
        "output_scale": real,
        "mean": real,
        "deviation": real,
        "counts_per_unit": real,
        "normalisation": lambda v: f"CATS_NORMALISATION_{NORMALISATIONS[v].upper()}",
    }  # fmt: skip
    lines = []
    for name in row.dtype.names:
        value = row[name].tolist()
        if name in pointed:
            text = f"CATS_PARTITION_AT({pointed[name]})"
        elif name in named:
            text = named[name](value)
        else:
            text = _number(value)
        lines.append(f"{indent}.{name} = {text}" + ("" if "/*" in text else ","))
    return lines
