# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats provision`` on boards that are shells over pseudo-terminals: what they keep, what is said
where one is not what it should be, and that keys are nowhere but in the file and on the boards."""

import json
import os
import stat
from pathlib import Path

import pytest
import yaml

from cats import cli
from cats.deploy.export import export
from cats.integer.random_models import random_model
from cats.shape.config import ModelConfig, SplitConfig
from cats.zephyr import fleet as fleets
from stand_in_board import Board

NODES = 3
CONFIG = ModelConfig(
    tokens_in=3, inputs=4, outputs=3, features=6, heads=3, hidden=6, blocks=1, pool="mean"
)


@pytest.fixture(scope="module")
def deployments(tmp_path_factory):
    top = tmp_path_factory.mktemp("deployments")
    model = random_model(3, CONFIG, SplitConfig.even(CONFIG, NODES))
    export(model, top / "sealed", radio="ieee802154+secure")
    export(model, top / "plain", radio="ieee802154")
    return top


class Desk:
    """Three boards, their map, and both deployments."""

    def __init__(self, top, folder):
        self.top, self.commands = top, []
        model = json.loads((top / "sealed" / "plan.json").read_text())["model_id"]
        self.boards = [Board(n, NODES, model, commands=self.commands) for n in range(NODES)]
        self.write_map(folder)

    def write_map(self, folder):
        entries = [
            {"connected": True, "id": f"00{n}", "platform": "some_dk/soc", "product": "J-Link",
             "runner": "jlink", "serial": board.port}
            for n, board in enumerate(self.boards)
        ]  # fmt: skip
        (folder / "map.yaml").write_text(yaml.safe_dump(entries))

    def provision(self, *words, deploy="sealed"):
        return cli.main(
            ["provision", str(self.top / deploy), "--map", "map.yaml", "--fleet", "fleet.yaml",
             *words]
        )  # fmt: skip


@pytest.fixture
def desk(deployments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = Desk(deployments, tmp_path)
    yield found
    for board in found.boards:
        board.close()


def fleet():
    return yaml.safe_load(Path("fleet.yaml").read_text())


def test_a_new_fleet_reaches_every_board_and_nobody_else(desk, capfd):
    assert desk.provision("--new", "--radio", "channel=15", "--json", "out.json") == 0
    made = fleet()
    secret = made["keys"][0]["key"]
    assert stat.S_IMODE(os.stat("fleet.yaml").st_mode) == 0o600
    assert len(secret) == 32 and int(made["group"], 16) != 0 and made["radio"]["channel"] == 15
    for board in desk.boards:
        assert board.runs and board.group_now == int(made["group"], 16)
        assert board.keys == {1: bytes.fromhex(secret)} and board.use == 1
        assert board.radio["channel"] == 15 and board.radio["pan"] == made["radio"]["pan"]
    said = capfd.readouterr()
    report = json.loads(Path("out.json").read_text())
    assert report["ok"] and [one["node"] for one in report["boards"]] == [0, 1, 2]
    for text in (said.out, said.err, json.dumps(report), repr(desk.commands)):
        assert secret not in text and secret[:16] not in text
    for board in desk.boards:
        assert secret.encode() not in board.said
    assert said.out.count("provisioned") == NODES


def test_again_changes_nothing_and_a_second_fleet_is_another(desk):
    assert desk.provision("--new") == 0
    before = Path("fleet.yaml").read_text()
    assert desk.provision() == 0
    assert Path("fleet.yaml").read_text() == before
    os.rename("fleet.yaml", "first.yaml")
    assert desk.provision("--new") == 0
    assert fleet()["keys"] != yaml.safe_load(before)["keys"]
    assert desk.boards[2].keys == {1: bytes.fromhex(fleet()["keys"][0]["key"])}


def test_keys_that_are_not_in_the_file_are_forgotten(desk):
    desk.boards[1].keys = {7: bytes(16), 9: bytes(16)}
    desk.boards[1].use = 9
    assert desk.provision("--new") == 0
    assert list(desk.boards[1].keys) == [1] and desk.boards[1].use == 1


def test_the_log_may_speak_meanwhile(desk):
    for board in desk.boards:
        board.noise = True
    assert desk.provision("--new") == 0


def test_a_board_that_is_not_the_one_gets_no_key(desk, capsys):
    desk.boards[0].model = "deadbeef"
    desk.boards[1].node = 2
    assert desk.provision("--new", "--json", "-") == 1
    out = capsys.readouterr().out
    report = json.loads(out[out.index("{\n") :])
    whys = [one["failed"] for one in report["boards"]]
    assert "it has model deadbeef, the deployment is" in whys[0] and "cats flash" in whys[0]
    assert "it is node 2, the map says 1" in whys[1] and whys[2] is None
    assert desk.boards[0].keys == desk.boards[1].keys == {} and desk.boards[2].keys
    # The right board alone.
    desk.boards[1].node = 1
    assert desk.provision("--node", "1") == 0
    assert desk.boards[1].keys == desk.boards[2].keys


def test_boards_that_refuse_or_are_gone_are_told_each(desk, capsys):
    desk.boards[0].refuses["cats start"] = "it is planned for another radio than ble"
    desk.boards[1].secure = False
    desk.boards[2].refuses["cats radio"] = "ieee802154 has no settings"
    assert desk.provision("--new") == 1
    said = capsys.readouterr().err
    assert "node 0: cats start: it is planned for another radio than ble" in said
    assert "node 1: cats key set 1: is the firmware built with CONFIG_CATS_SECURE?" in said
    assert "node 2: cats radio pan" in said and "ieee802154 has no settings" in said
    entries = yaml.safe_load(Path("map.yaml").read_text())
    entries[0]["serial"] = "/dev/none"
    del entries[1]["serial"]
    Path("map.yaml").write_text(yaml.safe_dump(entries))
    assert desk.provision() == 1
    said = capsys.readouterr().err
    assert "cannot open /dev/none" in said and "the map has no serial port of it" in said


def test_a_plain_deployment_has_no_key(desk, capsys):
    model = json.loads((desk.top / "plain" / "plan.json").read_text())["model_id"]
    for board in desk.boards:
        board.model, board.secure = model, False
    assert desk.provision("--new", deploy="plain") == 0
    assert set(fleet()) == {"group", "radio"}
    assert not any("key" in command for _, command in desk.commands)
    assert desk.provision("--rotate", deploy="plain") == 2
    assert "there is no key to change" in capsys.readouterr().err


def test_rotating_waits_for_all_at_each_step(desk):
    assert desk.provision("--new") == 0
    old = fleet()["keys"][0]["key"]
    desk.commands.clear()
    assert desk.provision("--rotate") == 0
    made = fleet()
    assert made["use"] == 2 and [one["number"] for one in made["keys"]] == [2]
    new = bytes.fromhex(made["keys"][0]["key"])
    assert new.hex() != old
    for board in desk.boards:
        assert board.keys == {2: new} and board.use == 2 and board.runs
    steps = [c.split()[2] for _, c in desk.commands if c.startswith("cats key ") and " " in c[9:]]
    assert steps == ["set"] * NODES + ["use"] * NODES + ["forget"] * NODES
    assert not any(command.startswith(("cats stop", "cats start")) for _, command in desk.commands)


def test_rotating_goes_on_where_it_ended(desk, capsys):
    assert desk.provision("--new") == 0
    desk.boards[1].refuses["cats key set"] = "the settings or the crypto library fail (-5)"
    assert desk.provision("--rotate") == 1
    assert "it goes on where it ended" in capsys.readouterr().err
    # Nobody seals with what one of them cannot open.
    assert {board.use for board in desk.boards} == {1}
    waiting = fleet()
    assert waiting["use"] == 1 and [one["number"] for one in waiting["keys"]] == [1, 2]
    desk.boards[1].refuses.clear()
    desk.boards[2].refuses["cats key forget"] = "the settings or the crypto library fail (-5)"
    assert desk.provision("--rotate") == 1
    assert {board.use for board in desk.boards} == {2} and fleet()["use"] == 2
    desk.boards[2].refuses.clear()
    assert desk.provision("--rotate") == 0
    # The key that was made at first, not a third one.
    assert fleet()["keys"] == waiting["keys"][1:]
    assert all(list(board.keys) == [2] for board in desk.boards)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"group": 5}, "$.group: expected str, got int: put it in quotes"),
        ({"group": "1g"}, "$.group: expected str matching regex"),
        ({"keys": [{"number": 256, "key": "0" * 32}]}, "$.keys[0].number: expected int <= 255"),
        ({"keys": [{"number": 1, "key": "00"}]}, "$.keys[0].key: expected str matching regex"),
        ({"use": 9}, "$.use: the number of one of the keys"),
        ({"radio": {"channel": 99}}, "channel is 99, a number from 11 to 26"),
        ({"radio": {"address": 1}}, "'address' is no setting of ieee802154"),
        ({"more": 1}, "$.more: unknown, one of group, keys, use, radio"),
    ],
)
def test_what_is_no_fleet_file(desk, capsys, change, words):
    assert desk.provision("--new") == 0
    fleets_text = yaml.safe_dump(fleet() | change)
    Path("fleet.yaml").write_text(fleets_text)
    capsys.readouterr()
    assert desk.provision() == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_a_file_that_others_may_read_is_refused(desk, capsys):
    assert desk.provision("--new") == 0
    os.chmod("fleet.yaml", 0o640)
    assert desk.provision() == 2
    assert "others may read it: chmod 600 fleet.yaml" in capsys.readouterr().err
    os.chmod("fleet.yaml", 0o600)
    Path("fleet.yaml").write_text("key: [0011")
    assert desk.provision() == 2
    said = capsys.readouterr().err
    assert "neither YAML nor JSON" in said and "0011" not in said


def test_options_that_do_not_go_together(desk, capsys):
    assert desk.provision() == 2
    assert "no fleet file fleet.yaml: --new makes one" in capsys.readouterr().err
    assert desk.provision("--radio", "channel=15") == 2
    assert desk.provision("--rotate", "--node", "1") == 2
    assert desk.provision("--new", "--radio", "channel=x") == 2
    assert "a name and a number are wanted" in capsys.readouterr().err
    assert desk.provision("--new", "--radio", "channel=27") == 2
    assert not os.path.exists("fleet.yaml")
    assert desk.provision("--new") == 0
    assert desk.provision("--new") == 2
    assert "is there already" in capsys.readouterr().err


def test_json_is_a_fleet_file_too(tmp_path):
    made = fleets.make("nrf_radio", True, {"power": -8})
    path = tmp_path / "fleet.json"
    fleets.write(path, made, new=True)
    assert json.loads(path.read_text())["radio"]["power"] == -8
    assert fleets.read(path, "nrf_radio") == made
    assert made.keys[0].secret.hex() not in repr(made)
