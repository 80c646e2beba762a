"""Records of a feed in a store: read once, into an index, and again where the words are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from feedmirror.layout import records_prefix
from feedmirror.mirror import record as records
from feedmirror.mirror.record import Record, RecordName
from feedmirror.mirror.recover import RecordIndex
from feedmirror.model import Revision, Subscription
from feedmirror.ports import SideBySide, Store
from feedmirror.storage.words import load_record

_REPORTED = 100  # records, between two reports of how far it is


class StoredRecords:
    """The records of a feed in a store."""

    def __init__(
        self,
        store: Store,
        subscription: Subscription,
        side_by_side: SideBySide,
        report: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.slug = subscription.slug
        self.index = RecordIndex(subscription.identity)
        self._side_by_side = side_by_side
        self.store = store
        self._report = report

    def survey(self, *, of: Iterable[str] = ("",), only_one: bool = False) -> None:
        """Read all records that were not read yet, or the first good one.

        `of` are the keys of the entries whose records are read, each followed by a slash; "" is for
        all entries. Raises: StoreError.
        """
        listed = self._side_by_side(self.names, of)
        fresh = (name for names in listed for name in names if not self.index.has(name))
        for name, record in self._side_by_side(self.read, fresh):
            self._note(name, record)
            number = self.index.revisions
            if number % _REPORTED == 0:
                self._report(number)
            if only_one and number:
                break

    def names(self, below: str) -> Iterator[RecordName]:
        """Yield the names of records, `below` as one of `survey`. Raises: StoreError."""
        for key in self.store.keys(f"{records_prefix(self.slug)}{below}"):
            name = records.named(self.slug, key)
            if name:
                yield name

    def words(self, names: Iterable[RecordName]) -> dict[str, Revision]:
        """Load these revisions; return them by the keys of their entries. Raises: StoreError."""
        read = dict(self._side_by_side(self.read, names))
        for name, record in read.items():
            if isinstance(record, str):  # since a moment ago
                self.index.damaged[name] = record
        return {key: r.revision for (key, _, _), r in read.items() if isinstance(r, Record)}

    def _note(self, name: RecordName, record: Record | str) -> None:
        if isinstance(record, str):
            self.index.damaged[name] = record
        else:
            self.index.add(record)

    def read(self, name: RecordName) -> tuple[RecordName, Record | str]:
        """Load the record of that name; return the name, with the record or with what is wrong."""
        return name, load_record(self.store, self.slug, name) or "it has vanished"
