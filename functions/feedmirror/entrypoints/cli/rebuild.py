"""`feedmirror rebuild`: recreate feeds, their state and documents, from stored entries."""

from __future__ import annotations

import json
import shlex
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime
from functools import partial

from msgspec import Struct, to_builtins
from msgspec.structs import asdict, replace

from feedmirror import rebuild as rebuilding
from feedmirror.entrypoints.cli.arguments import DEFAULT_STORE
from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.selection import configured, public_url_of
from feedmirror.entrypoints.cli.terminal import counted, listed_names, print_error, shown_progress
from feedmirror.entrypoints.store import open_store, thread_map
from feedmirror.entrypoints.telemetry import printable_text, redacted
from feedmirror.errors import ConfigError, FeedMirrorError
from feedmirror.layout import DATA
from feedmirror.model import Subscription
from feedmirror.ports import Store
from feedmirror.reparse import Reparsed
from feedmirror.settings.load import subscription_for
from feedmirror.settings.problems import closest_name
from feedmirror.settings.slugs import SLUG
from feedmirror.text.urls import is_web


def rebuild(arguments: Namespace, resources: Resources) -> int:
    """Run the command; return its exit code, 1 if a feed failed.

    Raises: ConfigError, StoreError.
    """
    with resources.start_parser() if arguments.reparse else nullcontext() as rereader:
        store = open_store(arguments.store, threads=arguments.threads)
        subscriptions, public_url = select_stored_feeds(arguments, store)
        with (
            shown_progress(live=not (arguments.json or arguments.quiet)) as progress,
            thread_map(arguments.threads) as side_by_side,
        ):
            one = partial(
                rebuilding.rebuild,
                store=store,
                public_url=public_url,
                rereader=rereader,
                side_by_side=side_by_side,
            )
            reports = [_attempt(s, one, resources.clock(), progress.show) for s in subscriptions]
    if arguments.json:
        feeds = [{**to_builtins(report), "failed": report.failed} for report in reports]
        print(json.dumps({"feeds": feeds}, indent=2))  # noqa: T201 - the output
    for report in () if arguments.json else reports:
        _print_report(report, quiet=arguments.quiet)
    return 1 if any(report.failed for report in reports) else 0


class _Report(Struct, frozen=True):
    """Result of rebuilding one feed. The fields are the keys of `--json`: do not rename them."""

    feed: str  # the slug
    error: str | None = None  # why the feed was not rebuilt; the fields below are then empty
    state: str | None = None  # the state found: "readable", "damaged" or "missing"
    entries: int = 0  # stored
    revisions: int = 0  # read
    window: int = 0  # entries in the public feed
    archived: int = 0  # entries in archive pages
    published: tuple[str, ...] = ()  # names of the documents written
    renewed: int = 0  # entry pages and archive pages written
    damaged: tuple[str, ...] = ()  # unreadable records
    quarantined: tuple[str, ...] = ()  # GUIDs of entries that cannot be rendered
    reparsed: Reparsed | None = None  # None: without --reparse

    @property
    def failed(self) -> bool:
        """True if the feed was not rebuilt, or a record could not be read or reparsed."""
        return bool(self.error or self.damaged or (self.reparsed and self.reparsed.failed))


def _attempt(
    subscription: Subscription,
    rebuild: Callable[..., rebuilding.Rebuilt],
    now: datetime,
    show: Callable[[str], None],  # shows progress
) -> _Report:
    """Rebuild one feed. A failure is part of the report; it is not raised."""
    safe = partial(redacted, subscription=subscription)
    slug = subscription.slug
    show(f"{slug}: listing entries")

    def report(number: int) -> None:
        show(f"{slug}: {number:,} revisions read")

    try:
        result = rebuild(subscription, now=now, report=report)
    except FeedMirrorError as error:
        return _Report(slug, error=safe(str(error)))
    reparsed = result.reparsed
    if reparsed:
        reparsed = replace(reparsed, failed=tuple(map(safe, reparsed.failed)))
    texts = {
        "damaged": tuple(map(safe, result.damaged)),
        "quarantined": tuple(map(safe, result.quarantined)),
    }
    return _Report(**asdict(result) | texts | {"reparsed": reparsed})


def _print_report(report: _Report, *, quiet: bool) -> None:
    """Print the report as text: problems on stderr, the summary on stdout."""
    if report.error:
        print_error(f"{report.feed}: {report.error}")
        return
    if report.damaged:
        print_error(
            f"{report.feed}: {counted(len(report.damaged), 'record')} left out, unreadable: "
            "restore earlier versions, or delete the records",
            *(f"  {line}" for line in report.damaged),
        )
    if report.reparsed and report.reparsed.failed:
        print_error(
            f"{report.feed}: {counted(len(report.reparsed.failed), 'record')} left unchanged, "
            "since reparsing failed:",
            *(f"  {line}" for line in report.reparsed.failed),
        )
    if report.quarantined:
        guids = listed_names(report.quarantined)
        print_error(f"{report.feed}: quarantined, since they cannot be rendered: {guids}")
    if not quiet:
        print(_summary(report))  # noqa: T201 - the output


def _summary(report: _Report) -> str:
    """Render the line of a rebuilt feed."""
    entries = counted(f"{report.entries:,}", "entry")
    revisions = counted(f"{report.revisions:,}", "revision")
    pages = [counted(f"{report.renewed:,}", "page")] if report.renewed else []
    wrote = ", ".join((*report.published, *pages))
    did = f"wrote {wrote}" if wrote else "all documents were up to date"
    found = "" if report.state == "readable" else f" (its state was {report.state})"
    placed = f"{report.window:,} in the feed and {report.archived:,} in its archive"
    again = f"{_reparsed(report.reparsed)}; " if report.reparsed else ""
    return f"{report.feed}: {entries} in {revisions}, {placed}; {again}{did}{found}"


def _reparsed(reparsed: Reparsed) -> str:
    """Render the counts of `--reparse`; the failures are printed by `_print_report`."""
    cleaned = f", {reparsed.cleaned:,} without original sanitized" if reparsed.cleaned else ""
    return f"{reparsed.reread:,} reparsed{cleaned}, {reparsed.changed:,} of them changed"


# ---------------------------------------------------------------- selection of feeds


def select_stored_feeds(arguments: Namespace, store: Store) -> tuple[list[Subscription], str]:
    """Return the feeds that are named and the public URL. Raises: ConfigError, StoreError."""
    settings = configured(arguments.config)
    known = {feed.slug: feed for feed in settings.subscriptions} if settings else {}
    configured_url = settings.public_url if settings else None
    public_url = public_url_of(arguments, configured_url, lambda: store)
    slugs = list(dict.fromkeys(arguments.feeds))
    if arguments.disclaimer and (refused := [slug for slug in slugs if slug in known]):
        raise ConfigError(
            (f"--disclaimer: {refused[0]} is in {arguments.config}; set its disclaimer there",)
        )
    subscriptions = []
    for slug in slugs:
        feed = known.get(slug) or _unconfigured(slug, arguments, store, known)
        # A retired feed may have no `url`; its documents then name the stored one.
        url = feed.url or rebuilding.address_of(store, slug) or ""
        subscriptions.append(replace(feed, url=url))
    return subscriptions, public_url


def _unconfigured(
    slug: str, arguments: Namespace, store: Store, known: dict[str, Subscription]
) -> Subscription:
    """Return the subscription of a feed that is in the store alone.

    Raises: ConfigError without `--disclaimer`: a default would publish a text that the operator did
    not choose.
    """
    url = rebuilding.address_of(store, slug) if SLUG.fullmatch(slug) else None
    if url is None:
        guess = closest_name(slug, {*known, *store.folders(DATA)} - {slug})
        hint = f"did you mean {guess}?" if guess else "`feedmirror status` lists the feeds"
        where = f"neither {arguments.config} nor {arguments.store}"
        raise ConfigError((f"{printable_text(slug)}: {where} has a feed of that name; {hint}",))
    if not arguments.disclaimer:
        raise ConfigError(tuple(_missing_disclaimer(slug, url, arguments)))
    # Validated with a placeholder, since the stored address may be that of a local file.
    options = {"slug": slug, "disclaimer": arguments.disclaimer}
    return replace(subscription_for("https://stored.invalid/", **options), url=url)


def _missing_disclaimer(slug: str, url: str, arguments: Namespace) -> Iterator[str]:
    """Yield the lines of an error for a feed without configuration and `--disclaimer`."""
    yield f"{slug} is not in {arguments.config}, so its disclaimer is not known"
    if is_web(url):
        yield f"add the feed:       [feeds.{slug}]"
        shown = redacted(url, Subscription(slug, url))
        yield f'                    url = "{shown}"'
    here = f" --store {shlex.quote(str(arguments.store))}"
    option = "" if arguments.store == DEFAULT_STORE else here
    yield f"or give its text:   feedmirror {arguments.command} {slug}{option} --disclaimer TEXT"
