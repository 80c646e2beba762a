"""Which entries leave the public feed for good, and the pages that they are sealed in.

Entries leave the window in whole pages, oldest first, so each is either in the subscription
document or in one page. A page is named by its number and a digest of what is in it: the same
entries always have the same page, others never. Source: RFC 5005 §4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from itertools import chain
from typing import TypeVar

from feedmirror.mirror.listing import Sized
from feedmirror.model import Revision

_EARLIEST = 1990  # there were no feeds before; a year like 1970 is a clock's zero


def dated(revision: Revision) -> datetime:
    """The date that an entry goes by: the origin's, or where that can be none, the mirror's."""
    said = revision.entry.published or revision.entry.updated
    return said if said and said.year >= _EARLIEST else revision.first_seen


def month_of(revision: Revision) -> str:
    """The month of an entry, in UTC: `2026-11`."""
    return f"{dated(revision):%Y-%m}"


T = TypeVar("T", bound=Sized)

PAGE = 25  # entries a page: so many more than `keep` the window may hold at most
PAGE_BYTES = 2_000_000  # of the words in it: a page that reaches as many is full, too


@dataclass(frozen=True, slots=True)
class Named:
    """An entry, for others to link to."""

    key: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """The sealed entries that are dated in one month."""

    name: str  # "2026-11"
    entries: int  # how many there are
    page: str  # the sealed page that has the newest of them


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is remembered of the pages, however many there are."""

    pages: int = 0
    last: str | None = None  # the name of the newest page
    newest: Named | None = None  # the newest entry in it
    months: Mapping[str, tuple[int, str]] = field(default_factory=dict)  # entries, newest page

    def by_month(self) -> tuple[Month, ...]:
        """The months that there are entries of, newest first."""
        return tuple(Month(name, *self.months[name]) for name in sorted(self.months, reverse=True))


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is to be written."""

    name: str
    older: str | None  # the name of the page before
    follows: Named | None  # the entry before the oldest one
    revisions: tuple[Revision, ...]  # newest first


def seal(sealed: Sealed, leaving: Iterable[Revision]) -> tuple[Sealed, tuple[Page, ...]]:
    """What is remembered after the entries that may leave, oldest first, have been sealed as far
    as they fill pages, and those pages.
    """
    pages = []
    for revisions in paged(leaving):
        sealed, page = turned(sealed, revisions)
        pages.append(page)
    return sealed, tuple(pages)


def paged(leaving: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """As many pages as they fill."""
    page: list[T] = []
    size = 0
    for one in leaving:
        page.append(one)
        size += one.size_bytes
        if len(page) == PAGE or size >= PAGE_BYTES:
            yield tuple(page)
            page, size = [], 0


def turned(
    sealed: Sealed, revisions: Sequence[Revision], name: str | None = None
) -> tuple[Sealed, Page]:
    """What is remembered after one more page, of these entries, oldest first; and that page."""
    page = Page(
        name or name_of(sealed.pages, sealed.last, ((one.key, one.digest) for one in revisions)),
        sealed.last,
        sealed.newest,
        tuple(reversed(revisions)),
    )
    newest = revisions[-1]
    return (
        Sealed(
            sealed.pages + 1,
            page.name,
            Named(newest.key, newest.entry.title),
            _counted(sealed.months, map(month_of, revisions), page.name),
        ),
        page,
    )


def name_of(number: int, older: str | None, entries: Iterable[tuple[str, str]]) -> str:
    """The name of the page after so many others, the last of which is `older`; its entries are
    given by key and digest, oldest first.
    """
    told = "\n".join((older or "", *(f"{key} {digest}" for key, digest in entries)))
    return f"{number + 1:06}-{blake2b(told.encode(), digest_size=6).hexdigest()}"


def _counted(
    months: Mapping[str, tuple[int, str]], of: Iterable[str], page: str
) -> dict[str, tuple[int, str]]:
    counted = dict(months)
    for month in of:
        counted[month] = (counted.get(month, (0, ""))[0] + 1, page)
    return counted


def predecessors(
    window: Iterable[Revision], pages: Sequence[Page], sealed: Sealed
) -> dict[str, Named | None]:
    """By key, the entry that each of the window, and of pages that are to be written, comes after;
    None for the oldest there is. `sealed` is what is remembered after those pages.
    """
    newest_first = chain(window, (one for page in reversed(pages) for one in page.revisions))
    named = [Named(one.key, one.entry.title) for one in newest_first]
    last = pages[0].follows if pages else sealed.newest
    older = chain(named[1:], (last,))  # one more than there are entries if there are none
    return {one.key: before for one, before in zip(named, older, strict=False)}
