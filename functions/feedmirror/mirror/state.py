"""State of a feed: the write-ahead log of its refreshes.

A refresh is committed by one compare-and-swap of the state. From then on `tasks` and the stored
records hold everything that is needed to finish the refresh; every run that loads a state with
tasks applies these first. `state_codec.py` has the JSON of the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from feedmirror import __version__
from feedmirror.mirror.archive import ArchivePage, ArchiveSummary
from feedmirror.mirror.deployment import Deployment, Renewal
from feedmirror.mirror.flapping import Changes
from feedmirror.mirror.gone import Sightings
from feedmirror.mirror.retention import KnownEntries
from feedmirror.mirror.schedule import RETRY_AFTER_MAX_S, Asks
from feedmirror.mirror.tasks import StoreEntry, Task, WriteArchivePage
from feedmirror.mirror.tombstone import TakeDown
from feedmirror.mirror.window import Row, Window
from feedmirror.model import (
    Count,
    Feed,
    Removal,
    Revision,
    Stored,
    Subscription,
    Validators,
    require_utc,
)

TOMORROW = timedelta(days=1)  # a date of the origin's further ahead is no date
DAILY = timedelta(days=1)  # a feed without news says so often that it is well
LASTING = timedelta(hours=1)  # a failure that is over sooner concerns nobody
SKEW = timedelta(minutes=15)  # no function runs for longer, so overlapping runs differ by less
NOTICE = timedelta(days=30)  # for so long the window's documents say that an entry was removed
LEAP = 1_000  # generations: more than any run that began with a lost state can be ahead


class Address(Stored, frozen=True):
    """One address of the feed: validators and digest of its last document."""

    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None  # of the last body applied from there; None: never a whole one
    changes: Changes | None = None  # of the validators, that were written without news
    dropped_at_s: Count | None = None  # since the epoch: when a 304 last refuted the validators

    @property
    def validators(self) -> Validators:
        """The validators of a conditional request."""
        return Validators(self.etag, self.last_modified)


class Published(Stored, frozen=True):
    """One public document as it was last written."""

    etag: str  # the store's, after it was last written
    digest: str  # of its bytes, the generation left out
    render_key: str  # what it was rendered from: generation, settings and the renderer's version
    fragment_key: str = ""  # what its entries were rendered from, besides each entry itself


class Fragments(Stored, frozen=True):
    """Positions of entries in the documents that were last written, all from one window."""

    marks: tuple[str, ...] = ()  # of the entries in the window, newest first
    # Bytes of the head and of each entry, by name of the document; not of one that lacks an entry.
    lengths: Mapping[str, tuple[Count, ...]] = field(default_factory=dict)
    # What the head has to know of each entry, by name of those documents.
    traits: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)


class Failing(Stored, frozen=True):
    """A failure of the feed: its kind, and since when."""

    kind: str  # a `Kind`'s value
    group: str
    since: datetime
    message: str
    lasting: bool = False  # whether it was seen to last, so that readers are to know

    def __post_init__(self) -> None:
        require_utc(self.since)


PROGRAM = __version__  # each version of the program tries once more what another one failed at


class Quarantine(Stored, frozen=True):
    """An entry that is left out of documents, or an item that could not be read at all."""

    guid: str
    reason: str
    program: str  # the version that failed at it
    documents: tuple[str, ...] = ()  # names of those without the entry; empty: it was not read


SCHEMA = 1  # raise it when older programs could misread a state


class State(Struct, frozen=True, omit_defaults=True, tag_field="schema", tag=SCHEMA):
    """The state of a feed. Every field has a default: a feed that was never fetched.

    Fields that a later version of the same schema has added are ignored.
    """

    generation: Count = 0  # counts changes of what is public
    url: str = ""  # the configured address that `gone` and `moved_to` are about
    feed: Feed | None = None  # None: never parsed
    known_entries: KnownEntries = field(default_factory=KnownEntries)
    # Keys by fingerprint of the items of the last document applied.
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    ambiguous: tuple[str, ...] = ()  # keys whose identifier stands for several entries
    flapping: Mapping[str, Changes] = field(default_factory=dict)  # by key, "" for the feed's head
    parser_version: Count = 0  # that read them
    addresses: Mapping[str, Address] = field(default_factory=dict)
    documents: Mapping[str, Published] = field(default_factory=dict)
    tasks: tuple[Task, ...] = ()  # committed, but perhaps not done yet
    complete: bool = False  # whether a document was ever applied to its last entry
    next_seq: Count = 1
    requested_at: datetime | None = None  # when the last document applied was asked for
    dated: datetime | None = None  # the newest date in that document
    changed_at: datetime | None = None  # when what is public last changed
    checked_at: datetime | None = None  # a recent time when all was well; written once a day
    failing: Failing | None = None
    not_before: datetime | None = None  # the origin wants no request before
    asks: Asks = field(default_factory=Asks)
    gone: Mapping[str, Sightings] = field(default_factory=dict)  # addresses that answer 410
    moved_to: str | None = None  # where `url` has permanently moved
    moving: tuple[str, Count] | None = None  # a permanent redirect's target, times it was a feed
    fault: Failing | None = None  # of our own: why pending work could not be carried out
    fragments: Fragments = field(default_factory=Fragments)
    quarantined: Mapping[str, Quarantine] = field(default_factory=dict)  # by key or fingerprint
    removed: Mapping[str, Removal] = field(default_factory=dict)  # by key; never forgotten
    removed_likenesses: Mapping[str, str] = field(default_factory=dict)  # keys by `likenesses`
    removed_revisions: tuple[str, ...] = ()  # names (KEY.REVISION) of tombstones; never forgotten
    # Keys, by fingerprint, of listed items that are left out, since they look like removed entries;
    # and of those that the operator has released.
    withheld: Mapping[str, str] = field(default_factory=dict)
    released: tuple[str, ...] = ()
    removing: tuple[TakeDown, ...] = ()  # committed, but perhaps not carried out yet
    deployment: Deployment = Deployment()  # of what is public
    renewal: Renewal | None = None  # None: no page is of an earlier deployment
    # The entries that have left the window.
    archive_summary: ArchiveSummary = field(default_factory=ArchiveSummary)
    window: Window = field(default_factory=Window)  # the public entries, newest first

    def __post_init__(self) -> None:
        dates = (self.requested_at, self.dated, self.changed_at, self.checked_at, self.not_before)
        require_utc(*dates)

    @property
    def pending_entries(self) -> tuple[Revision, ...]:
        """Revisions that are committed, but perhaps not stored yet."""
        return tuple(task.revision for task in self.tasks if isinstance(task, StoreEntry))

    @property
    def pending_pages(self) -> tuple[ArchivePage[Row], ...]:
        """Archive pages that are committed, but perhaps not written yet."""
        return tuple(task.page for task in self.tasks if isinstance(task, WriteArchivePage))

    @property
    def over(self) -> frozenset[str]:
        """The keys of removed entries of which documents say nothing any more."""
        return frozenset(key for key, one in self.removed.items() if one.is_over)

    @property
    def shown(self) -> tuple[Row, ...]:
        """The entries of the window that documents show."""
        over, rows = self.over, self.window.rows
        return tuple(one for one in rows if one.key not in over) if over else rows

    def as_of(self, now: datetime) -> State:
        """Return the state with no time in the future: where a clock was ahead, now is meant; and
        with the notices of removed entries that are over by now.

        Runs that overlap may differ by `SKEW`. Times of entries are corrected when they are next
        committed.
        """
        latest = {
            **dict.fromkeys(("requested_at", "changed_at", "checked_at"), now + SKEW),
            "dated": now + TOMORROW,
            "not_before": now + timedelta(seconds=max(RETRY_AFTER_MAX_S, self.asks.interval_s)),
        }
        ahead: dict[str, Any] = {
            name: now
            for name, limit in latest.items()
            if (moment := getattr(self, name)) is not None and moment > limit
        }
        for name in ("failing", "fault"):
            failing = getattr(self, name)
            if failing is not None and failing.since > now + SKEW:
                ahead[name] = replace(failing, since=now)
        if any(sightings.last > now + SKEW for sightings in self.gone.values()):
            ahead["gone"] = {
                url: replace(sightings, last=min(sightings.last, now))
                for url, sightings in self.gone.items()
            }
        over = {
            key: replace(one, is_over=True)
            for key, one in self.removed.items()
            if not one.is_over and now - one.at >= NOTICE
        }
        if over:
            ahead["removed"] = {**self.removed, **over}
        return replace(self, **ahead) if ahead else self

    def for_url(self, url: str) -> State:
        """Return the state without facts about another configured address."""
        if self.url == url:
            return self
        return replace(self, url=url, gone={}, moved_to=None, moving=None, not_before=None)


def addresses_of(subscription: Subscription, state: State) -> tuple[str, ...]:
    """Return the feed's addresses, in the order in which they are asked."""
    first = state.moved_to or subscription.url
    return tuple(dict.fromkeys((first, subscription.url, *subscription.alternates)))
