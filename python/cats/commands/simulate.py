# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats simulate``: the nodes' C code over a lossy air, held against the integer reference."""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

from cats import arguments
from cats.files import output_file
from cats.report import add_json_argument

HELP = "run a deployment's C code on simulated nodes over a lossy air"
DESCRIPTION = (
    "Run every node of a deployment - the C engine and gather of the devices - over a simulated "
    "air, with inputs from all over the task's test part; compare each output with the integer "
    "reference under the same losses."
)
CONFLICTS = {"loss_in_time": ("loss", "links")}
NEEDS = {"relay": ("links",)}
EPILOG = """\
examples:
  cats simulate DEPLOY --loss 0,0.05,0.1 --samples 200
  cats simulate DEPLOY --loss 0.1 --burst 5 --rounds 2 --radio ble_2m --json figures.json
  cats simulate DEPLOY --kill 0@700 --restart 0@1500 --samples 20
  cats simulate DEPLOY --links links.csv --save-availability seen.npz
  cats simulate DEPLOY --links links.csv --relay --samples 100
  cats simulate DEPLOY --loss-in-time day.csv --samples 500
  cats simulate DEPLOY --dead 1,2,3
  cats simulate DEPLOY --samples 3 --loss 0.1 --trace trace.json

A links file is a square CSV of the probability that the column's node hears the row's (cats links).
Losses that change with time are lines MS,SENDER,RECEIVER,LOSS of a text file, * for all nodes (each
line changes what those above it left; # begins a remark), or a .json file: [{"at_ms": 0, "loss":
0.1}, ...], where a loss may be a matrix, row: sender, column: receiver.
late counts frames that a node's code had too late for their slots, and did not send: they are lost
as on the air, and repaired alike. Without losses there are none. A node that lost what opens an
exchange (SYNC) learns of it by the first frame that it hears then; where its own slot is the next
one, that leaves no time.
Exit status 1: an output differs from the reference, or an inference did not end.
"""


#: Inferences where --samples does not say how many.
SAMPLES = 200


def _moment(text: str) -> tuple[int, float]:
    node, sign, ms = text.partition("@")
    if not sign:
        raise argparse.ArgumentTypeError(f"'{text}' is not NODE@MS: write 2@700")
    return arguments.node(node), _milliseconds(ms)


def _milliseconds(text: str) -> float:
    from cats.sim.faults import MOST_MS

    try:
        ms = float(text)
    except ValueError:
        ms = -1
    if not 0 <= ms <= MOST_MS:
        raise argparse.ArgumentTypeError(f"'{text}' is no time, 0 to {MOST_MS:g} ms: write 700")
    return ms


def _losses(text: str) -> list[float]:
    return [arguments.share(part) for part in text.split(",")]


def _nodes(text: str) -> list[int]:
    return [arguments.node(part) for part in text.split(",")]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats simulate``."""
    parser.add_argument("deploy", type=Path, metavar="DEPLOY", help="folder that cats export wrote")
    parser.add_argument(
        "--loss", type=_losses, default=[0.0], metavar="P[,P..]",
        help="probability that a receiver loses a frame, 0 to 1; several give a table (0)",
    )  # fmt: skip
    parser.add_argument(
        "--burst", type=arguments.number(0, 1e6), default=0.0, metavar="FRAMES",
        help="mean length of a burst of losses on a link; 0: losses are independent",
    )  # fmt: skip
    parser.add_argument(
        "--links", type=Path, metavar="FILE",
        help="who hears whom; each link loses --loss on top: see below",
    )  # fmt: skip
    parser.add_argument(
        "--relay",
        action="store_true",
        help="plan anew for nodes that relay over --links, as cats export --links does",
    )
    parser.add_argument(
        "--loss-in-time", type=Path, metavar="FILE",
        help="losses that change with time, in place of --loss: see below",
    )  # fmt: skip
    parser.add_argument(
        "--dead", type=_nodes, default=[], metavar="N[,N..]",
        help="also run with each of these nodes off all the time, one after the other",
    )  # fmt: skip
    parser.add_argument(
        "--babble", type=_moment, action="append", default=[], metavar="NODE@MS",
        help="somebody repeats what this node sent last, each so many milliseconds, whatever else "
        "is on the air; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--neighbour", type=_milliseconds, metavar="MS",
        help="a second set of the same product in the room, with another group id, begins an "
        "inference each so many milliseconds",
    )  # fmt: skip
    for name, what in (
        ("duplicate", "is heard twice"),
        ("delay", "is heard up to 5 ms late"),
        ("flip", "arrives with wrong bits"),
    ):
        parser.add_argument(
            f"--{name}", type=arguments.share, default=0.0, metavar="P",
            help=f"probability that a frame {what} at a receiver",
        )  # fmt: skip
    parser.add_argument(
        "--drift", type=arguments.number(-10_000, 10_000), default=0.0, metavar="PPM",
        help="clocks of even nodes run fast by this, of odd nodes slow; at most 10000 either way",
    )  # fmt: skip
    for name, what in (("kill", "off"), ("restart", "on (again)")):
        parser.add_argument(
            f"--{name}", type=_moment, action="append", default=[], metavar="NODE@MS",
            help=f"this node goes {what} at this simulated time, milliseconds; may be repeated",
        )  # fmt: skip
    parser.add_argument(
        "--samples", type=arguments.whole(), metavar="N",
        help="inferences, evenly spread over the test part (200, or all where it has fewer); of a "
        "stream windows, each of which is many steps (as many as make 200 steps)",
    )  # fmt: skip
    parser.add_argument(
        "--data", metavar="FILE", help="the task's data, where it has moved; or other data"
    )
    parser.add_argument("--seed", type=arguments.seed, default=0, help="of all that is random")
    parser.add_argument(
        "--radio",
        help="another radio than the deployment's: plan again for it, with its other options",
    )
    parser.add_argument(
        "--rounds", "--repair-rounds", type=arguments.whole(0, 3), metavar="R",
        help="other repair rounds than the deployment's, 0 to 3: plan again, as --radio does",
    )  # fmt: skip
    parser.add_argument(
        "--compute", choices=("none", "plan"), default="none",
        help="time that nodes compute: none, or the planner's estimate for a Cortex-M4 at 64 MHz",
    )  # fmt: skip
    parser.add_argument(
        "--code-time", choices=("none", "plan"), default="plan",
        help="time that all other code takes: none, or what the plan's slots are for",
    )  # fmt: skip
    parser.add_argument(
        "--receiver-off", action="store_true",
        help="nrf_radio: receivers are off where nothing comes, as by CONFIG_CATS_RECEIVER_OFF",
    )  # fmt: skip
    parser.add_argument(
        "--period", type=arguments.duration("10ms", "10min"), metavar="TIME",
        help="nodes sleep and meet so often, as with CONFIG_CATS_SLEEP (they are awake)",
    )  # fmt: skip
    parser.add_argument(
        "--pause", type=arguments.duration("0ms", "30d"), metavar="TIME",
        help="from an inference's end to the next one's input (with --period ten periods, else 0)",
    )  # fmt: skip
    parser.add_argument(
        "--clock-ppm", type=arguments.whole(*arguments.CLOCK_PPM), default=50, metavar="PPM",
        help="--period: largest error of a node's clock, which its guard times allow for (50)",
    )  # fmt: skip
    parser.add_argument(
        "--check", action=argparse.BooleanOptionalAction, default=True,
        help="compare every output with the integer reference",
    )  # fmt: skip
    parser.add_argument(
        "--random-inputs", action="store_true",
        help="random bytes in place of the task's test part; no quality is told",
    )  # fmt: skip
    parser.add_argument(
        "--save-availability", type=output_file, metavar="FILE.npz",
        help="what each node had of each exchange (with one --loss)",
    )  # fmt: skip
    parser.add_argument(
        "--trace", type=output_file, metavar="FILE",
        help="what each node did when (with one --loss): .json for Perfetto or chrome://tracing; "
        ".svg or .png draws the last inference",
    )  # fmt: skip
    add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Run ``cats simulate``."""
    from cats.deploy.export import load_deploy, replanned
    from cats.errors import CatsError
    from cats.plan.planner import options_from_json
    from cats.plan.radio import SEALED
    from cats.report import print_table, write_json
    from cats.shape.links import audible, check_links, read_links
    from cats.sim.compare_steps import in_steps
    from cats.sim.faults import Babble, Event, Faults, Neighbour, load_changes
    from cats.sim.figures import owners, report, table_of
    from cats.sim.simulate import Settings
    from cats.sim.trace import Trace

    for name in ("save_availability", "trace"):
        if getattr(args, name) and (len(args.loss) > 1 or args.dead):
            raise CatsError(f"--{name.replace('_', '-')} takes one --loss and no --dead")
    model, plan, meta, images = load_deploy(args.deploy)
    nodes = model.split.nodes
    heard = None if args.links is None else read_links(args.links, nodes)
    plan, images = replanned(
        model, plan, meta, images, args.radio, args.rounds, heard if args.relay else None
    )
    if heard is None and (planned := options_from_json(meta, plan).links) is not None:
        heard = check_links(planned, nodes)
    if heard is not None:
        heard = audible(heard)
    if args.receiver_off and plan.radio.removesuffix(SEALED) != "nrf_radio":
        raise CatsError(
            f"--receiver-off: the transport of {plan.radio} always listens; --radio nrf_radio"
        )
    events = [Event(node, False, round(1000 * ms)) for node, ms in args.kill]
    events += [Event(node, True, round(1000 * ms)) for node, ms in args.restart]
    changes = load_changes(args.loss_in_time, nodes) if args.loss_in_time else []
    if not set(args.dead) <= set(range(nodes)):
        raise CatsError(f"--dead: there are nodes 0 to {nodes - 1}")
    babble = [Babble("repeat", node, round(1000 * ms)) for node, ms in args.babble]
    neighbour = None if args.neighbour is None else Neighbour(round(1000 * args.neighbour))
    task, part, inputs = _inputs(args, model, meta)
    windows = len(inputs)
    if model.config.context:
        inputs = in_steps(model.config, inputs)

    settings = Settings(
        compute=args.compute, code_time=args.code_time, receiver_off=args.receiver_off,
        period_us=round(args.period or 0), gap_us=round(args.pause or 10 * (args.period or 0)),
        clock_ppm=args.clock_ppm,
    )  # fmt: skip
    trace = Trace() if args.trace else None
    records = []
    for loss, off in itertools.product(args.loss, [[], *([node] for node in args.dead)]):
        faults = Faults(
            loss=loss if heard is None else 1 - (1 - loss) * heard, burst=args.burst,
            duplicate=args.duplicate, delay=args.delay, flip=args.flip,
            drift_ppm=[args.drift * (-1) ** d for d in range(nodes)],
            events=events, named=True, changes=changes, off=off, babble=babble,
            neighbour=neighbour,
        )  # fmt: skip
        records.append(
            report(
                model, plan, inputs, faults, args.seed, settings, images,
                check_outputs=args.check, task=task, part=part, save=args.save_availability,
                trace=trace,
            )
        )  # fmt: skip
    if trace is not None:
        trace.write(args.trace, model)
        if trace.missing:
            print(f"{args.trace} ends early: {trace.missing:,} more spans did not fit",
                  file=sys.stderr)  # fmt: skip
    document = {
        "format": 1, "deploy": meta["model_id"], "nodes": nodes, "radio": plan.radio,
        "rounds": plan.rounds, "seed": args.seed, "samples": windows, "burst": args.burst,
        "duplicate": args.duplicate, "delay": args.delay, "flip": args.flip, "drift": args.drift,
        "kill": args.kill, "restart": args.restart, "babble": args.babble,
        "neighbour": args.neighbour, "links": heard,
        "loss_in_time": str(args.loss_in_time or ""), "compute": args.compute,
        "code_time": args.code_time, "receiver_off": args.receiver_off,
        "period_us": settings.period_us, "pause_us": settings.gap_us, "results": records,
    }  # fmt: skip
    if args.json:
        write_json(args.json, document)
    metric = task.metric if task else "quality"
    who = owners(model)
    what = f"steps of {windows} windows" if model.config.context else "inferences"
    whose = f"node {who[0]}'s, which owns the result" if len(who) == 1 else "mean over nodes"
    print_table(
        *table_of(records, metric),
        f"{nodes} nodes, {plan.radio}, {plan.rounds} repair rounds, {len(inputs)} {what}; "
        f"means over inferences; {metric}: {whose}; mJ: of the node that needs most; late: "
        "frames of all inferences that code had too late to send"
        + ("; CODE TAKES NO TIME: no device does that" if args.code_time == "none" else ""),
    )
    if settings.period_us:
        for record in records:
            share = ", ".join(f"{100 * on:.3f}" for on in record["radio_on_between"])
            print(f"loss {record['columns']['loss']}: radio on between inferences, per cent by "
                  f"node: {share}")  # fmt: skip
    failed = [r for r in records if r["hung"] or r["equal_to_reference"] is False]
    return 1 if failed else 0


def _inputs(args: argparse.Namespace, model: object, meta: dict) -> tuple[object, ...]:
    """(task, the samples of its test part, int8 [samples, tokens_in, P]); no task and no samples
    for random inputs."""
    from cats.errors import CatsError
    from cats.integer.random_models import random_inputs

    source = meta.get("run") or {}
    if args.random_inputs and args.data:
        raise CatsError("--random-inputs are no --data: give one of them")
    config = model.config.whole
    steps = config.tokens_in // model.config.tokens_in  # of a stream's window, else 1
    count = args.samples or -(-SAMPLES // steps)
    if args.random_inputs:
        return None, None, random_inputs(args.seed, config, count)
    if model.config.by_token:
        raise CatsError(
            f"{args.deploy} is a language model, which has no samples: 'cats generate' lets it "
            "write, --random-inputs are tokens"
        )
    if not source.get("task"):
        raise CatsError(f"{args.deploy} does not say its task: use --random-inputs")
    try:
        from cats.integer.quantize import quantize_inputs
        from cats.report import print_notes
        from cats.tasks import reload
    except ImportError as error:
        raise CatsError(
            f"the task's test inputs need PyTorch ({error}): install zephyr-cats[train], or use "
            "--random-inputs"
        ) from None
    options = source.get("task_options") or {}
    task = reload(source["task"], options, config, args.data, model.metadata)
    print_notes(warnings=task.warnings)
    if args.samples is not None and args.samples > len(task.test):
        raise CatsError(f"{args.samples} samples: the test part has {len(task.test)}")
    part = task.test.spaced(count)
    return task, part, quantize_inputs(model, part.inputs.numpy())
