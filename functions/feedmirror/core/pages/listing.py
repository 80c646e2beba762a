"""How entries and months stand in a list of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from feedmirror.core.disclaimer import Disclaimed
from feedmirror.core.formats import Month, Publication, alternates
from feedmirror.core.months import dated, month_of
from feedmirror.core.pages import words
from feedmirror.core.pages.excerpt import excerpt, name_of, visible_title
from feedmirror.core.pages.languages import direction
from feedmirror.model import Author, Entry

_TITLES = {"rss.xml": "RSS", "atom.xml": "Atom", "feed.json": "JSON Feed"}  # the best known first


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in a list."""

    key: str
    name: str  # its title; without one, its first words
    is_titled: bool
    excerpt: str  # what the name does not say
    authors: tuple[str, ...]
    at: datetime
    lang: str  # empty: unknown
    dir: str


@dataclass(frozen=True, slots=True)
class Section:
    """The entries of one month."""

    month: str  # "2026-11"
    title: str  # "November 2026"
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Subscribable:
    """A feed to subscribe to."""

    title: str
    name: str  # of its file
    media_type: str
    address: str  # in full, to be copied


def lines(publication: Publication) -> tuple[Line, ...]:
    """The entries, newest first."""
    return tuple(_line(entry, publication) for entry in publication.entries)


def _line(disclaimed: Disclaimed, publication: Publication) -> Line:
    revision, entry = disclaimed.revision, disclaimed.revision.entry
    first_words, is_titled = excerpt(entry), bool(visible_title(entry.title))
    name = name_of(revision) if is_titled or not first_words else first_words
    lang = language_of(entry, publication) if is_titled or first_words else "en"
    return Line(
        revision.key,
        name,
        is_titled,
        first_words if is_titled else "",
        authors_of(entry.authors),
        dated(revision),
        lang,
        direction(f"{name} {first_words}", lang),
    )


def language_of(entry: Entry, publication: Publication) -> str:
    """The language of the entry, or of the feed; empty if neither says."""
    return entry.language or publication.feed.language or ""


def authors_of(authors: Sequence[Author]) -> tuple[str, ...]:
    """What authors are called, each once. Not by their addresses, which would be harvested."""
    names = (" ".join((author.name or "").split()) for author in authors)
    return tuple(dict.fromkeys(filter(None, names)))


def sections(publication: Publication) -> tuple[Section, ...]:
    """The entries by month, the latest first: an entry's place is in one, whatever came when."""
    by_month: dict[str, list[Line]] = {}
    for entry, line in zip(publication.entries, lines(publication), strict=True):
        by_month.setdefault(month_of(entry.revision), []).append(line)
    return tuple(
        Section(month, words.month(month), tuple(by_month[month]))
        for month in sorted(by_month, reverse=True)
    )


def years(months: Sequence[Month]) -> Iterator[tuple[str, list[tuple[str, Month]]]]:
    """The months by year, the latest first, each with its name."""
    latest_first = sorted(months, key=lambda month: month.name, reverse=True)
    for year, held in groupby(latest_first, key=lambda month: month.name.partition("-")[0]):
        yield year, [(words.month(month.name).partition(" ")[0], month) for month in held]


def subscribables(publication: Publication) -> tuple[Subscribable, ...]:
    """The feed in all formats that programs read, the best known first."""
    known = list(_TITLES)
    found = sorted(
        alternates("index.html"),
        key=lambda made: known.index(made.name) if made.name in known else len(known),
    )
    return tuple(
        Subscribable(
            _TITLES.get(made.name, made.name),
            made.name,
            made.bare_type,
            publication.address_of(made.name),
        )
        for made in found
    )
