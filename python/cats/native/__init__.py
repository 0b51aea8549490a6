# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The C code, built for this machine: ``lib`` and ``ffi`` as cffi gives them (build_native.py).

With CATS_SANITIZE=1 in the environment it is the build that checks every access, of
``CATS_SANITIZE=1 python python/cats/native/build_native.py``. Python must then run with
LD_PRELOAD="$(gcc -print-file-name=libasan.so)", ASAN_OPTIONS=detect_leaks=0 and
PYTHONMALLOC=malloc.
"""

from __future__ import annotations

import importlib.util
import os
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType

from cats.errors import CatsError

__all__ = ["ffi", "lib"]


def _load() -> ModuleType:
    if os.environ.get("CATS_SANITIZE", "0") in ("", "0"):
        from cats.native import _cats

        return _cats
    folder = Path(__file__).resolve().parents[3] / "build/sanitize/cats/native"
    path = folder / f"_cats{EXTENSION_SUFFIXES[0]}"
    spec = importlib.util.spec_from_file_location("cats.native._cats", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


try:
    _module = _load()
except ImportError as error:
    raise CatsError(
        f"the C code is not built for this machine ({error}): run `make setup`, or "
        "`python python/cats/native/build_native.py`"
    ) from None

ffi, lib = _module.ffi, _module.lib
