# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What all tests share: the slow ones come first, so that no process waits for one at the end.

``no_cover`` (pytest-cov): a test of many random cases whose lines others cover; traced, it would
take twice as long. In the processes of pytest-xdist coverage runs twice, and pytest-cov stops one.
"""

import sys

import pytest


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item):
    tracer = sys.gettrace()
    if item.get_closest_marker("no_cover"):
        sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)
