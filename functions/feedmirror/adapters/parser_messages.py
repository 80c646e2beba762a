"""Answers of the parser's worker: JSON between the processes, of these types and no others."""

from __future__ import annotations

from msgspec.structs import replace

from feedmirror.errors import Kind
from feedmirror.model import Context, ParsedFeed, Stored


class Refused(Stored, frozen=True, tag="refused"):
    """A ParseError."""

    kind: Kind
    message: str


class Parsed(Stored, frozen=True, tag="parsed"):
    """A parsed feed. Contexts, which entries share, are sent once each."""

    feed: ParsedFeed  # its entries without contexts
    contexts: tuple[tuple[Context, tuple[int, ...]], ...] = ()  # each with indices of its entries

    @classmethod
    def of(cls, parsed: ParsedFeed) -> Parsed:
        """Return the message of a feed."""
        entries = {index: replace(one, context=None) for index, one in parsed.entries.items()}
        indices: dict[Context, list[int]] = {}
        for index, entry in parsed.entries.items():
            if entry.context:
                indices.setdefault(entry.context, []).append(index)
        contexts = tuple((context, tuple(of)) for context, of in indices.items())
        return cls(replace(parsed, entries=entries), contexts)

    def whole(self) -> ParsedFeed:
        """Return the feed of the message. Raises: ValueError if an entry is of no item."""
        feed = self.feed
        if not (feed.entries.keys() | feed.unreadable.keys()) <= set(range(len(feed.items))):
            raise ValueError("an entry is of no item")
        contexts = {index: context for context, indices in self.contexts for index in indices}
        entries = {
            index: replace(one, context=contexts.get(index)) for index, one in feed.entries.items()
        }
        return replace(feed, entries=entries)
