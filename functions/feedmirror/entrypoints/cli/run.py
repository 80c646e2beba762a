"""`feedmirror run`: refresh feeds once, or with `--watch` whenever they are due."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from datetime import datetime
from functools import cache
from time import monotonic

from feedmirror.adapters.origin.file import FileOrigin
from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.cli.progress import Progress, shown_progress
from feedmirror.entrypoints.cli.resources import Resources
from feedmirror.entrypoints.cli.result import Result
from feedmirror.entrypoints.cli.selection import Selection, select_feeds
from feedmirror.entrypoints.cli.site_updater import SiteUpdater
from feedmirror.entrypoints.cli.text_log import QuietLog, TextLog
from feedmirror.entrypoints.cli.watch import watch
from feedmirror.entrypoints.cli.workers import WorkerPool, interruptible
from feedmirror.entrypoints.printable import redacted
from feedmirror.entrypoints.store import open_store
from feedmirror.model import Subscription
from feedmirror.ports import World

_INTERRUPTED = 130


def run(arguments: Namespace, resources: Resources) -> int:
    """Run the command; return its exit code. Raises: ConfigError."""
    with resources.start_parser() as parser:
        store = cache(lambda: open_store(arguments.store, threads=arguments.threads))
        selection = select_feeds(arguments, resources.clock(), store)
        web = resources.web(resources.clock)
        world = World(
            store=store(),
            origin=FileOrigin(selection.files, web) if selection.files else web,
            parser=parser,
            clock=resources.clock,
            public_url=selection.public_url,
        )
        as_json = _logs_json(arguments)
        live = not (as_json or arguments.quiet or arguments.json)
        with shown_progress(live=live) as progress:
            if arguments.verbose and not as_json:
                progress.write(_versions())
            log = _log(arguments, progress, resources.clock, as_json=as_json)
            updater = SiteUpdater(world, selection, arguments.threads, log)
            result = Result(selection, log, updater.note)
            _refresh(arguments, world, selection, progress, result, updater=updater)
    code = _write_result(arguments, result, as_json=as_json)
    return code or int(updater.failed)


def _refresh(
    arguments: Namespace,
    world: World,
    selection: Selection,
    progress: Progress,
    result: Result,
    *,
    updater: SiteUpdater,
) -> None:
    """Refresh the selected feeds into `result`; the first Ctrl-C stops it in an orderly way."""
    started = monotonic()
    on_start = _start_callback(arguments, progress, result)
    pool = WorkerPool(world, arguments.threads, on_start, result.log_stop)
    with interruptible(pool):
        if arguments.watch:
            watch(
                pool,
                selection.subscriptions,
                world.clock,
                progress,
                result,
                after_each=updater.update_hourly,
            )
        else:
            _once(pool, selection, progress, result, scheduled=arguments.due)
        pool.close()
        updater.update()
    result.finish(pool.skipped, round((monotonic() - started) * 1000))


def _once(
    pool: WorkerPool, selection: Selection, progress: Progress, result: Result, *, scheduled: bool
) -> None:
    for subscription in selection.subscriptions:
        pool.refresh(subscription, scheduled=scheduled)
    for outcome in pool.outcomes():
        result.add(outcome)
        progress.show(result.progress_text)


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
        return _INTERRUPTED
    return 1 if result.tally.failed else 0


# ---------------------------------------------------------------- log and progress


def _logs_json(arguments: Namespace) -> bool:
    if arguments.log_format == "auto":
        return not sys.stderr.isatty()
    return bool(arguments.log_format == "json")


def _log(
    arguments: Namespace, progress: Progress, clock: Callable[[], datetime], *, as_json: bool
) -> telemetry.Log:
    tabled = progress.live and sys.stdout.isatty() and not arguments.watch

    def make() -> telemetry.Log:
        if as_json:
            return telemetry.json_log()
        return TextLog(progress.write, clock, tabled=tabled)

    return QuietLog(make) if arguments.quiet else make()


def _start_callback(
    arguments: Namespace, progress: Progress, result: Result
) -> Callable[[Subscription], None]:
    """Return the function that each refresh calls, in its thread, when it starts."""
    is_verbose = arguments.verbose and not _logs_json(arguments)

    def on_start(subscription: Subscription) -> None:
        result.begin(subscription)
        if is_verbose:
            url = redacted(subscription.url, subscription)
            progress.write(f"{subscription.slug}: fetching {url}")
        if not arguments.watch:
            progress.show(result.progress_text)

    return on_start


def _versions() -> str:
    """Render the versions that a bug report needs."""
    from platform import python_version  # noqa: PLC0415 - rarely needed
    from xml.parsers.expat import EXPAT_VERSION, version_info  # noqa: PLC0415

    from feedmirror import __version__  # noqa: PLC0415

    expat = EXPAT_VERSION.replace("expat_", "expat ")
    # Source: CVE-2024-8176, CVE-2025-59375. Documents that trigger them are refused unparsed.
    old = " (older than 2.7.2, which fixes vulnerabilities)" if version_info < (2, 7, 2) else ""
    return f"feedmirror {__version__}, Python {python_version()}, {expat}{old}"
