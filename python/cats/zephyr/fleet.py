# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The fleet file: group, keys and radio settings that the boards of one deployment share.

YAML, or JSON where its name ends so, for its owner alone (mode 0600)::

    group: 1b2c3d4e
    keys:
    - number: 1
      key: 000102030405060708090a0b0c0d0e0f
    use: 1
    radio:
      channel: 26

``keys``: one, or two while a new one is handed out, the newest last; none where frames are not
sealed. ``use``: the one that frames are sealed with. ``radio``: names and values of the shell's
``cats radio``; what is not there is left as it is.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
import stat
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec

from cats import schema
from cats.errors import CatsError
from cats.files import write_atomic

#: Settings of each radio: least and most, and whether people write them in hexadecimal.
RADIO_SETTINGS: dict[str, dict[str, tuple[int, int, bool]]] = {
    "ieee802154": {
        "channel": (11, 26, False), "pan": (0, 0xFFFE, True), "power": (-40, 20, False),
        "cca": (0, 1, False),
    },
    "nrf_radio": {
        "channel": (2, 80, False), "address": (1, 0xFFFFFFFF, True), "power": (-40, 8, False),
    },
    "ble": {},
}  # fmt: skip
KEY_SIZE = 16


@dataclass(frozen=True)
class Key:
    """A group key; its bytes stay out of what is printed of it."""

    number: int
    secret: bytes = field(repr=False)

    def typed(self) -> str:
        """As the shell takes it from a program: the key and its CRC-32."""
        return self.secret.hex() + f"{zlib.crc32(self.secret):08x}"


@dataclass(frozen=True)
class Fleet:
    """What the boards share. ``use``: number of the key that seals; None where there is none."""

    group: int
    keys: tuple[Key, ...] = ()
    use: int | None = None
    radio: Mapping[str, int] = field(default_factory=dict)

    def rotated(self) -> Fleet:
        """With a new key, not in use yet, behind the one that is."""
        number = (self.keys[-1].number + 1) % 256
        new = Key(number, secrets.token_bytes(KEY_SIZE))
        return dataclasses.replace(self, keys=(self.keys[-1], new))

    def using(self, number: int) -> Fleet:
        """Sealing with another key."""
        return dataclasses.replace(self, use=number)

    def alone(self) -> Fleet:
        """With the key in use and no other."""
        return dataclasses.replace(self, keys=tuple(k for k in self.keys if k.number == self.use))


def make(radio: str, sealed: bool, settings: Mapping[str, int]) -> Fleet:
    """A fleet with fresh random group and, where frames are ``sealed``, key; ``radio`` gets what
    ``settings`` say, and an address or PAN id of its own, so that neighbours are not listened to.
    """
    check_radio(radio, settings, "--radio")
    own: dict[str, int] = {}
    if radio == "nrf_radio":
        own["address"] = _access_address()
    elif radio == "ieee802154":
        own["pan"] = secrets.randbelow(0xFFFE) + 1
    keys = (Key(1, secrets.token_bytes(KEY_SIZE)),) if sealed else ()
    return Fleet(secrets.randbelow(2**32 - 1) + 1, keys, 1 if sealed else None, own | settings)


def _access_address() -> int:
    """Random, without more than four equal bits in a row, which a receiver hardly locks on."""
    while True:
        address = secrets.randbits(32)
        if not re.search("00000|11111", f"{address:032b}"):
            return address


def check_radio(radio: str, settings: Mapping[str, Any], where: str) -> None:
    """CatsError for a setting that ``radio`` has not, or a value out of its range."""
    known = RADIO_SETTINGS.get(radio, {})
    for name, value in settings.items():
        if name not in known:
            has = ", ".join(known) or "no settings"
            raise CatsError(f"{where}: {name!r} is no setting of {radio}, which has {has}")
        least, most, _ = known[name]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise CatsError(f"{where}: {name} is {value!r}, a number from {least} to {most} wanted")


@dataclass(frozen=True)
class KeyEntry:
    """A key in the file."""

    number: Annotated[int, msgspec.Meta(ge=0, le=255)]
    key: Annotated[str, msgspec.Meta(pattern=f"^[0-9a-fA-F]{{{2 * KEY_SIZE}}}$")]


@dataclass(frozen=True)
class FleetFile:
    """What the file holds; its ``radio`` is checked by ``check_radio``."""

    group: Annotated[str, msgspec.Meta(pattern="^[0-9a-fA-F]{1,8}$")]
    keys: Annotated[list[KeyEntry], msgspec.Meta(max_length=2)] | None = None
    use: int | None = None
    radio: dict[str, Any] | None = None


def read(path: Path, radio: str) -> Fleet:
    """The fleet in a file, for a deployment over ``radio``; CatsError where others may read the
    file, or it is not one."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise CatsError(f"{path} has keys and others may read it: chmod 600 {path}")
    except FileNotFoundError:
        raise CatsError(f"no fleet file {path}: --new makes one") from None
    except OSError as error:
        raise CatsError(f"cannot read the fleet file {path}: {error.strerror}") from error
    try:
        data = schema.read(path, "the fleet file", yaml=True)
    except CatsError as error:
        if isinstance(error.__cause__, OSError):
            raise
        # Not its words: they may quote a key.
        raise CatsError(f"{path} is neither YAML nor JSON") from None
    file = schema.convert(data, FleetFile, path)
    settings = file.radio or {}
    check_radio(radio, settings, str(path))
    keys = tuple(Key(entry.number, bytes.fromhex(entry.key)) for entry in file.keys or ())
    numbers = [key.number for key in keys]
    if len(set(numbers)) < len(numbers):
        raise CatsError(f"{path}: $.keys: each has a number of its own")
    if file.use not in (numbers or [None]):
        raise CatsError(f"{path}: $.use: the number of one of the keys is wanted")
    return Fleet(int(file.group, 16), keys, file.use, settings)


def write(path: Path, fleet: Fleet, *, new: bool = False) -> None:
    """Write the file for its owner alone, whole or not at all; with ``new`` none may be there."""
    import json

    import yaml

    data: dict[str, Any] = {"group": f"{fleet.group:08x}"}
    if fleet.keys:
        data["keys"] = [{"number": k.number, "key": k.secret.hex()} for k in fleet.keys]
        data["use"] = fleet.use
    if fleet.radio:
        data["radio"] = dict(fleet.radio)
    if path.suffix == ".json":
        text = json.dumps(data, indent=2) + "\n"
    else:
        text = yaml.safe_dump(data, sort_keys=False)
    if new and path.exists():
        raise CatsError(f"{path} is there already: leave --new out to use it")
    write_atomic(path, text.encode(), private=True)
