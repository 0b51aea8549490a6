# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats monitor``: all boards of a group in one live table."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cats import arguments
from cats.files import output_file
from cats.report import add_json_argument, write_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cats.zephyr.monitor import Group, Node

HELP = "watch all boards of a group in one live table"
CONFLICTS = {"replay": ("record", "period")}
NEEDS = {"speed": ("replay",), "trace": ("replay",), "baud": ("port",)}
EPILOG = """\
Each board's shell is asked for its counters every --period seconds. The columns: inferences since
the board's start, those a second by its own clock, latency, class and microjoules of one, and the
fragments that were lost while it was watched, below also by link. A board that goes away is shown
as gone and taken up again when it is back. Ctrl-C ends it.

exit status: 0 every node is alive at the end, 1 not so, 2 bad input

examples:
  cats monitor --map map.yaml
  cats monitor --map map.yaml --record watch.jsonl --seconds 3600 --json watch.json
  cats monitor --port 0=/dev/ttyACM0 --port 1=/dev/ttyACM1
  cats monitor --replay watch.jsonl --speed 10
  cats monitor --replay watch.jsonl --trace watch.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats monitor``."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--map", type=Path, metavar="FILE", help="Twister's hardware map: its connected boards"
    )
    source.add_argument(
        "--port", action="append", metavar="[NODE=]PORT",
        help="a serial port or a pseudo-terminal; repeat",
    )  # fmt: skip
    source.add_argument("--replay", type=Path, metavar="FILE", help="show a recording again")
    parser.add_argument(
        "--record", type=output_file, metavar="FILE", help="write all that is heard"
    )
    parser.add_argument(
        "--period",
        type=arguments.seconds,
        default=1.0,
        metavar="S",
        help="seconds between two questions",
    )
    parser.add_argument("--seconds", type=arguments.seconds, metavar="S", help="end after so long")
    parser.add_argument(
        "--speed", type=arguments.number(0, 1e6), default=1.0, metavar="N",
        help="with --replay: times as fast; 0: at once, as where there is no terminal",
    )  # fmt: skip
    parser.add_argument(
        "--trace", type=output_file, metavar="FILE.json",
        help="with --replay: what was heard over time, for Perfetto or chrome://tracing",
    )  # fmt: skip
    parser.add_argument(
        "--baud", type=arguments.whole(50, 10**8), default=115200, help="with --port"
    )
    add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Run ``cats monitor``."""
    from cats.errors import CatsError

    try:
        import rich.live  # noqa: F401
        import serial  # noqa: F401
    except ModuleNotFoundError as error:
        raise CatsError(f"no Python module {error.name}: pip install rich pyserial") from error
    group = _replay(args) if args.replay else _watch(args)
    if args.json:
        write_json(args.json, group.summary())
    return 0 if group.ok else 1


def _watch(args: argparse.Namespace) -> Group:
    from cats.zephyr.monitor import FORMAT, Group, Watch

    ports, bauds = _ports(args)
    group = Group(ports)
    until = time.monotonic() + (args.seconds or float("inf"))
    with (
        _record(args.record) as record,
        _shown(group, args.json == "-") as show,
        contextlib.suppress(KeyboardInterrupt),
        Watch(bauds, args.period) as watch,
    ):
        record(FORMAT)
        while time.monotonic() < until:
            for one in watch.records(0.25):
                record(one)
                show(group.take(one))
            show(None)
    return group


def _replay(args: argparse.Namespace) -> Group:
    from cats.zephyr.monitor import Group, read_recording
    from cats.zephyr.monitor_trace import trace

    records = list(read_recording(args.replay))
    ports = dict.fromkeys(one["port"] for one in records)
    if args.trace:
        write_json(args.trace, trace(records, ports))
    group = Group(ports)
    speed = args.speed if sys.stdout.isatty() else 0
    with _shown(group, args.json == "-") as show, contextlib.suppress(KeyboardInterrupt):
        for before, one in zip(records[:1] + records, records):
            if speed:
                time.sleep(min(max(one["time"] - before["time"], 0) / speed, 60))
            show(group.take(one))
            if args.seconds and one["time"] - records[0]["time"] > args.seconds:
                break
    return group


def _ports(args: argparse.Namespace) -> tuple[dict[str, int | None], dict[str, int]]:
    from cats.errors import CatsError
    from cats.zephyr.boards import read_map

    ports: dict[str, int | None] = {}
    bauds: dict[str, int] = {}
    if args.map:
        for node, board in enumerate(read_map(args.map)):
            if not board.serial:
                raise CatsError(f"{args.map}: board {board.id} has no serial port")
            ports[board.serial], bauds[board.serial] = node, board.baud
        if not ports:
            raise CatsError(f"{args.map} has no connected board")
    for text in args.port or ():
        node, sign, port = text.rpartition("=")
        if sign and not node.isdecimal():
            raise CatsError(f"--port {text}: NODE=PORT or PORT is wanted, as 3=/dev/ttyACM3")
        if port in ports:
            raise CatsError(f"--port {port} is there twice")
        ports[port], bauds[port] = int(node) if sign else None, args.baud
    return ports, bauds


@contextlib.contextmanager
def _record(path: Path | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    from cats.errors import CatsError

    if path is None:
        yield lambda record: None
        return
    if path.is_file():
        raise CatsError(f"{path} is there already: choose another name for the recording")
    with path.open("w", encoding="utf-8") as file:

        def record(one: dict[str, Any]) -> None:
            try:
                # A line at once: what is recorded stays, however the program ends.
                print(json.dumps(one), file=file, flush=True)
            except OSError as error:
                raise CatsError(f"cannot write {path}: {error.strerror}") from error

        yield record


@contextlib.contextmanager
def _shown(group: Group, quiet: bool) -> Iterator[Callable[[str | None], None]]:
    """A live table on a terminal; else what happens as lines on stderr, and the table at the end
    (not where stdout is for JSON)."""
    from rich.console import Console
    from rich.live import Live

    console = Console(width=None if sys.stdout.isatty() else 160)
    if not console.is_terminal or quiet:
        yield lambda event: print(event, file=sys.stderr) if event else None
        if not quiet:
            console.print(render(group))
        return
    with Live(get_renderable=lambda: render(group), console=console, refresh_per_second=4) as live:
        yield lambda event: live.console.print(event) if event else None


def render(group: Group) -> RenderableType:
    """The nodes, and below them the losses by link."""
    from rich import box
    from rich.console import Group as Together
    from rich.table import Table

    # 16 nodes fit on a terminal of 80 columns.
    look: dict[str, Any] = {"box": box.SIMPLE_HEAD, "pad_edge": False, "padding": 0}
    nodes = Table(**look)
    for name, width in (
        ("node", 4), ("state", 7), ("done", 6), ("1/s", 5), ("ms", 6), ("class", 5), ("lost", 5),
        ("uJ", 6), ("resets", 6),
    ):  # fmt: skip
        justify = "left" if name == "state" else "right"
        nodes.add_column(name, justify=justify, no_wrap=True, min_width=width)
    nodes.add_column("port", no_wrap=True, overflow="ellipsis")
    for node in group.nodes:
        nodes.add_row(*_row(node), style=None if node.state == "alive" else "red")
    sources = sorted({source for node in group.nodes for source in node.links})
    if not sources:
        return nodes
    links = Table(**look)
    links.add_column("at", justify="right")
    for source in sources:
        links.add_column(str(source), justify="right", min_width=3)
    for node in group.nodes:
        shares = [node.links[s].share if s in node.links else None for s in sources]
        links.add_row(_text(node.number), *map(_percent, shares))
    return Together(nodes, "Lost, per cent, by source:", links)


def _row(node: Node) -> list[str]:
    last = node.said.get("last", {}) if node.gone is None else {}
    latency, rate, lost = last.get("latency_us"), node.rate, node.lost
    return [
        _text(node.number), node.state, _text(node.said.get("inferences")),
        "" if rate is None else f"{rate:.2f}", "" if latency is None else f"{latency / 1000:.1f}",
        _text(last.get("class")), _percent(lost) + "%" * (lost is not None),
        _text(node.said.get("microjoules")), _text(node.restarts or None), node.port,
    ]  # fmt: skip


def _percent(share: float | None) -> str:
    """In three characters."""
    if share is None:
        return ""
    return f"{100 * share:.1f}" if 0 < share < 0.0995 else f"{100 * share:.0f}"


def _text(value: object) -> str:
    return "" if value is None else str(value)
