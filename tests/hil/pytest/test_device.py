# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Drives a device by its shell and compares what it answers with the integer reference.

The device is whatever Twister gives: native_sim, QEMU, or a board by its serial port; one launch
(one flashing) for all tests. Nothing but Python's own library is needed here: the reference's
answers are in expected.json.
"""

import base64
import json
import re
from pathlib import Path

import pytest
from twister_harness import DeviceAdapter, Shell

EXPECTED = json.loads((Path(__file__).parent / "expected.json").read_text())
NODES = range(EXPECTED["nodes"])
#: Golden cases linked into the firmware: those of CMakeLists.txt and the module's own.
GOLDEN = {
    "four_empty_gathers", "four_even", "four_held", "four_mean_of_norm", "four_own_embedding",
    "four_some_sense", "four_stem", "one_node", "one_token", "sixteen", "three_mean_of_norm",
    "three_own_layers",
    "three_segments", "three_wild", "two_causal", "two_class", "two_linear", "two_stem_single",
}  # fmt: skip


class Device:
    """The shell command ``cats`` of a device."""

    def __init__(self, shell: Shell, slowdown: int):
        self.shell = shell
        self.slowdown = slowdown

    def cats(self, command: str, timeout: float = 60) -> str:
        """What the device says to ``cats COMMAND``."""
        return self.say(f"cats {command}", timeout)

    def say(self, command: str, timeout: float = 60) -> str:
        """What the device says to a command."""
        said = self.shell.exec_command(command, timeout=timeout)
        lines = self.shell.get_filtered_output(said)
        plain = [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line).strip() for line in lines]
        return "\n".join(filter(None, plain))

    def infer(self, sample: int) -> dict:
        """Run an input of expected.json at the current node; what it shows, by name."""
        return parse(self.cats(f"infer base64 {EXPECTED['samples'][sample]}"))

    def listen(self) -> None:
        """What has started takes part in the next inference, but not in one before."""
        self.say(f"kernel sleep {EXPECTED['silence_us'] * self.slowdown // 1000 + 1}")

    def restart(self, seed: int = 0, first: int = 0, ppm: int = 0) -> None:
        """All nodes anew, at inference 0, losing frames of the nodes from ``first`` on."""
        self.cats("loss 0")
        self.cats(f"loss seed {seed}")
        for source in NODES:
            if source >= first and ppm:
                self.cats(f"loss {ppm / 10_000:.4f} {source}")
        for node in NODES:
            self.cats(f"use {node}")
            self.cats("stop")
        for node in NODES:
            self.cats(f"use {node}")
            assert self.cats("start") == ""
        self.listen()
        self.cats("use 0")
        self.cats("infer add")


def parse(said: str) -> dict:
    """inference, node, lost, fragments, missing, output and class of what ``cats infer`` says."""
    first = re.search(
        r"^inference (\d+) node (\d+): lost (\d+) of (\d+) fragments, (\d+) outputs missing,",
        said,
        re.MULTILINE,
    )
    output = re.search(r"^output((?: -?\d+)+)$", said, re.MULTILINE)
    best = re.search(r"^class (\d+|none)", said, re.MULTILINE)
    assert first and output and best, f"no result in: {said}"
    names = ("inference", "node", "lost", "fragments", "missing")
    return {
        **dict(zip(names, map(int, first.groups()))),
        "output": [int(value) for value in output[1].split()],
        "class": None if best[1] == "none" else int(best[1]),
    }


def table(said: str) -> dict[str, list[int]]:
    """{gather: its numbers} of what ``cats stats`` says."""
    lines = [line.split() for line in said.splitlines()]
    return {
        words[0]: [int(value) for value in words[1:]]
        for words in lines
        if len(words) == 9 and words[1].isdigit()
    }


@pytest.fixture
def device(shell: Shell, dut: DeviceAdapter) -> Device:
    """The device, its nodes just started, nothing lost, node 0 selected."""
    config = (dut.device_config.app_build_dir / "zephyr" / ".config").read_text()
    found = Device(shell, int(re.search(r"^CONFIG_CATS_LOOPBACK_SLOWDOWN=(\d+)", config, re.M)[1]))
    found.restart()
    return found


def test_info(device):
    said = device.cats("info")
    for node in NODES:
        mark = "*" if node == 0 else ""
        assert f"{mark}{node} cats_local_{node} on loopback: runs" in said.splitlines(), said
        model = EXPECTED["model_id"]
        assert f"node {node} of {len(NODES)} in group 0, model {model}, format" in said
    shape = f"input {EXPECTED['tokens']} x {EXPECTED['inputs']}, "
    assert said.count(shape) == len(NODES)
    assert said.count(f"output 1 x {EXPECTED['outputs']}") == len(NODES)


@pytest.mark.parametrize("node", NODES)
def test_every_output_byte_with_nothing_lost(device, node):
    device.cats(f"use {node}")
    for number, want in enumerate(EXPECTED["clean"]):
        got = device.infer(number)
        assert got == want | {
            "inference": number,
            "node": node,
            "fragments": EXPECTED["fragments"][node],
        }


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("case", EXPECTED["losses"], ids=lambda c: f"{c['ppm']}ppm")
def test_every_output_byte_with_losses(device, case, node):
    """Equal seeds lose equal frames: each node gives the bytes that the reference gives it."""
    device.restart(case["seed"], case["first"], case["ppm"])
    device.cats(f"use {node}")
    for number, want in enumerate(case["results"]):
        got = device.infer(number)
        assert got == want[node] | {
            "node": node,
            "fragments": EXPECTED["fragments"][node],
        }


def test_inputs_in_hexadecimal_and_in_pieces(device):
    sample = base64.b64decode(EXPECTED["samples"][1])
    want = EXPECTED["clean"][1]["output"]
    assert parse(device.cats(f"infer hex {sample.hex()}"))["output"] == want
    assert device.cats("infer add") == ""
    for at in range(0, len(sample), 12):
        piece = sample[at : at + 12]
        said = device.cats(f"infer add {base64.b64encode(piece).decode()}")
        assert said == f"{at + len(piece)} bytes"
    assert parse(device.cats("infer run"))["output"] == want
    assert "0 bytes given" in device.cats("infer run")


def test_another_input_gives_another_output(device):
    """Comparisons that always hold prove nothing."""
    outputs = [device.infer(number)["output"] for number in range(len(EXPECTED["samples"]))]
    assert len({tuple(output) for output in outputs}) == len(outputs)
    assert parse(device.cats("infer zeros"))["output"] not in outputs


def test_stats(device):
    assert "cats_local_0: 0 inferences, 0 takeovers" in device.cats("stats")
    device.infer(0)
    device.infer(1)
    said = device.cats("stats")
    assert "cats_local_0: 2 inferences, 0 takeovers, 0 frames not sent, 0 dropped" in said
    rows = table(said)
    assert {"attention", "heads", "forward", "hidden", "result"} <= set(rows)
    exchanges, _, heard, repaired, lost = (
        sum(row[column] for row in rows.values()) for column in range(5)
    )
    assert exchanges > 0
    assert (heard, repaired, lost) == (2 * EXPECTED["fragments"][0], 0, 0)

    # Once more, with frames lost: every fragment is either heard or lost.
    case = EXPECTED["losses"][1]
    device.restart(case["seed"], case["first"], case["ppm"])
    device.infer(0)
    said = device.cats("stats")
    rows = table(said).values()
    assert sum(row[4] for row in rows) == case["results"][0][0]["lost"]
    assert sum(row[2] + row[4] for row in rows) == EXPECTED["fragments"][0]
    assert int(re.search(r"(\d+) dropped on purpose", said)[1]) >= case["results"][0][0]["lost"]


def test_loss(device):
    zeros = " ".join(["0.0000"] * len(NODES))
    assert f"cats_local_3: per cent by source {zeros}, seed 0" in device.cats("loss")
    assert "cats_local_1: per cent by source 0.0000 12.5000 0.0000 0.0000, seed 0" in device.cats(
        "loss 12.5 1"
    )
    said = device.cats("loss 3 2 0")
    assert "cats_local_0: per cent by source 0.0000 12.5000 3.0000 0.0000" in said
    assert "cats_local_1: per cent by source 0.0000 12.5000 0.0000 0.0000" in said
    assert device.cats("loss seed 42") == ""
    assert device.cats("loss").count("seed 42") >= len(NODES)


def test_selftest_of_every_golden_case(device):
    """In the arena of the instance that never runs, which is large enough for all."""
    device.cats(f"use {len(NODES)}")
    said = device.cats("selftest", timeout=120)
    right = re.findall(r"^(\w+): \d+ nodes, 3 runs: every byte is right$", said, re.MULTILINE)
    assert set(right) == GOLDEN, said
    assert "self test passed" in said
    assert "skipped" not in said


def test_selftest_of_a_node_that_runs(device):
    device.cats("use 1")
    before = device.infer(0)
    said = device.cats("selftest", timeout=120)
    assert "self test passed" in said, said
    times = re.search(r"^computing of one inference: (\d+) us$", said, re.MULTILINE)
    assert times, said
    print(f"computing of one inference: {times[1]} us")
    # It runs again, and its arena holds nothing of the test.
    device.listen()
    assert device.infer(0) == before | {"inference": 1}


def test_stop_and_start(device):
    device.cats("use 2")
    assert device.cats("stop") == ""
    assert "2 cats_local_2 on loopback: stopped" in device.cats("info")
    assert "does not run" in device.cats("stop")
    assert "does not run" in device.cats("infer zeros")
    # Without it the others go on, and lack what it would have sent.
    device.cats("use 0")
    got = device.infer(0)
    assert got["lost"] > 0
    device.cats("use 2")
    assert device.cats("start") == ""
    assert "runs already" in device.cats("start")
    device.restart()
    assert device.infer(0)["output"] == EXPECTED["clean"][0]["output"]


BYTES = EXPECTED["tokens"] * EXPECTED["inputs"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("infer hex 00", f"1 bytes given, the model takes {EXPECTED['tokens']} x"),
        (f"infer hex {'00' * (BYTES + 1)}", f"{BYTES + 1} bytes given"),
        (f"infer hex {'00' * 65}", "at most 64 bytes in all"),
        ("infer hex 0", "in pairs"),
        ("infer hex zz", "in pairs"),
        ("infer base64 !!!!", "base64 is wanted"),
        ("infer sample 0", "no samples"),
        ("infer run", "0 bytes given"),
        ("loss 101", "per cent from 0 to 100"),
        ("loss 1 99", f"whole number from 0 to {EXPECTED['nodes'] - 1}"),
        ("loss seed many", "whole number"),
        ("use 5", "no instance 5"),
        ("use all", "whole number"),
    ],
)
def test_errors_are_told_and_change_nothing(device, command, reason):
    assert reason in device.cats(command)
    assert device.infer(0)["output"] == EXPECTED["clean"][0]["output"]


@pytest.mark.parametrize("command", ["nothing", "infer nothing", "infer hex", "info more"])
def test_wrong_commands_show_help(device, command):
    """An unknown sub-command, too few and too many arguments."""
    said = device.cats(command)
    assert re.search(r"help|wrong parameter count|not found|Subcommands", said), said
    assert "lost" not in said


@pytest.mark.parametrize("command", ["info", "infer", "stats", "loss", "selftest"])
def test_every_command_has_help(device, command):
    said = device.cats(f"{command} --help")
    assert said.startswith(command) or f"{command} -" in said, said
    assert len(said) > 20
