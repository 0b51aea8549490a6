# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Streams over the air: numbers that tell positions, absences, restarts, and the reference."""

import dataclasses
import errno
from functools import cache

import numpy as np
import pytest

from cats.deploy import image
from cats.integer import reference
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.integer.steps import stream_of, window_of
from cats.native import ffi, lib
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.compare_steps import check_steps, comparable, in_steps, in_windows, positions
from cats.sim.engine import aligned
from cats.sim.faults import Event, Faults
from cats.sim.simulate import Settings, simulate


@cache
def made(pool="last", nodes=4, rows=1, rounds=0, tokens=8):
    config = ModelConfig(
        tokens, 4, 5, features=24, heads=4, hidden=17, blocks=2, causal=True, pool=pool
    )
    split = SplitConfig.even(config, nodes, "channels")
    model = random_model(3, config, split, random_keep(2, config, split, 0.6))
    stream = stream_of(model, rows)
    return stream, make_plan(stream.config, split, stream.keep, rounds=rounds, radio="ble_2m")


def run(faults=None, windows=3, seed=1, settings=None, **options):
    """(stream, windows, result) of some windows; every step is the reference's."""
    stream, plan = made(**options)
    whole = random_inputs(seed, stream.config.whole, windows)
    inputs = in_steps(stream.config, whole)
    result = simulate(stream, plan, inputs, faults, seed, settings)
    assert result.hung is None
    assert check_steps(stream, plan, inputs, result) == []
    return stream, whole, result


@pytest.mark.parametrize("pool", ["mean", "last", "all", "mean_of_norm"])
def test_windows(pool):
    """The last step of a window is the whole window's answer, at every node."""
    stream, whole, result = run(pool=pool, rows=2 if pool == "all" else 1)
    want = reference.run_batch(window_of(stream), whole)
    assert (in_windows(stream.config, result).outputs == want).all()
    assert comparable(stream.config, result).all()
    run(Faults(loss=0.1), pool=pool, rounds=1)


@pytest.mark.parametrize("seed", range(3))
def test_losses(seed):
    stream, _, result = run(Faults(loss=0.4), windows=4, seed=seed, rounds=seed)
    known = comparable(stream.config, result)
    assert known.mean() > 0.8
    assert (result.numbers >= 0).mean() > 0.8
    places = positions(stream.config, result)[known]
    assert (result.known[known].max(1) <= places + 1).all()


def test_a_node_that_restarts_joins_at_the_current_position():
    events = [Event(2, False, 60_000), Event(2, True, 90_000)]
    stream, _, result = run(Faults(events=events))
    took = result.numbers[:, 2] >= 0
    back = int(np.flatnonzero(~took)[-1]) + 1
    assert 0 < back < 16 and back % 8  # amid a window
    assert result.known[back].tolist() == [back % 8 + 1, back % 8 + 1, 1, back % 8 + 1]
    assert (result.known[16:] == result.known[16:, :1]).all()  # the next window has all again
    assert comparable(stream.config, result).all()


def test_a_leader_that_restarts():
    """Another one goes on at its position."""
    events = [Event(0, False, 30_000), Event(0, True, 400_000)]
    stream, _, result = run(Faults(events=events), windows=5)
    assert result.takeovers > 0
    alone = result.numbers[:, 0] < 0
    assert alone.any() and (result.numbers[:, 1:] >= 0).all()
    steps = np.diff(result.numbers[:, 1])
    assert (steps[:7] == 1).all()
    assert comparable(stream.config, result).mean() > 0.8


def test_a_node_that_is_alone_goes_on():
    """Nobody follows, so numbers leave many out: of whole windows, the position goes on."""
    stream, _, result = run(Faults(off=[1, 2, 3]))
    assert positions(stream.config, result).tolist() == [*range(8)] * 3
    assert (result.known[:, 0] == [*range(1, 9)] * 3).all()
    assert (np.diff(result.numbers[:, 0]) > 64).all()


def test_numbers_end_with_a_whole_window():
    stream, _, result = run(settings=Settings(first_inference=65501), tokens=12)
    assert result.numbers[:, 0].tolist() == [*range(65508, 65532), *range(12)]
    assert positions(stream.config, result).tolist() == [*range(12)] * 3
    assert (result.known == result.known[:, :1]).all()


class Alone:
    """A node of one."""

    def __init__(self, stream, plan):
        data = image.pack(stream, plan, 0, 1)
        self.memory, self.image = aligned(data), ffi.new("struct cats_image *")
        assert lib.cats_image_verify(self.memory, len(data), self.image) == 0
        self.arena = aligned(int(self.image.header.arena_size))
        self.node, self.todo = ffi.new("struct cats_node *"), ffi.new("struct cats_todo *")
        size = self.image.header.arena_size
        config = {"image": self.image, "arena": self.arena, "arena_size": size}
        assert lib.cats_node_init(self.node, ffi.new("struct cats_node_config *", config), 0) == 0

    def step(self):
        """(position, rows known) of one, or its error."""
        error = lib.cats_node_submit(self.node, ffi.NULL, 0)
        if error:
            return error
        job = ffi.new("struct cats_job *")
        while True:
            lib.cats_node_poll(self.node, 0, self.todo)
            if self.todo.what == lib.CATS_TODO_DONE:
                return self.todo.result.position, self.todo.result.known
            if lib.cats_node_compute_begin(self.node, job, 0) == 0:
                lib.cats_job_run(job)
                assert lib.cats_node_compute_end(self.node, job, 0) == 0


def test_a_context_ends():
    alone = Alone(*made(nodes=1, rows=2))
    position = lib.cats_node_position
    assert position(alone.node) == 0
    found = [alone.step() for _ in range(4)]
    assert found == [(0, 2), (2, 4), (4, 6), (6, 8)]
    assert position(alone.node) == lib.cats_context_rows(alone.image) == 8
    assert alone.step() == -errno.EOVERFLOW
    assert lib.cats_node_rewind(alone.node) == 0
    assert position(alone.node) == 0
    assert [alone.step(), alone.step()] == [(0, 2), (2, 4)]
    assert lib.cats_node_rewind(alone.node) == 0  # before it ends
    assert alone.step() == (0, 2)
    assert position(alone.node) == 2


def test_whole_windows_have_no_position():
    stream, _ = made(nodes=1)
    model = window_of(stream)
    plan = make_plan(model.config, model.split, model.keep)
    alone = Alone(model, plan)
    assert lib.cats_node_rewind(alone.node) == -errno.ENOTSUP
    assert lib.cats_context_rows(alone.image) == lib.cats_node_position(alone.node) == 0
    assert alone.step() == (0, 0)


def test_who_asks_may_begin():
    """A node that is not the leader begins a window for its input."""
    stream, plan = made()
    inputs = in_steps(stream.config, random_inputs(1, stream.config.whole, 2))
    settings = Settings(idle=[0], start_us=10_000_000)
    result = simulate(stream, plan, inputs, seed=1, settings=settings)
    assert result.hung is None and result.done.all()
    assert (result.numbers == result.numbers[:, :1]).all()
    assert positions(stream.config, result).tolist() == [*range(8)] * 2
    assert check_steps(stream, plan, inputs, result) == []


def test_differences_are_told():
    stream, plan = made()
    inputs = in_steps(stream.config, random_inputs(1, stream.config.whole, 1))
    result = simulate(stream, plan, inputs, seed=1)
    outputs, known = result.outputs.copy(), result.known.copy()
    outputs[3, 2, 0, 1] ^= 1
    known[5, 1] -= 1
    other = dataclasses.replace(result, outputs=outputs, known=known)
    wrong = check_steps(stream, plan, inputs, other)
    assert (3, 2) in wrong and (5, 1) in wrong
