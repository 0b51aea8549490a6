# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The nodes' answers against the integer reference's: what each node had of each exchange becomes
what the reference takes, so that it gives the very same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from cats.files import write_atomic
from cats.integer import reference
from cats.integer.model import IntegerModel
from cats.plan.plan import Plan
from cats.shape.partition import element_bytes, gather_kind, input_ranges, own_ranges
from cats.sim.simulate import Result

#: Samples that the reference checks at a time.
_BATCH = 64


def availability(
    model: IntegerModel, plan: Plan, result: Result, chosen: slice | Sequence[int] = slice(None)
) -> reference.Availability:
    """What each node had in the inferences ``chosen``, column by column: [B, rows, D, K]."""
    return bits_availability(model, plan, result.bits[chosen])


def bits_availability(model: IntegerModel, plan: Plan, bits: np.ndarray) -> reference.Availability:
    """The same from ``Result.bits`` [B, exchanges, receiver, source, bytes] alone."""
    base = reference.everything(model.config, model.split, model.keep)
    arrived = np.unpackbits(bits, axis=-1, bitorder="little").astype(bool)
    gathers, exchange = [], 0
    for g, gather in enumerate(plan.gathers):
        kind, _ = gather_kind(model.config, g)
        ranges = own_ranges(model.config, model.split, kind)
        element = element_bytes(kind, model.config.candidates)
        width = base.gathers[g].shape[-1]
        has = np.zeros((len(bits), gather.rows, model.split.nodes, width), bool)
        for d, (begin, end) in enumerate(ranges):
            has[:, :, d, begin:end] = True
        for tile in range(gather.tiles):
            rows, top = gather.tile_height(tile), tile * gather.tile_rows
            for source, cut in enumerate(gather.sources):
                kept = np.array(model.keep[g][source], int)
                others = [d for d in range(model.split.nodes) if d != source]
                for f in range(cut.fragments(rows)):
                    row, row_end, begin, end = cut.region(f, rows)
                    heard = arrived[:, exchange, :, source, f][:, None, others, None]
                    where = np.ix_(
                        range(len(bits)),
                        range(top + row, top + row_end),
                        others,
                        kept[begin // element : end // element],
                    )
                    has[where] = heard
            exchange += 1
        gathers.append(has)
    return reference.Availability(tuple(gathers))


def check(
    model: IntegerModel,
    plan: Plan,
    inputs: np.ndarray,
    result: Result,
    limit: int | None = None,
) -> list[tuple[int, int]]:
    """(inference, node) whose output differs from the reference's with the same losses, among the
    first ``limit`` inferences (all where None); those of ``Result.mixed`` are left out."""
    count = len(inputs) if limit is None else min(limit, len(inputs))
    ranges = input_ranges(model.split)
    wrong: list[tuple[int, int]] = []
    for start in range(0, count, _BATCH):
        part = slice(start, min(start + _BATCH, count))
        given = np.array(inputs[part])
        for d, (begin, end) in enumerate(ranges):
            given[~result.submitted[part, d], :, begin:end] = 0
        want = reference.run_batch(model, given, availability(model, plan, result, part))
        same = (want == result.outputs[part]).all(axis=(2, 3)) | ~result.done[part]
        same |= result.mixed[part, None]
        wrong += [(start + int(i), int(d)) for i, d in np.argwhere(~same)]
    return wrong


def save_availability(path: Path | str, plan: Plan, result: Result) -> None:
    """Write what each node had as an .npz file: ``bits`` (``Result.bits``), and ``exchange``
    uint16 [exchanges, 2] with gather and tile of each."""
    order = [(g, tile) for g, gather in enumerate(plan.gathers) for tile in range(gather.tiles)]
    content = BytesIO()
    np.savez_compressed(content, bits=result.bits, exchange=np.array(order, np.uint16))
    write_atomic(path, content.getvalue())
