# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The next token in C is the reference's, to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.errors import CatsError
from cats.integer.sampling import Sampling, choose, sampling
from cats.native import ffi, lib


def image_of(outputs, scale):
    """What of an image the choice reads."""
    model = ffi.new("struct cats_image_model *")
    model.outputs, model.output_scale = outputs, int(np.float32(scale).view(np.uint32))
    image = ffi.new("struct cats_image *")
    image.model = model
    return image, model


def chosen(results, scale, position, temperature, top_k, seed):
    image, _model = image_of(len(results), scale)
    how = ffi.new("struct cats_sampling *", (seed, temperature, top_k))
    return lib.cats_choose(image, ffi.from_buffer("int16_t[]", results), position, how)


@settings(max_examples=400, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(1, 300),
    st.sampled_from((1, 3, 200, 32767)),
    st.sampled_from((0.0, 0.1, 0.95)),
    st.sampled_from((2.0**-11, 0.0013, 1e-5, 0.02, 0.9)),
    st.sampled_from((0, 1, 50, 500, 1000, 1234, 65535)),
    st.sampled_from((0, 1, 2, 8, 255)),
    st.sampled_from((0, 1, 0xFFFFFFFE, 0xFFFFFFFF)),
    st.integers(0, 2**32 - 1),
)
def test_choose(draw, tokens, spread, missing, scale, temperature, top_k, position, seed):
    """Any results, ties and results that are missing among them, at any temperature."""
    rng = np.random.default_rng(draw)
    results = rng.integers(-spread, spread + 1, tokens).astype(np.int16)
    results[rng.random(tokens) < missing] = lib.CATS_OUTPUT_MISSING
    try:
        how = sampling(scale, temperature / 1000, top_k, seed)
    except CatsError:
        how = Sampling()  # too low for such a scale: as good as 0
    got = chosen(results, scale, position, temperature, top_k, seed)
    if (results == lib.CATS_OUTPUT_MISSING).all():
        assert got < 0
    else:
        assert got == choose(results, position, how)


@settings(max_examples=300, deadline=None)
@given(st.integers(-40, 20).map(lambda e: 1.37 * 2.0**e), st.integers(0, 65535))
def test_temperature(scale, temperature):
    """The multiplier, and what is refused, is the reference's for any scale."""
    image, _model = image_of(1, scale)
    multiplier = ffi.new("uint64_t *")
    error = lib.cats_temperature(image, temperature, multiplier)
    try:
        want = sampling(scale, temperature / 1000).multiplier
    except CatsError:
        assert error != 0
    else:
        assert (error, multiplier[0]) == (0, want)


def test_draws_follow_the_softmax():
    """20,000 positions draw each token as often as its share says, within four deviations."""
    results = np.array([0, 512, 1024, -2000], np.int16)
    share = np.exp(results / 512.0)
    share /= share.sum()
    draws = [chosen(results, 1 / 512, position, 1000, 0, 7) for position in range(20000)]
    found = np.bincount(draws, minlength=4)
    assert (abs(found - 20000 * share) < 4 * np.sqrt(20000 * share * (1 - share)) + 1).all()


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan")])
def test_scales_that_are_none(scale):
    """An image may hold anything: no temperature fits such a scale."""
    image, _model = image_of(1, scale)
    assert lib.cats_temperature(image, 1000, ffi.new("uint64_t *")) != 0
