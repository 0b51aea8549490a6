# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The program: help without heavy imports, one line an error, exit status, result files."""

import argparse
import json
import os
import stat
import subprocess
import sys
import types

import numpy as np
import pytest

import cats
from cats import cli, report
from cats.errors import CatsError

NAMES = cli.command_names()


def program(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "cats", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, **options,
    )  # fmt: skip


def fake(run):
    return types.SimpleNamespace(HELP="does it", add_arguments=lambda parser: None, run=run)


def test_version():
    done = program("--version")
    assert (done.returncode, done.stdout) == (0, f"cats {cats.__version__}\n")


@pytest.mark.parametrize("name", NAMES)
def test_help_of_every_command(name, capsys):
    """Every command explains itself, every option has a help, lines fit a terminal."""
    with pytest.raises(SystemExit) as stop:
        cli.main([name, "--help"])
    assert stop.value.code == 0
    assert f"usage: cats {name}" in capsys.readouterr().out
    command = cli.load_command(name)
    assert command.HELP[0].islower() or command.HELP.startswith("RAM")
    assert not command.HELP.endswith(".") and "\n" not in command.HELP
    parser = cli.configure(argparse.ArgumentParser(), command)
    silent = [a.dest for a in parser._actions if not a.help]
    assert all(a.help is not argparse.SUPPRESS for a in parser._actions)
    assert not [dest for dest in silent if not _choices(parser, dest)]


def _choices(parser, dest):
    return any(a.dest == dest and a.choices for a in parser._actions)


def test_help_lists_all_and_imports_nothing_heavy():
    code = (
        "import sys, cats.cli\n"
        "try: cats.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'sklearn', 'matplotlib', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in NAMES:
        assert f"\n    {name} " in done.stdout


def test_no_command_and_unknown_command():
    assert program().returncode == 2
    done = program("fly")
    assert done.returncode == 2 and "fly" in done.stderr


def test_error_is_one_line(capsys):
    def run(args):
        raise CatsError("no data: give --data")

    assert cli.run_command(fake(run), None) == 2
    assert capsys.readouterr().err == "cats: error: no data: give --data\n"
    with pytest.raises(CatsError):
        cli.run_command(fake(run), None, traceback=True)


def test_interrupt(capsys):
    def run(args):
        raise KeyboardInterrupt

    assert cli.run_command(fake(run), None) == 130
    assert capsys.readouterr().err == "cats: interrupted\n"


@pytest.mark.parametrize("status", [0, 1, None])
def test_status_of_the_command(status):
    assert cli.run_command(fake(lambda args: status), None) == (status or 0)


def test_reader_that_leaves():
    code = (
        "import sys, types, cats.cli\n"
        "def run(args):\n"
        "    for _ in range(100000): print('line')\n"
        "sys.exit(cats.cli.run_command(types.SimpleNamespace(run=run), None))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_defaults_in_help(capsys):
    parser = argparse.ArgumentParser(formatter_class=cli.HelpFormatter)
    parser.add_argument("--nodes", default=4, help="devices")
    parser.add_argument("--loss", default=0, help="share of packets (default none)")
    parser.add_argument("--data", help="file")
    parser.add_argument("--force", action="store_true", help="overwrite")
    text = parser.format_help()
    assert "devices (default: 4)" in text
    assert text.count("default") == 2


def test_table():
    text = report.table(["name", "bytes", "share"], [["a", 12345, 0.5], ["long", None, 1 / 3]])
    assert text.splitlines() == [
        "name   bytes   share",
        "----  ------  ------",
        "a     12,345     0.5",
        "long       -  0.3333",
    ]
    assert report.table(["a"], []) == "a\n-"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (65920.0, "65,920"), (48660.4, "48,660"), (1234567.8, "1,234,568"), (999.96, "1,000"),
        (963.14, "963.1"), (975.0, "975"), (23.045, "23.05"), (0.98444, "0.9844"), (1.0, "1"),
        (0.00012346, "0.0001235"), (-1e-30, "0"), (0.0, "0"), (-6592.2, "-6,592"),
        (float("inf"), "inf"), (float("nan"), "nan"),
    ],
)  # fmt: skip
def test_numbers_in_tables_have_no_exponent(value, text):
    assert report.number_text(value) == text
    assert report.table(["a"], [[value]]).splitlines()[-1].strip() == text


def test_a_figure_has_a_panel_a_quantity(tmp_path):
    panels = [
        report.Panel(lambda axes: axes.plot([1, 2], [3, 4]), f"x{i}", f"y{i}") for i in range(3)
    ]
    report.save_plots(tmp_path / "p.svg", panels, title="three")
    report.save_plots(tmp_path / "q.svg", panels, title="three")
    drawn = (tmp_path / "p.svg").read_text()
    assert all(f"<!-- {word} -->" in drawn for word in ("three", "x0", "y1", "y2"))
    assert drawn == (tmp_path / "q.svg").read_text()


def test_size_text():
    assert report.size_text(1000) == "1000 B"
    assert report.size_text(8192) == "8.0 KiB"
    assert report.size_text(3 << 20) == "3.00 MiB"


def test_json_is_whole_or_not_there(tmp_path, capsys):
    path = tmp_path / "new" / "a.json"
    report.write_json(path, {"b": np.float32(0.5), "a": np.arange(3), "set": {2, 1}})
    assert json.loads(path.read_text()) == {"b": 0.5, "a": [0, 1, 2], "set": [1, 2]}
    assert list(json.loads(path.read_text())) == ["b", "a", "set"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    for bad in ({"x": object()}, {"x": float("nan")}):
        with pytest.raises((TypeError, ValueError)):
            report.write_json(path, bad)
    assert json.loads(path.read_text())["b"] == 0.5
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]
    report.write_json("-", [1])
    assert json.loads(capsys.readouterr().out) == [1]


def test_cannot_write(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CatsError, match="cannot write"):
        report.write_json(tmp_path / "file" / "a.json", {})
    with pytest.raises(CatsError, match="cannot write"):
        report.write_json(tmp_path, {})
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe"])
def test_cannot_read_json(tmp_path, content):
    path = tmp_path / "plan.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CatsError, match="plan"):
        report.read_json(path, "a plan")


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_plot(tmp_path, suffix):
    paths = [tmp_path / name / f"plot.{suffix}" for name in "ab"]
    for path in paths:
        report.save_plot(path, lambda axes: axes.plot([1, 2], label="x"), title="t", xlabel="loss")
    assert paths[0].stat().st_size > 1000
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_plot_with_an_unknown_suffix(tmp_path):
    with pytest.raises(CatsError, match=".png"):
        report.save_plot(tmp_path / "plot.xyz", lambda axes: None)


def test_progress_is_silent_off_a_terminal(capsys):
    assert list(report.progress(range(3), desc="x")) == [0, 1, 2]
    assert capsys.readouterr().err == ""
