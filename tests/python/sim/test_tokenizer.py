# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A node's tokenizer: C gives the numbers and the text of Python, from the tables of an export."""

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cats.deploy.tokenizer_header import NO_TOKEN, tables_of, tokenizer_header
from cats.errors import CatsError
from cats.native import ffi, lib
from cats.tasks.text_tokens import Vocabulary
from cats.tasks.tokenizers import Llama2c, OfVocabulary

ROOT = Path(__file__).parents[3]
STORIES = ROOT.parent / "shared" / "data" / "tok512.bin"
SPECIAL = [b"<unk>", b"\n<s>\n", b"\n</s>\n"]
BYTES = [b"<0x%02X>" % byte for byte in range(256)]
TEXT = [b" ", b"a", b"b", b"c", b" a", b"ab", b"abc", b" abc", b"bc", "é".encode(), b"a", b"c a"]


def llama2c(pieces, scores=None):
    """Of a file of these tokens."""
    data = struct.pack("<i", max(map(len, pieces)))
    for number, piece in enumerate(pieces):
        score = -float(number % 5) if scores is None else scores[number]
        data += struct.pack("<fi", score, len(piece)) + piece
    return Llama2c(data, "a test")


class OnNode:
    """The C code with the tables of a tokenizer."""

    def __init__(self, tokenizer):
        tables = tables_of(tokenizer)
        self.arrays = {
            "text": np.frombuffer(b"".join(tables.texts), np.uint8),
            "offset": np.cumsum([0, *map(len, tables.texts)]).astype(np.uint16),
            "sorted": np.array(tables.sorted, np.uint16),
            "rank": np.array(tables.rank, np.uint16),
        }
        self.of = ffi.new("struct cats_tokenizer *")
        for name, array in self.arrays.items():
            kind = "uint8_t[]" if name == "text" else "uint16_t[]"
            setattr(self.of, name, ffi.from_buffer(kind, array) if len(array) else ffi.NULL)
        self.of.count, self.of.known = len(tables.texts), len(tables.sorted)
        self.of.begin, self.of.ends = tables.begin, tables.ends
        self.of.first_byte, self.of.spaced = tables.first_byte, tables.spaced

    def encode(self, text, room=400):
        out = ffi.new("uint16_t[]", room + 1)
        out[room] = 0xABCD
        count = lib.cats_tokenizer_encode(self.of, text.encode(), out, room)
        assert out[room] == 0xABCD
        return count if count < 0 else list(out[0:count])

    def decode(self, tokens):
        text, before = b"", NO_TOKEN
        for token in tokens:
            found = ffi.new("const char **")
            size = lib.cats_tokenizer_decode(self.of, before, token, found)
            text += bytes(ffi.buffer(found[0], size)) if size else b""
            before = token
        return text.decode("utf-8", "replace")


PAIRS = {
    "pairs": llama2c([*SPECIAL, *BYTES, *TEXT]),
    "equal scores": llama2c([*SPECIAL, *BYTES, *TEXT], [0.0] * (259 + len(TEXT))),
}
TEXTS = st.text(st.sampled_from([*"aaabbbccc  ", "é", "\n", "x"]), max_size=40)


@pytest.mark.parametrize("name", PAIRS)
@settings(deadline=None, max_examples=200)
@given(text=TEXTS)
def test_pairs_are_merged_as_in_python(name, text):
    tokenizer = PAIRS[name]
    node, wanted = OnNode(tokenizer), tokenizer.encode(text)
    assert node.encode(text) == wanted
    assert node.decode(wanted) == tokenizer.decode(wanted) == text


@pytest.mark.skipif(not STORIES.exists(), reason="tok512.bin is not there")
@settings(deadline=None, max_examples=200)
@given(text=st.text(max_size=60).filter(lambda text: "\0" not in text))
def test_a_published_tokenizer(text):
    tokenizer = Llama2c(STORIES.read_bytes(), STORIES)
    node = OnNode(tokenizer)
    for one in (text, f"Once upon a time, there was {text}"):
        try:
            wanted = tokenizer.encode(one)
        except UnicodeEncodeError:  # half a character of UTF-16
            return
        assert node.encode(one) == wanted
        assert node.decode(wanted) == one


@pytest.mark.parametrize("unit", ["character", "byte"])
def test_characters_and_bytes(unit):
    vocabulary = Vocabulary.of_text(unit, "abc é\n")
    tokenizer, node = OfVocabulary(vocabulary), OnNode(vocabulary)
    text = "a é\ncab"
    assert node.encode(text) == tokenizer.encode(text)
    assert node.decode(node.encode(text)) == text
    assert node.encode("") == []
    if unit == "character":
        with pytest.raises(CatsError):
            tokenizer.encode("x")
        assert node.encode("ax") == -22  # -EINVAL


def test_no_room_is_told():
    node = OnNode(PAIRS["pairs"])
    whole = len(PAIRS["pairs"].encode("xyz"))
    for room in range(whole):
        assert node.encode("xyz", room) == -28  # -ENOSPC
    assert len(node.encode("xyz", whole)) == whole


def test_what_no_node_can_have():
    assert tables_of(llama2c([*SPECIAL, b"<0x0A>", b"a"])) is None
    assert tokenizer_header(llama2c([*SPECIAL, *(b"x" * 300 for _ in range(300))])) is None


@pytest.mark.parametrize("tokenizer", [PAIRS["pairs"], Vocabulary.of_text("character", "ab")])
def test_the_header_compiles(tokenizer, tmp_path):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    (tmp_path / "cats_tokenizer.h").write_text(tokenizer_header(tokenizer))
    (tmp_path / "main.c").write_text(
        '#include "cats_tokenizer.h"\n'
        "int main(void)\n{\n\tuint16_t out[9];\n"
        '\treturn cats_tokenizer_encode(&cats_tokenizer, "ab", out, 9);\n}\n'
    )
    source = ROOT / "subsys/cats/text/tokenizer.c"
    words = [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", ROOT / "include"]
    subprocess.run([*words, tmp_path / "main.c", source, "-o", tmp_path / "a"], check=True)
    wanted = tokenizer.encode("ab") if isinstance(tokenizer, Llama2c) else [0, 1]
    assert subprocess.run([tmp_path / "a"], check=False).returncode == len(wanted)


def test_kept_inputs_of_the_fuzzer(tmp_path):
    """Any tokens, any text: tests/fuzz/fuzz_tokenizer.c checks what comes of each."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc here")
    program, kept = tmp_path / "fuzz", sorted((ROOT / "tests/fuzz/corpus/fuzz_tokenizer").iterdir())
    subprocess.run(
        ["gcc", "-std=c11", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined",
         "-DCATS_FUZZ_FILES", f"-I{ROOT / 'include'}", ROOT / "tests/fuzz/fuzz_tokenizer.c",
         ROOT / "subsys/cats/text/tokenizer.c", "-o", program],
        check=True,
    )  # fmt: skip
    said = subprocess.run([program, *kept], check=True, capture_output=True, text=True).stdout
    assert said == f"{len(kept)} run\n" and len(kept) > 50
