"""What the pipeline needs of the outside world, as protocols; `adapters/` has the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from feedmirror.model import (
    Entry,
    Fetched,
    Gone,
    NotModified,
    ParsedFeed,
    Subscription,
    Validators,
)

S = TypeVar("S")
T = TypeVar("T")


class Origin(Protocol):
    """Where documents come from."""

    def fetch(
        self, subscription: Subscription, url: str, validators: Mapping[str, Validators]
    ) -> Fetched | NotModified | Gone:
        """The document at `url`, asked for conditionally where `validators` knows an address.

        Follows redirects; every address on the way is asked with its own validators. Holds to
        the subscription's `timeout_s`, `max_bytes`, `headers` and `allow_private_hosts`.

        Raises: FetchError.
        """
        ...


class Parser(Protocol):
    """Turns the bytes of a document into a feed, whatever the bytes do."""

    def parse(self, fetched: Fetched, known: Set[str]) -> ParsedFeed:
        """The feed, with an entry for each item whose fingerprint is not in `known`.

        Raises: ParseError.
        """
        ...


Located = tuple[str, Entry]  # the address of the document that an entry came from, and the entry


class Rereader(Protocol):
    """Reads stored entries again, whatever is in them."""

    def reread(self, stored: Sequence[Located], /) -> Sequence[Entry | str]:
        """Return each entry as this version reads its original, or with its bodies sanitised again
        where it has none; or a sentence why it cannot be read.

        Raises: ParseError if nothing can be read any more.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the store has it."""

    body: bytes
    etag: str  # opaque; differs where the bytes do


class Store(Protocol):
    """Objects under keys, each written whole or not at all, with conditions that hold
    between threads and processes.

    Keys are `/`-separated relative paths of `a-z A-Z 0-9 . _ -`; others are refused.
    A condition that does not hold is an answer (None), not an error. Raises StoreError for
    everything else that goes wrong.
    """

    def load(self, key: str) -> Stored | None:
        """The object, or None if there is none."""
        ...

    def create(self, key: str, body: bytes, media_type: str = "application/json") -> str | None:
        """The new object's ETag, or None if the key is taken (nothing was written)."""
        ...

    def replace(
        self, key: str, body: bytes, etag: str, media_type: str = "application/json"
    ) -> str | None:
        """The object's new ETag, or None if it is missing or its ETag is not `etag`."""
        ...

    # What these cost grows with what is archived. A refresh asks for the first of `keys` where a
    # feed has no state, else for none.

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Every key that begins with `prefix`, in the order of their bytes.

        `prefix` is empty or ends with a slash. What is created meanwhile may be among them or not.
        """
        ...

    def folders(self, prefix: str = "") -> Iterator[str]:
        """The names of the folders directly below `prefix`, in the order of the keys in them."""
        ...


class Queue(Protocol):
    """Where somebody asks for refreshes, for others to carry them out."""

    def send(self, bodies: Mapping[str, str], name: str) -> Mapping[str, str]:
        """The slugs whose message, given by slug, could not be sent, with the reason.

        All others are sent; again under the same `name`, none is sent twice.
        """
        ...


class SideBySide(Protocol):
    """`map`, or one that has several at work at a time and gives the results in any order."""

    def __call__(self, work: Callable[[S], T], of: Iterable[S], /) -> Iterator[T]:
        """What the work comes to for each; takes no more of them than it has room for."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """What a refresh reaches outside for."""

    store: Store
    origin: Origin
    parser: Parser
    clock: Callable[[], datetime]
    public_url: str  # where `public/` is served from
