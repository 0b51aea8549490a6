# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The transformer in PyTorch, computed as D nodes compute it together.

One set of weights; node d computes its own output columns of every product from what it has: its
own columns and the kept columns of other nodes that arrived. No copy of the activations for each
receiver is made (``forward_pass``).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cats.errors import CatsError
from cats.integer.model import embed_out_blocks
from cats.integer.quantize import Scales
from cats.nn.forward_pass import ForwardPass, Observe, Rounding
from cats.nn.masked_product import layout
from cats.nn.message_dropout import Losses
from cats.plan.summary import summary
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.metadata import Metadata
from cats.shape.partition import (
    KeepSets,
    Kind,
    check_keep,
    embed_ranges,
    full_keep,
    gather_count,
    gather_kind,
    gather_rows,
    gather_width,
    own_ranges,
)


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
    ``rounding``, where it is set, rounds as the integer model will. ``forward_pass`` says what
    becomes of what a node lacks. ``metadata`` and ``scales``, where training knows them, say what
    samples and outputs mean, and by what it rounded.
    """

    rounding: Rounding | None = None
    metadata: Metadata | None = None
    scales: Scales | None = None
    forward_pass: type[ForwardPass] = ForwardPass

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
        self.embed = nn.Linear(config.inputs, config.embed_outputs)
        if config.embed_hidden:
            self.embed_out = nn.Linear(config.embed_hidden, config.features)
        self.position = nn.Parameter(torch.empty(config.tokens, config.features))
        if config.pool == "class":
            self.class_token = nn.Parameter(torch.empty(config.features))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.features, config.norm_eps)
        self.head = nn.Linear(config.features, config.outputs)
        if config.linear:
            self.linear = nn.Linear(config.window, config.outputs)
        self._initialise()

        self.groups: dict[Kind, tuple[tuple[int, int, int], bool]] = {}  # of ``layout``
        self.counts: dict[Kind, list[int]] = {}  # columns of each node
        for kind in Kind:
            own = torch.zeros(split.nodes, gather_width(config, kind), dtype=torch.bool)
            for d, (begin, end) in enumerate(own_ranges(config, split, kind)):
                own[d, begin:end] = True
            self.register_buffer(f"own_{kind.name}", own, persistent=False)
        embedded = torch.zeros(split.nodes, config.embed_outputs, dtype=torch.bool)
        for d, (begin, end) in enumerate(embed_ranges(config, split)):
            embedded[d, begin:end] = True
        if config.embed_hidden:
            blocks = torch.from_numpy(embed_out_blocks(config, split).T)
            self.register_buffer("embed_out_blocks", blocks, persistent=False)
        for kind, target, copies in (
            (Kind.INPUT, embedded, 1),
            (Kind.ATTENTION, self.own_HEADS, 3),
            (Kind.HEADS, self.own_HEADS, 1),
            (Kind.FORWARD, self.own_HIDDEN, 1),
            (Kind.HIDDEN, self.own_HEADS, 1),
            (Kind.OUTPUT, self.own_RESULT, 1),
        ):  # reader[d, j]: node d computes column j of the product behind this kind of gather
            reader = target.float().repeat(1, copies)
            owner = reader.argmax(0)
            self.register_buffer(f"reader_{kind.name}", reader, persistent=False)
            self.register_buffer(f"owner_{kind.name}", owner, persistent=False)
            order = owner.argsort(stable=True)  # node by node
            self.register_buffer(f"order_{kind.name}", order, persistent=False)
            self.groups[kind] = layout(reader)
            self.counts[kind] = reader.sum(1).long().tolist()
        self.set_keep(full_keep(config, split) if keep is None else keep)
        if config.embed == "own":
            self._initialise_own_embedding()

    def _initialise(self) -> None:
        nn.init.normal_(self.position, std=0.02)
        if self.config.pool == "class":
            nn.init.normal_(self.class_token, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        if self.config.linear:
            nn.init.zeros_(self.linear.weight)

    @torch.no_grad()
    def _initialise_own_embedding(self) -> None:
        """Each node's weights as those of a matrix by itself; others are zero, and stay so."""
        config, split = self.config, self.split
        outputs, residual = embed_ranges(config, split), own_ranges(config, split, Kind.ATTENTION)
        layers = [(self.embed, outputs, own_ranges(config, split, Kind.INPUT))]
        if config.embed_hidden:
            layers.append((self.embed_out, residual, outputs))
        for linear, rows, columns in layers:
            linear.weight.zero_()
            for row, column in zip(rows, columns, strict=True):
                block = linear.weight[slice(*row), slice(*column)]
                if block.numel():
                    nn.init.xavier_uniform_(block)

    def set_keep(self, keep: KeepSets) -> None:
        """Broadcast only these columns from now on."""
        check_keep(self.config, self.split, keep)
        self.keep = [[tuple(columns) for columns in sources] for sources in keep]
        self.whole: list[bool] = []  # whether every node has all of a gather where nothing is lost
        self.sends = [any(sources) for sources in self.keep]  # whether anybody sends in a gather
        for g, sources in enumerate(self.keep):
            kind, _ = gather_kind(self.config, g)
            kept = torch.zeros(gather_width(self.config, kind), dtype=torch.bool)
            kept[[column for columns in sources for column in columns]] = True
            own = getattr(self, f"own_{kind.name}")
            view = own.cpu() | kept
            self.whole.append(bool(view.all()))
            self.register_buffer(f"kept_{g}", kept.to(own.device), persistent=False)
            self.register_buffer(f"view_{g}", view.to(own.device), persistent=False)

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return self.position.device

    def layout(self, kind: Kind) -> tuple[tuple[int, int, int], Tensor | None]:
        """How output columns behind this kind of gather share the nodes' masks: the groups of
        ``masked_product.layout``, and where they are not nodes, the owner [O] of each column."""
        groups, are_nodes = self.groups[kind]
        return groups, None if are_nodes else getattr(self, f"owner_{kind.name}")

    def __str__(self) -> str:
        """What each node has and which columns are sent; ``repr`` shows the layers."""
        return summary(self)

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
        run = self.forward_pass(self, losses, observe)
        run.see("input", x)
        window = x
        x = run.product(0, x, self.embed)
        if config.embed_hidden:
            x = run.see("embed", functional.relu(x))
            x = run.own("embed_out", x, self.embed_out, self.embed_out_blocks)
        if config.pool == "class":
            x = torch.cat((self.class_token.expand(len(x), 1, -1), x), 1)
        x = run.see("residual", x + self.position)
        for b in range(config.blocks):
            x = self._block(run, b, x)
        if config.pool == "mean":
            x = x.mean(1, keepdim=True)
        behind = config.pool == "mean_of_norm"
        x = run.product(4 * config.blocks + 1, x, self.head, self.norm, average=behind)
        if config.linear:
            x = x + run.linear(window, self.linear)
        return run.see("output", x)

    def _block(self, run: ForwardPass, b: int, x: Tensor) -> Tensor:
        """Residual [B, N, F] to [B, rows, F]: rows is N, or 1 where only one is read later."""
        config, block = self.config, self.blocks[b]
        g = 1 + 4 * b
        qkv = run.product(g, x, block.qkv, block.norm1)
        q, k, v = (
            part.unflatten(-1, (config.heads, -1)).transpose(1, 2) for part in qkv.chunk(3, -1)
        )  # [B, H, N, E]
        q, k, v = (run.see(f"{name}{b}", x) for name, x in zip("qkv", (q, k, v), strict=True))
        first, rows = gather_rows(config, g + 1)
        if rows < config.tokens:
            q, x = q[:, :, first : first + rows], x[:, first : first + rows]
        heads = self._attend(q, k, v, config.causal and rows == config.tokens)
        heads = heads.transpose(1, 2).flatten(2)
        x = run.see("residual", x + self._drop(run.product(g + 1, heads, block.out)))
        hidden = run.see(f"up{b}", run.product(g + 2, x, block.up, block.norm2))
        act = functional.relu if config.activation == "relu" else functional.gelu
        hidden = self._drop(act(hidden))
        return run.see("residual", x + self._drop(run.product(g + 3, hidden, block.down)))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
        """softmax(q k^T / sqrt(E)) v; q [B, H, rows, E], k and v [B, H, N, E]."""
        lost = self.dropout if self.training else 0.0
        if not lost or q.device.type != "cpu":
            return functional.scaled_dot_product_attention(q, k, v, None, lost, causal)
        # PyTorch's fast kernel on a CPU knows no dropout.
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(2, 3)
        if causal:
            scores = scores + torch.full_like(scores[0, 0], -torch.inf).triu(1)
        return self._drop(scores.softmax(-1)) @ v

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.dropout) if self.dropout and self.training else x


def dropout(x: Tensor, probability: float) -> Tensor:
    """Ordinary dropout. On a CPU several times as fast as PyTorch's: 16 random bits an element
    decide, so the probability is rounded to a multiple of 1 / 65536."""
    if x.device.type != "cpu":
        return functional.dropout(x, probability)
    lost = round(probability * 65536)
    bits = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    kept = bits.view(torch.int16)[: x.numel()] >= lost - 32768
    return x * kept.view(x.shape).to(x).mul_(65536 / (65536 - lost))
