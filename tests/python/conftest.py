# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What all tests share: the slow ones come first, so that no process waits for one at the end.

``no_cover`` (pytest-cov): a test of many random cases whose lines others cover; traced, it would
take twice as long.
"""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
