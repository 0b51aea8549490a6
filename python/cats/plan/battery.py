# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""How long a battery lasts a node that sleeps between inferences: doc/sleep.rst has the formulas
and the sources."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cats.errors import CatsError
from cats.plan.energy import Currents, Duty
from cats.plan.plan import Plan
from cats.plan.sleep import SCAN_MEETINGS, Rhythm, meeting

DAY_S = 86400.0
YEAR_S = 365.25 * DAY_S
#: A node is switched on, or found its group again, so often.
SEARCHES_A_YEAR = 1
#: More than any battery that somebody carries has.
MOST_MAH = 1e6


@dataclass(frozen=True)
class Battery:
    """What a battery has: ``capacity_mah`` at ``volts``; what it loses by itself in a year, per
    cent of that; the pulses that its datasheet tells of, mA (None: of none); ``coin``: a coin cell,
    which bears little."""

    name: str
    capacity_mah: float
    volts: float = 3.0
    self_discharge_percent_a_year: float = 0.0
    pulse_ma: float | None = None
    coin: bool = False

    @property
    def self_discharge_ua(self) -> float:
        """That as a current, the same all the time."""
        lost = self.capacity_mah * self.self_discharge_percent_a_year / 100
        return lost * 1e3 * 3600 / YEAR_S

    def days(self, average_ua: float) -> float:
        """How long it gives that, its own loss included in it."""
        return self.capacity_mah * 1e3 * 3600 / average_ua / DAY_S

    def warnings(self, peak_ma: float | None, longest_us: float) -> list[str]:
        """A line where pulses of ``peak_ma`` may be more than a coin cell bears."""
        if not self.coin or peak_ma is None or (self.pulse_ma or 0.0) >= peak_ma:
            return []
        told = "no pulse current is told of"
        if self.pulse_ma is not None:
            told = f"pulses of {self.pulse_ma:g} mA are told of"
        return [
            f"{self.name}: {told}, and a node takes {peak_ma:.1f} mA for up to "
            f"{longest_us / 1e3:.3g} ms: expect less of its capacity, and put a capacitor beside it"
        ]


#: Primary batteries that feed a node without a regulator; doc/sleep.rst names the sources.
BATTERIES = {
    battery.name: battery
    for battery in (
        Battery("CR2032", 225, 3.0, 1.0, pulse_ma=6.8, coin=True),
        Battery("CR2450", 620, 3.0, 1.0, pulse_ma=15.0, coin=True),
        Battery("CR2477", 1000, 3.0, 1.0, coin=True),
        Battery("2xAAA", 1000, 3.0, 3.0),
        Battery("2xAA", 2500, 3.0, 3.0),
        Battery("2xAA-lithium", 3000, 3.0, 0.7),
    )
}


def battery_named(text: str) -> Battery:
    """One of BATTERIES, or one of so many mAh at 3 V that loses nothing by itself; CatsError."""
    found = {name.lower(): battery for name, battery in BATTERIES.items()}.get(text.lower())
    if found is not None:
        return found
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*mah", text.lower())
    if match and 0 < float(match[1]) <= MOST_MAH:
        return Battery(text, float(match[1]))
    raise CatsError(f"battery {text!r:.40}: one of {', '.join(BATTERIES)}, or its mAh: 1200mAh")


def charge_uc(duty: Duty, currents: Currents, radio: str) -> float | None:
    """Microcoulombs of a duty; None where a current that counts is not known."""
    energy = duty.millijoules(currents, radio)
    return None if energy is None else energy * 1e3 / currents.volts


def peak_ma(currents: Currents, radio: str, nodes: int) -> float | None:
    """The most that a node draws, while it computes beside its radio; None: not known."""
    if nodes == 1:
        return currents.compute_ma
    receive = currents.receive_802154_ma if radio.startswith("ieee802154") else currents.receive_ma
    beside = currents.compute_beside_ma
    beside = currents.compute_ma if beside is None else beside
    known = (currents.transmit_ma, receive, beside)
    return None if None in known else max(known[0], known[1]) + known[2]


def life(
    plan: Plan,
    duties: Sequence[Duty],
    receiver_on: Sequence[Duty],
    inference_us: float,
    currents: Currents,
    rhythm: Rhythm,
    battery: Battery,
    clock_hz: float = 64e6,
) -> dict[str, Any]:
    """Average current and days of a battery as JSON, of the leader and of that other node which
    needs most: ``duties`` are those of all nodes in an inference of ``inference_us``,
    ``receiver_on`` those where receivers are on in all of it. Nothing is lost, node 0 leads and
    has the input.

    ``node_days`` is the least of all; None, with a ``reason``, where that cannot be said.
    """
    found: dict[str, Any] = {"node_days": None, "leader": None, "follower": None}
    found["receiver_on_in_inference_days"] = None
    if currents.sleep_ua is None:
        return found | {"reason": "the board's current in its sleep is not known"}
    if len(duties) > 1 and meeting(plan, clock_hz).least_period_us > rhythm.period_us:
        return found | {"reason": "a meeting takes too much of the period"}
    nodes, others = (
        [
            _node(plan, d, duty, inference_us, currents, rhythm, battery, clock_hz)
            for d, duty in enumerate(each)
        ]
        for each in (duties, receiver_on)
    )
    if None in nodes:
        return found | {"reason": "a current of the board is not known"}
    if any(node["busy_share"] > 1 for node in nodes):
        return found | {"reason": "an inference takes longer than until the next one"}
    off = any(quiet.listen_us < on.listen_us for quiet, on in zip(duties, receiver_on, strict=True))
    found["receiver_in_inference"] = "off where nothing comes" if off else "on"
    found["leader"] = nodes[0]
    found["follower"] = min(nodes[1:], key=lambda node: node["days"], default=None)
    found["node_days"] = min(node["days"] for node in nodes)
    found["receiver_on_in_inference_days"] = min(node["days"] for node in others)
    return found


def rivals(
    figures: dict[str, Any],
    one_board: dict[str, Any],
    to_gateway: dict[str, Any],
    currents: Currents,
    radio: str,
    rhythm: Rhythm,
    battery: Battery,
) -> dict[str, float | None]:
    """Days of the same battery where it is done another way, as JSON: the same inferences, of which
    ``figures`` of cats.plan.predict.deployment() are, with receivers that are on in them, or always
    on; on one board that sleeps between them; or the raw input sent to a gateway on mains power in
    place of each. None: not known, or there is no time for that."""
    sleeps = battery.self_discharge_ua + (currents.sleep_ua or 0.0)
    most = Duty(**figures["energy_of"])
    awake = dataclasses.replace(most, listen_us=rhythm.every_us - most.transmit_us)
    always = charge_uc(awake, currents, radio)
    sent_mj = None if currents.sleep_ua is None else to_gateway["energy_mj"]
    sent = None if sent_mj is None else sent_mj * 1e3 / currents.volts

    def days(charge: float | None, besides_ua: float) -> float | None:
        if charge is None:
            return None
        return battery.days(charge * 1e6 / rhythm.every_us + besides_ua)

    return {
        "receiver_on_in_inference_days": figures["life"]["receiver_on_in_inference_days"],
        "receivers_always_on_days": days(always, battery.self_discharge_ua),
        "one_board_days": one_board["life"]["node_days"],
        "input_to_gateway_days": days(sent, sleeps),
    }


def _node(
    plan: Plan,
    node: int,
    duty: Duty,
    inference_us: float,
    currents: Currents,
    rhythm: Rhythm,
    battery: Battery,
    clock_hz: float,
) -> dict[str, Any] | None:
    """One node of life(); None where a current is not known."""
    every_s, radio = rhythm.every_us / 1e6, plan.radio
    begins, idle = _meetings(plan, node, rhythm, clock_hz)
    # Meetings that an inference runs into are not held.
    taken = math.ceil((begins.radio_us + inference_us) / rhythm.period_us)
    count = max(rhythm.every_us / rhythm.period_us - taken, 0.0)
    listens = rhythm.search_us(node) * SEARCHES_A_YEAR / YEAR_S * every_s
    if node == 0:
        listens += count // SCAN_MEETINGS * rhythm.period_us
    search = Duty(0.0, listens if len(plan.arenas) > 1 else 0.0, 0.0)
    radio_alone = dataclasses.replace(duty, compute_us=0.0)
    charges = [charge_uc(of, currents, radio) for of in (begins, idle, duty, radio_alone, search)]
    if None in charges:
        return None
    begun, idled, spent, sent, searched = charges
    computed = spent - sent
    if duty.radio_us < inference_us and currents.compute_ma is not None:
        # Where receivers are off it is mostly done beside no radio.
        computed = currents.compute_ma * duty.compute_us * 1e-3
    busy_us = begins.radio_us + count * idle.radio_us + inference_us + search.radio_us
    split = {
        "meeting_ua": (begun + count * idled) / every_s,
        "inference_ua": sent / every_s,
        "computing_ua": computed / every_s,
        "sleep_ua": currents.sleep_ua * max(1 - busy_us / rhythm.every_us, 0.0),
        "searching_ua": searched / every_s,
        "self_discharge_ua": battery.self_discharge_ua,
    }
    average = sum(split.values())
    return {
        "node": node,
        "days": battery.days(average),
        "average_ua": average,
        **split,
        "idle_meeting_radio_us": idle.radio_us,
        "beginning_meeting_radio_us": begins.radio_us,
        "inference_radio_us": duty.radio_us,
        "busy_share": busy_us / rhythm.every_us,
    }


def _meetings(plan: Plan, node: int, rhythm: Rhythm, clock_hz: float) -> tuple[Duty, Duty]:
    """A node's part in a meeting with which an inference begins, and in one with none; nothing
    where there is one node."""
    if len(plan.arenas) == 1:
        return Duty(0.0, 0.0, 0.0), Duty(0.0, 0.0, 0.0)
    own = meeting(plan, clock_hz)
    if node == 0:
        return own.leader(begins=True), own.leader(begins=False)
    heard = plan.heard[node] if plan.heard else 0.0
    return own.follower(rhythm, begins=True), own.follower(rhythm, begins=False, heard=heard)
