# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Random integer models: for property tests, and for the golden vectors of ``tests/vectors``.

Draws come from ``numpy.random.RandomState``, whose stream is frozen, and are whole numbers, so that
a seed gives the same model everywhere and for ever.
"""

from __future__ import annotations

import json
import math
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cats import image, integer
from cats.config import ModelConfig, SplitConfig, read_json, to_json
from cats.integer import (
    MAX_BIAS,
    IntegerModel,
    Norm,
    Product,
    Step,
    fixed_point,
    product_outputs,
)
from cats.partition import (
    PRUNABLE,
    KeepSets,
    Kind,
    full_keep,
    gather_count,
    gather_kind,
    gather_width,
    own_ranges,
)
from cats.plan import Plan, plan_from_json, plan_to_json
from cats.planner import exchange_order, make_plan
from cats.reference import (
    FragmentBits,
    availability_from_fragments,
    random_fragments,
    run,
)

#: Typical size (standard deviation) of a random model's tensors, in their integers.
_INT8, _RESIDUAL, _OUTPUT = 40, 3000, 8000


def random_split(seed: int, config: ModelConfig, nodes: int) -> SplitConfig:
    """An uneven split; inputs and outputs may leave nodes with nothing."""
    rng = np.random.RandomState(seed)

    def cut(total: int, least: int) -> tuple[int, ...]:
        free = total - least * nodes
        marks = np.sort(rng.randint(0, free + 1, nodes - 1))
        parts = np.diff(np.concatenate(([0], marks, [free]))) + least
        return tuple(int(part) for part in parts)

    return SplitConfig(
        heads=cut(config.heads, 1),
        hidden=cut(config.hidden, 1),
        outputs=cut(config.outputs, 0),
        inputs=cut(config.inputs, 0),
    )


def random_keep(seed: int, config: ModelConfig, split: SplitConfig, ratio: float) -> KeepSets:
    """Each source keeps about ``ratio`` of its columns, at least one, in each prunable gather."""
    rng = np.random.RandomState(seed)
    keep = full_keep(config, split)
    for g, sources in enumerate(keep):
        if gather_kind(config, g)[0] not in PRUNABLE:
            continue
        for s, columns in enumerate(sources):
            count = max(1, round(ratio * len(columns)))
            sources[s] = tuple(sorted(rng.permutation(columns)[:count].tolist()))
    return keep


def random_inputs(seed: int, config: ModelConfig, samples: int = 1) -> np.ndarray:
    """int8 [samples, tokens_in, P], all 256 values."""
    shape = (samples, config.tokens_in, config.inputs)
    return np.random.RandomState(seed).randint(-128, 128, shape).astype(np.int8)


def random_model(
    seed: int,
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets | None = None,
    wild: bool = False,
) -> IntegerModel:
    """An integer model of random weights whose tensors use their ranges and saturate now and then.

    ``wild``: legal but extreme numbers instead (weights of -127 and 127, large biases, gains of
    both ends, multipliers and shifts over their whole range, epsilon 0 and 2^32 - 1); much of what
    they give saturates or vanishes.
    """
    config.check()
    split.check(config)
    keep = full_keep(config, split) if keep is None else keep
    steps = tuple(
        _random_step(np.random.RandomState([seed, g]), config, split, keep, g, wild)
        for g in range(gather_count(config))
    )
    return IntegerModel(config, split, keep, 1 / 64, 1 / 4096, steps)


def _random_step(
    rng: np.random.RandomState,
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    g: int,
    wild: bool,
) -> Step:
    kind, block = gather_kind(config, g)
    if kind == Kind.RESULT:
        return Step()
    fields: dict = {}
    width = gather_width(config, kind)
    outputs = product_outputs(config, kind)

    # The largest view of any node, for the size of the sums.
    kept = sum(len(columns) for columns in keep[g])
    ranges = own_ranges(config, split, kind)
    view = max(
        kept + end - begin - len(own) for (begin, end), own in zip(ranges, keep[g], strict=True)
    )
    target = {
        Kind.INPUT: _RESIDUAL,
        Kind.HEADS: _RESIDUAL / 2,
        Kind.HIDDEN: _RESIDUAL / 2,
        Kind.OUTPUT: _OUTPUT,
    }.get(kind, _INT8)
    size = {Kind.INPUT: 74, Kind.HIDDEN: 25}.get(kind, _INT8)
    typical = math.sqrt(max(view, 1)) * size * 73  # 73: of a weight uniform in -127..127
    fields["product"] = _random_product(rng, width, outputs, kind, target / typical, typical, wild)

    if kind == Kind.INPUT:
        size = 20000 if wild else _RESIDUAL
        table = rng.randint(-2 * size, 2 * size + 1, (config.tokens, config.features))
        fields["table"] = np.clip(table, -32768, 32767).astype(np.int16)
    if kind == Kind.FORWARD and config.activation == "gelu":
        fields["table"] = _random_table(rng, wild)
    if kind in (Kind.ATTENTION, Kind.FORWARD, Kind.OUTPUT):
        fields["norm"] = _random_norm(rng, config.features, wild)
        factor = _INT8 / (_RESIDUAL * math.sqrt(1 + block / 2))
        if kind == Kind.OUTPUT and config.pool == "mean":
            factor /= config.tokens**0.75
        multiplier, shift = fixed_point(np.array([factor]))
        fields["send_multiplier"] = int(multiplier[0])
        fields["send_shift"] = shift
        if wild:
            fields["send_multiplier"] = int(rng.randint(1, 1 << 31))
            fields["send_shift"] = int(rng.randint(24, 45))
    if kind == Kind.HEADS:
        score = 512 / (math.sqrt(config.head_width) * _INT8 * _INT8)  # one sigma: two log2 units
        fields["score_multiplier"] = int(2.0**32 * min(score, 0.99))
        fields["value_multiplier"] = int(rng.randint(1 << 30, 1 << 31))
        fields["value_shift"] = 44 if config.tokens < 64 else 43
        if wild:
            fields["score_multiplier"] = int(rng.randint(0, 1 << 32)) >> int(rng.randint(0, 33))
            fields["value_shift"] = int(rng.choice([1, 30, 43, 44, 45, 50, 62]))
    return Step(**fields)


def _random_product(
    rng: np.random.RandomState,
    width: int,
    outputs: int,
    kind: Kind,
    factor: float,
    typical: float,
    wild: bool,
) -> Product:
    weight = rng.randint(-127, 128, (width, outputs))
    bias = rng.randint(-int(typical), int(typical) + 1, outputs)
    columns = factor * rng.randint(512, 1025, outputs) / 1024
    multiplier, shift = fixed_point(columns)
    if wild:
        weight = np.where(rng.randint(0, 2, weight.shape), np.sign(weight) * 127, weight)
        bias = rng.randint(-MAX_BIAS, MAX_BIAS + 1, outputs) >> rng.randint(0, 31, outputs)
        multiplier = 1 + (rng.randint(0, (1 << 31) - 1, outputs) >> rng.randint(0, 31, outputs))
        shift = int(rng.randint(36, 47) if rng.randint(0, 3) else rng.choice([1, 2, 31, 32, 62]))
    if kind == Kind.INPUT:
        bias = np.zeros(outputs, int)
    return Product(
        weight.astype(np.int8), bias.astype(np.int32), multiplier.astype(np.int32), shift
    )


def _random_table(rng: np.random.RandomState, wild: bool) -> np.ndarray:
    """int8 [256]: about GELU over -4..4 with steps of 1/32, or anything."""
    if wild:
        return rng.randint(-128, 128, 256).astype(np.int8)
    x = np.arange(-128, 128) / 32
    erf = np.array([math.erf(v / math.sqrt(2)) for v in x])
    return np.rint(16 * x * (1 + erf)).astype(np.int8)


def _random_norm(rng: np.random.RandomState, columns: int, wild: bool) -> Norm:
    gain = rng.randint(6000, 12000, columns) * rng.choice([-1, 1, 1, 1], columns)
    bias = rng.randint(-4000, 4001, columns)
    epsilon = int(rng.randint(1, 2000))
    if wild:
        gain = rng.choice([-32768, -1, 0, 1, 300, 8192, 32767], columns)
        bias = rng.choice([-32768, -256, 0, 1, 32767], columns)
        epsilon = int(rng.choice([0, 1, 65536, (1 << 32) - 1]))
    return Norm(gain.astype(np.int16), bias.astype(np.int16), epsilon)


# The golden vectors


@dataclass(frozen=True)
class Case:
    """One folder of ``tests/vectors``: a random model, how it is deployed, and what is lost."""

    name: str
    about: str
    config: ModelConfig
    nodes: int
    seed: int
    ratio: float = 1.0
    wild: bool = False
    even: bool = False
    plan: dict[str, object] = field(default_factory=dict)

    @property
    def split(self) -> SplitConfig:
        """Who owns what."""
        if self.even:
            return SplitConfig.even(self.config, self.nodes)
        return random_split(self.seed, self.config, self.nodes)

    @property
    def model(self) -> IntegerModel:
        """The quantised model."""
        split = self.split
        keep = random_keep(self.seed, self.config, split, self.ratio)
        return random_model(self.seed, self.config, split, keep, self.wild)


def _case(
    name: str, about: str, nodes: int, shape: dict, plan: dict | None = None, **options: object
) -> Case:
    config = ModelConfig(**shape)
    config.check()
    whole = dict(  # leaves nothing to the planner's judgement
        radio="ieee802154", rounds=0, tile_rows=4, interleave=False, held=False, block_rows=4
    )
    seed = zlib.crc32(name.encode())
    return Case(name, about, config, nodes, seed, plan=whole | (plan or {}), **options)


def cases() -> list[Case]:
    """All golden cases."""
    return [
        _case(
            "one_node",
            "the plain transformer: no gather moves anything",
            1,
            dict(tokens_in=5, inputs=3, outputs=4, features=12, heads=3, hidden=7, blocks=2),
        ),
        _case(
            "one_token",
            "every dimension as small as it gets",
            1,
            dict(tokens_in=1, inputs=1, outputs=1, features=1, heads=1, hidden=1, blocks=1),
        ),
        _case(
            "two_causal",
            "causal, ReLU, the last row; pruned, no gathers interleaved",
            2,
            dict(
                tokens_in=9,
                inputs=5,
                outputs=7,
                features=20,
                heads=4,
                hidden=13,
                blocks=2,
                causal=True,
                activation="relu",
                pool="last",
                task="forecast",
            ),
            ratio=0.5,
            plan=dict(tile_rows=3),
        ),
        _case(
            "two_class",
            "class token; uneven, pruned, interleaved tile by tile, one repair round",
            2,
            dict(
                tokens_in=8,
                inputs=6,
                outputs=5,
                features=18,
                heads=3,
                hidden=11,
                blocks=2,
                pool="class",
            ),
            ratio=0.6,
            plan=dict(interleave=True, tile_rows=2, rounds=1),
        ),
        _case(
            "three_segments",
            "frames of so few bytes that each row is cut into segments; all rows read",
            3,
            dict(
                tokens_in=5,
                inputs=7,
                outputs=9,
                features=30,
                heads=6,
                hidden=17,
                blocks=1,
                causal=True,
                pool="all",
                task="forecast",
            ),
            plan=dict(payload=5, tile_rows=2, interleave=True, block_rows=3),
        ),
        _case(
            "three_wild",
            "extreme numbers: most of what is computed saturates",
            3,
            dict(
                tokens_in=6,
                inputs=4,
                outputs=5,
                features=16,
                heads=4,
                hidden=9,
                blocks=2,
                pool="all",
            ),
            ratio=0.7,
            wild=True,
            plan=dict(block_rows=2),
        ),
        _case(
            "four_even",
            "an even split with all columns kept: any number of nodes gives these bytes",
            4,
            dict(tokens_in=8, inputs=8, outputs=10, features=32, heads=4, hidden=24, blocks=1),
            even=True,
            plan=dict(interleave=True),
        ),
        _case(
            "four_held",
            "kept columns of all rows are held, q, k, v computed two heads at a time; pruned",
            4,
            dict(
                tokens_in=7,
                inputs=6,
                outputs=3,
                features=27,
                heads=9,
                hidden=15,
                blocks=2,
            ),
            ratio=0.3,
            plan=dict(held=True, heads_per_pass=2, interleave=True, tile_rows=3, rounds=2),
        ),
        _case(
            "sixteen",
            "as many nodes as there may be, some without input or output",
            16,
            dict(
                tokens_in=3,
                inputs=4,
                outputs=5,
                features=16,
                heads=16,
                hidden=17,
                blocks=1,
                activation="relu",
                pool="last",
            ),
            ratio=0.5,
            plan=dict(tile_rows=2, block_rows=1),
        ),
    ]


#: Name of the file with a case's plan.
PLAN = "plan.json"
#: What is lost in each run of a case: name and probability for each fragment and receiver.
RUNS = (("clean", 0.0), ("lossy", 0.3), ("deaf", 1.0))


def new_plan(case: Case) -> Plan:
    """The plan of a case as the planner makes it today."""
    return make_plan(case.config, case.split, case.model.keep, **case.plan)


def case_files(case: Case, plan: Plan) -> dict[str, bytes]:
    """Name and content of each file of a case's folder; ``tests/vectors/README.rst`` says what
    they hold."""
    model, config = case.model, case.config
    ident = image.model_id(model, plan)
    inputs = random_inputs(case.seed, config)[0]
    files = integer.to_files(model)
    files["input.bin"] = inputs.tobytes()
    for d in range(case.nodes):
        files[f"node_{d:02d}.bin"] = image.pack(model, plan, d, ident)
    for name, loss in RUNS:
        bits = random_fragments(model, plan, loss, np.random.RandomState(case.seed))
        has = availability_from_fragments(model, plan, bits)
        seen: dict[str, np.ndarray] = {}
        outputs = run(model, inputs, has, seen.__setitem__)
        residuals = [0] + [4 + 4 * b for b in range(config.blocks)]
        files[f"{name}.available.bin"] = _pack_bits(plan, bits)
        files[f"{name}.residual.bin"] = b"".join(
            seen[f"residual{g}"].astype("<i2").tobytes() for g in residuals
        )
        files[f"{name}.sent.bin"] = b"".join(
            seen[f"sent{g}"].astype("<i2" if g == len(model.steps) - 1 else "i1").tobytes()
            for g in range(len(model.steps))
        )
        files[f"{name}.output.bin"] = np.stack(outputs).astype("<i2").tobytes()
    about = {
        "name": case.name,
        "about": case.about,
        "seed": case.seed,
        "nodes": case.nodes,
        "model": to_json(config),
        "split": to_json(model.split),
        "plan": case.plan,
        "model_id": f"{ident:08x}",
        "runs": {name: loss for name, loss in RUNS},
    }
    files[PLAN] = (json.dumps(plan_to_json(plan)) + "\n").encode()
    files["case.json"] = (json.dumps(about, indent=1) + "\n").encode()
    return files


def _pack_bits(plan: Plan, bits: FragmentBits) -> bytes:
    """[exchanges][receiver D][source D][bytes]: bit f % 8 of byte f / 8 is fragment f's; as many
    bytes as the source with the most fragments needs. A node has all of its own."""
    most = max(
        cut.fragments(exchange.tile_rows) for exchange in plan.gathers for cut in exchange.sources
    )
    width = max(1, -(-most // 8))
    out = b""
    for g, tile in exchange_order([(p.phase, p.tiles) for p in plan.gathers]):
        for receiver, sources in enumerate(bits[g][tile]):
            for source, arrived in enumerate(sources):
                arrived = np.asarray(arrived, bool) | (source == receiver)
                packed = np.packbits(arrived, bitorder="little").tobytes()
                out += packed.ljust(width, b"\0")
    return out


def write_vectors(folder: Path) -> None:
    """Write every case into its folder below ``folder``; other files there stay.

    A plan that is there already is kept, so that the vectors stand still while the planner learns;
    to take the planner's plan of today, remove the plan first.
    """
    for case in cases():
        path = folder / case.name
        path.mkdir(parents=True, exist_ok=True)
        kept = (path / PLAN).exists()
        plan = plan_from_json(read_json(path / PLAN)) if kept else new_plan(case)
        for name, data in case_files(case, plan).items():
            (path / name).write_bytes(data)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m cats.vectors DIR (writes the golden vectors, tests/vectors)")
    write_vectors(Path(sys.argv[1]))
