"""Words of entries that are hidden: their records, byte for byte, in an object of their own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from msgspec import Struct, field, json

from feedmirror.errors import StoreError, contained
from feedmirror.layout import RECORD_TYPE, hidden_key, records_prefix
from feedmirror.mirror import codec, record
from feedmirror.mirror.record import Record
from feedmirror.model import Revision
from feedmirror.ports import Store, Stored
from feedmirror.storage.objects import update

_SCHEMA = 1  # raise it when older programs could misread it


class _Hidden(Struct, frozen=True, tag_field="schema", tag=_SCHEMA):
    records: Mapping[str, str] = field(default_factory=dict)  # by their keys


def keep(store: Store, slug: str, key: str) -> None:
    """Keep the records of an entry that have words. Raises: StoreError."""
    listed = store.keys(f"{records_prefix(slug)}{key}/")
    found = {name: stored.body for name in listed if (stored := store.load(name))}
    worded = {name: body.decode() for name, body in found.items() if _has_words(slug, name, body)}

    def make(stored: Stored | None) -> bytes:
        return json.encode(_Hidden({**_records(stored, slug, key), **worded}))

    update(store, hidden_key(slug, key), RECORD_TYPE, make)


def kept_revisions(store: Store, slug: str, key: str) -> tuple[Revision, ...]:
    """Return the revisions of an entry that are kept. Raises: StoreError."""
    found = _records(store.load(hidden_key(slug, key)), slug, key)
    return tuple(record.load(body.encode(), slug, name).revision for name, body in found.items())


def drop(store: Store, slug: str, key: str, revision: str | None = None) -> None:
    """Overwrite what is kept of an entry, or of one revision, since that is taken down for good.

    Raises: StoreError.
    """

    def make(stored: Stored | None) -> bytes | None:
        kept = _records(stored, slug, key).items() if revision else ()
        left = {name: body for name, body in kept if _digest(slug, name) != revision}
        return json.encode(_Hidden(left)) if stored else None

    update(store, hidden_key(slug, key), RECORD_TYPE, make)


def put_back(store: Store, slug: str, key: str) -> None:
    """Write the records of an entry as they were, over their stubs. Raises: StoreError.

    A stub that has taken a further number of a revision gets its words, too, under its number.
    """
    found = _records(store.load(hidden_key(slug, key)), slug, key)
    by_digest = {_digest(slug, name): body for name, body in found.items()}
    for name in {**found, **dict.fromkeys(store.keys(f"{records_prefix(slug)}{key}/"))}:
        body = found.get(name) or by_digest.get(_digest(slug, name))
        if body is not None:
            update(store, name, RECORD_TYPE, partial(_always, body.encode()))


def _always(body: bytes, stored: Stored | None) -> bytes:
    del stored
    return body


def _records(stored: Stored | None, slug: str, key: str) -> Mapping[str, str]:
    if stored is None:
        return {}
    where = hidden_key(slug, key)
    try:
        return codec.load(stored.body, _Hidden, _SCHEMA, where).records
    except ValueError as error:
        raise StoreError(f"{where} is damaged ({error}): nothing was changed") from error


def _digest(slug: str, name: str) -> str | None:
    named = record.named(slug, name)
    return named[1] if named else None


def _has_words(slug: str, name: str, body: bytes) -> bool:
    read = contained(lambda: record.load(body, slug, name))
    return isinstance(read, Record) and read.revision.removal is None
