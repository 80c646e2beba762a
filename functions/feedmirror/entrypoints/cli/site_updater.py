"""Updates of the site's own documents (index, list of feeds, status) by `feedmirror run`.

In a deployed mirror the dispatch function updates them instead.
"""

from __future__ import annotations

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.cli.selection import Selection
from feedmirror.entrypoints.thread_map import thread_map
from feedmirror.errors import Kind, StoreError
from feedmirror.model import Outcome
from feedmirror.ports import World
from feedmirror.publishing.formats.status import hour_of
from feedmirror.site import is_site_current, publish_site


class SiteUpdater:
    """Publishes the site's documents after changes, and hourly in a watch."""

    def __init__(
        self, world: World, selection: Selection, threads: int, log: telemetry.Log
    ) -> None:
        self._world = world
        self._selection = selection
        self._threads = threads
        self._log = log
        self._has_changes = False
        self._store_works: bool | None = None  # for any feed since the last update; None: not used
        self._hour = hour_of(world.clock())
        self.failed = False  # True: an update failed

    def note(self, outcome: Outcome) -> None:
        """Record an outcome that the documents may have to show."""
        self._has_changes |= outcome.recovered or outcome.outcome in {"changed", "failed"}
        is_failing = outcome.failure is not None and outcome.failure.kind == Kind.STORE.value
        self._store_works = bool(self._store_works) or not is_failing

    def update_hourly(self) -> None:
        """Update the documents if a new hour has begun."""
        hour = hour_of(self._world.clock())
        if hour != self._hour:
            self._hour = hour
            self.update()

    def update(self) -> None:
        """Publish the documents if they are stale. Logs a StoreError and sets `failed`."""
        try:
            if self._has_changes or not self._is_current():
                self._publish()
            self._has_changes = False
        except StoreError as error:
            self.failed = True
            if self._store_works is not False:  # else every feed has reported the same
                telemetry.log_site_failure(self._log, str(error))
        self._store_works = None

    def _is_current(self) -> bool:
        feeds = self._selection.configured
        return feeds is None or is_site_current(
            self._world.store, feeds, self._selection.public_url
        )

    def _publish(self) -> None:
        with thread_map(self._threads) as side_by_side:
            publish_site(
                self._world.store,
                self._selection.configured or self._selection.subscriptions,
                self._selection.public_url,
                self._world.clock(),
                side_by_side,
            )
