"""Find the line of each key in a TOML text: `tomllib` returns values without positions."""

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
# Tokens of a value. Strings and comments come first, so that brackets in them do not count.
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
    """Return the line, from 1, of the first occurrence of each key of a valid TOML text.

    Covers headers, plain and dotted keys, and the tables that these imply; not the keys inside of
    inline tables and arrays, whose line is that of the key around them.
    """
    lines: dict[KeyPath, int] = {}
    line, counted = 1, 0
    for position, path in _statements(text):
        line, counted = line + text.count("\n", counted, position), position
        for depth in range(1, len(path) + 1):
            lines.setdefault(path[:depth], line)
    return lines


def line_of_key(key: KeyPath, lines: dict[KeyPath, int]) -> int:
    """Return the line of a key, or of the innermost table around the key with a line; else 1."""
    while key:
        if key in lines:
            return lines[key]
        key = key[:-1]
    return 1


def _statements(text: str) -> Iterator[tuple[int, KeyPath]]:
    """Yield the offset and the full key path of each header and assignment."""
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
            return  # newer syntax than this module knows: no line rather than a wrong line
        position = _skip_blank(text, end)


def _end_of_value(text: str, position: int) -> int:
    """Return the offset of the end of a value's last line; `position` is after the equals sign."""
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
    """Return the names in a dotted key, unquoted and unescaped."""
    value: object = tomllib.loads(f"{dotted} = 0")
    names: list[str] = []
    while isinstance(value, dict):
        name, value = next(iter(value.items()))
        names.append(name)
    return tuple(names)
