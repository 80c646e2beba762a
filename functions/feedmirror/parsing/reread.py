"""A stored entry as this version reads it: from the element as it came, where there is one.

It is run in the parser's child process (`adapters/parser.py`), like the first reading.
"""

from __future__ import annotations

from dataclasses import replace

from feedmirror.model import Entry
from feedmirror.parsing.parse import reread as reread_element
from feedmirror.text import sanitize
from feedmirror.text.urls import absolute


def reread(entry: Entry, location: str) -> Entry:
    """Return the entry, read again from its original, with the address of its document; its bodies
    sanitised again where the original or the context was not kept.

    Raises: ParseError PARSER or UNSAFE if the original cannot be read.
    """
    if entry.original is not None and entry.context is not None:
        return reread_element(entry.original, entry.context, location)
    page = absolute(entry.link, None)
    return replace(
        entry, summary=_cleaned(entry.summary, page), content=_cleaned(entry.content, page)
    )


def _cleaned(body: str | None, page: str | None) -> str | None:
    """Return a body that was sanitised before, as it would be now."""
    return (sanitize.clean(body, None, page) or None) if body else None
