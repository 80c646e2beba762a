"""Publish the documents of the site: `index.html`, `feeds.opml`, `status.json`, `removed.html`,
`404.html` and the style sheet.

They have a line for every feed that is in the store. The line of a configured feed is made from
what the feed index says of its state, and from its configuration; that of any other feed stays as
it was published last, in `status.json`, since another configuration on the same store may name it.
So configurations that take turns never rewrite each other's lines.

The cost grows with the number of feeds, so the documents are made once an hour and after a deploy,
not at every refresh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache

from msgspec import Struct, field
from msgspec.structs import replace

from feedmirror.errors import Kind, OlderDeploymentError, RenderError, StateError, StoreError
from feedmirror.layout import (
    CSS,
    DATA,
    INDEX_HTML,
    MEDIA_TYPES,
    NOT_FOUND,
    OPML,
    PUBLIC,
    REMOVED,
    STATUS,
    site_key,
    state_key,
)
from feedmirror.mirror.deployment import Deployment, in_force
from feedmirror.mirror.feed_index import IndexedFeed, indexed
from feedmirror.mirror.health import FeedLine
from feedmirror.model import Document, Subscription
from feedmirror.ports import SideBySide, Store, Stored
from feedmirror.publishing.formats import opml
from feedmirror.publishing.formats.status import (
    Status,
    digest_of,
    line_of,
    parse_status,
    render_key_of,
    status_document,
)
from feedmirror.publishing.pages.index import index_page, not_found_page, removed_page
from feedmirror.publishing.pages.templates import STYLE, style
from feedmirror.publishing.render import version
from feedmirror.settings.slugs import SLUG
from feedmirror.storage.feed_index import Survey, survey_feeds
from feedmirror.storage.objects import ATTEMPTS, put
from feedmirror.storage.publisher import Publisher
from feedmirror.storage.wal import apply_retired, has_entries

_VERSION = 5  # raise it with every change of what is rendered
_LONG_AGO = datetime.fromtimestamp(0, UTC)  # where nobody knows since when


class Site(Struct, frozen=True):
    """Result of publishing the site."""

    lines: tuple[FeedLine, ...]  # of the configured feeds, in their order
    published: tuple[str, ...]  # names of the documents that were written, below public/


def is_site_current(store: Store, subscriptions: Iterable[Subscription], public_url: str) -> bool:
    """True if the documents were made with this configuration. Raises: StoreError.

    Other feeds, and states that have changed since, do not count.
    """
    status = _status(store.load(site_key(STATUS)))
    return status.deployment.digest == _render_key(public_url) and all(
        status.lines[feed.slug].render_key == render_key_of(feed, public_url)
        if feed.slug in status.lines
        else feed.retired  # of which nothing was mirrored
        for feed in subscriptions
    )


def published_url(store: Store) -> str | None:
    """Return where the site was published for; None if it was not. Raises: StoreError."""
    return _status(store.load(site_key(STATUS))).public_url


def publish_site(
    store: Store,
    subscriptions: Iterable[Subscription],
    public_url: str,
    now: datetime,
    deployment: Callable[[], Deployment],
    *,
    side_by_side: SideBySide = map,
) -> Site:
    """Bring the documents up to date, and those of retired feeds, which nobody else refreshes.

    Reads the states that have changed since the feed index was written. Raises: StoreError.
    """
    writer = _Writer(store, tuple(subscriptions), public_url, now, cache(deployment), side_by_side)
    for _ in range(ATTEMPTS):
        lines = writer.attempt()
        if lines is not None:
            return Site(lines, tuple(dict.fromkeys(writer.published)))
    raise StoreError(f"{site_key(STATUS)} is written by others all the time; the next run goes on")


class _Writer(Struct, frozen=True):
    """Publishes the site of one configuration."""

    store: Store
    subscriptions: tuple[Subscription, ...]
    public_url: str
    now: datetime
    deployment: Callable[[], Deployment]
    side_by_side: SideBySide
    published: list[str] = field(default_factory=list)  # as of `Site`

    def attempt(self) -> tuple[FeedLine, ...] | None:
        """Publish; the lines of the configured feeds, or None if another run was quicker.

        `status.json` is read before the states are listed, and replaced on the ETag that it had
        then: so a line that another run publishes meanwhile is never lost.
        """
        found = self.store.load(site_key(STATUS))
        status = _status(found)
        last = status.lines
        # Also of feeds that have entries and no state any more, which is said on their lines.
        survey = survey_feeds(self.store, self.now, self.side_by_side)
        stored = survey.feeds.keys() | survey.unreadable | set(self.store.folders(DATA))

        def look_at(feed: Subscription) -> tuple[FeedLine, bool]:
            if feed.slug in stored:
                return self._look_at(feed, survey, last.get(feed.slug))
            return line_of(feed, IndexedFeed(), self.public_url, self.now), False

        looked = tuple(self.side_by_side(look_at, self.subscriptions))
        deployed = in_force(status.deployment, _render_key(self.public_url), self._described)
        if deployed is None:  # the site is of a newer deployment
            return tuple(line for line, _ in looked)
        configured = (line for line, is_listed in looked if is_listed)
        others = stored - {feed.slug for feed in self.subscriptions}
        lines = [*configured, *self._unconfigured(filter(SLUG.fullmatch, others), survey, last)]
        lines.sort(key=lambda line: line.slug)  # whichever configuration is in force
        documents = _documents(lines, self.public_url)
        self.published.extend(
            d.key.removeprefix(PUBLIC) for d in documents if _publish(self.store, d)
        )
        # The last one, since it says that all are up to date: whoever finds it old after a crash
        # makes them again.
        body = status_document(lines, self.public_url, deployed)
        if found is None or found.body != body:
            document = Document(site_key(STATUS), body, MEDIA_TYPES[STATUS])
            if put(self.store, document, found.etag if found else None) is None:
                return None
            self.published.append(STATUS)
        return tuple(line for line, _ in looked)

    def _look_at(
        self, feed: Subscription, survey: Survey, last: FeedLine | None
    ) -> tuple[FeedLine, bool]:
        """The feed's line, and whether it is listed: as soon as there is a state; if the feed is
        retired, only where something was mirrored.
        """
        try:
            if feed.retired:
                known = self._applied(feed, survey.feeds.get(feed.slug))
            else:
                known = self._known(feed.slug, survey)
        except (StoreError, RenderError):
            line = _unreadable(feed, last, self.public_url)
        else:
            is_older = known is not None and self._is_older(feed, known)
            if last and is_older:
                return replace(last, is_older=True), True
            line = line_of(feed, known or IndexedFeed(), self.public_url, self.now)
            line = replace(line, is_older=is_older)
            if known is None:
                return line, False
        return line, bool(line.documents) or not feed.retired

    def _described(self) -> Deployment:
        return replace(
            self.deployment(),
            version=(*version(), _VERSION),
            digest=_render_key(self.public_url),
        )

    def _known(self, slug: str, survey: Survey) -> IndexedFeed | None:
        """Return what is known of a feed; None where nothing is stored of it.

        Raises: StoreError; StateError if the state is damaged, or missing though there are entries.
        """
        known = survey.feeds.get(slug)
        if known is None and (slug in survey.unreadable or has_entries(self.store, slug)):
            raise StateError(f"{state_key(slug)} is missing or cannot be read")
        return known

    def _publisher(self, feed: Subscription, known: IndexedFeed) -> Publisher:
        return Publisher(self.store, replace(feed, url=feed.url or known.url), self.public_url)

    def _is_older(self, feed: Subscription, known: IndexedFeed) -> bool:
        """True if the documents of the feed are of a newer deployment than this one."""
        if known.deployment is None:
            return False
        return self._publisher(feed, known).in_force(known.deployment, self.deployment) is None

    def _applied(self, feed: Subscription, known: IndexedFeed | None) -> IndexedFeed | None:
        """Return what is known of a retired feed, after what was left to do of it."""
        if known and known.known:
            render_key = self._publisher(feed, known).render_key
            if known.known.is_idle(known.url, render_key, self.now):
                return known
        try:
            applied = apply_retired(self.store, feed, self.public_url, self.now, self.deployment)
        except OlderDeploymentError:
            return known
        self.published.extend(f"{feed.slug}/{name}" for name in applied.published)
        return indexed(applied.held.state, "") if applied.held.etag else None

    def _unconfigured(
        self, slugs: Iterable[str], survey: Survey, last: Mapping[str, FeedLine]
    ) -> Iterator[FeedLine]:
        """The lines of feeds that are in the store and not configured: as they were published, or
        as their states alone have it.
        """
        for slug in slugs:
            known = survey.feeds.get(slug, IndexedFeed())
            line = line_of(Subscription(slug, ""), known, self.public_url, self.now)
            if slug in last:
                yield last[slug]
            elif line.documents:
                yield replace(line, render_key=None)


def _render_key(public_url: str) -> str:
    """Return a digest of all that the documents depend on besides their lines."""
    return digest_of(_VERSION, STYLE, public_url)


def _status(found: Stored | None) -> Status:
    return parse_status(found.body) if found else Status()


def _unreadable(feed: Subscription, last: FeedLine | None, public_url: str) -> FeedLine:
    """Return the line of a feed whose state cannot be read: the last line, marked as failing."""
    return replace(
        last or FeedLine(feed.slug, feed.title),
        failing=None if feed.retired else Kind.STORE.group.value,
        failing_since=None if feed.retired else _LONG_AGO,
        is_retired=feed.retired,
        render_key=render_key_of(feed, public_url),
    )


def _documents(lines: Sequence[FeedLine], public_url: str) -> Iterator[Document]:
    """Yield the documents but `status.json`, in the order in which they are written."""
    yield Document(site_key(STYLE), style(), CSS)  # the others refer to it
    texts = {
        NOT_FOUND: not_found_page(),
        REMOVED: removed_page(lines, public_url),
        OPML: opml.render(lines, public_url),
        INDEX_HTML: index_page(lines, public_url),
    }
    for name, text in texts.items():
        yield Document(site_key(name), text.encode(), MEDIA_TYPES[name])


def _publish(store: Store, document: Document) -> bool:
    """Write a document unless it is as it should be, or another run writes it just now; return
    True where it was written.
    """
    found = store.load(document.key)
    if found and found.body == document.body:
        return False
    return put(store, document, found.etag if found else None) is not None
