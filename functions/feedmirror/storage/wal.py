"""Write-ahead log of a feed in a store: load the state, commit to it, do the tasks of a commit.

Everything after a commit may be done twice, by several runs at once, or late by one that was
thought dead: entries are create-only, documents are replaced only on the ETag they were found with.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import cache, partial

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.errors import (
    FeedMirrorError,
    ObjectError,
    OlderDeploymentError,
    RenderError,
    StateError,
    StoreError,
    contained,
    described,
    kind_of,
)
from feedmirror.layout import RECORD_TYPE, records_prefix, state_key
from feedmirror.mirror import record, state_codec
from feedmirror.mirror.deployment import Deployment, remedy
from feedmirror.mirror.removal import names_of, with_removals
from feedmirror.mirror.renewal_work import renewal_under
from feedmirror.mirror.retention import KnownEntry
from feedmirror.mirror.state import LASTING, LEAP, Failing, State
from feedmirror.mirror.tasks import tasks_of
from feedmirror.mirror.tombstone import TakeDown
from feedmirror.model import Document, Revision, Subscription
from feedmirror.ports import SideBySide, Store
from feedmirror.storage.objects import ATTEMPTS, put
from feedmirror.storage.publisher import Publisher, TaskProgress


def has_entries(store: Store, slug: str) -> bool:
    """Return whether any entry of the feed is stored: one listing. Raises: StoreError."""
    return next(iter(store.keys(records_prefix(slug))), None) is not None


def why_missing(slug: str) -> str:
    """Return the sentence on a state that is missing though entries of the feed are stored."""
    return (
        f"{state_key(slug)} is missing though entries of the feed are stored: nothing was "
        f"changed; run `feedmirror rebuild {slug}`"
    )


class StoredState(Struct):
    """A state as it was loaded or committed, less the tasks that were done since."""

    state: State
    etag: str | None  # None: there is none in the store yet

    @property
    def note(self) -> str | None:
        """Return the note for the operator on how the state was found, or None."""
        if self.etag is None and self.state.generation:
            return (
                "the state is missing though documents are public, and no entry is stored to make "
                "it anew from: the feed begins anew with what the origin lists"
            )
        return None


class Applied(Struct, frozen=True):
    """Result of applying a commit."""

    held: StoredState
    published: tuple[str, ...] = ()  # names of the documents that were written
    quarantined: tuple[str, ...] = ()  # guids of entries that are left out of documents
    error: Exception | None = None  # why some of it is still pending; None: it is done
    note: str | None = None  # what was left out of entries


def _left_out(elements: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return what the operator is to know of extension elements that are in no document."""
    if not elements:
        return None
    listed = "; ".join(f"{', '.join(names)} of {guid!r}" for guid, names in elements.items())
    return f"left out, being prose without the disclaimer: {listed}"


class StateLog:
    """The state of one feed in a store."""

    def __init__(
        self,
        store: Store,
        subscription: Subscription,
        public_url: str,
        deployment: Callable[[], Deployment],
        side_by_side: SideBySide = map,
    ) -> None:
        self.slug = subscription.slug
        self._deployment = cache(deployment)
        self._store = store
        self._subscription = subscription
        self._url = subscription.url
        self._side_by_side = side_by_side
        self.publisher = Publisher(store, subscription, public_url, side_by_side)
        self._key = state_key(self.slug)

    @classmethod
    def of(
        cls,
        store: Store,
        subscription: Subscription,
        public_url: str,
        deployment: Callable[[], Deployment],
        *,
        now: datetime,
        side_by_side: SideBySide = map,
    ) -> StateLog:
        """Return the log of a feed. Where the subscription has no `url`, since the feed is retired,
        the one that the state was mirrored from stands in its documents. Raises: as `load`.
        """
        if not subscription.url:
            held = cls(store, subscription, public_url, deployment).load(now)
            subscription = replace(subscription, url=held.state.url)
        return cls(store, subscription, public_url, deployment, side_by_side)

    def load(self, now: datetime) -> StoredState:
        """Return the state as the store has it, or an empty one where no entry is stored either.

        Raises: StoreError; StateError if the state is damaged, or missing though there are entries.
        """
        stored = self._store.load(self._key)
        if stored is None and has_entries(self._store, self.slug):
            # Entries are stored after the commit that names them: perhaps of another run just now.
            stored = self._store.load(self._key)
            if stored is None:
                raise StateError(why_missing(self.slug))
        if stored is None:  # beyond whatever was published before all of it was lost, if it was
            left = self.publisher.newest_generation()
            state = State(url=self._url, generation=left + LEAP if left else 0)
            return StoredState(self._without_removed(state), None)
        return StoredState(state_codec.load(stored.body, self._key).as_of(now), stored.etag)

    def salvage(self) -> tuple[State | None, str | None]:
        """Return the state, or None where it is missing or damaged, and the ETag of what is stored.

        Raises: StoreError; StateError if a newer version wrote it, in whatever shape it is now.
        """
        try:
            stored = self._store.load(self._key)
        except ObjectError as error:
            if error.etag is None:
                raise
            return None, error.etag
        if stored is None:
            return None, None
        try:
            state = state_codec.load_known(stored.body, self._key)
            len(state.window)  # damage shows when it is read
        except StateError:
            if state_codec.is_newer(stored.body):
                raise
            return None, stored.etag
        return state, stored.etag

    def commit(self, held: StoredState, state: State) -> StoredState | None:
        """Write the state by compare-and-swap; return the stored state, or None if another run was
        quicker.

        One whose documents are not up to date is committed with that still to be done; where they
        are of an older deployment, as one of this deployment.
        """
        if not self.is_older(state):
            state = self._of_this_deployment(state, held.state)
            if not state.tasks and self.publisher.stale(state):
                state = replace(state, generation=state.generation + 1, tasks=tasks_of())
        return self.save(held, state)

    def save(self, held: StoredState, state: State) -> StoredState | None:
        """Write the state as `commit` does, whatever its documents are: for changes of what is
        remembered alone, without a configuration.
        """
        document = Document(self._key, state_codec.dump(state), RECORD_TYPE)
        etag = put(self._store, document, held.etag)
        return StoredState(state, etag) if etag else None

    def is_older(self, state: State) -> bool:
        """True if the documents are of a newer deployment than this one."""
        return self.publisher.deployed(state, self._deployment) is None

    def refuse_older(self, state: State) -> None:
        """Raises: OlderDeploymentError if the documents are of a newer deployment than this one."""
        if self.is_older(state):
            raise self.older(state)

    def older(self, state: State) -> OlderDeploymentError:
        """Return the error for documents that are of a newer deployment than this one."""
        newer, this = state.deployment, self.publisher.described(self._deployment())
        how = remedy(self.slug, this, newer)
        return OlderDeploymentError(self.slug, newer.configured_at, how)

    def _is_newer(self, state: State) -> bool:
        deployed = self.publisher.deployed(state, self._deployment)
        return deployed is not None and deployed != state.deployment

    def _of_this_deployment(self, state: State, before: State) -> State:
        """Return the state with this deployment if it is newer than the one in it.

        The generation is a new one: whatever was written for an earlier one is to give way.
        """
        deployed = self.publisher.deployed(state, self._deployment)
        if deployed is None or deployed == state.deployment:
            return state
        generation = max(state.generation, before.generation + 1)
        return replace(
            state,
            deployment=deployed,
            generation=generation,
            tasks=state.tasks or tasks_of(),
            renewal=renewal_under(state, deployed, generation) if before.feed else None,
        )

    def recall(self, state: State, keys: Iterable[str]) -> dict[str, Revision]:
        """Return entries of the window, and others as they were read first; without those whose
        record is missing or damaged. Raises: StoreError.
        """
        wanted = dict.fromkeys(keys)
        rows = [row for row in state.window if row.key in wanted]
        listed = self.publisher.words.of(state, rows)
        found = {key: one for key, one in listed.items() if isinstance(one, Revision)}
        for key in wanted.keys() - listed.keys():
            known = state.known_entries.by_key[key]
            name = record.key_of(self.slug, key, known.record or known.digest, 0)
            stored = self._store.load(name)
            if stored is None:  # its words were read again since, under the name they had
                name = next(iter(self._store.keys(f"{records_prefix(self.slug)}{key}/")), name)
                stored = self._store.load(name)
            read = contained(partial(record.load, stored.body, self.slug, name)) if stored else None
            if isinstance(read, record.Record):
                found[key] = read.revision
        return found

    def with_forgotten(self, state: State, keys: Collection[str]) -> State:
        """Return the state with those of these entries that are stored, though it has forgotten
        them. Of one whose records are damaged, it knows no more than that. Raises: StoreError.
        """
        if not keys:
            return state
        # Here: feeds of fewer than 5,000 entries never need them.
        from feedmirror.mirror.recover import known_entry  # noqa: PLC0415
        from feedmirror.storage.records import StoredRecords  # noqa: PLC0415

        records = StoredRecords(self._store, self._subscription, self._side_by_side)
        records.survey(of=[f"{key}/" for key in keys])
        moment = int(state.requested_at.timestamp()) if state.requested_at else 0
        found = {key: KnownEntry(digest, moment) for key, digest, _ in records.index.damaged}
        for key, entry in records.index.entries.items():
            # One of a later place is not forgotten, but unknown to a state put back from a backup.
            if entry.seq < state.next_seq:
                found[key] = known_entry(entry)
        return replace(state, known_entries=state.known_entries.with_entries(found))

    def apply_entries(self, held: StoredState, now: datetime) -> Applied:
        """Store the entries that are pending, and write their pages and the archive pages.

        That it was done is not committed, but taken along by the next commit. Where the documents
        are of a newer deployment, the entries of the last commit are stored, and nothing is written
        that is public: all stays pending.
        """
        held = self._redeployed(held, now)
        progress = TaskProgress()
        if self.is_older(held.state):
            named = held.state.pending_entries
            last = (one for one in named if one.generation == held.state.generation)
            self.publisher.store_entries(replace(held.state, tasks=tasks_of(last)), progress)
            return Applied(held, error=progress.error)
        error = contained(partial(self._entries, held, progress))
        if isinstance(error, Exception):
            return Applied(held, error=error)
        return Applied(held, error=progress.error)

    def _redeployed(self, held: StoredState, now: datetime) -> StoredState:
        """Return the state, committed as of this deployment where that is newer than the state's.

        Raises: StoreError if others write the state all the time.
        """
        for _ in range(ATTEMPTS):
            if not self._is_newer(held.state):
                return held
            held = self.commit(held, held.state) or self.load(now)
        raise self._overtaken()

    def _overtaken(self) -> StoreError:
        what = "is written by others all the time; the next refresh goes on"
        return StoreError(f"{self._key} {what}")

    def _entries(self, held: StoredState, progress: TaskProgress) -> None:
        if held.state.pending_pages:
            # A state that was put back from a backup may fill pages that no later run has written.
            held.state = self._without_removed(held.state)
        removing = self._remove(held.state, progress)
        self.publisher.store_entries(held.state, progress)
        self.publisher.publish_pages(held.state, progress)
        # In place: whoever holds the state lets go of the words of what was carried out.
        held.state = replace(
            held.state,
            window=self.publisher.words.numbered(held.state.window),
            tasks=tasks_of(_each_once(progress.entries), progress.pages),
            removing=removing,
        )

    def _remove(self, state: State, progress: TaskProgress) -> tuple[TakeDown, ...]:
        """Replace the words of entries that are taken down; return what is left to do of it."""
        if not state.removing:
            return ()
        from feedmirror.storage.removal import Remover  # noqa: PLC0415 - hardly ever needed

        remover = Remover(self._store, self.publisher, self._side_by_side)
        error = contained(partial(remover.carry_out, state))
        if isinstance(error, Exception):
            progress.failed(error)
            return state.removing
        return ()

    def apply(self, held: StoredState, now: datetime) -> Applied:
        """Do all tasks of the state, and bring its documents up to date.

        Also when nothing new was fetched: a new format, or a changed disclaimer, reaches readers
        here. What changes without a commit of its own gets one first. What fails by a fault of our
        own or of the store's stays pending, and the state says so; all of it does where the
        documents are of a newer deployment. Raises: StoreError if others write the state all the
        time.
        """
        for _ in range(ATTEMPTS):
            held = self._redeployed(held, now)
            if self.is_older(held.state):
                return Applied(held, error=self.older(held.state))
            if not held.state.tasks:
                if not self.publisher.stale(held.state):
                    return Applied(held)
                held = self.commit(held, held.state) or self.load(now)
                continue
            applied = self._apply_once(held, now)
            if applied is not None:
                return applied
            held = self._gone_on(held, now)
        raise self._overtaken()

    def _gone_on(self, held: StoredState, now: datetime) -> StoredState:
        """Return the state that another run has gone on to.

        Where the state is still the same, it was put back from a backup, and its documents are of
        a later generation: it is committed with a generation beyond theirs. Else it would wait for
        ever for a run that does not exist.
        """
        found = self.load(now)
        if found.etag != held.etag:
            return found
        newest = self.publisher.newest_generation()
        if newest <= found.state.generation:
            return found
        gone_on = replace(self._without_removed(found.state), generation=newest + 1)
        return self.commit(found, gone_on) or found

    def _without_removed(self, state: State) -> State:
        """Return a state without the entries that were taken down meanwhile, or before it was lost.

        Raises: StoreError.
        """
        from feedmirror.storage.removal import stored_tombstones  # noqa: PLC0415 - as above

        return with_removals(state, stored_tombstones(self._store, self.slug, names_of(state)))

    def _apply_once(self, held: StoredState, now: datetime) -> Applied | None:
        """Do the tasks once; return how far, or None if another run has gone on from this state."""
        progress = TaskProgress()
        is_overtaken = contained(partial(self._all, held, progress))
        if isinstance(is_overtaken, StoreError):  # a store that fails is not written to once more
            return Applied(held, error=is_overtaken)
        if isinstance(is_overtaken, Exception):
            return Applied(self.note_fault(held, is_overtaken, now), error=is_overtaken)
        if is_overtaken:
            return None
        error = progress.error
        done = replace(
            held.state,
            documents=progress.documents,
            fragments=progress.fragments,
            tasks=held.state.tasks if error else (),
            fault=_fault(held.state.fault, error, now) if error else None,
            quarantined=progress.quarantined,
        )
        marked = self._commit_changed(held, done)
        guids = tuple(one.guid for one in progress.quarantined.values())
        note = _left_out(progress.left_out)
        return Applied(marked, tuple(progress.written), guids, error, note) if marked else None

    def _all(self, held: StoredState, progress: TaskProgress) -> bool:
        """Do the tasks; return True if another run has gone on from this state."""
        self._entries(held, progress)
        return not self.publisher.publish_documents(held.state, progress)

    def _commit_changed(self, held: StoredState, state: State) -> StoredState | None:
        return held if state == held.state else self.commit(held, state)

    def without_fault(self, applied: Applied) -> Applied:
        """Clear the error of our own from the state, since all tasks were done."""
        held = applied.held
        if held.state.fault is None:
            return applied
        return replace(applied, held=self.commit(held, replace(held.state, fault=None)) or held)

    def note_fault(self, held: StoredState, error: Exception, now: datetime) -> StoredState:
        """Have the state say that an error of our own stops the feed, if it can be written."""
        state = replace(held.state, fault=_fault(held.state.fault, error, now))
        noted = contained(partial(self._commit_changed, held, state))
        return noted if isinstance(noted, StoredState) else held


def _fault(before: Failing | None, error: Exception, now: datetime) -> Failing:
    """Return the error as the state remembers it; the same value as before if nothing changed."""
    kind = kind_of(error)
    since = before.since if before else now
    lasting = now - since >= LASTING
    if before and (before.kind, before.lasting) == (kind.value, lasting):
        return before
    return Failing(kind.value, kind.group.value, since, described(error), lasting)


def _each_once(pending: Iterable[Revision]) -> tuple[Revision, ...]:
    return tuple({(one.key, one.digest, one.observed_at): one for one in pending}.values())


def apply_whole(log: StateLog, held: StoredState, now: datetime) -> None:
    """Do all that a commit leaves to do. Raises: StoreError, RenderError."""
    is_whole = held.state.complete  # of a first mirror the documents wait for the rest
    applied = log.apply(held, now) if is_whole else log.apply_entries(held, now)
    if applied.error is None:
        return
    if isinstance(applied.error, StoreError):
        raise applied.error
    raise RenderError(described(applied.error)) from applied.error


def apply_retired(
    store: Store,
    subscription: Subscription,
    public_url: str,
    now: datetime,
    deployment: Callable[[], Deployment],
) -> Applied:
    """Do pending tasks of a retired feed and publish its stale documents, its page among them.

    Where the subscription has no `url`, the one that the state was mirrored from stands in the
    documents. Does nothing for a feed that was never mirrored.
    Raises: StoreError, StateError, RenderError; OlderDeploymentError where all stays as it is.
    """
    log = StateLog.of(store, subscription, public_url, deployment, now=now)
    applied = log.apply(log.load(now), now)
    if isinstance(applied.error, FeedMirrorError):
        raise applied.error
    if applied.error is not None:
        raise RenderError(described(applied.error)) from applied.error
    return applied
