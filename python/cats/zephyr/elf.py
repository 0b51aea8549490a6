# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a linked program says about itself: sections, load addresses, symbols, source files; and
what GNU ld's map file adds: memory regions and the object file of every byte."""

from __future__ import annotations

import bisect
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from elftools.elf.elffile import ELFFile

from cats.errors import CatsError

_TLS, _WRITE, _ALLOC = 0x400, 0x1, 0x2


@dataclass(frozen=True)
class Section:
    """A section that occupies memory. ``load`` is the address that its initial bytes are loaded
    from (LMA), ``bits`` whether it has any in the file."""

    name: str
    address: int
    load: int
    size: int
    bits: bool
    writable: bool
    tls: bool
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Symbol:
    """A function or object; ``source`` is its file's name for a local symbol, else empty."""

    name: str
    address: int
    size: int
    source: str


@dataclass(frozen=True)
class Elf:
    """A linked ELF file. ``hosted``: a program for an operating system, loaded as a whole. From
    the debug information: ``files`` has the path of each compiled file by its name, ``code`` has
    (begin, end, path) of functions in the order of addresses."""

    path: Path
    machine: str
    hosted: bool
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    files: dict[str, str]
    code: tuple[tuple[int, int, str], ...]

    def source_of_code(self, address: int) -> str:
        """The path of the file whose function is at an address; empty if not known."""
        index = bisect.bisect_right(self.code, (address, sys.maxsize, "")) - 1
        found = self.code[index] if index >= 0 else (0, 0, "")
        return found[2] if found[0] <= address < found[1] else ""

    def content(self, symbol: Symbol) -> bytes:
        """The initial bytes of an object (empty where it has none)."""
        for section in self.sections:
            begin = symbol.address - section.address
            if section.bits and begin >= 0 and begin + symbol.size <= section.size:
                return section.content[begin : begin + symbol.size]
        return b""


@dataclass(frozen=True)
class Placed:
    """What the linker put at an address: an input section and the object file that it is from."""

    address: int
    size: int
    name: str
    source: str


@dataclass(frozen=True)
class LinkMap:
    """``regions`` name -> (origin, length), ``placed`` in the order of addresses."""

    regions: dict[str, tuple[int, int]]
    placed: tuple[Placed, ...]


def read_elf(path: str | os.PathLike[str]) -> Elf:
    """Read a linked ELF file; raises CatsError where it is none, or is damaged."""
    path = Path(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _read(path, ELFFile(file), size)
    except OSError as error:
        raise CatsError(f"cannot read {path}: {error.strerror}") from error
    except CatsError:
        raise
    except Exception as error:  # pyelftools meets damage with whatever its parser stumbles over
        reason = str(error) or type(error).__name__
        raise CatsError(f"{path} is not a readable ELF file ({reason}): build it again") from error


def _read(path: Path, elf, file_size: int) -> Elf:
    if elf["e_type"] not in ("ET_EXEC", "ET_DYN"):
        raise CatsError(f"{path} is not a linked program ({elf['e_type']}): give the final .elf")
    if not elf.num_sections():
        raise CatsError(f"{path} has no section headers: give the ELF file as the linker wrote it")
    segments = [s.header for s in elf.iter_segments()]
    loads = [s for s in segments if s["p_type"] == "PT_LOAD"]
    hosted = any(s["p_type"] == "PT_INTERP" for s in segments) or elf.get_machine_arch() in (
        "x86",
        "x64",
    )
    sections, symbols = [], []
    thumb = elf["e_machine"] == "EM_ARM"
    for section in elf.iter_sections():
        head = section.header
        bits = head["sh_type"] != "SHT_NOBITS"
        if bits and head["sh_offset"] + head["sh_size"] > file_size:
            raise CatsError(f"{path} ends before its section '{section.name}': it is truncated")
        if head["sh_flags"] & _ALLOC and head["sh_size"]:
            content = b""
            if bits:
                elf.stream.seek(head["sh_offset"])
                content = elf.stream.read(head["sh_size"])
            sections.append(
                Section(
                    name=section.name,
                    address=head["sh_addr"],
                    load=_load_address(head, bits, loads),
                    size=head["sh_size"],
                    bits=bits,
                    writable=bool(head["sh_flags"] & _WRITE),
                    tls=bool(head["sh_flags"] & _TLS),
                    content=content,
                )
            )
        if head["sh_type"] == "SHT_SYMTAB":
            symbols = list(_symbols(section, thumb))
    files, code = _compiled(elf)
    return Elf(
        path=path,
        machine=elf.get_machine_arch(),
        hosted=hosted,
        sections=tuple(sorted(sections, key=lambda s: s.address)),
        symbols=tuple(symbols),
        files=files,
        code=code,
    )


def _load_address(head, bits: bool, loads) -> int:
    for load in loads:
        inside = 0 <= head["sh_addr"] - load["p_vaddr"] <= load["p_memsz"] - head["sh_size"]
        at = head["sh_offset"] - load["p_offset"]
        if inside and (not bits or at == head["sh_addr"] - load["p_vaddr"]):
            return load["p_paddr"] + head["sh_addr"] - load["p_vaddr"]
    return head["sh_addr"]


def _symbols(table, thumb: bool):
    source = ""
    for symbol in table.iter_symbols():
        info = symbol["st_info"]
        if info["type"] == "STT_FILE":
            source = symbol.name
        elif symbol["st_size"] and info["type"] in ("STT_OBJECT", "STT_FUNC", "STT_NOTYPE"):
            code = thumb and info["type"] == "STT_FUNC"
            yield Symbol(
                name=symbol.name,
                address=symbol["st_value"] & ~1 if code else symbol["st_value"],
                size=symbol["st_size"],
                source=source if info["bind"] == "STB_LOCAL" else "",
            )


def _compiled(elf) -> tuple[dict[str, str], tuple[tuple[int, int, str], ...]]:
    """``files`` and ``code`` of Elf; names that stand for several paths are left out of files."""
    paths: dict[int, str] = {}
    code = []
    try:
        dwarf = elf.get_dwarf_info() if elf.has_dwarf_info() else None
        for unit in dwarf.iter_CUs() if dwarf else ():
            top = unit.get_top_DIE().attributes
            name, folder = (
                top[a].value.decode(errors="replace") if a in top else ""
                for a in ("DW_AT_name", "DW_AT_comp_dir")
            )
            paths[unit.cu_offset] = os.path.normpath(os.path.join(folder, name))
        ranges = dwarf.get_aranges() if dwarf else None
        for entry in ranges.entries if ranges else ():
            if entry.begin_addr:  # 0 is a function that the linker left out
                path = paths.get(entry.info_offset, "")
                code.append((entry.begin_addr, entry.begin_addr + entry.length, path))
    except Exception:  # debug information is a help, never a condition
        return {}, ()
    files: dict[str, str] = {}
    for path in paths.values():
        if files.setdefault(os.path.basename(path), path) != path:
            files[os.path.basename(path)] = ""
    return {name: path for name, path in files.items() if path}, tuple(sorted(code))


def read_map(path: str | os.PathLike[str], elf: Elf) -> LinkMap | None:
    """Read GNU ld's map file; None where there is none or where it is another program's."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    _, _, text = text.partition("\nMemory Configuration\n")
    memory, found, body = text.partition("\nLinker script and memory map\n")
    if not found:
        return None
    regions = {
        name: (int(origin, 16), int(length, 16))
        for name, origin, length in re.findall(
            r"^([^\s*]\S*) +0x([0-9a-f]+) +0x([0-9a-f]+)", memory, re.MULTILINE
        )
    }
    sections = {section.name: section for section in elf.sections}
    placed: list[Placed] = []
    seen: set[str] = set()
    inside = False
    # An entry is "name address size [file]"; a long name has a line of its own.
    entry = re.compile(
        r"^( ?)([^\s*(][^\s(]*)(?:[ ]+|\n[ ]+)0x([0-9a-f]+) +0x([0-9a-f]+)(?: ([^\n]*))?$",
        re.MULTILINE,
    )
    for indent, name, address_text, size_text, rest in entry.findall(body):
        address, size = int(address_text, 16), int(size_text, 16)
        if not indent:
            section = sections.get(name)
            inside = section is not None and section.address == address and section.size == size
            if inside:
                seen.add(name)
        elif inside and size and rest:
            placed.append(Placed(address, size, name, rest.strip()))
    if seen != set(sections):
        return None
    return LinkMap(regions, tuple(sorted(placed, key=lambda p: p.address)))
