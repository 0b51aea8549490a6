# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Twister on the module's tests and samples: what `cats test`, its west command and `make test`
share."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cats.errors import CatsError
from cats.zephyr.workspace import Workspace, source_tree

#: Where Twister looks: the folders of zephyr/module.yml.
TEST_FOLDERS = ("tests/zephyr", "tests/hil", "samples")


def command(
    space: Workspace,
    out: Path,
    *,
    on: Sequence[str] = (),
    device_testing: bool = False,
    hardware_map: Path | None = None,
    jobs: int = 0,
    extra: Sequence[str] = (),
) -> list[str]:
    """The command line that runs the module's tests and samples."""
    root = source_tree()
    folders = [
        root / folder
        for folder in TEST_FOLDERS
        if any((root / folder).rglob("testcase.yaml")) or any((root / folder).rglob("sample.yaml"))
    ]
    if not folders:
        raise CatsError(f"no testcase.yaml or sample.yaml below {', '.join(TEST_FOLDERS)}")
    words = [space.python, str(space.zephyr / "scripts" / "twister"), "-O", str(out)]
    words += ["--inline-logs", "--overflow-as-errors", "-j", str(jobs or os.cpu_count() or 1)]
    words += [f"-T{folder}" for folder in folders] + [f"-p{platform}" for platform in on]
    if device_testing:
        words.append("--device-testing")
    if hardware_map:
        words += ["--hardware-map", str(hardware_map)]
    return [*words, *extra]


def run(space: Workspace, words: Sequence[str]) -> tuple[int, list[str]]:
    """Run Twister with ``command()``'s words, its output passed on; (exit status, its summary)."""
    summary = []
    # As in firmware.build_nodes(): of one platform's tests, ccache compiles most of Zephyr once.
    environment = {"CCACHE_BASEDIR": words[words.index("-O") + 1]} | space.environment
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout
        for line in process.stdout:
            print(line, end="", flush=True)
            if re.search(r"executed test (configurations|cases) passed", line):
                plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
                summary.append(re.sub(r"^INFO +- ", "", plain).strip())
    return process.returncode, summary
