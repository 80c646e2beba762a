"""How entries and months stand in a list of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from feedmirror.layout import ATOM_XML, FEED_JSON, RSS_XML, bare_type
from feedmirror.mirror.archive import Month, dated, month_of
from feedmirror.model import Author, Entry, Revision
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.pages import phrases
from feedmirror.publishing.pages.markup import is_visible
from feedmirror.publishing.pages.phrases import day, direction
from feedmirror.publishing.publication import Publication
from feedmirror.text.plain import words_of

_LONG, _SHORT = 200, 80  # characters
_MARKUP = 4_000  # characters that usually hold as many words
_LEAST = 0.6  # of that, for a cut between two words


def excerpt(entry: Entry, length: int = _LONG) -> str:
    """The first words of the entry, in plain text; empty where it has none.

    Those of its summary if there are any: somebody wrote it to be read first.
    """
    bodies = (entry.summary, entry.content)
    return next(filter(None, (_beginning(body or "", length) for body in bodies)), "")


def visible_title(title: str | None) -> str:
    """The title on one line; nothing, where nothing of it would be seen."""
    line = " ".join((title or "").split())
    return line if is_visible(line) else ""


def name_of(revision: Revision) -> str:
    """What the entry is called: its title, else its first words, else its date. Never empty."""
    return (
        visible_title(revision.entry.title)
        or excerpt(revision.entry, _SHORT)
        or f"Entry of {day(dated(revision))}"
    )


def shortened(words: str, length: int) -> str:
    """The words up to that many characters, cut between two of them."""
    if len(words) <= length:
        return words
    cut = words[:length]
    start, space, _ = cut.rpartition(" ")
    # Scripts without spaces, and addresses, are cut anywhere.
    return f"{(start if space and len(start) > length * _LEAST else cut).rstrip(' ,;:-')}…"


def _beginning(body: str, length: int) -> str:
    """So much of the body is read as that takes: some are a megabyte."""
    taken = _MARKUP
    while True:
        words = words_of(_whole_tags(body[:taken]) if taken < len(body) else body)
        if len(words) > length or taken >= len(body):
            return shortened(words, length)
        taken *= 4


def _whole_tags(markup: str) -> str:
    """The markup without a tag or a reference that was cut."""
    if markup.rfind("<") > markup.rfind(">"):
        markup = markup[: markup.rfind("<")]
    begun = markup.rfind("&", max(0, len(markup) - 12))
    return markup[:begun] if begun >= 0 and ";" not in markup[begun:] else markup


_TITLES = {RSS_XML: "RSS", ATOM_XML: "Atom", FEED_JSON: "JSON Feed"}  # the best known first


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
        Section(month, phrases.month(month), tuple(by_month[month]))
        for month in sorted(by_month, reverse=True)
    )


def years(months: Sequence[Month]) -> Iterator[tuple[str, list[tuple[str, Month]]]]:
    """The months by year, the latest first, each with its name."""
    latest_first = sorted(months, key=lambda month: month.name, reverse=True)
    for year, held in groupby(latest_first, key=lambda month: month.name.partition("-")[0]):
        yield year, [(phrases.month(month.name).partition(" ")[0], month) for month in held]


def subscribables(publication: Publication) -> tuple[Subscribable, ...]:
    """The feed in all formats that programs read, the best known first."""
    return tuple(
        Subscribable(title, name, bare_type(name), publication.address_of(name))
        for name, title in _TITLES.items()
    )
