"""Output of the commands: tables on stdout, progress and errors on stderr.

Tables are in colour on a terminal with rich installed, otherwise plain text with one line per row.
Progress is a live status line on such a terminal, log lines only elsewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_MARGIN = 4  # columns of the spinner
_STYLES: Mapping[str, str] = {
    "changed": "green",
    "unchanged": "dim",
    "waiting": "yellow",
    "failed": "bold red",
    "ok": "green",
    "never refreshed": "yellow",
    "retired": "dim",
    "not configured": "yellow",
    "failing": "bold red",
    "state missing": "bold red",
    "unreadable": "bold red",
}


def show_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Collection[str] = (),  # right-aligned columns
    prose: str | None = None,  # the last column, if it holds free text
) -> None:
    """Print a table on stdout. The first column identifies the row."""
    if sys.stdout.isatty():
        try:
            _show_rich(head, rows, numbers, prose)
        except ImportError:  # the extra `cli` is not installed
            pass
        else:
            return
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [
            cell.rjust(width) if name in numbers else cell.ljust(width)
            for cell, width, name in zip(line, widths, head, strict=True)
        ]
        print("  ".join(cells).rstrip())  # noqa: T201 - the output


def _show_rich(
    head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[str], prose: str | None
) -> None:
    """Print the table in colour, free text below it. Raises: ImportError."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - 150 ms, and may be missing
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    names = [name for name in head if name != prose]
    for name in names:
        if name in numbers:
            shown.add_column(name, justify="right", no_wrap=True)
        else:
            shown.add_column(name, overflow="fold")
    below = Table.grid(padding=(0, 2))
    below.add_column(overflow="fold", max_width=24)
    below.add_column(overflow="fold", ratio=1)
    for row in rows:
        # The style of a cell follows from its text up to a colon.
        cells = (Text(each, _STYLES.get(each.partition(":")[0], "")) for each in row[: len(names)])
        shown.add_row(*cells)
        if row[len(names) :] and row[-1]:
            below.add_row(Text(row[0], "bold"), Text(row[-1]))
    console = Console()
    console.print(shown)
    if below.row_count:
        console.print()
        console.print(below)


class Progress:
    """Log lines on stderr, with a live status line below them if there is a console of rich."""

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self.status = console.status("", spinner="dots") if console else None

    def show(self, text: str) -> None:
        """Replace the status line, cut to the width of the terminal. Thread-safe."""
        if self._console is None or self.status is None:
            return
        from rich.text import Text  # noqa: PLC0415 - it is loaded already

        room = max(10, self._console.width - _MARGIN)
        self.status.update(Text(text if len(text) <= room else text[: room - 1] + "…"))

    def write(self, line: str) -> None:
        """Write a log line."""
        if self._console is not None:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
            return
        with suppress(OSError):  # a log that cannot be written must not stop a feed
            sys.stderr.write(f"{line}\n")  # in one call, since several threads may write
            sys.stderr.flush()

    def ask(self, lines: Sequence[str], question: str) -> str:
        """Write `lines` and a question on stderr; return the line typed in answer to it."""
        if self.status:
            self.status.stop()
        for line in lines:
            self.write(line)
        sys.stderr.write(question)
        sys.stderr.flush()
        answer = sys.stdin.readline().strip()
        if self.status:
            self.status.start()
        return answer


@contextmanager
def shown_progress(*, live: bool) -> Iterator[Progress]:
    """Yield the progress; live if asked for and stderr is a terminal with rich installed."""
    console = None
    if live and sys.stderr.isatty():
        with suppress(ImportError):  # the extra `cli` is not installed
            from rich.console import Console  # noqa: PLC0415 - 150 ms

            console = Console(stderr=True)
    progress = Progress(console)
    with progress.status or nullcontext():
        yield progress


def print_error(*lines: str) -> None:
    """Print an error on stderr, the first line with the program's name in front."""
    with suppress(OSError):  # stderr cannot be written: there is no other place to report to
        sys.stderr.write("\n".join((f"feedmirror: {lines[0]}", *lines[1:])) + "\n")


def agreed(question: str) -> bool:
    """Ask on the terminal; return False where there is none, and say how to do without."""
    if not sys.stdin.isatty():
        print_error("there is no terminal to ask on: give --yes, or --dry-run")
        return False
    print(f"{question} [y/N] ", end="", flush=True)  # noqa: T201 - the question
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def counted(number: object, name: str) -> str:
    """Render a count with its noun: `1 feed`, `2 feeds`, `1 entry`, `2 entries`."""
    if str(number) == "1":
        return f"{number} {name}"
    return f"{number} {name[:-1]}ies" if name.endswith("y") else f"{number} {name}s"


def listed_names(names: object) -> str:
    """Render a list: `a, b`."""
    return ", ".join(map(str, names)) if isinstance(names, list) else str(names)
