# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What each node did when, as a trace for Perfetto or Chrome (the "JSON object format" of Chrome's
trace events): a process a node, in it lanes for inferences, radio, jobs, other code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cats.errors import CatsError
from cats.files import write_atomic
from cats.integer.model import IntegerModel
from cats.native import ffi, lib
from cats.report import save_plot, trace_names
from cats.shape.partition import gather_kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Of a frame's or a job's number: enum cats_frame_type, enum cats_job_what.
FRAMES = ("SYNC", "DATA", "NEED", "CODED", "ASK", "BEACON")
JOBS = ("begin", "produce", "consume")
#: Most spans of one trace: 32 MiB, and as JSON some 200.
MOST_SPANS = 1_000_000
LANES = ("inferences", "radio", "jobs", "other code")

SPAN = np.dtype(
    [
        ("start_ns", "<u8"), ("end_ns", "<u8"), ("inference", "<u2"), ("length", "<u2"),
        ("kind", "u1"), ("node", "u1"), ("what", "u1"), ("source", "u1"), ("gather", "u1"),
        ("tile", "u1"), ("round", "u1"), ("index", "u1"),
    ],
    align=True,
)  # fmt: skip


@dataclass
class Trace:
    """Room for the spans of one run: give it to ``simulate()``, then ``write()`` it.

    ``spans``: SPAN [room]; after the run ``count`` of them are written, ``missing`` did not fit.
    """

    room: int = MOST_SPANS
    count: int = 0
    missing: int = 0

    def __post_init__(self) -> None:
        assert SPAN.itemsize == ffi.sizeof("struct air_span")
        self.spans = np.zeros(self.room, SPAN)

    def attach(self, config: object) -> None:
        """Have a run with this ``struct air_config`` write here."""
        config.spans = ffi.cast("struct air_span *", ffi.from_buffer(self.spans))
        config.span_count = self.room

    def finish(self, air: object) -> None:
        """The run is over."""
        found = int(lib.air_spans(air))
        self.count = min(found, self.room)
        self.missing = found - self.count

    def document(self, model: IntegerModel) -> dict[str, Any]:
        """The trace as JSON: times in microseconds of the simulation."""
        events = trace_names(range(model.split.nodes), LANES)
        events += [_event(model, span) for span in self.spans[: self.count]]
        return {"displayTimeUnit": "ms", "traceEvents": events}

    def write(self, path: Path, model: IntegerModel) -> None:
        """Write the trace as JSON, or draw its last inference, as the file's suffix says."""
        if path.suffix == ".json":
            write_atomic(path, json.dumps(self.document(model)).encode())
        else:
            save_plot(
                path, lambda axes: self.draw(axes, model), xlabel="ms",
                title="The last inference: frames, jobs below, other code between",
            )  # fmt: skip

    def draw(self, axes: Axes, model: IntegerModel) -> None:
        """Draw the last inference, three bars a node: radio, other code, jobs; a cross is a frame
        that this node lost."""
        spans = self.spans[: self.count]
        ended = spans[spans["kind"] == lib.AIR_SPAN_INFERENCE]
        if not len(ended):
            raise CatsError("no inference ended: nothing to draw")
        last = ended[ended["inference"] == ended[-1]["inference"]]
        begin, end = int(last["start_ns"].min()), int(last["end_ns"].max())
        shown = spans[(spans["end_ns"] > begin) & (spans["start_ns"] < end)]

        def bars(chosen: np.ndarray, above: float, height: float, **options: Any) -> None:
            for node in range(model.split.nodes):
                own = chosen[chosen["node"] == node]
                starts = (own["start_ns"].astype(np.int64) - begin) / 1e6
                lengths = (own["end_ns"] - own["start_ns"]) / 1e6
                axes.broken_barh(
                    list(zip(starts, lengths)), (node + above - height / 2, height), **options
                )

        legend: dict[str, Any] = {}
        for what, name in enumerate(FRAMES):
            own = shown[(shown["kind"] == lib.AIR_SPAN_FRAME) & (shown["what"] == what)]
            if len(own):
                bars(own, -0.22, 0.3, color=f"C{what}")
                (legend[name],) = axes.plot([], [], color=f"C{what}", linewidth=5)
        for kind, above, height, color, name in (
            (lib.AIR_SPAN_CODE, 0.0, 0.12, "0.4", "other code"),
            (lib.AIR_SPAN_JOB, 0.2, 0.22, "0.75", "job"),
        ):
            bars(shown[shown["kind"] == kind], above, height, color=color)
            (legend[name],) = axes.plot([], [], color=color, linewidth=5)
        lost = shown[shown["kind"] == lib.AIR_SPAN_MISSED]
        if len(lost):
            at = (lost["end_ns"].astype(np.int64) - begin) / 1e6
            (legend["lost here"],) = axes.plot(at, lost["node"] - 0.22, "kx", markersize=4)
        axes.legend(legend.values(), legend.keys(), loc="lower center", ncols=4, fontsize="small")
        axes.set_yticks(range(model.split.nodes), [f"node {n}" for n in range(model.split.nodes)])
        axes.set_ylim(1.2 * model.split.nodes - 0.3, -0.6)
        axes.set_xlim(0, (end - begin) / 1e6)


def _event(model: IntegerModel, span: np.void) -> dict[str, Any]:
    kind, node = int(span["kind"]), int(span["node"])
    start, end = int(span["start_ns"]), int(span["end_ns"])
    event: dict[str, Any] = {
        "ph": "X", "ts": start / 1e3, "dur": (end - start) / 1e3, "pid": node,
        "args": {"inference": int(span["inference"])},
    }  # fmt: skip
    if kind in (lib.AIR_SPAN_FRAME, lib.AIR_SPAN_MISSED, lib.AIR_SPAN_LATE):
        what = FRAMES[span["what"]]
        event |= {"tid": 1, "cat": "frame", "name": f"{what} {_exchange(model, span)}"}
        event["args"] |= {name: int(span[name]) for name in ("round", "index", "length")}
        if kind != lib.AIR_SPAN_FRAME:
            why = "late" if kind == lib.AIR_SPAN_LATE else f"lost from {int(span['source'])}"
            event |= {"ph": "i", "ts": end / 1e3, "s": "t", "cat": why.split()[0]}
            event["name"] = f"{why}: {event['name']}"
            del event["dur"]
    elif kind == lib.AIR_SPAN_JOB:
        name = f"{JOBS[span['what']]} {_exchange(model, span)}"
        event |= {"tid": 2, "cat": "job", "name": name}
    elif kind == lib.AIR_SPAN_CODE:
        event |= {"tid": 3, "cat": "code", "name": "code"}
    elif kind == lib.AIR_SPAN_OFF:
        event |= {"tid": 0, "cat": "off", "name": "off"}
    else:
        event |= {"tid": 0, "cat": "inference", "name": f"inference {int(span['inference'])}"}
    return event


def _exchange(model: IntegerModel, span: np.void) -> str:
    kind, block = gather_kind(model.config, int(span["gather"]))
    return f"{kind.name.lower()} {block}.{int(span['tile'])}"
