"""The record of one revision of an entry, for good, and how it is written down.

It holds all that a mirror can be made anew from, should its state be lost and the origin be gone:
the entry as it was read and as it came, and what the feed said of itself at that time.

The words of an entry name its revision. Of one revision there are several records where something
else changed, where a newer parser read it, or where the words came back after others: they are
numbered, and the one that was committed last counts.
"""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.errors import StateError
from feedmirror.layout import records_prefix
from feedmirror.mirror import codec
from feedmirror.model import PARSER_VERSION, Feed, Revision

_SCHEMA = 1  # raise it when older programs could misread a record
_NAME = re.compile(r"([0-9a-f]{16,64})/([0-9a-f]{16,64})\.([0-9]{1,2})\.json")
LAST = 49  # number of the only record of a revision that may be overwritten

RecordName = tuple[str, str, int]  # key of the entry, digest of the revision, number of the record


class Record(Struct, frozen=True):
    """A record as it is in the store."""

    revision: Revision
    source: Feed | None = None  # None: written before records had it
    parser_version: int = 0  # that read the entry; 0: as above


def key_of(slug: str, key: str, digest: str, number: int) -> str:
    """Return the key of a record in the store."""
    return f"{records_prefix(slug)}{key}/{digest}.{number}.json"


def named(slug: str, stored_as: str) -> RecordName | None:
    """Return the name of the record with that key; None if the key is not of a record."""
    found = _NAME.fullmatch(stored_as.removeprefix(records_prefix(slug)))
    return (found[1], found[2], int(found[3])) if found else None


def dump(slug: str, revision: Revision, feed: Feed | None) -> bytes:
    """Render the record of a revision that was just parsed, as JSON."""
    record = {
        "schema": _SCHEMA,
        "feed": slug,
        "parser": PARSER_VERSION,
        "revision": codec.to_plain(revision),
    }
    if feed is not None:
        record["source"] = codec.to_plain(feed)
    return codec.to_json(record)


def load(body: bytes, slug: str, stored_as: str) -> Record:
    """Parse the record that `dump` wrote, of whatever feed: a folder may have a new slug.

    Raises: ValueError if it is damaged, StateError if a newer version wrote it.
    """
    try:
        plain = codec.from_json(body)
        schema = codec.whole(plain["schema"])
        if schema > _SCHEMA:
            raise StateError(
                f"{stored_as} was written by a newer feedmirror (schema {schema}, this one knows "
                f"{_SCHEMA}): update feedmirror; nothing was changed"
            )
        record = codec.build(
            Record,
            {
                "revision": codec.revision(plain["revision"]),
                "source": codec.read_feed(plain["source"]) if "source" in plain else None,
                "parser_version": plain.get("parser", 0),
            },
        )
    except codec.UNREADABLE as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
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
