# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A language model on BabbleSim: four nodes write over nrf_radio, code and computing in time; all
of them are told the tokens of the integer reference."""

import itertools

import numpy as np
import pytest

from cats.deploy.export import export, exported
from cats.integer.llama import write
from cats.integer.llama_stream import window_of
from cats.zephyr import bsim
from cats.zephyr.workspace import source_tree
from report import radio_cells as cells

pytestmark = [
    pytest.mark.slow,
    pytest.mark.bsim,
    pytest.mark.skipif(bsim.missing() is not None, reason=str(bsim.missing())),
]
PROMPT = "ROMEO:"
TOKENS = 20


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A function: the deployment of samples/storyteller with so many repair rounds, as the program
    reads it, and the tokens that the integer reference writes."""
    model, meta, tokenizer = exported(source_tree() / "samples" / "storyteller" / "deploy")
    prompt = tokenizer.encode(PROMPT, "the prompt").tolist()
    text = itertools.islice(write(window_of(model.llama), prompt), TOKENS)
    wanted = [*prompt, *text]

    def get(rounds):
        folder = tmp_path_factory.mktemp("story") / "deploy"
        export(model, folder, formats="image", radio="nrf_radio", rounds=rounds)
        made = cells.prepare(folder, np.zeros((1, 1, 4), np.int8))
        bsim.write_prompt(folder, prompt)
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
    times = [told.time_us for told in logs[0].tokens if told.chosen]
    steps = logs[0].tokens[-1].position - given
    print(
        f"{len(wanted) - given} tokens of a model of 412,608 parameters on {made.nodes} nodes, "
        f"{'one frame in ten lost, ' if loss else ''}{rounds} repair rounds: "
        f"{1e6 * steps / (times[-1] - times[0]):.1f} a second"
    )
