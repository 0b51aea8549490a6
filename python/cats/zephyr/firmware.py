# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Builds firmware and runs Twister in the Zephyr workspace that this machine has.

What `cats build`, `cats test`, their west commands and `make test` share. Zephyr is asked through
its own tools (CMake, Twister); nothing of it is imported.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cats.errors import CatsError
from cats.zephyr.footprint import measure

#: Python modules that Zephyr's build and Twister import.
ZEPHYR_NEEDS = "anytree, elftools, jsonschema, junitparser, natsort, packaging, psutil, yaml"
#: Where Twister looks: the folders of zephyr/module.yml.
TEST_FOLDERS = ("tests/zephyr", "tests/hil", "samples")


@dataclass(frozen=True)
class Workspace:
    """A Zephyr tree, the Python that its scripts run under, and the variables that builds need."""

    zephyr: Path
    python: str
    environment: dict[str, str]


@dataclass(frozen=True)
class Built:
    """The outcome of one node's build; ``elf`` is None where it failed."""

    node: int
    folder: Path
    elf: Path | None
    log: Path


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
        f"no Python with what Zephyr's scripts import ({ZEPHYR_NEEDS}): "
        f"pip install -r {zephyr}/scripts/requirements.txt"
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
    """BabbleSim where a west workspace has it, if nothing else is set."""
    bsim = zephyr.parent / "tools" / "bsim"
    if "BSIM_OUT_PATH" in os.environ or not (bsim / "bin" / "bs_2G4_phy_v1").is_file():
        return {}
    return {"BSIM_OUT_PATH": str(bsim), "BSIM_COMPONENTS_PATH": str(bsim / "components")}


def build_nodes(
    space: Workspace,
    deploy: Path,
    nodes: Sequence[int],
    board: str,
    *,
    sample: Path,
    root: Path,
    jobs: int = 0,
    pristine: bool = False,
    defines: Sequence[str] = (),
    report: Callable[[Built], None] = lambda built: None,
) -> list[Built]:
    """Build the firmware of ``nodes`` of a deployment into ``root/node_NN``.

    The first node is built alone and fills the compiler cache, the others follow, ``jobs`` at a
    time (0: as many as there are processors), but for those that the first firmware holds as well:
    on native_sim one process is all nodes. ``report`` hears of each when it is done.
    """
    for tool in ("cmake", "ninja"):
        if not shutil.which(tool):
            raise CatsError(f"cannot build firmware: no {tool}: apt-get install cmake ninja-build")
    processors = os.cpu_count() or 1
    jobs = min(jobs or processors, processors)

    def build(node: int, share: int) -> Built:
        folder = root / f"node_{node:02}"
        if pristine:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "build.log"
        configure = [
            "cmake", "-GNinja", f"-S{sample}", f"-B{folder}", f"-DBOARD={board}",
            f"-DCATS_DEPLOY={deploy}", f"-DCONFIG_CATS_NODE_ID={node}",
            *(f"-D{define}" for define in defines),
        ]  # fmt: skip
        environment = {"CCACHE_BASEDIR": str(root)} | space.environment
        with log.open("w") as output:
            for command in (configure, ["ninja", "-C", str(folder), "-j", str(share)]):
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
                )
                if done.returncode:
                    break
        names = ("zephyr.exe", "zephyr.elf")
        found = [folder / "zephyr" / n for n in names if (folder / "zephyr" / n).is_file()]
        built = Built(node, folder, found[0] if found and not done.returncode else None, log)
        report(built)
        return built

    first = build(nodes[0], processors)
    if not first.elf:
        return [first]
    held = {image.node for image in measure(first.elf).images}
    others = [node for node in nodes[1:] if node not in held]
    with ThreadPoolExecutor(jobs) as pool:
        share = max(1, processors // jobs)
        return [first, *pool.map(lambda node: build(node, share), others)]


def platforms(space: Workspace, *, bsim: bool = False) -> tuple[list[str], list[str]]:
    """(what this machine can build and, but for boards, run; why the others are left out)."""
    found, left = [], []

    def offer(ok: bool, name: str, reason: str) -> None:
        if ok:
            found.append(name)
        else:
            left.append(f"{name}: {reason}")

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


def twister_command(
    space: Workspace,
    out: Path,
    *,
    on: Sequence[str] = (),
    device_testing: bool = False,
    hardware_map: Path | None = None,
    jobs: int = 0,
    extra: Sequence[str] = (),
) -> list[str]:
    """The command line that runs the module's tests and samples."""
    root = source_tree()
    folders = [
        root / folder
        for folder in TEST_FOLDERS
        if any((root / folder).rglob("testcase.yaml")) or any((root / folder).rglob("sample.yaml"))
    ]
    if not folders:
        raise CatsError(f"no testcase.yaml or sample.yaml below {', '.join(TEST_FOLDERS)}")
    command = [space.python, str(space.zephyr / "scripts" / "twister"), "-O", str(out)]
    command += ["--inline-logs", "--overflow-as-errors", "-j", str(jobs or os.cpu_count() or 1)]
    command += [f"-T{folder}" for folder in folders] + [f"-p{platform}" for platform in on]
    if device_testing:
        command.append("--device-testing")
    if hardware_map:
        command += ["--hardware-map", str(hardware_map)]
    return [*command, *extra]


def run_twister(space: Workspace, command: Sequence[str]) -> tuple[int, list[str]]:
    """Run Twister, its output passed on; (exit status, its summary lines)."""
    summary = []
    # As in build_nodes(): of one platform's tests, ccache compiles most of Zephyr once.
    environment = {"CCACHE_BASEDIR": command[command.index("-O") + 1]} | space.environment
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout
        for line in process.stdout:
            print(line, end="", flush=True)
            if re.search(r"executed test (configurations|cases) passed", line):
                summary.append(re.sub(r"\x1b\[[0-9;]*m", "", line).strip())
    return process.returncode, summary
