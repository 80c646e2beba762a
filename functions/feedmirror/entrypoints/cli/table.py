"""Tables on stdout: in colour on a terminal with rich installed, otherwise plain text.

Plain tables have one line per row.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_GAP = "  "
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


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows of text. The first column identifies the row."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: frozenset[str] = frozenset()  # right-aligned columns
    prose: str | None = None  # the last column, if it holds free text


def show(table: Table) -> None:
    """Print the table on stdout."""
    if sys.stdout.isatty():
        try:
            _show_rich(table)
        except ImportError:  # the extra `cli` is not installed
            pass
        else:
            return
    for line in plain_lines(table):
        print(line)  # noqa: T201 - the output


def plain_lines(table: Table) -> list[str]:
    """Render the table without colours or wrapping."""
    lines = [table.head, *table.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [_GAP.join(_cells(line, widths, table)).rstrip() for line in lines]


def _cells(line: Sequence[str], widths: Sequence[int], table: Table) -> list[str]:
    return [
        cell.rjust(width) if name in table.numbers else cell.ljust(width)
        for cell, width, name in zip(line, widths, table.head, strict=True)
    ]


def _show_rich(table: Table) -> None:
    """Print the table in colour, free text below it. Raises: ImportError."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - 150 ms, and may be missing
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table as RichTable  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown = RichTable(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    names = [name for name in table.head if name != table.prose]
    for name in names:
        if name in table.numbers:
            shown.add_column(name, justify="right", no_wrap=True)
        else:
            shown.add_column(name, overflow="fold")
    below = RichTable.grid(padding=(0, 2))
    below.add_column(overflow="fold", max_width=24)
    below.add_column(overflow="fold", ratio=1)
    for row in table.rows:
        shown.add_row(*(Text(cell, _style(cell)) for cell in row[: len(names)]))
        if row[len(names) :] and row[-1]:
            below.add_row(Text(row[0], "bold"), Text(row[-1]))
    console = Console()
    console.print(shown)
    if below.row_count:
        console.print()
        console.print(below)


def _style(cell: str) -> str:
    """Return the style of a cell, by its text up to a colon."""
    return _STYLES.get(cell.partition(":")[0], "")
