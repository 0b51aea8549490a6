# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Integer models of the Llama family as files."""

import json
import re

import numpy as np
import pytest

from cats.errors import CatsError
from cats.integer.llama import run_batch
from cats.integer.llama_files import LLAMA_JSON, LLAMA_TENSORS, load, save, to_files
from cats.integer.random_llama import random_config, random_llama
from cats.integer.random_models import random_keep, random_split


def model_of(seed, nodes=2, **options):
    config = random_config(seed)
    split = random_split(seed, config, min(nodes, config.heads))
    keep = random_keep(seed, config, split, 0.7)
    return random_llama(seed, config, split, keep, **options)


@pytest.mark.parametrize("seed", range(6))
def test_a_model_comes_back(tmp_path, seed):
    model = model_of(seed, wide_keys=seed % 2 == 0, in_four_bits=seed % 3 == 0)
    save(model, tmp_path)
    back = load(tmp_path)
    assert (back.config, back.split, back.keep) == (model.config, model.split, model.keep)
    tokens = np.arange(model.config.tokens)[None] % model.config.inputs
    assert (run_batch(back, tokens) == run_batch(model, tokens)).all()
    assert to_files(back) == to_files(model)


def test_what_is_damaged_is_refused(tmp_path):
    save(model_of(1), tmp_path)
    for name, change, said in (
        (LLAMA_JSON, lambda text: text | {"format": 9}, "format 9, this version reads 1"),
        (LLAMA_JSON, lambda text: text | {"embed_shift": 0}, "embed_shift is 0"),
        (LLAMA_JSON, lambda text: text | {"blocks": []}, "0 blocks"),
        (LLAMA_JSON, lambda text: text | {"blocks": text["blocks"] * 9}, "does not fit this ver"),
        (LLAMA_JSON, lambda text: text | {"norm": 3}, "norm"),
        (LLAMA_TENSORS, None, "is damaged"),
    ):
        good = (tmp_path / name).read_bytes()
        bad = good[:-1] if change is None else json.dumps(change(json.loads(good))).encode()
        (tmp_path / name).write_bytes(bad)
        with pytest.raises(CatsError, match=re.escape(said)):
            load(tmp_path)
        (tmp_path / name).write_bytes(good)
    (tmp_path / LLAMA_TENSORS).unlink()
    with pytest.raises(CatsError, match="cannot be read"):
        load(tmp_path)
