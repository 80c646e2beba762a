"""What a state says, carried into the store: records, pages of entries, sealed pages, documents.

What readers reach first is written last, so every link leads somewhere. All of it may be done
twice, late, or by several at once: a document is replaced only on the ETag it was found with, a
page only by a later generation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from itertools import zip_longest
from typing import Protocol

from feedmirror.errors import StoreError, contained
from feedmirror.layout import (
    ATOM_XML,
    CSS,
    FEED_JSON,
    HTML,
    document_key,
    entry_key,
    site_key,
)
from feedmirror.mirror import record
from feedmirror.mirror.archive import Named, Page, predecessors
from feedmirror.mirror.state import Published, Quarantine, State
from feedmirror.model import Feed, Revision, Subscription
from feedmirror.ports import Store
from feedmirror.publishing.disclaimer import Disclaimed, attach
from feedmirror.publishing.formats import formats
from feedmirror.publishing.formats.format import Format, stamp, stamped, unstamped
from feedmirror.publishing.formats.json_feed import keys_in
from feedmirror.publishing.pages.entry import Neighbour
from feedmirror.publishing.pages.style import STYLE, style
from feedmirror.publishing.redaction import public_settings
from feedmirror.publishing.render import (
    ENTRY_PAGE,
    Rendered,
    attached,
    entry_page,
    program,
    publication_of,
    quarantine,
    render_key,
    rendered,
    stale,
)
from feedmirror.storage.redaction_key import redaction_key

_ATTEMPTS = 8  # at a write that others keep winning, before giving up until the next refresh
# Where an archive page in Atom links to. Source: RFC 5005 §4.
_OLDER, _NEWER = (
    re.compile(rb"<link rel=\"%b-archive\"[^<>]*?/archive/([0-9a-f-]+)/" % each)
    for each in (b"prev", b"next")
)


@dataclass(slots=True)
class Progress:
    """What has been carried out of a state, and what could not be."""

    pending: list[Revision] = field(default_factory=list)  # without their record or their page
    sealing: list[Page] = field(default_factory=list)  # archive pages that are not written
    documents: dict[str, Published] = field(default_factory=dict)  # as they stand in the store
    written: list[str] = field(default_factory=list)  # names of those that were not there yet
    quarantined: dict[str, Quarantine] = field(default_factory=dict)  # by key
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)  # elements, by guid
    error: Exception | None = None  # the first that is no single entry's fault

    def failed(self, error: Exception) -> None:
        """Take note of an error; raise it if it is the store's, since all else would fail, too."""
        if isinstance(error, StoreError):
            raise error
        self.error = self.error or error

    def quarantine(self, found: Mapping[str, Quarantine]) -> None:
        """Take note of entries that are left out of a document."""
        for key, one in found.items():
            known = self.quarantined.get(key)
            documents = {*(known.documents if known else ()), *one.documents}
            self.quarantined[key] = replace(one, documents=tuple(sorted(documents)))


class Write(Protocol):
    """How a page comes into the store."""

    def __call__(self, key: str, body: bytes, media_type: str, *, is_new: bool) -> bool:
        """Whether it was written. `is_new`: nobody is expected to have done that before."""
        ...


class Publisher:
    """One feed's public folder in a store, and the records behind it."""

    def __init__(self, store: Store, subscription: Subscription, public_url: str) -> None:
        self.slug = subscription.slug
        self._store = store
        self._settings = public_settings(subscription, partial(redaction_key, store))
        self._address = f"{public_url.rstrip('/')}/{self.slug}"

    def stale(self, state: State) -> tuple[Format, ...]:
        """The formats whose documents are not what they should be."""
        return stale(state, self._settings, self._address)

    def store_entries(self, state: State, progress: Progress) -> None:
        """Store the entries that are pending; those that are there already stay as they are."""
        for revision in state.pending:
            made = contained(partial(self._record, revision, state.feed))
            if isinstance(made, Exception):
                progress.failed(made)
                progress.pending.append(revision)
                continue
            self._store_record(revision, made)

    def store_reading(self, revision: Revision, source: Feed | None) -> int:
        """Store a revision as it was read again, under the disclaimer that it was first published
        under; return the number of the record. Raises: StoreError.
        """
        return self._store_record(revision, record.dump(self.slug, revision, source))

    def _store_record(self, revision: Revision, body: bytes) -> int:
        """Store a record under the first number that is free, if no run has done that already;
        return the number.
        """
        for number in range(min(revision.number, record.LAST), record.LAST + 1):
            key = record.key_of(self.slug, revision.key, revision.digest, number)
            if self._store.create(key, body) is not None:
                return number
            found = self._store.load(key)
            if found is not None and self._is_stored(found.body, key, revision):
                return number
        for _ in range(_ATTEMPTS):
            if found is None or self._is_stored(found.body, key, revision, or_later=True):
                return number
            if self._store.replace(key, body, found.etag) is not None:
                return number
            found = self._store.load(key)
        raise _contended(key)

    def _is_stored(
        self, body: bytes, key: str, revision: Revision, *, or_later: bool = False
    ) -> bool:
        try:
            found = record.load(body, self.slug, key)
        except ValueError:  # damaged: it stays as it is
            return False
        is_later = or_later and found.revision.observed_at > revision.observed_at
        return is_later or record.is_same_reading(found, revision)

    def _record(self, revision: Revision, feed: Feed | None) -> bytes:
        assert feed is not None  # noqa: S101 - entries come with the feed they stand in
        disclaimed = contained(partial(attach, revision, self._settings, feed))
        if not isinstance(disclaimed, Exception):  # the words are stored, fit to be shown or not
            revision = replace(revision, disclaimer=disclaimed.notice_html)
        return record.dump(self.slug, revision, feed)

    # ------------------------------------------------------------ pages

    def publish_pages(self, state: State, progress: Progress) -> None:
        """Write the pages of the entries that are pending, and the archive pages that are."""
        if state.feed is None:
            return
        write = partial(self._write, is_due=lambda found: stamped(found) < state.generation)
        follow = predecessors(state.window, state.sealing, state.sealed)
        if STYLE not in state.documents:
            self.publish_style()
        self.write_entries(self._with_new_pages(state), follow, state, write, progress)
        self.write_sealed(state.sealing, state, write, progress)

    @staticmethod
    def _with_new_pages(state: State) -> Iterable[Revision]:
        """The entries whose pages are to be written, each once, as it was read last."""
        latest = {revision.key: revision for revision in state.pending}
        again = {
            key
            for key, one in state.quarantined.items()
            if ENTRY_PAGE in one.documents and one.program != program()
        }
        if again:
            latest = {one.key: one for one in state.window if one.key in again} | latest
        return latest.values()

    def publish_style(self) -> None:
        """Have the style sheet there that this program's pages are made for."""
        self._store.create(site_key(STYLE), style(), CSS)

    def write_entries(
        self,
        revisions: Iterable[Revision],
        follow: Mapping[str, Named | None],
        state: State,
        write: Write,
        progress: Progress,
    ) -> None:
        """Write the page of each entry."""
        publication = publication_of(state, self._settings, self._address)
        for revision in revisions:
            named = follow.get(revision.key)
            previous = Neighbour(named.key, named.title) if named else None
            of_entry = replace(publication, changed_at=revision.observed_at)
            made = contained(partial(entry_page, revision, of_entry, previous))
            if isinstance(made, Exception):
                progress.failed(made)
                progress.pending.append(revision)
                continue
            document, error = made
            if error is not None:
                progress.quarantine({revision.key: quarantine(revision, error, ENTRY_PAGE)})
            body = stamp(document, state.generation)
            key = entry_key(self.slug, revision.key)
            write(key, body, HTML, is_new=revision.observed_at == revision.first_seen)

    def write_sealed(
        self, pages: Sequence[Page], state: State, write: Write, progress: Progress
    ) -> None:
        """Write the archive pages, and have the one before them link there.

        The newest first: to an older one, that a lost state had sealed, readers may come already.
        From the oldest page that fails on, all are written again: each links to the next.
        """
        for index, (page, newer) in reversed(tuple(enumerate(zip_longest(pages, pages[1:])))):
            work = partial(self.write_page, page, newer.name if newer else None, state, write)
            error = contained(partial(work, progress))
            if isinstance(error, Exception):
                progress.failed(error)
                progress.sealing = list(pages[index:])
        if pages and pages[0].older:
            self.link_newer(pages[0].older, pages[0].name)

    def write_page(
        self, page: Page, newer: str | None, state: State, write: Write, progress: Progress
    ) -> None:
        """Write the documents of an archive page. Raises: as `rendered`."""
        publication = publication_of(state, self._settings, self._address, page, newer)
        entries = attached(page.revisions, self._settings, publication.feed)
        for made in formats():
            one = rendered(
                made, publication, page.revisions, entries, quarantined={}, replaces=False
            )
            progress.quarantine(one.quarantined)
            body = stamp(one.document, state.generation)
            write(self._sealed(page.name, made), body, made.media_type, is_new=True)

    def _sealed(self, page: str, made: Format) -> str:
        return document_key(self.slug, made.name, page)

    def renew(self, key: str, body: bytes, media_type: str) -> bool:
        """Whether a page was written: not if the one that is there says the same, or if a later
        generation wrote it.
        """

        def is_due(found: bytes) -> bool:
            return stamped(found) <= stamped(body) and unstamped(found) != unstamped(body)

        return self._write(key, body, media_type, is_new=False, is_due=is_due)

    def _write(
        self,
        key: str,
        body: bytes,
        media_type: str,
        *,
        is_new: bool,
        is_due: Callable[[bytes], bool],
    ) -> bool:
        """Whether a page was written: where there is none, or one that is due to be replaced."""
        found = None if is_new else self._store.load(key)
        for _ in range(_ATTEMPTS):
            if found is None:
                done = self._store.create(key, body, media_type)
            elif not is_due(found.body):
                return False
            else:
                done = self._store.replace(key, body, found.etag, media_type)
            if done is not None:
                return True
            found = self._store.load(key)
        raise _contended(key)

    def has_page(self, page: str) -> bool:
        """Whether a sealed page is there, with all that the present formats make of it."""
        return self._store.load(self._sealed(page, formats()[-1])) is not None

    def contents_of(self, page: str) -> tuple[tuple[str, ...], str | None, str | None]:
        """Return the keys of the entries of an archive page, newest first, and the names of the
        pages that it links to: the older and the newer one.
        """
        found = self._store.load(document_key(self.slug, FEED_JSON, page))
        other = self._store.load(document_key(self.slug, ATOM_XML, page))
        body = other.body if other else b""
        older, newer = (
            linked[1].decode() if (linked := pattern.search(body)) else None
            for pattern in (_OLDER, _NEWER)
        )
        return keys_in(found.body) if found else (), older, newer

    def link_newer(self, page: str, newer: str) -> None:
        """Have the documents of a sealed page link to those of the next one."""
        for made in formats():
            if made.link_newer:
                address = f"{self._address}/archive/{newer}/{made.name}"
                self._amend(self._sealed(page, made), made, address, made.link_newer)

    def _amend(
        self, key: str, made: Format, address: str, link: Callable[[bytes, str], bytes]
    ) -> None:
        for _ in range(_ATTEMPTS):
            found = self._store.load(key)
            if found is None:
                return
            linked = link(found.body, address)
            if linked == found.body:
                return
            if self._store.replace(key, linked, found.etag, made.media_type) is not None:
                return
        raise _contended(key)

    # ------------------------------------------------------------ documents

    def publish_documents(
        self, state: State, in_force: Callable[[], bool], progress: Progress
    ) -> bool:
        """Write the documents that are stale; False if this run has been overtaken, which
        `in_force` tells.
        """
        progress.documents = dict(self._kept(state))
        chosen = self._to_publish(state, progress)
        self._keep_quarantine(state, chosen, progress)
        if not chosen or state.feed is None:
            return True
        publication = publication_of(state, self._settings, self._address)
        revisions = state.window.revisions
        entries = attached(revisions, self._settings, state.feed)
        shown = (entry for entry in entries.values() if isinstance(entry, Disclaimed))
        progress.left_out = {e.revision.guid: e.left_out for e in shown if e.left_out}
        for made in chosen:
            work = partial(rendered, made, publication, revisions, entries)
            replaces = made.name in state.documents
            one = contained(partial(work, quarantined=state.quarantined, replaces=replaces))
            if isinstance(one, Exception):
                progress.failed(one)
            elif not self._publish(made, one, state, in_force, progress):
                return False
        return True

    def _to_publish(self, state: State, progress: Progress) -> tuple[Format, ...]:
        """The formats that are stale, but for those that would lead nowhere: all while entries that
        left the window are in no archive page, the page of the feed while entries lack theirs.
        """
        if progress.sealing:
            return ()
        return tuple(m for m in self.stale(state) if m.is_feed or progress.error is None)

    def _keep_quarantine(self, state: State, chosen: Sequence[Format], progress: Progress) -> None:
        """Keep what is known of documents that are not rendered now, and of items not read."""
        there = {revision.key for revision in (*state.window, *state.pending)}
        again = {made.name for made in chosen}
        for key, one in state.quarantined.items():
            documents = tuple(name for name in one.documents if name not in again)
            if not one.documents:
                progress.quarantined[key] = one
            elif documents and key in there and one.program == program():
                progress.quarantine({key: replace(one, documents=documents)})

    def _publish(
        self,
        made: Format,
        one: Rendered,
        state: State,
        in_force: Callable[[], bool],
        progress: Progress,
    ) -> bool:
        """Write a document unless it says what it said; False if this run has been overtaken."""
        progress.quarantine(one.quarantined)
        known = state.documents.get(made.name)
        digest = sha256(one.document).hexdigest()[:32]
        etag = known.etag if known else None
        if known is None or known.digest != digest or not self._is_there(made, known):
            body = stamp(one.document, state.generation)
            etag = self._replace(made, body, etag, in_force)
            if etag is None:
                return False
            progress.written.append(made.name)
        assert etag is not None  # noqa: S101 - it is known or was written just now
        now = replace(state, quarantined=progress.quarantined)
        by = render_key(made, now, self._settings, self._address)
        progress.documents[made.name] = Published(etag, digest, by)
        return True

    def _is_there(self, made: Format, known: Published) -> bool:
        """True if the document is the one that is remembered: a run that died may have written
        another one, from other settings.
        """
        found = self._store.load(document_key(self.slug, made.name))
        return found is not None and found.etag == known.etag

    def _kept(self, state: State) -> Iterator[tuple[str, Published]]:
        """What is remembered of documents that there are still, and that there is the style."""
        names = {made.name for made in formats()}
        yield from ((name, known) for name, known in state.documents.items() if name in names)
        if state.feed is not None:
            yield STYLE, Published("", "", "")

    def _replace(
        self, made: Format, body: bytes, etag: str | None, in_force: Callable[[], bool]
    ) -> str | None:
        """The ETag of the document after it was written, or None if this run has been overtaken.

        A write that is refused may have been our own, its answer lost; or another run's. Whoever
        finds that its generation is still the one in force goes by what is really there.
        """
        key = document_key(self.slug, made.name)
        for _ in range(_ATTEMPTS):
            if etag is None:
                written = self._store.create(key, body, made.media_type)
            else:
                written = self._store.replace(key, body, etag, made.media_type)
            if written is not None:
                return written
            found = self._store.load(key)
            if found is not None and found.body == body:
                return found.etag
            if not in_force():
                return None
            etag = found.etag if found else None
        raise _contended(key)

    def newest_generation(self) -> int:
        """The largest in any document that is public: for a feed whose state was lost."""
        keys = (document_key(self.slug, made.name) for made in formats())
        found = (self._store.load(key) for key in keys)
        return max((stamped(one.body) for one in found if one), default=0)


def _contended(key: str) -> StoreError:
    return StoreError(f"{key} is written by others all the time; the next refresh goes on")
