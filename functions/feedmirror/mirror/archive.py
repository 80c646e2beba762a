"""Archive pages: the entries that left the window, 25 a page, oldest first.

Entries leave the window in whole pages, so each entry is either in the document of the newest
entries or in one archive page. The name of a page is its number and a digest of its entries: equal
entries give an equal name. Source: RFC 5005 §4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import chain
from typing import Annotated, Generic, Protocol, TypeVar

from msgspec import Meta, Struct, field

from feedmirror.mirror.retention import Sized
from feedmirror.model import Count, Stored

_EARLIEST = 1990  # there were no feeds before; a year like 1970 is a clock's zero


class Archivable(Sized, Protocol):
    """An entry with its words, or a row of the window."""

    @property
    def key(self) -> str:
        """The digest of its identity."""
        ...

    @property
    def digest(self) -> str:
        """The digest of what a reader sees."""
        ...

    @property
    def title(self) -> str | None:
        """The title that pages link to it with."""
        ...

    @property
    def said(self) -> datetime | None:
        """The date of the origin's."""
        ...

    @property
    def first_seen(self) -> datetime:
        """When it was first fetched."""
        ...


def dated(one: Archivable) -> datetime:
    """Return the date of an entry in lists: the origin's, else `first_seen`."""
    return one.said if one.said and one.said.year >= _EARLIEST else one.first_seen


def month_of(one: Archivable) -> str:
    """Return the month of an entry, in UTC: `2026-11`."""
    return f"{dated(one):%Y-%m}"


_T = TypeVar("_T", bound=Sized)
_A = TypeVar("_A", bound=Archivable)

PAGE_ENTRIES = 25  # in a page; the window may hold one less than that beyond `keep`
PAGE_BYTES = 2_000_000  # of text: a page that reaches this is full, too


MonthName = Annotated[str, Meta(pattern=r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])\Z")]  # 2026-11


class EntryLink(Stored, frozen=True):
    """The entry that a page links to."""

    key: str
    title: str | None = None


class Month(Struct, frozen=True):
    """The number of archived entries of one month."""

    name: str  # "2026-11"
    entries: int
    page: str  # name of the archive page with the newest of these entries


class ArchiveSummary(Stored, frozen=True):
    """The archive as the state remembers it: of bounded size, however many pages there are."""

    pages: Count = 0
    last: str | None = None  # the name of the newest page
    newest: EntryLink | None = None  # the newest entry in it
    # Number of entries, and the page with the newest of them.
    months: Mapping[MonthName, tuple[Count, str]] = field(default_factory=dict)

    def by_month(self) -> tuple[Month, ...]:
        """Return the months of the archived entries, newest first."""
        return tuple(Month(name, *self.months[name]) for name in sorted(self.months, reverse=True))


class ArchivePage(Stored, Generic[_A], frozen=True):
    """An archive page to write, of entries with their words or of rows of the window."""

    name: str
    older: str | None  # the name of the page before
    follows: EntryLink | None  # the entry before the oldest one
    entries: tuple[_A, ...]  # newest first


def fill_pages(
    summary: ArchiveSummary, leaving: Iterable[_A]
) -> tuple[ArchiveSummary, tuple[ArchivePage[_A], ...]]:
    """Return the summary with the pages that entries fill, and these pages.

    `leaving` are the entries that may leave the window, oldest first; those that do not fill a page
    stay.
    """
    pages = []
    for entries in full_pages(leaving):
        summary, page = add_page(summary, entries)
        pages.append(page)
    return summary, tuple(pages)


def full_pages(leaving: Iterable[_T]) -> Iterator[tuple[_T, ...]]:
    """Yield the entries of each page that they fill, in order; the rest is not yielded."""
    page: list[_T] = []
    size = 0
    for entry in leaving:
        page.append(entry)
        size += entry.size_bytes
        if len(page) == PAGE_ENTRIES or size >= PAGE_BYTES:
            yield tuple(page)
            page, size = [], 0


def add_page(
    summary: ArchiveSummary, entries: Sequence[_A], name: str | None = None
) -> tuple[ArchiveSummary, ArchivePage[_A]]:
    """Return the summary with one more page, and this page.

    `entries` are those of the page, oldest first. Without a `name`, the page gets its `page_name`.
    """
    if name is None:
        names = ((one.key, one.digest) for one in entries)
        name = page_name(summary.pages, summary.last, names)
    page = ArchivePage(name, summary.last, summary.newest, tuple(reversed(entries)))
    newest = entries[-1]
    return (
        ArchiveSummary(
            summary.pages + 1,
            page.name,
            EntryLink(newest.key, newest.title),
            _count_months(summary.months, map(month_of, entries), page.name),
        ),
        page,
    )


def page_name(number: int, older: str | None, entries: Iterable[tuple[str, str]]) -> str:
    """Return the name of the page after `number` pages, the last of which is called `older`.

    `entries` are keys and digests of revisions, oldest first.
    """
    lines = "\n".join((older or "", *(f"{key} {digest}" for key, digest in entries)))
    return f"{number + 1:06}-{blake2b(lines.encode(), digest_size=6).hexdigest()}"


def page_number(name: str) -> int:
    """Return the number of the page of that name; 0 for a name that no page has."""
    number = name.partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() else 0


def _count_months(
    months: Mapping[str, tuple[int, str]], of: Iterable[str], page: str
) -> dict[str, tuple[int, str]]:
    counted = dict(months)
    for month in of:
        counted[month] = (counted.get(month, (0, ""))[0] + 1, page)
    return counted


def predecessors(
    window: Iterable[_A], pages: Sequence[ArchivePage[_A]], summary: ArchiveSummary
) -> dict[str, EntryLink | None]:
    """Return, by key, the next older entry of each entry of the window and of `pages`.

    None stands for the next older one of the oldest entry. `pages` are still to be written, and
    counted in `summary` already.
    """
    archived = (one for page in reversed(pages) for one in page.entries)
    links = [EntryLink(one.key, one.title) for one in chain(window, archived)]
    last = pages[0].follows if pages else summary.newest
    older = chain(links[1:], (last,))  # longer by one than an empty `links`
    return {link.key: before for link, before in zip(links, older, strict=False)}
