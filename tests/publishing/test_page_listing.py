"""Pages of a feed: its newest entries, its archive, and addresses to subscribe to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from feedmirror.errors import Group, RenderError
from feedmirror.mirror.archive import Month
from feedmirror.model import Author, Entry, Revision, Robots
from feedmirror.publishing.formats.format import Stamp, stamp, stamped
from feedmirror.publishing.formats.html import FORMAT, link_newer
from feedmirror.publishing.pages.listing import excerpt
from feedmirror.publishing.pages.phrases import host, size
from feedmirror.publishing.publication import ArchiveLinks, LastingFailure, Publication
from page_reading import (
    FEED,
    SUBSCRIPTION,
    one,
    publication,
    revision,
    says_retired,
    tree,
    words,
)
from scene import NOON, PUBLIC_URL

MONTHS = (
    Month("2026-01", 3, "p2"),
    Month("2025-12", 1, "p2"),
    Month("2025-11", 7, "p1"),
)


def page_of(*revisions: Revision, **fields: object) -> str:
    return FORMAT.render(publication(*revisions, **fields)).decode()


def archived(*revisions: Revision, **fields: object) -> Publication:
    archive = ArchiveLinks("p2", older="p1")
    return publication(*revisions, **{"archive": archive, **fields})


def dated(number: int, year: int, month: int, day: int = 1) -> Revision:
    return revision(number, published=datetime(year, month, day, tzinfo=UTC))


# ---------------------------------------------------------------- the feed


def test_feed_page_shows_title_source_and_date_of_change() -> None:
    page = page_of(feed=replace(FEED, description="All about <tides>"))
    assert words(one(page, "//h1")) == "Tides & Times"
    assert words(one(page, "//p[@class='lead']")) == "All about <tides>"
    assert words(one(page, "//a[@class='original']")) == "Visit the source at tides.example.org"
    assert words(one(page, "//p[@class='standing']")) == "Last changed 2 March 2026, 12:00 UTC."


def test_a_description_equal_to_the_title_is_left_out() -> None:
    assert 'class="lead"' not in page_of(feed=replace(FEED, description=FEED.title))


def test_every_address_can_be_copied() -> None:
    subscribe = one(page_of(), "//section[@id='subscribe']")
    assert [words(code) for code in subscribe.xpath(".//code[@class='address']")] == [
        f"{PUBLIC_URL}/news/rss.xml",
        f"{PUBLIC_URL}/news/atom.xml",
        f"{PUBLIC_URL}/news/feed.json",
    ]
    assert [(words(a), a.get("href")) for a in subscribe.xpath(".//a")] == [
        ("RSS", "rss.xml"),
        ("Atom", "atom.xml"),
        ("JSON Feed", "feed.json"),
    ]


def test_entries_are_listed_newest_first_with_the_beginning_of_their_words() -> None:
    newer = revision(
        2,
        title="Fog",
        authors=(Author("Ada"), Author("Ada")),
        published=datetime(2026, 2, 3, tzinfo=UTC),
        summary="<p>The <b>fog</b> is &amp; stays.</p>",
        content="<p>All of it.</p>",
    )
    page = page_of(newer, revision(1))
    entries = tree(page).xpath("//li[@class='entry']")
    assert [words(entry) for entry in entries] == [
        "Fog 3 February 2026 Ada The fog is & stays.",
        "Entry 1 2 March 2026",
    ]
    assert [a.get("href") for a in tree(page).xpath("//li[@class='entry']//a")] == [
        f"entries/{newer.key}.html",
        f"entries/{revision(1).key}.html",
    ]


@pytest.mark.parametrize("title", [None, "\u200b\u00ad"])
def test_an_entry_without_a_title_is_listed_by_its_words_once(title: str | None) -> None:
    page = page_of(revision(title=title, summary="<p>Only words.</p>"))
    assert words(one(page, "//li[@class='entry']")) == "Only words. 2 March 2026"


@given(st.text(alphabet="ab <>&;\"'/p", max_size=300), st.integers(1, 250))
def test_an_excerpt_keeps_to_its_length(text: str, length: int) -> None:
    assert len(excerpt(Entry(summary=text), length)) <= length + 1


def test_an_excerpt_of_a_body_that_begins_with_much_markup_has_words() -> None:
    body = (
        "".join(f'<a href="https://e.example/{n}"></a>' for n in range(2_000)) + "<p>At last.</p>"
    )
    assert excerpt(Entry(content=body)) == "At last."


def test_the_archive_is_by_year_and_month() -> None:
    page = page_of(months=MONTHS, archive=ArchiveLinks(older="p2"))
    archive = one(page, "//section[@class='archive']")
    assert words(archive) == (
        "Archive 2026 January 3 entries 2025 December 1 entry November 7 entries"
    )
    assert archive.xpath(".//a/@href") == [
        "archive/p2/#m-2026-01",
        "archive/p2/#m-2025-12",
        "archive/p1/#m-2025-11",
    ]
    assert one(page, "//a[@rel='prev']").get("href") == "archive/p2/"


def test_a_feed_without_archive_pages_has_no_archive() -> None:
    assert "archive" not in page_of(revision())


@pytest.mark.parametrize("group", Group)
def test_every_kind_of_failure_is_shown_as_a_sentence(group: Group) -> None:
    failure = LastingFailure(group.value, NOON - timedelta(days=2))
    health = words(one(page_of(failure=failure), "//p[contains(@class, 'trouble')]"))
    assert "Nothing new has been fetched since 28 February 2026, 12:00 UTC." in health
    assert health.endswith("Last changed 2 March 2026, 12:00 UTC.")


def test_failure_of_unknown_beginning_is_shown_without_a_date() -> None:
    failure = LastingFailure("internal", datetime.fromtimestamp(0, UTC))
    assert "since" not in words(one(page_of(failure=failure), "//p[contains(@class, 'trouble')]"))


def test_a_retired_feed_says_so_instead_of_its_health() -> None:
    failure = LastingFailure("gone", NOON - timedelta(days=2))
    page = page_of(revision(), subscription=replace(SUBSCRIPTION, retired=True), failure=failure)
    assert says_retired(page)
    assert "Last changed" not in page
    assert "no longer has this feed" not in page
    assert not says_retired(page_of(revision(), failure=failure))


def test_feed_page_has_the_notice_once() -> None:
    page = page_of(revision(2), revision(1))
    assert page.count('class="feedmirror-disclaimer"') == 1
    assert "Mirrored from Tides & Times" in words(one(page, "//div[@class='notice']"))


def test_pages_are_noindex_unless_configured() -> None:
    assert 'content="noindex"' in page_of()
    assert "noindex" not in page_of(subscription=replace(SUBSCRIPTION, robots=Robots.INDEX))


# ---------------------------------------------------------------- archive pages


def test_an_archive_page_lists_each_entry_once_by_month() -> None:
    # The third came late: it is listed with its month.
    given_ = archived(dated(4, 2026, 2), dated(3, 2025, 12), dated(2, 2026, 2), dated(1, 2025, 12))
    page = FORMAT.render(given_).decode()
    FORMAT.verify(page.encode(), given_)
    assert [(h.get("id"), words(h)) for h in tree(page).xpath("//main//h2")] == [
        ("m-2026-02", "February 2026"),
        ("m-2025-12", "December 2025"),
    ]
    titles = [words(h) for h in tree(page).xpath("//h3")]
    assert titles == ["Entry 4", "Entry 2", "Entry 3", "Entry 1"]
    assert words(one(page, "//h1")) == "Entries up to 1 February 2026"


def test_an_archive_page_links_to_its_neighbours_and_the_feed() -> None:
    page = FORMAT.render(archived(dated(1, 2026, 2))).decode()
    own = [str(a) for a in tree(page).xpath("//a/@href") if "://" not in str(a)]
    key = revision(1).key
    assert own == [
        "../../../",
        "../../",
        "#m-2026-02",
        f"../../entries/{key}.html",
        "../p1/",
        "../../",
        "../../#subscribe",
    ]
    assert one(page, "//link[@rel='stylesheet']").get("href").startswith("../../../style-")


def test_link_to_the_next_archive_page_can_be_added_and_replaced() -> None:
    given_ = archived(dated(1, 2026, 2))
    page = FORMAT.render(given_)
    address = given_.address_of("index.html", "p3")
    later = link_newer(page, address)
    assert one(later.decode(), "//a[@rel='next']").get("href") == "../p3/"
    assert link_newer(later, address) == later
    FORMAT.verify(later, given_)
    at_once = replace(given_, archive=replace(given_.archive, newer="p3"))
    assert FORMAT.render(at_once) == later


def test_an_address_outside_of_the_archive_is_linked_to_absolutely() -> None:
    page = link_newer(FORMAT.render(archived(dated(1, 2026, 2))), 'https://e.example/?a="&b')
    assert one(page.decode(), "//a[@rel='next']").get("href") == 'https://e.example/?a="&b'


def test_generation_is_read_from_feed_and_archive_pages() -> None:
    for given_ in (publication(revision()), archived(revision())):
        given_stamp = Stamp(3, "0123456789abcdef")
        assert stamped(stamp(FORMAT.render(given_), given_stamp)) == given_stamp


# ---------------------------------------------------------------- the last look


@pytest.mark.parametrize("made", [publication, archived])
@pytest.mark.parametrize(
    "spoilt",
    [
        ('<li class="entry"', '<li class="none"'),
        ('<div class="notice">', '<div class="other">'),
        ("Mirrored from", "Copied from"),
        ("</main>", "</div></main>"),
        ("</main>", "<script></script></main>"),
    ],
)
def test_verify_refuses_a_damaged_feed_page(
    made: type[Publication], spoilt: tuple[str, str]
) -> None:
    given_ = made(revision(2), revision(1))
    page = FORMAT.render(given_)
    FORMAT.verify(page, given_)
    with pytest.raises(RenderError, match=r"index\.html"):
        FORMAT.verify(page.decode().replace(*spoilt, 1).encode(), given_)


def test_verify_refuses_a_feed_page_without_a_notice() -> None:
    given_ = publication(revision(), notice_html="")
    with pytest.raises(RenderError, match="disclaimer"):
        FORMAT.verify(FORMAT.render(given_), given_)


@given(st.text(), st.text())
def test_feed_page_of_any_titles_and_words_is_verified(title: str, body: str) -> None:
    made = revision(title=title, summary=body, authors=(Author(body),))
    feed = replace(FEED, title=title, description=body, language=title)
    for given_ in (publication(made, feed=feed), archived(made, feed=feed)):
        FORMAT.verify(FORMAT.render(given_), given_)


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("length_bytes", "said"),
    [
        (None, None),
        (0, None),
        (-1, None),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (12_345, "12 kB"),
        (999_700, "1.0 MB"),
        (80_000_000, "80 MB"),
        (10**18, "1000000 TB"),
    ],
)
def test_sizes_use_decimal_units(length_bytes: int | None, said: str | None) -> None:
    assert size(length_bytes) == said


def test_a_host_is_shown_without_www() -> None:
    assert host("https://www.example.org:8080/a") == "example.org"
    assert host("https://[bad/") == "https://[bad/"
