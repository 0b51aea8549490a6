# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""From which of eight directions a sound comes at a ring of microphones: simulated by physics
from a seed, for no file can be given away in which the answer lies between the sensors."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.shape.config import ModelConfig
from cats.shape.metadata import Channel, Metadata
from cats.tasks import Baseline, Part, generator_of
from cats.tasks.arrays import ClassTask

DIRECTIONS = 8
#: On the ring, of which ``microphones`` take some; more than the first of them take the second.
PLACES, MORE_PLACES = 8, 16
#: Metres: of the ring, and how far from its centre a source is.
RADIUS, NEAR, FAR = 0.5, 3.0, 6.0
#: Metres a second; hertz; samples of one recording (0.512 s).
SPEED, RATE, STEPS = 343.0, 4000, 2048
#: Hertz: the band of the noise that the source makes.
BAND = 100.0, 1600.0
#: Degrees by which a source is beside its direction, at most.
BESIDE = 15.0
#: Metres from the centre to a wall in the south; what it gives back of a pressure.
WALL, REFLECTED = 7.0, 0.4
#: Deviations: of a microphone's gain in dB, and of its clock in seconds, anew in each recording.
GAIN_DB, CLOCK = 1.5, 20e-6
#: Pascals: of the source at a metre, least and most; of each microphone's own noise (wind).
LOUD, NOISE = (0.1, 0.4), 0.03
#: Recordings of each part, and those that one pass of training hears.
PARTS = {"train": 1024, "validation": 512, "test": 1024}
PASS = 4096


class Direction(ClassTask):
    """Classes are the directions a source may be in, counted from the east, 45 degrees each.

    A source makes noise of a spectrum of its own; each microphone hears it after distance over the
    speed of sound, by one over the distance, and once more from a wall, with a gain and a clock
    that are a little wrong, and its own noise (the constants above, in metres, hertz and decibels).
    A level says little of the direction, the time between microphones says it.

    Samples follow from ``seed``: validation and test part are always the same, in training every
    pass hears other sounds (``fresh``), as a source never makes the same noise twice. A token is
    ``patch`` samples of each microphone. Of the eight places as many have ``microphones`` as that
    says, spread evenly; what these hear is what they hear among eight. More than eight have some of
    sixteen places, and hear other sounds.
    """

    name = "direction"
    training = {"epochs": 30, "lr": 4e-3, "patterns": 1, "threads": 1}

    def __init__(
        self, patch: int = 128, seed: int = 0, fresh: bool = True, microphones: int = PLACES
    ) -> None:
        if not 1 <= patch <= STEPS or STEPS % patch:
            raise CatsError(f"patch of {patch} samples: it must divide {STEPS}")
        if not 1 <= microphones <= MORE_PLACES:
            raise CatsError(f"{microphones} microphones: 1 to {MORE_PLACES}")
        self.options = {"patch": patch, "seed": seed, "fresh": fresh, "microphones": microphones}
        self.patch, self.fresh = patch, fresh
        self.channels = microphones
        self.ring = PLACES if microphones <= PLACES else MORE_PLACES
        self.places = torch.arange(microphones) * self.ring // microphones
        heard = {}
        for i, (name, count) in enumerate(PARTS.items()):
            targets = torch.arange(count) % DIRECTIONS
            sounds = record(targets, generator_of(3 * seed + i), self.ring)
            heard[name] = sounds[:, self.places], targets
        train = heard["train"][0]
        self.deviation = float(train.std())
        names = (f"microphone {place}" for place in self.places)
        low, high = train.amin((0, 2)).tolist(), train.amax((0, 2)).tolist()
        self.metadata = Metadata(
            tuple(
                Channel(name, "Pa", 0.0, self.deviation, *span)
                for name, *span in zip(names, low, high, strict=True)
            ),
            height=1,
            width=STEPS,
            patch=(1, patch),
            classes=tuple(f"{round(math.degrees(2 * math.pi * d / DIRECTIONS))} degrees"
                          for d in range(DIRECTIONS)),
        )  # fmt: skip
        self.model = ModelConfig(
            tokens_in=STEPS // patch,
            inputs=microphones * patch,
            outputs=DIRECTIONS,
            features=32,
            heads=8,
            hidden=64,
            blocks=1,
            activation="gelu",
            pool="mean",
            embed="own",
            task="classify",
        )
        parts = {name: Part(self._tokens(sounds), targets)
                 for name, (sounds, targets) in heard.items()}  # fmt: skip
        self.train, self.validation, self.test = parts["train"], parts["validation"], parts["test"]

    def _tokens(self, sounds: Tensor) -> Tensor:
        """Pressures [n, microphones, steps] to [n, tokens, microphones * patch]."""
        return (sounds / self.deviation).unflatten(2, (-1, self.patch)).transpose(1, 2).flatten(2)

    @property
    def size(self) -> int:
        """Recordings of one pass over the training part."""
        return PASS if self.fresh else len(self.train)

    def baselines(self) -> Mapping[str, Baseline]:
        """Those of classes, and a textbook's way, which knows where the microphones are."""
        return {**super().baselines(), "delay and sum": self.delay_and_sum}

    def delay_and_sum(self, part: Part) -> Tensor:
        """Power of the sum of all microphones, each delayed and every bin of the band of the same
        weight, as if a source were so far that its wave is plane: the most in each direction, [n,
        8]."""
        steer = 2 * math.pi / DIRECTIONS * (torch.arange(-0.5, DIRECTIONS - 0.5, 1 / 15) + 1 / 30)
        place = 2 * math.pi / self.ring * self.places
        early = RADIUS / SPEED * (steer[:, None] - place).cos()  # [angles, microphones], seconds
        hertz = torch.fft.rfftfreq(STEPS, 1 / RATE)
        band = (hertz >= BAND[0]) & (hertz <= BAND[1])
        turn = -2 * math.pi * early[..., None] * hertz[band]
        delay = torch.polar(torch.ones_like(turn), turn).permute(2, 1, 0)  # [bins, m, angles]
        found = []
        for inputs in part.inputs.split(64):
            sound = inputs.unflatten(2, (self.channels, -1)).transpose(1, 2).flatten(2)
            bins = torch.fft.rfft(sound)[..., band]
            bins = (bins / bins.abs().clamp(min=1e-9)).permute(2, 0, 1)  # [bins, n, m]
            power = (bins @ delay).abs().square().sum(0)  # [n, angles]
            found.append(power.unflatten(1, (DIRECTIONS, -1)).amax(2))
        return torch.cat(found)

    def batch(self, index: Tensor, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        if not self.fresh:
            return super().batch(index, rows, generator)
        targets = index % DIRECTIONS
        return self._tokens(record(targets, generator, self.ring)[:, self.places]), targets


def record(directions: Tensor, generator: torch.Generator, places: int = PLACES) -> Tensor:
    """What microphones at all ``places`` hear of a source in each of these ``directions``, int64
    [n]: float32 [n, places, steps].

    The sum over ways w (straight, by the wall) of g_w / r_w * s(t - r_w / c - e), with the source's
    noise s, distances r, the speed of sound c and a clock's error e, for each microphone, by
    phases of the spectrum of a period of twice the steps, of which the first half is returned.
    """

    def drawn(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    count, period = len(directions), 2 * STEPS
    beside = math.radians(BESIDE) * (2 * drawn(count) - 1)
    angle = 2 * math.pi / DIRECTIONS * directions + beside
    distance = NEAR + (FAR - NEAR) * drawn(count)
    source = distance[:, None] * torch.stack((angle.cos(), angle.sin()), 1)
    image = torch.stack((source[:, 0], -2 * WALL - source[:, 1]), 1)
    place = 2 * math.pi / places * torch.arange(places)
    ring = RADIUS * torch.stack((place.cos(), place.sin()), 1)
    ways = torch.stack([(each[:, None] - ring).norm(dim=2) for each in (source, image)])

    hertz = torch.fft.rfftfreq(period, 1 / RATE)
    first, last = (int((hertz < edge).sum()) for edge in BAND)
    hertz = hertz[first:last]
    tilt = 2 * drawn(count, 1) - 1  # of the amplitudes, by a factor of two an octave at most
    spectrum = torch.complex(normal(count, len(hertz)), normal(count, len(hertz))) * hertz**tilt
    rms = math.sqrt(2) / period * spectrum.abs().square().sum(1).sqrt()
    loud = LOUD[0] * (LOUD[1] / LOUD[0]) ** drawn(count)
    spectrum *= (loud / rms)[:, None]

    late = ways / SPEED + CLOCK * normal(count, places)
    gain = 10 ** (GAIN_DB / 20 * normal(count, places))
    strength = gain * torch.tensor([1.0, REFLECTED])[:, None, None] / ways
    # Phases of the bins 32 i + j are those of 32 i and of j together.
    turn = -2 * math.pi * RATE / period * late[..., None]
    coarse = turn * torch.arange(first, last, 32)
    coarse = torch.polar(strength[..., None].expand_as(coarse), coarse)
    fine = turn * torch.arange(32)
    fine = torch.polar(torch.ones_like(fine), fine)
    phases = (coarse[..., None] * fine[..., None, :]).sum(0).flatten(-2)[..., : last - first]
    heard = spectrum[:, None] * phases
    bins = torch.zeros(count, places, period // 2 + 1, dtype=torch.complex64)
    bins[..., first:last] = heard
    sound = torch.fft.irfft(bins, period)[..., :STEPS]
    return sound + NOISE * normal(*sound.shape)
