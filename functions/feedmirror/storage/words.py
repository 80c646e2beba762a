"""Words of the window's entries: those of entries that are pending are in the state, the others in
records.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from feedmirror.errors import ObjectError
from feedmirror.mirror import record as records
from feedmirror.mirror.record import LAST, Record, RecordName
from feedmirror.mirror.state import State
from feedmirror.mirror.window import (
    Row,
    Window,
    has_words_of,
    in_row,
    without_original,
    words_digest,
)
from feedmirror.model import Revision
from feedmirror.ports import SideBySide, Store

_KEPT_BYTES = 4_000_000  # of words, up to which what was stored just now is not read again
_MISSING = "it is missing"


class Words:
    """The words of one feed's entries."""

    def __init__(self, store: Store, slug: str, side_by_side: SideBySide) -> None:
        self._store = store
        self._slug = slug
        self._side_by_side = side_by_side
        self._kept: dict[str, Revision] = {}  # by `words_digest`, the latest last
        self._kept_bytes = 0

    def keep(self, revision: Revision) -> None:
        """Keep the words of a revision that is in the store now, for a while."""
        digest = words_digest(revision)
        if digest not in self._kept:
            self._kept[digest] = without_original(revision)
            self._kept_bytes += revision.size_bytes
        while self._kept_bytes > _KEPT_BYTES and len(self._kept) > 1:
            self._kept_bytes -= self._kept.pop(next(iter(self._kept))).size_bytes

    def numbered(self, window: Window) -> Window:
        """Return the window with the numbers that records were stored under just now."""
        stored = ((row, self._kept.get(row.words)) for row in window)
        return Window.of(replace(row, number=one.number) if one else row for row, one in stored)

    def of(self, state: State, rows: Iterable[Row]) -> dict[str, Revision | str]:
        """Return the entries with their words, by key; or what is wrong with the record of one.

        Raises: StoreError.
        """
        held = self._kept | {words_digest(one): one for one in state.pending_entries}
        found: dict[str, Revision | str] = {}
        stored = []
        for row in rows:
            if row.words in held and row.removal is None:
                found[row.key] = in_row(held[row.words], row)
            else:
                stored.append(row)
        return found | dict(self._side_by_side(self._load, stored))

    def _load(self, row: Row) -> tuple[str, Revision | str]:
        """Load the words of a row, from the first record from its number on that has them."""
        wrong = _MISSING
        for number in range(row.number, LAST + 1):
            name = (row.key, row.digest, number)
            read = load_record(self._store, self._slug, name)
            if read is None:
                break
            if isinstance(read, Record) and has_words_of(read.revision, row):
                return row.key, in_row(read.revision, row)
            if isinstance(read, str):
                wrong = f"{records.key_of(self._slug, *name)}: {read}"
        return row.key, wrong


def load_record(store: Store, slug: str, name: RecordName) -> Record | str | None:
    """Load a record; return None if it is missing, or what is wrong with it. Raises: StoreError."""
    key = records.key_of(slug, *name)
    try:
        stored = store.load(key)
        return records.load(stored.body, slug, key) if stored else None
    except (ObjectError, ValueError) as error:
        return str(error)
