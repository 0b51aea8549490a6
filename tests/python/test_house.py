# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The repository keeps its own rules: licence lines, no machine's paths, commands that exist."""

import ast
import ctypes
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from cats import cli

ROOT = Path(__file__).resolve().parents[2]
#: Files that cannot hold a comment.
BARE = (".json", ".bin", ".hex", ".png", ".svg", ".npz", ".npy", ".csv", ".safetensors", ".txt")


def tracked():
    if not (ROOT / ".git").exists():
        pytest.skip("needs the git checkout")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    names = [n for n in done.stdout.decode().split("\0") if n]
    return [ROOT / n for n in names if (ROOT / n).is_file()]


def texts():
    for path in tracked():
        if path.suffix not in BARE and "corpus" not in path.parts:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def test_every_file_has_licence_and_owner():
    without = [
        str(path)
        for path, text in texts()
        if path.name != "LICENSE"
        and not ("SPDX-License-Identifier: Apache-2.0" in text[:600]
                 and "Copyright The CATS Project" in text[:600])
    ]  # fmt: skip
    assert without == []


def test_no_path_of_a_machine():
    machine = re.compile(r"(?<![\w.$}])/(home|root|Users|work|opt|mnt)/\w")
    own = Path(__file__).relative_to(ROOT)
    found = [
        f"{path}:{number}"
        for path, text in texts()
        if path != own
        for number, line in enumerate(text.splitlines(), 1)
        if machine.search(line)
    ]
    assert found == []


def test_text_files_are_tidy():
    untidy = [
        str(path)
        for path, text in texts()
        if path.name != "LICENSE"
        and (not text.endswith("\n") or "\r" in text or re.search(r"[ \t]+$", text, re.MULTILINE))
    ]
    assert untidy == []


@pytest.mark.parametrize("compiler", ["gcc", "arm-none-eabi-gcc"])
def test_external_names_of_the_portable_c(tmp_path, compiler):
    """All that the linker sees of engine, features and gather begins with cats_."""
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler} here")
    rooms = [ROOT / "subsys" / "cats" / room for room in ("engine", "features", "gather")]
    sources = [path for room in rooms for path in sorted(room.glob("*.[cS]"))]
    flags = ["-mcpu=cortex-m4", "-mthumb"] if compiler.startswith("arm") else []
    include = [f"-I{folder}" for folder in (ROOT / "include", *rooms)]
    subprocess.run([compiler, *flags, *include, "-c", *sources], cwd=tmp_path, check=True)
    listed = subprocess.run(
        [compiler.replace("gcc", "nm"), "-A", "-g", "--defined-only", *tmp_path.glob("*.o")],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    names = re.findall(r"(\w+\.o):\S* \w (\S+)$", listed, re.MULTILINE)
    assert len(names) > 50
    assert [f"{file}: {name}" for file, name in names if not name.startswith("cats_")] == []


def test_no_static_is_named_as_a_function_of_the_system():
    """connect() or read() in the C code would read as if it were POSIX's."""
    static = re.compile(r"^(?:static\b[^;={(]*?|\} )(\w+)\s*(?=[\[;=(])", re.MULTILINE)
    system = ctypes.CDLL(None)
    files = [p for p in tracked() if p.suffix in (".c", ".h") and p.is_relative_to(ROOT / "subsys")]
    names = {name: path for path in files for name in static.findall(path.read_text())}
    assert len(names) > 200
    assert {name: path.name for name, path in names.items() if hasattr(system, name)} == {}


#: All of our C code that waits for a time to pass, or asks for something until it is so; and why.
WAITS = {
    "samples/calibrate/src/air.c": (["k_msleep"], "the air is quiet between two measurements"),
    "samples/calibrate/src/compute.c": (
        ["k_uptime_ticks", "k_busy_wait"],
        "the counter of cycles stands still in sleep",
    ),
    "samples/listen/src/main.c": (["k_sleep"], "a pause between two sounds"),
    "samples/node/src/main.c": (["k_sleep"] * 2, "a person at the shell; a pause between inputs"),
    "samples/survey/src/main.c": (["k_sleep"] * 2, "until there is something to print"),
    "subsys/cats/transport/loopback.c": (["loopback_now"], "each turn takes a frame away"),
    "subsys/cats/transport/wait.h": (["k_sleep"], "once a frame, until it starts"),
}


def test_nothing_polls_or_spins():
    """The processor sleeps until an interrupt, a semaphore or a time: no short sleeps, no busy
    waits, no loop that reads a clock or a register until it has changed."""
    waits = re.compile(
        r"\b(k_busy_wait|k_[um]?sleep|k_yield|k_cpu_(?:atomic_)?idle|WAIT_FOR|NRFX_WAIT_FOR"
        r"|NRFX_DELAY_US)\("
        r"|\bwhile \([^{};]*?\b(k_uptime\w*|k_cycle\w*|\w*now|nrfx?_\w+|sys_notify\w*|\w+_ready)\("
    )
    found = {}
    for path, text in texts():
        if path.suffix in (".c", ".h") and path.parts[0] in ("subsys", "include", "samples"):
            for call in waits.finditer(text):
                found.setdefault(path.as_posix(), []).append(call[1] or call[2])
    assert found == {path: calls for path, (calls, _) in WAITS.items()}


def test_private_names_stay_in_their_module():
    """Nobody imports another module's private names, nor asks a module for them."""
    found = []
    for path in (p for p in tracked() if p.suffix == ".py"):
        tree, taken = ast.parse(path.read_text()), set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and re.match(
                "(cats|bench|report)", node.module or ""
            ):
                taken |= {a.asname or a.name for a in node.names}
        used = {
            n.attr
            for n in ast.walk(tree)
            if isinstance(n, ast.Attribute)
            and isinstance(n.value, ast.Name)
            and n.value.id in taken
        }
        private = {name for name in taken | used if re.match("_[a-z]", name)}
        found += [f"{path.relative_to(ROOT)}: {n}" for n in private - {"_cats"}]
    assert found == []


def make_targets():
    text = (ROOT / "Makefile").read_text()
    return set(re.findall(r"^([a-z0-9-]+):", text, re.MULTILINE))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_commands_of_the_pages_exist(page):
    text = (ROOT / page).read_text()
    assert set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", text, re.MULTILINE)) <= make_targets()
    commands = set(re.findall(r"^cats ([a-z]+)", text, re.MULTILINE))
    assert commands <= set(cli.command_names())
    west = yaml.safe_load((ROOT / "scripts/west-commands.yml").read_text())["west-commands"]
    names = {c["name"] for c in west[0]["commands"]}
    assert set(re.findall(r"^west (cats-[a-z]+)", text, re.MULTILINE)) <= names
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_options_exist():
    """The README's command lines are accepted by the program's parser."""
    text = (ROOT / "README.md").read_text()
    for line in re.findall(r"^cats .+", text, re.MULTILINE):
        words = line.split()[1:]
        cli.build_parser(words[0]).parse_args(words)


def test_ci_does_what_the_readme_says():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text()
    readme = (ROOT / "README.md").read_text()
    first = re.search(r"## Try it.*?```sh\n(.*?)```", readme, re.DOTALL)[1].split("\n")
    for command in filter(None, first):
        assert f"step {command}\n" in text


def test_dependencies_are_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    pinned = {_plain(pin.split("==")[0]) for pin in pins}
    assert len(pinned) == len(pins)
    wanted = project["dependencies"] + sum(project["optional-dependencies"].values(), [])
    assert {_plain(re.match(r"[\w.-]+", w)[0]) for w in wanted} <= pinned
    assert "torch==2.13.0" in pins


def _plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_options_cannot_be_abbreviated():
    """As Zephyr asks of its scripts: a new option never changes what an old command line means."""
    call = re.compile(r"\b(?:ArgumentParser|add_parser)\((?:[^()]|\([^()]*\))*\)")
    found = [
        f"{path}: {made[0]}"
        for path, text in texts()
        if path.suffix == ".py" and path.parts[:2] != ("tests", "python")
        for made in call.finditer(text)
        if "allow_abbrev=False" not in made[0]
    ]
    assert found == []


def test_every_yaml_file_parses():
    for path in tracked():
        if path.suffix in (".yml", ".yaml"):
            yaml.safe_load(path.read_text())


@pytest.mark.slow
@pytest.mark.skipif(
    not (ROOT / "python/cats/native/build_native.py").exists(), reason="no native module"
)
def test_source_distribution_builds_the_c_code(tmp_path):
    """An sdist has all that its build needs; the wheel runs and has no developers' tools."""
    quiet = {"cwd": ROOT, "check": True, "capture_output": True}
    copy = tmp_path / "copy"
    copy.mkdir()
    files = b"\0".join(str(p.relative_to(ROOT)).encode() for p in tracked())
    packed = subprocess.run(["tar", "-c", "--null", "-T", "-"], input=files, **quiet).stdout
    subprocess.run(["tar", "-x", "-C", copy], input=packed, check=True)
    quiet["cwd"] = copy
    build = [sys.executable, "-m", "build", "--no-isolation", "--sdist", "-o", tmp_path]
    subprocess.run(build, **quiet)
    (sdist,) = tmp_path.glob("zephyr_cats-*.tar.gz")
    shutil.unpack_archive(sdist, tmp_path / "unpacked")
    (source,) = (tmp_path / "unpacked").iterdir()
    wheel = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "."]
    subprocess.run([*wheel, "-w", tmp_path], cwd=source, check=True, capture_output=True)
    (made,) = tmp_path.glob("zephyr_cats-*.whl")
    target = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "-t", target]
    subprocess.run([*install, made], check=True, capture_output=True)
    assert {p.name for p in target.iterdir() if p.suffix != ".dist-info"} == {"bin", "cats"}
    plan = "['plan', '--features', '64', '--tokens', '64', '--nodes', '1:4']"
    for code in (
        "import cats.native; print(cats.__file__)",
        f"import cats, cats.cli; print(cats.__file__); sys.exit(cats.cli.main({plan}))",
    ):
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; {code}"], cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(target)}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(str(target))
