"""Where a document carries the disclaimer: in which bodies of which items, and how often."""

from __future__ import annotations

from collections import Counter

from lxml import etree

from rules.bodies import parse_body
from rules.extension_elements import DC, TERMS
from rules.itunes import ITUNES
from rules.media import MEDIA
from rules.tree import ATOM, CONTENT, Element, parse_document
from rules.values import plain_text_problem, words

# Elements that carry a body, by the names that `disclaimers` uses for them. itunes:subtitle is
# none: it is a second title, of 255 characters at most, shown beside the summary.
BODIES: dict[str, str] = {
    "description": "description",
    "content:encoded": f"{{{CONTENT}}}encoded",
    "atom:content": f"{{{ATOM}}}content",
    "atom:summary": f"{{{ATOM}}}summary",
    "dc:description": f"{{{DC}}}description",
    "dcterms:abstract": f"{{{TERMS}}}abstract",
    "dcterms:description": f"{{{TERMS}}}description",
    "excerpt:encoded": "{http://wordpress.org/export/1.2/excerpt/}encoded",
    "googleplay:description": "{http://www.google.com/schemas/play-podcasts/1.0}description",
    "itunes:summary": f"{{{ITUNES}}}summary",
    "media:description": f"{{{MEDIA}}}description",
    "media:text": f"{{{MEDIA}}}text",
    "source:markdown": "{http://source.scripting.com/}markdown",
    "turbo:content": "{http://turbo.yandex.ru}content",
    "xhtml:body": "{http://www.w3.org/1999/xhtml}body",
    "yandex:full-text": "{http://news.yandex.ru}full-text",
}
_NO_PROSE = words("keywords license rights title transcript")
_HIDING = words("details noscript script select style svg template textarea title")


def disclaimers(
    document: bytes,
    css_class: str = "feedmirror-disclaimer",
    *,
    sentence: str | None = None,
) -> list[dict[str, int]]:
    """How many disclaimers each body of each item of RSS or entry of Atom holds, by the name of
    the element.

    A body that is there and holds none counts 0; a second one of the same name is `name[2]`.
    `description`, `content:encoded` and what says that it is are read as HTML: what counts is an
    element of the class that a reader can see and that holds text, `sentence` if one is given. In
    the foreign bodies, where there may be no markup, it is how often `sentence` occurs in the
    words; without a sentence they are read for the class as well.
    """
    return [
        _item_disclaimers(item, css_class, sentence)
        for item in parse_document(document).iter("item", f"{{{ATOM}}}entry")
    ]


def _item_disclaimers(item: Element, css_class: str, sentence: str | None) -> dict[str, int]:
    names = {tag: name for name, tag in BODIES.items()}
    found: dict[str, int] = {}
    occurrences: Counter[str] = Counter()
    for node in item.iter("*"):
        name = names.get(node.tag)
        if name is None or _describes_picture(node):
            continue
        occurrences[name] += 1
        key = name if occurrences[name] == 1 else f"{name}[{occurrences[name]}]"
        text = node.xpath("string()")
        is_html = name in {"description", "content:encoded"} or _is_html_of_atom(node)
        if sentence is None or is_html:
            found[key] = _blocks(text, css_class, _squeeze(sentence or ""))
        else:
            found[key] = _squeeze(_seen_text(text)).count(_squeeze(sentence))
    return found


def bare_prose(document: bytes, sentence: str) -> list[str]:
    """The extension elements of items that hold 40 words, mostly letters, and not the sentence."""
    root = parse_document(document)
    items = root.iter("item", f"{{{ATOM}}}entry")
    return [
        node.tag
        for item in items
        for node in item.iter("{*}*")
        if node.tag.startswith("{") and f"{{{ATOM}}}" not in node.tag
        if not _describes_picture(node) and etree.QName(node).localname not in _NO_PROSE
        if _is_prose(own := "".join(node.xpath("text()")))
        if sentence not in _squeeze(_seen_text(own))
    ]


def _is_prose(text: str) -> bool:
    dense = "".join(text.split())
    return len(text.split()) >= 40 and sum(map(str.isalpha, dense)) > 0.7 * len(dense)


def _describes_picture(node: Element) -> bool:
    """Whether it stands in place of a picture, which is no body."""
    parent = node.getparent()
    kind = parent.get("medium") or parent.get("type") or ""
    return parent.tag == f"{{{MEDIA}}}content" and kind.startswith("image")


def _is_html_of_atom(node: Element) -> bool:
    """Whether it is a body of an entry, and not one of Atom's within an item of RSS."""
    return node.getparent().tag == f"{{{ATOM}}}entry" and node.get("type") == "html"


def _blocks(html: str, css_class: str, sentence: str) -> int:
    """The visible elements of the class that hold the sentence, or any text."""
    marked = parse_body(html).xpath("descendant::*[@class]")
    words_of = {
        node: _squeeze(node.xpath("string()"))
        for node in marked
        if css_class in node.get("class").split() and _is_visible(node)
    }
    return sum(text != "" and sentence in text for text in words_of.values())


def _seen_text(text: str) -> str:
    """What a reader sees of a text that may be plain and may be HTML."""
    if "<!" not in text and plain_text_problem(text) is None:
        return text
    pieces = parse_body(text).xpath("descendant::text()")
    return "".join(piece for piece in pieces if _is_visible(_holder(piece)))


def _holder(piece: etree._ElementUnicodeResult) -> Element:
    """The element that a piece of text stands in, be it before or after a child of it."""
    parent = piece.getparent()
    return parent.getparent() if piece.is_tail else parent


def _is_visible(node: Element) -> bool:
    return not any(
        above.tag in _HIDING or "hidden" in above.attrib or "style" in above.attrib
        for above in (node, *node.iterancestors())
    )


def _squeeze(text: str) -> str:
    return " ".join(text.split())
