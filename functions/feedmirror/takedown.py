"""Take an entry down, for good: its words leave every object of the store.

    plan     find the entry, and all that has words of it
    commit   the state without the entry, as any commit: one conditional write
    apply    the tombstone; stubs over records, pages and archive pages; the documents
    purge    earlier versions of all these
    verify   no object that can quote the entry does

Runs that are under way are harmless: they overwrite nothing of a later generation, create nothing
that is there, and whoever loads the state finishes what was left undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import reduce
from itertools import chain

from msgspec import Struct

from feedmirror.errors import RenderError, StoreError, described
from feedmirror.layout import (
    DATA,
    FEED_DOCUMENTS,
    PUBLIC,
    SITE_DOCUMENTS,
    document_key,
    entry_key,
    records_prefix,
    site_key,
    state_key,
    tombstone_key,
)
from feedmirror.mirror import record
from feedmirror.mirror.deployment import Deployment
from feedmirror.mirror.likeness import likenesses, shared_links
from feedmirror.mirror.quotation import phrases_of, quotes
from feedmirror.mirror.record import Record
from feedmirror.mirror.removal import released, removed_from
from feedmirror.mirror.state import State
from feedmirror.mirror.tombstone import Tombstone
from feedmirror.model import Entry, Reason, Revision, Subscription
from feedmirror.ports import Purged, SideBySide, Store, Versions
from feedmirror.storage.archive_search import (
    ArchiveSearch,
    Place,
    find_entries,
    linking_to,
    place_of,
)
from feedmirror.storage.objects import ATTEMPTS
from feedmirror.storage.records import StoredRecords
from feedmirror.storage.redaction_key import redaction_key
from feedmirror.storage.wal import StateLog, StoredState


class Order(Struct, frozen=True):
    """Request of the operator to take an entry down."""

    reason: Reason
    reference: str  # a case, a letter
    by: str  # who asks


class Done(Struct, frozen=True):
    """An entry that was taken down."""

    tombstone: Tombstone
    purged: Purged  # earlier versions of objects


class Plan(Struct, frozen=True):
    """An entry to take down, and the objects that are written for it."""

    key: str
    revisions: tuple[Revision, ...]  # that can be read, the one that was committed last first
    was_removed_at: datetime | None  # when it was taken down before
    archive_pages: tuple[str, ...]  # names
    objects: tuple[str, ...]  # keys, in the order in which they are written
    held: StoredState


class Takedown:
    """Takes down entries of one feed."""

    def __init__(
        self,
        subscription: Subscription,
        store: Store,
        versions: Versions,
        public_url: str,
        deployment: Callable[[], Deployment],
        *,
        clock: Callable[[], datetime],
        side_by_side: SideBySide = map,
    ) -> None:
        self._slug = subscription.slug
        self._store = store
        self._versions = versions
        self._log = StateLog(store, subscription, public_url, deployment, side_by_side)
        self._records = StoredRecords(store, subscription, side_by_side)
        self._clock = clock
        self._side_by_side = side_by_side

    def find(self, name: str, report: Callable[[int], None] = lambda _: None) -> dict[str, str]:
        """Return the entries with that GUID or permalink, by key, each with its GUID.

        Reads all archive pages; `report` gets how many were read. Raises: StoreError, StateError.
        """
        state = self._log.load(self._clock()).state
        return find_entries(self._store, self._log.publisher, state, name, report)

    def plan(self, key: str, report: Callable[[int], None] = lambda _: None) -> Plan | None:
        """Return what taking the entry down comes to; None where there is no such entry.

        `report` gets how many archive pages were searched so far. Raises: StoreError, StateError;
        OlderDeploymentError where a newer deployment's documents could not be written.
        """
        held = self._log.load(self._clock())
        self._log.refuse_older(held.state)
        # After the state was read: what it does not name any more has been written by now.
        names = tuple(self._records.names(f"{key}/"))
        read = tuple(record for _, record in map(self._records.read, names))
        revisions = _revisions(read, held.state, key)
        if not revisions and not names:
            return None
        removal = held.state.removed.get(key)
        is_known = all(isinstance(one, Record) for one in read)
        search = ArchiveSearch(self._store, self._log.publisher, self._records, report)
        places = _archived_places(revisions, held.state, key) if is_known else None
        pages = search.pages_of(key, places)
        written = {
            page.name
            for page in held.state.pending_pages
            if any(row.key == key for row in page.entries)
        }
        pages = tuple(sorted({*pages, *written}))
        linking = linking_to(self._log.publisher, held.state, key, pages)
        documents = (
            document_key(self._slug, name, page)
            for page in (*pages, None)
            for name in FEED_DOCUMENTS
        )
        return Plan(
            key,
            revisions,
            removal.at if removal else None,
            pages,
            (
                state_key(self._slug),
                tombstone_key(self._slug, key),
                *(record.key_of(self._slug, *name) for name in names),
                *(entry_key(self._slug, one) for one in (*linking, key)),
                *documents,
            ),
            held,
        )

    def carry_out(self, plan: Plan, order: Order) -> Done:
        """Take the entry down, and delete earlier versions of all that may have its words.

        The plan is made again where a run has changed the feed meanwhile. An entry that was taken
        down already has all of it done once more. Raises: StoreError, StateError, RenderError.
        """
        tried: Plan | None = plan
        for _ in range(ATTEMPTS):
            if tried is None:
                raise StoreError(f"the entry {plan.key} of {self._slug} is not there any more")
            buried = self._tombstone(tried, order)
            held = self._log.commit(tried.held, removed_from(tried.held.state, buried))
            if held is not None:
                self._apply(held)
                return Done(buried, self._purge(plan.key))
            tried = self.plan(plan.key)
        raise StoreError(
            f"{state_key(self._slug)} is written by others all the time: nothing was taken down"
        )

    def _tombstone(self, plan: Plan, order: Order) -> Tombstone:
        names = self._records.names(f"{plan.key}/")
        return Tombstone(
            key=plan.key,
            guid=plan.revisions[0].guid if plan.revisions else "",
            at=plan.was_removed_at or self._clock(),
            reason=order.reason,
            reference=order.reference,
            by=order.by,
            revisions=tuple(dict.fromkeys(digest for _, digest, _ in names)),
            archive_pages=plan.archive_pages,
            likenesses=self._likenesses(plan),
        )

    def _likenesses(self, plan: Plan) -> tuple[str, ...]:
        """Return the digests by which entries like this one are known, of all its revisions."""
        state = plan.held.state
        known = (one for one, key in state.removed_likenesses.items() if key == plan.key)
        words = self._log.publisher.words.of(state, state.window).values()
        found = (*(one for one in words if isinstance(one, Revision)), *state.pending_entries)
        listed = {one.key: one.entry for one in found}
        entry = plan.revisions[0].entry if plan.revisions else Entry()
        listed[plan.key] = entry
        own = state.feed.link if state.feed else None
        shared = shared_links(listed.values(), own)
        secret = redaction_key(self._store)
        of_it = (one.entry for one in plan.revisions if one.removal is None)
        likes = chain(*(likenesses(each, secret, shared) for each in of_it))
        return tuple(dict.fromkeys((*known, *likes)))

    def _apply(self, held: StoredState) -> None:
        """Do all that the commit leaves to do. Raises: StoreError, RenderError."""
        now = self._clock()
        is_whole = held.state.complete  # of a first mirror the documents wait for the rest
        applied = self._log.apply(held, now) if is_whole else self._log.apply_entries(held, now)
        if applied.error is None:
            return
        if isinstance(applied.error, StoreError):
            raise applied.error
        raise RenderError(described(applied.error)) from applied.error

    def verify(
        self,
        plan: Plan,
        *,
        whole: bool = False,
        also: Mapping[str, bytes] = {},  # objects outside of the store, by name
        report: Callable[[int], None] = lambda _: None,  # how many objects were read
    ) -> Verified:
        """Read all objects that can quote the entry, in every version; with `whole`, all of the
        feed. Words that are gone already, by an earlier takedown, are not looked for.

        Raises: StoreError.
        """
        phrases = phrases_of(one.entry for one in plan.revisions if one.removal is None)
        keys = frozenset(self._of_feed() if whole else self._near(plan))
        left, unread, read = [], list[str](), 0

        def look(key: str) -> tuple[str, bool]:
            stored = self._store.load(key)
            return key, stored is not None and quotes(stored.body, phrases)

        outside = ((name, quotes(body, phrases)) for name, body in also.items())
        current = self._side_by_side(look, sorted(keys))
        earlier = (
            (f"{key}, version {version}", quotes(body, phrases))
            for key, version, body in self._earlier(plan.key, unread)
            if key in keys
        )
        for read, (name, has_words) in enumerate(chain(outside, current, earlier), 1):
            report(read)
            if has_words:
                left.append(name)
        return Verified(read, tuple(left), tuple(unread))

    def _earlier(self, key: str, unread: list[str]) -> Iterator[tuple[str, str, bytes]]:
        """Yield the earlier versions that are still there; note why where they cannot be read."""
        for prefix in self._purged_prefixes(key):
            try:
                yield from self._versions.earlier(prefix)
            except StoreError as error:
                unread.append(str(error))

    def objects(self) -> int:
        """Return how many objects of the feed `verify` reads of the whole. Raises: StoreError."""
        return sum(1 for _ in self._of_feed())

    def _of_feed(self) -> Iterator[str]:
        """Yield the keys of all objects of the feed, and of the site."""
        slug = self._slug
        yield state_key(slug)
        for prefix in (f"{DATA}{slug}/", f"{PUBLIC}{slug}/"):
            yield from self._store.keys(prefix)
        yield from map(site_key, SITE_DOCUMENTS)

    def _near(self, plan: Plan) -> Iterator[str]:
        """Yield the keys of the objects that can quote the entry."""
        pages: dict[str | None, None] = {None: None}
        for name in plan.archive_pages:
            contents = self._log.publisher.contents_of(name)
            pages |= dict.fromkeys(filter(None, (name, contents.older, contents.newer)))
        documents = (
            document_key(self._slug, name, page) for page in pages for name in FEED_DOCUMENTS
        )
        records = self._store.keys(f"{records_prefix(self._slug)}{plan.key}/")
        site = map(site_key, SITE_DOCUMENTS)
        yield from dict.fromkeys((*plan.objects, *records, *documents, *site))

    def _purge(self, key: str) -> Purged:
        """Delete the earlier versions of all objects that may ever have had words of the entry."""
        found = [self._purged(prefix) for prefix in self._purged_prefixes(key)]
        kept = chain(*(one.kept for one in found))
        return Purged(sum(one.deleted for one in found), tuple(kept))

    def _purged_prefixes(self, key: str) -> tuple[str, ...]:
        slug = self._slug
        return state_key(slug), f"{records_prefix(slug)}{key}/", f"{PUBLIC}{slug}/"

    def _purged(self, prefix: str) -> Purged:
        """Purge; what keeps the operator from that is no reason to look no further."""
        try:
            return self._versions.purge(prefix)
        except StoreError as error:
            return Purged(kept=(str(error),))


class Verified(Struct, frozen=True):
    """Result of looking for words of an entry that was taken down."""

    read: int  # objects
    left: tuple[str, ...]  # names of those that have words of the entry
    unread: tuple[str, ...] = ()  # why earlier versions could not be read: a sentence each


class Released(Struct, frozen=True):
    """Result of releasing entries, by their keys."""

    released: tuple[str, ...]
    purged: tuple[str, ...]  # those that were taken down themselves
    unknown: tuple[str, ...]


def release(store: Store, slug: str, keys: tuple[str, ...], now: datetime) -> Released:
    """Release entries that are left out since they look like ones that were taken down.

    Raises: StoreError, StateError.
    """
    log = StateLog(store, Subscription(slug, ""), "", Deployment)
    for _ in range(ATTEMPTS):
        held = log.load(now)
        there = set(held.state.withheld.values())
        found = tuple(key for key in keys if key in there)
        purged = tuple(key for key in keys if key in held.state.removed)
        unknown = tuple(key for key in keys if key not in {*found, *purged})
        state = reduce(released, found, held.state)
        if not found or log.save(held, state):
            return Released(found, purged, unknown)
    raise StoreError(f"{state_key(slug)} is written by others all the time: nothing was released")


def _revisions(records: Iterable[Record | str], state: State, key: str) -> tuple[Revision, ...]:
    """Return the entry as its records and the state have it, what was committed last first."""
    stored = [one.revision for one in records if isinstance(one, Record)]
    of = (one for one in (*stored, *state.pending_entries) if one.key == key)
    return tuple(sorted(of, key=lambda one: -one.generation))


def _archived_places(revisions: Iterable[Revision], state: State, key: str) -> set[Place]:
    """Return the places at which an entry went into archive pages that are written by now."""
    waiting = chain(*(page.entries for page in state.pending_pages))
    listed = {place_of(one) for one in (*state.window, *waiting) if one.key == key}
    return {place_of(one) for one in revisions} - listed
