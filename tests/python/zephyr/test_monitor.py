# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats monitor``: what it makes of what nodes say, live from shells over pseudo-terminals and
from recordings."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import yaml

from cats import cli
from cats.zephyr.monitor import FORMAT, Group, parse
from cats.zephyr.monitor_trace import trace
from stand_in_board import Board

LAST = {"inference": 7, "class": 3, "latency_us": 41500, "fragments": 30, "lost": 2, "silent": 0}


def said(node, uptime_s, inferences, lost=(0, 0, 0), **more):
    return {
        "instance": "cats_local_0", "runs": True, "node": node, "nodes": 3, "model": "78328058",
        "uptime_ms": int(uptime_s * 1000), "inferences": inferences, "microjoules": 800,
        "link_fragments": [0 if s == node else 10 * inferences for s in range(3)],
        "link_lost": list(lost), "last": LAST,
    } | more  # fmt: skip


def record(port, at, node=None, **more):
    return {"time": at, "port": port} | ({"node": node} if node else {}) | more


def test_a_recording_as_a_trace():
    records = [
        record("a", 100.0, said(0, 10, 3, sent=20)),
        record("a", 101.0, said(0, 11, 5, sent=60, lost=(0, 4, 1))),
        record("a", 102.0, gone="unplugged"),
        record("a", 104.0, said(0, 1, 1, sent=4)),
        record("a", 105.0, said(0, 2, 1, sent=4)),
    ]
    events = trace(records, {"a": 0})["traceEvents"]
    states = [e for e in events if e["ph"] == "X" and e["tid"] == 0]
    assert [(e["name"], e["ts"], e["dur"]) for e in states] == [
        ("alive", 0, 2e6), ("gone", 2e6, 2e6), ("alive", 4e6, 1e6),
    ]  # fmt: skip
    # One was told between two answers; what came before a reset or the watch is no event.
    (inference,) = [e for e in events if e["ph"] == "X" and e["tid"] == 1]
    assert inference["ts"] + inference["dur"] == 1e6 and inference["dur"] == LAST["latency_us"]
    assert inference["args"]["inferences since the last answer"] == 2
    rates = [e["args"]["sent"] for e in events if e["name"] == "frames a second"]
    assert rates == [40, 0]
    lost = [e["args"] for e in events if e["name"] == "fragments lost"]
    assert lost == [{"from 1": 4, "from 2": 1}, {"from 1": 0, "from 2": 0}]


@pytest.fixture
def group():
    return Group({"a": 0, "b": 1, "c": 2})


def test_rates_are_by_the_nodes_own_clocks(group):
    for second in range(5):
        # The simulated clock goes half as fast as that on the wall.
        group.take(record("a", 100 + 2 * second, said(0, 10 + second, 3 * second)))
    (node, *others) = group.nodes
    assert node.state == "alive" and node.rate == pytest.approx(3.0) and node.inferences == 12
    assert [one.state for one in others] == ["silent", "silent"] and not group.ok
    # The oldest leaves after ten seconds.
    for second in range(5, 40):
        group.take(record("a", 100 + 2 * second, said(0, 10 + second, 12)))
    assert group.nodes[0].rate == 0


def test_losses_by_link_are_what_was_watched(group):
    group.take(record("b", 1, said(1, 5, 100, lost=(500, 0, 9))))
    assert group.nodes[1].links == {} and group.nodes[1].lost is None
    group.take(record("b", 2, said(1, 6, 104, lost=(510, 0, 9))))
    summary = group.nodes[1].summary()
    assert summary["links"] == [
        {"source": 0, "fragments": 40, "lost": 10},
        {"source": 2, "fragments": 40, "lost": 0},
    ]
    assert summary["lost"] == pytest.approx(10 / 80)


def test_a_board_that_was_reset_counts_from_zero(group):
    group.take(record("a", 1, said(0, 50, 100, lost=(0, 40, 0))))
    told = group.take(record("a", 2, said(0, 1, 2, lost=(0, 5, 0))))
    assert told == "node 0 was reset (a)"
    node = group.nodes[0]
    assert node.restarts == 1 and node.inferences == 2
    assert node.links[1].fragments == 20 and node.links[1].lost == 5


def test_gone_and_back(group):
    for at in (1, 2):
        group.take(record("c", at, said(2, at, at)))
    assert group.take(record("c", 3, gone="c is gone: unplugged")) == (
        "node 2 is gone: c is gone: unplugged"
    )
    assert group.take(record("c", 4, gone="cannot open c")) is None
    assert group.nodes[2].state == "gone" and group.nodes[2].rate is None
    assert group.take(record("c", 5, said(2, 5, 6))) == "node 2: alive (c)"
    assert group.nodes[2].state == "alive" and group.nodes[2].inferences == 5


def test_a_board_that_is_another_node_or_has_a_twin_or_stands_still(group):
    group.take(record("a", 1, said(2, 1, 1)))
    group.take(record("b", 1, said(1, 1, 1, twin=4)))
    group.take(record("c", 1, {"instance": "cats_local_0", "runs": False, "uptime_ms": 5}))
    states = {node.port: node.state for node in group.nodes}
    assert states == {"a": "is node 2", "b": "twin", "c": "stopped"} and not group.ok


def test_one_port_with_several_nodes():
    group = Group({"a": 0})
    for node in range(3):
        group.take(record("a", 1, said(node, 1, 5, instance=f"cats_local_{node}")))
    assert [node.state for node in group.nodes] == ["alive"] * 3 and group.ok
    group.take(record("a", 2, gone="x"))
    assert [node.state for node in group.nodes] == ["gone"] * 3


def test_what_the_log_prints_is_left_out():
    line = json.dumps(said(0, 1, 1))
    assert parse(["[00:00:01.000] <wrn> cats: {", "{broken", '{"a":1}', line]) == [said(0, 1, 1)]


@pytest.fixture
def boards():
    found = [Board(node, 3, "78328058") for node in range(3)]
    for board in found:
        board.runs = True
        board.stats = said(board.node, 1, 1)
    yield found
    for board in found:
        if board.port:
            board.close()


def go_on(boards, stop):
    for step in range(2, 1000):
        for board in boards:
            lost = [0] * 3
            lost[(board.node + 1) % 3] = 5 * (step - 1)
            board.stats = said(board.node, step / 10, step, lost=lost)
        if stop.wait(0.1):
            return


@pytest.fixture
def busy(boards):
    stop = threading.Event()
    thread = threading.Thread(target=go_on, args=(boards, stop))
    thread.start()
    yield boards
    stop.set()
    thread.join()


def test_live_recorded_and_replayed(busy, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    entries = [
        {"connected": True, "id": f"00{n}", "platform": "some_dk/soc", "product": "J-Link",
         "runner": "jlink", "serial": board.port}
        for n, board in enumerate(busy)
    ]  # fmt: skip
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(entries))
    words = ["--map", "map.yaml", "--record", "watch.jsonl", "--json", "live.json"]
    assert cli.main(["monitor", *words, "--seconds", "4", "--period", "0.2"]) == 0
    shown = capsys.readouterr()
    assert "node 1: alive" in shown.err and "Lost, per cent, by source" in shown.out
    live = json.loads((tmp_path / "live.json").read_text())
    assert live["ok"] and [one["node"] for one in live["nodes"]] == [0, 1, 2]
    for one in live["nodes"]:
        assert one["state"] == "alive" and one["inferences"] > 3
        assert one["inferences_per_second"] == pytest.approx(10, rel=0.2)
        assert one["latency_us"] == 41500 and one["class"] == 3 and one["microjoules"] == 800
        lost = {link["source"]: link["lost"] / link["fragments"] for link in one["links"]}
        assert lost[(one["node"] + 1) % 3] == 0.5 and lost[(one["node"] + 2) % 3] == 0

    assert (
        cli.main(
            ["monitor", "--replay", "watch.jsonl", "--json", "again.json", "--trace", "trace.json"]
        )
        == 0
    )
    # The map's order is not in the recording, the nodes' own numbers are.
    assert json.loads((tmp_path / "again.json").read_text()) == live
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert {e["pid"] for e in events if e["name"] == "frames a second"} == {0, 1, 2}
    assert cli.main(["monitor", *words, "--seconds", "1"]) == 2
    assert "watch.jsonl is there already" in capsys.readouterr().err


def test_a_board_comes_back(busy, tmp_path, capsys):
    link = tmp_path / "tty"
    link.symlink_to(busy[0].port)

    def unplug():
        time.sleep(2)
        link.unlink()
        busy[0].close()
        time.sleep(2)
        busy[0]._open()
        link.symlink_to(busy[0].port)

    thread = threading.Thread(target=unplug)
    thread.start()
    words = ["--port", f"0={link}", "--port", f"1={busy[1].port}"]
    assert cli.main(["monitor", *words, "--seconds", "9", "--period", "0.2"]) == 0
    thread.join()
    said = capsys.readouterr().err
    assert said.index("node 0 is gone") < said.rindex("node 0: alive")
    assert "node 1 is gone" not in said


def interruptible():
    """Also where the tests run in the background of a script, which ignores SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interrupted_it_ends_with_what_it_has(busy, tmp_path):
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "cats", "monitor", "--port", busy[2].port, "--json", str(out)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=interruptible,
    )  # fmt: skip
    for line in process.stderr:
        if "alive" in line:
            break
    process.send_signal(signal.SIGINT)
    shown, said = process.communicate(timeout=30)
    assert process.returncode == 0 and "Traceback" not in said
    assert "alive" in shown and json.loads(out.read_text())["nodes"][0]["node"] == 2


def test_a_table_that_lives(busy):
    """On a terminal: drawn again and again, until it is interrupted."""
    master, slave = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cats", "monitor", "--port", busy[1].port, "--period", "0.2"],
        stdin=slave, stdout=slave, stderr=slave, preexec_fn=interruptible,
        env=os.environ | {"COLUMNS": "120", "TERM": "xterm"},
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while shown.count(b"alive") < 4:
        shown += os.read(master, 4096)
    process.send_signal(signal.SIGINT)
    while True:
        try:
            shown += os.read(master, 4096)
        except OSError:
            break
    assert process.wait(30) == 0 and b"Traceback" not in shown and b"\x1b[" in shown
    os.close(master)


def test_wrong_words(tmp_path, capsys):
    bad = tmp_path / "bad.jsonl"
    for text, why in [
        ("", "is no recording"),
        ('{"cats_monitor": 2}\n', "is no recording"),
        (json.dumps(FORMAT) + "\n{}\n", "line 2: $.time: missing"),
    ]:
        bad.write_text(text)
        assert cli.main(["monitor", "--replay", str(bad)]) == 2
        assert why in capsys.readouterr().err
    # Cut short at its end.
    bad.write_text(json.dumps(FORMAT) + "\n" + json.dumps(record("a", 1, said(0, 1, 1))) + '\n{"ti')
    assert cli.main(["monitor", "--replay", str(bad)]) == 0
    assert cli.main(["monitor", "--replay", str(tmp_path / "none")]) == 2
    assert cli.main(["monitor", "--port", "x=/dev/none"]) == 2
    assert cli.main(["monitor", "--port", "a", "--port", "1=a"]) == 2
    with pytest.raises(SystemExit):
        cli.main(["monitor", "--port", "a", "--period", "0"])
    assert "'0' is no number of seconds above 0" in capsys.readouterr().err
