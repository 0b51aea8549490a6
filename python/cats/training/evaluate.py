# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Quality against loss, of the float model or of the integer model that is exported.

Every sample draws losses of its own. The same seed gives the same losses, sample by sample, so two
models of one shape are compared under the same fate, and so are a model's float and integer form.
The integer model is run by the NumPy reference, whose bytes are the device's.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from cats.errors import CatsError
from cats.integer.model import IntegerModel
from cats.integer.quantize import quantize_inputs, real_outputs
from cats.integer.reference import Availability, everything, run_batch
from cats.nn.message_dropout import PAYLOAD, Losses, MessageDropout
from cats.nn.model import CatsTransformer
from cats.report import draw_range
from cats.shape.links import Links
from cats.shape.partition import gather_kind, own_ranges
from cats.tasks import Part, Task, generator_of
from cats.training.device import moved

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Names of --modes; DESIGN's three ways to lose, mixed or one alone.
MODE_SETS = {
    "mixed": ("links", "receiver", "source"),
    "links": ("links",),
    "receiver": ("receiver",),
    "source": ("source",),
}


def parse_losses(text: str) -> list[float]:
    """``P``, ``P,P,...`` or ``FIRST:LAST:STEP`` to loss probabilities; CatsError where unusable."""
    wrong = CatsError(f"loss {text!r}: give P, P,P,... or FIRST:LAST:STEP, each within 0..1")
    try:
        if ":" in text:
            first, last, step = (float(part) for part in text.split(":"))
            if not (0 <= first <= last <= 1 and step > 0) or (last - first) / step > 1000:
                raise wrong
            count = int((last - first) / step + 1e-9) + 1
            return [round(first + i * step, 9) for i in range(count)]
        losses = [float(part) for part in text.split(",")]
    except ValueError:
        raise wrong from None
    if not all(0 <= loss <= 1 for loss in losses):
        raise wrong
    return losses


@torch.no_grad()
def answers(
    model: CatsTransformer | IntegerModel,
    inputs: Tensor,
    losses: Losses | None = None,
    every_row: bool = False,
) -> Tensor:
    """The last output row as its owners compute it: real [B, tokens_in, P] to real [B, C]; or
    ``every_row`` [B, rows, C]."""
    if isinstance(model, CatsTransformer):
        out = model.eval()(moved(inputs, model.device), losses)
        return (out if every_row else out[:, -1]).cpu()
    given = None if losses is None else _availability(model, losses, len(inputs))
    out = run_batch(model, quantize_inputs(model, inputs.numpy()), given)  # [B, D, rows, C]
    owner = np.repeat(np.arange(model.split.nodes), model.split.outputs)  # [C]
    out = np.moveaxis(out[:, owner, :, np.arange(len(owner))], 0, -1)  # [B, rows, C]
    out = torch.from_numpy(real_outputs(model, out)).float()
    return out if every_row else out[:, -1]


def _availability(model: IntegerModel, losses: Losses, batch: int) -> Availability:
    """The losses as the integer reference takes them."""
    gathers = []
    for g, has in enumerate(everything(model.config, model.split, model.keep).gathers):
        if losses[g] is None:
            gathers.append(has)
            continue
        own = np.zeros(has.shape[1:], bool)
        kind, _ = gather_kind(model.config, g)
        for d, (begin, end) in enumerate(own_ranges(model.config, model.split, kind)):
            own[d, begin:end] = True
        heard = losses[g] if isinstance(losses[g], Tensor) else losses[g].dense(batch)
        gathers.append(own | (has & heard.numpy()))
    return Availability(tuple(gathers))


def score_at(
    model: CatsTransformer | IntegerModel,
    task: Task,
    part: Part,
    loss: float,
    seed: int = 0,
    granularity: str = "packet",
    modes: Sequence[str] = MODE_SETS["mixed"],
    payload: int = PAYLOAD,
    tile_rows: int | Sequence[int] | None = None,
    batch: int = 64,
    every_token: bool = False,
    links: Links | None = None,
    hops: int = 1,
) -> dict[str, float]:
    """Figures of ``part`` where each sample loses messages or packets with probability ``loss``; or
    what ``links`` lose over ``hops``, each of which loses ``loss`` on top (``MessageDropout``).

    ``every_token``: over the forecasts after every token, as the paper's prototype counts them, in
    units of the training part. All tokens but the last see statistics of values after them, so this
    is no forecast that could have been made; it is here to be compared.
    """
    if every_token and not (task.all_rows and model.config.causal and model.config.pool == "all"):
        raise CatsError("only a causal forecaster with pool 'all' forecasts after every token")
    every_token = every_token or task.scores_rows
    outputs = outputs_at(
        model, part.inputs, loss, seed, granularity, modes, payload, tile_rows, batch, every_token,
        links, hops,
    )  # fmt: skip
    return task.score(outputs, part)


def outputs_at(
    model: CatsTransformer | IntegerModel,
    inputs: Tensor,
    loss: float,
    seed: int = 0,
    granularity: str = "packet",
    modes: Sequence[str] = MODE_SETS["mixed"],
    payload: int = PAYLOAD,
    tile_rows: int | Sequence[int] | None = None,
    batch: int = 64,
    every_row: bool = False,
    links: Links | None = None,
    hops: int = 1,
) -> Tensor:
    """``answers`` to inputs [n, tokens_in, P] where each sample loses messages or packets, as
    ``score_at`` says."""
    generator = generator_of(seed)
    dropout = MessageDropout(
        model.config,
        model.split,
        model.keep,
        (loss, loss),
        granularity,
        modes,
        patterns=batch,
        payload=payload,
        tile_rows=tile_rows,
        device=model.device if isinstance(model, CatsTransformer) else "cpu",
        links=links,
        hops=hops,
    )
    return torch.cat(
        [
            answers(model, chunk, dropout.draw(len(chunk), generator), every_row)
            for chunk in inputs.split(batch)
        ]
    )


def every_token(model: CatsTransformer, task: Task, part: Part) -> dict[str, float]:
    """Figures over the forecasts after every token (``score_at``), nothing lost."""
    config = dataclasses.replace(model.config, pool="all")
    rows = CatsTransformer(config, model.split, model.keep)
    rows.load_state_dict(model.state_dict())
    rows.to(model.device)
    return score_at(rows, task, part, 0.0, every_token=True)


def sweep(
    model: CatsTransformer | IntegerModel,
    task: Task,
    losses: Sequence[float],
    repeats: int = 3,
    seed: int = 0,
    part: str = "test",
    thin: int = 1,
    links: Links | None = None,
    **options: object,
) -> list[dict]:
    """For each loss a record: ``loss``, and of every figure its mean, least and largest value over
    ``repeats`` draws of the losses (one where nothing is lost). Every ``thin``-th sample counts;
    ``links`` and ``options`` as of ``score_at``.
    """
    samples = getattr(task, part).every(thin)
    records = []
    for loss in losses:
        runs = [
            score_at(model, task, samples, loss, seed + i, links=links, **options)
            for i in range(1 if loss == 0 and links is None else repeats)
        ]
        records.append({"loss": loss, "repeats": len(runs), **ranges(runs)})
    return records


def ranges(runs: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Of every figure of some runs, at least one, its mean, least and largest value."""
    found = {}
    for name in runs[0]:
        values = [run[name] for run in runs]
        found[name] = {
            "mean": statistics.fmean(values),
            "least": min(values),
            "largest": max(values),
        }
    return found


def table_of(records: Sequence[dict], metric: str) -> tuple[list[str], list[list]]:
    """``sweep``'s records for people: header and rows."""
    others = [name for name in records[0] if name not in ("loss", "repeats", metric)]
    rows = [
        [f"{100 * record['loss']:.1f} %", *record[metric].values()]
        + [record[name]["mean"] for name in others]
        for record in records
    ]
    return ["loss", metric, "least", "largest", *others], rows


def plot_of(records: Sequence[dict], metric: str) -> Callable[[Axes], None]:
    """Draws ``sweep``'s records: mean and range against loss."""

    def draw(axes: Axes) -> None:
        losses = [100 * record["loss"] for record in records]
        draw_range(axes, losses, [record[metric] for record in records])

    return draw
