"""Dates as feeds write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import struct_time

_LONGEST = 60  # characters of a date
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# A year like 0001, which Hugo writes for "none" and some parsers read as 2001.
_ZERO_YEAR = re.compile(r"(?<![+\-:.\d])000\d(?![\d:])|^000\d-")
_LEAP_SECOND = re.compile(r":60(?=[.Z+-]|$)")


def rfc822(moment: datetime) -> str:
    """The date as RSS wants it, in GMT. Source: RFC 822 §5, four-digit years as RSS 2.0 allows."""
    m = moment.astimezone(UTC)
    return (
        f"{_DAYS[m.weekday()]}, {m.day:02} {_MONTHS[m.month - 1]} {m.year:04} "
        f"{m.hour:02}:{m.minute:02}:{m.second:02} GMT"
    )


def rfc3339(moment: datetime) -> str:
    """The date as Atom wants it, in UTC, to the second. Source: RFC 3339 §5.6."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(raw: str | None, parsed: struct_time | None) -> datetime | None:
    """The date that feedparser read, or None where there is none or it cannot be one.

    Years before 1900 and of the far future are no dates of entries. One without a zone, which
    feedparser does not read, is in UTC.
    """
    if raw and _ZERO_YEAR.search(raw):
        return None
    if parsed is None:
        return _without_zone(raw or "")
    if not 1900 <= parsed.tm_year <= 2200:
        return None
    try:
        return datetime(*parsed[:5], min(parsed.tm_sec, 59), tzinfo=UTC)  # leap seconds end early
    except ValueError:  # feedparser is generous
        return None


def _without_zone(raw: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(raw) if len(raw) < _LONGEST else None
    except (ValueError, IndexError):
        return None
    if moment is None or moment.tzinfo or not 1900 <= moment.year <= 2200:
        return None
    return moment.replace(tzinfo=UTC)


def from_iso(raw: str | None) -> datetime | None:
    """The RFC 3339 date in UTC, or None where it is none or cannot be one."""
    if not isinstance(raw, str) or _ZERO_YEAR.search(raw):
        return None
    try:
        moment = datetime.fromisoformat(_LEAP_SECOND.sub(":59", raw.strip().upper()))
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=0) if 1900 <= moment.year <= 2200 else None
