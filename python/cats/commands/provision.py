# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats provision``: group, keys and radio settings to every board."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cats import arguments
from cats.report import add_json_argument, write_json

HELP = "give every board the group, keys and radio settings of its fleet"
CONFLICTS = {"rotate": ("new", "node")}
NEEDS = {"radio": ("new",)}
EPILOG = """\
The connected boards of the map, in its order, are node 0, node 1 and so on. Their firmware has a
shell and settings. Keys are in the fleet file alone, which nobody but its owner may read, and go
to the boards by serial: not by a command line, a history or a log.

exit status: 0 all provisioned, 1 not so, 2 bad input

examples:
  cats provision DEPLOY --map map.yaml --fleet fleet.yaml --new
  cats provision DEPLOY --map map.yaml --fleet fleet.yaml --node 3
  cats provision DEPLOY --map map.yaml --fleet fleet.yaml --rotate
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats provision``."""
    parser.add_argument("deploy", type=Path, metavar="DEPLOY", help="folder that cats export wrote")
    parser.add_argument(
        "--map", type=Path, required=True, metavar="FILE", help="Twister's hardware map"
    )
    parser.add_argument(
        "--fleet", type=Path, required=True, metavar="FILE",
        help="group, keys and radio settings: YAML, or JSON by its name",
    )  # fmt: skip
    parser.add_argument(
        "--new", action="store_true", help="make the fleet file first, with random group and key"
    )
    parser.add_argument(
        "--radio", action="append", default=[], metavar="NAME=VALUE",
        help="with --new: a setting of the radio, as channel=15; repeat",
    )  # fmt: skip
    parser.add_argument(
        "--rotate", action="store_true", help="change the key of a group that runs, step by step"
    )
    parser.add_argument(
        "-n", "--node", type=arguments.node, action="append", help="only this node; repeat"
    )
    add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Run ``cats provision``."""
    from cats.deploy.export import load_plan
    from cats.plan.radio import SEALED
    from cats.zephyr import fleet as fleets
    from cats.zephyr.boards import Outcome, boards_of, print_outcomes
    from cats.zephyr.footprint_report import chosen_nodes
    from cats.zephyr.provision import Deployment, provision, rotate

    file = args.deploy / "plan.json"
    plan = load_plan(file)
    radio = plan.radio
    deployment = Deployment(plan.model_id, radio.removesuffix(SEALED), radio.endswith(SEALED))
    boards = boards_of(args.map, chosen_nodes(file, args.node))

    def report(one: Outcome) -> None:
        print(f"node {one.node}: {one.failed or ', '.join(one.done)}", file=sys.stderr)

    if args.rotate:
        fleet, results = rotate(boards, deployment, args.fleet, report=report)
    else:
        if args.new:
            settings = dict(map(_setting, args.radio))
            made = fleets.make(deployment.radio, deployment.sealed, settings)
            fleets.write(args.fleet, made, new=True)
        fleet = fleets.read(args.fleet, deployment.radio)
        results = provision(boards, deployment, fleet, report=report)
    ok, entries = print_outcomes(results, "port", lambda board: board.serial, "set", "provisioned")
    if not ok and args.rotate:
        print("call it again: it goes on where it ended", file=sys.stderr)
    if args.json:
        write_json(
            args.json,
            {"ok": ok, "group": f"{fleet.group:08x}", "key": fleet.use, "boards": entries},
        )
    return 0 if ok else 1


def _setting(text: str) -> tuple[str, int]:
    from cats.errors import CatsError

    name, _, value = text.partition("=")
    try:
        return name, int(value, 0)
    except ValueError:
        raise CatsError(f"--radio {text}: a name and a number are wanted, as channel=15") from None
