"""DispatchFunction, the Lambda function that queues a refresh of each feed that is due.

A schedule invokes it. Due feeds follow from the configuration, the clock, and what their origins
asked for, as the feed index has it: the index is brought up to date first, from the states that
have changed since the last tick. A message says only "refresh these feeds", with what the index
knows of them, so a lost or repeated message is harmless. Its first tick after a deploy makes the
build the newest deployment of the store. Once an hour and after a deploy the function also updates
the site's own documents and those of retired feeds, which it does not have refreshed, counts the
failing feeds, and queues the renewal of pages that are left, of retired feeds too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from time import monotonic
from typing import Any

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
    Named,
    Tick,
    read_event,
    requested_feeds,
)
from feedmirror.entrypoints.aws.messages import Due, refreshes, renewal, slugs_of
from feedmirror.entrypoints.store import thread_map
from feedmirror.errors import ConfigError, EventError, QueueError, StateError, StoreError
from feedmirror.mirror.feed_index import IndexedFeed
from feedmirror.mirror.health import FeedLine
from feedmirror.model import Subscription
from feedmirror.ports import Queue, Store
from feedmirror.publishing.formats.status import gauges, hour_of
from feedmirror.site import is_site_current, publish_site
from feedmirror.storage.deployments import deploy_build, deployment_of
from feedmirror.storage.feed_index import survey_feeds
from feedmirror.storage.publisher import Publisher
from feedmirror.storage.renewal_budget import load_renewals

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Queue refreshes; return how many were due, and which documents of the site were published.

    Raises: EventError if the event is not valid; QueueError if a message was not sent (a retry of
    the same tick sends the missing messages only); StoreError.
    """
    return _function().invoke(event, context)


class DispatchFunction:
    """State kept between invocations: settings and clients."""

    def __init__(
        self,
        environment: Environment,
        queue: Queue,
        renewals: Callable[[], Queue],  # called only where there are pages to renew
        store: Callable[[], Store],
        *,
        clock: Callable[[], datetime],
        log: telemetry.Log,
    ) -> None:
        self._environment = environment
        self._queue = queue
        self._renewals = renewals
        self._store = store
        self._clock = clock
        self._log = log
        self._render_keys: dict[str, str] = {}  # by slug: of this build, as long as it lives
        self._is_deployed = False  # True: the build is, or was, the newest deployment
        self._checked_site = False  # True: this process has looked for a new deploy
        self._new_until = datetime.min.replace(tzinfo=UTC)  # end of the hour after a deploy

    def invoke(self, event: object, context: LambdaContext) -> dict[str, Any]:
        """Handle one event. See `handler`."""
        with telemetry.invocation(context.aws_request_id):
            try:
                asked = _read(event, self._clock())
                feeds = requested_feeds(asked, self._environment.subscriptions)
            except EventError as error:
                telemetry.log_error(self._log, telemetry.EVENT_REFUSED, str(error))
                raise
            self._deploy()
            due = self._due(asked, feeds)
            self._send(due, asked, context)
            try:
                published = self._update_site(asked)
            except StoreError as error:
                telemetry.log_error(self._log, telemetry.SITE_NOT_PUBLISHED, str(error))
                raise
            return {"due": len(due), "published": list(published)}

    def _deploy(self) -> None:
        """Make the build of this process the newest deployment, once: a later one may follow it.

        Refreshes are sent even if this fails; the next tick tries again.
        """
        if self._is_deployed:
            return
        try:
            deploy_build(self._store(), self._environment.build, self._clock())
        except (StoreError, StateError) as error:
            telemetry.log_error(self._log, telemetry.BUILD_NOT_RECORDED, str(error))
        else:
            self._is_deployed = True

    def _due(self, asked: Tick | Named, feeds: Iterable[Subscription]) -> list[Due]:
        """Return the feeds to refresh: those of a tick, less those whose origins asked for a later
        time. Where the index cannot be read, that is left to MirrorFunction.
        """
        active = [feed for feed in feeds if not feed.retired]
        if isinstance(asked, Named):
            return [Due(feed.slug) for feed in active]
        now = self._clock()
        try:
            with thread_map(self._environment.threads) as side_by_side:
                known = survey_feeds(self._store(), now, side_by_side).feeds
        except StoreError as error:
            telemetry.log_error(self._log, telemetry.INDEX_NOT_READ, str(error))
            return [Due(feed.slug, has_work=True) for feed in active]
        return [
            self._of_index(feed, known.get(feed.slug, IndexedFeed()), now)
            for feed in active
            if feed.slug not in known or known[feed.slug].may_poll(feed, asked.until)
        ]

    def _of_index(self, feed: Subscription, indexed: IndexedFeed, now: datetime) -> Due:
        """Return a feed that is due; one that is not well fails again, most likely."""
        known = indexed.known
        if known and known.is_idle(feed.url, self._render_key(feed), now):
            return Due(feed.slug, known)
        return Due(feed.slug, has_work=indexed.failing is None)

    def _render_key(self, feed: Subscription) -> str:
        if feed.slug not in self._render_keys:
            publisher = Publisher(self._store(), feed, self._environment.public_url)
            self._render_keys[feed.slug] = publisher.render_key
        return self._render_keys[feed.slug]

    def _send(self, due: list[Due], asked: Tick | Named, context: LambdaContext) -> None:
        """Queue the refreshes. Raises: QueueError."""
        started_at = monotonic()
        # A repeated tick has the same name: SQS drops its duplicates. Requests by hand are new.
        name = f"{asked.until:%Y%m%dT%H%M%S}" if isinstance(asked, Tick) else context.aws_request_id
        not_sent = slugs_of(self._queue.send(list(refreshes(due, name))))
        duration_ms = round((monotonic() - started_at) * 1000)
        telemetry.log_dispatch(self._log, len(due), not_sent, duration_ms)
        telemetry.put_metrics({"FeedsDue": len(due) - len(not_sent)})
        if not_sent:
            slug, why = next(iter(not_sent.items()))
            raise QueueError(f"{len(not_sent)} of {len(due)} not sent; the first, {slug}: {why}")

    # ------------------------------------------------------------ the site's own documents

    def _update_site(self, asked: Tick | Named) -> tuple[str, ...]:
        """Publish the documents of the site if they are due; return the names of those written."""
        started_at, now = monotonic(), self._clock()
        if not self._is_site_due(asked, now):
            return ()
        feeds, public_url = self._environment.subscriptions.values(), self._environment.public_url
        with thread_map(self._environment.threads) as side_by_side:
            site = publish_site(
                self._store(),
                feeds,
                public_url,
                now,
                lambda: deployment_of(self._store(), self._environment.build, now),
                side_by_side=side_by_side,
            )
        duration_ms = round((monotonic() - started_at) * 1000)
        telemetry.log_site(self._log, site.published, len(site.lines), duration_ms)
        self._put_gauges(site.lines, now)
        left = [line for line in site.lines if line.renewal is not None and not line.is_older]
        if left:
            is_stalled = self._renew(left, asked, now)
            telemetry.put_metrics(
                {
                    "PagesLeft": sum(line.pages_left for line in left),
                    "RenewalsStalled": len(left) if is_stalled else 0,
                }
            )
        return site.published

    @staticmethod
    def _put_gauges(lines: Iterable[FeedLine], now: datetime) -> None:
        counts = gauges(lines, now)
        telemetry.put_metrics(
            {
                "FeedsConfigured": counts.configured,
                "FeedsBlocked": counts.blocked,
                "FeedsBroken": counts.broken,
                "FeedsUnreachable": counts.unreachable,
                "FeedsQuiet": counts.quiet,
                "FeedsNewlyFailing": counts.newly_failing,
            }
        )
        if counts.older:  # AWS bills a metric by the hours in which it is written
            telemetry.put_metrics({"FeedsOlder": counts.older})

    def _renew(self, lines: Iterable[FeedLine], asked: Tick | Named, now: datetime) -> bool:
        """Queue the slices that are next, unless the budget of the day is used up; return True if
        no page was renewed within a day though the budget allows it. Raises: StoreError.

        Refreshes queue them, too; but retired feeds have none, and others may be due in days.
        """
        store, environment = self._store(), self._environment
        renewed = load_renewals(store, now)
        if renewed.pages >= environment.renewals_per_day:
            return False
        name = f"{now:%Y%m%dT%H%M%S}"
        messages = [
            renewal(line.slug, line.renewal, name)
            for line in lines
            if line.renewal and (line.is_retired or _has_full_hour(asked))
        ]
        telemetry.log_not_sent(self._log, slugs_of(self._renewals().send(messages)))
        deployed_at = deployment_of(store, environment.build, now).configured_at
        return now - max(deployed_at, renewed.at or deployed_at) >= _DAY

    def _is_site_due(self, asked: Tick | Named, now: datetime) -> bool:
        """True once an hour, and at each tick of the hour after a deploy, in which new feeds are
        mirrored for the first time.
        """
        if not self._checked_site:
            known = self._environment.subscriptions.values()
            if not is_site_current(self._store(), known, self._environment.public_url):
                self._new_until = now + _HOUR
            self._checked_site = True
        return _has_full_hour(asked) or now < self._new_until


def _has_full_hour(asked: Tick | Named) -> bool:
    return isinstance(asked, Tick) and asked.since < hour_of(asked.until)


def _read(event: object, now: datetime) -> Tick | Named:
    asked = read_event(event, now)
    if isinstance(asked, Batch):
        raise EventError(
            "SQS messages are for MirrorFunction; DispatchFunction takes a tick or names of feeds"
        )
    return asked


# ---------------------------------------------------------------- init


@cache
def _function() -> DispatchFunction:
    """Return the function of this process. Raises: ConfigError, StoreError."""
    return started(start)


def start(
    variables: Mapping[str, str], log: telemetry.Log, clock: Callable[[], datetime]
) -> DispatchFunction:
    """Make the function for these environment variables. Raises: ConfigError, StoreError."""
    environment = read_environment(variables)
    url, renewals_url = environment.queue_url, environment.renewals_url
    if not url or not renewals_url:
        name = "FEEDMIRROR_RENEWALS_URL" if url else "FEEDMIRROR_QUEUE_URL"
        raise ConfigError((f"{name}: is not set; the URL of an SQS queue",))
    from feedmirror.adapters.aws import new_session  # noqa: PLC0415 - imports boto3
    from feedmirror.adapters.sqs import SqsQueue  # noqa: PLC0415
    from feedmirror.entrypoints.store import open_store  # noqa: PLC0415

    session, threads = new_session(), environment.threads
    return DispatchFunction(
        environment,
        SqsQueue.connect(url, threads=threads, session=session),
        cache(lambda: SqsQueue.connect(renewals_url, threads=threads, session=session)),
        cache(lambda: open_store(environment.store, threads=threads, session=session)),
        clock=clock,
        log=log,
    )


if is_handler(__name__):
    _function()
