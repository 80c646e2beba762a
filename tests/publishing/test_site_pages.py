"""Pages of the site, and the style sheet of all pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from feedmirror.mirror.health import FeedLine
from feedmirror.publishing.pages.index import index_page, not_found_page
from feedmirror.publishing.pages.inspection import PageReader
from feedmirror.publishing.pages.templates import STYLE, style
from page_reading import one, tree, words
from scene import NOON, PUBLIC_URL

READY = FeedLine(
    "news",
    "Tides & Times",
    {"rss.xml": f"{PUBLIC_URL}/news/rss.xml"},
    last_new=NOON,
    page=f"{PUBLIC_URL}/news/",
)


def rows(page: str) -> list[str]:
    return [words(row) for row in tree(page).xpath("//li[@class='entry']")]


def test_every_feed_is_listed_with_its_health() -> None:
    lines = [
        READY,
        FeedLine("new", "Not yet there"),
        FeedLine("plain", None, {"rss.xml": f"{PUBLIC_URL}/plain/rss.xml"}),
        FeedLine(
            "failing",
            "شام",
            {"rss.xml": ""},
            NOON,
            "unreachable",
            NOON - timedelta(days=1),
            page=f"{PUBLIC_URL}/failing/",
            language="ur",
        ),
        FeedLine("lost", "Lost", {"rss.xml": ""}, NOON, "internal", datetime.fromtimestamp(0, UTC)),
        FeedLine("old", "Old", {"rss.xml": ""}, NOON, is_retired=True, page=f"{PUBLIC_URL}/old/"),
    ]
    page = index_page(lines, PUBLIC_URL)
    since = "Nothing new has been fetched since 1 March 2026, 12:00 UTC."
    assert rows(page) == [
        "Tides & Times Last new entry 2 March 2026",
        "Not yet there Not fetched yet",
        "plain No entries yet",
        f"شام Last new entry 2 March 2026 The source does not answer. {since}",
        "Lost Last new entry 2 March 2026 The mirror has trouble of its own with this feed.",
        "Old Last new entry 2 March 2026",
    ]
    assert tree(page).xpath("//li[@class='entry']//a/@href") == [
        "news/",
        "plain/rss.xml",
        "failing/",
        "lost/rss.xml",
        "old/",
    ]
    assert one(page, "//h3[@dir='rtl']").get("lang") == "ur"
    assert words(one(page, "//h2[@id='retired']")) == "Retired"


def test_the_index_links_to_the_opml_list_and_the_status() -> None:
    page = index_page([READY], f"{PUBLIC_URL}/")
    subscribe = one(page, "//section[@id='subscribe']")
    assert subscribe.xpath(".//a/@href") == ["feeds.opml", "status.json"]
    assert words(one(subscribe, ".//code")) == f"{PUBLIC_URL}/feeds.opml"


def test_the_index_of_no_feeds_says_so() -> None:
    assert "There are none yet." in index_page([], PUBLIC_URL)


def test_pages_of_the_site_are_inert_and_balanced() -> None:
    for page in (index_page([READY], PUBLIC_URL), not_found_page()):
        PageReader("page", page.encode())
        assert page.startswith("<!doctype html>\n")


def test_the_404_page_works_at_any_depth() -> None:
    page = not_found_page()
    assert all(str(href).startswith("/") for href in tree(page).xpath("//body//@href"))
    assert one(page, "//link[@rel='stylesheet']").get("href") == f"/{STYLE}"


# ---------------------------------------------------------------- the style sheet


def test_the_style_sheet_is_named_by_the_digest_of_its_content() -> None:
    name = f"style-{sha256(style()).hexdigest()[:8]}.css"
    assert name == STYLE, (
        f"style.css has changed: set STYLE to {name!r} in templates.py, so that no "
        "page is shown with a sheet that it was not made for"
    )


def test_the_style_sheet_is_small_and_loads_nothing() -> None:
    text = style().decode()
    assert len(text) <= 8_192
    assert not re.search(r"@import|url\(|https?:", text)


def test_colours_have_enough_contrast_in_both_schemes() -> None:
    """Source: WCAG 2.2, 1.4.3, contrast of 4.5 to 1."""
    text = style().decode()
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", part))
        for part in (text.split("@media", 2)[0], text.split("@media", 2)[1])
    )
    for colours in (light, {**light, **dark}):
        for ground in ("paper", "tint"):
            for words_in in ("ink", "soft", "accent"):
                assert _contrast(colours[words_in], colours[ground]) >= 4.5, (words_in, ground)
        assert _contrast(colours["ink"], colours["alarm"]) >= 4.5
        assert _contrast("#ffffff", colours["button"]) >= 4.5


def _contrast(one_colour: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one_colour), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
