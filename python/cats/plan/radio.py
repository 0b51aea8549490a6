# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Air time of one frame on each radio, from the PHY's own timing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cats.errors import CatsError

#: Bytes of the CATS header in front of every payload (doc/protocol.rst).
FRAME_HEADER = 10

#: What a sealed frame has on top (doc/security.rst), and the suffix of a radio that carries such.
SEALED, SEALED_BYTES = "+secure", 4 + 8
#: AES-CCM in software on a Cortex-M4 at 64 MHz: opening a report and sealing the grant behind it,
#: and what opening a full frame takes longer than 2 Mbit/s take for the next one.
SEALED_TURN_US, SEALED_GUARD_US = 2000.0, 500.0
#: So much earlier a frame must be at hand that is to be sealed.
SEALED_LEAD_US = 1500


@dataclass(frozen=True)
class Radio:
    """A physical layer.

    ``overhead`` bytes stand on the air around a CATS frame at ``byte_us`` a byte, ``ramp_us`` for
    the transmitter's start; ``guard_us`` more are left free in every slot for receivers to rearm
    and for clocks to differ. ``turn_us`` more are left where a frame answers the one before it.
    ``frame`` is the largest CATS frame, header included. Frames are handed over ``lead_us`` before
    their start (CONFIG_CATS_LEAD_US), so an exchange opens that much behind what it waited for;
    ``before_us`` of the ramp lie before what counts as the start.
    """

    name: str
    frame: int
    overhead: int
    byte_us: float
    ramp_us: float
    guard_us: float
    turn_us: float = 0.0
    lead_us: int = 0
    before_us: float = 0.0

    @property
    def payload(self) -> int:
        """Bytes of payload in the largest frame."""
        return self.frame - FRAME_HEADER

    def air_us(self, frame: int) -> float:
        """Microseconds on air of a CATS frame of ``frame`` bytes, ramp-up included."""
        return self.ramp_us + (self.overhead + frame) * self.byte_us

    def slot_us(self, frame: int) -> int:
        """Whole microseconds of the slot for such a frame."""
        return int(-(-(self.air_us(frame) + self.guard_us) // 1))


RADIOS = {
    # IEEE 802.15.4-2020, O-QPSK at 2.4 GHz: 32 us a byte; 5 bytes of preamble and SFD, 1 of
    # length; PSDU of at most 127 with 9 bytes of MAC header (frame control, sequence number,
    # PAN id, short destination and source) and 2 of FCS. nRF52840 ramp-up 40 us (fast mode).
    "ieee802154": Radio("ieee802154", 127 - 11, 6 + 11, 32.0, 40.0, 200.0, lead_us=120),
    # Bluetooth LE 2M framing (Core specification vol 6 part B): 4 us a byte; 2 bytes of preamble,
    # 4 of access address, 2 of header, 3 of CRC; payload of at most 255.
    "ble_2m": Radio("ble_2m", 255, 11, 4.0, 40.0, 60.0),
    # The same, as the transport nrf_radio does it. From the end of one frame to the next there are
    # ramp-up and guard time, 100 us: it stops the receiver 62 us before its own frame, the end of a
    # frame is known 5 us after it and takes an interrupt, and clocks may be 25 us apart, which
    # crystals of 50 ppm need 250 ms for. The answer to a frame is handed over CATS_LEAD_US, 200 us,
    # before its own start, and the frame before is through 50 us after its end.
    "nrf_radio": Radio("nrf_radio", 255, 11, 4.0, 40.0, 60.0, 150.0, 200),
    # Extended advertising by a Bluetooth controller, data at 2 Mbit/s: 11 bytes as above, 10 of
    # extended header, 4 of advertising data's. In place of the ramp-up the three packets on the
    # primary channels, at 1 Mbit/s, and the offset behind them; the guard time is mostly what host
    # and controller need from one event to the next (doc/transports.rst).
    "ble": Radio("ble", 191 - 4, 25, 4.0, 1250.0, 4000.0, lead_us=4200, before_us=1250.0),
}


def radio(name: str) -> Radio:
    """The radio of that name, or CatsError. With "+secure" behind it, of frames that are sealed."""
    plain = name.removesuffix(SEALED)
    try:
        found = RADIOS[plain]
    except KeyError:
        raise CatsError(f"radio {name!r}: one of {', '.join(RADIOS)}") from None
    return found if plain == name else _sealed(found)


def _sealed(plain: Radio) -> Radio:
    return replace(
        plain,
        name=plain.name + SEALED,
        frame=plain.frame - SEALED_BYTES,
        overhead=plain.overhead + SEALED_BYTES,
        guard_us=plain.guard_us + (SEALED_GUARD_US if plain.byte_us < 32 else 0.0),
        turn_us=plain.turn_us + SEALED_TURN_US,
        lead_us=SEALED_LEAD_US + (plain.lead_us if plain.before_us else 0),
    )
