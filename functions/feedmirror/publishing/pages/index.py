"""Pages of the site: the list of all feeds, the page of removals, and the 404 page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from feedmirror.layout import REMOVED, STATUS
from feedmirror.mirror.health import FeedLine
from feedmirror.publishing.pages import phrases
from feedmirror.publishing.pages.listing import visible_title
from feedmirror.publishing.pages.phrases import direction
from feedmirror.publishing.pages.templates import filled
from feedmirror.publishing.removal import GROUNDS

OPML = "feeds.opml"


class Row(Struct, frozen=True):
    """A feed as the list of all feeds shows it."""

    title: str
    lang: str  # "": unknown
    dir: str
    href: str | None  # None: no document yet
    last_new: datetime | None
    failure: str  # a sentence; "": no failure
    since: datetime | None  # beginning of the failure; None: unknown


class _Removed(Struct, frozen=True):
    """A feed as the page of removals shows it."""

    feed: Row
    grounds: tuple[str, ...]  # with the number of entries


def index_page(lines: Sequence[FeedLine], public_url: str) -> str:
    """Return the page of all feeds, the retired feeds after the others."""
    return filled(
        "index.html",
        root="",
        rows=[_row(line) for line in lines if not line.is_retired],
        retired=[_row(line) for line in lines if line.is_retired],
        mirror=phrases.host(public_url),
        opml=OPML,
        opml_address=f"{public_url.rstrip('/')}/{OPML}",
        status=STATUS,
        removed=REMOVED if any(line.removed for line in lines) else None,
    )


def removed_page(lines: Sequence[FeedLine], public_url: str) -> str:
    """Return the page that says how many entries were taken down, feed by feed, and on what
    ground.
    """
    return filled(
        "removed.html",
        root="",
        rows=[_Removed(_row(line), _grounds(line)) for line in lines if line.removed],
        mirror=phrases.host(public_url),
    )


def not_found_page() -> str:
    """Return the 404 page. Its links begin at the root, since it is shown at any address."""
    return filled("404.html", root="/")


def _grounds(line: FeedLine) -> tuple[str, ...]:
    counts = sorted(line.removed.items())
    return tuple(f"{number:,} {GROUNDS[reason]}" for reason, number in counts if reason in GROUNDS)


def _row(line: FeedLine) -> Row:
    title = visible_title(line.title) or line.slug
    lang = line.language or ""
    return Row(
        title,
        lang,
        direction(title, lang),
        _href(line),
        line.last_new,
        phrases.failure(line.failing) if line.failing else "",
        phrases.since(line.failing_since),
    )


def _href(line: FeedLine) -> str | None:
    """Return the relative address of the feed's page, or else of its first document."""
    if line.page:
        return f"{line.slug}/"
    first = min(line.documents or (), default=None)
    return f"{line.slug}/{first}" if first else None
