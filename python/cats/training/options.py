# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""How to train: all options, and what follows from them epoch by epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cats import schema
from cats.arguments import DEVICES, MOST_COUNT, MOST_THREADS
from cats.errors import CatsError
from cats.nn.message_dropout import GRANULARITIES, MODES, PAYLOAD
from cats.nn.prune import CRITERIA, SCOPES, step_ratios
from cats.plan.radio import radio
from cats.shape.config import later
from cats.shape.flooding import check_hops
from cats.shape.links import check_links
from cats.shape.partition import PRUNABLE, Kind
from cats.tasks import Task
from cats.training.device import PRECISIONS


@dataclass(frozen=True)
class Training:
    """How to train.

    ``message_dropout`` (lo, hi) is the loss probability that each batch draws from; (0, 0) is off.
    ``links`` [D][D] (sender, receiver) is the probability that a node hears another; every link
    loses ``message_dropout`` on top, and frames are relayed over ``hops`` of them.
    ``payload`` (bytes) and ``tile_rows`` cut packets as the exporter will (``message_dropout``).
    ``keep``, the share of columns sent (one number, or {"attention": 0.5, ...}), is reached in
    ``prune_steps`` between ``prune_from`` and ``prune_until`` (shares of all epochs), by the
    criterion ``prune_by`` (``prune``); of a kind whose share is 0 the last step leaves nothing, and
    it is not on the air. The first ``local_blocks`` blocks send nothing from the first epoch on:
    every node computes them from its own columns. ``air_budget``, bytes that an inference puts on
    the air of ``air_radio``, takes the place of ``keep`` and is reached in as many steps; gathers
    that are not worth their frames keep nothing. The last ``qat``
    epochs learn with the integer model's roundings (``cats.nn.qat``). ``dropout`` is ordinary
    dropout, ``clip`` bounds the gradient's norm. A ``batch``, the samples of one step, is computed
    in ``accumulate`` parts one after the other, which takes less memory and changes nothing but
    roundings. ``device`` and ``precision`` are names of ``cats.training.device``; epochs with
    roundings are always computed in float32. ``threads`` (None: as PyTorch chooses) is part of what
    makes a run repeatable; small models run best on one. With ``best_epoch`` the model ends as it
    was behind the epoch with the best figure of the validation part, of those since the last
    pruning and since roundings began.
    """

    epochs: int = 60
    batch: int = 64
    lr: float = 6e-3
    weight_decay: float = 0.05
    warmup: float = 0.05
    clip: float = 1.0
    dropout: float = 0.0
    message_dropout: tuple[float, float] = (0.0, 0.0)
    granularity: str = "packet"
    modes: tuple[str, ...] = MODES
    links: tuple[tuple[float, ...], ...] | None = later(None)
    hops: int = later(1)
    patterns: int = 4
    payload: int = PAYLOAD
    tile_rows: int | tuple[int, ...] | None = None
    keep: float | dict[str, float] = 1.0
    prune_steps: int = 4
    prune_from: float = 0.3
    prune_until: float = 0.6
    prune_scope: str = "source"
    prune_by: str = "magnitude"
    local_blocks: int = 0
    air_budget: int | None = None
    air_radio: str = "ieee802154"
    qat: int = 0
    best_epoch: bool = later(False)
    accumulate: int = 1
    device: str = "cpu"
    precision: str = "fp32"
    seed: int = 0
    threads: int | None = None

    def check(self) -> None:
        """Raise CatsError for options that cannot be trained with."""
        names = ("epochs", "batch", "patterns", "payload", "prune_steps", "accumulate")
        for name, most in {**dict.fromkeys(names, MOST_COUNT), "threads": MOST_THREADS}.items():
            value = getattr(self, name)
            if value is not None and value < 1:
                raise CatsError(f"{name} is {value}: at least 1")
            if value is not None and value > most:
                raise CatsError(f"{name} is {value}: at most {most}")
        if not 0 < self.lr <= 100:
            raise CatsError(f"learning rate is {self.lr}: it must be positive, at most 100")
        for name, most in (("weight_decay", 1e3), ("warmup", 1.0), ("clip", 1e9)):
            if not 0 <= getattr(self, name) <= most:
                raise CatsError(f"{name} is {getattr(self, name)}: 0 to {most:g}")
        rows = self.tile_rows if isinstance(self.tile_rows, tuple) else (self.tile_rows or 1,)
        if any(row < 1 for row in rows):
            raise CatsError(f"tile_rows is {self.tile_rows}: at least 1")
        for mode in self.modes or ("none",):
            if mode not in MODES:
                raise CatsError(f"mode {mode!r}: one of {', '.join(MODES)}")
        radio(self.air_radio)
        if not 0 <= self.dropout < 1:
            raise CatsError(f"dropout is {self.dropout}: at least 0 and less than 1")
        low, high = self.message_dropout
        if not 0 <= low <= high <= 1:
            raise CatsError(f"message dropout is {low}:{high}: give LO:HI with 0 <= LO <= HI <= 1")
        check_hops(self.hops)
        if self.links is not None:
            check_links(self.links)
            if self.modes != MODES:
                raise CatsError("modes say nothing beside links: leave one of them out")
        elif self.hops > 1:
            raise CatsError(f"{self.hops} hops go with links: who hears whom")
        for kind, ratio in self.keep_ratios().items():
            if not 0 <= ratio <= 1:
                raise CatsError(f"keep {kind.name.lower()}={ratio}: 0 to 1")
        if self.local_blocks < 0:
            raise CatsError(f"{self.local_blocks} local blocks: at least 0")
        if not 0 <= self.prune_from <= self.prune_until <= 1:
            raise CatsError("pruning must start before it ends, both as shares of the epochs")
        if not 0 <= self.qat <= self.epochs:
            raise CatsError(f"{self.qat} epochs with roundings: 0 to all {self.epochs}")
        prunes = self.air_budget is not None or any(r < 1 for r in self.keep_ratios().values())
        if self.qat and prunes and max(self._step_epochs()) > self.epochs - self.qat:
            raise CatsError("pruning must end before the epochs with roundings begin")
        if self.air_budget is not None and any(ratio < 1 for ratio in self.keep_ratios().values()):
            raise CatsError("keep and air budget both say how much is sent: give one of them")
        for name, legal in (
            ("granularity", GRANULARITIES),
            ("prune_scope", SCOPES),
            ("prune_by", CRITERIA),
            ("device", DEVICES),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in legal:
                raise CatsError(f"{name} is {getattr(self, name)!r}: one of {', '.join(legal)}")

    def keep_ratios(self) -> dict[Kind, float]:
        """The share of columns to send in each prunable kind of gather."""
        if not isinstance(self.keep, dict):
            return dict.fromkeys(PRUNABLE, self.keep)
        kinds = {kind.name.lower(): kind for kind in PRUNABLE}
        for name in self.keep:
            if name not in kinds:
                raise CatsError(f"keep {name!r}: one of {', '.join(kinds)}")
        return {kind: self.keep.get(name, 1.0) for name, kind in kinds.items()}

    def prune_at(self) -> dict[int, dict[Kind, float]]:
        """{epoch: ratios to prune to before it}; of several steps in one epoch the last counts."""
        ratios = self.keep_ratios()
        if all(ratio == 1 for ratio in ratios.values()):
            return {}
        ladders = {kind: step_ratios(ratio, self.prune_steps) for kind, ratio in ratios.items()}
        return {
            epoch: {kind: ladder[i] for kind, ladder in ladders.items()}
            for epoch, i in self._step_epochs().items()
        }

    def budget_at(self, all_bytes: int) -> dict[int, int]:
        """{epoch: bytes on air to prune to before it}, where all columns take ``all_bytes``."""
        if self.air_budget is None or self.air_budget >= all_bytes:
            return {}
        shares = step_ratios(self.air_budget / all_bytes, self.prune_steps)
        return {
            epoch: max(self.air_budget, round(shares[i] * all_bytes))
            for epoch, i in self._step_epochs().items()
        }

    def _step_epochs(self) -> dict[int, int]:
        """{epoch: number of the pruning step before it}, the last where several are in one."""
        first, last = self.prune_from * self.epochs, self.prune_until * self.epochs
        between = (last - first) / max(self.prune_steps - 1, 1)
        steps = range(self.prune_steps)
        return {min(int(first + i * between), self.epochs - 1): i for i in steps}

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of a step: linear warm-up, then half a cosine down to zero."""
        warm = max(1, round(self.warmup * steps))
        if step < warm:
            return self.lr * (step + 1) / warm
        return self.lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def suited(task: Task) -> dict[str, Any]:
    """The options that suit a task, as it says; CatsError names one that there is not."""
    given = dict(task.training)
    made = schema.convert(given, Training, f"task {task.name}", root="training", lax=True)
    return {name: getattr(made, name) for name in given}
