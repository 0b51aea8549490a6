# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The package's face in Python: what ``import cats`` offers, a function a step of a model's way
(``nets``, ``training``, ``deployment``), and data of one's own as a task (``data``).

:doc:`/python-api` tells of them together. May import every room but ``cats.commands``.
"""
