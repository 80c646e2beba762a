"""Protocols of the outside world (origin, parser, store, queue); `adapters/` implements them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import Protocol, TypeVar

from msgspec import Struct

from feedmirror.mirror.deployment import Deployment
from feedmirror.model import (
    Entry,
    Fetched,
    Gone,
    NotModified,
    ParsedFeed,
    Subscription,
    Validators,
)

_S = TypeVar("_S")
_T = TypeVar("_T")


class Origin(Protocol):
    """Fetches documents."""

    def fetch(
        self, subscription: Subscription, url: str, validators: Mapping[str, Validators]
    ) -> Fetched | NotModified | Gone:
        """Fetch the document at `url`, with a conditional request if `validators` has the address.

        Follows redirects; each address on the way is requested with its own validators. Applies
        the subscription's `timeout_s`, `max_bytes`, `headers` and `allow_private_hosts`.

        Raises: FetchError.
        """
        ...


class Parser(Protocol):
    """Parses documents of untrusted origins; survives any input."""

    def parse(self, fetched: Fetched, known: Set[str]) -> ParsedFeed:
        """Parse a document; return entries of the items whose fingerprint is not in `known`.

        Raises: ParseError.
        """
        ...


Located = tuple[str, Entry]  # address of the document that contained the entry, and the entry


class Rereader(Protocol):
    """Parses stored entries again with the current parser; survives any input."""

    def reread(self, stored: Sequence[Located], /) -> Sequence[Entry | str]:
        """Return each entry parsed again from its original, or the reason why that failed.

        An entry without an original has its bodies sanitised again. Raises: ParseError if the
        parser cannot be used any more.
        """
        ...


class DocumentParser(Parser, Rereader, Protocol):
    """Parses documents, and stored entries again."""


class Stored(Struct, frozen=True):
    """Object of a store."""

    body: bytes
    etag: str  # opaque; different bytes have different ETags


class Listed(Struct, frozen=True):
    """Object in a listing."""

    key: str
    # Opaque; another one after every write of the object. Compared only with marks that the same
    # store has given before: it is no ETag.
    mark: str


class Store(Protocol):
    """Object store with atomic writes and compare-and-swap on ETags, across processes.

    Keys are `/`-separated relative paths of `a-z A-Z 0-9 . _ -`; other keys raise StoreError. A
    write whose condition does not hold returns None; any other failure raises StoreError.
    """

    def load(self, key: str) -> Stored | None:
        """Return the object, or None if it is missing."""
        ...

    def create(self, key: str, body: bytes, media_type: str = "application/json") -> str | None:
        """Write a new object; return its ETag, or None if the key is taken."""
        ...

    def replace(
        self, key: str, body: bytes, etag: str, media_type: str = "application/json"
    ) -> str | None:
        """Replace the object; return its new ETag, or None if missing or of another ETag."""
        ...

    # The cost of a listing grows with the archive. A refresh lists all of it only if a feed has no
    # state, and then reads the first key; else the few records of one entry at most.

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield every key that begins with `prefix`, in byte order.

        `prefix` is empty or ends with a slash. Objects created meanwhile may be missing.
        """
        ...

    def listed(self, prefix: str) -> Iterator[Listed]:
        """Yield every object whose key begins with `prefix`, as `keys` does."""
        ...

    def folders(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of the folders directly below `prefix`, in the order of their keys."""
        ...


class Purged(Struct, frozen=True):
    """Result of deleting the earlier versions of objects."""

    deleted: int = 0
    kept: tuple[str, ...] = ()  # those that may not be deleted: a sentence each


class Versions(Protocol):
    """The objects of a store with all their versions, for an operator who may delete them."""

    def purge(self, prefix: str) -> Purged:
        """Delete all versions but the current ones of the object with that key or, where `prefix`
        ends with a slash, of all objects below it. Raises: StoreError.
        """
        ...

    def earlier(self, prefix: str) -> Iterator[tuple[str, str, bytes]]:
        """Yield the versions that `purge` would delete: key, version and body. Raises: StoreError,
        also while iterating.
        """
        ...

    def delete(self, prefix: str) -> Purged:
        """Delete these objects with all their versions. Raises: StoreError."""
        ...


class Cdn(Protocol):
    """Caches between the store and its readers."""

    def invalidate(self, paths: Sequence[str], name: str) -> str:
        """Have the caches forget what is at these paths (`/SLUG/*`); return the request's ID.

        Idempotent: requested once under the same `name`. Raises: StoreError.
        """
        ...


class QueueMessage(Struct, frozen=True):
    """Message to a queue."""

    group: str  # messages of one group are delivered one after the other, in order
    name: str  # within the group: another message of that name is a duplicate
    body: str


class Queue(Protocol):
    """Queue with message groups."""

    def send(self, messages: Sequence[QueueMessage]) -> Mapping[QueueMessage, str]:
        """Send the messages; return those that failed, with the reason.

        Idempotent: a message sent already under the same name is not sent again.
        """
        ...

    def hold(self, receipt: str, seconds: int) -> str | None:
        """Have a received message come again after this time, unless it is done by then.

        Return the reason where that failed.
        """
        ...


class SideBySide(Protocol):
    """`map`, or a concurrent `map` that yields results in any order."""

    def __call__(self, work: Callable[[_S], _T], of: Iterable[_S], /) -> Iterator[_T]:
        """Yield the results of `work`; takes items from `of` only as workers become free."""
        ...


class World(Struct, frozen=True):
    """Dependencies of a refresh."""

    store: Store
    origin: Origin
    parser: DocumentParser
    clock: Callable[[], datetime]
    public_url: str  # where `public/` is served from
    # Number and time of the deployment that refreshes; asked only where documents are of another
    # one. Raises: StoreError.
    deployment: Callable[[], Deployment]
    side_by_side: SideBySide = map  # how independent writes of one feed are made
