"""The documents of the site as a whole: how every feed stands, and what to say where nothing is.

They say what everybody may know. What is configured, and why a feed fails, is in the log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from feedmirror.core.rhythm import is_quiet, last_new
from feedmirror.core.state import State
from feedmirror.model import Subscription

STATUS = "status.json"
NOT_FOUND = "404.html"
MEDIA_TYPES = {STATUS: "application/json", NOT_FOUND: "text/html; charset=utf-8"}

_LASTING = timedelta(hours=1)  # a failure that is over sooner is nobody's business
_NEWLY = timedelta(days=1)
_BROKEN = frozenset({"broken", "gone", "internal"})


@dataclass(frozen=True, slots=True)
class Standing:
    """How a feed stands, for the public."""

    slug: str
    title: str | None = None  # None: never read
    documents: Mapping[str, str] | None = None  # addresses by name; None: nothing is public yet
    last_new: datetime | None = None
    failing: str | None = None  # the group of the failure
    failing_since: datetime | None = None
    is_quiet: bool = False
    is_retired: bool = False  # no longer configured: not asked any more, but still there


def standing_of(
    slug: str, subscription: Subscription | None, state: State, public_url: str, now: datetime
) -> Standing:
    """How the feed stands; `subscription` is None for one that is not configured any more."""
    title = (subscription and subscription.title) or (state.feed and state.feed.title)
    names = sorted(state.documents)
    failing = state.failing if subscription else None
    return Standing(
        slug,
        title or None,
        {name: f"{public_url.rstrip('/')}/{slug}/{name}" for name in names} or None,
        last_new(state),
        failing.group if failing else None,
        failing.since if failing else None,
        is_quiet=subscription is not None and is_quiet(state, now),
        is_retired=subscription is None,
    )


def status_document(standings: Iterable[Standing], recipe: str) -> bytes:
    """`status.json`. `recipe` says from which configuration, so that a deploy is noticed.

    Nothing in it is of the moment it was rendered: it changes when a feed's standing does.
    """
    feeds = [
        {
            "feed": standing.slug,
            "title": standing.title,
            "documents": standing.documents or {},
            "last_new_entry": _moment(standing.last_new),
            "failing": standing.failing,
            "failing_since": _moment(standing.failing_since),
            "retired": standing.is_retired,
        }
        for standing in standings
    ]
    return json.dumps({"recipe": recipe, "feeds": feeds}, ensure_ascii=False, indent=1).encode()


def recipe_in(status: bytes) -> str | None:
    """The recipe that a `status.json` was rendered with; None if it is none of ours."""
    try:
        recipe = json.loads(status)["recipe"]
    except (ValueError, LookupError, TypeError):
        return None
    return recipe if isinstance(recipe, str) else None


def hour_of(moment: datetime) -> datetime:
    """The full hour before it: once in each, the documents are looked after."""
    return moment.replace(minute=0, second=0, microsecond=0)


def not_found_document() -> bytes:
    """What a browser shows where there is nothing."""
    return _NOT_FOUND.encode()


@dataclass(frozen=True, slots=True)
class Gauges:
    """How many feeds are in which trouble, the retired ones left out."""

    configured: int
    blocked: int
    broken: int  # gone, or failing by our own fault, too
    unreachable: int
    quiet: int
    newly_failing: int  # for less than a day

    # Each counts only what has lasted for an hour: most failures pass.


def gauges(standings: Iterable[Standing], now: datetime) -> Gauges:
    """The feeds by the trouble that they are in."""
    current = [standing for standing in standings if not standing.is_retired]
    lasting = [
        standing
        for standing in current
        if standing.failing_since and now - standing.failing_since >= _LASTING
    ]
    groups = [standing.failing for standing in lasting]
    return Gauges(
        configured=len(current),
        blocked=groups.count("blocked"),
        broken=sum(group in _BROKEN for group in groups),
        unreachable=groups.count("unreachable"),
        quiet=sum(standing.is_quiet for standing in current),
        newly_failing=sum(
            standing.failing_since is not None and now - standing.failing_since < _NEWLY
            for standing in lasting
        ),
    )


def _moment(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


_NOT_FOUND = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Not found</title>
<h1>There is nothing at this address</h1>
<p>It may have been mistyped, or the feed is not mirrored here yet.</p>
<p><a href="/status.json">What is mirrored here</a></p>
</html>
"""
