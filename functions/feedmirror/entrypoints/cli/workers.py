"""Worker pool of `feedmirror run`: refreshes feeds in threads, and stops on Ctrl-C."""

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

# Longest single wait. A signal may be handled in another thread than the waiting one, which sees
# the stop only when it wakes; and a timeout does not advance while the machine is suspended.
_WAIT_S = 1.0
_SHOW_CURSOR = b"\x1b[?25h"


class WorkerPool:
    """Threads that refresh feeds, and a queue of their outcomes.

    Not thread-safe except for `stop`: use it in the thread that made it.
    """

    def __init__(
        self,
        world: World,
        threads: int,
        on_begin: Callable[[Subscription], None],  # called in the worker thread
        on_stop: Callable[[], None],
    ) -> None:
        self._world = world
        self._on_begin = on_begin
        self._on_stop = on_stop
        self._pool = ThreadPoolExecutor(threads)
        self._open: dict[Future[Outcome], str] = {}  # slugs of unfinished feeds
        # SimpleQueue, since its `put` is reentrant: a signal handler may call it. None: stop.
        self._done: SimpleQueue[Future[Outcome] | None] = SimpleQueue()
        self.stopping = False
        self.skipped = 0  # feeds that were not started before the stop

    @property
    def slugs(self) -> set[str]:
        """The slugs of the feeds whose outcome is outstanding."""
        return set(self._open.values())

    def refresh(self, subscription: Subscription, *, scheduled: bool) -> None:
        """Queue a refresh of the feed."""
        future = self._pool.submit(self._attempt, subscription, scheduled=scheduled)
        self._open[future] = subscription.slug
        future.add_done_callback(self._done.put)

    def _attempt(self, subscription: Subscription, *, scheduled: bool) -> Outcome:
        self._on_begin(subscription)
        return attempt(subscription, self._world, scheduled=scheduled)

    def next_outcome(self, timeout_s: float = _WAIT_S) -> Outcome | None:
        """Return the next outcome; None at the timeout, after a stop, or for a cancelled feed.

        Waits for one second at most, whatever `timeout_s` is.
        """
        try:
            future = self._done.get(timeout=min(timeout_s, _WAIT_S))
        except Empty:
            return None
        if future is None:
            self._cancel_queued()
            return None
        self._open.pop(future, None)
        return None if future.cancelled() else future.result()

    def outcomes(self) -> Iterator[Outcome]:
        """Yield all outstanding outcomes."""
        while self._open:
            outcome = self.next_outcome()
            if outcome is not None:
                yield outcome

    def stop(self) -> None:
        """Start no further feeds; refreshes in progress go on. Safe in a signal handler."""
        self.stopping = True
        self._done.put(None)

    def _cancel_queued(self) -> None:
        for future in list(self._open):
            if future.cancel():
                del self._open[future]
                self.skipped += 1
        self._on_stop()

    def close(self) -> None:
        """Wait for the running threads to end."""
        self._pool.shutdown(cancel_futures=True)


@contextmanager
def interruptible(pool: WorkerPool) -> Iterator[None]:
    """Within the block, SIGINT and SIGTERM stop the pool; a second signal ends the process at once.

    The next run resumes from the store in either case. A signal that was ignored when the process
    started stays ignored: a shell ignores SIGINT for jobs started with `&`.
    Source: POSIX.1-2024, shell, §2.12
    """

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if pool.stopping:
            _exit_at_once(number)
        pool.stop()

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


def _exit_at_once(number: int) -> NoReturn:
    # os._exit, since the interrupted code may hold locks of buffers, and threads still run.
    if sys.stderr.isatty():
        os.write(2, _SHOW_CURSOR + b"\n")
    os._exit(128 + number)
