# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Log-mel features: the C code gives the bytes of NumPy, however its samples come in."""

import numpy as np
import pytest

from cats.native import ffi, lib
from cats.tasks.log_mel import LogMel

SHAPES = [(8000, 256, 20), (16000, 512, 40), (4000, 64, 4), (8000, 128, 1), (44100, 1024, 64)]


class Microphone:
    """The C code's state with its tables; ``change`` alters these before it begins."""

    def __init__(self, shape, **change):
        values = {name: np.array(getattr(shape, name)) for name in ("sine", "rising", "begins")}
        for name, (place, value) in change.items():
            values[name][place] = value
        kinds = {"sine": "int32_t[]", "rising": "uint16_t[]", "begins": "uint16_t[]"}
        self.kept = {name: ffi.from_buffer(kinds[name], values[name]) for name in kinds}
        self.tables = ffi.new("struct cats_log_mel_tables *", self.kept)
        for name in ("rate", "frame", "mels"):
            setattr(self.tables, name, getattr(shape, name))
        self.samples = ffi.new("int16_t[]", shape.frame)
        self.work = ffi.new("int32_t[]", shape.frame)
        self.bands = ffi.new("int16_t[]", shape.mels)
        self.state = ffi.new("struct cats_log_mel *")

    def begin(self):
        return lib.cats_log_mel_init(self.state, self.tables, self.samples, self.work)

    def hear(self, samples, block):
        """Features int16 [frames, mels] of samples that come in blocks."""
        given, found = ffi.from_buffer("int16_t[]", np.ascontiguousarray(samples, np.int16)), []
        for at in range(0, len(given), block):
            end = min(at + block, len(given))
            while at < end:
                at += lib.cats_log_mel_feed(self.state, given + at, end - at)
                if lib.cats_log_mel_take(self.state, self.bands):
                    found.append(list(self.bands))
        return np.array(found, np.int16).reshape(-1, len(self.bands))


def sounds(frame):
    """Random ones of every loudness, and the hardest."""
    rng, t = np.random.default_rng(frame), np.arange(9 * frame + 3)
    for bits in range(1, 16):
        yield rng.integers(-(2**bits), 2**bits, len(t))
    yield np.zeros(len(t))
    yield np.full(len(t), -32768)
    yield np.full(len(t), 32767)
    yield np.where(t % 2, 32767, -32768)
    yield np.where(np.sin(t * 0.3) > 0, 32767, -32768)
    yield 32767 * (t % frame == frame // 2)
    yield np.clip(50000 * np.sin(t * 0.05 + t * t / frame), -32768, 32767)


@pytest.mark.parametrize("shape", SHAPES)
def test_bytes_are_those_of_numpy(shape):
    shape = LogMel(*shape)
    microphone = Microphone(shape)
    for number, sound in enumerate(sounds(shape.frame)):
        sound = sound.astype(np.int16)
        assert microphone.begin() == 0
        block = (1, 7, shape.hop, shape.frame, 10**6)[number % 5]
        found, wanted = microphone.hear(sound, block), shape.features(sound)
        assert found.shape == wanted.shape == (17, shape.mels)
        assert np.array_equal(found, wanted), number


def test_a_full_frame_waits_and_a_gap_begins_anew():
    shape = LogMel(8000, 256, 20)
    microphone = Microphone(shape)
    assert microphone.begin() == 0
    sound = np.random.default_rng(0).integers(-999, 999, 512).astype(np.int16)
    given = ffi.from_buffer("int16_t[]", sound)
    assert not lib.cats_log_mel_take(microphone.state, microphone.bands)
    assert lib.cats_log_mel_feed(microphone.state, given, 512) == 256
    assert lib.cats_log_mel_feed(microphone.state, given + 256, 256) == 0
    assert lib.cats_log_mel_take(microphone.state, microphone.bands)
    assert not lib.cats_log_mel_take(microphone.state, microphone.bands)
    assert lib.cats_log_mel_feed(microphone.state, given + 256, 256) == 128
    assert microphone.begin() == 0
    assert np.array_equal(microphone.hear(sound, 99), shape.features(sound))


@pytest.mark.parametrize(
    "change",
    [{"begins": (0, 0)}, {"begins": (21, 129)}, {"begins": (5, 9000)}],
)
def test_tables_that_contradict_themselves_are_refused(change):
    microphone = Microphone(LogMel(8000, 256, 20), **change)
    assert microphone.begin() == -22
    microphone = Microphone(LogMel(8000, 256, 20))
    for name, value in (("frame", 200), ("frame", 32), ("frame", 2048), ("mels", 0)):
        before = getattr(microphone.tables, name)
        setattr(microphone.tables, name, value)
        assert microphone.begin() == -22
        setattr(microphone.tables, name, before)
    assert microphone.begin() == 0
