"""`feedmirror run`: refresh feeds once, or with `--watch` whenever they are due."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from time import monotonic

from msgspec import Struct

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.cli.command import INTERRUPTED, Resources
from feedmirror.entrypoints.cli.renew import Renewer
from feedmirror.entrypoints.cli.result import JsonLog, QuietLog, Result, TextLog
from feedmirror.entrypoints.cli.selection import Selection, select_feeds
from feedmirror.entrypoints.cli.terminal import Progress, shown_progress
from feedmirror.entrypoints.cli.workers import WorkerPool, interruptible
from feedmirror.entrypoints.store import WRITERS, open_store, thread_map
from feedmirror.entrypoints.telemetry import redacted
from feedmirror.errors import Kind, StoreError
from feedmirror.layout import RSS_XML, document_key
from feedmirror.mirror.deployment import Deployment
from feedmirror.mirror.health import FeedLine
from feedmirror.mirror.schedule import is_due, next_due
from feedmirror.model import Outcome, Subscription
from feedmirror.ports import World
from feedmirror.publishing.formats.status import hour_of
from feedmirror.site import is_site_current, publish_site


def run(arguments: Namespace, resources: Resources) -> int:
    """Run the command; return its exit code. Raises: ConfigError."""
    as_json = arguments.log_format == "json"
    if arguments.log_format == "auto":
        as_json = not sys.stderr.isatty()
    with resources.start_parser() as parser, thread_map(WRITERS) as side_by_side:
        threads = arguments.threads + WRITERS
        store = cache(lambda: open_store(arguments.store, threads=threads))
        selection = select_feeds(
            arguments, resources.clock(), store, resources.web(resources.clock)
        )
        world = World(
            store=store(),
            origin=selection.origin,
            parser=parser,
            clock=resources.clock,
            public_url=selection.public_url,
            deployment=lambda: Deployment(configured_at=selection.configured_at),
            side_by_side=side_by_side,
        )
        with shown_progress(live=not (as_json or arguments.quiet or arguments.json)) as progress:
            log = _log(arguments, progress, resources.clock, as_json=as_json)
            feeds = selection.configured or selection.subscriptions
            renewer = Renewer(world, feeds, log, progress.show)
            noted = renewer.note_retired
            updater = SiteUpdater(world, selection, arguments.threads, log, noted)
            result = Result(selection, log, (updater.note, renewer.note))
            running = _Run(
                arguments, world, selection, progress, result, updater, renewer, not as_json
            )
            running.refresh()
    code = _write_result(arguments, result, as_json=as_json)
    if renewer.is_due and not arguments.watch:
        return code or INTERRUPTED
    return code or int(updater.failed or renewer.failed)


class _Run(Struct, frozen=True):
    """A run of the command: the feeds to refresh, and where it reports."""

    arguments: Namespace
    world: World
    selection: Selection
    progress: Progress
    result: Result
    updater: SiteUpdater
    renewer: Renewer
    is_text: bool  # whether the log is text

    def refresh(self) -> None:
        """Refresh the feeds into `result`; the first Ctrl-C stops the run in an orderly way."""
        started = monotonic()
        if self.arguments.verbose and self.is_text:
            self.progress.write(_versions())
        pool = WorkerPool(self.world, self.arguments.threads, self._on_start, self.result.log_stop)
        with interruptible(pool):
            if self.arguments.watch:
                self._watch(pool)
            else:
                self._once(pool)
            pool.close()
            self.updater.update()
            self._renew(pool)
        self.result.finish(pool.skipped, round((monotonic() - started) * 1000))

    def _on_start(self, subscription: Subscription) -> None:
        """Show that a refresh starts; called in its thread."""
        self.result.begin(subscription)
        if self.arguments.verbose and self.is_text:
            url = redacted(subscription.url, subscription)
            self.progress.write(f"{subscription.slug}: fetching {url}")
        if not self.arguments.watch:
            self.progress.show(self.result.progress_text)

    def _once(self, pool: WorkerPool) -> None:
        for subscription in self.selection.subscriptions:
            pool.refresh(subscription, scheduled=self.arguments.due)
        for outcome in pool.outcomes():
            self.result.add(outcome)
            self.progress.show(self.result.progress_text)

    def _renew(self, pool: WorkerPool) -> None:
        self.renewer.finish(self.arguments.threads, lambda: pool.stopping)

    def _watch(self, pool: WorkerPool) -> None:
        """Refresh all feeds, then each whenever it is due, until `pool` is stopped.

        Returns after the first pass if every feed is retired, since a retired feed is never due.
        """
        since = self.world.clock()
        for subscription in self.selection.subscriptions:
            pool.refresh(subscription, scheduled=False)
        active = [each for each in self.selection.subscriptions if not each.retired]
        while active and not pool.stopping:
            due_at, slug = min((next_due(s.slug, s.every_s, since), s.slug) for s in active)
            self._work_until(due_at, slug, pool)
            self.updater.update_hourly()
            now = self.world.clock()
            busy = pool.slugs
            for subscription in active:
                due = is_due(subscription.slug, subscription.every_s, since, now)
                if due and subscription.slug not in busy and not pool.stopping:
                    pool.refresh(subscription, scheduled=True)
            since = now
        for outcome in pool.outcomes():
            self.result.add(outcome)

    def _work_until(self, due_at: datetime, slug: str, pool: WorkerPool) -> None:
        """Collect outcomes until `due_at`, when the feed `slug` is due, or until the stop."""
        at = f"{due_at.astimezone():%H:%M}"
        while not pool.stopping and (left_s := (due_at - self.world.clock()).total_seconds()) > 0:
            working = f"refreshing {', '.join(self.result.running)}; " if pool.slugs else ""
            self.progress.show(f"{working}next: {slug} at {at} (Ctrl-C: stop)")
            outcome = pool.next_outcome(0 if self.renewer.is_due else left_s)
            if outcome is not None:
                self.result.add(outcome)
            elif self.renewer.is_due:
                self.renewer.slice()


class SiteUpdater:
    """Publishes the site's documents after changes, and hourly in a watch."""

    def __init__(
        self,
        world: World,
        selection: Selection,
        threads: int,
        log: telemetry.Log,
        on_lines: Callable[[Iterable[FeedLine]], None],  # of the feeds, after an update
    ) -> None:
        self._on_lines = on_lines
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
            self._publish()
            self._has_changes = False
        except StoreError as error:
            self.failed = True
            if self._store_works is not False:  # else every feed has reported the same
                telemetry.log_error(self._log, telemetry.SITE_NOT_PUBLISHED, str(error))
        self._store_works = None

    def _publish(self) -> None:
        selection, world = self._selection, self._world
        feeds = selection.configured
        if not self._has_changes and (
            feeds is None or is_site_current(world.store, feeds, selection.public_url)
        ):
            return
        if feeds is None:
            feeds = tuple(filter(self._is_public, selection.subscriptions))
            if not feeds:  # a mistyped address leaves nothing public
                return
        with thread_map(self._threads) as side_by_side:
            site = publish_site(
                world.store,
                feeds,
                selection.public_url,
                world.clock(),
                world.deployment,
                side_by_side=side_by_side,
            )
        self._on_lines(site.lines)

    def _is_public(self, feed: Subscription) -> bool:
        return self._world.store.load(document_key(feed.slug, RSS_XML)) is not None


def _log(
    arguments: Namespace, progress: Progress, clock: Callable[[], datetime], *, as_json: bool
) -> telemetry.Log:
    tabled = progress.status is not None and sys.stdout.isatty() and not arguments.watch

    def make() -> telemetry.Log:
        if as_json:
            return JsonLog(clock)
        return TextLog(progress.write, clock, tabled=tabled)

    return QuietLog(make) if arguments.quiet else make()


def _write_result(arguments: Namespace, result: Result, *, as_json: bool) -> int:
    """Write the result in the form asked for; return the exit code."""
    tabled = not (arguments.json or arguments.quiet or arguments.watch)
    if as_json or not tabled:
        result.log_run()
    if arguments.json:
        result.write_json()
    elif tabled:
        result.write_table(arguments.store)
    if arguments.watch:
        return 0  # a watch is always ended by a signal
    if result.skipped:
        return INTERRUPTED
    return 1 if result.tally.failed else 0


def _versions() -> str:
    """Render the versions that a bug report needs."""
    from platform import python_version  # noqa: PLC0415 - rarely needed
    from xml.parsers.expat import EXPAT_VERSION, version_info  # noqa: PLC0415

    from feedmirror import __version__  # noqa: PLC0415

    expat = EXPAT_VERSION.replace("expat_", "expat ")
    # Source: CVE-2024-8176, CVE-2025-59375. Documents that trigger them are refused unparsed.
    old = " (older than 2.7.2, which fixes vulnerabilities)" if version_info < (2, 7, 2) else ""
    return f"feedmirror {__version__}, Python {python_version()}, {expat}{old}"
