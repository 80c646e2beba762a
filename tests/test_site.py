"""The site's own documents: what they say of every feed, and when they are written."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from builders import SITE as SITE_OF_ORIGIN
from crash_history import MOMENTS
from feedmirror.errors import FetchError, Kind, StoreError
from feedmirror.mirror.deployment import Deployment
from feedmirror.mirror.feed_index import indexed
from feedmirror.mirror.health import FeedLine, last_new, quiet_at
from feedmirror.mirror.retention import KnownEntries, KnownEntry
from feedmirror.mirror.state import Failing, State
from feedmirror.model import Feed, Subscription
from feedmirror.publishing.formats.status import (
    Gauges,
    Status,
    gauges,
    line_of,
    parse_status,
    render_key_of,
    status_document,
)
from feedmirror.publishing.pages.templates import STYLE
from feedmirror.site import is_site_current, publish_site
from feedmirror.storage.feed_index import survey_feeds
from scene import FEEDS, NOON, PUBLIC_URL, SUBSCRIPTION, Scene, document, newest
from site_documents import SITE
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


def published(store: MemoryStore, *feeds: Subscription, now: datetime = NOON) -> dict[str, dict]:
    publish_site(store, feeds, PUBLIC_URL, now, newest)
    found = json.loads(store.objects["public/status.json"])
    return {feed["feed"]: feed for feed in found["feeds"]}


def test_status_says_of_each_feed_where_it_is_and_how_it_stands() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    site = publish_site(scene.store, [SUBSCRIPTION, OTHER], PUBLIC_URL, NOON, newest)
    assert [line.slug for line in site.lines] == ["news", "other"]
    # OTHER is listed as soon as it has been asked for the first time.
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
            "language": None,
            "source": SITE_OF_ORIGIN,
            "render_key": render_key_of(SUBSCRIPTION, PUBLIC_URL),
        },
    }


def test_status_says_since_when_a_feed_fails_and_how_but_not_why() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    scene.later(hours=1)
    scene.says(FetchError(Kind.FORBIDDEN, "https://news.example.org/?token=abc says 403"))
    scene.refresh()
    found = published(scene.store, SUBSCRIPTION, now=scene.now)["news"]  # type: ignore[arg-type]
    assert (found["failing"], found["failing_since"]) == ("blocked", "2026-03-02T13:00:00Z")
    assert b"token" not in scene.store.objects["public/status.json"]  # type: ignore[attr-defined]


def test_feed_that_is_well_again_is_not_failing() -> None:
    scene = Scene(FetchError(Kind.DNS, "no such name"))
    scene.refresh()
    scene.says(document(1))
    scene.later(hours=1)
    scene.refresh()
    assert published(scene.store, SUBSCRIPTION)["news"]["failing"] is None  # type: ignore[arg-type]


def test_retired_feed_is_listed_and_its_failures_are_nobody_s() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    scene.says(FetchError(Kind.DNS, "no such name"))
    scene.later(hours=1)
    scene.refresh()
    retired = replace(SUBSCRIPTION, retired=True)
    found = published(scene.store, retired)["news"]  # type: ignore[arg-type]
    assert (found["retired"], found["failing"]) == (True, None)
    assert found["documents"]
    assert found["page"] == f"{PUBLIC_URL}/news/"
    site = publish_site(scene.store, [retired], PUBLIC_URL, scene.now, newest)
    assert gauges(site.lines, scene.now) == Gauges(0, 0, 0, 0, 0, 0)


def test_documents_are_written_only_when_they_change() -> None:
    store = CountingStore(MemoryStore())
    assert publish_site(store, [SUBSCRIPTION], PUBLIC_URL, NOON, newest).published == SITE
    assert store.writes == [f"public/{name}" for name in SITE]
    store.reset()
    later = NOON + timedelta(hours=5)
    assert publish_site(store, [SUBSCRIPTION], PUBLIC_URL, later, newest).published == ()
    assert store.writes == []
    assert store.listings == ["state/", "data/"]
    *others, last = (f"public/{name}" for name in SITE)
    assert store.loads == [last, "state/index", *others]


def test_new_entry_changes_only_what_tells_of_it() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    publish_site(scene.store, [SUBSCRIPTION], PUBLIC_URL, NOON, newest)
    scene.later(hours=1)
    scene.says(document(3, 2, 1))
    scene.refresh()
    written = publish_site(scene.store, [SUBSCRIPTION], PUBLIC_URL, scene.now, newest).published
    assert set(written) <= {"index.html", "status.json"}
    assert "status.json" in written


def test_documents_have_the_media_types_that_they_are_served_with() -> None:
    store = MemoryStore()
    publish_site(store, [SUBSCRIPTION], PUBLIC_URL, NOON, newest)
    found = {key.removeprefix("public/"): kind for key, kind in store.media_types.items()}
    assert found.pop(STYLE) == "text/css; charset=utf-8"
    assert found == {
        "404.html": "text/html; charset=utf-8",
        "removed.html": "text/html; charset=utf-8",
        "feeds.opml": "text/x-opml; charset=utf-8",
        "index.html": "text/html; charset=utf-8",
        "status.json": "application/json",
    }


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("known", [(), (SUBSCRIPTION,)], ids=["first site", "known site"])
def test_site_that_a_dead_run_left_half_written_is_made_whole_by_the_next(
    moment: str, known: tuple[Subscription, ...]
) -> None:
    Scene(document(2, 1), store := MemoryStore()).refresh()
    titled = replace(OTHER, title="Ours")
    deployed = partial(Deployment, 10**12)
    Scene(document(3), store, titled).refresh()
    if known:
        publish_site(store, known, PUBLIC_URL, NOON, deployed)
    before = dict(store.objects)
    publish_site(store, [SUBSCRIPTION, titled], PUBLIC_URL, NOON, deployed)
    expected = dict(store.objects)
    at, stopped = 0, True
    while stopped:
        store.objects = dict(before)
        dying = CrashingStore(store, at, moment)  # type: ignore[arg-type]
        with contextlib.suppress(Crash, StoreError):
            publish_site(dying, [SUBSCRIPTION, titled], PUBLIC_URL, NOON, deployed)
        if not is_site_current(
            store, [SUBSCRIPTION, titled], PUBLIC_URL
        ):  # whoever looks after it asks
            publish_site(store, [SUBSCRIPTION, titled], PUBLIC_URL, NOON, deployed)
        assert store.objects == expected
        at, stopped = at + 1, dying.count > at
    assert at > 10


def test_site_that_others_write_all_the_time_is_an_error() -> None:
    class Overtaken(MemoryStore):
        def replace(self, key: str, *rest: object) -> None:  # type: ignore[override]
            return None

    store = Overtaken()
    publish_site(store, [SUBSCRIPTION], PUBLIC_URL, NOON, newest)
    before = dict(store.objects)
    with pytest.raises(StoreError, match=r"public/status\.json is written by others all the time"):
        publish_site(store, [SUBSCRIPTION], "https://elsewhere.example.net", NOON, newest)
    assert store.objects == before


@pytest.mark.parametrize("body", [b"{", b"[]", None], ids=["damaged", "no state", "missing"])
def test_lost_state_is_a_failing_feed_whose_documents_stay_listed(body: bytes | None) -> None:
    Scene(document(2, 1), store := MemoryStore()).refresh()
    Scene(document(3), store, OTHER).refresh()
    before = published(store, SUBSCRIPTION, OTHER)
    if body is None:
        del store.objects["state/other.json"]
    else:
        store.objects["state/other.json"] = body
    after = published(store, SUBSCRIPTION, OTHER)
    failing = {"failing": "internal", "failing_since": "1970-01-01T00:00:00Z"}
    assert after == {**before, "other": {**before["other"], **failing}}
    site = publish_site(store, [SUBSCRIPTION, OTHER], PUBLIC_URL, NOON, newest)
    assert gauges(site.lines, NOON).broken == 1
    retired = published(store, SUBSCRIPTION, replace(OTHER, retired=True))["other"]
    assert (retired["retired"], retired["failing"]) == (True, None)
    assert retired["documents"] == before["other"]["documents"]


def test_folder_that_holds_no_feed_is_none() -> None:
    store = MemoryStore()
    store.create("data/left/over.json", b"{}")
    store.create("state/Not-a-slug.json", b"{}")
    assert published(store) == {}


def test_site_is_current_until_the_configuration_changes() -> None:
    Scene(document(2, 1), store := MemoryStore()).refresh()
    assert not is_site_current(store, [SUBSCRIPTION], PUBLIC_URL)
    publish_site(store, [SUBSCRIPTION], PUBLIC_URL, NOON, newest)
    assert is_site_current(store, [SUBSCRIPTION], PUBLIC_URL)
    assert is_site_current(store, [replace(SUBSCRIPTION, keep=7)], PUBLIC_URL)
    assert not is_site_current(store, [SUBSCRIPTION, OTHER], PUBLIC_URL)
    assert not is_site_current(store, [replace(SUBSCRIPTION, title="Ours")], PUBLIC_URL)
    assert not is_site_current(store, [replace(SUBSCRIPTION, retired=True)], PUBLIC_URL)
    assert not is_site_current(store, [SUBSCRIPTION], "https://elsewhere.example.net")


def test_site_that_others_have_a_line_in_is_current_too() -> None:
    Scene(document(2, 1), store := MemoryStore()).refresh()
    Scene(document(3), store, OTHER).refresh()
    publish_site(store, [SUBSCRIPTION, OTHER], PUBLIC_URL, NOON, newest)
    assert is_site_current(store, [SUBSCRIPTION], PUBLIC_URL)
    assert is_site_current(store, [SUBSCRIPTION, replace(NEVER, retired=True)], PUBLIC_URL)


# ---------------------------------------------------------------- several configurations

NEVER = Subscription("a-third", "https://third.example.org/rss")
CONFIGURATIONS = (
    (SUBSCRIPTION,),
    (replace(OTHER, title="Ours <&>"), NEVER),
    (replace(SUBSCRIPTION, slug="old", retired=True, url=""),),
)


def shared_store() -> MemoryStore:
    """A store with a feed of each configuration; one of them fails, one was never asked."""
    store = MemoryStore()
    Scene(document(2, 1), store, replace(SUBSCRIPTION, slug="old")).refresh()
    Scene(document(2, 1), store).refresh()
    failing = Scene(document(3), store, replace(OTHER, title="Ours <&>"))
    failing.refresh()
    failing.now += timedelta(microseconds=1)
    failing.says(FetchError(Kind.DNS, "no such name"))
    failing.refresh()
    return store


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_configurations_that_take_turns_on_a_store_write_nothing_in_the_end(
    order: tuple[int, ...],
) -> None:
    store = CountingStore(memory := shared_store())
    for turn in order:
        publish_site(store, CONFIGURATIONS[turn], PUBLIC_URL, NOON, newest)
    survey_feeds(memory, NOON)  # the index follows what the last one has made of a retired feed
    store.reset()
    for turn in (*order, *reversed(order)):
        assert publish_site(store, CONFIGURATIONS[turn], PUBLIC_URL, NOON, newest).published == ()
    assert store.writes == []
    found = json.loads(memory.objects["public/status.json"])["feeds"]
    assert [(feed["feed"], feed["title"], feed["retired"]) for feed in found] == [
        ("news", "Example News", False),
        ("old", "Example News", True),
        ("other", "Ours <&>", False),
    ]


def test_line_of_a_feed_that_is_not_configured_stays_as_it_was_published() -> None:
    Scene(document(2, 1), store := MemoryStore()).refresh()
    other = Scene(document(3), store, OTHER)
    other.refresh()
    before = published(store, SUBSCRIPTION, replace(OTHER, title="Ours"))["other"]
    other.says(document(4, 3))
    other.later(hours=1)
    other.refresh()
    assert published(store, SUBSCRIPTION, now=other.now)["other"] == before
    assert published(store, SUBSCRIPTION, OTHER, now=other.now)["other"] != before


def test_feed_that_is_not_configured_is_not_in_the_gauges() -> None:
    other = Scene(FetchError(Kind.DNS, "no such name"), store := MemoryStore(), OTHER)
    other.refresh()
    Scene(document(2, 1), store).refresh()
    publish_site(store, [SUBSCRIPTION, OTHER], PUBLIC_URL, NOON, newest)
    later = NOON + timedelta(days=90)
    site = publish_site(store, [SUBSCRIPTION], PUBLIC_URL, later, newest)
    assert gauges(site.lines, later) == Gauges(1, 0, 0, 0, quiet=1, newly_failing=0)


def test_feed_that_was_deleted_from_the_store_is_forgotten() -> None:
    Scene(document(2, 1), store := MemoryStore()).refresh()
    Scene(document(3), store, OTHER).refresh()
    assert list(published(store, SUBSCRIPTION, OTHER)) == ["news", "other"]
    del_folder(store, "data/other/")
    del_folder(store, "state/other")
    assert list(published(store, SUBSCRIPTION)) == ["news"]


def del_folder(store: MemoryStore, prefix: str) -> None:
    for key in [key for key in store.objects if key.startswith(prefix)]:
        del store.objects[key]


def test_feeds_that_no_site_has_told_of_are_listed_as_their_states_have_them() -> None:
    store = shared_store()
    found = published(store, SUBSCRIPTION)
    assert {slug: (feed["title"], feed["retired"]) for slug, feed in found.items()} == {
        "news": ("Example News", False),
        "old": ("Example News", False),
        "other": ("Example News", False),
    }
    assert found["other"]["failing"] == "blocked"
    assert found["other"]["render_key"] is None
    store.objects["state/other.json"] = b"damaged"
    del store.objects["public/status.json"]
    assert list(published(store, SUBSCRIPTION)) == ["news", "old"]


def test_line_that_another_run_publishes_meanwhile_is_not_lost() -> None:
    """In any order of steps of two configurations."""
    titled = replace(OTHER, title="Ours")

    def make(turnstile: Turnstile) -> tuple[MemoryStore, list[Callable[[], object]]]:
        store = MemoryStore()
        store.objects = dict(beginning)
        shared = YieldingStore(store, turnstile)
        return store, [
            lambda: publish_site(
                shared, [replace(SUBSCRIPTION, title="A")], PUBLIC_URL, NOON, newest
            ),
            lambda: publish_site(shared, [titled], PUBLIC_URL, NOON, newest),
        ]

    Scene(document(2, 1), first := MemoryStore()).refresh()
    Scene(document(3), first, OTHER).refresh()
    publish_site(first, [SUBSCRIPTION, OTHER], PUBLIC_URL, NOON, newest)
    beginning = first.objects
    for run in (*explore(make, max_preemptions=1), *sample(make, 30)):
        assert run.errors == (None, None), str(run)
        page = run.store.objects["public/index.html"]
        found = json.loads(run.store.objects["public/status.json"])["feeds"]
        assert [feed["title"] for feed in found] == ["A", "Ours"], str(run)
        assert b">A</a>" in page, str(run)
        assert b">Ours</a>" in page, str(run)


moments = st.none() | st.integers(0, 4_000_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))
texts = st.none() | st.text()
feed_lines = st.builds(
    FeedLine,
    st.text(),
    texts,
    st.none() | st.dictionaries(st.text(), st.text(), min_size=1),
    moments,
    texts,
    moments,
    is_retired=st.booleans(),
    page=texts,
    language=texts,
    source=texts,
    render_key=texts,
)


@given(
    st.lists(feed_lines, unique_by=lambda line: line.slug), st.builds(Deployment, digest=st.text())
)
def test_lines_are_read_back_as_they_were_written(
    lines: list[FeedLine], deployment: Deployment
) -> None:
    """So the documents that are made from them are the same, too."""
    status = parse_status(status_document(lines, PUBLIC_URL, deployment))
    assert list(status.lines.values()) == lines
    assert (status.deployment, status.public_url) == (deployment, PUBLIC_URL)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"deployment": 7, "public_url": "p", "feeds": []}',
        b'{"deployment": {}, "public_url": 7, "feeds": []}',
        b'{"deployment": {}, "public_url": "p", "feeds": [{}]}',
        b'{"deployment": {}, "public_url": "p", "feeds": 7}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_status_of_somebody_else_s_making_says_nothing(body: bytes) -> None:
    assert parse_status(body) == Status()


@pytest.mark.parametrize("name", ["404.html", "index.html"])
def test_page_of_the_site_runs_nothing_and_is_read_without_a_style_of_its_own(name: str) -> None:
    store = MemoryStore()
    publish_site(store, [SUBSCRIPTION], PUBLIC_URL, NOON, newest)
    page = store.objects[f"public/{name}"].lower()
    assert page.startswith(b"<!doctype html>")
    assert b"<script" not in page
    assert b"style=" not in page


def test_index_leads_to_the_pages_of_the_feeds() -> None:
    Scene(document(2, 1), store := MemoryStore()).refresh()
    named = replace(SUBSCRIPTION, title="Fish & <i>chips</i>")
    publish_site(store, [named, OTHER], PUBLIC_URL, NOON, newest)
    page = store.objects["public/index.html"].decode()
    links = [str(link) for link in etree.HTML(page).xpath("//a/@href")]
    assert f"{PUBLIC_URL}/news/" in [urljoin(f"{PUBLIC_URL}/", link) for link in links]
    assert "Fish &amp; &lt;i&gt;chips&lt;/i&gt;" in page


def test_standing_has_what_the_origin_says_of_itself() -> None:
    feed = Feed(title="News", link="https://news.example.org/", language="en-GB")
    found = line_of(SUBSCRIPTION, indexed(State(feed=feed), ""), PUBLIC_URL, NOON)
    assert (found.source, found.language) == ("https://news.example.org/", "en-GB")


# ---------------------------------------------------------------- quiet


def state_with(*hours_ago: float) -> State:
    seen = {
        f"k{n}": KnownEntry("d", int((NOON - timedelta(hours=hours)).timestamp()))
        for n, hours in enumerate(hours_ago)
    }
    return State(known_entries=KnownEntries.of(seen))


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
def test_feed_is_quiet_if_nothing_came_for_far_longer_than_its_update_interval(
    hours_ago: tuple[float, ...], quiet: bool
) -> None:
    at = quiet_at(state_with(*hours_ago))
    assert (at is not None and at < NOON) is quiet


def test_feed_that_fails_is_not_called_quiet_too() -> None:
    failing = Failing("dns", "blocked", NOON, "m")
    assert quiet_at(replace(state_with(2000), failing=failing)) is None


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
    found = gauges([FeedLine("a", failing=group, failing_since=since), FeedLine("b")], NOON)
    assert found.configured == 2
    assert (getattr(found, gauge), found.newly_failing) == (lasting, newly)
    assert found.blocked + found.broken + found.unreachable == lasting


# ---------------------------------------------------------------- two deployments


def test_older_deployment_leaves_the_documents_of_the_site_alone() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    elsewhere = "https://elsewhere.example.net"
    publish_site(scene.store, [SUBSCRIPTION], elsewhere, NOON, partial(Deployment, 2))
    before = dict(scene.store.objects)  # type: ignore[attr-defined]
    site = publish_site(scene.store, [SUBSCRIPTION], PUBLIC_URL, NOON, partial(Deployment, 1))
    assert site.published == ()
    assert before == scene.store.objects  # type: ignore[attr-defined]
    site = publish_site(scene.store, [SUBSCRIPTION], PUBLIC_URL, NOON, partial(Deployment, 3))
    assert "index.html" in site.published


def test_older_deployment_leaves_the_line_of_a_feed_as_the_newer_one_has_it() -> None:
    scene = Scene(document(2, 1))
    theirs = replace(SUBSCRIPTION, title="Theirs")
    scene.subscription = theirs
    scene.refresh()
    scene.deployment = newest
    scene.refresh()
    publish_site(scene.store, [theirs], PUBLIC_URL, NOON, newest)
    ours = [replace(SUBSCRIPTION, title="Ours")]
    assert publish_site(scene.store, ours, PUBLIC_URL, NOON, Deployment).published == ()
    assert publish_site(scene.store, ours, PUBLIC_URL, NOON, newest).published


def test_retired_feed_of_an_older_deployment_keeps_its_line() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    publish_site(scene.store, [SUBSCRIPTION], PUBLIC_URL, NOON, newest)
    retired = [replace(SUBSCRIPTION, retired=True)]
    assert publish_site(scene.store, retired, PUBLIC_URL, NOON, Deployment).published == ()
