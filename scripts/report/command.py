# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""How a program of scripts/ ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

from cats.errors import CatsError


def exit_with(name: str, main: Callable[[], int]) -> NoReturn:
    """Exit with what ``main`` returns; a CatsError is a line on stderr, and status 2."""
    try:
        sys.exit(main())
    except CatsError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(2)
