"""What changes at every poll is followed three times a day, then once in a while."""

from __future__ import annotations

from datetime import timedelta

import pytest

from feedmirror.mirror.flapping import DAY_S, Changes, followed, lately, may_follow
from scene import NOON

MINUTE, HOUR = 60, 3600


def followed_in(hours: float, every_s: int, spacing_s: int = DAY_S) -> int:
    """How many changes are followed of one that comes every so often."""
    known: Changes | None = None
    count = 0
    for second in range(0, round(hours * HOUR), every_s):
        now = NOON + timedelta(seconds=second)
        if may_follow(known, now, spacing_s):
            known, count = followed(known, now), count + 1
    return count


def test_three_changes_are_followed_at_once_then_one_a_day() -> None:
    assert followed_in(0.2, MINUTE) == 3
    assert followed_in(24, 15 * MINUTE) == 3
    assert followed_in(24 * 10, 15 * MINUTE) == 3 + 9


def test_four_a_day_where_the_spacing_says_so() -> None:
    assert followed_in(24 * 10, 15 * MINUTE, spacing_s=6 * HOUR) == 3 + 39


def test_what_changes_less_than_three_times_a_day_is_always_followed() -> None:
    assert followed_in(24 * 30, 12 * HOUR) == 60


def test_after_two_quiet_days_three_are_followed_at_once_again() -> None:
    known: Changes | None = None
    for minute in range(3):
        known = followed(known, NOON + timedelta(minutes=minute))
    assert not may_follow(known, NOON + timedelta(hours=1))
    assert not may_follow(followed(known, NOON + timedelta(hours=25)), NOON + timedelta(hours=26))
    later = NOON + timedelta(days=2, minutes=2)
    assert followed(known, later) == Changes(int(later.timestamp()), 1, int(later.timestamp()))
    assert lately({"a": known} if known else {}, later) == {}


@pytest.mark.parametrize("count", [1, 3])
def test_a_clock_that_was_far_ahead_holds_nothing_back(count: int) -> None:
    ahead = int((NOON + timedelta(days=400)).timestamp())
    assert may_follow(Changes(ahead, count, ahead), NOON)
    assert lately({"a": Changes(ahead, count, ahead)}, NOON) == {}
