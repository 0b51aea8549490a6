# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Training: message dropout, pruning in steps, checkpoints, runs that can be repeated.

A RUN folder holds ``config.json`` (shape, split, keep sets, task, all options), when done
``model.safetensors`` and ``metrics.json``, and until then ``checkpoint.safetensors``. Every random
number follows from (seed, epoch, process), so a resumed run ends with the weights of an
uninterrupted one.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import functools
import hashlib
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, distributed, nn

from cats import __version__, tasks
from cats.errors import CatsError
from cats.integer.model import IntegerModel
from cats.integer.quantize import Scales
from cats.nn.message_dropout import GRANULARITIES, MODES, PAYLOAD, MessageDropout
from cats.nn.model import CatsTransformer
from cats.nn.prune import (
    CRITERIA,
    SCOPES,
    by_activation,
    importance,
    select,
    step_ratios,
    taylor,
    within_budget,
)
from cats.nn.qat import Rounded, scales_from_json
from cats.nn.to_integer import quantize, scales_for
from cats.plan.plan import plan_air
from cats.plan.planner import make_plan
from cats.shape.config import (
    ModelConfig,
    RunConfig,
    SplitConfig,
    model_from_json,
    read_json,
    split_from_json,
    to_json,
)
from cats.shape.partition import PRUNABLE, KeepSets, Kind, check_keep, full_keep
from cats.tasks import Part, Task

#: Version of the RUN folder; a newer one is refused.
RUN_FORMAT = 1
CONFIG, WEIGHTS, METRICS = "config.json", "model.safetensors", "metrics.json"
CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Training:
    """How to train.

    ``message_dropout`` (lo, hi) is the loss probability that each batch draws from; (0, 0) is off.
    ``payload`` (bytes) and ``tile_rows`` cut packets as the exporter will (``message_dropout``).
    ``keep``, the share of columns sent (one number, or {"attention": 0.5, ...}), is reached in
    ``prune_steps`` between ``prune_from`` and ``prune_until`` (shares of all epochs), by the
    criterion ``prune_by`` (``prune``). ``air_budget``, bytes that an inference puts on the air of
    ``air_radio``, takes the place of ``keep`` and is reached in as many steps. The last ``qat``
    epochs learn with the integer model's roundings (``cats.nn.qat``). ``dropout`` is ordinary
    dropout, ``clip`` bounds the gradient's norm. ``threads`` (None: as PyTorch chooses) is part of
    what makes a run repeatable; small models run best on one.
    """

    epochs: int = 60
    batch: int = 64
    lr: float = 6e-3
    weight_decay: float = 0.05
    warmup: float = 0.05
    clip: float = 1.0
    dropout: float = 0.0
    message_dropout: tuple[float, float] = (0.0, 0.0)
    granularity: str = "packet"
    modes: tuple[str, ...] = MODES
    patterns: int = 4
    payload: int = PAYLOAD
    tile_rows: int | tuple[int, ...] | None = None
    keep: float | dict[str, float] = 1.0
    prune_steps: int = 4
    prune_from: float = 0.3
    prune_until: float = 0.6
    prune_scope: str = "source"
    prune_by: str = "magnitude"
    air_budget: int | None = None
    air_radio: str = "ieee802154"
    qat: int = 0
    seed: int = 0
    threads: int | None = None

    def check(self) -> None:
        """Raise CatsError for options that cannot be trained with."""
        for name in ("epochs", "batch", "patterns", "payload", "prune_steps", "threads"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise CatsError(f"{name} is {getattr(self, name)}: at least 1")
        if not self.lr > 0:
            raise CatsError(f"learning rate is {self.lr}: it must be positive")
        if not 0 <= self.dropout < 1:
            raise CatsError(f"dropout is {self.dropout}: at least 0 and less than 1")
        low, high = self.message_dropout
        if not 0 <= low <= high <= 1:
            raise CatsError(f"message dropout is {low}:{high}: give LO:HI with 0 <= LO <= HI <= 1")
        for kind, ratio in self.keep_ratios().items():
            if not 0 < ratio <= 1:
                raise CatsError(f"keep {kind.name.lower()}={ratio}: more than 0 and at most 1")
        if not 0 <= self.prune_from <= self.prune_until <= 1:
            raise CatsError("pruning must start before it ends, both as shares of the epochs")
        if not 0 <= self.qat <= self.epochs:
            raise CatsError(f"{self.qat} epochs with roundings: 0 to all {self.epochs}")
        prunes = self.air_budget is not None or any(r < 1 for r in self.keep_ratios().values())
        if self.qat and prunes and max(self._step_epochs()) > self.epochs - self.qat:
            raise CatsError("pruning must end before the epochs with roundings begin")
        if self.air_budget is not None and any(ratio < 1 for ratio in self.keep_ratios().values()):
            raise CatsError("keep and air budget both say how much is sent: give one of them")
        for name, legal in (
            ("granularity", GRANULARITIES),
            ("prune_scope", SCOPES),
            ("prune_by", CRITERIA),
        ):
            if getattr(self, name) not in legal:
                raise CatsError(f"{name} is {getattr(self, name)!r}: one of {', '.join(legal)}")

    def keep_ratios(self) -> dict[Kind, float]:
        """The share of columns to send in each prunable kind of gather."""
        if not isinstance(self.keep, dict):
            return dict.fromkeys(PRUNABLE, self.keep)
        kinds = {kind.name.lower(): kind for kind in PRUNABLE}
        for name in self.keep:
            if name not in kinds:
                raise CatsError(f"keep {name!r}: one of {', '.join(kinds)}")
        return {kind: self.keep.get(name, 1.0) for name, kind in kinds.items()}

    def prune_at(self) -> dict[int, dict[Kind, float]]:
        """{epoch: ratios to prune to before it}; of several steps in one epoch the last counts."""
        ratios = self.keep_ratios()
        if all(ratio == 1 for ratio in ratios.values()):
            return {}
        ladders = {kind: step_ratios(ratio, self.prune_steps) for kind, ratio in ratios.items()}
        return {
            epoch: {kind: ladder[i] for kind, ladder in ladders.items()}
            for epoch, i in self._step_epochs().items()
        }

    def budget_at(self, all_bytes: int) -> dict[int, int]:
        """{epoch: bytes on air to prune to before it}, where all columns take ``all_bytes``."""
        if self.air_budget is None or self.air_budget >= all_bytes:
            return {}
        shares = step_ratios(self.air_budget / all_bytes, self.prune_steps)
        return {
            epoch: max(self.air_budget, round(shares[i] * all_bytes))
            for epoch, i in self._step_epochs().items()
        }

    def _step_epochs(self) -> dict[int, int]:
        """{epoch: number of the pruning step before it}, the last where several are in one."""
        first, last = self.prune_from * self.epochs, self.prune_until * self.epochs
        between = (last - first) / max(self.prune_steps - 1, 1)
        steps = range(self.prune_steps)
        return {min(int(first + i * between), self.epochs - 1): i for i in steps}

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of a step: linear warm-up, then half a cosine down to zero."""
        warm = max(1, round(self.warmup * steps))
        if step < warm:
            return self.lr * (step + 1) / warm
        return self.lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def train(
    task: Task,
    config: ModelConfig,
    split: SplitConfig,
    training: Training,
    out: Path | None = None,
    resume: bool = False,
    force: bool = False,
    checkpoint_seconds: float = 10.0,
    after_epoch: Callable[[int, dict], None] | None = None,
    init: CatsTransformer | None = None,
) -> tuple[CatsTransformer, dict]:
    """Train and return (model in evaluation mode, metrics).

    ``out`` is the RUN folder (None: nothing is written). ``resume`` continues a run that was cut
    short and starts one where there is none; ``force`` starts again over an existing one.
    ``after_epoch(epoch, record)`` is called when an epoch and its checkpoint are done. ``init``
    gives weights and keep sets to start from. Started by torchrun, all processes share each batch.
    """
    training.check()
    _check_task(task, config)
    rank, world = _processes()
    with _threads(training.threads), torch.random.fork_rng([]):
        if training.batch % world:
            raise CatsError(f"batch of {training.batch} cannot be shared by {world} processes")
        session = _Session(task, config, split, training, rank, world, init)
        if out is not None:
            state = _state_of(out, session.config_json(), resume, force)
            if state == "done":
                model, _ = load_run(out)
                return model, read_json(out / METRICS)
            if world > 1:
                distributed.barrier()  # all have looked before the first one writes
            if state == "begun":
                session.restore(out / CHECKPOINT)
            elif rank == 0:
                _begin(out, session.config_json())
        session.run(out if rank == 0 else None, checkpoint_seconds, after_epoch)
        metrics = session.finish()
        if out is not None and rank == 0:
            write_run(out, session.final, session.config_json(), metrics)
        if world > 1:
            distributed.barrier()  # nobody reads the folder before it is whole
        return session.final, metrics


class _Session:
    """The state of one training run in one process."""

    def __init__(
        self,
        task: Task,
        config: ModelConfig,
        split: SplitConfig,
        training: Training,
        rank: int,
        world: int,
        init: CatsTransformer | None,
    ) -> None:
        self.task, self.config, self.split, self.training = task, config, split, training
        self.rank, self.world = rank, world
        torch.manual_seed(training.seed)
        # A causal forecaster learns from all rows at once; only the last row is used later.
        every_row = config.task == "forecast" and config.pool == "last" and config.causal
        shape = dataclasses.replace(config, pool="all") if every_row else config
        self.model = CatsTransformer(shape, split, dropout=training.dropout)
        if init is not None:
            if dataclasses.replace(init.config, pool=config.pool) != config or init.split != split:
                raise CatsError("the run to start from has another shape or split than asked for")
            self.model.load_state_dict(init.state_dict())
            self.model.set_keep(init.keep)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=training.lr,
            weight_decay=training.weight_decay,
            fused=True,
        )
        self.batch = min(training.batch, len(task.train) // world * world)
        if not self.batch:
            raise CatsError(f"{len(task.train)} training samples for {world} processes: too few")
        self.steps_an_epoch = len(task.train) // self.batch
        self.epoch, self.seconds, self.cpu_seconds = 0, 0.0, 0.0
        self.history: list[dict] = []
        self.scales: Scales | None = None
        self.final = self.model

    def config_json(self) -> dict:
        """Content of RUN/config.json."""
        return {
            "format": RUN_FORMAT,
            "cats": __version__,
            "task": self.task.name,
            "task_options": self.task.options,
            "model": to_json(self.config),
            "split": to_json(self.split),
            "training": to_json(self.training),
            "keep": json.loads(json.dumps(self.model.keep)),
            **({"scales": to_json(self.scales)} if self.scales else {}),
        }

    def run(
        self,
        out: Path | None,
        checkpoint_seconds: float,
        after_epoch: Callable[[int, dict], None] | None,
    ) -> None:
        prune_at = self._pruning()
        forward = _shared(self.model) if self.world > 1 else self.model
        saved = time.monotonic()
        first = self.epoch
        bar = _bar(range(first, self.training.epochs), first, self.training.epochs, self.rank)
        for epoch in bar:
            begin, cpu = time.monotonic(), time.process_time()
            if epoch in prune_at:
                self.model.set_keep(prune_at[epoch]())
            if epoch >= self.training.epochs - self.training.qat:
                self._round()
            loss = self._epoch(forward, epoch)
            if not math.isfinite(loss):
                raise CatsError(f"training diverged in epoch {epoch + 1}: lower the learning rate")
            self.epoch = epoch + 1
            record = {"epoch": self.epoch, "loss": loss}
            record |= {f"validation_{k}": v for k, v in self.score(self.task.validation).items()}
            self.history.append(record)
            self.seconds += time.monotonic() - begin
            self.cpu_seconds += time.process_time() - cpu
            if out is not None and time.monotonic() - saved >= checkpoint_seconds:
                self.save(out / CHECKPOINT)
                saved = time.monotonic()
            if hasattr(bar, "set_postfix"):
                bar.set_postfix({k: f"{v:.4f}" for k, v in record.items() if k != "epoch"})
            if after_epoch is not None:
                after_epoch(epoch, record)

    def _round(self) -> None:
        """From now on learn with roundings; all processes choose the same scales."""
        if self.scales is None:
            inputs = calibration_inputs(self.task)
            self.scales = scales_for(self.model, self.config, inputs)
        self.model.rounding = Rounded(self.config, self.scales)

    def _pruning(self) -> dict[int, Callable[[], KeepSets]]:
        """{epoch: what gives the keep sets from then on}."""
        training, model = self.training, self.model

        def scores() -> list[Tensor | None]:
            if training.air_budget is None and training.prune_by == "magnitude":
                return importance(model)
            if training.air_budget is None and training.prune_by == "activation":
                return by_activation(model, self.task, self.batch, training.seed)
            return taylor(model, self.task, self.batch, training.seed)

        def to_ratio(ratios: dict[Kind, float]) -> KeepSets:
            return select(model, ratios, scores(), training.prune_scope)

        def to_budget(budget: int) -> KeepSets:
            return within_budget(model, scores(), budget, training.air_radio, self.config)

        steps: dict[int, Callable[[], KeepSets]] = {
            epoch: functools.partial(to_ratio, ratios)
            for epoch, ratios in training.prune_at().items()
        }
        if training.air_budget is not None:
            full = full_keep(model.config, self.split)
            plan = make_plan(self.config, self.split, full, radio=training.air_radio)
            steps = {
                epoch: functools.partial(to_budget, budget)
                for epoch, budget in training.budget_at(plan_air(plan).bytes).items()
            }
        return steps

    def _epoch(self, forward: nn.Module, epoch: int) -> float:
        """One pass over the training part; the mean loss."""
        training = self.training
        order = torch.Generator().manual_seed(training.seed * 1_000_003 + epoch)
        noise = torch.Generator().manual_seed(
            (training.seed * 1_000_003 + epoch) * 1009 + 1 + self.rank
        )
        torch.manual_seed((training.seed * 1_000_003 + epoch) * 1009 + 1 + self.rank)
        dropout = None
        if training.message_dropout[1] > 0:
            dropout = MessageDropout(
                self.model.config,
                self.split,
                self.model.keep,
                training.message_dropout,
                training.granularity,
                training.modes,
                training.patterns,
                training.payload,
                training.tile_rows,
            )
        steps = training.epochs * self.steps_an_epoch
        total = 0.0
        self.model.train()
        indices = torch.randperm(len(self.task.train), generator=order)
        for i in range(self.steps_an_epoch):
            index = indices[i * self.batch : (i + 1) * self.batch][self.rank :: self.world]
            x, targets = self.task.batch(index, self.model.config.output_rows, noise)
            losses = dropout.draw(len(x), noise) if dropout else None
            loss = self.task.loss(forward(x, losses), targets)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), training.clip)
            for group in self.optimizer.param_groups:
                group["lr"] = training.rate(epoch * self.steps_an_epoch + i, steps)
            self.optimizer.step()
            total += loss.item()
        self.model.eval()
        return total / self.steps_an_epoch

    def score(self, part: Part) -> dict[str, float]:
        """Figures of the model as it is, nothing lost."""
        self.model.eval()
        return self.task.score(predict(self.model, part.inputs), part)

    def finish(self) -> dict:
        """The model as it will be used, and its figures."""
        self.final = CatsTransformer(self.config, self.split, self.model.keep)
        self.final.load_state_dict(self.model.state_dict())
        self.final.eval()
        metrics = {
            "metric": self.task.metric,
            "parameters": sum(p.numel() for p in self.final.parameters()),
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "processes": self.world,
            "threads": torch.get_num_threads(),
            "history": self.history,
        }
        for name in ("validation", "test"):
            metrics[name] = self.task.score(
                predict(self.final, getattr(self.task, name).inputs), getattr(self.task, name)
            )
        return metrics

    def save(self, path: Path) -> None:
        """Write a checkpoint in one move, so that an interruption never leaves half of one."""
        tensors = {f"model.{name}": t for name, t in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            for key, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer.{name}.{key}"] = value
        state = {
            "config": self.config_json(),
            "epoch": self.epoch,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "history": self.history,
        }
        partial = path.with_suffix(".partial")
        save_file(tensors, partial, {"state": json.dumps(state)})
        partial.replace(path)

    def restore(self, path: Path) -> None:
        """Inverse of save."""
        tensors, metadata = _read_tensors(path)
        try:
            state = json.loads(metadata["state"])
            keep = [[tuple(columns) for columns in sources] for sources in state["config"]["keep"]]
            self.model.set_keep(keep)
            self.model.load_state_dict({k: tensors[f"model.{k}"] for k in self.model.state_dict()})
            for name, parameter in self.model.named_parameters():
                keys = ("step", "exp_avg", "exp_avg_sq")
                self.optimizer.state[parameter] = {
                    key: tensors[f"optimizer.{name}.{key}"] for key in keys
                }
            self.epoch, self.seconds = state["epoch"], state["seconds"]
            self.cpu_seconds = state["cpu_seconds"]
            self.history = state["history"]
            if "scales" in state["config"]:
                self.scales = scales_from_json(state["config"]["scales"], self.config)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CatsError(f"{path} is no checkpoint of this run ({error}): use --force") from None


@torch.no_grad()
def predict(model: CatsTransformer, inputs: Tensor, batch: int = 512) -> Tensor:
    """The last output row of every sample: [n, tokens_in, P] to [n, C]."""
    return torch.cat([model(chunk)[:, -1] for chunk in inputs.split(batch)])


def calibration_inputs(task: Task, samples: int = 256) -> Tensor:
    """Training inputs [samples, tokens_in, P] at most, evenly spread, to choose scales by."""
    inputs = task.train.inputs
    chosen = np.linspace(0, len(inputs) - 1, min(samples, len(inputs))).astype(int)
    return inputs[np.unique(chosen)]


def write_run(out: Path, model: CatsTransformer, config: dict, metrics: dict) -> None:
    """Complete a RUN folder; ``metrics.json`` comes last and says that all is there."""
    _write_json(out / CONFIG, {**config, "keep": json.loads(json.dumps(model.keep))})
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, out / WEIGHTS, {"format": str(RUN_FORMAT)})
    _write_json(out / METRICS, metrics)
    (out / CHECKPOINT).unlink(missing_ok=True)


def load_run(path: Path | str) -> tuple[CatsTransformer, RunConfig]:
    """The trained model (evaluation mode, keep sets included) and how it was made.

    ``RunConfig.extra`` holds ``task_options``, ``training``, ``keep`` and ``scales`` (None unless
    trained with roundings) as config.json has them; ``load_task`` rebuilds the task. CatsError for
    a folder that is missing, partial, foreign, or of a newer version.
    """
    path = Path(path)
    if not path.is_dir():
        raise CatsError(f"{path} is no RUN folder: train one with 'cats train -o {path}'")
    if not (path / CONFIG).exists():
        raise CatsError(f"{path} holds no {CONFIG}: it was not made by 'cats train'")
    config = read_json(path / CONFIG)
    version = config.get("format")
    if not isinstance(version, int) or "model" not in config or "split" not in config:
        raise CatsError(f"{path / CONFIG} does not describe a run of 'cats train'")
    if version > RUN_FORMAT:
        raise CatsError(f"{path} has format {version}, this version reads {RUN_FORMAT}: upgrade")
    for name in (METRICS, WEIGHTS):
        if not (path / name).exists():
            raise CatsError(f"{path} holds no {name}: finish the training with --resume")
    model = _model_of(path, config)
    tensors, _ = _read_tensors(path / WEIGHTS)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise CatsError(f"{path / WEIGHTS} does not fit {CONFIG}: {reason}") from None
    run = RunConfig(
        model=model.config,
        split=model.split,
        task=config.get("task", ""),
        seed=config.get("training", {}).get("seed", 0),
        extra={key: config.get(key) for key in ("task_options", "training", "keep", "scales")},
    )
    return model.eval(), run


def run_scales(run: RunConfig) -> Scales | None:
    """The scales that a run was trained with, None where it was trained without roundings."""
    scales = run.extra.get("scales")
    return None if scales is None else scales_from_json(scales, run.model)


def load_task(run: RunConfig, **changes: object) -> Task:
    """The task of a run, rebuilt from its options; ``changes`` replace some (a new data path)."""
    return tasks.load(run.task, **{**(run.extra.get("task_options") or {}), **changes})


def quantise_run(path: Path | str, samples: int = 256) -> tuple[IntegerModel, dict]:
    """Quantise a RUN folder's model over ``samples`` of its training inputs, evenly spread, or by
    the scales that it was trained with; (model, where it comes from)."""
    if samples < 1:
        raise CatsError(f"{samples} calibration samples: at least 1")
    path = Path(path)
    trained, run = load_run(path)
    inputs = calibration_inputs(load_task(run), samples)
    source = {
        "task": run.task,
        "seed": run.seed,
        "task_options": (run.extra or {}).get("task_options"),
        "training": (run.extra or {}).get("training"),
        "weights_sha256": hashlib.sha256((path / WEIGHTS).read_bytes()).hexdigest(),
        "calibration_samples": len(inputs),
    }
    return quantize(trained, inputs, run_scales(run)), source


def _model_of(path: Path, config: dict) -> CatsTransformer:
    try:
        shape = model_from_json(config["model"])
        split = split_from_json(config["split"], shape)
        keep: KeepSets = [[tuple(columns) for columns in sources] for sources in config["keep"]]
        check_keep(shape, split, keep)
    except (KeyError, TypeError, AttributeError) as error:
        raise CatsError(f"{path / CONFIG} is damaged: {error!r}") from None
    except CatsError as error:
        raise CatsError(f"{path / CONFIG}: {error}") from None
    return CatsTransformer(shape, split, keep)


def _read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, "pt") as file:
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise CatsError(f"{path} cannot be read: {error}") from None


def _write_json(path: Path, data: dict) -> None:
    partial = path.with_suffix(".partial")
    keep = data.get("keep")
    text = json.dumps({k: v for k, v in data.items() if k != "keep"}, indent=1)
    if keep is not None:  # one line for each gather
        lines = ",\n  ".join(json.dumps(sources) for sources in keep)
        text = f'{text[:-2]},\n "keep": [\n  {lines}\n ]\n}}'
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def _state_of(out: Path, config: dict, resume: bool, force: bool) -> str:
    """What is to be done with a RUN folder: "new", "begun" (a checkpoint is there) or "done"."""
    if out.exists() and not out.is_dir():
        raise CatsError(f"{out} is a file: name a folder")
    if not out.exists() or not any(out.iterdir()) or force:
        return "new"
    if not resume:
        raise CatsError(f"{out} exists: continue it with --resume or start again with --force")
    before = read_json(out / CONFIG)
    if isinstance(before.get("training"), dict):  # an option that is newer than the run
        before["training"] = {**to_json(Training()), **before["training"]}
    changed = [
        key
        for key in ("format", "task", "task_options", "model", "split", "training")
        if before.get(key) != json.loads(json.dumps(config[key]))
    ]
    if changed:
        raise CatsError(f"{out} was trained with another {', '.join(changed)}: use --force")
    if (out / METRICS).exists():
        return "done"
    return "begun" if (out / CHECKPOINT).exists() else "new"


def _begin(out: Path, config: dict) -> None:
    """Make the RUN folder and remove what an earlier run left in it."""
    out.mkdir(parents=True, exist_ok=True)
    for name in (METRICS, WEIGHTS, CHECKPOINT):
        (out / name).unlink(missing_ok=True)
    _write_json(out / CONFIG, config)


def _check_task(task: Task, config: ModelConfig) -> None:
    tokens, inputs = task.train.inputs.shape[1:]
    if (config.tokens_in, config.inputs) != (tokens, inputs):
        raise CatsError(
            f"the model takes {config.tokens_in} x {config.inputs} inputs, task {task.name} gives "
            f"{tokens} x {inputs}"
        )
    if config.outputs != task.model.outputs:
        raise CatsError(
            f"the model has {config.outputs} outputs, task {task.name} needs {task.model.outputs}"
        )


def _shared(model: CatsTransformer) -> nn.Module:
    """The model with gradients averaged over the processes; masks are equal without being sent."""
    with warnings.catch_warnings():  # the option's new name is not in every supported PyTorch
        warnings.filterwarnings("ignore", "`broadcast_buffers`", FutureWarning)
        return nn.parallel.DistributedDataParallel(model, broadcast_buffers=False)


def _bar(epochs: range, first: int, total: int, rank: int) -> range:
    if rank or not sys.stderr.isatty():
        return epochs
    from tqdm import tqdm

    return tqdm(epochs, initial=first, total=total, unit="epoch", desc="train")


@contextlib.contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _processes() -> tuple[int, int]:
    """(rank, processes) as torchrun started us; one process otherwise. The group lives as long as
    the process: gloo does not come up a second time on the same store."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return 0, 1
    if not distributed.is_initialized():
        distributed.init_process_group("gloo")
        atexit.register(distributed.destroy_process_group)
    return distributed.get_rank(), distributed.get_world_size()
