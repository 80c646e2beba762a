"""The style sheet of all pages, with a digest of its content in its file name."""

from __future__ import annotations

from pkgutil import get_data

# Pages link to the sheet by this name, so a page keeps the sheet that it was rendered for. The name
# is a constant, since most refreshes render no page; a test compares it with the sheet.
STYLE = "style-21b74cf9.css"


def style() -> bytes:
    """Return the style sheet."""
    sheet = get_data("feedmirror.publishing.pages", "style.css")
    assert sheet is not None  # noqa: S101 - part of the package
    return sheet
