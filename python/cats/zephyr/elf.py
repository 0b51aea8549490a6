# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a linked program says about itself: sections, load addresses, symbols, source files; and
what a linker's map file adds: memory regions (GNU ld) and the object file of every byte."""

from __future__ import annotations

import bisect
import os
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from elftools.dwarf.dwarf_expr import DWARFExprParser
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
    (begin, end, path) of code in the order of addresses; ``functions`` has the same of single
    functions, ``variables`` the path of the file of the variable at an address
    (``with_declarations``)."""

    path: Path
    machine: str
    hosted: bool
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    files: dict[str, str]
    code: tuple[tuple[int, int, str], ...]
    functions: tuple[tuple[int, int, str], ...] = ()
    variables: dict[int, str] = field(default_factory=dict)

    def source_of(self, address: int) -> str:
        """The path of the file whose function or variable is at an address; empty if not known."""
        if address in self.variables:
            return self.variables[address]
        for spans in (self.functions, self.code):
            index = bisect.bisect_right(spans, (address, sys.maxsize, "")) - 1
            if index >= 0 and address < spans[index][1]:
                return spans[index][2]
        return ""

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
    """``regions`` name -> (origin, length), empty where the linker does not say them; ``placed`` in
    the order of addresses."""

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
        elif symbol["st_shndx"] in ("SHN_ABS", "SHN_UNDEF"):
            continue  # a number that a linker script gives a name, and no memory
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
    paths: list[str] = []
    code = []
    try:
        dwarf = elf.get_dwarf_info() if elf.has_dwarf_info() else None
        for unit in dwarf.iter_CUs() if dwarf else ():
            top = unit.get_top_DIE()
            if path := _unit_path(top):
                paths.append(path)
                code += [(begin, end, path) for begin, end in _ranges(top)]
    except Exception:  # debug information is a help, never a condition
        return {}, ()
    files: dict[str, str] = {}
    for path in paths:
        if files.setdefault(os.path.basename(path), path) != path:
            files[os.path.basename(path)] = ""
    return {name: path for name, path in files.items() if path}, tuple(sorted(code))


def with_declarations(elf: Elf) -> Elf:
    """The same, with the file of every function and variable that the debug information declares,
    as is needed where no map says it, or where the linker compiled (LTO). Takes seconds."""
    variables: dict[int, str] = {}
    functions: list[tuple[int, int, str]] = []
    try:
        with elf.path.open("rb") as file:
            dwarf = ELFFile(file).get_dwarf_info()
            for unit in dwarf.iter_CUs():
                for die in unit.iter_DIEs():
                    if die.tag == "DW_TAG_variable" and "DW_AT_location" in die.attributes:
                        address = _address(die)
                        if address:
                            variables[address] = _declared_in(die)
                    elif die.tag == "DW_TAG_subprogram":
                        spans = _ranges(die)
                        path = _declared_in(die) if spans else ""
                        functions += [(begin, end, path) for begin, end in spans if path]
    except Exception:  # debug information is a help, never a condition
        return elf
    return replace(elf, functions=tuple(sorted(functions)), variables=variables)


def _unit_path(top) -> str:
    """The path of the file that a compile unit is of; empty for one that the linker made (LTO)."""
    name, folder = (
        top.attributes[a].value.decode(errors="replace") if a in top.attributes else ""
        for a in ("DW_AT_name", "DW_AT_comp_dir")
    )
    if not name or name.startswith("<"):
        return ""
    return os.path.normpath(os.path.join(folder, name))


def _ranges(die) -> list[tuple[int, int]]:
    """[begin, end) of a unit's or function's code; what the linker left out lies at 0."""
    attributes = die.attributes
    if "DW_AT_ranges" in attributes:
        lists = die.dwarfinfo.range_lists()
        unit = die.cu.get_top_DIE().attributes
        base = unit["DW_AT_low_pc"].value if "DW_AT_low_pc" in unit else 0
        spans = []
        for entry in lists.get_range_list_at_offset(attributes["DW_AT_ranges"].value, die.cu):
            if hasattr(entry, "base_address"):
                base = entry.base_address
            else:
                shift = 0 if entry.is_absolute else base
                spans.append((shift + entry.begin_offset, shift + entry.end_offset))
    elif "DW_AT_low_pc" in attributes and "DW_AT_high_pc" in attributes:
        low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
        spans = [(low, high.value if high.form == "DW_FORM_addr" else low + high.value)]
    else:
        return []
    return [(begin, end) for begin, end in spans if begin and begin < end]


def _address(variable) -> int:
    """Where a variable is; 0 where it has no fixed address, or was left out."""
    place = variable.attributes["DW_AT_location"]
    if not place.form.startswith(("DW_FORM_exprloc", "DW_FORM_block")):
        return 0
    parser = DWARFExprParser(variable.cu.structs)
    operations = parser.parse_expr(place.value)
    if len(operations) != 1:
        return 0
    (argument, *_), name = operations[0].args or [0], operations[0].op_name
    if name in ("DW_OP_addrx", "DW_OP_GNU_addr_index"):
        return variable.dwarfinfo.get_addr(variable.cu, argument)
    return argument if name == "DW_OP_addr" else 0


def _declared_in(die) -> str:
    """The path of the source file of a function or variable: where it is declared if that is no
    header, else the file that was compiled; empty if neither is known."""
    for name in ("DW_AT_abstract_origin", "DW_AT_specification"):
        while name in die.attributes:
            die = die.get_DIE_from_attribute(name)
    compiled = _unit_path(die.cu.get_top_DIE())
    index = die.attributes.get("DW_AT_decl_file")
    lines = die.dwarfinfo.line_program_for_CU(die.cu) if index else None
    if lines is None:
        return compiled
    header = lines.header
    first = 0 if header.version >= 5 else 1
    entry = header.file_entry[index.value - first]
    folder = ""
    if header.version >= 5 or entry.dir_index:
        folder = header.include_directory[entry.dir_index - first].decode(errors="replace")
    attributes = die.cu.get_top_DIE().attributes
    root = attributes["DW_AT_comp_dir"].value.decode() if "DW_AT_comp_dir" in attributes else ""
    path = os.path.normpath(os.path.join(root, folder, entry.name.decode(errors="replace")))
    return path if re.search(r"\.(c|cc|cpp|cxx|S|s)$", path) else compiled or path


def read_map(path: str | os.PathLike[str], elf: Elf) -> tuple[LinkMap | None, str]:
    """(the map file of GNU ld or of LLVM's lld, why there is none)."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None, "there is no map file beside it"
    except OSError as error:
        return None, f"the map file beside it cannot be read ({error.strerror})"
    if re.match(r" *VMA +LMA +Size +Align +Out +In +Symbol\n", text):
        regions, found, placed = {}, *_lld_map(text, elf)
    else:
        _, _, text = text.partition("\nMemory Configuration\n")
        memory, is_map, body = text.partition("\nLinker script and memory map\n")
        if not is_map:
            return None, "the map file beside it is not readable: neither GNU ld's nor lld's"
        regions = {
            name: (int(origin, 16), int(length, 16))
            for name, origin, length in re.findall(
                r"^([^\s*]\S*) +0x([0-9a-f]+) +0x([0-9a-f]+)", memory, re.MULTILINE
            )
        }
        found, placed = _gnu_map(body, elf)
    if found != {section.name for section in elf.sections}:
        return None, "the map file beside it is of another link"
    return LinkMap(regions, tuple(sorted(placed, key=lambda p: p.address))), ""


def _gnu_map(body: str, elf: Elf) -> tuple[set[str], list[Placed]]:
    """(sections of the ELF that the map has as they are, what lies in them)."""
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
            inside = _same_section(sections.get(name), address, size)
            if inside:
                seen.add(name)
        elif inside and size and rest:
            placed.append(Placed(address, size, name, rest.strip()))
    return seen, placed


def _same_section(section: Section | None, address: int, size: int) -> bool:
    """Whether what a map tells of an output section is that of this ELF file."""
    return section is not None and section.address == address and section.size == size


def _lld_map(text: str, elf: Elf) -> tuple[set[str], list[Placed]]:
    """The same of lld's: "VMA LMA size align name", where an output section's name stands at the
    margin and an input section is FILE:(NAME), eight columns in."""
    sections = {section.name: section for section in elf.sections}
    placed: list[Placed] = []
    seen: set[str] = set()
    inside = False
    entry = re.compile(r"^ *([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+) +\d+ ( *)(\S.*)$", re.MULTILINE)
    for address_text, size_text, indent, name in entry.findall(text):
        address, size = int(address_text, 16), int(size_text, 16)
        if not indent:
            inside = _same_section(sections.get(name), address, size)
            if inside:
                seen.add(name)
        elif inside and size and len(indent) == 8 and name.endswith(")") and ":(" in name:
            source, _, section_name = name.rpartition(":(")
            placed.append(Placed(address, size, section_name[:-1], source))
    return seen, placed
