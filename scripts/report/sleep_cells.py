# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Nodes that sleep, on BabbleSim: runs of many meetings, when radios were on, and how nodes that
were out of a group's meetings came back.

``tests/python/zephyr/test_bsim_sleep.py`` asserts on them, and ``python -m report.sleep_cells
--program FILE --radio nrf_radio --fault loss --meetings 10000`` is one of them.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cats.deploy.export import load_deploy
from cats.errors import CatsError
from cats.plan.sleep import Rhythm
from cats.zephyr import bsim
from cats.zephyr.bsim import Device, Log, Meetings
from report import radio_cells as cells
from report.radio_cells import DRIFT_PPM, Deployment

S_US, MS_US = 1e6, 1e3
#: In the middle of a sleep, of a period.
ASLEEP = 0.63
#: A node that resets is off for so long, periods.
RESET = 0.4
#: What happens in a run, ``moment`` of the meetings in; crystals are 100 ppm apart.
FAULTS = {
    "drift": "nothing else",
    "loss": "one frame in ten is lost at each receiver",
    "steps": "every second crystal is by turns for two minutes 40 ppm faster",
    "reset": "the last node resets in its sleep",
    "leader reset": "node 0 does",
    "killed": "the last node is switched off in its sleep",
    "leader killed": "node 0 is",
    "late": "the last node is switched on while the others sleep",
    "leader late": "node 0 is",
    "neighbour": "a second deployment on the same channel",
    "change": "the leader makes the period three times as long",
}
#: Those that happen at a moment.
MOMENTS = ("reset", "leader reset", "killed", "leader killed", "late", "leader late", "change")
#: Nodes agree on a meeting where their clocks say so within so much of a period.
AGREED = 0.05


@dataclass(frozen=True)
class Slept:
    """Devices of a deployment after a run. ``at_us``: the moment of the fault, channel's time;
    ``until_us``: the end; ``results``: the channel's dump, of ``first`` and those behind it."""

    made: Deployment
    period_us: float
    logs: Sequence[Log]
    results: Path
    at_us: float
    until_us: float
    first: int = 0

    def shares(self, from_us: float) -> list[tuple[float, float]]:
        """(Share of the time with its radio on by the channel, the same by its own statistics) of
        each device that was on to the end, from the first look behind ``from_us`` on."""
        found = []
        for number, log in enumerate(self.logs, self.first):
            begin = next(look for look in log.meetings if look.time_us >= from_us)
            end = log.meetings[-1]
            on = bsim.radio_on_us(self.results, number, begin.time_us, end.time_us)
            own = (end.on_us - begin.on_us) / (end.elapsed_us - begin.elapsed_us)
            found.append((on / (end.time_us - begin.time_us), own))
        return found

    def apart(self) -> list[tuple[float, float]]:
        """(From, to): when living nodes did not all follow one leader to the same next meeting, by
        looks once a period; to the end of the run where they never did again."""
        found: list[tuple[float, float]] = []
        looks = [{look.time_us // self.period_us: look for look in log.meetings}
                 for log in self.logs]  # fmt: skip
        out: float | None = None
        for count in range(1, int(self.until_us / self.period_us) - 1):
            now = count * self.period_us
            if out is None and not self._agreed(looks, count):
                out = now
            elif out is not None and self._agreed(looks, count):
                found.append((out, now))
                out = None
        return found if out is None else [*found, (out, self.until_us)]

    def _agreed(self, looks: Sequence[Mapping[float, Meetings]], count: int) -> bool:
        there = []
        for log, own in zip(self.logs, looks, strict=True):
            now = count * self.period_us
            on = log.device.on_us + 2 * self.period_us
            off = log.device.on_us + int(log.device.options.get("die", 2**40)) * MS_US
            if on <= now < off - 2 * self.period_us:
                # A look may fall into the slot before or behind.
                there.append(own.get(count) or own.get(count - 1) or own.get(count + 1))
        if not there or any(look is None or not look.next_us for look in there):
            return False
        if len({(look.leader, look.period_ms) for look in there}) > 1:
            return False
        period = there[0].period_ms * MS_US
        most = AGREED * period
        return all(
            abs((look.next_us - there[0].next_us + period / 2) % period - period / 2) <= most
            for look in there
        )

    def without(self, log: Log) -> int:
        """The most looks in a row in which a device heard of no new meeting, once it had found the
        group."""
        most = count = 0
        for before, look in zip(log.meetings, log.meetings[1:]):
            count = 0 if look.meetings > before.meetings or not before.meetings else count + 1
            most = max(most, count)
        return most


def lossy(radio: str, loss: float) -> tuple[str, str]:
    """As ``radio_cells.lossy``, for another share."""
    packets = 2 if radio.startswith("ble") else 1
    return "Magic", f"-PER={1 - (1 - loss) ** (1 / packets):.6f}"


def devices(made: Deployment, period_us: float, meetings: int, **options: object) -> list[Device]:
    """All nodes, that tell of meetings once a period, for so many periods, behind a search."""
    until = int((meetings * period_us + search_us(made, period_us)) / MS_US)
    return cells.devices(
        made, 2**31, DRIFT_PPM, **{"submit": 0, "quiet": 2**32 - 1,
        "period": int(period_us / MS_US), "look": int(period_us / MS_US), "until": until,
        **options},
    )  # fmt: skip


def search_us(made: Deployment, period_us: float) -> float:
    """The longest that any node searches."""
    return Rhythm(period_us, period_us).search_us(made.nodes - 1)


def with_options(device: Device, **options: object) -> Device:
    """The same device with more options."""
    return dataclasses.replace(device, options={**device.options, **options})


def play(
    program: Path,
    made: Deployment,
    nodes: Sequence[Device],
    results: Path,
    *,
    at_us: float = 0.0,
    loss: float = 0.0,
    other: Deployment | None = None,
    others: Sequence[Device] = (),
    seed: int = 1,
    **phy: Sequence[str],
) -> list[Slept]:
    """Run devices of a deployment, and of another one beside it; what came of each. ``phy``:
    ``channel`` and ``modem`` of ``bsim.run`` in place of ``loss``."""
    phy = phy or {"modem": lossy(made.radio, loss) if loss else ()}
    until = max(d.on_us + int(d.options["until"]) * MS_US for d in [*nodes, *others])
    logs = bsim.run(
        program, made.folder, [*nodes, *others], seconds=until / S_US + 5, seed=seed,
        results=results, folder=results / "logs", **phy,
    )  # fmt: skip
    period = int(nodes[0].options["period"]) * MS_US
    mine, theirs = logs[: len(nodes)], logs[len(nodes) :]
    found = [Slept(made, period, mine, results, at_us, until)]
    if other is not None:
        found.append(Slept(other, period, theirs, results, at_us, until, len(nodes)))
    return found


def scenario(
    program: Path,
    made: Deployment,
    fault: str,
    results: Path,
    *,
    period_us: float = S_US,
    meetings: int = 1000,
    moment: float = 0.3,
    loss: float = 0.0,
    other: Deployment | None = None,
    seed: int = 1,
    **options: object,
) -> list[Slept]:
    """So many meetings with one of FAULTS; the neighbour is ``other``. ``options``: all nodes'."""
    if fault not in FAULTS:
        raise CatsError(f"fault {fault!r}: one of {', '.join(FAULTS)}")
    nodes = devices(made, period_us, meetings, **options)
    at = (int(moment * meetings) + ASLEEP) * period_us
    victim = 0 if fault.startswith("leader") else made.nodes - 1
    loss = cells.LOSS if fault == "loss" else loss
    others: list[Device] = []
    if fault == "steps":
        step = {"xo_step": 40e-6, "xo_step_s": 120}
        nodes = [with_options(d, **(step if d.node % 2 else {})) for d in nodes]
    elif fault == "change":
        nodes = [
            with_options(d, change=int(at / MS_US), then=3 * int(period_us / MS_US)) for d in nodes
        ]
    elif fault == "neighbour":
        if other is None:
            raise CatsError("a neighbour needs another deployment")
        # Not at the same time and with the same clocks: nobody can tell such frames apart.
        others = [
            dataclasses.replace(_from(d, 0.37 * period_us), drift_ppm=d.drift_ppm / 3)
            for d in devices(other, period_us, meetings, **options)
        ]
    elif "late" in fault:
        nodes[victim] = _from(nodes[victim], at)
    elif fault in MOMENTS:
        nodes[victim] = with_options(nodes[victim], die=int(at / MS_US))
        if "reset" in fault:
            nodes.append(_from(devices(made, period_us, meetings, **options)[victim],
                               at + RESET * period_us))  # fmt: skip
    return play(
        program, made, nodes, results, at_us=at, loss=loss, other=other, others=others, seed=seed
    )


def _from(device: Device, at_us: float) -> Device:
    """It is switched on then."""
    until = int(device.options["until"]) - int(at_us / MS_US)
    return dataclasses.replace(with_options(device, until=until), on_us=int(at_us))


def compared(slept: Slept) -> tuple[int, int]:
    """(Outputs compared with the integer reference's, of these different)."""
    count, wrong = bsim.check(slept.made.folder, slept.made.inputs, slept.logs)
    return count, len(wrong)


def allowed_us(slept: Slept, fault: str) -> float:
    """How long nodes may be apart behind a fault: three meetings, and what a node that is switched
    on searches. The looks tell of it a meeting later, on both sides."""
    searches = "reset" in fault or "late" in fault
    return 5 * slept.period_us + searches * search_us(slept.made, slept.period_us)


def main(arguments: Sequence[str] | None = None) -> int:
    """One scenario of one program: shares of the time with radios on, and when nodes were apart."""
    parser = argparse.ArgumentParser(
        prog="sleep-cells", description=main.__doc__, allow_abbrev=False
    )
    parser.add_argument("--program", type=Path, required=True, help="tests/bsim/node, built")
    parser.add_argument("--radio", required=True, help="what it was built for, without +sleep")
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--fault", default="drift", choices=FAULTS)
    parser.add_argument("--period", type=float, default=1.0, help="seconds (default 1)")
    parser.add_argument("--meetings", type=int, default=1000)
    parser.add_argument("--loss", type=float, default=0.0, help="share of frames, 0..1")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        where = Path(temporary)
        made, other = (
            cells.deploy(
                where / str(seed), cells.small(args.nodes), args.nodes, args.radio, seed, rounds=2
            )
            for seed in (7, 8)
        )
        try:
            runs = scenario(
                args.program.resolve(), made, args.fault, where / "results",
                period_us=args.period * S_US, meetings=args.meetings, loss=args.loss,
                other=other if args.fault == "neighbour" else None, seed=args.seed,
            )  # fmt: skip
        except CatsError as error:
            print(f"sleep-cells: error: {error}", file=sys.stderr)
            return 2
        for run in runs:
            tell(run)
    return 0


def tell(slept: Slept, settled_us: float | None = None) -> None:
    """Print what came of a run."""
    plan = load_deploy(slept.made.folder)[1]
    print(f"{plan.radio}, {slept.made.nodes} nodes, period {slept.period_us / S_US:g} s:")
    for log in slept.logs:
        last = log.meetings[-1] if log.meetings else None
        print(f"  node {log.device.node}: {log.stopped}, {last}, without {slept.without(log)}")
    for begin, end in slept.apart():
        print(
            f"  apart from {begin / S_US:.1f} s for {(end - begin) / slept.period_us:.0f} periods"
        )
    if all(log.stopped == "done" for log in slept.logs):
        settled = settled_us or slept.until_us / 10
        for log, (on, own) in zip(slept.logs, slept.shares(settled), strict=True):
            print(f"  node {log.device.node}: on {100 * on:.4f} %, by its own {100 * own:.4f} %")


if __name__ == "__main__":
    sys.exit(main())
