# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Which boards ``test_group.py`` drives: those of a hardware map, or BabbleSim's."""

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cats.deploy.export import export, load_deploy
from cats.errors import CatsError
from cats.integer.random_models import random_inputs, random_model
from cats.plan.radio import SEALED
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import full_keep
from cats.zephyr import bsim
from cats.zephyr.group import BoardGroup, MapBoards
from cats.zephyr.sim_boards import SimBoards

FIRMWARE = Path(__file__).resolve().parents[1]
RADIOS = ("nrf_radio", "ieee802154", "ble")
#: Inputs that inferences are of.
SAMPLES = 4
#: The key of simulated boards, and of boards that have none.
KEY = bytes(range(16))


@dataclass(frozen=True)
class Cell:
    """A group of simulated boards; ``radio``: with ``+secure`` where frames are sealed."""

    radio: str
    nodes: int

    def __str__(self) -> str:
        return f"{self.radio}-{self.nodes}"


def pytest_addoption(parser):
    group = parser.getgroup("cats")
    group.addoption("--deploy", type=Path, help="the deployment that is on the boards")
    group.addoption("--map", type=Path, help="hardware map of the boards (default: BabbleSim)")
    group.addoption(
        "--nodes", type=int, action="append", help="simulated boards; repeatable (default: 4)"
    )
    group.addoption(
        "--radio", action="append", choices=[r + s for r in RADIOS for s in ("", SEALED)],
        help="of the simulated boards; repeatable (default: all)",
    )  # fmt: skip
    group.addoption(
        "--programs",
        type=Path,
        metavar="DIR",
        help="where to build for simulated boards, again where that was done before",
    )


def pytest_generate_tests(metafunc):
    if "group" not in metafunc.fixturenames:
        return
    option = metafunc.config.option
    if option.map:
        metafunc.parametrize("group", [None], ids=["boards"], indirect=True, scope="module")
        return
    radios = option.radio or [r + s for r in RADIOS for s in ("", SEALED)]
    cells = [Cell(radio, nodes) for nodes in option.nodes or (4,) for radio in radios]
    marks = (
        pytest.mark.slow,
        pytest.mark.bsim,
        pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
    )
    found = [pytest.param(cell, id=str(cell), marks=marks) for cell in cells]
    metafunc.parametrize("group", found, indirect=True, scope="module")


@pytest.fixture(scope="session")
def program(request, tmp_path_factory):
    """A function: the firmware for a radio, built once."""
    root = request.config.option.programs or tmp_path_factory.mktemp("programs")

    @functools.cache
    def get(radio):
        return bsim.build(radio, root / radio, source=FIRMWARE)

    return get


def deployment(folder: Path, cell: Cell) -> None:
    """A small random model; every node has columns of the input and of the output."""
    config = ModelConfig(
        tokens_in=6, inputs=max(cell.nodes, 5), outputs=max(cell.nodes, 10),
        features=2 * max(cell.nodes, 8), heads=max(cell.nodes, 8), hidden=48, blocks=1,
        pool="class", activation="gelu",
    )  # fmt: skip
    split = SplitConfig.even(config, cell.nodes, input_split="channels", output_split="even")
    model = random_model(7, config, split, full_keep(config, split))
    export(model, folder, formats="image", force=True, radio=cell.radio, rounds=1)
    model, plan, _, _ = load_deploy(folder)
    bsim.write_compute(model, plan, folder)
    bsim.write_code(model, plan, folder)


@pytest.fixture(scope="module")
def group(request, program, tmp_path_factory) -> Iterator[BoardGroup]:
    """The group, every node runs, nothing is lost on purpose."""
    option = request.config.option
    if request.param is None:
        if not option.deploy:
            raise CatsError("--map needs --deploy: the deployment that is on the boards")
        deploy, boards = option.deploy, None
        model = load_deploy(deploy)[0]
        boards = MapBoards(option.map, model.split.nodes)
        with BoardGroup(boards, deploy, random_inputs(7, model.config, SAMPLES)) as found:
            yield ready(found, os.urandom(16))
        return
    cell = request.param
    deploy = tmp_path_factory.mktemp("deploy")
    deployment(deploy, cell)
    model = load_deploy(deploy)[0]
    files = {"deploy": deploy, "compute": "compute.bin", "code": "code.bin"}
    options = [files | {"node": node} for node in range(cell.nodes)]
    # Node 0 is reset once; the last one once, and its power is cut twice.
    lives = {0: 2, cell.nodes - 1: 4}
    with (
        SimBoards(
            [program(cell.radio)] * cell.nodes, options,
            folder=tmp_path_factory.mktemp("boards"), lives=lives,
        ) as boards,
        BoardGroup(boards, deploy, random_inputs(7, model.config, SAMPLES)) as found,
    ):  # fmt: skip
        yield ready(found, KEY)


def ready(group: BoardGroup, key: bytes) -> BoardGroup:
    """Sealed groups have a key, all nodes run, none loses anything on purpose."""
    if group.plan.radio.endswith(SEALED):
        group.give_key(key)
    group.wait_until_running()
    group.loss(0)
    return group
