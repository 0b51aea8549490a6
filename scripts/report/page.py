# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Tables in pages of the documentation that are otherwise written by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence


def rst_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A simple table of reStructuredText."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    rule = " ".join("=" * width for width in widths)
    lines = [" ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in (head, *rows)]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def fill(page: str, made: Mapping[str, str]) -> str:
    """Replace what stands between ``.. PROGRAM-report: NAME`` and ``.. PROGRAM-report: end``."""
    lines, inside = [], False
    for line in page.splitlines():
        marked = re.fullmatch(r"\.\. [a-z]+-report: (\S+)", line)
        inside = inside and not (marked and marked[1] == "end")
        if not inside:
            lines.append(line)
        if marked and marked[1] in made:
            lines += ["", made[marked[1]], ""]
            inside = True
    return "\n".join(lines) + "\n"
