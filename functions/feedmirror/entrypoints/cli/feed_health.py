"""How a feed fares, as its state tells: a pure function of what is stored, configured, and now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from feedmirror.entrypoints.printable import printable, redacted
from feedmirror.entrypoints.store import Place
from feedmirror.errors import StateError
from feedmirror.layout import document_key, state_key
from feedmirror.mirror import state as states
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
UNREADABLE = "unreadable"  # the state is damaged, or the store does not give it
MISSING = "state missing"  # though entries are stored

AMISS = frozenset({FAILING, UNREADABLE, MISSING})

_EXACT = 5_000  # keys of entries that every state remembers at least


@dataclass(frozen=True, slots=True)
class Standing:
    """How one feed fares; also the keys of the JSON document, so none of them is renamed."""

    feed: str  # the slug
    status: str  # one of the above
    configured: bool | None = None  # None: there is no feeds.toml
    url: str | None = None
    error_kind: str | None = None
    error_group: str | None = None
    error: str | None = None  # a sentence
    failing_since: datetime | None = None
    last_new: datetime | None = None  # when an entry was seen for the first time, the last time
    last_changed: datetime | None = None  # when the public feed changed
    last_checked: datetime | None = None  # a time when all was well; noted once a day
    next_due: datetime | None = None  # None: not configured, or retired
    not_before: datetime | None = None  # the origin wants no request before
    entries: int | None = None  # that were ever mirrored
    generation: int | None = None
    done: bool | None = None  # False: the last run died; the next one finishes what it began
    moved_to: str | None = None  # where `url` has moved for good
    gone: Mapping[str, datetime] = field(default_factory=dict)  # address: when it is asked again
    quarantined: tuple[str, ...] = ()  # keys of entries that cannot be rendered
    documents: tuple[str, ...] = ()  # names of those that are public
    addresses: tuple[str, ...] = ()  # of those; empty where public_url is not known


def unreadable(standing: Standing, error: str) -> Standing:
    """The standing of a feed whose state cannot be had."""
    return replace(standing, status=UNREADABLE, error=printable(error))


def standing_of(
    slug: str,
    subscription: Subscription | None,  # None: not configured
    body: bytes | None,  # of the state, None where there is none
    now: datetime,
    *,
    public_url: str | None,
    configured: bool | None,
) -> Standing:
    """How the feed fares."""
    url = printable(redacted(subscription.url, subscription)) if subscription else None
    plain = Standing(slug, NEVER, configured, url)
    if body is None:
        return replace(plain, next_due=_due(subscription, State(), now))
    try:
        state = states.load(body, state_key(slug)).as_of(now)
    except StateError as error:
        return unreadable(plain, str(error))
    if subscription is not None and subscription.url:
        state = state.for_url(subscription.url)
    there = [made for made in formats() if made.name in state.documents]
    read = replace(
        plain,
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
        documents=tuple(made.name for made in there),
        addresses=tuple(f"{public_url}/{slug}/{made.path}" for made in there if public_url),
    )
    known = subscription or Subscription(slug, "")
    return _with_words(read, state, replace(known, url=known.url or state.url))


def _status(subscription: Subscription | None, state: State, *, configured: bool | None) -> str:
    if configured is False:
        return NOT_CONFIGURED
    if subscription is not None and subscription.retired:
        return RETIRED
    return FAILING if state.fault or state.failing else OK


def _with_words(read: Standing, state: State, subscription: Subscription) -> Standing:
    """With what comes from outside, fit for anybody's eyes."""

    def fit(text: str) -> str:
        return printable(redacted(text, subscription))

    failing = state.fault or state.failing
    return replace(
        read,
        url=fit(subscription.url),
        error_kind=failing.kind if failing else None,
        error_group=failing.group if failing else None,
        error=fit(failing.message) if failing else None,
        failing_since=failing.since if failing else None,
        moved_to=fit(state.moved_to) if state.moved_to else None,
        # Of an alternate that is configured no more, too.
        gone={
            fit(hidden_address(url)): sightings.asked_again_at
            for url, sightings in state.gone.items()
            if sightings.asked_again_at
        },
    )


def _entries(state: State) -> int:
    """Exact up to some thousands; beyond, an entry that came back after an edit counts again."""
    remembered = len(state.seen)
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


# ---------------------------------------------------------------- as rows of a table

HEAD = ("feed", "status", "last new entry", "next due", "entries", "address")
NUMBERS = frozenset({"entries"})
PROSE = "address"
_DAYS_WITHOUT_YEAR = 300
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def row(standing: Standing, now: datetime, place: Place) -> tuple[str, ...]:
    """The feed in a table; times are the local ones, which people go by.

    Where public addresses are not known, it says where in the store the documents are.
    """
    status = standing.status
    stored = [place.below(document_key(standing.feed, name)) for name in standing.documents]
    if standing.status == FAILING and standing.failing_since:
        status = f"{FAILING}: {standing.error_kind}, {_span(standing.failing_since, now)}"
    due = standing.next_due
    return (
        standing.feed,
        status,
        _moment(standing.last_new, now, f"{_span(standing.last_new, now)} ago"),
        _moment(due, now, f"in {_span(now, due)}"),
        "" if standing.entries is None else f"{standing.entries:,}",
        "; ".join(filter(None, (_together(standing.addresses or stored), *_notes(standing)))),
    )


def _together(addresses: Iterable[str]) -> str:
    """Addresses in one folder: the first one in full, of the others the names."""
    first, *others = addresses or ("",)
    return " ".join(filter(None, (first, *(each.rpartition("/")[2] for each in others))))


def _notes(standing: Standing) -> Iterable[str]:
    """What there is to say besides."""
    if standing.status == NOT_CONFIGURED:
        yield (
            f"feeds.toml has no [feeds.{standing.feed}]: add it with `retired = true` to retire "
            "the feed, or with its `url` to mirror it again"
        )
    yield standing.error or ""
    if standing.moved_to:
        yield f"moved for good to {standing.moved_to}: update `url`"
    for url, again_at in standing.gone.items():
        if url not in (standing.error or ""):
            yield f"gone: {url}, not asked again until {again_at:%Y-%m-%d %H:%M} UTC"
    if standing.quarantined:
        yield f"entries left out since they cannot be rendered: {len(standing.quarantined)}"
    if standing.done is False:
        yield "the last run died; the next one finishes what it began"


def _moment(at: datetime | None, now: datetime, distance: str) -> str:
    if at is None:
        return ""
    local = at.astimezone()
    return (
        f"{local:%m-%d %H:%M} ({distance})"
        if abs((at - now).days) < 300
        else f"{local:%Y-%m-%d} ({distance})"
    )


def _span(since: datetime | None, until: datetime | None) -> str:
    """`12 min`, `3 h`, `5 d`: whole ones of the largest unit that there is one of."""
    if since is None or until is None:
        return ""
    seconds = (until - since).total_seconds()
    size, unit = next((one for one in _UNITS if seconds >= one[0]), _UNITS[-1])
    return f"{max(0, int(seconds // size))} {unit}"
