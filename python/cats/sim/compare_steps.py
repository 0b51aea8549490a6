# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Steps of a stream against the integer reference: the same rows, losses, absences, restarts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from cats.integer.llama import NO_TOKEN, LlamaSteps, Place
from cats.integer.llama_stream import Gathers, every_row, window_of
from cats.integer.model import IntegerModel
from cats.integer.reference import Availability
from cats.integer.steps import Steps
from cats.plan.plan import Plan
from cats.shape.config import ModelConfig
from cats.shape.partition import input_ranges, row_source
from cats.sim.compare import availability, bits_availability
from cats.sim.simulate import Result

#: STALE_NUMBERS of subsys/cats/gather: a leader that nobody follows leaves out as many.
STALE_NUMBERS = 64


def steps_of(config: ModelConfig) -> int:
    """Steps of a window."""
    return config.context // config.tokens_in


def in_steps(config: ModelConfig, windows: np.ndarray) -> np.ndarray:
    """Windows [W, context, P] as steps, one window behind another: [W S, R, P]."""
    return windows.reshape(-1, config.tokens_in, windows.shape[-1])


def in_windows(config: ModelConfig, result: Result) -> Result:
    """A result as if each window had been one inference: with the last step's output, or where each
    row has one with all of them, where every step gave one."""
    steps = steps_of(config)
    outputs = result.outputs.reshape(-1, steps, *result.outputs.shape[1:])
    done = result.done.reshape(-1, steps, result.done.shape[1])
    if config.pool == "all":
        outputs = np.moveaxis(outputs, 1, 2)
        outputs = outputs.reshape(*outputs.shape[:2], -1, outputs.shape[-1])
        return dataclasses.replace(result, outputs=outputs, done=done.all(1))
    return dataclasses.replace(result, outputs=outputs[:, -1], done=done[:, -1])


def positions(config: ModelConfig, result: Result) -> np.ndarray:
    """int [B]: of each step's first row, -1 where nobody took part or some were at another one."""
    took = result.numbers >= 0
    one = (result.numbers == result.numbers.max(1, keepdims=True)) | ~took
    if config.by_token:
        found = np.where(took, result.positions, -1).max(1)
        one &= (result.positions == found[:, None]) | ~took
    else:
        found = result.numbers.max(1) % steps_of(config) * config.tokens_in
    return np.where(took.any(1) & one.all(1) & ~result.mixed, found, -1)


def comparable(config: ModelConfig, result: Result) -> np.ndarray:
    """bool [B]: steps of which it is known what each node had, from a window's first one until one
    that it is not known of, as those are that were asked for so late that they are in no record."""
    if config.by_token:
        return _comparable_tokens(config, result)
    known, found, before = np.zeros(len(result.numbers), bool), False, -1
    for i, position in enumerate(positions(config, result)):
        number = int(result.numbers[i].max())
        if number < 0:
            continue
        unseen = 1 < (number - before) % 2**16 < STALE_NUMBERS
        found = position == 0 or (found and position > 0 and not unseen)
        known[i], before = found, number
    return known


def _comparable_tokens(config: ModelConfig, result: Result) -> np.ndarray:
    """The same of texts, which have names: from the first step of each, and until a node guesses
    that its text is further off than the window."""
    known, found, before, name, top = np.zeros(len(result.numbers), bool), False, -1, -1, -1
    for i, numbers in enumerate(result.numbers):
        took, number = numbers >= 0, int(numbers.max())
        if number < 0:
            continue
        knows = took & result.told[i] if (took & result.told[i]).any() else took
        tops = result.tops[i, knows]
        near = np.abs(result.tops[i, took] - tops[0]) < config.context
        one = not result.mixed[i] and near.all() and all(
            len(set(values.tolist())) == 1
            for values in (numbers[took], result.texts[i, took], tops, result.positions[i, knows],
                           result.replayed[i, knows])
        )  # fmt: skip
        if one and result.texts[i, took][0] != name:
            name, found = int(result.texts[i, took][0]), not (result.tops[i, took].any())
        else:
            unseen = 1 < (number - before) % 2**16 < STALE_NUMBERS
            found = found and one and not unseen and tops[0] in (top, top + 1)
        known[i], before, top = found, number, int(tops[0])
    return known


def check_steps(
    model: IntegerModel, plan: Plan, inputs: np.ndarray, result: Result, limit: int | None = None
) -> list[tuple[int, int]]:
    """(step, node) whose output, or number of rows that the node has, differs from the reference's,
    among the first ``limit`` steps; of those that are ``comparable``."""
    if isinstance(model, Gathers):
        return _check_tokens(model, plan, result, limit)
    config, steps = model.config, Steps(model)
    ranges, places = input_ranges(model.split), positions(config, result)
    wrong: list[tuple[int, int]] = []
    for i in np.flatnonzero(comparable(config, result)[:limit]).tolist():
        took = result.numbers[i] >= 0
        given = np.array(inputs[i])
        for d, (begin, end) in enumerate(ranges):
            if not result.submitted[i, d]:
                given[:, begin:end] = 0
        for d in np.flatnonzero(took):
            rows = steps.known[0, d].sum() + config.tokens_in
            if result.known[i, d] == config.tokens_in != rows:
                steps.forget(d)
            elif result.known[i, d] != rows:
                wrong.append((i, int(d)))
        steps.position = int(places[i])
        want = steps.step(given[None], availability(model, plan, result, [i]), took)[0]
        same = (want == result.outputs[i]).all(axis=(1, 2)) | ~result.done[i]
        wrong += [(i, int(d)) for d in np.flatnonzero(~same)]
    return wrong


def _check_tokens(
    model: Gathers, plan: Plan, result: Result, limit: int | None
) -> list[tuple[int, int]]:
    """The same of a stream of the Llama family, whose nodes say which token each took."""
    steps, name = LlamaSteps(window_of(model.llama)), -1
    wrong: list[tuple[int, int]] = []
    for i in np.flatnonzero(comparable(model.config, result)[:limit]).tolist():
        took = result.numbers[i] >= 0
        if result.texts[i, took][0] != name:
            name = int(result.texts[i, took][0])
            steps.begin()
        places = places_of(result, i)
        for d in np.flatnonzero(took):
            rows = steps.rows_at(d, places[d])
            if result.known[i, d] == 1 != rows:
                steps.forget(d)
            elif result.known[i, d] != rows:
                wrong.append((i, int(d)))
        tokens = np.where(took, result.tokens[i], NO_TOKEN)
        want = step_of_token(model, plan, steps, result.bits[i], tokens, took, places)
        same = (want == result.outputs[i]).all(axis=(1, 2)) | ~result.done[i]
        wrong += [(i, int(d)) for d in np.flatnonzero(~same & ~result.replayed[i])]
    return wrong


def places_of(result: Result, step: int) -> list[Place]:
    """Where each node was in a step of a text; who took no part, where another one was."""
    took = result.numbers[step] >= 0
    values = zip(
        result.positions[step], result.tops[step], result.replayed[step], result.told[step],
        strict=True,
    )  # fmt: skip
    places = [
        Place(int(row), int(top), bool(again), bool(told)) for row, top, again, told in values
    ]
    return [places[d if took[d] else int(np.argmax(took))] for d in range(len(took))]


def step_of_token(
    model: Gathers, plan: Plan, steps: LlamaSteps, bits: np.ndarray, tokens: np.ndarray,
    took: np.ndarray, places: Sequence[Place] | None = None,
) -> np.ndarray:  # fmt: skip
    """The reference's next step, int16 [D, 1, T]: of what each node heard, ``Result.bits`` of one
    step, and took, ``tokens`` [D], of those that ``took`` part, bool [D]; ``places`` as
    ``LlamaSteps.step`` has them."""
    has, sent = every_row(model.llama, bits_availability(model, plan, bits[None])), None
    if model.config.sends_rows:
        row, sent = _heard_rows(model, plan, bits[0], tokens)
        has = Availability((row, *has.gathers[1:]))
    return steps.step(tokens[None, :, None], has, took, sent=sent, places=places)[0]


def _heard_rows(
    model: Gathers, plan: Plan, bits: np.ndarray, tokens: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What each node heard of a token's row, bool [1, D, bytes], and whose that is, [1, D, 1]:
    ``bits`` [receiver, source, bytes] are of gather INPUT, ``tokens`` [D] what each node takes."""
    split = model.split
    cut, ranges = plan.gathers[0].sources[row_source(split)], input_ranges(split)
    arrived = np.unpackbits(bits, axis=-1, bitorder="little").astype(bool)
    has = np.zeros((1, split.nodes, model.config.row_bytes), bool)
    sent = np.full((1, split.nodes, 1), NO_TOKEN)
    for d in range(split.nodes):
        for source, (begin, end) in enumerate(ranges):
            heard = np.flatnonzero(arrived[d, source, : cut.fragments(1)])
            if source == d or not len(heard):
                continue
            sent[0, d] = tokens[source] if begin <= tokens[source] < end else NO_TOKEN
            for f in heard:
                first, last = cut.region(int(f), 1)[2:]
                has[0, d, first:last] = True
    return has, sent
