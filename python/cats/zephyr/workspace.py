# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The Zephyr workspace of this machine: where it is, how its tools are called, what it builds for.

Zephyr is asked through its own tools (CMake, Twister); nothing of it is imported. As a program
(``make setup``) this prints where the Zephyr tree is, and its status is 1 where there is none; it
needs no more than the standard library.
"""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cats.errors import CatsError

#: Python modules that Zephyr's build and Twister import: those of pyproject's extra ``zephyr``.
ZEPHYR_NEEDS = (
    "anytree, colorama, elftools, jsonschema, junitparser, natsort, packaging, ply, psutil, "
    "pykwalify, pytest, serial, tabulate, west, yaml"
)


@dataclass(frozen=True)
class Workspace:
    """A Zephyr tree, the Python that its scripts run under, and the variables that builds need."""

    zephyr: Path
    python: str
    environment: dict[str, str]


def source_tree() -> Path:
    """The checkout of CATS that this package belongs to: it is the Zephyr module."""
    root = Path(__file__).resolve().parents[3]
    if not (root / "zephyr" / "module.yml").is_file():
        raise CatsError("firmware needs the source tree of CATS: pip install -e PATH_TO_CATS")
    return root


def find_zephyr() -> Path | None:
    """The Zephyr tree that west would take: that of ZEPHYR_BASE (after the workspace's own where
    west's ``zephyr.base-prefer`` is ``configfile``), of the west workspace around; where there is
    neither, one of CMake's package registry. None where what is named is no Zephyr tree: another
    one is never taken in its place."""
    return next((tree for tree, _ in _named() if _is_zephyr(tree)), None)


def _named() -> list[tuple[Path, str]]:
    """(tree, who names it) that count here; of several the first that is there."""
    environment = os.environ.get("ZEPHYR_BASE")
    west, prefer = _west_base()
    if environment and not (west and prefer == "configfile"):
        return [(Path(environment), "ZEPHYR_BASE")]
    if west:
        return west
    registry = Path(os.path.expanduser("~"), ".cmake", "packages", "Zephyr")
    # An entry is the path of Zephyr's CMake package: ZEPHYR/share/zephyr-package/cmake
    return [
        (Path(entry.read_text().strip()).parents[2], "CMake's package registry")
        for entry in (sorted(registry.glob("*")) if registry.is_dir() else ())
    ]


def _west_base() -> tuple[list[tuple[Path, str]], str]:
    """(what the west workspace around takes for Zephyr's tree, empty where there is no workspace;
    its ``zephyr.base-prefer``): as ``west.app.main`` finds it, in west's system's, user's and
    workspace's settings. Every command of west writes ``zephyr.base`` there where its manifest has
    Zephyr, so that the manifest need not be read."""
    here = Path.cwd()
    top = next((f for f in (here, *here.parents) if (f / ".west").is_dir()), None)
    if top is None:
        return [], ""
    user = Path(os.path.expanduser("~"), ".westconfig")
    if "XDG_CONFIG_HOME" in os.environ:
        user = Path(os.environ["XDG_CONFIG_HOME"], "west", "config")
    local = os.environ.get("WEST_CONFIG_LOCAL", top / ".west" / "config")
    settings = configparser.ConfigParser(allow_no_value=True, interpolation=None)
    try:
        settings.read(
            [
                os.environ.get("WEST_CONFIG_SYSTEM", "/etc/westconfig"),
                os.environ.get("WEST_CONFIG_GLOBAL", user),
                local,
            ],
            encoding="utf-8",
        )
    except (configparser.Error, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise CatsError(f"{local} is no configuration of west: {reason}") from None
    prefer = settings.get("zephyr", "base-prefer", fallback="") or ""
    if base := settings.get("zephyr", "base", fallback=None):
        return [(top / base, f"zephyr.base in {local}")], prefer
    manifest = settings.get("manifest", "path", fallback=None) or "zephyr"
    return [(top / path, f"the manifest of {top}") for path in (manifest, "zephyr")], prefer


def _is_zephyr(tree: Path) -> bool:
    return (tree / "scripts" / "twister").is_file()


def workspace() -> Workspace:
    """The Zephyr workspace of this machine; raises CatsError that says what is missing."""
    zephyr = find_zephyr()
    if not zephyr:
        named = "".join(f" ({who} names {tree})" for tree, who in _named()[:1])
        raise CatsError(
            f"no Zephyr workspace found{named}: run this in one (west init, west update), or set "
            "ZEPHYR_BASE"
        )
    python = _zephyr_python(zephyr)
    path = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)])
    environment = os.environ | {
        "PATH": path,
        "ZEPHYR_BASE": str(zephyr),
        "ZEPHYR_EXTRA_MODULES": _with(os.environ.get("ZEPHYR_EXTRA_MODULES"), source_tree()),
        **_toolchain(),
        **_babblesim(zephyr),
    }
    # One node's build differs from the next in two macros: with paths told relative to the build,
    # ccache compiles most of Zephyr once.
    environment.setdefault("CCACHE_NOHASHDIR", "1")
    return Workspace(zephyr, python, environment)


def _with(modules: str | None, root: Path) -> str:
    listed = [m for m in (modules or "").split(";") if m]
    return ";".join(listed if str(root) in listed else [*listed, str(root)])


def _zephyr_python(zephyr: Path) -> str:
    candidates = [sys.executable, str(zephyr.parent / ".venv" / "bin" / "python")]
    west = shutil.which("west")
    if west:
        candidates.append(str(Path(west).parent / "python"))
    candidates += [p for p in (shutil.which("python3"),) if p]
    for python in candidates:
        if not Path(python).exists():
            continue
        probe = subprocess.run([python, "-c", f"import {ZEPHYR_NEEDS}"], capture_output=True)
        if probe.returncode == 0:
            return python
    raise CatsError(
        f"no Python with what Zephyr's scripts import ({ZEPHYR_NEEDS}): pip install -e "
        f"'PATH_TO_CATS[zephyr]' (as make setup does), or -r {zephyr}/scripts/requirements.txt"
    )


def _toolchain() -> dict[str, str]:
    """Zephyr's own choice where there is one, else what the system's packages give."""
    sdk = Path(os.path.expanduser("~")) / ".cmake" / "packages" / "Zephyr-sdk"
    if any(v in os.environ for v in ("ZEPHYR_TOOLCHAIN_VARIANT", "ZEPHYR_SDK_INSTALL_DIR")):
        return {}
    if sdk.is_dir() and any(sdk.iterdir()):
        return {}
    gcc = shutil.which("arm-none-eabi-gcc")
    if not gcc:
        return {"ZEPHYR_TOOLCHAIN_VARIANT": "host"}
    return {
        "ZEPHYR_TOOLCHAIN_VARIANT": "gnuarmemb",
        "GNUARMEMB_TOOLCHAIN_PATH": str(Path(gcc).parents[1]),
    }


def _babblesim(zephyr: Path) -> dict[str, str]:
    """BabbleSim as BSIM_OUT_PATH says, else where a west workspace has it, if it is built there."""
    bsim = zephyr.parent / "tools" / "bsim"
    built = (bsim / "bin" / "bs_2G4_phy_v1").is_file()
    out = os.environ.get("BSIM_OUT_PATH") or (str(bsim) if built else "")
    if not out:
        return {}
    components = os.environ.get("BSIM_COMPONENTS_PATH") or str(Path(out) / "components")
    return {"BSIM_OUT_PATH": out, "BSIM_COMPONENTS_PATH": components}


def platforms(space: Workspace, *, bsim: bool = False) -> tuple[list[str], dict[str, str]]:
    """(what this machine can build and, but for boards, run; the others, each with its reason)."""
    found: list[str] = []
    left: dict[str, str] = {}

    def offer(ok: bool, name: str, reason: str) -> None:
        if ok:
            found.append(name)
        else:
            left[name] = reason

    offer(_compiles("-m32"), "native_sim", "needs apt-get install gcc-multilib")
    offer(_compiles(), "native_sim/native/64", "needs a C compiler: apt-get install gcc")
    arm = space.environment.get("ZEPHYR_TOOLCHAIN_VARIANT") != "host"
    toolchain = "needs apt-get install gcc-arm-none-eabi, or the Zephyr SDK"
    qemu = bool(shutil.which("qemu-system-arm"))
    reason = "needs apt-get install qemu-system-arm" if arm else toolchain
    offer(arm and qemu, "mps2/an385", reason)
    offer(arm and qemu, "mps3/corstone300/an547", reason)
    offer(arm, "nrf52840dk/nrf52840", toolchain)
    if bsim:
        there = "BSIM_OUT_PATH" in space.environment and _compiles("-m32")
        offer(there, "nrf52_bsim", "needs BabbleSim (BSIM_OUT_PATH) and gcc-multilib")
    return found, left


def _compiles(*flags: str) -> bool:
    gcc = shutil.which("gcc")
    if not gcc:
        return False
    text = b'#include <stdio.h>\nint main(void) { return puts(""); }\n'
    command = [gcc, *flags, "-xc", "-", "-o", os.devnull]
    return subprocess.run(command, input=text, capture_output=True).returncode == 0


def main() -> int:
    """Print where the Zephyr tree is; status 1 where there is none."""
    try:
        zephyr = find_zephyr()
    except CatsError as error:
        print(f"cats: error: {error}", file=sys.stderr)
        return 1
    if zephyr:
        print(zephyr)
    return 0 if zephyr else 1


if __name__ == "__main__":
    sys.exit(main())
