# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats test``: the module's Zephyr tests and samples, by Twister."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cats import arguments
from cats.files import output_folder

HELP = "run the Zephyr tests and samples with Twister"
NEEDS = {"hardware_map": ("device_testing",)}
EPILOG = """\
exit status: Twister's own: 0 all passed; 2 bad input

examples:
  cats test
  cats test -p native_sim -- --testsuite-root tests/zephyr/engine
  cats test --device-testing --hardware-map map.yml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats test``."""
    parser.add_argument(
        "-p", "--platform", action="append", default=[],
        help="only this platform; repeatable (default: all that this machine can build or run)",
    )  # fmt: skip
    parser.add_argument("--bsim", action="store_true", help="nrf52_bsim and its radio (BabbleSim)")
    parser.add_argument("--device-testing", action="store_true", help="run on connected boards")
    parser.add_argument(
        "--hardware-map", type=Path, metavar="FILE", help="the boards, as Twister wants it"
    )
    parser.add_argument(
        "-O", "--outdir", type=output_folder, default="build/twister", help="reports and logs"
    )
    parser.add_argument(
        "-j", "--jobs", type=arguments.jobs, default=0, help="default: one a processor"
    )
    parser.add_argument("extra", nargs="*", metavar="-- ARGS", help="handed to Twister")


def run(args: argparse.Namespace) -> int:
    """Run ``cats test``."""
    from cats.errors import CatsError
    from cats.zephyr import twister
    from cats.zephyr.workspace import platforms, workspace

    if args.hardware_map and not args.hardware_map.is_file():
        raise CatsError(f"no file {args.hardware_map}: west twister --generate-hardware-map")
    space = workspace()
    found, left = platforms(space, bsim=args.bsim)
    if not args.platform and not args.device_testing:
        for name, reason in left.items():
            print(f"left out: {name}: {reason}", file=sys.stderr)
    on = args.platform or ([] if args.device_testing else found)
    command = twister.command(
        space, args.outdir.resolve(), on=on, device_testing=args.device_testing,
        hardware_map=args.hardware_map, jobs=args.jobs, extra=args.extra,
    )  # fmt: skip
    status = twister.run(space, command)[0]
    return (bsim_tests() or status) if args.bsim else status


def bsim_tests() -> int:
    """Deployments on the simulated radio, with this very package, whose tests they are."""
    import importlib.util
    import os

    from cats.errors import CatsError
    from cats.zephyr.bsim import run_tests
    from cats.zephyr.workspace import source_tree

    if importlib.util.find_spec("pytest") is None:
        raise CatsError("no pytest, which --bsim needs: pip install pytest")
    path = [str(source_tree() / "python"), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    return run_tests()
