"""Feeds that a web page names."""

from __future__ import annotations

import pytest

from feedmirror.errors import Kind, ParseError
from feedmirror.model import Fetched
from feedmirror.parsing.discovery import first_feed
from feedmirror.parsing.parse import parse

PAGE = "https://blog.example.org/news/"
LINK = '<link rel="alternate" type="application/rss+xml" href="feed.xml">'


@pytest.mark.parametrize(
    ("head", "feed"),
    [
        (LINK, PAGE + "feed.xml"),
        (LINK.upper().replace("FEED.XML", "feed.xml"), PAGE + "feed.xml"),
        ("<link href=/a type=application/atom+xml rel='home alternate' />", PAGE[:-5] + "a"),
        (LINK.replace("feed.xml", "//b.example/?a=1&amp;b=2"), "https://b.example/?a=1&b=2"),
        ("<base href='/deep/'>" + LINK, PAGE[:-5] + "deep/feed.xml"),
        (LINK.replace("rss+xml", "feed+json; charset=utf-8"), PAGE + "feed.xml"),
        (LINK.replace("feed.xml", "javascript:x") + LINK, PAGE + "feed.xml"),
        ("<!-- " + LINK + " -->", None),
        ("<!-- " + LINK, None),
        (LINK.replace("alternate", "stylesheet"), None),
        (LINK.replace("rss+xml", "json"), None),
        (LINK.replace("href", "data-href"), None),
        (LINK.replace("feed.xml", "x" * 501), None),
        ("", None),
    ],
)
def test_the_first_feed_of_a_page_is_found(head: str, feed: str | None) -> None:
    assert first_feed(f"<!DOCTYPE html><html><head>{head}</head>", PAGE) == feed


@pytest.mark.parametrize("piece", ["<!--", "<link ", "<link a=", "a", "<link " + "a " * 900 + ">"])
def test_a_page_of_one_repeated_tag_is_read(piece: str) -> None:
    assert first_feed(piece * (400_000 // len(piece)), PAGE) is None


@pytest.mark.parametrize("page", ["<html><head>{}</head><p>a", "<!DOCTYPE html><head>{}<br>"])
def test_a_web_page_in_place_of_a_feed_is_refused_with_the_feed_it_names(page: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(Fetched(PAGE, page.format(LINK).encode(), "text/html"), frozenset())
    assert caught.value.kind is Kind.NOT_A_FEED
    assert PAGE + "feed.xml" in str(caught.value)
