# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats flash``: the firmware of every node to its board."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from cats import arguments
from cats.report import add_json_argument, write_json

HELP = "flash the firmware of every node to its board"
CONFLICTS = {"dry_run": ("jobs", "json")}
EPILOG = """\
The connected boards of the map, in its order, are node 0, node 1 and so on.

exit status: 0 all flashed, 1 not so, 2 bad input

examples:
  cats flash DEPLOY --map map.yaml
  cats flash DEPLOY --map map.yaml --dry-run
  cats flash DEPLOY --map map.yaml --image-only --node 3
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats flash``."""
    parser.add_argument("deploy", type=Path, metavar="DEPLOY", help="folder that cats export wrote")
    parser.add_argument(
        "--map", type=Path, required=True, metavar="FILE", help="Twister's hardware map"
    )
    parser.add_argument(
        "-d", "--build-root", type=Path, default=Path("build/firmware"), metavar="DIR",
        help="where cats build built",
    )  # fmt: skip
    parser.add_argument(
        "-n", "--node", type=arguments.node, action="append", help="only this node; repeat"
    )
    parser.add_argument(
        "--image-only", action="store_true",
        help="the model alone, where it lies in a flash partition",
    )  # fmt: skip
    parser.add_argument(
        "-j", "--jobs", type=arguments.jobs, default=0, metavar="N",
        help="boards flashed at once (default: all)",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="print what would be run")
    add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Run ``cats flash``."""
    from cats.zephyr.boards import Outcome, boards_of, print_outcomes
    from cats.zephyr.flash import flash, steps_of
    from cats.zephyr.footprint_report import chosen_nodes
    from cats.zephyr.workspace import workspace

    nodes = chosen_nodes(args.deploy / "plan.json", args.node)
    boards = boards_of(args.map, nodes)
    space = workspace()
    steps = steps_of(
        space, args.deploy.resolve(), args.build_root.resolve(), boards, image_only=args.image_only
    )
    if args.dry_run:
        for step in (step for todo in steps.values() for step in todo):
            print(f"node {step.node}: {shlex.join(step.command)}")
        return 0

    def report(one: Outcome) -> None:
        print(f"node {one.node}: {one.failed or 'flashed'}", file=sys.stderr)

    results = flash(space, steps.values(), jobs=args.jobs, report=report)
    ok, entries = print_outcomes(
        results, "platform", lambda board: board.platforms[0], "flashed", "flashed", " and "
    )
    if not ok:
        print(f"what west said: {args.build_root}/node_NN/*.log", file=sys.stderr)
    if args.json:
        write_json(args.json, {"ok": ok, "boards": entries})
    return 0 if ok else 1
