# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Text that simulated nodes write: each token is chosen from what the last step gave."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cats.errors import CatsError
from cats.integer.model import IntegerModel
from cats.integer.quantize import quantize_inputs
from cats.integer.sampling import choose, sampling
from cats.plan.plan import Plan
from cats.sim.compare import check as check_windows
from cats.sim.compare_steps import check_steps
from cats.sim.faults import Event, Faults
from cats.sim.figures import node_energy, owners
from cats.sim.simulate import Answer, Driver, Prompt, Result, Settings, simulate
from cats.tasks.tokenizers import check_prompt

#: Of struct cats_sampling and struct cats_generation.
MOST_TOP_K = 255
MOST_TEMPERATURE = 65.535
MOST_WRITTEN = 65535
#: Steps one behind the other in which nobody hears more of a text: it has ended, in a step that is
#: in no record.
MOST_IDLE = 20


@dataclass(frozen=True)
class Writing:
    """A text behind ``prompt``, until so many ``steps`` of tokens are read, the prompt's among
    them, or one of ``ends`` is written, which is not given. Tokens are chosen as
    ``cats.integer.sampling`` does, at a ``temperature`` to the thousandth. ``told`` hears of each
    as soon as it is known."""

    prompt: Sequence[int]
    steps: int
    temperature: float = 0.0
    top_k: int = 0
    seed: int = 0
    ends: Collection[int] = ()
    told: Callable[[int], None] = lambda token: None

    def check(self, model: IntegerModel) -> None:
        """CatsError for a model that cannot write, or not this."""
        config = model.config
        check_prompt(self.prompt, self.steps)
        sampling(model.output_scale, self.temperature)
        if not config.causal or config.inputs != config.outputs or config.task != "classify":
            raise CatsError("this model does not tell the next of the tokens that it reads")
        if config.context and config.tokens_in > 1:
            raise CatsError(
                f"a step of this stream takes {config.tokens_in} tokens: to write export it with "
                "--stream 1"
            )
        if config.by_token and self.top_k > MOST_TOP_K:
            raise CatsError(f"top-k is {self.top_k}: nodes draw from {MOST_TOP_K} at most")
        if config.by_token and self.temperature > MOST_TEMPERATURE:
            raise CatsError(
                f"temperature {self.temperature:g}: nodes have {MOST_TEMPERATURE} at most"
            )
        if config.by_token and self.steps - len(self.prompt) >= MOST_WRITTEN:
            raise CatsError(f"{self.steps} steps: nodes write {MOST_WRITTEN} tokens at most")
        window = config.context or config.tokens
        if config.context and not config.by_token and len(self.prompt) > window:
            raise CatsError(
                f"the prompt has {len(self.prompt)} tokens, the model's window {window}: shorten it"
            )
        if not config.context and config.pool != "all" and len(self.prompt) < window:
            raise CatsError(
                f"this model has a result for whole windows alone: give a prompt of {window} "
                "tokens, or export it with --stream"
            )


class _Text:
    """A text as it is written."""

    def __init__(self, writing: Writing, model: IntegerModel) -> None:
        self.writing, self.model = writing, model
        self.prompt = list(writing.prompt)
        self.tokens: list[int] = []  # behind the prompt
        self.inputs: list[np.ndarray] = []  # int8 [tokens_in, P] each
        self.how = sampling(
            model.output_scale, writing.temperature, writing.top_k, writing.seed
        )  # fmt: skip

    def driver(self) -> Driver:
        if self.model.config.by_token:
            return self._by_nodes()
        return self._by_steps() if self.model.config.context else self._by_windows()

    def add(self, token: int) -> bool:
        """Take a token into the text; whether that goes on."""
        if token in self.writing.ends:
            return False
        self.tokens.append(token)
        self.writing.told(token)
        return len(self.prompt) + len(self.tokens) <= self.writing.steps

    def _by_nodes(self) -> Driver:
        """A model of the Llama family: nodes choose, and take what was chosen, by themselves."""
        due, idle = 0, 0  # the next position, and steps since that of before
        while idle < MOST_IDLE:
            answer = yield None
            if answer.replayed.any():
                continue
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

    def _by_steps(self) -> Driver:
        """Where the context ends, a new one begins with its last half, read anew."""
        context, position, given = self.model.config.context, 0, self.prompt
        while True:
            for token in given:
                answer = yield self._given(_row(self.model, token))
                position += 1
            if not self._chosen(answer, -1):
                return
            given = self.tokens[-1:]
            if position == context:
                given = [*self.prompt, *self.tokens][-max(1, context // 2) :]
                position = 0

    def _by_windows(self) -> Driver:
        config = self.model.config
        while True:
            seen = [*self.prompt, *self.tokens][-config.tokens :]
            rows = np.zeros((config.tokens, config.inputs), np.int8)
            rows[: len(seen)] = np.concatenate([_row(self.model, token) for token in seen])
            answer = yield self._given(rows)
            if not self._chosen(answer, len(seen) - 1 if config.pool == "all" else -1):
                return


def _row(model: IntegerModel, token: int) -> np.ndarray:
    """A token as int8 [1, P]: 1 in its column."""
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
    """Let simulated nodes write; ``seed`` is that of the losses. A text of a model of the Llama
    family is one of ``cats_node_generate()`` at node 0."""
    writing.check(model)
    text, prompts = _Text(writing, model), {}
    if model.config.by_token:
        count = writing.steps - len(text.prompt) + 1
        how = round(1000 * writing.temperature), writing.top_k, writing.seed % 2**32
        prompts = {0: Prompt(text.prompt, count, 0, *how)}
    driver = text.driver()
    result = simulate(model, plan, driver, faults, seed, settings, images, prompts=prompts)
    if result.hung:
        raise CatsError(f"step {result.hung[0]} did not end at node {result.hung[1]}")
    return Written(text.tokens, np.array(text.inputs), result)


def restarts(
    written: Written, moments: Iterable[tuple[int, int]], off_us: int = 50_000
) -> list[Event]:
    """What is to happen so that nodes restart in the middle of steps, (node, step), of a text that
    takes as long as this one: each is off for ``off_us``. CatsError where there is no such."""
    ends = np.cumsum(written.result.span_us)
    events = []
    for node, step in moments:
        if step >= len(ends):
            raise CatsError(f"there is no step {step}: the text has {len(ends)} of them, from 0 on")
        if node >= written.result.done.shape[1]:
            raise CatsError(f"there is no node {node} of {written.result.done.shape[1]}")
        at = int(ends[step] - written.result.span_us[step] / 2)
        events += [Event(node, False, at), Event(node, True, at + off_us)]
    return sorted(events, key=lambda event: event.at)


def figures(
    model: IntegerModel, plan: Plan, written: Written, settings: Settings, *, check: bool = True
) -> dict:
    """The radio and its repair rounds; tokens a second, milliseconds, millijoules (of the node that
    needs most, and of all), frames and microseconds on air of a step, means over all but the first,
    in which the leader listens; whether every output was the integer reference's (None: not
    compared)."""
    result, nodes = written.result, model.split.nodes
    ended = result.span_us[result.done.any(1)]
    tokens = (result.done.any(1) & ~result.replayed.any(1)).sum() - len(ended)
    span = ended[1:] if len(ended) > 1 else ended
    if not len(span):
        raise CatsError("no step has ended: nothing says how long one takes")
    energy = [node_energy(model, plan, result, d, settings)["mj"] for d in range(nodes)]
    compare = check_steps if model.config.context else check_windows
    return {
        "radio": plan.radio,
        "rounds": plan.rounds,
        "steps": len(ended),
        "tokens_per_second": 1e6 * max(1, len(span) + tokens) / float(span.sum()),
        "token_ms": float(span.sum()) / max(1, len(span) + tokens) / 1e3,
        "replayed": int(result.replayed.any(1).sum()),
        "refilled": result.refilled.tolist(),
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
    if figures.get("replayed"):
        by_node = ", ".join(
            f"node {d} has {rows} rows again"
            for d, rows in enumerate(figures["refilled"]) if rows
        )  # fmt: skip
        yield f"{figures['replayed']} steps ran rows of before once more: {by_node or 'in vain'}"
    if "differs_from" in figures:
        first = figures["differs_from"]
        lost = f"{1 - figures['delivered']:.1%} of all fragments were lost for good; "
        yield (
            (lost if loss else "")
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
