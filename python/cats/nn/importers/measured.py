# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A user's own module around ``torch.nn.TransformerEncoderLayer``: what it does before its blocks
and behind them is measured.

Both are affine maps, if the module can be imported at all, so zeros and unit vectors tell all of
them, whatever they are built of. It is measured in double precision, on a copy whose blocks return
what they are given.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cats.errors import CatsError
from cats.nn.importers.imported import Imported, activation_name, assemble, in_order
from cats.shape.config import ModelConfig

#: Unit vectors that are tried at a time.
AT_ONCE = 64
#: Of the largest value, in double precision: what counts as equal.
NEAR = 1e-6


def measured(module: nn.Module, example: Tensor, rows: Tensor | None, task: str) -> Imported:
    """``module`` in evaluation mode; ``example`` [1, ...], ``rows`` and ``task`` as
    ``cats.nn.importers.imported`` has them."""
    stub = _Stub(module)
    stub.run(example.double())
    layers, causal, norm = stub.found()
    embedding = _embedding(stub, example.double(), rows)
    head = _head(stub, example.double(), embedding.classed)
    blocks = [_block(layer) for layer in layers]
    shape = {name: _one(name, [block[0][name] for block in blocks]) for name in blocks[0][0]}
    if norm.eps != shape["norm_eps"]:
        raise CatsError(
            f"norms of the blocks have an epsilon of {shape['norm_eps']:g}, the final one of "
            f"{norm.eps:g}: a CATS model has one for all"
        )
    tokens_in, inputs = embedding.order.shape
    config = ModelConfig(
        tokens_in, inputs, len(head.weight), causal=causal, pool=head.pool, task=task, **shape,
        blocks=len(blocks),
    )  # fmt: skip
    tensors = {
        "embed.weight": embedding.weight,
        "embed.bias": torch.zeros(config.features),
        "position": embedding.position,
        **{
            f"blocks.{b}.{name}": x
            for b, block in enumerate(blocks)
            for name, x in block[1].items()
        },
        **_of_norm("norm", norm),
        "head.weight": head.weight,
        "head.bias": head.bias,
    }
    if embedding.classed:  # it is in row 0 of the positions
        tensors["class_token"] = torch.zeros(config.features)
    names = {id(part): name or "itself" for name, part in module.named_modules()}
    where = list(dict.fromkeys(names[id(layer)] for layer in layers))
    unread = example.numel() - embedding.order.numel()
    notes = (
        f"input {list(example.shape[1:])}: {tokens_in} rows of {inputs} columns, each row by one "
        f"linear map to {config.features} features, and positions"
        + (", behind a class token" if embedding.classed else "")
        + (f"; {unread} values are not read" if unread else ""),
        f"{len(layers)} blocks ({where[0]}{' to ' + where[-1] if where[1:] else ''}): "
        f"{config.heads} heads, {config.hidden} hidden columns, {config.activation}"
        + (", causal" if causal else ""),
        f"final norm: {names[id(norm)]}",
        f"output: {HEADS[head.pool]}, one linear map to {config.outputs}",
    )
    return Imported(assemble(config, tensors), notes, embedding.order, tuple(example.shape[1:]))


#: What the head reads, in words.
HEADS = {
    "class": "of the class token",
    "last": "of the last row",
    "mean": "of the mean over rows, normed",
    "mean_of_norm": "of the mean over normed rows",
    "all": "of every row",
}


@dataclass
class _Call:
    """One call of a block: what it was given and what it returned, as it has them."""

    layer: nn.TransformerEncoderLayer
    source: Tensor
    result: Tensor
    mask: Tensor | None
    padding: Tensor | None


class _Stub:
    """A copy of a module in double precision; its blocks return what they are given, the last of
    them, and the norm behind it, what ``run`` is told."""

    def __init__(self, module: nn.Module) -> None:
        layers = [m for m in module.modules() if isinstance(m, nn.TransformerEncoderLayer)]
        inside = {id(part) for layer in layers for part in layer.modules()}
        self.calls: list[_Call] = []
        self.norms: list[tuple[nn.Module, Tensor]] = []  # behind the last call of a block
        self.count = 0  # calls of blocks
        self._blocks_give: Tensor | None = None
        self._norm_gives: Tensor | None = None
        memory: dict[int, Any] = {}
        self._copy = copy.deepcopy(module, memory).double()
        for part in module.modules():
            if isinstance(part, nn.TransformerEncoderLayer):
                memory[id(part)].forward = self._as_block(part)
            elif id(part) not in inside and _is_norm(part):
                memory[id(part)].forward = self._as_norm(part, memory[id(part)].forward)

    def _as_block(self, layer: nn.TransformerEncoderLayer) -> Callable[..., Tensor]:
        def forward(
            src: Tensor,
            src_mask: Tensor | None = None,
            src_key_padding_mask: Tensor | None = None,
            is_causal: bool = False,
        ) -> Tensor:
            result = src.clone()
            if self._blocks_give is not None and len(self.calls) + 1 == self.count:
                result = turned(layer, self._blocks_give)
            self.calls.append(_Call(layer, src, result, src_mask, src_key_padding_mask))
            self.norms.clear()
            return result

        return forward

    def _as_norm(self, norm: nn.Module, forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def recorded(x: Tensor) -> Tensor:
            self.norms.append((norm, x))
            if self._norm_gives is None or len(self.calls) < self.count:
                return forward(x)
            return self._norm_gives.view(x.shape)

        return recorded

    def run(
        self, x: Tensor, blocks_give: Tensor | None = None, norm_gives: Tensor | None = None
    ) -> Tensor:
        """The output [B, ..] of x [B, ..]; the blocks give [B, N, F], and the norm anything of the
        shape that it has there."""
        self.calls.clear()
        self.norms.clear()
        self._blocks_give, self._norm_gives = blocks_give, norm_gives
        try:
            output = self._copy(x)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise CatsError(f"the module fails on input of {list(x.shape)}: {reason}") from None
        self.count = len(self.calls)
        return output

    def embedded(self, x: Tensor) -> Tensor:
        """What enters the first block, [B, N, F]."""
        self.run(x)
        return turned(self.calls[0].layer, self.calls[0].source)

    def found(self) -> tuple[list[nn.TransformerEncoderLayer], bool, nn.LayerNorm]:
        """(the blocks in the order of their calls, whether they are causal, the final norm) of
        a run; CatsError where it cannot be imported."""
        if not self.calls:
            raise CatsError("the module calls no nn.TransformerEncoderLayer that it holds")
        for call, following in zip(self.calls, self.calls[1:], strict=False):
            if following.source is not call.result:
                raise CatsError("something stands between two blocks: that cannot be imported")
        layers = [call.layer for call in self.calls]
        for layer in layers:
            if not layer.norm_first:
                raise CatsError(
                    "post-norm blocks: a CATS model is pre-norm (norm_first=True), and neither "
                    "can compute the other"
                )
        causal = _one("mask", [_causal(call) for call in self.calls])
        if not self.norms:
            raise CatsError(
                "no norm behind the last block: a CATS model always norms before its head, so this "
                "cannot be imported exactly; train it with nn.TransformerEncoder(norm=LayerNorm)"
            )
        if len(self.norms) > 1:
            raise CatsError(f"{len(self.norms)} norms behind the last block: only one can be taken")
        norm, _ = self.norms[0]
        _check_norm(norm, layers[0].self_attn.embed_dim)
        return layers, causal, norm


def turned(layer: nn.TransformerEncoderLayer, x: Tensor) -> Tensor:
    """Between [B, N, F] and what the block takes."""
    return x if layer.self_attn.batch_first else x.transpose(0, 1)


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.LayerNorm) or "RMSNorm" in type(module).__name__


def _check_norm(norm: nn.Module, features: int) -> None:
    if not isinstance(norm, nn.LayerNorm):
        raise CatsError(f"a norm is {type(norm).__name__}: only nn.LayerNorm can be taken")
    if tuple(norm.normalized_shape) != (features,):
        raise CatsError(
            f"a norm is over {list(norm.normalized_shape)}: it must be over the {features} features"
        )


def _causal(call: _Call) -> bool:
    mask = call.mask
    if call.padding is not None and call.padding.any():
        raise CatsError("a padding mask: a CATS model reads all rows")
    if mask is None or not mask.any():
        return False
    blocked = mask if mask.dtype == torch.bool else mask == -torch.inf
    plain = mask.dtype == torch.bool or not mask.masked_fill(blocked, 0).any()
    if not plain or not bool((blocked == torch.ones_like(blocked).triu(1)).all()):
        raise CatsError("an attention mask other than none or causal cannot be imported")
    return True


def _one(name: str, values: list) -> Any:
    """The value that all blocks have."""
    if any(value != values[0] for value in values):
        raise CatsError(f"blocks differ in {name} ({in_order(values)}): all must be alike")
    return values[0]


def _near(found: Tensor, wanted: Tensor) -> bool:
    if found.shape != wanted.shape:
        return False
    scale = max(wanted.abs().max().item(), 1e-30)
    return (found - wanted).abs().max().item() <= NEAR * scale


def _noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape))).double()


@dataclass
class _Embedding:
    """Before the blocks. ``weight`` [F, P]; ``position`` [N, F], all that does not depend on the
    input; ``order`` as in ``Imported``; ``classed``: whether row 0 is a class token."""

    weight: Tensor
    position: Tensor
    order: Tensor
    classed: bool


def _embedding(stub: _Stub, example: Tensor, rows: Tensor | None) -> _Embedding:
    nothing, noise = torch.zeros_like(example), _noise(*example.shape)
    fixed, some = stub.embedded(nothing)[0], stub.embedded(noise)[0]  # [N, F]
    opposite, more = stub.embedded(-noise)[0], stub.embedded(3 * noise)[0]
    if not _near(some + opposite, 2 * fixed) or not _near(more - fixed, 3 * (some - fixed)):
        raise CatsError(
            "what stands before the first block is no linear map of the input (it has a norm or an "
            "activation): that cannot be imported"
        )
    places = _places(stub, noise)
    empty = [n for n, place in enumerate(places) if not len(place)]
    if len(empty) == len(places):
        raise CatsError("what enters the first block does not depend on the input")
    if empty not in ([], [0]):
        raise CatsError(
            f"rows {in_order(empty)} hold no input: one class token in row 0 can be imported; "
            "registers and a distillation token cannot"
        )
    classed = bool(empty)
    order = _order(places[classed:], rows)
    columns = []  # every row tries another one at a time
    for chunk in torch.arange(order.shape[1]).split(len(order)):
        units, tried = nothing.clone(), torch.arange(len(chunk))
        units.view(-1)[order[tried, chunk]] = 1
        columns.append((stub.embedded(units)[0] - fixed)[classed + tried])
    weight = torch.cat(columns).T
    if not _near(noise.flatten()[order] @ weight.T + fixed[classed * 1 :], some[classed * 1 :]):
        raise CatsError(
            "rows are embedded by different maps, or read their values in different order: a CATS "
            "model has one map for all rows"
        )
    return _Embedding(weight, fixed, order, classed)


def _order(places: list[Tensor], rows: Tensor | None) -> Tensor:
    """``order`` of ``Imported`` of what each row reads, or as ``rows`` has it."""
    if rows is None:
        if len({len(place) for place in places}) > 1:
            raise CatsError("rows read unequal numbers of input values: that cannot be imported")
        return torch.stack(places)
    order = rows.long()
    if len(order) != len(places) or not all(
        set(place.tolist()) <= set(row) for place, row in zip(places, order.tolist(), strict=True)
    ):
        raise CatsError("rows= does not name the values that each row of the module reads")
    return order


def _places(stub: _Stub, x: Tensor) -> list[Tensor]:
    """For each row that enters the first block, which values of the flattened x [1, ...] it
    reads: of the sums of all rows, times 1, n and n^2, the gradients at a value that row n alone
    reads are as 1, n and n^2."""
    x = x.clone().requires_grad_()
    with torch.enable_grad():
        embedded = stub.embedded(x)[0]  # [N, F]
        rows = torch.arange(len(embedded), dtype=torch.float64)
        if not embedded.requires_grad:
            return [torch.empty(0)] * len(rows)
        mixed = embedded @ _noise(embedded.shape[1])
        sums = [mixed @ rows**power for power in range(3)]
        once, first, second = (
            torch.autograd.grad(total, x, retain_graph=True)[0].flatten() for total in sums
        )
    read = once.abs() + first.abs() + second.abs() > 0
    row = (first / once).round()
    alone = (first - row * once).abs() + (second - row**2 * once).abs()
    if not (alone[read] <= NEAR * (1 + row[read] ** 2) * once[read].abs()).all():
        raise CatsError(
            "rows share input values (patches that overlap, a mean over the input): each value can "
            "be read by one row"
        )
    return [(read & (row == n)).nonzero()[:, 0] for n in range(len(rows))]


@dataclass
class _Head:
    """Behind the blocks: ``weight`` [C, F], ``bias`` [C], and what they read, as in
    ``ModelConfig``."""

    weight: Tensor
    bias: Tensor
    pool: str


#: What one row is of x [B, N, F], in the order in which it is tried.
_PICKS: dict[str, Callable[[Tensor], Tensor]] = {
    "last": lambda x: x[:, -1],
    "mean": lambda x: x.mean(1),
    "class": lambda x: x[:, 0],
}


def _head(stub: _Stub, example: Tensor, classed: bool) -> _Head:
    rows, features = stub.embedded(example).shape[1:]
    pool, batch_first = _normed(stub, example, rows, features, classed)
    one = pool != "all"  # the norm reads one row

    def output(given: Tensor) -> Tensor:
        """[B, K] where the norm gives [B, N, F], or [B, F] of one row."""
        repeated = example.expand(len(given), *example.shape[1:])
        turned_ = given if batch_first else given.transpose(0, 1).contiguous()
        result = stub.run(repeated, norm_gives=turned_)
        if not isinstance(result, Tensor):
            raise CatsError(
                f"the module returns {type(result).__name__}: wrap it so that it returns a tensor"
            )
        if not result.dim() or len(result) != len(given):
            raise CatsError(
                f"the module returns {list(result.shape)} for {len(given)} samples: the batch must "
                "come first"
            )
        return result.flatten(1)

    shape = (features,) if one else (rows, features)
    units = torch.eye(features, dtype=torch.float64)
    units = units if one else units[:, None].expand(-1, rows, -1)
    bias = output(torch.zeros(1, *shape).double())[0]  # [K]
    weight = torch.cat([output(chunk) for chunk in units.split(AT_ONCE)]).T - bias[:, None]
    tried = _noise(2, *shape)
    tried = torch.cat((tried, -3 * tried))
    wanted = output(tried)  # [4, K]

    def fits(head: _Head, read: Tensor) -> bool:
        return _near(functional.linear(read, head.weight, head.bias).flatten(1), wanted)

    heads = [(_Head(weight, bias, pool), tried)]
    if not one:
        count = len(bias) // rows
        heads = [(_Head(weight[:count], bias[:count], "all"), tried)]
        for name, pick in _PICKS.items():
            pool = "mean_of_norm" if name == "mean" else name
            heads.append((_Head(weight, bias, pool), pick(tried)))
    head = next((head for head, read in heads if fits(head, read)), None)
    if head is None:
        raise CatsError(
            "what stands behind the final norm is not one linear map of all rows, of one or of "
            "their mean (leave a softmax out; a class token is no part of a mean)"
        )
    if classed and head.pool != "class":
        raise CatsError(
            "the output is of more than the class token: with one a CATS model reads nothing else"
        )
    if head.pool == "class" and not classed:
        raise CatsError(
            "the output is of the first row, which is no class token: that cannot be imported"
        )
    return head


def _normed(
    stub: _Stub, example: Tensor, rows: int, features: int, classed: bool
) -> tuple[str, bool]:
    """(what the final norm reads: ``all`` rows, or the one of ``_PICKS``; whether the batch comes
    first there)."""
    noise = _noise(2, rows, features)
    stub.run(example.expand(2, *example.shape[1:]), blocks_give=noise)
    entered = stub.norms[0][1]
    if rows > 1 and _near(entered, noise):
        return "all", True
    if rows > 1 and _near(entered, noise.transpose(0, 1)):
        return "all", False
    names = reversed(_PICKS) if classed else iter(_PICKS)
    for name in names:
        if entered.numel() == 2 * features and _near(entered.reshape(2, -1), _PICKS[name](noise)):
            return name, True
    raise CatsError("what the final norm reads is neither all rows, nor one, nor their mean")


def _block(layer: nn.TransformerEncoderLayer) -> tuple[dict, dict[str, Tensor]]:
    """(what ``ModelConfig`` says of it, parameters of a ``cats.nn.model.Block``)."""
    attention = layer.self_attn
    features = attention.embed_dim
    for norm in (layer.norm1, layer.norm2):
        _check_norm(norm, features)
    _one("norm_eps", [layer.norm1.eps, layer.norm2.eps])
    if attention.in_proj_weight is None or attention.bias_k is not None or attention.add_zero_attn:
        raise CatsError("attention with other keys or values (kdim, add_bias_kv, add_zero_attn)")
    shape = {
        "features": features,
        "heads": attention.num_heads,
        "hidden": layer.linear1.out_features,
        "activation": activation_name(layer.activation),
        "norm_eps": layer.norm1.eps,
    }
    tensors = {
        "qkv.weight": attention.in_proj_weight,
        "qkv.bias": _bias(attention.in_proj_bias, 3 * features),
        **_of_norm("norm1", layer.norm1),
        **_of_norm("norm2", layer.norm2),
    }
    linears = {"out": attention.out_proj, "up": layer.linear1, "down": layer.linear2}
    for name, linear in linears.items():
        tensors[f"{name}.weight"] = linear.weight
        tensors[f"{name}.bias"] = _bias(linear.bias, linear.out_features)
    return shape, tensors


def _bias(bias: Tensor | None, width: int) -> Tensor:
    return torch.zeros(width) if bias is None else bias


def _of_norm(name: str, norm: nn.LayerNorm) -> dict[str, Tensor]:
    (width,) = norm.normalized_shape
    gain = torch.ones(width) if norm.weight is None else norm.weight
    return {f"{name}.weight": gain, f"{name}.bias": _bias(norm.bias, width)}
