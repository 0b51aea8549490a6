# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Spoken words in classes: a folder of WAV files, log-mel features in integers."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from cats.errors import CatsError
from cats.shape.metadata import Metadata
from cats.tasks.classify import Classify
from cats.tasks.log_mel import COUNTS, UNIT, LogMel, frame_of
from cats.tasks.read_speech import Sounds, faster, placed, read_speech
from cats.tasks.recordings import Recordings

#: What a training recording is spoken at, times its own speed.
SPEEDS = (0.88, 1.0, 1.12)
#: Doublings of power: most change of loudness; how far noise lies below the loudest feature.
GAIN, NOISE = 2.0, (5.0, 40.0)
GROUPS = ("speaker", "none")


class Speech(Classify):
    """Which word a recording of ``data`` is, by the log-mel features that a node with a microphone
    computes (``cats.tasks.log_mel``).

    ``data``: a folder of WAV files with one channel of 16 bits, a sub-folder a word, perhaps
    inside ``train`` and ``test``, or named ``WORD_SPEAKER_NUMBER.wav``. ``rate``, samples a second,
    is by default that of the first file; a file of another rate is refused. A sample is
    ``seconds`` long: a shorter recording lies in the middle of silence, of a longer one its middle
    is taken. A feature is one of ``mels`` bands of a frame of ``frame`` samples, by default the
    power of two nearest to 32 ms, a new one every half frame; a token is ``patch`` frames.

    ``group``: ``speaker`` keeps all recordings of a speaker in one part where names tell the
    speakers, ``none`` does not. ``split_seed`` and ``sha256`` are as ``SensorTask`` has them, and
    so are the parts' shares.

    ``augment``: training recordings are spoken slower or faster by 12 %, shifted by up to an
    eighth of the window, louder or softer by up to 6 dB, get noise 15 to 120 dB below their
    loudest feature, and lose a few bands and a few frames.
    """

    name = "speech"
    training = {"epochs": 60, "lr": 3e-3, "batch": 64, "patterns": 1, "threads": 1}
    presets: Mapping[str, Mapping[str, object]] = {}

    def __init__(
        self,
        data: str,
        seconds: float = 1.0,
        patch: int = 4,
        mels: int = 20,
        frame: int | None = None,
        rate: int | None = None,
        split_seed: int = 0,
        augment: bool = True,
        group: str = "speaker",
        sha256: str | None = None,
        fitted: Metadata | None = None,
    ) -> None:
        if group not in GROUPS:
            raise CatsError(f"group is {group!r}: one of {', '.join(GROUPS)}")
        sounds, other = read_speech(data, rate)
        self.shape = LogMel(sounds.rate, frame or frame_of(sounds.rate), mels)
        self._frames = self.shape.count(int(seconds * sounds.rate))
        if not self._frames >= patch:
            raise CatsError(
                f"seconds is {seconds:g}: {self._frames} frames, less than a token of {patch}"
            )
        by_speaker = group == "speaker" and sounds.speakers is not None
        options = {
            "data": data,
            "seconds": seconds,
            "patch": patch,
            "mels": mels,
            "frame": self.shape.frame,
            "rate": sounds.rate,
            "split_seed": split_seed,
            "augment": augment,
            "group": group,
            "sha256": sha256,
        }
        known = self._recordings(sounds, by_speaker)
        test = None if other is None else self._recordings(other, False)
        self._use(known, test, {**options, "lengths": "refuse", "units": [UNIT]}, fitted)
        self.options = {key: self.options[key] for key in options}
        self.channels = 1  # bands of one microphone
        if fitted is None:
            self.metadata = self._as_counted(self.metadata)
        if group == "speaker" and not by_speaker and other is None:
            self.warnings += (
                "names of files do not tell who speaks (WORD_SPEAKER_NUMBER.wav), so the same "
                "people may be in all parts",
            )
        self.augment, self._sounds = augment, sounds

    def _as_counted(self, metadata: Metadata) -> Metadata:
        """With the counts of the device's features, and the time between two of them."""
        channels = (dataclasses.replace(c, counts_per_unit=COUNTS) for c in metadata.channels)
        return dataclasses.replace(metadata, channels=tuple(channels), step=self.shape.step)

    def _features(self, sounds: Sequence[np.ndarray]) -> np.ndarray:
        """float32 [n, frames, mels] in doublings of power."""
        count = self.shape.samples(self._frames)
        windows = np.stack([placed(sound, count) for sound in sounds])
        return self.shape.features(windows).astype(np.float32) / COUNTS

    def _recordings(self, sounds: Sounds, by_speaker: bool) -> Recordings:
        return Recordings(
            sounds.folder,
            self.shape.names,
            list(torch.from_numpy(self._features(sounds.sounds))),
            sounds.labels,
            sounds.places,
            sounds.sha256,
            groups=sounds.speakers if by_speaker else None,
        )

    @functools.cached_property
    def _spoken(self) -> Tensor:
        """Features of the training part at each of SPEEDS: [speeds, n, frames, mels]."""
        index = self._trained.tolist()
        own = dataclasses.replace(self._sounds, sounds=[self._sounds.sounds[i] for i in index])
        made = [self._features(faster(own, speed).sounds) for speed in SPEEDS]
        return torch.from_numpy(np.stack(made))

    def batch(self, index: Tensor, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        if not self.augment:
            return self.train.inputs[index], self.train.targets[index]
        count, (speeds, _, frames, mels) = len(index), self._spoken.shape
        series = self._spoken[torch.randint(speeds, (count,), generator=generator), index]
        series = _shifted(series, frames // 8, generator)
        loudest = series.amax((1, 2), keepdim=True)
        draws = torch.rand(2, count, 1, 1, generator=generator)
        gain, below = 2 * GAIN * draws[0] - GAIN, NOISE[0] + (NOISE[1] - NOISE[0]) * draws[1]
        noise = _noise(series.shape, generator) + loudest - below
        series = torch.logaddexp2(series, noise) + gain
        series = self._normal(series.clamp(min=0))
        for size, axis in ((frames, 1), (mels, 2)):
            series = series * _outside(count, size, axis, generator)
        return self._tokens(series), self.train.targets[index]


def _shifted(series: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """[B, frames, mels], earlier or later by up to so many frames; the outer ones are repeated."""
    count, frames, mels = series.shape
    shift = torch.randint(-most, most + 1, (count, 1), generator=generator)
    place = (torch.arange(frames) + shift).clamp(0, frames - 1)[..., None]
    return series.gather(1, place.expand(-1, -1, mels))


def _noise(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """log2 of the power of white noise: a band is the mean of about two exponential bins."""
    draws = torch.rand(2, *shape, generator=generator).clamp(min=1e-6)
    return (-draws.log().mean(0)).log2()


def _outside(count: int, size: int, axis: int, generator: torch.Generator) -> Tensor:
    """0 over up to an eighth of ``size`` places along ``axis`` of [B, .., ..], else 1: what the
    mean stands for (SpecAugment, arXiv:1904.08779)."""
    begin, length = torch.rand(2, count, 1, generator=generator)
    length = (length * (size // 8 + 1)).floor()
    begin = (begin * (size - length + 1)).floor()
    place = torch.arange(size)
    mask = ((place < begin) | (place >= begin + length)).float()
    return mask[:, :, None] if axis == 1 else mask[:, None]
