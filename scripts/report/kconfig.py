#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Writes doc/kconfig.rst from the Kconfig files: ``python scripts/report/kconfig.py [--check]``.

It reads what the module's own files use of the language, not all of Kconfig.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRST = ROOT / "zephyr" / "Kconfig"
PAGE = ROOT / "doc" / "kconfig.rst"

HEAD = """\
.. SPDX-FileCopyrightText: Copyright The CATS Project
.. SPDX-License-Identifier: Apache-2.0

.. Written by scripts/report/kconfig.py from the Kconfig files. Edit those.

Kconfig options
###############

All options of the module. Of several defaults the first whose condition holds counts. :doc:`embed`
shows which of them a small application sets.

"""

LOG = """\
``CONFIG_CATS_LOG_LEVEL_OFF``, ``_ERR``, ``_WRN``, ``_INF``, ``_DBG``, ``_DEFAULT``
    Level of the module's log messages, with ``CONFIG_LOG=y``. Default: that of the system.
"""


@dataclass
class Option:
    """One ``config`` (or ``choice``: then it has options)."""

    name: str
    kind: str = ""
    prompt: str = ""
    conditions: list[str] = field(default_factory=list)
    defaults: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    selects: list[str] = field(default_factory=list)
    help: list[str] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    #: One of a choice.
    member: bool = False
    #: Another option, whose default is set here (configdefault).
    foreign: bool = False


def read(path: Path) -> list[str]:
    """Lines of a file, those that it includes in their place."""
    lines = []
    for line in path.read_text().splitlines():
        if found := re.match(r'\s*rsource "(.*)"', line):
            lines += read(path.parent / found[1])
        else:
            lines.append(line)
    return lines


def parse(lines: list[str]) -> tuple[list[Option], bool]:
    """(options in order, whether the log template is among them)."""
    top: list[Option] = []
    around: list[str] = []
    choice: Option | None = None
    here: Option | None = None
    indent: int | None = None
    log = False
    for line in lines:
        depth = len(line.expandtabs(8)) - len(line.expandtabs(8).lstrip())
        text = line.strip()
        if indent is not None and (not text or depth >= (indent or 9)):
            indent = indent or depth
            here.help.append(text)
            continue
        indent = None
        if not text or text.startswith("#"):
            continue
        word, _, rest = text.partition(" ")
        rest = rest.strip()
        if word in ("config", "menuconfig", "configdefault", "choice"):
            here = Option(rest, conditions=list(around), foreign=word == "configdefault")
            here.member = choice is not None
            (choice.options if choice else top).append(here)
            choice = here if word == "choice" else choice
        elif word == "endchoice":
            choice = None
        elif word == "if":
            around.append(rest)
        elif word == "endif":
            around.pop()
        elif word in ("bool", "int", "hex", "string"):
            here.kind, here.prompt = word, rest.strip('"')
        elif word == "prompt":
            here.prompt = rest.strip('"')
        elif word == "default":
            here.defaults.append(rest)
        elif word == "range":
            here.ranges.append(rest)
        elif word == "depends":
            here.conditions.append(rest.removeprefix("on").strip())
        elif word in ("select", "imply"):
            here.selects.append(rest)
        elif word == "help":
            indent = 0
        elif word == "source" and "template.log_config" in rest:
            log = True
        elif "=" not in text:
            raise SystemExit(f"kconfig_page: not understood: {text}")
    return top, log


def facts(option: Option) -> str:
    """Type, range, defaults and conditions in one sentence."""
    parts = [option.kind or "choice"] if not option.foreign else []
    parts += [re.sub(r"^(\S+) (\S+)", r"\1 to \2", text) for text in option.ranges]
    defaults = option.defaults or (["n"] if option.kind == "bool" and not option.member else [])
    if defaults:
        parts.append("default " + ", else ".join(defaults))
    needed = [condition for condition in option.conditions if condition != "CATS"]
    if needed:
        parts.append("needs " + ", ".join(needed))
    if option.selects:
        parts.append("selects " + ", ".join(option.selects))
    return "; ".join(parts)


def paragraph(text: str, indent: str) -> str:
    """``text`` filled to the width of the pages."""
    return textwrap.fill(
        text, 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False,
        break_long_words=False,
    )  # fmt: skip


def describe(option: Option, indent: str = "") -> list[str]:
    """The option's entry."""
    inner = indent + "    "
    name = option.name if option.options else f"CONFIG_{option.name}"
    lines = [f"{indent}``{name}``"]
    if option.foreign:
        return [*lines, paragraph(f"Zephyr's own. *{facts(option)}*", inner), ""]
    lines += [paragraph(f"{option.prompt}. *{facts(option)}*", inner), ""]
    text = " ".join(" ".join(option.help).split())
    if text:
        lines += [paragraph(re.sub(r"`([^`]+)`", r"``\1``", text), inner), ""]
    for each in option.options:
        lines += describe(each, inner)
    return lines


def page() -> str:
    """The page."""
    options, log = parse(read(FIRST))
    lines = [line for option in options for line in describe(option)]
    return HEAD + "\n".join(lines) + ("\n" + LOG if log else "")


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    content = page()
    if parser.parse_args().check:
        return int(not PAGE.is_file() or PAGE.read_text() != content)
    PAGE.write_text(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
