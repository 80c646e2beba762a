"""Rebuild a feed's state, window and documents from its stored entries.

For a mirror whose state was lost or damaged, whoever is gone besides; harmless for any other. It
reads every record once, several at a time, and keeps of each no more than its place; the words of
each are read once more, for its page. All of it is committed by one conditional write, like a
refresh, so it may be killed or overlap with others at any point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import zip_longest

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.errors import ObjectError, StoreError
from feedmirror.layout import (
    CSS,
    FEED_DOCUMENTS,
    archive_prefix,
    document_key,
    records_prefix,
    site_key,
)
from feedmirror.mirror import record as records
from feedmirror.mirror.archive import ArchivePage, ArchiveSummary, EntryLink, add_page, predecessors
from feedmirror.mirror.deployment import Deployment
from feedmirror.mirror.record import Record, RecordName
from feedmirror.mirror.recover import (
    IndexedEntry,
    Plan,
    PlannedPage,
    RecordIndex,
    base_state,
    in_place,
    plan_pages,
    restore,
)
from feedmirror.mirror.state import Published, State
from feedmirror.mirror.tasks import tasks_of
from feedmirror.model import PARSER_VERSION, Document, Revision, Subscription
from feedmirror.ports import Rereader, SideBySide, Store
from feedmirror.publishing.formats.format import stamped
from feedmirror.publishing.pages.templates import STYLE, style
from feedmirror.reparse import Reparse, Reparsed
from feedmirror.storage.deployments import deploy_rebuild
from feedmirror.storage.objects import ATTEMPTS
from feedmirror.storage.publisher import Publisher, TaskProgress
from feedmirror.storage.wal import Applied, StateLog, StoredState

_Written = tuple[int, TaskProgress]  # how many pages, and the entries left out of them


class PageWriter:
    """Writes the pages of entries and the archive pages anew, where they say something else."""

    def __init__(
        self,
        publisher: Publisher,
        words: Callable[
            [Iterable[RecordName]], Mapping[str, Revision]
        ],  # by key; those that are there
        side_by_side: SideBySide,
    ) -> None:
        self.renewed = 0  # pages that were written
        self.quarantined: dict[str, str] = {}  # entries that cannot be rendered: guids by key
        self._publisher = publisher
        self._words = words
        self._side_by_side = side_by_side

    def write_archive(self, planned: Sequence[PlannedPage], base: State) -> ArchiveSummary:
        """Write all archive pages; return what the state remembers of them.

        Each page's entries are read when it is its turn. Raises: StoreError, RenderError.
        """
        self._publisher.renew(Document(site_key(STYLE), style(), CSS))
        summary = ArchiveSummary()
        for page_plan, newer in zip_longest(planned, planned[1:]):
            words = self._words(entry.name for entry in page_plan.entries)
            revisions = [in_place(words[t.key], t) for t in page_plan.entries if t.key in words]
            if not revisions:  # since a moment ago
                continue
            summary, page = add_page(summary, revisions, page_plan.name)
            self.write_entries(revisions, predecessors((), (page,), summary), base)
            self._write_page(page, newer.name if newer else None, base)
        return summary

    def renew_superseded(
        self, pages: Iterable[str], entries: Mapping[str, IndexedEntry], base: State
    ) -> None:
        """Write archive pages anew that are no part of the archive any more, since entries have
        left them: where somebody has kept their address they say what holds now.
        """
        for name in pages:
            keys, older, newer = self._publisher.contents_of(name)
            words = self._words(entries[key].name for key in keys if key in entries)
            revisions = tuple(in_place(words[key], entries[key]) for key in keys if key in words)
            if revisions:
                page = ArchivePage(name, older, None, revisions)
                self._renew_archive_page(page, newer, base)

    def _write_page(self, page: ArchivePage, newer: str | None, base: State) -> None:
        """Write a archive page; only once the next one is there does it link to it."""
        there = newer if newer and self._publisher.has_page(newer) else None
        self._renew_archive_page(page, there, base)
        if page.older:
            self._publisher.link_newer(page.older, page.name)

    def write_entries(
        self, revisions: Iterable[Revision], follow: Mapping[str, EntryLink | None], state: State
    ) -> None:
        """Write their pages, several at a time. Raises: StoreError, RenderError."""

        def renew(revision: Revision) -> _Written:
            progress = TaskProgress()
            pages = self._publisher.entry_pages((revision,), follow, state, progress)
            return self._renewed((page for page, _ in pages), progress)

        for written in self._side_by_side(renew, revisions):
            self._note(written)

    def _renew_archive_page(self, page: ArchivePage, newer: str | None, base: State) -> None:
        progress = TaskProgress()
        documents = self._publisher.archive_page(page, newer, base, progress)
        self._note(self._renewed(documents, progress))

    def _renewed(self, documents: Iterable[Document], progress: TaskProgress) -> _Written:
        """Write the documents that say something else than what is there; called in any thread."""
        written = sum(map(self._publisher.renew, documents))
        if progress.error is not None:
            raise progress.error
        return written, progress

    def _note(self, written: _Written) -> None:
        self.renewed += written[0]
        found = written[1].quarantined.items()
        self.quarantined |= {key: one.guid for key, one in found}


_REPORTED = 100  # records, between two reports of how far it is


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
    publisher = Publisher(store, subscription, public_url)
    reparse = Reparse(subscription, store, publisher, rereader, side_by_side) if rereader else None
    stored = _StoredRecords(store, subscription, side_by_side, report)
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
        stored.survey()  # after the state was read: all that it speaks of has been stored by now
        if reparse is not None:
            reparse.renew(stored.index, stored.read)
        pages = PageWriter(publisher, stored.words, side_by_side)
        state = _made_anew(
            old,
            stored,
            subscription,
            pages,
            reparse=reparse,
            now=now,
        )
        state = replace(
            state, deployment=publisher.described(deploy(), state.deployment), renewal=None
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


def address_of(store: Store, slug: str) -> str | None:
    """Return the address that a feed was mirrored from, or None if nothing is stored of the feed.

    Raises: StoreError.
    """
    state, _ = StateLog(store, Subscription(slug, ""), "", Deployment).salvage()
    if state is not None and state.url:
        return state.url
    stored = _StoredRecords(store, Subscription(slug, ""), map, lambda _: None)
    stored.survey(only_one=True)
    return stored.index.url


def _made_anew(
    old: State | None,
    stored: _StoredRecords,
    subscription: Subscription,
    pages: PageWriter,
    *,
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
    documents, generation = stored.documents()
    base = base_state(old, index, subscription.url, generation).as_of(now)
    plan = plan_pages(index, base, subscription.keep, now)
    summary = pages.write_archive(plan.pages, base)
    pages.renew_superseded(stored.superseded(plan), {one.key: one for one in plan.entries}, base)
    held = {(revision.key, revision.digest, revision.number) for revision in base.window}
    wanted = (entry.name for entry in plan.public)
    words = stored.words(name for name in wanted if name not in held)
    state = restore(base, index, plan, words, archive_summary=summary, now=now)
    if reparse is not None and not index.damaged:
        state = _reparsed(state, old, reparse)
    # The oldest first: each links to the one before it.
    oldest_first = reversed(state.window.revisions)
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
    before: str, stored: _StoredRecords, pages: PageWriter, applied: Applied, done: tuple[str, ...]
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


class _StoredRecords:
    """The records and documents of a feed in a store."""

    def __init__(
        self,
        store: Store,
        subscription: Subscription,
        side_by_side: SideBySide,
        report: Callable[[int], None],
    ) -> None:
        self.slug = subscription.slug
        self.index = RecordIndex(subscription.identity)
        self._side_by_side = side_by_side
        self._store = store
        self._report = report

    def survey(self, *, only_one: bool = False) -> None:
        """Read all records that were not read yet, or the first good one. Raises: StoreError."""
        stored = self._store.keys(records_prefix(self.slug))
        named = (records.named(self.slug, key) for key in stored)
        fresh = (name for name in named if name and not self.index.has(name))
        for name, record in self._side_by_side(self.read, fresh):
            self._note(name, record)
            number = self.index.revisions
            if number % _REPORTED == 0:
                self._report(number)
            if only_one and number:
                break

    def words(self, names: Iterable[RecordName]) -> dict[str, Revision]:
        """Load these revisions; return them by the keys of their entries. Raises: StoreError."""
        read = dict(self._side_by_side(self.read, names))
        for name, record in read.items():
            if isinstance(record, str):  # since a moment ago
                self.index.damaged[name] = record
        return {key: r.revision for (key, _, _), r in read.items() if isinstance(r, Record)}

    def documents(self) -> tuple[dict[str, str], int]:
        """Return the ETags of the public documents, by name, and their largest generation."""
        found = {name: self._store.load(document_key(self.slug, name)) for name in FEED_DOCUMENTS}
        there = {name: stored for name, stored in found.items() if stored}
        generation = max((stamped(one.body).generation for one in there.values()), default=0)
        return {name: stored.etag for name, stored in there.items()}, generation

    def superseded(self, plan: Plan) -> Iterator[str]:
        """Yield the names of archive pages that are public and no part of the archive any more."""
        kept = {page.name for page in plan.pages}
        for name in self._store.folders(archive_prefix(self.slug)):
            if name not in kept:
                yield name

    def _note(self, name: RecordName, record: Record | str) -> None:
        if isinstance(record, str):
            self.index.damaged[name] = record
        else:
            self.index.add(record)

    def read(self, name: RecordName) -> tuple[RecordName, Record | str]:
        """Load the record of that name; return the name, with the record or with what is wrong."""
        key = records.key_of(self.slug, *name)
        try:
            stored = self._store.load(key)
        except ObjectError as error:
            return name, str(error)
        if stored is None:
            return name, "it has vanished"
        try:
            return name, records.load(stored.body, self.slug, key)
        except ValueError as error:
            return name, str(error)
