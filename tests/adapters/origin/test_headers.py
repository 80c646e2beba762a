"""Response headers: validators, max-age and Retry-After, in all spellings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from feedmirror.adapters.origin.headers import Headers, max_age_s, retry_after_s, validators_of
from feedmirror.model import Validators

NOW = datetime(2025, 11, 23, 12, 0, tzinfo=UTC)
YEARS_31 = 10**9


@pytest.mark.row("F13")
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("-5", 0),
        ("1000000000000", YEARS_31),
        ("9" * 5000, YEARS_31),
        ("Sun, 23 Nov 2025 12:02:00 GMT", 120),
        ("Sunday, 23-Nov-25 12:02:00 GMT", 120),
        ("Sun Nov 23 12:02:00 2025", 120),
        ("Sun, 23 Nov 2025 14:02:00 +0200", 120),
        ("Sun, 23 Nov 2025 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", YEARS_31),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
        ("Mon, 01 Jan 0001 00:00:00 +2300", 0),
        ("", None),
        ("soon", None),
        ("1.5", None),
        ("1e12", None),
        ("inf", None),
        ("-", None),
        ("\u0663", None),
        ("120, 60", None),
    ],
)
def test_retry_after_is_read_in_every_form_and_garbage_is_none(text, seconds):
    assert retry_after_s(Headers([("Retry-After", text)]), NOW) == seconds


@pytest.mark.row("F13")
def test_missing_retry_after_is_none():
    assert retry_after_s(Headers(), NOW) is None


@pytest.mark.row("F13")
def test_date_to_retry_after_is_read_against_the_servers_own_clock():
    retry = ("Retry-After", "Thu, 01 Jan 2015 00:01:00 GMT")
    assert retry_after_s(Headers([("Date", "Thu, 01 Jan 2015 00:00:00 GMT"), retry]), NOW) == 60
    assert retry_after_s(Headers([("Date", "no date"), retry]), NOW) == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("max-age=600", 600),
        ("public,MAX-AGE=600 , must-revalidate", 600),
        ('max-age="600"', 600),
        ("max-age=0", 0),
        ("max-age=600, max-age=5", 600),
        ("max-age=99999999999999999999", YEARS_31),
        ("s-maxage=600", None),
        ("max-age=600, no-cache", None),
        ('no-cache="Set-Cookie", max-age=600', None),
        ("no-store,max-age=600", None),
        ("max-age=-1", None),
        ("max-age=ten", None),
        ("max-age", None),
        ("max-age=", None),
        (",,=", None),
        ("", None),
    ],
)
def test_max_age_is_read_unless_the_answer_is_not_to_be_kept(text, seconds):
    assert max_age_s(Headers([("Cache-Control", text)])) == seconds


def test_missing_max_age_is_none():
    assert max_age_s(Headers()) is None


@pytest.mark.parametrize(
    ("ages", "seconds"),
    [
        (["0"], 600),
        (["200"], 400),
        ([" 200 "], 400),
        (["600"], 0),
        (["86400"], 0),
        (["99999999999999999999999"], 0),
        (["200", "500"], 400),
        (["200, 500"], 400),
        (["never", "500"], 600),
        (["-5"], 600),
        (["2.5"], 600),
        (["٢"], 600),
        ([""], 600),
        ([], 600),
    ],
)
def test_max_age_counts_from_the_first_age_unless_that_is_no_whole_number(ages, seconds):
    headers = Headers([("Cache-Control", "max-age=600"), *(("Age", age) for age in ages)])
    assert max_age_s(headers) == seconds


def test_age_without_a_max_age_is_ignored():
    assert max_age_s(Headers([("Age", "200")])) is None


def test_cache_control_in_several_lines_is_one():
    headers = Headers([("Cache-Control", "max-age=600"), ("Cache-Control", "no-store")])
    assert max_age_s(headers) is None


@pytest.mark.row("F16")
@pytest.mark.parametrize(
    ("etag", "kept"),
    [
        ('"abc"', True),
        ('W/"abc"', True),
        ("unquoted", True),
        ('"\xe9\x80"', True),
        ('"' + "x" * 1022 + '"', True),
        ('"' + "x" * 1023 + '"', False),
        ('"a\x00"', False),
        ('"a\x7f"', False),
        ('"a\rb"', False),
        ("", False),
    ],
)
def test_etag_is_kept_verbatim_if_it_can_be_sent_back(etag, kept):
    headers = Headers([("ETag", etag)])
    assert validators_of(headers) == Validators(etag if kept else None)


@pytest.mark.row("F16")
def test_validator_given_twice_is_not_kept():
    headers = Headers([("ETag", '"1"'), ("ETag", '"2"'), ("Last-Modified", "today")])
    assert validators_of(headers) == Validators(None, "today")
