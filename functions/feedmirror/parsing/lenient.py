"""Documents that are not well-formed XML: repair the usual faults, or parse them leniently.

Repairs do not change the meaning of a document. The lenient parser is that of feedparser.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Callable, Iterator, Sequence, Set
from hashlib import blake2b
from itertools import islice
from typing import Any

from feedmirror.errors import Kind, ParseError
from feedmirror.model import PARSER_VERSION, Entry, Item, ParsedFeed
from feedmirror.parsing import channel
from feedmirror.parsing.decode import HEAD, refuse_entities
from feedmirror.parsing.entries import base_of_entries, convert_entries, run_feedparser
from feedmirror.parsing.scan import LONGEST_NAMESPACE
from feedmirror.parsing.split import Part, is_closed
from feedmirror.text.namespaces import ATOM, PREFIXES
from feedmirror.text.xml import printable, quote

_MOST_ALONE = 250  # items of a part that are parsed one by one: about a second's work
# Comments and CDATA sections are matched as a whole, and to the end if they have no end.
_ITEM_TAG = re.compile(
    r"<!--(?:.*?-->|.*)|<!\[CDATA\[(?:.*?\]\]>|.*)"
    r"|<(?P<end>/?)(?P<name>(?:[^\s<>/:]+:)?(?:item|entry))(?=[\s/>])[^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_IDENTIFYING = re.compile(
    r"<(guid|id|link)(?:\s[^<>]*+)?>(?:\s*+<!\[CDATA\[)?([^<>]*+)(?:\]\]>\s*+)?</\1", re.IGNORECASE
)
_START_TAG = re.compile(r"<[^\s!?/>][^<>]*>")
_CHANNEL = re.compile(r"<channel[\s>]", re.IGNORECASE)


def parse_lenient(
    text: str,
    location: str,
    known: Set[str],
    part: Part | None,
    progress: Callable[[int], object],
) -> ParsedFeed:
    """Parse the whole document; with a `part` that has an end, its first items one by one.

    `progress` is called with the index of each item as work on it begins.

    feedparser is given no address of the document, since it would resolve guids, and all guids
    would change with the address of the feed; links are resolved afterwards. The fingerprint of an
    item is made of its entry; if it has no entry, of its text, and items with a fingerprint in
    `known` are hidden from feedparser. A document without the end tag of its root is truncated, and
    its last entry is dropped.

    Raises: ParseError UNSAFE, PARSER.
    """
    refuse_entities(text)
    document = _Document(repair_names(repair_characters(repair_namespaces(text))))
    if part is None or part.end is None:
        return document.whole(location, known, progress)
    return document.one_by_one(location, known, range(part.begin, part.end), progress)


class _Document:
    """A document, and the positions of its items as far as its tags show them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._complete = is_closed(text.encode())
        self._spans = list(_spans(text))
        self._whole_items = text  # without the last item, if the document is truncated
        if self._spans and not self._complete:
            self._whole_items = text[: self._spans.pop()[0]]
        self._items = [_item_without_entry(text[start:end]) for start, end in self._spans]

    def whole(
        self, location: str, known: Set[str], progress: Callable[[int], object]
    ) -> ParsedFeed:
        """Parse all items, except those that are known to have no entry."""
        kept = [i for i, item in enumerate(self._items) if item.fingerprint not in known]
        if len(kept) == len(self._items):
            parsed, entries = _parse(self._text, location, progress)
            entries = entries if self._complete else entries[:-1]
            items = [_item(entry) for entry in entries]
            return self._feed(parsed, location, items, dict(enumerate(entries)))
        parsed, entries = _parse(self._without(kept), location, progress)
        if len(entries) != len(kept):
            raise ParseError(
                Kind.PARSER, "feedparser finds another number of items than there are tags"
            )
        return self._feed(parsed, location, *self._joined(dict(zip(kept, entries, strict=True))))

    def one_by_one(
        self,
        location: str,
        known: Set[str],
        wanted: range,
        progress: Callable[[int], object],
    ) -> ParsedFeed:
        """Parse the first items with an index in `wanted`, each by itself."""
        parsed, _ = _parse(self._without(()), location, progress)
        entries, unreadable = {}, {}
        new = (i for i, item in enumerate(self._items) if item.fingerprint not in known)
        for index in islice((i for i in new if i in wanted), _MOST_ALONE):
            progress(index)
            start, end = self._spans[index]
            _, found = _parse(self._enclosing_tags() + self._text[start:end], location, of=parsed)
            if found:
                entries[index] = found[0]
            else:
                unreadable[index] = "feedparser finds no entry in the item"
        return self._feed(parsed, location, *self._joined(entries), unreadable)

    def _joined(self, entries: dict[int, Entry]) -> tuple[list[Item], dict[int, Entry]]:
        items = [
            _item(entries[index]) if index in entries else item
            for index, item in enumerate(self._items)
        ]
        return items, entries

    def _feed(
        self,
        parsed: Any,
        location: str,
        items: list[Item],
        entries: dict[int, Entry],
        unreadable: dict[int, str] | None = None,
    ) -> ParsedFeed:
        feed = channel.feed(parsed, location, None)
        return ParsedFeed(feed, tuple(items), entries, False, self._complete, unreadable or {})

    def _without(self, kept: Sequence[int]) -> str:
        """Return the document with only the items in `kept`, which is sorted."""
        pieces, position, keep = [], 0, set(kept)
        for index, (start, end) in enumerate(self._spans):
            if index not in keep:
                pieces.append(self._text[position:start])
                position = end
        return "".join((*pieces, self._whole_items[position:]))

    def _enclosing_tags(self) -> str:
        """Return the start tags around an item: that of the root, and that of the channel."""
        head = self._text[: self._spans[0][0]]
        root = _START_TAG.search(head)
        is_within = _CHANNEL.search(head) and "</channel" not in head.lower()
        return (root[0] if root else "") + ("<channel>" if is_within else "")


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of the items; without an end tag, an item ends where the next begins."""
    start: int | None = None
    for tag in _ITEM_TAG.finditer(text):
        if tag["name"] is None:
            continue
        if start is not None:
            yield start, tag.end() if tag["end"] else tag.start()
            start = None
        if not tag["end"]:
            start = tag.start()
    if start is not None:
        yield start, len(text)


def _parse(
    text: str,
    location: str,
    progress: Callable[[int], object] = lambda _: None,
    of: Any = None,
) -> tuple[Any, tuple[Entry, ...]]:
    """Return the result of feedparser, and the entries in it.

    `of` is the result of feedparser for the whole feed, where `text` is a single item.
    """
    parsed = run_feedparser(text.encode("utf-8"))
    raws = parsed.entries
    no_elements = [None] * len(raws)
    feed = channel.feed(of or parsed, location, None)
    base = base_of_entries(feed, parsed.version, location)
    return parsed, convert_entries(raws, parsed.version, base, no_elements, progress)


def _item(entry: Entry) -> Item:
    return Item(_digest(f"{PARSER_VERSION}{entry!r}"), entry.guid, entry.link)


def _item_without_entry(text: str) -> Item:
    """Return the item of an entry that is not parsed, from its text."""
    ids = {match[1].lower(): match[2].strip() for match in _IDENTIFYING.finditer(text)}
    guid, link = ids.get("guid") or ids.get("id"), ids.get("link")
    return Item(_digest(f"{PARSER_VERSION} as it came {text}"), guid or None, link or None)


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()


_AMPERSAND = re.compile(
    r"&(?:#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|(?P<name>[A-Za-z][A-Za-z0-9]{1,31});)?"
)
_NUMBER = re.compile(r"&#(?:([0-9]+)|[xX]([0-9a-fA-F]+));?")
# Names that feedparser uses for data of its own, or expects within another element. An element with
# such a name would overwrite the data, or make feedparser fail.
_RESERVED_TAG = re.compile(
    r"</?(?:links|tags|authors|contributors|enclosures|[\w.-]+[_:](?:detail|parsed|pos|poslist))"
    r"(?=[\s/>])[^<>]*>?",
    re.IGNORECASE,
)
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_LONG_NAMESPACE = re.compile(
    rf"(?<=\s)(xmlns(?>(?::[^\s=]++)?)\s*+=\s*+)"
    rf"(\"[^\"]{{{LONGEST_NAMESPACE},}}+\"|'[^']{{{LONGEST_NAMESPACE},}}+')"
)
_ROOT = re.compile(r"<[^\s/>]+")


def repair_references(text: str) -> str:
    """Escape bare ampersands, replace HTML's named entities, and drop references XML forbids.

    Leaves CDATA sections, where references have no meaning, unchanged.
    """
    pieces: list[str] = []
    position = 0
    while (start := text.find("<![CDATA[", position)) >= 0:
        end = text.find("]]>", start)
        if end < 0:
            break
        pieces += [_AMPERSAND.sub(_reference, text[position:start]), text[start : end + 3]]
        position = end + 3
    pieces.append(_AMPERSAND.sub(_reference, text[position:]))
    return "".join(pieces)


def _reference(match: re.Match[str]) -> str:
    name = match["name"]
    if match[0] == "&":
        return "&amp;"
    if name is None:
        return _character(match[0])
    if name in _XML_ENTITIES:
        return match[0]
    # As numbers, since `&LT;` names a character that would be markup.
    characters = html.entities.html5.get(name + ";")
    return "".join(f"&#{ord(c)};" for c in characters) if characters else f"&amp;{name};"


def repair_characters(text: str) -> str:
    """Drop references to characters that do not exist or that XML forbids.

    The lenient parser of feedparser fails on such references.
    """
    return _NUMBER.sub(lambda match: _character(match[0]), text)


def repair_names(text: str) -> str:
    """Drop tags with names that the lenient parser of feedparser uses for data of its own."""
    return _RESERVED_TAG.sub("", text)


def repair_namespaces(text: str) -> str:
    """Replace namespaces longer than `LONGEST_NAMESPACE` by short ones.

    A parser repeats the namespace in the name of each element and attribute.
    """
    return _LONG_NAMESPACE.sub(lambda match: f'{match[1]}"{_short(match[2][1:-1])}"', text)


def _short(uri: str) -> str:
    return f"urn:long:{blake2b(uri.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"


def _character(reference: str) -> str:
    """Return a character reference unchanged, or "" if XML forbids the character."""
    number = reference[2:].rstrip(";")
    digits = number.lstrip("xX").lstrip("0") or "0"
    if len(digits) > 7:
        return ""
    code = int(digits, 16 if number[0] in "xX" else 10)
    if code > 0x10FFFF or not printable(chr(code)):
        return ""
    return reference


def repair_prefixes(text: str) -> str:
    """Declare the well-known prefixes that `text` uses without a declaration.

    `text` is a document as `decode.prepare_xml` returns it.
    """
    root = _ROOT.match(text, len(HEAD))
    missing = "".join(
        f" xmlns:{prefix}={quote(uri)}"
        for prefix, uri in PREFIXES.items()
        if f"{prefix}:" in text and f"xmlns:{prefix}=" not in text
    )
    return text[: root.end()] + missing + text[root.end() :] if root else text


def repair_entry(text: str) -> str:
    """Wrap a document that is a single Atom entry in a feed. Source: RFC 4287 §2."""
    return f"{HEAD}<feed xmlns={quote(ATOM)}>{text[len(HEAD) :]}</feed>"
