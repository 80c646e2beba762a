"""Dates as feeds write them, and those that cannot be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from zoneinfo import ZoneInfo, reset_tzpath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedmirror.model import Fetched, Validators
from feedmirror.parsing.parse import parse
from feedmirror.text.dates import month_number, parse_date, rfc822, rfc3339

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_FIRST = datetime(1900, 1, 2, tzinfo=UTC)
MOMENTS = st.integers(0, 300 * 365 * 86_400).map(lambda s: _FIRST + timedelta(seconds=s))
OFFSETS = st.integers(-839, 839).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def _twelve(m: datetime) -> str:
    return f"{(m.hour + 11) % 12 + 1}:{m:%M:%S}"


def _half(m: datetime) -> str:
    return "am" if m.hour < 12 else "pm"


def _offset(m: datetime) -> str:
    return f"{m:%z}"


def _colon(m: datetime) -> str:
    return f"{m:%z}"[:3] + ":" + f"{m:%z}"[3:]


# Every spelling of a moment, from a local time with an offset.
SPELLINGS: dict[str, Callable[[datetime], str]] = {
    "RFC 822": format_datetime,
    "RFC 3339": datetime.isoformat,
    "without a weekday": lambda m: f"{m.day} {m:%b %Y %H:%M:%S %z}",
    "weekday in French": lambda m: f"mar. {m.day} {m:%b %Y %H:%M:%S %z}",
    "weekday in Arabic": lambda m: f"الجمعة، {m.day} {m:%b %Y %H:%M:%S %z}".replace("،", ","),
    "month in full": lambda m: f"{m:%A, %B} {m.day}, {m:%Y %H:%M:%S} {_colon(m)}",
    "month first": lambda m: f"{m:%a, %b %d %Y %H:%M:%S %z}",
    "hyphens": lambda m: f"{m:%a, %d-%b-%Y %H:%M:%S %z}",
    "ISO basic": lambda m: f"{m:%Y%m%dT%H%M%S%z}",
    "ISO with a blank": lambda m: f"{m:%Y-%m-%d %H:%M:%S} {_offset(m)}",
    "ISO with a fraction": lambda m: f"{m:%Y-%m-%dT%H:%M:%S}.123456789{_colon(m)}",
    "ISO, lower case": lambda m: m.isoformat().lower(),
    "slashes": lambda m: f"{m:%Y/%m/%d %H:%M:%S %z}",
    "AM or PM": lambda m: f"{m:%a, %d %b %Y} {_twelve(m)} {_half(m)} {m:%z}",
    "A.M. or P.M.": lambda m: f"{m:%B} {m.day}, {m.year} at {_twelve(m)}{_half(m)[0]}.m. {m:%z}",
    "Go": lambda m: f"{m:%Y-%m-%d %H:%M:%S %z %z}",
    "Git": lambda m: f"{m:%a %b} {m.day} {m:%H:%M:%S %Y %z}",
    "Ruby": lambda m: f"{m:%a %b %d %H:%M:%S %z %Y}",
    "JavaScript": lambda m: f"{m:%a %b %d %Y %H:%M:%S} GMT{m:%z} (Somewhere Standard Time)",
    "behind UTC": lambda m: f"{m:%d %b %Y %H:%M:%S} UTC{_colon(m)}",
    "Apache": lambda m: f"{m:%d/%b/%Y:%H:%M:%S %z}",
    "PM after twelve": lambda m: f"{m:%d %b %Y %H:%M:%S} {'PM' if m.hour > 11 else ''} {m:%z}",
    "white space": lambda m: f"\n\t {m:%d\u00a0%b  %Y\n%H:%M:%S   %z}\n",
    "minus sign": lambda m: f"{m:%Y-%m-%dT%H:%M:%S}" + _colon(m).replace("-", "\u2212"),
}


@pytest.mark.costly
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@given(moment=MOMENTS, zone=OFFSETS)
def test_every_spelling_of_a_moment_is_read_as_that_moment(
    spelling: Callable[[datetime], str], moment: datetime, zone: timezone
) -> None:
    assert parse_date(spelling(moment.astimezone(zone))) == moment


@given(moment=MOMENTS, name=st.sampled_from(["", "Z", " UTC", " GMT", " ut", " (UTC)", " Etc/UTC"]))
def test_a_moment_in_utc_is_read_whatever_utc_is_called(moment: datetime, name: str) -> None:
    assert parse_date(f"{moment:%Y-%m-%d %H:%M:%S}{name}") == moment
    assert parse_date(f"{moment:%d %b %Y %H:%M:%S}{name}") == moment


@given(
    moment=st.integers(0, 60 * 365 * 86_400).map(lambda s: NOON - timedelta(seconds=s - 10**9)),
    key=st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "US/Pacific"]),
)
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Berlin")
def test_a_zone_of_the_database_is_read_unless_its_clocks_show_the_time_twice(
    moment: datetime, key: str
) -> None:
    local = moment.astimezone(ZoneInfo(key))
    twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    assert parse_date(f"{local:%Y-%m-%d %H:%M:%S} {key}") == (None if twice else moment)
    assert parse_date(f"{local:%Y-%m-%dT%H:%M:%S}[{key}]") == (None if twice else moment)


@pytest.fixture
def no_database() -> Iterator[None]:
    """A machine without time zones, as images of containers often are."""
    reset_tzpath(())
    ZoneInfo.clear_cache()
    yield
    reset_tzpath()
    ZoneInfo.clear_cache()


@pytest.mark.usefixtures("no_database")
def test_zones_are_known_on_a_machine_without_a_database_of_them() -> None:
    for zone in ("Europe/Paris", "America/Argentina/Ushuaia", "PT"):
        assert parse_date(f"2026-03-02 12:00 {zone}") is not None
    assert parse_date("2026-03-02T12:00:00[Asia/Kolkata]") == NOON - timedelta(hours=5, minutes=30)


@pytest.mark.usefixtures("no_database")
def test_a_date_in_a_zone_that_cannot_be_looked_up_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tzdata.zoneinfo.Europe", None)
    assert parse_date("2026-03-02 12:00 Europe/Paris") is None
    assert parse_date("2026-03-02 12:00 CET") == NOON - timedelta(hours=1)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("EST", "America/New_York"),
        ("PDT", "America/Los_Angeles"),
        ("PT", "America/Los_Angeles"),
        ("CEST", "Europe/Madrid"),
        ("BST", "Europe/London"),
        ("EET", "Europe/Athens"),
        ("JST", "Asia/Tokyo"),
        ("ACDT", "Australia/Adelaide"),
        ("NST", "America/St_Johns"),
        ("NZDT", "Pacific/Auckland"),
        ("SAST", "Africa/Johannesburg"),
    ],
)
def test_an_abbreviation_is_the_offset_that_its_zone_has_by_that_name(name: str, key: str) -> None:
    months = (NOON.replace(month=month).astimezone(ZoneInfo(key)) for month in (1, 7))
    for local in months:
        if local.tzname() == name or len(name) == 2:
            moment = local.astimezone(UTC)
            assert parse_date(f"{local:%a, %d %b %Y %H:%M:%S} {name}") == moment
            assert parse_date(f"{local:%a, %d %b %Y %H:%M:%S} {local:%z} ({name})") == moment


@pytest.mark.parametrize(
    "raw",
    [
        "Mon, 2 Mar 2026 12:00",
        "2 March 2026, 12:00",
        "2nd March 2026 12:00",
        "2 Mar 26 12:00 GMT",
        "2 Mar 2026 07:00 EST",
        "Mon Mar  2 12:00:00 2026",
        "Mon Mar 2 07:00:00 EST 2026",
        "Mon 2 Mar 13:00:00 CET 2026",
        "2026-03-02T12:00",
        "2026-03-02T12Z",
        "20260302T1200Z",
        "20260302120000",
        "2026. 03. 02. 12:00",
        "2026 Mar 2 12:00",
        "2026-Március-02T9:00-03:00",
        "2. März 2026, 13:00 Uhr (CET)",
        "lundi 2 mars 2026 à 12h00",
        "2 de marzo de 2026 12:00",
        "Пн, 2 марта 2026 15:00 MSK",
        "2026年3月2日 12:00",
        "Mar 2, 2026 12 PM",
        "2 Mar 2026 - 12:00",
        "2026-03-02T12:00:00Z[Europe/Paris]",
        "2026-03-02 20:00:00 +0800 CST",
        "2 Mar 2026 14:00 GMT+2",
        "Mon, 02 Mar 2026 12:00:00 -0000",
    ],
)
def test_dates_in_use_are_read(raw: str) -> None:
    assert parse_date(raw) == NOON


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2026-03-02", NOON.replace(hour=0)),
        ("2 Mar 2026", NOON.replace(hour=0)),
        ("20260302", NOON.replace(hour=0)),
        ("2026-03-02+02:00", NOON.replace(day=1, hour=22)),
        ("2026-03", NOON.replace(day=1, hour=0)),
        ("2026-03-02T24:00:00Z", NOON.replace(day=3, hour=0)),
        ("2 Mar 2026 12:05 AM", NOON.replace(hour=0, minute=5)),
        ("2 Mar 2026 12:05 PM", NOON.replace(minute=5)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("28.03.2026 12:00", NOON.replace(day=28)),
        ("03/28/2026 12:00", NOON.replace(day=28)),
        ("03/03/2026 12:00", NOON.replace(day=3)),
    ],
)
def test_a_day_and_the_edges_of_days_are_read(raw: str, expected: datetime) -> None:
    assert parse_date(raw) == expected


@pytest.mark.row("P11")
@pytest.mark.parametrize(
    "raw",
    [
        "Mon, 01 Jan 0001 00:00:00 +0000",
        "0001-01-01T00:00:00Z",
        "0000-00-00T00:00:00Z",
        "Wed, 30 Nov 0002 00:00:00 +0000",
        "01 Jan 0009",
        "01 Jan 009",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "9999-12-31T23:59:59-23:00",
        "1601-01-01T00:00:00Z",
        "1900-01-01T00:00:00+14:00",
        "Mon, 02 Mar 20226 12:00:00 GMT",
        "20226-03-02T12:00:00Z",
        "+002026-03-02T12:00:00Z",
        "2026-13-02T12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-03-02T12:00:00+99:00",
        "2026-03-02T12:60:00Z",
        "2026-03-02T24:00:01Z",
        "2 Mar 2026 25:00",
        "yesterday",
        "12:00",
        "1772452800",
        "1772452800000",
        "",
        " ",
        1772452800,
        None,
        ["2026-03-02"],
    ],
)
def test_impossible_dates_are_none(raw: object) -> None:
    assert parse_date(raw) is None


@pytest.mark.row("P11")
@pytest.mark.parametrize(
    "raw",
    [
        "02/03/2026 12:00",
        "2.3.2026",
        "2 Mar 2026 12:00 IST",
        "2 Mar 2026 12:00 A",
        "2 Mar 2026 12:00 Nowhere/Else",
        "2 Mar 2026 12:00 ../../etc/passwd",
        "2 Mar 2026 12:00 /etc/localtime",
        "2 Mar 2026 12:00 +0000 EST",
        "2 Mar 2026 12:00 EST+5",
        "2 Mar 2026 12:00 +100",
        "2 Mar 2026 12:00 UTC PM",
        "2 Mar 2026 13:00 AM",
        "2 Mar 2026 00:30 PM",
        "2 Mar 2026 12",
        "2026-03-02-05:00",
        "2026-03-02 1200",
        "EST, 2 Mar 2026 12:00",
        "PM, 2 Mar 2026 12:00",
        "Jan 2 Mar 2026 12:00",
        "2 listopad 2026 12:00",  # October in Croatian, November in Polish
        "2 Mar 2026 to 4 Mar 2026",
        "not before 2 Mar 2026",
        "2026 03 12:00:00",
        "2026 Mar 12:00",
    ],
)
def test_ambiguous_dates_are_none(raw: str) -> None:
    assert parse_date(raw) is None


@pytest.mark.parametrize(
    "raw", ["Mon, 02 Mar 2026 12:00:00 +0002", "Mon, 02 Mar 2026 12:00:00 -0001"]
)
def test_a_zone_that_looks_like_the_year_1_is_a_zone(raw: str) -> None:
    assert parse_date(raw) == parsedate_to_datetime(raw)


@given(
    st.permutations(["Mon,", "02", "Mar", "2026", "12:00:00", "PM", "+0200", "EST", "(x)"]),
    st.integers(1, 9),
)
@example(["2026", "02", "12:00:00"], 3)
def test_what_is_read_of_shuffled_words_is_all_of_them(words: list[str], count: int) -> None:
    chosen = words[:count]
    moment = parse_date(" ".join(chosen))
    if moment is not None:
        assert {"02", "Mar", "2026"} <= set(chosen) or chosen == ["2026"]
        hours = 12 if "12:00:00" in chosen else 0
        shift = {("+0200",): 2, ("EST",): -5, (): 0}[
            tuple(word for word in chosen if word in ("+0200", "EST"))
        ]
        month, day = (3, 2) if "Mar" in chosen else (1, 1)
        assert moment == datetime(2026, month, day, hours, tzinfo=UTC) - timedelta(hours=shift)
        assert "PM" not in chosen or hours


@given(
    st.sampled_from(sorted(SPELLINGS)),
    st.sampled_from([" 7", "7", " x", ":", " PM", ".", " 2027", "/", "-", " Jan", "+"]),
)
def test_a_date_with_text_after_it_is_none(name: str, junk: str) -> None:
    written = SPELLINGS[name](NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))).strip()
    assert parse_date(written + junk) is None


@given(st.text() | st.text("0123456789:-/+.,TZ AMPJanMarGMT()", max_size=40))
def test_any_text_is_a_date_or_none(text: str) -> None:
    moment = parse_date(text)
    assert moment is None or 1900 <= moment.year <= 2200


@pytest.mark.parametrize("piece", [" ", "1", "1 ", "Mar ", "2026-", "(", "+0", "12:", "a"])
def test_a_text_of_any_length_is_not_searched(piece: str) -> None:
    assert parse_date(f"2 Mar 2026 12:00 {piece * 100_000}x") is None


def test_a_time_that_clocks_skip_is_none() -> None:
    assert parse_date("2026-03-29 02:30 Europe/Berlin") is None
    assert parse_date("2026-03-29 03:30 Europe/Berlin") is not None


@pytest.mark.parametrize(
    ("name", "month"),
    [("Jänner", None), ("März", 3), ("marz", 3), ("fevr", 2), ("Août", 8), ("Μαΐ", 5), ("ноя", 11),
     ("Temmuz", 7), ("wrz", 9), ("kesäkuuta", 6), ("Okt", 10), ("dic", 12)],
)  # fmt: skip
def test_months_have_names_in_many_languages(name: str, month: int | None) -> None:
    assert month_number(name) == month


@given(MOMENTS, st.integers(-840, 840))
def test_rendered_dates_are_parsed_by_other_parsers_and_by_ours(
    moment: datetime, minutes: int
) -> None:
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert parsedate_to_datetime(rfc822(local)) == moment
    assert datetime.fromisoformat(rfc3339(local)) == moment
    assert parse_date(rfc3339(local)) == parse_date(rfc822(local)) == moment
    assert rfc822(local).startswith(f"{moment:%a}")


_RSS = '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><item>{}</item>'
_IN_FORMATS = {
    "pubDate": _RSS.format("<guid>a</guid><pubDate>DATE</pubDate>") + "</channel></rss>",
    "dc:date": _RSS.format("<guid>a</guid><dc:date>DATE</dc:date>") + "</channel></rss>",
    "Atom": '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>a</id><updated>DATE</updated>'
    "</entry></feed>",
    "JSON Feed": '{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": '
    '[{"id": "a", "content_text": "x", "date_modified": "DATE"}]}',
}


@pytest.mark.parametrize("document", _IN_FORMATS.values(), ids=_IN_FORMATS)
@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mo, 2 Mar 2026 13:00:00 CET", NOON),
        ("20260302T140000+0200", NOON),
        ("2 Mar 2026 12:00 PM, or later", None),
    ],
)
def test_all_formats_read_the_same_dates(
    document: str, date: str, expected: datetime | None
) -> None:
    body = document.replace("DATE", date).encode()
    parsed = parse(Fetched("https://feeds.example/f", body, None, Validators()), frozenset())
    assert (parsed.entries[0].published or parsed.entries[0].updated) == expected
