"""The site's own documents: what they say of every feed, and when they are written."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urljoin

import pytest
from lxml import etree

from feedmirror.core.pages.style import STYLE
from feedmirror.core.rhythm import is_quiet, last_new
from feedmirror.core.site import MEDIA_TYPES, gauges, recipe_in, standing_of
from feedmirror.core.standing import Standing
from feedmirror.core.state import Failing, State
from feedmirror.errors import FetchError, Kind, StoreError
from feedmirror.model import Feed, Subscription
from feedmirror.site import is_current, publish_site
from scene import FEEDS, NOON, PUBLIC_URL, SUBSCRIPTION, Scene, document
from stores import CountingStore, Crash, CrashingStore, MemoryStore

OTHER = Subscription("other", "https://other.example.org/rss")
SITE = (STYLE, "404.html", "feeds.opml", "index.html", "status.json")  # as they are written


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
            "page": f"{PUBLIC_URL}/news/",
            "documents": {name: f"{PUBLIC_URL}/news/{name}" for name in FEEDS},
            "last_new_entry": "2026-03-02T12:00:00Z",
            "failing": None,
            "failing_since": None,
            "retired": False,
        },
        "other": {
            "feed": "other",
            "title": None,
            "page": None,
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
    store = CountingStore(MemoryStore())
    assert publish_site(store, [SUBSCRIPTION], PUBLIC_URL, NOON).published == SITE
    assert store.writes == [f"public/{name}" for name in SITE]
    store.reset()
    later = NOON + timedelta(hours=5)
    assert publish_site(store, [SUBSCRIPTION], PUBLIC_URL, later).published == ()
    assert store.writes == []
    assert store.listings == ["data/"]
    assert store.loads == ["data/news/state.json", *(f"public/{name}" for name in SITE)]


def test_new_entry_changes_only_what_tells_of_it() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    publish_site(scene.store, [SUBSCRIPTION], PUBLIC_URL, NOON)
    scene.later(hours=1)
    scene.says(document(3, 2, 1))
    scene.refresh()
    written = publish_site(scene.store, [SUBSCRIPTION], PUBLIC_URL, scene.now).published
    assert set(written) <= {"index.html", "status.json"}
    assert "status.json" in written


def test_documents_have_the_media_types_that_they_are_served_with() -> None:
    store = MemoryStore()
    publish_site(store, [SUBSCRIPTION], PUBLIC_URL, NOON)
    found = {key.removeprefix("public/"): kind for key, kind in store.media_types.items()}
    assert found.pop(STYLE) == "text/css; charset=utf-8"
    assert (
        found
        == MEDIA_TYPES
        == {
            "404.html": "text/html; charset=utf-8",
            "feeds.opml": "text/x-opml; charset=utf-8",
            "index.html": "text/html; charset=utf-8",
            "status.json": "application/json",
        }
    )


@pytest.mark.parametrize("moment", ["before", "after", "lost"])
@pytest.mark.parametrize("known", [(), (SUBSCRIPTION,)], ids=["first site", "known site"])
def test_site_that_a_dead_run_left_half_written_is_made_whole_by_the_next(
    moment: str, known: tuple[Subscription, ...]
) -> None:
    scene = Scene(document(2, 1), store := MemoryStore())
    scene.refresh()
    if known:
        publish_site(store, known, PUBLIC_URL, NOON)
    before = dict(store.objects)
    publish_site(store, [SUBSCRIPTION, OTHER], PUBLIC_URL, NOON)
    expected = dict(store.objects)
    at, stopped = 0, True
    while stopped:
        store.objects = dict(before)
        dying = CrashingStore(store, at, moment)  # type: ignore[arg-type]
        with contextlib.suppress(Crash, StoreError):
            publish_site(dying, [SUBSCRIPTION, OTHER], PUBLIC_URL, NOON)
        if not is_current(store, [SUBSCRIPTION, OTHER], PUBLIC_URL):  # whoever looks after it asks
            publish_site(store, [SUBSCRIPTION, OTHER], PUBLIC_URL, NOON)
        assert store.objects == expected
        at, stopped = at + 1, dying.count > at
    assert at > 10


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


@pytest.mark.parametrize("name", ["404.html", "index.html"])
def test_page_of_the_site_runs_nothing_and_is_read_without_a_style_of_its_own(name: str) -> None:
    store = MemoryStore()
    publish_site(store, [SUBSCRIPTION], PUBLIC_URL, NOON)
    page = store.objects[f"public/{name}"].lower()
    assert page.startswith(b"<!doctype html>")
    assert b"<script" not in page
    assert b"style=" not in page


def test_index_leads_to_the_pages_of_the_feeds() -> None:
    Scene(document(2, 1), store := MemoryStore()).refresh()
    named = replace(SUBSCRIPTION, title="Fish & <i>chips</i>")
    publish_site(store, [named, OTHER], PUBLIC_URL, NOON)
    page = store.objects["public/index.html"].decode()
    links = [str(link) for link in etree.HTML(page).xpath("//a/@href")]
    assert f"{PUBLIC_URL}/news/" in [urljoin(f"{PUBLIC_URL}/", link) for link in links]
    assert "Fish &amp; &lt;i&gt;chips&lt;/i&gt;" in page


def test_standing_has_what_the_origin_says_of_itself() -> None:
    feed = Feed(title="News", link="https://news.example.org/", language="en-GB")
    found = standing_of("news", SUBSCRIPTION, State(feed=feed), PUBLIC_URL, NOON)
    assert (found.source, found.language) == ("https://news.example.org/", "en-GB")
    odd = replace(feed, language="English, mostly")
    assert standing_of("news", None, State(feed=odd), PUBLIC_URL, NOON).language is None


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
