# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Vision transformers as timm and transformers name their tensors; neither package is needed.

``timm``: ``VisionTransformer``, DeiT without distillation. ``transformers``: ``ViTModel``,
``ViTForImageClassification``, ``DeiTForImageClassification`` without a distillation token, by the
names of files and by those of modules, old and new.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cats.errors import CatsError
from cats.nn.importers.imported import ACTIVATIONS, Imported, activation_name, assemble, in_order
from cats.shape.config import ModelConfig

#: {layout: [(pattern of a tensor's name, its name here)]}: ``\1`` is the block's number.
_TIMM = [
    (r"patch_embed\.proj\.(weight|bias)", r"embed.\1"),
    (r"cls_token", "class_token"),
    (r"pos_embed", "position"),
    (r"blocks\.(\d+)\.(norm1|norm2)\.(weight|bias)", r"blocks.\1.\2.\3"),
    (r"blocks\.(\d+)\.attn\.qkv\.(weight|bias)", r"blocks.\1.qkv.\2"),
    (r"blocks\.(\d+)\.attn\.proj\.(weight|bias)", r"blocks.\1.out.\2"),
    (r"blocks\.(\d+)\.mlp\.fc1\.(weight|bias)", r"blocks.\1.up.\2"),
    (r"blocks\.(\d+)\.mlp\.fc2\.(weight|bias)", r"blocks.\1.down.\2"),
    (r"blocks\.(\d+)\.ls1\.gamma", r"blocks.\1.out.scale"),
    (r"blocks\.(\d+)\.ls2\.gamma", r"blocks.\1.down.scale"),
    (r"norm\.(weight|bias)", r"norm.\1"),
    (r"fc_norm\.(weight|bias)", r"fc_norm.\1"),
    (r"head\.(weight|bias)", r"head.\1"),
]
_BLOCK = r"(?:encoder\.layer|layers|encoder\.layers)\.(\d+)\."
_TRANSFORMERS = [
    (r"embeddings\.patch_embeddings\.projection\.(weight|bias)", r"embed.\1"),
    (r"embeddings\.cls_token", "class_token"),
    (r"embeddings\.position_embeddings", "position"),
    (rf"{_BLOCK}layernorm_before\.(weight|bias)", r"blocks.\1.norm1.\2"),
    (rf"{_BLOCK}layernorm_after\.(weight|bias)", r"blocks.\1.norm2.\2"),
    (rf"{_BLOCK}attention\.(?:attention\.query|q_proj)\.(weight|bias)", r"blocks.\1.q.\2"),
    (rf"{_BLOCK}attention\.(?:attention\.key|k_proj)\.(weight|bias)", r"blocks.\1.k.\2"),
    (rf"{_BLOCK}attention\.(?:attention\.value|v_proj)\.(weight|bias)", r"blocks.\1.v.\2"),
    (rf"{_BLOCK}attention\.(?:output\.dense|o_proj)\.(weight|bias)", r"blocks.\1.out.\2"),
    (rf"{_BLOCK}(?:intermediate\.dense|mlp\.fc1)\.(weight|bias)", r"blocks.\1.up.\2"),
    (rf"{_BLOCK}(?:output\.dense|mlp\.fc2)\.(weight|bias)", r"blocks.\1.down.\2"),
    (r"layernorm\.(weight|bias)", r"norm.\1"),
    (r"classifier\.(weight|bias)", r"head.\1"),
    (r"pooler\.dense\.(weight|bias)", ""),  # a further layer on the class token: left out
    (r"embeddings\.mask_token", ""),  # of pretraining
]
LAYOUTS = {"timm": _TIMM, "transformers": _TRANSFORMERS}
#: The epsilon of norms where nobody says it.
_NORM_EPS = {"timm": 1e-6, "transformers": 1e-12}
#: What a part of a name tells that cannot be taken.
_REFUSED = {
    r"dist_token|distillation|head_dist|cls_classifier": "a distillation token",
    r"reg_token|register": "register tokens",
    r"[qk]_norm|(query|key)_norm": "norms of queries and keys",
    r"rel_pos|relative_position": "relative positions",
    r"token_type": "token types",
    r"word_embed|token_embed|wte|embed_tokens": "token numbers as input",
    r"attention\.output\.LayerNorm|output\.LayerNorm": "norms behind the sums (post-norm)",
    r"norm_pre|pre_layer_?norm|patch_embed\.norm": "a norm before the first block",
    r"attn_pool": "attention pooling",
    r"rope|freqs": "rotary positions",
    r"fc1_[gx]|w12|gate_proj|weights_in": "a gated feed-forward",
    r"self_attn\.in_proj": "a torch encoder by tensors alone (give the module)",
}


@dataclass(frozen=True)
class Facts:
    """What tensors do not say, as ``cats.nn.importers.imported`` has it; None: not known."""

    heads: int | None = None
    norm_eps: float | None = None
    activation: str | None = None
    pool: str | None = None
    size: tuple[int, int] | None = None

    def beside(self, other: Facts) -> Facts:
        """These, and the other's where nothing is known here."""
        mine = {k: v for k, v in dataclasses.asdict(self).items() if v is not None}
        return dataclasses.replace(other, **mine)


def facts_of(module: nn.Module) -> Facts:
    """What a module of timm or of transformers says of itself; nothing of another's."""
    config = getattr(module, "config", None)
    if hasattr(config, "num_attention_heads") and hasattr(config, "image_size"):
        size = config.image_size
        size = (size, size) if isinstance(size, int) else tuple(size)
        return Facts(
            config.num_attention_heads, config.layer_norm_eps, config.hidden_act, None, size
        )
    blocks, embed = getattr(module, "blocks", None), getattr(module, "patch_embed", None)
    if not isinstance(blocks, nn.Sequential | nn.ModuleList) or not hasattr(embed, "img_size"):
        return Facts()
    first, attention = blocks[0], getattr(blocks[0], "attn", None)
    if not hasattr(attention, "num_heads") or not isinstance(
        getattr(first, "norm1", 0), nn.LayerNorm
    ):
        raise CatsError(f"blocks of {type(first).__name__} with {type(attention).__name__} as "
                        "attention cannot be imported")  # fmt: skip
    norm_eps = {part.eps for part in module.modules() if isinstance(part, nn.LayerNorm)}
    if len(norm_eps) > 1:
        raise CatsError(f"norms of epsilon {in_order(sorted(norm_eps))}: a CATS model has one")
    pool = {"token": "class", "avg": "mean" if _used(module, "fc_norm") else "mean_of_norm"}
    known = pool.get(module.global_pool)
    if known is None:
        raise CatsError(f"pool {module.global_pool!r} cannot be imported: only token and avg")
    return Facts(
        attention.num_heads, *norm_eps, activation_name(first.mlp.act), known, embed.img_size
    )


def _used(module: nn.Module, name: str) -> bool:
    return isinstance(getattr(module, name, None), nn.LayerNorm)


def layout_of(names: Mapping[str, Any]) -> str:
    """``timm`` or ``transformers``, by names of tensors; CatsError for neither."""
    if "patch_embed.proj.weight" in names:
        return "timm"
    if any(name.endswith("embeddings.patch_embeddings.projection.weight") for name in names):
        return "transformers"
    for name in names:
        _refuse_known(name)
    raise CatsError(
        "neither a module around torch.nn.TransformerEncoderLayer, nor a ViT as timm "
        "(patch_embed.proj.weight) or transformers (patch_embeddings.projection.weight) names it"
    )


def by_names(state: Mapping[str, Tensor], facts: Facts, task: str) -> Imported:
    """The model of a ViT's tensors by name; CatsError names what cannot be taken."""
    layout = layout_of(state)
    tensors = _renamed(state, layout)
    weight = _needed(tensors, "embed.weight")
    if weight.dim() != 4 or weight.shape[2] != weight.shape[3] or not weight.numel():
        raise CatsError(f"patches of shape {list(weight.shape)}: only square ones of images")
    features, channels, patch, _ = weight.shape
    position = _needed(tensors, "position").flatten(0, -2)
    grid, position = _grid(position, patch, facts.size, "class_token" in tensors)
    count = 1 + max((int(n.split(".")[1]) for n in tensors if n.startswith("blocks.")), default=-1)
    pool = _pool(tensors, facts.pool)
    head = tensors.get("head.weight", torch.eye(features))
    config = ModelConfig(
        tokens_in=grid[0] * grid[1],
        inputs=channels * patch**2,
        outputs=len(head),
        features=features,
        heads=_heads(facts.heads, features),
        hidden=len(_needed(tensors, "blocks.0.up.weight")),
        blocks=count,
        activation=_activation(facts.activation),
        pool=pool,
        task=task,
        norm_eps=_NORM_EPS[layout] if facts.norm_eps is None else facts.norm_eps,
    )
    made = {
        "embed.weight": weight.flatten(1),
        "embed.bias": tensors.get("embed.bias", torch.zeros(features)),
        "position": position,
        "head.weight": head,
        "head.bias": tensors.get("head.bias", torch.zeros(len(head))),
    }
    if "class_token" in tensors:
        made["class_token"] = tensors["class_token"].flatten()
    for part in ("weight", "bias"):
        made[f"norm.{part}"] = _needed(
            tensors, f"{'fc_norm' if f'fc_norm.{part}' in tensors else 'norm'}.{part}"
        )
    for b in range(count):
        made |= {f"blocks.{b}.{name}": x for name, x in _block(tensors, f"blocks.{b}.").items()}
    height, width = grid[0] * patch, grid[1] * patch
    order = functional.unfold(
        torch.arange(channels * height * width, dtype=torch.float64).view(1, channels, height, -1),
        patch, stride=patch,
    )[0].T.long()  # fmt: skip
    notes = (
        f"{layout}: images of {height} x {width}, {channels} channels, in {config.tokens_in} "
        f"patches of {patch} x {patch}" + (", behind a class token" if pool == "class" else ""),
        f"{count} blocks: {features} features, {config.heads} heads, {config.hidden} hidden "
        f"columns, {config.activation}, norms' epsilon {config.norm_eps:g}",
        f"output: pool {pool}, "
        + ("no head: the features" if "head.weight" not in tensors else f"{len(head)} outputs"),
        *_left_out(state, layout),
    )
    return Imported(assemble(config, made), notes, order, (channels, height, width))


def _renamed(state: Mapping[str, Tensor], layout: str) -> dict[str, Tensor]:
    """The tensors by their names here."""
    found = {}
    for name, tensor in state.items():
        known = _known(name, layout)
        if known is None:
            _refuse_known(name)
            raise CatsError(f"tensor {name} is no part of a plain ViT of {layout}")
        if known:
            if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
                raise CatsError(f"tensor {name} does not hold floating-point numbers")
            found[known] = tensor.detach().cpu().float()
    return found


def _known(name: str, layout: str) -> str | None:
    """A tensor's name here, "" where it is left out, None where it is not known."""
    if layout == "transformers":
        name = re.sub(r"^(vit|deit)\.", "", name)
    for pattern, here in LAYOUTS[layout]:
        if match := re.fullmatch(pattern, name):
            return match.expand(here)
    return None


def _refuse_known(name: str) -> None:
    for pattern, what in _REFUSED.items():
        if re.search(pattern, name):
            raise CatsError(f"tensor {name}: {what} cannot be imported")


def _left_out(state: Mapping[str, Tensor], layout: str) -> list[str]:
    names = [name for name in state if _known(name, layout) == ""]
    return [f"left out: {', '.join(names)}"] if names else []


def _needed(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    if name not in tensors:
        raise CatsError(f"the tensors hold no {name}: they are not a whole model's")
    return tensors[name]


def _heads(heads: int | None, features: int) -> int:
    if heads is None:
        raise CatsError(
            f"tensors do not tell the number of heads: give it (of {features} features often "
            f"{max(1, features // 64)})"
        )
    return heads


def _activation(name: str | None) -> str:
    if name not in (None, *ACTIVATIONS):
        raise CatsError(f"activation {name}: only {' and '.join(ACTIVATIONS)} (exact) can be taken")
    return name or "gelu"


def _pool(tensors: Mapping[str, Tensor], said: str | None) -> str:
    classed, normed_mean = "class_token" in tensors, "fc_norm.weight" in tensors
    pool = "class" if classed else "mean" if normed_mean else "mean_of_norm"
    if classed and normed_mean or said not in (None, pool):
        what = f"pool {said}" if said and said != pool else "a mean over patches"
        beside = "beside a class token" if classed else "without one"
        raise CatsError(f"{what} {beside} cannot be imported: these tensors give pool {pool}")
    return pool


def _grid(
    position: Tensor, patch: int, size: tuple[int, int] | None, classed: bool
) -> tuple[tuple[int, int], Tensor]:
    """(patches down and across, positions [N, F] with the class token's)."""
    rows = len(position)
    if size is not None:
        height, width = size
        if height % patch or width % patch or min(size) < 1:
            raise CatsError(f"patches of {patch} pixels do not divide {height} x {width}")
        grid = height // patch, width // patch
    else:
        counts = [rows - 1, rows] if classed else [rows]
        side = next((math.isqrt(n) for n in counts if n > 0 and math.isqrt(n) ** 2 == n), None)
        if side is None:
            raise CatsError(f"{rows} positions are no square of patches: give the image's size")
        grid = side, side
    count = grid[0] * grid[1]
    if classed and rows == count:  # timm's no_embed_class
        position = torch.cat((torch.zeros_like(position[:1]), position))
    elif rows != count + classed:
        raise CatsError(
            f"{rows} positions for {count} patches{' and a class token' if classed else ''}: "
            "positions are not stretched; give the size that the model was trained for"
        )
    return grid, position


def _block(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Parameters of a ``cats.nn.model.Block``."""
    made = {}
    for norm in ("norm1", "norm2"):
        for part in ("weight", "bias"):
            made[f"{norm}.{part}"] = _needed(tensors, f"{prefix}{norm}.{part}")
    fused = f"{prefix}qkv.weight" in tensors
    for part in ("weight", "bias"):
        names = ["qkv"] if fused else ["q", "k", "v"]
        if part == "bias" and f"{prefix}{names[0]}.bias" not in tensors:
            made["qkv.bias"] = torch.zeros(len(made["qkv.weight"]))
        else:
            parts = [_needed(tensors, f"{prefix}{name}.{part}") for name in names]
            made[f"qkv.{part}"] = torch.cat(parts)
    for name in ("out", "up", "down"):
        weight = _needed(tensors, f"{prefix}{name}.weight")
        bias = tensors.get(f"{prefix}{name}.bias", torch.zeros(len(weight)))
        scale = tensors.get(f"{prefix}{name}.scale", torch.ones(len(weight)))
        if weight.dim() != 2 or not weight.shape[:1] == bias.shape == scale.shape:
            raise CatsError(f"tensors of {prefix}{name} do not fit each other")
        made[f"{name}.weight"], made[f"{name}.bias"] = weight * scale[:, None], bias * scale
    return made
