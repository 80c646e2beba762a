"""How often, and for how long, one operation is tried."""

from __future__ import annotations

import random
import time

from feedmirror.adapters.deadline import Deadline

_TRIES = 6
_FIRST_PAUSE_S = 0.05  # twice as long each time, and a random part of it: 1.55 s in all at most
_PATIENCE_S = 30.0


class Patience:
    """That of one operation, from now on."""

    def __init__(self) -> None:
        self.deadline = Deadline(_PATIENCE_S)  # of all tries together
        self._pause_s = _FIRST_PAUSE_S
        self._tries = 1

    def lasts(self) -> bool:
        """Whether to try again; returns after the pause that there has to be before that."""
        # Random, so that those who met each other do not do so again.
        pause_s = random.uniform(0, self._pause_s)  # noqa: S311 - no secret
        self._pause_s *= 2
        self._tries += 1
        if self._tries > _TRIES or not self._is_time_for(pause_s):
            return False
        time.sleep(pause_s)
        return True

    def _is_time_for(self, pause_s: float) -> bool:
        try:
            return pause_s < self.deadline.remaining_s()
        except TimeoutError:
            return False
