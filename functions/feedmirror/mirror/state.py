"""What is remembered of a feed: the write-ahead log of its refreshes, and how it is written down.

A refresh is committed by one conditional write of the state. From then on everything that is
needed to finish it stands in `tasks` and `window`; whoever loads a state with tasks does those
first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

from feedmirror import __version__
from feedmirror.errors import StateError
from feedmirror.mirror import codec
from feedmirror.mirror.archive import ArchivePage, ArchiveSummary, EntryLink
from feedmirror.mirror.flapping import Changes
from feedmirror.mirror.gone import Sightings
from feedmirror.mirror.retention import KnownEntries, KnownEntry
from feedmirror.mirror.schedule import RETRY_AFTER_MAX_S, Asks
from feedmirror.mirror.tasks import PublishDocuments, StoreEntry, Task, WriteArchivePage
from feedmirror.mirror.window import Window
from feedmirror.model import Feed, Revision, Subscription, Validators

_WINDOW = b'","window":'  # behind the digest; what else is called so follows no string
TOMORROW = timedelta(days=1)  # a date of the origin's further ahead is no date
LASTING = timedelta(hours=1)  # a failure that is over sooner concerns nobody
SKEW = timedelta(minutes=15)  # no function runs for longer, so overlapping runs differ by less
LEAP = 1_000  # generations: more than any run that began with a lost state can be ahead
SCHEMA = 2  # raise it when older programs could misread a state; add a step to `_migrated`


@dataclass(frozen=True, slots=True)
class Address:
    """What is remembered of one address of the feed."""

    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None  # of the last body applied from there; None: never a whole one
    changes: Changes | None = None  # of the validators, that were written without news
    dropped_at_s: int | None = None  # since the epoch: when a 304 last refuted the validators

    @property
    def validators(self) -> Validators:
        """What to ask conditionally with."""
        return Validators(self.etag, self.last_modified)


@dataclass(frozen=True, slots=True)
class Published:
    """What is remembered of one public document."""

    etag: str  # the store's, after it was last written
    digest: str  # of its bytes, the generation left out
    render_key: str  # what it was rendered from: generation, settings and the renderer's version


@dataclass(frozen=True, slots=True)
class Failing:
    """Since when, and how, the feed fails."""

    kind: str  # a `Kind`'s value
    group: str
    since: datetime
    message: str
    lasting: bool = False  # whether it was seen to last, so that readers are to know


PROGRAM = __version__  # each version of the program tries once more what another one failed at


@dataclass(frozen=True, slots=True)
class Quarantine:
    """An entry that is left out of documents, or an item that could not be read at all."""

    guid: str
    reason: str
    program: str  # the version that failed at it
    documents: tuple[str, ...] = ()  # names of those without the entry; empty: it was not read


@dataclass(frozen=True, slots=True)
class State:
    """All that is remembered of a feed. Every field has a default: that is the empty state."""

    generation: int = 0  # counts changes of what is public
    url: str = ""  # the configured address that `gone` and `moved_to` are about
    feed: Feed | None = None  # None: never parsed
    window: Window = field(default_factory=Window)  # the public entries, newest first
    known_entries: Mapping[str, KnownEntry] = field(default_factory=dict)  # by key
    # Keys by fingerprint of the items of the last document applied.
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    ambiguous: tuple[str, ...] = ()  # keys whose identifier stands for several entries
    flapping: Mapping[str, Changes] = field(default_factory=dict)  # by key, "" for the feed's head
    parser_version: int = 0  # that read them
    addresses: Mapping[str, Address] = field(default_factory=dict)
    documents: Mapping[str, Published] = field(default_factory=dict)
    tasks: tuple[Task, ...] = ()  # committed, but perhaps not done yet
    complete: bool = False  # whether a document was ever applied to its last entry
    next_seq: int = 1
    requested_at: datetime | None = None  # when the last document applied was asked for
    dated: datetime | None = None  # the newest date in that document
    changed_at: datetime | None = None  # when what is public last changed
    checked_at: datetime | None = None  # a recent time when all was well; written once a day
    failing: Failing | None = None
    not_before: datetime | None = None  # the origin wants no request before
    asks: Asks = field(default_factory=Asks)
    gone: Mapping[str, Sightings] = field(default_factory=dict)  # addresses that answer 410
    moved_to: str | None = None  # where `url` has permanently moved
    moving: tuple[str, int] | None = None  # a permanent redirect's target, times it was a feed
    fault: Failing | None = None  # of our own: why pending work could not be carried out
    quarantined: Mapping[str, Quarantine] = field(default_factory=dict)  # by key or fingerprint
    archive_summary: ArchiveSummary = field(
        default_factory=ArchiveSummary
    )  # the entries that have left the window

    @property
    def pending_entries(self) -> tuple[Revision, ...]:
        """Revisions that are committed, but perhaps not stored yet."""
        return tuple(task.revision for task in self.tasks if isinstance(task, StoreEntry))

    @property
    def pending_pages(self) -> tuple[ArchivePage, ...]:
        """Archive pages that are committed, but perhaps not written yet."""
        return tuple(task.page for task in self.tasks if isinstance(task, WriteArchivePage))

    def as_of(self, now: datetime) -> State:
        """Return the state with no time in the future: where a clock was ahead, now is meant.

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
        return replace(self, **ahead) if ahead else self

    def for_url(self, url: str) -> State:
        """The state, without what it knows of another configured address."""
        if self.url == url:
            return self
        return replace(self, url=url, gone={}, moved_to=None, moving=None, not_before=None)


def addresses_of(subscription: Subscription, state: State) -> tuple[str, ...]:
    """Return the feed's addresses, in the order in which they are asked."""
    first = state.moved_to or subscription.url
    return tuple(dict.fromkeys((first, subscription.url, *subscription.alternates)))


_PLAIN = frozenset("generation url parser_version complete next_seq moved_to".split())
_DATES = frozenset("requested_at dated changed_at checked_at not_before".split())
_FIELDS = tuple(f.name for f in fields(State))
_EMPTY = State()


def dump(state: State) -> bytes:
    """The state as JSON; equal states give equal bytes.

    The window comes last, behind a digest of it, so that `load` need not read it.
    """
    body = BytesIO()  # to which one entry after the other is added, so that few are in memory twice
    body.write(b'{"schema":%d' % SCHEMA)
    for name in _FIELDS:
        value = getattr(state, name)
        if name != "window" and value != getattr(_EMPTY, name):
            body.write(b',"%b":' % name.encode())
            body.writelines(_pieces(name, value))
    body.write(b',"window_digest":"%b' % state.window.digest.encode())
    body.writelines((_WINDOW, state.window.data, b"}"))
    return body.getvalue()


def _pieces(name: str, value: Any) -> Iterator[bytes]:
    """Yield the value as JSON, in pieces."""
    if name not in _LISTED:
        yield json.dumps(_plain(name, value), ensure_ascii=False, separators=(",", ":")).encode()
        return
    for number, one in enumerate(value):
        yield b"," if number else b"["
        yield codec.to_json(_LISTED[name](one))
    yield b"]"


def _plain(name: str, value: Any) -> Any:
    if name == "feed" or name in _DATES:
        return codec.to_plain(value)
    if name in _WRITERS:
        return _WRITERS[name](value)
    if name == "documents":
        return {key: _slots(item) for key, item in value.items()}
    return value  # JSON writes tuples and mappings as they are


def _plain_task(task: Task) -> dict[str, Any]:
    if isinstance(task, StoreEntry):
        return {"store": codec.to_plain(task.revision)}
    if isinstance(task, WriteArchivePage):
        revisions = codec.to_plain(task.page.revisions)
        return {"archive": {**_noted(task.page, "follows"), "revisions": revisions}}
    return {"publish": True}


def _slots(value: Any) -> dict[str, Any]:
    return {f.name: held for f in fields(value) if (held := getattr(value, f.name)) is not None}


def _noted(value: Any, name: str) -> dict[str, Any]:
    """As `_slots`, with the named field as plain data too."""
    noted = getattr(value, name)
    return _slots(value) | ({name: _slots(noted)} if noted else {})


def _plain_failing(failing: Failing) -> dict[str, Any]:
    return {**_slots(failing), "since": failing.since.isoformat()}


def _plain_sightings(sightings: Sightings) -> dict[str, Any]:
    return {"days": sightings.days, "last": sightings.last.isoformat()}


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "addresses": lambda them: {url: _noted(one, "changes") for url, one in them.items()},
    "flapping": lambda them: {name: list(astuple(one)) for name, one in them.items()},
    "asks": _slots,
    "failing": _plain_failing,
    "fault": _plain_failing,
    "gone": lambda them: {url: _plain_sightings(one) for url, one in them.items()},
    "quarantined": lambda them: {key: _slots(one) for key, one in them.items()},
    "archive_summary": lambda summary: _noted(summary, "newest"),
}
# Tuples of what may be large; never empty, since that is the default.
_LISTED: dict[str, Callable[[Any], Any]] = {"tasks": _plain_task}


def load(body: bytes, where: str) -> State:
    """The state that `dump` wrote, migrated if an older version did. `where` is for the message.

    Raises: StateError if it is damaged, or written by a newer version.
    """
    try:
        # No string of JSON's can hold this: its quotes would be escaped.
        head, mark, window = body.partition(_WINDOW)
        plain = codec.from_json(head + b'"}' if mark else body)
        schema = codec.whole(plain.pop("schema"))
        if schema > SCHEMA:
            raise StateError(
                f"{where} was written by a newer feedmirror (schema {schema}, this one knows "
                f"{SCHEMA}): update feedmirror; nothing was changed"
            )
        return _read(*_migrated(plain, window[:-1], schema))
    except codec.UNREADABLE as error:
        raise StateError(
            f"{where} is damaged ({type(error).__name__}: {error}): nothing was "
            "changed; `feedmirror rebuild` makes it anew from the stored entries"
        ) from error


def _migrated(plain: dict[str, Any], window: bytes, schema: int) -> tuple[dict[str, Any], Window]:
    """The plain state and its window in the present schema."""
    if schema < 1:
        raise ValueError(f"there never was a schema {schema}")
    written = Window(window)
    if plain.pop("window_digest") != written.digest:
        raise ValueError("its entries are not those that were written")
    if schema == 1:  # all entries stood on one line
        written = Window.of(map(codec.revision, codec.from_json(window)), written)
    return plain, written


def _read(plain: dict[str, Any], window: Window) -> State:
    values: dict[str, Any] = {name: plain[name] for name in _PLAIN & plain.keys()}
    for name in _DATES & plain.keys():
        values[name] = codec.moment(plain[name])
    for name, read in _READERS.items():
        if name in plain:
            values[name] = read(plain[name])
    state = codec.build(State, {**values, "window": window})
    if state.feed is None and (state.pending_entries or window != Window()):
        raise ValueError("it has entries and no feed")
    return state


def _failing(plain: dict[str, Any]) -> Failing:
    return codec.build(Failing, {**plain, "since": codec.moment(plain["since"])})


def _sightings(plain: dict[str, Any]) -> Sightings:
    return codec.build(Sightings, {**plain, "last": codec.moment(plain["last"])})


def _quarantine(plain: dict[str, Any]) -> Quarantine:
    return codec.build(Quarantine, {**plain, "documents": codec.listed(plain["documents"], str)})


def _asks(plain: dict[str, Any]) -> Asks:
    hours, days = codec.listed(plain["skip_hours"], int), codec.listed(plain["skip_days"], str)
    return codec.build(Asks, {**plain, "skip_hours": hours, "skip_days": days})


def _moving(plain: list[Any]) -> tuple[str, int]:
    target, count = plain
    return codec.string(target), codec.whole(count)


def _known_entries(plain: dict[str, Any]) -> KnownEntries:
    known_entries = {}
    for key, (digest, at, particulars, dated, record) in plain.items():
        codec.string(digest), codec.whole(at), codec.string(particulars), codec.string(record)
        if dated is not None and type(dated) is not int:
            raise TypeError("a date is no number")
        known_entries[key] = KnownEntry(digest, at, particulars, dated, record)
    moments = [
        moment for entry in known_entries.values() for moment in (entry.at, entry.dated or 0)
    ]
    for moment in (min(moments, default=0), max(moments, default=0)):
        datetime.fromtimestamp(moment, UTC)  # there is such
    return known_entries


def _archive_summary(plain: dict[str, Any]) -> ArchiveSummary:
    months = {
        f"{date.fromisoformat(f'{month}-01'):%Y-%m}": (codec.whole(count), codec.string(page))
        for month, (count, page) in plain["months"].items()
    }
    return codec.build(ArchiveSummary, _named(plain, "newest") | {"months": months})


def _task(plain: dict[str, Any]) -> Task:
    [(kind, value)] = plain.items()
    if kind == "store":
        return StoreEntry(codec.revision(value))
    if kind == "archive":
        return WriteArchivePage(_page(value))
    if kind == "publish":
        return PublishDocuments()
    raise ValueError(f"no task is called {kind!r}")


def _page(plain: dict[str, Any]) -> ArchivePage:
    values = {
        "older": None,
        "follows": None,
        **_named(plain, "follows"),
        "revisions": tuple(map(codec.revision, plain["revisions"])),
    }
    return codec.build(ArchivePage, values)


def _named(plain: dict[str, Any], name: str) -> dict[str, Any]:
    return {**plain, name: codec.build(EntryLink, plain[name])} if name in plain else plain


def _address(plain: dict[str, Any]) -> Address:
    changes = codec.build(Changes, plain["changes"]) if "changes" in plain else None
    return codec.build(Address, {**plain, "changes": changes})


_READERS: dict[str, Callable[[Any], Any]] = {
    "feed": codec.feed,
    "failing": _failing,
    "fault": _failing,
    "gone": lambda them: {url: _sightings(one) for url, one in them.items()},
    "quarantined": lambda them: {key: _quarantine(one) for key, one in them.items()},
    "asks": _asks,
    "moving": _moving,
    "known_entries": _known_entries,
    "addresses": lambda them: {url: _address(one) for url, one in them.items()},
    "ambiguous": lambda them: codec.listed(them, str),
    "fingerprints": lambda plain: {item: codec.string(key) for item, key in plain.items()},
    "flapping": lambda plain: {
        name: Changes(*map(codec.whole, changes)) for name, changes in plain.items()
    },
    "documents": lambda them: {name: codec.build(Published, one) for name, one in them.items()},
    "archive_summary": _archive_summary,
    "tasks": lambda tasks: tuple(map(_task, tasks)),
}
