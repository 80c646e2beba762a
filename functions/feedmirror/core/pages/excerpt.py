"""The beginning of an entry's words, and what to call an entry that has no title."""

from __future__ import annotations

from feedmirror.core.months import dated
from feedmirror.core.pages.tokens import is_visible
from feedmirror.core.pages.words import day
from feedmirror.core.text import words_of
from feedmirror.model import Entry, Revision

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
