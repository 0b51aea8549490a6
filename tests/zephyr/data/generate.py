# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Writes the deployments of the Zephyr tests, with what the integer reference says of them.

``python tests/zephyr/data/generate.py`` writes them anew; ``--check`` says whether they are what
this source tree makes (tests/python/zephyr/test_zephyr_module.py does that). Losses are drawn here
by a second implementation of subsys/cats/transport/loss.h. For the deployment of samples/node it is
``cats simulate`` that says what comes out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from cats.deploy import export, image, sign
from cats.integer import model as integer
from cats.integer import reference
from cats.integer.model import IntegerModel
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.integer.steps import Steps, stream_of
from cats.plan.plan import Plan
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig

HERE = Path(__file__).resolve().parent
#: Frame type of subsys/cats/gather.
DATA = 1
#: (seed, first source that loses, losses in millionths) of each case; inference i is sample i. The
#: leader's frames are spared where not all are lost: a node that misses its SYNC may miss its own
#: slot, and then more is missing than what the draws say.
LOSSES = ((1, 1, 100_000), (7, 1, 300_000), (0, 0, 1_000_000))
#: Losses of the deployment of samples/node: the leader's frames get lost as well. The first seed by
#: which every node computes every sample and none takes over.
SIMULATED = (100_000, 300_000)
SAMPLE = "demo"
SAMPLES = 3
#: Of these deployments an inference is a step.
STREAMS = ("stream",)
#: A node of a stream that takes no part in some steps, and has no row when it is back.
AWAY, FIRST_AWAY, BACK = 2, 1, 3

#: Deployments: model, nodes' heads, hidden, outputs and inputs, share kept, options of make_plan.
DEPLOYMENTS = {
    "four": (
        ModelConfig(
            tokens_in=6, inputs=5, outputs=10, features=16, heads=4, hidden=24, blocks=2,
            pool="class", activation="gelu",
        ),
        SplitConfig(
            heads=(1, 1, 1, 1), hidden=(6, 9, 4, 5), outputs=(3, 3, 2, 2), inputs=(2, 0, 3, 0)
        ),
        0.75,
        {"radio": "ble_2m", "rounds": 0, "payload": 16},
    ),
    "repaired": (
        ModelConfig(
            tokens_in=7, inputs=3, outputs=4, features=12, heads=3, hidden=16, blocks=1,
            pool="all", activation="relu", causal=True,
        ),
        SplitConfig(heads=(1, 1, 1), hidden=(5, 5, 6), outputs=(2, 1, 1), inputs=(3, 0, 0)),
        1.0,
        {"radio": "ble_2m", "rounds": 2, "payload": 8},
    ),
    "sealed": (
        ModelConfig(
            tokens_in=5, inputs=4, outputs=6, features=16, heads=4, hidden=16, blocks=1,
            pool="mean", activation="gelu",
        ),
        SplitConfig(
            heads=(1, 1, 1, 1), hidden=(4, 4, 4, 4), outputs=(2, 2, 1, 1), inputs=(2, 1, 0, 1)
        ),
        0.75,
        {"radio": "ble_2m+secure", "rounds": 0, "payload": 16},
    ),
    "stream": (
        ModelConfig(
            tokens_in=5, inputs=4, outputs=6, features=16, heads=4, hidden=16, blocks=2,
            pool="mean", activation="gelu", causal=True,
        ),
        SplitConfig(heads=(1, 2, 1), hidden=(5, 6, 5), outputs=(2, 2, 2), inputs=(2, 1, 1)),
        0.75,
        {"radio": "ble_2m", "rounds": 0, "payload": 16},
    ),
    "one": (
        ModelConfig(
            tokens_in=4, inputs=3, outputs=5, features=8, heads=2, hidden=8, blocks=1, pool="mean",
            activation="relu",
        ),
        SplitConfig(heads=(2,), hidden=(8,), outputs=(5,), inputs=(3,)),
        1.0,
        {"radio": "ble_2m", "rounds": 0},
    ),
}  # fmt: skip


def mix(v: int) -> int:
    """cats_loss_mix()."""
    mask = 2**64 - 1
    v = (v + 0x9E3779B97F4A7C15) & mask
    v = ((v ^ (v >> 30)) * 0xBF58476D1CE4E5B9) & mask
    v = ((v ^ (v >> 27)) * 0x94D049BB133111EB) & mask
    return v ^ (v >> 31)


def lost(
    seed: int, ppm: int, model: int, inference: int, gather: int, tile: int, fragment: int,
    source: int, receiver: int,
) -> bool:  # fmt: skip
    """cats_loss_lost() of a DATA frame."""
    v = mix(seed << 32 | (model & 0xFFFF) << 16 | inference)
    v = mix(v ^ (gather << 48 | tile << 32 | source << 24 | receiver << 16 | DATA << 8))
    draw = mix(v ^ fragment) >> 32
    return ppm >= 1_000_000 or draw < ((ppm << 32) + 500_000) // 1_000_000


def arrived(
    model: IntegerModel, plan: Plan, ident: int, case: tuple[int, int, int], inference: int
) -> reference.Availability:
    """What losses leave of an inference without repair."""
    nodes = range(model.split.nodes)
    seed, first, ppm = case
    bits = [
        [
            [
                [
                    [
                        source < first
                        or not lost(seed, ppm, ident, inference, g, tile, f, source, receiver)
                        for f in range(
                            cut.fragments(
                                min(exchange.tile_rows, exchange.rows - tile * exchange.tile_rows)
                            )
                        )
                    ]
                    for source, cut in enumerate(exchange.sources)
                ]
                for receiver in nodes
            ]
            for tile in range(exchange.tiles)
        ]
        for g, exchange in enumerate(plan.gathers)
    ]
    return reference.availability_from_fragments(model, plan, bits)


def array(name: str, values: np.ndarray, kind: str) -> list[str]:
    """A C array of the same shape, one innermost row a line."""

    def write(part: np.ndarray, indent: str) -> list[str]:
        if part.ndim == 1:
            return [f"{indent}{{ {', '.join(str(v) for v in part.tolist())} }},"]
        lines = [f"{indent}{{"]
        for row in part:
            lines += write(row, indent + "\t")
        return [*lines, f"{indent}}},"]

    body = write(values, "")
    dims = "".join(f"[{n}]" for n in values.shape)
    body[-1] = body[-1].rstrip(",") + ";"
    body[0] = f"static const {kind} {name}{dims} = {body[0]}"
    return body


def by_reference(model: IntegerModel, plan: Plan, inputs: np.ndarray) -> np.ndarray:
    """int16 [loss][sample][node][output] of LOSSES."""
    ident = image.model_id(model, plan)
    return np.stack(
        [
            [
                [out.ravel() for out in reference.run(
                    model, sample, arrived(model, plan, ident, case, i))]
                for i, sample in enumerate(inputs)
            ]
            for case in LOSSES
        ]
    )  # fmt: skip


def by_simulation(
    model: IntegerModel, plan: Plan, inputs: np.ndarray
) -> tuple[tuple[tuple[int, int, int], ...], np.ndarray]:
    """SIMULATED as LOSSES, and the same of them, as `cats simulate` gives it."""
    from cats.sim.compare import check
    from cats.sim.faults import Faults
    from cats.sim.simulate import Settings, simulate

    settings = Settings(code_time="none", first_inference=0)
    cases, outputs = [], []
    for ppm in SIMULATED:
        faults, seed, whole = Faults(loss=ppm / 1e6, named=True), 0, False
        while not whole:
            seed += 1
            result = simulate(model, plan, inputs, faults, seed, settings)
            if check(model, plan, inputs, result):
                raise SystemExit(f"seed {seed}, {ppm} ppm: an output is not the reference's")
            whole = result.done.all() and result.submitted.all() and not result.takeovers
        cases.append((seed, 0, ppm))
        outputs.append(result.outputs.reshape(*result.outputs.shape[:2], -1))
    return tuple(cases), np.stack(outputs)


def without(model: IntegerModel, node: int) -> reference.Availability:
    """Everything arrives but what one node would send."""
    heard = reference.everything(model.config, model.split, model.keep)
    alone = reference.random_availability(model, 1.0, np.random.default_rng(0))
    return reference.Availability(
        tuple(
            (has & ~own[:1, node][:, None]) | own[:1]
            for has, own in zip(heard.gathers, alone.gathers, strict=True)
        )
    )


def by_steps(model: IntegerModel, inputs: np.ndarray, away: bool) -> np.ndarray:
    """int16 [step][node][output] of a window."""
    steps, outputs = Steps(model), []
    there = np.arange(model.split.nodes) != AWAY
    for i, rows in enumerate(inputs):
        if away and i == BACK:
            steps.forget(AWAY)
        gone = away and FIRST_AWAY <= i < BACK
        heard = (without(model, AWAY), there) if gone else ()
        outputs.append(steps.step(rows[None], *heard)[0])
    return np.stack(outputs).reshape(len(inputs), model.split.nodes, -1)


def golden(name: str, model: IntegerModel, plan: Plan) -> str:
    """golden.h: inputs, and every node's outputs with nothing lost and, without repair, with
    losses."""
    config, split = model.config, model.split
    ident = image.model_id(model, plan)
    stream = name in STREAMS
    inputs = random_inputs(99, config, config.context if stream else SAMPLES)
    lines = [
        "/*",
        " * SPDX-FileCopyrightText: Copyright The CATS Project",
        " * SPDX-License-Identifier: Apache-2.0",
        " */",
        "",
        f"/* What {'cats simulate' if name == SAMPLE else 'cats.reference'} says of deployment "
        f"{name}. Written by generate.py. */",
        "",
        f"#ifndef GOLDEN_{name.upper()}_H_",
        f"#define GOLDEN_{name.upper()}_H_",
        "",
        "#include <stdint.h>",
        "",
        f"#define GOLDEN_NODES {split.nodes}",
        f"#define GOLDEN_SAMPLES {len(inputs)}",
        f"#define GOLDEN_MODEL_ID 0x{ident:08x}u",
        f"#define GOLDEN_TOKENS {config.tokens_in}",
        f"#define GOLDEN_INPUTS {config.inputs}",
        f"#define GOLDEN_OUTPUTS {config.output_rows * config.outputs}",
        f"#define GOLDEN_ARENA {max(arena.size for arena in plan.arenas)}",
        "",
        "/* [sample][token][input column], all nodes' columns */",
        *array("golden_inputs", inputs, "int8_t"),
        "",
        "/* [sample][output], the same at every node */",
    ]
    if stream:
        lines += [
            *array("golden_outputs", by_steps(model, inputs, False)[:, 0], "int16_t"),
            "",
            f"#define GOLDEN_AWAY {AWAY}",
            f"#define GOLDEN_FIRST_AWAY {FIRST_AWAY}",
            f"#define GOLDEN_BACK {BACK}",
            "/* [sample][node][output]: that node is away from a step on, back without a row */",
            *array("golden_missed", by_steps(model, inputs, True), "int16_t"),
        ]
        return "\n".join([*lines, "", f"#endif /* GOLDEN_{name.upper()}_H_ */", ""])
    clean = np.stack([reference.run(model, sample)[0].ravel() for sample in inputs])
    lines += array("golden_outputs", clean, "int16_t")
    if plan.rounds == 0 and split.nodes > 1:
        if name == SAMPLE:
            cases, lossy = by_simulation(model, plan, inputs)
        else:
            cases, lossy = LOSSES, by_reference(model, plan, inputs)
        lines += [
            "",
            f"#define GOLDEN_LOSSES {len(cases)}",
            "/* seed, first source that loses, millionths */",
            *array("golden_losses", np.array(cases), "uint32_t"),
            "",
            "/* [loss][sample][node][output]; inference i is sample i */",
            *array("golden_lossy", lossy, "int16_t"),
        ]
    return "\n".join([*lines, "", f"#endif /* GOLDEN_{name.upper()}_H_ */", ""])


def signature(packed: bytes) -> dict[str, bytes]:
    """{path: content}: an image signed with a key that everybody knows, and that key's Kconfig."""
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.derive_private_key(1234567890, ec.SECP256R1())
    lines = [
        "# SPDX-FileCopyrightText: Copyright The CATS Project",
        "# SPDX-License-Identifier: Apache-2.0",
        "# Written by generate.py. The private key is no secret.",
        f'CONFIG_CATS_UPDATE_PUBLIC_KEY="{sign.public_point(key).hex()}"',
    ]
    return {
        f"one/{export.node_folder(0)}/{export.SIGNED}": sign.signed(packed, key),
        "one/public_key.conf": ("\n".join(lines) + "\n").encode(),
    }


def files(name: str) -> dict[str, bytes]:
    """{path below data/: content} of one deployment."""
    if name == SAMPLE:
        model, plan, _, _ = export.load_deploy(HERE.parents[2] / "samples" / "node" / "deploy")
        return {f"{name}/golden.h": golden(name, model, plan).encode()}
    config, split, ratio, options = DEPLOYMENTS[name]
    seed = sum(name.encode())
    model = random_model(seed, config, split, random_keep(seed, config, split, ratio))
    model = stream_of(model) if name in STREAMS else model
    integer.check_integer(model)
    plan = make_plan(model.config, split, model.keep, **options)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / name
        export.export(model, out, **options)
        suffixes = {"four": (".bin", ".h"), "sealed": (".h",), "stream": (".h",)}.get(
            name, (".bin",)
        )
        wanted = [p for p in sorted(out.rglob("*")) if p.suffix in suffixes]
        found = {f"{name}/{p.relative_to(out)}": p.read_bytes() for p in wanted}
    if name == "one":
        found |= signature(found[f"one/{export.node_folder(0)}/{export.BINARY}"])
    return {**found, f"{name}/golden.h": golden(name, model, plan).encode()}


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args()
    differ = []
    for name in [*DEPLOYMENTS, SAMPLE]:
        for path, content in files(name).items():
            at = HERE / path
            if at.is_file() and at.read_bytes() == content:
                continue
            differ.append(path)
            if not arguments.check:
                at.parent.mkdir(parents=True, exist_ok=True)
                at.write_bytes(content)
    for path in differ:
        print(("differs: " if arguments.check else "wrote ") + path)
    return int(arguments.check and bool(differ))


if __name__ == "__main__":
    sys.exit(main())
