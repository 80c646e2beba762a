"""How much of a flood of new entries is read at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

# One to five seconds' work, by the machine.
_MOST_ITEMS = 2_500
_MOST_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """Which of the items of a document are asked for: the first from `begin` to before `end`."""

    begin: int  # an index into the items
    end: int | None = None  # None: as many as are read at a time


def first_of(new: Sequence[int], size_of: Callable[[int], int], part: Part | None) -> Sequence[int]:
    """Return the indices of the items of the part, of which there are no more than are read at a
    time; without a part all.

    `new` holds the indices of all items that there is something to read of, `size_of` says how
    many bytes one has.
    """
    if part is None:
        return new
    end = new[-1] + 1 if part.end is None and new else part.end or 0
    within = [index for index in new if part.begin <= index < end]
    sizes = accumulate(map(size_of, within[:_MOST_ITEMS]))
    return within[: max(1, sum(size <= _MOST_BYTES for size in sizes))]
