# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats build`` in the Zephyr workspace of this machine: how large a node is, by our table and the
linker, and all nodes in one process."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from cats import cli
from cats.deploy.export import export, load_deploy
from cats.errors import CatsError
from cats.plan.boards import FIRMWARE
from cats.shape.links import audible
from cats.shape.topologies import topology
from cats.zephyr.elf import read_elf
from cats.zephyr.workspace import platforms, workspace

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "samples" / "node" / "deploy"

#: The goals for one node on nrf52840dk, bytes: code without weights and tables, and static RAM
#: outside of arena and stacks.
CODE, STATE = 26 * 1024, 3.75 * 1024
#: The same for what receives and sends over a radio: node, transport, packets.
BUFFERS = 5 * 1024

pytestmark = [pytest.mark.slow, pytest.mark.zephyr]


def build(tmp_path, board, *arguments, deploy=DEPLOY):
    """``cats build`` of samples/node; what it measured of each ELF, and the folder."""
    try:
        found, left = platforms(workspace())
    except CatsError as error:
        pytest.skip(str(error))
    if board not in found:
        pytest.skip(f"{board} {left[board]}")
    out, report = tmp_path / "out", tmp_path / "footprint.json"
    words = ["build", deploy, "-b", board, "-d", out, "--json", report, *arguments]
    assert cli.main([str(word) for word in words]) == 0
    return json.loads(report.read_text())["elfs"], out


def test_a_node_is_small(tmp_path):
    board = "nrf52840dk/nrf52840"
    alone = ("-n", "0", "-DCONFIG_MINIMAL_LIBC=y", "-DCONFIG_CATS_LOOPBACK_PARTIAL=y")
    (elf,), out = build(tmp_path, board, *alone)
    parts = elf["parts"]
    code = {part: parts[part]["flash"] for part in ("engine", "gather", "glue")}
    assert all(size > 1000 for size in code.values()), code
    assert sum(code.values()) <= CODE, code
    state = {part: parts[part]["ram"] for part in ("node state", "transport")}
    assert all(size > 500 for size in state.values()), state
    assert sum(state.values()) <= STATE, state
    for page in ("README.md", "doc/footprint.rst"):
        text = " ".join((ROOT / page).read_text().split())
        said = re.search(r"([\d,]+) bytes of flash, node state and transport ([\d,]+) bytes", text)
        for shown, measured in zip(said.groups(), (code, state), strict=True):
            shown = int(shown.replace(",", ""))
            assert shown == pytest.approx(sum(measured.values()), rel=0.01), page

    planned, reserve = elf["images"][0], FIRMWARE["loopback"]
    assert elf["ram"] - planned["arena"] == pytest.approx(reserve.ram, rel=0.03)
    assert elf["flash"] - planned["size"] == pytest.approx(reserve.flash, rel=0.03)

    log = (out / "node_00" / "build.log").read_text()
    for kind, name in (("flash", "FLASH"), ("ram", "RAM")):
        said = re.search(rf"^ +{name}: +(\d+) (B|KB) ", log, re.MULTILINE)
        assert elf[kind] == int(said[1]) * {"B": 1, "KB": 1024}[said[2]]


@pytest.mark.parametrize("radio", ["nrf_radio", "ieee802154"])
def test_buffers_are_small(tmp_path, radio):
    """State of the node with both its receptions, the transport's, and all packets between it and
    the radio, which is the deployment's."""
    model = load_deploy(DEPLOY)[0]
    export(model, tmp_path / "deploy", radio=radio)
    words = ("-n", "0", "-DCONFIG_MINIMAL_LIBC=y")
    (elf,), out = build(tmp_path, "nrf52840dk/nrf52840", *words, deploy=tmp_path / "deploy")
    config = (out / "node_00" / "zephyr" / ".config").read_text()
    assert f"CONFIG_CATS_TRANSPORT_{radio.upper()}=y" in config
    ram = {part: sizes["ram"] for part, sizes in elf["parts"].items()}
    wanted = ("node state", "transport", *(("packets",) if radio == "ieee802154" else ()))
    assert all(ram[part] > 200 for part in wanted)
    assert sum(ram.get(part, 0) for part in ("node state", "transport", "packets")) <= BUFFERS, ram


def test_hops_are_small(tmp_path):
    """What CONFIG_CATS_HOPS takes of a node that relays; and nothing of it is there without."""
    model = load_deploy(DEPLOY)[0]
    sizes = []
    for hops in (False, True):
        folder = tmp_path / str(hops)
        links = audible(topology("line:4").links) if hops else None
        export(model, folder / "deploy", radio="nrf_radio", links=links)
        words = ("-n", "0", "-DCONFIG_MINIMAL_LIBC=y", f"-DCONFIG_CATS_HOPS={'ny'[hops]}")
        (elf,), _ = build(folder, "nrf52840dk/nrf52840", *words, deploy=folder / "deploy")
        parts = elf["parts"].values()
        code = sum(elf["parts"][part]["flash"] for part in ("engine", "gather", "glue"))
        sizes.append((code, sum(part["ram"] for part in parts) - elf["images"][0]["arena"]))
        there = any(s.name.startswith("cats_hop") for s in read_elf(elf["elf"]).symbols)
        assert there == hops
    (code, ram), (more_code, more_ram) = sizes
    print(f"hops: {more_code - code} bytes of code, {more_ram - ram} of RAM")
    assert 700 < more_code - code <= 2048
    assert 700 < more_ram - ram <= 2048


DEAF = "would never hear the others"


@pytest.mark.parametrize(
    ("board", "words", "said"),
    [
        ("nrf52840dk/nrf52840", ["-DCONFIG_CATS_TRANSPORT_LOOPBACK=y"], DEAF),
        ("mps2/an385", [], DEAF),
        ("nrf52840dk/nrf52840", ["-DEXTRA_CONF_FILE=overlay-nrf-radio.conf"],
         "is planned for ieee802154, and CONFIG_CATS_TRANSPORT_NRF_RADIO sends other frames"),
        ("mps2/an385", ["-DCONFIG_CATS_LOCAL_NODES=0", "-DCONFIG_CATS_SECURE=y",
                        "-DCONFIG_SETTINGS=y", "-DCONFIG_SETTINGS_NONE=y"],
         "this board has no entropy driver enabled"),
    ],
)  # fmt: skip
def test_builds_that_would_look_right(tmp_path, capfd, board, words, said):
    """The loopback where boards are meant, also where Kconfig dropped a radio that the board has
    not; another radio than the plan is for; random numbers that are none."""
    space = platforms(workspace())[0]
    if board not in space:
        pytest.skip(f"cannot build for {board}")
    arguments = ["build", DEPLOY, "-b", board, "-d", tmp_path, "-n", "0", *words]
    assert cli.main([str(word) for word in arguments]) == 1
    assert said in " ".join(capfd.readouterr().err.split())


def test_one_process_holds_all_nodes(tmp_path):
    (elf,), out = build(tmp_path, "native_sim/native/64")
    assert [image["node"] for image in elf["images"]] == [0, 1, 2, 3]
    assert [folder.name for folder in out.iterdir()] == ["node_00"]
    done = subprocess.run(
        [elf["elf"], "-stop_at=60", "-no-rt"], cwd=tmp_path, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "4 here" in done.stdout and "10 of 10 digits right" in done.stdout
