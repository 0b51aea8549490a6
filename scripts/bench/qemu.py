# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Programs for a Cortex-M, built with the cross compiler, run in QEMU, and what they count."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cats.errors import CatsError

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "tests" / "benchmarks"

COMPILER, EMULATOR = "arm-none-eabi-gcc", "qemu-system-arm"
HINT = "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"

#: Where a program expects what is loaded beside it (tests/benchmarks/m4/bench.h).
IMAGE_ADDRESS, TAPE_ADDRESS = 0x21200000, 0x21300000


@dataclass(frozen=True)
class Count:
    """What the image printed of one thing: its instructions, how many of what it handled (MACs,
    elements, outputs, calls), and the CRC-32 of what came out."""

    instructions: int
    units: int
    crc: int

    @property
    def each(self) -> float:
        """Instructions a unit."""
        return self.instructions / self.units


Counts = dict[str, Count]


def call(command: Sequence[str | Path], what: str, folder: Path | None = None) -> str:
    """What a tool prints; CatsError where it fails."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=folder)
    if done.returncode != 0:
        raise CatsError(f"{what} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def missing_tools() -> str | None:
    """What is not installed, and how to install it; None where all is there."""
    missing = [tool for tool in (COMPILER, EMULATOR) if shutil.which(tool) is None]
    return f"no {' and no '.join(missing)} here: {HINT}" if missing else None


def compiler_version() -> str:
    """Of the cross compiler, such as 12.2.1."""
    return call([COMPILER, "-dumpfullversion"], "asking the compiler").strip()


def run(
    elf: Path, machine: str, files: Mapping[int, bytes] | None = None, timeout: float = 300
) -> Counts:
    """Run a program on one of QEMU's machines, with these bytes at these addresses; what it
    counted."""
    command: list[str | Path] = [
        EMULATOR, "-M", machine, "-nographic", "-monitor", "none", "-serial", "none",
        "-semihosting-config", "enable=on,target=native", "-icount", "shift=0,sleep=off",
        "-kernel", elf,
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for address, data in (files or {}).items():
            path = Path(folder, f"{address:x}.bin")
            path.write_bytes(data)
            command += ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise CatsError(f"{elf.name} did not end in QEMU within {timeout:g} s") from None
    counts: Counts = {}
    for line in (done.stdout + done.stderr).splitlines():
        fields = line.split()
        if len(fields) != 4:
            raise CatsError(f"{elf.name} in QEMU: {line}")
        name, instructions, units, crc = fields
        if name in ("sent", "output"):
            name = f"{name}/{units}"
        counts[name] = Count(int(instructions), int(units), int(crc, 16))
    if done.returncode != 0 or not counts:
        last = (done.stdout + done.stderr).splitlines()[-2:]
        raise CatsError(f"{elf.name} in QEMU: exit status {done.returncode} after {last}")
    return counts
