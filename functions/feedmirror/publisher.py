"""What a state says, carried into the store: records, pages of entries, sealed pages, documents.

What readers reach first is written last, so every link leads somewhere. All of it may be done
twice, late, or by several at once: a document is replaced only on the ETag it was found with, a
page only by a later generation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import zip_longest
from typing import Protocol

from feedmirror.core import record
from feedmirror.core.disclaimer import attach
from feedmirror.core.formats import Format, Place, formats, stamped, unstamped
from feedmirror.core.formats.html import NAME as PAGE_OF_FEED
from feedmirror.core.pages.entry import Neighbour, stamp_entry
from feedmirror.core.pages.style import STYLE, STYLE_MEDIA_TYPE, style
from feedmirror.core.redaction import public_settings
from feedmirror.core.rendering import entry_page, publication_of, recipe, rendered, stale
from feedmirror.core.seal import Named, Page, predecessors
from feedmirror.core.state import Published, State
from feedmirror.errors import StoreError
from feedmirror.model import Revision, Subscription
from feedmirror.ports import Store
from feedmirror.redaction_key import redaction_key

_ATTEMPTS = 8  # at a write that others keep winning, before giving up until the next refresh
_HTML = "text/html; charset=utf-8"

Unfit = dict[str, str]  # entries that cannot be rendered: guids by key


@dataclass(frozen=True, slots=True)
class Copy:
    """The documents of a state as they stand in the store now."""

    documents: Mapping[str, Published]
    written: tuple[str, ...]  # names of those that were not there yet
    unfit: Unfit


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

    def store_entries(self, state: State) -> None:
        """Store the entries that are pending; those that are there already stay as they are."""
        for revision in state.pending:
            assert state.feed is not None  # noqa: S101 - entries come with the feed they stand in
            notice = attach(revision, self._settings, state.feed).notice_html
            noted = replace(revision, disclaimer=notice)
            key = record.key_of(self.slug, revision.key, revision.digest)
            self._store.create(key, record.dump(self.slug, noted, state.feed))

    # ------------------------------------------------------------ pages

    def publish_pages(self, state: State) -> Unfit:
        """Write the pages of the entries that are pending, and the sealed pages that are; the
        entries that could not be rendered.
        """
        if state.feed is None:
            return {}
        # A mirror that has documents and no pages is from before there were any.
        whole = bool(state.documents.keys() - {STYLE}) and PAGE_OF_FEED not in state.documents
        entries = state.window if whole else state.pending
        write = partial(self._write, is_due=lambda found: stamped(found) < state.generation)
        follow = predecessors(state.window, state.sealing, state.sealed)
        if STYLE not in state.documents:
            self.publish_style()
        unfit = self.write_entries(entries, follow, state, write)
        return unfit | self.write_sealed(state.sealing, state, write)

    def publish_style(self) -> None:
        """Have the style sheet there that this program's pages are made for."""
        self._store.create(f"public/{STYLE}", style(), STYLE_MEDIA_TYPE)

    def write_entries(
        self,
        revisions: Iterable[Revision],
        follow: Mapping[str, Named | None],
        state: State,
        write: Write,
    ) -> Unfit:
        """Write the page of each entry; those that cannot be shown on it."""
        unfit: Unfit = {}
        publication = publication_of(state, self._settings, self._address)
        for revision in revisions:
            named = follow.get(revision.key)
            previous = Neighbour(named.key, named.title) if named else None
            of_entry = replace(publication, changed_at=revision.observed_at)
            document, is_whole = entry_page(revision, of_entry, previous)
            if not is_whole:
                unfit[revision.key] = revision.guid
            body = stamp_entry(document, state.generation).encode()
            key = f"public/{self.slug}/entries/{revision.key}.html"
            write(key, body, _HTML, is_new=revision.observed_at == revision.first_seen)
        return unfit

    def write_sealed(self, pages: tuple[Page, ...], state: State, write: Write) -> Unfit:
        """Write the sealed pages, and have the one before them link there.

        The newest first: to an older one, that a lost state had sealed, readers may come already.
        """
        unfit: Unfit = {}
        for page, newer in reversed(tuple(zip_longest(pages, pages[1:]))):
            unfit |= self.write_page(page, newer.name if newer else None, state, write)
        if pages and pages[0].older:
            self.link_newer(pages[0].older, pages[0].older_has, pages[0].name)
        return unfit

    def write_page(self, page: Page, newer: str | None, state: State, write: Write) -> Unfit:
        """Write the documents of a sealed page; the entries that are in one of them missing."""
        unfit: Unfit = {}
        place = Place(page.name, page.older, newer, page.older_has)
        publication = publication_of(state, self._settings, self._address, page.revisions, place)
        for one in rendered(formats(), publication):
            unfit |= {revision.key: revision.guid for revision in one.unfit}
            body = one.made.stamp(one.document, state.generation).encode()
            write(self._sealed(page.name, one.made), body, one.made.media_type, is_new=True)
        return unfit

    def _sealed(self, page: str, made: Format) -> str:
        return f"public/{self.slug}/archive/{page}/{made.name}"

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

    def link_newer(self, page: str, names: Iterable[str], newer: str) -> None:
        """Have the documents of a sealed page link to those of the next one."""
        for made in formats():
            if made.link_newer and made.name in names:
                address = f"{self._address}/archive/{newer}/{made.name}"
                self._amend(self._sealed(page, made), made, address, made.link_newer)

    def _amend(self, key: str, made: Format, address: str, link: Callable[[str, str], str]) -> None:
        for _ in range(_ATTEMPTS):
            found = self._store.load(key)
            if found is None:
                return
            linked = link(found.body.decode(), address).encode()
            if linked == found.body:
                return
            if self._store.replace(key, linked, found.etag, made.media_type) is not None:
                return
        raise _contended(key)

    # ------------------------------------------------------------ documents

    def publish_documents(self, state: State, in_force: Callable[[], bool]) -> Copy | None:
        """The documents, after those that were stale have been written; None if this run has been
        overtaken, which `in_force` tells.
        """
        documents = dict(self._kept(state))
        written: list[str] = []
        unfit: Unfit = {}
        chosen = self.stale(state)
        if chosen:
            publication = publication_of(state, self._settings, self._address, state.window)
            for one in rendered(chosen, publication):
                unfit |= {revision.key: revision.guid for revision in one.unfit}
                known = state.documents.get(one.made.name)
                digest = sha256(one.document.encode()).hexdigest()[:32]
                etag = known.etag if known else None
                if known is None or known.digest != digest or not self._is_there(one.made, known):
                    body = one.made.stamp(one.document, state.generation).encode()
                    etag = self._replace(one.made, body, etag, in_force)
                    written.append(one.made.name)
                if etag is None:
                    return None
                by = recipe(one.made, state, self._settings, self._address)
                documents[one.made.name] = Published(etag, digest, by)
        return Copy(documents, tuple(written), unfit)

    def _is_there(self, made: Format, known: Published) -> bool:
        """True if the document is the one that is remembered: a run that died may have written
        another one, from other settings.
        """
        found = self._store.load(f"public/{self.slug}/{made.name}")
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
        key = f"public/{self.slug}/{made.name}"
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
        keys = (f"public/{self.slug}/{made.name}" for made in formats())
        found = (self._store.load(key) for key in keys)
        return max((stamped(one.body) for one in found if one), default=0)


def _contended(key: str) -> StoreError:
    return StoreError(f"{key} is written by others all the time; the next refresh goes on")
