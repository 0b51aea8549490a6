# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Both demos end to end, cut short: what they leave, and whose folders they replace."""

import json

import pytest

from cats import demo_sensors, demo_story
from cats.cli import main
from cats.demo import FOLDER, KINDS, LOSSES, PLOT, PRICED, ROUNDS, SUMMARY, Demo, check_room, run
from cats.errors import CatsError
from cats.tasks import direction
from cats.tasks.digits import Digits


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """(folder, summary) of a demo of one epoch and few samples."""
    out = tmp_path_factory.mktemp("demo") / "out"
    arguments = ["--epochs", "1", "--samples", "4", "--nodes", "2", "-o", str(out)]
    assert main(["demo", "--task", "digits", *arguments]) == 0
    return out, json.loads((out / SUMMARY).read_text())


def test_summary_holds_every_figure(shown):
    out, summary = shown
    assert summary["task"] == "digits" and summary["nodes"] == 2 and summary["keep"] == 0.5
    assert summary["test_samples"] == 4 and summary["parameters"] > 10_000
    assert summary["equal_to_reference"] == {"clean": True, "lossy": True}
    assert len(summary["ram_bytes"]) == len(summary["flash_bytes"]) == 2
    alone = summary["single_device"]
    assert alone["flash_bytes"] > max(summary["flash_bytes"])
    assert set(summary["accuracy_float"]) == set(summary["accuracy_int8"]) == set(KINDS)
    for kind in KINDS:
        curves = summary["accuracy_by_loss"][kind]
        assert set(curves) == {f"repair_{rounds}" for rounds in ROUNDS}
        for curve in curves.values():
            assert [float(loss) for loss in curve] == list(LOSSES)
            assert curve["0"]["delivered"] == 1
            for point in curve.values():
                assert point["accuracy_least"] <= point["accuracy"] <= point["accuracy_largest"]
                assert point["energy_mj"] > 0
        for loss in map("{:g}".format, PRICED):  # repair costs time and energy
            bare, repaired = (curves[f"repair_{rounds}"][loss] for rounds in ROUNDS)
            assert bare["inference_us"] < repaired["inference_us"]
            assert bare["energy_mj"] < repaired["energy_mj"]
        assert list(summary["accuracy_by_silent_node"][kind]) == ["1"]
        assert curves["repair_0"]["0.2"]["delivered"] < curves["repair_2"]["0.2"]["delivered"]
    assert summary["seconds"]["total"] >= summary["seconds"]["train_plain"] > 0
    assert (out / PLOT).read_text().startswith("<?xml")
    assert (out / "deploy_plain" / "plan.json").exists()
    board = summary["board"]
    assert board["least_nodes"] == 1 and board["answer"]["one_board_fits"]
    assert board["answer"]["nodes"] == 2 and board["answer"]["times_energy_all"] > 2


@pytest.mark.parametrize("option", [{"nodes": 99}, {"radio": "lora"}, {"keep": 2}, {"epochs": 0}])
def test_nothing_is_removed_for_a_demo_that_cannot_be(option, tmp_path):
    (tmp_path / SUMMARY).write_text('{"accuracy_by_loss": {}}')
    with pytest.raises(CatsError):
        run(Demo(**option), tmp_path, force=True)
    assert (tmp_path / SUMMARY).exists()


def test_runs_are_trained_as_suits_the_task(shown):
    out, _ = shown
    for kind, message_dropout in KINDS.items():
        training = json.loads((out / f"run_{kind}" / "config.json").read_text())["training"]
        assert training["epochs"] == 1  # as asked for; the rest is the task's
        assert training["message_dropout"] == list(message_dropout)
        assert {name: training[name] for name in Digits.training if name != "epochs"} == {
            name: value for name, value in Digits.training.items() if name != "epochs"
        }


def test_only_its_own_files_are_replaced(shown, tmp_path):
    out, _ = shown
    (out / "run_plain" / "notes.txt").write_text("mine")
    check_room(out, force=False)
    FOLDER.clear(out)
    assert [path for path in out.rglob("*") if path.is_file()] == [out / "run_plain/notes.txt"]
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("mine")
    with pytest.raises(CatsError, match="holds something else"):
        check_room(foreign, force=False)
    with pytest.raises(CatsError, match="is a file"):
        check_room(foreign / "letter.txt", force=True)
    check_room(foreign, force=True)
    (foreign / SUMMARY).write_text('{"of": "another program"}')
    with pytest.raises(CatsError, match="summary.json is not of a demo"):
        check_room(foreign, force=True)
    assert (foreign / "letter.txt").exists()


@pytest.fixture
def few(monkeypatch):
    """Recordings of a test's length."""
    monkeypatch.setattr(direction, "PARTS", {"train": 64, "validation": 16, "test": 16})
    monkeypatch.setattr(direction, "PASS", 64)


def test_sensors(few, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["--epochs", "1", "--samples", "4", "--nodes", "4", "--jobs", "1", "-o", str(out)]
    assert main(["demo", *arguments]) == 0
    summary = json.loads((out / SUMMARY).read_text())
    assert summary["task"] == "direction" and summary["nodes"] == 4
    assert summary["test_samples"] == 4
    assert summary["seconds"]["processor"] > summary["seconds"]["train_joint"] / 4
    assert summary["equal_to_reference"] == {"clean": True, "lossy": True}
    curves = summary["accuracy_by_loss"]
    assert set(curves) == {"joint", "joint, 2 repair rounds", *demo_sensors.RIVALS}
    for curve in curves.values():
        assert [float(loss) for loss in curve] == list(demo_sensors.LOSSES)
        for point in curve.values():
            assert 0 <= point["accuracy_least"] <= point["accuracy"] <= point["accuracy_largest"]
            assert point["energy_mj"] > 0
    clean = {name: curve["0"] for name, curve in curves.items()}
    assert clean["best sensor"]["bytes_on_air"] == 0 < clean["late fusion"]["bytes_on_air"]
    assert clean["joint"]["bytes_on_air"] * 4 < clean["raw to a hub"]["bytes_on_air"]
    assert (
        curves["joint"]["0.2"]["bytes_on_air"]
        < curves["joint, 2 repair rounds"]["0.2"]["bytes_on_air"]
    )
    assert curves["best sensor"]["0"]["accuracy"] == curves["best sensor"]["0.2"]["accuracy"]
    keep = json.loads((out / "run_joint" / "config.json").read_text())["keep"]
    sent = [bool(any(sources)) for sources in keep]  # INPUT, a block's four, OUTPUT, RESULT
    assert sent == [False, False, False, True, False, True, True]
    told = capsys.readouterr().out
    assert "Joint, 4 nodes run one transformer:" in told and "cannot keep up" in told
    assert (out / PLOT).read_text().startswith("<?xml")
    check_room(out, force=False)  # a demo's own folder
    FOLDER.clear(out)
    assert [path for path in out.rglob("*") if path.is_file()] == []


def test_sensors_are_shared_evenly(few, tmp_path):
    for option in ({"nodes": 3}, {"radio": "lora"}, {"samples": 0}, {"epochs": 0}):
        with pytest.raises(CatsError):
            demo_sensors.run(demo_sensors.Demo(**option), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_it_ends_with_nodes_that_write(capsys, tmp_path):
    assert demo_story.run()
    said = capsys.readouterr().out
    assert "4 nodes that share a language model of 412,608 parameters" in said
    assert "10% of all packets are lost" in said and "\nROMEO:\n" in said
    assert "tokens a second" in said
    assert demo_story.run(deploy=tmp_path / "none")  # an installed package has no samples
    assert capsys.readouterr().out == ""
