"""What a refresh writes, as values."""

from __future__ import annotations

from dataclasses import dataclass

from feedmirror.core.state import State


@dataclass(frozen=True, slots=True)
class Commit:
    """One state to write, and how many entries of which sort it brings."""

    state: State
    new: int = 0
    revised: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be committed, in order."""

    commits: tuple[Commit, ...]  # empty: nothing to write
    unchanged: int  # entries of the document that are as they were
