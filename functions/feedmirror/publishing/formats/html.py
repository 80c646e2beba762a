"""Pages for people: what is new in the feed and how to subscribe to it, and its sealed pages."""

from __future__ import annotations

import re
from html import escape

from feedmirror.errors import RenderError
from feedmirror.layout import INDEX_HTML
from feedmirror.publishing.formats.format import Format, encoded
from feedmirror.publishing.pages.regions import replaced
from feedmirror.publishing.publication import Publication

_PAGE = re.compile(r"/archive/([^/]+)/(?:index\.html)?$")


def render(publication: Publication) -> bytes:
    """Return the page, its generation left out: of the feed, or of a sealed page."""
    # What it takes is imported when there is something to render: most polls find nothing new.
    from feedmirror.publishing.pages.feed import archive_page, feed_page  # noqa: PLC0415

    place = publication.archive
    if place.page is None:
        return encoded((feed_page(publication),))
    page = encoded((archive_page(publication),))
    return (
        link_newer(page, publication.address_of(INDEX_HTML, place.newer)) if place.newer else page
    )


def link_newer(document: bytes, address: str) -> bytes:
    """Return the sealed page with a link to the one that was sealed after it, at that address."""
    found = _PAGE.search(address)
    # The mirror's own pages are linked to by relative addresses, so that a copy works elsewhere.
    href = escape(f"../{found[1]}/" if found else address)
    return replaced(document, "newer", f'<a href="{href}" rel="next">Newer entries</a>')


def verify(document: bytes, publication: Publication) -> None:
    """Nothing, if the page may go out. Raises: RenderError."""
    from feedmirror.publishing.pages.inspection import Seen  # noqa: PLC0415 - when there is a page only

    seen = Seen(INDEX_HTML, document)
    if seen.listed != len(publication.entries):
        raise RenderError(f"{INDEX_HTML} would not list its entries: it has {seen.listed}")
    if not seen.carries(publication.notice_html, "notice"):
        raise RenderError(f"{INDEX_HTML} would lack the disclaimer")


FORMAT = Format(INDEX_HTML, 2, render, verify, link_newer, shows_failure=True)
