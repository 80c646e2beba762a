"""Dates as feeds write them, and those that cannot be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from time import struct_time

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.core.dates import from_iso, moment_of, rfc822, rfc3339

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_FIRST = datetime(1900, 1, 2, tzinfo=UTC)
MOMENTS = st.integers(0, 300 * 365 * 86_400).map(lambda s: _FIRST + timedelta(seconds=s))


def _read(raw: str) -> datetime | None:
    parsed = feedparser.datetimes._parse_date(raw)
    return moment_of(raw, parsed)


@pytest.mark.parametrize(
    "raw",
    [
        "Mon, 02 Mar 2026 12:00:00 GMT",
        "Mon, 2 Mar 2026 13:00:00 +0100",
        "Mon, 02 Mar 2026 12:00:00",
        "2 Mar 2026 12:00",
        "Sun, 02 Mar 2026 12:00:00 UT",
        "2 Mar 2026 07:00 EST",
        "2026-03-02T12:00:00Z",
        "2026-03-02T14:30:00.123+02:30",
        "2026-03-02T12:00",
    ],
)
def test_dates_in_use_are_read(raw: str) -> None:
    assert _read(raw) == NOON


@pytest.mark.row("P11")
@pytest.mark.parametrize(
    "raw",
    [
        "Mon, 01 Jan 0001 00:00:00 +0000",
        "0001-01-01T00:00:00Z",
        "0000-00-00T00:00:00Z",
        "Wed, 30 Nov 0002 00:00:00 +0000",
        "01 Jan 0009",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "9999-12-31T23:59:59Z",
        "1601-01-01T00:00:00Z",
        "yesterday",
        "",
    ],
)
def test_dates_that_cannot_be_are_none(raw: str) -> None:
    assert _read(raw) is None
    assert from_iso(raw) is None


@pytest.mark.parametrize(
    "raw", ["Mon, 02 Mar 2026 12:00:00 +0002", "Mon, 02 Mar 2026 12:00:00 -0001"]
)
def test_a_zone_that_looks_like_the_year_1_is_a_zone(raw: str) -> None:
    assert _read(raw) == parsedate_to_datetime(raw)


def test_a_leap_second_is_the_second_before_it() -> None:
    end = datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert from_iso("2016-12-31T23:59:60Z") == end
    assert moment_of("", struct_time((2016, 12, 31, 23, 59, 60, 5, 366, 0))) == end


@pytest.mark.row("P11")
def test_what_feedparser_is_too_generous_with_is_none() -> None:
    assert moment_of("x", struct_time((2026, 2, 30, 12, 0, 0, 0, 0, 0))) is None
    assert moment_of("x", None) is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2026-03-02T12:00:00Z", NOON),
        (" 2026-03-02t12:00:00.75z ", NOON),
        ("2026-03-02T12:00:00", NOON),
        ("2026-03-02T22:00:00+10:00", NOON),
        ("2026-03-02", NOON.replace(hour=0)),
        (1772452800, None),
        (None, None),
        ("2026-13-02T12:00:00Z", None),
        ("2026-03-02T12:00:00+99:00", None),
        ("1900-01-01T00:00:00+14:00", None),
    ],
)
def test_dates_of_json_feeds_are_read(raw: object, expected: datetime | None) -> None:
    assert from_iso(raw) == expected  # type: ignore[arg-type] # JSON holds anything


@given(MOMENTS, st.integers(-840, 840))
def test_what_is_written_is_read_back_by_others_and_by_us(moment: datetime, minutes: int) -> None:
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert parsedate_to_datetime(rfc822(local)) == moment
    assert datetime.fromisoformat(rfc3339(local)) == moment
    assert from_iso(rfc3339(local)) == moment
    assert rfc822(local).startswith(f"{moment:%a}")
