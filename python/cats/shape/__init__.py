# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The shapes that all rooms speak of: a model's and a deployment's (``config``), who owns, sends
and reads which columns (``partition``), the records of a partition image (``image_layout``).

May import ``cats.report`` and ``cats.errors``. No weights, no time, no radio.
"""
