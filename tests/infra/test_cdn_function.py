"""The CDN's function: which object an address stands for, and who is sent elsewhere."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest

from addresses import CASES, FEEDS, KEYS, NAVIGATION, NOTHING, STRAYING
from cdn_function import answers, code, event, location_of
from feedmirror.publishing.formats import formats
from feedmirror.settings.slugs import SLUG
from required_programs import require_program

require_program("node")


def test_each_address_has_what_the_table_says() -> None:
    found = answers(*(event(case.address, **case.headers) for case in CASES))

    wrong = []
    for case, answer in zip(CASES, found, strict=True):
        location = location_of(answer)
        # S3 undoes the percent-encoding.
        key = None if location else f"public{unquote(answer['uri'])}"
        if (key if key in KEYS else None, location) != (case.key, case.location):
            wrong.append((str(case), key, location))
    assert wrong == []


def test_every_slug_without_a_slash_is_sent_to_its_folder() -> None:
    slugs = ("news", "a", "the-harbour-gazette-2", "x" * 63)
    assert all(SLUG.fullmatch(slug) for slug in slugs)

    found = answers(*(event(f"/{slug}") for slug in slugs))

    assert [location_of(answer) for answer in found] == [f"/{slug}/" for slug in slugs]


def test_redirect_never_leads_to_another_host() -> None:
    found = answers(*(event(address, **NAVIGATION) for address in STRAYING))

    sent = {a: location_of(answer) for a, answer in zip(STRAYING, found, strict=True)}
    there = [location for location in sent.values() if location is not None]
    assert all(re.match("/[a-z0-9-]+/", location) for location in there), sent


def test_nobody_is_sent_on_from_where_they_were_sent() -> None:
    headers = ({}, NAVIGATION)
    addresses = {*(case.address for case in CASES), *NOTHING, *STRAYING, *_composed()}
    asked = [event(address, **sent) for address in sorted(addresses) for sent in headers]

    sent_to = [location_of(answer) for answer in answers(*asked)]
    # As a browser asks there: without the fragment, with the headers it had.
    again = [
        event(there.partition("#")[0], **sent)
        for there, sent in zip(sent_to, list(headers) * len(addresses), strict=True)
        if there is not None
    ]

    assert again
    assert [location_of(answer) for answer in answers(*again)] == [None] * len(again)


def _composed() -> list[str]:
    """Addresses of up to four segments, of words that mean something and of one that does not."""
    words = ("archive", "entries", "x", "rss.xml", "index.html", "")
    paths = [""]
    for _ in range(4):
        paths += [f"{path}/{word}" for path in paths for word in words]
    return [path for path in dict.fromkeys(paths) if path]


@pytest.mark.parametrize("made", formats(), ids=lambda made: made.name)
def test_request_of_a_feed_reader_is_left_as_it_is(made: Any) -> None:
    uri = f"/news/{made.name}"
    asked = [
        event(uri),
        event(uri, method="HEAD"),
        event(uri, if_none_match='"abc"'),
        event(uri, sec_fetch_dest="empty", sec_fetch_mode="cors"),  # fetch() of a web reader
        event(uri, sec_fetch_dest="image"),
    ]

    for before, after in zip(asked, answers(*asked), strict=True):
        assert after == before["request"]


@pytest.mark.parametrize("name", FEEDS)
def test_redirect_is_kept_by_no_cache(name: str) -> None:
    """The same address is a feed for one program and a page for another."""
    (answer,) = answers(event(f"/news/{name}", **NAVIGATION))

    assert answer["headers"]["cache-control"] == {"value": "no-store"}


def test_web_readers_are_told_that_they_may_ask_with_validators() -> None:
    asked = event(
        "/news/rss.xml",
        method="OPTIONS",
        origin="https://reader.example",
        access_control_request_method="GET",
        access_control_request_headers="if-none-match",
    )

    (answer,) = answers(asked)

    assert answer["statusCode"] == 204
    headers = {name: header["value"] for name, header in answer["headers"].items()}
    assert headers["access-control-allow-origin"] == "*"
    assert headers["access-control-allow-headers"] == "*"
    assert "GET" in headers["access-control-allow-methods"]


def test_it_is_small_enough_for_the_edge() -> None:
    # Source: CloudFront Developer Guide, "Quotas on CloudFront Functions"
    assert len(code().encode()) < 10 * 1024
