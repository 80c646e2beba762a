"""A parser for tests of what comes after parsing: the real one, without the child process."""

from __future__ import annotations

from collections.abc import Sequence, Set

from feedmirror.errors import ParseError
from feedmirror.model import Entry, Fetched, ParsedFeed
from feedmirror.parsing.parse import parse, reread
from feedmirror.ports import Located


class InProcessParser:
    """The `Parser` that parses here: as fast to start as a function call, and as unprotected."""

    def parse(self, fetched: Fetched, known: Set[str]) -> ParsedFeed:
        return parse(fetched, known)

    def reread(self, stored: Sequence[Located]) -> list[Entry | str]:
        """As the `Rereader`."""
        return [_reread(entry, location) for location, entry in stored]


def _reread(entry: Entry, location: str) -> Entry | str:
    try:
        return reread(entry, location)
    except ParseError as error:
        return str(error)
