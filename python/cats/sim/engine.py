# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The C engine of one node, as include/cats/engine.h offers it, with bytes and arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cats.errors import CatsError
from cats.native import ffi, lib

#: Marks an output column that did not arrive.
OUTPUT_MISSING = -32768

Exchange = tuple[int, ...]
"""(gather, tile), of a gather INPUT of rows (0, 0, the node that sends)."""


def aligned(data: bytes | int) -> object:
    """A copy of ``data``, or so many zeros, at an address that is a multiple of 8."""
    size = data if isinstance(data, int) else len(data)
    memory = ffi.new("uint64_t[]", max(1, -(-size // 8)))
    if not isinstance(data, int):
        ffi.memmove(memory, data, size)
    return memory


def verify(data: bytes) -> tuple[int, str]:
    """(0, ...) for a good image, else the error's number (enum cats_image_error) and its text."""
    memory = aligned(data)
    error = lib.cats_image_verify(memory, len(data), ffi.new("struct cats_image *"))
    return error, ffi.string(lib.cats_image_strerror(error)).decode()


class Engine:
    """One node. The calls and their order are those of include/cats/engine.h."""

    def __init__(self, data: bytes) -> None:
        self._memory = aligned(data)
        self.image = ffi.new("struct cats_image *")
        error = lib.cats_image_verify(self._memory, len(data), self.image)
        if error:
            raise CatsError(ffi.string(lib.cats_image_strerror(error)).decode())
        self.header, self.model = self.image.header, self.image.model
        self.node, self.nodes = int(self.header.node), int(self.header.nodes)
        self.arena_size = int(self.header.arena_size)
        self.arena = aligned(self.arena_size)
        self._bytes = ffi.cast("uint8_t *", self.arena)
        self._engine = ffi.new("struct cats_engine *")
        self._available: dict[Exchange, object] = {}
        error = lib.cats_engine_init(self._engine, self.image, self.arena, self.arena_size)
        assert error == 0

    def exchanges(self) -> Iterator[Exchange]:
        """(gather, tile) of every exchange of an inference, in order."""
        x = ffi.new("struct cats_exchange *")
        while True:
            yield x.gather, x.tile
            if not lib.cats_exchange_next(self.image, x):
                return

    def first(self, token: int) -> Exchange:
        """Exchange INPUT of a step of that token, where rows are of one node each."""
        return 0, 0, lib.cats_row_owner(self.image, token)

    def rows(self, x: Exchange) -> int:
        """Rows of an exchange."""
        return lib.cats_exchange_rows(self.image, x)

    def fragments(self, x: Exchange, source: int) -> int:
        """Fragments that a source sends in an exchange."""
        return lib.cats_fragment_count(self.image, x, source)

    def fragment_size(self, x: Exchange, source: int, fragment: int) -> int:
        """Payload bytes of a fragment; 0 where there is none."""
        return lib.cats_fragment_size(self.image, x, source, fragment)

    def seek(self, position: int, follows: bool = True) -> None:
        """Of a stream: the rows that the next inference computes; ``follows``: the steps before
        were of this window."""
        lib.cats_engine_seek(self._engine, position, follows)

    def replay(self, position: int, top: int, follows: bool = True, told: bool = True) -> None:
        """Of a Llama model: the next inference computes a row of before once more, ``top`` is the
        newest one."""
        if lib.cats_engine_replay(self._engine, position, top, follows, told):
            raise CatsError(f"row {position} is not of the window that ends with {top}")

    def lacks(self, first: int = 0) -> int:
        """Of a Llama model: rows from the oldest one that the node lacks to the newest one."""
        return lib.cats_engine_lacks(self._engine, first)

    @property
    def known(self) -> int:
        """Of a stream: rows that the node has, those of this step included."""
        return lib.cats_engine_rows(self._engine)

    def begin(self, inputs: np.ndarray | None) -> None:
        """Start an inference: int8 [tokens_in, own inputs] or None for zeros."""
        self._available.clear()
        if inputs is None:
            lib.cats_engine_begin(self._engine, ffi.NULL)
            return
        shape = (self.model.tokens_in, self.model.own_inputs)
        if inputs.dtype != np.int8 or inputs.shape != shape:
            raise CatsError(f"input is {inputs.dtype} {inputs.shape}: the node takes int8 {shape}")
        data = np.ascontiguousarray(inputs)
        lib.cats_engine_begin(self._engine, ffi.from_buffer("int8_t[]", data))

    def produce(self, x: Exchange) -> None:
        """Compute what the node broadcasts."""
        lib.cats_engine_produce(self._engine, x)

    def payload(self, x: Exchange, fragment: int) -> bytes:
        """One own fragment's payload, which produce() has made."""
        size = ffi.new("uint16_t *")
        place = lib.cats_engine_fragment(self._engine, x, fragment, size)
        assert size[0] == self.fragment_size(x, self.node, fragment)
        return bytes(ffi.buffer(place, size[0])) if size[0] else b""

    def place(self, x: Exchange, source: int, fragment: int, payload: bytes) -> None:
        """Put a fragment that was heard where it belongs, and remember that it is there."""
        if len(payload) != self.fragment_size(x, source, fragment) or source == self.node:
            raise CatsError(f"fragment {fragment} of node {source} does not fit exchange {x}")
        place = lib.cats_fragment_place(self.image, x, source, fragment)
        ffi.memmove(self._bytes + place, payload, len(payload))
        if x not in self._available:
            self._available[x] = ffi.new("struct cats_availability *")
        self._available[x].bits[source][fragment // 8] |= 1 << fragment % 8

    def consume(self, x: Exchange) -> None:
        """Compute with the fragments of this exchange that were placed."""
        available = self._available.pop(x, None) or ffi.new("struct cats_availability *")
        lib.cats_engine_consume(self._engine, x, available)

    def output(self) -> np.ndarray:
        """int16 [output rows, C], a copy; OUTPUT_MISSING where a column did not arrive."""
        rows, columns = lib.cats_output_rows(self.image), self.model.outputs
        data = ffi.buffer(lib.cats_engine_output(self._engine), 2 * rows * columns)
        return np.frombuffer(data, "<i2").reshape(rows, columns).copy()


def state_bytes() -> int:
    """Bytes of struct cats_node on this machine; a 32-bit one needs a little less."""
    return ffi.sizeof("struct cats_node")
