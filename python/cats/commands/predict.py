# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats predict``: answers of a trained or exported model for new data."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cats import arguments
from cats.files import output_file
from cats.report import add_json_argument

if TYPE_CHECKING:
    import numpy as np

    from cats.tasks.answers import Answers

HELP = "answers of a run or of a deployment for new data"
EPILOG = """\
examples:
  cats predict DEPLOY new.ts
  cats predict RUN recording.csv --all --csv answers.csv
  cats predict DEPLOY last_weeks.csv --simulate --loss 0.1

FILE, in the units of the training data:
  .ts           series, with or without labels
  .csv          a column for each channel of the model, by its name; rows of one sample
                have the same 'sample', and perhaps a 'label'; without both the whole
                file is one recording. Of images a row for each, pixels in columns
  .wav          a recording of a model of speech, of the training's rate; a shorter one
                than a window lies in the middle of silence
  any           of a model of task text: text, whose last window (with --all: windows one
                behind the other) is told the token that follows; 'cats generate' writes on
  .npy, .npz    samples [n, height, width, channels]; in .npz 'samples' and 'labels'

What the model was trained with need not be there.
"""
#: Rows of a table for people.
MOST_ROWS = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats predict``."""
    parser.add_argument(
        "model", type=Path, metavar="RUN|DEPLOY",
        help="folder of cats train (its float model answers) or of cats export (its integers)",
    )  # fmt: skip
    parser.add_argument("file", type=Path, metavar="FILE", help="the new data: see below")
    parser.add_argument(
        "--all", action="store_true",
        help="of a series longer than a window all windows, not the newest alone: of a forecaster "
        "one that ends at each row, else one behind the other",
    )  # fmt: skip
    parser.add_argument(
        "--counts", action="store_true",
        help="FILE holds int16 counts of the sensors; a deployment makes its input of them by the "
        "integer functions of include/cats/metadata.h",
    )  # fmt: skip
    parser.add_argument(
        "--simulate", action="store_true",
        help="a deployment: run the nodes' C code over a simulated air, not the integer reference",
    )  # fmt: skip
    parser.add_argument(
        "--loss", type=arguments.share, metavar="P",
        help="with --simulate: probability that a receiver loses a frame, 0 to 1 (0)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=arguments.seed, metavar="S",
        help="with --simulate: of the losses (0)",
    )  # fmt: skip
    for name, what in (
        ("separator", "what stands between cells, or 'tab'"),
        ("decimal", "the decimal mark, . or ,"),
    ):
        parser.add_argument(
            f"--{name}", metavar="C", help=f"of a CSV file: {what} (as in training)"
        )
    parser.add_argument("--csv", type=output_file, metavar="FILE", help="write the answers as CSV")
    add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Run ``cats predict``."""
    from cats.deploy import predict
    from cats.errors import CatsError
    from cats.files import write_atomic
    from cats.report import print_table, write_json

    if not args.simulate and (args.loss is not None or args.seed is not None):
        raise CatsError("--loss and --seed go with --simulate")
    if (args.model / predict.PLAN).exists():
        answers = _deployed(args)
    elif args.simulate or args.counts:
        raise CatsError(f"{args.model} is no deployment: --simulate and --counts need one of "
                        "'cats export'")  # fmt: skip
    else:
        marks = {"separator": args.separator, "decimal": args.decimal}
        answers = predict.by_run(args.model, args.file, args.all, **marks)
    header, rows = answers.table()
    if args.csv:
        write_atomic(args.csv, predict.csv_text(header, rows).encode())
    if args.json:
        write_json(args.json, answers.document(str(args.model), str(args.file)))
    if args.json != "-":
        print_table(header, [[_short(v) for v in row] for row in rows[:MOST_ROWS]])
        if len(rows) > MOST_ROWS:
            print(f"... {len(rows) - MOST_ROWS:,} more rows: --csv FILE writes all")
        for line in answers.figures():
            print(line)
    return 0


def _short(value: object) -> object:
    if isinstance(value, str) and not (value.isprintable() and value.strip() == value):
        return repr(value)
    return round(value, 4) if isinstance(value, float) else value


def _deployed(args: argparse.Namespace) -> Answers:
    from cats.deploy import predict

    return predict.by_deployment(
        args.model, args.file, args.all, args.counts, _simulated(args) if args.simulate else None,
        separator=args.separator, decimal=args.decimal,
    )  # fmt: skip


def _simulated(args: argparse.Namespace) -> Callable[..., np.ndarray]:
    """What the result's owner says, int16 [n, C]."""
    from cats.sim.compare_steps import in_steps, in_windows
    from cats.sim.faults import Faults
    from cats.sim.figures import owners
    from cats.sim.simulate import simulate

    def engine(model, plan, images, inputs):  # noqa: ANN001, ANN202
        faults = Faults(loss=args.loss or 0.0)
        if model.config.context:
            inputs = in_steps(model.config, inputs)
        result = simulate(model, plan, inputs, faults, args.seed or 0, images=images)
        if model.config.context:
            result = in_windows(model.config, result)
        return result.outputs[:, owners(model)[0], -1]

    return engine
