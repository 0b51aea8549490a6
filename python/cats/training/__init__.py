# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""From a task to a RUN folder (``loop`` with ``options`` and ``distributed``, ``run_folder``), from
there to figures of quality (``evaluate``, ``sweep``, ``int8_report``).

May import ``cats.nn`` and what it may import.
"""
