"""Parallel `map` in threads, for work that waits for a store."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from feedmirror.ports import SideBySide

_S = TypeVar("_S")
_T = TypeVar("_T")
_AHEAD = 4  # calls submitted per thread, so that a slow call does not leave threads idle


@contextmanager
def thread_map(threads: int) -> Iterator[SideBySide]:
    """Yield a `map` that runs in `threads` threads, yields in order and holds few results.

    At the end of the block running calls are awaited and queued calls are cancelled.
    """
    with ThreadPoolExecutor(threads) as pool:

        def side_by_side(work: Callable[[_S], _T], items: Iterable[_S], /) -> Iterator[_T]:
            submitted: deque[Future[_T]] = deque()
            try:
                for item in items:
                    submitted.append(pool.submit(work, item))
                    if len(submitted) >= _AHEAD * threads:
                        yield submitted.popleft().result()
                while submitted:
                    yield submitted.popleft().result()
            finally:
                for future in submitted:
                    future.cancel()

        yield side_by_side
