# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What of the Zephyr module can be checked without Zephyr: it names files that are there, and its
tests' data are what this source tree makes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
SUBSYS = ROOT / "subsys" / "cats"
ROOMS = sorted(path.parent.name for path in SUBSYS.glob("*/CMakeLists.txt"))


def test_module_names_what_is_there() -> None:
    module = yaml.safe_load((ROOT / "zephyr" / "module.yml").read_text())
    assert module["name"] == "cats"
    assert (ROOT / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (ROOT / module["build"]["kconfig"]).is_file()
    for folder in module["tests"] + module["samples"]:
        assert any((ROOT / folder).rglob("*.yaml")), folder
    for path in module["package-managers"]["pip"]["requirement-files"]:
        assert (ROOT / path).is_file()


def test_requirements_are_the_package_s() -> None:
    """zephyr/requirements.txt lists the dependencies of pyproject.toml."""
    import tomllib

    package = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = (ROOT / "zephyr" / "requirements.txt").read_text().splitlines()
    listed = sorted(line for line in lines if line and not line.startswith("#"))
    assert listed == sorted(package["project"]["dependencies"])


def test_every_room_is_built() -> None:
    """No folder is forgotten in the module's CMakeLists.txt and Kconfig, or invented."""
    text = (SUBSYS / "CMakeLists.txt").read_text()
    named = set(re.findall(r"^add_subdirectory\w*\((?:CONFIG_\w+ )?(\w+)\)$", text, re.MULTILINE))
    assert named == {path.name for path in SUBSYS.iterdir() if path.is_dir()}
    text = (SUBSYS / "Kconfig").read_text()
    named = set(re.findall(r'^rsource "(\w+)/Kconfig"$', text, re.MULTILINE))
    assert named == {path.parent.name for path in SUBSYS.glob("*/Kconfig")}


@pytest.mark.parametrize("room", ROOMS)
def test_every_source_is_built(room: str) -> None:
    """No file is forgotten in its room's CMakeLists.txt, or invented."""
    text = (SUBSYS / room / "CMakeLists.txt").read_text()
    named = set(re.findall(r"(?<![\w/}])\w+\.[cS](?![\w.])", text))
    there = {p.name for p in (SUBSYS / room).iterdir() if p.suffix in (".c", ".S")}
    assert named == there


def test_data_of_the_zephyr_tests() -> None:
    """If not: python tests/zephyr/data/generate.py"""
    generate = ROOT / "tests" / "zephyr" / "data" / "generate.py"
    done = subprocess.run([sys.executable, generate, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
