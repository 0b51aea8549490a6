# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats import``: a RUN of a file or a folder, which every command takes."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from cats.nn.importers import imported
from cats.training.run_folder import load_run, run_metadata
from command_line import status

F, CLASSES = 16, ("above", "below")
MEANS = ["--heads", "4", "--mean", "0.5", "--deviation", "0.25"]


def timm_tensors():
    """A ViT of one block, of images 3 x 8 x 8 in patches of 4, for two classes."""
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "cls_token": (1, 1, F), "pos_embed": (1, 5, F), "patch_embed.proj": (F, 3, 4, 4),
        "blocks.0.norm1": (F,), "blocks.0.attn.qkv": (3 * F, F), "blocks.0.attn.proj": (F, F),
        "blocks.0.norm2": (F,), "blocks.0.mlp.fc1": (24, F), "blocks.0.mlp.fc2": (F, 24),
        "norm": (F,), "head": (2, F),
    }  # fmt: skip
    made = {}
    for name, shape in shapes.items():
        values = 0.3 * torch.randn(shape, generator=generator)
        if name in ("cls_token", "pos_embed"):
            made[name] = values
            continue
        made[f"{name}.weight"] = values + (len(shape) == 1)
        made[f"{name}.bias"] = 0.3 * torch.randn(shape[:1], generator=generator)
    return made


def transformers_folder(path, tensors):
    """The same in files as transformers writes them."""
    names = {
        "cls_token": "embeddings.cls_token", "pos_embed": "embeddings.position_embeddings",
        "patch_embed.proj": "embeddings.patch_embeddings.projection", "norm": "layernorm",
        "blocks.0.norm1": "encoder.layer.0.layernorm_before",
        "blocks.0.norm2": "encoder.layer.0.layernorm_after",
        "blocks.0.attn.proj": "encoder.layer.0.attention.output.dense",
        "blocks.0.mlp.fc1": "encoder.layer.0.intermediate.dense",
        "blocks.0.mlp.fc2": "encoder.layer.0.output.dense",
    }  # fmt: skip
    made = {}
    for name, tensor in tensors.items():
        stem, _, part = name.rpartition(".")
        if stem == "head":
            made[f"classifier.{part}"] = tensor
        elif stem == "blocks.0.attn.qkv":
            for which, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                made[f"vit.encoder.layer.0.attention.attention.{which}.{part}"] = piece.contiguous()
        elif name in names:
            made[f"vit.{names[name]}"] = tensor
        else:
            made[f"vit.{names[stem]}.{part}"] = tensor
    path.mkdir()
    save_file(made, path / "model.safetensors")
    config = {
        "num_attention_heads": 4, "layer_norm_eps": 1e-6, "hidden_act": "gelu", "image_size": 8,
        "id2label": {"0": "above", "1": "below"}, "model_type": "vit",
    }  # fmt: skip
    (path / "config.json").write_text(json.dumps(config))
    images = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "do_resize": True}
    (path / "preprocessor_config.json").write_text(json.dumps(images))
    return path


@pytest.fixture
def photos(tmp_path):
    kinds = np.array(CLASSES * 20)
    pixels = np.random.default_rng(0).integers(0, 99, (40, 8, 8, 3), dtype=np.uint8)
    pixels[kinds == "above", :4] += 120
    np.savez(tmp_path / "photos.npz", x=pixels, y=kinds)
    return tmp_path / "photos.npz"


@pytest.fixture
def folder(tmp_path):
    return transformers_folder(tmp_path / "vit", timm_tensors())


def test_a_run_that_every_command_takes(tmp_path, folder, photos, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert status("import", folder, "-o", "RUN") == 0
    said = capsys.readouterr().out
    assert "transformers: images of 8 x 8, 3 channels" in said and "RUN: " in said
    model, run = load_run("RUN")
    wanted = imported(timm_tensors(), heads=4).model
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, wanted.state_dict()[name]), name
    meta = run_metadata(run)
    assert meta.classes == CLASSES and meta.patch == (4, 4)
    np.testing.assert_allclose(meta.mean, 127.5)
    np.testing.assert_allclose(meta.deviation, 63.75)

    assert status("evaluate", "RUN", "--loss", "0") == 2
    assert "name some with --data" in capsys.readouterr().err
    assert status("evaluate", "RUN", "--data", photos, "--loss", "0", "--repeats", "1") == 0
    export = ("export", "RUN", "-o", "DEPLOY", "--nodes", "4", "--data", photos)
    assert status(*export) == 0
    capsys.readouterr()
    simulate = ("simulate", "DEPLOY", "--random-inputs", "--samples", "2", "--json", "-")
    assert status(*simulate) == 0
    assert all(r["equal_to_reference"] for r in json.loads(capsys.readouterr().out)["results"])

    tune = ("train", "--init", "RUN", "--task", "images", "--data", photos, "-o", "TUNED")
    assert status(*tune, "--epochs", "2", "--batch", "14", "--nodes", "4", "--keep", "0.5") == 0
    tuned, run = load_run("TUNED")
    assert tuned.split.nodes == 4 and tuned.config == model.config
    assert run_metadata(run) == meta  # the model's own, not the data's
    assert status("export", "TUNED", "-o", "TUNED/deploy") == 0
    assert status(*simulate[:1], "TUNED/deploy", *simulate[2:]) == 0


def test_the_task_gives_the_model_what_it_was_trained_on(tmp_path, folder, photos):
    """Pixels through the run's task and model are pixels through the original's preprocessing."""
    assert status("import", folder, "-o", tmp_path / "RUN", "--data", photos) == 0
    from cats.training.run_folder import load_task

    model, run = load_run(tmp_path / "RUN")
    task = load_task(run)
    pixels = np.load(photos)["x"].transpose(0, 3, 1, 2)
    images = torch.from_numpy(pixels / np.float32(255) / 0.25 - 2).float()
    known = {rows.numpy().tobytes() for rows in imported(timm_tensors(), heads=4).rows(images)}
    assert task.train.inputs.shape[1:] == (4, 48)
    near = torch.from_numpy(np.stack([np.frombuffer(k, np.float32) for k in known]))
    for rows in task.train.inputs.flatten(1)[:5]:
        assert (near - rows).abs().amax(1).min() < 1e-5
    metrics = json.loads((tmp_path / "RUN" / "metrics.json").read_text())
    assert 0 <= metrics["test"]["accuracy"] <= 1
    assert functional.softmax(model(task.test.inputs), -1).shape == (8, 1, 2)


@pytest.mark.parametrize("kind", ["safetensors", "pth", "nested", "prefixed"])
def test_files_of_tensors(tmp_path, kind):
    tensors, path = timm_tensors(), tmp_path / "vit.pth"
    if kind == "safetensors":
        path = tmp_path / "vit.safetensors"
        save_file(tensors, path)
    elif kind == "pth":
        torch.save(tensors, path)
    elif kind == "nested":
        torch.save({"model": tensors, "epoch": 3}, path)
    else:
        torch.save({"state_dict": {f"module.{k}": v for k, v in tensors.items()}}, path)
    (tmp_path / "names").write_text("above\nbelow\n")
    assert status("import", path, "-o", tmp_path / "RUN", *MEANS, "--classes",
                  tmp_path / "names") == 0  # fmt: skip
    model, run = load_run(tmp_path / "RUN")
    assert run_metadata(run).classes == CLASSES
    wanted = imported(tensors, heads=4).model
    torch.testing.assert_close(model.state_dict(), wanted.state_dict(), rtol=0, atol=0)


def test_a_new_head(tmp_path, photos):
    tensors = {k: v for k, v in timm_tensors().items() if not k.startswith("head.")}
    save_file(tensors, tmp_path / "vit.safetensors")
    words = ("import", tmp_path / "vit.safetensors", "-o", tmp_path / "RUN", *MEANS)
    assert status(*words, "--data", photos) == 2
    assert status(*words, "--data", photos, "--new-head") == 0
    model, run = load_run(tmp_path / "RUN")
    assert model.config.outputs == 2 and not model.head.weight.any()
    assert run_metadata(run).classes == CLASSES


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--heads", "4", "--mean", "0.5"], "give --mean and --deviation"),
        (["--mean", "0.5", "--deviation", "0.5"], "number of heads"),
        ([*MEANS[:3], "0.5,0.5", *MEANS[4:]], "2 means or deviations for 3 channels"),
        ([*MEANS[:5], "0"], "deviation"),
        ([*MEANS, "--size", "12"], "positions for 9 patches"),
        ([*MEANS, "--new-head"], "--new-head goes with --data"),
        ([*MEANS, "--classes", "one"], "1 names of classes for 2 outputs"),
        ([*MEANS, "--activation", "silu"], "invalid choice"),
    ],
)
def test_what_is_missing_is_named(tmp_path, options, reason, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_file(timm_tensors(), "vit.safetensors")
    (tmp_path / "one").write_text("above\n")
    assert status("import", "vit.safetensors", "-o", "RUN", *options) == 2
    said = capsys.readouterr().err
    assert reason in said and said.count("\n") == 1
    assert not (tmp_path / "RUN").exists()


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: torch.save(torch.nn.Linear(2, 2), path), "more than tensors"),
        (lambda path: torch.save([1, 2], path), "no tensors by name"),
        (lambda path: torch.save({"a": 1}, path), "no tensors by name"),
        (lambda path: path.write_bytes(b"PK\3\4 and no archive"), "is damaged"),
        (lambda path: path.write_bytes(b""), "is damaged"),
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "holds no model.safetensors"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, write, reason, capsys):
    write(tmp_path / "vit.pt")
    assert status("import", tmp_path / "vit.pt", "-o", tmp_path / "RUN", *MEANS) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "RUN").exists()


def test_a_run_is_not_written_over(tmp_path, capsys):
    save_file(timm_tensors(), tmp_path / "vit.safetensors")
    words = ("import", tmp_path / "vit.safetensors", "-o", tmp_path / "RUN", *MEANS)
    assert status(*words) == 0
    assert status(*words) == 2
    assert "--force" in capsys.readouterr().err
    assert status(*words, "--force") == 0


@pytest.mark.parametrize("before", [False, True])
def test_a_disk_that_fills_up(tmp_path, capsys, before):
    """Nothing of a new run is left, and nothing of an old one lost."""
    save_file(timm_tensors(), tmp_path / "vit.safetensors")
    disk = tmp_path / "disk"
    words = ("import", tmp_path / "vit.safetensors", "-o", disk / "RUN", *MEANS, "--force")
    write_bytes, small = Path.write_bytes, 4096

    def full(path, data):
        if len(data) > small:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_bytes(path, data)

    if before:
        assert status(*words) == 0
    old = {path.name: path.read_bytes() for path in disk.glob("RUN/*")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert status(*words) == 2
    assert "No space left" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in disk.glob("RUN/*")} == old
    assert (disk / "RUN").exists() == before


@pytest.mark.parametrize("data", [False, True])
def test_a_damaged_one_is_imported_again(tmp_path, photos, capsys, data):
    """Also one that has data: there is no training to finish."""
    save_file(timm_tensors(), tmp_path / "vit.safetensors")
    own = ("--data", photos, "--new-head") if data else ()
    words = ("import", tmp_path / "vit.safetensors", "-o", tmp_path / "RUN", *MEANS, *own)
    for name in ("metrics.json", "model.safetensors"):
        assert status(*words, "--force") == 0
        (tmp_path / "RUN" / name).unlink()
        assert status("evaluate", tmp_path / "RUN", "--loss", "0") == 2
        assert f"holds no {name}: import it again" in capsys.readouterr().err
    train = ("train", "--task", "images", "--data", photos, "--resume", "-o", tmp_path / "RUN")
    assert status(*train, "--features", "16", "--heads", "4", "--nodes", "2") == 2
    assert "was imported, there is no training to continue" in capsys.readouterr().err
