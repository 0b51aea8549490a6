# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What doc/embed.rst says of modules, and what the project's own manifest brings."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
APP = ROOT / "tests" / "out_of_tree_app"
PAGE = (ROOT / "doc" / "embed.rst").read_text()


def allowed():
    """The modules that the page's manifest imports."""
    manifest = yaml.safe_load((APP / "west.yml").read_text())["manifest"]
    (zephyr,) = (one for one in manifest["projects"] if one["name"] == "zephyr")
    return zephyr["import"]["name-allowlist"]


def added(what):
    """The modules that the page's table names for something."""
    rows = re.findall(r"^([\w-]+(?:, [\w-]+)*) {2,}(\S.*)$", PAGE, re.MULTILINE)
    (names,) = (names for names, said in rows if what in said)
    return names.split(", ")


def test_the_projects_own_manifest_has_what_its_pages_name():
    """But for what one board alone needs, or processors with Helium."""
    (zephyr,) = yaml.safe_load((ROOT / "west.yml").read_text())["manifest"]["projects"]
    names = set(zephyr["import"]["name-allowlist"])
    assert names >= {*allowed(), *added("CATS_SECURE"), *added("nRF5340")}
