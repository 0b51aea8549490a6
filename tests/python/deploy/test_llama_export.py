# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Deployments of language models of the Llama family: written, read back, refused where damaged."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from cats.deploy.export import PLAN, export, load_deploy
from cats.deploy.replicate import choose
from cats.errors import CatsError
from cats.integer.llama_files import LLAMA_JSON, LLAMA_TENSORS
from cats.integer.llama_stream import window_of
from cats.integer.model import INTEGER_JSON
from cats.integer.random_llama import random_llama
from cats.integer.random_models import random_keep, random_model
from cats.plan.boards import BOARDS, FIRMWARE, board_named
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.compare_steps import check_steps
from cats.sim.engine import Engine
from cats.sim.faults import Faults
from cats.sim.simulate import Settings, simulate
from command_line import status

STORIES = Path(__file__).parents[4] / "shared" / "data" / "stories260K.bin"

CONFIG = ModelConfig(
    8, 30, 30, features=24, heads=6, hidden=17, blocks=2, causal=True, activation="silu",
    pool="all", norm="rms", position="rotary", feed_forward="gated", kv_heads=3, bias=False,
    tied=True, vocabulary=True,
)  # fmt: skip


PLAIN = ModelConfig(4, 6, 3, features=16, heads=4, hidden=16, blocks=1)


def model(nodes=3, **options):
    return random_llama(5, CONFIG, SplitConfig.even(CONFIG, nodes), **options)


def test_a_deployment_is_read_as_it_was_written(tmp_path):
    whole = model()
    meta = export(whole, tmp_path / "d", radio="nrf_radio", rounds=1)
    again = export(whole, tmp_path / "again", radio="nrf_radio", rounds=1)
    assert meta == again
    found, plan, told, images = load_deploy(tmp_path / "d")
    assert told == json.loads((tmp_path / "d" / PLAN).read_text())
    assert found.config.by_token
    assert (found.config.context, found.config.tokens) == (8, 1)
    for name in ("rows", "turn", "exponent"):
        np.testing.assert_array_equal(getattr(window_of(found.llama), name), getattr(whole, name))
    assert window_of(found.llama).config == dataclasses.replace(CONFIG, candidates=8)
    assert [cut.width for cut in plan.gathers[-1].sources] == [32] * 3
    assert [len(packed) for packed in images] == [n["image_bytes"] for n in meta["nodes"]]
    assert plan.gathers[0].rounds == 0  # nothing of it is sent, so nothing is repaired
    assert plan.gathers[1].rounds == 1
    for d in range(3):
        folder = tmp_path / "d" / f"node_{d:02d}"
        assert (folder / "cats_partition.bin").read_bytes() == images[d]
        assert "CATS_FLAG_LLAMA" in (folder / "cats_partition.h").read_text()
    assert not (tmp_path / "d" / INTEGER_JSON).exists()


def test_candidates(tmp_path):
    """As many as are asked for; 0 sends all outputs; a single node sends none."""
    for count, width in ((3, 12), (10, 40), (255, 40), (0, 20)):
        export(model(), tmp_path / "d", force=True, candidates=count)
        found, plan, _, _ = load_deploy(tmp_path / "d")
        assert found.config.candidates == count
        assert [cut.width for cut in plan.gathers[-1].sources] == [width] * 3
    export(model(1), tmp_path / "d", force=True)
    assert load_deploy(tmp_path / "d")[0].config.candidates == 0
    with pytest.raises(CatsError, match="candidates is 256"):
        export(model(), tmp_path / "e", candidates=256)
    with pytest.raises(CatsError, match="for models of the Llama family"):
        export(random_model(1, PLAIN, SplitConfig.even(PLAIN, 2)), tmp_path / "e", candidates=1)


def test_other_models_replace_it(tmp_path):
    export(model(), tmp_path / "d")
    other = model(2, wide_keys=False)
    export(other, tmp_path / "d", force=True)
    found = load_deploy(tmp_path / "d")[0]
    assert found.split.nodes == 2
    assert not found.config.wide_keys


def test_four_bits(tmp_path):
    """Some products of four bits: read as written, smaller, run by the nodes with losses."""
    sizes = []
    for share in (0.0, 0.6):
        whole = model(in_four_bits=share)
        meta = export(whole, tmp_path / "d", radio="nrf_radio", rounds=1, force=True)
        found, plan, _, images = load_deploy(tmp_path / "d")
        assert bool(found.config.four_bits) == bool(share)
        assert window_of(found.llama).config == dataclasses.replace(CONFIG, candidates=8)
        assert ("CATS_FLAG_FOUR_BITS" in (tmp_path / "d/node_00/cats_partition.h").read_text()) == (
            bool(share)
        )
        sizes.append(meta["nodes"][0]["image_bytes"])
        inputs = np.arange(12, dtype="<u4").view(np.int8).reshape(-1, 1, 4)
        result = simulate(found, plan, inputs, Faults(loss=0.1), 1, Settings(), images)
        assert result.done.all()
        assert not check_steps(found, plan, inputs, result)
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize("file", [LLAMA_JSON, LLAMA_TENSORS])
def test_a_damaged_one_is_refused(tmp_path, file):
    export(model(), tmp_path / "d")
    path = tmp_path / "d" / file
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CatsError, match="damaged|JSON"):
        load_deploy(tmp_path / "d")
    path.unlink()
    with pytest.raises(CatsError, match=rf"{file}.*; export again"):
        load_deploy(tmp_path / "d")


def test_models_without_an_image_are_refused(tmp_path):
    narrow = dataclasses.replace(CONFIG, tied=False)
    whole = random_llama(1, narrow, SplitConfig.even(narrow, 1))
    broken = dataclasses.replace(whole, embed_shift=60)
    with pytest.raises(CatsError, match="embed_shift"):
        export(broken, tmp_path / "d")
    assert not (tmp_path / "d").exists()


@pytest.mark.skipif(not STORIES.exists(), reason="stories260K is not there")
def test_stories260k(tmp_path, capsys):
    """Imported, exported over four nodes, and run by them with losses: the reference's bits."""
    run, deploy = tmp_path / "r", tmp_path / "d"
    tokenizer = STORIES.with_name("tok512.bin")
    assert status("import", "llama2c", STORIES, "--tokenizer", tokenizer, "-o", run) == 0
    words = ["export", run, "-o", deploy, "--nodes", "4", "--radio", "nrf_radio"]
    for refused in (["--stream", "2"], ["--calibration", "9"], ["--input-split", "channels"]):
        assert status(*words, *refused) == 2
        assert refused[0] in capsys.readouterr().err
    assert status(*words) == 0
    assert "260,032 parameters on 4 nodes" in capsys.readouterr().out
    model, plan, meta, images = load_deploy(deploy)
    assert model.split.outputs == (128,) * 4
    assert [n["arena_bytes"] for n in meta["nodes"]] == [Engine(i).arena_size for i in images]
    inputs = np.array([1, 403, 407, 261, 378, 432], "<u4").view(np.int8).reshape(-1, 1, 4)
    result = simulate(model, plan, inputs, Faults(loss=0.1), 1, Settings(), images)
    assert not check_steps(model, plan, inputs, result)
    assert result.done.all()
    clean = simulate(model, plan, inputs, Faults(), 1, Settings(), images)
    told = clean.outputs[:, :, 0].argmax(-1)
    assert told.tolist() == [[token] * 4 for token in (403, 407, 261, 378, 432, 383)]
    assert status("plan", deploy) == 0
    assert status("predict", deploy, STORIES) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("replicate", ["residual", "feed_forward"])
def test_what_is_replicated(tmp_path, replicate):
    """Of a run, or of a deployment: the same bytes, read as they were written, planned again."""
    whole, option = model(), replicate.replace("_", "-")
    meta = export(whole, tmp_path / "d", radio="nrf_radio", rounds=1, replicate=replicate)
    export(whole, tmp_path / "split", radio="nrf_radio", rounds=1)
    words = ["export", tmp_path / "split", "-o", tmp_path / "again", "--replicate", option]
    assert status(*words) == 0
    found, *_ = load_deploy(tmp_path / "d")
    assert found.config.replicated == replicate
    assert [node["features"] for node in meta["nodes"]] == [CONFIG.features] * 3
    hidden = [CONFIG.hidden] * 3 if replicate == "feed_forward" else list(found.split.hidden)
    assert [node["hidden"] for node in meta["nodes"]] == hidden
    for d in range(3):
        file = f"node_{d:02d}/cats_partition.bin"
        assert (tmp_path / "d" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
        header = (tmp_path / "d" / f"node_{d:02d}" / "cats_partition.h").read_text()
        assert "CATS_LLAMA_WIDE_KEYS | CATS_LLAMA_REPLICATED" in header
    assert status("plan", tmp_path / "d") == 0
    assert status("simulate", tmp_path / "d", "--random-inputs", "--samples", 2) == 0
    with pytest.raises(CatsError, match="for models of the Llama family"):
        plain = random_model(1, PLAIN, SplitConfig.even(PLAIN, 2))
        export(plain, tmp_path / "e", replicate=replicate)


RADIO = {"radio": "nrf_radio"}


def _board(tmp_path, image, ram=256 << 10):
    """A board's file: with so much flash for an image over nrf_radio."""
    flash = image + FIRMWARE["nrf_radio"].flash
    text = {"board": "small", "clock_hz": 64e6, "ram": ram, "flash": flash}
    (tmp_path / "board.json").write_text(json.dumps(text))
    return tmp_path / "board.json"


def _largest(meta):
    return max(node["image_bytes"] for node in meta["nodes"])


def _files(deploy):
    """What a deployment holds, by path."""
    return {path.relative_to(deploy): path.read_bytes() for path in deploy.rglob("*.*")}


def test_what_to_replicate_is_chosen(tmp_path, capsys):
    """The shortest step of what fits the board's flash, as if it had been given; of a deployment
    with any of the three, whatever that has."""
    images = {}
    for name in ("nothing", "residual", "feed-forward"):
        out = tmp_path / name
        meta = export(model(), out, radio="nrf_radio", replicate=name.replace("-", "_"))
        images[name] = _largest(meta)
    assert sorted(images.values()) == list(images.values())
    for room, wanted in ((1 << 20, "feed-forward"), (images["residual"], "residual"),
                         (images["residual"] - 1, "nothing")):  # fmt: skip
        board = _board(tmp_path, room)
        choice = choose(model(), board_named(str(board)), radio="nrf_radio")
        assert choice.replicate == wanted.replace("-", "_")
        for name in images:
            words = ["-o", tmp_path / "auto", "--force", "--replicate", "auto", "--board", board]
            assert status("export", tmp_path / name, *words) == 0
            assert capsys.readouterr().out.splitlines()[0] == choice.why
            assert _files(tmp_path / "auto") == _files(tmp_path / wanted)
    assert choice.why.startswith("replicate nothing 17.39 ms: the shortest step by the plan that ")
    assert f"residual 9.979 ms, but {images['residual'] + FIRMWARE['nrf_radio'].flash:,} bytes of" \
        in choice.why  # fmt: skip


def test_what_would_give_room_is_said(tmp_path):
    """More nodes only where they have room, else what the board is short of."""

    def said(room, ram=256 << 10):
        with pytest.raises(CatsError) as error:
            choose(model(2), board_named(str(_board(tmp_path, room, ram))), **RADIO)
        return str(error.value)

    sizes = [_largest(export(model(n), tmp_path / f"{n}", **RADIO)) for n in (2, 3, 4)]
    assert sizes == sorted(sizes, reverse=True)
    assert "small has room for none, 3 nodes have: export its run with --nodes 3: nothing" in (
        said(sizes[1])
    )
    assert "room for none, 4 nodes have" in said(sizes[2])
    assert "room for none, take a board with more flash: nothing" in said(99)
    assert "room for none, take a board with more flash and RAM: nothing" in said(99, 9999)
    assert "room for none, take a board with more RAM: nothing" in said(1 << 20, 9999)


def test_nothing_is_best_to_replicate():
    """A parallel block so wide that computing it whole takes longer than their exchange."""
    config = dataclasses.replace(
        CONFIG, features=256, heads=8, kv_heads=8, hidden=1024, blocks=1, parallel_blocks=True
    )
    wide = random_llama(5, config, SplitConfig.even(config, 2))
    choice = choose(wide, BOARDS["nrf52840"], radio="nrf_radio")
    assert choice.replicate == "nothing"
    assert re.search("residual [0-9.]+ ms; feed-forward, but parallel blocks send", choice.why)
    for clock, wanted in ((64e6, "residual"), (4e6, "nothing")):  # in the board's time
        board = dataclasses.replace(BOARDS["nrf52840"], clock_hz=clock)
        assert choose(wide, board, radio="ieee802154").replicate == wanted
    assert choose(model(1), BOARDS["nrf52840"]).why == "replicate nothing: one node computes all"


def test_what_cannot_be_replicated_is_not_chosen(tmp_path, capsys):
    """As for what is named: one line, exit status 2."""
    split = SplitConfig.even(CONFIG, 3)
    pruned = random_llama(5, CONFIG, split, random_keep(1, CONFIG, split, 0.6))
    export(pruned, tmp_path / "pruned", radio="nrf_radio")
    export(random_model(1, PLAIN, SplitConfig.even(PLAIN, 2)), tmp_path / "plain")
    export(model(), tmp_path / "d", radio="nrf_radio")
    (tmp_path / "half.json").write_text('{"board": "half", "ram": 65536, "flash": 262144}')
    for words, said in (
        (("d", "--replicate", "auto", "--board", tmp_path / "half.json"), "say its clock_hz:"),
        (("pruned", "--replicate", "auto"), "what is replicated has all of its columns: prune"),
        (("plain", "--replicate", "auto"), "are for models of the Llama family: 'cats import' one"),
        (("d", "--replicate", "auto", "--board", "nrf5340"), "nrf5340 has no nrf_radio: one of"),
        (("d", "--replicate", "auto", "--board", "pc"), "board 'pc': one of nrf52840"),
        (("d", "--replicate", "auto", "--ram", "99"), "no plan fits into an arena of 99 bytes"),
        (("d", "--replicate", "residual", "--board", "nrf52840"), "goes with --replicate auto"),
        (("d", "--board", "nrf52840"), "--board goes with --replicate auto"),
    ):
        assert status("export", tmp_path / words[0], "-o", tmp_path / "no", *words[1:]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
        assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("tables", [False, True])
def test_rows_of_tokens(tmp_path, tables):
    """Of one node each, which may have nothing else: read as written, planned again, run."""
    config = dataclasses.replace(CONFIG, layer_tables=tables)
    split = SplitConfig.by_shares(config, (1, 1, 0), output_split="even").with_rows(config)
    whole = random_llama(5, config, split)
    meta = export(whole, tmp_path / "d", radio="nrf_radio", rounds=1, token_rows=not tables)
    found, plan, _, images = load_deploy(tmp_path / "d")
    assert found.config.token_rows
    assert plan.gathers[0].rounds == 1
    assert [len(packed) for packed in images] == [n["image_bytes"] for n in meta["nodes"]]
    assert (found.llama.tables is not None) == tables
    if tables:
        np.testing.assert_array_equal(found.llama.tables, whole.tables)
        np.testing.assert_array_equal(found.llama.table_multiplier, whole.table_multiplier)
    assert status("export", tmp_path / "d", "-o", tmp_path / "again") == 0
    for d in range(3):
        file = f"node_{d:02d}/cats_partition.bin"
        assert (tmp_path / "d" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
    assert status("plan", tmp_path / "d", "--radio", "ieee802154") == 0
    assert status("simulate", tmp_path / "d", "--random-inputs", "--samples", 2) == 0
    inputs = np.arange(9, dtype="<u4").view(np.int8).reshape(9, 1, 4)
    result = simulate(found, plan, inputs, Faults(loss=0.2), 1, Settings(), images)
    assert not check_steps(found, plan, inputs, result)
    with pytest.raises(CatsError, match="for models of the Llama family"):
        plain = random_model(1, PLAIN, SplitConfig.even(PLAIN, 2))
        export(plain, tmp_path / "e", token_rows=True)
