# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The Zephyr workspace of this machine: where it is, how its tools are called, what it builds for.

Zephyr is asked through its own tools (CMake, Twister); nothing of it is imported. As a program
(``make setup``) this prints where the Zephyr tree is, and its status is 1 where there is none; it
needs no more than the standard library.
"""

from __future__ import annotations

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
    """The Zephyr tree: ZEPHYR_BASE, the west workspace around, or CMake's package registry."""
    candidates = [os.environ.get("ZEPHYR_BASE", "")]
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / ".west" / "config").is_file():
            candidates.append(str(folder / "zephyr"))
            break
    registry = Path.home() / ".cmake" / "packages" / "Zephyr"
    for entry in sorted(registry.glob("*")) if registry.is_dir() else ():
        # The path of Zephyr's CMake package: ZEPHYR/share/zephyr-package/cmake
        candidates.append(str(Path(entry.read_text().strip()).parents[2]))
    for candidate in candidates:
        if candidate and (Path(candidate) / "scripts" / "twister").is_file():
            return Path(candidate)
    return None


def workspace() -> Workspace:
    """The Zephyr workspace of this machine; raises CatsError that says what is missing."""
    zephyr = find_zephyr()
    if not zephyr:
        raise CatsError(
            "no Zephyr workspace found: run this in one (west init, west update), or set "
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
    sdk = Path.home() / ".cmake" / "packages" / "Zephyr-sdk"
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
    zephyr = find_zephyr()
    if zephyr:
        print(zephyr)
    return 0 if zephyr else 1


if __name__ == "__main__":
    sys.exit(main())
