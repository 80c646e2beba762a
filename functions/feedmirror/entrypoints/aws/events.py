"""Parser for the events of the Lambda functions: SQS messages, schedule ticks, names of feeds."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice

from msgspec import Struct

from feedmirror.entrypoints.aws.messages import Refreshes, RenewalSlice, parse_body
from feedmirror.errors import EventError
from feedmirror.mirror.schedule import is_due
from feedmirror.model import Subscription
from feedmirror.settings.slugs import MAX_CHARS

_ACCEPTED = (
    'accepted: {"feeds": ["slug", ...]} (an empty list: all), a schedule\'s '
    '{"tick": "5 minutes", "at": "2026-01-31T12:00:00Z"}, and messages of SQS'
)
_BODIES = (
    '{"tick": "name", "feeds": {"slug": null}} and {"renew": "slug", "page": "archive/newest"}'
)
_TICK = re.compile(r"([1-9][0-9]{0,2}) (minute|hour|day)s?")
_PLACEHOLDER = re.compile(r"<aws\.scheduler\.[a-z-]+>")  # some emulators do not replace it
_YEARS = range(1971, 2200)  # of a tick; leaves room for dates before and after
_SHOWN = 80  # characters of a value in an error
_MOST_LISTED = 20


class Message(Struct, frozen=True):
    """One SQS message."""

    id: str
    body: Refreshes | RenewalSlice | None  # None: it is not valid
    receipt: str = ""
    receives: int = 1  # this time included
    error: str = ""  # why the body is not valid


class Batch(Struct, frozen=True):
    """Request to refresh the feeds of SQS messages, or to renew pages of them, and to return the
    failed messages.
    """

    messages: tuple[Message, ...]


class Tick(Struct, frozen=True):
    """Request to refresh the feeds that became due after `since` and not after `until`."""

    since: datetime
    until: datetime


class Named(Struct, frozen=True):
    """Request to refresh these feeds, or all if the tuple is empty, whether due or not."""

    slugs: tuple[str, ...]


def read_event(event: object, now: datetime) -> Batch | Tick | Named:
    """Parse an event. Raises: EventError if it is not valid."""
    if not isinstance(event, dict):
        raise EventError(f"the event is {_kind(event)}; {_ACCEPTED}")
    match event:
        case {"Records": list(records)} if records and all(map(_is_message, records)):
            return Batch(tuple(map(_message, records)))
        case {"tick": tick, **rest} if rest.keys() <= {"at"}:
            return _tick(tick, rest.get("at", ""), now)
        case {"feeds": list(slugs), **rest} if not rest and all(isinstance(s, str) for s in slugs):
            return Named(tuple(dict.fromkeys(slugs)))
        case {**rest} if not rest:
            return Named(())
    keys = ", ".join(map(_shown, list(event)[:5]))
    raise EventError(f"the event, which has {keys}, is not valid; {_ACCEPTED}")


def _is_message(record: object) -> bool:
    return (
        isinstance(record, Mapping)
        and record.get("eventSource") == "aws:sqs"
        and isinstance(record.get("messageId"), str)
    )


def _message(record: Mapping[str, object]) -> Message:
    attributes, message_id = record.get("attributes"), str(record["messageId"])
    receives = attributes.get("ApproximateReceiveCount") if isinstance(attributes, dict) else None
    body = parse_body(record.get("body"))
    if body is None:
        error = f"the body is {_shown(record.get('body'))}; accepted: {_BODIES}"
        return Message(message_id, None, error=error)
    return Message(
        message_id,
        body,
        receipt=str(record.get("receiptHandle", "")),
        receives=int(receives) if isinstance(receives, str) and receives.isdecimal() else 1,
    )


def _tick(tick: object, at: object, now: datetime) -> Tick:
    found = _TICK.fullmatch(tick) if isinstance(tick, str) else None
    if not found:
        accepted = "accepted: for example 5 minutes, 1 hour or 1 day"
        raise EventError(f"the event's `tick` is {_shown(tick)}; {accepted}")
    until = _moment(at, now)
    return Tick(until - timedelta(**{f"{found[2]}s": int(found[1])}), until)


def _moment(at: object, now: datetime) -> datetime:
    if isinstance(at, str) and (not at or _PLACEHOLDER.fullmatch(at)):
        return now
    moment: datetime | None
    try:
        moment = datetime.fromisoformat(at)  # type: ignore[arg-type] # refused below
    except (ValueError, TypeError):
        moment = None
    if moment is None or moment.year not in _YEARS:
        accepted = "accepted: a time such as 2026-01-31T12:00:00Z"
        raise EventError(f"the event's `at` is {_shown(at)}; {accepted}")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _kind(value: object) -> str:
    return {list: "a list", str: "text", type(None): "null"}.get(type(value), "no object")


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except RecursionError:
        return "nested too deeply"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


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
    first = [slug[:MAX_CHARS] for slug in islice(slugs, _MOST_LISTED)]
    return ", ".join([*first, "..."] if len(slugs) > len(first) else first)
