# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The claims of doc/numerics.rst: widths that suffice, and how far integers are from floats."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scalar
from cats.integer import reference
from cats.integer.model import Norm, Step, fixed_point
from cats.integer.quantize import gelu
from cats.shape.config import MAX_COLUMNS, MAX_TOKENS

EPSILONS = st.one_of(st.integers(0, 4000), st.sampled_from((0, 1, 1 << 16, (1 << 32) - 1)))


@given(
    v=st.one_of(st.integers(-(2**31), 2**31 - 1), st.sampled_from((-(2**31), 2**31 - 1))),
    multiplier=st.one_of(st.integers(1, 2**31 - 1), st.sampled_from((1, 2**31 - 1))),
    shift=st.integers(1, 62),
)
def test_rq_rounds_half_up(v, multiplier, shift):
    got = int(reference.rq(np.array([v]), multiplier, shift)[0])
    assert got == math.floor(Fraction(v * multiplier, 1 << shift) + Fraction(1, 2))
    assert got == scalar.rq(v, multiplier, shift)


@given(st.lists(st.floats(1e-12, 2**29), min_size=1, max_size=5))
def test_fixed_point(factors):
    multiplier, shift = fixed_point(np.array(factors))
    assert 1 <= shift <= 62
    assert multiplier.min() >= 1
    real = np.ldexp(multiplier.astype(np.float64), -shift)
    assert np.abs(real - factors).max() <= max(2.0**-shift, max(factors) * 2.0**-31)
    if max(factors) > 1e-6:
        assert multiplier.max() >= 1 << 30  # no bit is given away


# Norm

ROWS = st.one_of(
    st.lists(st.integers(-128, 127), min_size=1, max_size=40),
    st.builds(lambda n, v: [v] * n, st.integers(1, MAX_COLUMNS), st.integers(-128, 127)),
    st.builds(
        lambda n, a, b: [a] + [b] * (n - 1),
        st.sampled_from((1, 2, 3, 64, 1000, MAX_COLUMNS)),
        st.sampled_from((-128, 0, 1, 127)),
        st.sampled_from((-128, 0, 1, 127)),
    ),
    st.builds(
        lambda n, seed, size: np.random.default_rng(seed).integers(-size, size, n).tolist(),
        st.integers(1, MAX_COLUMNS),
        st.integers(0, 2**31),
        st.sampled_from((1, 4, 30, 128)),
    ),
)


def test_inverse_root_equals_scalar():
    rng = np.random.default_rng(0)
    w = {(1 << b) + d for b in range(41) for d in (-1, 0, 1)} - {0}
    w |= {int(v) for b in range(1, 42) for v in rng.integers(1 << (b - 1), 1 << b, 300)}
    w |= {s * s << shift for s in rng.integers(1 << 15, 1 << 16, 300).tolist() for shift in (0, 8)}
    w = sorted(w)
    inv, k = reference.inverse_root(np.array(w))
    assert list(zip(inv.tolist(), k.tolist(), strict=True)) == [scalar.inverse_root(v) for v in w]


@pytest.mark.parametrize("epsilon", [0, 1, 700, 65535])
def test_norm_of_small_rows(epsilon):
    """Where n and W are so small that every rounding shows."""
    for n in (1, 2, 3, 4):
        for row in itertools.product((-128, -1, 0, 1, 2, 127), repeat=n):
            wanted = scalar.norm_row(row, [8000] * n, [37] * n, epsilon)
            gains = Norm(np.full(n, 8000, np.int16), np.full(n, 37, np.int16), epsilon)
            got = reference.norm(np.array([row], np.int8), np.ones(n, bool), gains)
            assert got[0].tolist() == wanted


@settings(max_examples=150, deadline=None)
@given(row=ROWS, epsilon=EPSILONS, gain=st.sampled_from((-32768, 8192, 32767)))
def test_norm_fits_and_equals_scalar(row, epsilon, gain):
    """scalar.norm_row asserts all that the page says of widths, the high-word form included."""
    n = len(row)
    bias = 32767 if gain > 0 else -32768
    wanted = scalar.norm_row(row, [gain] * n, [bias] * n, epsilon)
    gains = Norm(np.full(n, gain, np.int16), np.full(n, bias, np.int16), epsilon)
    got = reference.norm(np.array([row], np.int8), np.ones(n, bool), gains)
    assert got[0].tolist() == wanted


@settings(max_examples=150, deadline=None)
@given(row=ROWS, epsilon=EPSILONS, gain=st.integers(-32768, 32767))
def test_norm_error(row, epsilon, gain):
    """z within 1/512 + |z| (2^-15 + 1/(2 W)) of the float z, y within half a step of z's."""
    x = np.array(row, np.float64)
    n = len(row)
    total, squares = sum(row), sum(v * v for v in row)
    w = max(1, n * squares - total * total + ((n * n * epsilon) >> 16))
    exact = math.sqrt(n * squares - total * total + n * n * epsilon / 65536) or 1.0
    z = (n * x - total) / exact
    bound = 1 / 512 + np.abs(z) * (1.001 * 2.0**-15 + 1 / (2 * w))
    gains = Norm(np.full(n, gain, np.int16), np.zeros(n, np.int16), epsilon)
    y = reference.norm(np.array([row], np.int8), np.ones(n, bool), gains)[0]
    wanted = np.clip(z * gain / 256, -128, 127)
    assert (np.abs(y - wanted) <= 0.5 + bound * abs(gain) / 256 + 1e-9).all()


def test_norm_error_of_usual_rows():
    """The figure that the page gives for a row as trained models have them."""
    rng = np.random.default_rng(0)
    for n in (16, 64, 512, MAX_COLUMNS):
        x = np.clip(np.rint(rng.normal(0, 30, (200, n))), -128, 127).astype(np.int8)
        gains = Norm(np.full(n, 8192, np.int16), np.zeros(n, np.int16), 700)
        y = reference.norm(x, np.ones(n, bool), gains)
        real = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 700 / 65536)
        assert np.abs(y - np.clip(real * 32, -128, 127)).max() < 0.57


def test_norm_of_constant_rows_is_the_bias():
    gains = Norm(np.full(5, 8192, np.int16), np.arange(-512, 768, 256).astype(np.int16), 0)
    for value in (-128, 0, 127):
        y = reference.norm(np.full((2, 5), value, np.int8), np.ones(5, bool), gains)
        assert (y == [-2, -1, 0, 1, 2]).all()


def test_norm_leaves_missing_columns_out():
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, (50, 24)).astype(np.int8)
    has = rng.random((50, 24)) < 0.5
    has[:, 3] = True
    gains = Norm(*rng.integers(-9000, 9000, (2, 24)).astype(np.int16), 300)
    y = reference.norm(x, has, gains)
    assert (y[~has] == 0).all()
    for row, available, got in zip(x, has, y, strict=True):
        part = [a[available].tolist() for a in (row, gains.gain, gains.bias)]
        assert got[available].tolist() == scalar.norm_row(*part, 300)


# Attention


def score_rows(rng, n, multiplier):
    """Random scores; flat tails of every depth; all equal; one far above."""
    unit = 2.0**32 / multiplier  # of score for one u
    depth = rng.integers(0, 4000, (16, 1))
    yield (rng.normal(0, rng.choice([1, 30, 1000]), (16, n)) * unit).astype(np.int64)
    flat = np.repeat(-(depth * unit).astype(np.int64), n, 1)
    flat[:, 0] = 0
    yield flat
    yield np.full((16, n), int(rng.integers(-(2**20), 2**20)))
    yield np.where(np.arange(n) == rng.integers(n), 2**26, -(2**26)) + np.zeros((16, 1), int)


@pytest.mark.parametrize("n", [1, 2, 7, 64, 256, MAX_TOKENS])
def test_softmax_error(n):
    """Total variation within 0.001 + N / 2^14 of the exact softmax of the same scores."""
    rng = np.random.default_rng(n)
    for _ in range(40):
        multiplier = int(2.0**32 * rng.choice([0.999, 0.3, 0.02, 1e-4]))
        for score in score_rows(rng, n, multiplier):
            w = reference.softmax(score, np.ones(score.shape, bool), multiplier)
            total = w.sum(-1, keepdims=True)
            assert w.max() == 1 << 14  # the largest score's own weight
            assert total.max() < 1 << 24
            x = (score - score.max(-1, keepdims=True)) * (multiplier / 2.0**40)
            exact = 2.0**x / (2.0**x).sum(-1, keepdims=True)
            distance = np.abs(w / total - exact).sum(-1) / 2
            assert distance.max() <= 0.001 + n / 2**14


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.one_of(st.integers(1, 40), st.just(MAX_TOKENS)),
    width=st.integers(1, 4),
    size=st.sampled_from((1, 20, 128)),
    score=st.sampled_from((0, 1, 1 << 24, 1 << 30, (1 << 32) - 1)),
    value=st.sampled_from((1 << 30, (1 << 31) - 1)),
    shift=st.sampled_from((1, 14, 43, 44, 62)),
)
def test_attention_fits_and_equals_scalar(seed, n, width, size, score, value, shift):
    rng = np.random.default_rng(seed)
    q = rng.integers(-size, size, (1, width))
    k, v = rng.integers(-size, size, (2, n, width))
    if size == 128:
        v[:] = -128  # the largest sum
    step = Step(score_multiplier=score, value_multiplier=value, value_shift=shift)
    got = reference.attention(q, k, v, np.ones((1, n), bool), step)
    assert got[0].tolist() == scalar.attention_row(q[0].tolist(), k.tolist(), v.tolist(), step)


@pytest.mark.parametrize("n", [1, 5, 64, 300])
def test_heads_error(n):
    """A head within half a step and 256 r (0.001 + N / 2^14) of float attention over the same q, k,
    v, with r steps of the heads to one of v."""
    rng = np.random.default_rng(n)
    width = 8
    for ratio in (0.6, 1.0, 1.9):
        q, k, v = rng.integers(-128, 128, (3, n, width))
        multiplier, exponent = fixed_point(np.array([ratio]))
        step = Step(
            score_multiplier=int(2.0**32 * 0.02),
            value_multiplier=int(multiplier[0]),
            value_shift=exponent + 14,
        )
        got = reference.attention(q, k, v, np.tril(np.ones((n, n), bool)), step)
        score = np.where(np.tril(np.ones((n, n), bool)), q @ k.T * (0.02 / 256), -np.inf)
        weight = 2.0 ** (score - score.max(-1, keepdims=True))
        exact = weight / weight.sum(-1, keepdims=True) @ v * ratio
        error = np.abs(got - np.clip(exact, -128, 127)).max()
        assert error <= 0.5 + 256 * ratio * (0.001 + n / 2**14)


# Activation and products


def test_gelu_table_is_exact():
    """No entry hangs on the last bits of erf: the exact value is never within 1e-9 of a tie."""
    for scale, out in ((4 / 127, 4 / 127), (0.02, 0.015), (0.11, 0.07)):
        x = np.arange(-128, 128) * scale
        exact = gelu(x) / out
        assert np.abs(np.abs(exact - np.rint(exact)) - 0.5).min() > 1e-9
        assert np.abs(np.rint(exact) - exact).max() <= 0.5


def test_gelu_error():
    """Behind the table GELU is within half a step of it and 0.565 input steps of the exact one."""
    scale, out = 4 / 127, 4 / 127
    table = np.clip(np.rint(gelu(np.arange(-128, 128) * scale) / out), -128, 127).astype(np.int8)
    x = np.linspace(-127.5, 127.49, 20001)  # in input steps, before rounding
    got = reference.activate(np.floor(x + 0.5).astype(np.int64), table)
    exact = gelu(x * scale) / out
    assert np.abs(got - exact).max() <= 0.5 + 0.565 * scale / out


def test_dot_is_exact():
    rng = np.random.default_rng(0)
    a = rng.choice([-128, 127], (3, MAX_COLUMNS))
    b = rng.choice([-127, 127], (MAX_COLUMNS, 5))
    assert (reference.dot(a, b) == a @ b).all()
    w = np.full((2, MAX_TOKENS), 1 << 14)
    v = np.full((MAX_TOKENS, 2), -128)
    assert (reference.dot(w, v) == w @ v).all()
    for columns in (1, 1023, 1024, 1025, 4096):  # on both sides of where float32 ends
        for low in (-128, 127):
            a, b = np.full((2, columns), low), np.full((columns, 3), 127)
            a[:, 0] = 1
            assert (reference.dot(a, b) == a @ b).all()
    assert reference.dot(np.zeros((2, 0), int), np.zeros((0, 3), int)).tolist() == [[0] * 3] * 2
