# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Models of others compute here what they compute there, and what cannot be taken is named.

timm and transformers are no dependencies: without them their layouts are held against a reader of
the same tensors that is written down here.
"""

import dataclasses
import math
import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from cats import tasks
from cats.deploy.export import export
from cats.errors import CatsError
from cats.integer.reference import run_batch
from cats.integer.samples import with_counts
from cats.nn.deal import deal
from cats.nn.importers import LARGEST_DIFFERENCE, from_torch, imported
from cats.nn.to_integer import quantize
from cats.plan.planner import make_plan
from cats.shape.config import SplitConfig
from cats.sim.simulate import simulate
from cats.training.loop import train
from cats.training.options import Training

NEAR = 1e-5


def noisy(module, seed=0):
    """No weight, gain or bias has its first value."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
    return module.eval()


def encoder(blocks=2, norm=True, features=16, **options):
    options = {"norm_first": True, "batch_first": True, "activation": "gelu", **options}
    layer = nn.TransformerEncoderLayer(features, 4, 24, dropout=0.1, **options)
    norm = nn.LayerNorm(features) if norm else None
    return nn.TransformerEncoder(layer, blocks, norm, enable_nested_tensor=False)


class Series(nn.Module):
    """A module as people write it: [B, 6, 3] to [B, 5], or to [B, 6, 5]."""

    def __init__(self, reads, mask=None, softmax=False, **options):
        super().__init__()
        self.project, self.encoder, self.head = (
            nn.Linear(3, 16),
            encoder(**options),
            nn.Linear(16, 5),
        )
        self.register_buffer("wave", torch.randn(1, 9, 16))
        self.reads, self.mask, self.softmax = reads, mask, softmax

    def forward(self, x):
        x = self.project(x) * math.sqrt(16) + self.wave[:, : x.shape[1]]
        turn = not self.encoder.layers[0].self_attn.batch_first
        x = self.encoder(x.transpose(0, 1) if turn else x, mask=self.mask)
        x = self.head(READS[self.reads](x.transpose(0, 1) if turn else x))
        return x.softmax(-1) if self.softmax else x


READS = {
    "mean_of_norm": lambda x: x.mean(1),
    "last": lambda x: x[:, -1],
    "all": lambda x: x,
    "first": lambda x: x[:, 0],
    "two": lambda x: x[:, :2].mean(1),
}


class Patches(nn.Module):
    """Images [B, 3, 8, 8] to [B, 5]: patches by a convolution, class tokens, embedded positions,
    a norm of its own."""

    def __init__(self, tokens=1, mean=False, stride=4):
        super().__init__()
        self.patch, self.encoder = nn.Conv2d(3, 16, 4, stride), encoder(norm=False)
        self.first = nn.Parameter(torch.randn(1, tokens, 16)) if tokens else None
        self.places = nn.Embedding(((8 - 4) // stride + 1) ** 2 + tokens, 16)
        self.norm, self.head, self.mean = nn.LayerNorm(16), nn.Linear(16, 5), mean

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        if self.first is not None:
            x = torch.cat((self.first.expand(len(x), -1, -1), x), 1)
        x = self.encoder(x + self.places(torch.arange(x.shape[1])))
        return self.head(self.norm(x.mean(1) if self.mean else x[:, 0]))


class Strips(nn.Module):
    """A series [B, channels, steps] in patches by a convolution, its output reshaped."""

    def __init__(self):
        super().__init__()
        self.patch, self.encoder, self.head = nn.Conv1d(2, 16, 5, 5), encoder(1), nn.Linear(16, 6)

    def forward(self, x):
        x = self.encoder(self.patch(x).transpose(1, 2))
        return self.head(x[:, -1]).view(-1, 2, 3)


def causal(rows=6):
    return nn.Transformer.generate_square_subsequent_mask(rows)


SERIES, IMAGES = torch.randn(2, 6, 3), torch.randn(2, 3, 8, 8)
MODULES = {
    "last row": (lambda: Series("last"), SERIES),
    "causal, every row": (lambda: Series("all", causal()), SERIES),
    "mean behind the norm": (lambda: Series("mean_of_norm"), SERIES),
    "batch second inside": (lambda: Series("last", batch_first=False), SERIES),
    "no biases, relu": (lambda: Series("last", bias=False, activation="relu"), SERIES),
    "class token": (lambda: Patches(), IMAGES),
    "mean before the norm": (lambda: Patches(0, mean=True), IMAGES),
    "patches of a series": (lambda: Strips(), torch.randn(1, 2, 20)),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_of_torch(name):
    make, example = MODULES[name]
    module = noisy(make())
    before = {key: value.clone() for key, value in module.state_dict().items()}
    found = imported(module, example)
    assert found.difference < NEAR and f"{found.difference:.1e}" in str(found)
    x = torch.randn((5, *example.shape[1:]))
    with torch.no_grad():
        wanted = module(x)
        values = found.model(found.rows(x))
    torch.testing.assert_close(values.flatten(1), wanted.flatten(1), rtol=NEAR, atol=NEAR)
    assert found.model.split.nodes == 1 and not found.model.training
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key])  # the original is left alone
    assert found.model.config.causal == ("causal" in name)
    pools = {"last": "last", "every": "all", "mean behind": "mean_of_norm", "class": "class"}
    for part, pool in pools.items():
        assert part not in name or found.model.config.pool == pool


def test_an_encoder_alone_gives_its_features():
    alone = noisy(encoder(bias=False))
    model = from_torch(alone, tokens=7)
    x = torch.randn(3, 7, 16)
    with torch.no_grad():
        torch.testing.assert_close(model(x), alone(x), rtol=NEAR, atol=NEAR)


def test_rows_may_have_another_order_of_columns():
    module = noisy(Series("last"))
    order = torch.arange(18).view(6, 3).flip(1)
    found = imported(module, SERIES, rows=order)
    assert torch.equal(found.rows(SERIES), SERIES.flip(2))
    assert found.difference < NEAR
    with pytest.raises(CatsError, match="rows= does not name"):
        imported(module, SERIES, rows=order.flip(0))


def with_layers(module, change):
    for layer in module.encoder.layers:
        change(layer)
    return module


class Odd(Series):
    """Does what ``how`` says."""

    def __init__(self, how):
        super().__init__("last")
        self.how, self.norm = how, nn.LayerNorm(16)

    def forward(self, x):
        if self.how == "padding":
            padding = torch.zeros(x.shape[:2], dtype=torch.bool)
            padding[:, 0] = True
            return self.head(self.encoder(self.project(x), src_key_padding_mask=padding)[:, -1])
        if self.how == "norm before":
            return self.head(self.encoder(self.norm(self.project(x)))[:, -1])
        if self.how == "norm behind":
            return self.head(self.norm(self.encoder(self.project(x)))[:, -1])
        if self.how == "tuple":
            return self.head(self.encoder(self.project(x))[:, -1]), x
        if self.how == "between":
            y = self.encoder.layers[1](self.encoder.layers[0](self.project(x)) + 1)
            return self.head(self.encoder.norm(y)[:, -1])
        if self.how == "beside":  # what the blocks do not see, and hooks do not tell
            return self.head(self.encoder(self.project(x))[:, -1]) + x[:, 0, :1]
        if self.how == "rows of their own":
            x = self.project(x) * torch.arange(1, 7)[:, None]
            return self.head(self.encoder(x)[:, -1])
        return self.head(self.encoder(self.project(x[:, :0]))[:, -1])


REFUSED = {
    "post-norm": (lambda: Series("last", norm_first=False), "post-norm"),
    "no norm": (lambda: Series("last", norm=False), "no norm behind the last block"),
    "two norms": (lambda: Odd("norm behind"), "2 norms behind the last block"),
    "a norm first": (lambda: Odd("norm before"), "no linear map of the input"),
    "another activation": (lambda: Series("last", activation=functional.silu), "activation silu"),
    "GELU by tanh": (
        lambda: Series("last", activation=nn.GELU(approximate="tanh")),
        "activation GELU by tanh",
    ),
    "a mask": (lambda: Series("last", torch.eye(6).bool()), "mask other than none or causal"),
    "padding": (lambda: Odd("padding"), "a padding mask"),
    "first row": (lambda: Series("first"), "no class token"),
    "two rows": (lambda: Series("two"), "not one linear map"),
    "softmax": (lambda: Series("last", softmax=True), "leave a softmax out"),
    "returns two": (lambda: Odd("tuple"), "returns tuple: wrap it"),
    "between blocks": (lambda: Odd("between"), "between two blocks"),
    "beside the blocks": (lambda: Odd("beside"), "outputs differ by"),
    "rows of their own": (lambda: Odd("rows of their own"), "rows are embedded by different maps"),
    "fails": (lambda: Odd("fails"), "the module fails on input of"),
    "RMS norm": (
        lambda: with_layers(Series("last"), lambda x: setattr(x, "norm2", nn.RMSNorm(16))),
        "a norm is RMSNorm",
    ),
    "epsilons": (
        lambda: with_layers(Series("last"), lambda x: setattr(x.norm1, "eps", 1e-3)),
        "norm_eps (0.001, 1e-05)",
    ),
    "other keys": (
        lambda: with_layers(
            Series("last"),
            lambda x: setattr(x, "self_attn", nn.MultiheadAttention(16, 4, add_zero_attn=True)),
        ),
        "other keys or values",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_taken_is_named(name):
    make, reason = REFUSED[name]
    with pytest.raises(CatsError, match=re.escape(reason)) as told:
        imported(make().eval(), SERIES)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Patches(tokens=2), "rows 0, 1 hold no input"),
        (lambda: Patches(mean=True), "more than the class token"),
        (lambda: Patches(stride=2), "patches that overlap"),
    ],
)
def test_what_cannot_be_taken_of_images(make, reason):
    with pytest.raises(CatsError, match=reason):
        imported(make(), IMAGES)


@pytest.mark.parametrize(
    ("source", "options", "reason"),
    [
        ("model.pt", {}, "a str cannot be imported"),
        (nn.Linear(3, 3), {}, "neither a module around torch.nn.TransformerEncoderLayer"),
        (encoder(), {}, "needs an example"),
        (encoder(), {"example": torch.zeros(1, 5, dtype=torch.long)}, "token numbers"),
        (encoder(), {"tokens": 5, "heads": 2}, "heads: of tensors only"),
        ({"layers.0.self_attn.in_proj_weight": SERIES}, {}, "give the module"),
    ],
)
def test_what_is_no_model(source, options, reason):
    with pytest.raises(CatsError, match=reason):
        imported(source, **options)


# Vision transformers by names of tensors

F, P, CLASSES, HIDDEN = 16, 4, 5, 24


def timm_tensors(classed=True, seed=0):
    """Tensors as timm names them, of images 3 x 8 x 8."""
    generator = torch.Generator().manual_seed(seed)

    def some(*shape):
        return 0.3 * torch.randn(shape, generator=generator)

    made = {"cls_token": some(1, 1, F)} if classed else {}
    made |= {
        "pos_embed": some(1, 4 + classed, F),
        "patch_embed.proj.weight": some(F, 3, P, P),
        "patch_embed.proj.bias": some(F),
    }
    for b in ("blocks.0.", "blocks.1."):
        for norm in ("norm1", "norm2"):
            made |= {f"{b}{norm}.weight": 1 + some(F), f"{b}{norm}.bias": some(F)}
        shapes = {"attn.qkv": (3 * F, F), "attn.proj": (F, F), "mlp.fc1": (HIDDEN, F),
                  "mlp.fc2": (F, HIDDEN)}  # fmt: skip
        for name, shape in shapes.items():
            made |= {f"{b}{name}.weight": some(*shape), f"{b}{name}.bias": some(shape[0])}
    return made | {"norm.weight": 1 + some(F), "norm.bias": some(F),
                   "head.weight": some(CLASSES, F), "head.bias": some(CLASSES)}  # fmt: skip


def vit(t, x, heads=4, eps=1e-6):
    """What timm does with these tensors."""

    def norm(x, name):
        return functional.layer_norm(x, (F,), t[f"{name}.weight"], t[f"{name}.bias"], eps)

    def linear(x, name):
        return functional.linear(x, t[f"{name}.weight"], t.get(f"{name}.bias"))

    x = functional.conv2d(x, t["patch_embed.proj.weight"], t["patch_embed.proj.bias"], P)
    x = x.flatten(2).transpose(1, 2)
    classed = "cls_token" in t
    late = t["pos_embed"].shape[1] == 4
    x = x + t["pos_embed"] if late else x
    if classed:
        x = torch.cat((t["cls_token"].expand(len(x), -1, -1), x), 1)
    x = x if late else x + t["pos_embed"]
    for b in ("blocks.0.", "blocks.1."):
        qkv = linear(norm(x, f"{b}norm1"), f"{b}attn.qkv")
        q, k, v = qkv.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-1, -2) / math.sqrt(F / heads)).softmax(-1)
        y = linear((scores @ v).transpose(1, 2).flatten(2), f"{b}attn.proj")
        x = x + y * t.get(f"{b}ls1.gamma", 1)
        y = functional.gelu(linear(norm(x, f"{b}norm2"), f"{b}mlp.fc1"))
        x = x + linear(y, f"{b}mlp.fc2") * t.get(f"{b}ls2.gamma", 1)
    if classed:
        x = norm(x, "norm")[:, 0]
    else:
        x = norm(x, "norm").mean(1) if "norm.weight" in t else norm(x.mean(1), "fc_norm")
    return linear(x, "head") if "head.weight" in t else x


def _plain(t):
    return t


def _scaled(t):
    for b in ("blocks.0.", "blocks.1."):
        t[f"{b}ls1.gamma"], t[f"{b}ls2.gamma"] = torch.rand(F) + 0.1, torch.rand(F) + 0.1
    return t


def _mean(t):
    del t["cls_token"]
    return t | {"pos_embed": t["pos_embed"][:, 1:]}


def _fc_norm(t):
    return {name.replace("norm.", "fc_norm.") if name.startswith("norm.") else name: x
            for name, x in _mean(t).items()}  # fmt: skip


def _no_embed_class(t):
    return t | {"pos_embed": t["pos_embed"][:, 1:]}


def _without(*parts):
    return lambda t: {n: x for n, x in t.items() if not any(part in n for part in parts)}


FORMS = {
    "class token": (_plain, "class"),
    "layer scale": (_scaled, "class"),
    "mean behind the norm": (_mean, "mean_of_norm"),
    "mean before it": (_fc_norm, "mean"),
    "positions of patches only": (_no_embed_class, "class"),
    "no head": (_without("head."), "class"),
    "no biases of q, k, v": (_without("qkv.bias"), "class"),
}


@pytest.mark.parametrize("form", FORMS)
def test_tensors_as_timm_names_them(form):
    change, pool = FORMS[form]
    tensors = change(timm_tensors())
    found = imported(tensors, heads=4)
    assert found.model.config.pool == pool and found.model.config.norm_eps == 1e-6
    with torch.no_grad():
        values = found.model(found.rows(IMAGES))[:, 0]
    torch.testing.assert_close(values, vit(tensors, IMAGES), rtol=NEAR, atol=NEAR)


def renamed(tensors, new):
    """The same as transformers names them: in files, or as its newer modules do."""
    names = {
        "cls_token": "vit.embeddings.cls_token",
        "pos_embed": "vit.embeddings.position_embeddings",
        "patch_embed.proj": "vit.embeddings.patch_embeddings.projection",
        "norm": "vit.layernorm",
        "head": "classifier",
    }
    block = {
        "norm1": "layernorm_before",
        "norm2": "layernorm_after",
        "attn.proj": "attention.o_proj" if new else "attention.output.dense",
        "mlp.fc1": "mlp.fc1" if new else "intermediate.dense",
        "mlp.fc2": "mlp.fc2" if new else "output.dense",
    }
    parts = "qkv" if new else ("query", "key", "value")
    made = {}
    for name, tensor in tensors.items():
        stem, _, part = name.rpartition(".")
        if not name.startswith("blocks."):
            made[f"{names[stem]}.{part}" if stem in names else names[name]] = tensor
            continue
        _, b, stem = stem.split(".", 2)
        prefix = f"vit.layers.{b}." if new else f"vit.encoder.layer.{b}."
        if stem != "attn.qkv":
            made[f"{prefix}{block[stem]}.{part}"] = tensor
            continue
        for which, piece in zip(parts, tensor.chunk(3), strict=True):
            inner = f"attention.{which}_proj" if new else f"attention.attention.{which}"
            made[f"{prefix}{inner}.{part}"] = piece
    return made


@pytest.mark.parametrize("new", [False, True])
def test_tensors_as_transformers_names_them(new):
    tensors = timm_tensors()
    theirs = renamed(tensors, new)
    theirs["vit.pooler.dense.weight"] = torch.zeros(F, F)
    found = imported(theirs, heads=4, norm_eps=1e-6)
    wanted = imported(tensors, heads=4).model
    assert "left out: vit.pooler.dense.weight" in str(found)
    for name, tensor in found.model.state_dict().items():
        assert torch.equal(tensor, wanted.state_dict()[name]), name
    assert imported(theirs, heads=4).model.config.norm_eps == 1e-12


def _with(name, shape=(F,)):
    return lambda t: t | {name: torch.ones(shape)}


@pytest.mark.parametrize(
    ("change", "options", "reason"),
    [
        (_with("dist_token"), {}, "dist_token: a distillation token"),
        (_with("reg_token"), {}, "register tokens"),
        (_with("blocks.0.attn.q_norm.weight"), {}, "norms of queries and keys"),
        (_with("rel_pos_bias.table"), {}, "relative positions"),
        (_with("norm_pre.weight"), {}, "a norm before the first block"),
        (_with("attn_pool.q.weight"), {}, "attention pooling"),
        (_with("blocks.0.mlp.fc1_g.weight"), {}, "a gated feed-forward"),
        (_with("neck.weight"), {}, "neck.weight is no part of a plain ViT"),
        (_with("fc_norm.weight"), {}, "a mean over patches beside a class token"),
        (_plain, {"pool": "mean"}, "pool mean beside a class token"),
        (_mean, {"pool": "class"}, "pool class without one"),
        (_plain, {"heads": None}, "number of heads: give it (of 16 features"),
        (_plain, {"heads": 3}, "cannot be split into 3 heads"),
        (_plain, {"activation": "gelu_new"}, "activation gelu_new"),
        (_plain, {"size": (8, 12)}, "5 positions for 6 patches and a class token"),
        (_plain, {"size": (9, 9)}, "do not divide 9 x 9"),
        (_with("pos_embed", (1, 8, F)), {}, "no square of patches"),
        (_with("patch_embed.proj.weight", (F, 3, 4, 5)), {}, "only square ones"),
        (_with("blocks.0.mlp.fc1.weight", (HIDDEN, 3)), {}, "do not fit each other"),
        (_with("blocks.1.norm1.weight", (3, F)), {}, "do not fit each other"),
        (_without("blocks.0.mlp.fc2.weight"), {}, "hold no blocks.0.down.weight"),
        (_without("norm.weight"), {}, "hold no norm.weight"),
        (lambda t: t | {"head.bias": t["head.bias"] * torch.nan}, {}, "NaN or infinity"),
        (lambda t: t | {"head.bias": t["head.bias"].int()}, {}, "floating-point"),
        (lambda t: _with("embeddings.token_type_embeddings")(renamed(t, False)), {}, "token types"),
    ],
)  # fmt: skip
def test_tensors_that_cannot_be_taken(change, options, reason):
    with pytest.raises(CatsError, match=re.escape(reason)):
        imported(change(timm_tensors()), **{"heads": 4, **options})


TIMM = {
    "class token": {},
    "mean before the norm": {"class_token": False, "global_pool": "avg"},
    "mean behind it": {"class_token": False, "global_pool": "avg", "fc_norm": False},
    "layer scale": {"init_values": 0.1},
    "positions of patches only": {"no_embed_class": True},
    "no head": {"num_classes": 0},
}
TIMM_REFUSED = {
    "norms of queries and keys": {"qk_norm": True},
    "register tokens": {"reg_tokens": 2},
    "a norm before the first block": {"pre_norm": True},
    "pool 'map'": {"global_pool": "map"},
    "pool mean beside a class token": {"global_pool": "avg"},
}


def timm_model(**options):
    timm = pytest.importorskip("timm")
    shape = {"img_size": 8, "patch_size": 4, "embed_dim": F, "num_heads": 4, "depth": 2,
             "num_classes": CLASSES}  # fmt: skip
    return noisy(timm.create_model("vit_tiny_patch16_224", **{**shape, **options}))


@pytest.mark.parametrize("name", TIMM)
def test_a_model_of_timm(name):
    module = timm_model(**TIMM[name])
    found = imported(module)
    with torch.no_grad():
        values = found.model(found.rows(IMAGES))[:, 0]
        torch.testing.assert_close(values, module(IMAGES), rtol=NEAR, atol=NEAR)


@pytest.mark.parametrize("reason", TIMM_REFUSED)
def test_a_model_of_timm_that_cannot_be_taken(reason):
    with pytest.raises(CatsError, match=reason):
        imported(timm_model(**TIMM_REFUSED[reason]))


@pytest.mark.parametrize("kind", ["ViTForImageClassification", "ViTModel"])
def test_a_model_of_transformers(kind):
    transformers = pytest.importorskip("transformers")
    module = noisy(getattr(transformers, kind)(transformers.ViTConfig(**TRANSFORMERS)))
    found = imported(module)
    with torch.no_grad():
        values = found.model(found.rows(IMAGES))[:, 0]
        result = module(IMAGES)
    wanted = result.logits if kind.startswith("ViTFor") else result.last_hidden_state[:, 0]
    torch.testing.assert_close(values, wanted, rtol=NEAR, atol=NEAR)


TRANSFORMERS = {
    "hidden_size": F, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 8,
    "intermediate_size": HIDDEN, "patch_size": P, "num_labels": CLASSES,
}  # fmt: skip


def test_models_of_transformers_that_cannot_be_taken():
    transformers = pytest.importorskip("transformers")
    tanh = transformers.ViTConfig(**TRANSFORMERS, hidden_act="gelu_new")
    bert = {k: v for k, v in TRANSFORMERS.items() if k not in ("image_size", "patch_size")}
    for module, reason in (
        (transformers.ViTForImageClassification(tanh), "activation gelu_new"),
        (transformers.DeiTForImageClassification(transformers.DeiTConfig(**TRANSFORMERS)),
         "a distillation token"),
        (transformers.BertModel(transformers.BertConfig(**bert)), "token numbers as input"),
    ):  # fmt: skip
        with pytest.raises(CatsError, match=reason):
            imported(module)


# On nodes


@pytest.mark.parametrize(
    "name", ["last row", "causal, every row", "class token", "mean behind the norm", "vit"]
)
def test_four_nodes_run_it_as_the_reference_does(name):
    if name == "vit":
        model = from_torch(timm_tensors(), heads=4, norm_eps=1e-12)
    else:
        make, example = MODULES[name]
        model = from_torch(noisy(make()), example)
    for output_split in ("single", "even"):
        split = SplitConfig.even(model.config, 4, output_split=output_split)
        dealt, changed = deal(model, split)
        assert changed == []
        x = torch.randn(3, model.config.tokens_in, model.config.inputs)
        with torch.no_grad():
            torch.testing.assert_close(dealt(x), model(x), rtol=NEAR, atol=NEAR)
        integers = quantize(dealt, x)
        given = np.clip(np.rint(x.numpy() / integers.input_scale), -128, 127).astype(np.int8)
        plan = make_plan(integers.config, integers.split, integers.keep)
        answers, wanted = simulate(integers, plan, given).outputs, run_batch(integers, given)
        np.testing.assert_array_equal(answers, wanted)


def test_pruned_finetuned_and_exported(tmp_path):
    kinds = np.arange(40) % 2
    pixels = np.random.default_rng(0).integers(0, 99, (40, 8, 8, 3), dtype=np.uint8)
    pixels[kinds == 1, :4] += 120
    np.savez(tmp_path / "a.npz", x=pixels, y=kinds)
    task = tasks.load("images", data=str(tmp_path / "a.npz"), patch=P)
    tensors = timm_tensors()
    tensors |= {"head.weight": tensors["head.weight"][:2], "head.bias": tensors["head.bias"][:2]}
    model = from_torch(tensors, heads=4)
    split = SplitConfig.even(model.config, 4, output_split="single")
    training = Training(
        epochs=2, batch=14, lr=1e-3, message_dropout=(0.0, 0.3), keep=0.5, prune_steps=1,
        threads=1,
    )  # fmt: skip
    tuned, _ = train(task, model.config, split, training, init=model)
    assert len(tuned.keep[1][0]) == 2  # of 4
    assert not torch.equal(tuned.head.weight, model.head.weight)
    integers = dataclasses.replace(
        quantize(tuned, task.train.inputs), metadata=with_counts(task.metadata, ())
    )
    meta = export(integers, tmp_path / "deploy")
    assert (tmp_path / "deploy" / "node_03" / "cats_partition.bin").exists()
    assert len(meta["nodes"]) == 4


def test_the_largest_difference_is_refused(monkeypatch):
    found = imported(noisy(Series("last")), SERIES)
    module = noisy(Series("last"), seed=1)
    with pytest.raises(CatsError, match="outputs differ by"):
        found.verify(module, SERIES)
    assert not found.difference <= LARGEST_DIFFERENCE
