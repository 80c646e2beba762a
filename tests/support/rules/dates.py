"""Whether a date is what its element wants, and whether it can be.

Each function returns the rule that the date breaks, or None.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ZONE_HOURS = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8}
_ZONE_HOURS |= {"PDT": -7, "GMT": 0, "UT": 0, "Z": 0}
_AHEAD = timedelta(minutes=10)  # clocks differ; the W3C's validator allows as much
_EARLIEST_YEAR = 1990
_EARLIEST_LAWFUL_YEAR = 1900  # RFC 5322 §3.3

_RFC822 = re.compile(
    rf"(?:(?P<name>{'|'.join(DAYS)}), )?(?P<day>\d\d?) (?P<month>{'|'.join(MONTHS)}) "
    r"(?P<year>\d{4}) (?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d))? (?P<zone>[+-]\d{4}|\w+)"
)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_W3CDTF = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?)?)?")


def date_822_problem(text: str, now: datetime) -> str | None:
    """The rule that a date of RSS breaks. Source: RSS 2.0 `<pubDate>`, RFC 5322 §3.3."""
    match = _RFC822.fullmatch(text)
    if match is None:
        return "date-822"
    zone = _zone(match["zone"])
    if zone is None:
        return "date-zone"
    try:
        day = date(int(match["year"]), MONTHS.index(match["month"]) + 1, int(match["day"]))
        clock = (int(match["hour"]), int(match["minute"]), int(match["second"] or 0))
        moment = datetime(day.year, day.month, day.day, *clock, tzinfo=zone)
    except ValueError:
        return "date-822"
    if day.year < _EARLIEST_LAWFUL_YEAR:
        return "date-822"
    if match["name"] and match["name"] != DAYS[day.weekday()]:
        return "date-day-name"
    return _plausibility_problem(moment, now)


def date_3339_problem(text: str, now: datetime) -> str | None:
    """The rule that a date of Atom breaks. Source: RFC 4287 §3.3, RFC 3339 §5.6."""
    if _RFC3339.fullmatch(text) is None:
        return "date-3339"
    try:
        return _plausibility_problem(datetime.fromisoformat(text), now)
    except ValueError:
        return "date-3339"


def date_w3cdtf_problem(text: str, now: datetime) -> str | None:
    """The rule that a date of Dublin Core breaks. Source: W3C NOTE-datetime."""
    if _W3CDTF.fullmatch(text) is None:
        return "date-w3cdtf"
    full = text + "-01-01"[len(text) - 4 :]  # a year or a month stands for its first day
    try:
        moment = datetime.fromisoformat(full)
    except ValueError:
        return "date-w3cdtf"
    return _plausibility_problem(moment if moment.tzinfo else moment.replace(tzinfo=UTC), now)


def _plausibility_problem(moment: datetime, now: datetime) -> str | None:
    if moment.year < _EARLIEST_YEAR:
        return "date-implausible"
    return "date-future" if moment > now + _AHEAD else None


def _zone(text: str) -> timezone | None:
    """The zone, or None if there is none of that name, or none so far from Greenwich."""
    if text in _ZONE_HOURS:
        return timezone(timedelta(hours=_ZONE_HOURS[text]))
    if not re.fullmatch(r"[+-]\d{4}", text):
        return None
    hours, minutes = int(text[1:3]), int(text[3:])
    if minutes not in (0, 15, 30, 45) or hours * 60 + minutes > 14 * 60:
        return None
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
