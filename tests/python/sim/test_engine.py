# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The C engine: kernels against the reference, D engines against one reference, to the bit."""

import dataclasses
import errno
import os
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import planned
from cats.deploy import image, image_reader
from cats.errors import CatsError
from cats.integer import reference
from cats.integer.llama_stream import stream_of
from cats.integer.model import Norm, Step
from cats.integer.random_llama import random_config, random_llama
from cats.integer.random_models import random_inputs, random_model
from cats.native import ffi, lib
from cats.plan.arena import round_up
from cats.plan.plan import plan_from_json
from cats.plan.planner import make_plan
from cats.report import read_json
from cats.shape import image_layout as layout
from cats.shape.config import POOLS, ModelConfig, SplitConfig
from cats.shape.partition import Kind
from cats.sim.engine import Engine, aligned, verify
from lockstep import engines_of, lockstep
from vectors import PLAN, case_files, cases, new_plan

ROOT = Path(__file__).resolve().parents[3]
#: What a build may leave out.
FEATURES = ("LINEAR", "MEAN_OF_NORM", "OWN_EMBEDDING", "EMPTY_GATHERS", "FOUR_BITS",
            "FAST_ROW", "FAST_TILES", "LLAMA", "STREAM")  # fmt: skip
#: Of the compiler's own library: 64-bit division (cats_temperature()).
DIVISIONS = ("__aeabi_ldivmod", "__aeabi_uldivmod")
#: And the files that it then does not have.
LEFT_OUT = {"embed.c", "linear.c", "mean.c", "steps.c", "gate.c", "image_llama.c", "llama.c",
            "rms_norm.c", "rms_norm_dsp.c",
            "rotary.c", "score_turned.c", "score_turned_dsp.c", "window.c"}  # fmt: skip
VECTORS = ROOT / "tests" / "vectors"
ENGINE = sorted((ROOT / "subsys" / "cats" / "engine").glob("*.[cS]"))
#: What an inference needs; the rest is for applications, and has single precision beside integers.
CORE = [path for path in ENGINE if path.name != "metadata.c"]

STEP = 2  # rows one after the other, as the portable kernels want them: kernels.h

int32 = st.integers(-(2**31), 2**31 - 1)
multipliers = st.one_of(st.integers(1, 2**31 - 1), st.integers(2**30, 2**31 - 1))
shifts = st.integers(1, 62)


def arranged(row: np.ndarray, stride: int) -> np.ndarray:
    """An int16 row, padded to the stride, in the order that the product's kernel reads."""
    padded = np.zeros(stride, np.int16)
    padded[: len(row)] = row
    lib.cats_arrange(ffi.from_buffer("int16_t[]", padded), 0, stride)
    return padded


# Kernels


@settings(deadline=None)
@given(v=int32, multiplier=multipliers, shift=shifts)
def test_requantize(v, multiplier, shift):
    # By way of a product with no column but padding: bias in, saturated result out.
    want = reference.rq(np.int64(v), multiplier, shift)
    channels = ffi.new("struct cats_image_channel[1]", [{"bias": v, "multiplier": multiplier}])
    out, y, weights = (np.zeros(4, kind) for kind in (np.int16, np.int16, np.int8))
    product = ffi.new(
        "struct cats_product *",
        {
            "y": ffi.from_buffer("int16_t[]", y), "weights": ffi.from_buffer("int8_t[]", weights),
            "channels": channels, "out": ffi.from_buffer(out), "row_step": 1, "output_step": 1,
            "rows": 1, "stride": 4, "outputs": 1, "shift": shift, "store": lib.CATS_STORE_ADD,
        },
    )  # fmt: skip
    lib.cats_multiply(product)
    assert out[0] == reference.sat16(want)


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**31),
    rows=st.integers(1, 4),
    view=st.integers(1, 70),
    outputs=st.integers(1, 9),
    shift=st.one_of(st.integers(20, 45), shifts),
    store=st.integers(0, 5),
    across=st.booleans(),
)
def test_product(seed, rows, view, outputs, shift, store, across):
    rng = np.random.default_rng(seed)
    y = rng.integers(-128, 128, (rows, view))
    weights = rng.integers(-127, 128, (outputs, view))
    bias = rng.integers(-(2**30), 2**30 + 1, outputs) >> rng.integers(0, 31)
    multiplier = rng.integers(1, 2**31, outputs)
    stride = round_up(view, 4)
    channels = ffi.new("struct cats_image_channel[]", outputs)
    for o in range(outputs):
        channels[o].bias, channels[o].multiplier = int(bias[o]), int(multiplier[o])
    wide = store >= lib.CATS_STORE_INT16
    out = rng.integers(-128, 128, (outputs, rows + 1) if across else (rows, outputs + 1))
    out = (out * 250).astype(np.int16) if wide else out.astype(np.int8)
    table = rng.integers(-128, 128, 256).astype(np.int8)
    if store == lib.CATS_STORE_EMBED:
        table = rng.integers(-(2**15), 2**15, out.shape).astype(np.int16)
    want = out.astype(np.int64)
    block = np.stack([arranged(row, stride) for row in y])
    packed = np.ascontiguousarray(image.weight_order(weights.astype(np.int8)))
    lib.cats_multiply(
        ffi.new(
            "struct cats_product *",
            {
                "y": ffi.from_buffer("int16_t[]", block),
                "weights": ffi.from_buffer("int8_t[]", packed),
                "channels": channels,
                "table": ffi.from_buffer(table),
                "out": ffi.from_buffer(out),
                "row_step": 1 if across else outputs + 1,
                "output_step": rows + 1 if across else 1,
                "rows": rows,
                "stride": stride,
                "outputs": outputs,
                "shift": shift,
                "store": store,
            },
        )  # fmt: skip
    )
    sums = reference.rq(y @ weights.T + bias, multiplier, shift)  # [rows, outputs]
    place = (slice(0, outputs), slice(0, rows)) if across else (slice(0, rows), slice(0, outputs))
    sums = sums.T if across else sums
    want[place] = {
        lib.CATS_STORE_INT8: lambda: reference.sat8(sums),
        lib.CATS_STORE_RELU: lambda: reference.activate(sums, None),
        lib.CATS_STORE_TABLE: lambda: reference.activate(sums, table),
        lib.CATS_STORE_INT16: lambda: np.maximum(reference.sat16(sums), -32767),
        lib.CATS_STORE_ADD: lambda: reference.add(want[place], sums),
        lib.CATS_STORE_EMBED: lambda: reference.sat16(table[place].astype(np.int64) + sums),
    }[store]()
    np.testing.assert_array_equal(out, want)


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**31),
    columns=st.one_of(st.integers(1, 70), st.just(4096)),
    spread=st.integers(0, 128),
    missing=st.sampled_from((0.0, 0.3, 0.99)),
    epsilon=st.sampled_from((0, 1, 655, 65536, 2**32 - 1)),
)
def test_norm(seed, columns, spread, missing, epsilon):
    rng = np.random.default_rng(seed)
    x = np.clip(rng.integers(-spread, spread + 1, columns) + rng.integers(-60, 61), -128, 127)
    if spread == 128:
        x = rng.choice([-128, 127], columns)
    available = rng.random(columns) >= missing
    available[rng.integers(columns)] = True
    gain = rng.choice([-32768, 32767, 0, 256, 8192], columns).astype(np.int16)
    bias = rng.choice([-32768, 32767, 0, 256], columns).astype(np.int16)
    gains = np.zeros(columns, layout.NORM)
    gains["gain"], gains["bias"] = gain, bias
    y = np.where(available, x, 0).astype(np.int16)
    lib.cats_norm(
        ffi.from_buffer("int16_t[]", y), 2, columns, int(available.sum()),
        ffi.from_buffer("struct cats_image_norm[]", gains), epsilon,
    )  # fmt: skip
    want = reference.norm(x, available, Norm(gain, bias, epsilon))
    np.testing.assert_array_equal(np.where(available, y, 0), want)


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.one_of(st.integers(1, 20), st.just(1023)),
    width=st.integers(1, 17),
    size=st.sampled_from((1, 30, 128)),
    score_multiplier=st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 2**24)),
    value_multiplier=multipliers,
    value_shift=st.one_of(st.integers(40, 48), shifts),
)
def test_attention(seed, n, width, size, score_multiplier, value_multiplier, value_shift):
    rng = np.random.default_rng(seed)
    q, k, v = (rng.integers(-size, size, (rows, width)).astype(np.int8) for rows in (1, n, n))
    step = Step(
        score_multiplier=score_multiplier, value_multiplier=value_multiplier,
        value_shift=value_shift,
    )  # fmt: skip
    want = reference.attention(q, k, v, np.ones((1, n), bool), step)[0]
    padded = round_up(n, 4)
    value = rng.integers(-128, 128, (width, padded)).astype(np.int8)  # the padding is not read
    value[:, :n] = v.T
    scores = np.zeros(padded, np.int32)
    out = q[0].copy()  # in place, as the engine does
    attention = ffi.new(
        "struct cats_attention *",
        {
            "key": ffi.from_buffer("int8_t[]", k), "value": ffi.from_buffer("int8_t[]", value),
            "scores": ffi.from_buffer("int32_t[]", scores), "score_multiplier": score_multiplier,
            "value_multiplier": value_multiplier, "value_step": padded,
            "value_shift": value_shift, "width": width,
        },
    )  # fmt: skip
    place = ffi.from_buffer("int8_t[]", out)
    lib.cats_attend(attention, place, n, place)
    np.testing.assert_array_equal(out, want)


@settings(deadline=None)
@given(
    scores=st.lists(st.integers(-(2**26), 2**26), min_size=1, max_size=40),
    multiplier=st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 2**20)),
)
def test_softmax(scores, multiplier):
    data = np.array(scores, np.int32)
    total = lib.cats_softmax(
        ffi.from_buffer("int32_t[]", data), len(scores), max(scores), multiplier
    )
    want = reference.softmax(np.array([scores]), np.ones((1, len(scores)), bool), multiplier)[0]
    np.testing.assert_array_equal(data.view(np.int16)[: len(scores)], want)
    assert total == want.sum()


# Whole inferences


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_vectors(case):
    """The committed images and outputs; the inferences follow one another in dirty arenas."""
    folder = VECTORS / case.name
    model = case.model
    plan = plan_from_json(read_json(folder / PLAN))
    engines = [Engine((folder / f"node_{d:02d}.bin").read_bytes()) for d in range(case.nodes)]
    inputs = np.fromfile(folder / "input.bin", np.int8)
    inputs = inputs.reshape(model.config.tokens_in, model.config.inputs)
    order = list(engines[0].exchanges())
    assert order == planned.exchanges(plan)
    for run in ("clean", "lossy", "deaf"):
        packed = np.fromfile(folder / f"{run}.available.bin", np.uint8)
        packed = packed.reshape(len(order), case.nodes, case.nodes, -1)
        flags = np.unpackbits(packed, axis=-1, bitorder="little").astype(bool)
        bits: list = [[None] * p.tiles for p in plan.gathers]
        for e, (g, tile) in enumerate(order):
            bits[g][tile] = flags[e]
        outputs = lockstep(model, plan, engines, inputs, bits)
        want = np.fromfile(folder / f"{run}.output.bin", "<i2").reshape(np.shape(outputs))
        np.testing.assert_array_equal(outputs, want, err_msg=run)


@pytest.mark.no_cover
@settings(max_examples=120, deadline=None)
@given(
    planned.plans(),
    st.integers(0, 2**31),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_inference(planning, seed, loss, wild, causal, early):
    """Any shape, split, keep set, plan and loss: D engines give what the reference gives."""
    config, split, keep, plan = planning
    config = dataclasses.replace(config, causal=causal and config.pool != "class")
    model = random_model(seed, config, split, keep, wild)
    rng = np.random.default_rng(seed)
    engines = engines_of(model, plan)
    order = planned.exchanges(plan)
    assert list(engines[0].exchanges()) == order
    assert lib.cats_exchange_count(engines[0].image) == len(order)
    for inputs in random_inputs(seed, config, 2):
        bits = reference.random_fragments(model, plan, loss, rng)
        outputs = lockstep(model, plan, engines, inputs, bits, lambda: early and rng.random() < 0.5)
        has = reference.availability_from_fragments(model, plan, bits)
        np.testing.assert_array_equal(outputs, reference.run(model, inputs, has))


def test_dead_arena():
    """Bytes of the arena from before do not matter, and begin() with nothing stands for zeros."""
    case = next(c for c in cases() if c.name == "four_even")
    model = case.model
    plan = new_plan(case)
    bits = reference.random_fragments(model, plan, 0.3, np.random.default_rng(1))
    zeros = np.zeros((model.config.tokens_in, model.config.inputs), np.int8)
    engines = engines_of(model, plan)
    want = lockstep(model, plan, engines, zeros, bits)
    for engine in engines:
        ffi.memmove(engine.arena, os.urandom(engine.arena_size), engine.arena_size)
        engine.begin = lambda inputs, begin=engine.begin: begin(None)
    np.testing.assert_array_equal(lockstep(model, plan, engines, zeros, bits), want)


# Images that are refused


@pytest.fixture(scope="module")
def good() -> bytes:
    return (VECTORS / "four_even" / "node_01.bin").read_bytes()


def sealed(data: bytes | bytearray) -> bytes:
    """The same with a right checksum."""
    data = bytearray(data)
    data[12:16] = zlib.crc32(data[16:]).to_bytes(4, "little")
    return bytes(data)


def test_truncated(good):
    """At every length; more than the image is fine, as a flash partition gives it."""
    memory = aligned(good)
    found = ffi.new("struct cats_image *")
    for size in range(len(good)):
        assert lib.cats_image_verify(memory, size, found) == lib.CATS_IMAGE_TRUNCATED
    assert found.header == ffi.NULL
    assert lib.cats_image_verify(memory, len(good), found) == lib.CATS_IMAGE_OK
    assert verify(good + bytes(100))[0] == lib.CATS_IMAGE_OK


def test_flipped(good):
    """Any byte."""
    expected = {
        **dict.fromkeys(range(4), {lib.CATS_IMAGE_FOREIGN}),
        **dict.fromkeys(range(4, 6), {lib.CATS_IMAGE_VERSION}),
        **dict.fromkeys(range(8, 12), {lib.CATS_IMAGE_TRUNCATED, lib.CATS_IMAGE_CORRUPT}),
    }
    memory = aligned(good)
    view = ffi.buffer(memory)
    found = ffi.new("struct cats_image *")
    for at in range(len(good)):
        for flip in (1, 0x80, 0xFF):
            view[at] = bytes([good[at] ^ flip])
            error = lib.cats_image_verify(memory, len(good), found)
            assert error in expected.get(at, {lib.CATS_IMAGE_CORRUPT}), at
        view[at] = good[at : at + 1]
    assert lib.cats_image_verify(memory, len(good), found) == lib.CATS_IMAGE_OK


def test_foreign(good):
    found = ffi.new("struct cats_image *")
    assert lib.cats_image_verify(ffi.NULL, 100, found) == lib.CATS_IMAGE_FOREIGN
    odd = ffi.cast("uint8_t *", aligned(bytes(4) + good)) + 4
    assert lib.cats_image_verify(odd, len(good), found) == lib.CATS_IMAGE_FOREIGN
    assert verify(b"\xff" * len(good))[0] == lib.CATS_IMAGE_FOREIGN  # flash that was erased


def test_sizes_of_an_image(good):
    """One that says it is smaller than its header, or is no multiple of its alignment."""
    for size, want in ((8, lib.CATS_IMAGE_CORRUPT), (len(good) - 4, lib.CATS_IMAGE_INVALID)):
        data = changed(good, {"header[0].image_size[0]": size})
        assert verify(sealed(data[: max(size, 64)]))[0] == want


def test_expected(good):
    engine = Engine(good)
    ident = int(engine.header.model_id)
    for node, model_id, error in (
        (1, ident, lib.CATS_IMAGE_OK),
        (-1, 0, lib.CATS_IMAGE_OK),
        (2, ident, lib.CATS_IMAGE_NODE),
        (1, ident ^ 1, lib.CATS_IMAGE_MODEL),
        (2, ident ^ 1, lib.CATS_IMAGE_MODEL),
    ):
        assert lib.cats_image_expect(engine.image, node, model_id) == error


def changed(data: bytes, numbers: dict[str, int]) -> bytes:
    """The image with these numbers of fields() in place of its own, checksum right."""
    new = bytearray(data)
    for name, _, at, dtype in fields(data):
        if name in numbers:
            new[at : at + dtype.itemsize] = numbers[name].to_bytes(dtype.itemsize, "little")
    return sealed(new)


@pytest.mark.parametrize("case", ["two_class", "three_segments", "sixteen"])
def test_buffers_of_tiles_end_in_the_arena(case):
    """Of each gather: what others send, and what the node sends itself."""
    data = (VECTORS / case / "node_00.bin").read_bytes()
    found = image_reader.parse(data)
    for g, gather in enumerate(found.gathers):
        own, *others = found.sources[g].tolist()
        width, _, segments, _, columns = own
        ready = Kind(gather["kind"]) in (Kind.INPUT, Kind.HEADS, Kind.HIDDEN, Kind.OUTPUT)
        sizes = {"tile": sum(source[0] for source in others), "outbox": width}
        if ready and segments == 1 and width == columns:
            sizes["outbox"] = 0
        for field, bytes_a_row in sizes.items():
            last = (found.header["arena_size"] - gather["tile_rows"] * bytes_a_row) // 4 * 4
            for which in ([0], [1]) if gather["buffers"] == 2 else ([0, 1],):
                for place, error in (
                    (last, lib.CATS_IMAGE_OK),
                    (last + 4, lib.CATS_IMAGE_INVALID),
                    (last - 2, lib.CATS_IMAGE_INVALID),
                ):
                    numbers = {f"gather[{g}].{field}[{n}]": place for n in which}
                    assert verify(changed(data, numbers))[0] == error, numbers


def test_no_such_fragment(good):
    engine = Engine(good)
    size = ffi.new("uint16_t *", 7)
    x = (1, 0)
    count = engine.fragments(x, engine.node)
    for fragment in (count, 0xFFFF):
        assert lib.cats_engine_fragment(engine._engine, x, fragment, size) == ffi.NULL
        assert size[0] == 0


def test_arena_refused(good):
    engine = Engine(good)
    size = engine.arena_size
    arena = ffi.cast("uint8_t *", aligned(size + 8))
    new = ffi.new("struct cats_engine *")
    assert lib.cats_engine_init(new, engine.image, arena, size) == 0
    assert lib.cats_engine_init(new, engine.image, arena, size - 1) == -errno.ENOMEM
    assert lib.cats_engine_init(new, engine.image, ffi.NULL, size) == -errno.ENOMEM
    assert lib.cats_engine_init(new, engine.image, arena + 4, size) == -errno.EINVAL


def test_reasons():
    """Every error has its own line that says what to do."""
    names = [name for name in dir(lib) if name.startswith("CATS_IMAGE_")]
    names = [n for n in names if n not in ("CATS_IMAGE_MAGIC", "CATS_IMAGE_ALIGN")]
    texts = {ffi.string(lib.cats_image_strerror(getattr(lib, name))) for name in names}
    assert len(texts) == len(names) == 12
    assert ffi.string(lib.cats_image_strerror(99)) not in texts
    with pytest.raises(CatsError, match="truncated"):
        Engine(b"CATS")


def fields(data: bytes):
    """(name, gather or -1, offset in the image, dtype) of every number of every table."""
    found = image_reader.parse(data)
    head = found.header
    tables = [
        ("header", layout.HEADER, 0, 1),
        ("model", layout.MODEL, head["model"], 1),
        ("gather", layout.GATHER, head["gather_table"], head["gathers"]),
        ("source", layout.SOURCE, head["source_table"], head["gathers"] * head["nodes"]),
    ]
    if found.embed is not None:
        tables.append(("embed", layout.EMBED, found.gathers[0]["norm"], 1))
    for g, gather in enumerate(found.gathers):
        for name, dtype, count in (
            ("own_keep", np.dtype("<u2"), found.arrays.get((g, "own_keep"), np.empty(0)).size),
            ("channels", layout.CHANNEL, min(gather["products"], 2)),
        ):
            tables.append((name, dtype, gather[name], count))
    for name, dtype, offset, count in tables:
        for i in range(count):
            for field in dtype.names or [""]:
                kind, at = dtype.fields[field][:2] if field else (dtype, 0)
                base, shape = kind.subdtype or (kind, (1,))
                for n in range(shape[0]):
                    yield (
                        f"{name}[{i}].{field}[{n}]", field or name,
                        offset + i * dtype.itemsize + at + n * base.itemsize, base,
                    )  # fmt: skip


def mutants(data: bytes):
    """(name, field, image) with one number of a table replaced by an edge of its range, checksum
    right."""
    for name, field, at, dtype in fields(data):
        if field in ("magic", "format_version", "header_size", "crc32", "image_size"):
            continue
        old = int(np.frombuffer(data, dtype, 1, at)[0])
        info = np.iinfo(dtype)
        news = {0, 1, 2, old - 1, old + 1, old * 2, old ^ 4, info.min, info.max, info.max - 3}
        for new in sorted(n for n in news if n != old and info.min <= n <= info.max):
            changed = bytearray(data)
            changed[at : at + dtype.itemsize] = new.to_bytes(
                dtype.itemsize, "little", signed=new < 0
            )
            yield f"{name} = {new}", field, sealed(changed)


#: What may change without a contradiction: names, times, scales, numbers of the arithmetic, and
#: what the planner chooses (where it stays in range).
FREE = {
    "model_id", "input_scale", "output_scale", "rounds", "slot_us", "control_us", "turn_us",
    "spacing_us", "coded_us", "norm_epsilon", "score_multiplier", "value_multiplier", "value_shift",
    "send_multiplier", "send_shift", "shift", "multiplier", "bias", "own_keep", "phase",
    "buffers", "tile", "outbox", "tile_rows", "hidden_rows", "block_rows", "arena_size", "flags",
    "fragment_rows", "table", "norm", "weights", "channels", "segment_width", "metadata",
    "linear_weights", "linear_channels", "linear_shift",
}  # fmt: skip


@pytest.mark.parametrize(
    "case",
    ["four_even", "four_held", "two_class", "three_wild", "two_linear", "three_mean_of_norm",
     "four_own_embedding", "three_own_layers", "four_stem", "four_empty_gathers",
     "four_some_sense"],
)  # fmt: skip
def test_contradictions(case):
    """One wrong number in an image whose checksum is right."""
    data = (VECTORS / case / "node_00.bin").read_bytes()
    assert verify(sealed(data))[0] == lib.CATS_IMAGE_OK
    named = {
        "phase": lib.CATS_IMAGE_PHASE, "slot_us": lib.CATS_IMAGE_SLOT,
        "spacing_us": lib.CATS_IMAGE_SPACING,
    }  # fmt: skip
    seen = 0
    found = image_reader.parse(data)
    layered, stem = found.embed is not None, found.model["flags"] & layout.FLAG_STEM
    for name, field, mutant in mutants(data):
        if layered and not stem and name.startswith("gather[0].products"):
            continue  # as many as there are weights for
        if stem and field in ("inputs", "own_inputs", "first_input"):
            continue  # what a stem reads is never sent
        error = verify(mutant)[0]
        # A phase also tells which gathers share rows and buffers.
        refusals = {lib.CATS_IMAGE_INVALID, named["phase"]} if field == "phase" else {
            named.get(field, lib.CATS_IMAGE_INVALID)
        }  # fmt: skip
        assert error == lib.CATS_IMAGE_OK or error in refusals, name
        if field not in FREE and not field.startswith("arena_"):
            assert error == lib.CATS_IMAGE_INVALID, name
            seen += 1
    assert seen > 500


def with_all(data: bytes, field: str, value: int) -> bytes:
    """The image with a field of all gathers set, checksum right."""
    gathers = int(image_reader.parse(data).header["gathers"])
    return changed(data, {f"gather[{g}].{field}[0]": value for g in range(gathers)})


@pytest.mark.parametrize("case", ["four_even", "four_held", "one_node"])
def test_times_and_phases(case):
    """Waits that leave the 31 bits of a clock, and gathers of one phase that are no neighbours, are
    refused by their names."""
    data = (VECTORS / case / "node_00.bin").read_bytes()
    last = f"gather[{int(image_reader.parse(data).header['gathers']) - 1}].phase[0]"
    assert verify(changed(data, {last: 0})) == (
        lib.CATS_IMAGE_PHASE,
        "phase does not ascend: export again",
    )
    assert verify(changed(data, {last: 255}))[0] == lib.CATS_IMAGE_OK
    error, text = verify(with_all(data, "spacing_us", 2**29))
    assert error == lib.CATS_IMAGE_SPACING and "spacing_us" in text
    error, text = verify(with_all(data, "slot_us", 200_001))
    assert error == lib.CATS_IMAGE_SLOT and "slot_us" in text

    def longest(field):
        """The largest value of one field that is taken, by halving."""
        low, high = 0, 2**32
        while high - low > 1:
            middle = (low + high) // 2
            if verify(with_all(data, field, middle))[0] == lib.CATS_IMAGE_OK:
                low = middle
            else:
                high = middle
        return low

    engine = Engine(with_all(data, "spacing_us", longest("spacing_us")))
    assert 3 * 43_000_000 <= lib.cats_silence_us(engine.image) < 2**31 / 16
    assert longest("slot_us") <= 200_000


def test_limits_of_an_exchange():
    """As many fragments a source, tiles a gather and slots an exchange as frames and clocks can
    name."""
    config = ModelConfig(
        tokens_in=300, inputs=64, outputs=2, features=64, heads=2, hidden=2, blocks=1
    )
    split = SplitConfig.even(config, 2, "channels")
    model = random_model(1, config, split)
    plan = make_plan(config, split, model.keep, rounds=0, tile_rows=8)
    data = image.pack(model, plan, 0, 1)
    assert verify(data)[0] == lib.CATS_IMAGE_OK

    def cut(tile_rows, fragment_rows, segment_width, **more):
        """The image with other fragments and tiles of its first gather."""
        sources = {
            f"source[{s}].{name}[0]": value
            for s in range(2)
            for name, value in (("fragment_rows", fragment_rows), ("segment_width", segment_width),
                                ("segments", -(-32 // segment_width)))
        }  # fmt: skip
        gather = {f"gather[0].{name}[0]": value for name, value in more.items()}
        return verify(changed(data, sources | gather | {"gather[0].tile_rows[0]": tile_rows}))[0]

    assert cut(8, 8, 1) == cut(8, 2, 1) == cut(2, 1, 1) == lib.CATS_IMAGE_OK
    assert cut(8, 1, 1) == lib.CATS_IMAGE_INVALID  # 256 fragments
    assert cut(1, 1, 32) == lib.CATS_IMAGE_INVALID  # 300 tiles
    assert cut(8, 2, 1, slot_us=160_000) == lib.CATS_IMAGE_OK
    assert cut(8, 2, 1, slot_us=170_000) == lib.CATS_IMAGE_SLOT  # 256 slots of it


def test_a_linear_path_stays_inside():
    """Its tables in the image, its buffers in the arena, its row apart from what is written."""
    data = (VECTORS / "two_linear" / "node_00.bin").read_bytes()
    found = image_reader.parse(data)
    shape, arena, size = found.model, found.header["arena_size"], found.header["image_size"]
    window = 2 * round_up(shape["tokens_in"] * shape["inputs"], 4)
    table = shape["outputs"] * window // 2
    at = {name: shape[f"arena_{name}"] for name in ("linear", "window")}
    apart = arena - window, arena - window - 2 * shape["outputs"]
    for changes, fine in (
        ({"linear_weights": size - table}, True),
        ({"linear_weights": size - table + 4}, False),
        ({"linear_weights": shape["linear_weights"] + 1}, False),
        ({"linear_channels": 0}, False),
        ({"linear_channels": size - 4}, False),
        ({"linear_shift": 0}, False),
        ({"linear_shift": 63}, False),
        ({"arena_window": apart[0], "arena_linear": apart[1]}, True),
        ({"arena_window": apart[0] + 4, "arena_linear": apart[1]}, False),
        ({"arena_window": apart[0], "arena_linear": apart[1] + 4}, False),
        ({"arena_window": at["linear"], "arena_linear": at["linear"]}, False),
        ({"arena_linear": arena}, False),
        ({"pool": POOLS.index("all")}, False),
        ({"linear_weights": 0, "linear_shift": 0}, True),  # a node without one
    ):
        numbers = {f"model[0].{name}[0]": value for name, value in changes.items()}
        assert (verify(changed(data, numbers))[0] == lib.CATS_IMAGE_OK) == fine, changes
    other = (VECTORS / "two_linear" / "node_01.bin").read_bytes()  # has no input and no output
    assert image_reader.parse(other).model["linear_weights"] == 0
    taken = {"model[0].linear_weights[0]": 64, "model[0].linear_shift[0]": 30}
    assert verify(changed(other, taken))[0] == lib.CATS_IMAGE_INVALID


def test_an_embedding_of_two_layers_stays_inside():
    """Its tables in the image, its hidden columns in the arena, apart from the rows."""
    data = (VECTORS / "three_own_layers" / "node_00.bin").read_bytes()
    found = image_reader.parse(data)
    record, shape, hidden = found.embed, found.model, found.gathers[0]["products"]
    arena, size = found.header["arena_size"], found.header["image_size"]
    own = shape["own_heads"] * shape["head_width"]
    room = shape["block_rows"] * hidden
    for changes, fine in (
        ({"weights": size - own * round_up(hidden, 4)}, True),
        ({"weights": size - own * round_up(hidden, 4) + 4}, False),
        ({"weights": 0}, False),
        ({"channels": size - 4}, False),
        ({"shift": 63}, False),
        ({"arena_hidden": (arena - room) // 4 * 4}, True),
        ({"arena_hidden": (arena - room) // 4 * 4 + 4}, False),
        ({"arena_hidden": shape["arena_rows"]}, False),
        ({"arena_hidden": record["arena_hidden"] + 1}, False),
    ):
        numbers = {f"embed[0].{name}[0]": value for name, value in changes.items()}
        assert (verify(changed(data, numbers))[0] == lib.CATS_IMAGE_OK) == fine, changes
    for gather, fine in (
        ({"norm": size - 12}, False),
        ({"norm": 0}, False),  # one layer has as many columns as the residual
        ({"products": 0}, False),
        ({"products": 4097}, False),
        ({"products": round_up(hidden, 4) + 1}, False),  # more than there is room for
    ):
        numbers = {f"gather[0].{name}[0]": value for name, value in gather.items()}
        assert (verify(changed(data, numbers))[0] == lib.CATS_IMAGE_OK) == fine, gather


def test_own_inputs_are_nobodys():
    """Where the flag says that nobody sends inputs, no source does; else all do."""
    for case, node in (("four_own_embedding", 0), ("four_own_embedding", 1), ("four_even", 0)):
        data = (VECTORS / case / f"node_{node:02}.bin").read_bytes()
        flags = image_reader.parse(data).model["flags"] ^ layout.FLAG_OWN_EMBEDDING
        assert verify(changed(data, {"model[0].flags[0]": flags}))[0] == lib.CATS_IMAGE_INVALID
    data = (VECTORS / "four_own_embedding" / "node_01.bin").read_bytes()
    one = {f"source[0].{name}[0]": 1 for name in ("width", "segments", "segment_width")}
    assert verify(changed(data, one))[0] == lib.CATS_IMAGE_INVALID
    blind = (VECTORS / "four_own_embedding" / "node_00.bin").read_bytes()
    assert image_reader.parse(blind).gathers[0]["products"] == 0
    assert verify(changed(blind, {"gather[0].products[0]": 4}))[0] == lib.CATS_IMAGE_INVALID


def test_a_stem_stays_inside():
    """Its record, its weights, its columns and the inputs that it reads."""
    data = (VECTORS / "four_stem" / "node_01.bin").read_bytes()
    found = image_reader.parse(data)
    size, arena = found.header["image_size"], found.header["arena_size"]
    own, columns = found.model["own_inputs"], int(found.sources[0, 1]["columns"])
    (record,) = (g["norm"] for g in found.gathers if g["kind"] == 0)
    last = (arena - found.model["tokens_in"] * columns) // 4 * 4
    rows = found.model["arena_rows"]
    for numbers, fine in (
        ({"gather[0].norm[0]": 0}, False),
        ({"gather[0].norm[0]": size - 12}, False),
        ({"model[0].flags[0]": found.model["flags"] ^ layout.FLAG_OWN_EMBEDDING}, False),
        ({"model[0].flags[0]": found.model["flags"] ^ layout.FLAG_STEM}, False),
        ({"model[0].first_input[0]": found.model["inputs"] - own}, True),
        ({"model[0].first_input[0]": found.model["inputs"] - own + 1}, False),
        ({"model[0].own_inputs[0]": own + 4}, False),  # the rows have no room for them
        ({"model[0].own_inputs[0]": 0}, False),
        ({"source[0].columns[0]": 4097}, False),
    ):
        error = verify(changed(data, numbers))[0]
        assert error == (lib.CATS_IMAGE_OK if fine else lib.CATS_IMAGE_INVALID), numbers
    for place, fine in ((last, True), (last + 4, False), (rows, False)):
        moved = bytearray(data)
        moved[record + 12 : record + 16] = place.to_bytes(4, "little")
        error = verify(sealed(bytes(moved)))[0]
        assert error == (lib.CATS_IMAGE_OK if fine else lib.CATS_IMAGE_INVALID), place


def test_what_keeps_nothing_says_so():
    """Only where the flag says so may a source be silent: wholly, without repair where all are, and
    not for longer than clocks can tell."""
    data = (VECTORS / "four_empty_gathers" / "node_01.bin").read_bytes()
    found = image_reader.parse(data)
    sending = found.sources["width"].any(1)
    assert sending.tolist()[:5] == [False] * 5 and sending[5:].any() and not sending[5:].all()
    flags = found.model["flags"] ^ layout.FLAG_EMPTY_GATHERS
    assert verify(changed(data, {"model[0].flags[0]": flags}))[0] == lib.CATS_IMAGE_INVALID
    silent = 2 * found.header["nodes"]  # source 0 of HEADS in the local block
    for changes, fine in (
        ({f"source[{silent}].segments[0]": 1}, lib.CATS_IMAGE_INVALID),
        ({f"source[{silent}].width[0]": 1}, lib.CATS_IMAGE_INVALID),
        ({"gather[2].rounds[0]": 1}, lib.CATS_IMAGE_INVALID),
        ({"gather[0].rounds[0]": 1}, lib.CATS_IMAGE_INVALID),  # own inputs: nothing to repair
        ({"gather[1].spacing_us[0]": 30_000_000}, lib.CATS_IMAGE_OK),
        ({f"gather[{g}].spacing_us[0]": 20_000_000 for g in (1, 2)}, lib.CATS_IMAGE_SPACING),
        ({"gather[1].spacing_us[0]": 43_000_000}, lib.CATS_IMAGE_SPACING),
    ):
        assert verify(changed(data, changes))[0] == fine, changes
    whole = (VECTORS / "four_even" / "node_01.bin").read_bytes()
    first = 1 * image_reader.parse(whole).header["nodes"]
    none = {f"source[{first}].{name}[0]": 0 for name in ("width", "segments")}
    assert verify(changed(whole, none))[0] == lib.CATS_IMAGE_INVALID


def test_who_only_senses_computes_nothing():
    """No heads, no hidden columns and no output, or some of the first two; and it says so."""
    data = (VECTORS / "four_some_sense" / "node_00.bin").read_bytes()
    found = image_reader.parse(data)
    assert found.model["own_heads"] == 0 and found.model["own_inputs"] > 0
    flags = found.model["flags"]
    assert flags & layout.FLAG_EMPTY_GATHERS and flags & layout.FLAG_SIGNED_STEM
    for change in (
        {"own_hidden": 1},
        {"own_outputs": 1},
        {"heads_per_pass": 1},
        {"first_head": found.model["heads"] + 1},
        {"flags": flags ^ layout.FLAG_EMPTY_GATHERS},
        {"flags": flags ^ layout.FLAG_STEM},
        {"flags": flags ^ (layout.FLAG_STEM | layout.FLAG_SIGNED_STEM | layout.FLAG_OWN_EMBEDDING)},
    ):
        numbers = {f"model[0].{name}[0]": value for name, value in change.items()}
        assert verify(changed(data, numbers))[0] == lib.CATS_IMAGE_INVALID, change


def test_sums_of_normed_rows_stay_inside():
    """In the arena, and apart from the row that is multiplied."""
    data = (VECTORS / "four_mean_of_norm" / "node_01.bin").read_bytes()
    found = image_reader.parse(data)
    last = (found.header["arena_size"] - 4 * found.gathers[-2]["view"]) // 4 * 4
    for place, fine in ((last, True), (last + 4, False), (found.model["arena_rows"], False)):
        error = verify(changed(data, {"model[0].arena_sums[0]": place}))[0]
        assert error == (lib.CATS_IMAGE_OK if fine else lib.CATS_IMAGE_INVALID), place


@pytest.mark.parametrize(
    "case",
    [
        "two_linear",
        "four_mean_of_norm",
        "three_own_layers",
        "four_stem",
        "four_empty_gathers",
        "four_some_sense",
    ],
)
def test_firmware_without(tmp_path, case):
    """What it leaves out is refused by a name of its own; other images run."""
    command = ["gcc", *(f"-DCATS_NO_{name}" for name in FEATURES)]
    program = compiled(tmp_path, "run_vectors", command, RUN_VECTORS)
    run_all(program, [VECTORS / "two_class"])
    done = subprocess.run([program, VECTORS / case], capture_output=True, text=True)
    assert done.returncode == 1
    said = "needs LINEAR/MEAN_OF_NORM/OWN_EMBEDDING/EMPTY_GATHERS/STREAM/LLAMA/FOUR_BITS/HOPS"
    assert said in done.stdout


@pytest.mark.parametrize(("left_out", "accepted"), [("FAST_ROW", 1), ("FOUR_BITS", 0)])
def test_firmware_without_four_bits(tmp_path, left_out, accepted):
    config = random_config(3)
    split = SplitConfig.even(config, 1)
    stream = stream_of(random_llama(3, config, split, in_four_bits=1.0))
    plan = make_plan(stream.config, split, stream.keep)
    (tmp_path / "image.bin").write_bytes(image.pack(stream, plan, 0, 1))
    command = ["gcc", f"-DCATS_NO_{left_out}", "-DCATS_FUZZ_FILES"]
    source = ROOT / "tests" / "fuzz" / "fuzz_image_verify.c"
    said = run_all(compiled(tmp_path, "fuzz", command, [source]), [tmp_path / "image.bin"])
    assert f"{accepted} of 1 accepted" in said


def test_class_token_alone():
    data = (VECTORS / "two_class" / "node_00.bin").read_bytes()
    tokens = {"model[0].tokens[0]": 1, "model[0].tokens_in[0]": 0}
    assert verify(changed(data, tokens))[0] == lib.CATS_IMAGE_INVALID


# The code as other compilers see it


def compiled(tmp_path: Path, name: str, command: list[str], sources: list[Path]) -> Path:
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    program = tmp_path / name
    done = subprocess.run(
        [*command, "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}",
         f"-I{ROOT / 'subsys/cats/engine'}", *map(str, sources), *map(str, ENGINE), "-o",
         str(program)], capture_output=True, text=True,
    )  # fmt: skip
    if "-m32" in command and "bits/" in done.stderr:
        pytest.skip("no 32-bit C library here: apt-get install gcc-multilib")
    assert done.returncode == 0, done.stderr
    return program


SANITIZE = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
RUN_VECTORS = [ROOT / "tests" / "c" / name for name in ("run_vectors.c", "lockstep.c")]


def run_all(program: Path, arguments: list[Path]) -> str:
    done = subprocess.run(
        [str(program), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    return done.stdout


@pytest.mark.parametrize(
    "command",
    [
        ["gcc", *SANITIZE],
        pytest.param(["clang", *SANITIZE], marks=pytest.mark.slow),
        pytest.param(["gcc", "-O3", "-flto"], marks=pytest.mark.slow),
        pytest.param(["clang", "-O3"], marks=pytest.mark.slow),
        pytest.param(["gcc", "-m32", "-O2"], marks=pytest.mark.slow),
        pytest.param(["gcc", "-Os", "-funsigned-char"], marks=pytest.mark.slow),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_vectors_elsewhere(tmp_path, command):
    """Golden vectors in a build of their own, each image and arena in memory of its exact size."""
    folders = sorted(path for path in VECTORS.iterdir() if path.is_dir())
    output = run_all(compiled(tmp_path, "run_vectors", command, RUN_VECTORS), folders)
    assert output.count("equal") == len(folders)


@pytest.mark.slow
def test_random_cases_sanitized(tmp_path):
    """More cases than the committed ones, planned as the planner likes, under ASan and UBSan."""
    program = compiled(tmp_path, "run_vectors", ["gcc", *SANITIZE], RUN_VECTORS)
    folders = []
    for seed, case in enumerate(cases() * 2):
        options = {"held": bool(seed % 2), "interleave": seed % 3 == 0, "block_rows": 1 + seed % 4}
        case = dataclasses.replace(
            case, seed=1000 + seed, wild=seed % 2 == 0, plan={"radio": "ble_2m"} | options
        )
        folder = tmp_path / str(seed)
        folder.mkdir()
        for name, data in case_files(case, new_plan(case)).items():
            (folder / name).write_bytes(data)
        folders.append(folder)
    assert run_all(program, folders).count("equal") == len(folders)


@pytest.mark.slow
def test_accepted_images_stay_inside(tmp_path):
    """Every image of test_contradictions that is accepted runs inside its arena."""
    program = compiled(
        tmp_path, "fuzz", ["gcc", *SANITIZE, "-DCATS_FUZZ_FILES"],
        [ROOT / "tests" / "fuzz" / "fuzz_image_verify.c"],
    )  # fmt: skip
    files = []
    for case in (
        "four_even", "four_held", "one_token", "two_class", "two_causal", "three_wild",
        "two_linear", "three_mean_of_norm", "four_own_embedding", "three_own_layers",
        "four_stem",
        "four_empty_gathers",
        "four_some_sense",
    ):  # fmt: skip
        for _name, _field, mutant in mutants((VECTORS / case / "node_00.bin").read_bytes()):
            if verify(mutant)[0] == lib.CATS_IMAGE_OK:
                files.append(tmp_path / f"{len(files)}.bin")
                files[-1].write_bytes(mutant)
    accepted = len(files)
    assert accepted > 1000
    assert f"{accepted} of {accepted} accepted" in run_all(program, files)
    kept = sorted((ROOT / "tests" / "fuzz" / "corpus" / "fuzz_image_verify").iterdir())
    said = re.search(r"(\d+) of \d+ accepted", run_all(program, kept))
    assert int(said[1]) > 100, "make fuzz begins from images of another format"


# What the device's compiler makes of it


def test_what_is_left_out_is_not_called(tmp_path):
    """Without optimisation, as Zephyr's simulated boards are built, nothing removes a call."""
    core = [path for path in CORE if path.name not in LEFT_OUT]
    joined = tmp_path / "engine.o"
    subprocess.run(
        ["gcc", "-std=c11", "-O0", *(f"-DCATS_NO_{name}" for name in FEATURES),
         f"-I{ROOT / 'include'}", "-nostdlib", "-r", "-o", str(joined), *map(str, core)],
        check=True,
    )  # fmt: skip
    symbols = subprocess.run(
        ["nm", "-u", str(joined)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not [symbol for symbol in symbols if symbol.startswith("cats_")]


def test_freestanding(tmp_path):
    """Cortex-M4 and M3 objects need nothing but memcpy, memset, memmove, and are small."""
    compiler = shutil.which("arm-none-eabi-gcc")
    if compiler is None:
        pytest.skip("no arm-none-eabi-gcc here: apt-get install gcc-arm-none-eabi")
    less = [f"-DCATS_NO_{name}" for name in FEATURES]
    core = [path for path in CORE if path.name not in LEFT_OUT]
    for cpu, limit, flags, sources in (
        ("cortex-m4", 13.25 * 1024, less, core),
        ("cortex-m4", 66 * 512, [], CORE),
        ("cortex-m3", 9 * 1024, less, core),
        ("cortex-m3", 42 * 512, [], CORE),
    ):
        joined = tmp_path / f"{cpu}.o"
        subprocess.run(
            [compiler, f"-mcpu={cpu}", "-mthumb", "-std=c11", "-ffreestanding", "-Os", "-Wall",
             "-Wextra", "-Werror", f"-I{ROOT / 'include'}", "-nostdlib", "-r", "-o", str(joined),
             *flags, *map(str, sources)], check=True,
        )  # fmt: skip
        symbols = subprocess.run(
            ["arm-none-eabi-nm", "-u", str(joined)], capture_output=True, text=True, check=True
        ).stdout.split()
        assert set(symbols) - {"U"} <= {"memcpy", "memset", "memmove", *DIVISIONS}
        sizes = subprocess.run(
            ["arm-none-eabi-size", str(joined)], capture_output=True, text=True, check=True
        ).stdout.splitlines()[1].split()  # fmt: skip
        text, data, bss = map(int, sizes[:3])
        assert data == bss == 0
        assert text <= limit, f"{text} bytes of code for {cpu}"
