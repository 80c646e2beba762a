"""When a feed is due: a pure function of its slug, its configuration and the clock.

Everything is due on a grid: the interval, shifted by a hash of the slug. So the time of the last
poll need not be stored, and feeds spread over the interval. A longer
interval is a whole multiple of a shorter one of the same feed, so its grid is part of the
shorter's: whatever slows a feed down only ever takes points away.

What an origin asks for is remembered when it changes. At that moment, and only then, the grid of
the new interval may have a point too soon: whoever saves changed `Asks` saves a `not_before` of
one effective interval after the fetch with it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from math import isnan

from feedmirror.model import Count, Stored

ASKED_MAX_S = 5 * 3600  # NetNewsWire's clamp too, after it had met a max-age of 16 years
BACKOFF_MAX_S = 8 * 3600  # a feed that was unblocked is back within a working day
RETRY_AFTER_MIN_S = 60.0  # the grid's resolution
RETRY_AFTER_MAX_S = 86_400.0  # Feedbin obeys 8 hours at most; "tomorrow" is a fair wish, though
_OUTAGE_PART = 4  # a failing feed is polled again after a quarter of the time it has failed for
_HORIZON_DAYS = 7  # `skipHours` and `skipDays` repeat every week

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_TICK = timedelta.resolution
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Asks(Stored, frozen=True):
    """Requests of an origin for longer intervals or hours without polls; stored in the state."""

    interval_s: Count = 0  # 0: nothing asked
    skip_hours: tuple[Count, ...] = ()  # 0 to 23, GMT
    skip_days: tuple[str, ...] = ()  # "Monday" to "Sunday", GMT


def asks_of(
    every_s: int,
    *,
    ttl_s: int | None = None,
    max_age_s: int | None = None,
    skip_hours: tuple[int, ...] = (),
    skip_days: tuple[str, ...] = (),
) -> Asks:
    """Return the asks worth remembering: the longest interval as it takes effect, the hints sorted.

    An interval that makes no difference is 0, and one that jitters below a multiple of
    `every_s` is always the same, so an unchanged feed causes no write.

    Source: RSS 2.0 `<ttl>`, `<skipHours>`, `<skipDays>`; RFC 9111 §5.2.2.1 (max-age).
    """
    asked = Asks(interval_s=max(ttl_s or 0, max_age_s or 0, 0))
    effective_s = effective_interval_s(every_s, asked)
    return Asks(
        interval_s=effective_s if effective_s > every_s else 0,
        skip_hours=tuple(sorted(set(skip_hours))),
        skip_days=tuple(sorted(set(skip_days))),
    )


# ---------------------------------------------------------------- the grid


def offset_s(slug: str, interval_s: int) -> int:
    """Return the offset of the feed's grid from whole intervals: whole minutes, in seconds.

    For a multiple of an interval it differs by whole intervals only, so the grids nest.
    """
    digest = blake2b(slug.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % max(1, interval_s // 60) * 60


def next_due(slug: str, interval_s: int, after: datetime) -> datetime:
    """Return the first point of the feed's grid strictly after `after`."""
    offset = offset_s(slug, interval_s)
    elapsed_s = (after - _EPOCH) // _SECOND - offset
    return _EPOCH + timedelta(seconds=(elapsed_s // interval_s + 1) * interval_s + offset)


def last_due(slug: str, interval_s: int, at: datetime) -> datetime:
    """Return the last point of the feed's grid that is not after `at`."""
    return next_due(slug, interval_s, at) - timedelta(seconds=interval_s)


def is_due(slug: str, interval_s: int, since: datetime, now: datetime) -> bool:
    """True if a point of the grid lies in (since, now].

    Where each tick asks from the last tick's `now` on, each point belongs to exactly one tick.
    """
    return next_due(slug, interval_s, since) <= now


# ---------------------------------------------------------------- what changes the interval


def effective_interval_s(every_s: int, asks: Asks) -> int:
    """Return the longer one of the operator's and the origin's interval: a multiple of `every_s`.

    The origin's part counts up to `ASKED_MAX_S`, then is rounded up.
    """
    asked_s = min(max(asks.interval_s, 0), ASKED_MAX_S)
    return max(1, -(-asked_s // every_s)) * every_s


def backoff_interval_s(interval_s: int, failing_since: datetime | None, now: datetime) -> int:
    """Return the interval of a failing feed: doubled up to a quarter of the outage.

    So no attempt has to be counted, and an outage is noticed to be over after at most a quarter
    of its length more. `BACKOFF_MAX_S` at most, or `interval_s` where that is longer; None for a
    feed that is well. A power of two times `interval_s`, so that each grid nests in the last.
    """
    if failing_since is None:
        return interval_s
    limit_s = min((now - failing_since).total_seconds() / _OUTAGE_PART, BACKOFF_MAX_S)
    while interval_s * 2 <= limit_s:
        interval_s *= 2
    return interval_s


def retry_after(seconds: float | None, now: datetime) -> datetime | None:
    """Return the moment before which an origin wants no request, or None if it did not say.

    Clamped to between a minute and a day, so nonsense (the past, 10¹² seconds) costs no more.
    Source: RFC 9110 §10.2.3.
    """
    if seconds is None or isnan(seconds):
        return None
    return now + timedelta(seconds=min(max(seconds, RETRY_AFTER_MIN_S), RETRY_AFTER_MAX_S))


def allowed_at(asks: Asks, when: datetime) -> bool:
    """True if `skipHours` and `skipDays` allow a poll at this moment.

    Where every hour of the day or every day of the week is named, that list means nothing.
    Source: RSS 2.0 `<skipHours>`, `<skipDays>`: hours and days of GMT.
    """
    moment = when.astimezone(UTC)
    hours = set(asks.skip_hours) & set(range(24))
    days = set(asks.skip_days) & set(_DAYS)
    hour_skipped = moment.hour in hours and len(hours) < 24
    day_skipped = _DAYS[moment.weekday()] in days and len(days) < 7
    return not (hour_skipped or day_skipped)


# ---------------------------------------------------------------- all of it together


def due_after(
    slug: str,
    every_s: int,
    asks: Asks,
    *,
    failing_since: datetime | None,
    not_before: datetime | None,
    after: datetime,
) -> datetime:
    """Return the next point of the grid, strictly after `after`, when the feed may be polled.

    Where the slowed-down grid meets no allowed hour within a week, the feed is polled at the
    first allowed point of each day; where no point of the operator's own grid is allowed either
    (`every = "1d"` within a skipped hour), `skipHours` and `skipDays` cannot be kept and are not.
    """
    start = after if not_before is None else max(after, not_before - _TICK)
    interval_s = effective_interval_s(every_s, asks)
    point = first = _next_poll(slug, interval_s, failing_since, start)
    while point <= start + timedelta(days=_HORIZON_DAYS):
        if allowed_at(asks, point):
            return point
        point = _next_poll(slug, interval_s, failing_since, _end_of_hour(point))
    return _first_allowed_of_a_day(slug, every_s, asks, start) or first


def may_poll(
    slug: str,
    every_s: int,
    asks: Asks,
    *,
    failing_since: datetime | None,
    not_before: datetime | None,
    now: datetime,
) -> bool:
    """True if a feed that is due by `now` on its plain grid may be polled.

    Judged for the last point of the plain grid, not for `now`: a message that waited in a queue
    stands for the moment it was sent for.
    """
    point = last_due(slug, every_s, now)
    due = due_after(
        slug,
        every_s,
        asks,
        failing_since=failing_since,
        not_before=not_before,
        after=point - _TICK,
    )
    return due == point


def _next_poll(
    slug: str, interval_s: int, failing_since: datetime | None, after: datetime
) -> datetime:
    """Return the first point after `after` on the grid of the interval that holds *at that point*.

    A failing feed's interval grows while it waits; the grids nest, so it is enough to step along
    the one in force at each candidate, at most once for each doubling.
    """
    point = next_due(slug, interval_s, after)
    while True:
        backoff_s = backoff_interval_s(interval_s, failing_since, point)
        if last_due(slug, backoff_s, point) == point:
            return point
        point = next_due(slug, backoff_s, point)


def _first_allowed_of_a_day(
    slug: str, every_s: int, asks: Asks, after: datetime
) -> datetime | None:
    """Return the first point after `after` that is the first allowed of its day (GMT), if any."""
    midnight = after.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for days in range(_HORIZON_DAYS + 1):
        point = _first_allowed(slug, every_s, asks, midnight + timedelta(days=days))
        if point is not None and point > after:
            return point
    return None


def _first_allowed(slug: str, every_s: int, asks: Asks, day: datetime) -> datetime | None:
    """Return the first allowed point of the plain grid within the day from `day` on, if any."""
    point = next_due(slug, every_s, day - _TICK)
    while point < day + timedelta(days=1):
        if allowed_at(asks, point):
            return point
        point = next_due(slug, every_s, _end_of_hour(point))
    return None


def _end_of_hour(point: datetime) -> datetime:
    """Return the last second of a grid point's hour."""
    return point.replace(minute=59, second=59)
