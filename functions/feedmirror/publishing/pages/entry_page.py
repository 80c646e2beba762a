"""The page of one entry: its words, the disclaimer, where they are from and since when.

What rendering takes is imported when there is an entry to render: most polls find nothing new.
"""

from __future__ import annotations

from dataclasses import dataclass

from feedmirror.errors import RenderError
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.formats.format import Publication
from feedmirror.publishing.pages import stamp

stamp_entry = stamp.stamp


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another entry, as a page links to it."""

    key: str  # names its page: entries/KEY.html
    title: str | None = None  # plain text


def render_entry(
    disclaimed: Disclaimed, publication: Publication, previous: Neighbour | None
) -> bytes:
    """Return the page, its generation left out; `publication.entries` count for nothing."""
    from feedmirror.publishing.pages.entry import article  # noqa: PLC0415

    return article(disclaimed, publication, previous, bare=False)


def render_entry_bare(
    disclaimed: Disclaimed, publication: Publication, previous: Neighbour | None
) -> bytes:
    """Return the page without the entry's own words, for one that is refused with them."""
    from feedmirror.publishing.pages.entry import article  # noqa: PLC0415

    return article(disclaimed, publication, previous, bare=True)


def verify_entry(document: bytes, disclaimed: Disclaimed) -> None:
    """Nothing, if the page may go out. Raises: RenderError."""
    from feedmirror.publishing.pages.inspection import Seen  # noqa: PLC0415

    name = f"entries/{disclaimed.revision.key}.html"
    if not Seen(name, document).carries(disclaimed.notice_html, "body"):
        raise RenderError(f"{name} would lack the disclaimer")
