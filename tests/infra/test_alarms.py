"""The alarms go off when they should and at no other time: in a mirror of one feed, in one of ten
thousand, when it is new, and when figures come a little early or late.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from alarm_clock import ALARM, INSUFFICIENT_DATA, OK, AlarmClock
from template_checks_alarms import ALARMS, alarms
from template_files import source_templates

HOUR_S = 3600
DAY_S = 24 * HOUR_S
KINDS = ("blocked", "broken", "unreachable", "quiet")


def alarm_clock(name: str) -> AlarmClock:
    """The alarm with the parameters as they are if nobody changes them."""
    templates = source_templates()
    values = {name: each["Default"] for name, each in templates.root["Parameters"].items()}
    return AlarmClock(alarms(templates)[name], {**values, "MirrorTimeout": values["Timeout"]})


def gauged(
    name: str, configured: int, counts: Iterable[int | None], late_s: float = 0
) -> AlarmClock:
    """After a gauge came every hour, or did not where there is None."""
    clock = alarm_clock(name)
    gauge = "failing" if name == "newly-failing" else name
    for hour, count in enumerate(counts):
        if count is not None:
            at_s = hour * HOUR_S + (late_s if hour % 2 else 0)
            clock.measure(at_s, configured=configured, **{gauge: count})
    return clock


# ---------------------------------------------------------------- a new stack


@pytest.mark.parametrize("name", [name for name in ALARMS if name != "stale"])
def test_new_stack_is_quiet(name: str) -> None:
    assert ALARM not in alarm_clock(name).states(until_s=2 * HOUR_S)


def test_new_stack_is_stale_until_its_first_tick_and_no_longer() -> None:
    clock = alarm_clock("stale")
    clock.measure(300, due=0)

    states = clock.states(until_s=2 * HOUR_S)

    assert set(states[:5]) == {ALARM}
    assert set(states[5 : 5 + 60]) == {OK}


# ---------------------------------------------------------------- feeds that fail


@pytest.mark.parametrize("name", KINDS)
def test_one_feed_of_a_few_is_an_alarm_within_the_hour_and_its_end_another(name: str) -> None:
    states = gauged(name, 1, [0, 0, 1, 1, 0, 0]).states(until_s=6 * HOUR_S)

    assert set(states[: 2 * 60]) == {OK}
    assert states[2 * 60] == ALARM
    assert set(states[2 * 60 : 4 * 60]) == {ALARM}
    assert states[-1] == OK


@pytest.mark.parametrize("name", KINDS)
def test_gauge_that_comes_late_or_not_at_all_changes_nothing(name: str) -> None:
    late = gauged(name, 3, [1] * 12, late_s=900).states(until_s=12 * HOUR_S)
    lost = gauged(name, 3, [1, None, None, 1, 1]).states(until_s=5 * HOUR_S)
    well = gauged(name, 3, [0, None, None, 0, 0], late_s=900).states(until_s=5 * HOUR_S)

    assert set(late) == set(lost) == {ALARM}
    assert set(well) == {OK}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(("configured", "state"), [(20, ALARM), (21, OK), (10_000, OK)])
def test_one_feed_of_many_is_no_alarm(name: str, configured: int, state: str) -> None:
    assert gauged(name, configured, [1, 1]).states(until_s=2 * HOUR_S)[-1] == state


@pytest.mark.parametrize(
    ("configured", "failing", "state"),
    [
        (10_000, 499, OK),
        (10_000, 500, ALARM),
        (21, 1, OK),
        (21, 2, ALARM),
        (20, 20, OK),
        (0, 0, OK),
    ],
)
def test_share_of_many_that_fails_newly_is_an_alarm(
    configured: int, failing: int, state: str
) -> None:
    clock = gauged("newly-failing", configured, [failing, failing])

    assert clock.states(until_s=2 * HOUR_S)[-1] == state


# ---------------------------------------------------------------- polls that do not happen


def polled(
    feeds: int, every_s: int, hours: int, tick_s: int = 300, takes_s: float = 5
) -> AlarmClock:
    """After so many feeds became due in turn, and were refreshed some time after."""
    clock, generator = alarm_clock("stale"), random.Random(1)
    refreshes = []
    for tick in range(hours * HOUR_S // tick_s):
        at_s = tick * tick_s + tick_s - 2  # as unfavourable as can be: just before the full hour
        due = sum((tick + n) * tick_s % every_s < tick_s for n in range(min(feeds, 97)))
        due = due * feeds // min(feeds, 97)
        clock.measure(at_s, due=due)
        for part in range(0, due, 500):
            later = takes_s + generator.random() * takes_s * (1 + part / 500)
            refreshes.append((at_s + later, min(500, due - part)))
    for at_s, count in sorted(refreshes):
        clock.measure(at_s, refreshed=count)
    return clock


@pytest.mark.parametrize(
    ("feeds", "every_s", "takes_s"),
    [(1, 300, 5), (1, HOUR_S, 5), (1, 6 * HOUR_S, 5), (1, DAY_S, 5), (20, HOUR_S, 30)],
)
def test_few_feeds_that_are_refreshed_are_not_stale(
    feeds: int, every_s: int, takes_s: float
) -> None:
    clock = polled(feeds, every_s, hours=30, takes_s=takes_s)

    # In the first hour the one before has no figures, and whatever is late counts for two.
    assert ALARM not in clock.states(until_s=30 * HOUR_S)[60:]


def test_ten_thousand_feeds_that_are_refreshed_are_not_stale() -> None:
    clock = polled(10_000, 900, hours=6, takes_s=30)

    assert ALARM not in clock.states(until_s=6 * HOUR_S)[60:]


@pytest.mark.row("O5")
def test_mirror_is_stale_two_hours_after_its_schedule_died() -> None:
    clock = polled(1, HOUR_S, hours=4)

    states = clock.states(until_s=7 * HOUR_S)

    assert ALARM not in states[60 : 5 * 60]
    assert set(states[6 * 60 :]) == {ALARM}


@pytest.mark.row("O5")
@pytest.mark.parametrize(("feeds", "refreshed"), [(1, 0), (10_000, 0), (10_000, 8_000)])
def test_mirror_is_stale_if_feeds_are_due_and_too_few_are_refreshed(
    feeds: int, refreshed: int
) -> None:
    clock = alarm_clock("stale")
    for hour in range(4):
        clock.measure(hour * HOUR_S + 60, due=feeds)
        if refreshed:
            clock.measure(hour * HOUR_S + 90, refreshed=refreshed)

    assert clock.states(until_s=4 * HOUR_S)[-1] == ALARM


# ---------------------------------------------------------------- deployments


def noted(name: str, *hours: float) -> AlarmClock:
    """After a gauge that is written only where there is something to count, at these hours."""
    clock = alarm_clock(name)
    for hour in hours:
        clock.measure(hour * HOUR_S, found=1)
    return clock


@pytest.mark.row("O10", "O11")
@pytest.mark.parametrize("name", ["older-deployment", "renewal-stalled"])
def test_deployment_is_an_alarm_an_hour_after_it_was_first_noted_until_it_is_over(
    name: str,
) -> None:
    states = noted(name, 1, 2, 3, 4).states(until_s=9 * HOUR_S)

    assert set(states[: 2 * 60]) == {OK}
    assert set(states[2 * 60 : 6 * 60]) == {ALARM}
    assert states[-1] == OK


@pytest.mark.parametrize("name", ["older-deployment", "renewal-stalled"])
def test_gauge_of_deployments_that_comes_late_or_once_not_at_all_does_not_end_the_alarm(
    name: str,
) -> None:
    late = noted(name, *(hour + (0.25 if hour % 2 else 0) for hour in range(12)))
    lost = noted(name, 0, 1, 3, 4, 6, 7, 8)
    once = noted(name, 1)

    assert set(late.states(until_s=11 * HOUR_S)[3 * 60 :]) == {ALARM}
    assert set(lost.states(until_s=8 * HOUR_S)[2 * 60 :]) == {ALARM}
    assert ALARM not in once.states(until_s=8 * HOUR_S)


# ---------------------------------------------------------------- faults of our own


@pytest.mark.parametrize("queue", ["refreshes", "ticks"])
def test_one_dead_letter_is_an_alarm_until_it_is_gone(queue: str) -> None:
    clock = alarm_clock("dead-letters")  # the other queues are empty for long, and silent
    for minute in range(60):
        clock.measure(minute * 60, **{queue: 1 if 10 <= minute < 40 else 0})

    states = clock.states(until_s=HOUR_S)

    assert set(states[:10]) == {OK}
    assert states[12] == ALARM
    assert states[-1] == OK


def test_message_that_nobody_takes_is_an_alarm_after_two_hours() -> None:
    """A feed that is due once a day would be missed by whoever compares the hours."""
    clock = alarm_clock("dead-letters")
    for minute in range(180):
        clock.measure(minute * 60, age=minute * 60)

    states = clock.states(until_s=3 * HOUR_S)

    assert set(states[: 2 * 60]) == {OK}
    assert set(states[2 * 60 + 5 :]) == {ALARM}


@pytest.mark.parametrize("function", ["dispatch", "mirror"])
def test_error_is_an_alarm_if_it_comes_again_within_the_hour(function: str) -> None:
    once, twice = alarm_clock("errors"), alarm_clock("errors")
    once.measure(60, **{function: 1})
    twice.measure(60, **{function: 1})
    twice.measure(1860, **{function: 1})  # as the queue tries again

    assert ALARM not in once.states(until_s=2 * HOUR_S)
    assert ALARM in twice.states(until_s=HOUR_S)
    assert twice.states(until_s=3 * HOUR_S)[-1] == OK


def test_throttles_are_an_alarm_if_there_are_some() -> None:
    few, many = alarm_clock("throttles"), alarm_clock("throttles")
    few.measure(60, mirror=4)
    many.measure(60, mirror=3, dispatch=2)

    assert ALARM not in few.states(until_s=HOUR_S)
    assert ALARM in many.states(until_s=HOUR_S)


@pytest.mark.parametrize("function", ["dispatch", "mirror"])
def test_slow_function_is_an_alarm_if_it_stays_slow(function: str) -> None:
    once, still, fast = (alarm_clock("duration") for _ in range(3))
    once.measure(60, **{function: 250_000})
    for hour in range(4):
        still.measure(hour * HOUR_S + 60, **{function: 250_000})
        fast.measure(hour * HOUR_S + 60, **{function: 60_000})

    assert ALARM not in once.states(until_s=4 * HOUR_S)
    assert still.states(until_s=4 * HOUR_S)[-1] == ALARM
    assert set(fast.states(until_s=4 * HOUR_S)) <= {OK, INSUFFICIENT_DATA}
