# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The DEPLOY folder: a quantised model cut into one partition a node.

::

    DEPLOY/plan.json                   everything for people and programs: shape, plan, sizes, air
    DEPLOY/integer.json, .safetensors  the quantised model as a whole (cats.integer.model), or
    DEPLOY/llama.json, .safetensors    one of the Llama family (cats.integer.llama_files)
    DEPLOY/node_03/cats_partition.h    node 3's partition as a C header
    DEPLOY/node_03/cats_partition.bin  the same bytes for a flash partition
    DEPLOY/node_03/cats_partition.hex  the same at a flash address, where one was given
    DEPLOY/node_03/cats_partition.signed.bin  the same with a signature behind, by ``cats sign``
    DEPLOY/cats_log_mel.h              of a model of speech: what its features are made by
    DEPLOY/tokenizer.bin, .json        of a language model: its tokenizer, where that is a file
    DEPLOY/cats_tokenizer.h               the tokenizer's tables for a node (cats.deploy.tokenizer)

The same model, options and version give the same bytes. What is replaced is replaced whole or not
at all; files of others in the folder stay.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

import cats
from cats import schema
from cats.deploy import c_header, image, image_reader
from cats.deploy import tokenizer as tokenizers
from cats.errors import CatsError
from cats.files import FolderKind
from cats.integer import llama_files
from cats.integer import model as integer
from cats.integer.llama_model import LLAMA_ONLY, LlamaModel, check_llama
from cats.integer.llama_stream import Gathers, gathers_of, stream_of, window_of
from cats.integer.model import IntegerModel
from cats.plan.boards import board_named
from cats.plan.plan import Plan, plan_from_json, plan_to_json
from cats.plan.planner import PlanOptions, make_plan, options_from_json
from cats.plan.predict import air_json, node_size, parameters, single_device
from cats.plan.radio import RADIOS
from cats.plan.streaming import beside_window, table_beside
from cats.report import table
from cats.shape import image_layout as layout
from cats.shape.config import to_json
from cats.shape.links import Links, as_tuples, check_links
from cats.shape.metadata import from_json as metadata_from_json
from cats.shape.metadata import to_json as metadata_to_json
from cats.shape.partition import hidden_width, residual_width
from cats.tasks import log_mel
from cats.tasks.text_tokens import Vocabulary
from cats.tasks.tokenizers import TokenizerFile

#: Version of the DEPLOY folder.
DEPLOY_FORMAT = 1
PLAN, WHAT = "plan.json", "a plan (plan.json of cats export)"
FORMATS = ("header", "image", "both")
#: Candidates for the next token that a node of a language model tells, unless said otherwise.
CANDIDATES = 8
HEADER, BINARY, HEX = "cats_partition.h", "cats_partition.bin", "cats_partition.hex"
SIGNED = "cats_partition.signed.bin"
#: A DEPLOY folder: what is the program's in it.
FOLDER = FolderKind(
    "a deployment",
    (
        PLAN,
        integer.INTEGER_JSON,
        integer.INTEGER_TENSORS,
        llama_files.LLAMA_JSON,
        llama_files.LLAMA_TENSORS,
        "node_[0-9][0-9]/cats_partition.*",
        log_mel.HEADER,
        *tokenizers.FILES,
    ),
    {PLAN: "model_id"},
)


def node_folder(node: int) -> str:
    """Name of a node's folder."""
    return f"node_{node:02d}"


# Contents


def describe(
    model: IntegerModel,
    plan: Plan,
    *,
    options: PlanOptions | None = None,
    run: Mapping[str, Any] | None = None,
    formats: str = "both",
    tokenizer: TokenizerFile | Vocabulary | None = None,
) -> dict:
    """Content of plan.json. ``options`` are what the plan was made by, used again to say what the
    other radios would need; ``run`` says where the model comes from."""
    config, split, keep = model.config, model.split, model.keep
    options = options or options_from_json({}, plan)
    ident = image.model_id(model, plan)
    sizes = [node_size(config, split, keep, plan, d) for d in range(split.nodes)]
    alone, alone_us = single_device(config)
    nodes = []
    for d, size in enumerate(sizes):
        packed = image.pack(model, plan, d, ident)
        nodes.append(
            {
                "node": d,
                "folder": node_folder(d),
                "heads": split.heads[d],
                "features": residual_width(config, split, d),
                "hidden": hidden_width(config, split, d),
                "inputs": split.inputs[d],
                "outputs": split.outputs[d],
                "image_bytes": len(packed),
                "weight_bytes": size.weight_bytes,
                "arena_bytes": size.arena_bytes,
                "arena_lower_bound": size.arena_lower_bound,
                "image_sha256": hashlib.sha256(packed).hexdigest(),
            }
        )
    return {
        "format": DEPLOY_FORMAT,
        "image_format": layout.FORMAT_VERSION,
        "cats": cats.__version__,
        "model_id": f"{ident:08x}",
        "radio": plan.radio,
        "rounds": plan.rounds,
        "options": to_json(options),
        "formats": formats,
        "run": dict(run or {}),
        "metadata": None if model.metadata is None else metadata_to_json(model.metadata),
        **({} if tokenizer is None else {tokenizers.KEY: tokenizers.described(tokenizer)}),
        "model": to_json(config),
        "parameters": parameters(config, split),
        "split": to_json(split),
        "input_scale": model.input_scale,
        "output_scale": model.output_scale,
        "nodes": nodes,
        "single_device": {
            "image_bytes": alone.image_bytes,
            "weight_bytes": alone.weight_bytes,
            "arena_bytes": alone.arena_bytes,
            "inference_us": alone_us,
        },
        "air": _air(model, plan, options),
        "fastest": _fastest(model, plan, options),
        **({"stream": _beside(model, plan, options)} if config.has_window else {}),
        "plan": plan_to_json(plan),
        "keep": [[list(columns) for columns in sources] for sources in keep],
    }


def _air(model: IntegerModel, plan: Plan, options: PlanOptions) -> dict[str, dict]:
    """Air of each radio: of the plan's own as planned, of the others as they would be planned."""
    config, split, keep = model.config, model.split, model.keep
    found = {}
    for name in dict.fromkeys([*RADIOS, plan.radio]):
        other = plan
        if name != plan.radio:
            try:
                other = options.on(name).plan(config, split, keep)
            except CatsError:
                continue
        found[name] = {
            "planned": name == plan.radio,
            "arena_bytes": max(arena.size for arena in other.arenas),
            **air_json(config, split, keep, other),
        }
    return found


def _beside(model: IntegerModel, plan: Plan, options: PlanOptions) -> dict:
    """A step beside the whole window, for the plan's radio on the board that plans are made for."""
    return beside_window(
        model.config, model.split, model.keep, board_named("nrf52840"), plan.radio, plan.rounds,
        options, plan,
    )  # fmt: skip


def _fastest(model: IntegerModel, plan: Plan, options: PlanOptions) -> dict[str, int]:
    """The plan for the same radio that takes the least time, whatever RAM that needs."""
    config, split, keep = model.config, model.split, model.keep
    common: dict = {"radio": plan.radio, "rounds": plan.rounds, "payload": plan.payload}
    common |= {"links": options.links, "hops": options.hops}
    other = make_plan(config, split, keep, slack=0.0, **common)
    figures = air_json(config, split, keep, other)
    return {
        "arena_bytes": max(arena.size for arena in other.arenas),
        **{key: figures[key] for key in ("time_on_air_us", "slots_us", "inference_us")},
    }


def partition_files(
    model: IntegerModel, plan: Plan, formats: str, flash_address: int | None = None
) -> dict[str, bytes]:
    """{path in DEPLOY: content} of all nodes' partitions and of what stands beside them."""
    ident = image.model_id(model, plan)
    files: dict[str, bytes] = {}
    if (features := log_mel.shape_of(model.metadata)) is not None:
        files[log_mel.HEADER] = log_mel.c_header(features).encode()
    for d in range(model.split.nodes):
        packed = image.pack(model, plan, d, ident)
        if formats in ("header", "both"):
            files[f"{node_folder(d)}/{HEADER}"] = c_header.header(model, plan, d, ident).encode()
        if formats in ("image", "both"):
            files[f"{node_folder(d)}/{BINARY}"] = packed
        if flash_address is not None:
            files[f"{node_folder(d)}/{HEX}"] = intel_hex(packed, flash_address)
    return files


def intel_hex(data: bytes, address: int) -> bytes:
    """``data`` at a flash address as Intel HEX."""
    from intelhex import IntelHex

    if address % layout.IMAGE_ALIGN or not 0 <= address <= 2**32 - len(data):
        raise CatsError(
            f"flash address {address:#x}: a multiple of {layout.IMAGE_ALIGN} below 2^32 is needed"
        )
    memory = IntelHex()
    memory.puts(address, data)
    text = io.StringIO()
    memory.write_hex_file(text, eolstyle="native")
    return text.getvalue().encode()


def dump(data: dict) -> str:
    """JSON for people: one line for each innermost list, so that plans can be compared."""

    def write(value: Any, indent: str) -> str:
        inner = indent + " "
        if isinstance(value, dict) and value:
            lines = [f"{inner}{json.dumps(k)}: {write(v, inner)}" for k, v in value.items()]
            return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
        if isinstance(value, (list, tuple)) and _nested(value):
            lines = [inner + write(v, inner) for v in value]
            return "[\n" + ",\n".join(lines) + f"\n{indent}]"
        return json.dumps(value, allow_nan=False)

    return write(data, "") + "\n"


def _nested(value: Sequence) -> bool:
    """Whether a list is worth a line for each entry."""
    return any(isinstance(v, dict) or (isinstance(v, (list, tuple)) and len(v) > 6) for v in value)


# Folders


def check_free(out: Path, force: bool) -> None:
    """Raise CatsError unless ``out`` may be written: new, empty, or a deployment and ``force``."""
    FOLDER.check(out, force, "choose another folder, or replace it with --force")


def whole_files(model: IntegerModel) -> dict[str, bytes]:
    """The files of the quantised model as a whole."""
    if isinstance(model, Gathers):
        return llama_files.to_files(window_of(model.llama))
    return integer.to_files(model)


def read_whole(path: Path) -> IntegerModel:
    """Inverse of ``whole_files``, from a DEPLOY folder."""
    if any((path / name).exists() for name in (llama_files.LLAMA_JSON, llama_files.LLAMA_TENSORS)):
        return gathers_of(stream_of(llama_files.load(path)))
    return integer.load(path)


def exported(
    path: Path,
) -> tuple[IntegerModel, dict, TokenizerFile | Vocabulary | None]:
    """What ``export`` takes to make a deployment anew: its integers, its plan.json, its tokenizer;
    also where images have another format than when it was made."""
    meta = schema.load(path / PLAN, dict[str, Any], WHAT, again="export again")
    schema.convert(meta, DeployFile, path / PLAN, again="export again")
    return read_whole(path), meta, tokenizers.kept(path, meta)


def as_stream(
    model: IntegerModel | LlamaModel,
    candidates: int | None = None,
    token_rows: bool = False,
    replicate: str = "",
) -> IntegerModel:
    """What ``export`` writes of a model: one of the Llama family as a stream, others as they are.
    CatsError where it cannot be written with these options."""
    if isinstance(model, LlamaModel):
        check_llama(model)
        count = CANDIDATES if candidates is None else candidates
        return gathers_of(stream_of(model, count, token_rows, replicate))
    if isinstance(model, Gathers) and candidates is None and not token_rows:
        window = window_of(model.llama)
        check_llama(window)
        return gathers_of(stream_of(window, replicate=replicate)) if replicate else model
    if candidates is not None or token_rows or replicate:
        raise CatsError(f"candidates, rows of tokens and what is replicated are {LLAMA_ONLY}")
    integer.check_integer(model)
    return model


def export(
    model: IntegerModel | LlamaModel,
    out: Path | str,
    *,
    formats: str = "both",
    flash_address: int | None = None,
    run: Mapping[str, Any] | None = None,
    force: bool = False,
    tokenizer: TokenizerFile | Vocabulary | None = None,
    candidates: int | None = None,
    token_rows: bool = False,
    replicate: str = "",
    **options: Any,
) -> dict:
    """Plan a model (``options`` are PlanOptions'), pack it, write DEPLOY; returns plan.json. One of
    the Llama family as a stream, of which each node tells so many ``candidates`` for the next token
    (None: CANDIDATES, 0: all its outputs); with ``token_rows``, or embeddings of each block, the
    owner of a token sends its row; what to ``replicate`` (REPLICATED, NOTHING; "":
    as the model says) each node computes all of. ``tokenizer`` is a language model's, but where its
    metadata has the names of all tokens."""
    out = Path(out)
    if formats not in FORMATS:
        raise CatsError(f"format is {formats!r}: one of {', '.join(FORMATS)}")
    check_free(out, force)
    model = as_stream(model, candidates, token_rows, replicate)
    if options.get("links") is not None:
        options["links"] = as_tuples(check_links(options["links"], model.split.nodes))
    chosen = PlanOptions(**options)
    plan = chosen.plan(model.config, model.split, model.keep)
    meta = describe(
        model, plan, options=chosen, run=run, formats=formats, tokenizer=tokenizer
    )  # fmt: skip
    files = partition_files(model, plan, formats, flash_address)
    if tokenizer is not None:
        files |= tokenizers.files_of(tokenizer)
    FOLDER.write(out, {PLAN: dump(meta).encode(), **whole_files(model), **files})
    return meta


class Source(msgspec.Struct):
    """Where a model comes from: a task, and the options that rebuild it."""

    task: str = ""
    task_options: dict[str, Any] | None = None


class PlannedNode(msgspec.Struct):
    """What a node was planned to need."""

    node: int
    image_bytes: int
    arena_bytes: int


class PlanFile(msgspec.Struct):
    """What programs beside the package's own read of ``plan.json``."""

    nodes: list[PlannedNode]
    model_id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{1,8}$")] = "0"
    radio: str = ""


class DeployFile(PlanFile, kw_only=True):
    """What ``load_deploy`` reads of it, beside the plan."""

    formats: Literal["header", "image", "both"]
    plan: dict[str, Any]
    run: Source = msgspec.field(default_factory=Source)


def load_plan(path: Path | str) -> PlanFile:
    """``plan.json`` of a deployment, or of the folder that it is; CatsError where it is none."""
    path = Path(path)
    file = path / PLAN if path.is_dir() else path
    return schema.load(file, PlanFile, WHAT, yaml=False, again="export again")


def load_deploy(path: Path | str) -> tuple[IntegerModel, Plan, dict, tuple[bytes, ...]]:
    """(model, plan, plan.json, each node's image); CatsError where the folder is missing, partial,
    damaged, of another version, or mixed from several exports."""
    path = Path(path)
    if not path.is_dir():
        raise CatsError(f"{path} is no DEPLOY folder: make one with 'cats export RUN -o {path}'")
    if not (path / PLAN).exists():
        whose = "export again" if FOLDER.files(path) else "it was not made by 'cats export'"
        raise CatsError(f"{path} holds no {PLAN}: {whose}")
    meta = schema.load(path / PLAN, dict[str, Any], WHAT, again="export again")
    for name, wanted in (("format", DEPLOY_FORMAT), ("image_format", layout.FORMAT_VERSION)):
        if meta.get(name) != wanted:
            raise CatsError(
                f"{path / PLAN} has {name.replace('_', ' ')} {meta.get(name)}, this version reads "
                f"{wanted}: export again"
            )
    file = schema.convert(meta, DeployFile, path / PLAN, again="export again")
    plan = plan_from_json(meta["plan"], path / PLAN)
    ident, formats, count = int(file.model_id, 16), file.formats, len(file.nodes)
    model = read_whole(path)
    if model.split.nodes != count or len(plan.arenas) != count:
        raise CatsError(f"{path / PLAN} is not of the model beside it: export again")
    mine = None if model.metadata is None else metadata_to_json(model.metadata)
    if meta.get("metadata") != mine:
        raise CatsError(f"{path / PLAN} and the model beside it differ in metadata: export again")
    try:
        found = image.model_id(model, plan)
        packs = [image.pack(model, plan, d, ident) for d in range(count)]
    except (
        LookupError,
        TypeError,
        ValueError,
        OverflowError,
    ) as error:
        raise CatsError(
            f"{path / PLAN} does not fit the model beside it ({error!r}): export again"
        ) from None
    if found != ident:
        raise CatsError(
            f"{path / PLAN} is of deployment {ident:08x}, the model beside it is not: export again"
        )
    tokenizers.check(path, meta, model.config.outputs)
    for d, packed in enumerate(packs):
        folder = path / node_folder(d)
        if formats in ("image", "both"):
            _check_binary(folder / BINARY, packed, d, ident)
        if formats in ("header", "both"):
            _check_header(folder / HEADER, ident)
    return model, plan, meta, tuple(packs)


def replanned(
    model: IntegerModel,
    plan: Plan,
    meta: Mapping[str, Any],
    images: Sequence[bytes] | None,
    radio: str | None = None,
    rounds: int | None = None,
    links: Links | None = None,
) -> tuple[Plan, Sequence[bytes] | None]:
    """What ``load_deploy`` gave, for another radio, with other repair rounds or relayed over other
    ``links``: its plan by the options that it was planned with, and no images, unless nothing
    changes."""
    if radio in (None, plan.radio) and rounds in (None, plan.rounds) and links is None:
        return plan, images
    options = options_from_json(meta, plan).on(radio, rounds)
    if links is not None:
        options = dataclasses.replace(options, links=links, rounds=rounds or 0)
    return options.plan(model.config, model.split, model.keep), None


def _check_binary(path: Path, wanted: bytes, node: int, ident: int) -> None:
    data = _read(path)
    try:
        head = image_reader.parse(data).header
    except CatsError as error:
        raise CatsError(f"{path}: {error}") from None
    if head["model_id"] != ident:
        raise CatsError(f"{path} is of deployment {head['model_id']:08x}, not of {ident:08x}")
    if head["node"] != node:
        raise CatsError(f"{path} is of node {head['node']}, not of node {node}")
    if data != wanted:
        raise CatsError(f"{path} does not hold what plan and model give: export again")


def _check_header(path: Path, ident: int) -> None:
    found = re.search(rb"#define CATS_PARTITION_MODEL_ID 0x([0-9a-f]{8})u", _read(path)[:4096])
    if found is None:
        raise CatsError(f"{path} is no partition header: export again")
    if int(found[1], 16) != ident:
        raise CatsError(f"{path} is of deployment {found[1].decode()}, not of {ident:08x}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CatsError(f"{path} is missing: is the folder complete? export again") from None
    except OSError as error:
        raise CatsError(f"{path} cannot be read: {error.strerror}") from None


# For people


def render(meta: Mapping[str, Any]) -> str:
    """The tables for people, from plan.json."""
    nodes = [
        [n["node"], n["heads"], n["hidden"], n["image_bytes"], n["weight_bytes"], n["arena_bytes"],
         n["arena_lower_bound"]]
        for n in meta["nodes"]
    ]  # fmt: skip
    alone = meta["single_device"]
    nodes.append(
        ["one device", meta["model"]["heads"], meta["model"]["hidden"], alone["image_bytes"],
         alone["weight_bytes"], alone["arena_bytes"], None]
    )  # fmt: skip
    air = [
        [name + (" *" if a["planned"] else ""), a["frames"], a["bytes_on_air"],
         a["time_on_air_us"] / 1e3, a["inference_us"] / 1e3, a["arena_bytes"]]
        for name, a in meta["air"].items()
    ]  # fmt: skip
    plan = meta["plan"]
    lines = [
        f"deployment {meta['model_id']}: {meta['parameters']:,} parameters on "
        f"{len(meta['nodes'])} nodes",
        "",
        table(["node", "heads", "hidden", "flash", "of it weights", "arena", "least arena"], nodes),
        "",
        table(
            ["radio (* planned)", "frames", "bytes on air", "air ms", "inference ms", "arena"], air
        ),
        "",
        f"tiles of {_heights(plan)} rows; {_price(meta)}",
        *_four_bits(meta["run"].get("four_bits")),
        *(["", *table_beside(meta["stream"])] if "stream" in meta else ()),
        *(_unnormalised(meta["metadata"]) if "stream" in meta else ()),
        *_samples(meta["metadata"]),
    ]
    return "\n".join(lines)


def _four_bits(chosen: Mapping[str, Any] | None) -> list[str]:
    """Which weights have four bits."""
    if chosen is None:
        return []
    return [f"four bits: {', '.join(chosen['products']) or 'none'}"]


def _unnormalised(metadata: Mapping[str, Any] | None) -> list[str]:
    """What a stream's images cannot say."""
    if metadata is None or metadata["normalisation"] != "window":
        return []
    return [
        "windows were normalised each by itself, which a step cannot know: the application keeps "
        "a mean and a deviation for the steps of a window, and images have no metadata"
    ]


def _samples(metadata: Mapping[str, Any] | None) -> list[str]:
    """What a sample and an output are."""
    if metadata is None:
        return []
    vocabulary = Vocabulary.of(metadata_from_json(metadata))
    if vocabulary is not None:
        known, unit = len(vocabulary.names), vocabulary.unit
        return ["", f"window of {metadata['width']} {unit}s, rows of {known} with a 1 in the "
                    f"{unit}'s column; {known} outputs for the next"]  # fmt: skip
    steps = "x".join(str(metadata[key]) for key in ("height", "width") if metadata[key] > 1)
    channels = [
        [c["name"], c["unit"] or None, c["mean"], c["deviation"], c["counts_per_unit"]]
        for c in metadata["channels"]
    ]
    answer = f"{metadata['horizon']} steps to come"
    if metadata["targets"] > 1:
        answer += f" of each of the first {metadata['targets']} channels"
    if metadata["values"] is not None:
        answer = "values " + ", ".join(
            f"{v['name']} ({v['counts_per_unit']:,g} counts a {v['unit'] or 'unit'})"
            for v in metadata["values"]
        )
    if metadata["classes"] is not None:
        answer = "classes " + ", ".join(metadata["classes"])
    header = ["channel", "unit", "mean", "deviation", "int16 counts a unit"]
    return ["", table(header, channels), "", f"window of {steps or 1} samples; {answer}"]


def _heights(plan: Mapping[str, Any]) -> str:
    heights = sorted({g["tile_rows"] for g in plan["gathers"]})
    return ", ".join(map(str, heights))


def _price(meta: Mapping[str, Any]) -> str:
    """What smaller tiles cost against the fastest plan."""
    fastest, used = meta["fastest"], next(a for a in meta["air"].values() if a["planned"])
    more = used["inference_us"] / fastest["inference_us"] - 1
    return (
        f"{more:+.1%} time against the fastest plan, whose arena has "
        f"{fastest['arena_bytes']:,} bytes"
    )
