"""The operator's disclaimer as it stands in the configuration: a string, or a table of keys."""

from __future__ import annotations

import re

from feedmirror.model import Disclaimer, Position
from feedmirror.settings.problems import Kind, Spot, meant, shown
from feedmirror.settings.tables import Key, read_table
from feedmirror.settings.values import choice, text
from feedmirror.text.language import language_tag

# As `core.disclaimer` fills them in; a test holds the two together, an import would be slow.
VARIABLES = ("source_title", "source_url", "entry_url", "fetched")
MAX_CHARS = 10_000

# Read from the left: `{{` and `}}` are literal braces, `{name}` is a variable, else an error.
_BRACES = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|[{}]")
_ACCEPTED = " ".join(f"{{{name}}}" for name in VARIABLES) + ", and {{ }} for literal braces"
_PLAIN = text(MAX_CHARS, multiline=True)


def _read_words(spot: Spot, value: object) -> str | None:
    """A template that says something, with known variables only."""
    words = _PLAIN.read(spot, value)
    if not isinstance(words, str):
        return None
    complaints = len(spot.problems)
    for found in {found[0]: found for found in _BRACES.finditer(words)}.values():
        _check_brace(spot, found)
    if not any(character.isalnum() for character in words):
        spot.refuse("holds no letter and no digit")
    return words if len(spot.problems) == complaints else None


def _read_html(spot: Spot, value: object) -> str | None:
    """The same for HTML, of the few tags that the code which attaches it accepts."""
    from feedmirror.publishing.disclaimer import problems  # noqa: PLC0415 - brings parsers, rarely needed

    words = _read_words(spot, value)
    for flaw in problems(words, is_html=True) if words else ():
        spot.refuse(" ".join(flaw.split()), "")
    if words and not _says_something(words):
        spot.refuse("shows no letter and no digit to a reader")
    return words


def _says_something(html: str) -> bool:
    from html import unescape  # noqa: PLC0415 - for html only

    return any(character.isalnum() for character in unescape(re.sub("<[^>]*>", "", html)))


def _check_brace(spot: Spot, found: re.Match[str]) -> None:
    name = found["name"]
    if name is None:
        if len(found[0]) == 1:
            spot.refuse(f"a {found[0]} stands alone", f"{found[0] * 2} for a literal brace")
    elif name not in VARIABLES:
        guess = meant(name.strip(), VARIABLES).strip("'")
        spot.refuse(f"{shown(found[0])} is no variable", _ACCEPTED, f"{{{guess}}}" if guess else "")


def _read_language(spot: Spot, value: object) -> str | None:
    tag = language_tag(value) if isinstance(value, str) else None
    if tag is None:
        spot.reject(value)
    return tag


WORDS = Kind("string", _PLAIN.accepted, _read_words)
HTML = Kind("string", _PLAIN.accepted, _read_html)
LANGUAGE = Kind("string", 'a language tag such as "en" or "pt-BR"', _read_language)

DISCLAIMER_KEYS = (
    Key("text", WORDS, "The words, as plain text; a blank line begins a paragraph."),
    Key("html", HTML, "The words as HTML, well-formed and of a few tags; instead of `text`."),
    Key("language", LANGUAGE, "The language the words are in."),
    Key("position", choice(Position), "Where in an entry they stand."),
)


def _read_disclaimer(spot: Spot, value: object) -> Disclaimer | None:
    if isinstance(value, str):
        words = _read_words(Spot(spot.problems, spot.key, WORDS.accepted), value)
        return None if words is None else Disclaimer(text=words)
    if not isinstance(value, dict):
        spot.reject(value)
        return None
    found = read_table(spot, value, DISCLAIMER_KEYS)
    if ("text" in value) == ("html" in value):
        spot.refuse(
            "has both" if "text" in value else "has neither", "exactly one of text and html"
        )
        return None
    return Disclaimer(**found) if found.keys() & {"text", "html"} else None


DISCLAIMER = Kind(
    "string or table",
    "text, or a table with either text or html, and language and position where wanted",
    _read_disclaimer,
)
