# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""From a deployment to simulated boards that are flashed, provisioned, running and watched."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from cats import cli
from cats.deploy.export import export
from cats.integer.random_models import random_model
from cats.shape.config import ModelConfig, SplitConfig
from cats.zephyr import bsim

pytestmark = [
    pytest.mark.slow,
    pytest.mark.bsim,
    pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
]
#: Boards: 16 take an hour to build on two processors.
NODES = int(os.environ.get("CATS_DESK_NODES", "3"))


def wait_for(text, path, seconds):
    until = time.monotonic() + seconds
    while text not in path.read_text():
        assert time.monotonic() < until, path.read_text()
        time.sleep(0.5)


def monitor(seconds, *words):
    """What is seen of the nodes, when each has ended an inference; a board simulates as fast as
    the machine has time, so ``seconds`` again and again until then."""
    for _ in range(10):
        command = ["monitor", "--map", "map.yaml", "--json", "watch.json", "--seconds", seconds]
        assert cli.main([*command, *words]) == 0
        nodes = json.loads(Path("watch.json").read_text())["nodes"]
        if all(one["inferences"] for one in nodes):
            break
    return nodes


def test_four_commands(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    config = ModelConfig(
        tokens_in=4, inputs=2 * NODES, outputs=3, features=2 * NODES, heads=NODES,
        hidden=2 * NODES, blocks=1, pool="mean",
    )  # fmt: skip
    model = random_model(3, config, SplitConfig.even(config, NODES))
    export(model, tmp_path / "deploy", radio="nrf_radio+secure")
    log = tmp_path / "boards.log"
    with log.open("w") as output:
        boards = subprocess.Popen(
            [sys.executable, "-m", "cats", "boards", "deploy", "--map", "map.yaml"],
            stdout=output, stderr=output,
        )  # fmt: skip
    try:
        wait_for("blank boards", log, 600 * NODES)
        assert cli.main(["flash", "deploy", "--map", "map.yaml"]) == 0
        fleet = ["--map", "map.yaml", "--fleet", "fleet.yaml"]
        assert cli.main(["provision", "deploy", *fleet, "--new", "--radio", "channel=40"]) == 0
        secret = yaml.safe_load(Path("fleet.yaml").read_text())["keys"][0]["key"]
        nodes = monitor("30", "--record", "watch.jsonl")
        assert [one["node"] for one in nodes] == list(range(NODES))
        for one in nodes:
            assert one["inferences"] > 0 and one["latency_us"] > 0, one
            assert one["lost"] == 0 and {link["lost"] for link in one["links"]} == {0}
            assert one["microjoules"] > 0 and one["class"] in range(3)
        # Nothing is missed while the key changes: every inference that ends has every fragment.
        assert cli.main(["provision", "deploy", *fleet, "--rotate"]) == 0
        nodes = monitor("20")
        assert all(one["lost"] == 0 and one["inferences"] > 0 for one in nodes)
        # What a board was given outlasts its reset.
        assert cli.main(["flash", "deploy", "--map", "map.yaml", "--node", "1"]) == 0
        nodes = monitor("30")
        assert all(one["inferences"] > 0 for one in nodes)
        said = "".join(capfd.readouterr()) + log.read_text()
        said += "".join(path.read_text(errors="replace") for path in Path("build").rglob("*.log"))
        assert secret not in said
    finally:
        boards.send_signal(signal.SIGINT)
        boards.wait(60)
    assert boards.returncode == 0 and "switched off" in log.read_text()
    ident = re.escape(str(tmp_path))
    left = subprocess.run(["pgrep", "-f", f"{ident}/build"], capture_output=True, text=True).stdout
    assert left == ""
