# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats flash`` on folders as a build leaves them, with a stand-in for west that writes down what
it is asked; Twister's hardware map."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from intelhex import IntelHex

from cats import cli
from cats.deploy.export import HEADER, export
from cats.integer.random_models import random_model
from cats.shape.config import ModelConfig, SplitConfig
from cats.zephyr import workspace
from cats.zephyr.boards import read_map

ROOT = Path(__file__).resolve().parents[3]
NODES = 3
PARTITION = range(0x82000, 0x92000)
CONFIG = ModelConfig(
    tokens_in=3, inputs=4, outputs=3, features=6, heads=3, hidden=6, blocks=1, pool="mean"
)
#: As Zephyr writes them for a flash at 0x10000 and, in it, a partition at 0x72000.
DEVICETREE = """\
#define DT_N_NODELABEL_cats_partition DT_N_S_flash_S_partitions_S_partition_72000
#define DT_N_S_flash_S_partitions_S_partition_72000_PARENT DT_N_S_flash_S_partitions
#define DT_N_S_flash_S_partitions_S_partition_72000_REG_IDX_0_VAL_ADDRESS 466944 /* 0x72000 */
#define DT_N_S_flash_S_partitions_S_partition_72000_REG_IDX_0_VAL_SIZE 65536
#define DT_N_S_flash_S_partitions_PARENT DT_N_S_flash
#define DT_N_S_flash_REG_IDX_0_VAL_ADDRESS 65536
"""
#: Writes down its words; a board whose id has "bad" in it fails, one with "slow" takes for ever.
WEST = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
*bad*) echo "no board there" >&2; echo >&2; exit 3 ;;
*slow*) exec sleep 60 ;;
esac
"""


def board(number, **entries):
    """An entry of a hardware map."""
    return {
        "connected": True, "id": f"00{number}", "platform": "some_dk/soc", "product": "J-Link",
        "runner": "jlink", "serial": f"/dev/ttyACM{number}",
    } | entries  # fmt: skip


def write_map(*boards):
    with open("map.yaml", "w") as file:
        yaml.safe_dump(list(boards), file)


def program(folder, source):
    """A build folder whose program is compiled from C."""
    (folder / "zephyr" / "include" / "generated" / "zephyr").mkdir(parents=True)
    (folder / "a.c").write_text(source + "\nint main(void) { return 0; }\n")
    command = ["gcc", f"-I{ROOT}/include", "a.c", "-o", "zephyr/zephyr.elf"]
    subprocess.run(command, cwd=folder, check=True)
    (folder / "build_info.yml").write_text(
        yaml.safe_dump({"cmake": {"board": {"name": "some_dk", "qualifiers": "soc"}}})
    )
    header = folder / "zephyr" / "include" / "generated" / "zephyr" / "devicetree_generated.h"
    header.write_text(DEVICETREE)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """DEPLOY with headers and images, and builds of each node with its image linked in or not."""
    top = tmp_path_factory.mktemp("built")
    model = random_model(3, CONFIG, SplitConfig.even(CONFIG, NODES))
    export(model, top / "deploy", formats="both", flash_address=PARTITION.start)
    for node in range(NODES):
        name = f"node_{node:02}"
        program(top / "build" / "firmware" / name, f'#include "{top}/deploy/{name}/{HEADER}"')
        program(top / "flash" / name, "char cats_arena[64] = {1};")
    return top


@pytest.fixture
def desk(built, tmp_path, monkeypatch):
    """Three boards, what was built for them, and a stand-in for west."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    west = tmp_path / "west"
    west.write_text(WEST.format(log=tmp_path / "words"))
    west.chmod(0o755)
    space = workspace.Workspace(tmp_path, str(west), dict(os.environ))
    monkeypatch.setattr(workspace, "workspace", lambda: space)
    monkeypatch.chdir(tmp_path)
    write_map(*map(board, range(NODES)))
    return tmp_path


def flash(*words):
    return cli.main(["flash", "deploy", "--map", "map.yaml", *words])


def words_of(desk):
    """West's words, one call after the other, by folder."""
    lines = (desk / "words").read_text().splitlines()
    return sorted((line.split() for line in lines), key=lambda words: words[5])


def test_every_node_to_its_board(desk, capsys):
    assert flash("--json", "flash.json") == 0
    for node, words in enumerate(words_of(desk)):
        folder = str(desk / "build" / "firmware" / f"node_{node:02}")
        assert words == [
            "-m", "west", "flash", "--no-rebuild", "-d", folder, "--runner", "jlink",
            f"--dev-id=00{node}",
        ]  # fmt: skip
        assert "west flash" in (desk / folder / "firmware.log").read_text()
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 2 + NODES and out[3].split()[:4] == ["1", "001", "some_dk/soc", "firmware"]
    data = json.loads((desk / "flash.json").read_text())
    assert data["ok"] and [one["board"] for one in data["boards"]] == ["000", "001", "002"]
    assert {tuple(one["flashed"]) for one in data["boards"]} == {("firmware",)}


def test_images_of_sysbuild(desk):
    """West flashes all of them in one step; the model alone goes by the application's image."""
    for node in range(NODES):
        folder = desk / "flash" / f"node_{node:02}"
        shutil.copytree(folder, folder / "app")
        shutil.rmtree(folder / "zephyr")
        (folder / "build_info.yml").unlink()
        names = ("hci_ipc", "app")
        domains = [{"name": name, "build_dir": str(folder / name)} for name in names]
        (folder / "domains.yaml").write_text(
            yaml.safe_dump({"default": "app", "domains": domains, "flash_order": list(names)})
        )
    assert flash("-d", "flash", "-n", "1") == 0
    firmware, image = words_of(desk)
    assert firmware[4:] == ["-d", str(desk / "flash/node_01"), "--runner", "jlink", "--dev-id=001"]
    assert image[4:8] == ["-d", str(desk / "flash/node_01"), "--domain", "app"]
    assert image[-4:-1] == [
        str(desk / "deploy/node_01/cats_partition.hex"), "--file-type", "hex",
    ]  # fmt: skip


def test_dry_run_does_nothing(desk, capsys):
    assert flash("--dry-run", "-n", "2", "-d", "flash") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and all(line.startswith("node 2: ") for line in lines)
    assert lines[1].endswith("--file-type hex --dev-id=002") and not (desk / "words").exists()


def test_boards_that_fail(desk, capsys):
    """The others are flashed all the same; the table says why each was not."""
    write_map(board(0, id="bad"), board(1, id="slow", flash_timeout=1), board(2))
    assert flash("-j", "1", "--json", "-") == 1
    captured = capsys.readouterr()
    assert "firmware: no board there" in captured.out and "node_NN/*.log" in captured.err
    assert "firmware: not done in 1 s" in captured.out
    failed = [
        one["failed"] for one in json.loads(captured.out[captured.out.index("{") :])["boards"]
    ]
    assert failed[2] is None and None not in failed[:2]


def test_image_in_flash(desk):
    """Firmware and image, or the image alone, by each runner's own option for a file."""
    write_map(board(0), board(1, runner="nrfutil"), board(2, runner="pyocd"))
    assert flash("-d", "flash") == 0
    assert len(words_of(desk)) == 2 * NODES
    (desk / "words").unlink()
    assert flash("-d", "flash", "--image-only") == 0
    files = [str(desk / "deploy" / f"node_{n:02}" / "cats_partition.hex") for n in range(NODES)]
    assert [words[6:] for words in words_of(desk)] == [
        ["--runner", "jlink", "--file", files[0], "--file-type", "hex", "--dev-id=000"],
        ["--runner", "nrfutil", "--hex-file", files[1], "--dev-id=001"],
        ["--runner", "pyocd", "--hex-file", files[2], "--dev-id=002"],
    ]


@pytest.mark.parametrize(
    ("entries", "options"),
    [
        (dict(runner="openocd", product="STLINK-V3"), ["--cmd-pre-init", "hla_serial 007"]),
        (dict(runner="esp32"), ["--esp-device=007"]),
        (dict(runner="linkserver", probe_id="#1"), ["--probe=#1"]),
        (dict(runner="other", runner_params=["--which=7"]), ["--which=7"]),
    ],
)
def test_how_a_runner_is_told_the_board(desk, entries, options):
    write_map(board(7, connected=False), board(7, serial="/dev/ttyS7", **entries))
    (found,) = read_map(desk / "map.yaml")
    assert found.runner_options() == ["--runner", entries["runner"], *options]
    assert (found.serial, found.baud) == ("/dev/ttyS7", 115200)


def short_map(desk):
    write_map(board(0), board(1), board(2, connected=False))


def other_board(desk):
    write_map(board(0), board(1, platform=["other_dk", "third_dk"]), board(2))


def unknown_runner(desk):
    write_map(board(0, runner="mystery"), board(1), board(2))


def twice(desk):
    write_map(board(0), board(0), board(2))


def mistyped(desk):
    write_map(board(0), board(1, id=683), board(2))


def misnamed(desk):
    write_map(board(0, sreial="x"), board(1), board(2))


def no_runner(desk):
    entry = board(0)
    del entry["runner"]
    write_map(entry)


def no_list(desk):
    (desk / "map.yaml").write_text("boards: 3\n")


def no_yaml(desk):
    (desk / "map.yaml").write_text("[}\n")


def no_map(desk):
    (desk / "map.yaml").unlink()


def not_built(desk):
    shutil.rmtree(desk / "build" / "firmware" / "node_01")


def failed_build(desk):
    (desk / "build" / "firmware" / "node_01" / "zephyr" / "zephyr.elf").unlink()


def other_node(desk):
    folder = desk / "build" / "firmware"
    shutil.copy(folder / "node_00" / "zephyr" / "zephyr.elf", folder / "node_01" / "zephyr")


def other_deployment(desk):
    shutil.rmtree(desk / "deploy")
    split = SplitConfig.even(CONFIG, NODES)
    export(random_model(4, CONFIG, split), desk / "deploy", formats="both")


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (short_map, "has 2 connected boards, node 2 needs 3"),
        (other_board, "built for some_dk/soc, its board 001 is other_dk or third_dk"),
        (unknown_runner, "board 000: how the runner mystery chooses it is not known"),
        (twice, "000 is there twice"),
        (mistyped, "$[1].id: expected str, got int: put it in quotes"),
        (misnamed, "$[0].sreial: unknown, one of connected"),
        (no_runner, "$[0].runner: missing"),
        (no_list, "$: expected a list, got a mapping"),
        (no_yaml, "cannot be read as a hardware map"),
        (no_map, "--generate-hardware-map map.yaml"),
        (not_built, "no firmware in "),
        (failed_build, "its build failed: see its build.log"),
        (other_node, "node 1: the firmware in "),
        (other_deployment, "is not of this deployment: cats build"),
    ],
)
def test_bad_input(desk, capsys, break_it, reason):
    """Nothing is flashed to any board."""
    break_it(desk)
    assert flash() == 2
    err = capsys.readouterr().err
    assert err.startswith("cats: error: ") and reason in err and err.count("\n") == 1
    assert not (desk / "words").exists()


def moved_image(desk):
    file = desk / "deploy" / "node_01" / "cats_partition.hex"
    moved = IntelHex()
    moved.puts(PARTITION.start + 4096, b"CATS")
    moved.write_hex_file(str(file))


def no_image(desk):
    (desk / "deploy" / "node_01" / "cats_partition.hex").unlink()


def no_partition(desk):
    next((desk / "flash" / "node_01").rglob("devicetree_generated.h")).write_text("")


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (moved_image, "the firmware's partition is 0x82000 to 0x91fff: cats export --format image"),
        (no_image, "--flash-address 0x82000"),
        (no_partition, "has no partition cats_partition in its devicetree"),
    ],
)
def test_image_that_does_not_fit(desk, capsys, break_it, reason):
    break_it(desk)
    assert flash("-d", "flash") == 2
    assert reason in capsys.readouterr().err and not (desk / "words").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("-n", "3"), "--node 3: there are nodes 0 to 2"),
        (("--image-only",), "has its image linked in"),
    ],
)
def test_bad_options(desk, capsys, words, reason):
    assert flash(*words) == 2
    assert reason in capsys.readouterr().err


def test_it_stands_behind_build_in_the_help():
    assert cli.command_names().index("flash") == cli.command_names().index("build") + 1
