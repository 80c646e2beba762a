"""The site as a whole: how its feeds stand, and which documents say so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b

from msgspec import Struct, field, to_builtins

from feedmirror.layout import FEEDS, INDEX_HTML
from feedmirror.mirror.codec import decode
from feedmirror.mirror.deployment import Deployment
from feedmirror.mirror.feed_index import IndexedFeed
from feedmirror.mirror.health import FeedLine
from feedmirror.mirror.state import LASTING
from feedmirror.model import Count, Subscription, require_utc
from feedmirror.publishing.redaction import mirror_title
from feedmirror.text.plain import escape_for_script
from feedmirror.text.secrets import HIDDEN, secrets_of

_NEWLY = timedelta(days=1)
_BROKEN = frozenset({"broken", "gone", "internal"})


def line_of(
    subscription: Subscription, known: IndexedFeed, public_url: str, now: datetime
) -> FeedLine:
    """Return the line of a configured feed."""
    address = f"{public_url.rstrip('/')}/{subscription.slug}/"
    failing = None if subscription.retired else known.fault or known.failing
    title = mirror_title(subscription.title, known.title or "")
    # What has become a secret since the feed was read, too.
    secrets = secrets_of(subscription)
    return FeedLine(
        subscription.slug,
        secrets.replaced(title, lambda _: HIDDEN) or None,
        {name: f"{address}{name}" for name in FEEDS if name in known.documents} or None,
        known.last_new,
        failing.group if failing else None,
        # As `status.json` has it: every document is to say the same of a line that is read back.
        failing.since.replace(microsecond=0) if failing else None,
        is_quiet=not subscription.retired and known.quiet_at is not None and now > known.quiet_at,
        is_retired=subscription.retired,
        page=address if INDEX_HTML in known.documents else None,
        language=known.language,
        source=secrets.replaced(known.link or "", lambda _: HIDDEN) or None,
        removed=known.removed,
        render_key=render_key_of(subscription, public_url),
        renewal=known.renewal,
        pages_left=known.pages_left,
    )


def render_key_of(subscription: Subscription, public_url: str) -> str:
    """Return the digest of all that the line of a feed depends on besides its state."""
    return digest_of(public_url, subscription.title, subscription.retired)


def digest_of(*parts: object) -> str:
    """Return a short digest of values that `repr` tells apart."""
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()


# ---------------------------------------------------------------- status.json


class Status(Struct, frozen=True):
    """Contents of a `status.json`."""

    deployment: Deployment = Deployment()  # of the site's documents as a whole
    public_url: str | None = None  # where readers find the site
    lines: Mapping[str, FeedLine] = field(default_factory=dict)  # by slug


def status_document(lines: Iterable[FeedLine], public_url: str, deployment: Deployment) -> bytes:
    """Render `status.json`. `deployment` is that of the site as a whole.

    Nothing in it is of the moment it was rendered: it changes when a feed's line does.
    """
    feeds = [
        {
            "feed": line.slug,
            "title": line.title,
            "page": line.page,
            "documents": line.documents or {},
            "last_new_entry": _moment(line.last_new),
            "failing": line.failing,
            "failing_since": _moment(line.failing_since),
            "retired": line.is_retired,
            "language": line.language,
            "source": line.source,
            "render_key": line.render_key,
            **({"removed": line.removed} if line.removed else {}),
        }
        for line in lines
    ]
    plain = {"deployment": to_builtins(deployment), "public_url": public_url, "feeds": feeds}
    told = json.dumps(plain, ensure_ascii=False, indent=1)
    return escape_for_script(told).encode()


def parse_status(body: bytes) -> Status:
    """Parse a published `status.json`; whatever else the bytes are counts as an empty one."""
    try:
        published = decode(body, _PublishedStatus)
    except ValueError:
        return Status()
    lines = {one.feed: one.line() for one in published.feeds}
    return Status(published.deployment, published.public_url, lines)


class _PublishedLine(Struct, frozen=True):
    """The line of a feed in `status.json`."""

    feed: str
    title: str | None
    page: str | None
    documents: Mapping[str, str]
    last_new_entry: datetime | None
    failing: str | None
    failing_since: datetime | None
    retired: bool
    language: str | None
    source: str | None
    render_key: str | None
    removed: Mapping[str, Count] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_utc(self.last_new_entry, self.failing_since)

    def line(self) -> FeedLine:
        return FeedLine(
            self.feed,
            self.title,
            self.documents or None,
            self.last_new_entry,
            self.failing,
            self.failing_since,
            is_retired=self.retired,
            page=self.page,
            language=self.language,
            source=self.source,
            removed=self.removed,
            render_key=self.render_key,
        )


class _PublishedStatus(Struct, frozen=True):
    """The whole of `status.json`."""

    deployment: Deployment
    public_url: str | None
    feeds: tuple[_PublishedLine, ...]


def hour_of(moment: datetime) -> datetime:
    """The full hour before it: once in each, the documents are looked after."""
    return moment.replace(minute=0, second=0, microsecond=0)


class Gauges(Struct, frozen=True):
    """Numbers of feeds by the trouble they are in, without retired feeds but for `older`."""

    configured: int
    blocked: int
    broken: int  # gone, or failing by our own fault, too
    unreachable: int
    quiet: int
    newly_failing: int  # for less than a day
    # Each so far counts only what has lasted for an hour: most failures pass.
    older: int = 0  # with documents of a newer deployment than this one


def gauges(lines: Iterable[FeedLine], now: datetime) -> Gauges:
    """The feeds by the trouble that they are in."""
    lines = tuple(lines)
    current = [line for line in lines if not line.is_retired]
    lasting = [
        line for line in current if line.failing_since and now - line.failing_since >= LASTING
    ]
    groups = [line.failing for line in lasting]
    return Gauges(
        configured=len(current),
        blocked=groups.count("blocked"),
        broken=sum(group in _BROKEN for group in groups),
        unreachable=groups.count("unreachable"),
        quiet=sum(line.is_quiet for line in current),
        newly_failing=sum(
            line.failing_since is not None and now - line.failing_since < _NEWLY for line in lasting
        ),
        older=sum(line.is_older for line in lines),
    )


def _moment(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
