#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Simulated recordings of an accelerometer on a wrist: 50 Hz, three axes, m/s2.

``python motions.py motions.csv`` writes what the deployment in ``deploy/`` was trained with, two
seconds each, and ``python motions.py motions.csv 320`` those of ``stream/``, of so many steps.
``python motions.py src/motions.h 320`` writes other recordings for the emulated sensor of
native_sim. They are physics from a seed, no measurements:

still    gravity, in any direction
walking  a step twice a second, up and down by 2 to 4 m/s2 with two harmonics, the arm swings
running  2.5 to 3.2 steps a second of 8 to 14 m/s2
waving   the hand turns by 40 to 80 degrees and back, once or twice a second
"""

import sys
from pathlib import Path

import numpy as np

STEPS, RATE_HZ, G = 100, 50, 9.81
MOTIONS = ("still", "walking", "running", "waving")
NOISE = 0.15  # m/s2, of the sensor
RECORDINGS = 400  # of each motion

HEAD = """\
/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Made by motions.py: recordings for the emulated accelerometer. */

#include <stdint.h>

/* clang-format off */

#define MOTION_STEPS {steps}

static const struct {{
	const char *name;
	int16_t cm_s2[MOTION_STEPS][3];
}} motions[] = {{
"""


def rotation(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Matrices [n, 3, 3] that turn by angles [n] about a unit axis [3] (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sin, cos = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + sin * cross + (1 - cos) * (cross @ cross)


def direction(rng: np.random.Generator) -> np.ndarray:
    """A unit vector [3], all alike likely."""
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)


def recording(motion: str, rng: np.random.Generator, steps: int = STEPS) -> np.ndarray:
    """One recording: float64 [steps, 3], m/s2."""
    time = np.arange(steps) / RATE_HZ
    up, ahead = np.array([0, 0, 1.0]), np.array([1.0, 0, 0])
    force = np.full((steps, 3), G * up)
    swing = np.zeros(steps)
    phase = rng.uniform(0, 2 * np.pi)
    if motion in ("walking", "running"):
        fast = motion == "running"
        rate = rng.uniform(2.5, 3.2) if fast else rng.uniform(1.7, 2.2)
        height = rng.uniform(8, 14) if fast else rng.uniform(2, 4)
        turn = 2 * np.pi * rate * time + phase
        bounce = np.sin(turn) + 0.4 * np.sin(2 * turn + 1) + 0.2 * np.sin(3 * turn + 2)
        force = force + height * bounce[:, None] * up
        force = force + 0.4 * height * np.sin(turn + 1.5)[:, None] * ahead
        swing = np.radians(rng.uniform(10, 25)) * np.sin(turn / 2)
    elif motion == "waving":
        rate = rng.uniform(1, 2)
        swing = np.radians(rng.uniform(40, 80)) * np.sin(2 * np.pi * rate * time + phase)
    # The hand turns about one axis, the sensor sits on it in any way.
    seen = np.einsum("nij,nj->ni", rotation(np.array([0, 1.0, 0]), swing), force)
    seen = seen @ rotation(direction(rng), rng.uniform(0, np.pi, 1))[0].T
    return seen + NOISE * rng.normal(size=seen.shape)


def csv(seed: int, steps: int = STEPS) -> str:
    """Recordings as ``cats train --task classify`` reads them."""
    rng = np.random.default_rng(seed)
    lines = ["sample,label,x,y,z"]
    for number in range(RECORDINGS * len(MOTIONS)):
        motion = MOTIONS[number % len(MOTIONS)]
        lines += [
            f"{number},{motion}," + ",".join(f"{value:.3f}" for value in values)
            for values in recording(motion, rng, steps)
        ]
    return "\n".join(lines) + "\n"


def header(seed: int, steps: int = STEPS) -> str:
    """One recording of each motion as a C header."""
    rng = np.random.default_rng(seed)
    lines = [HEAD.format(steps=steps)]
    for motion in MOTIONS:
        values = np.rint(100 * recording(motion, rng, steps)).astype(int)
        rows = ["\t\t\t{" + ", ".join(map(str, row)) + "},\n" for row in values]
        lines += [
            "\t{\n",
            f'\t\t.name = "{motion}",\n',
            "\t\t.cm_s2 = {\n",
            *rows,
            "\t\t},\n\t},\n",
        ]
    return "".join([*lines, "};\n"])


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: motions.py FILE.csv|FILE.h [STEPS]")
    out, steps = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else STEPS
    out.write_text(header(2, steps) if out.suffix == ".h" else csv(1, steps))
