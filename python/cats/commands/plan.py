# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats plan``: what a model needs on 1 to 16 boards, before anything is trained or built."""

from __future__ import annotations

import argparse
from pathlib import Path

from cats import arguments
from cats.files import plot_file
from cats.report import add_json_argument, parse_size
from cats.shape.config import EMBEDDINGS

HELP = "RAM, flash, air, time and energy for a number of nodes"
CONFLICTS = {
    "deploy": (
        "features",
        "tokens",
        "heads",
        "hidden",
        "blocks",
        "inputs",
        "outputs",
        "keep",
        "local_blocks",
        "pool",
        "linear",
        "embed",
        "embed_hidden",
        "stream",
    ),
}
NEEDS = {
    "period": ("battery",),
    "battery": ("period",),
    "every": ("period",),
    "clock_ppm": ("period",),
    "sleep_current": ("period",),
}
EPILOG = """\
exit status: 0 some number of nodes fits the board, 1 none does, 2 bad input

examples:
  cats plan DEPLOY
  cats plan --features 128 --tokens 64 --heads 16 --blocks 2 --nodes 1:16
  cats plan --features 512 --tokens 64 --heads 16 --keep 0.1 --nodes 2,4,8 --largest
  cats plan DEPLOY --board board.json
  cats plan --features 128 --tokens 64 --heads 16 --blocks 2 --pool last --stream --nodes 4
  cats plan DEPLOY --tradeoffs --json plan.json --plot plan.png
  cats plan DEPLOY --period 10s --every 1min --battery CR2477
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats plan``."""
    parser.add_argument(
        "deploy", nargs="?", type=Path, metavar="DEPLOY", help="folder that cats export wrote"
    )
    columns = arguments.whole(1, 4096)
    shape = parser.add_argument_group("shape, where no DEPLOY is given")
    shape.add_argument("--features", type=columns, metavar="F", help="columns of the residual")
    shape.add_argument(
        "--tokens", type=arguments.whole(1, 1023), metavar="N", help="rows of the residual"
    )
    shape.add_argument("--heads", type=columns, default=16, metavar="H", help="attention heads")
    shape.add_argument("--hidden", type=columns, metavar="M", help="feed-forward columns (F)")
    shape.add_argument(
        "--blocks", type=arguments.whole(1, 63), default=1, metavar="L", help="blocks"
    )
    shape.add_argument(
        "--inputs", type=columns, default=16, metavar="P", help="columns of the input"
    )
    shape.add_argument(
        "--outputs", type=columns, default=16, metavar="C", help="columns of the result"
    )
    shape.add_argument(
        "--keep",
        type=arguments.share,
        default=1.0,
        metavar="R",
        help="share of columns that is broadcast, 0..1",
    )
    shape.add_argument(
        "--local-blocks",
        type=arguments.whole(0, 63),
        default=0,
        metavar="B",
        help="the first B blocks send nothing (default 0)",
    )
    shape.add_argument(
        "--pool",
        choices=("mean", "class", "last", "all", "mean_of_norm"),
        default="mean",
        help="rows that the head reads, all: each gives a result (default mean)",
    )
    shape.add_argument(
        "--linear",
        action="store_true",
        help="a linear path from the input to the result, both of node 0",
    )
    shape.add_argument(
        "--embed",
        choices=EMBEDDINGS,
        default="full",
        help="residual columns are made of all inputs, the node's own, or those of a stem (default "
        "full)",
    )
    shape.add_argument(
        "--embed-hidden", type=arguments.whole(0, 4096), default=0, metavar="COLUMNS",
        help="hidden columns over all nodes of an own embedding of two layers (default 0: one), or "
        "columns of the stem",
    )  # fmt: skip
    shape.add_argument(
        "--stream", nargs="?", const=1, type=arguments.whole(1, 1023), metavar="ROWS",
        help="a stream of a causal model: each so many new tokens (1) give a result, --tokens is "
        "its context",
    )  # fmt: skip
    parser.add_argument(
        "--nodes", metavar="LIST", help="numbers of nodes: 4, 1:16, 2,4,8 (1:16, at most H)"
    )
    parser.add_argument(
        "--radio",
        help="radio of the tables: ieee802154, nrf_radio, ble or ble_2m (DEPLOY's, else "
        "ieee802154)",
    )
    parser.add_argument(
        "--repair-rounds",
        type=arguments.whole(0, 3),
        metavar="R",
        help="rounds of coded repair, 0 to 3 (DEPLOY's, else 0)",
    )
    parser.add_argument(
        "--input-split",
        choices=("single", "channels"),
        default="channels",
        help="node 0 holds the raw input, or its columns are spread",
    )
    board = parser.add_argument_group("board")
    board.add_argument(
        "--board", default="nrf52840", metavar="BOARD",
        help="nrf52840, nrf52833, nrf52832, nrf5340, nrf5340net, nrf54l15, or FILE.json of "
        "samples/calibrate (nrf52840)",
    )  # fmt: skip
    board.add_argument("--ram", type=parse_size, metavar="SIZE", help="its RAM")
    board.add_argument("--flash", type=parse_size, metavar="SIZE", help="its flash")
    board.add_argument(
        "--reserve-ram", type=parse_size, metavar="SIZE", help="RAM that firmware takes (measured)"
    )
    board.add_argument(
        "--reserve-flash", type=parse_size, metavar="SIZE",
        help="flash that firmware takes (measured)",
    )  # fmt: skip
    board.add_argument(
        "--clock",
        type=arguments.number(0, 1e5, above=True),
        metavar="MHZ",
        help="processor clock, MHz",
    )
    sleep = parser.add_argument_group("nodes that sleep between inferences: days of a battery")
    sleep.add_argument(
        "--period", type=arguments.duration("10ms", "10min"), metavar="TIME",
        help="they meet so often: 10ms to 10min",
    )  # fmt: skip
    sleep.add_argument(
        "--every", type=arguments.duration("10ms", "365d"), metavar="TIME",
        help="an inference so often, at most once a period (each period)",
    )  # fmt: skip
    sleep.add_argument(
        "--battery", metavar="BATTERY",
        help="of each node: CR2032, CR2450, CR2477, 2xAAA, 2xAA, 2xAA-lithium, or mAh as in "
        "1200mAh",
    )  # fmt: skip
    sleep.add_argument(
        "--clock-ppm", type=arguments.number(*arguments.CLOCK_PPM), default=50.0, metavar="PPM",
        help="what each node's sleep clock may be off by (50)",
    )  # fmt: skip
    sleep.add_argument(
        "--sleep-current", type=arguments.number(0, 1e6), metavar="UA",
        help="microamperes of a whole board while it sleeps, sensors included (the processor's)",
    )  # fmt: skip
    beside = parser.add_argument_group(
        "in place of several boards: a flash chip beside one, a larger one"
    )
    beside.add_argument(
        "--flash-chip-rate", type=arguments.number(0, 1e4, above=True), default=16.0,
        metavar="MB/S",
        help="that it is read at: 4 bits at 32 MHz, the most that an nRF52840 reads (16)",
    )  # fmt: skip
    beside.add_argument(
        "--flash-chip-current", type=arguments.number(0, 1e4), default=10.0, metavar="MA",
        help="that chip and bus take meanwhile: an assumption, see the chip's datasheet (10)",
    )  # fmt: skip
    beside.add_argument(
        "--larger-board-rate", type=arguments.number(0, 1e9, above=True), default=229.0,
        metavar="MMAC/S", help="million int8 products a second of a larger board (229)",
    )  # fmt: skip
    beside.add_argument(
        "--larger-board-power", type=arguments.number(0, 1e9), default=300.0, metavar="MW",
        help="that it takes meanwhile: an assumption, see the board's datasheet (300)",
    )  # fmt: skip
    parser.add_argument(
        "--tradeoffs",
        action="store_true",
        help="also RAM against time, for DEPLOY or the most nodes",
    )
    parser.add_argument(
        "--largest", action="store_true", help="also the widest model that the nodes hold (slow)"
    )
    parser.add_argument(
        "--plot", type=plot_file, metavar="FILE",
        help="RAM, flash, time and energy against nodes (.png, .svg or .pdf)",
    )  # fmt: skip
    add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Run ``cats plan``."""
    from cats.plan.survey import Exported, render, survey, survey_panels
    from cats.report import save_plots, write_json

    exported = None
    if args.deploy is not None:
        from cats.deploy.export import load_deploy
        from cats.plan.planner import options_from_json

        model, plan, meta, _ = load_deploy(args.deploy)
        options = options_from_json(meta, plan)
        exported = Exported(model.config, model.split, model.keep, plan, options)
    result = survey(args, exported)
    if args.json:
        write_json(args.json, result)
    print(render(result))
    if args.plot:
        title = f"{result['parameters']:,} parameters, {result['radio']}"
        save_plots(args.plot, survey_panels(result), title=title)
    return 0 if result["least_nodes"] is not None else 1
