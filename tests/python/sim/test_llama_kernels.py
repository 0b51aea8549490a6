# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Kernels of Llama models in the C engine, by themselves, against the integer reference."""

from types import SimpleNamespace

import numpy as np
import pytest

from cats.integer import llama
from cats.native import ffi, lib


def pointer(kind, array):
    return ffi.cast(f"{kind} *", array.ctypes.data)


@pytest.mark.parametrize("seed", range(100))
def test_rms_norm(seed):
    """Any row, with columns that are missing; every fifth as large as a norm may be."""
    rng = np.random.default_rng(seed)
    columns = int(rng.integers(1, 400))
    x = (rng.integers(-128, 128, columns) >> rng.integers(0, 8)).astype(np.int16)
    available = rng.random(columns) < rng.choice((0.3, 0.9, 1.0))
    available[rng.integers(columns)] = True
    exponent = rng.integers(0, 4, columns)
    gain = rng.integers(-32768, 32768, columns)
    epsilon = int(rng.choice((0, 1, 700, 2**32 - 1)))
    if seed % 5 == 0:  # sum of 4^c * 2^14 at its limit: 4096 columns of c = 3
        columns = 4095
        x = np.full(columns, -128, np.int16)
        available, exponent = np.ones(columns, bool), np.full(columns, 3)
        gain = rng.integers(-32768, 32768, columns)
    wanted = llama.rms_norm(
        x[None], available, SimpleNamespace(gain=gain, epsilon=epsilon), exponent
    )[0]
    gains = np.stack((gain, exponent), 1).astype(np.int16)
    y = np.where(available, x, 0).astype(np.int16)
    lib.cats_rms_norm(
        pointer("int16_t", y), 2, columns, int(available.sum()),
        pointer("struct cats_image_norm", gains), epsilon,
    )  # fmt: skip
    assert (y == wanted).all()


@pytest.mark.parametrize("seed", range(50))
def test_turns(seed):
    """Angles at any position; queries, keys and wide keys turned, the largest values too."""
    rng = np.random.default_rng(seed)
    pairs = int(rng.integers(1, 65))
    turn = np.rint(2**32 * 10000.0 ** (-np.arange(pairs) / pairs) / (2 * np.pi)).astype(np.uint32)
    position = int(rng.choice((0, 1, 511, rng.integers(2**32), 2**32 - 1)))
    angles = np.empty((pairs, 2), np.int16)
    lib.cats_turns(pointer("struct cats_turn", angles), position, pointer("uint32_t", turn), pairs)
    by = llama.turns(turn, position, 1)
    assert (np.concatenate(by) == angles.T).all()

    head = rng.integers(-32768, 32768, 2 * pairs).astype(np.int16)
    if seed % 3 == 0:
        head = rng.choice((-32768, 32767), 2 * pairs).astype(np.int16)
    wide = head[None].astype(np.int64)
    for shift in (lib.CATS_TURN_QUERY, lib.CATS_TURN_WIDE_KEY):
        turned = head.copy()
        lib.cats_turn(pointer("int16_t", turned), pointer("struct cats_turn", angles), pairs, shift)
        assert (turned == llama.rotate(wide, by, shift)[0]).all()
    key = head.view(np.int8).copy()  # where it lies
    lib.cats_turn_key(
        pointer("int8_t", key), pointer("int16_t", key), pointer("struct cats_turn", angles), pairs
    )
    wanted = np.clip(llama.rotate(wide, by, 22)[0], -128, 127)
    assert (key[: 2 * pairs] == wanted).all()


def test_every_angle():
    """All 256 steps of a turn, from one end to the other: quarters are mirrored."""
    turn = np.arange(0, 2**32, 2**22 + 12345, dtype=np.uint32)
    angles = np.empty((len(turn), 2), np.int16)
    lib.cats_turns(pointer("struct cats_turn", angles), 1, pointer("uint32_t", turn), len(turn))
    cosine, sine = llama.turns(turn, 1, 1)
    assert (angles[:, 0] == cosine[0]).all() and (angles[:, 1] == sine[0]).all()
    exact = 32767 * np.sin(2 * np.pi * turn / 2**32)
    assert np.abs(angles[:, 1] - exact).max() < 3.5


@pytest.mark.parametrize("width", [2, 6, 8, 64, 128])
@pytest.mark.parametrize("wide", [False, True])
def test_scores(width, wide):
    """Turned queries times keys, the largest ones in a row."""
    rng = np.random.default_rng(width)
    kind, bound = (np.int16, 5794) if wide else (np.int8, 128)
    query = rng.integers(-1450, 1450, width).astype(np.int16)
    key = rng.integers(-bound, bound, (9, width)).astype(kind)
    query[:2] = 1449, -1449
    key[3] = np.where(query < 0, -bound, bound - 1)
    scores = np.empty(12, np.int32)
    attention = {
        "key": pointer("int8_t", key),
        "scores": pointer("int32_t", scores),
        "width": width,
    }
    score = lib.cats_score_wide if wide else lib.cats_score_turned
    top = score(ffi.new("struct cats_attention *", attention), pointer("int16_t", query), 9)
    wanted = key.astype(np.int64) @ query.astype(np.int64)
    assert (scores[:9] == wanted).all() and top == wanted.max() == wanted[3] < 1 << 31


@pytest.mark.parametrize("shift", [1, 20, 32, 33, 45, 62])
def test_gated(shift):
    """Every gate there is, and the largest ups; what is made may lie where gates were."""
    rng = np.random.default_rng(shift)
    table = rng.integers(-32768, 32768, 257).astype(np.int16)
    gate = np.arange(-32768, 32768).astype(np.int16)
    up = rng.choice((-32768, 32767, *rng.integers(-32768, 32768, 6)), len(gate)).astype(np.int16)
    multiplier = int(rng.integers(1, 1 << 31))
    block = SimpleNamespace(table=table, hidden_multiplier=multiplier, hidden_shift=shift)
    wanted = llama.gated(np.concatenate((gate, up)).astype(np.int64), block)
    settings = {"table": pointer("int16_t", table), "multiplier": multiplier, "shift": shift}
    made = gate.view(np.int8)
    lib.cats_gated(
        ffi.new("struct cats_gate *", settings), pointer("int8_t", made), pointer("int16_t", made),
        pointer("int16_t", up), len(gate),
    )  # fmt: skip
    assert (made[: len(wanted)] == wanted).all()
