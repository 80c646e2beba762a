"""The function that refreshes feeds: what it does for each event, says in the log, and answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from feedmirror.entrypoints.aws import mirror
from feedmirror.entrypoints.aws.messages import Due, refreshes
from feedmirror.entrypoints.aws.mirror import refresh_batch
from feedmirror.errors import ConfigError, EventError, FetchError, Kind
from feedmirror.mirror.schedule import next_due
from feedmirror.model import Outcome, Subscription
from feedmirror.storage.feed_index import survey_feeds
from lambda_function import SLUGS, Context, Stage, batch, record
from page_reading import says_retired
from scene import NOON, document
from stores import CountingStore, FailingStore

DONE: dict[str, list] = {"batchItemFailures": []}


@pytest.fixture
def stage(capsys: pytest.CaptureFixture[str]) -> Stage:
    return Stage()


# ---------------------------------------------------------------- what is asked for


def test_all_feeds_are_refreshed_if_none_is_named(stage: Stage) -> None:
    answer = stage.invoke({})
    assert stage.mirrored() == sorted(SLUGS)
    assert answer["feeds"] == answer["changed"] == 3
    assert answer["new"] == 6
    assert answer["skipped"] == []
    assert sorted(outcome["feed"] for outcome in answer["outcomes"]) == sorted(SLUGS)


def test_feeds_that_are_named_are_refreshed_and_no_others(stage: Stage) -> None:
    answer = stage.invoke({"feeds": ["sport", "news"]})
    assert stage.mirrored() == ["news", "sport"]
    assert sorted(outcome["feed"] for outcome in answer["outcomes"]) == ["news", "sport"]


@pytest.mark.parametrize("event", [{"feeds": ["blog"]}, {"Records": None}], ids=["event", "queue"])
def test_retired_feed_is_not_polled_though_it_is_asked_for(stage: Stage, event: dict) -> None:
    stage.invoke({})
    stage.feeds["blog"] = replace(stage.feeds["blog"], retired=True)
    stage.origin.asked.clear()
    answer = stage.invoke(batch("blog") if "Records" in event else event)
    assert stage.origin.asked == []
    if "Records" in event:
        assert answer == DONE
    else:
        (outcome,) = answer["outcomes"]
        assert (answer["retired"], outcome["outcome"]) == (1, "retired")
        assert "`retired = true`" in outcome["note"]
    assert says_retired(stage.store.objects["public/blog/index.html"])


def test_name_that_is_not_configured_stops_all_before_anything_is_fetched(stage: Stage) -> None:
    with pytest.raises(EventError, match=r"^not configured: sprot; the feeds of"):
        stage.invoke({"feeds": ["news", "sprot"]})
    assert stage.origin.asked == []
    assert stage.logged("event refused")[0]["error"].startswith("not configured: sprot")


def test_refusal_stays_short_whatever_is_asked_for(stage: Stage) -> None:
    for event in ({"feeds": ["x" * 1_000_000, *map(str, range(1000))]}, {"y" * 1_000_000: 1}):
        with pytest.raises(EventError) as caught:
            stage.invoke(event)
        assert len(str(caught.value)) < 2_000


def test_tick_refreshes_the_feeds_that_became_due_in_it(stage: Stage) -> None:
    due = next_due("blog", 900, NOON)
    stage.now = due + timedelta(seconds=20)
    at = due.isoformat()
    others = [s for s in SLUGS if next_due(s, 900, due - timedelta(minutes=1)) == due]
    answer = stage.invoke({"tick": "1 minute", "at": at})
    assert stage.mirrored() == sorted(others)
    assert "blog" in others
    assert answer["feeds"] == len(others) < 3


def test_every_tick_of_an_interval_together_asks_each_origin_once(stage: Stage) -> None:
    for minutes in range(0, 15, 5):
        at = NOON + timedelta(minutes=minutes)
        stage.now = at + timedelta(seconds=3)
        stage.invoke({"tick": "5 minutes", "at": at.isoformat()})
    assert sorted(stage.origin.asked) == sorted(stage.url(slug) for slug in SLUGS)


def test_wrong_event_is_logged_and_fails_the_invocation(stage: Stage) -> None:
    with pytest.raises(EventError):
        stage.invoke({"feed": "news"})
    assert [(level, said) for level, said, _ in stage.log.events] == [("error", "event refused")]


# ---------------------------------------------------------------- a queue's messages


def test_batch_that_is_done_has_no_failures(stage: Stage) -> None:
    assert stage.invoke(batch(*SLUGS)) == DONE
    assert stage.mirrored() == sorted(SLUGS)


def test_origin_s_failure_is_no_failed_message(stage: Stage) -> None:
    stage.origin.answers[stage.url("blog")] = FetchError(Kind.LEGAL, "withheld", status=451)
    assert stage.invoke(batch(*SLUGS)) == DONE
    assert [e["error_group"] for e in stage.logged("feed refreshed") if "error_group" in e] == [
        "blocked"
    ]


def sent_again(stage: Stage) -> list[tuple[str, int]]:
    """The feeds that were sent again, one to a message, with their attempts."""
    assert all(len(body.feeds) == 1 for body in stage.queue.refreshes)
    return sorted((*body.feeds, body.attempt) for body in stage.queue.refreshes)  # type: ignore[misc]


def given_up(stage: Stage) -> list[str]:
    return stage.dead_letters.slugs


def test_feeds_that_our_own_fault_stopped_are_sent_again_and_no_others() -> None:
    slugs = tuple(f"feed-{number}" for number in range(10))
    bad = {"feed-2", "feed-5", "feed-9"}
    stage = Stage(slugs, threads=10)
    failing = FailingStore(stage.store, lambda _, key: key.split("/")[1] in bad)
    assert stage.invoke(batch(*slugs), store=failing) == DONE
    assert sent_again(stage) == [(slug, 1) for slug in sorted(bad)]
    assert stage.mirrored() == sorted(set(slugs) - bad)
    errors = [extra for level, _, extra in stage.log.events if level == "error"]
    assert {extra["feed"] for extra in errors} == bad
    assert {extra["error_kind"] for extra in errors} == {"store"}
    for slug in sorted(bad):
        assert stage.invoke(batch(slug, attempt=1)) == DONE
    assert stage.mirrored() == sorted(slugs)


def test_feed_that_fails_at_its_last_attempt_is_given_up_by_name(stage: Stage) -> None:
    failing = FailingStore(stage.store, lambda _, key: "blog" in key)
    for attempt in (1, 2):
        assert stage.invoke(batch("blog", attempt=attempt), store=failing) == DONE
        assert given_up(stage) == []
    stage.queue.messages.clear()
    assert stage.invoke(batch("blog", attempt=3), store=failing) == DONE
    assert (given_up(stage), stage.queue.slugs) == (["blog"], [])
    assert stage.logged("feed given up") == [{"feed": "blog", "attempts": 4}]


def test_message_is_held_for_as_long_as_the_function_may_run_and_no_longer(stage: Stage) -> None:
    stage.invoke(batch("news"), Context(120.0))
    assert stage.queue.held == [("AQEB", 130)]


def test_message_that_comes_again_since_its_process_died_is_divided(stage: Stage) -> None:
    assert stage.invoke(batch(*SLUGS, receives=2)) == DONE
    assert (stage.origin.asked, given_up(stage)) == ([], [])
    assert sent_again(stage) == [(slug, 1) for slug in sorted(SLUGS)]
    assert stage.logged("message divided") == [{"feeds": list(SLUGS)}]


def test_single_feed_at_which_a_process_died_is_given_up(stage: Stage) -> None:
    assert stage.invoke(batch("blog", attempt=1, receives=2)) == DONE
    assert (stage.origin.asked, stage.queue.slugs, given_up(stage)) == ([], [], ["blog"])


def test_message_whose_feeds_cannot_be_sent_again_is_left_to_the_queue(stage: Stage) -> None:
    stage.queue.refuses["blog"] = "busy"
    failing = FailingStore(stage.store, lambda _, key: "blog" in key)
    answer = stage.invoke(batch(*SLUGS), store=failing)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert stage.logged("message not sent") == [{"feed": "blog", "error": "busy"}]


@pytest.mark.row("O2")
def test_message_that_comes_again_later_changes_nothing(stage: Stage) -> None:
    stage.invoke(batch("news"))
    before = dict(stage.store.objects)
    stage.invoke(batch("news"))
    assert stage.store.objects == before


def test_feed_that_the_index_knows_is_polled_without_its_state(stage: Stage) -> None:
    stage.invoke(batch("news"))
    known = survey_feeds(stage.store, stage.now).feeds["news"].known
    (message,) = refreshes([Due("news", known)], "t2")
    store = CountingStore(stage.store)
    assert stage.invoke({"Records": [record(message.body)]}, store=store) == DONE
    assert store.operations == []
    assert stage.logged("run finished")[-1]["nothing_new"] == ["news"]


def test_message_for_a_feed_that_was_removed_is_dropped_with_a_warning(stage: Stage) -> None:
    assert stage.invoke(batch("news", "removed")) == DONE
    assert stage.mirrored() == ["news"]
    assert stage.logged("message dropped") == [
        {"message_id": "m1", "error": "no feed 'removed' is configured"}
    ]


def test_message_that_is_not_understood_is_left_to_the_queue_and_stops_no_other(
    stage: Stage,
) -> None:
    event = {"Records": [record("{"), *batch("blog")["Records"]]}  # type: ignore[misc]
    event["Records"][1]["messageId"] = "m2"
    answer = stage.invoke(event)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert stage.mirrored() == ["blog"]
    [said] = stage.logged("message refused")
    assert said["message_id"] == "m1"
    assert "accepted" in said["error"]


def test_bug_in_one_refresh_stops_no_other(stage: Stage) -> None:
    def surprise() -> bytes:
        raise ZeroDivisionError("of all things")

    stage.origin.answers[stage.url("blog")] = surprise
    assert stage.invoke(batch(*SLUGS)) == DONE
    assert sent_again(stage) == [("blog", 1)]
    assert stage.mirrored() == ["news", "sport"]
    [said] = [extra for level, _, extra in stage.log.events if level == "error"]
    assert (said["error_kind"], said["error"]) == ("bug", "ZeroDivisionError: of all things")


# ---------------------------------------------------------------- time


@pytest.mark.row("O1")
def test_feeds_for_which_there_is_no_time_are_not_started_and_retried() -> None:
    stage = Stage(threads=1)
    stage.feeds = {s: replace(feed, timeout_s=20) for s, feed in stage.feeds.items()}
    stage.invoke(batch(*SLUGS), Context(lambda: 29.0 if stage.origin.asked else 100.0))
    assert stage.mirrored() == ["news"]
    assert sent_again(stage) == [("blog", 1), ("sport", 1)]
    [said] = stage.logged("run timed out")
    assert said == {"unfinished": [], "not_started": ["blog", "sport"]}
    assert stage.logged("run finished")[0]["skipped"] == 2


@pytest.mark.row("O1")
def test_feed_that_hangs_is_unfinished_and_the_response_is_in_time() -> None:
    stage, released = Stage(), threading.Event()

    def hang() -> bytes:
        released.wait(30)
        return document(2, 1)

    stage.origin.answers[stage.url("blog")] = hang
    started = time.monotonic()
    ends = started + 3.4
    try:
        answer = stage.invoke(batch(*SLUGS), Context(lambda: ends - time.monotonic()))
        assert time.monotonic() < ends - 1
    finally:
        released.set()
    assert answer == DONE
    assert sent_again(stage) == [("blog", 1)]
    [said] = stage.logged("run timed out")
    assert said["unfinished"] == ["blog"]


def test_outcome_is_logged_when_it_comes_and_not_only_in_the_end(stage: Stage) -> None:
    def hang() -> bytes:
        deadline = time.monotonic() + 10
        while len(stage.logged("feed refreshed")) < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
        return document(len(stage.logged("feed refreshed")))

    stage.origin.answers[stage.url("news")] = hang
    stage.invoke({})
    assert "<title>Entry 2</title>" in stage.store.objects["public/news/rss.xml"].decode()


def test_routine_outcomes_share_one_event(stage: Stage) -> None:
    stage.invoke({})
    stage.log.events.clear()
    stage.invoke({})
    [(level, said, extra)] = stage.log.events
    assert (level, said, extra["unchanged"]) == ("info", "run finished", 3)
    assert sorted(extra["nothing_new"]) == sorted(SLUGS)


def test_recovered_feed_has_an_event_of_its_own(stage: Stage) -> None:
    stage.invoke({"feeds": ["news"]})
    stage.origin.answers[stage.url("news")] = FetchError(Kind.TIMEOUT, "no answer")
    stage.invoke({"feeds": ["news"]})
    stage.origin.answers[stage.url("news")] = document(2, 1)
    stage.log.events.clear()
    stage.invoke({"feeds": ["news"]})
    [said] = stage.logged("feed refreshed")
    assert (said["outcome"], said["recovered"]) == ("unchanged", True)
    assert "nothing_new" not in stage.logged("run finished")[0]


def test_feeds_by_name_that_were_not_done_are_reported() -> None:
    stage = Stage(threads=1)
    answer = stage.invoke({}, Context(lambda: 9.0 if stage.origin.asked else 100.0))
    assert (stage.mirrored(), answer["skipped"]) == (["news"], ["blog", "sport"])
    assert answer["feeds"] == 1


def test_function_with_a_short_timeout_still_starts_a_feed_with_a_long_one() -> None:
    feed = Subscription("slow", "https://slow.example.org/", timeout_s=300)
    result = refresh_batch([feed], lambda f: Outcome(f.slug, "unchanged"), 1, lambda: 30.0, print)
    assert [outcome.feed for outcome in result.outcomes] == ["slow"]


def test_no_more_feeds_are_refreshed_at_once_than_there_are_threads() -> None:
    running, most = 0, 0
    lock = threading.Lock()

    def attempt(feed: Subscription) -> Outcome:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return Outcome(feed.slug, "unchanged")

    feeds = [Subscription(f"f{n}", "https://example.org/") for n in range(12)]
    told: list[Outcome] = []
    result = refresh_batch(feeds, attempt, 4, lambda: 60.0, told.append)
    assert {outcome.feed for outcome in result.outcomes} == {feed.slug for feed in feeds}
    assert tuple(told) == result.outcomes
    assert most == 4


def test_no_thread_is_left_when_all_feeds_are_done(stage: Stage) -> None:
    before = threading.active_count()
    stage.invoke({})
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before  # those of other tests may end meanwhile


# ---------------------------------------------------------------- init


@pytest.fixture
def fresh() -> Iterator[None]:
    mirror._function.cache_clear()
    yield
    mirror._function.cache_clear()


def test_configuration_that_cannot_be_used_stops_the_init_with_a_line_for_each_problem(
    fresh: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    monkeypatch.delenv("FEEDMIRROR_STORE", raising=False)
    with pytest.raises(ConfigError):
        mirror.handler({}, Context())
    said = capsys.readouterr().err
    assert said.count('"message":"configuration refused"') == 3 == said.count("\n")
    assert "feeds.toml: cannot be read: No such file or directory" in said
    assert "FEEDMIRROR_STORE: is not set; s3://BUCKET or s3://BUCKET/PREFIX" in said


@pytest.mark.row("O3")
def test_outcome_of_an_earlier_invocation_does_not_change_the_next(stage: Stage) -> None:
    def broken(_: str, __: str) -> bool:
        return True

    stage.invoke(batch(*SLUGS), store=FailingStore(stage.store, broken))
    assert len(sent_again(stage)) == 3
    stage.now = datetime.fromisoformat("2026-03-02T12:01:00+00:00")
    assert stage.invoke(batch(*SLUGS)) == DONE
