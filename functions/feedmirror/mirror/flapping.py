"""Damping of changes: an entry that changes at every poll is followed less often.

Three changes in a day are followed at once. After that one is followed each time a spacing has
passed, a day unless the caller says otherwise, until nothing was followed for two days.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from feedmirror.model import Count, Stored

DAY_S = 86_400
_FREE = 3  # changes in a day that are followed at once


class Changes(Stored, frozen=True, array_like=True):
    """Changes of one thing that were followed lately. Times are seconds since the epoch."""

    since: Count  # the first
    count: Count
    last: Count


def may_follow(known: Changes | None, now: datetime, spacing_s: int = DAY_S) -> bool:
    """Return whether one more change may be followed now."""
    if known is None or _is_over(known, now) or known.count < _FREE:
        return True
    return int(now.timestamp()) - known.last >= spacing_s


def followed(known: Changes | None, now: datetime) -> Changes:
    """Return what is to be remembered after one more change was followed."""
    moment = int(now.timestamp())
    if known is None or _is_over(known, now):
        return Changes(moment, 1, moment)
    return Changes(known.since, known.count + 1, moment)


def lately(known: Mapping[str, Changes], now: datetime) -> dict[str, Changes]:
    """Return those that still make a difference."""
    return {name: changes for name, changes in known.items() if not _is_over(changes, now)}


def _is_over(known: Changes, now: datetime) -> bool:
    """True if the changes no longer count: after quiet, or if a clock was ahead."""
    moment = int(now.timestamp())
    quiet_s = moment - known.last
    if known.count < _FREE:
        return moment - known.since >= DAY_S or quiet_s < -DAY_S
    return quiet_s >= 2 * DAY_S or quiet_s < -DAY_S
