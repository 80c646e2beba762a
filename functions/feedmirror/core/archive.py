"""What the records of a feed add up to, entry by entry, without the words of any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from feedmirror.core.comparison import date_of, particulars_digest, revision_digest
from feedmirror.core.identity import ambiguous_keys
from feedmirror.core.record import Name, Record
from feedmirror.model import Feed, Identity, Revision


@dataclass(frozen=True, slots=True)
class Trace:
    """An entry, as all that is stored of it says."""

    key: str
    digest: str  # of the revision that was observed last
    reading: str  # digest of its words as they were read last
    number: int  # of its record
    parser_version: int  # that read it
    observed_at: datetime  # when that was
    first_seen: datetime
    listed_at: datetime  # with `seq`: its place in the feed, the last that it was given
    seq: int
    size_bytes: int  # of the words of the revision that was observed last
    particulars: str  # digest of what is no part of that revision
    dated: int | None  # the date that it is published with: seconds since the epoch

    @property
    def name(self) -> Name:
        """The name of the record that counts."""
        return self.key, self.digest, self.number

    @property
    def place(self) -> tuple[datetime, int]:
        """What entries are ordered by.

        The time comes first: a feed whose state was lost, and that was refreshed all the same,
        counts its entries from one again.
        """
        return self.listed_at, self.seq


def trace_of(revision: Revision, parser_version: int) -> Trace:
    """What one revision says of its entry."""
    # Mostly one moment; as one object it takes a third of the room.
    observed_at, first_seen, listed_at = (
        revision.observed_at,
        revision.first_seen,
        revision.listed_at,
    )
    return Trace(
        key=revision.key,
        digest=revision.digest,
        reading=_shared(revision_digest(revision.entry), revision.digest),
        number=revision.number,
        parser_version=parser_version,
        observed_at=observed_at,
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


def joined(one: Trace, other: Trace) -> Trace:
    """What two traces of the same entry say together; which comes first makes no difference."""
    last = max(one, other, key=_read_at)
    placed = max(one, other, key=lambda trace: trace.place)
    return Trace(
        key=one.key,
        digest=last.digest,
        reading=last.reading,
        number=last.number,
        parser_version=last.parser_version,
        observed_at=last.observed_at,
        first_seen=min(one.first_seen, other.first_seen),
        listed_at=placed.listed_at,
        seq=placed.seq,
        size_bytes=last.size_bytes,
        particulars=last.particulars,
        dated=last.dated,
    )


def _read_at(trace: Trace) -> tuple[datetime, int, int, str]:
    """What the records of an entry are ordered by: the last one counts.

    Of what was fetched at one time a newer parser may have made something else.
    """
    return trace.observed_at, trace.parser_version, trace.number, trace.digest


class Archive:
    """The records that were read so far: a few hundred bytes for each entry, whatever it says."""

    def __init__(self, identity: Identity = Identity.GUID) -> None:
        self.traces: dict[str, Trace] = {}  # by key
        self.ambiguous: dict[str, None] = {}  # keys that stand for several entries: an ordered set
        self._identity = identity
        self.damaged: dict[Name, str] = {}  # records that cannot be read, and why
        self._read: set[Name] = set()
        self.revisions = 0  # that can
        self.last_seq = 0  # the largest that was ever given
        self.dated: datetime | None = None  # the newest date in any entry
        self.source: Feed | None = None  # what the feed said of itself when it last said something
        self.url: str | None = None  # where that came from
        self.parser_version: int | None = None  # the oldest that read any of the entries
        self._latest: tuple[datetime, str, str] | None = None  # which record said so
        self._latest_source: tuple[datetime, str, str] | None = None

    @property
    def observed_at(self) -> datetime | None:
        """When the newest of the revisions was fetched."""
        return self._latest[0] if self._latest else None

    def has(self, name: Name) -> bool:
        """Whether that record was read, or found to be damaged."""
        return name in self._read or name in self.damaged

    def holds(self, revision: Revision) -> bool:
        """Whether what was read then of the entry, or later, has a record, damaged or not."""
        trace = self.traces.get(revision.key)
        name = (revision.key, revision.digest, revision.number)
        return name in self.damaged or (
            trace is not None and trace.observed_at >= revision.observed_at
        )

    def add(self, record: Record) -> None:
        """Take note of a record."""
        revision = record.revision
        trace = trace_of(revision, record.parser_version)
        self._read.add((trace.key, trace.digest, trace.number))
        known = self.traces.get(trace.key)
        self.traces[trace.key] = joined(known, trace) if known else trace
        self.revisions += 1
        self.last_seq = max(self.last_seq, trace.seq)
        dates = (self.dated, revision.entry.published, revision.entry.updated)
        self.dated = max(filter(None, dates), default=None)
        versions = (self.parser_version, record.parser_version)
        self.parser_version = min(v for v in versions if v is not None)
        self.ambiguous |= dict.fromkeys(ambiguous_keys(revision, self._identity))
        self._note_source(record)

    def _note_source(self, record: Record) -> None:
        revision = record.revision
        when = (revision.observed_at, revision.key, revision.digest)
        if self._latest is None or when > self._latest:
            self._latest, self.url = when, revision.fetched_from
        if record.source and (self._latest_source is None or when > self._latest_source):
            self._latest_source, self.source = when, record.source
