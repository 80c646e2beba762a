"""The public entries of a feed, together with the JSON that they are stored as.

An unchanged feed needs none of them, and a changed one changes few: entries are decoded when they
are looked at, and those that stay are written as they were read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256

from feedmirror.core import codec
from feedmirror.model import Revision

_DECODER = json.JSONDecoder()


class Window:
    """Revisions, newest first; two windows are equal if their JSON is."""

    __slots__ = ("_pieces", "_revisions", "text")

    def __init__(self, text: str = "[]") -> None:
        self.text = text  # a JSON array
        self._revisions: tuple[Revision, ...] | None = None
        self._pieces: dict[int, str] = {}  # the JSON of each, by identity

    @classmethod
    def of(cls, revisions: Iterable[Revision], before: Window) -> Window:
        """A window of these revisions; those that are `before`'s very own are not encoded again."""
        made = cls()
        made._revisions = tuple(revisions)
        known = before._pieces
        made._pieces = {id(r): known.get(id(r)) or _encoded(r) for r in made._revisions}
        made.text = f"[{','.join(made._pieces.values())}]"
        return made

    @property
    def revisions(self) -> tuple[Revision, ...]:
        """The entries. Raises: ValueError, TypeError, KeyError or AttributeError for bad JSON."""
        if self._revisions is None:
            pairs = list(_split(self.text))
            self._revisions = tuple(revision for revision, _ in pairs)
            self._pieces = {id(revision): piece for revision, piece in pairs}
        return self._revisions

    @property
    def digest(self) -> str:
        """A digest of the JSON, by which damage is noticed without reading it."""
        return sha256(self.text.encode()).hexdigest()[:32]

    def __iter__(self) -> Iterator[Revision]:
        return iter(self.revisions)

    def __len__(self) -> int:
        return len(self.revisions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Window) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def _encoded(revision: Revision) -> str:
    return json.dumps(codec.to_plain(revision), ensure_ascii=False, separators=(",", ":"))


def _split(text: str) -> Iterator[tuple[Revision, str]]:
    """Each element of a compact JSON array, decoded and as it stands there."""
    position = 1
    while text[position] != "]":
        plain, end = _DECODER.raw_decode(text, position)
        yield codec.revision(plain), text[position:end]
        position = end + (text[end] == ",")
