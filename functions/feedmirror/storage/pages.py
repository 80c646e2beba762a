"""Pages of entries and of the archive, written anew where they are public already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest

from feedmirror.layout import CSS, site_key
from feedmirror.mirror.archive import ArchivePage, ArchiveSummary, EntryLink, add_page, predecessors
from feedmirror.mirror.record import RecordName
from feedmirror.mirror.recover import IndexedEntry, PlannedPage, in_place
from feedmirror.mirror.state import State
from feedmirror.model import Document, Revision
from feedmirror.ports import SideBySide
from feedmirror.publishing.pages.templates import STYLE, style
from feedmirror.storage.publisher import Publisher, TaskProgress

_Written = tuple[int, TaskProgress]  # how many pages, and the entries left out of them


class PageWriter:
    """Writes the pages of entries and the archive pages anew, where they are stale."""

    def __init__(
        self,
        publisher: Publisher,
        words: Callable[
            [Iterable[RecordName]], Mapping[str, Revision]
        ],  # by key; those that are there
        side_by_side: SideBySide,
        since: int | None = None,  # as of `Publisher.renew`
    ) -> None:
        self._since = since
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

    def renew_page(self, name: str, entries: Mapping[str, IndexedEntry], base: State) -> None:
        """Write an archive page anew that is no part of the archive any more, since entries have
        left it: where somebody has kept its address it says what holds now.
        """
        contents = self._publisher.contents_of(name)
        revisions = self.revisions_of(contents.keys, entries)
        if revisions:
            page = ArchivePage(name, contents.older, None, revisions)
            self.renew_archive_page(page, contents.newer, base)

    def revisions_of(
        self, keys: Iterable[str], entries: Mapping[str, IndexedEntry]
    ) -> tuple[Revision, ...]:
        """Return the entries of these keys that can be read, in that order."""
        there = tuple(key for key in keys if key in entries)
        words = self._words(entries[key].name for key in there)
        return tuple(in_place(words[key], entries[key]) for key in there if key in words)

    def _write_page(self, page: ArchivePage[Revision], newer: str | None, base: State) -> None:
        """Write a archive page; only once the next one is there does it link to it."""
        there = newer if newer and self._publisher.has_page(newer) else None
        self.renew_archive_page(page, there, base)
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

    def renew_archive_page(
        self, page: ArchivePage[Revision], newer: str | None, base: State
    ) -> None:
        """Write the documents of an archive page. Raises: StoreError, RenderError."""
        progress = TaskProgress()
        documents = self._publisher.archive_page(page, newer, base, progress)
        self._note(self._renewed(documents, progress))

    def _renewed(self, documents: Iterable[Document], progress: TaskProgress) -> _Written:
        """Write the documents that say something else than what is there; called in any thread."""
        written = sum(self._publisher.renew(one, self._since) for one in documents)
        if progress.error is not None:
            raise progress.error
        return written, progress

    def _note(self, written: _Written) -> None:
        self.renewed += written[0]
        found = written[1].quarantined.items()
        self.quarantined |= {key: one.guid for key, one in found}
