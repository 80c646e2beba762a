"""Per-origin `Retry-After`, shared by all feeds that this process fetches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from feedmirror.adapters.origin.target import Target
from feedmirror.errors import FetchError, Kind
from feedmirror.mirror.schedule import retry_after

_LONGEST = timedelta(hours=1)


class RetryAfterByOrigin:
    """The time until which each origin has asked for no more requests; kept in memory only.

    The feed that was throttled remembers its own `Retry-After` in its state, for up to a day. Other
    feeds of the same origin wait for an hour at most, so that a feed that is always throttled does
    not keep its neighbours from their origin.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now  # aware
        self._until: dict[tuple[str, str, int], datetime] = {}

    def note(self, target: Target, retry_after_s: float | None) -> None:
        """Remember the `Retry-After` of the target's origin, clamped; None: no header."""
        now = self._now()
        until = retry_after(retry_after_s, now)
        if until is not None:
            waiting = {origin: end for origin, end in self._until.items() if end > now}
            self._until = {**waiting, target.origin: min(until, now + _LONGEST)}

    def check(self, target: Target) -> None:
        """Raises: FetchError THROTTLED while the target's origin wants no request."""
        until = self._until.get(target.origin)
        left_s = (until - self._now()).total_seconds() if until else 0.0
        if left_s > 0:
            message = (
                f"{target.shown} was not requested: its origin sent Retry-After to another feed, "
                f"with {left_s:,.0f} s left; the feed is polled after that."
            )
            raise FetchError(Kind.THROTTLED, message, retry_after_s=left_s)
