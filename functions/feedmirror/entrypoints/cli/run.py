"""`feedmirror run`: refresh feeds once, or whenever they are due."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from datetime import datetime
from functools import cache
from time import monotonic

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.cli.progress import Progress, shown_progress
from feedmirror.entrypoints.cli.resources import Outside
from feedmirror.entrypoints.cli.result import Result
from feedmirror.entrypoints.cli.selection import Choice, Origins, choose
from feedmirror.entrypoints.cli.site_updates import Caretaker
from feedmirror.entrypoints.cli.text_log import QuietLog, TextLog
from feedmirror.entrypoints.cli.watch import watch
from feedmirror.entrypoints.cli.workers import Crew, interruptible
from feedmirror.entrypoints.printable import redacted
from feedmirror.entrypoints.store import open_store
from feedmirror.model import Subscription
from feedmirror.ports import Parser, Store, World

_INTERRUPTED = 130


def run(arguments: Namespace, outside: Outside) -> int:
    """The exit code. Raises: ConfigError."""
    with outside.start_parser() as parser:  # first of all: it forks, and there are no threads yet
        store = cache(lambda: open_store(arguments.store, threads=arguments.threads))
        choice = choose(arguments, outside.clock(), store)
        world = _world(choice, store(), outside, parser)
        as_json = _logs_json(arguments)
        live = not (as_json or arguments.quiet or arguments.json)
        with shown_progress(live=live) as progress:
            if arguments.verbose and not as_json:
                progress.write(_versions())
            log = _log(arguments, progress, outside.clock, as_json=as_json)
            caretaker = Caretaker(world, choice, arguments.threads, log)
            result = Result(choice, log, caretaker.note)
            _refresh(arguments, world, choice, progress, result, caretaker=caretaker)
    code = _tell(arguments, result, as_json=as_json)
    return code or int(caretaker.failed)


def _world(choice: Choice, store: Store, outside: Outside, parser: Parser) -> World:
    return World(
        store=store,
        origin=Origins(outside.web(outside.clock), choice.files),
        parser=parser,
        clock=outside.clock,
        public_url=choice.public_url,
    )


def _refresh(
    arguments: Namespace,
    world: World,
    choice: Choice,
    progress: Progress,
    result: Result,
    *,
    caretaker: Caretaker,
) -> None:
    """Refresh the chosen feeds into `result`, and see to it that Ctrl-C ends that in order."""
    started = monotonic()
    begin = _beginner(arguments, progress, result)
    crew = Crew(world, arguments.threads, begin, result.log_stop)
    with interruptible(crew):
        if arguments.watch:
            watch(
                crew,
                choice.subscriptions,
                world.clock,
                progress,
                result,
                after_each=caretaker.each_hour,
            )
        else:
            _once(crew, choice, progress, result, scheduled=arguments.due)
        crew.close()
        caretaker.look()
    result.finish(crew.skipped, round((monotonic() - started) * 1000))


def _once(
    crew: Crew, choice: Choice, progress: Progress, result: Result, *, scheduled: bool
) -> None:
    for subscription in choice.subscriptions:
        crew.refresh(subscription, scheduled=scheduled)
    for outcome in crew.outcomes():
        result.add(outcome)
        progress.rest(result.standing)


def _tell(arguments: Namespace, result: Result, *, as_json: bool) -> int:
    """Write what it came to; the exit code."""
    tabled = not (arguments.json or arguments.quiet or arguments.watch)
    if as_json or not tabled:
        result.log_run()
    if arguments.json:
        result.write_json()
    elif tabled:
        result.write_table(arguments.store)
    if arguments.watch:
        return 0  # it was told to end, and did
    if result.skipped:
        return _INTERRUPTED
    return 1 if result.tally.failed else 0


# ---------------------------------------------------------------- what is said meanwhile


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


def _beginner(
    arguments: Namespace, progress: Progress, result: Result
) -> Callable[[Subscription], None]:
    """What is to be done when the refresh of a feed begins, in its own thread."""
    says = arguments.verbose and not _logs_json(arguments)

    def begin(subscription: Subscription) -> None:
        result.begin(subscription)
        if says:
            url = redacted(subscription.url, subscription)
            progress.write(f"{subscription.slug}: fetching {url}")
        if not arguments.watch:
            progress.rest(result.standing)

    return begin


def _versions() -> str:
    """What it runs on, for the report of a bug."""
    from platform import python_version  # noqa: PLC0415 - rarely needed
    from xml.parsers.expat import EXPAT_VERSION, version_info  # noqa: PLC0415

    from feedmirror import __version__  # noqa: PLC0415

    expat = EXPAT_VERSION.replace("expat_", "expat ")
    # Source: CVE-2024-8176, CVE-2025-59375. What they need is refused before it is parsed.
    old = " (older than 2.7.2, which mends known flaws)" if version_info < (2, 7, 2) else ""
    return f"feedmirror {__version__}, Python {python_version()}, {expat}{old}"
