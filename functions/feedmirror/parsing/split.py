"""Where the items of a document lie, found in one pass of expat, without interpreting them.

This is what makes a refresh cost what is new: items whose fingerprint is known are cut out before
the (slow) interpreter sees the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from xml.parsers import expat

from feedmirror.model import PARSER_VERSION, Item
from feedmirror.parsing.scan import CannotSplit, Scan

_TAG = re.compile(rb"<(?P<name>[^\s/>]++)(?>(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*)>")
# expat's codes for "the document ended too soon". Source: expat.h
_CUT = frozenset({3, 5, 6, 20})
UNBOUND_PREFIX = 27

Span = tuple[int, int]  # byte offsets


@dataclass(frozen=True, slots=True)
class Plan:
    """A document in UTF-8 and where its items lie."""

    data: bytes
    spans: tuple[Span, ...]  # of each item, in document order
    items: tuple[Item, ...]  # of the same length
    around: tuple[tuple[bytes, ...], ...]  # the start tags around each item, outermost first
    hidden: tuple[Span, ...]  # elements that the interpreter would misread or need not see
    complete: bool  # False: the document was cut off

    def reduced(self, keep: Collection[int]) -> tuple[bytes, bool]:
        """The document for the interpreter, without the items that are not in `keep`, and whether
        an empty item stands first, whose entry must be dropped again: what a channel's head leaves
        behind in feedparser would otherwise leak into the first of the kept.
        """
        gone = sorted((*self._others(keep), *self.hidden))
        if not keep or 0 in keep:
            return b"".join((*self._pieces(gone), self._tail())), False
        start = self.spans[0][0]
        tag = start_tag(self.data, start)
        sentinel = tag if tag.endswith(b"/>") else tag + end_tags([tag])
        head = self._pieces([span for span in gone if span[0] < start], stop=start)
        rest = self._pieces([span for span in gone if span[0] >= start], position=start)
        return b"".join((*head, sentinel, *rest, self._tail())), True

    def frame(self) -> bytes:
        """The document without its items, everything else as it came."""
        return b"".join((*self._pieces(self.spans), self._tail()))

    def size_of(self, index: int) -> int:
        """How many bytes an item has."""
        start, end = self.spans[index]
        return end - start

    def _others(self, keep: Collection[int]) -> Iterator[Span]:
        return (span for index, span in enumerate(self.spans) if index not in keep)

    def _pieces(
        self, gone: Iterable[Span], position: int = 0, stop: int | None = None
    ) -> Iterator[bytes]:
        """What is left of the data between `position` and `stop` without `gone`, which is sorted;
        of spans that lie in one another the outer counts.
        """
        if stop is None:
            stop = len(self.data) if self.complete else self.spans[-1][1]
        for start, end in gone:
            if position <= start < stop:
                yield self.data[position:start]
                position = end
        yield self.data[position:stop]

    def _tail(self) -> bytes:
        """The end tags that a document that was cut off lacks after its last whole item."""
        return b"" if self.complete else end_tags(self.around[-1])


def split(text: str) -> Plan:
    """The plan of a document that `gate.admit` let pass.

    A cut document gives the items that are whole; of one with something behind its root element
    that is left out. Fingerprints are keyed by the parser's version and by the start tags around
    the items, since namespaces, `xml:base` and `xml:lang` count.

    Raises: CannotSplit; ParseError UNSAFE for a document beyond all reason in depth or number.
    """
    data = text.encode("utf-8")
    scan = Scan()
    complete = True
    try:
        scan.parser.Parse(data, True)
    except expat.ExpatError as error:
        if scan.root_end is not None:
            data = data[: _end_of(data, scan.root_start, scan.root_end)]
        elif error.code in _CUT and scan.items and not is_closed(data):
            complete = False
        else:
            raise CannotSplit(f"not well-formed: {error}", error.code) from error
    if scan.swallowed and not scan.items:
        raise CannotSplit("the only items lie within an element of another vocabulary")
    # Each once: the root's may be as long as all of its items.
    tags = {at: start_tag(data, at) for at in {at for found in scan.items for at in found.around}}
    around = tuple(tuple(tags[at] for at in found.around) for found in scan.items)
    keys = {tags_around: _key(tags_around) for tags_around in set(around)}
    spans = tuple((found.start, _end_of(data, found.start, found.end)) for found in scan.items)
    items = tuple(
        Item(_digest(data[start:end], keys[tags_around]), found.guid, found.link)
        for (start, end), tags_around, found in zip(spans, around, scan.items, strict=True)
    )
    hidden = tuple((start, _end_of(data, start, end)) for start, end in scan.hidden)
    return Plan(data, spans, items, around, hidden, complete)


def _key(tags: tuple[bytes, ...]) -> bytes:
    return blake2b(b"\0".join((str(PARSER_VERSION).encode(), *tags)), digest_size=16).digest()


def _digest(item: bytes, key: bytes) -> str:
    return blake2b(item, digest_size=12, key=key).hexdigest()


def is_closed(data: bytes) -> bool:
    """Whether the root element's end tag is there: then the document was not cut off, or only
    within a CDATA section that quotes such a tag.
    """
    root = re.search(rb"<([^\s!?/>][^\s/>]*)", data)
    if root is None:
        return False
    end = data.rfind(b"</" + root[1])
    if end < 0 or not re.match(rb"\s*>", data[end + 2 + len(root[1]) : end + 100]):
        return False
    return data.rfind(b"<![CDATA[", 0, end) <= data.rfind(b"]]>", 0, end)


def start_tag(data: bytes, position: int) -> bytes:
    """The start tag that begins there, in a document that expat has seen it in."""
    found = _TAG.match(data, position)
    return found.group() if found else b""


def end_tags(tags: Iterable[bytes]) -> bytes:
    """The end tags of start tags, the last one first."""
    names = [found["name"] for tag in tags if (found := _TAG.match(tag))]
    return b"".join(b"</" + name + b">" for name in reversed(names))


def _end_of(data: bytes, start: int, end: int) -> int:
    """Where an element ends, given where expat saw its end: at its end tag, or behind `/>`."""
    return end if start_tag(data, start).endswith(b"/>") else data.index(b">", end) + 1


# One to five seconds' work, by the machine.
_MOST_ITEMS = 2_500
_MOST_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """Which of the items of a document are asked for: the first from `begin` to before `end`."""

    begin: int  # an index into the items
    end: int | None = None  # None: as many as are read at a time


def first_of(new: Sequence[int], size_of: Callable[[int], int], part: Part | None) -> Sequence[int]:
    """Return the indices of the items of the part, of which there are no more than are read at a
    time; without a part all.

    `new` holds the indices of all items that there is something to read of, `size_of` says how
    many bytes one has.
    """
    if part is None:
        return new
    end = new[-1] + 1 if part.end is None and new else part.end or 0
    within = [index for index in new if part.begin <= index < end]
    sizes = accumulate(map(size_of, within[:_MOST_ITEMS]))
    return within[: max(1, sum(size <= _MOST_BYTES for size in sizes))]
