"""Log events and metrics: one event per feed and one per run, constant messages, data in keys.

Operators filter by the keys; the command and the functions log the same ones. Texts from outside
are redacted and made printable here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, reduce
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from msgspec import Struct
from msgspec.structs import asdict, replace

from feedmirror.errors import Group, described, kind_of
from feedmirror.model import Outcome, Subscription
from feedmirror.text.secrets import hidden, secrets_of

if TYPE_CHECKING:
    from logging import StreamHandler

    from aws_lambda_powertools.logging import Logger
    from aws_lambda_powertools.metrics import Metrics


SERVICE = "feedmirror"
FEED_REFRESHED = "feed refreshed"
RUN_FINISHED = "run finished"
RUN_STOPPING = "run stopping"
RUN_TIMED_OUT = "run timed out"
EVENT_REFUSED = "event refused"
MESSAGE_REFUSED = "message refused"
MESSAGE_DROPPED = "message dropped"
MESSAGE_NOT_HELD = "message not held"
MESSAGE_DIVIDED = "message divided"
FEED_GIVEN_UP = "feed given up"
MESSAGE_NOT_SENT = "message not sent"
FEEDS_DISPATCHED = "feeds dispatched"
PAGES_RENEWED = "pages renewed"
RENEWAL_FAILED = "renewal failed"
SITE_PUBLISHED = "site published"
SITE_NOT_PUBLISHED = "site not published"
BUILD_NOT_RECORDED = "build not recorded"
INDEX_NOT_READ = "feed index not read"
CONFIGURATION_REFUSED = "configuration refused"

# All metrics. The first ten, the number that is free of charge, are always written; the others only
# in hours in which there is something to count. Alarms and dashboard use these names.
METRICS = (
    "FeedsRefreshed",  # per invocation, with any outcome
    "FeedsFailed",  # per invocation
    "EntriesNew",
    "FeedsDue",  # per tick
    # Hourly gauges; all but the first count conditions that have lasted for at least an hour.
    "FeedsConfigured",
    "FeedsBlocked",
    "FeedsBroken",  # includes the groups gone and internal
    "FeedsUnreachable",
    "FeedsQuiet",  # no new entry for far longer than its recent gaps
    "FeedsNewlyFailing",  # failing for less than a day
    "FeedsOlder",  # hourly: with documents of a newer deployment than this one
    "PagesLeft",  # hourly: to renew
    "RenewalsStalled",  # hourly: feeds with such pages, if none was renewed within a day; else 0
    "PagesRenewed",  # per slice
)
_NAMESPACE = "feedmirror"  # default of POWERTOOLS_METRICS_NAMESPACE

_NOT_POLLED = frozenset({"waiting", "retired"})  # outcomes with a note that needs no attention
_SLOW_MS = 5_000  # a slower refresh is logged with any outcome


class Log(Protocol):
    """Logger of events: that of powertools, or one of `cli/result.py`."""

    def info(self, msg: object, /, *, extra: Mapping[str, object]) -> None:
        """Log an expected event."""
        ...

    def warning(self, msg: object, /, *, extra: Mapping[str, object]) -> None:
        """Log an event that needs the operator's attention."""
        ...

    def error(self, msg: object, /, *, extra: Mapping[str, object]) -> None:
        """Log a fault of the program or its deployment."""
        ...


class Tally(Struct, frozen=True):
    """Totals of the refreshes of a run."""

    feeds: int = 0  # with any outcome
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    waiting: int = 0  # not polled: the origin asked for a later request
    retired: int = 0  # not polled: retired by configuration
    new: int = 0  # entries
    revised: int = 0  # entries
    amended: int = 0  # entries
    published: int = 0  # documents

    def plus(self, outcome: Outcome) -> Tally:
        """Return the tally with one more outcome."""
        return replace(
            self,
            **{"feeds": self.feeds + 1, outcome.outcome: getattr(self, outcome.outcome) + 1},
            new=self.new + outcome.new,
            revised=self.revised + outcome.revised,
            amended=self.amended + outcome.amended,
            published=self.published + len(outcome.published),
        )


def json_log() -> Log:
    """Return the JSON log, which writes to the current `sys.stderr`. One per process.

    Its level is that of POWERTOOLS_LOG_LEVEL, INFO by default.
    """
    logger, handler = _json_logger()
    handler.stream = sys.stderr  # not setStream, which flushes the old stream: it may be closed
    return logger


@cache
def _json_logger() -> tuple[Logger, StreamHandler[TextIO]]:
    # Imported late: the imports take as long as refreshing a hundred unchanged feeds.
    from logging import StreamHandler  # noqa: PLC0415

    from aws_lambda_powertools.logging import Logger  # noqa: PLC0415

    handler = StreamHandler(sys.stderr)
    # `location` would always be in this file. A dict, since the signature lacks the option.
    options: dict[str, Any] = {"location": None}
    return Logger(SERVICE, logger_handler=handler, utc=True, use_rfc3339=True, **options), handler


def log_outcome(log: Log, outcome: Outcome, subscription: Subscription) -> None:
    """Log the outcome of one refresh, without its empty keys."""
    fields = outcome_fields(outcome, subscription)
    _level(log, outcome)(
        FEED_REFRESHED,
        extra={key: value for key, value in fields.items() if value not in (None, [])},
    )


def log_run(
    log: Log,
    tally: Tally,
    *,
    duration_ms: int,
    skipped: int = 0,  # feeds that were not started, or not finished in time
    nothing_new: Sequence[str] = (),  # feeds without an event of their own
) -> None:
    """Log the totals of a run."""
    extra = {**asdict(tally), "skipped": skipped, "duration_ms": duration_ms}
    log.info(RUN_FINISHED, extra=extra | ({"nothing_new": nothing_new} if nothing_new else {}))


# ---------------------------------------------------------------- Lambda functions


@contextmanager
def invocation(request_id: str) -> Iterator[None]:
    """Add the request id, which the runtime's own lines have, to every event within the block."""
    logger, _ = _json_logger()
    logger.append_keys(function_request_id=request_id, cold_start=next(_invocations) == 0)
    try:
        yield
    finally:
        logger.remove_keys(["function_request_id", "cold_start"])


_invocations = count()


def log_error(log: Log, message: str, error: str) -> None:
    """Log that the function cannot start, or that its event or the site failed as a whole."""
    log.error(message, extra={"error": printable_text(error)})


def log_message(log: Log, message_id: str, error: str, *, dropped: bool) -> None:
    """Log that a message of the queue cannot be processed.

    A message that is not `dropped` stays in the queue, which moves it to the dead letters after
    three attempts.
    """
    fields = {"message_id": message_id, "error": printable_text(error)}
    if dropped:
        log.warning(MESSAGE_DROPPED, extra=fields)
    else:
        log.error(MESSAGE_REFUSED, extra=fields)


def log_batch(
    log: Log,
    outcomes: Sequence[Outcome],
    unfinished: Sequence[str],  # slugs of feeds whose refresh did not end in time
    not_started: Sequence[str],  # slugs
    duration_ms: int,
) -> Tally:
    """Log the totals of an invocation, preceded by the feeds that it had no time for, if any."""
    if unfinished or not_started:
        fields = {"unfinished": list(unfinished), "not_started": list(not_started)}
        log.warning(RUN_TIMED_OUT, extra=fields)
    tally = reduce(Tally.plus, outcomes, Tally())
    log_run(
        log,
        tally,
        duration_ms=duration_ms,
        skipped=len(unfinished) + len(not_started),
        nothing_new=[outcome.feed for outcome in outcomes if is_routine(outcome)],
    )
    return tally


def log_dispatch(log: Log, due: int, not_sent: Mapping[str, str], duration_ms: int) -> None:
    """Log how many refreshes were queued; `not_sent` has the reasons of failures by slug."""
    log_not_sent(log, not_sent)
    extra = {"due": due, "not_sent": len(not_sent), "duration_ms": duration_ms}
    log.info(FEEDS_DISPATCHED, extra=extra)


def log_not_sent(log: Log, not_sent: Mapping[str, str]) -> None:
    """Log the messages that a queue did not take: the reasons by slug."""
    for slug, why in not_sent.items():
        log.error(MESSAGE_NOT_SENT, extra={"feed": slug, "error": printable_text(why)})


def log_divided(log: Log, feeds: Sequence[str]) -> None:
    """Log that a process died over a message, so that its feeds are sent again one by one."""
    log.warning(MESSAGE_DIVIDED, extra={"feeds": feeds})


def log_given_up(log: Log, feed: str, attempts: int) -> None:
    """Log that a feed was sent to the dead letters; it is polled again when it is next due."""
    log.error(FEED_GIVEN_UP, extra={"feed": feed, "attempts": attempts + 1})


def log_renewal(log: Log, feed: str, written: int, left: int) -> None:
    """Log how many pages of an earlier deployment were made anew, and how many are left."""
    log.info(PAGES_RENEWED, extra={"feed": feed, "written": written, "left": left})


def log_renewal_failure(log: Log, subscription: Subscription, error: Exception) -> None:
    """Log that pages could not be renewed; the next refresh of the feed has it tried again."""
    fields = {"error_kind": kind_of(error).value, "error": redacted(described(error), subscription)}
    log.error(RENEWAL_FAILED, extra={"feed": subscription.slug, **fields})


def log_site(log: Log, published: Sequence[str], feeds: int, duration_ms: int) -> None:
    """Log which documents of the site were written."""
    extra = {"published": list(published), "feeds": feeds, "duration_ms": duration_ms}
    log.info(SITE_PUBLISHED, extra=extra)


def put_metrics(values: Mapping[str, int]) -> None:
    """Write metrics, a subset of METRICS, to stdout, from which CloudWatch extracts them.

    No metric has the feed as a dimension: each feed would cost more than its mirror. The logs name
    the feeds. Source: CloudWatch User Guide, "Embedded metric format".
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
        # The dimension that separates the metrics of two stacks in an account.
        service=os.environ.get("POWERTOOLS_SERVICE_NAME") or SERVICE,
    )


# ---------------------------------------------------------------- outcomes


def is_routine(outcome: Outcome) -> bool:
    """True if the outcome needs no event of its own: no news, no problem, and not slow.

    The events of ten thousand such feeds would cost more than the polls.
    """
    usual = outcome.outcome in {"unchanged", *_NOT_POLLED} and outcome.duration_ms < _SLOW_MS
    return usual and not (outcome.failure or outcome.recovered or _needs_attention(outcome))


def _needs_attention(outcome: Outcome) -> bool:
    """True if the operator should look at the outcome though the refresh did not fail."""
    return bool(outcome.quarantined or (outcome.note and outcome.outcome not in _NOT_POLLED))


def outcome_fields(outcome: Outcome, subscription: Subscription) -> dict[str, object]:
    """Return an outcome as a dictionary, redacted and printable; an absent value is None."""
    failure = outcome.failure

    def safe(text: str | None) -> str | None:
        return None if text is None else redacted(text, subscription)

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
        "error": safe(failure.message) if failure else None,
        "note": safe(outcome.note),
        "recovered": outcome.recovered or None,
        "quarantined": [safe(guid) for guid in outcome.quarantined],
    }


def _level(log: Log, outcome: Outcome) -> Callable[..., None]:
    if outcome.failure and outcome.failure.group == Group.INTERNAL.value:
        return log.error
    return log.warning if outcome.failure or _needs_attention(outcome) else log.info


_MOST_CHARS = 4_000  # of a text; CloudWatch takes 256 KB a line


def redacted(text: str, subscription: Subscription) -> str:
    """Return the text, printable, without secrets: those of the subscription, and in any address
    user names, passwords and values of secret parameters.
    """
    return printable_text(hidden(text, secrets_of(subscription)))


def printable_text(text: str) -> str:
    """Return the text on one line, without control characters and bidirectional overrides.

    A text over 4,000 characters is cut and ends in dots: an origin may send an id of megabytes.
    """
    shown = text if len(text) <= _MOST_CHARS else f"{text[:_MOST_CHARS]}..."
    return "".join(c if c.isprintable() else "\ufffd" for c in " ".join(shown.split()))
