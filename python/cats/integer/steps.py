# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Streams in integers: a causal model step by step, keys and values of earlier rows are kept.
doc/numerics.rst, "Steps".

A step takes the next rows of a window. What of them a node lacked it lacks for ever, as in the
window; a node that took no part in a step, or has begun anew since, has no row of it and attends to
those that it has. Letters as in ``cats.integer.reference``; C rows of context, R rows of a step.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from cats.errors import CatsError
from cats.integer.model import IntegerModel, Step
from cats.integer.reference import (
    OUTPUT_MISSING,
    Availability,
    Inference,
    Trace,
    averages,
    everything,
    ignore,
    mean,
    send,
)
from cats.shape.config import SplitConfig


def stream_of(model: IntegerModel, rows: int = 1) -> IntegerModel:
    """A causal model as a stream whose steps have so many rows; CatsError where it can be none.

    Its context is the model's window. The numbers are the same, so are the outputs.
    """
    config = dataclasses.replace(
        model.config.whole, tokens_in=rows, context=model.config.whole.tokens
    )
    if model.config.whole.pool == "class":
        raise CatsError("a class token stands in front of its window: train with --pool last")
    if not isinstance(rows, int) or rows < 1:
        raise CatsError(f"steps of {rows!r} rows: a whole number of at least 1")
    if model.metadata is not None and model.metadata.overlap:
        raise CatsError("a token sees pixels of its neighbours, which a step does not know yet: "
                        "train without overlap")  # fmt: skip
    config.check()
    return dataclasses.replace(model, config=config)


def window_of(model: IntegerModel) -> IntegerModel:
    """The inverse of ``stream_of``: the model that takes whole windows."""
    return dataclasses.replace(model, config=model.config.whole)


def spread(total: np.ndarray, rows: np.ndarray | int, of: int) -> np.ndarray:
    """The sum over ``rows`` rows as ``of`` rows of the same mean would have it, half rounded up:
    itself where there are as many."""
    rows = np.maximum(rows, 1)
    return (2 * total * of + rows) // (2 * rows)


def _columns_of(split: SplitConfig, width: int) -> np.ndarray:
    """The node of each residual column: [F]."""
    return np.repeat(np.arange(split.nodes), np.array(split.heads) * width)


class Steps:
    """``batch`` streams of one model, side by side; all are at one position."""

    def __init__(self, model: IntegerModel, batch: int = 1) -> None:
        if not model.config.context:
            raise CatsError("a model that takes whole windows: cats.integer.steps.stream_of()")
        self.model, self.batch = model, batch
        self.begin()

    def begin(self) -> None:
        """A new window: position 0, no row is known."""
        config, nodes = self.model.config, self.model.split.nodes
        cache = (config.blocks, self.batch, config.heads, config.context, config.head_width)
        #: Rows that have been; [B, D, C]: which of them each node has.
        self.position, self.known = 0, np.zeros((self.batch, nodes, config.context), bool)
        #: [block, B, H, C, E]: of all heads.
        self.keys, self.values = np.zeros((2, *cache), np.int64)
        #: Of the rows that a node has: sums of its residual columns, and of its normed ones.
        self._columns = np.zeros((self.batch, config.features), np.int64)
        self._normed = np.zeros((self.batch, nodes, config.features), np.int64)

    def forget(self, node: int, streams: slice | int = slice(None)) -> None:
        """A node begins anew: it has no row any more."""
        config = self.model.config
        self.known[streams, node] = False
        self._normed[streams, node] = 0
        self._columns[streams, _columns_of(self.model.split, config.head_width) == node] = 0

    def step(
        self,
        inputs: np.ndarray,
        availability: Availability | None = None,
        took: np.ndarray | None = None,
        trace: Trace | None = None,
    ) -> np.ndarray:
        """R more rows: int8 [B, R, P] -> int16 [B, D, output rows, C], OUTPUT_MISSING where a
        column did not arrive.

        ``availability`` as of an inference, of these rows; ``took`` bool [D] or [B, D]: who took
        part, None: all. Who did not has no output and not these rows; what it would have sent must
        not be available to the others. ``trace`` as of ``run_batch``, k and v of all rows.
        """
        model, config, nodes = self.model, self.model.config, self.model.split.nodes
        inputs = np.asarray(inputs)
        if inputs.dtype != np.int8 or inputs.shape != (self.batch, config.tokens_in, config.inputs):
            raise CatsError(
                f"input is {inputs.dtype} {list(inputs.shape)}: a step takes int8 "
                f"[{self.batch}, {config.tokens_in}, {config.inputs}]"
            )
        if self.position >= config.context:
            raise CatsError(f"the context ends after {config.context} rows: begin again")
        availability = availability or everything(config, model.split, model.keep)
        there = np.ones((self.batch, nodes), bool)
        if took is not None:
            there &= took
        end = self.position + config.tokens_in
        self.known[:, :, self.position : end] = there[:, :, None]
        out = _Step(self, there, availability, trace or ignore).run(inputs.astype(np.int64))
        self.position = end
        return np.where(there[:, :, None, None], out, OUTPUT_MISSING).astype(np.int16)


class _Step(Inference):
    """One step; its keys, values and sums go to those of the rows before."""

    def __init__(
        self, steps: Steps, there: np.ndarray, availability: Availability, trace: Trace
    ) -> None:
        super().__init__(steps.model, availability, trace)
        self.steps, self.there = steps, there
        self.rows = slice(steps.position, steps.position + self.config.tokens_in)
        self.count = steps.known.sum(-1)  # [B, D]

    def position(self, table: np.ndarray) -> np.ndarray:
        return table[self.rows]

    def attended(self, b, k, v):
        for kept, new in ((self.steps.keys[b], k), (self.steps.values[b], v)):
            kept[:, :, self.rows] = new
        places = np.arange(self.config.context)
        earlier = places <= np.arange(self.rows.start, self.rows.stop)[:, None]  # [R, C]
        visible = [
            self.steps.known[:, d, None] & earlier  # [B, R, C]
            for d, heads in enumerate(self.model.split.heads)
            for _ in range(heads)
        ]
        if not self.there.all():  # heads of who is not there attend to anything: nobody hears them
            absent = ~self.there.repeat(self.model.split.heads, 1)  # [B, H]
            visible = [seen | absent[:, h, None, None] for h, seen in enumerate(visible)]
        return self.steps.keys[b], self.steps.values[b], visible

    def pool(self, x: np.ndarray, step: Step) -> np.ndarray:
        if self.config.pool != "mean":
            return super().pool(x, step)
        owner = _columns_of(self.model.split, self.config.head_width)
        self.steps._columns += np.where(self.there[:, owner], x.sum(-2), 0)
        total = spread(self.steps._columns, self.count[:, owner], self.config.context)
        return send(total[:, None], step)

    def alike(self, g: int) -> bool:
        return super().alike(g) and not averages(self.config, g)  # rows of before may differ

    def mean(self, y: np.ndarray, step: Step, node: str) -> np.ndarray:
        d = int(node)
        self.steps._normed[:, d] += np.where(self.there[:, d, None], y.sum(-2), 0)
        total = spread(self.steps._normed[:, d], self.count[:, d, None], self.config.context)
        return mean(total[:, None], step)
