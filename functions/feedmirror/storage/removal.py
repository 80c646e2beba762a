"""Carry out the removal of an entry: its tombstone, and stubs over all that has its words.

Nothing is deleted: a run that was under way creates what is missing, and leaves what is taken or of
a later generation. So it may all be done twice, late, or by several runs at once.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from functools import partial
from typing import Any

from msgspec.structs import replace

from feedmirror.errors import StoreError, contained
from feedmirror.layout import (
    RECORD_TYPE,
    records_prefix,
    tombstone_key,
    tombstones_prefix,
)
from feedmirror.mirror import record, tombstone
from feedmirror.mirror.archive import ArchivePage, ArchiveSummary, EntryLink, predecessors
from feedmirror.mirror.record import LAST, Record
from feedmirror.mirror.state import State
from feedmirror.mirror.tombstone import Logged, TakeDown, Tombstone, stub
from feedmirror.model import Revision, Subscription
from feedmirror.ports import SideBySide, Store, Stored
from feedmirror.storage import hidden
from feedmirror.storage.archive_search import linking_to
from feedmirror.storage.objects import update
from feedmirror.storage.pages import PageWriter
from feedmirror.storage.publisher import Publisher
from feedmirror.storage.records import StoredRecords


def stored_tombstones(store: Store, slug: str, known: Container[str] = ()) -> tuple[Tombstone, ...]:
    """Load the tombstones of a feed, but for those whose names are in `known`.

    Raises: StoreError, also where one is damaged.
    """
    found = []
    for key in store.keys(tombstones_prefix(slug)):
        is_known = key.rpartition("/")[2].removesuffix(".json") in known
        stored = None if is_known else store.load(key)
        if stored is not None:
            found.append(_read(stored, key))
    return tuple(found)


def load_tombstone(store: Store, slug: str, name: str) -> Tombstone | None:
    """Load a tombstone by its name; None if there is none. Raises: StoreError."""
    where = tombstone_key(slug, name)
    stored = store.load(where)
    return _read(stored, where) if stored else None


def is_removed(store: Store, slug: str, key: str) -> bool:
    """True if an entry was taken down, and was not restored. Raises: StoreError."""
    found = load_tombstone(store, slug, key)
    return found is not None and not found.is_restored


def write_tombstone(store: Store, slug: str, made: Tombstone) -> Tombstone:
    """Write a tombstone, unless one of the same or of a later generation is there; return the one
    that is. Raises: StoreError.
    """
    where, there = tombstone_key(slug, made.name), made

    def make(stored: Stored | None) -> bytes | None:
        nonlocal there
        there = _read(stored, where) if stored else made
        there = made if made.generation > there.generation else there
        return tombstone.dump(slug, made) if there == made else None

    update(store, where, RECORD_TYPE, make)
    return there


def note(store: Store, slug: str, name: str, logged: Logged) -> None:
    """Write the last line of a tombstone's log anew. Raises: StoreError."""
    where = tombstone_key(slug, name)

    def make(stored: Stored | None) -> bytes | None:
        found = _read(stored, where) if stored else None
        if found is None or found.log[-1:] != (replace(logged, **_NOT_YET),):
            return None
        return tombstone.dump(slug, replace(found, log=(*found.log[:-1], logged)))

    update(store, where, RECORD_TYPE, make)


_NOT_YET: Any = {"purged": 0, "kept": (), "invalidation": None}  # when the entry is committed


def _read(stored: Stored, where: str) -> Tombstone:
    try:
        return tombstone.load(stored.body, where)
    except ValueError as error:
        raise StoreError(f"{where} is damaged ({error}): nothing was changed") from error


class _Stubs:
    """Stubs over the records of one entry."""

    def __init__(self, store: Store, slug: str, buried: Tombstone) -> None:
        self._store = store
        self._slug = slug
        self._buried = buried

    def write(self, unstored: Iterable[Revision]) -> None:
        """Write them, and one where a run may still create a record. Raises: StoreError."""
        last: dict[str, int] = {}  # number of the last record of each revision
        for stored_as in self._store.keys(f"{records_prefix(self._slug)}{self._buried.key}/"):
            if name := record.named(self._slug, stored_as):
                last[name[1]] = max(name[2], last.get(name[1], -1))
        made = {one.digest: one for one in unstored}
        for digest in {**last, **made}:
            if self._buried.revision in (None, digest):
                self._write_revision(digest, last.get(digest, -1), made.get(digest))

    def _write_revision(self, digest: str, last: int, made: Revision | None) -> None:
        """Write stubs over the records of a revision.

        The first number that is free gets one before any other: a run that has still to store the
        revision, or reads it again, stops there.
        """
        is_closed = False
        for number in range(last, -1, -1):
            found = self._load(self._key(digest, number))
            if found is not None:
                made = stub(found.revision, self._buried.removal)
                is_closed = number == last and made is found.revision
                break
        if made is not None and not is_closed:
            last = self._close(made, last + 1)
        for number in range(last + 1):
            self._replace(self._key(digest, number), made)

    def _key(self, digest: str, number: int) -> str:
        return record.key_of(self._slug, self._buried.key, digest, number)

    def _close(self, made: Revision, first: int) -> int:
        """Create a stub under the first number that is free; return the number."""
        for number in range(first, LAST + 1):
            where = self._key(made.digest, number)
            body = record.dump(self._slug, replace(made, number=number), None)
            if self._store.create(where, body) is not None:
                return number
        return LAST

    def _load(self, where: str) -> Record | None:
        """Load a record; None where it is missing or damaged."""
        stored = self._store.load(where)
        read = contained(partial(record.load, stored.body, self._slug, where)) if stored else None
        return read if isinstance(read, Record) else None

    def _replace(self, where: str, made: Revision | None) -> None:
        """Write a stub over one record, also where it is damaged; `made` is that of another one."""

        def body(stored: Stored | None) -> bytes | None:
            if stored is None:
                return None
            read = contained(partial(record.load, stored.body, self._slug, where))
            if isinstance(read, Record):
                if read.revision.removal is not None:
                    return None
                stub_ = stub(read.revision, self._buried.removal)
                return record.encode(replace(read, revision=stub_))
            return record.dump(self._slug, made, None) if made else b"{}"

        update(self._store, where, RECORD_TYPE, body)


def replace_removed_words(store: Store, slug: str) -> tuple[Tombstone, ...]:
    """Write stubs over the records of all entries that were taken down, since a backup may have
    brought their words back; return the tombstones. Raises: StoreError.
    """
    tombstones = stored_tombstones(store, slug)
    for buried in tombstones:
        if not buried.is_restored:
            replace_words(store, slug, buried)
    return tombstones


def replace_words(
    store: Store, slug: str, buried: Tombstone, unstored: Iterable[Revision] = ()
) -> None:
    """Write stubs over all records of an entry, and where a run may still create one.

    `unstored` are stubs of revisions that may have no record. Raises: StoreError.
    """
    _Stubs(store, slug, buried).write(unstored)


class Remover:
    """Carries out what a state says of removed entries."""

    def __init__(self, store: Store, publisher: Publisher, side_by_side: SideBySide = map) -> None:
        self._store = store
        self._publisher = publisher
        self._records = StoredRecords(store, Subscription(publisher.slug, ""), side_by_side)
        self._pages = PageWriter(publisher, self._records.words, side_by_side)

    def carry_out(self, state: State) -> None:
        """Replace the words of all entries that are being removed; documents are not written here.

        Raises: StoreError, RenderError.
        """
        for due in [one for one in state.removing if self._bury(one)]:
            self.replace_pages(due.tombstone, state)

    def _bury(self, due: TakeDown) -> bool:
        """Write the tombstone, and stubs over records; return False where a later order counts."""
        buried, slug = due.tombstone, self._publisher.slug
        if write_tombstone(self._store, slug, buried).generation > buried.generation:
            return False
        replace_words(self._store, slug, buried, due.revisions)
        if not buried.is_hidden:
            hidden.drop(self._store, slug, buried.key, buried.revision)
        return True

    def replace_pages(self, buried: Tombstone, state: State) -> None:
        """Write the entry's page, those of the entries that link to it, and its archive pages.

        Raises: StoreError, RenderError.
        """
        key = buried.key
        follow: dict[str, EntryLink | None] = {}
        pending = {page.name for page in state.pending_pages}
        for name in buried.archive_pages:
            if name not in pending:  # else its own task writes it
                page, newer = self._archive_page(name)
                follow |= predecessors((), (page,), ArchiveSummary())
                self._pages.renew_archive_page(page, newer, state)
        follow |= predecessors(state.window, state.pending_pages, state.archive_summary)
        linking = linking_to(self._publisher, state, key, buried.archive_pages)
        found = {one.key: one for one in self._revisions((*linking, key))}
        rows = (row for row in state.window if row.key in (*linking, key))
        # Those that are pending have no record yet, or an earlier one.
        listed = self._publisher.words.of(state, rows).items()
        found |= {other: one for other, one in listed if isinstance(one, Revision)}
        title = found[key].title if key in found else None
        follow |= dict.fromkeys(linking, EntryLink(key, title))
        self._pages.write_entries(found.values(), follow, state)

    def _revisions(self, keys: Iterable[str]) -> tuple[Revision, ...]:
        """Return the entries as they were committed last, those that have records."""
        keys = tuple(keys)
        self._records.survey(of=[f"{key}/" for key in keys])
        return self._pages.revisions_of(keys, self._records.index.entries)

    def _archive_page(self, name: str) -> tuple[ArchivePage[Revision], str | None]:
        """Return an archive page as the records have it, and the name of the next one."""
        contents = self._publisher.contents_of(name)
        follows = None
        if contents.older:
            before = self._publisher.contents_of(contents.older).keys[:1]
            links = (EntryLink(one.key, one.entry.title) for one in self._revisions(before))
            follows = next(links, None)
        revisions = self._revisions(contents.keys)
        return ArchivePage(name, contents.older, follows, revisions), contents.newer
