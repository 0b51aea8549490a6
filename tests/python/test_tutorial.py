# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Pages that users copy from do what they say: their blocks are run, in order, as they stand."""

import contextlib
import io
import json
import re
import shlex
import textwrap
from pathlib import Path

import pytest

from command_line import status

pytest.importorskip("torch")

DOC = Path(__file__).resolve().parents[2] / "doc"
NOTEBOOKS = sorted(DOC.glob("notebooks/*.ipynb"))


def blocks(page):
    """(language, text) of every code block."""
    text = (DOC / page).read_text()
    pattern = r"^\.\. code-block:: (\w+)\n\n((?:   .*\n|\n)+)"
    return [(kind, textwrap.dedent(body)) for kind, body in re.findall(pattern, text, re.MULTILINE)]


def alike(shown, printed):
    """Whether a line is the page's: word by word, numbers within a tenth."""
    one, two = shown.split(), printed.split()
    if len(one) != len(two):
        return False
    for a, b in zip(one, two):
        try:
            a, b = (float(word.rstrip("%,:;").replace(",", "")) for word in (a, b))
        except ValueError:
            if a != b and set(a) | set(b) != {"-"}:
                return False
        else:
            if abs(a - b) > 0.1 * max(abs(a), abs(b)):
                return False
    return True


def compare(shown, printed):
    """What is printed is what the page shows; "..." there stands for any lines."""
    lines = printed.strip().splitlines()
    for part in re.split(r"^\.\.\.\n", shown.strip() + "\n", flags=re.MULTILINE):
        wanted = part.splitlines()
        places = range(len(lines) - len(wanted) + 1)
        fits = [at for at in places if all(alike(w, p) for w, p in zip(wanted, lines[at:]))]
        assert fits, f"not printed:\n{part}\nbut:\n{printed}"
        lines = lines[fits[0] + len(wanted) :]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["tutorial.rst", "python-api.rst"])
def test_every_block_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, printed, seen = {"__name__": "__main__"}, "", set()
    for kind, text in blocks(page):
        seen.add(kind)
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as stdout:
                exec(compile(text, page, "exec"), names)
            printed = stdout.getvalue()
        elif kind == "text":
            compare(text, printed)
        else:
            assert kind == "sh"
            for line in filter(None, text.splitlines()):
                program, *words = shlex.split(line)
                assert program == "cats" and status(*words) == 0, line
    assert "python" in seen


def test_a_wrong_figure_would_be_found():
    compare("a  1.00\n...\nb 2\n", "a 1.05\nx\ny\nb 2\n")
    for wrong in ("a 1.2\n", "b 1.0\n", "a 1.0 2\n"):
        with pytest.raises(AssertionError):
            compare("a 1.0\n", wrong)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_of_a_notebook_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for number, cell in enumerate(json.loads(path.read_text())["cells"]):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{path.name}[{number}]", "exec"), names)
    assert names["run"].equal_to_reference


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path):
    notebook = json.loads(path.read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_jupyter_runs_a_notebook(path, tmp_path):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
