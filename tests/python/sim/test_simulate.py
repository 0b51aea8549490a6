# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""D nodes of the C code on the simulated air: their bytes are the reference's, whatever is lost."""

import dataclasses
import json
import math
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import planned
from cats.cli import main
from cats.errors import CatsError
from cats.integer import reference
from cats.integer.random_models import random_inputs, random_model
from cats.plan.plan import plan_air
from cats.plan.planner import make_plan
from cats.plan.radio import radio
from cats.plan.timing import inference_us
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.compare import availability, check, save_availability
from cats.sim.faults import Event, Faults, FrameFault, link_table
from cats.sim.figures import owners, quality
from cats.sim.simulate import Settings, simulate
from command_line import status

ROOT = Path(__file__).resolve().parents[3]
SMALL = ModelConfig(
    tokens_in=16, inputs=4, outputs=10, features=32, heads=8, hidden=64, blocks=2
)  # the demonstration's shape


def deployment(nodes=4, config=SMALL, seed=1, input_split="single", **options):
    """(model, plan) of random weights on ``nodes`` nodes."""
    split = SplitConfig.even(config, nodes, input_split)
    model = random_model(seed, config, split)
    return model, make_plan(config, split, model.keep, **options)


def run(model, plan, samples, faults=None, seed=0, settings=None, complete=True):
    """Simulate and hold against the reference."""
    inputs = random_inputs(seed, model.config, samples)
    result = simulate(model, plan, inputs, faults, seed, settings)
    assert result.hung is None
    assert check(model, plan, inputs, result) == []
    if complete:
        assert result.done.all()
        assert not result.mixed.any()
    return inputs, result


# Nothing lost


@pytest.mark.parametrize("nodes", [1, 2, 3, 4, 8, 16])
@pytest.mark.parametrize("rounds", [0, 2])
def test_clean(nodes, rounds):
    config = dataclasses.replace(SMALL, heads=16)
    model, plan = deployment(nodes, config, rounds=rounds, input_split="channels")
    inputs, result = run(model, plan, 4)
    assert (result.outputs == reference.run_batch(model, inputs)).all()
    assert result.delivered == 1.0 and not result.lost.any() and not result.collisions.any()
    assert result.submitted.all() and result.led[:, 0].all() and not result.led[:, 1:].any()
    assert result.takeovers == 0 and all(not any(r.values()) for r in result.rejected)
    air = plan_air(plan)
    assert (result.frames == air.frames).all()
    assert (result.bytes == air.bytes).all()
    if nodes == 1:
        assert not result.frames.any() and result.delivered == 1.0


@pytest.mark.parametrize("radio", ["ieee802154", "ble_2m"])
@pytest.mark.parametrize("compute", ["none", "plan"])
def test_clean_time(radio, compute):
    """The plan's time is the simulation's: its slots, and its computing where that takes time."""
    model, plan = deployment(4, radio=radio, rounds=1)
    _, result = run(model, plan, 3, settings=Settings(compute=compute))
    # The first inference waits: a leader listens before it starts.
    assert result.span_us[1:].min() >= plan_air(plan).slots_us * 0.95
    spacing = sum(gather.tiles * gather.spacing_us for gather in plan.gathers)
    assert result.span_us[1:].max() <= 1.25 * (plan_air(plan).slots_us + spacing)
    assert result.delivered == 1.0  # nobody was late
    assert (min(result.computed_us) > 0) == (compute == "plan")


def test_same_seed_same_run():
    model, plan = deployment(4, rounds=1)
    inputs = random_inputs(1, model.config, 5)
    faults = Faults(loss=0.2, burst=3, duplicate=0.1, delay=0.1, drift_ppm=(40, -40, 0, 13))
    first, again, other = (simulate(model, plan, inputs, faults, seed) for seed in (7, 7, 8))
    for a, b in zip(dataclasses.astuple(first), dataclasses.astuple(again), strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(first.bits, other.bits)


# Losses


@pytest.mark.no_cover
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    shape=planned.plans(16),
    seed=st.integers(0, 2**20),
    loss=st.sampled_from([0.0, 0.05, 0.3, 0.7, 1.0]),
    burst=st.sampled_from([0.0, 8.0]),
    others=st.sampled_from([0.0, 0.1, 0.4]),
    compute=st.sampled_from(["none", "plan"]),
    drift=st.floats(-60, 60),
)
def test_any_shape_any_loss(shape, seed, loss, burst, others, compute, drift):
    config, split, keep, plan = shape
    model = random_model(seed, config, split, keep)
    nodes = split.nodes
    faults = Faults(
        loss=loss, burst=burst, duplicate=others, delay=others, flip=others / 4,
        drift_ppm=[drift * (-1) ** d for d in range(nodes)],
    )  # fmt: skip
    result = run(
        model, plan, 3, faults, seed, Settings(compute=compute, first_inference=65535),
        complete=False,
    )[1]  # fmt: skip
    if loss in (0.0, 1.0) and not others:
        assert result.done.all()
    if loss == 1.0 and nodes > 1:
        assert result.delivered == 0.0


@pytest.mark.parametrize("radio", ["nrf_radio", "ble_2m"])
def test_frame_of_an_inference_that_is_over(radio):
    """A frame later than its whole inference: who missed that takes it for a beginning. The node
    computes what it has, the others' inputs of then and its own of now, and the record says so."""
    config = ModelConfig(
        tokens_in=1, inputs=2, outputs=1, features=4, heads=4, hidden=7, blocks=3, pool="mean"
    )
    split = SplitConfig(heads=(1, 3), hidden=(6, 1), outputs=(0, 1), inputs=(1, 1))
    model = random_model(9042, config, split)
    plan = make_plan(config, split, model.keep, radio=radio, rounds=2)
    inputs = random_inputs(1, config, 3)
    result = simulate(model, plan, inputs, Faults(loss=0.7, delay=0.4), 112)
    assert check(model, plan, inputs, result) == []
    assert result.mixed.tolist() == [False, False, True]
    given = inputs[2:].copy()
    given[0, :, 0] = inputs[1, :, 0]
    want = reference.run_batch(model, given, availability(model, plan, result, slice(2, 3)))
    assert (want[0, 1] == result.outputs[2, 1]).all()
    again = reference.run_batch(model, inputs[2:], availability(model, plan, result, slice(2, 3)))
    assert (again[0, 1] != result.outputs[2, 1]).any()


@pytest.mark.no_cover
@pytest.mark.parametrize("nodes", [2, 3, 4])
def test_every_availability(nodes):
    """What a node misses is exactly what the air lost: each link alone, dead all the time."""
    config = ModelConfig(
        tokens_in=3, inputs=2, outputs=3, features=8, heads=4, hidden=6, blocks=1, pool="last"
    )
    model, plan = deployment(nodes, config, input_split="channels")
    for dead in range(2 ** (nodes * (nodes - 1))):
        links = np.zeros((nodes, nodes))
        links[~np.eye(nodes, dtype=bool)] = [dead >> i & 1 for i in range(nodes * (nodes - 1))]
        inputs = random_inputs(dead, config, 1)
        result = simulate(model, plan, inputs, Faults(loss=links), dead)
        assert result.hung is None, f"links {dead:#x}"
        assert check(model, plan, inputs, result) == [], f"links {dead:#x}"
        has = availability(model, plan, result)
        for g, gather in enumerate(plan.gathers):
            for s, cut in enumerate(gather.sources):
                if not cut.width:
                    continue
                columns = [c for c in model.keep[g][s]]
                for r in range(nodes):
                    heard = has.gathers[g][0, :, r][:, columns]
                    if r == s:
                        assert heard.all()
                    elif links[s, r]:
                        assert not heard.any()
        if nodes == 4 and dead >= 300:
            break  # a few hundred of four nodes' four thousand; all of two and three nodes'


@pytest.mark.parametrize("nodes", [4, 16])
def test_repair(nodes, record_property):
    """10 % independent loss, two rounds: 99.9 % of the fragments arrive."""
    config = dataclasses.replace(SMALL, heads=16, features=16 * nodes, hidden=16 * nodes, blocks=1,
                                 tokens_in=32)  # fmt: skip
    # 16 nodes with 512 bytes each a tile: doc/protocol.rst, "What repair costs".
    model, plan = deployment(nodes, config, rounds=2, tile_rows=6 if nodes == 4 else 32)
    samples = 200 if nodes == 4 else 80
    inputs = random_inputs(0, config, samples)
    clean = simulate(model, plan, inputs[:3])
    lossy = simulate(model, plan, inputs, Faults(loss=0.1))
    assert check(model, plan, inputs, lossy, 5) == []
    ratio = lossy.latency_us[1:, 0].mean() / clean.latency_us[1:, 0].mean()
    last = lossy.span_us[1:].mean() / clean.span_us[1:].mean()
    record_property("delivered", float(lossy.delivered))
    record_property("time", float(ratio))
    print(f"{nodes} nodes: {lossy.delivered:.3%} of {lossy.fragments.sum()} fragments arrived in "
          f"{ratio:.2f} times the clean time, {lossy.air_us.mean() / clean.air_us.mean():.2f} "
          "times the transmissions")  # fmt: skip
    assert lossy.delivered >= (0.9992 if nodes == 4 else 0.9998)
    assert ratio <= (1.95 if nodes == 4 else 1.65)
    assert last <= ratio + 0.1  # who misses the end of the last exchange waits for it
    assert not lossy.collisions.any() and lossy.takeovers == 0


def test_burst_has_the_mean_loss():
    model, plan = deployment(4)
    inputs = random_inputs(0, model.config, 100)
    loss = np.full((4, 4), 0.2)
    loss[0] = 0  # all have a clock
    for burst, low, high in ((0, 0.15, 0.25), (2, 0.4, 0.6), (10, 0.85, 0.95)):
        result = simulate(model, plan, inputs, Faults(loss=loss, burst=burst), 3)
        lost = result.bits[:, 1:9, 1:, 1:, 0] == 0  # one fragment each
        lost = lost[..., ~np.eye(3, dtype=bool)]
        assert abs(lost.mean() - 0.2) < 0.03
        again = lost[:, 1:][lost[:, :-1]].mean()  # right after the same link lost one
        assert low < again < high


def test_loss_matrix():
    model, plan = deployment(3)
    loss = np.array([[0, 0, 0], [0, 0, 0.5], [1, 0, 0]])
    _, result = run(model, plan, 40, Faults(loss=loss))
    has = availability(model, plan, result)
    for g in range(1, 5):
        kept = [list(columns) for columns in model.keep[g]]
        assert has.gathers[g][:, :, 1].all()
        assert not has.gathers[g][:, :, 0][..., kept[2]].any()
        assert 0.4 < has.gathers[g][:, :, 2][..., kept[1]].mean() < 0.6
        assert has.gathers[g][:, :, 2][..., kept[0]].all()


def test_numbers_wrap():
    model, plan = deployment(2)
    _, result = run(model, plan, 6, settings=Settings(first_inference=65533))
    assert result.delivered == 1.0


def test_clocks_wrap_and_drift():
    model, plan = deployment(4, rounds=1)
    for clock in ((0, 2**31 - 1000, 2**32 - 5000, 2**31 + 7),):
        _, result = run(
            model, plan, 5, Faults(drift_ppm=(50, -50, 50, -50)), settings=Settings(clock_us=clock)
        )
        assert result.delivered == 1.0 and not result.collisions.any()


def test_lead_time():
    """A driver that asks early for its frames changes nothing but the last merge of reports."""
    model, plan = deployment(4, rounds=1)
    for lead in (400, 900):
        _, result = run(model, plan, 5, settings=Settings(lead_us=lead))
        assert result.delivered == 1.0
    _, result = run(model, plan, 5, Faults(loss=0.1), settings=Settings(lead_us=400))
    assert result.delivered > 0.98


def kconfig_default(option, *given):
    """The first default of an integer of subsys/cats/node/Kconfig whose conditions are given."""
    text = (ROOT / "subsys" / "cats" / "node" / "Kconfig").read_text()
    found = text.partition(f"config {option}\n")[2].partition("\thelp")[0]
    for value, condition in re.findall(r"default (\d+)(?: if (.+))?", found):
        parts = [set(part.split(" || ")) for part in condition.split(" && ")] if condition else []
        if all(part & set(given) for part in parts):
            return int(value)
    raise AssertionError(option)


@pytest.mark.parametrize("sealed", ["", "+secure"])
@pytest.mark.parametrize("name", ["ieee802154", "ble", "nrf_radio"])
def test_times_are_those_of_the_firmware(name, sealed):
    """Each exchange opens a lead late, in the plan, in the simulation and on the air."""
    given = [f"CATS_TRANSPORT_{name.upper()}"] + ["CATS_SECURE"] * bool(sealed)
    air = radio(name + sealed)
    assert air.lead_us == kconfig_default("CATS_LEAD_US", *given)
    assert air.early_us == kconfig_default("CATS_EARLY_US", *given)
    model, plan = deployment(2, radio=name + sealed, rounds=2)
    planned = inference_us(model.config, model.split, model.keep, plan)
    _, found = run(model, plan, 3, settings=Settings("plan"))
    assert found.latency_us[1:, 0] == pytest.approx(planned, rel=0.05)
    _, found = run(model, plan, 3, settings=Settings("plan", "none", lead_us=20))
    assert (found.latency_us[1:, 0] < planned).all()


@pytest.mark.parametrize("slow", range(4))
def test_late_is_lost_never_a_stall(slow):
    """A node that computes far longer than planned: a follower loses slots, a leader delays all."""
    model, plan = deployment(4, rounds=1, radio="ble_2m")
    factor = [1.0] * 4
    factor[slow] = 40.0
    inputs, result = run(
        model, plan, 6, settings=Settings(compute="plan", slower=factor), complete=False
    )
    others = [d for d in range(4) if d != slow]
    assert result.done[:, others].all()
    quick = simulate(model, plan, inputs, settings=Settings(compute="plan"))
    if slow:
        # The others wait for their slots and repair only; nobody waits for the slow node.
        assert result.latency_us[1:, 0].max() < 2.5 * quick.latency_us[1:, 0].max()
        assert 0.3 < result.delivered < 1


# Nodes come and go


def test_node_dies():
    """It costs its columns, never the inference."""
    model, plan = deployment(4, rounds=1)
    for node in range(1, 4):
        _, result = run(
            model, plan, 4, Faults(events=[Event(node, False, 30, by_frame=True)]), complete=False
        )
        alive = [d for d in range(4) if d != node]
        assert result.done[:, alive].all()
        assert result.takeovers == 0
        has = availability(model, plan, result)
        assert not has.gathers[3][1:, :, alive][..., list(model.keep[3][node])].any()


def test_leader_dies():
    model, plan = deployment(4, rounds=1)
    for frame in range(0, 60, 7):
        _, result = run(
            model, plan, 3, Faults(events=[Event(0, False, frame, by_frame=True)]), complete=False
        )
        assert result.done[:, 1:].all(), f"frame {frame}"
        assert result.takeovers == 1, f"frame {frame}"
        assert result.led[1:, 1].all(), f"frame {frame}"
        has = availability(model, plan, result)
        kept = [c for s in range(1, 4) for c in model.keep[3][s]]
        assert has.gathers[3][1:, :, 1:][..., kept].all(), f"frame {frame}"


def test_two_leaders_die():
    model, plan = deployment(4, rounds=1)
    events = [Event(0, False, 20, by_frame=True), Event(1, False, 45, by_frame=True)]
    _, result = run(model, plan, 3, Faults(events=events), complete=False)
    assert result.done[:, 2:].all()
    assert result.takeovers == 2
    assert result.led[1:, 2].all()


def test_leader_was_never_there():
    model, plan = deployment(4)
    _, result = run(model, plan, 3, Faults(off=[0]), complete=False)
    assert result.done[:, 1:].all() and result.led[:, 1].all()
    assert result.takeovers == 1


def test_leader_comes_back():
    """It leads again from the next inference on, and its numbers do not confuse the others."""
    model, plan = deployment(4, rounds=1)
    events = [Event(0, False, 300, by_frame=True), Event(0, True, 460, by_frame=True)]
    _, result = run(model, plan, 8, Faults(events=events), complete=False)
    assert result.done[:, 1:].all()
    assert result.done[-1].all() and result.led[-1, 0]
    assert result.outputs[-1].min() > reference.OUTPUT_MISSING


@pytest.mark.parametrize("node", [0, 1, 3])
def test_late_node(node):
    """Off at first: it joins at an inference's start and all is complete from then on."""
    model, plan = deployment(4, rounds=1)
    _, result = run(
        model, plan, 6, Faults(off=[node], events=[Event(node, True, 150, by_frame=True)]),
        complete=False,
    )  # fmt: skip
    others = [d for d in range(4) if d != node]
    assert result.done[:, others].all()
    assert not result.done[0, node]
    assert result.done[-2:].all() and not result.lost[-1].any()


def test_all_nodes_restart():
    model, plan = deployment(3, rounds=1)
    events = [Event(d, on, 40, by_frame=False) for d in range(3) for on in (False, True)]
    events = [dataclasses.replace(e, at=400_000 + 1000 * e.node + 500 * e.on) for e in events]
    _, result = run(model, plan, 5, Faults(events=events), complete=False)
    assert result.done[-1].all() and not result.lost[-1].any()


# Speed, records, bad input


def test_speed():
    """200 inferences a second of the demonstration's shape, with margin for a busy machine."""
    model, plan = deployment(4)
    inputs = random_inputs(0, model.config, 100)
    best = 0.0
    for _ in range(3):
        start = time.perf_counter()
        simulate(model, plan, inputs, Faults(loss=0.1))
        best = max(best, len(inputs) / (time.perf_counter() - start))
    assert best > 200, f"{best:.0f} inferences a second"


def test_saved_availability(tmp_path):
    from cats.sim.compare import bits_availability

    model, plan = deployment(3)
    inputs, result = run(model, plan, 4, Faults(loss=0.3))
    save_availability(tmp_path / "a" / "seen.npz", plan, result)
    saved = np.load(tmp_path / "a" / "seen.npz")
    assert len(saved["exchange"]) == saved["bits"].shape[1]
    want = reference.run_batch(model, inputs, bits_availability(model, plan, saved["bits"]))
    assert (want == result.outputs).all()


@pytest.mark.parametrize(
    ("faults", "settings", "message"),
    [
        (Faults(loss=1.5), None, "0 to 1"),
        (Faults(loss=np.zeros((2, 3))), None, "need a square"),
        (Faults(loss=0.5, burst=0.5), None, "at least 1"),
        (Faults(loss=np.diag([0.9, 1, 1, 1]), burst=2), None, "loss of 0.9 needs bursts of 9.0"),
        (Faults(loss=0.1, burst=math.nan), None, "burst of nan frames"),
        (Faults(loss=0.1, burst=math.inf), None, "burst of inf frames"),
        (Faults(drift_ppm=[math.nan] * 4), None, "drift of nan ppm"),
        (Faults(drift_ppm=[0, 0, 0, 1e9]), None, "drift of 1e\\+09 ppm"),
        (Faults(flip=-1), None, "0 to 1"),
        (Faults(drift_ppm=[1]), None, "drift_ppm for 1 nodes"),
        (Faults(events=[Event(4, True, 0)]), None, "nodes 0 to 3"),
        (Faults(frames=[FrameFault("explode", 1)]), None, "one of drop"),
        (None, Settings(compute="fast"), "one of none, plan"),
    ],
)
def test_bad_faults(faults, settings, message):
    model, plan = deployment(4)
    with pytest.raises(CatsError, match=message):
        simulate(model, plan, random_inputs(0, model.config, 1), faults, 0, settings)


def test_bad_inputs():
    model, plan = deployment(4)
    with pytest.raises(CatsError, match="int8"):
        simulate(model, plan, np.zeros((1, 16, 4)))
    with pytest.raises(CatsError, match="model takes"):
        raise_on = random_inputs(0, dataclasses.replace(SMALL, inputs=5), 1)
        simulate(model, plan, raise_on)
    with pytest.raises(CatsError, match="cannot start"):
        simulate(model, plan, random_inputs(0, SMALL, 1), images=[b"nonsense" * 20] * 4)


def test_link_table():
    assert (link_table(0.1, 0, 2)[..., 0] == 0.1).all()
    bursts = link_table(0.2, 4, 2)
    assert np.allclose(bursts[..., 3], 0.25)
    assert np.allclose(bursts[..., 2] / (bursts[..., 2] + bursts[..., 3]), 0.2)


# The command


@pytest.fixture(scope="module")
def deploy(tmp_path_factory):
    """A DEPLOY folder of an untrained model that fits the digits."""
    from cats.deploy import export

    model, _ = deployment(4)
    folder = tmp_path_factory.mktemp("simulate") / "deploy"
    patches = {"patch_rows": 2, "patch_columns": 2}
    export.export(model, folder, run={"task": "digits", "task_options": patches})
    return folder


def command(*arguments):
    return main(["simulate", *map(str, arguments)])


def test_command(deploy, tmp_path, capsys):
    figures = tmp_path / "figures.json"
    assert command(deploy, "--loss", "0,0.2", "--samples", 5, "--json", figures) == 0
    shown = capsys.readouterr().out
    assert "accuracy" in shown and "4 nodes, ieee802154, 0 repair rounds" in shown
    assert "accuracy: mean over nodes" in shown  # the fixture's columns are spread
    data = json.loads(figures.read_text())
    clean, lossy = data["results"]
    assert clean["delivered"] == 1 > lossy["delivered"] > 0.6
    assert clean["equal_to_reference"] is True and lossy["equal_to_reference"] is True
    assert clean["results"] == 1 and 0 <= clean["quality"]["accuracy"] <= 1
    assert clean["bytes_on_air"] == plan_air(deployment(4)[1]).bytes


@pytest.mark.parametrize("output_split", ["single", "even"])
def test_quality_is_that_of_who_owns_the_result(output_split):
    """Other nodes miss parts of a result that its owner has; they must not blur the figure."""
    from cats import tasks

    task = tasks.load("digits", patch_rows=2, patch_columns=2)
    split = SplitConfig.even(SMALL, 4, output_split=output_split)
    model = random_model(1, SMALL, split)
    plan = make_plan(SMALL, split, model.keep)
    _, result = run(model, plan, 30, Faults(loss=0.3), seed=1)
    known = np.where(result.outputs == reference.OUTPUT_MISSING, -(2**20), result.outputs)
    part = task.test.spaced(30)
    right = known[:, :, 0].argmax(-1) == part.targets[:, None].numpy()  # [B, D]
    who = owners(model)
    assert who == ([0] if output_split == "single" else [0, 1, 2, 3])
    assert quality(model, task, part, result)["accuracy"] == pytest.approx(right[:, who].mean())
    everybody = quality(model, task, part, result, range(4))["accuracy"]
    assert everybody == pytest.approx(right.mean())
    assert right[:, 0].mean() != right.mean()  # so that the figures differ


def test_samples_are_spread_over_the_test_part(deploy, capsys, monkeypatch):
    """The first of a part in order of time or of class stand for no others."""
    from cats import tasks
    from cats.commands import simulate as module
    from cats.integer.quantize import quantize_inputs
    from cats.sim import figures

    task = tasks.load("digits", patch_rows=2, patch_columns=2)
    model, _ = deployment(4)
    seen = []
    genuine = figures.simulate

    def keep(model, plan, inputs, *rest):
        seen.append(inputs)
        return genuine(model, plan, inputs, *rest)

    monkeypatch.setattr(figures, "simulate", keep)
    monkeypatch.setattr(module, "SAMPLES", 4)
    assert command(deploy, "--json", "-") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["samples"] == 4
    where = [0, 149, 299, 449]
    np.testing.assert_array_equal(seen[0], quantize_inputs(model, task.test.inputs[where].numpy()))
    answers = reference.run_batch(model, seen[0])[:, 0, 0].argmax(-1)
    right = (answers == task.test.targets[where].numpy()).mean()
    assert data["results"][0]["quality"]["accuracy"] == pytest.approx(right)
    assert module.SAMPLES <= 200 <= len(task.test)


def test_command_plans_again_as_it_was_asked(tmp_path, capsys):
    """Payload, tiles, RAM and slack of the deployment hold for another radio and other rounds."""
    from cats.deploy import export

    asked = {"payload": 60, "tile_rows": 3, "ram_limit": 9000, "slack": 0.5}
    model, plan = deployment(4, **asked)
    export.export(model, tmp_path / "deploy", **asked)
    other = deployment(4, **asked, radio="ble_2m", rounds=2)[1]
    options = "--samples", 1, "--random-inputs", "--json", "-"
    assert command(tmp_path / "deploy", "--radio", "ble_2m", "--rounds", 2, *options) == 0
    result = json.loads(capsys.readouterr().out)["results"][0]
    assert result["bytes_on_air"] == plan_air(other).bytes
    assert result["bytes_on_air"] != plan_air(deployment(4, radio="ble_2m", rounds=2)[1]).bytes
    path = tmp_path / "deploy" / "plan.json"
    meta = json.loads(path.read_text())
    assert {name: meta["options"][name] for name in asked} == asked

    # What another radio cannot carry is cut; what it cannot do is one line.
    export.export(model, tmp_path / "wide", radio="ble_2m", payload=200)
    assert command(tmp_path / "wide", "--radio", "ieee802154", *options) == 0
    capsys.readouterr()
    meta["options"]["ram_limit"] = 100
    path.write_text(json.dumps(meta))
    assert command(tmp_path / "deploy", "--rounds", 2, *options) == 2
    assert "no plan fits into an arena of 100 bytes" in capsys.readouterr().err

    # Deployments of before say what their plan shows; damaged ones are told.
    del meta["options"]
    path.write_text(json.dumps(meta))
    assert command(tmp_path / "deploy", "--rounds", 2, *options) == 0
    again = json.loads(capsys.readouterr().out)["results"][0]
    assert again["bytes_on_air"] == plan_air(deployment(4, payload=60, rounds=2)[1]).bytes
    for damage in ([], {"slack": "much"}, {"tile_rows": ["2"]}, {"rounds": None}, {"speed": 1}):
        path.write_text(json.dumps({**meta, "options": damage}))
        assert command(tmp_path / "deploy", "--rounds", 2, *options) == 2
        err = capsys.readouterr().err
        assert "export again" in err and err.count("\n") == 1


def test_command_plans_again(deploy, capsys):
    assert command(deploy, "--samples", 2, "--radio", "ble_2m", "--rounds", 2, "--json", "-") == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["radio"], data["rounds"]) == ("ble_2m", 2)
    model, plan = deployment(4, radio="ble_2m", rounds=2)
    assert data["results"][0]["bytes_on_air"] == plan_air(plan).bytes


def test_command_with_receivers_off(deploy, capsys):
    """The same answers for less energy."""
    always, off = (
        figures(capsys, deploy, "--samples", 3, "--radio", "nrf_radio", *more)[0]
        for more in ((), ("--receiver-off",))
    )
    assert off["delivered"] == 1.0 and off["inference_us"] <= 1.01 * always["inference_us"]
    assert off["columns"]["mJ"] < 0.95 * always["columns"]["mJ"]


def test_command_with_faults(deploy, tmp_path, capsys):
    seen, links = tmp_path / "seen.npz", tmp_path / "links.csv"
    links.write_text("1,0.5,1,1\n" + "1,1,1,1\n" * 3)
    assert command(
        deploy, "--random-inputs", "--samples", 4, "--links", links, "--kill", "3@300",
        "--restart", "3@900", "--burst", 2, "--duplicate", 0.1, "--delay", 0.1, "--flip", 0.1,
        "--drift", 40, "--compute", "plan", "--save-availability", seen, "--seed", 4,
    ) == 0  # fmt: skip
    assert "links, mean 0.042" in capsys.readouterr().out  # half of one link of twelve
    assert np.load(seen)["bits"].shape[0] == 4
    assert command(deploy, "--samples", 2, "--no-check") == 0


def figures(capsys, deploy, *arguments):
    """The results of the command, with so few random inputs."""
    assert command(deploy, "--random-inputs", *arguments, "--json", "-") == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert all(r["hung"] is None and r["equal_to_reference"] for r in results)
    return results


def test_command_with_links(deploy, tmp_path, capsys):
    """Row: sender, column: receiver, what is heard; every link loses --loss on top."""
    links = tmp_path / "links.csv"
    links.write_text("0,1,2,3\n,1,1,1\n1,,1,1\n1,0,,1\n1,1,1,\n")  # 1 never hears 2

    def seen(*arguments):
        file = tmp_path / "seen.npz"
        common = ("--samples", 6, "--save-availability", file, "--links", links)
        found = figures(capsys, deploy, *common, *arguments)[0]
        return found, np.load(file)["bits"]  # [sample, exchange, receiver, source, bytes]

    found, bits = seen()
    sent = bits[0].any(-1).any(1)  # [exchange, source]: what anybody has
    heard = bits.any(-1)  # [sample, exchange, receiver, source]
    assert sent[:, 2].sum() > 10 and not heard[:, sent[:, 2], 1, 2].any()
    assert heard[:, sent[:, 1], 2, 1].all() and heard[:, sent[:, 2], 3, 2].all()
    assert np.array(found["loss"])[2, 1] == 1 and np.sum(found["loss"]) == 1
    more, _ = seen("--loss", 0.25)
    assert np.array(more["loss"])[2, 1] == 1 and np.array(more["loss"])[1, 2] == 0.25
    assert more["delivered"] < found["delivered"] < 1


def test_command_with_losses_in_time(deploy, tmp_path, capsys):
    """A link that dies loses all from then on, no other link does; both kinds of file say it."""
    links, document = tmp_path / "links.csv", tmp_path / "links.json"

    def seen(*arguments):
        file = tmp_path / "seen.npz"
        common = ("--samples", 10, "--save-availability", file)
        found = figures(capsys, deploy, *common, *arguments)[0]
        return found, np.load(file)["bits"]  # [sample, exchange, receiver, source, bytes]

    clean, whole = seen()
    dies = 5.5 * clean["inference_us"] / 1e3
    links.write_text(f"{dies},2,1,1  # from 2 to 1\n")
    table = np.zeros((4, 4))
    table[2, 1] = 1
    document.write_text(json.dumps([{"at_ms": dies, "loss": table.tolist()}]))
    found, bits = seen("--loss-in-time", links)
    assert found["columns"]["loss"] == "in time"
    assert found["delivered"] < clean["delivered"] == 1.0
    assert (bits[:4] == whole[:4]).all()
    sent = bits[0, :, 1, 2].any(-1)  # exchanges in which node 2 sends
    assert sent.sum() > 10 and not bits[6:, sent, 1, 2].any()
    bits[6:, :, 1, 2] = whole[6:, :, 1, 2]
    assert (bits[6:] == whole[6:]).all()
    assert seen("--loss-in-time", document)[0] == found


def test_command_with_dead_nodes(deploy, capsys):
    """One row with all, then one for each node that is off, whose columns the others lack."""
    rows = figures(capsys, deploy, "--samples", 6, "--dead", "0,3")
    assert [row["dead"] for row in rows] == [[], [0], [3]]
    assert [row["columns"]["dead"] for row in rows] == ["", "0", "3"]
    assert rows[0]["delivered"] == 1.0 and rows[0]["takeovers"] == 0
    for row, dead in zip(rows[1:], (0, 3), strict=True):
        model, plan = deployment(4)
        off = simulate(model, plan, random_inputs(0, SMALL, 6), Faults(off=[dead], named=True))
        assert row["delivered"] == off.delivered and 0.6 < off.delivered < 0.7
        assert row["results"] == 1.0  # of the nodes that are on
        assert row["takeovers"] == (dead == 0)


@pytest.mark.parametrize("babble", [["--babble", "2@40"], ["--babble", "0@15", "--babble", "3@60"]])
@pytest.mark.parametrize("neighbour", [[], ["--neighbour", 170]])
def test_command_with_others_on_the_air(deploy, babble, neighbour, capsys):
    """They destroy frames; what is heard of another set is told apart; every inference ends."""
    row = figures(capsys, deploy, "--samples", 8, *babble, *neighbour)[0]
    assert row["collisions"] > 0 and row["delivered"] < 1
    assert any(node["check"] for node in row["rejected"]) == bool(neighbour)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--samples", "0"], "whole number from 1"),
        (["--samples", "100000"], "the test part has"),
        (["--loss", "1.5"], "no number from 0 to 1"),
        (["--loss", "0,0.1", "--save-availability", "x.npz"], "takes one --loss"),
        (["--radio", "lora"], "one of ieee802154"),
        (["--rounds", "9"], "0 to 3"),
        (["--links", "missing.csv"], "cannot read"),
        (["--kill", "7@1"], "nodes 0 to 3"),
        (["--loss-in-time", "missing.csv"], "cannot read"),
        (["--dead", "1,4"], "nodes 0 to 3"),
        (["--dead", "-1"], "no node, from 0 to 15"),
        (["--dead", "1", "--save-availability", "x.npz"], "no --dead"),
        (["--babble", "4@50"], "nodes 0 to 3"),
        (["--babble", "1@0"], "a microsecond"),
        (["--neighbour", "0"], "a microsecond"),
        (["--receiver-off"], "transport of ieee802154 always listens"),
    ],
)
def test_command_refuses(deploy, arguments, message, capsys):
    assert status("simulate", deploy, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("cats: error: ") and error.count("\n") == 1 and message in error


def test_command_refuses_folders_and_values(deploy, tmp_path, capsys):
    assert command(tmp_path / "nowhere") == 2
    assert "is no DEPLOY folder" in capsys.readouterr().err
    bad = tmp_path / "links"
    for content in ("0,0\n0,0\n", "a,b\n", "", "0,0,0,0\n" * 3, "0 0 0 0\n" * 4):
        bad.write_text(content)
        assert command(deploy, "--links", bad) == 2
        error = capsys.readouterr().err
        assert "a row for each sender" in error and error.count("\n") == 1
    for content in ("0,0,1\n", "0,0,4,1\n", "0,0,1,2\n", "-1,0,1,1\n", "9,*,*,0\n8,*,*,1\n", "\n"):
        bad.write_text(content)
        assert command(deploy, "--loss-in-time", bad) == 2
        error = capsys.readouterr().err
        assert error.startswith("cats: error: ") and error.count("\n") == 1
    for value in (
        "--kill=3", "--kill=a@1", "--restart=-1@1", "--kill=1@1e30", "--loss=much", "--dead=x",
        "--babble=1", "--babble=1@-3", "--babble=1@nan", "--neighbour=-5", "--neighbour=inf",
    ):  # fmt: skip
        with pytest.raises(SystemExit) as stop:
            command(deploy, value)
        assert stop.value.code == 2


@pytest.mark.parametrize("nodes", [8, 16])
def test_repair_of_single_fragments(nodes):
    """One fragment a source, one frame in ten lost: nearly all of it arrives, in about twice
    (16 nodes: three times) the clean time, in which nobody says that it lacks anything. Coded
    frames are sent then; never without losses."""
    config = dataclasses.replace(SMALL, tokens_in=6, features=32, heads=16, blocks=1)
    model, plan = deployment(nodes, config, radio="nrf_radio", rounds=2)
    _, clean = run(model, plan, 40)
    _, lossy = run(model, plan, 40, Faults(loss=0.1), seed=1)
    assert (clean.frames == plan_air(plan).frames).all() and not clean.coded.any()
    assert lossy.delivered >= 0.999
    most = {8: 2.4, 16: 3.0}[nodes]
    assert lossy.latency_us[1:, 0].mean() < most * clean.latency_us[1:, 0].mean()
