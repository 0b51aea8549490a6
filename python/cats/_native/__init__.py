# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The C code, built for this machine: ``lib`` and ``ffi`` as cffi gives them (build_native.py)."""

from __future__ import annotations

from cats.errors import CatsError

try:
    from cats._native._cats import ffi, lib
except ImportError as error:
    raise CatsError(
        f"the C engine is not built for this machine ({error}): run `make setup`, or "
        "`python python/cats/_native/build_native.py`"
    ) from None

__all__ = ["ffi", "lib"]
