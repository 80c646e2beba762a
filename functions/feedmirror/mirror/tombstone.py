"""Tombstone of an entry that was taken down: what is kept of the entry, for good.

It has none of the entry's words. It lies outside of the state, so it outlives the state.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, json
from msgspec.structs import replace

from feedmirror.mirror import codec
from feedmirror.model import Count, Entry, Reason, Removal, Revision, Stored

_SCHEMA = 1  # raise it when older programs could misread a tombstone


class Logged(Stored, frozen=True):
    """One order of the operator's for an entry, and what was done: no words of it."""

    at: datetime
    by: str  # who gave the order
    action: str  # "takedown", "hide" or "restore"
    reason: Reason | None = None
    reference: str = ""  # the operator's: a case, a letter
    objects: tuple[str, ...] = ()  # keys of those that were written
    purged: Count = 0  # earlier versions that were deleted
    kept: tuple[str, ...] = ()  # those that may not be deleted: a sentence each
    invalidation: str | None = None  # ID of the request to the CDN


class Tombstone(Stored, frozen=True):
    """An entry, or one revision of an entry, that was taken down."""

    key: str
    guid: str  # the public id, under which readers are told
    at: datetime
    reason: Reason
    revision: str | None = None  # digest of the only one that was taken down; None: the whole entry
    is_hidden: bool = False  # True: its words are kept apart, and may be restored
    is_restored: bool = False  # True: they were; of the tombstone only the log counts
    log: tuple[Logged, ...] = ()  # the latest last
    generation: Count = 0  # of the commit that removed the entry
    revisions: tuple[str, ...] = ()  # digests of all that are known of
    archive_pages: tuple[str, ...] = ()  # names of those that had the entry
    likenesses: tuple[str, ...] = ()  # digests by which an entry like it is known

    @property
    def name(self) -> str:
        """Name of the tombstone: the key, with the digest of a single revision."""
        return f"{self.key}.{self.revision}" if self.revision else self.key

    @property
    def removal(self) -> Removal:
        """Return as much of it as readers are told."""
        return Removal(self.at, self.reason)


class TakeDown(Stored, frozen=True):
    """The removal of an entry that is committed, but perhaps not carried out yet."""

    tombstone: Tombstone
    # Stubs of its revisions in the state, of which some may have no record yet.
    revisions: tuple[Revision, ...] = ()


class _Stored(Struct, frozen=True, omit_defaults=True, tag_field="schema", tag=_SCHEMA):
    tombstone: Tombstone
    feed: str  # the slug of the feed at that time


def dump(slug: str, tombstone: Tombstone) -> bytes:
    """Render the tombstone as JSON."""
    return json.encode(_Stored(tombstone, slug))


def load(body: bytes, where: str) -> Tombstone:
    """Parse what `dump` wrote. `where` is the key of the object.

    Raises: ValueError if it is damaged, StateError if a newer version wrote it.
    """
    return codec.load(body, _Stored, _SCHEMA, where).tombstone


def stub(revision: Revision, removal: Removal) -> Revision:
    """Return the revision without its words, in its place in the feed and under its name.

    Its date stays, by which archive pages list it, and its GUID, under which readers know it.
    """
    if revision.removal is not None:
        return revision
    entry = revision.entry
    return replace(
        revision,
        entry=Entry(
            guid=entry.guid,
            guid_is_permalink=entry.guid_is_permalink,
            published=entry.published,
        ),
        disclaimer=None,
        removal=removal,
        removed_bytes=revision.size_bytes,
    )
