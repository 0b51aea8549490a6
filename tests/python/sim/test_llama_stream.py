# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Llama models in C: steps of D engines are the reference's, to the bit; what images may say.

CATS_LLAMA_SHAPES of the environment: random shapes that are tried, 60 where it is not given."""

import dataclasses
import os
import shutil
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.deploy import c_header, image, image_reader
from cats.errors import CatsError
from cats.integer import llama, reference
from cats.integer.llama import NO_TOKEN, LlamaSteps, Place
from cats.integer.llama_model import columns_of
from cats.integer.llama_stream import every_row, stream_of, window_of
from cats.integer.random_llama import random_config, random_llama
from cats.integer.random_models import random_keep, random_split
from cats.native import lib
from cats.plan import predict
from cats.plan.buffers import KEPT, buffer_sizes, largest_stride
from cats.plan.plan import mode_of
from cats.plan.planner import make_plan
from cats.shape import image_layout as layout
from cats.shape.config import REPLICATED, ModelConfig, SplitConfig
from cats.shape.partition import (
    RESIDUAL,
    Kind,
    block_gather,
    full_keep,
    gather_kind,
    node_view,
    own_ranges,
)
from cats.sim.engine import Engine, verify
from compiled_header import compiled
from damaged import verdict, verdicts
from lockstep import engines_of, lockstep

SHAPES = int(os.environ.get("CATS_LLAMA_SHAPES", "60"))


@st.composite
def llamas(draw, most=4):
    """(stream, plan) of a random model of the family."""
    seed = draw(st.integers(0, 2**31))
    config = random_config(seed, draw(st.booleans()))
    nodes = 1 + seed % min(most, config.heads, config.hidden)
    split = random_split(seed, config, nodes)
    if draw(st.integers(0, 3)) == 0:  # more nodes than heads
        nodes = min(config.heads + nodes, config.hidden, 16)
        split = SplitConfig.even(config, nodes, "single", draw(st.sampled_from(("single", "even"))))
    keep = random_keep(seed, config, split, draw(st.sampled_from((1.0, 0.6))))
    four_bits = draw(st.sampled_from((0.0, 0.5, 1.0))) if keep == full_keep(config, split) else 0.0
    model = random_llama(
        seed, config, split, keep, draw(st.booleans()), draw(st.booleans()), four_bits
    )
    legal = REPLICATED[: 3 - config.parallel_blocks] if keep == full_keep(config, split) else ("",)
    replicate = draw(st.sampled_from(legal))
    stream = stream_of(model, draw(st.sampled_from((0, 1, 2, 9))), replicate=replicate)
    plan = make_plan(
        stream.config, split, stream.keep, payload=draw(st.sampled_from((None, 9, 40)))
    )
    return stream, plan


def token_bytes(token):
    return np.array([token], "<u4").view(np.int8)[None]


def begin_anew(stream, plan, engines, steps, rng):
    """A node forgets all; which one."""
    d = int(rng.integers(stream.split.nodes))
    engines[d] = engines_of(stream, plan)[d]
    steps.forget(d)
    return d


def fragments_of(stream, plan, loss, rng, there):
    """What arrives of those who are there."""
    bits = reference.random_fragments(stream, plan, loss, rng)
    for receiver in (receiver for g in bits for tile in g for receiver in tile):
        for d in set(range(stream.split.nodes)) - set(there):
            receiver[d] = np.zeros_like(receiver[d])
    return bits


@settings(max_examples=SHAPES, deadline=None)
@given(
    llamas(),
    st.integers(0, 2**31),
    st.sampled_from((0.0, 0.1, 0.5)),
    st.booleans(),
    st.sampled_from((0, 2**32 - 5)),
)
def test_steps(drawn, seed, loss, away, first):
    """Rows beyond the window, which slides; nodes miss steps, begin anew, and lose fragments."""
    stream, plan = drawn
    rng = np.random.default_rng(seed)
    engines, steps = engines_of(stream, plan), LlamaSteps(window_of(stream))
    nodes, context = stream.split.nodes, stream.config.context
    steps.position = first
    joined = np.zeros(nodes, bool)
    for step in range(2 * context + 2):
        position = (first + step) % 2**32
        there = [d for d in range(nodes) if not away or rng.random() < 0.7]
        if away and rng.random() < 0.1:
            d = begin_anew(stream, plan, engines, steps, rng)
            joined[d] = False
        bits = fragments_of(stream, plan, loss, rng, there)
        token = int(rng.integers(stream.config.inputs))
        for d in there:
            engines[d].seek(position, bool(joined[d]))
            joined[d] = True
        outputs = lockstep(stream, plan, engines, token_bytes(token), bits, there=there)
        has = every_row(stream, reference.availability_from_fragments(stream, plan, bits))
        took = np.isin(np.arange(nodes), there)
        want = steps.step(np.array([[token]]), has, took)[0]
        for d in there:
            np.testing.assert_array_equal(outputs[d], want[d], f"{step} {d}")
            assert engines[d].known == steps._known[0, d].sum()


@settings(max_examples=SHAPES, deadline=None)
@given(llamas(), st.integers(0, 2**31), st.sampled_from((0.0, 0.1, 0.5)))
def test_rows_are_computed_once_more(drawn, seed, loss):
    """Nodes begin anew and miss steps; rows of the window are run again, in any order, and by some
    nodes that guess wrong which one it is: all have what the reference has."""
    stream, plan = drawn
    rng = np.random.default_rng(seed)
    engines, steps = engines_of(stream, plan), LlamaSteps(window_of(stream))
    nodes, context = stream.split.nodes, stream.config.context
    joined, top, row = np.zeros(nodes, bool), -1, 0
    for step in range(3 * context + 4):
        replays = top > 0 and rng.random() < 0.6
        if replays:
            least = max(0, top - context + 1)
            row = int(rng.integers(least, top + 1)) if rng.random() < 0.3 else min(row + 1, top)
            row = max(row, least)
        else:
            top += 1
            row = top
        there = [d for d in range(nodes) if rng.random() < 0.8]
        if rng.random() < 0.1:
            d = begin_anew(stream, plan, engines, steps, rng)
            joined[d] = False
        bits = fragments_of(stream, plan, loss, rng, there)
        token = int(rng.integers(stream.config.inputs))
        places = [Place(row, top, replays)] * nodes
        for d in there:
            if replays and joined[d] and rng.random() < 0.1:
                places[d] = rng.choice([Place(top + 1, top + 1), Place(row, top, True, False)])
            place = places[d]
            assert not joined[d] or engines[d].known <= context
            wanted = steps.rows_at(d, place)
            if place.replay:
                engines[d].replay(row, top, bool(joined[d]), place.told)
            else:
                engines[d].seek(place.position, bool(joined[d]))
            joined[d] = True
            assert engines[d].known == wanted
        outputs = lockstep(stream, plan, engines, token_bytes(token), bits, there=there)
        has = every_row(stream, reference.availability_from_fragments(stream, plan, bits))
        took = np.isin(np.arange(nodes), there)
        want = steps.step(np.array([[token]]), has, took, places=places)[0]
        for d in there:
            np.testing.assert_array_equal(outputs[d], want[d], f"{step} {d}")


def small(nodes=2, wide=True, four_bits=0.0, parallel=False, replicate=None, split=None):
    config = ModelConfig(
        6, 9, 9, features=24, heads=6, hidden=17, blocks=2, causal=True, activation="silu",
        pool="all", norm="rms", position="rotary", feed_forward="gated", kv_heads=3, bias=False,
        parallel_blocks=parallel, vocabulary=True,
    )  # fmt: skip
    split = split or SplitConfig.even(config, nodes)
    pruned = not four_bits and replicate is None
    keep = random_keep(2, config, split, 0.6) if pruned else None
    model = random_llama(3, config, split, keep, wide, in_four_bits=four_bits)
    stream = stream_of(model, replicate=replicate or "")
    return stream, make_plan(stream.config, split, stream.keep)


@pytest.mark.parametrize(
    ("wide", "four_bits"), [(False, 0.0), (True, 0.0), (True, 0.6), (True, 1.0)]
)
def test_what_an_image_holds(wide, four_bits):
    """Where everything stands, and its size as the planner says it."""
    stream, plan = small(4, wide, four_bits)
    config, split = stream.config, stream.split
    assert len(config.four_bits) == {0.0: 0, 0.6: 6, 1.0: 9}[four_bits]
    for d in range(4):
        packed = image.pack(stream, plan, d, 1)
        found = image_reader.parse(packed)
        flags = layout.FLAG_LLAMA | layout.FLAG_STREAM | layout.FLAG_CAUSAL
        assert found.model["flags"] & flags == flags
        assert bool(found.model["flags"] & layout.FLAG_FOUR_BITS) == bool(config.four_bits)
        assert (found.model["tokens"], found.model["own_inputs"]) == (1, 4)
        assert found.stream == {"rows": 6, "reserved": 0}
        assert found.llama["key_heads"] == 3
        assert found.llama["flags"] == layout.LLAMA_WIDE_KEYS * wide
        begin, end = own_ranges(config, split, Kind.HEADS)[d]
        np.testing.assert_array_equal(found.arrays[-5, "rows"], stream.rows[:, begin:end])
        np.testing.assert_array_equal(found.arrays[-5, "turn"], stream.turn)
        for g, kind in ((1, Kind.ATTENTION), (3, Kind.FORWARD), (9, Kind.OUTPUT)):
            view = node_view(config, split, stream.keep, g, d)
            columns = columns_of(config, split, kind, d)
            product = {1: stream.blocks[0].qkv, 3: stream.blocks[0].up, 9: stream.head}[g]
            want = product.weight[np.ix_(view, columns)].T
            np.testing.assert_array_equal(found.weights(g), want)
            assert ((g, "scales") in found.arrays) == (g in config.four_bits)
            if g in config.four_bits:
                scales = product.scale[:, columns].T
                np.testing.assert_array_equal(found.arrays[g, "scales"], scales)
            assert (found.arrays[g, "norm"]["bias"] == stream.exponent[view]).all()
        size = predict.node_size(config, split, stream.keep, plan, d)
        assert (size.image_bytes, size.arena_bytes) == (len(packed), plan.arenas[d].size)
        assert Engine(packed).arena_size == plan.arenas[d].size


def test_damaged_images_are_refused():
    """What the engine indexes with stays inside; what is not of the family is refused."""
    stream, plan = small()
    data = image.pack(stream, plan, 1, 1)
    found = image_reader.parse(data)
    flags, size = found.model["flags"], found.header["arena_size"]

    def refuses(record, at, name, *values):
        said = verdicts(data, record, at, name, *values)
        assert said == dict.fromkeys(values, lib.CATS_IMAGE_INVALID), name

    def gather(g):
        return found.header["gather_table"] + g * layout.GATHER.itemsize

    assert verify(data)[0] == lib.CATS_IMAGE_OK
    end = found.header["image_size"]
    outside = (0, 2, 40, end, end - 2, 2**32 - 4)
    record = found.gathers[0]["table"]
    for name in ("rows", "multipliers", "turn", "exponents"):
        refuses(layout.LLAMA, record, name, *outside)
    refuses(layout.LLAMA, record, "scales", 44)
    refuses(layout.LLAMA, record, "key_heads", 0, 4, 7, 65535)
    refuses(layout.LLAMA, record, "embed_shift", 0, 60, 255)
    refuses(layout.LLAMA, record, "flags", *range(2, 256))
    refuses(layout.GATHER, gather(0), "table", *outside)
    refuses(layout.GATHER, gather(0), "norm", 44)
    refuses(layout.GATHER, gather(0), "products", 1)
    for g in (1, 3, 9):
        refuses(layout.GATHER, gather(g), "norm", *outside)
        refuses(layout.GATHER, gather(g), "send_shift", 0, 63)
        refuses(layout.GATHER, gather(g), "send_multiplier", 0, 2**31)
        for c in (4, 2**16 - 1):
            assert verdict(data, found.gathers[g]["norm"] + 2, c, 2) == lib.CATS_IMAGE_INVALID
    refuses(layout.GATHER, gather(3), "table", *outside)
    refuses(layout.GATHER, gather(1), "score_multiplier", 2**32 - 1)
    for g in (2, 3):
        refuses(layout.GATHER, gather(g), "value_multiplier", 0, 2**31)
        refuses(layout.GATHER, gather(g), "value_shift", 0, 63)
    assert verdict(data, found.llama["multipliers"], 0, 4) == lib.CATS_IMAGE_INVALID
    assert verdict(data, found.llama["exponents"], 4, 1) == lib.CATS_IMAGE_INVALID
    model = found.header["model"]
    refuses(
        layout.MODEL, model, "flags", flags ^ layout.FLAG_CAUSAL, flags ^ layout.FLAG_STREAM,
        flags ^ layout.FLAG_LLAMA, flags | layout.FLAG_HELD, flags | layout.FLAG_OWN_EMBEDDING,
        flags | layout.FLAG_STEM,
    )  # fmt: skip
    refuses(layout.MODEL, model, "tokens", 0, 2)
    refuses(layout.MODEL, model, "pool", 0, 2, 4)
    refuses(layout.MODEL, model, "own_inputs", 0, 3, 5, 9)
    refuses(layout.MODEL, model, "first_input", 1)
    refuses(layout.MODEL, model, "own_heads", 0, 2, 4)
    rooms = buffer_sizes(stream.config, stream.split, plan.gathers, 1, mode_of(plan), 24)
    for name in ("key", "value", "query", "hidden", "sums"):
        place = size - -(-rooms[name] // 4) * 4 + 4
        refuses(layout.MODEL, model, f"arena_{name}", place)
    refuses(layout.MODEL, model, "arena_sums", found.model["arena_rows"])


@pytest.mark.parametrize(
    ("parallel", "replicate"), [(True, "residual"), (False, "residual"), (False, "feed_forward")]
)
@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_what_is_replicated_is_on_no_air(parallel, replicate, loss):
    """And while nothing is lost all outputs are those without."""
    config = small(3, parallel=parallel, replicate=replicate)[0].config
    tokens = np.arange(6)[None] % config.inputs
    outputs = []
    for each in ("", replicate):
        stream, plan = small(3, parallel=parallel, replicate=each)
        has = llama.everything(window_of(stream))
        if loss:
            rng = np.random.default_rng(1)
            has = llama.random_availability(window_of(stream), 6, loss, rng)
        outputs.append(llama.run_batch(window_of(stream), tokens, has))
        sending = [g for g, p in enumerate(plan.gathers) if any(s.width for s in p.sources)]
        result = block_gather(config, config.blocks) + 1
        step = {"": 1, "residual": 2, "feed_forward": 4}[each]
        assert sending == [*range(2 if each else 1, result, step), result]
    assert (outputs[0] == outputs[1]).all() == (loss == 0)
    if not (loss or parallel):  # whose columns stand node by node
        whole, _ = small(1, replicate="")
        alone = llama.run_batch(window_of(whole), tokens)
        np.testing.assert_array_equal(outputs[1], np.repeat(alone, 3, 1))


@pytest.mark.parametrize(
    ("parallel", "replicate", "four_bits"),
    [(False, "residual", 0.0), (False, "feed_forward", 1.0), (True, "residual", 0.5)],
)
def test_what_an_image_of_a_replicated_residual_holds(parallel, replicate, four_bits):
    """All of the residual, and all of what is added to it, of a node without heads too."""
    split = SplitConfig((2, 2, 2, 0), (3, 3, 3, 8), (3, 2, 2, 2), (9, 0, 0, 0))
    stream, plan = small(4, False, four_bits, parallel, replicate, split)
    config, block, features = stream.config, stream.blocks[0], stream.config.features
    added, hides = {2: (Kind.HIDDEN, block.down)}, replicate == "feed_forward"
    if not parallel:
        added = {2: (Kind.HEADS, block.out), 4: (Kind.HIDDEN, block.down)}
    for d in range(4):
        packed = image.pack(stream, plan, d, 1)
        found = image_reader.parse(packed)
        assert found.llama["flags"] == (6 if hides else 2)
        assert found.model["flags"] & layout.FLAG_EMPTY_GATHERS
        assert found.model["own_hidden"] == (config.hidden if hides else split.hidden[d])
        np.testing.assert_array_equal(found.arrays[-5, "rows"], stream.rows)
        np.testing.assert_array_equal(found.arrays[-5, "exponents"], stream.exponent)
        for g, (kind, product) in added.items():
            view = node_view(config, split, stream.keep, g, d)
            assert columns_of(config, split, kind, d).tolist() == list(range(features))
            np.testing.assert_array_equal(found.weights(g), product.weight[view].T)
        for g in range(len(plan.gathers)):
            kind, _ = gather_kind(config, g)
            if kind in RESIDUAL or (hides and kind == Kind.HIDDEN):
                columns = features if kind in RESIDUAL else config.hidden
                assert (found.sources[g]["width"] == 0).all()
                assert (found.sources[g]["columns"] == columns).all()
        size = predict.node_size(config, split, stream.keep, plan, d)
        assert (size.image_bytes, size.arena_bytes) == (len(packed), plan.arenas[d].size)
        assert Engine(packed).arena_size == plan.arenas[d].size


@pytest.mark.parametrize("replicate", REPLICATED[1:])
def test_damaged_images_of_a_replicated_residual_are_refused(replicate):
    stream, plan = small(replicate=replicate)
    data = image.pack(stream, plan, 1, 1)
    found = image_reader.parse(data)
    size, record = found.header["arena_size"], found.gathers[0]["table"]
    model, end = found.header["model"], found.header["image_size"]

    def refuses(record, at, name, *values):
        said = verdicts(data, record, at, name, *values)
        assert said == dict.fromkeys(values, lib.CATS_IMAGE_INVALID), name

    assert verify(data)[0] == lib.CATS_IMAGE_OK
    legal = {"residual": (2, 3), "feed_forward": (6, 7)}[replicate]
    refuses(layout.LLAMA, record, "flags", *sorted(set(range(256)) - set(legal)))
    for name in ("rows", "exponents"):
        refuses(layout.LLAMA, record, name, 0, 2, 40, end, end - 2, end - 20, 2**32 - 4)
    for name, room in (("residual", 48), ("pooled", 24)):
        refuses(layout.MODEL, model, f"arena_{name}", size - room + 4, found.model["arena_rows"])
    refuses(layout.MODEL, model, "flags", found.model["flags"] ^ layout.FLAG_EMPTY_GATHERS)
    refuses(layout.MODEL, model, "own_hidden", 0, 16, 18)
    hidden = {4: 17} if replicate == "feed_forward" else {}
    for g, columns in {1: 24, 3: 24, 9: 24, **hidden}.items():
        for s in (0, 1):
            at = found.header["source_table"] + (2 * g + s) * layout.SOURCE.itemsize
            refuses(layout.SOURCE, at, "columns", 0, 12, columns - 1, columns + 1, 2 * columns)
            cut = np.array([12, 12, 0x101], "<u2").tobytes()  # it sends some
            wide = data[:at] + cut + data[at + 6 :]
            assert verdict(wide, at + 6, columns, 2) == lib.CATS_IMAGE_INVALID
    for g in (2, 4):
        row = found.header["gather_table"] + g * layout.GATHER.itemsize
        refuses(layout.GATHER, row, "products", 0, 12, 23, 25)


def test_a_pruned_residual_is_not_replicated():
    config = dataclasses.replace(small()[0].config.whole, wide_keys=False)
    split = SplitConfig.even(config, 3)
    model = random_llama(3, config, split, random_keep(2, config, split, 0.6))
    with pytest.raises(CatsError, match="prune none"):
        stream_of(model, replicate="residual")
    alone = random_llama(3, config, SplitConfig.even(config, 1))
    assert not stream_of(alone, replicate="residual").config.replicated
    once = stream_of(random_llama(3, config, split), replicate="residual")
    assert stream_of(window_of(once)).keep == once.keep
    more = stream_of(window_of(once), replicate="feed_forward")
    assert more.config.replicated == stream_of(window_of(more)).config.replicated == "feed_forward"
    with pytest.raises(CatsError, match="replicate the residual"):
        small(2, parallel=True, replicate="feed_forward")
    with pytest.raises(CatsError, match="one of residual, feed_forward"):
        ModelConfig(4, 6, 3, replicated="heads").check()
    with pytest.raises(CatsError, match="Llama family"):
        ModelConfig(4, 6, 3, replicated="residual").check()


@pytest.mark.parametrize("four_bits", [0.0, 1.0])
def test_what_an_image_of_parallel_blocks_holds(four_bits):
    """Two gathers a block; the first has the gates' scale, the second their table and what the
    attention needs."""
    stream, plan = small(4, four_bits=four_bits, parallel=True)
    config, split, block = stream.config, stream.split, stream.blocks[0]
    kinds = [Kind.INPUT, *[Kind.ATTENTION, Kind.HIDDEN] * 2, Kind.OUTPUT, Kind.RESULT]
    assert config.four_bits == ((1, 2, 3, 4, 5) if four_bits else ())
    for d in range(4):
        packed = image.pack(stream, plan, d, 1)
        found = image_reader.parse(packed)
        assert found.model["flags"] & layout.FLAG_PARALLEL
        assert [row["kind"] for row in found.gathers] == kinds
        for g, kind, product in ((1, Kind.ATTENTION, block.qkv), (2, Kind.HIDDEN, block.down)):
            view = node_view(config, split, stream.keep, g, d)
            columns = columns_of(config, split, kind, d)
            want = product.weight[np.ix_(view, columns)].T
            np.testing.assert_array_equal(found.weights(g), want)
        heads, hidden = 4 * split.heads[d], split.hidden[d]
        assert found.sources[2, d]["columns"] == heads + hidden
        assert found.gathers[1]["products"] == 4 * (split.heads[d] + 2) + 2 * hidden
        assert found.gathers[1]["value_multiplier"] == block.hidden_multiplier
        assert found.gathers[2]["value_multiplier"] == block.value_multiplier
        assert found.gathers[2]["score_multiplier"] == block.score_multiplier
        np.testing.assert_array_equal(found.arrays[2, "table"], block.table)
        size = predict.node_size(config, split, stream.keep, plan, d)
        assert (size.image_bytes, size.arena_bytes) == (len(packed), plan.arenas[d].size)
        assert Engine(packed).arena_size == plan.arenas[d].size


def test_damaged_images_of_parallel_blocks_are_refused():
    stream, plan = small(parallel=True)
    data = image.pack(stream, plan, 1, 1)
    found = image_reader.parse(data)
    end, size = found.header["image_size"], found.header["arena_size"]

    def refuses(record, at, name, *values):
        assert set(verdicts(data, record, at, name, *values).values()) <= refused, name

    refused = {lib.CATS_IMAGE_INVALID, lib.CATS_IMAGE_PHASE}
    assert verify(data)[0] == lib.CATS_IMAGE_OK
    flags, model = found.model["flags"], found.header["model"]
    refuses(layout.MODEL, model, "flags", flags ^ layout.FLAG_PARALLEL, flags ^ layout.FLAG_LLAMA)
    refuses(layout.MODEL, model, "blocks", 1, 3, 4)
    refuses(layout.MODEL, model, "hidden", 16, 18, 4073)
    refuses(layout.MODEL, model, "own_hidden", 0, 7, 9)
    room = buffer_sizes(stream.config, stream.split, plan.gathers, 1, mode_of(plan), 24)["hidden"]
    assert room == 12 + 4 * 8
    refuses(layout.MODEL, model, "arena_hidden", size - room + 4)
    for g, fields in ((1, ()), (2, ("table",))):
        row = found.header["gather_table"] + g * layout.GATHER.itemsize
        refuses(layout.GATHER, row, "kind", *set(range(8)) - {found.gathers[g]["kind"]})
        refuses(layout.GATHER, row, "value_multiplier", 0, 2**31)
        refuses(layout.GATHER, row, "value_shift", 0, 63)
        refuses(layout.GATHER, row, "products", 0, 1, 24, 65535)
        for field in fields:
            refuses(layout.GATHER, row, field, 0, 2, 40, end, end - 2, 2**32 - 4)
    second = found.header["gather_table"] + 2 * layout.GATHER.itemsize
    refuses(layout.GATHER, second, "phase", found.gathers[1]["phase"], found.gathers[3]["phase"])


def test_scales_stay_inside():
    """A bad flag, array of offsets, offset, stride or width of weights of four bits is refused."""
    stream, plan = small(2, four_bits=0.6)
    data = image.pack(stream, plan, 1, 1)
    found = image_reader.parse(data)
    four, scales = stream.config.four_bits, found.llama["scales"]
    assert four == (1, 2, 3, 4, 8, 9)

    says = partial(verdict, data)

    def place(record, at, name):
        return at + record.fields[name][1]

    assert verify(data)[0] == lib.CATS_IMAGE_OK
    end, invalid = found.header["image_size"], lib.CATS_IMAGE_INVALID
    outside = (2, 40, end, end - 2, 2**32 - 4)
    record = found.gathers[0]["table"]
    for value in (0, *outside):
        assert says(place(layout.LLAMA, record, "scales"), value) == invalid, value
    for g in four:
        for value in outside:
            assert says(scales + 4 * g, value) == invalid, (g, value)
        row = found.header["gather_table"] + g * layout.GATHER.itemsize
        for value in (24, 20, 28, 2**16 - 8):
            if value != found.gathers[g]["stride"]:
                assert says(place(layout.GATHER, row, "stride"), value, 2) == invalid, (g, value)
        for value in (0, *outside):
            assert says(place(layout.GATHER, row, "weights"), value) == invalid, (g, value)
    assert says(scales + 4 * 4, 0) == invalid  # 17 columns of eight bits have another stride
    assert says(scales, 44) == invalid  # INPUT has no product
    flags = place(layout.MODEL, found.header["model"], "flags")
    bits = found.model["flags"]
    assert says(flags, bits & ~layout.FLAG_FOUR_BITS, 2) == invalid
    assert says(flags, bits & ~layout.FLAG_LLAMA, 2) == invalid


def test_a_node_without_heads():
    """It has hidden columns and outputs, and nothing of the residual: no rows of tokens, no norm
    before a product that it has not, no cache."""
    config = small()[0].config
    split = SplitConfig((2, 2, 2, 0), (3, 3, 3, 8), (3, 2, 2, 2), (9, 0, 0, 0))
    whole = dataclasses.replace(config.whole, wide_keys=False)
    stream = stream_of(random_llama(3, whole, split))
    plan = make_plan(stream.config, split, stream.keep)
    data = image.pack(stream, plan, 3, 1)
    found = image_reader.parse(data)
    assert verify(data)[0] == lib.CATS_IMAGE_OK
    assert not found.model["flags"] & layout.FLAG_EMPTY_GATHERS
    assert {key for g, key in found.arrays if g == -5} == {"turn"}
    has = [g for g in range(11) if (g, "weights") in found.arrays]
    assert has == [3, 7, 9] == [g for g in range(11) if (g, "norm") in found.arrays]
    size = predict.node_size(stream.config, split, stream.keep, plan, 3)
    assert (size.image_bytes, size.arena_bytes) == (len(data), plan.arenas[3].size)
    assert plan.arenas[3].size < plan.arenas[2].size

    says = partial(verdict, data)

    for name in ("rows", "multipliers", "exponents"):
        at = found.gathers[0]["table"] + layout.LLAMA.fields[name][1]
        assert says(at, 44) == lib.CATS_IMAGE_INVALID, name
    norm = found.header["gather_table"] + layout.GATHER.itemsize + layout.GATHER.fields["norm"][1]
    assert says(norm, 44) == lib.CATS_IMAGE_INVALID
    hidden = found.header["model"] + layout.MODEL.fields["own_hidden"][1]
    assert says(hidden, 0, 2) == lib.CATS_IMAGE_INVALID


def test_many_columns_behind_a_norm_are_refused():
    """Sums of four bits behind a norm fit 32 bits up to 1024 columns."""
    for features, said in ((1024, lib.CATS_IMAGE_OK), (1032, lib.CATS_IMAGE_INVALID)):
        config = ModelConfig(
            2, 3, 3, features=features, heads=4, hidden=2, blocks=1, causal=True,
            activation="silu", pool="all", norm="rms", position="rotary", feed_forward="gated",
            kv_heads=1, bias=False, tied=True, vocabulary=True,
        )  # fmt: skip
        model = random_llama(1, config, SplitConfig.even(config, 1), wide_keys=False,
                             in_four_bits=1.0)  # fmt: skip
        model = dataclasses.replace(model, exponent=np.zeros(features, np.int8))
        stream = stream_of(model)
        packed = image.pack(stream, make_plan(stream.config, stream.split, stream.keep), 0, 1)
        assert verify(packed)[0] == said


def test_a_wide_head_is_refused():
    stream, plan = small(1)
    config = dataclasses.replace(
        stream.config, features=260, heads=2, kv_heads=1, blocks=1, wide_keys=False
    )
    split = SplitConfig.even(config, 1)
    narrow = stream_of(random_llama(1, config.whole, split, wide_keys=False))
    plan = make_plan(narrow.config, split, narrow.keep)
    data = image.pack(narrow, plan, 0, 1)
    assert verify(data)[0] == lib.CATS_IMAGE_OK
    last = image_reader.parse(data).gathers[0]["table"] + 23
    assert verdict(data, last, 1, 1) == lib.CATS_IMAGE_INVALID


@pytest.mark.parametrize("parallel", [False, True])
def test_what_is_kept_has_its_memory_alone(parallel):
    stream, plan = small(parallel=parallel)
    for d, arena in enumerate(plan.arenas):
        stride = largest_stride(stream.config, stream.split, stream.keep, d)
        mode = mode_of(plan)
        sizes = buffer_sizes(stream.config, stream.split, plan.gathers, d, mode, stride)
        spans = {
            n: (arena.offsets[n], arena.offsets[n] + s) for n, s in sizes.items() if "." not in n
        }
        for g, (tile, outbox) in enumerate(zip(arena.tiles, arena.outboxes, strict=True)):
            spans[f"tile{g}"] = tile[0], tile[0] + sizes[f"tile{g}.0"]
            spans[f"outbox{g}"] = outbox[0], outbox[0] + sizes[f"outbox{g}.0"]
        for name in KEPT:
            begin, end = spans[name]
            for other, (first, last) in spans.items():
                if other != name and first < last:
                    assert end <= first or last <= begin, (name, other)


def test_no_token():
    """A node that heard of none has nothing of it in its residual, whatever the number."""
    stream, plan = small(2)
    bits = reference.random_fragments(stream, plan, 0.0, np.random.default_rng(0))
    steps = LlamaSteps(window_of(stream))
    want = steps.step(np.array([[[8], [NO_TOKEN]]]))[0]
    for token in (9, 2**32 - 1):
        engines = engines_of(stream, plan)
        outputs = lockstep(stream, plan, engines, [token_bytes(8), token_bytes(token)], bits)
        np.testing.assert_array_equal(outputs, want)


def test_damaged_candidates_are_refused():
    """Of RESULT four bytes each, of own columns; and what others send is looked at."""
    split = SplitConfig.even(small()[0].config, 2)
    whole = random_llama(3, small()[0].config.whole, split, None, True)
    stream = stream_of(whole, 2)
    plan = make_plan(stream.config, split, stream.keep)
    data = image.pack(stream, plan, 1, 1)
    found = image_reader.parse(data)
    assert verify(data)[0] == lib.CATS_IMAGE_OK
    last = len(plan.gathers) - 1
    gather = found.header["gather_table"] + last * layout.GATHER.itemsize
    source = found.header["source_table"] + 2 * last * layout.SOURCE.itemsize
    for offset, value, width in (
        (gather + layout.GATHER.fields["element"][1], 2, 1),
        (gather + layout.GATHER.fields["element"][1], 1, 1),
        (gather + layout.GATHER.fields["element"][1], 8, 1),
        (gather - layout.GATHER.itemsize + layout.GATHER.fields["element"][1], 4, 1),
        (source, 0, 2),
        (source, 6, 2),
        (source, 24, 2),
        (source + layout.SOURCE.itemsize, 20, 2),
    ):
        assert verdict(data, offset, value, width) == lib.CATS_IMAGE_INVALID, (offset, value)
    engine = Engine(data)
    x = (last, 0)
    engine.begin(token_bytes(1))
    engine.produce(x)
    engine.place(x, 0, 0, bytes([255, 255, 7, 0, 1, 0, 9, 0]))
    engine.consume(x)
    outputs = engine.output()[0]
    assert outputs[1] == 9  # of node 0: the other one is no column of its
    assert (outputs != lib.CATS_OUTPUT_MISSING).sum() == 3


def test_what_has_no_image():
    stream, _ = small(1)
    model = window_of(stream)
    with pytest.raises(CatsError, match="as a stream"):
        image.model_id(model, None)
    four = random_llama(1, model.config, SplitConfig.even(model.config, 2), in_four_bits=1.0)
    keep = random_keep(2, model.config, four.split, 0.6)
    with pytest.raises(CatsError, match="four bits are of whole rows"):
        stream_of(dataclasses.replace(four, keep=keep))
    with pytest.raises(CatsError, match="four_bits"):
        dataclasses.replace(model.config, four_bits=(1,)).check()
    with pytest.raises(CatsError, match="takes one"):
        dataclasses.replace(stream.config, tokens_in=2).check()


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc here")
@pytest.mark.parametrize(("four_bits", "parallel"), [(0.0, False), (0.6, False), (0.0, True)])
def test_header_has_the_bytes(tmp_path, four_bits, parallel):
    stream, plan = small(four_bits=four_bits, parallel=parallel)
    found = compiled(c_header.header(stream, plan, 1, 7), tmp_path)
    assert found == image.pack(stream, plan, 1, 7)
