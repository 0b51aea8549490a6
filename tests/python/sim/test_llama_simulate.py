# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Llama models on simulated nodes: whatever is lost and whoever restarts, what nodes answer is the
integer reference's."""

import dataclasses
import errno
import itertools

import numpy as np
import pytest

from cats.errors import CatsError
from cats.integer import llama
from cats.integer.llama_stream import window_of
from cats.integer.random_models import random_inputs, random_model
from cats.integer.sampling import choose, sampling
from cats.native import ffi, lib
from cats.plan.planner import make_plan
from cats.shape.config import REPLICATED, ModelConfig, SplitConfig
from cats.sim.compare_steps import check_steps, comparable, in_steps
from cats.sim.faults import Event, Faults
from cats.sim.simulate import Prompt, Settings, simulate
from driven import ASK, SYNC, Driven
from written import deployment, driven, stepped, told, write

PLAIN = ModelConfig(4, 6, 3, features=16, heads=4, hidden=16, blocks=1)


def run(model, plan, windows, faults, **settings):
    inputs = in_steps(model.config, random_inputs(3, model.config.whole, windows))
    result = simulate(model, plan, inputs, faults, 1, Settings(**settings))
    assert result.hung is None
    assert not check_steps(model, plan, inputs, result)
    return inputs, result


@pytest.mark.parametrize("radio", ["nrf_radio", "ieee802154+secure"])
@pytest.mark.parametrize("nodes", [1, 2, 4])
@pytest.mark.parametrize("replicate", REPLICATED)
def test_nothing_is_lost(nodes, radio, replicate):
    """Two windows, one sliding into the other; only node 0 is given the tokens."""
    model, plan = deployment(nodes, radio=radio, replicate=replicate)
    inputs, result = run(model, plan, 2, Faults(), idle=range(1, nodes))
    assert result.done.all()
    assert comparable(model.config, result).all()
    assert (result.known[:, 0] == np.minimum(np.arange(16) + 1, 8)).all()
    assert (result.tokens == inputs.view("<u4")[:, 0]).all()
    assert (result.positions == np.arange(16)[:, None]).all()
    wrong = np.array(result.tokens)
    wrong[5, 0] ^= 1
    assert check_steps(model, plan, inputs, dataclasses.replace(result, tokens=wrong))


@pytest.mark.parametrize("rounds", [0, 1, 2])
@pytest.mark.parametrize(
    ("share", "replicate"), [(1.0, ""), (0.5, ""), (1.0, "residual"), (1.0, "feed_forward")]
)
@pytest.mark.parametrize("parallel", [False, True])
def test_frames_are_lost(rounds, share, replicate, parallel):
    if parallel and replicate == "feed_forward":
        pytest.skip("saves no exchange")
    model, plan = deployment(
        4, share, radio="nrf_radio", rounds=rounds, parallel=parallel, replicate=replicate
    )
    _, result = run(model, plan, 6, Faults(loss=0.1))
    assert result.done.mean() > 0.9
    assert comparable(model.config, result).mean() > 0.5


@pytest.mark.parametrize("replicate", REPLICATED)
def test_nodes_restart(replicate):
    model, plan = deployment(4, radio="nrf_radio", replicate=replicate)
    times = [Event(2, False, 40_000), Event(2, True, 60_000), Event(1, False, 150_000),
             Event(1, True, 151_000)]  # fmt: skip
    _, result = run(model, plan, 6, Faults(loss=0.05, events=times))
    rows = result.known[result.numbers >= 0]
    assert (rows < 9).all()
    assert not (result.numbers >= 0).all()
    assert result.done[-8:].all()


@pytest.mark.parametrize("author", [0, 2])
@pytest.mark.parametrize("replicate", REPLICATED)
@pytest.mark.parametrize(("temperature", "top_k"), [(0, 0), (900, 5)])
def test_nodes_write(author, replicate, temperature, top_k):
    """A prompt of any node, and what the reference writes behind it, beyond the window; then
    another text, and one that goes on behind that."""
    model, plan = deployment(4, radio="nrf_radio", candidates=5, replicate=replicate)
    first = Prompt((3, 1, 4, 1, 5), 12, author, temperature, top_k, 77)
    second = Prompt((9, 2, 6), 3, 3 - author, temperature, top_k, 5)
    third = dataclasses.replace(second, tokens=(7, 7), goes_on=True)
    result = write(model, plan, 17 + 6 + 5, {0: first, 17: second, 23: third})
    assert result.done.all()
    assert (result.tokens == result.tokens[:, :1]).all()
    how = sampling(model.output_scale, temperature / 1000, top_k, 77)
    want = itertools.islice(llama.write(window_of(model.llama), first.tokens, how), 12)
    assert result.tokens[:17, 0].tolist() == [*first.tokens, *want]
    assert result.positions[:, 0].tolist() == [*range(17), *range(6), *range(6, 11)]
    assert result.known[:, 0].tolist() == [
        *(min(i + 1, 8) for i in range(17)), *(min(i + 1, 8) for i in range(11)),
    ]  # fmt: skip


@pytest.mark.parametrize("author", [0, 2])
@pytest.mark.parametrize("replicate", REPLICATED)
@pytest.mark.parametrize("loss", [0.1, 0.25])
def test_lost_frames_do_not_split_the_group(author, replicate, loss):
    """Nodes that hear how a step begins take the leader's word; that is its choice by what it
    heard. Others guess, for one step."""
    model, plan = deployment(4, radio="nrf_radio", candidates=3, replicate=replicate)
    how = sampling(model.output_scale, 0.9, 3, 7)
    told = guessed = 0
    for seed in range(2):
        prompt = Prompt((3, 1, 4), 40, author, 900, 3, 7)
        result = write(model, plan, 43, {0: prompt}, Faults(loss=loss), seed)
        took = result.numbers >= 0
        for i in range(3, 42):
            if not (took[i, 0] and took[i + 1, 0] and result.led[i, 0] and result.done[i, 0]):
                continue
            position = int(result.positions[i, 0])
            if result.positions[i + 1, 0] != position + 1:
                continue
            assert result.tokens[i + 1, 0] == choose(result.outputs[i, 0, 0], position, how)
            same = result.tokens[i + 1] == result.tokens[i + 1, 0]
            told += same[took[i + 1]].sum()
            guessed += (~same)[took[i + 1]].sum()
    assert told > 200
    assert guessed < told * loss**2 * 2 + 5


@pytest.mark.parametrize("node", [0, 1])
def test_a_text_outlives_restarts(node):
    """Also of its leader, which forgets all: the others tell it what comes next."""
    model, plan = deployment(4, radio="nrf_radio", candidates=3)
    times = [Event(node, False, 100_000), Event(node, True, 130_000)]
    result = write(model, plan, 50, {0: Prompt((3, 1, 4), 30)}, Faults(loss=0.05, events=times))
    other = 3
    told = result.done[:, other]
    assert result.positions[told, other].max() == 32
    assert set(result.positions[told, other]) == set(range(33))
    again = np.flatnonzero((result.known[:, node] == 1) & (result.numbers[:, node] >= 0))[-1]
    assert 3 < again < 30
    assert result.known[again : again + 4, node].tolist() == [1, 2, 3, 4]
    assert (result.tokens[again : again + 4] == result.tokens[again : again + 4, :1]).all()


def test_a_leader_that_is_gone_is_followed():
    model, plan = deployment(3, radio="nrf_radio", candidates=3)
    result = write(
        model, plan, 40, {0: Prompt((3, 1, 4), 30, 2)}, Faults(events=[Event(0, False, 100_000)])
    )
    assert result.positions[result.done[:, 1], 1].max() == 32
    assert result.led[result.done[:, 1], 1].any()


def test_frames_of_steps_are_checked():
    """Only what opens a step tells of it, in so many bytes, a token that there is."""
    assert len(told()) == lib.CATS_TEXT_SIZE
    for payload, x, why in (
        (told()[:-1], (0, 0), "length"),
        (told() + b"x", (0, 0), "length"),
        (told(), (1, 0), "length"),
        (told(), (0, 0), None),
        (b"", (0, 0), None),
    ):
        node = driven(1)
        assert node.hear(node.silence, SYNC, 0, x, payload=payload) == why
    assert Driven(1).hear(10**6, SYNC, 0, payload=told()) == "length"
    for token, word in ((29, 29), (30, lib.CATS_TOKEN_NONE), (65535, lib.CATS_TOKEN_NONE)):
        node = driven(1)
        node.hear(node.silence, SYNC, 0, payload=told(token, 65535, 2**32 - 1, temperature=1))
        node.until(node.now + 300)
        assert node.node.texts.word == word
        node.until(node.now + 50 * node.silence)
        assert node.results and not node.runs


def test_an_idle_leader_takes_what_is_asked_for():
    node = driven(0)
    node.until(2 * node.silence)
    assert node.hear(2 * node.silence, ASK, 1, payload=told(9, 3, 4)) is None
    sent = [frame for frame in node.until(node.now + 3000) if frame.type == SYNC]
    assert [frame.data[10:12] for frame in sent[:2]] == [bytes([9, 0])] * 2
    assert sent[0].data[10:28] == told(9, 3, 4)


def test_a_token_that_was_not_known_is_told_when_its_step_comes_again():
    node = driven(1)
    assert stepped(node, 7, told(5, 1, 0))
    assert not stepped(node, 8, b"")  # nobody told it, and nothing was chosen here
    assert node.node.texts.text.position == 1
    assert stepped(node, 9, told(6, 0, 1))
    assert not stepped(node, 10, told(6, 0, 1))  # but once


def generation(*prompt, tokens=0):
    kept = ffi.new("uint16_t[]", prompt)
    return ffi.new("struct cats_generation *", (kept, len(prompt), tokens)), kept


def test_a_text_is_over_when_nothing_goes_on():
    """Silence, and a node that does not know the last token has none to go on with."""
    node = driven(1)
    assert stepped(node, 7, told(5, 1, 0))
    assert node.node.texts.has_next and not lib.cats_node_generate_over(node.node, node.now % 2**32)
    assert lib.cats_node_next(node.node, node.now % 2**32) == 0
    assert not lib.cats_node_generate_over(node.node, node.now % 2**32)
    assert lib.cats_node_withdraw(node.node) == 0
    assert lib.cats_node_generate_over(node.node, node.now % 2**32)
    text, _kept = generation(3)
    assert lib.cats_node_generate(node.node, text) == 0
    assert not lib.cats_node_generate_over(node.node, node.now % 2**32)


def test_a_text_has_another_name_than_the_one_before():
    """Also where its author did not know the number of the inference that begins it."""
    node = driven(1)
    text, _kept = generation(3)
    for name in (1, 2):
        assert lib.cats_node_generate(node.node, text) == 0
        assert lib.cats_node_next(node.node, node.now % 2**32) == 0
        assert node.node.texts.next.text == name
        node.until(node.now + 50 * node.silence)
        assert len(node.results) == name and not node.node.texts.again


def test_a_prompt_that_is_stopped_leaves_the_next_one_free():
    node = driven(0)
    node.until(2 * node.silence)
    text, _kept = generation(3, 1, 4)
    assert lib.cats_node_generate(node.node, text) == 0
    assert lib.cats_node_next(node.node, node.now % 2**32) == 0
    while not node.results:
        node.until(node.now + 1000)
    assert node.node.texts.word == 3
    node.node.silence = False  # others were heard
    assert lib.cats_node_generate(node.node, text) == -errno.EBUSY
    assert lib.cats_node_generate_stop(node.node) == 0
    assert lib.cats_node_generate_stop(node.node) == -errno.EALREADY
    assert lib.cats_node_generate(node.node, text) == 0


def test_what_nobody_writes():
    model, plan = deployment(2, radio="nrf_radio")
    for refused in (Prompt(()), Prompt((30,))):
        with pytest.raises(CatsError, match="writes no text"):
            simulate(model, plan, 1, prompts={0: refused})
    with pytest.raises(CatsError, match="writes no text"):  # while another text is being written
        simulate(model, plan, 4, prompts={0: Prompt((1,), 9), 2: Prompt((1,), 9, 1)})
    split = SplitConfig.even(PLAIN, 2)
    plain = random_model(1, PLAIN, split)
    with pytest.raises(CatsError, match="only nodes of a language model"):
        simulate(plain, make_plan(PLAIN, split, plain.keep), 1)
    nothing = write(model, plan, 2, {})
    assert not nothing.done.any()
