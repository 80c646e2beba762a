"""Known items: empty them before the XML parser reads the document.

Nearly all items of a document are known from the one before, and reading them again would take most
of the time. Here their content is cut out, by a search for bytes that knows nothing of XML; what is
left is parsed, and must show each emptied item as an item, at its position and within the start
tags that its fingerprint depends on (`split.split`). Otherwise the whole document is parsed.

That the shortened document is parsed like the whole one follows from this. Up to the first emptied
item both are the same, and the parser is where an item begins. The bytes that are cut out are those
of an item that was well-formed before, in a document without entities of its own and within the
same start tags, which declare all of its prefixes: so it is well-formed here, too, and ends where
the empty one ends. The same holds for each one after it. What else could depend on the items that
are cut out is checked here: the encoding, the limit of elements, and an XML declaration among them.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Set

from msgspec import Struct

from feedmirror.parsing.decode import HEAD, is_utf8, prepare_xml
from feedmirror.parsing.scan import MOST_ELEMENTS
from feedmirror.parsing.split import Emptied, fingerprint, fingerprint_key, start_tag

_ITEM = re.compile(rb"<item[\s>]")
_START = re.compile(rb"<[^?!]")
_NAME_ENDS = frozenset((b" ", b"\t", b"\r", b"\n", b">"))
_LATEST_XML_BYTES = 4 * 4096  # in which `decode.prepare_xml` looks for a declaration


class Shortened(Struct, frozen=True):
    """A document as `decode.prepare_xml` returns it, whose known items are empty."""

    text: str
    emptied: Emptied


def shorten(body: bytes, content_type: str | None, known: Set[str]) -> Shortened | None:
    """Return a document without the content of most items in `known`, which are fingerprints.

    None if there are none, or if the document could be read in another way without them.
    Raises: ParseError, as `decode.prepare_xml` does.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    if not known or not is_utf8(body, content_type) or body.count(b"<") > MOST_ELEMENTS:
        return None
    around, name, begin = _surroundings(body)
    spans = tuple(_known_spans(body, begin, name, around, known))
    if not spans or b"<?xml" in body[spans[0][0] : _LATEST_XML_BYTES].lower():
        return None
    pieces: list[bytes] = []
    emptied: list[tuple[int, int, str]] = []
    position = size = 0
    for start, end, found in spans:
        empty = start_tag(body, start) + b"</" + name + b">"
        pieces += (body[position:start], empty)
        size += start - position
        emptied.append((size, size + len(empty), found))
        size, position = size + len(empty), end
    short = b"".join((*pieces, body[position:]))
    return _prepared(short, emptied, around)


def _surroundings(body: bytes) -> tuple[tuple[bytes, ...], bytes, int]:
    """Return the start tags that are likely to be around the items, the name of the items, and the
    position after these tags.
    """
    root = _START.search(body)
    if root is None:
        return (), b"item", len(body)
    tag = start_tag(body, root.start())
    begin = root.start() + len(tag)
    if tag.startswith(b"<feed"):
        return (tag,), b"entry", begin
    first = _ITEM.search(body, begin)
    if first is None:
        return (tag,), b"item", len(body)
    channel = body.find(b"<channel", begin, first.start())
    if channel < 0 or body.find(b"</channel", channel, first.start()) >= 0:
        return (tag,), b"item", begin
    inner = start_tag(body, channel)
    return (tag, inner), b"item", channel + len(inner)


def _known_spans(
    body: bytes, begin: int, name: bytes, around: tuple[bytes, ...], known: Set[str]
) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and fingerprint of what looks like a known item, each byte read once."""
    opening, closing, key = b"<" + name, b"</" + name + b">", fingerprint_key(around)
    start = body.find(opening, begin)
    while start >= 0:
        position = start + len(opening)
        if body[position : position + 1] in _NAME_ENDS:
            end = body.find(closing, position)
            if end < 0:
                return
            position = end + len(closing)
            found = fingerprint(body[start:position], key)
            if found in known:
                yield start, position, found
        start = body.find(opening, position)


def _prepared(
    short: bytes, emptied: list[tuple[int, int, str]], around: tuple[bytes, ...]
) -> Shortened | None:
    """Return the shortened document, prepared, with the positions of its empty elements; None if
    preparing it changes more than what comes before the root element.
    """
    try:
        text = short.decode()
    except UnicodeDecodeError:
        return None
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return None
    text = prepare_xml(text)
    data = text.encode()
    moved = len(data) - len(short)
    if emptied[0][0] + moved < len(HEAD) or not short.endswith(data[len(HEAD) :]):
        return None
    return Shortened(
        text, Emptied({(a + moved, b + moved): found for a, b, found in emptied}, around)
    )
