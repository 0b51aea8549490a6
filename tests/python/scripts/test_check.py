# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""`make test` and `make setup` where a Zephyr workspace is and where none is: stand-ins for it."""

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest

import check
from cats.zephyr import workspace

ROOT = Path(__file__).resolve().parents[3]
NONE = argparse.Namespace()


def test_twister_runs_on_two_platforms_and_names_the_others():
    found = ["native_sim", "native_sim/native/64", "mps2/an385", "nrf52840dk/nrf52840"]
    on, others = check.twister_platforms(found, {"nrf52_bsim": "needs BabbleSim"})
    assert on == ["native_sim", "mps2/an385"]
    assert {r.name: r.detail for r in others} == {
        "Twister on nrf52_bsim": "needs BabbleSim",
        "Twister on native_sim/native/64": "takes long: cats test -p native_sim/native/64",
        "Twister on nrf52840dk/nrf52840": "takes long: cats test -p nrf52840dk/nrf52840",
    }
    assert {r.status for r in others} == {"skipped"}


def test_twister_says_what_a_platform_needs():
    on, others = check.twister_platforms(["native_sim/native/64"], {"native_sim": "needs gcc"})
    assert on == []
    assert [(r.name, r.detail) for r in others][0] == ("Twister on native_sim", "needs gcc")


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine without a Zephyr workspace."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ZEPHYR_BASE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def zephyr(nowhere, monkeypatch):
    """A stand-in for Zephyr's tree."""
    tree = nowhere / "zephyr"
    (tree / "scripts").mkdir(parents=True)
    (tree / "scripts" / "twister").write_text("")
    (tree / ".ruff.toml").write_text('line-length = 80\n[lint]\nselect = ["E"]\n')
    monkeypatch.setenv("ZEPHYR_BASE", str(tree))
    return tree


def test_without_a_workspace_twister_is_skipped(nowhere):
    (result,) = check.twister(NONE)
    assert (result.name, result.status) == ("Twister", "skipped")
    assert "no Zephyr workspace" in result.detail


def test_a_workspace_without_its_python_modules_is_a_failure(zephyr, monkeypatch):
    monkeypatch.setattr(workspace, "ZEPHYR_NEEDS", "a_module_that_nobody_has")
    (result,) = check.twister(NONE)
    assert (result.name, result.status) == ("Twister", "failed")
    assert "make setup" in result.detail


@pytest.fixture
def checks(zephyr, monkeypatch):
    """Results of the check `twister`, with all that it runs replaced; and what it ran."""
    ran = []
    monkeypatch.setattr(workspace, "ZEPHYR_NEEDS", "sys")
    monkeypatch.setattr(check, "platforms", lambda space: (["native_sim", "mps2/an385"], {}))

    def run(*command, **_):
        ran.append(list(map(str, command)))
        return 0, "==== 2 passed in 1.00s ====\n"

    monkeypatch.setattr(check, "run", run)
    monkeypatch.setattr("cats.zephyr.twister.run", lambda space, words: (0, ["7 of 7 passed"]))
    return lambda: (list(check.twister(NONE)), ran)


@pytest.mark.parametrize("missing", [None, "no BabbleSim"])
def test_radio_runs_where_babblesim_is(checks, monkeypatch, missing):
    monkeypatch.setattr("cats.zephyr.bsim.missing", lambda: missing)
    results, ran = checks()
    by_name = {r.name: (r.status, r.detail) for r in results}
    assert by_name["Twister on native_sim and mps2/an385"] == ("passed", "7 of 7 passed")
    assert by_name["firmware"] == ("passed", "2 passed in 1.00s")
    radio = ("skipped", missing) if missing else ("passed", "2 passed in 1.00s")
    assert by_name["radio over BabbleSim"] == radio
    assert by_name["radio: every size and fault"] == ("skipped", "takes long: cats test --bsim")
    marks = [words[words.index("-m", 3) + 1] for words in ran]
    assert marks == (["zephyr"] if missing else ["zephyr", "bsim and short"])


def test_the_check_pytest_leaves_to_twister_what_it_runs(monkeypatch):
    ran = []
    monkeypatch.setattr(check, "run", lambda *command, **_: (ran.extend(command), (0, ""))[1])
    list(check.pytest(argparse.Namespace(pytest=[])))
    assert ran[ran.index("-m", 3) + 1] == "not zephyr and not bsim"


def test_handwritten_c():
    names = check.handwritten()
    assert {"include/cats/image.h", "tests/c/run_vectors.c"} <= set(names)
    written = ("cats_partition.h", "golden.h", "digits.h")
    assert [n for n in names if n.endswith(written)] == []


CHECKPATCH = r"""
open(my $patch, '<', $ARGV[-1]); my $text = join('', <$patch>);
my ($name, $bad) = $text =~ m{^\+\+\+ b/(\S+)\n.*?\n.*?^\+.*(spaced)}ms or exit 0;
print "/tmp/x.patch:7: WARNING:SOME_TYPE: what is wrong\n#7: FILE: $name:2:\n+\tthe line\n\n";
print "total: 0 errors, 1 warnings, 3 lines checked\n";
exit 1;
"""


@pytest.mark.skipif(not shutil.which("perl"), reason="needs apt-get install perl")
def test_zephyrs_style(zephyr, monkeypatch, capsys):
    monkeypatch.setattr(check, "ROOT", zephyr.parent)
    monkeypatch.setattr(check, "OUT", zephyr.parent)
    (zephyr.parent / "scripts" / "west_commands").mkdir(parents=True)
    (zephyr / "scripts" / "checkpatch.pl").write_text(CHECKPATCH)
    source, python = zephyr.parent / "a.c", zephyr.parent / "scripts/west_commands/a.py"
    ruff = check.tool("ruff")
    for line, status, findings in (("tidy", "passed", 0), ("spaced", "failed", 1)):
        source.write_text(f"int x;\nint {line};\n")
        python.write_text("x = 1\n" if status == "passed" else f'x = "{"long" * 20}"\n')
        style, checkpatch = check.zephyr_style(zephyr, ruff, ["a.c"])
        assert (style.name, style.status) == ("Zephyr's ruff", status)
        assert (checkpatch.name, checkpatch.status) == ("checkpatch", status)
        assert checkpatch.detail == f"1 files, {findings} findings"
    assert "a.c:2: WARNING:SOME_TYPE: what is wrong\n" in capsys.readouterr().out


def test_zephyrs_style_needs_zephyr():
    (result,) = check.zephyr_style(None, "ruff", ["a.c"])
    assert (result.status, result.detail) == ("skipped", "no Zephyr workspace")


PYTHON = """#!/bin/sh
echo "$*" >> "$LOG"
case "$*" in
*workspace) [ -n "$WORKSPACE" ] && echo "$WORKSPACE" ;;
*install*) [ -z "$PIP_FAILS" ] ;;
esac
"""


@pytest.fixture
def make(tmp_path):
    """`make` of what Zephyr's scripts import, with a stand-in for Python: (process, its calls)."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").write_text(PYTHON)
    (venv / "bin" / "python").chmod(0o755)
    built = [venv / ".cats-dependencies", venv / ".cats-package"]
    log = tmp_path / "log"

    def run(**environment):
        log.write_text("")
        for path in built:
            path.touch()
        old = [word for path in built for word in ("-o", str(path))]
        done = subprocess.run(
            ["make", "-C", ROOT, f"VENV={venv}", *old, venv / ".cats-zephyr"],
            env={"PATH": "/usr/bin:/bin", "LOG": str(log), **environment},
            capture_output=True, text=True,
        )  # fmt: skip
        return done, log.read_text().splitlines()

    run.stamp = venv / ".cats-zephyr"
    return run


def test_setup_without_a_workspace_installs_nothing(make):
    done, calls = make()
    assert done.returncode == 0, done.stderr
    assert calls == ["-m cats.zephyr.workspace"]
    assert not make.stamp.exists()


def test_setup_installs_what_zephyr_imports_once(make):
    done, calls = make(WORKSPACE="z")
    assert done.returncode == 0, done.stderr
    assert len(calls) == 2
    assert calls[1].endswith(" install -q -c constraints.txt zephyr-cats[zephyr]")
    assert make.stamp.exists()
    assert make(WORKSPACE="z")[1] == []


def test_setup_says_what_could_not_be_installed(make):
    done, _ = make(WORKSPACE="z", PIP_FAILS="y")
    assert done.returncode != 0 and not make.stamp.exists()
    assert "not installed: what Zephyr's scripts import" in done.stderr
