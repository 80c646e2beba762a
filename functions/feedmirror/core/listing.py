"""Which entries are public, and which keys are remembered: for a refresh and a rebuild alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

FLOOR = timedelta(hours=48)  # nothing leaves the public feed sooner
_REMEMBERED = 5_000  # keys, at least

Seen = dict[str, tuple[str, int]]  # key: digest, epoch seconds of the first sight


class Listed(Protocol):
    """Anything that has a place in the feed."""

    @property
    def listed_at(self) -> datetime:
        """When it last entered the public window."""
        ...


T = TypeVar("T", bound=Listed)


def public(newest_first: Iterable[T], keep: int, floor: datetime | None) -> Iterator[T]:
    """Those that are public: `keep` of them, and all that were listed after `floor`.

    None: there is no floor, since what a first mirror holds beyond `keep` was never public.
    """
    for rank, one in enumerate(newest_first):
        if rank < keep or (floor is not None and one.listed_at > floor):
            yield one


def remembered(seen: Seen, least: int) -> Seen:
    """The keys that are worth remembering, `least` of them; the first ones of `seen` are forgotten.

    That is to be twice as many as the document has entries: none of them is then taken for new.
    """
    surplus = len(seen) - max(_REMEMBERED, least)
    return {key: seen[key] for key in list(seen)[surplus:]} if surplus > 0 else seen
