"""The page of a feed that was removed from the configuration: it says so, whatever happens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from feedmirror.core import state as states
from feedmirror.core.formats import unstamped
from feedmirror.core.formats.html import retired
from feedmirror.core.site import INDEX
from feedmirror.errors import StoreError
from feedmirror.model import Subscription
from feedmirror.site import publish_site
from scene import NOON, PUBLIC_URL, SUBSCRIPTION, Scene, document
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

OTHER = Subscription("other", "https://other.example.org/rss")
PAGE = f"public/news/{INDEX}"
MOMENTS = ("before", "after", "lost")


@pytest.fixture
def scene() -> Scene:
    """A feed that is mirrored, and a site that knows it."""
    scene = Scene(document(2, 1))
    scene.refresh()
    publish_site(scene.store, [SUBSCRIPTION, OTHER], PUBLIC_URL, NOON)
    return scene


def objects(scene: Scene) -> dict[str, bytes]:
    assert isinstance(scene.store, MemoryStore)
    return scene.store.objects


def says_so(scene: Scene) -> bool:
    page = objects(scene)[PAGE].decode()
    return retired(page) == page


def remove(scene: Scene) -> tuple[str, ...]:
    """The feed is no longer configured; the documents that were written for that."""
    return publish_site(scene.store, [OTHER], PUBLIC_URL, NOON).published


def test_page_says_it_once_the_feed_is_not_configured_any_more(scene: Scene) -> None:
    before = objects(scene)[PAGE].decode()
    assert not says_so(scene)
    assert remove(scene)[0] == f"news/{INDEX}"
    assert objects(scene)[PAGE].decode() == retired(before)
    assert says_so(scene)


def test_nothing_else_of_the_feed_changes(scene: Scene) -> None:
    before = dict(objects(scene))
    remove(scene)
    after = objects(scene)
    kept = {key for key in before if "/news/" in key} - {PAGE, "data/news/state.json"}
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    assert {key for key in after if "/news/" in key} == {key for key in before if "/news/" in key}


def test_feed_that_is_retired_costs_a_load_from_then_on(scene: Scene) -> None:
    remove(scene)
    store = CountingStore(scene.store)
    publish_site(store, [OTHER], PUBLIC_URL, NOON)
    assert [key for key in store.loads if "/news/" in key] == ["data/news/state.json"]
    assert store.writes == []


def test_index_and_status_go_on_leading_to_the_page(scene: Scene) -> None:
    remove(scene)
    site = publish_site(scene.store, [OTHER], PUBLIC_URL, NOON)
    assert [standing.page for standing in site.standings] == [None, f"{PUBLIC_URL}/news/"]


def test_page_of_a_feed_that_is_configured_again_is_what_it_was(scene: Scene) -> None:
    before = objects(scene)[PAGE]
    remove(scene)
    assert INDEX in scene.refresh().published
    assert unstamped(objects(scene)[PAGE]) == unstamped(before)
    assert publish_site(scene.store, [SUBSCRIPTION], PUBLIC_URL, NOON).standings[0].page
    assert not says_so(scene)


def test_feed_that_is_removed_a_second_time_says_so_again(scene: Scene) -> None:
    remove(scene)
    scene.refresh()
    assert not says_so(scene)
    remove(scene)
    assert says_so(scene)


def test_nothing_is_retired_where_nobody_knows_what_is_configured(scene: Scene) -> None:
    publish_site(scene.store, [OTHER], PUBLIC_URL, NOON, retire=False)
    assert not says_so(scene)


def test_page_that_somebody_removed_is_forgotten(scene: Scene) -> None:
    del objects(scene)[PAGE]
    remove(scene)
    remove(scene)
    assert PAGE not in objects(scene)
    assert INDEX not in states.load(objects(scene)["data/news/state.json"], "").documents


def test_feed_from_before_there_were_pages_is_left_alone(scene: Scene) -> None:
    state = states.load(objects(scene)["data/news/state.json"], "")
    feeds = {name: known for name, known in state.documents.items() if name != INDEX}
    objects(scene)["data/news/state.json"] = states.dump(replace(state, documents=feeds))
    del objects(scene)[PAGE]
    assert remove(scene) == ("feeds.opml", "index.html", "status.json")
    assert PAGE not in objects(scene)


# ---------------------------------------------------------------- whatever happens meanwhile


@pytest.mark.parametrize("moment", MOMENTS)
def test_run_that_is_killed_anywhere_is_made_good_by_the_next(scene: Scene, moment: str) -> None:
    before = dict(objects(scene))
    remove(scene)
    expected = dict(objects(scene))
    for _ in killed(scene, before, moment):
        remove(scene)
        assert objects(scene) == expected


@pytest.mark.parametrize("moment", MOMENTS)
def test_feed_that_is_configured_again_after_a_crash_has_its_page_back(
    scene: Scene, moment: str
) -> None:
    before = dict(objects(scene))
    for _ in killed(scene, before, moment):
        scene.refresh()
        assert not says_so(scene)
        assert unstamped(objects(scene)[PAGE]) == unstamped(before[PAGE])


def killed(scene: Scene, before: dict[str, bytes], moment: str) -> Iterator[None]:
    """Stops with what is left after a removal was killed, at each operation of it in turn."""
    at, stopped = 0, True
    while stopped:
        objects(scene).clear()
        objects(scene).update(before)
        store = CrashingStore(scene.store, at, moment)  # type: ignore[arg-type]
        with contextlib.suppress(Crash, StoreError):
            publish_site(store, [OTHER], PUBLIC_URL, NOON)
        yield
        at, stopped = at + 1, store.count > at
    assert at > 10


@pytest.mark.slow
def test_refresh_that_is_under_way_while_its_feed_is_removed_does_no_harm() -> None:
    """A function that was not updated yet may still be at it."""

    def make(turnstile: Turnstile) -> tuple[Scene, Sequence[Callable[[], object]]]:
        scene = Scene(document(2, 1))
        scene.refresh()
        scene.later(hours=1)
        scene.says(document(3, 2, 1))
        store = YieldingStore(scene.store, turnstile)
        return scene, [
            lambda: scene.refresh(store=store),
            lambda: publish_site(store, [OTHER], PUBLIC_URL, NOON),
        ]

    for run in (*explore(make, max_preemptions=1), *sample(make, 30)):
        assert run.errors == (None, None), str(run)
        remove(run.store)
        assert says_so(run.store), str(run)
        run.store.refresh()
        assert not says_so(run.store), str(run)
        assert run.store.public().count("<item>") == 3
