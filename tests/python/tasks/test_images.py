# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Images: folders and archives become patches, changes of a batch are what they say, and bad files
are named."""

import argparse
import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from cats import tasks
from cats.commands import train as command
from cats.errors import CatsError
from cats.shape import metadata
from cats.shape.windows import real_inputs
from cats.tasks import augment, baselines
from cats.tasks.augment import Augment, parse_augment
from cats.training.run_folder import load_run, run_metadata


def _picture(kind, seed, shape=(8, 12, 3)):
    """Noise, brighter in one half: above, or below."""
    pixels = np.random.default_rng(seed).integers(0, 100, shape, dtype=np.uint8)
    half = slice(0, shape[0] // 2) if kind == "above" else slice(shape[0] // 2, None)
    pixels[half] += 120
    return pixels


def _folder(path, count, suffix="png", shape=(8, 12, 3)):
    for kind, i in itertools.product(("above", "below"), range(count)):
        (path / kind).mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(_picture(kind, 2 * i + (kind == "below"), shape))
        image.save(path / kind / f"{i:03}.{suffix}")
    return path


def _arrays(count):
    kinds = ["above", "below"] * count
    return np.stack([_picture(kind, i) for i, kind in enumerate(kinds)]), np.array(kinds)


@pytest.fixture
def archive(tmp_path):
    """x_train, y_train, x_test, y_test."""
    x, y = _arrays(30)
    np.savez(tmp_path / "a.npz", x_train=x[:40], y_train=y[:40], x_test=x[40:], y_test=y[40:])
    return str(tmp_path / "a.npz")


def _unlike(tokens, task):
    """[n, tokens, P] back to pixels [n, height, width, channels], by the metadata alone."""
    meta = task.metadata
    down, across = meta.height // task.patch, meta.width // task.patch
    x = tokens.unflatten(2, (3, task.patch, task.patch)).unflatten(1, (down, across))
    x = x.permute(0, 1, 4, 2, 5, 3).flatten(3, 4).flatten(1, 2)
    return x.double().numpy() * meta.deviation + meta.mean


def test_folder_and_archive_give_the_same_patches(tmp_path):
    _folder(tmp_path / "files", 20)
    x, y = _arrays(20)
    order = np.argsort(y, kind="stable")
    np.savez(tmp_path / "b.npz", x=x[order], y=y[order])
    one = tasks.load("images", data=str(tmp_path / "files"))
    other = tasks.load("images", data=str(tmp_path / "b.npz"))
    for part, count in (("train", 28), ("validation", 4), ("test", 8)):
        mine, its = getattr(one, part), getattr(other, part)
        assert mine.targets.bincount().tolist() == [count // 2] * 2
        assert torch.equal(mine.inputs, its.inputs) and torch.equal(mine.targets, its.targets)
    assert one.train.inputs.shape == (28, 6, 48)
    assert one.metadata == other.metadata
    assert [c.name for c in one.metadata.channels] == ["red", "green", "blue"]
    assert one.metadata.classes == ("above", "below")
    back = _unlike(one.train.inputs, one)
    by_channel = back.reshape(-1, 3)
    np.testing.assert_allclose(by_channel.mean(0), one.metadata.mean, atol=1e-4)
    known = {picture.tobytes() for picture in x}
    assert {p.tobytes() for p in np.rint(back).astype(np.uint8)} <= known


def test_patches_that_overlap(archive, tmp_path):
    """Each token has its patch in the middle, what is around it, and the mean beyond the edge; raw
    samples give the same inputs."""
    plain = tasks.load("images", data=archive, patch=4)
    task = tasks.load("images", data=archive, patch=4, patch_overlap=2)
    assert (task.model.tokens_in, task.model.inputs) == (6, 3 * 8 * 8)
    assert task.metadata.seen == (8, 8) and task.metadata.inputs == 192
    seen = task.test.inputs.unflatten(2, (3, 8, 8)).unflatten(1, (2, 3))
    patches = plain.test.inputs.unflatten(2, (3, 4, 4)).unflatten(1, (2, 3))
    torch.testing.assert_close(seen[..., 2:6, 2:6], patches)
    torch.testing.assert_close(seen[:, 0, 0, :, 6:, 2:6], patches[:, 1, 0, :, :2])
    torch.testing.assert_close(seen[:, 1, 2, :, 2:6, :2], patches[:, 1, 1, :, :, 2:])
    assert not seen[:, 0, ..., :2, :].any() and not seen[:, :, -1, ..., 6:].any()
    raw = np.load(archive)["x_test"]
    given, _ = real_inputs(task.metadata, raw)
    torch.testing.assert_close(torch.from_numpy(given), task.test.inputs)
    batch, _ = task.batch(torch.arange(4), 4, torch.Generator())
    assert batch.shape == (4, 6, 192)
    assert metadata.from_json(metadata.to_json(task.metadata), task.model) == task.metadata
    assert "overlap" not in metadata.to_json(plain.metadata)
    with pytest.raises(CatsError, match="0 to 255"):
        tasks.load("images", data=archive, patch_overlap=256)


def test_parts_of_their_own_and_jpeg_and_size(tmp_path):
    _folder(tmp_path / "train", 20, "jpg", (16, 24, 3))
    _folder(tmp_path / "test", 5, "JPEG", (10, 12, 3))
    x, y = _arrays(20)
    np.savez(tmp_path / "e.npz", x=x, y=y)
    small = tasks.load("images", data=str(tmp_path / "e.npz"), size="4x8")
    assert small.metadata.height == 4 and small.metadata.width == 8
    with pytest.raises(CatsError, match="10x12 pixels, the first image 16x24.*--size 16x24"):
        tasks.load("images", data=str(tmp_path))
    task = tasks.load("images", data=str(tmp_path), size="8x12")
    assert [len(p) for p in (task.train, task.validation, task.test)] == [36, 4, 10]
    again = tasks.load("images", **task.options)
    assert again.options == task.options and again.metadata == task.metadata
    fitted = tasks.load("images", data=str(tmp_path), size="8x12", split_seed=3,
                        fitted=task.metadata)  # fmt: skip
    assert fitted.metadata is task.metadata
    assert torch.equal(fitted.test.inputs, task.test.inputs)
    with pytest.raises(CatsError, match="is not what it was: its SHA-256"):
        tasks.load("images", **{**task.options, "sha256": "0" * 64})


def test_grey_is_one_channel_where_all_files_are(tmp_path):
    _folder(tmp_path / "grey", 10, shape=(8, 12))
    task = tasks.load("images", data=str(tmp_path / "grey"))
    assert task.model.inputs == 16 and [c.name for c in task.metadata.channels] == ["grey"]
    Image.fromarray(_picture("above", 5)).save(tmp_path / "grey" / "above" / "x.png")
    assert tasks.load("images", data=str(tmp_path / "grey")).model.inputs == 48


def test_bad_folders_are_named_in_one_line(tmp_path):
    folder = _folder(tmp_path / "files", 10)

    def refused(text, **options):
        with pytest.raises(CatsError, match=text) as error:
            tasks.load("images", data=str(folder), **options)
        assert "\n" not in str(error.value)

    refused("patch of 5 pixels does not divide 8x12", patch=5)
    refused("size '0'", size="0")
    refused("augment 'turn'", augment="turn=3")
    whole = folder / "below" / "003.png"
    good = whole.read_bytes()
    whole.write_bytes(good[:60])
    refused("below/003.png cannot be read")
    whole.write_bytes(b"no image")
    refused("below/003.png cannot be read: it is no image")
    Image.fromarray(np.zeros((8, 12), np.uint16)).save(whole)
    refused("below/003.png has pixels of mode I;16")
    whole.write_bytes(good)
    (folder / "empty").mkdir()
    refused("empty holds no image")
    (folder / "empty").rmdir()
    for file in (folder / "below").iterdir():
        file.rename(folder / "above" / f"b{file.name}")
    (folder / "below").rmdir()
    refused("holds one class")
    with pytest.raises(CatsError, match="no folder of images and no .npz"):
        tasks.load("images", data=str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    "change, text",
    [
        ({"y": None}, "holds x, no y"),
        ({"y": np.zeros(3, int)}, "y has shape"),
        ({"y": np.zeros(60)}, "y holds float64"),
        ({"x": np.zeros((60, 4))}, "x has shape"),
        ({"x": np.full((60, 4, 4), np.nan)}, "a value of image 0 is missing"),
        ({"x": np.zeros((60, 4, 4), np.uint8)}, "all pixels of grey are 0"),
        ({"x": np.array([None] * 60, object)}, "cannot be read"),
    ],
)
def test_bad_archives_are_named_in_one_line(tmp_path, change, text):
    arrays = dict(zip("xy", _arrays(30), strict=True)) | change
    np.savez(tmp_path / "c.npz", **{k: v for k, v in arrays.items() if v is not None})
    with pytest.raises(CatsError, match=text) as error:
        tasks.load("images", data=str(tmp_path / "c.npz"))
    assert "\n" not in str(error.value)


def test_a_class_that_only_the_test_part_has_is_refused(tmp_path):
    x, y = _arrays(20)
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x[:2], y_test=["above", "left"])
    with pytest.raises(CatsError, match="class 'left' is not one of those trained"):
        tasks.load("images", data=str(tmp_path / "d.npz"))


def test_a_batch_is_the_training_images_shifted_and_flipped(archive):
    plain = tasks.load("images", data=archive, augment="none")
    index = torch.tensor([3, 0, 7])
    x, targets = plain.batch(index, 1, torch.Generator().manual_seed(0))
    assert torch.equal(x, plain.train.inputs[index])
    assert torch.equal(targets, plain.train.targets[index])
    images = torch.arange(2 * 96, dtype=torch.uint8).view(2, 1, 8, 12)
    moved, inside = augment.moved_pixels(
        images, torch.zeros(64, dtype=torch.long), Augment(2, 1), torch.Generator().manual_seed(1)
    )
    wide = torch.nn.functional.pad(images[0, 0], (2, 2, 2, 2), value=255)
    every = {(side, down, right): turned[down : down + 8, right : right + 12]
             for side, turned in (("as is", wide), ("flipped", wide.flip(1)))
             for down in range(5) for right in range(5)}  # fmt: skip
    seen = set()
    for image, there in zip(moved[:, 0], inside[:, 0], strict=True):
        image = torch.where(there, image, 255)
        seen |= {name for name, wanted in every.items() if torch.equal(image, wanted)}
        assert any(torch.equal(image, wanted) for wanted in every.values())
    assert {name[0] for name in seen} == {"as is", "flipped"} and len(seen) > 20


def test_mixing_keeps_the_sum_of_classes_and_the_share_of_pixels():
    images = torch.arange(4.0)[:, None, None, None].expand(4, 1, 8, 8)
    targets = torch.eye(4)
    for kind in ("mixup", "cutmix"):
        generator = torch.Generator().manual_seed(2)
        x, y = augment.mixed(images, targets, parse_augment(f"{kind}=1"), generator)
        torch.testing.assert_close(y.sum(1), torch.ones(4))
        torch.testing.assert_close(x.mean((1, 2, 3)), y @ torch.arange(4.0))
        values = {round(v, 4) for v in x[1].unique().tolist()}
        assert len(values) == 1 if kind == "mixup" else values == {0.0, 1.0}
    generator = torch.Generator().manual_seed(2)
    assert augment.mixed(images, targets, parse_augment("mixup=0"), generator)[0] is images


def test_cutout_and_colour():
    ones = torch.ones(50, 3, 8, 12)
    holes = (augment.cut_out(ones, 4, torch.Generator().manual_seed(0)) == 0)[:, 0]
    assert set(holes.sum((1, 2)).tolist()) <= {a * b for a in (2, 3, 4) for b in (2, 3, 4)}
    assert (holes.sum((1, 2)) == 16).any()
    x = torch.randn(50, 3, 8, 12, generator=torch.Generator().manual_seed(1))
    y = augment.recoloured(x, 0.3, torch.Generator().manual_seed(2))
    ratio = y.flatten(1).std(1) / x.flatten(1).std(1)
    assert 0.45 < ratio.min() < 0.9 and 1.1 < ratio.max() < 1.75


def test_train_then_reload_and_baselines(tmp_path, capsys):
    x, y = _arrays(30)
    x[y == "below"] //= 3
    archive = str(tmp_path / "f.npz")
    np.savez(archive, x_train=x[:40], y_train=y[:40], x_test=x[40:], y_test=y[40:])
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    out = tmp_path / "run"
    arguments = ["-o", str(out), "--task", "images", "--data", archive, "--nodes", "2"]
    arguments += ["--features", "16", "--heads", "2", "--hidden", "16", "--blocks", "1"]
    arguments += ["--epochs", "8", "--batch", "12", "--lr", "1e-2", "--threads", "1"]
    arguments += ["--augment", "shift=1,mixup=0.2,cutout=2,colour=0.05"]
    assert command.run(parser.parse_args(arguments)) == 0
    assert "test: accuracy 1.0000" in capsys.readouterr().out
    _, run = load_run(out)
    task = tasks.load("images", **run.extra["task_options"])
    assert run_metadata(run) == task.metadata
    beside = baselines.scores(task, "test")["test"]
    assert beside["majority class"]["accuracy"] == 0.5
    assert beside["logistic regression"]["accuracy"] == 1
    assert beside["nearest neighbour"]["accuracy"] > 0.8
    with pytest.raises(CatsError, match="task images needs --data"):
        command.run(parser.parse_args(["-o", str(tmp_path / "no"), "--task", "images"]))
