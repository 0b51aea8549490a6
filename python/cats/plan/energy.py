# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Energy of a node from what it does: doc/performance.rst has the formula and the sources."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Currents:
    """Of a microcontroller with its radio, mA at ``volts``: transmitting at 0 dBm, receiving
    Bluetooth LE and 802.15.4, the processor from flash alone, and what it takes on top of a radio
    that is on (they share clock and regulator)."""

    volts: float
    transmit_ma: float
    receive_ma: float
    receive_802154_ma: float
    compute_ma: float
    compute_beside_ma: float


#: nRF52840 product specification, current consumption, typical values at 3 V with DC/DC converter.
NRF52840 = Currents(
    volts=3.0,
    transmit_ma=6.40,
    receive_ma=6.26,
    receive_802154_ma=6.53,
    compute_ma=3.3,
    compute_beside_ma=8.6 - 6.26,
)


@dataclass(frozen=True)
class Duty:
    """Microseconds in which a node transmits, listens, and computes (beside both)."""

    transmit_us: float
    listen_us: float
    compute_us: float

    def millijoules(self, currents: Currents, radio: str) -> float:
        """Energy of that over a radio."""
        narrow = radio.startswith("ieee802154")
        on = self.transmit_us + self.listen_us > 0
        charge = (
            self.transmit_us * currents.transmit_ma
            + self.listen_us * (currents.receive_802154_ma if narrow else currents.receive_ma)
            + self.compute_us * (currents.compute_beside_ma if on else currents.compute_ma)
        )
        return charge * currents.volts * 1e-6
