# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Training: message dropout, pruning in steps, checkpoints, runs that can be repeated.

Every random number follows from (seed, epoch), that of ordinary dropout from the process as well,
so a resumed run ends with the weights of an uninterrupted one, and several processes, each with its
share of every batch, do what one does.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from cats.errors import CatsError
from cats.files import write_atomic
from cats.integer.quantize import Scales
from cats.nn.deal import deal
from cats.nn.message_dropout import MessageDropout
from cats.nn.model import CatsTransformer
from cats.nn.prune import (
    by_activation,
    importance,
    select,
    taylor,
    within_budget,
)
from cats.nn.qat import Rounded, scales_from_json
from cats.nn.to_integer import calibration_inputs, scales_for
from cats.plan.plan import plan_air
from cats.plan.planner import make_plan
from cats.plan.predict import parameters
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.links import check_links
from cats.shape.partition import KeepSets, Kind, full_keep, heard_keep, local_keep
from cats.tasks import Task, generator_of
from cats.training.best_epoch import BestEpoch, set_linear
from cats.training.device import device_name, moved, pick_device, seeds_kept, threads
from cats.training.distributed import average, from_first, processes, wait_for_all
from cats.training.options import Training
from cats.training.run_folder import (
    CHECKPOINT,
    begin_run,
    load_run,
    read_metrics,
    read_tensors,
    run_config,
    run_state,
    write_run,
)
from cats.training.step import Gradients

#: Tokens of the samples that are predicted at a time.
MOST_ROWS = 1 << 16


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
    gives weights and keep sets to start from, of any split. Started by torchrun, all processes
    share each batch.
    """
    training.check()
    if training.links is not None:
        check_links(training.links, split.nodes)
    _check_task(task, config)
    _check_memory(config)
    device = pick_device(training.device)
    rank, world = processes(device)
    with threads(training.threads), seeds_kept(device):
        if training.batch % (world * training.accumulate):
            raise CatsError(
                f"batch of {training.batch} cannot be shared by {world} processes, each in "
                f"{training.accumulate} parts"
            )
        session = _Session(task, config, split, training, device, rank, world, init)
        if out is not None:
            state = run_state(out, session.config_json(), resume, force)
            if state == "done":
                model, _ = load_run(out)
                return model, read_metrics(out)
            wait_for_all()  # all have looked before the first one writes
            if state == "begun":
                session.restore(out / CHECKPOINT)
            elif rank == 0:
                begin_run(out, session.config_json(), task.tokenizer)
        session.run(out if rank == 0 else None, checkpoint_seconds, after_epoch)
        metrics = session.finish()
        if out is not None and rank == 0:
            write_run(out, session.final, session.config_json(), metrics)
        wait_for_all()  # nobody reads the folder before it is whole
        return session.final, metrics


def _check_shape(before: ModelConfig, asked: ModelConfig) -> None:
    """CatsError where a model cannot go on as one of another shape. What is pooled, and how many
    rows rotary positions number, no weight knows of."""
    free = ("pool", "tokens_in") if asked.position == "rotary" else ("pool",)
    names = [field.name for field in dataclasses.fields(asked) if field.name not in free]
    other = [
        f"{name} {getattr(before, name)}, not {getattr(asked, name)}"
        for name in names
        if getattr(before, name) != getattr(asked, name)
    ]
    if other:
        raise CatsError(f"the run to start from has another shape: {', '.join(other)}")


class _Session:
    """The state of one training run in one process."""

    def __init__(
        self,
        task: Task,
        config: ModelConfig,
        split: SplitConfig,
        training: Training,
        device: torch.device,
        rank: int,
        world: int,
        init: CatsTransformer | None,
    ) -> None:
        self.task, self.config, self.split, self.training = task, config, split, training
        self.device, self.rank, self.world = device, rank, world
        torch.manual_seed(training.seed % 2**64)
        # A causal forecaster learns from all rows at once; only the last row is used later. Beside
        # a linear path it learns from that one alone: the path's window ends there.
        every_row = task.all_rows and config.pool == "last" and config.causal
        every_row = every_row and not config.linear
        shape = dataclasses.replace(config, pool="all") if every_row else config
        self.model = CatsTransformer(shape, split, dropout=training.dropout)
        if init is not None:
            _check_shape(init.config, config)
            init, _ = deal(init, split)
            self.model.load_state_dict(init.state_dict())
            self.model.set_keep(init.keep)
        if training.local_blocks:
            keep = local_keep(config, self.model.keep, training.local_blocks)
            self.model.set_keep(heard_keep(config, split, keep))
        self.best: BestEpoch | None = None
        fitted = task.linear_map() if config.linear else None
        if fitted is not None:
            if init is None:
                set_linear(self.model, fitted)
            self.model.linear.requires_grad_(False)
            self.best = BestEpoch(self.validation_figures, task.higher_is_better, path=True)
        elif training.best_epoch:
            if task.validation is None:
                raise CatsError("the best epoch is that of a validation part: give one")
            self.best = BestEpoch(self.validation_figures, task.higher_is_better)
        self.model.to(device)
        task.to(device)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=training.lr,
            weight_decay=training.weight_decay,
            fused=True,
        )
        fp16 = training.precision == "fp16"
        self.scaler = torch.amp.GradScaler(device.type, enabled=fp16)
        parts = world * training.accumulate
        self.batch = min(training.batch, task.size // parts * parts)
        if not self.batch:
            raise CatsError(f"{task.size} training samples for batches of {parts} parts")
        self.steps_an_epoch = task.size // self.batch
        self.epoch, self.seconds, self.cpu_seconds = 0, 0.0, 0.0
        self.history: list[dict] = []
        self.scales: Scales | None = None
        self.gradients: Gradients | None = None  # of the model as it is now
        self.final = self.model

    def config_json(self) -> dict:
        """Content of RUN/config.json."""
        return run_config(
            self.task.name,
            self.task.options,
            self.task.metadata,
            self.config,
            self.split,
            self.training,
            self.model.keep,
            self.scales,
            self.task.tokenizer,
        )

    def run(
        self,
        out: Path | None,
        checkpoint_seconds: float,
        after_epoch: Callable[[int, dict], None] | None,
    ) -> None:
        prune_at = self._pruning()
        saved = time.monotonic()
        first = self.epoch
        if self.best and not self.best.state:
            self.best.restart(self.model)
        bar = _bar(range(first, self.training.epochs), first, self.training.epochs, self.rank)
        for epoch in bar:
            begin, cpu = time.monotonic(), time.process_time()
            if epoch in prune_at:
                keep = from_first(prune_at[epoch])
                self.model.set_keep(heard_keep(self.config, self.split, keep))
                self.gradients = None
            rounded = self.training.epochs - self.training.qat  # the first of those with roundings
            if epoch >= rounded:
                self._round()
            if self.best and (epoch in prune_at or epoch == rounded):
                self.best.restart(self.model)
            loss = self._epoch(epoch)
            if not math.isfinite(loss):
                raise CatsError(f"training diverged in epoch {epoch + 1}: lower the learning rate")
            self.epoch = epoch + 1
            record = {"epoch": self.epoch, "loss": loss}
            if (part := self.task.validation) is not None:
                outputs = self.outputs(part.inputs)
                scores = self.task.score(outputs, part)
                record |= {f"validation_{name}": value for name, value in scores.items()}
                if self.best:
                    figures = [scores[self.task.metric]]
                    if self.best.path:
                        figures = self.validation_figures(outputs)
                    self.best.offer(self.epoch, self.model, figures)
            self.history.append(record)
            if self.rank == 0 and (text := self.task.sample(self.epoch, self.outputs)):
                print(text, file=sys.stderr, flush=True)
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
        """From now on learn with roundings."""
        if self.model.rounding is not None:
            return
        if self.scales is None:
            inputs = calibration_inputs(self.task)
            self.scales = from_first(lambda: scales_for(self.model, self.config, inputs))
        self.model.rounding, self.gradients = Rounded(self.config, self.scales), None

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
            most = full_keep(model.config, self.split)
            most = local_keep(model.config, most, training.local_blocks)
            most = heard_keep(model.config, self.split, most)
            plan = make_plan(self.config, self.split, most, radio=training.air_radio)
            steps = {
                epoch: functools.partial(to_budget, budget)
                for epoch, budget in training.budget_at(plan_air(plan).bytes).items()
            }
        return steps

    def _make_gradients(self) -> Gradients:
        training, dropout = self.training, None
        if training.message_dropout[1] > 0 or training.links is not None:
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
                self.device,
                training.links,
                training.hops,
            )
        return Gradients(
            self.model,
            self.task.loss,
            dropout,
            "fp32" if self.model.rounding else training.precision,  # an int8 is a float32 here
            training.accumulate,
            (self.rank, self.world),
            self.scaler,
        )

    def _epoch(self, epoch: int) -> float:
        """One pass over the training part; the mean loss."""
        training = self.training
        seed = training.seed * 1_000_003 + epoch
        order, noise = generator_of(seed), generator_of(seed * 1009 + 1)
        torch.manual_seed((seed * 1009 + 1 + self.rank) % 2**64)
        steps = training.epochs * self.steps_an_epoch
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        self.model.train()
        gradients = self.gradients = self.gradients or self._make_gradients()
        batches = self.task.batches(self.batch, self.model.config.output_rows, order, noise)
        i = -1
        for i, (x, targets) in enumerate(itertools.islice(batches, self.steps_an_epoch)):
            dropout = gradients.dropout
            total += gradients(x, targets, dropout.arrived(len(x), noise) if dropout else None)
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), training.clip)
            for group in self.optimizer.param_groups:
                group["lr"] = training.rate(epoch * self.steps_an_epoch + i, steps)
            self.scaler.step(self.optimizer)
            self.scaler.update()
        self.model.eval()
        average([total])
        if i < 0:
            raise CatsError(f"the training data gave no batch of {self.batch} samples")
        return total.item() / (i + 1)

    def outputs(self, inputs: Tensor) -> Tensor:
        """What the model as it is gives, nothing lost, as the task scores it."""
        self.model.eval()
        return predict(self.model, inputs, self.task.scores_rows)

    def validation_figures(self, outputs: Tensor | None = None) -> list[float]:
        """The figures by which epochs beside a linear path are compared: of the validation part,
        and of its quarters."""
        part = self.task.validation
        outputs = self.outputs(part.inputs) if outputs is None else outputs
        cuts = [round(i * len(part) / 4) for i in range(5)]
        chosen = [slice(0, len(part)), *map(slice, cuts, cuts[1:])]
        return [
            self.task.score(outputs[one], part.at(one))[self.task.metric]
            for one in chosen
            if one.stop > one.start
        ]

    def finish(self) -> dict:
        """The model as it will be used, and its figures."""
        if self.best:
            self.model.load_state_dict(self.best.state)
        self.final = CatsTransformer(self.config, self.split, self.model.keep)
        self.final.load_state_dict(self.model.state_dict())
        self.final.to(self.device).eval()
        self.final.metadata, self.final.scales = self.task.metadata, self.scales
        metrics = {
            "metric": self.task.metric,
            "parameters": parameters(self.final.config, self.final.split),
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "processes": self.world,
            "device": device_name(self.device),
            "threads": torch.get_num_threads(),
            "history": self.history,
            **({"best_epoch": self.best.epoch} if self.best else {}),
        }
        for name in ("validation", "test"):
            if (part := getattr(self.task, name)) is not None:
                outputs = predict(self.final, part.inputs, self.task.scores_rows)
                metrics[name] = self.task.score(outputs, part)
        self.final.cpu()
        return metrics

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        tensors = {f"model.{name}": t for name, t in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            for key, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer.{name}.{key}"] = value
        if self.best:
            tensors |= {f"best.{name}": t for name, t in self.best.state.items()}
        state = {
            "config": self.config_json(),
            "epoch": self.epoch,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "history": self.history,
            "scaler": self.scaler.state_dict(),
            "best": [self.best.epoch, self.best.value, self.best.alone] if self.best else None,
        }
        write_atomic(path, save(tensors, {"state": json.dumps(state)}))

    def restore(self, path: Path) -> None:
        """Inverse of save."""
        tensors, metadata = read_tensors(path)
        try:
            state = json.loads(metadata["state"])
            keep = [[tuple(columns) for columns in sources] for sources in state["config"]["keep"]]
            self.model.set_keep(keep)
            self.model.load_state_dict({k: tensors[f"model.{k}"] for k in self.model.state_dict()})
            for name, parameter in self.model.named_parameters():
                if not parameter.requires_grad:
                    continue
                keys = ("step", "exp_avg", "exp_avg_sq")
                self.optimizer.state[parameter] = {
                    key: tensors[f"optimizer.{name}.{key}"].to(self.device) for key in keys
                }
            self.epoch, self.seconds = state["epoch"], state["seconds"]
            self.cpu_seconds = state["cpu_seconds"]
            self.history = state["history"]
            if self.scaler.is_enabled():
                self.scaler.load_state_dict(state["scaler"])
            self.gradients = None
            if self.best:
                self.best.epoch, self.best.value, self.best.alone = state["best"]
                self.best.state = {k: tensors[f"best.{k}"] for k in self.model.state_dict()}
            if "scales" in state["config"]:
                self.scales = scales_from_json(state["config"]["scales"], self.config)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CatsError(f"{path} is no checkpoint of this run ({error}): use --force") from None


@torch.no_grad()
def predict(model: CatsTransformer, inputs: Tensor, every_row: bool = False) -> Tensor:
    """The last output row of every sample, [n, tokens_in, P] to [n, C], or with ``every_row`` all
    of them, [n, rows, C]; both on the CPU."""
    batch = min(512, max(1, MOST_ROWS // model.config.tokens))
    chunks = (model(moved(chunk, model.device)) for chunk in inputs.split(batch))
    return torch.cat([chunk if every_row else chunk[:, -1] for chunk in chunks]).cpu()


def _check_memory(config: ModelConfig) -> None:
    """A shape that this machine cannot hold: weights, their gradients and AdamW's two moments."""
    size = 16 * parameters(config)
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > most:
        raise CatsError(
            f"{parameters(config):,} parameters take {size / 2**30:.0f} GiB to train, this machine "
            f"has {most / 2**30:.0f}: choose fewer features, hidden columns or blocks"
        )


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


def _bar(epochs: range, first: int, total: int, rank: int) -> range:
    if rank or not sys.stderr.isatty():
        return epochs
    from tqdm import tqdm

    return tqdm(epochs, initial=first, total=total, unit="epoch", desc="train")
