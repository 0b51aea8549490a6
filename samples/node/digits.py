#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Writes src/digits.h: the first test image of each digit, as the deployment takes it.

Run in the project's Python environment: ``python samples/node/digits.py``. How the deployment was
made stands in deploy/plan.json under "run"; with ``--export`` its model and that of
samples/sensor are exported again first, after a change of the format.
"""

import dataclasses
import sys
from pathlib import Path

from cats import tasks
from cats.deploy.export import PLAN, export, load_deploy
from cats.integer import model as integer
from cats.integer.quantize import quantize_inputs
from cats.integer.samples import with_counts
from cats.report import read_json

HERE = Path(__file__).resolve().parent
HEAD = """\
/*
 * SPDX-FileCopyrightText: Copyright The CATS Project
 * SPDX-License-Identifier: Apache-2.0
 */

/* Made by digits.py: the first test image of each digit of scikit-learn's data set. */

#include <stdint.h>

/* clang-format off */

#define DIGITS_MODEL_ID 0x{ident}u

static const int8_t digits[{count}][{size}] = {{
"""


def export_again(folder: Path = HERE / "deploy") -> None:
    """The deployment in today's format, as its plan.json says that it was made."""
    meta = read_json(folder / PLAN)
    model = integer.load(folder)
    metadata = model.metadata or with_counts(tasks.load("digits").metadata)
    options = {key: meta[key] for key in ("radio", "rounds", "formats", "run")}
    export(dataclasses.replace(model, metadata=metadata), folder, force=True, **options)


def text() -> str:
    """Content of digits.h."""
    model, _, meta, _ = load_deploy(HERE / "deploy")
    test = tasks.load("digits").test
    chosen = [int((test.targets == digit).nonzero()[0]) for digit in range(10)]
    inputs = quantize_inputs(model, test.inputs[chosen].numpy())  # int8 [10, rows, columns]
    lines = [HEAD.format(ident=meta["model_id"], count=len(inputs), size=inputs[0].size)]
    for image in inputs:
        rows = ["\t\t" + " ".join(f"{v}," for v in row) + "\n" for row in image]
        lines += ["\t{\n", *rows, "\t},\n"]
    return "".join([*lines, "};\n"])


if __name__ == "__main__":
    if sys.argv[1:] == ["--export"]:
        export_again()
        export_again(HERE.parent / "sensor" / "deploy")
    (HERE / "src" / "digits.h").write_text(text())
