"""`parsing/feed_links.py`: feeds that a web page names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.parsing.feed_links import FeedLink, feed_links, is_feed_like, is_web_page

PAGE = "https://blog.example.org/news/"
SITE = "https://blog.example.org"
LINK = '<link rel="alternate" type="application/rss+xml" href="feed.xml">'


def urls(text: str, header: str | None = None) -> list[str]:
    return [link.url for link in feed_links(text, PAGE, header)]


@pytest.mark.parametrize(
    ("head", "feeds"),
    [
        (LINK, [PAGE + "feed.xml"]),
        (LINK.upper().replace("FEED.XML", "feed.xml"), [PAGE + "feed.xml"]),
        ("<link href=/a type=application/atom+xml rel='home alternate' />", [SITE + "/a"]),
        (LINK.replace("feed.xml", "//b.example/?a=1&amp;b=2"), ["https://b.example/?a=1&b=2"]),
        ("<base href='/deep/'>" + LINK, [SITE + "/deep/feed.xml"]),
        (LINK.replace("rss+xml", "feed+json; charset=utf-8"), [PAGE + "feed.xml"]),
        (LINK.replace("rss+xml", "xml"), [PAGE + "feed.xml"]),
        ("<link rel=feed href=/hfeed>", [SITE + "/hfeed"]),
        (LINK.replace("feed.xml", "javascript:x") + LINK, [PAGE + "feed.xml"]),
        (LINK.replace("feed.xml", "file:///etc/passwd"), []),
        (LINK.replace("feed.xml", "#top"), []),  # the page itself
        ("<!-- " + LINK + " -->", []),
        ("<script>'" + LINK + "'</script>", []),
        (LINK.replace("alternate", "stylesheet"), []),
        (LINK.replace("rss+xml", "json").replace("feed.xml", "/wp-json/wp/v2/pages/2"), []),
        (LINK.replace("href", "data-href"), []),
        (LINK.replace("feed.xml", "x" * 501), []),
        (LINK + LINK, [PAGE + "feed.xml"]),
        ("", []),
    ],
)
def test_links_that_declare_a_feed_are_found(head: str, feeds: list[str]) -> None:
    assert urls(f"<!DOCTYPE html><html><head>{head}</head>") == feeds


@pytest.mark.parametrize(
    ("href", "is_feed"),
    [
        ("/feed", True),
        ("/feed/", True),
        ("/rss?lang=de", True),
        ("/blog/atom.xml", True),
        ("/index.xml", True),
        ("/rss-news.xml", True),
        ("/all.rss", True),
        ("/feed.json", True),
        ("/feedback", False),
        ("/sitemap.xml", False),
        ("/what-is-rss", False),
        ("https://reader.example/subscription/feed/https://blog.example.org/feed", False),
        ("https://share.example/?to=x/feed", False),
        ("mailto:feed@example.org", False),
    ],
)
def test_a_link_in_the_text_counts_by_its_address(href: str, *, is_feed: bool) -> None:
    found = feed_links(f"<p><a href='{href}'>All <b>news</b></a> <a href=/x>x</a>", PAGE)
    assert [link.title for link in found] == (["All news"] if is_feed else [])


def test_links_in_the_text_do_not_count_beside_declared_ones() -> None:
    assert urls(LINK + "<a href=/rss>RSS</a>") == [PAGE + "feed.xml"]


def test_links_in_the_text_count_where_only_comments_are_declared() -> None:
    comments = LINK.replace("feed.xml", "/comments/feed/")
    assert urls(comments + "<a href=/rss>RSS</a>") == [SITE + "/rss", SITE + "/comments/feed/"]


def test_feeds_of_comments_come_last_and_titles_are_kept() -> None:
    first = LINK.replace("href", 'title="Blog &raquo; Kommentar-Feed" href')
    second = LINK.replace("feed.xml", "b.xml").replace("href", "title='B\n&#8238;news' href")
    assert feed_links(first + second, PAGE) == (
        FeedLink(PAGE + "b.xml", "B news"),
        FeedLink(PAGE + "feed.xml", "Blog » Kommentar-Feed"),
    )


@pytest.mark.parametrize(
    ("header", "feeds"),
    [
        ('</feed>; rel="alternate"; type="application/rss+xml"', [SITE + "/feed"]),
        ("<a>; rel=next, <b>; rel=alternate;type=application/atom+xml", [PAGE + "b"]),
        ('<a,b;c>; title="x, <y>; z"; rel=alternate; type="application/rss+xml"', [PAGE + "a,b;c"]),
        ('<a,b>; title="x;\\"y"; rel=alternate; type=application/rss+xml', [PAGE + "a,b"]),
        ("<a>; rel=alternate", []),
        ("nonsense", []),
        ("", []),
    ],
)
def test_the_link_header_counts(header: str, feeds: list[str]) -> None:
    assert urls("<html>", header) == feeds


def test_of_a_page_with_a_thousand_feeds_the_first_500_are_named() -> None:
    page = "".join(LINK.replace("feed.xml", f"{number}.xml") for number in range(1_000))
    assert urls(page) == [f"{PAGE}{number}.xml" for number in range(500)]


@pytest.mark.costly
@pytest.mark.parametrize(
    "piece",
    ["<!--", "<link ", "<link a=", "a", "<link " + "a " * 900 + ">", "<a href=/feed>", "<a href='"],
)
def test_a_page_of_one_repeated_tag_is_read(piece: str) -> None:
    assert len(urls(piece * (400_000 // len(piece)))) <= 1


@pytest.mark.costly
@pytest.mark.parametrize("piece", ["<", "<a>;", '<a>; a="', '<a>; a="\\', "<a>; rel=alternate "])
def test_a_header_of_one_repeated_piece_is_read(piece: str) -> None:
    assert urls("", piece * (60_000 // len(piece))) == []


@given(st.text("<>abc=\"' /;,!-link rel href type alternate", max_size=200))
def test_any_page_and_header_are_read(text: str) -> None:
    for link in feed_links(text, PAGE, text):
        assert link.url.startswith(("http://", "https://"))


@pytest.mark.parametrize(
    ("text", "is_page", "is_feed"),
    [
        ("<!DOCTYPE html><p>x", True, False),
        ("\ufeff\n<html lang=de>", True, False),
        ("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>", True, False),
        ("<?xml version='1.0'?><!-- html --><rss version='2.0'>", False, True),
        ("<br /><b>Warning</b> in x.php <feed xmlns='http://www.w3.org/2005/Atom'>", False, True),
        ("<html><body><rss version='2.0'>", False, True),
        ('{"version": "https://jsonfeed.org/version/1.1"', False, True),
        ("<rdf:RDF xmlns='x'>", False, True),
        ("words", False, False),
    ],
)
def test_a_page_is_told_from_a_feed(text: str, *, is_page: bool, is_feed: bool) -> None:
    assert (is_web_page(text), is_feed_like(text)) == (is_page, is_feed)
