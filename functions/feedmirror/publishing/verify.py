"""The last look at a document before it is public: that of XML, and what to say of any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from xml.parsers import expat

from feedmirror.errors import RenderError
from feedmirror.publishing.disclaimer import CSS_CLASS, Disclaimed
from feedmirror.text.prose import bare
from feedmirror.text.secrets import Secrets
from feedmirror.text.xml import SEPARATOR

_MARK = f'class="{CSS_CLASS}"'
_LONGEST_RUN = 1 << 16  # characters that the parser hands over at once
_PORTION_BYTES = 1 << 18  # of a document that is looked at in portions

Body = tuple[Sequence[str], bool]  # what it holds, in pieces, and whether that is HTML


class Found:
    """The bodies that stand in the entries of a document, read from its XML.

    Bodies are children of entries; what is called the same elsewhere is none.
    """

    def __init__(self, entry: str, level: int, bodies: Iterable[str], default_type: str) -> None:
        self._entries: list[list[Body]] = []  # of which the last may go on
        self._entry = entry  # expat's name of it
        self._level = level  # how deep it stands, the root being 1
        self._bodies = frozenset(bodies)  # expat's names
        self._default_type = default_type  # of a body that does not say "html" or "text"
        self._depth = 0
        self._is_inside = False
        self._is_html = False
        self._pieces: list[str] = []
        self._parser = expat.ParserCreate("utf-8", SEPARATOR)

    def read(self, document: bytes) -> Iterator[Sequence[Body]]:
        """Yield the bodies of each entry: those of all together may be large.

        Raises: expat.ExpatError.
        """
        self._parser.buffer_text = True
        self._parser.buffer_size = _LONGEST_RUN
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
        finally:  # else parser and handlers hold each other, and the document, for a while
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


def inspect_xml(name: str, document: bytes, found: Found, entries: Sequence[Disclaimed]) -> None:
    """Nothing, if the document is well-formed and holds the entries, each with a body, and the
    disclaimer in each body. Raises: RenderError.
    """
    try:
        inspect_bodies(name, found.read(document), entries)
    except expat.ExpatError as error:
        raise RenderError(f"{name} would not be well-formed: {error}") from error


def inspect_bodies(
    name: str, found: Iterable[Sequence[Body]], entries: Sequence[Disclaimed]
) -> None:
    """Nothing, if there are bodies for each of the entries, and none is bare.

    Raises: RenderError, which counts entries from 1; what `found` raises.
    """
    bare: list[int] = []
    number = 0
    for number, bodies in enumerate(found, 1):
        entry = entries[number - 1] if number <= len(entries) else None
        if entry and not (bodies and all(_carries(*body, entry) for body in bodies)):
            bare.append(number)
    if number != len(entries):
        raise RenderError(f"{name} would lack entries: it has {number}")
    if bare:
        raise RenderError(f"{name} would lack a disclaimer in items {bare}")


def without_bare_prose(entry: Disclaimed) -> Disclaimed:
    """Return the entry without the extension elements that are prose and lack the disclaimer."""
    marks = (_MARK, entry.notice_text)
    found = [tuple(bare(fragment, marks)) for fragment in entry.extension_elements]
    if not any(found):
        return entry
    kept = (_cut(f, spans) for f, spans in zip(entry.extension_elements, found, strict=True))
    names = (name for spans in found for name, _, _ in spans)
    return replace(
        entry, extension_elements=tuple(filter(None, kept)), left_out=tuple(dict.fromkeys(names))
    )


def _cut(fragment: str, spans: Iterable[tuple[str, int, int]]) -> str:
    """Return the fragment without the spans, which may lie in one another."""
    pieces, position = [], 0
    for _, start, end in sorted(spans, key=lambda span: span[1]):
        if start >= position:
            pieces.append(fragment[position:start])
            position = end
    return "".join((*pieces, fragment[position:]))


def inspect_secrets(name: str, document: bytes, secrets: Secrets) -> None:
    """Nothing, if no secret of the subscription stands in the document, in whatever spelling.

    Raises: RenderError.
    """
    if secrets and any(map(secrets.found_in, _portions(document))):
        raise RenderError(
            f"{name} would show a secret value of `url`, `alternates` or `headers`; where it is "
            "none, set `source_url`"
        )


def _portions(document: bytes) -> Iterator[str]:
    """Yield the document in portions of whole lines: as one string, it might take four times its
    size. A value that is secret holds no line break.
    """
    lines = BytesIO(document)
    while portion := lines.readlines(_PORTION_BYTES):
        yield b"".join(portion).decode("utf-8", "replace")


def _carries(body: Sequence[str], is_html: bool, entry: Disclaimed) -> bool:
    """Return whether the disclaimer is in it: marked, or in plain text word for word."""
    said = _MARK if is_html else entry.notice_text
    rest = ""  # of the pieces before: as much as may begin what is looked for
    for piece in body:
        there = rest + piece if rest else piece
        if said in there:
            return True
        rest = there[-len(said) :]
    return False
