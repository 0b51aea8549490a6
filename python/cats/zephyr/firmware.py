# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Builds the firmware of a deployment's nodes: what `cats build` and its west command share."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cats.errors import CatsError
from cats.zephyr.footprint import measure
from cats.zephyr.workspace import Workspace


@dataclass(frozen=True)
class Built:
    """The outcome of one node's build; ``elf`` is None where it failed."""

    node: int
    folder: Path
    elf: Path | None
    log: Path


def program_of(folder: Path) -> Path | None:
    """The program that a build folder holds, if any."""
    files = (folder / "zephyr" / name for name in ("zephyr.exe", "zephyr.elf"))
    return next((file for file in files if file.is_file()), None)


def build_nodes(
    space: Workspace,
    deploy: Path,
    nodes: Sequence[int],
    board: str,
    *,
    sample: Path,
    root: Path,
    jobs: int = 0,
    pristine: bool = False,
    defines: Sequence[str] = (),
    report: Callable[[Built], None] = lambda built: None,
) -> list[Built]:
    """Build the firmware of ``nodes`` of a deployment into ``root/node_NN``.

    The first node is built alone and fills the compiler cache, the others follow, ``jobs`` at a
    time (0: as many as there are processors), but for those that the first firmware holds as well:
    on native_sim one process is all nodes. ``report`` hears of each when it is done.
    """
    for tool in ("cmake", "ninja"):
        if not shutil.which(tool):
            raise CatsError(f"cannot build firmware: no {tool}: apt-get install cmake ninja-build")
    processors = os.cpu_count() or 1
    jobs = min(jobs or processors, processors)

    def build(node: int, share: int) -> Built:
        folder = root / f"node_{node:02}"
        if pristine:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "build.log"
        configure = [
            "cmake", "-GNinja", f"-S{sample}", f"-B{folder}", f"-DBOARD={board}",
            f"-DCATS_DEPLOY={deploy}", f"-DCONFIG_CATS_NODE_ID={node}",
            *(f"-D{define}" for define in defines),
        ]  # fmt: skip
        environment = {"CCACHE_BASEDIR": str(root)} | space.environment
        with log.open("w") as output:
            for command in (configure, ["ninja", "-C", str(folder), "-j", str(share)]):
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
                )
                if done.returncode:
                    break
        built = Built(node, folder, None if done.returncode else program_of(folder), log)
        report(built)
        return built

    first = build(nodes[0], processors)
    if not first.elf:
        return [first]
    held = {image.node for image in measure(first.elf).images}
    others = [node for node in nodes[1:] if node not in held]
    with ThreadPoolExecutor(jobs) as pool:
        share = max(1, processors // jobs)
        return [first, *pool.map(lambda node: build(node, share), others)]
