"""The Lambda function that a schedule wakes: it asks for a refresh of each feed that became due.

Who is due follows from the configuration and the clock alone; nothing is read for it. A message
says no more than "refresh this feed", so one that is lost or doubled does no harm. Once an hour,
and after a deploy, it also brings up to date the site's own documents and those of retired feeds,
for which it sends no message, and counts the feeds that are in trouble.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from time import monotonic
from typing import Any

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.aws.environment import Environment, read_environment
from feedmirror.entrypoints.aws.events import Batch, Named, Tick, body_of, read_event
from feedmirror.entrypoints.aws.invocation import Context, chosen, is_handler, started
from feedmirror.entrypoints.thread_map import thread_map
from feedmirror.errors import ConfigError, EventError, QueueError, StoreError
from feedmirror.ports import Queue, Store
from feedmirror.publishing.formats.status import gauges, hour_of
from feedmirror.site import Site, is_current, publish_site

_HOUR = timedelta(hours=1)


def handler(event: object, context: Context) -> dict[str, Any]:
    """How many refreshes were asked for, and which of the site's documents were published.

    Raises: EventError if the event is none that is understood; QueueError if not every message
    could be sent: the same tick again sends those that are missing and no other twice; StoreError.
    """
    return _function().invoke(event, context)


class DispatchFunction:
    """What stays from one invocation to the next: settings and clients."""

    def __init__(
        self,
        environment: Environment,
        queue: Queue,
        store: Callable[[], Store],  # opened only when the site is looked after
        clock: Callable[[], datetime],
        log: telemetry.Log,
    ) -> None:
        self._environment = environment
        self._queue = queue
        self._store = store
        self._clock = clock
        self._log = log
        self._knows_site = False  # whether it was found out if there was a deploy
        self._young_until = datetime.min.replace(tzinfo=UTC)

    def invoke(self, event: object, context: Context) -> dict[str, Any]:
        """As `handler`."""
        with telemetry.invocation(context.aws_request_id):
            try:
                asked = _read(event, self._clock())
                feeds = chosen(asked, self._environment.subscriptions)
                due = [feed.slug for feed in feeds if not feed.retired]
            except EventError as error:
                telemetry.log_refusal(self._log, str(error))
                raise
            self._send(due, asked, context)
            try:
                published = self._look_after_site(asked)
            except StoreError as error:
                telemetry.log_site_failure(self._log, str(error))
                raise
            return {"due": len(due), "published": list(published)}

    def _send(self, due: list[str], asked: Tick | Named, context: Context) -> None:
        """Ask for the refreshes. Raises: QueueError."""
        started_at = monotonic()
        # A tick that is repeated has the same name; what somebody asks for by hand is always new.
        name = f"{asked.until:%Y%m%dT%H%M%S}" if isinstance(asked, Tick) else context.aws_request_id
        not_sent = self._queue.send({slug: body_of(slug) for slug in due}, name)
        duration_ms = round((monotonic() - started_at) * 1000)
        telemetry.log_dispatch(self._log, len(due), not_sent, duration_ms)
        telemetry.put_metrics({"FeedsDue": len(due) - len(not_sent)})
        if not_sent:
            slug, why = next(iter(not_sent.items()))
            raise QueueError(f"{len(not_sent)} of {len(due)} not sent; the first, {slug}: {why}")

    # ------------------------------------------------------------ the site's own documents

    def _look_after_site(self, asked: Tick | Named) -> tuple[str, ...]:
        """The documents that were published."""
        started_at, now = monotonic(), self._clock()
        if not self._has_reason(asked, now):
            return ()
        feeds, public_url = self._environment.subscriptions.values(), self._environment.public_url
        with thread_map(self._environment.threads) as side_by_side:
            site = publish_site(self._store(), feeds, public_url, now, side_by_side)
        self._tell(site, now, round((monotonic() - started_at) * 1000))
        return site.published

    def _has_reason(self, asked: Tick | Named, now: datetime) -> bool:
        """Whether to look after the site: once an hour, and at each tick of the hour that follows
        on a deploy, in which new feeds are mirrored for the first time.
        """
        if not self._knows_site:
            feeds, public_url = (
                self._environment.subscriptions.values(),
                self._environment.public_url,
            )
            if not is_current(self._store(), feeds, public_url):
                self._young_until = now + _HOUR
            self._knows_site = True
        return _holds_full_hour(asked) or now < self._young_until

    def _tell(self, site: Site, now: datetime, duration_ms: int) -> None:
        found = gauges(site.lines, now)
        telemetry.log_site(self._log, site.published, len(site.lines), duration_ms)
        telemetry.put_metrics(
            {
                "FeedsConfigured": found.configured,
                "FeedsBlocked": found.blocked,
                "FeedsBroken": found.broken,
                "FeedsUnreachable": found.unreachable,
                "FeedsQuiet": found.quiet,
                "FeedsNewlyFailing": found.newly_failing,
            }
        )


def _read(event: object, now: datetime) -> Tick | Named:
    asked = read_event(event, now)
    if isinstance(asked, Batch):
        raise EventError("the messages of a queue are for the function that mirrors")
    return asked


def _holds_full_hour(asked: Tick | Named) -> bool:
    if not isinstance(asked, Tick):
        return False
    return asked.since < hour_of(asked.until)


# ---------------------------------------------------------------- init


@cache
def _function() -> DispatchFunction:
    """The function, ready; made once a process. Raises: ConfigError, StoreError."""
    return started(start)


def start(
    variables: Mapping[str, str], log: telemetry.Log, clock: Callable[[], datetime]
) -> DispatchFunction:
    """A function for these variables of the environment. Raises: ConfigError, StoreError."""
    environment = read_environment(variables)
    if environment.queue_url is None:
        raise ConfigError(("FEEDMIRROR_QUEUE_URL: is not set; the address of an SQS queue",))
    from feedmirror.adapters.sqs import SqsQueue  # noqa: PLC0415 - brings boto3
    from feedmirror.entrypoints.store import open_store  # noqa: PLC0415

    return DispatchFunction(
        environment,
        SqsQueue.connect(environment.queue_url, threads=environment.threads),
        cache(lambda: open_store(environment.store, threads=environment.threads)),
        clock,
        log,
    )


if is_handler(__name__):
    _function()
