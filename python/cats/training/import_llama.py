# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A RUN folder of a language model that was trained elsewhere, with its tokenizer.

Its task is ``text``; it has no data of its own.
"""

from __future__ import annotations

from pathlib import Path

from cats import schema
from cats.errors import CatsError
from cats.files import is_empty
from cats.nn.importers import llama
from cats.tasks.tokenizers import JSON, Ends, TokenizerFile, read_tokenizer
from cats.training.import_run import FOLDER_CONFIG, FOLDER_WEIGHTS
from cats.training.options import Training
from cats.training.run_folder import FOLDER, read_tensors, run_config, write_imported

#: What ``config.json`` of transformers calls the family.
_ARCHITECTURE, _TYPE = "LlamaForCausalLM", "llama"


def is_llama(source: Path) -> bool:
    """Whether it is a folder of a LlamaForCausalLM, as transformers saves one; CatsError of one
    that says that it is another language model."""
    if not (source / FOLDER_CONFIG).is_file():
        return False
    config = schema.read(source / FOLDER_CONFIG, "a model's configuration")
    if not isinstance(config, dict):
        return False
    named = config.get("architectures")
    if not isinstance(named, list):
        return config.get("model_type") == _TYPE
    if _ARCHITECTURE in named:
        return True
    for name in (n for n in named if isinstance(n, str) and n.endswith("ForCausalLM")):
        raise CatsError(f"{source} is a {name}: of language models import a {_ARCHITECTURE}")
    return False


def read_llama2c(source: Path, tokenizer: Path | None) -> tuple[llama.Imported, Path, Ends]:
    """(model, its tokenizer's file, tokens that begin and end a text) of llama2.c's checkpoint."""
    if tokenizer is None:
        raise CatsError("a checkpoint of llama2.c does not hold its tokenizer: give --tokenizer")
    found = llama.llama2c(source)
    ends = Ends(1, (1, 2)) if tokenizer.suffix != ".json" else Ends()
    return found, tokenizer, ends


def read_folder(source: Path, tokenizer: Path | None) -> tuple[llama.Imported, Path, Ends]:
    """The same of a folder with ``config.json`` and ``model.safetensors`` of a LlamaForCausalLM;
    its own ``tokenizer.json``, unless another is given."""
    config = schema.load(source / FOLDER_CONFIG, llama.Config, "a model's configuration")
    if not (source / FOLDER_WEIGHTS).exists():
        raise CatsError(f"{source} holds no {FOLDER_WEIGHTS}: save the model in one file")
    found = llama.by_names(read_tensors(source / FOLDER_WEIGHTS)[0], config)
    if tokenizer is None and not (source / JSON).exists():
        raise CatsError(f"{source} holds no {JSON}: give its --tokenizer")
    return found, tokenizer or source / JSON, Ends(config.bos_token_id, tuple(config.ends))


def import_llama(
    found: llama.Imported, tokenizer: Path, ends: Ends, out: Path, *, force: bool = False
) -> dict:
    """Write the RUN folder of a language model; the run's metrics."""
    if not is_empty(out):
        FOLDER.check(out, force, "start again with --force")
    known = read_tokenizer(tokenizer, ends.begin).count
    config = found.model.config
    ends.check(config.inputs)
    if known > config.inputs or (tokenizer.suffix != ".json" and known != config.inputs):
        raise CatsError(
            f"{tokenizer} has {known} tokens, the model {config.inputs}: it is another model's"
        )
    file = TokenizerFile(tokenizer, ends)
    written = run_config(
        "text", {"data": None, "context": config.tokens_in}, None, config, found.model.split,
        Training(), found.model.keep, tokenizer=file, imported=True,
    )  # fmt: skip
    metrics: dict = {
        "metric": "bits_per_byte",
        "parameters": sum(p.numel() for p in found.model.parameters()),
        "seconds": 0.0,
        "cpu_seconds": 0.0,
        "validation": {},
        "test": {},
    }
    write_imported(out, found.model, written, metrics, file)
    return metrics
