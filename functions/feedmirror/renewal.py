"""Renewal: pages of entries and of the archive that are of an earlier deployment, made anew.

A deployment that takes over from another one renders the documents of a feed at once; its pages,
which may be a million, follow in slices, the newest first: 25 entries of the window, then an
archive page with its entries. The state says where the next slice begins. A slice may be killed,
done twice, or overlap with anything: a page gives way to a later generation only, and one that the
present deployment has written is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.errors import StoreError
from feedmirror.layout import archive_prefix
from feedmirror.mirror import record
from feedmirror.mirror.archive import (
    PAGE_ENTRIES,
    ArchivePage,
    EntryLink,
    page_number,
    predecessors,
)
from feedmirror.mirror.deployment import Renewal
from feedmirror.mirror.recover import with_readings
from feedmirror.mirror.renewal_work import work_left
from feedmirror.mirror.state import State
from feedmirror.mirror.window import Row
from feedmirror.model import Revision, Subscription
from feedmirror.ports import World
from feedmirror.reparse import Reparse
from feedmirror.storage.objects import ATTEMPTS
from feedmirror.storage.pages import PageWriter
from feedmirror.storage.publisher import Publisher
from feedmirror.storage.records import StoredRecords
from feedmirror.storage.wal import Applied, StateLog, StoredState


class Renewed(Struct, frozen=True):
    """Result of a slice."""

    feed: str  # the slug
    position: str | None  # of the next slice, unique within the renewal; None: nothing is left
    written: int = 0  # pages of entries, and documents of archive pages
    left: int = 0  # of these, at most, as far as the state tells
    quarantined: tuple[str, ...] = ()  # guids of entries whose words cannot be rendered
    damaged: tuple[str, ...] = ()  # records that cannot be read, and are left out: a sentence each


def renew_slice(subscription: Subscription, world: World, position: str | None = None) -> Renewed:
    """Renew the next pages of a feed; do nothing where no page is stale, or where another slice
    than the one at `position` is next.

    What an earlier run left undone is done first. Raises: OlderDeploymentError where the pages are
    of a newer deployment than this one; StoreError, RenderError, and whatever keeps that from being
    done.
    """
    for _ in range(ATTEMPTS):
        now = world.clock()
        log = StateLog.of(
            world.store,
            subscription,
            world.public_url,
            world.deployment,
            now=now,
            side_by_side=world.side_by_side,
        )
        held = log.load(now)
        applied = _applied(log, held, now)
        if applied.error is not None:
            raise applied.error
        state = applied.held.state
        log.refuse_older(state)
        if state.renewal is None or position not in {None, state.renewal.position}:
            return Renewed(subscription.slug, None)
        renewing = _Slice(log.publisher, subscription, world, state)
        left = renewing.renewed(state.renewal)
        committed = log.commit(applied.held, replace(renewing.reread, renewal=left))
        if committed is not None:
            if renewing.reread is not state:  # else no document is stale
                _applied(log, committed, now)
            return Renewed(
                subscription.slug,
                left.position if left else None,
                renewing.pages.renewed,
                work_left(committed.state).pages,
                tuple(renewing.pages.quarantined.values()),
                renewing.damaged,
            )
    raise StoreError(
        f"the state of {subscription.slug} is written by others all the time; the next run goes on"
    )


def _applied(log: StateLog, held: StoredState, now: datetime) -> Applied:
    """Do what is pending; documents of a first mirror that was not finished wait for the rest."""
    return log.apply(held, now) if held.state.complete else log.apply_entries(held, now)


class _Slice:
    """One slice of a renewal."""

    def __init__(
        self, publisher: Publisher, subscription: Subscription, world: World, state: State
    ) -> None:
        assert state.renewal is not None  # noqa: S101 - as `renew_slice` has seen
        self.reread = state  # with the entries of the window as they were read again
        self._unread: list[str] = []  # what is wrong with records of the window
        self._publisher = publisher
        self._state = state
        self._store = world.store
        self._reparse = (
            Reparse(subscription, world.store, publisher, world.parser, world.side_by_side)
            if state.renewal.rereads
            else None
        )
        self._records = StoredRecords(world.store, subscription, world.side_by_side)
        self.pages = PageWriter(
            publisher, self._records.words, world.side_by_side, state.renewal.generation
        )

    @property
    def damaged(self) -> tuple[str, ...]:
        """Return what is wrong with records that cannot be read, and with entries that the parser
        could not read again.
        """
        found = self._records.index.damaged.items()
        slug = self._publisher.slug
        unread = self._reparse.done.failed if self._reparse else ()
        told = (f"{record.key_of(slug, *name)}: {why}" for name, why in found)
        return tuple(dict.fromkeys((*told, *self._unread, *unread)))

    def renewed(self, renewal: Renewal) -> Renewal | None:
        """Write the pages of the slice; return what is left after it."""
        if renewal.below is not None:
            return self._window(renewal, renewal.below)
        if renewal.superseded:
            return self._superseded(renewal)
        name = renewal.page or self._state.archive_summary.last
        if name is None:
            return self._next_superseded(renewal)
        older = self._archive_page(name, renewal.newer)
        if older is not None:
            return replace(renewal, page=older, newer=name)
        return self._next_superseded(replace(renewal, page=None, newer=None))

    def _window(self, renewal: Renewal, below: int) -> Renewal:
        """Write the pages of the newest entries of the window that are left."""
        left = [row for row in self._state.window if row.seq < below]
        slice_ = left[:PAGE_ENTRIES]
        if self._reparse:
            self._survey(row.key for row in slice_)
            self._read_again(slice_)
        keys = {row.key for row in slice_}
        window = self.reread.window
        follow = predecessors(window, (), self._state.archive_summary)
        found = self._publisher.words.of(self.reread, (row for row in window if row.key in keys))
        self._unread += (one for one in found.values() if isinstance(one, str))
        revisions = (one for one in found.values() if isinstance(one, Revision))
        self.pages.write_entries(revisions, follow, self._state)
        return replace(renewal, below=slice_[-1].seq if len(left) > len(slice_) else None)

    def _survey(self, keys: Iterable[str]) -> None:
        """Read the records of these entries, and the entries again where an older parser has."""
        self._records.survey(of=[f"{key}/" for key in keys])
        if self._reparse:
            self._reparse.renew(self._records.index, self._records.read, only_older=True)

    def _read_again(self, rows: Sequence[Row]) -> None:
        """Have `reread` be the state with entries of the window as they were read again."""
        index = self._records.index.entries
        changed = {
            one.key: index[one.key]
            for one in rows
            if one.key in index
            and index[one.key].generation == one.generation
            and index[one.key].name != (one.key, one.digest, one.number)
        }
        again = {one.key: one for one in self.pages.revisions_of(changed, index)}
        if again:
            for one in again.values():
                self._publisher.words.keep(one)
            self.reread = with_readings(self._state, again, changed)

    def _archive_page(self, name: str, newer: str | None) -> str | None:
        """Write an archive page, and the pages of its entries; return the name of the older one."""
        contents = self._publisher.contents_of(name)
        older = contents.older or self._older_than(name)
        before = self._publisher.contents_of(older).keys[:1] if older else ()
        keys = (*contents.keys, *before)
        self._survey(keys)
        revisions = self.pages.revisions_of(keys, self._records.index.entries)
        follows = None
        if before and revisions and revisions[-1].key == before[0]:
            *rest, last = revisions
            revisions, follows = tuple(rest), EntryLink(last.key, last.entry.title)
        if revisions:
            page = ArchivePage(name, older, follows, revisions)
            summary = self._state.archive_summary
            self.pages.write_entries(revisions, predecessors((), (page,), summary), self._state)
            self.pages.renew_archive_page(page, newer, self._state)
        if newer:  # also where a page was linked to just now, over the one that is written here
            self._publisher.link_newer(name, newer)
        return older

    def _older_than(self, name: str) -> str | None:
        """Return the archive page before one that does not say, or that is not there."""
        if page_number(name) == 1:
            return None
        names = self._store.folders(archive_prefix(self._publisher.slug))
        return max((one for one in names if one < name), default=None)

    def _next_superseded(self, renewal: Renewal) -> Renewal | None:
        """Return the renewal of the next page that is no part of the archive any more."""
        after = renewal.page or ""
        name = next((one for one in self._out_of_archive() if one > after), None)
        return replace(renewal, page=name, superseded=True) if name else None

    def _superseded(self, renewal: Renewal) -> Renewal | None:
        assert renewal.page is not None  # noqa: S101 - `_next_superseded` has named it
        self._survey(self._publisher.contents_of(renewal.page).keys)
        self.pages.renew_page(renewal.page, self._records.index.entries, self._state)
        return self._next_superseded(renewal)

    def _out_of_archive(self) -> Iterator[str]:
        """Yield the names of archive pages that may be no part of the archive any more, in order:
        those that share a number, or have one that is too large.
        """
        names = tuple(self._store.folders(archive_prefix(self._publisher.slug)))
        numbers = Counter(map(page_number, names))
        pages = self._state.archive_summary.pages
        return (one for one in names if numbers[page_number(one)] > 1 or page_number(one) > pages)
