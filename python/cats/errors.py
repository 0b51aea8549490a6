# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The one exception that users see: a line that says what is wrong and what to do."""


class CatsError(Exception):
    """Bad input. The program prints it as ``cats: error: MESSAGE`` and exits with status 2."""
