"""Where the items of a document lie, found in one pass of expat, without interpreting them.

This is what makes a refresh cost what is new: items whose fingerprint is known are cut out before
the (slow) interpreter sees the document.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from xml.parsers import expat

from feedmirror.core.xml import SEPARATOR, parser
from feedmirror.errors import Kind, ParseError
from feedmirror.model import Item

# Part of every fingerprint: raise it when a fix should reach entries that are still at the origin.
PARSER_VERSION = 1

# Namespaces in which `item`, `entry`, `guid` ... mean what they mean in RSS and Atom; those that
# feedparser maps to no prefix.
BASE_NAMESPACES = frozenset(
    {
        "",
        "http://backend.userland.com/rss",
        "http://backend.userland.com/rss2",
        "http://blogs.law.harvard.edu/tech/rss",
        "http://purl.org/rss/1.0/",
        "http://my.netscape.com/rdf/simple/0.9/",
        "http://example.com/newformat#",
        "http://example.com/necho",
        "http://purl.org/echo/",
        "uri/of/echo/namespace#",
        "http://purl.org/pie/",
        "http://purl.org/atom/ns#",
        "http://www.w3.org/2005/atom",
        "http://purl.org/rss/1.0/modules/rss091#",
    }
)
_ITEMS = frozenset({"item", "entry"})
_IDENTIFYING = frozenset({"guid", "id", "link"})
_RDF_ABOUT = f"http://www.w3.org/1999/02/22-rdf-syntax-ns#{SEPARATOR}about"
_MOST_ELEMENTS = 300_000
_MOST_ATTRIBUTES = 100
_DEEPEST = 200
_TAG = re.compile(rb"<[^>\"']*(?:\"[^\"]*\"[^>\"']*|'[^']*'[^>\"']*)*>")
# expat's codes for "the document ended too soon". Source: expat.h
_CUT = frozenset({3, 5, 6, 20})
UNBOUND_PREFIX = 27


class CannotSplit(Exception):  # noqa: N818 - an answer within core, never shown
    """The items cannot be lifted out one by one: read the document whole."""

    def __init__(self, why: str, code: int = 0) -> None:
        super().__init__(why)
        self.code = code  # expat's, 0 if the document is well-formed


@dataclass(frozen=True, slots=True)
class Plan:
    """A document in UTF-8 and where its items lie."""

    data: bytes
    spans: tuple[tuple[int, int], ...]  # byte offsets of each item, in document order
    items: tuple[Item, ...]  # of the same length
    open_tags: tuple[bytes, ...]  # start tags of the elements around the items, outermost first
    complete: bool  # False: the document was cut off

    def reduced(self, keep: Collection[int]) -> tuple[bytes, bool]:
        """The document without the items that are not in `keep`, and whether an empty item stands
        first, whose entry must be dropped again: what a channel's head leaves behind in feedparser
        would otherwise leak into the first of the kept.
        """
        out: list[bytes] = []
        position = 0
        sentinel = bool(keep) and 0 not in keep
        if sentinel:
            start = self.spans[0][0]
            name = re.split(rb"[\s/>]", self.data[start + 1 : start + 80], maxsplit=1)[0]
            out.append(self.data[:start] + b"<" + name + b"></" + name + b">")
            position = start
        for index, (start, end) in enumerate(self.spans):
            if index not in keep:
                out.append(self.data[position:start])
                position = end
        tail = self.data[position:] if self.complete else self._mended_tail(position)
        return b"".join(out) + tail, sentinel

    def _mended_tail(self, position: int) -> bytes:
        """What follows `position` up to the last whole item, and the missing end tags."""
        end = max(position, self.spans[-1][1])
        names = [re.split(rb"[\s>]", tag[1:], maxsplit=1)[0] for tag in reversed(self.open_tags)]
        return self.data[position:end] + b"".join(b"</" + name + b">" for name in names)


def split(text: str) -> Plan:
    """The plan of a document that `gate.admit` let pass.

    A cut document gives the items that are whole. Fingerprints are keyed by the parser's version
    and by the start tags around the items, since namespaces, `xml:base` and `xml:lang` count.

    Raises: CannotSplit; ParseError UNSAFE for a document beyond all reason in depth or number.
    """
    data = text.encode("utf-8")
    scan = _Scan()
    complete = True
    try:
        scan.parser.Parse(data, True)
    except expat.ExpatError as error:
        if error.code not in _CUT or not scan.spans or _closes(data, scan.root):
            raise CannotSplit(f"not well-formed: {error}", error.code) from error
        complete = False
    if scan.refused:
        raise CannotSplit(scan.refused)
    tags = tuple(_start_tag(data, position) for position in scan.heads)
    key = blake2b(b"\0".join((str(PARSER_VERSION).encode(), *tags)), digest_size=16).digest()
    if any(_start_tag(data, start).endswith(b"/>") for start, _end in scan.spans):
        raise CannotSplit("an item without content")
    ends = [data.index(b">", end) + 1 for _start, end in scan.spans]
    spans = tuple((start, end) for (start, _), end in zip(scan.spans, ends, strict=True))
    items = tuple(
        Item(
            blake2b(data[start:end], digest_size=12, key=key).hexdigest(),
            guid or None,
            link or None,
        )
        for (start, end), (guid, link) in zip(spans, scan.ids, strict=True)
    )
    return Plan(data, spans, items, tags, complete)


def _closes(data: bytes, root: str) -> bool:
    """Whether the root element's end tag is there, near the end: then it was not cut off."""
    return bool(re.search(rb"</\s*" + re.escape(root.encode()) + rb"\s*>", data[-4096:]))


def _start_tag(data: bytes, position: int) -> bytes:
    found = _TAG.match(data, position)
    return found.group() if found else b""


def is_base(uri: str) -> bool:
    """Whether names of this namespace are RSS's or Atom's own."""
    return uri.lower() in BASE_NAMESPACES


class _Scan:
    """The handlers of the pass, and what they find."""

    def __init__(self) -> None:
        self.parser = parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.spans: list[tuple[int, int]] = []  # start of the start tag, start of the end tag
        self.ids: list[tuple[str, str]] = []  # raw guid and link of each item
        self.heads: list[int] = []  # where the start tags around the items stand
        self.refused = ""
        self.root = ""  # as written, with its prefix
        self._outside: list[str] = []  # local names of the open elements that are no part of items
        self._inside = 0  # depth within an item
        self._begin = 0
        self._count = 0
        self._guid: list[str] = []
        self._link: list[str] = []
        self._capturing: list[str] | None = None

    def _start(self, name: str, attributes: list[str]) -> None:
        self._count += 1
        if self._inside:
            self._inside += 1
            if self._inside == 2:
                self._identify(name, attributes)
            if self._inside > _DEEPEST or len(attributes) > 2 * _MOST_ATTRIBUTES:
                _refuse("an element nested deeper or with more attributes than any feed has")
            if name.endswith(("item", "entry")) and self._is_item(name):
                self.refused = "an item within an item"
            return
        if self._count > _MOST_ELEMENTS:
            _refuse(f"more than {_MOST_ELEMENTS} elements")
        if self._is_item(name):
            self._enter(attributes)
            return
        local, _, prefix = _parts(name)
        if not self._outside:
            self.root = f"{prefix}:{local}" if prefix else local
        self._outside.append(local.lower())
        if len(self._outside) > _DEEPEST or len(attributes) > 2 * _MOST_ATTRIBUTES:
            _refuse("an element nested deeper or with more attributes than any feed has")
        if len(self._outside) == 1 or self._outside[1:] == ["channel"]:
            self.heads.append(self.parser.CurrentByteIndex)

    def _enter(self, attributes: list[str]) -> None:
        depth = len(self._outside)
        if not 1 <= depth <= 2 or (depth == 2 and self._outside[-1] != "channel"):
            self.refused = "an item where none belongs"
        self._inside = 1
        self._begin = self.parser.CurrentByteIndex
        about = [
            v
            for k, v in zip(attributes[::2], attributes[1::2], strict=True)
            if k.startswith(_RDF_ABOUT)
        ]
        self._guid, self._link = about[:1], []

    def _end(self, _name: str) -> None:
        if not self._inside:
            self._outside.pop()
            return
        self._inside -= 1
        if self._inside == 1 and self._capturing is not None:
            self._capturing = None
            self.parser.CharacterDataHandler = None
        if self._inside == 0:
            end = self.parser.CurrentByteIndex
            self.spans.append((self._begin, end))
            self.ids.append(("".join(self._guid).strip(), "".join(self._link).strip()))

    def _identify(self, name: str, attributes: list[str]) -> None:
        local, uri, _ = _parts(name)
        local = local.lower()
        if local not in _IDENTIFYING or not is_base(uri):
            return
        values = dict(zip(attributes[::2], attributes[1::2], strict=True))
        if local == "link" and "href" in values:
            if values.get("rel", "alternate") == "alternate" and not self._link:
                self._link = [values["href"]]
            return
        self._capturing = self._link if local == "link" else self._guid
        self._capturing.clear()
        self.parser.CharacterDataHandler = self._capturing.append

    @staticmethod
    def _is_item(name: str) -> bool:
        local, uri, prefix = _parts(name)
        return local.lower() in _ITEMS and (not prefix or is_base(uri))


def _parts(name: str) -> tuple[str, str, str]:
    """Local name, namespace and prefix."""
    uri, _, rest = name.rpartition(SEPARATOR) if name.count(SEPARATOR) == 1 else ("", "", name)
    if SEPARATOR in rest:
        uri, rest, prefix = name.split(SEPARATOR)
        return rest, uri, prefix
    return rest, uri, ""


def _refuse(what: str) -> None:
    raise ParseError(Kind.UNSAFE, f"the document has {what}, which is refused")
