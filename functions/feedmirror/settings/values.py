"""Kinds of values (text, numbers, choices, durations), and tables read by a list of keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

from msgspec import Struct

from feedmirror.settings.problems import Location, ValueKind, closest_name
from feedmirror.text.patterns import pattern

# Characters that XML 1.0 §2.2 forbids, and the C1 controls.
_CONTROL = pattern("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_LINE_BREAK = pattern("[\t\n\u2028\u2029]")

_DURATION = pattern(r"([0-9]{1,6})([smhd])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def value_kind(name: str, accepted: str, parse: Callable[[object], object]) -> ValueKind:
    """Return the kind of the values for which `parse` does not return None."""

    def read(location: Location, value: object) -> object:
        parsed = parse(value)
        if parsed is None:
            location.reject(value)
        return parsed

    return ValueKind(name, accepted, read)


def string(
    accepted: str, flaw_of: Callable[[str], str | None], clean: Callable[[str], str] = str
) -> ValueKind:
    """Return the kind of a string in which `flaw_of` finds no problem; `clean` normalises it."""

    def read(location: Location, value: object) -> str | None:
        if not isinstance(value, str):
            location.reject(value)
        elif flaw := flaw_of(value):
            location.refuse(flaw)
        else:
            return clean(value)
        return None

    return ValueKind("string", accepted, read)


def text(max_chars: int, *, multiline: bool = False) -> ValueKind:
    """Return the kind of a string that is not blank; white space around it is dropped."""
    lines = "text" if multiline else "one line of text"

    def flaw(value: str) -> str | None:
        if wrong := flaw_of(value, multiline=multiline):
            return wrong
        count = len(value.strip())
        if count > max_chars:
            return f"{count:,} characters are not accepted"
        return None if count else "is blank"

    return string(f"{lines}, not blank, of {max_chars:,} characters at most", flaw, str.strip)


def flaw_of(value: str, *, multiline: bool = False) -> str | None:
    """Return the problem of a string with a forbidden character, or None."""
    found = _CONTROL.search(value) or (None if multiline else _LINE_BREAK.search(value))
    return f"contains the control character U+{ord(found[0]):04X}" if found else None


def whole_number(low: int, high: int) -> ValueKind:
    """Return the kind of an integer from `low` to `high`, both included; not a boolean."""
    return value_kind(
        "integer",
        f"a whole number from {low} to {high}",
        lambda value: value if type(value) is int and low <= value <= high else None,
    )


def number(low: int, high: int) -> ValueKind:
    """Return the kind of an integer or float from `low` to `high`, both included."""

    def parse(value: object) -> float | None:
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        return None

    return value_kind("number", f"a number from {low} to {high}", parse)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


FLAG = value_kind("boolean", "true or false", _flag)


def choice(of: type[Enum]) -> ValueKind:
    """Return the kind of a string that is a value of the enumeration."""
    members: Mapping[object, Enum] = {member.value: member for member in of}
    return value_kind(
        "string",
        "one of " + ", ".join(f'"{name}"' for name in members),
        lambda value: members.get(value) if isinstance(value, str) else None,
    )


def duration(low: str, high: str) -> ValueKind:
    """Return the kind of a duration such as "15m", whole minutes, read as seconds."""
    low_s, high_s = _seconds(low) or 0, _seconds(high) or 0
    accepted = (
        f'a number and a unit (s, m, h, d) from "{low}" to "{high}" that make whole minutes, '
        'such as "15m"'
    )

    def read(location: Location, value: object) -> int | None:
        total_s = _seconds(value) if isinstance(value, str) else None
        if total_s is not None and low_s <= total_s <= high_s and total_s % 60 == 0:
            return total_s
        location.reject(value, _meant_duration(value))
        return None

    return ValueKind("string", accepted, read)


def _seconds(value: str) -> int | None:
    found = _DURATION.fullmatch(value)
    return int(found[1]) * _UNIT_S[found[2]] if found else None


def shown_duration(seconds: int) -> str:
    """Render a duration of whole minutes as feeds.toml writes it: `15m`, `1h`, `90m`."""
    unit = next(unit for unit in "dhm" if seconds % _UNIT_S[unit] == 0)
    return f"{seconds // _UNIT_S[unit]}{unit}"


def _meant_duration(value: object) -> str:
    """Return a proposal for `15`, `"15"` (minutes) or `"15 minutes"`; empty for a duration."""
    if isinstance(value, str) and _DURATION.fullmatch(value):
        return ""
    digits = re.fullmatch("[0-9]{1,4}", "" if isinstance(value, bool) else str(value))
    if digits:
        return f'"{digits[0]}m"'
    loose = re.fullmatch(r"\s*([0-9]{1,6})\s*([smhd])[a-z]*\s*", str(value), re.IGNORECASE)
    return f'"{loose[1]}{loose[2].lower()}"' if loose else ""


class Key(Struct, frozen=True):
    """Key of a TOML table."""

    name: str
    kind: ValueKind
    meaning: str  # a sentence for the operator
    field: str = ""  # name in the parsed value; empty: the same as `name`


def read_table(
    location: Location, value: object, keys: Iterable[Key], elsewhere: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return the valid values by field name; add problems of all others to `location`.

    `elsewhere` maps keys of other tables to the table that they belong to.
    """
    if not isinstance(value, dict):
        Location(location.problems, location.key, "a table").reject_type(value)
        return {}
    known = {key.name: key for key in keys}
    found: dict[str, Any] = {}
    for name, content in value.items():
        if name not in known:
            _refuse_unknown(location.below(name), name, known, elsewhere or {})
            continue
        key = known[name]
        read = key.kind.read(location.below(name, key.kind.accepted), content)
        if read is not None:
            found[key.field or name] = read
    return found


def _refuse_unknown(
    location: Location, name: str, known: Iterable[str], elsewhere: dict[str, str]
) -> None:
    if name in elsewhere:
        location.refuse("is not accepted here", f"it belongs {elsewhere[name]}")
    elif guess := closest_name(name, known):
        location.refuse("is unknown", guess=guess)
    else:
        location.refuse("is unknown", f"known are {', '.join(known)}")
