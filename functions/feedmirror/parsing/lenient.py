"""Parse documents that are not well-formed XML, with the lenient parser of feedparser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence, Set
from hashlib import blake2b
from itertools import islice
from typing import Any

from feedmirror.errors import Kind, ParseError
from feedmirror.model import PARSER_VERSION, Entry, Item, ParsedFeed
from feedmirror.parsing import channel, decode
from feedmirror.parsing.entries import base_of_entries, convert_entries, run_feedparser
from feedmirror.parsing.repair import repair_characters, repair_names, repair_namespaces
from feedmirror.parsing.split import Part, is_closed

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
    decode.refuse_entities(text)
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
