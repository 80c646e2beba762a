"""Format: how one kind of public document is rendered, verified and stamped.

A document is a frame, with a fragment for each entry in it. A fragment depends on its entry and on
`Publication.for_entries` alone, so it can be taken over from one version of a document to the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO

from msgspec import Struct

from feedmirror.layout import FEEDS, MEDIA_TYPES
from feedmirror.model import Entry
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.publication import Publication
from feedmirror.text.namespaces import OWN_MEMBER

# The beginnings of documents, each followed by the stamp.
XML_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
HTML_HEAD = "<!doctype html>\n"
JSON_HEAD = f'{{"version":"https://jsonfeed.org/version/1.1","{OWN_MEMBER}":{{'
_COMMENT = "<!-- feedmirror generation %d of %s -->\n"
_MEMBER = '"generation":%d,"render_key":"%s",'
_MARKS = {XML_HEAD: _COMMENT, HTML_HEAD: _COMMENT, JSON_HEAD: _MEMBER}
_STAMP = re.compile(
    rb'feedmirror(?: |":\{")generation(?: |":)([0-9]{1,15})(?: of |,"render_key":")([0-9a-f]{16})'
)
_HEAD_BYTES = 200  # every format stamps within these; an origin may write the same further down


class Frame(Struct, frozen=True):
    """The parts of a document around its entries."""

    head: Iterable[str]  # in pieces
    tail: str


Traits = frozenset[str]  # what a frame must know of the entries in it, in words of its format


class Fragment(Struct, frozen=True):
    """An entry in a document, and what the frame must know of it."""

    body: bytes | memoryview
    traits: tuple[str, ...] = ()


class Rendering(Struct, frozen=True):
    """A document without its generation, and where its entries stand in it."""

    body: bytes
    lengths: tuple[int, ...] = ()  # bytes of the head, and of each entry; (): not known
    separator: bytes = b""  # between two entries
    traits: tuple[tuple[str, ...], ...] = ()  # of each entry

    def fragments(self) -> Iterator[Fragment]:
        """Yield the entries, without a copy of their bytes."""
        document, start = memoryview(self.body), self.lengths[0]
        for length, traits in zip(self.lengths[1:], self.traits, strict=True):
            yield Fragment(document[start : start + length], traits)
            start += length + len(self.separator)

    def with_fragments(self, fragments: Iterable[Fragment]) -> Rendering:
        """Return the document with these entries instead of its own."""
        document, head = memoryview(self.body), self.lengths[0]
        end = sum(self.lengths) + len(self.separator) * max(0, len(self.lengths) - 2)
        return _joined(document[:head], fragments, document[end:], self.separator)


def _joined(
    head: bytes | memoryview,
    fragments: Iterable[Fragment],
    tail: bytes | memoryview,
    separator: bytes,
) -> Rendering:
    document = BytesIO()
    lengths, traits = [document.write(head)], []
    for number, fragment in enumerate(fragments):
        if number:
            document.write(separator)
        lengths.append(document.write(fragment.body))
        traits.append(fragment.traits)
    document.write(tail)
    return Rendering(document.getvalue(), tuple(lengths), separator, tuple(traits))


def _no_traits(_: Entry) -> Traits:
    return frozenset()


class Format(Struct, frozen=True):
    """One kind of document."""

    name: str  # file name below public/SLUG/
    version: int  # raised with every change of the bytes that are rendered
    frame: Callable[[Publication, Traits], Frame]
    entry: Callable[[Disclaimed, Publication], Iterable[str]]  # its fragment, in pieces
    bounds: tuple[bytes, bytes]  # how each fragment begins and ends
    verify: Callable[[bytes, Publication], None]  # raises RenderError if it must not be published
    # Checks that fragments that were verified make a whole; raises RenderError.
    inspect: Callable[[bytes], None]
    separator: bytes = b""  # between two entries
    traits: Callable[[Entry], Traits] = _no_traits
    # Renders an archive page; None: it is a frame with entries too.
    archive: Callable[[Publication], bytes] | None = None
    # Returns the document of an archive page with a link to the given address of the next page;
    # None: the format has no such link.
    link_newer: Callable[[bytes, str], bytes] | None = None
    shows_failure: bool = False  # the document says that refreshes of the feed fail
    of_removed: tuple[bytes, bytes] = (
        b"",
        b"",
    )  # as `bounds`, of a removed entry; empty: as others

    def render(self, publication: Publication) -> bytes:
        """Return the document of these entries, without its generation."""
        return self.rendering(publication).body

    def rendering(self, publication: Publication, others: Traits = frozenset()) -> Rendering:
        """Return the document of these entries, and where they stand in it.

        `others` are traits of entries that will be put beside these.
        """
        if self.archive and publication.archive.page:
            return Rendering(self.archive(publication))
        entries, alike = publication.entries, publication.for_entries()
        traits = [self.traits(one.revision.entry) for one in entries]
        frame = self.frame(publication, others.union(*traits))
        fragments = (
            Fragment(encoded(self.entry(one, alike)), tuple(sorted(its)))
            for one, its in zip(entries, traits, strict=True)
        )
        return _joined(encoded(frame.head), fragments, frame.tail.encode(), self.separator)

    def is_fragment(self, found: bytes | memoryview) -> bool:
        """Return True if the bytes begin and end as an entry of this format does."""
        return any(
            found[: len(first)] == first and found[-len(last) :] == last
            for first, last in (self.bounds, self.of_removed)
            if first
        )

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


class Stamp(Struct, frozen=True):
    """Mark in the head of each public document and page of a feed."""

    generation: int = 0  # of the commit that it was written for
    render_key: str = ""  # digest of what renderers saw besides entries: 16 digits


def stamp(document: bytes, with_: Stamp) -> bytes:
    """Return the document of any format, or the page of an entry, with the stamp in its head.

    The generation keeps two documents from having equal bytes, and so equal ETags.
    Raises: ValueError, if the document does not begin as `render` begins it.
    """
    for head, mark in _MARKS.items():
        if document.startswith(head.encode()):
            told = mark % (with_.generation, with_.render_key)
            return b"".join(((head + told).encode(), document[len(head) :]))
    raise ValueError(f"no document begins with {document[:40]!r}")


def unstamped(document: bytes) -> bytes:
    """Return the document without its stamp, to compare contents."""
    head, rest = document[:_HEAD_BYTES], document[_HEAD_BYTES:]
    return _STAMP.sub(b"", head, count=1) + rest


def stamped(document: bytes) -> Stamp:
    """Return the stamp of a document of any format; `Stamp()` if the document has none."""
    found = _STAMP.search(document[:_HEAD_BYTES])
    return Stamp(int(found[1]), found[2].decode()) if found else Stamp()
