"""What the rules share: findings, and how an element of the document is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

Element = etree._Element
Finding = tuple[str, Element, str]  # the rule, where, the value that breaks it

XML = "http://www.w3.org/XML/1998/namespace"
ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"


@dataclass(frozen=True, slots=True)
class Context:
    """What is known besides the document."""

    now: datetime  # no date lies after it
    self_url: str | None  # where the document is served from; None: not known


Check = Callable[[Element, Context], Iterator[Finding]]


def parse_document(document: bytes) -> Element:
    """The root of a document, read strictly and without reaching for anything outside it.

    Raises: etree.XMLSyntaxError.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True
    )
    return etree.fromstring(document, parser)


def text_of(node: Element) -> str:
    """The element's own text, comments left out, outer white space too."""
    return "".join(node.xpath("text()")).strip()


def elements(node: Element) -> list[Element]:
    """The children that are elements."""
    return [child for child in node if isinstance(child.tag, str)]


def core_children(node: Element) -> list[Element]:
    """The children that are elements without a namespace."""
    return [child for child in elements(node) if not child.tag.startswith("{")]


def namespace(node: Element) -> str | None:
    """The namespace of an element, None if it has none."""
    return etree.QName(node).namespace


def value_check(rule: str, holds: Callable[[str], bool]) -> Check:
    """A check that the element's text is what `holds` says."""

    def check(node: Element, _: Context) -> Iterator[Finding]:
        if not holds(text_of(node)):
            yield rule, node, text_of(node)

    return check


def problem_check(problem: Callable[[str], str | None]) -> Check:
    """A check that names the rule that the element's text breaks."""

    def check(node: Element, _: Context) -> Iterator[Finding]:
        rule = problem(text_of(node))
        if rule:
            yield rule, node, text_of(node)

    return check


def date_check(problem: Callable[[str, datetime], str | None]) -> Check:
    """A check of a date against its form and the present."""

    def check(node: Element, context: Context) -> Iterator[Finding]:
        rule = problem(text_of(node), context.now)
        if rule:
            yield rule, node, text_of(node)

    return check


def anything(_: Element, __: Context) -> Iterator[Finding]:
    """The check that finds nothing: any text will do."""
    return iter(())
