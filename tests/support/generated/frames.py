"""What surrounds the items of a generated document, and how the document is put together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urljoin
from xml.sax.saxutils import quoteattr

from builders import NAMESPACES
from generated.fragments import OTHER, UNHEARD
from generated.spelling import Pen
from generated.values import FEED_URL, SITE_URL, Frame, Item

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_OWN = {
    "Atom 1.0": NAMESPACES["atom"],
    "Atom 0.3": "http://purl.org/atom/ns#",
    "RSS 1.0": "http://purl.org/rss/1.0/",
}
_DECLARABLE = {NAMESPACES[name]: name for name in NAMESPACES if name != "atom"}
_DECLARABLE |= {UNHEARD: "unheard", OTHER: "another"}
_BUILT = datetime(2025, 9, 1, tzinfo=UTC)
_NETSCAPE = (
    '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" '
    '"http://my.netscape.com/publish/formats/rss-0.91.dtd">\n'
)


def draw_frame(pen: Pen, kind: str, *, confusable: bool) -> Frame:
    """Everything but the items."""
    codec = pen.pick(("utf-16-le", "utf-16-be")) if pen.encoding == "utf-16" else pen.encoding
    prefix = "a:" if kind in _OWN and pen.spell((False, True)) else ""
    outer, inner = _draw_prefixes(pen, "v"), {} if kind in _OWN else _draw_prefixes(pen, "w")
    outer_base, inner_base = _draw_base(pen), None if kind in _OWN else _draw_base(pen)
    root = _draw_root(pen, kind, prefix, outer, outer_base)
    if kind in _OWN:
        channel = ""
    else:
        channel = f"<channel{pen.attributes(_declarations(inner) | _based(inner_base))}>"
    prefixes = outer | inner | ({RDF: "rdf"} if kind == "RSS 1.0" else {})
    head = _preamble(pen, kind) + root + pen.noise() + channel + _metadata(pen, kind, prefix)
    return Frame(
        kind=kind,
        encoding=pen.encoding,
        codec=codec,
        head=head,
        tail=pen.spell(("\n", "<!-- the end -->")) + _closing(kind, prefix),
        prefix=prefix,
        # RSS says nothing of bases; this site's pages are on another host than its feed.
        base=urljoin(
            urljoin(FEED_URL if kind.startswith("Atom") else SITE_URL, outer_base or ""),
            inner_base or "",
        ),
        prefixes=prefixes,
        confusable=confusable,
    )


def _draw_prefixes(pen: Pen, letter: str) -> dict[str, str]:
    """Prefixes that are declared, by URI: the usual ones, or others."""
    uris = dict.fromkeys(pen.some(list(_DECLARABLE), 6))
    if pen.often():
        return {uri: _DECLARABLE[uri] for uri in uris}
    return {uri: f"{letter}{position}" for position, uri in enumerate(uris)}


def _draw_base(pen: Pen) -> str | None:
    return pen.pick((None, None, None, "https://base.example.org/a/b", "/elsewhere/"))


def _declarations(prefixes: Mapping[str, str]) -> dict[str, str]:
    return {f"xmlns:{prefix}": uri for uri, prefix in prefixes.items()}


def _based(base: str | None) -> dict[str, str]:
    return {} if base is None else {"xml:base": base}


def _preamble(pen: Pen, kind: str) -> str:
    """The byte order mark, the XML declaration, and what else may stand before the root."""
    quote = pen.spell(('"', "'"))
    name = pen.spell((pen.encoding, pen.encoding.upper()))
    declaration = f"<?xml version={quote}1.0{quote} encoding={quote}{name}{quote}?>"
    mark = "\ufeff" if pen.encoding == "utf-16" else ""
    if pen.encoding == "utf-8":
        declaration = pen.pick((declaration, declaration, ""))
        mark = pen.pick(("", "", "\ufeff"))
    style = pen.spell(("", '<?xml-stylesheet href="/style.xsl" type="text/xsl"?>\n'))
    doctype = pen.pick(("", _NETSCAPE)) if kind == "RSS 0.91" else ""
    return mark + declaration + ("\n" if declaration else "") + style + doctype


def _draw_root(
    pen: Pen, kind: str, prefix: str, prefixes: Mapping[str, str], base: str | None
) -> str:
    attributes = _declarations(prefixes) | _based(base) | pen.pick(({}, {"xml:lang": "en"}))
    if kind in _OWN:
        attributes["xmlns:a" if prefix else "xmlns"] = _OWN[kind]
    if kind == "RSS 1.0":
        return f"<rdf:RDF{pen.attributes(attributes | {'xmlns:rdf': RDF})}>"
    if kind == "Atom 0.3":
        attributes["version"] = "0.3"
    if kind.startswith("Atom"):
        return f"<{prefix}feed{pen.attributes(attributes)}>"
    if kind == "RSS 2.0" and pen.spell((False, True)):
        attributes["xmlns"] = "http://backend.userland.com/rss2"
    return f"<rss{pen.attributes(attributes | {'version': kind.removeprefix('RSS ')})}>"


def _metadata(pen: Pen, kind: str, prefix: str) -> str:
    """The feed's own elements, up to the first item."""
    title = pen.element(f"{prefix}title", pen.padded("The Harbour Gazette"))
    if kind.startswith("Atom"):
        updated = "modified" if kind == "Atom 0.3" else "updated"
        return (
            f"{title}<{prefix}id>{SITE_URL}</{prefix}id><{prefix}{updated}>@built@</{prefix}{updated}>"
            f'<{prefix}link rel="alternate" type="text/html" href="{SITE_URL}"/>'
        )
    described = f"{title}<{prefix}link>{SITE_URL}</{prefix}link>" + pen.element(
        f"{prefix}description", pen.text("Tides & ferries")
    )
    if kind == "RSS 1.0":
        return (
            f'<{prefix}channel rdf:about="{SITE_URL}">{described}<{prefix}items><rdf:Seq>@items@'
            f"</rdf:Seq></{prefix}items></{prefix}channel>"
        )
    return f"{described}<lastBuildDate>@built@</lastBuildDate>"


def _closing(kind: str, prefix: str) -> str:
    if kind == "RSS 1.0":
        return "</rdf:RDF>\n"
    return f"</{prefix}feed>\n" if kind.startswith("Atom") else "</channel>\n</rss>\n"


def document_of(frame: Frame, items: tuple[Item, ...], version: int) -> bytes:
    """The document of a version."""
    built = _BUILT + timedelta(hours=version)
    said = built.isoformat() if frame.kind.startswith("Atom") else format_datetime(built)
    listed = "".join(f"<rdf:li rdf:resource={quoteattr(i.name.guid or '')}/>" for i in items)
    head = frame.head.replace("@built@", said).replace("@items@", listed)
    text = head + "".join(item.xml for item in items) + frame.tail
    return text.encode(frame.codec, "xmlcharrefreplace")
