# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Options of tasks on a command line: a flag for each that tasks of this package have, of which
every task takes those that its constructor names, and ``--task-option`` for all."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cats import arguments
from cats.errors import CatsError
from cats.tasks.registry import BUILT_IN, find, load, parameters, preset, value_of

if TYPE_CHECKING:
    from cats.shape.config import RunConfig
    from cats.tasks.base import Task


def _names(text: str) -> list[str]:
    return text.split(",")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--task`` and all that says what it is of."""
    parser.add_argument(
        "--task",
        required=True,
        metavar="NAME",
        help=f"{', '.join(BUILT_IN)}, one that an installed package offers, or your own as "
        "package.module:Class",
    )
    group = parser.add_argument_group("data", "An option that the task does not have is refused.")
    group.add_argument(
        "--task-option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any option of the task by its name in Python, the value as YAML or JSON; may be "
        "repeated",
    )
    group.add_argument(
        "--preset",
        metavar="NAME",
        help="forecast: ett is column OT of ETTh1.csv, 12, 4 and 4 months, context 512, horizon "
        "96, patch 16, stride 1; classify: basicmotions, japanesevowels are data sets inside the "
        "package aeon; options given beside it count more",
    )
    for name, options in FLAGS.items():
        group.add_argument("--" + name.replace("_", "-"), **options)


#: By the name of the task's option: what argparse is told of its flag.
FLAGS: dict[str, dict[str, Any]] = {
    "data": {
        "metavar": "FILE",
        "help": "forecast: CSV file with a header line; classify, regression: CSV with columns "
        "sample, label and one for each channel, or NAME_TRAIN.ts; images: a folder with a "
        "sub-folder of PNG or JPEG files a class, perhaps inside train and test, or NAME.npz with "
        "arrays x, y or x_train ..; text: a file in UTF-8; speech: a folder of "
        "WORD_SPEAKER_NUMBER.wav, or with a sub-folder a word; --resume takes it under another "
        "name, too",
    },
    "target": {
        "metavar": "COL[,COL..]",
        "type": _names,
        "help": "forecast: columns to forecast; regression: columns of the numbers to estimate "
        "(default label)",
    },
    "target_units": {
        "metavar": "U[,U..]",
        "type": _names,
        "help": "regression: unit of the targets, one for all or one for each, for people",
    },
    "context": {
        "type": arguments.whole(),
        "help": "forecast: values seen before the forecast (default 512); text: tokens of a window "
        "(default 64)",
    },
    "horizon": {"type": arguments.whole(), "help": "forecast: values to forecast (default 96)"},
    "patch": {
        "type": arguments.whole(),
        "help": "values a token (default 16; classify, regression 10; images: pixels of its side, "
        "4; speech: frames of features, 4)",
    },
    "patch_overlap": {
        "type": arguments.whole(0),
        "help": "images: pixels around its patch that a token sees as well (default 0)",
    },
    "stride": {
        "type": arguments.whole(),
        "help": "forecast: rows between training windows (default 1)",
    },
    "parts": {
        "help": "forecast: train:validation:test, in order of time, as shares (default "
        "0.6:0.2:0.2), rows (8640:2880:2880) or months of 30 days (12m:4m:4m); text: shares or "
        "tokens (default 0.9:0.05:0.05); with two, 0.9:0.1, the second one also tests",
    },
    "tokens": {
        "choices": ("characters", "bytes"),
        "help": "text: what a token is, one of the characters that the file holds, or a byte "
        "(default characters)",
    },
    "tokenizer": {
        "metavar": "FILE|RUN",
        "help": "text: tokens of llama2.c's tokenizer, of a tokenizer.json, or of an imported run "
        "in place of --tokens (with --init RUN: its own); texts end as 'cats generate --texts' "
        "writes them",
    },
    "windows": {
        "type": arguments.whole(),
        "help": "text: random crops of the training part an epoch (default: as many as lie in it "
        "side by side)",
    },
    "missing": {
        "choices": ("refuse", "hold"),
        "help": "forecast: missing values and rows: name the row and stop, or hold the value "
        "before (default refuse)",
    },
    "separator": {"metavar": "CHAR", "help": "between cells, or tab (default ,)"},
    "decimal": {"metavar": "MARK", "help": "decimal mark of CSV, . or , (default .)"},
    "time_format": {
        "metavar": "FORMAT",
        "help": "forecast: how times are written, as strptime has it: '%%d.%%m.%%Y %%H:%%M' "
        "(default: ISO 8601); none: rows are evenly spaced, whatever the file says",
    },
    "time_zone": {
        "metavar": "NAME",
        "help": "forecast: zone of local times with daylight saving, like Europe/Berlin",
    },
    "group": {
        "metavar": "COL",
        "help": "classify, regression: person or recording; all series of one are in one part; "
        "speech: speaker (default) or none",
    },
    "channels": {
        "metavar": "COL,COL",
        "type": _names,
        "help": "classify, regression: columns to take (default: all but times, persons and "
        "counting indices); forecast: further columns that are seen and not forecast (none)",
    },
    "units": {
        "metavar": "U[,U..]",
        "type": _names,
        "help": "forecast, classify, regression: unit of the channels, one for all or one for "
        "each, for people",
    },
    "lengths": {
        "choices": ("refuse", "pad", "crop"),
        "help": "classify, regression: series of unequal lengths: name one and stop, repeat the "
        "first step before shorter ones, or leave out the oldest steps of longer ones (default "
        "refuse)",
    },
    "size": {
        "metavar": "HxW",
        "help": "images: resize them to so many pixels, height first",
    },
    "augment": {
        "metavar": "none|NAME=VALUE,..",
        "help": "images: how training images are changed: shift (pixels), flip (1), colour (0..1), "
        "mixup and cutmix (shares of batches), cutout (pixels) (default: shift by an eighth); "
        "digits, classify, regression, speech: true or false (default true; regression false)",
    },
    "seconds": {
        "type": arguments.number(0, 60),
        "help": "speech: length of a sample; shorter recordings lie in the middle of silence, of "
        "longer ones the middle is taken (default 1)",
    },
    "rate": {
        "type": arguments.whole(),
        "help": "speech: samples a second that all recordings have (default: those of the first)",
    },
    "frame": {
        "type": arguments.whole(),
        "help": "speech: samples of a frame, a power of two (default: about 32 ms)",
    },
    "mels": {"type": arguments.whole(), "help": "speech: bands of a frame (default 20)"},
}


def task_of(args: argparse.Namespace, before: RunConfig | None = None) -> Task:
    """The task that a command line asks for; CatsError names an option that it does not have, or
    lacks. Where a run of the same task was ``before``, what is not given is as it was there, and
    classes and normalisation stay."""
    known = parameters(find(args.task))
    given = {name: v for name in FLAGS if (v := getattr(args, name)) is not None}
    for name in given:
        if name not in known:
            flag = "--" + name.replace("_", "-")
            raise CatsError(
                f"{flag} has no effect beside --task {args.task}: leave one of them out"
            )
    for text in args.task_option:
        name, equals, value = text.partition("=")
        if not equals:
            raise CatsError(f"--task-option {text!r}: write KEY=VALUE")
        if name in given:
            raise CatsError(f"--task-option {name}: it is given twice")
        if name not in known:
            has = ", ".join(known) or "none"
            raise CatsError(f"--task-option {name}: task {args.task} has {has}")
        given[name] = value_of(args.task, name, value)
    if args.preset:
        given = {**preset(args.task, args.preset), **given}
    fitted = None
    if before is not None and before.task == args.task:
        given = {**_stored(before, "data" in given, known), **given}
        from cats.shape.metadata import from_json

        stored = before.extra.get("metadata")
        fitted = None if stored is None else from_json(stored, before.model)
    lacks = [name for name, p in known.items() if p.default is p.empty and name not in given]
    if lacks:
        said = " and ".join(map(_flag, lacks))
        presets = find(args.task).presets.values()
        more = " or --preset NAME" if any(set(lacks) <= set(one) for one in presets) else ""
        raise CatsError(f"task {args.task} needs {said}{more}")
    return load(args.task, fitted=fitted, **given)


def _stored(run: RunConfig, other_data: bool, known: Mapping[str, object]) -> dict[str, Any]:
    """A run's options of its task, without its data where there is other."""
    stored: dict[str, Any] = run.extra.get("task_options") or {}
    data = ("data", "sha256") if other_data else ()
    return {k: v for k, v in stored.items() if k in known and k not in data and v is not None}


def _flag(name: str) -> str:
    """How a command line gives an option."""
    if name not in FLAGS:
        return f"--task-option {name}=VALUE"
    metavar = FLAGS[name].get("metavar", "VALUE")
    return f"--{name.replace('_', '-')} {metavar}"
