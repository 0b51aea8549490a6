# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Data of one's own, as PyTorch code has it, for the machinery that trains and scores tasks."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, IterableDataset

from cats.errors import CatsError
from cats.shape.config import ModelConfig
from cats.shape.metadata import Metadata
from cats.tasks import Part, Task, generator_of

#: Inputs and targets: a pair of arrays or tensors, a ``Dataset`` of pairs, a ``DataLoader``.
Data = Any
#: (output [B, C], or [B, rows, C] where the model has several rows; targets) to a scalar.
Loss = Callable[[Tensor, Tensor], Tensor]
#: (output [n, C], the last row of every sample; targets) to a figure.
Metric = Callable[[Tensor, Tensor], float]
#: Samples of a DataLoader that stand for all where scales are chosen.
SAMPLES = 256


def _cross_entropy(output: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(output.flatten(0, -2), targets.flatten())


def _accuracy(output: Tensor, targets: Tensor) -> float:
    return (output.argmax(-1) == targets).double().mean().item()


def _mse(output: Tensor, targets: Tensor) -> float:
    return (output.double() - targets).square().mean().item()


def _mae(output: Tensor, targets: Tensor) -> float:
    return (output.double() - targets).abs().mean().item()


#: Losses by name, and the figure that goes with each.
LOSSES: dict[str, tuple[Loss, str]] = {
    "cross_entropy": (_cross_entropy, "accuracy"),
    "mse": (functional.mse_loss, "mse"),
    "mae": (functional.l1_loss, "mae"),
}
#: Figures by name.
METRICS: dict[str, Metric] = {"accuracy": _accuracy, "mse": _mse, "mae": _mae}


class OwnTask(Task):
    """Data of one's own as a task: what trains, validates and tests, a loss and a metric.

    Inputs are [n, tokens_in, P]. Targets are class numbers int [n] or real numbers [n, C] ([n]
    where C is 1); of a model with a row for every token [n, rows] and [n, rows, C]. ``loss`` and
    ``metric`` are names of ``LOSSES`` and ``METRICS`` or functions; None: cross entropy and
    accuracy where targets are whole numbers, else the mean squared error. A data set is trained
    with in shuffled batches of ``batch``; a loader says its own. CatsError for what does not fit
    the model.
    """

    name = ""  # none by which it could be found again

    def __init__(
        self,
        model: ModelConfig,
        train: Data = None,
        validation: Data = None,
        test: Data = None,
        loss: str | Loss | None = None,
        metric: str | Metric | None = None,
        metadata: Metadata | None = None,
        batch: int = 64,
    ) -> None:
        if isinstance(loss, str) and loss not in LOSSES:
            raise CatsError(f"loss is {loss!r}: one of {', '.join(LOSSES)}, or a function")
        if isinstance(metric, str) and metric not in METRICS:
            raise CatsError(f"metric is {metric!r}: one of {', '.join(METRICS)}, or a function")
        for name, given in (("loss", loss), ("metric", metric)):
            if not (given is None or isinstance(given, str) or callable(given)):
                raise CatsError(f"{name} is a {type(given).__name__}: give a name or a function")
        if metadata is not None:
            check_metadata(metadata, model)
        self.model, self.options, self.metadata = model, {}, metadata
        self._loader: DataLoader | None = None
        self.batch_size = batch
        self.train = self._begin(train, batch) if train is not None else None
        self.validation = self._part(validation, "validation") if validation is not None else None
        self.test = self._part(test, "test") if test is not None else None
        targets = next(p.targets for p in (self.train, self.validation, self.test) if p)
        whole = not targets.is_floating_point()
        name = loss if isinstance(loss, str) else ("cross_entropy" if whole else "mse")
        self._loss = loss if callable(loss) else LOSSES[name][0]
        metric = LOSSES[name][1] if metric is None else metric
        if isinstance(metric, str) and whole != (metric == "accuracy"):
            raise CatsError(f"metric is {metric!r}, targets are {_kind(targets)}: accuracy is of "
                            "class numbers, mse and mae are of real ones")  # fmt: skip
        self._metric = metric if callable(metric) else METRICS[metric]
        # What is missing of an output is least likely, or zero.
        kind = "classify" if metric == "accuracy" or (whole and callable(metric)) else "forecast"
        self.model = dataclasses.replace(model, task=kind)
        self.metric = metric if isinstance(metric, str) else getattr(metric, "__name__", "metric")
        self.higher_is_better = self.metric == "accuracy"
        if loss is None or isinstance(loss, str):
            for part in filter(None, (self.train, self.validation, self.test)):
                self._check_targets(part.targets, name == "cross_entropy")
        self._checked = name if loss is None or isinstance(loss, str) else None

    # Reading

    def _begin(self, data: Data, batch_size: int) -> Part:
        """What trains: all of a pair of arrays, some samples of a loader."""
        if isinstance(data, Dataset):
            data = DataLoader(data, batch_size, shuffle=not isinstance(data, IterableDataset))
        if not isinstance(data, DataLoader):
            return self._part(data, "training")
        self._loader = data
        try:
            with _apart(generator_of(0)):
                self.batch_size, self._size = _sizes(data)
        except (TypeError, NotImplementedError):
            raise CatsError("the training loader has no length: give its data set one, __len__()") \
                from None  # fmt: skip
        with _apart(generator_of(0)):
            return self._some(data, "training", SAMPLES)

    def _part(self, data: Data, what: str) -> Part:
        """All samples of one part."""
        if isinstance(data, Dataset):
            data = DataLoader(data, batch_size=512)
        if isinstance(data, DataLoader):
            with _apart(generator_of(0)):
                return self._some(data, what)
        return Part(*(t.cpu() for t in self._pair(data, what)))

    def _some(self, loader: DataLoader, what: str, most: int | None = None) -> Part:
        """The first ``most`` samples of a loader, or all."""
        found, count = [], 0
        for batch in loader:
            found.append([t.cpu() for t in self._pair(batch, what)])
            count += len(found[-1][0])
            if most is not None and count >= most:
                break
        if not found:
            raise CatsError(f"the {what} data holds no sample")
        return Part(*map(torch.cat, zip(*found)))

    def _pair(self, batch: object, what: str) -> tuple[Tensor, Tensor]:
        """Inputs float32 [B, tokens_in, P] and targets, int64 or float32, of what holds both."""
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise CatsError(f"the {what} data gives a {type(batch).__name__}: give inputs and "
                            "targets, as a pair of arrays or batches of pairs")  # fmt: skip
        inputs = inputs_of(batch[0], self.model, f"{what} inputs")
        targets = as_tensor(batch[1], f"{what} targets")
        targets = targets.float() if targets.is_floating_point() else targets.long()
        if not targets.dim() or len(targets) != len(inputs):
            raise CatsError(f"{what} data: {len(inputs)} inputs with targets of shape "
                            f"{list(targets.shape)}, one target an input is wanted")  # fmt: skip
        if targets.is_floating_point() and targets.dim() == 1 and self.model.outputs == 1:
            targets = targets[:, None]
        return inputs, targets

    def _check_targets(self, targets: Tensor, classes: bool) -> None:
        rows = () if self.model.output_rows == 1 else (self.model.output_rows,)
        if classes:
            if targets.is_floating_point() or targets.shape[1:] != rows:
                raise CatsError(f"targets are {_kind(targets)}: cross entropy takes class numbers, "
                                f"whole numbers of shape {['n', *rows]}")  # fmt: skip
            low, high = int(targets.min()), int(targets.max())
            if not 0 <= low <= high < self.model.outputs:
                raise CatsError(f"class numbers go from {low} to {high}: {self.model.outputs} "
                                f"outputs have 0 to {self.model.outputs - 1}")  # fmt: skip
        elif not targets.is_floating_point() or targets.shape[1:] != (*rows, self.model.outputs):
            raise CatsError(f"targets are {_kind(targets)}: real numbers of shape "
                            f"{['n', *rows, self.model.outputs]} are wanted")  # fmt: skip
        elif not targets.isfinite().all():
            raise CatsError("targets hold NaN or infinity")

    # Task

    @property
    def size(self) -> int:
        return len(self.train) if self._loader is None else self._size

    def batches(
        self, size: int, rows: int, order: torch.Generator, noise: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Of a loader its batches as they come, cut to ``size``, smaller ones left out; what it
        draws of PyTorch's random numbers follows from ``order`` alone."""
        if self._loader is None:
            yield from super().batches(size, rows, order, noise)
            return
        with _apart(order):
            batches = iter(self._loader)
        while True:
            with _apart(order):
                batch = next(batches, None)
            if batch is None:
                return
            x, targets = self._pair(batch, "training")
            if self._checked:
                self._check_targets(targets, self._checked == "cross_entropy")
            if len(x) >= size:
                yield x[:size], targets[:size]

    def draws(
        self, count: int, size: int, rows: int, generator: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Of a loader as many batches as it takes passes."""
        if self._loader is None:
            yield from super().draws(count, size, rows, generator)
            return
        while count:
            before = count
            passed = self.batches(size, rows, generator, generator)
            for pair in itertools.islice(passed, count):
                yield pair
                count -= 1
            if count == before:
                raise CatsError(f"the training data gave no batch of {size} samples")

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        return self._loss(output[:, 0] if output.shape[1] == 1 else output, targets)

    def score(self, output: Tensor, part: Part) -> dict[str, float]:
        targets = part.targets if self.model.output_rows == 1 else part.targets[:, -1]
        return {self.metric: float(self._metric(output, targets))}


def _sizes(loader: DataLoader) -> tuple[int, int]:
    """(samples of a batch, samples of a pass); TypeError where there is no length."""
    if loader.batch_size is None:  # a batch sampler of its own, or a data set that gives batches
        first = next(iter(loader), None)
        size = 0 if first is None else len(first[0])
        return size, size * len(loader)
    whole = isinstance(loader.dataset, IterableDataset)
    return loader.batch_size, len(loader.dataset if whole else loader.sampler)


@contextlib.contextmanager
def _apart(generator: torch.Generator) -> Iterator[None]:
    """PyTorch's random numbers come from ``generator`` inside, and outside they go on as if nothing
    had been drawn."""
    outside = torch.get_rng_state()
    torch.set_rng_state(generator.get_state())
    try:
        yield
    finally:
        generator.set_state(torch.get_rng_state())
        torch.set_rng_state(outside)


def check_metadata(metadata: object, model: ModelConfig) -> None:
    """Raise CatsError unless it describes the samples and outputs of the model."""
    if not isinstance(metadata, Metadata):
        raise CatsError(f"metadata is a {type(metadata).__name__}: give a cats.Metadata")
    metadata.check(model)


def as_tensor(values: object, what: str) -> Tensor:
    """An array, a tensor or a list of numbers as a tensor; CatsError for anything else."""
    if isinstance(values, Tensor):
        return values.detach()
    try:
        return torch.tensor(np.asarray(values))
    except (TypeError, ValueError, RuntimeError):
        raise CatsError(f"{what} are a {type(values).__name__}: give an array or a tensor of "
                        "numbers, all samples of one shape") from None  # fmt: skip


def inputs_of(values: object, model: ModelConfig, what: str = "inputs") -> Tensor:
    """Inputs float32 [n, tokens_in, P] of a model; CatsError where they do not fit it."""
    inputs = as_tensor(values, what)
    if inputs.dim() != 3 or inputs.shape[1:] != (model.tokens_in, model.inputs):
        raise CatsError(f"{what} have shape {list(inputs.shape)}: the model takes "
                        f"[n, {model.tokens_in}, {model.inputs}]")  # fmt: skip
    if inputs.is_complex() or not len(inputs):
        raise CatsError(f"{what}: {'complex numbers' if len(inputs) else 'there are none'}")
    inputs = inputs.float()
    if not inputs.isfinite().all():
        raise CatsError(f"{what} hold NaN or infinity")
    return inputs


def is_pair(data: object) -> bool:
    """Whether it is inputs and targets, and not inputs alone."""
    if isinstance(data, list):
        return len(data) == 2 and all(isinstance(part, (np.ndarray, Tensor)) for part in data)
    return isinstance(data, tuple) and len(data) == 2


def spread_inputs(data: Data, model: ModelConfig, samples: int) -> Tensor:
    """At most ``samples`` inputs float32 [n, tokens_in, P] of an array, a pair, a data set (evenly
    spread), or a loader (its first)."""
    if isinstance(data, Dataset) and not isinstance(data, IterableDataset):
        last = len(data) - 1
        if last < 0:
            raise CatsError("inputs: there are none")
        index = torch.linspace(0, last, min(samples, last + 1), dtype=torch.float64).long()
        data = [data[i] for i in index.tolist()]
        data = [item[0] if isinstance(item, (tuple, list)) else item for item in data]
        return inputs_of(torch.stack([as_tensor(item, "inputs") for item in data]), model)
    if isinstance(data, (DataLoader, IterableDataset)):
        found: list[Tensor] = []
        loader = data if isinstance(data, DataLoader) else DataLoader(data, batch_size=64)
        for batch in loader:
            found.append(inputs_of(batch[0] if isinstance(batch, (tuple, list)) else batch, model))
            if sum(map(len, found)) >= samples:
                break
        return torch.cat(found)[:samples]
    inputs = inputs_of(data[0] if is_pair(data) else data, model)
    return Part(inputs, inputs).spaced(samples).inputs


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
