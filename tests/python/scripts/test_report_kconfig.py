# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""doc/kconfig.rst says what the Kconfig files say, and leaves no option out."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts" / "report" / "kconfig.py"
FILES = [ROOT / "zephyr" / "Kconfig", *sorted((ROOT / "subsys").rglob("Kconfig*"))]

spec = importlib.util.spec_from_file_location("kconfig_page", SCRIPT)
kconfig_page = importlib.util.module_from_spec(spec)
sys.modules["kconfig_page"] = kconfig_page
spec.loader.exec_module(kconfig_page)


def test_page_is_what_the_script_writes():
    """If not: python scripts/report/kconfig.py"""
    done = subprocess.run([sys.executable, SCRIPT, "--check"])
    assert done.returncode == 0, "doc/kconfig.rst is old: python scripts/report/kconfig.py"


def test_every_option_is_there_with_its_default():
    """Read from the files in another way than the script does."""
    page = (ROOT / "doc" / "kconfig.rst").read_text()
    entries = {
        entry.split("``")[0]: " ".join(entry.split())
        for entry in re.split(r"^ *``(?:CONFIG_)?(?=\w+``\n)", page, flags=re.MULTILINE)[1:]
    }
    seen = 0
    for path in FILES:
        blocks = re.split(r"^(?:menu)?config (?=CATS)", path.read_text(), flags=re.MULTILINE)[1:]
        for block in blocks:
            name = block.split()[0]
            before_help = block.split("\thelp\n")[0]
            assert name in entries, f"{name} is not in doc/kconfig.rst"
            for value in re.findall(r"^\tdefault (\S+)", before_help, re.MULTILINE):
                assert re.search(rf"(default|else) {re.escape(value)}\b", entries[name]), name
            for low, high in re.findall(r"^\trange (\S+) (\S+)", before_help, re.MULTILINE):
                assert f"{low} to {high}" in entries[name]
            assert "\thelp\n" in block, f"{name} has no help"
            seen += 1
    assert seen >= 25


def test_options_of_sysbuild_are_where_the_network_core_is():
    page = (ROOT / "doc" / "transports.rst").read_text()
    options = re.findall(
        r"^config (\w+)", (ROOT / "zephyr" / "sysbuild" / "Kconfig").read_text(), re.MULTILINE
    )
    assert len(options) == 3
    for name in options:
        assert f"``SB_CONFIG_{name}``" in page


def test_parser():
    lines = [
        "config CATS_A",
        '\tint "A"',
        "\trange 1 2",
        "\tdefault 1 if B",
        "\tdefault 2",
        "\thelp",
        "\t  First line",
        "\t  and `cats a`.",
        "",
        "\t  Third.",
        "",
        "if CATS_A",
        "",
        "choice CATS_C",
        '\tprompt "C"',
        "\tdefault CATS_C1",
        "",
        "config CATS_C1",
        '\tbool "one"',
        "\tdepends on X && Y",
        "",
        "endchoice",
        "",
        "endif",
    ]
    (a, c), log = kconfig_page.parse(lines)
    assert not log
    assert kconfig_page.facts(a) == "int; 1 to 2; default 1 if B, else 2"
    assert "    First line and ``cats a``. Third." in kconfig_page.describe(a)
    assert (c.options[0].name, c.conditions) == ("CATS_C1", ["CATS_A"])
    assert kconfig_page.facts(c.options[0]) == "bool; needs CATS_A, X && Y"
    with pytest.raises(SystemExit, match="not understood: nonsense here"):
        kconfig_page.parse(["nonsense here"])
