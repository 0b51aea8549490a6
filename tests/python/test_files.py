# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Result files and folders on all that a file system has: links, devices, full and read-only disks;
and the program on streams, users and machines that lack something."""

import argparse
import contextlib
import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cats import files
from cats.errors import CatsError
from cats.files import FolderKind, check_file, check_folder, write_atomic
from cats.tasks import stored_path

PLAN = ("plan", "--features", "8", "--tokens", "8", "--heads", "2", "--nodes", "1:2")
KIND = FolderKind("a thing", ("mark.json", "part.bin", "node_[0-9]/*.bin"), {"mark.json": "key"})
CONTENT = {"mark.json": b'{"key": 2}', "part.bin": b"new", "node_0/a.bin": b"0"}


def listing(folder: Path) -> dict[str, bytes]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def program(*arguments, code="from cats.cli import main; sys.exit(main())", **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    command = [sys.executable, "-c", f"import sys; {code}", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, **options)


def one_line(done) -> str:
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("cats: error: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@contextlib.contextmanager
def mounted(folder: Path, *options: str):
    """A file system of its own at ``folder``."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", *options, "none", folder]
    try:
        done = subprocess.run(command, capture_output=True).returncode
    except FileNotFoundError:
        done = -1
    if done:
        pytest.skip("may not mount")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


# Files


def test_links_stay_and_their_targets_change(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "real").write_text("old")
    (inside / "real").chmod(0o640)
    for name, target in (("link", "inside/real"), ("dangling", "inside/later")):
        (tmp_path / name).symlink_to(target)
        write_atomic(tmp_path / name, b"new")
        assert (tmp_path / name).is_symlink() and (tmp_path / target).read_text() == "new"
    assert stat.S_IMODE((inside / "real").stat().st_mode) == 0o640
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(CatsError, match="cannot write .*loop"):
        write_atomic(tmp_path / "loop", b"")
    assert sorted(p.name for p in inside.iterdir()) == ["later", "real"]


def test_fifo_and_device_are_written_into(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    check_file(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    write_atomic(fifo, b"through")
    assert os.read(reader, 99) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO(fifo.stat().st_mode) and list(tmp_path.iterdir()) == [fifo]
    check_file(Path("/dev/null"))
    write_atomic("/dev/null", b"away")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(CatsError, match="/dev/full: No space left"):
        write_atomic("/dev/full", b"x")


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_atomic(tmp_path / "file", b"")
        write_atomic(tmp_path / "secret", b"", private=True)
        KIND.write(tmp_path / "folder", CONTENT)
    finally:
        os.umask(before)
    for name in ("file", "folder/part.bin", "folder/node_0/a.bin"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o666 & ~mask
    assert stat.S_IMODE((tmp_path / "folder/node_0").stat().st_mode) == 0o777 & ~mask
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_file_in_a_folder_that_takes_no_other(tmp_path, monkeypatch):
    """As one that is mounted into a container by itself."""
    path = tmp_path / "file"
    path.write_text("longer than new")

    def busy(source, target):
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(os, "replace", busy)
    write_atomic(path, b"new")
    assert listing(tmp_path) == {"file": b"new"}
    with pytest.raises(CatsError, match="busy"):
        write_atomic(tmp_path / "other", b"new")
    assert listing(tmp_path) == {"file": b"new"}


@pytest.mark.parametrize(
    "kind, name, message",
    [
        (files.output_file, "", "empty name"),
        (files.output_file, ".", "it is a folder"),
        (files.output_file, "file/a", "is a file, not a folder"),
        (files.output_file, "x" * 300, "name too long"),
        (files.output_folder, "file", "it is a file"),
        (files.output_folder, "file/a/b", "is a file, not a folder"),
        (files.plot_file, "plot.xyz", "let its name end in .png"),
        (files.json_file, "file/a", "is a file, not a folder"),
    ],
)
def test_outputs_that_cannot_be(tmp_path, monkeypatch, kind, name, message):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    with pytest.raises(argparse.ArgumentTypeError, match=f"(?i){message}"):
        kind(name)
    assert listing(tmp_path) == {"file": b""}


def test_looking_changes_nothing(tmp_path):
    check_file(tmp_path / "a" / "b" / "file")
    check_folder(tmp_path / "a" / "b")
    assert files.json_file("-") == "-"
    assert list(tmp_path.iterdir()) == []


def test_full_and_read_only_disks(tmp_path):
    folder = tmp_path / "disk"
    with mounted(folder, "-o", "ro"), pytest.raises(CatsError, match="read-only"):
        check_file(folder / "a" / "file")
    with mounted(folder, "-o", "size=8k"), pytest.raises(CatsError, match="disk is full"):
        check_folder(folder / "a")
    with mounted(folder, "-o", "size=100k"):
        KIND.write(folder, CONTENT)
        with pytest.raises(CatsError, match="No space left"):
            KIND.write(folder, {**CONTENT, "part.bin": bytes(200_000)})
        with pytest.raises(CatsError, match="No space left"):
            write_atomic(folder / "part.bin", bytes(200_000))
        assert listing(folder) == CONTENT


# Folders


def test_a_folder_is_filled_from_within(tmp_path):
    """So it may be a mount point, and nothing is left beside it."""
    folder = tmp_path / "disk"
    with mounted(folder):
        (folder / "lost+found").mkdir()
        for force in (False, True):
            KIND.check(folder, force, "use --force")
            KIND.write(folder, CONTENT)
        assert listing(folder) == CONTENT
    assert list(tmp_path.iterdir()) == [folder]


def test_only_own_files_are_replaced(tmp_path):
    KIND.write(tmp_path, {**CONTENT, "node_1/a.bin": b"1", "node_2/a.bin": b"2"})
    for name in ("thesis.txt", "node_2/notes.txt"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(CatsError, match="exists: use --force"):
        KIND.check(tmp_path, False, "use --force")
    KIND.check(tmp_path, True)
    KIND.write(tmp_path, CONTENT)
    assert listing(tmp_path) == {**CONTENT, "thesis.txt": b"mine", "node_2/notes.txt": b"mine"}
    assert not (tmp_path / "node_1").exists()
    KIND.clear(tmp_path)
    assert listing(tmp_path) == {"thesis.txt": b"mine", "node_2/notes.txt": b"mine"}
    for force in (False, True):  # and no advice that would be refused
        with pytest.raises(CatsError, match=r"something else than a thing \(node_2\)"):
            KIND.check(tmp_path, force, "use --force")
    (tmp_path / "mark.json").write_text('{"name": "of another program"}')
    with pytest.raises(CatsError, match="mark.json is not of a thing"):
        KIND.check(tmp_path, True)


@pytest.mark.parametrize("fails", range(2 * len(CONTENT)))
def test_all_or_nothing(tmp_path, monkeypatch, fails):
    KIND.write(tmp_path / "a", CONTENT)
    rename = Path.rename
    for name in "ab":
        before, count = listing(tmp_path), iter(range(99))

        def renamed(source, target, count=count):
            if next(count) == fails:
                raise OSError(errno.EIO, "worn out")
            return rename(source, target)

        monkeypatch.setattr(Path, "rename", renamed)
        if name == "a" or fails < len(CONTENT):
            with pytest.raises(CatsError, match="worn out"):
                KIND.write(tmp_path / name, dict.fromkeys(CONTENT, b"newer"))
        assert listing(tmp_path) == before
        assert not (tmp_path / "b").exists()


def test_what_is_no_file_is_not_replaced(tmp_path):
    (tmp_path / "elsewhere").write_text("old")
    KIND.write(tmp_path / "a", CONTENT)
    (tmp_path / "a" / "part.bin").unlink()
    (tmp_path / "a" / "part.bin").symlink_to(tmp_path / "elsewhere")
    KIND.write(tmp_path / "a", CONTENT)
    assert (tmp_path / "a" / "part.bin").is_symlink()
    assert (tmp_path / "elsewhere").read_bytes() == b"new"
    (tmp_path / "a" / "node_0" / "a.bin").unlink()
    os.mkfifo(tmp_path / "a" / "node_0" / "a.bin")
    with pytest.raises(CatsError, match="no regular file"):
        KIND.write(tmp_path / "a", dict.fromkeys(CONTENT, b"newer"))
    assert (tmp_path / "elsewhere").read_bytes() == b"new"


# The program


@pytest.mark.parametrize(
    "redirection, status, message",
    [
        (">/dev/full", 2, "cats: error: stdout: No space left on device\n"),
        (">&-", 2, "cats: error: stdout is closed: redirect it, as in > /dev/null\n"),
        ("2>&-", 0, ""),
        ("<&- >&- 2>&-", 2, ""),
        ("| head -1 >/dev/null", 0, ""),
    ],
)
def test_streams_that_take_nothing(tmp_path, redirection, status, message):
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$0" -m cats "$@" {redirection}', sys.executable, *PLAN],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (status, message)


def test_help_on_a_full_disk():
    with open("/dev/full", "w") as full:
        assert "No space left" in one_line(program("plan", "--help", stdout=full))


def test_text_that_stdout_cannot_encode():
    code = "from cats import cli; cli._prepare_streams(); print('0.5 \\xb1 0.1')"
    done = program(code=code, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stdout) == (0, "0.5 \\xb1 0.1\n")


def test_json_alone_and_stdout_by_name(tmp_path):
    with open(tmp_path / "both.txt", "w") as both:
        done = program(*PLAN, "--json", "/dev/stdout", stdout=both)
    assert done.returncode == 0
    text = (tmp_path / "both.txt").read_text()
    assert '"least_nodes"' in text and "parameters: 1 block" in text
    alone = program(*PLAN, "--json", "-", check=True)
    assert json.loads(alone.stdout)["least_nodes"] == 1


def test_what_cannot_be_written_is_found_first(tmp_path):
    (tmp_path / "file").write_text("")
    for option, name in (("--json", "file/a.json"), ("--plot", "file/a.png"), ("--json", ".")):
        assert "cannot write" in one_line(program(*PLAN, option, name, cwd=tmp_path))
    assert listing(tmp_path) == {"file": b""}


#: What a bare user id of a container has: no name, no home.
NOBODY = """
import os, pwd
def unknown(uid): raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = unknown
for name in ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME", "ZEPHYR_BASE"): os.environ.pop(name, 0)
"""


def test_a_user_without_name_and_home(tmp_path):
    code = f"{NOBODY}\nfrom cats.cli import main; sys.exit(main())"
    done = program(*PLAN, "--plot", "plan.svg", code=code, cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "plan.svg").exists(), done.stderr
    assert "no Zephyr workspace" in one_line(program("test", code=code, cwd=tmp_path))


@pytest.mark.parametrize("command", ["train --task digits", "demo"])
def test_no_pytorch(tmp_path, command):
    code = "sys.modules['torch'] = None; from cats.cli import main; sys.exit(main())"
    line = one_line(program(*command.split(), "-o", "out", code=code, cwd=tmp_path))
    assert "module torch" in line and "pip install 'zephyr-cats[train]'" in line
    assert list(tmp_path.iterdir()) == []


def test_interrupted(tmp_path):
    """Before the parser is built, and while a command runs."""
    code = (
        "import signal, cats.cli\n"
        # Where a shell started this in the background, the signal is ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def stop(*_): signal.raise_signal(signal.SIGINT)\n"
        "cats.cli.{} = stop\nsys.exit(cats.cli.main())"
    )
    for where in ("build_parser", "arguments.check"):
        done = program(*PLAN, code=code.format(where))
        assert (done.returncode, done.stderr) == (130, "cats: interrupted\n")


def test_names_that_json_cannot_hold_are_refused(tmp_path):
    for check in (files.check_name, check_folder, lambda name: stored_path(str(name))):
        with pytest.raises(CatsError, match="is not UTF-8: choose another"):
            check(tmp_path / "a\udcff")
    assert not any(tmp_path.iterdir())
