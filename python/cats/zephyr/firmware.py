# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Builds the firmware of a deployment's nodes: what `cats build` and its west command share."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cats.errors import CatsError
from cats.files import is_empty
from cats.plan.radio import SEALED
from cats.schema import load
from cats.zephyr.footprint import measure
from cats.zephyr.workspace import Workspace

#: The Kconfig choice of each radio that a deployment can be planned for.
TRANSPORTS = {
    "ieee802154": "CONFIG_CATS_TRANSPORT_IEEE802154",
    "nrf_radio": "CONFIG_CATS_TRANSPORT_NRF_RADIO",
    "ble": "CONFIG_CATS_TRANSPORT_BLE",
}
#: Overlays of samples/node for them.
OVERLAYS = {
    "ieee802154": "overlay-802154.conf",
    "nrf_radio": "overlay-nrf-radio.conf",
    "ble": "overlay-ble.conf",
}
#: What runs on the network core beside a node on the application core (zephyr/sysbuild/Kconfig).
NETWORK_CORE = {
    "ieee802154": "SB_CONFIG_CATS_NETWORK_CORE_802154_RPMSG",
    "ble": "SB_CONFIG_CATS_NETWORK_CORE_HCI_IPC",
}


@dataclass(frozen=True)
class Built:
    """The outcome of one node's build; ``elf`` is None where it failed."""

    node: int
    folder: Path
    elf: Path | None
    log: Path


class Domain(msgspec.Struct):
    name: str
    build_dir: str


class Domains(msgspec.Struct):
    """What is read of sysbuild's ``domains.yaml``."""

    default: str
    domains: list[Domain]


def domains_of(folder: Path) -> dict[str, Path]:
    """The images that sysbuild makes in a build folder, by name, that of the application first;
    none where the folder is a build without sysbuild. Raises CatsError."""
    file = folder / "domains.yaml"
    if not file.exists():
        return {}
    known = load(file, Domains, "sysbuild's list of images", again="cats build -p")
    folders = {one.name: Path(one.build_dir) for one in known.domains}
    if known.default not in folders:
        raise CatsError(f"{file}: $.default: not among the domains; cats build -p")
    return {known.default: folders.pop(known.default), **folders}


def application_of(folder: Path) -> Path:
    """Where the application itself is built: in a folder of its own where sysbuild was used."""
    return next(iter(domains_of(folder).values()), folder)


def program_of(folder: Path) -> Path | None:
    """The program that a build folder holds, if any; of sysbuild's the application's."""
    inside = application_of(folder) / "zephyr"
    files = (inside / name for name in ("zephyr.exe", "zephyr.elf"))
    return next((file for file in files if file.is_file()), None)


def radio_overlay(
    radio: str, board: str, defines: Sequence[str], *, shell: bool = False
) -> list[str]:
    """What samples/node is built with beside ``defines`` so that nodes on boards hear each other by
    the ``radio`` of their deployment; nothing where ``defines`` choose a transport, or where the
    board is a program that holds all nodes. ``shell``: and so that they can be provisioned."""
    chosen = ("CONFIG_CATS_TRANSPORT_", "CONFIG_CATS_LOOPBACK_PARTIAL", "EXTRA_CONF_FILE")
    if shell and any(d.startswith("EXTRA_CONF_FILE") for d in defines):
        raise CatsError(
            "--shell has an EXTRA_CONF_FILE of its own: name overlay-shell.conf in yours"
        )
    overlays = ["overlay-shell.conf"] if shell else []
    if shell and radio.endswith(SEALED):
        overlays.append("overlay-secure.conf")
    if not board.startswith("native_sim") and not any(d.startswith(chosen) for d in defines):
        overlays += filter(None, [OVERLAYS.get(radio.removesuffix(SEALED))])
    return [f"EXTRA_CONF_FILE={';'.join(overlays)}"] if overlays else []


def network_core(radio: str, board: str, defines: Sequence[str]) -> list[str]:
    """What sysbuild is told beside ``defines`` so that the network core of ``board`` drives the
    ``radio``; nothing where they say it, or where there is no such core."""
    if "cpuapp" not in board or any(d.startswith("SB_CONFIG_CATS_NETWORK_CORE") for d in defines):
        return []
    image = NETWORK_CORE.get(radio)
    return [f"{image}=y"] if image else []


def wrong_transport(built: Built, radio: str) -> str | None:
    """Why a firmware's transport does not suit a plan for ``radio``, in a line; None if it does.

    The build itself looks where the image is linked. The loopback, and an application's own
    transport, carry any plan.
    """
    try:
        config = set((application_of(built.folder) / "zephyr" / ".config").read_text().split())
    except OSError:
        return None
    for name, choice in TRANSPORTS.items():
        if f"{choice}=y" in config and name != radio:
            hint = f"cats export --radio {name}"
            return f"sends by {name}, the deployment is planned for {radio}: {hint}"
    return None


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
    sysbuild: bool = False,
    report: Callable[[Built], None] = lambda built: None,
) -> list[Built]:
    """Build the firmware of ``nodes`` of a deployment into ``root/node_NN``, by ``sysbuild`` with
    the other images that ``defines`` ask for: of a network core, a bootloader.

    The first node is built alone and fills the compiler cache, the others follow, ``jobs`` at a
    time (0: as many as there are processors), but for those that the first firmware holds as well:
    on native_sim one process is all nodes. ``report`` hears of each when it is done.
    """
    for tool in ("cmake", "ninja"):
        if not shutil.which(tool):
            raise CatsError(f"cannot build firmware: no {tool}: apt-get install cmake ninja-build")
    processors = os.cpu_count() or 1
    jobs = min(jobs or processors, processors)

    source = [f"-S{sample}"]
    if sysbuild:
        source = [f"-S{space.zephyr / 'share' / 'sysbuild'}", f"-DAPP_DIR={sample}"]

    def build(node: int, share: int) -> Built:
        folder = root / f"node_{node:02}"
        if pristine and not is_empty(folder):
            # cmake's, and nothing else's
            if not any((folder / name).is_file() for name in ("CMakeCache.txt", "build.log")):
                raise CatsError(f"{folder} is no folder of cats build: choose another with -d")
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "build.log"
        configure = [
            "cmake", "-GNinja", *source, f"-B{folder}", f"-DBOARD={board}",
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
        built = Built(node, folder, None if done.returncode else program_of(folder), log)
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
