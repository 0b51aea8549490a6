# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A task of one's own: the documented one goes through every command, a wrong one is told in one
line."""

import json
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from cats import cli, tasks
from cats.errors import CatsError
from cats.tasks import registry
from cats.training.run_folder import load_run
from command_line import status

EXAMPLE = Path(__file__).resolve().parents[3] / "doc/examples/own_task.py"
TASK = "own_task:Bearings"
SMALL = ["--features", 8, "--heads", 4, "--hidden", 8, "--blocks", 1, "--nodes", 2, "--epochs", 8]
LONGER = ["--epochs", 30, "--lr", 0.02]
SWEEP = """\
task: own_task:Bearings
options: {count: 60, noise: 0.5}
nodes: 2
model: {features: 8, heads: 4, hidden: 8, blocks: 1}
training: {epochs: 1}
kinds: {plain: {message_dropout: 0}}
seeds: [0]
losses: [0]
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder; modules that are imported from it are forgotten."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != ""])
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def refused(capsys, *words):
    """The line with which a command line is refused."""
    capsys.readouterr()
    assert status(*words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "cats: error: " in said, said
    return said


def test_the_documented_task_is_short():
    assert len(EXAMPLE.read_text().splitlines()) <= 80


def test_the_documented_task_goes_through_every_command(here, capsys):
    shutil.copy(EXAMPLE, here)
    options = ["--task-option", "count=120", "--task-option", "noise=0.5"]
    assert status("train", "--task", TASK, *options, *SMALL, *LONGER, "-o", "RUN") == 0
    assert "logistic regression" in capsys.readouterr().out
    run = load_run("RUN")[1]
    assert run.task == TASK
    assert run.extra["task_options"] == {"count": 120, "noise": 0.5, "patch": 8, "seed": 0}
    words = ("--loss", "0,0.2", "--repeats", 1, "--baselines", "--json", "e.json")
    assert status("evaluate", "RUN", *words) == 0
    found = json.loads(Path("e.json").read_text())
    assert found["task"] == TASK and found["records"][0]["accuracy"]["mean"] > 0.6
    assert status("export", "RUN", "-o", "DEPLOY", "--calibration", 32) == 0
    assert json.loads(Path("DEPLOY/plan.json").read_text())["run"]["task"] == TASK
    assert status("simulate", "DEPLOY", "--samples", 20, "--json", "s.json") == 0
    assert json.loads(Path("s.json").read_text())["results"][0]["quality"]["accuracy"] > 0.6
    runpy.run_path("own_task.py", run_name="__main__")
    for folder in ("RUN", "DEPLOY"):
        assert status("predict", folder, "new.npz", "--json", "p.json") == 0
        found = json.loads(Path("p.json").read_text())
        assert found["classes"] == ["good", "loose", "worn"] and len(found["answers"]) == 10
        assert found["accuracy"] >= 0.5
    Path("sweep.yaml").write_text(SWEEP)
    assert status("sweep", "sweep.yaml", "-o", "SWEEP", "--jobs", 1) == 0
    summary = json.loads(Path("SWEEP/sweep.json").read_text())
    assert summary["metric"] == "accuracy" and len(summary["runs"]) == 1
    again = ("sweep", "sweep.yaml", "-o", "SWEEP", "--jobs", 1)
    assert status(*again) == 0
    source = Path("own_task.py").read_text()
    Path("own_task.py").write_text(source.replace("2 * np.maximum", "3 * np.maximum"))
    assert "results of other code" in refused(capsys, *again)


GOOD = """\
import numpy as np
from cats.tasks.arrays import ClassTask

class Mine(ClassTask):
    def __init__(self, names: list[str] = ["b", "a"], lift: float = 1.0, word: str | None = None):
        x = np.random.default_rng(0).normal(size=(40, 8, 1))
        labels = [names[i % 2] for i in range(40)]
        x[::2] += lift
        self.use(x, labels, patch=4)
"""
WRONG = {
    "class Mine: pass": "mine:Mine is no Task: derive it from cats.tasks.Task",
    "Mine = 3": "mine:Mine is no Task",
    "": "module mine has no Mine",
    "from cats.tasks import Task\nclass Mine(Task): pass": "mine:Mine lacks loss, score",
    "def Mine(": "importing mine: SyntaxError",
    "import sys; sys.exit(3)": "importing mine: SystemExit: 3",
    "import nowhere_to_be": "mine needs a module nowhere_to_be: install it",
    GOOD.replace("self.use", "raise KeyError('x')\n        self.use"): "KeyError: 'x'",
    GOOD.replace("self.use", "raise ValueError('a\\nb')\n        self.use"): "ValueError: a b",
    GOOD.replace("patch=4", "patch=9"): "metadata: patch is",
    GOOD.replace("patch=4)", "patch=4, units=['a', 'b'])"): "2 units for 1 channels",
    GOOD + "        self.metadata = None.x": "AttributeError",
    GOOD + "        del self.test": "its constructor sets no test",
    GOOD + "        self.channels = 3": "4 input columns are not those of 3 channels",
    GOOD + "        self.train = self.train.inputs": "train is no Part of float32 tensors",
    GOOD + "        self.train.inputs[0, 0, 0] = float('nan')": "no finite numbers",
    GOOD + "        import dataclasses as d\n        self.model = d.replace(self.model, inputs=3)":
        "the model takes [n, 2, 3]",
    GOOD + "        import dataclasses as d\n"
           "        self.metadata = d.replace(self.metadata, classes=('a', 'b', 'c'))":
        "metadata: classes is 3: it must be the model's 2",
    GOOD + "    training = {'epoch': 3}": "training.epoch: unknown, one of epochs",
    GOOD + "    metric = 'f1'": "the first figure of score is not 'f1'",
    GOOD + "    def loss(self, o, t): return o": "loss gives no scalar tensor",
    GOOD + "    def score(self, o, p): return 1 / 0": "ZeroDivisionError",
    GOOD + "    def batch(self, i, r, g): return self.train.inputs[:1], None": "batch gives inputs",
}  # fmt: skip


@pytest.mark.parametrize(("source", "said"), WRONG.items(), ids=range(len(WRONG)))
def test_a_wrong_task_is_told_in_one_line(here, capsys, source, said):
    Path("mine.py").write_text(source)
    words = ("train", "--task", "mine:Mine", *SMALL, "-o", "RUN")
    assert said in refused(capsys, *words)
    assert not Path("RUN").exists()
    with pytest.raises(CatsError):
        status("--traceback", *words)


def test_wrong_names_and_options(here, capsys):
    Path("mine.py").write_text(GOOD)
    train = ("train", *SMALL, "-o", "RUN", "--task")
    for words, said in (
        (("no.such:Task",), "there is no module no.such, neither here nor installed"),
        (("mine.deeper:Task",), "mine"),
        ((":",), "importing : ValueError"),
        (("chess",), "one of digits, forecast, classify, images"),
        (("mine:Mine", "--data", "x"), "--data has no effect beside --task mine:Mine"),
        (("mine:Mine", "--preset", "x"), "has no preset 'x': it has none"),
        (("mine:Mine", "--task-option", "lift"), "write KEY=VALUE"),
        (("mine:Mine", "--task-option", "lif=1"), "task mine:Mine has names, lift, word"),
        (("mine:Mine", "--task-option", "lift=high"), "lift: expected float, got str"),
        (("mine:Mine", "--task-option", "names=[1, 2]"), "names"),
        (("mine:Mine", *["--task-option", "lift=1"] * 2), "lift: it is given twice"),
        (("classify", "--task-option", "fitted=1", "--data", "x"), "task classify has data, patch"),
        (("classify", "--task-option", "data=y", "--data", "x"), "data: it is given twice"),
    ):
        assert said in refused(capsys, *train, *words)


def test_options_are_typed_by_the_constructor(here):
    Path("mine.py").write_text(GOOD)
    for text, wanted in (("lift=2", 2.0), ("lift=1e-1", 0.1), ("word=3", "3"), ("word=no", "no"),
                         ("word=2024-01-01", "2024-01-01"), ("word=0:30", "0:30"),
                         ("word=", None), ("word=null", None), ('names=["x", "y"]', ["x", "y"]),
                         ("names=[x, y]", ["x", "y"])):  # fmt: skip
        name, _, value = text.partition("=")
        found = registry.value_of("mine:Mine", name, value)
        assert found == wanted and type(found) is type(wanted), text
    task = tasks.load("mine:Mine", lift=3, names=["x", "y"])
    assert task.options == {"names": ["x", "y"], "lift": 3.0, "word": None}
    assert task.metadata.classes == ("x", "y") and task.name == "mine:Mine"


def test_installed_packages_offer_tasks(here, monkeypatch, capsys):
    """An entry point of the group cats.tasks is a task by its name."""
    Path("mine.py").write_text(GOOD)
    Path("mine-1.dist-info").mkdir()
    Path("mine-1.dist-info/METADATA").write_text("Name: mine\nVersion: 1\n")
    Path("mine-1.dist-info/entry_points.txt").write_text("[cats.tasks]\nours = mine:Mine\n")
    monkeypatch.syspath_prepend(str(here))
    assert tasks.names()[-1] == "ours"
    assert status("train", "--task", "ours", *SMALL, "--epochs", 1, "-o", "RUN") == 0
    assert load_run("RUN")[1].task == "ours"
    assert status("evaluate", "RUN", "--loss", 0) == 0
    Path("mine.py").unlink()
    del sys.modules["mine"]
    assert "there is no module mine" in refused(capsys, "evaluate", "RUN", "--loss", 0)


def test_help_names_the_tasks_of_this_package_and_imports_none(capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert ", ".join(tasks.BUILT_IN) in said and "--task-option KEY=VALUE" in said
    for name in tasks.BUILT_IN:
        assert tasks.find(name).name == name


def test_a_task_tells_its_answers_in_its_own_words(here, capsys):
    """It reads new data and tells answers by itself where it wants to, from a DEPLOY alone too."""
    Path("mine.py").write_text(GOOD + """\
    @classmethod
    def read_new(cls, path, metadata, every, separator, decimal):
        data = super().read_new(path.with_suffix(".npy"), metadata, every, separator, decimal)
        return type(data)(data.samples, ["mine"] * len(data.names))

    @classmethod
    def tell(cls, metadata, data, values):
        found = super().tell(metadata, data, values)
        object.__setattr__(found, "figures", lambda: ["these are mine"])
        return found
""")  # fmt: skip
    np.save("new.npy", np.zeros((2, 8, 1)))
    assert status("train", "--task", "mine:Mine", *SMALL, "--epochs", 1, "-o", "RUN") == 0
    assert status("export", "RUN", "-o", "DEPLOY", "--calibration", 8) == 0
    for folder in ("RUN", "DEPLOY"):
        capsys.readouterr()
        assert status("predict", folder, "new.raw") == 0
        said = capsys.readouterr().out
        assert "mine  " in said and "these are mine" in said
    Path("mine.py").unlink()
    del sys.modules["mine"]
    assert "there is no module mine" in refused(capsys, "predict", "DEPLOY", "new.npy")


def test_values_of_an_own_task(here):
    """ValueTask takes numbers where ClassTask takes classes."""
    Path("slope.py").write_text("""\
import numpy as np
from cats.tasks.arrays import ValueTask

class Slope(ValueTask):
    def __init__(self, count: int = 60):
        slopes = np.linspace(-3, 5, count)
        lines = slopes[:, None, None] * np.arange(8)[:, None]
        self.use(lines, slopes, targets=("slope",), target_units="m/s", patch=4, units="m")
""")
    task = tasks.load("slope:Slope")
    (value,) = task.metadata.values
    assert (value.name, value.unit) == ("slope", "m/s") and task.metadata.channels[0].unit == "m"
    part = task.test
    known = part.targets[:, 0].double() * value.deviation + value.mean
    seen = part.inputs[:, -1, -1] * task.metadata.deviation[0] + task.metadata.mean[0]
    assert (seen / 7).tolist() == pytest.approx(known.tolist(), abs=1e-4)
    assert tasks.load("slope:Slope").score(part.targets, part)["r2"] == 1.0
