# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A board's shell behind a pseudo-terminal, as firmware with CATS_SECURE and settings has it."""

import json
import os
import threading
import tty
import zlib

from cats.zephyr.console import PROMPT


class Board:
    """What a board keeps: ``group``, ``radio``, ``keys`` ({number: bytes}), ``use``, whether it
    ``runs`` and in which group. ``refuses``: commands that it answers with an error. ``noise``:
    lines of the log before and behind each answer. ``said``: all that went back over the line.
    ``commands``: in their order, of all boards with the same list."""

    def __init__(self, node, nodes, model, *, secure=True, commands=None):
        self.node, self.nodes, self.model, self.secure = node, nodes, model, secure
        self.group, self.group_now, self.runs = 0, 0, False
        self.radio = {"channel": 26, "pan": 0xCA75, "power": 0, "cca": 0}
        self.keys, self.use = {}, None
        self.refuses = {}
        self.noise = False
        self.said = b""
        self.commands = [] if commands is None else commands
        self.stats = {"uptime_ms": 1000, "inferences": 0}
        self._typed = None
        self._open()

    def _open(self):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.port = os.ttyname(self.slave)
        self._thread = threading.Thread(target=self._serve, args=(self.master,), daemon=True)
        self._thread.start()

    def close(self):
        """Pull the plug."""
        os.close(self.slave)
        os.close(self.master)

    def _serve(self, master):
        line = b""
        while True:
            try:
                byte = os.read(master, 1)
                if self._typed is not None:
                    if byte == b"\r" and line:
                        said, line = self._key(line.decode()), b""
                        noise = self._noise() + PROMPT if self.noise else ""
                        self._write(master, noise + said + PROMPT)
                    elif byte != b"\r":
                        line += byte
                elif byte in b"\x03\x15":
                    line = b""
                elif byte == b"\r":
                    text, line = line.decode(), b""
                    said = self._noise() + "".join(f"{one}\r\n" for one in self._answer(text))
                    behind = self._noise() if self._typed else PROMPT
                    self._write(master, "\r\n" + said + behind)
                else:
                    line += byte
                    self._write(master, byte.decode())
            except OSError:
                return

    def _noise(self):
        return "[00:00:01.000] <inf> cats: noise\r\n" if self.noise else ""

    def _write(self, master, text):
        self.said += text.encode()
        os.write(master, text.encode())

    def _answer(self, text):
        if not text.strip():
            return []
        self.commands.append((self.node, text))
        for refused, why in self.refuses.items():
            if text.startswith(refused):
                return [why]
        words = text.split()
        if words[:2] == ["cats", "key"] and not self.secure:
            return ["cats - One transformer on several nodes", "Subcommands:", "  info  : ..."]
        name = "_".join(words[1:2])
        return getattr(self, f"do_{name}")(*words[2:]) or []

    def do_info(self):
        where = f" in group {self.group_now:x}" if self.runs else ""
        state = "runs" if self.runs else "stopped"
        return [
            f"*0 cats_local_0 on ieee802154: {state}",
            f"  node {self.node} of {self.nodes}{where}, model {self.model}, format 3, image 9",
        ]

    def do_stop(self):
        if not self.runs:
            return ["it does not run"]
        self.runs = False
        return None

    def do_start(self):
        if self.runs:
            return ["it runs already"]
        if self.secure and not self.keys:
            return ["there is no key: cats key set"]
        self.runs, self.group_now = True, self.group
        return None

    def do_group(self, text=None):
        if text:
            self.group = int(text, 16)
        return [f"group {self.group:x}"]

    def _setting(self, name):
        value = self.radio[name]
        return f"{name} 0x{value:x}" if name == "pan" else f"{name} {value}"

    def do_radio(self, name=None, value=None):
        if name is None:
            return [self._setting(one) for one in self.radio]
        self.radio[name] = int(value, 0)
        return [self._setting(name)]

    def do_key(self, what=None, number=None):
        if what is None:
            sealing = ", frames are sealed with it"
            lines = [f"key {n}{sealing if n == self.use else ''}" for n in self.keys]
            return lines or ["no key: cats key set"]
        number = int(number)
        if what == "set":
            self._typed = number
            # No prompt: the shell now reads beside itself.
            return ["32 hexadecimal digits, which are not shown:"]
        if number not in self.keys:
            return ["there is no such key: cats key"]
        if what == "use":
            self.use = number
        elif number == self.use and len(self.keys) > 1:
            return ["frames are sealed with it: cats key use another"]
        else:
            del self.keys[number]
        return None

    def _key(self, digits):
        number, self._typed = self._typed, None
        data = bytes.fromhex(digits)
        if len(data) == 20 and zlib.crc32(data[:16]) != int.from_bytes(data[16:], "big"):
            return "the key is not what its CRC-32 says: send it again\r\n"
        if number not in self.keys and len(self.keys) == 2:
            del self.keys[next(n for n in self.keys if n != self.use)]
        self.keys[number] = data[:16]
        self.use = number if self.use not in self.keys else self.use
        return f"key {number} is kept\r\n"

    def do_stats(self, *_):
        whole = {"instance": "cats_local_0", "transport": "ieee802154", "runs": self.runs}
        if self.runs:
            whole |= {"node": self.node, "nodes": self.nodes, "model": self.model}
        return [json.dumps(whole | self.stats, separators=(",", ":"))]
