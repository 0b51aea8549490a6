# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Post-training quantisation: float parameters and some inputs to an IntegerModel.

Three steps: run the float model over the calibration inputs and keep what each tensor looks like
(``FloatInference``, also the oracle of ``report``); choose a scale for each tensor
(``calibrate``); write every number of ``doc/numerics.rst`` from scales and parameters (``build``).
All in float64 with NumPy alone.

Letters as in ``cats.integer.reference``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.integer.model import (
    MAX_BIAS,
    IntegerModel,
    Norm,
    Product,
    Step,
    check_integer,
    embed_out_blocks,
    fixed_point,
    product_outputs,
    stem_blocks,
)
from cats.integer.reference import Availability, averages, everything, outputs_of, run_batch
from cats.shape.config import ModelConfig, SplitConfig, later
from cats.shape.partition import (
    KeepSets,
    Kind,
    check_keep,
    full_keep,
    gather_count,
    gather_kind,
    gather_rows,
)

Parameters = Mapping[str, np.ndarray]
Observe = Callable[[str, np.ndarray], None]

#: The residual and the output may grow to this multiple of what calibration showed.
HEADROOM = 2.0
#: Largest step of a score, in 1/256 log2: score_multiplier stays below 2^32.
_LARGEST_SCORE_STEP = 1 - 2.0**-20
#: A tensor without a larger magnitude counts as zeros.
_ZERO = 1e-12
#: About how many values of a tensor the search for its scale looks at.
_SEARCHED = 1 << 16
#: Ranges that the search tries, as parts of the largest magnitude.
_CLIPS = np.geomspace(1 / 16, 1, 49)


# The float model


def parameter_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the parameters of ``cats.nn.model.CatsTransformer``."""
    features, hidden = config.features, config.hidden
    shapes: dict[str, tuple[int, ...]] = {
        "embed.weight": (config.embed_outputs, config.embed_inputs),
        "embed.bias": (config.embed_outputs,),
        "position": (config.tokens, features),
        "norm.weight": (features,),
        "norm.bias": (features,),
        "head.weight": (config.outputs, features),
        "head.bias": (config.outputs,),
    }
    if config.pool == "class":
        shapes["class_token"] = (features,)
    if config.linear:
        shapes["linear.weight"] = (config.outputs, config.window)
        shapes["linear.bias"] = (config.outputs,)
    if config.stem:
        shapes["stem.weight"] = (config.embed_hidden, config.inputs)
        shapes["stem.bias"] = (config.embed_hidden,)
    if config.embed_layers == 2:
        shapes["embed_out.weight"] = (features, config.embed_hidden)
        shapes["embed_out.bias"] = (features,)
    for b in range(config.blocks):
        for name, out, columns in (
            ("qkv", 3 * features, features),
            ("out", features, features),
            ("up", hidden, features),
            ("down", features, hidden),
        ):
            shapes[f"blocks.{b}.{name}.weight"] = (out, columns)
            shapes[f"blocks.{b}.{name}.bias"] = (out,)
        for name in ("norm1", "norm2"):
            shapes[f"blocks.{b}.{name}.weight"] = shapes[f"blocks.{b}.{name}.bias"] = (features,)
    return shapes


def check_parameters(config: ModelConfig, parameters: Parameters) -> dict[str, np.ndarray]:
    """The parameters as float64; CatsError where one is missing, misshapen, NaN or infinite."""
    checked = {}
    for name, shape in parameter_shapes(config).items():
        if name not in parameters:
            raise CatsError(f"parameter {name} is missing: was this model made by this version?")
        value = np.asarray(parameters[name], np.float64)
        if value.shape != shape:
            raise CatsError(f"parameter {name} has shape {list(value.shape)}, not {list(shape)}")
        if not np.isfinite(value).all():
            raise CatsError(f"parameter {name} holds NaN or infinity: did training diverge?")
        checked[name] = value
    return checked


def _consumer(config: ModelConfig, g: int) -> tuple[str, str | None]:
    """Names of the product behind gather g and of the norm before it."""
    kind, b = gather_kind(config, g)
    return {
        Kind.INPUT: ("embed", None),
        Kind.ATTENTION: (f"blocks.{b}.qkv", f"blocks.{b}.norm1"),
        Kind.HEADS: (f"blocks.{b}.out", None),
        Kind.FORWARD: (f"blocks.{b}.up", f"blocks.{b}.norm2"),
        Kind.HIDDEN: (f"blocks.{b}.down", None),
        Kind.OUTPUT: ("head", "norm"),
    }[kind]


def gelu(x: np.ndarray) -> np.ndarray:
    """x / 2 (1 + erf(x / sqrt 2)), with the C library's erf, which is good to the last bit or so
    everywhere; a table entry would differ only where the exact value is that near a half."""
    erf = np.vectorize(math.erf, otypes=[np.float64])
    return x / 2 * (1 + erf(x / math.sqrt(2)))


class FloatInference:
    """The model in float64, with the same losses and the same trace as the integer reference.

    ``observe(name, tensor)`` sees what ``reference.run_batch`` traces under the same names.
    """

    def __init__(
        self,
        config: ModelConfig,
        split: SplitConfig,
        keep: KeepSets,
        parameters: Parameters,
        availability: Availability | None = None,
        observe: Observe | None = None,
    ) -> None:
        self.config, self.split, self.parameters = config, split, parameters
        self.availability = availability or everything(config, split, keep)
        self.observe = observe or (lambda name, tensor: None)

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """inputs [B, tokens_in, P] -> output [B, output rows, C], as their owners compute it."""
        config, parameters = self.config, self.parameters
        window = inputs.reshape(len(inputs), 1, -1)
        if config.stem:
            self.observe("input", inputs)
            stem = inputs @ _stem(config, self.split, parameters) + parameters["stem.bias"]
            inputs = stem if config.signed_stem else np.maximum(stem, 0)
        x = self.product(0, inputs)
        if config.embed_layers == 2:
            hidden = np.maximum(x, 0)
            self.observe("embed", hidden)
            x = hidden @ _embed_out(config, self.split, parameters) + parameters["embed_out.bias"]
        if config.pool == "class":
            token = np.broadcast_to(parameters["class_token"], (len(x), 1, config.features))
            x = np.concatenate((token, x), 1)
        x = x + parameters["position"]
        self.observe("residual0", x)
        for b in range(config.blocks):
            x = self.block(b, x)
        g = 4 * config.blocks + 1
        first, rows = gather_rows(config, g)
        pooled = x.mean(1, keepdims=True) if config.pool == "mean" else x[:, first : first + rows]
        out = self.product(g, pooled)
        if config.linear:
            direct = window @ parameters["linear.weight"].T + parameters["linear.bias"]
            self.observe("linear", direct)
            out = out + direct
        self.observe(f"sent{g + 1}", out)
        return out

    def block(self, b: int, x: np.ndarray) -> np.ndarray:
        """Residual [B, N, F] -> the same behind block b, in the rows that later gathers read."""
        config, g = self.config, 1 + 4 * b
        parts = np.split(self.product(g, x), 3, -1)
        q, k, v = (np.swapaxes(p.reshape(*x.shape[:2], config.heads, -1), 1, 2) for p in parts)
        for name, part in zip("qkv", (q, k, v), strict=True):
            self.observe(f"{name}{b}", part)
        first, rows = gather_rows(config, g + 1)
        read = slice(first, first + rows)
        visible = np.ones((config.tokens, config.tokens), bool)
        if config.causal:
            visible = np.tril(visible)
        heads = np.empty((len(x), rows, config.features))
        for sample in range(len(x)):  # all their scores at once would take much memory
            score = q[sample][:, read] @ np.swapaxes(k[sample], -1, -2)  # [H, R, N]
            score = np.where(visible[read], score / math.sqrt(config.head_width), -np.inf)
            weight = np.exp(score - score.max(-1, keepdims=True))
            out = weight / weight.sum(-1, keepdims=True) @ v[sample]  # [H, R, E]
            heads[sample] = np.swapaxes(out, 0, 1).reshape(rows, -1)

        x = x.copy()
        x[:, read] += self.product(g + 1, heads)
        self.observe(f"residual{g + 1}", x)
        out = self.product(g + 2, x[:, read])
        hidden = np.maximum(out, 0) if config.activation == "relu" else gelu(out)
        x = x.copy()
        x[:, read] += self.product(g + 3, hidden)
        self.observe(f"residual{g + 3}", x)
        return x

    def product(self, g: int, sent: np.ndarray) -> np.ndarray:
        """Gather g and its product: [B, R, K] -> [B, R, O]."""
        self.observe(f"sent{g}", sent)
        linear, _ = _consumer(self.config, g)
        weight, bias = self.parameters[f"{linear}.weight"], self.parameters[f"{linear}.bias"]
        has = self.availability.gathers[g]
        if self.availability.all_equal(g):
            out = self.view(g, "all", sent, has[..., 0, :]) @ weight.T + bias
        else:
            rows = 1 if averages(self.config, g) else sent.shape[1]
            out = np.empty((len(sent), rows, len(weight)))
            for d in range(self.split.nodes):
                y = self.view(g, str(d), sent, has[..., d, :])
                for columns in outputs_of(self.config, self.split, g, d):
                    out[..., columns] = y @ weight[columns].T + bias[columns]
        self.observe(f"out{g}", out)
        return out

    def view(self, g: int, node: str, sent: np.ndarray, available: np.ndarray) -> np.ndarray:
        """What a node multiplies: [B, R, K], 0 where a column is not available; [B, 1, K] where
        the product reads a mean."""
        _, norm = _consumer(self.config, g)
        available = np.broadcast_to(available, sent.shape)
        if norm is None:
            return np.where(available, sent, 0)
        n = np.maximum(available.sum(-1, keepdims=True), 1)  # a node that only senses may have none
        mean = np.where(available, sent, 0).sum(-1, keepdims=True) / n
        centred = np.where(available, sent - mean, 0)
        variance = (centred**2).sum(-1, keepdims=True) / n
        y = centred / np.sqrt(variance + self.config.norm_eps)
        y = y * self.parameters[f"{norm}.weight"] + self.parameters[f"{norm}.bias"]
        y = np.where(available, y, 0)
        self.observe(f"norm{g}.{node}", y)
        if averages(self.config, g):
            y = y.mean(1, keepdims=True)
            self.observe(f"mean.{node}", y)
        return y


# Scales


@dataclass(frozen=True)
class Scales:
    """Real value of one step of each tensor.

    sent[g] of what gather g carries (RESULT: the output), norm[g] of the norm's output (1 where
    there is none), query, key, value and up (GELU's pre-activation) of each block, mean of the mean
    of normed rows (1 where there is none), embed of the embedding's hidden columns (1 where it has
    one layer), input of what a stem reads (1 without one). The linear path reads what INPUT
    carries.
    """

    residual: float
    sent: tuple[float, ...]
    norm: tuple[float, ...]
    query: tuple[float, ...]
    key: tuple[float, ...]
    value: tuple[float, ...]
    up: tuple[float, ...]
    mean: float = 1.0
    embed: float = later(1.0)
    input: float = later(1.0)


def best_scale(
    values: np.ndarray,
    weights: np.ndarray | None = None,
    through: Callable[[np.ndarray], np.ndarray] | None = None,
) -> float:
    """The int8 step with the least (weighted) squared error over ``values``; 1/127 for zeros.

    ``weights`` broadcast to values say how much an error in a place matters; ``through`` is a
    function behind which the error is taken.
    """
    largest = float(np.abs(values).max(initial=0))
    if largest < _ZERO:
        return 1 / 127
    weights = np.ones(1) if weights is None else weights
    weights = np.broadcast_to(weights, values.shape).ravel()
    values = values.ravel()
    through = through or (lambda x: x)
    target = through(values)
    steps = np.arange(-128, 128)
    errors = []
    for clip in _CLIPS:
        step = clip * largest / 127
        rounded = np.clip(np.rint(values / step), -128, 127).astype(np.int64)
        error = through(steps * step)[rounded + 128] - target
        errors.append(float((error * error * weights).sum()))
    best = min(reversed(range(len(errors))), key=errors.__getitem__)  # the widest among equals
    return float(_CLIPS[best]) * largest / 127


def _wide_scale(largest: float) -> float:
    """The int16 step that leaves HEADROOM above the largest magnitude."""
    return (largest * HEADROOM if largest >= _ZERO else 1.0) / 32767


def _some_rows(x: np.ndarray, values: int) -> np.ndarray:
    """About ``values`` of the values of x [..., K], whole rows of it: [rows, K]."""
    rows = x.reshape(-1, x.shape[-1])
    count = max(1, values // x.shape[-1])
    if count >= len(rows):
        return rows.copy()
    return rows[np.random.RandomState(0).permutation(len(rows))[:count]]


def calibrate(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    parameters: Parameters,
    inputs: np.ndarray,
) -> Scales:
    """Choose all scales from what the tensors look like over inputs [B, tokens_in, P]."""
    config.check_integers()
    count, blocks = gather_count(config), range(config.blocks)
    last = count - 2
    seen: dict[str, np.ndarray] = {}  # some rows of each tensor
    largest = {"residual": 0.0, "output": 0.0}

    def observe(name: str, tensor: np.ndarray) -> None:
        wide = {"residual": "residual"}
        wide |= dict.fromkeys((f"sent{count - 1}", f"out{last}", "linear"), "output")
        for start, kept in wide.items():
            if name.startswith(start):
                largest[kept] = max(largest[kept], float(np.abs(tensor).max()))
                return
        name, _, node = name.partition(".")
        share = 1 if node in ("", "all") else split.nodes
        rows = _some_rows(tensor, _SEARCHED // share)
        seen[name] = np.concatenate((seen[name], rows)) if name in seen else rows

    FloatInference(config, split, keep, parameters, observe=observe).run(inputs)

    sent, norms = [], []
    for g in range(count - 1):
        linear, norm = _consumer(config, g)
        x = seen[f"sent{g}"]
        energy = (parameters[f"{linear}.weight"] ** 2).sum(0)  # what an error in a column does
        if g == 0 and config.linear and parameters["linear.weight"].any():
            x = _some_rows(inputs.reshape(len(inputs), -1), _SEARCHED)
            energy = (parameters["linear.weight"] ** 2).sum(0)  # straight to the output
        if norm is None:
            sent.append(best_scale(x, energy))
            norms.append(1.0)
            continue
        gain, bias = parameters[f"{norm}.weight"], parameters[f"{norm}.bias"]
        scale = best_scale(x, energy * gain**2 / (x.var(-1, keepdims=True) + config.norm_eps))
        sent.append(max(scale, math.sqrt(config.norm_eps) / 255))  # norm_epsilon fits 32 bits
        steps = max(np.abs(gain).max(), np.abs(bias).max()) * 256 / 32767  # they fit int16
        norms.append(max(best_scale(seen[f"norm{g}"], energy), steps))
    sent.append(_wide_scale(largest["output"]))
    mean = 1.0
    if averages(config, last):
        mean = best_scale(seen["mean"], (parameters["head.weight"] ** 2).sum(0))
    embed = given = 1.0
    if config.stem:
        given = best_scale(seen["input"], (_stem(config, split, parameters) ** 2).sum(1))
    if config.embed_layers == 2:
        embed = best_scale(seen["embed"], (_embed_out(config, split, parameters) ** 2).sum(1))
    up = [best_scale(seen[f"out{3 + 4 * b}"], through=gelu) for b in blocks]
    query, key, value = ([best_scale(seen[f"{name}{b}"]) for b in blocks] for name in "qkv")
    for b in blocks:
        sent[2 + 4 * b] = min(sent[2 + 4 * b], value[b])  # a mean of values reaches no further
        shrink = 1 / math.sqrt(max(1, _score_step(config, query[b], key[b]) / _LARGEST_SCORE_STEP))
        query[b] *= max(shrink, 0.25)  # such scores saturate the softmax anyway; more is refused
        key[b] *= max(shrink, 0.25)
    return Scales(
        residual=_wide_scale(largest["residual"]),
        sent=tuple(float(np.float32(scale)) for scale in sent),  # images hold single precision
        norm=tuple(map(float, norms)),
        query=tuple(query),
        key=tuple(key),
        value=tuple(value),
        up=tuple(up),
        mean=mean,
        embed=embed,
        input=float(np.float32(given)),
    )


# The integer model


def build(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    parameters: Parameters,
    scales: Scales,
) -> IntegerModel:
    """Every number of the integer model from parameters and scales."""
    steps = [
        _step(config, split, keep, parameters, scales, g) for g in range(gather_count(config) - 1)
    ]
    linear = embed_out = stem = None
    if config.linear:
        weight, bias = parameters["linear.weight"].T, parameters["linear.bias"]
        output = np.full(len(bias), scales.sent[-1])
        linear = _product(weight, bias, scales.sent[0], output)
    if config.stem:
        weight, bias = _stem(config, split, parameters), parameters["stem.bias"]
        stem = _product(weight, bias, scales.input, np.full(len(bias), scales.sent[0]))
    if config.embed_layers == 2:
        residual = np.full(config.features, scales.residual)
        weight = _embed_out(config, split, parameters)
        embed_out = _product(weight, np.zeros_like(residual), scales.embed, residual)
    model = IntegerModel(
        config, split, keep, scales.input if config.stem else scales.sent[0], scales.sent[-1],
        (*steps, Step()), linear=linear, embed_out=embed_out, stem=stem,
    )  # fmt: skip
    check_integer(model)
    return model


def _step(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    parameters: Parameters,
    scales: Scales,
    g: int,
) -> Step:
    kind, b = gather_kind(config, g)
    linear, norm = _consumer(config, g)
    weight, bias = parameters[f"{linear}.weight"].T, parameters[f"{linear}.bias"]
    weight = np.where(_read(config, split, keep, g), weight, 0)  # [K, O]
    fields: dict = {}
    in_scale, out_scale = scales.sent[g], np.full(len(bias), scales.residual)
    if norm is not None:
        fields["norm"] = _norm(parameters, norm, config.norm_eps, in_scale, scales.norm[g])
        in_scale = scales.norm[g]
        ratio = scales.residual / scales.sent[g]
        if kind == Kind.OUTPUT and config.pool == "mean":
            ratio /= config.tokens
        multiplier, shift = fixed_point(np.array([ratio]))
        fields["send_multiplier"], fields["send_shift"] = int(multiplier[0]), shift

    if kind == Kind.INPUT:
        last = "embed_out" if config.embed_layers == 2 else "embed"
        table = parameters[f"{last}.bias"] + parameters["position"]
        if config.pool == "class":
            table[0] = parameters["class_token"] + parameters["position"][0]
        table = np.rint(table / scales.residual)
        fields["table"] = np.clip(table, -32768, 32767).astype(np.int16)
        if config.embed_layers == 2:
            out_scale[:] = scales.embed
        else:
            bias = np.zeros_like(bias)
    elif kind == Kind.ATTENTION:
        parts = scales.query[b], scales.key[b], scales.value[b]
        out_scale = np.repeat(parts, config.features)
    elif kind == Kind.HEADS:
        fields |= _attention(config, scales, b)
    elif kind == Kind.FORWARD and config.activation == "relu":
        out_scale[:] = scales.sent[g + 1]
    elif kind == Kind.FORWARD:
        out_scale = np.full(len(bias), scales.up[b])
        steps = gelu(np.arange(-128, 128) * scales.up[b]) / scales.sent[g + 1]
        fields["table"] = np.clip(np.rint(steps), -128, 127).astype(np.int8)
    elif kind == Kind.OUTPUT:
        out_scale[:] = scales.sent[g + 1]
        if averages(config, g):
            ratio = np.array([in_scale / (config.tokens * scales.mean)])
            multiplier, fields["value_shift"] = fixed_point(ratio)
            fields["value_multiplier"], in_scale = int(multiplier[0]), scales.mean
    fields["product"] = _product(weight, bias, in_scale, out_scale)
    return Step(**fields)


def _embed_out(config: ModelConfig, split: SplitConfig, parameters: Parameters) -> np.ndarray:
    """Weights [hidden columns, F] of the embedding's second product, as the nodes have them."""
    return np.where(embed_out_blocks(config, split), parameters["embed_out.weight"].T, 0)


def _stem(config: ModelConfig, split: SplitConfig, parameters: Parameters) -> np.ndarray:
    """Weights [P, columns] of the stem, as the nodes have them."""
    return np.where(stem_blocks(config, split), parameters["stem.weight"].T, 0)


def _read(config: ModelConfig, split: SplitConfig, keep: KeepSets, g: int) -> np.ndarray:
    """bool [K, O]: whether column k is in the view of the node that computes output o."""
    views = everything(config, split, keep).gathers[g][0]  # [D, K]
    read = np.zeros((views.shape[1], product_outputs(config, gather_kind(config, g)[0])), bool)
    for d, view in enumerate(views):
        for columns in outputs_of(config, split, g, d):
            read[:, columns] = view[:, None]
    return read


def _norm(parameters: Parameters, name: str, eps: float, in_scale: float, out_scale: float) -> Norm:
    gain, bias = (
        np.clip(np.rint(parameters[f"{name}.{part}"] / out_scale * 256), -32768, 32767)
        for part in ("weight", "bias")
    )
    epsilon = min(round(eps / in_scale**2 * 65536), 2**32 - 1)
    return Norm(gain.astype(np.int16), bias.astype(np.int16), epsilon)


def _product(
    weight: np.ndarray, bias: np.ndarray, in_scale: float, out_scale: np.ndarray
) -> Product:
    """weight [K, O] and bias [O] in real values; out_scale [O]."""
    scale = np.abs(weight).max(0) / 127
    # A column of zeros, or one far below the others, takes a scale with which its multiplier still
    # has bits (with zeros alone the bias has 12 bits behind the point); a column whose bias dwarfs
    # its weights takes one with which the bias fits.
    floor = scale.max() * 2.0**-16 if scale.any() else out_scale / in_scale * 2.0**-12
    scale = np.maximum(scale, floor)
    scale = np.maximum(scale, np.abs(bias) / (in_scale * (MAX_BIAS - 1)))
    rounded = np.clip(np.rint(weight / scale), -127, 127).astype(np.int8)
    start = np.rint(bias / (in_scale * scale)).astype(np.int32)
    multiplier, shift = fixed_point(in_scale * scale / out_scale)
    return Product(rounded, start, multiplier, shift)


def _score_step(config: ModelConfig, query: float, key: float) -> float:
    """One step of the integer score q . k in the softmax's unit, 1/256 log2."""
    return 256 * math.log2(math.e) * query * key / math.sqrt(config.head_width)


def _attention(config: ModelConfig, scales: Scales, b: int) -> dict[str, int]:
    """What HEADS needs beside its product."""
    step = _score_step(config, scales.query[b], scales.key[b])
    score = round(2.0**32 * step)
    if score >= 1 << 32:
        raise CatsError(
            f"block {b}: queries and keys are {math.sqrt(step):.1f} times as large as fits the "
            "integer softmax: train with weight decay or fewer steps"
        )
    # scale_v / scale_h = multiplier * 2^(14 - shift)
    multiplier, exponent = fixed_point(np.array([scales.value[b] / scales.sent[2 + 4 * b]]))
    return {
        "score_multiplier": score,
        "value_multiplier": int(multiplier[0]),
        "value_shift": exponent + 14,
    }


# For callers


def quantize_parameters(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets | None,
    parameters: Parameters,
    inputs: np.ndarray,
    scales: Scales | None = None,
) -> IntegerModel:
    """Post-training quantisation.

    ``keep`` None keeps all columns; ``parameters`` as named by ``parameter_shapes``; ``inputs``
    float [B, tokens_in, P]: some hundred typical inputs, which give the ``scales`` unless the model
    was trained with some. The same arguments give the same model.
    """
    config.check()
    config.check_integers()
    split.check(config)
    keep = full_keep(config, split) if keep is None else keep
    check_keep(config, split, keep)
    parameters = check_parameters(config, parameters)
    inputs = check_inputs(config, inputs)
    scales = scales or calibrate(config, split, keep, parameters, inputs)
    return build(config, split, keep, parameters, scales)


def check_inputs(config: ModelConfig, inputs: np.ndarray) -> np.ndarray:
    """Calibration inputs as float64; CatsError where they do not fit the model."""
    inputs = np.asarray(inputs, np.float64)
    if inputs.ndim != 3 or inputs.shape[1:] != (config.tokens_in, config.inputs) or not len(inputs):
        raise CatsError(
            f"calibration inputs of shape {list(inputs.shape)}: the model takes "
            f"[samples, {config.tokens_in}, {config.inputs}]"
        )
    if not np.isfinite(inputs).all():
        raise CatsError("calibration inputs hold NaN or infinity: clean the data")
    return inputs


def quantize_inputs(model: IntegerModel, inputs: np.ndarray) -> np.ndarray:
    """Real inputs to int8 of the same shape, as an application does before it submits them."""
    steps = np.rint(np.asarray(inputs, np.float64) / model.input_scale)
    if not np.isfinite(steps).all():
        raise CatsError("inputs hold NaN or infinity: clean the data")
    return np.clip(steps, -128, 127).astype(np.int8)


def real_outputs(model: IntegerModel, outputs: np.ndarray) -> np.ndarray:
    """int16 outputs to real values, NaN where a column did not arrive."""
    missing = outputs == -32768
    return np.where(missing, np.nan, outputs * np.float64(model.output_scale))


def report(model: IntegerModel, parameters: Parameters, inputs: np.ndarray) -> dict[str, float]:
    """Signal to noise in dB of each tensor of the integer model against the float model.

    Tensors as ``reference.run_batch`` names them (without ``out``), in running order; the
    errors of earlier ones are in the later ones. Each is compared at its best scale.
    """
    parameters = check_parameters(model.config, parameters)
    inputs = check_inputs(model.config, inputs)
    exact: dict[str, np.ndarray] = {}
    FloatInference(
        model.config, model.split, model.keep, parameters, observe=exact.__setitem__
    ).run(inputs)
    result: dict[str, float] = {}

    def compare(name: str, tensor: np.ndarray) -> None:
        if name.startswith("out"):  # of several scales, or without the table's share
            return
        wanted, got = exact[name].ravel(), tensor.astype(np.float64).ravel()
        power, size = float(wanted @ wanted), float(got @ got)
        noise = power - float(wanted @ got) ** 2 / size if size else power
        result[name] = 10 * math.log10(power / noise) if 0 < noise < power else math.inf

    run_batch(model, quantize_inputs(model, inputs), trace=compare)
    return result
