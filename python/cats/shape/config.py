# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The model's and the deployment's shape, as every other module uses it.

Letters follow ``doc/design.rst``: N tokens (rows of the residual), F features, H heads, M hidden
columns of the feed-forward, L blocks, P input columns, C output columns, D nodes, E = F / H.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cats.errors import CatsError

#: Largest deployment: a node number has four bits in a frame.
MAX_NODES = 16
#: Largest N: the attention accumulator holds N products of 14 and 7 bits in 32 (doc/numerics.rst).
MAX_TOKENS = 1023
#: Most blocks: their gathers are counted by a byte of a frame.
MAX_BLOCKS = 63
#: Largest F or M: the norm's fixed point is proven up to here (doc/numerics.rst).
MAX_COLUMNS = 4096
#: Most tokens of a vocabulary.
MAX_VOCABULARY = 65536
#: Most candidates of a node for the next token: as many as top-k may ask for.
MAX_CANDIDATES = 255
#: Longest row of a token, bytes.
MAX_ROW = 65535

POOLS = ("mean", "class", "last", "all", "mean_of_norm")
ACTIVATIONS = ("relu", "gelu", "silu")
TASKS = ("classify", "forecast")
#: What the embedding of a node's residual columns reads: all inputs, the node's own, or what stems
#: at the nodes with inputs make of them.
EMBEDDINGS = ("full", "own", "stem")
NORMS = ("layer", "rms")
POSITIONS = ("learned", "rotary")
FEED_FORWARDS = ("plain", "gated")
#: What each node computes all of in place of a part: nothing; or more, from left to right.
REPLICATED = ("", "residual", "feed_forward")
#: Whether one node has all columns of the input, of the result; or they are spread.
INPUT_SPLITS = ("single", "channels")
OUTPUT_SPLITS = ("single", "even")

_COUNTED = {"heads": "heads", "hidden": "hidden columns"}


def later(default: Any) -> Any:
    """A field that files name only where it is not the default: those of before have none."""
    return field(default=default, metadata={"later": True})


@dataclass(frozen=True)
class ModelConfig:
    """One transformer.

    ``inputs`` rows of ``tokens_in`` patches come in; with ``pool="class"`` a learned class token
    stands in row 0, so the residual has ``tokens_in + 1`` rows, else ``tokens_in``.
    ``pool`` names the rows that the head reads: the mean over rows, the class token, the last row,
    or all rows (one output row for each). The final norm is taken of what the head reads; with
    ``mean_of_norm`` of every row, and the mean over rows behind it.

    With ``linear`` a linear map of the whole window, the ``tokens_in * inputs`` inputs as one row,
    is added to the head's result: what no message can take away. It is computed by the node that
    has all of the input and all of the result, so there must be one, and one row of output.

    With ``embed="own"`` each node makes its own residual columns from its own input columns alone
    (block-diagonal weights): no node needs another's input, and gather INPUT carries nothing. A
    node without inputs begins with bias and position. ``embed_hidden`` columns over all nodes, 0
    for none, make that two layers with a ReLU between them; each node has a share of its own.

    With ``embed="stem"`` the nodes that have inputs make ``embed_hidden`` columns of them: a linear
    map of a node's own inputs (block-diagonal weights), then a ReLU, but for a ``signed_stem``.
    Gather INPUT carries these in place of the inputs, and the embedding reads them all.

    The Llama family: ``norm="rms"`` divides by the root mean square, without mean and offset;
    ``position="rotary"`` turns queries and keys by their row (``cats.nn.rotary``) in place of
    adding a learned vector; ``feed_forward="gated"`` multiplies the activation of M columns by M
    others (SwiGLU with silu); ``kv_heads`` keys and values are shared by as many neighbouring heads
    each (0: every head has its own); without ``bias`` products have none; ``tied``: the head's
    weights are the embedding's. In ``parallel_blocks`` attention and feed-forward read one norm and
    are added at once: two gathers a block in place of four. With ``layer_tables`` each block has an
    embedding of its own for each token, which is added to the residual in front of it (per-layer
    embeddings). With ``vocabulary`` an input row is one
    of P tokens, a one in its column or its number, and there may be up to MAX_VOCABULARY inputs and
    outputs.

    With ``context`` it is a stream: an inference is a step of ``tokens_in`` new rows, which attend
    to the rows of the steps before as well, ``context`` rows in all; 0: it is a whole window.
    ``cats.integer.steps`` makes one of a causal model. A stream of a vocabulary takes one token's
    number a step, each node has its own columns of all tokens' embeddings, and the context is a
    window that slides (``cats.integer.llama_stream``); its keys have two bytes with ``wide_keys``,
    and the products behind the gathers ``four_bits`` have weights of four bits. Of RESULT each node
    sends its so many likeliest tokens, ``candidates`` (0: all outputs). With ``token_rows`` the
    embeddings of a token are of one node, which sends them in gather INPUT. What is ``replicated``
    each node computes all of, and nobody sends: the ``residual``, with the products that are added
    to it (gathers ATTENTION, FORWARD and OUTPUT are on no air then), or the ``feed_forward`` as
    well (HIDDEN, too); heads, keys and values, and outputs stay split.
    """

    tokens_in: int
    inputs: int
    outputs: int
    features: int = 64
    heads: int = 8
    hidden: int = 128
    blocks: int = 2
    causal: bool = False
    activation: str = "gelu"
    pool: str = "mean"
    task: str = "classify"
    norm_eps: float = 1e-5
    linear: bool = False
    embed: str = later("full")
    embed_hidden: int = later(0)
    signed_stem: bool = later(False)
    norm: str = later("layer")
    position: str = later("learned")
    rotary_base: float = later(10000.0)
    feed_forward: str = later("plain")
    kv_heads: int = later(0)
    bias: bool = later(True)
    tied: bool = later(False)
    parallel_blocks: bool = later(False)
    layer_tables: bool = later(False)
    vocabulary: bool = later(False)
    context: int = later(0)
    wide_keys: bool = later(False)
    four_bits: tuple[int, ...] = later(())
    candidates: int = later(0)
    token_rows: bool = later(False)
    replicated: str = later("")

    @property
    def stem(self) -> bool:
        """Whether stems make of the inputs what gather INPUT carries."""
        return self.embed == "stem"

    @property
    def embed_layers(self) -> int:
        """Products of a node's embedding, from what gather INPUT carries to the residual."""
        return 2 if self.embed == "own" and self.embed_hidden else 1

    @property
    def embed_inputs(self) -> int:
        """Columns of gather INPUT: those of the stem, or P."""
        return self.embed_hidden if self.stem else self.inputs

    @property
    def embed_outputs(self) -> int:
        """Output columns of the embedding's first product: its hidden columns, or F."""
        return self.embed_hidden if self.embed_layers == 2 else self.features

    @property
    def by_token(self) -> bool:
        """Whether an inference is a step of one token, whose number each node is given."""
        return self.vocabulary and bool(self.context)

    @property
    def is_llama(self) -> bool:
        """Whether it is of the family that ``cats.integer.llama`` computes."""
        return (
            (self.norm, self.position, self.feed_forward, self.pool)
            == ("rms", "rotary", "gated", "all")
            and (self.vocabulary, self.causal, self.bias) == (True, True, False)
            and self.inputs == self.outputs
        )

    @property
    def window(self) -> int:
        """Inputs of the linear path: the whole window as one row."""
        return self.tokens_in * self.inputs

    @property
    def tokens(self) -> int:
        """N: rows of the residual."""
        return self.tokens_in + (self.pool == "class")

    @property
    def positions(self) -> int:
        """Rows that there may be: of the context of a stream, else of the residual."""
        return self.context or self.tokens

    @property
    def whole(self) -> ModelConfig:
        """Of a stream the window that it takes step by step; else the model itself."""
        if not self.context:
            return self
        return dataclasses.replace(self, tokens_in=self.context, context=0)

    @property
    def head_width(self) -> int:
        """E = F / H."""
        return self.features // self.heads

    @property
    def key_heads(self) -> int:
        """Heads of keys and values: one for each of H / this neighbouring heads."""
        return self.kv_heads or self.heads

    @property
    def up_columns(self) -> int:
        """Output columns of the feed-forward's first product: M, or the M of the gate and M."""
        return self.hidden * (2 if self.feed_forward == "gated" else 1)

    @property
    def replicates_hidden(self) -> bool:
        """Whether each node computes all hidden columns."""
        return self.replicated == "feed_forward"

    @property
    def sends_rows(self) -> bool:
        """Whether the owner of a step's token sends its row."""
        return self.token_rows and self.by_token

    @property
    def row_parts(self) -> int:
        """Parts of a token's row: its embedding, and with tables one for each block."""
        return 1 + self.blocks * self.layer_tables

    @property
    def row_bytes(self) -> int:
        """Bytes of a token's row: of each part a multiplier, and int8 columns."""
        return self.row_parts * (4 + self.features)

    @property
    def block_gathers(self) -> int:
        """Gathers of a block."""
        return 2 if self.parallel_blocks else 4

    @property
    def output_rows(self) -> int:
        """Rows of the result: N where every row is asked for, else one."""
        return self.tokens if self.pool == "all" else 1

    def check(self) -> None:
        """Raise CatsError for a shape that cannot be built."""
        for name in ("tokens_in", "inputs", "outputs", "features", "heads", "hidden", "blocks"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise CatsError(f"{name} is {value!r}: it must be a whole number of at least 1")
        if self.features % self.heads:
            raise CatsError(
                f"{self.features} features cannot be split into {self.heads} heads: "
                "choose features as a multiple of heads"
            )
        if self.tokens > MAX_TOKENS:
            raise CatsError(f"{self.tokens} tokens: at most {MAX_TOKENS} fit the integer attention")
        most = dict.fromkeys(("inputs", "outputs", "features", "hidden"), MAX_COLUMNS)
        if self.vocabulary:
            most |= dict.fromkeys(("inputs", "outputs"), MAX_VOCABULARY)
        for name, limit in {**most, "blocks": MAX_BLOCKS}.items():
            if getattr(self, name) > limit:
                raise CatsError(f"{name} is {getattr(self, name)}: at most {limit}")
        if not 0 <= self.norm_eps < 1:
            raise CatsError(f"norm_eps is {self.norm_eps}: at least 0 and less than 1")
        for name, legal in (
            ("pool", POOLS), ("activation", ACTIVATIONS), ("task", TASKS), ("embed", EMBEDDINGS),
            ("norm", NORMS), ("position", POSITIONS), ("feed_forward", FEED_FORWARDS),
        ):  # fmt: skip
            if getattr(self, name) not in legal:
                raise CatsError(f"{name} is {getattr(self, name)!r}: one of {', '.join(legal)}")
        hidden = self.embed_hidden
        if not isinstance(hidden, int) or not 0 <= hidden <= MAX_COLUMNS:
            raise CatsError(f"embed_hidden is {hidden!r}: a whole number, 0 to {MAX_COLUMNS}")
        if hidden and self.embed == "full":
            raise CatsError("a full embedding has no hidden columns: use embed 'own' or 'stem'")
        if self.stem and not hidden:
            raise CatsError("a stem without columns: say how many, embed_hidden, as in 48")
        if self.signed_stem and not self.stem:
            raise CatsError("a signed stem, and no stem: use embed 'stem'")
        if self.stem and self.linear:
            raise CatsError("a linear path reads inputs, of which a stem sends none: leave one out")
        if self.pool == "class" and self.causal:
            raise CatsError("a causal model cannot read its class token in row 0: use pool 'last'")
        if self.linear and self.pool == "all":
            raise CatsError("a linear path has one output row: use pool 'last', or leave it out")
        if self.linear and self.window > MAX_COLUMNS:
            raise CatsError(
                f"a linear path of {self.tokens_in} x {self.inputs} inputs: at most {MAX_COLUMNS}; "
                "leave it out, or choose a shorter window"
            )
        self._check_llama()
        self._check_stream()

    def _check_stream(self) -> None:
        """CatsError where an inference cannot be a step."""
        if not isinstance(self.context, int) or not 0 <= self.context <= MAX_TOKENS:
            raise CatsError(f"context is {self.context!r}: a whole number, 0 to {MAX_TOKENS}")
        if not self.context:
            return
        if self.context % self.tokens_in:
            raise CatsError(
                f"steps of {self.tokens_in} rows do not fill a context of {self.context}: choose a "
                "number that divides it"
            )
        if self.by_token and self.tokens_in != 1:
            raise CatsError(f"steps of {self.tokens_in} rows: a stream of a vocabulary takes one")
        if not self.causal:
            raise CatsError("rows of a stream do not wait for later ones: train with --causal")
        if self.linear:
            raise CatsError("a linear path reads the whole window at once, a stream has none: "
                            "train without it")  # fmt: skip

    def _check_llama(self) -> None:
        """CatsError where what the Llama family adds cannot be."""
        if not isinstance(self.candidates, int) or not 0 <= self.candidates <= MAX_CANDIDATES:
            raise CatsError(
                f"candidates is {self.candidates!r}: a whole number, 0 to {MAX_CANDIDATES}"
            )
        if self.candidates and not self.vocabulary:
            raise CatsError("candidates are the likeliest tokens: the model has no vocabulary")
        shared = self.kv_heads
        if not isinstance(shared, int) or not 0 <= shared <= self.heads:
            raise CatsError(f"kv_heads is {shared!r}: a whole number, 0 to the {self.heads} heads")
        if self.heads % self.key_heads:
            raise CatsError(f"{self.heads} heads cannot share {shared} key/value heads evenly")
        if self.position == "rotary" and self.head_width % 2:
            raise CatsError(f"rotary positions turn pairs: heads of {self.head_width} columns")
        if not 0 < self.rotary_base < math.inf:
            raise CatsError(f"rotary_base is {self.rotary_base}: more than 0")
        if self.tied and (self.inputs != self.outputs or self.embed != "full"):
            raise CatsError(
                "a tied head has the embedding's weights: as many outputs as inputs, and embed "
                "'full'"
            )
        if self.vocabulary and (self.linear or self.embed != "full"):
            raise CatsError("tokens of a vocabulary: embed 'full', and no linear path")
        if self.parallel_blocks:
            self._check_parallel()
        if self.layer_tables and not self.is_llama:
            raise CatsError(
                "embeddings of each block are of the Llama family, of tokens: norm 'rms', position "
                "'rotary', feed_forward 'gated', pool 'all', causal, no bias, a vocabulary"
            )
        if self.replicated not in REPLICATED:
            legal = ", ".join(REPLICATED[1:])
            raise CatsError(f"replicated is {self.replicated!r}: one of {legal}")
        if self.replicated and not self.is_llama:
            raise CatsError(
                "a replicated residual is of the Llama family: norm 'rms', position 'rotary', "
                "feed_forward 'gated', pool 'all', causal, no bias, a vocabulary"
            )
        if self.replicates_hidden and self.parallel_blocks:
            raise CatsError(
                "parallel blocks send heads and hidden columns in one gather, so replicating the "
                "feed-forward saves no exchange: replicate the residual"
            )
        if self.token_rows and not self.vocabulary:
            raise CatsError("rows of tokens: the model has no vocabulary")
        if self.by_token and self.layer_tables and not self.token_rows:
            raise CatsError("embeddings of each block stand in tokens' rows: they need token_rows")
        if self.token_rows and self.row_bytes > MAX_ROW:
            raise CatsError(
                f"a token's row has {self.row_bytes} bytes, at most {MAX_ROW}: fewer blocks or "
                "features, or no embeddings of each block"
            )
        products = range(1, self.block_gathers * self.blocks + 2 - self.tied)
        if self.four_bits and not (self.by_token and set(self.four_bits) <= set(products)):
            raise CatsError(f"four_bits is {self.four_bits!r}: gathers of a stream of a vocabulary")

    def _check_parallel(self) -> None:
        """CatsError where attention and feed-forward cannot read one norm."""
        if not dataclasses.replace(self, vocabulary=True).is_llama:
            raise CatsError(
                "parallel blocks are of the Llama family: norm 'rms', position 'rotary', "
                "feed_forward 'gated', pool 'all', causal, no bias, as many outputs as inputs"
            )
        if self.features + self.hidden > MAX_COLUMNS:
            raise CatsError(
                f"{self.features} features and {self.hidden} hidden columns: parallel blocks send "
                f"both in one gather, of at most {MAX_COLUMNS} columns"
            )

    @property
    def has_window(self) -> bool:
        """Whether it is a stream whose window could be one inference as well."""
        return bool(self.context) and not self.by_token

    @property
    def has_integers(self) -> bool:
        """Whether the integer model, and so a deployment, can compute it."""
        return not self._no_integers()

    def check_integers(self) -> None:
        """Raise CatsError for a model that the integer model cannot compute yet."""
        if lacking := self._no_integers():
            raise CatsError(
                f"there are no integers yet for {', '.join(lacking)}: such a model can be trained, "
                "evaluated and run ('cats generate', a Llama with --integer too, which 'cats "
                "export' exports), not planned or simulated"
            )

    def _no_integers(self) -> list[str]:
        """What the integer model cannot compute yet, by its names."""
        if self.by_token and self.is_llama:
            return []
        return [
            what
            for what, there in {
                "RMS norms": self.norm == "rms",
                "rotary positions": self.position == "rotary",
                "a gated feed-forward": self.feed_forward == "gated",
                "the activation silu": self.activation == "silu",
                "shared key/value heads": self.key_heads < self.heads,
                "products without biases": not self.bias,
                "a tied head": self.tied,
                "a vocabulary": self.vocabulary,
            }.items()
            if there
        ]


def parse_shares(text: str) -> tuple[float, ...]:
    """``2,1,1``: a share for each node; CatsError for what is no list of numbers, one of which is
    positive and none negative."""
    try:
        shares = tuple(float(part) for part in text.split(","))
    except ValueError:
        shares = ()
    if not _are_shares(shares):
        raise CatsError(
            f"shares {text!r}: a number for each node, as in 2,1,1; 0 for one that only senses"
        )
    return shares


def _are_shares(shares: Sequence[float]) -> bool:
    """Whether these say what part of a model each node has: 0 of it or more, and some node more."""
    return any(shares) and all(0 <= share < math.inf for share in shares)


def node_shares(nodes: int | None, text: str | None) -> tuple[float, ...] | None:
    """The shares that options ``--nodes`` and ``--shares`` ask for (None: neither is given);
    CatsError where they contradict each other, or for a number of nodes that cannot be."""
    if text is None:
        if nodes is not None and not 1 <= nodes <= MAX_NODES:
            raise CatsError(f"{nodes} nodes: choose 1 to {MAX_NODES}")
        return None if nodes is None else (1,) * nodes
    shares = parse_shares(text)
    if nodes not in (None, len(shares)):
        raise CatsError(f"--nodes {nodes} with {len(shares)} --shares: leave --nodes out")
    return shares


def share_out(total: int, shares: Sequence[float], least: int = 0) -> tuple[int, ...]:
    """Cut ``total`` into whole numbers as near to ``shares`` as they get (largest remainders, the
    first among equals), each at least ``least``, of which there must be enough."""
    exact = [total * (share / sum(shares)) for share in shares]
    counts = [max(int(part), least) for part in exact]
    while sum(counts) != total:
        more = 1 if sum(counts) < total else -1
        lacks = [more * (part - count) for part, count in zip(exact, counts, strict=True)]
        free = [i for i, count in enumerate(counts) if more > 0 or count > least]
        counts[max(free, key=lacks.__getitem__)] += more
    return tuple(counts)


def _without_heads(
    model: ModelConfig, shares: Sequence[float]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Heads and hidden columns of more nodes than there are heads, so that weights are as near to
    the shares as they get."""
    first = sorted(range(len(shares)), key=lambda d: -shares[d])[: model.heads]
    heads = tuple(int(d in first) for d in range(len(shares)))
    column = 2 * model.features  # weights of a block: its gate and what that is of
    head = model.head_width * (4 * model.features + model.hidden)
    whole = model.heads * head + model.hidden * column
    parts = [whole * share / sum(shares) - own * head for share, own in zip(shares, heads)]
    return heads, share_out(model.hidden, [max(part, 1.0) for part in parts], 1)


@dataclass(frozen=True)
class SplitConfig:
    """Who owns what: a count for each node; node d owns the d-th contiguous range.

    ``heads`` sums to H, ``hidden`` to M, ``outputs`` to C and ``inputs`` to P. A node that computes
    has at least one head and one hidden column; one that only senses has none of both, and no
    output. Of the Llama family one may have hidden columns, or outputs alone, and no head, so no
    column of the residual. No output, or no input, is legal of any node.
    """

    heads: tuple[int, ...]
    hidden: tuple[int, ...]
    outputs: tuple[int, ...]
    inputs: tuple[int, ...]

    @property
    def nodes(self) -> int:
        """D."""
        return len(self.heads)

    @classmethod
    def even(
        cls,
        model: ModelConfig,
        nodes: int,
        input_split: str = "single",
        output_split: str = "even",
        sensors: int = 1,
    ) -> SplitConfig:
        """The most even split; the rest as in ``by_shares``."""
        if not 1 <= nodes <= MAX_NODES:
            raise CatsError(f"{nodes} nodes: choose 1 to {MAX_NODES}")
        return cls.by_shares(model, (1,) * nodes, input_split, output_split, sensors)

    @classmethod
    def by_shares(
        cls,
        model: ModelConfig,
        shares: Sequence[float],
        input_split: str = "single",
        output_split: str = "even",
        sensors: int = 1,
    ) -> SplitConfig:
        """The split nearest to ``shares``, a number for each node, in whole heads; a node whose
        share is 0 only senses. Where more nodes than heads compute, of the Llama family those with
        the largest shares have one head each, and fewer hidden columns than the others.

        ``input_split`` is ``single`` (node 0 holds the raw tokens) or ``channels`` (the input
        columns are spread as well; where they are those of several ``sensors``, an equal number
        each, a sensor's columns stay together; where some node only senses, all have as many as
        the others). ``output_split`` is ``single`` (node 0, or the first that computes, has the
        whole result, so it cannot be lost on its way there; the others hear it) or ``even`` (spread
        by the shares as well: less flash on node 0; every node misses the parts that it does not
        hear).
        """
        nodes = len(shares)
        if not 1 <= nodes <= MAX_NODES:
            raise CatsError(f"{nodes} shares: choose 1 to {MAX_NODES}, one for each node")
        if not _are_shares(shares):
            raise CatsError(f"shares {list(shares)}: none negative, one positive, all finite")
        parts = [share for share in shares if share]  # of nodes that compute
        for name in ("hidden",) if model.is_llama else ("heads", "hidden"):
            if len(parts) > getattr(model, name):
                raise CatsError(
                    f"{len(parts)} nodes cannot share {getattr(model, name)} {_COUNTED[name]}: "
                    f"every node owns at least one, so use at most {getattr(model, name)} nodes or "
                    f"more {_COUNTED[name]}"
                )
        if input_split not in INPUT_SPLITS:
            raise CatsError(f"input split is {input_split!r}: one of {', '.join(INPUT_SPLITS)}")
        if output_split not in OUTPUT_SPLITS:
            raise CatsError(f"output split is {output_split!r}: one of {', '.join(OUTPUT_SPLITS)}")
        width = model.inputs // sensors if sensors > 1 else 1  # columns that stay together
        sensing = shares if all(shares) else (1,) * nodes

        def of_computing(counts: Iterable[int]) -> tuple[int, ...]:
            count = iter(counts)
            return tuple(next(count) if share else 0 for share in shares)

        def of_first(total: int, among: Sequence[float]) -> tuple[int, ...]:
            first = next(d for d, share in enumerate(among) if share)
            return tuple(total * (d == first) for d in range(nodes))

        if len(parts) > model.heads:
            heads, hidden = _without_heads(model, parts)
        else:
            heads, hidden = (share_out(total, parts, 1) for total in (model.heads, model.hidden))
        split = cls(
            heads=of_computing(heads),
            hidden=of_computing(hidden),
            outputs=of_first(model.outputs, shares)
            if output_split == "single"
            else share_out(model.outputs, shares),
            inputs=of_first(model.inputs, (1,) * nodes)
            if input_split == "single"
            else tuple(width * count for count in share_out(model.inputs // width, sensing)),
        )
        split.check(model)
        return split

    def deal(
        self,
        model: ModelConfig,
        shares: Sequence[float],
        input_split: str | None = None,
        output_split: str | None = None,
        sensors: int = 1,
    ) -> SplitConfig:
        """The same over other nodes: ``by_shares``, where input and output are spread as they are
        here, unless it is said (of one node: the input stays with node 0, and so does the
        result)."""
        spread = {name: max(getattr(self, name)) < total for name, total in
                  (("inputs", model.inputs), ("outputs", model.outputs))}  # fmt: skip
        return self.by_shares(
            model,
            shares,
            input_split or INPUT_SPLITS[spread["inputs"]],
            output_split or OUTPUT_SPLITS[spread["outputs"]],
            sensors,
        )

    def with_rows(self, model: ModelConfig) -> SplitConfig:
        """The same of a model whose tokens' rows stand at one node each: as many outputs
        everywhere, and rows where weights leave room, so that all hold about as many bytes. Of a
        tied model without tables each has rows and outputs of the same tokens, which stand once."""
        once = model.tied and not model.layer_tables
        outputs = (0,) * self.nodes if once else share_out(model.outputs, (1,) * self.nodes)
        keys = 2 * model.features * model.key_heads // model.heads
        columns = [
            heads * model.head_width * (2 * model.features + keys) + hidden * 3 * model.features
            for heads, hidden in zip(self.heads, self.hidden, strict=True)
        ]  # weights of a block
        used = [
            model.blocks * weights + count * (model.features + 8)
            for weights, count in zip(columns, outputs, strict=True)
        ]
        need = model.inputs * (model.features + 8 if once else model.row_bytes)
        ranked = sorted(used)
        level = min(  # up to which rows fill the emptiest nodes
            (sum(ranked[: n + 1]) + need) / (n + 1)
            for n in range(self.nodes)
            if (sum(ranked[: n + 1]) + need) / (n + 1) >= ranked[n]
        )
        room = [max(level - bytes_, 0.0) for bytes_ in used]
        inputs = share_out(model.inputs, room)
        return dataclasses.replace(self, outputs=inputs if once else outputs, inputs=inputs)

    def check(self, model: ModelConfig) -> None:
        """Raise CatsError unless this split fits the model."""
        if not 1 <= self.nodes <= MAX_NODES:
            raise CatsError(f"{self.nodes} nodes: choose 1 to {MAX_NODES}")
        for name in ("heads", "hidden", "outputs", "inputs"):
            counts, total = getattr(self, name), getattr(model, name)
            if len(counts) != self.nodes:
                raise CatsError(f"{name} split has {len(counts)} parts for {self.nodes} nodes")
            if any(c < 0 for c in counts):
                raise CatsError(f"{name} split {list(counts)}: no node owns less than 0")
            if sum(counts) != total:
                raise CatsError(f"{name} split {list(counts)} sums to {sum(counts)}, not {total}")
        for d, (heads, hidden, outputs, inputs) in enumerate(
            zip(self.heads, self.hidden, self.outputs, self.inputs, strict=True)
        ):
            if not heads and model.is_llama:
                continue
            if (heads > 0) != (hidden > 0) or (outputs and not heads):
                raise CatsError(
                    f"node {d} owns {heads} heads, {hidden} hidden columns and {outputs} outputs: "
                    "at least one of the first two, or none of all"
                )
            if inputs and not heads and model.embed == "own":
                raise CatsError(
                    f"node {d} has inputs and no heads: with embed 'own' nobody else embeds them; "
                    "use embed 'stem' or 'full'"
                )
        sensing = sum(count > 0 for count in self.inputs)
        if 0 < model.embed_hidden < sensing:
            raise CatsError(
                f"{model.embed_hidden} hidden columns of the embedding for {sensing} nodes with "
                "inputs: each needs at least one"
            )
        if model.linear and self.holder(model) is None:
            raise CatsError(
                "a linear path needs one node that has the whole input and the whole result: use "
                "input split 'single' and output split 'single', or leave the path out"
            )

    def holder(self, model: ModelConfig) -> int | None:
        """The node that has all input and all output columns; None where there is none."""
        whole = (model.inputs, model.outputs)
        shares = zip(self.inputs, self.outputs, strict=True)
        return next((d for d, share in enumerate(shares) if share == whole), None)

    def embed_hidden(self, model: ModelConfig) -> tuple[int, ...]:
        """Hidden columns of each node's embedding, or columns of its stem: by its inputs, at least
        one where it has any."""
        sensing = [count for count in self.inputs if count]
        parts = iter(share_out(model.embed_hidden, sensing, 1) if model.embed_hidden else ())
        return tuple(next(parts, 0) if count else 0 for count in self.inputs)


@dataclass(frozen=True)
class RunConfig:
    """All that a training run was asked for; ``RUN/config.json`` holds it."""

    model: ModelConfig
    split: SplitConfig
    task: str
    seed: int = 0
    extra: dict = field(default_factory=dict)


def to_json(config: object) -> dict:
    """A dataclass as plain JSON types."""
    return json.loads(json.dumps(_plain(config)))  # tuples become lists


def _plain(value: Any) -> Any:
    """Dataclasses as dictionaries, without later fields that have their defaults."""
    if dataclasses.is_dataclass(value):
        return {
            f.name: _plain(getattr(value, f.name))
            for f in dataclasses.fields(value)
            if not (f.metadata.get("later") and getattr(value, f.name) == f.default)
        }
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


class ShapeFile(msgspec.Struct):
    """What files that hold a whole model begin with."""

    format: int
    model: ModelConfig
    split: SplitConfig
    keep: list[list[tuple[int, ...]]]

    def check(self, where: object) -> None:
        """Raise CatsError unless the shape can be built."""
        try:
            self.model.check()
            self.split.check(self.model)
        except CatsError as error:
            raise CatsError(f"{where}: {error}") from None
