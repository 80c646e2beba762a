"""Feed readers (newsboat, rss2email), feedparser, lxml and an HTTP client read a served mirror.

Tests of a reader that is not installed are skipped by name.
"""

from __future__ import annotations

import gzip
import io
import os
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, timedelta
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from builders import EPOCH, SITE, TITLE, atom_document, entry, json_feed, rss_document
from locations import DATA
from readers import WORDS, Newsboat, Row, Rss2Email, ServedMirror, served_mirror
from required_programs import require_program
from samples import sample_feeds

pytestmark = pytest.mark.slow

NO_FEEDS = {"README.md", "login-page.html", "empty.xml"}
FEEDS = {
    path.name.replace(".", "-"): path
    for path in sorted(DATA.iterdir())
    if path.name not in NO_FEEDS
}
SAMPLES = {path.name.split("-")[0]: path for path in sample_feeds()}
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
ENTRIES = (
    entry(3, title="Fish & chips: why 3 < 4", summary=None, content="<p>Long <b>words</b>.</p>"),
    entry(
        2,
        title="Причал — «открыт» 🐟",
        guid="tag:gazette.example.org,2026:two",
        enclosures=[(f"{SITE}2.mp3", 1234, "audio/mpeg")],
    ),
    entry(1, author="Maud Sluice", published=EPOCH - timedelta(days=400)),
)
IN_EACH_FORMAT = {
    "rss": rss_document(ENTRIES),
    "atom": atom_document(ENTRIES),
    "json": json_feed(ENTRIES),
}

in_each_format = pytest.mark.parametrize("slug", IN_EACH_FORMAT)
for_each_feed = pytest.mark.parametrize("slug", FEEDS)
Subscribe = Callable[..., Newsboat]
Deliver = Callable[[Mapping[str, str]], Rss2Email]


@pytest.fixture
def newsboat(tmp_path: Path) -> Subscribe:
    """Return a function that subscribes a new newsboat to addresses."""
    program = require_program("newsboat")
    homes = (tmp_path / f"newsboat-{number}" for number in count())
    return lambda *urls: Newsboat(program, next(homes), *urls)


@pytest.fixture
def rss2email(tmp_path: Path) -> Deliver:
    """Return a function that subscribes rss2email to addresses, by name."""
    program = require_program("r2e")
    return lambda feeds: Rss2Email(program, tmp_path / "rss2email", feeds)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[ServedMirror]:
    """Return a mirror without feeds, for one test."""
    with served_mirror(tmp_path) as served:
        yield served


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedMirror]:
    """Return a mirror of all feeds in `tests/data`, and of one in each format; never changed."""
    with served_mirror(tmp_path_factory.mktemp("library")) as served:
        for slug, path in FEEDS.items():
            served.origin_says(slug, path.read_bytes())
        for slug, document in IN_EACH_FORMAT.items():
            served.origin_says(slug, document)
        served.origin_says("quiet", IN_EACH_FORMAT["rss"])  # for one test alone, which counts
        served.refresh()
        yield served


@pytest.fixture(scope="module")
def rows_of_feeds(library: ServedMirror, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Return the items that newsboat has of the feeds in `tests/data`, after one reload."""
    program = require_program("newsboat")
    home = tmp_path_factory.mktemp("home") / "newsboat"
    return Newsboat(program, home, *map(library.url, FEEDS)).reload()


def items(mirror: ServedMirror, slug: str) -> list[etree._Element]:
    """Return the items of the mirror, for comparison."""
    return etree.parse(mirror.file(slug)).findall("channel/item")


def seconds(date: str) -> int:
    moment = parsedate_to_datetime(date)  # naive for `-0000`, which is UTC all the same
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def seen(rows: list[Row]) -> list[tuple[str, str, str]]:
    return [(row.guid, row.title, row.url) for row in rows]


# ---------------------------------------------------------------- newsboat


@in_each_format
def test_newsboat_shows_the_words_of_the_origin(slug, library, newsboat):
    reader = newsboat(library.url(slug))
    rows = {row.guid: row for row in reader.reload()}
    assert reader.titles() == {library.url(slug): TITLE}
    assert list(rows) == [given["guid"] for given in ENTRIES]
    for given in ENTRIES:
        row = rows[given["guid"]]
        assert (row.title, row.url) == (given["title"], given["link"])
        assert row.author == given.get("author", "")
        assert row.published_s == int(given["published"].timestamp())
        assert row.content.startswith(given.get("content") or given["summary"])
        assert row.content.count(WORDS) == 1
        sound = [(url, kind) for url, _, kind in given.get("enclosures", [("", 0, "")])]
        assert (row.enclosure_url, row.enclosure_type) == sound[0]


@for_each_feed
def test_newsboat_shows_each_item_of_a_feed_once(slug, library, rows_of_feeds):
    rows = {row.guid: row for row in rows_of_feeds if row.feed_url == library.url(slug)}
    expected = items(library, slug)
    assert list(rows) == [item.findtext("guid") for item in expected]
    for item in expected:
        row = rows[item.findtext("guid")]
        assert row.url == item.findtext("link", "")
        assert row.title == item.findtext("title", row.title)
        date = item.findtext("pubDate")
        assert row.published_s == seconds(date) if date else time.time() - row.published_s < 600
        if not row.content.startswith("<ituneshack>"):  # it prefers that summary to a description
            assert row.content == (item.findtext(CONTENT) or item.findtext("description"))
        assert row.content.count(WORDS) == 1


def test_newsboat_shows_both_of_two_entries_that_share_a_guid_at_the_origin(library, newsboat):
    at_the_origin = newsboat(library.origin.url("/duplicate-guids-xml")).reload()
    assert len({row.guid for row in at_the_origin}) == 1
    rows = newsboat(library.url("duplicate-guids-xml")).reload()
    assert sorted(row.url for row in rows) == [
        "https://ferry.example.org/a/301",
        "https://ferry.example.org/b/302",
    ]


def test_newsboat_shows_the_disclaimer_where_it_prefers_another_body(mirror, newsboat):
    told = "<itunes:summary>Only told to podcatchers.</itunes:summary>"
    mirror.origin_says(
        "show", rss_document([entry(2, extra=told), entry(1, summary=None, extra=told)])
    )
    mirror.refresh()
    rows = newsboat(mirror.url("show")).reload()
    assert ["Only told to podcatchers." in row.content for row in rows] == [True, True]
    assert [row.content.count(WORDS) for row in rows] == [1, 1]


def test_newsboat_finds_nothing_new_in_an_unchanged_feed(library, newsboat):
    reader = newsboat(library.url("quiet"))
    # Its first reload notes no validators, so that the second one comes upon known entries.
    first, *others = (reader.reload() for _ in range(3))
    assert others == [first, first]
    statuses = library.statuses("quiet", 3)
    assert (len(statuses), statuses[0], statuses[-1]) == (3, 200, 304)


def test_newsboat_shows_an_edit_in_the_place_of_what_was_edited(mirror, newsboat):
    def said(scheme: str, **words: str) -> bytes:
        known_by_guid = entry(2, guid="two", link=f"{scheme}://gazette.example.org/2", **words)
        return rss_document([entry(3), known_by_guid, entry(1, guid=None, **words)])

    mirror.origin_says("news", said("http"))
    mirror.refresh()
    reader = newsboat(mirror.url("news"))
    reader.reload()
    mirror.origin_says("news", said("https", title="Corrected", summary="Sorry."))
    assert mirror.refresh()["news"]["revised"] == 2
    rows = reader.reload()
    assert seen(rows) == [
        (f"{SITE}3", "Entry 3", f"{SITE}3"),
        ("two", "Corrected", "https://gazette.example.org/2"),
        (f"{SITE}1", "Corrected", f"{SITE}1"),
    ]
    assert ["Sorry." in row.content for row in rows] == [False, True, True]
    assert all(row.content.count(WORDS) == 1 for row in rows)


def test_newsboat_shows_new_entries_beside_those_the_origin_has_dropped(mirror, newsboat):
    mirror.origin_says("news", rss_document([entry(2), entry(1)]))
    mirror.refresh()
    reader = newsboat(mirror.url("news"))
    reader.reload()
    mirror.origin_says("news", rss_document([entry(4), entry(3)]))
    mirror.refresh()
    titles = sorted(row.title for row in reader.reload())
    assert titles == ["Entry 1", "Entry 2", "Entry 3", "Entry 4"]


def test_newsboat_shows_nothing_twice_when_the_origin_has_moved(mirror, newsboat):
    slugs = ("relative-links-xml", "no-guid-xml", "duplicate-guids-xml")
    for slug in slugs:
        mirror.origin_says(slug, FEEDS[slug].read_bytes())
    mirror.refresh()
    readers = {slug: newsboat(mirror.url(slug)) for slug in slugs}
    before = {slug: [row.guid for row in readers[slug].reload()] for slug in slugs}
    for slug in slugs:
        mirror.origin_says(slug, FEEDS[slug].read_bytes(), at=f"/elsewhere/{slug}")
    assert {each["http_status"] for each in mirror.refresh().values()} == {200}
    assert {slug: [row.guid for row in readers[slug].reload()] for slug in slugs} == before


@pytest.mark.slow
@pytest.mark.skipif(not SAMPLES, reason="the sample feeds are not here")
def test_newsboat_shows_each_item_of_real_feeds_once(mirror, newsboat):
    for slug, path in SAMPLES.items():
        mirror.origin_says(slug, path.read_bytes())
    mirror.refresh()
    rows = newsboat(*map(mirror.url, SAMPLES)).reload()
    expected = [
        (mirror.url(slug), item.findtext("guid"))
        for slug in SAMPLES
        for item in items(mirror, slug)
    ]
    assert len(expected) > len(SAMPLES)
    assert sorted((row.feed_url, row.guid) for row in rows) == sorted(expected)
    assert [row.guid for row in rows if WORDS not in row.content] == []


def test_complaints_of_newsboat_are_noticed(library, newsboat):
    with pytest.raises(AssertionError):
        newsboat(f"{library.server.base}/nowhere/rss.xml").reload()


# ---------------------------------------------------------------- rss2email


def by_feed_and_guid(messages: list[EmailMessage]) -> dict[tuple[str, str], EmailMessage]:
    names = [str(m["List-ID"]).strip("<>").removesuffix(".localhost") for m in messages]
    return {(name, m["X-RSS-ID"]): m for name, m in zip(names, messages, strict=True)}


def words(message: EmailMessage) -> str:
    """Return the text of a message, with white space normalised."""
    return " ".join(message.get_content().split())


def test_rss2email_delivers_each_item_of_every_feed_once(library, rss2email):
    slugs = [*FEEDS, *IN_EACH_FORMAT]
    reader = rss2email({slug: library.url(slug) for slug in slugs})
    before = {slug: len(library.statuses(slug, 0)) for slug in slugs}
    messages = reader.run()
    expected = {(s, item.findtext("guid")): item for s in slugs for item in items(library, s)}
    found = by_feed_and_guid(messages)
    assert found.keys() == expected.keys()
    assert len(messages) == len(expected)
    for key, item in expected.items():
        assert found[key]["X-RSS-URL"] == item.findtext("link"), key
        assert WORDS in words(found[key]), key
        if date := item.findtext("pubDate"):
            assert seconds(found[key]["Date"]) == seconds(date), key
    assert reader.run() == []
    for slug, asked in before.items():
        assert library.statuses(slug, asked + 2)[asked:] == [200, 304]


def test_rss2email_delivers_the_words_of_the_origin(library, rss2email):
    messages = rss2email({slug: library.url(slug) for slug in IN_EACH_FORMAT}).run()
    expected = {(slug, given["guid"]): given for slug in IN_EACH_FORMAT for given in ENTRIES}
    found = by_feed_and_guid(messages)
    assert found.keys() == expected.keys()
    for key, given in expected.items():
        message, text = found[key], words(found[key])
        assert (message["Subject"], message["X-RSS-URL"]) == (given["title"], given["link"])
        assert seconds(message["Date"]) == int(given["published"].timestamp())
        said = "Long **words**." if "content" in given else given["summary"][3:-4]
        assert text.startswith(f"{said} {WORDS}")
        assert text.count(WORDS) == 1
        for url, _, _ in given.get("enclosures", ()):
            assert f"Enclosure: {url}" in text


def test_rss2email_gets_304_until_a_feed_changes(mirror, rss2email):
    mirror.origin_says("news", rss_document([entry(2), entry(1)]))
    mirror.refresh()
    reader = rss2email({"news": mirror.url("news")})
    assert len(reader.run()) == 2
    assert reader.run() == []
    assert mirror.refresh()["news"]["http_status"] == 304
    assert reader.run() == []
    mirror.origin_says("news", rss_document([entry(1), entry(2)], extra_channel="<!-- later -->"))
    refreshed = mirror.refresh()["news"]
    assert (refreshed["http_status"], refreshed["outcome"]) == (200, "unchanged")
    assert reader.run() == []
    assert mirror.statuses("news", 4) == [200, 304, 304, 304]
    mirror.origin_says("news", rss_document([entry(3), entry(2), entry(1)]))
    mirror.refresh()
    [message] = reader.run()
    assert message["Subject"] == "Entry 3"
    assert WORDS in words(message)
    assert reader.run() == []
    assert mirror.statuses("news", 6)[4:] == [200, 304]


def test_rss2email_does_not_deliver_an_edited_entry_again(mirror, rss2email):
    mirror.origin_says("news", rss_document([entry(2), entry(1, guid=None)]))
    mirror.refresh()
    reader = rss2email({"news": mirror.url("news")})
    reader.run()
    edited = [entry(2, title="Corrected"), entry(1, guid=None, summary="Sorry.")]
    mirror.origin_says("news", rss_document(edited))
    assert mirror.refresh()["news"]["revised"] == 2
    assert reader.run() == []
    assert mirror.statuses("news", 2) == [200, 200]


def test_complaints_of_rss2email_are_noticed(library, rss2email):
    reader = rss2email({"nowhere": f"{library.server.base}/nowhere/rss.xml"})
    with pytest.raises(AssertionError):
        reader.run()


# ---------------------------------------------------------------- a plain client of HTTP


def get(url: str, **headers: str) -> tuple[int, Message, bytes]:
    """Return the status, the headers and the body, not decoded."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = HTTPConnection(host, timeout=5)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request("GET", f"/{path}", headers=names)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def unpacked(headers: Message, body: bytes) -> bytes:
    return gzip.decompress(body) if headers["Content-Encoding"] == "gzip" else body


@pytest.fixture
def news(mirror: ServedMirror) -> ServedMirror:
    """Return the mirror of a feed that was published an hour ago."""
    mirror.origin_says("news", rss_document([entry(2), entry(1)]))
    mirror.refresh()
    an_hour_ago = time.time() - 3600
    os.utime(mirror.file("news"), (an_hour_ago, an_hour_ago))
    return mirror


CODINGS = ("gzip", "identity")


def ask(mirror: ServedMirror, coding: str, **headers: str) -> tuple[int, Message, bytes]:
    return get(mirror.url("news"), Accept_Encoding=coding, **headers)


def ways_to_ask(first: Message) -> list[dict[str, str]]:
    """Return the headers of conditional requests by ETag, by date, and by both."""
    by_tag = {"If_None_Match": first["ETag"]}
    by_date = {"If_Modified_Since": first["Last-Modified"]}
    return [by_tag, by_date, by_tag | by_date]


def assert_known(mirror: ServedMirror, firsts: Mapping[str, Message]) -> None:
    """Assert that clients with these headers get 304, by whichever validator they ask."""
    for coding, first in firsts.items():
        for validators in ways_to_ask(first):
            status, again, nothing = ask(mirror, coding, **validators)
            assert (status, nothing) == (304, b"")
            # feedparser forgets a tag that a 304 does not repeat, and then asks for everything.
            assert again["ETag"] == first["ETag"]
            assert again["Last-Modified"] == first["Last-Modified"]


def test_conditional_client_gets_the_feed_again_only_when_it_has_changed(news):
    firsts = {}
    for coding in CODINGS:
        status, firsts[coding], body = ask(news, coding)
        assert (status, firsts[coding].get("Content-Encoding", "identity")) == (200, coding)
        assert unpacked(firsts[coding], body) == news.file("news").read_bytes()
    assert_known(news, firsts)
    assert news.refresh()["news"]["http_status"] == 304
    assert_known(news, firsts)
    rebuilt = "<lastBuildDate>Tue, 06 Jan 2026 09:00:00 GMT</lastBuildDate>"
    news.origin_says("news", rss_document([entry(2), entry(1)], extra_channel=rebuilt))
    assert news.refresh()["news"]["http_status"] == 200  # with nothing new in it
    assert_known(news, firsts)
    news.origin_says("news", rss_document([entry(3), entry(2), entry(1)]))
    news.refresh()
    for coding, first in firsts.items():
        for validators in ways_to_ask(first):
            status, changed, body = ask(news, coding, **validators)
            assert (status, changed["ETag"] == first["ETag"]) == (200, False)
            assert b"Entry 3" in unpacked(changed, body)


def test_etag_of_the_compressed_feed_matches_that_of_the_plain_one(news):
    url = news.url("news")
    packed, plain = (ask(news, coding)[1] for coding in CODINGS)
    assert packed["Content-Encoding"] == "gzip"
    assert get(url, If_None_Match=packed["ETag"])[0] == 304
    assert get(url, If_None_Match=plain["ETag"], Accept_Encoding="gzip")[0] == 304


# ---------------------------------------------------------------- feedparser and lxml


def served(mirror: ServedMirror, slug: str) -> tuple[Message, bytes]:
    """Return the headers and the decompressed body that a reader with gzip gets."""
    status, headers, body = get(mirror.url(slug), Accept_Encoding="gzip")
    assert status == 200
    return headers, unpacked(headers, body)


def parsed(mirror: ServedMirror, slug: str) -> Any:
    """Return the feed as feedparser reads it."""
    headers, body = served(mirror, slug)
    return feedparser.parse(
        io.BytesIO(body),
        response_headers={"content-type": headers["Content-Type"], "content-location": SITE},
    )


@for_each_feed
def test_feedparser_finds_every_item_and_no_error(slug, library):
    feed = parsed(library, slug)
    assert (feed.version, feed.bozo) == ("rss20", False)
    expected = items(library, slug)
    assert [each.id for each in feed.entries] == [item.findtext("guid") for item in expected]
    for each in feed.entries:
        bodies = [each.get("summary"), *(content.value for content in each.get("content", ()))]
        assert all(WORDS in body for body in bodies if body is not None)
        assert any(bodies)


@for_each_feed
def test_strict_parser_of_lxml_accepts_what_is_served(slug, library):
    strict = etree.XMLParser(recover=False, resolve_entities=False, no_network=True)
    root = etree.fromstring(served(library, slug)[1], strict)
    expected = items(library, slug)
    assert len(expected) > 0
    assert root.xpath("/rss/channel/item/guid/text()") == [i.findtext("guid") for i in expected]
    own = (
        f"/rss/channel/*[local-name() = 'link' and @rel = 'self' and @href = '{library.url(slug)}']"
    )
    assert len(root.xpath(own)) == 1


# feedparser, and whatever is made with it, forgets at `source` that it has read a title.
def test_title_of_a_picture_is_not_taken_for_the_title_of_the_entry(mirror):
    others = ("<media:title>A picture</media:title>", "<dc:title>A record</dc:title>")
    entries = [entry(number, extra=other) for number, other in enumerate(others)]
    mirror.origin_says("news", rss_document(entries))
    mirror.refresh()
    assert [each.title for each in parsed(mirror, "news").entries] == ["Entry 1", "Entry 0"]
