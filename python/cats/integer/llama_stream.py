# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A model of the Llama family as a stream: what planner, image and engine compute with.

A step takes one token's number, which every node is given; each has its own columns of the
embedding of all tokens, so nothing of gather INPUT is on the air. Or with ``token_rows`` each has
whole rows of some tokens, and sends that of the step's token there. The residual is split as the
heads are, or each node has all of it. The context is the model's window, which slides.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.integer.llama import everything
from cats.integer.llama_model import (
    FourBitProduct,
    LlamaModel,
    RmsNorm,
    parts_of,
    token_rows,
)
from cats.integer.model import IntegerModel, Norm, Product, Step
from cats.integer.reference import Availability
from cats.shape.partition import full_keep

#: Most tokens: an image counts them in 16 bits.
MAX_TOKENS_OF_IMAGE = 2**16 - 1
#: Given as what to replicate: nothing, whatever the model says.
NOTHING = "nothing"


def stream_of(
    model: LlamaModel,
    candidates: int | None = None,
    token_rows: bool = False,
    replicate: str = "",
) -> LlamaModel:
    """The model as a stream of single tokens, of which each node tells so many ``candidates`` for
    the next one (0, and a single node: all outputs; None: as the model says); with ``token_rows``,
    or embeddings of each block, of rows that their owners send; each node computes all of what to
    ``replicate`` (REPLICATED, NOTHING; "": as the model says; a single node does anyway). CatsError
    where there is no image of it.
    """
    replicated = "" if replicate == NOTHING else replicate or model.config.replicated
    candidates = model.config.candidates if candidates is None else candidates
    config = dataclasses.replace(
        model.config,
        tokens_in=1,
        context=model.config.tokens,
        wide_keys=model.wide_keys,
        token_rows=token_rows or model.config.layer_tables or model.config.token_rows,
        candidates=candidates if model.split.nodes > 1 else 0,
        replicated=replicated if model.split.nodes > 1 else "",
        four_bits=tuple(
            1 + g
            for g, product in enumerate(_products(model))
            if isinstance(product, FourBitProduct)
        ),
    )
    config.check()
    whole = full_keep(config, model.split)
    keep = [whole[0], *model.keep[1:-1], whole[-1]]
    if config.replicated or model.config.replicated:
        each = [
            full_keep(dataclasses.replace(config, replicated=other), model.split)
            for other in ("", model.config.replicated)
        ]
        if any(columns not in some for columns, *some in zip(keep, whole, *each, strict=True)):
            raise CatsError("what is replicated has all of its columns: prune none")
        keep = whole
    if any(keep[g] != whole[g] for g in config.four_bits):
        raise CatsError("groups of four bits are of whole rows: leave all columns, or eight bits")
    if config.inputs > MAX_TOKENS_OF_IMAGE:
        raise CatsError(f"{config.inputs} tokens: an image has at most {MAX_TOKENS_OF_IMAGE}")
    if not config.token_rows and not all(model.split.hidden):
        raise CatsError(
            "each node of a Llama model computes, unless it has rows of tokens: use shares above "
            "0, or --token-rows"
        )
    return dataclasses.replace(model, config=config, keep=keep)


def _products(model: LlamaModel) -> list[Product]:
    """Those behind gathers 1 to the last but one."""
    blocks = (getattr(block, part) for block in model.blocks for part in parts_of(model.config))
    return [*blocks, model.head]


def window_of(stream: LlamaModel) -> LlamaModel:
    """The inverse of ``stream_of``: what ``cats.integer.llama`` computes with."""
    config = dataclasses.replace(stream.config.whole, wide_keys=False, four_bits=())
    keep = [full_keep(config, stream.split)[0], *stream.keep[1:]]
    return dataclasses.replace(stream, config=config, keep=keep)


def every_row(model: LlamaModel, availability: Availability) -> Availability:
    """What arrived of a step of a stream, as ``cats.integer.llama`` has it: a token's whole row, as
    all have it."""
    return Availability((everything(window_of(model)).gathers[0], *availability.gathers[1:]))


@dataclass(frozen=True)
class Tokens:
    """What is no gather's: the embedding, the residual's exponents, the turns of pairs."""

    rows: np.ndarray
    multiplier: np.ndarray
    embed_shift: int
    exponent: np.ndarray
    turn: np.ndarray


@dataclass(frozen=True)
class Tables:
    """The embeddings of each block."""

    tables: np.ndarray
    multiplier: np.ndarray


@dataclass(frozen=True)
class Gathers(IntegerModel):
    """A stream of the Llama family (``llama``) gather by gather, as images have it: a norm's
    ``bias`` is the exponent of its column, FORWARD's ``value`` takes gate times up to a hidden
    column. Of parallel blocks ATTENTION's does, HIDDEN has the gate's table, and what HEADS has of
    the attention. An input is a token's number, its four bytes."""

    llama: LlamaModel = None  # type: ignore[assignment]

    @property
    def tokens(self) -> Tokens:
        """What is no gather's."""
        return Tokens(*(getattr(self.llama, field.name) for field in dataclasses.fields(Tokens)))

    @property
    def tables(self) -> Tables | None:
        """The embeddings of each block, where there are any."""
        found = self.llama.tables
        return None if found is None else Tables(found, self.llama.table_multiplier)

    def rows(self, tokens: range) -> np.ndarray:
        """Rows of tokens as bytes, uint8 [tokens, bytes of a row]: of each part the multiplier,
        little-endian, and its columns."""
        return token_rows(self.llama, np.arange(tokens.start, tokens.stop))


def gathers_of(model: IntegerModel | LlamaModel) -> IntegerModel:
    """A stream of the Llama family gather by gather; other models as they are."""
    if not isinstance(model, LlamaModel):
        return model
    if not model.config.by_token:
        raise CatsError("a Llama model has images as a stream: cats.integer.llama_stream.stream_of")

    def normed(product: Product, norm: RmsNorm, **other: object) -> Step:
        gains = Norm(norm.gain, model.exponent.astype(np.int16), norm.epsilon)
        return Step(product, gains, send_multiplier=norm.send_multiplier,
                    send_shift=norm.send_shift, **other)  # fmt: skip

    steps = [Step()]
    for block in model.blocks:
        attention = {
            "score_multiplier": block.score_multiplier,
            "value_multiplier": block.value_multiplier,
            "value_shift": block.value_shift,
        }
        gate = {
            "value_multiplier": block.hidden_multiplier, "value_shift": block.hidden_shift
        }  # fmt: skip
        if model.config.parallel_blocks:
            steps += [
                normed(block.qkv, block.norm1, **gate),
                Step(block.down, table=block.table, **attention),
            ]
            continue
        steps += [
            normed(block.qkv, block.norm1),
            Step(block.out, **attention),
            normed(block.up, block.norm2, table=block.table, **gate),
            Step(block.down),
        ]
    return Gathers(
        model.config, model.split, model.keep, 1.0, model.output_scale,
        (*steps, normed(model.head, model.norm), Step()), llama=model,
    )  # fmt: skip
