# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``make scaling``: the border is where it is said to be, and the plan is what the linker makes."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cats.deploy.export import export
from cats.errors import CatsError
from cats.integer.random_llama import random_llama
from cats.integer.random_models import random_keep, random_model
from cats.plan.boards import BOARDS, FIRMWARE, Reserve, firmware_of
from cats.plan.predict import parameters
from cats.shape.config import ModelConfig, SplitConfig
from cats.zephyr.footprint import Image, measure
from cats.zephyr.footprint_report import check_plan
from report import scaling
from report.scaling import (
    SMALL_FIRMWARE,
    Linked,
    Search,
    Series,
    TextSeries,
    confirm,
    last,
    run_series,
)

#: A board that holds next to nothing, so that searching is quick.
TINY = dataclasses.replace(
    BOARDS["nrf52840"], ram=FIRMWARE["ble"].ram, flash=FIRMWARE["nrf_radio"].flash + 20000
)


@given(st.lists(st.integers(0, 1000), unique=True).map(sorted), st.integers(-1, 1001))
def test_last(sizes: list[int], most: int) -> None:
    assert last(lambda s: s <= most, sizes) == max((s for s in sizes if s <= most), default=None)


@pytest.mark.parametrize(("series", "nodes"), [("features", 1), ("features", 3), ("tokens", 4)])
def test_border(series: str, nodes: int) -> None:
    flash = TINY.flash if series == "features" else BOARDS["nrf52840"].flash
    search = Search(Series(series, 1), nodes, dataclasses.replace(TINY, flash=flash))
    largest, more = search.border()
    assert search.fits(largest) and more is not None and not search.fits(more)
    assert parameters(more) > parameters(largest)
    if series == "features":  # nor does a wider one
        wider = largest.features + 16
        assert not search.fits(dataclasses.replace(largest, features=wider, hidden=wider))


class Pretended:
    """A linker that knows better than the plan what firmware takes."""

    def __init__(self, search: Search, truth: Reserve) -> None:
        self.board, self.truth, self.links = search.board, truth, 0

    def link(self, search, planned):
        self.links += 1
        node = planned.largest()
        flash = planned.images[node] + self.truth.flash
        ram = planned.arenas[node] + self.truth.ram
        over = max(0, flash - self.board.flash), max(0, ram - self.board.ram)
        about = dataclasses.asdict(planned.config), parameters(planned.config), node
        if any(over):
            return Linked(*about, False, flash_over=over[0], ram_over=over[1]), None
        return Linked(*about, True, ram, flash), self.truth


@pytest.mark.parametrize(("flash", "ram"), [(-3000, 0), (-10, 10), (0, 0), (3000, 1000)])
def test_the_linker_moves_the_border(flash: int, ram: int) -> None:
    search = Search(Series("features", 1), 2, TINY)
    truth = Reserve(search.reserve.ram + ram, search.reserve.flash + flash)
    linker = Pretended(search, truth)
    largest, after = confirm(search, linker, lambda text: None)
    assert largest.fits and not after.fits and linker.links <= 5
    assert after.flash_over or after.ram_over
    search.reserve = truth
    assert [largest.parameters, after.parameters] == [parameters(c) for c in search.border()]


def test_the_largest_really_runs(tmp_path: Path) -> None:
    result = run_series(Series("features", 1), [1, 2], TINY, None, tmp_path, lambda text: None)
    one, two = result["rows"]
    assert one["equal_to_reference"] and two["equal_to_reference"]
    assert len(two["images_bytes"]) == 2 and max(two["images_bytes"]) == two["image_bytes"]
    assert result["ratio_parameters"] == two["parameters"] / one["parameters"] > 1.5
    assert (tmp_path / "features-1-2" / "node_01" / "cats_partition.h").exists()


@pytest.mark.parametrize(
    ("four_bits", "parallel"), [(False, False), (True, False), (False, True), (True, True)]
)
def test_the_largest_text_model_runs(tmp_path: Path, four_bits: bool, parallel: bool) -> None:
    flash = FIRMWARE["nrf_radio"].flash + 50000
    board = dataclasses.replace(BOARDS["nrf52840"], flash=flash, ram=220000)
    series = TextSeries("text", 1, four_bits, parallel, tokens=20)
    result = run_series(series, [1, 2], board, None, tmp_path, lambda text: None)
    for row in result["rows"]:
        search = Search(series.on(row["nodes"]), row["nodes"], board)
        largest, more = search.border()
        assert parameters(largest) == row["parameters"] and not search.fits(more)
        assert row["equal_to_reference"] and bool(largest.four_bits) == four_bits
        assert row["milliseconds"] > 0 and largest.parallel_blocks == parallel
        parts = dict(row["parts"])
        assert parts.pop("cache (RAM)") < row["arena_bytes"]
        assert sum(parts.values()) == pytest.approx(row["image_bytes"], abs=200)  # gaps
        assert bool(parts["scales"]) == four_bits
    assert result["ratio_parameters"] > 1.5
    wanted = ("CONFIG_CATS_LLAMA=y", "CONFIG_CATS_FOUR_BITS=y")[: 1 + four_bits]
    assert series.needs == (*SMALL_FIRMWARE, *wanted)


def test_command_without_linking(monkeypatch, tmp_path: Path, capsys) -> None:
    monkeypatch.setitem(BOARDS, "nrf52840", TINY)
    words = ["--no-link", "--series", "features", "--blocks", "1", "--nodes", "1,2", "--out"]
    assert scaling.main([*words, str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "nothing is linked" in said.err and "times the parameters" in said.out
    assert json.loads((tmp_path / "scaling.json").read_text())["linked"] is False
    assert scaling.main([*words, str(tmp_path), "--firmware"]) == 2
    assert "cats: error: --no-link" in capsys.readouterr().err


def test_nothing_fits() -> None:
    board = dataclasses.replace(TINY, flash=FIRMWARE["nrf_radio"].flash + 100)
    with pytest.raises(CatsError, match="not even hold the smallest"):
        Search(Series("features", 1), 2, board).border()


def test_firmware_by_radio() -> None:
    assert firmware_of("ble_2m", 4) == firmware_of("nrf_radio+secure", 4) == FIRMWARE["nrf_radio"]
    assert firmware_of("ieee802154", 1) == FIRMWARE["loopback"]


@pytest.mark.slow
@pytest.mark.zephyr
def test_a_language_model_links_as_planned(tmp_path: Path) -> None:
    """Weights of four bits among those of eight: image, weights and arena to the byte."""
    linker, why = scaling.find_linker(tmp_path / "firmware")
    if linker is None:
        pytest.skip(why)
    series = TextSeries("text", 1, four_bits=True)
    config = dataclasses.replace(series.on(4).model(64).whole, wide_keys=False, four_bits=())
    model = random_llama(1, config, SplitConfig.even(config, 4), in_four_bits=0.6)
    export(model, tmp_path / "deploy", radio="nrf_radio")
    elf, log = linker.build("nrf_radio", tmp_path / "deploy", 2, series.needs)
    assert elf, log[-2000:]
    found = measure(elf)
    check_plan(found, tmp_path / "deploy" / "plan.json", 2)
    assert found.problems == []
    planned = json.loads((tmp_path / "deploy" / "plan.json").read_text())["nodes"][2]
    assert found.parts["weights"]["flash"] == planned["weight_bytes"]


@pytest.mark.slow
@pytest.mark.zephyr
def test_sixteen_nodes_link_as_planned(tmp_path: Path) -> None:
    """Weights and arena of a node of 16 to the byte, and what is reserved for firmware nearly."""
    linker, why = scaling.find_linker(tmp_path / "firmware")
    if linker is None:
        pytest.skip(why)
    config = ModelConfig(
        tokens_in=32, inputs=16, outputs=10, features=160, heads=20, hidden=200, blocks=2
    )
    split = SplitConfig.even(config, 16, "channels")
    model = random_model(1, config, split, random_keep(1, config, split, 0.5))
    export(model, tmp_path / "deploy", radio="nrf_radio", rounds=1)
    elf, log = linker.build("nrf_radio", tmp_path / "deploy", 3)
    assert elf, log[-2000:]
    found = measure(elf)
    check_plan(found, tmp_path / "deploy" / "plan.json", 3)
    assert found.problems == []
    planned = json.loads((tmp_path / "deploy" / "plan.json").read_text())["nodes"][3]
    assert found.parts["weights"]["flash"] == planned["weight_bytes"]
    assert found.parts["arena"]["ram"] == planned["arena_bytes"]
    reserve = FIRMWARE["nrf_radio"]
    assert found.ram - planned["arena_bytes"] == pytest.approx(reserve.ram, rel=0.03)
    assert found.flash - planned["image_bytes"] == pytest.approx(reserve.flash, rel=0.03)


def test_firmware_is_built_with_a_deployment_for_its_radio(monkeypatch) -> None:
    """A build refuses a deployment that is planned for another radio than its transport's."""
    seen = {}

    class Linker:
        def build(self, radio: str, deploy: Path, node: int) -> tuple[Path, str]:
            seen[radio] = json.loads((deploy / "plan.json").read_text())["radio"]
            return Path(radio), ""

    built = SimpleNamespace(ram=1000, flash=5000, arenas={"a": 100}, images=[Image("", 0, 50, 0)])
    monkeypatch.setattr(scaling, "measure", lambda elf: built)
    sizes = scaling.firmware_sizes(Linker(), lambda text: None)
    assert sizes == dict.fromkeys(scaling.OVERLAYS, Reserve(900, 4950))
    del seen["loopback"]  # which sends no frames
    assert seen and all(radio == planned for radio, planned in seen.items())
