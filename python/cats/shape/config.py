# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The model's and the deployment's shape, as every other module uses it.

Letters follow ``doc/design.rst``: N tokens (rows of the residual), F features, H heads, M hidden
columns of the feed-forward, L blocks, P input columns, C output columns, D nodes, E = F / H.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field

from cats.errors import CatsError

#: Largest deployment: a node number has four bits in a frame.
MAX_NODES = 16
#: Largest N: the attention accumulator holds N products of 14 and 7 bits in 32 (doc/numerics.rst).
MAX_TOKENS = 1023
#: Largest F or M: the norm's fixed point is proven up to here (doc/numerics.rst).
MAX_COLUMNS = 4096

POOLS = ("mean", "class", "last", "all")
ACTIVATIONS = ("relu", "gelu")
TASKS = ("classify", "forecast")


@dataclass(frozen=True)
class ModelConfig:
    """One transformer.

    ``inputs`` rows of ``tokens_in`` patches come in; with ``pool="class"`` a learned class token
    stands in row 0, so the residual has ``tokens_in + 1`` rows, else ``tokens_in``.
    ``pool`` names the rows that the head reads: the mean over rows, the class token, the last row,
    or all rows (one output row for each).
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

    @property
    def tokens(self) -> int:
        """N: rows of the residual."""
        return self.tokens_in + (self.pool == "class")

    @property
    def head_width(self) -> int:
        """E = F / H."""
        return self.features // self.heads

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
        for name in ("inputs", "outputs", "features", "hidden"):
            if getattr(self, name) > MAX_COLUMNS:
                raise CatsError(f"{name} is {getattr(self, name)}: at most {MAX_COLUMNS}")
        for name, legal in (("pool", POOLS), ("activation", ACTIVATIONS), ("task", TASKS)):
            if getattr(self, name) not in legal:
                raise CatsError(f"{name} is {getattr(self, name)!r}: one of {', '.join(legal)}")
        if self.pool == "class" and self.causal:
            raise CatsError("a causal model cannot read its class token in row 0: use pool 'last'")


def even_split(total: int, parts: int) -> tuple[int, ...]:
    """Cut ``total`` into ``parts`` whole numbers that differ by at most one, the larger first."""
    base, rest = divmod(total, parts)
    return tuple(base + (i < rest) for i in range(parts))


@dataclass(frozen=True)
class SplitConfig:
    """Who owns what: a count for each node; node d owns the d-th contiguous range.

    ``heads`` sums to H (each at least 1), ``hidden`` to M (each at least 1), ``outputs`` to C and
    ``inputs`` to P (zero is legal: such a node gives no output, or has no sensor).
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
    ) -> SplitConfig:
        """The most even split.

        ``input_split`` is ``single`` (node 0 holds the raw tokens) or ``channels`` (the input
        columns are spread as well). ``output_split`` is ``single`` (node 0 computes the whole
        result, so it cannot be lost on its way there; the others hear it) or ``even`` (less flash
        on node 0; every node misses the parts that it does not hear).
        """
        if not 1 <= nodes <= MAX_NODES:
            raise CatsError(f"{nodes} nodes: choose 1 to {MAX_NODES}")
        if nodes > model.heads:
            raise CatsError(
                f"{nodes} nodes cannot share {model.heads} heads: every node owns at least one, "
                f"so use at most {model.heads} nodes or more heads"
            )
        if input_split not in ("single", "channels"):
            raise CatsError(f"input split is {input_split!r}: one of single, channels")
        if output_split not in ("single", "even"):
            raise CatsError(f"output split is {output_split!r}: one of single, even")
        nothing = (0,) * (nodes - 1)
        split = cls(
            heads=even_split(model.heads, nodes),
            hidden=even_split(model.hidden, nodes),
            outputs=(model.outputs, *nothing)
            if output_split == "single"
            else even_split(model.outputs, nodes),
            inputs=(model.inputs, *nothing)
            if input_split == "single"
            else even_split(model.inputs, nodes),
        )
        split.check(model)
        return split

    def check(self, model: ModelConfig) -> None:
        """Raise CatsError unless this split fits the model."""
        if not 1 <= self.nodes <= MAX_NODES:
            raise CatsError(f"{self.nodes} nodes: choose 1 to {MAX_NODES}")
        for name, least in (("heads", 1), ("hidden", 1), ("outputs", 0), ("inputs", 0)):
            counts, total = getattr(self, name), getattr(model, name)
            if len(counts) != self.nodes:
                raise CatsError(f"{name} split has {len(counts)} parts for {self.nodes} nodes")
            if any(c < least for c in counts):
                raise CatsError(f"{name} split {list(counts)}: every node owns at least {least}")
            if sum(counts) != total:
                raise CatsError(f"{name} split {list(counts)} sums to {sum(counts)}, not {total}")


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
    return json.loads(json.dumps(dataclasses.asdict(config)))  # tuples become lists


def model_from_json(data: dict) -> ModelConfig:
    """Inverse of to_json for a ModelConfig; CatsError names what does not fit."""
    try:
        model = ModelConfig(**data)
    except TypeError as error:
        raise CatsError(f"model configuration does not fit this version: {error}") from None
    model.check()
    return model


def split_from_json(data: dict, model: ModelConfig) -> SplitConfig:
    """Inverse of to_json for a SplitConfig."""
    try:
        split = SplitConfig(**{key: tuple(value) for key, value in data.items()})
    except TypeError as error:
        raise CatsError(f"split does not fit this version: {error}") from None
    split.check(model)
    return split
