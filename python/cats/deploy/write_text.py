# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Text that a RUN or a DEPLOY folder writes behind a prompt, a whole inference for each token."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from cats.deploy.export import load_deploy
from cats.errors import CatsError
from cats.integer.quantize import quantize_inputs, real_outputs
from cats.integer.reference import run_batch
from cats.integer.steps import window_of
from cats.shape.config import ModelConfig
from cats.shape.metadata import Metadata
from cats.tasks.text_tokens import Vocabulary, written

#: What runs a deployment: as ``cats.deploy.predict.Engine``, but int16 [n, rows, C].
Engine = Callable[..., np.ndarray]


@dataclasses.dataclass(frozen=True)
class Writing:
    """How tokens are drawn: as ``cats.tasks.text_tokens.written`` takes it."""

    length: int = 200
    temperature: float = 0.8
    seed: int = 0

    def behind(
        self,
        prompt: str,
        config: ModelConfig,
        metadata: Metadata | None,
        outputs: Callable[[np.ndarray], np.ndarray],
    ) -> Iterator[str]:
        """The text that follows ``prompt``, as it comes; ``outputs``: a window float32
        [1, N, tokens] to real outputs [1, rows, C]."""
        vocabulary = Vocabulary.of(metadata)
        if vocabulary is None or not config.causal:
            raise CatsError("this model writes no text: --prompt is for those of task text")
        if not prompt:
            raise CatsError("the prompt is empty: give at least one character")
        tokens = vocabulary.encode(prompt, "the prompt")
        if config.pool != "all" and len(tokens) < config.tokens:
            raise CatsError(
                f"this model has a result for whole windows alone: give a prompt of at least "
                f"{config.tokens} {vocabulary.unit}s, or train it with --pool all"
            )

        def row(window: np.ndarray, at: int) -> np.ndarray:
            return outputs(window)[0, at if config.pool == "all" else -1]

        found = written(
            row, vocabulary, tokens, config.tokens, self.length, self.temperature, self.seed
        )
        return vocabulary.as_text(found)


def by_run(path: Path, prompt: str, writing: Writing) -> Iterator[str]:
    """The float model of a RUN folder."""
    import torch

    from cats.nn.model import CatsTransformer
    from cats.training.evaluate import answers
    from cats.training.run_folder import load_run, run_metadata

    trained, run = load_run(path)
    config = trained.config
    if config.causal and config.pool == "last":  # the same weights know all rows
        config = dataclasses.replace(config, pool="all")
        every = CatsTransformer(config, trained.split, trained.keep)
        every.load_state_dict(trained.state_dict())
        trained = every

    def outputs(window: np.ndarray) -> np.ndarray:
        return answers(trained, torch.from_numpy(window), None, every_row=True).numpy()

    return writing.behind(prompt, config, run_metadata(run), outputs)


def by_deployment(
    path: Path, prompt: str, writing: Writing, engine: Engine | None = None
) -> Iterator[str]:
    """The integers of a DEPLOY folder, run by the integer reference or by ``engine``. A token whose
    output did not arrive is as likely as the least likely one."""
    model, plan, _, images = load_deploy(path)
    known = window_of(model)

    def outputs(window: np.ndarray) -> np.ndarray:
        inputs = quantize_inputs(model, window)
        whole = engine or (lambda model, plan, images, inputs: run_batch(known, inputs)[:, 0])
        real = real_outputs(model, whole(model, plan, images, inputs))
        least = 0.0 if np.isnan(real).all() else np.nanmin(real)
        return np.nan_to_num(real, nan=least)

    return writing.behind(prompt, model.config.whole, model.metadata, outputs)
