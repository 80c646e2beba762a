"""MirrorFunction, the Lambda function that refreshes feeds: those of SQS messages, those due in a
schedule's tick, or those named in its event.

A refresh that leaves pages of an earlier deployment queues their renewal, in a queue of its own; a
message of it renews one slice, and queues the next one.

The failure of an origin is an outcome, logged and counted. Feeds that an internal fault or the
timeout stopped are sent again one by one, and so are all of a message at which a process died;
refreshes are idempotent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from datetime import datetime
from functools import cache
from time import monotonic
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.aws.environment import (
    Environment,
    LambdaContext,
    is_handler,
    read_environment,
    started,
)
from feedmirror.entrypoints.aws.events import (
    Batch,
    Message,
    Tick,
    read_event,
    requested_feeds,
)
from feedmirror.entrypoints.aws.messages import Refreshes, RenewalSlice
from feedmirror.entrypoints.aws.renewing import Renewing, connecting
from feedmirror.entrypoints.aws.resending import Resending
from feedmirror.errors import EventError, Group
from feedmirror.mirror.feed_index import Known
from feedmirror.model import Outcome, Subscription
from feedmirror.ports import Queue, World
from feedmirror.refresh import attempt
from feedmirror.storage.deployments import deployment_of

_RESPONSE_S = 3.0  # reserved for the response: Lambda kills a function at its timeout
_SENDERS = 4  # requests to a queue at once: a message of a hundred feeds takes ten to divide
_DEATH_S = 10  # after the timeout of a function that did not answer, its message comes again
_BESIDES_FETCH_S = 10.0  # allowed for a refresh besides its fetch


def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Refresh feeds; return the failed messages for an SQS event, otherwise a summary.

    Raises: EventError if the event is not valid.
    """
    return _function().invoke(event, context)


class MirrorFunction:
    """State kept between invocations: settings, clients and the parser process."""

    def __init__(
        self,
        environment: Environment,
        world: World,
        renewals: Callable[[], Queue] | None,  # called only where there are pages to renew
        resending: Resending | None,  # None: a message that is not done is left to the queue
        log: telemetry.Log,
    ) -> None:
        self._environment = environment
        self._world = world
        self._log = log
        self._resending = resending
        self._renewing = Renewing(environment, world, renewals, log) if renewals else None

    def invoke(self, event: object, context: LambdaContext) -> dict[str, Any]:
        """Handle one event. See `handler`."""
        with telemetry.invocation(context.aws_request_id):
            try:
                asked = read_event(event, self._world.clock())
                if isinstance(asked, Batch):
                    return self._handle(asked.messages, context)
                feeds = requested_feeds(asked, self._environment.subscriptions)
            except EventError as error:
                telemetry.log_error(self._log, telemetry.EVENT_REFUSED, str(error))
                raise
            by_slug = dict.fromkeys(feed.slug for feed in feeds)
            result, tally = self._refresh(by_slug, context, scheduled=isinstance(asked, Tick))
            return _summary(tally, result, self._environment.subscriptions)

    def _handle(self, messages: Iterable[Message], context: LambdaContext) -> dict[str, Any]:
        """Do what messages ask for; return the response to SQS, with the ids of the messages to
        retry: those of which nothing was begun.

        Source: AWS Lambda Developer Guide, "Implementing partial batch responses".
        """
        again = [message.id for message in messages if not self._is_done(message, context)]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in again]}

    def _is_done(self, message: Message, context: LambdaContext) -> bool:
        """Do what a message asks for; False if it is left to the queue."""
        body = message.body
        if body is None:
            telemetry.log_message(self._log, message.id, message.error, dropped=False)
            return False
        if isinstance(body, RenewalSlice):
            if not self._is_configured(body.renew, message):
                return True
            return self._renewing is not None and self._renewing.is_done(body.renew, body.page)
        if message.receives > 1 and self._resending is not None:
            return self._resending.died(body)
        return self._is_refreshed(message, body, context)

    def _is_refreshed(self, message: Message, body: Refreshes, context: LambdaContext) -> bool:
        if self._resending is not None:
            left_s = context.get_remaining_time_in_millis() // 1000
            self._resending.hold(message.receipt, left_s + _DEATH_S)
        feeds = {
            slug: known for slug, known in body.feeds.items() if self._is_configured(slug, message)
        }
        result, _ = self._refresh(feeds, context, scheduled=True)
        failed = [
            *result.unfinished,
            *result.not_started,
            *(
                outcome.feed
                for outcome in result.outcomes
                if outcome.failure and outcome.failure.group == Group.INTERNAL.value
            ),
        ]
        if not failed:
            return True
        return self._resending is not None and self._resending.unfinished(failed, body)

    def _is_configured(self, slug: str, message: Message) -> bool:
        """True if the feed is configured: a message may be older than a deploy."""
        if slug in self._environment.subscriptions:
            return True
        error = f"no feed {slug!r} is configured"
        telemetry.log_message(self._log, message.id, error, dropped=True)
        return False

    def _refresh(
        self, feeds: Mapping[str, Known | None], context: LambdaContext, *, scheduled: bool
    ) -> tuple[_BatchResult, telemetry.Tally]:
        """Refresh feeds, of which the index knows that; log and count what came of it."""
        started_at = monotonic()
        subscriptions = self._environment.subscriptions

        def log_outcome(outcome: Outcome) -> None:
            if not telemetry.is_routine(outcome):
                telemetry.log_outcome(self._log, outcome, subscriptions[outcome.feed])

        result = refresh_batch(
            (subscriptions[slug] for slug in feeds),
            lambda feed: attempt(feed, self._world, scheduled=scheduled, known=feeds[feed.slug]),
            self._environment.threads,
            lambda: context.get_remaining_time_in_millis() / 1000,
            log_outcome,
        )
        duration_ms = round((monotonic() - started_at) * 1000)
        tally = telemetry.log_batch(
            self._log, result.outcomes, result.unfinished, result.not_started, duration_ms
        )
        feeds_refreshed = {"FeedsRefreshed": tally.feeds, "FeedsFailed": tally.failed}
        telemetry.put_metrics(feeds_refreshed | {"EntriesNew": tally.new})
        if self._renewing:
            self._renewing.begin(result.outcomes)
        return result, tally


def _summary(
    tally: telemetry.Tally, result: _BatchResult, subscriptions: Mapping[str, Subscription]
) -> dict[str, Any]:
    return {
        **asdict(tally),
        "skipped": [*result.unfinished, *result.not_started],
        "outcomes": [
            telemetry.outcome_fields(outcome, subscriptions[outcome.feed])
            for outcome in result.outcomes
        ],
    }


class _BatchResult(Struct, frozen=True):
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
) -> _BatchResult:
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
    rest: dict[bool, list[str]] = {True: [], False: []}
    for future, slug in futures.items():
        if slug not in done:
            rest[_was_started(future)].append(slug)
    return _BatchResult(outcomes, unfinished=tuple(rest[True]), not_started=tuple(rest[False]))


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


# ---------------------------------------------------------------- init


@cache
def _function() -> MirrorFunction:
    """Return the function of this process. Raises: ConfigError, StoreError."""
    return started(start)


def start(
    variables: Mapping[str, str], log: telemetry.Log, clock: Callable[[], datetime]
) -> MirrorFunction:
    """Make the function for these environment variables. Raises: ConfigError, StoreError."""
    environment = read_environment(variables)
    from feedmirror.adapters.aws import new_session  # noqa: PLC0415 - imports boto3
    from feedmirror.adapters.origin.client import HttpOrigin  # noqa: PLC0415
    from feedmirror.adapters.parser import WorkerParser  # noqa: PLC0415
    from feedmirror.adapters.sqs import SqsQueue  # noqa: PLC0415
    from feedmirror.entrypoints.store import WRITERS, map_in, open_store  # noqa: PLC0415

    session = new_session()
    store = open_store(environment.store, threads=environment.threads + WRITERS, session=session)
    world = World(
        store=store,
        origin=HttpOrigin(now=clock, own_port=environment.runtime_port),
        parser=WorkerParser.with_limits(variables, memory_bytes=environment.parser_bytes),
        clock=clock,
        public_url=environment.public_url,
        deployment=lambda: deployment_of(store, environment.build, clock()),
        side_by_side=map_in(ThreadPoolExecutor(WRITERS), WRITERS),
    )
    url, renewals_url = environment.queue_url, environment.renewals_url
    resending = None
    if url and environment.dead_letters_url:
        queue = SqsQueue.connect(url, threads=_SENDERS, session=session)
        dead_letters = SqsQueue.connect(
            environment.dead_letters_url, threads=_SENDERS, session=session
        )
        resending = Resending(queue, dead_letters, log)
    renewals = connecting(renewals_url, session) if renewals_url else None
    return MirrorFunction(environment, world, renewals, resending, log)


if is_handler(__name__):
    _function()
