# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Streams in C: every step of D engines is the reference's, to the bit."""

import dataclasses
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import planned
from cats.deploy import c_header, image, image_reader
from cats.errors import CatsError
from cats.integer import reference
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.integer.steps import Steps, stream_of
from cats.native import lib
from cats.plan import predict
from cats.plan.buffers import KEPT, buffer_sizes, largest_stride
from cats.plan.plan import mode_of
from cats.plan.planner import make_plan
from cats.shape import image_layout as layout
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.engine import Engine
from compiled_header import compiled
from damaged import verdict
from lockstep import engines_of, lockstep


@st.composite
def streams(draw, nodes=6):
    """(stream, plan) of a random causal model."""
    config, split, keep = draw(planned.shapes(nodes))
    rows = draw(st.integers(1, 4))
    pool = draw(st.sampled_from(("mean", "last", "all", "mean_of_norm")))
    config = dataclasses.replace(
        config, tokens_in=rows * draw(st.integers(1, 5)), causal=True, linear=False, pool=pool
    )
    model = random_model(draw(st.integers(0, 99)), config, split, keep, draw(st.booleans()))
    stream = stream_of(model, rows)
    plan = make_plan(
        stream.config, split, keep, payload=draw(st.sampled_from((None, 9, 40))),
        interleave=draw(st.sampled_from((None, False, True))),
        tile_rows=draw(st.sampled_from((None, 1, 2))),
    )  # fmt: skip
    return stream, plan


def fragments(stream, plan, loss, there, rng):
    """Fragments that arrive of who is there."""
    bits = reference.random_fragments(stream, plan, loss, rng)
    for d in range(stream.split.nodes):
        for tiles in bits:
            for receivers in tiles:
                for receiver in receivers:
                    if d not in there:
                        receiver[d] = np.zeros_like(receiver[d])
    return bits


@settings(max_examples=30, deadline=None)
@given(streams(), st.integers(0, 2**31), st.sampled_from((0.0, 0.1, 0.5)), st.booleans())
def test_steps(drawn, seed, loss, away):
    """Windows one behind the other; nodes miss steps, begin anew, and lose fragments."""
    stream, plan = drawn
    rng = np.random.default_rng(seed)
    engines, steps = engines_of(stream, plan), Steps(stream)
    nodes, rows, context = stream.split.nodes, stream.config.tokens_in, stream.config.context
    for window in range(2):
        steps.begin()
        joined = np.zeros(nodes, bool)  # took part in this window
        for position in range(0, context, rows):
            there = [d for d in range(nodes) if not away or rng.random() < 0.8]
            if away and rng.random() < 0.1:
                d = int(rng.integers(nodes))
                engines[d] = engines_of(stream, plan)[d]
                steps.forget(d)
                joined[d] = False
            inputs = random_inputs(int(rng.integers(2**31)), stream.config)
            bits = fragments(stream, plan, loss, there, rng)
            for d in there:
                engines[d].seek(position, bool(joined[d]))
                joined[d] = True
            outputs = lockstep(stream, plan, engines, inputs[0], bits, there=there)
            has = reference.availability_from_fragments(stream, plan, bits)
            took = np.isin(np.arange(nodes), there)
            want = steps.step(inputs, has, took)[0]
            for d in there:
                np.testing.assert_array_equal(outputs[d], want[d], f"{window} {position} {d}")
                assert engines[d].known == steps.known[0, d].sum()


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("context", [5, 6, 8])
def test_narrow_heads(width, context):
    """Keys and values of a later block begin where those of the one before it end."""
    config = ModelConfig(
        context, 3, 2, features=4 * width, heads=4, hidden=5, blocks=3, causal=True, pool="last"
    )
    split = SplitConfig.even(config, 2)
    stream = stream_of(random_model(context, config, split))
    plan = make_plan(stream.config, split, stream.keep)
    engines, steps = engines_of(stream, plan), Steps(stream)
    bits = reference.random_fragments(stream, plan, 0.0, np.random.default_rng(0))
    for position in range(context):
        inputs = random_inputs(position, stream.config)
        for engine in engines:
            engine.seek(position)
        outputs = lockstep(stream, plan, engines, inputs[0], bits)
        np.testing.assert_array_equal(outputs, steps.step(inputs)[0])


def small(pool="mean_of_norm", nodes=2):
    config = ModelConfig(8, 4, 5, features=24, heads=4, hidden=17, blocks=2, causal=True, pool=pool)
    split = SplitConfig.even(config, nodes)
    keep = random_keep(2, config, split, 0.6)
    stream = stream_of(random_model(3, config, split, keep), 2)
    return stream, make_plan(stream.config, split, keep)


def test_what_a_stream_image_may_say():
    """Its record and what is kept from step to step stay inside; it goes with nothing that cannot
    be a stream."""
    for pool in ("mean", "mean_of_norm", "last"):
        stream, plan = small(pool)
        data = image.pack(stream, plan, 1, 1)
        found = image_reader.parse(data)
        assert found.stream == {"rows": 8, "reserved": 0}
        assert found.model["tokens"] == 2
        assert found.arrays[0, "table"].shape == (8, 12)
        flags, record = found.model["flags"], found.gathers[1]["table"]
        key, size = found.model["arena_key"], found.header["arena_size"]
        at = found.header["model"]

        def changed(offset, value, width=2, data=data):
            return verdict(data, offset, value, width)

        model = {name: at + layout.MODEL.fields[name][1] for name in layout.MODEL.names}
        table = found.header["gather_table"] + layout.GATHER.itemsize
        table += layout.GATHER.fields["table"][1]
        assert changed(record, 8) == lib.CATS_IMAGE_OK
        for rows in (0, 1, 7, 9, 1024, 65534):
            assert changed(record, rows) == lib.CATS_IMAGE_INVALID, rows
        assert changed(record, 6) == lib.CATS_IMAGE_OK  # fewer than there is room for
        assert changed(record + 2, 1) == lib.CATS_IMAGE_INVALID
        for flag in (layout.FLAG_CAUSAL, layout.FLAG_HELD):
            assert changed(model["flags"], flags ^ flag) == lib.CATS_IMAGE_INVALID
        assert changed(model["pool"], 1, 1) == lib.CATS_IMAGE_INVALID
        assert changed(model["linear_weights"], 44, 4) == lib.CATS_IMAGE_INVALID
        for place in (0, 2, 40, found.header["image_size"] - 2):
            assert changed(table, place, 4) == lib.CATS_IMAGE_INVALID
        blocks = 2 * 12  # columns of keys of all blocks
        for name, room in (("arena_key", 8 * blocks), ("arena_value", 8 * blocks),
                           ("arena_scores", 4 * 8)):  # fmt: skip
            assert changed(model[name], size - room + 4, 4) == lib.CATS_IMAGE_INVALID, name
        if pool == "mean":
            assert changed(model["arena_sums"], size - 48 + 4, 4) == lib.CATS_IMAGE_INVALID
        assert key + 8 * blocks <= size


def test_what_is_kept_has_its_memory_alone():
    stream, plan = small("mean")
    for d, arena in enumerate(plan.arenas):
        packed = image.pack(stream, plan, d, 1)
        engine, spans = Engine(packed), []
        mode = mode_of(plan)
        stride = largest_stride(stream.config, stream.split, stream.keep, d)
        sizes = buffer_sizes(stream.config, stream.split, plan.gathers, d, mode, stride)
        for name, size in sizes.items():
            of, _, which = name.partition(".")
            place = arena.offsets.get(name)
            if which:
                gather = int(of.lstrip("tileoubx"))
                place = (arena.tiles if of.startswith("tile") else arena.outboxes)[gather]
                place = place[int(which)]
            spans.append((name, place, place + size))
        for name, begin, end in spans:
            for other, first, last in spans:
                if name in KEPT and other != name and first < last and begin < end:
                    assert end <= first or last <= begin, (name, other)
        assert engine.arena_size == arena.size
        assert predict.node_size(
            stream.config, stream.split, stream.keep, plan, d
        ).image_bytes == len(packed)


def test_a_held_stream_is_refused():
    stream, _ = small()
    with pytest.raises(CatsError, match="attention is not held"):
        make_plan(stream.config, stream.split, stream.keep, held=True)


def test_positions():
    """Steps that do not follow begin anew, as do those that are not behind the one before."""
    stream, plan = small("last", 1)
    engine = engines_of(stream, plan)[0]
    inputs = random_inputs(1, stream.config)[0]
    bits = reference.random_fragments(stream, plan, 0.0, np.random.default_rng(0))

    def step(position, follows=True):
        engine.seek(position, follows)
        return lockstep(stream, plan, [engine], inputs, bits)[0], engine.known

    first, known = step(0)
    assert known == 2
    assert step(2)[1] == 4
    again, known = step(0)  # not behind: another window
    assert known == 2 and (again == first).all()
    assert step(6)[1] == 4  # of 0 and 1, 6 and 7
    assert step(2, False)[1] == 2
    assert step(9)[1] == 4  # as if it were the last
    whole = engines_of(stream, plan)[0]
    assert (lockstep(stream, plan, [whole], inputs, bits)[0] == first).all()


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc here")
def test_header_has_the_bytes(tmp_path):
    stream, plan = small()
    found = compiled(c_header.header(stream, plan, 1, 7), tmp_path)
    assert found == image.pack(stream, plan, 1, 7)
