"""Which entries are public, and which keys are remembered: for a refresh and a rebuild alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

FLOOR = timedelta(hours=48)  # nothing leaves the public feed sooner
_REMEMBERED = 5_000  # keys, at least

Seen = dict[str, tuple[str, int]]  # key: digest, epoch seconds of the first sight


class Listed(Protocol):
    """Anything that has a place in the feed."""

    @property
    def listed_at(self) -> datetime:
        """When it last entered the public window."""
        ...


def staying(newest_first: Sequence[Listed], keep: int, floor: datetime | None) -> int:
    """How many of them are to stay in the public feed: `keep`, and all down to the last that was
    listed after `floor`.

    None: there is no floor, since of a first mirror nothing has been public yet.
    """
    if floor is None:
        return min(keep, len(newest_first))
    recent = (rank for rank, one in enumerate(newest_first, 1) if one.listed_at > floor)
    return min(max(keep, *recent, 0), len(newest_first))


def remembered(seen: Seen, least: int) -> Seen:
    """The keys that are worth remembering, `least` of them; the first ones of `seen` are forgotten.

    That is to be twice as many as the document has entries: none of them is then taken for new.
    """
    surplus = len(seen) - max(_REMEMBERED, least)
    return {key: seen[key] for key in list(seen)[surplus:]} if surplus > 0 else seen
