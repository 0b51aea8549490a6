# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Post-training quantisation of the Llama family: parameters, and what the float model's tensors
look like over some text, to a LlamaModel.

Every column of a tensor that a product reads has a scale of its own where that costs nothing: it
stands in the multipliers of the product before and in the weights of the one behind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping

import numpy as np

from cats.errors import CatsError
from cats.integer import four_bits
from cats.integer.compensate import compensated
from cats.integer.llama_model import (
    MAX_EXPONENT,
    Block,
    FourBitProduct,
    LlamaModel,
    RmsNorm,
    check_config,
    check_llama,
    columns_of,
    key_copies,
    parts_of,
)
from cats.integer.model import Product, fixed_point
from cats.integer.quantize import HEADROOM, Parameters, best_scale, gelu
from cats.integer.reference import everything
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import (
    NORMED,
    KeepSets,
    block_gather,
    check_keep,
    full_keep,
    gather_kind,
    parallel_columns,
)

#: Tensors of the float model over some text, by the names under which ``cats.nn`` shows them:
#: float [rows, columns], of queries, keys and values [rows, heads, E].
Seen = Mapping[str, np.ndarray]

#: A column may grow to this multiple of what calibration showed, as some thousand rows of it say
#: little of its largest; and so may gates and ups, which have bits to spare. Not keys of one byte:
#: a length is the largest that a column can have, and each step counts.
_MARGIN, _WIDE_MARGIN = 1.1, 1.5


def quantize_llama(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets | None,
    parameters: Parameters,
    seen: Seen,
    wide_keys: bool = True,
    in_four_bits: Collection[str] = (),
) -> LlamaModel:
    """The integer model; ``parameters`` as named by ``cats.nn.model.CatsTransformer``. Products of
    which ``in_four_bits`` has the name (``blocks.0.up``, or ``head`` of one that is not tied) have
    weights of four bits."""
    check_config(config)
    split.check(config)
    keep = full_keep(config, split) if keep is None else keep
    check_keep(config, split, keep)
    if unknown := set(in_four_bits) - set(four_bit_names(config)):
        raise CatsError(f"there is no product {min(unknown)} for four bits")
    if in_four_bits and keep != full_keep(config, split):
        raise CatsError("groups of four bits are of whole rows: leave all columns, or eight bits")
    return _Quantizer(config, split, keep, parameters, seen, wide_keys, in_four_bits).run()


def four_bit_names(config: ModelConfig) -> list[str]:
    """Products that can have weights of four bits, in running order."""
    names = [f"blocks.{b}.{part}" for b in range(config.blocks) for part in parts_of(config)]
    return names if config.tied else [*names, "head"]


class _Quantizer:
    def __init__(self, config, split, keep, parameters, seen, wide_keys, in_four_bits) -> None:  # noqa: ANN001
        self.in_four_bits, self.whole = in_four_bits, keep == full_keep(config, split)
        self.config, self.split, self.keep, self.wide_keys = config, split, keep, wide_keys
        self.parameters, self.seen = parameters, seen

    def run(self) -> LlamaModel:
        config, count = self.config, block_gather(self.config, self.config.blocks)
        normed = [g for g in range(1, count + 1) if gather_kind(config, g)[0] in NORMED]
        largest = np.max([np.abs(self.seen[f"gather{g}"]).max(0) for g in normed], 0)  # [F]
        self.exponent = _exponents(largest)
        self.column = 2.0**self.exponent  # scale of a residual column, in residual steps
        residual = np.abs(self.seen["residual"]).max(0) / self.column
        self.residual = float(residual.max()) * HEADROOM / 32767
        blocks = tuple(self.block(b) for b in range(config.blocks))
        norm, step = self.norm(count, "norm", self.parameters_of("head"))
        return self.ends(blocks, norm, step)

    def parameters_of(self, name: str) -> np.ndarray:
        """Weights [K, O] of a product."""
        if name == "head" and self.config.tied:
            return self.parameters["embed.weight"]
        return self.parameters[f"{name}.weight"].T

    def norm(self, g: int, name: str, weight: np.ndarray) -> tuple[RmsNorm, float]:
        """A norm before weights [K, O], and the real value of a step of what it gives."""
        gain, eps = self.parameters[f"{name}.weight"], self.config.norm_eps
        x = self.seen[f"gather{g}"]
        root = np.sqrt((x * x).mean(-1, keepdims=True) + eps)
        matters = (weight**2).sum(1) * (gain * self.column) ** 2 / root**2
        step = best_scale(x / self.column, matters)
        step = max(step, math.sqrt(eps) / 255)  # epsilon fits 32 bits
        out = max(np.abs(x / root * gain).max() / 1023, np.abs(gain).max() * 32 / 32767)
        multiplier, shift = fixed_point(np.array([self.residual / step]))
        epsilon = min(round(eps / step**2 * 65536), 2**32 - 1)
        gains = np.rint(gain / out * 32).astype(np.int16)
        return RmsNorm(gains, epsilon, int(multiplier[0]), shift), float(out)

    def product(self, g: int, name: str, entering: np.ndarray | float, out: np.ndarray) -> Product:
        """The product of that name; scales of what enters [K] and of what leaves [O]."""
        config, split = self.config, self.split
        kind, _ = gather_kind(config, g)
        weight = self.parameters_of(name)
        view = everything(config, split, self.keep).gathers[g][0]  # [D, K]
        read = np.zeros(weight.shape, bool)
        for d in range(split.nodes):
            columns = columns_of(config, split, kind, d)
            read[:, columns] |= view[d, :, None]
        weight = np.where(read, weight * np.reshape(entering, (-1, 1)), 0)
        seen = self.seen[f"norm{g}" if kind in NORMED else f"gather{g}"] / entering
        zero = np.zeros(weight.shape[1], np.int32)
        if name in self.in_four_bits:
            found = four_bits.quantize(weight, (seen**2).mean(0))
            scale = np.repeat(found.scale.astype(np.float64), four_bits.GROUP, 0) * found.step
            steps = compensated(weight, seen, _rounds(scale, four_bits.LOWEST, four_bits.HIGHEST))
            steps = np.divide(steps, scale[: len(weight)], where=scale[: len(weight)] != 0,
                              out=np.zeros_like(steps))  # fmt: skip
            rounded = np.rint(steps).astype(np.int8)
            multiplier, shift = fixed_point(found.step / out)
            return FourBitProduct(rounded, zero, multiplier, shift, found.scale)
        scale = np.abs(weight).max(0) / 127
        scale = np.maximum(scale, scale.max() * 2.0**-16 if scale.any() else 1.0)
        if self.whole:
            weight = compensated(weight, seen, _rounds(np.broadcast_to(scale, weight.shape), -127))
        rounded = np.clip(np.rint(weight / scale), -127, 127).astype(np.int8)
        multiplier, shift = fixed_point(scale / out)
        return Product(rounded, zero, multiplier, shift)

    def block(self, b: int) -> Block:
        config, g, name = self.config, block_gather(self.config, b), f"blocks.{b}."
        norm1, entering1 = self.norm(g, name + "norm1", self.parameters_of(name + "qkv"))
        residual = self.residual * self.column
        out1, score = self.queries(b)
        value, head, ratio = self.values(b)
        out1 = np.concatenate((*out1, value))
        up, hidden, table, factor = self.gates(b)
        score = round(2.0**32 * 256 * math.log2(math.e) * score / math.sqrt(config.head_width))
        value_multiplier, value_shift = fixed_point(np.array([ratio]))
        hidden_multiplier, hidden_shift = fixed_point(np.array([factor]))
        if config.parallel_blocks:
            both = np.concatenate((head, hidden))[parallel_columns(config, self.split)]
            return Block(
                norm1, self.product(g, name + "qkv", entering1, np.concatenate((out1, up))),
                min(score, 2**32 - 1), int(value_multiplier[0]), value_shift + 14,
                None, None, None, table, int(hidden_multiplier[0]), hidden_shift,
                self.product(g + 1, name + "down", both, residual),
            )  # fmt: skip
        norm2, entering2 = self.norm(g + 2, name + "norm2", self.parameters_of(name + "up"))
        return Block(
            norm1, self.product(g, name + "qkv", entering1, out1),
            min(score, 2**32 - 1), int(value_multiplier[0]), value_shift + 14,
            self.product(g + 1, name + "out", head, residual),
            norm2, self.product(g + 2, name + "up", entering2, up),
            table, int(hidden_multiplier[0]), hidden_shift,
            self.product(g + 3, name + "down", hidden, residual),
        )  # fmt: skip

    def queries(self, b: int) -> tuple[tuple[np.ndarray, np.ndarray], float]:
        """Scales of the columns of queries and keys as they leave their product, and the real value
        of a step of a score."""
        config = self.config
        shared = config.heads // config.key_heads

        def lengths(x: np.ndarray) -> np.ndarray:
            """The largest of each pair, however it is turned: [heads, E / 2]."""
            return np.hypot(x[..., ::2], x[..., 1::2]).max(0)

        key = np.maximum(self.each_head(lengths(self.seen[f"k{b}"])), 1e-9) / 127  # [G, E / 2]
        key = key * (_MARGIN if self.wide_keys else 1)
        norm = lengths(self.seen[f"q{b}"])
        key_of = np.repeat(key, shared, 0)
        step = max(float((norm * key_of).max()), 1e-9) / 1023
        out = np.repeat(step / 32 / key_of, 2, -1).ravel(), np.repeat(key / 128, 2, -1).ravel()
        return out, step / (16 if self.wide_keys else 1)

    def each_head(self, largest: np.ndarray) -> np.ndarray:
        """Of copies of key/value heads [copies, columns] the largest of each: [G, columns]."""
        heads = [head for _, head in key_copies(self.config, self.split)[0]]
        found = np.zeros((self.config.key_heads, largest.shape[1]))
        np.maximum.at(found, heads, largest)
        return found

    def sent(self, b: int) -> np.ndarray:
        """The largest of each head's column of a block, and then of each hidden column."""
        config, g = self.config, block_gather(self.config, b)
        if not config.parallel_blocks:
            parts = (self.seen[f"gather{at}"] for at in (g + 1, g + 3))
            return np.concatenate([np.abs(part).max(0) for part in parts])
        found = np.abs(self.seen[f"gather{g + 1}"]).max(0)
        return found[np.argsort(parallel_columns(config, self.split))]

    def values(self, b: int) -> tuple[np.ndarray, np.ndarray, float]:
        """Scales of the columns of values and of heads, and the one's part of the other, which is
        one for all columns."""
        config = self.config
        shared = config.heads // config.key_heads
        h = self.sent(b)[: config.features]
        h = h.reshape(config.key_heads, shared, -1).max(1).ravel()
        v = self.each_head(np.abs(self.seen[f"v{b}"]).max(0)).ravel()
        head = _MARGIN * np.maximum(h, max(h.max() * 2.0**-8, 1e-9)) / 127
        ratio = max(float((_MARGIN * v / 127 / head).max()), 1.0)
        value = head * ratio
        head = np.repeat(head.reshape(config.key_heads, 1, -1), shared, 1).ravel()
        return value, head, ratio

    def gates(self, b: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Scales of the FORWARD product's columns and of hidden ones, the table, and what the
        product of a gate's activation and an up is in steps of the hidden column."""
        m, u = self.sent(b)[self.config.features :], np.abs(self.seen[f"up{b}"]).max(0)
        gate = max(float(np.abs(self.seen[f"gate{b}"]).max()), 1e-9) * _WIDE_MARGIN / 32767
        hidden = _MARGIN * np.maximum(m, max(m.max() * 2.0**-8, 1e-9)) / 127
        ratio = max(float((u * _WIDE_MARGIN / 32767 / hidden).max()), 1e-9)
        real = _ACTIVATIONS[self.config.activation](np.arange(-128, 129) * 256 * gate)
        top = np.abs(real).max() / 32767
        table = np.rint(real / top).astype(np.int16)
        return np.concatenate((np.full(len(u), gate), hidden * ratio)), hidden, table, top * ratio

    def ends(self, blocks: tuple[Block, ...], norm: RmsNorm, entering: float) -> LlamaModel:
        """The model, with embedding and head."""
        config = self.config
        weight = self.parameters["embed.weight"].T  # [T, F]
        weights = weight[None]  # [parts, T, F]
        if config.layer_tables:
            weights = np.concatenate((weights, self.parameters["tables"]))
        step = _row_scale(weights.reshape(-1, config.features)).reshape(len(weights), -1)
        parts = np.clip(np.rint(weights / step[..., None]), -127, 127).astype(np.int8)
        multipliers, shift = fixed_point(step / self.residual)
        rows, multiplier = parts[0], multipliers[0]
        wanted = float(np.abs(self.seen["output"]).max()) * HEADROOM / 32767
        if config.tied:  # the multipliers are the embedding's, so the output's step is a power of
            power = math.ceil(math.log2(wanted / (entering * self.residual)))  # two of another
            output = entering * self.residual * 2.0**power
            head = Product(rows.T.copy(), np.zeros(len(rows), np.int32), multiplier, shift + power)
        else:
            output = wanted
            g = block_gather(config, config.blocks)
            head = self.product(g, "head", entering, np.full(config.outputs, output))
        pair = np.arange(0, config.head_width, 2) / config.head_width
        turn = np.rint(2.0**32 * config.rotary_base**-pair / (2 * math.pi))
        model = LlamaModel(
            config, self.split, self.keep, rows, multiplier, shift, self.exponent,
            (turn.astype(np.uint64) & 0xFFFFFFFF).astype(np.uint32), self.wide_keys, blocks, norm,
            head, output, *((parts[1:], multipliers[1:]) if config.layer_tables else ()),
        )  # fmt: skip
        check_llama(model)
        return model


def _rounds(
    scale: np.ndarray, low: int, high: int = 127
) -> Callable[[int, np.ndarray], np.ndarray]:
    """Rounding for ``compensated``, by scales [K, O]; 0 where a scale is."""

    def rounded(j: int, weight: np.ndarray) -> np.ndarray:
        steps = np.where(scale[j] != 0, scale[j], np.inf)
        return np.clip(np.rint(weight / steps), low, high) * scale[j]

    return rounded


def _silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


_ACTIVATIONS = {"silu": _silu, "gelu": gelu, "relu": lambda x: np.maximum(x, 0)}


def _row_scale(weight: np.ndarray) -> np.ndarray:
    """Real value of a step of each row of weight [T, F]."""
    scale = np.abs(weight).max(1) / 127
    return np.maximum(scale, max(scale.max() * 2.0**-16, 1e-12))


def _exponents(largest: np.ndarray) -> np.ndarray:
    """int8 [F]: exponents of the scales of columns that grow so large."""
    ratio = np.maximum(largest / largest.max(), 2.0**-8)
    exponent = np.clip(np.rint(np.log2(ratio)) + MAX_EXPONENT, 0, MAX_EXPONENT).astype(np.int8)
    while int((4 ** exponent.astype(np.int64)).sum()) << 14 >= 1 << 32:
        exponent = np.maximum(exponent - 1, 0).astype(np.int8)
    return exponent
