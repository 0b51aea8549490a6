# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Files that people or programs wrote, read against the type of what they should hold.

``load(path, kind, what)`` reads JSON or YAML and gives a ``kind``, or raises a CatsError of one
line that names the file, the key and what is wrong there::

    sweep.yaml: $.options.lr: expected float, got str

A type is a dataclass, a ``msgspec.Struct`` or a hint made of them; it stands beside the code that
uses it. Into a dataclass goes no key that it does not name; a Struct leaves other keys alone, as is
right for files that later versions add to. Numbers are finite.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import os
import re
import typing
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from cats.errors import CatsError

T = TypeVar("T")
#: Names of files that hold YAML; the others hold JSON.
YAML = (".yaml", ".yml")


class Head(msgspec.Struct):
    """What tells a file's version, whatever else that version has."""

    format: int


def read(
    path: str | os.PathLike[str], what: str = "JSON", *, yaml: bool | None = None, again: str = ""
) -> Any:
    """What a JSON or YAML file holds (``yaml``: which of them, None: as its name says), as plain
    types. CatsError says ``what`` it should have been, and what to do (``again``)."""
    is_yaml = Path(path).suffix in YAML if yaml is None else yaml
    asked, again = again, again or ("mend it" if is_yaml else "make it again")
    try:
        content = Path(path).read_bytes()
        if not content.strip():
            raise ValueError("it is empty")
        return _yaml(content) if is_yaml else msgspec.json.decode(content)
    except FileNotFoundError:
        how = f"; {again}" if asked else ""
        raise CatsError(f"cannot read {what} {path}: it is missing{how}") from None
    except OSError as error:
        raise CatsError(f"cannot read {what} {path}: {error.strerror}") from error
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise CatsError(f"{path} cannot be read as {what}: {_line(error)}; {again}") from error


def load(
    path: str | os.PathLike[str],
    kind: type[T],
    what: str = "JSON",
    *,
    yaml: bool | None = None,
    again: str = "",
) -> T:
    """``read`` a file and ``convert`` what it holds."""
    is_yaml = Path(path).suffix in YAML if yaml is None else yaml
    data = read(path, what, yaml=is_yaml, again=again)
    return convert(data, kind, path, lax=is_yaml, again=again)


def convert(
    data: Any,
    kind: type[T],
    where: str | os.PathLike[str],
    *,
    root: str = "$",
    lax: bool = False,
    again: str = "",
) -> T:
    """Plain types as a ``kind``; CatsError names ``where`` they stand, the key below ``root``, and
    what to do (``again``). ``lax``: a number may stand in quotes."""
    try:
        made = msgspec.convert(data, kind, strict=not lax)
        _look(data, made, "$")
        return made
    except msgspec.ValidationError as error:
        reason = _said(str(error), root)
    except RecursionError:
        reason = f"{root}: nested too deep"
    raise CatsError((str(where) and f"{where}: ") + reason + (again and f"; {again}"))


def arguments(
    function: Callable[..., object],
    given: Mapping[str, Any],
    where: str | os.PathLike[str],
    *,
    root: str = "$",
    lax: bool = False,
) -> dict[str, Any]:
    """Keyword arguments for a function from what a file or a command line ``given`` has: of the
    types of its hints, all that it needs, and none that it does not take."""
    made = convert(given, _parameters(function), where, root=root, lax=lax)
    return {name: getattr(made, name) for name in given}


def value(text: str, function: Callable[..., object], name: str) -> Any:
    """``text`` of a command line for parameter ``name`` of a function: YAML or JSON of the type of
    its hint, else the text as it stands where the parameter may be one."""
    kind = _hints(function).get(name, Any)
    try:
        found = _yaml(text.encode("utf-8", "backslashreplace"))
        return convert(found, kind, "", root=name, lax=True) if _plain(found) else text
    except (CatsError, ValueError, RecursionError) as error:
        try:
            return convert(text, kind, "", root=name, lax=True)
        except CatsError:
            raise CatsError(_line(error)) from None


def _plain(found: object) -> bool:
    """Whether JSON has such values too: YAML also has dates, bytes and sets."""
    return found is None or isinstance(found, (str, int, float, list, dict))


@cache
def _parameters(function: Callable[..., object]) -> type:
    """A dataclass with the parameters of a function as its fields."""
    hints = _hints(function)
    rows: list[Any] = []
    for name, parameter in inspect.signature(function).parameters.items():
        default = parameter.default
        kind = hints.get(name, Any)
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if default is parameter.empty:
            rows.append((name, kind))
        else:
            rows.append((name, kind, dataclasses.field(default_factory=lambda d=default: d)))
    return dataclasses.make_dataclass("Parameters", rows, kw_only=True)


def _hints(function: Callable[..., object]) -> dict[str, Any]:
    code = function.__init__ if isinstance(function, type) else function
    return typing.get_type_hints(code, include_extras=True)


def _said(message: str, root: str) -> str:
    """What msgspec says, which ends with "at `$.key`", with the key first and without quotes."""
    message, _, place = message.partition(" - at `")
    inside = place.replace("`", "").removeprefix("key in ")
    place = root + inside.removeprefix("$") + (" (a key)" if place.startswith("key") else "")
    if key := re.fullmatch(r"Object missing required field `(.*)`", message):
        return f"{place}.{key[1]}: missing"
    message = message[:1].lower() + message[1:].replace("`", "")
    if re.fullmatch("expected str, got (int|float|bool)", message):
        message += ": put it in quotes"
    return f"{place}: " + message.replace("object", "a mapping").replace("array", "a list")


def _look(data: Any, made: Any, place: str) -> None:
    """Refuse what msgspec lets pass: keys that no field has, numbers that are not finite."""
    if isinstance(made, float) and not math.isfinite(made):
        raise msgspec.ValidationError(f"Expected a finite number - at `{place}`")
    if isinstance(data, Mapping):
        known = (
            [field.name for field in dataclasses.fields(made)]
            if dataclasses.is_dataclass(made)
            else None
        )
        for key, value in data.items():
            if known is not None and key not in known:
                raise msgspec.ValidationError(
                    f"Unknown, one of {', '.join(known)} - at `{place}.{_line(key)}`"
                )
            inside = made.get(key) if isinstance(made, Mapping) else getattr(made, str(key), None)
            _look(value, inside, f"{place}.{key}")
    elif isinstance(data, (list, tuple)) and isinstance(made, (list, tuple)):
        for at, (value, inside) in enumerate(zip(data, made)):
            if not isinstance(inside, (int, str)):
                _look(value, inside, f"{place}[{at}]")


def _line(text: object) -> str:
    """In one line, however long it was."""
    line = " ".join(str(text).split())
    return line if len(line) <= 200 else line[:197] + "..."


def _yaml(content: bytes) -> Any:
    """YAML in which ``0:0.3`` is a text and no number to the base 60, and no key is there twice."""
    import yaml

    try:
        return yaml.load(content, _loader())
    except yaml.YAMLError as error:
        raise ValueError(error) from None


@cache
def _loader() -> type:
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> dict:
            seen: set[str] = set()
            for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
                if isinstance(key, yaml.ScalarNode) and key.value in seen and key.value != "<<":
                    line = key.start_mark.line + 1
                    raise yaml.YAMLError(f"line {line}: {key.value!r} is there twice")
                seen.add(str(key.value))
            return super().construct_mapping(node, deep)

    base_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$")
    Loader.yaml_implicit_resolvers = {
        first: [("tag:yaml.org,2002:str", base_60), *rules]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader
