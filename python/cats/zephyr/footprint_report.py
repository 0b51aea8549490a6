# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Whether a footprint keeps its limits and what was planned, and its table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cats.deploy.export import load_plan
from cats.errors import CatsError
from cats.report import table
from cats.zephyr.footprint import PARTS, Footprint, Image


def check_limits(result: Footprint, ram: int | None = None, flash: int | None = None) -> None:
    """Set the limits that are given, and note every limit that is exceeded as a problem."""
    result.ram_limit = ram if ram is not None else result.ram_limit
    result.flash_limit = flash if flash is not None else result.flash_limit
    for kind, limit in (("ram", ram), ("flash", flash)):
        used = getattr(result, kind)
        if limit is not None and used > limit:
            result.problems.append(
                f"{kind.upper()}: {used:,} bytes, {used - limit:,} more than the limit of {limit:,}"
            )
    for region in result.regions:
        given = ram if region.kind == "ram" else flash
        if given is None and region.length is not None and region.used > region.length:
            result.problems.append(
                f"{region.name}: {region.used:,} bytes in {region.length:,} bytes of memory"
            )


def check_plan(result: Footprint, plan_file: str | os.PathLike[str], node: int | None) -> None:
    """Compare image and arena of each linked node with ``plan.json``; differences are problems.

    ``node`` names the node where the ELF does not: an image that is in a flash partition.
    """
    sizes = planned_sizes(plan_file)
    arenas = sorted(result.arenas.values())
    if not arenas:
        result.problems.append("no arena (symbol cats_*arena): not a CATS firmware, or stripped")
    elif not result.images:
        if node not in sizes:
            raise CatsError(
                f"{result.elf} has no partition image of its own: say --node N of "
                f"{', '.join(map(str, sorted(sizes)))}"
            )
        result.notes.append("the image is not linked in: only the arena was compared")
        if arenas[-1] < sizes[node][1]:
            result.problems.append(f"arena of {arenas[-1]:,} bytes, planned {sizes[node][1]:,}")
    else:
        expected = sorted(sizes[i.node][1] for i in result.images if i.node in sizes)
        for image in result.images:
            result.problems += _against_plan(image, sizes.get(image.node))
        if len(expected) == len(result.images) and arenas != expected:
            found, planned = (" + ".join(f"{n:,}" for n in x) for x in (arenas, expected))
            result.problems.append(f"arena of {found} bytes, planned {planned}")
        if node is not None and node not in (image.node for image in result.images):
            result.problems.append(f"no image of node {node}")


def _against_plan(image: Image, planned: tuple[int, int] | None) -> list[str]:
    if planned is None:
        return [f"the plan has no node {image.node} ({image.symbol})"]
    return [
        f"node {image.node}: {what} of {found:,} bytes, planned {wanted:,}"
        for what, found, wanted in (
            ("image", image.size, planned[0]),
            ("its image asks for an arena", image.arena, planned[1]),
        )
        if found != wanted
    ]


def planned_sizes(plan_file: str | os.PathLike[str]) -> dict[int, tuple[int, int]]:
    """(image bytes, arena bytes) of each node by ``DEPLOY/plan.json``; the folder will do."""
    return {node.node: (node.image_bytes, node.arena_bytes) for node in load_plan(plan_file).nodes}


def chosen_nodes(plan_file: str | os.PathLike[str], wanted: Sequence[int] | None) -> list[int]:
    """The nodes of a plan that ``--node`` names, or all; raises CatsError for others."""
    planned = sorted(planned_sizes(plan_file))
    nodes = sorted(set(wanted or planned))
    if unknown := [n for n in nodes if n not in planned]:
        raise CatsError(f"--node {unknown[0]}: there are nodes {planned[0]} to {planned[-1]}")
    return nodes


def render(results: list[Footprint]) -> str:
    """The table for people; several programs side by side, RAM and flash one below the other."""
    if len(results) == 1:
        only = results[0]
        return _table(["RAM", "flash"], [(only, "ram"), (only, "flash")])
    names = short_names([r.elf for r in results])
    return "\n\n".join(
        _table(names, [(r, kind) for r in results], title)
        for kind, title in (("ram", "RAM"), ("flash", "flash"))
    )


def _table(header: list[str], columns: list[tuple[Footprint, str]], title: str = "part") -> str:
    rows: list[list[Any]] = []
    for part in PARTS:
        sizes = [r.parts.get(part, {}).get(kind) or None for r, kind in columns]
        guess = any(r.guessed.get(part, {}).get(kind) for r, kind in columns)
        if any(sizes):
            rows.append([f"{part} (guess)" if guess else part, *sizes])
    rows.append(["total", *(getattr(r, kind) for r, kind in columns)])
    limits = [getattr(r, f"{kind}_limit") for r, kind in columns]
    if any(limit is not None for limit in limits):
        rows.append(["limit", *limits])
    return table([title, *header], rows)


def short_names(paths: list[str]) -> list[str]:
    """What tells the programs apart: the parts of their paths that differ."""
    split = [[p for p in Path(path).parts if p != os.sep] for path in paths]
    depth = max(map(len, split))
    padded = [[""] * (depth - len(s)) + s for s in split]
    differ = [i for i in range(depth) if len({p[i] for p in padded}) > 1]
    return ["/".join(p[i] for i in differ if p[i]) or paths[n] for n, p in enumerate(padded)]
