# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A hostile air: nodes that hear or say nothing, restart at once, babble, part and meet again.

Whatever happens, every inference ends and no output differs from the integer reference with what
arrived; and what one node suffers costs the others little. With code time, as on a device.
``make sweep-faults`` mixes all of it at random.
"""

import dataclasses
import itertools
import json
from functools import cache

import numpy as np
import pytest

from cats.deploy import image
from cats.errors import CatsError
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.native import lib
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.compare import availability, check
from cats.sim.engine import Engine
from cats.sim.faults import (
    Babble,
    Change,
    ClockJump,
    Event,
    Faults,
    FrameFault,
    Neighbour,
    load_changes,
    loss_matrix,
)
from cats.sim.simulate import Settings, simulate

CONFIG = ModelConfig(
    tokens_in=7, inputs=4, outputs=10, features=32, heads=16, hidden=64, blocks=1
)  # fmt: skip


@cache
def deployment(nodes=4, radio="ieee802154", rounds=2):
    """(model, plan, images), microseconds of an inference on a clean air, and frames of one."""
    split = SplitConfig.even(CONFIG, nodes, "channels")
    model = random_model(1, CONFIG, split)
    plan = make_plan(CONFIG, split, model.keep, radio=radio, rounds=rounds)
    ident = image.model_id(model, plan)
    made = model, plan, tuple(image.pack(model, plan, d, ident) for d in range(nodes))
    clean = simulate(*made[:2], random_inputs(1, CONFIG, 3), images=made[2])
    assert clean.delivered == 1.0 and not clean.late.any()
    return made, float(clean.latency_us[1:, 0].mean()), int(clean.frames[-1])


def run(made, samples, faults, settings=None, seed=1):
    """Simulate: nobody hangs, and every output is the reference's."""
    model, plan, images = made
    inputs = random_inputs(seed, model.config, samples)
    result = simulate(model, plan, inputs, faults, seed, settings, images)
    assert result.hung is None
    assert check(model, plan, inputs, result) == []
    return result


def delivered(made, result, among):
    """Share of the fragments of some nodes that these nodes got of each other."""
    model, plan, _ = made
    found = availability(model, plan, result)
    due = got = 0
    for g, gather in enumerate(plan.gathers):
        for source in among:
            columns = list(model.keep[g][source])
            for receiver in among:
                if receiver != source and gather.sources[source].width:
                    has = found.gathers[g][result.done[:, receiver], :, receiver][..., columns]
                    due, got = due + has.size, got + int(has.sum())
    return got / due


# One node


EVEN = ModelConfig(tokens_in=6, inputs=4, outputs=5, features=24, heads=6, hidden=24, blocks=1)
UNEVEN = ModelConfig(
    tokens_in=6, inputs=3, outputs=5, features=12, heads=3, hidden=10, blocks=1, pool="class"
)


@pytest.mark.parametrize(
    ("config", "split", "share", "tiles"),
    [
        (EVEN, SplitConfig.even(EVEN, 3, "channels"), 1.0, {}),
        (UNEVEN, SplitConfig(heads=(1, 1, 1), hidden=(5, 3, 2), outputs=(2, 0, 3),
                             inputs=(1, 2, 0)), 0.7, dict(payload=6, tile_rows=4)),
    ],
    ids=["even", "uneven"],
)  # fmt: skip
def test_restart_at_once(config, split, share, tiles):
    """At every frame a node goes off and, one frame later, on: it never takes part in what it was
    in, whose number it would use a second time with other content."""
    model = random_model(1, config, split, random_keep(5, config, split, share))
    plan = make_plan(config, split, model.keep, rounds=0, **tiles)
    ident = image.model_id(model, plan)
    made = model, plan, tuple(image.pack(model, plan, d, ident) for d in range(3))
    frames = int(run(made, 2, Faults()).frames.sum())
    for node, frame, pause in itertools.product(range(3), range(frames), (0, 1)):
        events = [
            Event(node, False, frame, by_frame=True),
            Event(node, True, frame + pause, by_frame=True),
        ]
        run(made, 2, Faults(events=events), seed=frame)


@pytest.mark.parametrize("radio", ["ieee802154", "nrf_radio"])
@pytest.mark.parametrize("rounds", [0, 2])
def test_deaf(radio, rounds):
    """A deaf node says nothing over the others' heads."""
    made, clean, _ = deployment(4, radio, rounds)
    result = run(made, 20, Faults(loss=loss_matrix(4, deaf=[3])))
    assert result.done[:, :3].all()
    assert delivered(made, result, range(3)) >= 0.98
    # It asks once a silence until it leads for itself, over a frame of the inference before.
    asks = 1 + result.span_us[0] // lib.cats_silence_us(Engine(made[2][0]).image)
    assert result.collisions[0] <= 2 * asks + 4 and result.collisions[1:].sum() < 20
    assert result.latency_us[1:, :3].mean() < 1.1 * clean


@pytest.mark.parametrize("radio", ["ieee802154", "nrf_radio"])
@pytest.mark.parametrize("nodes", [3, 4, 8])
def test_deaf_leader(radio, nodes):
    """The others go on without it as soon as it knows that it hears nobody, within an inference:
    they never wait for it as for an idle one."""
    made, clean, _ = deployment(nodes, radio)
    result = run(made, 40, Faults(loss=loss_matrix(nodes, deaf=[0])))
    assert result.done.all()
    assert delivered(made, result, range(1, nodes)) >= 0.999
    assert result.latency_us[1:, 1:].mean() < 1.16 * clean
    assert result.latency_us[1:, 1:].max() < 3.8 * clean
    assert result.latency_us[4:, 1:].max() < 1.1 * clean


@pytest.mark.parametrize("node", [0, 3])
def test_mute(node):
    made, clean, _ = deployment()
    result = run(made, 20, Faults(loss=loss_matrix(4, mute=[node])))
    others = [d for d in range(4) if d != node]
    assert result.done[1:, others].all()
    assert delivered(made, result, others) >= 0.98
    assert result.latency_us[1:, others].mean() < 1.25 * clean


@pytest.mark.parametrize("radio", ["ieee802154", "nrf_radio"])
@pytest.mark.parametrize("nodes", [3, 4, 8])
@pytest.mark.parametrize("node", [0, 1, -1])
def test_bad_receiver(radio, nodes, node):
    """One that hears 15 % slows the others by less than a half."""
    made, clean, _ = deployment(nodes, radio)
    bad = node % nodes
    result = run(made, 40, Faults(loss=loss_matrix(nodes, bad={bad: 0.85})))
    others = [d for d in range(nodes) if d != bad]
    assert result.done[1:, others].all()
    assert delivered(made, result, others) >= 0.97
    assert result.latency_us[1:, others].mean() <= 1.45 * clean
    assert result.collisions.sum() < 80


def test_receiver_gets_better():
    """What is learned of a bad receiver is forgotten: later it gets its repair again."""
    made, clean, _ = deployment()
    at = int(12 * clean)
    faults = Faults(loss=loss_matrix(4, bad={3: 0.9}), changes=[Change(at, 0.1)])
    result = run(made, 60, faults)
    late = dataclasses.replace(result, bits=result.bits[30:], done=result.done[30:])
    assert delivered(made, late, range(4)) >= 0.999


@pytest.mark.parametrize("idle", [[0], [0, 2]])
def test_no_input(idle):
    """Who leads has no input: the others ask, and need not wait until the leader seems gone."""
    made, clean, _ = deployment()
    result = run(made, 6, Faults(), Settings(idle=idle, gap_us=20_000))
    assert result.done[:, [d for d in range(4) if d not in idle]].all()
    assert result.latency_us[1:, 1].max() < 1.6 * clean
    assert result.delivered == 1.0 and result.takeovers == 0 and not result.submitted[:, idle].any()


def test_clocks_jump():
    made, clean, _ = deployment()
    moments = np.random.default_rng(1).integers(0, 20 * int(clean), 12).tolist()
    jumps = [ClockJump(i % 4, (-1) ** i * at // (1 + i % 5), at) for i, at in enumerate(moments)]
    result = run(made, 40, Faults(jumps=jumps))
    assert result.done[-1].all() and not result.lost[-1].any()


# Leaders


def test_leader_dies_while_stale_frames_come():
    """A frame that parses is no sign of life of an inference: the takeover keeps its time."""
    made, clean, frames = deployment()
    for frame in range(10, frames, 9):
        faults = Faults(
            events=[Event(0, False, frame, by_frame=True)],
            babble=[Babble("sync", 3, 100_000, 1000, value=-5)],
        )
        result = run(made, 3, faults)
        assert result.done[:, 1:].all()
        assert result.latency_us[0, 1:].max() < 7 * clean  # it also listens before the first one
        assert result.led[1:, 1].all()


def test_next_number_does_not_abort():
    """One SYNC of the next number from a higher node: nobody leaves the inference that runs."""
    made, clean, _ = deployment()
    for part in np.arange(2.2, 3.2, 0.09):
        faults = Faults(babble=[Babble("sync", 3, 1, int(part * clean), 1, 1)])
        result = run(made, 6, faults)
        assert result.done.all() and result.takeovers == 0
        assert result.delivered == 1.0
        assert result.latency_us[1:].max() < 2 * clean  # the SYNC destroys a frame


@pytest.mark.parametrize("every_ms, most", [(20, 1.25), (50, 1.1)])
def test_false_reports(every_ms, most):
    """Of who always says that something lacks: rounds of repair for nothing cost time, and no data
    but the little that such a frame destroys twice, as data and in its source's only turn."""
    for nodes in (3, 4, 8):
        made, clean, _ = deployment(nodes)
        times = []
        for share in (0.9, 0.95, 1.0, 1.05, 1.1):  # no period is special
            every_us = int(1000 * every_ms * share)
            result = run(made, 20, Faults(babble=[Babble("need", nodes - 1, every_us, 1000)]))
            assert result.done.all() and result.delivered >= (0.995 if nodes < 8 else 0.99)
            assert result.delivered == 1.0 or result.collisions.sum() >= 5
            times.append(result.latency_us[1:].mean())
        assert 1.005 * clean < np.mean(times) <= most * clean


@pytest.mark.parametrize("radio", ["ieee802154", "nrf_radio"])
def test_who_senses_nothing(radio):
    """Who does not notice that others lack something ends its exchange: that costs their repair."""
    made, clean, _ = deployment(4, radio)
    result = run(made, 40, Faults(blind=0.3))
    assert (
        result.done.all() and result.delivered == 1.0 and result.latency_us[1:].max() < clean + 20
    )
    for seed in range(1, 5):
        result = run(made, 40, Faults(loss=0.1, blind=0.3), seed=seed)
        assert result.done.all() and result.delivered > 0.97 and result.takeovers <= 2
    result = run(made, 40, Faults(loss=0.1, blind=1.0))
    assert result.done.all() and result.delivered > 0.89  # of 0.9 and nothing repaired


@pytest.mark.parametrize("kind", ["repeat", "stale"])
@pytest.mark.parametrize("every_ms", [15, 60])
@pytest.mark.parametrize("radio", ["ieee802154", "nrf_radio"])
def test_babbling(kind, every_ms, radio):
    """Copies of old frames take the air for their time, and nothing else."""
    made, clean, _ = deployment(4, radio)
    times = []
    for share in (0.9, 0.95, 1.0, 1.05, 1.1):  # no period is special
        every_us = int(1000 * every_ms * share)
        result = run(made, 20, Faults(babble=[Babble(kind, 2, every_us, 1000)]))
        assert result.done.all()
        assert result.delivered >= (0.85 if radio == "ieee802154" and every_ms == 15 else 0.999)
        times.append(result.latency_us[1:].mean())
    assert np.mean(times) < (3.5 if every_ms == 15 else 1.6) * clean


def test_late_frame_begins_nothing():
    """After a silence a copy of an old frame is no inference."""
    made, clean, frames = deployment()
    inferences = 6
    clean_count = run(made, inferences, Faults(), Settings(gap_us=3_000_000)).kinds
    for frame in (0, 3, 12, 23):
        faults = Faults(frames=[FrameFault("duplicate", frame + n * frames, -1, 2_500_000)
                                for n in range(inferences)])  # fmt: skip
        result = run(made, inferences, faults, Settings(gap_us=3_000_000))
        assert result.done.all() and result.delivered == 1.0
        for node, before in zip(result.kinds, clean_count, strict=True):
            assert {k: v["exchanges"] for k, v in node.items()} == {
                k: v["exchanges"] for k, v in before.items()
            }


@pytest.mark.parametrize("delay", [0.02, 0.3])
def test_late_copies(delay):
    """Frames that arrive inferences later, and many of them out of order."""
    made, clean, _ = deployment()
    faults = Faults(duplicate=delay, delay=delay, delay_us=3 * clean)
    result = run(made, 40, faults)
    assert result.done.all()


# Groups


def test_groups_part_and_meet():
    """Two halves that do not hear each other both go on, and are one again afterwards."""
    made, clean, _ = deployment()
    apart = 1 - np.kron(np.eye(2), np.ones((2, 2)))
    faults = Faults(changes=[Change(int(4.5 * clean), apart), Change(int(60 * clean), 0.0)])
    result = run(made, 60, faults)
    assert result.done[:, :2].all() and result.done[-1].all()
    assert not result.lost[-1].any() and result.led[-1].tolist() == [True, False, False, False]
    assert delivered(made, result, [0, 1]) > 0.97 and delivered(made, result, [2, 3]) > 0.95


def test_one_way_links():
    """Each link alone works in one direction only."""
    made, clean, _ = deployment()
    for a in range(4):
        for b in range(4):
            if a != b:
                loss = np.zeros((4, 4))
                loss[a, b] = 1
                result = run(made, 6, Faults(loss=loss))
                assert result.done.all()
                assert delivered(made, result, [d for d in range(4) if d != b]) >= 0.98


@pytest.mark.parametrize("radio", ["ieee802154", "nrf_radio"])
def test_two_sets_in_a_room(radio):
    """Another set of the same product is told apart by its group id; what it destroys on the air is
    lost. With the same group id nothing tells the two apart, but still nothing hangs."""
    made, clean, _ = deployment(4, radio)
    rare = Neighbour(int(4.5 * clean))
    result = run(made, 30, Faults(neighbour=rare))
    assert result.done.mean() > 0.95 and delivered(made, result, range(4)) > 0.85
    assert all(r["check"] > 0 for r in result.rejected)
    far = run(made, 30, Faults(neighbour=dataclasses.replace(rare, loss=1.0)))
    assert all(r["check"] == 0 for r in far.rejected)
    model, plan, images = made
    same = Faults(neighbour=dataclasses.replace(rare, group=0))
    alike = simulate(model, plan, random_inputs(1, CONFIG, 30), same, 1, images=images)
    assert alike.hung is None


# Files and bad input


def test_load_changes(tmp_path):
    text, document = tmp_path / "links.csv", tmp_path / "links.json"
    text.write_text("# two nodes\n0,*,*,0.1\n\n500,0,1,1  # one way\n500,1,0,0.5\n2000.5,*,*,0\n")
    matrix = [[0.1, 1.0], [0.5, 0.1]]
    document.write_text(json.dumps([
        {"at_ms": 0, "loss": 0.1}, {"at_ms": 500, "loss": matrix}, {"at_ms": 2000.5, "loss": 0},
    ]))  # fmt: skip
    for changes in (load_changes(text, 2), load_changes(document, 2)):
        assert [change.at_us for change in changes] == [0, 500_000, 2_000_500]
        assert np.array_equal(np.broadcast_to(changes[1].loss, (2, 2)), matrix)
        assert not np.any(changes[2].loss) and np.all(changes[0].loss == np.full((2, 2), 0.1))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "0,0,0", "has no losses in time"),
        ("a.csv", "0,0,7,0.1", "nodes 0 to 3"),
        ("a.csv", "0,0,0,much", "has no losses in time"),
        ("a.csv", "0,0,1,1.5", "0 to 1"),
        ("a.csv", "5,0,1,1\n4,0,1,0", "do not ascend"),
        ("a.csv", "-5,0,1,1", "do not ascend"),
        ("a.json", "{", "cannot be read as losses in time"),
        ("a.json", '[{"at_ms": 0}]', r"\$\[0\]\.loss: missing"),
        ("a.json", '[{"at_ms": 0, "loss": [[1, 0]]}]', "need a square"),
        ("a.json", '[{"at_ms": 0, "loss": [[1], [1, 0]]}]', "has no losses in time"),
        ("a.json", '[{"at_ms": 1e30, "loss": 0}]', "do not ascend"),
        ("a.csv", "inf,0,1,1", "has no losses in time"),
        ("a.csv", "# nothing\n", "it is empty"),
        ("b.csv", None, "cannot read"),
    ],
)
def test_bad_changes(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(CatsError, match=message):
        load_changes(tmp_path / name, 4)


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        (Faults(jumps=[ClockJump(4, 1, 1)]), "nodes 0 to 3"),
        (Faults(babble=[Babble("sing", 0, 1)]), "one of repeat"),
        (Faults(babble=[Babble("repeat", 4, 1)]), "nodes 0 to 3"),
        (Faults(babble=[Babble("repeat", 0, 0)]), "a microsecond"),
        (Faults(babble=[Babble("repeat", 0, 1)] * 17), "at most 16"),
        (Faults(neighbour=Neighbour(0)), "between its inferences"),
        (Faults(changes=[Change(2, 0), Change(1, 0)]), "do not ascend"),
    ],
)
def test_bad_faults(faults, message):
    (model, plan, images), _, _ = deployment()
    with pytest.raises(CatsError, match=message):
        simulate(model, plan, random_inputs(0, CONFIG, 1), faults, 0, images=images)
