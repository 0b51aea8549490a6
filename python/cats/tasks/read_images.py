# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Images with their classes, of a folder or a NumPy archive."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from cats.errors import CatsError

SUFFIXES = (".png", ".jpg", ".jpeg")
#: Pillow's modes of 8 bits or fewer without colour; all others that are read become RGB.
GREY = ("1", "L", "LA")
COLOUR = ("RGB", "RGBA", "P", "PA", "CMYK", "YCbCr")


@dataclass(frozen=True)
class Images:
    """``pixels`` uint8 or float32 [n, channels, height, width], the class of each in ``labels``,
    and the SHA-256 of what they were read from."""

    pixels: np.ndarray
    labels: list[str]
    sha256: str


def read_images(data: str, size: tuple[int, int] | None) -> tuple[Images, Images | None]:
    """(images, those of the test part or None) of a folder or an ``.npz`` file, brought to
    ``size``, (height, width). CatsError names the file that cannot be used."""
    path = Path(data)
    if path.is_dir():
        return read_folder(path, size)
    if path.suffix.lower() != ".npz":
        raise CatsError(f"{path} is no folder of images and no .npz file")
    return read_npz(path, size)


def sha256_of(known: Images, test: Images | None) -> str:
    """That of the one; of two parts that of both theirs, one after the other."""
    if test is None or test.sha256 == known.sha256:
        return known.sha256
    return hashlib.sha256((known.sha256 + test.sha256).encode()).hexdigest()


def read_folder(folder: Path, size: tuple[int, int] | None = None) -> tuple[Images, Images | None]:
    """A sub-folder a class; or such folders in ``train``, and perhaps in ``test``."""
    train, test = folder / "train", folder / "test"
    if not train.is_dir():
        train, test = folder, None
    parts = [_listed(part) for part in (train, test) if part is not None and part.is_dir()]
    modes = {_mode(file) for files in parts for file, _ in files}
    grey = modes <= set(GREY)
    read: list[Images] = []
    shape: tuple[int, ...] | None = None  # of the first
    for files in parts:
        digest, pixels = hashlib.sha256(), []
        for file, _ in files:
            values, content = _decoded(file, grey, size)
            shape = shape or values.shape[1:]
            if values.shape[1:] != shape:
                raise CatsError(
                    f"{file} has {_size(values.shape[1:])} pixels, the first image {_size(shape)}: "
                    f"bring all to one size, as with --size {_size(shape)}"
                )
            pixels.append(values)
            digest.update(content)
        names = [name for _, name in files]
        digest.update("\n".join(names).encode())
        read.append(Images(np.stack(pixels), names, digest.hexdigest()))
    return read[0], read[1] if len(read) > 1 else None


def _listed(folder: Path) -> list[tuple[Path, str]]:
    """(file, class) of all images of a folder with a sub-folder a class, in order of names."""
    found = []
    classes = [p for p in sorted(folder.iterdir()) if p.is_dir() and not p.name.startswith(".")]
    for group in classes:
        files = [p for p in sorted(group.iterdir())
                 if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]  # fmt: skip
        if not files:
            raise CatsError(f"{group} holds no image ({', '.join(SUFFIXES)})")
        found += [(file, group.name) for file in files]
    if not found:
        raise CatsError(f"{folder} holds no sub-folder of images: make one for each class")
    return found


def _opened(file: Path) -> Image.Image:
    try:
        return Image.open(file)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise CatsError(f"{file} cannot be read: {_reason(file, error)}") from None


def _reason(file: Path, error: Exception) -> str:
    """One line; Pillow's own repeats the path."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "it is no image"
    return str(error).replace(repr(str(file)), "it").splitlines()[0] if str(error) else repr(error)


def _mode(file: Path) -> str:
    with _opened(file) as image:
        if image.mode not in GREY + COLOUR:
            raise CatsError(f"{file} has pixels of mode {image.mode}: write it with 8 bits a value")
        return image.mode


def _decoded(file: Path, grey: bool, size: tuple[int, int] | None) -> tuple[np.ndarray, bytes]:
    """uint8 [channels, height, width] of a file, and its bytes."""
    with _opened(file) as image:
        try:
            content = file.read_bytes()
            values = np.asarray(_resized(image.convert("L" if grey else "RGB"), size))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise CatsError(f"{file} cannot be read: {_reason(file, error)}") from None
    return (values[None] if grey else values.transpose(2, 0, 1)), content


def _resized(image: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    if size is None or image.size == size[::-1]:
        return image
    return image.resize(size[::-1], Image.Resampling.BILINEAR)


def read_npz(path: Path, size: tuple[int, int] | None = None) -> tuple[Images, Images | None]:
    """Arrays ``x`` [n, height, width] or [n, height, width, channels] and ``y`` [n], whole numbers
    or names; or ``x_train``, ``y_train`` and perhaps ``x_test``, ``y_test``."""
    try:
        content = path.read_bytes()
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _ARRAYS if name in file.files}
            there = ", ".join(file.files)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CatsError(f"{path} cannot be read: {error}") from None
    ends = ("_train", "_test") if "x_train" in arrays else ("",)
    sha256 = hashlib.sha256(content).hexdigest()
    parts = []
    for end in ends:
        x, y = (arrays.get(name + end) for name in "xy")
        if x is None and y is None and end == "_test":
            continue
        if x is None or y is None:
            lacks = f"x{end}" if x is None else f"y{end}"
            raise CatsError(f"{path} holds {there or 'nothing'}, no {lacks}")
        parts.append(_checked(path, end, x, y, sha256, size))
    shapes = {part.pixels.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise CatsError(f"{path}: images of x_test are not of the shape of those of x_train")
    return parts[0], parts[1] if len(parts) > 1 else None


_ARRAYS = tuple(name + end for name in "xy" for end in ("", "_train", "_test"))


def _checked(
    path: Path,
    end: str,
    x: np.ndarray,
    y: np.ndarray,
    sha256: str,
    size: tuple[int, int] | None,
) -> Images:
    where = f"{path}: x{end}"
    if x.ndim not in (3, 4) or not x.size:
        raise CatsError(f"{where} has shape {list(x.shape)}: [n, height, width] or [n, height, "
                        "width, channels] is wanted")  # fmt: skip
    if y.shape != x.shape[:1]:
        raise CatsError(f"{path}: y{end} has shape {list(y.shape)}, for {len(x)} images")
    if y.dtype.kind not in "iuUb":
        raise CatsError(f"{path}: y{end} holds {y.dtype}: whole numbers or names are wanted")
    if x.dtype.kind not in "iufb":
        raise CatsError(f"{where} holds {x.dtype}: numbers are wanted")
    x = x if x.dtype == np.uint8 else x.astype(np.float32)
    if not np.isfinite(x).all():
        image = int(np.argmax(~np.isfinite(x.reshape(len(x), -1)).all(1)))
        raise CatsError(f"{where}: a value of image {image} is missing")
    x = x[..., None] if x.ndim == 3 else x
    if size not in (None, x.shape[1:3]):
        if x.dtype != np.uint8 or x.shape[3] not in (1, 3):
            raise CatsError(f"{where}: --size is of images of 8 bits, grey or in three colours")
        images = (Image.fromarray(image if x.shape[3] == 3 else image[..., 0]) for image in x)
        resized = np.stack([np.asarray(_resized(image, size)) for image in images])
        x = resized.reshape(*resized.shape[:3], -1)
    return Images(np.ascontiguousarray(x.transpose(0, 3, 1, 2)), [str(v) for v in y.tolist()],
                  sha256)  # fmt: skip


def _size(shape: tuple[int, ...]) -> str:
    """Height x width."""
    return "x".join(map(str, shape))
