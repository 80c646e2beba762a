"""The rules of bodies in HTML: what a reader must not run, and addresses that must be whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

import lxml.html

from rules.tree import Context, Element, Finding, text_of
from rules.values import EXECUTED_SCHEMES, scheme_of, words

# What the W3C's validator warns of, and `form`, which can send a reader's words anywhere.
_ACTIVE = words(
    "applet base embed form frame frameset iframe link math meta object param script style svg "
    "title"
)
_ADDRESSES = words(
    "action background cite data formaction href longdesc ping poster src xlink:href"
)


def parse_body(html: str) -> Element:
    """The body in an enclosing `div`, read with libxml2's tokeniser of HTML5.

    What a comment, a `textarea` or a `plaintext` swallows is no element in the result.
    """
    parser = lxml.html.HTMLParser(huge_tree=True, encoding="utf-8")
    return lxml.html.fragment_fromstring(html.encode(), create_parent="div", parser=parser)


def check_body(node: Element, _: Context) -> Iterator[Finding]:
    """What is wrong with the HTML that is the text of an element."""
    text = text_of(node)
    if "<" not in text:
        return
    for element in parse_body(text).iterdescendants():
        if not isinstance(element.tag, str):
            continue
        if element.tag in _ACTIVE:
            yield "body-active", node, f"<{element.tag}>"
        for name, value in element.attrib.items():
            rule = _attribute_problem(name, value)
            if rule:
                yield rule, node, f'<{element.tag} {name}="{value}">'


def _attribute_problem(name: str, value: str) -> str | None:
    if name.startswith("on"):
        return "body-handler"
    if name == "style":
        return "body-style"
    for url in _addresses(name, value):
        scheme = scheme_of(url)
        if scheme is None:
            return "body-relative"
        if scheme in EXECUTED_SCHEMES:
            return "body-scheme"
    return None


def _addresses(name: str, value: str) -> list[str]:
    """The addresses in an attribute's value. Source: HTML, "Images", `srcset`."""
    if name == "srcset":
        return [
            candidate.split()[0] for candidate in re.split(r",\s+|,$", value) if candidate.split()
        ]
    return [value.strip()] if name in _ADDRESSES else []
