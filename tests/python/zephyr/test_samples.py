# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What samples have of data: as the programs beside them write it, right by their deployments."""

import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from cats.cli import main
from cats.deploy.export import load_deploy
from cats.integer import reference
from cats.integer.quantize import quantize_inputs
from cats.integer.samples import quantize_int16
from cats.integer.steps import Steps, window_of
from cats.shape.windows import real_inputs
from cats.tasks import log_mel

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
#: Steps of a recording of src/motions.h of the sensor's sample: the window of its stream.
WINDOW = 320


def test_digits_are_what_their_program_writes():
    pytest.importorskip("torch")
    made = runpy.run_path(SAMPLES / "node" / "digits.py")
    assert (SAMPLES / "node" / "src" / "digits.h").read_text() == made["text"]()


def test_motions_are_what_their_program_writes():
    made = runpy.run_path(SAMPLES / "sensor" / "motions.py")
    assert (SAMPLES / "sensor" / "src" / "motions.h").read_text() == made["header"](2, WINDOW)


def test_the_sensor_samples_deployment_knows_motions_it_has_not_seen():
    """From m/s2 to the name with what the deployment itself says."""
    made = runpy.run_path(SAMPLES / "sensor" / "motions.py")
    model, *_ = load_deploy(SAMPLES / "sensor" / "deploy")
    rng = np.random.default_rng(3)
    right = 0
    for motion in 10 * made["MOTIONS"]:
        window = made["recording"](motion, rng)[None, None]  # [1, height, steps, axes]
        real, _ = real_inputs(model.metadata, window)
        output, *_ = reference.run(model, quantize_inputs(model, real)[0])
        right += model.metadata.classes[output.ravel().argmax()] == motion
    assert right >= 38


def test_the_sensor_samples_stream_ends_windows_as_its_whole_window_does():
    """Each recording that native_sim plays: the last step's outputs to the bit, and what the
    scenario of sample.yaml waits for."""
    made = runpy.run_path(SAMPLES / "sensor" / "motions.py")
    model, *_ = load_deploy(SAMPLES / "sensor" / "stream")
    rng = np.random.default_rng(2)
    played = [np.rint(100 * made["recording"](m, rng, WINDOW)) / 100 for m in made["MOTIONS"]]
    real, _ = real_inputs(model.metadata, np.stack(played)[:, None])
    inputs = quantize_inputs(window_of(model), real)
    windows, steps = reference.run_batch(window_of(model), inputs), Steps(model, len(inputs))
    for row in range(model.config.context):
        last = steps.step(inputs[:, row : row + 1])
    np.testing.assert_array_equal(last, windows)
    scenario = (SAMPLES / "sensor" / "sample.yaml").read_text()
    for motion, output in zip(made["MOTIONS"], windows[:, 0, 0] * model.output_scale):
        chance = np.exp(output - output.max()) / np.exp(output - output.max()).sum()
        known = model.metadata.classes[output.argmax()]
        assert (
            f"{known}, {int(100 * chance.max())} %, 64 patches of 64, "
            f"0 of 9 fragments lost \\\\({motion} was played\\\\)"
        ) in scenario


@pytest.mark.parametrize("radio", ["nrf_radio", "ieee802154", "ble"])
def test_a_step_of_the_sensor_samples_stream_takes_at_most_a_tenth(radio, tmp_path):
    """Of the whole window's time on air, time and energy, as its page says by the same command."""
    out = tmp_path / "figures.json"
    stream = SAMPLES / "sensor" / "stream"
    assert main(["plan", str(stream), "--radio", radio, "--json", str(out)]) == 0
    figures = json.loads(out.read_text())["stream"]
    times = figures["times"]
    assert min(times[part] for part in ("time_on_air_us", "inference_us", "energy_mj")) >= 10
    page = (SAMPLES / "sensor" / "README.rst").read_text()
    for kind, name in (("window", "a window"), ("step", "a step")):
        row = next(line for line in page.splitlines() if re.match(f"{radio} +{name} ", line))
        said = [float(word.replace(",", "")) for word in row.split()[3:]]
        f = figures[kind]
        found = [f["frames"], f["time_on_air_us"] / 1e3, f["inference_us"] / 1e3, f["energy_mj"]]
        np.testing.assert_allclose(said, found, rtol=5e-3)


def test_sounds_are_what_their_program_writes():
    made = runpy.run_path(SAMPLES / "listen" / "sounds.py")
    assert (SAMPLES / "listen" / "src" / "sounds.h").read_text() == made["header"](seed=2)


def test_vectors_of_log_mel_features_are_what_their_program_writes():
    folder = SAMPLES.parent / "tests" / "zephyr" / "log_mel"
    made = runpy.run_path(folder / "generate.py")["files"]()
    assert {name: (folder / "src" / name).read_text() for name in made} == made


def test_the_listening_samples_deployment_knows_sounds_it_has_not_heard():
    """From int16 samples to the name, all of it integers, with what the deployment itself says."""
    made = runpy.run_path(SAMPLES / "listen" / "sounds.py")
    deploy = SAMPLES / "listen" / "deploy"
    model, *_ = load_deploy(deploy)
    shape = log_mel.shape_of(model.metadata)
    assert (deploy / log_mel.HEADER).read_text() == log_mel.c_header(shape)
    rng = np.random.default_rng(3)
    right = 0
    for sound in 10 * made["SOUNDS"]:
        features = shape.features(made["recording"](sound, rng))[None, None]
        output, *_ = reference.run(model, quantize_int16(model, features)[0][0])
        right += model.metadata.classes[output.ravel().argmax()] == sound
    assert right >= 38
