# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""D nodes of the C code on a simulated air (``native/air.c``).

``simulate`` is a pure function of its arguments: the same seed gives the same run to the bit. What
each node had of each exchange is recorded.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from cats.deploy import image
from cats.errors import CatsError
from cats.integer.model import IntegerModel
from cats.integer.reference import OUTPUT_MISSING
from cats.native import ffi, lib
from cats.plan.code_time import FRAME_HEADER, CodeTime, code_time
from cats.plan.energy import Duty
from cats.plan.plan import Plan
from cats.plan.radio import Radio
from cats.plan.radio import radio as radio_named
from cats.plan.sleep import meeting
from cats.plan.timing import Compute, exchange_instructions
from cats.shape.partition import Kind, given_ranges, given_width
from cats.sim.engine import aligned
from cats.sim.faults import Faults, write_faults
from cats.sim.trace import Trace


@dataclass(frozen=True)
class Settings:
    """How nodes are driven.

    ``compute``: ``none`` (jobs take no time) or ``plan`` (the planner's estimate for ``clock_hz``,
    each node's times its factor in ``slower``). ``code_time``: ``plan`` (all other code takes what
    ``cats.plan.code_time`` says, for ``clock_hz``), ``none``, or other counts. ``idle``: nodes that
    submit nothing. ``gap_us``: between one inference's end and the next submit. ``lead_us``: None
    is the radio's. ``receiver_off``: receivers are off where cats_node_listen() says so, as with
    CONFIG_CATS_RECEIVER_OFF; else they are on all the time. ``period_us``: nodes sleep and meet so
    often, as with CONFIG_CATS_SLEEP, by clocks of at most ``clock_ppm`` that tell the time behind a
    sleep to ``jitter_us``; 0: they are always awake. Others as in include/cats/node.h; 0 is
    its default.
    """

    compute: str = "none"
    code_time: str | CodeTime = "plan"
    clock_hz: float = 64e6
    slower: Sequence[float] = ()
    idle: Sequence[int] = ()
    first_inference: int = 1
    clock_us: Sequence[int] = ()
    lead_us: int | None = None
    late_us: int = 0
    timeout_us: int = 0
    start_us: int = 0
    replay: int = 0
    gap_us: int = 0
    receiver_off: bool = False
    period_us: int = 0
    clock_ppm: int = 50
    jitter_us: int = 61


@dataclass(frozen=True)
class Prompt:
    """What a node of a language model is to have written (``cats_node_generate()``): behind its
    ``tokens`` so many more, ``count``, chosen at a ``temperature`` in thousandths."""

    tokens: Sequence[int]
    count: int = 0
    node: int = 0
    temperature: int = 0
    top_k: int = 0
    seed: int = 0
    goes_on: bool = False

    def give(self, node: object) -> object:
        """Have the ``struct cats_node`` begin; what must live until the prompt is read."""
        tokens = ffi.new("uint16_t[]", list(self.tokens))
        how = (self.seed, self.temperature, self.top_k)
        generation = ffi.new(
            "struct cats_generation *", (tokens, len(tokens), self.count, self.goes_on, how)
        )
        error = lib.cats_node_generate(node, generation)
        if error:
            raise CatsError(f"node {self.node} writes no text behind this prompt: error {error}")
        return tokens


@dataclass(frozen=True)
class Result:
    """B inferences on D nodes.

    outputs int16 [B, D, output rows, C]; done, submitted, led, on bool [B, D]: gave a result, ran
    with its input (else with zeros), led at the end, was on when the inference was submitted;
    latency_us int64 [B, D], -1 without a result; lost int [B, D]: fragments that stayed missing;
    bits uint8 [B, exchanges (gather by gather, tile by tile), receiver, source, bytes], bit f of
    byte f / 8. Per inference, [B]: fragments due at all nodes, frames, control and coded frames of
    these, collisions, frames not sent since the code had them too ``late`` for their slots, frames
    not heard since too many waited for the processor, frames ``unheard`` since the receiver was
    off (once for each), bytes and microseconds on air, microseconds until the last result.
    ``mixed`` bool [B]: a node took part twice, before and after a restart or a start of its own, or
    a late frame made it join an inference of before, with the others' inputs of then; no record of
    what it had holds both, so there is nothing to compare with the reference.
    ``hung``: (inference, node) without a result at its deadline; the run stops there.
    ``kinds``: by node and kind of gather, struct cats_gather_stats; ``rejected``: by node and
    reason.
    """

    outputs: np.ndarray
    done: np.ndarray
    submitted: np.ndarray
    led: np.ndarray
    on: np.ndarray
    latency_us: np.ndarray
    lost: np.ndarray
    bits: np.ndarray
    fragments: np.ndarray
    frames: np.ndarray
    control: np.ndarray
    coded: np.ndarray
    collisions: np.ndarray
    late: np.ndarray
    overrun: np.ndarray
    unheard: np.ndarray
    bytes: np.ndarray
    air_us: np.ndarray
    span_us: np.ndarray
    mixed: np.ndarray
    hung: tuple[int, int] | None
    takeovers: int
    kinds: list[dict[str, dict[str, int]]] = field(repr=False)
    rejected: list[dict[str, int]] = field(repr=False)
    #: [D]: microseconds that each node transmitted, computed, ran other code, and had its receiver
    #: off inside inferences, in the whole run.
    sent_us: np.ndarray
    computed_us: np.ndarray
    code_us: np.ndarray
    off_us: np.ndarray
    #: [B, D]: share of the pause before each inference (gap_us) in which a node's radio was on.
    idle_on: np.ndarray
    #: [B, D]: microseconds with the radio on from the submit to the last node's result, of nodes
    #: that sleep; None: they do not.
    on_us: np.ndarray | None
    #: [B, D]: number of the inference in which a node took part, -1 in none; of a stream: rows that
    #: it had then, those of the step included.
    numbers: np.ndarray
    known: np.ndarray
    #: [B, D]: of a stream the position of its step's first row; of a language model the token that
    #: the step took, NO_TOKEN where the node heard of none.
    positions: np.ndarray
    tokens: np.ndarray
    #: [B, D] of a language model: position of the text's newest row, and the text's name; whether
    #: the step was of a row of before, once more, and whether the leader's word told which it was.
    tops: np.ndarray
    texts: np.ndarray
    replayed: np.ndarray
    told: np.ndarray
    #: [D] of a language model: rows that a node had not, and has by replays.
    refilled: np.ndarray

    def duty(self, node: int) -> Duty:
        """What a node did in one inference, the mean of those with its result but the first (in
        which its leader listens before it opens). It listens whenever it does not transmit and
        its receiver is not off."""
        done = self.done[:, node]
        chosen = done.copy()
        chosen[: int(np.argmax(done)) + 1] = done.sum() == 1
        count = max(1, int(done.sum()))
        sends = float(self.sent_us[node]) / count
        on = float(self.latency_us[chosen, node].mean()) if chosen.any() else 0.0
        if self.on_us is not None:
            on = float(self.on_us[chosen, node].mean()) if chosen.any() else 0.0
            return Duty(sends, max(on - sends, 0.0), float(self.computed_us[node]) / count)
        alone = self.done.shape[1] == 1
        off = float(self.off_us[node]) / count
        listens = 0.0 if alone else max(on - sends - off, 0.0)
        return Duty(sends, listens, float(self.computed_us[node]) / count)

    @property
    def delivered(self) -> float | None:
        """Share of fragments that reached who was to have them; None where no node had a result."""
        if not self.done.any():
            return None
        due = int(self.fragments.sum())
        return 1.0 - int(self.lost[self.done].sum()) / due if due else 1.0


@dataclass(frozen=True)
class Answer:
    """What came of one inference: ``outputs`` int16 [D, output rows, C]; ``done``, ``led``,
    ``positions`` and ``tokens`` [D] as in ``Result``, the last two -1 of a node that took no
    part."""

    outputs: np.ndarray
    done: np.ndarray
    led: np.ndarray
    positions: np.ndarray
    tokens: np.ndarray
    #: bool [D] of a language model: it ran a row of before once more
    replayed: np.ndarray


#: Inputs of which each may depend on what came of those before it: yields an inference's int8
#: [tokens_in, P] (None: nodes of a language model submit what they know to be next), is sent its
#: ``Answer``, and returns where there is no further one.
Driver = Generator[np.ndarray | None, Answer, None]

#: Bytes that the record of a run may take.
MOST_RECORD = 2**32
REJECTS = (
    "short", "version", "check", "type", "source", "exchange", "fragment", "length", "inference",
    "late", "busy", "leader",
)  # fmt: skip
_STATS = ("exchanges", "sent", "heard", "repaired", "lost", "duplicates", "air_us", "compute_us")


def simulate(
    model: IntegerModel,
    plan: Plan,
    inputs: np.ndarray | int | Driver,
    faults: Faults | None = None,
    seed: int = 0,
    settings: Settings | None = None,
    images: Sequence[bytes] | None = None,
    trace: Trace | None = None,
    prompts: Mapping[int, Prompt] | None = None,
) -> Result:
    """Run int8 ``inputs`` [B, tokens_in, P], one inference after the other; of a stream steps, of
    one window behind those of another. A ``Driver`` gives them one by one.

    ``images``: the nodes' partitions, where they are at hand; else they are packed here.
    ``trace``: what each node does when is written there.

    Of a language model ``inputs`` may be a number of steps: then nodes submit what they know to be
    next, behind the ``prompts`` that are given them in front of some of these steps.
    """
    faults, settings = faults or Faults(), settings or Settings()
    if isinstance(inputs, np.ndarray):
        inputs = _checked_inputs(model, inputs)
    if isinstance(inputs, int) and not model.config.by_token:
        raise CatsError("no inputs: only nodes of a language model know what is next")
    nodes = model.split.nodes
    if images is None:
        ident = image.model_id(model, plan)
        images = [image.pack(model, plan, d, ident) for d in range(nodes)]
    memory = [aligned(data) for data in images]
    bits_bytes = -(-_most_fragments(plan) // 8)
    config, _kept = _config(model, plan, faults, settings, seed, memory, images, bits_bytes)

    if trace is not None:
        trace.attach(config)
    error = ffi.new("const char **")
    air = lib.air_open(config, error)
    if air == ffi.NULL:
        raise CatsError(f"the simulation cannot start: {ffi.string(error[0]).decode()}")
    try:
        return _run(air, model, plan, inputs, settings, bits_bytes, faults, prompts or {})
    finally:
        if trace is not None:
            trace.finish(air)
        lib.air_close(air)


def _run(
    air: object,
    model: IntegerModel,
    plan: Plan,
    inputs: np.ndarray | int | Driver,
    settings: Settings,
    bits_bytes: int,
    faults: Faults,
    prompts: Mapping[int, Prompt],
) -> Result:
    nodes = model.split.nodes
    exchanges = sum(gather.tiles for gather in plan.gathers)
    names = (
        "fragments", "frames", "control", "coded", "collisions", "late", "overrun", "unheard",
        "bytes", "air_ns", "span_ns",
    )  # fmt: skip
    log = _Log(
        outputs=((nodes, model.config.output_rows, model.config.outputs), np.int16),
        flags=((nodes,), np.uint8),
        lost=((nodes,), np.uint32),
        latency_us=((nodes,), np.int64),
        bits=((exchanges, nodes, nodes, bits_bytes), np.uint8),
        idle_on_ns=((nodes,), np.uint64),
        on_ns=((nodes,), np.uint64),
        number=((nodes,), np.int32),
        known=((nodes,), np.uint16),
        position=((nodes,), np.uint32),
        token=((nodes,), np.uint32),
        top=((nodes,), np.uint32),
        text=((nodes,), np.uint16),
        counts=((len(names),), np.int64),
        mixed=((), bool),
    )
    count = None
    if isinstance(inputs, int | np.ndarray):
        count = inputs if isinstance(inputs, int) else len(inputs)
        log.make_room(count)
        inputs = _one_by_one([None] * count if isinstance(inputs, int) else inputs)

    deadline = _deadline_us(lib.air_image(air), settings, nodes, faults)
    ranges = given_ranges(model.config, model.split)
    kept = []
    pointers = ffi.new("int8_t *[]", nodes)
    record = ffi.new("struct air_record *")
    hung, ran = None, 0
    # Of a window; that of tokens slides.
    steps = 0 if model.config.by_token else model.config.context // model.config.tokens_in
    value = next(inputs, _END)
    while value is not _END:
        i, ran = ran, ran + 1
        log.make_room(ran)
        if steps and i % steps == 0:
            lib.air_rewind(air)
        if i in prompts:
            kept.append(prompts[i].give(lib.air_node(air, prompts[i].node)))
        own = [np.zeros((0, 0), np.int8)] * nodes
        if value is not None:
            whole = _checked_inputs(model, value[None])[0]
            own = [np.ascontiguousarray(whole[:, begin:end]) for begin, end in ranges]
        for d in range(nodes):
            pointers[d] = ffi.from_buffer("int8_t[]", own[d]) if own[d].size else ffi.NULL
        record[0] = ffi.new("struct air_record *", log.slots(i))[0]
        failed = lib.air_infer(air, pointers, settings.gap_us, deadline, record)
        log["counts"][i] = [getattr(record, name) for name in names]
        log["mixed"][i] = record.mixed
        if failed:
            hung = i, int(record.hung)
            break
        try:
            value = inputs.send(log.answer(i))
        except StopIteration:
            value = _END
    of = log.first(ran if count is None else count)
    flags = of["flags"]
    counted = dict(zip(names, of["counts"].T, strict=True))
    stats = [lib.air_node(air, d).stats for d in range(nodes)]
    return Result(
        outputs=of["outputs"],
        done=flags & lib.AIR_FLAG_DONE > 0,
        submitted=flags & lib.AIR_FLAG_INPUT > 0,
        led=flags & lib.AIR_FLAG_LED > 0,
        on=flags & lib.AIR_FLAG_ON > 0,
        latency_us=of["latency_us"],
        lost=of["lost"],
        bits=of["bits"],
        fragments=counted["fragments"],
        frames=counted["frames"],
        control=counted["control"],
        coded=counted["coded"],
        collisions=counted["collisions"],
        late=counted["late"],
        overrun=counted["overrun"],
        unheard=counted["unheard"],
        bytes=counted["bytes"],
        air_us=counted["air_ns"] / 1e3,
        span_us=counted["span_ns"] / 1e3,
        mixed=of["mixed"],
        hung=hung,
        takeovers=sum(int(s.takeovers) for s in stats),
        kinds=[
            {
                kind.name.lower(): {name: int(getattr(s.gather[kind], name)) for name in _STATS}
                for kind in Kind
            }
            for s in stats
        ],
        rejected=[dict(zip(REJECTS, map(int, s.rejected), strict=True)) for s in stats],
        sent_us=np.array([lib.air_sent_ns(air, d) for d in range(nodes)]) / 1e3,
        computed_us=np.array([lib.air_computed_ns(air, d) for d in range(nodes)]) / 1e3,
        code_us=np.array([lib.air_code_ns(air, d) for d in range(nodes)]) / 1e3,
        off_us=np.array([lib.air_off_ns(air, d) for d in range(nodes)]) / 1e3,
        idle_on=of["idle_on_ns"] / max(1e3 * settings.gap_us, 1.0),
        on_us=of["on_ns"] / 1e3 if settings.period_us and nodes > 1 else None,
        numbers=of["number"],
        known=of["known"].astype(int),
        positions=of["position"].astype(np.int64),
        tokens=of["token"].view(np.int32).astype(int),
        tops=of["top"].astype(np.int64),
        texts=of["text"].astype(int),
        replayed=flags & lib.AIR_FLAG_REPLAY > 0,
        told=flags & lib.AIR_FLAG_TOLD > 0,
        refilled=np.array([int(s.refilled) for s in stats]),
    )


class _Log:
    """Arrays with an entry for each inference, by name; shape and type of one entry are given."""

    #: Of entries that nothing was written to; else 0.
    UNSET: ClassVar = {"outputs": OUTPUT_MISSING, "latency_us": -1, "number": -1}

    def __init__(self, **entries: tuple[tuple[int, ...], type]) -> None:
        self._of = {name: np.zeros((0, *shape), kind) for name, (shape, kind) in entries.items()}
        self._room = 0

    def __getitem__(self, name: str) -> np.ndarray:
        return self._of[name]

    def make_room(self, count: int) -> None:
        """For so many inferences; CatsError where that is more than a run may take."""
        if count <= self._room:
            return
        bits = self._of["bits"]
        size = math.prod(bits.shape[1:])
        if count * size > MOST_RECORD:
            raise CatsError(
                f"{count} inferences: what each node had of them takes "
                f"{count * size / 2**30:.1f} GiB, ask for {MOST_RECORD // size} at most"
            )
        more = max(count, self._room * 3 // 2) - self._room
        for name, array in self._of.items():
            new = np.full((more, *array.shape[1:]), self.UNSET.get(name, 0), array.dtype)
            self._of[name] = np.concatenate((array, new)) if self._room else new
        self._room += more

    def slots(self, i: int) -> dict[str, object]:
        """Where struct air_record points to of inference ``i``."""
        names = {field for field, _ in ffi.typeof("struct air_record").fields}
        return {
            name: ffi.from_buffer(f"{_C_TYPES[array.dtype.name]}[]", array[i])
            for name, array in self._of.items()
            if name in names and array.ndim > 1
        }

    def answer(self, i: int) -> Answer:
        """What came of inference ``i``."""
        took, done = self._of["number"][i] >= 0, self._of["flags"][i]
        return Answer(
            self._of["outputs"][i].copy(),
            done & lib.AIR_FLAG_DONE > 0,
            done & lib.AIR_FLAG_LED > 0,
            np.where(took, self._of["position"][i].astype(np.int64), -1),
            np.where(took, self._of["token"][i].view(np.int32), -1),
            took & (done & lib.AIR_FLAG_REPLAY > 0),
        )

    def first(self, count: int) -> dict[str, np.ndarray]:
        """Entries of so many inferences."""
        return {name: array[:count] for name, array in self._of.items()}


_C_TYPES = {name: f"{name}_t" for name in ("uint8", "int16", "uint16", "int32", "uint32",
                                           "int64", "uint64")}  # fmt: skip


#: What no driver yields.
_END = object()


def _one_by_one(inputs: Sequence[np.ndarray | None] | np.ndarray) -> Driver:
    """Inputs that depend on nothing."""
    for value in inputs:  # noqa: UP028 - what is sent is for nobody
        yield value


def _checked_inputs(model: IntegerModel, inputs: np.ndarray) -> np.ndarray:
    inputs = np.asarray(inputs)
    want = (model.config.tokens_in, given_width(model.config))
    if inputs.dtype != np.int8 or inputs.ndim != 3 or inputs.shape[1:] != want:
        raise CatsError(
            f"inputs are {inputs.dtype} {list(inputs.shape)}: the model takes int8 "
            f"[samples, {want[0]}, {want[1]}]"
        )
    return inputs


def _most_fragments(plan: Plan) -> int:
    """Fragments of one source in one tile, at most."""
    return max(
        [cut.fragments(gather.tile_rows) for gather in plan.gathers for cut in gather.sources] + [1]
    )


def _config(
    model: IntegerModel,
    plan: Plan,
    faults: Faults,
    settings: Settings,
    seed: int,
    memory: list,
    images: Sequence[bytes],
    bits_bytes: int,
) -> tuple[object, list]:
    """struct air_config, and what must live as long as it is used."""
    nodes = model.split.nodes
    if settings.period_us and nodes > 1:
        least_us = meeting(plan, settings.clock_hz).least_period_us
        if settings.period_us < least_us:
            raise CatsError(
                f"a meeting every {settings.period_us / 1e3:g} ms: over {plan.radio} at least "
                f"{least_us / 1e3:.1f} ms, so that it is over in time"
            )
    code = _code_time(settings, nodes)
    radio = radio_named(plan.radio, code or code_time(nodes, settings.clock_hz))
    for name, values in (("clock_us", settings.clock_us), ("slower", settings.slower)):
        if len(values) not in (0, nodes):
            raise CatsError(f"{name} for {len(values)} nodes, there are {nodes}")
    if settings.compute not in ("none", "plan"):
        raise CatsError(f"compute is {settings.compute!r}: one of none, plan")
    table = ffi.NULL
    if settings.compute == "plan":
        times = compute_us(model, plan, settings.clock_hz)
        if settings.slower:
            times = (times * np.array(settings.slower)[:, None, None]).astype(np.uint32)
        table = ffi.new("uint32_t[]", times.ravel().tolist())

    config = ffi.new("struct air_config *")
    config.nodes, config.seed = nodes, seed % 2**64
    kept = write_faults(config, faults, nodes)
    config.ramp_us, config.byte_us, config.overhead = radio.ramp_us, radio.byte_us, radio.overhead
    for d in range(nodes):
        config.image[d], config.image_size[d] = memory[d], len(images[d])
        config.idle[d] = d in settings.idle
        # Clocks that agree would hide mistakes, and so would clocks that never wrap.
        config.clock_us[d] = settings.clock_us[d] if settings.clock_us else -1000 * d % 2**32
    config.first_inference = settings.first_inference % 2**16
    config.lead_us = radio.lead_us if settings.lead_us is None else settings.lead_us
    config.early_us = min(radio.early_us, config.lead_us)
    config.before_us, config.late_us = min(radio.before_us, config.lead_us), settings.late_us
    config.timeout_us, config.start_us = settings.timeout_us, settings.start_us
    config.replay = settings.replay
    config.compute_us, config.bits_bytes = table, bits_bytes
    config.period_us, config.clock_ppm = settings.period_us, settings.clock_ppm
    config.jitter_us = settings.jitter_us
    config.listens, config.detect_us = settings.receiver_off, radio.detect_us
    config.start_ns, config.rest_ns = 1e3 * radio.start_us, 1e3 * radio.rest_us
    config.start_to_send, config.sense_ns = radio.start_to_send, 1e3 * radio.sense_us
    if code is not None:
        config.code_counted = True
        fill_code(config.code, code, radio)
        config.hand_ns, config.tick_ns = 1e3 * radio.hand_us, 1e3 * radio.tick_us / 2
    return config, [memory, table, *kept]


def _code_time(settings: Settings, nodes: int) -> CodeTime | None:
    """What code takes, on the processor of these settings; None: nothing."""
    if settings.code_time == "none":
        return None
    if settings.code_time == "plan":
        return code_time(nodes, settings.clock_hz)
    if not isinstance(settings.code_time, CodeTime):
        raise CatsError(f"code time is {settings.code_time!r}: plan or none")
    return dataclasses.replace(settings.code_time, clock_hz=settings.clock_hz)


def fill_code(slot: object, code: CodeTime, radio: Radio) -> None:
    """Fill in a ``struct air_code``: frames of this radio, sealed or not."""
    for name, value in dataclasses.asdict(code).items():
        if hasattr(slot, name):
            counts = value if isinstance(value, tuple) else (value,)
            times = [1e3 * code.microseconds(count) for count in counts]
            setattr(slot, name, times if isinstance(value, tuple) else times[0])
    aes, byte = (code.aes_us(FRAME_HEADER + n) for n in (0, 1))
    slot.aes, slot.aes_byte = (1e3 * aes, 1e3 * (byte - aes)) if radio.sealed else (0, 0)


def compute_us(model: IntegerModel, plan: Plan, clock_hz: float = 64e6) -> np.ndarray:
    """uint32 [D, gathers, 2]: microseconds of produce and consume of a full tile, estimated."""
    compute = Compute(clock_hz=clock_hz)
    times = np.zeros((model.split.nodes, len(plan.gathers), 2), np.uint32)
    for d in range(model.split.nodes):
        for g, gather in enumerate(plan.gathers):
            parts = exchange_instructions(
                model.config, model.split, model.keep, g, gather.tile_rows, d,
                block_rows=plan.block_rows, held=plan.held, heads_per_pass=plan.heads_per_pass[d],
            )  # fmt: skip
            times[d, g] = [math.ceil(compute.microseconds(part)) for part in parts]
    return times


def _deadline_us(partition: object, settings: Settings, nodes: int, faults: Faults) -> int:
    """By when an inference has ended whatever happens: every exchange as long as it can be, and
    for the start and for each node that goes, everybody's silence one after the other."""
    longest = 0
    x = ffi.new("struct cats_exchange *")
    while True:
        gather = partition.gathers[x.gather]
        longest += lib.cats_exchange_us(partition, x[0]) + gather.spacing_us
        if not lib.cats_exchange_next(partition, x):
            break
    silence = settings.timeout_us or lib.cats_silence_us(partition)
    start = settings.start_us or 10 * silence
    # While others are heard a node waits for a leader four times as long, but not for ever.
    patience = 4 if faults.babble or faults.neighbour else 1
    # Who sleeps wakes up in time: to search, to wait for who takes over, to ask in vain.
    start += (nodes + 128) * settings.period_us
    shocks = (nodes + 2) * (faults.shocks + 2) * silence
    return patience * (2 * longest + shocks + (nodes + 1) * start)
