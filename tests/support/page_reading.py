"""Pages as tests read them: an entry with its publication, and what a page says."""

from __future__ import annotations

from typing import Any

from lxml import html
from msgspec.structs import replace

from feedmirror.model import Entry, Feed, Revision, Subscription
from feedmirror.publishing.disclaimer import Disclaimed, attach, attach_to_feed, notice_of_feed
from feedmirror.publishing.pages.entry import Neighbour, render_entry
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.redaction import public_settings
from rules.tree import Element
from scene import NOON, PUBLIC_URL, URL

FEED = Feed(kind="RSS 2.0", title="Tides & Times", link="https://tides.example.org/")
SUBSCRIPTION = Subscription("news", URL)


def says_retired(page: str | bytes) -> bool:
    """True if the page of a feed says that the feed is retired."""
    strong = html.fromstring(page).xpath("//p[@class='standing trouble']/strong")
    return [each.text for each in strong] == ["This feed is retired:"]


def revision(number: int = 1, **fields: Any) -> Revision:
    """A version of an entry that is told from others by its number."""
    usual = {"title": f"Entry {number}", "link": f"https://tides.example.org/{number}"}
    entry = Entry(**{**usual, **fields})
    return Revision(f"{number:020x}", "d1", "g", False, entry, number, NOON, NOON, NOON, URL)


def publication(*revisions: Revision, **fields: Any) -> Publication:
    """What a page of these entries is rendered from."""
    feed = fields.pop("feed", FEED)
    settings = public_settings(fields.pop("subscription", SUBSCRIPTION))
    made = Publication(
        settings,
        feed,
        tuple(attach(each, settings, feed) for each in revisions),
        attach_to_feed(feed, settings, NOON),
        NOON,
        f"{PUBLIC_URL}/{settings.slug}",
        notice_of_feed(feed, settings, NOON),
    )
    return replace(made, **fields)


def disclaimed(of: Revision, given: Publication) -> Disclaimed:
    """The entry as it is published."""
    return attach(of, given.settings, given.feed)


def entry_page(of: Revision, previous: Neighbour | None = None, **fields: Any) -> str:
    """The page of the entry."""
    given = publication(**fields)
    return render_entry(disclaimed(of, given), given, previous).decode()


def tree(page: str) -> Element:
    """The page's root element."""
    return html.document_fromstring(page.encode(), parser=html.HTMLParser(encoding="utf-8"))


def words(found: Element) -> str:
    """What an element says, on one line."""
    return " ".join(found.text_content().split())


def one(page: str | Element, path: str) -> Element:
    """The one element of the page that the path leads to."""
    root = tree(page) if isinstance(page, str) else page
    found = root.xpath(path)
    assert len(found) == 1, f"{path}: {len(found)}"
    return found[0]
