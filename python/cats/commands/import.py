# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats import``: take a transformer that was trained elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from cats import arguments
from cats.files import output_folder
from cats.report import add_json_argument

HELP = "take a vision transformer or a Llama that was trained elsewhere"
EPILOG = """\
examples:
  cats import vit_folder -o RUN
  cats import deit_tiny.pth -o RUN --heads 3 --mean 0.485,0.456,0.406 --deviation 0.229,0.224,0.225
  cats import vit.safetensors -o RUN --heads 3 --mean 0.5 --deviation 0.5 --data photos --new-head
  cats export RUN -o DEPLOY --nodes 3 --data photos
  cats train --init RUN -o TUNED --task images --data photos --nodes 3
  cats import llama2c stories260K.bin --tokenizer tok512.bin -o RUN
  cats import llama_folder -o RUN
  cats generate RUN
"""
NEEDS = {"new_head": ("data",)}
#: What only images have.
IMAGES = (
    "heads", "norm_eps", "activation", "size", "mean", "deviation", "classes", "data", "new_head",
)  # fmt: skip
CONFLICTS = {"layout": IMAGES, "tokenizer": IMAGES}


def _numbers(text: str) -> tuple[float, ...]:
    """``0.5`` or ``0.485,0.456,0.406``."""
    parse = arguments.number(-1e6, 1e6)
    return tuple(parse(part) for part in text.split(","))


def _size(text: str) -> tuple[int, int]:
    """``224`` or ``192x256``, height first."""
    parse = arguments.whole(1, 65535)
    height, _, width = text.partition("x")
    return parse(height), parse(width or height)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats import``."""
    parser.add_argument(
        "layout", nargs="?", choices=("llama2c",), metavar="llama2c",
        help="SOURCE is a checkpoint of llama2.c, version 0",
    )  # fmt: skip
    parser.add_argument(
        "source",
        type=Path,
        metavar="SOURCE",
        help="a ViT's tensors by the names of timm or transformers: a .safetensors, .pt, .pth or "
        ".bin file, or a folder with config.json and model.safetensors; or such a folder of a "
        "LlamaForCausalLM",
    )
    parser.add_argument(
        "-o", "--out", type=output_folder, required=True, metavar="RUN", help="RUN folder to write"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing RUN")
    parser.add_argument(
        "--tokenizer", type=Path, metavar="FILE",
        help="of a language model: llama2.c's tokenizer, or a tokenizer.json (the folder's own)",
    )  # fmt: skip
    said = parser.add_argument_group("what tensors do not say (defaults: what the folder says)")
    said.add_argument("--heads", type=arguments.whole(1, 4096), help="attention heads")
    said.add_argument(
        "--norm-eps",
        type=arguments.number(0, 1),
        metavar="E",
        help="epsilon of the norms (default 1e-6 by timm's names, 1e-12 by transformers')",
    )
    said.add_argument("--activation", choices=("relu", "gelu"), help="of the feed-forward (gelu)")
    said.add_argument(
        "--size", type=_size, metavar="HxW", help="pixels of an image, height first (a square)"
    )
    said.add_argument(
        "--mean",
        type=_numbers,
        metavar="M[,M,M]",
        help="mean of each channel, or of all, where pixels are 0 to 1",
    )
    said.add_argument(
        "--deviation", type=_numbers, metavar="S[,S,S]", help="deviation of each channel, likewise"
    )
    said.add_argument(
        "--classes", type=Path, metavar="FILE",
        help="names of the classes in the order of the outputs, one a line (default: numbers)",
    )  # fmt: skip
    data = parser.add_argument_group("data")
    data.add_argument(
        "--data",
        metavar="FILE",
        help="images as 'cats train --task images' takes them: RUN is scored on them and has them "
        "as its own (default: none; evaluate, export and train are told --data)",
    )
    data.add_argument(
        "--new-head", action="store_true",
        help="a head of zeros for the classes of the data in place of the model's, to be trained",
    )  # fmt: skip
    add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Run ``cats import``."""
    import dataclasses

    from cats.errors import CatsError
    from cats.nn.importers import Facts
    from cats.report import write_json
    from cats.tasks.values import read_text
    from cats.training.import_llama import is_llama
    from cats.training.import_run import import_run, read_source

    if args.layout or is_llama(args.source):
        return _language(args)
    if args.tokenizer:
        raise CatsError(f"{args.source} is no language model: leave --tokenizer out")
    found = read_source(args.source)
    facts = Facts(args.heads, args.norm_eps, args.activation, None, args.size)
    given: dict = {"facts": facts.beside(found.facts)}
    if args.classes:
        lines = read_text(args.classes)[0].splitlines()
        given["classes"] = tuple(line.strip() for line in lines if line.strip())
    for name in ("mean", "deviation"):
        if getattr(args, name):
            given[name] = tuple(255 * value for value in getattr(args, name))
    taken, metrics = import_run(
        dataclasses.replace(found, **given),
        args.out,
        data=args.data,
        new_head=args.new_head,
        force=args.force,
    )
    print(taken)
    print(f"{args.out}: {metrics['parameters']} parameters")
    for part in ("validation", "test"):
        for name, value in metrics[part].items():
            print(f"  {part}: {name} {value:.4f}")
    if args.json:
        write_json(args.json, metrics)
    return 0


def _language(args: argparse.Namespace) -> int:
    """A language model."""
    from cats.errors import CatsError
    from cats.report import write_json
    from cats.training.import_llama import import_llama, read_folder, read_llama2c

    given = getattr(args, "given", {})
    if other := next((given[name] for name in IMAGES if name in given), None):
        raise CatsError(f"{other} has no effect on a language model: leave it out")
    found, tokenizer, ends = (read_llama2c if args.layout else read_folder)(
        args.source, args.tokenizer
    )
    metrics = import_llama(found, tokenizer, ends, args.out, force=args.force)
    print(found)
    print(f"{args.out}: {metrics['parameters']} parameters")
    if args.json:
        write_json(args.json, metrics)
    return 0
