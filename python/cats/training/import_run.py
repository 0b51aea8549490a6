# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A RUN folder of a vision transformer that was trained elsewhere, from the files that it comes in.

Its task is ``images``, with the model's own patches, classes, means and deviations. Data it needs
only where data is: to calibrate, to finetune, to evaluate.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from cats import schema, tasks
from cats.errors import CatsError
from cats.files import is_empty
from cats.nn.importers import Facts, Imported, imported
from cats.nn.importers.imported import assemble
from cats.nn.model import CatsTransformer
from cats.shape.config import ModelConfig
from cats.shape.metadata import Channel, Metadata
from cats.tasks import Task
from cats.tasks.images import NAMES
from cats.training.loop import predict
from cats.training.options import Training
from cats.training.run_folder import (
    FOLDER,
    read_tensors,
    run_config,
    write_imported,
)

#: Of a folder as timm and transformers save one.
FOLDER_CONFIG, FOLDER_WEIGHTS = "config.json", "model.safetensors"
FOLDER_IMAGES = "preprocessor_config.json"
#: Keys below which checkpoints hold the tensors, and what stands before all their names.
NESTED, PREFIX = ("state_dict", "model_state_dict", "model"), "module."


@dataclass(frozen=True)
class Source:
    """What a file or a folder holds: tensors by name, and what it says beside them. ``mean`` and
    ``deviation``: of each channel, in pixels from 0 to 255."""

    tensors: dict[str, Tensor]
    facts: Facts = Facts()
    classes: tuple[str, ...] | None = None
    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None


class _Pretrained(msgspec.Struct):
    """``pretrained_cfg`` in ``config.json`` of timm."""

    mean: list[float] | None = None
    std: list[float] | None = None
    input_size: list[int] | None = None


class _Config(msgspec.Struct):
    """``config.json`` of transformers, or of timm."""

    num_attention_heads: int | None = None
    layer_norm_eps: float | None = None
    hidden_act: str | None = None
    image_size: int | list[int] | None = None
    id2label: dict[str, str] | None = None
    label_names: list[str] | None = None
    pretrained_cfg: _Pretrained | None = None


class _Images(msgspec.Struct):
    """``preprocessor_config.json`` of transformers."""

    image_mean: list[float] | None = None
    image_std: list[float] | None = None
    rescale_factor: float = 1 / 255
    do_rescale: bool = True
    do_normalize: bool = True


def read_source(path: Path) -> Source:
    """A ``.safetensors`` file, a ``.pt``, ``.pth`` or ``.bin`` file of tensors (nothing else in it
    is run), or a folder with ``config.json`` and ``model.safetensors``."""
    if path.is_dir():
        if not (path / FOLDER_WEIGHTS).exists():
            raise CatsError(f"{path} holds no {FOLDER_WEIGHTS}: name the file of tensors itself")
        return _beside(path, read_tensors(path / FOLDER_WEIGHTS)[0])
    if path.suffix == ".safetensors":
        return Source(read_tensors(path)[0])
    if path.suffix not in (".pt", ".pth", ".bin"):
        raise CatsError(f"{path} is no .safetensors, .pt, .pth or .bin file, and no folder")
    return Source(_torch_tensors(path))


def _torch_tensors(path: Path) -> dict[str, Tensor]:
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CatsError(f"{path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # pickle's, zipfile's and torch's own, of a damaged file
        raise CatsError(
            f"{path} is damaged, or holds more than tensors ({type(error).__name__}): save "
            "module.state_dict(); of a checkpoint of llama2.c: cats import llama2c FILE"
        ) from None
    for key in NESTED:
        if isinstance(held, Mapping) and isinstance(held.get(key), Mapping):
            held = held[key]
    whole = isinstance(held, Mapping) and all(isinstance(v, Tensor) for v in held.values())
    if not whole or not all(isinstance(name, str) for name in held):
        raise CatsError(f"{path} holds no tensors by name: save module.state_dict()")
    return {name.removeprefix(PREFIX): tensor for name, tensor in held.items()}


def _beside(folder: Path, tensors: dict[str, Tensor]) -> Source:
    """What a folder says of its tensors."""
    config = images = None
    if (folder / FOLDER_CONFIG).exists():
        config = schema.load(folder / FOLDER_CONFIG, _Config, "a model's configuration")
    if (folder / FOLDER_IMAGES).exists():
        images = schema.load(folder / FOLDER_IMAGES, _Images, "a model's preprocessing")
    config, images = config or _Config(), images or _Images()
    pretrained = config.pretrained_cfg or _Pretrained()
    size = config.image_size or (pretrained.input_size or [])[-2:]
    sides = [size, size] if isinstance(size, int) else size
    facts = Facts(
        config.num_attention_heads,
        config.layer_norm_eps,
        config.hidden_act,
        size=(sides[0], sides[1]) if len(sides) == 2 else None,
    )
    labels = config.label_names
    if config.id2label:
        try:
            labels = [config.id2label[str(i)] for i in range(len(config.id2label))]
        except KeyError as error:
            raise CatsError(f"{folder / FOLDER_CONFIG}: id2label has no {error}") from None
    mean, std = images.image_mean or pretrained.mean, images.image_std or pretrained.std
    if mean and not images.do_normalize:
        mean, std = [0.0] * len(mean), [1.0] * len(mean)
    scale = images.rescale_factor if images.do_rescale else 1.0
    if not scale > 0:
        raise CatsError(f"{folder / FOLDER_IMAGES}: rescale_factor is {scale:g}: more than 0")
    return Source(
        tensors,
        facts,
        tuple(labels) if labels else None,
        tuple(value / scale for value in mean) if mean else None,
        tuple(value / scale for value in std) if std else None,
    )


def import_run(
    source: Source, out: Path, *, data: str | None = None, new_head: bool = False,
    force: bool = False,
) -> tuple[Imported, dict]:  # fmt: skip
    """Write the RUN folder of a source, on one node; (what was taken for what, the run's metrics).

    ``data``, as task ``images`` takes it, is what the run is scored on, and has as its own; its
    classes are the model's. With ``new_head`` they may be others: a head of zeros for them takes
    the place of the model's.
    """
    if not is_empty(out):
        FOLDER.check(out, force, "start again with --force")
    if new_head and data is None:
        raise CatsError("a new head needs data, of which it takes the classes")
    found = imported(source.tensors, **vars(source.facts))
    headless = not any(name.startswith(("head.", "classifier.")) for name in source.tensors)
    if headless and not new_head:
        raise CatsError("the model has no head: give it one for the classes of --data: --new-head")
    channels, height, width = found.sample
    patch = math.isqrt(found.model.config.inputs // channels)
    options = {"patch": patch, "size": f"{height}x{width}"}
    classes = source.classes
    if new_head:
        task = tasks.load("images", data=data, **options)
        classes = tuple(task.metadata.classes or ())
        found = dataclasses.replace(found, model=_with_head(found, len(classes)))
        found.notes += (f"a new head for {len(classes)} classes",)
    config = found.model.config
    classes = classes or tuple(str(number) for number in range(config.outputs))
    if len(set(classes)) != config.outputs or config.outputs < 2:
        raise CatsError(
            f"{len(set(classes))} names of classes for {config.outputs} outputs: one for each, and "
            "two at least"
        )
    metadata = Metadata(
        _channels(source, channels), height, width, (patch, patch), classes
    )  # fmt: skip
    metadata.check(config)
    scores: dict[str, dict[str, float]] = {"validation": {}, "test": {}}
    task_options = tasks.complete("images", {"data": None, **options})
    if data is not None:
        task = tasks.load("images", data=data, **options, fitted=metadata)
        task_options = task.options
        scores = _scores(task, found, config)
    written = run_config(
        "images", task_options, metadata, config, found.model.split, Training(), found.model.keep,
        imported=True,
    )  # fmt: skip
    metrics = {
        "metric": "accuracy",
        "parameters": sum(p.numel() for p in found.model.parameters()),
        "seconds": 0.0,
        "cpu_seconds": 0.0,
        **scores,
    }
    write_imported(out, found.model, written, metrics)
    return found, metrics


def _channels(source: Source, count: int) -> tuple[Channel, ...]:
    if source.mean is None or source.deviation is None:
        raise CatsError(
            "the mean and the deviation of channels that it was trained with are not known: give "
            "--mean and --deviation"
        )
    names = NAMES.get(count) or [f"channel {c}" for c in range(count)]
    for values in (source.mean, source.deviation):
        if len(values) not in (1, count):
            raise CatsError(f"{len(values)} means or deviations for {count} channels")
    means, deviations = (_each(values, count) for values in (source.mean, source.deviation))
    return tuple(
        Channel(name, "", mean, deviation, 0.0, 255.0)
        for name, mean, deviation in zip(names, means, deviations, strict=True)
    )


def _each(values: Sequence[float], count: int) -> list[float]:
    return list(values) * (count if len(values) == 1 else 1)


def _with_head(found: Imported, outputs: int) -> CatsTransformer:
    """The model with a head of zeros."""
    config: ModelConfig = dataclasses.replace(found.model.config, outputs=outputs)
    tensors = found.model.state_dict()
    tensors["head.weight"] = torch.zeros(outputs, config.features)
    tensors["head.bias"] = torch.zeros(outputs)
    return assemble(config, tensors)


def _scores(task: Task, found: Imported, config: ModelConfig) -> dict[str, dict[str, float]]:
    for what in ("tokens_in", "inputs"):
        wanted, given = getattr(config, what), getattr(task.model, what)
        if wanted != given:
            raise CatsError(f"the model has {wanted} {what}, the data gives {given}")
    parts = {"validation": task.validation, "test": task.test}
    return {
        name: task.score(predict(found.model, part.inputs, task.scores_rows), part)
        for name, part in parts.items()
    }
