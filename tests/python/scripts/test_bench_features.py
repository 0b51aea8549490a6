# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Log-mel features on a Cortex-M4 and M3 in QEMU: NumPy's bytes, and instructions of a frame."""

import pytest

from bench import features
from bench.qemu import compiler_version, missing_tools

needs_tools = pytest.mark.skipif(missing_tools() is not None, reason=str(missing_tools()))


@needs_tools
@pytest.mark.parametrize("processor", features.PROCESSORS)
def test_a_frame_takes_what_the_document_says(processor):
    """The program itself stops where a byte differs."""
    counts = features.run(processor)
    assert len(counts) == 6
    takes = {count.instructions for name, count in counts.items() if name != "feed"}
    assert len(takes) == 1  # whatever is heard
    if compiler_version() == "12.2.1":
        assert takes.pop() <= 1.03 * 53_703
