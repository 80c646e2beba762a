"""How often a feed has something new, and whether it has been quiet for far longer than that.

It is told from when entries were first seen, which every state remembers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from feedmirror.core.state import State

_GAPS = 20  # the latest ones count: a feed's rhythm changes over the years
_FAR = 4  # times the longest of them
_LEAST = timedelta(days=3)  # a news site may rest over a long weekend
_UNKNOWN = timedelta(days=30)  # for a feed whose rhythm is not known yet


def last_new(state: State) -> datetime | None:
    """When an entry was seen for the first time, the last time; None if there never was one."""
    sights = _sights(state)
    return sights[-1] if sights else None


def is_quiet(state: State, now: datetime) -> bool:
    """Whether nothing new has come for far longer than it ever took of late.

    A feed that never had an entry is not quiet, nor is one that fails: its silence has a cause.
    """
    sights = _sights(state)
    if not sights or state.failing:
        return False
    latest = sights[-_GAPS - 1 :]
    gaps = [later - earlier for earlier, later in pairwise(latest)]
    longest = max(_FAR * max(gaps), _LEAST) if gaps else _UNKNOWN
    return now - sights[-1] > longest


def _sights(state: State) -> list[datetime]:
    """The moments at which there was something new, oldest first."""
    moments = {sight.at for sight in state.seen.values()}
    return [datetime.fromtimestamp(at, UTC) for at in sorted(moments)]
