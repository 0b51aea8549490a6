# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Tokens that all nodes draw alike."""

from collections import Counter

import numpy as np
import pytest

from cats.errors import CatsError
from cats.integer.reference import OUTPUT_MISSING
from cats.integer.sampling import Sampling, choose, noise, sampling

LOGITS = np.array([100, 2000, -32767, 1500, OUTPUT_MISSING, 2000, 900], np.int16)


def drawn(how, count=4000, logits=LOGITS):
    return Counter(choose(logits, position, how) for position in range(count))


def test_noise_is_that_of_splitmix64():
    """The first numbers that its published code gives for seed 1234567, upper halves."""
    wanted = (6457827717110365317, 3203168211198807973, 9817491932198370423)
    assert [noise(1234567, i) for i in range(3)] == [value >> 32 for value in wanted]


def test_shares_are_those_of_the_softmax():
    how = sampling(1 / 1000, temperature=0.8, seed=5)
    there = LOGITS != OUTPUT_MISSING
    shares = np.where(there, np.exp(LOGITS / 1000 / 0.8), 0)
    shares /= shares.sum()
    found = drawn(how)
    for token, share in enumerate(shares):
        assert abs(found[token] / 4000 - share) < 4 * np.sqrt(share * (1 - share) / 4000) + 1e-9
    assert found[2] == found[4] == 0


def test_of_the_likeliest_alone():
    assert set(drawn(sampling(1 / 1000, 100, top_k=3, seed=1))) == {1, 3, 5}
    assert set(drawn(sampling(1 / 1000, 100, top_k=1, seed=1))) == {1}  # the first among equals
    everything = drawn(sampling(1 / 1000, 1, top_k=0, seed=2))
    assert everything == drawn(sampling(1 / 1000, 1, top_k=99, seed=2))


def test_the_likeliest():
    assert choose(LOGITS, 0, sampling(1.0, 0)) == 1
    nothing = np.full(4, OUTPUT_MISSING, np.int16)
    for how in (Sampling(), Sampling(1 << 20)):
        with pytest.raises(CatsError, match="no output arrived"):
            choose(nothing, 0, how)


def test_the_largest_vocabulary_fits_32_bits():
    logits = np.zeros(65536, np.int16)
    assert 0 <= choose(logits, 3, Sampling(1 << 31)) < 65536
    assert 65536 << 14 < 1 << 32


def test_the_multiplier_is_log2_of_e_times_the_scale():
    """Of results in steps of 2^-11, Q8 and 32 bits more; half of it at twice the temperature."""
    assert sampling(2.0**-11, 1).multiplier == 6196328019 // 8
    assert sampling(2.0**-11, 2).multiplier == 6196328019 // 16


@pytest.mark.parametrize("scale", [1e-5, 0.0027, 0.1, 1.0])
@pytest.mark.parametrize("temperature", [0.05, 0.5, 4])
def test_ordinary_models_take_any_temperature(scale, temperature):
    """A token that is one temperature below another is drawn once for e times of that one, and one
    that is as far below as an output can be is not."""
    step = round(temperature / scale)
    logits = np.array([32767, max(32767 - step, -32766), -32767], np.int16)
    share = 1 / (1 + np.exp(np.diff(logits[:2].astype(int))[0] * scale / temperature))
    found = drawn(sampling(scale, temperature, seed=3), 1000, logits[:2])
    assert abs(found[0] / 1000 - share) < 4 * np.sqrt(share * (1 - share) / 1000)
    if step < 2000:
        assert drawn(sampling(scale, temperature, seed=3), 300, logits)[2] == 0


def test_temperatures_that_cannot_be():
    with pytest.raises(CatsError, match="beyond the integers"):
        sampling(1.0, 0.01)
    with pytest.raises(CatsError, match="give one near 1, or 0"):
        sampling(1.0, 1e-6)
