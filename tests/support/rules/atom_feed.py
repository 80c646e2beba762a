"""The rules of an Atom 1.0 document. Source: RFC 4287, and the messages of the W3C's validator."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from rules.atom import LINK, check_link
from rules.bodies import check_body, parse_body
from rules.dates import date_3339_problem
from rules.extension_elements import CHECKS
from rules.tree import (
    ATOM,
    Check,
    Context,
    Element,
    Finding,
    anything,
    date_check,
    elements,
    namespace,
    text_of,
    value_check,
)
from rules.values import is_address, plain_text_problem, scheme_of, url_problem, words

ENTRY = f"{{{ATOM}}}entry"
_ON_ONE_LINE = frozenset(f"{{{ATOM}}}{name}" for name in ("title", "subtitle"))
_TAG = re.compile(r"(?i:tag):([\w.-]+@)?[A-Za-z0-9.-]+,\d{4}(-\d\d){0,2}:\S*", re.ASCII)
_URN = re.compile(r"urn:[a-z0-9][a-z0-9-]{0,30}[a-z0-9]:\S+", re.IGNORECASE)
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def iri_problem(text: str) -> str | None:
    """The rule that an IRI breaks; those of urn: and tag: follow their own syntax too."""
    rule = url_problem(text)
    if rule not in {None, "url-not-ascii"}:
        return rule
    scheme = scheme_of(text)
    wanted = {"tag": _TAG, "urn": _UUID if text.lower().startswith("urn:uuid:") else _URN}
    return "id-syntax" if scheme in wanted and not wanted[scheme].fullmatch(text) else None


def _check_iri(node: Element, _: Context) -> Iterator[Finding]:
    rule = iri_problem(text_of(node))
    if rule:
        yield rule, node, text_of(node)


def _check_text(node: Element, _: Context) -> Iterator[Finding]:
    """Source: RFC 4287 §3.1; markup has no place in what is shown on one line."""
    kind, text = node.get("type", "text"), text_of(node)
    if kind not in {"text", "html", "xhtml"}:
        yield "text-type", node, kind
    if kind == "xhtml":
        children = [child.tag for child in elements(node)]
        if children != ["{http://www.w3.org/1999/xhtml}div"]:
            yield "text-type", node, f"xhtml of {children}"
    elif elements(node):
        yield "child-element", node, elements(node)[0].tag
    elif kind == "text" and (rule := plain_text_problem(text)):
        yield rule, node, text
    elif kind == "html" and node.tag in _ON_ONE_LINE and list(parse_body(text).iterdescendants()):
        yield "markup", node, text


def _check_body(node: Element, context: Context) -> Iterator[Finding]:
    if node.get("type") == "html":
        yield from check_body(node, context)
    else:
        yield from _check_text(node, context)


def _check_person(node: Element, context: Context) -> Iterator[Finding]:
    """Source: RFC 4287 §3.2."""
    once = {"name": value_check("blank", bool), "uri": _check_iri, "email": _is_address}
    yield from _children(node, once, context)
    if not (node.findtext(f"{{{ATOM}}}name") or "").strip():
        yield "missing", node, "name"


_is_address = value_check("email", is_address)
_check_date = date_check(date_3339_problem)


def _check_category(node: Element, _: Context) -> Iterator[Finding]:
    if not node.get("term"):
        yield "blank", node, "term"
    scheme = node.get("scheme")
    if scheme is not None and (rule := iri_problem(scheme)):
        yield rule, node, scheme


_META: dict[str, Check] = {
    "author": _check_person,
    "category": _check_category,
    "contributor": _check_person,
    "id": _check_iri,
    "link": check_link,
    "rights": _check_text,
    "title": _check_text,
    "updated": _check_date,
}
_FEED: dict[str, Check] = _META | {
    "generator": anything,
    "icon": _check_iri,
    "logo": _check_iri,
    "subtitle": _check_text,
}
_MANY = words("author category contributor link entry")


def _check_source(node: Element, context: Context) -> Iterator[Finding]:
    """Source: RFC 4287 §4.2.11."""
    if text_of(node):
        yield "stray-text", node, text_of(node)
    yield from _children(node, _FEED, context)
    for name in ("id", "title", "updated"):
        if node.find(f"{{{ATOM}}}{name}") is None:
            yield "source-incomplete", node, name


def _check_entry(node: Element, context: Context) -> Iterator[Finding]:
    """Source: RFC 4287 §4.1.2."""
    vocabulary = _META | {
        "content": _check_body,
        "published": _check_date,
        "source": _check_source,
        "summary": _check_body,
    }
    yield from _children(node, vocabulary, context)
    yield from _missing(node)
    alternates = [link for link in node.iterfind(LINK) if _rel(link) == "alternate"]
    content, summary = (node.find(f"{{{ATOM}}}{name}") for name in ("content", "summary"))
    if content is None and not alternates:
        yield "missing", node, "content or an alternate link"
    if content is None and summary is None:
        yield "item-empty", node, ""
    places = (node, node.getparent(), node.find(f"{{{ATOM}}}source"))
    if all(place is None or place.find(f"{{{ATOM}}}author") is None for place in places):
        yield "missing", node, "author"


def feed_findings(feed: Element, context: Context) -> Iterator[Finding]:
    """What is wrong with the feed and its entries."""
    for node in feed.iter("*"):
        yield from (("atom-prefix", node, p) for p, uri in node.nsmap.items() if p and uri == ATOM)
    yield from _children(feed, _FEED | {"entry": _check_entry}, context)
    yield from _missing(feed)
    yield from _order(feed)
    yield from _self_findings(feed, context)
    for rule, name in (("guid-double", "id"), ("updated-double", "updated")):
        found = feed.findall(f"{ENTRY}/{{{ATOM}}}{name}")
        counts = Counter(map(text_of, found))
        yield from ((rule, node, text_of(node)) for node in found if counts[text_of(node)] > 1)
    for node in feed.iter("*"):
        if namespace(node) not in {ATOM, None} and node.tag in CHECKS:
            yield from CHECKS[node.tag](node, context)


def _children(node: Element, vocabulary: dict[str, Check], context: Context) -> Iterator[Finding]:
    """What is wrong with the children of Atom's, and whether any have no namespace."""
    seen: set[str] = set()
    for child in elements(node):
        uri, name = namespace(child), child.tag.rpartition("}")[2]
        if uri is None:
            yield "undefined-element", child, name
        if uri != ATOM:
            continue
        if name not in vocabulary:
            yield "atom-element", child, name
            continue
        if name in seen and name not in _MANY:
            yield "double", child, name
        seen.add(name)
        yield from vocabulary[name](child, context)
    yield from _alternate_findings(node)


def _alternate_findings(node: Element) -> Iterator[Finding]:
    links = [link for link in node.iterfind(LINK) if _rel(link) == "alternate"]
    kinds = Counter((link.get("type"), link.get("hreflang")) for link in links)
    for link in links:
        if kinds[link.get("type"), link.get("hreflang")] > 1:
            yield "alternate-double", link, link.get("href", "")


def _missing(node: Element) -> Iterator[Finding]:
    for name in ("id", "title", "updated"):
        if node.find(f"{{{ATOM}}}{name}") is None:
            yield "missing", node, name


def _order(feed: Element) -> Iterator[Finding]:
    """Source: RFC 4287 appendix B: entries come after the feed's own elements."""
    entries = False
    for child in elements(feed):
        if entries and child.tag != ENTRY:
            yield "order", child, child.tag
        entries = entries or child.tag == ENTRY


def _self_findings(feed: Element, context: Context) -> Iterator[Finding]:
    links = [link for link in feed.iterfind(LINK) if link.get("rel") == "self"]
    if not links:
        yield "self-missing", feed, ""
    if len(links) > 1:
        yield "self-double", links[1], f"{len(links)} links"
    for link in links:
        if context.self_url is not None and link.get("href") != context.self_url:
            yield "self-mismatch", link, link.get("href", "")
        if link.get("type") != "application/atom+xml":
            yield "self-type", link, link.get("type", "")


def _rel(link: Element) -> str:
    return link.get("rel", "alternate")
