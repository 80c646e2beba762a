"""Search for entries in the archive pages of a feed: by key in a few requests, by name in all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from feedmirror.layout import archive_prefix
from feedmirror.mirror.archive import page_number, predecessors
from feedmirror.mirror.comparison import compared
from feedmirror.mirror.record import Record
from feedmirror.mirror.state import State
from feedmirror.mirror.window import Row
from feedmirror.model import Revision
from feedmirror.ports import Store
from feedmirror.storage.publisher import Publisher
from feedmirror.storage.records import StoredRecords

Place = tuple[datetime, int]  # of an entry in the feed: when it was listed, and its number


def place_of(one: Revision | Row) -> Place:
    """Return the place by which archive pages are ordered, as `IndexedEntry.place`."""
    return one.listed_at, one.seq


class ArchiveSearch:
    """Finds the archive pages that have an entry.

    Pages are in the order of their entries' places, so a page is found by halving: two requests for
    each time the number of pages can be halved. Where that does not find a page for each place,
    all pages are read: clocks that were put back, and a rebuild that left pages of another
    division, break the order.
    """

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        records: StoredRecords,
        report: Callable[[int], None],
    ) -> None:
        self._publisher = publisher
        self._records = records
        self._report = report  # gets how many pages were read
        self._listed: dict[str, dict[str, str | None]] = {}  # keys and digests by page
        self.names = tuple(store.folders(archive_prefix(publisher.slug)))

    def pages_of(self, key: str, places: Collection[Place] | None) -> tuple[str, ...]:
        """Return the names of the pages that have an entry, which was archived at these places;
        None if they are not known. Raises: StoreError.
        """
        if places is not None and self._is_one_chain():
            found = {self._halved(key, place) for place in places} - {None}
            if len(found) == len(places):
                return tuple(name for name in self.names if name in found)
        return tuple(name for name in self.names if key in self._read(name))

    def _is_one_chain(self) -> bool:
        """True if no page is of an earlier division of the archive."""
        return [page_number(name) for name in self.names] == [*range(1, len(self.names) + 1)]

    def _halved(self, key: str, place: Place) -> str | None:
        """Return the page with the entry that was archived at that place, or None."""
        first, end = 0, len(self.names)  # the page is in `names[first:end]`
        while first < end:
            middle = (first + end) // 2
            name = self.names[middle]
            if key in self._read(name):
                return name
            newest = self._newest(name) if end - first > 1 else None
            if newest is None:
                return None
            first, end = (first, middle) if place < newest else (middle + 1, end)
        return None

    def _newest(self, name: str) -> Place | None:
        """Return the place of the newest entry of a page that has a record; None if none has."""
        for key, digest in self._read(name).items():
            record = self._records.read((key, digest, 0))[1] if digest else None
            if isinstance(record, Record):
                return place_of(record.revision)
        return None

    def _read(self, name: str) -> dict[str, str | None]:
        if name not in self._listed:
            self._listed[name] = self._publisher.listed_in(name)
            self._report(len(self._listed))
        return self._listed[name]


def find_entries(
    store: Store, publisher: Publisher, state: State, name: str, report: Callable[[int], None]
) -> dict[str, str]:
    """Return the entries with that GUID or link, by key, each with what it is called there.

    All archive pages are read; `report` gets how many were. Raises: StoreError.
    """
    wanted = compared(name)
    listed = publisher.words.of(state, state.window).values()
    held = (*(one for one in listed if isinstance(one, Revision)), *state.pending_entries)
    found = {
        one.key: one.guid
        for one in held
        if wanted in {compared(text) for text in _identifiers(one) if text}
    }
    for number, page in enumerate(store.folders(archive_prefix(publisher.slug)), 1):
        for key, texts in publisher.identifiers_of(page).items():
            if wanted in map(compared, texts):
                found[key] = texts[0]
        report(number)
    return found


def _identifiers(revision: Revision) -> Sequence[str | None]:
    return revision.guid, revision.entry.guid, revision.entry.link


def linking_to(
    publisher: Publisher, state: State, key: str, archive_pages: Iterable[str]
) -> tuple[str, ...]:
    """Return the keys of the entries whose pages link to that of an entry, which is in these
    archive pages and perhaps in the state. Raises: StoreError.
    """
    follow = predecessors(state.window, state.pending_pages, state.archive_summary)
    near = {other for other, before in follow.items() if before and before.key == key}
    for name in archive_pages:
        contents = publisher.contents_of(name)
        after = publisher.contents_of(contents.newer).keys[-1:] if contents.newer else ()
        listed = (*after, *contents.keys)
        near.update(newer for newer, one in pairwise(listed) if one == key)
    return tuple(sorted(other for other in near if publisher.links(other, key)))
