# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The integer reference of the Llama family, whole windows and step by step: what every bit is.

One function an operation, in the order of ``doc/numerics-llama.rst``. Arrays are int64 unless said
otherwise. A step takes some new rows; keys and values of earlier rows are kept, so the rows of a
window are those of its steps to the bit, however they are cut. Letters as in
``cats.integer.reference``, of which this uses what is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.integer import four_bits
from cats.integer.llama_model import (
    MULTIPLIER_BYTES,
    Block,
    FourBitProduct,
    LlamaModel,
    RmsNorm,
    columns_of,
    key_copies,
    token_rows,
)
from cats.integer.model import Product
from cats.integer.reference import (
    OUTPUT_MISSING,
    Availability,
    Trace,
    add,
    dot,
    inverse_root,
    result,
    rq,
    sat8,
    sat16,
    softmax,
)
from cats.integer.reference import everything as everything_of
from cats.integer.sampling import Sampling, choose
from cats.shape.partition import (
    Kind,
    block_gather,
    gather_count,
    output_ranges,
    own_ranges,
    parallel_columns,
    residual_ranges,
)

#: [321]: a turn's sine in 256 steps, and a quarter more for the cosine; Q15.
SINE = np.rint(32767 * np.sin(2 * np.pi * np.arange(321) / 256)).astype(np.int64)

#: In place of a token's number: the node heard of none.
NO_TOKEN = -1


# Operations


def embed(row: np.ndarray, multiplier: np.ndarray, shift: int, exponent: np.ndarray) -> np.ndarray:
    """Residual columns of tokens' rows: int8 [..., K], multiplier [..., 1], exponent [K]."""
    return sat16(rq(row, multiplier, shift + exponent.astype(np.int64)))


def rms_norm(
    x: np.ndarray, available: np.ndarray, gains: RmsNorm, exponent: np.ndarray
) -> np.ndarray:
    """RMS norm of each row over its available columns.

    x int8 [..., R, K], available bool, broadcast to it -> int16 [..., R, K], -1023..1023, 0 where
    not available.
    """
    available = np.broadcast_to(available, x.shape)
    v = np.where(available, x, 0).astype(np.int64) << exponent.astype(np.int64)
    n = available.sum(-1, keepdims=True)  # [..., R, 1], 1..4096
    w = n * (v * v).sum(-1, keepdims=True) + ((n * n * gains.epsilon) >> 16)
    inv, k = inverse_root(np.maximum(w, 1))
    z = (n * v * inv + (1 << (22 + k))) >> (23 + k)  # Q8
    return np.clip((z * gains.gain.astype(np.int64) + (1 << 12)) >> 13, -1023, 1023)


def turns(turn: np.ndarray, first: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and sines, Q15 [rows, E / 2], of rows from position ``first`` on."""
    position = (np.arange(rows, dtype=np.int64) + first) & 0xFFFFFFFF
    angle = (position.astype(np.uint64)[:, None] * turn).astype(np.int64) & 0xFFFFFFFF
    j, f = angle >> 24, (angle >> 8) & 0xFFFF
    sine, cosine = (
        SINE[i] + (((SINE[i + 1] - SINE[i]) * f + (1 << 15)) >> 16) for i in (j, j + 64)
    )
    return cosine, sine


def rotate(x: np.ndarray, by: tuple[np.ndarray, np.ndarray], shift: int) -> np.ndarray:
    """int16 [..., rows, E], turned and rounded once."""
    cosine, sine = by
    even, odd = x[..., ::2], x[..., 1::2]
    turned = np.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1)
    return (turned.reshape(x.shape) + (1 << (shift - 1))) >> shift


def gated(out: np.ndarray, block: Block) -> np.ndarray:
    """Hidden columns, int8 [..., M], of the product's gates and ups [..., 2 M]."""
    g, u = np.split(sat16(out), 2, -1)
    table = block.table.astype(np.int64)
    j, f = (g >> 8) + 128, g & 255
    s = table[j] + (((table[j + 1] - table[j]) * f + 128) >> 8)
    return sat8(rq(s * u, block.hidden_multiplier, block.hidden_shift))


def attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, visible: np.ndarray, block: Block
) -> np.ndarray:
    """Heads: q int16 [H, R, E], k [H, N, E], v int8 [H, N, E], visible bool [H, R, N] -> int8
    [H, R, E]."""
    w = softmax(dot(q, np.swapaxes(k, -1, -2)), visible, block.score_multiplier)
    ratio = (block.value_multiplier << 14) // w.sum(-1, keepdims=True)
    return sat8((dot(w, v) * ratio + (1 << (block.value_shift - 1))) >> block.value_shift)


def accumulate(y: np.ndarray, product: Product, columns: np.ndarray | slice) -> np.ndarray:
    """Some output columns of a product: [..., R, K] -> [..., R, O]."""
    weight = product.weight[:, columns]
    if isinstance(product, FourBitProduct):
        acc = four_bits.accumulate(y, weight, product.scale[:, columns])
    else:
        acc = dot(y, weight)
    return rq(acc, product.multiplier[columns], product.shift)


# Availability


def everything(model: LlamaModel) -> Availability:
    """All that is broadcast arrives everywhere. Gather INPUT: the bytes of a token's row,
    which its owner always has; the others as in ``cats.integer.reference``."""
    config, split = model.config, model.split
    row = np.ones((1, split.nodes, config.row_bytes), bool)
    return Availability((row, *everything_of(config, split, model.keep).gathers[1:]))


def random_availability(
    model: LlamaModel, rows: int, loss: float, rng: np.random.Generator
) -> Availability:
    """Each column of each of so many rows is lost at each receiver with probability ``loss``."""
    config, split = model.config, model.split
    own = everything_of(config, split, [[() for _ in sources] for sources in model.keep])
    gathers = []
    for g, view in enumerate(everything(model).gathers):
        arrived = rng.random((rows, *view.shape[1:])) >= loss
        gathers.append(view & arrived if g == 0 else own.gathers[g] | (view & arrived))
    return Availability(tuple(gathers))


# Inference


@dataclass(frozen=True)
class Place:
    """Which row a node computes in a step: that of ``position``, the text's newest one being
    ``top``. With ``replay`` it computes a row of before once more: one that it has stays as it was,
    another one it has from then on, where it was ``told`` of it and does not guess."""

    position: int
    top: int
    replay: bool = False
    told: bool = True


class LlamaSteps:
    """``batch`` streams of one model side by side, all at one ``position``: the model's window is
    how far a row sees, and it slides."""

    def __init__(self, model: LlamaModel, batch: int = 1) -> None:
        self.model, self.batch = model, batch
        self._copies, self._copy_of = key_copies(model.config, model.split)
        self.begin()

    def begin(self) -> None:
        """Position 0, no row is known."""
        config = self.model.config
        self.position = 0
        empty = np.zeros((self.batch, len(self._copies), 0, config.head_width), np.int64)
        self._past = [(empty, empty)] * config.blocks
        self._known = np.zeros((self.batch, self.model.split.nodes, 0), bool)
        self._passing: dict[int, int] = {}  # of a node: the row that it has no more

    @property
    def known(self) -> np.ndarray:
        """Which of the window's rows each node has: bool [B, D, rows]."""
        return self._known

    def forget(self, node: int) -> None:
        """A node begins anew: it has no earlier row any more."""
        self._known[:, node] = False

    def rows_at(self, node: int, place: Place) -> int:
        """Rows of the window that a node has in a step there, that of the step among them."""
        known = np.flatnonzero(self._known[0, node]) + self.position - self._known.shape[2]
        held = set(known.tolist()) - {self._passing.get(node)}
        least = place.top - self.model.config.tokens
        return len({p for p in held if least < p <= place.top} | {place.position})

    def step(
        self,
        tokens: np.ndarray,
        availability: Availability | None = None,
        took: np.ndarray | None = None,
        trace: Trace | None = None,
        sent: np.ndarray | None = None,
        places: Sequence[Place] | None = None,
    ) -> np.ndarray:
        """R more rows: token numbers [B, R] -> int16 [B, D, R, T] for each node, OUTPUT_MISSING
        where a column did not arrive. Or [B, D, R]: those that each node takes, where one that
        heard of none has NO_TOKEN, and nothing of it in its residual.

        ``sent`` [B, D, R]: whose row each node would hear that does not own that of the token which
        it takes, NO_TOKEN where that is of zeros (None: that of the token which it takes).
        ``availability``: of these rows (None: all arrives). ``took`` bool [D] or [B, D]: which
        nodes took part (None: all); who did not has no output and not these rows, and what it would
        have sent must not be available to the others. ``trace(name, tensor)`` sees what
        ``reference.run_batch`` traces, and ``gate{b}`` with the ups behind it, as they leave their
        product. ``places`` [D]: one row, which need not be the
        same for all nodes, nor a new one.
        """
        model, config = self.model, self.model.config
        tokens = np.asarray(tokens)
        nodes = model.split.nodes
        each = tokens.ndim == 3 and tokens.shape[1] == nodes
        if (
            len(tokens) != self.batch
            or tokens.dtype.kind not in "iu"
            or not (tokens.ndim == 2 or each)
        ):
            raise CatsError(
                f"tokens of shape {list(tokens.shape)}: a step takes [{self.batch}, rows]"
            )
        least = NO_TOKEN if each else 0
        if not tokens.size or tokens.min() < least or tokens.max() >= config.inputs:
            raise CatsError(f"a step takes tokens of 0..{config.inputs - 1}, one at least")
        if not each:
            tokens = np.repeat(tokens[:, None], nodes, 1)
        there = np.ones((self.batch, model.split.nodes), bool)
        if took is not None:
            there &= took
        if places is not None:
            out = self._step_at(places, tokens, there, availability, trace, sent)
            return np.where(there[:, :, None, None], out, OUTPUT_MISSING).astype(np.int16)
        rows = tokens.shape[-1]
        new = np.broadcast_to(there[..., None], (*there.shape, rows))
        self._known = np.concatenate((self._known, new), 2)
        out = _Step(self, availability or everything(model), trace).run(tokens, sent)
        self.position += rows
        old = max(0, self._known.shape[2] - config.tokens)
        self._known = self._known[:, :, old:]
        self._past = [tuple(part[:, :, old:] for part in pair) for pair in self._past]
        return np.where(there[:, :, None, None], out, OUTPUT_MISSING).astype(np.int16)

    def _step_at(
        self, places: Sequence[Place], tokens: np.ndarray, there: np.ndarray,
        availability: Availability | None, trace: Trace | None, sent: np.ndarray | None,
    ) -> np.ndarray:  # fmt: skip
        """One row, that of its place at each node; what is not of the window any more is known
        for as long again, since not all nodes need be as far."""
        window = self.model.config.tokens
        took = np.flatnonzero(there.any(0))
        end = max([self.position, *(place.top + 1 for place in places)])
        more = end - self.position
        self._known = np.concatenate(
            (self._known, np.zeros((*self._known.shape[:2], more), bool)), 2
        )
        self._past = [
            tuple(np.pad(part, ((0, 0), (0, 0), (0, more), (0, 0))) for part in pair)
            for pair in self._past
        ]
        self.position = end
        first = end - self._known.shape[2]
        keeps = np.zeros(self.model.split.nodes, bool)
        for d in took:
            place = places[d]
            row = place.position - first
            if self._passing.get(d, -1) >= first:
                self._known[:, d, self._passing[d] - first] = False
            self._passing.pop(d, None)
            self._known[:, d, : max(0, place.top - window + 1 - first)] = False
            self._known[:, d, place.top + 1 - first :] = False
            keeps[d] = place.replay and self._known[0, d, row]
            self._known[:, d, row] = True
            if place.replay and not place.told and not keeps[d]:
                self._passing[int(d)] = place.position
        at = np.array([place.position - first for place in places])
        out = _StepAt(self, availability or everything(self.model), trace, at, keeps, there).run(
            tokens, sent
        )
        old = max(0, self._known.shape[2] - 2 * window)
        self._known = self._known[:, :, old:]
        self._past = [tuple(part[:, :, old:] for part in pair) for pair in self._past]
        return out


def run_batch(
    model: LlamaModel,
    tokens: np.ndarray,
    availability: Availability | None = None,
    trace: Trace | None = None,
) -> np.ndarray:
    """Rows from position 0 on in one step: tokens [B, R] -> int16 [B, D, R, T]."""
    return LlamaSteps(model, len(tokens)).step(tokens, availability, trace=trace)


class _Step:
    """The operations of one step in the order in which gathers run them.

    The residual is [B, copies, R, F]: one that all nodes have, or share, or where it is replicated
    and something was lost that of each node, as it computes it from what it heard; and so are
    hidden columns.
    """

    def __init__(self, steps: LlamaSteps, availability: Availability, trace: Trace | None) -> None:
        self.steps, self.model, self.config = steps, steps.model, steps.model.config
        self.availability, self.trace = availability, trace or (lambda name, tensor: None)
        self.nodes = self.model.split.nodes
        if len(availability.gathers) != gather_count(self.config):
            raise CatsError(
                f"availability of {len(availability.gathers)} gathers, the model has "
                f"{gather_count(self.config)}"
            )

    def run(self, tokens: np.ndarray, sent: np.ndarray | None = None) -> np.ndarray:
        """[B, D, R] -> int16 [B, D, R, T]."""
        model = self.model
        x, *tables = self.parts(tokens, sent)
        self.trace("residual0", _only(x))
        by = self.turns(tokens.shape[-1])
        for b, block in enumerate(model.blocks):
            x = add(x, tables[b]) if tables else x
            x = self.block(b, block, x, by)
        g = block_gather(self.config, self.config.blocks)
        out = self.product(g, Kind.OUTPUT, self.send(x, model.norm), model.head, model.norm)
        out = result(out[:, 0])
        self.trace(f"sent{g + 1}", out)
        arrived = np.moveaxis(self.availability.gathers[g + 1], -2, -3)  # [..., D, R, T]
        if self.config.candidates:
            arrived = self.told(out, arrived)
        return np.where(arrived, out[:, None], OUTPUT_MISSING)

    def told(self, out: np.ndarray, arrived: np.ndarray) -> np.ndarray:
        """Which outputs each node has, where those are told of that are the largest of their node:
        int16 [B, R, T] and which candidates arrived [..., D, R, T] -> bool [B, D, R, T]."""
        has = np.zeros((len(out), self.nodes, *out.shape[1:]), bool)
        arrived = np.broadcast_to(arrived, has.shape)
        sent = own_ranges(self.config, self.model.split, Kind.RESULT)
        for (begin, end), (first, last) in zip(output_ranges(self.model.split), sent, strict=True):
            order = np.argsort(-out[..., begin:end].astype(np.int64), axis=-1, kind="stable")
            best = np.broadcast_to(
                order[:, None, :, : last - first] + begin,
                (*has.shape[:3], last - first),
            )
            np.put_along_axis(has, best, arrived[..., first:last], -1)
        return has

    def parts(self, tokens: np.ndarray, sent: np.ndarray | None) -> np.ndarray:
        """Gather INPUT: tokens [B, D, R] -> what they add to the residual, [P, B, copies, R, F]:
        first that it begins with, then in front of each block. ``sent``: as of
        ``LlamaSteps.step``."""
        model, config = self.model, self.config
        shape = len(tokens), tokens.shape[-1], config.row_parts
        copies = self.nodes if config.replicated else 1
        found = np.empty((len(tokens), copies, *shape[1:], config.features), np.int64)
        inputs = own_ranges(config, model.split, Kind.INPUT)
        for d, (begin, end) in enumerate(residual_ranges(config, model.split)):
            taken = tokens[:, d]  # [B, R]
            owns = (taken >= inputs[d][0]) & (taken < inputs[d][1])
            from_air = taken if sent is None else np.where(owns, taken, sent[:, d])
            row = token_rows(model, from_air)  # [B, R, bytes]
            has = self.availability.gathers[0][..., d, :] | owns[..., None]
            row = np.where(has & (from_air != NO_TOKEN)[..., None], row, 0).astype(np.uint8)
            row = row.reshape(*shape, -1)
            factor = np.ascontiguousarray(row[..., :MULTIPLIER_BYTES]).view("<i4").astype(np.int64)
            own = slice(begin, end)
            columns = row[..., MULTIPLIER_BYTES:].view(np.int8)[..., own].astype(np.int64)
            found[:, d % copies, ..., own] = embed(
                columns, factor, model.embed_shift, model.exponent[own]
            )
        if (found == found[:, :1]).all():
            found = found[:, :1]
        return np.moveaxis(found, 3, 0)

    def send(self, x: np.ndarray, norm: RmsNorm) -> np.ndarray:
        """What is broadcast of the residual: int16 [..., F] -> int8 [..., F]."""
        return sat8(rq(x, norm.send_multiplier, norm.send_shift))

    def block(
        self, b: int, block: Block, x: np.ndarray, by: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """Gathers ATTENTION, HEADS, FORWARD, HIDDEN of block b, or of a parallel one ATTENTION and
        HIDDEN: residual -> residual."""
        config, g = self.config, block_gather(self.config, b)
        sent = self.send(x, block.norm1)
        out = self.product(g, Kind.ATTENTION, sent, block.qkv, block.norm1)[:, 0]
        if config.parallel_blocks:
            out, up = np.split(out, (out.shape[-1] - 2 * config.hidden,), -1)
            self.trace(f"gate{b}", up)
            beside = np.concatenate((self.attend(b, block, out, by), gated(up, block)), -1)
            sent = beside[:, None, :, parallel_columns(config, self.model.split)]
            x = add(x, self.product(g + 1, Kind.HIDDEN, sent, block.down))
            self.trace(f"residual{g + 1}", _only(x))
            return x
        heads = self.attend(b, block, out, by)[:, None]
        x = add(x, self.product(g + 1, Kind.HEADS, heads, block.out))
        self.trace(f"residual{g + 1}", _only(x))
        sent = self.send(x, block.norm2)
        out = self.product(g + 2, Kind.FORWARD, sent, block.up, block.norm2)
        self.trace(f"gate{b}", _only(out))
        x = add(x, self.product(g + 3, Kind.HIDDEN, gated(out, block), block.down))
        self.trace(f"residual{g + 3}", _only(x))
        return x

    def attend(
        self, b: int, block: Block, qkv: np.ndarray, by: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """Heads, int8 [B, R, F], of queries, keys and values as they leave their product; these
        keys and values are kept."""
        config, shape = self.config, (*qkv.shape[:2], self.config.features)
        copies, copy_of = self.steps._copies, self.steps._copy_of
        keys = len(copies) * config.head_width
        q, k, v = (
            np.swapaxes(part.reshape(*shape[:2], -1, config.head_width), 1, 2)
            for part in np.split(qkv, (config.features, config.features + keys), -1)
        )  # [B, H or copies, R, E]
        q, k, v = (
            rotate(sat16(q), self.of_heads(by), 20),
            rotate(sat16(k), self.of_copies(by), 18 if self.model.wide_keys else 22),
            sat8(v),
        )
        k = k if self.model.wide_keys else sat8(k)
        for name, part in zip("qkv", (q, k, v), strict=True):
            self.trace(f"{name}{b}", part)
        k, v = self.keep(b, k, v)
        visible = self.visible(shape[1], k.shape[2])
        heads = np.stack([  # one by one, as all the scores would take much memory
            attention(q[i], k[i][copy_of], v[i][copy_of], visible[i], block) for i in range(len(q))
        ])  # fmt: skip
        return np.swapaxes(heads, 1, 2).reshape(shape)

    def turns(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """By what queries and keys are turned, Q15 [rows, E / 2]."""
        return turns(self.model.turn, self.steps.position, rows)

    def of_heads(self, by: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The same of all heads."""
        return by

    def of_copies(self, by: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The same of all copies of key/value heads."""
        return by

    def keep(self, b: int, k: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Keys and values of all rows, with new ones [B, copies, R, E]."""
        k, v = (np.concatenate(pair, 2) for pair in zip(self.steps._past[b], (k, v), strict=True))
        self.steps._past[b] = k, v
        return k, v

    def visible(self, rows: int, seen: int) -> np.ndarray:
        """Which of the rows that are kept each new row sees: bool [B, H, R, seen]."""
        config, known = self.config, self.steps._known
        i = np.arange(seen - rows, seen)[:, None]
        j = np.arange(seen)
        window = (j <= i) & (j > i - config.tokens)
        known = np.repeat(known, self.model.split.heads, 1)  # [B, H, seen]
        absent = ~known[..., -1:, None]  # heads of who is not there see anything: nobody hears them
        return (known[:, :, None] & window) | (absent & window)

    def product(
        self, g: int, kind: Kind, sent: np.ndarray, product: Product, norm: RmsNorm | None = None
    ) -> np.ndarray:
        """Gather g and its product: what all broadcast, or have of the residual, int8 [B, copies,
        R, K] -> [B, copies, R, O], key/value heads as often as nodes compute them."""
        has, split = self.availability.gathers[g], self.model.split
        self.trace(f"sent{g}", _only(sent))
        mine = [columns_of(self.config, split, kind, d) for d in range(self.nodes)]
        each = bool(self.config.replicated) and kind in (Kind.HEADS, Kind.HIDDEN)
        each |= self.config.replicates_hidden and kind == Kind.FORWARD
        alike = sent.shape[1] == 1 and self.availability.all_equal(g)
        parts = []
        if alike:
            y = self.view(g, "all", sent[:, 0], has[..., 0, :], norm)
            whole = accumulate(y, product, slice(None))
            parts = [whole[..., columns] for columns in (mine[:1] if each else mine)]
        for d, columns in enumerate(() if alike else mine):
            y = self.view(g, str(d), sent[:, d % sent.shape[1]], has[..., d, :], norm)
            parts.append(accumulate(y, product, columns))
        if each:  # all have all columns
            out = np.stack(parts, 1)
        else:
            out = np.empty((*sent[:, :1].shape[:-1], sum(map(len, mine))), np.int64)
            for at, part in zip(_places(self.config, mine, kind), parts, strict=True):
                out[:, 0, :, at] = np.moveaxis(part, -1, 0)
        self.trace(f"out{g}", _only(out))
        return out

    def view(
        self, g: int, node: str, sent: np.ndarray, available: np.ndarray, norm: RmsNorm | None
    ) -> np.ndarray:
        """What a node multiplies: [B, R, K], 0 where a column is not available."""
        if norm is None:
            return np.where(available, sent, 0)
        y = rms_norm(sent, available, norm, self.model.exponent)
        self.trace(f"norm{g}.{node}", y)
        return y


class _StepAt(_Step):
    """One row of each node, which has its place ``at`` [D] among those that are kept; ``keeps``:
    who has it, and does not compute it anew."""

    def __init__(
        self, steps: LlamaSteps, availability: Availability, trace: Trace | None, at: np.ndarray,
        keeps: np.ndarray, there: np.ndarray,
    ) -> None:  # fmt: skip
        super().__init__(steps, availability, trace)
        self.at, self.first = at, steps.position - steps._known.shape[2]
        self.of_head = np.repeat(np.arange(self.nodes), self.model.split.heads)
        self.of_copy = np.array([d for d, _ in steps._copies])
        self.writes = (there & ~keeps)[:, self.of_copy]  # [B, copies]

    def turns(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """[D, 1, E / 2]"""
        each = [turns(self.model.turn, self.first + int(at), rows) for at in self.at]
        return np.stack([cosine for cosine, _ in each]), np.stack([sine for _, sine in each])

    def of_heads(self, by: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """[H, 1, E / 2]"""
        return by[0][self.of_head], by[1][self.of_head]

    def of_copies(self, by: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """[copies, 1, E / 2]"""
        return by[0][self.of_copy], by[1][self.of_copy]

    def keep(self, b: int, k: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of those who do not have the row."""
        kept = []
        for past, new in zip(self.steps._past[b], (k, v), strict=True):
            past, rows = past.copy(), self.at[self.of_copy]
            copies = np.arange(len(rows))
            there = past[:, copies, rows]
            past[:, copies, rows] = np.where(self.writes[..., None], new[:, :, 0], there)
            kept.append(past)
        self.steps._past[b] = kept[0], kept[1]
        return kept[0], kept[1]

    def visible(self, rows: int, seen: int) -> np.ndarray:
        """Those up to the row: bool [B, H, 1, rows]."""
        known = self.steps._known | (np.arange(seen) == self.at[:, None])
        seen_by = known & (np.arange(seen) <= self.at[:, None])
        return seen_by[:, self.of_head, None]


def _only(x: np.ndarray) -> np.ndarray:
    """Of [B, copies, ...] the only copy, where there is one."""
    return x[:, 0] if x.shape[1] == 1 else x


def _places(config: object, mine: Sequence[np.ndarray], kind: Kind) -> list[np.ndarray]:
    """Where each node's columns stand among those of all: part by part (queries, keys, values,
    gates, ups), node by node inside each."""
    features, keys = config.features, config.features + config.key_heads * config.head_width
    ups = 2 * keys - features  # behind the values
    bounds = {
        Kind.ATTENTION: (features, keys, ups, ups + config.hidden), Kind.FORWARD: (config.hidden,)
    }.get(kind, ())  # fmt: skip
    part = [np.searchsorted(bounds, columns, "right") for columns in mine]
    order = np.argsort(np.concatenate(part), kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return np.split(place, np.cumsum([len(columns) for columns in mine])[:-1])


# Text


def write(model: LlamaModel, prompt: Sequence[int], how: Sampling | None = None) -> Iterator[int]:
    """The tokens that the nodes of the model write behind ``prompt``, for ever: the likeliest, or
    as ``how`` says; nothing is lost."""
    steps, given = LlamaSteps(model), list(prompt)
    while True:
        outputs = steps.step(np.array([given]))[0, 0, -1]
        token = choose(outputs, steps.position - 1, how or Sampling())
        yield token
        given = [token]
