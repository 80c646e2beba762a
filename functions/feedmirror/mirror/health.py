"""A feed's line in the documents of the site as a whole: its health, as the public may know it.

Why a feed fails is in the log. `publishing/formats/status.py` writes the lines to `status.json`
and reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from msgspec import Struct, field

from feedmirror.mirror.state import State


class FeedLine(Struct, frozen=True):
    """A feed's line in the documents of the site."""

    slug: str
    title: str | None = None  # None: never read
    documents: Mapping[str, str] | None = None  # addresses of its feeds by name; None: not public
    last_new: datetime | None = None
    failing: str | None = None  # the group of the failure
    failing_since: datetime | None = None
    is_quiet: bool = False  # for the gauges alone: not written down, as the next three
    is_older: bool = False  # the documents are of a newer deployment than this one
    renewal: str | None = None  # position of the next slice of pages to renew; None: none is left
    pages_left: int = 0  # to renew, at most
    is_retired: bool = False  # by its configuration: not polled any more, but still there
    page: str | None = None  # the address of its page for people; None: there is none yet
    language: str | None = None  # BCP 47; None: the origin does not say
    source: str | None = None  # the page that the origin has, absolute; None: it names none
    removed: Mapping[str, int] = field(default_factory=dict)  # entries taken down, by reason
    # Digest of what the line owes to the feed's configuration; None: made from its state alone.
    render_key: str | None = None


_EXACT = 5_000  # entry keys; every state remembers at least this many
_GAPS = 20  # the latest ones count: a feed's update interval changes over the years
_FAR = 4  # times the longest of them
_LEAST = timedelta(days=3)  # a news site may rest over a long weekend
_UNKNOWN = timedelta(days=30)  # for a feed whose update interval is not known yet


def last_new(state: State) -> datetime | None:
    """Return when the newest entry was first seen; None if the feed never had one."""
    sights = _sights(state)
    return sights[-1] if sights else None


def entries_mirrored(state: State) -> int:
    """Return the number of entries ever mirrored.

    Exact up to some thousands; beyond, an entry that came back after an edit counts again.
    """
    remembered = len(state.known_entries.by_key)
    return remembered if remembered < _EXACT else max(remembered, state.next_seq - 1)


def quiet_at(state: State) -> datetime | None:
    """Return when the feed counts as quiet, unless a new entry comes: four times the longest recent
    interval after the last one.

    None for a feed that never had an entry, and for one that fails: its silence has a cause.
    """
    sights = _sights(state)
    if not sights or state.failing:
        return None
    latest = sights[-_GAPS - 1 :]
    gaps = [later - earlier for earlier, later in pairwise(latest)]
    return sights[-1] + (max(_FAR * max(gaps), _LEAST) if gaps else _UNKNOWN)


def _sights(state: State) -> list[datetime]:
    """Return the times at which new entries were seen, oldest first."""
    moments = {known.at for known in state.known_entries.by_key.values()}
    return [datetime.fromtimestamp(at, UTC) for at in sorted(moments)]
