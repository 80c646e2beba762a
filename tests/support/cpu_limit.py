"""A limit on CPU time, by which a test that would run for minutes fails instead."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_LIMIT_S = 20.0  # what is linear takes well below a second, what is quadratic minutes


@contextmanager
def seconds_not_minutes() -> Iterator[None]:
    """Fail the test if what is done within takes more than 20 seconds of CPU time.

    Regular expressions of the standard library notice, native code of others does not.
    """

    def fail(*_: object) -> None:
        raise AssertionError(f"more than {_LIMIT_S:g} s of CPU time: the time is not linear")

    before = signal.signal(signal.SIGPROF, fail)
    signal.setitimer(signal.ITIMER_PROF, _LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
