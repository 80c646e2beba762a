"""Delta parsing against a full parse: whatever is known, the rest is read the same."""

from __future__ import annotations

from feedmirror.errors import ParseError
from feedmirror.model import ParsedFeed
from feedmirror.parsing.parse import parse, parse_whole
from fuzz.inputs import chance, fetched
from fuzz.judges import require

SEEDS = ("feeds",)


def check(data: bytes) -> None:
    """With some items known, all of them, or none, each other entry is the same."""
    document = fetched(data)
    try:
        whole = parse(document, frozenset())
    except ParseError:
        return
    prints = [item.fingerprint for item in whole.items]
    chosen = chance(data)
    for share in (0.5, 1.0):
        known = frozenset(mark for mark in prints if chosen.random() < share)
        part = parse(document, known)
        require(part == parse_whole(document, known), "what is in known items makes a difference")
        _require_part(part, whole, known)


def _require_part(part: ParsedFeed, whole: ParsedFeed, known: frozenset[str]) -> None:
    prints = [[item.fingerprint for item in parsed.items] for parsed in (part, whole)]
    require(prints[0] == prints[1], "there are other items")
    require(part.feed == whole.feed, "the feed is another")
    require(part.complete == whole.complete, "it is cut off, or not")
    if not part.lossless:
        return  # it was read whole, by the lenient parser
    for index, entry in whole.entries.items():
        if whole.items[index].fingerprint not in known:
            require(part.entries.get(index) == entry, f"entry {index} differs")
    require(part.entries.keys() <= whole.entries.keys(), "there are more entries")
