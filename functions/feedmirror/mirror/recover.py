"""Recovery: the state that follows from the stored records, for a state that was lost.

The entries that are stored count, and of the old state, where it can be read, all that they do
not say. What a refresh only remembers to ask less of its origin is forgotten: the next one reads
the whole document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.mirror.archive import ArchiveSummary, full_pages, page_name
from feedmirror.mirror.comparison import date_of, particulars_digest, revision_digest
from feedmirror.mirror.identity import ambiguous_keys
from feedmirror.mirror.record import Record, RecordName
from feedmirror.mirror.retention import (
    AMBIGUOUS,
    FLOOR,
    KnownEntries,
    KnownEntry,
    count_public,
)
from feedmirror.mirror.state import LEAP, SKEW, TOMORROW, State
from feedmirror.mirror.tasks import tasks_of
from feedmirror.mirror.window import Row, Window, row_of
from feedmirror.model import Feed, Identity, Revision


class IndexedEntry(Struct, frozen=True):
    """An entry of the index: a summary of all its records."""

    key: str
    digest: str  # of the revision that was committed last
    reading: str  # digest of its words as they were read last
    number: int  # of its record
    parser_version: int  # that read it
    generation: int  # of the commit that named it
    first_seen: datetime
    listed_at: datetime  # with `seq`: its place in the feed, the last that it was given
    seq: int
    size_bytes: int  # of the words of that revision
    particulars: str  # digest of what is no part of that revision
    dated: int | None  # the date that it is published with: seconds since the epoch

    @property
    def name(self) -> RecordName:
        """The name of the record that counts."""
        return self.key, self.digest, self.number

    @property
    def place(self) -> tuple[datetime, int]:
        """The sort key of entries in the feed.

        The time comes first: a feed whose state was lost, and that was refreshed all the same,
        counts its entries from one again.
        """
        return self.listed_at, self.seq


def index_entry(revision: Revision, parser_version: int) -> IndexedEntry:
    """Return the summary of an entry with one revision."""
    # Mostly one moment; as one object it takes a third of the room.
    observed_at, first_seen, listed_at = (
        revision.observed_at,
        revision.first_seen,
        revision.listed_at,
    )
    return IndexedEntry(
        key=revision.key,
        digest=revision.digest,
        reading=_shared(revision_digest(revision.entry), revision.digest),
        number=revision.number,
        parser_version=parser_version,
        generation=revision.generation,
        first_seen=observed_at if first_seen == observed_at else first_seen,
        listed_at=observed_at if listed_at == observed_at else listed_at,
        seq=revision.seq,
        size_bytes=revision.size_bytes,
        particulars=particulars_digest(revision.entry),
        dated=date_of(revision),
    )


def _shared(text: str, usual: str) -> str:
    """The text, as the very same object if it is equal: there may be a million."""
    return usual if text == usual else text


def merge(one: IndexedEntry, other: IndexedEntry) -> IndexedEntry:
    """Return the summary of both summaries of the same entry, in any order."""
    last = max(one, other, key=_committed_at)
    placed = max(one, other, key=lambda entry: entry.place)
    return IndexedEntry(
        key=one.key,
        digest=last.digest,
        reading=last.reading,
        number=last.number,
        parser_version=last.parser_version,
        generation=last.generation,
        first_seen=min(one.first_seen, other.first_seen),
        listed_at=placed.listed_at,
        seq=placed.seq,
        size_bytes=last.size_bytes,
        particulars=last.particulars,
        dated=last.dated,
    )


def _committed_at(entry: IndexedEntry) -> tuple[int, int, int, str]:
    """Return what the records of an entry are ordered by: the last one counts.

    The time at which a record was fetched does not order it, as clocks are put back. Of what was
    committed at one time a newer parser may have made something else.
    """
    return entry.generation, entry.parser_version, entry.number, entry.digest


# The generation and time of a record, and what tells records of one commit apart.
_Origin = tuple[int, datetime, str, str]


class RecordIndex:
    """Index of the records loaded so far: a few hundred bytes for each entry, without its text."""

    def __init__(self, identity: Identity = Identity.GUID) -> None:
        self.entries: dict[str, IndexedEntry] = {}  # by key
        self.ambiguous: dict[str, None] = {}  # keys that stand for several entries: an ordered set
        self._identity = identity
        self.damaged: dict[RecordName, str] = {}  # records that cannot be read, and why
        self._read: set[RecordName] = set()
        self.revisions = 0  # that can
        self.last_seq = 0  # the largest that was ever given
        self.dated: datetime | None = None  # the newest date in any entry
        self.source: Feed | None = None  # what the feed said of itself when it last said something
        self.url: str | None = None  # where that came from
        self.parser_version: int | None = None  # the oldest that read any of the entries
        self._latest: _Origin | None = None  # which record said so
        self._latest_source: _Origin | None = None

    @property
    def observed_at(self) -> datetime | None:
        """When the last of the revisions was fetched."""
        return self._latest[1] if self._latest else None

    @property
    def generation(self) -> int:
        """The generation of the last commit that named a record."""
        return self._latest[0] if self._latest else 0

    def has(self, name: RecordName) -> bool:
        """True if that record was loaded, or is damaged."""
        return name in self._read or name in self.damaged

    def holds(self, revision: Revision) -> bool:
        """True if that revision, or a later one of the entry, has a record, damaged or not."""
        entry = self.entries.get(revision.key)
        name = (revision.key, revision.digest, revision.number)
        return name in self.damaged or (
            entry is not None and entry.generation >= revision.generation
        )

    def add(self, record: Record) -> None:
        """Add a record to the index."""
        revision = record.revision
        entry = index_entry(revision, record.parser_version)
        self._read.add((entry.key, entry.digest, entry.number))
        known = self.entries.get(entry.key)
        self.entries[entry.key] = merge(known, entry) if known else entry
        self.revisions += 1
        self.last_seq = max(self.last_seq, entry.seq)
        dates = (self.dated, revision.entry.published, revision.entry.updated)
        self.dated = max(filter(None, dates), default=None)
        versions = (self.parser_version, record.parser_version)
        self.parser_version = min(v for v in versions if v is not None)
        self.ambiguous |= dict.fromkeys(ambiguous_keys(revision, self._identity))
        self._note_source(record)

    def _note_source(self, record: Record) -> None:
        revision = record.revision
        when = (revision.generation, revision.observed_at, revision.key, revision.digest)
        if self._latest is None or when > self._latest:
            self._latest, self.url = when, revision.fetched_from
        if record.source and (self._latest_source is None or when > self._latest_source):
            self._latest_source, self.source = when, record.source


class PlannedPage(Struct, frozen=True):
    """An archive page to write, whose revisions are still to be loaded."""

    name: str
    entries: tuple[IndexedEntry, ...]  # oldest first


class Plan(Struct, frozen=True):
    """The entries by their place; the revisions are still to be loaded."""

    entries: tuple[IndexedEntry, ...]  # of all entries, oldest first
    public: tuple[IndexedEntry, ...]  # in the document of the newest entries, newest first
    pages: tuple[PlannedPage, ...]  # the others


def base_state(old: State | None, index: RecordIndex, url: str, generation: int) -> State:
    """The old state, or what the records say in its place where it says nothing of entries.

    `generation` is the largest in any published document. The difference to that of a lost state
    is so large that a run that began with the lost one cannot believe itself in force.
    """
    known = max(generation, index.generation)
    if old is not None and old.feed is not None:
        dated = max(filter(None, (old.dated, index.dated)), default=None)
        return replace(old, generation=max(old.generation, known), dated=dated)
    feed = index.source or Feed()
    observed = index.observed_at
    dates = [date for date in (index.dated, feed.updated) if date and observed]
    return replace(
        old or State(url=url),  # one that was made meanwhile, since the origin failed
        # Not further than a state that was made meanwhile, which has made the same leap: what a
        # rebuild that dies has written already is to give way to what the next refresh writes.
        generation=max(old.generation, known) if old else known + LEAP,
        feed=feed,
        complete=True,
        # Of another version of the parser: what it reads differently is then no revision.
        parser_version=index.parser_version or 0,
        requested_at=observed,
        dated=max((d for d in dates if observed and d <= observed + TOMORROW), default=None),
        changed_at=observed,
    )


def missing(base: State, index: RecordIndex) -> Iterator[RecordName]:
    """Yield the names of the records that the window's entries had, and that are not there."""
    there = {*index.entries, *(key for key, _, _ in index.damaged)}
    there |= {one.key for one in base.pending_entries}
    return ((one.key, one.digest, one.number) for one in base.window if one.key not in there)


def plan_pages(index: RecordIndex, base: State, keep: int, now: datetime) -> Plan:
    """Return the entries in the order of the feed, each public or in an archive page."""
    entries = dict(index.entries)
    for one in base.pending_entries:
        entry = index_entry(one, base.parser_version)
        entries[one.key] = merge(entries[one.key], entry) if one.key in entries else entry
    listed = {row.key: row for row in base.window}
    for key in listed.keys() & entries.keys():
        entries[key] = _placed(entries[key], listed[key])
    ordered = sorted(entries.values(), key=lambda entry: (*entry.place, entry.key))
    leaving = len(ordered) - _count_public(ordered, listed, base, keep, now)
    pages = tuple(_planned_pages(ordered[:leaving]))
    archive_summary = sum(len(page.entries) for page in pages)
    return Plan(tuple(ordered), tuple(reversed(ordered[archive_summary:])), pages)


def _placed(entry: IndexedEntry, row: Row) -> IndexedEntry:
    """Return the entry with the place that the window gives it, if that is the later one."""
    first_seen = min(entry.first_seen, row.first_seen)
    if (row.listed_at, row.seq) <= entry.place:
        return replace(entry, first_seen=first_seen)
    return replace(entry, first_seen=first_seen, listed_at=row.listed_at, seq=row.seq)


def _planned_pages(leaving: Sequence[IndexedEntry]) -> Iterator[PlannedPage]:
    older = None
    for number, entries in enumerate(full_pages(leaving)):
        name = page_name(number, older, ((entry.key, entry.digest) for entry in entries))
        yield PlannedPage(name, entries)
        older = name


def _count_public(
    ordered: Sequence[IndexedEntry],
    listed: Mapping[str, Row],
    base: State,
    keep: int,
    now: datetime,
) -> int:
    """Return how many of the newest entries are public. Of a first mirror only `keep` ever were."""
    newest = list(reversed(ordered))
    began_at = newest[-1].listed_at if newest else None
    first = [entry.key for entry in newest if entry.listed_at == began_at]
    never = set(first[keep:]) - listed.keys()
    floor = now - FLOOR if base.complete or base.documents else None
    return count_public([entry for entry in newest if entry.key not in never], keep, floor)


def restore(
    base: State,
    index: RecordIndex,
    plan: Plan,
    words: Mapping[str, Revision],
    *,
    archive_summary: ArchiveSummary,
    now: datetime,
) -> State:
    """The state to commit, but for its generation and documents.

    `words` are the public entries, by key, as they are stored or pending; those that are not there
    are left out.
    """
    window = _window(base.window, plan, words, index.last_seq)
    numbers = [index.last_seq, *(row.seq for row in window)]
    observed = index.observed_at
    if observed is not None and observed > now + SKEW:
        observed = None  # the clock was ahead
    unstored = [one for one in base.pending_entries if not index.holds(one)]
    return replace(
        base,
        window=window,
        known_entries=_known_entries(base, plan, len(window)),
        fingerprints={},
        ambiguous=tuple(dict.fromkeys((*base.ambiguous, *index.ambiguous)))[:AMBIGUOUS],
        flapping={},
        addresses={},
        archive_summary=archive_summary,
        tasks=tasks_of(unstored) if unstored or base.tasks else (),
        quarantined={},
        next_seq=max(base.next_seq, max(numbers) + 1),
        requested_at=max(filter(None, (base.requested_at, observed)), default=None),
        changed_at=base.changed_at if base.window in (Window(), window) else now,
        checked_at=None,  # else the next refresh might not remember what it has read
    )


def _window(before: Window, plan: Plan, words: Mapping[str, Revision], last_seq: int) -> Window:
    """The public entries in their places; with new numbers where the old ones contradict them."""
    listed = {row.key: row for row in before}
    rows = []
    for entry in plan.public:
        if entry.key in words:
            row = row_of(in_place(words[entry.key], entry))
            known = listed.get(entry.key)
            if known and known.words == row.words:  # with the times that a clock has corrected
                place = {"first_seen": row.first_seen, "listed_at": row.listed_at, "seq": row.seq}
                row = replace(known, **place)
            rows.append(row)
    if any(newer.seq <= older.seq for newer, older in pairwise(rows)):
        top = max(last_seq, *(row.seq for row in rows)) + len(rows)
        rows = [replace(row, seq=top - rank) for rank, row in enumerate(rows)]
    return Window.of(rows)


def in_place(revision: Revision, entry: IndexedEntry) -> Revision:
    """The revision as it stands in the feed; the very same if it stands there like this."""
    placed = replace(
        revision,
        entry=replace(revision.entry, original=None, context=None),
        disclaimer=None,
        first_seen=entry.first_seen,
        listed_at=entry.listed_at,
        seq=entry.seq,
    )
    return revision if placed == revision else placed


def with_readings(
    state: State, again: Mapping[str, Revision], entries: Mapping[str, IndexedEntry]
) -> State:
    """Return the state with entries of the window as they were read again, by key.

    Its documents are to be rendered again.
    """
    before = state.known_entries.by_key
    read = {key: known_entry(entries[key], before[key]) for key in again if key in before}
    return replace(
        state,
        window=Window.of(row_of(again[r.key]) if r.key in again else r for r in state.window),
        known_entries=state.known_entries.with_entries(read),
        generation=state.generation + 1,
        tasks=state.tasks or tasks_of(),
    )


def known_entry(entry: IndexedEntry, before: KnownEntry | None = None) -> KnownEntry:
    """Return an entry as the state remembers it."""
    first = int(entry.first_seen.timestamp())
    named = "" if entry.digest == entry.reading else entry.digest
    at = min(before.at, first) if before else first
    return KnownEntry(entry.reading, at, entry.particulars, entry.dated, named)


def _known_entries(base: State, plan: Plan, window: int) -> KnownEntries:
    """The keys of all entries that are stored, those that the old state knew last."""
    entries, before = {entry.key: entry for entry in plan.entries}, base.known_entries.by_key
    known = [key for key in before if key in entries]
    known_entries = {
        key: known_entry(entries[key], before.get(key))
        for key in dict.fromkeys((*(key for key in entries if key not in before), *known))
    }
    # A first mirror's entries all came in one document: the best guess at how many are in one.
    together = max(Counter(entry.listed_at for entry in plan.entries).values(), default=0)
    return KnownEntries.of(known_entries).last(max(2 * together + window, len(known)))
