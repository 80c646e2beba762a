"""The record of one revision of an entry, for good, and how it is written down.

It holds all that a mirror can be made anew from, should its state be lost and the origin be gone:
the entry as it was read and as it came, and what the feed said of itself at that time.

The words of an entry name its revision. Of one revision there are several records where something
else changed, where a newer parser read it, or where the words came back after others: they are
numbered, and the one that was committed last counts.
"""

from __future__ import annotations

import re

from msgspec import Struct, json
from msgspec.structs import replace

from feedmirror.layout import records_prefix
from feedmirror.mirror import codec
from feedmirror.model import PARSER_VERSION, Count, Feed, Revision

_SCHEMA = 1  # raise it when older programs could misread a record
_NAME = re.compile(r"([0-9a-f]{16,64})/([0-9a-f]{16,64})\.([0-9]{1,2})\.json")
LAST = 49  # number of the only record of a revision that may be overwritten

RecordName = tuple[str, str, int]  # key of the entry, digest of the revision, number of the record


class Record(Struct, frozen=True, omit_defaults=True, tag_field="schema", tag=_SCHEMA):
    """A record as it is in the store.

    Fields that a later version of the same schema has added are ignored.
    """

    revision: Revision
    source: Feed | None = None  # None: the feed said nothing of itself
    parser_version: Count = 0  # that read the entry
    feed: str = ""  # the slug of the feed at that time


def key_of(slug: str, key: str, digest: str, number: int) -> str:
    """Return the key of a record in the store."""
    return f"{records_prefix(slug)}{key}/{digest}.{number}.json"


def named(slug: str, stored_as: str) -> RecordName | None:
    """Return the name of the record with that key; None if the key is not of a record."""
    found = _NAME.fullmatch(stored_as.removeprefix(records_prefix(slug)))
    return (found[1], found[2], int(found[3])) if found else None


def dump(slug: str, revision: Revision, feed: Feed | None) -> bytes:
    """Render the record of a revision that was just parsed, as JSON."""
    return encode(Record(revision, feed, PARSER_VERSION, slug))


def encode(record: Record) -> bytes:
    """Render the record as JSON."""
    return json.encode(record)


def load(body: bytes, slug: str, stored_as: str) -> Record:
    """Parse the record that `dump` wrote, of whatever feed: a folder may have a new slug.

    Raises: ValueError if it is damaged, StateError if a newer version wrote it.
    """
    record = codec.load(body, Record, _SCHEMA, stored_as)
    name = named(slug, stored_as)
    if name is None or (record.revision.key, record.revision.digest) != name[:2]:
        raise ValueError("the record is of another revision")
    return replace(record, revision=replace(record.revision, number=name[2]))


def is_same_reading(record: Record, revision: Revision) -> bool:
    """Return whether the record is of what that commit named, by whatever run it was stored."""
    held, read = (
        replace(one.entry, original=None, context=None) for one in (record.revision, revision)
    )
    return (record.revision.generation, held) == (revision.generation, read)
