"""A poll by the feed index: it comes to the same as a refresh that loads the state, for less."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from effort import amount
from feedmirror.errors import FetchError, Kind
from feedmirror.mirror.feed_index import Known
from feedmirror.model import (
    Disclaimer,
    Fetched,
    Gone,
    NotModified,
    Outcome,
    Subscription,
    Validators,
)
from feedmirror.refresh import refresh
from feedmirror.storage.feed_index import survey_feeds
from scene import URL, Scene, but_number, document
from stores import CountingStore, MemoryStore

MOVED = "https://moved.example.org/rss"


class Polled(Scene):
    """A scene whose refreshes are told what the index knows."""

    def __init__(self, says: object, store: MemoryStore | None = None) -> None:
        self.memory = store or MemoryStore()
        super().__init__(says, CountingStore(self.memory))  # type: ignore[arg-type]

    def poll(self, known: Known | None = None) -> Outcome:
        if known is None:
            known = self.known()
        self.store.reset()  # type: ignore[attr-defined]
        self.origin.asked.clear()
        return refresh(self.subscription, self.world(), scheduled=True, known=known)

    def known(self) -> Known | None:
        feed = survey_feeds(self.store, self.now).feeds.get(self.subscription.slug)
        return feed.known if feed else None

    @property
    def operations(self) -> list[tuple[str, str]]:
        return self.store.operations  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def scene() -> Polled:
    scene = Polled(document(2, 1))
    scene.refresh()
    scene.later(minutes=15)
    return scene


def fetched(body: bytes, etag: str = '"1"', **changes: object) -> Fetched:
    return replace(
        Fetched(URL, body, "application/rss+xml", validators=Validators(etag)), **changes
    )


def test_feed_without_news_is_polled_without_a_look_at_the_store(scene: Polled) -> None:
    outcome = scene.poll()
    assert (outcome.outcome, outcome.http_status) == ("unchanged", 304)
    assert (scene.operations, scene.origin.asked) == ([], [URL])


def test_same_bytes_with_the_same_validators_are_no_news_either(scene: Polled) -> None:
    etag = f'"{hash(document(2, 1)):x}"'
    scene.says(fetched(document(2, 1), etag))
    assert scene.poll().outcome == "unchanged"
    assert (scene.operations, scene.origin.asked) == ([], [URL])


def test_news_are_mirrored_from_the_one_answer_that_was_asked_for(scene: Polled) -> None:
    scene.says(document(3, 2, 1))
    assert scene.poll().new == 1
    assert scene.origin.asked == [URL]
    assert "Entry 3" in scene.public()


def test_failure_is_remembered_from_the_one_answer_too(scene: Polled) -> None:
    scene.says(FetchError(Kind.THROTTLED, "429", status=429, retry_after_s=7_200))
    assert scene.poll().outcome == "failed"
    assert scene.origin.asked == [URL]
    assert scene.known() is None  # it waits, which its state has to say


NEEDS_STATE: Mapping[str, Callable[[Polled], object]] = {
    "another disclaimer": lambda s: s.configure(disclaimer=Disclaimer(text="Ours.")),
    "another address": lambda s: s.configure(url=MOVED),
    "the daily look": lambda s: s.later(days=1),
}


@pytest.mark.parametrize("change", NEEDS_STATE.values(), ids=NEEDS_STATE)
def test_state_is_loaded_first_where_something_follows_in_any_case(
    scene: Polled, change: Callable[[Polled], object]
) -> None:
    known = scene.known()
    change(scene)
    scene.origin.answers[MOVED] = document(2, 1)
    scene.poll(known)
    assert scene.operations[0] == ("load", "state/news.json")


def test_what_a_message_knows_holds_no_configured_address() -> None:
    scene = Polled(document(1))
    scene.subscription = Subscription("news", f"{URL}?token=hunter2")
    scene.origin.answers[scene.subscription.url] = document(1)
    scene.refresh()
    known = scene.known()
    assert known is not None
    assert "hunter2" not in repr(known)


def test_validators_that_are_too_long_are_not_carried(scene: Polled) -> None:
    scene.says(fetched(document(3, 2, 1), f'"{"x" * 300}"'))
    scene.refresh()
    assert scene.known() is None


def test_answer_is_as_old_as_its_request_though_the_state_is_loaded_later(scene: Polled) -> None:
    """Another run asks after this one, and commits before it: its words stay."""
    known, overtaking = scene.known(), Scene(document(2, 1, e2="Edited."), scene.memory)

    def meanwhile() -> bytes:
        overtaking.now = scene.now = scene.now + timedelta(seconds=5)
        overtaking.refresh()
        scene.later(seconds=5)
        return document(2, 1, e2="Older words.")

    scene.says(meanwhile)  # type: ignore[arg-type]
    scene.poll(known)
    assert "Edited." in scene.public()
    assert "Older words." not in scene.public()


def _redirected(body: bytes) -> Fetched:
    return fetched(body, url=MOVED, moved_to=MOVED)


ANSWERS: tuple[object, ...] = (
    document(1),
    document(2, 1),
    document(2, 1, e1="Edited."),
    fetched(document(2, 1), '"other"'),
    fetched(document(2, 1), 'W/"weak"'),
    _redirected(document(2, 1)),
    NotModified(URL),
    NotModified(URL, Validators('"unheard of"')),
    NotModified(URL, Validators(None, "Mon, 02 Mar 2026 12:00:00 GMT")),
    Gone(URL),
    FetchError(Kind.TIMEOUT, "no answer"),
    FetchError(Kind.THROTTLED, "429", status=429, retry_after_s=3_600),
    b"<html>a login page</html>",
)


@settings(max_examples=amount(25))
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(ANSWERS),
            st.sampled_from([15, 60, 1_440]),
            st.sampled_from([None, None, None, "disclaimer", "crash"]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_poll_by_the_index_comes_to_the_same_as_a_refresh(steps) -> None:
    polled, plain = Polled(document(1)), Scene(document(1))
    for answer, minutes, change in steps:
        asked = []
        for scene in (polled, plain):
            scene.later(minutes=minutes)
            scene.origin.answers[MOVED] = answer if not isinstance(answer, Fetched) else (
                replace(answer, url=MOVED)
            )  # fmt: skip
            scene.says(answer)
            if change == "disclaimer":
                scene.configure(disclaimer=Disclaimer(text=f"After {scene.now}."))
            scene.origin.asked.clear()
            is_polled = isinstance(scene, Polled)
            outcome = scene.poll() if is_polled else scene.refresh(scheduled=True)
            asked.append((scene.origin.asked, outcome.outcome, outcome.new, outcome.http_status))
        assert asked[0] == asked[1]
    plain_objects: dict[str, bytes] = plain.store.objects  # type: ignore[attr-defined]
    polled.memory.objects.pop("state/index", None)
    assert but_number(polled.memory.objects) == but_number(plain_objects)
