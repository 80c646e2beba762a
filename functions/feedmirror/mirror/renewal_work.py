"""Renewal of pages: when one begins, how many public objects it writes, and with how many requests
to the store.
"""

from __future__ import annotations

from msgspec import Struct

from feedmirror.layout import FEED_DOCUMENTS
from feedmirror.mirror.archive import PAGE_ENTRIES, page_number
from feedmirror.mirror.deployment import Deployment, Renewal
from feedmirror.mirror.state import State


class RenewalWork(Struct, frozen=True):
    """Upper bounds, as far as a state tells: the last archive pages of a feed may be smaller, and
    archive pages that are no part of the archive any more are not counted.
    """

    pages: int = 0  # public objects: pages of entries, and documents of archive pages
    writes: int = 0  # requests that write or list
    reads: int = 0  # requests that read

    def __add__(self, other: RenewalWork) -> RenewalWork:
        """Return the work of both."""
        return RenewalWork(
            self.pages + other.pages, self.writes + other.writes, self.reads + other.reads
        )

    @property
    def requests(self) -> int:
        """Return the number of all requests."""
        return self.writes + self.reads


def renewal_under(state: State, deployed: Deployment, generation: int) -> Renewal | None:
    """Return what is left to renew where another deployment becomes that of a state."""
    before, going_on = state.deployment, state.renewal
    if deployed.page_key == before.page_key:
        return going_on
    rereads = deployed.parser_version != before.parser_version or bool(
        going_on and going_on.rereads
    )
    return Renewal(generation, below=state.next_seq, rereads=rereads)


def work_left(state: State) -> RenewalWork:
    """Return what is left to do of the renewal that the state is in, if it is in one."""
    renewal = state.renewal
    if renewal is None or renewal.superseded:
        return RenewalWork()
    below, entries = renewal.below, 0
    if below is not None:
        entries = sum(one.seq < below for one in state.window)
    pages = page_number(renewal.page) if renewal.page else state.archive_summary.pages
    return work_of(entries, pages, rereads=renewal.rereads)


def work_of_all(state: State, *, rereads: bool = False) -> RenewalWork:
    """Return the work of renewing all pages; `rereads`: each entry is read again first."""
    return work_of(len(state.window), state.archive_summary.pages, rereads=rereads)


def work_of(entries: int, archive_pages: int, *, rereads: bool = False) -> RenewalWork:
    """Return the work for entries of the window, and archive pages with their entries."""
    objects = PAGE_ENTRIES + len(FEED_DOCUMENTS)  # of an archive page
    slices = archive_pages - (-entries // PAGE_ENTRIES)  # each reads and writes the state
    listed = PAGE_ENTRIES + 1  # records, those of the entry before the page too
    records = entries + archive_pages * PAGE_ENTRIES if rereads else 0
    return RenewalWork(
        pages=entries + archive_pages * objects,
        writes=entries + archive_pages * (objects + listed) + slices + records,
        # Each object before it is replaced, each record of an archive page twice, two archive pages
        # for their contents, and the documents of the page before, which link to this one.
        reads=2 * entries + archive_pages * (objects + 2 * listed + 7) + slices + records,
    )
