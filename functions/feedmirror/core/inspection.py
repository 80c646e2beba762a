"""The last look at a document before it is public: that of XML, and what to say of any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from xml.parsers import expat

from feedmirror.core.disclaimer import CSS_CLASS, Disclaimed
from feedmirror.core.prose import bare
from feedmirror.core.secrets import Secrets
from feedmirror.core.xml import SEPARATOR
from feedmirror.errors import RenderError

_MARK = f'class="{CSS_CLASS}"'
_LONGEST_RUN = 1 << 16  # characters that the parser hands over at once

Body = tuple[str, bool]  # what it holds, and whether that is HTML


class Found:
    """The bodies that stand in the entries of a document, read from its XML.

    Bodies are children of entries; what is called the same elsewhere is none.
    """

    def __init__(self, entry: str, level: int, bodies: Iterable[str], default_type: str) -> None:
        self.entries: list[list[Body]] = []
        self._entry = entry  # expat's name of it
        self._level = level  # how deep it stands, the root being 1
        self._bodies = frozenset(bodies)  # expat's names
        self._default_type = default_type  # of a body that does not say "html" or "text"
        self._depth = 0
        self._is_inside = False
        self._is_html = False
        self._pieces: list[str] = []
        self._parser = expat.ParserCreate("utf-8", SEPARATOR)

    def read(self, document: bytes) -> None:
        """Take in the document. Raises: expat.ExpatError."""
        self._parser.buffer_text = True
        self._parser.buffer_size = _LONGEST_RUN
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        try:
            self._parser.Parse(document, True)
        finally:  # else parser and handlers hold each other, and the document, for a while
            self._parser.StartElementHandler = self._parser.EndElementHandler = None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == self._level:
            self._is_inside = name == self._entry
            if self._is_inside:
                self.entries.append([])
        elif self._depth == self._level + 1 and self._is_inside and name in self._bodies:
            self._is_html = attributes.get("type", self._default_type) == "html"
            self._parser.CharacterDataHandler = self._pieces.append

    def _end(self, name: str) -> None:
        if self._depth == self._level + 1 and self._is_inside and name in self._bodies:
            self._parser.CharacterDataHandler = None
            self.entries[-1].append(("".join(self._pieces), self._is_html))
            self._pieces.clear()
        self._depth -= 1


def inspect_xml(name: str, document: bytes, found: Found, entries: Sequence[Disclaimed]) -> None:
    """Nothing, if the document is well-formed and holds the entries, each with a body, and the
    disclaimer in each body. Raises: RenderError.
    """
    try:
        found.read(document)
    except expat.ExpatError as error:
        raise RenderError(f"{name} would not be well-formed: {error}") from error
    inspect_bodies(name, found.entries, entries)


def inspect_bodies(
    name: str, found: Sequence[Sequence[Body]], entries: Sequence[Disclaimed]
) -> None:
    """Nothing, if there are bodies for each of the entries, and none is bare.

    Raises: RenderError, which counts entries from 1.
    """
    if len(found) != len(entries):
        raise RenderError(f"{name} would lack entries: it has {len(found)}")
    pairs = enumerate(zip(found, entries, strict=True), 1)
    bare = [
        number
        for number, (bodies, entry) in pairs
        if not bodies or not all(_carries(*body, entry) for body in bodies)
    ]
    if bare:
        raise RenderError(f"{name} would lack a disclaimer in items {bare}")


def without_bare_prose(entry: Disclaimed) -> Disclaimed:
    """Return the entry without the extension elements that are prose and lack the disclaimer."""
    marks = (_MARK, entry.notice_text)
    found = [tuple(bare(fragment, marks)) for fragment in entry.foreign]
    if not any(found):
        return entry
    kept = (_cut(f, spans) for f, spans in zip(entry.foreign, found, strict=True))
    names = (name for spans in found for name, _, _ in spans)
    return replace(entry, foreign=tuple(filter(None, kept)), left_out=tuple(dict.fromkeys(names)))


def _cut(fragment: str, spans: Iterable[tuple[str, int, int]]) -> str:
    """Return the fragment without the spans, which may lie in one another."""
    pieces, position = [], 0
    for _, start, end in sorted(spans, key=lambda span: span[1]):
        if start >= position:
            pieces.append(fragment[position:start])
            position = end
    return "".join((*pieces, fragment[position:]))


def inspect_secrets(name: str, document: str, secrets: Secrets) -> None:
    """Nothing, if no secret of the subscription stands in the document, in whatever spelling.

    Raises: RenderError.
    """
    if secrets.found_in(document):
        raise RenderError(
            f"{name} would show a secret value of `url`, `alternates` or `headers`; where it is "
            "none, set `source_url`"
        )


def _carries(body: str, is_html: bool, entry: Disclaimed) -> bool:
    """Whether the disclaimer is in it: marked, or in plain text word for word."""
    return (_MARK if is_html else entry.notice_text) in body
