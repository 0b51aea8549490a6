# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats generate``: text that a language model writes, in float, by its integers, or by nodes."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cats import arguments
from cats.report import add_json_argument

if TYPE_CHECKING:
    from cats.tasks.tokenizers import Tokenizer

#: Texts that are computed side by side.
BATCH = 64
CONFLICTS = {"integer": ("loss", "texts")}
#: Options that a deployment has no use for, and those that only it has.
OF_RUN, OF_DEPLOY = ("texts", "nodes", "integer", "device"), ("radio", "rounds", "check", "restart")
HELP = "text that a language model writes"
DESCRIPTION = (
    "Text behind a prompt: by the float model of RUN, by its integers, or by the nodes of DEPLOY, "
    "whose C code - the engine and gather of the devices - runs over a simulated air, computing "
    "and code in time. Then stderr says how many tokens a second that would be, what a token "
    "takes of energy, and how the text differs from that of no loss."
)
EPILOG = """\
examples:
  cats import llama2c stories260K.bin --tokenizer tok512.bin -o RUN
  cats generate RUN --temperature 0 --steps 200
  cats generate RUN --prompt "Once upon a time" --top-k 40 --seed 3
  cats generate RUN --nodes 4 --loss 0.1
  cats generate RUN --integer --temperature 0
  cats generate DEPLOY --prompt "Once upon a time" --loss 0.1
  cats generate DEPLOY --prompt "Once upon a time" --restart 1@40
  cats generate DEPLOY --prompt "Once upon a time" --radio ble_2m --temperature 0 --steps 100
  cats generate RUN --texts 300 > own.txt && cats train --init RUN --task text --data own.txt ...

Exit status 1: of a deployment, an output differs from the integer reference.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats generate``."""
    parser.add_argument(
        "run", type=Path, metavar="RUN|DEPLOY",
        help="folder that 'cats import' wrote of a language model, or 'cats train --task text' "
        "(its float model is run, unless --integer is given), or 'cats export' of one of these",
    )  # fmt: skip
    parser.add_argument(
        "--prompt", default="", metavar="TEXT", help="what the text begins with (nothing)"
    )
    parser.add_argument(
        "--steps", type=arguments.whole(), default=256, metavar="N",
        help="tokens that the model reads at most, the prompt's among them",
    )  # fmt: skip
    parser.add_argument(
        "--temperature", type=arguments.number(0, 100), default=1.0, metavar="T",
        help="draw each token from the softmax of outputs / T; 0: take the likeliest",
    )  # fmt: skip
    parser.add_argument(
        "--top-k", type=arguments.whole(), metavar="K",
        help="draw from the K likeliest tokens alone (all)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=arguments.seed, default=0, metavar="S", help="of tokens and of losses"
    )
    parser.add_argument(
        "--texts", type=arguments.whole(), default=1, metavar="N",
        help="write N texts, of seeds S, S + 1 .., each with a line that ends it behind it: "
        "'cats train --task text' reads such a file (1)",
    )  # fmt: skip
    parser.add_argument(
        "--nodes", type=arguments.whole(1, 16), metavar="D", help="deal RUN to D nodes (its own)"
    )
    parser.add_argument(
        "--loss", type=arguments.share, default=0.0, metavar="P",
        help="probability that a packet between nodes is lost, 0 to 1",
    )  # fmt: skip
    parser.add_argument(
        "--integer", action="store_true",
        help="run RUN's integers, as nodes compute them, by the integer reference; nothing is lost",
    )  # fmt: skip
    parser.add_argument(
        "--radio", help="DEPLOY: another radio than its own: plan again, with its other options"
    )
    parser.add_argument(
        "--rounds", "--repair-rounds", type=arguments.whole(0, 3), metavar="R",
        help="DEPLOY: other repair rounds than its own, 0 to 3: plan again",
    )  # fmt: skip
    parser.add_argument(
        "--restart", action="append", default=[], type=_restart, metavar="NODE@STEP",
        help="DEPLOY: this node restarts in the middle of step STEP, from 0 on, and forgets all; "
        "may be given again. Rows that it lacks are run once more where that is worth it",
    )  # fmt: skip
    parser.add_argument(
        "--check", action=argparse.BooleanOptionalAction, default=True,
        help="DEPLOY: compare every output with the integer reference",
    )  # fmt: skip
    arguments.add_device_argument(parser)
    add_json_argument(parser)


def _restart(text: str) -> tuple[int, int]:
    """(node, step) of NODE@STEP."""
    node, at, step = text.partition("@")
    if not (at and node.isdecimal() and step.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text}: NODE@STEP is wanted, such as 1@40")
    return int(node), int(step)


def run(args: argparse.Namespace) -> int:
    """Run ``cats generate``; the text as it is written, and nothing else, goes to stdout."""
    from cats.deploy.export import PLAN
    from cats.errors import CatsError

    deployed = (args.run / PLAN).exists()
    given = getattr(args, "given", {})
    for name in (one for one in (OF_RUN if deployed else OF_DEPLOY) if one in given):
        kinds = ("a deployment", "a run") if deployed else ("a run", "a deployment")
        raise CatsError(f"{args.run} is {kinds[0]}: {given[name]} is for {kinds[1]}")
    return _by_nodes(args) if deployed else _by_model(args)


def _by_model(args: argparse.Namespace) -> int:
    import time

    from cats.errors import CatsError
    from cats.report import write_json
    from cats.tasks.tokenizers import SEPARATOR
    from cats.training.device import pick_device
    from cats.training.generate import generate, generate_texts, run_tokenizer
    from cats.training.run_folder import dealt, load_run
    from cats.training.text_integers import generate_integers, integers_of

    model, info = load_run(args.run)
    tokenizer, ends = run_tokenizer(args.run, info)
    if args.nodes is not None:
        model = dealt(args.run, model, info.split.deal(info.model, (1,) * args.nodes))
    if args.loss and model.split.nodes == 1:
        raise CatsError("one node sends nothing that could be lost: give --nodes")
    model.to(pick_device(args.device))
    prompt = tokenizer.encode(args.prompt)
    options = {
        "temperature": args.temperature, "top_k": args.top_k or 0, "ends": ends.ends,
    }  # fmt: skip
    begun = time.perf_counter()
    if args.integer:
        integers = integers_of(model, ends.begin)
        written = generate_integers(integers, prompt, args.steps, seed=args.seed, **options)
        texts = [_show(tokenizer, prompt, written)]
    elif args.texts == 1:
        written = generate(model, prompt, args.steps, seed=args.seed, loss=args.loss, **options)
        texts = [_show(tokenizer, prompt, written)]
    else:
        seeds = range(args.seed, args.seed + args.texts)
        texts = []
        for some in (seeds[i : i + BATCH] for i in range(0, len(seeds), BATCH)):
            texts += generate_texts(model, prompt, args.steps, some, loss=args.loss, **options)
            for text in texts[-len(some) :]:
                print(tokenizer.decode([*prompt, *text]), SEPARATOR, sep="\n", flush=True)
    seconds = time.perf_counter() - begun
    if args.json:
        document = {
            **_document(args, tokenizer, prompt, texts[0]), "nodes": model.split.nodes,
            "integer": args.integer,
            "texts": [tokenizer.decode([*prompt, *text]) for text in texts],
            "written": sum(map(len, texts)), "seconds": seconds,
        }  # fmt: skip
        write_json(args.json, document)
    return 0


def _by_nodes(args: argparse.Namespace) -> int:
    from cats.deploy.export import load_deploy, replanned
    from cats.deploy.tokenizer import read_tokenizer
    from cats.report import GrowingText, write_json
    from cats.sim.faults import Faults
    from cats.sim.simulate import Settings
    from cats.sim.write import Writing, figures, restarts, sentences, write

    model, plan, meta, images = load_deploy(args.run)
    tokenizer, ends = read_tokenizer(args.run, meta, model.metadata)
    plan, images = replanned(model, plan, meta, images, args.radio, args.rounds)
    writing = Writing(
        tokenizer.encode(args.prompt), args.steps, args.temperature, args.top_k or 0, args.seed,
        ends.ends,
    )  # fmt: skip
    writing.check(model)
    settings, clean = Settings(compute="plan"), None
    if args.loss or args.restart:
        clean = write(model, plan, writing, None, args.seed, settings, images)
    events = restarts(clean, args.restart) if args.restart else ()
    with GrowingText(tokenizer.decode, writing.prompt) as screen:
        shown = dataclasses.replace(writing, told=screen.add)
        faults = Faults(loss=args.loss, events=events)
        nodes = write(model, plan, shown, faults, args.seed, settings, images)
    told = figures(model, plan, nodes, settings, check=args.check)
    if clean is not None:
        told["text_without_loss"] = tokenizer.decode([*writing.prompt, *clean.tokens])
        told["differs_from"] = nodes.differs(clean)
    for line in sentences(told, model.split.nodes, args.loss):
        print(line, file=sys.stderr)
    if args.json:
        document = _document(args, tokenizer, writing.prompt, nodes.tokens)
        write_json(args.json, {**document, "nodes": model.split.nodes, **told})
    return 1 if told["equal_to_reference"] is False else 0


def _document(
    args: argparse.Namespace, tokenizer: Tokenizer, prompt: list[int], text: list[int]
) -> dict:
    return {
        "format": 1, "run": str(args.run), "loss": args.loss, "prompt": args.prompt,
        "temperature": args.temperature, "top_k": args.top_k, "seed": args.seed,
        "text": tokenizer.decode([*prompt, *text]), "tokens": [*prompt, *text],
    }  # fmt: skip


def _show(tokenizer: Tokenizer, prompt: list[int], written: Iterable[int]) -> list[int]:
    """Print a text as it is written; its tokens behind the prompt."""
    from cats.report import GrowingText

    with GrowingText(tokenizer.decode, prompt) as screen:
        for token in written:
            screen.add(token)
    return screen.tokens[len(prompt) :]
