# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Rows of a text that nodes lack are run once more: who restarted has them again, the text goes on
where it was, and what nodes answer is the integer reference's all the time."""

import dataclasses
import errno

import numpy as np
import pytest

from cats.integer.llama_stream import gathers_of, stream_of
from cats.integer.random_llama import random_llama
from cats.integer.random_models import random_keep
from cats.native import ffi, lib
from cats.plan.planner import make_plan
from cats.shape.config import SplitConfig
from cats.sim.compare_steps import comparable
from cats.sim.faults import Event, Faults
from cats.sim.simulate import Prompt
from driven import ASK, DATA, SYNC, Driven
from written import CONFIG, deployment, driven, stepped, told, write

REPLAY = lib.CATS_TEXT_REPLAY


def restart(node, at_us=100_000, off_us=30_000):
    return [Event(node, False, at_us), Event(node, True, at_us + off_us)]


@pytest.mark.parametrize(
    ("rounds", "replicate"), [(0, ""), (2, ""), (0, "residual"), (2, "feed_forward")]
)
@pytest.mark.parametrize("node", [0, 1])
def test_a_node_that_restarted_has_its_rows_again(node, rounds, replicate):
    """Also the leader: others know the tokens, and ask for each."""
    model, plan = deployment(4, radio="nrf_radio", candidates=3, rounds=rounds, replicate=replicate)
    result = write(
        model, plan, 60, {0: Prompt((3, 1, 4), 40)}, Faults(events=restart(node)), replay=0
    )
    assert comparable(model.config, result)[result.numbers.max(1) >= 0].all()
    again = np.flatnonzero(result.replayed.any(1))
    assert len(again) == result.refilled[node] > 2 and result.refilled.sum() == len(again)
    assert (np.diff(again) == 1).all()  # one replay
    rows = result.positions[again, 2]
    assert (np.diff(rows) == 1).all() and (result.tops[again, 2] == result.tops[again[0], 2]).all()
    assert rows[0] == max(0, result.tops[again[0], 2] - 6)  # the window of 8 drops its oldest
    assert result.known[again[-1] + 1, node] == result.known[again[-1] + 1, 2]
    # What is replayed are the text's tokens, and it goes on where it was.
    ran = np.flatnonzero((result.numbers[:, 2] >= 0) & ~result.replayed[:, 2])
    text = dict(zip(result.positions[ran, 2].tolist(), result.tokens[ran, 2], strict=True))
    assert all(result.tokens[i, 2] == text[result.positions[i, 2]] for i in again)
    normal = result.positions[(result.numbers[:, 2] >= 0) & ~result.replayed[:, 2], 2]
    assert normal.tolist() == [*range(43)]


def test_all_rows_are_there_again():
    """A node's memory is lost between two prompts: it has all rows of the first one again, and what
    is computed with them is the reference's."""
    model, plan = deployment(4, radio="nrf_radio", candidates=3)
    prompt = {0: Prompt((3, 1, 4, 1, 5, 9), 0), 6: Prompt((2, 6), 12, goes_on=True)}
    quiet = write(model, plan, 30, prompt)
    span = quiet.span_us.cumsum()[5]
    times = [Event(1, False, int(span) + 100), Event(1, True, int(span) + 200)]
    result = write(model, plan, 30, prompt, Faults(events=times), replay=lib.CATS_REPLAY_ALWAYS)
    assert result.refilled.tolist() == [0, result.replayed.any(1).sum(), 0, 0]
    assert result.refilled[1] > 4
    last = np.flatnonzero(result.replayed[:, 1])[-1] + 1
    assert result.known[last, 1] == result.known[last, 0]
    assert comparable(model.config, result)[last : last + 10].all()


@pytest.mark.parametrize(
    ("policy", "tokens", "replays"),
    [("WORTH", 20, True), ("WORTH", 5, False), ("ALWAYS", 5, True), ("ASKED", 20, False)],
)
def test_when_it_is_worth_it(policy, tokens, replays):
    """A window of 8 rows, of which 7 are of use behind the next step."""
    model, plan = deployment(4, radio="nrf_radio", candidates=3)
    prompt = (3, 1, 4, 1, 5, 9, 2)
    clean = write(model, plan, 8 + tokens, {0: Prompt(prompt, tokens)})
    at = int(clean.span_us.cumsum()[6] + clean.span_us[7] / 2)
    result = write(
        model, plan, 40, {0: Prompt(prompt, tokens)}, Faults(events=restart(1, at, 1000)),
        replay=getattr(lib, f"CATS_REPLAY_{policy}"),
    )  # fmt: skip
    assert result.replayed.any() == replays == (result.refilled[1] > 0)
    assert set(result.positions[result.done[:, 2], 2]) == set(range(7 + tokens))


def test_a_node_that_restarts_for_ever_takes_half_of_the_time_at_most():
    model, plan = deployment(4, radio="nrf_radio", candidates=3)
    times = [event for i in range(40) for event in restart(1, 60_000 + 50_000 * i, 1000)]
    result = write(model, plan, 160, {0: Prompt((3, 1, 4), 60)}, Faults(events=times))
    ran = result.numbers.max(1) >= 0
    assert 10 < result.replayed.any(1).sum() <= ran.sum() / 2 + 8
    assert result.positions[result.done[:, 2] & ~result.replayed[:, 2], 2].max() == 62


@pytest.mark.parametrize("prompted", [0, 2])
def test_nodes_that_sleep_write_the_text_of_those_that_do_not(prompted):
    """All know each token, also of a prompt that another node than the leader has."""
    model, plan = deployment(4, radio="nrf_radio", candidates=3)
    prompt = {0: Prompt((3, 1, 4), 20, node=prompted)}
    awake = write(model, plan, 23, prompt)
    asleep = write(model, plan, 23, prompt, period_us=100_000)
    assert (asleep.tokens == awake.tokens).all() and (asleep.tokens >= 0).all()
    assert (asleep.positions == np.arange(23)[:, None]).all()


@pytest.mark.parametrize("off_us", [1000, 250_000])
@pytest.mark.parametrize("node", [0, 1, 3])
def test_a_node_that_sleeps_has_its_rows_again(node, off_us):
    model, plan = deployment(4, radio="nrf_radio", candidates=3, rounds=2)
    result = write(
        model, plan, 80, {0: Prompt((3, 1, 4), 60, node=2)},
        Faults(events=restart(node, 2_500_000, off_us)), replay=0, period_us=100_000,
    )  # fmt: skip
    ran = np.flatnonzero(result.numbers.max(1) >= 0)
    assert result.refilled[node] == result.refilled.sum() == 6  # the window's, but for the oldest
    assert len(ran) == 69 and (result.known[ran[-1]] == 8).all()
    assert (result.positions[ran][result.numbers[ran] >= 0].reshape(-1)[-1] == 62).all()
    text = {}
    for i in ran[~result.replayed[ran].any(1)]:
        text.setdefault(int(result.positions[i, 2]), set()).update(
            result.tokens[i][result.numbers[i] >= 0].tolist()
        )
    assert sorted(text) == list(range(63)) and all(len(said) == 1 for said in text.values())


@pytest.mark.parametrize("gone_us", [2_600_000, 2_800_000, 3_200_000])
def test_a_leader_that_sleeps_and_lacks_rows_is_asked_for_them(gone_us):
    """Node 1 restarts and then leads, for node 0 has gone: others know the tokens."""
    model, plan = deployment(4, radio="nrf_radio", candidates=3)
    events = [*restart(1, 2_500_000, 1000), Event(0, False, gone_us)]
    result = write(
        model, plan, 80, {0: Prompt((3, 1, 4), 60, node=2)}, Faults(events=events), replay=0,
        period_us=100_000,
    )  # fmt: skip
    ran = np.flatnonzero(result.numbers.max(1) >= 0)
    assert result.led[ran[-1]].tolist() == [False, True, False, False]
    assert result.refilled.tolist() == [0, 6, 0, 0] and len(ran) == 69
    assert result.known[ran[-1], 1:].tolist() == [8, 8, 8]


def random_text(seed, sleeps=False):
    """Steps that ran, that were compared, that were of replays; any model, losses, restarts."""
    rng = np.random.default_rng(seed)
    nodes, rows = int(rng.choice([2, 3, 4, 5])), bool(rng.random() < 0.3)
    config = dataclasses.replace(
        CONFIG, tokens_in=int(rng.choice([1, 2, 5, 8, 16])),
        parallel_blocks=bool(rng.random() < 0.4), layer_tables=rows and bool(rng.random() < 0.5),
    )  # fmt: skip
    split = SplitConfig.even(config, nodes)
    split = split.with_rows(config) if rows else split
    share, replicate = float(rng.choice([1.0, 0.6])), ("", "", "residual")[seed % 3]
    keep = random_keep(1, config, split, 1.0 if replicate else share)
    llama, candidates = random_llama(seed, config, split, keep), int(rng.choice([0, 3, 5]))
    stream = stream_of(llama, candidates, rows, replicate)
    model, radio = gathers_of(stream), str(rng.choice(["nrf_radio", "ieee802154+secure"]))
    plan = make_plan(
        model.config, split, model.keep, radio=radio, rounds=int(rng.integers(3))
    )  # fmt: skip
    span = 10 if radio != "nrf_radio" else 1
    times = []
    for _ in range(int(rng.integers(1, 4))):
        off_us = span * int(rng.choice([500, 5000, 40_000, 150_000]))
        times += restart(int(rng.integers(nodes)), span * int(rng.integers(30, 900)) * 1000, off_us)
    prompt = Prompt((3, 1, 4), int(rng.integers(10, 60)), int(rng.integers(nodes)), 900, 3, 7)
    faults = Faults(
        loss=float(rng.choice([0, 0.1, 0.3])), events=sorted(times, key=lambda event: event.at)
    )
    result = write(
        model, plan, 110, {0: prompt}, faults, seed, replay=int(rng.choice([0, 0, 1])),
        compute=str(rng.choice(["none", "plan"])), period_us=100_000 * span * sleeps,
    )  # fmt: skip
    return np.array([
        (result.numbers.max(1) >= 0).sum(), comparable(model.config, result).sum(),
        result.replayed.any(1).sum(),
    ])  # fmt: skip


def test_random_texts():
    """Every output is the reference's, and all steps end."""
    ran, compared, replays = sum(random_text(seed) for seed in range(20))
    assert compared > 0.65 * ran and replays > 30


def test_random_texts_of_nodes_that_sleep():
    ran, compared, replays = sum(random_text(seed, sleeps=True) for seed in range(12))
    assert compared > 0.5 * ran and replays > 10


def replayed(row, top, token=5, text=7):
    """What a frame tells of a row that is run once more."""
    return told(token, top - row, row, text, flags=REPLAY)


def test_what_a_node_lacks_is_told_in_its_data():
    """From the oldest row that the next step sees to the newest one: in place of the tile."""
    node = driven(1)
    assert node.image.model.own_heads != 0
    for inference, (payload, lack) in enumerate(
        [(told(5, 60, 4), 5), (told(5, 59, 5), 6), (told(5, 50, 14), 7), (replayed(8, 14), 6),
         (replayed(9, 14), 5), (replayed(11, 14), 3), (replayed(12, 14), 2), (replayed(13, 14), 0),
         (told(5, 49, 15), 0), (told(5, 47, 17), 2), (told(5, 60, 3, text=8), 4)],
        7,
    ):  # fmt: skip
        stepped(node, inference, payload)
        data = [frame for frame in node.sent if frame.type == DATA and frame.inference == inference]
        assert node.node.texts.own_lack == lack
        assert {frame.x[1] for frame in data} <= {lack}


def test_rows_that_are_run_again_are_no_tokens_of_the_text():
    node = driven(1)
    assert stepped(node, 7, told(5, 60, 4))
    assert not stepped(node, 8, replayed(2, 4)) and node.node.texts.replays
    assert node.node.texts.text.position == 4 and node.node.engine.position == 2
    assert (node.node.stats.replays, node.node.stats.replayed, node.node.stats.refilled) == (
        1,
        1,
        1,
    )
    assert not stepped(node, 9, b"")  # a guess: the row behind it, which it does not have then
    assert node.node.engine.position == 3 and node.node.engine.passing
    assert stepped(node, 10, told(6, 59, 5)) and not node.node.texts.replays
    assert lib.cats_engine_rows(ffi.addressof(node.node, "engine")) == 3
    assert stepped(node, 11, told(6, 58, 6))
    assert not stepped(node, 12, replayed(0, 8))  # behind a window of 8: not believed
    assert not node.node.texts.replays


def test_a_node_that_learns_of_a_text_by_a_replay():
    node = driven(1)
    assert not stepped(node, 7, replayed(2, 6, text=9))
    assert lib.cats_node_position(node.node) == 7 and node.node.texts.text.text == 9
    assert lib.cats_node_writes(node.node) is False
    assert stepped(node, 8, told(4, 3, 7, text=9))


def test_an_application_asks_for_it():
    assert lib.cats_node_replay(Driven(1).node) == -errno.ENOTSUP
    node = driven(1)
    assert lib.cats_node_replay(node.node) == -errno.ENODATA
    assert stepped(node, 7, told(5, 60, 0))
    assert lib.cats_node_replay(node.node) == -errno.ENODATA  # nothing lacks
    assert stepped(node, 8, told(6, 59, 1)) and stepped(node, 9, told(7, 58, 2))
    node.node.texts.lacks = 2  # another one said so
    assert lib.cats_node_replay(node.node) == 0
    assert lib.cats_node_replay(node.node) == -errno.EALREADY
    assert lib.cats_node_next(node.node, node.now % 2**32) == 0
    assert lib.cats_node_replay(node.node) == -errno.EALREADY
    sent = [frame for frame in node.until(node.now + 3 * node.silence) if len(frame.data) == 28]
    assert sent[0].data[10:] == replayed(1, 2, 6) and sent[0].type in (ASK, SYNC)
    node.until(node.now + 50 * node.silence)
    own = ffi.new("int8_t[4]")
    assert lib.cats_node_submit(node.node, own, node.now % 2**32) == 0
    assert lib.cats_node_replay(node.node) == -errno.EBUSY


def test_an_idle_leader_runs_the_row_that_is_asked_for():
    node = driven(0)
    node.until(2 * node.silence)
    assert node.hear(2 * node.silence, ASK, 1, payload=replayed(3, 6, 9)) is None
    sent = [frame for frame in node.until(node.now + 3000) if frame.type == SYNC]
    assert [frame.data[10:28] for frame in sent[:2]] == [replayed(3, 6, 9)] * 2
