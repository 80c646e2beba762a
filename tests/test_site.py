"""The site's own documents: what they say of every feed, and when they are written."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from feedmirror.core.rhythm import is_quiet, last_new
from feedmirror.core.site import Standing, gauges, recipe_in
from feedmirror.core.state import Failing, State
from feedmirror.errors import FetchError, Kind
from feedmirror.model import Subscription
from feedmirror.site import is_current, publish_site
from scene import DOCUMENTS, NOON, PUBLIC_URL, SUBSCRIPTION, Scene, document
from stores import CountingStore, MemoryStore

OTHER = Subscription("other", "https://other.example.org/rss")


def published(store: MemoryStore, *feeds: Subscription, now: datetime = NOON) -> dict[str, dict]:
    publish_site(store, feeds, PUBLIC_URL, now)
    found = json.loads(store.objects["public/status.json"])
    return {feed["feed"]: feed for feed in found["feeds"]}


def test_status_says_of_each_feed_where_it_is_and_how_it_stands() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    assert published(scene.store, SUBSCRIPTION, OTHER) == {  # type: ignore[arg-type]
        "news": {
            "feed": "news",
            "title": "Example News",
            "documents": {name: f"{PUBLIC_URL}/news/{name}" for name in DOCUMENTS},
            "last_new_entry": "2026-03-02T12:00:00Z",
            "failing": None,
            "failing_since": None,
            "retired": False,
        },
        "other": {
            "feed": "other",
            "title": None,
            "documents": {},
            "last_new_entry": None,
            "failing": None,
            "failing_since": None,
            "retired": False,
        },
    }


def test_status_says_since_when_a_feed_fails_and_how_but_not_why() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    scene.later(hours=1)
    scene.says(FetchError(Kind.FORBIDDEN, "https://news.example.org/?token=abc says 403"))
    scene.refresh()
    found = published(scene.store, SUBSCRIPTION)["news"]  # type: ignore[arg-type]
    assert (found["failing"], found["failing_since"]) == ("blocked", "2026-03-02T13:00:00Z")
    assert b"token" not in scene.store.objects["public/status.json"]  # type: ignore[attr-defined]


def test_feed_that_is_well_again_is_not_failing() -> None:
    scene = Scene(FetchError(Kind.DNS, "no such name"))
    scene.refresh()
    scene.says(document(1))
    scene.later(hours=1)
    scene.refresh()
    assert published(scene.store, SUBSCRIPTION)["news"]["failing"] is None  # type: ignore[arg-type]


def test_feed_that_was_removed_is_retired_and_its_failures_are_nobody_s() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    scene.says(FetchError(Kind.DNS, "no such name"))
    scene.later(hours=1)
    scene.refresh()
    found = published(scene.store, OTHER)["news"]  # type: ignore[arg-type]
    assert (found["retired"], found["failing"]) == (True, None)
    assert found["documents"]


def test_documents_are_written_only_when_they_change() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    store = CountingStore(scene.store)
    assert publish_site(store, [SUBSCRIPTION], PUBLIC_URL, NOON).published == (
        "status.json",
        "404.html",
    )
    store.reset()
    later = NOON + timedelta(hours=5)
    assert publish_site(store, [SUBSCRIPTION], PUBLIC_URL, later).published == ()
    assert store.writes == []
    assert store.listings == ["data/"]
    assert len(store.loads) == 3  # a state, and the two documents


def test_document_that_another_has_written_meanwhile_is_left_to_it() -> None:
    class Overtaken(MemoryStore):
        def replace(self, key: str, *rest: object) -> None:  # type: ignore[override]
            return None

    store = Overtaken()
    publish_site(store, [SUBSCRIPTION], PUBLIC_URL, NOON)
    before = dict(store.objects)
    assert publish_site(store, [SUBSCRIPTION, OTHER], PUBLIC_URL, NOON).published == ()
    assert store.objects == before


def test_damaged_state_is_a_failing_feed_and_no_hindrance() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    scene.store.objects["data/other/state.json"] = b"{"  # type: ignore[attr-defined]
    site = publish_site(scene.store, [SUBSCRIPTION, OTHER], PUBLIC_URL, NOON)
    assert [standing.failing for standing in site.standings] == [None, "internal"]
    assert gauges(site.standings, NOON).broken == 1


def test_folder_that_holds_no_feed_is_none() -> None:
    store = MemoryStore()
    store.create("data/left/over.json", b"{}")
    assert list(published(store, SUBSCRIPTION)) == ["news"]


def test_site_is_current_until_the_configuration_changes() -> None:
    store = MemoryStore()
    assert not is_current(store, [SUBSCRIPTION], PUBLIC_URL)
    publish_site(store, [SUBSCRIPTION], PUBLIC_URL, NOON)
    assert is_current(store, [SUBSCRIPTION], PUBLIC_URL)
    assert not is_current(store, [SUBSCRIPTION, OTHER], PUBLIC_URL)
    assert not is_current(store, [SUBSCRIPTION], "https://elsewhere.example.net")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"recipe": 7}', b"\xff"])
def test_status_of_somebody_else_s_making_has_no_recipe(body: bytes) -> None:
    assert recipe_in(body) is None


def test_page_for_what_is_not_there_is_small_and_needs_nothing_else() -> None:
    store = MemoryStore()
    publish_site(store, [SUBSCRIPTION], PUBLIC_URL, NOON)
    page = store.objects["public/404.html"]
    assert store.media_types["public/404.html"] == "text/html; charset=utf-8"
    assert page.startswith(b"<!doctype html>")
    assert len(page) < 1_000
    assert b"<script" not in page
    assert b"style=" not in page


# ---------------------------------------------------------------- quiet


def state_with(*hours_ago: float) -> State:
    seen = {
        f"k{n}": ("d", int((NOON - timedelta(hours=hours)).timestamp()))
        for n, hours in enumerate(hours_ago)
    }
    return State(seen=seen)


@pytest.mark.parametrize(
    ("hours_ago", "quiet"),
    [
        ((), False),  # never read
        ((24 * 29,), False),  # only its first mirror is known
        ((24 * 31,), True),
        ((71, 72, 73), False),  # hourly, but a long weekend is nothing
        ((73, 74, 75), True),
        ((24 * 20, 24 * 27), False),  # weekly: four weeks are nothing
        ((24 * 29, 24 * 36), True),
        ((24 * 20, 24 * 21, 24 * 60), False),  # once it took longer
        ((*range(80, 120), 24 * 300), True),  # but that was long ago
    ],
)
def test_feed_is_quiet_if_nothing_came_for_far_longer_than_its_rhythm(
    hours_ago: tuple[float, ...], quiet: bool
) -> None:
    assert is_quiet(state_with(*hours_ago), NOON) is quiet


def test_feed_that_fails_is_not_called_quiet_too() -> None:
    failing = Failing("dns", "blocked", NOON, "m")
    assert not is_quiet(replace(state_with(2000), failing=failing), NOON)


def test_last_new_entry_is_the_latest_first_sight() -> None:
    assert last_new(state_with(5, 3, 4)) == NOON - timedelta(hours=3)
    assert last_new(State()) is None


@pytest.mark.parametrize(
    ("hours", "lasting", "newly"), [(0.5, 0, 0), (1, 1, 1), (23, 1, 1), (24, 1, 0), (900, 1, 0)]
)
@pytest.mark.parametrize(
    ("group", "gauge"),
    [
        ("blocked", "blocked"),
        ("broken", "broken"),
        ("gone", "broken"),
        ("internal", "broken"),
        ("unreachable", "unreachable"),
    ],
)
def test_failures_are_counted_by_their_group_once_they_have_lasted(
    hours: float, lasting: int, newly: int, group: str, gauge: str
) -> None:
    since = NOON - timedelta(hours=hours)
    found = gauges([Standing("a", failing=group, failing_since=since), Standing("b")], NOON)
    assert found.configured == 2
    assert (getattr(found, gauge), found.newly_failing) == (lasting, newly)
    assert found.blocked + found.broken + found.unreachable == lasting
