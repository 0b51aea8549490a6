# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Instructions of what Zephyr does around a node's calls, and of AES-CCM, counted in QEMU.

``tests/benchmarks/zephyr`` is a program of Zephyr's for QEMU's mps2/an386, built with the workspace
that this machine has, for size, with the crypto library as CONFIG_CATS_SECURE configures it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bench.qemu import BENCHMARKS, COMPILER, Counts, run
from cats.errors import CatsError
from cats.report import print_table
from cats.zephyr.workspace import find_zephyr, workspace

BOARD, MACHINE = "mps2/an386", "mps2-an386"

ABOUT = {
    "kernel/interrupt": "an interrupt that does nothing",
    "kernel/wake": "an interrupt that submits work, the work queue, and back",
    "kernel/lock": "a mutex, locked and unlocked",
    "kernel/reschedule": "delayable work is set to another time",
    "kernel/expire": "it is set, its time comes, the work queue, and back",
    "kernel/job": "a thread is woken, and wakes the one that waits for it",
}


class NoWorkspaceError(CatsError):
    """This machine cannot build Zephyr programs."""


def build(folder: Path) -> Path:
    """Build the program; returns the ELF."""
    if find_zephyr() is None:
        raise NoWorkspaceError("no Zephyr workspace is registered")
    for tool in ("cmake", "ninja"):
        if not shutil.which(tool):
            raise NoWorkspaceError(f"no {tool} here")
    target = folder / "zephyr"
    environment = workspace().environment | {
        # As for all other counts.
        "ZEPHYR_TOOLCHAIN_VARIANT": "gnuarmemb",
        "GNUARMEMB_TOOLCHAIN_PATH": str(Path(shutil.which(COMPILER) or "").parents[1]),
    }
    for command in (
        ["cmake", "-GNinja", f"-S{BENCHMARKS / 'zephyr'}", f"-B{target}", f"-DBOARD={BOARD}"],
        ["ninja", "-C", str(target)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise CatsError(f"building for {BOARD} failed: {(done.stderr or done.stdout)[-2000:]}")
    return target / "zephyr" / "zephyr.elf"


def count_zephyr(folder: Path) -> Counts:
    """All counts, by names such as ``kernel/wake`` and ``aes/open/127``; the units of AES-CCM are
    the bytes of whole sealed frames."""
    return run(build(folder), MACHINE)


def print_zephyr(counts: Counts) -> None:
    """The tables."""
    print_table(
        ["kernel", "instructions"],
        [[about, counts[name].instructions] for name, about in ABOUT.items()],
        "Zephyr: instructions around a node's calls",
    )
    print_table(
        ["sealed frame, bytes", "seal", "open"],
        [[count.units, count.instructions, counts[name.replace("seal", "open")].instructions]
         for name, count in counts.items() if name.startswith("aes/seal/")],
        "AES-CCM of Zephyr's crypto library: instructions",
    )  # fmt: skip
