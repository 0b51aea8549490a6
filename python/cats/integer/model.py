# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The quantised model as a whole, before it is cut into partitions. doc/numerics.rst says what each
number does; quantize.py makes it, reference.py runs it, image.py packs a node's share of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from cats import schema
from cats.errors import CatsError
from cats.files import write_atomic
from cats.plan.summary import summary
from cats.shape import metadata as meta
from cats.shape.config import ModelConfig, ShapeFile, SplitConfig, to_json
from cats.shape.metadata import Metadata
from cats.shape.partition import (
    KeepSets,
    Kind,
    check_keep,
    embed_ranges,
    gather_count,
    gather_kind,
    gather_width,
    input_ranges,
    own_ranges,
)

#: Version of the files that ``save`` writes.
INTEGER_FORMAT = 1
INTEGER_JSON, INTEGER_TENSORS = "integer.json", "integer.safetensors"


@dataclass(frozen=True)
class Product:
    """``out[o] = rq(bias[o] + sum_j y[j] weight[j, o], multiplier[o], shift)``.

    weight int8 [columns of the gathered tensor, output columns], bias int32 [outputs],
    multiplier int32 [outputs] (1..2^31-1), shift 1..62. The output columns of an ATTENTION step are
    all q (F), then all k (F), then all v (F), head by head inside each.
    """

    weight: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: int


@dataclass(frozen=True)
class Norm:
    """gain and bias int16 [columns] in Q8 of the output step; epsilon: Q16, see norm_epsilon."""

    gain: np.ndarray
    bias: np.ndarray
    epsilon: int


@dataclass(frozen=True)
class Step:
    """What one gather carries and what consumes it; fields that do not apply are None or 0.

    table: INPUT int16 [N, F], of a stream [context, F]; FORWARD int8 [256] for GELU, None for ReLU.
    value_multiplier and value_shift: HEADS, and OUTPUT where the mean is taken behind the norm.
    """

    product: Product | None = None
    norm: Norm | None = None
    table: np.ndarray | None = None
    send_multiplier: int = 0
    send_shift: int = 0
    score_multiplier: int = 0
    value_multiplier: int = 0
    value_shift: int = 0


@dataclass(frozen=True)
class IntegerModel:
    """The deployment without its plan: ``steps[g]`` for each gather g (RESULT's is empty), and what
    samples and outputs mean, where that is known.

    Real values: input = int8 * input_scale, output = int16 * output_scale. ``linear``: the linear
    path, where the model has one, of the window [tokens_in * P] as one row. ``embed_out``: the
    second product of an embedding of two layers, from its hidden columns to the residual's; the
    first is INPUT's. ``stem``: the product that makes of inputs what INPUT carries.
    """

    config: ModelConfig
    split: SplitConfig
    keep: KeepSets
    input_scale: float
    output_scale: float
    steps: tuple[Step, ...]
    metadata: Metadata | None = None
    linear: Product | None = None
    embed_out: Product | None = None
    stem: Product | None = None

    def __str__(self) -> str:
        """What each node has and which columns are sent."""
        return f"int8: {summary(self)}"


#: Products of an IntegerModel beside those of its gathers.
PATHS = ("linear", "embed_out", "stem")
#: Largest ``|bias|`` of a product: with 4096 columns of 127 * 128 the sum then fits int32.
MAX_BIAS = 1 << 30


def fixed_point(factors: np.ndarray) -> tuple[np.ndarray, int]:
    """Real factors > 0 as ``multiplier * 2^-shift``: (int32 of the same shape, one shift).

    The shift is the largest that keeps the largest multiplier below 2^31, at most 62; a factor that
    is too small beside the largest becomes multiplier 1.
    """
    factors = np.asarray(factors, np.float64)
    if not (np.isfinite(factors).all() and (factors > 0).all()):
        raise CatsError("a scale ratio is not a positive number: are parameters or inputs damaged?")
    largest = float(factors.max())
    shift = min(31 - math.frexp(largest)[1], 62)  # largest * 2^shift in [2^30, 2^31)
    if np.rint(math.ldexp(largest, shift)) >= 2**31:
        shift -= 1
    if shift < 1:
        raise CatsError(f"a scale ratio of {largest:g} is beyond 2^30: are parameters damaged?")
    multiplier = np.maximum(np.rint(np.ldexp(factors, shift)), 1)
    return multiplier.astype(np.int32), shift


def product_outputs(config: ModelConfig, kind: Kind) -> int:
    """Output columns of the product behind a gather, over all nodes."""
    return {
        Kind.INPUT: config.embed_outputs,
        Kind.ATTENTION: 3 * config.features,
        Kind.FORWARD: config.hidden,
        Kind.OUTPUT: config.outputs,
        Kind.RESULT: 0,
    }.get(kind, config.features)


def own_blocks(rows: Sequence[tuple[int, int]], columns: Sequence[tuple[int, int]]) -> np.ndarray:
    """bool [rows, columns]: where both are of one node, of ranges node by node."""
    found = np.zeros((rows[-1][1], columns[-1][1]), bool)
    for (top, bottom), (begin, end) in zip(rows, columns, strict=True):
        found[top:bottom, begin:end] = True
    return found


def embed_out_blocks(config: ModelConfig, split: SplitConfig) -> np.ndarray:
    """bool [hidden columns of the embedding, F]: weights of its second product that a node has."""
    return own_blocks(embed_ranges(config, split), own_ranges(config, split, Kind.ATTENTION))


def stem_blocks(config: ModelConfig, split: SplitConfig) -> np.ndarray:
    """bool [P, columns of the stem]: weights of the stem that a node has."""
    return own_blocks(input_ranges(split), own_ranges(config, split, Kind.INPUT))


def check_integer(model: IntegerModel) -> None:
    """Raise CatsError unless every number is in the range that doc/numerics.rst proves safe."""
    config = model.config
    config.check()
    model.split.check(config)
    check_keep(config, model.split, model.keep)
    if len(model.steps) != gather_count(config):
        raise CatsError(f"{len(model.steps)} steps, the model has {gather_count(config)} gathers")
    for name in ("input_scale", "output_scale"):
        scale = getattr(model, name)
        if not (math.isfinite(scale) and np.float32(scale) > 0):
            raise CatsError(f"{name} is {scale}: it must be positive")
    if model.metadata is not None:
        model.metadata.check(config.whole)
    for g, step in enumerate(model.steps):
        try:
            _check_step(config, g, step)
        except CatsError as error:
            raise CatsError(f"step of gather {g}: {error}") from None
    for what, product, used, shape in (
        ("linear path", model.linear, config.linear, (config.window, config.outputs)),
        ("second product of the embedding", model.embed_out, config.embed_layers == 2,
         (config.embed_hidden, config.features)),
        ("stem", model.stem, config.stem, (config.inputs, config.embed_hidden)),
    ):  # fmt: skip
        if (product is not None) != used:
            raise CatsError(f"the {what} is {'missing' if used else 'of no use'}")
        if product is not None:
            try:
                check_product(product, *shape)
            except CatsError as error:
                raise CatsError(f"{what}: {error}") from None
    if model.embed_out is not None:
        if model.embed_out.bias.any():
            raise CatsError("bias of the embedding's second product belongs into the table")
        if model.embed_out.weight[~embed_out_blocks(config, model.split)].any():
            raise CatsError("the embedding's second product reads another node's columns")
    if model.stem is not None and model.stem.weight[~stem_blocks(config, model.split)].any():
        raise CatsError("a node's stem reads another's inputs")


def check_product(product: Product, inputs: int, outputs: int) -> None:
    """Raise CatsError unless its numbers are in range and of these shapes."""
    check_array("weight", product.weight, np.int8, (inputs, outputs), low=-127)
    check_array("product's bias", product.bias, np.int32, (outputs,), -MAX_BIAS, MAX_BIAS)
    check_array("multiplier", product.multiplier, np.int32, (outputs,), low=1)
    check_number("shift", product.shift, 1, 62)


def _check_step(config: ModelConfig, g: int, step: Step) -> None:
    kind, _ = gather_kind(config, g)
    normed = kind in (Kind.ATTENTION, Kind.FORWARD, Kind.OUTPUT)
    tables = {Kind.INPUT: (np.int16, (config.positions, config.features))}
    if config.activation == "gelu":
        tables[Kind.FORWARD] = (np.int8, (256,))
    for name, wanted in (
        ("product", kind != Kind.RESULT),
        ("norm", normed),
        ("table", kind in tables),
    ):
        if (getattr(step, name) is not None) != wanted:
            raise CatsError(f"{name} is {'missing' if wanted else 'of no use'}")
    if step.product is not None:
        check_product(step.product, gather_width(config, kind), product_outputs(config, kind))
        if kind == Kind.INPUT and config.embed_layers == 1 and step.product.bias.any():
            raise CatsError("product's bias belongs into the table")
    if step.norm is not None:
        check_array("gain", step.norm.gain, np.int16, (config.features,))
        check_array("norm's bias", step.norm.bias, np.int16, (config.features,))
        check_number("epsilon", step.norm.epsilon, 0, 2**32 - 1)
    if step.table is not None:
        check_array("table", step.table, *tables[kind])
    averaged = kind == Kind.OUTPUT and config.pool == "mean_of_norm"
    for name, used, low, high in (
        ("send_multiplier", normed, 1, 2**31 - 1),
        ("send_shift", normed, 1, 62),
        ("score_multiplier", kind == Kind.HEADS, 0, 2**32 - 1),
        ("value_multiplier", kind == Kind.HEADS or averaged, 2**30, 2**31 - 1),
        ("value_shift", kind == Kind.HEADS or averaged, 1, 62),
    ):
        check_number(name, getattr(step, name), *((low, high) if used else (0, 0)))


def check_array(
    name: str,
    value: np.ndarray,
    dtype: type,
    shape: tuple[int, ...],
    low: int | None = None,
    high: int | None = None,
) -> None:
    """Raise CatsError unless an array is of that type and shape, its values within the bounds."""
    if value.dtype != dtype or value.shape != shape:
        raise CatsError(
            f"{name} is {value.dtype} {list(value.shape)}, not {np.dtype(dtype)} {list(shape)}"
        )
    if value.size and low is not None and value.min() < low:
        raise CatsError(f"{name} holds {value.min()}: at least {low}")
    if value.size and high is not None and value.max() > high:
        raise CatsError(f"{name} holds {value.max()}: at most {high}")


def check_number(name: str, value: int, low: int, high: int) -> None:
    """Raise CatsError unless a number is within its bounds."""
    if not low <= value <= high:
        raise CatsError(f"{name} is {value}: {low} to {high}")


def to_files(model: IntegerModel) -> dict[str, bytes]:
    """Name and content of integer.json (shape, split, keep sets, scales, single numbers) and of
    integer.safetensors (arrays). The same model gives the same bytes."""
    import safetensors.numpy  # here, so that reading images and footprints needs numpy alone

    check_integer(model)
    tensors: dict[str, np.ndarray] = {}
    steps = [_flatten(step, f"{g}.", tensors) for g, step in enumerate(model.steps)]
    paths = {
        name: _flatten(getattr(model, name), f"{name}.", tensors)
        for name in PATHS
        if getattr(model, name) is not None
    }
    data = safetensors.numpy.save(tensors)
    text = {
        "format": INTEGER_FORMAT,
        "model": to_json(model.config),
        "split": to_json(model.split),
        "keep": model.keep,
        "input_scale": model.input_scale,
        "output_scale": model.output_scale,
        "steps": steps,
        **paths,
        **({"metadata": meta.to_json(model.metadata)} if model.metadata else {}),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    return {INTEGER_JSON: (json.dumps(text) + "\n").encode(), INTEGER_TENSORS: data}


def save(model: IntegerModel, folder: Path) -> None:
    """Write ``to_files`` into an existing folder."""
    for name, data in to_files(model).items():
        write_atomic(folder / name, data)


def _flatten(part: object, prefix: str, tensors: dict[str, np.ndarray]) -> dict:
    """Numbers of a dataclass as a dict; its arrays go into ``tensors`` under prefix and name."""
    numbers = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if isinstance(value, np.ndarray):
            tensors[prefix + field.name] = np.ascontiguousarray(value)
        elif dataclasses.is_dataclass(value):
            numbers[field.name] = _flatten(value, f"{prefix}{field.name}.", tensors)
        elif value is not None:
            numbers[field.name] = int(value)
    return numbers


class ProductNumbers(msgspec.Struct):
    """A Product's in ``integer.json``."""

    shift: int


class NormNumbers(msgspec.Struct):
    """A Norm's in ``integer.json``."""

    epsilon: int


class StepNumbers(msgspec.Struct):
    """A Step's in ``integer.json``."""

    product: ProductNumbers | None = None
    norm: NormNumbers | None = None
    send_multiplier: int = 0
    send_shift: int = 0
    score_multiplier: int = 0
    value_multiplier: int = 0
    value_shift: int = 0


class StoredFile(ShapeFile):
    """Numbers in JSON, beside them a file of tensors."""

    sha256: str


class IntegerFile(StoredFile):
    """What ``integer.json`` holds: of each step the numbers, its arrays are among the tensors."""

    input_scale: float
    output_scale: float
    steps: list[StepNumbers]
    linear: ProductNumbers | None = None
    embed_out: ProductNumbers | None = None
    stem: ProductNumbers | None = None
    metadata: dict[str, Any] | None = None


T = TypeVar("T", bound=StoredFile)


def read_stored(
    folder: Path, names: tuple[str, str], version: int, shape: type[T]
) -> tuple[T, bytes]:
    """What the JSON of these two ``names`` says and what its tensors' file holds; CatsError where
    one is missing, damaged, not of the other or of another version than ``version``."""
    path, tensors = (folder / name for name in names)
    data = schema.read(path, "an integer model", again="export again")
    found = schema.convert(data, schema.Head, path, again="export again").format
    if found != version:
        raise CatsError(f"{path} has format {found}, this version reads {version}: export again")
    text = schema.convert(data, shape, path, again="export again")
    text.check(path)
    try:
        content = tensors.read_bytes()
    except OSError as error:
        raise CatsError(f"{tensors} cannot be read: {error.strerror}; export again") from None
    if hashlib.sha256(content).hexdigest() != text.sha256:
        raise CatsError(f"{tensors} is damaged or not of this {names[0]}; export again")
    return text, content


def load(folder: Path) -> IntegerModel:
    """Inverse of save; CatsError where a file is missing, damaged or of another version."""
    import safetensors.numpy
    from safetensors import SafetensorError

    names = INTEGER_JSON, INTEGER_TENSORS
    text, data = read_stored(folder, names, INTEGER_FORMAT, IntegerFile)
    try:
        tensors = safetensors.numpy.load(data)
        steps = tuple(_step(numbers, tensors, g) for g, numbers in enumerate(text.steps))
        paths = {
            name: _part(Product, f"{name}.", msgspec.to_builtins(getattr(text, name)), tensors)
            for name in PATHS
            if getattr(text, name) is not None
        }
    except (SafetensorError, TypeError) as error:
        raise CatsError(
            f"{folder / INTEGER_JSON} does not fit this version: {error}; export again"
        ) from None
    model = IntegerModel(
        text.model, text.split, text.keep, text.input_scale, text.output_scale, steps,
        None if text.metadata is None else meta.from_json(text.metadata, text.model.whole), **paths,
    )  # fmt: skip
    check_integer(model)
    return model


def _part(cls: type, prefix: str, values: dict, tensors: dict[str, np.ndarray]) -> Any:
    """A dataclass of numbers and of the arrays whose names begin with ``prefix``."""
    arrays = {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix) and "." not in name.removeprefix(prefix)
    }
    return cls(**values, **arrays)


def _step(numbers: StepNumbers, tensors: dict[str, np.ndarray], g: int) -> Step:
    values = msgspec.to_builtins(numbers)
    for name, cls in (("product", Product), ("norm", Norm)):
        if values[name] is not None:
            values[name] = _part(cls, f"{g}.{name}.", values[name], tensors)
    return _part(Step, f"{g}.", values, tensors)
