"""What a document means, as feedparser reads it. The only file that imports feedparser.

feedparser interprets; what it loses (raw guids, foreign elements) comes from the element itself,
where there is one.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any
from xml.sax.expatreader import ExpatParser

import feedparser

from feedmirror.errors import Kind, ParseError
from feedmirror.model import Enclosure, Entry, Feed, Source
from feedmirror.parsing import bodies
from feedmirror.parsing.elements import is_own
from feedmirror.parsing.extensions import carried
from feedmirror.parsing.fields import authors, categories, plain, string
from feedmirror.parsing.media import files_of, pictures_of, size_of, timed
from feedmirror.parsing.scan import is_item
from feedmirror.text.dates import parse_date
from feedmirror.text.language import language_tag
from feedmirror.text.namespaces import ATOM, DC, HTML, ITUNES, canonical
from feedmirror.text.plain import unwrap_cdata
from feedmirror.text.urls import absolute, link_address, trimmed
from feedmirror.text.xml import SEPARATOR, XML, Element, Name, printable

# What comes of feedparser's taking for granted what a document need not hold.
_ITS_OWN = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


Begun = Callable[[int], object]  # is told the rank of each item as work on it begins


def _ignore(_rank: int) -> None:
    """Do nothing."""


# Feedparser makes the parser itself, without an argument of ours.
_begun: ContextVar[Begun] = ContextVar("_begun", default=_ignore)


class BufferedExpat(ExpatParser):
    """The standard SAX driver with runs of text joined: same result, up to twice as fast. It tells
    which item it has come to.
    """

    def reset(self) -> None:
        """A fresh expat parser, its buffer on."""
        super().reset()
        self._ranks = 0
        self._names: dict[str, tuple[str, bool]] = {}  # what is meant, and whether it is an item
        expat: Any = self._parser  # type: ignore[attr-defined] # unknown to the stubs
        expat.buffer_text = True
        expat.buffer_size = 1 << 20

    def start_element_ns(self, name: str, attrs: Any) -> None:
        """Pass an element on under its right name; tell of it first if it is an item.

        Feedparser resolves addresses without a look at the marks around them.
        """
        name, found = self._known(name)
        if found:
            _begun.get()(self._ranks)
            self._ranks += 1
        if "href" in attrs:
            attrs["href"] = trimmed(attrs["href"])
        super().start_element_ns(name, attrs)

    def end_element_ns(self, name: str) -> None:
        """Pass the end of an element on under its right name; end its `xml:base`, too, which
        feedparser lets go on for the elements that follow where none is around it.
        """
        super().end_element_ns(self._known(name)[0])
        handler: Any = self._cont_handler  # type: ignore[attr-defined] # unknown to the stubs
        if handler.basestack:
            handler.baseuri = handler.basestack[-1]

    def start_namespace_decl(self, prefix: str | None, uri: str) -> None:
        """Pass on what clients take the namespace for."""
        super().start_namespace_decl(prefix, canonical(uri) if uri else uri)

    def _known(self, name: str) -> tuple[str, bool]:
        """Return the name in the namespace that is meant, and whether it is of an item."""
        known = self._names.get(name)
        if known is None:
            parsed = Name.of(name.replace(" ", SEPARATOR))
            right = " ".join(filter(None, (parsed.uri, parsed.local, parsed.prefix)))
            is_usual = name.count(" ") < 3  # else there are blanks in the namespace
            known = self._names[name] = right if is_usual else name, is_item(parsed)
        return known


def create_parser() -> BufferedExpat:
    """What `xml.sax.make_parser` calls in the module that it is told to prefer."""
    return BufferedExpat()


def interpret(data: bytes, begun: Begun = _ignore) -> Any:
    """The reading of a UTF-8 document by feedparser, its HTML neither resolved nor sanitised.

    Addresses stay as they came (but for `xml:base`): it would join one that begins with a character
    that nobody sees to the document's. `begun` is called with the rank of each item, as long as the
    document is well-formed.
    Raises: ParseError PARSER for what feedparser dies of, as its lenient parser does of a few.
    """
    feedparser.api.PREFERRED_XML_PARSERS = [__name__]
    headers = {"content-type": "application/xml; charset=utf-8"}
    token = _begun.set(begun)
    try:
        # BytesIO, since a plain `bytes` argument is first tried as the path of a file.
        return feedparser.parse(
            io.BytesIO(data),
            response_headers=headers,
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except _ITS_OWN as error:
        message = f"feedparser fails on the document: {type(error).__name__}: {error}"
        raise ParseError(Kind.PARSER, printable(message)) from error
    finally:
        _begun.reset(token)


class _Reader:
    """Turns one entry of feedparser's into ours."""

    def __init__(self, location: str, *, atom: bool) -> None:
        self._location = location
        self._atom = atom

    def entry(self, raw: Any, element: Element | None) -> Entry:
        base = element.node.base(element.base) if element else self._location
        link = self._link(raw, element, base)
        summary, content = bodies.summary_and_content(
            raw, element, bodies.Bases(self._location, absolute(link, None), atom=self._atom)
        )
        extension_elements, prefixes = carried(element) if element else ((), ())
        guid, permalink = _guid(raw, element)
        return Entry(
            guid=guid,
            guid_is_permalink=permalink,
            link=link,
            title=plain(raw, "title") or _title_elsewhere(element),
            summary=summary,
            content=content,
            language=language_tag(string(raw, "language") or _language(element)),
            authors=authors(raw, element),
            categories=categories(raw),
            enclosures=timed(list(_enclosures(raw, base, element)), _duration(raw, element)),
            media=tuple(files_of(element.node, base)) if element else (),
            image=next(pictures_of(element.node, base), None) if element else None,
            comments=absolute(string(raw, "comments"), base),
            source=_source(raw, base),
            published=parse_date(string(raw, "published")),
            updated=parse_date(string(raw, "updated")),
            extension_elements=extension_elements,
            prefixes=prefixes,
        )

    def _link(self, raw: Any, element: Element | None, base: str) -> str | None:
        """The entry's link. feedparser takes an id for one; RFC 4287 §4.2.6 says that it is not."""
        found = (link_address(href, at) for href, at in (_links(element, base) if element else ()))
        link = next(filter(None, found), None)
        if link or (self._atom and element):
            return link
        return link_address(string(raw, "link"), self._location)


def _links(element: Element, base: str) -> Iterator[tuple[str, str]]:
    """Yield the address of each link of the entry's own, with what that is relative to: web pages
    before other files, of several pages the last, as feedparser has it.
    """
    pages: list[tuple[str, str]] = []
    files: list[tuple[str, str]] = []
    for child in element.node.elements():
        own = is_own(child.name.uri, element.node.name.uri)
        if not own or child.name.local.lower() != "link":
            continue
        if (child.get("rel") or "alternate") == "alternate":
            href = child.get("href") or unwrap_cdata(child.text().strip())
            is_page = (child.get("type") or "text/html").strip().lower() in HTML
            (pages if is_page else files).append((href, child.base(base)))
    yield from reversed(pages)
    yield from files


def _enclosures(raw: Any, base: str, element: Element | None) -> Iterator[Enclosure]:
    """The enclosures that lead somewhere."""
    for said, its_base in _enclosed(raw, base, element):
        url = link_address(said.get("href"), its_base)
        if url:
            yield Enclosure(
                url=url,
                media_type=string(said, "type"),
                length_bytes=size_of(said.get("length")),
                title=string(said, "title"),
            )


def _enclosed(raw: Any, base: str, element: Element | None) -> Iterator[tuple[dict[str, str], str]]:
    """The attributes of each enclosure, `href` its address, and what that is relative to."""
    if element is None:
        links = dict.get(raw, "links") or ()
        yield from ((link, base) for link in links if link.get("rel") == "enclosure")
        return
    for child in element.node.elements():
        own = is_own(child.name.uri, element.node.name.uri)
        said = {name.local.lower(): value for name, value in child.attributes if not name.uri}
        rss = own and child.name.local.lower() == "enclosure"
        atom = (own or child.name.uri == ATOM) and child.name.local.lower() == "link"
        if rss or (atom and said.get("rel") == "enclosure"):
            href = said.get("href") or said.get("url") or ""
            yield said | {"href": href}, child.base(base)


def _duration(raw: Any, element: Element | None) -> str | None:
    """Return how long the entry's sound or film is, as `itunes:duration` states it."""
    if element is None:
        return string(raw, "itunes_duration")
    found = (
        child.text()
        for child in element.node.elements()
        if (child.name.uri, child.name.local) == (ITUNES, "duration")
    )
    return next(found, None)


def _source(raw: Any, base: str) -> Source | None:
    """The feed that the entry names as its source: RSS by address, Atom by links."""
    source = dict.get(raw, "source")
    if not source:
        return None
    links = {link.get("rel"): link.get("href") for link in dict.get(source, "links") or ()}
    said = dict.get(source, "href") or links.get("self") or links.get("alternate")
    url = absolute(said, base)
    return Source(plain(source, "title") or url, url) if url else None


def _title_elsewhere(element: Element | None) -> str | None:
    """Dublin Core's title, for an entry that has no other."""
    for child in element.node.elements() if element else ():
        if child.name.uri == DC and child.name.local == "title":
            return " ".join(child.text().split()) or None
    return None


def _language(element: Element | None) -> str | None:
    """The entry's own `xml:lang`."""
    return (element.node.get("lang", XML) or None) if element else None


def _guid(raw: Any, element: Element | None) -> tuple[str | None, bool]:
    """The guid as feedparser has it, and whether it is the entry's address too (RSS only)."""
    guid = string(raw, "id")
    if element is None:
        return guid, bool(dict.get(raw, "guidislink"))
    parent = element.node
    for child in parent.elements():
        named = child.name.local.lower() == "guid" and is_own(child.name.uri, parent.name.uri)
        if named and child.text().strip():
            return guid, (child.get("ispermalink") or "true").strip().lower() == "true"
    return guid, False


def base_of(feed: Feed, version: str, location: str) -> str:
    """Return what addresses of the entries are relative to, where no `xml:base` says otherwise."""
    # RFC 4287 §2: in Atom, the document's address.
    return location if _is_atom(version) else bodies.site_base(feed.link, location)


def _is_atom(version: str) -> bool:
    return (version or "").startswith("atom")


def entries(
    raws: Sequence[Any],
    version: str,
    location: str,
    elements: Sequence[Element | None],
    begun: Begun = _ignore,
) -> tuple[Entry, ...]:
    """The entries as ours, `elements` what they came from, None where unknown."""
    reader = _Reader(location, atom=_is_atom(version))
    made = []
    for rank, (raw, element) in enumerate(zip(raws, elements, strict=True)):
        begun(rank)
        made.append(reader.entry(raw, element))
    return tuple(made)
