"""The pages of the site as a whole: which feeds are mirrored, and what to say where nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feedmirror.layout import STATUS
from feedmirror.mirror.health import FeedLine
from feedmirror.publishing.pages import phrases
from feedmirror.publishing.pages.listing import visible_title
from feedmirror.publishing.pages.phrases import direction

OPML = "feeds.opml"


@dataclass(frozen=True, slots=True)
class Row:
    """A feed in the site's index."""

    title: str
    lang: str  # empty: unknown
    dir: str
    href: str | None  # None: there is nothing to be read yet
    last_new: datetime | None
    trouble: str  # a sentence; empty: none
    since: datetime | None  # of the trouble; None: nobody knows


def index_page(lines: Sequence[FeedLine], public_url: str) -> str:
    """The page of all feeds: the retired ones apart, behind the others."""
    from feedmirror.publishing.pages.templates import filled  # noqa: PLC0415 - brings jinja2

    return filled(
        "index.html",
        root="",
        rows=[_row(line) for line in lines if not line.is_retired],
        retired=[_row(line) for line in lines if line.is_retired],
        mirror=phrases.host(public_url),
        opml=OPML,
        opml_address=f"{public_url.rstrip('/')}/{OPML}",
        status=STATUS,
    )


def not_found_page() -> str:
    """What a browser shows where there is nothing, at any depth: links are from the root."""
    from feedmirror.publishing.pages.templates import filled  # noqa: PLC0415 - brings jinja2

    return filled("404.html", root="/")


def _row(line: FeedLine) -> Row:
    title = visible_title(line.title) or line.slug
    lang = line.language or ""
    return Row(
        title,
        lang,
        direction(title, lang),
        _href(line),
        line.last_new,
        phrases.trouble(line.failing) if line.failing else "",
        phrases.since(line.failing_since),
    )


def _href(line: FeedLine) -> str | None:
    """The feed's page; before it has one, the first of its feeds."""
    if line.page:
        return f"{line.slug}/"
    first = min(line.documents or (), default=None)
    return f"{line.slug}/{first}" if first else None
