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
from cats.integer.model import embed_out_blocks, stem_blocks
from cats.integer.quantize import Scales
from cats.nn.forward_pass import ForwardPass, LinearView, Norm, Observe, Rounding
from cats.nn.masked_product import layout
from cats.nn.message_dropout import Losses
from cats.nn.rotary import turn, turns
from cats.plan.summary import summary
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.metadata import Metadata
from cats.shape.partition import (
    KeepSets,
    Kind,
    block_gather,
    check_keep,
    consecutive,
    embed_ranges,
    full_keep,
    gather_count,
    gather_kind,
    gather_rows,
    gather_width,
    input_ranges,
    key_heads,
    own_ranges,
    parallel_columns,
)


class Block(nn.Module):
    """The weights of one block; shapes as in ``torch.nn.TransformerEncoderLayer``.

    ``qkv.weight`` [3F, F]: rows are all q, then all k, then all v, head by head inside each; where
    heads share keys and values there are fewer of these. A gated ``up.weight`` [2M, F] has the
    gate's rows, then those of what it is of.

    A parallel block has no ``out``, ``norm2`` and ``up``: the rows of ``up`` stand behind the
    others of ``qkv``, and ``down.weight`` [F, F + M] has its columns as gather HIDDEN has them,
    which depends on the split.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        features, bias = config.features, config.bias
        keys = config.key_heads * config.head_width
        self.norm1 = norm_of(config)
        if config.parallel_blocks:
            rows = features + 2 * keys + config.up_columns
            self.qkv = nn.Linear(features, rows, bias)
            self.down = nn.Linear(features + config.hidden, features, bias)
            return
        self.qkv = nn.Linear(features, features + 2 * keys, bias)
        self.out = nn.Linear(features, features, bias)
        self.norm2 = norm_of(config)
        self.up = nn.Linear(features, config.up_columns, bias)
        self.down = nn.Linear(config.hidden, features, bias)


def norm_of(config: ModelConfig) -> Norm:
    """A norm over the features."""
    kind = nn.RMSNorm if config.norm == "rms" else nn.LayerNorm
    return kind(config.features, eps=config.norm_eps)


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
        if config.stem:
            self.stem = nn.Linear(config.inputs, config.embed_hidden, config.bias)
        self.embed = nn.Linear(config.embed_inputs, config.embed_outputs, config.bias)
        if config.embed_layers == 2:
            self.embed_out = nn.Linear(config.embed_hidden, config.features, config.bias)
        if config.position == "learned":
            self.position = nn.Parameter(torch.empty(config.tokens, config.features))
        if config.pool == "class":
            self.class_token = nn.Parameter(torch.empty(config.features))
        if config.layer_tables:
            self.tables = nn.Parameter(torch.zeros(config.blocks, config.inputs, config.features))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm = norm_of(config)
        if not config.tied:
            self.head = nn.Linear(config.features, config.outputs, config.bias)
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
        if config.stem:
            blocks = torch.from_numpy(stem_blocks(config, split).T)
            self.register_buffer("stem_blocks", blocks, persistent=False)
        if config.embed_layers == 2:
            blocks = torch.from_numpy(embed_out_blocks(config, split).T)
            self.register_buffer("embed_out_blocks", blocks, persistent=False)
        if config.parallel_blocks:
            columns = torch.tensor(parallel_columns(config, split))
            self.register_buffer("parallel_columns", columns, persistent=False)
        hidden = torch.zeros(split.nodes, config.hidden, dtype=torch.bool)
        for d, (begin, end) in enumerate(consecutive(split.hidden)):
            hidden[d, begin:end] = True
        up = hidden.repeat(1, config.up_columns // config.hidden)
        keys, rows = self._deal_keys()
        self.register_buffer("rows_ATTENTION", rows, persistent=False)
        for kind, target in (
            (Kind.INPUT, embedded),
            (
                Kind.ATTENTION,
                torch.cat((self.own_HEADS, keys, keys, *[up] * config.parallel_blocks), 1),
            ),
            (Kind.HEADS, self.own_HEADS),
            (Kind.FORWARD, up),
            (Kind.HIDDEN, self.own_HEADS),
            (Kind.OUTPUT, self.own_RESULT),
        ):  # reader[d, j]: node d computes column j of the product behind this kind of gather
            reader = target.float()
            owner = reader.argmax(0)
            self.register_buffer(f"reader_{kind.name}", reader, persistent=False)
            self.register_buffer(f"owner_{kind.name}", owner, persistent=False)
            order = owner.argsort(stable=True)  # node by node
            self.register_buffer(f"order_{kind.name}", order, persistent=False)
            self.groups[kind] = layout(reader)
            self.counts[kind] = reader.sum(1).long().tolist()
        self.set_keep(full_keep(config, split) if keep is None else keep)
        if config.embed != "full":
            self._initialise_own()

    def _deal_keys(self) -> tuple[Tensor, Tensor | None]:
        """Which node computes each column of the keys, bool [D, columns], and the rows of
        ``Block.qkv`` behind gather ATTENTION, None where it is all in order: a key/value head that
        heads of several nodes share has a copy of its columns for each of them. Notes which copy
        each head attends over, where they are not one each."""
        config, split = self.config, self.split
        width, shared = config.head_width, config.heads // config.key_heads
        ranges = key_heads(config, split)
        copies = [(d, head) for d, (begin, end) in enumerate(ranges) for head in range(begin, end)]
        node = torch.tensor([d for d, _ in copies]).repeat_interleave(width)
        keys = node == torch.arange(split.nodes)[:, None]
        heads = [
            copies.index((d, head // shared))
            for d, (begin, end) in enumerate(own_ranges(config, split, Kind.HEADS))
            for head in range(begin // width, end // width)
        ]
        copied = None if heads == list(range(len(copies))) else torch.tensor(heads)
        self.register_buffer("key_head", copied, persistent=False)
        if len(copies) == config.key_heads:
            return keys, None
        head = torch.tensor([head for _, head in copies])[:, None]
        columns = (head * width + torch.arange(width)).flatten()
        first, count = config.features, config.key_heads * width
        rows = [torch.arange(first), first + columns, first + count + columns]
        if config.parallel_blocks:
            rows.append(first + 2 * count + torch.arange(config.up_columns))
        return keys, torch.cat(rows)

    def _initialise(self) -> None:
        if self.config.position == "learned":
            nn.init.normal_(self.position, std=0.02)
        if self.config.pool == "class":
            nn.init.normal_(self.class_token, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if self.config.linear:
            nn.init.zeros_(self.linear.weight)
        if self.config.parallel_blocks:
            self._initialise_parallel()

    @torch.no_grad()
    def _initialise_parallel(self) -> None:
        """The parts of products as those of a block whose parts are products."""
        up, features = self.config.up_columns, self.config.features
        columns = torch.tensor(parallel_columns(self.config, self.split))
        for block in self.blocks:
            for part in block.qkv.weight.split((len(block.qkv.weight) - up, up)):
                nn.init.xavier_uniform_(part)
            for chosen in (columns < features, columns >= features):
                part = torch.empty(features, int(chosen.sum()))
                block.down.weight[:, chosen] = nn.init.xavier_uniform_(part)

    @torch.no_grad()
    def _initialise_own(self) -> None:
        """Where nodes read only what is their own, each node's weights as those of a matrix by
        itself; others are zero, and stay so."""
        config, split = self.config, self.split
        outputs, residual = embed_ranges(config, split), own_ranges(config, split, Kind.ATTENTION)
        given, sent = input_ranges(split), own_ranges(config, split, Kind.INPUT)
        layers = [(self.stem, sent, given)] if config.stem else [(self.embed, outputs, sent)]
        if config.embed_layers == 2:
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
        #: Whether every node that computes has all of a gather where nothing is lost.
        self.whole: list[bool] = []
        computes = torch.tensor([heads > 0 for heads in self.split.heads])
        self.sends = [any(sources) for sources in self.keep]  # whether anybody sends in a gather
        for g, sources in enumerate(self.keep):
            kind, _ = gather_kind(self.config, g)
            kept = torch.zeros(gather_width(self.config, kind), dtype=torch.bool)
            kept[[column for columns in sources for column in columns]] = True
            own = getattr(self, f"own_{kind.name}")
            view = own.cpu() | kept
            self.whole.append(bool(view[computes].all()))
            self.register_buffer(f"kept_{g}", kept.to(own.device), persistent=False)
            self.register_buffer(f"view_{g}", view.to(own.device), persistent=False)

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return self.norm.weight.device

    @property
    def classifier(self) -> nn.Linear | LinearView:
        """The product behind gather OUTPUT: the head, or of a tied one the embedding's weights."""
        return LinearView(self.embed.weight.T) if self.config.tied else self.head

    def projections(self, b: int) -> nn.Linear | LinearView:
        """The product behind gather ATTENTION of block b: queries, keys and values, a key/value
        head as often as nodes compute it."""
        qkv, rows = self.blocks[b].qkv, self.rows_ATTENTION
        if rows is None:
            return qkv
        return LinearView(qkv.weight[rows], None if qkv.bias is None else qkv.bias[rows])

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
        """x [B, tokens_in, P] to [B, output_rows, C]; whole numbers [B, tokens_in] are those of
        tokens, each a row with a one in that column.

        ``losses``: what each node heard in each gather (None: everything). ``observe(name,
        tensor)`` sees the tensors that quantisation has to scale; the slow path is taken for it.
        """
        config = self.config
        if x.dtype == torch.long and x.dim() == 2:
            self._check_tokens(x)
            right = x.shape[1] == config.tokens_in
        else:
            right = x.dim() == 3 and x.shape[1:] == (config.tokens_in, config.inputs)
        if not right:
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
        return self.compute(self.forward_pass(self, losses, observe), x)

    def _check_tokens(self, numbers: Tensor) -> None:
        config = self.config
        if config.embed != "full" or config.linear:
            raise CatsError("this model's inputs are no tokens: give them as real numbers")
        if numbers.is_cuda or not numbers.numel():  # there to look would be to wait
            return
        if numbers.min() < 0 or numbers.max() >= config.inputs:
            raise CatsError(f"a token outside 0..{config.inputs - 1}: the model knows no other")

    def compute(self, run: ForwardPass, x: Tensor) -> Tensor:
        """What ``forward`` does, in a pass that is there; of some rows in place of the whole window
        where the pass remembers those before."""
        config, numbers = self.config, x
        if x.dtype == torch.long:
            x = run.tokens(x, self.embed)
        else:
            window = x = run.see("input", x)
            if config.stem:
                x = run.own("stem", x, self.stem, self.stem_blocks)
                x = x if config.signed_stem else functional.relu(x)
            x = run.product(0, x, self.embed)
        if config.embed_layers == 2:
            x = run.see("embed", functional.relu(x))
            x = run.own("embed_out", x, self.embed_out, self.embed_out_blocks)
        if config.pool == "class":
            x = torch.cat((self.class_token.expand(len(x), 1, -1), x), 1)
        if config.position == "learned":
            x = x + self.position[run.first : run.first + x.shape[1]]
        if config.layer_tables:
            numbers = numbers if numbers.dtype == torch.long else numbers.argmax(-1)
            x = x + run.table(0, numbers)
        x = run.see("residual", x)
        turned = None
        if config.position == "rotary":
            turned = turns(run.first, x.shape[1], config.head_width, config.rotary_base, x)
        for b in range(config.blocks):
            if config.layer_tables and b > 0:
                x = run.see("residual", x + run.table(b, numbers))
            x = self._block(run, b, x, turned)
        if config.pool == "mean":
            x = x.mean(1, keepdim=True)
        behind = config.pool == "mean_of_norm"
        output = block_gather(config, config.blocks)
        x = run.product(output, x, self.classifier, self.norm, average=behind)
        if config.linear:
            x = x + run.linear(window, self.linear)
        return run.see("output", x)

    def _block(self, run: ForwardPass, b: int, x: Tensor, turned: Tensor | None) -> Tensor:
        """Residual [B, N, F] to [B, rows, F]: rows is N, or 1 where only one is read later.
        ``turned``: by what rotary positions turn queries and keys."""
        config, block = self.config, self.blocks[b]
        g = block_gather(config, b)
        first, rows = gather_rows(config, g + 1)
        out = run.product(g, x, self.projections(b), block.norm1)
        if config.parallel_blocks:
            up = config.up_columns
            out, hidden = out.split((out.shape[-1] - up, up), -1)
            beside = torch.cat((self._heads(run, b, out, turned), self._hidden(run, b, hidden)), -1)
            sent = beside.index_select(-1, self.parallel_columns)
            return run.see("residual", x + self._drop(run.product(g + 1, sent, block.down)))
        heads = self._heads(run, b, out, turned)
        x = x[:, first : first + rows] if rows < config.tokens else x
        x = run.see("residual", x + self._drop(run.product(g + 1, heads, block.out)))
        hidden = self._hidden(run, b, run.product(g + 2, x, block.up, block.norm2))
        return run.see("residual", x + self._drop(run.product(g + 3, hidden, block.down)))

    def _heads(self, run: ForwardPass, b: int, qkv: Tensor, turned: Tensor | None) -> Tensor:
        """Queries, keys and values [B, N, columns] to the heads [B, rows, F]."""
        config = self.config
        keys = (qkv.shape[-1] - config.features) // 2
        q, k, v = (
            part.unflatten(-1, (-1, config.head_width)).transpose(1, 2)
            for part in qkv.split((config.features, keys, keys), -1)
        )  # [B, H, N, E], keys and values of as many heads as there are
        if turned is not None:
            q, k = turn(q, turned), turn(k, turned)
        q, k, v = (run.see(f"{name}{b}", x) for name, x in zip("qkv", (q, k, v), strict=True))
        first, rows = gather_rows(config, block_gather(config, b) + 1)
        if rows < config.tokens:
            q = q[:, :, first : first + rows]
        k, v = run.remember(b, k, v)
        if self.key_head is not None:
            k, v = (part.index_select(1, self.key_head) for part in (k, v))
        heads = self._attend(q, k, v, config.causal)
        return heads.transpose(1, 2).flatten(2)

    def _hidden(self, run: ForwardPass, b: int, hidden: Tensor) -> Tensor:
        """What leaves the feed-forward's first product to its hidden columns [B, rows, M]."""
        config = self.config
        act = getattr(functional, config.activation)
        if config.feed_forward == "gated":
            gate, hidden = hidden.chunk(2, -1)
            hidden = act(run.see(f"gate{b}", gate)) * run.see(f"up{b}", hidden)
        else:
            hidden = act(run.see(f"up{b}", hidden))
        return self._drop(hidden)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
        """softmax(q k^T / sqrt(E)) v; q [B, H, rows, E], k and v [B, H, N, E]; ``causal``: the last
        row of q sees all of k, each before it one less."""
        lost = self.dropout if self.training else 0.0
        rows, seen = q.shape[2], k.shape[2]
        causal = causal and rows > 1
        if not lost or q.device.type != "cpu":
            if not causal or rows == seen:
                return functional.scaled_dot_product_attention(q, k, v, None, lost, causal)
            mask = torch.ones(rows, seen, dtype=torch.bool, device=q.device).tril(seen - rows)
            return functional.scaled_dot_product_attention(q, k, v, mask, lost)
        # PyTorch's fast kernel on a CPU knows no dropout.
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(2, 3)
        if causal:
            scores = scores + torch.full_like(scores[0, 0], -torch.inf).triu(1 + seen - rows)
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
