"""The stores of the tests: what a test relies on when it counts, crashes or interleaves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from math import comb

import pytest

import stores
from feedmirror.errors import StoreError
from feedmirror.ports import Store
from store_contract import KEY, Opener, StoreContract
from stores import (
    CountingStore,
    Crash,
    CrashingStore,
    FailingStore,
    MemoryStore,
    Turnstile,
    VirtualStore,
    YieldingStore,
    explore,
    interleavings,
    replay,
    sample,
)


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def opener(self) -> Opener:
        store = MemoryStore()
        return lambda: store


class TestStoreBehindAllWrappers(StoreContract):
    """Wrappers that are told to do nothing change nothing."""

    @pytest.fixture
    def opener(self) -> Opener:
        crashing = CrashingStore(MemoryStore(), at=10**9, moment="before")
        failing = FailingStore(crashing, lambda operation, key: False)
        virtual = VirtualStore(failing, archived=1000, slug="example-news")
        store = CountingStore(YieldingStore(virtual, Turnstile(min)))
        return lambda: store


def test_memory_store_shows_its_objects_and_their_media_types() -> None:
    store = MemoryStore()
    etag = store.create("public/x/rss.xml", b"1", "text/plain")
    store.replace("public/x/rss.xml", b"2", etag, "application/rss+xml")
    store.create(KEY, b"{}")
    assert store.objects == {"public/x/rss.xml": b"2", KEY: b"{}"}
    assert store.media_types == {"public/x/rss.xml": "application/rss+xml", KEY: "application/json"}


def test_counting_store_counts_attempts_until_it_is_reset() -> None:
    store = CountingStore(MemoryStore())
    store.load("a")
    store.replace("b", b"", "0")
    store.create("c", b"")
    store.create("c", b"")
    assert (store.loads, store.creates, store.replaces) == (["a"], ["c", "c"], ["b"])
    assert store.writes == ["c", "c", "b"]
    assert store.operations == [("load", "a"), ("replace", "b"), ("create", "c"), ("create", "c")]
    store.reset()
    assert store.operations == store.loads == store.writes == []


def test_counting_store_counts_what_fails() -> None:
    store = CountingStore(FailingStore(MemoryStore(), lambda operation, key: True))
    with pytest.raises(StoreError):
        store.create("a", b"")
    assert store.writes == ["a"]


# ---------------------------------------------------------------- crashing, failing, pretending


def three_operations(store: Store) -> None:
    store.create("a", b"")
    store.load("a")
    store.create("b", b"")


@pytest.mark.parametrize(
    ("moment", "at", "done"),
    [
        ("before", 0, set()),
        ("after", 0, {"a"}),
        ("before", 2, {"a"}),
        ("after", 2, {"a", "b"}),
    ],
)
def test_process_dies_before_or_after_the_operation(moment: str, at: int, done: set[str]) -> None:
    inner = MemoryStore()
    store = CrashingStore(inner, at, moment)
    with pytest.raises(Crash):
        three_operations(store)
    assert set(inner.objects) == done
    assert store.fired


def test_killed_process_writes_nothing_more() -> None:
    inner = CountingStore(MemoryStore())
    store = CrashingStore(inner, 0, "before")
    for operation in (store.load, lambda key: store.create(key, b"")):
        with pytest.raises(Crash):
            operation("a")
    with pytest.raises(Crash):
        store.replace("a", b"", "0")
    assert inner.operations == []


def test_crash_is_nothing_that_a_program_can_handle() -> None:
    assert not issubclass(Crash, Exception)


def test_lost_answer_is_an_error_of_a_write_that_was_done() -> None:
    store = CrashingStore(MemoryStore(), 0, "lost")
    with pytest.raises(StoreError, match="create 'a': response lost"):
        store.create("a", b"")
    assert store.create("a", b"") is None
    assert store.load("a").body == b""


def test_answer_of_a_load_is_never_lost() -> None:
    store = CrashingStore(MemoryStore(), 1, "lost")
    three_operations(store)
    assert not store.fired
    assert store.count == 3


def test_sweep_over_crashes_ends_where_the_program_does() -> None:
    at = 0
    while True:
        store = CrashingStore(MemoryStore(), at, "after")
        try:
            three_operations(store)
        except Crash:
            at += 1
            continue
        break
    assert (at, store.fired) == (3, False)


def test_failing_store_fails_at_the_chosen_operation_and_writes_nothing() -> None:
    inner = MemoryStore()
    store = FailingStore(inner, lambda operation, key: operation == "create" and key != "a")
    store.create("a", b"")
    with pytest.raises(StoreError, match="create 'b'"):
        store.create("b", b"")
    assert store.load("b") is None
    assert set(inner.objects) == {"a"}


def test_virtual_entries_are_taken_and_nowhere_stored() -> None:
    inner = MemoryStore()
    store = VirtualStore(inner, archived=1_000_000, slug="x")
    last = store.archived_key(999_999)
    assert store.create(last, b"") is None
    assert store.entry_loads == []
    assert store.load(last) is not None
    assert inner.objects == {}
    with pytest.raises(AssertionError, match="never written again"):
        store.replace(last, b"", "0")


def test_virtual_store_keeps_what_is_not_archived_and_counts_loads_of_entries_only() -> None:
    store = VirtualStore(MemoryStore(), archived=10, slug="x")
    entry = f"data/x/entries/{'f' * 32}/{'e' * 32}.0.json"
    other = f"data/y/entries/{0:032x}/{0:032x}.0.json"
    for key in (entry, other, "state/x.json"):
        assert store.create(key, b"1") is not None
        assert store.load(key).body == b"1"
    assert store.entry_loads == [entry]


# ---------------------------------------------------------------- interleaving


def increment_twice(store: Store, *, safe: bool) -> None:
    for _ in range(2):
        stored = store.load("n")
        number = str(int(stored.body) + 1).encode()
        while store.replace("n", number, stored.etag) is None:
            stored = store.load("n")
            number = str(int(stored.body) + 1).encode() if safe else number


def counters(*, safe: bool, actors: int = 2) -> stores.MakeActors[MemoryStore]:
    def make(turnstile: Turnstile) -> tuple[MemoryStore, Sequence[Callable[[], object]]]:
        inner = MemoryStore()
        inner.create("n", b"0")
        store = YieldingStore(inner, turnstile)
        return inner, [lambda: increment_twice(store, safe=safe)] * actors

    return make


def readers(*counts: int) -> stores.MakeActors[None]:
    """Actors that load so many times each, and answer with that."""

    def make(turnstile: Turnstile) -> tuple[None, Sequence[Callable[[], object]]]:
        store = YieldingStore(MemoryStore(), turnstile)
        return None, [lambda count=count: len([store.load("a") for _ in range(count)])
                      for count in counts]  # fmt: skip

    return make


def test_every_schedule_is_explored_once() -> None:
    schedules = [run.schedule for run in explore(readers(3, 2, 2))]
    assert sorted(schedules) == sorted(set(schedules)) == list(interleavings((3, 2, 2)))


def test_exploring_finds_the_schedule_that_loses_an_update() -> None:
    lost = [run for run in explore(counters(safe=False)) if run.store.objects["n"] != b"4"]
    assert lost
    again = replay(counters(safe=False), lost[0].schedule)
    assert again.store.objects == lost[0].store.objects
    assert (again.schedule, again.trace) == (lost[0].schedule, lost[0].trace)


def test_exploring_passes_a_program_without_the_fault() -> None:
    runs = list(explore(counters(safe=True)))
    assert len(runs) > comb(8, 4)  # retries take further steps
    assert all(run.store.objects["n"] == b"4" for run in runs)


def test_few_preemptions_are_enough_to_find_it() -> None:
    none = list(explore(counters(safe=False), max_preemptions=0))
    assert len(none) == 2
    assert all(run.store.objects["n"] == b"4" for run in none)
    one = list(explore(counters(safe=False), max_preemptions=1))
    assert any(run.store.objects["n"] != b"4" for run in one)
    assert len(one) < 20


def test_schedules_that_were_left_out_are_no_secret() -> None:
    runs = explore(readers(5, 5), max_schedules=10)
    for _ in range(10):
        next(runs)
    with pytest.raises(AssertionError, match="more than 10 schedules"):
        next(runs)
    assert len(list(explore(readers(2, 2), max_schedules=6))) == 6


def test_sampling_is_the_same_for_the_same_seed() -> None:
    first, again, other = (
        [run.schedule for run in sample(readers(5, 5, 5), 20, seed)] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert len(set(first)) > 10


def test_one_schedule_can_be_forced() -> None:
    for schedule in interleavings((3, 2)):
        run = replay(readers(3, 2), schedule)
        assert run.schedule == schedule
        assert run.results == (3, 2)


def test_forced_schedule_skips_actors_that_are_done_and_ends_with_the_rest() -> None:
    assert replay(readers(1, 3), [0, 0, 0, 1]).schedule == (0, 1, 1, 1)


def test_actors_that_never_touch_the_store_are_run_too() -> None:
    runs = list(explore(readers(0, 2, 0)))
    assert [run.schedule for run in runs] == [(1, 1)]
    assert runs[0].results == (0, 2, 0)


def test_exceptions_of_actors_are_reported_with_the_schedule() -> None:
    def make(turnstile: Turnstile) -> tuple[MemoryStore, Sequence[Callable[[], object]]]:
        inner = MemoryStore()
        store = YieldingStore(inner, turnstile)
        dying = CrashingStore(store, at=1, moment="after")
        return inner, [lambda: three_operations(dying), lambda: three_operations(store)]

    run = replay(make, [0, 1, 0, 1, 1])
    assert isinstance(run.errors[0], Crash)
    assert run.errors[1] is None
    assert str(run).splitlines() == [
        "schedule (0, 1, 0, 1, 1)",
        "  0: create a",
        "  1: create a",
        "  0: load a",
        "  1: load a",
        "  1: create b",
        "  0 raised Crash(\"after load 'a'\")",
    ]


def test_only_one_actor_runs_at_a_time() -> None:
    running: list[int] = []

    def make(turnstile: Turnstile) -> tuple[None, Sequence[Callable[[], object]]]:
        store = YieldingStore(MemoryStore(), turnstile)

        def act(who: int) -> None:
            for _ in range(2):
                running.append(who)
                assert running == [who]
                running.remove(who)
                store.load("a")

        return None, [lambda who=who: act(who) for who in range(3)]

    assert all(run.errors == (None, None, None) for run in explore(make))


def test_no_thread_outlives_its_run() -> None:
    before = threading.active_count()
    runs = explore(readers(3, 3))
    next(runs)
    assert threading.active_count() == before
    runs.close()


def test_actors_that_wait_for_each_other_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "STUCK_S", 0.05)
    before = threading.active_count()
    free = threading.Event()

    def make(turnstile: Turnstile) -> tuple[None, Sequence[Callable[[], object]]]:
        store = YieldingStore(MemoryStore(), turnstile)

        def waits() -> None:
            store.load("a")
            free.wait(timeout=0.2)
            store.load("never reached")

        return None, [waits, lambda: three_operations(store)]

    with pytest.raises(AssertionError, match="stuck after"):
        replay(make, [0])
    assert threading.active_count() == before


@pytest.mark.parametrize("loads", [[(2, 2), (0, 2)], [(2, 2), (2, 2), (1, 1)]])
def test_actors_that_do_something_else_each_time_are_reported(loads: list[tuple[int, int]]) -> None:
    scripts = iter(loads)

    def make(turnstile: Turnstile) -> tuple[None, Sequence[Callable[[], object]]]:
        return readers(*next(scripts))(turnstile)

    before = threading.active_count()
    with pytest.raises(AssertionError, match="not do the same"):
        list(explore(make))
    assert threading.active_count() == before


def test_interleavings_are_all_there() -> None:
    assert list(interleavings((2, 1))) == [(0, 0, 1), (0, 1, 0), (1, 0, 0)]
    assert list(interleavings(())) == [()]
    assert len(set(interleavings((4, 4)))) == comb(8, 4)
