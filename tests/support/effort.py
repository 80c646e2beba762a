"""How much of a sweep is run: some of it at each change, all of it by `make torture`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

EXHAUSTIVE = bool(os.environ.get("FEEDMIRROR_EXHAUSTIVE"))


def some(items: Iterable[T], one_in: int) -> Iterator[T]:
    """Yield the first item and every `one_in`-th after it; all items of an exhaustive run.

    The same ones each time, so the items must come in the same order each time: no set.
    """
    return islice(items, 0, None, 1 if EXHAUSTIVE else one_in)
