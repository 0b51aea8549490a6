#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``make sleep-report``: days of a battery against the period in which nodes meet, by the plan.

No board is measured and nothing is simulated: the figures are those of ``cats plan --period``, for
the digits of samples/node and for a model of 16 heads on 4 and 16 nodes. JSON, tables and a plot
go to build/sleep-report/, with ``--doc`` into doc/sleep.rst as well.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cats.deploy.export import load_deploy
from cats.errors import CatsError
from cats.plan.alternatives import to_gateway
from cats.plan.battery import Battery, battery_named, life, rivals
from cats.plan.boards import BOARDS, Board
from cats.plan.energy import Duty
from cats.plan.plan import Plan
from cats.plan.planner import make_plan
from cats.plan.predict import computing, planned_duty, quiet_duties, ratio_keep
from cats.plan.sleep import Rhythm
from cats.plan.timing import inference_us
from cats.report import Panel, number_text, print_table, save_plots, write_atomic, write_json
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import KeepSets, full_keep
from report.page import fill, rst_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "samples" / "node" / "deploy"
DOC = ROOT / "doc" / "sleep.rst"
BOARD, BATTERY = "nrf52840", "CR2477"
RADIOS = ("nrf_radio", "ieee802154", "ble")
SIZES = (4, 16)
#: Seconds from one meeting to the next, of the plot and of the table.
PERIODS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
SHOWN = (1, 10, 60, 600)
#: How often an inference is where it is seldom, seconds.
SELDOM = 3600
#: The one that is to last for 900 days.
DIGITS_S = 10
#: A quarter of the columns is sent.
KEEP = 0.25
#: The paper's shape.
MODEL = ModelConfig(
    tokens_in=64, inputs=16, outputs=16, features=128, heads=16, hidden=128, blocks=1
)


@dataclass(frozen=True)
class Deployment:
    """A plan and what an inference of it takes on a board."""

    config: ModelConfig
    split: SplitConfig
    plan: Plan
    duties: list[Duty]
    receiver_on: list[Duty]
    inference_us: int

    @classmethod
    def of(
        cls, config: ModelConfig, split: SplitConfig, keep: KeepSets, radio: str, board: Board
    ) -> Deployment:
        """Planned for a radio under the RAM of ``board``."""
        compute = computing(board)
        plan = make_plan(
            config, split, keep, radio=radio, ram_limit=board.arena_limit(radio, split.nodes)
        )
        on = [planned_duty(config, split, keep, plan, d, compute) for d in range(split.nodes)]
        duties = quiet_duties(config, split, keep, plan, compute)
        total = inference_us(config, split, keep, plan, compute)
        return cls(config, split, plan, duties, on, total)

    def life(self, period_s: float, every_s: float, board: Board, battery: Battery) -> dict:
        """How long the battery lasts a node, as JSON."""
        rhythm = Rhythm(period_s * 1e6, every_s * 1e6)
        return life(
            self.plan, self.duties, self.receiver_on, self.inference_us, board.currents, rhythm,
            battery,
        )  # fmt: skip

    def others(self, one: Deployment, every_s: float, board: Board, battery: Battery) -> dict:
        """How long it lasts where that is done in another way, as JSON."""
        most = max(self.receiver_on, key=lambda duty: duty.millijoules(board.currents, "") or 0.0)
        sent = to_gateway(self.config, self.split, self.plan.radio, board)
        own = self.life(every_s, every_s, board, battery)
        alone = {"life": one.life(every_s, every_s, board, battery)}
        return rivals(
            {"energy_of": vars(most), "life": own}, alone, sent, board.currents, self.plan.radio,
            Rhythm(every_s * 1e6, every_s * 1e6), battery,
        )  # fmt: skip


def figures() -> dict[str, Any]:
    """All that is told, as JSON."""
    board, battery = BOARDS[BOARD], battery_named(BATTERY)
    model, _, _, _ = load_deploy(DIGITS)
    digits = {
        radio: Deployment.of(model.config, model.split, model.keep, radio, board)
        for radio in RADIOS
    }
    single = SplitConfig.even(model.config, 1)
    one = Deployment.of(model.config, single, full_keep(model.config, single), "nrf_radio", board)
    curves = []
    for nodes in SIZES:
        split = SplitConfig.even(MODEL, nodes, "channels")
        keep = ratio_keep(MODEL, split, KEEP)
        for radio in RADIOS:
            own = Deployment.of(MODEL, split, keep, radio, board)
            for every, seldom in (("period", None), ("hour", SELDOM)):
                days = [
                    own.life(period, seldom or period, board, battery)["node_days"]
                    for period in PERIODS
                ]
                curves.append(
                    {
                        "nodes": nodes,
                        "radio": radio,
                        "every": every,
                        "inference_us": own.inference_us,
                        "period_s": list(PERIODS),
                        "node_days": days,
                    }
                )
    return {
        "board": BOARD,
        "battery": vars(battery),
        "curves": curves,
        "digits": {
            radio: {
                "inference_us": own.inference_us,
                "life": own.life(DIGITS_S, DIGITS_S, board, battery),
                "rivals": {str(every): own.others(one, every, board, battery) for every in SHOWN},
                "days": {
                    str(every): own.life(every, every, board, battery)["node_days"]
                    for every in SHOWN
                },
            }
            for radio, own in digits.items()
        },
    }


def _days(days: float | None) -> str:
    return "" if days is None else number_text(days if days < 10 else round(days))


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min"


def tables(found: dict[str, Any]) -> dict[str, tuple[tuple, list[tuple]]]:
    """(header, rows) by name."""
    made: dict[str, tuple[tuple, list[tuple]]] = {}
    for every in ("period", "hour"):
        curves = [curve for curve in found["curves"] if curve["every"] == every]
        made[every] = (
            ("meeting every", *(f"{c['radio']}, {c['nodes']}" for c in curves)),
            [
                (
                    _seconds(period),
                    *(_days(c["node_days"][c["period_s"].index(period)]) for c in curves),
                )
                for period in SHOWN
            ],
        )
    header = ("radio", "node", "days", "microamperes", "meeting", "inference", "computing",
              "sleep", "searching", "self-discharge")  # fmt: skip
    rows = []
    for radio, own in found["digits"].items():
        for role in ("leader", "follower"):
            node = own["life"][role]
            split = (f"{value:.2f}" for key, value in node.items() if key.endswith("_ua"))
            rows.append((radio, role, _days(node["days"]), *split))
    made["digits"] = header, rows
    made["rivals"] = (
        ("an inference every", "radio", "sleep", "on in inferences", "always on",
         "one board", "input to a hub"),
        [
            (
                _seconds(every), radio, _days(own["days"][str(every)]),
                *(_days(days) for days in own["rivals"][str(every)].values()),
            )
            for every in SHOWN
            for radio, own in found["digits"].items()
        ],
    )  # fmt: skip
    return made


def panels(found: dict[str, Any]) -> list[Panel]:
    """Days against the period: an inference in every meeting, and one an hour."""

    def draw(axes: Axes, every: str) -> None:
        for radio, colour in zip(RADIOS, ("tab:blue", "tab:orange", "tab:green"), strict=True):
            for nodes, style in zip(SIZES, ("-", "--"), strict=True):
                (own,) = (
                    curve for curve in found["curves"]
                    if (curve["radio"], curve["nodes"], curve["every"]) == (radio, nodes, every)
                )  # fmt: skip
                points = [
                    (x, y)
                    for x, y in zip(own["period_s"], own["node_days"], strict=True)
                    if y is not None
                ]
                axes.plot(*zip(*points), style, color=colour, label=f"{radio}, {nodes} nodes")
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: number_text(value))

    return [
        Panel(lambda axes: draw(axes, "period"), "a meeting and an inference every, s",
              f"days of a {BATTERY}"),
        Panel(lambda axes: draw(axes, "hour"), "a meeting every, s; an inference an hour",
              f"days of a {BATTERY}"),
    ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Write figures, tables and the plot."""
    parser = argparse.ArgumentParser(
        prog="make sleep-report ARGS=...", description=__doc__.split("\n\n")[0].partition(": ")[2],
        allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("--doc", action="store_true", help="write doc/sleep.rst's tables and plot")
    parser.add_argument("-o", "--out", type=Path, default=Path("build") / "sleep-report")
    args = parser.parse_args(arguments)
    try:
        found = figures()
        args.out.mkdir(parents=True, exist_ok=True)
        write_json(args.out / "report.json", found)
        made = tables(found)
        for name, (head, rows) in made.items():
            print_table(head, rows, name)
        title = "By the plan, no board was measured"
        save_plots(args.out / "days.svg", panels(found), title=title)
        if args.doc:
            texts = {name: rst_table(head, rows) for name, (head, rows) in made.items()}
            write_atomic(DOC, fill(DOC.read_text(encoding="utf-8"), texts).encode())
            plot = DOC.with_suffix("") / "days.svg"
            plot.parent.mkdir(exist_ok=True)
            write_atomic(plot, (args.out / "days.svg").read_bytes())
    except CatsError as error:
        print(f"sleep-report: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
