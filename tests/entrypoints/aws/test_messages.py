"""Messages of the queues: full, of one group each, and within what SQS takes."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import amount
from feedmirror.entrypoints.aws.messages import (
    MOST_BYTES,
    MOST_FEEDS,
    Due,
    Refreshes,
    RenewalSlice,
    again,
    group_of,
    parse_body,
    refreshes,
    renewal,
)
from feedmirror.mirror.feed_index import IndexedAddress, Known
from feedmirror.mirror.schedule import is_due
from feedmirror.ports import QueueMessage
from scene import NOON

KNOWN = Known("9f" * 8, "ab" * 8, NOON, None, {"": IndexedAddress('"etag"', None, "cd" * 16)})
SLUGS = [f"feed-{number}" for number in range(3_000)]


def contents(messages: list[QueueMessage]) -> list[Refreshes]:
    bodies = [parse_body(one.body) for one in messages]
    return [body for body in bodies if isinstance(body, Refreshes)]


DUE = st.builds(
    Due,
    st.sampled_from(SLUGS),
    st.one_of(
        st.none(),
        st.builds(
            lambda length: Known("u", "r", None, None, {"": IndexedAddress("x" * length)}),
            st.integers(0, 300),
        ),
    ),
    st.booleans(),
)


@settings(max_examples=amount(40))
@given(st.lists(DUE, max_size=800, unique_by=lambda due: due.slug))
def test_each_feed_is_in_one_message_of_its_group_with_what_is_known(due: list[Due]) -> None:
    messages = list(refreshes(due, "t1"))
    found = [(slug, known) for body in contents(messages) for slug, known in body.feeds.items()]
    assert sorted(slug for slug, _ in found) == sorted(one.slug for one in due)
    assert dict(found) == {one.slug: one.known for one in due}
    for message, body in zip(messages, contents(messages), strict=True):
        assert {group_of(slug) for slug in body.feeds} == {message.group}
        assert len(body.feeds) <= MOST_FEEDS
        assert len(message.body.encode()) <= MOST_BYTES + 200


def test_feed_has_one_group_for_ever_whatever_else_is_due() -> None:
    one = next(iter(refreshes([Due("news")], "t1")))
    others = refreshes([Due(slug) for slug in (*SLUGS, "news")], "t2")
    (among,) = [m for m in others if '"news"' in m.body]
    assert one.group == among.group == group_of("news")


def test_groups_are_of_about_the_same_size() -> None:
    sizes = Counter(map(group_of, SLUGS))
    assert len(sizes) == 12
    assert max(sizes.values()) < 2 * min(sizes.values())


@pytest.mark.parametrize(("minutes", "groups"), [(0, 4), (5, 4), (7, 8)])
def test_feeds_of_a_tick_share_few_groups_so_that_messages_are_full(
    minutes: int, groups: int
) -> None:
    until = NOON + timedelta(minutes=minutes)
    due = [s for s in SLUGS if is_due(s, 900, until - timedelta(minutes=5), until)]
    messages = list(refreshes([Due(slug, KNOWN) for slug in due], "t1"))
    assert len({one.group for one in messages}) == groups
    assert len(messages) <= len(due) / MOST_FEEDS + groups


def test_message_has_ten_feeds_with_work_to_do_at_most() -> None:
    slugs = [slug for slug in SLUGS if group_of(slug) == group_of("news")]
    bodies = contents(list(refreshes([Due(slug, has_work=True) for slug in slugs], "t1")))
    assert {len(body.feeds) for body in bodies[:-1]} == {10}


def test_name_follows_from_the_tick_and_the_feeds() -> None:
    def name(tick: str, *slugs: str) -> str:
        (message,) = refreshes([Due(slug) for slug in slugs], tick)
        return message.name

    assert name("t1", "news") == name("t1", "news")
    assert len({name("t1", "news"), name("t2", "news"), name("t1", "blog")}) == 3


def test_feed_is_sent_again_alone_in_its_group_without_what_was_known() -> None:
    first = Refreshes("t1", {"news": KNOWN, "blog": KNOWN})
    once = again("news", first)
    assert once.group == group_of("news")
    assert parse_body(once.body) == Refreshes("t1", {"news": None}, 1)
    twice = again("news", Refreshes("t1", {"news": None}, 1))
    assert parse_body(twice.body) == Refreshes("t1", {"news": None}, 2)
    assert once.name != twice.name


def test_renewal_is_in_a_group_of_its_feed() -> None:
    message = renewal("news", "archive/newest", "n1")
    assert parse_body(message.body) == RenewalSlice("news", "archive/newest")
    assert message.group == "news"


@pytest.mark.parametrize("slug", ["a" * 63, "news"])
def test_names_and_groups_are_what_sqs_takes(slug: str) -> None:
    """Source: SQS API Reference, SendMessage, MessageDeduplicationId and MessageGroupId."""
    tick = "8f14e45f-ceea-467f-a0d4-1b6a3a1f0a2b"
    for message in (
        *refreshes([Due(slug)], tick),
        again(slug, Refreshes(tick, {slug: None}, 3)),
        renewal(slug, "archive/newest", "0" * 32),
    ):
        for text in (message.group, message.name):
            assert len(text) <= 128
            assert text.isascii()
            assert " " not in text
        json.loads(message.body)
