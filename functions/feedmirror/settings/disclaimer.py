"""Parse the operator's disclaimer: a string, or a table with text or html."""

from __future__ import annotations

import re

from feedmirror.model import DISCLAIMER_VARIABLES, Disclaimer, Position
from feedmirror.settings.problems import Location, ValueKind, closest_name, shown_value
from feedmirror.settings.values import Key, choice, read_table, text, value_kind
from feedmirror.text.language import language_tag

_MAX_CHARS = 10_000

# Matched from the left: `{{` and `}}` are literal braces, `{name}` is a variable, else an error.
_BRACES = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|[{}]")
_ACCEPTED = (
    " ".join(f"{{{name}}}" for name in DISCLAIMER_VARIABLES) + ", and {{ }} for literal braces"
)
_PLAIN = text(_MAX_CHARS, multiline=True)


def _read_words(location: Location, value: object) -> str | None:
    """Return the template, stripped, if it has known variables only and any letter or digit."""
    words = _PLAIN.read(location, value)
    if not isinstance(words, str):
        return None
    complaints = len(location.problems)
    for found in {found[0]: found for found in _BRACES.finditer(words)}.values():
        _check_brace(location, found)
    if not any(character.isalnum() for character in words):
        location.refuse("contains no letter or digit")
    return words if len(location.problems) == complaints else None


def _read_html(location: Location, value: object) -> str | None:
    """Return an HTML template if `publishing/disclaimer.py` accepts its elements."""
    from feedmirror.publishing.disclaimer import problems  # noqa: PLC0415 - brings parsers, rarely needed

    words = _read_words(location, value)
    for flaw in problems(words, is_html=True) if words else ():
        location.refuse(" ".join(flaw.split()), "")
    if words and not _says_something(words):
        location.refuse("shows readers no letter or digit")
    return words


def _says_something(html: str) -> bool:
    from html import unescape  # noqa: PLC0415 - for html only

    return any(character.isalnum() for character in unescape(re.sub("<[^>]*>", "", html)))


def _check_brace(location: Location, found: re.Match[str]) -> None:
    name = found["name"]
    if name is None:
        if len(found[0]) == 1:
            location.refuse(f"has a single {found[0]}", f"write {found[0] * 2} for a literal brace")
    elif name not in DISCLAIMER_VARIABLES:
        guess = closest_name(name.strip(), DISCLAIMER_VARIABLES).strip("'")
        location.refuse(
            f"{shown_value(found[0])} is not a variable", _ACCEPTED, f"{{{guess}}}" if guess else ""
        )


_WORDS = ValueKind("string", _PLAIN.accepted, _read_words)
_HTML_WORDS = ValueKind("string", _PLAIN.accepted, _read_html)
_LANGUAGE = value_kind(
    "string",
    'a language tag such as "en" or "pt-BR"',
    lambda value: language_tag(value) if isinstance(value, str) else None,
)

DISCLAIMER_KEYS = (
    Key("text", _WORDS, "The words, as plain text; a blank line begins a paragraph."),
    Key(
        "html", _HTML_WORDS, "The words as HTML, well-formed and of a few tags; instead of `text`."
    ),
    Key("language", _LANGUAGE, "The language the words are in."),
    Key("position", choice(Position), "Where in an entry they stand."),
)


def _read_disclaimer(location: Location, value: object) -> Disclaimer | None:
    if isinstance(value, str):
        words = _read_words(Location(location.problems, location.key, _WORDS.accepted), value)
        return None if words is None else Disclaimer(text=words)
    if not isinstance(value, dict):
        location.reject(value)
        return None
    found = read_table(location, value, DISCLAIMER_KEYS)
    if ("text" in value) == ("html" in value):
        location.refuse(
            "has both text and html" if "text" in value else "has neither text nor html",
            "exactly one is accepted",
        )
        return None
    return Disclaimer(**found) if found.keys() & {"text", "html"} else None


DISCLAIMER = ValueKind(
    "string or table",
    "text, or a table with either text or html, and language and position where wanted",
    _read_disclaimer,
)
