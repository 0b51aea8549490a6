# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats generate``: text that a language model writes."""

from __future__ import annotations

import argparse
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
HELP = "text that a language model writes"
EPILOG = """\
examples:
  cats import llama2c stories260K.bin --tokenizer tok512.bin -o RUN
  cats generate RUN --temperature 0 --steps 200
  cats generate RUN --prompt "Once upon a time" --top-k 40 --seed 3
  cats generate RUN --nodes 4 --loss 0.1
  cats generate RUN --integer --temperature 0
  cats generate RUN --texts 300 > own.txt && cats train --init RUN --task text --data own.txt ...
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats generate``."""
    parser.add_argument(
        "run", type=Path, metavar="RUN",
        help="folder that 'cats import' wrote of a language model, or 'cats train --task text'; "
        "its float model is run, unless --integer is given",
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
        "--nodes", type=arguments.whole(1, 16), metavar="D", help="deal it to D nodes (RUN's)"
    )
    parser.add_argument(
        "--loss", type=arguments.share, default=0.0, metavar="P",
        help="probability that a packet between nodes is lost, 0 to 1",
    )  # fmt: skip
    parser.add_argument(
        "--integer", action="store_true",
        help="run its integers, as nodes compute them, by the integer reference; nothing is lost",
    )  # fmt: skip
    arguments.add_device_argument(parser)
    add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Run ``cats generate``; the text as it is written, and nothing else, goes to stdout."""
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
            "format": 1, "run": str(args.run), "nodes": model.split.nodes, "loss": args.loss,
            "prompt": args.prompt, "temperature": args.temperature, "top_k": args.top_k,
            "seed": args.seed, "integer": args.integer,
            "text": tokenizer.decode([*prompt, *texts[0]]),
            "tokens": [*prompt, *texts[0]],
            "texts": [tokenizer.decode([*prompt, *text]) for text in texts],
            "written": sum(map(len, texts)), "seconds": seconds,
        }  # fmt: skip
        write_json(args.json, document)
    return 0


def _show(tokenizer: Tokenizer, prompt: list[int], written: Iterable[int]) -> list[int]:
    """Print a text as it is written; its tokens behind the prompt."""
    tokens, text = list(prompt), ""
    for token in written:
        tokens.append(token)
        now = tokenizer.decode(tokens)
        whole = now.rstrip("\N{REPLACEMENT CHARACTER}")  # perhaps half a character
        if whole.startswith(text):
            print(whole[len(text) :], end="", flush=True)
            text = whole
    print(tokenizer.decode(tokens)[len(text) :])
    return tokens[len(prompt) :]
