# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats boards``: simulated boards for a deployment, in place of a bag of real ones."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from cats import arguments
from cats.files import output_file, output_folder

HELP = "build a deployment for simulated boards and keep them on"
CONFLICTS = {"no_build": ("jobs",)}
EPILOG = """\
Builds samples/node for every node as cats build does, with the shell that cats provision and cats
monitor need, switches on as many blank boards of BabbleSim and writes a hardware map of them. In
another terminal they are boards like others: cats flash, cats provision, cats monitor. Ctrl-C
switches them off.

exit status: 0 switched off by Ctrl-C or a signal, 1 a build failed, 2 bad input

example:
  cats boards DEPLOY --map map.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats boards``."""
    parser.add_argument("deploy", type=Path, metavar="DEPLOY", help="folder that cats export wrote")
    parser.add_argument(
        "--map", type=output_file, required=True, metavar="FILE", help="hardware map to write"
    )
    parser.add_argument(
        "-d", "--build-root", type=output_folder, default="build/firmware", metavar="DIR",
        help="where firmware is built, and cats flash looks for it",
    )  # fmt: skip
    parser.add_argument(
        "--folder", type=output_folder, default="build/boards", metavar="DIR",
        help="what the boards keep: flash, logs, serial ports",
    )  # fmt: skip
    parser.add_argument(
        "-j", "--jobs", type=arguments.jobs, default=0, metavar="N",
        help="nodes built at once (default: one a processor)",
    )  # fmt: skip
    parser.add_argument(
        "--no-build", action="store_true", help="the firmware is there: cats build -b nrf52_bsim"
    )


def run(args: argparse.Namespace) -> int:
    """Run ``cats boards``."""
    import signal

    from cats.zephyr import bsim
    from cats.zephyr.footprint_report import chosen_nodes
    from cats.zephyr.sim_desk import Desk

    nodes = chosen_nodes(args.deploy / "plan.json", None)
    bsim.environment()  # CatsError where BabbleSim is not there
    with Desk(args.folder, len(nodes), lambda line: print(line, file=sys.stderr)) as desk:
        desk.write_map(args.map)
        if not args.no_build and not _build(args, nodes):
            return 1
        # As Ctrl-C, also behind a shell's &: whatever ends this program ends its boards.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        print(
            f"{len(nodes)} blank boards, {args.map}: cats flash {args.deploy} --map {args.map}"
            f"{'' if args.build_root == Path('build/firmware') else f' -d {args.build_root}'}",
            flush=True,
        )
        try:
            while True:
                desk.step()
                time.sleep(0.2)
        except KeyboardInterrupt:
            print("switched off", file=sys.stderr)
    return 0


def _build(args: argparse.Namespace, nodes: list[int]) -> bool:
    from cats.deploy.export import load_plan
    from cats.zephyr import bsim
    from cats.zephyr.firmware import Built, build_nodes, radio_overlay
    from cats.zephyr.workspace import source_tree, workspace

    def report(built: Built) -> None:
        print(f"node {built.node}: {built.elf or f'see {built.log}'}", file=sys.stderr)

    radio = load_plan(args.deploy).radio
    built = build_nodes(
        workspace(), args.deploy.resolve(), nodes, bsim.BOARD,
        sample=source_tree() / "samples" / "node", root=args.build_root.resolve(), jobs=args.jobs,
        defines=radio_overlay(radio, bsim.BOARD, [], shell=True), report=report,
    )  # fmt: skip
    return len(built) == len(nodes) and all(one.elf for one in built)
