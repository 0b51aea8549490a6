# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What nodes are given: one partition image for each, as bytes (``image``, ``image_reader``)
and as C (``c_header``), in the DEPLOY folder (``export``).

May import ``cats.training`` and what it may import; does without it, so that a deployment is read
where no PyTorch is.
"""
