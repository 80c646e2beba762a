"""What is going on, for whoever watches stderr: a live line on a terminal, else nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

_MARGIN = 4  # columns that the spinner takes


class Progress(Protocol):
    """A place to show it."""

    @property
    def live(self) -> bool:
        """Whether `rest` shows anything."""
        ...

    def rest(self, words: str) -> None:
        """Show what is waited for; may be called in any thread."""
        ...

    def write(self, line: str) -> None:
        """Write a line that stays."""
        ...


class PlainProgress:
    """Lines that stay, and nothing else."""

    live = False

    def rest(self, words: str) -> None:
        """Nothing."""

    def write(self, line: str) -> None:
        """Write a line on stderr, in one piece: threads may write at once."""
        with suppress(OSError):  # a log that cannot be written stops no feed
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


class LiveProgress:
    """A line at the bottom that changes; others are written above it."""

    live = True

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - 150 ms, and may be missing

        self._console = Console(stderr=True)
        self.status = self._console.status("", spinner="dots")

    def rest(self, words: str) -> None:
        """Show the words, cut to one line."""
        from rich.text import Text  # noqa: PLC0415 - it is loaded already

        room = max(10, self._console.width - _MARGIN)
        self.status.update(Text(words if len(words) <= room else words[: room - 1] + "…"))

    def write(self, line: str) -> None:
        """Write a line above."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def shown_progress(*, live: bool) -> Iterator[Progress]:
    """The progress, live where that is wanted and possible."""
    if live and sys.stderr.isatty():
        try:
            progress = LiveProgress()
        except ImportError:  # the extra `cli` is not installed
            pass
        else:
            with progress.status:
                yield progress
            return
    yield PlainProgress()
