"""Documents that no XML parser takes, as feedparser's lenient parser reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence, Set
from hashlib import blake2b
from itertools import islice
from typing import Any

from feedmirror.errors import Kind, ParseError
from feedmirror.model import PARSER_VERSION, Entry, Item, ParsedFeed
from feedmirror.parsing import channel, decode
from feedmirror.parsing import entries as reader
from feedmirror.parsing.repair import mend_characters, mend_names, mend_namespaces
from feedmirror.parsing.split import Part, is_closed

_MOST_ALONE = 250  # items that are read one by one at a time: about a second's work
# Comments and CDATA sections are passed over whole; one without an end reaches to the end.
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


def parse(
    text: str,
    location: str,
    known: Set[str],
    part: Part | None,
    progress: Callable[[int], object],
) -> ParsedFeed:
    """Return all of the document, or with a part that has an end the first of its items, each read
    by itself. `progress` is told the index of each item that is worked on.

    Raw guids must not be resolved (a feed that moves would change every one), so the parser is
    given no location; links are resolved afterwards. The fingerprint of an item is that of its
    entry; of an item that has none, that of its text: if `known` has it, the item is left out of
    what the parser sees. Where no end of the feed is in sight the document was cut off, and its
    last entry with it.

    Raises: ParseError UNSAFE, PARSER.
    """
    decode.refuse_entities(text)
    document = _Document(mend_names(mend_characters(mend_namespaces(text))))
    if part is None or part.end is None:
        return document.whole(location, known, progress)
    return document.one_by_one(location, known, range(part.begin, part.end), progress)


class _Document:
    """A document and where its items lie, as far as tags show it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._complete = is_closed(text.encode())
        self._spans = list(_spans(text))
        self._whole_items = text  # without the last item, if that was cut off
        if self._spans and not self._complete:
            self._whole_items = text[: self._spans.pop()[0]]
        self._items = [_unread(text[start:end]) for start, end in self._spans]

    def whole(
        self, location: str, known: Set[str], progress: Callable[[int], object]
    ) -> ParsedFeed:
        """All entries, but for items that are known for having none."""
        kept = [i for i, item in enumerate(self._items) if item.fingerprint not in known]
        if len(kept) == len(self._items):
            parsed, entries = _read(self._text, location, progress)
            entries = entries if self._complete else entries[:-1]
            items = [_item(entry) for entry in entries]
            return self._feed(parsed, location, items, dict(enumerate(entries)))
        parsed, entries = _read(self._without(kept), location, progress)
        if len(entries) != len(kept):
            raise ParseError(Kind.PARSER, "feedparser sees other items than there are tags of")
        return self._feed(parsed, location, *self._joined(dict(zip(kept, entries, strict=True))))

    def one_by_one(
        self,
        location: str,
        known: Set[str],
        wanted: range,
        progress: Callable[[int], object],
    ) -> ParsedFeed:
        """Entries of the first of these items."""
        parsed, _ = _read(self._without(()), location, progress)
        entries, unreadable = {}, {}
        new = (i for i, item in enumerate(self._items) if item.fingerprint not in known)
        for index in islice((i for i in new if i in wanted), _MOST_ALONE):
            progress(index)
            start, end = self._spans[index]
            _, found = _read(self._around() + self._text[start:end], location, of=parsed)
            if found:
                entries[index] = found[0]
            else:
                unreadable[index] = "feedparser finds no entry in it"
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
        """The document without the items that are not in `kept`, which is sorted."""
        pieces, position, keep = [], 0, set(kept)
        for index, (start, end) in enumerate(self._spans):
            if index not in keep:
                pieces.append(self._text[position:start])
                position = end
        return "".join((*pieces, self._whole_items[position:]))

    def _around(self) -> str:
        """What an item by itself needs in front of it: the root's tag, and the channel's."""
        head = self._text[: self._spans[0][0]]
        root = _START_TAG.search(head)
        is_within = _CHANNEL.search(head) and "</channel" not in head.lower()
        return (root[0] if root else "") + ("<channel>" if is_within else "")


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where items begin and end: one that has no end tag ends where the next one begins."""
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


def _read(
    text: str,
    location: str,
    progress: Callable[[int], object] = lambda _: None,
    of: Any = None,
) -> tuple[Any, tuple[Entry, ...]]:
    """Return what feedparser says, and the entries in it. `of` is what it says of the feed, where
    the text holds one of its items alone.
    """
    parsed = reader.interpret(text.encode("utf-8"))
    found = parsed.entries
    nothing = [None] * len(found)
    feed = channel.feed(of or parsed, location, None)
    base = reader.base_of(feed, parsed.version, location)
    return parsed, reader.entries(found, parsed.version, base, nothing, progress)


def _item(entry: Entry) -> Item:
    return Item(_digest(f"{PARSER_VERSION}{entry!r}"), entry.guid, entry.link)


def _unread(text: str) -> Item:
    """An item that has no entry, from its text."""
    said = {found[1].lower(): found[2].strip() for found in _IDENTIFYING.finditer(text)}
    guid, link = said.get("guid") or said.get("id"), said.get("link")
    return Item(_digest(f"{PARSER_VERSION} as it came {text}"), guid or None, link or None)


def _digest(told: str) -> str:
    return blake2b(told.encode("utf-8", "replace"), digest_size=12).hexdigest()
