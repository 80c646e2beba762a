"""`feedmirror status`: show the health of every feed in feeds.toml and in the store.

Reads the feed index, and the states that have changed since it was written or that have more to
say than the index; sends no request to an origin and writes nothing.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from feedmirror.entrypoints.cli.arguments import DEFAULT_CONFIG
from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.renewal_cost import shown_requests, usd_of
from feedmirror.entrypoints.cli.selection import configured
from feedmirror.entrypoints.cli.terminal import counted, show_table, shown_progress
from feedmirror.entrypoints.store import StoreLocation, open_store, thread_map
from feedmirror.entrypoints.telemetry import printable_text, redacted
from feedmirror.errors import ConfigError, StateError, StoreError
from feedmirror.layout import DATA, document_key, state_key
from feedmirror.mirror import state_codec
from feedmirror.mirror.feed_index import IndexedFeed, indexed
from feedmirror.mirror.gone import all_asked_again_at
from feedmirror.mirror.renewal_work import RenewalWork, work_left, work_of_all
from feedmirror.mirror.schedule import due_after
from feedmirror.mirror.state import State, addresses_of
from feedmirror.model import Subscription
from feedmirror.ports import Store
from feedmirror.publishing.formats import formats
from feedmirror.settings.load import Settings
from feedmirror.settings.problems import closest_name
from feedmirror.settings.slugs import SLUG
from feedmirror.storage.feed_index import Survey, survey_feeds
from feedmirror.storage.wal import has_entries, why_missing
from feedmirror.text.secrets import hidden_address

_OK = "ok"
_FAILING = "failing"
_NEVER = "never refreshed"
_RETIRED = "retired"  # by its table in feeds.toml
_NOT_CONFIGURED = "not configured"  # in the store, without a table in feeds.toml
_UNREADABLE = "unreadable"  # the state is damaged, or the store cannot read it
_MISSING = "state missing"  # entries are stored, their state is not

UNHEALTHY = frozenset({_FAILING, _UNREADABLE, _MISSING})

COLUMN_HEADS = ("feed", "status", "last new entry", "next due", "entries", "address")
_DAYS_WITHOUT_YEAR = 300
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def status(arguments: Namespace, resources: Resources) -> int:
    """Run the command; return its exit code, 1 if a feed is unhealthy.

    Raises: ConfigError, StoreError.
    """
    settings = configured(arguments.config)
    known = {each.slug: each for each in settings.subscriptions} if settings else {}
    store = open_store(arguments.store, threads=arguments.threads)
    now = resources.clock()
    feeds: list[FeedHealth] = []
    with (
        shown_progress(live=not arguments.json) as progress,
        thread_map(arguments.threads) as side_by_side,
    ):
        progress.show(f"listing {arguments.store}")
        survey = Survey({}, frozenset())
        if arguments.feeds:
            slugs = _named(arguments, known, store)
            stored = frozenset(slugs)
        else:
            survey = survey_feeds(store, now, side_by_side, may_write=False)
            stored = _stored(survey, store)
            slugs = [*known, *sorted(stored - known.keys())]

        def read(slug: str) -> FeedHealth | None:
            feed = survey.feeds.get(slug)
            if feed and _says_all(feed, known.get(slug)):
                return _of_index(slug, known.get(slug), feed, settings, now)
            health = _read_health(slug, known.get(slug), settings, store, now)
            if health.status == _NEVER and slug in stored:
                found = _without_state(health, store)
                if found is None and arguments.feeds:
                    raise _unknown(slug, arguments, known, store)
                return found
            return health

        for health in side_by_side(read, slugs):
            feeds += [health] if health else []
            progress.show(f"{len(feeds)} of {len(slugs)} feeds read")
    if arguments.json:
        _write_json(feeds)
    else:
        _write_table(feeds, settings, arguments.store, now)
    return 1 if any(health.status in UNHEALTHY for health in feeds) else 0


def _stored(survey: Survey, store: Store) -> frozenset[str]:
    """Return the names of all feeds in the store, with a state or without."""
    listed = {*survey.feeds, *survey.unreadable, *store.folders(DATA)}
    return frozenset(filter(SLUG.fullmatch, listed))


def _named(arguments: Namespace, known: Iterable[str], store: Store) -> list[str]:
    """Return the feeds that the command line names, each once. Raises: ConfigError."""
    for slug in arguments.feeds:
        if not SLUG.fullmatch(slug):
            raise _unknown(slug, arguments, known, store)
    return list(dict.fromkeys(arguments.feeds))


def _unknown(slug: str, arguments: Namespace, known: Iterable[str], store: Store) -> ConfigError:
    """Return the error for a name that no feed has."""
    guess = closest_name(slug, {*known, *store.folders(DATA)})
    hint = f"did you mean {guess}?" if guess else "`feedmirror status` lists the feeds"
    where = f"neither {arguments.config} nor {arguments.store}"
    return ConfigError((f"{printable_text(slug)}: {where} has a feed of that name; {hint}",))


def _says_all(feed: IndexedFeed, subscription: Subscription | None) -> bool:
    """True if the state of a feed has no more to say of its health than the index."""
    known = feed.known
    if known is None or known.moved_to or feed.has_notes:
        return False
    return subscription is None or subscription.url in {"", feed.url}


def _of_index(
    slug: str,
    subscription: Subscription | None,
    feed: IndexedFeed,
    settings: Settings | None,
    now: datetime,
) -> FeedHealth:
    """Return the health of a feed of which the index says all."""
    is_configured = subscription is not None if settings else None
    public_url = settings.public_url if settings else None
    health = _indexed_health(slug, subscription, feed, public_url=public_url)
    return replace(
        health,
        status=_status(subscription, feed, configured=is_configured),
        configured=is_configured,
        next_due=_due(subscription, feed, None, now),
        done=True,
    )


def _read_health(
    slug: str,
    subscription: Subscription | None,
    settings: Settings | None,
    store: Store,
    now: datetime,
) -> FeedHealth:
    """Read the health of one feed; it is `unreadable` where the store fails."""
    is_configured = subscription is not None if settings else None
    try:
        stored = store.load(state_key(slug))
        return health_of(
            slug,
            subscription,
            stored.body if stored else None,
            now,
            public_url=settings.public_url if settings else None,
            configured=is_configured,
        )
    except StoreError as error:
        return _unreadable(FeedHealth(slug, _NEVER, is_configured), str(error))


def _without_state(health: FeedHealth, store: Store) -> FeedHealth | None:
    """Return the health of a feed with a folder and no state; None if the folder is empty."""
    try:
        if has_entries(store, health.feed):
            return replace(health, status=_MISSING, error=why_missing(health.feed))
    except StoreError as error:
        return _unreadable(health, str(error))
    return health if health.configured else None


class FeedHealth(Struct, frozen=True):
    """Health of one feed. The field names are the keys of `status --json`: do not rename them."""

    feed: str  # the slug
    status: str  # one of the constants above
    configured: bool | None = None  # None: there is no feeds.toml
    url: str | None = None
    error_kind: str | None = None
    error_group: str | None = None
    error: str | None = None  # a sentence
    failing_since: datetime | None = None
    last_new: datetime | None = None  # when the latest new entry was first seen
    last_changed: datetime | None = None  # when the public feed last changed
    last_checked: datetime | None = None  # the last successful poll on record, noted once a day
    next_due: datetime | None = None  # None: not configured, or retired
    not_before: datetime | None = None  # the origin asked for no request before this time
    entries: int | None = None  # ever mirrored
    generation: int | None = None
    done: bool | None = None  # False: the last run was interrupted; the next one completes it
    moved_to: str | None = None  # target of the permanent redirect of `url`
    gone: Mapping[str, datetime] = field(default_factory=dict)  # address -> time of its next poll
    quarantined: tuple[str, ...] = ()  # keys of entries that cannot be rendered
    withheld: tuple[str, ...] = ()  # keys of new entries that look like ones that were taken down
    renewal: Mapping[str, int | float] | None = None  # as of `_renewal`; None: nothing is left
    documents: tuple[str, ...] = ()  # names of the public documents
    addresses: tuple[str, ...] = ()  # their URLs; empty if public_url is not known


def _unreadable(health: FeedHealth, error: str) -> FeedHealth:
    """Return the health of a feed whose state cannot be read, for the reason `error`."""
    return replace(health, status=_UNREADABLE, error=printable_text(error))


def health_of(
    slug: str,
    subscription: Subscription | None,  # None: not configured
    body: bytes | None,  # the stored state; None: there is no state
    now: datetime,
    *,
    public_url: str | None,
    configured: bool | None,
) -> FeedHealth:
    """Compute the health of a feed. Secrets are hidden in every text of the result."""
    url = redacted(subscription.url, subscription) if subscription else None
    unread = FeedHealth(slug, _NEVER, configured, url)
    if body is None:
        return replace(unread, next_due=_due(subscription, IndexedFeed(), None, now))
    try:
        state = state_codec.load_known(body, state_key(slug)).as_of(now)
    except StateError as error:
        return _unreadable(unread, str(error))
    if subscription is not None and subscription.url:
        state = state.for_url(subscription.url)
    feed = indexed(state, "")
    again_at = None
    if subscription is not None:
        again_at = all_asked_again_at(state.gone, addresses_of(subscription, state))
    health = replace(
        _indexed_health(slug, subscription, feed, public_url=public_url),
        status=_status(subscription, feed, configured=configured),
        configured=configured,
        next_due=_due(subscription, feed, again_at, now),
        done=not state.tasks,
        quarantined=tuple(state.quarantined),
        withheld=tuple(dict.fromkeys(state.withheld.values())),
        renewal=_renewal(state),
    )
    known = subscription or Subscription(slug, "")
    return _with_texts(health, state, replace(known, url=known.url or state.url))


def _indexed_health(
    slug: str, subscription: Subscription | None, feed: IndexedFeed, *, public_url: str | None
) -> FeedHealth:
    """Return the health of a feed as far as the feed index has it."""
    known = subscription or Subscription(slug, "")
    known = replace(known, url=known.url or feed.url)
    published = [made for made in formats() if made.name in feed.documents]
    return FeedHealth(
        slug,
        _OK,
        url=redacted(known.url, known),
        last_new=feed.last_new,
        last_changed=feed.changed_at,
        last_checked=feed.checked_at,
        not_before=feed.not_before,
        entries=feed.entries,
        generation=feed.generation,
        documents=tuple(made.name for made in published),
        addresses=tuple(f"{public_url}/{slug}/{made.path}" for made in published if public_url),
    )


def _renewal(state: State) -> Mapping[str, int | float] | None:
    """Return how far the pages of a feed are renewed, and at most what the rest takes: pages,
    requests to the store, and US dollars if that is S3. None where nothing is left.
    """
    if state.renewal is None:
        return None
    left = work_left(state)
    return {
        "pages": work_of_all(state).pages,
        "pages_left": left.pages,
        "writes": left.writes,
        "reads": left.reads,
        "usd": round(usd_of(left), 6),
    }


def _status(
    subscription: Subscription | None, feed: IndexedFeed, *, configured: bool | None
) -> str:
    if configured is False:
        return _NOT_CONFIGURED
    if subscription is not None and subscription.retired:
        return _RETIRED
    return _FAILING if feed.fault or feed.failing else _OK


def _with_texts(health: FeedHealth, state: State, subscription: Subscription) -> FeedHealth:
    """Return the health with the texts that come from the origin, redacted and printable."""
    safe = partial(redacted, subscription=subscription)
    failing = state.fault or state.failing
    return replace(
        health,
        error_kind=failing.kind if failing else None,
        error_group=failing.group if failing else None,
        error=safe(failing.message) if failing else None,
        failing_since=failing.since if failing else None,
        moved_to=safe(state.moved_to) if state.moved_to else None,
        # Alternates that are no longer configured are listed as well.
        gone={
            safe(hidden_address(url)): sightings.asked_again_at
            for url, sightings in state.gone.items()
            if sightings.asked_again_at
        },
    )


def _due(
    subscription: Subscription | None, feed: IndexedFeed, again_at: datetime | None, now: datetime
) -> datetime | None:
    """Return when the feed is polled next. `again_at`: where all its addresses are gone, when the
    first of them is asked again.
    """
    if subscription is None or subscription.retired:
        return None
    return due_after(
        subscription.slug,
        subscription.every_s,
        feed.asks,
        failing_since=feed.failing.since if feed.failing else None,
        not_before=max(filter(None, (feed.not_before, again_at)), default=None),
        after=now,
    )


# ---------------------------------------------------------------- output


def _write_json(feeds: Iterable[FeedHealth]) -> None:
    """Print one JSON document. It is ASCII: no control sequence can reach a terminal."""
    rows = [asdict(health) for health in feeds]
    totals = Counter(row["status"] for row in rows)
    print(json.dumps({"feeds": rows, "totals": totals}, indent=2, default=datetime.isoformat))  # noqa: T201 - what the command is for


def _write_table(
    feeds: list[FeedHealth], settings: Settings | None, store: StoreLocation, now: datetime
) -> None:
    """Print the feeds as a table, and how many have which status."""
    if not feeds:
        print(f"No feed has been mirrored into {store} yet.")  # noqa: T201 - what it is for
        return
    rows = [row(health, now, store) for health in feeds]
    show_table(COLUMN_HEADS, rows, numbers={"entries"}, prose="address")
    counts = Counter(health.status for health in feeds)
    parts = ", ".join(f"{number} {status}" for status, number in counts.most_common())
    lines = ["", f"{counted(len(feeds), 'feed')}: {parts}.", *_renewal_line(feeds, store)]
    if settings is None:
        lines.append(
            f"There is no {DEFAULT_CONFIG}, so the feeds' update intervals and public addresses "
            "are not known."
        )
    print("\n".join(lines))  # noqa: T201 - what the command is for


def _renewal_line(feeds: Iterable[FeedHealth], location: StoreLocation) -> Iterator[str]:
    """Yield the line on what is left to renew of all feeds, if anything is."""
    renewals = [health.renewal for health in feeds if health.renewal]
    if not renewals:
        return
    total = Counter[str]()
    for renewal in renewals:
        total.update({name: int(number) for name, number in renewal.items() if name != "usd"})
    left = RenewalWork(total["pages_left"], total["writes"], total["reads"])
    yield (
        f"To renew, at most: {_pages_left(total)} of {counted(len(renewals), 'feed')}, with "
        f"{shown_requests(left, location)}. `feedmirror run` and the function do it."
    )


def _pages_left(renewal: Mapping[str, int | float]) -> str:
    """Render how far a renewal is: `1,234 of 5,000 pages (75 % done)`."""
    left, pages = renewal["pages_left"], renewal["pages"]
    done = int(100 * (pages - left) / pages) if pages else 100
    return f"{left:,} of {pages:,} pages ({done} % done)"


def row(health: FeedHealth, now: datetime, location: StoreLocation) -> tuple[str, ...]:
    """Render the table row of a feed; times are local.

    The last column has the public addresses, or the documents' paths in the store if `public_url`
    is not known, and then any notes.
    """
    status = health.status
    stored = [location.below(document_key(health.feed, name)) for name in health.documents]
    if health.status == _FAILING and health.failing_since:
        status = f"{_FAILING}: {health.error_kind}, {_span(health.failing_since, now)}"
    due = health.next_due
    return (
        health.feed,
        status,
        _moment(health.last_new, now, f"{_span(health.last_new, now)} ago"),
        _moment(due, now, f"in {_span(now, due)}"),
        "" if health.entries is None else f"{health.entries:,}",
        "; ".join(filter(None, (_joined(health.addresses or stored), *_notes(health)))),
    )


def _joined(addresses: Iterable[str]) -> str:
    """Render addresses in one folder: the first in full, the names of the rest."""
    first, *others = addresses or ("",)
    return " ".join(filter(None, (first, *(each.rpartition("/")[2] for each in others))))


def _notes(health: FeedHealth) -> Iterable[str]:
    """Yield the notes of a feed: its error, and other conditions that need attention."""
    if health.status == _NOT_CONFIGURED:
        yield (
            f"feeds.toml has no [feeds.{health.feed}]: add it with `retired = true` to retire "
            "the feed, or with its `url` to mirror it again"
        )
    yield health.error or ""
    if health.moved_to:
        yield f"moved for good to {health.moved_to}: update `url`"
    for url, again_at in health.gone.items():
        if url not in (health.error or ""):
            yield f"gone: {url}, not asked again until {again_at:%Y-%m-%d %H:%M} UTC"
    if health.quarantined:
        entries = counted(len(health.quarantined), "entry")
        yield f"quarantined, since they cannot be rendered: {entries}"
    if health.withheld:
        keys = " ".join(health.withheld)
        yield (
            "left out, since they look like entries that were taken down: "
            f"`feedmirror restore {health.feed} {keys}` releases them"
        )
    if health.renewal:
        yield f"pages to renew, at most: {_pages_left(health.renewal)}"
    if health.done is False:
        yield "the last run was interrupted; the next one completes it"


def _moment(at: datetime | None, now: datetime, distance: str) -> str:
    if at is None:
        return ""
    local = at.astimezone()
    return (
        f"{local:%m-%d %H:%M} ({distance})"
        if abs((at - now).days) < _DAYS_WITHOUT_YEAR
        else f"{local:%Y-%m-%d} ({distance})"
    )


def _span(since: datetime | None, until: datetime | None) -> str:
    """Render a time span in whole units of the largest unit that fits: `12 min`, `3 h`, `5 d`."""
    if since is None or until is None:
        return ""
    seconds = (until - since).total_seconds()
    size, unit = next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])
    return f"{max(0, int(seconds // size))} {unit}"
