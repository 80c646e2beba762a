"""Bodies of an entry: choose its summary and its content, and convert both to safe HTML."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.parsing.elements import is_own
from feedmirror.text import sanitize
from feedmirror.text.html_rewriting import link_paragraph
from feedmirror.text.namespaces import BODIES, FULL_TEXTS, HTML
from feedmirror.text.plain import is_marked_up, looks_like_html, paragraphs, unescape, words_of
from feedmirror.text.urls import absolute
from feedmirror.text.xml import XML, Element, Node, escape, printable

# Times as long as the description. A shorter full text says the same, and often lacks the markup.
_LONGER = 1.5


def site_base(link: str | None, location: str) -> str:
    """Return the base of addresses in RSS and JSON Feed, which do not define a base.

    The base is `link`, the page of the site, if the feed is on another host; else `location`, the
    address of the document.
    """
    if link and urlsplit(link).hostname != urlsplit(location).hostname:
        return link
    return location


class Bases(Struct, frozen=True):
    """The base addresses for the bodies of an entry."""

    document: str  # address of the document
    page: str | None  # address of the entry
    atom: bool
    wrapper: str | None = None  # base of the `div` around XHTML, which feedparser leaves out

    def of(self, own: str | None) -> str:
        """Return the base of a body, given the base `own` that feedparser states, if any.

        In Atom the base is `xml:base` or the document (RFC 4287 §2). RSS does not define a base;
        its bodies are usually copied from the page of the entry.
        """
        base = absolute(own, self.document) or self.document
        return self.page if self.page and not self.atom and base == self.document else base


def summary_and_content(
    raw: Any, element: Element | None, bases: Bases
) -> tuple[str | None, str | None]:
    """Return the summary and the content of an entry, as safe HTML.

    `raw` is the entry as feedparser returns it, `element` its element, None if unknown. An entry
    with a description alone gets the full text of an extension element, if that text is longer; an
    entry without any body gets the first body of an extension element. So readers of the mirror
    find the bodies in the usual fields.
    """
    bases = replace(bases, wrapper=_wrapper_base(element) if element else None)
    best = max(dict.get(raw, "content") or [], key=_preference, default=None)
    content = _to_html(best, bases) if best else None
    detail = dict.get(raw, "summary_detail")
    if detail is None and best is None:
        detail = {"value": dict.get(raw, "summary")}
    # A summary without a detail is the content, which feedparser has copied.
    summary = _to_html(detail, bases) if detail else None
    if element is not None and content is None:
        node, base = element.node, bases.of(element.base)
        full = next(_extension_bodies(node, node.name.uri, base, FULL_TEXTS), "")
        if len(words_of(full)) > _LONGER * len(words_of(summary or "")):
            content = full
        if summary is None and content is None:
            summary = next(_extension_bodies(node, node.name.uri, base, BODIES), None)
    return summary, content


def _wrapper_base(element: Element) -> str | None:
    """Return the `xml:base` of the `div` in which an entry's XHTML stands, absolute."""
    for child in element.node.elements():
        inner = list(child.elements())
        if child.get("type") == "xhtml" and len(inner) == 1 and inner[0].get("base", XML):
            return inner[0].base(child.base(element.node.base(element.base)))
    return None


def _preference(detail: dict[str, Any]) -> tuple[bool, int]:
    """Return the sort key of a content: markup is better than plain text, then longer is better."""
    return detail.get("type") != "text/plain", len(detail.get("value") or "")


def _to_html(detail: dict[str, Any], bases: Bases) -> str | None:
    """Return a text construct of feedparser as safe HTML; None if it is empty or is not text.

    A content that is only an address becomes a picture or a link.
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
        # A plain text: RSS has no mark for it, and its line breaks must be kept.
        return paragraphs(unescape(value))
    # feedparser serialises nested elements with an end tag for each, also for void elements.
    return sanitize.clean(value, base, bases.page, xhtml=kind.endswith("xml")) or None


def _extension_bodies(
    node: Node, own: str, base: str, names: Container[tuple[str, str]]
) -> Iterator[str]:
    """Yield the bodies in the extension elements `names`, also of those in groups, as safe HTML.

    `own` is the namespace of the format, whose elements are skipped.
    """
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
            yield from _extension_bodies(child, own, base, names)
