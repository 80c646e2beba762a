"""HTML pages of a feed: render and verify index.html of the newest entries and of archive pages."""

from __future__ import annotations

import re
from html import escape

from feedmirror.errors import RenderError
from feedmirror.layout import INDEX_HTML
from feedmirror.publishing.formats.format import Format, encoded
from feedmirror.publishing.publication import Publication

_PAGE = re.compile(r"/archive/([^/]+)/(?:index\.html)?$")


def render(publication: Publication) -> bytes:
    """Return the page without its generation: of the feed, or of an archive page."""
    # Imported only when a page is rendered: most refreshes find nothing new.
    from feedmirror.publishing.pages.feed import archive_page, feed_page  # noqa: PLC0415

    archive = publication.archive
    if archive.page is None:
        return encoded((feed_page(publication),))
    page = encoded((archive_page(publication),))
    if archive.newer is None:
        return page
    return link_newer(page, publication.address_of(INDEX_HTML, archive.newer))


def link_newer(document: bytes, address: str) -> bytes:
    """Return the archive page with a link to the next archive page at that address.

    A page without the region for the link is returned unchanged.
    """
    found = _PAGE.search(address)
    # Links between the mirror's pages are relative, so that a copy works at another address.
    href = escape(f"../{found[1]}/" if found else address)
    before, begin, rest = document.partition(b"<!-- newer -->")
    _, end, after = rest.partition(b"<!-- /newer -->")
    link = f'<a href="{href}" rel="next">Newer entries</a>'.encode()
    return b"".join((before, begin, link, end, after)) if end else document


def verify(document: bytes, publication: Publication) -> None:
    """Check that the page is inert, lists its entries and has the disclaimer.

    Raises: RenderError.
    """
    from feedmirror.publishing.pages.inspection import PageReader  # noqa: PLC0415 - as in `render`

    page = PageReader(INDEX_HTML, document)
    if page.listed != len(publication.entries):
        raise RenderError(
            f"{INDEX_HTML} would list {page.listed} entries instead of {len(publication.entries)}"
        )
    if not page.carries(publication.notice_html, "notice"):
        raise RenderError(f"{INDEX_HTML} would lack the disclaimer")


FORMAT = Format(INDEX_HTML, 3, render, verify, link_newer, shows_failure=True)
