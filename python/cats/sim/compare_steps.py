# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Steps of a stream against the integer reference: the same rows, losses, absences, restarts."""

from __future__ import annotations

import dataclasses

import numpy as np

from cats.integer.llama import NO_TOKEN, LlamaSteps
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
    known, found, before = np.zeros(len(result.numbers), bool), False, -1
    if config.by_token:
        last = -1
        for i, position in enumerate(positions(config, result)):
            if result.numbers[i].max() >= 0:
                known[i] = position == 0 or (position > 0 and position == last + 1)
                last = position if known[i] else -2
        return known
    for i, position in enumerate(positions(config, result)):
        number = int(result.numbers[i].max())
        if number < 0:
            continue
        unseen = 1 < (number - before) % 2**16 < STALE_NUMBERS
        found = position == 0 or (found and position > 0 and not unseen)
        known[i], before = found, number
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
    config, steps = model.config, LlamaSteps(window_of(model.llama))
    places = positions(config, result)
    wrong: list[tuple[int, int]] = []
    for i in np.flatnonzero(comparable(config, result)[:limit]).tolist():
        took = result.numbers[i] >= 0
        if places[i] == 0:
            steps.begin()
        for d in np.flatnonzero(took):
            rows = _rows(steps, d)
            if result.known[i, d] == 1 != rows:
                steps.forget(d)
            elif result.known[i, d] != rows:
                wrong.append((i, int(d)))
        tokens = np.where(took, result.tokens[i], NO_TOKEN)
        want = step_of_token(model, plan, steps, result.bits[i], tokens, took)
        same = (want == result.outputs[i]).all(axis=(1, 2)) | ~result.done[i]
        wrong += [(i, int(d)) for d in np.flatnonzero(~same)]
    return wrong


def step_of_token(
    model: Gathers, plan: Plan, steps: LlamaSteps, bits: np.ndarray, tokens: np.ndarray,
    took: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """The reference's next step, int16 [D, 1, T]: of what each node heard, ``Result.bits`` of one
    step, and took, ``tokens`` [D], of those that ``took`` part, bool [D]."""
    has, sent = every_row(model.llama, bits_availability(model, plan, bits[None])), None
    if model.config.sends_rows:
        row, sent = _heard_rows(model, plan, bits[0], tokens)
        has = Availability((row, *has.gathers[1:]))
    return steps.step(tokens[None, :, None], has, took, sent=sent)[0]


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


def _rows(steps: LlamaSteps, node: int) -> int:
    """Rows that a node has with the next one, for which the oldest one of a full window goes."""
    known = steps.known[0, node]
    return int(known[max(0, len(known) + 1 - steps.model.config.tokens) :].sum()) + 1
