# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What options may be: types for argparse with bounds, and which options go together.

A command's module may say, by the names of its options:

``CONFLICTS``
    ``{"loss_in_time": ("loss", "links")}``: what has no effect beside an option, and is refused
    rather than forgotten.
``NEEDS``
    ``{"air_radio": ("air_budget",)}``: what has an effect only beside one of others.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from types import ModuleType

from cats.errors import CatsError

#: More threads than any machine has use for, and fewer than it has room for.
MOST_THREADS = max(4 * (os.cpu_count() or 1), 64)
#: More passes, samples or draws than anybody waits for.
MOST_COUNT = 10**6
#: The longest that a program is told to wait or to watch: ten years.
MOST_SECONDS = 10 * 366 * 86400.0
#: Where a float model computes; auto: on a GPU where there is one.
DEVICES = ("cpu", "cuda", "auto")
#: Least and most of CONFIG_CATS_CLOCK_PPM.
CLOCK_PPM = (1, 500)


def whole(
    least: int = 1, most: int = MOST_COUNT, what: str = "whole number"
) -> Callable[[str], int]:
    """A type of argparse: whole numbers from ``least`` to ``most``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f"{_short(text)} is no {what} from {least:,} to {most:,}"
            )
        return value

    return parse


def number(
    least: float = 0.0, most: float = 1e9, *, above: bool = False, what: str = "number"
) -> Callable[[str], float]:
    """A type of argparse: finite numbers from ``least`` (or, as ``above`` says, more than that) to
    ``most``."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (least < value if above else least <= value) or not value <= most:
            more = "above" if above else "from"
            raise argparse.ArgumentTypeError(
                f"{_short(text)} is no {what} {more} {least:g} to {most:g}"
            )
        return value

    return parse


_UNITS_US = {"us": 1, "ms": 1e3, "s": 1e6, "min": 60e6, "h": 3600e6, "d": 86400e6}


def duration(least: str, most: str) -> Callable[[str], float]:
    """A type of argparse: a time as people write it (10ms, 2.5s, 5min, 1h, 30d), in microseconds,
    from ``least`` to ``most``, which are written like that."""
    low, high = _microseconds(least), _microseconds(most)

    def parse(text: str) -> float:
        value = _microseconds(text)
        if not low <= value <= high:  # nan: it is none
            raise argparse.ArgumentTypeError(
                f"{_short(text)} is no duration from {least} to {most}: write 10ms, 10s or 5min"
            )
        return value

    return parse


def _microseconds(text: str) -> float:
    match = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,12})?)\s*([a-z]{1,3})\s*", text.lower())
    return float(match[1]) * _UNITS_US.get(match[2], math.nan) if match else math.nan


#: A probability or a share, 0 to 1.
share = number(0, 1)
#: A share of something that there must be some of.
some = number(0, 1, above=True)
#: A time to wait.
seconds = number(0, MOST_SECONDS, above=True, what="number of seconds")
#: Rounds in which nodes relay what they hear: cats.shape.flooding.
hops = whole(1, 15)
#: CPU threads, or processes at a time.
threads = whole(1, MOST_THREADS)
#: Processes at a time, 0: as many as suit.
jobs = whole(0, MOST_THREADS)
#: A node's number.
node = whole(0, 15, "node,")


def seed(text: str) -> int:
    """A type of argparse: any whole number, of which 64 bits count."""
    try:
        return int(text) % 2**64
    except ValueError:
        raise argparse.ArgumentTypeError(f"{_short(text)} is no whole number") from None


def add_device_argument(parser: argparse._ActionsContainer, default: str | None = "cpu") -> None:
    """The option ``--device`` that every command has that computes with a float model; None as
    default: what a file says."""
    said = "as FILE says, else cpu" if default is None else default
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default=default,
        help=f"where the float model computes; auto: on a GPU where there is one (default {said})",
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def watch(parser: argparse.ArgumentParser) -> None:
    """Let the parser note what was given: ``args.given``, {name: as people write it}."""
    parse = parser.parse_known_args

    def parse_known_args(
        words: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        words = list(sys.argv[1:] if words is None else words)
        namespace, rest = parse(words, namespace)
        namespace.given = _given(parser, namespace, words)
        return namespace, rest

    parser.parse_known_args = parse_known_args  # type: ignore[method-assign]


def _given(
    parser: argparse.ArgumentParser, args: argparse.Namespace, words: Sequence[str]
) -> dict[str, str]:
    words = words[: words.index("--")] if "--" in words else words
    said = {word.partition("=")[0] if word.startswith("--") else word[:2] for word in words}
    found = {}
    for action in parser._actions:
        if action.option_strings:
            if not said.isdisjoint(action.option_strings):
                found[action.dest] = action.option_strings[-1]
        elif getattr(args, action.dest, None) not in (None, []):
            found[action.dest] = str(action.metavar or action.dest).upper()
    return found


def check(command: ModuleType, args: argparse.Namespace) -> None:
    """Raise CatsError where options that were given do not go together."""
    given: dict[str, str] = getattr(args, "given", {})
    for name, others in getattr(command, "CONFLICTS", {}).items():
        for other in (one for one in others if one in given and name in given):
            raise CatsError(
                f"{given[other]} has no effect beside {given[name]}: leave one of them out"
            )
    for name, others in getattr(command, "NEEDS", {}).items():
        if name in given and not given.keys() & set(others):
            raise CatsError(f"{given[name]} goes with {' or '.join(map(_written, others))}")


def _written(name: str) -> str:
    return "--" + name.replace("_", "-")
