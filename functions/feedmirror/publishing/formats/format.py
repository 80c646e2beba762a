"""Formats of public documents: what they are rendered from, and what each of them does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from feedmirror.layout import FEEDS, MEDIA_TYPES
from feedmirror.mirror.archive import Month
from feedmirror.model import Feed
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.redaction import PublicSettings

# As a comment in XML, as a member in JSON.
_STAMP = re.compile(rb'feedmirror(?: |":\{")generation(?: |":)([0-9]{1,15})')
_HEAD_BYTES = 200  # within which every format stamps; further down an origin may say the same


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands in the history of its feed. Source: RFC 5005 §4."""

    page: str | None = None  # the sealed page that it is of; None: of the newest entries
    older: str | None = None  # the sealed page of the entries just before, if there is one
    newer: str | None = None  # that of the entries just after; None: they are not sealed yet
    older_has: tuple[str, ...] = ()  # names of the documents that the older page has

    def before(self, name: str) -> str | None:
        """The older page, if it has a document of that name."""
        return self.older if name in self.older_has else None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps the feed from being up to date, as readers may know it."""

    group: str  # a `Group`'s value
    since: datetime


@dataclass(frozen=True, slots=True)
class Publication:
    """All that a document is rendered from, and nothing else: no clock, no settings beside it."""

    settings: PublicSettings
    feed: Feed
    entries: tuple[Disclaimed, ...]  # newest first
    extension_elements: tuple[str, ...]  # the feed's own fragments, slots filled
    changed_at: datetime  # when any of it last changed
    address: str  # of the feed's public folder, without a slash at the end
    notice_html: str = ""  # the disclaimer on the feed as a whole
    place: Place = Place()
    months: tuple[Month, ...] = ()  # of all sealed entries, newest first
    trouble: Trouble | None = None  # None: all is well, or it has not lasted

    def address_of(self, name: str, page: str | None = None) -> str:
        """The address of a document: of the newest entries, or of a sealed page."""
        return f"{self.address}/archive/{page}/{name}" if page else f"{self.address}/{name}"


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of document."""

    name: str  # its file name below public/SLUG/
    version: int  # raise it with every change of what `render` writes
    render: Callable[[Publication], bytes]  # without the generation
    stamp: Callable[[bytes, int], bytes]  # puts the generation in: equal bytes never return
    verify: Callable[[bytes, Publication], None]  # raises RenderError for what must not go out
    # The document of a sealed page, with the address of the one that was sealed after it; None for
    # a format that does not link there.
    link_newer: Callable[[bytes, str], bytes] | None = None
    shows_trouble: bool = False  # whether it says that the feed fails

    @property
    def is_feed(self) -> bool:
        """True for a document to subscribe to, False for a page for people."""
        return self.name in FEEDS

    @property
    def media_type(self) -> str:
        """The whole Content-Type."""
        return MEDIA_TYPES[self.name]

    @property
    def path(self) -> str:
        """What follows the feed's folder in its address: nothing for the page of the feed."""
        return self.name if self.is_feed else ""


def encoded(pieces: Iterable[str]) -> bytes:
    """Return the pieces in UTF-8.

    Each piece is encoded as it comes: a string with one character beyond U+FFFF takes four bytes
    for each of its characters, so a whole document must never be one string. Lone surrogates are
    encoded too, for `Format.verify` to refuse.
    """
    document = BytesIO()
    for piece in pieces:
        document.write(piece.encode("utf-8", "surrogatepass"))
    return document.getvalue()


def unstamped(document: bytes) -> bytes:
    """The document without its generation: what it says."""
    head, rest = document[:_HEAD_BYTES], document[_HEAD_BYTES:]
    return _STAMP.sub(b"", head, count=1) + rest


def stamped(document: bytes) -> int:
    """The generation in a document of any format; 0 if there is none."""
    found = _STAMP.search(document[:_HEAD_BYTES])
    return int(found[1]) if found else 0
