#!/usr/bin/env python3
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a token takes, and where its milliseconds go: tables of doc/streams.rst.

``make streams-report`` plans what the page compares; weights are random, since time does not depend
on them. With ``ARGS="--stories RUN"``, what ``cats import`` made of stories260K, it runs the nodes'
C code on the simulated air as well, code and computing in time: what is replicated against repair,
of that model and of ``samples/storyteller``. What BabbleSim says of the same models is printed by
``pytest -m bsim tests/python/zephyr/test_bsim_text.py``.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from cats.cli import main as cats_main
from cats.deploy.export import CANDIDATES
from cats.integer.llama_stream import gathers_of, stream_of
from cats.integer.model import IntegerModel
from cats.integer.random_llama import random_llama
from cats.plan.boards import board_named
from cats.plan.code_time import FRAME_HEADER
from cats.plan.plan import Plan, exchange_us, opening_us, openings
from cats.plan.planner import make_plan
from cats.plan.predict import deployment, parameters
from cats.plan.streaming import beside_window
from cats.plan.timing import mode_of, timing_of
from cats.report import number_text, read_json, write_atomic
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import full_keep
from report.page import fill, rst_table

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "doc" / "streams.rst"
STORYTELLER = ROOT / "samples" / "storyteller" / "deploy"
BOARD = board_named("nrf52840")
#: Of 10.2 million parameters.
LARGE = ModelConfig(
    tokens_in=256, inputs=256, outputs=256, features=448, heads=16, hidden=1280, blocks=4,
    causal=True, activation="silu", pool="all", norm="rms", position="rotary",
    feed_forward="gated", kv_heads=16, bias=False, tied=True, vocabulary=True,
)  # fmt: skip
#: About the largest of two blocks that sixteen nRF52840 hold (doc/performance.rst, "Scaling").
LARGEST = {
    "sequential": {"blocks": 2, "tied": False, "features": 736, "hidden": 2384},
    "parallel": {"blocks": 2, "tied": False, "features": 832, "hidden": 1872},
}
#: 10.3 million stored parameters, 9.8 million of them in rows, of which a step reads one.
STORED = dataclasses.replace(
    LARGE, tokens_in=128, inputs=20480, outputs=20480, features=96, heads=4, hidden=256, kv_heads=4,
    parallel_blocks=True, layer_tables=True,
)  # fmt: skip
#: The shape of samples/storyteller.
SMALL = dataclasses.replace(
    LARGE, inputs=65, outputs=65, features=96, heads=8, hidden=256, kv_heads=4
)
#: Of sensors: two blocks, 64 tokens of 128 features.
SENSORS = ModelConfig(
    tokens_in=1, context=64, inputs=16, outputs=16, features=128, heads=16, hidden=128, blocks=2,
    causal=True, pool="last",
)  # fmt: skip
BLOCKS = ("sequential", "parallel")
#: What the milliseconds of a token go to.
PARTS = (
    "payload on the air", "headers, preambles, checks", "transmitters' ramp-up",
    "guard times of slots", "openings (SYNC)", "turning around behind them", "computing",
    "frames made and taken in, jobs",
)  # fmt: skip


def stored_split() -> SplitConfig:
    """STORED on sixteen nodes, of which four compute."""
    return SplitConfig.by_shares(STORED, [1] * 4 + [0] * 12, "channels", "even").with_rows(STORED)


def random_stream(config: ModelConfig, split: SplitConfig, replicate: str = "") -> IntegerModel:
    """With random weights: how long a step takes does not depend on what they are."""
    llama = random_llama(1, config, split)
    return gathers_of(stream_of(llama, CANDIDATES, bool(config.layer_tables), replicate))


def planned(
    config: ModelConfig,
    split: SplitConfig,
    radio: str,
    blocks: str = "sequential",
    rounds: int = 0,
    replicate: str = "",
) -> tuple[IntegerModel, Plan, dict]:
    """A model of these blocks as a stream, its plan and what it takes."""
    config = dataclasses.replace(config, parallel_blocks=blocks == "parallel")
    model = random_stream(config, split, replicate)
    plan = make_plan(model.config, split, model.keep, radio=radio, rounds=rounds)
    found = deployment(
        model.config, split, model.keep, BOARD, radios=(radio,), rounds=rounds, given=plan
    )
    return model, plan, found["radios"][radio]


#: The columns of _step().
STEP = ["frames", "ms", "tokens/s", "mJ a node", "mJ all"]


def _step(takes: dict) -> list[str]:
    """Cells of what a step takes."""
    ms = takes["inference_us"] / 1e3
    rest = (ms, 1e3 / ms, takes["energy_mj"], takes["energy_all_mj"])
    return [str(takes["frames"]), *map(number_text, rest)]


def parallel_table() -> str:
    """Of the same shape, blocks that exchange four times and twice."""
    rows = []
    for config, nodes in ((SMALL, 4), (SMALL, 16), (LARGE, 16)):
        for blocks in BLOCKS:
            split = SplitConfig.even(config, nodes)
            _, _, takes = planned(config, split, "nrf_radio", blocks)
            millions = number_text(parameters(config, split) / 1e6)
            model = f"{millions} million, {config.blocks} blocks, {config.features} features"
            rows.append([model, str(nodes), blocks, *_step(takes)])
    return rst_table(["model", "nodes", "blocks", *STEP], rows)


def trained_table() -> str:
    """Tokens a second of the models that ``make parallel-report`` trains."""
    config = dataclasses.replace(SMALL, tokens_in=128)
    ways = [(rounds, replicate) for replicate in ("", "residual") for rounds in (0, 2)]
    rows = []
    for blocks in BLOCKS:
        split = SplitConfig.even(config, 4)
        takes = [planned(config, split, "nrf_radio", blocks, *way)[2] for way in ways]
        rows.append([blocks, *(f"{1e6 / one['inference_us']:.1f}" for one in takes)])
    head = ["tokens a second", *(
        ("2 rounds" if rounds else "no repair") + (", residual replicated" if replicate else "")
        for rounds, replicate in ways
    )]  # fmt: skip
    return rst_table(head, rows)


def large_table() -> str:
    """Ten million parameters and more on sixteen nodes, by radio."""
    rows = []
    for radio, changed in (("nrf_radio", False), ("nrf_radio", True), ("ieee802154", False)):
        for blocks in BLOCKS:
            config = dataclasses.replace(LARGE, **(LARGEST[blocks] if changed else {}))
            split = SplitConfig.even(config, 16)
            _, _, takes = planned(config, split, radio, blocks)
            millions = f"{parameters(config, split) / 1e6:.1f} million"
            rows.append([radio, millions, blocks, *_step(takes)])
    return rst_table(["transport", "parameters", "blocks", *STEP], rows)


def parts(model: IntegerModel, plan: Plan) -> dict[str, float]:
    """Milliseconds of a token by what they go to."""
    timing, mode = timing_of(model.config, model.split, model.keep, plan), mode_of(plan)
    air, told = timing.air, Counter({"openings (SYNC)": opening_us(plan.gathers[0], timing.air)})
    for g, gather in enumerate(plan.gathers):
        frames = sum(cut.fragments(1) for cut in gather.sources)
        found = {
            "payload on the air": sum(cut.width for cut in gather.sources) * air.byte_us,
            "headers, preambles, checks": frames * (FRAME_HEADER + air.overhead) * air.byte_us,
            "transmitters' ramp-up": frames * air.ramp_us,
        }
        found["guard times of slots"] = frames * gather.slot_us - sum(found.values())
        on_air, computing = exchange_us(gather, 1, air), timing.computing(g, 1, mode)
        opens = openings(gather, 1) * gather.control_us if gather.opens else 0
        told.update(found)
        told.update({
            "openings (SYNC)": opens,
            "turning around behind them": on_air - frames * gather.slot_us - opens,
            "computing": computing,
            "frames made and taken in, jobs":
                timing.gather_time(g, gather, mode) - on_air - computing,
        })  # fmt: skip
    return {name: told[name] / 1e3 for name in PARTS}


def parts_table() -> str:
    """Where the milliseconds of a token of LARGE go."""
    columns = [(radio, blocks) for radio in ("nrf_radio", "ieee802154") for blocks in BLOCKS]
    split, found = SplitConfig.even(LARGE, 16), []
    for radio, blocks in columns:
        model, plan, _ = planned(LARGE, split, radio, blocks)
        found.append(parts(model, plan))
    rows = [[name, *(number_text(one[name]) for one in found)] for name in found[0]]
    rows.append(["in all", *(number_text(sum(one.values())) for one in found)])
    return rst_table(["milliseconds", *(", ".join(column) for column in columns)], rows)


def stored_table() -> str:
    """Few compute, all store: by radio."""
    rows = []
    for radio in ("nrf_radio", "ieee802154"):
        _, _, takes = planned(STORED, stored_split(), radio, "parallel")
        rows.append([radio, *_step(takes)])
    return rst_table(["radio", *STEP], rows)


def window_table() -> str:
    """A step of a sensors' stream beside the whole window."""
    split, rows = SplitConfig.even(SENSORS, 4), []
    for radio in ("ieee802154", "nrf_radio"):
        found = beside_window(SENSORS, split, full_keep(SENSORS, split), BOARD, radio, 0)
        for name in ("window", "step"):
            f = found[name]
            rows.append([
                radio, f"a {name}", number_text(f["time_on_air_us"] / 1e3),
                number_text(f["inference_us"] / 1e3), str(f["frames"]), number_text(f["energy_mj"]),
            ])  # fmt: skip
        times = [f"1/{found['times'][key]:.0f}"
                 for key in ("time_on_air_us", "inference_us", "frames", "energy_mj")]  # fmt: skip
        rows.append([radio, "part", *times])
    return rst_table(["radio", "", "air ms", "ms", "frames", "mJ a node"], rows)


def _written(deploy: Path, prompt: str, rounds: int, loss: float, out: Path) -> dict:
    words = ["generate", deploy, "--prompt", prompt, "--steps", 100, "--temperature", 0,
             "--rounds", rounds, "--loss", loss, "--json", out]  # fmt: skip
    if cats_main([str(word) for word in words]) != 0:
        raise SystemExit(f"{deploy}: an output is not the integer reference's")
    return read_json(out)


def replicated(stories: Path) -> Iterator[list[str]]:
    """Of both models, what is replicated, with and without repair and losses."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for name, source, prompt in (
            ("stories260K", stories, "Once upon a time"), ("storyteller", STORYTELLER, "ROMEO:"),
        ):  # fmt: skip
            for what in ("nothing", "residual", "feed-forward"):
                deploy = out / f"{name}-{what}"
                words = ["export", source, "-o", deploy, "--replicate", what, "--radio",
                         "nrf_radio", *(("--nodes", 4) if source == stories else ())]  # fmt: skip
                if cats_main([str(word) for word in words]) != 0:
                    raise SystemExit(f"{source}: cannot be exported")
                told = [_written(deploy, prompt, rounds, loss, out / "told.json")
                        for rounds, loss in ((0, 0), (2, 0), (3, 0.1))]  # fmt: skip
                size = max(path.stat().st_size for path in deploy.rglob("*.bin")) / 1e3
                yield [
                    name, what, f"{size:.0f} KB", f"{told[0]['frames']:.0f}",
                    number_text(told[0]["token_ms"]),
                    *(f"{one['tokens_per_second']:.1f}" for one in told),
                    number_text(told[0]["energy_mj_all_nodes"]),
                ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--stories", type=Path, metavar="RUN", help="stories260K, imported")
    args = parser.parse_args(arguments)
    made = {
        "parallel": parallel_table(), "trained": trained_table(), "large": large_table(),
        "parts": parts_table(), "stored": stored_table(), "window": window_table(),
    }  # fmt: skip
    if args.stories is not None:
        head = ["model", "replicated", "image", "frames", "ms", "no repair", "two rounds",
                "a tenth lost, three rounds", "mJ, of all"]  # fmt: skip
        made["replicated"] = rst_table(head, list(replicated(args.stories)))
    write_atomic(PAGE, fill(PAGE.read_text(encoding="utf-8"), made).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
