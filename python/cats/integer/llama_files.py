# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Files of a quantised model of the Llama family: numbers in ``llama.json``, arrays in
``llama.safetensors``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from cats.errors import CatsError
from cats.files import write_atomic
from cats.integer.llama_model import (
    PARTS,
    Block,
    FourBitProduct,
    LlamaModel,
    RmsNorm,
    check_llama,
    parts_of,
)
from cats.integer.model import Product, StoredFile, read_stored
from cats.shape.config import to_json

#: Version of the files that ``save`` writes.
LLAMA_FORMAT = 1
LLAMA_JSON, LLAMA_TENSORS = "llama.json", "llama.safetensors"


class NormNumbers(msgspec.Struct):
    """An RmsNorm's in ``llama.json``."""

    epsilon: int
    send_multiplier: int
    send_shift: int


class BlockNumbers(msgspec.Struct):
    """A Block's in ``llama.json``; shifts of its products in their order. A parallel one has no
    second norm."""

    norm1: NormNumbers
    norm2: NormNumbers | None
    shifts: tuple[int, ...]
    score_multiplier: int
    value_multiplier: int
    value_shift: int
    hidden_multiplier: int
    hidden_shift: int


class LlamaFile(StoredFile):
    """What ``llama.json`` holds; arrays are among the tensors."""

    embed_shift: int
    wide_keys: bool
    output_scale: float
    blocks: list[BlockNumbers]
    norm: NormNumbers
    head_shift: int


def to_files(model: LlamaModel) -> dict[str, bytes]:
    """Name and content of both files. The same model gives the same bytes."""
    import safetensors.numpy

    check_llama(model)
    tensors = {name: getattr(model, name) for name in ("rows", "multiplier", "exponent", "turn")}
    tensors["norm.gain"] = model.norm.gain
    if model.tables is not None:
        tensors |= {"tables": model.tables, "table_multiplier": model.table_multiplier}
    parts = parts_of(model.config)
    products = {} if model.config.tied else {"head": model.head}
    blocks = []
    for b, block in enumerate(model.blocks):
        products |= {f"blocks.{b}.{part}": getattr(block, part) for part in parts}
        tensors[f"blocks.{b}.table"] = block.table
        norms = {"norm1": block.norm1, "norm2": block.norm2}
        tensors |= {f"blocks.{b}.{name}.gain": norm.gain for name, norm in norms.items() if norm}
        numbers = {
            name: getattr(block, name)
            for name in BlockNumbers.__struct_fields__
            if name not in ("norm1", "norm2", "shifts")
        }
        shifts = tuple(getattr(block, part).shift for part in parts)
        each = (norm and _numbers(norm) for norm in norms.values())
        blocks.append(BlockNumbers(*each, shifts, **numbers))
    for name, product in products.items():
        tensors |= {f"{name}.weight": product.weight, f"{name}.multiplier": product.multiplier}
        if isinstance(product, FourBitProduct):
            tensors[f"{name}.scale"] = product.scale
    data = safetensors.numpy.save({n: np.ascontiguousarray(x) for n, x in tensors.items()})
    text = {
        "format": LLAMA_FORMAT,
        "model": to_json(model.config),
        "split": to_json(model.split),
        "keep": model.keep,
        "embed_shift": model.embed_shift,
        "wide_keys": model.wide_keys,
        "output_scale": model.output_scale,
        "blocks": msgspec.to_builtins(blocks),
        "norm": msgspec.to_builtins(_numbers(model.norm)),
        "head_shift": model.head.shift,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    return {LLAMA_JSON: (json.dumps(text) + "\n").encode(), LLAMA_TENSORS: data}


def save(model: LlamaModel, folder: Path) -> None:
    """Write ``to_files`` into an existing folder."""
    for name, data in to_files(model).items():
        write_atomic(folder / name, data)


def load(folder: Path) -> LlamaModel:
    """Inverse of save; CatsError where a file is missing, damaged or of another version."""
    import safetensors.numpy
    from safetensors import SafetensorError

    text, data = read_stored(folder, (LLAMA_JSON, LLAMA_TENSORS), LLAMA_FORMAT, LlamaFile)
    try:
        model = _model(text, safetensors.numpy.load(data))
    except (SafetensorError, KeyError) as error:
        raise CatsError(
            f"{folder / LLAMA_JSON} does not fit this version: {error}; export again"
        ) from None
    check_llama(model)
    return model


def _model(text: LlamaFile, tensors: Mapping[str, np.ndarray]) -> LlamaModel:
    blocks = []
    for b, numbers in enumerate(text.blocks):
        name = f"blocks.{b}."
        names = parts_of(text.model)
        if len(numbers.shifts) != len(names):
            raise CatsError(f"block {b} has {len(numbers.shifts)} shifts, not {len(names)}")
        products = dict.fromkeys(PARTS)
        for part, shift in zip(names, numbers.shifts, strict=True):
            products[part] = _product(tensors, name + part, shift)
        both = {"norm1": numbers.norm1, "norm2": numbers.norm2}
        norms = {n: of and _norm(tensors, name + n, of) for n, of in both.items()}
        single = msgspec.structs.asdict(numbers)
        del single["shifts"], single["norm1"], single["norm2"]
        blocks.append(Block(**norms, **products, **single, table=tensors[name + "table"]))
    rows, multiplier = tensors["rows"], tensors["multiplier"]
    if text.model.tied:
        head = Product(rows.T.copy(), np.zeros(len(rows), np.int32), multiplier, text.head_shift)
    else:
        head = _product(tensors, "head", text.head_shift)
    return LlamaModel(
        text.model, text.split, text.keep, rows, multiplier, text.embed_shift,
        tensors["exponent"], tensors["turn"], text.wide_keys, tuple(blocks),
        _norm(tensors, "norm", text.norm), head, text.output_scale,
        tensors.get("tables"), tensors.get("table_multiplier"),
    )  # fmt: skip


def _numbers(norm: RmsNorm) -> NormNumbers:
    return NormNumbers(norm.epsilon, norm.send_multiplier, norm.send_shift)


def _norm(tensors: Mapping[str, np.ndarray], name: str, numbers: NormNumbers) -> RmsNorm:
    return RmsNorm(tensors[f"{name}.gain"], **msgspec.structs.asdict(numbers))


def _product(tensors: Mapping[str, np.ndarray], name: str, shift: int) -> Product:
    weight, multiplier = tensors[f"{name}.weight"], tensors[f"{name}.multiplier"]
    parts = weight, np.zeros(weight.shape[-1], np.int32), multiplier, shift
    scale = tensors.get(f"{name}.scale")
    return Product(*parts) if scale is None else FourBitProduct(*parts, scale)
