"""All feeds of the mirror as a list that readers subscribe to at once.

It says nothing of the moment: it changes when a feed comes, is renamed or retires.
Source: OPML 2.0, "Subscription lists".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from feedmirror.layout import RSS_XML
from feedmirror.mirror.health import Standing
from feedmirror.text.plain import is_read_as_html
from feedmirror.text.xml import escape, printable, quote


def render(standings: Sequence[Standing], public_url: str) -> str:
    """The list: feeds that are still refreshed, then those that are retired, as a group. What
    nobody can subscribe to yet is left out.
    """
    there = [standing for standing in standings if RSS_XML in (standing.documents or {})]
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<opml version="2.0">',
        "<head>",
        f"<title>Feeds mirrored at {escape(printable(public_url))}</title>",
        "<docs>http://opml.org/spec2.opml</docs>",
        "</head>",
        "<body>",
        *_outlines(standing for standing in there if not standing.is_retired),
        *_group("Retired", [standing for standing in there if standing.is_retired]),
        "</body>",
        "</opml>",
    ]
    return "\n".join(lines) + "\n"


def _group(text: str, standings: Sequence[Standing]) -> Iterator[str]:
    """The feeds under a heading, or nothing if there are none."""
    if standings:
        yield f"<outline text={quote(text)}>"
        yield from _outlines(standings)
        yield "</outline>"


def _outlines(standings: Iterable[Standing]) -> Iterator[str]:
    for standing in standings:
        attributes = (f"{name}={quote(printable(value))}" for name, value in _attributes(standing))
        yield f"<outline {' '.join(attributes)}/>"


def _attributes(standing: Standing) -> Iterator[tuple[str, str]]:
    title = _text(standing.title or standing.slug)
    yield "type", "rss"
    yield "text", title
    yield "title", title
    yield "xmlUrl", (standing.documents or {})[RSS_XML]
    yield "version", "RSS2"
    # The mirror's own page, as with everything else in the list; the origin's is in the words.
    if standing.page:
        yield "htmlUrl", standing.page
    if standing.source:
        yield "description", f"A mirror of {standing.source}"
    if standing.language:
        yield "language", standing.language


def _text(title: str) -> str:
    """A title for an attribute that may hold HTML: what looks like it is escaped once more, so
    that nobody runs it. Source: OPML 2.0, "Text attribute".
    """
    return escape(title) if is_read_as_html(title) else title
