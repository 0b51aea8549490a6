# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A node's shell, asked by its serial port, or by the pseudo-terminal of a simulated node."""

from __future__ import annotations

import re
import time

from cats.errors import CatsError

PROMPT = "uart:~$ "
#: Escape sequences of a terminal: colours, movements of the cursor.
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[@-Z\\-_])")
_INTERRUPT, _ERASE_LINE = b"\x03", b"\x15"


class Console:
    """The Zephyr shell behind ``port``, a serial port or a pseudo-terminal.

    Nobody else may hold the port meanwhile. Raises CatsError where it cannot be opened.
    """

    def __init__(self, port: str, baud: int = 115200):
        import serial

        self.port = port
        try:
            self._serial = serial.Serial(port, baud, timeout=0.02, write_timeout=5, exclusive=True)
        except (OSError, ValueError) as error:  # SerialException is an OSError.
            reason = " ".join(str(error).split())
            raise CatsError(f"cannot open {port}: {reason}") from error

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the port back."""
        self._serial.close()

    def wait_for_prompt(self, timeout_s: float = 10) -> None:
        """Clear what is half typed at the shell, and whatever the node said before."""
        until, patience_s = time.monotonic() + timeout_s, 1.0
        self._write(_INTERRUPT + _ERASE_LINE)
        while (left := until - time.monotonic()) > 0:
            self._serial.reset_input_buffer()
            self._write(b"\r")
            try:
                self.read_until(PROMPT, min(patience_s, left))
            except CatsError:
                # A simulation may be slower than the clock on the wall.
                patience_s *= 2
                continue
            # The answer to an earlier attempt may still be on its way.
            while self._read():
                pass
            return
        raise CatsError(f"{self.port}: no shell answers: is the board on, with CONFIG_SHELL=y?")

    def ask(self, command: str, timeout_s: float = 10) -> list[str]:
        """The lines that the node says to ``command``, without the prompt and the echo.

        What the log prints meanwhile is among them. Raises CatsError where no prompt comes back.
        """
        # The log may have said something since, with a prompt behind it.
        while self._read(wait=False):
            pass
        self.send(command)
        lines = self.read_until(PROMPT, timeout_s, command)
        echo = [at for at, line in enumerate(lines) if line.endswith(command)]
        return lines[echo[-1] + 1 :] if echo else lines

    def send(self, line: str) -> None:
        """Type a line."""
        self._write(line.encode("ascii") + b"\r")

    def read_until(
        self, ending: str, timeout_s: float, echo: str = "", *, anywhere: bool = False
    ) -> list[str]:
        """Lines, none empty, before ``ending``, with which the node waits, or with ``anywhere``
        says more, as the log may; else CatsError.

        ``echo``: what it says before that, perhaps over several lines.
        """
        until = time.monotonic() + timeout_s
        said = b""
        while time.monotonic() < until:
            said += self._read()
            text = _ESCAPES.sub(b"", said).decode("utf-8", "replace")
            at = text.rfind(ending)
            there = at >= 0 if anywhere else text.endswith(ending)
            if there and echo in re.sub("[\r\n]+", "", text):
                lines = text[:at].replace("\r", "\n").split("\n")
                return [line for line in map(str.strip, lines) if line]
        raise CatsError(f"{self.port}: no answer within {timeout_s:g} s")

    def _read(self, wait: bool = True) -> bytes:
        try:
            return self._serial.read(self._serial.in_waiting or int(wait))
        except (OSError, TypeError) as error:
            raise CatsError(f"{self.port} is gone: {error}") from error

    def _write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except OSError as error:
            raise CatsError(f"{self.port} cannot be written: {error}") from error
