# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The program ``cats``: finds the commands in :mod:`cats.commands`, runs one, reports errors.

A command is a module ``cats/commands/NAME.py`` with ``HELP`` (one line), ``add_arguments(parser)``,
``run(args) -> int`` (the exit status) and, where it helps, ``EPILOG`` (examples), ``CONFLICTS`` and
``NEEDS`` (which options go together: :mod:`cats.arguments`). What a command needs beyond argparse
it imports in ``run``, so that ``--help`` is quick and needs nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import pkgutil
import re
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NoReturn, TextIO

import cats
import cats.commands
from cats import arguments
from cats.errors import CatsError
from cats.report import json_alone

# In the order of work; commands that are not listed come after these, by name.
ORDER = (
    "demo", "import", "links", "train", "evaluate", "sweep", "export", "plan", "simulate",
    "predict", "generate", "sign", "build", "flash", "provision", "monitor", "boards",
    "footprint", "test",
)  # fmt: skip


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Defaults behind every option that has one, examples as they were written."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False, []) or "default" in (action.help or ""):
            return action.help
        return super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line as all errors are said: in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        _complain(f"{message}; see {self.prog} --help")
        self.exit(2)


def command_names() -> list[str]:
    """Names of all commands, in the order of the help."""
    names = [m.name.replace("_", "-") for m in pkgutil.iter_modules(cats.commands.__path__)]
    rank = {name: index for index, name in enumerate(ORDER)}
    return sorted(names, key=lambda name: (rank.get(name, len(ORDER)), name))


def load_command(name: str) -> ModuleType:
    """The module of the command ``name``."""
    return importlib.import_module(f"cats.commands.{name.replace('-', '_')}")


def configure(parser: argparse.ArgumentParser, command: ModuleType) -> argparse.ArgumentParser:
    """Give ``parser`` the description, arguments and examples of a command."""
    parser.description = getattr(command, "DESCRIPTION", command.HELP[0].upper() + command.HELP[1:])
    parser.epilog = getattr(command, "EPILOG", None)
    command.add_arguments(parser)
    arguments.watch(parser)
    return parser


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The program's parser; with ``only`` no other command's module is imported."""
    parser = Parser(
        prog="cats",
        description=f"{cats.__doc__}\n\n`cats COMMAND --help` says more.",
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"cats {cats.__version__}")
    parser.add_argument("--traceback", action="store_true", help="show where an error came from")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in command_names() if only is None else [only]:
        command = load_command(name)
        configure(
            commands.add_parser(
                name, help=command.HELP, formatter_class=HelpFormatter, allow_abbrev=False
            ),
            command,
        )
    return parser


def run_command(command: ModuleType, args: argparse.Namespace, *, traceback: bool = False) -> int:
    """Run a command (``guarded``); with ``--json -`` stdout has its JSON and nothing else."""

    def run() -> int:
        arguments.check(command, args)
        with json_alone(getattr(args, "json", None)):
            return command.run(args)

    return guarded(run, traceback=traceback)


def guarded(run: Callable[[], int | None], *, traceback: bool = False) -> int:
    """What ``run`` returns as an exit status; its errors become one line on stderr.

    0 success, 1 the command's own "no" (a limit exceeded, a test failed), 2 bad input, or a disk,
    a library or stdout that is not as it must be, 130 interrupted. A reader of stdout that leaves
    (head, less) has what it wanted: 0, and nothing is said. A fault of the program itself keeps its
    traceback, and any error does with ``traceback``.
    """
    try:
        if sys.stdout is None:
            raise CatsError("stdout is closed: redirect it, as in > /dev/null")
        with contextlib.redirect_stdout(_Stdout(sys.stdout)):
            try:
                return run() or 0
            finally:
                sys.stdout.flush()
    except KeyboardInterrupt:
        if traceback:
            raise
        print("cats: interrupted", file=sys.stderr)
        return 130
    except (CatsError, OSError, MemoryError, ImportError) as error:
        if isinstance(error, OSError) and error.filename == _Stdout.NAME:
            # Python flushes it once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):
                return 0
        message = _told(error)
        if traceback or message is None:
            raise
        _complain(message)
        return 2


class _Stdout:
    """stdout, whose own errors can be told from those of other files."""

    NAME = "stdout"

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, call: Callable[..., Any], *given: Any) -> Any:
        if self._error:  # argparse forgets the first
            raise self._error
        try:
            return call(*given)
        except OSError as error:
            error.filename, self._error = self.NAME, error
            raise

    def write(self, text: str) -> int:
        return self._try(self._stream.write, text)

    def flush(self) -> None:
        self._try(self._stream.flush)


def _told(error: Exception) -> str | None:
    """What a user is told of an error; None where it is the program's own fault."""
    if isinstance(error, CatsError):
        return str(error)
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return reason if error.filename is None else f"{os.fsdecode(error.filename)}: {reason}"
    if isinstance(error, MemoryError):
        return "not enough memory: give smaller numbers"
    name = (getattr(error, "name", None) or "cats").partition(".")[0]
    if name in ("cats", *sys.stdlib_module_names):
        return None
    what = "there is none" if isinstance(error, ModuleNotFoundError) else error
    extra = {"torch": "[train]", "sklearn": "[train]", "tokenizers": "[text]"}.get(name, "")
    return f"cannot load the Python module {name} ({what}): pip install 'zephyr-cats{extra}'"


def _complain(message: str) -> None:
    """``message`` on stderr, in one line whatever the names in it hold."""
    line = re.sub(r"\s+", " ", message).strip()
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
    with contextlib.suppress(OSError):
        print(f"cats: error: {line}", file=sys.stderr)


def _prepare_streams() -> None:
    """Text that a stream cannot encode is escaped. Where a shell closed one (``2>&-``), no file
    that is opened later takes its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and number:
            stream.reconfigure(errors="backslashreplace")
        if stream is None:
            while os.open(os.devnull, os.O_RDWR) < number:
                pass
            if name == "stderr":
                sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with ``argv`` (``sys.argv[1:]``); returns the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    _prepare_streams()
    parsed: list[argparse.Namespace] = []

    def parse() -> None:
        first = next((a for a in argv if not a.startswith("-")), None)
        parsed.append(build_parser(first if first in command_names() else None).parse_args(argv))

    if status := guarded(parse):
        return status
    (args,) = parsed
    return run_command(load_command(args.command), args, traceback=args.traceback)


if __name__ == "__main__":
    sys.exit(main())
