"""The extension elements that may stand in a channel or an item of RSS.

Source: RSS Advisory Board profile, "Namespace elements"; the W3C's feed validator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_OF_CHANNEL = frozenset(
    "author category contributor generator icon id link logo rights subtitle title updated".split()
)
_OF_ITEM = frozenset(
    "author category content contributor id link published rights summary title updated".split()
)
_REPEATABLE = frozenset({"category", "contributor", "link"})
_PERSONS = frozenset({"author", "contributor"})
_ATOM = re.compile(r"<atom:(\w++)")
_NAME = re.compile(r"<atom:name(?:\s[^<>]*+)?>\s*+[^<\s]")
_TITLE = re.compile(r"<atom:title(?:\s[^<>]*+)?>([^<]*+)</atom:title>")


def of_channel(fragments: Iterable[str]) -> Iterator[str]:
    """Yield the fragments that are valid in a channel."""
    return _valid(fragments, _OF_CHANNEL)


def of_item(fragments: Iterable[str]) -> Iterator[str]:
    """Yield the fragments that are valid in an item. Atom's source is not: its title stays, as
    Dublin Core's.
    """
    return _valid(fragments, _OF_ITEM)


def _valid(fragments: Iterable[str], known: frozenset[str]) -> Iterator[str]:
    """Yield the fragments but for Atom's that may not stand there, or not again."""
    said: set[str] = set()
    for fragment in fragments:
        found = _ATOM.match(fragment)
        if found is None:
            yield fragment
            continue
        local = found[1]
        if local in known and (local in _REPEATABLE or local not in said):
            if local in _PERSONS and not _NAME.search(fragment):
                continue
            said.add(local)
            yield fragment


def title_of_source(fragments: Iterable[str]) -> str | None:
    """Return the title, as XML, that the Atom source among the fragments has; None if none."""
    source = next((one for one in fragments if one.startswith("<atom:source")), None)
    title = _TITLE.search(source) if source else None
    return title[1].strip() or None if title else None
