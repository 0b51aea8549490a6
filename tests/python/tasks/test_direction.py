# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The simulated ring of microphones: sounds as physics has them, and what a textbook makes of
them."""

import math

import pytest
import torch

from cats import tasks
from cats.errors import CatsError
from cats.tasks import direction, generator_of


@pytest.fixture
def task(monkeypatch):
    monkeypatch.setattr(direction, "PARTS", {"train": 48, "validation": 32, "test": 64})
    monkeypatch.setattr(direction, "PASS", 96)
    return tasks.load("direction")


def lag(one, other):
    """Samples by which a sound is later at ``other``, to a sixteenth."""
    size = 16 * len(one)
    spectrum = torch.fft.rfft(other) * torch.fft.rfft(one).conj()
    peak = int(torch.fft.irfft(spectrum / spectrum.abs(), size).argmax())
    return (peak - size if peak > size / 2 else peak) / 16


def test_delays_are_distances_over_the_speed_of_sound(monkeypatch):
    for name, value in (("NOISE", 0.0), ("GAIN_DB", 0.0), ("CLOCK", 0.0), ("REFLECTED", 0.0),
                        ("BESIDE", 0.0), ("NEAR", 5.0), ("FAR", 5.0)):  # fmt: skip
        monkeypatch.setattr(direction, name, value)
    sounds = direction.record(torch.tensor([0, 2]), generator_of(1))
    assert sounds.shape == (2, direction.PLACES, direction.STEPS)
    across = 2 * direction.RADIUS / direction.SPEED * direction.RATE
    assert lag(sounds[0, 0], sounds[0, 4]) == pytest.approx(across, abs=0.1)
    assert lag(sounds[0, 2], sounds[0, 6]) == pytest.approx(0, abs=0.1)
    assert lag(sounds[1, 2], sounds[1, 6]) == pytest.approx(across, abs=0.1)
    # By one over the distance, of a source that is 5 m away.
    level = sounds.square().mean(2).sqrt()
    assert (level[0, 0] / level[0, 4]).item() == pytest.approx(5.5 / 4.5, rel=0.02)
    assert direction.LOUD[0] / 5 * 0.9 < level[0, 2] < direction.LOUD[1] / 5 * 1.1


def test_the_wall_is_heard_and_every_recording_is_another(monkeypatch):
    south = torch.full((40,), 6)
    straight = direction.record(south, generator_of(0))
    assert torch.equal(straight, direction.record(south, generator_of(0)))
    monkeypatch.setattr(direction, "REFLECTED", 0.0)
    assert not torch.allclose(straight, direction.record(south, generator_of(0)), atol=1e-3)
    assert not torch.allclose(straight[0], straight[1], atol=1e-3)


def test_parts_follow_from_the_seed(task):
    assert [len(part) for part in (task.train, task.validation, task.test)] == [48, 32, 64]
    again, other = tasks.load("direction"), tasks.load("direction", seed=1)
    assert torch.equal(task.test.inputs, again.test.inputs)
    assert not torch.equal(task.test.inputs, other.test.inputs)
    assert not torch.equal(task.test.inputs[:32], task.validation.inputs)
    assert task.test.targets.bincount().tolist() == [8] * 8
    assert task.metadata.classes[1] == "45 degrees" and task.channels == 8
    assert task.model.embed == "own" and task.model.tokens_in == 16
    deviation = math.sqrt(task.train.inputs.square().mean().item())
    assert deviation == pytest.approx(1, abs=0.01)


def test_training_hears_new_sounds(task):
    index = torch.arange(8)
    one, targets = task.batch(index, 1, generator_of(0))
    other, _ = task.batch(index, 1, generator_of(1))
    assert targets.tolist() == list(range(8)) and not torch.allclose(one, other)
    assert task.size == 96
    batches = list(task.batches(32, 1, generator_of(0), generator_of(1)))
    assert [len(x) for x, _ in batches] == [32, 32, 32]
    still = tasks.load("direction", fresh=False)
    assert still.size == 48
    assert torch.equal(still.batch(index, 1, generator_of(0))[0], still.train.inputs[:8])


def test_a_textbook_hears_it_from_the_times_alone(task):
    outputs = task.baselines()["delay and sum"](task.test)
    assert task.score(outputs, task.test)["accuracy"] == 1.0
    assert not torch.allclose(outputs[0], outputs[1])


def test_fewer_microphones_hear_what_they_hear_among_eight(task):
    few = tasks.load("direction", microphones=4)
    assert few.channels == 4 and few.model.inputs == task.model.inputs // 2
    assert [channel.name for channel in few.metadata.channels] == [
        f"microphone {place}" for place in (0, 2, 4, 6)
    ]

    def heard(inputs, count):
        return inputs.unflatten(2, (count, -1))

    every, own = heard(task.test.inputs, 8)[:, :, ::2], heard(few.test.inputs, 4)
    assert torch.allclose(own * few.deviation, every * task.deviation, atol=1e-6)
    outputs = few.baselines()["delay and sum"](few.test)
    assert few.score(outputs, few.test)["accuracy"] > 0.9
    with pytest.raises(CatsError, match="17 microphones: 1 to 16"):
        tasks.load("direction", microphones=17)


def test_sixteen_microphones_stand_on_the_same_ring():
    many = tasks.load("direction", microphones=16)
    assert many.test.inputs.shape == (1024, 16, 16 * 128)
    assert many.places.tolist() == list(range(16))
    # A textbook that takes them for where they are is always right.
    assert many.score(many.baselines()["delay and sum"](many.test), many.test)["accuracy"] == 1


def test_a_patch_that_does_not_fit():
    with pytest.raises(CatsError, match="must divide 2048"):
        tasks.load("direction", patch=100)
