"""The site's own documents, made from the configuration and the states of all feeds, by one writer.

What they cost grows with the number of feeds, so they are made once an hour and after a deploy, not
at every refresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from feedmirror.core import state as states
from feedmirror.core.formats import site_formats
from feedmirror.core.pages.index import index_page, not_found_page
from feedmirror.core.pages.style import STYLE, STYLE_MEDIA_TYPE, style
from feedmirror.core.site import (
    INDEX,
    MEDIA_TYPES,
    NOT_FOUND,
    STATUS,
    recipe_in,
    standing_of,
    status_document,
)
from feedmirror.core.standing import Standing
from feedmirror.core.state import Failing, State
from feedmirror.errors import StateError
from feedmirror.model import Document, Subscription
from feedmirror.ports import SideBySide, Store
from feedmirror.retirement import retire_page
from feedmirror.settings.slugs import SLUG

_VERSION = 3  # raise it with every change of what is rendered


@dataclass(frozen=True, slots=True)
class Site:
    """The site as it stands now."""

    standings: tuple[Standing, ...]  # the configured feeds first, in their order
    published: tuple[str, ...]  # names of the documents that were written, below public/


def recipe(subscriptions: Iterable[Subscription], public_url: str) -> str:
    """A digest of all that the documents depend on besides the states."""
    made = (_VERSION, STYLE, tuple(made.name for made in site_formats()))
    parts = (made, public_url, [(feed.slug, feed.title) for feed in subscriptions])
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def is_current(store: Store, subscriptions: Iterable[Subscription], public_url: str) -> bool:
    """Whether the documents were made from this configuration. Raises: StoreError."""
    found = store.load(_key(STATUS))
    return found is not None and recipe_in(found.body) == recipe(subscriptions, public_url)


def publish_site(
    store: Store,
    subscriptions: Iterable[Subscription],
    public_url: str,
    now: datetime,
    side_by_side: SideBySide = map,
    *,
    retire: bool = True,
) -> Site:
    """The site, after its documents are up to date: reads the state of every feed.

    Feeds in the store that are not among the `subscriptions` are retired, and their pages say so,
    unless `retire` is False: then nobody knows. Raises: StoreError.
    """
    configured = {feed.slug: feed for feed in subscriptions}
    stored = (slug for slug in store.folders("data/") if SLUG.fullmatch(slug))
    slugs = list(dict.fromkeys((*configured, *stored)))

    def look_at(slug: str) -> tuple[Standing, bool]:
        state, etag = _load(store, slug, now)
        is_retired = retire and slug not in configured
        subscription = None if is_retired else configured.get(slug) or Subscription(slug, "")
        standing = standing_of(slug, subscription, state, public_url, now)
        return standing, bool(is_retired and etag and retire_page(store, slug, state, etag))

    found = {standing.slug: (standing, wrote) for standing, wrote in side_by_side(look_at, slugs)}
    # A folder that holds no feed is none's: of a directory, something may be left.
    there = [found[slug] for slug in slugs if slug in configured or found[slug][0].documents]
    standings = tuple(standing for standing, _ in there)
    pages = (f"{standing.slug}/{INDEX}" for standing, wrote in there if wrote)
    documents = _documents(standings, public_url, recipe(configured.values(), public_url))
    written = (document.name for document in documents if _publish(store, document))
    return Site(standings, (*pages, *written))


def _load(store: Store, slug: str, now: datetime) -> tuple[State, str | None]:
    """The feed's state and its ETag; None if there is no state that could be read."""
    key = f"data/{slug}/state.json"
    stored = store.load(key)
    if stored is None:
        return State(), None
    try:
        return states.load(stored.body, key), stored.etag
    except StateError as error:
        # Since when is not known, but whoever looks is to hear of it.
        long_ago = datetime.fromtimestamp(0, now.tzinfo)
        return State(failing=Failing("store", "internal", long_ago, str(error))), None


def _documents(standings: Sequence[Standing], public_url: str, recipe: str) -> Iterator[Document]:
    """The documents in the order in which they are to be written.

    What others refer to comes first. `status.json` is the last, since it says that all of them are
    up to date: whoever finds it old after a crash makes them again.
    """
    yield Document(STYLE, style(), STYLE_MEDIA_TYPE)
    texts = {
        NOT_FOUND: not_found_page(),
        **{made.name: made.render(standings, public_url) for made in site_formats()},
        INDEX: index_page(standings, public_url),
    }
    for name, text in texts.items():
        yield Document(name, text.encode(), MEDIA_TYPES[name])
    yield Document(STATUS, status_document(standings, recipe), MEDIA_TYPES[STATUS])


def _publish(store: Store, document: Document) -> bool:
    """Whether the document was written: not if it is as it should be, or another wrote it."""
    key = _key(document.name)
    found = store.load(key)
    if found is None:
        return store.create(key, document.body, document.media_type) is not None
    if found.body == document.body:
        return False
    return store.replace(key, document.body, found.etag, document.media_type) is not None


def _key(name: str) -> str:
    return f"public/{name}"
