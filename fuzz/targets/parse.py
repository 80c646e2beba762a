"""Parsing: from bytes to entries, in all steps that the parser's child takes."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import json

from feedmirror.adapters.parser_messages import Parsed
from feedmirror.errors import ParseError
from feedmirror.mirror.codec import decode
from feedmirror.model import Entry, ParsedFeed
from feedmirror.parsing.parse import parse
from feedmirror.text.urls import absolute
from fuzz.inputs import fetched
from fuzz.judges import require, require_inert, require_text

SEEDS = ("feeds",)


def check(data: bytes) -> None:
    """The document is refused, or its entries are clean and survive the way to the parent."""
    try:
        parsed = parse(fetched(data), frozenset())
    except ParseError as error:
        require_text(str(error), "the refusal")
        return
    require(set(parsed.entries) == set(range(len(parsed.items))), "an item has no entry")
    for entry in parsed.entries.values():
        _require_clean(entry)
    for address in (parsed.feed.link, parsed.feed.image and parsed.feed.image.url):
        require(address is None or absolute(address, None) == address, f"address {address!r}")
    _require_same(decode(json.encode(Parsed.of(parsed)), Parsed).whole(), parsed)


def _require_clean(entry: Entry) -> None:
    for words in (entry.title, entry.language, *(author.name for author in entry.authors)):
        require_text(words, "an entry")
    for address in _addresses(entry):
        require(absolute(address, None) == address, f"address {address!r}")
    for body in (entry.summary, entry.content):
        require_inert(body or "", "a body")


def _addresses(entry: Entry) -> Iterator[str]:
    yield from filter(None, (entry.link, entry.comments))
    yield from (enclosure.url for enclosure in entry.enclosures)


def _require_same(received: ParsedFeed, sent: ParsedFeed) -> None:
    require(received == sent, "the parent gets something else than the child said")
