"""The health of one feed for `feedmirror status`, computed from its state, settings and the time.

Pure: `status.py` reads the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from feedmirror.entrypoints.cli.text_log import counted
from feedmirror.entrypoints.printable import printable_text, redacted
from feedmirror.entrypoints.store import StoreLocation
from feedmirror.errors import StateError
from feedmirror.layout import document_key, state_key
from feedmirror.mirror import state_codec
from feedmirror.mirror.gone import all_asked_again_at
from feedmirror.mirror.health import last_new
from feedmirror.mirror.schedule import due_after
from feedmirror.mirror.state import State, addresses_of
from feedmirror.model import Subscription
from feedmirror.publishing.formats import formats
from feedmirror.text.secrets import hidden_address

OK = "ok"
FAILING = "failing"
NEVER = "never refreshed"
RETIRED = "retired"  # by its table in feeds.toml
NOT_CONFIGURED = "not configured"  # in the store, without a table in feeds.toml
UNREADABLE_STATE = "unreadable"  # the state is damaged, or the store cannot read it
MISSING = "state missing"  # entries are stored, their state is not

UNHEALTHY = frozenset({FAILING, UNREADABLE_STATE, MISSING})

_EXACT = 5_000  # entry keys; every state remembers at least this many


@dataclass(frozen=True, slots=True)
class FeedHealth:
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
    documents: tuple[str, ...] = ()  # names of the public documents
    addresses: tuple[str, ...] = ()  # their URLs; empty if public_url is not known


def unreadable(health: FeedHealth, error: str) -> FeedHealth:
    """Return the health of a feed whose state cannot be read, for the reason `error`."""
    return replace(health, status=UNREADABLE_STATE, error=printable_text(error))


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
    url = printable_text(redacted(subscription.url, subscription)) if subscription else None
    unread = FeedHealth(slug, NEVER, configured, url)
    if body is None:
        return replace(unread, next_due=_due(subscription, State(), now))
    try:
        state = state_codec.load(body, state_key(slug)).as_of(now)
    except StateError as error:
        return unreadable(unread, str(error))
    if subscription is not None and subscription.url:
        state = state.for_url(subscription.url)
    published = [made for made in formats() if made.name in state.documents]
    health = replace(
        unread,
        status=_status(subscription, state, configured=configured),
        last_new=last_new(state),
        last_changed=state.changed_at,
        last_checked=state.checked_at,
        next_due=_due(subscription, state, now),
        not_before=state.not_before,
        entries=_entries(state),
        generation=state.generation,
        done=not state.tasks,
        quarantined=tuple(state.quarantined),
        documents=tuple(made.name for made in published),
        addresses=tuple(f"{public_url}/{slug}/{made.path}" for made in published if public_url),
    )
    known = subscription or Subscription(slug, "")
    return _with_texts(health, state, replace(known, url=known.url or state.url))


def _status(subscription: Subscription | None, state: State, *, configured: bool | None) -> str:
    if configured is False:
        return NOT_CONFIGURED
    if subscription is not None and subscription.retired:
        return RETIRED
    return FAILING if state.fault or state.failing else OK


def _with_texts(health: FeedHealth, state: State, subscription: Subscription) -> FeedHealth:
    """Return the health with the texts that come from the origin, redacted and printable."""

    def safe(text: str) -> str:
        return printable_text(redacted(text, subscription))

    failing = state.fault or state.failing
    return replace(
        health,
        url=safe(subscription.url),
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


def _entries(state: State) -> int:
    """Return the number of entries ever mirrored.

    Exact up to some thousands; beyond, an entry that came back after an edit counts again.
    """
    remembered = len(state.known_entries)
    return remembered if remembered < _EXACT else max(remembered, state.next_seq - 1)


def _due(subscription: Subscription | None, state: State, now: datetime) -> datetime | None:
    if subscription is None or subscription.retired:
        return None
    again_at = all_asked_again_at(state.gone, addresses_of(subscription, state))
    return due_after(
        subscription.slug,
        subscription.every_s,
        state.asks,
        failing_since=state.failing.since if state.failing else None,
        not_before=max(filter(None, (state.not_before, again_at)), default=None),
        after=now,
    )


# ---------------------------------------------------------------- table rows

COLUMN_HEADS = ("feed", "status", "last new entry", "next due", "entries", "address")
NUMBERS = frozenset({"entries"})
PROSE = "address"
_DAYS_WITHOUT_YEAR = 300
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def row(health: FeedHealth, now: datetime, location: StoreLocation) -> tuple[str, ...]:
    """Render the table row of a feed; times are local.

    The last column has the public addresses, or the documents' paths in the store if `public_url`
    is not known, and then any notes.
    """
    status = health.status
    stored = [location.below(document_key(health.feed, name)) for name in health.documents]
    if health.status == FAILING and health.failing_since:
        status = f"{FAILING}: {health.error_kind}, {_span(health.failing_since, now)}"
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
    if health.status == NOT_CONFIGURED:
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
