# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The float model in PyTorch (``model``, ``forward_pass``, ``masked_product``, ``rotary``), also
row by row (``steps``), what training does to it (``message_dropout``, ``prune``, ``qat``), and its
way to integers (``to_integer``).

May import ``cats.integer``, ``cats.tasks`` and what these may import.
"""
