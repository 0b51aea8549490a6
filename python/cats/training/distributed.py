# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Several processes that share each batch, as torchrun starts them."""

from __future__ import annotations

import atexit
import os
import warnings

from torch import distributed, nn

from cats.nn.model import CatsTransformer


def processes() -> tuple[int, int]:
    """(rank, processes) as torchrun started us; one process otherwise. The group lives as long as
    the process: gloo does not come up a second time on the same store."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return 0, 1
    if not distributed.is_initialized():
        distributed.init_process_group("gloo")
        atexit.register(distributed.destroy_process_group)
    return distributed.get_rank(), distributed.get_world_size()


def shared(model: CatsTransformer) -> nn.Module:
    """The model with gradients averaged over the processes; masks are equal without being sent."""
    with warnings.catch_warnings():  # the option's new name is not in every supported PyTorch
        warnings.filterwarnings("ignore", "`broadcast_buffers`", FutureWarning)
        return nn.parallel.DistributedDataParallel(model, broadcast_buffers=False)
