# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Cycles an instruction of a node's code on a Cortex-M4: ``python -m bench.cycles``.

QEMU traces every instruction of the programs that ``bench.m4`` counts; each is given the cycles of
the Cortex-M4 Technical Reference Manual (Arm DDI 0439, table 3-1), without wait states. The manual
leaves the refill of the pipeline behind a branch that is taken at one to three cycles: so there are
three figures.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import gather
from bench.qemu import BENCHMARKS, EMULATOR, IMAGE_ADDRESS, ROOT, call, missing_tools
from bench.zephyr import NoWorkspaceError
from bench.zephyr import build as build_zephyr
from cats.errors import CatsError
from cats.report import print_table

REFILLS = (1, 2, 3)
_BRANCH = re.compile(r"b|bl|bx|blx|cbz|cbnz|b(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)")
_REGISTERS = {"sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14, "pc": 15}


@dataclass(frozen=True)
class Instruction:
    """One instruction of a program. ``size`` in bytes; ``function``: where it stands."""

    size: int
    name: str
    operands: str
    function: str


def disassemble(elf: Path) -> dict[int, Instruction]:
    """A program's instructions by address."""
    found, function = {}, ""
    for line in call(["arm-none-eabi-objdump", "-d", elf], "disassembling").splitlines():
        if label := re.match(r"[0-9a-f]+ <(.*)>:", line):
            function = label[1]
        elif part := re.match(r"\s*([0-9a-f]+):\t([0-9a-f ]+)\t(\S+)\s*(.*)", line):
            size = len(part[2].replace(" ", "")) // 2
            name = part[3].removesuffix(".n").removesuffix(".w")
            operands = part[4].split(";")[0].strip()
            found[int(part[1], 16)] = Instruction(size, name, operands, function)
    return found


def registers(operands: str) -> int:
    """How many registers a list in braces names."""
    count = 0
    for part in re.search(r"\{([^}]*)\}", operands)[1].split(","):
        ends = [_REGISTERS.get(r) or int(r[1:]) for r in part.strip().split("-")]
        count += ends[-1] - ends[0] + 1
    return count


def cycles(one: Instruction, taken: bool, behind_load: bool, refill: int) -> int:
    """Of one instruction; ``taken``: another one than the next in memory follows."""
    name, operands = one.name, one.operands
    if name in ("push", "pop") or name.startswith(("ldm", "stm")):
        return 1 + registers(operands) + (refill if "pc" in operands and name != "push" else 0)
    if name.startswith(("ldrd", "strd")):
        return 3
    if name.startswith("ldr"):
        return 2 + refill if operands.startswith("pc") else 1 if behind_load else 2
    if name in ("tbb", "tbh"):
        return 2 + refill
    if _BRANCH.fullmatch(name):
        return 1 + (refill if taken else 0)
    if name.startswith(("udiv", "sdiv")):
        return 7  # 2 to 12
    return 2 if name in ("mla", "mls") else 1


def trace(
    elf: Path, files: Mapping[int, Path], skip: int, most: int, wanted: Callable[[str], bool]
) -> list[float]:
    """Cycles an instruction for each of REFILLS, of the functions that are ``wanted``, over so many
    instructions behind the first ``skip``."""
    program = disassemble(elf)
    command = [
        EMULATOR, "-M", gather.MACHINE, "-nographic", "-monitor", "none", "-serial", "none",
        "-semihosting-config", "enable=on,target=native", "-icount", "shift=0,sleep=off",
        "-kernel", str(elf), "-singlestep", "-d", "exec,nochain",
    ]  # fmt: skip
    for address, path in files.items():
        command += ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]
    counts: Counter[tuple[int, bool, bool]] = Counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as emulator:
        before, behind_load = None, False
        for number, address in enumerate(_addresses(emulator.stderr)):
            if number > skip + most:
                break
            if number > skip and before in program:
                one = program[before]
                taken = address != before + one.size
                if wanted(one.function):
                    counts[before, taken, behind_load] += 1
                behind_load = one.name.startswith("ldr") and not one.operands.startswith("pc")
            before = address
        emulator.kill()
    total = sum(counts.values())
    if not total:
        raise CatsError(f"{elf.name}: the trace ended before it came to what is wanted")
    return [
        sum(cycles(program[a], taken, load, refill) * n for (a, taken, load), n in counts.items())
        / total
        for refill in REFILLS
    ]


def _addresses(lines: Iterator[str]) -> Iterator[int]:
    for line in lines:
        if line.startswith("Trace"):
            yield int(line.partition("[")[2].split("/")[1], 16)


def gather_functions(folder: Path) -> set[str]:
    """Names of the gather's functions, and of what copies memory for it."""
    names = {"memcpy", "memset"}
    for source in (ROOT / "subsys" / "cats" / "gather").glob("*.c"):
        built = folder / f"{source.name}.o"
        if not built.exists():
            continue  # the benchmark leaves it out
        listed = call(["arm-none-eabi-nm", built], "listing names")
        names |= {line.split()[-1] for line in listed.splitlines() if " t " in line.lower()}
    return names


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.cycles", description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--instructions", type=int, default=4_000_000, metavar="N",
                        help="to trace of each program (4 million)")  # fmt: skip
    most = parser.parse_args().instructions
    try:
        if problem := missing_tools():
            raise CatsError(problem)
        rows = []
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            elf = gather.build(folder)
            names = gather_functions(folder / "gather")
            for shape in ("16x512", "4x832"):
                images = folder / "images.bin"
                images.write_bytes(gather.deployment(gather.pack_shape(shape, "nrf_radio")[0]))
                found = trace(elf, {IMAGE_ADDRESS: images}, 0, most, names.__contains__)
                rows.append([f"the gather, {shape} over nrf_radio", *found])
            try:
                elf = build_zephyr(folder)
                aes = trace(
                    elf, {}, 0, most, lambda function: "aes" in function or "ccm" in function
                )
                rows.append(["AES-CCM", *aes])
            except NoWorkspaceError as reason:
                print(f"AES-CCM is left out: {reason}")
        print_table(
            ["Cortex-M4, cycles an instruction", *(f"refill of {r}" for r in REFILLS)], rows,
            f"DDI 0439 over traces of {BENCHMARKS.relative_to(ROOT)}",
        )  # fmt: skip
        return 0
    except CatsError as error:
        print(f"cats: error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
