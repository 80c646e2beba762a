"""The items of a JSON document, each with its text as it came; of a document that was cut off, the
whole ones.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from feedmirror.errors import Kind, ParseError

_LONGEST_NUMBER = 1_000  # digits; Python refuses to read more than 4,300
_STRUCTURE = re.compile(r"\"(?>(?:[^\"\\]++|\\.)*)\"|[\[\]{}]", re.DOTALL)
_BLANKS = re.compile(r"[ \t\r\n]*")


def _integer(digits: str) -> float:
    """A whole number; infinity for one of more digits than any has."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else math.inf


# Line breaks within strings, which are forbidden and written nevertheless, pass.
_DECODER = json.JSONDecoder(strict=False, parse_int=_integer)


@dataclass(frozen=True, slots=True)
class Found:
    """An item."""

    value: dict[str, Any]
    source: str  # its text
    is_too_deep: bool = False  # then its value was not read


@dataclass(slots=True)
class Document:
    """The members of the outermost object."""

    head: dict[str, Any] = field(default_factory=dict)  # all but the items
    found: list[Found] | None = None  # None: `items` is missing, or no list
    unread: bool = False  # True: `items` has a value that is not an object
    complete: bool = True  # False: the document was cut off


def read(text: str) -> Document:
    """The document, which begins with a brace. What stands behind its last brace is left out.

    Raises: ParseError NOT_A_FEED where it is damaged, UNSAFE where it is nested too deep.
    """
    document = Document()
    try:
        _Reader(text).members(document)
    except RecursionError as error:
        raise ParseError(Kind.UNSAFE, "the JSON is nested beyond reason") from error
    except ValueError as error:
        # A document that ends with a brace came to its end, and has another fault.
        if text.rstrip().endswith("}"):
            raise ParseError(Kind.NOT_A_FEED, f"the document is not valid JSON: {error}") from error
        document.complete = False
    return document


class _Reader:
    """A position in the text; every method but `members` leaves it behind what it has read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def members(self, document: Document) -> None:
        """Fills the document, as far as the text goes. Raises: ValueError, RecursionError."""
        self._take("{")
        while self._next() != "}":
            if document.head or document.found is not None:
                self._take(",")
            key = self._value()
            self._take(":")
            if key == "items" and self._next() == "[":
                self._items(document)
            else:
                document.head[str(key)] = self._value()

    def _items(self, document: Document) -> None:
        found = document.found = []
        self._take("[")
        first = True
        while self._next() != "]":
            if not first:
                self._take(",")
            first = False
            self._next()
            start = self._position
            try:
                value = self._value()
            except RecursionError:
                self._skip()
                value = {} if self._text[start] == "{" else None
                is_too_deep = True
            else:
                is_too_deep = False
            if isinstance(value, dict):
                found.append(Found(value, self._text[start : self._position], is_too_deep))
            else:
                document.unread = True
        self._take("]")

    def _skip(self) -> None:
        """Go behind the value that begins here. Raises: ValueError if it does not end."""
        depth = 0
        for found in _STRUCTURE.finditer(self._text, self._position):
            if found[0] in "[{":
                depth += 1
            elif found[0] in "]}":
                depth -= 1
                if not depth:
                    self._position = found.end()
                    return
        raise ValueError("it ends too soon")

    def _next(self) -> str:
        """The next character that is no blank, not taken. Raises: ValueError at the end."""
        blanks = _BLANKS.match(self._text, self._position)
        self._position = blanks.end() if blanks else self._position
        if self._position == len(self._text):
            raise ValueError("it ends too soon")
        return self._text[self._position]

    def _take(self, character: str) -> None:
        if self._next() != character:
            raise ValueError(f"no {character!r} at character {self._position}")
        self._position += 1

    def _value(self) -> Any:
        self._next()
        value, self._position = _DECODER.raw_decode(self._text, self._position)
        return value
