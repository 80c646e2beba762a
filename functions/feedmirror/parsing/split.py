"""Split a document into its items, in one pass of expat.

So a refresh takes time for new items only: items with a known fingerprint are removed before
feedparser, which is slow, sees the document. Most of them are emptied before expat sees it
(known_items.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import accumulate
from xml.parsers import expat

from msgspec import Struct

from feedmirror.model import PARSER_VERSION, Item
from feedmirror.parsing.scan import CannotSplit, Scan

_TAG = re.compile(rb"<(?P<name>[^\s/>]++)(?>(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*)>")
# Codes of expat for a document that ends too early. Source: expat.h
_TRUNCATED = frozenset({3, 5, 6, 20})
UNBOUND_PREFIX = 27

Span = tuple[int, int]  # byte offsets


class SplitPlan(Struct, frozen=True):
    """A document in UTF-8, and the positions of its items."""

    data: bytes
    spans: tuple[Span, ...]  # of each item, in document order
    items: tuple[Item, ...]  # of the same length
    around: tuple[tuple[bytes, ...], ...]  # the start tags around each item, outermost first
    hidden: tuple[Span, ...]  # elements that feedparser would misread or need not see
    complete: bool  # False if the document is truncated

    def reduced(self, keep: Collection[int]) -> tuple[bytes, bool]:
        """Return the document for feedparser with the items in `keep` only.

        The second value is True if an empty item was inserted before the first one; its entry must
        be dropped. Without it, state that feedparser keeps of the channel's properties would leak
        into the first item.
        """
        gone = sorted((*self._other_spans(keep), *self.hidden))
        if not keep or 0 in keep:
            return b"".join((*self._pieces(gone), self._tail())), False
        start = self.spans[0][0]
        tag = start_tag(self.data, start)
        sentinel = tag if tag.endswith(b"/>") else tag + end_tags([tag])
        head = self._pieces([span for span in gone if span[0] < start], stop=start)
        rest = self._pieces([span for span in gone if span[0] >= start], position=start)
        return b"".join((*head, sentinel, *rest, self._tail())), True

    def frame(self) -> bytes:
        """Return the document without its items, but otherwise complete."""
        return b"".join((*self._pieces(self.spans), self._tail()))

    def size_of(self, index: int) -> int:
        """Return the size of an item in bytes."""
        start, end = self.spans[index]
        return end - start

    def _other_spans(self, keep: Collection[int]) -> Iterator[Span]:
        return (span for index, span in enumerate(self.spans) if index not in keep)

    def _pieces(
        self, gone: Iterable[Span], position: int = 0, stop: int | None = None
    ) -> Iterator[bytes]:
        """Yield the data between `position` and `stop` without the spans in `gone`.

        `gone` is sorted; a span within another one is ignored.
        """
        if stop is None:
            stop = len(self.data) if self.complete else self.spans[-1][1]
        for start, end in gone:
            if position <= start < stop:
                yield self.data[position:start]
                position = end
        yield self.data[position:stop]

    def _tail(self) -> bytes:
        """Return the end tags that a truncated document lacks after its last complete item."""
        return b"" if self.complete else end_tags(self.around[-1])


class Emptied(Struct, frozen=True):
    """Known items of a document that were replaced by empty elements, see known_items.py."""

    fingerprints: Mapping[Span, str]  # by the position of the empty element
    around: tuple[bytes, ...]  # the start tags that must be around each


def split(text: str, emptied: Emptied | None = None) -> SplitPlan:
    """Find the items in `text`, a document as `decode.prepare_xml` returns it.

    A truncated document gives its complete items; text after the root element is ignored.
    Fingerprints depend on the version of the parser and on the start tags around an item, since
    namespaces, `xml:base` and `xml:lang` change its meaning.

    Raises: CannotSplit, also if `text` is not well-formed to its end, or if an item of `emptied` is
    not found where it must be; ParseError UNSAFE for a document with too many or too deep elements.
    """
    data = text.encode("utf-8")
    scan = Scan()
    complete = True
    try:
        scan.parser.Parse(data, True)
    except expat.ExpatError as error:
        if emptied:
            raise CannotSplit("not well-formed without its known items") from error
        if scan.root_end is not None:
            data = data[: _element_end(data, scan.root_start, scan.root_end)]
        elif error.code in _TRUNCATED and scan.items and not is_closed(data):
            complete = False
        else:
            raise CannotSplit(f"not well-formed: {error}", error.code) from error
    if scan.has_hidden_items and not scan.items:
        raise CannotSplit("all items are within extension elements")
    # Each tag is read once: that of the root may be as long as all items.
    tags = {at: start_tag(data, at) for at in {at for item in scan.items for at in item.around}}
    around = tuple(tuple(tags[at] for at in item.around) for item in scan.items)
    spans = tuple((item.start, _element_end(data, item.start, item.end)) for item in scan.items)
    if emptied:
        _check(emptied, dict(zip(spans, around, strict=True)))
    keys = {tags_around: fingerprint_key(tags_around) for tags_around in set(around)}
    known = emptied.fingerprints if emptied else {}
    items = tuple(
        Item(
            known.get(span) or fingerprint(data[slice(*span)], keys[tags_around]),
            item.guid,
            item.link,
        )
        for span, tags_around, item in zip(spans, around, scan.items, strict=True)
    )
    hidden = tuple((start, _element_end(data, start, end)) for start, end in scan.hidden)
    return SplitPlan(data, spans, items, around, hidden, complete)


def _check(emptied: Emptied, around: Mapping[Span, tuple[bytes, ...]]) -> None:
    """Raise CannotSplit unless each emptied item is an item, within its start tags.

    `around` has the start tags around each item that expat has found, by the item's position.
    """
    if any(around.get(span) != emptied.around for span in emptied.fingerprints):
        raise CannotSplit("what looked like a known item is part of something else")


def fingerprint_key(tags: tuple[bytes, ...]) -> bytes:
    """Return the key of the fingerprints of items with these start tags around them."""
    return blake2b(b"\0".join((str(PARSER_VERSION).encode(), *tags)), digest_size=16).digest()


def fingerprint(item: bytes, key: bytes) -> str:
    """Return the fingerprint of an item, given the key of the start tags around the item."""
    return blake2b(item, digest_size=12, key=key).hexdigest()


def is_closed(data: bytes) -> bool:
    """True if `data` ends with the end tag of its root element, outside a CDATA section.

    Then the document is not truncated.
    """
    root = re.search(rb"<([^\s!?/>][^\s/>]*)", data)
    if root is None:
        return False
    end = data.rfind(b"</" + root[1])
    if end < 0 or not re.match(rb"\s*>", data[end + 2 + len(root[1]) : end + 100]):
        return False
    return data.rfind(b"<![CDATA[", 0, end) <= data.rfind(b"]]>", 0, end)


def start_tag(data: bytes, position: int) -> bytes:
    """Return the start tag at `position`, where expat has found a start tag."""
    match = _TAG.match(data, position)
    return match.group() if match else b""


def end_tags(tags: Iterable[bytes]) -> bytes:
    """Return the end tags for these start tags, the last one first."""
    names = [match["name"] for tag in tags if (match := _TAG.match(tag))]
    return b"".join(b"</" + name + b">" for name in reversed(names))


def _element_end(data: bytes, start: int, end: int) -> int:
    """Return the end of an element; `end` is that of expat: at the end tag, or after `/>`."""
    return end if start_tag(data, start).endswith(b"/>") else data.index(b">", end) + 1


# Limits of a part, so that parsing one takes one to five seconds.
_MOST_ITEMS = 2_500
_MOST_BYTES = 2_000_000


class Part(Struct, frozen=True):
    """A range of items of a document, of which as many as possible are parsed at a time."""

    begin: int  # an index into the items
    end: int | None = None  # exclusive; None: to the last item


def select_items(
    new: Sequence[int], size_of: Callable[[int], int], part: Part | None
) -> Sequence[int]:
    """Return the indices in `new` to parse: all without `part`, else the first within `part`.

    The size of a part is limited. `new` has the indices of the items to parse, in order; `size_of`
    returns the size of an item in bytes.
    """
    if part is None:
        return new
    end = new[-1] + 1 if part.end is None and new else part.end or 0
    within = [index for index in new if part.begin <= index < end]
    sizes = accumulate(map(size_of, within[:_MOST_ITEMS]))
    return within[: max(1, sum(size <= _MOST_BYTES for size in sizes))]
