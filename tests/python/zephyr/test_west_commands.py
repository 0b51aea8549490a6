# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""West commands in throw-away workspaces without a network; firmware builds and Twister runs with
stand-ins for CMake, Ninja and Zephyr."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from cats import cli
from cats.errors import CatsError
from cats.zephyr import bsim, firmware, footprint, twister, workspace

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = yaml.safe_load((ROOT / "scripts/west-commands.yml").read_text())["west-commands"]
NAMES = [c["name"] for c in COMMANDS[0]["commands"]]
AVAILABLE = [n for n in NAMES if n.removeprefix("cats-") in cli.command_names()]

pytest.importorskip("west", reason="needs pip install west")


def west(top, *arguments, cwd=None, **environment):
    """Run west of the workspace ``top``, with nothing of this machine's Zephyr."""
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("ZEPHYR", "WEST", "PYTHON"))}
    zephyr = {"ZEPHYR_BASE": str(top / "zephyr")} if cwd else {}
    return subprocess.run(
        [sys.executable, "-m", "west", *map(str, arguments)], cwd=cwd or top,
        env=bare | zephyr | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip


def copy_module(folder):
    """What a clone of CATS has of west commands and package."""
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.o")
    for part in ("scripts", "python", "zephyr"):
        shutil.copytree(ROOT / part, folder / part, ignore=ignore)
    shutil.copy(ROOT / "west.yml", folder)


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    """A workspace whose manifest is CATS's own, without its projects."""
    top = tmp_path_factory.mktemp("workspace")
    copy_module(top / "cats")
    manifest = yaml.safe_load((ROOT / "west.yml").read_text())
    manifest["manifest"]["projects"] = []
    (top / "cats" / "west.yml").write_text(yaml.safe_dump(manifest))
    done = west(top, "init", "-l", "cats")
    assert done.returncode == 0, done.stderr
    return top


def test_all_commands_but_the_demo():
    assert {name.removeprefix("cats-") for name in NAMES} == set(cli.command_names()) - {"demo"}


def test_help_strings_and_classes():
    for command in COMMANDS[0]["commands"]:
        name = command["name"].removeprefix("cats-")
        assert command["class"] == f"Cats{name.capitalize()}"
        if command["name"] in AVAILABLE:
            assert command["help"] == cli.load_command(name).HELP


def test_west_lists_all(space):
    done = west(space, "help")
    assert done.returncode == 0, done.stderr
    for name in NAMES:
        assert f"\n  {name}:" in done.stdout


@pytest.mark.parametrize("name", AVAILABLE)
def test_help_is_that_of_the_program(space, name, capsys, monkeypatch):
    done = west(space, name, "--help", COLUMNS="100")
    assert done.returncode == 0, done.stderr
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        cli.main([name.removeprefix("cats-"), "--help"])
    expected = capsys.readouterr().out
    options = expected[expected.index("\noptions:") :].replace("  cats ", "  west cats-")
    assert options.strip() in done.stdout


def test_footprint_by_west(space, tmp_path):
    (tmp_path / "a.c").write_text("int main(void) { return 0; }")
    subprocess.run(["gcc", "a.c", "-o", "a.elf"], cwd=tmp_path, check=True)
    elf = tmp_path / "a.elf"
    done = west(space, "cats-footprint", elf, "--json", tmp_path / "a.json")
    assert done.returncode == 0, done.stderr
    assert "total" in done.stdout
    assert json.loads((tmp_path / "a.json").read_text())["ok"]
    done = west(space, "cats-footprint", elf, "--flash", "1")
    assert done.returncode == 1 and "more than the limit" in done.stderr
    done = west(space, "cats-footprint", tmp_path / "none.elf")
    assert done.returncode == 2
    assert done.stderr.startswith("cats: error: cannot read")


@pytest.mark.slow
def test_from_training_to_simulation_by_west(space, tmp_path):
    """Every command that needs no Zephyr does its work, in a folder of the user's."""
    pytest.importorskip("torch", reason="needs pip install zephyr-cats[train]")
    small = "--nodes 2 --features 8 --heads 2 --hidden 8 --blocks 1 --epochs 1"
    for command, words, written in (
        ("train", f"--task digits {small} -o run", "run/model.safetensors"),
        ("evaluate", "run --loss 0:0.1:0.1 --json loss.json", "loss.json"),
        ("export", "run -o deploy", "deploy/node_01/cats_partition.h"),
        ("plan", "deploy --json plan.json", "plan.json"),
        ("simulate", "deploy --samples 5 --loss 0.1 --json air.json", "air.json"),
    ):
        done = west(space, f"cats-{command}", *words.split(), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / written).stat().st_size > 100, done.stdout
    air = json.loads((tmp_path / "air.json").read_text())["results"]
    assert [one["loss"] for one in air] == [0.1]
    assert air[0]["equal_to_reference"] and air[0]["delivered"] < 1


@pytest.mark.parametrize("lines", ["west-commands: scripts/west-commands.yml", "import: only.yml"])
def test_from_another_projects_manifest(tmp_path, lines):
    """The manifest lines of doc/west.rst: commands named by the project, or imported with it."""
    origin = tmp_path / "origin"
    copy_module(origin)
    (origin / "only.yml").write_text(
        "manifest:\n  projects: []\n  self:\n    west-commands: scripts/west-commands.yml\n"
    )
    git = ["git", "-c", "user.name=x", "-c", "user.email=x", "-c", "init.defaultBranch=main"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], cwd=origin, check=True)
    (tmp_path / "top" / "app").mkdir(parents=True)
    (tmp_path / "top" / "app" / "west.yml").write_text(
        "manifest:\n  projects:\n    - name: cats\n"
        f"      url: file://{origin}\n      revision: main\n      path: modules/lib/cats\n"
        f"      {lines}\n"
    )
    for command in (["init", "-l", "app"], ["update"]):
        done = west(tmp_path / "top", *command)
        assert done.returncode == 0, done.stderr
    done = west(tmp_path / "top", "cats-footprint", "none.elf")
    assert (done.returncode, done.stderr[:24]) == (2, "cats: error: cannot read")


CMAKE = """#!/bin/sh
for word in "$@"; do
	case "$word" in
	-B*) build="${word#-B}" ;;
	-DCONFIG_CATS_NODE_ID=*) node="${word#*=}" ;;
	esac
done
mkdir -p "$build/zephyr"
echo "$@" > "$build/arguments"
echo "$ZEPHYR_BASE;$ZEPHYR_EXTRA_MODULES;$CCACHE_BASEDIR" > "$build/environment"
[ "$node" = "$FAIL_NODE" ] && { echo "node $node does not configure" >&2; exit 1; }
exit 0
"""
NINJA = """#!/bin/sh
cp "$SAMPLE_ELF" "$2/zephyr/zephyr.elf"
"""
TWISTER = """
import os, sys
print("arguments:", *sys.argv[1:])
print("ccache:", os.environ["CCACHE_BASEDIR"])
print("INFO    - 3 of 3 executed test configurations passed (100.00%), 0 built")
sys.exit(int("fail" in sys.argv))
"""


@pytest.fixture
def zephyr(tmp_path, monkeypatch):
    """A stand-in for Zephyr, CMake and Ninja; a deployment of three nodes."""
    base = tmp_path / "zephyr"
    (base / "scripts").mkdir(parents=True)
    (base / "scripts" / "twister").write_text(TWISTER)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in (("cmake", CMAKE), ("ninja", NINJA)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    (tmp_path / "a.c").write_text("char cats_arena[64] = {1}; int main(void) { return 0; }")
    subprocess.run(["gcc", "a.c", "-o", "a.elf"], cwd=tmp_path, check=True)
    deploy = tmp_path / "deploy"
    nodes = [{"node": n, "image_bytes": 8, "arena_bytes": 64} for n in range(3)]
    for node in range(3):
        (deploy / f"node_{node:02}").mkdir(parents=True)
    (deploy / "plan.json").write_text(json.dumps({"nodes": nodes}))
    sample = tmp_path / "sample"
    sample.mkdir()
    (sample / "CMakeLists.txt").write_text("")
    monkeypatch.setenv("ZEPHYR_BASE", str(base))
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SAMPLE_ELF", str(tmp_path / "a.elf"))
    for name in ("ZEPHYR_EXTRA_MODULES", "CCACHE_BASEDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(workspace, "ZEPHYR_NEEDS", "sys")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build(*arguments):
    fixed = ["deploy", "-b", "some_board", "-s", "sample", "-d", "out"]
    return cli.main(["build", *fixed, *arguments])


def test_build_all_nodes(zephyr, capsys):
    assert build("-DCONFIG_X=y", "-j", "2", "--json", "footprint.json") == 0
    out = capsys.readouterr()
    assert "RAM" in out.out and "node_02" in out.out
    for node in range(3):
        folder = zephyr / "out" / f"node_{node:02}"
        arguments = (folder / "arguments").read_text().split()
        assert f"-DCONFIG_CATS_NODE_ID={node}" in arguments
        assert f"-DCATS_DEPLOY={zephyr / 'deploy'}" in arguments
        assert {"-DBOARD=some_board", "-DCONFIG_X=y", "-GNinja"} <= set(arguments)
        environment = (folder / "environment").read_text().strip().split(";")
        assert environment == [str(zephyr / "zephyr"), str(ROOT), str(zephyr / "out")]
    data = json.loads((zephyr / "footprint.json").read_text())
    assert data["ok"] and len(data["elfs"]) == 3


def sysbuild_arguments(zephyr, *words):
    """What CMake is told for node 0 of a deployment that is planned for Bluetooth LE."""
    plan = json.loads((zephyr / "deploy" / "plan.json").read_text())
    (zephyr / "deploy" / "plan.json").write_text(json.dumps(plan | {"radio": "ble+secure"}))
    fixed = ["deploy", "-s", "sample", "-d", "out", "-n", "0"]
    assert cli.main(["build", *fixed, *words]) == 0
    return (zephyr / "out" / "node_00" / "arguments").read_text().split()


def test_sysbuild_with_the_network_core(zephyr):
    """The image of the network core is that for the deployment's radio, unless another is named."""
    board = ("-b", "some/soc/cpuapp", "--sysbuild")
    arguments = sysbuild_arguments(zephyr, *board)
    assert f"-S{zephyr / 'zephyr' / 'share' / 'sysbuild'}" in arguments
    assert f"-DAPP_DIR={zephyr / 'sample'}" in arguments
    assert "-DSB_CONFIG_CATS_NETWORK_CORE_HCI_IPC=y" in arguments
    none = "-DSB_CONFIG_CATS_NETWORK_CORE_NONE=y"
    arguments = sysbuild_arguments(zephyr, *board, none)
    assert [word for word in arguments if "NETWORK_CORE" in word] == [none]
    arguments = sysbuild_arguments(zephyr, "-b", "some_board", "--sysbuild")
    assert not [word for word in arguments if "NETWORK_CORE" in word]
    arguments = sysbuild_arguments(zephyr, "-b", "some/soc/cpuapp")
    assert f"-S{zephyr / 'sample'}" in arguments
    assert not [word for word in arguments if "NETWORK_CORE" in word]


def test_sysbuild_has_to_be_asked_for(zephyr, capsys):
    assert build("-DSB_CONFIG_BOOTLOADER_MCUBOOT=y") == 2
    err = capsys.readouterr().err
    assert "-DSB_CONFIG_BOOTLOADER_MCUBOOT=y is for sysbuild: add --sysbuild" in err


def test_the_application_among_sysbuilds_images(zephyr, capsys):
    """Its program is measured, wherever sysbuild builds it; one that cannot be told is an error."""
    folder = zephyr / "out" / "node_00"
    (folder / "app" / "zephyr").mkdir(parents=True)
    shutil.copy(zephyr / "a.elf", folder / "app" / "zephyr" / "zephyr.elf")
    domains = [{"name": name, "build_dir": str(folder / name)} for name in ("hci_ipc", "app")]
    known = {"default": "app", "domains": domains}
    (folder / "domains.yaml").write_text(yaml.safe_dump(known))
    assert build("-n", "0", "--sysbuild", "--json", "out.json") == 0
    (elf,) = json.loads((zephyr / "out.json").read_text())["elfs"]
    assert elf["elf"] == str(folder / "app" / "zephyr" / "zephyr.elf")
    assert list(firmware.domains_of(folder)) == ["app", "hci_ipc"]
    (folder / "domains.yaml").write_text(yaml.safe_dump(known | {"default": "none"}))
    assert build("-n", "0", "--sysbuild") == 2
    assert "domains.yaml: $.default: no" in capsys.readouterr().err


def test_build_one_node(zephyr):
    assert build("-n", "1") == 0
    assert [p.name for p in (zephyr / "out").iterdir()] == ["node_01"]


def test_build_knows_what_the_first_firmware_holds(zephyr, monkeypatch):
    held = footprint.measure(zephyr / "a.elf")
    held.images = [footprint.Image("cats_partition", node, 8, 64) for node in (0, 2)]
    held.arenas = {"cats_a_arena": 64, "cats_b_arena": 64}
    for module in (firmware, footprint):
        monkeypatch.setattr(module, "measure", lambda elf: held)
    assert build("-n", "0", "-n", "2") == 0
    assert [p.name for p in (zephyr / "out").iterdir()] == ["node_00"]


def test_build_that_does_not_fit_the_plan(zephyr, capsys):
    plan = json.loads((zephyr / "deploy" / "plan.json").read_text())
    plan["nodes"][1]["arena_bytes"] = 72
    (zephyr / "deploy" / "plan.json").write_text(json.dumps(plan))
    assert build() == 1
    assert "arena of 64 bytes, planned 72" in capsys.readouterr().err


@pytest.mark.parametrize("node", [0, 2])
def test_build_fails(zephyr, monkeypatch, capsys, node):
    monkeypatch.setenv("FAIL_NODE", str(node))
    assert build() == 1
    err = capsys.readouterr().err
    assert f"node {node} does not configure" in err
    assert f"node {node}: build failed" in err


def test_build_starts_from_empty_folders(zephyr):
    assert build() == 0
    (zephyr / "out" / "node_00" / "old").write_text("")
    assert build() == 0
    assert (zephyr / "out" / "node_00" / "old").exists()
    assert build("-p") == 0
    assert not (zephyr / "out" / "node_00" / "old").exists()


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (lambda top: shutil.rmtree(top / "deploy"), "cannot read a plan"),
        (lambda top: (top / "deploy" / "plan.json").write_text("{}"), "$.nodes: missing"),
        (lambda top: shutil.rmtree(top / "deploy" / "node_02"), "not whole"),
        (lambda top: (top / "sample" / "CMakeLists.txt").unlink(), "not an application"),
        (lambda top: (top / "bin" / "cmake").unlink(), "no cmake"),
        (lambda top: shutil.rmtree(top / "zephyr"), "no Zephyr workspace"),
    ],
)
def test_build_bad_input(zephyr, monkeypatch, capsys, break_it, reason):
    break_it(zephyr)
    monkeypatch.setenv("HOME", str(zephyr))  # no package registry
    tools = ["gcc", "as", "ld"]
    (zephyr / "few").mkdir()
    for tool in tools:
        (zephyr / "few" / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", f"{zephyr / 'bin'}{os.pathsep}{zephyr / 'few'}")
    assert build() == 2
    err = capsys.readouterr().err
    assert err.startswith("cats: error: ") and reason in err and err.count("\n") == 1


def test_build_bad_numbers(zephyr, capsys):
    assert build("-n", "3") == 2
    assert "node" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        build("-j", "-1")
    assert "-j/--jobs: '-1' is no whole number" in capsys.readouterr().err


def test_python_without_what_zephyr_needs(zephyr, monkeypatch, capsys):
    monkeypatch.setattr(workspace, "ZEPHYR_NEEDS", "a_module_that_nobody_has")
    assert build() == 2
    assert "requirements.txt" in capsys.readouterr().err


def test_zephyr_is_found(zephyr, monkeypatch):
    assert workspace.find_zephyr() == zephyr / "zephyr"
    monkeypatch.delenv("ZEPHYR_BASE")
    monkeypatch.setenv("HOME", str(zephyr / "home"))
    assert workspace.find_zephyr() is None
    registry = zephyr / "home" / ".cmake" / "packages" / "Zephyr"
    registry.mkdir(parents=True)
    (registry / "0").write_text(str(zephyr / "gone" / "share" / "zephyr-package" / "cmake"))
    assert workspace.find_zephyr() is None
    (registry / "1").write_text(str(zephyr / "zephyr" / "share" / "zephyr-package" / "cmake"))
    assert workspace.find_zephyr() == zephyr / "zephyr"


def tree(folder):
    """A folder that looks like a Zephyr tree."""
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts" / "twister").touch()
    return folder


@pytest.fixture
def west_workspace(tmp_path, monkeypatch):
    """A west workspace, entered, beside a foreign tree in CMake's registry; its settings' file."""
    for name in [name for name in os.environ if name.startswith(("ZEPHYR_BASE", "WEST_CONFIG"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("WEST_CONFIG_SYSTEM", str(tmp_path / "system"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    registry = tmp_path / "home" / ".cmake" / "packages" / "Zephyr"
    registry.mkdir(parents=True)
    foreign = tree(tmp_path / "foreign")
    (registry / "0").write_text(str(foreign / "share" / "zephyr-package" / "cmake"))
    top = tmp_path / "top"
    (top / ".west").mkdir(parents=True)
    (top / "app" / "deep").mkdir(parents=True)
    monkeypatch.chdir(top / "app" / "deep")
    return top / ".west" / "config"


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ("[zephyr]\nbase = deps/zephyr\n", "top/deps/zephyr"),
        ("[manifest]\npath = app\n[zephyr]\nbase = deps/zephyr\n", "top/deps/zephyr"),
        ("[manifest]\npath = zephyr-fork\nfile = west.yml\n", "top/zephyr-fork"),
        ("[manifest]\npath = app\n", "top/zephyr"),
        ("[zephyr]\nbase = {top}/elsewhere\n", "top/elsewhere"),
        ("[zephyr]\nbase = 50%(x)s\n", "top/50%(x)s"),
        ("", "top/zephyr"),
    ],
)
def test_zephyr_is_wests(west_workspace, settings, where):
    """Relative to the workspace's top, before the registry; and nothing else in its place."""
    top = west_workspace.parents[1]
    west_workspace.write_text(settings.format(top=top))
    assert workspace.find_zephyr() is None
    with pytest.raises(CatsError, match=r"no Zephyr workspace found \(.* names "):
        workspace.workspace()
    assert workspace.find_zephyr() is None
    tree(top.parent / where)
    assert workspace.find_zephyr() == top.parent / where


def test_zephyr_base_or_wests(west_workspace, tmp_path, monkeypatch):
    west_workspace.write_text("[zephyr]\nbase = deps/zephyr\n")
    own, named = tree(tmp_path / "top" / "deps" / "zephyr"), tree(tmp_path / "named")
    monkeypatch.setenv("ZEPHYR_BASE", str(named))
    assert workspace.find_zephyr() == named
    (tmp_path / "home" / ".westconfig").write_text("[zephyr]\nbase-prefer = configfile\n")
    assert workspace.find_zephyr() == own
    west_workspace.write_text("[zephyr]\nbase = deps/zephyr\nbase-prefer = env\n")
    assert workspace.find_zephyr() == named
    monkeypatch.setenv("ZEPHYR_BASE", str(tmp_path / "nothing"))
    assert workspace.find_zephyr() is None
    monkeypatch.delenv("ZEPHYR_BASE")
    assert workspace.find_zephyr() == own
    monkeypatch.chdir(tmp_path)  # no workspace: the registry's
    assert workspace.find_zephyr() == tmp_path / "foreign"


def test_west_settings_that_are_none(west_workspace, capsys):
    west_workspace.write_text("base = zephyr\n")
    with pytest.raises(CatsError, match="no configuration of west"):
        workspace.find_zephyr()
    assert workspace.main() == 1
    err = capsys.readouterr().err
    assert err.startswith("cats: error: ") and err.count("\n") == 1


def test_zephyr_is_told_to_make(zephyr, monkeypatch, capsys):
    assert workspace.main() == 0
    assert capsys.readouterr().out == f"{zephyr / 'zephyr'}\n"
    monkeypatch.delenv("ZEPHYR_BASE")
    monkeypatch.setenv("HOME", str(zephyr / "home"))
    assert workspace.main() == 1
    assert capsys.readouterr().out == ""


def test_extra_brings_what_zephyr_imports():
    """Every module that is looked for comes with the extra ``zephyr``."""
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    listed = {re.match(r"[\w-]+", line)[0].lower() for line in extra["zephyr"]}
    owners = packages_distributions()
    for name in workspace.ZEPHYR_NEEDS.split(", "):
        if name in owners:
            assert {owner.lower() for owner in owners[name]} & listed, name


def test_modules_that_were_given_stay(zephyr, monkeypatch):
    monkeypatch.setenv("ZEPHYR_EXTRA_MODULES", "/other")
    assert workspace.workspace().environment["ZEPHYR_EXTRA_MODULES"] == f"/other;{ROOT}"
    monkeypatch.setenv("ZEPHYR_EXTRA_MODULES", f"{ROOT};/other")
    assert workspace.workspace().environment["ZEPHYR_EXTRA_MODULES"] == f"{ROOT};/other"


def test_babblesim_is_found(zephyr, monkeypatch):
    for name in ("BSIM_OUT_PATH", "BSIM_COMPONENTS_PATH"):
        monkeypatch.delenv(name, raising=False)
    assert "BSIM_OUT_PATH" not in workspace.workspace().environment
    bsim = zephyr / "tools" / "bsim"
    (bsim / "bin").mkdir(parents=True)
    (bsim / "bin" / "bs_2G4_phy_v1").write_text("")
    environment = workspace.workspace().environment
    assert environment["BSIM_OUT_PATH"] == str(bsim)
    assert environment["BSIM_COMPONENTS_PATH"] == str(bsim / "components")
    monkeypatch.setenv("BSIM_OUT_PATH", "/other")
    environment = workspace.workspace().environment
    assert environment["BSIM_OUT_PATH"] == "/other"
    assert environment["BSIM_COMPONENTS_PATH"] == "/other/components"
    monkeypatch.setenv("BSIM_COMPONENTS_PATH", "/more")
    assert workspace.workspace().environment["BSIM_COMPONENTS_PATH"] == "/more"


@pytest.fixture
def module(zephyr, monkeypatch):
    """A module with one test."""
    root = zephyr / "module"
    (root / "tests" / "zephyr" / "one").mkdir(parents=True)
    (root / "tests" / "zephyr" / "one" / "testcase.yaml").write_text("")
    monkeypatch.setattr(twister, "source_tree", lambda: root)
    return root


def test_twister(module, capfd, tmp_path):
    (tmp_path / "map.yml").write_text("")
    assert cli.main(["test", "-p", "native_sim", "-O", "reports", "-j", "2"]) == 0
    line, ccache = capfd.readouterr().out.splitlines()[:2]
    assert f"-T{module}/tests/zephyr -pnative_sim" in line and f"-O {tmp_path}/reports" in line
    assert ccache == f"ccache: {tmp_path}/reports"
    assert "samples" not in line and "-j 2" in line and "--overflow-as-errors" in line
    assert cli.main(["test", "--device-testing", "--hardware-map", "map.yml"]) == 0
    line = capfd.readouterr().out.splitlines()[0]
    assert line.endswith("--device-testing --hardware-map map.yml") and "-p" not in line.split()
    assert cli.main(["test", "-p", "x", "--", "fail"]) == 1
    assert cli.main(["test", "--hardware-map", "none.yml"]) == 2


def test_bsim_runs_the_radio_tests_alone(monkeypatch):
    run, ran = subprocess.run, []

    def collect(command, **options):
        ran.append(run([*command, "--collect-only"], capture_output=True, text=True, **options))
        return ran[0]

    monkeypatch.setattr(bsim, "missing", lambda: None)
    monkeypatch.setattr(bsim.subprocess, "run", collect)
    assert bsim.run_tests() == 0, ran[0].stdout
    files = {line.split("::")[0] for line in ran[0].stdout.splitlines() if "::" in line}
    group = ROOT / "tests" / "hil" / "group" / "pytest" / "test_group.py"
    wanted = [*Path(__file__).parent.glob("test_bsim_*.py"), group]
    assert files == {str(path.relative_to(ROOT)) for path in wanted}


def test_twister_summary(module, tmp_path):
    space = workspace.workspace()
    status, summary = twister.run(space, twister.command(space, tmp_path))
    assert status == 0
    assert summary == ["3 of 3 executed test configurations passed (100.00%), 0 built"]


def test_no_tests_to_run(module):
    shutil.rmtree(module / "tests")
    with pytest.raises(CatsError, match="no testcase.yaml"):
        twister.command(workspace.workspace(), module)


def test_platforms_of_a_bare_machine(zephyr, monkeypatch):
    space = workspace.workspace()
    monkeypatch.setenv("PATH", str(zephyr))
    bare = workspace.Workspace(space.zephyr, space.python, {"ZEPHYR_TOOLCHAIN_VARIANT": "host"})
    found, left = workspace.platforms(bare, bsim=True)
    assert found == []
    assert list(left) == [
        "native_sim", "native_sim/native/64", "mps2/an385", "mps3/corstone300/an547",
        "nrf52840dk/nrf52840", "nrf52_bsim",
    ]  # fmt: skip
    assert all("needs" in reason for reason in left.values())
