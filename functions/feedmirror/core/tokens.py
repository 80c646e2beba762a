"""HTML as an origin writes it, as tags and runs of text, in linear time.

Comments, declarations and elements whose content is never shown (scripts, styles) are left out. A
comment or such an element that nobody closed ends at its own tag, so no word behind it is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from feedmirror.core.markup import ATTRIBUTES, OF_HTML
from feedmirror.core.text import ADDRESS, unescape

_FORMULA_ROOTS = frozenset({"m:math", "mml:math", "mathml:math"})
_KNOWN = OF_HTML | {"math", "noframes", "noscript", "svg"}
_OF_TEXT = frozenset({"textarea", "xmp"})  # what is in them is no markup
_NEVER_SHOWN = frozenset({"datalist", "noembed", "script", "style", "template", "title"})
_NEVER_SHOWN_DRAWN = _NEVER_SHOWN - {"title"} | {"metadata"}  # the title is its caption
_MARK = re.compile(r"<(?:(/?)([a-zA-Z][^\s/<>]*+)|!--|!\[CDATA\[|[!?](?=[a-zA-Z\[>])|/>)|\]\]>|<")
_REST_OF_KNOWN = re.compile(rf"({ATTRIBUTES})([\s/]*+)(>?)")
# What HTML does not know may be words (`a <b2 and c`): its tag ends before the next one begins.
_REST_OF_UNKNOWN = re.compile(
    r"((?>(?:\"[^\"<]*+\"|'[^'<]*+'|[^<>\"'/]|/(?!>))*))(/?)>|([^<>]*+)()>"
)
_ADDRESS = re.compile(ADDRESS)
_CLOSE = re.compile(">")
_COMMENT_END = re.compile(r"--!?>")
_SCRIPT_TAG = re.compile(r"<(/?)script(?=[\s/>])", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"([^\s/>=\"'][^\s/>=]*+)(?>(?:\s*+=\s*+(?>(?:\"([^\"]*+)\"|'([^']*+)'|[\"']?+([^\s>\"'][^\s>]*+))?))?)"
)
_OPEN_QUOTE = re.compile(r"=\s*+(?:\"[^\"]*+|'[^']*+)$")


@dataclass(slots=True)
class Tag:
    """The start or the end of an element."""

    name: str  # in small letters
    is_end: bool
    is_whole: bool  # `<br/>`
    raw: str  # the attributes as they stand
    source: str
    content: str = ""  # of a script
    is_drawn: bool = False  # it stands in a drawing

    def attributes(self) -> dict[str, str]:
        """The attributes, the first of a name counts; references in values are replaced."""
        found: dict[str, str] = {}
        for match in _ATTRIBUTE.finditer(self.raw):
            value = match[2] or match[3] or match[4] or ""
            found.setdefault(match[1].lower(), unescape(value))
        return found


def tokens(body: str) -> Iterator[Tag | str]:
    """The tags and the runs of text of `body`, in order. A text holds no `<`, but may hold `&lt;`.

    A CDATA section is read as if its content stood there by itself.
    """
    return _Reader(body).tokens()


class _Reader:
    def __init__(self, body: str) -> None:
        self._body = body
        self._sections = 0  # CDATA sections that are open
        self._drawings = 0  # SVG elements that are open
        self._missing: set[str] = set()  # patterns that do not occur any more

    def tokens(self) -> Iterator[Tag | str]:
        position = 0
        while found := _MARK.search(self._body, position):
            if found.start() > position:
                yield self._body[position : found.start()]
            token, position = self._token(found)
            if token:
                yield token
        if position < len(self._body):
            rest = self._body[position:]
            yield rest.removesuffix("]]") if self._sections else rest

    def _token(self, mark: re.Match[str]) -> tuple[Tag | str, int]:
        """Return what begins at `mark`, "" for nothing, and the position behind it."""
        if mark[2]:
            return self._tag(mark)
        if mark[0] == "<!--":
            return "", self._behind_comment(mark.end())
        if mark[0] in {"<![CDATA[", "]]>"}:
            return self._section(mark[0]), mark.end()
        if mark[0] in {"<", "</>"}:
            return "&lt;" if mark[0] == "<" else "", mark.end()
        end = self._find(_CLOSE, mark.end())
        return ("", end.end()) if end else ("&lt;", mark.start() + 1)

    def _section(self, mark: str) -> str:
        """Return what stands for the begin or the end of a CDATA section."""
        text = "]]&gt;" if mark == "]]>" and not self._sections else ""
        self._sections = max(0, self._sections + (-1 if mark == "]]>" else 1))
        return text

    def _tag(self, mark: re.Match[str]) -> tuple[Tag | str, int]:
        name = mark[2].lower()
        name = "math" if name in _FORMULA_ROOTS else name
        if _ADDRESS.match(name):
            return "&lt;", mark.start() + 1
        pattern = _REST_OF_KNOWN if name in _KNOWN else _REST_OF_UNKNOWN
        rest = pattern.match(self._body, mark.end())
        if rest is None:
            return "&lt;", mark.start() + 1
        if name in _KNOWN and not rest[3]:  # the body was cut off within the tag
            return "", len(self._body)
        raw, tail = (rest[1] or "", rest[2]) if rest[1] is not None else (rest[3], rest[4])
        source = self._body[mark.start() : rest.end()]
        if _OPEN_QUOTE.search(raw):  # to a sanitiser the tag would end at the next quote, if any
            tag = Tag(name, bool(mark[1]), False, raw, "")
            source = f"<{mark[1]}{name}{''.join(map(_written, tag.attributes().items()))}>"
        tag = Tag(name, bool(mark[1]), "/" in (tail or ""), raw, source)
        if name == "svg" and not tag.is_whole:
            self._drawings = max(0, self._drawings + (-1 if tag.is_end else 1))
        tag.is_drawn = self._drawings > 0
        if name in _OF_TEXT and not tag.is_end and (end := self._find(_end_of(name), rest.end())):
            return self._body[rest.end() : end.start()].replace("<", "&lt;"), end.end()
        never_shown = _NEVER_SHOWN_DRAWN if tag.is_drawn else _NEVER_SHOWN
        if name not in never_shown:
            return tag, rest.end()
        return self._unshown(tag, rest.end())

    def _unshown(self, tag: Tag, position: int) -> tuple[Tag | str, int]:
        """Go behind an element that is not shown; a script is told of, with what it holds."""
        if tag.is_end or tag.is_whole:
            return "", position
        if tag.name == "script" and "src" in tag.attributes():
            # Nothing in it counts. If another script begins first, this one was never closed.
            following = self._find(_SCRIPT_TAG, position)
            if following is None or not following[1]:
                return "", position
        end = self._find(_end_of(tag.name), position)
        if end is None:
            return "", position
        tag.content = self._body[position : end.start()]
        return (tag if tag.name == "script" else ""), end.end()

    def _behind_comment(self, position: int) -> int:
        for empty in (">", "->"):
            if self._body.startswith(empty, position):
                return position + len(empty)
        end = self._find(_COMMENT_END, position) or self._find(_CLOSE, position)
        return end.end() if end else len(self._body)

    def _find(self, pattern: re.Pattern[str], position: int) -> re.Match[str] | None:
        """Search; what is missing once is not looked for again."""
        if pattern.pattern in self._missing:
            return None
        found = pattern.search(self._body, position)
        if found is None:
            self._missing.add(pattern.pattern)
        return found


def _written(attribute: tuple[str, str]) -> str:
    name, value = attribute
    return f' {name}="{escape(value)}"'


def _end_of(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}(?=[\s/>]|$)[^<>]*+>?", re.IGNORECASE)
