# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The RUN folder: ``config.json`` (shape, split, keep sets, task, options); when training is done
``model.safetensors`` and ``metrics.json``, until then ``checkpoint.safetensors``; the tokenizer
of a language model that was imported."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from cats import __version__, schema, tasks
from cats.errors import CatsError
from cats.files import FolderKind, check_folder, is_empty, write_atomic
from cats.integer.llama_files import LLAMA_JSON
from cats.integer.model import INTEGER_JSON, IntegerModel
from cats.integer.quantize import Scales
from cats.integer.samples import with_counts
from cats.nn.deal import deal
from cats.nn.model import CatsTransformer
from cats.nn.qat import scales_from_json
from cats.nn.to_integer import calibration_inputs, quantize, scales_for
from cats.report import read_json
from cats.report import to_json as json_text
from cats.shape.config import ModelConfig, RunConfig, ShapeFile, SplitConfig, share_out, to_json
from cats.shape.metadata import Metadata
from cats.shape.metadata import from_json as metadata_from_json
from cats.shape.metadata import to_json as metadata_to_json
from cats.shape.partition import KeepSets, check_keep
from cats.tasks import Task
from cats.tasks.tokenizers import JSON, LLAMA2C, TokenizerFile, stored_tokenizer
from cats.training.options import Training

#: Version of the RUN folder; a newer one is refused.
RUN_FORMAT = 1
CONFIG, WEIGHTS, METRICS = "config.json", "model.safetensors", "metrics.json"
CHECKPOINT = "checkpoint.safetensors"
#: A RUN folder: what is the program's in it.
FOLDER = FolderKind(
    "a run", (CONFIG, WEIGHTS, METRICS, CHECKPOINT, LLAMA2C, JSON), {CONFIG: "task_options"}
)
#: Keys of config.json that RunConfig.extra has.
_EXTRA = ("task_options", "metadata", "training", "keep", "scales", "tokenizer")


def run_config(
    task: str,
    options: dict,
    metadata: Metadata | None,
    model: ModelConfig,
    split: SplitConfig,
    training: Training,
    keep: KeepSets,
    scales: Scales | None = None,
    tokenizer: TokenizerFile | None = None,
    imported: bool = False,
) -> dict:
    """Content of ``config.json``; ``imported``: the model was trained elsewhere."""
    return {
        "format": RUN_FORMAT,
        "cats": __version__,
        "task": task,
        "task_options": options,
        "metadata": metadata and metadata_to_json(metadata),
        "model": to_json(model),
        "split": to_json(split),
        "training": to_json(training),
        "keep": json.loads(json.dumps(keep)),
        **({"scales": to_json(scales)} if scales else {}),
        **({"tokenizer": tokenizer.to_json()} if tokenizer else {}),
        **({"imported": True} if imported else {}),
    }


def write_run(out: Path, model: CatsTransformer, config: dict, metrics: dict) -> None:
    """Complete a RUN folder; ``metrics.json`` comes last and says that all is there."""
    for name, data in _files(model, config, metrics).items():
        write_atomic(out / name, data)
    (out / CHECKPOINT).unlink(missing_ok=True)


def write_imported(
    out: Path,
    model: CatsTransformer,
    config: dict,
    metrics: dict,
    tokenizer: TokenizerFile | None = None,
) -> None:
    """The RUN folder of a model that was trained elsewhere, in place of what run was there: all of
    it, or where that fails nothing."""
    FOLDER.write(out, {**_begun(config, tokenizer), **_files(model, config, metrics)})


def _files(model: CatsTransformer, config: dict, metrics: dict) -> dict[str, bytes]:
    """What a complete RUN folder has beside a tokenizer, in the order in which it is written."""
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    return {
        CONFIG: _text({**config, "keep": json.loads(json.dumps(model.keep))}),
        WEIGHTS: save(state, {"format": str(RUN_FORMAT)}),
        METRICS: json_text(metrics).encode(),
    }


def _begun(config: dict, tokenizer: TokenizerFile | None) -> dict[str, bytes]:
    """What a RUN folder begins with."""
    files = {CONFIG: _text(config)}
    return files if tokenizer is None else {**files, tokenizer.name: tokenizer.content()}


class _Metrics(msgspec.Struct):
    """What others read of metrics.json."""

    parameters: int
    seconds: float
    cpu_seconds: float
    validation: dict[str, float]
    test: dict[str, float]
    baselines: dict[str, dict[str, dict[str, float]]] = {}


def read_metrics(path: Path) -> dict:
    """What metrics.json of a run holds; CatsError where it is missing or damaged."""
    data = read_json(path / METRICS)
    schema.convert(data, _Metrics, path / METRICS, again="train again with --force")
    return data


def load_run(path: Path | str) -> tuple[CatsTransformer, RunConfig]:
    """The trained model (evaluation mode, keep sets included) and how it was made.

    ``RunConfig.extra`` holds ``task_options``, ``metadata`` (None in a folder older than it),
    ``training``, ``keep``, ``scales`` (None unless trained with roundings) and ``tokenizer`` (None
    unless it came with the model) as config.json has them; ``load_task`` rebuilds the task,
    ``run_metadata`` reads the metadata. CatsError for a folder that is missing, partial, foreign,
    or of a newer version.
    """
    path = Path(path)
    if not path.is_dir():
        raise CatsError(f"{path} is no RUN folder: train one with 'cats train -o {path}'")
    if not (path / CONFIG).exists():
        if not any((path / name).exists() for name in (INTEGER_JSON, LLAMA_JSON)):
            raise CatsError(f"{path} holds no {CONFIG}: it was not made by 'cats train'")
        if not (path / "plan.json").exists():
            raise CatsError(f"{path} is a deployment without plan.json: export again")
        raise CatsError(f"{path} is a deployment: name the run that it was exported from")
    config = schema.load(path / CONFIG, dict[str, Any], "a run's configuration")
    version = schema.convert(config, schema.Head, path / CONFIG).format
    if version > RUN_FORMAT:
        raise CatsError(f"{path} has format {version}, this version reads {RUN_FORMAT}: upgrade")
    file = schema.convert(config, RunFile, path / CONFIG)
    _check_training(path, file.training)
    again = "import it again with --force" if file.is_imported else "train again with --force"
    for name in (METRICS, WEIGHTS):
        if not (path / name).exists():
            done = file.is_imported or (path / METRICS).exists()
            how = again if done else "finish the training with --resume"
            raise CatsError(f"{path} holds no {name}: {how}")
    schema.load(path / METRICS, dict[str, Any], "a run's figures", again=again)
    if (stored := config.get("tokenizer")) is not None:
        tokenizer = stored_tokenizer(path, stored if isinstance(stored, dict) else {})
        if not tokenizer.path.exists():
            raise CatsError(f"{path} holds no {tokenizer.name}: {again}")
    model = _model_of(path, file)
    tensors, _ = read_tensors(path / WEIGHTS, again)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise CatsError(f"{path / WEIGHTS}: {name} holds NaN or infinity: {again}")
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise CatsError(f"{path / WEIGHTS} does not fit {CONFIG}: {reason}") from None
    run = RunConfig(
        model=model.config,
        split=model.split,
        task=file.task,
        seed=file.training.get("seed", 0),
        extra={key: config.get(key) for key in _EXTRA},
    )
    if run.extra["tokenizer"] is not None:  # it lies where the run does
        run.extra["task_options"] = {**(file.task_options or {}), "tokenizer": str(path)}
    model.scales = run_scales(run)
    return model.eval(), run


def run_scales(run: RunConfig) -> Scales | None:
    """The scales that a run was trained with, None where it was trained without roundings."""
    scales = run.extra.get("scales")
    return None if scales is None else scales_from_json(scales, run.model)


def load_task(run: RunConfig, data: str | None = None) -> Task:
    """The task of a run by its options, or with other ``data`` (``cats.tasks.reload``)."""
    stored = run.extra.get("metadata")
    fitted = None if stored is None else metadata_from_json(stored, run.model)
    options = run.extra.get("task_options") or {}
    if data is None and _no_data(options):
        raise CatsError("this run has no data of its own: name some with --data")
    task = tasks.reload(run.task, options, run.model, data, fitted)
    _check_classes(run, task.metadata)
    return task


def run_metadata(run: RunConfig) -> Metadata:
    """What samples and outputs of a run mean; of an older folder as its task says today."""
    stored = run.extra.get("metadata")
    if stored is not None:
        return metadata_from_json(stored, run.model)
    now = load_task(run).metadata
    if now is None:
        raise CatsError(f"task {run.task} does not say what its samples mean: it has no metadata")
    return now


def _check_classes(run: RunConfig, now: Metadata | None) -> None:
    """CatsError where the task's outputs are not those that the run was trained for."""
    stored = run.extra.get("metadata")
    if now is None:
        return
    if stored is not None:
        before = metadata_from_json(stored, run.model).classes
        if before != now.classes:
            raise CatsError(
                f"the run tells {_few(before)} apart, the data holds {_few(now.classes)}: name the "
                "data that it was trained with, or train again"
            )
    elif now.classes is not None and list(now.classes) != sorted(now.classes):
        raise CatsError(
            "this run is of a version that sorted classes as text (1, 10, 2): train again"
        )


def _few(names: Sequence[str] | None) -> str:
    names = names or ("no classes",)
    return ", ".join(names[:4]) + (f" ... ({len(names)} classes)" if len(names) > 4 else "")


def source_of(path: Path, run: RunConfig) -> dict[str, Any]:
    """Where a model comes from that is quantised from a RUN folder."""
    return {
        "task": run.task,
        "seed": run.seed,
        "task_options": run.extra.get("task_options"),
        "training": run.extra.get("training"),
        "weights_sha256": hashlib.sha256((path / WEIGHTS).read_bytes()).hexdigest(),
    }


def quantise_run(
    path: Path | str,
    samples: int = 256,
    counts: Sequence[float] = (),
    shares: Sequence[float] | None = None,
    input_split: str | None = None,
    output_split: str | None = None,
    *,
    data: str | None = None,
) -> tuple[IntegerModel, dict]:
    """Quantise a RUN folder's model over ``samples`` of its training inputs, or of those of other
    ``data``, evenly spread, or by the scales that it was trained with; ``counts`` per unit as
    ``with_counts`` takes them. (model, where it comes from).

    ``shares``, ``input_split`` and ``output_split`` deal it to other nodes (``SplitConfig.deal``):
    its outputs stay the same to the bit while nothing is lost. CatsError where they would not,
    because of what was pruned (``cats.nn.deal``).
    """
    if samples < 1:
        raise CatsError(f"{samples} calibration samples: at least 1")
    path = Path(path)
    trained, run = load_run(path)
    run.model.check_integers()
    task = load_task(run, data)
    inputs = calibration_inputs(task, samples)
    scales = run_scales(run) or scales_for(trained, run.model, inputs)
    source = {
        **source_of(path, run),
        "task_options": task.options,
        "calibration_samples": len(inputs),
    }
    if shares or input_split or output_split:
        split = run.split.deal(
            run.model, shares or run.split.heads, input_split, output_split, task.channels
        )
        if split != run.split:
            trained = dealt(path, trained, split)
            source["trained_split"] = to_json(run.split)
    metadata = run_metadata(run) if run.extra.get("metadata") else task.metadata
    integers = quantize(trained, inputs, scales)
    if metadata is None:
        return integers, source
    return dataclasses.replace(integers, metadata=with_counts(metadata, counts)), source


def dealt(path: Path, model: CatsTransformer, split: SplitConfig) -> CatsTransformer:
    """The model of a run over other nodes; CatsError where it would compute something else."""
    model, changed = deal(model, split)
    if changed:
        nodes = f"--nodes {split.nodes}"
        if split.heads != share_out(model.config.heads, (1,) * split.nodes):
            nodes = f"--shares {','.join(map(str, split.heads))}"
        raise CatsError(
            f"{path} is pruned in {', '.join(changed)}, where a norm reads: over other nodes it "
            f"computes something else: finetune it with 'cats train --init {path} {nodes}'"
        )
    return model


class RunFile(ShapeFile):
    """What ``config.json`` holds; options of the training as the version that wrote it had them."""

    task: str = ""
    task_options: dict[str, Any] | None = None
    training: dict[str, Any] = {}
    scales: dict[str, Any] | None = None
    imported: bool = False

    @property
    def is_imported(self) -> bool:
        """Whether the model was trained elsewhere."""
        return self.imported or _no_data(self.task_options)


def _no_data(options: object) -> bool:
    """Whether these are options of a task that has no data: of a run that was imported."""
    return isinstance(options, dict) and "data" in options and options["data"] is None


def _check_training(path: Path, given: dict[str, Any]) -> None:
    known = {field.name for field in dataclasses.fields(Training)}
    options = {name: value for name, value in given.items() if name in known}
    schema.convert(options, Training, path / CONFIG, root="$.training")


def _model_of(path: Path, file: RunFile) -> CatsTransformer:
    file.check(path / CONFIG)
    try:
        check_keep(file.model, file.split, file.keep)
    except CatsError as error:
        raise CatsError(f"{path / CONFIG}: {error}") from None
    return CatsTransformer(file.model, file.split, file.keep)


def read_tensors(path: Path, again: str = "") -> tuple[dict[str, Tensor], dict[str, str]]:
    """(tensors by name, metadata) of a safetensors file; ``again``: what makes it anew."""
    try:
        with safe_open(path, "pt") as file:
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise CatsError(f"{path} cannot be read: {error}{again and f'; {again}'}") from None


def _text(config: dict) -> bytes:
    """A configuration as JSON for people: one line for each gather's keep sets, and for each
    sender's links."""
    text = json.dumps({k: v for k, v in config.items() if k != "keep"}, indent=1)
    if links := config["training"].get("links"):
        rows = ",\n   ".join(map(json.dumps, links))
        whole = json.dumps(config["training"], indent=1).replace("\n", "\n ")
        short = json.dumps({**config["training"], "links": None}, indent=1).replace("\n", "\n ")
        text = text.replace(whole, short.replace('"links": null', f'"links": [\n   {rows}\n  ]'))
    lines = ",\n  ".join(json.dumps(sources) for sources in config["keep"])
    return f'{text[:-2]},\n "keep": [\n  {lines}\n ]\n}}\n'.encode()


def run_state(out: Path, config: dict, resume: bool, force: bool) -> str:
    """What is to be done with a RUN folder: "new", "begun" (a checkpoint is there) or "done"."""
    check_folder(out)
    if force or not resume or is_empty(out):
        FOLDER.check(out, force, "continue it with --resume or start again with --force")
        return "new"
    FOLDER.check(out, True)
    before = read_json(out / CONFIG)
    if before.get("imported") or _no_data(before.get("task_options")):
        raise CatsError(
            f"{out} was imported, there is no training to continue: start from it with --init "
            f"{out} -o OTHER"
        )
    if isinstance(before.get("training"), dict):  # an option that is newer than the run
        before["training"] = {**to_json(Training()), **before["training"]}
        before["training"]["device"] = config["training"]["device"]  # where, not what
    if isinstance(before.get("model"), dict):
        before["model"] = {"linear": False, **before["model"]}
    changed = [
        key
        for key in ("format", "task", "model", "split", "training")
        if before.get(key) != json.loads(json.dumps(config[key]))
    ]
    if "task" not in changed and not _same_task(config, before.get("task_options")):
        changed.insert(0, "data or task_options")
    if changed:
        raise CatsError(f"{out} was trained with another {', '.join(changed)}: use --force")
    if (out / METRICS).exists():
        return "done"
    return "begun" if (out / CHECKPOINT).exists() else "new"


def _same_task(config: dict, before: object) -> bool:
    """Whether a run's stored options of the task are those of ``config``: of data, what it holds
    counts and not where it lies."""
    if not isinstance(before, dict):
        return False
    now = json.loads(json.dumps(config["task_options"]))
    if before == now:
        return True
    before = tasks.complete(config["task"], before)
    if now.get("sha256") and before.get("sha256"):
        before["data"] = now["data"]
    elif isinstance(before.get("data"), str) and "data" in now:  # a run older than the hash
        before |= {"data": tasks.stored_path(before["data"]), "sha256": now["sha256"]}
    return before == now


def begin_run(out: Path, config: dict, tokenizer: TokenizerFile | None = None) -> None:
    """Make the RUN folder in place of what run was there, which stays where that fails; a tokenizer
    is copied."""
    FOLDER.write(out, _begun(config, tokenizer))
