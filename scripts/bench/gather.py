# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Instructions of what a node does beside its jobs, counted call by call in QEMU.

``tests/benchmarks/gather`` runs all nodes of a deployment on an air of its own, without losses and
with the worst ones, and counts each call of a leader and of the last node. Of each kind of call the
worst is kept. The code is compiled as a firmware's is: with the flags of Zephyr's build for size.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.qemu import BENCHMARKS, COMPILER, IMAGE_ADDRESS, ROOT, Counts, call, run
from cats.deploy import image
from cats.errors import CatsError
from cats.integer.model import IntegerModel
from cats.integer.random_models import random_model
from cats.integer.reference import run as reference
from cats.plan.planner import make_plan
from cats.report import print_table
from cats.shape.config import ModelConfig
from cats.shape.links import audible
from cats.shape.partition import full_keep
from cats.shape.topologies import topology
from report.radio_cells import even_split, small, wide

#: Of Zephyr 4.3 for nrf52840dk/nrf52840, those that matter for the code; no library but string.c.
FLAGS = ["-mcpu=cortex-m4", "-mthumb", "-mabi=aapcs", "-mfp16-format=ieee", "-ffreestanding",
         "-fno-strict-aliasing", "-fno-common", "-fno-reorder-functions", "-fno-defer-pop",
         "-ffunction-sections", "-fdata-sections", "-fno-pic"]  # fmt: skip
#: What the CMakeLists.txt of engine/ and gather/ have compiled otherwise.
SMALLER = ["-fno-ivopts", "-fno-move-loop-invariants"]
FASTER = {"norm_dsp.c": "-O2", "rows.c": "-O2", "gf4.c": "-O1"}
ALSO = {"code.c": ["-fno-tree-forwprop"], "gf4.c": ["-fno-tree-ch"]}
MACHINE = "mps2-an386"


@dataclass(frozen=True)
class Shape:
    """A deployment of doc/radio.rst."""

    about: str
    config: ModelConfig
    nodes: int
    options: dict[str, object]


#: By name.
SHAPES = {
    "16x512": Shape("16 nodes, 512 bytes each in one exchange", wide(16, 512), 16,
                    dict(tile_rows=16, interleave=False)),
    "4x832": Shape("4 nodes, 832 bytes each in one exchange", wide(4, 832), 4,
                   dict(tile_rows=16, interleave=False)),
    "small": Shape("16 nodes, the small model", small(16), 16, {}),
}  # fmt: skip
RADIOS = ("nrf_radio", "ieee802154")
#: Over several hops, on nrf_radio: of few long fragments, and of few short ones.
HOP_SHAPES = {
    "hops48": Shape("4x4 grid, three fragments of 176 bytes each", wide(16, 528), 16,
                    dict(tile_rows=16, interleave=False)),
    "hops16": Shape("4x4 grid, the small model", small(16), 16, {}),
}  # fmt: skip


def build(folder: Path, hops: bool = False) -> Path:
    """Build the benchmark, over one hop or several; returns the ELF."""
    engine, gather = (ROOT / "subsys" / "cats" / name for name in ("engine", "gather"))
    shared, own = BENCHMARKS / "m4", BENCHMARKS / "gather"
    flags = [*FLAGS, f"-I{ROOT / 'include'}", f"-I{engine}", f"-I{shared}", f"-I{own}",
             "-DCATS_NO_SLEEP", "-DCATS_NO_STREAM", "-Wall", "-Wextra", "-Werror",
             *([] if hops else ["-DCATS_NO_HOPS"])]  # fmt: skip
    left = ("meeting", "sleep", *(() if hops else ("hop",)))
    left_out = [gather / f"{name}.c" for name in left]
    sources = [*engine.glob("*.c"), *engine.glob("*.S"), *gather.glob("*.c")]
    sources = [path for path in sources if path not in left_out]
    harness = [*own.glob("*.c"), *(shared / f"{n}.c" for n in ("startup", "count", "print"))]
    objects = []
    target = folder / ("hops" if hops else "gather")
    target.mkdir(parents=True, exist_ok=True)
    for source in sorted([*sources, *harness]):
        built = target / f"{source.name}.o"
        level = [FASTER.get(source.name, "-Os"), *ALSO.get(source.name, ())]
        if source.parent == gather and source.stem not in ("frame", "gf4"):
            level += SMALLER
        standard = "-std=gnu11" if source in harness else "-std=c99"
        call([COMPILER, *flags, standard, *level, "-c", source, "-o", built],
             f"building {source.name}")  # fmt: skip
        objects.append(built)
    elf = target / "gather.elf"
    call([COMPILER, *FLAGS, "-nostdlib", "-Wl,--gc-sections", "-T", shared / "link.ld", *objects,
          "-lgcc", "-o", elf], "linking what counts the gather")  # fmt: skip
    return elf


def deployment(images: Sequence[bytes]) -> bytes:
    """``struct deployment`` of tests/benchmarks/gather/gather.h, with the images behind it."""
    offset = header = 8 * (-(-(4 + 2 * 16 * 4) // 8))
    offsets, packed = [], b""
    for data in images:
        offsets.append(offset + len(packed))
        packed += data
    pad = [0] * (16 - len(images))
    head = struct.pack("<33I", len(images), *offsets, *pad, *map(len, images), *pad)
    return head.ljust(header, b"\0") + packed


def pack_shape(name: str, radio: str) -> tuple[list[bytes], IntegerModel]:
    """The images of SHAPES[name] on a radio, or of HOP_SHAPES[name], and the model."""
    options: dict[str, Any] = {"rounds": 2}
    if name in HOP_SHAPES:
        options = {"links": audible(topology("grid:4x4").links)}
    shape = (SHAPES | HOP_SHAPES)[name]
    split = even_split(shape.config, shape.nodes)
    keep = full_keep(shape.config, split)
    model = random_model(7, shape.config, split, keep)
    plan = make_plan(shape.config, split, keep, radio=radio, **options, **shape.options)
    ident = image.model_id(model, plan)
    return [image.pack(model, plan, d, ident) for d in range(shape.nodes)], model


def count_shape(elf: Path, name: str, radio: str) -> Counts:
    """The worst counts of SHAPES[name] on a radio; what its nodes give is checked, but over several
    hops, where counting a call makes it time and again, and each adds to what is there."""
    shape = (SHAPES | HOP_SHAPES)[name]
    images, model = pack_shape(name, radio)
    counts = run(elf, MACHINE, {IMAGE_ADDRESS: deployment(images)})
    zeros = np.zeros((shape.config.tokens_in, shape.config.inputs), np.int8)
    wanted = zlib.crc32(reference(model, zeros)[0].astype("<i2").tobytes())
    for key in [k for k in counts if k.startswith("output/")]:
        output = counts.pop(key)
        if (
            name in SHAPES
            and output.instructions == 0
            and output.units < 2 * shape.nodes
            and output.crc != wanted
        ):
            raise CatsError(f"{name}, {radio}: {key} is not what the reference gives")
    return counts


def count_gather(folder: Path) -> Counts:
    """All worst counts, by names such as ``16x512/nrf_radio/poll/data``. Units are bytes: of the
    frame."""
    elves = [build(folder, hops) for hops in (False, True)]
    columns = [(name, radio) for name in SHAPES for radio in RADIOS]
    columns += [(name, RADIOS[0]) for name in HOP_SHAPES]
    with ThreadPoolExecutor(2) as pool:
        found = list(
            pool.map(lambda column: count_shape(elves[column[0] in HOP_SHAPES], *column), columns)
        )
    return {
        f"{name}/{radio}/{call}": counts[call]
        for (name, radio), counts in zip(columns, found, strict=True)
        for call in sorted(counts)
    }


def print_gather(counts: Counts) -> None:
    """The table: a call a row, a shape on a radio a column."""
    columns = list(dict.fromkeys(key.rpartition(key.split("/", 2)[2])[0][:-1] for key in counts))
    calls = sorted({key.split("/", 2)[2] for key in counts})

    def cell(key: str) -> str | None:
        if key not in counts:
            return None
        units = counts[key].units
        return f"{counts[key].instructions:,}" + (f" ({units:,})" if units else "")

    print_table(
        ["call", *columns],
        [[call, *(cell(f"{column}/{call}") for column in columns)] for call in calls],
        "gather: instructions of the worst call (and what it handled)",
    )
