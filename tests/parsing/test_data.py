"""The feeds in `tests/data` are what they say they are."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import feedparser
import pytest
from lxml import etree

from locations import DATA, ROOT
from validity import rss_problems

EXAMPLE = ROOT / "examples" / "example-feed.xml"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

# The version and the number of entries that feedparser sees, and the rules that the judge finds
# broken, but for the self link, which only a published address could have.
FEEDS = {
    "atom-0.3.xml": ("atom03", 2, "root"),
    "atom-1.0.xml": ("atom10", 3, "root"),
    "atom-without-link.xml": ("atom10", 2, "root"),
    "author-no-email.xml": ("rss20", 4, "email email-without-name"),
    "cdf.xml": ("", 2, "root"),
    "cut-off.xml": ("rss20", 3, "well-formed"),
    "duplicate-guids.xml": ("rss20", 3, "guid-double"),
    "enclosure-incomplete.xml": ("rss20", 5, "enclosure-attribute enclosure-double"),
    "enclosure-negative-length.xml": ("rss20", 5, "enclosure-length"),
    "georss.xml": ("atom10", 3, "root"),
    "guid-no-url.xml": ("rss20", 3, "permalink"),
    "iframe-body.xml": (
        "rss20",
        1,
        "body-active body-handler body-relative body-scheme body-style",
    ),
    "image-too-wide.xml": ("rss20", 1, "image-match image-size"),
    "impossible-dates.xml": ("rss20", 8, "date-822 date-day-name date-future date-zone"),
    "itunes-explicit-clean.xml": ("rss20", 2, "itunes-explicit"),
    "leading-newline.xml": ("atom10", 1, "well-formed xml-declaration"),
    "login-page.html": ("", 0, "well-formed xml-declaration"),
    "markup-in-titles.xml": ("rss20", 4, "markup reference"),
    "media-group-single.xml": ("rss20", 1, "media-group"),
    "media-title-only.xml": ("rss20", 3, ""),
    "no-guid.xml": ("rss20", 4, "guid-missing"),
    "podcast-nested.xml": ("rss20", 1, "podcast-guid"),
    "relative-links.xml": ("rss20", 3, "body-relative enclosure-url permalink url-relative"),
    "rss-0.90.rdf": ("rss090", 2, "root"),
    "rss-0.91.xml": ("rss091n", 2, "encoding"),
    "rss-0.92.xml": ("rss092", 2, "guid-missing root"),
    "rss-1.0.rdf": ("rss10", 2, "root"),
    "rss-2.0.xml": ("rss20", 2, ""),
    "unclosed-html.xml": ("rss20", 4, ""),
    "unescaped-ampersand.xml": ("rss20", 2, "well-formed"),
    "utf-16.xml": ("atom10", 1, "encoding"),
    "windows-1251.xml": ("rss20", 2, "encoding"),
    "wrong-namespaces.xml": (
        "rss20",
        1,
        (
            "content-without-description media-namespace reserved-prefix rss-namespace "
            "undefined-element"
        ),
    ),
    "xhtml-svg.xml": ("atom10", 2, "root"),
    "yandex-full-text.xml": ("rss20", 1, "email"),
}
OTHERS = {"README.md", "empty.xml", "json-feed-1.0.json", "json-feed-1.1.json"}
MALFORMED = {"cut-off.xml", "leading-newline.xml", "login-page.html", "unescaped-ampersand.xml"}


def test_every_file_is_known_here_and_to_the_readme():
    names = {path.name for path in DATA.iterdir()}
    readme = (DATA / "README.md").read_text(encoding="utf-8")

    assert names == {*FEEDS, *OTHERS}
    assert [name for name in names - {"README.md"} if f"`{name}`" not in readme] == []


@pytest.mark.costly
@pytest.mark.parametrize("name", FEEDS)
def test_feed_has_the_version_entries_and_mistakes_that_are_claimed(name: str):
    version, entries, rules = FEEDS[name]
    document = (DATA / name).read_bytes()
    found = feedparser.parse(io.BytesIO(document))
    problems = rss_problems(document, now=NOW)
    broken = {problem.split()[0] for problem in problems}

    assert (found.version, len(found.entries)) == (version, entries)
    assert broken - {"self-missing"} == set(rules.split())


@pytest.mark.parametrize("name", FEEDS)
def test_feed_says_at_its_beginning_what_is_odd(name: str):
    document = (DATA / name).read_bytes()
    text = document.decode("utf-16" if name == "utf-16.xml" else "latin-1")
    start = text.lstrip().partition("?>")[2].lstrip()

    assert start.startswith("<!--") or text.startswith("<!DOCTYPE html>\n<!--")


@pytest.mark.parametrize("name", FEEDS)
def test_feed_is_well_formed_unless_that_is_what_is_odd(name: str):
    document = (DATA / name).read_bytes()
    try:
        etree.fromstring(document)
    except etree.XMLSyntaxError:
        assert name in MALFORMED
    else:
        assert name not in MALFORMED


def test_relative_links_resolve_to_what_the_comment_says():
    document = (DATA / "relative-links.xml").read_bytes()

    assert [entry.link for entry in feedparser.parse(io.BytesIO(document)).entries] == [
        "https://map.example.org/atlas/sheets/1",
        "https://map.example.org/atlas/sheets/2?x=1",
        "https://old.example.org/3",
    ]


@pytest.mark.parametrize(("name", "version"), [("1.0", "1"), ("1.1", "1.1")])
def test_json_feed_has_the_version_of_its_name(name: str, version: str):
    feed = json.loads((DATA / f"json-feed-{name}.json").read_text(encoding="utf-8"))

    assert feed["version"] == f"https://jsonfeed.org/version/{version}"
    assert ("authors" in feed) == (version == "1.1")
    assert len(feed["items"]) == 2


def test_empty_file_is_empty():
    assert (DATA / "empty.xml").read_bytes() == b""


def test_example_feed_is_valid():
    self_url = "https://gazette.example.org/feed.xml"

    assert rss_problems(EXAMPLE.read_bytes(), self_url=self_url, now=NOW) == []
