"""The public entries of a feed, together with the JSON that they are stored as.

An unchanged feed needs none of them, and a changed one changes few: entries are decoded when they
are looked at, and those that stay are written as they were read. It is kept as bytes: to decode
and encode it for nothing would cost more than all the rest of loading a state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from hashlib import blake2b, sha256

from msgspec import Raw, Struct, json
from msgspec.structs import force_setattr

from feedmirror.mirror import codec
from feedmirror.model import Revision

# Of JSON, up to which the entries stay in memory, where they may take four times that.
_KEPT_BYTES = 4_000_000


class Window(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """Revisions, newest first; two windows are equal if their JSON is."""

    digest: str = ""  # of `entries`, by which damage is noticed without reading them; "": not known
    entries: Raw = Raw(b"[]")  # a JSON array

    def __post_init__(self) -> None:
        digest = sha256(self.entries).hexdigest()[:32]
        if not self.digest:
            force_setattr(self, "digest", digest)
        elif self.digest != digest:
            raise ValueError("the window does not match its digest")

    @classmethod
    def of(cls, revisions: Iterable[Revision], before: Window) -> Window:
        """Return a window of these revisions; those in `before.revisions` are not encoded again.

        `before` lets go of its entries, and decodes them again if anybody asks: whoever still holds
        it would else hold those that are in the new window no more. So does a large new window.
        """
        there, cache = tuple(revisions), vars(before)
        held: tuple[Revision, ...] = cache.get("revisions", ())
        known = dict(zip(map(id, held), before._pieces, strict=True)) if held else {}
        pieces = (known.get(id(one)) or json.encode(one) for one in there)
        made = cls(entries=Raw(b"[%b]" % b",".join(pieces)))
        if len(memoryview(made.entries)) <= _KEPT_BYTES:
            vars(made)["revisions"] = there
        cache.clear()
        return made

    @cached_property
    def revisions(self) -> tuple[Revision, ...]:
        """The entries. Raises: StateError if they are damaged."""
        return tuple(map(_revision, self._pieces))

    @cached_property
    def _pieces(self) -> tuple[Raw, ...]:
        """The JSON of each entry. Raises: StateError if it is no array."""
        return codec.decode_part(self.entries, tuple[Raw, ...])

    def marks(self) -> tuple[str, ...]:
        """Return a digest of each entry as it is stored, newest first."""
        return tuple(blake2b(piece, digest_size=12).hexdigest() for piece in self._pieces)

    def __iter__(self) -> Iterator[Revision]:
        """Yield the entries; those of a large window one at a time. Raises: StateError."""
        if "revisions" not in vars(self) and len(memoryview(self.entries)) > _KEPT_BYTES:
            return map(_revision, self._pieces)
        return iter(self.revisions)

    def __len__(self) -> int:
        return len(self._pieces)


def _revision(piece: Raw) -> Revision:
    return codec.decode_part(piece, Revision)
