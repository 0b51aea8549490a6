# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats demo``: everything, once, on a small real data set."""

from __future__ import annotations

import argparse

from cats import arguments
from cats.files import output_folder
from cats.plan.radio import RADIOS

HELP = "train, export and run handwritten digits on simulated nodes, in minutes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats demo``."""
    parser.add_argument(
        "-o", "--out", type=output_folder, default="build/demo", help="folder for all results"
    )
    parser.add_argument(
        "--force", action="store_true", help="also into a folder with other files, which stay"
    )
    parser.add_argument(
        "--nodes", type=arguments.whole(1, 16), default=4, help="devices that share the model"
    )
    parser.add_argument("--keep", type=arguments.some, default=0.5, help="share of columns sent")
    parser.add_argument(
        "--epochs", type=arguments.whole(), help="passes over the training part (150)"
    )
    parser.add_argument("--samples", type=arguments.whole(), help="test images a simulation (all)")
    parser.add_argument("--radio", default="ieee802154", help=f"one of {', '.join(RADIOS)}")
    parser.add_argument("--seed", type=arguments.seed, default=0, help="same seed, same figures")


def run(args: argparse.Namespace) -> int:
    """Run the demo; 1 where an answer differs from the integer reference."""
    from cats import demo

    options = demo.Demo(
        nodes=args.nodes,
        keep=args.keep,
        epochs=args.epochs,
        samples=args.samples,
        radio=args.radio,
        seed=args.seed,
    )
    summary = demo.run(options, args.out, args.force)
    return 0 if all(summary["equal_to_reference"].values()) else 1
