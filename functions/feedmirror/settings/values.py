"""Kinds of values: text, numbers, booleans, choices, durations, each with its limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from feedmirror.settings.problems import Location, ValueKind

# Characters that XML 1.0 §2.2 forbids, and the C1 controls.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_LINE_BREAK = re.compile("[\t\n\u2028\u2029]")

_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def text(max_chars: int, *, multiline: bool = False) -> ValueKind:
    """Return the kind of a string that is not blank; white space around it is dropped."""
    lines = "text" if multiline else "one line of text"
    accepted = f"{lines}, not blank, of {max_chars:,} characters at most"

    def read(location: Location, value: object) -> str | None:
        if not isinstance(value, str):
            location.reject(value)
            return None
        if wrong := flaw_of(value, multiline=multiline):
            location.refuse(wrong)
            return None
        words = value.strip()
        if not words or len(words) > max_chars:
            location.refuse(f"{len(words):,} characters are not accepted" if words else "is blank")
            return None
        return words

    return ValueKind("string", accepted, read)


def flaw_of(value: str, *, multiline: bool = False) -> str | None:
    """Return the problem of a string with a forbidden character, or None."""
    found = _CONTROL.search(value) or (None if multiline else _LINE_BREAK.search(value))
    return f"contains the control character U+{ord(found[0]):04X}" if found else None


def whole_number(low: int, high: int) -> ValueKind:
    """Return the kind of an integer from `low` to `high`, both included; not a boolean."""

    def read(location: Location, value: object) -> int | None:
        if type(value) is int and low <= value <= high:
            return value
        location.reject(value)
        return None

    return ValueKind("integer", f"a whole number from {low} to {high}", read)


def number(low: int, high: int) -> ValueKind:
    """Return the kind of an integer or float from `low` to `high`, both included."""

    def read(location: Location, value: object) -> float | None:
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        location.reject(value)
        return None

    return ValueKind("number", f"a number from {low} to {high}", read)


def flag() -> ValueKind:
    """Return the kind of a boolean."""

    def read(location: Location, value: object) -> bool | None:
        if isinstance(value, bool):
            return value
        location.reject(value)
        return None

    return ValueKind("boolean", "true or false", read)


def choice(of: type[Enum]) -> ValueKind:
    """Return the kind of a string that is a value of the enumeration."""
    members: Mapping[str, Enum] = {member.value: member for member in of}

    def read(location: Location, value: object) -> Enum | None:
        member = members.get(value) if isinstance(value, str) else None
        if member is None:
            location.reject(value)
        return member

    return ValueKind("string", "one of " + ", ".join(f'"{name}"' for name in members), read)


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


def _meant_duration(value: object) -> str:
    """Return a proposal for `15`, `"15"` (minutes) or `"15 minutes"`; empty for a duration."""
    if isinstance(value, str) and _DURATION.fullmatch(value):
        return ""
    digits = re.fullmatch("[0-9]{1,4}", "" if isinstance(value, bool) else str(value))
    if digits:
        return f'"{digits[0]}m"'
    loose = re.fullmatch(r"\s*([0-9]{1,6})\s*([smhd])[a-z]*\s*", str(value), re.IGNORECASE)
    return f'"{loose[1]}{loose[2].lower()}"' if loose else ""
