# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Models that were trained elsewhere.

``from_torch`` gives the ``CatsTransformer`` of a torch module, on one node and with all columns;
``cats.nn.deal`` spreads it over nodes. ``imported`` gives the same and says what was taken for
what. What cannot be taken is named in one line (CatsError), and what was taken is run beside its
original: where they differ, it is refused.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cats.errors import CatsError
from cats.nn.importers.imported import LARGEST_DIFFERENCE, Imported
from cats.nn.importers.measured import measured
from cats.nn.importers.vit import Facts, by_names, facts_of, layout_of
from cats.nn.model import CatsTransformer

__all__ = ["LARGEST_DIFFERENCE", "Facts", "Imported", "from_torch", "imported"]


def from_torch(
    source: nn.Module | Mapping[str, Tensor], example: Tensor | None = None, **options: Any
) -> CatsTransformer:
    """The model alone of ``imported``, which says what is taken and has the options."""
    return imported(source, example, **options).model


def imported(
    source: nn.Module | Mapping[str, Tensor],
    example: Tensor | None = None,
    *,
    tokens: int | None = None,
    rows: Tensor | None = None,
    task: str = "classify",
    heads: int | None = None,
    norm_eps: float | None = None,
    activation: str | None = None,
    pool: str | None = None,
    size: tuple[int, int] | None = None,
) -> Imported:
    """A ``CatsTransformer`` in evaluation mode that computes what ``source`` does.

    ``source`` is a module around pre-norm ``torch.nn.TransformerEncoderLayer``. What stands before
    the first block must be a linear map of each row (products, convolutions over patches, scales,
    positions of any kind, one class token), and what stands behind the last one norm and one linear
    map, with a mean over rows, one row or all of them: it is measured, not guessed from names.
    ``example``: float [B, ...], samples that ``source`` takes; their values matter little, their
    shape does. Of a bare ``nn.TransformerEncoder`` (batch first) ``tokens`` says as much; its
    outputs are the normed features of all rows. ``rows``: int64 [tokens_in, P], which value of a
    flattened sample is which input column, where another order is wanted than ascending.

    Or ``source`` is a ViT of timm or transformers, or its tensors by name (``vit``). A module says
    the rest itself; tensors do not say ``heads``, and by default ``norm_eps`` is the package's,
    ``activation`` is gelu, ``pool`` follows from what there is, and ``size`` (height, width in
    pixels) is a square. Without a head the outputs are the features of the class token or the mean.

    ``task``: what outputs are, as in ``ModelConfig``. CatsError for what cannot be taken, and where
    outputs differ by more than ``LARGEST_DIFFERENCE`` of the largest.
    """
    facts = Facts(heads, norm_eps, activation, pool, size)
    if isinstance(source, Mapping):
        return by_names(source, facts, task)
    if not isinstance(source, nn.Module):
        raise CatsError(f"a {type(source).__name__} cannot be imported: give a torch.nn.Module")
    module = copy.deepcopy(source).cpu().float().eval().requires_grad_(False)
    if not any(isinstance(part, nn.TransformerEncoderLayer) for part in module.modules()):
        layout_of(module.state_dict())
        found = by_names(module.state_dict(), facts.beside(facts_of(module)), task)
        found.verify(lambda x: _output(module(x)), torch.zeros(1, *found.sample))
        return found
    if given := [n for n, v in dataclasses.asdict(facts).items() if v is not None]:
        raise CatsError(f"{', '.join(given)}: of tensors only; a module says so itself")
    if example is None and isinstance(module, nn.TransformerEncoder) and tokens:
        example = torch.zeros(1, tokens, module.layers[0].self_attn.embed_dim)
    if example is None:
        raise CatsError(
            "importing a module needs an example of its input: from_torch(module, example), or of "
            "an nn.TransformerEncoder alone tokens=N"
        )
    if not isinstance(example, Tensor) or not example.is_floating_point() or example.dim() < 2:
        raise CatsError(
            "the example must be a tensor of floats [batch, ...]: a model of token numbers, or of "
            "several inputs, cannot be imported"
        )
    example = example.detach().cpu()
    found = measured(module, example[:1], rows, task)
    found.verify(module, example)
    return found


def _output(result: Any) -> Tensor:
    """What a model of transformers gives, as its import does."""
    if isinstance(result, Tensor):
        return result
    logits = getattr(result, "logits", None)
    return result.last_hidden_state[:, 0] if logits is None else logits
