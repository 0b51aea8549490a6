# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The reference: against a second implementation, one node at a time, and its own properties."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scalar
from cats.errors import CatsError
from cats.integer import model as integer
from cats.integer import reference
from cats.integer.random_models import random_inputs, random_keep, random_model, random_split
from cats.plan.plan import GatherPlan, Plan, exchange_order, plan_from_json
from cats.report import read_json
from cats.shape.config import POOLS, ModelConfig, SplitConfig
from cats.shape.partition import Kind, fragmenting, gather_count, gather_kind, gather_rows
from vectors import RUNS, cases, write_vectors


def test_exp2_table():
    assert reference.EXP2.tolist() == scalar.EXP2


@st.composite
def shapes(draw, most_nodes=4):
    nodes = draw(st.integers(1, most_nodes))
    heads = draw(st.integers(nodes, nodes + 2))
    pool = draw(st.sampled_from(POOLS))
    config = ModelConfig(
        tokens_in=draw(st.integers(1, 5)),
        inputs=draw(st.integers(1, 5)),
        outputs=draw(st.integers(1, 5)),
        features=heads * draw(st.integers(1, 3)),
        heads=heads,
        hidden=draw(st.integers(nodes, nodes + 5)),
        blocks=draw(st.integers(1, 2)),
        causal=pool != "class" and draw(st.booleans()),
        activation=draw(st.sampled_from(("relu", "gelu"))),
        pool=pool,
        linear=pool != "all" and draw(st.booleans()),
    )
    return config, random_split(draw(st.integers(0, 99)), config, nodes)


@settings(max_examples=150, deadline=None)
@given(
    shape=shapes(),
    seed=st.integers(0, 2**31),
    ratio=st.sampled_from((0.0, 0.5, 1.0)),
    loss=st.sampled_from((0.0, 0.3, 1.0)),
    wild=st.booleans(),
)
def test_equals_scalar(shape, seed, ratio, loss, wild):
    config, split = shape
    model = random_model(seed, config, split, random_keep(seed, config, split, ratio), wild)
    inputs = random_inputs(seed, config)[0]
    losses = reference.random_availability(model, loss, np.random.default_rng(seed))
    got = reference.run(model, inputs, losses)
    assert [node.tolist() for node in got] == scalar.run(model, inputs, losses)


@pytest.mark.parametrize("nodes", [2, 16])
def test_equals_scalar_many_nodes(nodes):
    config = ModelConfig(3, 5, 7, features=48, heads=16, hidden=37, blocks=1, pool="all")
    split = random_split(nodes, config, nodes)
    model = random_model(nodes, config, split, random_keep(1, config, split, 0.5))
    inputs = random_inputs(nodes, config)[0]
    losses = reference.random_availability(model, 0.2, np.random.default_rng(3), by="row")
    got = reference.run(model, inputs, losses)
    assert [node.tolist() for node in got] == scalar.run(model, inputs, losses)


@settings(max_examples=25, deadline=None)
@given(shape=shapes(), seed=st.integers(0, 2**31), wild=st.booleans())
def test_nodes_do_not_matter_when_all_is_heard(shape, seed, wild):
    config, split = shape
    inputs = random_inputs(seed, config, 3)
    many = reference.run_batch(random_model(seed, config, split, wild=wild), inputs)
    alone = random_model(seed, config, SplitConfig.even(config, 1), wild=wild)
    one = reference.run_batch(alone, inputs)
    assert (many == one).all()
    assert not (one == reference.OUTPUT_MISSING).any()


def test_most_tokens():
    config = ModelConfig(1023, 3, 2, features=4, heads=2, hidden=3, blocks=1, pool="last")
    model = random_model(5, config, SplitConfig.even(config, 2))
    inputs = random_inputs(5, config)[0]
    everything = reference.everything(config, model.split, model.keep)
    got = reference.run(model, inputs)
    assert [node.tolist() for node in got] == scalar.run(model, inputs, everything)


CONFIG = ModelConfig(6, 4, 5, features=24, heads=4, hidden=17, blocks=2, pool="all", causal=True)


def lossy_model(nodes=3, ratio=0.6):
    split = random_split(2, CONFIG, nodes)
    return random_model(2, CONFIG, split, random_keep(2, CONFIG, split, ratio))


def small_plan(model, tile_rows=4, payload=5):
    gathers = []
    for g in range(gather_count(model.config)):
        first, rows = gather_rows(model.config, g)
        height = min(tile_rows, rows)
        element = 2 if gather_kind(model.config, g)[0] == Kind.RESULT else 1
        cuts = tuple(fragmenting(len(k) * element, height, payload, element) for k in model.keep[g])
        gathers.append(GatherPlan(g, first, rows, height, 1, 0, 0, 0, 0, 0, cuts))
    return Plan("test", payload, 0, 4, False, (), 0, tuple(gathers), ())


def all_bits(model, plan, arrived):
    rng = np.random.default_rng(0)
    return reference.random_fragments(model, plan, 0.0 if arrived else 1.0, rng)


def test_all_fragments_are_everything():
    model = lossy_model()
    plan = small_plan(model)
    has = reference.availability_from_fragments(model, plan, all_bits(model, plan, True))
    everything = reference.everything(model.config, model.split, model.keep)
    for got, wanted in zip(has.gathers, everything.gathers, strict=True):
        assert (got == wanted).all()


def test_no_fragment_leaves_own_columns():
    model = lossy_model()
    plan = small_plan(model)
    has = reference.availability_from_fragments(model, plan, all_bits(model, plan, False))
    for gather in has.gathers:
        assert (gather.sum(1) == 1).all()  # each column at its owner alone


def test_each_fragment_carries_its_own_columns():
    """Every column of every row that is sent arrives with exactly one fragment."""
    model = lossy_model()
    plan = small_plan(model)
    none = reference.availability_from_fragments(model, plan, all_bits(model, plan, False))
    everything = reference.everything(model.config, model.split, model.keep)
    total = [np.zeros(gather.shape, int) for gather in none.gathers]
    for g, exchange in enumerate(plan.gathers):
        for tile in range(exchange.tiles):
            rows = min(exchange.tile_rows, exchange.rows - tile * exchange.tile_rows)
            for source, cut in enumerate(exchange.sources):
                for f in range(cut.fragments(rows)):
                    bits = [
                        [[[set() for _ in range(3)] for _ in range(3)] for _ in range(p.tiles)]
                        for p in plan.gathers
                    ]
                    for receiver in range(3):
                        bits[g][tile][receiver][source] = {f}
                    has = reference.availability_from_fragments(model, plan, bits)
                    new = has.gathers[g] & ~none.gathers[g]
                    assert new.any()
                    first, last, begin, end = cut.region(f, rows)
                    element = 2 if gather_kind(model.config, g)[0] == Kind.RESULT else 1
                    columns = (end - begin) // element
                    assert (new.sum((0, 2)) // columns // (last - first)).sum() == 2
                    total[g] += new
    for got, wanted, own in zip(total, everything.gathers, none.gathers, strict=True):
        assert (got == (wanted & ~own)).all()


def test_lost_gather_changes_only_the_receivers_columns():
    model = lossy_model(ratio=1.0)
    inputs = random_inputs(1, CONFIG)[0]
    clean, lossy = {}, {}
    reference.run(model, inputs, trace=clean.__setitem__)
    has = reference.everything(model.config, model.split, model.keep)
    gathers = [gather.copy() for gather in has.gathers]
    alone = reference.random_availability(model, 1.0, np.random.default_rng(0)).gathers
    gathers[2] = np.repeat(gathers[2], 6, 0)
    gathers[2][:, 1] = alone[2][:, 1]  # node 1 hears no heads of the others in block 0
    got = reference.run(
        model, inputs, reference.Availability(tuple(gathers)), trace=lossy.__setitem__
    )
    (own,) = reference.outputs_of(CONFIG, model.split, 2, 1)
    changed = (clean["residual2"] != lossy["residual2"])[0].any(0)
    assert changed[own].any()
    assert not np.delete(changed, np.arange(CONFIG.features)[own]).any()
    assert all((node == got[0]).all() for node in got)  # one value for all from then on


def test_result_marks_what_did_not_arrive():
    model = lossy_model()
    inputs = random_inputs(1, CONFIG)[0]
    has = reference.everything(model.config, model.split, model.keep)
    alone = reference.random_availability(model, 1.0, np.random.default_rng(0)).gathers
    got = reference.run(model, inputs, reference.Availability((*has.gathers[:-1], alone[-1])))
    clean = reference.run(model, inputs)
    ends = np.cumsum(model.split.outputs)
    for node, (end, count) in enumerate(zip(ends, model.split.outputs, strict=True)):
        own = np.zeros(CONFIG.outputs, bool)
        own[end - count : end] = True
        assert (got[node][:, ~own] == reference.OUTPUT_MISSING).all()
        assert (got[node][:, own] == clean[node][:, own]).all()


def test_availability_per_sample():
    """A batch whose samples lose differently is what its samples are alone."""
    model, rng = lossy_model(), np.random.default_rng(4)
    inputs = random_inputs(3, CONFIG, 3)
    losses = [reference.random_availability(model, 0.3, rng, by="row") for _ in range(3)]
    stacked = reference.Availability(
        tuple(np.stack(gathers) for gathers in zip(*(a.gathers for a in losses), strict=True))
    )
    batch = reference.run_batch(model, inputs, stacked)
    for sample, loss, got in zip(inputs, losses, batch, strict=True):
        assert (np.stack(reference.run(model, sample, loss)) == got).all()


def test_traces():
    model, seen = lossy_model(), {}
    reference.run(model, random_inputs(0, CONFIG)[0], trace=seen.__setitem__)
    assert seen["q1"].shape == (1, 4, 6, 6)
    assert seen["norm1.2"].shape == seen["sent1"].shape == seen["residual0"].shape == (1, 6, 24)
    assert seen["sent4"].shape == (1, 6, 17)
    assert {"sent10", "out9", "norm9.0", "residual8"} <= set(seen)


def test_wrong_input():
    model = lossy_model()
    with pytest.raises(CatsError, match=r"the model takes int8 \[samples, 6, 4\]"):
        reference.run(model, np.zeros((6, 4), np.float32))
    with pytest.raises(CatsError, match="the model takes"):
        reference.run(model, np.zeros((5, 4), np.int8))


def test_wrong_availability():
    model = lossy_model()
    plan = small_plan(model)
    bits = all_bits(model, plan, True)
    bits[1][0][0][1] = {999}
    with pytest.raises(CatsError, match="fragment 999 arrived of a source that sends"):
        reference.availability_from_fragments(model, plan, bits)
    few = reference.Availability(reference.everything(CONFIG, model.split, model.keep).gathers[1:])
    with pytest.raises(CatsError, match="availability of 10 gathers, the model has 11"):
        reference.run(model, random_inputs(0, CONFIG)[0], few)
    with pytest.raises(CatsError, match="one of column, row"):
        reference.random_availability(model, 0.5, np.random.default_rng(0), by="bit")


# Golden vectors

VECTORS = Path(__file__).parents[2] / "vectors"


def test_vectors_are_what_the_generator_writes(tmp_path):
    for path in VECTORS.glob("*/plan.json"):
        (tmp_path / path.parent.name).mkdir()
        shutil.copy(path, tmp_path / path.parent.name)
    write_vectors(tmp_path)
    wanted = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    stored = {p.relative_to(VECTORS): p.read_bytes() for p in VECTORS.rglob("*") if p.is_file()}
    del stored[Path("README.rst")]
    assert sorted(stored) == sorted(wanted)
    differing = [str(name) for name in wanted if stored[name] != wanted[name]]
    assert not differing, "if that is intended: PYTHONPATH=scripts python -m vectors tests/vectors"


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_vectors_equal_scalar(case):
    """What the files say, read as another implementation would, and run by the second reference."""
    folder = VECTORS / case.name
    model = integer.load(folder)
    config, nodes = model.config, model.split.nodes
    plan = plan_from_json(read_json(folder / "plan.json"))
    order = exchange_order([(p.phase, p.tiles) for p in plan.gathers])
    inputs = np.fromfile(folder / "input.bin", np.int8).reshape(config.tokens_in, config.inputs)
    for name, _ in RUNS:
        stored = np.fromfile(folder / f"{name}.available.bin", np.uint8)
        stored = stored.reshape(len(order), nodes, nodes, -1)
        bits = [[None] * exchange.tiles for exchange in plan.gathers]
        for (g, tile), packed in zip(order, stored, strict=True):
            unpacked = np.unpackbits(packed, axis=-1, bitorder="little")
            bits[g][tile] = [[set(np.flatnonzero(s)) for s in r] for r in unpacked]
        has = reference.availability_from_fragments(model, plan, bits)
        outputs = np.fromfile(folder / f"{name}.output.bin", "<i2")
        outputs = outputs.reshape(nodes, config.output_rows, config.outputs)
        assert scalar.run(model, inputs, has) == outputs.tolist()


def test_plans_are_made_where_none_is_stored(tmp_path):
    """Of today's planner, and so with the same tiles and fragments where they are prescribed."""
    write_vectors(tmp_path)
    for case in cases():
        today, stored = (
            plan_from_json(read_json(folder / case.name / "plan.json"))
            for folder in (tmp_path, VECTORS)
        )
        assert [p.sources for p in today.gathers] == [p.sources for p in stored.gathers]


def test_vectors_show_what_they_are_for():
    """Saturation, loss and arrival are all there to be got wrong."""
    for case in cases():
        folder = VECTORS / case.name
        clean, lossy, deaf = (
            np.fromfile(folder / f"{name}.output.bin", "<i2") for name in ("clean", "lossy", "deaf")
        )
        assert not (clean == reference.OUTPUT_MISSING).any()
        assert len(np.unique(clean)) > 1 or clean.size == case.nodes
        if case.nodes > 1:
            assert (deaf == reference.OUTPUT_MISSING).any()
            assert (lossy != clean).any()
            assert (lossy != deaf).any()
