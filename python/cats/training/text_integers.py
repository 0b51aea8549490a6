# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Integers of a language model of the Llama family: calibrated by text that the float model writes
itself, and held against it over more of that."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cats.errors import CatsError
from cats.integer.llama import run_batch, write
from cats.integer.llama_model import (
    FourBitProduct,
    LlamaModel,
    check_config,
    product_of,
    with_products,
)
from cats.integer.llama_quantize import four_bit_names
from cats.integer.sampling import sampling
from cats.nn.model import CatsTransformer
from cats.nn.steps import Steps
from cats.nn.to_integer import quantize_text
from cats.report import progress
from cats.shape.config import to_json
from cats.tasks.tokenizers import check_prompt
from cats.training.generate import run_tokenizer
from cats.training.run_folder import dealt, load_run, source_of

#: Rows of text that calibrate, the most of them in one text, and their seed.
CALIBRATING, _ROWS, _SEED = 4096, 256, 1 << 40
#: Rows of text by which ``mixed`` chooses, and the part of what is allowed that it uses, as other
#: text may cost more.
_MEASURED, _SAFE = 1024, 0.9
#: Rows that are compared at once, unless a text has more.
_TOGETHER = 512


@torch.no_grad()
def written(
    model: CatsTransformer, texts: int, rows: int, seed: int, begin: int | None = None
) -> Tensor:
    """Text that the float model writes: token numbers [texts, rows], each drawn from the softmax of
    the outputs; all begin with token ``begin`` (None: with one of any)."""
    if not 1 <= rows <= model.config.tokens:
        raise CatsError(f"texts of {rows} tokens: 1 to the model's window of {model.config.tokens}")
    generator, steps = torch.Generator().manual_seed(seed % 2**63), Steps(model)
    if begin is None:
        token = torch.randint(model.config.inputs, (texts, 1), generator=generator)
    else:
        token = torch.full((texts, 1), begin)
    text = [token]
    for _ in progress(range(1, rows), desc="calibration text", unit="token", leave=False):
        shares = steps.step(token.to(model.device))[:, -1].double().softmax(-1).cpu()
        token = torch.multinomial(shares, 1, generator=generator)
        text.append(token)
    return torch.cat(text, 1)


def integers_of(model: CatsTransformer, begin: int | None = None, **options: object) -> LlamaModel:
    """The integer model; the same model gives the same on one machine. ``options`` are those of
    ``quantize_llama``."""
    check_config(model.config)
    return quantize_text(model, _calibrating(model, begin), **options)


def _calibrating(model: CatsTransformer, begin: int | None) -> Tensor:
    """The text that calibrates."""
    rows = min(_ROWS, model.config.tokens)
    return written(model, CALIBRATING // rows, rows, _SEED, begin).to(model.device)


def quantise_llama_run(
    path: Path | str,
    shares: Sequence[float] | None = None,
    output_split: str | None = None,
    four_bits: float | None = None,
    token_rows: bool = False,
) -> tuple[LlamaModel, dict]:
    """The integers of a RUN folder's language model over nodes with these ``shares`` (None: those
    of the run), each with its part of the vocabulary unless ``output_split`` is ``single``; and
    where they come from. With ``token_rows``, or embeddings of each block, ``with_rows`` deals
    rows and outputs. ``four_bits``: so many weights have those as so many nats a token allow, see
    ``mixed``."""
    path = Path(path)
    model, run = load_run(path)
    _, ends = run_tokenizer(path, run)
    split = run.split.deal(
        run.model, shares or run.split.heads, output_split=output_split or "even"
    )
    if token_rows or run.model.layer_tables:
        split = split.with_rows(run.model)
    source = {**source_of(path, run), "written_tokens": CALIBRATING}
    if split != run.split:
        model = dealt(path, model, split)
        source["trained_split"] = to_json(run.split)
    if four_bits is None:
        return integers_of(model, ends.begin), source
    integers, chosen = mixed(model, four_bits, ends.begin)
    return integers, {**source, "four_bits": {"most": four_bits, "products": chosen}}


def mixed(
    model: CatsTransformer, most: float, begin: int | None = None, **options: object
) -> tuple[LlamaModel, list[str]]:
    """Integers with as many weights of four bits as a divergence of ``most`` nats a token from
    float allows, and the names of these products. Those go first that cost least a weight, measured
    one by one on text that the float model writes; CatsError where eight bits alone pass it."""
    check_config(model.config)
    names, seen = four_bit_names(model.config), _calibrating(model, begin)
    eight = quantize_text(model, seen, **options)
    four = quantize_text(model, seen, in_four_bits=names, **options)
    rows = min(_ROWS, model.config.tokens)
    text = written(model, _MEASURED // rows, rows, _SEED + 1, begin)

    def cost(some: Collection[str]) -> float:
        return compare(model, with_products(eight, four, some), text)["kl"]

    alone = cost(())
    if alone > most:
        raise CatsError(f"eight bits are {alone:.4f} nats a token from float: allow more")
    each = {
        name: (cost((name,)) - alone) / product_of(four, name).weight.size
        for name in progress(names, desc="four bits", unit="product", leave=False)
    }
    order = sorted(names, key=each.__getitem__)
    fits, over = 0, len(order) + 1  # how many of them are known to fit, and not to
    while over - fits > 1:
        middle = (fits + over) // 2
        fits, over = (middle, over) if cost(order[:middle]) <= _SAFE * most else (fits, middle)
    chosen = sorted(order[:fits], key=names.index)
    return with_products(eight, four, chosen), chosen


def four_bit_share(model: LlamaModel) -> float:
    """The share of a model's weights, those of its tokens' rows included, that have four bits."""
    products = [product_of(model, name) for name in four_bit_names(model.config)]
    four = sum(p.weight.size for p in products if isinstance(p, FourBitProduct))
    return four / (sum(p.weight.size for p in products) + model.rows.size)


def generate_integers(
    model: LlamaModel,
    prompt: Sequence[int],
    steps: int,
    *,
    temperature: float = 0.0,
    top_k: int = 0,
    seed: int = 0,
    ends: Collection[int] = (),
) -> Iterator[int]:
    """As ``generate``, by the integer reference; nothing is lost."""
    check_prompt(prompt, steps)
    how = sampling(model.output_scale, temperature, top_k, seed)
    for read, token in enumerate(write(model, prompt, how), len(prompt)):
        if token in ends:
            return
        yield token
        if read >= steps:
            return


@torch.no_grad()
def compare(model: CatsTransformer, integers: LlamaModel, text: Tensor) -> dict[str, float]:
    """How far integers are from the float model over text [B, rows], nothing lost.

    ``kl``: mean divergence of the float model's distribution from theirs, nats a token; ``same``:
    share of tokens at which both think the same likeliest; ``float`` and ``int8``: bits a token
    that each takes to say which comes next.
    """
    sums = dict.fromkeys(("kl", "same", "float", "int8"), 0.0)
    follow = 0
    for some in text.split(max(1, _TOGETHER // text.shape[1])):
        exact = Steps(model).step(some.to(model.device)).double().log_softmax(-1).cpu()
        outputs = run_batch(integers, some.numpy())[:, 0] * np.float64(integers.output_scale)
        got = torch.from_numpy(outputs).log_softmax(-1)
        sums["kl"] += float((exact.exp() * (exact - got)).sum())
        sums["same"] += float((exact.argmax(-1) == got.argmax(-1)).sum())
        for name, told in (("float", exact), ("int8", got)):
            sums[name] -= float(told[:, :-1].gather(2, some[:, 1:, None]).sum()) / math.log(2)
        follow += some[:, 1:].numel()
    tokens = text.numel()
    return {
        "tokens": tokens, "kl": sums["kl"] / tokens, "same": sums["same"] / tokens,
        "float": sums["float"] / max(follow, 1), "int8": sums["int8"] / max(follow, 1),
    }  # fmt: skip
