#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Makes robot.csv, which robot.yaml reads, of the file of a robot that follows a wall.

That file, sensor_readings_24.data, is of "Wall-Following Robot Navigation Data" by A. Freire, M.
Veloso and G. Barreto, data set 194 of the UCI Machine Learning Repository, whose terms its page
tells (archive.ics.uci.edu/dataset/194); published with A. L. Freire, G. A. Barreto, M. Veloso and
A. T. Varela, "Short-Term Memory Mechanisms in Neural Network Learning of Robot Navigation Tasks: A
Case Study", LARS 2009, doi 10.1109/LARS.2009.5418323. Neither file is in this repository.

A line of it is 24 distances in metres, clockwise from the front, about nine lines a second, and
what the robot does next. A sample is ``STEPS`` lines, every ``EVERY``-th line begins one, and its
label is that of its last line. Samples of one stretch of ``STRETCH`` lines have lines in common, or
neighbours: they are one recording, and no sample reaches over its end.

    python scripts/sensors/robot.py sensor_readings_24.data -o robot.csv
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cats.errors import CatsError
from cats.files import write_atomic

STEPS, EVERY, STRETCH = 8, 2, 96
SENSORS = [f"S{i}" for i in range(1, 25)]


def read(path: Path) -> list[list[str]]:
    """Lines of the file, their head left out; CatsError where they are not what was published."""
    try:
        head, *lines = csv.reader(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise CatsError(f"{path}: {error}: give UCI's sensor_readings_24.data") from None
    if head[: len(SENSORS)] != SENSORS:
        raise CatsError(f"{path} begins with no line S1 to S24: give UCI's sensor_readings_24.data")
    for number, line in enumerate(lines, 2):
        if len(line) != len(SENSORS) + 1:
            raise CatsError(f"{path}: line {number} has {len(line)} cells, not 24 and a label")
    return lines


def samples(lines: Sequence[Sequence[str]]) -> Iterator[tuple[int, str, int, Sequence[str]]]:
    """(number of the sample, label, stretch, distances) of each line of each sample."""
    number = 0
    for first in range(0, len(lines), STRETCH):
        stretch = lines[first : first + STRETCH]
        for begin in range(0, len(stretch) - STEPS + 1, EVERY):
            window = stretch[begin : begin + STEPS]
            for *distances, _ in window:
                yield number, window[-1][-1], first // STRETCH, distances
            number += 1


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status of the program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("data", type=Path, help="sensor_readings_24.data")
    parser.add_argument("-o", "--out", type=Path, default=Path("robot.csv"), help="file to write")
    args = parser.parse_args(argv)
    try:
        rows = [["sample", "label", "recording", *SENSORS]]
        rows += [[str(n), label, str(of), *row] for n, label, of, row in samples(read(args.data))]
        write_atomic(args.out, "".join(",".join(row) + "\n" for row in rows).encode())
    except CatsError as error:
        print(f"robot.py: {error}", file=sys.stderr)
        return 2
    print(f"{args.out}: {len(rows) // STEPS:,} samples")
    return 0


if __name__ == "__main__":
    sys.exit(main())
