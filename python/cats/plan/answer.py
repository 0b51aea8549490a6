# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""One board or several: what ``cats plan`` says at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cats.plan.boards import FIRMWARE
from cats.report import number_text


def ratio(value: float | None, one: float | None) -> float | None:
    """How many times ``one`` a value is; None where that cannot be said."""
    return value / one if value is not None and one else None


def answer(
    rows: Sequence[dict], one: dict, nodes: int, radio: str, repair: Mapping[int, int]
) -> dict:
    """``nodes`` boards against one, as JSON: ``rows`` and ``one`` are deployment()s, ``repair`` is
    microseconds of an inference by rounds of repair."""
    row, alone = next(r for r in rows if r["nodes"] == nodes), one["radios"][radio]
    figures = row["radios"][radio]
    return {
        "one_board_fits": alone["fits"],
        "nodes": nodes,
        "fits": figures["fits"],
        "times_time": ratio(figures["inference_us"], alone["inference_us"]),
        "times_energy": ratio(figures["energy_mj"], alone["energy_mj"]),
        "times_energy_all": ratio(figures["energy_all_mj"], alone["energy_mj"]),
        "radios": {
            name: {
                "inference_us": own["inference_us"],
                "times_time": ratio(own["inference_us"], alone["inference_us"]),
                "times_energy_all": ratio(own["energy_all_mj"], alone["energy_mj"]),
                "least_nodes": next((r["nodes"] for r in rows if r["radios"][name]["fits"]), None),
            }
            for name, own in row["radios"].items()
        },
        "repair": {
            str(rounds): {
                "inference_us": us,
                "times_time": ratio(us, alone["inference_us"]),
            }
            for rounds, us in repair.items()
        },
    }


def sentences(result: Mapping[str, Any]) -> list[str]:
    """The answer in words."""
    said, radio = result["answer"], result["radio"]
    alone, nodes = result["one_board"]["radios"][radio], said["nodes"]
    row = next(r for r in result["deployments"] if r["nodes"] == nodes)
    figures = row["radios"][radio]
    lines = [_of_one(alone, result["board"])]
    if nodes > 1:
        lines.append(_of_several(said, figures, radio))
        lines += _other_radios(said, radio)
        lines += _other_repair(said, result["rounds"])
    lines.append(_so(said, result["least_nodes"]))
    return lines


def _of_one(alone: Mapping[str, Any], board: Mapping[str, Any]) -> str:
    took = f"{_ms(alone['inference_us'])} ms{_and_mj(alone['energy_mj'])}"
    if alone["fits"]:
        return f"One board holds it: {took} an inference."
    lacks = [
        f"{alone[f'{of}_bytes']:,} bytes of {word} where there are {board[of]:,}"
        for of, word in (("ram", "RAM"), ("flash", "flash"))
        if not alone[f"fits_{of}"]
    ]
    return (
        f"One board does not hold it: it needs {' and '.join(lacks)}; with that room it would take "
        f"{took} an inference."
    )


def _of_several(said: Mapping[str, Any], figures: Mapping[str, Any], radio: str) -> str:
    line = (
        f"{said['nodes']} nodes over {radio} {'hold it' if said['fits'] else 'do not hold it'}: "
        f"{_ms(figures['inference_us'])} ms, {times_text(said['times_time'])} the time of one board"
    )
    if figures["energy_all_mj"] is None:
        return f"{line}; currents of this board are not known, so neither is the energy."
    line += f"; {number_text(figures['energy_mj'])} mJ on the node that needs most, "
    line += f"{number_text(figures['energy_all_mj'])} mJ on all nodes"
    if said["times_energy"] is None:
        return f"{line}; that of one board is not known."
    return (
        f"{line}: {times_text(said['times_energy'])} and {times_text(said['times_energy_all'])} "
        "the energy of one board."
    )


def _other_radios(said: Mapping[str, Any], radio: str) -> list[str]:
    own = said["radios"][radio]
    faster = {
        name: other
        for name, other in said["radios"].items()
        if other["inference_us"] < own["inference_us"] and name in FIRMWARE
    }
    if not faster:
        return [f"No other radio of this board is faster than {radio}."]
    name = min(faster, key=lambda name: faster[name]["inference_us"])
    best = faster[name]
    line = f"Over {name} it would be {_ms(best['inference_us'])} ms, "
    line += f"{times_text(best['times_time'])} the time"
    if best["times_energy_all"] is not None:
        line += f" and {times_text(best['times_energy_all'])} the energy"
    line += " of one board"
    if best["least_nodes"] and best["least_nodes"] != own["least_nodes"]:
        line += f", and {best['least_nodes']} nodes would hold it"
    return [f"{line}."]


def _other_repair(said: Mapping[str, Any], rounds: int) -> list[str]:
    others = [
        f"{'no' if count == '0' else count} rounds {_ms(repair['inference_us'])} ms, "
        f"{times_text(repair['times_time'])} the time of one board"
        for count, repair in said["repair"].items()
        if count != str(rounds)
    ]
    return [f"With other repair, nothing lost: {'; '.join(others)}."] if others else []


def _so(said: Mapping[str, Any], least: int | None) -> str:
    if said["one_board_fits"]:
        if said["times_time"] is not None and said["times_time"] < 1 and said["nodes"] > 1:
            return "So one board is enough; several of them buy time with energy."
        return "So one board is enough, unless the sensors are on several."
    if least is None:
        return (
            "So none of these: keep fewer columns, shrink the model, or take boards with more "
            "memory."
        )
    return f"So it takes several: {least} of them, the fewest of these that hold it."


def times_text(value: float | None) -> str:
    """A ratio for people: 0.23, 5.4, 130 times."""
    if value is None:
        return "- times"
    return f"{number_text(round(value) if value >= 100 else float(f'{value:.2g}'))} times"


def _ms(us: float) -> str:
    return number_text(us / 1e3)


def _and_mj(energy: float | None) -> str:
    return "" if energy is None else f" and {number_text(energy)} mJ"
