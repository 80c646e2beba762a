"""Feeds that a message could not bring to an end: sent again one by one, or given up by name.

So a feed that raises, hangs, or kills the process costs the others of its message one more attempt
at most.
"""

from __future__ import annotations

from collections.abc import Iterable

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.aws.messages import Refreshes, again, slugs_of
from feedmirror.ports import Queue

_ATTEMPTS = 3  # besides the first one


class Resending:
    """Sends feeds to the queue of refreshes once more, or to the dead letters."""

    def __init__(self, queue: Queue, dead_letters: Queue, log: telemetry.Log) -> None:
        self._queue = queue
        self._dead_letters = dead_letters
        self._log = log

    def hold(self, receipt: str, seconds: int) -> None:
        """Have a message come again after this time, if the process does not live to answer."""
        refused = self._queue.hold(receipt, seconds)
        if refused:  # it comes again later than that
            telemetry.log_error(self._log, telemetry.MESSAGE_NOT_HELD, refused)

    def unfinished(self, slugs: Iterable[str], of: Refreshes) -> bool:
        """Send these feeds of a message again, each alone; after the last attempt, to the dead
        letters. Return True if that was done.
        """
        if of.attempt >= _ATTEMPTS:
            return self._give_up(slugs, of)
        return self._send(self._queue, slugs, of)

    def died(self, of: Refreshes) -> bool:
        """Send the feeds of a message again at which a process died; a single one is given up.

        Return True if that was done.
        """
        if len(of.feeds) == 1:
            return self._give_up(of.feeds, of)
        telemetry.log_divided(self._log, list(of.feeds))
        return self._send(self._queue, of.feeds, of)

    def _give_up(self, slugs: Iterable[str], of: Refreshes) -> bool:
        for slug in slugs:
            telemetry.log_given_up(self._log, slug, of.attempt)
        return self._send(self._dead_letters, slugs, of)

    def _send(self, queue: Queue, slugs: Iterable[str], of: Refreshes) -> bool:
        not_sent = queue.send([again(slug, of) for slug in slugs])
        telemetry.log_not_sent(self._log, slugs_of(not_sent))
        return not not_sent
