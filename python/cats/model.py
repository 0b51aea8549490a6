# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The transformer in PyTorch, computed as D nodes compute it together.

One set of weights; node d computes its own output columns of every product from what it has: its
own columns and the kept columns of other nodes that arrived. No copy of the activations for each
receiver is made: what a node lacks is masked in the weights (``_product``), which is exact, and the
norm over available columns follows in closed form (``doc/training.rst``). ``_product_dense`` says
the same step by step; tests hold one against the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from cats.config import ModelConfig, SplitConfig
from cats.dropout import Heard, Losses
from cats.errors import CatsError
from cats.partition import (
    KeepSets,
    Kind,
    check_keep,
    full_keep,
    gather_count,
    gather_kind,
    gather_rows,
    gather_width,
    own_ranges,
)

Observe = Callable[[str, Tensor], None]


class Block(nn.Module):
    """The weights of one block; shapes as in ``torch.nn.TransformerEncoderLayer``.

    ``qkv.weight`` [3F, F]: rows are all q, then all k, then all v, head by head inside each.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        features, hidden = config.features, config.hidden
        self.norm1 = nn.LayerNorm(features, config.norm_eps)
        self.qkv = nn.Linear(features, 3 * features)
        self.out = nn.Linear(features, features)
        self.norm2 = nn.LayerNorm(features, config.norm_eps)
        self.up = nn.Linear(features, hidden)
        self.down = nn.Linear(hidden, features)


class CatsTransformer(nn.Module):
    """Pre-norm transformer over D nodes.

    ``keep`` are the columns that each source broadcasts in each gather (None: all of them);
    ``dropout`` is ordinary dropout, at the places where ``nn.TransformerEncoderLayer`` has it.
    """

    def __init__(
        self,
        config: ModelConfig,
        split: SplitConfig,
        keep: KeepSets | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        config.check()
        split.check(config)
        self.config, self.split, self.dropout = config, split, dropout
        self.embed = nn.Linear(config.inputs, config.features)
        self.position = nn.Parameter(torch.empty(config.tokens, config.features))
        if config.pool == "class":
            self.class_token = nn.Parameter(torch.empty(config.features))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.features, config.norm_eps)
        self.head = nn.Linear(config.features, config.outputs)
        self._initialise()

        for kind in Kind:
            own = torch.zeros(split.nodes, gather_width(config, kind), dtype=torch.bool)
            for d, (begin, end) in enumerate(own_ranges(config, split, kind)):
                own[d, begin:end] = True
            self.register_buffer(f"own_{kind.name}", own, persistent=False)
        for kind, target, copies in (
            (Kind.INPUT, Kind.HEADS, 1),
            (Kind.ATTENTION, Kind.HEADS, 3),
            (Kind.HEADS, Kind.HEADS, 1),
            (Kind.FORWARD, Kind.HIDDEN, 1),
            (Kind.HIDDEN, Kind.HEADS, 1),
            (Kind.OUTPUT, Kind.RESULT, 1),
        ):  # reader[d, j]: node d computes column j of the product behind this kind of gather
            reader = getattr(self, f"own_{target.name}").float().repeat(1, copies)
            self.register_buffer(f"reader_{kind.name}", reader, persistent=False)
        self.set_keep(full_keep(config, split) if keep is None else keep)

    def _initialise(self) -> None:
        nn.init.normal_(self.position, std=0.02)
        if self.config.pool == "class":
            nn.init.normal_(self.class_token, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def set_keep(self, keep: KeepSets) -> None:
        """Broadcast only these columns from now on."""
        check_keep(self.config, self.split, keep)
        self.keep = [[tuple(columns) for columns in sources] for sources in keep]
        for g, sources in enumerate(self.keep):
            kind, _ = gather_kind(self.config, g)
            kept = torch.zeros(gather_width(self.config, kind), dtype=torch.bool)
            kept[[column for columns in sources for column in columns]] = True
            own = getattr(self, f"own_{kind.name}")
            self.register_buffer(f"kept_{g}", kept.to(own.device), persistent=False)
            self.register_buffer(f"view_{g}", own | kept.to(own.device), persistent=False)

    def forward(
        self, x: Tensor, losses: Losses | None = None, observe: Observe | None = None
    ) -> Tensor:
        """x [B, tokens_in, P] to [B, output_rows, C].

        ``losses``: what each node heard in each gather (None: everything). ``observe(name,
        tensor)`` sees the tensors that quantisation has to scale; the slow path is taken for it.
        """
        config = self.config
        if x.dim() != 3 or x.shape[1:] != (config.tokens_in, config.inputs):
            raise CatsError(
                f"input of shape {list(x.shape)}: the model takes [batch, {config.tokens_in}, "
                f"{config.inputs}]"
            )
        if losses is None:
            losses = [None] * gather_count(config)
        if len(losses) != gather_count(config):
            raise CatsError(
                f"losses of {len(losses)} gathers, the model has {gather_count(config)}"
            )
        run = _Run(self, losses, observe)
        run.see("input", x)
        x = run.product(0, x, self.embed)
        if config.pool == "class":
            x = torch.cat((self.class_token.expand(len(x), 1, -1), x), 1)
        x = x + self.position
        run.see("residual", x)
        for b in range(config.blocks):
            x = self._block(run, b, x)
        if config.pool == "mean":
            x = x.mean(1, keepdim=True)
        x = run.product(4 * config.blocks + 1, x, self.head, self.norm)
        run.see("output", x)
        return x

    def _block(self, run: _Run, b: int, x: Tensor) -> Tensor:
        """Residual [B, N, F] to [B, rows, F]: rows is N, or 1 where only one is read later."""
        config, block = self.config, self.blocks[b]
        g = 1 + 4 * b
        qkv = run.product(g, x, block.qkv, block.norm1)
        q, k, v = (
            part.unflatten(-1, (config.heads, -1)).transpose(1, 2) for part in qkv.chunk(3, -1)
        )  # [B, H, N, E]
        for name, part in zip("qkv", (q, k, v), strict=True):
            run.see(f"{name}{b}", part)
        first, rows = gather_rows(config, g + 1)
        if rows < config.tokens:
            q, x = q[:, :, first : first + rows], x[:, first : first + rows]
        heads = functional.scaled_dot_product_attention(
            q,
            k,
            v,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=config.causal and rows == config.tokens,
        )
        heads = heads.transpose(1, 2).flatten(2)
        x = x + self._drop(run.product(g + 1, heads, block.out))
        run.see("residual", x)
        hidden = run.product(g + 2, x, block.up, block.norm2)
        run.see(f"up{b}", hidden)
        act = functional.relu if config.activation == "relu" else functional.gelu
        x = x + self._drop(run.product(g + 3, self._drop(act(hidden)), block.down))
        run.see("residual", x)
        return x

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training) if self.dropout else x


class _Run:
    """One forward pass: the losses and the observer."""

    def __init__(self, model: CatsTransformer, losses: Losses, observe: Observe | None) -> None:
        self.model, self.losses, self.observe = model, losses, observe

    def see(self, name: str, x: Tensor) -> None:
        if self.observe is not None:
            self.observe(name, x)

    def product(
        self, g: int, x: Tensor, linear: nn.Linear, norm: nn.LayerNorm | None = None
    ) -> Tensor:
        """Gather g of x [B, rows, K], the norm where there is one, then the product [B, rows, O]."""
        self.see(f"gather{g}", x)
        model, losses = self.model, self.losses[g]
        kind, _ = gather_kind(model.config, g)
        reader, view = getattr(model, f"reader_{kind.name}"), getattr(model, f"view_{g}")
        if self.observe is None and not isinstance(losses, Tensor):
            if losses is None and model.split.nodes == 1:
                return linear(x if norm is None else norm(x))
            if losses is None:
                return _product(x, view[None, None], (0, x.shape[1]), reader, linear, norm)
            mask = self._mask(g, kind, losses.columns)
            return _product(x, mask, losses.bounds, reader, linear, norm)
        if losses is None:
            mask = view[None, None]
        else:
            dense = losses.dense(len(x)) if isinstance(losses, Heard) else losses
            mask = self._mask(g, kind, dense)
        return self._product_dense(g, x, mask, reader, linear, norm)

    def _mask(self, g: int, kind: Kind, heard: Tensor) -> Tensor:
        """bool [.., D, K]: own columns, and kept columns that were heard."""
        own, kept = getattr(self.model, f"own_{kind.name}"), getattr(self.model, f"kept_{g}")
        return own | (kept & heard)

    def _product_dense(
        self, g: int, x: Tensor, mask: Tensor, reader: Tensor, linear: nn.Linear, norm: nn.Module
    ) -> Tensor:
        """The definition: mask bool [B or 1, rows or 1, D, K], a view of x for every node."""
        view = torch.where(mask, x[:, :, None, :], 0)  # [B, rows, D, K]
        if norm is not None:
            count = mask.sum(-1, keepdim=True)
            mean = view.sum(-1, keepdim=True) / count
            centred = torch.where(mask, view - mean, 0)
            variance = centred.square().sum(-1, keepdim=True) / count
            view = centred / (variance + norm.eps).sqrt() * norm.weight + norm.bias
            view = torch.where(mask, view, 0)
            self.see(f"norm{g}", view)
        out = x.new_empty(*x.shape[:2], linear.out_features)
        for d, columns in enumerate(reader.bool()):
            out[:, :, columns] = functional.linear(
                view[:, :, d], linear.weight[columns], linear.bias[columns]
            )
        return out


def _product(
    x: Tensor,
    mask: Tensor,
    bounds: tuple[int, ...],
    reader: Tensor,
    linear: nn.Linear,
    norm: nn.LayerNorm | None,
) -> Tensor:
    """The same by masked weights: mask bool [P, T, D, K], reader [D, O]; x [B, rows, K].

    With m the mask of the node that computes column j, n its count and g, h the norm's gain and
    bias, ``norm(x) . W[j]`` is ``rstd * (x . W'[j]) + sum(m h W[j])``, where W'[j] is ``m g W[j]``
    less its mean over the n available columns (as norm takes the mean from x), and rstd needs two
    sums for each node. So P x T masked copies of the weights serve all samples and nodes.
    """
    patterns, batch = mask.shape[0], x.shape[0]
    owner = reader.argmax(0)
    mask = mask.to(x.dtype)
    reader = reader.to(x.dtype)
    weight, bias = linear.weight, linear.bias.expand(*mask.shape[:2], -1)
    if norm is not None:
        count = mask.sum(-1, keepdim=True)  # [P, T, D, 1]
        bias = bias + ((mask * norm.bias) @ weight.T * reader).sum(2)
        weight = weight * norm.weight
        centre = (mask @ weight.T / count * reader).sum(2)  # [P, T, O]
        weight = weight - centre[..., None]
        shifted = x - x.mean(-1, keepdim=True).detach()  # against cancellation in the variance
    weight = mask.index_select(2, owner) * weight  # [P, T, O, K]
    blocks = []
    for t, (top, end) in enumerate(itertools.pairwise(bounds)):
        rows = x[:, top:end].reshape(patterns, -1, x.shape[-1])  # [P, B / P * rows, K]
        if norm is None:
            out = torch.baddbmm(bias[:, t, None], rows, weight[:, t].transpose(1, 2))
        else:
            mean_of = (mask[:, t] / count[:, t]).transpose(1, 2)  # [P, K, D]
            part = shifted[:, top:end].reshape(rows.shape)
            mean = part @ mean_of
            variance = ((part * part) @ mean_of - mean * mean).clamp_min(0)
            rstd = (variance + norm.eps).rsqrt() @ reader  # [P, B / P * rows, O]
            out = torch.addcmul(bias[:, t, None], rows @ weight[:, t].transpose(1, 2), rstd)
        blocks.append(out.view(batch, end - top, -1))
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks, 1)
