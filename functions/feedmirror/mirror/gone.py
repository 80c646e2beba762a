"""Addresses that answer 410 (gone): when that is believed, and when they are asked again.

A single 410 may come from a page that blocks. After three UTC days with one the address is gone:
it is asked once a week, and a document or a 304 ends that. Source: RFC 9110 §15.5.11.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from feedmirror.model import Count, Stored, require_utc

DAYS = 3
_PAUSE = timedelta(days=7)


class Sightings(Stored, frozen=True):
    """The 410s of one address since it last answered with a feed."""

    days: Count  # UTC days with a 410, `DAYS` at most
    last: datetime  # the first 410 of the newest of them; once it is gone: when it was last asked

    def __post_init__(self) -> None:
        require_utc(self.last)

    @property
    def asked_again_at(self) -> datetime | None:
        """When a gone address is asked again; None if it is not gone."""
        return self.last + _PAUSE if self.days >= DAYS else None


def seen(known: Sightings | None, now: datetime) -> Sightings:
    """Return the sightings after one more 410."""
    if known is None:
        return Sightings(1, now)
    if known.days >= DAYS:
        return replace(known, last=now)
    return known if now.date() <= known.last.date() else Sightings(known.days + 1, now)


def after_failure(
    gone: Mapping[str, Sightings], url: str, now: datetime
) -> Mapping[str, Sightings]:
    """Return the sightings after another failure: an address that is gone waits another week."""
    known = gone.get(url)
    if known is None or known.days < DAYS:
        return gone
    return {**gone, url: replace(known, last=now)}


def all_asked_again_at(gone: Mapping[str, Sightings], urls: Iterable[str]) -> datetime | None:
    """Return when the first of a feed's addresses is asked again; None if not all are gone."""
    moments = [gone[url].asked_again_at if url in gone else None for url in urls]
    waits = [moment for moment in moments if moment]
    return min(waits) if waits and len(waits) == len(moments) else None
