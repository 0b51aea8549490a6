# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``make builds``: every sample for every board and transport it can have, and doc/boards.rst.

What a build gave is kept in the folder, so that some boards or samples may be built anew alone
(``--board``, ``--sample``, ``--transport``); the page says of the others what they gave before, or
that they were not built. The exit status is 1 where a build fails.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cats.deploy.export import export, exported
from cats.errors import CatsError
from cats.report import print_table, read_json, write_json
from cats.zephyr.firmware import OVERLAYS, build_nodes, domains_of, network_core
from cats.zephyr.footprint import measure
from cats.zephyr.workspace import Workspace, source_tree, workspace

PAGE = "doc/boards.rst"
ALL = ("nrf_radio", "ieee802154", "ble")
#: What sysbuild calls the network core's image for a transport.
NETWORK_IMAGES = {"ieee802154": "802154_rpmsg", "ble": "hci_ipc"}


@dataclass(frozen=True)
class Target:
    """A board as Zephyr names it; the transports that it can have; ``shield``: what its radio is
    on; ``simulated``: on which simulated board the same code for its radio was run."""

    board: str
    transports: tuple[str, ...]
    simulated: str
    shield: str = ""

    @property
    def sysbuild(self) -> bool:
        """Whether the radio is driven by a core with firmware of its own."""
        return self.board.endswith("cpuapp")


TARGETS = (
    Target("nrf52840dk/nrf52840", ALL, "radio as nRF52833"),
    Target("nrf52833dk/nrf52833", ALL, "nrf52_bsim"),
    Target("nrf52dk/nrf52832", ("nrf_radio", "ble"), "radio as nRF52833"),
    Target("nrf5340dk/nrf5340/cpuapp", ("ieee802154", "ble"), "no"),
    Target("nrf5340dk/nrf5340/cpunet", ALL, "no"),
    Target("sam_v71_xult/samv71q21", ("ieee802154",), "no", shield="atmel_rf2xx_xpro"),
)


@dataclass(frozen=True)
class Case:
    """One build: a sample for a board; ``transport`` "" where it uses none."""

    sample: str
    target: Target
    transport: str = ""

    @property
    def name(self) -> str:
        """Of its folder and of its entry in the results."""
        board = self.target.board.replace("/", "_")
        return "-".join(filter(None, (self.sample, board, self.transport)))

    def defines(self) -> list[str]:
        """What its build is told."""
        said = ["CONFIG_MINIMAL_LIBC=y"]
        if self.target.shield and self.transport == "ieee802154":
            said.append(f"SHIELD={self.target.shield}")
        if self.transport:
            overlay = OVERLAYS[self.transport]
            own = (source_tree() / "samples" / self.sample / overlay).is_file()
            said.append(f"EXTRA_CONF_FILE={overlay if own else f'../node/{overlay}'}")
        if self.target.sysbuild and self.transport:
            said += network_core(self.transport, self.target.board, ())
            said.append(f"{NETWORK_IMAGES[self.transport]}_CONFIG_MINIMAL_LIBC=y")
        return said


SAMPLES = ("node", "sensor", "storyteller", "calibrate", "survey", "selftest")


def _cases(target: Target) -> list[Case]:
    """The node with every transport, the others with one, but for the self test."""
    return [
        *(Case("node", target, transport) for transport in target.transports),
        Case("sensor", target, target.transports[0]),
        Case("storyteller", target, target.transports[0]),
        Case("calibrate", target, target.transports[0]),
        Case("survey", target, target.transports[0]),
        Case("selftest", target),
    ]


CASES = tuple(case for target in TARGETS for case in _cases(target))

HEAD = """\
.. SPDX-FileCopyrightText: Copyright The CATS Project
.. SPDX-License-Identifier: Apache-2.0

.. Written by ``make builds`` (scripts/report/builds.py). Edit that.

Boards
######

What was built, what was simulated and what was measured, by board. No board was measured: nobody
has run this on hardware yet.

* *Built*: the sample links for the board and fits. Bytes of RAM and flash are the linker's, with
  Zephyr 4.3, gcc 12.2 and the minimal C library (``CONFIG_MINIMAL_LIBC=y``); ``samples/node``,
  ``samples/sensor`` and ``samples/storyteller`` hold node 0 of the deployment in their folder,
  exported anew for the radio.
  Where there are two images, the second line is that of the network core, by sysbuild.
* *Simulated*: the same code for the radio ran on BabbleSim, with all tests of
  ``tests/python/zephyr/test_bsim_*.py``. ``nrf52_bsim`` models the nRF52833, whose RADIO the
  nRF52840 and, but for 802.15.4, the nRF52832 share. Boards do not get radio waves there, nor
  their own processor's time.
* *Measured*: on a board. None.

The nRF52832 has no 802.15.4. The nRF5340's application core has no radio: the network core's image
drives it, ``west cats-build --sysbuild`` builds both (:doc:`transports`); ``nrf_radio`` runs on the
network core itself, which then holds the node. The SAM V71 Xplained Ultra with an AT86RF2xx on the
shield ``atmel_rf2xx_xpro`` stands for all boards that are not Nordic's: a radio with a driver of
Zephyr's that has raw mode and direct transmission (AT86RF2xx, MCR20A, CC2520).

"""

TAIL = """\

``make builds`` builds all of it and writes this page; ``ARGS="--board nrf52dk/nrf52832"`` one board
anew. Debian's ``gcc-arm-none-eabi`` does, with the modules cmsis, cmsis_6, hal_nordic, libmetal,
mbedtls, open-amp and, for the SAM V71, hal_atmel.
"""


def build(case: Case, space: Workspace, root: Path) -> dict:
    """Build it, and what the linker says of each image."""
    tree = source_tree()
    owner = case.sample if (tree / "samples" / case.sample / "deploy").is_dir() else "node"
    deploy = tree / "samples" / owner / "deploy"
    if case.transport:
        model, _, tokenizer = exported(deploy)
        deploy = root / f"deploy-{owner}-{case.transport}"
        if not deploy.is_dir():
            export(model, deploy, radio=case.transport, tokenizer=tokenizer)
    (built,) = build_nodes(
        space, deploy, [0], case.target.board, sample=tree / "samples" / case.sample,
        root=root / case.name, defines=case.defines(),
        sysbuild=bool(case.target.sysbuild and case.transport),
    )  # fmt: skip
    if not built.elf:
        return {"built": False, "log": str(built.log.relative_to(root))}
    folders = domains_of(built.folder) or {case.sample: built.folder}
    images = []
    for name, folder in folders.items():
        one = measure(folder / "zephyr" / "zephyr.elf")
        images.append(
            {
                "image": name, "ram": one.ram, "flash": one.flash,
                "ram_limit": one.ram_limit, "flash_limit": one.flash_limit,
            }
        )  # fmt: skip
    return {"built": True, "images": images}


def rows(results: Mapping[str, dict]) -> list[list[str]]:
    """The table's rows: one an image, or one a case without any."""
    found = []
    for case in CASES:
        result = results.get(case.name, {"built": None})
        first = [case.target.board, case.sample, case.transport or "none"]
        if not result["built"]:
            said = "not built yet" if result["built"] is None else "does not build"
            found.append([*first, said, "", "", "no"])
        for at, image in enumerate(result.get("images", ())):
            sizes = [f"{image[kind]:,} of {image[f'{kind}_limit']:,}" for kind in ("ram", "flash")]
            left = first if at == 0 else ["", "", image["image"]]
            simulated = case.target.simulated if case.transport else "engine: QEMU"
            proof = [simulated, "no"] if at == 0 else ["no", "no"]
            found.append([*left, *sizes, *proof])
    return found


COLUMNS = ("board", "sample", "transport", "RAM", "flash", "simulated", "measured")


def page(results: Mapping[str, dict]) -> str:
    """The page."""
    lines = [list(COLUMNS), *rows(results)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(COLUMNS))]
    rule = " ".join("=" * width for width in widths)

    def text(line: list[str]) -> str:
        # An empty first cell would continue the row above.
        filled = [line[0] or "\\", *line[1:]]
        return " ".join(cell.ljust(width) for cell, width in zip(filled, widths)).rstrip()

    body = [rule, text(lines[0]), rule, *map(text, lines[1:]), rule]
    return HEAD + "\n".join(body) + "\n" + TAIL


def chosen(args: argparse.Namespace) -> list[Case]:
    """The cases that the options name; raises CatsError where there is none."""
    cases = [
        case
        for case in CASES
        if (not args.board or case.target.board in args.board)
        and (not args.sample or case.sample in args.sample)
        and (not args.transport or case.transport in args.transport)
    ]
    if not cases:
        boards = ", ".join(target.board for target in TARGETS)
        raise CatsError(f"nothing to build: boards are {boards}; samples {', '.join(SAMPLES)}")
    return cases


def run(cases: Iterable[Case], root: Path) -> dict[str, dict]:
    """Build, one after the other; all results that the folder has."""
    root.mkdir(parents=True, exist_ok=True)
    kept = root / "builds.json"
    results = read_json(kept, "results of make builds") if kept.is_file() else {}
    space = workspace()
    for case in cases:
        results[case.name] = build(case, space, root)
        done = "built" if results[case.name]["built"] else f"FAILED: {root / case.name}/node_00"
        print(f"{case.name}: {done}", file=sys.stderr, flush=True)
        write_json(kept, results)
    return results


def main() -> int:
    """Build and write the page."""
    parser = argparse.ArgumentParser(
        prog="builds", description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--board", action="append", help="only this board; repeatable")
    parser.add_argument("--sample", action="append", help="only this sample; repeatable")
    parser.add_argument("--transport", action="append", help="only this transport; repeatable")
    parser.add_argument("--build-root", type=Path, default=Path("build/boards"), metavar="DIR")
    args = parser.parse_args()
    try:
        cases = chosen(args)
        results = run(cases, args.build_root.resolve())
    except CatsError as error:
        print(f"builds: {error}", file=sys.stderr)
        return 2
    (source_tree() / PAGE).write_text(page(results))
    print_table(list(COLUMNS), rows(results))
    return int(any(not results[case.name]["built"] for case in cases))


if __name__ == "__main__":
    sys.exit(main())
