# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""From a torch model to integers: its parameters as arrays, its scales, the quantised model."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cats.integer.llama_model import LlamaModel
from cats.integer.llama_quantize import quantize_llama
from cats.integer.model import IntegerModel
from cats.integer.quantize import Scales, calibrate, check_inputs, quantize_parameters
from cats.nn.model import CatsTransformer
from cats.shape.config import ModelConfig
from cats.shape.partition import gather_count
from cats.tasks import Task

#: About how many rows calibrate at most.
MOST_ROWS = 1 << 14


def parameters_of(model: CatsTransformer) -> dict[str, np.ndarray]:
    """A torch model's parameters by name."""
    return {name: value.detach().cpu().double().numpy() for name, value in model.named_parameters()}


def calibration_inputs(task: Task, samples: int = 256) -> Tensor:
    """Training inputs [samples, tokens_in, P] at most, evenly spread, to choose scales by; of long
    windows fewer, as all rows of one are seen."""
    rows = max(16, MOST_ROWS // task.train.inputs.shape[1])
    return task.train.spaced(min(samples, rows)).inputs


def scales_for(model: CatsTransformer, config: ModelConfig, inputs: Tensor) -> Scales:
    """Scales of the model as ``config`` uses it, over inputs [B, tokens_in, P]."""
    values = check_inputs(config, np.asarray(inputs))
    return calibrate(config, model.split, model.keep, parameters_of(model), values)


def quantize(
    model: CatsTransformer, inputs: np.ndarray, scales: Scales | None = None
) -> IntegerModel:
    """``quantize_parameters`` of a torch model; inputs float [B, tokens_in, P], array or tensor."""
    return quantize_parameters(
        model.config, model.split, model.keep, parameters_of(model), np.asarray(inputs), scales
    )


@torch.no_grad()
def seen_of(model: CatsTransformer, tokens: Tensor) -> dict[str, np.ndarray]:
    """What the tensors of a language model look like over texts [B, rows]: see
    ``cats.integer.llama_quantize.Seen``. Of the residual, which has several, the largest."""
    seen: dict[str, np.ndarray] = {}

    def observe(name: str, x: Tensor) -> None:
        if name == "residual":
            x = x.abs().flatten(0, 1).amax(0, keepdim=True)
            x = x if name not in seen else torch.maximum(x, torch.from_numpy(seen[name]))
        elif name[0] in "qkv" and name[1:].isdecimal():
            x = x.transpose(1, 2).flatten(0, 1)
        else:
            x = x.flatten(0, -2)
        seen[name] = x.double().cpu().numpy()

    losses = [None] * gather_count(model.config)
    model.compute(model.forward_pass(model, losses, observe), tokens)
    return seen


def quantize_text(model: CatsTransformer, tokens: Tensor, **options: object) -> LlamaModel:
    """``quantize_llama`` of a torch model, with its ``options``; tokens [B, rows]: text that is
    typical of it."""
    return quantize_llama(
        model.config,
        model.split,
        model.keep,
        parameters_of(model),
        seen_of(model, tokens),
        **options,
    )
