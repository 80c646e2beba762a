"""Exponential backoff with jitter for the retries of one operation, up to one deadline."""

from __future__ import annotations

import random
import time

from feedmirror.adapters.deadline import Deadline

_MOST_ATTEMPTS = 6
_FIRST_PAUSE_S = 0.05  # doubled for each retry: 1.55 s in all at most, as each is cut at random
_TIMEOUT_S = 30.0


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
        if self._attempts > _MOST_ATTEMPTS or not self._is_time_for(pause_s):
            return False
        time.sleep(pause_s)
        return True

    def _is_time_for(self, pause_s: float) -> bool:
        try:
            return pause_s < self.deadline.remaining_s()
        except TimeoutError:
            return False
