# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Random command lines and damaged files: status 0, 1 or 2, for 2 one line that says why, never a
traceback, and nothing changes but what the command line named as an output.

All runs in this process. An epoch of training, the demo's simulations, serial ports and programs of
the system (an empty PATH) are stood in for. The cases are always the same; ``CATS_EXAMPLES=3000``
runs more.
"""

import argparse
import contextlib
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cats import cli, files
from cats.cli import main

pytest.importorskip("torch")
pytestmark = pytest.mark.no_cover

EXAMPLES = int(os.environ.get("CATS_EXAMPLES", "300"))
#: Longest time of one case, seconds.
LONGEST = 60
SEEDS = st.integers(0, 2**32 - 1)
#: Values for options and for what stands in files.
NASTY = (
    "nan", "inf", "-inf", "-1", "0", "-0.0", "1", "2", "3", "0.5", "1e300", "-1e300", "1e-320",
    "0x10", "16", "17", "99999999999999999999999", "", " ", "é☃", "a\nb", "../up", "a=b", "=", ",",
    "1:2", "0:0.3", "1,2", "0@0", "1@nan", "4:1:0", "0:1:1e-9", "true", "null", "[]", "{}",
    "x" * 300, "\udcff", "%s", "file", "missing", "folder", "RUN", "DEPLOY",
)  # fmt: skip
VALUES = (
    None, True, False, 0, -1, 1, 3, 0.5, 2**31, 2**63, 10**30, 1e300, float("nan"), float("inf"),
    "", "x", "1", "é☃", "a\nb", "a\0b", [], {}, [[]], [0], ["x"], {"x": 1}, [None] * 9,
)  # fmt: skip


def bounded(test):
    return settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )(test)  # fmt: skip


# The world


def _series(path, rows=160):
    rise = "\n".join(f"2024-01-01 {i // 60:02}:{i % 60:02},{np.sin(i / 3):.3f},{i}"
                     for i in range(rows))  # fmt: skip
    path.write_text(f"date,OT,load\n{rise}\n")


def _samples(path):
    lines = [
        f"{sample},{'up' if sample % 2 else 'down'},{(1 - 2 * (sample % 2)) * step}.5,{step}"
        for sample in range(24)
        for step in range(8)
    ]
    path.write_text("\n".join(["sample,label,x,y", *lines]) + "\n")


def _ts(path):
    rows = [
        ":".join([",".join(f"{(1 - 2 * (i % 2)) * s + i}" for s in range(8)), "ab"[i % 2]])
        for i in range(20)
    ]
    head = ["# waves", "@problemName waves", "@classLabel true a b", "@data"]
    path.write_text("\n".join(head + rows) + "\n")


TRAIN = [
    "train", "--task", "classify", "--patch", "4", "--features", "4", "--heads", "2",
    "--hidden", "4", "--blocks", "1", "--nodes", "2", "--epochs", "1",
]  # fmt: skip
TEXTS = {
    "own.py": """\
import numpy as np
from cats.tasks.arrays import ValueTask

class Slope(ValueTask):
    def __init__(self, count: int = 30, names: list[str] | None = None, spread: float = 1.0):
        slopes = np.linspace(-spread, spread, count)
        self.use(slopes[:, None, None] * np.arange(8)[:, None], slopes, patch=4)
""",
    "sweep.yaml": """\
task: classify
options: {data: data.csv, patch: 4}
nodes: 2
model: {features: 4, heads: 2, hidden: 4, blocks: 1}
training: {epochs: 1}
kinds:
  plain: {message_dropout: [0, 0]}
keep: [0.5]
seeds: [0]
losses: [0, 0.1]
""",
    "map.yaml": """\
- {connected: true, id: '683', platform: nrf52840dk/nrf52840, product: J-Link, runner: nrfjprog,
   serial: missing/tty0}
- {connected: true, id: '684', platform: nrf52840dk, product: J-Link, runner: nrfjprog,
   serial: missing/tty1, baud: 9600, fixtures: ['cats_power:true']}
""",
    "fleet.yaml": """\
group: 0000abcd
keys:
- {number: 3, key: 000102030405060708090a0b0c0d0e0f}
use: 3
radio: {channel: 15}
""",
    "links.csv": "0,1\n1,0.5\n0.75,1\n",
    "changes.csv": "0,*,*,0.1\n5,0,1,0.5\n# more\n7.5,1,0,1\n",
    "changes.json": '[{"at_ms": 0, "loss": 0.1}, {"at_ms": 5, "loss": [[0, 0.2], [0.3, 0]]}]',
    "watch.jsonl": """\
{"cats_monitor": 1}
{"time": 1.5, "port": "a", "node": {"runs": true, "node": 0, "uptime_ms": 5, "inferences": 3}}
{"time": 2.5, "port": "a", "node": {"runs": true, "node": 0, "uptime_ms": 1005, "inferences": 5, \
"microjoules": 8, "link_fragments": [0, 9], "link_lost": [0, 1], "last": {"class": 3, "lost": 1}}}
{"time": 3.5, "port": "a", "gone": "unplugged"}
""",
    "board.json": '{"board": "x", "clock_hz": 64000000, "ram": 262144, "flash": 1048576}',
}


def _vit():
    """A vision transformer in files: of tensors, as timm names them, and a folder as transformers
    writes it."""
    import torch
    from safetensors.torch import save_file

    shapes = {
        "cls_token": (1, 1, 8), "pos_embed": (1, 5, 8), "patch_embed.proj.weight": (8, 1, 2, 2),
        "norm.weight": (8,), "norm.bias": (8,), "head.weight": (2, 8),
        **{f"blocks.0.norm{i}.{part}": (8,) for i in (1, 2) for part in ("weight", "bias")},
        "blocks.0.attn.qkv.weight": (24, 8), "blocks.0.attn.proj.weight": (8, 8),
        "blocks.0.mlp.fc1.weight": (4, 8), "blocks.0.mlp.fc2.weight": (8, 4),
    }  # fmt: skip
    tensors = {name: torch.rand(shape) for name, shape in shapes.items()}
    Path("VIT").mkdir()
    save_file(tensors, "VIT/model.safetensors")
    torch.save(tensors, "vit.pth")
    config = {"num_attention_heads": 2, "image_size": 4, "id2label": {"0": "a", "1": "b"}}
    Path("VIT/config.json").write_text(json.dumps(config))
    images = {"image_mean": [0.5], "image_std": [0.5], "rescale_factor": 0.01}
    Path("VIT/preprocessor_config.json").write_text(json.dumps(images))


class NoWatch:
    """In place of boards on serial ports: somebody presses Ctrl-C at once."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def records(self, _):
        raise KeyboardInterrupt


#: What the demo's simulations would say.
SIMULATED = {
    "accuracy": 0.5, "accuracy_least": 0.4, "accuracy_largest": 0.6, "energy_mj": 1.0,
    "delivered": 1.0, "bytes_on_air": 9.0, "time_on_air_us": 9.0,
    "inference_us": 9.0, "equal_to_reference": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with a small run, a deployment and a file of every kind; the current folder."""
    from cats.training import loop

    folder = tmp_path_factory.mktemp("world")
    patch = pytest.MonkeyPatch()
    compiler, openssl = shutil.which("gcc"), shutil.which("openssl")
    patch.chdir(folder)
    _series(Path("series.csv"))
    _samples(Path("data.csv"))
    text = Path("data.csv").read_text()
    Path("load.csv").write_text(text.replace("up", "1.5").replace("down", "-2"))
    for part in ("TRAIN", "TEST"):
        _ts(Path(f"waves_{part}.ts"))
    for name, text in TEXTS.items():
        Path(name).write_text(text)
    _vit()
    Path("fleet.yaml").chmod(0o600)
    Path("file").write_text("a file")
    Path("folder").mkdir()
    Path("folder/thesis.txt").write_text("mine")
    if compiler:
        Path("main.c").write_text("int a[9] = {1}; int f(void) { return a[3]; }")
        command = [compiler, "-g", "-nostdlib", "-static", "-Wl,-e,f,-Map,node.map", "main.c"]
        subprocess.run([*command, "-o", "node.elf"], check=True)
    if openssl:
        command = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"
        subprocess.run([openssl, *command.split()], check=True, capture_output=True)
    with contextlib.redirect_stdout(io.StringIO()):
        assert main([*TRAIN, "--data", "data.csv", "-o", "RUN"]) == 0
        assert main(["export", "RUN", "-o", "DEPLOY", "--calibration", "4"]) == 0
    Path("empty").mkdir()
    patch.setenv("PATH", str(folder / "empty"))
    patch.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("matplotlib")))
    for name in ("ZEPHYR_BASE", "BSIM_OUT_PATH", "BSIM_COMPONENTS_PATH"):
        patch.delenv(name, raising=False)
    trained = loop._Session.run

    def run(self, out, *rest):
        self.training = types.SimpleNamespace(**{
            **vars(self.training), "epochs": 1, "qat": 0,
            "prune_at": dict, "budget_at": lambda _: {}, "rate": self.training.rate,
        })  # fmt: skip
        return trained(self, None, *rest)

    patch.setattr(loop._Session, "_epoch", lambda *_: 0.5)
    patch.setattr("cats.zephyr.workspace.find_zephyr", lambda: None)
    patch.setattr("cats.zephyr.monitor.Watch", NoWatch)
    for module in ("demo", "demo_sensors"):
        patch.setattr(f"cats.{module}.simulated", lambda *_: dict(SIMULATED))
    patch.setattr("cats.tasks.direction.PARTS", {"train": 64, "validation": 16, "test": 16})
    patch.setattr("cats.tasks.direction.PASS", 64)
    yield folder
    patch.undo()


def state(folder: Path) -> dict[str, tuple]:
    """What is in a folder but for ``out`` and Python's own."""
    found = {}
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("out", "__pycache__")]
        for name in [*names, *folders]:
            status = os.lstat(os.path.join(path, name))
            of_file = (status.st_size, status.st_mtime_ns) if name in names else ()
            found[os.path.join(path, name)] = (status.st_mode, *of_file)
    return found


def _late(*_):
    raise AssertionError(f"not done after {LONGEST} s")


def ends_well(world: Path, words: list[str]) -> int:
    """Run a command line and hold it against what this page promises; its status."""
    before, stdout, stderr = state(world), io.StringIO(), io.StringIO()
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(LONGEST)
    try:
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            try:
                status = main(words)
            except SystemExit as stop:
                status = stop.code
    except BaseException:
        print("cats", *map(repr, words), file=sys.stderr)
        raise
    finally:
        signal.alarm(0)
        shutil.rmtree(world / "out", ignore_errors=True)
    said = stderr.getvalue()
    case = f"cats {words!r}: {status}\n{said}"
    assert status in (0, 1, 2), case
    assert "Traceback" not in said, case
    if status == 2:
        last = said.splitlines()[-1]
        assert said.count("\n") == 1 or words[0] in NOTES, case
        assert last.startswith("cats: error: ") and len(last) > 20, case
    after = state(world)
    if "--resume" in words:  # a run of before gets the baselines' figures
        for found in (before, after):
            found.pop(str(world / "RUN" / "metrics.json"), None)
    assert after == before, case
    return status


#: Commands that may tell on stderr what became of each node, or what they took of the data, before
#: an error ends them.
NOTES = (
    "provision", "flash", "build", "test", "boards", "monitor", "footprint", "train", "evaluate",
    "sweep", "export", "simulate",
)  # fmt: skip

# Command lines

#: A good command line of each command.
GOOD = {
    "demo": ["-o", "out/demo", "--task=digits", "--nodes", "2", "--samples", "2", "--epochs", "1"],
    "import": ["VIT", "-o", "out/run"],
    "train": [*TRAIN[1:], "--data", "data.csv", "-o", "out/run"],
    "evaluate": ["RUN", "--loss", "0.1", "--repeats", "1"],
    "sweep": ["sweep.yaml", "-o", "out/sweep", "--jobs", "1"],
    "export": ["RUN", "-o", "out/deploy", "--calibration", "4"],
    "plan": ["--features", "8", "--tokens", "4", "--heads", "2", "--nodes", "1:2"],
    "links": ["links.csv", "-o", "out/links.csv"],
    "predict": ["DEPLOY", "data.csv"],
    "generate": ["RUN", "--steps", "2"],
    "simulate": ["DEPLOY", "--random-inputs", "--samples", "2"],
    "sign": ["DEPLOY", "--key", "missing.pem"],
    "build": ["DEPLOY", "-b", "native_sim", "-d", "out/build"],
    "flash": ["DEPLOY", "--map", "map.yaml", "--dry-run"],
    "provision": ["DEPLOY", "--map", "map.yaml", "--fleet", "fleet.yaml"],
    "monitor": ["--replay", "watch.jsonl"],
    "boards": ["DEPLOY", "--map", "out/map.yaml", "--folder", "out/boards", "-d", "out/build"],
    "footprint": ["node.elf"],
    "test": ["-O", "out/twister"],
}
#: Places of outputs: the only ones that a command line may change, or none.
OUTPUTS = (
    "out/a", "out/b/c", "out/x.json", "out/y.png", "out/z.svg", "-", "file/x", "", "/dev/null",
)  # fmt: skip
INPUTS = (*TEXTS, "data.csv", "series.csv", "waves_TRAIN.ts", "RUN", "DEPLOY", "DEPLOY/plan.json",
          "VIT", "vit.pth", "node.elf", "file", "folder", "missing")  # fmt: skip
#: Tasks, and options of theirs.
TASKS = ("digits", "forecast", "regression", "own:Slope", "own:np", "own", "gone:Task", "os:path")
TASK_OPTIONS = ("count=40", "count=3", "spread=0", "spread=x", "names=[a, 1]", "patch=4",
                "data=load.csv",
                "split_seed=-1", "fitted=1", "augment=perhaps", "count={a: [}")  # fmt: skip
WRITTEN = (files.output_file, files.output_folder, files.plot_file, files.json_file)


def actions_of(name: str) -> list[argparse.Action]:
    (commands,) = (
        action
        for action in cli.build_parser(name)._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return [a for a in commands.choices[name]._actions if not isinstance(a, argparse._HelpAction)]


def word(chance: random.Random, action: argparse.Action) -> str:
    if action.type in WRITTEN or action.dest == "fleet":
        return chance.choice(OUTPUTS)
    if action.dest in ("task", "task_option") and chance.random() < 0.8:
        return chance.choice(TASKS if action.dest == "task" else TASK_OPTIONS)
    if action.choices and chance.random() < 0.7:
        return str(chance.choice(list(action.choices)))
    if action.type is Path or action.dest in ("data", "board", "plan", "elf"):
        return chance.choice(INPUTS if chance.random() < 0.8 else NASTY)
    return chance.choice(NASTY)


def command_line(chance: random.Random, name: str) -> list[str]:
    words = list(GOOD[name])
    if chance.random() < 0.15 and words:
        del words[chance.randrange(len(words))]
    actions = actions_of(name)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 6))):
        action = chance.choice(actions)
        count = 0 if action.nargs == 0 else 1
        values = [word(chance, action) for _ in range(count)]
        if not action.option_strings:
            words[0:0] = values
        elif values and chance.random() < 0.3 and action.option_strings[-1].startswith("--"):
            words.append(f"{action.option_strings[-1]}={values[0]}")
        else:
            words += [chance.choice(action.option_strings), *values]
    return [name, *words]


@pytest.mark.parametrize("name", cli.command_names())
def test_command_lines(world, name):
    """``EXAMPLES`` in all, of the slow demo a few."""
    assert ends_well(world, [name, *GOOD[name]]) in (0, 1, 2)
    count = max(3, EXAMPLES // (60 if name == "demo" else 14))
    for seed in range(count):
        ends_well(world, command_line(random.Random(f"{name} {seed}"), name))


# Damaged files


def cut(chance: random.Random, data: bytes) -> bytes:
    begin, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return chance.choice((data[:begin], data[:begin] + data[end:], data[begin:]))


def flipped(chance: random.Random, data: bytes) -> bytes:
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    return bytes(made)


def inserted(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    what = chance.choice((b"\0", b"\xff\xfe", b"\n", b"[" * 5000, b'"', b",", b"-", b"1e999", data))
    return data[:at] + what + data[at:]


def other_word(chance: random.Random, data: bytes) -> bytes:
    """A number or a word of a text is another."""
    words = list(re.finditer(rb"[\w.+-]+", data))
    if not words:
        return inserted(chance, data)
    found = chance.choice(words)
    value = chance.choice(NASTY).encode("utf-8", "surrogateescape")
    return data[: found.start()] + value + data[found.end() :]


def other_value(chance: random.Random, data: bytes) -> bytes:
    """A value in JSON is another, missing, or there twice."""
    whole = json.loads(data)
    places = []

    def walk(part):
        for key in part if isinstance(part, dict) else range(len(part)):
            places.append((part, key))
            if isinstance(part[key], (dict, list)):
                walk(part[key])

    walk(whole)
    part, key = chance.choice(places)
    way = chance.random()
    if way < 0.25:
        del part[key]
    elif way < 0.35 and isinstance(part, dict):
        part[chance.choice(("new", "", key.upper(), "é"))] = part[key]
    elif way < 0.45 and isinstance(part, list):
        part.insert(key, part[key])
    elif way < 0.6 and isinstance(part[key], (int, float)):
        part[key] = chance.choice((-part[key], part[key] + 1, part[key] * 1000, str(part[key])))
    else:
        part[key] = chance.choice(VALUES)
    return json.dumps(whole).encode()


def damaged(chance: random.Random, name: str, data: bytes) -> bytes:
    ways = [cut, flipped, inserted]
    if not name.endswith((".safetensors", ".bin", ".elf", ".pth")):
        ways += [other_word] * 4
    if name.endswith(".json"):
        ways += [other_value] * 8
    return chance.choice(ways)(chance, data)


SIMULATE = "simulate DEPLOY --random-inputs --samples 1"
DATA = "--features 4 --heads 2 --hidden 4 --blocks 1 --nodes 2 --epochs 1 -o out/run"
#: What reads a file of each kind.
READERS = {
    "RUN/config.json": "evaluate RUN --loss 0 --repeats 1",
    "RUN/metrics.json": " ".join(TRAIN) + " --data data.csv -o RUN --resume",
    "RUN/model.safetensors": "evaluate RUN --loss 0 --repeats 1",
    "DEPLOY/plan.json": SIMULATE,
    "DEPLOY/integer.json": SIMULATE,
    "DEPLOY/integer.safetensors": SIMULATE,
    "DEPLOY/node_00/cats_partition.bin": SIMULATE,
    "DEPLOY/node_01/cats_partition.h": SIMULATE,
    "VIT/config.json": "import VIT -o out/run",
    "VIT/preprocessor_config.json": "import VIT -o out/run",
    "VIT/model.safetensors": "import VIT -o out/run",
    "vit.pth": "import vit.pth -o out/run --heads 2 --mean 0.5 --deviation 0.5",
    "waves_TRAIN.ts": f"train --task classify --data waves_TRAIN.ts --patch 4 {DATA}",
    "data.csv": f"train --task classify --data data.csv --patch 4 {DATA}",
    "load.csv": f"train --task regression --data load.csv --patch 4 {DATA}",
    "series.csv": "train --task forecast --data series.csv --target OT --context 8 --horizon 4 "
    f"--patch 4 {DATA}",
    "sweep.yaml": "sweep sweep.yaml -o out/sweep --jobs 1",
    "board.json": "plan --features 8 --tokens 4 --heads 2 --nodes 1:2 --board board.json",
    "links.csv": "links links.csv --hops 2",
    "changes.csv": f"{SIMULATE} --loss-in-time changes.csv",
    "changes.json": f"{SIMULATE} --loss-in-time changes.json",
    "map.yaml": "flash DEPLOY --map map.yaml --dry-run",
    "fleet.yaml": "provision DEPLOY --map map.yaml --fleet fleet.yaml",
    "watch.jsonl": "monitor --replay watch.jsonl",
    "node.elf": "footprint node.elf",
    "node.map": "footprint node.elf",
}


@pytest.mark.parametrize("name", READERS)
def test_damaged_files(world, name):
    path = world / name
    if not path.exists():
        pytest.skip("no compiler made one")
    good, status = path.read_bytes(), path.stat()
    words = READERS[name].split()
    assert ends_well(world, words) in (0, 1, 2)

    @bounded
    @given(SEEDS)
    def one(seed):
        path.write_bytes(damaged(random.Random(seed), name, good))
        ends_well(world, words)

    try:
        one()
    finally:
        path.write_bytes(good)
        path.chmod(status.st_mode)
