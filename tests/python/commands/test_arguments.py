# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Options that mean nothing, go nowhere or contradict each other: one line, exit status 2."""

import argparse
import json
import shutil
import time
import types
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from cats import arguments, cli
from cats.errors import CatsError
from cats.tasks import generator_of
from cats.training.run_folder import CONFIG, WEIGHTS, load_run

DEPLOY = str(Path(__file__).resolve().parents[3] / "samples/node/deploy")
SIMULATE = ["simulate", DEPLOY, "--random-inputs", "--samples", "1"]
TRAIN = ["train", "--task", "digits", "-o"]
SMALL = [
    "--features", "8", "--heads", "4", "--hidden", "8", "--blocks", "1", "--epochs", "1",
    "--batch", "256",
]  # fmt: skip


def outcome(capsys, *words):
    """(exit status, what stood on stderr)."""
    capsys.readouterr()
    try:
        status = cli.main([str(word) for word in words])
    except SystemExit as stop:
        status = stop.code
    return status, capsys.readouterr().err


def refused(capsys, *words):
    """The line with which a command line is refused."""
    status, said = outcome(capsys, *words)
    assert status == 2 and said.count("\n") == 1 and "error: " in said, said
    return said


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A RUN of a small model, half of whose columns are sent."""
    out = tmp_path_factory.mktemp("runs") / "RUN"
    assert cli.main([*TRAIN, str(out), *SMALL, "--keep", "0.5", "--prune-steps", "1"]) == 0
    return out


NUMBERS = {
    "simulate": (
        ["--drift", "1000000"], ["--drift", "nan"], ["--drift", "inf"], ["--drift", "1e9"],
        ["--samples", "-5"], ["--samples", "0"], ["--burst", "inf"], ["--burst", "nan"],
        ["--loss", "nan"], ["--loss", "0,2"], ["--kill", "0@nan"], ["--kill", "0@inf"],
        ["--kill", "99@1"], ["--kill", "1"], ["--restart", "-1@1"], ["--dead", "x"],
        ["--flip", "1.5"], ["--delay", "nan"], ["--duplicate", "-1"], ["--seed", "1.5"],
        ["--rounds", "9"], ["--neighbour", "nan"], ["--babble", "0@-1"], ["--samples", "1e3"],
    ),
    "train": (
        ["--threads", "100000"], ["--threads", "0"], ["--loss-rows", "-1"],
        ["--loss-payload", "1000000"], ["--epochs", "1000000000000"], ["--batch", "-1"],
        ["--batch", "99999999999999999999"], ["--lr", "nan"], ["--lr", "inf"], ["--lr", "0"],
        ["--features", "1000000000"], ["--blocks", "1000000"], ["--heads", "0"],
        ["--hidden", "-8"], ["--nodes", "17"], ["--patterns", "0"], ["--qat", "-1"],
        ["--dropout", "nan"], ["--dropout", "1"], ["--prune-steps", "0"],
        ["--air-budget", "0"], ["--seed", "today"], ["--keep", "nan"], ["--keep", "heads=2"],
        ["--message-dropout", "nan"], ["--message-dropout", "0.5:0.1"], ["--epochs", "9" * 5000],
    ),
    "evaluate": (["--repeats", "0"], ["--repeats", "1e3"], ["--loss", "nan"], ["--seed", "x"]),
    "export": (
        ["--payload", "0"], ["--tile-rows", "-1"], ["--slack", "nan"], ["--slack", "inf"],
        ["--calibration", "0"], ["--repair-rounds", "4"], ["--ram", "9" * 40], ["--ram", "-1"],
        ["--flash-address", "x"], ["--replicate", "heads"],
    ),
    "plan": (
        ["--features", "0"], ["--tokens", "99999"], ["--clock", "nan"], ["--clock", "0"],
        ["--keep", "0"], ["--keep", "inf"], ["--nodes", "0:99"], ["--blocks", "64"],
        ["--repair-rounds", "-1"],
    ),
    "demo": (["--nodes", "0"], ["--keep", "nan"], ["--epochs", "0"], ["--samples", "-1"]),
    "sweep": (["--jobs", "0"], ["--jobs", "-2"], ["--jobs", "100000"]),
    "build": (["--jobs", "-1"], ["--node", "16"]),
    "flash": (["--jobs", "100000"], ["--node", "-1"]),
    "monitor": (
        ["--period", "nan"], ["--period", "0"], ["--seconds", "inf"], ["--speed", "-1"],
        ["--baud", "0"],
    ),
    "footprint": (["--node", "x"], ["--ram", "lots"]),
    "test": (["--jobs", "-1"],),
}  # fmt: skip
FIRST = {
    "simulate": SIMULATE, "evaluate": ["evaluate", "RUN"], "export": ["export", "RUN", "-o", "D"],
    "plan": ["plan", "--features", "8", "--tokens", "8"], "demo": ["demo", "-o", "D"],
    "sweep": ["sweep", "none.yaml", "-o", "D"], "build": ["build", "D", "-b", "board"],
    "flash": ["flash", "D", "--map", "m"], "monitor": ["monitor", "--port", "p"],
    "footprint": ["footprint", "e"], "test": ["test"], "train": [*TRAIN, "RUN"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "words"), [(name, words) for name, many in NUMBERS.items() for words in many]
)
def test_a_number_is_bounded_or_refused(tmp_path, monkeypatch, capsys, command, words):
    monkeypatch.chdir(tmp_path)
    begin = time.monotonic()
    said = refused(capsys, *FIRST[command], *words)
    assert len(said) < 400 and time.monotonic() - begin < 60
    assert list(tmp_path.iterdir()) == []


def test_every_number_of_every_command_has_bounds():
    """No option takes whatever int() or float() take."""
    for name in cli.command_names():
        parser = cli.configure(argparse.ArgumentParser(), cli.load_command(name))
        bare = [a.dest for a in parser._actions if a.type in (int, float)]
        assert not bare, name


@pytest.mark.parametrize("drift", ["-10000", "10000", "0"])
def test_clocks_may_be_a_hundredth_wrong(capsys, drift):
    assert outcome(capsys, *SIMULATE, "--drift", drift)[0] in (0, 1)


CONTRADICTIONS = (
    (["plan", DEPLOY, "--features", "64"], "--features has no effect beside DEPLOY"),
    (["plan", DEPLOY, "--keep=0.5"], "--keep has no effect beside DEPLOY"),
    ([*TRAIN, "RUN", "--resume", "--force"], "--force has no effect beside --resume"),
    ([*TRAIN, "RUN", "--air-radio", "ble"], "--air-radio goes with --air-budget"),
    ([*TRAIN, "RUN", "--air-budget", "900", "--keep", "1"], "--keep has no effect beside --air-b"),
    ([*TRAIN, "RUN", "--air-budget", "9", "--prune-by", "taylor"], "--prune-by has no effect"),
    ([*TRAIN, "RUN", "--prune-scope", "gather"], "--prune-scope goes with --keep"),
    ([*TRAIN, "RUN", "--keep", "heads=.5,heads=.1"], "each kind once"),
    ([*TRAIN, "RUN", "--data", "x.csv"], "--data has no effect beside --task digits"),
    (["train", "--task", "forecast", "-o", "R", "--data", "x"], "needs --target COL"),
    (["evaluate", "RUN", "--int8-report", "--plot", "x.png"], "--plot has no effect beside --int8"),
    (["evaluate", "RUN", "--int8-report", "--loss", "0.1"], "--loss has no effect beside --int8-r"),
    (["evaluate", "RUN", "--written", "9", "--loss", "0"], "--loss has no effect beside --writ"),
    (["evaluate", "RUN", "--four-bits", "0.06"], "--four-bits goes with --written"),
    (["evaluate", "RUN", "--narrow-keys"], "--narrow-keys goes with --written"),
    (["generate", "RUN", "--integer", "--loss", "0.1"], "--loss has no effect beside --integer"),
    ([*SIMULATE, "--loss-in-time", "l", "--loss=0.1"], "--loss has no effect beside --loss-in-t"),
    ([*SIMULATE, "--links", "l", "--loss-in-time", "m"], "has no effect beside --loss-in-time"),
    ([*SIMULATE, "--loss", "0,0.1", "--trace", "t.json"], "--trace takes one --loss"),
    (["sign", DEPLOY, "--key", "k", "--public"], "DEPLOY has no effect beside --public"),
    (["boards", DEPLOY, "--map", "m", "--no-build", "-j2"], "--jobs has no effect beside --no-b"),
    (["flash", DEPLOY, "--map", "m", "--dry-run", "--json", "-"], "--json has no effect beside"),
    (["provision", DEPLOY, "--map", "m", "--fleet", "f", "--rotate", "--new"], "--new has no eff"),
    (["provision", DEPLOY, "--map", "m", "--fleet", "f", "--radio", "a=1"], "--radio goes with"),
    (["monitor", "--map", "m", "--baud", "9600"], "--baud goes with --port"),
    (["monitor", "--port", "p", "--speed", "2"], "--speed goes with --replay"),
    (["monitor", "--replay", "f", "--record", "g"], "--record has no effect beside --replay"),
    (["footprint", "elf", "--node", "1"], "--node goes with --plan"),
    (["test", "--hardware-map", "m"], "--hardware-map goes with --device-testing"),
)  # fmt: skip


@pytest.mark.parametrize(("words", "reason"), CONTRADICTIONS)
def test_options_that_contradict_each_other(tmp_path, monkeypatch, capsys, words, reason):
    monkeypatch.chdir(tmp_path)
    assert reason in refused(capsys, *words)
    assert list(tmp_path.iterdir()) == []


def test_rules_name_options_that_there_are():
    for name in cli.command_names():
        command = cli.load_command(name)
        parser = cli.configure(argparse.ArgumentParser(), command)
        known = {action.dest for action in parser._actions}
        for rules in (getattr(command, "CONFLICTS", {}), getattr(command, "NEEDS", {})):
            named = set(rules) | set(sum(rules.values(), ()))
            assert named <= known, name


def test_what_was_given_is_known():
    command = types.SimpleNamespace(
        HELP="x", CONFLICTS={"a": ("b",)}, NEEDS={"c": ("a", "b")}, run=lambda args: 0,
        add_arguments=lambda p: [p.add_argument("-a", "--a", type=int, default=1),
                                 p.add_argument("--b", action="store_true"),
                                 p.add_argument("--c"), p.add_argument("file", nargs="?")],
    )  # fmt: skip
    parser = cli.configure(argparse.ArgumentParser(allow_abbrev=False), command)
    for words, given in (
        ([], {}),
        (["-a1"], {"a": "--a"}),
        (["--a=1", "f"], {"a": "--a", "file": "FILE"}),
        (["--c", "x", "--", "--b"], {"c": "--c", "file": "FILE"}),
    ):
        assert parser.parse_args(words).given == given
    arguments.check(command, parser.parse_args(["--a", "1"]))
    with pytest.raises(CatsError, match="--b has no effect beside --a: leave one of them out"):
        arguments.check(command, parser.parse_args(["--b", "-a", "1"]))
    with pytest.raises(CatsError, match="--c goes with --a or --b"):
        arguments.check(command, parser.parse_args(["--c", "1"]))


def test_any_whole_number_is_a_seed(tmp_path, capsys):
    """Of `date +%s%N`, of 64 bits and beyond; equal seeds give equal runs, others do not."""
    seeds = ("1764270000123456789", str(2**64 - 1), "-7", str(10**30))
    weights = {}
    for seed in seeds:
        out = tmp_path / seed
        assert cli.main([*TRAIN, str(out), *SMALL, "--seed", seed]) == 0
        weights[seed] = load_file(out / WEIGHTS)["head.weight"]
        assert json.loads((out / CONFIG).read_text())["training"]["seed"] == int(seed) % 2**64
        assert (
            outcome(capsys, "evaluate", out, "--loss", "0.1", "--repeats", "2", "--seed", seed)[0]
            == 0
        )
        assert outcome(capsys, *SIMULATE, "--seed", seed, "--loss", "0.1")[0] == 0
    assert not any(torch.equal(weights[a], weights[b]) for a in seeds for b in seeds if a != b)
    again = generator_of(-7), generator_of(2**64 - 7)
    assert len({generator.initial_seed() for generator in again}) == 1


def test_what_is_pruned_does_not_come_back(trained, tmp_path, capsys):
    words = [*TRAIN, tmp_path / "out", *SMALL, "--init", trained]
    assert "what is pruned does not come back" in refused(capsys, *words, "--keep", "1")
    assert "does not come back" in refused(capsys, *words, "--keep", "heads=0.5")
    assert not (tmp_path / "out").exists()
    assert outcome(capsys, *words)[0] == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(trained, tmp_path, capsys, value):
    run = tmp_path / "RUN"
    shutil.copytree(trained, run)
    tensors = load_file(run / WEIGHTS)
    tensors["head.bias"][0] = value
    save_file(tensors, run / WEIGHTS, {"format": "1"})
    for words in (
        ["evaluate", run, "--loss", "0"],
        ["evaluate", run, "--model", "int8", "--loss", "0"],
        ["export", run, "-o", tmp_path / "DEPLOY"],
    ):
        assert "head.bias holds NaN or infinity: train again" in refused(capsys, *words)
    with pytest.raises(CatsError, match="NaN or infinity"):
        load_run(run)
    assert not (tmp_path / "DEPLOY").exists()


def test_a_model_that_this_machine_cannot_hold(tmp_path, capsys):
    big = ["--features", "4096", "--hidden", "4096", "--heads", "8", "--blocks", "63"]
    assert "GiB to train, this machine has" in refused(capsys, *TRAIN, tmp_path / "RUN", *big)


def test_of_dead_nodes_there_is_nothing_to_tell(tmp_path, capsys):
    """Nobody is on: no share was delivered, and no result compared."""
    nodes = len(json.loads(Path(DEPLOY, "plan.json").read_text())["nodes"])
    dead = [word for node in range(nodes) for word in ("--kill", f"{node}@0")]
    file = tmp_path / "figures.json"
    assert cli.main([*SIMULATE, *dead, "--json", str(file)]) == 0
    (result,) = json.loads(file.read_text())["results"]
    row = result["columns"]
    for name in ("delivered", "equal", "ms", "mJ"):
        assert row[name] is None, name
    assert row["results"] == 0
    header, _, line = capsys.readouterr().out.splitlines()[-3:]
    begin = header.index("delivered")
    assert line[begin : begin + len("delivered")].strip() == "-"
