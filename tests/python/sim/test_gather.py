# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""SomeGather's parts: frames, schedule, coded repair. doc/protocol.rst."""

import itertools
import math
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cffi import FFI
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

import planned
from cats.deploy import image
from cats.errors import CatsError
from cats.integer.random_models import random_keep, random_model
from cats.native import _cats, ffi, lib
from cats.plan.plan import exchange_us, opening_us, openings, repair_bytes
from cats.plan.planner import make_plan
from cats.plan.radio import radio
from cats.shape.config import ModelConfig, SplitConfig
from cats.sim.engine import Engine, aligned
from driven import (
    ASK,
    BEACON,
    CODED,
    CONFIG,
    DATA,
    DULL,
    EFFORT,
    GROUP,
    NEED,
    NEEDED,
    SYNC,
    exchange,
    images,
    sealed,
)

ROOT = Path(__file__).resolve().parents[3]
REASONS = ("short", "version", "check", "type", "source", "exchange", "fragment", "length")


def engine(node, **options):
    return Engine(images(**options)[0][node])


# Frames


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc


def by_hand(ident, version, type, round, source, inference, gather, tile, index, slot, payload):
    """The same from doc/protocol.rst."""
    head = bytes([version << 4 | type, round << 4 | source])
    rest = inference.to_bytes(2, "little") + bytes([gather, tile, index, slot]) + payload
    names = ident.to_bytes(4, "little") + GROUP.to_bytes(4, "little")
    check = crc16(names + head + rest)
    return head + check.to_bytes(2, "little") + rest


def parsed(partition, data, group=GROUP):
    """The frame's header, or the name of the reason why it was refused."""
    frame = ffi.new("struct cats_frame *")
    buffer = ffi.new("uint8_t[]", bytes(data))
    error = lib.cats_frame_parse(
        partition, lib.cats_frame_key(partition, group), buffer, len(data), frame
    )
    assert error <= 0
    if error:
        return REASONS[-1 - error]
    assert frame.payload == buffer + 10 and frame.length == len(data) - 10
    return frame


def every_frame(receiver):
    """Arguments of ``sealed`` for every kind of frame that may reach a node."""
    for x in receiver.exchanges():
        for source in range(receiver.nodes):
            if source == receiver.node:
                continue
            sizes = [
                receiver.fragment_size(x, source, f) for f in range(receiver.fragments(x, source))
            ]
            for slot in range(1 + (x == (0, 0))):
                yield dict(type=SYNC, source=source, x=x, slot=slot)
                yield dict(type=SYNC, source=source, x=x, slot=slot, index=EFFORT)
            if x == (0, 0):
                yield dict(type=SYNC, source=source, x=x, index=DULL)
                yield dict(type=ASK, source=source, x=x)
                yield dict(type=ASK, source=source, x=x, index=1)
            for f, size in enumerate(sizes):
                yield dict(
                    type=DATA, source=source, x=x, index=f, slot=((f % 8) << 5) + source,
                    payload=bytes(size),
                )  # fmt: skip
            for round in (1, 2):
                common = dict(source=source, x=x, round=round)
                for flags in (0, EFFORT, NEEDED, NEEDED | EFFORT):
                    yield dict(type=NEED, index=flags + source, **common)
                for slot in (0, 7, 255):
                    size = lib.cats_coded_size(receiver.image, exchange(*x))
                    yield dict(
                        type=CODED, index=(round - 1) * EFFORT + 4, slot=slot, payload=bytes(size),
                        **common,
                    )  # fmt: skip


def test_frames_round_trip():
    receiver = engine(2)
    ident = int(receiver.header.model_id)
    count = 0
    for fields in every_frame(receiver):
        data = sealed(receiver.image, **fields)
        all_fields = {"round": 0, "index": 0, "slot": 0, "payload": b"", **fields}
        x = all_fields.pop("x")
        assert data == by_hand(ident, 4, inference=7, gather=x[0], tile=x[1], **all_fields)
        frame = parsed(receiver.image, data)
        assert not isinstance(frame, str), (fields, frame)
        assert (frame.type, frame.source, frame.round, frame.index, frame.slot) == tuple(
            all_fields[name] for name in ("type", "source", "round", "index", "slot")
        )
        assert (frame.x.gather, frame.x.tile, frame.inference) == (*x, 7)
        count += 1
    assert count > 500
    assert crc16(b"123456789") == 0x29B1  # the usual check of this CRC


def test_wrong_frames():
    """Each field beyond its range, with a right check, has its reason."""
    receiver = engine(2)
    ident, gathers = int(receiver.header.model_id), int(receiver.header.gathers)
    payload = bytes(receiver.fragment_size((1, 0), 1, 0))
    payload0 = bytes(receiver.fragment_size((0, 0), 1, 0))
    good = dict(version=4, type=DATA, round=0, source=1, inference=7, gather=1, tile=0, index=0,
                slot=0, payload=payload)  # fmt: skip
    need = good | dict(type=NEED, round=1, payload=b"")
    coded = good | dict(type=CODED, round=1)
    sync = good | dict(type=SYNC, payload=b"")
    ask = sync | dict(type=ASK, gather=0)
    beacon = ask | dict(type=BEACON, index=3, slot=2, payload=bytes(10))
    cases = [
        (good, None), (need, None), (coded, None), (sync, None), (ask, None), (beacon, None),
        (beacon | dict(gather=1), "exchange"), (beacon | dict(tile=1), "exchange"),
        (beacon | dict(round=1), "exchange"), (beacon | dict(index=4), "fragment"),
        (beacon | dict(slot=3), "fragment"), (beacon | dict(payload=bytes(9)), "length"),
        *((good | dict(version=v), "version") for v in (0, 1, 2, 3, 5, 15)),
        *((good | dict(type=t), "type") for t in range(6, 16)),
        (good | dict(source=2), "source"), *((good | dict(source=s), "source") for s in (5, 15)),
        (good | dict(gather=gathers), "exchange"), (good | dict(gather=255), "exchange"),
        (good | dict(tile=2), "exchange"), (good | dict(tile=255), "exchange"),
        (good | dict(round=1), "exchange"), (sync | dict(round=1), "exchange"),
        *((f | dict(round=r), "exchange") for f in (need, coded) for r in (0, 3, 15)),
        *((f | dict(round=2), None) for f in (need, coded)),
        (good | dict(index=receiver.fragments((1, 0), 1) - 1), None),
        (good | dict(index=receiver.fragments((1, 0), 1)), "fragment"),
        (good | dict(index=255), "fragment"),
        *((good | dict(slot=flags + 4), None) for flags in (0, EFFORT, DULL, DULL | EFFORT)),
        *((good | dict(slot=flags + 5), "fragment") for flags in (0, EFFORT, DULL, DULL | EFFORT)),
        (good | dict(slot=0x10), "fragment"),
        (good | dict(gather=0, slot=DULL, payload=payload0), None),
        *((need | dict(index=flags + 4), None) for flags in (0, EFFORT, NEEDED, NEEDED | EFFORT)),
        *((need | dict(index=flags + 5), "fragment") for flags in (0, EFFORT, NEEDED, 0xC0)),
        (need | dict(index=0x10), "fragment"), (need | dict(slot=1), "fragment"),
        (coded | dict(index=4), None), (coded | dict(index=EFFORT + 4), None),
        (coded | dict(index=5), "fragment"), (coded | dict(index=EFFORT + 5), "fragment"),
        (coded | dict(index=0x80), "fragment"), (coded | dict(index=0xC0), "fragment"),
        (coded | dict(slot=255), None), (sync | dict(slot=2), None),
        (sync | dict(slot=3), "fragment"),
        (sync | dict(index=EFFORT), None), (sync | dict(index=1), "fragment"),
        (sync | dict(gather=0, slot=2), None), (sync | dict(gather=0, slot=3), "fragment"),
        (sync | dict(gather=0, index=DULL | EFFORT), None), (sync | dict(index=DULL), "fragment"),
        (sync | dict(gather=0, index=DULL + 1), "fragment"),
        (ask | dict(index=1), None),
        (ask | dict(index=2), "fragment"), (ask | dict(slot=1), "fragment"),
        (ask | dict(gather=1), "exchange"), (ask | dict(tile=1), "exchange"),
        (ask | dict(round=1), "exchange"), (ask | dict(payload=b"x"), "length"),
        (good | dict(payload=payload + b"x"), "length"), (good | dict(payload=b""), "length"),
        (need | dict(payload=b"1"), "length"), (sync | dict(payload=b"x"), "length"),
        (coded | dict(payload=payload[1:]), None), (coded | dict(payload=b""), None),
    ]  # fmt: skip
    for fields, want in cases:
        got = parsed(receiver.image, by_hand(ident, **fields))
        assert (got if isinstance(got, str) else None) == want, fields
    data = by_hand(ident, **good)
    for length in range(len(data)):
        assert parsed(receiver.image, data[:length]) == ("short" if length < 10 else "check")
    assert parsed(receiver.image, data + bytes(300)) == "short"


def test_flags_of_repair():
    """Of fewer than two rounds none has many turns; without any nothing is repaired. Over ble each
    node has its own need slot. An exchange of two fragments is opened three times."""
    for rounds, name in itertools.product((0, 1, 2), ("ieee802154", "ble")):
        receiver = engine(2, rounds=rounds, radio=name)
        many = EFFORT if rounds == 2 else 0
        payload = bytes(receiver.fragment_size((1, 0), 1, 0))
        slots = 5 if name == "ble" else 1
        assert lib.cats_need_slots(receiver.image) == slots
        assert lib.cats_senses(receiver.image) == (slots == 1)
        for flag, why in ((many, None), (EFFORT, None if many else "fragment")):
            for type, fields in (
                (SYNC, dict(index=flag)), (DATA, dict(slot=flag, payload=payload)),
                (NEED, dict(index=flag + 1, round=1, slot=slots - 1)),
                (CODED, dict(index=flag + 1, round=1)),
            ):  # fmt: skip
                got = parsed(receiver.image, sealed(receiver.image, type, 1, (1, 0), **fields))
                want = "exchange" if "round" in fields and not rounds else why
                assert (got if isinstance(got, str) else None) == want
        late = sealed(receiver.image, NEED, 1, (1, 0), round=1, slot=slots)
        assert parsed(receiver.image, late) == ("fragment" if rounds else "exchange")
    config = ModelConfig(tokens_in=1, inputs=2, outputs=2, features=2, heads=2, hidden=2, blocks=1)
    split = SplitConfig.even(config, 2, "channels")
    model = random_model(1, config, split)
    for rounds in (0, 1):
        plan = make_plan(config, split, model.keep, rounds=rounds)
        receiver = Engine(image.pack(model, plan, 1, 1))
        for x in ((0, 0), (1, 0)):
            times = 3 if rounds else 1 + (x == (0, 0))
            total = lib.cats_slot_first(receiver.image, exchange(x[0]), 2)
            assert lib.cats_openings(receiver.image, exchange(x[0]), total) == times
            for slot in range(4):
                got = parsed(receiver.image, sealed(receiver.image, SYNC, 0, x, slot=slot))
                assert (got == "fragment") == (slot >= times)


def test_frames_of_who_has_nothing_to_say():
    """Of a source that sends nothing in a gather there are no data, but what it codes of others."""
    split = SplitConfig.even(CONFIG, 3, "single")
    model = random_model(1, CONFIG, split)
    plan = make_plan(CONFIG, split, model.keep, rounds=1)
    receiver = Engine(image.pack(model, plan, 1, 1))
    assert receiver.fragments((0, 0), 0) and not receiver.fragments((0, 0), 2)
    assert parsed(receiver.image, sealed(receiver.image, DATA, 2, (0, 0))) == "fragment"
    coded = parsed(receiver.image, sealed(receiver.image, CODED, 2, (0, 0), round=1))
    assert (coded.type, coded.source) == (CODED, 2)
    cx = ffi.new("struct cats_exchange *")[0]
    tile = lib.cats_fragment_place(receiver.image, cx, 0, 0)
    assert lib.cats_fragment_place(receiver.image, cx, 2, 0) == tile


def test_damage_and_foreigners_are_noticed():
    receiver = engine(2)
    rng = random.Random(1)
    own = int(receiver.header.model_id)
    others = [engine(2, ident=own + rng.randint(1, 0xFFFF)) for _ in range(10)]
    assert all(int(other.header.model_id) & 0xFFFF != own & 0xFFFF for other in others)
    some = itertools.islice(every_frame(receiver), 0, None, 7)
    for fields, other in zip(some, itertools.cycle(others)):
        data = sealed(receiver.image, **fields)
        bits = len(data) * 8
        for _ in range(50):
            damaged = bytearray(data)
            for bit in rng.sample(range(8, bits), rng.randint(1, 3)):
                damaged[bit // 8] ^= 1 << bit % 8
            assert parsed(receiver.image, damaged) == "check"
        assert parsed(receiver.image, data, GROUP + 1) == "check"
        assert parsed(other.image, data) == "check"
    images.cache_clear()


# Schedule


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(planned.plans(16, ("ieee802154", "ble", "nrf_radio+secure", "ble+secure")))
def test_schedule(shape):
    config, split, keep, plan = shape
    model = random_model(0, config, split, keep)
    node = Engine(image.pack(model, plan, split.nodes - 1, 1))
    order = list(node.exchanges())
    for i, j in itertools.product(range(0, len(order), 1 + len(order) // 20), repeat=2):
        pair = [ffi.new("struct cats_exchange *", x)[0] for x in (order[i], order[j])]
        assert lib.cats_exchange_before(node.image, *pair) == (i < j)
    longest, quiet, air = 0, 0, radio(plan.radio)
    for g, tile in order:
        gather = plan.gathers[g]
        x = ffi.new("struct cats_exchange *", (g, tile))[0]
        rows = gather.tile_height(tile)
        counts = [cut.fragments(rows) for cut in gather.sources]
        first = [lib.cats_slot_first(node.image, x, s) for s in range(split.nodes + 1)]
        assert first == [sum(counts[:s]) for s in range(split.nodes + 1)]
        data = lib.cats_data_us(node.image, x)
        turn, control, slot = gather.turn_us, gather.control_us, gather.slot_us
        opened = max(openings(gather, rows), 1 + ((g, tile) == (0, 0)))
        assert lib.cats_openings(node.image, x, sum(counts)) == opened
        assert data == opened * control + turn + sum(counts) * slot
        # Who sends first need not have heard the only opening: node 0 opens.
        leads_on = opened == 1 and counts[0] and not air.sealed
        spare = data - sum(counts) * slot - lib.cats_sync_us(node.image, x, 0, sum(counts))
        assert spare == (turn if leads_on else 0)
        assert lib.cats_sync_us(node.image, x, 1, sum(counts)) == data - sum(counts) * slot
        record = node.image.gathers + g
        needs = 1 if air.senses else split.nodes
        assert lib.cats_need_slots(node.image) == needs
        if sum(counts):
            assert lib.cats_coded_size(node.image, x) == repair_bytes(gather.sources, rows)
            first = opening_us(gather, air) if (g, tile) == (0, 0) else 0
            told = turn + (math.ceil(air.sense_us) if air.senses else needs * control)
            repair = told if gather.rounds else 0
            assert data - spare + repair == exchange_us(gather, rows, air) + first
        coded, each = slot + gather.coded_us, []
        gap = min(coded, 2 * turn) if needs == 1 else coded
        for round in range(1, gather.rounds + 1):
            turns = (1 if round == 1 else 2) * turn
            for s in range(needs):
                assert lib.cats_need_us(record, round, s) == turns + s * control
            assert lib.cats_round_us(node.image, record, round) == turns + needs * control + gap
            each.append(turns + needs * control + gap)
        longest_us = 0
        for effort in range(4):
            turns = turns_by_hand(sum(counts), split.nodes, gather.rounds, effort)
            assert turns == [
                lib.cats_repair_turns(node.image, record, sum(counts), effort, round)
                for round in range(1, gather.rounds + 1)
            ]
            for round in range(1, gather.rounds + 2):
                us = sum(counts) * slot + sum(
                    before + count * coded
                    for before, count in zip(each[: round - 1], turns, strict=False)
                )
                at = lib.cats_repair_us(node.image, record, sum(counts), effort, round)
                assert at == us
            longest_us = max(longest_us, us)
        opens = data - sum(counts) * slot
        assert lib.cats_exchange_us(node.image, x) == opens + longest_us
        on_air = split.nodes == 1 or g == 0 or sum(counts)
        first_round = turn + needs * control + gap
        quiet = (data + first_round if on_air else quiet) + gather.spacing_us
        longest = max(longest, quiet)
    assert lib.cats_silence_us(node.image) == 3 * longest


def turns_by_hand(fragments, nodes, rounds, effort):
    """Of each round: include/cats/gather.h, cats_repair_turns()."""
    least = max(effort, 1)
    most = 4 + least * (fragments - fragments // nodes) // 6
    few = 2 + fragments // 24
    first = few if effort == 0 and rounds > 1 else most
    last = least * 5 + fragments // (4 * nodes)
    return [first, most - first + last, 4 + fragments // 8][:rounds]


# GF(4)

internal = FFI()
internal.cdef("""
    struct cats_exchange { uint16_t gather; uint8_t tile, owner; };
    void cats_gf4_clear(uint8_t *y, uint32_t length);
    void cats_gf4_add(void *y, const void *x, uint32_t length);
    void cats_gf4_turn(uint8_t *y, uint32_t length);
    void cats_gf4_sum(const void *code, const uint32_t *factors, uint8_t *y, uint32_t length);
    void cats_exchange_enter(void *node, struct cats_exchange x);
    void cats_exchange_need(void *node);
    uint16_t cats_code_build(void *node, const void *frame, uint8_t *payload);
""")
#: What no public header declares.
inner = internal.dlopen(_cats.__file__)


def slow_multiply(a, b):
    """Polynomials over GF(2) modulo w w + w + 1."""
    product = (a if b & 1 else 0) ^ (a << 1 if b & 2 else 0)
    return product ^ 7 if product & 4 else product


def times(factor):
    """What a factor makes of each byte of four elements."""
    return bytes(
        sum(slow_multiply(factor, byte >> at & 3) << at for at in (0, 2, 4, 6))
        for byte in range(256)
    )


TIMES = [times(factor) for factor in range(4)]
INVERSE = [0, 1, 3, 2]


def add(a, b):
    """a + b, of the longer one's length."""
    size = max(len(a), len(b))
    return bytes(x ^ y for x, y in zip(a.ljust(size, b"\0"), b.ljust(size, b"\0"), strict=True))


def test_field():
    products = [[slow_multiply(a, b) for b in range(4)] for a in range(4)]
    assert products == [[0, 0, 0, 0], [0, 1, 2, 3], [0, 2, 3, 1], [0, 3, 1, 2]]
    assert all(slow_multiply(a, INVERSE[a]) == 1 for a in (1, 2, 3))
    every = bytearray(range(256))
    for power in (2, 3, 1):
        inner.cats_gf4_turn(internal.from_buffer("uint8_t[]", every), 256)
        assert every == TIMES[power]


def test_rows_of_the_field():
    """Every length and place that words of four, and blocks of sixteen, bytes may have."""
    rng = random.Random(4)
    for size, at, to in itertools.product((*range(40), 128, 245), (0, 1, 3), (0, 2)):
        x, y = rng.randbytes(size + 8), bytearray(rng.randbytes(size + 8))
        rows = internal.from_buffer("uint8_t[]", y) + at
        want = bytearray(y)
        want[at : at + size] = add(want[at : at + size], x[to : to + size])
        inner.cats_gf4_add(rows, internal.from_buffer(x) + to, size)
        assert y == want
        want[at : at + size] = want[at : at + size].translate(TIMES[2])
        inner.cats_gf4_turn(rows, size)
        assert y == want
        want[at : at + size] = bytes(size)
        inner.cats_gf4_clear(rows, size)
        assert y == want


def test_sums_of_the_field():
    """Of fragments of any sizes, to no more bytes than asked for."""
    rng = random.Random(5)
    code = ffi.new("struct cats_code *")
    for total in (1, 2, 15, 16, 17, 33, 95, 96):
        sizes = [rng.randint(1, 245) if total % 2 else rng.randint(1, 20) for _ in range(total)]
        content = [rng.randbytes(size) for size in sizes]
        kept = [ffi.new("uint8_t[]", data) for data in content]
        code.total = total
        for n in range(total):
            code.size[n], code.place[n] = sizes[n], kept[n]
        for length in (max(sizes), max(sizes) // 2, 1, min(sizes)):
            factors = [rng.randrange(4) for _ in range(total)]
            words = internal.new("uint32_t[6]")
            for n, factor in enumerate(factors):
                words[n // 16] |= factor << n % 16 * 2
            y = bytearray(rng.randbytes(length + 2))
            want = bytes(length)
            for factor, data in zip(factors, content, strict=True):
                want = add(want, data[:length].translate(TIMES[factor]))
            inner.cats_gf4_sum(code, words, internal.from_buffer("uint8_t[]", y), length)
            assert y[:length] == want


# Repair


def drawn(inference, x, round, slot, bitmap):
    """Factors of the fragments that stand in a bitmap, a list of truths, from doc/protocol.rst."""
    dense = len(bitmap) <= lib.CATS_DENSE_FRAGMENTS

    def step(random):
        random = (random * 1664525 + 1013904223) % 2**32
        return random ^ random >> 16

    number = step(inference) ^ x[0] << 8 ^ x[1]
    number = step(number) ^ round << 8 ^ (slot if dense else slot >> 1)
    factors = []
    for known in bitmap:
        number = step(number)
        takes = known and (dense or (number >> 31 ^ slot) & 1)
        factors.append(1 + ((number >> 16 & 0x7FFF) * 3 >> 15) if takes else 0)
    return factors


class Equations:
    """What follows from equations over fragments, by Gauss and Jordan."""

    def __init__(self, total):
        self.total, self.rows = total, {}  # by pivot

    def add(self, factors):
        """Whether it tells anything new."""
        row = list(factors)
        for pivot, other in self.rows.items():
            row = self._less(row, other, row[pivot])
        pivot = next((n for n, factor in enumerate(row) if factor), None)
        if pivot is None:
            return False
        row = [slow_multiply(INVERSE[row[pivot]], factor) for factor in row]
        self.rows = {p: self._less(other, row, other[pivot]) for p, other in self.rows.items()}
        self.rows[pivot] = row
        return True

    def add_fragment(self, n):
        return self.add([int(i == n) for i in range(self.total)])

    @staticmethod
    def _less(row, other, factor):
        if not factor:
            return row
        return [a ^ slow_multiply(factor, b) for a, b in zip(row, other, strict=True)]

    def known(self):
        found = [False] * self.total
        for pivot, row in self.rows.items():
            found[pivot] = sum(map(bool, row)) == 1
        return found


class Coding:
    """A node in an exchange that never ends, and what it must have of it."""

    #: CATS_CODE_COLUMNS
    COLUMNS = 64

    def __init__(self, partition, x, rng, made=True):
        self._memory = aligned(partition)
        self.image, self.x = ffi.new("struct cats_image *"), x
        assert lib.cats_image_verify(self._memory, len(partition), self.image) == 0
        size = self.image.header.arena_size
        self._arena, self.node = aligned(int(size)), ffi.new("struct cats_node *")
        self.arena = ffi.cast("uint8_t *", self._arena)
        ffi.buffer(self._arena)[:size] = rng.randbytes(size)
        config = {"image": self.image, "arena": self.arena, "arena_size": size, "group": GROUP}
        config = ffi.new("struct cats_node_config *", config)
        assert lib.cats_node_init(self.node, config, 0) == 0
        self.me, nodes = int(self.image.header.node), int(self.image.header.nodes)
        self.node.phase, self.node.number = lib.CATS_NODE_RUNNING, 7
        self.node.produced = made
        self.node.consumed = 1
        inner.cats_exchange_enter(self.node, {"gather": x[0], "tile": x[1], "owner": 0})
        self.cx = ffi.new("struct cats_exchange *", x)[0]
        counts = [lib.cats_fragment_count(self.image, self.cx, s) for s in range(nodes)]
        self.fragments = [(s, f) for s, count in enumerate(counts) for f in range(count)]
        self.sizes = [lib.cats_fragment_size(self.image, self.cx, *sf) for sf in self.fragments]
        self.total, self.width = len(self.fragments), max(self.sizes)
        self.own = {n for n, (s, _) in enumerate(self.fragments) if s == self.me}
        self.made, self.laid = made, False
        self.equations = Equations(self.total)
        for n in self.own if made else ():
            self.equations.add_fragment(n)
        self.stats = self.node.stats.gather[self.image.gathers[x[0]].kind]

    def own_bytes(self, f):
        size = ffi.new("uint16_t *")
        at = lib.cats_engine_fragment(ffi.addressof(self.node, "engine"), self.cx, f, size)
        return ffi.buffer(at, size[0])[:]

    def lacking(self):
        known = self.equations.known()
        return [n for n in range(self.total) if n not in self.own and not known[n]]

    def lay(self):
        """A round takes place; whether this node can code. Columns do not change once laid."""
        self.laid = self.laid or len(self.lacking()) <= self.COLUMNS
        return self.laid

    def has(self):
        """What a frame of it combines."""
        return self.equations.known()

    def coded(self, round, slot, truth):
        """A frame of it, checked against one made by hand; None where it has nothing."""
        inner.cats_exchange_need(self.node)
        frame = ffi.new("struct cats_frame *")
        frame.type, frame.source, frame.round, frame.inference = CODED, self.me, round, 7
        frame.x, frame.slot = self.cx, slot
        payload = ffi.new("uint8_t[255]", b"\xff" * 255)
        length = inner.cats_code_build(self.node, frame, payload)
        has = self.has()
        if not self.lay() or not any(has):
            assert length == 0
            return None
        data = bytes(
            sum(has[n] << n - at for n in range(at, min(at + 8, self.total)))
            for at in range(0, self.total, 8)
        )
        content = bytes(self.width)
        for n, factor in enumerate(drawn(7, self.x, round, slot, has)):
            content = add(content, truth[n].translate(TIMES[factor]))
        assert length == lib.cats_coded_size(self.image, self.cx)
        assert ffi.buffer(payload, length)[:] == data + content
        return data + content

    def hear(self, type, source, payload, index=0, round=0, slot=0):
        """A frame: what it has then, and what it counts."""
        data = sealed(self.image, type, source, self.x, payload=payload, index=index,
                      round=round, slot=slot)  # fmt: skip
        before = self.stats.heard, self.stats.repaired, self.stats.duplicates
        known = sum(self.equations.known())
        new = self.takes(type, source, payload, index, round, slot)
        assert lib.cats_node_receive(self.node, data, len(data), 1000, 1000) == 0
        heard, repaired = self.stats.heard - before[0], self.stats.repaired - before[1]
        found = sum(self.equations.known()) - known
        assert (heard, repaired) == ((found, 0) if type == DATA else (0, found))
        assert self.stats.duplicates - before[2] == (not new)
        return new

    def takes(self, type, source, payload, index, round, slot):
        if type == DATA:
            return self.equations.add_fragment(self.fragments.index((source, index)))
        if not self.lay():
            return False
        bytes_ = -(-self.total // 8)
        if len(payload) < bytes_ + self.width:
            return False
        bitmap = [payload[n // 8] >> n % 8 & 1 for n in range(self.total)]
        factors = drawn(7, self.x, round, slot, bitmap)
        if not self.made and any(factors[n] for n in self.own):
            return False
        return self.equations.add(factors)

    def check(self, truth):
        """It has what follows from what it heard, to the byte, and nothing else."""
        reception = self.node.reception[self.node.air]
        lacks = self.lacking()
        assert reception.lacking == len(lacks)
        for n, (s, f) in enumerate(self.fragments):
            if s != self.me:
                assert (reception.available.bits[s][f // 8] >> f % 8 & 1) == (n not in lacks)
            if s != self.me and n not in lacks:
                place = self.arena + lib.cats_fragment_place(self.image, self.cx, s, f)
                assert ffi.buffer(place, len(truth[n]))[:] == truth[n], (s, f)
        per = [sum(self.fragments[n][0] == s for n in lacks) for s in range(16)]
        assert list(reception.lack) == per


def coding(rng, nodes, x, payload, tile_rows=4, unmade=(), config=CONFIG, keep=1.0):
    """All nodes of an exchange, and its fragments' bytes."""
    split = SplitConfig.even(config, nodes, "channels")
    seed = rng.randrange(1000)
    columns = random_keep(seed, config, split, keep)
    model = random_model(1, config, split, columns)
    plan = make_plan(
        config, split, model.keep, rounds=3, payload=payload, tile_rows=tile_rows, interleave=False
    )
    some = [
        Coding(image.pack(model, plan, d, 99), x, rng, made=d not in unmade) for d in range(nodes)
    ]
    return some, [some[s].own_bytes(f) for s, f in some[0].fragments]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32), nodes=st.integers(2, 5),
    payload=st.sampled_from([9, 11, 14, 30, 90]),
    loss=st.floats(0, 1), keep=st.sampled_from([1.0, 0.7]), gather=st.integers(0, 10),
)  # fmt: skip
def test_any_node_restores_what_any_has(seed, nodes, payload, loss, keep, gather):
    """Random data are lost at each node; whoever has something codes it, data and coded frames come
    in any order and more than once, some are lost: each node has at each time what follows from
    what it heard, and in the end everything."""
    rng = random.Random(seed)
    unmade = {rng.randrange(nodes)} if rng.random() < 0.2 else ()
    try:
        some, truth = coding(rng, nodes, (gather, 0), payload, unmade=unmade, keep=keep)
    except CatsError:
        reject()
    assume(truth)
    events = []
    for n, (s, _) in enumerate(some[0].fragments):
        for node in some:
            if node.me != s and s not in unmade and rng.random() >= loss:
                late = rng.random() < 0.2
                events.append((late * rng.random(), node, n))
    turns = 12
    events += [(2 * rng.random() * (turn + 1) / turns, None, turn) for turn in range(turns)]
    for _, node, n in sorted(events, key=lambda event: event[0]):
        if node is not None:
            s, f = some[0].fragments[n]
            for _ in range(1 + (rng.random() < 0.1)):
                node.hear(DATA, s, truth[n], index=f)
        else:
            send(some, rng, rng.randrange(nodes), 1, n, truth, loss)
            node = rng.choice(some)
        node.check(truth)
    for turn in range(3 * len(truth) + 30):
        send(some, rng, turn % nodes, 2 + turn // 200, turn % 200, truth, 0.3)
    lacks = {n for n, (s, _) in enumerate(some[0].fragments) if s in unmade}
    for node in some:
        node.check(truth)
        assert set(node.lacking()) <= lacks or not node.laid
        assert any(len(node.lacking()) == len(lacks - node.own) for node in some) or not lacks


def send(some, rng, sender, round, slot, truth, loss):
    """A turn: what is sent reaches some of the others, now and then cut or twice."""
    payload = some[sender].coded(round, slot, truth)
    for node in some if payload else ():
        if node.me == sender or rng.random() < loss:
            continue
        if rng.random() < 0.05:
            assert not node.hear(CODED, sender, payload[:-1], round=round, slot=slot)
        node.hear(CODED, sender, payload, round=round, slot=slot)
        if rng.random() < 0.1:
            assert not node.hear(CODED, sender, payload, round=round, slot=slot)


def test_more_lack_than_there_are_columns():
    """Who lacks more than it can solve for takes and codes nothing, until data have come."""
    config = ModelConfig(
        tokens_in=6, inputs=8, outputs=8, features=192, heads=8, hidden=8, blocks=1
    )
    rng = random.Random(8)
    some, truth = coding(rng, 8, (1, 0), 24, tile_rows=6, config=config)
    me, sender = some[0], some[1]
    others = [n for n in range(me.total) if n not in me.own]
    assert me.total == 96 and len(others) == 84
    for node in some[1:]:
        for n, (s, f) in enumerate(node.fragments):
            if s != node.me:
                node.hear(DATA, s, truth[n], index=f)
    for heard in range(84 - 64 + 1):
        payload = sender.coded(1, heard, truth)
        assert me.hear(CODED, 1, payload, round=1, slot=heard) == (heard == 84 - 64)
        assert (me.coded(1, heard, truth) is None) == (heard < 84 - 64)
        assert me.node.code.columns == (64 if heard == 84 - 64 else 0)
        assert not sender.lacking() and sender.node.code.columns == 0
        n = others[heard]
        me.hear(DATA, me.fragments[n][0], truth[n], index=me.fragments[n][1])
        me.check(truth)
    for turn in range(90):
        me.hear(CODED, 1, sender.coded(2, turn, truth), round=2, slot=turn)
        me.check(truth)
    assert not me.lacking()


def test_an_own_fragment_that_is_not_made():
    """Nobody can have coded it: such a frame tells nothing, and damages nothing."""
    for made in (True, False):
        unmade = () if made else (2,)
        some, truth = coding(random.Random(9), 3, (1, 0), 10, tile_rows=7, unmade=unmade)
        me = some[2]
        bitmap = [1] * me.total
        content = bytes(me.width)
        factors = drawn(7, me.x, 1, 0, bitmap)
        assert any(factors[n] for n in me.own)
        for n, factor in enumerate(factors):
            content = add(content, truth[n].translate(TIMES[factor]))
        data = sum(bit << n for n, bit in enumerate(bitmap))
        data = data.to_bytes(-(-me.total // 8), "little")
        assert me.hear(CODED, 0, data + content, round=1) == made
        me.check(truth)
        assert (me.coded(1, 2, truth) is None) == (not made)


def test_bits_and_bytes_behind_the_end():
    """Of a frame that says that it combines more than there is, or that is longer, only what is
    there counts."""
    some, truth = coding(random.Random(10), 3, (1, 0), 12)
    me, other = some[2], some[1]
    for n, (s, f) in enumerate(me.fragments):
        if s != 1:
            other.hear(DATA, s, truth[n], index=f)
    unused = -me.total % 8
    assert unused
    payload = bytearray(other.coded(1, 0, truth))
    payload[me.total // 8] |= 0xFF << 8 - unused & 0xFF
    assert me.hear(CODED, 1, bytes(payload) + b"more", round=1)
    while me.lacking():
        slot = 1 + len(me.equations.rows)
        me.hear(CODED, 1, other.coded(1, slot, truth), round=1, slot=slot)
        me.check(truth)


@pytest.mark.parametrize(("fragments", "lack"), [(8, 3), (24, 8), (24, 16), (60, 8), (90, 12)])
def test_nearly_as_many_frames_as_fragments(fragments, lack):
    """How many frames of nodes that have everything a node needs more than it lacks fragments: a
    half, as of random equations of such factors, in whatever turns they come."""
    more = []
    for trial in range(400):
        equations, frames = Equations(fragments), 0
        for n in random.Random(trial).sample(range(fragments), fragments - lack):
            equations.add_fragment(n)
        while len(equations.rows) < fragments:
            equations.add(drawn(trial, (1, trial % 3), 1, frames, [True] * fragments))
            frames += 1
        more.append(frames - lack)
        for slot in (0, 2, 40):
            pair = [drawn(trial, (2, 0), 1, slot + i, [True] * fragments) for i in (0, 1)]
            taken = [[bool(factor) for factor in factors] for factors in pair]
            if fragments > lib.CATS_DENSE_FRAGMENTS:
                assert [a + b for a, b in zip(*taken, strict=True)] == [1] * fragments
            else:
                assert all(all(one) for one in taken)
    print(f"{fragments} fragments, {lack} lack: {sum(more) / len(more):.2f} frames more")
    assert sum(more) / len(more) < 0.6 and sum(count > 4 for count in more) <= 3


# Order


def test_calls_go_one_way(tmp_path):
    """A file calls only those above it in the list of node_internal.h."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc here")
    folder = ROOT / "subsys" / "cats" / "gather"
    text = (folder / "node_internal.h").read_text()
    floors = [
        re.findall(r"\w+\.c", line)
        for line in re.findall(r"^ \*\t(\S.*?)(?:  |$)", text, re.MULTILINE)
    ]
    assert sorted(sum(floors, [])) == sorted(f.name for f in folder.glob("*.c"))
    defined: dict[str, int] = {}
    wanted = []
    for floor, names in enumerate(floors):
        for name in names:
            out = tmp_path / f"{name}.o"
            command = [compiler, f"-I{ROOT / 'include'}", "-c", str(folder / name), "-o", str(out)]
            subprocess.run(command, check=True)
            listed = subprocess.run(["nm", str(out)], capture_output=True, text=True, check=True)
            defined |= dict.fromkeys(re.findall(r" T (cats_\w+)", listed.stdout), floor)
            wanted += [(floor, name, s) for s in re.findall(r"U (cats_\w+)", listed.stdout)]
    assert [(name, s) for floor, name, s in wanted if defined.get(s, -1) > floor] == []


# The device's compiler


def test_freestanding_and_small(tmp_path):
    compiler = shutil.which("arm-none-eabi-gcc")
    if compiler is None:
        pytest.skip("no arm-none-eabi-gcc here: apt-get install gcc-arm-none-eabi")
    joined = tmp_path / "gather.o"
    folder = ROOT / "subsys" / "cats" / "gather"
    # Linked where receivers go off (CONFIG_CATS_RECEIVER_OFF), nodes sleep or relay, for streams.
    paid = ("listen.c", "meeting.c", "sleep.c", "stream.c", "hop.c")
    sources = sorted(path for path in folder.glob("*.c") if path.name not in paid)
    flags = ["-mcpu=cortex-m4", "-mthumb", "-std=c11", "-ffreestanding", "-Os", "-Wall", "-Wextra",
             "-Werror", f"-I{ROOT / 'include'}", "-DCATS_NO_SLEEP", "-DCATS_NO_STREAM",
             "-DCATS_NO_HOPS"]  # fmt: skip
    subprocess.run(
        [compiler, *flags, "-nostdlib", "-r", "-o", str(joined), *map(str, sources)], check=True
    )
    symbols = subprocess.run(
        ["arm-none-eabi-nm", "-u", str(joined)], capture_output=True, text=True, check=True
    ).stdout.split()
    foreign = {s for s in symbols if s != "U" and not s.startswith("cats_")}
    assert foreign <= {"memcpy", "memset", "memmove"}
    sizes = subprocess.run(
        ["arm-none-eabi-size", str(joined)], capture_output=True, text=True, check=True
    ).stdout.splitlines()[1].split()  # fmt: skip
    text, data, bss = map(int, sizes[:3])
    assert data == bss == 0
    assert text <= 10.75 * 1024, f"{text} bytes of code"
    probe = tmp_path / "size.c"
    probe.write_text("#include <cats/node.h>\nchar size[sizeof(struct cats_node)];\n")
    subprocess.run([compiler, *flags, "-c", str(probe), "-o", str(tmp_path / "size.o")], check=True)
    listed = subprocess.run(
        ["arm-none-eabi-nm", "-S", str(tmp_path / "size.o")], capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip
    assert int(listed.split()[1], 16) <= 2560, "bytes of RAM of a node beside its arena"
