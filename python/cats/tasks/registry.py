# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Tasks by name: those of this package, those that installed packages offer as entry points of the
group ``cats.tasks``, and any class as ``package.module:Class``."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from importlib import metadata as distributions
from typing import TYPE_CHECKING, Any, TypeVar

from cats import schema
from cats.errors import CatsError
from cats.tasks.base import Part, Task, generator_of

if TYPE_CHECKING:
    from cats.shape.config import ModelConfig
    from cats.shape.metadata import Metadata

T = TypeVar("T")
#: The tasks of this package, as an entry point would name them.
BUILT_IN = {
    "digits": "cats.tasks.digits:Digits",
    "forecast": "cats.tasks.forecast:Forecast",
    "classify": "cats.tasks.classify:Classify",
    "images": "cats.tasks.images:Images",
    "regression": "cats.tasks.regression:Regression",
    "text": "cats.tasks.text:Text",
    "speech": "cats.tasks.speech:Speech",
    "direction": "cats.tasks.direction:Direction",
}
GROUP = "cats.tasks"


def names() -> list[str]:
    """All that have a name: of this package, then of others."""
    return [*BUILT_IN, *sorted({e.name for e in distributions.entry_points(group=GROUP)})]


def find(name: str) -> type[Task]:
    """The class of a task; CatsError where there is none of that name."""
    if not name:
        raise CatsError(
            "it was trained in Python, on data that no task has: take it from there with "
            "cats.load(), as the documentation's page on Python says"
        )
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    if ":" in name:
        place = name
    else:
        found = [e.value for e in distributions.entry_points(group=GROUP) if e.name == name]
        if not found:
            known = ", ".join(names())
            raise CatsError(f"task is {name!r}: one of {known}, or package.module:Class")
        place = found[0]
    factory = _imported(name, place)
    if not (isinstance(factory, type) and issubclass(factory, Task)):
        raise CatsError(f"task {name}: {place} is no Task: derive it from cats.tasks.Task")
    if inspect.isabstract(factory):
        lacks = ", ".join(sorted(factory.__abstractmethods__))
        raise CatsError(f"task {name}: {place} lacks {lacks}: see cats.tasks.Task")
    return factory


def _imported(name: str, place: str) -> object:
    """What ``package.module:Class`` names; as with ``python -m`` the current folder is looked into
    first."""
    module, _, attribute = place.partition(":")
    if not {"", os.getcwd()} & set(sys.path):
        sys.path.insert(0, os.getcwd())
    try:
        found: object = importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        if module != missing and not module.startswith(f"{missing}."):
            raise CatsError(
                f"task {name}: {module} needs a module {missing}: install it"
            ) from error
        raise CatsError(
            f"task {name}: there is no module {module}, neither here nor installed"
        ) from error
    except (Exception, SystemExit) as error:
        raise CatsError(f"task {name}: importing {module}: {_told(error)}") from error
    try:
        return functools.reduce(getattr, attribute.split("."), found)
    except AttributeError as error:
        raise CatsError(f"task {name}: module {module} has no {attribute or 'name'}") from error


def _told(error: BaseException) -> str:
    """An exception of somebody else's code in one line."""
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _guarded(name: str, call: Callable[..., T], *given: Any, **options: Any) -> T:
    """What ``call`` gives; of a plug-in every exception is told in one line, of a task of this
    package it would be a fault of the program."""
    try:
        return call(*given, **options)
    except CatsError:
        raise
    except Exception as error:
        if name in BUILT_IN:
            raise
        raise CatsError(f"task {name}: {_told(error)}") from error


def parameters(factory: type[Task]) -> dict[str, inspect.Parameter]:
    """A task's options by name: what its constructor takes."""
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    found = inspect.signature(factory).parameters.items()
    return {name: p for name, p in found if p.kind not in several and name != "fitted"}


def value_of(name: str, option: str, text: str) -> Any:
    """An option's value as a command line writes it, of the type that the task has it."""
    try:
        return _guarded(name, schema.value, text, find(name), option)
    except CatsError as error:
        raise CatsError(f"task {name}: {error}") from error


def telling(name: str | None) -> type[Task]:
    """The class that reads new data for a task and tells its answers. Those of this package leave
    that to their metadata, and need no PyTorch for it."""
    return Task if not name or name in BUILT_IN else find(name)


def load(name: str, /, *, fitted: Metadata | None = None, **options: Any) -> Task:
    """The task of that name; CatsError for an unknown name, option or unusable data. ``fitted``:
    metadata of a run, in place of what the data would say."""
    from cats.shape.metadata import Metadata

    if not isinstance(fitted, Metadata | None):
        raise CatsError(f"task {name}: options.fitted: unknown")
    factory = find(name)
    where = f"task {name}"
    checked = _guarded(name, schema.arguments, factory, options, where, root="options", lax=True)
    known = inspect.signature(factory).parameters
    more = {"fitted": fitted} if fitted is not None and "fitted" in known else {}
    task = _guarded(name, factory, **checked, **more)
    if name not in BUILT_IN:
        task.name = name
        if not isinstance(getattr(task, "options", None), dict):
            task.options = complete(name, checked)
        _guarded(name, _check, task)
    return task


def _check(task: Task) -> None:
    """CatsError where a plug-in is not what training, export and prediction ask for; two of its
    samples are tried."""
    import torch

    for key in ("model", "train", "validation", "test", "metric", "higher_is_better"):
        if not hasattr(task, key):
            raise CatsError(f"task {task.name}: its constructor sets no {key}")
    model = task.model
    model.check()
    for key in ("train", "validation", "test"):
        part, shape = getattr(task, key), [model.tokens_in, model.inputs]
        inputs = part.inputs if isinstance(part, Part) else None
        if not isinstance(inputs, torch.Tensor) or inputs.dtype != torch.float32:
            raise CatsError(f"task {task.name}: {key} is no Part of float32 tensors")
        if list(inputs.shape[1:]) != shape or not len(inputs) == len(part.targets) > 0:
            raise CatsError(
                f"task {task.name}: {key} has inputs {list(inputs.shape)} and "
                f"{len(part.targets)} targets, the model takes [n, {shape[0]}, {shape[1]}]"
            )
        if not torch.isfinite(inputs).all():
            raise CatsError(f"task {task.name}: {key} has inputs that are no finite numbers")
    if task.metadata is not None:
        try:
            task.metadata.check(model)
        except CatsError as error:
            raise CatsError(f"task {task.name}: {error}") from error
    if task.channels < 1 or model.inputs % task.channels:
        raise CatsError(
            f"task {task.name}: {model.inputs} input columns are not those of {task.channels} "
            "channels"
        )
    rows = model.tokens if task.all_rows and model.causal and model.pool == "last" else 1
    index = torch.arange(min(2, len(task.train)))
    inputs, targets = task.batch(index, rows, generator_of(0))
    if list(inputs.shape) != [len(index), model.tokens_in, model.inputs]:
        raise CatsError(f"task {task.name}: batch gives inputs {list(inputs.shape)}")
    loss = task.loss(torch.zeros(len(index), rows, model.outputs), targets)
    if not isinstance(loss, torch.Tensor) or loss.dim():
        raise CatsError(f"task {task.name}: loss gives no scalar tensor")
    figures = task.score(torch.zeros(1, model.outputs), task.validation.at(slice(1)))
    if next(iter(figures), None) != task.metric:
        raise CatsError(f"task {task.name}: the first figure of score is not {task.metric!r}")


def reload(
    name: str,
    options: Mapping,
    model: ModelConfig,
    data: str | None = None,
    fitted: Metadata | None = None,
) -> Task:
    """The task of a trained ``model`` by its stored options, or with other ``data`` in place of its
    own. That may have another content: then a warning of the task says so. Classes and
    normalisation are those of the run's metadata, ``fitted``, where it has it. CatsError where
    samples do not have the model's shape."""
    if data is None:
        task = load(name, fitted=fitted, **options)
    elif "data" not in options:
        raise CatsError(f"task {name} takes no --data")
    else:
        other = {"data": data, **({"sha256": None} if "sha256" in options else {})}
        task = load(name, fitted=fitted, **{**options, **other})
    if data and options.get("sha256") not in (None, task.options.get("sha256")):
        by = "the training's" if fitted else "its own"
        task.warnings += (
            f"{data} is not the data of the training; normalised by {by} mean and deviation",
        )
    for what in ("tokens_in", "inputs", "outputs"):
        wanted, found = getattr(model, what), getattr(task.model, what)
        if wanted != found:
            raise CatsError(
                f"the model has {wanted} {what}, the data gives {found}: name the data that it was "
                "trained with, or train again"
            )
    return task


def complete(name: str, options: Mapping) -> dict:
    """Stored options with the defaults of those that are newer than they."""
    known = parameters(find(name)).items()
    return {**{key: p.default for key, p in known if p.default is not p.empty}, **options}


def preset(task: str, name: str) -> dict[str, object]:
    """Options of a published protocol or data set of a task, for ``load``."""
    known = find(task).presets
    if name not in known:
        raise CatsError(f"task {task} has no preset {name!r}: {', '.join(known) or 'it has none'}")
    return dict(known[name])


def source_of(name: str) -> bytes:
    """The source of a task that is not of this package: results depend on it."""
    if name in BUILT_IN:
        return b""
    try:
        return inspect.getsource(inspect.getmodule(find(name))).encode()
    except (OSError, TypeError):  # compiled
        return b""
