# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Text: a window of characters, bytes or a tokenizer's tokens in, the next one after each out.

A token enters as a row with a 1 in its column, so the embedding's weights are a table of tokens and
integers hold it exactly: 127 steps of 1/127.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cats.errors import CatsError
from cats.shape.config import MAX_COLUMNS, ModelConfig
from cats.shape.metadata import Metadata
from cats.tasks import Baseline, Part, Task, same_data, stored_path
from cats.tasks.parts import rows_of_parts
from cats.tasks.text_ngram import Ngram, compressed
from cats.tasks.text_tokens import UNITS, Tokens, Vocabulary, text_of, written
from cats.tasks.tokenizers import Subwords, find_tokenizer

#: Most floats of a part's windows that are laid out in memory, 256 MiB; of more some are left out.
MOST_FLOATS = 1 << 26
#: Windows of the training part that calibrate; it trains on random crops.
TRAIN_WINDOWS = 256
#: Tokens of a sample while it trains, the temperature, and seconds after which it is cut short.
SAMPLE, TEMPERATURE, SECONDS = 200, 0.8, 3.0
#: Longest runs of tokens that the baselines count.
ORDERS = {"unigram": 1, "bigram": 2, "5-gram": 5}


class Text(Task):
    """Windows of ``context`` tokens of a UTF-8 file; every token's successor is learned.

    ``tokens``: ``characters``, those that the file holds, or ``bytes``, all 256; or those of a
    ``tokenizer``, llama2.c's file, a ``tokenizer.json``, or a run that has one. ``parts``:
    training, validation and test in order of the text, as shares or numbers of tokens; with two
    (``0.9:0.1``) the validation part is the test part as well. An epoch is ``windows`` random
    crops, spread evenly over the training part (None: as many as lie side by side); validation and
    test windows lie side by side. With ``sha256`` another content is refused. ``fitted`` is the
    metadata of a run, whose tokens are taken.

    With ``pool="all"`` every row is scored, those with short contexts too, as nanoGPT does; with
    ``last`` the last row of each window alone, and short prompts have no answer from a deployment.
    """

    name = "text"
    metric = "bits_per_byte"
    higher_is_better = False
    all_rows = True
    scores_rows = True
    training = {"epochs": 10, "lr": 3e-3, "batch": 64, "patterns": 8}

    def __init__(
        self,
        data: str,
        tokens: str = "characters",
        context: int = 64,
        windows: int | None = None,
        parts: str = "0.9:0.05:0.05",
        sha256: str | None = None,
        tokenizer: str | None = None,
        fitted: Metadata | None = None,
    ) -> None:
        if tokens not in UNITS:
            raise CatsError(f"tokens is {tokens!r}: one of {', '.join(UNITS)}")
        for name, value in {"context": context, "windows": windows}.items():
            if value is not None and value < 1:
                raise CatsError(f"{name} is {value}: at least 1")
        if tokenizer is not None and tokens != "characters":
            raise CatsError("a tokenizer says what a token is: leave --tokens out")
        text = text_of(Path(data), UNITS[tokens])
        found = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        self.options = {
            "data": stored_path(data),
            "tokens": tokens,
            "context": context,
            "windows": windows,
            "parts": parts,
            "sha256": same_data(data, found, sha256),
            "tokenizer": tokenizer and stored_path(tokenizer),
        }
        self.context = context
        self.vocabulary: Tokens
        if tokenizer is not None:
            self.tokenizer = find_tokenizer(Path(tokenizer))
            self.vocabulary = Subwords(self.tokenizer.read())
        else:
            self.vocabulary = Vocabulary.of(fitted) or Vocabulary.of_text(UNITS[tokens], text)
            if self.vocabulary.unit != UNITS[tokens]:
                was = self.vocabulary.unit
                raise CatsError(f"the run learned {was}s: --tokens cannot change that")
        self.unit, count = self.vocabulary.unit, self.vocabulary.count
        numbers = self.vocabulary.encode(text, data)
        if count < 2:
            raise CatsError(f"{data} holds {count} different {tokens}: there is nothing to learn")
        if count > MAX_COLUMNS:
            raise CatsError(f"{tokenizer} has {count} tokens: task text takes up to {MAX_COLUMNS}")
        self.model = ModelConfig(
            tokens_in=context, inputs=count, outputs=count, features=64, heads=8, hidden=256,
            blocks=2, causal=True, activation="gelu", pool="all", task="classify",
        )  # fmt: skip
        self.metadata = self.vocabulary.metadata(context)
        self._pieces = self._cut(data, numbers, parts)
        train = self._pieces["train"]
        self._text = torch.from_numpy(train.astype(np.int16))
        self._one_hot = torch.eye(count)
        self._sizes = torch.from_numpy(self.vocabulary.sizes)
        self._room = len(train) - context  # places where a crop may begin
        self._size = windows or -(-self._room // context)
        self.train = self._part("training", train, TRAIN_WINDOWS)
        self.validation = self._part("validation", self._pieces["validation"])
        self.test = self.validation
        if len(self._pieces) == 3:
            self.test = self._part("test", self._pieces["test"])
        else:
            self.notes += ("there is no test part: its figures are of the validation part",)

    def _cut(self, data: str, numbers: np.ndarray, parts: str) -> dict[str, np.ndarray]:
        """The text's parts by name, numbers of tokens each."""
        counts = rows_of_parts(
            parts, len(numbers), what=f"{self.unit}s", least=2, each=self.context + 1,
            otherwise="a shorter --context or other --parts",
        )  # fmt: skip
        names = ("train", "validation", "test")[: len(counts)]
        ends = np.cumsum([0, *counts])
        pieces = {name: numbers[ends[i] : ends[i + 1]] for i, name in enumerate(names)}
        for name, piece in pieces.items():
            if len(piece) <= self.context:
                raise CatsError(
                    f"{data}: the {name} part has {len(piece)} {self.unit}s, a window takes "
                    f"{self.context + 1}: choose a shorter --context or other --parts"
                )
        return pieces

    def _part(self, name: str, piece: np.ndarray, most: int = sys.maxsize) -> Part:
        """Windows side by side, at most so many of them, evenly spread."""
        count = (len(piece) - 1) // self.context
        fit = max(1, min(most, MOST_FLOATS // (self.context * len(self._one_hot))))
        if fit < count and most == sys.maxsize:
            self.notes += (f"the {name} part is {fit:,} windows of {count:,}, evenly spread",)
        places = np.unique(np.linspace(0, count - 1, min(fit, count)).round().astype(int))
        at = places[:, None] * self.context + np.arange(self.context)
        rows, following = torch.from_numpy(piece[at]), torch.from_numpy(piece[at + 1])
        return Part(self._one_hot[rows], following)

    @property
    def size(self) -> int:
        return self._size

    def to(self, device: torch.device) -> None:
        self._text, self._one_hot = self._text.to(device), self._one_hot.to(device)

    def batch(self, index: Tensor, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Crop i of n begins at random in the i-th of n equal stretches of the training part;
        targets int64 [B, rows]."""
        first, end = (i * self._room // self._size for i in (index, index + 1))
        within = torch.rand(len(index), generator=generator) * (end - first).clamp(min=1)
        begin = (first + within.long()).to(self._text.device)
        span = torch.arange(self.context + 1, device=begin.device)
        tokens = self._text[begin[:, None] + span].long()
        return self._one_hot[tokens[:, :-1]], tokens[:, -rows:]

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy, the mean over rows."""
        return functional.cross_entropy(output.flatten(0, 1), targets.flatten())

    def score(self, output: Tensor, part: Part) -> dict[str, float]:
        """``output`` [n, rows, C], or [n, C] of the last row. Bits a byte of the successors' UTF-8,
        nats a token, and how often the likeliest token is the right one. A token that did not
        arrive has the output 0."""
        if output.dim() == 2:
            output = output[:, None]
        output = output.masked_fill(output < -1e29, 0.0).flatten(0, 1)
        targets = part.targets[:, -(len(output) // len(part)) :].flatten()
        nats = functional.cross_entropy(output, targets, reduction="none").double()
        bits = nats.sum() / math.log(2) / self._sizes[targets].sum()
        return {
            self.metric: bits.item(),
            f"nats_per_{self.unit}": nats.mean().item(),
            "accuracy": (output.argmax(-1) == targets).double().mean().item(),
        }

    def sample(self, epoch: int, outputs: Callable[[Tensor], Tensor]) -> str | None:
        """What the model writes behind the validation part's first tokens, after epochs 1, 2, 4,
        8 .."""
        if epoch & (epoch - 1):
            return None
        prompt = self._pieces["validation"][: max(1, min(self.context, 32))]

        def row(window: np.ndarray, at: int) -> np.ndarray:
            return outputs(torch.from_numpy(window))[0, at].numpy()

        end = time.monotonic() + SECONDS
        written_on = written(row, self.vocabulary, prompt, self.context, SAMPLE, TEMPERATURE, epoch)
        tokens = list(itertools.takewhile(lambda _: time.monotonic() < end, written_on))
        decode = self.vocabulary.decode
        return f"epoch {epoch}: {decode(prompt)}|{decode(tokens)}"

    def baselines(self) -> Mapping[str, Baseline]:
        """Interpolated counts of one, two and five tokens in a row."""
        return {name: functools.partial(self._counted, order) for name, order in ORDERS.items()}

    @functools.cached_property
    def _counts(self) -> Ngram:
        return Ngram(self._pieces["train"], len(self._one_hot), max(ORDERS.values()))

    def _counted(self, order: int, part: Part) -> Tensor:
        windows = part.inputs.argmax(-1).numpy()
        return torch.from_numpy(self._counts.shares(windows, order)).log()

    def beside(self, part: str) -> dict[str, dict[str, float]]:
        """Bits a byte of general compressors."""
        name = part if part in self._pieces else "validation"
        pieces = (self._pieces["train"], self._pieces[name])
        texts = [self.vocabulary.bytes_of(piece) for piece in pieces]
        return {name: {self.metric: bits} for name, bits in compressed(*texts).items()}
