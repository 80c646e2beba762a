"""Rebuild a feed's state, window and documents from its stored entries.

For a mirror whose state was lost or damaged, whoever is gone besides; harmless for any other. It
reads every record once, several at a time, and keeps of each no more than its place; the words of
each are read once more, for its page. All of it is committed by one conditional write, like a
refresh, so it may be killed or overlap with others at any point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.errors import StoreError
from feedmirror.layout import (
    FEED_DOCUMENTS,
    archive_prefix,
    document_key,
    records_prefix,
)
from feedmirror.mirror import record as records
from feedmirror.mirror.archive import predecessors
from feedmirror.mirror.deployment import Deployment, Renewal
from feedmirror.mirror.recover import (
    Plan,
    RecordIndex,
    base_state,
    missing,
    plan_pages,
    restore,
)
from feedmirror.mirror.removal import with_removals
from feedmirror.mirror.state import Published, State
from feedmirror.mirror.tasks import tasks_of
from feedmirror.mirror.tombstone import Tombstone
from feedmirror.mirror.window import in_row
from feedmirror.model import PARSER_VERSION, Subscription
from feedmirror.ports import Rereader, SideBySide, Store
from feedmirror.publishing.formats.format import stamped
from feedmirror.publishing.pages.templates import STYLE
from feedmirror.reparse import Reparse, Reparsed
from feedmirror.storage.deployments import deploy_rebuild
from feedmirror.storage.objects import ATTEMPTS
from feedmirror.storage.pages import PageWriter
from feedmirror.storage.publisher import Publisher
from feedmirror.storage.records import StoredRecords
from feedmirror.storage.removal import replace_removed_words
from feedmirror.storage.wal import Applied, StateLog, StoredState


class Rebuilt(Struct, frozen=True):
    """Result of a rebuild."""

    feed: str  # the slug
    state: str  # what there was: "readable", "damaged" or "missing"
    entries: int  # that are stored
    revisions: int  # of them, that could be read
    window: int  # entries in the public feed
    archived: int  # in archive pages
    published: tuple[str, ...]  # names of the documents that were written
    renewed: int  # pages, of entries and of the archive, that were written
    damaged: tuple[str, ...]  # records that cannot be read: a sentence each
    quarantined: tuple[str, ...]  # guids of entries that could not be rendered
    reparsed: Reparsed | None = None  # None: entries were not to be read again


def rebuild(
    subscription: Subscription,
    store: Store,
    public_url: str,
    now: datetime,
    *,
    rereader: Rereader | None = None,
    side_by_side: SideBySide = map,
    report: Callable[[int], None] = lambda _: None,  # how many records have been read
) -> Rebuilt:
    """Rebuild a feed; change nothing where everything is as a rebuild makes it.

    With a `rereader` entries are read again first. Then what is remembered to ask less of the
    origin stays, as nothing has come from there.

    Raises: StoreError, also if no entry is stored; StateError if a newer version wrote any of it;
    RenderError; ParseError if the rereader is no more.
    """
    deploy = partial(deploy_rebuild, store, now)
    log = StateLog(store, subscription, public_url, deploy)
    publisher = log.publisher
    reparse = Reparse(subscription, store, publisher, rereader, side_by_side) if rereader else None
    stored = StoredRecords(store, subscription, side_by_side, report)
    before = ""
    for _ in range(ATTEMPTS):
        old, etag = log.salvage()
        before = before or ("readable" if old else "damaged" if etag else "missing")
        old = old.as_of(now) if old else None
        done: tuple[str, ...] = ()
        if old is not None and old.tasks:  # what a dead run left undone
            recovered = log.apply(StoredState(old, etag), now)
            if isinstance(recovered.error, StoreError):
                raise recovered.error
            old, etag, done = recovered.held.state, recovered.held.etag, recovered.published
        tombstones = _surveyed(stored)
        if reparse is not None:
            reparse.renew(stored.index, stored.read)
        pages = PageWriter(publisher, stored.words, side_by_side)
        state = _made_anew(
            old,
            stored,
            subscription,
            pages,
            tombstones,
            publisher=publisher,
            reparse=reparse,
            now=now,
        )
        state = replace(
            state,
            deployment=publisher.described(deploy()),
            renewal=None if reparse else _left_to_reread(old, stored.index, state),
        )
        present = StoredState(old or State(), etag)
        held = log.commit(present, state)
        if held is not None:
            applied = log.apply(held, now)
            if applied.error is not None:
                raise applied.error
            told = _told(before, stored, pages, applied, done)
            return replace(told, reparsed=reparse.done if reparse else None)
    raise StoreError(
        f"the state of {subscription.slug} is written by others all the time: keep them from it "
        "for a while"
    )


def _left_to_reread(old: State | None, index: RecordIndex, state: State) -> Renewal | None:
    """Return what is left to a renewal: to read entries again that an older parser has read."""
    if old is None or old.feed is None:
        is_left = (index.parser_version or PARSER_VERSION) < PARSER_VERSION
    else:
        is_left = old.deployment.parser_version != PARSER_VERSION or bool(
            old.renewal and old.renewal.rereads
        )
    return Renewal(state.generation, below=state.next_seq, rereads=True) if is_left else None


def _surveyed(stored: StoredRecords) -> tuple[Tombstone, ...]:
    """Read all records; return the tombstones. Entries that were taken down have no words by then,
    whatever a backup had brought back. Raises: StoreError.

    After the state was read: all that it speaks of has been stored by now.
    """
    tombstones = replace_removed_words(stored.store, stored.slug)
    stored.survey()
    return tombstones


def address_of(store: Store, slug: str) -> str | None:
    """Return the address that a feed was mirrored from, or None if nothing is stored of the feed.

    Raises: StoreError.
    """
    state, _ = StateLog(store, Subscription(slug, ""), "", Deployment).salvage()
    if state is not None and state.url:
        return state.url
    stored = StoredRecords(store, Subscription(slug, ""), map, lambda _: None)
    stored.survey(only_one=True)
    return stored.index.url


def _made_anew(
    old: State | None,
    stored: StoredRecords,
    subscription: Subscription,
    pages: PageWriter,
    tombstones: Sequence[Tombstone],
    *,
    publisher: Publisher,
    reparse: Reparse | None,
    now: datetime,
) -> State:
    """The state to commit, or the old one if nothing is to be changed; after all that it speaks of
    besides the documents of the newest entries has been published.

    Raises: StoreError if there is nothing to make it from.
    """
    index, slug = stored.index, subscription.slug
    if not index.entries and not (
        old and old.feed
    ):  # a feed without entries is made from its state
        damaged = f"{len(index.damaged)} damaged records, and " if index.damaged else ""
        raise StoreError(
            f"there are {damaged}no entries in {records_prefix(slug)} to rebuild {slug} from; "
            "nothing was changed. The next refresh mirrors what the origin lists"
        )
    documents, generation = _documents(stored.store, slug)
    base = base_state(old, index, subscription.url, generation).as_of(now)
    base = with_removals(base, tombstones)
    index.damaged |= dict.fromkeys(missing(base, index), "it is missing")
    plan = plan_pages(index, base, subscription.keep, now)
    summary = pages.write_archive(plan.pages, base)
    entries = {one.key: one for one in plan.entries}
    for name in _superseded(stored.store, slug, plan):
        pages.renew_page(name, entries, base)
    pending = {(one.key, one.digest, one.number): one for one in base.pending_entries}
    unstored = {one.key: pending[one.name] for one in plan.public if one.name in pending}
    words = stored.words(one.name for one in plan.public if one.key not in unstored) | unstored
    for revision in words.values():
        publisher.words.keep(revision)  # for the documents
    state = restore(base, index, plan, words, archive_summary=summary, now=now)
    if reparse is not None and not index.damaged:
        state = _reparsed(state, old, reparse)
    # The oldest first: each links to the one before it.
    oldest_first = (in_row(words[row.key], row) for row in reversed(state.window.rows))
    pages.write_entries(oldest_first, predecessors(state.window, (), summary), state)
    known = {name: one.etag for name, one in state.documents.items() if name != STYLE}
    if state == old and known == documents:
        return old
    return replace(
        state,
        generation=state.generation + 1,
        tasks=tasks_of(state.pending_entries),
        # They are rendered again, whatever is in them.
        documents={
            STYLE: Published("", "", ""),
            **{name: Published(etag, "", "") for name, etag in documents.items()},
        },
    )


def _reparsed(state: State, old: State | None, reparse: Reparse) -> State:
    """Return the state after entries were read again, with what the old one remembers of the
    origin.
    """
    if reparse.is_whole:  # what the next document says otherwise is of the origin's
        state = replace(state, parser_version=PARSER_VERSION)
    if old is None or old.feed is None:
        return state
    unread = {name: one for name, one in old.quarantined.items() if not one.documents}
    return replace(
        state,
        addresses=old.addresses,
        fingerprints=old.fingerprints,
        checked_at=old.checked_at,
        quarantined=unread,
    )


def _told(
    before: str, stored: StoredRecords, pages: PageWriter, applied: Applied, done: tuple[str, ...]
) -> Rebuilt:
    damaged = sorted(stored.index.damaged.items())
    return Rebuilt(
        feed=stored.slug,
        state=before,
        entries=len(stored.index.entries),
        revisions=stored.index.revisions,
        window=len(applied.held.state.window),
        archived=sum(count for count, _ in applied.held.state.archive_summary.months.values()),
        renewed=pages.renewed,
        published=tuple(dict.fromkeys((*done, *applied.published))),
        damaged=tuple(f"{records.key_of(stored.slug, *name)}: {why}" for name, why in damaged),
        quarantined=tuple(dict.fromkeys((*pages.quarantined.values(), *applied.quarantined))),
    )


def _documents(store: Store, slug: str) -> tuple[dict[str, str], int]:
    """Return the ETags of the public documents, by name, and their largest generation."""
    found = {name: store.load(document_key(slug, name)) for name in FEED_DOCUMENTS}
    there = {name: stored for name, stored in found.items() if stored}
    generation = max((stamped(one.body).generation for one in there.values()), default=0)
    return {name: stored.etag for name, stored in there.items()}, generation


def _superseded(store: Store, slug: str, plan: Plan) -> Iterator[str]:
    """Yield the names of archive pages that are public and no part of the archive any more."""
    kept = {page.name for page in plan.pages}
    return (name for name in store.folders(archive_prefix(slug)) if name not in kept)
