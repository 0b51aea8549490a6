# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The document site leaves nothing out: every page, every header and its symbols, every room."""

import pkgutil
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

import cats

ROOT = Path(__file__).resolve().parents[2]
DOC = ROOT / "doc"
HEADERS = sorted((ROOT / "include/cats").glob("*.h"))
PAGES = {str(p.relative_to(DOC).with_suffix("")): p.read_text() for p in DOC.rglob("*.rst")}


def listed(page):
    """Pages in the toctrees of a page, in order."""
    found = []
    for tree in re.findall(r"^\.\. toctree::\n((?:   .*\n|\n)+)", PAGES[page], re.MULTILINE):
        names = re.findall(r"^   ([\w/-]+)$", tree, re.MULTILINE)
        found += [str((Path(page).parent / name).as_posix()) for name in names]
    return found


def test_every_page_is_in_one_toctree():
    reached, waiting = ["index"], ["index"]
    while waiting:
        below = listed(waiting.pop())
        reached += below
        waiting += below
    assert sorted(reached) == sorted(PAGES)


def test_links_between_pages_lead_somewhere():
    for page, text in PAGES.items():
        for link in re.findall(r":doc:`(?:[^`<]*<)?([\w/-]+)>?`", text):
            whole = link[1:] if link[0] == "/" else (Path(page).parent / link).as_posix()
            assert whole in PAGES, f"{page}: {link}"


def shown():
    """What the pages of the C API show: groups, or whole headers."""
    shows = re.compile(r"^\.\. doxygen(?:group|file):: ([\w.]+)$", re.MULTILINE)
    return {name for text in PAGES.values() for name in shows.findall(text)}


def test_every_header_stands_in_the_c_api():
    for header in HEADERS:
        groups = set(re.findall(r"@defgroup (\w+)", header.read_text())) - {"cats"}
        assert header.name in shown() or groups and groups <= shown(), header.name
        assert f"#include <cats/{header.name}>" in PAGES[f"c/{header.stem}"]


@pytest.mark.skipif(not shutil.which("doxygen"), reason="apt-get install doxygen")
def test_every_public_symbol_is_shown(tmp_path):
    """What a header declares, read in another way than Doxygen does."""
    text = (DOC / "Doxyfile").read_text() + f"\nOUTPUT_DIRECTORY = {tmp_path}\n"
    subprocess.run(["doxygen", "-"], input=text, cwd=ROOT, text=True, check=True)
    named = set()
    for path in (tmp_path / "xml").glob("*.xml"):
        tree = ElementTree.parse(path)
        if tree.findtext("compounddef/compoundname") in shown():
            named |= {e.text for e in tree.iterfind(".//memberdef/name")}
            named |= {e.text for e in tree.iterfind(".//innerclass")}
    for header in HEADERS:
        text = re.sub(r"/\*\* @cond.*?@endcond \*/", "", header.read_text(), flags=re.DOTALL)
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        declared = re.findall(r"^(?:#define|struct|enum) (\w+)(?!.*;)", text, re.MULTILINE)
        declared += re.findall(r"^typedef .*\(\*(\w+)\)", text, re.MULTILINE)
        declared += re.findall(r"^(?:extern )?[\w *]+?\b(cats_\w+)[(;]", text, re.MULTILINE)
        missing = set(declared) - named - {f"CATS_{header.stem.upper()}_H_"}
        assert declared and not missing, header.name


def test_every_room_has_a_page():
    rooms = {m.name for m in pkgutil.iter_modules(cats.__path__) if m.ispkg}
    shown = {page.removeprefix("python/") for page in listed("python/index")}
    assert shown == rooms | {"cats"}
    for room in shown:
        name = "cats" if room == "cats" else f"cats.{room}"
        assert f".. room:: {name}\n" in PAGES[f"python/{room}"]
