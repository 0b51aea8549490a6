# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Transports that sleep, alone on BabbleSim: two ports with crystals 100 ppm apart do what a script
says. When radios were on is the channel's word, not theirs."""

import functools
import itertools
from dataclasses import dataclass, field

import pytest

from cats.zephyr import bsim
from cats.zephyr.workspace import source_tree

pytestmark = [
    pytest.mark.slow,
    pytest.mark.bsim,
    pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
]
SOURCE = source_tree() / "tests" / "bsim" / "sleep"
DRIFTS = (-50e-6, 50e-6)
MS, S, MINUTE = 1000, 1_000_000, 60_000_000
#: Frames of the scripts, bytes.
SIZE = 60


@dataclass
class Port:
    """A device: its script, in microseconds of the channel, and what came of it."""

    number: int
    lines: list[str] = field(default_factory=list)
    #: Line of the script: (when it is to start, channel's time) of frames.
    sends: dict[int, int] = field(default_factory=dict)
    #: Line: (what now() is ahead, rested_us()).
    steps: dict[int, tuple[int, int]] = field(default_factory=dict)
    sent: dict[int, bool] = field(default_factory=dict)
    #: (start by the device's now(), channel's time; the sender's line).
    heard: list[tuple[float, int]] = field(default_factory=list)
    clock: tuple[int, int, int, int] = (0, 0, 0, 0)
    preempted: int = 0

    def own(self, us):
        """The device's time at a time of the channel."""
        return round(us * (1 + DRIFTS[self.number]))

    def do(self, at, what, *times):
        """A line: at a time, with times."""
        self.lines.append(" ".join([str(self.own(at)), what, *map(str, map(self.own, times))]))
        return len(self.lines)

    def on(self, at):
        return self.do(at, "on", 0)

    def off(self, at, until, ready=None):
        return self.do(at, "off", until, until if ready is None else ready)

    def send(self, at, start):
        """Hand a frame over at a time."""
        line = self.do(at, "send", start)
        self.lines[-1] += f" {SIZE}"
        self.sends[line] = start
        return line

    def read(self, text):
        """What it reported."""
        for row in text.splitlines():
            _, found, rest = row.partition("cats: ")
            what, *words = rest.split() if found else [""]
            if what == "step":
                line, shift, rested = map(int, words)
                self.steps[line] = shift, rested
            elif what == "gone":
                self.sent[int(words[1])] = words[0] == "1"
            elif what == "heard":
                self.heard.append((int(words[0]) / (1 + DRIFTS[self.number]), int(words[2])))
            elif what == "clock":
                self.clock = tuple(map(int, words))


def play(program, folder, ports, until, **options):
    """Run the scripts to a time; the channel's dump is in ``folder``. ``options`` of devices."""
    for port in ports:
        port.do(until, "end", 0)
        (folder / f"script_{port.number:02}.txt").write_text("\n".join(port.lines) + "\n")
    devices = [
        bsim.Device(port.number, drift_ppm=DRIFTS[port.number] * 1e6, options=options)
        for port in ports
    ]
    logs = bsim.run(
        program, folder, devices, seconds=until / 1e6 + 1, results=folder, folder=folder / "logs"
    )
    for port, log in zip(ports, logs, strict=True):
        port.read(log.text)
        port.preempted = len(log.preempted)
        assert port.clock != (0, 0, 0, 0), log.text[-2000:]


@dataclass(frozen=True)
class Kind:
    """What is tested of a transport. A frame is handed over ``lead_us`` before its start, by a
    sleeper ``wake_us`` before it; a receiver is open for ``before_us`` and ``after_us`` around a
    start, and is on or off, and hears or sends a frame, within ``exact_us`` of what was said, but
    may be on ``early_us`` before it. ``on_to_send``: it is on before a frame of its own as well.
    It is off for ``gap_us`` at most between two frames."""

    lead_us: int
    wake_us: int
    before_us: int
    after_us: int
    exact_us: int
    early_us: int = 0
    on_to_send: bool = False
    gap_us: int = 100


KINDS = {
    "nrf_radio": Kind(430, 3 * MS, 1 * MS, 2 * MS, 100),
    "ieee802154": Kind(500, 3 * MS, 1 * MS, 5 * MS, 200, 300, True),
    "ble": Kind(5 * MS, 8 * MS, 4 * MS, 6 * MS, 2000, 4000, gap_us=3 * MS),
}
#: Rests: the last one passes the 71 minutes of 32 bits.
GAPS = (100 * MS, 1 * S, 30 * S, 80 * MINUTE)
#: A rest is told of in parts, since times compare for 35 minutes.
PART = 20 * MINUTE


def rest(port, begin, until, ready=None):
    """However long; the number of its lines."""
    parts = 1
    while until - begin > PART + MINUTE:
        port.off(begin, begin + PART + MINUTE)
        begin += PART
        parts += 1
    port.off(begin, until, ready)
    return parts


def starts(results, port):
    """Of its frames, by the channel, without Bluetooth's shorter packets on primary channels."""
    return [start for start, end in bsim.sent_us(results, port.number) if end - start > 200]


def windows(results, port, begin, end, gap_us):
    """When a port's receiver was on, by the channel, but for shorter gaps."""
    found = []
    for start, stop in bsim.listened_us(results, port.number):
        if stop <= begin or start >= end:
            continue
        if found and start - found[-1][1] < gap_us:
            found[-1][1] = stop
        else:
            found.append([start, stop])
    return found


@pytest.fixture(scope="session")
def sleeper(tmp_path_factory):
    """A function: the program of tests/bsim/sleep for a transport, and a board, once."""

    @functools.cache
    def get(radio, board=bsim.BOARD):
        folder = tmp_path_factory.mktemp(radio)
        return bsim.build(radio, folder, board=board, source=SOURCE)

    return get


def check_rests(program, folder, kind):
    """Behind each rest the ports meet: one sends and the other one listens just then."""
    ports = [Port(0), Port(1)]
    asked = [[], []]
    begin = now = 500 * MS
    for gap in GAPS:
        for sender, listener in (ports, ports[::-1]):
            start = now + gap
            rest(sender, now, start + 1 * S, ready=start - kind.lead_us)
            sender.send(start - kind.lead_us + 70, start)
            rest(listener, now, start - kind.before_us)
            now = start + kind.after_us
            asked[listener.number].append((start - kind.before_us, now))
            if kind.on_to_send:
                asked[sender.number].append((start - kind.lead_us, start))
    for port in ports:
        port.off(now, now + 10 * S)
    end = now + 1 * S
    play(program, folder, ports, end)
    for port, other in (ports, ports[::-1]):
        backwards, least, ahead, jitter = port.clock
        shifts = [shift for shift, _ in port.steps.values()]
        jumps = [abs(b - a) for a, b in itertools.pairwise(shifts)]
        print(port.number, "clock", port.clock, "jumps", max(jumps))
        assert backwards == 0 and jitter > 0
        assert max(jumps) <= jitter and max(-least, ahead) <= jitter

        assert port.sent == dict.fromkeys(port.sends, True)
        started = starts(folder, port)
        late = [is_ - was for is_, was in zip(started, port.sends.values(), strict=True)]
        print("sent", late)
        assert max(map(abs, late)) <= jitter + kind.exact_us
        assert [line for _, line in other.heard] == list(port.sends)
        apart = [at - start for (at, _), start in zip(other.heard, started, strict=True)]
        print("heard", apart)
        assert max(map(abs, apart)) <= kind.exact_us

        # Behind its frame a port may listen until it is told otherwise again.
        was = [
            (on, off)
            for on, off in windows(folder, port, begin + kind.exact_us, end, kind.gap_us)
            if off - on > kind.exact_us
        ]
        edges = [
            (on - a, off - b) for (on, off), (a, b) in zip(was, asked[port.number], strict=True)
        ]
        print("windows", edges)
        most = jitter + kind.exact_us
        assert all(-most - kind.early_us <= on <= most and abs(off) <= most for on, off in edges)
        on_us = bsim.radio_on_us(folder, port.number, begin, end)
        first, last = port.steps[1], port.steps[len(port.lines)]
        rested = (last[1] - first[1]) % 2**32
        span = (end - begin) * (1 + DRIFTS[port.number]) % 2**32
        print("on", on_us, "by its own", span - rested)
        assert on_us == pytest.approx(span - rested, abs=4 * len(GAPS) * kind.exact_us)


@pytest.mark.parametrize("radio", KINDS)
def test_rests(sleeper, tmp_path, radio):
    check_rests(sleeper(radio), tmp_path, KINDS[radio])


def check_wakes(program, folder, kind):
    """What is sent to a sleeper is lost; it sends, and listens again, before its time."""
    sender, sleeper = ports = [Port(0), Port(1)]
    gap = 20 * MS + kind.after_us + kind.before_us
    now = 500 * MS
    heard, lost = [], []
    for port in ports:
        port.off(now, now + MINUTE)
    for _ in range(3):
        # Nobody listens.
        now += gap
        lost.append(sender.send(now - kind.wake_us, now))
        # It is told to, long before its time.
        now += gap
        sleeper.on(now - kind.before_us)
        heard.append(sender.send(now - kind.wake_us, now))
        sleeper.off(now + kind.after_us, now + MINUTE)
        # It is to listen earlier than it was told first.
        now += gap
        sleeper.off(now - gap // 2, now - kind.before_us)
        heard.append(sender.send(now - kind.wake_us, now))
        sleeper.off(now + kind.after_us, now + MINUTE)
        # Both listen, then sleep again, and the other one sends.
        now += gap
        sender.off(now - gap // 2, now - kind.before_us)
        sleeper.send(now - kind.wake_us, now)
        sender.off(now + kind.after_us, now + MINUTE)
        now += gap
    play(program, folder, ports, now)
    for port in ports:
        assert port.sent == dict.fromkeys(port.sends, True)
        assert port.clock[0] == 0
        started = starts(folder, port)
        for is_, was in zip(started, port.sends.values(), strict=True):
            assert abs(is_ - was) <= port.clock[3] + kind.exact_us
    assert [line for _, line in sleeper.heard] == heard and len(lost) == 3
    assert [line for _, line in sender.heard] == list(sleeper.sends)


@pytest.mark.parametrize("radio", KINDS)
def test_wakes(sleeper, tmp_path, radio):
    check_wakes(sleeper(radio), tmp_path, KINDS[radio])


def test_network_core(sleeper, tmp_path):
    """An nRF5340's network core sleeps as an nRF52 does."""
    program = sleeper("nrf_radio", bsim.NETWORK_CORE)
    for check in (check_rests, check_wakes):
        folder = tmp_path / check.__name__
        folder.mkdir()
        check(program, folder, KINDS["nrf_radio"])


def check_preempted(program, folder, kind, meetings=1000):
    """Something more urgent holds the driver for 5 to 500 us at a random place: that costs the
    frame of that time and perhaps the next one, but never the clock."""
    ports = [Port(0), Port(1)]
    now = 500 * MS
    for meeting in range(meetings):
        gap = (10 * MS, 60 * MS)[meeting % 2]
        sender, listener = ports[:: 1 if meeting % 3 else -1]
        start = now + gap
        sender.off(now, start + 1 * S, ready=start - kind.lead_us - 200)
        sender.send(start - kind.lead_us - 100, start)
        listener.off(now, start - kind.before_us)
        now = start + kind.after_us
    play(program, folder, ports, now + 10 * MS, preempt=7, preempt_every=200 * MS)
    preempted = sum(port.preempted for port in ports)
    came = {}
    for port, other in (ports, ports[::-1]):
        assert port.clock[0] == 0 and set(port.sent) == set(port.sends)
        shifts = [shift for shift, _ in port.steps.values()]
        assert max(abs(b - a) for a, b in itertools.pairwise(shifts)) <= port.clock[3]
        heard = [line for _, line in other.heard]
        assert set(heard) <= set(port.sends) and len(set(heard)) == len(heard)
        came.update({start: line in heard for line, start in port.sends.items()})
    runs = [
        len(list(run)) for ok, run in itertools.groupby(came[at] for at in sorted(came)) if not ok
    ]
    print("preempted", preempted, "lost in a row", runs)
    assert preempted > meetings / 5 and 0 < sum(runs) < preempted / 4 and max(runs) <= 2


def test_preempted(sleeper, tmp_path):
    check_preempted(sleeper("nrf_radio+preempt"), tmp_path, KINDS["nrf_radio"])
