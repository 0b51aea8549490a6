# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""How the demo ends: the nodes of ``samples/storyteller`` write while packets are lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cats.deploy.export import load_deploy
from cats.deploy.tokenizer import read_tokenizer
from cats.plan.predict import parameters
from cats.report import GrowingText
from cats.sim.faults import Faults
from cats.sim.simulate import Settings
from cats.sim.write import Writing, figures, sentences, write

#: In the repository; an installed package has none.
DEPLOY = Path(__file__).parents[2] / "samples" / "storyteller" / "deploy"
PROMPT, STEPS, LOSS = "ROMEO:", 200, 0.1
TEMPERATURE, TOP_K = 0.7, 8


def run(seed: int = 0, deploy: Path = DEPLOY) -> bool:
    """Tell it; whether every output was the integer reference's (also where there is no model)."""
    if not deploy.is_dir():
        return True
    model, plan, meta, images = load_deploy(deploy)
    tokenizer, ends = read_tokenizer(deploy, meta, model.metadata)
    nodes, settings = model.split.nodes, Settings(compute="plan")
    print(
        f"\nAnd {nodes} nodes that share a language model of "
        f"{parameters(model.config, model.split):,} parameters write, while {LOSS:.0%} of all "
        f"packets are lost (cats generate samples/storyteller/deploy):\n"
    )
    writing = Writing(tokenizer.encode(PROMPT), STEPS, TEMPERATURE, TOP_K, seed, ends.ends)
    with GrowingText(tokenizer.decode, writing.prompt) as text:
        shown = replace(writing, told=text.add)
        written = write(model, plan, shown, Faults(loss=LOSS), seed, settings, images)
    told = figures(model, plan, written, settings)
    print("\n" + "\n".join(sentences(told, nodes, 0)))
    return told["equal_to_reference"]
