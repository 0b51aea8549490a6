# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: the training step, export and simulation, instructions on a Cortex-M4."""
