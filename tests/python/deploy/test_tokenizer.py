# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A deployment keeps its language model's tokenizer: read back, checked, planned anew; and what
cats generate says of it."""

import filecmp
import json
from pathlib import Path

import pytest

from cats.cli import main
from cats.deploy.export import PLAN, export, exported, load_deploy
from cats.deploy.tokenizer import read_tokenizer
from cats.errors import CatsError
from cats.integer.random_llama import random_llama
from cats.shape.config import ModelConfig, SplitConfig
from cats.tasks.text_tokens import Vocabulary
from cats.tasks.tokenizers import Ends, TokenizerFile

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data"
SAMPLE = ROOT / "samples" / "storyteller" / "deploy"
LETTERS = Vocabulary("character", tuple("abcdefghijklmnopqrstuvwxyz .,!"))
CONFIG = ModelConfig(
    8, 30, 30, features=24, heads=6, hidden=17, blocks=1, causal=True, activation="silu",
    pool="all", norm="rms", position="rotary", feed_forward="gated", kv_heads=3, bias=False,
    tied=True, vocabulary=True,
)  # fmt: skip


def model(nodes=3):
    return random_llama(5, CONFIG, SplitConfig.even(CONFIG, nodes))


def refused(capsys, reason, *words):
    assert main([str(word) for word in words]) == 2
    out, err = capsys.readouterr()
    assert not out and err.startswith("cats: error: ") and err.count("\n") == 1
    assert reason in err


@pytest.fixture
def letters(tmp_path):
    export(model(), tmp_path / "d", tokenizer=LETTERS, radio="nrf_radio")
    return tmp_path / "d"


def test_characters_are_kept(letters, capsys):
    _, _, meta, _ = load_deploy(letters)
    assert meta["tokenizer"] == {"unit": "character", "names": list(LETTERS.names)}
    assert "#define CATS_TOKENIZER_COUNT 30" in (letters / "cats_tokenizer.h").read_text()
    tokenizer, ends = read_tokenizer(letters, meta, None)
    assert tokenizer.encode("ab.") == [0, 1, 27] and ends == Ends()
    words = ["generate", str(letters), "--prompt", "ab", "--steps", "12", "--loss", "0.3"]
    assert main([*words, "--json", str(letters.parent / "said.json")]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("ab") and len(out) == 2 + 11 + 1
    said = json.loads((letters.parent / "said.json").read_text())
    assert said["text"] + "\n" == out and said["equal_to_reference"]
    assert f"{said['tokens_per_second']:.1f} tokens a second" in err
    if said["differs_from"] is not None:
        assert err.endswith(said["text_without_loss"] + "\n")


def test_what_is_wrong_is_told_in_one_line(letters, tmp_path, capsys):
    refused(capsys, "nothing begins a text of this model: give it a --prompt", "generate", letters)
    refused(capsys, "has the character '7'", "generate", letters, "--prompt", "7")
    refused(capsys, "9 tokens, which is more than 5 steps", "generate", letters, "--prompt",
            "a" * 9, "--steps", 5)  # fmt: skip
    refused(capsys, "is a deployment: --nodes is for a run", "generate", letters, "--prompt", "a",
            "--nodes", 2)  # fmt: skip
    refused(capsys, "radio 'lora': one of", "generate", letters, "--prompt", "a", "--radio", "lora")
    export(model(), tmp_path / "bare")
    refused(capsys, "keeps no tokenizer", "generate", tmp_path / "bare", "--prompt", "a")
    digits = ROOT / "samples" / "node" / "deploy"
    refused(capsys, "keeps no tokenizer", "generate", digits, "--prompt", "a")
    for words in (["predict", letters, digits / PLAN], ["simulate", letters, "--samples", 2]):
        refused(capsys, "has no samples: 'cats generate' lets it write", *words)
    refused(capsys, "is no RUN folder", "generate", tmp_path / "none", "--prompt", "a")


@pytest.mark.parametrize("damage", ["names", "count", "unit", "header", "missing"])
def test_a_damaged_one_is_refused(letters, damage):
    header, meta = letters / "cats_tokenizer.h", json.loads((letters / PLAN).read_text())
    if damage == "names":
        meta["tokenizer"]["names"] = "abc"
    elif damage == "count":
        meta["tokenizer"]["names"] += ["?"]
    elif damage == "unit":
        meta["tokenizer"]["unit"] = "word"
    elif damage == "header":
        header.write_text(header.read_text().replace("97", "98"))
    else:
        header.unlink()
    (letters / PLAN).write_text(json.dumps(meta))
    with pytest.raises(CatsError, match=r"export again|31 tokens, the model 30"):
        load_deploy(letters)


@pytest.mark.skipif(not SHARED.exists(), reason="tok512.bin is not there")
def test_a_file_is_kept(tmp_path):
    config = ModelConfig(
        **{**{f: getattr(CONFIG, f) for f in CONFIG.__dataclass_fields__}, "inputs": 512,
           "outputs": 512}
    )  # fmt: skip
    whole = random_llama(5, config, SplitConfig.even(config, 2))
    source = TokenizerFile(SHARED / "tok512.bin", Ends(1, (1, 2)))
    export(whole, tmp_path / "d", tokenizer=source)
    _, _, meta, _ = load_deploy(tmp_path / "d")
    assert filecmp.cmp(tmp_path / "d" / "tokenizer.bin", source.path, shallow=False)
    tokenizer, ends = read_tokenizer(tmp_path / "d", meta, None)
    assert tokenizer.encode("Once upon a time") == [1, 403, 407, 261, 378]
    assert ends == Ends(1, (1, 2))
    export(model(), tmp_path / "d", tokenizer=LETTERS, force=True)
    assert not (tmp_path / "d" / "tokenizer.bin").exists()
    export(whole, tmp_path / "d", tokenizer=source, force=True)
    kept = tmp_path / "d" / "tokenizer.bin"
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    with pytest.raises(CatsError, match="tokenizer is not the one of"):
        load_deploy(tmp_path / "d")


def test_a_deployment_is_planned_anew(letters, tmp_path, capsys):
    again = tmp_path / "again"
    assert main(["export", str(letters), "-o", str(again)]) == 0
    names = [path.relative_to(letters) for path in letters.rglob("*") if path.is_file()]
    assert len(names) == 10
    assert filecmp.cmpfiles(letters, again, names, shallow=False)[0] == names
    assert main(["export", str(letters), "-o", str(again), "--force", "--radio", "ble_2m",
                 "--repair-rounds", "2", "--format", "image"]) == 0  # fmt: skip
    _, plan, meta, _ = load_deploy(again)
    assert (plan.radio, plan.rounds, meta["formats"]) == ("ble_2m", 2, "image")
    assert meta["tokenizer"]["unit"] == "character"
    # What is not given stays, what makes other integers is refused.
    sealed = tmp_path / "sealed"
    assert main(["export", str(again), "-o", str(sealed), "--secure", "--slack", "0.5"]) == 0
    options = json.loads((sealed / PLAN).read_text())["options"]
    capsys.readouterr()
    assert options == meta["options"] | {"radio": "ble_2m+secure", "slack": 0.5}
    for option in ("--four-bits", "--candidates"):
        refused(capsys, f"whose integers stay: {option} takes its run", "export", letters, "-o",
                tmp_path / "no", option, 0)  # fmt: skip
    for name, reason in (("options", "by which options"), ("formats", "formats")):
        damaged = {key: value for key, value in meta.items() if key != name}
        (sealed / PLAN).write_text(json.dumps(damaged))
        refused(capsys, reason, "export", sealed, "-o", tmp_path / "no")
    # Also of an older format, which is otherwise refused.
    meta["image_format"] = 1
    (again / PLAN).write_text(json.dumps(meta))
    with pytest.raises(CatsError, match="export again"):
        load_deploy(again)
    whole, _, tokenizer = exported(again)
    assert whole.split.nodes == 3 and tokenizer == LETTERS
    capsys.readouterr()
    refused(capsys, "integers stay: --nodes takes its run", "export", letters, "-o",
            tmp_path / "more", "--nodes", 2)  # fmt: skip


def test_the_samples_deployment_writes(capsys):
    """What its README and sample.yaml say, all that was lost being repaired."""
    words = ["generate", str(SAMPLE), "--prompt", "ROMEO:", "--temperature", "0", "--steps", "60"]
    assert main([*words, "--loss", "0.05", "--seed", "1"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("ROMEO:\nAnd thou shall be the sense of the company.\n")
    assert "the text is that of no loss" in err
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 2**20
