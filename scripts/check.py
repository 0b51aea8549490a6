#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""All checks of the project, one after the other: ``make test``, ``make lint``, ``make fuzz``.

Whatever cannot run on this machine is skipped with the reason and the remedy. A table of what was
run and what was not comes last; the exit status is 1 if anything failed.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from cats.errors import CatsError
from cats.zephyr.workspace import find_zephyr, platforms, workspace

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "check"
C_FOLDERS = ("include", "subsys", "samples", "tests", "python/cats/native")
#: Python that Zephyr's programs run.
WEST_COMMANDS = "scripts/west_commands"
#: What Twister runs on here; the others: cats test.
TWISTER_ON = ("native_sim", "mps2/an385")
#: What of the Python tests the check `twister` runs.
BY_TWISTER = {"zephyr": "firmware", "bsim and short": "radio over BabbleSim"}
ENGINE_FOLDERS = tuple(f"subsys/cats/{name}" for name in ("engine", "features", "gather", "text"))


#: Builds the C code as cats/native/build_native.py does, but unoptimised and counting.
INSTRUMENTED = """
import pathlib, shutil, sys
import build_native
build_native.FLAGS[:] = ["-std=c11", "-O0", "-g", "--coverage"]
build = pathlib.Path(sys.argv[1])
made = build_native.builder(relative=False).compile(tmpdir=str(build / "objects"))
shutil.copy(made, build / "lib" / "cats" / "native")
"""
#: Tests that time the C code, or compile it themselves.
NOT_INSTRUMENTED = (
    "not speed and not sanitize and not elsewhere and not freestanding and not stay_inside "
    "and not bench"
)
#: A process a core, for at most four; a test that is left is taken by whoever is idle.
PARALLEL = ("-n", str(min(os.cpu_count() or 1, 4)), "--dist", "worksteal")


@dataclass
class Result:
    """What became of one check."""

    name: str
    status: str  # passed, failed, skipped
    detail: str = ""
    seconds: float = 0.0


def run(
    *command: object, quiet: bool = False, cwd: str = ".", **environment: str
) -> tuple[int, str]:
    """Run a command in a folder, its output passed on unless ``quiet``; (status, output)."""
    words = list(map(str, command))
    print("+", " ".join(w if "\n" not in w else "..." for w in words), flush=True)
    lines = []
    with subprocess.Popen(
        words,
        cwd=ROOT / cwd,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            if not quiet:
                print(line, end="", flush=True)
    if quiet and process.returncode:
        print("".join(lines[-60:]), end="")
    return process.returncode, "".join(lines)


def tool(name: str) -> str | None:
    """A program of this Python environment, or of the system."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def verdict(name: str, status: int, detail: str = "") -> Result:
    """Passed or failed by exit status."""
    return Result(name, "failed" if status else "passed", detail)


def lint(_: argparse.Namespace) -> Iterator[Result]:
    """ruff and the order of the package's rooms on Python, clang-format on C; Zephyr's style."""
    ruff = tool("ruff")
    if ruff:
        status, output = run(ruff, "check", ".")
        yield verdict("ruff", status, output.strip().splitlines()[-1] if output.strip() else "")
    else:
        yield Result("ruff", "skipped", "pip install ruff")
    linter = tool("lint-imports")
    if linter:
        status, output = run(linter, "--no-cache")
        kept = re.search(r"Contracts: (.*)", output)
        yield verdict("import-linter", status, kept[1] if kept else "")
    else:
        yield Result("import-linter", "skipped", "pip install import-linter")
    formatter, names = tool("clang-format"), handwritten()
    if formatter:
        status, output = run(formatter, "--dry-run", "--Werror", *names, quiet=True)
        wrong = {line.split(":")[0] for line in output.splitlines() if "error:" in line}
        detail = f"{len(names)} files" if not status else f"make format: {', '.join(sorted(wrong))}"
        yield verdict("clang-format", status, detail)
    else:
        yield Result("clang-format", "skipped", "pip install clang-format")
    yield from zephyr_style(find_zephyr(), ruff, names)


def handwritten() -> list[str]:
    """The C files but for those that programs write."""
    lines = (ROOT / ".clang-format-ignore").read_text().splitlines()
    written = [line for line in lines if line and not line.startswith("#")]
    files = [f for d in C_FOLDERS for p in ("*.c", "*.h") for f in sorted((ROOT / d).rglob(p))]
    names = [str(f.relative_to(ROOT)) for f in files]
    return [n for n in names if not any(fnmatch.fnmatchcase(n, p) for p in written)]


def zephyr_style(zephyr: Path | None, ruff: str | None, names: list[str]) -> Iterator[Result]:
    """What Zephyr's CI asks of C (``names``) and of the west commands, by the tools of its tree."""
    if not zephyr:
        yield Result("Zephyr's style", "skipped", "no Zephyr workspace")
        return
    if ruff:
        config = f"--config={zephyr / '.ruff.toml'}"
        checked, _ = run(ruff, "check", config, WEST_COMMANDS)
        laid_out, _ = run(ruff, "format", "--diff", config, WEST_COMMANDS)
        yield verdict("Zephyr's ruff", checked or laid_out, WEST_COMMANDS)
    perl = shutil.which("perl")
    if not perl:
        yield Result("checkpatch", "skipped", "apt-get install perl")
        return
    # Zephyr's CI gives a patch; a file asked for by name is judged less strictly.
    patch = OUT / "checkpatch.patch"
    patch.write_text("".join(map(addition, names)))
    command = [perl, "scripts/checkpatch.pl", "--mailback", "--no-tree", str(patch)]
    done = subprocess.run(command, cwd=zephyr, capture_output=True, text=True)
    found = findings(done.stdout)
    if done.returncode:
        print("\n".join(found) or done.stdout + done.stderr)
    yield verdict("checkpatch", done.returncode, f"{len(names)} files, {len(found)} findings")


def addition(name: str) -> str:
    """A patch that adds a file."""
    lines = (ROOT / name).read_text().splitlines()
    head = f"diff --git a/{name} b/{name}\nnew file mode 100644\n--- /dev/null\n+++ b/{name}\n"
    return head + f"@@ -0,0 +1,{len(lines)} @@\n" + "".join(f"+{line}\n" for line in lines)


def findings(output: str) -> list[str]:
    """What checkpatch said, a line each: file, line, what."""
    pattern = r"^\S+:\d+: ((?:ERROR|WARNING):.+)\n#\d+: FILE: (\S+):$"
    return [f"{where}: {what}" for what, where in re.findall(pattern, output, re.MULTILINE)]


def doc(_: argparse.Namespace) -> Iterator[Result]:
    """The document site, built anew into build/doc/html: a warning is an error."""
    if not importlib.util.find_spec("sphinx"):
        yield Result("doc", "skipped", "pip install -e '.[doc]'")
        return
    if not shutil.which("doxygen"):
        yield Result("doc: C API", "skipped", "apt-get install doxygen")
    site = ROOT / "build" / "doc"
    shutil.rmtree(site, ignore_errors=True)
    status, output = run(
        sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", site / "doctrees", "doc",
        site / "html", quiet=True,
    )  # fmt: skip
    warnings = len(re.findall(r"\b(?:WARNING|ERROR|CRITICAL): ", output))
    pages = len(list((site / "html").rglob("*.html")))
    detail = f"{warnings} warnings" if status else f"{pages} pages: build/doc/html/index.html"
    yield verdict("doc", status, detail)


def pytest(args: argparse.Namespace) -> Iterator[Result]:
    """All Python tests, with the coverage of the package."""
    report = OUT / "coverage-python.json"
    status, output = run(
        sys.executable, "-m", "pytest", "--color=no", *PARALLEL, "--cov", "--cov-report=term",
        f"--cov-report=json:{report}", f"--junitxml={OUT / 'pytest.xml'}", "--durations=10",
        "-m", "not zephyr and not bsim", *args.pytest, OMP_NUM_THREADS="1",
    )  # fmt: skip
    yield verdict("pytest", status, closing_line(output))
    if report.exists():
        percent = json.loads(report.read_text())["totals"]["percent_covered"]
        yield Result("coverage of Python", "passed", f"{percent:.1f} %")


def closing_line(output: str) -> str:
    """What pytest counted."""
    lines = re.findall(r"^=+ (.* in [\d.]+s.*?) =+$", output, re.MULTILINE)
    return lines[-1] if lines else "no closing line"


def coverage_c(args: argparse.Namespace) -> Iterator[Result]:
    """Coverage of the C code by the Python tests that run it, in an instrumented build of it."""
    name = "coverage of C"
    if not tool("gcovr") or not shutil.which("gcov"):
        yield Result(name, "skipped", "pip install gcovr, apt-get install gcc")
        return
    build = OUT / "coverage-c"
    shutil.rmtree(build, ignore_errors=True)
    ignore = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "python/cats", build / "lib/cats", ignore=ignore)
    status, _ = run(
        sys.executable, "-c", INSTRUMENTED, build, cwd="python/cats/native", quiet=True,
        LDFLAGS="--coverage",
    )  # fmt: skip
    if status:
        yield Result(name, "failed", "the instrumented build failed")
        return
    failed, _ = run(
        sys.executable, "-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider", *PARALLEL,
        "-m", "not slow and not zephyr and not bsim", "-k", NOT_INSTRUMENTED, *native_tests(),
        quiet=True,
        PYTHONPATH=str(build / "lib"), OMP_NUM_THREADS="1",
    )  # fmt: skip
    filters = [word for folder in ENGINE_FOLDERS for word in ("--filter", f"{folder}/.*")]
    summary = OUT / "coverage-c.json"
    status, _ = run(
        tool("gcovr"), "--root", ROOT, *filters, "--json-summary", summary, "--txt", "-", build
    )
    if status:
        yield Result(name, "failed", "gcovr failed")
        return
    totals = json.loads(summary.read_text())
    detail = f"{totals['line_percent']} % of lines, {totals['branch_percent']} % of branches"
    yield verdict(name, failed, detail + (", but a test failed" if failed else ""))


def native_tests() -> list[str]:
    """Test files that run the C code; those of plans, in which it is a judge, add no line."""
    pattern = re.compile(r"^\s*(from|import) cats\.sim\b", re.MULTILINE)
    folders = sorted((ROOT / "tests/python").iterdir())
    files = [f for d in folders if d.name != "plan" for f in sorted(d.glob("test_*.py"))]
    return [str(f.relative_to(ROOT)) for f in files if pattern.search(f.read_text())]


def fuzz(args: argparse.Namespace) -> Iterator[Result]:
    """Each libFuzzer target of tests/fuzz, from its kept corpus; one on each of two processors."""
    targets = sorted((ROOT / "tests/fuzz").glob("*.c"))
    clang = shutil.which("clang")
    if not clang or not _links(clang):
        yield Result("fuzz", "skipped", "apt-get install clang libclang-rt-14-dev")
        return
    if not targets:
        yield Result("fuzz", "skipped", "no targets in tests/fuzz")
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 2)) as pool:
        yield from pool.map(lambda source: fuzz_target(clang, source, args.fuzz_seconds), targets)


def fuzz_target(clang: str, source: Path, seconds: int) -> Result:
    """Build a libFuzzer target and let it run for so long."""
    name = f"fuzz {source.stem.removeprefix('fuzz_')}"
    binary = OUT / "fuzz" / source.stem
    kept = ROOT / "tests/fuzz/corpus" / source.stem
    found = OUT / "fuzz" / "corpus" / source.stem
    found.mkdir(parents=True, exist_ok=True)
    engine = [f for d in ENGINE_FOLDERS for f in sorted((ROOT / d).glob("*.c"))]
    status, _ = run(
        clang, "-std=c11", "-g", "-O1", "-fsanitize=fuzzer,address,undefined",
        "-fno-sanitize-recover=undefined", "-Iinclude", *(f"-I{d}" for d in ENGINE_FOLDERS),
        source, *engine, "-o", binary, quiet=True,
    )  # fmt: skip
    if status:
        return Result(name, "failed", "does not compile")
    status, output = run(
        binary, f"-max_total_time={seconds}", "-timeout=10", "-print_final_stats=1",
        f"-artifact_prefix={binary}-", found, *([kept] if kept.is_dir() else []), quiet=True,
    )  # fmt: skip
    runs = re.search(r"number_of_executed_units: (\d+)", output)
    covered = re.findall(r"cov: (\d+)", output)
    detail = f"{int(runs[1]):,} runs" if runs else "no statistics"
    detail += f", {covered[-1]} edges, {seconds} s" if covered else ""
    return verdict(name, status, detail if not status else f"input kept: {binary}-*")


def _links(clang: str) -> bool:
    text = b"int LLVMFuzzerTestOneInput(const void *d, unsigned long n) { return 0; }"
    command = [clang, "-fsanitize=fuzzer,address", "-xc", "-", "-o", os.devnull]
    return subprocess.run(command, input=text, capture_output=True).returncode == 0


def twister(_: argparse.Namespace) -> Iterator[Result]:
    """What needs a Zephyr workspace: Twister, the Python tests that build firmware, the radio."""
    if not find_zephyr():
        yield Result("Twister", "skipped", "no Zephyr workspace: west update, or set ZEPHYR_BASE")
        return
    from cats.zephyr import bsim
    from cats.zephyr import twister as program

    try:
        space = workspace()
        on, others = twister_platforms(*platforms(space))
        command = program.command(space, OUT / "twister", on=on, extra=["--clobber-output"])
    except CatsError as error:
        yield Result("Twister", "failed", str(error))
        return
    yield from others
    if on:
        status, summary = program.run(space, command)
        yield verdict(f"Twister on {' and '.join(on)}", status, "; ".join(summary))
    for marks, name in BY_TWISTER.items():
        if "bsim" in marks and (reason := bsim.missing()):
            yield Result(name, "skipped", reason)
            continue
        status, output = run(
            sys.executable, "-m", "pytest", "--color=no", "--durations=10", "-m", marks,
            f"--junitxml={OUT / f'pytest-{marks.split()[0]}.xml'}",
        )  # fmt: skip
        yield verdict(name, status, closing_line(output))
    yield Result("radio: every size and fault", "skipped", "takes long: cats test --bsim")


def twister_platforms(found: list[str], left: dict[str, str]) -> tuple[list[str], list[Result]]:
    """(of what this machine can do, what Twister runs on here; a line for each of the others)."""
    on = [name for name in TWISTER_ON if name in found]
    others = left | {name: f"takes long: cats test -p {name}" for name in found if name not in on}
    return on, [Result(f"Twister on {name}", "skipped", why) for name, why in others.items()]


CHECKS: dict[str, Callable[[argparse.Namespace], Iterator[Result]]] = {
    "lint": lint,
    "doc": doc,
    "pytest": pytest,
    "coverage": coverage_c,
    "fuzz": fuzz,
    "twister": twister,
}


def main() -> int:
    """Run the checks that are asked for; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("checks", nargs="*", choices=[*CHECKS, []], help="default: all")
    parser.add_argument("--skip", default="", help="checks to leave out, separated by spaces")
    parser.add_argument(
        "--fuzz-seconds", type=int, default=60 if os.environ.get("CI") else 10, help="a target"
    )
    parser.add_argument("--pytest", type=str.split, default=[], help="arguments for pytest")
    args = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    for name, check in CHECKS.items():
        if args.checks and name not in args.checks:
            continue
        if name in args.skip.split():
            results.append(Result(name, "skipped", "as asked"))
            continue
        print(f"\n=== {name}", flush=True)
        begin = time.monotonic()
        for result in check(args):
            result.seconds = round(time.monotonic() - begin, 1)
            begin = time.monotonic()
            results.append(result)
            print(f"--- {result.name}: {result.status} {result.detail}", flush=True)
    (OUT / "summary.json").write_text(json.dumps([asdict(r) for r in results], indent=2) + "\n")
    width = max(len(r.name) for r in results)
    print("\nWhat was run and what was not:")
    for r in results:
        print(f"  {r.name:<{width}}  {r.status:<7}  {r.seconds:7.1f} s  {r.detail}")
    return int(any(r.status == "failed" for r in results))


if __name__ == "__main__":
    sys.exit(main())
