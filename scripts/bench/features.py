# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Instructions of log-mel features on a Cortex-M4 and M3, counted in QEMU:
``python -m bench.features``.

``subsys/cats/features`` is built as a firmware builds it (-O2) with ``tests/benchmarks/features``
and the rest of ``tests/benchmarks/m4``; the features of the sounds of ``tests/zephyr/log_mel`` must
be NumPy's to the bit.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import qemu
from bench.m4 import M4
from bench.qemu import BENCHMARKS, COMPILER, ROOT, Counts, call, missing_tools
from cats.errors import CatsError
from cats.report import add_json_argument, print_table, write_json
from report.command import exit_with

FLAGS = ["-std=gnu11", "-O2", "-ffreestanding", "-ffunction-sections", "-Wall", "-Wextra",
         "-Werror", "-nostartfiles", "-Wl,--gc-sections"]  # fmt: skip
PROCESSORS = {"m4": (M4, "mps2-an386"), "m3": (["-mcpu=cortex-m3", "-mthumb"], "mps2-an385")}


def build(folder: Path, processor: str) -> Path:
    """The program for one of PROCESSORS."""
    m4, engine = BENCHMARKS / "m4", ROOT / "subsys" / "cats" / "engine"
    include = (ROOT / "include", engine, m4, ROOT / "tests" / "zephyr" / "log_mel" / "src")
    sources = [
        BENCHMARKS / "features" / "main.c",
        *(m4 / f"{name}.c" for name in ("count", "print", "startup")),
        engine / "crc32.c",
        ROOT / "subsys" / "cats" / "features" / "log_mel.c",
    ]
    elf = folder / f"features-{processor}.elf"
    flags = [*PROCESSORS[processor][0], *FLAGS, *(f"-I{place}" for place in include)]
    call([COMPILER, *flags, "-T", m4 / "link.ld", *sources, "-o", elf],
         f"building the features for {processor}")  # fmt: skip
    return elf


def run(processor: str) -> Counts:
    """What is counted; CatsError where a byte differs."""
    with tempfile.TemporaryDirectory() as folder:
        return qemu.run(build(Path(folder), processor), PROCESSORS[processor][1])


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m bench.features``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    add_json_argument(parser)
    args = parser.parse_args(arguments)
    if missing := missing_tools():
        raise CatsError(missing)
    counts = {processor: run(processor) for processor in PROCESSORS}
    rows = [
        [name, *(f"{counts[p][name].instructions:,}" for p in PROCESSORS)] for name in counts["m4"]
    ]
    print_table(["sound", *PROCESSORS], rows, "Instructions of a frame of 256 samples, 20 bands")
    if args.json:
        write_json(args.json, {p: {n: c.instructions for n, c in v.items()}
                               for p, v in counts.items()})  # fmt: skip
    return 0


if __name__ == "__main__":
    exit_with("bench.features", main)
