# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What ``cats plan`` prints: one model on several numbers of boards."""

from __future__ import annotations

import argparse
import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cats.errors import CatsError
from cats.plan.alternatives import (
    FlashChip,
    LargerBoard,
    on_larger_board,
    raw_crossover,
    to_gateway,
    with_flash_chip,
)
from cats.plan.answer import answer, ratio, sentences
from cats.plan.battery import Battery, battery_named, peak_ma, rivals
from cats.plan.boards import Board, board_named
from cats.plan.plan import Plan
from cats.plan.planner import MAX_ROUNDS, PlanOptions, tradeoffs
from cats.plan.predict import (
    air_json,
    deployment,
    even_split,
    keep_ratio,
    largest_features,
    ours,
    parameters,
    published,
    ratio_keep,
)
from cats.plan.radio import RADIOS, SEALED
from cats.plan.radio import radio as radio_named
from cats.plan.sleep import Rhythm
from cats.plan.streaming import beside_window, table_beside
from cats.report import Panel, number_text, progress, table
from cats.shape.config import MAX_NODES, ModelConfig, SplitConfig, to_json
from cats.shape.partition import KeepSets, full_keep, local_blocks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Exported:
    """What a deployment that was exported already lays down."""

    config: ModelConfig
    split: SplitConfig
    keep: KeepSets
    plan: Plan
    options: PlanOptions


def parse_nodes(text: str) -> list[int]:
    """``4``, ``1:16`` or ``2,4,8``."""
    found: set[int] = set()
    try:
        for part in text.split(","):
            low, _, high = part.partition(":")
            found |= set(range(int(low), int(high or low) + 1))
    except ValueError:
        found = set()
    if not found or not 1 <= min(found) <= max(found) <= MAX_NODES:
        raise CatsError(f"nodes {text!r}: write 4, 1:16 or 2,4,8, numbers from 1 to {MAX_NODES}")
    return sorted(found)


def chosen_board(args: argparse.Namespace) -> Board:
    """The board with what the options change of it."""
    board = board_named(args.board)
    if args.clock is not None and not 0 < args.clock < math.inf:
        raise CatsError(f"clock of {args.clock} MHz: it must be positive and finite")
    changes: dict[str, Any] = {
        "ram": args.ram,
        "flash": args.flash,
        "reserve_ram": args.reserve_ram,
        "reserve_flash": args.reserve_flash,
        "clock_hz": args.clock and args.clock * 1e6,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    board = dataclasses.replace(board, **given)
    if args.sleep_current is not None:
        currents = dataclasses.replace(board.currents, sleep_ua=args.sleep_current)
        board = dataclasses.replace(board, currents=currents)
    for option, value in (("ram", board.ram), ("flash", board.flash), ("clock", board.clock_hz)):
        if not value:
            raise CatsError(f"{args.board} does not say it: give --{option}")
    return board


def chosen_sleep(args: argparse.Namespace) -> tuple[Rhythm, Battery] | None:
    """How nodes sleep between inferences, and of what battery; None: that is not asked for."""
    if args.period is None:
        return None
    every = args.period if args.every is None else args.every
    if every < args.period:
        raise CatsError(
            f"an inference every {every / 1e6:g} s, but nodes meet every {args.period / 1e6:g} s: "
            "give a shorter --period or a longer --every"
        )
    return Rhythm(args.period, every, args.clock_ppm), battery_named(args.battery)


def chosen_chip(args: argparse.Namespace) -> FlashChip:
    """The flash chip that the options tell of."""
    return FlashChip(args.flash_chip_rate, args.flash_chip_current)


def chosen_larger(args: argparse.Namespace) -> LargerBoard:
    """The larger board that the options tell of."""
    return LargerBoard(args.larger_board_rate, args.larger_board_power)


def _repair(
    config: ModelConfig,
    split: SplitConfig,
    keep: KeepSets,
    board: Board,
    radio: str,
    rounds: int,
    options: PlanOptions,
) -> dict[int, int]:
    """Microseconds of an inference with no repair and with as much as there may be, beside
    ``rounds``; nothing where there is nothing to repair."""
    found = {}
    for other in sorted({0, MAX_ROUNDS} - {rounds}) if split.nodes > 1 else ():
        row = deployment(config, split, keep, board, radios=(radio,), rounds=other, options=options)
        found[other] = row["radios"][radio]["inference_us"]
    return found


def survey(args: argparse.Namespace, exported: Exported | None = None) -> dict:
    """All figures as JSON: of a deployment, or of the shape that the options give."""
    board, chip, sleeping = chosen_board(args), chosen_chip(args), chosen_sleep(args)
    larger = chosen_larger(args)
    own: tuple[SplitConfig, KeepSets] | None = None
    given: Plan | None = None
    local, options = 0, PlanOptions()
    if exported is not None:
        options = exported.options
        config, given, own = exported.config, exported.plan, (exported.split, exported.keep)
        local = local_blocks(config, exported.keep)
        ratio = keep_ratio(config, *own) if exported.split.nodes > 1 else 1.0
    else:
        if args.features is None or args.tokens is None:
            raise CatsError("name a DEPLOY folder, or give --features and --tokens")
        ratio, local = args.keep, args.local_blocks
        config = ModelConfig(
            tokens_in=args.tokens,
            inputs=args.inputs,
            outputs=args.outputs,
            features=args.features,
            heads=args.heads,
            hidden=args.features if args.hidden is None else args.hidden,
            blocks=args.blocks,
            pool=args.pool,
            linear=args.linear,
            embed=args.embed,
            embed_hidden=args.embed_hidden,
            causal=args.stream is not None,
        )
        if args.stream is not None:
            config.check()
            config = dataclasses.replace(config, tokens_in=args.stream, context=config.tokens)
    config.check()
    first = "ieee802154" if "ieee802154" in board.radios else board.radios[0]
    radio = args.radio or (given.radio if given else first)
    rounds = args.repair_rounds
    if rounds is None:
        rounds = given.rounds if given else 0
    if radio_named(radio).name.removesuffix(SEALED) not in board.radios:
        raise CatsError(f"{board.name} has no {radio}: one of {', '.join(board.radios)}")
    if given and given.rounds != rounds:
        given = None
    most = min(MAX_NODES, config.heads, config.hidden)
    numbers = parse_nodes(args.nodes) if args.nodes else list(range(1, most + 1))
    if min(numbers) > most:
        raise CatsError(f"{min(numbers)} nodes: a model of {config.heads} heads has at most {most}")

    def shares(nodes: int) -> tuple[SplitConfig, KeepSets]:
        if own is not None and own[0].nodes == nodes:
            return own
        split = even_split(config, nodes, args.input_split)
        if nodes == 1:
            return split, full_keep(config, split)
        return split, ratio_keep(config, split, ratio, local)

    radios = tuple(dict.fromkeys([*(name for name in RADIOS if name in board.radios), radio]))
    rows = []
    for nodes in progress([n for n in numbers if n <= most], unit=" deployments", delay=2):
        exported = given if own is not None and own[0].nodes == nodes else None
        row = deployment(
            config, *shares(nodes), board, radios=radios, rounds=rounds, options=options,
            given=exported, sleeping=sleeping,
        )  # fmt: skip
        row |= {k: row["radios"][radio][k] for k in ("fits_ram", "fits_flash", "fits")}
        if args.largest:
            wide = largest_features(config, nodes, board, ratio, radio, args.input_split, local)
            row["largest_model"] = wide and {**to_json(wide), "parameters": parameters(wide)}
        rows.append(row)
    least = next((row["nodes"] for row in rows if row["fits"]), None)
    shown = rows[-1]["nodes"]
    if own is not None and own[0].nodes in [row["nodes"] for row in rows]:
        shown = own[0].nodes
    one = next((row for row in rows if row["nodes"] == 1), None)
    if one is None:
        one = deployment(
            config, *shares(1), board, radios=radios, rounds=rounds, options=options,
            sleeping=sleeping,
        )  # fmt: skip
    # The nodes that are set against one board: those that were asked for, or the fewest that do.
    several = shown if own is not None or least in (None, 1) else least
    split, keep = shares(shown)
    plan = given if own is not None and own[0] == split and given else None
    if plan is None or plan.radio != radio:
        plan = options.on(radio, rounds).plan(config, split, keep)
    figures = next(row for row in rows if row["nodes"] == several)["radios"][radio]
    result = {
        "model": to_json(config),
        "parameters": parameters(config, split),
        "keep": ratio,
        "radio": radio,
        "rounds": rounds,
        "board": dataclasses.asdict(board),
        "firmware": dataclasses.asdict(board.reserve(radio, shown)),
        "warnings": board.warnings(),
        "least_nodes": least,
        "one_board": one,
        "answer": answer(
            rows,
            one,
            several,
            radio,
            _repair(config, *shares(several), board, radio, rounds, options),
        ),  # fmt: skip
        "alternatives": {
            "flash_chip": dataclasses.asdict(chip),
            "with_flash_chip": with_flash_chip(one, radio, board, chip),
            "larger_board": dataclasses.asdict(larger),
            "on_larger_board": on_larger_board(config, larger),
            "to_gateway": to_gateway(config, shares(several)[0], radio, board),
            "raw_crossover_values": raw_crossover(
                config, shares(several)[0], radio, figures["bytes_on_air"]
            ),
        },
        "deployments": rows,
        "schemes_nodes": shown,
        "schemes": [ours(config, split, keep, plan), *published(config, shown, ratio)],
    }
    if config.has_window:
        given = plan if several == shown else None
        result["stream"] = beside_window(
            config, *shares(several), board, radio, rounds, options, given
        )
    if sleeping is not None:
        result["sleep"] = _sleep_json(result, figures, board, *sleeping)
        peak = peak_ma(board.currents, radio, several)
        result["warnings"] += sleeping[1].warnings(peak, figures["inference_us"])
    if args.tradeoffs:
        result["tradeoffs_nodes"] = shown
        result["tradeoffs"] = [
            {
                "arena_bytes": max(arena.size for arena in p.arenas),
                "arena_lower_bound": max(arena.lower_bound for arena in p.arenas),
                "tile_rows": [gather.tile_rows for gather in p.gathers],
                "held": p.held,
                **{
                    key: value
                    for key, value in air_json(config, split, keep, p).items()
                    if key != "by_gather"
                },
            }
            for p in tradeoffs(
                config, split, keep, radio=radio, rounds=rounds, payload=options.on(radio).payload
            )
        ]
    return result


def _sleep_json(
    result: dict, figures: dict, board: Board, rhythm: Rhythm, battery: Battery
) -> dict:
    """What sleeping nodes have in common, and what others would need instead."""
    radio = result["radio"]
    return {
        "period_s": rhythm.period_us / 1e6,
        "every_s": rhythm.every_us / 1e6,
        "clock_ppm": rhythm.ppm,
        "jitter_us": rhythm.jitter_us,
        "sleep_ua": board.currents.sleep_ua,
        "battery": {
            **dataclasses.asdict(battery), "self_discharge_ua": battery.self_discharge_ua,
        },
        "nodes": result["answer"]["nodes"],
        "radio": radio,
        "node_days": figures["life"]["node_days"],
        "rivals": rivals(
            figures, result["one_board"]["radios"][radio], result["alternatives"]["to_gateway"],
            board.currents, radio, rhythm, battery,
        ),
    }  # fmt: skip


def _tokens(model: dict) -> str:
    """Rows of an inference; of a stream of what context."""
    context = model.get("context", 0)
    return f"{model['tokens_in']} of {context}" if context else str(model["tokens_in"])


def render(result: dict) -> str:
    """The tables for people."""
    model, board, radio = result["model"], result["board"], result["radio"]
    firmware = result["firmware"]
    lines = [
        f"{result['parameters']:,} parameters: {model['blocks']} "
        f"{'block' if model['blocks'] == 1 else 'blocks'}, {_tokens(model)} tokens, "
        f"{model['features']} features, {model['heads']} heads, {model['hidden']} hidden; "
        f"{result['keep']:.0%} of the columns broadcast",
        f"{board['name']}: {board['ram']:,} bytes of RAM and {board['flash']:,} of flash, "
        f"{firmware['ram']:,} and {firmware['flash']:,} taken by firmware; {radio}, "
        f"{result['rounds']} repair rounds",
        *result["warnings"],
        "",
    ]
    header = ["nodes", "arena", "least arena", "image", "fits", "M instr.", "bytes on air",
              "air ms", "inference ms", "time against one", "mJ a node", "mJ all",
              "mJ against one"]  # fmt: skip
    one = result["one_board"]["radios"][radio]
    wide = any("largest_model" in row for row in result["deployments"])
    rows = []
    for row in result["deployments"]:
        own = row["radios"][radio]
        rows.append(
            [row["nodes"], own["arena_bytes"], own["arena_lower_bound"], row["image_bytes"],
             row["fits"], own["instructions"] / 1e6, own["bytes_on_air"],
             own["time_on_air_us"] / 1e3, own["inference_us"] / 1e3,
             ratio(own["inference_us"], one["inference_us"]), own["energy_mj"],
             own["energy_all_mj"], ratio(own["energy_all_mj"], one["energy_mj"])]
        )  # fmt: skip
        if wide:
            largest = row["largest_model"]
            rows[-1] += [largest["features"], largest["parameters"]] if largest else [None, None]
    lines.append(table(header + (["widest F", "its parameters"] if wide else []), rows))
    least = result["least_nodes"]
    lines += ["", f"fewest nodes that hold it: {'none of these' if least is None else least}", ""]
    shown = _row(result, result["schemes_nodes"])
    lines.append(f"{shown['nodes']} nodes by radio; times and energy of the node that needs most")
    lines.append(
        table(
            ["radio", "RAM", "flash", "frames", "bytes on air", "inference ms", "sends ms",
             "listens ms", "computes ms", "mJ"],
            [
                [name, f["ram_bytes"], f["flash_bytes"], f["frames"], f["bytes_on_air"],
                 f["inference_us"] / 1e3, *(us / 1e3 for us in f["energy_of"].values()),
                 f["energy_mj"]]
                for name, f in shown["radios"].items()
            ],
        )
    )  # fmt: skip
    if "stream" in result:
        lines += ["", f"{result['answer']['nodes']} nodes over {radio}"]
        lines += table_beside(result["stream"])
    if "sleep" in result:
        lines += _lives(result)
    lines += ["", "in place of several boards (doc/performance.rst)", _alternatives(result)]
    lines.append("")
    lines.append(
        f"one block, {result['schemes_nodes']} nodes, one byte a value "
        "(others by the formulas or figures of their papers, as arXiv:2605.15694 compares them)"
    )
    lines.append(
        table(
            ["scheme", "activation RAM", "weights a block", "values on air a block"],
            [list(scheme.values()) for scheme in result["schemes"]],
        )
    )
    if "tradeoffs" in result:
        best = result["tradeoffs"][0]
        lines += ["", f"RAM against time, {result['tradeoffs_nodes']} nodes"]
        lines.append(
            table(
                ["arena", "least arena", "air ms", "inference ms", "slower by"],
                [
                    [t["arena_bytes"], t["arena_lower_bound"], t["time_on_air_us"] / 1e3,
                     t["inference_us"] / 1e3,
                     f"{t['inference_us'] / best['inference_us'] - 1:.1%}"]
                    for t in result["tradeoffs"]
                ],
            )
        )  # fmt: skip
    lines += ["", *sentences(result)]
    return "\n".join(lines)


def _lives(result: dict) -> list[str]:
    """Days of a battery, and what takes them (doc/sleep.rst)."""
    sleep, radios = result["sleep"], list(result["one_board"]["radios"])
    battery, chosen = sleep["battery"], _row(result, sleep["nodes"])["radios"]
    lines = [
        "",
        f"days of a {battery['name']} ({battery['capacity_mah']:,.0f} mAh) of the node that needs "
        f"most; a meeting every {sleep['period_s']:g} s, an inference every "
        f"{sleep['every_s']:g} s, in which receivers of nrf_radio are off where nothing comes",
        table(
            ["nodes", *radios],
            [
                [
                    row["nodes"],
                    *(_days(row["radios"][name]["life"]["node_days"]) for name in radios),
                ]
                for row in result["deployments"]
            ],
        ),
        "",
        f"microamperes of these {sleep['nodes']} nodes, and milliseconds that the radio is on in a "
        "meeting with no inference",
    ]
    header = ["radio", "node", "days", "all", "meeting", "inference", "computing", "sleep",
              "searching", "self-discharge", "on ms"]  # fmt: skip
    rows = []
    for name in radios:
        for role in ("leader", "follower"):
            own = chosen[name]["life"][role]
            if own is not None:
                split = [value for key, value in own.items() if key.endswith("_ua")]
                rows.append([name, role, _days(own["days"]), *split,
                             own["idle_meeting_radio_us"] / 1e3])  # fmt: skip
    lines.append(table(header, rows))
    reasons = {chosen[name]["life"].get("reason") for name in radios} - {None}
    lines += [f"{reason}" for reason in sorted(reasons)]
    others = sleep["rivals"]
    lines.append(
        f"the same over {sleep['radio']} in other ways, days: receivers on in inferences "
        f"{_text(others['receiver_on_in_inference_days'])}, always on "
        f"{_text(others['receivers_always_on_days'])}, one board that sleeps "
        f"{_text(others['one_board_days'])}, the raw input to a gateway "
        f"{_text(others['input_to_gateway_days'])}"
    )
    return [*lines, "This is the plan; no board was measured (doc/sleep.rst)."]


def _days(days: float | None) -> float | None:
    """Days for people: whole ones, but of few."""
    return days if days is None or days < 10 else round(days)


def _text(days: float | None) -> str:
    return "-" if days is None else number_text(_days(days))


def _alternatives(result: dict) -> str:
    """The table of what one may do in place of several boards, those beside it."""
    radio, said, other = result["radio"], result["answer"], result["alternatives"]
    rows = []
    for deployed in (result["one_board"], _row(result, said["nodes"])):
        own, count = deployed["radios"][radio], deployed["nodes"]
        name = "one board" if count == 1 else f"{count} boards"
        rows.append([name, own["fits"], own["inference_us"] / 1e3, own["energy_mj"],
                     own["energy_all_mj"], own["bytes_on_air"], None])  # fmt: skip
    for chip in other["with_flash_chip"]:
        name = {"engine": "as the engine reads it", "once": "if read once"}[chip["reads"]]
        rows.append([f"one with a flash chip, {name}", chip["fits"], chip["inference_us"] / 1e3,
                     chip["energy_mj"], chip["energy_mj"], 0, chip["read_bytes"]])  # fmt: skip
    larger = other["on_larger_board"]
    rows.append(["one larger board (ESP32-S3 class)", True, larger["inference_us"] / 1e3,
                 larger["energy_mj"], larger["energy_mj"], 0, None])  # fmt: skip
    sent = other["to_gateway"]
    senders = len(sent["nodes"])
    rows.append(
        [f"input to a gateway, from {senders} board{'s' if senders > 1 else ''}", None,
         sent["inference_us"] / 1e3, sent["energy_mj"], sent["energy_all_mj"],
         sent["bytes_on_air"], None]
    )  # fmt: skip
    header = ["", "fits", "ms", "mJ a node", "mJ all", "bytes on air", "read from chip"]
    lines = [table(header, rows if said["nodes"] > 1 else rows[1:])]
    least, tokens = other["raw_crossover_values"], result["model"]["tokens_in"]
    if said["nodes"] > 1 and least is not None:
        lines.append(
            f"the input puts more on the air than the boards do from {least:,} values a token and "
            f"sensor on ({tokens * least:,} an inference), of one byte each"
        )
    return "\n".join(lines)


def _row(result: dict, nodes: int) -> dict:
    return next(row for row in result["deployments"] if row["nodes"] == nodes)


def survey_panels(result: dict) -> list[Panel]:
    """RAM, flash, time and energy against nodes, each with the board's limits or one board's."""
    rows, board, radio = result["deployments"], result["board"], result["radio"]
    nodes = [row["nodes"] for row in rows]
    one = result["one_board"]["radios"][radio]

    def logarithmic(axes: Axes) -> None:
        axes.set_yscale("log")
        for formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            formatter(lambda value, _: number_text(value))
        axes.set_xticks(nodes)

    def memory(of: str, word: str) -> Panel:
        def draw(axes: Axes) -> None:
            sizes = [row["radios"][radio][f"{of}_bytes"] / 1024 for row in rows]
            axes.plot(nodes, sizes, "o-", label=f"needed, {radio}")
            axes.axhline(board[of] / 1024, color="tab:red", ls="--", label=f"{board['name']} has")
            axes.set_ylim(bottom=0)
            axes.set_xticks(nodes)

        return Panel(draw, "nodes", f"{word} of a node, KiB")

    def times(axes: Axes) -> None:
        for name in rows[0]["radios"]:
            taken = [row["radios"][name]["inference_us"] / 1e3 for row in rows]
            axes.plot(nodes, taken, "o-", label=name)
        axes.axhline(one["inference_us"] / 1e3, color="gray", ls="--", label="one board")
        logarithmic(axes)

    def energy(axes: Axes) -> None:
        for name, label in (("energy_mj", "the node that needs most"), ("energy_all_mj", "all")):
            spent = [row["radios"][radio][name] for row in rows]
            axes.plot(nodes, [math.nan if mj is None else mj for mj in spent], "o-", label=label)
        if one["energy_mj"] is not None:
            axes.axhline(one["energy_mj"], color="gray", ls="--", label="one board")
        logarithmic(axes)

    return [
        memory("ram", "RAM"),
        memory("flash", "flash"),
        Panel(times, "nodes", "an inference, ms"),
        Panel(energy, "nodes", f"an inference over {radio}, mJ"),
    ]
