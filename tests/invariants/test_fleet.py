"""dispatch, queue and mirror together, whatever becomes of the feed index and the clock.

Nothing is lost, and no origin is asked more often than it is due, or before the time it asked for.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from effort import amount
from feedmirror.entrypoints.aws.dispatch import DispatchFunction
from feedmirror.entrypoints.aws.environment import Environment
from feedmirror.errors import FetchError, Kind
from feedmirror.layout import FEED_INDEX
from feedmirror.mirror.schedule import is_due
from feedmirror.model import Disclaimer
from lambda_function import SLUGS, Context, Stage, record
from scene import PUBLIC_URL, document

TICK = timedelta(minutes=5)
RETRY_S = 3_600
GARBAGE = (b"", b"{", b'{"schema":1,"feeds":{"news":[]}}', b'{"schema":2,"feeds":{}}', b"x" * 999)


class Fleet:
    """The two functions over one store, with a queue between them that is worked off at once."""

    def __init__(self) -> None:
        self.stage = Stage(SLUGS)
        self.all = dict(self.stage.feeds)
        self.newest = dict.fromkeys(SLUGS, 1)  # the newest entry of each origin
        self.not_before: dict[str, datetime] = {}
        self.due: Counter[str] = Counter()  # points of the grid that ticks were about
        self.too_soon: list[tuple[str, datetime]] = []
        self.kept: list[bytes] = []  # indexes of earlier
        for slug in SLUGS:
            self.says(slug)

    def says(self, slug: str, *, throttled: bool = False) -> None:
        """What the origin answers from now on."""
        url = self.all[slug].url

        def answer() -> bytes:
            now = self.stage.now
            if now < self.not_before.get(slug, now):
                self.too_soon.append((slug, now))  # an assertion would be the feed's outcome
            if throttled:
                self.not_before[slug] = now + timedelta(seconds=RETRY_S)
                raise FetchError(Kind.THROTTLED, "429", status=429, retry_after_s=RETRY_S)
            return document(*range(self.newest[slug], 0, -1))

        self.stage.origin.answers[url] = answer

    def tick(self, late: timedelta = timedelta()) -> None:
        """A tick of the schedule, which may come late."""
        until = self.stage.now + TICK
        self.stage.now = until + late
        for slug, feed in self.stage.feeds.items():
            self.due[slug] += is_due(slug, feed.every_s, until - TICK, until)
        environment = Environment("s3://b", PUBLIC_URL, "b1", self.stage.feeds, 2, 1)
        dispatch = DispatchFunction(
            environment,
            self.stage.queue,
            lambda: self.stage.renewals,
            lambda: self.stage.store,
            clock=lambda: self.stage.now,
            log=self.stage.log,
        )
        dispatch.invoke({"tick": "5 minutes", "at": until.isoformat()}, Context())
        while self.stage.queue.messages:
            _, message = self.stage.queue.messages.popitem()
            answer = self.stage.invoke({"Records": [record(message.body)]})
            assert answer == {"batchItemFailures": []}

    def ticks(self, count: int) -> None:
        for _ in range(count):
            self.tick()

    def polls(self, slug: str) -> int:
        return self.stage.origin.asked.count(self.all[slug].url)

    def entries(self, slug: str) -> list[int]:
        """The numbers of the entries that are public."""
        body = self.stage.store.objects[f"public/{slug}/rss.xml"].decode()
        return [n for n in range(1, 30) if f"<title>Entry {n}</title>" in body]


STEP = st.one_of(
    st.tuples(st.just("ticks"), st.sampled_from([1, 3, 7])),
    st.tuples(st.just("ticks"), st.sampled_from([1, 3, 7])),
    st.tuples(st.just("ticks"), st.sampled_from([1, 3, 7])),
    st.tuples(st.just("late tick"), st.sampled_from([1, 240])),  # minutes
    st.tuples(st.just("news"), st.sampled_from(SLUGS)),
    st.tuples(st.just("throttle"), st.sampled_from(SLUGS)),
    st.tuples(st.just("calm"), st.sampled_from(SLUGS)),
    st.tuples(st.just("delete index"), st.just(0)),
    st.tuples(st.just("garbage"), st.sampled_from(GARBAGE)),
    st.tuples(st.just("put back"), st.just(0)),
    st.tuples(st.just("remove"), st.sampled_from(SLUGS)),
    st.tuples(st.just("configure"), st.sampled_from(SLUGS)),
)


def take(fleet: Fleet, what: str, which: object) -> None:
    """Do a step."""
    stage, slug = fleet.stage, str(which)
    index = stage.store.objects.get(FEED_INDEX)
    fleet.kept += [index] if index else []
    if what == "ticks":
        fleet.ticks(int(str(which)))
    elif what == "late tick":
        fleet.tick(timedelta(minutes=int(str(which))))
    elif what == "news":
        fleet.newest[slug] += 1
    elif what in {"throttle", "calm"}:
        fleet.says(slug, throttled=what == "throttle")
    elif what == "delete index":
        stage.store.objects.pop(FEED_INDEX, None)
    elif what == "garbage" and index:
        stage.store.objects[FEED_INDEX] = which  # type: ignore[assignment]
    elif what == "put back" and fleet.kept:
        stage.store.objects[FEED_INDEX] = fleet.kept[0]
    elif what == "remove":
        stage.feeds.pop(slug, None)
    elif what == "configure":
        words = Disclaimer(text=f"As of {stage.now}.")
        stage.feeds[slug] = replace(fleet.all[slug], disclaimer=words)


@settings(max_examples=amount(25))
@given(steps=st.lists(STEP, max_size=25))
def test_fleet_loses_nothing_and_asks_no_origin_too_often(steps) -> None:
    fleet = Fleet()
    for step in (("ticks", 4), *steps):  # all are mirrored first
        take(fleet, *step)
    assert all(fleet.polls(slug) <= fleet.due[slug] for slug in SLUGS)
    fleet.stage.feeds.update({s: f for s, f in fleet.all.items() if s not in fleet.stage.feeds})
    for slug in SLUGS:
        fleet.says(slug)
    for _ in range(3 * 12 * 6):  # an outage is over at the latest after a quarter of its length
        fleet.tick()
        if all(slug in fleet.stage.mirrored() for slug in SLUGS) and all(
            fleet.entries(slug) == list(range(1, fleet.newest[slug] + 1)) for slug in SLUGS
        ):
            break
    for slug in SLUGS:
        assert fleet.entries(slug) == list(range(1, fleet.newest[slug] + 1))
        assert fleet.polls(slug) <= fleet.due[slug]
    assert fleet.too_soon == []
