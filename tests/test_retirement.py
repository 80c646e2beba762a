"""A feed that its configuration retires: nobody polls it, and its page says so."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import pytest
from msgspec.structs import replace

from crash_history import MOMENTS
from feedmirror.errors import FetchError, Kind, StoreError
from feedmirror.layout import INDEX_HTML
from feedmirror.model import Disclaimer
from feedmirror.publishing.formats.format import unstamped
from feedmirror.site import publish_site
from page_reading import says_retired
from scene import FEEDS, NOON, PUBLIC_URL, SUBSCRIPTION, Scene, document, newest
from stores import (
    CountingStore,
    Crash,
    CrashingStore,
    MemoryStore,
    Turnstile,
    YieldingStore,
    explore,
    sample,
)

RETIRED = replace(SUBSCRIPTION, retired=True)
PAGE = f"public/news/{INDEX_HTML}"


@pytest.fixture
def scene() -> Scene:
    """A feed that is mirrored, and a site that knows it."""
    scene = Scene(document(2, 1))
    scene.deployment = newest
    scene.refresh()
    publish_site(scene.store, [SUBSCRIPTION], PUBLIC_URL, NOON, newest)
    return scene


def objects(scene: Scene) -> dict[str, bytes]:
    assert isinstance(scene.store, MemoryStore)
    return scene.store.objects


def retire(scene: Scene, **changes: object) -> tuple[str, ...]:
    """The operator retires the feed, and the site is published; names of what was written."""
    retired = replace(RETIRED, **changes)  # type: ignore[arg-type]
    return publish_site(scene.store, [retired], PUBLIC_URL, NOON, newest).published


def test_page_says_so_as_soon_as_the_feed_is_retired(scene: Scene) -> None:
    assert not says_retired(objects(scene)[PAGE])
    assert retire(scene)[0] == f"news/{INDEX_HTML}"
    assert says_retired(objects(scene)[PAGE])


def test_nothing_else_of_the_feed_changes(scene: Scene) -> None:
    before = dict(objects(scene))
    retire(scene)
    after = objects(scene)
    kept = {key for key in before if "news" in key} - {PAGE, "state/news.json"}
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    assert {key for key in after if "news" in key} == {key for key in before if "news" in key}


def test_retired_feed_costs_nothing_from_then_on(scene: Scene) -> None:
    retire(scene)
    publish_site(scene.store, [RETIRED], PUBLIC_URL, NOON, newest)
    store = CountingStore(scene.store)
    publish_site(store, [RETIRED], PUBLIC_URL, NOON, newest)
    assert [key for key in store.loads if "news" in key] == []
    assert store.writes == []


def test_refresh_of_a_retired_feed_asks_nobody_and_says_why(scene: Scene) -> None:
    scene.says(document(3, 2, 1))
    scene.configure(retired=True)
    scene.origin.asked.clear()
    outcome = scene.refresh()
    assert scene.origin.asked == []
    assert (outcome.outcome, outcome.published) == ("retired", (INDEX_HTML,))
    assert "`retired = true`" in (outcome.note or "")
    store = CountingStore(scene.store)
    assert scene.refresh(store=store).published == ()
    assert store.operations == [("load", "state/news.json")]


def test_refresh_finishes_what_a_run_before_the_retirement_left_undone(scene: Scene) -> None:
    scene.says(document(3, 2, 1))
    with contextlib.suppress(Crash):  # after the commit
        scene.refresh(store=CrashingStore(scene.store, 2, "before"))  # type: ignore[arg-type]
    assert scene.public().count("<item>") == 2
    scene.configure(retired=True)
    scene.refresh()
    assert scene.public().count("<item>") == 3


def test_feed_that_is_mirrored_again_has_its_page_back_and_is_polled(scene: Scene) -> None:
    before = objects(scene)[PAGE]
    retire(scene)
    assert INDEX_HTML in scene.refresh().published
    assert unstamped(objects(scene)[PAGE]) == unstamped(before)
    scene.says(document(3, 2, 1))
    assert scene.refresh().new == 1
    retire(scene)
    assert says_retired(objects(scene)[PAGE])


def test_retired_feed_without_a_url_keeps_the_one_that_it_was_mirrored_from(scene: Scene) -> None:
    before = {name: scene.public(name) for name in FEEDS}
    assert f"news/{INDEX_HTML}" in retire(scene, url="")
    assert says_retired(objects(scene)[PAGE])
    assert {name: scene.public(name) for name in FEEDS} == before


def test_changed_disclaimer_reaches_a_retired_feed(scene: Scene) -> None:
    retire(scene, disclaimer=Disclaimer(text="Kept by the harbour office."))
    assert all("Kept by the harbour office." in scene.public(name) for name in FEEDS)


def test_feed_that_fails_is_retired_without_a_word_of_it(scene: Scene) -> None:
    scene.says(FetchError(Kind.TIMEOUT, "no answer"))
    scene.refresh()
    scene.later(hours=2)
    scene.refresh()
    assert "does not answer" in scene.public(INDEX_HTML)
    retire(scene)
    assert "does not answer" not in scene.public(INDEX_HTML)


def test_feed_that_was_never_mirrored_is_retired_without_a_trace() -> None:
    store = MemoryStore()
    publish_site(store, [RETIRED], PUBLIC_URL, NOON, newest)
    assert not [key for key in store.objects if "news" in key]
    assert b"news" not in store.objects["public/status.json"]


# ---------------------------------------------------------------- whatever happens meanwhile


@pytest.mark.parametrize("moment", MOMENTS)
def test_run_that_is_killed_anywhere_is_made_good_by_the_next(scene: Scene, moment: str) -> None:
    before = dict(objects(scene))
    retire(scene)
    expected = dict(objects(scene))
    for _ in killed(scene, before, moment):
        retire(scene)
        assert objects(scene).keys() == expected.keys()
        for key, body in expected.items():
            if not key.startswith("state/"):
                assert unstamped(objects(scene)[key]) == unstamped(body), key
        assert retire(scene) == ()


@pytest.mark.parametrize("moment", MOMENTS)
def test_feed_that_is_mirrored_again_after_a_crash_has_its_page_back(
    scene: Scene, moment: str
) -> None:
    before = dict(objects(scene))
    for _ in killed(scene, before, moment):
        scene.refresh()
        assert unstamped(objects(scene)[PAGE]) == unstamped(before[PAGE])


def killed(scene: Scene, before: dict[str, bytes], moment: str) -> Iterator[None]:
    """Stops with what is left after a retirement was killed, at each operation of it in turn."""
    at, stopped = 0, True
    while stopped:
        objects(scene).clear()
        objects(scene).update(before)
        store = CrashingStore(scene.store, at, moment)  # type: ignore[arg-type]
        with contextlib.suppress(Crash, StoreError):
            publish_site(store, [RETIRED], PUBLIC_URL, NOON, newest)
        yield
        at, stopped = at + 1, store.count > at
    assert at > 10


@pytest.mark.slow
def test_refresh_that_is_under_way_while_its_feed_is_retired_does_no_harm() -> None:
    """A function that was not updated yet may still be at it."""

    def make(turnstile: Turnstile) -> tuple[Scene, Sequence[Callable[[], object]]]:
        scene = Scene(document(2, 1))
        scene.deployment = newest
        scene.refresh()
        scene.later(hours=1)
        scene.says(document(3, 2, 1))
        store = YieldingStore(scene.store, turnstile)
        return scene, [
            lambda: scene.refresh(store=store),
            lambda: publish_site(store, [RETIRED], PUBLIC_URL, NOON, newest),
        ]

    for run in (*explore(make, max_preemptions=1), *sample(make, 30)):
        assert run.errors == (None, None), str(run)
        retire(run.store)
        assert says_retired(objects(run.store)[PAGE]), str(run)
        run.store.refresh()
        assert not says_retired(objects(run.store)[PAGE]), str(run)
        assert run.store.public().count("<item>") == 3
