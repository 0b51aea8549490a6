# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a partition header holds, said by a C compiler."""

import subprocess
from pathlib import Path

_INCLUDE = Path(__file__).resolve().parents[2] / "include"
_MAIN = """\
#include "cats_partition.h"
#include <stdio.h>
int main(void)
{
\treturn fwrite(&cats_partition, 1, CATS_PARTITION_SIZE, stdout) == 0;
}
"""


def compiled(header: str, folder: Path) -> bytes:
    """The bytes of the struct in ``header``, which compiles without a warning."""
    (folder / "cats_partition.h").write_text(header)
    (folder / "main.c").write_text(_MAIN)
    program = folder / "main"
    subprocess.run(
        ["gcc", "-Wall", "-Werror", f"-I{_INCLUDE}", folder / "main.c", "-o", program], check=True
    )
    return subprocess.run([program], check=True, capture_output=True).stdout
