"""The formats of public documents, a file each."""

from __future__ import annotations

from feedmirror.publishing.formats import atom, html, json_feed, rss
from feedmirror.publishing.formats.format import Format

_FORMATS = (atom.FORMAT, json_feed.FORMAT, rss.FORMAT, html.FORMAT)


def formats() -> tuple[Format, ...]:
    """Return every format of a feed and of an archive page: the page last, since it links to the
    others.
    """
    return _FORMATS
