# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Everything static about a deployment: what radios and boards take (``radio``, ``energy``,
``cost``), where buffers lie and when frames are sent (``plan``; ``planner`` with ``buffers``,
``arena``, ``timing``), and what that makes in flash, RAM, air and time (``predict``, ``survey``,
``planned``).

The room can be called: ``cats.plan(model)`` is :func:`cats.plan.planned.plan`.

May import ``cats.shape`` and what it may import. Knows no weights.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cats.plan.planned import Planned


class _Room(ModuleType):
    """Of the two things that have the name ``cats.plan``, the room is found once it is imported."""

    def __call__(self, *arguments: Any, **options: Any) -> Planned:
        from cats.plan.planned import plan

        return plan(*arguments, **options)


sys.modules[__name__].__class__ = _Room
