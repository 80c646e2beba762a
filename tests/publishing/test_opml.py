"""feeds.opml: its content for any titles, and its import into a feed reader."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from builders import entry, rss_document
from feedmirror.layout import OPML
from feedmirror.mirror.health import FeedLine
from feedmirror.model import Subscription
from feedmirror.publishing.formats.opml import render
from feedmirror.site import publish_site
from readers import Newsboat, ServedMirror, served_mirror
from required_programs import require_program
from scene import NOON, PUBLIC_URL, SUBSCRIPTION, Scene, document, newest
from stores import MemoryStore

HOSTILE = (
    "Fish & chips",
    "say \"when\" 'now'",
    "a < b > c ]]>",
    "two\nlines\tand\ra tab",
    "Причал — «открыт» 🐟",
    "bell \x07, half a pair \ud800, \uffff",
    " blanks  around ",
)


def line(slug: str = "news", title: str | None = "News", **more: object) -> FeedLine:
    address = f"{PUBLIC_URL}/{slug}/"
    documents = {name: f"{address}{name}" for name in ("atom.xml", "feed.json", "rss.xml")}
    values: dict[str, object] = {"documents": documents, "page": address, **more}
    return FeedLine(slug, title, **values)  # type: ignore[arg-type]


def outlines(*lines: FeedLine) -> list[dict[str, str]]:
    """Return the attributes of every outline of a feed, in order, as a parser reads them."""
    root = ET.fromstring(render(lines, PUBLIC_URL).encode())
    return [dict(each.attrib) for each in root.iter("outline") if "xmlUrl" in each.attrib]


# ---------------------------------------------------------------- what it says


def test_feed_has_all_attributes_of_a_subscription_list() -> None:
    news = line(language="en-GB", source="https://news.example.org/?a=1&b=2")
    assert outlines(news) == [
        {
            "type": "rss",
            "text": "News",
            "title": "News",
            "xmlUrl": f"{PUBLIC_URL}/news/rss.xml",
            "version": "RSS2",
            "htmlUrl": f"{PUBLIC_URL}/news/",
            "description": "A mirror of https://news.example.org/?a=1&b=2",
            "language": "en-GB",
        }
    ]


def test_unknown_attributes_are_left_out_and_the_slug_is_the_title() -> None:
    assert outlines(line(title=None, page=None)) == [
        {
            "type": "rss",
            "text": "news",
            "title": "news",
            "xmlUrl": f"{PUBLIC_URL}/news/rss.xml",
            "version": "RSS2",
        }
    ]


def test_list_is_valid_opml_2() -> None:
    root = ET.fromstring(render([line()], PUBLIC_URL))
    assert (root.tag, root.attrib) == ("opml", {"version": "2.0"})
    assert [child.tag for child in root] == ["head", "body"]
    assert root.findtext("head/title") == f"Feeds mirrored at {PUBLIC_URL}"
    assert [child.tag for child in root[1]] == ["outline"]


def test_feeds_keep_their_order_and_retired_feeds_follow_in_a_group() -> None:
    feeds = [line("old", is_retired=True), line("b"), line("a")]
    root = ET.fromstring(render(feeds, PUBLIC_URL))
    top = [each.get("xmlUrl") or each.get("text") for each in root.findall("body/outline")]
    assert top == [f"{PUBLIC_URL}/b/rss.xml", f"{PUBLIC_URL}/a/rss.xml", "Retired"]
    (retired,) = root.findall("body/outline/outline")
    assert retired.get("xmlUrl") == f"{PUBLIC_URL}/old/rss.xml"


def test_group_of_retired_feeds_is_missing_if_no_feed_is_retired() -> None:
    assert "Retired" not in render([line()], PUBLIC_URL)


@pytest.mark.parametrize("documents", [None, {}, {"atom.xml": f"{PUBLIC_URL}/new/atom.xml"}])
def test_feed_without_a_document_is_left_out(documents: dict | None) -> None:
    assert outlines(line("new", documents=documents), line("news"))[0]["title"] == "News"
    assert outlines(line("new", documents=documents, is_retired=True)) == []


def test_list_of_no_feeds_is_valid() -> None:
    assert outlines() == []


@pytest.mark.parametrize(
    "changed", [{"failing": "blocked"}, {"last_new": NOON}, {"is_quiet": True}]
)
def test_list_does_not_depend_on_the_time(changed: dict[str, object]) -> None:
    assert render([line(**changed)], PUBLIC_URL) == render([line()], PUBLIC_URL)


# ---------------------------------------------------------------- whatever feeds are called


@pytest.mark.parametrize("title", HOSTILE)
def test_title_is_read_back_except_characters_that_xml_forbids(title: str) -> None:
    meant = title.replace("\x07", "").replace("\ud800", "").replace("\uffff", "")
    (found,) = outlines(line(title=title))
    assert (found["text"], found["title"]) == (meant, meant)


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", "&lt;b&gt; is bold", "<b>Bold</b>"])
def test_title_that_looks_like_html_is_escaped_twice(title: str) -> None:
    (found,) = outlines(line(title=title))
    assert "<" not in found["text"]
    as_html = etree.HTML(f"<p>{found['text']}</p>")
    assert "".join(as_html.itertext()) == title
    assert [each.tag for each in as_html.iter()] == ["html", "body", "p"]


@given(st.text(), st.text(), st.text())
def test_values_of_a_feed_do_not_break_out_of_their_attributes(
    title: str, language: str, source: str
) -> None:
    hostile = line("a", title, language=language, source=f"https://example.org/{source}")
    found = outlines(hostile, line("b"))
    assert [each["xmlUrl"] for each in found] == [f"{PUBLIC_URL}/{slug}/rss.xml" for slug in "ab"]
    assert set(found[0]) <= set(
        "type text title xmlUrl version htmlUrl description language".split()
    )


def test_every_feed_of_the_list_is_a_public_document() -> None:
    store = MemoryStore()
    other = Subscription("other", "https://other.example.org/rss")
    new = Subscription("new", "https://new.example.org/rss")
    Scene(document(2, 1), store).refresh()
    Scene(document(3), store, other).refresh()
    publish_site(store, [SUBSCRIPTION, other, new], PUBLIC_URL, NOON, newest)
    assert store.media_types["public/feeds.opml"] == "text/x-opml; charset=utf-8"
    root = ET.fromstring(store.objects["public/feeds.opml"])
    found = [each.get("xmlUrl", "") for each in root.iter("outline") if each.get("type") == "rss"]
    assert found == [f"{PUBLIC_URL}/news/rss.xml", f"{PUBLIC_URL}/other/rss.xml"]
    for url in found:
        assert f"public{url.removeprefix(PUBLIC_URL)}" in store.objects


# ---------------------------------------------------------------- what readers make of it


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[ServedMirror]:
    with served_mirror(tmp_path) as served:
        yield served


def imported(home: Path, program: str, opml: Path) -> Newsboat:
    """Return a newsboat that has imported the list."""
    reader = Newsboat(program, home)
    command = (program, "-u", "urls", "-C", "config", "-c", "cache.db", "-i", str(opml))
    environment = {"HOME": str(home), "PATH": os.defpath, "LANG": "C.UTF-8"}
    out = subprocess.check_output(command, cwd=home, env=environment, timeout=60)
    assert out.decode().strip() == f"Import of {opml} finished."
    return reader


@pytest.mark.slow
def test_newsboat_subscribes_to_all_feeds_of_the_list_and_reads_them(
    mirror: ServedMirror, tmp_path: Path
) -> None:
    program = require_program("newsboat")
    titles = {f"feed-{n}": " ".join(t.split()) for n, t in enumerate(HOSTILE) if "\x07" not in t}
    for slug, title in titles.items():
        mirror.origin_says(slug, rss_document([entry(1, guid=f"tag:{slug}")], title=title))
    mirror.refresh()
    reader = imported(tmp_path / "newsboat", program, tmp_path / "mirror/public" / OPML)
    urls = (tmp_path / "newsboat/urls").read_text().splitlines()
    assert urls == [mirror.url(slug) for slug in titles]
    assert len(reader.reload()) == len(titles)
    assert reader.titles() == {mirror.url(slug): title for slug, title in titles.items()}


@pytest.mark.slow
def test_newsboat_tags_the_feeds_that_are_retired(mirror: ServedMirror, tmp_path: Path) -> None:
    program = require_program("newsboat")
    for slug in ("one", "two"):
        mirror.origin_says(slug, rss_document([entry(1, guid=f"tag:{slug}")]))
    mirror.refresh()
    del mirror._urls["one"]
    mirror.retired.add("one")
    mirror.refresh()
    imported(tmp_path / "newsboat", program, tmp_path / "mirror/public" / OPML)
    assert (tmp_path / "newsboat/urls").read_text().splitlines() == [
        mirror.url("two"),
        f'{mirror.url("one")} "Retired"',
    ]
