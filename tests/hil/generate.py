# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Writes what cats.integer.reference says of the firmware of this folder: pytest/expected.json.

The firmware is deployment "four" of tests/zephyr/data. ``--check`` compares and writes nothing
(tests/python/zephyr/test_hil.py does that).
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np

from cats.deploy import image
from cats.integer import reference
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.native import lib
from cats.plan.planner import make_plan
from cats.sim.engine import Engine

HERE = Path(__file__).resolve().parent
EXPECTED = HERE / "pytest" / "expected.json"
NAME = "four"
MISSING = -32768


def zephyr_data():
    """tests/zephyr/data/generate.py as a module."""
    path = HERE.parent / "zephyr" / "data" / "generate.py"
    spec = importlib.util.spec_from_file_location("zephyr_data", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def result(output: np.ndarray, lost: int) -> dict[str, object]:
    """What a node shows: its output (int16 [1][C]), the class, the fragments that it lacks."""
    values = output.ravel()
    there = np.where(values == MISSING, MISSING - 1, values.astype(int))
    known = (values != MISSING).any()
    return {
        "output": values.tolist(),
        "class": int(there.argmax()) if known else None,
        "missing": int((values == MISSING).sum()),
        "lost": lost,
    }


def expected() -> dict[str, object]:
    """Inputs, and what each node answers with nothing lost and with losses by seed."""
    data = zephyr_data()
    config, split, ratio, options = data.DEPLOYMENTS[NAME]
    seed = sum(NAME.encode())
    model = random_model(seed, config, split, random_keep(seed, config, split, ratio))
    plan = make_plan(config, split, model.keep, **options)
    ident = image.model_id(model, plan)
    inputs = random_inputs(99, config, data.SAMPLES)
    nodes = range(split.nodes)

    #: (exchange, tile, source, fragment) of all that is sent.
    sent = [
        (g, tile, source, f)
        for g, exchange in enumerate(plan.gathers)
        for tile in range(exchange.tiles)
        for source, cut in enumerate(exchange.sources)
        for f in range(
            cut.fragments(min(exchange.tile_rows, exchange.rows - tile * exchange.tile_rows))
        )
    ]

    def lost(case: tuple[int, int, int], inference: int, receiver: int) -> int:
        seed, first, ppm = case
        return sum(
            source not in (receiver, *range(first))
            and data.lost(seed, ppm, ident, inference, g, tile, f, source, receiver)
            for g, tile, source, f in sent
        )

    losses = []
    for case in data.LOSSES:
        results = []
        for i, sample in enumerate(inputs):
            there = data.arrived(model, plan, ident, case, i)
            outputs = reference.run(model, sample, there)
            # Whom nobody follows goes on behind the numbers that may look late.
            number = {"inference": i * (65 if case[2] == 1_000_000 else 1)}
            results.append([number | result(outputs[n], lost(case, i, n)) for n in nodes])
        losses.append({"seed": case[0], "first": case[1], "ppm": case[2], "results": results})
    clean = [result(reference.run(model, sample)[0], 0) for sample in inputs]
    return {
        "spdx": "SPDX-License-Identifier: Apache-2.0, Copyright The CATS Project",
        "model_id": f"{ident:08x}",
        "nodes": split.nodes,
        "silence_us": int(lib.cats_silence_us(Engine(image.pack(model, plan, 0, ident)).image)),
        "tokens": config.tokens_in,
        "inputs": config.inputs,
        "outputs": config.outputs,
        "fragments": [sum(source != n for _, _, source, _ in sent) for n in nodes],
        "samples": [base64.b64encode(sample.tobytes()).decode() for sample in inputs],
        "clean": clean,
        "losses": losses,
    }


def text() -> str:
    """The file's content; lists of numbers stand on one line."""
    spread = json.dumps(expected(), indent=1)
    numbers = r"\[\s+(-?\d[^][{}]*?)\s+\]"
    return re.sub(numbers, lambda m: "[" + " ".join(m[1].split()) + "]", spread) + "\n"


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    content = text()
    if parser.parse_args().check:
        return int(EXPECTED.read_text() != content)
    EXPECTED.write_text(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
