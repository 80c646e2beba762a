"""What the records of a feed add up to, entry by entry, without the words of any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from feedmirror.core.record import Record
from feedmirror.model import Feed, Revision


@dataclass(frozen=True, slots=True)
class Trace:
    """An entry, as all that is stored of it says."""

    key: str
    digest: str  # of the revision that was observed last
    observed_at: datetime  # when that was
    digests: tuple[str, ...]  # of all its revisions
    first_seen: datetime
    listed_at: datetime  # with `seq`: its place in the feed, the last that it was given
    seq: int
    size_bytes: int  # of the words of the revision that was observed last

    @property
    def place(self) -> tuple[datetime, int]:
        """What entries are ordered by.

        The time comes first: a feed whose state was lost, and that was refreshed all the same,
        counts its entries from one again.
        """
        return self.listed_at, self.seq


def trace_of(revision: Revision) -> Trace:
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
        observed_at=observed_at,
        digests=(revision.digest,),
        first_seen=observed_at if first_seen == observed_at else first_seen,
        listed_at=observed_at if listed_at == observed_at else listed_at,
        seq=revision.seq,
        size_bytes=revision.size_bytes,
    )


def joined(one: Trace, other: Trace) -> Trace:
    """What two traces of the same entry say together; which comes first makes no difference."""
    last = max(one, other, key=lambda trace: (trace.observed_at, trace.digest))
    placed = max(one, other, key=lambda trace: trace.place)
    return Trace(
        key=one.key,
        digest=last.digest,
        observed_at=last.observed_at,
        digests=tuple(sorted({*one.digests, *other.digests})),
        first_seen=min(one.first_seen, other.first_seen),
        listed_at=placed.listed_at,
        seq=placed.seq,
        size_bytes=last.size_bytes,
    )


class Archive:
    """The records that were read so far: a few hundred bytes for each entry, whatever it says."""

    def __init__(self) -> None:
        self.traces: dict[str, Trace] = {}  # by key
        self.damaged: dict[tuple[str, str], str] = {}  # records that cannot be read, and why
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

    def has(self, key: str, digest: str) -> bool:
        """Whether that revision has a record, though it may be damaged."""
        trace = self.traces.get(key)
        return (trace is not None and digest in trace.digests) or (key, digest) in self.damaged

    def add(self, record: Record) -> None:
        """Take note of a record."""
        revision = record.revision
        trace = trace_of(revision)
        known = self.traces.get(trace.key)
        self.traces[trace.key] = joined(known, trace) if known else trace
        self.revisions += 1
        self.last_seq = max(self.last_seq, trace.seq)
        dates = (self.dated, revision.entry.published, revision.entry.updated)
        self.dated = max(filter(None, dates), default=None)
        versions = (self.parser_version, record.parser_version)
        self.parser_version = min(v for v in versions if v is not None)
        self._note_source(record)

    def _note_source(self, record: Record) -> None:
        revision = record.revision
        when = (revision.observed_at, revision.key, revision.digest)
        if self._latest is None or when > self._latest:
            self._latest, self.url = when, revision.fetched_from
        if record.source and (self._latest_source is None or when > self._latest_source):
            self._latest_source, self.source = when, record.source
