"""Until when origins want no request: what one feed is told holds for the others of its origin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from feedmirror.adapters.target import Target
from feedmirror.core.schedule import retry_after
from feedmirror.errors import FetchError, Kind

_LONGEST = timedelta(hours=1)


class Waits:
    """What origins have asked for by `Retry-After`, as long as this process lives.

    Each feed remembers in its state what it was told itself, which may be a day. Others wait for an
    hour at most, so that no feed that is always refused keeps its neighbours from their origin.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now  # aware
        self._until: dict[tuple[str, str, int], datetime] = {}

    def note(self, target: Target, seconds: float | None) -> None:
        """Remember that the target's origin asked for that many, clamped; None: it did not ask."""
        now = self._now()
        until = retry_after(seconds, now)
        if until is not None:
            waiting = {origin: end for origin, end in self._until.items() if end > now}
            self._until = {**waiting, target.origin: min(until, now + _LONGEST)}

    def check(self, target: Target) -> None:
        """Raises: FetchError THROTTLED while the target's origin wants no request."""
        until = self._until.get(target.origin)
        left_s = (until - self._now()).total_seconds() if until else 0.0
        if left_s > 0:
            message = (
                f"{target.shown} is not asked, since its origin has asked us, for another feed, "
                f"to wait for {left_s:,.0f} s more."
            )
            raise FetchError(Kind.THROTTLED, message, retry_after_s=left_s)
