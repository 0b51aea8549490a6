# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Firmware: built by Zephyr's tools (``firmware``) in the workspace of this machine
(``workspace``), its RAM and flash read from ELF and map (``elf``, ``footprint``,
``footprint_report``), tested by Twister (``twister``), run in BabbleSim (``bsim``).

May import ``cats.sim`` and what it may import. ``cats.cli``, ``cats.commands`` and ``cats.demo``
alone stand above.
"""
