# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Language models of others: ``cats import`` of both layouts, and what ``cats generate`` writes."""

import contextlib
import json
import re
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from cats import schema, tasks
from cats.deploy.export import load_deploy
from cats.deploy.image_reader import parse
from cats.errors import CatsError
from cats.nn.importers import llama
from cats.shape.image_layout import FLAG_FOUR_BITS
from cats.tasks.text_tokens import written
from cats.tasks.tokenizers import SEPARATOR, Llama2c, read_tokenizer
from cats.training.evaluate import answers
from cats.training.generate import generate, generate_texts, run_tokenizer
from cats.training.run_folder import load_run, read_tensors
from command_line import status

STORIES = Path(__file__).parents[4] / "shared" / "data" / "stories260K.bin"
F, HIDDEN, BLOCKS, HEADS, KEYS, CONTEXT = 16, 20, 2, 4, 2, 24
E = F // HEADS
#: 0 unknown, 1 begins, 2 ends, then some bytes, then text: as llama2.c numbers them.
PIECES = [
    b"<unk>", b"\n<s>\n", b"\n</s>\n", b"<0x0A>", b"<0xC3>", b"<0xB6>", b" ", b"a", b"b", b"c",
    b" a", b"ab", b"abc", b" abc", b"bc",
]  # fmt: skip
SCORES = [0, 0, 0, 0, 0, 0, -9, -9, -9, -9, -1, -2, -4, -3, -2]


def tokenizer_file(path, pieces=PIECES, scores=SCORES):
    """As llama2.c's tokenizer.py writes it."""
    data = struct.pack("<i", max(map(len, pieces)))
    for piece, score in zip(pieces, scores, strict=True):
        data += struct.pack("<fi", score, len(piece)) + piece
    path.write_bytes(data)
    return path


def weights(seed=0):
    """{name: float32} by short names, queries and keys with pairs of columns side by side."""
    random = np.random.default_rng(seed)
    shapes = {
        "embed": (len(PIECES), F), "norm1": (BLOCKS, F), "q": (BLOCKS, F, F),
        "k": (BLOCKS, KEYS * E, F), "v": (BLOCKS, KEYS * E, F), "out": (BLOCKS, F, F),
        "norm2": (BLOCKS, F), "w1": (BLOCKS, HIDDEN, F), "w2": (BLOCKS, F, HIDDEN),
        "w3": (BLOCKS, HIDDEN, F), "norm": (F,),
    }  # fmt: skip
    return {n: random.normal(0, 0.5, size).astype(np.float32) for n, size in shapes.items()}


def checkpoint(path, head=None, made=None, **header):
    """llama2.c's version 0."""
    numbers = {"width": F, "hidden": HIDDEN, "blocks": BLOCKS, "heads": HEADS, "keys": KEYS,
               "tokens": len(PIECES), "context": CONTEXT} | header  # fmt: skip
    if head is not None:
        numbers["tokens"] *= -1
    parts = [*(made or weights()).values(), np.zeros(CONTEXT * E, np.float32)]
    parts += [] if head is None else [head]
    path.write_bytes(
        struct.pack("<7i", *numbers.values()) + b"".join(part.tobytes() for part in parts)
    )
    return path


def folder(path, head=None, **change):
    """The same model as LlamaForCausalLM of transformers is saved."""
    path.mkdir()
    made, tensors = weights(), {}
    names = {"norm1": "input_layernorm", "norm2": "post_attention_layernorm", "w1": "mlp.gate_proj",
             "w3": "mlp.up_proj", "w2": "mlp.down_proj", "out": "self_attn.o_proj",
             "v": "self_attn.v_proj"}  # fmt: skip
    for b in range(BLOCKS):
        for name, there in names.items():
            tensors[f"model.layers.{b}.{there}.weight"] = made[name][b]
        for name in "qk":  # there the first columns of all pairs stand before the second ones
            rows = made[name][b].reshape(-1, E // 2, 2, F).swapaxes(1, 2).reshape(-1, F)
            tensors[f"model.layers.{b}.self_attn.{name}_proj.weight"] = rows
    tensors["model.embed_tokens.weight"] = made["embed"]
    tensors["model.norm.weight"] = made["norm"]
    if head is not None:
        tensors["lm_head.weight"] = head
    save_file(
        {name: torch.from_numpy(x.copy()) for name, x in tensors.items()},
        path / "model.safetensors",
    )
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": F,
        "intermediate_size": HIDDEN, "num_hidden_layers": BLOCKS, "num_attention_heads": HEADS,
        "num_key_value_heads": KEYS, "vocab_size": len(PIECES), "hidden_act": "silu",
        "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "tie_word_embeddings": head is None, "bos_token_id": 1, "eos_token_id": [2],
    } | change  # fmt: skip
    (path / "config.json").write_text(json.dumps(config))
    return path


def as_transformers(made, numbers, head=None):
    """Outputs [B, N, tokens] by the layout of transformers: halves of a head are turned."""
    of = {name: torch.from_numpy(x) for name, x in made.items()}
    rows = numbers.shape[1]
    angle = torch.outer(torch.arange(rows), 10000.0 ** (-torch.arange(0, E, 2) / E))
    cosine, sine = (f(torch.cat((angle, angle), -1))[:, None] for f in (torch.cos, torch.sin))

    def turned(x, name, b):
        weight = of[name][b].unflatten(0, (-1, E // 2, 2)).transpose(1, 2).flatten(0, 2)
        x = (x @ weight.T).unflatten(-1, (-1, E))
        first, second = x.chunk(2, -1)
        return (x * cosine + torch.cat((-second, first), -1) * sine).transpose(1, 2)

    def norm(x, weight):
        return functional.rms_norm(x, (F,), weight, 1e-5)

    x = of["embed"][numbers]
    for b in range(BLOCKS):
        z = norm(x, of["norm1"][b])
        v = (z @ of["v"][b].T).unflatten(-1, (-1, E)).transpose(1, 2)
        heads = functional.scaled_dot_product_attention(
            turned(z, "q", b), turned(z, "k", b), v, is_causal=True, enable_gqa=True
        )
        x = x + heads.transpose(1, 2).flatten(2) @ of["out"][b].T
        z = norm(x, of["norm2"][b])
        x = x + (functional.silu(z @ of["w1"][b].T) * (z @ of["w3"][b].T)) @ of["w2"][b].T
    return norm(x, of["norm"]) @ (of["embed"] if head is None else torch.from_numpy(head)).T


NUMBERS = torch.tensor([[1, 7, 3, 12, 10, 2], [1, 0, 14, 5, 6, 6]])
HEAD = weights(1)["embed"]


@pytest.mark.parametrize("head", [None, HEAD])
def test_both_layouts_compute_what_the_original_does(tmp_path, head):
    wanted = as_transformers(weights(), NUMBERS, head)
    for found in (
        llama.llama2c(checkpoint(tmp_path / "m.bin", head)),
        llama.by_names(*_of(folder(tmp_path / "m", head))),
    ):
        outputs = found.model(functional.pad(NUMBERS, (0, CONTEXT - 6)))[:, :6]
        torch.testing.assert_close(outputs, wanted, rtol=1e-4, atol=1e-4)
        assert found.model.config.tied == (head is None)
        assert "4 heads with 2 keys and values" in str(found)


def _of(path):
    config = schema.load(path / "config.json", llama.Config)
    return read_tensors(path / "model.safetensors")[0], config


@pytest.mark.slow
def test_a_folder_computes_what_transformers_does(tmp_path):
    transformers = pytest.importorskip("transformers")
    path = folder(tmp_path / "m", HEAD, rope_theta=500.0, rms_norm_eps=1e-3)
    original = transformers.LlamaForCausalLM.from_pretrained(path).eval()
    found = llama.by_names(*_of(path)).model
    numbers = NUMBERS.repeat(1, 4)
    with torch.no_grad():
        torch.testing.assert_close(found(numbers), original(numbers).logits, rtol=1e-4, atol=1e-4)


def test_a_context_longer_than_a_window_is_cut(tmp_path):
    found = llama.by_names(*_of(folder(tmp_path / "m", max_position_embeddings=2048)))
    assert found.model.config.tokens == 1023
    assert "context 1023 (of 2048: the window slides)" in str(found)


# Tokenizers


def test_text_becomes_tokens_and_text_again(tmp_path):
    tokenizer = read_tokenizer(tokenizer_file(tmp_path / "t.bin"))
    assert tokenizer.count == len(PIECES)
    names = [PIECES[n] for n in tokenizer.encode("abc")]
    # " a" (-1) is the best pair, then "bc" (-2), then " abc" (-3).
    assert names == [b"\n<s>\n", b" abc"]
    assert [PIECES[n] for n in tokenizer.encode("ö\n")] == [
        b"\n<s>\n", b" ", b"<0xC3>", b"<0xB6>", b"<0x0A>"
    ]  # fmt: skip
    assert tokenizer.encode("") == [1]
    for text in ("abc", "ö\n", "", " a  bc"):
        assert tokenizer.decode(tokenizer.encode(text)) == text.removeprefix(" "[: not text])
    assert tokenizer.decode([4]) == "\N{REPLACEMENT CHARACTER}"  # half of an ö
    with pytest.raises(CatsError, match="no token for 'z': leave it out"):
        tokenizer.encode("z")


def _greedy(text):
    """As llama2.c does: over the whole text, the best pair of neighbours becomes one token."""
    found = [PIECES.index(bytes([letter])) for letter in f" {text}".encode()]
    while True:
        pairs = [
            (SCORES[PIECES.index(two)], -i, PIECES.index(two))
            for i in range(len(found) - 1)
            if (two := PIECES[found[i]] + PIECES[found[i + 1]]) in PIECES
        ]
        if not pairs:
            return [1, *found]
        _, place, merged = max(pairs)
        found[-place : 2 - place] = [merged]


def test_words_are_merged_as_whole_texts_are(tmp_path):
    tokenizer = read_tokenizer(tokenizer_file(tmp_path / "t.bin"))
    random = np.random.default_rng(0)
    for _ in range(200):
        text = "".join(random.choice([*"abc  "], random.integers(1, 30)))
        assert tokenizer.encode(text) == _greedy(text), text
    # A token with a space within it: then words are no more by themselves.
    spaced = [*PIECES, b"c a"]
    tokenizer = read_tokenizer(tokenizer_file(tmp_path / "s.bin", spaced, [*SCORES, -0.5]))
    assert [spaced[n] for n in tokenizer.encode("c a")] == [b"\n<s>\n", b" ", b"c a"]


def test_a_tokenizer_json_is_read_by_its_package(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    pieces = {piece.decode("latin-1"): n for n, piece in enumerate(PIECES)}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(pieces, unk_token="<unk>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    made.save(str(tmp_path / "tokenizer.json"))
    tokenizer = read_tokenizer(tmp_path / "tokenizer.json", 1)
    assert (tokenizer.count, tokenizer.encode("ab")) == (15, [1, 7, 8])
    assert tokenizer.encode("") == [1] and tokenizer.decode([7]) == "a"
    with pytest.raises(CatsError, match="give it a --prompt"):
        read_tokenizer(tmp_path / "tokenizer.json").encode("")
    source = folder(tmp_path / "m")
    made.save(str(source / "tokenizer.json"))
    assert status("import", source, "-o", tmp_path / "run") == 0
    assert (tmp_path / "run" / "tokenizer.json").exists()
    assert status("generate", tmp_path / "run", "--prompt", "abc", "--steps", "9") == 0
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(CatsError, match="no tokenizer that can be read"):
        read_tokenizer(tmp_path / "tokenizer.json")


# Runs


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """RUN of the checkpoint."""
    path = tmp_path_factory.mktemp("llama")
    files = checkpoint(path / "m.bin"), tokenizer_file(path / "t.bin")
    assert status("import", "llama2c", files[0], "--tokenizer", files[1], "-o", path / "run") == 0
    return path / "run"


def test_the_likeliest_tokens_are_those_of_whole_windows(run, capsys):
    model, info = load_run(run)
    tokenizer, ends = run_tokenizer(run, info)
    assert (ends.begin, ends.ends) == (1, (1, 2))
    wanted = tokenizer.encode("ab")
    while len(wanted) <= 12:
        window = functional.pad(torch.tensor([wanted]), (0, CONTEXT - len(wanted)))
        wanted.append(int(model(window)[0, len(wanted) - 1].argmax()))
        if wanted[-1] in ends.ends:
            break
    wanted = [n for n in wanted[1:] if n not in ends.ends]
    capsys.readouterr()
    words = ["generate", run, "--temperature", "0", "--steps", "12", "--prompt", "ab"]
    assert status(*words) == 0
    assert capsys.readouterr().out == tokenizer.decode([1, *wanted]) + "\n"
    assert status(*words, "--nodes", "4", "--json", "-") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["tokens"] == [1, *wanted] and document["nodes"] == 4


def test_a_seed_draws_the_same_tokens_and_top_k_the_likeliest(run):
    model, _ = load_run(run)
    draws = [
        list(generate(model, [1], 40, seed=seed, temperature=2.0)) for seed in (1, 1, 2)
    ]  # also behind the context of 24: the window slides
    assert len(draws[0]) == 40
    assert draws[0] == draws[1] != draws[2]
    greedy = list(generate(model, [1], 20, temperature=0))
    assert list(generate(model, [1], 20, top_k=1, seed=9)) == greedy
    assert list(generate(model, [1], 20, temperature=1e-4)) == greedy
    ended = list(generate(model, [1], 20, temperature=0, ends=greedy[3:4]))
    assert ended == greedy[: greedy.index(greedy[3])]
    with pytest.raises(CatsError, match="the prompt has 3 tokens, which is more than 2 steps read"):
        next(generate(model, [1, 2, 3], 2))


def test_texts_side_by_side_are_those_of_their_seeds(run, capsys):
    model, info = load_run(run)
    tokenizer, ends = run_tokenizer(run, info)
    options = {"temperature": 3.0, "ends": ends.ends}
    wanted = [list(generate(model, [1], 40, seed=seed, **options)) for seed in range(5, 9)]
    assert generate_texts(model, [1], 40, range(5, 9), **options) == wanted
    assert len({len(text) for text in wanted}) > 1  # some end, the others go on
    words = ["generate", run, "--steps", "40", "--temperature", "3", "--seed", "5", "--texts", "4"]
    capsys.readouterr()
    assert status(*words) == 0
    texts = capsys.readouterr().out.split(f"\n{SEPARATOR}\n")
    assert texts == [*(tokenizer.decode([1, *text]) for text in wanted), ""]


def test_an_imported_model_goes_on_by_its_own_tokens(run, tmp_path, capsys):
    """Finetuned for more nodes and another context; what is written stands on its own."""
    before = tmp_path / "before"
    shutil.copytree(run, before)
    random = np.random.default_rng(0)
    texts = ["".join(random.choice([*"abc "], random.integers(1, 40))) for _ in range(60)]
    (tmp_path / "own.txt").write_text(f"\n{SEPARATOR}\n".join(texts))
    words = ["train", "--init", before, "--task", "text", "--data", tmp_path / "own.txt"]
    words += ["--context", "12", "--nodes", "2", "--epochs", "2", "--lr", "1e-3"]
    assert status(*words, "-o", tmp_path / "r") == 0
    assert "abc" in capsys.readouterr().err  # a sample, as text
    shutil.rmtree(before)
    model, info = load_run(tmp_path / "r")
    tokenizer, ends = run_tokenizer(tmp_path / "r", info)
    assert (tokenizer.count, ends.begin, ends.ends) == (len(PIECES), 1, (1, 2))
    assert (model.split.nodes, model.config.tokens, model.config.tied) == (2, 12, True)
    assert status("evaluate", tmp_path / "r", "--loss", "0", "--json", tmp_path / "e.json") == 0
    assert status("generate", tmp_path / "r", "--steps", "9") == 0
    figures = json.loads((tmp_path / "e.json").read_text())["records"][0]
    task = tasks.load("text", **info.extra["task_options"])
    numbers = [n for text in texts for n in tokenizer.encode(text)]
    assert [*np.concatenate([*task._pieces.values()])] == numbers
    size = sum(map(len, texts)) / len(numbers)
    bits, nats = (figures[name]["mean"] for name in ("bits_per_byte", "nats_per_token"))
    assert bits == pytest.approx(nats / np.log(2) / size)


FAMILY = [
    "--norm", "rms", "--position", "rotary", "--feed-forward", "gated", "--activation", "silu",
    "--kv-heads", "1", "--no-bias", "--tied",
]  # fmt: skip


@pytest.mark.parametrize(
    "family",
    [[], FAMILY, [*FAMILY, "--parallel-blocks"], [*FAMILY, "--parallel-blocks", "--layer-tables"]],
)
def test_a_text_model_trained_here_writes_as_its_whole_windows_do(tmp_path, capsys, family):
    """Behind its context of 8 characters too, where learned positions end. Of the Llama family
    nodes write as well: exported it has the characters beside the images."""
    (tmp_path / "text").write_text("abc abc cab, " * 40)
    run, deploy = tmp_path / "r", tmp_path / "d"
    train = ["train", "--task", "text", "--data", tmp_path / "text", "--context", "8"]
    shape = ["--features", "8", "--heads", "2", "--hidden", "8", "--blocks", "1", "--epochs", "1"]
    words = [*train, *shape, *family, "--nodes", "2", "--parts", "0.8:0.2", "-o", run]
    assert status(*words) == 0
    assert "no cats export" not in "".join(capsys.readouterr())
    model, info = load_run(run)
    assert model.config.is_llama == bool(family)
    tokenizer, _ = run_tokenizer(run, info)
    length = 4 if family else 20  # behind the context its window slides

    def outputs(window, row):
        return answers(model, torch.from_numpy(window), None, every_row=True)[0, row].numpy()

    prompt = np.array(tokenizer.encode("abc a"))
    tokens = written(outputs, tokenizer, prompt, 8, length, 0, 0)
    wanted = "abc a" + tokenizer.decode(list(tokens)) + "\n"
    wrote = ["--temperature", "0", "--prompt", "abc a", "--steps", str(length + 4)]
    assert status("generate", run, *wrote) == 0
    assert capsys.readouterr().out == wanted
    assert status("generate", run) == 2
    assert "give it a --prompt" in capsys.readouterr().err
    if not family:
        for option in ("--candidates 4", "--token-rows", "--replicate residual", "--four-bits 1"):
            assert status("export", run, "-o", deploy, *option.split()) == 2
            said = capsys.readouterr().err
            assert f"{option.split()[0]} is for models of the Llama family: 'cats import'" in said
            assert " ".join(FAMILY[:8]) in said  # how to train one
        assert status("generate", run, *wrote, "--integer") == 2
        assert " ".join(FAMILY[:8]) in capsys.readouterr().err
    if family:
        more = ["--shares", "1,0,1,0"] if "--layer-tables" in family else []
        assert status("export", run, "-o", deploy, *more) == 0
        assert json.loads((deploy / "plan.json").read_text())["tokenizer"] == {
            "unit": "character", "names": list(" ,abc"),
        }  # fmt: skip
        capsys.readouterr()
        assert status("generate", run, *wrote, "--integer") == 0
        wanted = capsys.readouterr().out
        assert status("generate", deploy, *wrote) == 0
        assert capsys.readouterr().out == wanted
        assert status("generate", deploy, *wrote, "--restart", "1@2") == 0
        for wrong, reason in (("1", "NODE@STEP is wanted"), ("9@1", "no node 9"), ("1@99", "99")):
            assert status("generate", deploy, *wrote, "--restart", wrong) == 2
            assert reason in capsys.readouterr().err


def test_more_nodes_than_heads_write_the_same(run, capsys):
    texts = []
    for more in ([], ["--nodes", "7"], ["--nodes", "7", "--loss", "0.5"]):
        assert status("generate", run, "--temperature", "0", "--steps", "30", *more) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2]


def test_lost_messages_change_the_text_by_a_seed(run, capsys):
    words = ["generate", run, "--temperature", "0", "--steps", "30", "--nodes", "4", "--loss"]
    texts = []
    for more in (["0"], ["0.5"], ["0.5"], ["0.5", "--seed", "1"]):
        assert status(*words, *more) == 0
        texts.append(capsys.readouterr().out)
    assert texts[1] == texts[2] and len({texts[0], texts[1], texts[3]}) == 3


def test_export_in_four_bits(run, tmp_path, capsys):
    words = ["export", run, "-o", tmp_path / "d", "--nodes", "2", "--four-bits", "10"]
    assert status(*words) == 0
    assert "four bits: blocks.0.qkv, blocks.0.out, blocks.0.up" in capsys.readouterr().out
    model, _, meta, images = load_deploy(tmp_path / "d")
    assert model.config.four_bits == tuple(range(1, 9))  # the head is tied
    assert meta["run"]["four_bits"]["most"] == 10
    assert all(parse(data).model["flags"] & FLAG_FOUR_BITS for data in images)
    assert status("plan", tmp_path / "d") == 0


def test_nodes_that_have_tokens_alone(run, tmp_path, capsys):
    """They write what those do of which each has a part of the model."""
    wrote = ["--temperature", "0", "--steps", "20"]
    texts = []
    for more in (["--nodes", "2"], ["--shares", "0,1,0,1,0", "--token-rows"]):
        assert status("export", run, "-o", tmp_path / "d", "--force", *more) == 0
        capsys.readouterr()
        assert status("generate", tmp_path / "d", *wrote) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    model, *_ = load_deploy(tmp_path / "d")
    assert model.config.token_rows and not model.split.heads[0] and model.split.outputs[0]
    assert status("plan", tmp_path / "d") == 0
    assert status("generate", tmp_path / "d", *wrote, "--loss", "0.2") == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["export", "{run}", "-o", "{tmp}/r", "--shares", "1,0"], "or --token-rows"),
        (["generate", "{run}", "--loss", "0.1"], "one node sends nothing that could be lost"),
        (["generate", "{run}", "--nodes", "17"], "no whole number from 1 to 16"),
        (["generate", "{run}", "--prompt", "xyz"], "no token for 'x'"),
        (["generate", "{run}", "--prompt", "a\udcff"], "not UTF-8 .*udcff' at character 1"),
        (["generate", "{run}", "--prompt", "a\udcff", "--integer"], "not UTF-8"),
        (["import", "llama2c", "{m}", "--tokenizer", "{t}", "-o", "{tmp}/r\udcff"],
         "is not UTF-8: choose another"),
        (["export", "{run}", "-o", "{tmp}/d", "--stream", "2"], "model takes one token"),
        (["export", "{run}", "-o", "{tmp}/r", "--four-bits", "0"], "four bits|allow more"),
        (["evaluate", "{run}", "--loss", "0"], "this run has no data of its own"),
        (["predict", "{run}", "{run}/config.json"], "'cats generate' lets it write"),
        (["import", "llama2c", "{m}", "-o", "{tmp}/r"], "give --tokenizer"),
        (["import", "llama2c", "{m}", "--tokenizer", "{t}", "--heads", "2", "-o", "{tmp}/r"],
         "--heads has no effect"),
        (["import", "llama2c", "{m}", "--tokenizer", "{t}", "-o", "{run}"], "exists"),
        (["import", "llama2c", "{t}", "--tokenizer", "{t}", "-o", "{tmp}/r"],
         "is no checkpoint of llama2.c: its shape would be"),
        (["import", "llama2c", "{m}", "--tokenizer", "{m}", "-o", "{tmp}/r"], "t.*tokenizer"),
        (["train", "--init", "{run}", "--task", "text", "--data", "{run}/config.json", "-o",
          "{tmp}/r"], "has no token for"),
        (["train", "--task", "text", "--data", "{m}", "--tokenizer", "{run}", "--tokens", "bytes",
          "-o", "{tmp}/r"], "leave --tokens out"),
        (["train", "--task", "text", "--data", "{run}/config.json", "--tokenizer", "{tmp}", "-o",
          "{tmp}/r"], "config.json"),
        (["import", "{m}", "-o", "{tmp}/r"], "cats import llama2c"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(run, tmp_path, capsys, words, reason):
    places = {"run": run, "tmp": tmp_path, "m": run.parent / "m.bin", "t": run.parent / "t.bin"}
    assert status(*(word.format(**places) for word in words)) == 2
    line = capsys.readouterr().err
    assert line.startswith("cats: error: ") and line.count("\n") == 1
    assert re.search(reason, line), line
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("name", ["metrics.json", "model.safetensors", "tokenizer.bin"])
def test_a_run_that_lacks_a_file_is_imported_again(run, tmp_path, capsys, name):
    shutil.copytree(run, tmp_path / "r")
    (tmp_path / "r" / name).unlink()
    for words in (["generate"], ["export", "-o", tmp_path / "d"], ["evaluate", "--loss", "0"]):
        assert status(words[0], tmp_path / "r", *words[1:]) == 2
        assert f"r holds no {name}: import it again with --force" in capsys.readouterr().err
    (tmp_path / "text").write_text("abc abc cab, " * 40)
    words = ["train", "--task", "text", "--data", tmp_path / "text", "--context", "8"]
    assert status(*words, "--nodes", "2", "--resume", "-o", tmp_path / "r") == 2
    line = capsys.readouterr().err
    assert "was imported, there is no training to continue" in line and line.count("\n") == 1


def test_a_folder_that_is_no_plain_llama_is_refused(tmp_path, capsys):
    tokenizer = tokenizer_file(tmp_path / "t.bin")
    for number, (change, reason) in enumerate(
        {
            ("rope_scaling", ("rope_type", "llama3")): "rotary positions scaled as 'llama3'",
            ("attention_bias", True): "biases cannot be imported",
            ("hidden_act", "gelu_new"): "activation 'gelu_new'",
            ("head_dim", 8): "heads of 8 columns",
            ("num_hidden_layers", 3): "hold no blocks.2.norm1",
            ("num_hidden_layers", 1): "hold blocks.1",
            ("intermediate_size", 21): "its configuration says",
            ("vocab_size", 16): r"embed has shape \[15, 16\]",
            ("hidden_size", "16"): "expected int, got str",
            ("eos_token_id", 99): "they must be numbers from 0 to 14",
            ("architectures", ("GPTNeoXForCausalLM",)): "is a GPTNeoXForCausalLM: of language",
        }.items()
    ):
        name, value = change
        if isinstance(value, tuple):
            value = dict([value]) if len(value) == 2 else list(value)
        change = {name: value}
        source = folder(tmp_path / f"m{number}", **change)
        words = ["import", source, "--tokenizer", tokenizer, "-o", tmp_path / "r"]
        assert status(*words) == 2, change
        line = capsys.readouterr().err
        assert line.count("\n") == 1 and re.search(reason, line), line
        assert not (tmp_path / "r").exists()


def test_damaged_files_are_refused_and_never_crash(tmp_path):
    """Every length of the file, and bytes changed at random (of a seed)."""
    model, tokenizer = checkpoint(tmp_path / "m.bin"), tokenizer_file(tmp_path / "t.bin")
    whole, vocabulary = model.read_bytes(), tokenizer.read_bytes()
    random = np.random.default_rng(0)
    for size in (*range(40), len(whole) - 4, len(whole) - 1, len(whole) + 4):
        model.write_bytes((whole + bytes(8))[:size])
        with pytest.raises(CatsError, match=r"m\.bin"):
            llama.llama2c(model)
    refused = 0
    ends = {4 + sum(8 + len(p) for p in PIECES[:n]) for n in range(len(PIECES) + 1)}
    for size in range(len(vocabulary)):
        try:
            Llama2c(vocabulary[:size], "t.bin")
            assert size in ends  # of fewer tokens, which import compares with the model's
        except CatsError:
            refused += 1
    assert refused >= len(vocabulary) - len(ends)
    for _ in range(200):
        damaged = bytearray(whole[:28])
        damaged[random.integers(28)] ^= 1 << int(random.integers(8))
        model.write_bytes(bytes(damaged) + whole[28:])
        with pytest.raises(CatsError):
            llama.llama2c(model)
        damaged = bytearray(vocabulary)
        damaged[random.integers(len(damaged))] = int(random.integers(256))
        with contextlib.suppress(CatsError):
            Llama2c(bytes(damaged), "t.bin").decode([1, 7, 8])
    made = weights()
    made["w2"][1, 3, 4] = np.nan
    with pytest.raises(CatsError, match=r"blocks\.1\.down\.weight holds NaN"):
        llama.llama2c(checkpoint(tmp_path / "m.bin", made=made))
    model.write_bytes(b"24ka" + whole[4:])
    with pytest.raises(CatsError, match="later version"):
        llama.llama2c(model)


def test_a_run_s_tokenizer_may_be_damaged(run, tmp_path, capsys):
    copy = tmp_path / "run"
    for break_it, reason in (
        (lambda: (copy / "tokenizer.bin").write_bytes(b"\0"), "no tokenizer of llama2.c"),
        (lambda: (copy / "tokenizer.bin").unlink(), "holds no tokenizer.bin: import it again"),
        (lambda: _edit(copy, "file", "../x"), "its tokenizer is '../x'"),
        (lambda: _edit(copy, "ends", ["2"]), "they must be numbers from 0 to 14"),
    ):
        shutil.copytree(run, copy)
        break_it()
        assert status("generate", copy, "--steps", "5") == 2
        assert reason in capsys.readouterr().err
        shutil.rmtree(copy)


def _edit(run, key, value):
    config = json.loads((run / "config.json").read_text())
    config["tokenizer"][key] = value
    (run / "config.json").write_text(json.dumps(config))


@pytest.mark.skipif(not STORIES.exists(), reason="stories260K is not there")
def test_stories260k_writes_what_llama2c_does(tmp_path, capsys):
    """To the letter: its greedy text of 200 steps; on four nodes as well."""
    model, tokenizer, text = (
        STORIES.with_name(name) for name in (STORIES.name, "tok512.bin", "stories260K.greedy.txt")
    )
    assert status("import", "llama2c", model, "--tokenizer", tokenizer, "-o", tmp_path / "r") == 0
    capsys.readouterr()
    for nodes in ("1", "4"):
        words = ["generate", tmp_path / "r", "--temperature", "0", "--steps", "200"]
        assert status(*words, "--nodes", nodes) == 0
        assert capsys.readouterr().out == text.read_text()
