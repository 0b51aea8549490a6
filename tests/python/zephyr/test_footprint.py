# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Footprints agree with the linker and with ``size`` to the byte; plan and ELF must agree."""

import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from cats.cli import main
from cats.errors import CatsError
from cats.report import parse_size
from cats.shape.image_layout import CHANNEL, GATHER, HEADER, MAGIC, MODEL
from cats.zephyr.elf import read_elf, read_map
from cats.zephyr.footprint import PARTS, measure
from cats.zephyr.footprint_report import check_limits, short_names

ARM = shutil.which("arm-none-eabi-gcc")
needs_arm = pytest.mark.skipif(not ARM, reason="needs apt-get install gcc-arm-none-eabi")

SOURCE = """
#include <stdint.h>
#define IN(section_name) __attribute__((section(section_name)))
const uint8_t cats_partition[] __attribute__((aligned(8))) = {{ {image} }};
uint8_t cats_arena[{arena}] __attribute__((aligned(8)));
static uint8_t main_stack[{stack}] IN(".noinit.stack");
uint32_t last IN(".last") = 0xE015E015; /* in flash, yet writable */
uint32_t numbers[{numbers}] = {{1, 2, 3}};
static uint8_t z_state[{state}];
int cats_gather_tick(int x) {{ return x * numbers[x]; }}
static int k_sched(int x) {{ return z_state[x]++; }}
IN(".ramfunc") __attribute__((noinline)) int fast(int x) {{ return x * 3; }}
int main(void)
{{
	main_stack[3] = k_sched(fast(2));
	cats_arena[1] = cats_gather_tick(cats_partition[2]);
	return main_stack[2];
}}
{start}
"""

SCRIPT = """
MEMORY {{
	FLASH (rx) : ORIGIN = {flash:#x}, LENGTH = 256K
	RAM (rwx) : ORIGIN = {ram:#x}, LENGTH = 64K
}}
ENTRY(_start)
SECTIONS {{
	vectors : {{ KEEP(*(.vectors)) LONG(0x20001000) LONG(_start) . = ALIGN({align}); }} > FLASH
	.text : ALIGN({align}) {{ *(.text*) *(.rodata*) }} > FLASH
	.ARM.exidx : {{ *(.ARM.exidx*) }} > FLASH
	.ramfunc : ALIGN({align}) {{ *(.ramfunc*) }} > RAM AT> FLASH
	.data : ALIGN({align}) {{ *(.data*) }} > RAM AT> FLASH
	.last : ALIGN(4) {{ KEEP(*(.last)) }} > FLASH
	.bss (NOLOAD) : ALIGN({align}) {{ *(.bss*) *(COMMON) }} > RAM
	.noinit (NOLOAD) : ALIGN({align}) {{ *(.noinit*) . += {reserve}; }} > RAM
	/DISCARD/ : {{ *(.note*) *(.eh_frame*) }}
}}
"""


def image_bytes(node=3, arena=640, products=5, stride=8):
    """A partition image with one gather that has weights; fields that nobody reads stay 0."""
    at = HEADER.itemsize + MODEL.itemsize + GATHER.itemsize
    weights = products * stride
    size = -(-(at + weights + products * CHANNEL.itemsize) // 8) * 8
    head, model, gather = (np.zeros(1, t) for t in (HEADER, MODEL, GATHER))
    for name, value in {
        "magic": MAGIC, "image_size": size, "node": node, "nodes": 4, "gathers": 1,
        "arena_size": arena, "model": HEADER.itemsize,
        "gather_table": HEADER.itemsize + MODEL.itemsize,
    }.items():  # fmt: skip
        head[name] = value
    gather["kind"], gather["products"], gather["stride"] = 4, products, stride
    gather["weights"], gather["channels"] = at, at + weights
    content = head.tobytes() + model.tobytes() + gather.tobytes()
    return content + bytes(size - len(content)), weights + products * CHANNEL.itemsize


def compile_c(folder, compiler, *flags, image=b"\x01\x02\x03", name="a.elf", **sizes):
    """Compile SOURCE; returns the ELF's path and what the compiler printed."""
    values = {"arena": 640, "stack": 500, "numbers": 9, "state": 77} | sizes
    start = "void _start(void) { main(); for (;;) { } }" if "-nostdlib" in flags else ""
    text = SOURCE.format(image=", ".join(map(str, image)), start=start, **values)
    (folder / "a.c").write_text(text)
    done = subprocess.run(
        [compiler, "-g", "-Os", "a.c", "-o", name, *flags],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / name, done.stdout + done.stderr


def link_arm(folder, *flags, flash=0x8000100, ram=0x20000000, align=16, reserve=33, **options):
    """An ARM ELF, and {"FLASH": used, "RAM": used} as the linker reports them."""
    script = SCRIPT.format(flash=flash, ram=ram, align=align, reserve=reserve)
    (folder / "a.ld").write_text(script)
    elf, report = compile_c(
        folder, ARM, "-mcpu=cortex-m4", "-mthumb", "-nostdlib", "-ffunction-sections",
        "-fdata-sections", "-Ta.ld", "-Wl,--print-memory-usage", "-Wl,-Map=a.map", *flags,
        **options,
    )  # fmt: skip
    found = re.findall(r"(\w+): +(\d+) (B|KB) ", report)
    assert len(found) == 2
    used = {name: int(count) * (1024 if unit == "KB" else 1) for name, count, unit in found}
    return elf, used


def strip(elf, tool, *flags):
    bare = elf.parent / "stripped" / elf.name
    bare.parent.mkdir(exist_ok=True)
    subprocess.run([tool, *flags, "-o", bare, elf], check=True)
    return bare


def assert_adds_up(result):
    for kind in ("ram", "flash"):
        assert sum(part[kind] for part in result.parts.values()) == getattr(result, kind)
        assert all(part[kind] >= 0 for part in result.parts.values())
    assert set(result.parts) <= set(PARTS)


def layout(seed):
    rng = random.Random(seed)
    return {
        "arena": rng.randint(1, 3000), "stack": rng.randint(4, 900),
        "numbers": rng.randint(3, 90), "state": rng.randint(5, 300),
        "align": rng.choice((4, 8, 32, 256)), "reserve": rng.choice((0, 1, 33, 512)),
        "flash": rng.choice((0, 0x8000000, 0x8000200)),
        "ram": rng.choice((0x10000000, 0x20000000)),
        "image": bytes(rng.randrange(256) for _ in range(rng.randint(3, 70))),
    }  # fmt: skip


@needs_arm
@pytest.mark.parametrize("seed", range(8))
def test_arm_totals_are_the_linkers(tmp_path, seed):
    elf, used = link_arm(tmp_path, **layout(seed))
    result = measure(elf)
    assert {r.name: r.used for r in result.regions} == used
    assert (result.ram, result.flash) == (used["RAM"], used["FLASH"])
    assert (result.ram_limit, result.flash_limit) == (64 * 1024, 256 * 1024)
    assert_adds_up(result)
    bare = measure(strip(elf, "arm-none-eabi-strip"))
    assert (bare.ram, bare.flash) == (used["RAM"], used["FLASH"])
    assert any("stripped" in note for note in bare.notes)
    assert_adds_up(bare)


@needs_arm
def test_arm_parts(tmp_path):
    image, weights = image_bytes()
    elf, _ = link_arm(tmp_path, image=image, state=77, stack=500, reserve=0)
    for map_file in (True, False):
        if not map_file:
            (tmp_path / "a.map").unlink()
        parts = measure(elf).parts
        assert parts["weights"] == {"ram": 0, "flash": weights}
        assert parts["plan"] == {"ram": 0, "flash": len(image) - weights}
        assert parts["arena"] == {"ram": 640, "flash": 0}
        assert parts["stacks"] == {"ram": 500, "flash": 0}
        assert parts["gather"]["flash"] > 0
        assert parts["kernel"]["ram"] == 77


@needs_arm
def test_parts_by_source_file(tmp_path):
    """An archive's members are told apart by the paths in the debug information."""
    sources = {
        "subsys/cats/engine/verify.c": "int odd; int odd_name(int x) { return odd + x; }"
        "int left_out(int x) { return odd * x; }",
        "zephyr/kernel/queue.c": "int pool[7]; int other(void) { return pool[3]; }",
        "start.c": "int odd_name(int); int other(void); void _start(void) { odd_name(other()); }"
        '__attribute__((section(".vectors"), used)) const int at_zero[30] = {1};',
    }
    for name, text in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "a.ld").write_text(SCRIPT.format(flash=0, ram=0x20000000, align=4, reserve=0))
    arm = [ARM, "-g", "-Os", "-mcpu=cortex-m4", "-mthumb", "-nostdlib", "-ffunction-sections"]
    subprocess.run([*arm, "-c", *sources], cwd=tmp_path, check=True)
    members = ["verify.o", "queue.o"]
    subprocess.run(["arm-none-eabi-ar", "rcs", "liball.a", *members], cwd=tmp_path, check=True)
    link = ["-Ta.ld", "start.o", "liball.a", "-Wl,-Map=a.map,--gc-sections", "-o", "a.elf"]
    subprocess.run([*arm, *link], cwd=tmp_path, check=True)
    parts = measure(tmp_path / "a.elf").parts
    assert 0 < parts["engine"]["flash"] < 30
    assert parts["node state"]["ram"] == 4
    assert parts["kernel"]["ram"] == 28
    (tmp_path / "a.map").unlink()
    assert measure(tmp_path / "a.elf").parts["engine"] == parts["engine"]


#: A program of four parts whose names say nothing, or something wrong, of where they belong.
FILES = {
    "subsys/cats/gather/receive.c": "static int shift[40] = {1, 2}; static int seen[9];\n"
    "static __attribute__((noinline)) int take(int x) { return shift[x & 31] + seen[x & 7]++; }\n"
    "int radio_receive(int x) { static int calls; return take(x) * 3 + take(x + 1) + calls++; }",
    "subsys/cats/engine/norm.c": "const int table[64] = {4, 5, 6};\n"
    "int ll_name(int x) { return table[x & 63] * 5; }",
    "zephyr/kernel/sched.c": "int ready[12]; int hci_sched(int x) { return ready[x % 12] += x; }",
    "app/start.c": "int radio_receive(int), ll_name(int), hci_sched(int);\n"
    '__attribute__((section(".vectors"), used)) const int at_zero[30] = {1};\n'
    "void _start(void) { for (int i = 0;; i++) { hci_sched(radio_receive(ll_name(i))); } }",
}
#: RAM, and least flash, of its parts: variables, constants, initial values.
PARTS_OF_FILES = {"node state": (40, 0), "kernel": (48, 0), "gather": (0, 160), "engine": (0, 256)}
CLANG = [shutil.which("clang"), "--target=arm-none-eabi"]
needs_lld = pytest.mark.skipif(
    not (CLANG[0] and shutil.which("ld.lld")), reason="needs apt-get install clang lld"
)
BUILDS = {
    "gcc": ([ARM], ["-nostdlib"]),
    "gcc-lto": ([ARM, "-flto"], ["-nostdlib"]),
    "clang": (CLANG, None),
    "clang-dwarf4": ([*CLANG, "-gdwarf-4"], None),
    "clang-lto": ([*CLANG, "-flto"], None),
}


def link_files(folder, compiler, link, debug="-g"):
    """The ELF of FILES, its map beside it; linked by the compiler, or by lld (None)."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "a.ld").write_text(SCRIPT.format(flash=0, ram=0x20000000, align=4, reserve=0))
    flags = ["-Os", debug, "-mcpu=cortex-m4", "-mthumb", "-ffunction-sections", "-fdata-sections"]
    command = [*compiler, *flags]
    subprocess.run([*command, "-c", *FILES], cwd=folder, check=True)
    objects = [Path(name).stem + ".o" for name in FILES]
    if link is None:
        linker = ["ld.lld", "-Map=a.map"]
    else:
        linker = [*command, *link, "-Wl,-Map=a.map"]
    subprocess.run([*linker, "-Ta.ld", *objects, "-o", "a.elf"], cwd=folder, check=True)
    return folder / "a.elf"


@pytest.mark.parametrize(
    "build",
    [pytest.param(name, marks=needs_lld if "clang" in name else needs_arm) for name in BUILDS],
)
def test_parts_are_right_whoever_links(tmp_path, build):
    """With the map and the debug information, or the latter alone, of any linker, LTO or not."""
    elf = link_files(tmp_path, *BUILDS[build])
    found = []
    for has_map in (True, False):
        if not has_map:
            (tmp_path / "a.map").unlink()
        result = measure(elf)
        assert_adds_up(result)
        assert not result.guessed and "bluetooth" not in result.parts
        # All but the section of a linker script and what the debug information leaves out.
        assert result.parts.get("rest", {"flash": 0})["flash"] <= (0 if has_map else 8), has_map
        for part, (ram, flash) in PARTS_OF_FILES.items():
            assert result.parts[part]["ram"] == ram
            assert result.parts[part]["flash"] >= flash
        if "lto" not in build:
            assert result.parts["gather"]["flash"] > 160 and result.parts["kernel"]["flash"] > 0
        assert result.notes == (
            [] if has_map else
            ["there is no map file beside it: parts are those of the debug information"]
        )  # fmt: skip
        found.append([result.parts[part] for part in ("engine", "gather", "node state")])
    assert found[0] == found[1]


@pytest.mark.parametrize("build", [pytest.param("gcc", marks=needs_arm),
                                   pytest.param("clang", marks=needs_lld)])  # fmt: skip
def test_a_map_alone_is_enough(tmp_path, build):
    """The linker's name of each object: here they are of no folder, so put them in one."""
    elf = link_files(tmp_path, *BUILDS[build], debug="-g0")
    text = (tmp_path / "a.map").read_text()
    for name in FILES:
        stem = Path(name).stem
        text = re.sub(rf"(?<![\w.]){stem}\.o", f"{Path(name).parent}/{stem}.o", text)
    (tmp_path / "a.map").write_text(text)
    result = measure(elf)
    assert not result.guessed and not result.notes
    for part, (ram, flash) in PARTS_OF_FILES.items():
        assert result.parts[part]["ram"] == ram and result.parts[part]["flash"] >= flash


@needs_arm
def test_what_only_a_name_tells_is_a_guess(tmp_path, capsys):
    elf, _ = link_arm(tmp_path, "-g0", state=77)
    for content, reason in (
        (None, "there is no map file beside it, it has no debug information (-g)"),
        ("something else\n", "not readable: neither GNU ld's nor lld's"),
    ):
        (tmp_path / "a.map").unlink()
        if content:
            (tmp_path / "a.map").write_text(content)
        result = measure(elf)
        assert result.guessed["kernel"]["ram"] == result.parts["kernel"]["ram"] == 77
        (note,) = result.notes
        assert "are guesses, by the names of symbols" in note and reason in note
        assert main(["footprint", str(elf)]) == 0
        shown = capsys.readouterr()
        assert "kernel (guess)" in shown.out and reason in shown.err
        (tmp_path / "a.map").touch()
    # A name that begins as one of Bluetooth's might is not taken for one.
    bare = link_files(tmp_path, *BUILDS["gcc"], debug="-g0")
    (tmp_path / "a.map").unlink()
    assert "bluetooth" not in measure(bare).parts


@needs_arm
def test_absolute_symbols_are_no_memory(tmp_path):
    """A number that has a name and a size is not what lies at that address."""
    elf, _ = link_arm(tmp_path)
    before = measure(elf).parts
    numbers = ".globl bt_hci_number\nbt_hci_number = 0x20000010\n.size bt_hci_number, 400\n"
    (tmp_path / "n.s").write_text(numbers)
    elf, _ = link_arm(tmp_path, "n.s")
    assert any(name == "bt_hci_number" for name in all_names(elf))
    assert measure(elf).parts == before


def all_names(elf):
    """Names of all symbols, absolute ones included."""
    with elf.open("rb") as file:
        return [s.name for s in ELFFile(file).get_section_by_name(".symtab").iter_symbols()]


@needs_arm
def test_map_of_another_program_is_not_believed(tmp_path):
    elf, used = link_arm(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    link_arm(other, stack=900)
    shutil.copy(other / "a.map", tmp_path / "a.map")
    assert read_map(tmp_path / "a.map", read_elf(elf)) == (
        None, "the map file beside it is of another link"
    )  # fmt: skip
    result = measure(elf)
    assert any("of another link" in note for note in result.notes)
    assert (result.ram, result.flash) == (used["RAM"], used["FLASH"])


@needs_arm
def test_board_memory_of_a_zephyr_build(tmp_path):
    elf, used = link_arm(tmp_path, flash=0x10000)
    (tmp_path / "a.map").unlink()
    build = tmp_path / "build"
    (build / "zephyr").mkdir(parents=True)
    (build / "zephyr" / ".config").write_text(
        "CONFIG_FLASH_SIZE=1024\nCONFIG_FLASH_BASE_ADDRESS=0x0\nCONFIG_FLASH_LOAD_OFFSET=0x10000\n"
        'CONFIG_FLASH_LOAD_SIZE=0x70000\nCONFIG_SRAM_SIZE=256\nCONFIG_BOARD="x"\n'
        "CONFIG_SRAM_BASE_ADDRESS=0x20000000\n"
    )
    for path, folder in ((elf, build), (shutil.copy(elf, build / "zephyr" / "zephyr.elf"), None)):
        result = measure(path, folder)
        assert (result.ram, result.flash) == (used["RAM"], used["FLASH"])
        assert (result.ram_limit, result.flash_limit) == (256 * 1024, 0x70000)
    with pytest.raises(CatsError, match="not a Zephyr build folder"):
        measure(elf, tmp_path)


def berkeley(elf):
    text, data, bss = subprocess.run(
        ["size", elf], check=True, capture_output=True, text=True
    ).stdout.split("\n")[1].split()[:3]  # fmt: skip
    return int(text), int(data), int(bss)


@pytest.mark.parametrize("flags", [(), ("-no-pie",), ("-static",), ("-m32",), ("-nostartfiles",)])
def test_host_totals_are_those_of_size(tmp_path, flags):
    if "-m32" in flags and subprocess.run(
        ["gcc", "-m32", "-xc", "-", "-o", "/dev/null"],
        input=b"#include <stdint.h>\nint main(void) { return 0; }", capture_output=True,
    ).returncode:  # fmt: skip
        pytest.skip("needs apt-get install gcc-multilib")
    if "-nostartfiles" in flags:
        flags = (*flags, "-nostdlib", "-static", "-Wl,-e,main")
    elf, _ = compile_c(tmp_path, "gcc", *flags)
    text, data, bss = berkeley(elf)
    for path in (elf, strip(elf, "strip")):
        result = measure(path)
        assert result.hosted
        assert (result.flash, result.ram) == (text + data, data + bss)
        assert_adds_up(result)


@pytest.fixture
def host(tmp_path):
    """A host ELF of node 3 and the plan that it keeps."""
    image, _ = image_bytes(node=3, arena=640)
    elf, _ = compile_c(tmp_path, "gcc", image=image, arena=640)
    plan = tmp_path / "plan.json"
    node = {"node": 3, "image_bytes": len(image), "arena_bytes": 640}
    plan.write_text(json.dumps({"nodes": [node]}))
    return elf, plan, node


def test_plan_and_elf_agree(host, capsys):
    elf, plan, _ = host
    for given in (plan, plan.parent):
        assert main(["footprint", str(elf), "--plan", str(given)]) == 0
        out = capsys.readouterr().out
        assert "weights" in out and "arena" in out


@pytest.mark.parametrize("field", ["image_bytes", "arena_bytes", "node"])
def test_plan_and_elf_disagree_by_one(host, field, capsys):
    elf, plan, node = host
    plan.write_text(json.dumps({"nodes": [node | {field: node[field] + 1}]}))
    assert main(["footprint", str(elf), "--plan", str(plan)]) == 1
    assert "node 3" in capsys.readouterr().err


def test_arena_of_another_size(tmp_path, capsys):
    image, _ = image_bytes(arena=640)
    elf, _ = compile_c(tmp_path, "gcc", image=image, arena=648)
    plan = tmp_path / "plan.json"
    node = {"node": 3, "image_bytes": len(image), "arena_bytes": 640}
    plan.write_text(json.dumps({"nodes": [node]}))
    assert main(["footprint", str(elf), "--plan", str(plan)]) == 1
    assert "arena of 648 bytes, planned 640" in capsys.readouterr().err


def test_image_in_a_flash_partition(tmp_path, capsys):
    elf, _ = compile_c(tmp_path, "gcc", image=b"none", arena=640)
    plan = tmp_path / "plan.json"
    nodes = [{"node": n, "image_bytes": 9, "arena_bytes": 632 + 8 * n} for n in range(3)]
    plan.write_text(json.dumps({"nodes": nodes}))
    command = ["footprint", str(elf), "--plan", str(plan)]
    assert main(command) == 2
    assert "say --node N of 0, 1, 2" in capsys.readouterr().err
    assert main([*command, "--node", "0"]) == 0
    assert main([*command, "--node", "1"]) == 0
    assert main([*command, "--node", "2"]) == 1
    assert "planned 648" in capsys.readouterr().err


def test_image_of_another_node(host, capsys):
    elf, plan, _ = host
    assert main(["footprint", str(elf), "--plan", str(plan), "--node", "3"]) == 0
    assert main(["footprint", str(elf), "--plan", str(plan), "--node", "2"]) == 1
    assert "no image of node 2" in capsys.readouterr().err


def test_stripped_cannot_be_compared(host, capsys):
    elf, plan, _ = host
    assert main(["footprint", str(strip(elf, "strip")), "--plan", str(plan)]) == 1
    assert "no arena" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"nodes": [{}]}', '{"nodes": 3}', '{"nodes": [{"node": "x"}]}']
)
def test_bad_plan(host, content, capsys):
    elf, plan, _ = host
    plan.write_text(content)
    assert main(["footprint", str(elf), "--plan", str(plan)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("cats: error: ") and err.count("\n") == 1


def test_limits_to_the_byte(host, capsys):
    elf, _, _ = host
    result = measure(elf)
    command = ["footprint", str(elf), "--ram", str(result.ram), "--flash"]
    assert main([*command, str(result.flash)]) == 0
    assert main([*command, str(result.flash - 1)]) == 1
    assert "1 more than the limit" in capsys.readouterr().err
    check_limits(result, ram=result.ram - 1)
    assert len(result.problems) == 1


def test_json_and_several_side_by_side(host, tmp_path, capsys):
    elf, plan, _ = host
    second = tmp_path / "second"
    second.mkdir()
    shutil.copy(elf, second)
    out = tmp_path / "out" / "footprint.json"
    command = ["footprint", str(elf), str(second / elf.name), "--plan", str(plan)]
    assert main([*command, "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "RAM" in printed and "second" in printed
    data = json.loads(out.read_text())
    assert data["ok"] is True and len(data["elfs"]) == 2
    assert data["elfs"][0]["parts"] == data["elfs"][1]["parts"]
    assert data["elfs"][0]["images"][0]["node"] == 3
    assert main([*command, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == data


def test_needs_little(host):
    """It runs in the Python of a Zephyr workspace: pyelftools and numpy, nothing else."""
    elf, plan, _ = host
    absent = "safetensors", "torch", "sklearn", "matplotlib", "cffi", "tqdm"
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({absent}))\n"
        "from cats.cli import main; sys.exit(main())\n"
    )
    command = [sys.executable, "-c", code, "footprint", elf, "--plan", plan]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_short_names():
    assert short_names(["/x/b/node_0/z.elf", "/x/b/node_1/z.elf"]) == ["node_0", "node_1"]
    assert short_names(["z.elf", "/x/z.elf"]) == ["z.elf", "x"]
    assert short_names(["a", "a"]) == ["a", "a"]


def test_not_a_program(tmp_path, capsys):
    (tmp_path / "a.c").write_text("int x;")
    subprocess.run(["gcc", "-c", "a.c"], cwd=tmp_path, check=True)
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").write_bytes(b"")
    for name, reason in (
        ("a.o", "not a linked program"), ("text", "not a readable ELF"),
        ("empty", "not a readable"), ("none", "No such file"),
        (".", "Is a directory"),
    ):  # fmt: skip
        assert main(["footprint", str(tmp_path / name)]) == 2
        err = capsys.readouterr().err
        assert err.startswith("cats: error: ") and reason in err and err.count("\n") == 1


@pytest.mark.no_cover
def test_damaged(host, tmp_path):
    """A cut or a flipped byte gives figures or one CatsError, never another exception."""
    content = host[0].read_bytes()
    damaged = tmp_path / "damaged.elf"
    rng = random.Random(5)
    shoff = int.from_bytes(content[0x28:0x30], "little")
    refused = 0
    for trial in range(260):
        copy = bytearray(content)
        if trial < 60:
            copy = copy[: rng.randrange(len(copy))]
        else:  # mostly where the structure is: ELF header, program headers, section headers
            for _ in range(rng.randint(1, 4)):
                spans = ((0, 64), (64, 800), (shoff, len(copy)), (0, len(copy)))
                copy[rng.randrange(*rng.choice(spans))] = rng.randrange(256)
        damaged.write_bytes(copy)
        try:
            measure(damaged)
        except CatsError as error:
            refused += 1
            assert "\n" not in str(error)
        else:
            assert trial >= 60, "a truncated file lacks its section headers"
    assert refused > 60


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("262144", 262144), ("256K", 262144), ("1M", 1 << 20),
                       ("0x40", 64), ("2kB", 2048), ("3 MiB", 3 << 20)]
)  # fmt: skip
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "1.5K", "K", "1G", "many"])
def test_bad_sizes(text, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["footprint", "x", f"--ram={text}"])
    assert stop.value.code == 2
    assert "is not a size" in capsys.readouterr().err
