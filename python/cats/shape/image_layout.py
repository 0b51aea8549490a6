# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The records of a partition image as numpy types; include/cats/image.h and
doc/partition-format.rst define what every field means."""

from __future__ import annotations

import numpy as np

MAGIC = int.from_bytes(b"CATS", "little")
FORMAT_VERSION = 6
IMAGE_ALIGN = 8
MAX_NODES = 16
FLAG_CAUSAL = 1
FLAG_HELD = 2
FLAG_SEALED = 4
FLAG_OWN_EMBEDDING = 8
FLAG_EMPTY_GATHERS = 128
FLAG_RADIO, RADIO_SHIFT = 0x70, 4
FLAG_STEM = 0x100
FLAG_STREAM = 0x200
FLAG_SIGNED_STEM = 0x400
FLAG_LLAMA = 0x800
FLAG_ROWS = 0x1000
FLAG_FOUR_BITS = 0x2000
FLAG_HOPS = 0x4000
FLAG_PARALLEL = 0x8000
#: Flags of the Llama record.
LLAMA_WIDE_KEYS, LLAMA_REPLICATED, LLAMA_REPLICATED_FORWARD = 1, 2, 4
#: enum cats_radio: names of radios by number; 0 stands for one that is not named.
RADIO_NAMES = ("", "ieee802154", "nrf_radio", "ble", "ble_2m")

#: Buffers of struct cats_image_model in their order, without ``arena_``.
ARENA_NAMES = (
    "residual", "query", "key", "value", "heads", "hidden", "rows", "scores", "input", "pooled",
    "output", "linear", "window", "sums",
)  # fmt: skip


def _struct(*fields: tuple) -> np.dtype:
    return np.dtype(list(fields), align=True)


HEADER = _struct(
    ("magic", "<u4"), ("format_version", "<u2"), ("header_size", "<u2"), ("image_size", "<u4"),
    ("crc32", "<u4"), ("model_id", "<u4"), ("node", "u1"), ("nodes", "u1"), ("gathers", "<u2"),
    ("arena_size", "<u4"), ("model", "<u4"), ("gather_table", "<u4"), ("source_table", "<u4"),
    ("metadata", "<u4"),
)  # fmt: skip
MODEL = _struct(
    ("tokens", "<u2"), ("tokens_in", "<u2"), ("features", "<u2"), ("heads", "<u2"),
    ("hidden", "<u2"), ("blocks", "<u2"), ("inputs", "<u2"), ("outputs", "<u2"),
    ("head_width", "<u2"), ("own_heads", "<u2"), ("own_hidden", "<u2"), ("own_inputs", "<u2"),
    ("own_outputs", "<u2"), ("first_output", "<u2"), ("first_input", "<u2"),
    ("first_head", "<u2"), ("flags", "<u2"), ("pool", "u1"), ("block_rows", "u1"),
    ("heads_per_pass", "<u2"), ("hidden_rows", "<u2"), ("input_scale", "<u4"),
    ("output_scale", "<u4"), *((f"arena_{name}", "<u4") for name in ARENA_NAMES),
    ("linear_weights", "<u4"), ("linear_channels", "<u4"), ("linear_shift", "<u4"),
)  # fmt: skip
GATHER = _struct(
    ("kind", "u1"), ("block", "u1"), ("phase", "u1"), ("rounds", "u1"), ("row_begin", "<u2"),
    ("rows", "<u2"), ("tile_rows", "<u2"), ("element", "u1"), ("buffers", "u1"),
    ("slot_us", "<u4"), ("control_us", "<u2"), ("turn_us", "<u2"), ("spacing_us", "<u4"),
    ("tile", "<u4", (2,)), ("outbox", "<u4", (2,)),
    ("own_keep", "<u4"), ("table", "<u4"), ("norm", "<u4"), ("norm_epsilon", "<u4"),
    ("weights", "<u4"), ("channels", "<u4"), ("view", "<u2"), ("stride", "<u2"),
    ("products", "<u2"), ("shift", "u1"), ("send_shift", "u1"), ("send_multiplier", "<i4"),
    ("score_multiplier", "<u4"), ("value_multiplier", "<i4"), ("value_shift", "<u2"),
    ("coded_us", "<u2"),
)  # fmt: skip
SOURCE = _struct(
    ("width", "<u2"), ("segment_width", "<u2"), ("segments", "u1"), ("fragment_rows", "u1"),
    ("columns", "<u2"),
)  # fmt: skip
HOP = _struct(("list", "<u4"), ("slots", "<u2"), ("repeats", "u1"), ("size", "u1"))
NORM = _struct(("gain", "<i2"), ("bias", "<i2"))
CHANNEL = _struct(("bias", "<i4"), ("multiplier", "<i4"))
EMBED = _struct(
    ("weights", "<u4"), ("channels", "<u4"), ("shift", "<u4"), ("arena_hidden", "<u4"),
)  # fmt: skip
STREAM = _struct(("rows", "<u2"), ("reserved", "<u2"))
LLAMA = _struct(
    ("rows", "<u4"), ("multipliers", "<u4"), ("exponents", "<u4"), ("turn", "<u4"),
    ("scales", "<u4"), ("key_heads", "<u2"), ("embed_shift", "u1"), ("flags", "u1"),
)  # fmt: skip
METADATA = _struct(
    ("normalisation", "u1"), ("overlap", "u1"), ("channels", "<u2"), ("height", "<u2"),
    ("width", "<u2"), ("patch_height", "<u2"), ("patch_width", "<u2"), ("classes", "<u2"),
    ("horizon", "<u2"), ("step_s", "<u4"), ("step_ns", "<u4"), ("sensors", "<u4"),
    ("class_names", "<u4"), ("text", "<u4"), ("text_size", "<u4"), ("values", "<u4"),
    ("targets", "<u2"), ("reserved_2", "<u2"),
)  # fmt: skip
SENSOR = _struct(
    ("name", "<u2"), ("unit", "<u2"), ("mean", "<u4"), ("deviation", "<u4"),
    ("counts_per_unit", "<u4"), ("multiplier", "<u4"), ("shift", "<u4"), ("addend_low", "<u4"),
    ("addend_high", "<i4"),
)  # fmt: skip
#: Python's view of each C structure.
STRUCTS = {
    "cats_image_header": HEADER, "cats_image_model": MODEL, "cats_image_gather": GATHER,
    "cats_image_source": SOURCE, "cats_image_norm": NORM, "cats_image_channel": CHANNEL,
    "cats_image_embed": EMBED, "cats_image_metadata": METADATA, "cats_image_sensor": SENSOR,
    "cats_image_stream": STREAM, "cats_image_llama": LLAMA,
    "cats_image_hop": HOP,
}  # fmt: skip
#: What an application gives a step of a Llama model: a token's number, little-endian.
TOKEN_BYTES = 4
#: Weights of four bits: columns that share a scale, and of a word.
SCALE_GROUP, WORD_COLUMNS = 32, 8
#: What the frame that opens a step of a Llama model tells of it: CATS_TEXT_SIZE.
TEXT_BYTES = 18
#: First byte that the CRC covers.
CRC_BEGIN = 16
