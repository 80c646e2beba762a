"""Prose in extension elements: recognise articles, and find those that lack the disclaimer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from feedmirror.text.plain import unescape

_FEWEST_WORDS = 40
_LONGEST_MEAN = 20  # characters of a word: lines of base64 are longer
_FEWEST_LETTERS = 0.6  # of all characters but white space
# Scripts without blanks between words, whose words are of two characters or so.
_UNSPACED = re.compile("[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_MARKUP = re.compile("<[^<>]*>")
_SEPARATORS = re.compile("[,;|]")
_CUES = re.compile(r"\d\d[.,]\d{3}\s*-->")  # of a transcript: WebVTT, SubRip
_DATA = ('{"', "[{", '["')  # JSON
# Elements that readers never show as a body: licences, transcripts, lists, and sources.
_NEVER_SHOWN = frozenset(
    "category copyright keywords legal licence license rights source subject tag tags terms title "
    "transcript".split()
)
_LICENCE_PREFIXES = frozenset({"cc", "creativeCommons", "rsl"})  # prefixes
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[^\s<>/]+)(?P<rest>[^<>]*)>")
_PICTURE = re.compile(
    r"<media:(?:thumbnail\b|content\b(?:[^<>]*\s(?:medium=\"image|type=\"image/)"
    r"|(?![^<>]*\s(?:medium|type)=)[^<>]*\surl=\"[^\"?#]*\.(?:avif|gif|jpe?g|png|webp)[\"?#]))",
    re.IGNORECASE,
)


def is_prose(text: str) -> bool:
    """True if a reader would take the text for an article: 40 words or more, mostly letters.

    False for lists, coordinates, JSON, base64 and transcripts with times.
    """
    if len(text) < 2 * _FEWEST_WORDS:
        return False
    if "<" in text or "&" in text:
        text = unescape(_MARKUP.sub(" ", text))
    words = text.split()
    characters, unspaced = sum(map(len, words)), len(_UNSPACED.findall(text))
    count = len(words) + unspaced // 2
    if count < _FEWEST_WORDS or characters - unspaced > _LONGEST_MEAN * len(words):
        return False
    if 3 * len(_SEPARATORS.findall(text)) >= count:
        return False
    if text.lstrip().startswith(_DATA) or _CUES.search(text):
        return False
    return sum(map(str.isalpha, text)) > _FEWEST_LETTERS * characters


def is_shown(prefix: str, local: str) -> bool:
    """True if a reader might show the text of an element with that name as an article."""
    return local.lower() not in _NEVER_SHOWN and prefix not in _LICENCE_PREFIXES


@dataclass(slots=True)
class _OpenElement:
    """An element that is not closed yet."""

    name: str
    start: int
    is_shown: bool
    holds_picture: bool
    texts: list[str] = field(default_factory=list)


def unmarked_prose(fragment: str, marks: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    """Yield each element of `fragment` whose own text is prose without any of `marks`.

    Yields the name, the start and the end of the element, inner elements before outer ones. The
    fragment is XML as parsing/extensions.py renders it.
    """
    if len(fragment) < 2 * _FEWEST_WORDS:
        return
    opened: list[_OpenElement] = []
    position = 0
    for tag in _TAG.finditer(fragment):
        if opened:
            opened[-1].texts.append(fragment[position : tag.start()])
        position = tag.end()
        if not tag["end"]:
            prefix, _, local = tag["name"].rpartition(":")
            shown = is_shown(prefix, local) and (not opened or opened[-1].is_shown)
            shown = shown and not (opened and opened[-1].holds_picture)
            opened.append(
                _OpenElement(tag["name"], tag.start(), shown, bool(_PICTURE.match(tag[0])))
            )
            if not tag["rest"].endswith("/"):
                continue
        element = opened.pop()
        words = unescape("".join(element.texts)) if element.is_shown else ""
        if is_prose(words) and not any(mark in words for mark in marks):
            yield element.name, element.start, tag.end()
