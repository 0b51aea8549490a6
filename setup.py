# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Builds the host's copy of the C engine; all else stands in pyproject.toml."""

from pathlib import Path

from setuptools import setup

NATIVE = "python/cats/native/build_native.py"

setup(cffi_modules=[f"{NATIVE}:ffibuilder"] if Path(NATIVE).exists() else [])
