# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Partition images with one value changed, whose checksum is right all the same."""

import zlib

from cats.sim.engine import verify


def changed(data: bytes, offset: int, value: int, width: int = 4) -> bytes:
    """The image with ``value`` in ``width`` bytes at ``offset``, little-endian."""
    other = bytearray(data)
    other[offset : offset + width] = value.to_bytes(width, "little")
    other[12:16] = zlib.crc32(other[16:]).to_bytes(4, "little")
    return bytes(other)


def verdict(data: bytes, offset: int, value: int, width: int = 4) -> int:
    """What cats_image_verify() says of it: an enum cats_image_error."""
    return verify(changed(data, offset, value, width))[0]


def verdicts(data: bytes, record, at: int, name: str, *values: int) -> dict[int, int]:
    """The same for each of these values of a field of a record (a dtype) that is at ``at``."""
    part, offset = record.fields[name][:2]
    return {value: verdict(data, at + offset, value, part.base.itemsize) for value in values}
