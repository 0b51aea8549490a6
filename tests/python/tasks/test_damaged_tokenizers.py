# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Whatever is in a tokenizer's file, it is a tokenizer or one line that says what is wrong."""

import json
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cats.deploy.tokenizer import described, files_of
from cats.errors import CatsError
from cats.tasks.tokenizers import Ends, TokenizerFile, find_tokenizer

PIECES = (b"<unk>", b"\n<s>\n", b"\n</s>\n", *(b"<0x%02X>" % byte for byte in range(256)),
          b" ", b"a", b"b", " é".encode(), b" a", b"ab", b" ab")  # fmt: skip
LLAMA2C = struct.pack("<i", 8) + b"".join(
    struct.pack("<fi", -float(number), len(piece)) + piece for number, piece in enumerate(PIECES)
)
JSON = json.dumps(
    {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {"id": 0, "content": "<s>", "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}
        ],
        "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<s>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
            "vocab": {"<s>": 0, "a": 1, "b": 2, "ab": 3}, "merges": [["a", "b"]],
        },
    }
).encode()  # fmt: skip
FILES = {"tokenizer.bin": LLAMA2C, "tokenizer.json": JSON}
TEXTS = ("", " ", "ab", "a b ab", "é\U0001f600", "\0", "\ud7ff\x7f" * 9, "a\udcff")


def use(path):
    """All that a run, an export and a deployment do with it."""
    if path.suffix == ".json":
        pytest.importorskip("tokenizers")
    found = find_tokenizer(path)
    tokenizer = found.read()
    assert tokenizer.count > 0
    for text in TEXTS:
        try:
            tokens = tokenizer.encode(text)
        except CatsError as error:
            assert "\n" not in str(error)
            continue
        assert all(0 <= token < tokenizer.count for token in tokens)
        assert isinstance(tokenizer.decode(tokens), str)
    described(found)
    files_of(found)


@pytest.mark.parametrize("name", FILES)
def test_files_are_whole_to_begin_with(name, tmp_path):
    (tmp_path / name).write_bytes(FILES[name])
    use(tmp_path / name)


@pytest.mark.parametrize("name", FILES)
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_files(name, data, tmp_path):
    made = FILES[name]
    pieces = st.one_of(
        st.binary(max_size=8),
        st.sampled_from((b"", b"null", b"-1", b"70000", b"4294967296", b'"a"', b"[]", b"{}")),
    )
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(made)))
        end = min(len(made), begin + data.draw(st.integers(0, 12)))
        made = made[:begin] + data.draw(pieces) + made[end:]
    (tmp_path / name).write_bytes(made)
    try:
        use(tmp_path / name)
    except CatsError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("ends", [Ends(9), Ends(None, (-1,)), Ends("a"), Ends(0, (1, None))])
def test_tokens_that_it_has_not_end_no_text(ends, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(JSON)
    pytest.importorskip("tokenizers")
    with pytest.raises(CatsError, match="begin and end a text"):
        TokenizerFile(tmp_path / "tokenizer.json", ends).read()
