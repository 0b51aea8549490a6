# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Text: windows, crops and figures are what they say, one-hot rows are exact in integers, n-grams
are counted as by hand, and a trained model writes the same from RUN and DEPLOY."""

import dataclasses
import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from cats import tasks
from cats.deploy.export import load_deploy
from cats.errors import CatsError
from cats.integer.quantize import quantize_inputs, real_outputs
from cats.integer.reference import run_batch
from cats.integer.steps import window_of
from cats.nn.model import CatsTransformer
from cats.nn.qat import Rounded
from cats.nn.to_integer import calibration_inputs, quantize, scales_for
from cats.shape.config import SplitConfig
from cats.tasks import baselines, generator_of
from cats.tasks.text_ngram import Ngram
from cats.tasks.text_tokens import Vocabulary, written
from cats.training.best_epoch import BestEpoch
from cats.training.evaluate import answers, score_at
from cats.training.loop import predict, train
from cats.training.options import Training
from cats.training.run_folder import load_run
from command_line import status

PLAY = Path(__file__).parents[4] / "shared" / "data" / "tinyshakespeare.txt"
WORDS = ("the", "cat", "saw", "a", "dog", "and", "the", "cat", "saw", "nobody")


def _story(count, seed=0):
    choose = random.Random(seed)
    return " ".join(choose.choice(WORDS) for _ in range(count))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "story.txt"
    path.write_text(_story(1200), encoding="utf-8")
    return path


@pytest.fixture
def task(file):
    return tasks.load("text", data=str(file), context=16)


def _texts(task, inputs):
    return [task.vocabulary.decode(row) for row in inputs.argmax(-1).numpy()]


def test_windows_lie_side_by_side_in_order_of_the_text(task, file):
    text = file.read_text()
    names = sorted(set(text))
    assert task.metadata.classes == tuple(names) == task.vocabulary.names
    assert (task.model.tokens_in, task.model.inputs, task.model.outputs) == (16, *[len(names)] * 2)
    begin = int(0.9 * len(text) + 1e-6)
    for part, end in ((task.validation, int(0.95 * len(text) + 1e-6)), (task.test, len(text))):
        windows = _texts(task, part.inputs)
        assert len(windows) == (end - begin - 1) // 16
        assert "".join(windows) == text[begin : begin + 16 * len(windows)]
        follow = "".join(task.vocabulary.decode(row) for row in part.targets.numpy())
        assert follow == text[begin + 1 : begin + 1 + len(follow)]
        assert torch.equal(part.inputs.sum(-1), torch.ones(len(windows), 16))
        begin = end
    again = tasks.load("text", **task.options)
    assert again.options == task.options and again.metadata == task.metadata
    shorter = tasks.load("text", data=str(file), context=16, parts="300:200:100")
    assert len(shorter.validation) == 199 // 16 and len(shorter.test) == 99 // 16
    fitted = tasks.load("text", data=str(file), context=8, fitted=task.metadata)
    assert fitted.metadata.classes == task.metadata.classes and fitted.metadata.width == 8
    with pytest.raises(CatsError, match="the run learned characters"):
        tasks.load("text", data=str(file), tokens="bytes", fitted=task.metadata)
    two = tasks.load("text", data=str(file), context=16, parts="0.9:0.1")
    assert two.test is two.validation and "no test part" in two.notes[0]
    assert len(two.validation) == (len(text) - int(0.9 * len(text)) - 1) // 16
    with pytest.raises(CatsError, match="is not what it was: its SHA-256"):
        tasks.load("text", **{**task.options, "sha256": "0" * 64})


def test_crops_are_random_spread_and_repeatable(task, file):
    text = file.read_text()[: len(task._text)]
    assert task.size == -(-(len(text) - 16) // 16)
    inputs, targets = task.batch(torch.arange(task.size), 16, generator_of(3))
    begins = []
    for window, following in zip(_texts(task, inputs), targets.numpy(), strict=True):
        whole = window + task.vocabulary.decode(following)[-1]
        stretch = len(begins) * (len(text) - 16) // task.size
        begins.append(text.find(whole, stretch))
        assert stretch <= begins[-1] < stretch + 17
        assert task.vocabulary.decode(following) == text[begins[-1] + 1 : begins[-1] + 17]
    assert len({begin % 16 for begin in begins}) == 16
    again = task.batch(torch.arange(task.size), 1, generator_of(3))
    assert torch.equal(again[0], inputs) and torch.equal(again[1], targets[:, -1:])
    few = tasks.load("text", data=str(file), context=16, windows=7)
    assert len([*few.batches(7, 16, generator_of(0), generator_of(1))]) == 1


def test_figures_are_bits_a_byte_and_nats_a_token(task, tmp_path):
    part, count = task.validation, task.model.outputs
    even = torch.zeros(len(part), 16, count)
    figures = task.score(even, part)
    assert list(figures) == ["bits_per_byte", "nats_per_character", "accuracy"]
    assert figures["bits_per_byte"] == pytest.approx(math.log2(count), rel=1e-5)
    assert figures["nats_per_character"] == pytest.approx(math.log(count), rel=1e-5)
    assert task.score(even - 1e30, part) == figures  # nothing arrived
    right = 30 * torch.nn.functional.one_hot(part.targets, count).float()
    assert task.score(right, part)["accuracy"] == 1 and task.score(right, part)[task.metric] < 1e-6
    last = task.score(torch.zeros(len(part), count), part)
    assert last["bits_per_byte"] == pytest.approx(figures["bits_per_byte"])
    assert task.loss(even, part.targets).item() == pytest.approx(math.log(count), rel=1e-5)
    # Two bytes a letter: the same nats are half the bits a byte. As bytes it is another text.
    (tmp_path / "e.txt").write_text("éàü" * 100, encoding="utf-8")
    wide = tasks.load("text", data=str(tmp_path / "e.txt"), context=4)
    even = torch.zeros(len(wide.test), 4, 3)
    assert wide.score(even, wide.test)["bits_per_byte"] == pytest.approx(math.log2(3) / 2)
    narrow = tasks.load("text", data=str(tmp_path / "e.txt"), context=4, tokens="bytes")
    assert narrow.model.inputs == 256 and len(narrow._text) == 540
    even = torch.zeros(len(narrow.test), 4, 256)
    assert narrow.score(even, narrow.test)["bits_per_byte"] == pytest.approx(8)
    (tmp_path / "any").write_bytes(bytes(range(256)) * 4)
    anything = tasks.load("text", data=str(tmp_path / "any"), context=4, tokens="bytes")
    assert _texts(anything, anything.test.inputs[:1])[0].encode() == b"\xef\xbf\xbd" * 4


def test_ngrams_are_counted_as_witten_and_bell_do():
    text = np.array([0, 1, 0, 1, 0, 2, 0])
    model = Ngram(text, 3, 3)
    unigram = (np.array([4, 2, 1]) + 3 * np.full(3, 1 / 3)) / (7 + 3)
    behind_0 = (np.array([0, 2, 1]) + 2 * unigram) / (3 + 2)
    behind_1 = (np.array([2, 0, 0]) + 1 * unigram) / (2 + 1)
    behind_01 = (np.array([2, 0, 0]) + 1 * behind_1) / (2 + 1)
    behind_22 = (np.array([1, 0, 0]) + 1 * unigram) / (1 + 1)  # 2 2 was never seen
    windows = np.array([[0, 1], [2, 2]])
    found = model.shares(windows, 3)
    np.testing.assert_allclose(found[0], [behind_0, behind_01], rtol=1e-6)
    np.testing.assert_allclose(found[1], [behind_22, behind_22], rtol=1e-6)
    np.testing.assert_allclose(model.shares(windows, 1), np.tile(unigram, (2, 2, 1)), rtol=1e-6)
    many = np.random.default_rng(0).integers(0, 3, (5000, 9))
    np.testing.assert_allclose(model.shares(many, 3).sum(-1), 1, rtol=1e-6)


def test_longer_runs_and_compressors_know_more(task):
    found = baselines.scores(task, "test")["test"]
    bits = [found[name]["bits_per_byte"] for name in ("unigram", "bigram", "5-gram")]
    assert bits[0] > bits[1] > bits[2] > 0.5
    assert set(found["bzip2, alone"]) == {"bits_per_byte"}
    behind = found["xz, behind the training part"]["bits_per_byte"]
    assert 0 < behind < found["bzip2, alone"]["bits_per_byte"] < 8


def test_one_hot_rows_are_exact_in_integers(task):
    """The input's step is 1/127, and what the first product adds is the table's row, rounded as a
    weight is."""
    torch.manual_seed(0)
    config = dataclasses.replace(task.model, features=16, heads=4, hidden=32, blocks=1)
    model = CatsTransformer(config, SplitConfig.even(config, 4)).eval()
    inputs = calibration_inputs(task, 64)
    assert scales_for(model, config, inputs).sent[0] == np.float32(1 / 127)
    integers = quantize(model, inputs)
    given = quantize_inputs(integers, task.test.inputs.numpy())
    assert np.array_equal(given, 127 * task.test.inputs.numpy())
    exact = Rounded(config, scales_for(model, config, inputs), {"gather0"})
    assert torch.allclose(exact("gather0", task.test.inputs), task.test.inputs, atol=1e-7)
    every = answers(integers, task.test.inputs, None, every_row=True)
    assert every.shape == (len(task.test), 16, task.model.outputs)
    close = task.score(every, task.test)["bits_per_byte"]
    assert close == pytest.approx(task.score(predict(model, task.test.inputs, True), task.test)
                                  ["bits_per_byte"], abs=0.05)  # fmt: skip


def test_a_causal_model_reads_no_row_behind_the_prompt(task):
    torch.manual_seed(0)
    model = CatsTransformer(task.model, SplitConfig.even(task.model, 2)).eval()
    seen = []

    def outputs(window, row):
        seen.append((window[0, : row + 1].argmax(-1), window.sum(), row))
        return predict(model, torch.from_numpy(window), every_row=True)[0, row].numpy()

    prompt = task.vocabulary.encode("the cat saw a d", "prompt")
    tokens = list(written(outputs, task.vocabulary, prompt, 16, 4, 0, 0))
    assert [row for _, _, row in seen] == [14, 15, 15, 15] and [n for _, n, _ in seen] == [
        15
    ] + 3 * [16]
    line = [*prompt, *tokens]
    for i, (window, _, row) in enumerate(seen):
        assert window.tolist() == line[: 15 + i][-16:]
        full = torch.eye(task.model.inputs)[torch.tensor(line[: 15 + i][-16:])]
        padded = torch.zeros(1, 16, task.model.inputs)
        padded[0, : len(full)] = full
        padded[0, len(full) :] = torch.rand(16 - len(full), task.model.inputs)
        assert int(predict(model, padded, True)[0, row].argmax()) == tokens[i]
    drawn = [
        list(written(outputs, task.vocabulary, prompt, 16, 9, 1.0, seed)) for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_best_epoch_is_kept_and_forgotten_where_the_model_changes():
    model = torch.nn.Linear(1, 1)
    best = BestEpoch(list, higher=False)
    best.restart(model)
    for epoch, value in enumerate((3.0, 2.0, 2.5), 1):
        torch.nn.init.constant_(model.weight, value)
        best.offer(epoch, model, [value, 9.0])
    assert best.epoch == 2 and best.state["weight"].item() == 2.0
    best.restart(model)
    best.offer(4, model, [7.0])
    assert best.epoch == 4 and best.value == 7.0


@pytest.fixture(scope="module")
def trained(file, tmp_path_factory):
    """(RUN, DEPLOY, what training showed)"""
    folder = tmp_path_factory.mktemp("trained")
    run, deploy = folder / "run", folder / "deploy"
    task = tasks.load("text", data=str(file), context=16)
    config = dataclasses.replace(task.model, features=16, heads=4, hidden=32, blocks=1)
    training = Training(epochs=5, lr=1e-2, batch=32, threads=1, patterns=1, best_epoch=True,
                        message_dropout=(0.0, 0.2))  # fmt: skip
    train(task, config, SplitConfig.even(config, 4, output_split="single"), training, run)
    assert status("export", run, "-o", deploy, "--radio", "nrf_radio") == 0
    return run, deploy


def test_training_beats_the_unigram_and_scores_all_rows(task, trained):
    run, _ = trained
    metrics = json.loads((run / "metrics.json").read_text())
    history = [record["validation_bits_per_byte"] for record in metrics["history"]]
    assert metrics["validation"]["bits_per_byte"] == min(history)
    assert metrics["best_epoch"] == 1 + history.index(min(history))
    unigram = baselines.scores(task, "test")["test"]["unigram"]["bits_per_byte"]
    assert metrics["test"]["bits_per_byte"] < 0.9 * unigram
    model, _ = load_run(run)
    rows = predict(model, task.test.inputs, every_row=True)
    assert task.score(rows, task.test) == pytest.approx(metrics["test"])
    assert score_at(model, task, task.test, 0.0)[task.metric] == pytest.approx(history[-1], abs=0.3)
    lost = [score_at(model, task, task.test, loss)[task.metric] for loss in (0.0, 0.5)]
    assert (
        lost[0] == pytest.approx(metrics["test"]["bits_per_byte"], rel=1e-6) and lost[1] > lost[0]
    )


def test_figures_stand_beside_those_that_have_fewer(trained, file, tmp_path, capsys):
    """Compressors have no accuracy."""
    run, _ = trained
    assert status("evaluate", run, "--baselines", "--loss", 0) == 0
    lines = {line.split("  ")[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert lines["bzip2, alone"][-2:] == ["-", "-"] and "-" not in lines["bigram"]
    sweep = {"task": "text", "options": {"data": str(file), "context": 16, "windows": 64},
             "nodes": 2, "model": {"features": 8, "heads": 2, "hidden": 8, "blocks": 1},
             "training": {"epochs": 1}, "kinds": {"plain": {"message_dropout": 0}},
             "seeds": [0], "losses": [0]}  # fmt: skip
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(sweep))
    assert status("sweep", tmp_path / "s.yaml", "-o", tmp_path / "sweep", "--jobs", 1) == 0
    said = capsys.readouterr().out
    assert "bits_per_byte, mean" in said and "bzip2, alone" in said


def test_it_writes_while_it_trains(task, capsys):
    config = dataclasses.replace(task.model, features=8, heads=2, hidden=8, blocks=1)
    training = Training(epochs=3, batch=32, threads=1)
    split = SplitConfig.even(config, 2)
    before = train(task, config, split, training)[0].state_dict()
    shown = capsys.readouterr().err.split("epoch ")
    prompt = task.vocabulary.decode(task._pieces["validation"][:16])
    assert [text.partition(":")[0] for text in shown] == ["", "1", "2"]
    assert all(f": {prompt}|" in text for text in shown[1:])
    task.sample = lambda epoch, outputs: None  # what is shown leaves no trace
    after = train(task, config, split, training)[0].state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_is_continued_by_floats_integers_and_nodes(trained, tmp_path, capsys, stream):
    run, deploy = trained
    if stream:
        deploy = tmp_path / "stream"
        assert status("export", run, "-o", deploy, "--stream") == 0
    capsys.readouterr()

    def writes(*words):
        assert status("generate", *words, "--prompt", "the cat", "--steps", 12) == 0
        return capsys.readouterr().out

    likeliest = writes(run, "--temperature", 0)
    assert likeliest.startswith("the cat") and len(likeliest) == 7 + 6 + 1
    assert writes(run) == writes(run, "--seed", 0) and len(writes(run)) == 14
    model, _, _, _ = load_deploy(deploy)
    known = window_of(model)
    vocabulary, text = Vocabulary.of(model.metadata), "the cat"
    for _ in range(6):
        window = np.zeros((1, 16, len(vocabulary.names)))
        tokens = vocabulary.encode(text, "")[-16:]
        window[0, np.arange(len(tokens)), tokens] = 1
        outputs = run_batch(known, quantize_inputs(known, window))[0, 0]  # node 0's
        text += vocabulary.names[int(real_outputs(known, outputs)[len(tokens) - 1].argmax())]
    assert writes(deploy, "--temperature", 0) == text + "\n"
    assert len(writes(deploy, "--loss", 0.3)) == 14
    assert status("generate", deploy, "--prompt", "cat", "--steps", 5, "--json", "-") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["prompt"] == "cat" and len(told["text"]) == 6 and told["equal_to_reference"]
    assert told["tokens_per_second"] > 0
    if stream:
        assert status("generate", deploy, "--prompt", "the cat saw a dog") == 2
        assert "has 17 tokens, the model's window 16: shorten it" in capsys.readouterr().err
    # Behind the end of its context a text goes on with the last of it.
    assert status("generate", deploy, "--prompt", "cat", "--steps", 30) == 0
    assert len(capsys.readouterr().out) == 3 + 28 + 1


def test_a_file_is_told_what_follows_its_windows(trained, file, tmp_path, capsys):
    run, deploy = trained
    text = file.read_text()[:50]
    (tmp_path / "new.txt").write_text(text)
    for model in (run, deploy):
        assert status("predict", model, tmp_path / "new.txt", "--all", "--json", "-") == 0
        told = json.loads(capsys.readouterr().out)
        assert [row["label"] for row in told["answers"]] == [text[16], text[32], text[48]]
        assert status("predict", model, tmp_path / "new.txt", "--json", "-") == 0
        assert json.loads(capsys.readouterr().out)["answers"][0]["sample"] == "characters 34 to 49"


def test_nodes_give_all_rows_as_the_reference_does(trained, capsys):
    _, deploy = trained
    words = ("simulate", deploy, "--samples", 5, "--loss", "0,0.1", "--json", "-")
    assert status(*words) == 0
    clean, lossy = json.loads(capsys.readouterr().out)["results"]
    assert clean["equal_to_reference"] and lossy["equal_to_reference"]
    assert 0 < clean["quality"]["bits_per_byte"] < lossy["quality"]["bits_per_byte"]


def test_what_is_wrong_is_told_in_one_line(trained, file, tmp_path, capsys):
    run, deploy = trained

    def refused(text, *words):
        assert status(*words) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and text in said, said

    def trains(text, data, *words):
        refused(text, "train", "--task", "text", "--data", data, *words, "-o", tmp_path / "run")

    trains("none.txt cannot be read: No such file", tmp_path / "none.txt")
    (tmp_path / "latin").write_bytes("café".encode("latin-1") * 99)
    trains("latin is not UTF-8 (byte 3): --tokens bytes takes any file", tmp_path / "latin")
    (tmp_path / "short").write_text("a few words")
    trains("11 characters are too few for parts '0.9:0.05:0.05' of 65 or more each: take 1,300 or "
           "more, a shorter --context", tmp_path / "short")  # fmt: skip
    trains("the test part has 1 characters, a window takes 3", tmp_path / "short", "--context", 2,
           "--parts", "5:3:1")  # fmt: skip
    (tmp_path / "eight").write_text("the cat ")
    (tmp_path / "same").write_text("a" * 9999)
    trains("holds 1 different characters", tmp_path / "same")
    (tmp_path / "zero").write_text("ab\0" * 999)
    trains("holds a zero byte: use --tokens bytes", tmp_path / "zero")
    trains("give TRAIN:VALIDATION[:TEST] as shares or as characters", file, "--parts", "0.9")
    trains("need 99999 characters, the file has", file, "--parts", "99000:999")
    trains("--horizon has no effect beside --task text", file, "--horizon", 4)
    for model in (run, deploy):
        refused("has the character 'é'", "generate", model, "--prompt", "é")
        refused("nothing begins a text of this model", "generate", model)
        refused("9 tokens, which is more than 8 steps", "generate", model, "--prompt",
                "the cat s", "--steps", 8)  # fmt: skip
    refused("--simulate and --counts need one of", "predict", run, file, "--simulate")
    refused("8 characters, a window has 16", "predict", run, tmp_path / "eight")


def test_a_model_of_the_last_row_learns_from_all(file, tmp_path, capsys):
    words = (
        "--features",
        8,
        "--heads",
        2,
        "--hidden",
        8,
        "--blocks",
        1,
        "--nodes",
        2,
        "--epochs",
        1,
    )
    run, deploy = tmp_path / "run", tmp_path / "deploy"
    data = ("--data", file, "--context", 16, "--windows", 64)
    assert status("train", "--task", "text", *data, *words, "--pool", "last", "-o", run) == 0
    assert "5-gram" in capsys.readouterr().out
    assert status("export", run, "-o", deploy) == 0
    assert status("generate", run, "--prompt", "cat", "--steps", 5) == 0
    assert status("generate", deploy, "--prompt", "the cat saw a dog", "--steps", 18) == 0
    capsys.readouterr()
    assert status("generate", deploy, "--prompt", "cat") == 2
    assert "a prompt of 16 tokens, or export it with --stream" in capsys.readouterr().err


@pytest.mark.skipif(not PLAY.exists(), reason="tinyshakespeare.txt is not there")
def test_tinyshakespeare_as_nanogpt_cuts_it():
    task = tasks.load("text", data=str(PLAY), context=256, windows=16000, parts="0.9:0.1")
    assert task.model.inputs == 65 and len(task._text) == 1_003_854
    assert len(task.validation) == (111_540 - 1) // 256 and task.size == 16000
