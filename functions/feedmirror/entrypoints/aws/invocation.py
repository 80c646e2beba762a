"""Shared by the Lambda functions: their start at init, and the choice of feeds."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Protocol, TypeVar

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.aws.events import Named, Tick
from feedmirror.errors import ConfigError, EventError
from feedmirror.mirror.schedule import is_due
from feedmirror.model import Subscription

_MOST_LISTED = 20
_SLUG_CHARS = 63

F = TypeVar("F")
Start = Callable[[Mapping[str, str], telemetry.Log, Callable[[], datetime]], F]


class LambdaContext(Protocol):
    """Context object of an invocation. Source: AWS Lambda Developer Guide, "context"."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the time in milliseconds until the function times out."""
        ...


def started(start: Start[F]) -> F:
    """Make the function for the environment of this process; log each problem of its configuration.

    Raises: ConfigError, StoreError.
    """
    log = telemetry.json_log()
    try:
        return start(os.environ, log, _utc_now)
    except ConfigError as error:
        telemetry.log_problems(log, error.problems)
        raise


def is_handler(module: str) -> bool:
    """True if this process serves the `handler` of that module.

    The function is then made at init, not at the first event: init runs with a full processor, and
    a wrong configuration fails at once.
    """
    return os.environ.get("_HANDLER") == f"{module}.handler"


def requested_feeds(asked: Tick | Named, known: Mapping[str, Subscription]) -> list[Subscription]:
    """Return the feeds that became due in the tick, or that are named. Raises: EventError.

    A retired feed is never due, but may be named: the outcome of its refresh is `retired`.
    """
    if isinstance(asked, Tick):
        active = (feed for feed in known.values() if not feed.retired)
        return [f for f in active if is_due(f.slug, f.every_s, asked.since, asked.until)]
    unknown = [slug for slug in asked.slugs if slug not in known]
    if unknown:
        raise EventError(
            f"not configured: {_listed(unknown)}; the feeds of feeds.toml are {_listed(known)}"
        )
    return [known[slug] for slug in asked.slugs or known]


def _listed(slugs: Collection[str]) -> str:
    """Render the first slugs, each cut to the length that a slug may have."""
    first = [slug[:_SLUG_CHARS] for slug in islice(slugs, _MOST_LISTED)]
    return ", ".join([*first, "..."] if len(slugs) > len(first) else first)


def _utc_now() -> datetime:
    return datetime.now(UTC)
