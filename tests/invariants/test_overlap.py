"""Two runs of one feed at once: no entry lost, the newer text public, in every order of steps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import EPOCH, entry, rss_document
from crash_history import MOMENTS
from effort import EXHAUSTIVE, amount, some
from feedmirror.errors import FetchError, Kind, StateError
from feedmirror.model import Fetched, Subscription
from feedmirror.ports import Store, World
from feedmirror.publishing.formats.format import stamped
from feedmirror.rebuild import rebuild
from feedmirror.refresh import refresh
from feedmirror.site import publish_site
from history import walk
from page_reading import says_retired
from polling import Reader
from remembering import remember_renderings
from scene import (
    DOCUMENTS,
    FEEDS,
    NOON,
    PUBLIC_URL,
    SUBSCRIPTION,
    URL,
    RememberingParser,
    StagedOrigin,
    newest,
    records_in,
)
from store_factories import EVERYWHERE, MEMORY, Contents, Place, StoreFactory, state_in
from stores import (
    CrashingStore,
    MemoryStore,
    Run,
    Turnstile,
    YieldingStore,
    explore,
    replay,
    sample,
)

pytestmark = pytest.mark.slow

T = TypeVar("T")
Make = Callable[[Turnstile], tuple[Store, list[Callable[[], object]]]]
Written = dict[str, list[int]]
ALTERNATE = "https://copy.example.org/rss"


@pytest.fixture(autouse=True)
def rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_renderings(monkeypatch)


def _entries_of(*numbers: int, version: str) -> list[dict[str, object]]:
    return [entry(n, summary=f"<p>the {version} text of {n}</p>") for n in numbers]


def _body(*numbers: int, version: str = "first") -> bytes:
    return rss_document(_entries_of(*numbers, version=version))


def _world(store: Store, answer: object, minutes: float, url: str = URL) -> World:
    """What a run that asks at this time of the day gets."""
    failing = FetchError(Kind.TIMEOUT, "no answer")
    origin = StagedOrigin({URL: failing, ALTERNATE: failing} | {url: answer})  # type: ignore[dict-item]
    now = NOON + timedelta(minutes=minutes)
    return World(store, origin, RememberingParser(), lambda: now, PUBLIC_URL, newest)


def _mirrored(factory: StoreFactory, subscription: Subscription = SUBSCRIPTION) -> Contents:
    """A store with two entries in it."""
    store = factory.store()
    refresh(subscription, _world(store, _body(2, 1), 0))
    return factory.contents(store)


def _public(store: Store) -> str:
    stored = store.load("public/news/rss.xml")
    assert stored is not None, "nothing is public"
    return stored.body.decode()


def _pages(store: Store) -> list[str]:
    """The pages of all entries."""
    found = [store.load(key) for key in list(store.keys("public/news/entries/"))]
    return [page.body.decode() for page in found if page]


def _assert_whole(run: Run[Store], *, newer: Sequence[str], numbers: Sequence[int]) -> None:
    """Without another refresh everything that was ever seen is public once, the newest text."""
    assert not any(run.errors), str(run)
    public = _public(run.store)
    for number in numbers:
        assert public.count(f"<title>Entry {number}</title>") == 1, f"{number} lost\n{run}"
    pages = " ".join(_pages(run.store))
    for text in newer:
        assert text in public, f"{text!r} is not public\n{run}"
        assert text in pages, f"no page says {text!r}\n{run}"
    state = state_in(run.store)
    assert not state.tasks, str(run)


def _actors(
    factory: StoreFactory,
    first: Callable[[Store], World],
    second: Callable[[Store], World],
    subscription: Subscription = SUBSCRIPTION,
) -> Make:
    """Two runs, at once, of a feed that is mirrored."""
    mirrored = _mirrored(factory, subscription)

    def make(turnstile: Turnstile) -> tuple[Store, list[Callable[[], object]]]:
        store = factory.store(mirrored)
        shared = YieldingStore(store, turnstile)
        return store, [
            lambda: refresh(subscription, first(shared)),
            lambda: refresh(subscription, second(shared)),
        ]

    return make


def _explored(place: Place, make: Make, memory: int, s3: int) -> Iterator[Run[Store]]:
    """Every order with at most so many interruptions: fewer on S3, which takes much longer.

    What S3 could do that memory does not is between the requests of one operation; those are
    interleaved in test_s3_faults.py.
    """
    yield from _orders(make, memory if place is MEMORY else s3)


def _orders(make: Make, preemptions: int) -> Iterator[Run[Store]]:
    """Yield a run in every order with at most so many interruptions; at each change in those with
    one interruption, and in some with any.
    """
    bound = preemptions if EXHAUSTIVE else min(preemptions, 1)
    yield from explore(make, max_preemptions=bound, merging=True)
    if bound < preemptions:
        yield from sample(make, 25, seed=preemptions)


class Watching(YieldingStore):
    """Notes the generations of the documents that are written, by their keys."""

    def __init__(self, inner: Store, turnstile: Turnstile, written: Written) -> None:
        super().__init__(inner, turnstile)
        self.written = written

    def _pass(self, operation: str, key: str, perform: Callable[[], T]) -> T:
        done = super()._pass(operation, key, perform)
        if operation != "load" and done is not None and key.startswith("public/"):
            stored = self.inner.load(key)
            assert stored is not None
            self.written.setdefault(key, []).append(stamped(stored.body).generation)
        return done


@pytest.mark.row("S5")
@EVERYWHERE
def test_two_runs_that_find_the_same_entry_store_it_once_in_every_order(place: Place) -> None:
    body = _body(3, 2, 1)
    make = _actors(place(), lambda s: _world(s, body, 10), lambda s: _world(s, body, 11))
    runs = 0
    for run in _explored(place, make, memory=3, s3=1):
        _assert_whole(run, newer=["the first text of 3"], numbers=[1, 2, 3])
        assert len(records_in(run.store)) == 3, str(run)
        runs += 1
    assert runs > (30 if place is MEMORY else 8)


@pytest.mark.row("S5", "U3")
def test_the_text_that_was_asked_for_later_stays_public_in_every_order() -> None:
    """And the generation of no document that is public ever decreases."""
    old, new = _body(3, 2, 1, version="older"), _body(4, 3, 2, 1, version="newer")
    newer = [f"the newer text of {number}" for number in (1, 2, 3, 4)]
    factory = MEMORY()
    mirrored = _mirrored(factory)
    written: Written = {}

    def make(turnstile: Turnstile) -> tuple[Store, list[Callable[[], object]]]:
        written.clear()
        store = factory.store(mirrored)
        shared = Watching(store, turnstile, written)
        return store, [
            lambda: refresh(SUBSCRIPTION, _world(shared, old, 10)),
            lambda: refresh(SUBSCRIPTION, _world(shared, new, 11)),
        ]

    for run in _orders(make, 2):
        _assert_whole(run, newer=newer, numbers=[1, 2, 3, 4])
        assert all(found == sorted(found) for found in written.values()), f"{written}\n{run}"
        assert written.keys() >= {f"public/news/{name}" for name in DOCUMENTS}, str(run)


@pytest.mark.row("S5")
def test_two_first_mirrors_at_once_end_as_one_in_every_order() -> None:
    factory = MEMORY()

    def make(turnstile: Turnstile) -> tuple[Store, list[Callable[[], object]]]:
        store = factory.store()
        shared = YieldingStore(store, turnstile)
        bodies = (_body(2, 1, version="older"), _body(3, 2, 1, version="newer"))
        return store, [
            lambda: refresh(SUBSCRIPTION, _world(shared, bodies[0], 10)),
            lambda: refresh(SUBSCRIPTION, _world(shared, bodies[1], 11)),
        ]

    for run in _orders(make, 2):
        newer = [f"the newer text of {number}" for number in (1, 2, 3)]
        _assert_whole(run, newer=newer, numbers=[1, 2, 3])


def test_a_stale_alternate_adds_what_is_new_and_revises_nothing_in_every_order() -> None:
    subscription = replace(SUBSCRIPTION, alternates=(ALTERNATE,))
    newer = _body(3, 2, 1, version="newer")
    lost = entry(9, published=EPOCH)  # only the stale copy still has it
    stale = rss_document([*_entries_of(2, 1, version="stale"), lost])

    make = _actors(
        MEMORY(),
        lambda s: _world(s, newer, 10),
        lambda s: _world(s, stale, 11, ALTERNATE),
        subscription,
    )
    for run in _orders(make, 2):
        assert not any(run.errors), str(run)
        assert "stale text of 2" not in _public(run.store), str(run)
        refresh(subscription, _world(run.store, newer, 12))
        _assert_whole(run, newer=["the newer text of 2"], numbers=[1, 2, 3, 9])


@pytest.mark.row("S6", "U3")
@EVERYWHERE
def test_a_run_thought_dead_that_wakes_late_never_puts_an_older_document_over_a_newer(
    place: Place,
) -> None:
    old, new = _body(3, 2, 1, version="older"), _body(4, 3, 2, 1, version="newer")
    make = _actors(place(), lambda s: _world(s, old, 10), lambda s: _world(s, new, 12))
    for run in sample(make, 100 if place is MEMORY else 5, seed=7):
        _assert_whole(run, newer=["the newer text of 3"], numbers=[1, 2, 3, 4])


@pytest.mark.row("S1", "S5")
@pytest.mark.parametrize("moment", MOMENTS)
def test_one_run_dies_anywhere_while_another_goes_on(moment: str) -> None:
    factory, body = MEMORY(), _body(3, 2, 1, version="newer")
    mirrored = _mirrored(factory)
    for at in some(range(2, 10 + len(DOCUMENTS)), 2):

        def make(turnstile: Turnstile, at: int = at) -> tuple[Store, list[Callable[[], object]]]:
            store = factory.store(mirrored)
            dying = CrashingStore(YieldingStore(store, turnstile), at, moment)  # type: ignore[arg-type]
            living = YieldingStore(store, turnstile)
            return store, [
                lambda: refresh(SUBSCRIPTION, _world(dying, body, 10)),
                lambda: refresh(SUBSCRIPTION, _world(living, body, 11)),
            ]

        for run in (*explore(make, max_preemptions=1, merging=True), *sample(make, 3, seed=at)):
            assert run.errors[1] is None, str(run)
            refresh(SUBSCRIPTION, _world(run.store, body, 12))
            public = _public(run.store)
            assert public.count("<title>Entry 3</title>") == 1, str(run)
            assert public.count("the newer text") == 3, str(run)


def test_a_body_fetched_from_an_alternate_is_remembered_under_its_own_address() -> None:
    store = MemoryStore()
    subscription = replace(SUBSCRIPTION, alternates=(ALTERNATE,))
    outcome = refresh(subscription, _world(store, Fetched(ALTERNATE, _body(1)), 0, ALTERNATE))
    assert outcome.outcome == "changed"
    assert outcome.note is not None
    assert ALTERNATE in outcome.note
    assert list(state_in(store).addresses) == [ALTERNATE]


# ---------------------------------------------------------------- runs that archive


def _growing(factory: StoreFactory) -> tuple[Subscription, Contents]:
    """A feed that keeps one entry, with one archive page, and two more that are due."""
    subscription = replace(SUBSCRIPTION, keep=1)
    store = factory.store()
    refresh(subscription, _world(store, _body(3, 2, 1), 0))
    refresh(subscription, _world(store, _body(6, 5, 4), 60))
    return subscription, factory.contents(store)


def _assert_archived(run: Run[Store], *numbers: int) -> None:
    """Everything is reached from the newest document of each format, once."""
    assert not any(run.errors), str(run)
    for name in FEEDS:
        chain = walk(lambda address: _served(run.store, address), f"{PUBLIC_URL}/news/{name}")
        titles = [title for seen in chain for title in seen.titles]
        assert titles == [f"Entry {number}" for number in numbers], f"{name}: {titles}\n{run}"
    assert not state_in(run.store).tasks, str(run)


def _served(store: Store, address: str) -> bytes:
    stored = store.load(f"public/{address.removeprefix(f'{PUBLIC_URL}/')}")
    assert stored is not None, f"nothing is at {address}"
    return stored.body


LATER = 3 * 24 * 60  # minutes: what came before may leave the public feed


@pytest.mark.row("S5", "U3")
def test_two_runs_that_both_archive_reach_everything_once_in_every_order(small_pages: None) -> None:
    factory = MEMORY()
    subscription, mirrored = _growing(factory)

    def make(turnstile: Turnstile) -> tuple[Store, list[Callable[[], object]]]:
        store = factory.store(mirrored)
        assert isinstance(store, MemoryStore)
        shared = YieldingStore(Reader(store), turnstile)
        return store, [
            lambda: refresh(subscription, _world(shared, _body(7, 6, 5), LATER)),
            lambda: refresh(subscription, _world(shared, _body(8, 7, 6), LATER + 1)),
        ]

    runs = [*explore(make, max_preemptions=1, merging=True), *sample(make, 50, seed=3)]
    for run in runs:
        _assert_archived(run, 8, 7, 6, 5, 4, 3, 2, 1)
    assert len(runs) > 80


@pytest.mark.row("S5", "S7")
@pytest.mark.parametrize("is_lost", [False, True], ids=["known state", "lost state"])
def test_a_run_that_archives_beside_a_rebuild_loses_nothing_in_any_order(
    is_lost: bool, small_pages: None
) -> None:
    factory = MEMORY()
    subscription, mirrored = _growing(factory)
    now = NOON + timedelta(minutes=LATER + 1)

    def make(turnstile: Turnstile) -> tuple[Store, list[Callable[[], object]]]:
        store = factory.store(mirrored)
        assert isinstance(store, MemoryStore)
        if is_lost:
            del store.objects["state/news.json"]
        shared = YieldingStore(Reader(store), turnstile)
        world = _world(shared, _body(7, 6, 5), LATER)

        def refreshed() -> None:
            with contextlib.suppress(StateError):  # it may come before the state is there again
                refresh(subscription, world)

        return store, [lambda: rebuild(subscription, shared, PUBLIC_URL, now), refreshed]

    left = set()
    for run in (*explore(make, max_preemptions=1, merging=True), *sample(make, 40, seed=4)):
        assert not any(run.errors), str(run)
        if (contents := factory.contents(run.store)) not in left:
            left.add(contents)
            refresh(subscription, _world(run.store, _body(7, 6, 5), LATER))
            rebuild(subscription, run.store, PUBLIC_URL, now)
            _assert_archived(run, *sorted(range(1, 8), reverse=True))


@pytest.mark.row("S6", "U3")
def test_a_zombie_that_wakes_after_two_archive_pages_changes_nothing(small_pages: None) -> None:
    """It stops before any of its operations, and goes on when two others have come to their end."""
    factory = MEMORY()
    subscription, mirrored = _growing(factory)

    def make(turnstile: Turnstile) -> tuple[Store, list[Callable[[], object]]]:
        store = factory.store(mirrored)
        assert isinstance(store, MemoryStore)
        shared = YieldingStore(Reader(store), turnstile)

        def others() -> None:
            for number, days in ((8, 4), (11, 8)):
                body = _body(number, number - 1, number - 2, number - 3)
                refresh(subscription, _world(shared, body, LATER + days * 24 * 60))

        return store, [
            lambda: refresh(subscription, _world(shared, _body(7, 6, 5), LATER)),
            others,
        ]

    at, woke = 0, True
    while woke:
        run = replay(make, [0] * at + [1] * 200)
        _assert_archived(run, *sorted(range(1, 12), reverse=True))
        woke = run.schedule[-1] == 0
        at += 1
    assert at > 20


@pytest.mark.row("S5")
def test_the_site_s_writer_beside_a_refresh_leaves_no_page_that_is_wrong_for_long() -> None:
    """Of a feed that is just being retired, or was and is mirrored again."""
    factory = MEMORY()
    retired = replace(SUBSCRIPTION, retired=True)
    store = factory.store(_mirrored(factory))
    publish_site(store, [retired], PUBLIC_URL, NOON, newest)
    for feeds, beginning in (
        ([retired], _mirrored(factory)),
        ([SUBSCRIPTION], factory.contents(store)),
        ([retired], factory.contents(store)),
    ):

        def make(
            turnstile: Turnstile,
            feeds: Sequence[Subscription] = feeds,
            beginning: Contents = beginning,
        ) -> tuple[Store, list[Callable[[], object]]]:
            store = factory.store(beginning)
            assert isinstance(store, MemoryStore)
            shared = YieldingStore(Reader(store), turnstile)
            return store, [
                lambda: publish_site(shared, feeds, PUBLIC_URL, NOON, newest),
                lambda: refresh(SUBSCRIPTION, _world(shared, _body(3, 2, 1), 10)),
            ]

        for run in _orders(make, 2):
            assert not any(run.errors), str(run)
            publish_site(run.store, [retired], PUBLIC_URL, NOON, newest)
            assert says_retired(_page(run.store)), str(run)
            refresh(SUBSCRIPTION, _world(run.store, _body(3, 2, 1), 20))
            assert not says_retired(_page(run.store)), str(run)
            assert "Entry 3" in _page(run.store)


def _page(store: Store) -> str:
    return _served(store, f"{PUBLIC_URL}/news/index.html").decode()


# ---------------------------------------------------------------- that merging leaves nothing out


Program = list[tuple[str, str]]  # operations, and keys
programs = st.lists(
    st.tuples(st.sampled_from(["load", "put", "add"]), st.sampled_from("abc")), max_size=3
)


@settings(max_examples=amount(25))
@given(programs, programs, st.sampled_from([None, 0, 1, 2]))
def test_merged_schedules_come_to_all_ends_that_there_are(
    first: Program, second: Program, bound: int | None
) -> None:
    """Faults included: "put" is a lost update, and "add" is none."""

    def make(turnstile: Turnstile) -> tuple[MemoryStore, list[Callable[[], object]]]:
        store = MemoryStore()
        shared = YieldingStore(store, turnstile)
        return store, [lambda p=p: _performed(p, shared) for p in (first, second)]  # type: ignore[misc]

    def ends(*, merging: bool) -> set[object]:
        runs = explore(make, max_preemptions=bound, merging=merging)
        return {(frozenset(run.store.objects.items()), run.results) for run in runs}

    assert ends(merging=True) == ends(merging=False)


def _performed(program: Program, store: Store) -> tuple[object, ...]:
    """What was seen of it."""
    seen: list[object] = []
    for operation, key in program:
        found = store.load(key)
        seen.append(found.body if found else None)
        if operation == "load":
            continue
        body = (found.body if found else b"") + bytes([65 + len(seen)])
        if found is None:
            seen.append(store.create(key, body))
        elif store.replace(key, body, found.etag) is None and operation == "add":
            again = store.load(key)
            assert again is not None
            seen.append(store.replace(key, again.body + b"!", again.etag))
    return tuple(seen)
