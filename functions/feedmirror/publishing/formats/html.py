"""HTML pages of a feed: render and verify index.html of the newest entries and of archive pages."""

from __future__ import annotations

import re
from html import escape

from feedmirror.errors import RenderError
from feedmirror.layout import INDEX_HTML
from feedmirror.model import Entry
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.formats.format import Format, Frame, Traits, encoded
from feedmirror.publishing.publication import Publication

_PAGE = re.compile(r"/archive/([^/]+)/(?:index\.html)?$")


def _frame(publication: Publication, traits: Traits) -> Frame:
    """Return the feed's page without its entries."""
    # Imported only when a page is rendered: most refreshes find nothing new.
    from feedmirror.publishing.pages.feed import feed_page  # noqa: PLC0415

    head, tail = feed_page(publication, has_entries=bool(traits))
    return Frame((head,), tail)


def _entry(disclaimed: Disclaimed, publication: Publication) -> tuple[str]:
    from feedmirror.publishing.pages.feed import entry_line  # noqa: PLC0415

    return (entry_line(disclaimed, publication),)


def _traits(_: Entry) -> Traits:
    """Return a word by which the page knows that it has an entry."""
    return frozenset({"entry"})


def _archive(publication: Publication) -> bytes:
    """Return an archive page, whose entries are listed by month."""
    from feedmirror.publishing.pages.feed import archive_page  # noqa: PLC0415

    page, newer = encoded((archive_page(publication),)), publication.archive.newer
    return link_newer(page, publication.address_of(INDEX_HTML, newer)) if newer else page


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


def _inspect(_: bytes) -> None:
    """Do nothing: of lines that were each balanced, the list is balanced."""


FORMAT = Format(
    INDEX_HTML,
    3,
    _frame,
    _entry,
    (b'<li class="entry"', b"</li>\n"),
    verify,
    _inspect,
    traits=_traits,
    archive=_archive,
    link_newer=link_newer,
    shows_failure=True,
)
