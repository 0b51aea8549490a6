# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Everything static about a deployment: what radios and boards take (``radio``, ``energy``,
``cost``), where buffers lie and when frames are sent (``plan``; ``planner`` with ``buffers``,
``arena``, ``timing``), and what that makes in flash, RAM, air and time (``predict``, ``survey``).

May import ``cats.shape`` and what it may import. Knows no weights.
"""
