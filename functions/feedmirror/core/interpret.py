"""What a document means, as feedparser reads it. The only file that imports feedparser.

feedparser interprets; what it loses (raw guids, foreign elements) comes from the element itself,
where there is one.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urljoin
from xml.sax.expatreader import ExpatParser

import feedparser

from feedmirror.core import html
from feedmirror.core.dates import moment_of
from feedmirror.core.foreign import carried
from feedmirror.core.split import is_base
from feedmirror.core.text import paragraphs
from feedmirror.core.uri import absolute
from feedmirror.core.vocabulary import DC
from feedmirror.core.xml import Node, printable
from feedmirror.model import Author, Category, Enclosure, Entry, Feed, Image, Source

_KINDS = {
    "rss090": "RSS 0.90",
    "rss091n": "RSS 0.91",
    "rss091u": "RSS 0.91",
    "rss092": "RSS 0.92",
    "rss093": "RSS 0.93",
    "rss094": "RSS 0.94",
    "rss10": "RSS 1.0",
    "rss20": "RSS 2.0",
    "rss": "RSS",
    "atom03": "Atom 0.3",
    "atom10": "Atom 1.0",
    "atom": "Atom",
    "cdf": "CDF",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PERIODS_S = {
    "hourly": 3600,
    "daily": 86400,
    "weekly": 604800,
    "monthly": 2592000,
    "yearly": 31536000,
}
_EMAIL = re.compile(r"[^\s@()<>]+@[^\s@()<>]+\.[^\s@()<>]+")


class BufferedExpat(ExpatParser):
    """The standard SAX driver with runs of text joined: same result, up to twice as fast."""

    def reset(self) -> None:
        """A fresh expat parser, its buffer on."""
        super().reset()
        expat: Any = self._parser  # type: ignore[attr-defined] # unknown to the stubs
        expat.buffer_text = True
        expat.buffer_size = 1 << 20


def create_parser() -> BufferedExpat:
    """What `xml.sax.make_parser` calls in the module that it is told to prefer."""
    return BufferedExpat()


def interpret(data: bytes, location: str | None) -> Any:
    """The reading of a UTF-8 document by feedparser, its HTML neither resolved nor sanitised.

    `location` is what its relative links are resolved against; without it they stay relative.
    """
    feedparser.api.PREFERRED_XML_PARSERS = [__name__]
    headers = {"content-type": "application/xml; charset=utf-8"}
    if location:
        headers["content-location"] = location
    # BytesIO, since a plain `bytes` argument is first tried as the path of a file.
    return feedparser.parse(
        io.BytesIO(data),
        response_headers=headers,
        sanitize_html=False,
        resolve_relative_uris=False,
    )


def kind_of(parsed: Any) -> str:
    """The format's name as a person knows it, "" if feedparser knows none."""
    return _KINDS.get(parsed.version, parsed.version or "")


def _string(raw: dict[str, Any], key: str) -> str | None:
    """A text field, without the fallbacks of FeedParserDict; None where it is missing or blank."""
    value = dict.get(raw, key)
    if not isinstance(value, str):
        return None
    return printable(value).strip() or None


def _plain(raw: dict[str, Any], key: str) -> str | None:
    """A text construct as plain text."""
    value = _string(raw, key)
    detail = dict.get(raw, key + "_detail") or {}
    if value is None or detail.get("type") not in {"text/html", "application/xhtml+xml"}:
        return value
    return html.to_text(value) or None


def _body(detail: dict[str, Any], base: str | None, page: str | None) -> str | None:
    value = _string(detail, "value")
    if value is None:
        return None
    if detail.get("type") == "text/plain":
        return paragraphs(value)
    return html.clean(value, base, page) or None


class _Reader:
    """Turns one entry of feedparser's into ours."""

    def __init__(self, location: str, *, atom: bool) -> None:
        self._location = location
        self._atom = atom

    def entry(self, raw: Any, node: Node | None) -> Entry:
        link = self._link(raw)
        guid, permalink = _guid(raw, node)
        summary, content = self._bodies(raw, node, link)
        foreign, prefixes = carried(node, self._location) if node is not None else ((), ())
        return Entry(
            guid=guid,
            guid_is_permalink=permalink,
            link=link,
            title=_plain(raw, "title"),
            summary=summary,
            content=content,
            language=_string(raw, "language"),
            authors=_authors(raw),
            categories=_categories(raw, node),
            enclosures=tuple(self._enclosures(raw)),
            comments=absolute(_string(raw, "comments"), self._location),
            source=self._source(raw),
            published=moment_of(_string(raw, "published"), dict.get(raw, "published_parsed")),
            updated=moment_of(_string(raw, "updated"), dict.get(raw, "updated_parsed")),
            foreign=foreign,
            prefixes=prefixes,
        )

    def _link(self, raw: Any) -> str | None:
        return absolute(_string(raw, "link"), self._location)

    def _base(self, detail: dict[str, Any], link: str | None) -> str:
        """What relative addresses in a body mean: RFC 4287 says `xml:base` or the document; in RSS,
        which says nothing, bodies are copied from the entry's page.
        """
        base = urljoin(self._location, dict.get(detail, "base") or "")
        return link if link and not self._atom and base == self._location else base

    def _bodies(
        self, raw: Any, node: Node | None, link: str | None
    ) -> tuple[str | None, str | None]:
        """Summary and content. feedparser copies a content into a missing summary: undone here."""
        contents = dict.get(raw, "content") or []
        best = max(
            contents,
            key=lambda c: (c.get("type") != "text/plain", len(c.get("value") or "")),
            default=None,
        )
        content = _body(best, self._base(best, link), link) if best else None
        detail = dict.get(raw, "summary_detail") or {"value": dict.get(raw, "summary")}
        copied = best is not None and (
            detail.get("value") == best.get("value")
            or dict.get(raw, "summary") == best.get("value")
            or (node is not None and not _has_summary(node))
        )
        summary = None if copied else _body(detail, self._base(detail, link), link)
        return summary, content

    def _enclosures(self, raw: Any) -> Iterator[Enclosure]:
        for link in dict.get(raw, "links") or ():
            if link.get("rel") != "enclosure":
                continue
            url = absolute(link.get("href"), self._location)
            if url:
                length = str(link.get("length") or "").strip()
                yield Enclosure(
                    url=url,
                    media_type=(link.get("type") or "").strip() or None,
                    length_bytes=int(length) if length.isdecimal() and len(length) < 16 else None,
                    title=link.get("title") or None,
                )

    def _source(self, raw: Any) -> Source | None:
        source = dict.get(raw, "source")
        if not source:
            return None
        links = [
            link.get("href") for link in source.get("links") or () if link.get("rel") == "self"
        ]
        url = absolute(dict.get(source, "href") or next(iter(links), None), self._location)
        return Source(_plain(source, "title") or url, url) if url else None


def _has_summary(node: Node) -> bool:
    return any(
        child.name.local.lower() in {"description", "summary", "abstract", "subtitle"}
        for child in node.elements()
    )


def _guid(raw: Any, node: Node | None) -> tuple[str | None, bool]:
    """The guid as it came, and whether it is the entry's address too (RSS only)."""
    if node is None:
        return _string(raw, "id"), bool(dict.get(raw, "guidislink"))
    for child in node.elements():
        local = child.name.local.lower()
        if local in {"guid", "id"} and is_base(child.name.uri):
            said = (child.get("ispermalink") or "true").strip().lower()
            return child.text().strip() or None, local == "guid" and said == "true"
    about = node.get("about", "http://www.w3.org/1999/02/22-rdf-syntax-ns#")
    return (about.strip() or None) if about else None, False


def _authors(raw: Any) -> tuple[Author, ...]:
    """The authors, each once. RSS's `address (Name)` has been taken apart by feedparser."""
    found: dict[tuple[str | None, str | None], Author] = {}
    for author in dict.get(raw, "authors") or ():
        name, email = _string(author, "name"), _string(author, "email")
        if email and not _EMAIL.fullmatch(email):
            name, email = name or email, None
        if name or email:
            found.setdefault((name, email), Author(name, email, absolute(author.get("href"), None)))
    return tuple(found.values())


def _categories(raw: Any, node: Node | None) -> tuple[Category, ...]:
    """The categories of the core vocabulary and of Dublin Core; others travel as they came."""
    own: set[str] | None = None
    if node is not None:
        own = {
            text.strip()
            for child in node.elements()
            if (is_base(child.name.uri) and child.name.local.lower() == "category")
            or (child.name.uri == DC and child.name.local == "subject")
            for text in (child.text(), child.get("term") or "")
        }
    found = {
        (tag.get("term"), tag.get("scheme")): Category(
            printable(tag.get("term")), tag.get("scheme") or None, tag.get("label") or None
        )
        for tag in dict.get(raw, "tags") or ()
        if tag.get("term") and (own is None or tag["term"].strip() in own)
    }
    return tuple(found.values())


def entries(parsed: Any, location: str, nodes: Sequence[Node | None]) -> tuple[Entry, ...]:
    """The entries as ours, `nodes` the elements they came from, None where unknown."""
    reader = _Reader(location, atom=(parsed.version or "").startswith("atom"))
    return tuple(reader.entry(raw, node) for raw, node in zip(parsed.entries, nodes, strict=True))


def feed(parsed: Any, location: str, node: Node | None) -> Feed:
    """What the document says of the feed itself; `node` is its channel or feed element."""
    raw = parsed.feed
    foreign, prefixes = carried(node, location, slots=False) if node is not None else ((), ())
    return Feed(
        kind=kind_of(parsed),
        title=_plain(raw, "title"),
        link=absolute(_string(raw, "link"), location),
        description=_plain(raw, "subtitle"),
        language=_string(raw, "language"),
        rights=_plain(raw, "rights"),
        authors=_authors(raw),
        web_master=_string(raw, "publisher"),
        categories=_categories(raw, node),
        image=_image(raw, location),
        updated=moment_of(_string(raw, "updated"), dict.get(raw, "updated_parsed")),
        ttl_s=_wait_s(raw),
        skip_hours=tuple(_listed(node, "skiphours", "hour", _hour)),
        skip_days=tuple(_listed(node, "skipdays", "day", _day)),
        foreign=foreign,
        prefixes=prefixes,
    )


def _image(raw: Any, location: str) -> Image | None:
    image = dict.get(raw, "image") or {}
    url = absolute(image.get("href") or _string(raw, "logo") or _string(raw, "icon"), location)
    if not url:
        return None
    width, height = image.get("width"), image.get("height")
    return Image(
        url=url,
        width=width if isinstance(width, int) and 0 < width <= 144 else None,
        height=height if isinstance(height, int) and 0 < height <= 400 else None,
    )


def _wait_s(raw: Any) -> int | None:
    """How long the feed asks to be left alone: the longer of RSS `ttl` and `sy:updatePeriod`."""
    ttl = (_string(raw, "ttl") or "").split(".")[0]
    wait = int(ttl) * 60 if ttl.isdecimal() and len(ttl) < 10 else 0
    period = _PERIODS_S.get((_string(raw, "sy_updateperiod") or "").lower(), 0)
    times = _string(raw, "sy_updatefrequency") or "1"
    frequency = int(times) if times.isdecimal() and 0 < len(times) < 6 else 1
    return max(wait, period // max(frequency, 1)) or None


def _listed(node: Node | None, parent: str, child: str, read: Any) -> Iterator[Any]:
    """The values of `skipHours` and its like, each once (feedparser keeps only the last)."""
    seen = set()
    for element in node.elements() if node is not None else ():
        if element.name.local.lower() != parent or not is_base(element.name.uri):
            continue
        for item in element.elements():
            value = read(item.text().strip()) if item.name.local.lower() == child else None
            if value is not None and value not in seen:
                seen.add(value)
                yield value


def _hour(text: str) -> int | None:
    """An hour in GMT; 24 is how RSS 0.91 wrote midnight."""
    return int(text) % 24 if text.isdecimal() and int(text[:3]) <= 24 else None


def _day(text: str) -> str | None:
    return next((day for day in _DAYS if day.lower() == text.lower()), None)
