# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``make scaling``: the largest model that one nRF52840 holds and that several hold, by linking it.

The plan says where the border is; there, firmware is linked for the node that needs most: the
largest model must fit into flash and RAM, and the next one must not. What the ELF shows beside
image and arena replaces what the plan had reserved for it, and where that moves the border, it is
linked again. Then all nodes are exported, and one inference of all of them runs on this machine, to
be equal with the integer reference. Without a Zephyr workspace there is only the plan.

Language models, with weights of eight and of four bits, are a series as well, which says what a
node's flash and RAM hold.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from cats.deploy import c_header, image
from cats.deploy.export import CANDIDATES, HEADER, export, load_deploy, node_folder
from cats.errors import CatsError
from cats.integer.llama_model import MAX_FOUR_BITS, LlamaModel
from cats.integer.llama_stream import stream_of
from cats.integer.model import IntegerModel
from cats.integer.random_llama import random_llama
from cats.integer.random_models import random_inputs, random_model
from cats.plan.boards import BOARDS, FIRMWARE, Board, Reserve, firmware_of
from cats.plan.buffers import llama_sizes
from cats.plan.plan import Plan
from cats.plan.planner import make_plan
from cats.plan.predict import image_size, node_size, parameters
from cats.plan.timing import inference_us
from cats.report import add_json_argument, print_table, write_json
from cats.shape.config import MAX_COLUMNS, MAX_TOKENS, ModelConfig, SplitConfig, to_json
from cats.shape.partition import KeepSets, full_keep
from cats.sim.compare import check
from cats.sim.compare_steps import check_steps
from cats.sim.simulate import Result, simulate
from cats.zephyr.firmware import build_nodes
from cats.zephyr.footprint import measure
from cats.zephyr.workspace import Workspace, platforms, source_tree, workspace

BOARD = "nrf52840dk/nrf52840"
HEADS = 16
#: The overlay of samples/node for each transport, by the name of its radio.
OVERLAYS = {
    "loopback": "",
    "nrf_radio": "overlay-nrf-radio.conf",
    "ieee802154": "overlay-802154.conf",
    "ble": "overlay-ble.conf",
}
#: Of Zephyr, where flash is short: link-time optimisation, short log messages, a small printf.
SMALL_FIRMWARE = (
    "CONFIG_LTO=y", "CONFIG_ISR_TABLES_LOCAL_DECLARATION=y", "CONFIG_LOG_MODE_MINIMAL=y",
    "CONFIG_CBPRINTF_NANO=y",
)  # fmt: skip
#: How often the border may move by what the linker says.
_TRIES = 4


@dataclass(frozen=True)
class Series:
    """What grows: ``features`` for 64 tokens (the feed-forward as wide, then wider until nothing
    is left), or ``tokens`` for 128 features."""

    name: str
    blocks: int
    #: What firmware of it needs, and about how many bytes of flash that is.
    needs: ClassVar[tuple[str, ...]] = ()
    needs_flash: ClassVar[int] = 0
    #: How many sizes, up to the largest, are filled with hidden columns.
    tried: ClassVar[int] = 1

    @property
    def label(self) -> str:
        """What it is called."""
        return f"{self.name}, blocks: {self.blocks}"

    @property
    def widens(self) -> bool:
        """Whether hidden columns are added where nothing else fits."""
        return self.name != "tokens"

    def on(self, nodes: int) -> Series:
        """The series for so many nodes."""
        del nodes
        return self

    def drawn(self, config: ModelConfig, split: SplitConfig, keep: KeepSets) -> IntegerModel:
        """A model of random weights."""
        return random_model(1, config, split, keep)

    def parts(self, planned: Planned, node: int) -> dict[str, int]:
        """Bytes of what a node's image and arena hold, by name; nothing of no interest here."""
        del planned, node
        return {}

    def wrong(self, model: IntegerModel, plan: Plan, inputs: np.ndarray, result: Result) -> list:
        """Where inferences are not the reference's: (inference, node)."""
        return check(model, plan, inputs, result)

    def model(self, size: int, hidden: int | None = None) -> ModelConfig:
        """The model of a size."""
        tokens, features = (64, size) if self.name == "features" else (size, 128)
        return ModelConfig(
            tokens_in=tokens, inputs=16, outputs=16, features=features, heads=HEADS,
            hidden=features if hidden is None else hidden, blocks=self.blocks,
        )  # fmt: skip

    def sizes(self) -> range:
        """All sizes, ascending."""
        return (
            range(HEADS, MAX_COLUMNS + 1, HEADS)
            if self.name == "features"
            else range(1, MAX_TOKENS + 1)
        )


@dataclass(frozen=True)
class TextSeries(Series):
    """Language models of the Llama family with a context of 256 rows: features grow, with twice as
    many hidden columns, then these; some fewer features may leave room for more of them. A node has
    one key/value head of 16, one node alone four, so that its cache fits. ``four_bits``: of all
    weights but those of tokens' rows; ``parallel``: of parallel blocks."""

    four_bits: bool = False
    parallel: bool = False
    tied: bool = False
    tokens: int = 256
    kv_heads: int = HEADS
    candidates: int = 0
    tried: ClassVar[int] = 4

    @property
    def label(self) -> str:
        bits = "four" if self.four_bits else "eight"
        parallel = ", parallel" if self.parallel else ""
        return f"{super().label}{parallel}, {bits} bits{', tied' if self.tied else ''}"

    @property
    def needs(self) -> tuple[str, ...]:
        four = ("CONFIG_CATS_FOUR_BITS=y",) if self.four_bits else ()
        return (*SMALL_FIRMWARE, "CONFIG_CATS_LLAMA=y", *four)

    @property
    def needs_flash(self) -> int:
        return 4500 if self.four_bits else 1000

    def on(self, nodes: int) -> TextSeries:
        return replace(self, kv_heads=max(4, nodes), candidates=CANDIDATES if nodes > 1 else 0)

    def model(self, size: int, hidden: int | None = None) -> ModelConfig:
        config = ModelConfig(
            tokens_in=1, inputs=self.tokens, outputs=self.tokens, features=size, heads=HEADS,
            hidden=2 * size if hidden is None else hidden,
            blocks=self.blocks, causal=True, activation="silu", pool="all", norm="rms",
            position="rotary", feed_forward="gated", kv_heads=self.kv_heads, bias=False,
            tied=self.tied, parallel_blocks=self.parallel, vocabulary=True, context=CONTEXT,
            wide_keys=True, candidates=self.candidates,
        )  # fmt: skip
        products = range(1, config.block_gathers * self.blocks + 2 - self.tied)
        return replace(config, four_bits=tuple(products)) if self.four_bits else config

    def sizes(self) -> range:
        most = MAX_FOUR_BITS if self.four_bits else MAX_COLUMNS // 2
        return range(2 * HEADS, most + 1, 2 * HEADS)  # columns are turned in pairs

    def drawn(self, config: ModelConfig, split: SplitConfig, keep: KeepSets) -> LlamaModel:
        whole = replace(config.whole, wide_keys=False, four_bits=())
        return random_llama(1, whole, split, in_four_bits=float(self.four_bits))

    def parts(self, planned: Planned, node: int) -> dict[str, int]:
        model = stream_of(self.drawn(planned.config, planned.split, planned.keep))
        found = dict.fromkeys((*_PARTS.values(), "all else"), 0)
        for part in image.members(model, planned.plan, node, 1):
            last_word = "embedding" if part.name in _EMBEDDING else part.name.rsplit("_", 1)[-1]
            if part.name == "output_weights":
                last_word = "classifier"
            found[_PARTS.get(last_word, "all else")] += part.data.nbytes
        sizes = llama_sizes(planned.config, planned.split, node)
        return {**found, "cache (RAM)": sizes["key"] + sizes["value"]}

    def wrong(self, model: IntegerModel, plan: Plan, inputs: np.ndarray, result: Result) -> list:
        return check_steps(model, plan, inputs, result)


#: Rows of the context of language models.
CONTEXT = 256
#: Parts of an image by the last word of its arrays' names.
_PARTS = {
    "embedding": "tokens' rows", "classifier": "classifier", "weights": "weights",
    "scales": "scales", "channels": "multipliers", "norm": "norms",
}  # fmt: skip
_EMBEDDING = ("llama_rows", "llama_multipliers")


@dataclass(frozen=True)
class Planned:
    """A model on so many nodes as planned; sizes in bytes, by node."""

    config: ModelConfig
    split: SplitConfig
    keep: KeepSets
    plan: Plan
    images: tuple[int, ...]
    arenas: tuple[int, ...]

    def largest(self) -> int:
        """The node whose image is largest."""
        return self.images.index(max(self.images))

    def milliseconds(self) -> float:
        """What an inference takes, a step of a language model, by the plan."""
        return inference_us(self.config, self.split, self.keep, self.plan) / 1e3


@dataclass(frozen=True)
class Linked:
    """What the linker made of one node: its bytes of RAM and flash, or by how many it failed."""

    model: dict
    parameters: int
    node: int
    fits: bool
    ram: int = 0
    flash: int = 0
    flash_over: int = 0
    ram_over: int = 0


def last(fits: Callable[[int], bool], sizes: Sequence[int]) -> int | None:
    """The last of ascending sizes that fits, where all smaller ones do; None where none does."""
    low, high = -1, len(sizes) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(sizes[middle]) else (low, middle - 1)
    return sizes[low] if low >= 0 else None


class Search:
    """One border: a series on a number of nodes."""

    def __init__(self, series: Series, nodes: int, board: Board) -> None:
        self.series, self.nodes, self.board = series, nodes, board
        self._plans: dict[tuple[ModelConfig, int], Planned | None] = {}
        #: One node needs no radio.
        self.radio = "nrf_radio" if nodes > 1 else "loopback"
        reserve = firmware_of(self.radio, nodes)
        self.reserve = replace(reserve, flash=reserve.flash + series.needs_flash)

    def planned(self, config: ModelConfig) -> Planned | None:
        """The plan under what firmware leaves of the RAM, None where there is none."""
        limit = self.board.ram - self.reserve.ram
        if (config, limit) not in self._plans:
            self._plans[config, limit] = self.within(config, limit)
        return self._plans[config, limit]

    def within(self, config: ModelConfig, limit: int) -> Planned | None:
        """The plan of arenas of at most ``limit`` bytes."""
        split = SplitConfig.even(config, self.nodes, "channels")
        own = max(split.heads) * config.head_width
        # The residual and one head's q, k and v are in use together.
        if config.tokens * (2 * own + 3 * config.head_width) > limit:
            return None
        keep = full_keep(config, split)
        try:
            plan = make_plan(config, split, keep, radio="nrf_radio", ram_limit=limit)
        except CatsError:
            return None
        sizes = [node_size(config, split, keep, plan, d) for d in range(self.nodes)]
        return Planned(
            config, split, keep, plan, tuple(s.image_bytes for s in sizes),
            tuple(s.arena_bytes for s in sizes),
        )  # fmt: skip

    def fits(self, config: ModelConfig) -> bool:
        """Whether every node holds its share."""
        split = SplitConfig.even(config, self.nodes, "channels")
        keep = full_keep(config, split)
        images = (image_size(config, split, keep, d)[0] for d in range(self.nodes))
        return (
            max(images) <= self.board.flash - self.reserve.flash
            and self.planned(config) is not None
        )

    def border(self) -> tuple[ModelConfig, ModelConfig | None]:
        """(the largest model, the next one; None where the format ends)."""
        series = self.series
        sizes = series.sizes()
        size = last(lambda s: self.fits(series.model(s)), sizes)
        if size is None:
            raise CatsError(f"{self.nodes} nodes do not even hold the smallest model")
        if not series.widens:
            more = sizes.index(size) + 1
            return series.model(size), series.model(sizes[more]) if more < len(sizes) else None
        tried = sizes[max(sizes.index(size) + 1 - series.tried, 0) : sizes.index(size) + 1]
        return max((self.filled(size) for size in tried), key=lambda found: parameters(found[0]))

    def filled(self, size: int) -> tuple[ModelConfig, ModelConfig | None]:
        """The same of a size, in steps of one hidden column for every node."""
        series = self.series
        begin = series.model(size).hidden
        hidden = range(begin, MAX_COLUMNS + 1, self.nodes)
        found = last(lambda m: self.fits(series.model(size, m)), hidden) or begin
        more = found + self.nodes
        return series.model(size, found), series.model(size, more) if more in hidden else None


class Linker:
    """Builds samples/node with a partition header in one folder a transport."""

    def __init__(self, space: Workspace, root: Path) -> None:
        self.space, self.root = space, root

    def build(
        self, radio: str, deploy: Path, node: int, needs: Sequence[str] = ()
    ) -> tuple[Path | None, str]:
        """(ELF of a node, where it links; the build's log)."""
        overlay = OVERLAYS[radio]
        chosen = f"EXTRA_CONF_FILE={overlay}" if overlay else "CONFIG_CATS_LOOPBACK_PARTIAL=y"
        names = (text.split("=")[0].removeprefix("CONFIG_") for text in needs)
        (built,) = build_nodes(
            self.space, deploy, [node], BOARD, sample=source_tree() / "samples" / "node",
            root=self.root / "-".join((radio, *names)),
            defines=["CONFIG_MINIMAL_LIBC=y", chosen, *needs],
        )  # fmt: skip
        return built.elf, built.log.read_text(errors="replace")

    def link(self, search: Search, planned: Planned) -> tuple[Linked, Reserve | None]:
        """Link the node that needs most; what its firmware takes beside image and arena."""
        config, node = planned.config, planned.largest()
        model = search.series.drawn(config, planned.split, planned.keep)
        if isinstance(model, LlamaModel):
            model = stream_of(model)
        with tempfile.TemporaryDirectory() as folder:
            header = Path(folder) / node_folder(node) / HEADER
            header.parent.mkdir()
            ident = image.model_id(model, planned.plan)
            header.write_text(c_header.header(model, planned.plan, node, ident))
            elf, log = self.build(search.radio, Path(folder), node, search.series.needs)
        about = {"model": to_json(config), "parameters": parameters(config), "node": node}
        if elf is None:
            over = {
                name: int(size)
                for name, size in re.findall(r"region `(\w+)' overflowed by (\d+) bytes", log)
            }
            if not over:
                raise CatsError(f"firmware does not build:\n{log[-2000:]}")
            flash, ram = over.get("FLASH", 0), over.get("RAM", 0)
            return Linked(**about, fits=False, flash_over=flash, ram_over=ram), None
        found = measure(elf)
        (arena,), (partition,) = found.arenas.values(), found.images
        if (partition.size, arena) != (planned.images[node], planned.arenas[node]):
            raise CatsError(
                f"image of {partition.size:,} and arena of {arena:,} bytes, planned "
                f"{planned.images[node]:,} and {planned.arenas[node]:,}"
            )
        reserve = Reserve(found.ram - arena, found.flash - partition.size)
        return Linked(**about, fits=True, ram=found.ram, flash=found.flash), reserve


def confirm(search: Search, linker: Linker, say: Callable[[str], None]) -> list[Linked]:
    """Link at the border, and move it where the linker knows better; (the largest, the next)."""
    for _ in range(_TRIES):
        config, more = search.border()
        planned = search.planned(config)
        assert planned is not None
        largest, reserve = linker.link(search, planned)
        say(f"{_what(largest)}: {'links' if largest.fits else 'does not link'}")
        if reserve is None:
            node, reserve = planned.largest(), search.reserve
            if largest.flash_over:
                flash = search.board.flash + largest.flash_over - planned.images[node]
                reserve = replace(reserve, flash=flash)
            if largest.ram_over:
                ram = search.board.ram + largest.ram_over - planned.arenas[node]
                reserve = replace(reserve, ram=ram)
            search.reserve = reserve
            continue
        if reserve != search.reserve:
            search.reserve = reserve
            if search.border() != (config, more):
                continue
        if more is None:
            return [largest]
        # As it is planned where RAM is no matter, so that the linker says what it thinks of it.
        beyond = search.planned(more) or _boundless(search, more)
        if beyond is None:
            return [largest]
        after, _ = linker.link(search, beyond)
        say(f"{_what(after)}: {'links' if after.fits else 'does not link'}")
        if not after.fits:
            return [largest, after]
        search.reserve = Reserve(search.reserve.ram - 8, search.reserve.flash - 8)
    raise CatsError("the border moves with every link: is the build reproducible?")


def _boundless(search: Search, config: ModelConfig) -> Planned | None:
    """A plan that needs little more RAM than there is."""
    limit = search.board.ram - search.reserve.ram
    for more in (8, 512, 4096, 1 << 30):
        if (found := search.within(config, limit + more)) is not None:
            return found
    return None


def _what(linked: Linked) -> str:
    model = linked.model
    return (
        f"{linked.parameters:,} parameters ({model['tokens_in']} tokens, {model['features']} "
        f"features, {model['hidden']} hidden, blocks: {model['blocks']})"
    )


def prove(search: Search, config: ModelConfig, folder: Path) -> dict:
    """Export all nodes, compare their sizes with the plan's, and run one inference of all."""
    planned = search.planned(config)
    assert planned is not None
    begin = time.perf_counter()
    model = search.series.drawn(config, planned.split, planned.keep)
    made = time.perf_counter()
    limit = search.board.ram - search.reserve.ram
    meta = export(model, folder, radio="nrf_radio", ram_limit=limit, force=True)
    exported = time.perf_counter()
    model, plan, _, images = load_deploy(folder)
    sizes = tuple(len(data) for data in images)
    if sizes != planned.images or plan != planned.plan:
        raise CatsError(f"images of {sizes} bytes, planned {planned.images}")
    loaded = time.perf_counter()
    inputs = random_inputs(1, config, 3 if config.by_token else 1)
    result = simulate(model, plan, inputs, images=images)
    ran = time.perf_counter()
    wrong = search.series.wrong(model, plan, inputs, result)
    if wrong or not result.done.all() or result.lost.any():
        raise CatsError(f"the inference is not the reference's at (inference, node) {wrong}")
    return {
        "images_bytes": sizes,
        "arenas_bytes": planned.arenas,
        "model_id": meta["model_id"],
        "equal_to_reference": True,
        "seconds": {
            "random weights": made - begin,
            "export": exported - made,
            "load": loaded - exported,
            "simulate": ran - loaded,
        },
    }


def run_series(
    series: Series,
    counts: Sequence[int],
    board: Board,
    linker: Linker | None,
    folder: Path,
    say: Callable[[str], None],
) -> dict:
    """The largest models of a series, as JSON."""
    rows = []
    for nodes in counts:
        search = Search(series.on(nodes), nodes, board)
        say(f"{series.label}, nodes: {nodes}")
        linked = confirm(search, linker, say) if linker else []
        config, more = search.border()
        planned = search.planned(config)
        assert planned is not None
        name = re.sub(r"\W+", "-", series.label).replace("-blocks", "")
        proof = prove(search, config, folder / f"{name}-{nodes}")
        rows.append(
            {
                "nodes": nodes,
                "model": to_json(config),
                "parameters": parameters(config),
                "next_parameters": more and parameters(more),
                "linked": [asdict(one) for one in linked],
                "firmware": asdict(search.reserve),
                "image_bytes": max(planned.images),
                "arena_bytes": max(planned.arenas),
                "milliseconds": planned.milliseconds(),
                "parts": series.parts(planned, planned.largest()),
                **proof,
            }
        )
    first, final = rows[0], rows[-1]
    size = "features" if series.widens else "tokens_in"
    return {
        "series": series.name,
        "label": series.label,
        "blocks": series.blocks,
        "rows": rows,
        "ratio_parameters": final["parameters"] / first["parameters"],
        "ratio_size": final["model"][size] / first["model"][size],
    }


def firmware_sizes(linker: Linker, say: Callable[[str], None]) -> dict[str, Reserve]:
    """What samples/node takes on the board beside image and arena, by transport."""
    found = {}
    config = Series("features", 1).model(HEADS)
    model = random_model(1, config, SplitConfig.even(config, 4))
    with tempfile.TemporaryDirectory() as folder:
        for radio in OVERLAYS:
            say(f"firmware with {radio}")
            deploy = Path(folder) / radio  # firmware takes no deployment for another radio
            export(model, deploy, radio="nrf_radio" if radio == "loopback" else radio)
            elf, log = linker.build(radio, deploy, 0)
            if elf is None:
                raise CatsError(f"firmware does not build:\n{log[-2000:]}")
            one = measure(elf)
            (arena,) = one.arenas.values()
            found[radio] = Reserve(one.ram - arena, one.flash - one.images[0].size)
    return found


def find_linker(root: Path) -> tuple[Linker | None, str]:
    """(what links, or why nothing can)."""
    try:
        space = workspace()
        found, left = platforms(space)
    except CatsError as error:
        return None, str(error)
    if BOARD not in found:
        return None, f"{BOARD} {left[BOARD]}"
    return Linker(space, root), ""


def render(result: dict) -> None:
    """The tables for people."""
    for series in result["series"]:
        name = series["series"]
        rows = []
        for row in series["rows"]:
            fit = row["linked"][0] if row["linked"] else None
            beyond = row["linked"][1] if len(row["linked"]) > 1 else None
            over = beyond and " and ".join(
                f"{beyond[f'{kind}_over']:,} of {kind}"
                for kind in ("flash", "ram")
                if beyond[f"{kind}_over"]
            )
            rows.append(
                [row["nodes"], row["model"]["tokens_in"], row["model"]["features"],
                 row["model"]["hidden"], row["parameters"], row["image_bytes"], row["arena_bytes"],
                 fit and fit["flash"], fit and fit["ram"], row["milliseconds"], over or "-"]
            )  # fmt: skip
        head = ["nodes", "tokens", "features", "hidden", "parameters", "image", "arena", "flash",
                "RAM", "ms", "the next is over by"]  # fmt: skip
        print_table(head, rows, f"largest by {series['label']}")
        size = "features" if name == "text" else name
        print(
            f"{series['ratio_parameters']:.2f} times the parameters, "
            f"{series['ratio_size']:.2f} times the {size}"
        )
        if series["rows"][0]["parts"]:
            head = ["nodes", *series["rows"][0]["parts"], "firmware", "firmware (RAM)"]
            rows = [
                [
                    row["nodes"],
                    *row["parts"].values(),
                    row["firmware"]["flash"],
                    row["firmware"]["ram"],
                ]
                for row in series["rows"]
            ]
            print_table(head, rows, "bytes of a node")


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m report.scaling``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--series", choices=("features", "tokens", "text"), help="only one of them")
    parser.add_argument(
        "--tokens", type=int, default=256, help="tokens of a language model's vocabulary (256)"
    )
    parser.add_argument(
        "--tied", action="store_true",
        help="language models whose classifier is the embedding: an image has both",
    )  # fmt: skip
    parser.add_argument("--nodes", default="1,16", metavar="LIST", help="numbers of nodes (1,16)")
    parser.add_argument(
        "--blocks", type=int, nargs="+", default=[1, 2], help="of the series of features (1 2)"
    )
    parser.add_argument("--no-link", action="store_true", help="the plan's prediction only")
    parser.add_argument(
        "--firmware", action="store_true",
        help="only measure what firmware takes, and compare with what cats plan reserves",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("build/scaling"), metavar="DIR")
    add_json_argument(parser)
    args = parser.parse_args(arguments)
    try:
        return _run(args)
    except CatsError as error:
        print(f"cats: error: {error}", file=sys.stderr)
        return 2


def _run(args: argparse.Namespace) -> int:
    from cats.plan.survey import parse_nodes

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    out = args.out.resolve()
    linker, why = (None, "--no-link") if args.no_link else find_linker(out / "firmware")
    if args.firmware:
        if linker is None:
            raise CatsError(why)
        sizes = firmware_sizes(linker, say)
        print_table(
            ["transport", "RAM", "flash", "recorded RAM", "recorded flash"],
            [[r, s.ram, s.flash, FIRMWARE[r].ram, FIRMWARE[r].flash] for r, s in sizes.items()],
        )
        if args.json:
            write_json(args.json, {radio: asdict(size) for radio, size in sizes.items()})
        return 0
    if linker is None:
        say(f"nothing is linked, all below is what the plan predicts ({why})")
    wanted = [Series("features", blocks) for blocks in args.blocks] + [Series("tokens", 1)]
    wanted += [
        TextSeries("text", 2, four, parallel, args.tied, args.tokens)
        for parallel in (False, True)
        for four in (False, True)
    ]
    board = BOARDS["nrf52840"]
    result: dict = {"board": BOARD, "linked": linker is not None, "series": []}
    for series in wanted:
        if args.series in (None, series.name):
            result["series"].append(
                run_series(series, parse_nodes(args.nodes), board, linker, out, say)
            )
            write_json(args.json or out / "scaling.json", result)
    render(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
