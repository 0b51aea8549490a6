# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""One node: its calls, which inference it joins, whom it follows. doc/protocol.rst, "A node"."""

import errno
import itertools

import numpy as np
import pytest

from cats.native import ffi, lib
from cats.sim.engine import Engine
from driven import (
    ASK,
    CODED,
    DATA,
    DULL,
    EFFORT,
    NEED,
    NEEDED,
    SYNC,
    Driven,
    exchange,
    images,
    sealed,
)

# Calls


def test_setup_is_checked():
    assert Driven().result == 0
    assert Driven(image=ffi.NULL).result == -errno.EINVAL
    assert Driven(arena=ffi.NULL).result == -errno.EINVAL
    good = Driven()
    assert Driven(arena=ffi.cast("uint8_t *", good.arena) + 4).result == -errno.EINVAL
    assert Driven(arena_size=good.config.arena_size - 1).result == -errno.ENOMEM
    assert Driven(mtu=16).result == -errno.EMSGSIZE
    assert Driven(mtu=17).result == 0


def test_misuse():
    driven = Driven()
    node, job = driven.node, ffi.new("struct cats_job *")
    assert lib.cats_node_sent(node, True, 0) == -errno.EINVAL
    assert lib.cats_node_compute_begin(node, job, 0) == -errno.EAGAIN
    assert lib.cats_node_compute_end(node, job, 0) == -errno.EINVAL
    assert lib.cats_node_withdraw(node) == -errno.ENOENT
    assert lib.cats_node_submit(node, ffi.NULL, 0) == 0
    assert lib.cats_node_submit(node, ffi.NULL, 0) == -errno.EBUSY
    assert lib.cats_node_withdraw(node) == 0
    assert lib.cats_node_withdraw(node) == -errno.ENOENT
    assert lib.cats_node_submit(node, ffi.NULL, 0) == 0
    silence = lib.cats_silence_us(driven.image)
    assert driven.poll(silence - 1) == lib.CATS_TODO_WAIT
    assert driven.todo.at == silence and not driven.todo.forever and not driven.todo.compute
    driven.poll(silence)
    assert driven.todo.compute
    assert driven.job(silence)
    assert lib.cats_node_withdraw(node) == -errno.EALREADY
    assert lib.cats_node_leads(node)
    driven = running()  # without an input of its own
    driven.until(driven.now + 100)
    assert lib.cats_node_withdraw(driven.node) == -errno.ENOENT


def test_times_of_the_configuration():
    for start, given in (
        (59_990_000, dict(timeout_us=5_999_000)),
        (60_000_000, dict(timeout_us=7_000_000)),
        (9, dict(timeout_us=7_000_000, start_us=9)),
    ):
        assert Driven(**given).node.config.start_us == start
    driven = Driven(timeout_us=40_000)
    driven.poll(39_999)
    assert driven.todo.at == 40_000 and not driven.node.silence
    driven.poll(40_000)
    assert driven.node.silence


def test_alone():
    """The leader of four dead nodes: frames in their slots, and a result, across the clock's wrap;
    the next inference at any later time."""
    driven = Driven(now=2**32 - 30_000)
    now, sent, ready, done = 2**32 - 30_000, [], [], 0

    def ended(result):
        assert result.inference == 65 * done and result.submitted and result.led
        assert result.silent == 0b11110 and result.lost == result.fragments > 0
        output = np.frombuffer(
            ffi.buffer(result.output, 2 * result.rows * result.columns), "<i2"
        ).reshape(result.rows, result.columns)
        own = int(driven.image.model.own_outputs)
        assert (output[:, own:] == -32768).all() and (output[:, :own] > -32768).all()

    while done < 3:
        assert lib.cats_node_submit(driven.node, ffi.NULL, now % 2**32) == 0
        while (what := driven.poll(now)) != lib.CATS_TODO_DONE:
            if what == lib.CATS_TODO_SEND:
                at = now + (driven.todo.at - now) % 2**32
                early = 3 if driven.todo.frame[0] & 15 == CODED else 1
                assert at <= now + early * max(g.slot_us + g.coded_us for g in driven.plan.gathers)
                sent.append((at, driven.todo.frame[0] & 15))
                ready.append(at)
                assert len(ready) <= 2  # the next one is ready while one is on the air
                driven.job(now)
            elif ready:
                now = max(now, ready.pop(0))
                assert lib.cats_node_sent(driven.node, True, now % 2**32) == 0
            elif what == lib.CATS_TODO_SENSE:
                lib.cats_node_sensed(driven.node, True)
            elif not driven.job(now):
                assert not driven.todo.forever
                assert 0 < (driven.todo.at - now) % 2**32 < 2**31
                now += (driven.todo.at - now) % 2**32
        ended(driven.todo.result)
        done += 1
        idle = now + 40 * 60 * 1_000_000  # more than half of the clock's range
        driven.poll(now)
        while not driven.todo.forever:
            now += (driven.todo.at - now) % 2**32
            driven.poll(now)
        now = idle
    # It lacks what others have, and codes its own; when it hears nobody for long it is quiet from
    # early in an inference on, but for a SYNC.
    assert {type for _, type in sent} == {SYNC, DATA, NEED, CODED}
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(sent)]
    assert min(gaps) >= min(g.control_us for g in driven.plan.gathers)
    assert [type for at, type in sent if at > 2**32 + 40 * 60 * 1_000_000] == [SYNC, SYNC]


def test_counters_of_time_go_on_beyond_71_minutes():
    """2^32 microseconds, which a sensor that listens all the time reaches in an hour."""
    driven = Driven()
    for kind in driven.node.stats.gather:
        kind.air_us = kind.compute_us = 2**32 - 1
    assert lib.cats_node_submit(driven.node, ffi.NULL, 0) == 0
    driven.until(driven.silence + 1, jobs=False)
    job = ffi.new("struct cats_job *")
    assert lib.cats_node_compute_begin(driven.node, job, driven.now) == 0
    assert lib.cats_node_compute_end(driven.node, job, driven.now + 5_000) == 0
    kind = driven.image.gathers[job.x.gather].kind
    assert driven.node.stats.gather[kind].compute_us == 2**32 - 1 + 5_000
    while not driven.results:
        driven.until(driven.now + 10_000)
    # Behind so many exchanges without anybody it keeps quiet, which takes no time of the air.
    spans = [kind.air_us - 2**32 + 1 for kind in driven.node.stats.gather if kind.exchanges]
    assert min(spans) >= 0 and sum(span > 0 for span in spans) >= 4 and sum(spans) <= driven.now


def test_duplicates_of_a_number_are_told():
    """Another node with this node's number is refused, and counted."""
    driven = Driven(number=2)
    twin = Engine(images()[0][1])
    data = sealed(twin.image, SYNC, 2, (0, 0))
    assert lib.cats_node_receive(driven.node, data, len(data), 5, 9) == -errno.EBADMSG
    assert driven.node.stats.rejected[lib.CATS_REJECT_SOURCE] == 1


# A node that is new


@pytest.mark.parametrize("node", [0, 2])
def test_restarted_node_stays_out(node):
    """What it hears may be of the inference that it was in: it neither joins that, nor says
    anything under its number, but joins the next one, or begins it."""
    driven = Driven(node, first_inference=7)
    lib.cats_node_submit(driven.node, ffi.NULL, 0)
    half = driven.silence // 2
    assert driven.hear(1000, SYNC, 1) == "inference"
    for at, x in ((2000, (0, 0)), (3000, (0, 1)), (half + 1000, (1, 0)), (half + 9000, (3, 0))):
        assert driven.hear(at, DATA, 3, x, slot=1) == "inference"
        assert not driven.runs
    assert not driven.until(half + 9000 + driven.silence - 100)
    if node:
        assert driven.hear(driven.now, SYNC, 1, inference=8) is None
        assert driven.runs and driven.node.leader == 1
        sent = driven.until(driven.now + driven.silence)
        assert {frame.type for frame in sent} >= {DATA}
    else:
        sent = driven.until(driven.now + driven.silence)
        assert sent[0].type == SYNC
    assert {frame.inference for frame in sent} == {8}


def test_new_node_joins_what_began_after_it():
    """By a frame of the first exchange that was opened half a silence after its start."""
    for at, type, fields, joins in (
        (0.4, SYNC, {}, False),
        (0.6, SYNC, {}, True),
        (0.6, DATA, dict(slot=1), True),
        (0.6, DATA, dict(slot=1, x=(0, 1)), False),
        (0.6, NEED, dict(round=1, index=NEEDED), False),
        (0.6, CODED, dict(round=1), False),
    ):
        driven = Driven(2)
        error = driven.hear(int(at * driven.silence), type, 1, **fields)
        assert (error, driven.runs) == ((None, True) if joins else ("inference", False))


def test_new_node_learns_the_number_from_who_asks():
    for index, first in ((0, 21), (1, 5)):
        driven = Driven(0, first_inference=5)
        assert driven.hear(1000, ASK, 3, inference=21, index=index) == "inference"
        lib.cats_node_submit(driven.node, ffi.NULL, driven.now)
        sent = driven.until(3 * driven.silence)
        assert (sent[0].type, sent[0].inference) == (SYNC, first)


def test_follower_of_itself():
    """Who has restarted follows the sender of a frame that calls it the leader."""
    driven = Driven(0)
    assert driven.hear(1000, DATA, 3, (2, 0), slot=0) == "inference"
    assert driven.hear(driven.silence * 9 // 10, DATA, 3, slot=0, inference=8) is None
    assert driven.runs and driven.node.leader == 3


# A node that waits


def waiting(number=2, seen=None, **config):
    """One that was silent for long; ``seen``: the number of an inference of others, before."""
    driven = Driven(number, **config)
    if seen is not None:
        assert driven.hear(driven.silence, DATA, 1, (4, 0), seen, slot=1) == "inference"
    driven.until(driven.now + 2 * driven.silence)
    return driven


def test_asked():
    """An idle leader begins, with the number that who asks expects; others, and who has used that
    number, do not."""
    driven = waiting(0, seen=20)
    assert driven.hear(driven.now, ASK, 3, inference=20) == "inference"
    assert driven.hear(driven.now + 9, ASK, 3, inference=21) is None
    assert driven.runs
    sent = driven.until(driven.now + driven.silence)
    assert (sent[0].type, sent[0].inference) == (SYNC, 21)
    assert driven.hear(driven.now, ASK, 3, inference=22) == "inference"  # it runs
    driven = waiting(0, seen=20)
    assert driven.hear(driven.now, ASK, 3, inference=9, index=1) is None  # a guess
    assert driven.until(driven.now + driven.silence)[0].inference == 21
    assert waiting(2).hear(10**7, ASK, 3, inference=21) == "inference"


def test_asks():
    """A follower asks an idle leader: in silence, again and again; it may guess the number."""
    for seen, asked in ((None, (1, 1)), (20, (21, 0))):
        driven = waiting(2, seen)
        lib.cats_node_submit(driven.node, ffi.NULL, driven.now)
        sent = driven.until(driven.now + 3 * driven.silence)
        assert [frame.type for frame in sent] == [ASK] * 3
        assert [(frame.inference, frame.index) for frame in sent] == [asked] * 3
        gaps = [b.at - a.at for a, b in itertools.pairwise(sent)]
        assert gaps == pytest.approx([driven.silence] * 2, abs=1000)


def test_late_frame_begins_nothing():
    """After a silence an inference begins with its first SYNC, or is joined by the second frame."""
    for first, second, joins in (
        (dict(type=DATA, x=(0, 0)), None, False),
        (dict(type=SYNC, x=(1, 0)), None, False),
        (dict(type=SYNC, x=(0, 0)), None, True),
        (dict(type=DATA, x=(1, 0)), dict(type=DATA, x=(1, 0)), True),
        (dict(type=DATA, x=(2, 0)), dict(type=DATA, x=(2, 0)), False),
        (dict(type=DATA, x=(2, 0)), dict(type=DATA, x=(0, 0), inference=22), True),
        (dict(type=DATA, x=(0, 0)), dict(type=DATA, x=(0, 0), inference=20), False),
    ):
        driven = waiting(2, seen=20)
        for frame in filter(None, (first, second)):
            error = driven.hear(driven.now + 5, source=1, **{"inference": 21} | frame)
        assert driven.runs == joins and (error == "inference") == (not joins)


@pytest.mark.parametrize("first", [300, 436, 500 - 2**15 + 2**16])
def test_all_others_restarted(first):
    """A number is believed at once that is older than what comes late, after a silence."""
    driven = waiting(2, seen=500)
    assert driven.hear(driven.now + 5, SYNC, 1, inference=first) is None
    assert driven.runs


def test_late_frames_begin_nothing():
    """Among the last 64 numbers, or while others are heard, what looks old is late."""
    for number, type, x, quiet in (
        (437, SYNC, (0, 0), True),
        (500, SYNC, (0, 0), True),
        (300, DATA, (0, 0), True),
        (300, SYNC, (1, 0), True),
        (300, SYNC, (0, 0), False),
    ):
        driven = waiting(2, seen=500)
        if not quiet:
            assert driven.hear(driven.now, DATA, 1, (5, 0), 500, slot=1) == "inference"
        assert driven.hear(driven.now + 5, type, 1, x, number) == "inference"
        assert not driven.runs, number


def test_who_restarted_among_the_last_numbers_gets_out_of_them():
    """A leader whom nobody followed goes on behind what may look late to the others."""
    driven = Driven(0, first_inference=450)
    numbers = []
    for _ in range(2):
        lib.cats_node_submit(driven.node, ffi.NULL, driven.now)
        driven.until(driven.now + 100 * driven.silence)
        numbers.append(driven.results[-1][0])
    assert numbers == [450, 515]
    # Heard by one, it counts on.
    lib.cats_node_submit(driven.node, ffi.NULL, driven.now)
    driven.until(driven.now + 2)
    assert driven.runs
    assert driven.hear(driven.now + 2000, DATA, 1, inference=580) is None
    driven.until(driven.now + 100 * driven.silence)
    lib.cats_node_submit(driven.node, ffi.NULL, driven.now)
    driven.until(driven.now + 100 * driven.silence)
    assert [number for number, _ in driven.results[2:]] == [580, 581]
    alone = Driven(0, nodes=1, first_inference=65535)
    for _ in range(2):
        lib.cats_node_submit(alone.node, ffi.NULL, alone.now)
        alone.until(alone.now + 1000)
    assert [number for number, _ in alone.results] == [65535, 0]


def test_others_do_not_hold_an_input_up_for_ever():
    """Inferences of others that it can never join: after four times its patience it begins one."""
    driven = Driven(2, start_us=200_000)
    patience = 2 * 200_000  # it is the second to take over
    driven.until(2 * driven.silence)
    lib.cats_node_submit(driven.node, ffi.NULL, driven.now)
    given, number = driven.now, 100
    while not driven.runs:
        number += 1
        why = driven.hear(driven.now + 20_000, DATA, 1, (5, 0), number, slot=1)
        assert driven.runs or why == "inference"
        assert driven.now < given + 5 * patience
    sync = next(frame for frame in driven.sent if frame.type == SYNC)
    assert given + 4 * patience <= sync.at < given + 4 * patience + 50_000
    assert sync.inference == number


def test_one_frame_holds_nobody_up():
    """Others are in an inference as long as it goes on; a frame that somebody repeats is none."""
    driven = Driven(2)
    driven.hear(driven.silence, DATA, 1, (3, 0), slot=1)
    assert driven.node.phase == lib.CATS_NODE_LISTENING
    at = driven.now
    for tile in (1, 0):  # it goes on, and does not
        for n in range(40):
            driven.hear(at + n * driven.silence // 4, DATA, 1, (3 + 2 * tile, 0), slot=1)
            if driven.node.silence:
                break
        elapsed = (driven.now - at) / driven.silence
        limit = lib.cats_exchange_us(driven.image, exchange(3, 0)) / driven.silence
        assert elapsed < 1.5 + limit
        at = driven.now
    assert driven.node.phase == lib.CATS_NODE_WAITING


# Who calls, since it hears nobody


@pytest.mark.parametrize("node", [0, 2, 3])
def test_call_is_for_who_knows_no_leader(node):
    """An idle node in a silence joins; one that runs, or that heard others, does not."""
    call = dict(type=SYNC, source=1, index=DULL)
    driven = waiting(node, seen=20)
    assert driven.hear(driven.now, inference=21, **call) is None
    assert driven.runs and driven.node.leader == 1
    # it follows the one it joined, whose next call finds it at work
    assert driven.hear(driven.now + 50, inference=21, **call | dict(slot=1)) == "leader"

    driven = waiting(node, seen=20)
    driven.hear(driven.now, DATA, 4, (5, 0), 20, slot=1)  # others are at work, and it hears them
    assert not driven.node.silence
    assert driven.hear(driven.now + 50, inference=21, **call) == "leader"
    assert not driven.runs


def alone(number):
    """A node that leads, and has heard nobody for inferences."""
    driven = waiting(number, start_us=1000)
    for _ in range(4):
        assert lib.cats_node_submit(driven.node, ffi.NULL, driven.now % 2**32) == 0
        done = len(driven.results)
        while len(driven.results) == done:
            driven.until(driven.now + driven.silence)
    assert driven.results[-1][1]
    return driven


def test_call_of_a_lower_one():
    """Of two that lead alone the higher one gives way."""
    driven = alone(2)
    assert lib.cats_node_submit(driven.node, ffi.NULL, driven.now % 2**32) == 0
    driven.until(driven.now + 2000)
    assert driven.runs and lib.cats_node_leads(driven.node)
    number = driven.node.number
    for source, inference, why in (
        (3, number + 1000, "inference"), (1, number - 1, "inference"), (1, number + 1000, "busy"),
    ):  # fmt: skip
        assert driven.hear(driven.now, SYNC, source, index=DULL, inference=inference) == why
    driven.until(driven.now + driven.silence)
    assert not driven.runs and driven.results[-1][0] == number


def test_who_leads_alone_joins_the_others():
    """Whoever leads them, once they are far in an inference in which it takes no part."""
    driven = alone(2)
    assert lib.cats_node_submit(driven.node, ffi.NULL, driven.now % 2**32) == 0
    driven.until(driven.now + 2000)
    far = dict(type=DATA, source=4, slot=3, inference=driven.node.number + 1000)
    assert driven.hear(driven.now, x=(1, 0), **far) == "inference"
    assert driven.hear(driven.now, x=(5, 0), **far) == "busy"
    driven.until(driven.now + 1000)
    assert not driven.runs


def leading(number, inference):
    """A node that has just begun an inference, in place of a leader that is not there."""
    driven = waiting(number, seen=inference - 1, start_us=200_000)
    lib.cats_node_submit(driven.node, ffi.NULL, driven.now)
    while not driven.node.used_input:
        driven.until(driven.now + 1000)
    assert lib.cats_node_leads(driven.node) and driven.node.number == inference
    return driven


@pytest.mark.parametrize("gather", [0, 1, 2])
def test_who_gave_way_begins_nothing_before_the_others(gather):
    """It joins the lower leader it gave way to, though that counts from less, or waits for it; an
    input that is there already is theirs, and not for another inference alone."""
    driven = leading(2, 501)
    assert lib.cats_node_submit(driven.node, ffi.NULL, driven.now) == 0
    assert driven.hear(driven.now, SYNC, 0, inference=300) == "busy"
    sent = driven.until(driven.now + driven.silence // 2)
    assert driven.results == [(501, True)] and not driven.runs and not sent
    driven.hear(driven.now, DATA, 4, (gather, 0), 300)
    assert driven.runs == (gather < 2)
    assert driven.node.seen == 300 and driven.node.leader == 0
    if not driven.runs:
        driven.until(driven.now + driven.silence // 2)
        assert driven.hear(driven.now, SYNC, 0, inference=301) is None
    assert driven.node.pending  # its first job takes it


def test_who_gave_way_does_not_go_back():
    """Others may still be in the inference that it left, in which it has sent what it computed from
    other data: it takes part in the next one."""
    driven = leading(2, 20501)
    assert driven.hear(driven.now, SYNC, 0, inference=300) == "busy"
    driven.until(driven.now + driven.silence // 2)
    assert driven.hear(driven.now, DATA, 4, (0, 0), 300) is None and driven.runs
    driven.until(driven.now + 50 * driven.silence)
    assert [number for number, _ in driven.results] == [20501, 300]
    for inference in (20501, 20500):
        assert driven.hear(driven.now, SYNC, 1, inference=inference) == "inference"
        assert driven.hear(driven.now, DATA, 4, (0, 0), inference) == "inference"
        assert not driven.runs and driven.node.seen == 300
    assert driven.hear(driven.now, SYNC, 1, inference=20502) is None and driven.runs


def test_leader_gives_way_to_a_lower_one_whom_others_follow():
    """Node 0 has restarted, and those whom this node led are in the next inference: its own ends,
    and it takes part in theirs. One frame of the lower leader, who may be deaf, ends nothing."""
    for x, joins in (((1, 0), True), ((5, 0), False)):
        driven = leading(2, 21)
        assert driven.hear(driven.now, DATA, 3, slot=2, inference=21) is None
        assert driven.hear(driven.now, SYNC, 0, x, inference=22) == "inference"
        assert driven.hear(driven.now, DATA, 3, x, inference=22, slot=4) == "inference"  # higher
        assert driven.hear(driven.now, DATA, 3, x, inference=22) == "busy"
        driven.until(driven.now + 1000)
        assert driven.results == [(21, True)]
        driven.hear(driven.now, DATA, 3, x, inference=22)
        assert driven.runs == joins and not lib.cats_node_leads(driven.node)


def test_who_leads_alone_calls():
    """One SYNC, that says so, in eight silences; it listens in each first exchange."""
    driven = alone(0)
    calls = []
    for _ in range(30):
        assert lib.cats_node_submit(driven.node, ffi.NULL, driven.now % 2**32) == 0
        done = len(driven.results)
        while len(driven.results) == done:
            calls += driven.until(driven.now + driven.silence)
    assert {(frame.type, frame.index & ~EFFORT) for frame in calls} == {(SYNC, DULL)}
    assert min(b.at - a.at for a, b in itertools.pairwise(calls)) >= 8 * driven.silence
    # One that answers is led as ever.
    assert lib.cats_node_submit(driven.node, ffi.NULL, driven.now % 2**32) == 0
    driven.until(driven.now + 2000)
    assert driven.hear(driven.now, DATA, 1, inference=driven.node.number) is None
    sent = driven.until(driven.now + driven.silence)
    assert DATA in {frame.type for frame in sent}


# A node that runs


def running(number=2, leader=0, **options):
    """One in the first exchange of inference 7, which a node has opened just now."""
    driven = waiting(number, **options)
    assert driven.hear(driven.now, SYNC, leader) is None
    return driven


def test_next_exchange_of_another_leader():
    """Not of a higher leader, unless the own one was not heard for half a silence."""
    driven = running()
    at = driven.now
    assert driven.hear(at + 9, SYNC, 1) == "leader"
    assert driven.hear(at + 99, DATA, 3, (0, 1), slot=1) == "leader"
    assert driven.hear(at + 199, SYNC, 1, (0, 1)) == "leader"
    assert (driven.node.leader, driven.node.x.tile) == (0, 0)
    assert driven.hear(at + 199 + driven.silence * 2 // 3, SYNC, 1, (0, 1)) is None
    assert (driven.node.leader, driven.node.x.tile) == (1, 1)
    assert driven.hear(driven.now + 5, SYNC, 0, (0, 1)) is None  # the lower one, always
    assert driven.node.leader == 0


def test_another_inference():
    """Its leader has gone on: this one ends. One SYNC of anybody else ends nothing."""
    for source, inference, late, why in (
        (4, 8, 0.0, "inference"), (0, 6, 0.0, "inference"), (0, 8, 0.0, "busy"),
        (4, 8, 0.6, "busy"),
    ):  # fmt: skip
        driven = running()
        while late and driven.now < driven.node.heard_us + late * driven.silence:
            driven.until(driven.now + 500)  # its own turns are no silence of others
        assert driven.hear(driven.now, SYNC, source, inference=inference) == why
        assert driven.node.abandon == (why == "busy")
        assert driven.hear(driven.now, DATA, 4, (5, 0), inference=8) == "inference"  # too far
        driven.until(driven.now + 1000)
        assert driven.runs == (why != "busy") and len(driven.results) == (why == "busy")


def test_late_frames():
    """Of an exchange that is over, and of one before that: dropped; no sign of life for ever."""
    driven = running()
    driven.hear(driven.now + 10, SYNC, 0, (0, 1))
    at = driven.now
    assert driven.hear(at + 10, DATA, 1) == "late"
    assert driven.node.heard_us == driven.now
    driven.hear(at + 20, SYNC, 0, (1, 0))
    limit = lib.cats_exchange_us(driven.image, exchange(1, 0))
    while not driven.node.silence and driven.now < at + 2 * limit + 4 * driven.silence:
        assert driven.hear(driven.now + driven.silence // 5, DATA, 1) in ("late", "leader")
    assert driven.node.silence or driven.sent[-1].type == SYNC


def test_frames_far_ahead():
    """The others are exchanges ahead while this node computes: it follows when it has."""
    driven = running()
    at = driven.now
    driven.node.job_running = True  # as long as somebody else's thread takes
    assert driven.hear(at + 9, SYNC, 0, (3, 1)) == "busy"
    driven.node.job_running = False
    driven.until(at + 20)
    assert (driven.node.x.gather, driven.node.x.tile) == (3, 1)
    assert driven.hear(at + 30, SYNC, 0, (3, 1)) is None


def test_next_inference_before_the_result_is_told():
    """The leader goes on while this node's last job ends: not joined yet, and nothing is lost."""
    driven = running()
    assert driven.hear(driven.now + 9, SYNC, 0, (10, 1)) == "busy"
    while driven.node.phase == lib.CATS_NODE_RUNNING:
        what = driven.poll(driven.now)
        assert what != lib.CATS_TODO_DONE
        if not driven.job(driven.now):
            driven.now += 1000
    assert driven.node.phase == lib.CATS_NODE_DONE
    data = sealed(driven.image, SYNC, 0, (0, 0), inference=8)
    for at in (0, 2000):
        now = driven.now + at
        error = lib.cats_node_receive(driven.node, data, len(data), now, now)
        assert (error == 0) == (at > 0)
        driven.until(now + 100)
    assert driven.results == [(7, False)] and driven.node.number == 8


def test_tile_buffer_in_use():
    """One buffer, whose tile is not consumed yet: the next one has no place."""
    driven = running()
    gather = driven.image.gathers[9]
    assert gather.buffers == 1 and gather.tile_rows < gather.rows
    assert driven.hear(driven.now + 9, SYNC, 0, (9, 0)) == "busy"
    driven.until(driven.now + 100)
    assert driven.hear(driven.now + 9, SYNC, 0, (9, 0)) is None
    driven.poll(driven.now)
    driven.until(driven.now + 50)
    late = driven.now + 60_000
    data = [sealed(driven.image, SYNC, 0, (9, 1)),
            sealed(driven.image, DATA, 1, (9, 1), payload=bytes(
                lib.cats_fragment_size(driven.image, exchange(9, 1), 1, 0)))]  # fmt: skip
    busy = lib.CATS_REJECT_BUSY
    before = driven.node.stats.rejected[busy]
    for n, frame in enumerate(data):  # and no job ends between the two
        error = lib.cats_node_receive(driven.node, frame, len(frame), late + n, late + n)
        assert (error != 0) == (n == 1)
    assert driven.node.stats.rejected[busy] == before + 1


# Slots that are missed


def test_late_for_its_slot():
    """A frame is handed out as long as its slot began no longer ago than the configuration says."""
    for late, sends in ((200, True), (400, False)):
        driven = running(4, late_us=300)
        gather = driven.image.gathers[0]
        slot = driven.now - 1 + 2 * gather.control_us + gather.turn_us + 4 * gather.slot_us
        driven.until(driven.now + 1000)
        driven.miss(slot + late)
        assert [frame.at for frame in driven.until(driven.now + 100)] == [slot] * sends


def led(what, number=0, **options):
    """A leader, up to the moment in which it hands out a frame of a type in an exchange with data
    of others; its exchange runs."""
    driven = waiting(number, **options)
    lib.cats_node_submit(driven.node, ffi.NULL, driven.now)
    while not driven.sent or driven.sent[-1].type != what:
        driven.until(driven.now + 50)
    return driven


def test_slots_that_are_late():
    """Of a copy of a SYNC, of a NEED and of a turn: the slot is passed over, and what follows keeps
    its time."""
    driven = led(SYNC)
    sync = driven.sent[-1]
    control = driven.image.gathers[0].control_us
    driven.miss(sync.at + control + 200)
    after = driven.until(driven.now + 20_000)
    assert after[0].type == DATA and after[0].at == pytest.approx(sync.at + 2 * control, abs=900)

    driven = led(DATA)
    gather, base = driven.image.gathers + 0, driven.node.base_us
    slots = driven.node.slots
    first, second = (
        base + lib.cats_repair_us(driven.image, gather, slots, False, round) for round in (1, 2)
    )
    driven.miss(first + lib.cats_need_us(gather, 1, 0) + 200)
    turns = second + lib.cats_round_us(driven.image, gather, 2)
    wants = [
        (NEED, NEEDED, 0, second + lib.cats_need_us(gather, 2, 0)),
        (CODED, 0, 2, turns + 2 * (gather.slot_us + gather.coded_us)),
    ]
    after = [f for f in driven.until(driven.now + 30_000) if f.x == (0, 0)]
    # Two turns of round 1 are of nodes 1 and 2; in round 2 of seven node 3 is first.
    assert [lib.cats_repair_turns(driven.image, gather, slots, False, r) for r in (1, 2)] == [2, 7]
    assert [(f.type, f.index, f.slot, f.at) for f in after] == wants
    assert all(f.round == 2 for f in after)

    driven = led(DATA)
    driven.until(turns - 3000)
    driven.miss(turns + 2 * (gather.slot_us + gather.coded_us) + 200)
    after = [f for f in driven.until(driven.now + 30_000) if f.x == (0, 0)]
    assert [(f.type, f.index, f.slot, f.at) for f in after] == wants[2:]


# Repair


def complete(busy, number=1, radio="ieee802154", lacks=(), **options):
    """One of three nodes in the first exchange of inference 7: it has all but some fragments of
    node 0, and says so, or senses."""
    made = images(nodes=3, rounds=2, payload=16, radio=radio)
    driven = Driven(number, made=made, **options)
    driven.busy = busy
    driven.until(2 * driven.silence)
    assert driven.hear(driven.now, SYNC, 0) is None
    for s in {0, 1, 2} - {number}:
        for f in range(lib.cats_fragment_count(driven.image, exchange(0), s)):
            if s or f not in lacks:
                assert driven.hear(driven.now + 10, DATA, s, index=f) is None
    return driven


def rounds_of(driven):
    """Their starts, many turns or not, and the turns of each."""
    gather, many = driven.image.gathers + 0, driven.node.effort
    at = [driven.node.base_us
          + lib.cats_repair_us(driven.image, gather, driven.node.slots, many, r)
          for r in (1, 2, 3)]  # fmt: skip
    turns = [
        lib.cats_repair_turns(driven.image, gather, driven.node.slots, many, r) for r in (1, 2)
    ]
    needs = [at[r - 1] + lib.cats_need_us(gather, r, 0) for r in (1, 2)]
    starts = [at[r - 1] + lib.cats_round_us(driven.image, gather, r) for r in (1, 2)]
    return at, needs, starts, turns, gather.slot_us + gather.coded_us


def over(driven):
    return driven.node.exchange == lib.CATS_EXCHANGE_OVER or driven.node.x.tile == 1


def test_silence_ends_an_exchange():
    """Who lacks nothing senses whether others do, in one slot; it says nothing."""
    driven = complete(busy=False)
    at, needs, *_ = rounds_of(driven)
    assert {f.type for f in driven.until(needs[0] + 100)} <= {DATA}
    assert driven.sensed == [needs[0]]
    driven.until(needs[0] + 200)
    assert over(driven)


def test_busy_air_is_a_round():
    """Who lacks nothing takes its turns where others do, the next round goes on where the first one
    ended, and there is one more chance to say so."""
    driven = complete(busy=True)
    at, needs, starts, turns, slot = rounds_of(driven)
    driven.until(at[2] + 1000)
    assert driven.sensed == needs
    order = [(1 + n) % 3 for n in range(sum(turns))]  # node 1 is the leader's neighbour
    mine = [(1, n) for n in range(turns[0]) if order[n] == 1]
    mine += [(2, n) for n in range(turns[1]) if order[turns[0] + n] == 1]
    coded = [f for f in driven.sent if f.x == (0, 0) and f.type != DATA]
    assert {f.type for f in coded} == {CODED}
    assert [(f.round, f.slot) for f in coded] == mine
    assert [f.at for f in coded] == [starts[r - 1] + n * slot for r, n in mine]
    assert over(driven)


@pytest.mark.parametrize("many", [0, 1 << 5])
def test_who_lacks_something_says_so(many):
    """In the need slot of all, in each round until it has it; a coded frame of anybody ends that.
    How many turns there are is the leader's word."""
    driven = complete(busy=False, lacks=(0,))
    if many:
        driven.hear(driven.now, DATA, 2, index=0, slot=EFFORT)  # not the one that opened it
        assert not driven.node.effort
        driven.node.effort = True
    at, needs, starts, turns, slot = rounds_of(driven)
    driven.until(starts[0] - 1)
    (need,) = [f for f in driven.sent if f.type not in (DATA, CODED)]
    assert (need.type, need.round, need.index, need.slot) == (NEED, 1, NEEDED + many, 0)
    assert need.at == needs[0] and len(need.data) == 10
    assert driven.sensed == []
    payload = bytearray(lib.cats_coded_size(driven.image, exchange(0)))
    payload[0] = 1  # a multiple of node 0's first fragment
    payload[1:] = b"\x55" * (len(payload) - 1)
    assert driven.node.reception[driven.node.air].lacking == 1
    fields = dict(round=1, index=many, slot=1, payload=bytes(payload))
    assert driven.hear(starts[0] + slot + 700, CODED, 2, **fields) is None
    assert driven.node.reception[driven.node.air].lacking == 0
    driven.until(at[1] + 5000)
    assert [f.type for f in driven.sent if f.x == (0, 0) and f.type == NEED] == [NEED]
    assert driven.sensed == needs[1:]


def test_each_says_whether_it_lacks_anything():
    """Over ble: each in its own slot. All answers of nodes that are there end an exchange; who
    misses one takes the round to be needed."""
    control = images(nodes=3, rounds=2, payload=16, radio="ble")[1].gathers[0].control_us
    for number, answers, lacks, goes_on in (
        (1, {0: 0, 2: 0}, (), False), (1, {0: 0}, (), True), (1, {0: 0, 2: NEEDED}, (), True),
        (1, {0: 0, 2: 0}, (0,), True), (2, {0: 0, 1: 0}, (), False),
    ):  # fmt: skip
        driven = complete(False, number, "ble", lacks)
        at, needs, starts, turns, slot = rounds_of(driven)
        for s, flag in answers.items():
            driven.hear(needs[0] + s * control, NEED, s, round=1, index=flag, slot=s)
        driven.until(starts[0] + 100)
        (need,) = [f for f in driven.sent if f.type == NEED]
        assert (need.index, need.slot) == (NEEDED if lacks else 0, number)
        assert need.at == needs[0] + number * control and driven.sensed == []
        assert over(driven) == (not goes_on), (number, answers, lacks)
        assert not goes_on or driven.node.exchange == lib.CATS_EXCHANGE_CODED


def test_who_hears_little_asks_for_nothing():
    """It would take everybody's time."""
    driven = complete(busy=False, lacks=(0,))
    driven.node.dull = 12
    at, needs, *_ = rounds_of(driven)
    assert {f.type for f in driven.until(needs[0] + 100)} <= {DATA}
    assert driven.sensed == [needs[0]]
