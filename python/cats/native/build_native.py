#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Builds the C engine, the gather core and the simulated air for this machine (cffi, API mode).

setup.py takes ``ffibuilder`` from here. Run as a program it builds in place, without pip::

    python python/cats/native/build_native.py
    CATS_SANITIZE=1 python python/cats/native/build_native.py    into build/sanitize/ instead

What Python sees is what the headers in HEADERS declare; there is no second list. A header may use
comments, #define, enum, struct, typedef, function declarations and static inline functions (these
are left out).
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from cffi import FFI

ROOT = Path(__file__).resolve().parents[3]

#: Headers whose declarations Python sees, in the order of their needs.
HEADERS = (
    "include/cats/image.h",
    "include/cats/engine.h",
    "include/cats/metadata.h",
    "include/cats/log_mel.h",
    "include/cats/tokenizer.h",
    "subsys/cats/engine/requantize.h",
    "subsys/cats/engine/kernels.h",
    "subsys/cats/engine/llama_kernels.h",
    "include/cats/gather.h",
    "include/cats/text.h",
    "include/cats/node.h",
    "python/cats/native/air_code.h",
    "python/cats/native/air.h",
    "python/cats/native/relay.h",
)
#: C files: all of these folders, without the kernels for other processors.
SOURCES = (
    "subsys/cats/engine",
    "subsys/cats/features",
    "subsys/cats/gather",
    "subsys/cats/text",
    "python/cats/native",
)
INCLUDES = (
    "include",
    "subsys/cats/engine",
    "subsys/cats/gather",
    "subsys/cats/transport",
    "python/cats/native",
)
FLAGS = ["-std=c11", "-O3"]
SANITIZE = ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined",
            "-fno-sanitize-recover=all"]  # fmt: skip


def declarations(text: str) -> str:
    """What cffi's parser needs of a header: no comments, conditionals or function bodies."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"\\\n", " ", text)
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.S)
    text = re.sub(r"__attribute__\s*\(\(.*?\)\)\s*(?=[\w;])", "", text)
    text = re.sub(r"^_Static_assert\(.*?\);", "", text, flags=re.S | re.M)
    text = _without_bodies(text)
    lines = []
    for line in text.splitlines():
        macro = re.match(r"#\s*define\s+(\w+)\s+(.+)", line)
        if macro and not macro[1].endswith("_H_"):
            number = re.fullmatch(r"-?(0x[0-9a-fA-F]+|\d+)[uUlL]*", macro[2].strip())
            lines.append(f"#define {macro[1]} {macro[2].strip() if number else '...'}")
        elif not line.lstrip().startswith("#"):
            lines.append(line)
    return "\n".join(line for line in lines if line.strip()) + "\n"


def _without_bodies(text: str) -> str:
    """Leave static inline functions out."""
    while found := re.search(r"^static inline [^;{]*\{", text, flags=re.M):
        depth, at = 1, found.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        text = text[: found.start()] + text[at:]
    return text


def sources() -> list[Path]:
    """Every C file of SOURCES that this machine can run; cffi's own output is none of them."""
    return [
        path
        for folder in SOURCES
        for path in sorted((ROOT / folder).glob("*.c"))
        if not path.stem.endswith(("_dsp", "_cmsis")) and path.name != "_cats.c"
    ]


def builder(sanitize: bool = False, relative: bool = True) -> FFI:
    """The cffi builder of ``cats.native._cats``."""
    headers = [ROOT / name for name in HEADERS if (ROOT / name).exists()]
    ffi = FFI()
    for header in headers:
        ffi.cdef(declarations(header.read_text(encoding="utf-8")))

    def place(path: Path) -> str:
        return os.path.relpath(path) if relative else str(path)

    def include(path: Path) -> str:
        name = f"<cats/{path.name}>" if path.parent.name == "cats" else f'"{path.name}"'
        return f"#include {name}\n"

    seen = [h for name in (*INCLUDES, "include/cats") for h in sorted((ROOT / name).glob("*.h"))]
    ffi.set_source(
        "cats.native._cats",
        "".join(map(include, headers)),
        sources=[place(path) for path in sources()],
        include_dirs=[place(ROOT / name) for name in INCLUDES],
        depends=[place(path) for path in seen],
        extra_compile_args=FLAGS + (SANITIZE if sanitize else []),
        extra_link_args=SANITIZE if sanitize else [],
    )
    return ffi


def main() -> None:
    """Build in place, or the checked variant into build/sanitize/."""
    sanitize = os.environ.get("CATS_SANITIZE", "0") not in ("", "0")
    work = ROOT / "build" / ("sanitize" if sanitize else "native")
    work.mkdir(parents=True, exist_ok=True)
    made = Path(builder(sanitize, relative=False).compile(tmpdir=str(work), verbose=False))
    if not sanitize:
        folder = ROOT / "python" / "cats" / "native"
        target = folder / "_cats.abi3.so"  # the name that pip gives it, so that one stands there
        temporary = target.with_suffix(".new")
        temporary.write_bytes(made.read_bytes())
        temporary.replace(target)  # a process that has the old one loaded keeps it
        for other in folder.glob("_cats.*.so"):
            if other != target:
                other.unlink()
        made = target
    print(made.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
else:
    ffibuilder = builder()
