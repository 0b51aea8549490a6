# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The integer reference: what every bit of an inference is, written to be read.

One function an operation, in the order of ``doc/numerics.rst``, which is the text to this code.
All arrays are int64 unless said otherwise, whatever width the device needs for them; the widths
that suffice are in that page and are asserted by its tests.

Letters: B samples, N residual rows, R rows of the gather at hand, F features, H heads, E = F / H,
D nodes, K columns of a gathered tensor, O output columns of a product. Nodes differ only in what
they *heard*: each column of each tensor is computed once, by the node that owns it, from what that
node has. So one array holds a tensor of all nodes, and only views are computed node by node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.integer.model import IntegerModel, Norm, Product, Step
from cats.plan.plan import Plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import (
    KeepSets,
    Kind,
    element_bytes,
    embed_ranges,
    gather_count,
    gather_kind,
    gather_rows,
    gather_width,
    own_ranges,
)

#: Marks an output column that did not arrive.
OUTPUT_MISSING = -32768

#: [256]: 2^(-i/256) in Q14.
EXP2 = np.rint(2.0**14 * 2.0 ** (-np.arange(256) / 256)).astype(np.int64)

Trace = Callable[[str, np.ndarray], None]


# Numbers


def sat8(v: np.ndarray) -> np.ndarray:
    """Clamp to int8."""
    return np.clip(v, -128, 127)


def sat16(v: np.ndarray) -> np.ndarray:
    """Clamp to int16."""
    return np.clip(v, -32768, 32767)


def rq(v: np.ndarray, multiplier: np.ndarray | int, shift: int) -> np.ndarray:
    """``v * multiplier * 2^-shift``, half rounded up; v int32 values [..., O], multiplier [O]."""
    return (v * np.int64(multiplier) + (1 << (shift - 1))) >> shift


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Integer matrix product [..., R, K] x [..., K, O] -> [..., R, O].

    Floats add integers exactly in any order while no sum of magnitudes passes 2^24 (float32) or
    2^53 (float64), and have a fast product.
    """
    largest = [max(int(m.max(initial=0)), -int(m.min(initial=0))) for m in (a, b)]
    real = np.float32 if largest[0] * largest[1] * a.shape[-1] <= 1 << 24 else np.float64
    return (a.astype(real) @ b.astype(real)).astype(np.int64)


# Operations


def send(x: np.ndarray, step: Step) -> np.ndarray:
    """What is broadcast of the residual: int16 [..., R, F] -> int8 [..., R, F]."""
    return sat8(rq(x, step.send_multiplier, step.send_shift))


def norm(x: np.ndarray, available: np.ndarray, gains: Norm) -> np.ndarray:
    """Layer norm of each row over its available columns.

    x int8 [..., R, K], available bool, broadcast to it -> int8 [..., R, K], 0 where not available.
    """
    available = np.broadcast_to(available, x.shape)
    x = np.where(available, x, 0).astype(np.int64)
    n = available.sum(-1, keepdims=True)  # [..., R, 1], 1..4096
    total = x.sum(-1, keepdims=True)  # S
    squares = (x * x).sum(-1, keepdims=True)  # Q
    w = n * squares - total * total + ((n * n * gains.epsilon) >> 16)
    inv, k = inverse_root(np.maximum(w, 1))
    t = n * x - total  # [..., R, K]
    z = (t * inv + (1 << (22 + k))) >> (23 + k)  # Q8
    y = sat8((z * np.int64(gains.gain) + np.int64(gains.bias) * 256 + (1 << 15)) >> 16)
    return np.where(available, y, 0)


def inverse_root(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(inv, k) with ``inv * 2^-k`` near ``2^31 / sqrt(w)``; w 1..2^41."""
    b = np.frexp(w.astype(np.float64))[1].astype(np.int64) - 1  # floor(log2 w): exact below 2^53
    k = (b - 30) >> 1
    m = np.where(k >= 0, w >> np.maximum(2 * k, 0), w << np.maximum(-2 * k, 0))
    s = np.floor(np.sqrt(m.astype(np.float64))).astype(np.int64)  # isqrt: exact below 2^52
    return (1 << 31) // s, k


def accumulate(y: np.ndarray, product: Product, columns: slice) -> np.ndarray:
    """``rq(bias + y . W)`` for some output columns: int8 [..., R, K] -> [..., R, O].

    A column of y that is not available is 0 and so contributes nothing.
    """
    acc = dot(y, product.weight[:, columns]) + product.bias[columns]
    return rq(acc, product.multiplier[columns], product.shift)


def softmax(score: np.ndarray, visible: np.ndarray, multiplier: int) -> np.ndarray:
    """Weights w (Q14, 2^14 for the largest score) of each row's scores.

    score [..., R, N], visible bool [..., R, N] -> [..., R, N].
    """
    lowest = np.iinfo(np.int64).min
    top = np.where(visible, score, lowest).max(-1, keepdims=True)
    d = np.where(visible, top - score, 0)
    u = (d * multiplier) >> 32  # log2 units, Q8
    w = np.where(u >= 3840, 0, EXP2[u & 255] >> np.minimum(u >> 8, 14))
    return np.where(visible, w, 0)


def attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, visible: np.ndarray, step: Step
) -> np.ndarray:
    """One head: q int8 [..., R, E], k and v int8 [..., N, E] -> int8 [..., R, E]."""
    score = dot(q, np.swapaxes(k, -1, -2))  # [..., R, N]
    w = softmax(score, visible, step.score_multiplier)
    total = w.sum(-1, keepdims=True)  # T
    ratio = (step.value_multiplier << 14) // total  # R
    return sat8((dot(w, v) * ratio + (1 << (step.value_shift - 1))) >> step.value_shift)


def activate(out: np.ndarray, table: np.ndarray | None) -> np.ndarray:
    """Hidden columns from the product's result: GELU by table int8 [256], or ReLU (None)."""
    if table is None:
        return np.clip(out, 0, 127)
    return table.astype(np.int64)[sat8(out) + 128]


def add(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Residual plus a product's result."""
    return sat16(x + sat16(out))


def mean(y: np.ndarray, step: Step) -> np.ndarray:
    """The mean of normed rows: int8 [..., R, K] -> int8 [..., 1, K]. A column that is not available
    in a row is 0 there, and counts; the multiplier holds 1 / R."""
    total = y.sum(-2, keepdims=True)  # at most 18 bits
    return sat8(rq(total, step.value_multiplier, step.value_shift))


def result(out: np.ndarray) -> np.ndarray:
    """int16 as the result holds it: OUTPUT_MISSING is no value."""
    return np.maximum(sat16(out), OUTPUT_MISSING + 1)


def pool(x: np.ndarray, model: ModelConfig, step: Step) -> np.ndarray:
    """What gather OUTPUT carries: residual [..., N, F] -> int8 [..., output rows, F]."""
    if model.pool == "mean":
        x = x.sum(-2, keepdims=True)  # int32; the multiplier holds 1 / N
    else:
        first, rows = gather_rows(model, 4 * model.blocks + 1)
        x = x[..., first : first + rows, :]
    return send(x, step)


# Availability


@dataclass(frozen=True)
class Availability:
    """What each node has of each gathered tensor.

    ``gathers[g]`` bool [rows or 1, D, K] or [B, rows or 1, D, K]: row of the gather, node, column
    of the whole tensor (RESULT: output columns). True for every own column, False for a column
    that its source does not keep, else whether it arrived.
    """

    gathers: tuple[np.ndarray, ...]

    def all_equal(self, g: int) -> bool:
        """Whether every node has the same in gather g."""
        has = self.gathers[g]
        return bool((has == has[..., :1, :]).all())


def _own_and_kept(
    model: ModelConfig, split: SplitConfig, keep: KeepSets, g: int
) -> tuple[np.ndarray, np.ndarray]:
    """(own bool [D, K], kept bool [K]) of gather g."""
    kind, _ = gather_kind(model, g)
    own = np.zeros((split.nodes, gather_width(model, kind)), bool)
    for d, (begin, end) in enumerate(own_ranges(model, split, kind)):
        own[d, begin:end] = True
    kept = np.zeros(own.shape[1], bool)
    kept[[column for columns in keep[g] for column in columns]] = True
    return own, kept


def everything(model: ModelConfig, split: SplitConfig, keep: KeepSets) -> Availability:
    """All that is broadcast arrives everywhere: bool [1, D, K] for each gather."""
    gathers = []
    for g in range(gather_count(model)):
        own, kept = _own_and_kept(model, split, keep, g)
        gathers.append((own | kept)[None])
    return Availability(tuple(gathers))


#: bits[g][tile][receiver][source]: a bool for each fragment, or a set of the fragment numbers that
#: arrived. A receiver's entry for itself is not read.
FragmentBits = Sequence[Sequence[Sequence[Sequence[Iterable[int]]]]]


def availability_from_fragments(
    model: IntegerModel, plan: Plan, bits: FragmentBits
) -> Availability:
    """Which columns the fragments that arrived carry, for one inference."""
    config, split, keep = model.config, model.split, model.keep
    gathers = []
    for g, exchange in enumerate(plan.gathers):
        kind, _ = gather_kind(config, g)
        element = element_bytes(kind, config.candidates)
        own, _ = _own_and_kept(config, split, keep, g)
        has = np.repeat(own[None], exchange.rows, 0)  # [rows, D, K]
        for tile in range(exchange.tiles):
            top = tile * exchange.tile_rows
            rows = min(exchange.tile_rows, exchange.rows - top)
            for source, cut in enumerate(exchange.sources):
                kept = np.array(keep[g][source], int)
                for receiver in range(split.nodes):
                    if receiver == source:
                        continue
                    for f in _numbers(bits[g][tile][receiver][source], cut.fragments(rows)):
                        row, row_end, begin, end = cut.region(f, rows)
                        columns = kept[begin // element : end // element]
                        has[top + row : top + row_end, receiver, columns] = True
        gathers.append(has)
    return Availability(tuple(gathers))


def _numbers(arrived: Iterable[int], count: int) -> list[int]:
    """Fragment numbers out of a set of them or of a bool for each; CatsError beyond ``count``."""
    if isinstance(arrived, (set, frozenset)):
        numbers = sorted(int(f) for f in arrived)
    else:
        numbers = np.flatnonzero(np.asarray(arrived, bool)).tolist()
    if numbers and not 0 <= numbers[0] <= numbers[-1] < count:
        raise CatsError(f"fragment {numbers[-1]} arrived of a source that sends {count}")
    return numbers


def random_fragments(
    model: IntegerModel, plan: Plan, loss: float, rng: np.random.Generator | np.random.RandomState
) -> FragmentBits:
    """Fragments that arrive when each is lost at each receiver with probability ``loss``."""
    nodes = range(model.split.nodes)
    return [
        [
            [
                [
                    rng.random(
                        cut.fragments(
                            min(exchange.tile_rows, exchange.rows - tile * exchange.tile_rows)
                        )
                    )
                    >= loss
                    for cut in exchange.sources
                ]
                for _ in nodes
            ]
            for tile in range(exchange.tiles)
        ]
        for exchange in plan.gathers
    ]


def random_availability(
    model: IntegerModel, loss: float, rng: np.random.Generator, by: str = "column"
) -> Availability:
    """Losses without a plan: each column of each row (``column``), or all that one source sends of
    one row (``row``), is lost at each receiver with probability ``loss``."""
    gathers = []
    for g in range(gather_count(model.config)):
        own, kept = _own_and_kept(model.config, model.split, model.keep, g)
        rows = gather_rows(model.config, g)[1]
        if by == "column":
            arrived = rng.random((rows, *own.shape)) >= loss
        elif by == "row":
            heard = rng.random((rows, len(own), len(own))) >= loss  # [rows, receiver, source]
            arrived = (heard[..., None] & own).any(2)
        else:
            raise CatsError(f"losses by {by!r}: one of column, row")
        gathers.append(own | (kept & arrived))
    return Availability(tuple(gathers))


# Inference


def run(
    model: IntegerModel,
    inputs: np.ndarray,
    availability: Availability | None = None,
    trace: Trace | None = None,
) -> list[np.ndarray]:
    """One inference of all nodes: inputs int8 [tokens_in, P] -> for each node int16 [rows, C].

    A node's output holds OUTPUT_MISSING where a column did not arrive. ``trace(name, tensor)``
    sees the intermediate tensors, int64 with a leading axis of one sample; see ``run_batch``.
    """
    return list(run_batch(model, inputs[None], availability, trace)[0])


def run_batch(
    model: IntegerModel,
    inputs: np.ndarray,
    availability: Availability | None = None,
    trace: Trace | None = None,
) -> np.ndarray:
    """inputs int8 [B, tokens_in, P] -> int16 [B, D, output rows, C].

    ``trace(name, tensor)`` sees, for each gather g: ``sent{g}`` (what is broadcast, all sources),
    ``embed`` (hidden columns of an embedding of two layers), ``input`` (what a stem reads),
    ``norm{g}.{d}`` (node d's view behind the norm; one call for all nodes, d = ``all``, where they
    have the same), ``out{g}`` (the product before it is saturated); and ``q{b}``, ``k{b}``,
    ``v{b}`` [B, H, N, E], ``residual{g}`` after gather g, ``mean.{d}`` of normed rows and
    ``linear`` (the linear path's result before it is saturated).
    """
    config = model.config
    inputs = np.asarray(inputs)
    if inputs.dtype != np.int8 or inputs.shape[1:] != (config.tokens_in, config.inputs):
        raise CatsError(
            f"input is {inputs.dtype} {list(inputs.shape)}: the model takes int8 "
            f"[samples, {config.tokens_in}, {config.inputs}]"
        )
    availability = availability or everything(config, model.split, model.keep)
    if config.context:
        raise CatsError("an inference of a stream is a step: cats.integer.steps runs it")
    return Inference(model, availability, trace or ignore).run(inputs.astype(np.int64))


def ignore(name: str, tensor: np.ndarray) -> None:
    """Trace nothing."""


def outputs_of(model: ModelConfig, split: SplitConfig, g: int, d: int) -> list[slice]:
    """Output columns of gather g's product that node d owns."""
    kind, _ = gather_kind(model, g)
    target = {Kind.FORWARD: Kind.HIDDEN, Kind.OUTPUT: Kind.RESULT}.get(kind, Kind.HEADS)
    begin, end = (
        embed_ranges(model, split) if kind == Kind.INPUT else own_ranges(model, split, target)
    )[d]
    parts = 3 if kind == Kind.ATTENTION else 1  # q, k, v stand F columns apart
    shifts = [part * model.features for part in range(parts)]
    return [slice(begin + shift, end + shift) for shift in shifts]


def averages(model: ModelConfig, g: int) -> bool:
    """Whether gather g's product reads the mean of its normed rows."""
    return gather_kind(model, g)[0] == Kind.OUTPUT and model.pool == "mean_of_norm"


class Inference:
    """The operations in the order in which gathers run them. What a step of a stream does otherwise
    (``cats.integer.steps``) stands in ``position``, ``attended``, ``pool``, ``mean``, ``alike``."""

    def __init__(self, model: IntegerModel, availability: Availability, trace: Trace) -> None:
        self.model, self.availability, self.trace = model, availability, trace
        self.config, self.nodes = model.config, model.split.nodes
        if len(availability.gathers) != gather_count(self.config):
            raise CatsError(
                f"availability of {len(availability.gathers)} gathers, the model has "
                f"{gather_count(self.config)}"
            )

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """int8 [B, tokens_in, P] -> int16 [B, D, output rows, C]."""
        config = self.config
        x = self.embed(inputs)  # [B, N, F]
        for b in range(config.blocks):
            x = self.block(b, x)
        g = 4 * config.blocks + 1
        out = result(self.product(g, self.pool(x, self.model.steps[g])))  # [B, rows, C]
        if self.model.linear is not None:
            out = result(out + result(self.linear(inputs, self.model.linear)))
        self.trace(f"sent{g + 1}", out)
        arrived = np.moveaxis(self.availability.gathers[g + 1], -2, -3)  # [..., D, rows, C]
        return np.where(arrived, out[:, None], OUTPUT_MISSING).astype(np.int16)

    def linear(self, inputs: np.ndarray, product: Product) -> np.ndarray:
        """The linear path of its node, which has all of the input: int8 [B, tokens_in, P] ->
        [B, 1, C]."""
        out = accumulate(inputs.reshape(len(inputs), 1, -1), product, slice(None))
        self.trace("linear", out)
        return out

    def embed(self, inputs: np.ndarray) -> np.ndarray:
        """Gather INPUT: int8 [B, tokens_in, P] -> residual [B, N, F]."""
        config = self.config
        table = self.position(self.model.steps[0].table).astype(np.int64)  # [N, F]
        x = np.repeat(table[None], len(inputs), 0)
        if self.model.stem is not None:  # nodes that do not hold an input have weights of 0
            self.trace("input", inputs)
            out = accumulate(inputs, self.model.stem, slice(None))
            inputs = sat8(out) if config.signed_stem else activate(out, None)
        out = self.product(0, inputs)
        if self.model.embed_out is not None:  # nodes that do not own a column have weights of 0
            hidden = activate(out, None)
            self.trace("embed", hidden)
            out = accumulate(hidden, self.model.embed_out, slice(None))
        first = config.tokens - config.tokens_in  # a class token is its row of the table
        x[:, first:] = sat16(x[:, first:] + out)
        self.trace("residual0", x)
        return x

    def block(self, b: int, x: np.ndarray) -> np.ndarray:
        """Gathers ATTENTION, HEADS, FORWARD, HIDDEN of block b: residual -> residual.

        Where later gathers read one row, only that row of the result changes.
        """
        config, steps, g = self.config, self.model.steps, 1 + 4 * b
        qkv = sat8(self.product(g, send(x, steps[g])))  # [B, N, 3F]
        q, k, v = (self.heads_of(part) for part in np.split(qkv, 3, -1))  # [B, H, N, E]
        for name, part in zip("qkv", (q, k, v), strict=True):
            self.trace(f"{name}{b}", part)

        first, rows = gather_rows(config, g + 1)
        read = slice(first, first + rows)
        k, v, visible = self.attended(b, k, v)
        heads = [  # one by one, as all the scores of a long model would take much memory
            attention(q[:, h, read], k[:, h], v[:, h], visible[h][..., read, :], steps[g + 1])
            for h in range(config.heads)  # [B, R, E]
        ]
        heads = np.concatenate(heads, -1)  # [B, R, F]

        x = x.copy()
        x[:, read] = add(x[:, read], self.product(g + 1, heads))
        self.trace(f"residual{g + 1}", x)
        out = self.product(g + 2, send(x[:, read], steps[g + 2]))
        x = x.copy()
        x[:, read] = add(x[:, read], self.product(g + 3, activate(out, steps[g + 2].table)))
        self.trace(f"residual{g + 3}", x)
        return x

    def position(self, table: np.ndarray) -> np.ndarray:
        """The rows of the INPUT table that this inference begins with: [N, F]."""
        return table

    def attended(
        self, b: int, k: np.ndarray, v: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, Sequence[np.ndarray]]:
        """Keys and values that rows of block b attend to, [B, H, rows, E], of new ones [B, H, N,
        E]; and for each head which a row sees, bool [..., N, rows]."""
        visible = np.ones((self.config.tokens, self.config.tokens), bool)
        if self.config.causal:
            visible = np.tril(visible)
        return k, v, [visible] * self.config.heads

    def pool(self, x: np.ndarray, step: Step) -> np.ndarray:
        """What gather OUTPUT carries: see ``pool``."""
        return pool(x, self.config, step)

    def mean(self, y: np.ndarray, step: Step, node: str) -> np.ndarray:
        """The mean of a node's normed rows (``all``: of every node's): see ``mean``."""
        return mean(y, step)

    def heads_of(self, x: np.ndarray) -> np.ndarray:
        """[B, N, F] -> [B, H, N, E]."""
        return np.swapaxes(x.reshape(*x.shape[:2], self.config.heads, -1), 1, 2)

    def product(self, g: int, sent: np.ndarray) -> np.ndarray:
        """Gather g and its product: what all broadcast, int8 [B, R, K] -> [B, R, O].

        Node d computes its own output columns from its own view.
        """
        step, has = self.model.steps[g], self.availability.gathers[g]
        self.trace(f"sent{g}", sent)
        if self.alike(g):
            out = accumulate(self.view(g, "all", sent, has[..., 0, :]), step.product, slice(None))
        else:
            rows = 1 if averages(self.config, g) else sent.shape[1]
            out = np.empty((len(sent), rows, step.product.weight.shape[1]), np.int64)
            for d in range(self.nodes):
                y = self.view(g, str(d), sent, has[..., d, :])
                for columns in outputs_of(self.config, self.model.split, g, d):
                    out[..., columns] = accumulate(y, step.product, columns)
        self.trace(f"out{g}", out)
        return out

    def alike(self, g: int) -> bool:
        """Whether all nodes multiply the same behind gather g."""
        return self.availability.all_equal(g)

    def view(self, g: int, node: str, sent: np.ndarray, available: np.ndarray) -> np.ndarray:
        """What a node multiplies: int8 [B, R, K], 0 where a column is not available; [B, 1, K]
        where the product reads a mean."""
        step = self.model.steps[g]
        if step.norm is None:
            return np.where(available, sent, 0)
        y = norm(sent, available, step.norm)
        self.trace(f"norm{g}.{node}", y)
        if averages(self.config, g):
            y = self.mean(y, step, node)
            self.trace(f"mean.{node}", y)
        return y
