# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Energy of a node from what it does: doc/performance.rst has the formula and the sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

Current = Annotated[float, msgspec.Meta(ge=0)]


@dataclass(frozen=True)
class Currents:
    """Of a microcontroller with its radio, mA at ``volts``: transmitting at 0 dBm, receiving
    Bluetooth LE and 802.15.4, the processor from flash alone, and what it takes on top of a radio
    that is on (they share clock and regulator; where that is not known, it counts as alone, which
    is more); and microamperes while it sleeps, RAM kept and the clock of 32,768 Hz running. None:
    not known."""

    volts: Annotated[float, msgspec.Meta(gt=0)] = 3.0
    transmit_ma: Current | None = None
    receive_ma: Current | None = None
    receive_802154_ma: Current | None = None
    compute_ma: Current | None = None
    compute_beside_ma: Current | None = None
    sleep_ua: Current | None = None


# All: typical values at 3 V with DC/DC converter; doc/performance.rst names tables and symbols.

#: nRF52840 product specification, current consumption.
NRF52840 = Currents(
    transmit_ma=6.40,
    receive_ma=6.26,
    receive_802154_ma=6.53,
    compute_ma=3.3,
    compute_beside_ma=8.6 - 6.26,
    sleep_ua=3.16,
)
#: nRF52832 product specification 1.1, power and clock management; it has no 802.15.4, and that
#: chapter has no processor without the radio.
NRF52832 = Currents(transmit_ma=7.1, receive_ma=6.5, compute_beside_ma=9.2 - 6.5, sleep_ua=2.2)
#: nRF54L15 datasheet, current consumption: receiving at 1 Mbit/s, nothing about 802.15.4.
NRF54L15 = Currents(transmit_ma=4.8, receive_ma=3.4, compute_ma=2.6, sleep_ua=2.9)


@dataclass(frozen=True)
class Duty:
    """Microseconds in which a node transmits, listens, and computes (beside both)."""

    transmit_us: float
    listen_us: float
    compute_us: float

    @property
    def radio_us(self) -> float:
        """In which its radio is on."""
        return self.transmit_us + self.listen_us

    @property
    def busy_us(self) -> float:
        """All of them."""
        return self.radio_us + self.compute_us

    def millijoules(self, currents: Currents, radio: str) -> float | None:
        """Energy of that over a radio; None where a current that counts is not known."""
        narrow = radio.startswith("ieee802154")
        compute = currents.compute_ma
        if self.radio_us > 0 and currents.compute_beside_ma is not None:
            compute = currents.compute_beside_ma
        charge = 0.0
        for us, milliamperes in (
            (self.transmit_us, currents.transmit_ma),
            (self.listen_us, currents.receive_802154_ma if narrow else currents.receive_ma),
            (self.compute_us, compute),
        ):
            if us and milliamperes is None:
                return None
            charge += us * (milliamperes or 0.0)
        return charge * currents.volts * 1e-6
