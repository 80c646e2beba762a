"""A store that fails by chance: requests that are refused, answers that get lost, and moments at
which the process dies.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar

import jobs  # noqa: F401 - by it the tests' modules are found

# isort: split
from feedmirror.errors import StoreError
from feedmirror.ports import Listed, Store, Stored
from stores import Crash

T = TypeVar("T")
_CRASHES, _LOST, _REFUSED = 0.0005, 0.0005, 0.001  # of all operations


def _slug(key: str) -> str:
    return key.split("/")[1]


class SoakStore:
    """The `Store` around another; `calm` ends the faults."""

    def __init__(self, inner: Store, chance: random.Random) -> None:
        self.inner = inner
        self.calm = False
        self.faults: Counter[str] = Counter()
        self.operations: Counter[str] = Counter()
        self.written: Counter[str] = Counter()  # writes by slug
        self._chance = chance

    def load(self, key: str) -> Stored | None:
        """As any store."""
        return self._do("load", lambda: self.inner.load(key))

    def create(self, key: str, body: bytes, media_type: str = "application/json") -> str | None:
        """As any store."""
        self.written[_slug(key)] += 1
        return self._do("create", lambda: self.inner.create(key, body, media_type))

    def replace(
        self, key: str, body: bytes, etag: str, media_type: str = "application/json"
    ) -> str | None:
        """As any store."""
        self.written[_slug(key)] += 1
        return self._do("replace", lambda: self.inner.replace(key, body, etag, media_type))

    def keys(self, prefix: str = "") -> Iterator[str]:
        """As any store."""
        return self.inner.keys(prefix)

    def listed(self, prefix: str) -> Iterator[Listed]:
        """As any store."""
        return self.inner.listed(prefix)

    def folders(self, prefix: str = "") -> Iterator[str]:
        """As any store."""
        return self.inner.folders(prefix)

    def _do(self, operation: str, perform: Callable[[], T]) -> T:
        self.operations[operation] += 1
        roll = 1.0 if self.calm else self._chance.random()
        if roll < _REFUSED:
            self._fault("refused", StoreError(f"{operation} refused"))
        done = perform()
        if operation != "load":
            if roll < _REFUSED + _LOST:
                self._fault("answers lost", StoreError(f"{operation}: answer lost"))
            if roll < _REFUSED + _LOST + _CRASHES:
                self._fault("crashes", Crash(operation))
        return done

    def _fault(self, name: str, error: BaseException) -> None:
        self.faults[name] += 1
        raise error
