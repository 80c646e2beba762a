"""Commits: the states that a refresh writes, as `decide` returns them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from feedmirror.mirror.state import State


class Commit(Struct, frozen=True):
    """One state to write: what it adds to the state before it, and how many entries of which sort.

    It is applied to the state as the commit before it was carried out, so what that left undone is
    still pending afterwards.
    """

    apply: Callable[[State], State]
    new: int = 0
    revised: int = 0
    amended: int = 0


class Decision(Struct, frozen=True):
    """The commits to make, in order."""

    commits: Sequence[Commit]  # empty: nothing to write
    unchanged: int  # entries of the document that are as they were
    held_up: bool = False  # True: entries were not taken, since too much is pending already
    held: int = 0  # changes that come too often to be followed now
    # Keys of new entries that are left out, since they look like ones that were taken down.
    withheld: tuple[str, ...] = ()
    postponed: int = 0  # unknown entries that are not taken now: the document is read again
    wanted: tuple[str, ...] = ()  # keys of entries to load before the decision can be made
