# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Flashes what was built to the boards of a hardware map, by ``west flash`` and its runners; to
simulated boards by handing the program to their desk."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cats.deploy.export import HEX, load_plan, node_folder
from cats.errors import CatsError
from cats.schema import load
from cats.zephyr.boards import SIMULATED, Board, Outcome
from cats.zephyr.firmware import application_of, domains_of, program_of
from cats.zephyr.footprint import measure
from cats.zephyr.workspace import Workspace

FIRMWARE, IMAGE = "firmware", "image"


@dataclass(frozen=True)
class FlashStep:
    """One call of ``west flash``: ``what`` (FIRMWARE or IMAGE) of a node to its board."""

    node: int
    board: Board
    what: str
    command: list[str]
    log: Path


def steps_of(
    space: Workspace,
    deploy: Path,
    root: Path,
    boards: Mapping[int, Board],
    *,
    image_only: bool = False,
) -> dict[int, list[FlashStep]]:
    """What has to be flashed to each node's board: the firmware in ``root/node_NN`` and, where its
    image lies in a flash partition of its own, the deployment's image.

    Raises CatsError where a folder holds no firmware, or one that is not for its board.
    """
    ident = load_plan(deploy).model_id
    steps = {}
    for node, board in boards.items():
        folder = root / node_folder(node)
        platform = _built_for(folder)
        if not board.is_a(platform):
            raise CatsError(
                f"node {node}: {folder} is built for {platform}, its board {board.id} is "
                f"{' or '.join(board.platforms)}: build it for that, or put the map in order"
            )
        program = program_of(folder)
        if not program:
            raise CatsError(f"no firmware in {folder}, its build failed: see its build.log")
        linked = {(one.node, one.deployment) for one in measure(program).images}
        if linked and (node, ident) not in linked:
            raise CatsError(
                f"node {node}: the firmware in {folder} is not of this deployment: cats build"
            )
        if image_only and linked:
            raise CatsError(
                f"node {node}: the firmware in {folder} has its image linked in, so that there is "
                "no image alone to flash: build with CONFIG_CATS_IMAGE_FLASH=y"
            )
        files: list[tuple[str, Path | None]] = [] if image_only else [(FIRMWARE, None)]
        if not linked:
            files.append((IMAGE, _image(deploy, node, _partition(folder))))
        steps[node] = [
            FlashStep(
                node, board, what, _command(space, folder, board, file), folder / f"{what}.log"
            )
            for what, file in files
        ]
    return steps


def _command(space: Workspace, folder: Path, board: Board, file: Path | None) -> list[str]:
    if board.runner == SIMULATED:
        if file:
            raise CatsError(f"board {board.id} is simulated: its image is linked into its firmware")
        program = str(folder / "zephyr" / "zephyr.exe")
        return [sys.executable, "-m", "cats.zephyr.sim_desk", program, *board.runner_params]
    west = [space.python, "-m", "west", "flash", "--no-rebuild", "-d", str(folder)]
    # All images of sysbuild, in its order; a file of its own is one step, by the application's.
    if file and (domains := domains_of(folder)):
        west += ["--domain", next(iter(domains))]
    return west + board.runner_options(file)


class Target(msgspec.Struct):
    name: str
    qualifiers: str | None = None


class CMakeVariables(msgspec.Struct):
    board: Target


class BuildInfo(msgspec.Struct):
    """What is read of Zephyr's ``build_info.yml``."""

    cmake: CMakeVariables


def _built_for(folder: Path) -> str:
    """The board target (``nrf52840dk/nrf52840``) that a build folder is for."""
    file = application_of(folder) / "build_info.yml"
    if not file.exists():
        raise CatsError(f"no firmware in {folder}: cats build")
    board = load(file, BuildInfo, "Zephyr's description of a build", again="cats build -p").cmake
    return "/".join(filter(None, (board.board.name, board.board.qualifiers)))


def _partition(folder: Path) -> range:
    """Addresses of the partition with the node label ``cats_partition``, by Zephyr's header."""
    generated = application_of(folder) / "zephyr" / "include" / "generated"
    header = generated / "zephyr" / "devicetree_generated.h"
    try:
        text = header.read_text(encoding="utf-8")
    except OSError as error:
        raise CatsError(f"cannot read {header}: {error.strerror}") from error
    values = dict(re.findall(r"^#define (DT_\w+) (\S+)", text, re.MULTILINE))

    def number(name: str) -> int:
        return int(values[name].rstrip("uUlL"), 0)

    try:
        node = values["DT_N_NODELABEL_cats_partition"]
        # partitions within the flash, and the flash where the processor sees it
        flash = values[f"{values[f'{node}_PARENT']}_PARENT"]
        start = number(f"{node}_REG_IDX_0_VAL_ADDRESS") + number(f"{flash}_REG_IDX_0_VAL_ADDRESS")
        return range(start, start + number(f"{node}_REG_IDX_0_VAL_SIZE"))
    except (KeyError, ValueError) as error:
        raise CatsError(f"{folder} has no partition cats_partition in its devicetree") from error


def _image(deploy: Path, node: int, partition: range) -> Path:
    """The file of a node's image for the flash; raises CatsError where it would not be in place."""
    from intelhex import HexReaderError, IntelHex

    file = deploy / node_folder(node) / HEX
    hint = f"cats export --format image --flash-address {partition.start:#x}"
    try:
        memory = IntelHex(str(file))
    except (OSError, HexReaderError) as error:
        raise CatsError(f"no image {file} for the flash partition: {hint}") from error
    if memory.minaddr() != partition.start or memory.maxaddr() not in partition:
        raise CatsError(
            f"{file} is for {memory.minaddr():#x} to {memory.maxaddr():#x}, the firmware's "
            f"partition is {partition.start:#x} to {partition[-1]:#x}: {hint}"
        )
    return file


def flash(
    space: Workspace,
    steps: Iterable[list[FlashStep]],
    *,
    jobs: int = 0,
    report: Callable[[Outcome], None] = lambda flashed: None,
) -> list[Outcome]:
    """Flash, ``jobs`` boards at a time (0: all); ``report`` hears of each when it is done.

    A board's steps end at the first that fails. What west says is in each step's log.
    """
    steps = list(steps)

    def one(todo: list[FlashStep]) -> Outcome:
        start, done, failed = time.monotonic(), [], None
        for step in todo:
            failed = _run(space, step)
            if failed:
                break
            done.append(step.what)
        flashed = Outcome(
            todo[0].node, todo[0].board, tuple(done), time.monotonic() - start, failed
        )
        report(flashed)
        return flashed

    with ThreadPoolExecutor(jobs or len(steps)) as pool:
        return list(pool.map(one, steps))


def _run(space: Workspace, step: FlashStep) -> str | None:
    """Why a step failed, in a line; None where it did not."""
    with step.log.open("w") as output:
        print(shlex.join(step.command), file=output, flush=True)
        try:
            done = subprocess.run(
                step.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=space.environment, timeout=step.board.flash_timeout,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"{step.what}: not done in {step.board.flash_timeout} s"
    if done.returncode == 0:
        return None
    said = [line for line in step.log.read_text(errors="replace").splitlines()[1:] if line.strip()]
    return f"{step.what}: {said[-1].strip() if said else f'status {done.returncode}'}"
