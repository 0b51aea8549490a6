# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats plan``: figures that follow from the plan, the published schemes, bad options."""

import dataclasses
import json
import math
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from cats.cli import main
from cats.deploy import export
from cats.errors import CatsError
from cats.integer.quantize import parameter_shapes
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.plan.answer import times_text
from cats.plan.boards import BOARDS
from cats.plan.cost import weights_read
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
from cats.plan.radio import FRAME_HEADER, RADIOS
from cats.plan.radio import radio as radio_named
from cats.plan.survey import parse_nodes, survey_panels
from cats.plan.timing import Compute, Timing, inference_us
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import full_keep
from cats.sim.simulate import Settings, simulate
from command_line import status

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


def test_attention_of_parallel_blocks_counts_as_of_others() -> None:
    """What feed-forwards add to its products is no attention, nor is a second block."""
    config = ModelConfig(
        1, 64, 64, features=32, heads=8, hidden=48, blocks=2, causal=True, activation="silu",
        pool="all", norm="rms", position="rotary", feed_forward="gated", kv_heads=4, bias=False,
        vocabulary=True, context=16, wide_keys=True,
    )  # fmt: skip
    split, found = SplitConfig.even(config, 4), {}
    for parallel in (False, True):
        shape = dataclasses.replace(config, parallel_blocks=parallel)
        keep = full_keep(shape, split)
        row = ours(shape, split, keep, make_plan(shape, split, keep))
        found[parallel] = row["weights_a_block"], row["values_on_air_a_block"]
    weights = 32 * (8 + 2 * 4) + 32 * 8
    assert found == {False: (weights, 3 * 32 + 48), True: (weights, 2 * 32 + 48)}


def test_keep_ratios() -> None:
    config, split = paper_shape(4)
    for ratio in (1.0, 0.5, 0.25):
        assert keep_ratio(config, split, ratio_keep(config, split, ratio)) == ratio
    assert all(k for sources in ratio_keep(config, split, 0.001) for k in sources)
    assert not any(k for sources in ratio_keep(config, split, 0.0)[1:-1] for k in sources)
    local = ratio_keep(config, split, 0.5, local=1)
    assert [any(sources) for sources in local] == [True, *4 * [False], True, True]
    assert keep_ratio(config, split, local) == 0.5
    with pytest.raises(CatsError, match="keep ratio is 1.5"):
        ratio_keep(config, split, 1.5)


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
    asked = {"payload": 60, "tile_rows": 3, "slack": 0.5, "held": False}
    export.export(model, tmp_path / "deploy", **asked)
    _, data = run(capsys, str(tmp_path / "deploy"), "--repair-rounds", "1", "--nodes", "2,4")
    for row in data["deployments"]:
        for name, figures in row["radios"].items():
            assert max(figures["tile_rows"]) == 3, name
    plan = make_plan(config, split, model.keep, rounds=1, **asked)
    own = data["deployments"][0]["radios"]["ieee802154"]
    assert own["bytes_on_air"] == plan_air(plan).bytes


def test_one_board_is_set_against_several(capsys: pytest.CaptureFixture) -> None:
    """Ratios by hand; one board is computed as the others are, also where it is not asked for."""
    _, found = run(capsys, *SHAPE, "--nodes", "1,4")
    _, other = run(capsys, *SHAPE, "--nodes", "4")
    assert found["one_board"] == {
        k: v for k, v in found["deployments"][0].items() if k in found["one_board"]
    }
    assert other["one_board"]["radios"] == found["one_board"]["radios"]
    one, several = (row["radios"]["ieee802154"] for row in found["deployments"])
    said = other["answer"]
    assert said["one_board_fits"] and said["nodes"] == 4
    assert said["times_time"] == pytest.approx(several["inference_us"] / one["inference_us"])
    assert said["times_energy"] == pytest.approx(several["energy_mj"] / one["energy_mj"])
    assert said["times_energy_all"] == pytest.approx(several["energy_all_mj"] / one["energy_mj"])
    config, split = paper_shape(4)
    keep = full_keep(config, split)
    plan = make_plan(config, split, keep, ram_limit=BOARDS["nrf52840"].arena_limit("ieee802154", 4))
    spent = [energy_mj(config, split, keep, plan, d, BOARDS["nrf52840"]) for d in range(4)]
    assert several["energy_all_mj"] == pytest.approx(sum(spent))
    assert several["energy_mj"] == max(spent)


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        ([], ["One board holds it", "the time of one board", "energy of one board",
              "Over nrf_radio it would be", "With other repair, nothing lost: 3 rounds",
              "So one board is enough, unless the sensors are on several."]),
        (["--flash", "150K", "--repair-rounds", "1"],
         ["One board does not hold it: it needs 190,688 bytes of flash where there are 153,600",
          "4 nodes over ieee802154 hold it", "no rounds", "3 rounds",
          "So it takes several: 4 of them"]),
        (["--flash", "90K"], ["do not hold it", "So none of these: keep fewer columns"]),
        (["--board", "nrf5340", "--radio", "ble"], ["currents of this board are not known"]),
    ],
)  # fmt: skip
def test_the_plan_ends_with_an_answer(
    options: list[str], sentences: list[str], capsys: pytest.CaptureFixture
) -> None:
    main(["plan", *SHAPE, "--nodes", "2,4", *options])
    text = capsys.readouterr().out
    end = text.rpartition("\n\n")[2]
    assert [word for word in sentences if word not in end] == []
    assert "e+0" not in text


def test_times_are_words_without_exponents() -> None:
    found = [times_text(value) for value in (0.234, 5.44, 99.6, 206.5, 12345.0, None)]
    assert found == ["0.23 times", "5.4 times", "100 times", "206 times", "12,345 times", "- times"]


def test_flash_chip_beside_one_board(capsys: pytest.CaptureFixture) -> None:
    """Reading waits for the bus; RAM still has to be there."""
    fast, slow = (
        run(capsys, *SHAPE, "--nodes", "2", "--ram", "40K", "--flash-chip-rate", rate,
            "--flash-chip-current", "5")[1]
        for rate in ("16", "4")
    )  # fmt: skip
    one = fast["one_board"]["radios"]["ieee802154"]
    for found, rate in ((fast, 16), (slow, 4)):
        engine, once = found["alternatives"]["with_flash_chip"]
        assert not engine["fits"] and once["read_bytes"] == fast["one_board"]["weight_bytes"]
        assert engine["read_bytes"] == one["weights_read_bytes"]
        waits = engine["read_bytes"] / rate
        assert engine["inference_us"] == pytest.approx(one["inference_us"] + waits, abs=1)
        more = waits * (5 + NRF52840.compute_ma) * 3e-6
        assert engine["energy_mj"] == pytest.approx(one["energy_mj"] + more)
    assert once["inference_us"] < engine["inference_us"]


def test_a_larger_board_is_its_multiplications(capsys: pytest.CaptureFixture) -> None:
    """64 tokens, 128 features and hidden, 16 inputs and outputs, by hand."""
    options = ("--larger-board-rate", "100", "--larger-board-power", "500")
    _, found = run(capsys, *SHAPE, "--nodes", "2", *options)
    rows = 64 * (16 * 128 + 128 * (3 * 128 + 128 + 2 * 128))
    larger = found["alternatives"]["on_larger_board"]
    assert larger["macs"] == rows + 2 * 64 * 64 * 128 + 128 * 16
    assert larger["inference_us"] == pytest.approx(larger["macs"] / 100, abs=1)
    assert larger["energy_mj"] == pytest.approx(larger["macs"] / 100 * 0.5e-3)


def test_weights_are_read_once_a_block_of_rows() -> None:
    config, split = paper_shape(1)
    keep = full_keep(config, split)
    whole = make_plan(config, split, keep, block_rows=1)
    four = make_plan(config, split, keep, block_rows=4)
    # attention 3, heads 1, forward 1, hidden 1 products of F x F, the input's of P x F, 64 rows;
    # the output's of F x C, one row; 8 bytes a column.
    rows = 64 * (6 * 128 * (128 + 8) + 128 * (16 + 8))
    assert weights_read(config, split, keep, whole, 0) == rows + 16 * (128 + 8)
    assert weights_read(config, split, keep, four, 0) == rows // 4 + 16 * (128 + 8)


def test_raw_input_to_a_gateway(capsys: pytest.CaptureFixture) -> None:
    """64 tokens of 16 values on two nodes: 512 bytes each, in frames of 802.15.4 by hand."""
    _, found = run(capsys, *SHAPE, "--nodes", "2")
    sent = found["alternatives"]["to_gateway"]
    air = radio_named("ieee802154")
    frames = -(-512 // air.payload)
    us = frames * (air.ramp_us + air.byte_us * (air.overhead + FRAME_HEADER)) + 512 * air.byte_us
    for node, row in enumerate(sent["nodes"]):
        assert (row["node"], row["input_bytes"], row["frames"]) == (node, 512, frames)
        assert row["time_on_air_us"] == pytest.approx(us, abs=1)
        assert row["energy_mj"] == pytest.approx(us * 6.40 * 3e-6)
    assert sent["inference_us"] == pytest.approx(2 * (us + frames * air.guard_us), abs=2)
    assert sent["energy_all_mj"] == pytest.approx(2 * us * 6.40 * 3e-6)
    _, single = run(capsys, *SHAPE, "--nodes", "2", "--input-split", "single")
    assert [n["node"] for n in single["alternatives"]["to_gateway"]["nodes"]] == [0]


def test_from_when_raw_input_is_more_than_the_nodes_send(capsys: pytest.CaptureFixture) -> None:
    """What own embeddings put on the air does not grow with what a node's sensor gives."""
    own = (*SHAPE, "--nodes", "2", "--embed", "own")
    _, found = run(capsys, *own)
    most = found["alternatives"]["raw_crossover_values"]
    assert main(["plan", *own]) == 0
    told = f"from {most:,} values a token and sensor on ({64 * most:,} an inference)"
    assert told in capsys.readouterr().out
    nodes = found["deployments"][0]["radios"]["ieee802154"]["bytes_on_air"]
    for values, is_more in ((most - 1, False), (most, True)):
        _, other = run(capsys, *own, "--inputs", str(2 * values))
        assert (other["alternatives"]["to_gateway"]["bytes_on_air"] > nodes) == is_more
    assert run(capsys, *SHAPE, "--nodes", "2")[1]["alternatives"]["raw_crossover_values"] is None


def test_a_plot_has_a_panel_a_quantity_with_the_boards_limits(
    capsys: pytest.CaptureFixture,
) -> None:
    _, found = run(capsys, *SHAPE, "--nodes", "1,2", "--ram", "100K")
    drawn = {}
    for panel in survey_panels(found):
        axes = Figure().add_subplot()
        panel.draw(axes)
        drawn[panel.ylabel] = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert list(drawn) == [
        "RAM of a node, KiB", "flash of a node, KiB", "an inference, ms",
        "an inference over ieee802154, mJ",
    ]  # fmt: skip
    assert drawn["RAM of a node, KiB"]["nrf52840 has"] == [100, 100]
    assert drawn["flash of a node, KiB"]["nrf52840 has"] == [1024, 1024]
    own = [row["radios"]["ble"]["inference_us"] / 1e3 for row in found["deployments"]]
    assert drawn["an inference, ms"]["ble"] == own
    one = found["one_board"]["radios"]["ieee802154"]["energy_mj"]
    assert drawn["an inference over ieee802154, mJ"]["one board"] == [one, one]


def test_planning_again_under_another_limit_changes_nothing() -> None:
    config, split = paper_shape(4)
    keep = full_keep(config, split)
    first = make_plan(config, split, keep)
    least = max(a.size for a in make_plan(config, split, keep, slack=math.inf).arenas)
    tight = make_plan(config, split, keep, ram_limit=least)
    assert max(arena.size for arena in tight.arenas) <= least
    assert max(arena.size for arena in first.arenas) > least
    assert make_plan(config, split, keep) == first
    assert make_plan(config, split, keep, held=True).held


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
    # Silence is no frame. With repair the five tiles of INPUT, of one source and so of one
    # fragment, are opened three times each; without once, the first one twice.
    assert own["radios"]["ble_2m"]["frames"] == figures["frames"] - (5 * 2 - 1)
    assert own["radios"]["ble_2m"]["inference_us"] < figures["inference_us"]
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
        ([*SHAPE, "--tokens", "2000"], "'2000' is no whole number from 1 to 1,023"),
        ([*SHAPE, "--keep", "1.5"], "--keep: '1.5' is no number from 0 to 1"),
        ([*SHAPE, "--local-blocks", "2", "--nodes", "2"], "2 local blocks: the model has 1"),
        ([*SHAPE, "--radio", "wifi"], "radio 'wifi'"),
        ([*SHAPE, "--board", "pdp11"], "board 'pdp11'"),
        ([*SHAPE, "--clock", "0"], "--clock: '0' is no number above 0"),
        ([*SHAPE, "--clock", "inf"], "--clock: 'inf' is no number"),
        ([*SHAPE, "--repair-rounds", "9"], "'9' is no whole number from 0 to 3"),
        ([*SHAPE, "--flash-chip-rate", "0"], "--flash-chip-rate: '0' is no number above 0"),
        ([*SHAPE, "--flash-chip-current", "nan"], "--flash-chip-current: 'nan' is no number"),
    ],
)
def test_bad_options(options: list[str], message: str, capsys: pytest.CaptureFixture) -> None:
    assert status("plan", *options) == 2
    error = capsys.readouterr().err
    assert error.startswith("cats: error: ") and message in error and error.count("\n") == 1


def test_lists_of_nodes() -> None:
    assert parse_nodes("4") == [4]
    assert parse_nodes("1:3,16,2") == [1, 2, 3, 16]
