# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats build``: firmware of every node of a deployment."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from cats import arguments
from cats.files import output_folder
from cats.report import add_json_argument, write_json

HELP = "build the firmware of every node, and show its footprint"
EPILOG = """\
exit status: 0 all built, within memory and as planned, 1 not so, 2 bad input

examples:
  cats build DEPLOY -b nrf52840dk/nrf52840
  cats build DEPLOY -b nrf52840dk/nrf52840 -s my_app -DCONFIG_CATS_TRANSPORT_BLE=y
  cats build DEPLOY -b nrf5340dk/nrf5340/cpuapp --sysbuild
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats build``."""
    parser.add_argument("deploy", type=Path, metavar="DEPLOY", help="folder that cats export wrote")
    parser.add_argument("-b", "--board", required=True, help="board, e.g. nrf52840dk/nrf52840")
    parser.add_argument(
        "-s", "--sample", type=Path, metavar="DIR", help="application (default: samples/node)"
    )
    parser.add_argument(
        "-d", "--build-root", type=output_folder, default="build/firmware", metavar="DIR",
        help="node n is built in DIR/node_0n, together with those that its process holds",
    )  # fmt: skip
    parser.add_argument(
        "-j", "--jobs", type=arguments.jobs, default=0, metavar="N",
        help="nodes built at once (default: one a processor)",
    )  # fmt: skip
    parser.add_argument(
        "-n", "--node", type=arguments.node, action="append", help="only this node; repeat"
    )
    parser.add_argument(
        "--shell", action="store_true",
        help="samples/node with what cats provision and cats monitor need",
    )  # fmt: skip
    parser.add_argument("-p", "--pristine", action="store_true", help="start from empty folders")
    parser.add_argument(
        "--sysbuild", action="store_true",
        help="with the network core's image for the deployment's radio, and other images that "
        "Kconfig of sysbuild asks for",
    )  # fmt: skip
    parser.add_argument(
        "-D", dest="defines", action="append", default=[], metavar="NAME=VALUE",
        help="CMake or Kconfig setting for all nodes; repeatable",
    )  # fmt: skip
    add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Run ``cats build``."""
    from cats.deploy.export import load_plan
    from cats.errors import CatsError
    from cats.plan.radio import SEALED
    from cats.zephyr.firmware import (
        Built,
        build_nodes,
        network_core,
        radio_overlay,
        wrong_transport,
    )
    from cats.zephyr.footprint import measure
    from cats.zephyr.footprint_report import check_limits, check_plan, chosen_nodes, render
    from cats.zephyr.workspace import source_tree, workspace

    deploy = args.deploy.resolve()
    plan = deploy / "plan.json"
    nodes = chosen_nodes(plan, args.node)
    for node in nodes:
        if not (deploy / f"node_{node:02}").is_dir():
            raise CatsError(f"{args.deploy} has no node_{node:02}: not whole, export it again")
    sample = (args.sample or source_tree() / "samples" / "node").resolve()
    if not (sample / "CMakeLists.txt").is_file():
        raise CatsError(f"{sample} is not an application: no CMakeLists.txt")

    radio = load_plan(plan).radio
    defines = list(args.defines)
    if sample == (source_tree() / "samples" / "node").resolve():
        defines += radio_overlay(radio, args.board, defines, shell=args.shell)
    elif args.shell:
        raise CatsError("--shell is for samples/node: your own application chooses what it has")
    radio = radio.removesuffix(SEALED)
    if args.sysbuild:
        defines += network_core(radio, args.board, defines)
    elif given := [one for one in defines if one.startswith("SB_CONFIG_")]:
        raise CatsError(f"-D{given[0]} is for sysbuild: add --sysbuild")

    def report(built: Built) -> None:
        if built.elf:
            print(f"node {built.node}: {built.elf}", file=sys.stderr)
            return
        tail = built.log.read_text(errors="replace").splitlines()[-25:]
        print("\n".join(tail), file=sys.stderr)
        print(f"node {built.node}: build failed, all of it in {built.log}", file=sys.stderr)

    root = args.build_root.resolve()
    built = build_nodes(
        workspace(), deploy, nodes, args.board, sample=sample, root=root, jobs=args.jobs,
        pristine=args.pristine, defines=defines, sysbuild=args.sysbuild, report=report,
    )  # fmt: skip
    results, done = [], set()
    for one in built:
        if one.elf:
            result = measure(one.elf)
            done |= {one.node, *(image.node for image in result.images)}
            check_limits(result)
            check_plan(result, plan, one.node)
            if reason := wrong_transport(one, radio):
                result.problems.append(reason)
            results.append(result)
    if results:
        print(render(results))
    for result in results:
        for problem in result.problems:
            print(f"{result.elf}: {problem}", file=sys.stderr)
    ok = done >= set(nodes) and not any(result.problems for result in results)
    if args.json:
        write_json(args.json, {"ok": ok, "elfs": [dataclasses.asdict(r) for r in results]})
    return 0 if ok else 1
