"""Writer of what a state commits to: records, pages of entries, archive pages, documents.

What readers reach first is written last, so every link leads somewhere. All of it may be done
twice, late, or by several at once: a document is replaced only on the ETag it was found with, a
page only by a later generation.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from hashlib import sha256
from itertools import zip_longest

from msgspec import Struct, field
from msgspec.structs import replace

from feedmirror.errors import RenderError, StoreError, contained
from feedmirror.layout import (
    ATOM_XML,
    CSS,
    FEED_DOCUMENTS,
    FEED_JSON,
    HTML,
    RECORD_TYPE,
    document_key,
    entry_key,
    site_key,
)
from feedmirror.mirror import record
from feedmirror.mirror.archive import ArchivePage, EntryLink, predecessors
from feedmirror.mirror.deployment import Deployment, in_force
from feedmirror.mirror.state import Fragments, Published, Quarantine, State
from feedmirror.mirror.window import Row, mark_of
from feedmirror.model import PARSER_VERSION, Document, Feed, Revision, Subscription
from feedmirror.ports import SideBySide, Store, Stored
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.formats import formats
from feedmirror.publishing.formats.format import Format, Rendering, Stamp, stamp, stamped, unstamped
from feedmirror.publishing.formats.json_feed import identifiers_in, keys_in, revisions_in
from feedmirror.publishing.pages.entry import Neighbour
from feedmirror.publishing.pages.templates import STYLE, style
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.redaction import PublicSettings, public_settings
from feedmirror.publishing.render import (
    ENTRY_PAGE,
    Rendered,
    attached,
    entry_page,
    fragment_key,
    program,
    publication_of,
    render_key,
    render_key_of,
    rendered,
    shows,
    spliced,
    stale,
    version,
)
from feedmirror.storage.objects import put, update
from feedmirror.storage.redaction_key import redaction_key
from feedmirror.storage.words import Words

# Where an archive page in Atom links to. Source: RFC 5005 §4.
_OLDER, _NEWER = (
    re.compile(rb"<link rel=\"%b-archive\"[^<>]*?/archive/([0-9a-f-]+)/" % each)
    for each in (b"prev", b"next")
)


ARCHIVE = "archive"  # in place of a document's name in a `Quarantine`
# Bytes: a larger document is rendered whole, entry by entry, lest it is in memory twice.
_LARGEST_SPLICED = 8_000_000


class TaskProgress(Struct):
    """Tasks of a state that are done, and what failed."""

    entries: list[Revision] = field(default_factory=list)  # without their record or their page
    # Archive pages that are not written.
    pages: list[ArchivePage[Row]] = field(default_factory=list)
    documents: dict[str, Published] = field(default_factory=dict)  # as they are in the store
    fragments: Fragments = field(default_factory=Fragments)  # where entries stand in these
    written: list[str] = field(default_factory=list)  # names of the documents written just now
    quarantined: dict[str, Quarantine] = field(default_factory=dict)  # by key
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)  # elements, by guid
    error: Exception | None = None  # the first that is no single entry's fault
    # Entries of the window, by key, where documents are rendered whole; or why there are no words.
    listed: dict[str, Revision | str] = field(default_factory=dict)
    # Entries with their disclaimers, by key, so that none gets it twice in a refresh.
    disclaimed: dict[str, tuple[Revision, Feed, Disclaimed | Exception]] = field(
        default_factory=dict
    )

    def failed(self, error: Exception) -> None:
        """Note an error; raise an error of the store, since all other work would fail too."""
        if isinstance(error, StoreError):
            raise error
        self.error = self.error or error

    def quarantine(self, found: Mapping[str, Quarantine]) -> None:
        """Note entries that are left out of a document."""
        for key, one in found.items():
            known = self.quarantined.get(key)
            documents = {*(known.documents if known else ()), *one.documents}
            self.quarantined[key] = replace(one, documents=tuple(sorted(documents)))

    def attached(
        self, revision: Revision, settings: PublicSettings, feed: Feed
    ) -> Disclaimed | Exception:
        """Return the entry with its disclaimer, or the error that attaching it raised."""
        shown = replace(revision, entry=replace(revision.entry, original=None, context=None))
        known = self.disclaimed.get(revision.key)
        if known is None or known[:2] != (shown, feed):
            known = shown, feed, attached(shown, settings, feed)
            self.disclaimed[revision.key] = known
        return known[2]


class Contents(Struct, frozen=True):
    """Entries of an archive page, and the names of the pages that it links to."""

    keys: tuple[str, ...]  # of its entries, newest first
    older: str | None
    newer: str | None


class Publisher:
    """One feed's public folder in a store, and the records behind it."""

    def __init__(
        self,
        store: Store,
        subscription: Subscription,
        public_url: str,
        side_by_side: SideBySide = map,
    ) -> None:
        self.slug = subscription.slug
        self._store = store
        self._side_by_side = side_by_side
        self.words = Words(store, subscription.slug, side_by_side)
        self._settings = public_settings(subscription, partial(redaction_key, store))
        self._address = f"{public_url.rstrip('/')}/{self.slug}"

    @cached_property
    def render_key(self) -> str:
        """Return the key in the stamps of the documents."""
        return render_key_of(self._settings, self._address)

    @cached_property
    def page_key(self) -> str:
        """Return the key in the stamps of pages of entries and of the archive."""
        return render_key_of(self._settings.of_pages(), self._address)

    def deployed(self, state: State, deployment: Callable[[], Deployment]) -> Deployment | None:
        """Return the deployment that documents are to be of: the state's own or a newer one; None
        where the state's is newer than `deployment`, which must not render any then.
        """
        if state.feed is None:
            return state.deployment
        return self.in_force(state.deployment, deployment)

    def in_force(
        self, before: Deployment, deployment: Callable[[], Deployment]
    ) -> Deployment | None:
        """Return the deployment of documents that are of `before` now, as `deployed` does."""
        return in_force(before, self.render_key, lambda: self.described(deployment()))

    def described(self, deployment: Deployment) -> Deployment:
        """Return a deployment with all that the program and the settings say of it."""
        return replace(
            deployment,
            version=version(),
            digest=self.render_key,
            page_key=self.page_key,
            parser_version=PARSER_VERSION,
        )

    def stale(self, state: State) -> tuple[Format, ...]:
        """Return the formats whose documents were rendered from something else than `state`."""
        return stale(state, self._settings, self._address)

    # ------------------------------------------------------------ records

    def store_entries(self, state: State, progress: TaskProgress) -> None:
        """Store a record of each pending entry; a record that is there already stays as it is."""

        def store(made: tuple[Revision, bytes]) -> Revision:
            return replace(made[0], number=self._store_record(*made))

        for revision in self._side_by_side(store, self._records(state, progress)):
            self.words.keep(revision)

    def _records(self, state: State, progress: TaskProgress) -> Iterator[tuple[Revision, bytes]]:
        for revision in state.pending_entries:
            made = contained(partial(self._record, revision, state.feed, progress))
            if isinstance(made, Exception):
                progress.failed(made)
                progress.entries.append(revision)
            else:
                yield revision, made

    def store_reading(self, revision: Revision, source: Feed | None) -> int:
        """Store a revision as it was read again, under the disclaimer of its first publication.

        Return the number of the record. Raises: StoreError.
        """
        return self._store_record(revision, record.dump(self.slug, revision, source))

    def _store_record(self, revision: Revision, body: bytes) -> int:
        """Store a record under the first number that is free, unless some run has stored it.

        Return its number.
        """
        for number in range(min(revision.number, record.LAST), record.LAST + 1):
            key = record.key_of(self.slug, revision.key, revision.digest, number)
            if self._store.create(key, body) is not None:
                return number
            found = self._store.load(key)
            if found is not None and self._is_stored(found, key, revision):
                return number

        def over_an_earlier_one(found: Stored | None) -> bytes | None:
            is_later = found is None or self._is_stored(found, key, revision, or_later=True)
            return None if is_later else body

        update(self._store, key, RECORD_TYPE, over_an_earlier_one)
        return number

    def _is_stored(
        self, stored: Stored, key: str, revision: Revision, *, or_later: bool = False
    ) -> bool:
        try:
            found = record.load(stored.body, self.slug, key)
        except ValueError:  # damaged: it stays as it is
            return False
        if found.revision.removal is not None:  # its words are not to be stored again
            return True
        is_later = or_later and found.revision.generation > revision.generation
        return is_later or record.is_same_reading(found, revision)

    def _record(self, revision: Revision, feed: Feed | None, progress: TaskProgress) -> bytes:
        assert feed is not None  # noqa: S101 - entries come with the feed they are listed in
        disclaimed = progress.attached(revision, self._settings, feed)
        if isinstance(disclaimed, Disclaimed):  # an entry is stored though it cannot be shown
            revision = replace(revision, disclaimer=disclaimed.notice_html)
        return record.dump(self.slug, revision, feed)

    # ------------------------------------------------------------ pages

    def publish_pages(self, state: State, progress: TaskProgress) -> None:
        """Write the pages of pending entries, and the archive pages that are pending."""
        if state.feed is None:
            return
        previous = predecessors(state.window, state.pending_pages, state.archive_summary)
        if STYLE not in state.documents:
            self.publish_style()
        revisions = self._with_new_pages(state)
        pages = self.entry_pages(revisions, previous, state, progress)
        write = self._side_by_side(lambda page: self._write_page(page[0], is_new=page[1]), pages)
        deque(write, maxlen=0)
        self._publish_archive(state, progress)

    def _with_new_pages(self, state: State) -> Iterable[Revision]:
        """Return the entries whose pages are to be written, each once, as it was read last."""
        latest = {revision.key: revision for revision in state.pending_entries}
        again = {
            key
            for key, one in state.quarantined.items()
            if ENTRY_PAGE in one.documents and one.program != program()
        }
        if again:
            found = self.words.of(state, (row for row in state.window if row.key in again))
            latest = {key: one for key, one in found.items() if isinstance(one, Revision)} | latest
        return latest.values()

    def publish_style(self) -> None:
        """Create the style sheet that this program's pages are made for."""
        self._store.create(site_key(STYLE), style(), CSS)

    def entry_pages(
        self,
        revisions: Iterable[Revision],
        previous: Mapping[str, EntryLink | None],
        state: State,
        progress: TaskProgress,
    ) -> Iterator[tuple[Document, bool]]:
        """Yield the page of each entry, and True where no page of the entry is expected yet.

        `previous` has the entry before each, by key.
        """
        publication = publication_of(state, self._settings.of_pages(), self._address)
        for revision in revisions:
            named = previous.get(revision.key)
            neighbour = Neighbour(named.key, named.title) if named else None
            of_entry = replace(publication, changed_at=revision.observed_at)
            disclaimed = progress.attached(revision, self._settings, publication.feed)
            page = contained(partial(entry_page, revision, disclaimed, of_entry, neighbour))
            if isinstance(page, Exception):
                progress.failed(page)
                progress.entries.append(revision)
                continue
            progress.quarantine(page.quarantined)
            body = stamp(page.document, Stamp(state.generation, self.page_key))
            document = Document(entry_key(self.slug, revision.key), body, HTML)
            yield document, revision.observed_at == revision.first_seen

    def _publish_archive(self, state: State, progress: TaskProgress) -> None:
        """Write the archive pages that are pending, and link the page before them to the first.

        The newest first: readers may come already to an older one, which a lost state had made.
        From the oldest page that fails on, all are written again: each links to the next.
        """
        pages = state.pending_pages
        for index, (page, newer) in reversed(tuple(enumerate(zip_longest(pages, pages[1:])))):
            name = newer.name if newer else None
            error = contained(partial(self._publish_archive_page, page, name, state, progress))
            if isinstance(error, Exception):
                progress.failed(error)
                progress.pages = list(pages[index:])
        if pages and pages[0].older:
            self.link_newer(pages[0].older, pages[0].name)

    def _publish_archive_page(
        self, page: ArchivePage[Row], newer: str | None, state: State, progress: TaskProgress
    ) -> None:
        found = self.words.of(state, page.entries)
        progress.quarantine(_without_words(found, page.entries, ARCHIVE))
        revisions = [found[row.key] for row in page.entries]
        entries = tuple(one for one in revisions if isinstance(one, Revision))
        if not entries:
            raise RenderError(
                f"no record of the entries of archive page {page.name} can be read: it waits; "
                "put the records back from a backup, or run `feedmirror rebuild`"
            )
        whole = ArchivePage(page.name, page.older, page.follows, entries)
        for document in self.archive_page(whole, newer, state, progress):
            self._write_page(document, is_new=True)

    def archive_page(
        self, page: ArchivePage[Revision], newer: str | None, state: State, progress: TaskProgress
    ) -> Iterator[Document]:
        """Yield the documents of an archive page. `newer` is the name of the page after it, or
        None where there is none to link to yet. Raises: as `rendered`.
        """
        settings = self._settings.of_pages()
        publication = publication_of(state, settings, self._address, page, newer)
        entries = self._attached(page.entries, publication.feed, progress)
        for made in formats():
            one = rendered(made, publication, page.entries, entries, quarantined={}, replaces=False)
            progress.quarantine(one.quarantined)
            body = stamp(one.document, Stamp(state.generation, self.page_key))
            yield Document(document_key(self.slug, made.name, page.name), body, made.media_type)

    def _attached(
        self, revisions: Iterable[Revision], feed: Feed, progress: TaskProgress
    ) -> dict[str, Disclaimed | Exception]:
        """Return the entries with their disclaimers, by key."""
        return {one.key: progress.attached(one, self._settings, feed) for one in revisions}

    def _write_page(self, document: Document, *, is_new: bool) -> None:
        """Write a page, unless one of the same or of a later generation is there."""
        if is_new and put(self._store, document, None) is not None:
            return

        def make(found: Stored | None) -> bytes | None:
            is_due = found is None or _generation(found.body) < _generation(document.body)
            return document.body if is_due else None

        update(self._store, document.key, document.media_type, make)

    def renew(self, document: Document, since: int | None = None) -> bool:
        """Write a page over one that is stale and of no later generation.

        One is stale that says something else; with `since`, one of an earlier generation than that,
        or with another render key. Return True where it was written.
        """

        def is_stale(body: bytes) -> bool:
            if since is None:
                return unstamped(body) != unstamped(document.body)
            return _generation(body) < since or stamped(body).render_key != self.page_key

        def make(found: Stored | None) -> bytes | None:
            is_due = found is None or (
                _generation(found.body) <= _generation(document.body) and is_stale(found.body)
            )
            return document.body if is_due else None

        return update(self._store, document.key, document.media_type, make) is not None

    def has_page(self, page: str) -> bool:
        """Return True if an archive page is there, with all that the present formats make of it."""
        return self._store.load(document_key(self.slug, FEED_DOCUMENTS[-1], page)) is not None

    def contents_of(self, page: str) -> Contents:
        """Return what an archive page lists, and links to, as it is in the store."""
        found = self._store.load(document_key(self.slug, FEED_JSON, page))
        other = self._store.load(document_key(self.slug, ATOM_XML, page))
        body = other.body if other else b""
        older, newer = (
            linked[1].decode() if (linked := pattern.search(body)) else None
            for pattern in (_OLDER, _NEWER)
        )
        return Contents(keys_in(found.body) if found else (), older, newer)

    def listed_in(self, page: str) -> dict[str, str | None]:
        """Return the keys of the entries of an archive page, newest first, each with the digest of
        its revision; None for an entry that was taken down.
        """
        found = self._store.load(document_key(self.slug, FEED_JSON, page))
        return revisions_in(found.body) if found else {}

    def identifiers_of(self, page: str) -> dict[str, tuple[str, ...]]:
        """Return the GUID and link of each entry of an archive page, by key."""
        found = self._store.load(document_key(self.slug, FEED_JSON, page))
        return identifiers_in(found.body) if found else {}

    def links(self, key: str, other: str) -> bool:
        """Return True if the page of an entry links to that of another one."""
        found = self._store.load(entry_key(self.slug, key))
        return found is not None and f'"{other}.html"'.encode() in found.body

    def link_newer(self, page: str, newer: str) -> None:
        """Link the documents of an archive page to those of the next page."""
        for made in formats():
            if made.link_newer:
                address = f"{self._address}/archive/{newer}/{made.name}"
                make = partial(_linked, made.link_newer, address)
                update(self._store, document_key(self.slug, made.name, page), made.media_type, make)

    # ------------------------------------------------------------ documents

    def publish_documents(self, state: State, progress: TaskProgress) -> bool:
        """Write the documents that are stale; return False where a later generation wrote one."""
        progress.documents = dict(self._kept(state))
        progress.fragments = state.fragments
        chosen = self._to_publish(state, progress)
        self._keep_quarantine(state, chosen, progress)
        if not chosen or state.feed is None:
            return True
        publication = publication_of(state, self._settings, self._address)
        marks = tuple(map(mark_of, state.shown))
        if state.fragments.marks != marks:
            progress.fragments = Fragments(marks)
        for made in chosen:
            error = contained(partial(self._publish, made, publication, state, progress))
            if isinstance(error, Exception):
                progress.failed(error)
            elif error is False:
                return False
        shown = (one for _, _, one in progress.disclaimed.values() if isinstance(one, Disclaimed))
        progress.left_out = {e.revision.guid: e.left_out for e in shown if e.left_out}
        return True

    def _to_publish(self, state: State, progress: TaskProgress) -> tuple[Format, ...]:
        """Return the stale formats, but for those that would link to what is not there: all while
        entries that left the window are in no archive page, the feed's page while entries lack
        theirs.
        """
        if progress.pages:
            return ()
        return tuple(m for m in self.stale(state) if m.is_feed or progress.error is None)

    def _keep_quarantine(
        self, state: State, chosen: Sequence[Format], progress: TaskProgress
    ) -> None:
        """Keep what is known of documents that are not rendered now, and of items not read."""
        there = {one.key for one in (*state.window, *state.pending_entries)}
        again = {made.name for made in chosen}
        for key, one in state.quarantined.items():
            documents = tuple(name for name in one.documents if name not in again)
            if not one.documents:
                progress.quarantined[key] = one
            elif documents and key in there and one.program == program():
                progress.quarantine({key: replace(one, documents=documents)})

    def _publish(
        self, made: Format, publication: Publication, state: State, progress: TaskProgress
    ) -> bool:
        """Write a document unless it says what it said; return False as `publish_documents`."""
        known = state.documents.get(made.name)
        before = self._verified_before(made, publication, state)
        one = self._rendered(made, publication, state, before, progress)
        progress.quarantine(one.quarantined)
        digest = sha256(one.document).hexdigest()[:32]
        if known and known.digest == digest:
            before = before or self._stored(made, known)
        if known and before and known.digest == digest:
            etag, stored = before.etag, before.body
        else:
            stored = stamp(one.document, Stamp(state.generation, self.render_key))
            document = Document(document_key(self.slug, made.name), stored, made.media_type)
            written = self._replace(document, known.etag if known else None)
            if written is None:
                return False
            etag = written
            progress.written.append(made.name)
        now = replace(state, quarantined=progress.quarantined)
        by = render_key(made, now, self._settings, self._address)
        progress.documents[made.name] = Published(etag, digest, by, fragment_key(made, publication))
        progress.fragments = _with_fragments_of(made, one, len(stored), progress.fragments)
        return True

    def _rendered(
        self,
        made: Format,
        publication: Publication,
        state: State,
        before: Stored | None,
        progress: TaskProgress,
    ) -> Rendered:
        """Return the document: of its predecessor and the new entries, or else of all entries.

        Raises: as `rendered`.
        """
        if before is not None:
            whole = contained(partial(self._spliced, made, publication, state, before, progress))
            if isinstance(whole, Rendering):
                return Rendered(whole, {})
            if isinstance(whole, StoreError):
                raise whole
        if not progress.listed:
            progress.listed = self.words.of(state, state.shown)
        found = [progress.listed[row.key] for row in state.shown]
        revisions = [one for one in found if isinstance(one, Revision)]
        missing = _without_words(progress.listed, state.shown, made.name)
        if missing and not revisions:
            raise RenderError(next(iter(missing.values())).reason)
        entries = self._attached(revisions, publication.feed, progress)
        quarantined, replaces = state.quarantined, made.name in state.documents
        one = rendered(
            made, publication, revisions, entries, quarantined=quarantined, replaces=replaces
        )
        return replace(one, quarantined={**one.quarantined, **missing})

    def _spliced(
        self,
        made: Format,
        publication: Publication,
        state: State,
        before: Stored,
        progress: TaskProgress,
    ) -> Rendering:
        """Return the document of its predecessor and the new entries.

        Raises: as `spliced`; ValueError where the state has the positions of other entries.
        """
        rows, there = state.shown, state.fragments
        old = Rendering(
            before.body, there.lengths[made.name], made.separator, there.traits[made.name]
        )
        by_mark = dict(zip(there.marks, old.fragments(), strict=True))
        marks = zip(rows, progress.fragments.marks, strict=True)
        known = {one.key: by_mark[mark] for one, mark in marks if mark in by_mark}
        words = self.words.of(state, (row for row in rows if row.key not in known))

        def attach(row: Row) -> Disclaimed | Exception:
            found = words[row.key]
            if isinstance(found, str):
                return RenderError(found)
            return progress.attached(found, self._settings, publication.feed)

        return spliced(made, publication, rows, known, attach)

    def _verified_before(
        self, made: Format, publication: Publication, state: State
    ) -> Stored | None:
        """Return the document as it is in the store if its entries may be taken over from it: none
        is left out, all were rendered from what holds now, and it is byte for byte what was
        verified.
        """
        known, lengths = state.documents.get(made.name), state.fragments.lengths.get(made.name)
        if (
            known is None
            or lengths is None
            or made.name not in state.fragments.traits
            or sum(lengths) > _LARGEST_SPLICED
            or known.fragment_key != fragment_key(made, publication)
            or any(shows(made, one) for one in state.quarantined.values())
        ):
            return None
        return self._stored(made, known)

    def _stored(self, made: Format, known: Published) -> Stored | None:
        """Return the document that is remembered; None if another one is in the store: a run that
        died may have written it, from other settings.
        """
        found = self._store.load(document_key(self.slug, made.name))
        return found if found is not None and found.etag == known.etag else None

    def _kept(self, state: State) -> Iterator[tuple[str, Published]]:
        """Yield what is remembered of documents, and that the style sheet is there."""
        yield from ((n, known) for n, known in state.documents.items() if n in FEED_DOCUMENTS)
        if state.feed is not None:
            yield STYLE, Published("", "", "")

    def _replace(self, document: Document, etag: str | None) -> str | None:
        """Write a document over the one that is remembered, or that is there instead.

        Return its ETag, or None where the one that is there is of a later generation.
        """

        def make(found: Stored | None) -> bytes | None:
            is_later = found is not None and _generation(found.body) > _generation(document.body)
            return None if is_later else document.body

        written = put(self._store, document, etag)
        return written or update(self._store, document.key, document.media_type, make)

    def newest_generation(self) -> int:
        """Return the largest generation of any public document: for a feed without a state."""
        keys = (document_key(self.slug, name) for name in FEED_DOCUMENTS)
        found = (self._store.load(key) for key in keys)
        return max((_generation(one.body) for one in found if one), default=0)


def _with_fragments_of(
    made: Format, one: Rendered, stored_bytes: int, others: Fragments
) -> Fragments:
    """Return `others` with the positions of entries in this document as it is stored, or without
    them where it lacks an entry.
    """
    lengths = {name: each for name, each in others.lengths.items() if name != made.name}
    traits = {name: each for name, each in others.traits.items() if name != made.name}
    if not one.quarantined and one.rendering.lengths:
        head, *entries = one.rendering.lengths
        stamp_bytes = stored_bytes - len(one.document)
        lengths[made.name] = (head + stamp_bytes, *entries)
        traits[made.name] = one.rendering.traits
    return replace(others, lengths=lengths, traits=traits)


def _without_words(
    found: Mapping[str, Revision | str], rows: Iterable[Row], document: str
) -> dict[str, Quarantine]:
    """Return the entries that a document lacks since their records cannot be read, by key.

    They are of no program: each document that is rendered whole looks for them again.
    """
    wrong = ((row, found[row.key]) for row in rows)
    return {
        row.key: Quarantine(row.guid, why, "", (document,))
        for row, why in wrong
        if isinstance(why, str)
    }


def _generation(document: bytes) -> int:
    return stamped(document).generation


def _linked(
    link: Callable[[bytes, str], bytes], address: str, found: Stored | None
) -> bytes | None:
    """Return the document with the link, or None where it has the link or is not there."""
    if found is None:
        return None
    linked = link(found.body, address)
    return None if linked == found.body else linked
