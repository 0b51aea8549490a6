# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A sample built, and the board's file that ``samples/calibrate`` prints."""

import re
import subprocess
from pathlib import Path

import pytest

from cats.errors import CatsError
from cats.zephyr.firmware import program_of
from cats.zephyr.workspace import platforms, workspace

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def build(folder, board, *defines, sample="calibrate"):
    """The sample's program."""
    try:
        space = workspace()
    except CatsError as error:
        pytest.skip(str(error))
    found, left = platforms(space, bsim=True)
    if board not in found:
        pytest.skip(f"{board} {left[board]}")
    folder.mkdir()
    words = [f"-S{SAMPLES / sample}", f"-B{folder}", f"-DBOARD={board}"]
    words += [f"-D{one}" for one in defines]
    for command in (["cmake", "-GNinja", *words], ["ninja", "-C", folder]):
        done = subprocess.run(
            command, env=space.environment | {"CCACHE_BASEDIR": str(folder)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:]
    return program_of(folder)


def printed_board(said, folder):
    """The file that it prints."""
    path = folder / "board.json"
    path.write_text(re.search(r"board\.json:\r?\n.*?(\{.*\})\r?\n", said)[1])
    return path
