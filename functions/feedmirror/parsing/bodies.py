"""Which texts of an entry are its summary and its content, and both of them as safe HTML."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from feedmirror.parsing.elements import is_own
from feedmirror.text import sanitize
from feedmirror.text.html_rewriting import link_paragraph
from feedmirror.text.namespaces import BODIES, FULL_TEXTS, HTML
from feedmirror.text.plain import is_marked_up, looks_like_html, paragraphs, unescape, words_of
from feedmirror.text.urls import absolute
from feedmirror.text.xml import XML, Element, Node, escape, printable

_FULLER = 1.5  # times as long as the description, which else says the same, often with its markup


def site_base(link: str | None, location: str) -> str:
    """Return what addresses in a feed that says nothing of bases (RSS, JSON Feed) are relative to:
    the site's page `link` where the feed itself is on another host, else the document's address.
    """
    if link and urlsplit(link).hostname != urlsplit(location).hostname:
        return link
    return location


@dataclass(frozen=True, slots=True)
class Bases:
    """What relative addresses in an entry's bodies mean."""

    document: str  # the document's address
    page: str | None  # the entry's address
    atom: bool
    wrapper: str | None = None  # that of the `div` around XHTML, which feedparser leaves out

    def of(self, own: str | None) -> str:
        """The base of a body, given the one that feedparser has found for it.

        RFC 4287 says `xml:base` or the document; in RSS, which says nothing, bodies are copied
        from the entry's page.
        """
        base = absolute(own, self.document) or self.document
        return self.page if self.page and not self.atom and base == self.document else base


def summary_and_content(
    raw: Any, element: Element | None, bases: Bases
) -> tuple[str | None, str | None]:
    """The bodies of an entry of feedparser's, whose element is given where it is known.

    An entry with a description alone gets the full text that another vocabulary has, if that says
    more; one without any body the first body of another vocabulary. So readers of the mirror find
    each where they look.
    """
    bases = replace(bases, wrapper=_wrapper_base(element) if element else None)
    best = max(dict.get(raw, "content") or [], key=_weight, default=None)
    content = _clean(best, bases) if best else None
    detail = dict.get(raw, "summary_detail")
    if detail is None and best is None:
        detail = {"value": dict.get(raw, "summary")}
    # Without a detail, it is a content that feedparser has copied.
    summary = _clean(detail, bases) if detail else None
    if element is not None and content is None:
        node, base = element.node, bases.of(element.base)
        full = next(_elsewhere(node, node.name.uri, base, FULL_TEXTS), "")
        if len(words_of(full)) > _FULLER * len(words_of(summary or "")):
            content = full
        if summary is None and content is None:
            summary = next(_elsewhere(node, node.name.uri, base, BODIES), None)
    return summary, content


def _wrapper_base(element: Element) -> str | None:
    """Return the `xml:base` of the `div` in which an entry's XHTML stands, absolute."""
    for child in element.node.elements():
        inner = list(child.elements())
        if child.get("type") == "xhtml" and len(inner) == 1 and inner[0].get("base", XML):
            return inner[0].base(child.base(element.node.base(element.base)))
    return None


def _weight(detail: dict[str, Any]) -> tuple[bool, int]:
    """What makes one of several contents the better one: markup, then length."""
    return detail.get("type") != "text/plain", len(detail.get("value") or "")


def _clean(detail: dict[str, Any], bases: Bases) -> str | None:
    """A text construct as safe HTML; a picture or a link where it only points at what it means.

    None where there is nothing, or nothing that is text, like a picture.
    """
    value, kind = detail.get("value"), str(detail.get("type") or "text/html")
    base = bases.of(detail.get("base"))
    if kind == "application/xhtml+xml" and bases.wrapper:
        base = bases.wrapper
    if not isinstance(value, str) or not value.strip():
        source = absolute(detail.get("src"), base)
        if source and kind.startswith("image/"):
            return f'<p><img src="{escape(source)}"></p>'
        return link_paragraph(source) if source else None
    if kind.startswith("text/") and kind != "text/html":
        return paragraphs(value) or None
    if "/" in kind and kind not in HTML and not kind.endswith("xml"):
        return None
    if kind == "text/html" and not bases.atom and "\n" in value.strip() and not is_marked_up(value):
        # RSS cannot say that a body is plain text, whose line breaks count.
        return paragraphs(unescape(value))
    # What feedparser writes of nested elements has an end tag for each, void ones too.
    return sanitize.clean(value, base, bases.page, xhtml=kind.endswith("xml")) or None


def _elsewhere(node: Node, own: str, base: str, names: Container[tuple[str, str]]) -> Iterator[str]:
    """The bodies in elements of `names`, of other vocabularies than `own`, those in groups too."""
    for child in node.elements():
        if is_own(child.name.uri, own):
            continue
        if (child.name.uri, child.name.local) in names:
            text = printable(child.text())
            if is_marked_up(text) or ("\n" not in text.strip() and looks_like_html(text)):
                body = sanitize.clean(text, base)
            else:
                body = paragraphs(unescape(text))
            if body:
                yield body
        elif child.name.local == "group":
            yield from _elsewhere(child, own, base, names)
