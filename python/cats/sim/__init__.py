# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The C code of the devices on this machine (``cats.native``): one node (``engine``), all nodes on
a lossy air (``faults``, ``simulate``), and what they gave (``compare``, ``figures``).

May import ``cats.deploy`` and what it may import.
"""
