# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What samples have of data: as the programs beside them write it, right by their deployments."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from cats.deploy.export import load_deploy
from cats.integer import reference
from cats.integer.quantize import quantize_inputs
from cats.integer.samples import quantize_int16
from cats.shape.windows import real_inputs
from cats.tasks import log_mel

SAMPLES = Path(__file__).resolve().parents[3] / "samples"


def test_digits_are_what_their_program_writes():
    pytest.importorskip("torch")
    made = runpy.run_path(SAMPLES / "node" / "digits.py")
    assert (SAMPLES / "node" / "src" / "digits.h").read_text() == made["text"]()


def test_motions_are_what_their_program_writes():
    made = runpy.run_path(SAMPLES / "sensor" / "motions.py")
    assert (SAMPLES / "sensor" / "src" / "motions.h").read_text() == made["header"](seed=2)


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
