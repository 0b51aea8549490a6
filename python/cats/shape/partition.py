# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Gathers, ranges, keep sets, segments and fragments: the words that training and export share.

Gathers are numbered in the order in which an inference runs them::

    0            INPUT      raw tokens, or what stems make of them, split by ``inputs``
    1 + 4b       ATTENTION  residual,        split by features (whole heads)     b = 0..L-1
    2 + 4b       HEADS      attention heads, split by features
    3 + 4b       FORWARD    residual,        split by features
    4 + 4b       HIDDEN     hidden columns,  split by ``hidden``
    4L + 1       OUTPUT     pooled residual, split by features
    4L + 2       RESULT     output columns,  split by ``outputs`` (two bytes a column); or each
                            node's likeliest tokens, ``candidates`` of them (four bytes each)

Of parallel blocks there are two, and L of these in place of 4L above::

    1 + 2b       ATTENTION  residual,        split by features
    2 + 2b       HIDDEN     attention heads and hidden columns: node by node first its heads, then
                            its hidden columns

Columns are numbered over the whole tensor (0..F-1 and so on); ``keep[g][s]`` is an ascending tuple
of columns inside source s's own range. A gather that keeps nothing is not on the air at all: every
node goes on with its own columns. Where the residual is replicated these are all columns of gathers
ATTENTION, FORWARD and OUTPUT at every node, and of HIDDEN where the feed-forward is. Where each
node embeds its own inputs INPUT keeps nothing, and all that is left of it on the air is the opening
of an inference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import accumulate

from cats.errors import CatsError
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.image_layout import SCALE_GROUP, TOKEN_BYTES, WORD_COLUMNS


class Kind(IntEnum):
    """What a gather carries."""

    INPUT = 0
    ATTENTION = 1
    HEADS = 2
    FORWARD = 3
    HIDDEN = 4
    OUTPUT = 5
    RESULT = 6


#: Kinds whose keep sets may be pruned, to nothing as well; the input and the result go whole.
PRUNABLE = (Kind.ATTENTION, Kind.HEADS, Kind.FORWARD, Kind.HIDDEN, Kind.OUTPUT)
#: Kinds of which a node holds its own columns as the bytes that it broadcasts.
READY = (Kind.INPUT, Kind.HEADS, Kind.HIDDEN, Kind.OUTPUT)
#: Gathers with a norm before their product.
NORMED = (Kind.ATTENTION, Kind.FORWARD, Kind.OUTPUT)
#: Gathers of the residual.
RESIDUAL = NORMED


def gather_count(model: ModelConfig) -> int:
    """G = 4 L + 3; of parallel blocks 2 L + 3."""
    return block_gather(model, model.blocks) + 2


def block_gather(model: ModelConfig, b: int) -> int:
    """The first gather of block b, ATTENTION; of the block behind the last it is OUTPUT."""
    return 1 + model.block_gathers * b


def gather_kind(model: ModelConfig, g: int) -> tuple[Kind, int]:
    """(kind, block) of gather g; block is 0 for INPUT and L - 1 for OUTPUT and RESULT."""
    if g == 0:
        return Kind.INPUT, 0
    output = block_gather(model, model.blocks)
    if g >= output:
        return Kind(Kind.OUTPUT + g - output), model.blocks - 1
    block, place = divmod(g - 1, model.block_gathers)
    return (Kind.ATTENTION, Kind.HIDDEN)[place] if model.parallel_blocks else Kind(1 + place), block


def gather_width(model: ModelConfig, kind: Kind) -> int:
    """Columns of the gathered tensor."""
    hidden = model.hidden + (model.features if model.parallel_blocks else 0)
    columns = {Kind.INPUT: model.embed_inputs, Kind.HIDDEN: hidden, Kind.RESULT: model.outputs}
    return columns.get(kind, model.features)


def gather_rows(model: ModelConfig, g: int) -> tuple[int, int]:
    """(first residual row, number of rows) that gather g moves.

    INPUT carries the patches; OUTPUT and RESULT the rows that the head reads. Where only one row
    is read (pool ``class`` or ``last``), the last block needs gathers HEADS, FORWARD and HIDDEN for
    that row alone. A mean that is taken before the norm leaves OUTPUT one row as well; one that is
    taken behind it (``mean_of_norm``) leaves RESULT alone one row.
    """
    kind, block = gather_kind(model, g)
    if kind == Kind.INPUT:
        return model.tokens - model.tokens_in, model.tokens_in
    if kind in {"mean": (Kind.OUTPUT, Kind.RESULT), "mean_of_norm": (Kind.RESULT,)}.get(
        model.pool, ()
    ):
        return 0, 1
    tail = block == model.blocks - 1 and kind != Kind.ATTENTION
    if tail and model.pool in ("class", "last"):
        return (0, 1) if model.pool == "class" else (model.tokens - 1, 1)
    return 0, model.tokens


def own_ranges(model: ModelConfig, split: SplitConfig, kind: Kind) -> list[tuple[int, int]]:
    """[(begin, end)] of the columns that each node owns of such a gather's tensor."""
    return list(_own_ranges(model, split, kind))


@lru_cache(maxsize=1024)
def _own_ranges(model: ModelConfig, split: SplitConfig, kind: Kind) -> tuple[tuple[int, int], ...]:
    if _is_replicated(model, kind):
        return ((0, gather_width(model, kind)),) * split.nodes
    inputs = split.embed_hidden(model) if model.stem else split.inputs
    outputs = split.outputs
    if model.candidates:
        outputs = tuple(min(model.candidates, n) for n in outputs)
    heads, hidden = tuple(h * model.head_width for h in split.heads), split.hidden
    if model.parallel_blocks:
        hidden = tuple(map(sum, zip(heads, hidden, strict=True)))
    counts = {Kind.INPUT: inputs, Kind.HIDDEN: hidden, Kind.RESULT: outputs}.get(kind, heads)
    return tuple(consecutive(counts))


def parallel_columns(model: ModelConfig, split: SplitConfig) -> list[int]:
    """Of each column of gather HIDDEN of parallel blocks its number among all heads' columns with
    all hidden columns behind them."""
    heads = own_ranges(model, split, Kind.HEADS)
    hidden = consecutive(split.hidden)
    found: list[int] = []
    for (begin, end), (first, last) in zip(heads, hidden, strict=True):
        found += [*range(begin, end), *range(model.features + first, model.features + last)]
    return found


def residual_ranges(model: ModelConfig, split: SplitConfig) -> list[tuple[int, int]]:
    """[(begin, end)] of the residual's columns that each node has."""
    return own_ranges(model, split, Kind.ATTENTION)


def residual_width(model: ModelConfig, split: SplitConfig, node: int) -> int:
    """How many columns of the residual a node has."""
    begin, end = residual_ranges(model, split)[node]
    return end - begin


def consecutive(counts: Sequence[int]) -> list[tuple[int, int]]:
    """[(begin, end)] of so many columns for each node, one node's behind those of another."""
    return [(end - n, end) for n, end in zip(counts, accumulate(counts), strict=True)]


def output_ranges(split: SplitConfig) -> list[tuple[int, int]]:
    """[(begin, end)] of the outputs that each node computes. Gather RESULT carries others where it
    has candidates."""
    return consecutive(split.outputs)


def input_ranges(split: SplitConfig) -> list[tuple[int, int]]:
    """[(begin, end)] of the inputs that each node has. Gather INPUT carries others where stems are
    in front of it."""
    return consecutive(split.inputs)


def given_ranges(model: ModelConfig, split: SplitConfig) -> list[tuple[int, int]]:
    """[(begin, end)] of the input bytes that each node is given: its inputs, or a token's number,
    which all are given."""
    return [(0, TOKEN_BYTES)] * split.nodes if model.by_token else input_ranges(split)


def given_width(model: ModelConfig) -> int:
    """Bytes of a row of inputs."""
    return TOKEN_BYTES if model.by_token else model.inputs


def key_heads(model: ModelConfig, split: SplitConfig) -> list[tuple[int, int]]:
    """[(begin, end)] of the key/value heads that each node computes: those of its heads. Where
    heads of several nodes share one, each of these computes it."""
    shared = model.heads // model.key_heads
    return [
        (begin // shared, -(-end // shared) if end > begin else begin // shared)
        for begin, end in consecutive(split.heads)
    ]


KeepSets = list[list[tuple[int, ...]]]  # [gather][source] -> ascending columns


def no_columns(model: ModelConfig, g: int) -> bool:
    """Whether no column of gather g is ever sent: INPUT, where each node embeds its own inputs, or
    a token whose number all are given."""
    return (model.embed == "own" or model.by_token) and gather_kind(model, g)[0] == Kind.INPUT


def replicated(model: ModelConfig, g: int) -> bool:
    """Whether all nodes have all columns of gather g, as they compute them all."""
    return _is_replicated(model, gather_kind(model, g)[0])


def _is_replicated(model: ModelConfig, kind: Kind) -> bool:
    hidden = kind == Kind.HIDDEN and model.replicates_hidden
    return hidden or (bool(model.replicated) and kind in RESIDUAL)


def hidden_ranges(model: ModelConfig, split: SplitConfig) -> list[tuple[int, int]]:
    """[(begin, end)] of the hidden columns that each node computes."""
    return (
        [(0, model.hidden)] * split.nodes if model.replicates_hidden else consecutive(split.hidden)
    )


def hidden_width(model: ModelConfig, split: SplitConfig, node: int) -> int:
    """How many hidden columns a node computes."""
    begin, end = hidden_ranges(model, split)[node]
    return end - begin


def silent(model: ModelConfig, g: int) -> bool:
    """Whether nothing of gather g is ever sent: no columns, and no row of a token."""
    return no_columns(model, g) and not model.sends_rows


def unheard(model: ModelConfig, split: SplitConfig, g: int, source: int) -> bool:
    """Whether nobody needs what a source has of gather g: of INPUT the columns of a node that alone
    computes the transformer."""
    alone = split.nodes > 1 and split.heads[source] == sum(split.heads)
    return alone and not no_columns(model, g) and gather_kind(model, g)[0] == Kind.INPUT


def full_keep(model: ModelConfig, split: SplitConfig) -> KeepSets:
    """Every source broadcasts all of its own columns, but in a silent gather, and where nobody else
    needs them or all have them."""
    return [
        [
            ()
            if no_columns(model, g) or replicated(model, g) or unheard(model, split, g, s)
            else tuple(range(*r))
            for s, r in enumerate(own_ranges(model, split, gather_kind(model, g)[0]))
        ]
        for g in range(gather_count(model))
    ]


def local_keep(model: ModelConfig, keep: KeepSets, blocks: int) -> KeepSets:
    """Keep sets that are empty in the first ``blocks`` blocks; CatsError where there are fewer."""
    if not 0 <= blocks <= model.blocks:
        raise CatsError(f"{blocks} local blocks: the model has {model.blocks}")
    return [
        [() for _ in sources] if 1 <= g < block_gather(model, blocks) else list(sources)
        for g, sources in enumerate(keep)
    ]


def heard_keep(model: ModelConfig, split: SplitConfig, keep: KeepSets) -> KeepSets:
    """Keep sets without what nobody reads: of OUTPUT the columns of a node that alone has the
    result. They stay where every source keeps some of every gather, for an image of such sets asks
    for no CONFIG_CATS_EMPTY_GATHERS."""
    if not keeps_none(model, split, keep):
        return keep
    alone = [count == model.outputs for count in split.outputs]
    output = [() if own else columns for own, columns in zip(alone, keep[-2], strict=True)]
    return [*keep[:-2], output, keep[-1]]


def answers_alone(split: SplitConfig, keep: KeepSets) -> bool:
    """Whether no column of others that compute reaches the head: OUTPUT, the gather before it,
    keeps none."""
    return sum(heads > 0 for heads in split.heads) > 1 and not any(keep[-2])


def keeps_none(model: ModelConfig, split: SplitConfig, keep: KeepSets) -> bool:
    """Whether some source sends nothing in a gather that may be pruned: none of its columns, or it
    has none, for it only senses."""
    return split.nodes > 1 and any(
        not columns and (begin < end or not all(split.hidden))
        for g, sources in enumerate(keep)
        if (kind := gather_kind(model, g)[0]) in PRUNABLE
        for columns, (begin, end) in zip(sources, own_ranges(model, split, kind), strict=True)
    )


def kept_count(share: float, width: int) -> int:
    """Columns that a source of ``width`` keeps at a share of 0..1: one at least, but of 0 none."""
    return min(width, max(1, round(share * width))) if share else 0


def local_blocks(model: ModelConfig, keep: KeepSets) -> int:
    """How many of the first blocks send nothing."""
    output = block_gather(model, model.blocks)
    sending = (g for g in range(1, output) if any(keep[g]))
    return (next(sending, output) - 1) // model.block_gathers


def embed_ranges(model: ModelConfig, split: SplitConfig) -> list[tuple[int, int]]:
    """[(begin, end)] of the output columns of the embedding's first product that each node has: of
    its hidden columns, or of the residual."""
    if model.embed_layers == 1:
        return own_ranges(model, split, Kind.ATTENTION)
    return consecutive(split.embed_hidden(model))


def check_keep(model: ModelConfig, split: SplitConfig, keep: KeepSets) -> None:
    """Raise CatsError unless keep sets are legal: inside the source's range and ascending; INPUT
    and RESULT whole, a silent INPUT empty, as what is ``unheard`` may be."""
    if len(keep) != gather_count(model):
        raise CatsError(f"keep sets for {len(keep)} gathers, the model has {gather_count(model)}")
    for g, sources in enumerate(keep):
        kind, _ = gather_kind(model, g)
        ranges = own_ranges(model, split, kind)
        if len(sources) != split.nodes:
            raise CatsError(f"gather {g}: keep sets of {len(sources)} sources for {split.nodes}")
        for s, (columns, (begin, end)) in enumerate(zip(sources, ranges, strict=True)):
            inside = all(begin <= c < end for c in columns)
            ascending = all(a < b for a, b in zip(columns, columns[1:], strict=False))
            if not inside or not ascending:
                raise CatsError(f"gather {g}, source {s}: keep set leaves columns {begin}..{end}")
            if no_columns(model, g):
                if columns:
                    raise CatsError(
                        f"gather {g}, source {s}: each node embeds its own inputs and sends none"
                    )
                continue
            if unheard(model, split, g, s) and not columns:
                continue
            if replicated(model, g) and columns:
                raise CatsError(
                    f"gather {g}, source {s}: each node computes all columns and sends none"
                )
            if kind not in PRUNABLE and len(columns) != end - begin:
                raise CatsError(f"gather {g}, source {s}: {kind.name} is never pruned")


def element_bytes(kind: Kind, candidates: int = 0) -> int:
    """Bytes a column on air: RESULT 2, or 4 where these are ``candidates``; all others 1."""
    if kind != Kind.RESULT:
        return 1
    return 4 if candidates else 2


def row_source(split: SplitConfig) -> int:
    """The first node that owns tokens."""
    return next(d for d, count in enumerate(split.inputs) if count)


def send_widths(config: ModelConfig, split: SplitConfig, keep: KeepSets, g: int) -> list[int]:
    """Bytes a row that each source broadcasts in gather g; zero where there is only one node. Of
    INPUT with ``token_rows`` one source sends in each step, the owner of its token: here the first
    that owns any stands for all."""
    kind, _ = gather_kind(config, g)
    if split.nodes == 1:
        return [0]
    if kind == Kind.INPUT and config.sends_rows:
        return [config.row_bytes * (d == row_source(split)) for d in range(split.nodes)]
    return [len(columns) * element_bytes(kind, config.candidates) for columns in keep[g]]


def node_view(
    config: ModelConfig, split: SplitConfig, keep: KeepSets, g: int, node: int
) -> list[int]:
    """Columns of node's view of gather g, in view order: by source, its own all, others' kept."""
    ranges = own_ranges(config, split, gather_kind(config, g)[0])
    view: list[int] = []
    for source in range(split.nodes):
        view += range(*ranges[source]) if source == node else keep[g][source]
    return view


def view_width(config: ModelConfig, split: SplitConfig, keep: KeepSets, g: int, node: int) -> int:
    """Columns of node's view of gather g; 0 where no product follows: in RESULT, and in INPUT of a
    stream of a vocabulary."""
    kind, _ = gather_kind(config, g)
    if kind == Kind.RESULT or (kind == Kind.INPUT and config.by_token):
        return 0
    begin, end = own_ranges(config, split, kind)[node]
    return end - begin + sum(len(k) for s, k in enumerate(keep[g]) if s != node)


def shares_rows(config: ModelConfig, split: SplitConfig, keep: KeepSets, node: int) -> bool:
    """Whether a node's rows of tokens are its weights of OUTPUT, and stand once: of a tied model,
    where it has the outputs of the same tokens and all columns of these are kept."""
    g = gather_count(config) - 2
    tied = config.sends_rows and config.tied and not config.layer_tables
    tokens = input_ranges(split)[node]
    same = tokens[0] < tokens[1] and tokens == output_ranges(split)[node]
    return tied and same and view_width(config, split, keep, g, node) == config.features


def stride_of(config: ModelConfig, g: int, view: int) -> int:
    """Columns of a row of weights behind gather g: the view, padded."""
    step = WORD_COLUMNS if g in config.four_bits else 4
    return -(-view // step) * step


def weight_bytes(config: ModelConfig, g: int, view: int) -> int:
    """Bytes of a row of weights behind gather g, of one output column."""
    stride = stride_of(config, g, view)
    return stride // 2 if g in config.four_bits else stride


def scale_bytes(config: ModelConfig, g: int, view: int) -> int:
    """Bytes of the scales of such a row."""
    return -(-view // SCALE_GROUP) if g in config.four_bits else 0


def product_width(config: ModelConfig, split: SplitConfig, g: int, node: int) -> int:
    """Output columns of node's product behind gather g; none of INPUT where it has no input to
    embed."""
    kind, _ = gather_kind(config, g)
    if no_columns(config, g):
        if config.by_token:
            return 0
        begin, end = embed_ranges(config, split)[node]
        return end - begin if split.inputs[node] else 0
    heads = split.heads[node] * config.head_width
    begin, end = key_heads(config, split)[node]
    up = hidden_width(config, split, node) * config.up_columns // config.hidden
    parallel = up if config.parallel_blocks else 0
    return {
        Kind.ATTENTION: heads + 2 * (end - begin) * config.head_width + parallel,
        Kind.FORWARD: up,
        Kind.OUTPUT: split.outputs[node],
        Kind.RESULT: 0,
    }.get(kind, residual_width(config, split, node))


@dataclass(frozen=True)
class Fragmenting:
    """How one source's kept bytes of one tile are cut into frames.

    The ``width`` bytes that the source sends for a row are cut into ``segments`` runs of
    ``segment_width`` bytes (the last may be shorter); a fragment is ``fragment_rows`` consecutive
    rows of one segment (fewer at the tile's end). Fragments are numbered segment by segment:
    ``f = segment * row_groups + row_group``.
    """

    width: int
    segments: int
    segment_width: int
    fragment_rows: int

    def row_groups(self, rows: int) -> int:
        """Fragments of one segment in a tile of ``rows`` rows."""
        return -(-rows // self.fragment_rows)

    def fragments(self, rows: int) -> int:
        """Fragments of this source in a tile of ``rows`` rows (0 where it sends nothing)."""
        return self.segments * self.row_groups(rows) if self.width else 0

    def segment_columns(self, segment: int) -> tuple[int, int]:
        """[begin, end) of a segment's bytes within the source's kept bytes of a row."""
        begin = segment * self.segment_width
        return begin, min(begin + self.segment_width, self.width)

    def region(self, fragment: int, rows: int) -> tuple[int, int, int, int]:
        """(row begin, row end, byte begin, byte end) of a fragment in a tile of ``rows`` rows."""
        segment, group = divmod(fragment, self.row_groups(rows))
        begin, end = self.segment_columns(segment)
        row = group * self.fragment_rows
        return row, min(row + self.fragment_rows, rows), begin, end


def fragmenting(width: int, rows: int, payload: int, element: int = 1) -> Fragmenting:
    """Cut ``width`` bytes a row, ``rows`` rows a tile, into the fewest fragments of at most
    ``payload`` bytes; among equals those whose largest is smallest, since that gives all slots
    their length, and then the fewest segments. ``element`` bytes stay together.

    Raises CatsError where not even one element fits.
    """
    if width == 0:
        return Fragmenting(0, 0, 0, 0)
    if payload < element:
        raise CatsError(
            f"a frame with {payload} bytes of payload holds no column, which has {element}: raise "
            "--payload"
        )
    best = None
    columns = width // element
    for segments in range(math.ceil(width / (payload // element * element)), columns + 1):
        segment_width = math.ceil(columns / segments) * element
        used = math.ceil(width / segment_width)
        fragment_rows = min(rows, payload // segment_width)
        parts = math.ceil(rows / fragment_rows)
        fragment_rows = math.ceil(rows / parts)
        count = used * parts
        rank = (count, segment_width * fragment_rows)
        if best is None or rank < best[:2]:
            best = (*rank, Fragmenting(width, used, segment_width, fragment_rows))
        if segments >= best[0]:  # each further cut gives at least one fragment a segment
            break
    return best[2]
