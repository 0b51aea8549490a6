# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Writes src/frames.h: sealed frames as an implementation of AES-CCM of its own gives them.

``python tests/zephyr/secure/generate.py`` writes it anew, ``--check`` says whether it is right
(tests/python/sim/test_secure.py does that, and checks the implementation against RFC 3610 and NIST
SP 800-38C).
"""

from __future__ import annotations

import sys
from pathlib import Path

OUT = Path(__file__).resolve().parent / "src" / "frames.h"
#: Bytes of a frame's header, and of what a sealed frame adds to it (doc/security.rst).
HEADER, ADDED = 10, 4


def _double(x: int) -> int:
    return (x << 1 ^ (0x11B if x & 0x80 else 0)) & 0xFF


def _sbox() -> list[int]:
    box, p, q = [0] * 256, 1, 1
    while True:
        p ^= _double(p)
        for shift in (1, 2, 4):
            q ^= q << shift & 0xFF
        q ^= 0x09 if q & 0x80 else 0
        turned = q
        for shift in (1, 2, 3, 4):
            turned ^= (q << shift | q >> (8 - shift)) & 0xFF
        box[p] = turned ^ 0x63
        if p == 1:
            box[0] = 0x63
            return box


SBOX = _sbox()


def aes(key: bytes, block: bytes) -> bytes:
    """AES-128 of one block of 16 bytes (FIPS 197)."""
    words, constant = [list(key[i : i + 4]) for i in range(0, 16, 4)], 1
    for i in range(4, 44):
        word = words[-1]
        if i % 4 == 0:
            word = [SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _double(constant)
        words.append([a ^ b for a, b in zip(words[-4], word, strict=True)])
    keys = [sum(words[i : i + 4], []) for i in range(0, 44, 4)]
    state = [a ^ b for a, b in zip(block, keys[0], strict=True)]
    for number in range(1, 11):
        state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if number < 10:
            mixed = []
            for c in range(0, 16, 4):
                column = state[c : c + 4]
                total = column[0] ^ column[1] ^ column[2] ^ column[3]
                mixed += [column[i] ^ total ^ _double(column[i] ^ column[(i + 1) % 4])
                          for i in range(4)]  # fmt: skip
            state = mixed
        state = [a ^ b for a, b in zip(state, keys[number], strict=True)]
    return bytes(state)


def ccm(key: bytes, nonce: bytes, data: bytes, plain: bytes, tag: int) -> bytes:
    """Ciphertext and tag of AES-CCM (RFC 3610) with associated ``data`` below 65,280 bytes."""
    size = 15 - len(nonce)
    flags = (64 if data else 0) | (tag - 2) // 2 << 3 | (size - 1)
    text = bytes([flags]) + nonce + len(plain).to_bytes(size, "big")
    for part in (len(data).to_bytes(2, "big") + data if data else b"", plain):
        text += part + bytes(-len(part) % 16)
    mac = bytes(16)
    for i in range(0, len(text), 16):
        mac = aes(key, bytes(a ^ b for a, b in zip(mac, text[i : i + 16], strict=True)))
    stream = b"".join(
        aes(key, bytes([size - 1]) + nonce + i.to_bytes(size, "big"))
        for i in range(1 + -(-len(plain) // 16))
    )
    sealed = bytes(a ^ b for a, b in zip(plain, stream[16:], strict=False))
    return sealed + bytes(a ^ b for a, b in zip(mac, stream, strict=False))[:tag]


def crc16(data: bytes) -> int:
    """Polynomial 0x1021, start 0xffff."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = crc << 1 ^ (0x11021 if crc & 0x8000 else 0)
    return crc


def frame(header: bytes, payload: bytes, model_id: int, group: int) -> bytes:
    """A frame of doc/protocol.rst; ``header`` with anything in the place of the check."""
    names = model_id.to_bytes(4, "little") + group.to_bytes(4, "little")
    check = crc16(names + header[:2] + header[4:] + payload)
    return header[:2] + check.to_bytes(2, "little") + header[4:] + payload


def seal(
    plain: bytes, key: bytes, key_id: int, counter: int, model_id: int, group: int, tag: int
) -> bytes:
    """A sealed frame of doc/security.rst."""
    number = counter.to_bytes(5, "little")
    clear = bytes([plain[0] | 0x80, plain[1]]) + number[:2] + plain[4:HEADER]
    clear += number[2:] + bytes([key_id])
    names = (model_id ^ group).to_bytes(4, "little")
    nonce = names + bytes([plain[1] & 15]) + number + plain[4:7]
    return clear + ccm(key, nonce, clear, plain[HEADER:], tag)


def cases() -> list[dict]:
    """Frames of every size that matters: none, part of a block, whole blocks, the largest."""
    found = []
    for number, size in enumerate((0, 1, 8, 15, 16, 17, 100, 233)):
        first = [0x40 | number % 6, number % 4 << 4 | (number * 7 + 3) % 16, 0, 0]
        rest = [number * 31, 200 - number, number, 255 - number, number * 3, number]
        header = bytes(first + rest)
        payload = bytes((i * 37 + number) % 256 for i in range(size))
        counter = (1, 0xFFFF, 0x10000, 0xFFFFFFFF, 0x100000000, 0xFFFFFFFFFE, 77, 123456789)[number]
        found.append({
            "model_id": (0xDDB3E338 + number * 0x1234567) & 0xFFFFFFFF,
            "group": number * 0x9E3779B9 & 0xFFFFFFFF,
            "key": bytes((number * 16 + i * 11) % 256 for i in range(16)),
            "key_id": number * 36,
            "counter": counter,
            "header": header,
            "payload": payload,
            "tag": 8,
        })  # fmt: skip
    return found


def render() -> str:
    """The text of src/frames.h."""

    def array(data: bytes) -> str:
        lines = [", ".join(f"0x{b:02x}" for b in data[i : i + 12]) for i in range(0, len(data), 12)]
        return "{\n" + "".join(f"\t\t\t{line},\n" for line in lines) + "\t\t}"

    text = (
        "/*\n * SPDX-FileCopyrightText: Copyright The CATS Project\n"
        " * SPDX-License-Identifier: Apache-2.0\n */\n\n"
        "/* Made by generate.py: frames, and what AES-CCM makes of them. */\n\n"
        "/* clang-format off */\n\n"
        "static const struct {\n\tuint32_t model_id;\n\tuint32_t group;\n\tuint64_t counter;\n"
        "\tuint8_t key_id;\n"
        "\tuint8_t key[16];\n\tuint16_t size;\n\tuint16_t sealed_size;\n\tuint8_t frame[243];\n"
        "\tuint8_t sealed[255];\n} cases[] = {\n"
    )
    for case in cases():
        plain = frame(case["header"], case["payload"], case["model_id"], case["group"])
        sealed = seal(
            plain, case["key"], case["key_id"], case["counter"], case["model_id"], case["group"], 8
        )
        text += (
            f"\t{{\n\t\t.model_id = {case['model_id']:#x}u,\n\t\t.group = {case['group']:#x}u,\n"
            f"\t\t.counter = UINT64_C({case['counter']}),\n\t\t.key_id = {case['key_id']},\n"
            f"\t\t.key = {array(case['key'])},\n"
            f"\t\t.size = {len(plain)},\n\t\t.sealed_size = {len(sealed)},\n"
            f"\t\t.frame = {array(plain)},\n\t\t.sealed = {array(sealed)},\n\t}},\n"
        )
    return text + "};\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(None if OUT.read_text() == render() else f"{OUT.name} differs: run {__file__}")
    OUT.write_text(render())
