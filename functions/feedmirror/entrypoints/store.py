"""Where a mirror is kept, as the operator says it: in a directory, or in a bucket of S3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from feedmirror.adapters.stores.keys import is_key
from feedmirror.errors import ConfigError, StoreError
from feedmirror.ports import Store

ACCEPTED = "a DIRECTORY, s3://BUCKET or s3://BUCKET/PREFIX"

_S3 = "s3://"
_SCHEME = re.compile(r"s3:|[A-Za-z][A-Za-z0-9+.-]*://", re.IGNORECASE)
# Source: Amazon S3 User Guide, "General purpose bucket naming rules"
_BUCKET = re.compile(r"(?=.{3,63}$)[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)*(?<!-)")
_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_PREFIX_CHARS = 500  # of the 1,024 of a name in S3; keys of ours are added to it


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is: a directory, or a bucket and what all names in it begin with."""

    directory: Path | None = None  # None: in a bucket
    bucket: str = ""
    prefix: str = ""  # without slashes around it

    def __str__(self) -> str:
        """As it is written after `--store`."""
        if self.directory is not None:
            return str(self.directory)
        return f"{_S3}{self.bucket}{self.prefix and '/'}{self.prefix}"

    def below(self, key: str) -> str:
        """Where the object under that key is, for people and other tools."""
        return str(self.directory / key) if self.directory is not None else f"{self}/{key}"


def place_of(where: str) -> Place:
    """The place that is meant. Raises: ConfigError for anything that is neither sort of place."""
    if not where:
        raise _refused(where, "is empty")
    if not _SCHEME.match(where):
        return Place(Path(where))
    if not where.startswith(_S3):
        raise _refused(where, "is not accepted")
    bucket, _, prefix = where.removeprefix(_S3).partition("/")
    if not bucket:
        raise _refused(where, "names no bucket")
    if not _BUCKET.fullmatch(bucket) or _ADDRESS.fullmatch(bucket):
        raise _refused(where, "has a name that no bucket can have: a-z, 0-9, - and ., 3 to 63")
    prefix = prefix.removesuffix("/")
    if prefix and not (is_key(prefix) and len(prefix) <= _PREFIX_CHARS):
        raise _refused(where, "has no good PREFIX: a-z, A-Z, 0-9, ., _ and -, with / between")
    return Place(bucket=bucket, prefix=prefix)


def open_store(where: str | Place, *, threads: int) -> Store:
    """The store at that place, for so many threads at once; nothing is asked of it yet.

    Raises: ConfigError, also if the surroundings (an AWS profile, say) cannot be used.
    """
    place = place_of(where) if isinstance(where, str) else where
    if place.directory is not None:
        from feedmirror.adapters.stores.directory import DirectoryStore  # noqa: PLC0415 - as below

        return DirectoryStore(place.directory)
    from feedmirror.adapters.stores.s3 import S3Store  # noqa: PLC0415 - costs 0.3 s

    try:
        return S3Store.connect(place.bucket, place.prefix, threads=threads)
    except StoreError as error:
        raise ConfigError((f"{place}: {error}",)) from error


def _refused(where: str, wrong: str) -> ConfigError:
    shown = where if where.isprintable() else ascii(where)[1:-1]
    return ConfigError((f"{shown or 'the store'} {wrong}; {ACCEPTED}",))
