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
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

import cats
import cats.commands
from cats import arguments
from cats.errors import CatsError

# In the order of work; commands that are not listed come after these, by name.
ORDER = (
    "demo", "train", "evaluate", "sweep", "export", "plan", "simulate", "predict", "sign",
    "build", "flash", "provision", "monitor", "boards", "footprint", "test",
)  # fmt: skip


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Defaults behind every option that has one, examples as they were written."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False, []) or "default" in (action.help or ""):
            return action.help
        return super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """Tells what is wrong with a command line in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}; see {self.prog} --help\n")


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
    """Run a command; errors become one line on stderr and an exit status.

    0 success, 1 the command's own "no" (a limit exceeded, a test failed), 2 bad input,
    130 interrupted.
    """
    try:
        arguments.check(command, args)
        status = command.run(args)
        sys.stdout.flush()
        return status or 0
    except CatsError as error:
        if traceback:
            raise
        print(f"cats: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        if traceback:
            raise
        print("cats: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (head, less) has what it wanted. Python flushes stdout once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with ``argv`` (``sys.argv[1:]``); returns the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    first = next((a for a in argv if not a.startswith("-")), None)
    args = build_parser(first if first in command_names() else None).parse_args(argv)
    return run_command(load_command(args.command), args, traceback=args.traceback)


if __name__ == "__main__":
    sys.exit(main())
