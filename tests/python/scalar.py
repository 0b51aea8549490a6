# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""doc/numerics.rst once more, in plain Python: one number at a time, one node at a time.

Written from that page and not from cats.integer.reference, which it checks. Every width that the
page names is asserted, so that a wrong claim is a failing test.
"""

import math

from cats.shape.partition import (
    Kind,
    embed_ranges,
    gather_kind,
    gather_rows,
    input_ranges,
    own_ranges,
)

EXP2 = [round(2**14 * 2 ** (-i / 256)) for i in range(256)]


def fits(v, bits, signed=True):
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
    assert low <= v < high, f"{v} does not fit {bits} bits"
    return v


def sat8(v):
    return max(-128, min(127, v))


def sat16(v):
    return max(-32768, min(32767, v))


def result(v):
    return max(sat16(v), -32767)


def rq(v, multiplier, shift):
    assert 1 <= multiplier < 1 << 31
    assert 1 <= shift <= 62
    product = fits(fits(v, 32) * multiplier, 64)
    return fits(product + (1 << (shift - 1)), 64) >> shift


def inverse_root(w):
    k = (w.bit_length() - 1 - 30) >> 1
    m = w >> 2 * k if k >= 0 else w << -2 * k
    assert 1 << 30 <= m < 1 << 32
    s = math.isqrt(m)
    assert 1 << 15 <= s < 1 << 16
    inv = (1 << 31) // s
    assert 1 << 15 <= inv <= 1 << 16
    return inv, k


def norm_row(x, gain, bias, epsilon):
    """x: the available columns of one row."""
    n = len(x)
    total, squares = fits(sum(x), 32), fits(sum(v * v for v in x), 32)
    fits(n * n * epsilon, 64, signed=False)
    w = max(1, n * squares - total * total + ((n * n * epsilon) >> 16))
    inv, k = inverse_root(w)
    y = []
    for v, g, b in zip(x, gain, bias, strict=True):
        t = n * v - total
        z = (t * inv + (1 << (22 + k))) >> (23 + k)
        # The device's way: one rounded high word of a 32 x 32 product.
        assert 4 <= 9 - k <= 24
        assert z == (fits(t << (9 - k), 32) * inv + (1 << 31)) >> 32
        assert abs(z) <= 1 << 14
        y.append(sat8(fits(z * g + b * 256 + (1 << 15), 32) >> 16))
    return y


def attention_row(q, k, v, step):
    """q [E]; k and v [visible rows][E] -> heads [E]."""
    score = [fits(sum(a * b for a, b in zip(q, row, strict=True)), 32) for row in k]
    top = max(score)
    w = []
    for s in score:
        d = fits(top - s, 32, signed=False)
        u = fits(d * fits(step.score_multiplier, 32, signed=False), 64, signed=False) >> 32
        w.append(0 if u >= 3840 else EXP2[u & 255] >> (u >> 8))
        assert 0 <= w[-1] <= 1 << 14
    total = sum(w)
    assert 1 << 14 <= total < 1 << 24
    r = (step.value_multiplier << 14) // total
    assert r < 1 << 31
    heads = []
    for e in range(len(q)):
        acc = 0
        for a, row in zip(w, v, strict=True):
            acc = fits(acc + a * row[e], 32)
        product = fits(acc * r + (1 << (step.value_shift - 1)), 64)
        heads.append(sat8(product >> step.value_shift))
    return heads


class Node:
    """One device: its own columns of every tensor, and nothing else."""

    def __init__(self, model, number):
        self.model, self.config, self.number = model, model.config, number
        self.residual = self.q = self.k = self.v = self.heads = self.hidden = self.output = None

    def own(self, kind):
        return range(*own_ranges(self.config, self.model.split, kind)[self.number])

    def send(self, g, inputs):
        """{column: value} for each row of gather g: what the others may hear of it."""
        kind, _ = gather_kind(self.config, g)
        step, own = self.model.steps[g], self.own(kind)
        first, rows = gather_rows(self.config, g)
        if kind == Kind.INPUT:
            self.window = dict(enumerate(int(v) for row in inputs for v in row))
            if self.model.stem is not None:
                given = range(*input_ranges(self.model.split)[self.number])
                rows = [{c: int(row[c]) for c in given} for row in inputs]
                made = [self.multiply(self.model.stem, row, own) for row in rows]
                least = -128 if self.config.signed_stem else 0
                return [{c: min(max(v, least), 127) for c, v in row.items()} for row in made]
            return [{c: int(row[c]) for c in own} for row in inputs]
        if kind == Kind.HEADS:
            self.attend(g, first, rows)
        if kind == Kind.OUTPUT and self.config.pool == "mean":
            sums = {c: sum(row[c] for row in self.residual) for c in own}
            return [{c: sat8(rq(sums[c], step.send_multiplier, step.send_shift)) for c in own}]
        if kind in (Kind.ATTENTION, Kind.FORWARD, Kind.OUTPUT):
            return [
                {c: sat8(rq(row[c], step.send_multiplier, step.send_shift)) for c in own}
                for row in self.residual[first : first + rows]
            ]
        return {Kind.HEADS: self.heads, Kind.HIDDEN: self.hidden, Kind.RESULT: self.output}[kind]

    def attend(self, g, first, rows):
        width, own = self.config.head_width, self.own(Kind.HEADS)
        self.heads = [{} for _ in range(rows)]
        for i in range(rows):
            seen = first + i + 1 if self.config.causal else self.config.tokens
            for begin in range(own.start, own.stop, width):
                head = range(begin, begin + width)
                key, value = (
                    [[row[c] for c in head] for row in t[:seen]] for t in (self.k, self.v)
                )
                query = [self.q[first + i][c] for c in head]
                out = attention_row(query, key, value, self.model.steps[g])
                self.heads[i].update(zip(head, out, strict=True))

    def receive(self, g, rows):
        """rows: for each row of gather g {column: value} of all that is available here."""
        kind, _ = gather_kind(self.config, g)
        first, _ = gather_rows(self.config, g)
        if kind == Kind.RESULT:
            self.output = rows
            return
        step, features = self.model.steps[g], self.config.features
        outputs = {
            Kind.INPUT: range(*embed_ranges(self.config, self.model.split)[self.number]),
            Kind.ATTENTION: [c + p * features for p in range(3) for c in self.own(Kind.HEADS)],
            Kind.FORWARD: self.own(Kind.HIDDEN),
            Kind.OUTPUT: self.own(Kind.RESULT),
        }.get(kind, self.own(Kind.HEADS))
        if kind == Kind.OUTPUT and self.config.pool == "mean_of_norm":
            out = [self.multiply(step.product, self.mean(step, rows), outputs)]
        else:
            out = [self.product(step, row, outputs) for row in rows]
        if kind == Kind.INPUT:
            outputs = self.own(Kind.HEADS)
            if self.model.embed_out is not None:
                hidden = [{c: min(max(v, 0), 127) for c, v in row.items()} for row in out]
                out = [self.multiply(self.model.embed_out, row, outputs) for row in hidden]
            self.residual = [{c: int(row[c]) for c in outputs} for row in step.table]
            for i, row in enumerate(out):
                for c in outputs:
                    self.residual[first + i][c] = sat16(row[c] + int(step.table[first + i][c]))
        elif kind == Kind.ATTENTION:
            self.q, self.k, self.v = (
                [{c: sat8(row[c + p * features]) for c in self.own(Kind.HEADS)} for row in out]
                for p in range(3)
            )
        elif kind in (Kind.HEADS, Kind.HIDDEN):
            for i, row in enumerate(out):
                for c in outputs:
                    self.residual[first + i][c] = sat16(self.residual[first + i][c] + sat16(row[c]))
        elif kind == Kind.FORWARD:
            table = step.table
            self.hidden = [
                {
                    c: min(max(v, 0), 127) if table is None else int(table[sat8(v) + 128])
                    for c, v in row.items()
                }
                for row in out
            ]
        else:
            self.output = [{c: result(v) for c, v in row.items()} for row in out]
            if outputs and self.model.linear is not None:
                (row,) = self.output
                direct = self.multiply(self.model.linear, self.window, outputs)
                self.output = [{c: result(v + result(direct[c])) for c, v in row.items()}]

    def mean(self, step, rows):
        """{column: mean of the normed rows}, of the columns that are available in some row."""
        total = dict.fromkeys(sorted({c for row in rows for c in row}), 0)
        for row in rows:
            for c, v in self.norm(step, row).items():
                total[c] = fits(total[c] + v, 18)
        multiplier, shift = step.value_multiplier, step.value_shift
        return {c: sat8(rq(v, multiplier, shift)) for c, v in total.items()}

    def norm(self, step, row):
        """{column: y} of one row."""
        columns = sorted(row)
        gain, bias = ([int(a[c]) for c in columns] for a in (step.norm.gain, step.norm.bias))
        normed = norm_row([row[c] for c in columns], gain, bias, step.norm.epsilon)
        return dict(zip(columns, normed, strict=True))

    def product(self, step, row, outputs):
        """{output: rq(bias + sum)} of one row."""
        return self.multiply(
            step.product, row if step.norm is None else self.norm(step, row), outputs
        )

    def multiply(self, p, y, outputs):
        """{output: rq(bias + sum)} of columns y."""
        out = {}
        for o in outputs:
            acc = int(p.bias[o])
            for c in sorted(y):
                acc = fits(acc + y[c] * int(p.weight[c, o]), 32)
            out[o] = rq(acc, int(p.multiplier[o]), p.shift)
        return out


def run(model, inputs, availability):
    """Outputs of all nodes, [D][rows][C], with -32768 for what did not arrive."""
    nodes = [Node(model, d) for d in range(model.split.nodes)]
    for g in range(len(model.steps)):
        sent = [node.send(g, inputs) for node in nodes]
        rows = [
            {c: v for part in parts for c, v in part.items()} for parts in zip(*sent, strict=True)
        ]
        has = availability.gathers[g]
        for d, node in enumerate(nodes):
            node.receive(
                g,
                [
                    {c: v for c, v in row.items() if has[min(i, len(has) - 1), d, c]}
                    for i, row in enumerate(rows)
                ],
            )
    columns = range(model.config.outputs)
    return [[[row.get(c, -32768) for c in columns] for row in node.output] for node in nodes]
