# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Firmware: built by Zephyr's tools (``firmware``), its RAM and flash read from ELF and map
(``elf``, ``footprint``, ``footprint_report``), run in BabbleSim (``bsim``).

May import ``cats.sim`` and what it may import. ``cats.cli``, ``cats.commands`` and ``cats.demo``
alone stand above.
"""
