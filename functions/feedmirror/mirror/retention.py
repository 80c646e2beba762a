"""Retention: the entries that stay public, and the entries that the state remembers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from itertools import accumulate, islice
from typing import Annotated, Protocol, TypeVar

from msgspec import Meta, Raw, Struct, json

from feedmirror.mirror import codec
from feedmirror.model import Stored

FLOOR = timedelta(hours=48)  # nothing leaves the public feed sooner, within the bounds below
BEYOND = 1_000  # entries, besides `keep`, that are public for having been listed lately
BOUND_BYTES = 8_000_000  # of the `keep` newest entries, and of those beyond; also of one commit
AMBIGUOUS = 1_000  # keys remembered as ambiguous
LOOKED_UP = 1_000  # unknown keys in one refresh, in the store of a feed that has forgotten some
_REMEMBERED = 5_000  # keys, at least


# Seconds since the epoch, from the year 1 to 9999.
Moment = Annotated[int, Meta(ge=-62_135_596_800, lt=253_402_300_800)]


class KnownEntry(Stored, frozen=True, array_like=True):
    """An entry as the state remembers it, public or not. Times are seconds since the epoch."""

    digest: str  # of its words as they were read last
    at: Moment  # when it was first seen
    particulars: str = ""  # digest of what is no part of the revision
    dated: Moment | None = None  # the date that it is published with
    record: str = ""  # digest that names its revision; empty: `digest`, as of all read only once


class KnownEntries(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """All entries that the state remembers. Decoded when one is asked for: most polls ask none."""

    entries: Raw = Raw(b"{}")  # a JSON object
    has_forgotten: bool = False  # whether entries may be stored that are not among these

    @classmethod
    def of(cls, by_key: Mapping[str, KnownEntry], *, has_forgotten: bool = False) -> KnownEntries:
        """Return these entries, the first to be forgotten first."""
        made = cls(Raw(json.encode(by_key)), has_forgotten)
        vars(made)["by_key"] = by_key
        return made

    @cached_property
    def by_key(self) -> Mapping[str, KnownEntry]:
        """The entries. Raises: StateError if they are damaged."""
        return codec.decode_part(self.entries, dict[str, KnownEntry])

    def with_entries(self, entries: Mapping[str, KnownEntry]) -> KnownEntries:
        """Return these entries with others, which replace those of the same keys."""
        return KnownEntries.of({**self.by_key, **entries}, has_forgotten=self.has_forgotten)

    def last(self, least: int) -> KnownEntries:
        """Return the last entries: at least `least`, and at least 5,000.

        `least` is twice the number of entries of a document, so that no listed entry counts as new.
        """
        surplus = len(self.by_key) - max(_REMEMBERED, least)
        if surplus <= 0:
            return self
        kept = {key: self.by_key[key] for key in islice(self.by_key, surplus, None)}
        return KnownEntries.of(kept, has_forgotten=True)


class Sized(Protocol):
    """A thing of a size."""

    @property
    def size_bytes(self) -> int:
        """UTF-8 bytes of its words."""
        ...


class Listed(Sized, Protocol):
    """A thing with a place in the feed."""

    @property
    def listed_at(self) -> datetime:
        """When it last entered the public window."""
        ...


_S = TypeVar("_S", bound=Sized)


def count_public(newest_first: Sequence[Listed], keep: int, floor: datetime | None) -> int:
    """Return how many of the newest entries stay public: `keep`, and all down to the last one
    that was listed after `floor`, within the bounds.

    `floor` is None for a first mirror, of which nothing has been public yet.
    """
    kept = max(1, _within(newest_first[:keep]))
    if floor is None:
        return min(kept, len(newest_first))
    beyond = newest_first[kept : keep + BEYOND]
    recent = (rank for rank, one in enumerate(beyond, 1) if one.listed_at > floor)
    return min(kept + min(max(recent, default=0), _within(beyond)), len(newest_first))


def _within(entries: Sequence[Sized]) -> int:
    """Return how many of the first entries have no more than `BOUND_BYTES` together."""
    sizes = accumulate(one.size_bytes for one in entries)
    return sum(size <= BOUND_BYTES for size in sizes)


def portions(entries: Iterable[_S], most: int, most_bytes: int) -> Iterator[tuple[_S, ...]]:
    """Yield the entries in order, in portions of at most `most` entries and `most_bytes` bytes.

    An entry that is larger is a portion by itself.
    """
    portion: list[_S] = []
    size = 0
    for entry in entries:
        if portion and (len(portion) == most or size + entry.size_bytes > most_bytes):
            yield tuple(portion)
            portion, size = [], 0
        portion.append(entry)
        size += entry.size_bytes
    if portion:
        yield tuple(portion)
