# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a transformer has to beat: for classes the most frequent one, the nearest neighbour and
logistic regression, for values their mean, the nearest neighbour and ridge regression, for a
forecast naive ones and a linear model.

All learn from the training part, see what the transformer sees, and are scored as it is. The
forecast's linear model is the best linear map from the context to the horizon in the metric itself,
with a ridge that validation chooses. DLinear and NLinear are linear maps of the same context, so on
the training part none of them can be better. Logistic regression's penalty is validation's choice
as well.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from cats.tasks import Baseline, Part, Task

if TYPE_CHECKING:
    from cats.tasks.forecast import Forecast

#: Ridges that the linear model tries, as parts of the mean of the normal matrix' diagonal.
RIDGES = tuple(10.0**power for power in range(-7, 2))
#: Inverse penalties that logistic regression tries.
INVERSE_PENALTIES = (0.01, 0.1, 1.0, 10.0)
#: Most columns of a linear map of all channels; of more there is none.
MOST_COLUMNS = 8192
#: Most numbers of training samples from which classifiers learn; of more, samples are left out.
MOST_NUMBERS = 2_000_000


def fitted(task: Task) -> Mapping[str, Baseline]:
    """The task's baselines by name."""
    return task.baselines()


def scores(task: Task, *parts: str) -> dict[str, dict[str, dict[str, float]]]:
    """Figures of every baseline by its name, of each of these parts of the task."""
    models = fitted(task)
    return {
        part: {
            name: task.score(model(getattr(task, part)), getattr(task, part))
            for name, model in models.items()
        }
        | dict(task.beside(part))
        for part in parts
    }


# Classes


def thinned(task: Task) -> int:
    """Classifiers learn from every n-th training sample, this n, 1 where it is all of them."""
    return -(-task.train.inputs.numel() // MOST_NUMBERS)


def classifiers(task: Task) -> dict[str, Baseline]:
    """Baselines of a task whose targets are numbers of classes."""
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


# Values


def estimators(task: Task) -> dict[str, Baseline]:
    """Baselines of a task whose targets are numbers, normalised by the training part."""
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor

    part = task.train.every(thinned(task))
    x, y = (values.flatten(1).double().numpy() for values in (part.inputs, part.targets))
    seen, wanted = task.validation.inputs.flatten(1).numpy(), task.validation.targets.numpy()
    ridges = [Ridge(alpha=ridge * len(x)).fit(x, y) for ridge in RIDGES]
    found = {
        "ridge": min(ridges, key=lambda one: ((_rows(one, seen) - wanted) ** 2).mean()),
        "nearest neighbour": KNeighborsRegressor(1, algorithm="brute").fit(x, y),
    }

    def outputs(name: str, part: Part) -> Tensor:
        return torch.from_numpy(_rows(found[name], part.inputs.flatten(1).numpy())).float()

    return {
        "mean": lambda part: torch.zeros(len(part), task.model.outputs),
        **{name: functools.partial(outputs, name) for name in found},
    }


def _rows(model, x):  # noqa: ANN001, ANN202 (a scikit-learn estimator, arrays)
    """What it says, [n, T] of one target as well."""
    return model.predict(x).reshape(len(x), -1)


# Forecasts


def forecasts(task: Forecast) -> dict[str, Baseline]:
    """Naive forecasts and the best linear maps, each target's of its own window; where there are
    several channels also one of all of them."""
    found: dict[str, Baseline] = {
        "context mean": functools.partial(context_mean, task),
        "linear": functools.partial(_by_own_window, task, linear(task)),
        "persistence": functools.partial(persistence, task),
    }
    if task.period and task.period <= task.context:
        found["last day repeated"] = functools.partial(last_day, task, period=task.period)
    if _all_channels_fit(task):
        weights = _of_all_channels(task)
        found["linear, all channels"] = lambda part: (_with_one(part.inputs) @ weights).float()
    return dict(sorted(found.items()))


def persistence(task: Forecast, part: Part) -> Tensor:
    """The last value, held: [n, C]."""
    return task.contexts(part)[..., -1:].expand(-1, -1, task.horizon).flatten(1)


def context_mean(task: Forecast, part: Part) -> Tensor:
    """The mean of the context, which normalisation made zero: [n, C]."""
    return torch.zeros(len(part), task.model.outputs)


def last_day(task: Forecast, part: Part, period: int) -> Tensor:
    """The last ``period`` values, again and again: [n, C]."""
    day = task.contexts(part)[..., -period:]
    return day.repeat(1, 1, -(-task.horizon // period))[..., : task.horizon].flatten(1)


def linear(task: Forecast) -> Tensor:
    """Weights float64 [targets, context + 1, horizon], the last row the offset."""
    known, judged = task.train, task.validation
    found = []
    for t in range(task.targets):
        wanted, seen = (task.by_target(part.targets)[:, t] for part in (known, judged))
        spread, weight = (part.spread.reshape(-1, task.targets)[:, t] for part in (known, judged))

        def error(outputs: Tensor, seen: Tensor = seen, weight: Tensor = weight) -> float:
            return ((outputs - seen) * weight[:, None]).double().square().mean().item()

        x, tried = design(task, known)[:, t], design(task, judged)[:, t]
        found.append(_ridge(x, wanted, spread, tried, error))
    return torch.stack(found)


def best_linear(task: Forecast) -> Tensor:
    """Weights float64 [tokens_in * P + 1, C] of the linear map, each target's of its own window or
    one of all channels, whose error is least in the validation part."""
    own = linear(task)
    columns = torch.zeros(
        task.model.tokens_in, task.channels, task.patch, task.targets, task.horizon,
        dtype=torch.float64,
    )  # fmt: skip
    for t in range(task.targets):
        columns[:, t, :, t] = own[t, :-1].unflatten(0, (-1, task.patch))
    outputs = task.model.outputs
    found = [torch.cat((columns.reshape(-1, outputs), own[:, -1].reshape(1, outputs)))]
    if _all_channels_fit(task):
        found.append(_of_all_channels(task))
    x = _with_one(task.validation.inputs)
    return min(found, key=lambda w: task.score((x @ w).float(), task.validation)["mse"])


def _all_channels_fit(task: Forecast) -> bool:
    return 1 < task.channels <= MOST_COLUMNS // task.context


def design(task: Forecast, part: Part) -> Tensor:
    """float64 [n, targets, context + 1]: each target's context and a one."""
    return _with_one(task.contexts(part), 2)


def _by_own_window(task: Forecast, weights: Tensor, part: Part) -> Tensor:
    return torch.einsum("ntc,tch->nth", design(task, part), weights).flatten(1).float()


def _of_all_channels(task: Forecast) -> Tensor:
    """Weights float64 [channels * context + 1, C]; a window is weighed by the mean variance of its
    targets, so that one matrix serves them all."""
    known, judged = task.train, task.validation
    weight = known.spread.reshape(len(known), -1).square().mean(1).sqrt()

    def error(outputs: Tensor) -> float:
        return task.score(outputs, judged)["mse"]

    x, tried = _with_one(known.inputs), _with_one(judged.inputs)
    return _ridge(x, known.targets, weight, tried, error)


def _with_one(values: Tensor, kept: int = 1) -> Tensor:
    """float64 [n, ..., columns + 1]: what lies behind the first ``kept`` dimensions, and a one."""
    x = values.flatten(kept).double()
    return torch.cat((x, torch.ones(*x.shape[:-1], 1, dtype=torch.float64)), -1)


def _ridge(
    x: Tensor, y: Tensor, weight: Tensor, tried: Tensor, error: Callable[[Tensor], float]
) -> Tensor:
    """Weights float64 [columns, outputs] from ``x`` to ``y``, squared errors weighed by the square
    of ``weight`` [n], of the ridge whose outputs for ``tried`` have the least ``error``."""
    weight = weight.double()[:, None]
    x_weighted, y_weighted = x * weight, y.double() * weight
    normal, right = x_weighted.T @ x_weighted, x_weighted.T @ y_weighted
    level = normal.diagonal().mean() * torch.eye(len(normal), dtype=torch.float64)
    solutions = (torch.linalg.solve(normal + ridge * level, right) for ridge in RIDGES)
    found = [(error((tried @ solution).float()), solution) for solution in solutions]
    return min(found, key=lambda pair: pair[0])[1]
