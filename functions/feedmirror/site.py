"""The site's own documents, made from the configuration and the states of all feeds, by one writer.

What they cost grows with the number of feeds, so they are made once an hour and after a deploy, not
at every refresh.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from feedmirror.core import state as states
from feedmirror.core.site import (
    MEDIA_TYPES,
    NOT_FOUND,
    STATUS,
    Standing,
    not_found_document,
    recipe_in,
    standing_of,
    status_document,
)
from feedmirror.core.state import Failing, State
from feedmirror.errors import StateError
from feedmirror.model import Subscription
from feedmirror.ports import SideBySide, Store
from feedmirror.settings.slugs import SLUG

_VERSION = 1  # raise it with every change of what is rendered


@dataclass(frozen=True, slots=True)
class Site:
    """The site as it stands now."""

    standings: tuple[Standing, ...]  # the configured feeds first, in their order
    published: tuple[str, ...]  # names of the documents that were written


def recipe(subscriptions: Iterable[Subscription], public_url: str) -> str:
    """A digest of all that the documents depend on besides the states."""
    parts = (_VERSION, public_url, [(feed.slug, feed.title) for feed in subscriptions])
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

    Feeds in the store that are not among the `subscriptions` are retired, unless `retire` is
    False: then nobody knows. Raises: StoreError.
    """
    configured = {feed.slug: feed for feed in subscriptions}
    stored = (slug for slug in store.folders("data/") if SLUG.fullmatch(slug))
    slugs = list(dict.fromkeys((*configured, *stored)))

    def standing(slug: str) -> Standing:
        state, subscription = _state(store, slug, now), configured.get(slug)
        if subscription is None and not retire:
            subscription = Subscription(slug, state.url)
        return standing_of(slug, subscription, state, public_url, now)

    by_slug = {found.slug: found for found in side_by_side(standing, slugs)}
    # A folder that holds no feed is none's: of a directory, something may be left.
    standings = tuple(by_slug[s] for s in slugs if s in configured or by_slug[s].documents)
    documents = {
        STATUS: status_document(standings, recipe(configured.values(), public_url)),
        NOT_FOUND: not_found_document(),
    }
    written = (name for name, body in documents.items() if _publish(store, name, body))
    return Site(standings, tuple(written))


def _state(store: Store, slug: str, now: datetime) -> State:
    stored = store.load(f"data/{slug}/state.json")
    if stored is None:
        return State()
    try:
        return states.load(stored.body, f"data/{slug}/state.json")
    except StateError as error:
        # Since when is not known, but whoever looks is to hear of it.
        long_ago = datetime.fromtimestamp(0, now.tzinfo)
        return State(failing=Failing("store", "internal", long_ago, str(error)))


def _publish(store: Store, name: str, body: bytes) -> bool:
    """Whether the document was written: not if it is as it should be, or another wrote it."""
    found = store.load(_key(name))
    if found is None:
        return store.create(_key(name), body, MEDIA_TYPES[name]) is not None
    if found.body == body:
        return False
    return store.replace(_key(name), body, found.etag, MEDIA_TYPES[name]) is not None


def _key(name: str) -> str:
    return f"public/{name}"
