# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Sphinx: these pages, the C API by Doxygen and Breathe, Python API and commands from the code."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
import subprocess
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

import cats

ROOT = Path(__file__).resolve().parents[1]
DOXYGEN = shutil.which("doxygen")
LOG = logging.getLogger(__name__)
WITHOUT = "C API left out: apt-get install doxygen"

project = "CATS for Zephyr"
copyright = "The CATS Project"
version = release = cats.__version__

extensions = ["sphinx.ext.autodoc", "sphinx_rtd_theme", "sphinx_argparse_cli"]
extensions += ["breathe"] if DOXYGEN else []
nitpicky = bool(DOXYGEN)
#: Types of others, for which there are no pages to link to; variables of types.
nitpick_ignore_regex = [
    ("c:.*", r"(?!cats_|CATS_).*"),
    ("py:.*", r"(?!cats\b).*|.*\.T"),
]
#: A struct and a function may have one name in C; Sphinx knows a single space of names.
suppress_warnings = ["duplicate_declaration.c"]
highlight_language = "none"

html_math_renderer = "mathml"
html_theme = "sphinx_rtd_theme"
html_static_path = ["_static"]
html_css_files = ["cats.css"]
html_show_sphinx = False
html_copy_source = False

breathe_projects = {"cats": str(ROOT / "build/doc/doxygen/xml")}
breathe_default_project = "cats"
breathe_domain_by_extension = {"h": "c"}
breathe_default_members = ("members",)
breathe_show_include = False
breathe_show_define_initializer = True
breathe_show_enumvalue_initializer = True

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
add_module_names = False
python_maximum_signature_line_length = 100


class Room(SphinxDirective):
    """What a package says of itself, then each of its public modules under a heading."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The page, by autodoc."""
        name = self.arguments[0]
        package = importlib.import_module(name)
        # What a package itself offers, by __all__, is of its modules and stands there.
        offers = ["   :no-members:"] if hasattr(package, "__all__") else []
        lines = [f".. automodule:: {name}", *offers, ""]
        modules = pkgutil.iter_modules if name == "cats" else pkgutil.walk_packages
        for module in modules(package.__path__, f"{name}."):
            own_page = module.ispkg and name == "cats"
            outer, _, own = module.name.rpartition(".")
            # A function of the module's name stands for it.
            hidden = callable(getattr(importlib.import_module(outer), own, None))
            if not (own_page or hidden or "._" in module.name):
                lines += [module.name, "*" * len(module.name), f".. automodule:: {module.name}", ""]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


class LeftOut(Directive):
    """Stands for Breathe's directives where Doxygen is missing."""

    required_arguments = 1
    option_spec = dict.fromkeys(("content-only", "desc-only", "no-title"), directives.flag)

    def run(self) -> list[nodes.Node]:
        """A note in place of a group's members."""
        if "desc-only" in self.options:
            return []
        return [nodes.note("", nodes.paragraph("", WITHOUT))]


def read_headers(app: Sphinx) -> None:
    """Have Doxygen write what Breathe reads."""
    (ROOT / "build/doc/doxygen").mkdir(parents=True, exist_ok=True)
    done = subprocess.run([DOXYGEN, "doc/Doxyfile"], cwd=ROOT, capture_output=True, text=True)
    for line in done.stderr.splitlines():
        LOG.warning("doxygen: %s", line)
    if done.returncode:
        raise SphinxError(f"doxygen ended with status {done.returncode}")


def mathml(writer: HTML5Translator, node: nodes.math | nodes.math_block) -> None:
    """Formulas as browsers know them: no server of anybody's is asked."""
    writer.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Add what stands beside the extensions."""
    app.add_directive("room", Room)
    app.add_html_math_renderer("mathml", (mathml, None), (mathml, None))
    if DOXYGEN:
        app.connect("builder-inited", read_headers)
    else:
        LOG.info(WITHOUT)
        app.add_directive("doxygengroup", LeftOut)
