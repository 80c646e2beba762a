"""Which month an entry is filed under."""

from __future__ import annotations

from datetime import datetime

from feedmirror.model import Revision

_EARLIEST = 1990  # there were no feeds before; a year like 1970 is a clock's zero


def dated(revision: Revision) -> datetime:
    """The date that an entry goes by: the origin's, or where that can be none, the mirror's."""
    said = revision.entry.published or revision.entry.updated
    return said if said and said.year >= _EARLIEST else revision.first_seen


def month_of(revision: Revision) -> str:
    """The month of an entry, in UTC: `2026-11`."""
    return f"{dated(revision):%Y-%m}"
