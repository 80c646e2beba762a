"""The operator's disclaimer as it stands in the configuration: a string, or a table of keys."""

from __future__ import annotations

import re

from feedmirror.model import Disclaimer, Position
from feedmirror.settings.report import Kind, Spot, meant, shown
from feedmirror.settings.tables import Key, read_table
from feedmirror.settings.values import choice, text

VARIABLES = ("source_title", "source_url", "entry_url", "fetched")
MAX_CHARS = 10_000

# Read from the left: `{{` and `}}` are literal braces, `{name}` is a variable, else an error.
_BRACES = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|[{}]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")  # RFC 5646 §2.1, the usual part
_ACCEPTED = " ".join(f"{{{name}}}" for name in VARIABLES) + ", and {{ }} for literal braces"
_PLAIN = text(MAX_CHARS, multiline=True)


def _read_words(spot: Spot, value: object) -> str | None:
    """A template with known variables only, and with words of its own besides them.

    A disclaimer that is nothing but variables could come out empty: an entry may have no
    address, and a feed no title.
    """
    words = _PLAIN.read(spot, value)
    if not isinstance(words, str):
        return None
    flaws = dict.fromkeys(filter(None, map(_flaw_of_brace, _BRACES.finditer(words))))
    for flaw in flaws:
        spot.refuse(flaw, _ACCEPTED)
    if not any(character.isalnum() for character in _BRACES.sub("", words)):
        spot.refuse("has no word besides its variables")
    return words


def _read_html(spot: Spot, value: object) -> str | None:
    """As `_read_words`, where tags, comments and what browsers do not show are no words.

    Only an early warning for the operator: whether a disclaimer is seen is held by the renderer.
    """
    words = _read_words(spot, value)
    if words is not None and not any(c.isalnum() for c in _BRACES.sub("", _visible(words))):
        spot.refuse("shows no word to a reader")
    return words


def _flaw_of_brace(found: re.Match[str]) -> str | None:
    name = found["name"]
    if name is None:
        return None if len(found[0]) == 2 else f"a {found[0]} stands alone; write it twice"
    if name in VARIABLES:
        return None
    close = meant(name.strip(), VARIABLES)
    return f"{shown(found[0])} is no variable{close}"


def _visible(html: str) -> str:
    from html.parser import HTMLParser  # noqa: PLC0415 - slow to import, for html only

    shown_text: list[str] = []
    hidden: list[str] = []

    class Words(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - its interface
            if tag in {"script", "style", "template", "title", "noscript", "iframe", "object"}:
                hidden.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag in hidden:
                del hidden[hidden.index(tag) :]

        def handle_data(self, data: str) -> None:
            if not hidden:
                shown_text.append(data)

    parser = Words()
    parser.feed(html)
    parser.close()
    return "".join(shown_text)


def _read_language(spot: Spot, value: object) -> str | None:
    if isinstance(value, str) and _LANGUAGE.fullmatch(value):
        return value
    close = isinstance(value, str) and _LANGUAGE.fullmatch(value.replace("_", "-"))
    spot.reject(value, f'; did you mean "{close[0]}"?' if close else "")
    return None


WORDS = Kind("string", _PLAIN.accepted, _read_words)
HTML = Kind("string", _PLAIN.accepted, _read_html)
LANGUAGE = Kind("string", 'a language tag such as "en" or "pt-BR"', _read_language)

DISCLAIMER_KEYS = (
    Key("text", WORDS, "The words, as plain text; a blank line begins a paragraph."),
    Key("html", HTML, "The words as HTML, cleaned like any entry's; instead of `text`."),
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
        spot.refuse("has both text and html" if "text" in value else "has neither text nor html")
        return None
    return Disclaimer(**found) if found.keys() & {"text", "html"} else None


DISCLAIMER = Kind(
    "string or table",
    "text, or a table with either text or html, and language and position where wanted",
    _read_disclaimer,
)
