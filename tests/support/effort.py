"""Effort: a part of each sweep at each change, the whole sweep in `make torture`, and a sixth of
the random examples in `make unit`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

EXHAUSTIVE = bool(os.environ.get("FEEDMIRROR_EXHAUSTIVE"))
QUICK = bool(os.environ.get("FEEDMIRROR_QUICK"))


def some(items: Iterable[T], one_in: int) -> Iterator[T]:
    """Yield the first item and every `one_in`-th after it; all items of an exhaustive run.

    The same ones each time, so the items must come in the same order each time: no set.
    """
    return islice(items, 0, None, 1 if EXHAUSTIVE else one_in)


def amount(usual: int, exhaustive: int | None = None) -> int:
    """Return how many examples to try at each change, or in an exhaustive run: 20 times as many,
    unless `exhaustive` says how many. In a quick run a sixth.
    """
    if not EXHAUSTIVE:
        return max(usual // 6, 1) if QUICK else usual
    return 20 * usual if exhaustive is None else exhaustive
