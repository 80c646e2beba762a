"""`feedmirror rebuild`: feeds made anew from the entries that are stored."""

from __future__ import annotations

import json
import shlex
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from feedmirror import rebuild as stored
from feedmirror.entrypoints.cli.option_values import DEFAULT_STORE
from feedmirror.entrypoints.cli.progress import shown_progress
from feedmirror.entrypoints.cli.resources import Outside, complain
from feedmirror.entrypoints.cli.selection import public_url_of
from feedmirror.entrypoints.cli.status import configured
from feedmirror.entrypoints.cli.text_log import counted, listed
from feedmirror.entrypoints.printable import printable, redacted
from feedmirror.entrypoints.store import open_store
from feedmirror.entrypoints.thread_map import abreast
from feedmirror.errors import ConfigError, FeedMirrorError
from feedmirror.layout import DATA
from feedmirror.model import Subscription
from feedmirror.ports import Rereader, SideBySide, Store
from feedmirror.reparse import Reparsed
from feedmirror.settings import subscription_for
from feedmirror.settings.problems import meant
from feedmirror.settings.slugs import SLUG
from feedmirror.text.urls import is_web


def rebuild(arguments: Namespace, outside: Outside) -> int:
    """The exit code. Raises: ConfigError, StoreError."""
    # The parser first of all: it forks, and there are no threads yet.
    with outside.start_parser() if arguments.reparse else nullcontext() as rereader:
        store = open_store(arguments.store, threads=arguments.threads)
        subscriptions, public_url = _choose(arguments, store)
        with (
            shown_progress(live=not (arguments.json or arguments.quiet)) as progress,
            abreast(arguments.threads) as side_by_side,
        ):
            bench = _Bench(store, public_url, outside.clock, rereader, side_by_side, progress.rest)
            told = [bench.attempt(subscription) for subscription in subscriptions]
    if arguments.json:
        document = {"feeds": [{**asdict(one), "failed": one.failed} for one in told]}
        print(json.dumps(document, indent=2))  # noqa: T201 - what the command is for
    for one in () if arguments.json else told:
        _tell(one, quiet=arguments.quiet)
    return 1 if any(one.failed for one in told) else 0


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a feed; also the keys of the JSON document, so none of them is renamed."""

    feed: str  # the slug
    error: str | None = None  # a sentence, where it was not rebuilt; nothing below applies then
    state: str | None = None  # what there was: "readable", "damaged" or "missing"
    entries: int = 0  # that are stored
    revisions: int = 0  # of them, that were read
    window: int = 0  # entries in the public feed
    sealed: int = 0  # entries in the pages of its archive
    published: tuple[str, ...] = ()  # names of the documents that were written
    renewed: int = 0  # pages, of entries and of the archive, that were written
    damaged: tuple[str, ...] = ()  # records that cannot be read
    quarantined: tuple[str, ...] = ()  # guids of entries that could not be rendered
    reparsed: Reparsed | None = None  # what reading entries again came to; None: without --reparse

    @property
    def failed(self) -> bool:
        """True if it was not rebuilt, or not from all of its records, or not all were reread."""
        return bool(self.error or self.damaged or (self.reparsed and self.reparsed.failed))


@dataclass(frozen=True, slots=True)
class _Bench:
    """What a feed is rebuilt with."""

    store: Store
    public_url: str
    clock: Callable[[], datetime]
    rereader: Rereader | None
    side_by_side: SideBySide
    rest: Callable[[str], None]  # shows how far it is

    def attempt(self, subscription: Subscription) -> Told:
        """What becomes of it."""

        def fit(text: str) -> str:
            return printable(redacted(text, subscription))

        slug = subscription.slug
        self.rest(f"{slug}: listing its entries")
        try:
            done = stored.rebuild(
                subscription,
                self.store,
                self.public_url,
                self.clock(),
                rereader=self.rereader,
                side_by_side=self.side_by_side,
                report=lambda number: self.rest(f"{slug}: {number:,} revisions read"),
            )
        except FeedMirrorError as error:
            return Told(slug, error=fit(str(error)))
        again = done.reparsed
        told = Told(**{**asdict(done), "reparsed": None})
        return replace(
            told,
            damaged=tuple(map(fit, told.damaged)),
            quarantined=tuple(map(fit, told.quarantined)),
            reparsed=replace(again, failed=tuple(map(fit, again.failed))) if again else None,
        )


def _tell(told: Told, *, quiet: bool) -> None:
    """Say it in words: what is amiss on stderr."""
    if told.error:
        complain(f"{told.feed}: {told.error}")
        return
    if told.damaged:
        complain(
            f"{told.feed}: left out, since they cannot be read: "
            f"{counted(len(told.damaged), 'record')}; restore earlier versions, or delete them",
            *(f"  {line}" for line in told.damaged),
        )
    if told.reparsed and told.reparsed.failed:
        complain(
            f"{told.feed}: left as they were, since they cannot be read again: "
            f"{counted(len(told.reparsed.failed), 'record')}",
            *(f"  {line}" for line in told.reparsed.failed),
        )
    if told.quarantined:
        complain(f"{told.feed}: left out since they cannot be rendered: {listed(told.quarantined)}")
    if not quiet:
        print(_line(told))  # noqa: T201 - what the command is for


def _line(told: Told) -> str:
    entries = f"{told.entries:,} {'entry' if told.entries == 1 else 'entries'}"
    revisions = f"{told.revisions:,} {'revision' if told.revisions == 1 else 'revisions'}"
    pages = [counted(f"{told.renewed:,}", "page")] if told.renewed else []
    wrote = ", ".join((*told.published, *pages))
    did = f"wrote {wrote}" if wrote else "nothing had to be written"
    was = "" if told.state == "readable" else f" (its state was {told.state})"
    placed = f"{told.window:,} in the feed and {told.sealed:,} in its archive"
    again = f"{_again(told.reparsed)}; " if told.reparsed else ""
    return f"{told.feed}: {entries} in {revisions}, {placed}; {again}{did}{was}"


def _again(reparsed: Reparsed) -> str:
    """What reading entries again came to, but for those that could not be."""
    cleaned = f", {reparsed.cleaned:,} without original only sanitised" if reparsed.cleaned else ""
    return f"{reparsed.reread:,} read again{cleaned}, {reparsed.changed:,} of them changed"


# ---------------------------------------------------------------- which feeds


def _choose(arguments: Namespace, store: Store) -> tuple[list[Subscription], str]:
    """The feeds to rebuild, and where readers find them. Raises: ConfigError, StoreError."""
    settings = configured(arguments.config)
    known = {feed.slug: feed for feed in settings.subscriptions} if settings else {}
    configured_url = settings.public_url if settings else None
    public_url = public_url_of(arguments, configured_url, lambda: store)
    slugs = list(dict.fromkeys(arguments.feeds))
    if arguments.disclaimer and (said := [slug for slug in slugs if slug in known]):
        raise ConfigError(
            (f"--disclaimer: {said[0]} has its disclaimer in {arguments.config}; change it there",)
        )
    subscriptions = []
    for slug in slugs:
        feed = known.get(slug) or _unconfigured(slug, arguments, store, known)
        # A retired feed needs no `url`; then the stored one goes into its documents.
        url = feed.url or stored.address_of(store, slug) or ""
        subscriptions.append(replace(feed, url=url))
    return subscriptions, public_url


def _unconfigured(
    slug: str, arguments: Namespace, store: Store, known: dict[str, Subscription]
) -> Subscription:
    """A feed that is in the store alone. Raises: ConfigError unless it is told what it says.

    To make up its disclaimer would put other words on what is public than the operator chose.
    """
    url = stored.address_of(store, slug) if SLUG.fullmatch(slug) else None
    if url is None:
        guess = meant(slug, {*known, *store.folders(DATA)} - {slug})
        hint = f"did you mean {guess}?" if guess else "`feedmirror status` lists what there is"
        where = f"neither {arguments.config} nor {arguments.store}"
        raise ConfigError((f"{printable(slug)}: {where} has a feed of that name; {hint}",))
    if not arguments.disclaimer:
        raise ConfigError(tuple(_how_to_say(slug, url, arguments)))
    # Checked with an address in place of the stored one, which may be that of a file.
    options = {"slug": slug, "disclaimer": arguments.disclaimer}
    return replace(subscription_for("https://stored.invalid/", **options), url=url)


def _how_to_say(slug: str, url: str, arguments: Namespace) -> Iterator[str]:
    """What to do about a feed that is not configured."""
    yield f"{slug} is not in {arguments.config}, which says what its entries have to carry"
    if is_web(url):
        yield f"add it there:  [feeds.{slug}]"
        yield f'               url = "{printable(redacted(url, Subscription(slug, url)))}"'
    here = f" --store {shlex.quote(str(arguments.store))}"
    option = "" if arguments.store == DEFAULT_STORE else here
    yield f"or say it:     feedmirror rebuild {slug}{option} --disclaimer TEXT"
