"""The public entries of a feed, together with the JSON that they are stored as.

An unchanged feed needs none of them, and a changed one changes few: entries are decoded when they
are looked at, and those that stay are written as they were read. It is kept as bytes: to decode
and encode it for nothing would cost more than all the rest of loading a state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b, sha256

from feedmirror.errors import StateError
from feedmirror.mirror import codec
from feedmirror.model import Revision

# Of JSON, up to which the entries stay in memory, where they may take four times that.
_KEPT_BYTES = 4_000_000
_BETWEEN = b",\n"  # no JSON on one line holds it: a line break within a string is escaped


class Window:
    """Revisions, newest first; two windows are equal if their JSON is."""

    __slots__ = ("_pieces", "_revisions", "data")

    def __init__(self, data: bytes = b"[]") -> None:
        self.data = data  # a JSON array, a line for each element
        self._revisions: tuple[Revision, ...] | None = None
        self._pieces: dict[int, memoryview] = {}  # of `data`: the JSON of each, by identity

    @classmethod
    def of(cls, revisions: Iterable[Revision], before: Window) -> Window:
        """Return a window of these revisions; those in `before.revisions` are not encoded again.

        `before` lets go of its entries, and decodes them again if anybody asks: whoever still holds
        it would else hold those that are in the new window no more. So does a large new window.
        """
        there, known = tuple(revisions), before._pieces
        pieces = [known.get(id(one)) or _encoded(one) for one in there]
        made = cls(b"[%b]" % _BETWEEN.join(pieces))
        if len(made.data) <= _KEPT_BYTES:
            made._remember(there, map(len, pieces))
        before._revisions, before._pieces = None, {}
        return made

    @property
    def revisions(self) -> tuple[Revision, ...]:
        """The entries. Raises: StateError if they are damaged."""
        if self._revisions is None:
            pieces = tuple(self._lines())
            self._remember(tuple(map(_decoded, pieces)), map(len, pieces))
        return self._revisions or ()

    def _lines(self) -> Iterator[bytes]:
        start, end = 1, len(self.data) - 1
        while start < end:
            found = self.data.find(_BETWEEN, start)
            stop = found if found >= 0 else end
            yield self.data[start:stop]
            start = stop + len(_BETWEEN)

    def _remember(self, revisions: tuple[Revision, ...], sizes: Iterable[int]) -> None:
        self._revisions = revisions
        view, start = memoryview(self.data), 1
        for revision, size in zip(revisions, sizes, strict=True):
            self._pieces[id(revision)] = view[start : start + size]
            start += size + len(_BETWEEN)

    def marks(self) -> tuple[str, ...]:
        """Return a digest of each entry as it is stored, newest first."""
        return tuple(blake2b(line, digest_size=12).hexdigest() for line in self._lines())

    @property
    def digest(self) -> str:
        """A digest of the JSON, by which damage is noticed without reading it."""
        return sha256(self.data).hexdigest()[:32]

    def __iter__(self) -> Iterator[Revision]:
        """Yield the entries; those of a large window one at a time. Raises: StateError."""
        if self._revisions is None and len(self.data) > _KEPT_BYTES:
            return map(_decoded, self._lines())
        return iter(self.revisions)

    def __len__(self) -> int:
        return len(self.revisions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Window) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)


def _encoded(revision: Revision) -> bytes:
    return codec.to_json(codec.to_plain(revision))


def _decoded(line: bytes) -> Revision:
    try:
        return codec.revision(codec.from_json(line))
    except codec.UNREADABLE as error:
        raise StateError(
            f"the entries in the state are damaged ({type(error).__name__}: {error}): "
            "nothing was changed; `feedmirror rebuild` makes it anew from the stored ones"
        ) from error
