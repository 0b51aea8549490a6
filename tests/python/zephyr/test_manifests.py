# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What doc/embed.rst says of modules: the project's own manifest has them, and what the page names
for an application is enough to build it."""

import re
from pathlib import Path

import pytest
import yaml

from cats.deploy.export import export, load_deploy
from cats.errors import CatsError
from cats.plan.radio import SEALED
from cats.zephyr.firmware import OVERLAYS, build_nodes
from cats.zephyr.workspace import platforms, workspace

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


NRF52840 = "nrf52840dk/nrf52840"


@pytest.mark.slow
@pytest.mark.zephyr
@pytest.mark.parametrize(
    "board, radio, more, define",
    [
        (NRF52840, "nrf_radio", (), None),
        (NRF52840, "ieee802154" + SEALED, ("CATS_SECURE",), None),
        (NRF52840, "ble", ("Bluetooth LE",), None),
        (NRF52840, "nrf_radio", ("CATS_CMSIS_NN",), "CONFIG_CATS_CMSIS_NN=y"),
        ("nrf5340dk/nrf5340/cpuapp", "ieee802154", ("nRF5340",), None),
    ],
)
def test_the_modules_that_the_page_names_are_enough(board, radio, more, define, tmp_path):
    """Zephyr sees these modules and no others of its workspace."""
    try:
        space = workspace()
    except CatsError as error:
        pytest.skip(str(error))
    found, left = platforms(space)
    if NRF52840 not in found:
        pytest.skip(f"{NRF52840} {left[NRF52840]}")
    names = [*allowed(), *(name for what in more for name in added(what))]
    manifest = yaml.safe_load((space.zephyr / "west.yml").read_text())["manifest"]
    paths = {one["name"]: one.get("path", one["name"]) for one in manifest["projects"]}
    modules = [space.zephyr.parent / paths[name] for name in names]
    for module in modules:
        if not (module / "zephyr").is_dir():
            pytest.skip(f"no module {module.name} in the workspace: west update")
    sample = ROOT / "samples" / "node"
    plain = radio.removesuffix(SEALED)
    overlays = [OVERLAYS[plain]]
    if radio != plain:
        overlays += ["overlay-shell.conf", "overlay-secure.conf"]
    export(load_deploy(sample / "deploy")[0], tmp_path / "deploy", radio=radio)
    (built,) = build_nodes(
        space, tmp_path / "deploy", [0], board, sample=sample, root=tmp_path,
        defines=[
            f"EXTRA_CONF_FILE={';'.join(overlays)}",
            f"ZEPHYR_MODULES={';'.join(map(str, modules))}", *([define] if define else []),
            # picolibc takes longest to build: once, where nothing else is new, is enough.
            f"CONFIG_MINIMAL_LIBC={'y' if more else 'n'}",
        ],
    )  # fmt: skip
    said = built.log.read_text(errors="replace")
    assert built.elf and "warning: " not in said, said[-4000:]
    config = (built.folder / "zephyr" / ".config").read_text()
    assert define is None or f"{define}\n" in config
