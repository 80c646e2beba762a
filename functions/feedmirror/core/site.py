"""The site as a whole: how its feeds stand, and which documents say so."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from feedmirror.core.attribution import language
from feedmirror.core.formats import formats, site_formats
from feedmirror.core.rhythm import is_quiet, last_new
from feedmirror.core.standing import Standing
from feedmirror.core.state import State
from feedmirror.core.text import in_any_script
from feedmirror.model import Subscription

STATUS = "status.json"
NOT_FOUND = "404.html"
INDEX = "index.html"  # of the site; a feed's own page is called so too
_HTML = "text/html; charset=utf-8"
# Of the documents at the top of the site, by name. The style sheet is none of them: its name is
# another with every change of it.
MEDIA_TYPES = {
    STATUS: "application/json",
    NOT_FOUND: _HTML,
    INDEX: _HTML,
    **{made.name: made.media_type for made in site_formats()},
}

_LASTING = timedelta(hours=1)  # a failure that is over sooner is nobody's business
_NEWLY = timedelta(days=1)
_BROKEN = frozenset({"broken", "gone", "internal"})


def standing_of(
    slug: str, subscription: Subscription | None, state: State, public_url: str, now: datetime
) -> Standing:
    """How the feed stands; `subscription` is None for one that is not configured any more."""
    title = (subscription and subscription.title) or (state.feed and state.feed.title)
    address = f"{public_url.rstrip('/')}/{slug}/"
    feeds = {made.name for made in formats() if made.is_feed}
    failing = state.failing if subscription else None
    return Standing(
        slug,
        title or None,
        {name: f"{address}{name}" for name in sorted(feeds & state.documents.keys())} or None,
        last_new(state),
        failing.group if failing else None,
        failing.since if failing else None,
        is_quiet=subscription is not None and is_quiet(state, now),
        is_retired=subscription is None,
        page=address if INDEX in state.documents else None,
        language=language(state.feed.language) if state.feed else None,
        source=state.feed.link if state.feed else None,
    )


def status_document(standings: Iterable[Standing], recipe: str) -> bytes:
    """`status.json`. `recipe` says from which configuration, so that a deploy is noticed.

    Nothing in it is of the moment it was rendered: it changes when a feed's standing does.
    """
    feeds = [
        {
            "feed": standing.slug,
            "title": standing.title,
            "page": standing.page,
            "documents": standing.documents or {},
            "last_new_entry": _moment(standing.last_new),
            "failing": standing.failing,
            "failing_since": _moment(standing.failing_since),
            "retired": standing.is_retired,
        }
        for standing in standings
    ]
    told = json.dumps({"recipe": recipe, "feeds": feeds}, ensure_ascii=False, indent=1)
    return in_any_script(told).encode()


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
