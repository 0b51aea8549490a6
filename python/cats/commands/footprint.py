# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats footprint``: RAM and flash of linked firmware, by part."""

from __future__ import annotations

import argparse
import dataclasses
import sys

from cats import arguments
from cats.report import add_json_argument, parse_size, write_json

HELP = "RAM and flash of firmware by part, against the board and the plan"
NEEDS = {"node": ("plan",)}
EPILOG = """\
exit status: 0 all within limits and as planned, 1 over a limit or not as planned, 2 bad input

examples:
  cats footprint build/zephyr/zephyr.elf
  cats footprint build/node_*/zephyr/zephyr.elf --plan DEPLOY/plan.json --json footprint.json
  cats footprint firmware.elf --ram 256K --flash 1M
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats footprint``."""
    parser.add_argument("elf", nargs="+", metavar="ELF", help="linked programs, side by side")
    parser.add_argument("--plan", metavar="FILE", help="DEPLOY/plan.json that they must agree with")
    parser.add_argument(
        "--node",
        type=arguments.node,
        metavar="N",
        help="node of an ELF whose image is in a flash partition",
    )
    parser.add_argument(
        "--ram", type=parse_size, metavar="SIZE", help="limit, bytes (256K, 1M); else the linker's"
    )
    parser.add_argument("--flash", type=parse_size, metavar="SIZE", help="limit, bytes")
    parser.add_argument(
        "--build", metavar="DIR", help="Zephyr build folder, where the ELF does not lie in it"
    )
    add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Run ``cats footprint``."""
    from cats.zephyr.footprint import measure
    from cats.zephyr.footprint_report import check_limits, check_plan, render

    results = []
    for path in args.elf:
        result = measure(path, args.build)
        check_limits(result, args.ram, args.flash)
        if args.plan:
            check_plan(result, args.plan, args.node)
        results.append(result)
    ok = not any(result.problems for result in results)
    if args.json:
        write_json(args.json, {"ok": ok, "elfs": [dataclasses.asdict(r) for r in results]})
    print(render(results))
    for result in results:
        for note in result.notes:
            print(f"{result.elf}: {note}", file=sys.stderr)
        for problem in result.problems:
            print(f"{result.elf}: {problem}", file=sys.stderr)
    return 0 if ok else 1
