"""Deadlines, and retries with exponential backoff up to a deadline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress

_MOST_ATTEMPTS = 6
_FIRST_PAUSE_S = 0.05  # doubled for each retry: 1.55 s in all at most, as each is cut at random
_TIMEOUT_S = 30.0


class Deadline:
    """Moment `timeout_s` after its creation; `str()` is the timeout, for messages."""

    __slots__ = ("_end", "_monotonic", "timeout_s")

    def __init__(self, timeout_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.timeout_s = timeout_s
        self._monotonic = monotonic
        self._end = monotonic() + timeout_s

    def remaining_s(self) -> float:
        """Return the seconds left, always more than 0. Raises: TimeoutError after the deadline."""
        left = self._end - self._monotonic()
        if left <= 0:
            raise TimeoutError(f"not done within {self}")
        return left

    def __str__(self) -> str:
        return f"{self.timeout_s:g} s"


class Backoff:
    """The attempts of one operation; the first begins when this is created."""

    def __init__(self) -> None:
        self.deadline = Deadline(_TIMEOUT_S)  # of all attempts together
        self._pause_s = _FIRST_PAUSE_S
        self._attempts = 1

    def wait_to_retry(self) -> bool:
        """Sleep until the next attempt is due; False if none is left, without sleeping."""
        # Full jitter, so that writers who met at one key do not meet again.
        pause_s = random.uniform(0, self._pause_s)  # noqa: S311 - no secret
        self._pause_s *= 2
        self._attempts += 1
        with suppress(TimeoutError):
            if self._attempts <= _MOST_ATTEMPTS and pause_s < self.deadline.remaining_s():
                time.sleep(pause_s)
                return True
        return False
