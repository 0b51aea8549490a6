# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a deployment will need, from its shape alone: flash and RAM of each node, air and time.

The sizes are those of the files and of the ELF to the byte; the tests compare them.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass

from cats.errors import CatsError
from cats.plan.arena import round_up
from cats.plan.battery import Battery, life
from cats.plan.boards import Board
from cats.plan.cost import linear_bytes, local_bytes, node_instructions, share, weights_read
from cats.plan.energy import Duty
from cats.plan.plan import Air, Plan, gather_air, openings
from cats.plan.planner import PlanOptions, make_plan
from cats.plan.radio import FRAME_HEADER, RADIOS
from cats.plan.radio import radio as radio_named
from cats.plan.sleep import Rhythm
from cats.plan.timing import Compute, inference_us, listening_us
from cats.shape.config import MAX_COLUMNS, ModelConfig, SplitConfig
from cats.shape.image_layout import (
    CHANNEL,
    EMBED,
    GATHER,
    HEADER,
    IMAGE_ALIGN,
    LLAMA,
    MODEL,
    NORM,
    SOURCE,
    STREAM,
    TEXT_BYTES,
)
from cats.shape.partition import (
    NORMED,
    PRUNABLE,
    KeepSets,
    Kind,
    block_gather,
    full_keep,
    gather_count,
    gather_kind,
    heard_keep,
    kept_count,
    local_blocks,
    local_keep,
    node_view,
    parallel_columns,
    product_width,
    residual_width,
    scale_bytes,
    shares_rows,
    view_width,
    weight_bytes,
)


@dataclass(frozen=True)
class NodeSize:
    """Bytes of one node: the image in flash, of which weights (weights, biases and multipliers,
    norms, tables), and the arena in RAM with the least that its lifetimes allow."""

    image_bytes: int
    weight_bytes: int
    arena_bytes: int
    arena_lower_bound: int


def node_size(
    config: ModelConfig, split: SplitConfig, keep: KeepSets, plan: Plan, node: int
) -> NodeSize:
    """Sizes of one node's image and arena."""
    arena = plan.arenas[node]
    return NodeSize(*image_size(config, split, keep, node), arena.size, arena.lower_bound)


def image_size(
    config: ModelConfig, split: SplitConfig, keep: KeepSets, node: int
) -> tuple[int, int]:
    """Bytes of one node's image, and of the weights in it; they follow from the shape alone."""
    count = gather_count(config)
    image = HEADER.itemsize + MODEL.itemsize
    image += count * (GATHER.itemsize + split.nodes * SOURCE.itemsize)
    weights = linear_bytes(config, split, node) + local_bytes(config, split, node)
    image += EMBED.itemsize if split.embed_hidden(config)[node] else 0
    image += STREAM.itemsize if config.context else 0
    for g in range(count):
        kind, _ = gather_kind(config, g)
        kept = len(keep[g][node]) if split.nodes > 1 else 0
        image += round_up(2 * kept, 4)
        view = view_width(config, split, keep, g, node)
        outputs = product_width(config, split, g, node)
        if kind == Kind.INPUT and config.by_token:
            own = residual_width(config, split, node)
            table = config.inputs * (own + 4) if own else 0
            if config.sends_rows:
                shared = shares_rows(config, split, keep, node)
                table = 0 if shared else split.inputs[node] * config.row_bytes
            weights += table
            image += LLAMA.itemsize + round_up(table, 4) - table
            image += round_up(own, 4)
            image += 4 * (config.head_width // 2) + (4 * count if config.four_bits else 0)
        elif kind == Kind.INPUT:
            table = 2 * config.positions * split.heads[node] * config.head_width
            weights += table
            image += round_up(table, 4) - table
        elif config.by_token and kind == (Kind.HIDDEN if config.parallel_blocks else Kind.FORWARD):
            weights += 2 * 257
            image += 2
        elif kind == Kind.FORWARD and config.activation == "gelu":
            weights += 256
        if kind in NORMED and (outputs or not config.by_token):
            weights += NORM.itemsize * view
        weights += outputs * (weight_bytes(config, g, view) + CHANNEL.itemsize)
        scales = outputs * scale_bytes(config, g, view)
        weights += scales
        image += round_up(scales, 4) - scales
    return round_up(image + weights, IMAGE_ALIGN), weights


def air_by_gather(config: ModelConfig, plan: Plan) -> dict[str, Air]:
    """What each kind of gather puts on the air in one inference in which nothing is lost."""
    found: dict[str, Air] = {}
    told = TEXT_BYTES if config.by_token else 0
    for g, gather in enumerate(plan.gathers):
        name = gather_kind(config, g)[0].name.lower()
        found[name] = found.get(name, Air()) + gather_air(gather, plan.radio, told)
    return found


def air_json(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    plan: Plan,
    compute: Compute | None = None,
) -> dict:
    """Air and time of one inference of a plan, nothing lost, as JSON."""
    parts = air_by_gather(config, plan)
    return {
        **_figures(sum(parts.values(), Air())),
        "inference_us": inference_us(config, split, keep, plan, compute),
        "by_gather": {name: _figures(air) for name, air in parts.items()},
    }


def _figures(air: Air) -> dict[str, int]:
    return {
        "frames": air.frames,
        "bytes_on_air": air.bytes,
        "time_on_air_us": air.us,
        "slots_us": air.slots_us,
    }


def single_device(config: ModelConfig) -> tuple[NodeSize, int]:
    """One device with the whole model: its sizes, and microseconds of an inference (estimated)."""
    split = SplitConfig.even(config, 1)
    keep = full_keep(config, split)
    plan = make_plan(config, split, keep)
    size = node_size(config, split, keep, plan, 0)
    return size, inference_us(config, split, keep, plan)


def parameters(config: ModelConfig, split: SplitConfig | None = None) -> int:
    """Trained numbers of the model. Where nodes read their own inputs alone, those that no node
    has are always zero: with ``split`` they are left out."""
    f, m, up = config.features, config.hidden, config.up_columns
    keys = config.key_heads * config.head_width
    norm = f if config.norm == "rms" else 2 * f
    block = 2 * (f + keys) * f + (up + m) * f  # products
    block += norm if config.parallel_blocks else 2 * norm
    block += (3 * f + 2 * keys + up) * config.bias
    total = _embedding(config, split) + config.blocks * block + norm
    total += config.positions * f if config.position == "learned" else 0
    total += config.blocks * config.inputs * f * config.layer_tables
    total += 0 if config.tied else config.outputs * (f + config.bias)
    total += config.outputs * (config.window + 1) if config.linear else 0
    return total + (f if config.pool == "class" else 0)


def _embedding(config: ModelConfig, split: SplitConfig | None) -> int:
    """Trained numbers of the embedding: see ``parameters``."""
    last, hidden = config.features, config.embed_hidden
    total = (last + hidden) * config.bias
    columns = (hidden,) * (hidden > 0) if split is None else split.embed_hidden(config)
    inputs = (config.inputs,) if split is None else split.inputs
    residual = (last,) if split is None else [heads * config.head_width for heads in split.heads]
    if config.embed == "full":
        return total + config.inputs * last
    if not hidden:
        return total + sum(map(operator.mul, inputs, residual))
    total += sum(map(operator.mul, inputs, columns))
    return total + (hidden * last if config.stem else sum(map(operator.mul, columns, residual)))


# Boards, and how many of them


def ratio_keep(config: ModelConfig, split: SplitConfig, ratio: float, local: int = 0) -> KeepSets:
    """Keep sets of the size that a keep ratio gives, empty in the first ``local`` blocks; which
    columns does not matter here."""
    if not 0 <= ratio <= 1:
        raise CatsError(f"keep ratio is {ratio}: give 0 to 1")
    keep = [
        [
            kept[: kept_count(ratio, len(kept))] if gather_kind(config, g)[0] in PRUNABLE else kept
            for kept in sources
        ]
        for g, sources in enumerate(full_keep(config, split))
    ]  # fmt: skip
    return heard_keep(config, split, local_keep(config, keep, local))


def keep_ratio(config: ModelConfig, split: SplitConfig, keep: KeepSets) -> float:
    """Kept columns over all columns in the gathers that may be pruned, local blocks left out."""
    full, first = full_keep(config, split), block_gather(config, local_blocks(config, keep))
    prunable = [g for g in range(first, len(keep)) if gather_kind(config, g)[0] in PRUNABLE]
    return sum(len(k) for g in prunable for k in keep[g]) / sum(
        len(k) for g in prunable for k in full[g]
    )


def planned_duty(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    plan: Plan,
    node: int,
    compute: Compute | None = None,
) -> Duty:
    """What a node does during one inference in which nothing is lost: it listens whenever it does
    not send."""
    compute = compute or Compute()
    total = inference_us(config, split, keep, plan, compute)
    return _duty(config, split, keep, plan, node, compute, total)


def _duty(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    plan: Plan,
    node: int,
    compute: Compute,
    total: float,
) -> Duty:
    """planned_duty() of a node in an inference of ``total`` microseconds."""
    works = compute.microseconds(node_instructions(config, split, keep, plan, node))
    if split.nodes == 1:
        return Duty(0.0, 0.0, works)
    sends = _sends_us(plan, node)
    if config.by_token and node == 0:
        sends += 2 * TEXT_BYTES * radio_named(plan.radio).byte_us
    return Duty(sends, max(total - sends, 0.0), works)


def quiet_duties(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    plan: Plan,
    compute: Compute | None = None,
) -> list[Duty]:
    """planned_duty() of each node with CONFIG_CATS_RECEIVER_OFF, which CONFIG_CATS_SLEEP switches
    on where the radio's transport has it: the receiver is off where nothing comes that the node
    needs."""
    duties = [planned_duty(config, split, keep, plan, d, compute) for d in range(split.nodes)]
    if not radio_named(plan.radio).receiver_off:
        return duties
    listens = listening_us(config, split, keep, plan, compute)
    return [
        dataclasses.replace(duty, listen_us=min(duty.listen_us, on))
        for duty, on in zip(duties, listens, strict=True)
    ]


def _sends_us(plan: Plan, node: int) -> float:
    """Microseconds that a node transmits during one inference in which nothing is lost."""
    air = radio_named(plan.radio)
    sends = 0.0
    for gather in plan.gathers:
        if not gather.opens:
            continue
        cut = gather.sources[node]
        frames = sum(tiles * cut.fragments(rows) for rows, tiles in gather.heights)
        if node == 0:  # the openings
            opened = [(openings(gather, rows), tiles) for rows, tiles in gather.heights]
            frames += sum(times * tiles for times, tiles in opened)
            frames += gather.phase == 0 and opened[0][0] == 1
        sends += frames * air.air_us(FRAME_HEADER) + cut.width * gather.rows * air.byte_us
        if plan.rounds and not air.senses:  # that it lacks nothing
            sends += air.air_us(FRAME_HEADER) * gather.tiles
    return sends


def computing(board: Board) -> Compute:
    """How long instructions take there."""
    return Compute(board.clock_hz, board.cycles_per_instruction)


def energy_mj(
    config: ModelConfig, split: SplitConfig, keep: KeepSets, plan: Plan, node: int, board: Board
) -> float | None:
    """Millijoules of one node for one inference in which nothing is lost; None where a current of
    the board is not known."""
    duty = planned_duty(config, split, keep, plan, node, computing(board))
    return duty.millijoules(board.currents, plan.radio)


def deployment(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    board: Board,
    *,
    radios: Sequence[str] = tuple(RADIOS),
    rounds: int = 0,
    options: PlanOptions | None = None,
    given: Plan | None = None,
    sleeping: tuple[Rhythm, Battery] | None = None,
) -> dict:
    """What a deployment needs of each node (the largest figure of all nodes), as JSON: planned for
    each radio under the board's RAM, or for the least RAM where that is not enough, with what else
    ``options`` ask for; ``given`` is the plan for its radio. ``sleeping``: with the ``life`` of
    that battery where nodes sleep between inferences."""
    found: dict = {"nodes": split.nodes, "radios": {}}
    compute = computing(board)
    for name in radios:
        if split.nodes == 1 and given is None and found["radios"]:  # nothing is on the air
            found["radios"][name] = dict(found["radios"][radios[0]])
            continue
        asked = (options or PlanOptions()).on(name, rounds)
        limits = [board.arena_limit(name, split.nodes), asked.ram_limit]
        asked = dataclasses.replace(asked, ram_limit=min(n for n in limits if n is not None))
        try:
            plan = (
                given
                if given is not None and given.radio == name
                else asked.plan(config, split, keep, compute)
            )
        except CatsError:
            least = dataclasses.replace(asked, ram_limit=None, slack=math.inf)
            plan = least.plan(config, split, keep, compute)
        sizes = [node_size(config, split, keep, plan, d) for d in range(split.nodes)]
        nodes = range(split.nodes)
        instructions = max(node_instructions(config, split, keep, plan, d) for d in nodes)
        figures = air_json(config, split, keep, plan, compute)
        arena = max(size.arena_bytes for size in sizes)
        image = max(size.image_bytes for size in sizes)
        reserve = board.reserve(name, split.nodes)
        total = figures["inference_us"]
        duties = [_duty(config, split, keep, plan, d, compute, total) for d in nodes]
        spent = [duty.millijoules(board.currents, name) for duty in duties]
        worst = max(duties, key=lambda duty: duty.millijoules(board.currents, name) or duty.busy_us)
        fits_ram = arena + reserve.ram <= board.ram
        fits_flash = image + reserve.flash <= board.flash
        found["radios"][name] = {
            "arena_bytes": arena,
            "arena_lower_bound": max(size.arena_lower_bound for size in sizes),
            "ram_bytes": arena + reserve.ram,
            "flash_bytes": image + reserve.flash,
            "fits_ram": fits_ram,
            "fits_flash": fits_flash,
            "fits": fits_ram and fits_flash,
            "instructions": round(instructions),
            "weights_read_bytes": max(weights_read(config, split, keep, plan, d) for d in nodes),
            "compute_us": round(compute.microseconds(instructions)),
            "energy_mj": worst.millijoules(board.currents, name),
            "energy_all_mj": None if None in spent else sum(spent),
            "energy_of": dataclasses.asdict(worst),
            "held": plan.held,
            "tile_rows": sorted({gather.tile_rows for gather in plan.gathers}),
            **figures,
        }
        if sleeping is not None:
            quiet = quiet_duties(config, split, keep, plan, compute)
            found["radios"][name]["life"] = life(
                plan, quiet, duties, total, board.currents, *sleeping, compute.clock_hz
            )
        found["image_bytes"] = image
        found["weight_bytes"] = max(size.weight_bytes for size in sizes)
    return found


def even_split(config: ModelConfig, nodes: int, input_split: str) -> SplitConfig:
    """The most even split; with a linear path input and result are all of node 0's."""
    if config.linear:
        return SplitConfig.even(config, nodes, "single", "single")
    return SplitConfig.even(config, nodes, input_split)


def largest_features(
    config: ModelConfig,
    nodes: int,
    board: Board,
    keep: float,
    radio: str,
    input_split: str,
    local: int = 0,
) -> ModelConfig | None:
    """The widest model of this depth and length that ``nodes`` boards hold, heads of the same
    width and the feed-forward in proportion; None where not even the narrowest fits."""
    width, stretch = config.head_width, config.hidden / config.features

    def scaled(heads: int) -> ModelConfig:
        features = heads * width
        return dataclasses.replace(
            config, heads=heads, features=features, hidden=max(nodes, round(stretch * features))
        )

    def fits(heads: int) -> bool:
        model = scaled(heads)
        try:
            split = even_split(model, nodes, input_split)
            kept = ratio_keep(model, split, keep, local) if nodes > 1 else full_keep(model, split)
            # Node 0 has the largest share of all.
            if image_size(model, split, kept, 0)[0] > board.image_limit(radio, nodes):
                return False
            make_plan(model, split, kept, radio=radio, ram_limit=board.arena_limit(radio, nodes))
        except CatsError:
            return False
        return True

    low, high = nodes, int(MAX_COLUMNS / max(width, width * stretch))
    if low > high or not fits(low):
        return None
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return scaled(low)


# Published schemes

#: Activation RAM in bytes, weights a block and values on air a block for 64 tokens, 128 features,
#: 16 heads, 16 nodes, from the comparison in arXiv:2605.15694.
PUBLISHED = {
    "Hu 2024, position-wise": (10272, 65536, 8192),
    "Liu 2025": (7032, 65536, 5120),
}
PUBLISHED_SHAPE = (64, 128, 16, 16)


def published(config: ModelConfig, nodes: int, keep: float) -> list[dict]:
    """The schemes of the literature by their own formulas, one block, one byte a value; schemes
    whose formula is not known here only for the shape that was published."""
    n, f, d = config.tokens, config.features, nodes
    own = f / d
    rows = [
        ("Bochem 2025, all-reduce", n * f * d + n * own, 4 * f * own, 2 * n * f * d),
        ("CATS (paper), all columns", n * f + 4 * n * own, 4 * f * own, 4 * n * f),
    ]  # fmt: skip
    if keep < 1:
        view = own + keep * (f - own)
        rows.append(
            (f"CATS (paper), {keep:.0%} kept", n * view + 4 * n * own, 4 * own * view,
             4 * n * f * keep)
        )  # fmt: skip
    if (n, f, config.heads, d) == PUBLISHED_SHAPE:
        rows = [(name, *figures) for name, figures in PUBLISHED.items()] + rows
    return [
        {
            "scheme": name,
            "activation_bytes": round(ram),
            "weights_a_block": round(weights),
            "values_on_air_a_block": round(air),
        }
        for name, ram, weights, air in rows
    ]


def ours(config: ModelConfig, split: SplitConfig, keep: KeepSets, plan: Plan) -> dict:
    """This deployment in the columns of published(): the arena with tile buffers and scratch, the
    attention weights of a block (which is what the others count), bytes of payload in its
    gathers."""
    block = range(1, block_gather(config, 1))
    air = sum(cut.width * plan.gathers[g].rows for g in block for cut in plan.gathers[g].sources)
    return {
        "scheme": "this plan",
        "activation_bytes": max(arena.size for arena in plan.arenas),
        "weights_a_block": max(
            _attention_weights(config, split, keep, d) for d in range(split.nodes)
        ),
        "values_on_air_a_block": air,
    }


def _attention_weights(config: ModelConfig, split: SplitConfig, keep: KeepSets, node: int) -> int:
    """Weights of the first block's attention on a node: those of queries, keys and values, and of
    its output."""
    first, second = (share(config, split, keep, g, node) for g in (1, 2))
    read = second.view
    if config.parallel_blocks:  # heads, and hidden columns behind those of each node
        columns = parallel_columns(config, split)
        view = node_view(config, split, keep, 2, node)
        read = sum(columns[column] < config.features for column in view)
    return first.view * (first.outputs - 2 * first.beside) + read * second.outputs
