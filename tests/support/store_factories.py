"""Store factories: stores in memory, or in S3, for tests that hold for every store.

What lies in a store can be taken out whole and put into a new one. So a sweep sees which of its
ways lead to the same place, and goes on from there only once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import pytest

from feedmirror.mirror import state_codec
from feedmirror.mirror.state import State
from feedmirror.model import Revision
from feedmirror.ports import Store
from feedmirror.storage.words import Words
from stores import MemoryStore

Contents = frozenset[tuple[Any, ...]]
"""All that lies in a store, byte for byte; the tuples differ between factories."""

NOTHING: Contents = frozenset()
T = TypeVar("T")


class StoreFactory(Protocol):
    """Makes stores."""

    def store(self, contents: Contents = NOTHING) -> Store:
        """Return a new store with these contents."""
        ...

    def contents(self, store: Store) -> Contents:
        """Return the contents of a store that this factory made."""
        ...


class _Memory:
    def store(self, contents: Contents = NOTHING) -> MemoryStore:
        made = MemoryStore()
        for key, body, media_type in contents:
            made.objects[key] = body
            made.media_types[key] = media_type
        return made

    def contents(self, store: MemoryStore) -> Contents:
        types = store.media_types
        return frozenset((key, body, types[key]) for key, body in store.objects.items())


@functools.cache
def _s3() -> StoreFactory:
    from s3_wire import WIRE  # here: boto3 is slow to import

    return WIRE


MEMORY = _Memory
S3 = _s3
EVERYWHERE = pytest.mark.parametrize(
    "place", [pytest.param(MEMORY, id="memory"), pytest.param(S3, id="s3", marks=pytest.mark.slow)]
)
"""For tests that take a `place`, a function that returns a `StoreFactory`.

A function, since S3 is slow to import and parameters are made for tests that do not run, too.
"""

Place = Callable[[], StoreFactory]


def objects(store: Store) -> dict[str, bytes]:
    """The bodies by key, as anybody gets them from the store."""
    found = {key: store.load(key) for key in list(store.keys())}
    return {key: stored.body for key, stored in found.items() if stored is not None}


def entries_in(store: Store, slug: str = "news") -> tuple[Revision, ...]:
    """The entries of the window, with their words, newest first."""
    state = state_in(store, slug)
    found = Words(store, slug, map).of(state, state.window)
    return tuple(one for row in state.window if isinstance(one := found[row.key], Revision))


def state_in(store: Store, slug: str = "news") -> State:
    """The state of the feed."""
    key = f"state/{slug}.json"
    stored = store.load(key)
    assert stored is not None, "there is no state"
    return state_codec.load(stored.body, key)


def reachable(start: T, steps: Callable[[T], Iterable[T]]) -> list[T]:
    """All that any number of steps lead to from `start`, itself among them; each once."""
    found = {start: None}
    waiting = [start]
    while waiting:
        for place in steps(waiting.pop()):
            if place not in found:
                found[place] = None
                waiting.append(place)
    return list(found)
