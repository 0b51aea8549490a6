# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats demo``: everything, once: sensors that only together know, or handwritten digits; then
nodes that write."""

from __future__ import annotations

import argparse

from cats import arguments
from cats.files import output_folder
from cats.plan.radio import RADIOS

HELP = "train, export and run simulated nodes, beside what else they may do, in minutes"
TASKS = ("direction", "digits")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats demo``."""
    parser.add_argument(
        "-o", "--out", type=output_folder, default="build/demo", help="folder for all results"
    )
    parser.add_argument(
        "--force", action="store_true", help="also into a folder with other files, which stay"
    )
    parser.add_argument(
        "--task",
        choices=TASKS,
        default=TASKS[0],
        help="direction: from where a sound comes, a microphone a node (default); digits: images "
        "that one node has",
    )
    parser.add_argument(
        "--nodes",
        type=arguments.whole(1, 16),
        help="devices that share the model (8; digits 4)",
    )
    parser.add_argument(
        "--keep",
        type=arguments.some,
        help="share of columns sent (direction: 1, of those that the hidden columns read, and no "
        "other; digits: 0.5)",
    )
    parser.add_argument(
        "--epochs",
        type=arguments.whole(),
        help="passes over the training part (12; digits 150)",
    )
    parser.add_argument(
        "--samples",
        type=arguments.whole(),
        help="test samples a simulation (300; digits all)",
    )
    parser.add_argument(
        "--jobs",
        type=arguments.whole(-1, arguments.MOST_THREADS),
        help="trainings at a time, of direction, each on one core (-1, which is one a core)",
    )
    parser.add_argument("--radio", default="ieee802154", help=f"one of {', '.join(RADIOS)}")
    parser.add_argument("--seed", type=arguments.seed, default=0, help="same seed, same figures")


def run(args: argparse.Namespace) -> int:
    """Run the demo; 1 where an output differs from the integer reference."""
    import dataclasses

    from cats import demo, demo_sensors, demo_story
    from cats.errors import CatsError

    if args.jobs == 0:
        raise CatsError("0 jobs: at least 1, or -1 for one a core")
    module = demo if args.task == "digits" else demo_sensors
    names = [field.name for field in dataclasses.fields(module.Demo)]
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    summary = module.run(module.Demo(**given), args.out, args.force)
    equal = [*summary["equal_to_reference"].values(), demo_story.run(args.seed)]
    return 0 if all(equal) else 1
