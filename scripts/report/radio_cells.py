# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Deployments on BabbleSim, clean and with every fault: one run, and what came of it.

``make radio-report`` (``report.radio``) makes its table of these, ``tests/python/zephyr/
test_bsim_*`` assert on them, and ``python -m report.radio_cells --program FILE --radio nrf_radio
--fault loss`` is one of them for Zephyr's scripts (``tests/bsim/node/tests_scripts``).
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cats.deploy.export import export, load_deploy
from cats.errors import CatsError
from cats.integer.random_models import random_inputs, random_model
from cats.plan.plan import Plan, gather_air
from cats.plan.radio import RADIOS, SEALED
from cats.plan.timing import inference_us
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import full_keep
from cats.zephyr import bsim
from cats.zephyr.bsim import Device, Log

#: The transports of tests/bsim/node.
TRANSPORTS = ("nrf_radio", "ieee802154", "ble")
#: Frames that are lost at each receiver of the lossy channel.
LOSS = 0.1
DRIFT_PPM = 50.0
#: Pause of the intruder between its bursts, microseconds.
INTRUDE_US = 20_000
#: What happens beside the inferences. All but "clean" have crystals that are 100 ppm apart.
FAULTS = {
    "clean": "nothing",
    "drift": "crystals 50 ppm off, every second node the other way",
    "loss": "one frame in ten lost at each receiver",
    "reset": "a node resets in the middle of a gather and comes again",
    "leader reset": "the same with node 0",
    "killed": "a node dies in the middle of a gather",
    "leader killed": "the same with node 0",
    "late": "a node is switched on while the others work",
    "leader late": "the same with node 0",
    "neighbour": "a second deployment on the same channel",
    "intruder": "forged, replayed, bit-flipped and foreign frames; the deployment is sealed",
}
#: Faults that happen at a moment of one inference; the others last.
MOMENTS = ("reset", "leader reset", "killed", "leader killed", "late", "leader late")
#: Channel's microseconds between two preemptions of any node: some ten exchanges of a small model.
PREEMPT_US = 25_000
#: Simulated microseconds that a node waits for a result before it gives up: a hang.
_QUIET_US = 30_000_000


@dataclass(frozen=True)
class Deployment:
    """An exported folder and what it was made of; ``inputs`` int8 [B, tokens_in, P];
    ``code_time``: code takes time beside the jobs."""

    folder: Path
    inputs: np.ndarray
    nodes: int
    radio: str
    code_time: bool = True


@dataclass(frozen=True)
class Fault:
    """One of FAULTS: in the middle of the inferences, ``moment`` (0..1) of one in, to node
    ``victim`` (None: the last; not for what happens to the leader); ``lossy``: and one frame in ten
    is lost."""

    name: str
    moment: float = 0.5
    victim: int | None = None
    lossy: bool = False

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise CatsError(f"fault {self.name!r}: one of {', '.join(FAULTS)}")


@dataclass
class Outcome:
    """What came of runs. ``inferences``: of the node that saw most; ``compared`` outputs, of which
    ``different`` are not the reference's; ``hung``: inferences that were begun or submitted and
    never ended, and nodes that take part no more; ``missed``: results that living nodes lack, since
    they never heard of the inference; ``latency_us``: as node 0 or its heir sees it, the mean and
    worst; ``fragments`` that were due and ``lost`` at all nodes; ``late``: frames that were not
    sent, since they were not ready in time."""

    radio: str
    nodes: int
    fault: str
    runs: int = 0
    inferences: int = 0
    compared: int = 0
    different: int = 0
    hung: int = 0
    missed: int = 0
    fragments: int = 0
    lost: int = 0
    latency_us: float = 0.0
    worst_us: int = 0
    planned_us: int = 0
    takeovers: int = 0
    attacks: int = 0
    refused: int = 0
    foreign: int = 0
    late: int = 0

    @property
    def delivered(self) -> float:
        """Share of fragments that reached who was to have them."""
        return 1 - self.lost / self.fragments if self.fragments else 1.0

    @property
    def good(self) -> bool:
        """Something was compared, nothing differs, nothing hung."""
        return bool(self.compared) and not self.different and not self.hung

    def add(self, other: Outcome) -> None:
        """Take in another run of the same."""
        every = self.inferences + other.inferences
        self.latency_us = (
            self.latency_us * self.inferences + other.latency_us * other.inferences
        ) / max(every, 1)
        self.worst_us = max(self.worst_us, other.worst_us)
        self.planned_us = other.planned_us
        for name in ("runs", "inferences", "compared", "different", "hung", "missed", "fragments",
                     "lost", "late", "takeovers", "attacks", "refused", "foreign"):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))


# Deployments


def even_split(config: ModelConfig, nodes: int) -> SplitConfig:
    """Even shares; node 0 has the inputs and the outputs."""
    return SplitConfig.even(config, nodes, output_split="single")


def small(nodes: int) -> ModelConfig:
    """A small model whose heads are enough for ``nodes``."""
    return ModelConfig(
        tokens_in=6, inputs=5, outputs=10, features=2 * max(nodes, 8), heads=max(nodes, 8),
        hidden=48, blocks=1, pool="class", activation="gelu",
    )  # fmt: skip


def deep(nodes: int) -> ModelConfig:
    """A larger one, of two blocks."""
    return ModelConfig(
        tokens_in=8, inputs=8, outputs=10, features=64, heads=16, hidden=128, blocks=2,
    )  # fmt: skip


def wide(nodes: int, size: int) -> ModelConfig:
    """A model each of whose nodes sends ``size`` bytes in the gather behind its input."""
    return ModelConfig(
        tokens_in=16, inputs=4, outputs=10, features=nodes * size // 16, heads=nodes, hidden=16,
        blocks=1, pool="mean", activation="relu",
    )  # fmt: skip


def deploy(
    folder: Path, config: ModelConfig, nodes: int, radio: str, seed: int = 7,
    code_time: bool = True, **options: object,
) -> Deployment:  # fmt: skip
    """Export a random model of this shape, with inputs and what its code takes beside it."""
    split = even_split(config, nodes)
    model = random_model(seed, config, split, full_keep(config, split))
    export(model, folder, formats="image", force=True, radio=radio, **options)
    return prepare(folder, random_inputs(seed, config, 8), code_time)


def prepare(folder: Path, inputs: np.ndarray, code_time: bool = True) -> Deployment:
    """What the nodes read beside their images: int8 ``inputs`` [B, tokens_in, P], times of jobs
    and, with ``code_time``, of all other code."""
    model, plan, _, _ = load_deploy(folder)
    bsim.clean(folder)
    bsim.write_inputs(model, folder, inputs)
    bsim.write_compute(model, plan, folder)
    if code_time:
        bsim.write_code(model, plan, folder)
    return Deployment(folder, inputs, model.split.nodes, plan.radio, code_time)


# Runs


def devices(
    made: Deployment, inferences: int, drift_ppm: float = 0.0, **options: object
) -> list[Device]:
    """All nodes, every second crystal too fast and the others too slow."""
    common = {
        "inferences": inferences, "compute": "compute.bin", "quiet": _QUIET_US, **options
    }  # fmt: skip
    if made.code_time:
        common["code"] = "code.bin"
    return [
        Device(n, made.folder, drift_ppm if n % 2 else -drift_ppm, 0, common)
        for n in range(made.nodes)
    ]


def lossy(radio: str) -> tuple[str, str]:
    """The modem that loses a share LOSS of the frames at each receiver, headers and all. It draws
    for each packet; a frame over Bluetooth LE is heard if two are: the one on the primary channel
    that is scanned, and the one with the data."""
    packets = 2 if radio.startswith("ble") else 1
    return "Magic", f"-PER={1 - (1 - LOSS) ** (1 / packets):.6f}"


def _with(device: Device, **options: object) -> Device:
    return dataclasses.replace(device, options={**device.options, **options})


#: Runs without a fault, by which moments are found; by program, folder and inferences.
_before: dict[tuple[Path, Path, int], Log] = {}


def _undisturbed(program: Path, made: Deployment, nodes: Sequence[Device], seed: int) -> Log:
    key = program, made.folder, int(nodes[0].options["inferences"])
    if key not in _before:
        _before[key] = bsim.run(program, made.folder, nodes, seconds=3600.0, seed=seed)[0]
    return _before[key]


@dataclass
class Run:
    """Devices of a deployment after a run, and those of the other one on its channel."""

    made: Deployment
    fault: Fault
    logs: list[Log]
    needed: set[int]
    other: Deployment | None = None
    others: Sequence[Log] = ()
    attacks: int = 0


def scenario(
    program: Path,
    made: Deployment,
    fault: Fault | str,
    inferences: int = 10,
    other: Deployment | None = None,
    folder: Path | None = None,
    seed: int = 1,
) -> Run:
    """Run ``inferences`` with a fault; ``other``: the neighbour. Logs are kept in ``folder``."""
    fault = Fault(fault) if isinstance(fault, str) else fault
    name = fault.name
    options: dict = {"folder": folder, "seconds": 36000.0, "seed": seed}
    if name == "loss" or fault.lossy:
        options["modem"] = lossy(made.radio)
    nodes = devices(made, inferences, DRIFT_PPM if name != "clean" else 0.0)
    leads = name.startswith("leader")
    victim = 0 if leads else made.nodes - 1 if fault.victim is None else fault.victim
    run = Run(made, fault, [], set(range(made.nodes)))
    extra: list[Device] = []
    if name in MOMENTS:
        before = _undisturbed(program, made, nodes, seed)
        long = int(np.median([r.latency_us for r in before.results]))
        middle = before.results[inferences // 2].time_us
        if leads:
            nodes[1] = _with(nodes[1], submit=1)
        if "late" in name:
            at = middle + int(fault.moment * long)
            nodes[victim] = _with(nodes[victim], start=at, inferences=1)
        else:
            nodes[victim] = _with(
                nodes[victim], kill_inference=inferences // 2, kill_us=int(fault.moment * long)
            )
            run.needed.discard(victim)
        if "reset" in name:
            # As long as the others still have some to do.
            after = middle + int((fault.moment + 0.1) * long)
            few = {**devices(made, 1)[victim].options, "first": 1}
            drift = nodes[victim].drift_ppm
            extra = [Device(victim, made.folder, drift, after, few)]
            run.needed.add(made.nodes)
    elif name == "neighbour":
        if other is None:
            raise CatsError("a neighbour needs another deployment")
        extra = devices(other, inferences, DRIFT_PPM)
    elif name == "intruder":
        attack = {"intrude": INTRUDE_US, "quiet": 1_000_000, "seed": seed}
        extra = [Device(0, made.folder, DRIFT_PPM, 0, attack)]
    logs = bsim.run(program, made.folder, [*nodes, *extra], **options)
    run.logs = logs
    if name == "neighbour":
        run.logs, run.other, run.others = logs[: made.nodes], other, logs[made.nodes :]
    elif name == "intruder":
        run.logs, run.attacks = logs[:-1], logs[-1].attacks or 0
    return run


def hung(logs: Sequence[Log], needed: set[int]) -> tuple[int, int]:
    """(What hung, results that are missing at the devices ``needed``).

    Hung is: an inference that a living node began and did not end before it began another or gave
    up; an input without a result; a device that neither ended nor gave up; one that gave up while
    the others went on without it for more than two inferences. A node that never heard of an
    inference, since all of its opening was lost, has one result less and gives up waiting when the
    others are done: that is missed, not hung.
    """
    count = missed = 0
    times = sorted(r.time_us for r in max((log.results for log in logs), key=len, default=[]))
    for number, log in enumerate(logs):
        if log.stopped == "killed":
            continue
        ended = {result.number for result in log.results}
        begun = list(dict.fromkeys(number for number, _, _ in log.heard))
        count += sum(n not in ended for n in (begun[:-1] if log.stopped == "done" else begun))
        if number not in needed or log.stopped == "done":
            continue
        missed += int(log.device.options["inferences"]) - len(log.results)
        last = log.results[-1].time_us if log.results else log.started_us or 0
        count += log.stopped is None or bool(log.submitted) or sum(t > last for t in times) > 2
    return count, missed


def outcome(run: Run) -> Outcome:
    """Compare a run with the reference, and count."""
    made, logs = run.made, run.logs
    compared, wrong = bsim.check(made.folder, made.inputs, logs)
    model, plan, _, _ = load_deploy(made.folder)
    count, missed = hung(logs, run.needed)
    if run.other is not None:
        more, differ = bsim.check(run.other.folder, run.other.inputs, run.others)
        compared, wrong = compared + more, wrong + differ
        again, more = hung(run.others, set(range(run.other.nodes)))
        count, missed = count + again, missed + more
    results = [result for log in logs for result in log.results]
    leader = max(logs[:2], key=lambda log: len(log.results)).results
    latency = [r.latency_us for r in leader]
    return Outcome(
        radio=made.radio,
        nodes=made.nodes,
        fault=run.fault.name,
        runs=1,
        inferences=max(len(log.results) for log in logs),
        compared=compared,
        different=len(wrong),
        hung=count,
        missed=missed,
        fragments=sum(result.fragments for result in results),
        lost=sum(result.lost for result in results),
        late=sum(log.send_failed for log in [*logs, *run.others]),
        latency_us=float(np.mean(latency)) if latency else 0.0,
        worst_us=max((result.latency_us for result in results), default=0),
        planned_us=int(inference_us(model.config, model.split, model.keep, plan)),
        takeovers=sum(log.takeovers for log in logs),
        attacks=run.attacks,
        refused=sum(sum(log.refused.values()) for log in logs),
        foreign=sum(log.rejected.get("check", 0) for log in logs),
    )


@dataclass
class Recovery:
    """How nodes came back from preemptions. ``judged``: preemptions with a third exchange behind
    them in which no node was preempted again; ``lasted``: {exchanges in which the node was not
    whole, from the one with the preemption on: how many of these}; ``places`` in the driver."""

    judged: int = 0
    lasted: Counter[int] = field(default_factory=Counter)
    places: set[int] = field(default_factory=set)

    def add(self, other: Recovery) -> None:
        """Take in another run of the same program."""
        self.judged += other.judged
        self.lasted += other.lasted
        self.places |= other.places


def preempted(
    program: Path, made: Deployment, inferences: int, seed: int = 1
) -> tuple[Run, Recovery]:
    """Run with the driver preempted, one node after the other. ``program``: built with preempt."""
    every = PREEMPT_US * made.nodes
    nodes = [
        _with(
            device, preempt=seed * made.nodes + n, preempt_every=every,
            preempt_first=PREEMPT_US * n,
        )
        for n, device in enumerate(devices(made, inferences, DRIFT_PPM))
    ]  # fmt: skip
    return _recovered(program, made, nodes, seed)


def held_at_alarms(
    program: Path, made: Deployment, inferences: int, one_in: int, seed: int = 1
) -> tuple[Run, Recovery]:
    """Run with the driver of node 1 held once in ``one_in`` times that it sets an alarm, until that
    has passed. ``program``: built with preempt."""
    nodes = devices(made, inferences, DRIFT_PPM)
    nodes[1] = _with(nodes[1], preempt_arming=one_in)
    return _recovered(program, made, nodes, seed)


def _recovered(
    program: Path, made: Deployment, nodes: Sequence[Device], seed: int
) -> tuple[Run, Recovery]:
    logs = bsim.run(program, made.folder, nodes, seconds=36000.0, seed=seed)
    run = Run(made, Fault("drift"), logs, set(range(made.nodes)))
    return run, recovery(run)


def beside(program: Path, made: Deployment, inferences: int, seed: int = 1) -> tuple[Run, Log]:
    """Run with an application at every node that advertises, scans and accepts connections, and a
    phone, whose log comes last, that connects to them. ``program``: built with beside."""
    nodes = [_with(device, beside=1) for device in devices(made, inferences, DRIFT_PPM)]
    phone = Device(made.nodes, made.folder, DRIFT_PPM, 0, {"phone": 1})
    *logs, last = bsim.run(program, made.folder, [*nodes, phone], seconds=3600.0, seed=seed)
    return Run(made, Fault("drift"), logs, set(range(made.nodes))), last


def recovery(run: Run) -> Recovery:
    """When nodes were whole again: all fragments reached them, and theirs reached all others.

    A node that alone sends in an exchange reports it before its frame is on the air: the last
    exchange before another preemption may have suffered from that one.
    """
    plan = load_deploy(run.made.folder)[1]
    order = list(max((log.heard for log in run.logs), key=len))
    number = {key: i for i, key in enumerate(order)}
    found = Recovery()
    when = []  # (exchange, device)
    for log in run.logs:
        keys = list(log.heard)
        found.places |= {each.place for each in log.preempted}
        when += [
            (number[keys[each.exchanges]], log.device.node)
            for each in log.preempted
            if each.exchanges < len(keys)
        ]
    when.sort()
    ends = [exchange - 1 for exchange, _ in when[1:]] + [len(order)]
    for (first, node), end in zip(when, ends, strict=True):
        if end < first + 3:
            continue
        broken = [i for i in range(first, end) if not whole(plan, run.logs, order[i], node)]
        found.judged += 1
        found.lasted[broken[-1] - first + 1 if broken else 0] += 1
    return found


def whole(plan: Plan, logs: Sequence[Log], key: tuple[int, int, int], node: int) -> bool:
    """Whether all of an exchange reached a node, and its fragments reached all others."""
    gather = plan.gathers[key[1]]
    due = [cut.fragments(gather.tile_height(key[2])) for cut in gather.sources]
    for log in logs:
        if key not in log.heard:
            return False
        have = [sum(byte.bit_count() for byte in bits) for bits in log.heard[key]]
        here = log.device.node
        for source, count in enumerate(have):
            if source != here and node in (source, here) and count < due[source]:
                return False
    return True


def many(
    program: Path, made: Deployment, name: str, inferences: int, other: Deployment | None = None
) -> Outcome:
    """At least ``inferences`` of them with a fault, which comes at another moment, to another node
    and, every second time, on a lossy air."""
    total = Outcome(made.radio, made.nodes, name)
    size = 10 if name in MOMENTS else 200
    while total.inferences < inferences:
        k = total.runs
        fault = Fault(
            name, moment=(0.5 + k * 0.618034) % 1, victim=1 + k % (made.nodes - 1),
            lossy=name in MOMENTS and bool(k % 2),
        )  # fmt: skip
        run = scenario(
            program, made, fault, min(size, inferences - total.inferences), other, seed=1 + k
        )
        total.add(outcome(run))
        if not total.compared or (run.needed and not run.logs[0].heard):
            break
    return total


def bound_us(plan: Plan, gather: int) -> int:
    """Air time with preamble, address, header, checksum and ramp-up of a gather's frames."""
    return gather_air(plan.gathers[gather], plan.radio).us


def measured_air_us(logs: Sequence[Log], radio: str) -> float:
    """Microseconds for which somebody was on the air, as ``Radio.air_us`` counts them: with the
    transmitter's start; with Bluetooth from the first primary packet to the end of the data."""
    total = 0.0
    ramp = 0.0 if radio.startswith("ble") else RADIOS[radio.removesuffix(SEALED)].ramp_us
    for log in logs:
        packets = log.packets
        if radio.startswith("ble"):  # three primary packets and the data
            packets = [(packets[i][0], packets[i + 3][1]) for i in range(0, len(packets) - 3, 4)]
        total += sum(end - start + ramp for start, end in packets)
    return total


def main(arguments: Sequence[str] | None = None) -> int:
    """One scenario of one program; exit status 1 where something differs or hangs."""
    parser = argparse.ArgumentParser(
        prog="radio-cells", description=main.__doc__, allow_abbrev=False
    )
    parser.add_argument("--program", type=Path, required=True, help="tests/bsim/node, built")
    parser.add_argument("--radio", required=True, help="what it was built for")
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--fault", default="drift", choices=FAULTS)
    parser.add_argument("--inferences", type=int, default=10)
    parser.add_argument("--no-code-time", action="store_true", help="only jobs take time")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        where = Path(temporary)
        made, other = (
            deploy(
                where / str(seed), small(args.nodes), args.nodes, args.radio, seed,
                not args.no_code_time, rounds=2,
            )
            for seed in (7, 8)
        )  # fmt: skip
        try:
            found = outcome(
                scenario(args.program.resolve(), made, args.fault, args.inferences, other)
            )
        except CatsError as error:
            print(f"radio-cells: error: {error}", file=sys.stderr)
            return 2
    print(
        f"{args.radio}, {args.nodes} nodes, {args.fault}: {found.inferences} inferences, "
        f"{found.compared} outputs compared, {found.different} differ, {found.hung} hung, "
        f"{found.missed} missed, {100 * found.delivered:.2f} % delivered, {found.late} late"
    )
    return 0 if found.good else 1


if __name__ == "__main__":
    sys.exit(main())
