"""Time zones as feeds write them: offsets, abbreviations, names of the IANA database."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

# Hours east of UTC, where the IANA database 2026f gives an abbreviation to one offset, and the four
# zones of the United States as RFC 822 §5.1 defines them. SST (Samoa, Singapore) is left out. The
# single letters of RFC 822 but Z are unknown by RFC 5322 §4.3, since they were used both ways.
_HOURS = {
    "UTC": 0, "GMT": 0, "UT": 0, "Z": 0,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "AKST": -9, "AKDT": -8, "HST": -10, "HDT": -9, "AST": -4, "ADT": -3, "NST": -3.5, "NDT": -2.5,
    "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "MET": 1, "MEST": 2, "MEZ": 1, "MESZ": 2,
    "WAT": 1, "CAT": 2, "EAT": 3, "SAST": 2, "IDT": 3,
    "PKT": 5, "WIB": 7, "WITA": 8, "WIT": 9, "HKT": 8, "SGT": 8, "JST": 9, "KST": 9,
    "AWST": 8, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "CHST": 10,
    "NZST": 12, "NZDT": 13,
}  # fmt: skip
# What an abbreviation stands for elsewhere: read only beside an offset (`+0800 CST`).
_ELSEWHERE = {"CST": (8, -5), "CDT": (-4,), "PST": (8,), "IST": (5.5, 2, 1), "BST": (6,)}
# Either of two offsets, by the date.
_GENERIC = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}
_ORIGINS = ("GMT", "UTC", "UT")
# Strings, which `re` compiles at their first use, as in `dates.py`.
# A comment of RFC 822 §3.4.3 as JavaScript writes the zone's name in it; a name as in RFC 9557.
_COMMENTED = r"([^()\[\]]*?) ?(?:\(([^()]*)\)|\[([^\[\]]*)\])?"
_OFFSET = (
    r"(?:(?P<before>[A-Za-z]+) ?)?"
    r"(?P<sign>[+-])(?:(?P<hh>[0-9]{2})(?P<mm>[0-9]{2})|(?P<h>[0-9]{1,2})(?::(?P<m>[0-9]{2}))?)"
    r"(?: (?P<after>[A-Za-z]+|[+-][0-9]{2,4}))?"
)
_IANA = r"[A-Za-z]+(?:/[A-Za-z][A-Za-z0-9_+-]*){1,2}"


def to_utc(local: datetime, zone: str) -> datetime | None:
    """Return the moment in UTC that clocks of `zone` show as `local`, which is naive.

    An empty zone is UTC. None for a zone that is unknown, or not known to be only one, for
    contradictions, and for a time that a change of clocks skips or repeats. A comment counts where
    there is nothing else. Raises: OverflowError.
    """
    found = re.fullmatch(_COMMENTED, zone)
    if found is None:
        return None
    info = _zone((found[1] or found[2] or found[3] or "").strip())
    if info is None:
        return None
    first, second = (local.replace(tzinfo=info, fold=fold) for fold in (0, 1))
    return first.astimezone(UTC) if first.utcoffset() == second.utcoffset() else None


def is_abbreviation(word: str) -> bool:
    """Return True if `word`, in capitals, is the abbreviation of a zone."""
    return word in _HOURS or word in _ELSEWHERE or word in _GENERIC


def _zone(text: str) -> tzinfo | None:
    name = text.upper()
    if not name:
        return UTC
    if name in _HOURS:
        return _fixed(_HOURS[name] * 60)
    if found := re.fullmatch(_OFFSET, text):
        return _offset(found)
    key = _GENERIC.get(name, text)
    return _named(key) if re.fullmatch(_IANA, key) else None


def _offset(found: re.Match[str]) -> tzinfo | None:
    """Return the zone of an offset, None if a name beside it says otherwise."""
    minutes = _minutes(found)
    before, after = (found["before"] or "").upper(), (found["after"] or "").upper()
    # `GMT+2` counts from there; `EST-0500` says one thing twice.
    if before and before not in _ORIGINS and minutes not in _meanings(before):
        return None
    if minutes is None or (after and minutes not in _meanings(after)):
        return None
    return _fixed(minutes)


def _minutes(found: re.Match[str]) -> int | None:
    """Return an offset in minutes, None if it is out of range. Source: RFC 3339 §5.6."""
    hours, minutes = int(found["hh"] or found["h"]), int(found["mm"] or found["m"] or 0)
    if hours > 23 or minutes > 59:
        return None
    return (hours * 60 + minutes) * (-1 if found["sign"] == "-" else 1)


def _meanings(name: str) -> tuple[float | None, ...]:
    """Return what a name beside an offset can stand for, in minutes."""
    if found := re.fullmatch(_OFFSET, name):  # `+0300 +03`, as Go writes a zone that has no name
        return (_minutes(found),)
    own = (_HOURS[name],) if name in _HOURS else ()
    return tuple(hours * 60 for hours in (*own, *_ELSEWHERE.get(name, ())))


def _fixed(minutes: float) -> tzinfo:
    return timezone(timedelta(minutes=minutes))


def _named(key: str) -> tzinfo | None:
    # Here: few feeds name a zone of the database.
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415

    try:
        return ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
