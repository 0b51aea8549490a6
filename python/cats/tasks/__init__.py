# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What is learned: data cut into training, validation and test parts, a loss and a metric.

``load(name, **options)`` gives a Task. A task never looks at its test part before it is asked to
score it, and its options (plain JSON types) rebuild it exactly. Those of this package are written
as anybody's own would be; commands know none of them. ``ClassTask`` and ``ValueTask``
(``cats.tasks.arrays``) make one of arrays.

May import ``cats.shape`` and what it may import.
"""

from __future__ import annotations

from cats.tasks.base import Baseline, Part, Task, generator_of, same_data, stored_path
from cats.tasks.registry import (
    BUILT_IN,
    complete,
    find,
    load,
    names,
    parameters,
    preset,
    reload,
    source_of,
    telling,
)

__all__ = [
    "BUILT_IN",
    "Baseline",
    "Part",
    "Task",
    "complete",
    "find",
    "generator_of",
    "load",
    "names",
    "parameters",
    "preset",
    "reload",
    "same_data",
    "source_of",
    "stored_path",
    "telling",
]
