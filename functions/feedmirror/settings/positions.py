"""Where in a TOML text its keys stand; `tomllib` reads values without remembering lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from feedmirror.settings.problems import KeyPath

_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_DOTTED = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
_BLANK = re.compile(r"(?:[\s]|#[^\n]*)*")  # between statements
_HEADER = re.compile(rf"\[\[?[ \t]*({_DOTTED})[ \t]*\]\]?")
_ASSIGNMENT = re.compile(rf"({_DOTTED})[ \t]*=")
# What a value is made of; strings and comments first, so that brackets within them don't count.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # may end in two quotation marks of its own
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[{]|[\]}]|\n|[^\"'#\[\]{}\n]+",
    re.DOTALL,
)


def lines_of(text: str) -> dict[KeyPath, int]:
    """The line, from 1, on which each key of a valid TOML text first stands.

    Headers, plain and dotted keys, and the tables they imply are found. What is inside an
    inline table or an array is not: it is looked up under the key that holds it.
    """
    lines: dict[KeyPath, int] = {}
    line, counted = 1, 0
    for position, path in _statements(text):
        line, counted = line + text.count("\n", counted, position), position
        for depth in range(1, len(path) + 1):
            lines.setdefault(path[:depth], line)
    return lines


def line_of(key: KeyPath, lines: dict[KeyPath, int]) -> int:
    """The line of a key, or of the innermost table around it that has one; 1 for none at all."""
    while key:
        if key in lines:
            return lines[key]
        key = key[:-1]
    return 1


def _statements(text: str) -> Iterator[tuple[int, KeyPath]]:
    """Each header and assignment: where it starts, and the whole path it names."""
    table: KeyPath = ()
    position = _skip_blank(text, 0)
    while position < len(text):
        if header := _HEADER.match(text, position):
            table = _names(header[1])
            yield position, table
            end = header.end()
        elif assignment := _ASSIGNMENT.match(text, position):
            yield position, table + _names(assignment[1])
            end = _end_of_value(text, assignment.end())
        else:
            return  # not valid TOML, or newer than this module: better no line than a wrong one
        position = _skip_blank(text, end)


def _end_of_value(text: str, position: int) -> int:
    """Where the line on which a value ends, ends; `position` is behind the equals sign."""
    depth = 0
    while token := _TOKEN.match(text, position):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if token[0] == "\n" and depth == 0:
            break
        position = token.end()
    return position


def _skip_blank(text: str, position: int) -> int:
    blank = _BLANK.match(text, position)
    return blank.end() if blank else position


def _names(dotted: str) -> KeyPath:
    """The names of a dotted key, quotes and escapes undone."""
    value: object = tomllib.loads(f"{dotted} = 0")
    names: list[str] = []
    while isinstance(value, dict):
        name, value = next(iter(value.items()))
        names.append(name)
    return tuple(names)
