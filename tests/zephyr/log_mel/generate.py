#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Writes ``src/vectors.h`` and ``src/cats_log_mel.h``: sounds and their features by NumPy.

``python tests/zephyr/log_mel/generate.py``
"""

from pathlib import Path

import numpy as np

from cats.tasks.log_mel import LogMel, c_header

SHAPE = LogMel(8000, 256, 20)
SAMPLES = 640
SOURCES = Path(__file__).parent / "src"

HEAD = """\
/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Made by generate.py: sounds, and their features by NumPy. */

#include <stdint.h>

#include "cats_log_mel.h"

/* clang-format off */

#define SAMPLES {samples}
#define FRAMES {frames}

static const struct {{
	const char *name;
	int16_t samples[SAMPLES];
	int16_t features[FRAMES][CATS_LOG_MEL_MELS];
}} sounds[] = {{
"""


def sounds() -> dict[str, np.ndarray]:
    """int16 [SAMPLES] each, by name."""
    rng, t = np.random.default_rng(0), np.arange(SAMPLES)
    made = {
        "full_scale": np.where(t % 2, 32767, -32768),
        "noise": rng.integers(-32768, 32768, SAMPLES),
        "clipped": np.where(np.sin(t * 0.3) > 0, 32767, -32768),
        "one_count": rng.integers(-1, 2, SAMPLES),
        "chirp": np.rint(3000 * np.sin(t * (0.1 + t / 1500)) + rng.normal(size=SAMPLES)),
    }
    return {name: values.astype(np.int16) for name, values in made.items()}


def rows(values: np.ndarray, width: int) -> str:
    """Numbers as C, so many in a line."""
    words = list(map(str, values.tolist()))
    lines = [", ".join(words[at : at + width]) for at in range(0, len(words), width)]
    return "".join(f"\t\t\t{line},\n" for line in lines)


def vectors() -> str:
    """The header."""
    parts = [HEAD.format(samples=SAMPLES, frames=SHAPE.count(SAMPLES))]
    for name, samples in sounds().items():
        features = SHAPE.features(samples)
        parts += [f'\t{{\n\t\t.name = "{name}",\n\t\t.samples = {{\n', rows(samples, 16),
                  "\t\t},\n\t\t.features = {{\n",
                  "\t\t}, {\n".join(rows(frame, 20) for frame in features),
                  "\t\t}},\n\t},\n"]  # fmt: skip
    return "".join([*parts, "};\n"])


def files() -> dict[str, str]:
    """Content by name."""
    return {"vectors.h": vectors(), "cats_log_mel.h": c_header(SHAPE)}


if __name__ == "__main__":
    for name, text in files().items():
        (SOURCES / name).write_text(text)
