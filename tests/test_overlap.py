"""Two runs of one feed at once: no entry lost, the newer text public, in every order of steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from builders import EPOCH, entry, rss_document
from feedmirror.core import state as states
from feedmirror.errors import FetchError, Kind
from feedmirror.model import Fetched, Subscription
from feedmirror.pipeline import refresh
from feedmirror.ports import Store, World
from scene import NOON, PUBLIC_URL, SUBSCRIPTION, URL, RememberingParser, StagedOrigin
from stores import CrashingStore, MemoryStore, Run, Turnstile, YieldingStore, explore, sample

pytestmark = pytest.mark.slow

ALTERNATE = "https://copy.example.org/rss"


def _entries_of(*numbers: int, version: str) -> list[dict[str, object]]:
    return [entry(n, summary=f"<p>the {version} text of {n}</p>") for n in numbers]


def _body(*numbers: int, version: str = "first") -> bytes:
    return rss_document(_entries_of(*numbers, version=version))


def _world(store: Store, answer: object, minutes: float, url: str = URL) -> World:
    """What a run that asks at this time of the day gets."""
    failing = FetchError(Kind.TIMEOUT, "no answer")
    origin = StagedOrigin({URL: failing, ALTERNATE: failing} | {url: answer})  # type: ignore[dict-item]
    now = NOON + timedelta(minutes=minutes)
    return World(store, origin, RememberingParser(), lambda: now, PUBLIC_URL)


def _mirror(store: Store, subscription: Subscription = SUBSCRIPTION) -> None:
    refresh(subscription, _world(store, _body(2, 1), 0))


def _entries(store: MemoryStore) -> list[str]:
    return [key for key in store.objects if "/entries/" in key]


def _public(store: MemoryStore) -> str:
    return store.objects["public/news/rss.xml"].decode()


def _assert_whole(run: Run[MemoryStore], *, newer: Sequence[str], numbers: Sequence[int]) -> None:
    """After one more, undisturbed refresh everything that was ever seen is public, newest text."""
    store = run.store
    assert not any(run.errors), str(run)
    public = _public(store)
    for number in numbers:
        assert public.count(f"<title>Entry {number}</title>") == 1, f"{number} lost\n{run}"
    for text in newer:
        assert text in public, f"{text!r} is not public\n{run}"
    state = states.load(store.objects["data/news/state.json"], "state")
    assert state.settled, str(run)
    assert not state.pending, str(run)


def _actors(
    first: Callable[[Store], World],
    second: Callable[[Store], World],
    subscription: Subscription = SUBSCRIPTION,
) -> Callable[[Turnstile], tuple[MemoryStore, list[Callable[[], object]]]]:
    def make(turnstile: Turnstile) -> tuple[MemoryStore, list[Callable[[], object]]]:
        store = MemoryStore()
        _mirror(store, subscription)
        shared = YieldingStore(store, turnstile)
        return store, [
            lambda: refresh(subscription, first(shared)),
            lambda: refresh(subscription, second(shared)),
        ]

    return make


def test_two_runs_that_find_the_same_entry_store_it_once_in_every_order() -> None:
    body = _body(3, 2, 1)
    make = _actors(lambda s: _world(s, body, 10), lambda s: _world(s, body, 11))
    runs = 0
    for run in explore(make, max_preemptions=4):
        _assert_whole(run, newer=["the first text of 3"], numbers=[1, 2, 3])
        assert len(_entries(run.store)) == 3, str(run)
        runs += 1
    assert runs > 150


def test_the_text_that_was_asked_for_later_stays_public_in_every_order() -> None:
    old, new = _body(3, 2, 1, version="older"), _body(4, 3, 2, 1, version="newer")
    make = _actors(lambda s: _world(s, old, 10), lambda s: _world(s, new, 11))
    for run in explore(make, max_preemptions=3):
        newer = [f"the newer text of {number}" for number in (1, 2, 3, 4)]
        _assert_whole(run, newer=newer, numbers=[1, 2, 3, 4])


def test_two_first_mirrors_at_once_end_as_one_in_every_order() -> None:
    def make(turnstile: Turnstile) -> tuple[MemoryStore, list[Callable[[], object]]]:
        store = MemoryStore()
        shared = YieldingStore(store, turnstile)
        bodies = (_body(2, 1, version="older"), _body(3, 2, 1, version="newer"))
        return store, [
            lambda: refresh(SUBSCRIPTION, _world(shared, bodies[0], 10)),
            lambda: refresh(SUBSCRIPTION, _world(shared, bodies[1], 11)),
        ]

    for run in explore(make, max_preemptions=2):
        newer = [f"the newer text of {number}" for number in (1, 2, 3)]
        _assert_whole(run, newer=newer, numbers=[1, 2, 3])


def test_a_stale_alternate_adds_what_is_new_and_revises_nothing_in_every_order() -> None:
    subscription = replace(SUBSCRIPTION, alternates=(ALTERNATE,))
    newer = _body(3, 2, 1, version="newer")
    lost = entry(9, published=EPOCH)  # only the stale copy still has it
    stale = rss_document([*_entries_of(2, 1, version="stale"), lost])

    make = _actors(
        lambda s: _world(s, newer, 10),
        lambda s: _world(s, stale, 11, ALTERNATE),
        subscription,
    )
    for run in explore(make, max_preemptions=3):
        assert not any(run.errors), str(run)
        assert "stale text of 2" not in _public(run.store), str(run)
        refresh(subscription, _world(run.store, newer, 12))
        _assert_whole(run, newer=["the newer text of 2"], numbers=[1, 2, 3, 9])


def test_a_run_thought_dead_that_wakes_late_never_puts_an_older_document_over_a_newer() -> None:
    old, new = _body(3, 2, 1, version="older"), _body(4, 3, 2, 1, version="newer")
    make = _actors(lambda s: _world(s, old, 10), lambda s: _world(s, new, 30))
    for run in sample(make, 300, seed=7):
        _assert_whole(run, newer=["the newer text of 3"], numbers=[1, 2, 3, 4])


@pytest.mark.parametrize("moment", ["before", "after", "lost"])
def test_one_run_dies_anywhere_while_another_goes_on(moment: str) -> None:
    body = _body(3, 2, 1, version="newer")
    for at in range(8):

        def make(
            turnstile: Turnstile, at: int = at
        ) -> tuple[MemoryStore, list[Callable[[], object]]]:
            store = MemoryStore()
            _mirror(store)
            dying = CrashingStore(YieldingStore(store, turnstile), at, moment)  # type: ignore[arg-type]
            living = YieldingStore(store, turnstile)
            return store, [
                lambda: refresh(SUBSCRIPTION, _world(dying, body, 10)),
                lambda: refresh(SUBSCRIPTION, _world(living, body, 11)),
            ]

        for run in explore(make, max_preemptions=2):
            assert run.errors[1] is None, str(run)
            refresh(SUBSCRIPTION, _world(run.store, body, 12))
            public = _public(run.store)
            assert public.count("<title>Entry 3</title>") == 1, str(run)
            assert public.count("the newer text") == 3, str(run)


def test_the_generation_of_a_public_document_never_decreases() -> None:
    seen: dict[int, list[int]] = {}

    class Watching(MemoryStore):
        def _put(self, key: str, body: bytes, media_type: str) -> str:
            if key.startswith("public/"):
                number = int(body.split(b"feedmirror generation ")[1].split()[0])
                seen.setdefault(id(self), []).append(number)
            return super()._put(key, body, media_type)

    old, new = _body(3, 2, 1, version="older"), _body(4, 3, 2, 1, version="newer")

    def make(turnstile: Turnstile) -> tuple[MemoryStore, list[Callable[[], object]]]:
        store = Watching()
        _mirror(store)
        shared = YieldingStore(store, turnstile)
        return store, [
            lambda: refresh(SUBSCRIPTION, _world(shared, old, 10)),
            lambda: refresh(SUBSCRIPTION, _world(shared, new, 11)),
        ]

    for run in explore(make, max_preemptions=3):
        generations = seen.pop(id(run.store))
        assert generations == sorted(generations), f"{generations}\n{run}"
        assert len(generations) >= 2


def test_a_body_fetched_from_an_alternate_is_remembered_under_its_own_address() -> None:
    store = MemoryStore()
    subscription = replace(SUBSCRIPTION, alternates=(ALTERNATE,))
    outcome = refresh(subscription, _world(store, Fetched(ALTERNATE, _body(1)), 0, ALTERNATE))
    assert outcome.outcome == "changed"
    assert outcome.note is not None
    assert ALTERNATE in outcome.note
    state = states.load(store.objects["data/news/state.json"], "state")
    assert list(state.addresses) == [ALTERNATE]
