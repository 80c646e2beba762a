"""Budget of renewals: how many pages the functions of a store may renew in a day (UTC).

A counter in the store, changed by compare-and-swap. It is checked before a slice and raised after
it, so a day may exceed the budget by the slices that run at once.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, json
from msgspec.structs import replace

from feedmirror.layout import RECORD_TYPE, RENEWALS
from feedmirror.mirror import codec
from feedmirror.model import Count, require_utc
from feedmirror.ports import Store, Stored
from feedmirror.storage.objects import update

_SCHEMA = 1


class Renewals(Struct, frozen=True, tag_field="schema", tag=_SCHEMA):
    """The counter as it is stored."""

    day: str  # 2026-01-31
    pages: Count = 0  # that were renewed on that day
    at: datetime | None = None  # when pages were last renewed, on any day

    def __post_init__(self) -> None:
        require_utc(self.at)


def load_renewals(store: Store, now: datetime) -> Renewals:
    """Return the counter of the day of `now`. Raises: StoreError, StateError."""
    return _of_day(store.load(RENEWALS), now)


def count_renewed(store: Store, pages: int, now: datetime) -> None:
    """Add pages to the counter of the day. Raises: StoreError, StateError."""

    def raised(found: Stored | None) -> bytes:
        counter = _of_day(found, now)
        return json.encode(replace(counter, pages=counter.pages + pages, at=now))

    if pages:
        update(store, RENEWALS, RECORD_TYPE, raised)


def _of_day(found: Stored | None, now: datetime) -> Renewals:
    today = Renewals(f"{now:%Y-%m-%d}")
    try:
        counter = codec.load(found.body, Renewals, _SCHEMA, RENEWALS) if found else today
    except ValueError:  # damaged
        return today
    return counter if counter.day == today.day else replace(today, at=counter.at)
