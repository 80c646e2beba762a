"""Verify a rendered document before it is published: its entries, its disclaimers, its secrets.

XML documents are parsed here; JSON and HTML documents are parsed by their formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from xml.parsers import expat

from msgspec.structs import replace

from feedmirror.errors import RenderError
from feedmirror.publishing.disclaimer import CSS_CLASS, Disclaimed
from feedmirror.text.plain import unmarked_prose
from feedmirror.text.secrets import Secrets
from feedmirror.text.xml import SEPARATOR

_MARK = f'class="{CSS_CLASS}"'
_BUFFER_CHARS = 1 << 16  # of text that expat passes to a handler at once
_PORTION_BYTES = 1 << 18  # of a document that is read in portions

Body = tuple[Sequence[str], bool]  # the text in pieces, and True if the text is HTML


class BodyReader:
    """Reader of the bodies of a document's entries from its XML.

    Only children of entries are bodies; elements of the same name elsewhere are ignored.
    """

    def __init__(self, entry: str, level: int, bodies: Iterable[str], default_type: str) -> None:
        """Prepare to read one document.

        `entry` and `bodies` are the elements' names as expat gives them, `level` is the depth of
        an entry (1 is the root), `default_type` the type ("html" or "text") of a body without one.
        """
        self._entries: list[list[Body]] = []  # the last may be incomplete
        self._entry = entry
        self._level = level
        self._bodies = frozenset(bodies)
        self._default_type = default_type
        self._depth = 0
        self._is_inside = False
        self._is_html = False
        self._pieces: list[str] = []
        self._parser = expat.ParserCreate("utf-8", SEPARATOR)

    def read(self, document: bytes) -> Iterator[Sequence[Body]]:
        """Yield the bodies of each entry in turn: all together may be large.

        Raises: expat.ExpatError.
        """
        self._parser.buffer_text = True
        self._parser.buffer_size = _BUFFER_CHARS
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        view = memoryview(document)
        try:
            for start in range(0, len(document), _PORTION_BYTES):
                self._parser.Parse(view[start : start + _PORTION_BYTES], False)
                finished, self._entries = self._entries[:-1], self._entries[-1:]
                yield from finished
            self._parser.Parse(b"", True)
            yield from self._entries
        finally:  # break the reference cycle, which would keep the document in memory
            self._parser.StartElementHandler = self._parser.EndElementHandler = None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == self._level:
            self._is_inside = name == self._entry
            if self._is_inside:
                self._entries.append([])
        elif self._depth == self._level + 1 and self._is_inside and name in self._bodies:
            self._is_html = attributes.get("type", self._default_type) == "html"
            self._parser.CharacterDataHandler = self._pieces.append

    def _end(self, name: str) -> None:
        if self._depth == self._level + 1 and self._is_inside and name in self._bodies:
            self._parser.CharacterDataHandler = None
            self._entries[-1].append((self._pieces, self._is_html))
            self._pieces = []
        self._depth -= 1


def inspect_xml(
    name: str, document: bytes, reader: BodyReader, entries: Sequence[Disclaimed]
) -> None:
    """Check that the document is well-formed and has exactly these entries, each with a body, and
    the disclaimer in each body.

    Raises: RenderError.
    """
    try:
        inspect_bodies(name, reader.read(document), entries)
    except expat.ExpatError as error:
        raise RenderError(f"{name} would not be well-formed: {error}") from error


def inspect_structure(name: str, document: bytes) -> None:
    """Check that the XML document is well-formed, also in its prefixes. Raises: RenderError."""
    try:
        expat.ParserCreate("utf-8", SEPARATOR).Parse(document, True)
    except expat.ExpatError as error:
        raise RenderError(f"{name} would not be well-formed: {error}") from error


def inspect_bodies(
    name: str, bodies_by_entry: Iterable[Sequence[Body]], entries: Sequence[Disclaimed]
) -> None:
    """Check that there are bodies for each of the entries, and the disclaimer in each body.

    Raises: RenderError, which counts entries from 1, and whatever `bodies_by_entry` raises.
    """
    bare: list[int] = []
    number = 0
    for number, bodies in enumerate(bodies_by_entry, 1):
        entry = entries[number - 1] if number <= len(entries) else None
        if entry and not (bodies and all(_carries(*body, entry) for body in bodies)):
            bare.append(number)
    if number != len(entries):
        raise RenderError(f"{name} would have {number} entries instead of {len(entries)}")
    if bare:
        raise RenderError(f"{name} would lack a disclaimer in items {bare}")


def without_bare_prose(entry: Disclaimed) -> Disclaimed:
    """Return the entry without its extension elements that hold prose but no disclaimer."""
    marks = (_MARK, entry.notice_text)
    found = [tuple(unmarked_prose(fragment, marks)) for fragment in entry.extension_elements]
    if not any(found):
        return entry
    kept = (_cut(f, spans) for f, spans in zip(entry.extension_elements, found, strict=True))
    names = (name for spans in found for name, _, _ in spans)
    return replace(
        entry, extension_elements=tuple(filter(None, kept)), left_out=tuple(dict.fromkeys(names))
    )


def _cut(fragment: str, spans: Iterable[tuple[str, int, int]]) -> str:
    """Return the fragment without the spans, which may be nested."""
    pieces, position = [], 0
    for _, start, end in sorted(spans, key=lambda span: span[1]):
        if start >= position:
            pieces.append(fragment[position:start])
            position = end
    return "".join((*pieces, fragment[position:]))


def inspect_secrets(name: str, document: bytes, secrets: Secrets) -> None:
    """Check that the document holds no secret of the subscription, in any encoding.

    Raises: RenderError.
    """
    if secrets and any(map(secrets.found_in, _portions(document))):
        raise RenderError(
            f"{name} would show a secret value of `url`, `alternates` or `headers`; if the value "
            "is not secret, set `source_url`"
        )


def _portions(document: bytes) -> Iterator[str]:
    """Yield the document in portions of whole lines: one string might take four times its size.
    No secret spans lines, since secrets hold no line break.
    """
    lines = BytesIO(document)
    while portion := lines.readlines(_PORTION_BYTES):
        yield b"".join(portion).decode("utf-8", "replace")


def _carries(body: Sequence[str], is_html: bool, entry: Disclaimed) -> bool:
    """True if the body has the disclaimer: its class in HTML, its words in plain text."""
    wanted = _MARK if is_html else entry.notice_text
    tail = ""  # of the previous pieces: `wanted` may begin there
    for piece in body:
        searched = tail + piece if tail else piece
        if wanted in searched:
            return True
        tail = searched[-len(wanted) :]
    return False
