# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The program ``cats`` as west commands: same arguments, same functions, same exit status."""

import importlib
import sys
from pathlib import Path

from west.commands import CommandError, WestCommand

PACKAGE = Path(__file__).resolve().parents[2] / "python"
NEEDS = "west packages pip --install, or pip install -e with the folder of CATS"


class CatsCommand(WestCommand):
    """A command of ``cats``; subclasses name it."""

    command = ""

    def __init__(self):
        # The module's own package, whatever else is installed.
        if str(PACKAGE) not in sys.path:
            sys.path.insert(0, str(PACKAGE))
        self.cli = importlib.import_module("cats.cli")
        try:
            self.module = self.cli.load_command(self.command)
            text = self.module.HELP
        except ModuleNotFoundError as error:
            self.module, text = None, f"(not available: no Python module {error.name})"
        super().__init__(f"cats-{self.command}", text, text[0].upper() + text[1:])

    def do_add_parser(self, parser_adder):
        if not self.module:
            self.die(f"{self.name} {self.help}: {NEEDS}")
        parser = parser_adder.add_parser(
            self.name, help=self.help, formatter_class=self.cli.HelpFormatter, allow_abbrev=False
        )
        self.cli.configure(parser, self.module)
        if parser.epilog:
            parser.epilog = parser.epilog.replace("  cats ", "  west cats-")
        return parser

    def do_run(self, args, unknown):
        try:
            status = self.cli.run_command(self.module, args, traceback=self.verbosity > 3)
        except ModuleNotFoundError as error:
            self.die(f"no Python module {error.name}: {NEEDS}")
        if status:
            raise CommandError(status)


class CatsImport(CatsCommand):
    command = "import"


class CatsTrain(CatsCommand):
    command = "train"


class CatsEvaluate(CatsCommand):
    command = "evaluate"


class CatsExport(CatsCommand):
    command = "export"


class CatsSweep(CatsCommand):
    command = "sweep"


class CatsPlan(CatsCommand):
    command = "plan"


class CatsLinks(CatsCommand):
    command = "links"


class CatsSimulate(CatsCommand):
    command = "simulate"


class CatsPredict(CatsCommand):
    command = "predict"


class CatsGenerate(CatsCommand):
    command = "generate"


class CatsSign(CatsCommand):
    command = "sign"


class CatsBuild(CatsCommand):
    command = "build"


class CatsBoards(CatsCommand):
    command = "boards"


class CatsFlash(CatsCommand):
    command = "flash"


class CatsProvision(CatsCommand):
    command = "provision"


class CatsMonitor(CatsCommand):
    command = "monitor"


class CatsFootprint(CatsCommand):
    command = "footprint"


class CatsTest(CatsCommand):
    command = "test"
