"""The program's log: one event a feed and one a run, constant messages, data in keys.

The keys are what an operator filters and counts by; the command and the deployed functions use
the same ones. Whatever comes from outside is redacted and made printable here, in one place.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache, reduce
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from feedmirror.entrypoints.printable import printable, redacted
from feedmirror.errors import Group
from feedmirror.model import Outcome, Subscription

if TYPE_CHECKING:
    from logging import StreamHandler

    from aws_lambda_powertools.logging import Logger
    from aws_lambda_powertools.metrics import Metrics

SERVICE = "feedmirror"
FEED_REFRESHED = "feed refreshed"
RUN_FINISHED = "run finished"
RUN_STOPPING = "run stopping"
RUN_OUT_OF_TIME = "run out of time"
EVENT_REFUSED = "event refused"
MESSAGE_REFUSED = "message refused"
MESSAGE_DROPPED = "message dropped"
MESSAGE_NOT_SENT = "message not sent"
FEEDS_DISPATCHED = "feeds dispatched"
SITE_PUBLISHED = "site published"
SITE_NOT_PUBLISHED = "site not published"
CONFIGURATION_REFUSED = "configuration refused"

# What is counted, all of it: as many as CloudWatch gives for nothing. The alarms and the dashboard
# use these names.
METRICS = (
    "FeedsRefreshed",  # in an invocation, whatever came of it
    "FeedsFailed",  # of those
    "EntriesNew",
    "FeedsDue",  # in a tick; each is to be refreshed
    # Hourly, as it stands then; but for the first, what has lasted for an hour at least.
    "FeedsConfigured",
    "FeedsBlocked",
    "FeedsBroken",  # gone, or failing by our own fault, too
    "FeedsUnreachable",
    "FeedsQuiet",  # nothing new for far longer than it ever took of late
    "FeedsNewlyFailing",  # for less than a day
)
_NAMESPACE = "feedmirror"  # of metrics, unless POWERTOOLS_METRICS_NAMESPACE says otherwise

_NOT_POLLED = frozenset({"waiting", "retired"})  # outcomes; a note says why, as it should be
_SLOW_MS = 5_000  # a feed that takes longer is worth a line, whatever comes of it


class Log(Protocol):
    """Where events go: powertools' Logger, one of the standard library, or one of our own."""

    def info(self, msg: object, /, *, extra: Mapping[str, object]) -> None:
        """Note what is as it should be."""
        ...

    def warning(self, msg: object, /, *, extra: Mapping[str, object]) -> None:
        """Note what the operator should look at."""
        ...

    def error(self, msg: object, /, *, extra: Mapping[str, object]) -> None:
        """Note a fault of our own."""
        ...


@dataclass(frozen=True, slots=True)
class Tally:
    """What the refreshes of a run add up to."""

    feeds: int = 0  # refreshed, in whatever way
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    waiting: int = 0  # their origins asked us to come back later
    retired: int = 0  # not asked, since their configuration says so
    new: int = 0  # entries
    revised: int = 0  # entries
    amended: int = 0  # entries
    published: int = 0  # documents

    def plus(self, outcome: Outcome) -> Tally:
        """The tally with one more outcome."""
        return Tally(
            feeds=self.feeds + 1,
            changed=self.changed + (outcome.outcome == "changed"),
            unchanged=self.unchanged + (outcome.outcome == "unchanged"),
            failed=self.failed + (outcome.outcome == "failed"),
            waiting=self.waiting + (outcome.outcome == "waiting"),
            retired=self.retired + (outcome.outcome == "retired"),
            new=self.new + outcome.new,
            revised=self.revised + outcome.revised,
            amended=self.amended + outcome.amended,
            published=self.published + len(outcome.published),
        )


def json_log() -> Log:
    """The log of JSON lines, on stderr as it is now; the same one each time.

    It leaves out what is below INFO, or below what POWERTOOLS_LOG_LEVEL says.
    """
    logger, handler = _json_logger()
    handler.stream = sys.stderr  # not setStream, which flushes the last one: it may be closed
    return logger


@cache
def _json_logger() -> tuple[Logger, StreamHandler[TextIO]]:
    # Their imports cost as much as refreshing a hundred unchanged feeds.
    from logging import ERROR, StreamHandler, getLogger  # noqa: PLC0415

    from aws_lambda_powertools.logging import Logger  # noqa: PLC0415

    for talkative in ("botocore", "urllib3"):  # what goes wrong there, an outcome says
        getLogger(talkative).setLevel(ERROR)
    handler = StreamHandler(sys.stderr)
    # `location` would be a line of this file. A dict, since the signature does not have it.
    options: dict[str, Any] = {"location": None}
    return Logger(SERVICE, logger_handler=handler, utc=True, use_rfc3339=True, **options), handler


def log_outcome(log: Log, outcome: Outcome, subscription: Subscription) -> None:
    """Log what one refresh came to; keys that say nothing are left out."""
    fields = outcome_fields(outcome, subscription)
    said = {key: value for key, value in fields.items() if value not in (None, [])}
    _level(log, outcome)(FEED_REFRESHED, extra=said)


def log_run(
    log: Log,
    tally: Tally,
    *,
    duration_ms: int,
    skipped: int = 0,  # feeds that were not begun when it was told to stop
    nothing_new: Sequence[str] = (),  # feeds of which there was no event
) -> None:
    """Log what a run came to."""
    extra = {**asdict(tally), "skipped": skipped, "duration_ms": duration_ms}
    log.info(RUN_FINISHED, extra=extra | ({"nothing_new": nothing_new} if nothing_new else {}))


# ---------------------------------------------------------------- of the deployed functions


@contextmanager
def invocation(request_id: str) -> Iterator[None]:
    """Within, every event carries the id that the runtime's own lines have, too."""
    logger, _ = _json_logger()
    logger.append_keys(function_request_id=request_id, cold_start=next(_invocations) == 0)
    try:
        yield
    finally:
        logger.remove_keys(["function_request_id", "cold_start"])


_invocations = count()


def log_problems(log: Log, problems: Iterable[str]) -> None:
    """Log why the function cannot start, an event for each problem of its configuration."""
    for problem in problems:
        log.error(CONFIGURATION_REFUSED, extra={"error": printable(problem)})


def log_refusal(log: Log, error: str) -> None:
    """Log that an invocation asks for nothing that could be done."""
    log.error(EVENT_REFUSED, extra={"error": printable(error)})


def log_message(log: Log, message_id: str, error: str, *, dropped: bool) -> None:
    """Log that a message of the queue asks for nothing that could be done.

    It is `dropped`, or else left to the queue, which puts it aside after some more attempts.
    """
    fields = {"message_id": message_id, "error": printable(error)}
    if dropped:
        log.warning(MESSAGE_DROPPED, extra=fields)
    else:
        log.error(MESSAGE_REFUSED, extra=fields)


def log_shift(
    log: Log,
    outcomes: Sequence[Outcome],
    cut_short: Sequence[str],
    not_begun: Sequence[str],
    duration_ms: int,
) -> Tally:
    """Log what an invocation came to, and before that which feeds it did not get done in time."""
    if cut_short or not_begun:
        fields = {"cut_short": list(cut_short), "not_begun": list(not_begun)}
        log.warning(RUN_OUT_OF_TIME, extra=fields)
    tally = reduce(Tally.plus, outcomes, Tally())
    log_run(
        log,
        tally,
        duration_ms=duration_ms,
        skipped=len(cut_short) + len(not_begun),
        nothing_new=[outcome.feed for outcome in outcomes if says_nothing(outcome)],
    )
    return tally


def log_dispatch(log: Log, due: int, not_sent: Mapping[str, str], duration_ms: int) -> None:
    """Log how many refreshes were asked for, and which could not be, by slug with the reason."""
    for slug, why in not_sent.items():
        log.error(MESSAGE_NOT_SENT, extra={"feed": slug, "error": printable(why)})
    extra = {"due": due, "not_sent": len(not_sent), "duration_ms": duration_ms}
    log.info(FEEDS_DISPATCHED, extra=extra)


def log_site(log: Log, published: Sequence[str], feeds: int, duration_ms: int) -> None:
    """Log which of the site's own documents were published."""
    extra = {"published": list(published), "feeds": feeds, "duration_ms": duration_ms}
    log.info(SITE_PUBLISHED, extra=extra)


def log_site_failure(log: Log, error: str) -> None:
    """Log that the site's own documents could not be brought up to date."""
    log.error(SITE_NOT_PUBLISHED, extra={"error": printable(error)})


def counts(tally: Tally) -> dict[str, int]:
    """The tally as plain data."""
    return asdict(tally)


def put_metrics(values: Mapping[str, int]) -> None:
    """Write metrics, some of METRICS, to stdout, where CloudWatch finds them among the logs.

    None has a dimension a feed: each would cost as much as mirroring some feeds for a month. Which
    feed it was is in the logs. Source: CloudWatch User Guide, "Embedded metric format".
    """
    from aws_lambda_powertools.metrics import MetricUnit  # noqa: PLC0415 - as above

    metrics = _metrics()
    for name, value in values.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    metrics.flush_metrics()


@cache
def _metrics() -> Metrics:
    from aws_lambda_powertools.metrics import Metrics  # noqa: PLC0415 - as above

    return Metrics(
        namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or _NAMESPACE,
        # Two stacks in an account tell their metrics apart by it.
        service=os.environ.get("POWERTOOLS_SERVICE_NAME") or SERVICE,
    )


# ---------------------------------------------------------------- what is said of an outcome


def says_nothing(outcome: Outcome) -> bool:
    """Whether there is nothing to tell of the outcome but that it was as nearly always.

    Of ten thousand feeds such lines would cost more than asking the feeds.
    """
    usual = outcome.outcome in {"unchanged", *_NOT_POLLED} and outcome.duration_ms < _SLOW_MS
    return usual and not (outcome.failure or outcome.recovered or matters(outcome))


def matters(outcome: Outcome) -> bool:
    """Whether the operator should look at it though it did not fail."""
    return bool(outcome.quarantined or (outcome.note and outcome.outcome not in _NOT_POLLED))


def outcome_fields(outcome: Outcome, subscription: Subscription) -> dict[str, object]:
    """An outcome as plain data fit for anybody's eyes: always all keys, None where none applies."""
    failure = outcome.failure

    def fit(text: str | None) -> str | None:
        return None if text is None else printable(redacted(text, subscription))

    return {
        "feed": outcome.feed,
        "outcome": outcome.outcome,
        "http_status": outcome.http_status,
        "new": outcome.new,
        "revised": outcome.revised,
        "amended": outcome.amended,
        "held": outcome.held,
        "unchanged": outcome.unchanged,
        "published": list(outcome.published),
        "lossless": outcome.lossless,
        "duration_ms": outcome.duration_ms,
        "error_kind": failure.kind if failure else None,
        "error_group": failure.group if failure else None,
        "error": fit(failure.message) if failure else None,
        "note": fit(outcome.note),
        "recovered": outcome.recovered or None,
        "quarantined": [fit(guid) for guid in outcome.quarantined],
    }


def _level(log: Log, outcome: Outcome) -> Callable[..., None]:
    if outcome.failure and outcome.failure.group == Group.INTERNAL.value:
        return log.error
    return log.warning if outcome.failure or matters(outcome) else log.info
