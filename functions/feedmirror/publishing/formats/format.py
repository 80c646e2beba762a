"""Format: how one kind of public document is rendered, verified and stamped with its generation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from io import BytesIO

from msgspec import Struct

from feedmirror.layout import FEEDS, MEDIA_TYPES
from feedmirror.publishing.publication import Publication
from feedmirror.text.namespaces import OWN_MEMBER

# The beginnings of documents, each followed by the generation.
XML_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
HTML_HEAD = "<!doctype html>\n"
JSON_HEAD = f'{{"version":"https://jsonfeed.org/version/1.1","{OWN_MEMBER}":{{'
_COMMENT, _MEMBER = "<!-- feedmirror generation %d -->\n", '"generation":%d,'
_MARKS = {XML_HEAD: _COMMENT, HTML_HEAD: _COMMENT, JSON_HEAD: _MEMBER}
_STAMP = re.compile(rb'feedmirror(?: |":\{")generation(?: |":)([0-9]{1,15})')
_HEAD_BYTES = 200  # every format stamps within these; an origin may write the same further down


class Format(Struct, frozen=True):
    """One kind of document."""

    name: str  # file name below public/SLUG/
    version: int  # raised with every change of the bytes that `render` returns
    render: Callable[[Publication], bytes]  # without the generation
    verify: Callable[[bytes, Publication], None]  # raises RenderError if it must not be published
    # Returns the document of an archive page with a link to the given address of the next page;
    # None: the format has no such link.
    link_newer: Callable[[bytes, str], bytes] | None = None
    shows_failure: bool = False  # the document says that refreshes of the feed fail

    @property
    def is_feed(self) -> bool:
        """True for a document to subscribe to, False for a page for people."""
        return self.name in FEEDS

    @property
    def media_type(self) -> str:
        """Return the full Content-Type, parameters included."""
        return MEDIA_TYPES[self.name]

    @property
    def path(self) -> str:
        """Return the document's address relative to the feed's folder; "" for the feed's page."""
        return self.name if self.is_feed else ""


def encoded(pieces: Iterable[str]) -> bytes:
    """Return the pieces, joined, in UTF-8.

    Each piece is encoded as it comes: a string with one character beyond U+FFFF takes four bytes
    for each of its characters, so a whole document must never be one string. Lone surrogates are
    encoded too, for `Format.verify` to refuse.
    """
    document = BytesIO()
    for piece in pieces:
        document.write(piece.encode("utf-8", "surrogatepass"))
    return document.getvalue()


def stamp(document: bytes, generation: int) -> bytes:
    """Return the document of any format, or the page of an entry, with its generation in its head.

    The generation keeps two documents from having equal bytes, and so equal ETags.
    Raises: ValueError, if the document does not begin as `render` begins it.
    """
    for head, mark in _MARKS.items():
        if document.startswith(head.encode()):
            return b"".join(((head + mark % generation).encode(), document[len(head) :]))
    raise ValueError(f"no document begins with {document[:40]!r}")


def unstamped(document: bytes) -> bytes:
    """Return the document without its generation, to compare contents."""
    head, rest = document[:_HEAD_BYTES], document[_HEAD_BYTES:]
    return _STAMP.sub(b"", head, count=1) + rest


def stamped(document: bytes) -> int:
    """Return the generation of a document of any format; 0 if the document has none."""
    found = _STAMP.search(document[:_HEAD_BYTES])
    return int(found[1]) if found else 0
