# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Language models of the Llama family: llama2.c's checkpoints, and tensors as
``LlamaForCausalLM`` of transformers names them. Neither package is needed."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor

from cats.errors import CatsError
from cats.nn.importers.imported import assemble
from cats.nn.model import CatsTransformer
from cats.shape.config import ACTIVATIONS, MAX_TOKENS, ModelConfig

#: Header of llama2.c's version 0: seven int32.
_HEADER = struct.Struct("<7i")
#: What its later versions begin with.
_LATER = 0x616B3432
#: Largest number of a header that can be one.
_MOST = 1 << 20


@dataclass(frozen=True)
class Imported:
    """A language model on one node, and what was taken for what: ``str()`` gives the notes."""

    model: CatsTransformer
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.notes)


def _config(tokens: int, context: int, **shape: object) -> ModelConfig:
    """Of the family, with so many tokens and a window of ``context`` as far as one may be."""
    return ModelConfig(
        tokens_in=min(context, MAX_TOKENS), inputs=tokens, outputs=tokens, causal=True, pool="all",
        norm="rms", position="rotary", feed_forward="gated", bias=False, vocabulary=True, **shape,
    )  # fmt: skip


def _notes(of: str, config: ModelConfig, context: int) -> tuple[str, ...]:
    cut = "" if context == config.tokens else f" (of {context}: the window slides)"
    return (
        f"{of}: {config.inputs} tokens, context {config.tokens}{cut}, "
        + ("head tied to the embedding" if config.tied else "a head of its own"),
        f"{config.blocks} blocks: {config.features} features, {config.heads} heads with "
        f"{config.key_heads} keys and values, {config.hidden} hidden columns gated by "
        f"{config.activation}, RMS norms' epsilon {config.norm_eps:g}, rotary base "
        f"{config.rotary_base:g}",
    )


def llama2c(path: Path) -> Imported:
    """The model of llama2.c's checkpoint, version 0: seven int32 (width, hidden columns, blocks,
    heads, key/value heads, tokens, negative where the head has weights of its own, and context),
    then float32: embedding, of all blocks the first norms, queries, keys, values, their output, the
    second norms, w1, w2 and w3, then the final norm, two tables of rotary positions, and the head.
    CatsError where the file cannot be one.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CatsError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) < _HEADER.size:
        raise CatsError(f"{path} is no checkpoint of llama2.c: it has {len(data)} bytes")
    width, hidden, blocks, heads, keys, tokens, context = _HEADER.unpack_from(data)
    if width == _LATER:
        raise CatsError(f"{path} is a later version of llama2.c's checkpoint: export version 0")
    tied, tokens = tokens > 0, abs(tokens)
    numbers = (width, hidden, blocks, heads, keys, tokens, context)
    if not all(1 <= n <= _MOST for n in numbers) or width % heads or heads % keys:
        said = ", ".join(map(str, numbers))
        raise CatsError(f"{path} is no checkpoint of llama2.c: its shape would be {said}")
    config = _config(
        tokens, context, features=width, heads=heads, hidden=hidden, blocks=blocks,
        activation="silu", kv_heads=keys, tied=tied,
    )  # fmt: skip
    config.check()
    inner, half = keys * config.head_width, config.head_width // 2
    shapes = {
        "embed": (tokens, width), "norm1": (blocks, width), "q": (blocks, width, width),
        "k": (blocks, inner, width), "v": (blocks, inner, width), "out": (blocks, width, width),
        "norm2": (blocks, width), "w1": (blocks, hidden, width), "w2": (blocks, width, hidden),
        "w3": (blocks, hidden, width), "norm": (width,), "cosines": (context, half),
        "sines": (context, half), **({} if tied else {"head": (tokens, width)}),
    }  # fmt: skip
    wanted = _HEADER.size + 4 * sum(math.prod(shape) for shape in shapes.values())
    if len(data) != wanted:
        raise CatsError(
            f"{path} has {len(data):,} bytes, a checkpoint of its shape {wanted:,}: damaged, or no "
            "checkpoint of llama2.c's version 0"
        )
    values = torch.from_numpy(np.frombuffer(data, "<f4", offset=_HEADER.size).astype(np.float32))
    parts = values.split([math.prod(shape) for shape in shapes.values()])
    of = {name: part.view(shapes[name]) for name, part in zip(shapes, parts, strict=True)}
    made = {"embed.weight": of["embed"].T, "norm.weight": of["norm"]}
    if not tied:
        made["head.weight"] = of["head"]
    for b in range(blocks):
        made |= {
            f"blocks.{b}.norm1.weight": of["norm1"][b],
            f"blocks.{b}.qkv.weight": torch.cat([of[name][b] for name in "qkv"]),
            f"blocks.{b}.out.weight": of["out"][b],
            f"blocks.{b}.norm2.weight": of["norm2"][b],
            f"blocks.{b}.up.weight": torch.cat((of["w1"][b], of["w3"][b])),
            f"blocks.{b}.down.weight": of["w2"][b],
        }
    return Imported(_assembled(path, config, made), _notes("llama2.c", config, context))


def _assembled(
    path: Path | str, config: ModelConfig, tensors: dict[str, Tensor]
) -> CatsTransformer:
    try:
        return assemble(config, tensors)
    except CatsError as error:
        raise CatsError(f"{path}: {error}") from None


class Scaling(msgspec.Struct):
    """Of rotary positions, in ``config.json`` of transformers."""

    rope_type: str | None = None
    type: str | None = None
    rope_theta: float | None = None


class Config(msgspec.Struct):
    """``config.json`` of transformers, of a LlamaForCausalLM."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    vocab_size: int
    architectures: list[str] = []
    model_type: str | None = None
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    max_position_embeddings: int = 2048
    rms_norm_eps: float = 1e-6
    rope_theta: float | None = None
    rope_scaling: Scaling | None = None
    rope_parameters: Scaling | None = None
    hidden_act: str = "silu"
    tie_word_embeddings: bool = False
    attention_bias: bool = False
    mlp_bias: bool = False
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None

    @property
    def ends(self) -> list[int]:
        """Tokens that end a text."""
        given = self.eos_token_id
        return [] if given is None else [given] if isinstance(given, int) else given


#: A tensor's name: what it is here (``\1``: the block).
_NAMES = {
    r"model\.embed_tokens\.weight": "embed",
    r"model\.layers\.(\d+)\.input_layernorm\.weight": r"blocks.\1.norm1",
    r"model\.layers\.(\d+)\.self_attn\.([qkv])_proj\.weight": r"blocks.\1.\2",
    r"model\.layers\.(\d+)\.self_attn\.o_proj\.weight": r"blocks.\1.out",
    r"model\.layers\.(\d+)\.post_attention_layernorm\.weight": r"blocks.\1.norm2",
    r"model\.layers\.(\d+)\.mlp\.(gate|up|down)_proj\.weight": r"blocks.\1.\2",
    r"model\.norm\.weight": "norm",
    r"lm_head\.weight": "head",
    r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq": "",
}


def by_names(tensors: Mapping[str, Tensor], config: Config) -> Imported:
    """The model of a LlamaForCausalLM's tensors; CatsError names what cannot be taken."""
    shape = _shape(config)
    of: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        found = (
            match.expand(here)
            for pattern, here in _NAMES.items()
            if (match := re.fullmatch(pattern, name))
        )
        here = next(found, None)
        if here is None:
            raise CatsError(f"tensor {name} is no part of a LlamaForCausalLM without biases")
        if not tensor.is_floating_point():
            raise CatsError(f"tensor {name} does not hold floating-point numbers")
        of[here] = tensor.float()
    inner = shape.key_heads * shape.head_width
    f, hidden = shape.features, shape.hidden
    block = {
        "norm1": (f,), "q": (f, f), "k": (inner, f), "v": (inner, f), "out": (f, f), "norm2": (f,),
        "gate": (hidden, f), "up": (hidden, f), "down": (f, hidden),
    }  # fmt: skip
    wanted = {"embed": (shape.inputs, f), "norm": (f,)}
    wanted |= {} if shape.tied else {"head": (shape.outputs, f)}
    for b in range(shape.blocks):
        wanted |= {f"blocks.{b}.{name}": size for name, size in block.items()}
    for name, size in wanted.items():
        if name not in of:
            raise CatsError(f"the tensors hold no {name}: they are not the whole model's")
        if of[name].shape != size:
            raise CatsError(
                f"{name} has shape {list(of[name].shape)}, its configuration says {list(size)}"
            )
    if extra := of.keys() - wanted.keys() - {"", "head"}:
        raise CatsError(f"the tensors hold {min(extra)}, of which its configuration knows nothing")
    made = {"embed.weight": of["embed"].T, "norm.weight": of["norm"]}
    if not shape.tied:
        made["head.weight"] = of["head"]
    for b in range(shape.blocks):
        part = {name: of[f"blocks.{b}.{name}"] for name in block}
        qk = [_pairs_side_by_side(part[name], shape.head_width) for name in "qk"]
        made |= {
            f"blocks.{b}.qkv.weight": torch.cat((*qk, part["v"])),
            f"blocks.{b}.up.weight": torch.cat((part["gate"], part["up"])),
            **{f"blocks.{b}.{n}.weight": part[n] for n in ("norm1", "norm2", "out", "down")},
        }
    context = config.max_position_embeddings
    return Imported(assemble(shape, made), _notes("LlamaForCausalLM", shape, context))


def _shape(config: Config) -> ModelConfig:
    """The model's; CatsError for what is no plain Llama."""
    rotary = config.rope_parameters or config.rope_scaling or Scaling()
    kind = rotary.rope_type or rotary.type or "default"
    refused = {
        f"rotary positions scaled as {kind!r}": kind != "default",
        "biases": config.attention_bias or config.mlp_bias,
        f"activation {config.hidden_act!r}": config.hidden_act not in ACTIVATIONS,
        f"heads of {config.head_dim} columns": config.head_dim not in (
            None, config.hidden_size // max(config.num_attention_heads, 1)
        ),
    }  # fmt: skip
    for what, there in refused.items():
        if there:
            raise CatsError(f"{what} cannot be imported: only what a plain Llama has")
    if config.max_position_embeddings < 1:
        raise CatsError(f"max_position_embeddings is {config.max_position_embeddings}: at least 1")
    shape = _config(
        config.vocab_size,
        config.max_position_embeddings,
        features=config.hidden_size,
        heads=config.num_attention_heads,
        hidden=config.intermediate_size,
        blocks=config.num_hidden_layers,
        activation=config.hidden_act,
        norm_eps=config.rms_norm_eps,
        rotary_base=config.rope_theta or rotary.rope_theta or 10000.0,
        kv_heads=config.num_key_value_heads or config.num_attention_heads,
        tied=config.tie_word_embeddings,
    )
    shape.check()
    return shape


def _pairs_side_by_side(weight: Tensor, width: int) -> Tensor:
    """Rows of queries or keys: transformers turns columns i and i + E/2 of a head, here they stand
    side by side."""
    return weight.unflatten(0, (-1, 2, width // 2)).transpose(1, 2).flatten(0, 2)
