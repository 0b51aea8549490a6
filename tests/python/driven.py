# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A small deployment, its frames, and one node of it with nothing around it but a clock."""

import errno
from functools import cache

from cats.deploy import image
from cats.integer.random_models import random_keep, random_model
from cats.native import ffi, lib
from cats.plan.planner import make_plan
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.engine import aligned
from cats.sim.simulate import REJECTS

SYNC, DATA, NEED, CODED, ASK, BEACON = range(6)
#: Of a frame's index or slot: CATS_DULL, CATS_NEEDED, CATS_EFFORT.
DULL, NEEDED, EFFORT = 0x80, 0x80, 0x60
GROUP = 0x1234ABCD
CONFIG = ModelConfig(
    tokens_in=7, inputs=5, outputs=6, features=20, heads=5, hidden=15, blocks=2, pool="all"
)


@cache
def images(nodes=5, rounds=2, seed=1, ident=None, payload=7, **options):
    """Partitions of a small deployment with uneven fragments."""
    split = SplitConfig.even(CONFIG, nodes, "channels")
    model = random_model(seed, CONFIG, split, random_keep(seed, CONFIG, split, 0.8))
    plan = make_plan(
        CONFIG, split, model.keep, rounds=rounds, payload=payload, tile_rows=5, **options
    )
    ident = ident or image.model_id(model, plan)
    return tuple(image.pack(model, plan, d, ident) for d in range(nodes)), plan


def exchange(gather=0, tile=0):
    """The struct; of a dict that is passed in its place what is not named would be anything."""
    return ffi.new("struct cats_exchange *", (gather, tile))[0]


def sealed(partition, type, source, x, round=0, index=0, slot=0, payload=b"", inference=7):
    """Bytes of a frame, by the C code."""
    frame = ffi.new("struct cats_frame *")
    frame.type, frame.source, frame.round, frame.inference = type, source, round, inference
    frame.x, frame.index, frame.slot = x, index, slot
    frame.length = len(payload)
    buffer = bytearray(bytes(10) + payload)
    length = lib.cats_frame_seal(
        lib.cats_frame_key(partition, GROUP), frame, ffi.from_buffer("uint8_t[]", buffer)
    )
    assert length == len(buffer)
    return bytes(buffer)


class Sent:
    """A frame that a node handed out."""

    def __init__(self, at, data):
        self.at, self.data = at, data
        self.type, self.inference = data[0] & 15, int.from_bytes(data[4:6], "little")
        self.round, self.x, self.index, self.slot = data[1] >> 4, tuple(data[6:8]), *data[8:10]

    def __repr__(self):
        name = ("SYNC", "DATA", "NEED", "CODED", "ASK", "BEACON")[self.type]
        return f"{name} {self.inference} {self.x} round {self.round} {self.index} {self.slot}"


class Driven:
    """A node with nothing around it."""

    def __init__(self, number=0, nodes=5, now=0, rounds=2, payload=7, made=None, **config):
        data, self.plan = made or images(nodes=nodes, rounds=rounds, payload=payload)
        self._memory = aligned(data[number])
        self.image = ffi.new("struct cats_image *")
        assert lib.cats_image_verify(self._memory, len(data[number]), self.image) == 0
        self.arena = aligned(int(self.image.header.arena_size))
        self.node = ffi.new("struct cats_node *")
        self.config = ffi.new(
            "struct cats_node_config *",
            {"image": self.image, "arena": self.arena,
             "arena_size": self.image.header.arena_size, "group": GROUP} | config,
        )  # fmt: skip
        self.todo = ffi.new("struct cats_todo *")
        self.result = lib.cats_node_init(self.node, self.config, now)
        self.silence = lib.cats_silence_us(self.image)
        self.now = now
        self.sent = []  # everything that was handed out
        self._on_air = []
        self.busy = True  # what it senses
        self.sensed = []  # when it did
        self.results = []  # (inference, led)

    def poll(self, now):
        lib.cats_node_poll(self.node, now % 2**32, self.todo)
        return self.todo.what

    def job(self, now):
        """Run one job where one is ready."""
        job = ffi.new("struct cats_job *")
        if not self.todo.compute:
            return False
        assert lib.cats_node_compute_begin(self.node, job, now % 2**32) == 0
        assert lib.cats_node_compute_begin(self.node, job, now % 2**32) == -errno.EBUSY
        lib.cats_job_run(job)
        assert lib.cats_node_compute_end(self.node, job, now % 2**32) == 0
        return True

    def until(self, stop, jobs=True):
        """Do all that the node asks for up to a time: what it sent meanwhile."""
        first = len(self.sent)
        while True:
            what = self.poll(self.now)
            waits = []
            if what == lib.CATS_TODO_SEND:
                at = self.now + (self.todo.at - self.now + 2**31) % 2**32 - 2**31
                self.sent.append(Sent(at, ffi.buffer(self.todo.frame, self.todo.length)[:]))
                self._on_air.append(at)
            elif what == lib.CATS_TODO_SENSE:
                self.sensed.append(self.now + (self.todo.at - self.now + 2**31) % 2**32 - 2**31)
                lib.cats_node_sensed(self.node, self.busy)
            elif what == lib.CATS_TODO_DONE:
                self.results.append((self.todo.result.inference, self.todo.result.led))
            elif self._on_air and self._on_air[0] <= self.now:
                lib.cats_node_sent(self.node, True, self._on_air.pop(0) % 2**32)
            elif not (jobs and self.job(self.now)):
                waits = [] if self.todo.forever else [self.now + (self.todo.at - self.now) % 2**32]
                self.now = min(waits + self._on_air[:1] + [stop])
                if self.now >= stop:
                    self.poll(self.now)
                    return self.sent[first:]

    def hear(self, at, type, source, x=(0, 0), inference=7, **fields):
        """Give it a frame that begins at a time: None, or the reason why it is dropped."""
        cx = ffi.new("struct cats_exchange *", x)[0]
        index = fields.get("index", 0)
        if type == DATA:
            fields["payload"] = bytes(lib.cats_fragment_size(self.image, cx, source, index))
        if type == CODED and "payload" not in fields:
            fields["payload"] = bytes(lib.cats_coded_size(self.image, cx))
        data = sealed(self.image, type, source, x, inference=inference, **fields)
        before = list(self.node.stats.rejected)
        self.until(at + 1)
        error = lib.cats_node_receive(self.node, data, len(data), at % 2**32, self.now % 2**32)
        why = [REJECTS[i] for i, n in enumerate(before) if self.node.stats.rejected[i] != n]
        assert (error != 0) == (len(why) == 1)
        return why[0] if why else None

    def miss(self, until):
        """Nobody looks at the node until then, but for the frames that it has handed out."""
        while self._on_air:
            lib.cats_node_sent(self.node, True, self._on_air.pop(0) % 2**32)
        self.now = until

    @property
    def runs(self):
        return self.node.phase >= lib.CATS_NODE_RUNNING
