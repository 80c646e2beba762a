"""Whether a public document is valid, of whatever format: an independent judge.

It reads with lxml and expat and imports nothing of the program; `rules` has the rules, and the
search for disclaimers, which is offered here too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from xml.parsers import expat

from lxml import etree

from rules import FROM_ORIGIN, RULES, json_feed
from rules.atom import self_findings, vocabulary_findings
from rules.atom_feed import feed_findings
from rules.channel import channel_findings
from rules.core import shape_findings
from rules.disclaimers import BODIES, disclaimers
from rules.extension_elements import foreign_findings, namespace_findings
from rules.tree import ATOM, XML, Context, Element, Finding, elements, parse_document
from rules.values import is_language

__all__ = [
    "BODIES",
    "FROM_ORIGIN",
    "RULES",
    "atom_problems",
    "disclaimers",
    "json_problems",
    "rss_problems",
]

_DECLARATION = re.compile(rb"""<\?xml version=["']1\.0["'] encoding=["']utf-8["']""", re.IGNORECASE)
_BAD_CHARACTER = re.compile("[\x80-\x9f\ufdd0-\ufdef\ufffe\uffff]")


def rss_problems(
    document: bytes, *, self_url: str | None = None, now: datetime | None = None
) -> list[str]:
    """What keeps the document from being valid; empty if nothing does.

    A problem begins with its rule: `guid-double at /rss/channel/item[3]/guid (line 41): 'x'`.
    `RULES` says in words what each rule wants, `FROM_ORIGIN` which of them only the origin's
    words can break. `self_url` is the address that the document is served from, None if that is
    not known; `now` is the present by default.
    """
    return _xml_problems(document, _findings, self_url, now)


def atom_problems(
    document: bytes, *, self_url: str | None = None, now: datetime | None = None
) -> list[str]:
    """The same of an Atom 1.0 document."""
    return _xml_problems(document, _atom_findings, self_url, now)


def json_problems(document: bytes, *, self_url: str, now: datetime | None = None) -> list[str]:
    """The same of a JSON Feed; places are written as JavaScript does."""
    found = list(json_feed.json_problems(document, self_url, now or datetime.now(UTC)))
    for rule, _, _ in found:
        if rule not in RULES:
            raise KeyError(rule)
    return [f"{rule} at {where}: {str(value)[:120]!r}" for rule, where, value in found]


def _xml_problems(
    document: bytes,
    findings: Callable[[Element, Context], Iterator[Finding]],
    self_url: str | None,
    now: datetime | None,
) -> list[str]:
    problems = list(_byte_problems(document))
    if any(problem.startswith(("encoding", "well-formed")) for problem in problems):
        return problems
    root = parse_document(document)
    context = Context(now=now or datetime.now(UTC), self_url=self_url)
    return problems + [_sentence(root, *finding) for finding in findings(root, context)]


def _sentence(root: Element, rule: str, node: Element, value: str) -> str:
    if rule not in RULES:
        raise KeyError(rule)
    shown = value if len(value) <= 120 else f"{value[:117]}..."
    return f"{rule} at {root.getroottree().getpath(node)} (line {node.sourceline}): {shown!r}"


def _byte_problems(document: bytes) -> Iterator[str]:
    """What is wrong before there is a tree."""
    try:
        document.decode("utf-8")
    except UnicodeDecodeError as error:
        yield f"encoding at byte {error.start}: {document[error.start : error.start + 8]!r}"
        return
    if document.startswith(b"\xef\xbb\xbf"):
        yield f"encoding at byte 0: {document[:3]!r}"
        return
    if _DECLARATION.match(document) is None:
        yield f"xml-declaration at byte 0: {document[:60]!r}"
    try:
        # libxml2 and expat differ in what they let pass, so both must accept it.
        parse_document(document)
        expat.ParserCreate(namespace_separator=" ").Parse(document, True)
    except (etree.XMLSyntaxError, expat.ExpatError) as error:
        yield f"well-formed at the document: {str(error)!r}"


def _findings(root: Element, context: Context) -> Iterator[Finding]:
    doctype = root.getroottree().docinfo.doctype
    if doctype:
        yield "doctype", root, doctype
    if root.tag != "rss" or root.get("version") != "2.0":
        yield "root", root, f"{root.tag} {root.get('version')}"
    if root.tag != "rss":
        return  # the rules below would only find that it is something else
    yield from shape_findings(root)
    names = [child.tag for child in elements(root)]
    if names != ["channel"]:
        yield "channel", root, " ".join(names)
    yield from _character_findings(root)
    yield from _language_findings(root)
    yield from namespace_findings(root)
    for channel in root.iterfind("channel"):
        yield from channel_findings(channel, context)
        yield from self_findings(channel, context)
        yield from vocabulary_findings(channel)
        yield from foreign_findings(channel, context)


def _atom_findings(root: Element, context: Context) -> Iterator[Finding]:
    if root.getroottree().docinfo.doctype:
        yield "doctype", root, root.getroottree().docinfo.doctype
    if root.tag != f"{{{ATOM}}}feed":
        yield "root", root, root.tag
        return
    yield from _character_findings(root)
    yield from _language_findings(root)
    yield from namespace_findings(root)
    yield from feed_findings(root, context)


def _character_findings(root: Element) -> Iterator[Finding]:
    for node in root.iter("*"):
        for value in (node.text, node.tail, *node.attrib.values()):
            match = _BAD_CHARACTER.search(value or "")
            if match:
                yield "character", node, match[0]


def _language_findings(root: Element) -> Iterator[Finding]:
    for node in root.xpath("//*[@xml:lang]"):
        language = node.get(f"{{{XML}}}lang")
        if language and not is_language(language):  # the empty one is lawful: XML 1.0 §2.12
            yield "language", node, language
