# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Integers of a language model of the Llama family: calibrated by text that the float model writes
itself, and held against it over more of that."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from cats.errors import CatsError
from cats.integer.llama import run_batch, write
from cats.integer.llama_model import LlamaModel, check_config
from cats.nn.model import CatsTransformer
from cats.nn.steps import Steps
from cats.nn.to_integer import quantize_text

#: Rows of text that calibrate, the most of them in one text, and their seed.
CALIBRATING, _ROWS, _SEED = 4096, 256, 1 << 40


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
    while len(text) < rows:
        shares = steps.step(token.to(model.device))[:, -1].double().softmax(-1).cpu()
        token = torch.multinomial(shares, 1, generator=generator)
        text.append(token)
    return torch.cat(text, 1)


def integers_of(model: CatsTransformer, begin: int | None = None, **options: bool) -> LlamaModel:
    """The integer model; the same model gives the same on one machine. ``options`` are those of
    ``quantize_llama``."""
    check_config(model.config)
    rows = min(_ROWS, model.config.tokens)
    text = written(model, CALIBRATING // rows, rows, _SEED, begin)
    return quantize_text(model, text.to(model.device), **options)


def generate_integers(
    model: LlamaModel, prompt: Sequence[int], steps: int, ends: Collection[int] = ()
) -> Iterator[int]:
    """As ``generate`` at temperature 0, by the integer reference."""
    if not 1 <= len(prompt) <= steps:
        raise CatsError(f"the prompt has {len(prompt)} tokens: 1 to the {steps} steps")
    for read, token in enumerate(write(model, prompt), len(prompt)):
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
    for row in text.split(1):
        exact = model(row.to(model.device)).double().log_softmax(-1)[0].cpu()
        outputs = run_batch(integers, row.numpy())[0, 0] * np.float64(integers.output_scale)
        got = torch.from_numpy(outputs).log_softmax(-1)
        sums["kl"] += float((exact.exp() * (exact - got)).sum())
        sums["same"] += float((exact.argmax(-1) == got.argmax(-1)).sum())
        for name, told in (("float", exact), ("int8", got)):
            sums[name] -= float(told[:-1].gather(1, row[0, 1:, None]).sum()) / math.log(2)
        follow += row.shape[1] - 1
    tokens = text.numel()
    return {
        "tokens": tokens, "kl": sums["kl"] / tokens, "same": sums["same"] / tokens,
        "float": sums["float"] / max(follow, 1), "int8": sums["int8"] / max(follow, 1),
    }  # fmt: skip
