# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""SomeGather's parts: frames, schedule, coded repair. doc/protocol.rst."""

import dataclasses
import itertools
import random
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import planned
from cats.deploy import image
from cats.integer.random_models import random_model
from cats.plan.plan import counts_bytes, exchange_us
from cats.plan.planner import make_plan
from cats.shape.config import SplitConfig
from cats.sim._native import ffi, lib
from cats.sim.engine import Engine
from driven import ASK, BEACON, CODED, CONFIG, DATA, GRANT, GROUP, REPORT, SYNC, images, sealed

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
                yield dict(type=SYNC, source=source, x=x, slot=slot, index=3)
            if x == (0, 0):
                yield dict(type=SYNC, source=source, x=x, index=0x82)
                yield dict(type=ASK, source=source, x=x)
                yield dict(type=ASK, source=source, x=x, index=1)
            for f, size in enumerate(sizes):
                yield dict(type=DATA, source=source, x=x, index=f, slot=source, payload=bytes(size))
            if sizes:
                yield dict(
                    type=DATA, source=source, x=x, index=len(sizes) + 2, slot=0x30 + source,
                    payload=bytes(sizes[0]),
                )  # fmt: skip
            for round in (1, 2):
                common = dict(source=source, x=x, round=round)
                counts = bytes(counts_bytes(receiver.nodes))
                yield dict(type=REPORT, slot=3, index=4, payload=counts, **common)
                for then in range(3):
                    yield dict(type=GRANT, slot=1, index=then, payload=counts, **common)
                for last in (0, 0x40) if sizes else ():
                    yield dict(
                        type=CODED, index=last + (round - 1) * 16 + 14, slot=74,
                        payload=bytes(sizes[0]), **common,
                    )  # fmt: skip


def test_frames_round_trip():
    receiver = engine(2)
    ident = int(receiver.header.model_id)
    count = 0
    for fields in every_frame(receiver):
        data = sealed(receiver.image, **fields)
        all_fields = {"round": 0, "index": 0, "slot": 0, "payload": b"", **fields}
        x = all_fields.pop("x")
        assert data == by_hand(ident, 3, inference=7, gather=x[0], tile=x[1], **all_fields)
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
    good = dict(version=3, type=DATA, round=0, source=1, inference=7, gather=1, tile=0, index=0,
                slot=0, payload=payload)  # fmt: skip
    counts = bytes(counts_bytes(5))
    report = good | dict(type=REPORT, round=1, payload=counts)
    coded = good | dict(type=CODED, round=1)
    sync = good | dict(type=SYNC, payload=b"")
    ask = sync | dict(type=ASK, gather=0)
    beacon = ask | dict(type=BEACON, index=3, slot=2, payload=bytes(10))
    cases = [
        (good, None), (report, None), (coded, None), (sync, None), (ask, None), (beacon, None),
        (beacon | dict(gather=1), "exchange"), (beacon | dict(tile=1), "exchange"),
        (beacon | dict(round=1), "exchange"), (beacon | dict(index=4), "fragment"),
        (beacon | dict(slot=3), "fragment"), (beacon | dict(payload=bytes(9)), "length"),
        *((good | dict(version=v), "version") for v in (0, 1, 2, 4)),
        *((good | dict(type=t), "type") for t in range(7, 16)),
        (good | dict(source=2), "source"), *((good | dict(source=s), "source") for s in (5, 15)),
        (good | dict(gather=gathers), "exchange"), (good | dict(gather=255), "exchange"),
        (good | dict(tile=2), "exchange"), (good | dict(tile=255), "exchange"),
        (good | dict(round=1), "exchange"), (report | dict(round=0), "exchange"),
        (report | dict(round=3), "exchange"), (report | dict(round=15), "exchange"),
        (coded | dict(round=3, index=32), "exchange"), (sync | dict(round=1), "exchange"),
        (good | dict(index=receiver.fragments((1, 0), 1)), "fragment"),
        (good | dict(index=255), "fragment"), (good | dict(slot=5), "fragment"),
        (report | dict(slot=4), "fragment"), (report | dict(index=5), "fragment"),
        (report | dict(type=GRANT, slot=2), "fragment"),
        (report | dict(type=GRANT, index=3), "fragment"),
        (coded | dict(index=0x40), None), (coded | dict(index=0x80), "fragment"),
        (good | dict(slot=0x34), None), (good | dict(slot=0x40), "fragment"),
        (good | dict(gather=0, slot=0x40, payload=payload0), "fragment"),
        (good | dict(slot=0x80), None), (good | dict(slot=0xC0), "fragment"),
        (good | dict(gather=0, slot=0x80, payload=payload0), None),
        (good | dict(slot=0x85), "fragment"),
        (good | dict(slot=0x15), "fragment"),
        (good | dict(index=receiver.fragments((1, 0), 1), slot=0x11), None),
        (good | dict(index=receiver.fragments((1, 0), 1) + 1, slot=0x11), "fragment"),
        (coded | dict(index=15), "fragment"), (coded | dict(index=16), "fragment"),
        (coded | dict(slot=75), "fragment"), (sync | dict(slot=1), "fragment"),
        (sync | dict(index=3), None), (sync | dict(index=4), "fragment"),
        (sync | dict(gather=0, slot=2), "fragment"),
        (sync | dict(gather=0, index=0x83), None), (sync | dict(index=0x83), "fragment"),
        (sync | dict(gather=0, index=0x84), "fragment"), (sync | dict(index=0x43), "fragment"),
        (ask, None), (ask | dict(index=2), "fragment"), (ask | dict(slot=1), "fragment"),
        (ask | dict(gather=1), "exchange"), (ask | dict(tile=1), "exchange"),
        (ask | dict(round=1), "exchange"), (ask | dict(payload=b"x"), "length"),
        (good | dict(payload=payload + b"x"), "length"), (good | dict(payload=b""), "length"),
        (report | dict(payload=b"12"), "length"), (sync | dict(payload=b"x"), "length"),
        (coded | dict(payload=payload[1:]), "length"),
    ]  # fmt: skip
    for fields, want in cases:
        got = parsed(receiver.image, by_hand(ident, **fields))
        assert (got if isinstance(got, str) else None) == want, fields
    data = by_hand(ident, **good)
    for length in range(len(data)):
        assert parsed(receiver.image, data[:length]) == ("short" if length < 10 else "check")
    assert parsed(receiver.image, data + bytes(300)) == "short"


def test_frames_of_who_has_nothing_to_say():
    """Data of a source that sends nothing in a gather."""
    split = SplitConfig.even(CONFIG, 3, "single")
    model = random_model(1, CONFIG, split)
    plan = make_plan(CONFIG, split, model.keep, rounds=1)
    receiver = Engine(image.pack(model, plan, 1, 1))
    assert receiver.fragments((0, 0), 0) and not receiver.fragments((0, 0), 2)
    for type, fields in ((DATA, {}), (CODED, dict(round=1))):
        data = sealed(receiver.image, type, 2, (0, 0), **fields)
        assert parsed(receiver.image, data) == "fragment"
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


def test_counts():
    for nodes in (1, 2, 5):
        receiver = engine(0, nodes=nodes)
        counts = ffi.new("uint8_t[16]", [15, 1, 0, 7, 9] + [0] * 11)
        payload = bytearray(lib.cats_counts_size(receiver.image))
        assert len(payload) == counts_bytes(nodes)
        lib.cats_counts_pack(receiver.image, counts, ffi.from_buffer("uint8_t[]", payload))
        x = ffi.new("struct cats_exchange *", {"gather": 1})[0]
        most = [lib.cats_fragment_count(receiver.image, x, s) for s in range(nodes)]
        assert max(most) > 0 or nodes == 1
        for spare in (0, 1):
            merged = ffi.new("uint8_t[16]", [1] * 5)
            lib.cats_counts_merge(receiver.image, x, bytes(payload), spare, merged)
            held = [min(counts[s], most[s] + spare) if most[s] else 0 for s in range(nodes)]
            assert list(merged)[:5] == [max(c, 1) for c in held] + [1] * (5 - nodes)


# Schedule


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(planned.plans(16))
def test_schedule(shape):
    config, split, keep, plan = shape
    model = random_model(0, config, split, keep)
    node = Engine(image.pack(model, plan, split.nodes - 1, 1))
    order = list(node.exchanges())
    for i, j in itertools.product(range(0, len(order), 1 + len(order) // 20), repeat=2):
        pair = [ffi.new("struct cats_exchange *", x)[0] for x in (order[i], order[j])]
        assert lib.cats_exchange_before(node.image, *pair) == (i < j)
    longest = quiet = 0
    for g, tile in order:
        gather = plan.gathers[g]
        x = ffi.new("struct cats_exchange *", (g, tile))[0]
        rows = gather.tile_height(tile)
        counts = [cut.fragments(rows) for cut in gather.sources]
        first = [lib.cats_slot_first(node.image, x, s) for s in range(split.nodes + 1)]
        assert first == [sum(counts[:s]) for s in range(split.nodes + 1)]
        again = gather.control_us if (g, tile) == (0, 0) else 0
        data = lib.cats_data_us(node.image, x)
        if sum(counts):
            repair = split.nodes * gather.control_us + 3 * gather.turn_us if gather.rounds else 0
            assert data + repair == exchange_us(gather, rows) + again
        rounds = lib.cats_round_us(node.image, x)
        if split.nodes > 1:
            assert rounds == (split.nodes + 1) * gather.control_us + 4 * gather.turn_us
        coded = split.nodes * (15 + 3) * gather.slot_us
        assert lib.cats_exchange_us(node.image, x) == data + gather.rounds * (rounds + coded)
        on_air = split.nodes == 1 or g == 0 or sum(counts)
        quiet = (data + rounds if on_air else quiet) + gather.spacing_us
        longest = max(longest, quiet)
    assert lib.cats_silence_us(node.image) == 3 * longest


# GF(256)


def slow_multiply(a, b):
    product = 0
    for bit in range(8):
        product ^= (a << bit) * (b >> bit & 1)
    for bit in range(14, 7, -1):
        product ^= (0x11D << bit - 8) * (product >> bit & 1)
    return product


def test_field():
    for a in range(256):
        for b in range(256):
            assert lib.cats_gf_multiply(a, b) == slow_multiply(a, b)
        if a:
            assert slow_multiply(a, lib.cats_gf_invert(a)) == 1
    assert lib.cats_gf_invert(0) == 0


def test_rows_of_the_field():
    """Every product, and every length and place that words of four bytes may have."""
    rng = random.Random(256)
    for factor in range(256):
        times = bytes(lib.cats_gf_multiply(factor, a) for a in range(256))
        for size in (256, rng.randrange(13), rng.randrange(256)):
            x, y = rng.sample(range(256), size), bytearray(rng.randbytes(size + 8))
            at = rng.randrange(4)
            want = bytearray(y)
            want[at : at + size] = (v ^ times[u] for u, v in zip(x, y[at:], strict=False))
            rows = ffi.from_buffer("uint8_t[]", y) + at
            lib.cats_gf_add(rows, bytes(x), factor, size)
            assert y == want
            want[at : at + size] = want[at : at + size].translate(times)
            lib.cats_gf_scale(rows, factor, size)
            assert y == want


# Repair


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), payload=st.sampled_from([2, 3, 7, 20]))
def test_any_coded_frames_restore_as_many_fragments(seed, payload):
    """Of every source any fragments are missing, and any coded frames come in any order."""
    rng = random.Random(seed)
    nodes = 3
    split = SplitConfig.even(CONFIG, nodes, "channels")
    model = random_model(1, CONFIG, split)
    plan = make_plan(CONFIG, split, model.keep, rounds=3, payload=payload, tile_rows=7)
    partitions = [image.pack(model, plan, d, 99) for d in range(nodes)]
    engines = [Engine(p) for p in partitions]
    x = rng.choice([(0, 0), (1, 0), (3, 0)])  # what needs no computing before
    cx = ffi.new("struct cats_exchange *", x)[0]
    inputs = np.random.RandomState(seed % 2**32)
    for node in engines:
        own = (int(node.model.tokens_in), int(node.model.own_inputs))
        node.begin(inputs.randint(-128, 128, own).astype(np.int8))
        memory = ffi.buffer(node._bytes, node.arena_size)
        if x != (0, 0):
            memory[:] = inputs.bytes(node.arena_size)
        node.produce(x)
    me = engines[1]
    arena = ffi.new("uint8_t[]", me.arena_size)
    state = ffi.new("struct cats_reception *")
    lib.cats_reception_begin(me.image, state, cx)
    frame = ffi.new("struct cats_frame *", {"x": cx})
    want_lost = want_repaired = 0
    want = {}
    for s in (0, 2):
        count = me.fragments(x, s)
        want |= {(s, f): engines[s].payload(x, f) for f in range(count)}
        missing = rng.sample(range(count), rng.randint(0, min(count, 12)))
        held = max(0, len(missing) - rng.choice([0, 0, 0, 1]))
        events = [(DATA, f) for f in range(count) if f not in missing]
        indices = [16 * r + i for r in range(3) for i in range(15)]
        events += [(CODED, index) for index in rng.sample(indices, held)]
        rng.shuffle(events)
        early = []
        for type, index in events:
            if type == DATA:
                data = want[s, index]
            else:
                coded = bytearray(lib.cats_coded_size(me.image, cx, s))
                lib.cats_code_own(engines[s]._engine, cx, index,
                                  ffi.from_buffer("uint8_t[]", coded))  # fmt: skip
                data = bytes(coded)
            buffer = ffi.new("uint8_t[]", data)
            frame.type, frame.source, frame.index = type, s, index
            frame.payload, frame.length = buffer, len(data)
            take = lib.cats_reception_data if type == DATA else lib.cats_reception_coded
            early.append(take(me.image, state, arena, frame))
            assert not take(me.image, state, arena, frame)  # once is enough
        lack = state.lack[s]
        # A fragment that arrives where a coded frame stood takes that frame's place.
        if lack == 0:
            want_repaired += sum(1 for i in range(state.held_count) if state.held[i].source == s)
        else:
            arrived = sum(1 for type, _ in events if type == DATA)
            want_lost += count - arrived
    repaired = ffi.new("uint16_t *")
    assert state.lacking == sum(state.lack[s] for s in (0, 2))
    assert lib.cats_reception_finish(state, repaired) == want_lost
    assert repaired[0] == want_repaired
    lib.cats_reception_solve(me.image, state, arena)
    for (s, f), data in want.items():
        if state.available.bits[s][f // 8] >> f % 8 & 1:
            place = lib.cats_fragment_place(me.image, cx, s, f)
            assert ffi.buffer(arena + place, len(data))[:] == data, (s, f)
    frame.type, frame.index, frame.source = DATA, 0, 0
    assert not lib.cats_reception_data(me.image, state, arena, frame)  # it is final


def test_no_more_coded_frames_than_have_a_place():
    config = dataclasses.replace(CONFIG, features=40)
    split = SplitConfig.even(config, 5, "channels")
    model = random_model(1, config, split)
    plan = make_plan(config, split, model.keep, rounds=3, payload=2, tile_rows=7)
    me = Engine(image.pack(model, plan, 0, 1))
    arena = ffi.new("uint8_t[]", me.arena_size)
    state = ffi.new("struct cats_reception *")
    x = ffi.new("struct cats_exchange *", {"gather": 1})[0]
    lib.cats_reception_begin(me.image, state, x)
    assert state.lacking > 64
    taken = 0
    for source, index in itertools.product(range(1, 5), range(31)):
        payload = ffi.new("uint8_t[]", lib.cats_coded_size(me.image, x, source))
        fields = dict(type=CODED, source=source, index=16 * (index // 15) + index % 15, x=x,
                      payload=payload, length=len(payload))  # fmt: skip
        frame = ffi.new("struct cats_frame *", fields)
        taken += lib.cats_reception_coded(me.image, state, arena, frame)
    assert taken == state.held_count == 64


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
    paid = ("listen.c", "meeting.c", "sleep.c", "stream.c", "hop.c", "hop_send.c")
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
    assert text <= 10.5 * 1024, f"{text} bytes of code"
    probe = tmp_path / "size.c"
    probe.write_text("#include <cats/node.h>\nchar size[sizeof(struct cats_node)];\n")
    subprocess.run([compiler, *flags, "-c", str(probe), "-o", str(tmp_path / "size.o")], check=True)
    listed = subprocess.run(
        ["arm-none-eabi-nm", "-S", str(tmp_path / "size.o")], capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip
    assert int(listed.split()[1], 16) <= 2048, "bytes of RAM of a node beside its arena"
