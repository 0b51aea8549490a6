# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What the tests on BabbleSim share."""

import functools

import pytest

from cats.zephyr import bsim


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """A function: the node built for a transport, and a board, once for all tests."""

    @functools.cache
    def get(radio, board=bsim.BOARD):
        return bsim.build(radio, tmp_path_factory.mktemp(radio), board=board)

    return get
