#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Write the golden DEPLOY folder again, after a change of the format that is meant::

    python tests/golden_export/generate.py

The model is random, tiny and fixed (cats.integer.random_models), so every byte has its reason in
the exporter.
"""

import dataclasses
import sys
from pathlib import Path

from cats.deploy.export import export
from cats.integer.random_models import random_keep, random_model
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.metadata import Channel, Metadata

DEPLOY = Path(__file__).parent / "deploy"


def write(out: Path, force: bool = False) -> None:
    """Export the model to ``out``."""
    config = ModelConfig(
        tokens_in=3, inputs=2, outputs=3, features=6, heads=3, hidden=5, blocks=1, pool="class"
    )
    split = SplitConfig(heads=(2, 1), hidden=(2, 3), outputs=(3, 0), inputs=(2, 0))
    metadata = Metadata(
        (Channel("x", "m/s²", 0.5, 2.0, -8.0, 8.0, 1024.0),), 1, 7, (1, 2), ("1", "2", "10")
    )
    model = random_model(2605, config, split, random_keep(15694, config, split, 0.5))
    model = dataclasses.replace(model, metadata=metadata)
    run = {"task": "none", "seed": 2605}
    export(model, out, flash_address=0xF0000, run=run, rounds=1, tile_rows=2, force=force)


if __name__ == "__main__":
    write(DEPLOY, force=True)
    sys.exit(0)
