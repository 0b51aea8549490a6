# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Log-mel features in integers, as a node with a microphone computes them.

``LogMel.features`` gives the bytes of ``subsys/cats/features/log_mel.c``; doc/numerics.rst defines
them. ``LogMel.exact`` is what they stand for, in float64. Samples are int16, features int16 in
1/256 of a doubling of the power.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.shape.metadata import Channel, Metadata

#: Samples of a frame.
FRAMES = tuple(2**order for order in range(6, 11))
MAX_MELS = 255
#: The lower edge of the lowest band: above hum and a microphone's offset.
LOW_HZ = 100.0
#: A frame of about so long, unless another is asked for.
FRAME_SECONDS = 0.032
#: Of a feature: int16 counts for each doubling of the power.
COUNTS = 256
UNIT = "log2"
#: Frames that are computed at once.
_CHUNK = 4096
_ONE, _HALF = 2**30, 2**29


def mel(hertz: float) -> float:
    """The mel scale as HTK has it: 2595 log10(1 + f / 700) (O'Shaughnessy, Speech Communication,
    1987; The HTK Book, 5.4)."""
    return 2595 * math.log10(1 + hertz / 700)


def hertz(mels: float) -> float:
    """Inverse of ``mel``."""
    return 700 * (10 ** (mels / 2595) - 1)


def frame_of(rate: int) -> int:
    """The power of two of samples that is nearest to 32 ms."""
    return min(FRAMES, key=lambda frame: abs(math.log(frame / (rate * FRAME_SECONDS))))


@dataclass(frozen=True)
class LogMel:
    """Features of ``mels`` bands of frames of ``frame`` samples, a new one every half frame, of
    ``rate`` samples a second. Bands are triangles on the mel scale from 100 Hz to half the rate;
    each reaches from the middle of the one below to the middle of the one above."""

    rate: int
    frame: int
    mels: int

    def __post_init__(self) -> None:
        if not 1000 <= self.rate <= 192000:
            raise CatsError(f"rate is {self.rate}: 1000 to 192000 samples a second")
        if self.frame not in FRAMES:
            raise CatsError(f"frame is {self.frame}: one of {', '.join(map(str, FRAMES))} samples")
        if not 1 <= self.mels <= MAX_MELS:
            raise CatsError(f"mels is {self.mels}: 1 to {MAX_MELS}")
        if self.rate / self.frame >= LOW_HZ:
            raise CatsError(
                f"frame of {self.frame} samples at {self.rate} Hz: at least "
                f"{int(self.rate / LOW_HZ) + 1}, to tell {LOW_HZ:g} Hz from none"
            )
        rising, begins = self.rising.astype(bool), self.begins
        for band in range(self.mels):
            first, peak, end = begins[band : band + 3]
            if not (rising[first:peak].any() or peak < end):
                raise CatsError(
                    f"mels is {self.mels}: band {band} has no frequency of a frame of "
                    f"{self.frame} samples at {self.rate} Hz: take fewer bands or a longer frame"
                )

    @property
    def hop(self) -> int:
        """Samples from a frame to the next."""
        return self.frame // 2

    @property
    def names(self) -> tuple[str, ...]:
        """Each band's name: where its middle is."""
        edges = self._edges()
        return tuple(f"{hertz(edges[band + 1]):.0f} Hz" for band in range(self.mels))

    @property
    def step(self) -> float:
        """Seconds from a frame to the next."""
        return self.hop / self.rate

    def count(self, samples: int) -> int:
        """Frames of so many samples."""
        return max(0, (samples - self.frame) // self.hop + 1)

    def samples(self, count: int) -> int:
        """Samples of so many frames."""
        return (count + 1) * self.hop

    def _edges(self) -> list[float]:
        """Lower edges, in mels, of all bands and of two more: the middle of band i is i + 1."""
        low, high = mel(LOW_HZ), mel(self.rate / 2)
        return [low + (high - low) * i / (self.mels + 1) for i in range(self.mels + 2)]

    @functools.cached_property
    def _places(self) -> np.ndarray:
        """float64 [frame / 2]: where each bin lies, in bands from the lowest edge."""
        bins = [mel(k * self.rate / self.frame) for k in range(self.frame // 2)]
        edges = self._edges()
        return (np.array(bins) - edges[0]) / (edges[1] - edges[0])

    # Tables

    @functools.cached_property
    def sine(self) -> np.ndarray:
        """int32 [frame / 4 + 1]: sine of i parts of a frame of a turn, Q30."""
        turns = [math.sin(2 * math.pi * i / self.frame) for i in range(self.frame // 4 + 1)]
        return np.rint(np.array(turns) * _ONE).astype(np.int32)

    @functools.cached_property
    def rising(self) -> np.ndarray:
        """uint16 [frame / 2]: the share of a bin's power that the upper of its two bands has, Q16;
        the lower one has the rest."""
        places = self._places
        return np.minimum(np.rint((places - np.floor(places)) * 65536), 65535).astype(np.uint16)

    @functools.cached_property
    def begins(self) -> np.ndarray:
        """uint16 [mels + 2]: the first bin above each lower edge."""
        found = [int(np.searchsorted(self._places, i)) for i in range(self.mels + 2)]
        return np.array(found, np.uint16)

    def _turns(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(cosine, sine) int64 of ``places`` parts of a frame of a turn, up to half of it."""
        quarter, sine = self.frame // 4, self.sine.astype(np.int64)
        far = places > quarter
        near = np.where(far, 0, places)
        other = np.where(far, places - quarter, 0)
        cosine = np.where(far, -sine[other], sine[quarter - near])
        return cosine, np.where(far, sine[quarter - other], sine[near])

    # Integers, as the device computes them

    def features(self, samples: np.ndarray) -> np.ndarray:
        """int16 [.., n] to int16 [.., frames, mels]."""
        samples = np.asarray(samples)
        if samples.dtype != np.int16:
            raise CatsError(f"samples are {samples.dtype}: int16 is wanted")
        frames = self._frames(samples)
        flat = frames.reshape(-1, self.frame)
        found = np.zeros((len(flat), self.mels), np.int16)
        heard = flat.any(1).nonzero()[0]  # silence is 0
        for at in range(0, len(heard), _CHUNK):
            index = heard[at : at + _CHUNK]
            found[index] = self._bands(self._spectrum(flat[index]))
        return found.reshape(*frames.shape[:-1], self.mels)

    def _frames(self, samples: np.ndarray) -> np.ndarray:
        """A view [.., frames, frame]."""
        if not self.count(samples.shape[-1]):
            return np.empty((*samples.shape[:-1], 0, self.frame), samples.dtype)
        every = np.lib.stride_tricks.sliding_window_view(samples, self.frame, -1)
        return every[..., :: self.hop, :]

    def _spectrum(self, frames: np.ndarray) -> np.ndarray:
        """Power of each bin, uint64 [n, frame / 2]; that of bin 0 is not used."""
        size, order = self.frame, self.frame.bit_length() - 1
        place = np.arange(size)
        cosine, _ = self._turns(np.minimum(place, size - place))
        window, shift = (_ONE - cosine) >> 1, 14 + order
        values = (frames.astype(np.int64) * window + (1 << (shift - 1))) >> shift
        points = size // 2
        reversed_bits = [int(f"{n:0{order - 1}b}"[::-1], 2) for n in range(points)]
        re, im = values[:, ::2][:, reversed_bits], values[:, 1::2][:, reversed_bits]
        half = 1
        while half < points:
            cosine, sine = self._turns(np.arange(half) * (points // half))
            x, y = (v.reshape(len(frames), -1, 2, half) for v in (re, im))
            bx, by = x[:, :, 1], y[:, :, 1]
            dx = (bx * cosine + by * sine + _HALF) >> 30
            dy = (by * cosine - bx * sine + _HALF) >> 30
            re = np.stack((x[:, :, 0] + dx, x[:, :, 0] - dx), 2).reshape(len(frames), points)
            im = np.stack((y[:, :, 0] + dy, y[:, :, 0] - dy), 2).reshape(len(frames), points)
            half *= 2
        mirror = -np.arange(points) % points
        cosine, sine = self._turns(np.arange(points))
        even_re, even_im = re + re[:, mirror], im - im[:, mirror]
        odd_re, odd_im = im + im[:, mirror], re[:, mirror] - re
        real = (even_re * _ONE + odd_re * cosine + odd_im * sine + _ONE) >> 31
        imaginary = (even_im * _ONE + odd_im * cosine - odd_re * sine + _ONE) >> 31
        return (real * real + imaginary * imaginary).astype(np.uint64)

    def _bands(self, power: np.ndarray) -> np.ndarray:
        """Power uint64 [n, frame / 2] to int16 [n, mels]."""
        unit = 32 - 2 * (self.frame.bit_length() - 1)
        share = self.rising.astype(np.uint64)
        low, high = power & np.uint64(2**32 - 1), power >> np.uint64(32)
        upper = ((high * share) << np.uint64(16)) + ((low * share) >> np.uint64(16))
        lower = power - upper
        found = []
        for band in range(self.mels):
            first, peak, end = map(int, self.begins[band : band + 3])
            energy = upper[:, first:peak].sum(1) + lower[:, peak:end].sum(1)
            found.append(_logarithm(energy + np.uint64(2**unit)) - unit * COUNTS)
        return np.stack(found, 1).astype(np.int16)

    # What they stand for

    def exact(self, samples: np.ndarray) -> np.ndarray:
        """float64 [.., frames, mels] of int16 [.., n]: log2(1 + power), the power of one band of
        windowed samples in counts."""
        frames = self._frames(np.asarray(samples)).astype(np.float64)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.frame) / self.frame)
        power = np.abs(np.fft.rfft(frames * window)[..., : self.frame // 2]) ** 2
        distance = self._places - np.arange(1, self.mels + 1)[:, None]  # from each band's middle
        return np.log2(1 + power @ np.maximum(0, 1 - np.abs(distance)).T)


def _logarithm(values: np.ndarray) -> np.ndarray:
    """256 log2 of uint64 >= 1, rounded: int64."""
    exponent = np.zeros(values.shape, np.uint64)
    for step in (32, 16, 8, 4, 2, 1):
        more = (values >> (exponent + np.uint64(step))) != 0
        exponent += np.where(more, np.uint64(step), np.uint64(0))
    mantissa = (values << (np.uint64(63) - exponent)) >> np.uint64(32)
    for _ in range(9):
        square = mantissa * mantissa
        bit = square >> np.uint64(63)
        exponent = (exponent << np.uint64(1)) + bit
        mantissa = square >> (np.uint64(31) + bit)
    return ((exponent + np.uint64(1)) >> np.uint64(1)).astype(np.int64)


def shape_of(metadata: Metadata | None) -> LogMel | None:
    """By what a model's channels are called, and the time between two steps: the features that it
    looks at; None where it looks at others."""
    channels: tuple[Channel, ...] = () if metadata is None else metadata.channels
    if metadata is None or metadata.step is None or channels[0].unit != UNIT:
        return None
    for frame in FRAMES:
        try:
            shape = LogMel(round(frame / 2 / metadata.step), frame, len(channels))
        except CatsError:
            continue
        if shape.names == tuple(channel.name for channel in channels):
            return shape
    return None


# C

#: The file beside a deployment.
HEADER = "cats_log_mel.h"

_HEADER = """\
/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/*
 * Written by cats: what the model's log-mel features are made by (cats/log_mel.h): {mels} bands of
 * frames of {frame} samples at {rate} Hz.
 */

#ifndef CATS_LOG_MEL_TABLES_H_
#define CATS_LOG_MEL_TABLES_H_

#include <cats/log_mel.h>

#define CATS_LOG_MEL_RATE {rate}
#define CATS_LOG_MEL_FRAME {frame}
#define CATS_LOG_MEL_MELS {mels}

/* clang-format off */

static const int32_t cats_log_mel_sine[] = {{
{sine}
}};

static const uint16_t cats_log_mel_rising[] = {{
{rising}
}};

static const uint16_t cats_log_mel_begins[] = {{
{begins}
}};

static const struct cats_log_mel_tables cats_log_mel_tables = {{
	.rate = CATS_LOG_MEL_RATE,
	.frame = CATS_LOG_MEL_FRAME,
	.mels = CATS_LOG_MEL_MELS,
	.sine = cats_log_mel_sine,
	.rising = cats_log_mel_rising,
	.begins = cats_log_mel_begins,
}};

#endif /* CATS_LOG_MEL_TABLES_H_ */
"""


def c_header(shape: LogMel) -> str:
    """The tables as C: 2 bytes a sample of a frame, and 2 a band."""
    tables = {name: _rows(getattr(shape, name)) for name in ("sine", "rising", "begins")}
    return _HEADER.format(rate=shape.rate, frame=shape.frame, mels=shape.mels, **tables)


def _rows(values: np.ndarray) -> str:
    words = [str(value) for value in values.tolist()]
    lines = [words[at : at + 8] for at in range(0, len(words), 8)]
    return "\n".join("\t" + ", ".join(line) + "," for line in lines)
