# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Text that simulated nodes write: each token is chosen from what the last step gave."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.integer.llama_stream import Gathers
from cats.integer.model import IntegerModel
from cats.integer.quantize import quantize_inputs
from cats.integer.sampling import Sampling, choose
from cats.plan.plan import Plan
from cats.sim.compare import check as check_windows
from cats.sim.compare_steps import check_steps
from cats.sim.faults import Faults
from cats.sim.figures import node_energy, owners
from cats.sim.simulate import Answer, Driver, Result, Settings, simulate
from cats.tasks.tokenizers import check_prompt

#: struct cats_sampling's.
MOST_TOP_K = 255
#: Steps one behind the other in which nobody hears more of a text: it has ended, in a step that is
#: in no record.
MOST_IDLE = 20

@dataclass
class Writing:
    """A text behind ``prompt``, until so many ``steps`` of tokens are read, the prompt's among
    them, or one of ``ends`` is written, which is not given. ``told`` hears of each token as it is
    chosen; ``tokens`` are those behind the prompt so far.

    The node that owns the result chooses, and all are given the token. Where a stream's context
    ends, a new one begins with its last half, read anew.
    """

    prompt: Sequence[int]
    steps: int
    how: Sampling = field(default_factory=Sampling)
    ends: Collection[int] = ()
    told: Callable[[int], None] = lambda token: None
    tokens: list[int] = field(default_factory=list)
    #: Inputs that were given, int8 [tokens_in, P] each.
    inputs: list[np.ndarray] = field(default_factory=list)

    def driver(self, model: IntegerModel) -> Driver:
        """The inputs of a simulation; CatsError for a model that cannot write, or this prompt."""
        config = model.config
        check_prompt(self.prompt, self.steps)
        if not config.causal or config.inputs != config.outputs or config.task != "classify":
            raise CatsError("this model does not tell the next of the tokens that it reads")
        if config.context and config.tokens_in > 1:
            raise CatsError(
                f"a step of this stream takes {config.tokens_in} tokens: to write export it with "
                "--stream 1"
            )
        window = config.context or config.tokens
        if config.context and len(self.prompt) > window:
            raise CatsError(
                f"the prompt has {len(self.prompt)} tokens, the model's window {window}: shorten it"
            )
        if not config.context and config.pool != "all" and len(self.prompt) < window:
            raise CatsError(
                f"this model has a result for whole windows alone: give a prompt of {window} "
                "tokens, or export it with --stream"
            )
        return self._steps(model) if config.context else self._windows(model)

    def _chosen(self, model: IntegerModel, answer: Answer, row: int) -> bool:
        """Take the next token from a row of the outputs; whether the text goes on."""
        asked = [*owners(model), *range(len(answer.done))]
        node = next((d for d in asked if answer.done[d]), asked[0])
        read = len(self.prompt) + len(self.tokens)
        token = choose(answer.outputs[node, row], read - 1, self.how)
        if token in self.ends:
            return False
        self.tokens.append(token)
        self.writing.told(token)
        return len(self.prompt) + len(self.tokens) <= self.writing.steps

    def _by_nodes(self) -> Driver:
        """A model of the Llama family: nodes choose, and take what was chosen, by themselves."""
        due, idle = 0, 0  # the next position, and steps since that of before
        while idle < MOST_IDLE:
            answer = yield None
            position, idle = int(answer.positions.max()), idle + 1
            if position < due:
                continue
            due, idle = position + 1, 0
            took = np.flatnonzero(answer.positions == position)
            leads = took[answer.led[took]]
            token = int(answer.tokens[leads[0] if len(leads) else took[0]])
            if position >= len(self.prompt) and not self.add(token):
                return
        if not self.tokens:
            raise CatsError("no node is told a token: too much is lost")

    def _chosen(self, answer: Answer, row: int) -> bool:
        """Take the next token from a row of the result of the node that owns it."""
        asked = [*owners(self.model), *range(len(answer.done))]
        node = next((d for d in asked if answer.done[d]), asked[0])
        position = len(self.prompt) + len(self.tokens) - 1
        return self.add(choose(answer.outputs[node, row], position, self.how))

    def _given(self, rows: np.ndarray) -> np.ndarray:
        self.inputs.append(rows)
        return rows

    def _steps(self, model: IntegerModel) -> Driver:
        context, position, given = model.config.context, 0, list(self.prompt)
        while True:
            for token in given:
                answer = yield self._given(_row(model, token))
                position += 1
            if not self._chosen(model, answer, -1):
                return
            given = self.tokens[-1:]
            if position == context:
                given = [*self.prompt, *self.tokens][-max(1, context // 2) :]
                position = 0

    def _windows(self, model: IntegerModel) -> Driver:
        window = model.config.tokens
        while True:
            seen = [*self.prompt, *self.tokens][-window:]
            rows = np.zeros((window, model.config.inputs), np.int8)
            rows[: len(seen)] = np.concatenate([_row(model, token) for token in seen])
            answer = yield self._given(rows)
            if not self._chosen(model, answer, len(seen) - 1 if model.config.pool == "all" else -1):
                return


def _row(model: IntegerModel, token: int) -> np.ndarray:
    """A token as int8 [1, P]: of the Llama family its number, else 1 in its column."""
    if isinstance(model, Gathers):
        return np.array([[token]], "<u4").view(np.int8)
    one = np.zeros((1, model.config.inputs))
    one[0, token] = 1
    return quantize_inputs(model, one)


@dataclass(frozen=True)
class Written:
    """What nodes wrote: tokens behind the prompt, and how it went."""

    tokens: list[int]
    inputs: np.ndarray
    result: Result

    def differs(self, other: Written) -> int | None:
        """The first token at which two texts differ; None: they are the same."""
        both = zip(self.tokens, other.tokens, strict=False)
        first = next((i for i, (a, b) in enumerate(both) if a != b), None)
        if first is None and len(self.tokens) != len(other.tokens):
            return min(len(self.tokens), len(other.tokens))
        return first


def write(
    model: IntegerModel,
    plan: Plan,
    writing: Writing,
    faults: Faults | None = None,
    seed: int = 0,
    settings: Settings | None = None,
    images: Sequence[bytes] | None = None,
) -> Written:
    """Let simulated nodes write; ``seed`` is that of the losses."""
    writing = dataclasses.replace(writing, tokens=[], inputs=[])
    result = simulate(model, plan, writing.driver(model), faults, seed, settings, images)
    if result.hung:
        raise CatsError(f"step {result.hung[0]} did not end at node {result.hung[1]}")
    return Written(writing.tokens, np.array(writing.inputs), result)


def figures(
    model: IntegerModel, plan: Plan, written: Written, settings: Settings, *, check: bool = True
) -> dict:
    """Tokens a second, milliseconds, millijoules (of the node that needs most, and of all), frames
    and microseconds on air of a step, means over all but the first, in which the leader listens;
    whether every output was the integer reference's (None: not compared)."""
    result, nodes = written.result, model.split.nodes
    ended = result.span_us[result.done.any(1)]
    span = ended[1:] if len(ended) > 1 else ended
    if not len(span):
        raise CatsError("no step has ended: nothing says how long one takes")
    energy = [node_energy(model, plan, result, d, settings)["mj"] for d in range(nodes)]
    compare = check_steps if model.config.context else check_windows
    return {
        "steps": len(ended),
        "tokens_per_second": 1e6 / float(span.mean()),
        "token_ms": float(span.mean()) / 1e3,
        "energy_mj": max(energy),
        "energy_mj_all_nodes": sum(energy),
        "frames": float(result.frames.mean()),
        "air_ms": float(result.air_us.mean()) / 1e3,
        "delivered": result.delivered,
        "equal_to_reference": not compare(model, plan, written.inputs, result) if check else None,
    }


def sentences(figures: dict, nodes: int, loss: float) -> Iterator[str]:
    """The figures for people; with ``differs_from`` and ``text_without_loss`` where packets were
    lost."""
    yield (
        f"{nodes} nodes over {figures['radio']}, {figures['rounds']} repair rounds: "
        f"{figures['tokens_per_second']:.1f} tokens a second ({figures['token_ms']:.1f} ms each, "
        f"{figures['air_ms']:.1f} of it on the air, {figures['frames']:.0f} frames), "
        f"{figures['energy_mj']:.2f} mJ a token for the node that needs most, "
        f"{figures['energy_mj_all_nodes']:.2f} for all"
    )
    if loss:
        first = figures["differs_from"]
        yield (
            f"{1 - figures['delivered']:.1%} of all fragments were lost for good; "
            + ("the text is that of no loss" if first is None else "the text of no loss differs "
               f"from the {_ordinal(first + 1)} token on:")
        )  # fmt: skip
        if first is not None:
            yield figures["text_without_loss"]
    if figures["equal_to_reference"] is False:
        yield "AN OUTPUT DIFFERS FROM THE INTEGER REFERENCE"


def _ordinal(number: int) -> str:
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
