# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Training and scoring a net with data of one's own, as ``cats train`` and ``cats evaluate`` do."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cats.api.data import Data, Loss, Metric, OwnTask
from cats.api.nets import LossRange, check_net, loss_modes, loss_range
from cats.errors import CatsError
from cats.integer.model import IntegerModel
from cats.nn.message_dropout import PAYLOAD
from cats.nn.model import CatsTransformer
from cats.report import save_plot, table
from cats.shape.links import Links, as_tuples, check_links
from cats.shape.metadata import Metadata
from cats.training.evaluate import parse_losses, plot_of, sweep, table_of
from cats.training.loop import train as train_task
from cats.training.options import Training

#: Epochs that printing a training shows at most.
SHOWN = 12


@dataclass(frozen=True)
class Fit:
    """A training: the net, and what ``metrics.json`` of a RUN folder holds."""

    net: CatsTransformer
    metrics: dict[str, Any]

    @property
    def history(self) -> list[dict[str, float]]:
        """For each epoch ``epoch``, ``loss`` (mean over the epoch, messages lost) and
        ``validation_METRIC`` (nothing lost)."""
        return self.metrics["history"]

    @property
    def validation(self) -> dict[str, float]:
        """Figures of the finished net on the validation data, nothing lost; empty without any."""
        return self.metrics.get("validation", {})

    def __str__(self) -> str:
        epochs = self.history
        step = -(-len(epochs) // SHOWN)
        shown = epochs[::-1][::step][::-1]
        names = [name for name in (epochs[0] if epochs else {}) if name != "epoch"]
        where = f"{self.metrics['seconds']:.1f} s on {self.metrics['device']}"
        return "\n".join(
            [
                f"{len(epochs)} epochs, {where}",
                table(["epoch", *names], [[e["epoch"], *(e[n] for n in names)] for e in shown]),
            ]
        )


def fit(
    net: CatsTransformer,
    train: Data,
    val: Data = None,
    *,
    losses: LossRange | None = None,
    loss: str | Loss | None = None,
    metric: str | Metric | None = None,
    epochs: int = 20,
    batch: int | None = None,
    lr: float = 3e-3,
    keep: float | Mapping[str, float] = 1.0,
    device: str | torch.device = "cpu",
    precision: str = "fp32",
    accumulate: int = 1,
    seed: int = 0,
    modes: str | Sequence[str] = "mixed",
    after_epoch: Callable[[int, dict], None] | None = None,
    metadata: Metadata | None = None,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    force: bool = False,
    checkpoint_seconds: float = 10.0,
    **options: Any,
) -> Fit:
    """Train ``net`` in place, messages being lost as the air will lose them.

    ``train`` and ``val``: a pair (inputs, targets) of arrays or tensors, a ``Dataset`` of such
    pairs, or a ``DataLoader``; inputs are [n, tokens_in, P], targets class numbers [n] or real
    numbers [n, C]. A loader is taken as it is, sampler and augmentation included; it says the size
    of the batches, its incomplete ones are left out. Else ``batch`` samples (64) are one step.

    ``losses``: probability of loss, 0..1, or a range that each batch draws from (0:0.3, with
    ``links`` 0); 0: message dropout is off. ``loss``: ``cross_entropy``, ``mse``, ``mae``, or a
    function of output [B, C] and targets that gives a scalar and asks no tensor for its value; by
    default what suits the targets. ``metric``: ``accuracy``, ``mse``, ``mae``, or a function of
    both that gives a number. ``lr``: peak of the learning rate, which warms up and falls to zero
    along half a cosine.
    ``keep``: share of columns to prune to in steps between 30 and 60 % of the epochs, one or by
    kind of gather; what the net does not send today stays unsent. ``device``: ``cpu``, ``cuda``
    or ``auto``; ``precision``: ``fp32``, ``bf16`` or ``fp16``. ``options``: all others of
    :class:`cats.training.options.Training` (``granularity``, ``patterns``, ``prune_by``,
    ``links``, ``hops``, ``air_budget``, ``qat``, ``weight_decay``, ``threads`` ...).

    ``after_epoch(epoch, record)`` is called after each epoch, from 0. ``out``: a RUN folder to
    keep the trained net in, and until then a checkpoint, written after epochs that end at least
    ``checkpoint_seconds`` after the last; ``resume`` goes on with it, ``force`` replaces it.
    ``metadata``: what samples and outputs mean; the net keeps it (``export``).

    Every random number follows from ``seed`` and the epoch, so the same call repeats itself to the
    bit on one device; that holds for a loader which draws by PyTorch's random numbers and has no
    generator of its own. Started by torchrun, processes share every batch. CatsError for what does
    not fit, before the first step; interrupted, the net is as it was.
    """
    check_net(net)
    training = _training(
        net, options, epochs=epochs, lr=lr, device=str(device), precision=precision,
        accumulate=accumulate, seed=seed, message_dropout=loss_range(losses, options.get("links")),
        modes=loss_modes(modes), keep=dict(keep) if isinstance(keep, Mapping) else keep,
        **({} if batch is None else {"batch": batch}),
    )  # fmt: skip
    task = OwnTask(
        net.config, train, val, loss=loss, metric=metric, batch=training.batch,
        metadata=net.metadata if metadata is None else metadata,
    )  # fmt: skip
    if batch not in (None, task.batch_size):
        raise CatsError(f"batch is {batch}, the loader's batches have {task.batch_size}: leave "
                        "batch out")  # fmt: skip
    training = dataclasses.replace(training, batch=task.batch_size)
    trained, metrics = train_task(
        task, net.config, net.split, training, None if out is None else Path(out), resume, force,
        checkpoint_seconds, after_epoch=after_epoch, init=net,
    )  # fmt: skip
    net.load_state_dict(trained.state_dict())
    net.set_keep(trained.keep)
    net.metadata, net.scales = task.metadata, trained.scales
    return Fit(net.eval(), metrics)


def _training(net: CatsTransformer, options: Mapping[str, Any], **given: Any) -> Training:
    """The options, checked; CatsError names one that there is not."""
    known = [field.name for field in dataclasses.fields(Training)]
    for name in options:
        if name not in known or name in given:
            raise CatsError(f"fit has no option {name!r}: one of {', '.join(known)}")
    if options.get("links") is not None:
        options = {**options, "links": as_tuples(check_links(options["links"], net.split.nodes))}
    training = Training(**{"dropout": net.dropout, **options, **given})
    try:
        training.check()
    except TypeError as error:
        raise CatsError(f"an option has the wrong type: {error}") from None
    return training


@dataclass(frozen=True)
class Evaluation:
    """Quality against loss: for each loss a record with ``loss``, ``repeats``, and of the figure
    ``mean``, ``least`` and ``largest``."""

    metric: str
    records: list[dict[str, Any]]

    def __str__(self) -> str:
        return table(*table_of(self.records, self.metric))

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw it: .png, .svg or .pdf."""
        draw = plot_of(self.records, self.metric)
        save_plot(path, draw, xlabel="loss, %", ylabel=self.metric)


def evaluate(
    model: CatsTransformer | IntegerModel,
    data: Data,
    losses: str | float | Sequence[float] | None = None,
    *,
    metric: str | Metric | None = None,
    repeats: int = 3,
    seed: int = 0,
    granularity: str = "packet",
    modes: str | Sequence[str] = "mixed",
    payload: int = PAYLOAD,
    tile_rows: int | None = None,
    links: Links | None = None,
    hops: int = 1,
) -> Evaluation:
    """Score a net, or the integers of ``quantize``, under losses of messages.

    ``data``: as ``fit`` takes it. ``losses``: probabilities 0..1, "FIRST:LAST:STEP", "P,P" or
    numbers (0:0.2:0.05; with ``links`` 0). Every sample draws losses of its own, ``repeats`` times
    each; equal seeds lose equal packets, so models of one shape are compared under the same fate.
    ``granularity``: ``packet`` or ``message``; ``modes``: what is lost together, ``mixed``,
    ``links``, ``receiver`` or ``source``; ``links`` [D][D] (sender, receiver): the probability that
    a node hears another, over ``hops`` (:mod:`cats.shape.flooding`). The net is left in evaluation
    mode.
    """
    if not isinstance(model, IntegerModel):
        check_net(model)
    if repeats < 1:
        raise CatsError(f"{repeats} repeats: at least 1")
    if losses is None:
        losses = "0:0.2:0.05" if links is None else "0"
    if not isinstance(losses, str):
        values = losses if isinstance(losses, Sequence) else [losses]
        losses = ",".join(map(str, values))
    task = OwnTask(model.config, test=data, metric=metric)
    records = sweep(
        model, task, parse_losses(losses), repeats, seed, granularity=granularity,
        modes=loss_modes(modes), payload=payload, tile_rows=tile_rows, links=links, hops=hops,
    )  # fmt: skip
    return Evaluation(task.metric, records)
