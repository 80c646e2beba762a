"""Feed index: of every feed in a store, what can be said without its state.

It is a cache of the states, stored as `state/index`, and never the truth: `storage/feed_index.py`
compares it with a listing of the states before anything is read from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b

from msgspec import Struct, field, json

from feedmirror.errors import StateError
from feedmirror.layout import FEED_INDEX
from feedmirror.mirror import codec
from feedmirror.mirror.deployment import Deployment
from feedmirror.mirror.health import entries_mirrored, last_new, quiet_at
from feedmirror.mirror.renewal_work import work_left
from feedmirror.mirror.schedule import Asks, may_poll
from feedmirror.mirror.state import DAILY, NOTICE, Address, Failing, State
from feedmirror.model import Count, Stored, Subscription, require_utc

_MOST_CHARS = 300  # of an address's validators; an origin may send 8 KB of them


class IndexedAddress(Stored, frozen=True, array_like=True):
    """Validators and digest of the last document from one address."""

    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None


class IndexedFailure(Stored, frozen=True, array_like=True):
    """A failure of a feed: its group, and since when."""

    group: str
    since: datetime

    def __post_init__(self) -> None:
        require_utc(self.since)


class Known(Stored, frozen=True, array_like=True):
    """Knowledge that a poll needs instead of the state, of a feed that is well.

    Carried by messages, so it has no address that is configured, which may hold a secret.
    """

    url_digest: str  # of the configured address that all this is about
    render_key: str  # of what is public
    act_at: datetime | None = None  # when there is something to do even without news; None: never
    moved_to: str | None = None
    addresses: Mapping[str, IndexedAddress] = field(default_factory=dict)  # "": the configured one

    def __post_init__(self) -> None:
        require_utc(self.act_at)

    def is_idle(self, url: str, render_key: str, now: datetime) -> bool:
        """True if a refresh has nothing to do as long as the origin has nothing new.

        `url` is the configured address, `render_key` that of the feed's documents as this program
        and configuration give it.
        """
        return (
            self.url_digest == _digest(url)
            and self.render_key == render_key
            and (self.act_at is None or now < self.act_at)
        )

    def addresses_of(self, url: str) -> dict[str, IndexedAddress]:
        """Return what is known of each address; `url` is the configured one."""
        return {address or url: one for address, one in self.addresses.items()}


class IndexedFeed(Stored, frozen=True):
    """Line of a feed in the index. The default: a feed without a state."""

    mark: str = ""  # of the state that the rest was made from, in a listing
    # For the documents of the site.
    title: str | None = None
    link: str | None = None
    language: str | None = None
    documents: tuple[str, ...] = ()  # names of the public ones
    last_new: datetime | None = None
    quiet_at: datetime | None = None  # when the feed counts as quiet, unless a new entry comes
    removed: Mapping[str, Count] = field(default_factory=dict)  # entries taken down, by reason
    failing: IndexedFailure | None = None
    fault: IndexedFailure | None = None  # of our own
    # For renewals.
    renewal: str | None = None  # position of the next slice; None: no page is left
    pages_left: Count = 0  # at most
    # For `feedmirror status`.
    entries: Count = 0  # ever mirrored
    generation: Count = 0
    changed_at: datetime | None = None
    checked_at: datetime | None = None
    has_notes: bool = False  # of entries that are left out, which only the state names
    # For the schedule.
    asks: Asks = Asks()
    not_before: datetime | None = None
    # For refreshes.
    url: str = ""  # the configured address that the state is about
    deployment: Deployment | None = None  # of what is public; None: the feed was never read
    known: Known | None = None  # None: a refresh needs the state, whatever the origin answers

    def __post_init__(self) -> None:
        require_utc(self.last_new, self.quiet_at, self.not_before)
        require_utc(self.changed_at, self.checked_at)

    def may_poll(self, subscription: Subscription, point: datetime) -> bool:
        """True if the feed, which is due by `point` on its plain grid, may be polled then."""
        return may_poll(
            subscription.slug,
            subscription.every_s,
            self.asks,
            failing_since=self.failing.since if self.failing else None,
            not_before=self.not_before,
            now=point,
        )


SCHEMA = 1  # raise it with every change of what `indexed` makes of a state


class FeedIndex(Struct, frozen=True, tag_field="schema", tag=SCHEMA):
    """The feeds of a store by slug."""

    feeds: Mapping[str, IndexedFeed] = field(default_factory=dict)


def dump(index: FeedIndex) -> bytes:
    """Render the index as JSON."""
    return json.encode(index)


def load(body: bytes) -> FeedIndex:
    """Parse what `dump` wrote; whatever else the bytes are counts as an empty index."""
    try:
        return codec.load(body, FeedIndex, SCHEMA, FEED_INDEX)
    except (ValueError, StateError):
        return FeedIndex()


def indexed(state: State, mark: str) -> IndexedFeed:
    """Return what the index knows of a feed with that state. Raises: StateError."""
    feed = state.feed
    return IndexedFeed(
        mark=mark,
        title=feed.title if feed else None,
        link=feed.link if feed else None,
        language=feed.language if feed else None,
        documents=tuple(sorted(state.documents)),
        last_new=last_new(state),
        quiet_at=quiet_at(state),
        removed=Counter(sorted(one.reason.value for one in state.removed.values())),
        failing=_failure(state.failing),
        fault=_failure(state.fault),
        renewal=state.renewal.position if state.renewal else None,
        pages_left=work_left(state).pages,
        entries=entries_mirrored(state),
        generation=state.generation,
        changed_at=state.changed_at,
        checked_at=state.checked_at,
        has_notes=bool(state.quarantined or state.withheld),
        asks=state.asks,
        not_before=state.not_before,
        url=state.url,
        deployment=state.deployment if feed else None,
        known=_known(state),
    )


def _known(state: State) -> Known | None:
    """Return what a poll without the state has to know; None where the next refresh may have
    something to do whatever the origin answers, or where validators are too long to be carried.
    """
    unfinished = state.tasks or state.removing or state.renewal or not state.complete
    if unfinished or state.failing or state.fault or state.gone or state.feed is None:
        return None
    if any(_length(one) > _MOST_CHARS for one in state.addresses.values()):
        return None
    return Known(
        url_digest=_digest(state.url),
        render_key=state.deployment.digest,
        act_at=_act_at(state),
        moved_to=state.moved_to,
        addresses={
            "" if url == state.url else url: IndexedAddress(one.etag, one.last_modified, one.digest)
            for url, one in state.addresses.items()
        },
    )


def _length(address: Address) -> int:
    return len(address.etag or "") + len(address.last_modified or "")


def _digest(url: str) -> str:
    return blake2b(url.encode(), digest_size=8).hexdigest()


def _failure(failing: Failing | None) -> IndexedFailure | None:
    return IndexedFailure(failing.group, failing.since) if failing else None


def _act_at(state: State) -> datetime | None:
    """Return the first date at which a state changes without news: the end of a notice, or the
    daily look.
    """
    dates = [one.at + NOTICE for one in state.removed.values() if not one.is_over]
    if state.checked_at is not None:
        dates.append(state.checked_at + DAILY)
    return min(dates, default=None)
