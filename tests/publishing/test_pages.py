"""Pages of entries: words, disclaimer and provenance, and nothing that executes."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from feedmirror.errors import RenderError
from feedmirror.mirror.archive import month_of
from feedmirror.model import (
    Author,
    Category,
    Disclaimer,
    Enclosure,
    Feed,
    Images,
    Position,
    Robots,
    Subscription,
)
from feedmirror.publishing.disclaimer import CSS_CLASS
from feedmirror.publishing.formats.format import Stamp, stamp, stamped, unstamped
from feedmirror.publishing.pages.entry import (
    Neighbour,
    render_entry,
    render_entry_bare,
    verify_entry,
)
from feedmirror.publishing.pages.phrases import direction
from feedmirror.text.sanitize import clean
from html_markup import MARKUP
from locations import ROOT
from page_reading import (
    FEED,
    SUBSCRIPTION,
    disclaimed,
    entry_page,
    one,
    publication,
    revision,
    tree,
    words,
)
from scene import NOON, URL


def hrefs(page: str) -> list[str]:
    return [str(href) for href in tree(page).xpath("//body//a/@href")]


# ---------------------------------------------------------------- what it says


def test_first_link_of_an_entry_page_leads_to_the_original_and_names_its_host() -> None:
    page = entry_page(revision(link="https://www.tides.example.org/1?a=1&b=2"))
    first = tree(page).xpath("//body//a")[0]
    assert first.get("href") == "https://www.tides.example.org/1?a=1&b=2"
    assert words(first) == "Read the original at tides.example.org"


def test_an_entry_without_a_link_links_to_the_site_of_its_feed() -> None:
    page = entry_page(revision(link=None))
    assert hrefs(page)[0] == "https://tides.example.org/"
    assert "canonical" not in page


def test_entry_page_shows_title_authors_and_date() -> None:
    page = entry_page(
        revision(
            title="Fog <at> sea",
            authors=(Author("Ada", "ada@example.org"), Author("Bo")),
            published=datetime(2026, 2, 3, 4, 5, tzinfo=UTC),
            updated=datetime(2026, 2, 4, 5, 6, tzinfo=UTC),
        )
    )
    assert words(one(page, "//h1")) == "Fog <at> sea"
    assert words(one(page, "//title")) == "Fog <at> sea · Tides & Times"
    byline = one(page, "//p[contains(@class, 'byline')]")
    assert words(byline) == ("Ada Bo 3 February 2026, 04:05 UTC changed 4 February 2026, 05:06 UTC")
    assert byline.xpath("//article//time/@datetime") == [
        "2026-02-03T04:05:00Z",
        "2026-02-04T05:06:00Z",
    ]
    assert "ada@" not in page


def test_an_entry_without_a_date_shows_when_it_was_fetched() -> None:
    byline = one(entry_page(revision()), "//p[contains(@class, 'byline')]")
    assert words(byline) == "first fetched 2 March 2026, 12:00 UTC"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"summary": "<p>First words of it.</p>"}, "First words of it."),
        ({"summary": "", "content": "<p>Others</p>"}, "Others"),
        ({"summary": "<p>" + "word " * 50}, f"{'word ' * 15}word…"),
        ({"summary": "漢" * 90}, f"{'漢' * 80}…"),
        ({}, "Entry of 2 March 2026"),
        ({"title": "  "}, "Entry of 2 March 2026"),
        ({"title": "\u200b \u200f\ufeff"}, "Entry of 2 March 2026"),
    ],
)
def test_an_entry_without_a_title_is_named_by_its_first_words_or_its_date(
    fields: dict[str, str], name: str
) -> None:
    page = entry_page(revision(**{"title": None, **fields}))
    assert one(page, "//title").text == f"{name} · Tides & Times"
    assert one(page, "//h1").get("class") == "unseen"  # the words follow anyway


def test_the_content_is_shown_and_not_the_summary() -> None:
    page = entry_page(revision(summary="<p>short</p>", content="<p>long</p>"))
    assert words(one(page, "//div[@class='body']")).startswith("longMirrored from")
    assert "short</p>" not in one(page, "//article").text_content()


@pytest.mark.row("R3")
@pytest.mark.parametrize("position", Position)
def test_entry_page_has_the_disclaimer_at_the_configured_position(position: Position) -> None:
    subscription = replace(
        SUBSCRIPTION, disclaimer=Disclaimer(text="Whose words.", language="en", position=position)
    )
    page = entry_page(revision(content="<p>Theirs.</p>"), subscription=subscription)
    said = ["Theirs.", "Whose words."]
    body = one(page, "//article//div[@class='body']")
    assert [words(child) for child in body] == (said if position is Position.END else said[::-1])
    assert one(page, f"//div[@class='{CSS_CLASS}']").get("lang") == "en"


def test_entry_page_shows_where_and_when_the_copy_was_fetched() -> None:
    of = replace(revision(), observed_at=NOON + timedelta(days=1))
    about = one(entry_page(of), "//section[@class='provenance']")
    assert words(about) == (
        "About this copy First fetched 2 March 2026, 12:00 UTC This version fetched 3 March 2026, "
        f"12:00 UTC From the feed {URL} Digest of this version d1"
    )


def test_path_of_a_feed_from_a_file_is_not_on_the_page() -> None:
    of = replace(revision(), fetched_from="/home/someone/feed.xml")
    assert "someone" not in entry_page(of)


def test_enclosures_are_links_and_players_load_only_when_played() -> None:
    page = entry_page(
        revision(
            enclosures=(
                Enclosure("https://e.example/a%20b.mp3?x=1&y", "audio/mpeg", 12_345_678),
                Enclosure("https://e.example/c.mp4", "video/mp4", title="A film"),
                Enclosure("https://e.example/d.pdf", None, 900),
                Enclosure("https://e.example/"),
            )
        )
    )
    assert [words(p) for p in tree(page).xpath("//div[@class='player']/p")] == [
        "a b.mp3 audio/mpeg, 12 MB",
        "A film video/mp4",
    ]
    assert tree(page).xpath("//audio/@preload | //video/@preload") == ["none", "none"]
    assert one(page, "//audio").get("src") == "https://e.example/a%20b.mp3?x=1&y"
    files = tree(page).xpath("//footer[@class='about']/section[1]//li")
    assert [words(file) for file in files] == ["d.pdf application/pdf, 900 bytes", "e.example"]


def test_entry_page_shows_categories_and_comments() -> None:
    page = entry_page(
        revision(
            categories=(Category("a&b"), Category("t", label="Tides"), Category("a&b")),
            comments="https://tides.example.org/1#comments",
        )
    )
    assert [words(li) for li in tree(page).xpath("//ul[@class='categories']/li")] == [
        "a&b",
        "Tides",
    ]
    assert "https://tides.example.org/1#comments" in hrefs(page)


def test_entry_page_links_to_feed_previous_entry_and_all_feeds_by_relative_addresses() -> None:
    page = entry_page(revision(2), Neighbour("abc", "Older & better"))
    own = [href for href in hrefs(page) if "://" not in href]
    assert own == ["../../", "../", "abc.html", "../", "../#subscribe"]
    assert words(one(page, "//a[@rel='prev']")) == "Previous entry Older & better"
    assert [str(href) for href in tree(page).xpath("//link[@rel='alternate']/@href")] == [
        "../rss.xml",
        "../atom.xml",
        "../feed.json",
    ]


def test_pages_are_noindex_unless_configured() -> None:
    assert one(entry_page(revision()), "//meta[@name='robots']").get("content") == "noindex"
    let_in = replace(SUBSCRIPTION, robots=Robots.INDEX)
    page = entry_page(revision(), subscription=let_in)
    assert 'name="robots"' not in page
    assert one(page, "//link[@rel='canonical']").get("href") == "https://tides.example.org/1"


# ---------------------------------------------------------------- languages


@pytest.mark.parametrize(
    ("text", "tag", "way"),
    [
        ("Tides", "en", "ltr"),
        ("شام کی خبریں", "en-US", "rtl"),  # what WordPress says of every site
        ("BBC: شام کی خبریں", None, "rtl"),
        ("Tides in עברית", None, "ltr"),
        ("2026", "he-IL", "rtl"),
        ("2026", None, "ltr"),
        ("", "ur", "rtl"),
    ],
)
def test_direction_of_a_text_is_that_of_most_of_its_letters(
    text: str, tag: str | None, way: str
) -> None:
    assert direction(text, tag) == way


def test_the_article_is_in_its_own_language_and_the_page_in_english() -> None:
    feed = replace(FEED, language="ur")
    page = entry_page(revision(title="شام", content="<p>خبریں</p>"), feed=feed)
    article = one(page, "//article")
    assert (article.get("lang"), article.get("dir")) == ("ur", "rtl")
    assert one(page, "/html").get("lang") == "en"
    said = one(entry_page(revision(language="de"), feed=feed), "//article")
    assert (said.get("lang"), said.get("dir")) == ("de", "ltr")


# ---------------------------------------------------------------- what it loads


@pytest.mark.row("R8")
def test_without_pictures_a_page_contacts_no_other_host() -> None:
    body = clean('<img src="https://b.example/a.png"><p>x</p>')
    quiet = replace(SUBSCRIPTION, images=Images.NONE)
    page = entry_page(revision(content=body), subscription=quiet)
    assert tree(page).xpath("//img") == []
    assert "img-src 'self'" in one(page, "//meta[@http-equiv]").get("content")
    assert "http-equiv" not in entry_page(revision(content=body))


@pytest.mark.row("R8")
def test_a_page_loads_only_its_style_sheet_from_the_mirror() -> None:
    root = tree(entry_page(revision(content="<p>x</p>")))
    loaded = root.xpath("//link[@rel!='alternate' and @rel!='canonical']/@href | //@src")
    assert [str(address).rpartition("-")[0] for address in loaded if address != "data:,"] == [
        "../../style"
    ]
    assert root.xpath("//script | //style | //@style | //iframe") == []


def test_a_page_is_small_besides_its_article() -> None:
    assert len(entry_page(revision(content="x" * 500)).encode()) < 8_000


# ---------------------------------------------------------------- the last look


def test_generation_is_read_from_an_entry_page() -> None:
    page = entry_page(revision()).encode()
    assert stamped(page) == Stamp()
    seventeenth = Stamp(17, "0123456789abcdef")
    assert stamped(stamp(page, seventeenth)) == seventeenth
    assert unstamped(stamp(page, seventeenth)).startswith(b"<!doctype html>\n<!--")


@pytest.mark.row("R1", "R3")
@given(MARKUP, st.sampled_from(Position), st.sampled_from(Images))
def test_page_of_any_entry_is_verified(body: str, position: Position, images: Images) -> None:
    subscription = replace(
        SUBSCRIPTION, images=images, disclaimer=Disclaimer(text="Whose & words.", position=position)
    )
    of = revision(title=body or None, content=clean(body, "https://a.example.org/"))
    given_ = publication(subscription=subscription)
    shown = disclaimed(of, given_)
    verify_entry(render_entry(shown, given_, None), shown)


@pytest.mark.row("R1")
@given(st.text(), st.text())
def test_html_in_a_title_is_shown_as_text(title: str, category: str) -> None:
    of = revision(title=title, categories=(Category(category),), authors=(Author(category),))
    given_ = publication(feed=Feed(title=title, language=category))
    shown = disclaimed(of, given_)
    page = render_entry(shown, given_, Neighbour("k", title)).decode()
    verify_entry(page.encode(), shown)


@pytest.mark.row("U4")
@pytest.mark.parametrize(
    "spoilt",
    [
        ("feedmirror-disclaimer", "disclaimer"),
        ("Mirrored from", "Copied from"),
        ('<div class="body">', '<div class="other">'),
        ("<p>Theirs</p>", "<p>Theirs"),
        ("<p>Theirs</p>", "<p>Theirs</p></div>"),
        ("<p>Theirs</p>", "<script>1</script>"),
        ("<p>Theirs</p>", '<p onclick="x">Theirs</p>'),
        ("<p>Theirs</p>", '<a href=" JavaScript:x">Theirs</a>'),
        ("<p>Theirs</p>", '<p style="x">Theirs</p>'),
        ("<p>Theirs</p>", "<details>"),
        ("<p>Theirs</p>", "\udc80"),
        ("<p>Theirs</p>", "<P>Theirs</P>"),
        ("<p>Theirs</p>", "<p class='x'>Theirs</p>"),
        ("<p>Theirs</p>", "<p class=x>Theirs</p>"),
        ("<p>Theirs</p>", '<p title="<b>">Theirs</p>'),
        ("<p>Theirs</p>", '<p>Theirs</p class="x">'),
        ("<p>Theirs</p>", "<p/>"),
        ("<p>Theirs</p>", "<p>Theirs < ours</p>"),
        ("<p>Theirs</p>", "<p>Theirs</p><!--><b>-->"),
    ],
)
def test_verify_refuses_a_damaged_entry_page(spoilt: tuple[str, str]) -> None:
    given_ = publication()
    shown = disclaimed(revision(content="<p>Theirs</p>"), given_)
    page = render_entry(shown, given_, None).decode()
    verify_entry(page.encode(), shown)
    assert spoilt[0] in page
    with pytest.raises(RenderError, match=f"entries/{shown.revision.key}.html"):
        verify_entry(page.replace(*spoilt).encode("utf-8", "surrogatepass"), shown)


@pytest.mark.row("R3", "U4")
def test_verify_refuses_an_entry_page_with_a_second_notice() -> None:
    given_ = publication()
    shown = disclaimed(revision(content="<p>Theirs</p>"), given_)
    page = render_entry(shown, given_, None).decode()
    forged = f'<p>Theirs</p><div class="{CSS_CLASS}">Mine</div>'
    with pytest.raises(RenderError, match="disclaimer"):
        verify_entry(page.replace("<p>Theirs</p>", forged).encode(), shown)


def test_a_page_without_words_has_the_notice_and_links_to_the_origin() -> None:
    given_ = publication()
    shown = disclaimed(revision(content="<p>Theirs</p>"), given_)
    page = render_entry_bare(shown, given_, None).decode()
    verify_entry(page.encode(), shown)
    assert "Theirs" not in words(one(page, "//article"))
    assert "can only be read at its origin" in words(one(page, "//article"))


@pytest.mark.parametrize(
    "html",
    ["<p>One<br/>two &amp; three&nbsp;four</p>", "<b/><p>Mine</p>", "<!-- x --><p>Mine</p>"],
)
def test_page_with_any_valid_html_disclaimer_is_verified(html: str) -> None:
    subscription = Subscription("news", URL, disclaimer=Disclaimer(html=html))
    given_ = publication(subscription=subscription)
    shown = disclaimed(revision(content="<p>Theirs</p>"), given_)
    verify_entry(render_entry(shown, given_, None), shown)


# ---------------------------------------------------------------- months


@pytest.mark.parametrize(
    ("published", "updated", "month"),
    [
        (datetime(2025, 11, 30, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), "2025-11"),
        (None, datetime(2026, 1, 1, tzinfo=UTC), "2026-01"),
        (datetime(1970, 1, 1, tzinfo=UTC), None, "2026-03"),
        (None, None, "2026-03"),
    ],
)
def test_an_entry_is_filed_under_the_month_of_its_date(
    published: datetime | None, updated: datetime | None, month: str
) -> None:
    assert month_of(revision(published=published, updated=updated)) == month


# ---------------------------------------------------------------- what it costs


@pytest.mark.costly
def test_importing_the_pages_imports_neither_jinja2_nor_parsers() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'functions')!r})\n"
        "import feedmirror.publishing.formats.html, feedmirror.publishing.pages.entry\n"
        "import feedmirror.publishing.pages.templates, feedmirror.publishing.pages.index\n"
        "body = 'feedmirror.publishing.pages.body'\n"
        "print({'jinja2', 'html.parser', 'nh3', body} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
