"""Renewal of pages by MirrorFunction: a slice for each message of a queue of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.aws.environment import Environment
from feedmirror.entrypoints.aws.events import renewal_body
from feedmirror.errors import OlderDeploymentError, StoreError, contained
from feedmirror.model import Outcome, Subscription
from feedmirror.ports import Queue, World
from feedmirror.storage.renewal_budget import count_renewed, renewed_today

if TYPE_CHECKING:
    from feedmirror.renewal import Renewed


class Renewing:
    """Renews pages of feeds that are of an earlier deployment, a slice for each message."""

    def __init__(
        self,
        environment: Environment,
        world: World,
        queue: Callable[[], Queue],
        log: telemetry.Log,
    ) -> None:
        self._environment = environment
        self._world = world
        self._queue = queue
        self._log = log

    def begin(self, outcomes: Iterable[Outcome]) -> None:
        """Queue the renewals that refreshes have left; the next refresh tries again what fails."""
        if self._environment.renewals_per_day:
            for outcome in outcomes:
                if outcome.renewal is not None:
                    self._send(outcome.feed, outcome.renewal)

    def is_done(self, slug: str) -> bool:
        """Renew the next pages of a feed and queue those after them; False if a retry may help.

        Where the budget of the day is used up, the renewal ends, and a refresh of the next day
        begins it again. Each message has a slice renewed, whichever it names: one that comes twice
        goes on where the first one ended.
        """
        subscription = self._environment.subscriptions.get(slug)
        if subscription is None:  # sent before a deploy that removed the feed
            return True
        done = contained(lambda: self._slice(subscription))
        if isinstance(done, Exception):
            telemetry.log_renewal_failure(self._log, subscription, done)
            return isinstance(done, OlderDeploymentError)
        if done is None:
            return True
        for why in done.damaged:
            telemetry.log_renewal_failure(self._log, subscription, StoreError(why))
        telemetry.log_renewal(self._log, slug, done.written, done.left)
        return done.position is None or self._send(slug, done.position)

    def _slice(self, subscription: Subscription) -> Renewed | None:
        """Renew one slice; None where the budget is used up."""
        store, now = self._world.store, self._world.clock()
        if renewed_today(store, now) >= self._environment.renewals_per_day:
            return None
        from feedmirror.renewal import renew_slice  # noqa: PLC0415 - few invocations need it

        done = renew_slice(subscription, self._world)
        count_renewed(store, done.written, now)
        return done

    def _send(self, slug: str, position: str) -> bool:
        """Queue a slice; False if the queue did not take it.

        The name tells slices of one deployment apart: SQS drops a second message for the same one.
        """
        name = sha256(f"{self._environment.build} {position}".encode()).hexdigest()[:32]
        not_sent = self._queue().send({slug: renewal_body(slug, position)}, name)
        telemetry.log_not_sent(self._log, not_sent)
        return not not_sent


def connecting(url: str) -> Callable[[], Queue]:
    """Return a function that connects to the queue once, at its first call."""

    @cache
    def connected() -> Queue:
        from feedmirror.adapters.sqs import SqsQueue  # noqa: PLC0415 - few invocations need it

        return SqsQueue.connect(url, threads=1)

    return connected
