# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Every frame of an inference goes wrong in every way, one after the other.

Whatever happens: the inference ends by its deadline, on every node that is on; no output byte
differs from the integer reference with what arrived; and the next inference is whole again. One
frame lost at one receiver costs nothing where there is a repair round.

A case is "KIND FRAME RECEIVER VALUE" (or "KIND FRAME NODE", for nodes that go off); a failing one
is named, and alone with CATS_CASE="flip 12 1 1281" in the environment. The same tests run under
AddressSanitizer and UBSan, see test_under_sanitizers.
"""

import dataclasses
import itertools
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cats.deploy import image
from cats.integer.random_models import random_inputs, random_keep, random_model
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.compare import check
from cats.sim.faults import Event, Faults, FrameFault
from cats.sim.simulate import simulate

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ModelConfig(
    tokens_in=6, inputs=3, outputs=5, features=12, heads=3, hidden=10, blocks=1, pool="class"
)
SAMPLES = 2  # the first is hit
HEADER = 10


@cache
def deployment(rounds):
    """Three nodes, uneven, two tiles a gather, two fragments a source and tile."""
    split = SplitConfig(heads=(1, 1, 1), hidden=(5, 3, 2), outputs=(2, 0, 3), inputs=(1, 2, 0))
    model = random_model(5, CONFIG, split, random_keep(5, CONFIG, split, 0.7))
    plan = make_plan(CONFIG, split, model.keep, rounds=rounds, payload=6, tile_rows=4)
    ident = image.model_id(model, plan)
    images = [image.pack(model, plan, d, ident) for d in range(3)]
    clean = simulate(model, plan, random_inputs(0, CONFIG, SAMPLES), images=images)
    assert clean.delivered == 1.0
    return model, plan, images, int(clean.frames[0])


def frame_faults(kind, value=0, receivers=(-1, 0, 1, 2)):
    """Cases of one kind at every frame of the first inference."""

    def cases(frames):
        return [f"{kind} {f} {r} {value}" for f in range(frames) for r in receivers]

    return cases


def node_faults(kind):
    """A node goes off as a frame starts, for ever or for so many frames."""

    def cases(frames):
        return [f"{kind} {f} {node}" for f in range(frames) for node in range(3)]

    return cases


KINDS = {
    "drop": frame_faults("drop"),
    "duplicate": frame_faults("duplicate", 300, (-1, 1)),
    "duplicate-late": frame_faults("duplicate", 9000, (-1, 1)),
    "reorder": frame_faults("delay", 2500, (-1, 1)),
    "late": frame_faults("delay", 40000, (-1, 1)),
    **{
        f"flip-byte-{byte}": frame_faults("flip", byte << 8 | bits, (-1,))
        for byte, bits in zip(range(HEADER + 1), itertools.cycle((0x01, 0x80, 0x13)), strict=False)
    },
    "kill": node_faults("kill"),
    "restart": node_faults("restart"),
    "restart-at-once": node_faults("restart-at-once"),
}


def faults_of(case):
    kind, frame, *rest = case.split()
    frame, rest = int(frame), [int(v) for v in rest]
    if kind == "kill":
        return Faults(events=[Event(rest[0], False, frame, by_frame=True)])
    if kind.startswith("restart"):
        back = frame + (1 if kind == "restart-at-once" else 3)
        return Faults(
            events=[Event(rest[0], False, frame, by_frame=True),
                    Event(rest[0], True, back, by_frame=True)]
        )  # fmt: skip
    return Faults(frames=[FrameFault(kind, frame, *rest)])


@pytest.mark.parametrize("rounds", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_every_frame(kind, rounds):
    model, plan, images, frames = deployment(rounds)
    inputs = random_inputs(0, CONFIG, SAMPLES)
    cases = KINDS[kind](frames)
    if "CATS_CASE" in os.environ:
        cases = [case for case in cases if case == os.environ["CATS_CASE"]]
        if not cases:
            pytest.skip("another case is asked for")
    results = []
    for case in cases:
        result = simulate(model, plan, inputs, faults_of(case), 7, images=images)
        assert result.hung is None, case
        on = result.on & result.done  # a node that went off has no result
        off = case.startswith(("kill", "restart"))
        victim = int(case.split()[2])
        alive = [d for d in range(3) if not off or d != victim]
        assert on[:, alive].all(), case
        assert off or not result.mixed.any(), case
        if case.startswith(("drop", "flip", "duplicate")):
            assert not result.lost[1:].any(), case
            assert result.takeovers == 0 and not result.collisions.any(), case
        if rounds and (victim >= 0 or case.startswith("duplicate")) and not off:
            assert case.startswith("delay") or not result.lost.any(), case
        if case.startswith("restart"):
            assert result.done[-1, alive].all(), case
        if case.startswith("flip"):
            assert sum(r["check"] + r["version"] for r in result.rejected) == 2, case
        results.append(result)
    joined = dataclasses.replace(
        results[0],
        **{
            name: np.concatenate([getattr(r, name) for r in results])
            for name in ("outputs", "done", "submitted", "bits", "mixed")
        },
    )
    wrong = check(model, plan, np.tile(inputs, (len(cases), 1, 1)), joined)
    assert [(cases[i // SAMPLES], f"inference {i % SAMPLES}, node {d}") for i, d in wrong] == []
    assert joined.mixed.mean() < 0.05


def test_pairs():
    """Two frames lost in a row, at every frame, each pair of receivers."""
    model, plan, images, frames = deployment(1)
    inputs = random_inputs(1, CONFIG, SAMPLES)
    for frame, (a, b) in itertools.product(range(frames), ((0, 1), (2, 2), (-1, -1))):
        pair = [FrameFault("drop", frame, a), FrameFault("drop", frame + 1, b)]
        result = simulate(model, plan, inputs, Faults(frames=pair), frame, images=images)
        assert result.hung is None and result.done.all(), (frame, a, b)
        if frame % 5 == 0:
            assert check(model, plan, inputs, result) == [], (frame, a, b)
        assert not result.lost[1].any(), (frame, a, b)


@pytest.mark.slow
def test_under_sanitizers():
    """All of the above, and the losses of test_simulate.py, in a build that checks every access."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc here")
    library = subprocess.run(
        [compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if not Path(library).is_absolute():
        pytest.skip("no AddressSanitizer here")
    # The same lines as of the tests outside: not traced for coverage again.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_PROCESS")}
    environment["CATS_SANITIZE"] = "1"
    build = ROOT / "python" / "cats" / "native" / "build_native.py"
    subprocess.run([sys.executable, str(build)], env=environment, check=True)
    environment |= {
        "LD_PRELOAD": library,
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(ROOT / "python"),
        "OMP_NUM_THREADS": "1",
    }
    tests = [
        "tests/python/sim/test_faults.py::test_every_frame",
        "tests/python/sim/test_faults.py::test_pairs",
        "tests/python/sim/test_simulate.py::test_any_shape_any_loss",
        "tests/python/sim/test_simulate.py::test_clean",
        "tests/python/sim/test_gather.py",
        "tests/python/sim/test_node.py",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests,
         "-k", "not freestanding"],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
