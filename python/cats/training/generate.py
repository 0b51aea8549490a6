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
    Ends,
    OfVocabulary,
    Tokenizer,
    TokenizerFile,
    check_prompt,
    stored_tokenizer,
)


def kept_tokenizer(path: Path, run: RunConfig) -> TokenizerFile | Vocabulary:
    """Where the tokens of a run come from: a file in its folder, or characters or bytes of its
    metadata."""
    stored = run.extra.get("tokenizer")
    if stored is not None:
        return stored_tokenizer(path, stored if isinstance(stored, dict) else {})
    metadata = run.extra.get("metadata")
    vocabulary = Vocabulary.of(metadata and metadata_from_json(metadata, run.model))
    if vocabulary is None:
        raise CatsError(
            f"{path} is no language model: train one with --task text, or 'cats import' one"
        )
    return vocabulary


def run_tokenizer(path: Path, run: RunConfig) -> tuple[Tokenizer, Ends]:
    """The tokenizer of a run, and the tokens that begin and end a text."""
    found = kept_tokenizer(path, run)
    if isinstance(found, Vocabulary):
        return OfVocabulary(found), Ends()
    found.ends.check(run.model.inputs)
    tokenizer = found.read()
    if tokenizer.count > run.model.inputs:
        raise CatsError(f"{found.path} has {tokenizer.count} tokens, the model {run.model.inputs}")
    return tokenizer, found.ends


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
    _check(model, prompt, steps)
    for (token,) in _written(model, prompt, steps, temperature, top_k, [seed], loss):
        if token in ends:
            return
        yield token


def generate_texts(
    model: CatsTransformer,
    prompt: Sequence[int],
    steps: int,
    seeds: Sequence[int],
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    loss: float = 0.0,
    ends: Collection[int] = (),
) -> list[list[int]]:
    """What ``generate`` gives for each of ``seeds``, but for the roundings of floats and, with
    ``loss``, for what is lost: computed side by side, they lack the same messages."""
    _check(model, prompt, steps)
    texts: list[list[int]] = [[] for _ in seeds]
    running = dict(enumerate(texts))
    for tokens in _written(model, prompt, steps, temperature, top_k, seeds, loss):
        for number, text in list(running.items()):
            if tokens[number] in ends:
                del running[number]
            else:
                text.append(tokens[number])
        if not running:
            break
    return texts


def _check(model: CatsTransformer, prompt: Sequence[int], steps: int) -> None:
    config = model.config
    if config.inputs != config.outputs or config.task != "classify":
        raise CatsError("this model does not tell the next of the tokens that it reads")
    check_prompt(prompt, steps)


def _written(
    model: CatsTransformer,
    prompt: Sequence[int],
    steps: int,
    temperature: float,
    top_k: int,
    seeds: Sequence[int],
    loss: float,
) -> Iterator[list[int]]:
    """The next token of each text, until all have read ``steps`` tokens."""
    config, rows = model.config, Steps(model, loss, seeds[0])
    generators = [torch.Generator().manual_seed(seed % 2**63) for seed in seeds]
    texts = torch.tensor([list(prompt)] * len(seeds))
    given = texts
    while True:
        if config.position == "learned" and rows.position + given.shape[1] > config.tokens:
            rows.begin()
            given = texts[:, -config.tokens :]
        outputs = rows.step(given.to(model.device))[:, -1]
        tokens = [_choose(*of, temperature, top_k) for of in zip(outputs, generators, strict=True)]
        yield tokens
        if texts.shape[1] >= steps:
            return
        given = torch.tensor(tokens)[:, None]
        texts = torch.cat((texts, given), 1)


def _choose(outputs: Tensor, generator: torch.Generator, temperature: float, top_k: int) -> int:
    """A token by its outputs [C]."""
    if temperature == 0:
        return int(outputs.argmax())
    outputs = outputs.double().cpu()
    if 0 < top_k < len(outputs):
        outputs = outputs.masked_fill(outputs < outputs.topk(top_k).values[-1], -torch.inf)
    shares = ((outputs - outputs.max()) / temperature).softmax(0)
    return int(torch.multinomial(shares, 1, generator=generator))
