"""Progress on stderr: a live status line on a terminal, log lines only elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

_MARGIN = 4  # columns of the spinner


class Progress(Protocol):
    """Shows progress and log lines."""

    @property
    def live(self) -> bool:
        """True if `show` has an effect."""
        ...

    def show(self, text: str) -> None:
        """Replace the status line. Thread-safe."""
        ...

    def write(self, line: str) -> None:
        """Write a log line."""
        ...


class PlainProgress:
    """Log lines without a status line."""

    live = False

    def show(self, text: str) -> None:
        """Do nothing: there is no status line."""

    def write(self, line: str) -> None:
        """Write a line on stderr in one call, since several threads may write."""
        with suppress(OSError):  # a log that cannot be written must not stop a feed
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


class LiveProgress:
    """Status line at the bottom of a terminal, log lines above."""

    live = True

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - 150 ms, and may be missing

        self._console = Console(stderr=True)
        self.status = self._console.status("", spinner="dots")

    def show(self, text: str) -> None:
        """Replace the status line, cut to the width of the terminal."""
        from rich.text import Text  # noqa: PLC0415 - it is loaded already

        room = max(10, self._console.width - _MARGIN)
        self.status.update(Text(text if len(text) <= room else text[: room - 1] + "…"))

    def write(self, line: str) -> None:
        """Write a log line above the status line."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def shown_progress(*, live: bool) -> Iterator[Progress]:
    """Yield the progress; live if asked for and stderr is a terminal with rich installed."""
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
