"""The public documents, a file each. Adding an output is adding a file that defines `FORMAT`, or
`SITE_FORMAT` for a document that tells of all feeds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from io import BytesIO
from pkgutil import iter_modules
from types import ModuleType

from feedmirror.core.disclaimer import Disclaimed
from feedmirror.core.redaction import PublicSettings
from feedmirror.core.standing import Standing
from feedmirror.model import Feed

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
class Month:
    """The sealed entries that are dated in one month."""

    name: str  # "2026-11"
    entries: int  # how many there are
    page: str  # the sealed page that has the newest of them


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
    foreign: tuple[str, ...]  # the feed's own fragments, slots filled
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
    media_type: str  # the whole Content-Type
    version: int  # raise it with every change of what `render` writes
    render: Callable[[Publication], bytes]  # without the generation
    stamp: Callable[[bytes, int], bytes]  # puts the generation in: equal bytes never return
    verify: Callable[[bytes, Publication], None]  # raises RenderError for what must not go out
    # The document of a sealed page, with the address of the one that was sealed after it; None for
    # a format that does not link there.
    link_newer: Callable[[bytes, str], bytes] | None = None
    is_feed: bool = True  # False: a page for people
    shows_trouble: bool = False  # whether it says that the feed fails

    @property
    def path(self) -> str:
        """What follows the feed's folder in its address: nothing for the page of the feed."""
        return self.name if self.is_feed else ""

    @property
    def bare_type(self) -> str:
        """The media type without its parameters, as links name it."""
        return self.media_type.partition(";")[0]


@dataclass(frozen=True, slots=True)
class SiteFormat:
    """A document of the site as a whole; `core/site.py` has those that every site needs."""

    name: str  # its file name below public/
    media_type: str  # the whole Content-Type
    render: Callable[[Sequence[Standing], str], str]  # from how feeds stand, and the public URL


@cache
def formats() -> tuple[Format, ...]:
    """Every format of a feed there is: pages last, since they link to the others."""
    found = (module.FORMAT for module in _modules() if hasattr(module, "FORMAT"))
    return tuple(sorted(found, key=lambda made: (not made.is_feed, made.name)))


@cache
def site_formats() -> tuple[SiteFormat, ...]:
    """Every format of the site as a whole, by name."""
    found = (module.SITE_FORMAT for module in _modules() if hasattr(module, "SITE_FORMAT"))
    return tuple(sorted(found, key=lambda made: made.name))


def _modules() -> Iterator[ModuleType]:
    return (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))


def alternates(name: str) -> tuple[Format, ...]:
    """The other formats that a feed can be read in, for a document to link to."""
    return tuple(other for other in formats() if other.is_feed and other.name != name)


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
