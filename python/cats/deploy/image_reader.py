# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A partition image read back from its bytes."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.integer import four_bits
from cats.plan.arena import round_up
from cats.shape.image_layout import (
    CHANNEL,
    CRC_BEGIN,
    EMBED,
    FLAG_FOUR_BITS,
    FLAG_LLAMA,
    FLAG_ROWS,
    FLAG_STEM,
    FLAG_STREAM,
    FORMAT_VERSION,
    GATHER,
    HEADER,
    LLAMA,
    LLAMA_REPLICATED,
    MAGIC,
    METADATA,
    MODEL,
    NORM,
    SENSOR,
    SOURCE,
    STREAM,
)
from cats.shape.partition import Kind


@dataclass(frozen=True)
class Image:
    """An image read back. header, model and each gather by field name as in image.h; sources
    SOURCE [G, D]; arrays[g, field] for own_keep uint16 [kept], table, norm NORM [view], weights
    int8 [outputs, stride], channels CHANNEL [outputs], where gather g has them, of weights of four
    bits uint8 [outputs, stride / 2] and scales int8 [outputs, groups]; arrays[-1, field]
    for linear_weights and linear_channels, where the node has the path; arrays[-4, field] for
    weights and channels of the embedding's second product, or of the stem, whose record is
    ``embed``; ``stream`` is that of a stream, ``llama`` that of a Llama model, whose arrays are
    arrays[-5, field]. metadata by field name, None where there is none;
    then sensors SENSOR [channels], names of classes, (name, unit) of channels and of values."""

    header: dict[str, int]
    model: dict[str, int]
    gathers: tuple[dict, ...]
    sources: np.ndarray
    arrays: dict[tuple[int, str], np.ndarray]
    metadata: dict[str, int] | None = None
    sensors: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    channel_names: tuple[tuple[str, str], ...] = ()
    value_names: tuple[tuple[str, str], ...] = ()
    embed: dict[str, int] | None = None
    stream: dict[str, int] | None = None
    llama: dict[str, int] | None = None

    def weights(self, g: int) -> np.ndarray:
        """Weights of gather g in plain order, without padding: int8 [outputs, view]."""
        stored = self.arrays[g, "weights"]
        if (g, "scales") in self.arrays:
            return four_bits.unpack(stored, self.gathers[g]["view"]).T
        fours = stored.reshape(len(stored), stored.shape[1] // 4, 4)
        return fours[:, :, [0, 2, 1, 3]].reshape(stored.shape)[:, : self.gathers[g]["view"]]


def parse(data: bytes) -> Image:
    """Read an image for inspection; CatsError names what is wrong with it.

    The device's own check is cats_image_verify(), which trusts nothing; this one checks what is
    needed to read every array.
    """
    if len(data) < HEADER.itemsize:
        raise CatsError(
            f"partition image is truncated: {len(data)} bytes, the header alone has "
            f"{HEADER.itemsize}"
        )
    head = _plain(np.frombuffer(data, HEADER, 1)[0])
    if head["magic"] != MAGIC:
        raise CatsError("not a partition image: it does not begin with CATS")
    if head["format_version"] != FORMAT_VERSION:
        raise CatsError(
            f"partition image of format {head['format_version']}, this program reads format "
            f"{FORMAT_VERSION}: export again"
        )
    size = head["image_size"]
    if not HEADER.itemsize <= size <= len(data):
        raise CatsError(f"partition image is truncated: {len(data)} bytes, its header says {size}")
    if zlib.crc32(memoryview(data)[CRC_BEGIN:size]) != head["crc32"]:
        raise CatsError("partition image is corrupt: its CRC does not match; export again")

    def read(what: str, offset: int, dtype: np.dtype | str, *dims: int) -> np.ndarray:
        dtype = np.dtype(dtype)
        count = int(np.prod(dims))
        if offset < HEADER.itemsize or offset % 2 or offset + count * dtype.itemsize > size:
            raise CatsError(f"partition image is invalid: {what} lies outside of it; export again")
        return np.frombuffer(data, dtype, count, offset).reshape(dims)

    model = _plain(read("the model", head["model"], MODEL, 1)[0])
    table = read("the gather table", head["gather_table"], GATHER, head["gathers"])
    gathers = tuple(_plain(row) for row in table)
    sources = read("the source table", head["source_table"], SOURCE, head["gathers"], head["nodes"])
    own = model["own_heads"] * model["head_width"]
    arrays: dict[tuple[int, str], np.ndarray] = {}
    stream, positions = None, model["tokens"]
    if model["flags"] & FLAG_STREAM and len(gathers) > 1:
        stream = _plain(read("the stream", gathers[1]["table"], STREAM, 1)[0])
        positions = stream["rows"]
    llama, activation = None, ("i1", 256)
    if model["flags"] & FLAG_LLAMA and gathers:
        llama = _plain(read("the Llama record", gathers[0]["table"], LLAMA, 1)[0])
        own = model["features"] if llama["flags"] & LLAMA_REPLICATED else own
        activation = "<i2", 257
        for field, (dtype, *dims) in {
            "rows": ("i1", model["inputs"], own),
            "multipliers": ("<i4", model["inputs"]),
            "exponents": ("u1", own),
            "turn": ("<u4", model["head_width"] // 2),
        }.items():
            if model["flags"] & FLAG_ROWS and field in ("rows", "multipliers"):
                continue
            if own or field == "turn":
                what = f"{field} of the Llama record"
                arrays[-5, field] = read(what, llama[field], dtype, *dims)
        tokens = int(sources[0, head["node"]]["columns"])
        if model["flags"] & FLAG_ROWS and tokens and llama["rows"]:  # else OUTPUT's weights
            size_of_row = llama["multipliers"] * (4 + model["features"])
            what = "rows of the Llama record"
            arrays[-5, "rows"] = read(what, llama["rows"], "u1", tokens, size_of_row)
    scales = [0] * len(gathers)
    if llama is not None and model["flags"] & FLAG_FOUR_BITS:
        scales = read("the scales' offsets", llama["scales"], "<u4", len(gathers)).tolist()
    records = [(1, "table")] * (stream is not None) + [(0, "table")] * (llama is not None)
    for g, row in enumerate(gathers):
        kept = int(sources[g, head["node"]]["width"]) // max(row["element"], 1)
        shapes = {
            "own_keep": ("<u2", kept),
            "table": ("<i2", positions, own) if row["kind"] == Kind.INPUT else activation,
            "norm": (EMBED, 1) if row["kind"] == Kind.INPUT else (NORM, row["view"]),
            "weights": ("i1", row["products"], row["stride"]),
            "channels": (CHANNEL, row["products"]),
        }
        if scales[g]:
            shapes["weights"] = "u1", row["products"], row["stride"] // 2
            dims = row["products"], four_bits.groups(row["view"])
            arrays[g, "scales"] = read(f"scales of gather {g}", scales[g], "i1", *dims)
        for field, (dtype, *dims) in shapes.items():
            if row[field] and (g, field) not in records:
                arrays[g, field] = read(f"{field} of gather {g}", row[field], dtype, *dims)
    embed = None
    if (0, "norm") in arrays:
        embed = _plain(arrays.pop((0, "norm"))[0])
        where, outputs, columns = "of the embedding's second product", own, gathers[0]["products"]
        if model["flags"] & FLAG_STEM:
            where, columns = "of the stem", model["own_inputs"]
            outputs = int(sources[0, head["node"]]["columns"])
        shape = outputs, round_up(columns, 4)
        arrays[-4, "weights"] = read(f"weights {where}", embed["weights"], "i1", *shape)
        arrays[-4, "channels"] = read(f"channels {where}", embed["channels"], CHANNEL, outputs)
    window = round_up(model["tokens_in"] * model["inputs"], 4)
    for field, (dtype, *dims) in {
        "linear_weights": ("i1", model["outputs"], window),
        "linear_channels": (CHANNEL, model["outputs"]),
    }.items():
        if model[field]:
            arrays[-1, field] = read(f"{field} of the model", model[field], dtype, *dims)
    if not head["metadata"]:
        return Image(head, model, gathers, sources, arrays, embed=embed, stream=stream, llama=llama)
    record = _plain(read("the metadata", head["metadata"], METADATA, 1)[0])
    sensors = read("the channels", record["sensors"], SENSOR, record["channels"])
    values = sensors[:0]
    if record["values"]:
        values = read("the values", record["values"], SENSOR, record["targets"])
    text = read("the names", record["text"], "u1", record["text_size"]).tobytes()
    places: list[int] = []
    if record["classes"]:
        places = read("the classes", record["class_names"], "<u2", record["classes"]).tolist()

    def name(place: int) -> str:
        end = text.find(b"\0", place)
        if end < 0:
            raise CatsError("partition image is invalid: a name has no end; export again")
        return text[place:end].decode(errors="replace")

    both = (
        tuple((name(row["name"]), name(row["unit"])) for row in rows) for rows in (sensors, values)
    )
    return Image(
        head, model, gathers, sources, arrays, record, sensors, tuple(map(name, places)), *both,
        embed, stream, llama,
    )  # fmt: skip


def _plain(row: np.void) -> dict:
    return {name: row[name].tolist() for name in row.dtype.names}
