# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats export``: quantise a trained model and write one partition for each node."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cats import arguments
from cats.files import output_folder
from cats.plan.radio import secured
from cats.report import add_json_argument, parse_size
from cats.shape.config import INPUT_SPLITS, OUTPUT_SPLITS

if TYPE_CHECKING:
    from cats.integer.llama_model import LlamaModel
    from cats.integer.model import IntegerModel

HELP = "quantise a run, plan its deployment, write one partition a node"
EPILOG = """\
examples:
  cats export RUN -o DEPLOY
  cats export RUN -o DEPLOY --radio ble_2m --repair-rounds 2
  cats export RUN -o DEPLOY --nodes 2
  cats export RUN -o DEPLOY --shares 2,1,1
  cats export RUN -o DEPLOY --stream
  cats export STORIES -o DEPLOY --nodes 4 --four-bits 0.05
  cats export STORIES -o DEPLOY --nodes 4 --replicate residual --radio ble_2m
  cats export DEPLOY -o OTHER --replicate auto --board nrf52833
  cats export DEPLOY -o OTHER --radio ble
  cats export RUN -o DEPLOY --radio nrf_radio --links links.csv
  cats export RUN -o DEPLOY --format image --flash-address 0xf0000 --ram 48K
"""


def _address(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not an address: write 0xf0000") from None


def _hops(text: str) -> int:
    """0 stands for as many as there are."""
    return 0 if text == "auto" else arguments.whole(1, 15)(text)


def _counts(text: str) -> tuple[float, ...]:
    try:
        counts = tuple(float(part) for part in text.split(","))
    except ValueError:
        counts = (0.0,)
    if not all(0 < count < 1e30 for count in counts):
        raise argparse.ArgumentTypeError(f"'{text}' is no count: write 16384 or 16384,16384,131")
    return counts


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of make_plan(), the same for every command that plans."""
    parser.add_argument(
        "--radio",
        default="ieee802154",
        help="ieee802154 (250 kbit/s), ble_2m (2 Mbit/s, nrf_radio) or ble (advertising, slow)",
    )
    parser.add_argument(
        "--secure", action="store_true",
        help="room and time for sealed frames (CONFIG_CATS_SECURE); same as RADIO+secure",
    )  # fmt: skip
    parser.add_argument(
        "--repair-rounds",
        type=arguments.whole(0, 3),
        default=0,
        metavar="R",
        help="rounds of coded repair, 0 to 3",
    )
    parser.add_argument(
        "--payload",
        type=arguments.whole(1, 255),
        metavar="BYTES",
        help="payload of the largest frame (the radio's)",
    )
    parser.add_argument(
        "--tile-rows",
        type=arguments.whole(1, 1023),
        metavar="ROWS",
        help="rows of a tile (the planner's choice)",
    )
    parser.add_argument(
        "--ram", type=parse_size, metavar="SIZE", help="most bytes of a node's arena: 8192, 48K"
    )
    parser.add_argument(
        "--links", type=Path, metavar="FILE",
        help="nodes that do not all hear each other relay over these links (cats links): a square "
        "CSV of the probability that the column's node hears the row's",
    )  # fmt: skip
    parser.add_argument(
        "--hops", type=_hops, metavar="N",
        help="with --links: refuse them where the way between two nodes has more hops than N "
        "(auto: as many as there are)",
    )  # fmt: skip
    parser.add_argument(
        "--slack",
        type=arguments.number(0, 1000),
        default=0.05,
        metavar="SHARE",
        help="how much longer than the fastest an inference may take to save RAM",
    )


def plan_options(args: argparse.Namespace) -> dict:
    """make_plan()'s keyword arguments from add_plan_arguments()."""
    from cats.shape.links import as_tuples, read_links

    return {
        "radio": secured(args.radio) if args.secure else args.radio,
        "rounds": args.repair_rounds,
        "payload": args.payload,
        "tile_rows": args.tile_rows,
        "ram_limit": args.ram,
        "slack": args.slack,
        "links": None if args.links is None else as_tuples(read_links(args.links)),
        "hops": args.hops or None,
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats export``."""
    parser.add_argument(
        "run", type=Path, metavar="RUN|DEPLOY",
        help="folder that cats train or import wrote; or a deployment, of which the same integers "
        "are planned anew, as it was but for what is given here",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--out", type=output_folder, required=True, metavar="DEPLOY", help="folder to write"
    )
    parser.add_argument(
        "--format",
        choices=("header", "image", "both"),
        default="both",
        help="header: cats_partition.h, to be linked; image: cats_partition.bin, for flash",
    )
    deal = parser.add_argument_group(
        "other nodes than RUN was trained for",
        "The same answers while nothing is lost; a run that is pruned where a norm reads is "
        "refused.",
    )
    deal.add_argument(
        "--nodes", type=arguments.whole(1, 16), metavar="D", help="number of nodes (RUN's)"
    )
    deal.add_argument(
        "--shares", metavar="S,S,..",
        help="uneven shares of the model, a number for each node, in whole heads: 2,1,1; 0 for one "
        "that only senses",
    )  # fmt: skip
    deal.add_argument(
        "--input-split", choices=INPUT_SPLITS,
        help="node 0 holds the raw input, or its columns are spread, whole sensors (as RUN)",
    )  # fmt: skip
    deal.add_argument(
        "--output-split", choices=OUTPUT_SPLITS,
        help="node 0 computes the result, or its columns are spread (as RUN)",
    )  # fmt: skip
    add_plan_arguments(parser)
    parser.add_argument(
        "--stream", nargs="?", const=1, type=arguments.whole(1, 1023), metavar="ROWS",
        help="an inference is a step: each so many new tokens of a causal model (1) give a result, "
        "keys and values of earlier ones stay in the nodes' RAM; models of 'cats import' that read "
        "tokens are always that, a token a step",
    )  # fmt: skip
    parser.add_argument(
        "--four-bits", type=arguments.number(0, 10), metavar="KL",
        help="of a model that reads tokens, as many weights in four bits as so many nats a token "
        "from float allow, chosen product by product ('cats evaluate --written --four-bits' says "
        "what they cost); firmware needs CONFIG_CATS_FOUR_BITS",
    )  # fmt: skip
    parser.add_argument(
        "--candidates", type=arguments.whole(0, 255), metavar="K",
        help="of a language model: how many tokens each node tells as the likeliest ones of its "
        "part of the vocabulary (8): drawing with top-k up to K is as from all of them; 0: it "
        "sends the results of all tokens",
    )  # fmt: skip
    parser.add_argument(
        "--token-rows", action="store_true",
        help="of a language model: each token's embedding is of one node, which sends it in that "
        "token's steps; a node of share 0 holds such, and outputs, alone; models trained with "
        "--layer-tables are always that",
    )  # fmt: skip
    parser.add_argument(
        "--replicate", choices=("nothing", "residual", "feed-forward", "auto"),
        help="of a language model: what each node computes all of, and nobody sends: more tokens a "
        "second for more flash; residual: two exchanges a block in place of four (of parallel "
        "blocks: one in place of two); feed-forward: that as well, one exchange a block; "
        "auto: what makes a step shortest by the plan, of what fits --board; nothing: not even "
        "what DEPLOY has; firmware needs CONFIG_CATS_EMPTY_GATHERS",
    )  # fmt: skip
    parser.add_argument(
        "--board", default="nrf52840", metavar="BOARD",
        help="with --replicate auto: what each node is, a board of 'cats plan --board' (nrf52840)",
    )  # fmt: skip
    parser.add_argument(
        "--calibration",
        type=arguments.whole(),
        default=256,
        metavar="SAMPLES",
        help="training samples that the quantiser looks at",
    )
    parser.add_argument(
        "--counts-per-unit", type=_counts, default=(), metavar="N[,N..]",
        help="counts of an int16 sample that make one unit of the data (16384 for an accelerometer "
        "of +-2 g): one number, or one for each channel (the task's own, or the largest power of "
        "two with which the training data fit)",
    )  # fmt: skip
    parser.add_argument(
        "--data", metavar="FILE",
        help="the task's data, where it has moved; or other data to calibrate with",
    )  # fmt: skip
    parser.add_argument(
        "--flash-address",
        type=_address,
        metavar="ADDRESS",
        help="also write cats_partition.hex for a flash partition at this address",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing DEPLOY")
    add_json_argument(parser)


def check_for_text(args: argparse.Namespace) -> None:
    """CatsError for options that a language model of the Llama family has no use for."""
    from cats.errors import CatsError

    if args.stream not in (None, 1):
        raise CatsError(f"--stream {args.stream}: a step of this model takes one token")
    for name, unused in (
        ("--calibration", "calibration" in getattr(args, "given", ())),
        ("--counts-per-unit", args.counts_per_unit),
        ("--data", args.data),
        ("--input-split", args.input_split),
    ):
        if unused:
            raise CatsError(
                f"{args.run} reads tokens, and is calibrated on text that it writes itself: no "
                f"{name}"
            )


def run(args: argparse.Namespace) -> int:
    """Run ``cats export``."""
    from cats.deploy.export import PLAN, check_free, export
    from cats.errors import CatsError
    from cats.integer.llama_model import LLAMA_ONLY
    from cats.integer.steps import stream_of
    from cats.shape.config import node_shares
    from cats.training.generate import kept_tokenizer
    from cats.training.run_folder import load_run, quantise_run
    from cats.training.text_integers import quantise_llama_run

    check_free(args.out, args.force)
    _check_board(args)
    if (args.run / PLAN).exists():
        return _again(args)
    if "calibration" in getattr(args, "given", ()) and load_run(args.run)[1].extra.get("scales"):
        raise CatsError(
            f"{args.run} was trained with roundings and has its scales: no --calibration"
        )
    shares = node_shares(args.nodes, args.shares)
    run, tokenizer = load_run(args.run)[1], None
    if run.model.is_llama:
        check_for_text(args)
        model, source = quantise_llama_run(
            args.run, shares, args.output_split, args.four_bits, args.token_rows
        )
        tokenizer = kept_tokenizer(args.run, run)
    else:
        for option, given in (
            ("--four-bits", args.four_bits is not None),
            ("--candidates", args.candidates is not None),
            ("--token-rows", args.token_rows),
            ("--replicate", args.replicate is not None),
        ):
            if given:
                raise CatsError(f"{option} is {LLAMA_ONLY}")
        model, source = quantise_run(
            args.run,
            args.calibration,
            args.counts_per_unit,
            shares,
            args.input_split,
            args.output_split,
            data=args.data,
        )
        if args.stream is not None:
            model = stream_of(model, args.stream)
    options = {
        **plan_options(args), "candidates": args.candidates, "token_rows": args.token_rows
    }  # fmt: skip
    meta = export(
        model,
        args.out,
        formats=args.format,
        flash_address=args.flash_address,
        run=source,
        force=args.force,
        tokenizer=tokenizer,
        replicate=_replicate(args, model, options),
        **options,
    )
    return _show(args, meta)


def _check_board(args: argparse.Namespace) -> None:
    """CatsError for a board that nothing is chosen for."""
    from cats.errors import CatsError

    if "board" in getattr(args, "given", {}) and args.replicate != "auto":
        raise CatsError("--board goes with --replicate auto")


def _replicate(args: argparse.Namespace, model: IntegerModel | LlamaModel, options: dict) -> str:
    """``export()``'s argument: as given, or what is best, with a line that says so."""
    from cats.deploy.replicate import choose
    from cats.plan.boards import board_named

    if args.replicate != "auto":
        return (args.replicate or "").replace("-", "_")
    choice = choose(model, board_named(args.board), **options)
    print(choice.why)
    return choice.replicate


def _show(args: argparse.Namespace, meta: dict) -> int:
    from cats.deploy.export import render
    from cats.report import write_json

    if args.json:
        write_json(args.json, meta)
    print(render(meta))
    return 0


#: What makes other integers than those of a deployment.
OF_RUN = (
    "nodes", "shares", "input_split", "output_split", "stream", "four_bits", "candidates",
    "token_rows", "calibration", "counts_per_unit", "data",
)  # fmt: skip


def _again(args: argparse.Namespace) -> int:
    """A deployment's integers, planned and packed anew."""
    import dataclasses

    from cats.deploy.export import export, exported
    from cats.errors import CatsError
    from cats.plan.planner import options_from_json
    from cats.shape.links import as_tuples, read_links

    given = getattr(args, "given", {})
    if name := next((given[name] for name in OF_RUN if name in given), None):
        raise CatsError(f"{args.run} is a deployment, whose integers stay: {name} takes its run")
    model, meta, tokenizer = exported(args.run)
    before = options_from_json(meta)
    radio = args.radio if "radio" in given else before.radio
    options = before.on(
        secured(radio) if args.secure else radio,
        args.repair_rounds if "repair_rounds" in given else None,
    )
    own = {"payload": "payload", "tile_rows": "tile_rows", "ram": "ram_limit", "slack": "slack"}
    options = dataclasses.replace(
        options, **{field: getattr(args, name) for name, field in own.items() if name in given}
    )
    if "links" in given:
        options = dataclasses.replace(options, links=as_tuples(read_links(args.links)), hops=None)
        if "repair_rounds" not in given:  # relaying is the repair
            options = dataclasses.replace(options, rounds=0)
    if "hops" in given:
        options = dataclasses.replace(options, hops=args.hops or None)
    meta = export(
        model,
        args.out,
        formats=args.format if "format" in given else meta["formats"],
        flash_address=args.flash_address,
        run=meta.get("run"),
        force=args.force,
        tokenizer=tokenizer,
        replicate=_replicate(args, model, vars(options)),
        **vars(options),
    )
    return _show(args, meta)
