# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Several processes that share each batch, as torchrun starts them."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, distributed

T = TypeVar("T")
#: By type of device: what carries tensors; objects always go by gloo.
BACKENDS = {"cpu": "gloo", "cuda": "cpu:gloo,cuda:nccl"}


def processes(device: torch.device) -> tuple[int, int]:
    """(rank, processes) as torchrun started us; one process otherwise. The group lives as long as
    the process: gloo does not come up a second time on the same store."""
    if not several():
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return 0, 1
        distributed.init_process_group(BACKENDS[device.type])
        atexit.register(distributed.destroy_process_group)
    return distributed.get_rank(), distributed.get_world_size()


def several() -> bool:
    """Whether a group of processes is at work."""
    ready = distributed.is_available() and distributed.is_initialized()
    return ready and distributed.get_world_size() > 1


def from_first(make: Callable[[], T]) -> T:
    """What process 0 makes, in every process; others wait for it. An error is everybody's."""
    if not several():
        return make()
    made: list = [None, None]
    if distributed.get_rank() == 0:
        try:
            made[0] = make()
        except Exception as error:  # noqa: BLE001
            made[1] = error
    distributed.broadcast_object_list(made, 0, device=torch.device("cpu"))
    if made[1] is not None:
        raise made[1]
    return made[0]


def wait_for_all() -> None:
    """Go on when every process is here."""
    if several():
        distributed.all_reduce(torch.zeros(1))


def average(tensors: Sequence[Tensor]) -> None:
    """Each tensor, in place, becomes its mean over all processes; one message for them all."""
    if not several():
        return
    line = torch.cat([tensor.flatten() for tensor in tensors])
    distributed.all_reduce(line)
    line /= distributed.get_world_size()
    for tensor, mean in zip(tensors, line.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))
