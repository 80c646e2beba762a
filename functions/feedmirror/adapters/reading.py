"""A document on its way through the parser, part by part: what has been read, and what is next."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from feedmirror.errors import Kind, ParseError
from feedmirror.model import ParsedFeed
from feedmirror.parsing.split import Part


class PartialReading:
    """The entries of a document that have been read, and the items that are left.

    A part that fails is divided at the item that the parser was at, and in the middle of what
    comes before it, as many small items may be too much together. An item that fails alone is
    unreadable.
    """

    def __init__(self, known: Set[str]) -> None:
        self.parsed: ParsedFeed | None = None  # None: not even the items are known
        self._known = known
        self._left: list[int] = []  # indices of items with neither an entry nor a reason
        self._ends: list[int] = []  # that the next parts must not go beyond, the first one last
        self._is_careful = False  # whether a part has failed

    def next(self) -> Part | None:
        """Return the part to ask for, None if all has been read."""
        if self.parsed is None:
            return Part(0)
        if not self._left:
            return None
        begin = self._left[0]
        while self._ends and self._ends[-1] <= begin:
            self._ends.pop()
        if self._ends:
            return Part(begin, self._ends[-1])
        return Part(begin, len(self.parsed.items) if self._is_careful else None)

    def found(self, part: Part, read: ParsedFeed) -> None:
        """Take in what was read of a part. Raises: ValueError if that is of another part."""
        if self.parsed is None or (part.end is None and not read.lossless):
            self.parsed = read  # a document that cannot be taken apart after all comes whole
        else:
            self.parsed = _joined(self.parsed, part, read)
        self._count()

    def failed(self, part: Part, why: str, reached: int) -> None:
        """Divide a part that the parser cannot take. The items must be known by now.

        `why` is a sentence, `reached` the index of the item that work had begun on; any other
        number if that is unknown.
        """
        assert self.parsed is not None  # noqa: S101 - see above
        self._is_careful = True
        within = [index for index in self._left if part.end is None or index < part.end]
        if len(within) == 1:
            unreadable = {**self.parsed.unreadable, within[0]: why}
            self.parsed = replace(self.parsed, unreadable=unreadable)
            self._count()
            return
        at = within.index(reached) if reached in within else len(within) - 1
        ends = (within[at] + 1, within[at], within[at // 2])
        self._ends += (end for end in ends if end > within[0])

    def is_single(self, part: Part) -> bool:
        """True if there is but one item left in the part."""
        return len([index for index in self._left if part.end is None or index < part.end]) == 1

    @property
    def unreadable(self) -> int:
        """Number of items that cannot be read, so far."""
        return len(self.parsed.unreadable) if self.parsed else 0

    def given_up(self, when: str) -> ParseError:
        """Return the error that says how far the parser came."""
        assert self.parsed is not None  # noqa: S101 - before that there is another error
        items, unreadable = len(self.parsed.items), self.parsed.unreadable
        told = f"the parser has read {len(self.parsed.entries)} of the {items} entries {when}"
        if unreadable:
            told += f"; {len(unreadable)} cannot be read, the first because "
            told += next(iter(unreadable.values()))
        return ParseError(Kind.PARSER, told)

    def _count(self) -> None:
        assert self.parsed is not None  # noqa: S101 - called when it is set
        entries, unreadable = self.parsed.entries, self.parsed.unreadable
        self._left = [
            index
            for index, item in enumerate(self.parsed.items)
            if not (index in entries or index in unreadable or item.fingerprint in self._known)
        ]


def _joined(parsed: ParsedFeed, part: Part, read: ParsedFeed) -> ParsedFeed:
    """Return what has been read, a part included. Raises: ValueError."""
    items = parsed.items
    if not read.lossless and len(read.items) == len(items):
        # The lenient parser tells items by their entries where they have one.
        pairs = enumerate(zip(read.items, items, strict=True))
        items = tuple(new if index in read.entries else old for index, (new, old) in pairs)
    has_begin = part.begin in read.entries or part.begin in read.unreadable
    same = read.items == items if read.lossless else len(read.items) == len(items)
    if read.lossless != parsed.lossless or not same or not has_begin:
        raise ValueError("another part of the document than it was asked for")
    return replace(
        parsed,
        items=items,
        entries={**parsed.entries, **read.entries},
        unreadable={**parsed.unreadable, **read.unreadable},
    )
