# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``python -m cats`` is the program ``cats``."""

import sys

from cats.cli import main

sys.exit(main())
