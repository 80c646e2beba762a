"""Formats of a feed's public documents, one file each."""

from __future__ import annotations

from feedmirror.publishing.formats import atom, html, json_feed, rss
from feedmirror.publishing.formats.format import Format

_FORMATS = (atom.FORMAT, json_feed.FORMAT, rss.FORMAT, html.FORMAT)


def formats() -> tuple[Format, ...]:
    """Return the formats of every feed and archive page, in the order of publishing: the HTML page,
    which links to the other documents, comes last.
    """
    return _FORMATS
