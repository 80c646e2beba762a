"""Refreshing feeds side by side, until all are done or the user has had enough."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType
from typing import NoReturn

from feedmirror.model import Outcome, Subscription
from feedmirror.ports import World
from feedmirror.refresh import attempt

# Of waiting at a time. A signal may arrive in another thread than the one that waits, which then
# hears of it when it wakes; and timeouts stand still while a machine sleeps, clocks do not.
_NAP_S = 1.0
_SHOW_CURSOR = b"\x1b[?25h"


class Crew:
    """Threads that refresh feeds; outcomes are taken from it as they come.

    Everything but the refreshing itself happens in the thread that made it.
    """

    def __init__(
        self,
        world: World,
        threads: int,
        on_begin: Callable[[Subscription], None],  # called in the thread that begins
        on_stop: Callable[[], None],
    ) -> None:
        self._world = world
        self._on_begin = on_begin
        self._on_stop = on_stop
        self._pool = ThreadPoolExecutor(threads)
        self._open: dict[Future[Outcome], str] = {}  # slugs
        # Its `put` may be called anywhere, in a signal handler too. None: look what is up.
        self._done: SimpleQueue[Future[Outcome] | None] = SimpleQueue()
        self.stopping = False
        self.skipped = 0  # feeds that were not begun when it was told to stop

    @property
    def busy(self) -> bool:
        """Whether there is an outcome still to come."""
        return bool(self._open)

    @property
    def slugs(self) -> set[str]:
        """The feeds whose outcome is still to come."""
        return set(self._open.values())

    def refresh(self, subscription: Subscription, *, scheduled: bool) -> None:
        """Have the feed refreshed as soon as a thread is free."""
        future = self._pool.submit(self._attempt, subscription, scheduled=scheduled)
        self._open[future] = subscription.slug
        future.add_done_callback(self._done.put)

    def _attempt(self, subscription: Subscription, *, scheduled: bool) -> Outcome:
        self._on_begin(subscription)
        return attempt(subscription, self._world, scheduled=scheduled)

    def next_outcome(self, timeout_s: float = _NAP_S) -> Outcome | None:
        """The next outcome, or None if nothing came in time, or there is something else to see to.

        Never waits for longer than a second.
        """
        try:
            future = self._done.get(timeout=min(timeout_s, _NAP_S))
        except Empty:
            return None
        if future is None:
            self._skip_the_rest()
            return None
        self._open.pop(future, None)
        return None if future.cancelled() else future.result()

    def outcomes(self) -> Iterator[Outcome]:
        """All outcomes that are still to come."""
        while self.busy:
            outcome = self.next_outcome()
            if outcome is not None:
                yield outcome

    def stop(self) -> None:
        """Begin no more feeds; from a signal handler too. Those that are begun go on."""
        self.stopping = True
        self._done.put(None)

    def _skip_the_rest(self) -> None:
        for future in list(self._open):
            if future.cancel():
                del self._open[future]
                self.skipped += 1
        self._on_stop()

    def close(self) -> None:
        """Wait for what runs."""
        self._pool.shutdown(cancel_futures=True)


@contextmanager
def interruptible(crew: Crew) -> Iterator[None]:
    """Within, Ctrl-C and SIGTERM stop the crew; the second one ends the program at once.

    Whenever that is, a store is left that the next run goes on from. A signal that the program was
    started with as ignored stays so: Ctrl-C is for the foreground program, not for a job that a
    script started with `&`. Source: POSIX.1-2024, shell, §2.12
    """

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if crew.stopping:
            _end_at_once(number)
        crew.stop()

    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]
    before = [signal.signal(number, on_signal) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _end_at_once(number: int) -> NoReturn:
    # Past buffers and locks, which the interrupted code may hold, and without waiting for threads.
    if sys.stderr.isatty():
        os.write(2, _SHOW_CURSOR + b"\n")
    os._exit(128 + number)
