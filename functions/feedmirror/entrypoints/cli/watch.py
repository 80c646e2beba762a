"""`feedmirror run --watch`: all feeds at once, then each at its due times, until interrupted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from feedmirror.entrypoints.cli.progress import Progress
from feedmirror.entrypoints.cli.result import Result
from feedmirror.entrypoints.cli.workers import Crew
from feedmirror.mirror.schedule import is_due, next_due
from feedmirror.model import Subscription


def watch(
    crew: Crew,
    subscriptions: Sequence[Subscription],
    clock: Callable[[], datetime],
    progress: Progress,
    result: Result,
    *,
    after_each: Callable[[], None],  # wait for a feed to become due
) -> None:
    """Refresh until the crew is told to stop; what is being refreshed then is finished.

    Ends at once where every feed is retired: none is ever due.
    """
    since = clock()
    for subscription in subscriptions:
        crew.refresh(subscription, scheduled=False)
    active = [subscription for subscription in subscriptions if not subscription.retired]
    while active and not crew.stopping:
        point, name = min((next_due(s.slug, s.every_s, since), s.slug) for s in active)
        _work_until(point, name, crew=crew, clock=clock, progress=progress, result=result)
        after_each()
        now = clock()
        busy = crew.slugs
        for subscription in active:
            due = is_due(subscription.slug, subscription.every_s, since, now)
            if due and subscription.slug not in busy and not crew.stopping:
                crew.refresh(subscription, scheduled=True)
        since = now
    for outcome in crew.outcomes():
        result.add(outcome)


def _work_until(
    point: datetime,
    name: str,
    *,
    crew: Crew,
    clock: Callable[[], datetime],
    progress: Progress,
    result: Result,
) -> None:
    """Take outcomes until the clock shows the point, or it is told to stop."""
    at = f"{point.astimezone():%H:%M}"
    while not crew.stopping and (left_s := (point - clock()).total_seconds()) > 0:
        working = f"refreshing {', '.join(result.running)}; " if crew.busy else ""
        progress.rest(f"{working}next: {name} at {at} (Ctrl-C ends it)")
        outcome = crew.next_outcome(left_s)
        if outcome is not None:
            result.add(outcome)
