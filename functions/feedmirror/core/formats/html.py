"""Pages for people: what is new in the feed and how to subscribe to it, and its sealed pages."""

from __future__ import annotations

import re
from html import escape

from feedmirror.core.formats import Format, Publication, encoded
from feedmirror.core.pages import stamp as stamps
from feedmirror.core.pages.regions import replaced
from feedmirror.errors import RenderError

NAME = "index.html"
_PAGE = re.compile(r"/archive/([^/]+)/(?:index\.html)?$")

stamp = stamps.stamp


def render(publication: Publication) -> bytes:
    """Return the page, its generation left out: of the feed, or of a sealed page."""
    # What it takes is imported when there is something to render: most polls find nothing new.
    from feedmirror.core.pages.feed import feed_page, sealed_page  # noqa: PLC0415

    place = publication.place
    if place.page is None:
        return encoded((feed_page(publication),))
    page = encoded((sealed_page(publication),))
    return link_newer(page, publication.address_of(NAME, place.newer)) if place.newer else page


def link_newer(document: bytes, address: str) -> bytes:
    """Return the sealed page with a link to the one that was sealed after it, at that address."""
    found = _PAGE.search(address)
    # The mirror's own pages are linked to by relative addresses, so that a copy works elsewhere.
    href = escape(f"../{found[1]}/" if found else address)
    return replaced(document, "newer", f'<a href="{href}" rel="next">Newer entries</a>')


def verify(document: bytes, publication: Publication) -> None:
    """Nothing, if the page may go out. Raises: RenderError."""
    from feedmirror.core.pages.inspection import Seen  # noqa: PLC0415 - when there is a page only

    seen = Seen(NAME, document)
    if seen.listed != len(publication.entries):
        raise RenderError(f"{NAME} would not list its entries: it has {seen.listed}")
    if not seen.carries(publication.notice_html, "notice"):
        raise RenderError(f"{NAME} would lack the disclaimer")


FORMAT = Format(
    NAME,
    "text/html; charset=utf-8",
    2,
    render,
    stamp,
    verify,
    link_newer,
    is_feed=False,
    shows_trouble=True,
)
