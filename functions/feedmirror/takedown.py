"""Take an entry down, for good: its words leave every object of the store.

The same for one revision of it that is not the current one; or an entry is hidden, whose words stay
in an object that is not public, and in earlier versions (`restore.py` brings it back).

    plan     find the entry, and all that has words of it
    commit   the state without the entry, as any commit: one conditional write
    apply    the tombstone; stubs over records, pages and archive pages; the documents
    purge    earlier versions of all these
    verify   no object that can quote the entry does

Runs that are under way are harmless: they overwrite nothing of a later generation, create nothing
that is there, and whoever loads the state finishes what was left undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, pairwise

from msgspec import Struct, json
from msgspec.structs import replace

from feedmirror.errors import ConfigError, StoreError
from feedmirror.layout import (
    DATA,
    FEED_DOCUMENTS,
    FEED_INDEX,
    PUBLIC,
    SITE_DOCUMENTS,
    document_key,
    entry_key,
    hidden_key,
    records_prefix,
    site_key,
    state_key,
    tombstone_key,
)
from feedmirror.mirror import record
from feedmirror.mirror.archive import predecessors
from feedmirror.mirror.deployment import Deployment
from feedmirror.mirror.likeness import likenesses, shared_links
from feedmirror.mirror.quotation import phrases_of, quotes
from feedmirror.mirror.record import Record, RecordName
from feedmirror.mirror.removal import removed_from
from feedmirror.mirror.state import State
from feedmirror.mirror.tasks import tasks_of
from feedmirror.mirror.tombstone import Logged, Tombstone
from feedmirror.model import Entry, Reason, Revision, Subscription
from feedmirror.ports import Purged, SideBySide, Store, Versions
from feedmirror.storage.archive_search import (
    ArchiveSearch,
    Place,
    find_entries,
    linking_to,
    place_of,
)
from feedmirror.storage.hidden import keep, kept_revisions
from feedmirror.storage.objects import ATTEMPTS
from feedmirror.storage.publisher import TaskProgress
from feedmirror.storage.records import StoredRecords
from feedmirror.storage.redaction_key import redaction_key
from feedmirror.storage.removal import is_removed, load_tombstone, note
from feedmirror.storage.wal import StateLog, StoredState, apply_whole

_OF_SITE = (FEED_INDEX, *map(site_key, SITE_DOCUMENTS))  # objects that say something of all feeds


class Order(Struct, frozen=True):
    """Request of the operator to take an entry down."""

    reason: Reason
    reference: str  # a case, a letter
    by: str  # who asks
    is_hidden: bool = False  # True: nothing is purged, and the entry may be restored


class Done(Struct, frozen=True):
    """An entry that was taken down."""

    tombstone: Tombstone
    purged: Purged = Purged()  # earlier versions of objects


class Plan(Struct, frozen=True):
    """An entry to take down, and the objects that are written for it."""

    key: str
    revision: str | None  # the only one to take down
    # That are to be taken down and can be read, the one that was committed last first.
    revisions: tuple[Revision, ...]
    others: tuple[Revision, ...]  # that stay
    before: Tombstone | None  # of an earlier takedown
    archive_pages: tuple[str, ...]  # names
    objects: tuple[str, ...]  # keys, in the order in which they are written
    held: StoredState

    @property
    def is_hidden(self) -> bool:
        """True if it is hidden now, so that it can be restored."""
        return self.before is not None and self.before.is_hidden and not self.before.is_restored

    @property
    def was_removed_at(self) -> datetime | None:
        """When it was taken down before."""
        return self.before.at if self.before and not self.before.is_restored else None


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
        self.store = store
        self._versions = versions
        self.log = StateLog(store, subscription, public_url, deployment, side_by_side)
        self._records = StoredRecords(store, subscription, side_by_side)
        self._clock = clock
        self.side_by_side = side_by_side

    def find(self, name: str, report: Callable[[int], None] = lambda _: None) -> dict[str, str]:
        """Return the entries with that GUID or permalink, by key, each with its GUID.

        Reads all archive pages; `report` gets how many were read. Raises: StoreError, StateError.
        """
        state = self.log.load(self._clock()).state
        return find_entries(self.store, self.log.publisher, state, name, report)

    def plan(
        self,
        key: str,
        report: Callable[[int], None] = lambda _: None,
        *,
        revision: str | None = None,
    ) -> Plan | None:
        """Return what taking the entry down comes to; None where there is no such entry.

        With `revision`, the beginning of a digest, that revision alone. `report` gets how many
        archive pages were searched so far. Raises: StoreError, StateError; ConfigError for a
        revision that cannot be taken down; OlderDeploymentError where a newer deployment's
        documents could not be written.
        """
        held = self.log.load(self._clock())
        self.log.refuse_older(held.state)
        # After the state was read: what it does not name any more has been written by now.
        names = tuple(self._records.names(f"{key}/"))
        read = tuple(record for _, record in map(self._records.read, names))
        revisions = _revisions(read, held.state, key)
        if not revisions and not names:
            return None
        revision = None if revision is None else _revision_named(revision, names, revisions)
        name = f"{key}.{revision}" if revision else key
        is_known = all(isinstance(one, Record) for one in read)
        search = ArchiveSearch(self.store, self.log.publisher, self._records, report)
        places = _archived_places(revisions, held.state, key) if is_known else None
        pages = search.pages_of(key, places)
        written = {
            page.name
            for page in held.state.pending_pages
            if any(row.key == key for row in page.entries)
        }
        pages = tuple(sorted({*pages, *written}))
        linking = linking_to(self.log.publisher, held.state, key, pages)
        documents = (
            document_key(self._slug, name, page)
            for page in (*pages, None)
            for name in FEED_DOCUMENTS
        )
        of_it = (one for one in names if revision in (None, one[1]))
        kept = kept_revisions(self.store, self._slug, key)
        return Plan(
            key,
            revision,
            tuple(one for one in (*revisions, *kept) if revision in (None, one.digest)),
            tuple(one for one in (*revisions, *kept) if revision not in (None, one.digest)),
            load_tombstone(self.store, self._slug, name),
            pages,
            (
                state_key(self._slug),
                tombstone_key(self._slug, name),
                *((hidden_key(self._slug, key),) if kept else ()),
                *(record.key_of(self._slug, *one) for one in of_it),
                *(entry_key(self._slug, one) for one in (*linking, key)),
                *documents,
            ),
            held,
        )

    def carry_out(self, plan: Plan, order: Order) -> Done:
        """Take the entry down, and delete earlier versions of all that may have its words.

        The plan is made again where a run has changed the feed meanwhile. An entry that was taken
        down already has all of it done once more. Raises: StoreError, StateError, RenderError;
        ConfigError where the revision is the current one by now.
        """
        tried: Plan | None = plan
        for _ in range(ATTEMPTS):
            if tried is None:
                raise StoreError(f"the entry {plan.key} of {self._slug} is not there any more")
            if order.is_hidden:
                self._keep(tried)
            buried = self._tombstone(tried, order)
            held = self.log.commit(tried.held, removed_from(tried.held.state, buried))
            if held is not None:
                apply_whole(self.log, held, self._clock())
                return Done(buried, Purged() if order.is_hidden else self._purge(plan.key))
            tried = self.plan(plan.key, revision=plan.revision)
        raise StoreError(
            f"{state_key(self._slug)} is written by others all the time: nothing was taken down"
        )

    def _keep(self, plan: Plan) -> None:
        """Keep the words of the entry apart, also of revisions that have no record yet."""
        state = plan.held.state
        pending = tasks_of(one for one in state.pending_entries if one.key == plan.key)
        progress = TaskProgress()
        self.log.publisher.store_entries(replace(state, tasks=pending), progress)
        if progress.error is not None:
            raise progress.error
        keep(self.store, self._slug, plan.key)

    def note(self, done: Done, invalidation: str | None) -> None:
        """Add to the log what followed on the commit. Raises: StoreError."""
        logged = done.tombstone.log[-1]
        purged, kept = done.purged.deleted, done.purged.kept
        logged = replace(logged, purged=purged, kept=kept, invalidation=invalidation)
        note(self.store, self._slug, done.tombstone.name, logged)

    def _tombstone(self, plan: Plan, order: Order) -> Tombstone:
        names = self._records.names(f"{plan.key}/")
        now, before = self._clock(), plan.before
        logged = Logged(
            at=now,
            by=order.by,
            action="hide" if order.is_hidden else "takedown",
            reason=order.reason,
            reference=order.reference,
            objects=plan.objects,
        )
        digests = dict.fromkeys(digest for _, digest, _ in names)
        return Tombstone(
            key=plan.key,
            guid=plan.revisions[0].guid if plan.revisions else "",
            at=plan.was_removed_at or now,
            reason=order.reason,
            revision=plan.revision,
            is_hidden=order.is_hidden,
            log=(*(before.log if before else ()), logged),
            generation=plan.held.state.generation + 1,
            revisions=(plan.revision,) if plan.revision else tuple(digests),
            archive_pages=plan.archive_pages,
            likenesses=() if plan.revision else self._likenesses(plan),
        )

    def _likenesses(self, plan: Plan) -> tuple[str, ...]:
        """Return the digests by which entries like this one are known, of all its revisions."""
        state = plan.held.state
        known = (one for one, key in state.removed_likenesses.items() if key == plan.key)
        words = self.log.publisher.words.of(state, state.window).values()
        found = (*(one for one in words if isinstance(one, Revision)), *state.pending_entries)
        listed = {one.key: one.entry for one in found}
        entry = plan.revisions[0].entry if plan.revisions else Entry()
        listed[plan.key] = entry
        own = state.feed.link if state.feed else None
        shared = shared_links(listed.values(), own)
        secret = redaction_key(self.store)
        of_it = (one.entry for one in plan.revisions if one.removal is None)
        likes = chain(*(likenesses(each, secret, shared) for each in of_it))
        return tuple(dict.fromkeys((*known, *likes)))

    def verify(
        self,
        plan: Plan,
        *,
        whole: bool = False,
        only_public: bool = False,
        also: Mapping[str, bytes] = {},  # objects outside of the store, by name
        report: Callable[[int], None] = lambda _: None,  # how many objects were read
    ) -> Verified:
        """Read all objects that can quote the entry, in every version; with `whole`, all of the
        feed; with `only_public`, what readers can reach. Words that are gone already, by an earlier
        takedown, are not looked for, nor those that other revisions have.

        Raises: StoreError.
        """
        stay = tuple(json.encode(one.entry) for one in plan.others)
        phrases = tuple(
            phrase
            for phrase in phrases_of(one.entry for one in plan.revisions if one.removal is None)
            if not any(quotes(body, (phrase,)) for body in stay)
        )
        keys = frozenset(self._of_feed() if whole else self._near(plan))
        if only_public:
            keys = frozenset(key for key in keys if key.startswith(PUBLIC))
        left, unread, read = [], list[str](), 0

        def look(key: str) -> tuple[str, bool]:
            stored = self.store.load(key)
            return key, stored is not None and quotes(stored.body, phrases)

        outside = ((name, quotes(body, phrases)) for name, body in also.items())
        current = self.side_by_side(look, sorted(keys))
        earlier = (
            (f"{key}, version {version}", quotes(body, phrases))
            for key, version, body in (() if only_public else self._earlier(plan.key, unread))
            if key in keys
        )
        for read, (name, has_words) in enumerate(chain(outside, current, earlier), 1):
            report(read)
            if has_words:
                left.append(name)
        return Verified(len(phrases), read, tuple(left), tuple(unread))

    def _earlier(self, key: str, unread: list[str]) -> Iterator[tuple[str, str, bytes]]:
        """Yield the earlier versions that are still there; note why where they cannot be read."""
        for prefix in self._purged_prefixes(key):
            try:
                yield from self._versions.earlier(prefix)
            except StoreError as error:
                unread.append(str(error))

    def also_in(self, key: str) -> tuple[str, ...]:
        """Return the other feeds of the store that have an entry of that key, and have not taken
        it down; a request for each feed. Raises: StoreError.
        """

        def has_entry(slug: str) -> tuple[str, bool]:
            is_there = next(iter(self.store.keys(f"{records_prefix(slug)}{key}/")), None)
            return slug, bool(is_there) and not is_removed(self.store, slug, key)

        others = (slug for slug in self.store.folders(DATA) if slug != self._slug)
        return tuple(
            sorted(slug for slug, is_there in self.side_by_side(has_entry, others) if is_there)
        )

    def objects(self) -> int:
        """Return how many objects of the feed `verify` reads of the whole. Raises: StoreError."""
        return sum(1 for _ in self._of_feed())

    def _of_feed(self) -> Iterator[str]:
        """Yield the keys of all objects of the feed, and of the site."""
        slug = self._slug
        yield state_key(slug)
        for prefix in (f"{DATA}{slug}/", f"{PUBLIC}{slug}/"):
            yield from self.store.keys(prefix)
        yield from _OF_SITE

    def _near(self, plan: Plan) -> Iterator[str]:
        """Yield the keys of the objects that can quote the entry."""
        pages: dict[str | None, None] = {None: None}
        state = plan.held.state
        before = predecessors(state.window, state.pending_pages, state.archive_summary)
        followed = [link.key for link in (before.get(plan.key),) if link]
        for name in plan.archive_pages:
            contents = self.log.publisher.contents_of(name)
            pages |= dict.fromkeys(filter(None, (name, contents.older, contents.newer)))
            listed = contents.keys
            if contents.older and listed[-1:] == (plan.key,):
                listed += self.log.publisher.contents_of(contents.older).keys[:1]
            followed += [older for one, older in pairwise(listed) if one == plan.key]
        documents = (
            document_key(self._slug, name, page) for page in pages for name in FEED_DOCUMENTS
        )
        records = self.store.keys(f"{records_prefix(self._slug)}{plan.key}/")
        neighbours = (entry_key(self._slug, one) for one in followed)
        yield from dict.fromkeys((*plan.objects, *records, *neighbours, *documents, *_OF_SITE))

    def _purge(self, key: str) -> Purged:
        """Delete the earlier versions of all objects that may ever have had words of the entry."""
        found = [self._purged(prefix) for prefix in self._purged_prefixes(key)]
        kept = chain(*(one.kept for one in found))
        return Purged(sum(one.deleted for one in found), tuple(kept))

    def _purged_prefixes(self, key: str) -> tuple[str, ...]:
        slug = self._slug
        of_entry = (hidden_key(slug, key), f"{records_prefix(slug)}{key}/")
        return state_key(slug), *of_entry, f"{PUBLIC}{slug}/", *_OF_SITE

    def _purged(self, prefix: str) -> Purged:
        """Purge; what keeps the operator from that is no reason to look no further."""
        try:
            return self._versions.purge(prefix)
        except StoreError as error:
            return Purged(kept=(str(error),))


class Verified(Struct, frozen=True):
    """Result of looking for words of an entry that was taken down."""

    phrases: int  # that were looked for
    read: int  # objects
    left: tuple[str, ...]  # names of those that have words of the entry
    unread: tuple[str, ...] = ()  # why earlier versions could not be read: a sentence each


def _revisions(records: Iterable[Record | str], state: State, key: str) -> tuple[Revision, ...]:
    """Return the entry as its records and the state have it, what was committed last first."""
    stored = [one.revision for one in records if isinstance(one, Record)]
    of = (one for one in (*stored, *state.pending_entries) if one.key == key)
    return tuple(sorted(of, key=lambda one: -one.generation))


def _revision_named(
    beginning: str, names: Iterable[RecordName], revisions: Sequence[Revision]
) -> str:
    """Return the digest of the revision that begins so. Raises: ConfigError if there is none, or
    more than one, or if it is what the entry says now.
    """
    dates = {
        one.digest: f"  {one.digest}  of {one.observed_at:%Y-%m-%d %H:%M} UTC" for one in revisions
    }
    digests = {digest for _, digest, _ in names} | dates.keys()
    found = [digest for digest in sorted(digests) if digest.startswith(beginning)]
    if len(found) != 1:
        listed = (dates.get(digest, f"  {digest}") for digest in found or sorted(digests))
        what = "several revisions begin so" if found else "the entry has no such revision; it has"
        raise ConfigError((f"--revision {beginning}: {what}", *listed))
    if revisions and found[0] == revisions[0].digest:
        how = "take the whole entry down, or wait until a later one is mirrored"
        raise ConfigError((f"--revision {beginning} is what the entry says now: {how}",))
    return found[0]


def _archived_places(revisions: Iterable[Revision], state: State, key: str) -> set[Place]:
    """Return the places at which an entry went into archive pages that are written by now."""
    waiting = chain(*(page.entries for page in state.pending_pages))
    listed = {place_of(one) for one in (*state.window, *waiting) if one.key == key}
    return {place_of(one) for one in revisions} - listed
