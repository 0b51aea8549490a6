# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The C code of the devices on this machine: built (``_native``), one node (``engine``), all nodes
on a lossy air (``simulate``).

May import ``cats.deploy`` and what it may import.
"""
