# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Where training and evaluation compute, and in what precision; nothing else decides it.

Data, and every draw but that of ordinary dropout, are made on the CPU, so that a seed means the
same samples, augmentations and losses of messages on every device.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch
from torch import Tensor

from cats.arguments import DEVICES
from cats.errors import CatsError

#: Names of --precision, and what autocast computes in (None: float32 throughout).
PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def pick_device(name: str) -> torch.device:
    """The device of that name, "auto" being a GPU where there is one; of several GPUs the one that
    torchrun gives this process. CatsError where there is none."""
    if name not in DEVICES:
        raise CatsError(f"device is {name!r}: one of {', '.join(DEVICES)}")
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise CatsError(f"PyTorch {torch.__version__} finds no GPU: choose the device cpu or auto")
    number, there = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if number >= there:
        raise CatsError(f"process {number} finds no GPU of its own, there are {there}: start fewer")
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


def device_name(device: torch.device) -> str:
    """Its name for people: "cpu", or the card's."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device; to a GPU without waiting for what runs there."""
    if device.type != "cuda" or tensor.device == device:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


@contextlib.contextmanager
def threads(count: int | None) -> Iterator[None]:
    """PyTorch computes with so many threads (None: as many as it chose)."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def seeds_kept(device: torch.device) -> Iterator[None]:
    """Leaves the caller's random state, of the CPU and of the device, as it was."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager:
    """The context in which a model and its loss compute in a precision of ``PRECISIONS``."""
    dtype = PRECISIONS[precision]
    return torch.autocast(device.type, dtype) if dtype else contextlib.nullcontext()
