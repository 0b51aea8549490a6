# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats evaluate``: quality of a trained model against loss, in floats or in integers."""

from __future__ import annotations

import argparse
from pathlib import Path

from cats import arguments
from cats.files import plot_file
from cats.report import add_json_argument

HELP = "quality of a trained model against packet loss"
_OF_LOSSES = (
    "model", "baselines", "loss", "granularity", "modes", "links", "hops", "repeats", "plot",
)  # fmt: skip
CONFLICTS = {
    "int8_report": (*_OF_LOSSES, "seed"),
    "written": (*_OF_LOSSES, "int8_report", "part", "data"),
    "links": ("modes",),
}
NEEDS = {"hops": ("links",), "four_bits": ("written",), "narrow_keys": ("written",)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats evaluate``."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder that 'cats train' wrote")
    parser.add_argument(
        "--model",
        choices=("float", "int8"),
        default="float",
        help="the trained model, or its integers as 'cats export' makes them, run by the integer "
        "reference (default float)",
    )
    parser.add_argument(
        "--baselines",
        action="store_true",
        help="beside it what it has to beat, naive and linear (cats train prints the same), and of "
        "forecasts the figure of the paper's prototype",
    )
    parser.add_argument(
        "--int8-report",
        action="store_true",
        help="in place of the losses: what each rounding of the integer model costs on its own",
    )
    parser.add_argument(
        "--written", type=arguments.whole(2), metavar="N",
        help="in place of the losses, of a language model of the Llama family: how far its "
        "integers are from it over N or more tokens that it writes itself",
    )  # fmt: skip
    parser.add_argument(
        "--narrow-keys",
        action="store_true",
        help="keep keys in one byte a column, not two: less memory, further from float",
    )
    parser.add_argument(
        "--four-bits", type=arguments.number(0, 10), metavar="KL",
        help="as many weights in four bits as so many nats a token allow, chosen "
        "product by product",
    )  # fmt: skip
    parser.add_argument(
        "--loss",
        metavar="P|P,P|FIRST:LAST:STEP",
        help="loss probabilities 0..1 (default 0:0.2:0.02, with --links 0)",
    )
    parser.add_argument(
        "--granularity",
        choices=("message", "packet"),
        help="lose whole messages or single packets (default: as trained)",
    )
    parser.add_argument(
        "--modes",
        choices=("mixed", "links", "receiver", "source"),
        default="mixed",
        help="what is lost together: independent links, all that a receiver hears, all that a "
        "source sends, or these mixed (default mixed)",
    )
    parser.add_argument(
        "--links", type=Path, metavar="FILE",
        help="lose what these links lose, a file of who hears whom (cats links); each link loses "
        "--loss on top",
    )  # fmt: skip
    parser.add_argument(
        "--hops", type=arguments.hops, default=1,
        help="nodes relay what they hear, over so many hops (default 1)",
    )  # fmt: skip
    parser.add_argument(
        "--part", choices=("validation", "test"), default="test", help="samples (default test)"
    )
    parser.add_argument(
        "--repeats",
        type=arguments.whole(),
        default=3,
        help="draws of the losses for each point (default 3)",
    )
    parser.add_argument(
        "--seed",
        type=arguments.seed,
        default=0,
        help="of the losses, or of --written's text (default 0)",
    )
    parser.add_argument(
        "--data", metavar="FILE",
        help="the task's data, where it has moved; or other data, cut into parts alike",
    )  # fmt: skip
    arguments.add_device_argument(parser)
    add_json_argument(parser)
    parser.add_argument(
        "--plot", type=plot_file, metavar="FILE", help="write a plot (.png, .svg or .pdf)"
    )


def run(args: argparse.Namespace) -> int:
    """Evaluate; prints a table, writes JSON and plot where asked."""
    from cats.report import figures_table, print_notes, print_table, save_plot, write_json
    from cats.shape.links import read_links
    from cats.tasks import baselines
    from cats.training.device import pick_device
    from cats.training.evaluate import (
        MODE_SETS,
        every_token,
        parse_losses,
        plot_of,
        sweep,
        table_of,
    )
    from cats.training.run_folder import load_run, load_task, quantise_run

    losses = args.loss
    if losses is None:
        losses = "0" if args.links else "0:0.2:0.02"
    losses = parse_losses(losses)
    model, info = load_run(args.run)
    links = args.links and read_links(args.links, model.split.nodes)
    model.to(pick_device(args.device))
    if args.written:
        return _written(args, model, info)
    task = load_task(info, args.data)
    print_notes(warnings=task.warnings)
    trained = info.extra.get("training") or {}
    options = {
        "granularity": args.granularity or trained.get("granularity", "packet"),
        "modes": MODE_SETS[args.modes],
        "tile_rows": trained.get("tile_rows"),
        "links": links,
        "hops": args.hops,
    }
    if "payload" in trained:
        options["payload"] = trained["payload"]
    if args.int8_report:
        return _int8_report(args, model, info, task)
    beside: dict[str, dict[str, float]] = {}
    if args.baselines:
        beside = dict(baselines.scores(task, args.part)[args.part])
        if task.all_rows and model.config.causal and not task.scores_rows:
            name = "all tokens, float, as the prototype counts"
            beside[name] = every_token(model, task, getattr(task, args.part))
    tested = model if args.model == "float" else quantise_run(args.run, data=args.data)[0]
    records = sweep(tested, task, losses, args.repeats, args.seed, args.part, **options)
    print(
        f"{args.run}: {info.task}, {model.split.nodes} nodes, {args.model} model, "
        f"{args.part} part, {options['granularity']} loss, "
        + (args.modes if links is None else f"{args.links} over {args.hops} hops")
    )
    print_table(*table_of(records, task.metric))
    if beside:
        print_table(*figures_table("beside it", beside))
    if args.json:
        document = {
            "format": 1,
            "run": str(args.run),
            "task": info.task,
            "data": task.options.get("data"),
            "nodes": model.split.nodes,
            "model": args.model,
            "part": args.part,
            "metric": task.metric,
            "granularity": options["granularity"],
            "modes": args.modes if links is None else "links",
            "links": links,
            "hops": args.hops,
            "seed": args.seed,
            "records": records,
            "baselines": beside,
        }
        write_json(args.json, document)
    if args.plot:
        title = f"{info.task}, {model.split.nodes} nodes, {options['granularity']} loss"
        title += f", {args.model} model"
        save_plot(
            args.plot,
            plot_of(records, task.metric),
            title=title,
            xlabel="loss, %",
            ylabel=task.metric,
        )
    return 0


def _int8_report(args: argparse.Namespace, model, info, task) -> int:  # noqa: ANN001
    from cats.nn.to_integer import calibration_inputs
    from cats.report import print_table, write_json
    from cats.training.int8_report import table_of, where_int8_loses
    from cats.training.run_folder import run_scales

    result = where_int8_loses(
        model, task, getattr(task, args.part), calibration_inputs(task), run_scales(info)
    )
    print(f"{args.run}: {info.task}, {model.split.nodes} nodes, {args.part} part, nothing lost")
    print_table(*table_of(result))
    if args.json:
        document = {"format": 1, "run": str(args.run), "task": info.task, "part": args.part}
        write_json(args.json, {**document, **result})
    return 0


def _written(args: argparse.Namespace, model, info) -> int:  # noqa: ANN001
    from cats.report import print_table, write_json
    from cats.training.generate import run_tokenizer
    from cats.training.text_integers import compare, four_bit_share, integers_of, mixed, written

    begin = run_tokenizer(args.run, info)[1].begin
    chosen: list[str] = []
    wide = not args.narrow_keys
    if args.four_bits is None:
        integers = integers_of(model, begin, wide_keys=wide)
    else:
        integers, chosen = mixed(model, args.four_bits, begin, wide_keys=wide)
    rows = min(model.config.tokens, args.written)
    text = written(model, -(-args.written // rows), rows, args.seed, begin)
    result = compare(model, integers, text)
    print(f"{args.run}: {result['tokens']:,} tokens that the float model wrote, nothing lost")
    print_table(
        ("KL to float, nats a token", "same first choice", "float, bits a token", "int8"),
        [(f"{result['kl']:.5f}", f"{result['same']:.2%}", f"{result['float']:.4f}",
          f"{result['int8']:.4f}")],
    )  # fmt: skip
    if args.four_bits is not None:
        share = four_bit_share(integers)
        print(f"four bits: {share:.1%} of the weights: {', '.join(chosen) or 'none'}")
        result |= {"four_bits": chosen, "share": share}
    if args.json:
        document = {"format": 1, "run": str(args.run), "seed": args.seed, "wide_keys": wide}
        write_json(args.json, {**document, **result})
    return 0
