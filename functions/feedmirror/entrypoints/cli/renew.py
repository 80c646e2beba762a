"""Renewal of pages that a run found to be of an earlier deployment, until none is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.store import thread_map
from feedmirror.errors import StoreError, contained
from feedmirror.mirror.health import FeedLine
from feedmirror.model import Outcome, Subscription
from feedmirror.ports import World


class Renewer:
    """Feeds with pages to renew, and how far each is."""

    def __init__(
        self,
        world: World,
        feeds: Iterable[Subscription],
        log: telemetry.Log,
        show: Callable[[str], None],
    ) -> None:
        self._feeds = {each.slug: each for each in feeds}
        self.failed = False  # True: a renewal failed
        self._world = world
        self._log = log
        self._show = show  # shows progress
        self._written: dict[str, int] = {}  # pages, by the slug of a feed that has more

    @property
    def is_due(self) -> bool:
        """True if a feed has pages to renew."""
        return bool(self._written)

    def note(self, outcome: Outcome) -> None:
        """Record what an outcome says of pages to renew."""
        if outcome.renewal is not None:
            self._written.setdefault(outcome.feed, 0)

    def note_retired(self, lines: Iterable[FeedLine]) -> None:
        """Record which retired feeds have pages to renew: `run --due` refreshes none of them."""
        for line in lines:
            if line.is_retired and line.renewal is not None and not line.is_older:
                self._written.setdefault(line.slug, 0)

    def finish(self, threads: int, is_stopped: Callable[[], bool]) -> None:
        """Renew all pages that are left, of several feeds side by side, unless stopped."""

        def renew(slug: str) -> None:
            while slug in self._written and not is_stopped():
                self._slice(slug)

        with thread_map(threads) as side_by_side:
            for _ in side_by_side(renew, tuple(self._written)):
                pass

    def slice(self) -> None:
        """Renew the next pages of one feed."""
        self._slice(next(iter(self._written)))

    def _slice(self, slug: str) -> None:
        """Renew the next pages. Logs a failure, and leaves the feed to the next run."""
        # Imported late, since most runs renew nothing.
        from feedmirror.renewal import renew_slice  # noqa: PLC0415

        subscription = self._feeds[slug]
        done = contained(partial(renew_slice, subscription, self._world))
        if isinstance(done, Exception):
            self.failed = True
            del self._written[slug]
            telemetry.log_renewal_failure(self._log, subscription, done)
            return
        for why in done.damaged:
            self.failed = True
            telemetry.log_renewal_failure(self._log, subscription, StoreError(why))
        written = self._written[slug] + done.written
        self._show(f"renewing {slug}: {written:,} pages, {done.left:,} left")
        if done.position is not None:
            self._written[slug] = written
            return
        del self._written[slug]
        telemetry.log_renewal(self._log, slug, written, done.left)
