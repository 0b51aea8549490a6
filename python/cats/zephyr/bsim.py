# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Nodes of a deployment on BabbleSim: real transports and drivers on a simulated radio.

``tests/bsim/node`` is one node as a program for the board nrf52_bsim, or for NETWORK_CORE. ``run``
starts one process a device and the simulated channel, and reads what they report; ``check`` asks
the integer reference for the same outputs with the same losses, to the bit. BabbleSim is found by
BSIM_OUT_PATH and BSIM_COMPONENTS_PATH or in Zephyr's workspace, Zephyr by ZEPHYR_BASE or as
``cats build`` finds it.
"""

from __future__ import annotations

import csv
import functools
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cats.deploy.export import load_deploy, node_folder
from cats.errors import CatsError
from cats.integer import reference
from cats.integer.llama import NO_TOKEN, LlamaSteps, Place
from cats.integer.llama_stream import window_of
from cats.integer.model import IntegerModel
from cats.native import ffi
from cats.plan.code_time import code_time
from cats.plan.plan import Plan
from cats.plan.radio import radio
from cats.shape.partition import input_ranges
from cats.sim.compare import bits_availability
from cats.sim.compare_steps import step_of_token
from cats.sim.simulate import REJECTS, compute_us, fill_code
from cats.zephyr.workspace import source_tree, workspace

BOARD = "nrf52_bsim"
#: The network core of an nRF5340, which has DPPI.
NETWORK_CORE = "nrf5340bsim/nrf5340/cpunet"
PHY = "bs_2G4_phy_v1"
_STATS = ("exchanges", "sent", "heard", "repaired", "lost", "duplicates", "air_us", "compute_us")
#: Ramp-up of the simulated radios, transmitter and receiver alike.
RAMP_US = 40.0
#: Columns of the channel's dumps that are read, and its status of a receiver that found nothing.
_DUMPED = ("start_time", "end_time", "scan_duration", "payload_end", "abort_time", "status")
_NO_SYNC = 4
#: enum cats_secure_reject.
_REFUSED = ("short", "plain", "source", "key", "replay", "forged")
#: Real seconds that a simulation may take.
_PATIENCE = 900.0


@dataclass(frozen=True)
class Device:
    """One node's process. ``node``: its number in the deployment in ``deploy`` (None: that of the
    run). ``options``: of the program, without the dash. ``drift_ppm``: of its crystal.
    ``on_us``: when it is powered on. Two devices of the same node are one before and after a reset.
    """

    node: int
    deploy: Path | None = None
    drift_ppm: float = 0.0
    on_us: int = 0
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Inference:
    """One inference as one device saw it end. ``sample``: what it had submitted, -1: nothing.
    ``output``: int16, flat. Times: microseconds of the node's clock; ``time_us``: of the channel's.
    """

    number: int
    sample: int
    led: bool
    lost: int
    fragments: int
    silent: int
    started_us: int
    ended_us: int
    time_us: int
    output: np.ndarray

    @property
    def latency_us(self) -> int:
        """From where this node opened or joined it to its end."""
        return (self.ended_us - self.started_us) % 2**32


@dataclass(frozen=True)
class Preemption:
    """Something more urgent that held a device in its driver for ``us``; ``place``: an address in
    the program. ``exchanges``: that the device had reported before."""

    place: int
    us: int
    time_us: int
    exchanges: int


@dataclass(frozen=True)
class Meetings:
    """How a node that sleeps does at ``time_us``, channel's microseconds as ``next_us``: when the
    next meeting is by its clock, 0 where it knows of none. Since its start: ``meetings`` opened or
    heard, ``missed``, ``searches``, ``takeovers``; microseconds of its clock, and those with its
    radio ``on_us``, by its own statistics."""

    time_us: int
    leader: int
    next_us: int
    period_ms: int
    meetings: int
    missed: int
    searches: int
    takeovers: int
    elapsed_us: int
    on_us: int


@dataclass(frozen=True)
class TextStep:
    """Which row of a text a device computed in an inference, and how many it had then."""

    place: Place
    known: int


@dataclass(frozen=True)
class Told:
    """A token of a text, as a device was told of it: as struct cats_token."""

    position: int
    token: int
    chosen: bool
    told: bool
    time_us: int


@dataclass
class Log:
    """What one device reported. ``heard``: {(inference, gather, tile): [bits of source 0, ...]};
    ``kinds``: struct cats_gather_stats by kind of gather; ``attacks``: frames that an intruder
    sent; ``sent_us``, ``listened_us``: that its radio was on in inferences, by its own clock;
    ``beside``: connections of its application, and reports of neighbours' that it had;
    ``packets``: (start, end) of its packets, microseconds of the channel's time, where these
    were asked for; ``writes``: of settings to the flash; ``steps``: of a language model, by
    inference; ``restarts``: when it started again, by the channel's time."""

    device: Device
    text: str
    heard: dict[tuple[int, int, int], list[bytes]] = field(default_factory=dict)
    results: list[Inference] = field(default_factory=list)
    submitted: list[tuple[int, int]] = field(default_factory=list)
    steps: dict[int, TextStep] = field(default_factory=dict)
    restarts: list[int] = field(default_factory=list)
    kinds: list[dict[str, int]] = field(default_factory=list)
    rejected: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    started_us: int | None = None
    stopped: str | None = None
    takeovers: int = 0
    send_failed: int = 0
    dropped: int = 0
    attacks: int | None = None
    beside: tuple[int, int] = (0, 0)
    packets: list[tuple[int, int]] = field(default_factory=list)
    preempted: list[Preemption] = field(default_factory=list)
    meetings: list[Meetings] = field(default_factory=list)
    tokens: list[Told] = field(default_factory=list)
    writes: int = 0
    sent_us: int = 0
    listened_us: int = 0

    def add_heard(self, words: Sequence[str]) -> None:
        """Take in a report of an exchange: INFERENCE GATHER TILE .BITS..., as hexadecimal bytes."""
        number, gather, tile = map(int, words[:3])
        self.heard[number, gather, tile] = [bytes.fromhex(bits[1:]) for bits in words[3:]]

    def waiting(self) -> int:
        """The sample that it submitted last and has no result for; -1 where it has: in what it
        takes part then has no input of its own."""
        last = self.submitted[-1][0] if self.submitted else -1
        return -1 if any(result.sample == last for result in self.results) else last

    def total(self, name: str) -> int:
        """A figure of ``kinds`` over all kinds."""
        return sum(kind[name] for kind in self.kinds)


def environment() -> dict[str, str]:
    """The variables of Zephyr's build, BabbleSim's two folders in it; CatsError where not."""
    variables = dict(workspace().environment)
    for name in ("BSIM_OUT_PATH", "BSIM_COMPONENTS_PATH"):
        if not variables.get(name):
            raise CatsError(
                f"no BabbleSim: set BSIM_OUT_PATH and BSIM_COMPONENTS_PATH ({name} is not set)"
            )
    if not (Path(variables["BSIM_OUT_PATH"]) / "bin" / PHY).is_file():
        raise CatsError(f"BabbleSim is not built: no bin/{PHY} below BSIM_OUT_PATH")
    for tool in ("cmake", "ninja"):
        if not shutil.which(tool):
            raise CatsError(f"no {tool}: apt-get install cmake ninja-build")
    return variables


@functools.cache
def missing() -> str | None:
    """What this machine lacks to run BabbleSim, or None."""
    try:
        environment()
    except CatsError as error:
        return str(error)
    return None


def build(
    transport: str,
    folder: Path | str,
    defines: Sequence[str] = (),
    board: str = BOARD,
    source: Path | None = None,
) -> Path:
    """Build the node for a transport in ``folder`` (again, where that holds a build); its program.

    ``transport``: with ``+secure`` behind it, one whose frames are sealed; with ``+preempt``, one
    whose driver can be preempted (nrf_radio); with ``+off``, one whose receiver is off where
    nothing comes (nrf_radio); with ``+sleep``, one that sleeps between meetings; with ``+hops``,
    one that relays; with ``+text``, one that writes texts of a language model; with ``+beside``,
    one whose application has Bluetooth of its own (ble). ``defines``: CMake's, as
    ``CONFIG_CATS_LEAD_US=300``. ``board``: one of Zephyr's that BabbleSim simulates. ``source``:
    another application than ``tests/bsim/node``, with a .conf file for each transport.
    """
    variables, folder = environment(), Path(folder).resolve()
    source = source or source_tree() / "tests" / "bsim" / "node"
    confs = [f"{part}.conf" for part in transport.split("+")]
    for conf in confs:
        if not (source / conf).is_file():
            raise CatsError(f"transport {transport!r}: no {conf} in {source}")
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "build.log"
    configure = [
        "cmake", "-GNinja", f"-S{source}", f"-B{folder}", f"-DBOARD={board}",
        f"-DEXTRA_CONF_FILE={';'.join(confs)}", *(f"-D{define}" for define in defines),
    ]  # fmt: skip
    with log.open("w") as output:
        for command in (configure, ["ninja", "-C", str(folder)]):
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=variables,
            )  # fmt: skip
            if done.returncode:
                raise CatsError(f"the node for {transport} does not build, see {log}")
    return folder / "zephyr" / "zephyr.exe"


def write_inputs(model: IntegerModel, deploy: Path, inputs: np.ndarray) -> None:
    """Write each node's part of int8 inputs [B, tokens_in, P] beside its image."""
    for node, (begin, end) in enumerate(input_ranges(model.split)):
        if end > begin:
            own = np.ascontiguousarray(inputs[:, :, begin:end], np.int8)
            (deploy / f"inputs_{node:02}.bin").write_bytes(own.tobytes())


def write_prompt(deploy: Path, tokens: Sequence[int]) -> None:
    """Write a text's first tokens, for the option ``prompt``."""
    (deploy / "prompt.bin").write_bytes(np.array(tokens, "<u2").tobytes())


def write_compute(model: IntegerModel, plan: Plan, deploy: Path, clock_hz: float = 64e6) -> None:
    """Write what each job takes by the planner's estimate, for the option ``compute``."""
    times = compute_us(model, plan, clock_hz)
    head = np.array([times.shape[1]], np.uint32)
    (deploy / "compute.bin").write_bytes(head.tobytes() + times.astype("<u4").tobytes())


def write_code(model: IntegerModel, plan: Plan, deploy: Path, clock_hz: float = 64e6) -> None:
    """Write what all other code takes (``cats.plan.code_time``), for the option ``code``."""
    code, table = code_time(model.split.nodes, clock_hz), ffi.new("struct air_code *")
    fill_code(table, code, radio(plan.radio, code))
    (deploy / "code.bin").write_bytes(bytes(ffi.buffer(table)))


def attenuated(
    folder: Path, attenuation: np.ndarray, changes: Sequence[tuple[float, np.ndarray]] = ()
) -> dict[str, list[str]]:
    """Options of ``run`` for links with an attenuation of their own, dB [D, D] (sender, receiver),
    which is another one from each of ``changes`` on: (microseconds, dB [D, D]), in order. Their
    files are written in ``folder``, in which paths have no spaces."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for a, b in np.ndindex(attenuation.shape):
        if a == b:
            continue
        found = f"{attenuation[a, b]:.2f}"
        if any(table[a, b] != attenuation[a, b] for _, table in changes):
            steps, last = [f"0 {found}"], found
            for at, table in changes:  # between two lines the channel interpolates
                steps += [f"{at - 1:.0f} {last}", f"{at:.0f} {table[a, b]:.2f}"]
                last = f"{table[a, b]:.2f}"
            path = folder.resolve() / f"link_{a}_{b}.txt"
            path.write_text("\n".join(steps) + "\n")
            found = f'"{path}"'
        lines.append(f"{a} {b} : {found}\n")
    (folder / "links.txt").write_text("".join(lines))
    return {
        "channel": ["multiatt", f"-file={folder.resolve() / 'links.txt'}"],
        "modem": ["BLE_simple"],
    }


def phy_options(channel: Sequence[str] = (), modem: Sequence[str] = ()) -> list[str]:
    """What the channel's program is told of its models."""
    phy = [f"-channel={channel[0]}"] if channel else []
    phy += [f"-defmodem={modem[0]}"] if modem else []
    phy += ["-argschannel", *channel[1:]] if channel[1:] else []
    return phy + (["-argsdefmodem", *modem[1:]] if modem[1:] else [])


def run(
    program: Path,
    deploy: Path,
    devices: Sequence[Device],
    *,
    seconds: float = 60.0,
    seed: int = 1,
    channel: Sequence[str] = (),
    modem: Sequence[str] = (),
    folder: Path | None = None,
    packets: bool = False,
    results: Path | None = None,
) -> list[Log]:
    """Simulate for at most ``seconds`` of simulated time; the logs by device.

    ``channel``, ``modem``: name and arguments of BabbleSim's models, as
    ``["multiatt", "-at=60"]``; by default a perfect channel. ``folder``: where to keep the logs.
    ``packets``: fill in ``Log.packets``. ``results``: where to keep what each radio did.
    """
    program = Path(program).resolve()
    if not program.is_file():
        raise CatsError(f"no program {program}: build tests/bsim/node")
    commands = []
    for number, device in enumerate(devices):
        command = [str(program), f"-rs={seed + number}", f"-node={device.node}"]
        command.append(f"-deploy={Path(device.deploy or deploy).resolve()}")
        if device.drift_ppm:
            command.append(f"-xo_drift={device.drift_ppm * 1e-6:g}")
        if device.on_us:
            command += [f"-start_offset={device.on_us}", "-delay_init"]
        command += [f"-{name}={value}" for name, value in device.options.items()]
        commands.append(command)
    said, sent = simulate(
        commands, seconds=seconds, seed=seed, phy=phy_options(channel, modem), folder=folder,
        packets=packets, results=results,
    )  # fmt: skip
    found = [parse(device, text) for device, text in zip(devices, said, strict=True)]
    for log, rows in zip(found, sent):
        log.packets = rows
    return found


def simulate(
    commands: Sequence[Sequence[str]],
    *,
    seconds: float,
    seed: int = 1,
    phy: Sequence[str] = (),
    folder: Path | None = None,
    packets: bool = False,
    results: Path | None = None,
) -> tuple[list[str], list[list[tuple[int, int]]]]:
    """Run programs, a device each, on one channel for at most ``seconds`` of simulated time.

    Gives what each printed and, with ``packets``, the packets that each sent. ``phy``: more options
    of the channel's program. ``folder``: where to keep the logs. ``results``: where to keep the
    channel's dump of what each radio did, for ``radio_on_us``.
    """
    out = Path(environment()["BSIM_OUT_PATH"])
    ident = f"cats_{uuid.uuid4().hex[:12]}"
    # The channel's program looks for its models below ../lib.
    where = out / "bin"
    channel = [f"./{PHY}", f"-s={ident}", f"-D={len(commands)}", f"-sim_length={seconds * 1e6:.0f}"]
    dump = packets or results is not None
    channel += ["-dump" if dump else "-nodump", f"-rs={seed}", "-v=1", *phy]
    with tempfile.TemporaryDirectory() as temporary:
        logs = folder or Path(temporary)
        logs.mkdir(parents=True, exist_ok=True)
        files = [logs / f"device_{number:02}.log" for number in range(len(commands))]
        started: list[subprocess.Popen] = []
        try:
            for number, (command, log) in enumerate(zip(commands, files)):
                more = [f"-s={ident}", f"-d={number}", "-v=2", "-no-color", "-disconnect_on_exit=1"]
                started.append(_start([*command, *more], where, log))
            started.append(_start(channel, where, logs / "channel.log"))
            for process in started:
                process.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            raise CatsError(f"the simulation took longer than {_PATIENCE:.0f} s") from None
        finally:
            for process in started:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        said = [log.read_text(errors="replace") for log in files]
    if not dump:
        return said, []
    dumped = out / "results" / ident
    sent = [sent_us(dumped, number) for number in range(len(commands))]
    if results is not None:
        shutil.copytree(dumped, results, dirs_exist_ok=True)
    shutil.rmtree(dumped, ignore_errors=True)
    return said, sent


def _dumped(results: Path, device: int, kind: str) -> Iterator[dict[str, int]]:
    """Rows of the channel's dump of a device, whole numbers only; none where there is no file."""
    path = results / f"d_2G4_{device:02}.{kind}.csv"
    if path.is_file():
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                yield {key: int(row[key]) for key in _DUMPED if (row.get(key) or "").isdigit()}


def sent_us(results: Path, device: int) -> list[tuple[int, int]]:
    """Start and end of each packet that a device sent, microseconds of the channel's time."""
    return [
        (row["start_time"], min(row["end_time"] + 1, row["abort_time"]))
        for row in _dumped(results, device, "Tx")
    ]


def listened_us(results: Path, device: int) -> list[tuple[int, int]]:
    """Start and end of each time that a device's receiver was on, as ``sent_us``; without one that
    was on at the end of the simulation."""
    found = []
    for row in _dumped(results, device, "Rx"):
        start = row["start_time"]
        # Without a packet the receiver searches to its end; with one, to that of the packet.
        searched = row["status"] == _NO_SYNC
        end = start + row["scan_duration"] if searched else row["payload_end"] + 1
        found.append((start, min(end, row["abort_time"])))
    return found


def radio_on_us(
    results: Path, device: int, from_us: int, to_us: int, ramp_us: float = RAMP_US
) -> float:
    """Microseconds for which a device's radio sent or listened between two times of the channel,
    by the channel's dump and not by the device (``results`` of ``run``). ``ramp_us``: a radio that
    was off takes so long to begin, which the dump does not have; in a shorter gap it was on."""
    stretches: list[list[int]] = []
    for start, end in sorted(sent_us(results, device) + listened_us(results, device)):
        start, end = max(start, from_us), min(end, to_us)
        if start >= end:
            continue
        if stretches and start <= stretches[-1][1] + ramp_us:
            stretches[-1][1] = max(stretches[-1][1], end)
        else:
            stretches.append([start, end])
    return sum(end - start + ramp_us for start, end in stretches)


def _start(command: Sequence[str], where: Path, log: Path) -> subprocess.Popen:
    with log.open("w") as output:
        return subprocess.Popen(
            command, cwd=where, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )


def parse(device: Device, text: str) -> Log:
    """Read a device's report."""
    log = Log(device, text)
    for line in text.splitlines():
        _, found, rest = line.partition("cats: ")
        if not found or line.lstrip().startswith("["):
            continue
        what, *words = rest.split()
        if what == "heard":
            log.add_heard(words)
        elif what == "result":
            numbers = [int(word) for word in words[:9]]
            output = np.frombuffer(bytes.fromhex(words[9]), ">i2").astype(np.int16)
            numbers[2] = bool(numbers[2])
            log.results.append(Inference(*numbers, output))
        elif what == "step":
            number, row, newest, replayed, told, known = map(int, words)
            place = Place(row, newest, bool(replayed), bool(told))
            log.steps[number] = TextStep(place, known)
        elif what == "restart":
            log.restarts.append(int(words[0]))
        elif what == "submit":
            log.submitted.append((int(words[0]), int(words[1])))
        elif what == "start":
            log.started_us = int(words[2])
        elif what == "gather":
            log.kinds.append(dict(zip(_STATS, map(int, words[1:]), strict=True)))
        elif what == "rejected":
            log.rejected = dict(zip(REJECTS, map(int, words), strict=True))
        elif what == "refused":
            log.refused = dict(zip(_REFUSED, map(int, words), strict=True))
        elif what == "preempt":
            place, us, time = int(words[0], 16), int(words[1]), int(words[2])
            log.preempted.append(Preemption(place, us, time, len(log.heard)))
        elif what == "writes":
            log.writes = int(words[0])
        elif what == "meetings":
            log.meetings.append(Meetings(*map(int, words)))
        elif what == "token":
            position, token, chosen, told, time = map(int, words)
            log.tokens.append(Told(position, token, bool(chosen), bool(told), time))
        elif what == "intruder":
            log.attacks = int(words[0])
        elif what == "energy":
            log.sent_us, log.listened_us = int(words[0]), int(words[1])
        elif what == "beside":
            log.beside = int(words[0]), int(words[1])
        elif what == "stop":
            log.stopped = words[0]
            log.takeovers, log.send_failed, log.dropped = map(int, words[2:5])
    return log


def heard_bits(plan: Plan, logs: Sequence[Log], number: int, nodes: int) -> np.ndarray:
    """What the devices had of an inference, as one of ``Result.bits`` of the simulator."""
    order = [(g, tile) for g, gather in enumerate(plan.gathers) for tile in range(gather.tiles)]
    most = max(cut.fragments(g.tile_rows) for g in plan.gathers for cut in g.sources)
    bits = np.zeros((len(order), nodes, nodes, -(-most // 8)), np.uint8)
    for log in logs:
        for x, key in enumerate(order):
            for source, field_ in enumerate(log.heard.get((number, *key), [])):
                bits[x, log.device.node, source, : len(field_)] = list(field_)
    return bits


def check_text(deploy: Path, logs: Sequence[Log]) -> tuple[int, list[tuple[int, int]]]:
    """The same as ``check`` of a text, from its first step until one that is not the next one for
    all: who lacks something computes with what it has, and with the token that it took."""
    model, plan, _, _ = load_deploy(deploy)
    nodes, steps = model.split.nodes, LlamaSteps(window_of(model.llama))
    text = {told.position: told.token for log in logs for told in log.tokens if told.told}
    compared, wrong = 0, []
    for number in sorted({result.number for log in logs for result in log.results}):
        bits = heard_bits(plan, logs, number, nodes)
        # Who sent, and restarted before the end, has no result.
        took = bits.any(axis=(0, 1, 3))
        there = {log.device.node: log.steps[number] for log in logs if number in log.steps}
        took[list(there)] = True
        common = max((step.place for step in there.values()), key=lambda place: place.told)
        if common.top not in (steps.position - 1, steps.position):
            break
        places = [there[d].place if d in there else common for d in range(nodes)]
        tokens, outputs = np.array([text.get(p.position, NO_TOKEN) for p in places]), {}
        for log in logs:
            node = log.device.node
            for result in log.results:
                if result.number == number:
                    outputs[node] = result.output
                    told = [t.token for t in log.tokens if t.time_us == result.time_us]
                    if not places[node].replay:
                        tokens[node] = told[0] if told else NO_TOKEN
        for node, step in there.items():
            rows = steps.rows_at(node, step.place)
            if step.known == 1 != rows:
                steps.forget(node)
            elif step.known != rows:
                wrong.append((number, node))
        want = step_of_token(model, plan, steps, bits, tokens, took, places)
        for node, output in outputs.items():
            if not places[node].replay:
                compared += 1
                if not np.array_equal(want[node].ravel(), output):
                    wrong.append((number, node))
    return compared, wrong


def check(
    deploy: Path, inputs: np.ndarray, logs: Sequence[Log]
) -> tuple[int, list[tuple[int, int]]]:
    """Compare every output with the reference's: (how many were, (inference, node) that differ).

    An inference in which two devices of one node took part, before and after a reset, is left out.
    """
    model, plan, _, _ = load_deploy(deploy)
    nodes = model.split.nodes
    # By number alone, but a number may come again after a takeover: then by device and count.
    numbers = {result.number for log in logs for result in log.results}
    ranges = input_ranges(model.split)
    shape = (model.config.output_rows, model.config.outputs)
    compared, wrong = 0, []
    given, there, answers = [], [], []
    for number in sorted(numbers):
        part = [log for log in logs if any(key[0] == number for key in log.heard)]
        if len({log.device.node for log in part}) < len(part):
            continue
        sample = np.zeros((model.config.tokens_in, model.config.inputs), np.int8)
        bits = heard_bits(plan, part, number, nodes)
        outputs = {}
        for log in part:
            node = log.device.node
            ended = [result for result in log.results if result.number == number]
            used = ended[0].sample if ended else log.waiting()
            begin, end = ranges[node]
            if used >= 0:
                sample[:, begin:end] = inputs[used % len(inputs), :, begin:end]
            if ended:
                outputs[node] = ended[0].output
        given.append(sample)
        there.append(bits)
        answers.append((number, outputs))
    for start in range(0, len(given), 64):
        part = slice(start, start + 64)
        had = bits_availability(model, plan, np.stack(there[part]))
        want = reference.run_batch(model, np.stack(given[part]), had)
        for i, (number, outputs) in enumerate(answers[part]):
            for node, output in outputs.items():
                compared += 1
                if not np.array_equal(want[i, node], output.reshape(shape)):
                    wrong.append((number, node))
    return compared, wrong


def run_tests() -> int:
    """The Python tests that run deployments here, marked ``bsim``; pytest's status, 0 where
    BabbleSim is missing."""
    reason = missing()
    if reason:
        print(f"left out: {reason}", file=sys.stderr)
        return 0
    folders = ("tests/python/zephyr", "tests/hil/group/pytest")
    command = [sys.executable, "-m", "pytest", "-q", "-m", "bsim", *folders]
    return subprocess.run(command, cwd=source_tree()).returncode


def clean(deploy: Path) -> None:
    """Take out what this module wrote beside the images."""
    names = ("compute.bin", "code.bin", "prompt.bin")
    for path in (*deploy.glob("inputs_*.bin"), *(deploy / name for name in names)):
        path.unlink(missing_ok=True)


__all__ = [
    "BOARD", "NETWORK_CORE", "Device", "Inference", "Log", "Preemption", "build", "check",
    "check_text", "clean", "heard_bits", "listened_us", "missing", "node_folder", "parse",
    "radio_on_us", "run", "run_tests", "sent_us", "write_code", "write_compute", "write_inputs",
    "write_prompt",
]  # fmt: skip
