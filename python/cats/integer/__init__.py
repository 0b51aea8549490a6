# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The quantised model: what it is (``model``), how it comes from float parameters (``quantize``),
weights of four bits (``four_bits``),
what every bit of its inference is (``reference``), the same of the Llama family (``llama_model``,
``llama_quantize``, ``llama``), and random ones to try things with.

May import ``cats.plan``, ``cats.shape`` and what these may import. NumPy alone, no PyTorch.
"""
