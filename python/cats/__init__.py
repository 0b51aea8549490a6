# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""CATS: one transformer on up to 16 microcontrollers."""

__version__ = "0.1.0"
