# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The trace of a simulation against what the simulation counts, and its file."""

import json
from functools import cache

import numpy as np
import pytest

from cats import cli
from cats.deploy.export import export
from cats.integer.random_models import random_inputs, random_model
from cats.native import lib
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.faults import Event, Faults
from cats.sim.simulate import Settings, simulate
from cats.sim.trace import Trace

CONFIG = ModelConfig(
    tokens_in=6, inputs=4, outputs=5, features=24, heads=6, hidden=24, blocks=1, pool="mean"
)
NODES = 3


@cache
def deployment():
    split = SplitConfig.even(CONFIG, NODES)
    model = random_model(1, CONFIG, split)
    return model, make_plan(CONFIG, split, model.keep, rounds=1)


def run(faults=None, samples=4, room=100_000):
    model, plan = deployment()
    trace = Trace(room)
    result = simulate(
        model, plan, random_inputs(1, CONFIG, samples), faults, 1, Settings(compute="plan"),
        trace=trace,
    )  # fmt: skip
    return result, trace, trace.spans[: trace.count]


def of(spans, kind, node=None):
    chosen = spans[spans["kind"] == getattr(lib, f"AIR_SPAN_{kind}")]
    return chosen if node is None else chosen[chosen["node"] == node]


def length_us(spans):
    return float((spans["end_ns"] - spans["start_ns"]).sum()) / 1e3


@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_all_that_is_counted_is_in_it(loss):
    result, trace, spans = run(Faults(loss=loss))
    assert trace.missing == 0 and (spans["end_ns"] >= spans["start_ns"]).all()
    assert len(of(spans, "INFERENCE")) == 4 * NODES
    assert len(of(spans, "LATE")) == result.late.sum()
    lost = of(spans, "MISSED")
    assert (len(lost) > 10) == bool(loss) and (lost["node"] != lost["source"]).all()
    for node in range(NODES):
        frames = of(spans, "FRAME", node)
        assert length_us(frames) == pytest.approx(result.sent_us[node], abs=0.01 * len(frames))
        assert length_us(of(spans, "CODE", node)) == pytest.approx(result.code_us[node], abs=1)
        # Other code interrupts jobs.
        assert length_us(of(spans, "JOB", node)) >= result.computed_us[node] - 1
        for kind in ("FRAME", "JOB", "CODE"):
            own = np.sort(of(spans, kind, node), order="start_ns")
            assert (own["start_ns"][1:] >= own["end_ns"][:-1]).all(), kind
    counted = [sum(kind["sent"] for kind in node.values()) for node in result.kinds]
    sent = [int((of(spans, "FRAME")["node"] == node).sum()) for node in range(NODES)]
    assert sum(counted) == sum(sent) + result.late.sum()


def test_a_node_that_is_off():
    faults = Faults(events=[Event(2, False, 100_000), Event(2, True, 200_000)])
    (off,) = of(run(faults)[2], "OFF")
    assert (off["node"], off["start_ns"], off["end_ns"]) == (2, 100_000_000, 200_000_000)


def test_trace_changes_nothing():
    model, plan = deployment()
    inputs = random_inputs(1, CONFIG, 4)
    plain = simulate(model, plan, inputs, Faults(loss=0.2), 1, Settings(compute="plan"))
    traced = run(Faults(loss=0.2))[0]
    for name in ("outputs", "latency_us", "bits", "frames", "code_us"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(traced, name))


def test_document():
    _, trace, spans = run(Faults(loss=0.2))
    events = trace.document(deployment()[0])["traceEvents"]
    named = [e for e in events if e["ph"] == "M"]
    assert {e["args"]["name"] for e in named} >= {"node 0", "node 2", "radio", "jobs"}
    told = [e for e in events if e["ph"] != "M"]
    assert len(told) == len(spans)
    names = {e["name"] for e in told}
    assert {"SYNC input 0.0", "DATA attention 0.0", "produce heads 0.0", "code"} <= names
    assert any(name.startswith("lost from 1: ") for name in names)
    first = next(e for e in told if e["name"] == "SYNC input 0.0")
    sync = next(s for s in of(spans, "FRAME") if s["what"] == lib.CATS_FRAME_SYNC)
    assert first["ts"] == sync["start_ns"] / 1e3 and first["pid"] == sync["node"]


def test_more_than_fits():
    _, whole, spans = run()
    _, trace, some = run(room=50)
    assert trace.count == 50 and trace.missing == whole.count - 50
    np.testing.assert_array_equal(some[:20], spans[:20])


def test_command(tmp_path, capsys):
    model, _ = deployment()
    export(model, tmp_path / "deploy", formats="image")
    words = ["simulate", str(tmp_path / "deploy"), "--random-inputs", "--samples", "2"]
    for name in ("trace.json", "trace.svg"):
        told = ["--loss", "0.1", "--trace", tmp_path / name, "--json", tmp_path / "figures.json"]
        assert cli.main([*words, *map(str, told)]) == 0
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    (point,) = json.loads((tmp_path / "figures.json").read_text())["results"]
    results = round(point["columns"]["results"] * 2 * NODES)
    assert sum(e.get("cat") == "inference" for e in events) == results >= 2 * NODES - 1
    assert "node 2" in (tmp_path / "trace.svg").read_text()
    capsys.readouterr()
    assert cli.main([*words, "--loss", "0,0.1", "--trace", "t.json"]) == 2
    assert "--trace takes one --loss" in capsys.readouterr().err
    assert cli.main([*words, "--trace", str(tmp_path / "trace.txt")]) == 2
    assert "let its name end in" in capsys.readouterr().err
