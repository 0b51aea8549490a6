# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Text that a float model writes, token by token: one of others with its tokenizer, or one of task
text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from cats.errors import CatsError
from cats.nn.model import CatsTransformer
from cats.nn.steps import Steps
from cats.shape.config import RunConfig
from cats.shape.metadata import from_json as metadata_from_json
from cats.tasks.text_tokens import Vocabulary
from cats.tasks.tokenizers import (
    JSON,
    LLAMA2C,
    Ends,
    OfVocabulary,
    Tokenizer,
    ends_of,
    read_tokenizer,
)


def run_tokenizer(path: Path, run: RunConfig) -> tuple[Tokenizer, Ends]:
    """The tokenizer of a run, and the tokens that begin and end a text."""
    stored = run.extra.get("tokenizer")
    if stored is None:
        metadata = run.extra.get("metadata")
        vocabulary = Vocabulary.of(metadata and metadata_from_json(metadata, run.model))
        if vocabulary is None:
            raise CatsError(
                f"{path} is no language model: train one with --task text, or 'cats import' one"
            )
        return OfVocabulary(vocabulary), Ends()
    name = stored.get("file") if isinstance(stored, dict) else None
    if name not in (JSON, LLAMA2C):
        raise CatsError(f"{path}: its tokenizer is {name!r}: one of {LLAMA2C}, {JSON}")
    ends = ends_of(stored, run.model.inputs)
    tokenizer = read_tokenizer(path / name, ends.begin)
    if tokenizer.count > run.model.inputs:
        raise CatsError(f"{path / name} has {tokenizer.count} tokens, the model {run.model.inputs}")
    return tokenizer, ends


def generate(
    model: CatsTransformer,
    prompt: Sequence[int],
    steps: int,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    seed: int = 0,
    loss: float = 0.0,
    ends: Collection[int] = (),
) -> Iterator[int]:
    """Tokens behind ``prompt`` until the model has read so many ``steps`` of tokens, the prompt's
    among them, or writes one of ``ends``, which is not given.

    A token is drawn from the softmax of outputs / ``temperature`` (0: the likeliest), of the
    ``top_k`` likeliest alone (0: of all). ``loss``: see ``Steps``. Behind the end of its context a
    model with learned positions reads its last tokens anew for each further one. The same arguments
    give the same tokens on one machine.
    """
    config = model.config
    if config.inputs != config.outputs or config.task != "classify":
        raise CatsError("this model does not tell the next of the tokens that it reads")
    if not 1 <= len(prompt) <= steps:
        raise CatsError(f"the prompt has {len(prompt)} tokens: 1 to the {steps} steps")
    rows, generator = Steps(model, loss, seed), torch.Generator().manual_seed(seed % 2**63)
    text = given = list(prompt)
    while True:
        if config.position == "learned" and rows.position + len(given) > config.tokens:
            rows.begin()
            given = text[-config.tokens :]
        outputs = rows.step(torch.tensor([given], device=model.device))[0, -1]
        token = _choose(outputs, temperature, top_k, generator)
        if token in ends:
            return
        yield token
        if len(text) >= steps:
            return
        given = [token]
        text = text + given


def _choose(outputs: Tensor, temperature: float, top_k: int, generator: torch.Generator) -> int:
    """A token by its outputs [C]."""
    if temperature == 0:
        return int(outputs.argmax())
    outputs = outputs.double().cpu()
    if 0 < top_k < len(outputs):
        outputs = outputs.masked_fill(outputs < outputs.topk(top_k).values[-1], -torch.inf)
    shares = ((outputs - outputs.max()) / temperature).softmax(0)
    return int(torch.multinomial(shares, 1, generator=generator))
