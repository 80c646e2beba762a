"""The pages of entries and the sealed pages of a feed, made anew from its stored entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import zip_longest

from feedmirror.core.archive import Trace
from feedmirror.core.formats import formats
from feedmirror.core.pages.style import STYLE, STYLE_MEDIA_TYPE, style
from feedmirror.core.record import Name
from feedmirror.core.restore import Leaf, in_place
from feedmirror.core.seal import Named, Page, Sealed, predecessors, turned
from feedmirror.core.state import State
from feedmirror.model import Revision
from feedmirror.ports import SideBySide
from feedmirror.publisher import Progress, Publisher, Write

_Written = tuple[int, Progress]  # how many pages, and the entries left out of them


class Binder:
    """Writes the pages of entries and the sealed pages anew, where they say something else."""

    def __init__(
        self,
        publisher: Publisher,
        words: Callable[[Iterable[Name]], Mapping[str, Revision]],  # by key; those that are there
        side_by_side: SideBySide,
    ) -> None:
        self.renewed = 0  # pages that were written
        self.quarantined: dict[str, str] = {}  # entries that cannot be rendered: guids by key
        self._publisher = publisher
        self._words = words
        self._side_by_side = side_by_side

    def seal(self, leaves: Sequence[Leaf], base: State) -> Sealed:
        """What is to be remembered of the sealed pages, after all of them have been written.

        Each page's entries are read when it is its turn. Raises: StoreError, RenderError.
        """
        self._publisher.renew(f"public/{STYLE}", style(), STYLE_MEDIA_TYPE)
        sealed = Sealed()
        for leaf, newer in zip_longest(leaves, leaves[1:]):
            words = self._words(trace.name for trace in leaf.traces)
            revisions = [in_place(words[t.key], t) for t in leaf.traces if t.key in words]
            if not revisions:  # since a moment ago
                continue
            sealed, page = turned(sealed, revisions, leaf.name)
            self.write_entries(revisions, predecessors((), (page,), sealed), base)
            self._write_page(page, newer.name if newer else None, base)
        return sealed

    def renew_superseded(
        self, pages: Iterable[str], traces: Mapping[str, Trace], base: State
    ) -> None:
        """Write archive pages anew that are no part of the archive any more, since entries have
        left them: where somebody has kept their address they say what holds now.
        """
        for name in pages:
            keys, older, newer = self._publisher.contents_of(name)
            words = self._words(traces[key].name for key in keys if key in traces)
            revisions = tuple(in_place(words[key], traces[key]) for key in keys if key in words)
            if revisions:
                older_has = tuple(made.name for made in formats()) if older else ()
                page = Page(name, older, older_has, None, revisions)
                self._note(self._counted(partial(self._publisher.write_page, page, newer, base)))

    def _write_page(self, page: Page, newer: str | None, base: State) -> None:
        """Write a sealed page; only once the next one is there does it link to it."""
        there = newer if newer and self._publisher.has_page(newer) else None
        self._note(self._counted(partial(self._publisher.write_page, page, there, base)))
        if page.older:
            self._publisher.link_newer(page.older, page.older_has, page.name)

    def write_entries(
        self, revisions: Iterable[Revision], follow: Mapping[str, Named | None], state: State
    ) -> None:
        """Write their pages, several at a time. Raises: StoreError, RenderError."""

        def one(revision: Revision) -> _Written:
            work = partial(self._publisher.write_entries, (revision,), follow, state)
            return self._counted(work)

        for written in self._side_by_side(one, revisions):
            self._note(written)

    def _counted(self, work: Callable[[Write, Progress], None]) -> _Written:
        """What is written by that, in whatever thread this is."""
        written: list[bool] = []

        def write(key: str, body: bytes, media_type: str, *, is_new: bool) -> bool:  # noqa: ARG001 - most are there
            written.append(self._publisher.renew(key, body, media_type))
            return written[-1]

        progress = Progress()
        work(write, progress)
        if progress.error is not None:
            raise progress.error
        return sum(written), progress

    def _note(self, written: _Written) -> None:
        self.renewed += written[0]
        found = written[1].quarantined.items()
        self.quarantined |= {key: one.guid for key, one in found}
