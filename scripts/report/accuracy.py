#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Writes doc/accuracy.rst: the sweeps of scripts/accuracy/PRESET/ run, or read where they are done.

``make accuracy-report`` (``PRESET=full`` for the long one). A sweep whose data is not on this
machine is left out, and the page says so.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from cats.errors import CatsError
from cats.files import write_atomic
from cats.report import figures_table, table
from cats.training import sweep
from report.command import exit_with

ROOT = Path(__file__).resolve().parents[2]
PRESETS = ("quick", "full")
#: MSE on the literature's protocol of ETTh1, whose good models report 0.055 to 0.060.
MOST_MSE = 0.062
TITLES = {
    "ett": "Forecasting: ETTh1, column OT",
    "day": "Forecasting one day: ETTh1, column OT, horizon 24",
    "pruning": "How to choose columns: ETTh1, less data and fewer figures",
    "motions": "Sensor streams: BasicMotions, two channels a node",
    "vowels": "Sensor streams: JapaneseVowels, three channels a node",
    "digits": "Handwritten digits",
}
HEAD = """\
.. SPDX-FileCopyrightText: Copyright The CATS Project
.. SPDX-License-Identifier: Apache-2.0

.. Written by scripts/report/accuracy.py: do not edit.

Accuracy
########

Quality on the test part against packet loss and against the share of columns sent, by kind of
training. Each figure is the mean over seeds, behind it half of the range; **float** is the trained
model, **int8** the integer model that ``cats export`` writes, run by the integer reference, whose
bytes are the device's. Loss is drawn for each sample at packet granularity, the three modes of
:doc:`training` mixed, without repair. The plots show the integer model.

Preset ``{preset}`` (``make accuracy-report{option}``):
{time}.
Recipes: ``scripts/accuracy/{preset}/``. How long the presets take is in :doc:`training`.
"""


def section(name: str, summary: dict, images: str) -> str:
    """One sweep as text; ``images`` is where its plots are."""
    recipe, metric = summary["recipe"], summary["metric"]
    better = "higher" if summary["higher_is_better"] else "lower"
    title = TITLES.get(name, name)
    facts = [f"{key} {value}" for key, value in recipe["training"].items()]
    if recipe.get("thin", 1) > 1:
        facts.append(f"one test sample in {recipe['thin']} is scored")
    lines = [
        title,
        "*" * len(title),
        f"{recipe['nodes']} nodes, {summary['parameters']:,} parameters, {len(recipe['seeds'])} "
        f"seed{'s' * (len(recipe['seeds']) > 1)}; {metric}, {better} is better"
        + (f"; {', '.join(facts)}." if facts else "."),
        "",
        *literal(sweep.tables(summary)),
    ]
    for other in summary["points"][0]:
        if isinstance(summary["points"][0][other], dict) and other != metric:
            lines += [f"The same runs by {other}:", ""]
            lines += literal(sweep.tables(summary, other, sweep.FORMS[-1:]))
    rows = reached(summary)
    if rows:
        lines += ["What it reaches (means over the seeds, int8 unless said):", ""]
        lines += literal(table(("figure", "wanted", "measured", ""), rows))
    if summary.get("missing"):
        names = ", ".join(f"``{name}``" for name in summary["missing"])
        lines += [f"Not run yet, so not in these means: {names}.", ""]
    if summary["baselines"]:
        lines += [
            "Beside it, on the same part (``cats/tasks/baselines.py``):",
            "",
            *literal(table(*figures_table("forecast", summary["baselines"]))),
        ]
    for plot, what in ((sweep.LOSS_PLOT, "packet loss"), (sweep.KEEP_PLOT, "columns sent")):
        lines += [f".. image:: {images}/{name}_{plot}", f"   :alt: {title}: {metric}, {what}", ""]
    return "\n".join(lines)


def roles(recipe: dict) -> dict[str, str]:
    """Names of the kinds by what they are for: ``plain`` (one node), ``none`` (no message
    dropout), ``one`` (one model for a range of losses)."""
    found: dict[str, str] = {}
    for kind, options in recipe["kinds"].items():
        dropout = {**recipe["training"], **options}.get("message_dropout")
        if dropout is None:
            continue
        role = "plain" if options.get("nodes") == 1 else "one" if dropout[1] else "none"
        found.setdefault(role, kind)
    return found if {"none", "one"} <= set(found) else {}


def reached(summary: dict) -> list[tuple[str, str, str, str]]:
    """Rows (what, wanted, measured, yes or no) of what is asked of a sweep; a figure that has not
    been measured has no row."""
    metric, recipe, points = summary["metric"], summary["recipe"], summary["points"]
    in_points = summary["higher_is_better"]
    kinds, keep = roles(recipe), recipe["keep"]
    one, none = kinds.get("one"), kinds.get("none")
    rows: list[tuple[str, str, str, str]] = []

    def at(role: str, loss: float = 0, share: float = keep[0]) -> dict | None:
        point = sweep.point_at(summary, kinds[role], share, loss) if role in kinds else None
        return point and point[metric]

    def row(what: str, wanted: str, measured: str, good: bool | None) -> None:
        rows.append((what, wanted, measured, "" if good is None else "yes" if good else "no"))

    def compare(what: str, point: dict | None, base: dict | None, most: int) -> None:
        """At most so many per cent worse, or points where the metric is an accuracy."""
        if point and base:
            worse, unit = 100 * (point["mean"] / base["mean"] - 1), "%"
            if in_points:
                worse, unit = 100 * (base["mean"] - point["mean"]), "points"
            wanted, measured = f"at most {most} {unit} worse", f"{worse:+.1f} {unit}"
            row(what, wanted, measured, worse <= most)

    protocol = recipe.get("preset") == "ett" and not recipe.get("options", {}).get("horizon")
    if protocol and (clean := at("one")):
        good = clean["mean"] <= MOST_MSE
        row(f"{one}, nothing lost", f"at most {MOST_MSE}", f"{clean['mean']:.4f}", good)
    if (point := at("one")) and (base := at("plain")):
        noise = max(p["largest"] - p["least"] for p in (point, base)) / 2
        worse = point["mean"] - base["mean"]
        wanted = f"at most {noise:.4f} worse, as seeds are"
        row("the same against the plain transformer", wanted, f"{worse:+.4f}", worse <= noise)
    for role in kinds if keep[0] == 1 else ():
        compare(f"{kinds[role]}: a tenth of the columns", at(role, share=0.1), at(role), 2)
    compare(f"{one}, nothing lost, against {none}", at("one"), at("none"), 2)
    compare("the same where 10 % is lost, against nothing lost", at("one", 0.1), at("none"), 4)
    if (lossy := at("none", 0.1)) and (base := at("none")):
        what = f"{none}: what 10 % loss costs"
        cost = lossy["mean"] / base["mean"] - 1
        if in_points:
            row(what, "", f"{100 * (base['mean'] - lossy['mean']):+.1f} points", None)
        else:
            row(what, "a third or more", f"{100 * cost:+.1f} %", cost >= 1 / 3)
    gaps = []
    for point in points:
        place = (point["kind"], point["keep"], point["loss"])
        twin = sweep.point_at(summary, *place, sweep.FORMS[0])
        gaps.append(abs(point[metric]["mean"] / twin[metric]["mean"] - 1) if twin else 0)
    worst = max(gaps)
    row("int8 against float, the largest gap", "within 1 %", f"{100 * worst:.2f} %", worst <= 0.01)
    return rows


def literal(text: str) -> list[str]:
    """A table as a literal block."""
    return [".. code-block:: text", "", *(f"   {line.rstrip()}" for line in text.splitlines()), ""]


def duration(runs: Sequence[dict]) -> str:
    """How much CPU time training and scoring took, as the runs measured it."""
    minutes = sum(run["cpu_seconds"] for run in runs) / 60
    return (
        f"{len(runs)} runs, {minutes:.0f} minutes of CPU time for training and scoring, one thread "
        f"a run"
    )


def report(preset: str, summaries: dict[str, dict], missing: Sequence[str]) -> str:
    """The page."""
    runs = [run for s in summaries.values() for run in s["runs"]]
    option = "" if preset == PRESETS[0] else f" PRESET={preset}"
    parts = [HEAD.format(preset=preset, option=option, time=duration(runs))]
    minutes = [
        (name, len(s["runs"]), f"{sum(run['cpu_seconds'] for run in s['runs']) / 60:.1f}")
        for name, s in summaries.items()
    ]
    parts.append("\n".join(literal(table(("sweep", "runs", "CPU minutes"), minutes))))
    parts += [section(name, summary, "accuracy") for name, summary in summaries.items()]
    if missing:
        parts.append("Not run: " + "; ".join(missing) + ".\n")
    return "\n".join(parts)


def main() -> int:
    """Run what is missing, write the page and its plots."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--preset", choices=PRESETS, default=PRESETS[0])
    parser.add_argument("--jobs", type=int, default=-1, help="runs at a time (default: one a core)")
    parser.add_argument("--backend", help="another backend of joblib, such as ray or dask")
    parser.add_argument(
        "--as-is", action="store_true", help="run nothing: the page of what has been run so far"
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="run these sweeps; of others show what is there"
    )
    args = parser.parse_args()
    summaries, missing = {}, []
    paths = (ROOT / "scripts" / "accuracy" / args.preset).glob("*.yaml")
    for path in sorted(paths, key=lambda path: [*TITLES, path.stem].index(path.stem)):
        out = ROOT / "build" / f"accuracy-{args.preset}" / path.stem
        new = not args.as_is and (not args.only or path.stem in args.only)
        print(f"{path.stem}:", flush=True)
        try:
            recipe = sweep.read(path)
            recipe.load()
        except CatsError as error:
            reason = str(error).replace(f"{ROOT.parent}{os.sep}", "")
            print(f"  left out: {reason}")
            missing.append(f"{path.stem} ({reason})")
            continue
        try:
            summaries[path.stem] = sweep.run(recipe, out, args.jobs, args.backend, new=new)
        except CatsError as error:
            if new:
                raise
            print(f"  left out: {error}")
            missing.append(f"{path.stem} (no run is finished)")
            continue
        for plot in (sweep.LOSS_PLOT, sweep.KEEP_PLOT):
            target = ROOT / "doc" / "accuracy" / f"{path.stem}_{plot}"
            target.parent.mkdir(exist_ok=True)
            shutil.copy(out / plot, target)
    page = ROOT / "doc" / "accuracy.rst"
    write_atomic(page, report(args.preset, summaries, missing).encode())
    print(f"{page.relative_to(ROOT)} is written")
    return 0


if __name__ == "__main__":
    exit_with("accuracy-report", main)
