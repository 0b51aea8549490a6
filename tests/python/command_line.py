# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Commands as the shell sees them."""

from cats import cli


def status(*words: object) -> int:
    """The exit status of ``cats WORDS``, run in this process."""
    try:
        return cli.main([str(word) for word in words])
    except SystemExit as stop:
        return stop.code
