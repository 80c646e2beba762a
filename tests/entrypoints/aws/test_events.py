"""What an event asks for: read exactly, or refused with what would be accepted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.entrypoints.aws.events import (
    Batch,
    Named,
    Tick,
    read_event,
)
from feedmirror.entrypoints.aws.messages import Refreshes, RenewalSlice
from feedmirror.errors import EventError
from lambda_function import record

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "slugs"),
    [
        ({}, ()),
        ({"feeds": []}, ()),
        ({"feeds": ["news"]}, ("news",)),
        ({"feeds": ["b", "a", "b"]}, ("b", "a")),
    ],
)
def test_feeds_are_named_each_once_or_all_are_meant(event: object, slugs: tuple[str, ...]) -> None:
    assert read_event(event, NOON) == Named(slugs)


NEWS = '{"tick": "t1", "feeds": {"news": null}}'


def test_batch_holds_each_message_with_what_it_asks_for() -> None:
    renewal = '{"renew": "news", "page": "archive/newest"}'
    asked = read_event({"Records": [record(NEWS), record(renewal, "m2")]}, NOON)
    assert isinstance(asked, Batch)
    assert [(one.id, one.body) for one in asked.messages] == [
        ("m1", Refreshes("t1", {"news": None})),
        ("m2", RenewalSlice("news", "archive/newest")),
    ]


def test_message_says_how_often_it_was_received_and_by_what_receipt() -> None:
    attributes = {"ApproximateReceiveCount": "3"}
    asked = read_event({"Records": [record(NEWS, attributes=attributes), record(NEWS)]}, NOON)
    assert isinstance(asked, Batch)
    assert [(one.receives, one.receipt) for one in asked.messages] == [(3, "AQEB"), (1, "AQEB")]


@pytest.mark.parametrize(
    "body", ["", "news", "[]", "null", '{"feeds": {"a": null}}', '{"tick": "t", "feeds": {}}',
             '{"tick": "t", "feeds": {"": null}}', '{"tick": "t", "feeds": {"a": 7}}', None, 7,
             '{"renew": "", "page": "x"}', "[" * 100_000, '{"tick": "\ud800'],
)  # fmt: skip
def test_message_with_another_body_is_a_message_that_says_what_is_wrong(body: object) -> None:
    asked = read_event({"Records": [record(body), record(NEWS, "m2")]}, NOON)
    assert isinstance(asked, Batch)
    bad, good = asked.messages
    assert (bad.id, bad.body) == ("m1", None)
    assert good.body is not None
    assert 'accepted: {"tick": "name", "feeds": {"slug": null}}' in bad.error
    assert len(bad.error) < 250


def test_fields_that_a_later_version_sends_with_a_message_do_no_harm() -> None:
    later = '{"tick": "t1", "feeds": {"a": null}, "reason": "due"}'
    asked = read_event({"Records": [record(later)]}, NOON)
    assert isinstance(asked, Batch)
    assert asked.messages[0].body == Refreshes("t1", {"a": None})


@pytest.mark.parametrize(
    ("tick", "length"),
    [
        ("1 minute", timedelta(minutes=1)),
        ("5 minutes", timedelta(minutes=5)),
        ("1 hour", timedelta(hours=1)),
        ("2 days", timedelta(days=2)),
    ],
)
def test_tick_ends_when_the_schedule_says_however_late_it_arrives(
    tick: str, length: timedelta
) -> None:
    at = NOON - timedelta(minutes=3)
    asked = read_event({"tick": tick, "at": "2026-03-02T11:57:00Z"}, NOON)
    assert asked == Tick(at - length, at)


@pytest.mark.parametrize("at", [{}, {"at": ""}, {"at": "<aws.scheduler.scheduled-time>"}])
def test_tick_without_a_time_ends_now(at: dict[str, str]) -> None:
    assert read_event({"tick": "5 minutes", **at}, NOON) == Tick(NOON - timedelta(minutes=5), NOON)


@pytest.mark.parametrize(
    ("at", "utc"),
    [("2026-03-02T13:00:00+02:00", 11), ("2026-03-02T11:00:00", 11), ("2026-03-02T11:00Z", 11)],
)
def test_time_of_a_tick_is_understood_in_any_zone(at: str, utc: int) -> None:
    asked = read_event({"tick": "1 hour", "at": at}, NOON)
    assert isinstance(asked, Tick)
    assert asked.until == datetime(2026, 3, 2, utc, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (None, "the event is null; accepted:"),
        ([], "the event is a list"),
        ("all", "the event is text"),
        (7, "the event is no object"),
        ({"feed": "news"}, "'feed', is not valid"),
        ({"feeds": "news"}, "'feeds', is not valid"),
        ({"feeds": [7]}, "'feeds', is not valid"),
        ({"feeds": [], "force": True}, "'feeds', 'force', is not valid"),
        ({"Records": []}, "'Records', is not valid"),
        ({"Records": [record("x", eventSource="aws:s3")]}, "'Records', is not"),
        ({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, "'Records', is not"),
        ({"Records": "x"}, "'Records', is not"),
        ({"tick": "5m"}, "`tick` is '5m'; accepted: for example 5 minutes"),
        ({"tick": "0 minutes"}, "`tick` is '0 minutes'"),
        ({"tick": 5}, "`tick` is 5;"),
        ({"tick": "5 minutes", "at": "noon"}, "`at` is 'noon'; accepted: a time such as"),
        ({"tick": "5 minutes", "at": 1767225600}, "`at` is 1767225600"),
        ({"tick": "5 minutes", "until": "x"}, "'tick', 'until', is not valid"),
    ],
)
def test_any_other_event_is_refused_with_what_is_accepted(event: object, words: str) -> None:
    with pytest.raises(EventError) as caught:
        read_event(event, NOON)
    assert words in str(caught.value)
    assert "accepted" in str(caught.value)
    assert len(str(caught.value)) < 500


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["Records", "feeds", "tick", "at", "body"]), inner),
    max_leaves=8,
))  # fmt: skip
def test_no_event_does_worse_than_being_refused(event: object) -> None:
    try:
        asked = read_event(event, NOON)
    except EventError:
        return
    assert isinstance(asked, Batch | Tick | Named)


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2200-01-01",
    ],
)
def test_tick_of_a_time_that_no_calendar_goes_on_from_is_refused(at: str) -> None:
    with pytest.raises(EventError, match=r"the event's `at` is .*accepted: a time such as"):
        read_event({"tick": "999 days", "at": at}, NOON)


def test_event_that_is_nested_beyond_reason_is_refused() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(EventError, match="`tick` is nested too deeply"):
        read_event({"tick": nested}, NOON)
    record = {"eventSource": "aws:sqs", "messageId": "1", "body": nested}
    batch = read_event({"Records": [record]}, NOON)
    assert isinstance(batch, Batch)
    assert batch.messages[0].body is None
