"""`feedmirror run --watch`: refresh all feeds, then each whenever it is due, until interrupted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from feedmirror.entrypoints.cli.progress import Progress
from feedmirror.entrypoints.cli.result import Result
from feedmirror.entrypoints.cli.workers import WorkerPool
from feedmirror.mirror.schedule import is_due, next_due
from feedmirror.model import Subscription


def watch(
    pool: WorkerPool,
    subscriptions: Sequence[Subscription],
    clock: Callable[[], datetime],
    progress: Progress,
    result: Result,
    *,
    after_each: Callable[[], None],  # called after each wait for a due feed
) -> None:
    """Refresh feeds until `pool` is stopped, then finish the refreshes in progress.

    Returns after the first pass if every feed is retired, since a retired feed is never due.
    """
    since = clock()
    for subscription in subscriptions:
        pool.refresh(subscription, scheduled=False)
    active = [subscription for subscription in subscriptions if not subscription.retired]
    while active and not pool.stopping:
        due_at, name = min((next_due(s.slug, s.every_s, since), s.slug) for s in active)
        _work_until(due_at, name, pool=pool, clock=clock, progress=progress, result=result)
        after_each()
        now = clock()
        busy = pool.slugs
        for subscription in active:
            due = is_due(subscription.slug, subscription.every_s, since, now)
            if due and subscription.slug not in busy and not pool.stopping:
                pool.refresh(subscription, scheduled=True)
        since = now
    for outcome in pool.outcomes():
        result.add(outcome)


def _work_until(
    due_at: datetime,
    name: str,
    *,
    pool: WorkerPool,
    clock: Callable[[], datetime],
    progress: Progress,
    result: Result,
) -> None:
    """Collect outcomes until `due_at`, when the feed `name` is due, or until `pool` is stopped."""
    at = f"{due_at.astimezone():%H:%M}"
    while not pool.stopping and (left_s := (due_at - clock()).total_seconds()) > 0:
        working = f"refreshing {', '.join(result.running)}; " if pool.busy else ""
        progress.show(f"{working}next: {name} at {at} (Ctrl-C: stop)")
        outcome = pool.next_outcome(left_s)
        if outcome is not None:
            result.add(outcome)
