# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""One node's partition as bytes; include/cats/image.h and
doc/partition-format.rst define what every field means.

``members`` cuts a node's share out of the integer model as a list of named arrays, ``pack`` lays
them one after the other. ``c_header`` writes the same list as C, ``image_reader`` reads bytes back.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.integer import four_bits
from cats.integer.llama_model import FourBitProduct, LlamaModel, columns_of
from cats.integer.llama_stream import Gathers, gathers_of
from cats.integer.model import PATHS, IntegerModel, Product, Step
from cats.integer.samples import sensors, value_records
from cats.plan.arena import round_up
from cats.plan.plan import Plan, coded_bytes, plan_dict
from cats.plan.radio import SEALED
from cats.plan.timing import row_us
from cats.shape.config import POOLS, to_json
from cats.shape.image_layout import (
    ARENA_NAMES,
    CHANNEL,
    CRC_BEGIN,
    EMBED,
    FLAG_CAUSAL,
    FLAG_EMPTY_GATHERS,
    FLAG_FOUR_BITS,
    FLAG_HELD,
    FLAG_HOPS,
    FLAG_LLAMA,
    FLAG_OWN_EMBEDDING,
    FLAG_PARALLEL,
    FLAG_ROWS,
    FLAG_SEALED,
    FLAG_SIGNED_STEM,
    FLAG_STEM,
    FLAG_STREAM,
    FORMAT_VERSION,
    GATHER,
    HEADER,
    HOP,
    IMAGE_ALIGN,
    LLAMA,
    LLAMA_REPLICATED,
    LLAMA_REPLICATED_FORWARD,
    LLAMA_WIDE_KEYS,
    MAGIC,
    METADATA,
    MODEL,
    NORM,
    RADIO_NAMES,
    RADIO_SHIFT,
    SOURCE,
    STREAM,
    TOKEN_BYTES,
)
from cats.shape.metadata import NORMALISATIONS, Metadata
from cats.shape.partition import (
    PRUNABLE,
    Kind,
    element_bytes,
    embed_ranges,
    gather_kind,
    hidden_width,
    input_ranges,
    keeps_none,
    no_columns,
    node_view,
    own_ranges,
    residual_ranges,
    row_source,
    shares_rows,
    silent,
    stride_of,
)

#: In place of a gather: an offset of the header, of the metadata, of the model, of the stem or
#: second product of the embedding, or of what a Llama model has beside.
HEADED, DESCRIBED, SHAPED, EMBEDDED, LLAMA_RECORD = -1, -2, -3, -4, -5
#: Of several hops: what stands behind the source table, and the lists that it points into.
UNNAMED, HOPPED = -6, -7
#: The field of a gather's scales, whose offset stands in an array of its own: that.
SCALES, LLAMA_SCALES = "scales", "llama_scales"


@dataclass(frozen=True)
class Member:
    """One array of an image. ``gather`` and ``field`` name the offset that points to it (gather
    HEADED: in the header, DESCRIBED: in the metadata, SHAPED: in the model, EMBEDDED: in the record
    of the stem or of the embedding's second product, LLAMA_RECORD: in that of a Llama model),
    ``note`` is the comment in C."""

    name: str
    data: np.ndarray
    gather: int
    field: str
    note: str


def model_id(model: IntegerModel | LlamaModel, plan: Plan) -> int:
    """32 bits that name a deployment: the first four bytes (little-endian) of SHA-256 over shape,
    split, keep sets, every integer tensor and the plan without the arenas; never 0."""
    model = gathers_of(model)
    digest = hashlib.sha256()

    def add(name: str, value: object) -> None:
        text = json.dumps([name, value], sort_keys=True, separators=(",", ":"))
        digest.update(text.encode() + b"\n")

    common = plan_dict(plan)
    del common["arenas"]
    add("config", to_json(model.config))
    add("split", to_json(model.split))
    add("keep", model.keep)
    add("scales", [_float_bits(model.input_scale), _float_bits(model.output_scale)])
    add("plan", common)
    parts = {str(g): step for g, step in enumerate(model.steps)}
    parts |= {name: getattr(model, name) for name in PATHS if getattr(model, name) is not None}
    if isinstance(model, Gathers):
        parts["tokens"] = model.tokens
        parts |= {"tables": model.tables} if model.tables else {}
    for of, part in parts.items():
        for name, value in _flatten(part):
            if isinstance(value, np.ndarray):
                add(f"{of}.{name}", [value.dtype.name, value.shape])
                digest.update(np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes())
            else:
                add(f"{of}.{name}", None if value is None else int(value))
    return int.from_bytes(digest.digest()[:4], "little") or 1


def _flatten(part: Step | Product) -> list[tuple[str, object]]:
    out: list[tuple[str, object]] = []
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if dataclasses.is_dataclass(value):
            out += [(f"{field.name}.{f.name}", getattr(value, f.name))
                    for f in dataclasses.fields(value)]  # fmt: skip
        else:
            out.append((field.name, value))
    return out


def _float_bits(value: float) -> int:
    return int(np.float32(value).view(np.uint32))


def product_columns(model: IntegerModel, g: int, node: int) -> np.ndarray:
    """Output columns (int64 indices into the whole product) that node computes in gather g.
    ATTENTION: for each own head E columns of q, E of k, E of v."""
    config, split = model.config, model.split
    kind, _ = gather_kind(config, g)
    if config.by_token:
        return columns_of(config, split, kind, node)
    if kind == Kind.INPUT:
        begin, end = embed_ranges(config, split)[node]
        return np.arange(begin, end if split.inputs[node] or not silent(config, g) else begin)
    begin, end = own_ranges(config, split, _RESULT_OF.get(kind, kind))[node]
    if kind != Kind.ATTENTION:
        return np.arange(begin, end)
    width, features = config.head_width, config.features
    starts = np.arange(begin, end, width)[:, None] + np.arange(3)[None, :] * features
    return (starts[:, :, None] + np.arange(width)).reshape(-1)


#: The tensor whose columns a gather's product makes.
_RESULT_OF = {
    Kind.HEADS: Kind.ATTENTION, Kind.FORWARD: Kind.HIDDEN,
    Kind.HIDDEN: Kind.ATTENTION, Kind.OUTPUT: Kind.RESULT,
}  # fmt: skip


def weight_order(weights: np.ndarray) -> np.ndarray:
    """int8 [outputs, view] to int8 [outputs, stride]: padded with zeros to a multiple of four
    columns, and 0, 2, 1, 3 within each four."""
    outputs, view = weights.shape
    stride = round_up(view, 4)
    padded = np.zeros((outputs, stride), np.int8)
    padded[:, :view] = weights
    return padded.reshape(outputs, stride // 4, 4)[:, :, [0, 2, 1, 3]].reshape(outputs, stride)


def radio_name(plan: Plan, nodes: int) -> str:
    """Of RADIO_NAMES the radio whose frames the slots are for; "" for one node: it sends none."""
    return plan.radio.removesuffix(SEALED) if nodes > 1 else RADIO_NAMES[0]


def members(model: IntegerModel | LlamaModel, plan: Plan, node: int, ident: int) -> list[Member]:
    """All arrays of a node's image in their order; offsets, image size and CRC are still 0."""
    model = gathers_of(model)
    config, split = model.config, model.split
    if not 0 <= node < split.nodes:
        raise CatsError(f"node {node}: the deployment has nodes 0 to {split.nodes - 1}")
    arena = plan.arenas[node]
    head = np.zeros(1, HEADER)
    head["magic"] = MAGIC
    head["format_version"] = FORMAT_VERSION
    head["header_size"] = HEADER.itemsize
    head["model_id"] = ident
    head["node"] = node
    head["nodes"] = split.nodes
    head["gathers"] = len(plan.gathers)
    head["arena_size"] = arena.size
    shape = np.zeros(1, MODEL)
    for name, value in {
        "tokens": config.tokens, "tokens_in": config.tokens_in, "features": config.features,
        "heads": config.heads, "hidden": config.hidden, "blocks": config.blocks,
        "inputs": config.inputs, "outputs": config.outputs, "head_width": config.head_width,
        "own_heads": split.heads[node],
        "own_hidden": hidden_width(config, split, node),
        "own_inputs": TOKEN_BYTES if config.by_token else split.inputs[node],
        "own_outputs": split.outputs[node], "first_output": sum(split.outputs[:node]),
        "first_input": 0 if config.by_token else sum(split.inputs[:node]),
        "first_head": sum(split.heads[:node]),
        "flags": (
            FLAG_CAUSAL * config.causal + FLAG_HELD * plan.held
            + FLAG_SEALED * plan.radio.endswith(SEALED)
            + FLAG_OWN_EMBEDDING * (config.embed == "own") + FLAG_STEM * config.stem
            + FLAG_SIGNED_STEM * config.signed_stem
            + FLAG_EMPTY_GATHERS * keeps_none(config, split, model.keep)
            + FLAG_STREAM * bool(config.context) + FLAG_LLAMA * config.by_token
            + FLAG_FOUR_BITS * bool(config.four_bits) + FLAG_PARALLEL * config.parallel_blocks
            + FLAG_ROWS * config.sends_rows + FLAG_HOPS * relays(plan)
            + (RADIO_NAMES.index(radio_name(plan, split.nodes)) << RADIO_SHIFT)
        ),
        "pool": POOLS.index(config.pool), "block_rows": plan.block_rows,
        "heads_per_pass": plan.heads_per_pass[node], "hidden_rows": plan.hidden_rows,
        "input_scale": _float_bits(model.input_scale),
        "output_scale": _float_bits(model.output_scale),
        # Plans of before linear paths and means of normed rows have none of their buffers.
        **{f"arena_{name}": arena.offsets.get(name, 0) for name in ARENA_NAMES},
    }.items():  # fmt: skip
        shape[name] = value
    count = len(plan.gathers)
    table = np.zeros(count, GATHER)
    sources = np.zeros((count, split.nodes), SOURCE)
    arrays: list[Member] = []
    for g, gather in enumerate(plan.gathers):
        kind, block = gather_kind(config, g)
        step = model.steps[g]
        row = table[g]
        for name, value in {
            "kind": int(kind), "block": block, "phase": gather.phase % 256,
            "rounds": gather.rounds, "row_begin": gather.row_begin, "rows": gather.rows,
            "tile_rows": gather.tile_rows, "element": element_bytes(kind, config.candidates),
            "buffers": gather.buffers, "slot_us": gather.slot_us,
            "control_us": gather.control_us, "turn_us": gather.turn_us,
            "coded_us": gather.coded_us,
            "spacing_us": gather.spacing_us, "tile": arena.tiles[g], "outbox": arena.outboxes[g],
            "send_multiplier": step.send_multiplier, "send_shift": step.send_shift,
            "score_multiplier": step.score_multiplier,
            "value_multiplier": step.value_multiplier, "value_shift": step.value_shift,
        }.items():  # fmt: skip
            row[name] = value
        if config.by_token and kind == Kind.ATTENTION:
            row["score_multiplier"] = int(row_us(config, split, model.keep) * 2**16)
        for s, (cut, (begin, end)) in enumerate(
            zip(gather.sources, own_ranges(config, split, kind), strict=True)
        ):
            columns = end - begin
            if config.by_token and kind == Kind.INPUT:
                columns = split.inputs[s] * config.sends_rows
                if columns and split.nodes > 1:
                    cut = gather.sources[row_source(split)]
            columns = split.outputs[s] if kind == Kind.RESULT else columns
            sources[g, s] = (cut.width, cut.segment_width, cut.segments, cut.fragment_rows,
                             columns)  # fmt: skip
        mute = gather.sources[node].width == 0 or no_columns(config, g)
        arrays += _gather_arrays(model, g, node, row, mute)
        if isinstance(model, Gathers) and kind == Kind.INPUT:
            arrays += _llama_arrays(model, node)
        elif kind == Kind.INPUT:
            arrays += _embed_arrays(model, node, arena.offsets)
        elif g == 1 and config.context:
            record = np.zeros(1, STREAM)
            record["rows"] = config.context
            arrays.append(Member("stream", record, g, "table", "an inference is a step"))
    return [
        Member("header", head, HEADED, "", "identity, sizes, checksum"),
        Member("model", shape, HEADED, "model", "shape, this node's share, arena"),
        Member("gathers", table, HEADED, "gather_table", "the exchanges in their order"),
        Member("sources", sources, HEADED, "source_table", "how each source cuts its rows: [G][D]"),
        *(_hop_arrays(plan) if relays(plan) else ()),
        *arrays,
        *(_linear_arrays(model.linear, shape) if node == split.holder(config) else ()),
        *(_metadata_arrays(model, model.metadata) if model.metadata and told(model) else ()),
    ]


def relays(plan: Plan) -> bool:
    """Whether a plan is for several hops."""
    return any(gather.turns is not None for gather in plan.gathers)


def _hop_arrays(plan: Plan) -> list[Member]:
    """The turns of each gather, and right behind the sources where these stand: lists that are
    alike stand there once."""
    lists = list(dict.fromkeys(gather.turns or () for gather in plan.gathers))
    padded = [turns + (0,) * (-len(turns) % 4) for turns in lists]
    record = np.zeros(len(plan.gathers), HOP)
    record[0]["repeats"] = plan.repeats
    for row, gather in zip(record, plan.gathers, strict=True):
        turns = gather.turns or ()
        row["list"] = sum(map(len, padded[: lists.index(turns)]))  # seal() adds that of the lists
        row["slots"] = len(turns)
        row["size"] = coded_bytes(gather.sources, gather.tile_rows) if gather.sends else 0
    every = np.array([turn for turns in padded for turn in turns], np.uint8)
    return [
        Member("hops", record, UNNAMED, "", "turns of each gather: [G]"),
        Member("hop_turns", every, HOPPED, "list", "whose turn it is, slot by slot"),
    ]


def told(model: IntegerModel) -> bool:
    """Whether images say how samples become inputs. Not of a stream whose windows are normalised
    each by itself: a step knows a part of it alone, so its application must know better."""
    by_window = model.metadata is not None and model.metadata.normalisation == "window"
    return not (model.config.context and by_window)


def _embed_arrays(model: IntegerModel, node: int, places: Mapping[str, int]) -> list[Member]:
    """The stem of a node, or the second product of its embedding; ``places`` of buffers."""
    config, split = model.config, model.split
    name, product, note = "stem", model.stem, "the stem"
    inputs, outputs = input_ranges(split)[node], own_ranges(config, split, Kind.INPUT)[node]
    if not config.stem:
        name, product, note = "embed", model.embed_out, "the second product of the embedding"
        inputs = embed_ranges(config, split)[node]
        outputs = own_ranges(config, split, Kind.ATTENTION)[node]
    if product is None or inputs[0] == inputs[1]:
        return []
    own = slice(*outputs)
    record = np.zeros(1, EMBED)
    record["shift"], record["arena_hidden"] = product.shift, places[name]
    weights = weight_order(product.weight[slice(*inputs), own].T)
    what = "own columns" if config.stem else "own features"
    return [
        Member("embed", record, 0, "norm", note),
        Member("embed_weights", weights, EMBEDDED, "weights", f"[{what}][stride], as all"),
        Member("embed_channels", _channels(product, own), EMBEDDED, "channels",
               f"of each own column: [{what}]"),
    ]  # fmt: skip


def _llama_arrays(model: Gathers, node: int) -> list[Member]:
    """What a node has of a Llama model beside its gathers."""
    tokens, config = model.tokens, model.config
    own = slice(*residual_ranges(config, model.split)[node])
    record = np.zeros(1, LLAMA)
    record["key_heads"], record["embed_shift"] = config.key_heads, tokens.embed_shift
    record["flags"] = (
        LLAMA_WIDE_KEYS * config.wide_keys
        + LLAMA_REPLICATED * bool(config.replicated)
        + LLAMA_REPLICATED_FORWARD * config.replicates_hidden
    )
    found = [
        Member("llama", record, 0, "table", "embedding, positions, key/value heads"),
        Member("llama_rows", np.ascontiguousarray(tokens.rows[:, own]), LLAMA_RECORD, "rows",
               "own columns of each token's row: [inputs][own features]"),
        Member("llama_multipliers", tokens.multiplier.astype("<i4"), LLAMA_RECORD, "multipliers",
               "of each token: [inputs]"),
        Member("llama_exponents", tokens.exponent[own].astype("u1"), LLAMA_RECORD, "exponents",
               "of own residual columns: [own features]"),
        Member("llama_turn", tokens.turn.astype("<u4"), LLAMA_RECORD, "turn",
               "of a pair of columns, from a row to the next, in 2^-32 of a turn"),
        *([Member(LLAMA_SCALES, np.zeros(len(model.steps), "<u4"), LLAMA_RECORD, SCALES,
                  "where scales of each gather's weights stand, of those of four bits: [G]")]
          if config.four_bits else ()),
    ]  # fmt: skip
    if config.sends_rows:
        record["multipliers"] = config.row_parts
        rows = model.rows(range(*input_ranges(model.split)[node]))
        found[1:3] = [Member("llama_rows", rows, LLAMA_RECORD, "rows",
                             "of each own token: parts, a multiplier and [features]")]  # fmt: skip
        if shares_rows(config, model.split, model.keep, node):
            del found[1]
        return [part for part in found if part.data.size]
    embedding = ("rows", "multipliers", "exponents")  # of columns that a node without heads lacks
    return [part for part in found if own.start < own.stop or part.field not in embedding]


def _linear_arrays(product: Product | None, shape: np.ndarray) -> list[Member]:
    """The linear path's arrays; fills the shift in the model's record."""
    if product is None:
        return []
    shape["linear_shift"] = product.shift
    weights, channels = weight_order(product.weight.T), _channels(product, slice(None))
    return [
        Member("linear_weights", weights, SHAPED, "linear_weights", "[outputs][window], as all"),
        Member("linear_channels", channels, SHAPED, "linear_channels", "of each output: [outputs]"),
    ]


def _channels(product: Product, columns: np.ndarray | slice) -> np.ndarray:
    """CHANNEL of some output columns."""
    channels = np.zeros(len(product.bias[columns]), CHANNEL)
    channels["bias"] = product.bias[columns]
    channels["multiplier"] = product.multiplier[columns]
    return channels


def _metadata_arrays(model: IntegerModel, metadata: Metadata) -> list[Member]:
    """The metadata and what it points to."""
    metadata.check(model.config.whole)
    described = [*metadata.channels, *(metadata.values or ())]
    texts = [text for channel in described for text in (channel.name, channel.unit)]
    pool, places = _text([*texts, *(metadata.classes or ())])
    both = np.concatenate([sensors(model), value_records(model)])
    both["name"], both["unit"] = places[0 : len(texts) : 2], places[1 : len(texts) : 2]
    rows, values = np.split(both, [len(metadata.channels)])
    targets = len(values) if metadata.horizon is None else metadata.targets
    step_ns = round((metadata.step or 0) * 1e9)
    height, width = metadata.height, metadata.width
    if model.config.context:  # a sample is what one step takes, its patches side by side
        height, width = metadata.patch[0], metadata.patch[1] * model.config.tokens_in
    record = np.zeros(1, METADATA)
    for name, value in {
        "normalisation": NORMALISATIONS.index(metadata.normalisation),
        "channels": len(rows), "height": height, "width": width,
        "patch_height": metadata.patch[0], "patch_width": metadata.patch[1],
        "overlap": metadata.overlap,
        "classes": len(metadata.classes or ()), "horizon": metadata.horizon or 0,
        "step_s": step_ns // 10**9, "step_ns": step_ns % 10**9, "text_size": len(pool),
        "targets": targets,
    }.items():  # fmt: skip
        record[name] = value
    names = np.array(places[len(texts) :], "<u2")
    return [
        Member("metadata", record, HEADED, "metadata", "what samples and outputs mean"),
        Member("metadata_sensors", rows, DESCRIBED, "sensors", "each channel of a sample"),
        *([Member("metadata_values", values, DESCRIBED, "values", "each value of an output")]
          if len(values) else []),
        *([Member("metadata_class_names", names, DESCRIBED, "class_names", "places in the text")]
          if len(names) else []),
        Member("metadata_text", np.frombuffer(pool, "S1"), DESCRIBED, "text", "names and units"),
    ]  # fmt: skip


def _text(texts: Sequence[str]) -> tuple[bytes, list[int]]:
    """(all different texts in their order, each ended by a zero; the place of each text)."""
    places: dict[str, int] = {}
    pool = b""
    for text in texts:
        if text not in places:
            places[text] = len(pool)
            pool += text.encode() + b"\0"
    if len(pool) >= 2**16:
        raise CatsError(f"names of classes and channels take {len(pool)} bytes: at most 65535")
    return pool, [places[text] for text in texts]


def _gather_arrays(
    model: IntegerModel, g: int, node: int, row: np.void, mute: bool
) -> list[Member]:
    """The arrays that gather g points to; fills view, stride, products, shift, epsilon in row."""
    config, split = model.config, model.split
    kind, block = gather_kind(config, g)
    step = model.steps[g]
    begin, end = own_ranges(config, split, kind)[node]
    prefix = kind.name.lower()
    if kind in PRUNABLE and kind != Kind.OUTPUT:
        prefix = f"block{block}_{prefix}"
    found: list[Member] = []

    def add(field: str, data: np.ndarray, note: str) -> None:
        if data.size:
            found.append(Member(f"{prefix}_{field}", data, g, field, note))

    if not mute:
        kept = np.array(model.keep[g][node], np.int64) - begin
        add("own_keep", kept.astype("<u2"), "own columns that are broadcast: [kept]")
    if kind == Kind.RESULT:
        return found
    product = step.product
    if product is None:  # INPUT of a Llama model
        return found
    view = np.array(node_view(config, split, model.keep, g, node), np.int64)
    columns = product_columns(model, g, node)
    row["view"], row["products"], row["shift"] = len(view), len(columns), product.shift
    # without an output there is no scale that says how wide a weight is
    row["stride"] = stride_of(config, g, len(view)) if len(columns) else round_up(len(view), 4)
    if kind == Kind.INPUT:
        own = own_ranges(config, split, Kind.ATTENTION)[node]
        assert step.table is not None
        add(
            "table",
            step.table[:, own[0] : own[1]].astype("<i2"),
            f"position and bias, residual units: [{'C' if config.context else 'N'}][own features]",
        )
    elif config.by_token and step.table is not None:
        assert step.table is not None
        add("table", step.table.astype("<i2"), "activation at every 256th value of the gate: [257]")
    elif kind == Kind.FORWARD and step.table is not None:
        add("table", step.table.astype(np.int8), "activation of v at [v + 128]")
    if step.norm is not None and (len(columns) or not config.by_token):
        norm = np.zeros(len(view), NORM)
        norm["gain"], norm["bias"] = step.norm.gain[view], step.norm.bias[view]
        row["norm_epsilon"] = step.norm.epsilon
        add("norm", norm, "gain and bias of each view column, Q8: [view]")
    weights = product.weight[np.ix_(view, columns)]
    if isinstance(product, FourBitProduct):
        add("weights", four_bits.pack(weights), "four bits: [outputs][stride / 2], see numerics")
    else:
        note = "[outputs][stride], each four columns as 0, 2, 1, 3"
        add("weights", weight_order(weights.T), note)
    add("channels", _channels(product, columns), "bias and multiplier of each output: [outputs]")
    if isinstance(product, FourBitProduct):
        scales = np.ascontiguousarray(product.scale[:, columns].T)
        add(SCALES, scales, "of each 32 weights of an output: [outputs][groups]")
    return found


def seal(parts: list[Member]) -> tuple[bytes, list[int]]:
    """Fill offsets, size and CRC in place; (the image, offset of each member)."""
    offsets: list[int] = []
    at = 0
    for part in parts:
        offsets.append(at)
        at = round_up(at + part.data.nbytes, 4)
    head, table = parts[0].data, parts[2].data
    records = {part.name: part.data for part in parts}
    owners = {
        HEADED: head, DESCRIBED: records.get("metadata"), SHAPED: records["model"],
        EMBEDDED: records.get("embed"), LLAMA_RECORD: records.get("llama"),
    }  # fmt: skip
    for part, offset in zip(parts[1:], offsets[1:], strict=True):
        if part.gather == UNNAMED:
            continue
        if part.gather == HOPPED:
            records["hops"][part.field] += offset
        elif part.gather < 0:
            owners[part.gather][part.field] = offset
        elif part.field == SCALES:
            records[LLAMA_SCALES][part.gather] = offset
        else:
            table[part.field][part.gather] = offset
    size = round_up(at, IMAGE_ALIGN)
    head["image_size"] = size
    head["crc32"] = 0
    image = bytearray(size)
    for part, offset in zip(parts, offsets, strict=True):
        image[offset : offset + part.data.nbytes] = part.data.tobytes()
    crc = zlib.crc32(memoryview(image)[CRC_BEGIN:])
    head["crc32"] = crc
    image[: HEADER.itemsize] = head.tobytes()
    return bytes(image), offsets


def pack(model: IntegerModel | LlamaModel, plan: Plan, node: int, ident: int) -> bytes:
    """The partition image of one node; ``ident`` is model_id(model, plan)."""
    return seal(members(model, plan, node, ident))[0]
