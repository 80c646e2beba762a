"""Lists of feeds in OPML: parse the addresses that a feed reader exports."""

from __future__ import annotations

from xml.parsers import expat

from msgspec import Struct

from feedmirror.errors import Kind, ParseError
from feedmirror.parsing.decode import decode, prepare_xml
from feedmirror.text.plain import single_line
from feedmirror.text.urls import trimmed
from feedmirror.text.xml import Name, parser

MOST_FEEDS = 10_000


class Outline(Struct, frozen=True):
    """A feed of the list."""

    url: str  # as written, without white space around it; perhaps not a valid address
    title: str = ""


def read_opml(body: bytes, content_type: str | None = None) -> tuple[Outline, ...]:
    """Parse a list; return its feeds in order, each address once, whatever groups they are in.

    Lists that the list includes are not followed.

    Raises: ParseError NOT_A_FEED for a document that is no OPML or not well-formed, UNSAFE for
    declared entities, TOO_LARGE for more than 10,000 feeds.

    Source: OPML 2.0, "Subscription lists".
    """
    document = prepare_xml(decode(body, content_type))
    found: dict[str, Outline] = {}
    roots: list[str] = []
    reader = parser()

    def start(name: str, pairs: list[str]) -> None:
        local = Name.of(name).local.lower()
        roots.append(local) if not roots else None
        if local != "outline":
            return
        names = (Name.of(each).local.lower() for each in pairs[::2])
        values = dict(zip(names, pairs[1::2], strict=True))
        url = trimmed(values.get("xmlurl", ""))
        if url:
            title = values.get("title") or values.get("text") or ""
            found.setdefault(url, Outline(url, single_line(title)))
            if len(found) > MOST_FEEDS:
                message = f"the list has more than {MOST_FEEDS:,} feeds; split it"
                raise ParseError(Kind.TOO_LARGE, message)

    reader.StartElementHandler = start
    try:
        reader.Parse(document.encode(), True)
    except expat.ExpatError as error:
        message = f"the list is not well-formed XML: {error}"
        raise ParseError(Kind.NOT_A_FEED, message) from error
    if roots[:1] != ["opml"]:
        raise ParseError(Kind.NOT_A_FEED, f"the document is no OPML, but <{roots[0]}>")
    return tuple(found.values())
