# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The golden vectors: random models, how they are deployed, and every byte of what they compute.

``PYTHONPATH=scripts python -m vectors tests/vectors`` writes them again.
"""

from __future__ import annotations

import json
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cats.deploy import image
from cats.integer import model as integer
from cats.integer.model import IntegerModel
from cats.integer.random_models import random_inputs, random_keep, random_model, random_split
from cats.integer.reference import (
    FragmentBits,
    availability_from_fragments,
    random_fragments,
    run,
)
from cats.plan.plan import Plan, exchange_order, plan_from_json, plan_to_json
from cats.plan.planner import make_plan
from cats.report import read_json
from cats.shape.config import ModelConfig, SplitConfig, to_json
from cats.shape.partition import local_keep


@dataclass(frozen=True)
class Case:
    """One folder of ``tests/vectors``: a random model, how it is deployed, and what is lost."""

    name: str
    about: str
    config: ModelConfig
    nodes: int
    seed: int
    ratio: float = 1.0
    empty: float = 0.0
    local: int = 0
    wild: bool = False
    even: bool = False
    shares: tuple[int, ...] = ()
    plan: dict[str, object] = field(default_factory=dict)

    @property
    def split(self) -> SplitConfig:
        """Who owns what."""
        if self.shares:
            return SplitConfig.by_shares(self.config, self.shares, "channels", "single")
        if self.even:
            return SplitConfig.even(self.config, self.nodes)
        return random_split(self.seed, self.config, self.nodes)

    @property
    def model(self) -> IntegerModel:
        """The quantised model."""
        split = self.split
        keep = random_keep(self.seed, self.config, split, self.ratio, self.empty)
        keep = local_keep(self.config, keep, self.local)
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
            "two_linear",
            "a linear path from the window to the result, at one of two nodes",
            2,
            dict(
                tokens_in=6,
                inputs=5,
                outputs=8,
                features=18,
                heads=3,
                hidden=11,
                blocks=1,
                causal=True,
                pool="last",
                task="forecast",
                linear=True,
            ),
            plan=dict(tile_rows=4),
        ),
        _case(
            "three_mean_of_norm",
            "the mean of normed rows, tile by tile; pruned, and a linear path",
            3,
            dict(
                tokens_in=7,
                inputs=3,
                outputs=5,
                features=20,
                heads=5,
                hidden=13,
                blocks=1,
                activation="relu",
                pool="mean_of_norm",
                linear=True,
            ),
            ratio=0.6,
            plan=dict(tile_rows=2, block_rows=2),
        ),
        _case(
            "four_mean_of_norm",
            "the mean of normed rows at four nodes, each with some of the result",
            4,
            dict(
                tokens_in=9,
                inputs=4,
                outputs=9,
                features=24,
                heads=6,
                hidden=10,
                blocks=1,
                pool="mean_of_norm",
            ),
            plan=dict(payload=7, tile_rows=4),
        ),
        _case(
            "four_own_embedding",
            "each node embeds its own inputs, one has none: nobody sends any; pruned, repair",
            4,
            dict(
                tokens_in=6,
                inputs=5,
                outputs=4,
                features=24,
                heads=6,
                hidden=14,
                blocks=1,
                pool="class",
                embed="own",
            ),
            ratio=0.5,
            plan=dict(rounds=1),
        ),
        _case(
            "three_own_layers",
            "the same by two layers, of which the first is wider than any view",
            3,
            dict(
                tokens_in=7,
                inputs=6,
                outputs=5,
                features=15,
                heads=5,
                hidden=9,
                blocks=1,
                embed="own",
                embed_hidden=77,
            ),
            ratio=0.4,
            plan=dict(block_rows=3, interleave=True, tile_rows=3),
        ),
        _case(
            "four_stem",
            "each node has a stem, wider than any view: INPUT carries what they make of inputs",
            4,
            dict(
                tokens_in=9,
                inputs=86,
                outputs=4,
                features=20,
                heads=5,
                hidden=14,
                blocks=1,
                pool="class",
                embed="stem",
                embed_hidden=11,
            ),
            ratio=0.5,
            plan=dict(rounds=1, tile_rows=4, block_rows=2),
        ),
        _case(
            "two_stem_single",
            "node 0 has all inputs and their stem; payloads so small that a row is cut",
            2,
            dict(
                tokens_in=5,
                inputs=6,
                outputs=3,
                features=16,
                heads=2,
                hidden=10,
                blocks=1,
                embed="stem",
                embed_hidden=13,
            ),
            even=True,
            plan=dict(payload=7),
        ),
        _case(
            "four_some_sense",
            "node 1 and a bit of node 3 compute, the others send what signed stems make of inputs",
            4,
            dict(
                tokens_in=5,
                inputs=11,
                outputs=4,
                features=24,
                heads=6,
                hidden=14,
                blocks=2,
                embed="stem",
                embed_hidden=9,
                signed_stem=True,
            ),
            ratio=0.6,
            empty=0.2,
            shares=(0, 4, 0, 1),
            plan=dict(rounds=1, held=True, heads_per_pass=2, tile_rows=5),
        ),
        _case(
            "four_empty_gathers",
            "a local block; of the other one some gathers, and some sources, keep nothing; repair",
            4,
            dict(
                tokens_in=5,
                inputs=6,
                outputs=4,
                features=24,
                heads=6,
                hidden=14,
                blocks=2,
                embed="own",
            ),
            ratio=0.6,
            empty=0.2,
            local=1,
            plan=dict(rounds=1, interleave=True, tile_rows=2),
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
        sys.exit("usage: python -m vectors DIR (writes the golden vectors, tests/vectors)")
    write_vectors(Path(sys.argv[1]))
