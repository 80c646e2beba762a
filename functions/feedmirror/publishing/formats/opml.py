"""OPML: render feeds.opml, the list of all feeds for import into a feed reader.

The list changes only when a feed is added, renamed or retired. Source: OPML 2.0, "Subscription
lists".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from feedmirror.layout import RSS_XML
from feedmirror.mirror.health import FeedLine
from feedmirror.text.plain import is_read_as_html
from feedmirror.text.xml import escape, printable, quote


def render(lines: Sequence[FeedLine], public_url: str) -> str:
    """Return the list: the feeds that are refreshed, then a group of the retired feeds. Feeds that
    have no document yet are left out.
    """
    listed = [line for line in lines if RSS_XML in (line.documents or {})]
    return render_list(listed, f"Feeds mirrored at {printable(public_url)}")


def render_list(lines: Sequence[FeedLine], title: str) -> str:
    """Return a list of feeds, each with its address under the name of the RSS document."""
    document = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<opml version="2.0">',
        "<head>",
        f"<title>{escape(title)}</title>",
        "<docs>http://opml.org/spec2.opml</docs>",
        "</head>",
        "<body>",
        *_outlines(line for line in lines if not line.is_retired),
        *_group("Retired", [line for line in lines if line.is_retired]),
        "</body>",
        "</opml>",
    ]
    return "\n".join(document) + "\n"


def _group(text: str, lines: Sequence[FeedLine]) -> Iterator[str]:
    """Yield the feeds under a heading; yield nothing if there are no feeds."""
    if lines:
        yield f"<outline text={quote(text)}>"
        yield from _outlines(lines)
        yield "</outline>"


def _outlines(lines: Iterable[FeedLine]) -> Iterator[str]:
    for line in lines:
        attributes = (f"{name}={quote(printable(value))}" for name, value in _attributes(line))
        yield f"<outline {' '.join(attributes)}/>"


def _attributes(line: FeedLine) -> Iterator[tuple[str, str]]:
    title = _text(line.title or line.slug)
    yield "type", "rss"
    yield "text", title
    yield "title", title
    yield "xmlUrl", (line.documents or {})[RSS_XML]
    yield "version", "RSS2"
    # The mirror's page, like all addresses in the list; the description names the origin.
    if line.page:
        yield "htmlUrl", line.page
    if line.source:
        yield "description", f"A mirror of {line.source}"
    if line.language:
        yield "language", line.language


def _text(title: str) -> str:
    """Return a title for an attribute that readers may take for HTML.

    A title that looks like HTML is escaped once more, so that no reader interprets it. Source: OPML
    2.0, "Text attribute".
    """
    return escape(title) if is_read_as_html(title) else title
