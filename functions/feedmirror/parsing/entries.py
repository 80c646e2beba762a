"""Entries: run feedparser on a document, and convert its entries to the model.

The only file that imports feedparser. What feedparser loses (raw guids, extension elements) is read
from the XML element of an entry, where the document is well-formed.
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
from feedmirror.parsing.extensions import convert_extensions
from feedmirror.parsing.fields import (
    authors,
    categories,
    media_files_of,
    pictures_of,
    plain,
    size_of,
    text_field,
    with_duration,
)
from feedmirror.parsing.scan import is_item
from feedmirror.text.dates import parse_date
from feedmirror.text.language import language_tag
from feedmirror.text.namespaces import ATOM, DC, HTML, ITUNES, canonical
from feedmirror.text.plain import unwrap_cdata
from feedmirror.text.urls import absolute, link_address, trimmed
from feedmirror.text.xml import SEPARATOR, XML, Element, Name, printable

# Errors that feedparser raises for documents that it does not expect.
_FEEDPARSER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


ReportItem = Callable[[int], object]  # called with the index of each item as work on it begins


def _ignore(_rank: int) -> None:
    """Do nothing."""


# A context variable, since feedparser creates the XML parser without arguments.
_progress: ContextVar[ReportItem] = ContextVar("_progress", default=_ignore)


class BufferedExpat(ExpatParser):
    """The standard SAX driver with runs of text joined, which is up to twice as fast.

    Reports the item that it has reached.
    """

    def reset(self) -> None:
        """Create a new expat parser that buffers text."""
        super().reset()
        self._ranks = 0
        self._names: dict[
            str, tuple[str, bool]
        ] = {}  # by name: the corrected name, True for an item
        expat: Any = self._parser  # type: ignore[attr-defined] # missing in the stubs
        expat.buffer_text = True
        expat.buffer_size = 1 << 20

    def start_element_ns(self, name: str, attrs: Any) -> None:
        """Pass the start of an element on under its corrected name; report an item first.

        Strips invisible characters from addresses, which feedparser resolves without doing so.
        """
        name, is_item_start = self._corrected(name)
        if is_item_start:
            _progress.get()(self._ranks)
            self._ranks += 1
        if "href" in attrs:
            attrs["href"] = trimmed(attrs["href"])
        super().start_element_ns(name, attrs)

    def end_element_ns(self, name: str) -> None:
        """Pass the end of an element on under its corrected name, and end its `xml:base`.

        feedparser keeps the `xml:base` of an outermost element for the elements after it.
        """
        super().end_element_ns(self._corrected(name)[0])
        handler: Any = self._cont_handler  # type: ignore[attr-defined] # missing in the stubs
        if handler.basestack:
            handler.baseuri = handler.basestack[-1]

    def start_namespace_decl(self, prefix: str | None, uri: str) -> None:
        """Pass on the namespace that clients take `uri` for."""
        super().start_namespace_decl(prefix, canonical(uri) if uri else uri)

    def _corrected(self, name: str) -> tuple[str, bool]:
        """Return the name with its corrected namespace, and True for the name of an item."""
        result = self._names.get(name)
        if result is None:
            parsed = Name.of(name.replace(" ", SEPARATOR))
            corrected = " ".join(filter(None, (parsed.uri, parsed.local, parsed.prefix)))
            is_usual = name.count(" ") < 3  # otherwise the namespace holds blanks
            result = self._names[name] = corrected if is_usual else name, is_item(parsed)
        return result


def create_parser() -> BufferedExpat:
    """Return a parser; `xml.sax.make_parser` calls this function of its preferred modules."""
    return BufferedExpat()


def run_feedparser(data: bytes, progress: ReportItem = _ignore) -> Any:
    """Return the result of feedparser for a UTF-8 document, with its HTML not sanitised.

    Addresses are not resolved, except against `xml:base`: feedparser would take an address that
    begins with an invisible character for a relative one. `progress` is called with the index of
    each item, as long as the document is well-formed.

    Raises: ParseError PARSER if feedparser fails.
    """
    feedparser.api.PREFERRED_XML_PARSERS = [__name__]
    headers = {"content-type": "application/xml; charset=utf-8"}
    token = _progress.set(progress)
    try:
        # BytesIO, since a plain `bytes` argument is first tried as the path of a file.
        return feedparser.parse(
            io.BytesIO(data),
            response_headers=headers,
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except _FEEDPARSER_ERRORS as error:
        message = f"feedparser fails on the document: {type(error).__name__}: {error}"
        raise ParseError(Kind.PARSER, printable(message)) from error
    finally:
        _progress.reset(token)


class _Converter:
    """Converts entries of feedparser to the model."""

    def __init__(self, location: str, *, atom: bool) -> None:
        self._location = location
        self._atom = atom

    def entry(self, raw: Any, element: Element | None) -> Entry:
        base = element.node.base(element.base) if element else self._location
        link = self._link(raw, element, base)
        summary, content = bodies.summary_and_content(
            raw, element, bodies.Bases(self._location, absolute(link, None), atom=self._atom)
        )
        extension_elements, prefixes = convert_extensions(element) if element else ((), ())
        guid, permalink = _guid(raw, element)
        return Entry(
            guid=guid,
            guid_is_permalink=permalink,
            link=link,
            title=plain(raw, "title") or _dublin_core_title(element),
            summary=summary,
            content=content,
            language=language_tag(text_field(raw, "language") or _language(element)),
            authors=authors(raw, element),
            categories=categories(raw),
            enclosures=with_duration(
                list(_enclosures(raw, base, element)), _duration(raw, element)
            ),
            media=tuple(media_files_of(element.node, base)) if element else (),
            image=next(pictures_of(element.node, base), None) if element else None,
            comments=absolute(text_field(raw, "comments"), base),
            source=_source(raw, base),
            published=parse_date(text_field(raw, "published")),
            updated=parse_date(text_field(raw, "updated")),
            extension_elements=extension_elements,
            prefixes=prefixes,
        )

    def _link(self, raw: Any, element: Element | None, base: str) -> str | None:
        """Return the link of the entry. An id of Atom is no link (RFC 4287 §4.2.6)."""
        links = (link_address(href, at) for href, at in (_links(element, base) if element else ()))
        link = next(filter(None, links), None)
        if link or (self._atom and element):
            return link
        return link_address(text_field(raw, "link"), self._location)


def _links(element: Element, base: str) -> Iterator[tuple[str, str]]:
    """Yield the address and the base of each alternate link of an entry, best first.

    Web pages come before other files, and the last page first, as feedparser chooses.
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
    """Yield the enclosures with a valid address."""
    for attributes, link_base in _enclosure_attributes(raw, base, element):
        url = link_address(attributes.get("href"), link_base)
        if url:
            yield Enclosure(
                url=url,
                media_type=text_field(attributes, "type"),
                length_bytes=size_of(attributes.get("length")),
                title=text_field(attributes, "title"),
            )


def _enclosure_attributes(
    raw: Any, base: str, element: Element | None
) -> Iterator[tuple[dict[str, str], str]]:
    """Yield the attributes of each enclosure, with its address in `href`, and the base of that."""
    if element is None:
        links = dict.get(raw, "links") or ()
        yield from ((link, base) for link in links if link.get("rel") == "enclosure")
        return
    for child in element.node.elements():
        own = is_own(child.name.uri, element.node.name.uri)
        attributes = {name.local.lower(): value for name, value in child.attributes if not name.uri}
        rss = own and child.name.local.lower() == "enclosure"
        atom = (own or child.name.uri == ATOM) and child.name.local.lower() == "link"
        if rss or (atom and attributes.get("rel") == "enclosure"):
            href = attributes.get("href") or attributes.get("url") or ""
            yield attributes | {"href": href}, child.base(base)


def _duration(raw: Any, element: Element | None) -> str | None:
    """Return the text of `itunes:duration`, or None."""
    if element is None:
        return text_field(raw, "itunes_duration")
    durations = (
        child.text()
        for child in element.node.elements()
        if (child.name.uri, child.name.local) == (ITUNES, "duration")
    )
    return next(durations, None)


def _source(raw: Any, base: str) -> Source | None:
    """Return the source feed of the entry, which RSS states by an address and Atom by links."""
    source = dict.get(raw, "source")
    if not source:
        return None
    links = {link.get("rel"): link.get("href") for link in dict.get(source, "links") or ()}
    href = dict.get(source, "href") or links.get("self") or links.get("alternate")
    url = absolute(href, base)
    return Source(plain(source, "title") or url, url) if url else None


def _dublin_core_title(element: Element | None) -> str | None:
    """Return the title in Dublin Core, or None."""
    for child in element.node.elements() if element else ():
        if child.name.uri == DC and child.name.local == "title":
            return " ".join(child.text().split()) or None
    return None


def _language(element: Element | None) -> str | None:
    """Return the `xml:lang` of the element itself, or None."""
    return (element.node.get("lang", XML) or None) if element else None


def _guid(raw: Any, element: Element | None) -> tuple[str | None, bool]:
    """Return the guid of feedparser, and True if it is also the entry's address (RSS only)."""
    guid = text_field(raw, "id")
    if element is None:
        return guid, bool(dict.get(raw, "guidislink"))
    parent = element.node
    for child in parent.elements():
        named = child.name.local.lower() == "guid" and is_own(child.name.uri, parent.name.uri)
        if named and child.text().strip():
            return guid, (child.get("ispermalink") or "true").strip().lower() == "true"
    return guid, False


def base_of_entries(feed: Feed, version: str, location: str) -> str:
    """Return the base of addresses in the entries, where no `xml:base` overrides it."""
    # In Atom, the address of the document. Source: RFC 4287 §2.
    return location if _is_atom(version) else bodies.site_base(feed.link, location)


def _is_atom(version: str) -> bool:
    return (version or "").startswith("atom")


def convert_entries(
    raws: Sequence[Any],
    version: str,
    location: str,
    elements: Sequence[Element | None],
    progress: ReportItem = _ignore,
) -> tuple[Entry, ...]:
    """Convert entries of feedparser to the model.

    `version` is the format as feedparser names it, `location` the base of addresses. `elements` has
    the element of each entry, None if unknown. `progress` is called with the index of each entry.
    """
    converter = _Converter(location, atom=_is_atom(version))
    converted = []
    for rank, (raw, element) in enumerate(zip(raws, elements, strict=True)):
        progress(rank)
        converted.append(converter.entry(raw, element))
    return tuple(converted)
