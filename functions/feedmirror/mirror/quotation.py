"""Quotation: objects that still have words of an entry, in whatever way they are escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from feedmirror.mirror.comparison import compared_words
from feedmirror.model import Entry

_LEAST_WORDS, _LEAST_CHARS = 4, 20  # a shorter run of words may be anybody's
_RUNS = 12  # of an entry, the longest
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_ESCAPED = re.compile(r"\\[nrt/\"\\]")
_TAG = re.compile(r"<[^<>]*>")
_SEPARATORS = re.compile(r"[^\w]+")


def phrases_of(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Return runs of words by which a quotation of any of the entries is found: titles, and the
    longest sentences of each body.
    """
    found: dict[str, None] = {}
    for entry in entries:
        texts = [entry.title or ""]
        for body in (entry.summary, entry.content):
            sentences = re.split(r"[.!?。]\s", html.unescape(compared_words(body)))
            texts += sorted(sentences, key=len, reverse=True)[:_RUNS]
        found |= dict.fromkeys(filter(_is_telling, map(_folded, texts)))
    return tuple(found)


def quotes(body: bytes, phrases: Iterable[str]) -> bool:
    """True if an object has any of the phrases: plain, or escaped in HTML, XML or JSON."""
    readings = tuple(_readings(body.decode("utf-8", "replace")))
    return any(phrase in reading for phrase in phrases for reading in readings)


def _readings(text: str) -> Iterator[str]:
    """Yield the words of a text as it is, and as its escapes mean, with and without tags."""
    text = _UNICODE.sub(lambda found: chr(int(found[1], 16)), text)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # joins surrogates
    text = _ESCAPED.sub(" ", text)
    for _ in range(3):
        yield _folded(text)
        yield _folded(_TAG.sub(" ", text))
        yield _folded(_TAG.sub("", text))
        text = html.unescape(text)


def _folded(text: str) -> str:
    """Return the letters and digits alone, words with one blank between."""
    return f" {_SEPARATORS.sub(' ', text.casefold()).strip()} "


def _is_telling(phrase: str) -> bool:
    return phrase.count(" ") > _LEAST_WORDS or len(phrase) > _LEAST_CHARS
