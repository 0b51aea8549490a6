# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The one place that writes result files and folders, and finds early that they cannot be written.

A file appears whole or not at all. What is no regular file (a device, a FIFO) is written into,
never replaced; behind a symbolic link its target is replaced and the link stays. A folder is filled
from within, so it may be a mount point, and nothing is ever left beside it. What is replaced are
files that the program writes itself, by name; all else in the folder stays. The umask holds.

``output_file`` and ``output_folder`` are the argparse types of all options that name an output, so
a place that cannot be written to is an error before any work.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cats.errors import CatsError

#: Bytes that must be free where something is to be written.
ROOM = 1 << 16
#: What an empty folder may hold: a file system's own.
_SYSTEM = ("lost+found",)
#: Name of files and folders that are being written.
_PARTIAL = ".cats-partial-"


# Whether it can be written


def output_file(text: str) -> Path:
    """argparse type: a file to write, whose place is looked at now (``check_file``)."""
    return _checked(text, check_file)


def output_folder(text: str) -> Path:
    """argparse type: a folder to write into, looked at now (``check_folder``)."""
    return _checked(text, check_folder)


def check_name(path: str | os.PathLike[str]) -> None:
    """Raise CatsError for a name that is not UTF-8: JSON cannot hold it, and safetensors does not
    read it."""
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        raise CatsError(f"the name {path} is not UTF-8: choose another") from None


def plot_file(text: str) -> Path:
    """argparse type: a plot to write, PNG, SVG or PDF by its name."""
    if not text.lower().endswith((".png", ".svg", ".pdf")):
        raise argparse.ArgumentTypeError(f"{text!r}: let its name end in .png, .svg or .pdf")
    return output_file(text)


def json_file(text: str) -> Path | str:
    """argparse type: a file of figures to write, or "-", which is stdout."""
    return text if text == "-" else output_file(text)


def _checked(text: str, check: Callable[[Path], None]) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("an empty name")
    try:
        check(Path(text))
    except CatsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return Path(text)


def check_file(path: Path) -> None:
    """Raise CatsError where ``path`` cannot be written as a file; changes nothing."""
    mode = _mode(path)
    if mode is not None and stat.S_ISDIR(mode):
        raise CatsError(f"cannot write {path}: it is a folder, name a file")
    folder = Path(os.path.realpath(path)).parent
    if mode is None or (stat.S_ISREG(mode) and os.access(folder, os.W_OK)):
        _check_room(path, folder)
    elif not os.access(path, os.W_OK):
        raise CatsError(f"cannot write {path}: permission denied")


def check_folder(path: Path) -> None:
    """Raise CatsError where nothing can be written into the folder ``path``, which need not be
    there yet; changes nothing."""
    check_name(path)
    mode = _mode(path)
    if mode is not None and not stat.S_ISDIR(mode):
        raise CatsError(f"cannot write into {path}: it is a file, name a folder")
    _check_room(path, Path(os.path.realpath(path)))


def _mode(path: Path) -> int | None:
    """Type and mode of what is there, links followed; None where there is nothing."""
    try:
        return os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CatsError(f"cannot write {path}: {error.strerror}") from None


def _check_room(path: Path, folder: Path) -> None:
    """Raise CatsError for ``path`` unless ``folder`` can be made and takes another file."""
    there = next(p for p in (folder, *folder.parents) if os.path.lexists(p))
    if not there.is_dir():
        raise CatsError(f"cannot write {path}: {there} is a file, not a folder")
    disk = os.statvfs(there)
    if disk.f_flag & os.ST_RDONLY:
        raise CatsError(f"cannot write {path}: the file system is read-only")
    if not os.access(there, os.W_OK | os.X_OK):
        raise CatsError(f"cannot write {path}: permission denied in {there}")
    free = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail
    if (disk.f_blocks and free * disk.f_frsize < ROOM) or (disk.f_files and not disk.f_ffree):
        raise CatsError(f"cannot write {path}: the disk is full")


# Files


def write_atomic(path: str | os.PathLike[str], content: bytes, *, private: bool = False) -> None:
    """Write a file, whole or not at all, by the rules above; makes its folder. With ``private``
    only its owner may read it, and never, not for a moment, another."""
    path = Path(path)
    try:
        if (number := _standard(path)) is not None:
            # Where stdout goes to a file, that file: a new one would be none of the shell's.
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
            with open(number, "wb", closefd=False) as file:
                file.write(content)
            return
        mode = _mode(path)
        if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            path.write_bytes(content)
            return
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, content, mode, private)
    except OSError as error:
        raise CatsError(f"cannot write {path}: {error.strerror}") from error


def _standard(path: Path) -> int | None:
    """1 or 2 where ``path`` is what stdout or stderr of this process go to, by whatever name."""
    for number in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(path), os.fstat(number)):
                return number
    return None


def _replace(target: Path, content: bytes, mode: int | None, private: bool) -> None:
    partial = target.with_name(_PARTIAL + secrets.token_hex(4))
    try:
        number = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
        with open(number, "wb") as file:
            if mode is not None and not private:
                os.fchmod(number, stat.S_IMODE(mode))
            file.write(content)
            file.flush()
            if private:
                os.fsync(number)
        os.replace(partial, target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        # A file that may be written, in a folder that may not be, or mounted by itself.
        inside = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY)
        if not (inside and target.is_file() and os.access(target, os.W_OK)):
            raise
        target.write_bytes(content)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


# Folders


@dataclass(frozen=True)
class FolderKind:
    """What the program writes into one kind of folder.

    ``what`` it is called; ``names`` of all its files, patterns relative to it; ``marks``, JSON
    files of it that have the key: a folder with one of them is of this kind.
    """

    what: str
    names: tuple[str, ...]
    marks: Mapping[str, str]

    def is_one(self, folder: Path) -> bool:
        """Whether the program wrote ``folder``, or was about to."""
        begun = any(folder.glob(_PARTIAL + "*"))
        return begun or any(_has_key(folder / name, key) for name, key in self.marks.items())

    def files(self, folder: Path) -> list[Path]:
        """The files in ``folder`` that are the program's, by name."""
        found = {path for name in self.names for path in folder.glob(name)}
        return sorted(path for path in found if path.is_file())

    def check(self, folder: Path, force: bool, otherwise: str = "") -> None:
        """Raise CatsError unless ``folder`` may be filled: it is not there, is empty or, with
        ``force``, of this kind. ``otherwise`` is what to do instead, without ``force``."""
        check_folder(folder)
        if is_empty(folder):
            return
        for name, key in self.marks.items():
            if (folder / name).exists() and not _has_key(folder / name, key):
                raise CatsError(f"{folder / name} is not of {self.what}: choose another folder")
        if not self.is_one(folder):
            name = next(path.name for path in sorted(folder.iterdir()) if path.name not in _SYSTEM)
            raise CatsError(
                f"{folder} holds something else than {self.what} ({name}): choose another folder"
            )
        if not force:
            raise CatsError(f"{folder} exists: {otherwise}")

    def clear(self, folder: Path) -> None:
        """Remove the program's own files, and the folders that become empty thereby."""
        try:
            for path in self.files(folder):
                path.unlink()
                _remove_empty(path.parent, folder)
        except OSError as error:
            raise CatsError(f"cannot remove {path}: {error.strerror}") from error
        for path in folder.glob(_PARTIAL + "*"):
            shutil.rmtree(path, ignore_errors=True)

    def write(self, folder: Path, files: Mapping[str, bytes]) -> None:
        """Replace the program's files in ``folder`` by ``files``, all of them or none; the folder
        is made. What the disk has no room for is found before anything is replaced."""
        there = folder.exists()
        partial = folder / (_PARTIAL + secrets.token_hex(4))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with contextlib.ExitStack() as leave:
                partial.mkdir()
                leave.callback(shutil.rmtree, partial, ignore_errors=True)
                for name, content in files.items():
                    _place(partial / "new" / name).write_bytes(content)
                self._swap(folder, partial, files)
        except OSError as error:
            raise CatsError(f"cannot write {folder}: {error.strerror}") from error
        finally:
            if not there:
                with contextlib.suppress(OSError):
                    folder.rmdir()  # where it is still empty

    def _swap(self, folder: Path, partial: Path, files: Mapping[str, bytes]) -> None:
        """Move old files into ``partial`` and new ones out of it; all back where one fails."""
        moved: list[tuple[Path, Path]] = []
        placed: list[Path] = []

        def move(source: Path, target: Path) -> None:
            placed.append(target)
            source.rename(_place(target))
            moved.append((source, target))

        old = self.files(folder)
        marks = [folder / name for name in self.marks]
        try:
            # A folder that lost its power in between is none, and is known as half of one.
            for path in sorted(old, key=lambda path: path not in marks):
                move(Path(os.path.realpath(path)), partial / "old" / path.relative_to(folder))
            for name in sorted(files, key=lambda name: folder / name in marks):
                target = Path(os.path.realpath(folder / name))
                if os.path.lexists(target):
                    raise CatsError(f"{target} is no regular file: remove it")
                move(partial / "new" / name, target)
        except BaseException:
            for source, target in reversed(moved):
                target.rename(_place(source))
            for target in reversed(placed):
                _remove_empty(target.parent, folder)
            raise
        for path in old:
            _remove_empty(path.parent, folder)


def is_empty(folder: Path) -> bool:
    """Whether ``folder`` is not there, or holds nothing but what a file system puts there."""
    try:
        return all(path.name in _SYSTEM for path in folder.iterdir())
    except FileNotFoundError:
        return True
    except OSError as error:
        raise CatsError(f"cannot read {folder}: {error.strerror}") from None


def _has_key(path: Path, key: str) -> bool:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(data, dict) and key in data


def _place(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _remove_empty(inner: Path, outer: Path) -> None:
    """Remove ``inner`` and the folders above it, below ``outer``, that are empty."""
    with contextlib.suppress(OSError):
        while inner != outer:
            inner.rmdir()
            inner = inner.parent
