"""Lists on pages: entries with name and excerpt, months, and addresses to subscribe to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from msgspec import Struct

from feedmirror.layout import ATOM_XML, FEED_JSON, RSS_XML, bare_type
from feedmirror.mirror.archive import Month, dated, month_of
from feedmirror.model import Author, Entry, Revision
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.pages import phrases
from feedmirror.publishing.pages.phrases import day, direction
from feedmirror.publishing.publication import Publication
from feedmirror.text.plain import is_visible, words_of

_EXCERPT_CHARS, _NAME_CHARS = 200, 80
_MARKUP_CHARS = 4_000  # of HTML that usually hold an excerpt
_MIN_KEPT = 0.6  # of the length, when text is cut between two words


def excerpt(entry: Entry, length: int = _EXCERPT_CHARS) -> str:
    """Return the first words of the summary, or else of the content, as plain text; "" if the entry
    has no words.
    """
    bodies = (entry.summary, entry.content)
    return next(filter(None, (_beginning(body or "", length) for body in bodies)), "")


def visible_title(title: str | None) -> str:
    """Return the title on one line; "" if all of its characters are invisible."""
    line = " ".join((title or "").split())
    return line if is_visible(line) else ""


def name_of(revision: Revision) -> str:
    """Return the title of the entry, or else its first words, or else its date. Never empty."""
    return (
        visible_title(revision.entry.title)
        or excerpt(revision.entry, _NAME_CHARS)
        or f"Entry of {day(dated(revision))}"
    )


def _shortened(words: str, length: int) -> str:
    """Return the text up to `length` characters, cut between two words where possible."""
    if len(words) <= length:
        return words
    cut = words[:length]
    start, space, _ = cut.rpartition(" ")
    # Scripts without spaces and URLs are cut anywhere.
    return f"{(start if space and len(start) > length * _MIN_KEPT else cut).rstrip(' ,;:-')}…"


def _beginning(body: str, length: int) -> str:
    """Return the first words of the body; read no more of it than needed: it may be a megabyte."""
    taken = _MARKUP_CHARS
    while True:
        words = words_of(_whole_tags(body[:taken]) if taken < len(body) else body)
        if len(words) > length or taken >= len(body):
            return _shortened(words, length)
        taken *= 4


def _whole_tags(markup: str) -> str:
    """Return the HTML without a tag or a character reference that was cut off at its end."""
    if markup.rfind("<") > markup.rfind(">"):
        markup = markup[: markup.rfind("<")]
    begun = markup.rfind("&", max(0, len(markup) - 12))
    return markup[:begun] if begun >= 0 and ";" not in markup[begun:] else markup


_TITLES = {RSS_XML: "RSS", ATOM_XML: "Atom", FEED_JSON: "JSON Feed"}  # the best known first


class Line(Struct, frozen=True):
    """An entry in a list."""

    key: str
    name: str  # the title, or the first words
    is_titled: bool
    excerpt: str  # "" if the name is the first words
    authors: tuple[str, ...]
    at: datetime
    lang: str  # "": unknown
    dir: str


class Section(Struct, frozen=True):
    """The entries of one month."""

    month: str  # "2026-11"
    title: str  # "November 2026"
    lines: tuple[Line, ...]


class Subscribable(Struct, frozen=True):
    """One of the mirrored feed's formats, as something to subscribe to."""

    title: str  # of the format
    name: str  # of the file
    media_type: str
    address: str  # absolute


def line(disclaimed: Disclaimed, publication: Publication) -> Line:
    """Return an entry as a line of a list."""
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
    """Return the language of the entry, or else of the feed; "" if unknown."""
    return entry.language or publication.feed.language or ""


def authors_of(authors: Sequence[Author]) -> tuple[str, ...]:
    """Return the names of the authors, each once; no email addresses, which would be harvested."""
    names = (" ".join((author.name or "").split()) for author in authors)
    return tuple(dict.fromkeys(filter(None, names)))


def sections(publication: Publication) -> tuple[Section, ...]:
    """Return the entries by the month of their date, the latest month first."""
    by_month: dict[str, list[Line]] = {}
    for entry in publication.entries:
        by_month.setdefault(month_of(entry.revision), []).append(line(entry, publication))
    return tuple(
        Section(month, phrases.month(month), tuple(by_month[month]))
        for month in sorted(by_month, reverse=True)
    )


def years(months: Sequence[Month]) -> Iterator[tuple[str, list[tuple[str, Month]]]]:
    """Yield each year with its months and their names, the latest first."""
    latest_first = sorted(months, key=lambda month: month.name, reverse=True)
    for year, group in groupby(latest_first, key=lambda month: month.name.partition("-")[0]):
        yield year, [(phrases.month(month.name).partition(" ")[0], month) for month in group]


def subscribables(publication: Publication) -> tuple[Subscribable, ...]:
    """Return the formats that feed readers subscribe to, the best known first."""
    return tuple(
        Subscribable(title, name, bare_type(name), publication.address_of(name))
        for name, title in _TITLES.items()
    )
