"""Renewal of pages by MirrorFunction: a slice for each message of a queue of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.aws.environment import Environment
from feedmirror.entrypoints.aws.messages import renewal, slugs_of
from feedmirror.errors import OlderDeploymentError, StoreError, contained
from feedmirror.model import Outcome, Subscription
from feedmirror.ports import Queue, World
from feedmirror.storage.renewal_budget import count_renewed, load_renewals

if TYPE_CHECKING:
    from boto3.session import Session

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
        due = [(one.feed, one.renewal) for one in outcomes if one.renewal is not None]
        if due and contained(self._may_renew) is True:
            for slug, position in due:
                self._send(slug, position)

    def is_done(self, slug: str, position: str) -> bool:
        """Renew the pages of a slice of a feed and queue the next ones; False if a retry may help.

        Where the budget of the day is used up, the renewal ends, and begins again on the next day.
        A message for another slice than the one that is next is late: a later message goes on.
        """
        subscription = self._environment.subscriptions.get(slug)
        if subscription is None:  # sent before a deploy that removed the feed
            return True
        done = contained(lambda: self._slice(subscription, position))
        if isinstance(done, Exception):
            telemetry.log_renewal_failure(self._log, subscription, done)
            return isinstance(done, OlderDeploymentError)
        if done is None:
            return True
        for why in done.damaged:
            telemetry.log_renewal_failure(self._log, subscription, StoreError(why))
        if done.written or done.position:  # else the message was late
            telemetry.log_renewal(self._log, slug, done.written, done.left)
            telemetry.put_metrics({"PagesRenewed": done.written})
        if done.position:  # where it cannot be queued, the next refresh or full hour does it
            self._send(slug, done.position)
        return True

    def _may_renew(self) -> bool:
        """True if the budget of the day is not used up. Raises: StoreError, StateError."""
        budget = self._environment.renewals_per_day
        if not budget:
            return False
        return load_renewals(self._world.store, self._world.clock()).pages < budget

    def _slice(self, subscription: Subscription, position: str) -> Renewed | None:
        """Renew the slice; None where the budget is used up."""
        if not self._may_renew():
            return None
        from feedmirror.renewal import renew_slice  # noqa: PLC0415 - few invocations need it

        done = renew_slice(subscription, self._world, position)
        count_renewed(self._world.store, done.written, self._world.clock())
        return done

    def _send(self, slug: str, position: str) -> None:
        """Queue a slice.

        The name tells slices of one deployment apart: SQS drops a second message for the same one.
        """
        name = sha256(f"{self._environment.build} {position}".encode()).hexdigest()[:32]
        not_sent = self._queue().send([renewal(slug, position, name)])
        telemetry.log_not_sent(self._log, slugs_of(not_sent))


def connecting(url: str, session: Session) -> Callable[[], Queue]:
    """Return a function that connects to the queue once, at its first call."""

    @cache
    def connected() -> Queue:
        from feedmirror.adapters.sqs import SqsQueue  # noqa: PLC0415 - few invocations need it

        return SqsQueue.connect(url, threads=1, session=session)

    return connected
