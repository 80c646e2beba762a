"""Tables, for a terminal or for a document in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a heading. The first column is to the left, and so are those of `texts`."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: frozenset[int] = frozenset()
    about: str = ""

    def text(self) -> str:
        """For a terminal."""
        lines = [self.heads, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.heads))]
        shown = (
            "  ".join(
                cell.ljust(width) if self._is_text(column) else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )
        return "\n".join([self.title, *([self.about] if self.about else []), *shown])

    def markdown(self) -> str:
        """For a document."""
        rule = ["---" if self._is_text(column) else "---:" for column in range(len(self.heads))]
        lines = ("| " + " | ".join(line) + " |" for line in (self.heads, rule, *self.rows))
        about = f"{self.about}\n\n" if self.about else ""
        return f"### {self.title}\n\n{about}" + "\n".join(lines)

    def _is_text(self, column: int) -> bool:
        return column == 0 or column in self.texts


def usd(amount: float) -> str:
    """Dollars, to the cent, or as far as a digit shows."""
    if amount == 0:
        return "0"
    return (
        f"{amount:,.2f}" if amount >= 0.095 else f"{amount:.4f}" if amount >= 0.00005 else "<0.0001"
    )
