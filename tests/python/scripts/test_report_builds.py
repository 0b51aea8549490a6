# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``make builds``: which samples are built for which boards, and the page that says so."""

import re
from pathlib import Path

import pytest
import yaml

from cats.errors import CatsError
from cats.zephyr.firmware import Built
from cats.zephyr.footprint import Footprint
from report import builds

ROOT = Path(__file__).resolve().parents[3]
IMAGE = {"image": "node", "ram": 1000, "flash": 20000, "ram_limit": 65536, "flash_limit": 524288}


def table(text):
    """The rows of a page's table, cells by their columns."""
    rules = [m for m in re.finditer(r"^=[= ]+$", text, re.MULTILINE)]
    spans = [m.span() for m in re.finditer("=+", rules[0][0])]
    body = text[rules[1].end() : rules[2].start()].strip("\n").splitlines()
    return [[line[a:b].strip() for a, b in [*spans[:-1], (spans[-1][0], None)]] for line in body]


def test_every_sample_is_built_for_every_board():
    samples = {path.parent.name for path in (ROOT / "samples").glob("*/sample.yaml")}
    samples.remove("listen")  # its nodes are in one process; Twister builds it for a board
    for target in builds.TARGETS:
        assert {case.sample for case in builds.CASES if case.target == target} == samples
    assert len({case.name for case in builds.CASES}) == len(builds.CASES)


def test_the_page_has_a_row_for_each(tmp_path):
    rows = table((ROOT / builds.PAGE).read_text())
    assert rows[0][0] == "nrf52840dk/nrf52840"
    whole = [row for row in rows if row[0] != "\\"]
    wanted = [[c.target.board, c.sample, c.transport or "none"] for c in builds.CASES]
    assert [row[:3] for row in whole] == wanted
    for row in rows:
        assert row[6] == "no"  # nothing was measured on hardware
        for cell in row[3:5]:
            if found := re.fullmatch(r"([\d,]+) of ([\d,]+)", cell):
                used, limit = (int(text.replace(",", "")) for text in found.groups())
                assert 0 < used <= limit
            else:
                assert cell in ("not built yet", "")


def test_what_did_not_build_is_told():
    case = builds.CASES[0]
    network = {**IMAGE, "image": "hci_ipc"}
    other = builds.CASES[1]
    results = {
        case.name: {"built": False, "log": "x"},
        other.name: {"built": True, "images": [IMAGE, network]},
    }
    rows = table(builds.page(results))
    assert rows[0][3] == "does not build"
    assert rows[1][3:5] == ["1,000 of 65,536", "20,000 of 524,288"]
    assert rows[2][:3] == ["\\", "", "hci_ipc"]
    assert {row[3] for row in rows[3:]} == {"not built yet"}


def test_what_a_build_is_told(tmp_path, monkeypatch):
    """Overlay, shield, and the network core's image by sysbuild; results of every image."""
    told = {}

    def build_nodes(space, deploy, nodes, board, *, sample, root, defines, sysbuild):
        told.update(board=board, sample=sample.name, defines=defines, sysbuild=sysbuild)
        folder = root / "node_00"
        folder.mkdir(parents=True)
        domains = [{"name": n, "build_dir": str(folder / n)} for n in ("hci_ipc", "node")]
        text = yaml.safe_dump({"default": "node", "domains": domains})
        (folder / "domains.yaml").write_text(text)
        return [Built(0, folder, folder / "zephyr.elf", folder / "build.log")]

    footprint = Footprint("x", "arm", False, ram=5, flash=6, ram_limit=7, flash_limit=8)
    monkeypatch.setattr(builds, "build_nodes", build_nodes)
    monkeypatch.setattr(builds, "measure", lambda elf: footprint)
    by_name = {case.name: case for case in builds.CASES}
    result = builds.build(by_name["node-nrf5340dk_nrf5340_cpuapp-ble"], None, tmp_path)
    assert [image["image"] for image in result["images"]] == ["node", "hci_ipc"]
    assert told["sysbuild"] and "EXTRA_CONF_FILE=overlay-ble.conf" in told["defines"]
    assert "SB_CONFIG_CATS_NETWORK_CORE_HCI_IPC=y" in told["defines"]
    assert (tmp_path / "deploy-node-ble" / "plan.json").is_file()
    shield = by_name["calibrate-sam_v71_xult_samv71q21-ieee802154"].defines()
    assert "SHIELD=atmel_rf2xx_xpro" in shield
    alone = by_name["selftest-nrf5340dk_nrf5340_cpuapp"].defines()
    assert alone == ["CONFIG_MINIMAL_LIBC=y"]


def test_options_choose(monkeypatch):
    args = type("Args", (), {"board": ["nrf52dk/nrf52832"], "sample": None, "transport": ["ble"]})
    assert [case.name for case in builds.chosen(args)] == ["node-nrf52dk_nrf52832-ble"]
    args.transport = ["ieee802154"]
    with pytest.raises(CatsError, match="nothing to build: boards are nrf52840dk/nrf52840"):
        builds.chosen(args)
