# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Spoken words: folders of WAV files become integer features, speakers stay apart, bad files are
named; the features' tables and values are the ones that they stand for."""

import wave

import numpy as np
import pytest
import torch

from cats import tasks
from cats.deploy.export import partition_files
from cats.errors import CatsError
from cats.integer.quantize import quantize_inputs
from cats.integer.samples import quantize_int16, with_counts
from cats.nn.model import CatsTransformer
from cats.nn.to_integer import quantize
from cats.plan.planner import make_plan
from cats.shape.config import SplitConfig
from cats.shape.metadata import from_json, to_json
from cats.tasks import baselines, new_data
from cats.tasks.log_mel import COUNTS, LogMel, c_header, frame_of, hertz, mel, shape_of

RATE = 8000
SPEAKERS = ("ann", "bob", "cy", "dee", "eve")


def write(path, samples, rate=RATE, channels=1, width=2):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(np.rint(samples).astype("<i2").tobytes())
    return path


def spoken(word, speaker, number):
    """A tone of the word's own, a little of the speaker's, of any length, with noise."""
    rng = np.random.default_rng([int(word), SPEAKERS.index(speaker), number])
    time = np.arange(rng.integers(1500, 4500)) / RATE
    pitch = (500 + 900 * int(word)) * (1 + 0.02 * SPEAKERS.index(speaker))
    return 5000 * np.sin(2 * np.pi * pitch * time) + rng.normal(0, 100, len(time))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("speech") / "words"
    for word in "012":
        for speaker in SPEAKERS:
            for number in range(4):
                write(path / f"{word}_{speaker}_{number}.wav", spoken(word, speaker, number))
    return path


@pytest.fixture(scope="module")
def task(folder):
    return tasks.load("speech", data=str(folder), seconds=0.5)


# Features


@pytest.mark.parametrize("frequency", [100.0, 1000.0, 3700.0])
def test_the_mel_scale_is_that_of_htk(frequency):
    assert hertz(mel(frequency)) == pytest.approx(frequency)
    assert mel(1000) == pytest.approx(999.9855, abs=1e-3)


def test_a_tone_is_loudest_in_its_band_and_doublings_of_power_are_counts():
    shape = LogMel(RATE, 256, 20)
    assert frame_of(RATE) == 256 and frame_of(16000) == 512
    time = np.arange(2048) / RATE
    for band, name in enumerate(shape.names):
        tone = np.sin(2 * np.pi * float(name.split()[0]) * time)
        loud, soft = (shape.features(np.rint(v * tone).astype(np.int16)) for v in (20000, 5000))
        assert (loud.argmax(1) == band).all() and (soft.argmax(1) == band).all()
        assert np.abs(loud[:, band] - soft[:, band] - 4 * COUNTS).max() <= 1
    assert shape.count(2048) == len(loud) == 15 and shape.samples(15) == 2048
    assert not shape.features(np.zeros(2048, np.int16)).any()
    assert shape.features(np.zeros(255, np.int16)).shape == (0, 20)


HARD = {
    "noise": lambda rng, t: rng.integers(-32768, 32768, len(t)),
    "clipped": lambda rng, t: np.where(np.sin(t * 0.3) > 0, 32767, -32768),
    "offset": lambda rng, t: np.full(len(t), -32768),
    "alternating": lambda rng, t: np.where(t % 2, 32767, -32768),
    "one count": lambda rng, t: rng.integers(-1, 2, len(t)),
    "tone": lambda rng, t: np.rint(32767 * np.sin(t * 0.37)),
    "quiet": lambda rng, t: np.rint(30 * rng.normal(size=len(t))),
    "impulse": lambda rng, t: 32767 * (t % 97 == 0),
}


@pytest.mark.parametrize(
    ("frame", "most", "loud"),
    [(64, 0.004, 0.002), (256, 0.02, 0.004), (512, 0.1, 0.02), (1024, 1.5, 0.05)],
)
def test_features_are_near_the_exact_ones(frame, most, loud):
    """The bounds of doc/numerics.rst; ``loud``: where a band has 1024 times a count's power."""
    shape = LogMel(125 * frame // 4 if frame > 64 else 4000, frame, frame // 16)
    t = np.arange(40 * frame)
    for make in HARD.values():
        samples = make(np.random.default_rng(1), t).astype(np.int16)
        exact = shape.exact(samples)
        error = np.abs(shape.features(samples) / COUNTS - exact)
        assert error.max() < most
        assert error[exact > 10].max(initial=0) < loud


@pytest.mark.parametrize(
    ("shape", "said"),
    [((500, 64, 4), "rate"), ((8000, 250, 20), "frame is 250"), ((8000, 256, 0), "mels is 0"),
     ((16000, 64, 4), "at least 161"), ((8000, 128, 60), "fewer bands or a longer frame")],
)  # fmt: skip
def test_shapes_that_cannot_be(shape, said):
    with pytest.raises(CatsError, match=said):
        LogMel(*shape)
    with pytest.raises(CatsError, match="int16 is wanted"):
        LogMel(8000, 256, 20).features(np.zeros(256))


# The task


def test_speakers_stay_apart_and_samples_are_the_features(task, folder):
    assert [len(part) for part in (task.train, task.validation, task.test)] == [36, 12, 12]
    assert task.notes == ("groups by speaker, training:validation:test 3:1:1",)
    assert task.model.tokens_in == 7 and task.model.inputs == 80 and task.channels == 1
    assert task.metadata.classes == ("0", "1", "2") and task.metadata.step == 0.016
    shape = LogMel(RATE, 256, 20)
    found = new_data.read(folder / "2_bob_1.wav", task.metadata)
    assert found.samples.shape == (1, 1, 30, 20)
    sound = np.rint(spoken("2", "bob", 1)).astype(np.int16)
    lack = shape.samples(30) - len(sound)
    window = np.pad(sound, (lack // 2, lack - lack // 2)) if lack > 0 else sound
    assert np.array_equal(found.samples[0, 0] * COUNTS, shape.features(window)[-30:])


def test_the_device_makes_the_models_input_of_the_same_counts(task):
    """What export does: features times 256 are the samples of cats_input_quantize_int16()."""
    metadata = with_counts(from_json(to_json(task.metadata)))
    assert {channel.counts_per_unit for channel in metadata.channels} == {COUNTS}
    torch.manual_seed(0)
    net = CatsTransformer(task.model, SplitConfig.even(task.model, 2))
    model = quantize(net, task.train.inputs.numpy())
    model = type(model)(**{**vars(model), "metadata": metadata})
    normal = task.test.inputs.double().numpy().reshape(-1, 7, 20, 4)
    raw = normal * metadata.deviation[:, None] + metadata.mean[:, None]
    counts = np.rint(raw.transpose(0, 1, 3, 2).reshape(-1, 1, 28, 20) * COUNTS)
    counts = np.pad(counts, ((0, 0), (0, 0), (2, 0), (0, 0))).astype(np.int16)
    inputs, _ = quantize_int16(model, counts)
    wanted = quantize_inputs(model, task.test.inputs.numpy())
    assert np.abs(inputs.astype(int) - wanted).max() <= 1
    assert (inputs == wanted).mean() > 0.99
    files = partition_files(model, make_plan(model.config, model.split, model.keep), "header")
    assert files["cats_log_mel.h"].decode() == c_header(LogMel(RATE, 256, 20))


def test_the_metadata_tells_the_features(task):
    assert shape_of(task.metadata) == LogMel(RATE, 256, 20) == task.shape
    assert shape_of(None) is None
    other = to_json(task.metadata)
    other["channels"][3]["name"] = "426 Hz"
    assert shape_of(from_json(other)) is None
    for shape in (LogMel(16000, 512, 20), LogMel(44100, 1024, 40)):
        channels = [{**other["channels"][0], "name": name} for name in shape.names]
        said = {**other, "channels": channels, "step": shape.step}
        assert shape_of(from_json(said)) == shape


def test_augmentation_repeats_and_keeps_the_word(task):
    index = torch.arange(36)
    one, labels = task.batch(index, 1, torch.Generator().manual_seed(0))
    two, _ = task.batch(index, 1, torch.Generator().manual_seed(0))
    assert torch.equal(one, two) and torch.equal(labels, task.train.targets)
    assert 0.1 < (one - task.train.inputs).abs().mean() < 1.2
    scores = baselines.scores(task, "test")["test"]
    assert scores["logistic regression"]["accuracy"] == 1.0


def test_a_folder_a_word(tmp_path, folder):
    for i, file in enumerate(sorted(folder.iterdir())):
        word, speaker, number = file.stem.split("_")
        name = f"{speaker}_nohash_{number}" if i % 2 else f"word {file.stem}"
        target = tmp_path / "train" / f"word {word}" / f"{name}.wav"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    write(tmp_path / "train" / "_background_" / "a.wav", np.ones(100))
    found = tasks.load("speech", data=str(tmp_path), augment=False)
    assert found.metadata.classes == ("word 0", "word 1", "word 2")
    assert found.notes and not found.warnings
    inputs, _ = found.batch(torch.arange(3), 1, torch.Generator())
    assert torch.equal(inputs, found.train.inputs[:3])
    first = min((tmp_path / "train/word 1").iterdir())
    first.rename(first.with_name("ann.wav"))
    unknown = tasks.load("speech", data=str(tmp_path))
    assert "do not tell who speaks" in unknown.warnings[0]
    (tmp_path / "train").rename(tmp_path / "test")
    (tmp_path / "train/word 0").mkdir(parents=True)
    with pytest.raises(CatsError, match="word 0 holds no WAV file"):
        tasks.load("speech", data=str(tmp_path))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(lambda p: write(p / "1_ann_9.wav", np.ones(400), rate=16000), "16000 samples a second, not"),
     (lambda p: write(p / "1_ann_9.wav", np.ones(400), channels=2), "2 channels of 16 bits"),
     (lambda p: write(p / "1_ann_9.wav", np.ones(400), width=1), "1 channels of 8 bits"),
     (lambda p: write(p / "1_ann_9.wav", []), "holds no samples"),
     (lambda p: (p / "1_ann_9.wav").write_bytes(b"RIFF"), "cannot be read as WAV"),
     (lambda p: (p / "1_ann_9.wav").write_bytes(b"no sound at all"), "cannot be read as WAV"),
     (lambda p: write(p / "hello.wav", np.ones(400)), "LABEL_SPEAKER_NUMBER.wav")],
)  # fmt: skip
def test_files_that_cannot_be_used_are_named(tmp_path, spoil, said):
    for speaker in SPEAKERS[:3]:
        for word in "01":
            write(tmp_path / f"{word}_{speaker}_0.wav", spoken(word, speaker, 0))
    spoil(tmp_path)
    with pytest.raises(CatsError, match=said):
        tasks.load("speech", data=str(tmp_path))


def test_options_that_cannot_be(tmp_path, folder, task):
    with pytest.raises(CatsError, match="holds no WAV file, and no sub-folder"):
        tasks.load("speech", data=str(tmp_path))
    for options, said in (
        ({"group": "age"}, "group is 'age'"),
        ({"seconds": 0.05}, "2 frames, less than a token of 4"),
        ({"rate": 16000}, "8000 samples a second, not 16000"),
        ({"data": str(folder / "0_ann_0.wav")}, "no folder of WAV files"),
    ):
        with pytest.raises(CatsError, match=said):
            tasks.load("speech", **{"data": str(folder), **options})
    path = write(tmp_path / "a.wav", np.ones(400), rate=16000)
    with pytest.raises(CatsError, match="16000 samples a second, the model takes 8000"):
        new_data.read(path, task.metadata)
    with pytest.raises(CatsError, match="it takes no sound"):
        new_data.read(path, tasks.load("digits").metadata)
