"""Due times, with a clock that the test owns."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from effort import amount
from feedmirror.mirror import schedule
from feedmirror.mirror.schedule import (
    ASKED_MAX_S,
    BACKOFF_MAX_S,
    Asks,
    allowed_at,
    asks_of,
    backoff_interval_s,
    effective_interval_s,
    is_due,
    last_due,
    may_poll,
    next_due,
    offset_s,
    retry_after,
)

NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)  # a Monday
MINUTE = timedelta(minutes=1)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

slugs = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
intervals_s = st.integers(1, 1440).map(lambda minutes: minutes * 60)
day_fractions_s = st.sampled_from([h * 3600 for h in range(1, 25) if 24 % h == 0])
moments = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001 - likewise
    timezones=st.just(UTC),
)
hints = st.builds(
    Asks,
    interval_s=st.integers(0, 10**9),
    skip_hours=st.sets(st.integers(0, 23)).map(lambda hours: tuple(sorted(hours))),
    skip_days=st.sets(st.sampled_from(DAYS)).map(lambda days: tuple(sorted(days))),
)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def due_after(
    slug: str,
    every_s: int,
    asks: Asks,
    failing_since: datetime | None,
    not_before: datetime | None,
    after: datetime,
) -> datetime:
    return schedule.due_after(
        slug, every_s, asks, failing_since=failing_since, not_before=not_before, after=after
    )


# ---------------------------------------------------------------- the grid


def test_offset_of_a_slug_never_changes() -> None:
    # Pinned: a change here moves every deployed feed at once.
    assert [offset_s(slug, 900) for slug in ("example-news", "a", "example-blog")] == [
        420,
        480,
        180,
    ]


@given(slugs, intervals_s)
def test_offset_is_whole_minutes_within_the_interval(slug: str, interval_s: int) -> None:
    assert 0 <= offset_s(slug, interval_s) < interval_s
    assert offset_s(slug, interval_s) % 60 == 0


@given(slugs, intervals_s, moments)
def test_next_point_is_on_the_grid_strictly_later_and_at_most_an_interval_away(
    slug: str, interval_s: int, after: datetime
) -> None:
    point = next_due(slug, interval_s, after)
    assert timedelta(0) < point - after <= seconds(interval_s)
    assert int(point.timestamp()) % interval_s == offset_s(slug, interval_s)
    assert point.microsecond == 0


@given(slugs, intervals_s, moments)
def test_last_point_and_next_point_are_neighbours(slug: str, interval_s: int, at: datetime) -> None:
    assert last_due(slug, interval_s, at) <= at < next_due(slug, interval_s, at)
    assert next_due(slug, interval_s, last_due(slug, interval_s, at)) == next_due(
        slug, interval_s, at
    )


@given(slugs, intervals_s, st.integers(1, 50), moments)
def test_grid_of_a_multiple_is_part_of_the_grid(
    slug: str, interval_s: int, factor: int, after: datetime
) -> None:
    point = next_due(slug, interval_s * factor, after)
    assert last_due(slug, interval_s, point) == point


@given(slugs, intervals_s, moments, st.lists(st.integers(1, 7200), min_size=1, max_size=40))
def test_every_grid_point_is_claimed_by_exactly_one_tick(
    slug: str, interval_s: int, start: datetime, gaps_s: list[int]
) -> None:
    # A tick that comes late claims several points at once, but is one poll.
    since, claims = start, []
    for gap_s in gaps_s:
        now = since + seconds(gap_s)
        if is_due(slug, interval_s, since, now):
            claims.append((since, now))
        since = now
    point = next_due(slug, interval_s, start)
    claimed = []
    while point <= since:
        claimed.append([claim for claim in claims if claim[0] < point <= claim[1]])
        point += seconds(interval_s)
    assert all(len(owners) == 1 for owners in claimed)
    assert len(claims) == len({owners[0] for owners in claimed})


def test_tick_after_the_clock_went_back_claims_nothing() -> None:
    assert not is_due("example-news", 60, since=NOON, now=NOON - MINUTE)


def test_slugs_spread_evenly_over_the_minutes_of_their_interval() -> None:
    counts = Counter(offset_s(f"feed-{n}", 900) // 60 for n in range(6000))
    expected = 6000 / 15
    chi_squared = sum((counts[minute] - expected) ** 2 / expected for minute in range(15))
    assert chi_squared < 36.1  # 14 degrees of freedom, p = 0.001


# ---------------------------------------------------------------- what an origin asks for


@pytest.mark.parametrize(
    ("every_s", "asked_s", "effective_s"),
    [
        (900, 0, 900),
        (900, -5, 900),
        (900, 899, 900),
        (900, 901, 1800),
        (900, 3600, 3600),
        (900, 16 * 365 * 86_400, 5 * 3600),
        (14_400, 16 * 365 * 86_400, 28_800),
        (86_400, 3600, 86_400),
    ],
)
def test_longer_interval_wins_clamped_and_rounded_up(
    every_s: int, asked_s: int, effective_s: int
) -> None:
    assert effective_interval_s(every_s, Asks(interval_s=asked_s)) == effective_s


@given(intervals_s, st.integers(0, 10**9))
def test_effective_interval_is_a_multiple_and_never_shorter_than_asked(
    every_s: int, asked_s: int
) -> None:
    effective_s = effective_interval_s(every_s, Asks(interval_s=asked_s))
    assert effective_s % every_s == 0
    assert effective_s >= max(every_s, min(asked_s, ASKED_MAX_S))
    assert effective_s < max(every_s, min(asked_s, ASKED_MAX_S)) + every_s


@given(intervals_s, st.integers(0, 10**9))
def test_remembered_asks_take_effect_as_the_asked_ones(every_s: int, asked_s: int) -> None:
    remembered = asks_of(every_s, ttl_s=asked_s)
    assert effective_interval_s(every_s, remembered) == effective_interval_s(
        every_s, Asks(interval_s=asked_s)
    )


def test_jittering_max_age_is_remembered_as_one_value() -> None:
    assert {asks_of(900, max_age_s=age) for age in range(2701, 3600)} == {Asks(interval_s=3600)}


def test_asks_that_change_nothing_are_remembered_as_none() -> None:
    assert asks_of(900, ttl_s=600, max_age_s=None) == Asks()


def test_longest_of_ttl_and_max_age_is_what_is_asked() -> None:
    assert asks_of(900, ttl_s=3600, max_age_s=60).interval_s == 3600
    assert asks_of(900, ttl_s=60, max_age_s=7200).interval_s == 7200


def test_reordered_hints_are_the_same_asks() -> None:
    assert asks_of(900, skip_hours=(3, 1, 3), skip_days=("Sunday", "Monday")) == asks_of(
        900, skip_hours=(1, 3), skip_days=("Monday", "Sunday")
    )


@pytest.mark.parametrize(
    ("asks", "when", "allowed"),
    [
        (Asks(), NOON, True),
        (Asks(skip_hours=(12,)), NOON, False),
        (Asks(skip_hours=(12,)), NOON + timedelta(minutes=59, seconds=59), False),
        (Asks(skip_hours=(12,)), NOON + timedelta(hours=1), True),
        (Asks(skip_days=("Monday",)), NOON, False),
        (Asks(skip_days=("Monday",)), NOON + timedelta(days=1), True),
        (Asks(skip_hours=(11,), skip_days=("Sunday",)), NOON, True),
    ],
)
def test_skipped_hours_and_days_allow_no_poll(asks: Asks, when: datetime, allowed: bool) -> None:
    assert allowed_at(asks, when) is allowed


def test_skipped_hours_are_hours_of_gmt() -> None:
    in_india = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert not allowed_at(Asks(skip_hours=(12,)), in_india)


def test_skipping_all_hours_or_all_days_means_nothing() -> None:
    assert allowed_at(Asks(skip_hours=tuple(range(24))), NOON)
    assert allowed_at(Asks(skip_days=DAYS), NOON)


def test_all_hours_skipped_does_not_undo_the_skipped_days() -> None:
    assert not allowed_at(Asks(skip_hours=tuple(range(24)), skip_days=("Monday",)), NOON)


@pytest.mark.row("F13")
@pytest.mark.parametrize(
    ("asked_s", "waited_s"),
    [
        (0, 60),
        (-1e12, 60),
        (90.5, 90.5),
        (3600, 3600),
        (1e12, 86_400),
        (float("inf"), 86_400),
    ],
)
def test_retry_after_is_clamped_to_between_a_minute_and_a_day(
    asked_s: float, waited_s: float
) -> None:
    assert retry_after(asked_s, NOON) == NOON + seconds(waited_s)


@pytest.mark.row("F13")
def test_no_retry_after_asks_for_nothing() -> None:
    assert retry_after(None, NOON) is None
    assert retry_after(float("nan"), NOON) is None


# ---------------------------------------------------------------- failing


@pytest.mark.row("F15")
@pytest.mark.parametrize(
    ("failing_h", "interval_s"),
    [(-1, 900), (0, 900), (1.9, 900), (2, 1800), (4, 3600), (8, 7200), (16, 14_400), (32, 28_800)],
)
def test_interval_of_a_failing_feed_doubles_as_the_outage_ages(
    failing_h: float, interval_s: int
) -> None:
    failing_since = NOON - timedelta(hours=failing_h)
    assert backoff_interval_s(900, failing_since, NOON) == interval_s


@pytest.mark.row("F15")
def test_feed_that_has_failed_for_a_year_is_still_tried_every_eight_hours() -> None:
    assert backoff_interval_s(900, NOON - timedelta(days=365), NOON) == BACKOFF_MAX_S


@given(intervals_s, st.integers(0, 10**8), st.integers(0, 10**8))
def test_backoff_never_shrinks_and_its_grids_nest(interval_s: int, age_s: int, more_s: int) -> None:
    early = backoff_interval_s(interval_s, NOON - seconds(age_s), NOON)
    late = backoff_interval_s(interval_s, NOON - seconds(age_s + more_s), NOON)
    assert early % interval_s == 0
    assert late % early == 0
    assert late <= max(interval_s, BACKOFF_MAX_S)


@given(slugs, intervals_s, moments, st.integers(0, 10**6))
def test_end_of_an_outage_is_noticed_after_a_quarter_of_its_length(
    slug: str, every_s: int, failing_since: datetime, age_s: int
) -> None:
    recovered = failing_since + seconds(age_s)
    noticed = due_after(slug, every_s, Asks(), failing_since, None, recovered)
    # The quarter is of the age at the next poll, x = age + x/4 at most: a third of the age now.
    assert noticed - recovered <= seconds(max(every_s, age_s / 3) + 1)


# ---------------------------------------------------------------- all of it together


@given(slugs, intervals_s, moments)
def test_feed_of_which_nothing_is_asked_is_due_on_its_plain_grid(
    slug: str, every_s: int, after: datetime
) -> None:
    assert due_after(slug, every_s, Asks(), None, None, after) == next_due(slug, every_s, after)


@given(
    slugs,
    intervals_s,
    hints,
    st.none() | st.integers(0, 10**6),
    st.none() | st.floats(-1e5, 86_400),
    moments,
)
def test_moment_due_is_a_plain_grid_point_later_than_asked_and_not_before_the_ban_ends(
    slug: str,
    every_s: int,
    asks: Asks,
    failing_s: int | None,
    ban_s: float | None,
    after: datetime,
) -> None:
    failing_since = None if failing_s is None else after - seconds(failing_s)
    not_before = None if ban_s is None else after + seconds(ban_s)
    due = due_after(slug, every_s, asks, failing_since, not_before, after)
    assert due > after
    assert not_before is None or due >= not_before
    assert last_due(slug, every_s, due) == due


@given(slugs, st.integers(1, 60).map(lambda minutes: minutes * 60), hints, moments)
def test_skipped_hours_are_kept_wherever_the_plain_grid_meets_each_hour(
    slug: str, every_s: int, asks: Asks, after: datetime
) -> None:
    assert allowed_at(asks, due_after(slug, every_s, asks, None, None, after))


@given(slugs, intervals_s, hints, st.none() | st.integers(0, 10**6), moments)
def test_every_feed_is_due_within_eight_days_whatever_it_skips(
    slug: str, every_s: int, asks: Asks, failing_s: int | None, after: datetime
) -> None:
    failing_since = None if failing_s is None else after - seconds(failing_s)
    assert due_after(slug, every_s, asks, failing_since, None, after) - after <= timedelta(days=8)


@given(slugs, intervals_s, st.integers(0, 10**6), st.none() | st.floats(0, 86_400), moments)
def test_feed_without_skipped_hours_is_due_within_an_effective_interval(
    slug: str, every_s: int, asked_s: int, ban_s: float | None, after: datetime
) -> None:
    asks = Asks(interval_s=asked_s)
    not_before = None if ban_s is None else after + seconds(ban_s)
    due = due_after(slug, every_s, asks, None, not_before, after)
    assert due - (not_before or after) <= seconds(effective_interval_s(every_s, asks))


def test_daily_feed_whose_hour_is_skipped_is_polled_all_the_same() -> None:
    plain = next_due("example-news", 86_400, NOON)
    asks = Asks(skip_hours=(plain.hour,))
    assert due_after("example-news", 86_400, asks, None, None, NOON) == plain


def test_slow_grid_that_only_meets_skipped_hours_gives_way_to_one_poll_a_day() -> None:
    # Failing for a year: one point every 8 hours, none of them in the only hour allowed.
    failing_since = NOON - timedelta(days=365)
    slow = next_due("example-news", BACKOFF_MAX_S, NOON)
    allowed_hour = (slow.hour + 1) % 24
    asks = Asks(skip_hours=tuple(hour for hour in range(24) if hour != allowed_hour))
    first = due_after("example-news", 900, asks, failing_since, None, NOON)
    second = due_after("example-news", 900, asks, failing_since, None, first)
    assert first.hour == second.hour == allowed_hour
    assert second - first == timedelta(days=1)


def test_point_in_the_very_second_the_ban_ends_is_allowed_and_one_just_before_is_not() -> None:
    point = next_due("example-news", 900, NOON)
    for ban, due in (
        (point, point),
        (point + timedelta.resolution, point + seconds(900)),
        (point - timedelta.resolution, point),
    ):
        assert due_after("example-news", 900, Asks(), None, ban, NOON) == due


@settings(max_examples=amount(40))
@given(slugs, intervals_s, hints, st.none() | st.integers(0, 200_000), moments)
def test_mirror_agrees_at_every_point_with_the_time_told_beforehand(
    slug: str, every_s: int, asks: Asks, failing_s: int | None, start: datetime
) -> None:
    failing_since = None if failing_s is None else start - seconds(failing_s)
    told = due_after(slug, every_s, asks, failing_since, None, start)
    point = next_due(slug, every_s, start)
    for _ in range(100):  # enough to meet `told` where it is near, cheap where it is far
        late = point + seconds(every_s * 0.9)  # a message that waited in a queue
        polled = may_poll(
            slug, every_s, asks, failing_since=failing_since, not_before=None, now=late
        )
        assert polled is (point == told)
        if point == told:
            return
        point = next_due(slug, every_s, point)


def test_search_for_a_due_time_is_bounded_where_almost_all_is_skipped() -> None:
    # One hour a week, every minute: 10,000 points lie between, but the search steps over hours.
    asks = Asks(skip_hours=tuple(range(1, 24)), skip_days=DAYS[1:])
    calls = Counter[str]()
    sys.setprofile(lambda frame, event, _: calls.update({frame.f_code.co_name: event == "call"}))
    try:
        due = due_after("example-news", 60, asks, None, None, NOON)
    finally:
        sys.setprofile(None)
    assert (due.strftime("%A"), due.hour) == ("Monday", 0)
    assert timedelta(days=6) < due - NOON < timedelta(days=7)
    assert calls["allowed_at"] <= 7 * 24


# ---------------------------------------------------------------- a feed's life


@dataclass
class Life:
    """A feed as dispatch and mirror drive it: one tick a minute, a state saved on changes only."""

    slug: str
    every_s: int
    asks: Asks = field(default_factory=Asks)
    failing_since: datetime | None = None
    not_before: datetime | None = None
    polls: list[datetime] = field(default_factory=list)

    def tick(self, since: datetime, now: datetime, reply: Reply) -> bool:
        if not is_due(self.slug, self.every_s, since, now):
            return False
        if not may_poll(
            self.slug,
            self.every_s,
            self.asks,
            failing_since=self.failing_since,
            not_before=self.not_before,
            now=now,
        ):
            return False
        self.polls.append(now)
        self.remember(reply, now)
        return True

    def remember(self, reply: Reply, now: datetime) -> None:
        if reply.fails:
            self.failing_since = self.failing_since or now
            self.not_before = retry_after(reply.retry_after_s, now)
            return
        self.failing_since = self.not_before = None
        asks = asks_of(self.every_s, max_age_s=reply.max_age_s)
        if asks != self.asks:
            self.asks = asks
            self.not_before = now + seconds(effective_interval_s(self.every_s, asks))


@dataclass(frozen=True)
class Reply:
    fails: bool = False
    retry_after_s: float | None = None
    max_age_s: int | None = None

    def forbids_until(self, polled: datetime) -> datetime:
        """What a strict origin would hold against us, within what we promise to obey."""
        if self.fails:
            return retry_after(self.retry_after_s, polled) or polled
        return polled + seconds(min(self.max_age_s or 0, ASKED_MAX_S))


replies = st.one_of(
    st.builds(Reply, max_age_s=st.none() | st.integers(0, 10_000)),
    st.builds(Reply, fails=st.just(True), retry_after_s=st.none() | st.floats(-10, 10_000)),
)


@pytest.mark.row("F13")
@settings(max_examples=amount(30))
@given(slugs, st.integers(5, 60).map(lambda m: m * 60), st.lists(replies, min_size=1, max_size=12))
@example("example-news", 900, [Reply(max_age_s=2700), Reply(max_age_s=2700)])
def test_feed_is_never_polled_earlier_than_the_origin_permits_nor_forgotten(
    slug: str, every_s: int, script: list[Reply]
) -> None:
    life, now, permitted = Life(slug, every_s), NOON, NOON
    for reply in script:
        last = now
        while not life.tick(now, now + MINUTE, reply):
            now += MINUTE
            assert now - last <= timedelta(hours=30), "forgotten"
        now += MINUTE
        assert now >= permitted
        permitted = reply.forbids_until(now)


@pytest.mark.slow
@settings(max_examples=amount(25))
@given(slugs, day_fractions_s)
def test_unchanged_feed_is_polled_exactly_once_an_interval_with_nothing_remembered(
    slug: str, every_s: int
) -> None:
    life = Life(slug, every_s)
    for minute in range(1440):
        life.tick(NOON + minute * MINUTE, NOON + (minute + 1) * MINUTE, Reply())
    assert len(life.polls) == 86_400 // every_s
    assert (life.asks, life.failing_since, life.not_before) == (Asks(), None, None)


def test_feed_that_fails_for_a_day_is_polled_a_few_dozen_times_at_most() -> None:
    life = Life("example-news", 900)
    for minute in range(1440):
        life.tick(NOON + minute * MINUTE, NOON + (minute + 1) * MINUTE, Reply(fails=True))
    assert 15 <= len(life.polls) <= 30
