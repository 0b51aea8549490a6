# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The integers of the Llama family: doc/numerics-llama.rst operation by operation; windows,
steps and partitions give the same bits."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scalar
from cats.errors import CatsError
from cats.integer import llama
from cats.integer.llama import LlamaSteps, everything, random_availability, run_batch
from cats.integer.llama_model import RmsNorm, check_llama
from cats.integer.random_llama import random_config, random_llama
from cats.integer.random_models import random_keep, random_split
from cats.integer.reference import OUTPUT_MISSING, Availability
from cats.shape.config import MAX_COLUMNS, SplitConfig

SEEDS = st.integers(0, 2**31)


def one_node(config):
    return SplitConfig.even(config, 1)


def several(seed, config):
    nodes = 1 + seed % min(4, config.heads, config.hidden)
    return random_split(seed, config, nodes)


def tokens_of(seed, config, rows, batch=1):
    return np.random.RandomState(seed).randint(0, config.inputs, (batch, rows))


# Operations


def norm_row(row, exponent, gain, epsilon):
    """A norm in Python's own whole numbers; asserts the widths that the page claims."""
    n = len(row)
    v = [x << c for x, c in zip(row, exponent, strict=True)]
    squares = sum(x * x for x in v)
    assert squares < 1 << 32
    w = max(n * squares + ((n * n * epsilon) >> 16), 1)
    assert w < 1 << 45
    inv, k = scalar.inverse_root(w)
    assert k <= 7
    out = []
    for x, g in zip(v, gain, strict=True):
        z = (n * x * inv + (1 << (22 + k))) >> (23 + k)
        assert abs(z) <= 1 << 14
        t = (n * x) << (9 - k)
        assert abs(t) < 1 << 31
        assert z == (t * inv + (1 << 31)) >> 32
        out.append(min(max((z * g + (1 << 12)) >> 13, -1023), 1023))
    return out


@settings(max_examples=100, deadline=None)
@given(
    n=st.one_of(st.integers(1, 40), st.sampled_from((1000, MAX_COLUMNS - 1))),
    seed=SEEDS,
    size=st.sampled_from((1, 4, 30, 128)),
    epsilon=st.one_of(st.integers(0, 4000), st.sampled_from((0, 1 << 16, (1 << 32) - 1))),
)
def test_norm_fits_and_equals_whole_numbers(n, seed, size, epsilon):
    rng = np.random.RandomState(seed)
    x = rng.randint(-size, size, n).astype(np.int8)
    exponent = rng.randint(0, 4, n).astype(np.int8)
    gain = rng.choice([-32768, -1, 300, 5000, 32767], n).astype(np.int16)
    got = llama.rms_norm(x[None], np.ones(n, bool), RmsNorm(gain, epsilon, 1, 1), exponent)
    assert got[0].tolist() == norm_row(x.tolist(), exponent.tolist(), gain.tolist(), epsilon)


def test_norm_of_the_largest_row():
    n = MAX_COLUMNS - 1
    x, exponent, gain = [-128] * n, [3] * n, [32767] * n
    norm_row(x, exponent, gain, 0)
    norm_row([-128] + [0] * n, [3] + [0] * n, [32767] * (n + 1), 0)


def test_norm_is_near_that_of_real_numbers_over_what_is_available():
    rng = np.random.RandomState(0)
    x = rng.randint(-100, 101, (50, 96)).astype(np.int8)
    exponent = rng.randint(0, 4, 96).astype(np.int8)
    has = rng.rand(50, 96) < 0.7
    y = llama.rms_norm(x, has, RmsNorm(np.full(96, 5000, np.int16), 1000, 1, 1), exponent)
    v = np.where(has, x * 2.0**exponent, 0)
    real = v / np.sqrt((v**2).sum(-1, keepdims=True) / has.sum(-1, keepdims=True) + 1000 / 65536)
    assert not y[~has].any()
    assert np.abs(y - np.clip(real * 5000 / 32, -1023, 1023)).max() < 0.5 + 5000 / 32 * 0.003


@given(position=st.integers(0, 2**32 - 1), turn=st.integers(0, 2**32 - 1))
def test_turns_are_near_sine_and_cosine(position, turn):
    cosine, sine = llama.turns(np.array([turn], np.uint32), position, 1)
    angle = 2 * math.pi * (position * turn % 2**32) / 2**32
    assert abs(cosine[0, 0] / 32767 - math.cos(angle)) < 1.2e-4
    assert abs(sine[0, 0] / 32767 - math.sin(angle)) < 1.2e-4


def test_a_position_wraps_as_an_unsigned_number_does():
    turn = np.array([123456789], np.uint32)
    ends = llama.turns(turn, 2**32 - 2, 4)
    for part, first in zip(ends, llama.turns(turn, 0, 2), strict=True):
        assert (part[2:] == first).all()


@given(st.integers(-32768, 32767), st.integers(-32768, 32767), SEEDS)
def test_turned_pairs_fit_what_the_page_says(even, odd, seed):
    by = llama.turns(np.array([seed], np.uint32), 1, 1)
    pair = np.array([[even, odd]])
    assert abs(even * by[0][0, 0] - odd * by[1][0, 0]) < 1.42 * 2**30
    assert np.abs(llama.rotate(pair, by, 20)).max() < 1450
    assert np.abs(llama.rotate(pair, by, 18)).max() < 5794


def test_gates_are_near_real_numbers():
    x = np.arange(-128, 129) / 16
    config = random_config(1)
    block = random_llama(1, config, one_node(config)).blocks[0]
    table = np.rint(4000 * x / (1 + np.exp(-x))).astype(np.int16)
    block = dataclasses.replace(block, table=table, hidden_multiplier=1 << 30, hidden_shift=50)
    g = np.arange(-32768, 32768, 7)
    u = np.full_like(g, 127)
    got = llama.gated(np.concatenate((g, u))[None], block)[0]
    real = 4000 * (g / 4096) / (1 + np.exp(-g / 4096)) * 127 / 2**20
    assert np.abs(got - np.clip(real, -128, 127)).max() < 0.51


# Whole models


def whole_and_steps(seed, wild, wide, four):
    """A random model of several nodes with losses, in one go and cut into steps."""
    config = random_config(seed)
    split = several(seed, config)
    keep = random_keep(seed, config, split, 0.6, empty=0.2)
    model = random_llama(seed, config, split, keep, wide_keys=wide, wild=wild, in_four_bits=four)
    check_llama(model)
    rows = config.tokens + 3  # the window slides
    tokens = tokens_of(seed, config, rows, batch=2)
    has = random_availability(model, rows, 0.2, np.random.default_rng(seed))
    whole = run_batch(model, tokens, has)
    steps, at, parts = LlamaSteps(model, 2), 0, []
    rng = np.random.RandomState(seed)
    while at < rows:
        end = min(rows, at + int(rng.randint(1, 4)))
        some = Availability(tuple(gather[at:end] for gather in has.gathers))
        parts.append(steps.step(tokens[:, at:end], some))
        at = end
    return whole, np.concatenate(parts, 2)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("wild", [False, True])
def test_steps_are_the_window(wild, wide):
    for seed in range(12):
        whole, steps = whole_and_steps(seed, wild, wide, four=seed % 3 == 0)
        assert (whole == steps).all(), seed


@pytest.mark.parametrize("wild", [False, True])
def test_any_partition_gives_the_bits_of_one_node(wild):
    seen = set()
    for seed in range(20):
        config = random_config(seed)
        split = several(seed, config)
        options = {"wild": wild, "in_four_bits": seed % 3 == 0}
        one = random_llama(seed, config, one_node(config), **options)
        many = random_llama(seed, config, split, **options)
        check_llama(many)
        tokens = tokens_of(seed, config, config.tokens, batch=2)
        wanted, got = run_batch(one, tokens), run_batch(many, tokens)
        assert (got == wanted[:, :1]).all(), seed
        seen.add(split.nodes)
    assert len(seen) == 4


def test_random_models_use_their_ranges():
    config = dataclasses.replace(random_config(3), blocks=2)
    out = run_batch(random_llama(3, config, one_node(config)), tokens_of(0, config, 8, 4))
    assert 1000 < np.abs(out.astype(int)).mean() < 30000


def test_rows_are_independent_of_later_ones_and_of_those_beyond_the_window():
    config = dataclasses.replace(random_config(5), tokens_in=4, inputs=9, outputs=9, blocks=1)
    model = random_llama(5, config, one_node(config))
    tokens = tokens_of(1, config, 9)
    other = tokens.copy()
    other[0, -1] = (other[0, -1] + 1) % 9
    assert (run_batch(model, tokens)[:, :, :-1] == run_batch(model, other)[:, :, :-1]).all()
    other = tokens.copy()
    other[0, 0] = (other[0, 0] + 1) % 9
    a, b = run_batch(model, tokens), run_batch(model, other)
    assert (a[:, :, 4:] == b[:, :, 4:]).all()
    assert (a[:, :, :4] != b[:, :, :4]).any()


def test_what_a_row_lacked_it_lacks_for_ever_and_only_its_own():
    """A step of which nothing was heard changes later rows by way of the cache alone."""
    config = dataclasses.replace(random_config(8), tokens_in=6, blocks=1)
    split = several(3, config)
    assert split.nodes > 1
    model = random_llama(8, config, split)
    tokens = tokens_of(2, config, 3)
    full, lossy = LlamaSteps(model), LlamaSteps(model)
    for i in range(3):
        has = random_availability(model, 1, 1.0, np.random.default_rng(0)) if i == 0 else None
        a, b = full.step(tokens[:, i : i + 1]), lossy.step(tokens[:, i : i + 1], has)
        assert (a != b).any()
    for kept, wanted in zip(lossy._past[0], full._past[0], strict=True):
        assert (kept[:, :, 1:] == wanted[:, :, 1:]).all()


def test_a_node_that_forgot_attends_to_what_it_has():
    config = dataclasses.replace(random_config(8), tokens_in=6, blocks=1)
    split = several(3, config)
    model = random_llama(8, config, split)
    tokens = tokens_of(2, config, 4)
    steps = LlamaSteps(model)
    steps.step(tokens[:, :3])
    for d in range(split.nodes):
        steps.forget(d)
    fresh = LlamaSteps(model)
    fresh.position = 3
    assert (steps.step(tokens[:, 3:]) == fresh.step(tokens[:, 3:])).all()


def test_who_takes_no_part_has_no_output_and_no_row():
    config = dataclasses.replace(random_config(8), tokens_in=6, blocks=1)
    split = several(3, config)
    model = random_llama(8, config, split)
    took = np.arange(split.nodes) != 1
    steps = LlamaSteps(model)
    out = steps.step(tokens_of(2, config, 2), took=took)
    assert (out[:, 1] == OUTPUT_MISSING).all()
    assert (out[:, 0] != OUTPUT_MISSING).all()
    assert not steps._known[:, 1].any()
    assert steps._known[:, 0].all()


def test_a_multiplier_that_does_not_arrive_leaves_no_row():
    config = dataclasses.replace(random_config(8), tied=False)
    split = several(3, config)
    model = random_llama(8, config, split)
    has = everything(model)
    has.gathers[0][..., :4] = False
    got = {}
    run_batch(model, np.array([[0]]), has, got.__setitem__)
    owner = int(np.flatnonzero(np.cumsum(split.inputs) > 0)[0])
    mine = np.repeat(np.arange(split.nodes), np.array(split.heads) * config.head_width) == owner
    assert not got["residual0"][..., ~mine].any()
    assert got["residual0"][..., mine].any()


def test_what_cannot_be_is_refused_in_one_line():
    config = random_config(1)
    model = random_llama(1, config, one_node(config))
    for change, said in (
        ({"exponent": np.full(config.features, 4, np.int8)}, "exponent"),
        ({"embed_shift": 60}, "embed_shift"),
        ({"turn": model.turn[:0]}, "turn"),
        ({"blocks": ()}, "0 blocks"),
        ({"output_scale": 0.0}, "output_scale"),
    ):
        with pytest.raises(CatsError, match=said):
            check_llama(dataclasses.replace(model, **change))
    with pytest.raises(CatsError, match="RMS norms"):
        check_llama(dataclasses.replace(model, config=dataclasses.replace(config, norm="layer")))
    with pytest.raises(CatsError, match="tokens of 0"):
        run_batch(model, np.array([[config.inputs]]))
    with pytest.raises(CatsError, match="step takes"):
        LlamaSteps(model).step(np.zeros((2, 1), int))
