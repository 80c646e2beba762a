"""Slices of a renewal beside refreshes, other slices and other deployments, in many orders."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from effort import EXHAUSTIVE
from feedmirror.errors import OlderDeploymentError
from feedmirror.mirror.deployment import Deployment
from feedmirror.model import Disclaimer, Subscription
from feedmirror.ports import Store, World
from feedmirror.refresh import attempt, refresh
from feedmirror.renewal import renew_slice
from history import walk
from polling import Reader
from remembering import remember_renderings
from scene import (
    FEEDS,
    NOON,
    PUBLIC_URL,
    SUBSCRIPTION,
    URL,
    RememberingParser,
    StagedOrigin,
    document,
)
from store_factories import state_in
from stores import MemoryStore, Turnstile, YieldingStore, explore, sample

OLD, NEW, NEWEST = (
    replace(SUBSCRIPTION, keep=2, disclaimer=Disclaimer(text=f"Words of {day}."))
    for day in ("yesterday", "today", "tomorrow")
)
LATER = timedelta(days=3)
Act = Callable[[Store], object]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedmirror.mirror.archive.PAGE_ENTRIES", 2)
    monkeypatch.setattr("feedmirror.renewal.PAGE_ENTRIES", 2)
    remember_renderings(monkeypatch)


def _world(store: Store, subscription: Subscription, body: bytes, days: int) -> World:
    return World(
        store,
        StagedOrigin({URL: body}),
        RememberingParser(),
        lambda: NOON + timedelta(days=days),
        PUBLIC_URL,
        lambda: Deployment(1 + (OLD, NEW, NEWEST).index(subscription)),
    )


def _refreshes(subscription: Subscription, body: bytes, days: int) -> Act:
    return lambda store: attempt(subscription, _world(store, subscription, body, days))


def _renews(subscription: Subscription, slices: int = 60) -> Act:
    def act(store: Store) -> None:
        with contextlib.suppress(OlderDeploymentError):
            for _ in range(slices):
                world = _world(store, subscription, b"", 13)
                if renew_slice(subscription, world).position is None:
                    return

    return act


def _aged() -> MemoryStore:
    """A feed whose pages are all of an earlier deployment than its documents."""
    store = MemoryStore()
    for number in (3, 5, 7):
        body = document(*range(number, 0, -1))
        refresh(OLD, _world(store, OLD, body, number))
    refresh(NEW, _world(store, NEW, document(7, 6, 5), 12))
    assert state_in(store).renewal is not None
    return store


def _stale(store: MemoryStore, words: str) -> list[str]:
    return [key for key, body in store.objects.items() if _has(key, body, words)]


def _has(key: str, body: bytes, words: str) -> bool:
    return key.startswith("public/") and f"Words of {words}.".encode() in body


def _assert_linked(store: MemoryStore, *numbers: int) -> None:
    """All entries are reached once by older links, and each page links to the next."""

    def served(address: str) -> bytes:
        return store.objects[f"public/{address.removeprefix(f'{PUBLIC_URL}/')}"]

    for name in FEEDS:
        chain = walk(served, f"{PUBLIC_URL}/news/{name}")
        assert [title for seen in chain for title in seen.titles] == [
            f"Entry {number}" for number in numbers
        ]
    pages = sorted(key for key in store.objects if key.endswith("atom.xml") and "/archive/" in key)
    for page, newer in pairwise(pages):
        linked = re.search(rb'rel="next-archive"[^<>]*/archive/([^/]+)/', store.objects[page])
        assert linked is not None, page
        assert linked[1].decode() == newer.split("/")[3], page


def _tried(*acts: Act) -> list[MemoryStore]:
    """What is left where these run at once, in every order with one interruption and in others."""
    aged = _aged().objects

    def make(turnstile: Turnstile) -> tuple[Store, list[Callable[[], object]]]:
        store = MemoryStore()
        store.objects.update(aged)
        shared = YieldingStore(Reader(store), turnstile)
        return store, [lambda act=act: act(shared) for act in acts]  # type: ignore[misc]

    left, stores = set(), []
    runs = explore(make, max_preemptions=1, merging=True)
    for run in (*runs, *sample(make, 300 if EXHAUSTIVE else 15, seed=len(acts))):
        assert not any(run.errors), str(run)
        assert isinstance(run.store, MemoryStore)
        contents = frozenset(run.store.objects.items())
        if contents not in left:
            left.add(contents)
            stores.append(run.store)
    return stores


ARCHIVES = _refreshes(NEW, document(10, 9, 8, 7), 13)  # two more entries leave the window
EDITS = _refreshes(NEW, document(7, 6, 1, e1="<p>edited</p>"), 13)  # an archived entry comes back


@pytest.mark.parametrize(("act", "numbers"), [(ARCHIVES, range(10, 0, -1)), (EDITS, None)])
def test_renewal_beside_a_refresh_leaves_no_old_word_and_no_broken_link(
    act: Act, numbers: range | None
) -> None:
    for store in _tried(_renews(NEW), act):
        _renews(NEW)(store)
        assert _stale(store, "yesterday") == []
        assert state_in(store).renewal is None
        if numbers:
            _assert_linked(store, *numbers)
        else:
            pages = [key for key, body in store.objects.items() if b"edited" in body]
            assert any("public/news/entries/" in key for key in pages)


def test_two_renewals_at_once_leave_no_old_word() -> None:
    for store in _tried(_renews(NEW), _renews(NEW)):
        assert _stale(store, "yesterday") == []
        assert state_in(store).renewal is None


def test_renewal_that_a_newer_deployment_overtakes_never_has_the_last_word() -> None:
    overtakes = _refreshes(NEWEST, document(8, 7, 6), 13)
    for store in _tried(_renews(NEW), lambda store: (overtakes(store), _renews(NEWEST)(store))):
        _renews(NEWEST)(store)
        assert _stale(store, "yesterday") == _stale(store, "today") == []


def test_renewal_beside_a_refresh_of_an_older_deployment_loses_nothing() -> None:
    older = _refreshes(OLD, document(10, 9, 8, 7), 13)
    for store in _tried(_renews(NEW), older):
        before = {key: body for key, body in store.objects.items() if key.startswith("public/")}
        older(store)
        after = {key: body for key, body in store.objects.items() if key.startswith("public/")}
        assert after == before
        _refreshes(NEW, document(10, 9, 8, 7), 13)(store)
        _renews(NEW)(store)
        assert _stale(store, "yesterday") == []
        _assert_linked(store, *range(10, 0, -1))
