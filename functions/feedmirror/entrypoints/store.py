"""Stores by their location, a directory or an S3 bucket, and threads that wait for them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from feedmirror.errors import ConfigError, StoreError
from feedmirror.layout import is_key
from feedmirror.ports import Cdn, SideBySide, Store, Versions

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from boto3.session import Session

MOST_THREADS = 64

_ACCEPTED = "a DIRECTORY, s3://BUCKET or s3://BUCKET/PREFIX"

_S = TypeVar("_S")
_T = TypeVar("_T")

WRITERS = 4  # threads that write what a refresh has to write side by side, for all feeds together
_AHEAD = 4  # calls submitted per thread, so that a slow call does not leave threads idle
_S3 = "s3://"
_SCHEME = re.compile(r"s3:|[A-Za-z][A-Za-z0-9+.-]*://", re.IGNORECASE)
# Source: Amazon S3 User Guide, "General purpose bucket naming rules"
_BUCKET = re.compile(r"(?=.{3,63}$)[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)*(?<!-)")
_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_PREFIX_CHARS = 500  # S3 allows keys of 1,024; the store's own keys follow the prefix


class StoreLocation(Struct, frozen=True):
    """Location of a store: a directory, or a bucket and a key prefix."""

    directory: Path | None = None  # None: in a bucket
    bucket: str = ""
    prefix: str = ""  # without leading and trailing slashes

    def __str__(self) -> str:
        """Return the location as the value of `--store`."""
        if self.directory is not None:
            return str(self.directory)
        return f"{_S3}{self.bucket}{self.prefix and '/'}{self.prefix}"

    def below(self, key: str) -> str:
        """Return the path or S3 URI of a key, for people and other tools."""
        return str(self.directory / key) if self.directory is not None else f"{self}/{key}"


def parse_location(where: str) -> StoreLocation:
    """Parse the value of `--store`. Raises: ConfigError."""
    if not where:
        raise _refused(where, "is empty")
    if not _SCHEME.match(where):
        return StoreLocation(Path(where))
    if not where.startswith(_S3):
        raise _refused(where, "is not accepted")
    bucket, _, prefix = where.removeprefix(_S3).partition("/")
    if not bucket:
        raise _refused(where, "names no bucket")
    if not _BUCKET.fullmatch(bucket) or _ADDRESS.fullmatch(bucket):
        raise _refused(where, "has an invalid bucket name: 3 to 63 of a-z, 0-9, - and .")
    prefix = prefix.removesuffix("/")
    if prefix and not (is_key(prefix) and len(prefix) <= _PREFIX_CHARS):
        raise _refused(where, "has an invalid PREFIX: a-z, A-Z, 0-9, ., _ and -, separated by /")
    return StoreLocation(bucket=bucket, prefix=prefix)


def open_store(
    where: str | StoreLocation, *, threads: int, session: Session | None = None
) -> Store:
    """Open the store at a location, for use by that many threads. Sends no request yet.

    `session` is one that other clients of AWS share.

    Raises: ConfigError, also if the AWS configuration (a profile, say) is not usable.
    """
    location = parse_location(where) if isinstance(where, str) else where
    if location.directory is not None:
        from feedmirror.adapters.stores.directory import DirectoryStore  # noqa: PLC0415 - as below

        return DirectoryStore(location.directory)
    from feedmirror.adapters.stores.s3 import S3Store  # noqa: PLC0415 - costs 0.3 s

    try:
        return S3Store.connect(location.bucket, location.prefix, threads=threads, session=session)
    except StoreError as error:
        raise ConfigError((f"{location}: {error}",)) from error


def open_versions(location: StoreLocation) -> Versions:
    """Open the versions of the objects of a store. Sends no request yet.

    Raises: ConfigError, as `open_store`.
    """
    from feedmirror.adapters.stores.versions import DirectoryVersions, S3Versions  # noqa: PLC0415 - as above

    if location.directory is not None:
        return DirectoryVersions(location.directory)
    try:
        return S3Versions.connect(location.bucket, location.prefix)
    except StoreError as error:
        raise ConfigError((f"{location}: {error}",)) from error


def open_cdn(distribution: str) -> Cdn:
    """Open the CloudFront distribution with this ID. Sends no request yet. Raises: ConfigError."""
    from feedmirror.adapters.cdn import CloudFront  # noqa: PLC0415 - as above

    try:
        return CloudFront.connect(distribution)
    except StoreError as error:
        raise ConfigError((f"{distribution}: {error}",)) from error


def _refused(where: str, problem: str) -> ConfigError:
    shown = where if where.isprintable() else ascii(where)[1:-1]
    return ConfigError((f"{shown or 'the store'} {problem}; {_ACCEPTED}",))


@contextmanager
def thread_map(threads: int) -> Iterator[SideBySide]:
    """Yield a `map` that runs in `threads` threads, yields in order and holds few results.

    At the end of the block running calls are awaited and queued calls are cancelled.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - imports logging

    with ThreadPoolExecutor(threads) as pool:
        yield map_in(pool, threads)


def map_in(pool: Executor, threads: int) -> SideBySide:
    """Return a `map` that runs in this pool of `threads` threads, yields in order and holds few
    results. A single item is worked on by the caller itself.
    """

    def side_by_side(work: Callable[[_S], _T], items: Iterable[_S], /) -> Iterator[_T]:
        rest = iter(items)
        first = tuple(islice(rest, 2))
        if len(first) < 2:
            yield from map(work, first)
            return
        submitted: deque[Future[_T]] = deque()
        try:
            for item in chain(first, rest):
                submitted.append(pool.submit(work, item))
                if len(submitted) >= _AHEAD * threads:
                    yield submitted.popleft().result()
            while submitted:
                yield submitted.popleft().result()
        finally:
            for future in submitted:
                future.cancel()

    return side_by_side
