"""Publication: the input from which every feed format and every page is rendered."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from feedmirror.mirror.archive import Month
from feedmirror.model import Feed
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.redaction import PublicSettings


class ArchiveLinks(Struct, frozen=True):
    """A document's place among the archive pages of its feed. Source: RFC 5005 §4."""

    page: str | None = None  # the archive page of this document; None: the newest entries
    older: str | None = None  # the archive page of the entries just before, if there is one
    newer: str | None = None  # the archive page of the entries just after; None: not archived yet


class LastingFailure(Struct, frozen=True):
    """A lasting failure to refresh the feed, as readers may know of it."""

    group: str  # a `Group`'s value
    since: datetime


_NEVER = datetime.min.replace(tzinfo=UTC)


class Publication(Struct, frozen=True):
    """All inputs of a document. Rendering reads neither a clock nor other settings."""

    settings: PublicSettings
    feed: Feed
    entries: tuple[Disclaimed, ...]  # newest first
    extension_elements: tuple[str, ...]  # the feed's own, with the disclaimer filled in
    changed_at: datetime  # last change of any of the feed and its entries
    address: str  # of the feed's public folder, without a slash at the end
    notice_html: str = ""  # the disclaimer on the feed as a whole
    archive: ArchiveLinks = ArchiveLinks()
    months: tuple[Month, ...] = ()  # of all archived entries, newest first
    failure: LastingFailure | None = (
        None  # None: refreshes succeed, or have failed for a short time only
    )

    def for_entries(self) -> Publication:
        """Return as much of it as an entry in a document may be rendered from: what is the same in
        each document of the feed, and seldom changes.
        """
        feed = self.feed
        same = Feed(
            id=feed.id,
            title=feed.title,
            link=feed.link,
            language=feed.language,
            rights=feed.rights,
        )
        return Publication(self.settings, same, (), (), _NEVER, self.address)

    def address_of(self, name: str, page: str | None = None) -> str:
        """Return the address of the document `name`: of the archive page `page`, or of the newest
        entries if `page` is None.
        """
        return f"{self.address}/archive/{page}/{name}" if page else f"{self.address}/{name}"
