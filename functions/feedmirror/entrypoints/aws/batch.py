"""Parallel refreshes within the time of one Lambda invocation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass

from feedmirror.model import Outcome, Subscription

_RESPONSE_S = 3.0  # reserved for the response: Lambda kills a function at its timeout
_BESIDES_FETCH_S = 10.0  # allowed for a refresh besides its fetch


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Outcomes of a batch of feeds, and the feeds that it had no time for."""

    outcomes: tuple[Outcome, ...]
    unfinished: tuple[str, ...]  # slugs of feeds that were started
    not_started: tuple[str, ...]  # slugs


def refresh_batch(
    subscriptions: Iterable[Subscription],
    attempt: Callable[[Subscription], Outcome],
    threads: int,
    remaining_s: Callable[[], float],
    on_outcome: Callable[[Outcome], None],
) -> BatchResult:
    """Refresh the feeds until all are done or only the time for the response is left.

    `on_outcome` is called at once for each outcome, in the calling thread, so that outcomes are
    logged even if Lambda kills the process.

    A feed is started only if the remaining time suffices for its fetch, or is at least half of the
    whole time: so a feed with a long timeout is still refreshed by a function with a short one.
    An unfinished refresh resumes when Lambda thaws the process for its next invocation; this is
    harmless, since overlapping runs of a feed are.
    """
    half_s = remaining_s() / 2

    def start(subscription: Subscription) -> Outcome | None:
        needed_s = min(subscription.timeout_s + _BESIDES_FETCH_S, half_s)
        return attempt(subscription) if remaining_s() >= needed_s else None

    pool = ThreadPoolExecutor(threads)
    try:
        futures = {pool.submit(start, feed): feed.slug for feed in subscriptions}
        outcomes = _finished(futures, max(0.0, remaining_s() - _RESPONSE_S), on_outcome)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    done = {outcome.feed for outcome in outcomes}
    rest = {slug: _was_started(future) for future, slug in futures.items() if slug not in done}
    return BatchResult(
        outcomes,
        unfinished=tuple(slug for slug, was_started in rest.items() if was_started),
        not_started=tuple(slug for slug, was_started in rest.items() if not was_started),
    )


def _finished(
    futures: Iterable[Future[Outcome | None]],
    within_s: float,
    on_outcome: Callable[[Outcome], None],
) -> tuple[Outcome, ...]:
    """Collect the outcomes that arrive within the time."""
    outcomes = []
    with suppress(TimeoutError):
        for future in as_completed(futures, timeout=within_s):
            outcome = future.result()
            if outcome is not None:
                on_outcome(outcome)
                outcomes.append(outcome)
    return tuple(outcomes)


def _was_started(future: Future[Outcome | None]) -> bool:
    return not future.cancelled() and (not future.done() or future.result() is not None)
