"""Reparse: parse the entries of a feed again from their stored originals, without a fetch.

What a newer parser reads otherwise is a further record of the same revision: the origin changed
nothing, so its name, and that of every page it stands in, stays. The record says which parser read
it; of what was fetched at one time, the reading of the newest parser counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.mirror import record as records
from feedmirror.mirror.classify import credible, first_dated
from feedmirror.mirror.record import Record, RecordName
from feedmirror.mirror.recover import RecordIndex
from feedmirror.mirror.retention import portions
from feedmirror.model import PARSER_VERSION, Entry, Revision, Subscription
from feedmirror.ports import Located, Rereader, SideBySide, Store
from feedmirror.publishing.redaction import MARK, Redaction
from feedmirror.storage.publisher import Publisher
from feedmirror.storage.redaction_key import redaction_key
from feedmirror.text.secrets import secrets_of

# A request to the worker: about a second's work.
_MOST_TOGETHER = 50
_MOST_BYTES = 1_000_000
Load = Callable[
    [RecordName], tuple[RecordName, Record | str]
]  # the record, or what is wrong with it


class Reparsed(Struct, frozen=True):
    """The result of reparsing a feed: counts, and failures."""

    reread: int = 0  # entries that were read from their originals
    cleaned: int = 0  # entries without one, whose bodies were sanitised again
    changed: int = 0  # of both, that say something else now
    failed: tuple[str, ...] = ()  # records that stay as they were: a sentence each


class _Stored(Struct, frozen=True):
    name: RecordName
    record: Record

    @property
    def entry(self) -> Entry:
        return self.record.revision.entry

    @property
    def is_lossless(self) -> bool:
        return self.entry.original is not None and self.entry.context is not None

    @property
    def size_bytes(self) -> int:
        return self.record.revision.size_bytes + len(self.entry.original or "")


class Reparse:
    """Parses entries again, and stores records of those that differ."""

    def __init__(
        self,
        subscription: Subscription,
        store: Store,
        publisher: Publisher,
        rereader: Rereader,
        side_by_side: SideBySide,
    ) -> None:
        self.done = Reparsed()
        self._subscription = subscription
        self._key = partial(redaction_key, store)
        self._publisher = publisher
        self._rereader = rereader
        self._side_by_side = side_by_side
        self._read: set[RecordName] = set()
        self._redactions: dict[str, Redaction] = {}  # by the address that documents came from

    @property
    def is_whole(self) -> bool:
        """True if every entry says what the present parser makes of its original."""
        return not (self.done.cleaned or self.done.failed)

    def renew(self, index: RecordIndex, load: Load, *, only_older: bool = False) -> None:
        """Read the last record of each entry again; those that were read before are passed over,
        and with `only_older` those that the present parser has read.

        Raises: StoreError; ParseError if there is no parser any more.
        """
        names = [
            one.name
            for one in index.entries.values()
            if one.name not in self._read
            and not (only_older and one.parser_version >= PARSER_VERSION)
        ]
        loaded = self._side_by_side(load, names)
        stored = (
            _Stored(name, found)
            for name, found in loaded
            # What a newer program has read stays.
            if isinstance(found, Record) and found.parser_version <= PARSER_VERSION
        )
        for batch in portions(stored, _MOST_TOGETHER, _MOST_BYTES):
            changed = list(self._changed(batch))
            for record in self._side_by_side(self._store, changed):
                index.add(record)
                self._read.add(_name_of(record.revision))

    def _changed(self, batch: Sequence[_Stored]) -> Iterator[Record]:
        """Yield the records to store."""
        self._read.update(one.name for one in batch)
        for one, made, is_lossless in self._made(batch):
            revision = one.record.revision
            if isinstance(made, str):
                where = records.key_of(self._publisher.slug, *one.name)
                self.done = replace(self.done, failed=(*self.done.failed, f"{where}: {made}"))
                continue
            changed = made != one.entry
            self.done = replace(
                self.done,
                reread=self.done.reread + is_lossless,
                cleaned=self.done.cleaned + (not is_lossless),
                changed=self.done.changed + changed,
            )
            if changed:
                number = min(revision.number + 1, records.LAST)
                again = replace(revision, entry=made, number=number)
                yield Record(again, one.record.source, PARSER_VERSION)

    def _made(self, batch: Sequence[_Stored]) -> Iterator[tuple[_Stored, Entry | str, bool]]:
        """Yield each entry as parsed now, or the error; and True if it is from its original."""
        hidden = []
        for one, made in zip(batch, self._reread(batch), strict=True):
            if not isinstance(made, str) and not _marks(one.entry) <= _marks(made):
                hidden.append(one)  # a secret in it is not configured any more: not to be read
            else:
                yield one, made, one.is_lossless
        for one, made in zip(hidden, self._reread(hidden, cleaning=True), strict=True):
            if not isinstance(made, str):
                entry = one.entry
                made = replace(made, original=entry.original, context=entry.context)  # noqa: PLW2901
            yield one, made, False

    def _reread(self, batch: Sequence[_Stored], *, cleaning: bool = False) -> list[Entry | str]:
        """Return the worker's answers, without secrets and without dates in the future."""
        asked: list[Located] = []
        for one in batch:
            entry = replace(one.entry, original=None, context=None) if cleaning else one.entry
            asked.append((one.record.revision.fetched_from, entry))
        made = self._rereader.reread(asked) if asked else []
        return [
            answer if isinstance(answer, str) else self._fit(answer, one.record.revision)
            for one, answer in zip(batch, made, strict=True)
        ]

    def _fit(self, entry: Entry, revision: Revision) -> Entry:
        address = revision.fetched_from
        if address not in self._redactions:
            self._redactions[address] = Redaction(
                secrets_of(self._subscription, address), self._key
            )
        entry = credible(self._redactions[address].value(entry), revision.observed_at)
        first = revision.entry.published
        # Later readings may have kept the date of the first, whatever their originals say.
        is_first = revision.observed_at == revision.first_seen
        return entry if is_first or first is None else first_dated(entry, first)

    def _store(self, record: Record) -> Record:
        """The record under the name that it was stored under."""
        number = self._publisher.store_reading(record.revision, record.source)
        return replace(record, revision=replace(record.revision, number=number))


def _name_of(revision: Revision) -> RecordName:
    return revision.key, revision.digest, revision.number


def _marks(entry: Entry) -> set[str]:
    """Return the marks that stand in the entry in place of secrets."""
    return set(MARK.findall(repr(replace(entry, original=None, context=None))))
