# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Rows of tokens that their owners send, with embeddings of each block: in C as in the reference,
to the bit; few nodes compute, all store."""

import dataclasses
import itertools
import shutil

import numpy as np
import pytest

from cats.deploy import c_header, image, image_reader
from cats.errors import CatsError
from cats.integer import llama, reference
from cats.integer.llama import NO_TOKEN, LlamaSteps
from cats.integer.llama_stream import gathers_of, stream_of, window_of
from cats.integer.random_llama import random_config, random_llama
from cats.integer.random_models import random_keep
from cats.integer.sampling import sampling
from cats.native import lib
from cats.plan import predict
from cats.plan.planner import make_plan
from cats.shape import image_layout as layout
from cats.shape.config import REPLICATED, ModelConfig, SplitConfig, share_out
from cats.shape.partition import full_keep, input_ranges, row_source
from cats.sim.compare_steps import check_steps, comparable
from cats.sim.engine import Engine, verify
from cats.sim.faults import Event, Faults
from cats.sim.simulate import Prompt, Settings, simulate
from compiled_header import compiled
from damaged import verdict, verdicts
from driven import DATA, SYNC, Driven
from lockstep import engines_of, lockstep


def dealt(config, computing, storing, rng):
    """So many nodes that compute, in any places among others that have rows alone."""
    nodes = computing + storing
    shares = rng.permutation([1] * computing + [0] * storing).tolist()
    split = SplitConfig.by_shares(config, shares, "channels", "even")
    if rng.integers(2):
        return split.with_rows(config)
    tokens = share_out(config.inputs, rng.integers(0, 3, nodes) + 1e-9)
    return dataclasses.replace(split, inputs=tokens)


def random_stream(seed, once=False):
    """(stream, plan) of a random model with rows, which stand ``once``, with the outputs of these
    tokens: not at nodes that do not hear all columns of OUTPUT."""
    rng = np.random.default_rng(seed)
    config = random_config(seed, bool(rng.integers(2)), not once and bool(rng.integers(4)))
    config = dataclasses.replace(config, tied=config.tied or once)
    computing = 1 + int(rng.integers(min(4, config.hidden)))
    split = dealt(config, computing, int(rng.integers(17 - computing)), rng)
    split = dataclasses.replace(split, outputs=split.inputs) if once else split
    wide, wild = rng.integers(2, size=2).astype(bool).tolist()
    four_bits = rng.choice((0.0, 0.5)) if not once else 0.0
    keep = random_keep(seed, config, split, 0.7) if once and rng.integers(2) else None
    model = random_llama(seed, config, split, keep, wide, wild, four_bits)
    legal = REPLICATED[:2] if config.parallel_blocks else REPLICATED
    replicate = str(rng.choice(legal)) if keep is None else ""
    stream = stream_of(model, int(rng.choice((0, 2))), True, replicate)
    payload = int(rng.choice((0, 9, 40))) or None
    return stream, make_plan(stream.config, split, stream.keep, payload=payload)


def owner_of(split, token):
    return next((d for d, (a, b) in enumerate(input_ranges(split)) if a <= token < b), 0)


def row_bits(stream, plan, bits, owner, loss, rng):
    """Which fragments of the row arrive: into ``bits`` of gather INPUT; as bool [1, D, bytes]."""
    nodes, cut = stream.split.nodes, plan.gathers[0].sources[row_source(stream.split)]
    has = np.zeros((1, nodes, stream.config.row_bytes), bool)
    for receiver in range(nodes):
        arrived = rng.random(cut.fragments(1)) >= loss
        bits[0][0][receiver][owner] = arrived
        for f in np.flatnonzero(arrived):
            begin, end = cut.region(f, 1)[2:]
            has[0, receiver, begin:end] = receiver != owner
    return has


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("loss", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("once", [False, True])
def test_steps(seed, loss, once):
    """Rows and columns are lost; some nodes know no token, and go by what they hear."""
    rng = np.random.default_rng([seed, int(10 * loss)])
    stream, plan = random_stream(int(rng.integers(2**31)), once)
    split, nodes = stream.split, stream.split.nodes
    engines, steps = engines_of(stream, plan), LlamaSteps(window_of(stream))
    for position in range(stream.config.context + 2):
        token = int(rng.integers(-1, stream.config.inputs))
        owner = owner_of(split, token) if token >= 0 else 0
        bits = reference.random_fragments(stream, plan, loss, rng)
        arrived = reference.availability_from_fragments(stream, plan, bits)
        row = row_bits(stream, plan, bits, owner, loss, rng)
        taken = np.where(rng.random(nodes) < loss / 2, NO_TOKEN, token)
        taken[owner] = token
        for engine in engines:
            engine.seek(position, position > 0)
        given_ = [np.array([t], "<i8").astype("<u4").view(np.int8)[None] for t in taken]
        outputs = lockstep(stream, plan, engines, given_, bits, owner=owner)
        has = reference.Availability((row, *arrived.gathers[1:]))
        sent = np.full((1, nodes, 1), token)
        want = steps.step(taken[None, :, None], has, sent=sent)[0]
        for d in range(nodes):
            np.testing.assert_array_equal(outputs[d], want[d], f"{position} {d}")


CONFIG = ModelConfig(
    8, 30, 30, features=24, heads=6, hidden=17, blocks=2, causal=True, activation="silu",
    pool="all", norm="rms", position="rotary", feed_forward="gated", kv_heads=3, bias=False,
    layer_tables=True, vocabulary=True,
)  # fmt: skip


def deployment(
    shares=(1, 1, 0, 1, 0), candidates=3, parallel=True, inputs=None, once=False, replicate="",
    **options,
):  # fmt: skip
    """Of ``CONFIG``, or of one that is tied in place of its tables, whose rows stand ``once``."""
    config = dataclasses.replace(CONFIG, parallel_blocks=parallel, tied=once, layer_tables=not once)
    split = SplitConfig.by_shares(config, shares, "channels", "even").with_rows(config)
    inputs = inputs or split.inputs
    split = dataclasses.replace(split, inputs=inputs, outputs=inputs if once else split.outputs)
    stream = stream_of(random_llama(5, config, split), candidates, True, replicate)
    model = gathers_of(stream)
    return model, make_plan(model.config, split, model.keep, **options)


def write(model, plan, steps, prompts, faults=None, seed=1):
    how = Settings(compute="plan")
    result = simulate(model, plan, steps, faults or Faults(), seed, how, prompts=prompts)
    assert result.hung is None
    assert not check_steps(model, plan, None, result)
    return result


@pytest.mark.parametrize("radio", ["nrf_radio", "ieee802154+secure"])
@pytest.mark.parametrize("shares", [(1,), (1, 1, 0, 1, 0), (0, 1, 0, 0), (1, 0) * 8])
@pytest.mark.parametrize(
    ("once", "parallel", "replicate"),
    [(False, True, ""), (False, True, "residual"), (False, False, "feed_forward"),
     (True, True, ""), (True, False, "residual")],
)  # fmt: skip
def test_nodes_write(shares, radio, once, parallel, replicate):
    """A text is the reference's, whoever has the rows; of 16 nodes too, also where node 0 only
    stores."""
    model, plan = deployment(shares, parallel=parallel, once=once, radio=radio, replicate=replicate)
    first = Prompt((3, 1, 4, 1, 5, 29, 0), 12, len(shares) - 1, 900, 3, 77)
    result = write(model, plan, 19, {0: first})
    assert result.delivered == 1  # whoever has a row sends it in time
    assert result.done.all()
    how = sampling(model.output_scale, 0.9, 3, 77)
    want = itertools.islice(llama.write(window_of(model.llama), first.tokens, how), 12)
    assert (result.tokens == np.array([*first.tokens, *want])[:, None]).all()


@pytest.mark.parametrize("rounds", [0, 1, 2])
@pytest.mark.parametrize(
    ("parallel", "replicate"), [(True, ""), (True, "residual"), *((False, r) for r in REPLICATED)]
)
def test_rows_are_lost(rounds, parallel, replicate):
    """Also when it restarts, a node computes what the reference does with what it heard."""
    model, plan = deployment(
        parallel=parallel, replicate=replicate, radio="nrf_radio", rounds=rounds, payload=30
    )
    events, known = [Event(2, False, 40_000), Event(2, True, 60_000)], 0
    for seed in range(6):
        faults = Faults(loss=0.1 + 0.1 * (seed % 2), events=events)
        result = write(model, plan, 60, {0: Prompt((3, 1, 4), 55, 1, 900, 3, 7)}, faults, seed)
        known += comparable(model.config, result).sum()
        assert result.done.mean() > 0.7
    assert known > 60


@pytest.mark.parametrize("tables", [False, True])
def test_what_an_image_holds(tables):
    """Whole rows of own tokens, of all blocks; sources of all are alike; sizes as planned."""
    config = dataclasses.replace(CONFIG, layer_tables=tables)
    split = SplitConfig.by_shares(config, (1, 1, 0, 1, 0), "channels", "even").with_rows(config)
    stream = stream_of(random_llama(5, config, split), 3, True)
    plan, parts = make_plan(stream.config, split, stream.keep), 1 + 2 * tables
    assert stream.config.row_bytes == parts * 28
    for d, (begin, end) in enumerate(input_ranges(split)):
        packed = image.pack(stream, plan, d, 1)
        found = image_reader.parse(packed)
        assert found.model["flags"] & layout.FLAG_ROWS
        assert found.llama["multipliers"] == parts
        assert found.sources[0]["columns"].tolist() == list(split.inputs)
        sends = (found.sources[0]["width"] == parts * 28).tolist()
        assert sends == [count > 0 for count in split.inputs]
        if end > begin:
            rows = found.arrays[-5, "rows"].reshape(end - begin, parts, 28)
            np.testing.assert_array_equal(rows[:, 0, 4:].view(np.int8), stream.rows[begin:end])
            first = rows[:, 0, :4].copy().view("<i4")[:, 0]
            np.testing.assert_array_equal(first, stream.multiplier[begin:end])
        if tables and end > begin:
            of = np.moveaxis(stream.tables[:, begin:end], 0, 1)
            np.testing.assert_array_equal(rows[:, 1:, 4:].view(np.int8), of)
        size = predict.node_size(stream.config, split, stream.keep, plan, d)
        assert (size.image_bytes, size.arena_bytes) == (len(packed), plan.arenas[d].size)
        assert Engine(packed).arena_size == plan.arenas[d].size


@pytest.mark.parametrize("keep_all", [True, False])
def test_a_tied_matrix_stands_once(keep_all):
    """Rows and outputs are dealt together; rows are read out of weights where those have all
    columns, and stand beside them where OUTPUT leaves some out."""
    config = dataclasses.replace(CONFIG, layer_tables=False, tied=True)
    split = SplitConfig.by_shares(config, (1, 1, 0, 1, 0), "channels", "even").with_rows(config)
    assert split.outputs == split.inputs == (0, 0, 15, 0, 15)
    tokens = (4, 4, 9, 4, 9)
    split = dataclasses.replace(split, inputs=tokens, outputs=tokens)
    keep = full_keep(config, split)
    if not keep_all:
        keep[-2][1] = keep[-2][1][:-1]
    stream = stream_of(random_llama(5, config, split, keep), 3, True)
    plan = make_plan(stream.config, split, stream.keep)
    for d, (begin, end) in enumerate(input_ranges(split)):
        packed = image.pack(stream, plan, d, 1)
        found = image_reader.parse(packed)
        once = keep_all or d == 1  # who has all of its own columns
        assert (found.llama["rows"] == 0) == once
        assert ((-5, "rows") in found.arrays) == (not once)
        if once:
            weights = found.arrays[len(plan.gathers) - 2, "weights"].reshape(end - begin, 6, 4)
            rows = weights[:, :, [0, 2, 1, 3]].reshape(end - begin, 24)
            np.testing.assert_array_equal(rows, stream.rows[begin:end])
            multipliers = found.arrays[len(plan.gathers) - 2, "channels"]["multiplier"]
            np.testing.assert_array_equal(multipliers, stream.multiplier[begin:end])
        size = predict.node_size(stream.config, split, stream.keep, plan, d)
        assert size.image_bytes == len(packed)


def test_rows_are_read_out_of_weights_that_are_theirs():
    """An image without rows is refused where its outputs are not those of its tokens, of all
    columns and eight bits."""
    model, plan = deployment(inputs=(6,) * 5, once=True)
    data = image.pack(model, plan, 1, 1)
    found = image_reader.parse(data)
    assert verify(data)[0] == lib.CATS_IMAGE_OK
    assert found.llama["rows"] == 0
    record, at = found.gathers[0]["table"], found.header["gather_table"]
    output = at + (len(found.gathers) - 2) * layout.GATHER.itemsize
    flags, source = found.model["flags"], found.header["source_table"]
    for where, record_at, name, *values in (
        (layout.LLAMA, record, "multipliers", 0, 2, 3),
        (layout.MODEL, found.header["model"], "own_outputs", 0, 5, 7),
        (layout.MODEL, found.header["model"], "first_output", 5, 7),
        (layout.GATHER, output, "view", 20, 23, 25),
        (layout.GATHER, output, "weights", 0, 2),
        (layout.GATHER, output, "channels", 0, 2),
        (layout.SOURCE, source, "columns", 5, 7),
        (layout.SOURCE, source + layout.SOURCE.itemsize, "columns", 5, 7),
        (layout.MODEL, found.header["model"], "flags", flags ^ layout.FLAG_ROWS),
    ):
        found_ = verdicts(data, where, record_at, name, *values)
        assert found_ == dict.fromkeys(values, lib.CATS_IMAGE_INVALID), name
    apart, _ = deployment(inputs=(6,) * 5, once=True)
    split = dataclasses.replace(model.split, outputs=(5, 7, 6, 6, 6))
    other = dataclasses.replace(apart.llama, split=split)
    there = image.pack(other, make_plan(other.config, split, other.keep), 1, 1)
    parsed = image_reader.parse(there)
    assert parsed.llama["rows"] != 0  # tokens 6 to 11, outputs 5 to 11
    refused = verdicts(there, layout.LLAMA, parsed.gathers[0]["table"], "rows", 0)
    assert refused == {0: lib.CATS_IMAGE_INVALID}


@pytest.mark.parametrize("node", [1, 4])
def test_damaged_images_are_refused(node):
    """Of a node that computes, and of one that has tokens alone."""
    model, plan = deployment(inputs=(6,) * 5)
    data = image.pack(model, plan, node, 1)
    found = image_reader.parse(data)
    end, size = found.header["image_size"], found.header["arena_size"]
    table, invalid = found.header["gather_table"], lib.CATS_IMAGE_INVALID

    def refuses(record, at, name, *values):
        assert verdicts(data, record, at, name, *values) == dict.fromkeys(values, invalid), name

    assert verify(data)[0] == lib.CATS_IMAGE_OK
    record, flags = found.gathers[0]["table"], found.model["flags"]
    refuses(layout.LLAMA, record, "rows", 0, 2, 40, end, end - 2, end - 80, 2**32 - 4)
    refuses(layout.LLAMA, record, "multipliers", 0, 2, 4, 2**32 - 1, 2**16)
    refuses(layout.LLAMA, record, "exponents", *((44,) if node == 4 else (0, 2, end)))
    refuses(layout.MODEL, found.header["model"], "flags", flags ^ layout.FLAG_ROWS,
            flags ^ layout.FLAG_LLAMA, flags ^ layout.FLAG_STREAM)  # fmt: skip
    refuses(layout.MODEL, found.header["model"], "own_outputs", 0, 31, 65535)
    refuses(layout.MODEL, found.header["model"], "own_hidden", 18, 65535)
    refuses(layout.MODEL, found.header["model"], "inputs", 0, 29, 31)
    refuses(layout.GATHER, table, "own_keep", 44)
    refuses(layout.GATHER, table, "view", 4)
    refuses(layout.GATHER, table, "products", 1)
    place = layout.GATHER.fields["tile"][1]
    for offset in (size, size - 80, 2):
        both = offset << 32 | offset
        assert verdict(data, table + place, both, 8) == invalid
    source = found.header["source_table"]
    for d in (0, 4):
        at = source + d * layout.SOURCE.itemsize
        refuses(layout.SOURCE, at, "width", 0, 83, 85)
        refuses(layout.SOURCE, at, "segment_width", 0, 42, 85, 65535)
        refuses(layout.SOURCE, at, "segments", 0, 2, 255)
        refuses(layout.SOURCE, at, "fragment_rows", 0, 2)
        refuses(layout.SOURCE, at, "columns", 0, 5, 7, 65535)
    for bad in (0, 2**31):
        assert verdict(data, found.llama["rows"], bad) == invalid
        assert verdict(data, found.llama["rows"] + 28, bad) == invalid


def test_frames_of_rows_are_checked():
    """Whose row it is stands in each frame of INPUT; nobody else sends in it."""
    model, plan = deployment(inputs=(6,) * 5)
    ident = image.model_id(model, plan)
    made = [image.pack(model, plan, d, ident) for d in range(5)], plan
    for owner, source, why in ((2, 2, None), (2, 3, "fragment"), (5, 3, "exchange")):
        node = Driven(1, made=made)
        assert node.hear(node.silence, SYNC, 0, (0, 0, min(owner, 4))) is None
        node.until(node.now + 1500)
        assert node.hear(node.now, DATA, source, (0, 0, owner)) == why


def test_what_has_no_rows():
    config = dataclasses.replace(CONFIG, layer_tables=False)
    split = SplitConfig.by_shares(config, (1, 0), "channels")
    with pytest.raises(CatsError, match="unless it has rows of tokens"):
        stream_of(random_llama(1, config, split))
    with pytest.raises(CatsError, match="no vocabulary"):
        ModelConfig(4, 3, 3, token_rows=True).check()
    filled = SplitConfig.by_shares(CONFIG, (1, 1, 0, 0), "channels").with_rows(CONFIG)
    assert filled.outputs == (8, 8, 7, 7)
    assert filled.inputs == (0, 0, 15, 15)
    filled.check(CONFIG)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc here")
@pytest.mark.parametrize("replicate", REPLICATED)
@pytest.mark.parametrize("once", [False, True])
def test_header_has_the_bytes(tmp_path, once, replicate):
    model, plan = deployment(parallel=False, once=once, replicate=replicate)
    found = compiled(c_header.header(model, plan, 2, 7), tmp_path)
    assert found == image.pack(model, plan, 2, 7)
