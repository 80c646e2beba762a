"""The one style sheet of all pages, under a name that changes with it."""

from __future__ import annotations

from pkgutil import get_data

# Part of a page's address, so a page always has the sheet that it was made for. A test compares it
# with the sheet: nobody reads that only to know what it is called.
STYLE = "style-21b74cf9.css"


def style() -> bytes:
    """The sheet."""
    sheet = get_data("feedmirror.publishing.pages", "style.css")
    assert sheet is not None  # noqa: S101 - it lies beside this file
    return sheet
