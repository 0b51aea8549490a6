# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Instructions of a node on a Cortex-M4, counted in QEMU: ``python -m bench.m4``.

``engine``: the engine of this source tree is built for ``tests/benchmarks/m4``: with the kernels
for the DSP extension (``dsp``), with CONFIG_CATS_FAST_ROW and _TILES as well (``fast``), with
the plain ones for the same processor (``plain``), and for a Cortex-M3, which has no DSP extension
(``m3``).
Each kernel by itself, odd sizes, and whole inferences of one node are run; all must give the same
bytes, and the inferences those of this machine's build. CMSIS-NN is counted beside them where its
sources are: ``CMSIS_NN_PATH``, or this machine's Zephyr workspace. Then the engine is also built
for a Cortex-M55, with its own products (``m55``) and with CMSIS-NN's (``m55-cmsis``). ``gather``:
what a node does beside its jobs (``bench.gather``); ``zephyr``: what Zephyr does around it, and
AES-CCM (``bench.zephyr``), where this machine has a workspace. ``doc/performance.rst`` explains the
method.

Counts more than 3 % above ``tests/benchmarks/m4/recorded.json`` fail; ``--record`` writes that
file, but for what was not counted.
"""

from __future__ import annotations

import argparse
import os
import re
import struct
import sys
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import qemu
from bench.gather import count_gather, print_gather
from bench.qemu import (
    BENCHMARKS,
    COMPILER,
    IMAGE_ADDRESS,
    ROOT,
    TAPE_ADDRESS,
    Count,
    Counts,
    call,
    compiler_version,
    missing_tools,
)
from bench.zephyr import NoWorkspaceError, count_zephyr, print_zephyr
from cats.deploy import image
from cats.errors import CatsError
from cats.integer.model import IntegerModel
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.integer.reference import FragmentBits
from cats.plan.plan import Plan
from cats.plan.planner import make_plan
from cats.report import add_json_argument, print_table, read_json, write_json
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import KeepSets, given_ranges, product_width, view_width
from cats.sim.engine import Engine
from cats.zephyr.workspace import find_zephyr

BENCH = BENCHMARKS / "m4"
RECORDED = BENCH / "recorded.json"

FLAGS = ["-std=gnu11", "-O3", "-ffreestanding", "-ffunction-sections", "-Wall", "-Wextra",
         "-Werror", "-nostartfiles", "-Wl,--gc-sections"]  # fmt: skip

#: Each build's processor and definitions, and QEMU's machine for it.
M4 = ["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"]
VARIANTS: dict[str, tuple[list[str], str]] = {
    "dsp": ([*M4, "-DCATS_NO_FAST_ROW", "-DCATS_NO_FAST_TILES"], "mps2-an386"),
    "fast": (M4, "mps2-an386"),
    "plain": ([*M4, "-DCATS_PLAIN"], "mps2-an386"),
    "m3": (["-mcpu=cortex-m3", "-mthumb"], "mps2-an385"),
}
#: The same where CMSIS-NN is at hand: it is vectorised for Helium.
M55 = ["-mcpu=cortex-m55", "-mfloat-abi=hard", "-DCATS_NO_FAST_ROW", "-DCATS_NO_FAST_TILES"]
HELIUM: dict[str, tuple[list[str], str]] = {
    "m55": (M55, "mps3-an547"),
    "m55-cmsis": ([*M55, "-DCATS_CMSIS_NN"], "mps3-an547"),
}

#: How much a count may grow; and beyond that a step of many short calls, each within a tick.
TOLERANCE, STEP_TOLERANCE = 0.03, 400
STEPS = re.compile("/(step|send)/")


# Building and running


def cmsis_nn() -> Path | None:
    """CMSIS-NN's sources, or None."""
    given = os.environ.get("CMSIS_NN_PATH")
    if given and not Path(given, "Include", "arm_nnfunctions.h").is_file():
        raise CatsError(f"CMSIS_NN_PATH is {given}: there is no Include/arm_nnfunctions.h in it")
    zephyr = find_zephyr()
    for path in (given, zephyr and zephyr.parent / "modules" / "lib" / "cmsis-nn"):
        if path and Path(path, "Include", "arm_nnfunctions.h").is_file():
            return Path(path).resolve()
    return None


def build(folder: Path, variant: str, cmsis: Path | None = None) -> Path:
    """Build the benchmark with the engine in one of VARIANTS or, with CMSIS-NN, HELIUM; returns the
    ELF."""
    engine = ROOT / "subsys" / "cats" / "engine"
    processor = (VARIANTS | HELIUM)[variant][0]
    flags = [*processor, *FLAGS, f"-I{ROOT / 'include'}", f"-I{engine}",
             f"-I{engine.parent / 'gather'}",
             f"-I{BENCH}"]  # fmt: skip
    gather = engine.parent / "gather"
    sources = sorted([*BENCH.glob("*.c"), *engine.glob("*.[cS]"), *gather.glob("*.c")])
    objects: list[Path] = []
    if cmsis is None:
        sources.remove(BENCH / "cmsis.c")
    else:
        include = ["-DCMSIS_NN_USE_SINGLE_ROUNDING", f"-I{cmsis / 'Include'}"]
        flags += include
        theirs = folder / f"cmsis-nn-{variant}"
        theirs.mkdir(parents=True, exist_ok=True)
        names = [*cmsis.glob("Source/FullyConnectedFunctions/arm_fully_connected_s8.c"),
                 *cmsis.glob("Source/NNSupportFunctions/*_s8*.c")]  # fmt: skip
        call([COMPILER, *processor, "-O3", "-ffunction-sections", *include, "-c", *sorted(names)],
             "building CMSIS-NN", theirs)  # fmt: skip
        objects = sorted(theirs.glob("*.o"))
    elf = folder / f"{variant}.elf"
    elf.parent.mkdir(parents=True, exist_ok=True)
    call([COMPILER, *flags, "-T", BENCH / "link.ld", *sources, *objects, "-o", elf],
         f"building the {variant} kernels")  # fmt: skip
    return elf


def run(elf: Path, files: Mapping[int, bytes] | None = None) -> Counts:
    """Run an ELF of :func:`build` in QEMU, with these bytes at these addresses; what it counted."""
    return qemu.run(elf, (VARIANTS | HELIUM)[elf.stem][1], files)


# Whole inferences


def everything_arrives(plan: Plan) -> FragmentBits:
    """FragmentBits of an inference in which nothing is lost."""
    nodes = len(plan.arenas)
    return [
        [[[[True] * (s.segments * _groups(s.fragment_rows, gather.tile_height(tile)))
           for s in gather.sources] for _ in range(nodes)] for tile in range(gather.tiles)]
        for gather in plan.gathers
    ]  # fmt: skip


def _groups(fragment_rows: int, rows: int) -> int:
    return -(-rows // fragment_rows) if fragment_rows else 0


@dataclass(frozen=True)
class Expected:
    """What one node must give in one inference: CRC-32 of all it sends, and of its output."""

    sent: int
    output: int


def record(
    model: IntegerModel, images: Sequence[bytes], runs: Sequence[tuple[np.ndarray, FragmentBits]]
) -> list[tuple[bytes, list[Expected]]]:
    """Inferences of all nodes on this machine, in turns: for each node the tape of what it hears
    (``tests/benchmarks/m4/inference.c``) and what it must give. ``runs``: int8 [tokens_in, P] and
    losses; of a stream steps of one window."""
    engines = [Engine(data) for data in images]
    tapes = [bytearray(struct.pack("<I", len(runs))) for _ in images]
    expected: list[list[Expected]] = [[] for _ in images]
    owned = given_ranges(model.config, model.split)
    for number, (inputs, bits) in enumerate(runs):
        sent = [bytearray() for _ in images]
        for engine, tape, (begin, end) in zip(engines, tapes, owned, strict=True):
            mine = np.ascontiguousarray(inputs[:, begin:end])
            engine.seek(number * model.config.tokens_in, number > 0)
            engine.begin(mine)
            tape += mine.tobytes()
        for x in engines[0].exchanges():
            if x == (0, 0) and model.config.token_rows:
                x = engines[0].first(int(inputs.view("<u4")[0, 0]))
            payloads = []
            for engine, log in zip(engines, sent, strict=True):
                engine.produce(x)
                payloads.append(
                    [engine.payload(x, f) for f in range(engine.fragments(x, engine.node))]
                )
                log += b"".join(payloads[-1])
            for receiver, (engine, tape) in enumerate(zip(engines, tapes, strict=True)):
                for source, fragments in enumerate(payloads):
                    if source == receiver:
                        continue
                    for f, payload in enumerate(fragments):
                        if bits[x[0]][x[1]][receiver][source][f]:
                            engine.place(x, source, f, payload)
                            tape += b"\1" + payload
                        else:
                            tape += b"\0"
            for engine in engines:
                engine.consume(x)
        for engine, log, found in zip(engines, sent, expected, strict=True):
            output = zlib.crc32(engine.output().astype("<i2").tobytes())
            found.append(Expected(zlib.crc32(log), output))
    return [(bytes(tape), found) for tape, found in zip(tapes, expected, strict=True)]


def replay(elf: Path, data: bytes, tape: bytes, expected: Sequence[Expected]) -> Counts:
    """Run a node's inferences in QEMU; CatsError where its bytes are not those expected."""
    if len(data) > TAPE_ADDRESS - IMAGE_ADDRESS or len(tape) > 1 << 20:
        raise CatsError(f"image of {len(data)} and tape of {len(tape)} bytes: at most 1 MiB each")
    counts = run(elf, {IMAGE_ADDRESS: data, TAPE_ADDRESS: tape})
    for i, want in enumerate(expected):
        got = Expected(counts.pop(f"sent/{i}").crc, counts.pop(f"output/{i}").crc)
        if got != want:
            raise CatsError(f"{elf.name}, inference {i}: {got} in QEMU, {want} on this machine")
    return counts


@dataclass(frozen=True)
class Shape:
    """A deployment of which one node's inference is counted."""

    about: str
    config: ModelConfig
    nodes: int
    keep: float
    plan: dict[str, object]

    def make(self) -> tuple[IntegerModel, Plan]:
        """Random weights and a plan that leaves nothing to the planner's judgement."""
        split = SplitConfig.even(self.config, self.nodes)
        keep = random_keep(1, self.config, split, self.keep)
        whole = dict(radio="ble_2m", rounds=0, interleave=False, held=False, block_rows=4)
        return (
            random_model(1, self.config, split, keep),
            make_plan(self.config, split, keep, **(whole | self.plan)),
        )


_PROTOTYPE = ModelConfig(
    tokens_in=64, inputs=16, outputs=16, features=512, heads=16, hidden=512, blocks=1
)
_SIXTEEN = ModelConfig(
    tokens_in=64, inputs=8, outputs=8, features=128, heads=16, hidden=128, blocks=1
)
SHAPES: dict[str, Shape] = {
    "prototype": Shape(
        "4 nodes, 512 features, 16 heads, hidden 512, 64 tokens, 13 of 128 columns sent, 1 block",
        _PROTOTYPE, 4, 13 / 128, dict(tile_rows=4),
    ),
    "prototype-held": Shape(
        "the same within 36 KiB: q, k and v of one head at a time",
        _PROTOTYPE, 4, 13 / 128,
        dict(tile_rows=[4, 64, 4, 4, 4, 1, 1], held=True, heads_per_pass=1, interleave=True),
    ),
    "sixteen": Shape(
        "16 nodes, 128 features, 16 heads, hidden 128, 64 tokens, all columns sent, 1 block",
        _SIXTEEN, 16, 1.0, dict(tile_rows=4),
    ),
}  # fmt: skip

#: Gathers of a block.
BLOCK = ("attention", "heads", "forward", "hidden")


def block_macs(config: ModelConfig, split: SplitConfig, keep: KeepSets, node: int) -> int:
    """MACs of one node in all blocks, in the products and the attention."""
    n, e = config.tokens, config.head_width
    total = config.blocks * split.heads[node] * n * n * e * 2
    for g in range(1, 4 * config.blocks + 1):
        view = view_width(config, split, keep, g, node)
        total += n * view * product_width(config, split, g, node)
    return total


def count_shape(name: str, elfs: Mapping[str, Path], work: int = 2) -> dict[str, Counts]:
    """Counts of node 0 of SHAPES[name] by build, checked against this machine."""
    shape = SHAPES[name]
    model, plan = shape.make()
    ident = image.model_id(model, plan)
    images = [image.pack(model, plan, d, ident) for d in range(shape.nodes)]
    inputs = random_inputs(1, shape.config)[0]
    clean = everything_arrives(plan)
    tape, expected = record(model, images, [(inputs, clean)] * 2)[0]
    macs = block_macs(shape.config, model.split, model.keep, 0)

    def one(elf: Path) -> Counts:
        counts = {f"{name}/{k}": v for k, v in replay(elf, images[0], tape, expected).items()}
        steps = {k.split("/")[2]: 0 for k in counts if "/step/" in k}
        for key, value in counts.items():
            if "/step/" in key:
                steps[key.split("/")[2]] += value.instructions
        total = sum(steps.values())
        counts[f"{name}/block"] = Count(sum(steps[kind] for kind in BLOCK), macs, 0)
        counts[f"{name}/inference"] = Count(total, 1, 0)
        counts[f"{name}/arena"] = Count(plan.arenas[0].size, 1, 0)
        return counts

    with ThreadPoolExecutor(work) as pool:
        return dict(zip(elfs, pool.map(one, elfs.values()), strict=True))


# Checks


def check_known(counts: Counts) -> None:
    """The counting itself: functions whose length is known."""
    for name, count in counts.items():
        if name.startswith("known/") and abs(count.instructions - count.units) > (
            0 if count.units <= 20000 else 40 if count.units > 200000 else 1
        ):
            raise CatsError(f"{name}: {count.instructions} counted, {count.units} there")


def check_equal(builds: Mapping[str, Counts]) -> list[str]:
    """Names whose bytes differ between builds."""
    first = next(iter(builds.values()))
    return [
        name
        for name, count in first.items()
        if any(counts[name].crc != count.crc for counts in builds.values())
    ]


def check_recorded(builds: Mapping[str, Counts], recorded: Mapping[str, dict]) -> list[str]:
    """One line for each count that is more than TOLERANCE above the recorded one."""
    return [
        f"{build} {name}: {counts[name].instructions} instructions, {before} recorded"
        for build, counts in builds.items()
        for name, before in recorded["counts"].get(build, {}).items()
        if name in counts
        and counts[name].instructions
        > before * (1 + TOLERANCE) + (STEP_TOLERANCE if STEPS.search(name) else 0)
    ]


# The command


def measure(folder: Path, cmsis: Path | None, shapes: Sequence[str]) -> dict[str, Counts]:
    """All counts by build; CMSIS-NN's under ``cmsis``. All checks but the recorded counts."""
    with_cmsis = {"dsp", *HELIUM}
    elfs = {variant: build(folder, variant, cmsis if variant in with_cmsis else None)
            for variant in (VARIANTS | HELIUM if cmsis else VARIANTS)}  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        builds = dict(zip(elfs, pool.map(run, elfs.values()), strict=True))
    theirs = {
        variant: {k: builds[variant].pop(k) for k in list(builds[variant]) if k.startswith(CMSIS)}
        for variant in sorted(with_cmsis & set(builds))
    }
    for counts in builds.values():
        check_known(counts)
    if different := check_equal(builds):
        raise CatsError(f"the builds give different bytes: {', '.join(different)}")
    for name in shapes:
        for variant, counts in count_shape(name, elfs).items():
            builds[variant].update(counts)
    for variant, counts in theirs.items():
        if wrong := [k for k, v in counts.items() if k.startswith("matrix/")
                     and v.crc != builds["dsp"][k.replace("matrix", "layer")].crc]:  # fmt: skip
            raise CatsError(f"CMSIS-NN gives other bytes in {variant}: {', '.join(wrong)}")
    if cmsis:
        builds |= {"cmsis": theirs["dsp"], "cmsis-m55": theirs["m55"]}
    return builds


#: What cmsis.c counts: arm_fully_connected_s8 and arm_nn_mat_mult_nt_t_s8.
CMSIS = ("connected/", "matrix/")


def print_counts(builds: Mapping[str, Counts]) -> None:
    """The tables."""
    dsp, plain, fast = builds["dsp"], builds["plain"], builds["fast"]
    theirs = builds.get("cmsis", {})
    rows = []
    for name, count in dsp.items():
        if name.startswith("product/in") and "/rows" not in name:
            shape = name.removeprefix("product/")
            layer = f"layer/{shape}"
            row = [shape.replace("/", " "), plain[name].each, count.each, fast[name].each,
                   dsp[layer].each]  # fmt: skip
            row += [theirs[f"{k}{shape}"].each if theirs else None for k in CMSIS]
            rows.append(row)
    print_table(
        ["64 tokens", "plain", "DSP", "DSP, fast", "DSP, from int8", "CMSIS fully connected",
         "CMSIS matrix"],
        rows,
        "Products: instructions a MAC, requantisation included",
    )  # fmt: skip
    shapes = [k.removeprefix("row/") for k in dsp if k.startswith("row/")]
    columns = [(f"{name}, {build}", name, build)
               for name, of in (("row", ("plain", "dsp", "fast")),
                                ("four-bits-row", ("plain", "dsp", "fast")),
                                ("four-bits", ("plain", "dsp")))
               for build in of]  # fmt: skip
    print_table(
        ["64 outputs", *(title for title, _, _ in columns)],
        [[shape.removesuffix("/out64"),
          *(builds[build][f"{name}/{shape}"].each for _, name, build in columns)]
         for shape in shapes],
        "Products of one row; of weights of four bits, one row and four: instructions a MAC",
    )  # fmt: skip
    others = ("product/in167/out64/rows", "requantise/", "unpack/", "pick/", "norm/", "score",
              "softmax/", "weigh/", "attend/", "gf/", "rms-norm/", "turn/", "gate/")  # fmt: skip
    print_table(
        ["kernel", "units", "plain", "DSP"],
        [[name, count.units, plain[name].each, count.each] for name, count in dsp.items()
         if name.startswith(others)],
        "Kernels: instructions a unit (MAC, element, output or byte)",
    )  # fmt: skip
    if HELIUM.keys() <= builds.keys():
        print_helium(builds)
    for name, shape in SHAPES.items():
        if f"{name}/block" not in dsp:
            continue
        macs = dsp[f"{name}/block"].units
        names = [k for k in dsp if k.startswith(f"{name}/") and k.split("/")[1] != "arena"]
        print_table(
            ["part", "calls or MACs", "m3", "plain", "DSP"],
            [[k.removeprefix(f"{name}/"), dsp[k].units,
              *(builds[b][k].instructions for b in ("m3", "plain", "dsp"))] for k in names],
            f"{name}: {shape.about}; {macs:,} MACs a node, arena "
            f"{dsp[f'{name}/arena'].instructions:,} bytes (stack: bytes)",
        )  # fmt: skip


def print_helium(builds: Mapping[str, Counts]) -> None:
    """Ours and CMSIS-NN's on a Cortex-M55."""
    ours, sums, matrix = builds["m55"], builds["m55-cmsis"], builds["cmsis-m55"]
    shapes = [k for k in ours if k.startswith("product/in") and "/rows" not in k]
    print_table(
        ["64 tokens", "ours", "CONFIG_CATS_CMSIS_NN", "CMSIS matrix (int8 only)"],
        [[k.removeprefix("product/").replace("/", " "), ours[k].each, sums[k].each,
          matrix[k.replace("product", "matrix")].each] for k in shapes],
        "Cortex-M55, products: instructions a MAC, requantisation included",
    )  # fmt: skip
    blocks = [k for k in ours if k.endswith("/block")]
    if blocks:
        print_table(
            ["Cortex-M55", "MACs", "ours", "CONFIG_CATS_CMSIS_NN"],
            [[k, ours[k].units, ours[k].instructions, sums[k].instructions] for k in blocks],
            "Cortex-M55, a node's block",
        )


def to_json(builds: Mapping[str, Counts], compiler: str) -> dict:
    """All of it, for ``--json``."""
    return {
        "compiler": compiler,
        "flags": FLAGS,
        "counts": {
            build: {
                k: {"instructions": v.instructions, "units": v.units} for k, v in counts.items()
            }
            for build, counts in builds.items()
        },
    }


#: The builds whose counts ``tests/benchmarks/m4/recorded.json`` keeps.
KEPT = ("dsp", "fast", "plain", "gather", "zephyr")
#: The kernels that CONFIG_CATS_FAST_ROW and _TILES change: what is kept of ``fast``.
FAST = ("row/", "four-bits-row/", "product/in")


def to_record(builds: Mapping[str, Counts], compiler: str, before: Mapping[str, dict]) -> dict:
    """What ``tests/benchmarks/m4/recorded.json`` keeps: the instructions of what is counted, and
    how much a call handled; what was not counted stays as it was ``before``."""
    counts = {
        build: {
            k: v.instructions
            for k, v in builds[build].items()
            if v.instructions > 0 and (build != "fast" or k.startswith(FAST))
        }
        for build in KEPT
        if build in builds
    }
    units = {
        build: {k: v.units for k, v in builds[build].items()}
        for build in ("gather", "zephyr")
        if build in builds
    }
    return {
        "compiler": compiler,
        "counts": before.get("counts", {}) | counts,
        "units": before.get("units", {}) | units,
    }


PARTS = ("engine", "gather", "zephyr")


def count_parts(parts: Sequence[str], folder: Path, shapes: Sequence[str]) -> dict[str, Counts]:
    """Count and print these of PARTS; what this machine cannot count is said."""
    builds: dict[str, Counts] = {}
    if "engine" in parts:
        cmsis = cmsis_nn()
        if cmsis is None:
            print("CMSIS-NN is left out: set CMSIS_NN_PATH, or have a Zephyr workspace with it")
        builds |= measure(folder, cmsis, shapes)
        print_counts(builds)
    if "gather" in parts:
        builds["gather"] = count_gather(folder)
        print_gather(builds["gather"])
    if "zephyr" in parts:
        try:
            builds["zephyr"] = count_zephyr(folder)
            print_zephyr(builds["zephyr"])
        except NoWorkspaceError as reason:
            print(f"\nZephyr's part and AES-CCM are left out: {reason}")
    return builds


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.m4",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "bench-m4",
                        help="folder for what is built (default: build/bench-m4)")  # fmt: skip
    parser.add_argument("--only", action="append", choices=PARTS,
                        help="what to count (default: all)")  # fmt: skip
    parser.add_argument("--shape", action="append", choices=[*SHAPES, "none"],
                        help="whole inferences of the engine to count (default: all)")  # fmt: skip
    parser.add_argument("--record", action="store_true", help=f"write {RECORDED.name}")
    add_json_argument(parser)
    options = parser.parse_args(arguments)
    try:
        if problem := missing_tools():
            raise CatsError(problem)
        compiler = compiler_version()
        recorded = read_json(RECORDED, "recorded counts") if RECORDED.exists() else {}
        shapes = [s for s in options.shape or SHAPES if s != "none"]
        builds = count_parts(options.only or PARTS, options.build, shapes)
        if options.json:
            write_json(options.json, to_json(builds, compiler))
        same = recorded.get("compiler") == compiler
        if options.record:
            write_json(RECORDED, to_record(builds, compiler, recorded if same else {}))
            return 0
        if not same:
            print(f"\nThe recorded counts are of gcc {recorded.get('compiler')}, these of "
                  f"{compiler}: not compared")  # fmt: skip
            return 0
        grown = check_recorded(builds, recorded)
        print("\n" + "\n".join(grown or ["No count is more than 3 % above the recorded one."]))
        return 1 if grown else 0
    except CatsError as error:
        print(f"cats: error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
