# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats links``: who hears whom, of a standard arrangement or a file, and what floods deliver."""

from __future__ import annotations

import argparse
from pathlib import Path

from cats import arguments
from cats.files import output_file
from cats.report import add_json_argument

HELP = "links of a standard arrangement or of a file, and what floods over them deliver"
EPILOG = """\
examples:
  cats links line:4 -o links.csv
  cats links grid:4x4 --loss 0.2 -o links.csv --attenuation decibels.csv
  cats links links.csv --hops 3

The file is a square CSV: row s, column r is the probability, 0 to 1, that node r hears a frame of
node s; a line of node numbers above and # remarks are free. cats train, evaluate and simulate take
it as --links. Arrangements: line:N; grid:RxC, whose nodes hear all eight neighbours; star:N, node 0
in a door, half of the others on either side of a wall. Attenuation follows distance and walls, and
a frame is heard where it is at most --budget, to which every frame adds a normal deviation.
"""
#: Options of arrangements alone.
MODEL = ("loss", "exponent", "spread", "wall", "budget")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats links``."""
    parser.add_argument(
        "source", metavar="FILE|NAME:SIZE", help="a links file, or line:N, grid:RxC or star:N"
    )
    parser.add_argument("-o", "--out", type=output_file, metavar="FILE", help="write the links")
    parser.add_argument(
        "--attenuation", type=output_file, metavar="FILE",
        help="write what each link attenuates, decibels, in the same form",
    )  # fmt: skip
    parser.add_argument(
        "--hops", type=arguments.hops, default=1,
        help="nodes relay what they hear, over so many hops",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=arguments.seed, default=0,
        help="of the floods by which deliveries of more than eight nodes are estimated",
    )  # fmt: skip
    model = parser.add_argument_group("model of an arrangement")
    model.add_argument(
        "--loss", type=arguments.number(0, 0.999, above=True), default=0.1, metavar="P",
        help="loss of the longest links that the arrangement is made of",
    )  # fmt: skip
    decibels = arguments.number(0, 200)
    for name, least, default, what in (
        ("exponent", arguments.number(1, 10), 3.0, "attenuation is 10 N dB a decade of distance"),
        ("spread", arguments.number(0.01, 50), 1.5, "deviation of one frame's power, dB"),
        ("wall", decibels, 20.0, "what the star's wall attenuates, dB"),
        ("budget", decibels, 95.0, "attenuation at which half of the frames are heard, dB"),
    ):
        model.add_argument(f"--{name}", type=least, default=default, metavar="N", help=what)
    add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Show links and what they deliver; write them where asked."""
    import numpy as np

    from cats.errors import CatsError
    from cats.report import print_table, write_json
    from cats.shape.flooding import delivery
    from cats.shape.links import depth, read_links, write_links
    from cats.shape.topologies import PathLoss, topology

    made = None
    if ":" in args.source and not Path(args.source).exists():
        made = topology(args.source, PathLoss(**{name: getattr(args, name) for name in MODEL}))
        links = made.links
    else:
        links = read_links(args.source)
        extra = [name for name in (*MODEL, "attenuation") if name in getattr(args, "given", ())]
        if extra:
            raise CatsError(f"--{extra[0]} goes with an arrangement as line:4, not with a file")
    found, nodes = delivery(links, args.hops, args.seed), len(links)
    if args.out:
        write_links(args.out, links)
    if args.attenuation and made:
        write_links(args.attenuation, made.attenuation, digits=2)
    far = depth(links)
    if args.json:
        together = found.correlation()
        write_json(
            args.json,
            {
                "format": 1, "nodes": nodes, "depth": far, "hops": args.hops, "links": links,
                "attenuation": made and made.attenuation, "delivered": found.has,
                "loss": found.loss, "error": found.error,
                "correlation": np.where(np.isnan(together), None, together),
            },
        )  # fmt: skip
    way = "no way between some"
    if far is not None:
        way = f"{far} hop{'s' if far != 1 else ''} over links of a half and more"
    error = f" (estimated, standard error up to {found.error:.4f})" if found.error else ""
    print(
        f"{nodes} node{'s' if nodes != 1 else ''}, {way}; {100 * found.loss:.2f} % of what they "
        "send each other is lost"
    )
    print_table(
        ["sender", *map(str, range(nodes))],
        [[str(s), *(f"{value:.3f}" for value in row)] for s, row in enumerate(found.has)],
        f"what a receiver hears of a sender, hops: {args.hops}, without repair{error}",
    )
    return 0
