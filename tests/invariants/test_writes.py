"""Writes that do not depend on each other are made side by side, and only after their commit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from feedmirror.entrypoints.store import thread_map
from feedmirror.errors import StoreError
from feedmirror.ports import SideBySide, Store
from feedmirror.refresh import refresh
from scene import SUBSCRIPTION, Scene, document, records_in
from stores import CountingStore, FailingStore, MemoryStore

NUMBERS = range(30, 0, -1)


class MeetingStore(CountingStore):
    """A store whose first two records are created at the same time, or not at all."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self._together = threading.Barrier(2, timeout=20)
        self._met = 0

    def create(self, key: str, body: bytes, media_type: str = "application/json") -> str | None:
        if key.startswith("data/") and self._met < 2:
            self._met += 1
            self._together.wait()
        return super().create(key, body, media_type)


@contextmanager
def _threads() -> Iterator[SideBySide]:
    with thread_map(4) as side_by_side:
        yield side_by_side


def _refresh(scene: Scene, store: Store | None = None) -> None:
    with _threads() as side_by_side:
        refresh(scene.subscription, replace(scene.world(store), side_by_side=side_by_side))


def _scene() -> Scene:
    return Scene(document(*NUMBERS), subscription=replace(SUBSCRIPTION, keep=10))


def test_records_are_written_side_by_side() -> None:
    scene = _scene()
    _refresh(scene, MeetingStore(scene.store))
    assert len(records_in(scene.store)) == len(NUMBERS)


def test_same_objects_are_written_side_by_side_as_one_after_the_other() -> None:
    quick, slow = _scene(), _scene()
    _refresh(quick)
    slow.refresh()
    assert isinstance(quick.store, MemoryStore)
    assert isinstance(slow.store, MemoryStore)
    assert quick.store.objects == slow.store.objects


@pytest.mark.parametrize("below", ["data/", "public/news/entries/"])
def test_write_that_fails_among_others_is_made_up_for_by_the_next_refresh(below: str) -> None:
    scene, other = _scene(), _scene()
    failed: list[str] = []

    def fails(operation: str, key: str) -> bool:
        hit = operation == "create" and key.startswith(below) and not failed
        if hit:
            failed.append(key)
        return hit

    store = FailingStore(scene.store, fails)
    with _threads() as side_by_side:
        world = replace(scene.world(store), side_by_side=side_by_side)
        outcome = refresh(scene.subscription, world)
    assert outcome.failure is not None
    assert failed
    for one in (scene, other):
        _refresh(one)
    assert set(scene.store.keys("public/")) == set(other.store.keys("public/"))
    assert records_in(scene.store) == records_in(other.store)


def test_no_record_is_written_before_the_state_that_names_it() -> None:
    scene = _scene()
    store = CountingStore(scene.store)
    _refresh(scene, store)
    first = next(key for key in store.writes if key.startswith("data/"))
    assert store.writes.index("state/news.json") < store.writes.index(first)


def test_state_that_cannot_be_written_leaves_no_record() -> None:
    scene = _scene()
    store = FailingStore(scene.store, lambda operation, key: key.startswith("state/"))
    with pytest.raises(StoreError):
        _refresh(scene, store)
    assert records_in(scene.store) == []
