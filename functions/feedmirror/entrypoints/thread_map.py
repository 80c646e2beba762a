"""`map` with several at work at a time, for what waits for a store."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from feedmirror.ports import SideBySide

S = TypeVar("S")
T = TypeVar("T")
_AHEAD = 4  # things that are begun for each thread, so that none waits for the one that is slow


@contextmanager
def thread_map(threads: int) -> Iterator[SideBySide]:
    """A `map` of so many threads, which gives results in order and holds few of them at a time.

    What is at work at the end of the block is waited for; nothing else is begun.
    """
    with ThreadPoolExecutor(threads) as pool:

        def side_by_side(work: Callable[[S], T], of: Iterable[S], /) -> Iterator[T]:
            begun: deque[Future[T]] = deque()
            try:
                for one in of:
                    begun.append(pool.submit(work, one))
                    if len(begun) >= _AHEAD * threads:
                        yield begun.popleft().result()
                while begun:
                    yield begun.popleft().result()
            finally:
                for future in begun:
                    future.cancel()

        yield side_by_side
