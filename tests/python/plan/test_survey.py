# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats plan``: figures that follow from the plan, the published schemes, bad options."""

import dataclasses
import json
from pathlib import Path

import pytest

from cats.cli import main
from cats.deploy import export
from cats.errors import CatsError
from cats.integer.quantize import parameter_shapes
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.plan.boards import BOARDS
from cats.plan.energy import NRF52840, Duty
from cats.plan.plan import mode_of, plan_air
from cats.plan.planner import make_plan, tradeoffs
from cats.plan.predict import (
    deployment,
    energy_mj,
    keep_ratio,
    largest_features,
    node_size,
    ours,
    parameters,
    planned_duty,
    published,
    ratio_keep,
)
from cats.plan.radio import RADIOS
from cats.plan.radio import radio as radio_named
from cats.plan.survey import parse_nodes
from cats.plan.timing import Compute, Timing, inference_us
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import full_keep
from cats.sim.simulate import Settings, simulate

SHAPE = ["--features", "128", "--tokens", "64", "--heads", "16"]


def paper_shape(nodes: int = 16):
    config = ModelConfig(
        tokens_in=64, inputs=16, outputs=16, features=128, heads=16, hidden=128, blocks=1
    )
    return config, SplitConfig.even(config, nodes, "channels")


def run(capsys: pytest.CaptureFixture, *options: str) -> tuple[int, dict]:
    status = main(["plan", *options, "--json", "-"])
    return status, json.loads(capsys.readouterr().out)


def test_published_figures() -> None:
    """The figures of the comparison in arXiv:2605.15694, by formula where there is one."""
    config, split = paper_shape()
    found = {
        row["scheme"].split(" ")[0] + row["scheme"][-4:]: list(row.values())[1:]
        for row in published(config, 16, 0.25)
    }
    assert found == {
        "Huwise": [10272, 65536, 8192],
        "Liu2025": [7032, 65536, 5120],
        "Bochemduce": [131584, 4096, 262144],
        "CATSumns": [10240, 4096, 32768],
        "CATSkept": [4480, 1216, 8192],
    }
    assert not any(row["scheme"].startswith("Hu") for row in published(config, 8, 1.0))
    for ratio, weights, air in ((1.0, 4096, 32768), (0.25, 1216, 8192)):
        keep = ratio_keep(config, split, ratio)
        row = ours(config, split, keep, make_plan(config, split, keep, ram_limit=5120))
        assert row["activation_bytes"] <= 5120
        assert (row["weights_a_block"], row["values_on_air_a_block"]) == (weights, air)


def test_keep_ratios() -> None:
    config, split = paper_shape(4)
    for ratio in (1.0, 0.5, 0.25):
        assert keep_ratio(config, split, ratio_keep(config, split, ratio)) == ratio
    assert all(k for sources in ratio_keep(config, split, 0.001) for k in sources)
    with pytest.raises(CatsError, match="keep ratio is 0"):
        ratio_keep(config, split, 0.0)


@pytest.mark.parametrize("pool", ["mean", "class", "last", "all"])
def test_parameters_are_counted(pool: str) -> None:
    config = ModelConfig(
        tokens_in=5, inputs=3, outputs=4, features=12, heads=3, hidden=7, blocks=2, pool=pool
    )
    wanted = 0
    for shape in parameter_shapes(config).values():
        size = 1
        for n in shape:
            size *= n
        wanted += size
    assert parameters(config) == wanted


def test_more_nodes_need_less_of_each() -> None:
    config, _ = paper_shape()
    rows = []
    for nodes in (1, 2, 4, 8, 16):
        _, split = paper_shape(nodes)
        rows.append(deployment(config, split, full_keep(config, split), BOARDS["nrf52840"]))
    own = [row["radios"]["ieee802154"] for row in rows]
    for figures in (
        [row["image_bytes"] for row in rows],
        [f["arena_bytes"] for f in own],
        [f["compute_us"] for f in own],
    ):
        assert figures == sorted(figures, reverse=True)
    assert own[0]["bytes_on_air"] == 0 < own[1]["bytes_on_air"]
    assert own[0]["energy_mj"] < own[1]["energy_mj"]
    assert rows[1]["radios"]["ble_2m"]["inference_us"] < own[1]["inference_us"]


def test_energy_by_hand() -> None:
    config, split = paper_shape(1)
    keep = full_keep(config, split)
    plan = make_plan(config, split, keep)
    currents = dataclasses.replace(NRF52840, compute_ma=2.0, volts=3.0)
    board = dataclasses.replace(BOARDS["nrf52840"], currents=currents)
    timing = Timing(config, split, keep, radio_named(plan.radio), plan.payload, 0, Compute())
    # One node: computing only.
    seconds = 1e-6 * sum(
        timing.computing(g, gather.rows, mode_of(plan)) for g, gather in enumerate(plan.gathers)
    )
    assert max(g.tiles for g in plan.gathers) == 1
    assert energy_mj(config, split, keep, plan, 0, board) == pytest.approx(6 * seconds, rel=1e-3)
    slow = dataclasses.replace(board, clock_hz=32e6)
    assert energy_mj(config, split, keep, plan, 0, slow) == pytest.approx(12 * seconds, rel=1e-3)


def test_energy_of_the_radio_by_hand() -> None:
    """One second each; the processor takes less beside the radio than alone."""
    sends, listens, works = (Duty(*(1e6 * (i == k) for i in range(3))) for k in range(3))
    assert sends.millijoules(NRF52840, "ble_2m") == pytest.approx(19.20)
    assert listens.millijoules(NRF52840, "nrf_radio") == pytest.approx(18.78)
    assert listens.millijoules(NRF52840, "ieee802154+secure") == pytest.approx(19.59)
    assert works.millijoules(NRF52840, "ble_2m") == pytest.approx(9.9)
    both = Duty(0.0, 1e6, 1e6).millijoules(NRF52840, "ble_2m")
    assert both == pytest.approx(3 * 8.6)  # as compounded in the product specification


@pytest.mark.parametrize("rounds", [0, 2])
@pytest.mark.parametrize("radio", sorted(RADIOS))
def test_duty_is_what_the_simulation_spends(radio: str, rounds: int) -> None:
    """Node by node, 16 nodes: time of transmitting and computing, and so the energy."""
    config, split = paper_shape(16)
    keep = random_keep(1, config, split, 0.5)
    plan = make_plan(config, split, keep, radio=radio, rounds=rounds)
    found = simulate(
        random_model(1, config, split, keep), plan, random_inputs(1, config, 2),
        settings=Settings(compute="plan"),
    )  # fmt: skip
    assert found.lost.sum() == 0
    assert found.air_us == pytest.approx(plan_air(plan).us, rel=0.1)
    assert found.span_us[1] == pytest.approx(inference_us(config, split, keep, plan), rel=0.1)
    for d in (0, 7, 15):
        want = planned_duty(config, split, keep, plan, d)
        duty = found.duty(d)
        assert duty.transmit_us == pytest.approx(want.transmit_us, rel=0.1)
        assert duty.compute_us == pytest.approx(want.compute_us, rel=0.1)
        assert duty.millijoules(NRF52840, radio) == pytest.approx(
            want.millijoules(NRF52840, radio), rel=0.1
        )


def test_tradeoffs_fall() -> None:
    config, split = paper_shape()
    plans = tradeoffs(config, split, full_keep(config, split))
    bounds = [max(arena.lower_bound for arena in plan.arenas) for plan in plans]
    assert bounds == sorted(set(bounds), reverse=True) and len(plans) > 5
    assert make_plan(config, split, full_keep(config, split), ram_limit=bounds[-1])
    with pytest.raises(CatsError, match="no plan fits"):
        make_plan(config, split, full_keep(config, split), ram_limit=bounds[-1] - 8)


@pytest.mark.no_cover
def test_largest_model_is_the_largest() -> None:
    config, _ = paper_shape()
    board = BOARDS["nrf52840"]
    found = {}
    for nodes in (1, 4, 16):
        wide = largest_features(config, nodes, board, 1.0, "ieee802154", "channels")
        found[nodes] = parameters(wide)
        next_one = dataclasses.replace(
            wide, heads=wide.heads + 1, features=wide.features + 8, hidden=wide.hidden + 8
        )
        for model, fits in ((wide, True), (next_one, False)):
            split = SplitConfig.even(model, nodes, "channels")
            keep = full_keep(model, split)
            try:
                limit = board.arena_limit("ieee802154", nodes)
                plan = make_plan(model, split, keep, ram_limit=limit)
                size = node_size(model, split, keep, plan, 0).image_bytes
                assert (size <= board.image_limit("ieee802154", nodes)) == fits
            except CatsError:
                assert not fits
    assert found[1] < found[4] < found[16] and found[16] > 10 * found[1]
    tiny = dataclasses.replace(board, reserve_flash=board.flash - 1000)
    assert largest_features(config, 1, tiny, 1.0, "ieee802154", "channels") is None


def test_shape_on_the_command_line(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    status, found = run(capsys, *SHAPE, "--nodes", "2,16", "--plot", str(tmp_path / "p.svg"))
    assert status == 0 and found["least_nodes"] == 2
    assert [row["nodes"] for row in found["deployments"]] == [2, 16]
    assert (tmp_path / "p.svg").read_text().startswith("<?xml")
    assert main(["plan", *SHAPE, "--nodes", "16", "--tradeoffs", "--largest"]) == 0
    text = capsys.readouterr().out
    words = ("hold it: 16", "16 nodes by radio", "Hu 2024", "RAM against time", "widest F")
    assert [word for word in words if word not in text] == []


def test_deployment_keeps_its_options(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    """Other radios, rounds and numbers of nodes are planned as the deployment was asked for."""
    config = ModelConfig(tokens_in=16, inputs=4, outputs=4, features=32, heads=4, hidden=32)
    split = SplitConfig.even(config, 2)
    model = random_model(4, config, split)
    asked = {"payload": 60, "tile_rows": 3, "slack": 0.5}
    export.export(model, tmp_path / "deploy", **asked)
    _, data = run(capsys, str(tmp_path / "deploy"), "--repair-rounds", "1", "--nodes", "2,4")
    for row in data["deployments"]:
        for name, figures in row["radios"].items():
            assert max(figures["tile_rows"]) == 3, name
    plan = make_plan(config, split, model.keep, rounds=1, **asked)
    own = data["deployments"][0]["radios"]["ieee802154"]
    assert own["bytes_on_air"] == plan_air(plan).bytes


def test_deployment_on_the_command_line(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    config = ModelConfig(tokens_in=5, inputs=4, outputs=3, features=16, heads=4, hidden=12)
    split = SplitConfig(heads=(2, 1, 1), hidden=(2, 5, 5), outputs=(1, 1, 1), inputs=(4, 0, 0))
    model = random_model(1, config, split, random_keep(1, config, split, 0.5))
    meta = export.export(model, tmp_path / "deploy", radio="ble_2m", rounds=1, tile_rows=1)
    status, found = run(capsys, str(tmp_path / "deploy"))
    assert status == 0 and (found["radio"], found["rounds"]) == ("ble_2m", 1)
    own = next(row for row in found["deployments"] if row["nodes"] == 3)
    assert own["image_bytes"] == max(node["image_bytes"] for node in meta["nodes"])
    figures = own["radios"]["ble_2m"]
    for name in ("frames", "bytes_on_air", "time_on_air_us", "inference_us"):
        assert figures[name] == meta["air"]["ble_2m"][name]
    assert figures["arena_bytes"] == max(node["arena_bytes"] for node in meta["nodes"])
    assert found["schemes"][0]["activation_bytes"] == figures["arena_bytes"]
    _, other = run(capsys, str(tmp_path / "deploy"), "--repair-rounds", "0", "--tradeoffs")
    own = next(row for row in other["deployments"] if row["nodes"] == 3)
    assert own["radios"]["ble_2m"]["frames"] < figures["frames"]
    assert other["tradeoffs_nodes"] == 3 and len(other["tradeoffs"]) >= 1


@pytest.mark.no_cover
def test_what_no_board_holds(capsys: pytest.CaptureFixture) -> None:
    status, found = run(capsys, *SHAPE, "--nodes", "1:2", "--flash", "100K")
    assert status == 1 and found["least_nodes"] is None
    assert not any(row["fits_flash"] for row in found["deployments"])
    status, found = run(capsys, *SHAPE, "--nodes", "1,16", "--ram", "96K", "--reserve-ram", "80K")
    assert status == 0 and found["least_nodes"] == 16
    assert [row["fits_ram"] for row in found["deployments"]] == [False, True]


def test_sealed_frames_cost_air(capsys: pytest.CaptureFixture) -> None:
    _, found = run(capsys, *SHAPE, "--nodes", "2", "--radio", "nrf_radio+secure")
    radios = found["deployments"][0]["radios"]
    sealed, plain = radios["nrf_radio+secure"], radios["nrf_radio"]
    assert sealed["inference_us"] > plain["inference_us"]
    assert sealed["energy_mj"] > plain["energy_mj"]


def test_clock_changes_time(capsys: pytest.CaptureFixture) -> None:
    slow, fast = (
        run(capsys, *SHAPE, "--nodes", "1", "--clock", clock)[1]["deployments"][0]["radios"]
        for clock in ("64", "128")
    )
    assert slow["ble_2m"]["inference_us"] == pytest.approx(2 * fast["ble_2m"]["inference_us"], 0.01)
    assert Compute().microseconds(64e6) == 1.8e6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "name a DEPLOY folder, or give --features and --tokens"),
        (["--features", "12"], "name a DEPLOY folder"),
        (["/nowhere"], "is no DEPLOY folder"),
        ([*SHAPE, "--nodes", "0:3"], "nodes '0:3'"),
        ([*SHAPE, "--nodes", "17"], "nodes '17'"),
        ([*SHAPE, "--nodes", "x"], "nodes 'x'"),
        ([*SHAPE, "--nodes", "3:2"], "nodes '3:2'"),
        (["--features", "8", "--tokens", "4", "--heads", "2", "--nodes", "3"], "3 nodes"),
        (["--features", "9", "--tokens", "4", "--heads", "2"], "9 features cannot be split"),
        ([*SHAPE, "--tokens", "2000"], "2000 tokens"),
        ([*SHAPE, "--keep", "0"], "keep ratio is 0"),
        ([*SHAPE, "--keep", "1.5"], "keep ratio is 1.5"),
        ([*SHAPE, "--radio", "wifi"], "radio 'wifi'"),
        ([*SHAPE, "--board", "pdp11"], "board 'pdp11'"),
        ([*SHAPE, "--clock", "0"], "clock of 0.0 MHz"),
        ([*SHAPE, "--clock", "inf"], "clock of inf MHz"),
        ([*SHAPE, "--repair-rounds", "9"], "9 repair rounds"),
    ],
)
def test_bad_options(options: list[str], message: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["plan", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("cats: error: ") and message in error and error.count("\n") == 1


def test_lists_of_nodes() -> None:
    assert parse_nodes("4") == [4]
    assert parse_nodes("1:3,16,2") == [1, 2, 3, 16]
