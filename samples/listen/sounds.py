#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Simulated sounds: a quarter of a second at 8 kHz, 16 bits.

``python sounds.py FOLDER`` writes what the deployment in ``deploy/`` was trained with, WAV files in
a sub-folder a sound; ``python sounds.py src/sounds.h`` other ones for the sample to hear. They are
made from a seed, nothing was recorded:

whistle  a tone of 800 to 2500 Hz with two overtones that wavers by 2 %
rising   a tone that goes up by one to two octaves
falling  the same downwards
knock    two bursts of noise that fade within 10 to 30 ms
"""

import sys
import wave
from pathlib import Path

import numpy as np

RATE_HZ, SAMPLES = 8000, 2176  # 16 frames of 256
SOUNDS = ("whistle", "rising", "falling", "knock")
RECORDINGS = 200  # of each sound

HEAD = """\
/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Made by sounds.py: what the sample hears. */

#include <stdint.h>

/* clang-format off */

#define SOUND_SAMPLES {samples}

static const struct {{
	const char *name;
	int16_t samples[SOUND_SAMPLES];
}} sounds[] = {{
"""


def recording(sound: str, rng: np.random.Generator) -> np.ndarray:
    """One recording: int16 [SAMPLES]."""
    time = np.arange(SAMPLES) / RATE_HZ
    whole = SAMPLES / RATE_HZ
    if sound == "knock":
        heard = np.zeros(SAMPLES)
        first = rng.uniform(0, 0.3) * whole
        for begin in (first, first + rng.uniform(0.2, 0.5) * whole):
            since = time - begin
            fading = np.exp(-np.maximum(since, 0) / rng.uniform(0.01, 0.03))
            heard += np.where(since >= 0, fading, 0) * rng.normal(size=SAMPLES)
    else:
        low, octaves = rng.uniform(400, 700), rng.uniform(1, 2)
        place = time / whole
        if sound == "whistle":
            pitch = rng.uniform(800, 2500) * (1 + 0.02 * np.sin(2 * np.pi * 6 * time))
        else:
            pitch = low * 2 ** (octaves * (place if sound == "rising" else 1 - place))
        turn = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
        heard = np.sin(turn) + 0.3 * np.sin(2 * turn + 1) * (pitch < RATE_HZ / 4)
        heard *= np.sin(np.pi * place) ** 0.5
    loud = 10 ** rng.uniform(2.5, 3.5)
    noise = loud * 10 ** rng.uniform(-3, -1) * rng.normal(size=SAMPLES)
    return np.rint(np.clip(loud * heard + noise, -32768, 32767)).astype(np.int16)


def write_folder(folder: Path, seed: int) -> None:
    """Recordings as ``cats train --task speech`` reads them."""
    rng = np.random.default_rng(seed)
    for sound in SOUNDS:
        (folder / sound).mkdir(parents=True, exist_ok=True)
        for number in range(RECORDINGS):
            with wave.open(str(folder / sound / f"{number:03}.wav"), "wb") as file:
                file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
                file.writeframes(recording(sound, rng).astype("<i2").tobytes())


def header(seed: int) -> str:
    """One recording of each sound as a C header."""
    rng = np.random.default_rng(seed)
    lines = [HEAD.format(samples=SAMPLES)]
    for sound in SOUNDS:
        words = list(map(str, recording(sound, rng).tolist()))
        rows = [", ".join(words[at : at + 16]) for at in range(0, SAMPLES, 16)]
        lines += [f'\t{{\n\t\t.name = "{sound}",\n\t\t.samples = {{\n',
                  *(f"\t\t\t{row},\n" for row in rows), "\t\t},\n\t},\n"]  # fmt: skip
    return "".join([*lines, "};\n"])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: sounds.py FOLDER|FILE.h")
    out = Path(sys.argv[1])
    if out.suffix == ".h":
        out.write_text(header(seed=2))
    else:
        write_folder(out, seed=1)
