"""The feed index: a cache that costs what has changed, and is never believed over the states."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from effort import amount
from feedmirror.errors import FetchError, Kind
from feedmirror.layout import FEED_INDEX, slug_of_state
from feedmirror.mirror import feed_index, state_codec
from feedmirror.mirror.deployment import Renewal
from feedmirror.mirror.feed_index import FeedIndex, IndexedFeed, indexed
from feedmirror.mirror.gone import Sightings
from feedmirror.mirror.schedule import Asks
from feedmirror.mirror.state import Address, Failing, State
from feedmirror.mirror.tasks import tasks_of
from feedmirror.model import Feed, Reason, Removal
from feedmirror.publishing.formats.status import line_of
from feedmirror.storage.feed_index import survey_feeds
from scene import NOON, PUBLIC_URL, SUBSCRIPTION, Scene, document
from stores import CountingStore, MemoryStore, YieldingStore, explore

SLUGS = ("blog", "news", "sport")


@cache
def _mirrored(slug: str) -> dict[str, bytes]:
    scene = Scene(document(2, 1), store := MemoryStore(), replace(SUBSCRIPTION, slug=slug))
    scene.refresh()
    return store.objects


def mirrored(*slugs: str) -> MemoryStore:
    """A store with a feed of two entries under each slug."""
    store = MemoryStore()
    for slug in slugs:
        store.objects |= _mirrored(slug)
    return store


def truth(store: MemoryStore, now: datetime = NOON) -> dict[str, IndexedFeed]:
    """What the states themselves say."""
    return {
        slug: indexed(state_codec.load_known(store.objects[one.key], one.key).as_of(now), one.mark)
        for one in store.listed("state/")
        if (slug := slug_of_state(one.key))
    }


# ---------------------------------------------------------------- what it costs


def test_first_survey_reads_every_state_and_the_next_ones_only_what_has_changed() -> None:
    store = CountingStore(memory := mirrored(*SLUGS))
    assert survey_feeds(store, NOON).feeds == truth(memory)
    assert store.loads == [FEED_INDEX, *(f"state/{slug}.json" for slug in SLUGS)]
    store.reset()
    survey_feeds(store, NOON)
    assert store.operations == [("load", FEED_INDEX), ("listed", "state/")]
    changed = Scene(document(3, 2, 1), memory, replace(SUBSCRIPTION, slug="news"))
    changed.later(hours=1)
    changed.refresh()
    store.reset()
    assert survey_feeds(store, changed.now).feeds == truth(memory, changed.now)
    assert store.loads == [FEED_INDEX, "state/news.json"]
    assert store.writes == [FEED_INDEX]


def test_store_without_states_gets_no_index() -> None:
    store = CountingStore(MemoryStore())
    assert survey_feeds(store, NOON).feeds == {}
    assert store.writes == []


# ---------------------------------------------------------------- whatever lies in its place


def _stale(index: FeedIndex) -> bytes:
    feeds = {slug: replace(one, mark="other", title="Old") for slug, one in index.feeds.items()}
    return feed_index.dump(FeedIndex(feeds))


def _of_others(index: FeedIndex) -> bytes:
    return feed_index.dump(FeedIndex({"gone": index.feeds["news"]}))


def _huge(index: FeedIndex) -> bytes:
    one = replace(index.feeds["news"], title="x" * 50_000)
    return feed_index.dump(FeedIndex({f"feed-{number}": one for number in range(1_000)}))


DAMAGE: dict[str, Callable[[FeedIndex], bytes]] = {
    "stale": _stale,
    "of slugs that are gone": _of_others,
    "of fifty megabytes": _huge,
    "cut": lambda index: feed_index.dump(index)[:-9],
    "empty": lambda _: b"",
    "no JSON": lambda _: b"\xff\x00<html>",
    "of another shape": lambda _: b'{"schema":1,"feeds":{"news":[1,2]}}',
    "of a later schema": lambda index: feed_index.dump(index).replace(b":1,", b":2,", 1),
    "nested": lambda _: b'{"schema":1,"feeds":' + b"[" * 100_000,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_index_that_cannot_be_used_is_made_anew_from_the_states(
    damage: Callable[[FeedIndex], bytes],
) -> None:
    store = mirrored(*SLUGS)
    survey_feeds(store, NOON)
    whole = store.objects[FEED_INDEX]
    store.objects[FEED_INDEX] = damage(feed_index.load(whole))
    assert survey_feeds(store, NOON).feeds == truth(store)
    assert store.objects[FEED_INDEX] == whole


def test_state_that_cannot_be_read_is_named_and_read_again_each_time() -> None:
    store = CountingStore(memory := mirrored(*SLUGS))
    memory.objects["state/news.json"] = b'{"schema":1,"tasks":7}'
    for _ in range(2):
        store.reset()
        survey = survey_feeds(store, NOON)
        assert survey.unreadable == {"news"}
        assert survey.feeds.keys() == {"blog", "sport"}
        assert "state/news.json" in store.loads


def test_two_that_write_the_index_at_once_both_know_what_the_states_say() -> None:
    def make(turnstile):
        store = mirrored("blog", "news")
        yielding = YieldingStore(store, turnstile)
        return store, [lambda: survey_feeds(yielding, NOON)] * 2

    for run in explore(make, max_preemptions=2):
        assert run.errors == (None, None), str(run)
        assert [each.feeds for each in run.results] == [truth(run.store)] * 2  # type: ignore[union-attr]
        assert feed_index.load(run.store.objects[FEED_INDEX]).feeds == truth(run.store)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("refresh"), st.sampled_from(SLUGS), st.integers(1, 4)),
        st.tuples(st.just("fail"), st.sampled_from(SLUGS), st.just(0)),
        st.tuples(st.just("survey"), st.just(""), st.just(0)),
        st.tuples(st.just("damage"), st.sampled_from(list(DAMAGE)), st.just(0)),
        st.tuples(st.just("delete index"), st.just(""), st.just(0)),
        st.tuples(st.just("forget"), st.sampled_from(SLUGS), st.just(0)),
        st.tuples(st.just("put back"), st.just(""), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=amount(30))
@given(steps=STEPS)
def test_survey_agrees_with_the_states_whatever_happened_to_the_index(steps) -> None:
    store, now, kept = MemoryStore(), NOON, b""
    for what, which, number in steps:
        now += timedelta(minutes=20)
        index = store.objects.get(FEED_INDEX)
        if what in {"refresh", "fail"}:
            says = document(*range(number, 0, -1)) if number else FetchError(Kind.DNS, "no name")
            scene = Scene(says, store, replace(SUBSCRIPTION, slug=which))
            scene.now = now
            scene.refresh()
        elif what == "survey":
            assert survey_feeds(store, now).feeds == truth(store, now)
            kept = kept or store.objects.get(FEED_INDEX, b"")
        elif what == "damage" and index and "news" in feed_index.load(index).feeds:
            store.objects[FEED_INDEX] = DAMAGE[which](feed_index.load(index))
        elif what == "delete index":
            store.objects.pop(FEED_INDEX, None)
        elif what == "forget":
            store.objects = {k: b for k, b in store.objects.items() if which not in k}
        elif what == "put back" and kept:
            store.objects[FEED_INDEX] = kept
    assert survey_feeds(store, now).feeds == truth(store, now)


# ---------------------------------------------------------------- what it says of a feed


def test_feed_that_is_well_is_idle_until_the_daily_look() -> None:
    feed = survey_feeds(mirrored("news"), NOON).feeds["news"]
    known = feed.known
    assert known is not None
    assert feed.deployment is not None
    key, url = feed.deployment.digest, SUBSCRIPTION.url
    assert known.is_idle(url, key, NOON)
    assert not known.is_idle("https://elsewhere.example.org/", key, NOON)
    assert not known.is_idle(url, "another", NOON)
    assert not known.is_idle(url, key, NOON + timedelta(days=1))


def test_failing_feed_is_known_with_what_the_origin_asked() -> None:
    store = MemoryStore()
    throttled = FetchError(Kind.THROTTLED, "429", status=429, retry_after_s=1_800)
    Scene(throttled, store).refresh()
    feed = survey_feeds(store, NOON).feeds["news"]
    assert feed.known is None
    assert feed.not_before == NOON + timedelta(minutes=30)
    assert feed.failing is not None
    assert (feed.failing.group, feed.failing.since) == ("unreachable", NOON)


WELL = State(feed=Feed(title="Harbour"), complete=True, url="https://news.example.org/rss")
FAILING = Failing("dns", "unreachable", NOON, "no such name")


@pytest.mark.parametrize(
    ("changes", "days"),
    [
        ({}, None),
        ({"checked_at": NOON}, 1),
        ({"removed": {"k": Removal(NOON, Reason.COURT)}}, 30),
        ({"removed": {"k": Removal(NOON, Reason.COURT, is_over=True)}}, None),
        ({"checked_at": NOON, "removed": {"k": Removal(NOON, Reason.COURT)}}, 1),
    ],
)
def test_act_at_is_the_first_date_that_changes_a_state_by_itself(
    changes: dict, days: int | None
) -> None:
    known = indexed(replace(WELL, **changes), "").known
    assert known is not None
    assert known.act_at == (None if days is None else NOON + timedelta(days=days))


@pytest.mark.parametrize(
    "changes",
    [
        {"feed": None},
        {"complete": False},
        {"tasks": tasks_of()},
        {"failing": FAILING},
        {"fault": FAILING},
        {"gone": {WELL.url: Sightings(1, NOON)}},
        {"renewal": Renewal(1)},
        {"addresses": {WELL.url: Address(etag="x" * 280, last_modified="y" * 29)}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_feed_with_something_to_do_is_not_to_be_polled_without_its_state(changes: dict) -> None:
    assert indexed(WELL, "").known is not None
    assert indexed(replace(WELL, **changes), "").known is None


def test_index_says_all_of_a_feed_that_its_line_shows() -> None:
    state = State(feed=Feed(title="Harbour"), asks=Asks(3_600), complete=True)
    line = line_of(SUBSCRIPTION, indexed(state, ""), PUBLIC_URL, NOON)
    assert (line.title, line.documents, line.failing) == ("Harbour", None, None)
