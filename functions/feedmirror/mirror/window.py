"""The public entries of a feed, as an index: where each stands, and which record has its words.

An unchanged feed needs none of the rows, so these are decoded when they are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from hashlib import blake2b, sha256

from msgspec import Raw, Struct, json
from msgspec.structs import force_setattr, replace

from feedmirror.mirror import codec
from feedmirror.model import Count, Removal, Revision, Stored, require_utc


class Row(Stored, frozen=True):
    """An entry of the window, without its words.

    Its place (`seq`, `first_seen`, `listed_at`) and `observed_at` count, whatever the record says.
    """

    key: str
    digest: str  # of what a reader sees
    words: str  # `words_digest` of the revision, by which its record is known
    guid: str
    seq: Count
    first_seen: datetime
    listed_at: datetime
    observed_at: datetime
    size_bytes: Count
    guid_is_permalink: bool = False
    number: Count = 0  # of the record, or the first that may be free for it
    generation: Count = 0
    title: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    removal: Removal | None = None  # None: the words are there

    def __post_init__(self) -> None:
        moments = (self.first_seen, self.listed_at, self.observed_at)
        require_utc(*moments, self.published, self.updated)

    @property
    def said(self) -> datetime | None:
        """Date of the origin's."""
        return self.published or self.updated


def row_of(revision: Revision) -> Row:
    """Return the row of an entry in the window."""
    entry = revision.entry
    return Row(
        key=revision.key,
        digest=revision.digest,
        words=words_digest(revision),
        guid=revision.guid,
        seq=revision.seq,
        first_seen=revision.first_seen,
        listed_at=revision.listed_at,
        observed_at=revision.observed_at,
        size_bytes=revision.size_bytes,
        guid_is_permalink=revision.guid_is_permalink,
        number=revision.number,
        generation=revision.generation,
        title=entry.title,
        published=entry.published,
        updated=entry.updated,
        removal=revision.removal,
    )


def has_words_of(revision: Revision, row: Row) -> bool:
    """True if the revision that a record has is the one of the row."""
    if row.removal is not None:
        return revision.removal is not None
    return words_digest(revision) == row.words


def words_digest(revision: Revision) -> str:
    """Return a digest of what its record has for good: all but its place in the feed, and what
    only records have.
    """
    moment = revision.observed_at
    bare = replace(without_original(revision), seq=0, number=0, first_seen=moment, listed_at=moment)
    return blake2b(json.encode(bare), digest_size=12).hexdigest()


def in_row(revision: Revision, row: Row) -> Revision:
    """Return the revision that a record has, as it stands in the feed."""
    return replace(
        without_original(revision),
        seq=row.seq,
        number=row.number,
        first_seen=row.first_seen,
        listed_at=row.listed_at,
        observed_at=row.observed_at,
    )


def without_original(revision: Revision) -> Revision:
    """Return the revision without what only its record has."""
    entry = replace(revision.entry, original=None, context=None)
    return replace(revision, entry=entry, disclaimer=None)


def removed_row(row: Row, removal: Removal) -> Row:
    """Return the row of an entry that is taken down: it keeps its place and its date."""
    return row if row.removal else replace(row, title=None, updated=None, removal=removal)


class Window(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """Rows, newest first; two windows are equal if their JSON is."""

    digest: str = ""  # of `entries`, by which damage is noticed without reading them; "": not known
    entries: Raw = Raw(b"[]")  # a JSON array

    def __post_init__(self) -> None:
        digest = sha256(self.entries).hexdigest()[:32]
        if not self.digest:
            force_setattr(self, "digest", digest)
        elif self.digest != digest:
            raise ValueError("the window does not match its digest")

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Window:
        """Return a window of these rows."""
        there = tuple(rows)
        made = cls(entries=Raw(json.encode(there)))
        vars(made)["rows"] = there
        return made

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows. Raises: StateError if they are damaged."""
        return codec.decode_part(self.entries, tuple[Row, ...])

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def mark_of(row: Row) -> str:
    """Return a digest of an entry as documents show it."""
    return blake2b(json.encode(row), digest_size=12).hexdigest()
