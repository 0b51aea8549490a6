# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Language models on BabbleSim: nodes write, code and computing in time; all of them are told the
tokens of the integer reference."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest

from cats.deploy.export import export, exported, load_deploy
from cats.integer.llama import write
from cats.integer.llama_stream import window_of
from cats.plan.predict import parameters
from cats.plan.timing import inference_us
from cats.shape.config import SplitConfig
from cats.shape.partition import input_ranges
from cats.zephyr import bsim
from cats.zephyr.workspace import source_tree
from command_line import status
from report import radio_cells as cells
from report.streams import LARGE, LARGEST, STORED, random_stream, stored_split

pytestmark = [
    pytest.mark.slow,
    pytest.mark.bsim,
    pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
]
STORIES = Path(__file__).parents[4] / "shared" / "data" / "stories260K.bin"
PROMPT = "ROMEO:"
TOKENS = 20


def deployed(model, folder, prompt, tokens, radio, rounds, replicate=""):
    """What the nodes read, exported to ``folder``, and all tokens by the integer reference."""
    export(model, folder, formats="image", radio=radio, rounds=rounds, replicate=replicate)
    made = cells.prepare(folder, np.zeros((1, 1, 4), np.int8))
    bsim.write_prompt(folder, prompt)
    text = itertools.islice(write(window_of(model.llama), prompt), tokens)
    return made, [*prompt, *text]


def a_second(log):
    """Tokens a second of what a node was told, from the first that was chosen on."""
    times = [told.time_us for told in log.tokens if told.chosen]
    steps = [told.position for told in log.tokens if told.chosen]
    return 1e6 * (steps[-1] - steps[0]) / (times[-1] - times[0])


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A function: the deployment of samples/storyteller with so many repair rounds, as the program
    reads it, and the tokens that the integer reference writes."""
    model, meta, tokenizer = exported(source_tree() / "samples" / "storyteller" / "deploy")
    prompt = tokenizer.encode(PROMPT, "the prompt").tolist()

    def get(rounds):
        folder = tmp_path_factory.mktemp("story") / "deploy"
        made, wanted = deployed(model, folder, prompt, TOKENS, "nrf_radio", rounds)
        return made, wanted, len(prompt)

    return get


@pytest.mark.short
@pytest.mark.parametrize(("loss", "rounds", "author"), [(False, 0, 0), (False, 2, 2), (True, 3, 0)])
def test_nodes_write(program, story, loss, rounds, author):
    """Whoever begins the text, and at one frame in ten lost at each receiver."""
    made, wanted, given = story(rounds)
    devices = cells.devices(
        made, 1, cells.DRIFT_PPM, prompt="prompt.bin", tokens=TOKENS, author=author,
        quiet=10_000_000,
    )  # fmt: skip
    modem = cells.lossy("nrf_radio") if loss else ()
    logs = bsim.run(program("nrf_radio+text"), made.folder, devices, seconds=120.0, modem=modem)
    for log in logs:
        known = {told.position: told for told in log.tokens}
        assert len(known) == len(log.tokens)  # each once
        heard = sorted(known)
        if not loss:
            assert heard == list(range(len(wanted))) and log.stopped == "done"
        # A node that heard nothing of a step is not told of it.
        assert len(heard) >= 0.9 * len(wanted)
        assert [known[p].token for p in heard] == [wanted[p] for p in heard]
        assert [known[p].chosen for p in heard] == [p >= given for p in heard]
    compared, wrong = bsim.check_text(made.folder, logs)
    assert compared >= 0.9 * made.nodes * len(wanted) and not wrong
    print(
        f"{len(wanted) - given} tokens of a model of 412,608 parameters on {made.nodes} nodes, "
        f"{'one frame in ten lost, ' if loss else ''}{rounds} repair rounds: "
        f"{a_second(logs[0]):.1f} a second"
    )


@pytest.mark.short
@pytest.mark.parametrize(("node", "rounds"), [(1, 0), (0, 0), (1, 2)])
def test_a_node_restarts_in_the_middle(program, story, node, rounds):
    """It forgets all, and has the rows that it lacks again, as others know what they are of; the
    text goes on, and all outputs are the reference's."""
    made, wanted, _ = story(rounds)
    devices = cells.devices(
        made, 1, cells.DRIFT_PPM, prompt="prompt.bin", tokens=TOKENS, author=2, quiet=10_000_000
    )
    devices[node] = dataclasses.replace(
        devices[node], options={**devices[node].options, "restart": 550, "off": 30}
    )
    logs = bsim.run(program("nrf_radio+text"), made.folder, devices, seconds=120.0)
    assert len(logs[node].restarts) == 1 and all(log.stopped == "done" for log in logs)
    for log in logs:
        told = {one.position: one.token for one in log.tokens}
        assert len(told) == len(log.tokens) >= (len(wanted) - 3 if log is logs[node] else 0)
    again = [step for step in logs[node].steps.values() if step.place.replay]
    assert again[-1].known == again[-1].place.top + 1 > 5  # it has all rows of the text
    assert max(told.position for told in logs[3].tokens) == len(wanted) - 1
    compared, wrong = bsim.check_text(made.folder, logs)
    assert compared >= made.nodes * (len(wanted) - 3) and not wrong
    print(f"node {node}, {rounds} rounds: {len(again)} rows again, {compared} outputs compared")


@pytest.mark.parametrize("node", [None, 0, 1])
def test_nodes_that_sleep_write(program, story, node):
    """A step each meeting, of a prompt that node 2 has; a node that restarts, also the leader, has
    the rows again that it lacks."""
    made, wanted, _ = story(0)
    period_ms, restart = 200, {"restart": 2_300, "off": 30}
    devices = cells.devices(
        made, 1, cells.DRIFT_PPM, prompt="prompt.bin", tokens=TOKENS, author=2,
        quiet=10_000_000, period=period_ms,
    )  # fmt: skip
    if node is not None:
        devices[node] = dataclasses.replace(
            devices[node], options={**devices[node].options, **restart}
        )
    logs = bsim.run(program("nrf_radio+sleep+text"), made.folder, devices, seconds=120.0)
    for log in logs:
        told = {one.position: one.token for one in log.tokens}
        assert len(told) == len(log.tokens) >= (len(wanted) - 3 if log.restarts else 0)
        assert node is not None or told == dict(enumerate(wanted))
    if node is not None:
        again = [step for step in logs[node].steps.values() if step.place.replay]
        assert len(logs[node].restarts) == 1
        assert again[-1].known == again[-1].place.top + 1 > 5
    assert max(told.position for told in logs[3].tokens) == len(wanted) - 1
    compared, wrong = bsim.check_text(made.folder, logs)
    assert compared >= made.nodes * (len(wanted) - 3) and not wrong
    print(f"node {node}: {compared} outputs compared")


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """The integers of stories260K on four nodes."""
    if not STORIES.exists():
        pytest.skip("stories260K is not there")
    run, folder = (tmp_path_factory.mktemp("stories") / name for name in ("run", "deploy"))
    tokenizer = STORIES.with_name("tok512.bin")
    assert status("import", "llama2c", STORIES, "--tokenizer", tokenizer, "-o", run) == 0
    assert status("export", run, "-o", folder, "--nodes", "4") == 0
    return exported(folder)[0]


@pytest.mark.parametrize(
    ("replicate", "rounds", "least"),
    [("", 0, 15), ("residual", 0, 23), ("feed_forward", 0, 30), ("feed_forward", 2, 23)],
)
def test_a_small_model_with_what_is_replicated(
    program, tmp_path, stories, replicate, rounds, least
):
    """Jobs take what they take when the window of 512 is full."""
    prompt = (1, 403, 407, 261, 378)  # "Once upon a time"
    made, wanted = deployed(
        stories, tmp_path / "deploy", prompt, 100, "nrf_radio", rounds, replicate
    )
    devices = cells.devices(
        made, 1, cells.DRIFT_PPM, prompt="prompt.bin", tokens=100, author=0, quiet=10_000_000
    )
    logs = bsim.run(program("nrf_radio+text"), made.folder, devices, seconds=120.0)
    for log in logs:
        assert [told.token for told in log.tokens] == wanted and log.stopped == "done"
        assert log.send_failed == 0
    compared, wrong = bsim.check_text(made.folder, logs)
    assert compared == 4 * len(wanted) and not wrong
    print(
        f"stories260K, {replicate or 'nothing'}, {rounds} rounds: {a_second(logs[0]):.1f} a second"
    )
    assert a_second(logs[0]) > least


def test_losses_do_not_change_the_text(program, tmp_path, stories):
    """One frame in ten is lost, and repaired: each of 100 tokens is that of no loss, at 15 a second
    or more."""
    prompt = (1, 403, 407, 261, 378)  # "Once upon a time"
    made, wanted = deployed(
        stories, tmp_path / "deploy", prompt, 100, "nrf_radio", 3, "feed_forward"
    )
    devices = cells.devices(
        made, 1, cells.DRIFT_PPM, prompt="prompt.bin", tokens=100, author=0, quiet=10_000_000
    )
    modem = cells.lossy("nrf_radio")
    logs = bsim.run(program("nrf_radio+text"), made.folder, devices, modem=modem, seconds=240.0)
    compared, wrong = bsim.check_text(made.folder, logs)
    print(f"stories260K, one frame in ten lost: {a_second(logs[0]):.1f} a second, {compared}")
    for log in logs:
        assert [told.token for told in log.tokens] == wanted
    assert not wrong and a_second(logs[0]) > 15


@pytest.mark.parametrize("replicate", ["residual", "feed_forward"])
def test_what_is_replicated_is_lost(program, tmp_path, replicate):
    """One frame in ten at each receiver: what a node computes is the reference's with what it
    heard, whatever it lacks."""
    model, prompt = exported(source_tree() / "samples" / "storyteller" / "deploy")[0], (1, 2, 3)
    made, wanted = deployed(model, tmp_path / "deploy", prompt, TOKENS, "nrf_radio", 3, replicate)
    devices = cells.devices(
        made, 1, cells.DRIFT_PPM, prompt="prompt.bin", tokens=TOKENS, author=0, quiet=10_000_000
    )
    modem = cells.lossy("nrf_radio")
    logs = bsim.run(program("nrf_radio+text"), made.folder, devices, seconds=120.0, modem=modem)
    compared, wrong = bsim.check_text(made.folder, logs)
    assert compared >= 0.9 * made.nodes * len(wanted) and not wrong
    print(f"one frame in ten lost, {replicate}, 3 rounds: {a_second(logs[0]):.1f} a second")


def write_in_time(program, model, folder, radio, prompt=(1, 2, 3, 4, 5, 6)):
    """Tokens a second, as the plan says; jobs take what they take when the window is full."""
    made, wanted = deployed(model, folder, prompt, 6, radio, 0)
    devices = cells.devices(
        made, 1, cells.DRIFT_PPM, prompt="prompt.bin", tokens=6, author=0, quiet=10_000_000
    )
    logs = bsim.run(program(f"{radio}+text"), made.folder, devices, seconds=120.0)
    for log in logs:
        assert [told.token for told in log.tokens] == wanted and log.stopped == "done"
        assert log.send_failed == 0  # nor was a frame late
    stream, plan, _, _ = load_deploy(made.folder)
    planned = 1e6 / inference_us(stream.config, stream.split, stream.keep, plan)
    found = a_second(logs[0])
    print(f"{folder.parent.name}: {found:.2f} tokens a second, planned {planned:.2f}")
    assert found == pytest.approx(planned, rel=0.02)
    return found


@pytest.mark.parametrize(
    ("radio", "parallel", "change", "least"),
    [("nrf_radio", False, {}, 5), ("nrf_radio", True, {}, 8),
     ("nrf_radio", False, LARGEST["sequential"], 7.9),
     ("nrf_radio", True, LARGEST["parallel"], 10),
     ("ieee802154", False, {}, 1.2), ("ieee802154", True, {}, 1.5)],
)  # fmt: skip
def test_sixteen_nodes_write_with_ten_million_parameters(
    program, tmp_path, radio, parallel, change, least
):
    config = dataclasses.replace(LARGE, parallel_blocks=parallel, **change)
    split = SplitConfig.even(config, 16)
    assert parameters(config, split) > 10_000_000
    model = random_stream(config, split)
    assert write_in_time(program, model, tmp_path / "deploy", radio) > least


@pytest.fixture(scope="module")
def stored():
    """STORED on sixteen nodes of which four compute, and a prompt of tokens whose rows others have
    than the author, most of them nodes that compute nothing."""
    split = stored_split()
    assert parameters(STORED, split) > 10_000_000
    model = random_stream(STORED, split)
    ranges = input_ranges(split)
    return model, [ranges[owner][0] + 17 * owner for owner in (4, 15, 1, 9, 5, 12, 7)]


def test_four_of_sixteen_nodes_compute_and_all_store_ten_million_parameters(
    program, tmp_path, stored
):
    """Tokens' rows, with embeddings of each block, come from whoever has them."""
    model, prompt = stored
    assert write_in_time(program, model, tmp_path / "deploy", "nrf_radio", prompt) > 15


def test_rows_that_others_have_are_lost(program, tmp_path, stored):
    """One frame in ten at each receiver: a row that a node lacks is zeros there, and what it
    computes is the reference's with the same losses."""
    model, prompt = stored
    made, _ = deployed(model, tmp_path / "deploy", prompt, 6, "nrf_radio", 3)
    devices = cells.devices(
        made, 1, cells.DRIFT_PPM, prompt="prompt.bin", tokens=6, author=0, quiet=10_000_000
    )
    logs = bsim.run(
        program("nrf_radio+text"), made.folder, devices, seconds=120.0,
        modem=cells.lossy("nrf_radio"),
    )  # fmt: skip
    steps = len(prompt) + 6
    assert all(log.stopped == "done" for log in logs)
    # Who missed the end of a step as well as the next one's opening is told no token of that.
    assert sum(len(log.tokens) for log in logs) >= 0.9 * made.nodes * steps
    compared, wrong = bsim.check_text(made.folder, logs)
    assert compared >= 0.9 * made.nodes * steps and not wrong
    print(f"one frame in ten lost: {a_second(logs[0]):.2f} tokens a second, {compared} outputs")
