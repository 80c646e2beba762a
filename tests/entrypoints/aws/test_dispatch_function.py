"""The function that a schedule wakes: whom it asks for, and what it looks after once an hour."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from feedmirror.entrypoints.aws import dispatch
from feedmirror.entrypoints.aws.dispatch import DispatchFunction
from feedmirror.entrypoints.aws.environment import Environment
from feedmirror.entrypoints.aws.messages import RenewalSlice
from feedmirror.errors import ConfigError, EventError, FetchError, Kind, QueueError, StoreError
from feedmirror.layout import DEPLOYMENTS
from feedmirror.mirror.schedule import next_due
from feedmirror.model import Disclaimer, Subscription
from feedmirror.storage.deployments import (
    deploy_build,
    deploy_rebuild,
    deployment_of,
    load_deployments,
)
from feedmirror.storage.renewal_budget import count_renewed
from lambda_function import Context, Mailbox, record
from page_reading import says_retired
from recorder import Recorder
from scene import FEEDS, NOON, PUBLIC_URL, Scene, document
from site_documents import SITE
from stores import CountingStore, FailingStore, MemoryStore

SLUGS = ("news", "blog", "sport")
TICK = {"tick": "5 minutes", "at": "2026-03-02T12:25:00Z"}  # no full hour in it


READS_INDEX = [("load", "state/index"), ("listed", "state/")]


class Stage:
    """A function with a queue, a store and a clock of ours."""

    def __init__(self, slugs: tuple[str, ...] = SLUGS) -> None:
        self.feeds = {s: Subscription(s, f"https://{s}.example.org/") for s in slugs}
        self.queue = Mailbox()
        self.renewals = Mailbox()
        self.renewals_per_day = 20_000
        self.memory = MemoryStore()
        self.store = CountingStore(self.memory)
        self.now = NOON
        self.build = "b1"
        self.log = Recorder()
        self.start()

    def start(self) -> None:
        """A process anew, as after a deploy."""
        environment = Environment(
            "s3://b",
            PUBLIC_URL,
            self.build,
            self.feeds,
            4,
            1,
            renewals_per_day=self.renewals_per_day,
        )
        self.function = DispatchFunction(
            environment,
            self.queue,
            lambda: self.renewals,
            lambda: self.store,
            clock=lambda: self.now,
            log=self.log,
        )

    def invoke(self, event: object = TICK) -> dict[str, object]:
        return self.function.invoke(event, Context())

    def logged(self, message: str) -> list[dict]:
        return [extra for _, said, extra in self.log.events if said == message]

    def status(self) -> dict[str, dict]:
        found = json.loads(self.memory.objects["public/status.json"])
        return {feed["feed"]: feed for feed in found["feeds"]}

    def mirror(self, slug: str, answer: object = None, hours: float = 0) -> None:
        scene = Scene(answer or document(2, 1), self.memory, self.feeds[slug])  # type: ignore[arg-type]
        scene.later(hours=hours)
        scene.refresh()


@pytest.fixture
def stage() -> Stage:
    return Stage()


# ---------------------------------------------------------------- who is asked for


def test_tick_asks_for_the_feeds_that_became_due_in_it_and_for_no_others(stage: Stage) -> None:
    due = next_due("blog", 900, NOON)
    expected = [s for s in SLUGS if next_due(s, 900, due - timedelta(minutes=1)) == due]
    answer = stage.invoke({"tick": "1 minute", "at": due.isoformat()})
    assert stage.queue.slugs == expected
    assert answer["due"] == len(expected)
    assert {body.tick for body in stage.queue.refreshes} == {f"{due:%Y%m%dT%H%M%S}"}


def test_ticks_of_an_interval_together_ask_for_each_feed_once(stage: Stage) -> None:
    for minutes in range(0, 15, 5):
        stage.now = NOON + timedelta(minutes=minutes)
        stage.invoke({"tick": "5 minutes", "at": stage.now.isoformat()})
    assert sorted(stage.queue.slugs) == sorted(SLUGS)


def test_tick_that_is_repeated_has_the_same_name_and_another_one_has_not(stage: Stage) -> None:
    names = []
    for at in ("12:10:00", "12:10:00", "12:15:00"):
        stage.invoke({"tick": "15 minutes", "at": f"2026-03-02T{at}Z"})
        names.append({name for _, name in stage.queue.messages})
    assert names[0] == names[1] < names[2]
    assert {name.split("/")[0] for name in names[2]} == {"20260302T121000", "20260302T121500"}


def test_feeds_that_are_named_are_asked_for_whether_due_or_not(stage: Stage) -> None:
    stage.invoke({"feeds": ["sport", "news"]})
    assert sorted(stage.queue.slugs) == ["news", "sport"]
    assert {body.tick for body in stage.queue.refreshes} == {"request-1"}


@pytest.mark.parametrize("event", [{}, {"feeds": ["blog", "news"]}])
def test_retired_feed_is_queued_by_no_event(stage: Stage, event: object) -> None:
    stage.feeds["blog"] = replace(stage.feeds["blog"], retired=True)
    stage.invoke(event)
    assert "blog" not in stage.queue.slugs
    assert "news" in stage.queue.slugs


def test_retired_feed_is_never_due(stage: Stage) -> None:
    stage.feeds["blog"] = replace(stage.feeds["blog"], retired=True)
    assert stage.invoke({"tick": "1 day", "at": "2026-03-02T12:25:00Z"})["due"] == 2
    assert sorted(stage.queue.slugs) == ["news", "sport"]


@pytest.mark.slow
def test_ten_thousand_feeds_are_dispatched_by_one_tick() -> None:
    stage = Stage(tuple(f"feed-{number}" for number in range(10_000)))
    stage.memory.create("public/status.json", b"{}")
    for minutes in (0, 5, 10):
        stage.invoke({"tick": "5 minutes", "at": (NOON + timedelta(minutes=minutes)).isoformat()})
    assert len(set(stage.queue.slugs)) == len(stage.queue.slugs) == 10_000


@pytest.mark.parametrize(
    "event", [None, [], {"feed": "news"}, {"feeds": ["sprot"]}, {"Records": [record("{}")]}]
)
def test_invalid_event_is_refused_and_logged(stage: Stage, event: object) -> None:
    with pytest.raises(EventError):
        stage.invoke(event)
    assert [said for _, said, _ in stage.log.events] == ["event refused"]
    assert stage.queue.messages == {}


def test_messages_that_cannot_be_sent_fail_the_invocation_and_are_named(stage: Stage) -> None:
    stage.queue.refuses["blog"] = "AccessDenied: no"
    with pytest.raises(QueueError, match="1 of 3 not sent; the first, blog: AccessDenied: no"):
        stage.invoke({})
    assert sorted(stage.queue.slugs) == ["news", "sport"]
    assert stage.logged("message not sent") == [{"feed": "blog", "error": "AccessDenied: no"}]


def test_metric_counts_what_was_sent(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.queue.refuses["blog"] = "no"
    with pytest.raises(QueueError):
        stage.invoke({})
    assert '"FeedsDue":[2.0]' in capsys.readouterr().out


# ---------------------------------------------------------------- what origins asked for

HOURS = tuple({"tick": "1 hour", "at": f"2026-03-02T{hour}:00:00Z"} for hour in ("13", "14", "15"))


def test_retry_after_that_came_between_two_ticks_is_kept(stage: Stage) -> None:
    stage.invoke()
    throttled = FetchError(Kind.THROTTLED, "429", status=429, retry_after_s=3 * 3_600)
    stage.mirror("blog", throttled)
    asked = []
    for tick in HOURS:
        stage.queue.messages.clear()
        stage.now += timedelta(hours=1)
        stage.invoke(tick)
        asked.append(sorted(stage.queue.slugs))
    assert asked == [["news", "sport"]] * 3
    stage.queue.messages.clear()
    stage.invoke({"tick": "1 hour", "at": "2026-03-02T16:00:00Z"})
    assert sorted(stage.queue.slugs) == sorted(SLUGS)


def test_feed_that_is_named_is_asked_for_whatever_its_origin_wants(stage: Stage) -> None:
    throttled = FetchError(Kind.THROTTLED, "429", status=429, retry_after_s=3 * 3_600)
    stage.mirror("blog", throttled)
    stage.invoke({"feeds": ["blog"]})
    assert stage.queue.slugs == ["blog"]


def test_tick_that_comes_hours_late_asks_for_what_may_be_asked_at_its_own_time(
    stage: Stage,
) -> None:
    throttled = FetchError(Kind.THROTTLED, "429", status=429, retry_after_s=3 * 3_600)
    stage.mirror("blog", throttled)
    stage.now += timedelta(hours=5)
    stage.invoke({"tick": "1 hour", "at": "2026-03-02T13:00:00Z"})
    assert sorted(stage.queue.slugs) == ["news", "sport"]


def test_feed_whose_state_cannot_be_read_is_asked_for(stage: Stage) -> None:
    stage.mirror("blog")
    stage.memory.objects["state/blog.json"] = b"{}"
    stage.invoke({"tick": "1 hour", "at": "2026-03-02T13:00:00Z"})
    assert sorted(stage.queue.slugs) == sorted(SLUGS)


# ---------------------------------------------------------------- what messages carry

DAY = {"tick": "1 day", "at": "2026-03-02T12:25:00Z"}


def carried(stage: Stage) -> dict[str, bool]:
    """Whether what is known of a feed is in its message, by slug."""
    return {
        slug: known is not None
        for body in stage.queue.refreshes
        for slug, known in body.feeds.items()
    }


def test_message_carries_what_is_known_of_feeds_that_are_well_and_of_no_others(
    stage: Stage,
) -> None:
    stage.mirror("news")
    stage.mirror("blog", FetchError(Kind.DNS, "no such name"), hours=-0.5)
    stage.invoke(DAY)
    assert carried(stage) == {"news": True, "blog": False, "sport": False}


def test_feed_with_another_configuration_than_its_documents_is_sent_to_be_rendered(
    stage: Stage,
) -> None:
    stage.mirror("news")
    stage.feeds["news"] = replace(stage.feeds["news"], title="Another title")
    stage.invoke(DAY)
    assert carried(stage)["news"] is False


def test_tick_that_is_repeated_after_the_index_changed_loses_no_feed(stage: Stage) -> None:
    """Its first messages were sent under their names; those of other feeds get other names."""
    stage.queue.refuses["sport"] = "no"
    with pytest.raises(QueueError):
        stage.invoke(DAY)
    stage.queue.refuses.clear()
    stage.mirror("news", FetchError(Kind.THROTTLED, "429", status=429, retry_after_s=86_400))
    stage.invoke(DAY)
    assert "sport" in stage.queue.slugs


# ---------------------------------------------------------------- the site's own documents


def test_after_a_deploy_the_site_is_published_at_each_tick_of_the_next_hour(
    stage: Stage,
) -> None:
    assert stage.invoke()["published"] == list(SITE)
    stage.mirror("news")
    stage.now += timedelta(minutes=5)
    assert stage.invoke()["published"] == ["feeds.opml", "index.html", "status.json"]
    assert stage.status()["news"]["documents"]


def test_an_hour_after_a_deploy_a_tick_reads_the_index_and_no_state(stage: Stage) -> None:
    for slug in SLUGS:
        stage.mirror(slug)
    stage.invoke()
    stage.now += timedelta(hours=1)
    stage.store.reset()
    assert stage.invoke()["published"] == []
    assert stage.store.operations == READS_INDEX


def test_process_that_begins_without_a_deploy_reads_two_objects_more(stage: Stage) -> None:
    for slug in SLUGS:
        stage.mirror(slug)
    stage.invoke()
    stage.start()
    stage.store.reset()
    assert stage.invoke()["published"] == []
    assert stage.store.operations == [
        ("load", DEPLOYMENTS),
        *READS_INDEX,
        ("load", "public/status.json"),
    ]


def test_deploy_that_changes_the_feeds_is_noticed_by_the_next_tick(stage: Stage) -> None:
    stage.mirror("news")
    stage.mirror("blog")
    stage.invoke()
    stage.feeds["blog"] = replace(stage.feeds["blog"], retired=True)
    stage.start()
    retired = ["blog/index.html", "feeds.opml", "index.html", "status.json"]
    assert stage.invoke()["published"] == retired
    assert says_retired(stage.memory.objects["public/blog/index.html"])
    assert stage.status()["blog"]["retired"] is True
    assert stage.status()["blog"]["page"] == f"{PUBLIC_URL}/blog/"
    assert stage.status()["blog"]["documents"] == {
        name: f"{PUBLIC_URL}/blog/{name}" for name in FEEDS
    }
    assert list(stage.status()) == ["blog", "news"]


def test_deploy_that_leaves_a_feed_out_changes_nothing_of_it(stage: Stage) -> None:
    stage.mirror("news")
    stage.mirror("blog")
    stage.invoke()
    before = dict(stage.memory.objects)
    del stage.feeds["blog"]
    stage.start()
    assert stage.invoke({"tick": "1 hour", "at": "2026-03-02T13:00:00Z"})["published"] == []
    assert stage.memory.objects == before


@pytest.mark.parametrize(
    ("event", "looks"),
    [
        ({"tick": "5 minutes", "at": "2026-03-02T13:00:00Z"}, True),
        ({"tick": "5 minutes", "at": "2026-03-02T13:04:59Z"}, True),
        ({"tick": "5 minutes", "at": "2026-03-02T13:05:00Z"}, False),
        ({"tick": "5 minutes", "at": "2026-03-02T12:59:59Z"}, False),
        ({"tick": "1 hour", "at": "2026-03-02T12:59:59Z"}, True),
        ({"feeds": ["news"]}, False),
    ],
)
def test_site_is_updated_in_the_tick_that_contains_the_full_hour(
    stage: Stage, event: object, looks: bool
) -> None:
    stage.invoke()
    stage.now += timedelta(hours=1)
    stage.store.reset()
    stage.invoke(event)
    assert (("load", "public/status.json") in stage.store.operations) == looks
    assert bool(stage.logged("site published")[1:]) == looks


def test_every_full_hour_lies_in_exactly_one_of_the_ticks(stage: Stage) -> None:
    stage.invoke()
    stage.now += timedelta(hours=1)
    for minutes in range(2, 24 * 60, 5):  # the schedule began two minutes past
        at = NOON + timedelta(minutes=minutes)
        stage.invoke({"tick": "5 minutes", "at": at.isoformat()})
    assert len(stage.logged("site published")) == 1 + 24


def test_gauges_are_counted_from_the_states(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.mirror("news")
    stage.mirror("blog", FetchError(Kind.LEGAL, "withheld", status=451), hours=-5)
    stage.mirror("sport", FetchError(Kind.TIMEOUT, "no answer"), hours=-0.5)
    stage.invoke()
    gauges = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {name: gauges[name][0] for name in gauges if name.startswith("Feeds")} == {
        "FeedsConfigured": 3,
        "FeedsBlocked": 1,
        "FeedsBroken": 0,
        "FeedsUnreachable": 0,  # half an hour is nothing yet
        "FeedsQuiet": 0,
        "FeedsNewlyFailing": 1,
    }


def test_failing_store_stops_no_message_and_is_logged(stage: Stage) -> None:
    stage.store = FailingStore(stage.memory, lambda *_: True)  # type: ignore[assignment]
    with pytest.raises(StoreError):
        stage.invoke({"tick": "1 day", "at": "2026-03-02T12:25:00Z"})
    assert sorted(stage.queue.slugs) == sorted(SLUGS)
    for message in ("feed index not read", "site not published"):
        assert [list(extra) for extra in stage.logged(message)] == [["error"]]


# ---------------------------------------------------------------- renewals


HOUR = {"tick": "5 minutes", "at": "2026-03-02T13:00:00Z"}
RENEWING = ("PagesLeft", "RenewalsStalled")


def put(capsys: pytest.CaptureFixture[str], *names: str) -> dict[str, float]:
    """The last values of these metrics, as far as they were put since the last call."""
    found = {}
    for line in capsys.readouterr().out.splitlines():
        found |= {name: value[0] for name, value in json.loads(line).items() if name in names}
    return found


@pytest.fixture
def retiring(stage: Stage) -> Stage:
    """A function of a new build, which retires a feed that was mirrored with another disclaimer."""
    stage.mirror("news")
    stage.mirror("blog")
    stage.invoke()
    words = Disclaimer(text="Words of today.")
    stage.feeds["blog"] = replace(stage.feeds["blog"], retired=True, disclaimer=words)
    stage.build = "b2"
    stage.start()
    return stage


def test_pages_of_a_retired_feed_are_queued_for_renewal_each_hour(
    retiring: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    retiring.invoke()
    assert retiring.renewals.bodies == [RenewalSlice("blog", "window/3")]
    assert put(capsys, *RENEWING) == {"PagesLeft": 2, "RenewalsStalled": 0}
    assert "blog" not in retiring.queue.slugs
    retiring.now += timedelta(hours=1)
    retiring.invoke(HOUR)
    assert len(retiring.renewals.messages) == 2  # by another name, so that SQS takes it


def test_pages_of_a_feed_that_is_refreshed_are_queued_at_full_hours_alone(stage: Stage) -> None:
    stage.mirror("news")
    stage.invoke()
    stage.feeds["news"] = replace(
        stage.feeds["news"], disclaimer=Disclaimer(text="Words of today.")
    )
    scene = Scene(document(2, 1), stage.memory, stage.feeds["news"])
    scene.deployment = partial(deployment_of, stage.memory, stage.build, NOON)
    scene.refresh()
    stage.now += timedelta(minutes=5)
    stage.invoke()  # within the hour after a deploy
    assert stage.renewals.bodies == []
    stage.now += timedelta(hours=1)
    stage.invoke(HOUR)
    assert stage.renewals.bodies == [RenewalSlice("news", "window/3")]


@pytest.mark.parametrize("used_up", [True, False])
def test_renewal_is_not_queued_where_its_budget_is_used_up_or_nothing(
    retiring: Stage, capsys: pytest.CaptureFixture[str], used_up: bool
) -> None:
    retiring.renewals_per_day = 5 if used_up else 0
    count_renewed(retiring.memory, 5, retiring.now)
    retiring.start()
    retiring.invoke()
    retiring.now += timedelta(hours=11)  # the same day
    retiring.invoke(HOUR)
    assert retiring.renewals.messages == {}
    assert put(capsys, *RENEWING) == {"PagesLeft": 2, "RenewalsStalled": 0}


def test_renewal_that_the_queue_does_not_take_is_logged_and_queued_an_hour_later(
    retiring: Stage,
) -> None:
    retiring.renewals.refuses["blog"] = "AccessDenied: no"
    retiring.invoke()
    assert retiring.logged("message not sent") == [{"feed": "blog", "error": "AccessDenied: no"}]
    retiring.renewals.refuses.clear()
    retiring.now += timedelta(hours=1)
    retiring.invoke(HOUR)
    assert retiring.renewals.bodies == [RenewalSlice("blog", "window/3")]


@pytest.mark.row("O11")
@pytest.mark.parametrize(
    ("hours", "renewed_hours", "stalled"), [(23, None, 0), (24, None, 1), (30, 7, 0), (30, 5, 1)]
)
def test_renewal_stalls_where_no_page_was_renewed_for_a_day(
    retiring: Stage,
    capsys: pytest.CaptureFixture[str],
    hours: float,
    renewed_hours: float | None,
    stalled: int,
) -> None:
    count_renewed(retiring.memory, 1, retiring.now - timedelta(days=40))  # of an earlier deploy
    retiring.invoke()
    begun = retiring.now
    if renewed_hours is not None:
        count_renewed(retiring.memory, 1, begun + timedelta(hours=renewed_hours))
    put(capsys)
    retiring.now = begun + timedelta(hours=hours)
    retiring.invoke(HOUR)
    assert put(capsys, *RENEWING) == {"PagesLeft": 2, "RenewalsStalled": stalled}


@pytest.mark.row("O10")
def test_feed_whose_documents_are_of_a_newer_deployment_is_counted_and_not_renewed(
    retiring: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    retiring.invoke()
    rebuilt = replace(retiring.feeds["blog"], disclaimer=Disclaimer(text="Words of a rebuild."))
    scene = Scene(document(2, 1), retiring.memory, rebuilt)
    scene.deployment = partial(deploy_rebuild, retiring.memory, NOON)
    scene.refresh()
    retiring.renewals.messages.clear()
    retiring.now += timedelta(hours=1)
    put(capsys)
    retiring.invoke(HOUR)
    assert put(capsys, *RENEWING, "FeedsOlder") == {"FeedsOlder": 1}
    assert retiring.renewals.messages == {}


def test_metrics_of_renewals_are_not_put_where_nothing_is_renewed(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.mirror("news")
    stage.invoke()
    assert put(capsys, *RENEWING, "FeedsOlder", "FeedsConfigured") == {"FeedsConfigured": 3}


# ---------------------------------------------------------------- deploys


def test_build_becomes_the_newest_deployment_at_its_first_tick_also_after_a_rollback(
    stage: Stage,
) -> None:
    numbers = []
    for build in ("b1", "b2", "b1"):
        stage.build = build
        stage.start()
        stage.invoke()
        record = load_deployments(stage.memory)
        assert record.last_build == build
        numbers.append(record.newest)
    assert numbers == sorted(set(numbers))


def test_process_makes_its_build_the_newest_once(stage: Stage) -> None:
    stage.invoke()
    deploy_build(stage.memory, "b2", stage.now)
    stage.invoke()
    assert load_deployments(stage.memory).last_build == "b2"


def test_record_that_cannot_be_written_holds_up_no_refresh_and_is_tried_again(
    stage: Stage,
) -> None:
    stage.store = FailingStore(stage.memory, lambda _, key: key == DEPLOYMENTS)  # type: ignore[assignment]
    with pytest.raises(StoreError):  # the documents of the site, later on
        stage.invoke({"feeds": []})
    assert sorted(stage.queue.slugs) == sorted(SLUGS)
    assert [list(extra) for extra in stage.logged("build not recorded")] == [["error"]]
    stage.store = CountingStore(stage.memory)
    stage.invoke()
    assert load_deployments(stage.memory).last_build == "b1"


# ---------------------------------------------------------------- init


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "FEEDMIRROR_QUEUE_URL"),
        ({"FEEDMIRROR_QUEUE_URL": "https://sqs.example.org/1/q"}, "FEEDMIRROR_RENEWALS_URL"),
    ],
)
def test_function_without_a_queue_says_so_at_once(
    tmp_path: Path, given: dict[str, str], missing: str
) -> None:
    (tmp_path / "feeds.toml").write_text('feeds.a.url = "https://a.example.org/"\n')
    (tmp_path / "build-id").write_text("1f")
    variables = {
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "FEEDMIRROR_STORE": "s3://bucket",
        "FEEDMIRROR_PUBLIC_URL": "https://m.example.net",
        **given,
    }
    with pytest.raises(ConfigError, match=f"{missing}: is not set; the URL of an"):
        dispatch.start(variables, Recorder(), lambda: NOON)
