# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Partition images: the same structures in C and Python, contents, the C header, bad bytes."""

import dataclasses
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.deploy import c_header, image, image_reader
from cats.errors import CatsError
from cats.integer.random_models import random_inputs, random_keep, random_model, random_split
from cats.integer.reference import availability_from_fragments, run
from cats.plan.planner import make_plan
from cats.plan.predict import node_size
from cats.shape import image_layout as layout
from cats.shape.config import POOLS, ModelConfig, SplitConfig
from cats.shape.partition import Kind, full_keep, gather_kind, input_ranges, node_view, own_ranges
from cats.sim import engine
from planned import plans

INCLUDE = Path(__file__).parents[3] / "include"
CC, CXX = shutil.which("gcc") or shutil.which("cc"), shutil.which("g++")
needs_cc = pytest.mark.skipif(CC is None, reason="no C compiler")


def small(pool: str = "mean", nodes: int = 3, activation: str = "gelu", **options):
    """(model, plan, model id) of a deployment with odd sizes and a node without outputs."""
    config = ModelConfig(
        tokens_in=7, inputs=5, outputs=2, features=12, heads=4, hidden=10, blocks=2,
        pool=pool, activation=activation, causal=pool == "last",
    )  # fmt: skip
    split = SplitConfig.even(config, nodes)
    model = random_model(5, config, split, random_keep(5, config, split, 0.5))
    plan = make_plan(config, split, model.keep, **options)
    return model, plan, image.model_id(model, plan)


# Structures


@needs_cc
def test_structures_are_those_of_c(tmp_path: Path) -> None:
    lines = []
    for name, dtype in layout.STRUCTS.items():
        lines.append(f'printf("{name} %zu\\n", sizeof(struct {name}));')
        for field in dtype.names:
            lines.append(
                f'printf("{name}.{field} %zu %zu\\n", offsetof(struct {name}, {field}), '
                f"sizeof(((struct {name} *)0)->{field}));"
            )
    for name in ("CATS_IMAGE_MAGIC", "CATS_FORMAT_VERSION", "CATS_FLAG_CAUSAL", "CATS_FLAG_HELD"):
        lines.append(f'printf("{name} %lu\\n", (unsigned long){name});')
    for kind in Kind:
        lines.append(f'printf("kind {kind.name} %d\\n", CATS_GATHER_{kind.name});')
    for pool in POOLS:
        lines.append(f'printf("pool {pool} %d\\n", CATS_POOL_{pool.upper()});')
    source = tmp_path / "sizes.c"
    body = "\n".join(lines)
    source.write_text(
        f"#include <stdio.h>\n#include <cats/image.h>\nint main(void){{\n{body}\nreturn 0;}}\n"
    )
    program = tmp_path / "sizes"
    subprocess.run([CC, "-std=c11", "-I", INCLUDE, "-o", program, source], check=True)
    wanted = []
    for name, dtype in layout.STRUCTS.items():
        wanted.append(f"{name} {dtype.itemsize}")
        for field in dtype.names:
            part, offset = dtype.fields[field]
            wanted.append(f"{name}.{field} {offset} {part.itemsize}")
    wanted += [f"CATS_IMAGE_MAGIC {layout.MAGIC}", f"CATS_FORMAT_VERSION {layout.FORMAT_VERSION}"]
    wanted += [f"CATS_FLAG_CAUSAL {layout.FLAG_CAUSAL}", f"CATS_FLAG_HELD {layout.FLAG_HELD}"]
    wanted += [f"kind {kind.name} {int(kind)}" for kind in Kind]
    wanted += [f"pool {pool} {i}" for i, pool in enumerate(POOLS)]
    found = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    assert found.splitlines() == wanted


def test_every_field_of_the_c_structures_is_known() -> None:
    text = re.sub(r"/\*.*?\*/", "", (INCLUDE / "cats" / "image.h").read_text(), flags=re.S)
    for name, dtype in layout.STRUCTS.items():
        body = re.search(rf"struct {name} \{{(.*?)\n\}};", text, flags=re.S)[1]
        fields = re.findall(r"(\w+)(?:\[\d+\])?;", body)
        assert tuple(fields) == dtype.names


# Contents


@pytest.mark.parametrize("pool", POOLS)
def test_content(pool: str) -> None:
    model, plan, ident = small(pool)
    config, split = model.config, model.split
    for node in range(split.nodes):
        packed = image.pack(model, plan, node, ident)
        found = image_reader.parse(packed)
        assert len(packed) % 8 == 0 and found.header["image_size"] == len(packed)
        assert found.header["crc32"] == zlib.crc32(packed[16:])
        assert (found.header["node"], found.header["nodes"]) == (node, split.nodes)
        assert found.header["arena_size"] == plan.arenas[node].size
        assert found.model["own_heads"] == split.heads[node]
        assert found.model["first_head"] == sum(split.heads[:node])
        assert np.uint32(found.model["input_scale"]).view(np.float32) == np.float32(1 / 64)
        for name, offset in plan.arenas[node].offsets.items():
            assert found.model[f"arena_{name}"] == offset
        for g, row in enumerate(found.gathers):
            kind, block = gather_kind(config, g)
            begin, end = own_ranges(config, split, kind)[node]
            assert (row["kind"], row["block"]) == (int(kind), block)
            assert (row["rows"], row["row_begin"]) == (
                plan.gathers[g].rows, plan.gathers[g].row_begin)  # fmt: skip
            assert tuple(row["tile"]) == plan.arenas[node].tiles[g]
            assert tuple(row["outbox"]) == plan.arenas[node].outboxes[g]
            kept = found.arrays.get((g, "own_keep"), np.zeros(0, int)).tolist()
            assert kept == [c - begin for c in model.keep[g][node]]
            check_step(model, found, g, node)


def check_step(model, found: image_reader.Image, g: int, node: int) -> None:
    """Weights and tables of one gather, column by column from their definition."""
    config, split = model.config, model.split
    kind, _ = gather_kind(config, g)
    if kind == Kind.RESULT:
        assert found.gathers[g]["view"] == found.gathers[g]["weights"] == 0
        return
    step, row = model.steps[g], found.gathers[g]
    view = node_view(config, split, model.keep, g, node)
    assert (row["view"], row["stride"]) == (len(view), -(-len(view) // 4) * 4)
    f, e = config.features, config.head_width
    heads = range(sum(split.heads[:node]), sum(split.heads[: node + 1]))
    own = [h * e + i for h in heads for i in range(e)]
    columns = {
        Kind.ATTENTION: [
            part * f + h * e + i for h in heads for part in range(3) for i in range(e)
        ],
        Kind.FORWARD: list(range(*own_ranges(config, split, Kind.HIDDEN)[node])),
        Kind.OUTPUT: list(range(*own_ranges(config, split, Kind.RESULT)[node])),
    }.get(kind, own)
    assert row["products"] == len(columns)
    if columns:
        stored = found.arrays[g, "weights"]
        for o, column in enumerate(columns):
            line = [int(w) for w in step.product.weight[view, column]]
            line += [0] * (row["stride"] - len(line))
            order = [line[4 * (i // 4) + (0, 2, 1, 3)[i % 4]] for i in range(len(line))]
            assert stored[o].tolist() == order
            channel = found.arrays[g, "channels"][o]
            assert channel["bias"] == step.product.bias[column]
            assert channel["multiplier"] == step.product.multiplier[column]
        assert (found.weights(g) == step.product.weight[np.ix_(view, columns)].T).all()
    else:
        assert row["weights"] == row["channels"] == 0
    if step.norm is not None:
        assert found.arrays[g, "norm"]["gain"].tolist() == step.norm.gain[view].tolist()
        assert found.arrays[g, "norm"]["bias"].tolist() == step.norm.bias[view].tolist()
        assert row["norm_epsilon"] == step.norm.epsilon
    if kind == Kind.INPUT:
        assert (found.arrays[g, "table"] == step.table[:, own]).all()
    elif kind == Kind.FORWARD and step.table is not None:
        assert (found.arrays[g, "table"] == step.table).all()
    else:
        assert row["table"] == 0
    for name in ("send_multiplier", "send_shift", "score_multiplier", "value_multiplier",
                 "value_shift"):  # fmt: skip
        assert row[name] == getattr(step, name)


def test_model_id_names_everything() -> None:
    model, plan, ident = small()
    assert ident == image.model_id(*small()[:2]) != 0
    step = model.steps[1]
    weight = step.product.weight.copy()
    weight[0, 0] ^= 1
    product = dataclasses.replace(step.product, weight=weight)
    others = [
        (dataclasses.replace(model, steps=(
            model.steps[0], dataclasses.replace(step, product=product), *model.steps[2:])), plan),
        (dataclasses.replace(model, input_scale=0.5), plan),
        (dataclasses.replace(model, keep=full_keep(model.config, model.split)), plan),
        (model, dataclasses.replace(plan, rounds=2)),
        (model, make_plan(model.config, model.split, model.keep, tile_rows=1)),
    ]  # fmt: skip
    idents = [image.model_id(*other) for other in others]
    assert len({ident, *idents}) == len(others) + 1
    moved = dataclasses.replace(plan, arenas=plan.arenas[::-1])
    assert image.model_id(model, moved) == ident


def test_no_such_node() -> None:
    model, plan, ident = small()
    for node in (-1, 3):
        with pytest.raises(CatsError, match="nodes 0 to 2"):
            image.pack(model, plan, node, ident)


# The engine


@pytest.mark.no_cover
@settings(max_examples=60, deadline=None)
@given(plans(), st.integers(0, 2**16))
def test_the_engine_takes_every_plan(planned, seed: int) -> None:
    config, split, keep, plan = planned
    model = random_model(seed, config, split, keep)
    ident = image.model_id(model, plan)
    for node in range(split.nodes):
        packed = image.pack(model, plan, node, ident)
        assert engine.verify(packed)[0] == 0
        size = node_size(config, split, keep, plan, node)
        assert (size.image_bytes, size.arena_bytes) == (len(packed), plan.arenas[node].size)


@settings(max_examples=25, deadline=None)
@given(plans(nodes=6), st.integers(0, 2**16), st.sampled_from([0.0, 0.3, 1.0]))
def test_frames_that_come_early_harm_nothing(planned, seed: int, loss: float) -> None:
    """D engines in one process, each fragment of an exchange written to its place before the
    exchange in front of it is consumed: the most that the engine allows. Equal to the reference."""
    config, split, keep, plan = planned
    rng = np.random.default_rng(seed)
    model = random_model(seed, config, split, keep)
    ident = image.model_id(model, plan)
    nodes = [engine.Engine(image.pack(model, plan, d, ident)) for d in range(split.nodes)]
    data = random_inputs(seed, config)[0]
    ranges = input_ranges(split)
    for node, (begin, end) in zip(nodes, ranges, strict=True):
        node.begin(np.ascontiguousarray(data[:, begin:end]) if end > begin else None)
    order = list(nodes[0].exchanges())
    bits = [[None] * gather.tiles for gather in plan.gathers]

    def send(e: int) -> None:
        """Produce exchange e and write what arrives of it."""
        x = order[e]
        g, tile = x
        cuts = plan.gathers[g].sources
        rows = plan.gathers[g].tile_height(tile)
        arrived = [[rng.random(cut.fragments(rows)) >= loss for cut in cuts] for _ in nodes]
        bits[g][tile] = arrived
        for node in nodes:
            node.produce(x)
        sent = [[node.payload(x, f) for f in range(node.fragments(x, node.node))] for node in nodes]
        for d, node in enumerate(nodes):
            for s in range(split.nodes):
                for f in np.flatnonzero(arrived[d][s]) if s != d else ():
                    node.place(x, s, int(f), sent[s][f])

    ahead = False
    for e, (g, _) in enumerate(order):
        if not ahead:
            send(e)
        ahead = e + 1 < len(order) and order[e + 1][0] == g and plan.gathers[g].buffers == 2
        if ahead:
            send(e + 1)
        for node in nodes:
            node.consume(order[e])
    wanted = run(model, data, availability_from_fragments(model, plan, bits))
    for node, output in zip(nodes, wanted, strict=True):
        assert (node.output() == output).all()


# The C header


@needs_cc
@pytest.mark.parametrize("compiler", ["c11", "c++20"])
def test_header_has_the_bytes(compiler: str, tmp_path: Path) -> None:
    if compiler == "c++20" and CXX is None:
        pytest.skip("no C++ compiler")
    for i, (pool, nodes, activation, held) in enumerate(
        [("mean", 3, "gelu", None), ("class", 1, "relu", None), ("all", 4, "relu", True),
         ("last", 2, "gelu", False)]
    ):  # fmt: skip
        model, plan, ident = small(pool, nodes, activation, held=held)
        node = nodes - 1
        text = c_header.header(model, plan, node, ident)
        (tmp_path / "cats_partition.h").write_text(text)
        assert max(len(line.expandtabs(8)) for line in text.splitlines()) <= 100
        source = tmp_path / ("main.c" if compiler == "c11" else "main.cpp")
        source.write_text(
            '#include "cats_partition.h"\n#include <stdio.h>\n'
            "int main(void) {\n"
            f"if (CATS_PARTITION_NODE != {node} || CATS_PARTITION_NODES != {nodes} ||\n"
            f"CATS_PARTITION_MODEL_ID != {ident}u ||\n"
            f"CATS_PARTITION_ARENA_SIZE != {plan.arenas[node].size} ||\n"
            "(size_t)&cats_partition % CATS_IMAGE_ALIGN != 0) { return 1; }\n"
            "return fwrite(&cats_partition, 1, CATS_PARTITION_SIZE, stdout)"
            " != CATS_PARTITION_SIZE; }\n"
        )
        program = tmp_path / f"main{i}"
        command = [CC if compiler == "c11" else CXX, f"-std={compiler}", "-Wall", "-Wextra",
                   "-pedantic", "-Werror", "-I", INCLUDE, "-o", program, source]  # fmt: skip
        subprocess.run(command, check=True)
        found = subprocess.run([program], check=True, capture_output=True).stdout
        assert found == image.pack(model, plan, node, ident)


@needs_cc
def test_header_refuses_another_format(tmp_path: Path) -> None:
    model, plan, ident = small()
    (tmp_path / "cats_partition.h").write_text(c_header.header(model, plan, 0, ident))
    (tmp_path / "cats").mkdir()
    text = (INCLUDE / "cats" / "image.h").read_text()
    other = text.replace("#define CATS_FORMAT_VERSION ", "#define CATS_FORMAT_VERSION 1")
    assert other != text
    (tmp_path / "cats" / "image.h").write_text(other)
    (tmp_path / "main.c").write_text('#include "cats_partition.h"\n')
    command = [CC, "-std=c11", "-fsyntax-only", "-I", tmp_path, tmp_path / "main.c"]
    found = subprocess.run(command, capture_output=True, text=True)
    said = f"this partition has format {layout.FORMAT_VERSION}: export it again"
    assert found.returncode != 0 and said in found.stderr


def test_smallest_number_in_c() -> None:
    model, plan, ident = small()
    step = model.steps[1]
    bias = step.product.bias.copy()
    bias[0] = -(2**31)
    product = dataclasses.replace(step.product, bias=bias)
    steps = (model.steps[0], dataclasses.replace(step, product=product), *model.steps[2:])
    assert "(-2147483647 - 1)" in c_header.header(
        dataclasses.replace(model, steps=steps), plan, 0, ident
    )


# Bad bytes


def test_every_truncation_is_refused() -> None:
    model, plan, ident = small()
    packed = image.pack(model, plan, 1, ident)
    for length in range(0, len(packed), 7):
        with pytest.raises(CatsError, match="truncated"):
            image_reader.parse(packed[:length])
    assert image_reader.parse(packed + b"\xff" * 100).header["image_size"] == len(packed)


def test_every_flipped_byte_is_refused() -> None:
    model, plan, ident = small()
    packed = image.pack(model, plan, 1, ident)
    for place in range(len(packed)):
        bad = bytearray(packed)
        bad[place] ^= 0x40
        if place in range(6, 8):  # the header's size is not needed here
            continue
        with pytest.raises(CatsError, match=r"CATS|format|truncated|corrupt|invalid"):
            image_reader.parse(bytes(bad))


def test_other_formats_are_named() -> None:
    model, plan, ident = small()
    packed = bytearray(image.pack(model, plan, 1, ident))
    packed[4] = 9
    said = f"of format 9, this program reads format {layout.FORMAT_VERSION}: export again"
    with pytest.raises(CatsError, match=said):
        image_reader.parse(bytes(packed))


def test_offsets_outside_are_refused() -> None:
    model, plan, ident = small()
    good = image.pack(model, plan, 1, ident)
    table = image_reader.parse(good).header["gather_table"]
    for g in (0, 1, 3):
        for field in ("weights", "channels", "norm", "table", "own_keep"):
            at = table + g * layout.GATHER.itemsize + layout.GATHER.fields[field][1]
            if not int.from_bytes(good[at : at + 4], "little"):
                continue
            for value in (len(good) - 2, 2**32 - 4, 3):
                bad = bytearray(good)
                bad[at : at + 4] = value.to_bytes(4, "little")
                bad[12:16] = zlib.crc32(bad[16:]).to_bytes(4, "little")
                with pytest.raises(CatsError, match=f"{field} of gather {g} lies outside"):
                    image_reader.parse(bytes(bad))


def test_random_split_packs_and_parses() -> None:
    config = ModelConfig(tokens_in=5, inputs=9, outputs=3, features=24, heads=8, hidden=19)
    for seed in range(6):
        split = random_split(seed, config, 5)
        model = random_model(seed, config, split)
        plan = make_plan(config, split, model.keep)
        for node in range(5):
            found = image_reader.parse(image.pack(model, plan, node, 7))
            assert found.model["own_inputs"] == split.inputs[node]
            assert found.sources["columns"][0].tolist() == list(split.inputs)


def test_the_page_has_every_field() -> None:
    """doc/partition-format.rst names offset and type of every field."""
    page = (INCLUDE.parent / "doc" / "partition-format.rst").read_text()
    names = {"|u1": "u8", "<u2": "u16", "<u4": "u32", "<i2": "i16", "<i4": "i32"}
    tables = re.findall(r"^at +type +field .*\n[= ]+\n((?:\d.*\n)+)", page, flags=re.M)
    assert len(tables) == len(layout.STRUCTS)
    for dtype, table in zip(layout.STRUCTS.values(), tables, strict=True):
        wanted = []
        for field in dtype.names:
            part, offset = dtype.fields[field][:2]
            count = f"[{part.shape[0]}]" if part.shape else ""
            wanted.append([str(offset), names[part.base.str] + count, field])
        assert [line.split()[:3] for line in table.splitlines()] == wanted
    for dtype in layout.STRUCTS.values():
        assert re.search(rf"^{dtype.itemsize} bytes", page, flags=re.M)
