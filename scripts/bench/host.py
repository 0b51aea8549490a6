# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``make bench-host``: how long export and simulation of a large deployment take on this machine.

The simulation is compared with the bare engine: the same inference, counted is only the time inside
``cats_engine_produce()`` and ``cats_engine_consume()`` of all nodes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from cats.deploy.export import export, load_deploy
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.plan.predict import parameters
from cats.report import add_json_argument, print_table, write_json
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import input_ranges
from cats.sim.compare import check
from cats.sim.engine import Engine
from cats.sim.faults import Faults
from cats.sim.simulate import simulate

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """(what it returns, seconds of processor time)."""
    begin = time.process_time()
    return work(), time.process_time() - begin


def bare(images: Sequence[bytes], inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    """(node 0's output, seconds inside the engines) of one inference without any loss; ``inputs``
    are the nodes' own."""
    engines = [Engine(data) for data in images]
    total = 0.0
    for engine, own in zip(engines, inputs, strict=True):
        engine.begin(own)
    for x in engines[0].exchanges():
        for engine in engines:
            total += timed(lambda e=engine, x=x: e.produce(x))[1]
        for engine in engines:
            for f in range(engine.fragments(x, engine.node)):
                payload = engine.payload(x, f)
                for other in engines:
                    if other is not engine:
                        other.place(x, engine.node, f, payload)
        for engine in engines:
            total += timed(lambda e=engine, x=x: e.consume(x))[1]
    return engines[0].output(), total


def measure(config: ModelConfig, nodes: int, keep: float, samples: int, folder: Path) -> dict:
    """All figures, as JSON."""
    split = SplitConfig.even(config, nodes, "channels")
    model = random_model(1, config, split, random_keep(1, config, split, keep))
    _, exporting = timed(lambda: export(model, folder, radio="ble_2m", rounds=2, force=True))
    (model, plan, _, images), loading = timed(lambda: load_deploy(folder))
    inputs = random_inputs(1, config, samples)
    own = [inputs[0, :, begin:end] for begin, end in input_ranges(split)]
    output, engine = bare(images, own)
    runs = {}
    for name, loss in (("clean", 0.0), ("lossy", 0.1)):
        result, seconds = timed(
            lambda loss=loss: simulate(model, plan, inputs, Faults(loss=loss), images=images)
        )
        wrong, checking = timed(lambda r=result: check(model, plan, inputs, r, 1))
        if wrong or (name == "clean" and not np.array_equal(result.outputs[0, 0], output)):
            raise RuntimeError("the nodes' outputs are not the reference's")
        runs[name] = {
            "inferences_a_second": samples / seconds,
            "over_bare": seconds / samples / engine,
            "check_seconds": checking,
        }
    return {
        "parameters": parameters(config),
        "nodes": nodes,
        "export_seconds": exporting,
        "load_seconds": loading,
        "bare_inferences_a_second": 1 / engine,
        **runs,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m bench.host``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--features", type=int, default=512, help="and hidden columns (512)")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=2)
    parser.add_argument("--nodes", type=int, default=16)
    parser.add_argument("--keep", type=float, default=0.5, help="share of columns sent (0.5)")
    parser.add_argument("--samples", type=int, default=5, help="inferences (5)")
    add_json_argument(parser)
    args = parser.parse_args(arguments)
    config = ModelConfig(
        tokens_in=args.tokens, inputs=16, outputs=16, features=args.features, heads=16,
        hidden=args.features, blocks=args.blocks,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        found = measure(config, args.nodes, args.keep, args.samples, Path(folder) / "deploy")
    if args.json:
        write_json(args.json, found)
    if args.json != "-":
        print_table(
            ["processor time", "seconds", "inferences a second", "over bare"],
            [
                ["export", found["export_seconds"], None, None],
                ["load and verify", found["load_seconds"], None, None],
                ["bare engine", None, found["bare_inferences_a_second"], 1.0],
                *(
                    [f"simulation, {what}", None, found[name]["inferences_a_second"],
                     found[name]["over_bare"]]
                    for name, what in (("clean", "nothing lost"), ("lossy", "10 % lost"))
                ),
                ["reference for one", found["clean"]["check_seconds"], None, None],
            ],
            f"{found['parameters']:,} parameters on {found['nodes']} nodes",
        )  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
