# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Text that simulated nodes write, and simulations whose inputs depend on outputs."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from cats.errors import CatsError
from cats.integer import llama
from cats.integer.llama_stream import gathers_of, stream_of, window_of
from cats.integer.random_llama import random_llama
from cats.integer.random_models import random_inputs, random_model
from cats.integer.sampling import sampling
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import full_keep
from cats.sim import simulate as simulation
from cats.sim.faults import Faults
from cats.sim.simulate import Settings, simulate
from cats.sim.write import Writing, figures, restarts, sentences, write

LLAMA = ModelConfig(
    8, 30, 30, features=24, heads=6, hidden=17, blocks=1, causal=True, activation="silu",
    pool="all", norm="rms", position="rotary", feed_forward="gated", kv_heads=3, bias=False,
    vocabulary=True,
)  # fmt: skip
PLAIN = ModelConfig(4, 6, 3, features=16, heads=4, hidden=16, blocks=1)
#: 8 candidates of each of 3 nodes: all tokens but six.
OPTIONS = {"temperature": 0.9, "top_k": 5, "seed": 7}


@pytest.fixture(scope="module")
def made():
    split = SplitConfig.even(LLAMA, 3)
    model = gathers_of(stream_of(random_llama(5, LLAMA, split, full_keep(LLAMA, split)), 8))
    return model, make_plan(model.config, split, model.keep, radio="nrf_radio", rounds=1)


def reference(model, prompt, count, **options):
    how = sampling(model.output_scale, **options)
    return list(itertools.islice(llama.write(window_of(model.llama), prompt, how), count))


def test_an_input_may_depend_on_what_came_before():
    split = SplitConfig.even(PLAIN, 2)
    model = random_model(1, PLAIN, split)
    plan = make_plan(PLAIN, split, model.keep)
    first = random_inputs(3, PLAIN, 1)[0]
    answers = []

    def driver():
        given = first
        for _ in range(4):
            answer = yield given
            answers.append(answer)
            given = np.roll(given, int(answer.outputs[0, -1].argmax()) + 1)

    result = simulate(model, plan, driver(), Faults(), 1)
    assert len(result.outputs) == len(answers) == 4
    assert (np.stack([answer.outputs for answer in answers]) == result.outputs).all()
    assert all(answer.done.all() and answer.led.tolist() == [True, False] for answer in answers)
    inputs = [first]
    for outputs in result.outputs[:-1]:
        inputs.append(np.roll(inputs[-1], int(outputs[0, -1].argmax()) + 1))
    again = simulate(model, plan, np.stack(inputs), Faults(), 1)
    assert (again.outputs == result.outputs).all() and (again.bits == result.bits).all()


def test_a_run_that_takes_too_much_is_refused(made, monkeypatch):
    monkeypatch.setattr(simulation, "MOST_RECORD", 2000)
    with pytest.raises(CatsError, match=r"ask for \d+ at most"):
        write(*made, Writing((1,), 200))


@pytest.mark.parametrize("options", [{}, OPTIONS])
def test_nodes_write_what_the_reference_does(made, options):
    """Beyond the window of 8, told as it comes."""
    model, plan = made
    heard = []
    written = write(model, plan, Writing((3, 1, 4), 20, **options, told=heard.append))
    assert written.tokens == heard
    assert heard == reference(model, [3, 1, 4], 18, **{"temperature": 0, **options})
    told = figures(model, plan, written, Settings())
    assert told["equal_to_reference"] and told["delivered"] == 1
    assert told["energy_mj"] * 3 >= told["energy_mj_all_nodes"] > told["energy_mj"]
    assert told["tokens_per_second"] == pytest.approx(1e3 / told["token_ms"])


def test_a_text_ends_where_the_model_says_so(made):
    model, plan = made
    whole = write(model, plan, Writing((3, 1, 4), 20, **OPTIONS)).tokens
    end = whole[5]
    ended = write(model, plan, Writing((3, 1, 4), 20, **OPTIONS, ends=(end,))).tokens
    assert ended == whole[: whole.index(end)]


def test_what_losses_change_is_told(made):
    model, plan = made
    writing = Writing((3, 1, 4), 30, **OPTIONS)
    clean, lossy = (
        write(model, plan, writing, Faults(loss=loss), 1, Settings(compute="plan"))
        for loss in (0.0, 0.5)
    )
    assert clean.differs(clean) is None
    first = lossy.differs(clean)
    assert first is not None and clean.tokens[:first] == lossy.tokens[:first]
    assert replace(clean, tokens=clean.tokens[:7]).differs(clean) == 7
    told = figures(model, plan, lossy, Settings(compute="plan"))
    assert told["equal_to_reference"] and told["delivered"] < 1
    told |= {"radio": "nrf_radio", "rounds": 1, "differs_from": 20, "text_without_loss": "abc"}
    speed, *again, loss, text = sentences(told, 3, 0.5)
    assert len(again) == (told["replayed"] > 0)
    assert speed.startswith("3 nodes over nrf_radio, 1 repair rounds: ") and text == "abc"
    assert "of no loss differs from the 21st token on" in loss
    assert [*sentences({**told, "equal_to_reference": False}, 3, 0)][-1].isupper()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"prompt": ()}, "the prompt has no tokens"),
        ({"prompt": (1,) * 21}, "the prompt has 21 tokens, which is more than 20 steps"),
        ({"temperature": 1e-4}, "beyond the integers"),
        ({"top_k": 256}, "draw from 255 at most"),
        ({"temperature": 65.536}, "nodes have 65.535 at most"),
        ({"steps": 65536}, "65536 steps: nodes write 65535 tokens at most"),
    ],
)
def test_what_cannot_be_written_is_refused(made, change, reason):
    with pytest.raises(CatsError, match=reason):
        write(*made, replace(Writing((1,), 20), **change))


def test_a_node_restarts(made):
    """In the middle of a step; what it lacks then is run once more."""
    model, plan = made
    clean = write(model, plan, Writing((3, 1, 4), 40))
    events = restarts(clean, [(1, 9)], 5000)
    assert [(event.node, event.on) for event in events] == [(1, False), (1, True)]
    again = write(model, plan, Writing((3, 1, 4), 40), Faults(events=events))
    assert len(again.tokens) == len(clean.tokens)
    told = figures(model, plan, again, Settings())
    assert told["equal_to_reference"] and told["refilled"][1] == told["replayed"] > 3
    line = [*sentences(told, 3, 0)][1]
    rows = told["replayed"]
    assert line == f"{rows} steps ran rows of before once more: node 1 has {rows} rows again"
    for moment, reason in (((1, 400), "no step 400: the text has 4"), ((3, 1), "no node 3 of 3")):
        with pytest.raises(CatsError, match=reason):
            restarts(clean, [moment])


def test_other_models_write_nothing():
    split = SplitConfig.even(PLAIN, 2)
    model = random_model(1, PLAIN, split)
    with pytest.raises(CatsError, match="does not tell the next"):
        Writing((1,), 20).check(model)
