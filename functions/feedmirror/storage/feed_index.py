"""The feed index in a store: brought up to date from a listing of the states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from feedmirror.errors import ObjectError, StateError
from feedmirror.layout import FEED_INDEX, RECORD_TYPE, STATES, slug_of_state, state_key
from feedmirror.mirror import feed_index, state_codec
from feedmirror.mirror.feed_index import FeedIndex, IndexedFeed, indexed
from feedmirror.model import Document
from feedmirror.ports import SideBySide, Store
from feedmirror.storage.objects import put


class Survey(Struct, frozen=True):
    """All feeds that have a state in a store."""

    feeds: Mapping[str, IndexedFeed]  # by slug
    unreadable: frozenset[str]  # slugs of those whose state cannot be read


def survey_feeds(
    store: Store, now: datetime, side_by_side: SideBySide = map, *, may_write: bool = True
) -> Survey:
    """Return what is known of every feed, as of this moment.

    Lists the states, and reads those that are not in the stored index as they are now: all, where
    the index is missing or cannot be used. Writes the index if it changed and `may_write`, unless
    another run has written it meanwhile. Raises: StoreError.
    """
    etag, before = _stored(store)
    marks = {slug: one.mark for one in store.listed(STATES) if (slug := slug_of_state(one.key))}
    known = {slug: one for slug, one in before.items() if marks.get(slug) == one.mark}

    def read(slug: str) -> tuple[str, IndexedFeed | None]:
        return slug, _read(store, slug, marks[slug], now)

    changed = [slug for slug in marks if slug not in known]
    read_now = {slug: found for slug, found in side_by_side(read, changed) if found}
    feeds = dict(sorted({**known, **read_now}.items()))
    if may_write and feeds != before:
        document = Document(FEED_INDEX, feed_index.dump(FeedIndex(feeds)), RECORD_TYPE)
        put(store, document, etag)  # where another run was quicker, its index is as good
    return Survey(feeds, frozenset(slug for slug in marks if slug not in feeds))


def _stored(store: Store) -> tuple[str | None, Mapping[str, IndexedFeed]]:
    """Return the stored index with its ETag, or an empty one with the ETag of what is there."""
    try:
        found = store.load(FEED_INDEX)
    except ObjectError as error:
        return error.etag, {}
    return (found.etag, feed_index.load(found.body).feeds) if found else (None, {})


def _read(store: Store, slug: str, mark: str, now: datetime) -> IndexedFeed | None:
    """Return what the state says; None where it is gone by now, or cannot be read.

    A state that was replaced since it was listed gets the earlier mark: it is read once more.
    """
    key = state_key(slug)
    try:
        stored = store.load(key)
        state = state_codec.load_known(stored.body, key).as_of(now) if stored else None
        return indexed(state, mark) if state else None
    except (ObjectError, StateError):
        return None
