# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Steps of a stream: to the bit what the whole window gives; what a node has that missed any."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.errors import CatsError
from cats.integer import model as integer
from cats.integer import reference
from cats.integer.random_models import random_inputs, random_keep, random_model, random_split
from cats.integer.reference import Availability
from cats.integer.steps import Steps, spread, stream_of, window_of
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import gather_rows


@st.composite
def streams(draw):
    """A causal integer model, its stream, and losses of one window, row by row."""
    nodes = draw(st.integers(1, 4))
    heads = draw(st.integers(nodes, nodes + 2))
    rows = draw(st.integers(1, 3))
    embed = draw(st.sampled_from(("full", "own", "stem")))
    config = ModelConfig(
        tokens_in=rows * draw(st.integers(1, 6)),
        inputs=draw(st.integers(nodes, 5)),
        outputs=draw(st.integers(1, 5)),
        features=heads * draw(st.integers(1, 3)),
        heads=heads,
        hidden=draw(st.integers(nodes, nodes + 5)),
        blocks=draw(st.integers(1, 3)),
        causal=True,
        activation=draw(st.sampled_from(("relu", "gelu"))),
        pool=draw(st.sampled_from(("mean", "last", "all", "mean_of_norm"))),
        embed=embed,
        embed_hidden=0 if embed == "full" else draw(st.integers(nodes, 7)),
    )
    seed = draw(st.integers(0, 2**31))
    split = random_split(seed, config, nodes)
    keep = random_keep(seed, config, split, draw(st.sampled_from((0.0, 0.5, 1.0))))
    model = random_model(seed, config, split, keep, wild=draw(st.booleans()))
    loss = draw(st.sampled_from((0.0, 0.3)))
    losses = reference.random_availability(model, loss, np.random.default_rng(seed))
    return model, stream_of(model, rows), losses, random_inputs(seed, config, 2)


def losses_of_step(stream, losses, rows):
    """Of a window's losses those of some rows; all is heard of rows that the window leaves out."""
    all_heard = reference.everything(stream.config, stream.split, stream.keep)
    found = []
    for g, whole in enumerate(losses.gathers):
        first, count = gather_rows(stream.config.whole, g)
        mine, given = gather_rows(stream.config, g), range(first, first + count)
        wanted = range(rows.start + mine[0], rows.start + mine[0] + mine[1])
        if len(whole) == 1:  # of the mean, or the same in all rows
            found.append(whole)
        elif wanted.start in given and wanted[-1] in given:
            found.append(whole[wanted.start - first : wanted.stop - first])
        else:
            found.append(all_heard.gathers[g])
    return Availability(tuple(found))


def run_steps(stream, inputs, losses):
    steps = Steps(stream, len(inputs))
    rows = stream.config.tokens_in
    for first in range(0, stream.config.context, rows):
        part = slice(first, first + rows)
        yield steps.step(inputs[:, part], losses_of_step(stream, losses, part))


@settings(max_examples=60, deadline=None)
@given(drawn=streams())
def test_the_last_step_is_the_window(drawn):
    model, stream, losses, inputs = drawn
    outputs = list(run_steps(stream, inputs, losses))
    whole = reference.run_batch(model, inputs, losses)
    if model.config.pool == "all":  # and each step its rows
        assert (np.concatenate(outputs, 2) == whole).all()
    else:
        assert (outputs[-1] == whole).all()


@settings(max_examples=15, deadline=None)
@given(drawn=streams())
def test_each_step_is_the_window_that_ends_there(drawn):
    model, stream, _, inputs = drawn
    if stream.config.pool == "last":
        all_heard = reference.everything(model.config, model.split, model.keep)
        for i, out in enumerate(run_steps(stream, inputs, all_heard)):
            short = dataclasses.replace(model.config, tokens_in=(i + 1) * stream.config.tokens_in)
            first = dataclasses.replace(model.steps[0], table=model.steps[0].table[: short.tokens])
            prefix = dataclasses.replace(model, config=short, steps=(first, *model.steps[1:]))
            assert (out == reference.run_batch(prefix, inputs[:, : short.tokens])).all()


CONFIG = ModelConfig(
    8, 4, 5, features=24, heads=4, hidden=17, blocks=2, causal=True, pool="mean_of_norm"
)


def stream_model(pool="last", nodes=3, **options):
    config = dataclasses.replace(CONFIG, pool=pool, **options)
    split = random_split(2, config, nodes)
    return stream_of(random_model(2, config, split, random_keep(2, config, split, 0.6)))


def absent(stream, node):
    """Everything arrives but what one node would send."""
    heard = reference.everything(stream.config, stream.split, stream.keep)
    alone = reference.random_availability(stream, 1.0, np.random.default_rng(0))
    gathers = []
    for has, own in zip(heard.gathers, alone.gathers, strict=True):
        theirs = own[:1, node]  # columns that are the node's
        has = np.repeat(has, 1, 0) & ~theirs[:, None]
        gathers.append(has | own[:1])
    return Availability(tuple(gathers))


@pytest.mark.parametrize("pool", ["mean", "last", "all", "mean_of_norm"])
def test_a_node_attends_to_the_rows_that_it_has(pool):
    stream = stream_model(pool)
    inputs = random_inputs(3, stream.config.whole)
    missing = absent(stream, 1)
    took = np.array([True, False, True])

    def run(restart):
        steps, outputs = Steps(stream), []
        for t in range(8):
            if restart and t == 5:
                steps.forget(1)
            away = 2 <= t < 4
            row = inputs[:, t : t + 1]
            outputs.append(steps.step(row, missing if away else None, took if away else None))
        return steps, np.concatenate(outputs)

    steps, outputs = run(restart=False)
    assert steps.known[0, 1].tolist() == [t not in (2, 3) for t in range(8)]
    assert steps.known[0, [0, 2]].all()
    assert (outputs[2:4, 1] == reference.OUTPUT_MISSING).all()
    # As if its rows had never been: the same as a stream whose keys hold something else there.
    again, mine = Steps(stream), slice(stream.split.heads[0], sum(stream.split.heads[:2]))
    for t in range(8):
        away = 2 <= t < 4
        if t == 4:
            again.keys[:, :, mine, 2:4] = again.values[:, :, mine, 2:4] = 99
        got = again.step(inputs[:, t : t + 1], missing if away else None, took if away else None)
        assert (got[0] == outputs[t]).all()
    fresh, anew = run(restart=True)
    assert fresh.known[0, 1].tolist() == [t >= 5 for t in range(8)]
    assert (anew[5:] != outputs[5:]).any()


def test_mean_over_the_rows_so_far():
    total = np.arange(-3000, 3000, 7)
    for rows in (1, 3, 64, 1023):
        exact = np.floor(total * (1023 / rows) + 0.5)
        assert (spread(total, rows, 1023) == exact).all()
    assert (spread(total, 1023, 1023) == total).all()


def test_where_a_context_ends():
    stream = stream_model()
    steps, row = Steps(stream), random_inputs(1, stream.config)
    first = [steps.step(row) for _ in range(8)]
    with pytest.raises(CatsError, match="ends after 8 rows: begin again"):
        steps.step(row)
    steps.begin()
    assert steps.position == 0
    assert (steps.step(row) == first[0]).all()


def test_what_is_no_stream():
    split = SplitConfig.even(CONFIG, 2)
    for change, why in (
        ({"causal": False}, "train with --causal"),
        ({"causal": False, "pool": "class"}, "--pool last"),
        ({"linear": True}, "linear path"),
    ):
        config = dataclasses.replace(CONFIG, **change)
        one = SplitConfig.even(config, 2, "single", "single")
        with pytest.raises(CatsError, match=why):
            stream_of(random_model(1, config, one))
    with pytest.raises(CatsError, match="do not fill a context of 8"):
        stream_of(random_model(1, CONFIG, split), 3)
    with pytest.raises(CatsError, match="whole windows"):
        Steps(random_model(1, CONFIG, split))
    stream = stream_model()
    with pytest.raises(CatsError, match="is a step"):
        reference.run(stream, random_inputs(1, stream.config)[0])
    with pytest.raises(CatsError, match="a step takes int8"):
        Steps(stream).step(random_inputs(1, stream.config.whole))


def test_saved_and_loaded(tmp_path):
    stream = stream_model()
    integer.save(stream, tmp_path)
    loaded = integer.load(tmp_path)
    assert loaded.config == stream.config
    assert window_of(loaded).config == dataclasses.replace(CONFIG, pool="last")
