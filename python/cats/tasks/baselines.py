# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Forecasts that a transformer has to beat: naive ones, and a linear model.

All see what the transformer sees (a context normalised by its own mean and deviation) and are
scored alike. The linear model is the best linear map from the context to the horizon in the metric
itself, with a ridge that validation chooses. DLinear and NLinear are linear maps of the same
context, so on the training part none of them can be better.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cats.tasks import Part
from cats.tasks.forecast import Forecast

#: Ridges that the linear model tries, as parts of the mean of the normal matrix' diagonal.
RIDGES = tuple(10.0**power for power in range(-7, 2))


def persistence(task: Forecast, part: Part) -> Tensor:
    """The last value, held: [n, C]."""
    return part.inputs[:, -1, -1:].expand(-1, task.horizon)


def context_mean(task: Forecast, part: Part) -> Tensor:
    """The mean of the context, which normalisation made zero: [n, C]."""
    return torch.zeros(len(part), task.horizon)


def last_day(task: Forecast, part: Part, period: int) -> Tensor:
    """The last ``period`` values, again and again: [n, C]."""
    day = part.inputs.flatten(1)[:, -period:]
    return day.repeat(1, -(-task.horizon // day.shape[1]))[:, : task.horizon]


def linear(task: Forecast) -> Tensor:
    """Weights float64 [context + 1, C], the last row the offset."""
    x, y, weight = design(task.train), task.train.targets.double(), task.train.spread.double()
    x_weighted, y_weighted = x * weight[:, None], y * weight[:, None]
    normal, right = x_weighted.T @ x_weighted, x_weighted.T @ y_weighted
    level = normal.diagonal().mean() * torch.eye(len(normal), dtype=torch.float64)
    tried = []
    for ridge in RIDGES:
        solution = torch.linalg.solve(normal + ridge * level, right)
        error = task.score((design(task.validation) @ solution).float(), task.validation)
        tried.append((error["mse"], solution))
    return min(tried, key=lambda pair: pair[0])[1]


def scores(task: Forecast, part: str = "test") -> dict[str, dict[str, float]]:
    """Figures of every baseline on a part of the task, by name."""
    chosen = getattr(task, part)
    outputs = {
        "persistence": persistence(task, chosen),
        "context mean": context_mean(task, chosen),
        "linear": (design(chosen) @ linear(task)).float(),
    }
    if task.period and task.period <= task.context:
        outputs["last day repeated"] = last_day(task, chosen, task.period)
    return {name: task.score(output, chosen) for name, output in sorted(outputs.items())}


def design(part: Part) -> Tensor:
    """float64 [n, context + 1]: the context and a one."""
    x = part.inputs.flatten(1).double()
    return torch.cat((x, torch.ones(len(x), 1, dtype=torch.float64)), 1)
