"""The site's own documents, looked after by the command where no function does."""

from __future__ import annotations

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.cli.selection import Choice
from feedmirror.entrypoints.thread_map import abreast
from feedmirror.errors import Kind, StoreError
from feedmirror.model import Outcome
from feedmirror.ports import World
from feedmirror.publishing.formats.status import hour_of
from feedmirror.site import is_current, publish_site


class Caretaker:
    """Brings the documents up to date when there is a reason to."""

    def __init__(self, world: World, choice: Choice, threads: int, log: telemetry.Log) -> None:
        self._world = world
        self._choice = choice
        self._threads = threads
        self._log = log
        self._has_reason = False
        self._store_answers: bool | None = None  # to any feed since the last look; None: none asked
        self._hour = hour_of(world.clock())
        self.failed = False

    def note(self, outcome: Outcome) -> None:
        """Take in what the documents might have to tell of."""
        self._has_reason |= outcome.recovered or outcome.outcome in {"changed", "failed"}
        is_failing = outcome.failure is not None and outcome.failure.kind == Kind.STORE.value
        self._store_answers = bool(self._store_answers) or not is_failing

    def each_hour(self) -> None:
        """Look after them if an hour has passed; for a program that runs on."""
        hour = hour_of(self._world.clock())
        if hour != self._hour:
            self._hour = hour
            self.look()

    def look(self) -> None:
        """Look after them, if there is a reason; what goes wrong is in the log."""
        try:
            if self._has_reason or not self._is_current():
                self._publish()
            self._has_reason = False
        except StoreError as error:
            self.failed = True
            if self._store_answers is not False:  # else each feed has said so
                telemetry.log_site_failure(self._log, str(error))
        self._store_answers = None

    def _is_current(self) -> bool:
        feeds = self._choice.configured
        return feeds is None or is_current(self._world.store, feeds, self._choice.public_url)

    def _publish(self) -> None:
        with abreast(self._threads) as side_by_side:
            publish_site(
                self._world.store,
                self._choice.configured or self._choice.subscriptions,
                self._choice.public_url,
                self._world.clock(),
                side_by_side,
            )
