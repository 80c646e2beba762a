"""Refreshing feeds side by side within an invocation, and no longer than it lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass

from feedmirror.model import Outcome, Subscription

_ANSWER_S = 3.0  # kept for the answer: a function that runs out of time is killed without a word
_BESIDES_FETCH_S = 10.0  # what a refresh may take besides its fetch


@dataclass(frozen=True, slots=True)
class Shift:
    """How a number of feeds fared."""

    outcomes: tuple[Outcome, ...]  # of those that came to an end
    cut_short: tuple[str, ...]  # slugs of those that were begun only
    not_begun: tuple[str, ...]  # slugs


def work_through(
    subscriptions: Iterable[Subscription],
    attempt: Callable[[Subscription], Outcome],
    threads: int,
    remaining_s: Callable[[], float],
    tell: Callable[[Outcome], None],
) -> Shift:
    """How the feeds fared by the time that there is just enough left to answer.

    Outcomes are told as they come, in the thread that called this: so they are even if all ends
    at once later.

    A feed is begun only if there is time for its fetch; but also if there is half of all the time
    left, so that a feed with a long timeout has its turn in a function with a short one. What was
    begun and is cut short goes on when the process is woken for its next invocation, if it is, as
    any run that is overtaken by another one: it harms nothing.
    """
    half_s = remaining_s() / 2

    def begin(subscription: Subscription) -> Outcome | None:
        needed_s = min(subscription.timeout_s + _BESIDES_FETCH_S, half_s)
        return attempt(subscription) if remaining_s() >= needed_s else None

    pool = ThreadPoolExecutor(threads)
    try:
        futures = {pool.submit(begin, feed): feed.slug for feed in subscriptions}
        outcomes = _finished(futures, max(0.0, remaining_s() - _ANSWER_S), tell)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    told = {outcome.feed for outcome in outcomes}
    rest = {slug: _was_begun(future) for future, slug in futures.items() if slug not in told}
    return Shift(
        outcomes,
        cut_short=tuple(slug for slug, was_begun in rest.items() if was_begun),
        not_begun=tuple(slug for slug, was_begun in rest.items() if not was_begun),
    )


def _finished(
    futures: Iterable[Future[Outcome | None]], within_s: float, tell: Callable[[Outcome], None]
) -> tuple[Outcome, ...]:
    """The outcomes that come in time."""
    outcomes = []
    with suppress(TimeoutError):
        for future in as_completed(futures, timeout=within_s):
            outcome = future.result()
            if outcome is not None:
                tell(outcome)
                outcomes.append(outcome)
    return tuple(outcomes)


def _was_begun(future: Future[Outcome | None]) -> bool:
    return not future.cancelled() and (not future.done() or future.result() is not None)
