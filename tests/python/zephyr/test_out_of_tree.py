# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The application of doc/embed.rst, in a folder of its own, embeds the module by its manifest."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import yaml

from cats.deploy import export
from cats.errors import CatsError
from cats.integer import reference, samples
from cats.zephyr.workspace import platforms, workspace

ROOT = Path(__file__).resolve().parents[3]
APP = ROOT / "tests" / "out_of_tree_app"
DEPLOY = ROOT / "tests" / "golden_export" / "deploy"


def listing(path):
    """A file as the page shows it: without the lines that every file begins with."""
    text = (APP / path).read_text()
    if path.endswith(".c"):
        return text.split("*/\n", 1)[1].strip("\n")
    lines = text.splitlines()
    while lines[0].startswith("#"):
        lines.pop(0)
    return "\n".join(lines).strip("\n")


@pytest.mark.parametrize("path", ["west.yml", "CMakeLists.txt", "prj.conf", "src/main.c"])
def test_page_shows_the_application(path):
    page = (ROOT / "doc" / "embed.rst").read_text()
    blocks = re.findall(r"^\.\. code-block:: \S+\n\n((?:    .*\n|\t.*\n|\n)+)", page, re.MULTILINE)
    shown = [textwrap.dedent(block).strip("\n") for block in blocks]
    assert listing(path) in shown


def test_twenty_lines_of_c():
    body = re.search(r"^int main\(void\)\n\{\n(.*)^\}", listing("src/main.c"), re.DOTALL | re.M)
    assert len([line for line in body[1].splitlines() if line.strip()]) <= 20


def west(folder, *arguments):
    """Run west in a folder, with nothing of this machine's Zephyr."""
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("ZEPHYR", "WEST", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-m", "west", *arguments], cwd=folder, env=bare,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def top(tmp_path):
    """A west workspace outside the repository: the application's own manifest, CATS beside it."""
    pytest.importorskip("west", reason="needs pip install west")
    top = tmp_path / "workspace"
    shutil.copytree(APP, top / "my_app")
    shutil.copytree(DEPLOY, top / "deploy")
    manifest = yaml.safe_load((APP / "west.yml").read_text())
    # Zephyr is not fetched here, so what it imports cannot be resolved.
    for project in manifest["manifest"]["projects"]:
        project.pop("import", None)
    (top / "my_app" / "west.yml").write_text(yaml.safe_dump(manifest))
    cats = top / "modules" / "lib" / "cats"
    cats.parent.mkdir(parents=True)
    cats.symlink_to(ROOT)
    west(top, "init", "-l", "my_app")
    return top


def test_manifest_lines_bring_module_and_commands(top):
    (listed,) = west(top, "list", "-f", "{path} {abspath}", "cats").splitlines()
    path, absolute = listed.split()
    assert path == "modules/lib/cats"
    module = yaml.safe_load((Path(absolute) / "zephyr" / "module.yml").read_text())
    assert module["name"] == "cats"
    assert "cats-build" in west(top, "help")


@pytest.mark.slow
@pytest.mark.zephyr
def test_application_prints_the_class(top):
    """Built where it lies, against the Zephyr of this machine, and run."""
    try:
        space = workspace()
    except CatsError as error:
        pytest.skip(str(error))
    found, left = platforms(space)
    board = next((board for board in found if board.startswith("native_sim")), None)
    if not board:
        pytest.skip(f"native_sim {left['native_sim']}")
    module = west(top, "list", "-f", "{abspath}", "cats").strip()
    environment = {
        "CCACHE_BASEDIR": str(top),
        **space.environment,
        "ZEPHYR_EXTRA_MODULES": module,
    }
    for command in (
        ["cmake", "-GNinja", "-Smy_app", "-Bbuild", f"-DBOARD={board}", "-DCATS_DEPLOY=" +
         str(top / "deploy")],
        ["ninja", "-C", "build"],
    ):  # fmt: skip
        done = subprocess.run(
            command, cwd=top, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:]
    assert "warning: " not in done.stdout

    done = subprocess.run(
        [str(top / "build" / "zephyr" / "zephyr.exe"), "-stop_at=10", "-no-rt"], cwd=top,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    numbers = re.search(r"samples\[\] = \{([^}]*)\}", (APP / "src" / "main.c").read_text())[1]
    values = np.array([int(number) for number in numbers.split(",")], np.int16)
    model = export.load_deploy(DEPLOY)[0]

    inputs, _ = samples.quantize_int16(model, np.stack([values, 0 * values])[:, None, :, None])
    output, silence = (reference.run(model, given)[0].ravel() for given in inputs)
    printed = " ".join(str(value) for value in output)
    name = model.metadata.classes[output.argmax()]
    assert re.search(
        rf"class {name}, 0 of [1-9]\d* fragments lost: {printed}\n",
        done.stdout.replace("\r", ""),
    ), done.stdout
    assert not np.array_equal(output, silence)
