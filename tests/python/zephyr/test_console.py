# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A shell's answers over a pseudo-terminal, from a stand-in that echoes and colours as Zephyr's."""

import os
import threading
import tty

import pytest

from cats.errors import CatsError
from cats.zephyr.console import PROMPT, Console

COLOURED_PROMPT = b"\x1b[1;32m" + PROMPT.encode() + b"\x1b[m"


class Stand:
    """Says ``answers[line]`` to a line; to others nothing, and no prompt to ``hangs``."""

    def __init__(self, answers: dict[str, str]):
        self.answers = answers
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        self.slave = slave
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        line = b""
        while True:
            try:
                byte = os.read(self.master, 1)
                if byte in b"\x03\x15":
                    line = b""
                elif byte == b"\r":
                    text, line = line.decode(), b""
                    if text == "hangs":
                        continue
                    said = self.answers.get(text, "")
                    os.write(self.master, b"\r\n" + said.encode() + COLOURED_PROMPT)
                else:
                    line += byte
                    os.write(self.master, byte)
            except OSError:
                return

    def close(self):
        os.close(self.slave)
        os.close(self.master)


@pytest.fixture
def stand():
    found = Stand(
        {
            "cats stats": "inferences 3\r\n\r\n[00:00:01.000] <wrn> cats: \x1b[33mlate\x1b[0m\r\n",
            "two": "a\r\nb\r\n",
        }
    )
    yield found
    found.close()


def test_lines_without_echo_prompt_and_colours(stand):
    with Console(stand.port) as console:
        console.wait_for_prompt()
        assert console.ask("cats stats") == ["inferences 3", "[00:00:01.000] <wrn> cats: late"]
        assert console.ask("two") == ["a", "b"]
        assert console.ask("nothing") == []


def test_what_was_half_typed_is_cleared(stand):
    with Console(stand.port) as console:
        console._write(b"rubbish")
        console.wait_for_prompt()
        assert console.ask("two") == ["a", "b"]


def test_no_answer_is_told_with_the_port(stand):
    with Console(stand.port) as console:
        console.wait_for_prompt()
        with pytest.raises(CatsError, match=rf"{stand.port}: no answer within 0.2 s"):
            console.ask("hangs", 0.2)


def test_a_port_without_a_shell_is_told():
    master, slave = os.openpty()
    tty.setraw(slave)
    with (
        Console(os.ttyname(slave)) as console,
        pytest.raises(CatsError, match="no shell answers: is the board on"),
    ):
        console.wait_for_prompt(0.3)
    os.close(master)
    os.close(slave)


def test_a_port_that_is_not_there_or_taken_is_told(stand):
    with pytest.raises(CatsError, match="cannot open /dev/none: .*No such file"):
        Console("/dev/none")
    with Console(stand.port), pytest.raises(CatsError, match=rf"cannot open {stand.port}: .*lock"):
        Console(stand.port)
