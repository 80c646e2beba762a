"""CPU time of a call compared with that of another; a limit in seconds fails on a busy machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_ROUNDS = 5


def within(times: float, work: Callable[[], T], *, than: Callable[[], object]) -> T:
    """Return what `work` returns; it must take at most `times` the CPU time of `than`.

    Both are measured in turn, so that a busy machine slows both. A neighbour that slows `work`
    alone is allowed for by further rounds; what is too slow by its nature fails in each.
    """
    ratios = []
    for _ in range(_ROUNDS):
        made, took_s = _timed(work)
        ratios.append(took_s / _timed(than)[1])
        if ratios[-1] <= times:
            return made
    raise AssertionError(f"takes {ratios} times the CPU time, at most {times} were allowed")


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began_s = time.process_time()
    made = work()
    return made, time.process_time() - began_s
