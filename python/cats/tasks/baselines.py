# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a transformer has to beat: for classes the most frequent one, the nearest neighbour and
logistic regression, for a forecast naive ones and a linear model.

All learn from the training part, see what the transformer sees, and are scored as it is. The
forecast's linear model is the best linear map from the context to the horizon in the metric itself,
with a ridge that validation chooses. DLinear and NLinear are linear maps of the same context, so on
the training part none of them can be better. Logistic regression's penalty is validation's choice
as well.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from cats.tasks import Part, Task
from cats.tasks.forecast import Forecast

#: Ridges that the linear model tries, as parts of the mean of the normal matrix' diagonal.
RIDGES = tuple(10.0**power for power in range(-7, 2))
#: Inverse penalties that logistic regression tries.
INVERSE_PENALTIES = (0.01, 0.1, 1.0, 10.0)
#: Most numbers of training samples from which classifiers learn; of more, samples are left out.
MOST_NUMBERS = 2_000_000

#: What stands for a model: a part of the task to outputs [n, C].
Baseline = Callable[[Part], Tensor]


def fitted(task: Task) -> dict[str, Baseline]:
    """The task's baselines by name."""
    if not isinstance(task, Forecast):
        return _classifiers(task)
    weights = linear(task)
    found: dict[str, Baseline] = {
        "context mean": functools.partial(context_mean, task),
        "linear": lambda part: (design(part) @ weights).float(),
        "persistence": functools.partial(persistence, task),
    }
    if task.period and task.period <= task.context:
        found["last day repeated"] = functools.partial(last_day, task, period=task.period)
    return dict(sorted(found.items()))


def scores(task: Task, *parts: str) -> dict[str, dict[str, dict[str, float]]]:
    """Figures of every baseline by its name, of each of these parts of the task."""
    models = fitted(task)
    return {
        part: {
            name: task.score(model(getattr(task, part)), getattr(task, part))
            for name, model in models.items()
        }
        for part in parts
    }


# Classes


def thinned(task: Task) -> int:
    """Classifiers learn from every n-th training sample, this n, 1 where it is all of them."""
    return -(-task.train.inputs.numel() // MOST_NUMBERS)


def _classifiers(task: Task) -> dict[str, Baseline]:
    from sklearn.dummy import DummyClassifier
    from sklearn.neighbors import KNeighborsClassifier

    part = task.train.every(thinned(task))
    x, y = part.inputs.flatten(1).numpy(), part.targets.numpy()
    found = {
        "majority class": DummyClassifier(strategy="most_frequent").fit(x, y),
        "nearest neighbour": KNeighborsClassifier(1, algorithm="brute").fit(x, y),
    }
    if len(set(y.tolist())) > 1:
        found["logistic regression"] = _logistic(task, x, y)

    def outputs(name: str, part: Part) -> Tensor:
        answers = torch.from_numpy(found[name].predict(part.inputs.flatten(1).numpy()))
        return one_hot(answers, task.model.outputs)

    return {name: functools.partial(outputs, name) for name in found}


def _logistic(task: Task, x, y):  # noqa: ANN001, ANN202 (arrays, a scikit-learn estimator)
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    seen, wanted = task.validation.inputs.flatten(1).numpy(), task.validation.targets.numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        tried = [LogisticRegression(C=c, max_iter=200).fit(x, y) for c in INVERSE_PENALTIES]
    return max(tried, key=lambda model: model.score(seen, wanted))


# Forecasts


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


def design(part: Part) -> Tensor:
    """float64 [n, context + 1]: the context and a one."""
    x = part.inputs.flatten(1).double()
    return torch.cat((x, torch.ones(len(x), 1, dtype=torch.float64)), 1)
