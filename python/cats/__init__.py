# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""CATS: one transformer on up to 16 microcontrollers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from cats.api.deployment import Deployment, Simulation, export, load, quantize, simulate
    from cats.api.nets import Transformer, message_dropout, partition
    from cats.api.training import Evaluation, Fit, evaluate, fit
    from cats.errors import CatsError
    from cats.integer.steps import stream_of
    from cats.nn.importers import from_torch
    from cats.plan.planned import Planned, plan
    from cats.shape.config import ModelConfig
    from cats.shape.metadata import Channel, Metadata
    from cats.sim.faults import Faults

#: The package's face by module; each name is loaded when it is first asked for.
_FACE = {
    "cats.api.deployment": ("Deployment", "Simulation", "export", "load", "quantize", "simulate"),
    "cats.api.nets": ("Transformer", "message_dropout", "partition"),
    "cats.api.training": ("Evaluation", "Fit", "evaluate", "fit"),
    "cats.errors": ("CatsError",),
    "cats.integer.steps": ("stream_of",),
    "cats.nn.importers": ("from_torch",),
    "cats.plan.planned": ("Planned",),
    "cats.shape.config": ("ModelConfig",),
    "cats.shape.metadata": ("Channel", "Metadata"),
    "cats.sim.faults": ("Faults",),
}
_MODULES = {name: module for module, names in _FACE.items() for name in names}

__all__ = [  # noqa: F822 (see __getattr__)
    "CatsError",
    "Channel",
    "Deployment",
    "Evaluation",
    "Faults",
    "Fit",
    "Metadata",
    "ModelConfig",
    "Planned",
    "Simulation",
    "Transformer",
    "__version__",
    "evaluate",
    "export",
    "fit",
    "from_torch",
    "load",
    "message_dropout",
    "partition",
    "plan",
    "quantize",
    "simulate",
    "stream_of",
]


def __getattr__(name: str) -> Any:
    if name == "plan":  # the room, which can be called
        return importlib.import_module("cats.plan")
    if name not in _MODULES:
        raise AttributeError(f"module 'cats' has no attribute {name!r}")
    found = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
