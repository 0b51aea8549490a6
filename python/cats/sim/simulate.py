# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""D nodes of the C code on a simulated air (``_native/air.c``), and their answers against the
integer reference.

``simulate`` is a pure function of its arguments: the same seed gives the same run to the bit. What
each node had of each exchange is recorded; ``availability`` turns that into what the reference
takes, so ``check`` can ask for the very same output bytes.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cats.deploy import image
from cats.errors import CatsError
from cats.integer import reference
from cats.integer.model import IntegerModel
from cats.plan.energy import NRF52840, Duty
from cats.plan.plan import Plan
from cats.plan.predict import planned_duty
from cats.plan.radio import radio as radio_named
from cats.plan.timing import Compute, exchange_instructions
from cats.shape.partition import Kind, element_bytes, gather_kind, own_ranges
from cats.sim._native import ffi, lib
from cats.sim.engine import aligned

if TYPE_CHECKING:
    from cats.tasks import Task

#: What happens to one frame at one receiver: enum air_fault_kind.
FRAME_FAULTS = {"drop": 0, "duplicate": 1, "delay": 2, "flip": 3}
#: Samples that the reference checks at a time.
_BATCH = 64


@dataclass(frozen=True)
class FrameFault:
    """A fault of frame number ``frame`` of the run, at one ``receiver`` or at all (-1).

    ``value``: microseconds of delay (``duplicate``, ``delay``); ``flip``: byte number * 256 + the
    bits of that byte that change.
    """

    kind: str
    frame: int
    receiver: int = -1
    value: int = 0


@dataclass(frozen=True)
class Event:
    """A node goes on or off, ``at`` microseconds into the run or when frame ``at`` starts."""

    node: int
    on: bool
    at: int
    by_frame: bool = False


@dataclass(frozen=True)
class Faults:
    """What the air and the nodes do wrong. Probabilities are for each frame at each receiver.

    ``loss``: one number, or [D, D] (row: source, column: receiver). ``burst``: mean length of a
    loss burst in frames, at the same mean loss (a Gilbert-Elliott channel that hears all in its
    good and nothing in its bad state); 0: losses are independent. ``delay``: heard up to
    ``delay_us`` late, so out of order. ``flip``: bits change and no checksum below CATS notices.
    ``drift_ppm``: error of each node's clock. ``off``: nodes that are off at the start. ``named``:
    losses without bursts are drawn from what a frame is, as a device's cats_loss() draws them, so
    that equal seeds lose equal frames there and here.
    """

    loss: float | Sequence[Sequence[float]] | np.ndarray = 0.0
    burst: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    delay_us: float = 5000.0
    flip: float = 0.0
    drift_ppm: Sequence[float] = ()
    off: Sequence[int] = ()
    named: bool = False
    frames: Sequence[FrameFault] = ()
    events: Sequence[Event] = ()


@dataclass(frozen=True)
class Settings:
    """How nodes are driven.

    ``compute``: ``none`` (jobs take no time) or ``plan`` (the planner's estimate for ``clock_hz``,
    each node's times its factor in ``slower``). ``gap_us``: between one inference's end and the
    next submit. ``lead_us``: None is the radio's. Others as in include/cats/node.h; 0 is its
    default.
    """

    compute: str = "none"
    clock_hz: float = 64e6
    slower: Sequence[float] = ()
    first_inference: int = 1
    clock_us: Sequence[int] = ()
    lead_us: int | None = None
    late_us: int = 0
    timeout_us: int = 0
    start_us: int = 0
    gap_us: int = 0


@dataclass(frozen=True)
class Result:
    """B inferences on D nodes.

    outputs int16 [B, D, output rows, C]; done, submitted, led, on bool [B, D]: gave a result, ran
    with its input (else with zeros), led at the end, was on when the inference was submitted;
    latency_us int64 [B, D], -1 without a result; lost int [B, D]: fragments that stayed missing;
    bits uint8 [B, exchanges (gather by gather, tile by tile), receiver, source, bytes], bit f of
    byte f / 8. Per inference, [B]: fragments due at all nodes, frames, control and coded frames of
    these, collisions, bytes and microseconds on air, microseconds until the last result.
    ``mixed`` bool [B]: a node took part twice, before and after a restart or a start of its own; no
    record of what it had holds both, so there is nothing to compare with the reference.
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
    bytes: np.ndarray
    air_us: np.ndarray
    span_us: np.ndarray
    mixed: np.ndarray
    hung: tuple[int, int] | None
    takeovers: int
    kinds: list[dict[str, dict[str, int]]] = field(repr=False)
    rejected: list[dict[str, int]] = field(repr=False)
    #: [D]: microseconds that each node transmitted and computed in the whole run.
    sent_us: np.ndarray
    computed_us: np.ndarray

    def duty(self, node: int) -> Duty:
        """What a node did in one inference, the mean of those with its result but the first (in
        which its leader listens before it opens). It listens whenever it does not transmit."""
        done = self.done[:, node]
        chosen = done.copy()
        chosen[: int(np.argmax(done)) + 1] = done.sum() == 1
        count = max(1, int(done.sum()))
        sends = float(self.sent_us[node]) / count
        on = float(self.latency_us[chosen, node].mean()) if chosen.any() else 0.0
        alone = self.done.shape[1] == 1
        listens = 0.0 if alone else max(on - sends, 0.0)
        return Duty(sends, listens, float(self.computed_us[node]) / count)

    @property
    def delivered(self) -> float:
        """Share of fragments that reached who was to have them."""
        due = int(self.fragments.sum())
        return 1.0 - int(self.lost[self.done].sum()) / due if due else 1.0


REJECTS = (
    "short", "version", "check", "type", "source", "exchange", "fragment", "length", "inference",
    "late", "busy", "leader",
)  # fmt: skip
_STATS = ("exchanges", "sent", "heard", "repaired", "lost", "duplicates", "air_us", "compute_us")


def simulate(
    model: IntegerModel,
    plan: Plan,
    inputs: np.ndarray,
    faults: Faults | None = None,
    seed: int = 0,
    settings: Settings | None = None,
    images: Sequence[bytes] | None = None,
) -> Result:
    """Run int8 ``inputs`` [B, tokens_in, P], one inference after the other.

    ``images``: the nodes' partitions, where they are at hand; else they are packed here.
    """
    faults, settings = faults or Faults(), settings or Settings()
    inputs = _checked_inputs(model, inputs)
    nodes = model.split.nodes
    if images is None:
        ident = image.model_id(model, plan)
        images = [image.pack(model, plan, d, ident) for d in range(nodes)]
    memory = [aligned(data) for data in images]
    bits_bytes = -(-_most_fragments(plan) // 8)
    config, _kept = _config(model, plan, faults, settings, seed, memory, images, bits_bytes)

    error = ffi.new("const char **")
    air = lib.air_open(config, error)
    if air == ffi.NULL:
        raise CatsError(f"the simulation cannot start: {ffi.string(error[0]).decode()}")
    try:
        return _run(air, model, plan, inputs, settings, bits_bytes, len(faults.events))
    finally:
        lib.air_close(air)


def _run(
    air: object,
    model: IntegerModel,
    plan: Plan,
    inputs: np.ndarray,
    settings: Settings,
    bits_bytes: int,
    events: int,
) -> Result:
    nodes, batch = model.split.nodes, len(inputs)
    exchanges = sum(gather.tiles for gather in plan.gathers)
    shape = (model.config.output_rows, model.config.outputs)
    outputs = np.full((batch, nodes, *shape), reference.OUTPUT_MISSING, np.int16)
    flags = np.zeros((batch, nodes), np.uint8)
    lost = np.zeros((batch, nodes), np.uint32)
    latency = np.full((batch, nodes), -1, np.int64)
    bits = np.zeros((batch, exchanges, nodes, nodes, bits_bytes), np.uint8)
    names = ("fragments", "frames", "control", "coded", "collisions", "bytes", "air_ns", "span_ns")
    counts = np.zeros((batch, len(names)), np.int64)
    mixed = np.zeros(batch, bool)

    deadline = _deadline_us(lib.air_image(air), settings, nodes, events)
    ranges = own_ranges(model.config, model.split, Kind.INPUT)
    own = [np.ascontiguousarray(inputs[:, :, begin:end]) for begin, end in ranges]
    pointers = ffi.new("int8_t *[]", nodes)
    record = ffi.new("struct air_record *")
    hung = None
    for i in range(batch):
        for d in range(nodes):
            pointers[d] = ffi.from_buffer("int8_t[]", own[d][i]) if own[d].size else ffi.NULL
        record[0] = ffi.new(
            "struct air_record *",
            {
                "outputs": ffi.from_buffer("int16_t[]", outputs[i]),
                "flags": ffi.from_buffer("uint8_t[]", flags[i]),
                "lost": ffi.from_buffer("uint32_t[]", lost[i]),
                "latency_us": ffi.from_buffer("int64_t[]", latency[i]),
                "bits": ffi.from_buffer("uint8_t[]", bits[i]),
            },
        )[0]
        failed = lib.air_infer(air, pointers, settings.gap_us, deadline, record)
        counts[i] = [getattr(record, name) for name in names]
        mixed[i] = record.mixed
        if failed:
            hung = i, int(record.hung)
            break
    count = dict(zip(names, counts.T, strict=True))
    stats = [lib.air_node(air, d).stats for d in range(nodes)]
    return Result(
        outputs=outputs,
        done=flags & lib.AIR_FLAG_DONE > 0,
        submitted=flags & lib.AIR_FLAG_INPUT > 0,
        led=flags & lib.AIR_FLAG_LED > 0,
        on=flags & lib.AIR_FLAG_ON > 0,
        latency_us=latency,
        lost=lost,
        bits=bits,
        fragments=count["fragments"],
        frames=count["frames"],
        control=count["control"],
        coded=count["coded"],
        collisions=count["collisions"],
        bytes=count["bytes"],
        air_us=count["air_ns"] / 1e3,
        span_us=count["span_ns"] / 1e3,
        mixed=mixed,
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
    )


def _checked_inputs(model: IntegerModel, inputs: np.ndarray) -> np.ndarray:
    inputs = np.asarray(inputs)
    want = (model.config.tokens_in, model.config.inputs)
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


def link_table(loss: object, burst: float, nodes: int) -> np.ndarray:
    """float [D, D, 4] of struct air_link: loss, bad_loss, enter, leave."""
    table = np.asarray(loss, np.float64)
    if table.ndim == 0:
        table = np.full((nodes, nodes), float(table))
    if table.shape != (nodes, nodes):
        raise CatsError(f"loss matrix of shape {list(table.shape)}: {nodes} nodes need a square")
    if not ((table >= 0) & (table <= 1)).all():
        raise CatsError("loss: a probability is a number from 0 to 1")
    links = np.zeros((nodes, nodes, 4))
    if burst == 0:
        links[..., 0] = table
        return links
    if burst < 1:
        raise CatsError(f"burst of {burst} frames: at least 1, or 0 for independent losses")
    leave = 1.0 / burst
    # The share of time in the bad state is the mean loss.
    enter = np.divide(table * leave, 1 - table, out=np.ones_like(table), where=table < 1)
    if (enter > 1).any():
        raise CatsError(f"loss of {table.max()} needs bursts longer than {burst} frames")
    links[..., 0] = np.where(table >= 1, 1, 0)
    links[..., 1] = np.where(table > 0, 1, 0)
    links[..., 2] = enter
    links[..., 3] = np.where(table >= 1, 0, leave)
    return links


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
    nodes, radio = model.split.nodes, radio_named(plan.radio)
    for name in ("duplicate", "delay", "flip"):
        if not 0 <= getattr(faults, name) <= 1:
            raise CatsError(f"{name}: a probability is a number from 0 to 1")
    for event in faults.events:
        if not 0 <= event.node < nodes:
            raise CatsError(f"node {event.node}: there are nodes 0 to {nodes - 1}")
    for name, values in (
        ("drift_ppm", faults.drift_ppm),
        ("clock_us", settings.clock_us),
        ("slower", settings.slower),
    ):
        if len(values) not in (0, nodes):
            raise CatsError(f"{name} for {len(values)} nodes, there are {nodes}")
    if settings.compute not in ("none", "plan"):
        raise CatsError(f"compute is {settings.compute!r}: one of none, plan")
    for fault in faults.frames:
        if fault.kind not in FRAME_FAULTS:
            raise CatsError(f"fault {fault.kind!r}: one of {', '.join(FRAME_FAULTS)}")

    links = link_table(faults.loss, faults.burst, nodes)
    frames = ffi.new("struct air_fault[]", max(1, len(faults.frames)))
    for slot, fault in zip(frames, faults.frames, strict=False):
        slot.kind, slot.receiver = FRAME_FAULTS[fault.kind], fault.receiver
        slot.frame, slot.value = fault.frame, fault.value
    events = ffi.new("struct air_event[]", max(1, len(faults.events)))
    for slot, event in zip(events, faults.events, strict=False):
        slot.node, slot.on, slot.by_frame, slot.at = event.node, event.on, event.by_frame, event.at
    table = ffi.NULL
    if settings.compute == "plan":
        times = compute_us(model, plan, settings.clock_hz)
        if settings.slower:
            times = (times * np.array(settings.slower)[:, None, None]).astype(np.uint32)
        table = ffi.new("uint32_t[]", times.ravel().tolist())

    config = ffi.new("struct air_config *")
    config.nodes, config.seed, config.named = nodes, seed % 2**64, faults.named
    config.ramp_us, config.byte_us, config.overhead = radio.ramp_us, radio.byte_us, radio.overhead
    for d in range(nodes):
        config.image[d], config.image_size[d] = memory[d], len(images[d])
        config.on[d] = d not in faults.off
        config.drift_ppm[d] = faults.drift_ppm[d] if faults.drift_ppm else 0
        # Clocks that agree would hide mistakes, and so would clocks that never wrap.
        config.clock_us[d] = settings.clock_us[d] if settings.clock_us else -1000 * d % 2**32
        for r in range(nodes):
            link = config.link[d][r]
            link.loss, link.bad_loss, link.enter, link.leave = links[d, r]
    config.duplicate, config.flip = faults.duplicate, faults.flip
    config.delay, config.delay_us = faults.delay, faults.delay_us
    config.faults, config.fault_count = frames, len(faults.frames)
    config.events, config.event_count = events, len(faults.events)
    config.first_inference = settings.first_inference % 2**16
    config.lead_us = radio.lead_us if settings.lead_us is None else settings.lead_us
    config.early_us = 0 if radio.turn_us else config.lead_us
    config.before_us, config.late_us = min(radio.before_us, config.lead_us), settings.late_us
    config.timeout_us, config.start_us = settings.timeout_us, settings.start_us
    config.compute_us, config.bits_bytes = table, bits_bytes
    return config, [memory, frames, events, table]


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


def _deadline_us(partition: object, settings: Settings, nodes: int, events: int) -> int:
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
    return 2 * longest + (nodes + 2) * (events + 2) * silence + (nodes + 1) * start


# Against the reference


def availability(
    model: IntegerModel, plan: Plan, result: Result, chosen: slice | Sequence[int] = slice(None)
) -> reference.Availability:
    """What each node had in the inferences ``chosen``, column by column: [B, rows, D, K]."""
    return bits_availability(model, plan, result.bits[chosen])


def bits_availability(
    model: IntegerModel, plan: Plan, bits: np.ndarray
) -> reference.Availability:
    """The same from ``Result.bits`` [B, exchanges, receiver, source, bytes] alone."""
    base = reference.everything(model.config, model.split, model.keep)
    arrived = np.unpackbits(bits, axis=-1, bitorder="little").astype(bool)
    gathers, exchange = [], 0
    for g, gather in enumerate(plan.gathers):
        kind, _ = gather_kind(model.config, g)
        ranges = own_ranges(model.config, model.split, kind)
        element = element_bytes(kind)
        width = base.gathers[g].shape[-1]
        has = np.zeros((len(bits), gather.rows, model.split.nodes, width), bool)
        for d, (begin, end) in enumerate(ranges):
            has[:, :, d, begin:end] = True
        for tile in range(gather.tiles):
            rows, top = gather.tile_height(tile), tile * gather.tile_rows
            for source, cut in enumerate(gather.sources):
                kept = np.array(model.keep[g][source], int)
                others = [d for d in range(model.split.nodes) if d != source]
                for f in range(cut.fragments(rows)):
                    row, row_end, begin, end = cut.region(f, rows)
                    heard = arrived[:, exchange, :, source, f][:, None, others, None]
                    where = np.ix_(
                        range(len(bits)),
                        range(top + row, top + row_end),
                        others,
                        kept[begin // element : end // element],
                    )
                    has[where] = heard
            exchange += 1
        gathers.append(has)
    return reference.Availability(tuple(gathers))


def check(
    model: IntegerModel,
    plan: Plan,
    inputs: np.ndarray,
    result: Result,
    limit: int | None = None,
) -> list[tuple[int, int]]:
    """(inference, node) whose output differs from the reference's with the same losses, among the
    first ``limit`` inferences (all where None); those of ``Result.mixed`` are left out."""
    count = len(inputs) if limit is None else min(limit, len(inputs))
    ranges = own_ranges(model.config, model.split, Kind.INPUT)
    wrong: list[tuple[int, int]] = []
    for start in range(0, count, _BATCH):
        part = slice(start, min(start + _BATCH, count))
        given = np.array(inputs[part])
        for d, (begin, end) in enumerate(ranges):
            zero = result.done[part, d] & ~result.submitted[part, d]
            given[zero, :, begin:end] = 0
        want = reference.run_batch(model, given, availability(model, plan, result, part))
        same = (want == result.outputs[part]).all(axis=(2, 3)) | ~result.done[part]
        same |= result.mixed[part, None]
        wrong += [(start + int(i), int(d)) for i, d in np.argwhere(~same)]
    return wrong


def save_availability(path: Path | str, plan: Plan, result: Result) -> None:
    """Write what each node had as an .npz file: ``bits`` (``Result.bits``), and ``exchange``
    uint16 [exchanges, 2] with gather and tile of each."""
    from io import BytesIO

    from cats.report import write_atomic

    order = [(g, tile) for g, gather in enumerate(plan.gathers) for tile in range(gather.tiles)]
    content = BytesIO()
    np.savez_compressed(content, bits=result.bits, exchange=np.array(order, np.uint16))
    write_atomic(path, content.getvalue())


# For people and programs

#: Figures of a run's row in the table, in their order.
COLUMNS = (
    "loss", "quality", "delivered", "results", "equal", "frames", "bytes", "air ms", "ms",
    "mJ", "takeovers",
)  # fmt: skip


def owners(model: IntegerModel) -> list[int]:
    """Nodes whose answer counts: the one that owns all output columns (nothing of its answer can be
    lost on its way), or every node where the columns are spread."""
    outputs = model.split.outputs
    alone = [d for d, count in enumerate(outputs) if count == model.config.outputs]
    return alone or list(range(len(outputs)))


def quality(
    model: IntegerModel, task: Task, result: Result, nodes: Sequence[int] | None = None
) -> dict[str, float]:
    """Figures of ``task`` over the first B samples of its test part, as ``nodes`` (by default
    ``owners``) give them: the mean over these nodes. A missing class never wins; a missing value of
    a forecast is the mean of what was seen (zero, as inputs are normalised)."""
    import torch

    from cats.integer.quantize import real_outputs
    from cats.tasks import Part

    fill = -1e30 if model.config.task == "classify" else 0.0
    outputs = np.nan_to_num(real_outputs(model, result.outputs[:, :, -1]), nan=fill)
    totals: dict[str, float] = {}
    weights = 0
    for d in owners(model) if nodes is None else nodes:
        chosen = torch.from_numpy(np.flatnonzero(result.done[:, d]))
        if not len(chosen):
            continue
        part = Part(
            *(None if field is None else field[chosen] for field in
              (task.test.inputs, task.test.targets, task.test.offset, task.test.spread))
        )  # fmt: skip
        scores = task.score(torch.from_numpy(outputs[:, d])[chosen].float(), part)
        for name, value in scores.items():
            totals[name] = totals.get(name, 0.0) + value * len(chosen)
        weights += len(chosen)
    return {name: value / weights for name, value in totals.items()}


def node_energy(
    model: IntegerModel, plan: Plan, result: Result, node: int, settings: Settings | None = None
) -> dict[str, float]:
    """Duty and millijoules of a node for one inference, on an nRF52840. Where computing took no
    simulated time, its energy is that of the plan's estimate."""
    duty = result.duty(node)
    if (settings or Settings()).compute == "none":
        planned = planned_duty(model.config, model.split, model.keep, plan, node)
        duty = dataclasses.replace(duty, compute_us=planned.compute_us)
    return {**dataclasses.asdict(duty), "mj": duty.millijoules(NRF52840, plan.radio)}


def report(
    model: IntegerModel,
    plan: Plan,
    inputs: np.ndarray,
    faults: Faults,
    seed: int = 0,
    settings: Settings | None = None,
    images: Sequence[bytes] | None = None,
    *,
    check_outputs: bool = True,
    task: Task | None = None,
    save: Path | None = None,
) -> dict:
    """Simulate and say what came of it, as JSON; ``columns`` is the row of the table."""
    result = simulate(model, plan, inputs, faults, seed, settings, images)
    if save is not None:
        save_availability(save, plan, result)
    wrong = check(model, plan, inputs, result) if check_outputs and not result.hung else None
    counts = task is not None and not result.hung
    scores = quality(model, task, result) if counts else {}
    every = quality(model, task, result, range(model.split.nodes)) if counts else {}
    energy = [node_energy(model, plan, result, d, settings) for d in range(model.split.nodes)]
    loss = np.asarray(faults.loss)
    ended = result.span_us[: result.hung[0]] if result.hung else result.span_us
    figures = {
        "loss": float(loss) if loss.ndim == 0 else loss.tolist(),
        "quality": scores,
        "quality_of": owners(model),
        "quality_all_nodes": every,
        "delivered": result.delivered,
        "results": float(result.done.sum() / max(1, result.on.sum())),
        "equal_to_reference": None if wrong is None else not wrong,
        "different": wrong or [],
        "not_compared": int(result.mixed.sum()),
        "hung": result.hung,
        "frames": float(result.frames.mean()),
        "control_frames": float(result.control.mean()),
        "coded_frames": float(result.coded.mean()),
        "collisions": int(result.collisions.sum()),
        "bytes_on_air": float(result.bytes.mean()),
        "time_on_air_us": float(result.air_us.mean()),
        # The first waits while its leader listens.
        "inference_us": float(ended[1:].mean() if len(ended) > 1 else ended.sum()),
        "takeovers": result.takeovers,
        "energy_mj": max(node["mj"] for node in energy),
        "energy_by_node": energy,
        "gathers": result.kinds,
        "rejected": result.rejected,
    }
    main = next(iter(scores.values())) if scores else None
    figures["columns"] = dict(
        zip(
            COLUMNS,
            (
                figures["loss"] if loss.ndim == 0 else "matrix", main, figures["delivered"],
                figures["results"], figures["equal_to_reference"], figures["frames"],
                round(figures["bytes_on_air"]), figures["time_on_air_us"] / 1e3,
                figures["inference_us"] / 1e3, figures["energy_mj"], figures["takeovers"],
            ),
            strict=True,
        )
    )  # fmt: skip
    return figures


__all__ = [
    "COLUMNS", "Event", "FrameFault", "Faults", "Result", "Settings", "availability",
    "bits_availability", "check", "compute_us", "owners", "quality", "report", "save_availability",
    "simulate",
]  # fmt: skip
