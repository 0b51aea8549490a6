# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats train``: train a transformer that loses messages as the air will."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cats import arguments
from cats.files import output_folder
from cats.plan.radio import RADIOS
from cats.report import add_json_argument
from cats.shape.config import ACTIVATIONS, EMBEDDINGS, FEED_FORWARDS, NORMS, POSITIONS
from cats.tasks import flags

if TYPE_CHECKING:
    from cats.nn.model import CatsTransformer
    from cats.shape.partition import Kind

HELP = "train a model with message dropout and pruning"
CONFLICTS = {
    "resume": ("force",),
    "air_budget": ("keep", "prune_scope", "prune_by"),
}
ALONE = "nothing is sent to the head: a node computes its part of the result from its own columns"
NEEDS = {
    "embed_hidden": ("embed", "init"),
    "air_radio": ("air_budget",),
    "prune_steps": ("keep", "air_budget"),
    "prune_scope": ("keep",),
    "prune_by": ("keep",),
    "hops": ("links",),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats train``."""
    columns = arguments.whole(1, 4096)
    rate = arguments.number(0, 100, above=True)
    parser.add_argument(
        "-o", "--out", type=output_folder, required=True, metavar="RUN", help="RUN folder"
    )
    parser.add_argument("--force", action="store_true", help="start again over an existing RUN")
    parser.add_argument(
        "--resume", action="store_true", help="continue an interrupted RUN (or start it)"
    )
    parser.add_argument("--seed", type=arguments.seed, default=0, help="same seed, same run (0)")

    flags.add_arguments(parser)

    shape = parser.add_argument_group("model (defaults: what suits the task)")
    shape.add_argument(
        "--nodes", type=arguments.whole(1, 16), help="devices that share it (default 4)"
    )
    shape.add_argument(
        "--shares",
        metavar="S,S,..",
        help="uneven shares of it, a number for each device, in whole heads: 2,1,1; 0 for one that "
        "only senses",
    )
    shape.add_argument(
        "--input-split",
        choices=("single", "channels"),
        help="node 0 holds the raw input, or its columns are spread (default single, with --embed "
        "own channels)",
    )
    shape.add_argument(
        "--output-split",
        choices=("single", "even"),
        default="single",
        help="node 0 computes the result, or its columns are spread (default single)",
    )
    shape.add_argument(
        "--features", type=columns, help="columns of the residual, a multiple of heads"
    )
    shape.add_argument(
        "--heads", type=columns, help="attention heads, one or more a computing node"
    )
    shape.add_argument("--hidden", type=columns, help="columns of the feed-forward")
    shape.add_argument("--blocks", type=arguments.whole(1, 63), help="transformer blocks")
    shape.add_argument("--activation", choices=ACTIVATIONS, help="of the feed-forward")
    shape.add_argument(
        "--norm", choices=NORMS, help="layer norms, or RMS norms, without mean and offset (layer)"
    )
    shape.add_argument(
        "--position", choices=POSITIONS,
        help="a learned vector is added to each row, or rotary: queries and keys are turned by "
        "their row, which takes an even number of columns a head (learned)",
    )  # fmt: skip
    shape.add_argument(
        "--feed-forward", choices=FEED_FORWARDS,
        help="gated: the activation of the hidden columns times as many others; SwiGLU with "
        "--activation silu (plain)",
    )  # fmt: skip
    shape.add_argument(
        "--kv-heads", type=columns, metavar="K",
        help="keys and values, each shared by as many neighbouring heads (one for each head)",
    )  # fmt: skip
    shape.add_argument(
        "--bias", action=argparse.BooleanOptionalAction, default=None,
        help="whether products have biases (they do)",
    )  # fmt: skip
    shape.add_argument(
        "--tied", action=argparse.BooleanOptionalAction, default=None,
        help="whether the head has the embedding's weights: of task text (it has its own)",
    )  # fmt: skip
    shape.add_argument(
        "--parallel-blocks", action=argparse.BooleanOptionalAction, default=None,
        help="attention and feed-forward of a block read one norm, and what both give is added at "
        "once: two gathers a block in place of four, for language models of the Llama family "
        "(one after the other)",
    )  # fmt: skip
    shape.add_argument(
        "--layer-tables", action=argparse.BooleanOptionalAction, default=None,
        help="each block has an embedding of its own for each token, added to the residual in "
        "front of it (per-layer embeddings): parameters that are stored, few are read a step, "
        "for language models of the Llama family; the node that has a token's sends them (none)",
    )  # fmt: skip
    shape.add_argument(
        "--embed",
        choices=EMBEDDINGS,
        help="what a node's residual columns are made of: all inputs, which are broadcast for it; "
        "the node's own, so that nothing raw is on the air; or what a stem, a layer with ReLU at "
        "the nodes with inputs, makes of them and broadcasts (default full)",
    )
    shape.add_argument(
        "--embed-hidden",
        type=arguments.whole(0, 4096),
        metavar="COLUMNS",
        help="hidden columns over all nodes of an own embedding of two layers, ReLU between them "
        "(default 0: one layer); columns of the stem",
    )
    shape.add_argument(
        "--signed-stem",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="a stem without ReLU, for one of few columns",
    )
    shape.add_argument(
        "--pool",
        choices=("mean", "class", "last", "mean_of_norm", "all"),
        help="what the head reads: the mean of all rows, a class token, the last row, the mean "
        "of all rows behind the norm of each, or each row, which gives a result of its own (text)",
    )
    shape.add_argument(
        "--causal", action=argparse.BooleanOptionalAction, default=None,
        help="a row attends to itself and those before it, as a stream needs (cats export "
        "--stream); tasks forecast and text do",
    )  # fmt: skip
    shape.add_argument(
        "--linear",
        action="store_true",
        help="a linear path from the whole input to the result, at the node that has both; task "
        "forecast begins with the best linear map and ends with the best epoch that is ahead of it "
        "all over the validation part, if there is one",
    )

    loss = parser.add_argument_group("loss and pruning")
    loss.add_argument(
        "--message-dropout",
        metavar="P|LO:HI",
        help="loss probability 0..1, or a range that each batch draws from; 0: off (default 0:0.3, "
        "with --links 0)",
    )
    loss.add_argument(
        "--links",
        type=Path,
        metavar="FILE",
        help="lose what these links lose, a file of who hears whom (cats links); each link loses "
        "--message-dropout on top",
    )
    loss.add_argument(
        "--hops",
        type=arguments.hops,
        default=1,
        help="nodes relay what they hear, over so many hops, and lose together what a relay lost "
        "(default 1)",
    )
    loss.add_argument(
        "--granularity",
        choices=("message", "packet"),
        default="packet",
        help="lose whole messages or single packets (default packet)",
    )
    loss.add_argument(
        "--loss-payload",
        type=arguments.whole(1, 255),
        default=106,
        metavar="BYTES",
        help="activation bytes that a packet carries (default 106: IEEE 802.15.4)",
    )
    loss.add_argument(
        "--loss-rows",
        type=arguments.whole(1, 1023),
        metavar="ROWS",
        help="rows of a tile (default: as many as one packet of a source carries)",
    )
    loss.add_argument(
        "--patterns",
        type=arguments.whole(),
        help="loss patterns that share a batch (default: by task)",
    )
    loss.add_argument(
        "--keep",
        default="1",
        metavar="R|KIND=R,...",
        help="share of columns sent, 0..1: one for all gathers, or by kind of attention, heads, "
        "forward, hidden, output; a kind of which 0 is sent is not on the air (default 1)",
    )
    loss.add_argument(
        "--local-blocks",
        type=arguments.whole(0, 63),
        default=0,
        metavar="B",
        help="the first B blocks send nothing: each node computes them from its own columns; where "
        "all are local, pooled columns alone are sent, which is late fusion (default 0)",
    )
    loss.add_argument("--prune-steps", type=arguments.whole(), default=4, help="pruning steps (4)")
    loss.add_argument(
        "--prune-scope",
        choices=("source", "gather"),
        default="source",
        help="equal shares for every source, or best of a whole gather (default source)",
    )

    loss.add_argument(
        "--prune-by",
        choices=("magnitude", "activation", "taylor"),
        default="magnitude",
        help="a column's importance: its readers' weights, these times what the column carries, or "
        "how the loss changes without it to first order (default magnitude)",
    )
    loss.add_argument(
        "--air-budget",
        type=arguments.whole(1, 2**40),
        metavar="BYTES",
        help="in place of --keep: bytes an inference may put on the air, headers included; what is "
        "worth least for its bytes goes, in whichever gather it is, and whole gathers with their "
        "frames",
    )
    loss.add_argument(
        "--air-radio",
        default="ieee802154",
        help=f"radio of --air-budget: one of {', '.join(RADIOS)} (default ieee802154)",
    )

    add_json_argument(parser)
    parser.add_argument(
        "--init",
        type=Path,
        metavar="RUN",
        help="start from the weights and keep sets of RUN, dealt to --nodes or --shares where they "
        "differ; its shape, and of the same task its options, are the defaults here",
    )
    fit = parser.add_argument_group("optimiser")
    fit.add_argument("--epochs", type=arguments.whole(), help="passes over the data (by task)")
    fit.add_argument("--batch", type=arguments.whole(), help="samples a step (64; classify 32)")
    fit.add_argument("--lr", type=rate, help="peak learning rate (default: by task)")
    fit.add_argument(
        "--dropout", type=arguments.number(0, 0.99), default=0.0, help="ordinary dropout (0)"
    )
    fit.add_argument(
        "--qat",
        type=arguments.whole(0),
        default=0,
        metavar="EPOCHS",
        help="quantisation-aware: the last EPOCHS see the integer model's roundings (default 0)",
    )
    fit.add_argument(
        "--best-epoch",
        action="store_true",
        help="end with the epoch that is best on the validation part, of those since the last "
        "pruning and since roundings began",
    )
    fit.add_argument("--threads", type=arguments.threads, help="CPU threads (default 1)")
    arguments.add_device_argument(fit)
    fit.add_argument(
        "--precision",
        choices=("fp32", "bf16", "fp16"),
        default="fp32",
        help="of the products: float32, or mixed with 16 bits (default fp32)",
    )
    fit.add_argument(
        "--accumulate",
        type=arguments.whole(),
        default=1,
        metavar="N",
        help="compute each batch in N parts, which takes less memory (default 1)",
    )


def run(args: argparse.Namespace) -> int:
    """Train; prints the figures of the finished model."""
    import dataclasses

    from cats.errors import CatsError
    from cats.nn.message_dropout import parse_probability
    from cats.report import print_notes, print_table, write_json
    from cats.shape.config import SplitConfig, node_shares
    from cats.shape.links import as_tuples, read_links
    from cats.shape.partition import answers_alone
    from cats.tasks import baselines
    from cats.training.loop import train
    from cats.training.options import Training, suited
    from cats.training.run_folder import METRICS, load_run

    init, before = load_run(args.init) if args.init else (None, None)
    task = flags.task_of(args, before)
    if os.environ.get("RANK", "0") == "0":
        print_notes(task.notes, task.warnings)
    shape = {
        name: getattr(args, name)
        for name in (
            "features",
            "heads",
            "hidden",
            "blocks",
            "activation",
            "norm",
            "position",
            "feed_forward",
            "kv_heads",
            "bias",
            "tied",
            "parallel_blocks",
            "layer_tables",
            "causal",
            "pool",
            "embed",
            "embed_hidden",
            "signed_stem",
        )
        if getattr(args, name) is not None
    }
    model = task.model
    if before is not None:  # its shape, but for what the data decides
        data = {name: getattr(model, name) for name in ("tokens_in", "inputs", "outputs", "task")}
        model = dataclasses.replace(before.model, **data)
    model = dataclasses.replace(model, **shape, linear=args.linear or model.linear)
    if hasattr(task, "vocabulary") and dataclasses.replace(model, vocabulary=True).is_llama:
        model = dataclasses.replace(model, vocabulary=True)  # rows are tokens: one number each
    model.check()
    if not (model.has_integers or model.is_llama) and os.environ.get("RANK", "0") == "0":
        print_notes(warnings=["there are no integers for such a model yet: no cats export"])
    shares = node_shares(args.nodes, args.shares) or (1,) * 4
    spread = model.embed == "own" or model.layer_tables
    inputs = args.input_split or ("channels" if spread else "single")
    split = SplitConfig.by_shares(model, shares, inputs, args.output_split, task.channels)
    chosen = {
        name: getattr(args, name)
        for name in ("epochs", "batch", "lr", "patterns", "threads")
        if getattr(args, name) is not None
    }
    dropout = args.message_dropout
    if dropout is None:
        dropout = "0" if args.links else "0:0.3"
    training = Training(
        **{**suited(task), **chosen},
        dropout=args.dropout,
        message_dropout=parse_probability(dropout),
        links=args.links and as_tuples(read_links(args.links, len(shares))),
        hops=args.hops,
        granularity=args.granularity,
        payload=args.loss_payload,
        tile_rows=args.loss_rows,
        keep=_keep(args.keep),
        local_blocks=args.local_blocks,
        prune_steps=args.prune_steps,
        prune_scope=args.prune_scope,
        prune_by=args.prune_by,
        air_budget=args.air_budget,
        air_radio=args.air_radio,
        qat=args.qat,
        best_epoch=args.best_epoch,
        accumulate=args.accumulate,
        device=args.device,
        precision=args.precision,
        seed=args.seed,
    )
    if args.local_blocks > model.blocks:
        raise CatsError(
            f"--local-blocks {args.local_blocks}: the model's blocks are {model.blocks}"
        )
    if init is not None and "keep" in getattr(args, "given", ()):
        _check_init(args.init, init, training.keep_ratios())
    net, metrics = train(task, model, split, training, args.out, args.resume, args.force, init=init)
    if os.environ.get("RANK", "0") != "0":
        return 0
    if answers_alone(net.split, net.keep):
        print_notes(warnings=[ALONE])
    print(f"{args.out}: {metrics['parameters']} parameters in {metrics['seconds']:.1f} s")
    parts = ("validation", "test")
    for part in parts:
        figures = ", ".join(f"{name} {value:.4f}" for name, value in metrics[part].items())
        print(f"  {part}: {figures}")
    if "baselines" not in metrics:
        metrics["baselines"] = baselines.scores(task, *parts)
        write_json(args.out / METRICS, metrics)
    if any(metrics["baselines"].values()):
        print_table(*_beside(metrics, parts), "what it has to beat")
    if task.thinned > 1:
        print(f"which learned from one training sample in {task.thinned}")
    if args.json:
        write_json(args.json, metrics)
    return 0


def _beside(
    metrics: Mapping[str, Any], parts: Sequence[str]
) -> tuple[list[str], list[list[str | float | None]]]:
    """The table of the baselines' figures; None where a file of before does not have one."""
    columns = [(part, figure) for part in parts for figure in metrics[part]]
    known = {part: metrics["baselines"].get(part, {}) for part in parts}
    return ["", *map(" ".join, columns)], [
        [name, *(known[part].get(name, {}).get(figure) for part, figure in columns)]
        for name in known[parts[0]]
    ]


def _check_init(path: Path, init: CatsTransformer, ratios: dict[Kind, float]) -> None:
    """Columns that the run to start from has given up do not come back."""
    from cats.errors import CatsError
    from cats.shape.partition import full_keep, gather_kind

    full = full_keep(init.config, init.split)
    for g, (kept, all_of_it) in enumerate(zip(init.keep, full)):
        kind, _ = gather_kind(init.config, g)
        share = sum(map(len, kept)) / max(1, sum(map(len, all_of_it)))
        if share < 1 <= ratios.get(kind, 0):
            raise CatsError(
                f"{path} sends {share:.0%} of its {kind.name.lower()} columns, and what is pruned "
                "does not come back: leave --keep out, or give less"
            )


def _keep(text: str) -> float | dict[str, float]:
    from cats.errors import CatsError

    try:
        if "=" not in text:
            return arguments.share(text)
        pairs = [part.partition("=") for part in text.split(",")]
        ratios = {name.strip(): arguments.share(ratio) for name, _, ratio in pairs}
    except argparse.ArgumentTypeError:
        raise CatsError(f"keep {text!r}: give a share 0..1, or KIND=SHARE,...") from None
    if len(ratios) < len(pairs):
        raise CatsError(f"keep {text!r}: each kind once")
    return ratios
