"""Whether a public document is inert: a judge that reads as browsers and readers do, and imports
nothing of the program.

HTML is read twice, by libxml2 and by Python's own parser: what either takes for an element counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any

import lxml.html
from lxml import etree

from rules.bodies import parse_body
from rules.tree import ATOM, CONTENT, XML, Element, parse_document
from rules.values import EXECUTED_SCHEMES, INERT_SCHEMES, scheme_of, words

MARK = "feedmirror-disclaimer"

_ARTICLE = words(
    "a abbr acronym address area article aside audio b bdi bdo big blockquote br caption center "
    "cite code col colgroup dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3 "
    "h4 h5 h6 header hgroup hr i img ins kbd li main map mark menu nav ol p picture pre q rb rp rt "
    "rtc ruby s samp section small source span strike strong sub summary sup table tbody td tfoot "
    "th thead time tr track tt u ul var video wbr"
)
_PAGE = _ARTICLE | words("html head meta title link body")
_HARMLESS = words(
    "abbr align alt cite color cols colspan controls coords datetime dir headers height href "
    "hreflang kind label lang loading loop media name open poster rel reversed rowspan scope shape "
    "sizes span src srclang srcset start summary title type usemap valign value width"
)
_OF_PAGE = _HARMLESS | words(
    "aria-label charset class content decoding http-equiv id preload referrerpolicy role tabindex"
)
_ADDRESSES = words("action background cite data formaction href longdesc ping poster src")
_ACTIVE = {
    "http://www.w3.org/1999/xhtml",
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/1998/Math/MathML",
    "http://www.w3.org/1999/XSL/Transform",
    "http://www.w3.org/1999/xlink",
}
_RUNNING = words("applet base embed form frame iframe link math meta object style svg")
_OF_TEXT = words("title label term name text type role class alt")  # attributes that hold words
# A picture of dots in the address itself; SVG is a document, and may run.
_RASTER = re.compile(
    r"data:image/(?:avif|bmp|gif|jpe?g|png|webp|x-icon);base64,[A-Za-z0-9+/=]{1,40000}",
    re.IGNORECASE,
)
_URL_ENDS = ("link", "url", "uri", "href", "icon", "logo", "comments", "docs", "commentRss")

Start = tuple[str, dict[str, str]]


class _Starts(HTMLParser):
    """The start tags, and whatever no document of ours has."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Start] = []
        self.odd: list[str] = []
        self.ends: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.ends.append(tag)

    def handle_comment(self, data: str) -> None:
        self.odd.append(f"<!--{data}-->")

    handle_pi = unknown_decl = handle_comment


def _starts(root: Element) -> Iterator[Start]:
    for element in root.iter():
        if isinstance(element.tag, str):
            yield element.tag, {str(name): str(value) for name, value in element.attrib.items()}


def _start_problems(start: Start, elements: frozenset[str], names: frozenset[str]) -> Iterator[str]:
    tag, attributes = start
    if tag not in elements:
        yield f"<{tag}>"
    for name, value in attributes.items():
        if name not in names and not (name == "id" and value.startswith("in-")):
            yield f"<{tag} {name}={value!r}>"
        for url in _urls(name, value):
            is_odd_but_known = (tag == "link" and url == "data:,") or (
                (tag, name) == ("img", "src") and _RASTER.fullmatch(url)
            )
            if not is_odd_but_known and not _is_harmless(url, tag):
                yield f"<{tag} {name}={value!r}> leads elsewhere"


def _urls(name: str, value: str) -> list[str]:
    if name == "srcset":
        return [part.split()[0] for part in re.split(r",\s+|,$", value) if part.split()]
    return [value] if name in _ADDRESSES else []


def _is_harmless(url: str, tag: str) -> bool:
    scheme = scheme_of(url)
    if tag in {"a", "area", "link"}:
        return scheme is None or scheme in INERT_SCHEMES
    return scheme in {"http", "https"}


# ---------------------------------------------------------------- HTML


def page_problems(page: bytes) -> list[str]:
    """What in a page could run, load code or send anything; and what should not be in one."""
    text = page.decode()
    root = lxml.html.document_fromstring(page, parser=lxml.html.HTMLParser(encoding="utf-8"))
    read = _Starts(text)
    starts = [*_starts(root), *read.found]
    found = [problem for start in starts for problem in _start_problems(start, _PAGE, _OF_PAGE)]
    found += [odd for odd in read.odd if not re.fullmatch(r"<!-- [a-z0-9/ ]+ -->", odd)]
    for tag, attributes in starts:
        equiv, rel = attributes.get("http-equiv", ""), attributes.get("rel", "")
        if equiv not in {"", "Content-Security-Policy"}:
            found.append(f"<{tag} http-equiv={equiv}>")
        if tag == "link" and rel not in {"icon", "stylesheet", "alternate", "canonical"}:
            found.append(f"<link rel={rel}>")
        is_outward = tag == "a" and scheme_of(attributes.get("href", "")) in {"http", "https"}
        if is_outward and not {"noopener", "noreferrer"} <= set(rel.split()):
            found.append(f"<a rel={rel!r}> tells who comes")
    return found


def fragment_problems(body: str) -> list[str]:
    """What is wrong with a body as it stands in a feed; the mark of the disclaimer is not."""
    read = _Starts(body)
    starts = [*tuple(_starts(parse_body(body)))[1:], *read.found]
    ours = [start for start in starts if start[1].get("class") == MARK]
    found = [] if len(ours) == 2 else [f"{len(ours)} marks in two readings"]
    others = (start for start in starts if start not in ours)
    return [
        *found,
        *read.odd,
        *(problem for each in others for problem in _start_problems(each, _ARTICLE, _HARMLESS)),
    ]


def notice_problems(body: str, said: str, *, at_end: bool) -> list[str]:
    """What keeps the disclaimer, which says that, from being seen where it should be in a body."""
    top = parse_body(body)
    if len(top) == 0:
        return ["there is no element"]
    block = top[-1 if at_end else 0]
    outside = block.tail if at_end else top.text
    if block.get("class") != MARK or block.get("role") != "note" or (outside or "").strip():
        return [f"no disclaimer at its place: {etree.tostring(block, encoding='unicode')[:200]}"]
    shown = " ".join(block.text_content().split())
    return [] if said in shown else [f"the disclaimer says {shown!r}"]


def running(text: str) -> list[str]:
    """What runs if a reader takes the text for HTML; talk of a `<script>` is no script."""
    read = _Starts(text)
    found = [
        tag for tag, attributes in read.found if tag in _RUNNING and (attributes or "</" in text)
    ]
    found += [tag for tag, _ in read.found if tag == "script" and "script" in read.ends]
    for tag, attributes in read.found:
        found += [f"<{tag} {name}>" for name in attributes if name.startswith("on")]
        found += [
            f"<{tag} {name}={value!r}>"
            for name, value in attributes.items()
            if scheme_of(value) in EXECUTED_SCHEMES
            and name not in _OF_TEXT
            and not ((tag, name) == ("img", "src") and _RASTER.fullmatch(value))
        ]
    return found


# ---------------------------------------------------------------- XML, JSON


def xml_problems(document: bytes) -> list[str]:
    """What in a document of XML a browser or a reader could run. Raises: etree.XMLSyntaxError."""
    root = parse_document(document)
    found = [
        f"{node!r}"
        for node in root.xpath(
            "//processing-instruction() | //comment() | /processing-instruction()"
        )
        if "feedmirror generation" not in str(node.text)
    ]
    for element in root.iter(etree.Element):
        found += _element_problems(element)
    return found


def _element_problems(element: Element) -> Iterator[str]:
    where = element.getroottree().getpath(element)
    names = [etree.QName(element), *map(etree.QName, element.attrib)]
    yield from (f"{where}: {name}" for name in names if name.namespace in _ACTIVE)
    if element.get(f"{{{XML}}}base") is not None:
        yield f"{where}: xml:base"
    for name, value in element.attrib.items():
        if etree.QName(name).localname not in _OF_TEXT and scheme_of(value) in EXECUTED_SCHEMES:
            yield f"{where} {name}={value!r}"
    text = "".join(element.itertext(with_tail=False)) if len(element) == 0 else element.text or ""
    yield from (f"{where}: {problem}" for problem in _text_problems(element, text))


def _text_problems(element: Element, text: str) -> Iterable[str]:
    name = etree.QName(element)
    kind = element.get("type", "text")
    if name.namespace == ATOM and name.localname != "link":
        if name.localname in {"summary", "content"} and kind == "html":
            return fragment_problems(text)
        if kind == "html":
            return running(text)
        if name.localname in {"icon", "id", "logo", "uri"} and scheme_of(text) in EXECUTED_SCHEMES:
            return [text]
        return []  # text is text
    if (name.namespace, name.localname) in {(None, "description"), (CONTENT, "encoded")}:
        is_body = element.getparent() is not None and etree.QName(
            element.getparent()
        ).localname in {
            "item",
            "liveItem",
        }
        return fragment_problems(text) if is_body else running(text)
    if name.localname == "guid":
        is_link = element.get("isPermaLink", "true") != "false"
        return [text] if is_link and scheme_of(text) not in {"http", "https"} else []
    if name.localname.endswith(_URL_ENDS) and scheme_of(text) in EXECUTED_SCHEMES:
        return [text]
    return running(text)


def json_problems(document: bytes) -> list[str]:
    """What in a document of JSON could run, in a script that it is put into too.

    Raises: ValueError for what is no JSON, or has characters that no text has.
    """
    text = document.decode()
    found = re.findall("</script|<script|<!--|[\u2028\u2029]", text, re.IGNORECASE)
    return [*found, *_value_problems("", json.loads(text, parse_constant=_refuse))]


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _value_problems(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, held in value.items():
            yield from _value_problems(key, held)
    elif isinstance(value, list):
        for held in value:
            yield from _value_problems(name, held)
    elif isinstance(value, str):
        value.encode()  # no surrogates
        is_url = name.endswith(("url", "icon", "documents", "page", "favicon"))
        if is_url and scheme_of(value) not in INERT_SCHEMES:
            yield f"{name}: {value!r}"
        if name == "id" and scheme_of(value) in EXECUTED_SCHEMES:
            yield f"id: {value!r}"
        if name == "content_html":
            yield from fragment_problems(value)
