"""Which item a worker was at when it ended: a word of memory that parent and children share."""

from __future__ import annotations

import mmap
import struct

_INDEX = struct.Struct("=q")
_NONE = -1


class Reached:
    """An index that a child process notes and its parent reads, also once the child is dead.

    Make it before the child is forked. A child that hostile input has taken over can note what it
    likes: believe nothing of the value but that it is a number.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _INDEX.size)
        self.clear()

    def note(self, index: int) -> None:
        """Work on the item with this index begins."""
        _INDEX.pack_into(self._memory, 0, index)

    def clear(self) -> None:
        """Work on no item has begun."""
        self.note(_NONE)

    @property
    def index(self) -> int:
        """The index that was noted last; less than 0 if none was."""
        index: int = _INDEX.unpack_from(self._memory)[0]
        return index
