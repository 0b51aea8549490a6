# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Kernels of the C engine, by themselves, against the integer reference."""

import numpy as np
import pytest

from cats.integer import four_bits, reference
from cats.native import ffi, lib


def pointer(kind, array):
    return ffi.cast(f"const {kind} *", array.ctypes.data)


def multiply_four_bits(y, weight, scale, bias, multiplier, shift, store):
    """cats_multiply() of one block: y [R, K], weight int8 [K, O] -> int16 [R, O]."""
    rows, columns = y.shape
    outputs = weight.shape[1]
    stride = -(-columns // 8) * 8
    packed = four_bits.pack(weight)
    scales = np.ascontiguousarray(scale.T)
    block = np.zeros((rows, stride), np.int16)
    block[:, :columns] = y
    y16 = ffi.cast("int16_t *", block.ctypes.data)
    for row in range(rows):
        lib.cats_arrange(y16, row, stride)
    channels = np.empty(outputs, [("bias", "<i4"), ("multiplier", "<i4")])
    channels["bias"], channels["multiplier"] = bias, multiplier
    out = np.zeros((rows, outputs), np.int16)
    product = {
        "y": y16,
        "weights": pointer("int8_t", packed),
        "channels": pointer("struct cats_image_channel", channels),
        "table": ffi.NULL,
        "out": ffi.cast("void *", out.ctypes.data),
        "row_step": outputs,
        "output_step": 1,
        "rows": rows,
        "stride": stride,
        "outputs": outputs,
        "shift": shift,
        "store": store,
        "scales": pointer("int8_t", scales),
    }
    lib.cats_multiply(ffi.new("struct cats_product *", product))
    return out


@pytest.mark.parametrize("seed", range(200))
def test_four_bits(seed):
    """Any shape; each fifth with the numbers that make the largest sums."""
    rng = np.random.default_rng(seed)
    rows, columns, outputs = 1 + seed % 4, int(rng.integers(1, 300)), int(rng.integers(1, 20))
    y = rng.integers(-128, 128, (rows, columns))
    weight = rng.integers(-8, 8, (columns, outputs))
    scale = rng.integers(-127, 128, (four_bits.groups(columns), outputs))
    bias = rng.integers(-(1 << 30), (1 << 30) + 1, outputs)
    if seed % 5 == 0:
        columns = 4096
        y = np.full((rows, columns), -128 if seed % 2 else 127)
        weight = np.full((columns, outputs), -8 if seed % 3 else 7)
        scale = np.full((four_bits.groups(columns), outputs), 127 if seed % 10 else -127)
        bias = np.full(outputs, 1 << 30) * np.sign(y[0, 0] * weight[0, 0] * scale[0, 0])
    elif seed % 5 == 1:  # behind an RMS norm: doc/numerics-llama.rst, which has no bias there
        columns = int(rng.integers(1, 1025))
        y = rng.choice((-1023, 1023), (rows, columns))
        weight = np.where(y[0][:, None] < 0, -8, 7) * np.ones((1, outputs), int)
        scale = np.full((four_bits.groups(columns), outputs), 127)
        bias = np.zeros(outputs, int)
    y, weight, scale = y.astype(np.int16), weight.astype(np.int8), scale.astype(np.int8)
    multiplier = rng.integers(1 << 30, 1 << 31, outputs)
    shift = int(rng.integers(34, 48))
    total = four_bits.accumulate(y, weight, scale) + bias
    assert np.abs(total).max() < 1 << 31
    wanted = reference.sat16(reference.rq(total, multiplier, shift))
    numbers = (y, weight, scale, bias, multiplier, shift)
    assert (multiply_four_bits(*numbers, lib.CATS_STORE_SAT16) == wanted).all()
    result = np.maximum(wanted, -32767)  # -32768 marks what is missing
    assert (multiply_four_bits(*numbers, lib.CATS_STORE_INT16) == result).all()
