# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""RAM and flash of a linked program, by part, to the byte.

Totals are the linker's: of a bare-metal program, what each memory region holds, gaps included (as
``-Wl,--print-memory-usage`` prints); of a program for the host, the sums of ``size`` (text + data
in flash, data + bss in RAM). Parts come from the map file beside the ELF and from the debug
information, which know the file of every byte; what only the name of a symbol tells is a guess, and
is said to be one.
"""

from __future__ import annotations

import bisect
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cats.errors import CatsError
from cats.shape.image_layout import (
    CHANNEL,
    FLAG_FOUR_BITS,
    FLAG_LLAMA,
    FLAG_STREAM,
    GATHER,
    HEADER,
    LLAMA,
    LLAMA_REPLICATED,
    MAGIC,
    MODEL,
    NORM,
    SCALE_GROUP,
    STREAM,
)
from cats.shape.partition import Kind
from cats.zephyr.elf import Elf, LinkMap, Section, Symbol, read_elf, read_map, with_declarations

#: Parts in the order of the table.
PARTS = (
    "weights",
    "plan",
    "arena",
    "engine",
    "gather",
    "glue",
    "transport",
    "security",
    "tools",
    "node state",
    "packets",
    "stacks",
    "kernel",
    "drivers",
    "network",
    "bluetooth",
    "crypto",
    "libraries",
    "application",
    "rest",
    "padding",
)
#: Code whose variables are the node's state; a transport's stay with the transport.
STATEFUL = ("engine", "gather", "glue")

#: Which part a source file, object file or archive belongs to; the first match counts.
BY_SOURCE = tuple(
    (part, re.compile(pattern))
    for part, pattern in (
        ("engine", r"subsys/cats/engine/|cats_+engine|cats__engine"),
        ("gather", r"subsys/cats/gather/|cats_+gather|cats__gather"),
        ("transport", r"subsys/cats/transport/|cats_+transport|cats__transport"),
        (
            "tools",
            r"subsys/cats/(shell/|tools/|node/(libcats_node\.a[(:])?(loss|energy)\.)|golden_\w+\.c",
        ),
        ("security", r"subsys/cats/secure/|libcats_secure"),
        ("glue", r"subsys/cats/|modules/cats/|libcats|subsys__cats"),
        ("bluetooth", r"subsys/bluetooth/|drivers/bluetooth/|subsys__bluetooth|drivers__bluetooth"),
        ("network", r"subsys/net/|drivers/ieee802154/|subsys__net|drivers__ieee802154|openthread"),
        ("crypto", r"mbedtls|tf-psa-crypto|tinycrypt|psa_crypto|oberon"),
        ("libraries", r"libgcc|libc\.a|libm\.a|libc_nano|picolibc|newlib|lib/libc/|lib__libc"),
        ("application", r"(^|/)app/|libapp\.a"),
        ("drivers", r"drivers/|modules/hal/|hal_|(^|/)soc/|soc__|boards/|hal/nordic|hal__"),
        ("kernel", r"zephyr/|libkernel|libzephyr|isr_tables"),
    )
)
#: Which part a symbol probably belongs to whose source file is not known.
BY_NAME = tuple(
    (part, re.compile(pattern))
    for part, pattern in (
        ("gather", r"^cats_(gather|frame|gf4|code|coded|exchange|fragment|reception|repair|slot)"),
        ("transport", r"^cats_(transport|loopback|ieee802154|ble|nrf_radio)"),
        ("engine", r"^cats_(engine|image|kernel|norm|softmax|product|attention|requantise)"),
        ("glue", r"^cats_"),
        (
            "bluetooth",
            r"^(bt_(hci|conn|le|gatt|att|smp|l2cap|buf|dev|id|addr|ctlr|enable|send|recv)|hci_"
            r"(driver|event|cmd|acl)|ull|lll)_",
        ),
        ("network", r"^(net|ieee802154|nrf5|nrf_802154)_"),
        ("crypto", r"^(mbedtls|psa|tc)_"),
        ("kernel", r"^(z|k|_k|arch|sys|_isr|_sw_isr|device|__device|__init|log|shell)_|^_kernel$"),
    )
)
#: Sections that the linker script of Zephyr makes for the kernel.
KERNEL_SECTION = re.compile(
    r"^(rom_start|initlevel|device_|sw_isr|.*_area$|\.?intList|\.ARM\.|\.exidx|vectors|_k_|k_)"
)
#: Memory of packets and of frames that a driver holds, between a transport and its radio.
PACKETS = re.compile(r"net_pkt\.c|net_buf|nrf_802154_rx_buffer")
STACK = re.compile(r"stack", re.IGNORECASE)
PARTITION = re.compile(r"^cats_partition")
ARENA = re.compile(r"^cats_(\w+_)?arena(?!_?[a-z])")

#: Without a map file, memory that lies further apart is taken for two regions.
REGION_GAP = 64 * 1024


@dataclass
class Region:
    """A memory region: bytes ``used`` as the linker counts them, ``length`` None if not known."""

    name: str
    kind: str
    origin: int
    used: int
    length: int | None = None


@dataclass
class Image:
    """A partition image that is linked in; sizes in bytes; ``deployment``: its ``model_id`` in
    ``plan.json``."""

    symbol: str
    node: int
    size: int
    arena: int
    deployment: str = ""


@dataclass
class Footprint:
    """One program; ``parts[name] = {"ram": bytes, "flash": bytes}`` add up to the totals, and
    ``guessed`` has what of them only the name of a symbol tells."""

    elf: str
    machine: str
    hosted: bool
    ram: int = 0
    flash: int = 0
    ram_limit: int | None = None
    flash_limit: int | None = None
    regions: list[Region] = field(default_factory=list)
    parts: dict[str, dict[str, int]] = field(default_factory=dict)
    guessed: dict[str, dict[str, int]] = field(default_factory=dict)
    images: list[Image] = field(default_factory=list)
    arenas: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, part: str, kind: str, size: int, guess: bool = False) -> None:
        """Count ``size`` bytes of ``kind`` "ram" or "flash" as ``part``."""
        for counts in (self.parts, self.guessed) if guess else (self.parts,):
            if size:
                counts.setdefault(part, {"ram": 0, "flash": 0})[kind] += size


def measure(path: str | os.PathLike[str], build: str | os.PathLike[str] | None = None) -> Footprint:
    """Read a program's footprint. ``build`` is its Zephyr build folder; by default it is found from
    the ELF's place in it (BUILD/zephyr/zephyr.elf)."""
    elf = read_elf(path)
    link, no_map = read_map(elf.path.with_suffix(".map"), elf)
    # Without a map, and where the linker compiled (LTO) or objects have names of their own, only
    # the debug information tells of which file a variable is.
    if link is None or not all(_part_of(_resolve(p.source, elf)) for p in link.placed):
        elf = with_declarations(elf)
    result = Footprint(elf=str(path), machine=elf.machine, hosted=elf.hosted)
    memory = dict(link.regions) if link else {}
    memory = memory or _board_memory(elf.path, build)
    usage = _hosted_usage(elf) if elf.hosted else _region_usage(elf, memory, result)
    for kind, section in usage:
        for name, source, size, symbol in _split(section, elf, link):
            for part, share, guess in _parts(name, source, size, symbol, section, kind, elf):
                result.add(part, kind, share, guess)
    for kind in ("ram", "flash"):
        attributed = sum(section.size for k, section in usage if k == kind)
        total = sum(r.used for r in result.regions if r.kind == kind) or attributed
        setattr(result, kind, total)
        result.add("padding", kind, total - attributed)
        lengths = [r.length for r in result.regions if r.kind == kind and r.used]
        if lengths and None not in lengths:
            setattr(result, f"{kind}_limit", sum(lengths))
    _read_images(elf, result)
    if not elf.symbols and not link:
        result.notes.append("stripped, no symbols: totals are right, parts cannot be told apart")
    else:
        _note_guesses(result, no_map, elf)
    return result


def _note_guesses(result: Footprint, no_map: str, elf: Elf) -> None:
    """Say what is guessed, and what would tell it."""
    ram, flash = (sum(part[kind] for part in result.guessed.values()) for kind in ("ram", "flash"))
    debug = "" if elf.files else "it has no debug information (-g)"
    reasons = ", ".join(reason for reason in (no_map, debug) if reason)
    if ram or flash:
        result.notes.append(
            f"{flash:,} bytes of flash and {ram:,} of RAM are guesses, by the names of symbols"
            + (f": {reasons}" if reasons else "")
        )
    elif no_map:
        result.notes.append(f"{no_map}: parts are those of the debug information")


def _hosted_usage(elf: Elf) -> list[tuple[str, Section]]:
    """As ``size`` counts: what is not writable is text, the rest data or bss."""
    usage = []
    for section in elf.sections:
        if section.writable:
            usage.append(("ram", section))
        if section.bits or not section.writable:
            usage.append(("flash", section))
    return usage


def _region_usage(
    elf: Elf, memory: Mapping[str, tuple[int, int]], result: Footprint
) -> list[tuple[str, Section]]:
    """Which section lies in which kind of memory; fills the regions with what the linker counts."""
    spans: list[tuple[int, Section]] = []
    for section in elf.sections:
        if section.tls and not section.bits:
            continue  # a template's size, no memory
        spans.append((section.address, section))
        if section.bits and section.load != section.address:
            spans.append((section.load, section))
    spans.sort(key=lambda span: span[0])
    homes: dict[str, list[tuple[int, Section]]] = {}
    regions: dict[str, Region] = {}
    last: Region | None = None
    for begin, section in spans:
        named = next((n for n, (o, length) in memory.items() if o <= begin < o + length), None)
        if named:
            origin, length = memory[named]
            region = regions.setdefault(named, Region(named, "flash", origin, 0, length))
        elif last and last.length is None and begin - (last.origin + last.used) < REGION_GAP:
            region = last
        else:
            region = regions.setdefault(hex(begin), Region(hex(begin), "flash", begin, 0))
        region.used = max(region.used, begin + section.size - region.origin)
        homes.setdefault(region.name, []).append((begin, section))
        last = region
    usage = []
    for name, region in regions.items():
        if _is_ram(homes[name]):
            region.kind = "ram"
        usage += [(region.kind, section) for _, section in homes[name]]
    result.regions = list(regions.values())
    return usage


def _is_ram(home: list[tuple[int, Section]]) -> bool:
    """Whether a region with these (address, section) is RAM: something there has no initial bytes
    or gets them from elsewhere. (Flash may hold a section that is marked writable.)"""
    here = [section for begin, section in home if begin == section.address]
    return any(not s.bits or s.load != s.address for s in here) or (
        bool(here) and all(s.writable for s in here)
    )


def _board_memory(elf: Path, build: str | os.PathLike[str] | None) -> dict[str, tuple[int, int]]:
    """Regions of a Zephyr build without a map file: what the devicetree gave to its .config."""
    folder = Path(build) if build else elf.resolve().parent.parent
    try:
        lines = (folder / "zephyr" / ".config").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        if build:
            raise CatsError(f"{build} is not a Zephyr build folder: no zephyr/.config") from error
        return {}
    config: dict[str, int] = {}
    for key, _, value in (line.partition("=") for line in lines):
        if re.fullmatch(r"0[xX][0-9a-fA-F]+|\d+", value):
            config[key] = int(value, 0)
    memory = {}
    if size := config.get("CONFIG_FLASH_SIZE", 0) * 1024:
        offset = config.get("CONFIG_FLASH_LOAD_OFFSET", 0)
        memory["FLASH"] = (
            config.get("CONFIG_FLASH_BASE_ADDRESS", 0) + offset,
            config.get("CONFIG_FLASH_LOAD_SIZE", 0) or size - offset,
        )
    if size := config.get("CONFIG_SRAM_SIZE", 0) * 1024:
        memory["RAM"] = (config.get("CONFIG_SRAM_BASE_ADDRESS", 0), size)
    return memory


def _split(
    section: Section, elf: Elf, link: LinkMap | None
) -> Iterable[tuple[str, str, int, Symbol | None]]:
    """Cut a section: (name, source, size, symbol) of every byte. Name and source are empty for what
    nobody owns, where that is known to be padding the name is "*fill*"."""
    end = section.address + section.size
    placed = [p for p in link.placed if section.address <= p.address < end] if link else []
    starts = [p.address for p in placed]
    at = section.address

    def rest(begin: int, stop: int) -> Iterable[tuple[str, str, int, Symbol | None]]:
        while begin < stop:
            index = bisect.bisect_right(starts, begin) - 1
            if index >= 0 and begin < placed[index].address + placed[index].size:
                owner = placed[index]
                until = min(stop, owner.address + owner.size)
                yield owner.name, _resolve(owner.source, elf), until - begin, None
            else:
                until = min(stop, starts[index + 1] if index + 1 < len(starts) else stop)
                yield ("*fill*" if link or until - begin < 8 else ""), "", until - begin, None
            begin = until

    symbols = [s for s in elf.symbols if section.address <= s.address < end]
    for symbol in sorted(symbols, key=lambda s: (s.address, -s.size)):
        stop = min(symbol.address + symbol.size, end)
        if stop <= at:
            continue  # an alias, or part of a larger symbol
        yield from rest(at, symbol.address)
        begin = max(at, symbol.address)
        index = bisect.bisect_right(starts, begin) - 1
        within = index >= 0 and begin < placed[index].address + placed[index].size
        source = placed[index].source if within else symbol.source
        source = " ".join((elf.source_of(begin), _resolve(source, elf)))
        yield symbol.name, source, stop - begin, symbol
        at = stop
    yield from rest(at, end)


def _resolve(source: str, elf: Elf) -> str:
    """An object file, archive member or file name with the path of its source before it, where the
    debug information knows one."""
    member = re.search(r"([^/()]+)\)?$", source)
    name = re.sub(r"\.(c\.obj|obj|c\.o|o)$", "", member[1]) if member else ""
    for candidate in (name, f"{name}.c"):
        if candidate in elf.files:
            return f"{elf.files[candidate]} {source}"
    return source


def _parts(
    name: str, source: str, size: int, symbol: Symbol | None, section: Section, kind: str, elf: Elf
) -> Iterable[tuple[str, int, bool]]:
    """(part, bytes, whether it is a guess) of a piece; an image is two: weights and plan."""
    if name == "*fill*":
        return [("padding", size, False)]
    if PARTITION.match(name) and symbol:
        weights = min(_weights(elf.content(symbol)), size)
        return [("weights", weights, False), ("plan", size - weights, False)]
    if ARENA.match(name):
        return [("arena", size, False)]
    if kind == "ram" and STACK.search(name or section.name):
        return [("stacks", size, False)]
    part = _part_of(source)
    guess = False
    if part is None:
        part = next((part for part, pattern in BY_NAME if pattern.search(name)), None)
        guess = part is not None
    if part is None:
        part = "kernel" if KERNEL_SECTION.search(section.name) else "rest"
    if kind == "ram" and PACKETS.search(source):
        part = "packets"
    if kind == "ram" and part in STATEFUL and section.writable:
        part = "node state"
    return [(part, size, guess)]


def _part_of(source: str) -> str | None:
    """The part of a source file, object file or archive; None for one that is not known."""
    return next((part for part, pattern in BY_SOURCE if pattern.search(source)), None)


def _weights(image: bytes) -> int:
    """Bytes of an image that are the model's numbers: weights, biases and multipliers, norms,
    tables; the rest is the plan. All of it where the image cannot be read."""
    try:
        head = np.frombuffer(image, HEADER, 1)[0]
        gathers = np.frombuffer(image, GATHER, int(head["gathers"]), int(head["gather_table"]))
        model = np.frombuffer(image, MODEL, 1, int(head["model"]))[0]
    except ValueError:
        return len(image)
    total, rows, scales = 0, int(model["tokens"]), np.zeros(len(gathers), "<u4")
    llama, own = bool(model["flags"] & FLAG_LLAMA), int(model["own_heads"] * model["head_width"])
    if model["flags"] & FLAG_STREAM:
        rows = int(np.frombuffer(image, STREAM, 1, int(gathers[1]["table"]))[0]["rows"])
    if llama:
        record = np.frombuffer(image, LLAMA, 1, int(gathers[0]["table"]))[0]
        own = int(model["features"]) if record["flags"] & LLAMA_REPLICATED else own
    if model["flags"] & FLAG_FOUR_BITS:
        scales = np.frombuffer(image, "<u4", len(gathers), int(record["scales"]))
    for g, scaled in zip(gathers, scales, strict=True):
        row = int(g["stride"])
        if scaled:
            row = row // 2 - -int(g["view"]) // SCALE_GROUP
        total += bool(g["weights"]) * int(g["products"]) * row
        total += bool(g["channels"]) * int(g["products"]) * CHANNEL.itemsize
        total += bool(g["norm"]) * int(g["view"]) * NORM.itemsize
        if llama and not g["kind"]:
            total += int(model["inputs"]) * (own + 4) * (own > 0)  # tokens' rows, multipliers
        elif g["table"] and g["kind"] != Kind.ATTENTION:  # whose table says that it is a stream
            total += (514 if llama else 256) if g["kind"] else 2 * rows * own
    return total


def _read_images(elf: Elf, result: Footprint) -> None:
    for symbol in elf.symbols:
        if ARENA.match(symbol.name):
            result.arenas[symbol.name] = symbol.size
        content = elf.content(symbol) if PARTITION.match(symbol.name) else b""
        if len(content) >= HEADER.itemsize and int.from_bytes(content[:4], "little") == MAGIC:
            head = np.frombuffer(content, HEADER, 1)[0]
            result.images.append(
                Image(
                    symbol.name,
                    int(head["node"]),
                    symbol.size,
                    int(head["arena_size"]),
                    f"{head['model_id']:08x}",
                )  # fmt: skip
            )
    result.images.sort(key=lambda image: image.node)
