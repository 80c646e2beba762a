"""Repair documents that are not well-formed: the usual faults, without changing their meaning."""

from __future__ import annotations

import html.entities
import re
from hashlib import blake2b

from feedmirror.parsing.decode import HEAD
from feedmirror.parsing.scan import LONGEST_NAMESPACE
from feedmirror.text.namespaces import ATOM, PREFIXES
from feedmirror.text.xml import printable, quote

_AMPERSAND = re.compile(
    r"&(?:#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|(?P<name>[A-Za-z][A-Za-z0-9]{1,31});)?"
)
_NUMBER = re.compile(r"&#(?:([0-9]+)|[xX]([0-9a-fA-F]+));?")
# Names that feedparser uses for data of its own, or expects within another element. An element with
# such a name would overwrite the data, or make feedparser fail.
_RESERVED_TAG = re.compile(
    r"</?(?:links|tags|authors|contributors|enclosures|[\w.-]+[_:](?:detail|parsed|pos|poslist))"
    r"(?=[\s/>])[^<>]*>?",
    re.IGNORECASE,
)
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_LONG_NAMESPACE = re.compile(
    rf"(?<=\s)(xmlns(?>(?::[^\s=]++)?)\s*+=\s*+)"
    rf"(\"[^\"]{{{LONGEST_NAMESPACE},}}+\"|'[^']{{{LONGEST_NAMESPACE},}}+')"
)
_ROOT = re.compile(r"<[^\s/>]+")


def repair_references(text: str) -> str:
    """Escape bare ampersands, replace HTML's named entities, and drop references XML forbids.

    Leaves CDATA sections, where references have no meaning, unchanged.
    """
    pieces: list[str] = []
    position = 0
    while (start := text.find("<![CDATA[", position)) >= 0:
        end = text.find("]]>", start)
        if end < 0:
            break
        pieces += [_AMPERSAND.sub(_reference, text[position:start]), text[start : end + 3]]
        position = end + 3
    pieces.append(_AMPERSAND.sub(_reference, text[position:]))
    return "".join(pieces)


def _reference(match: re.Match[str]) -> str:
    name = match["name"]
    if match[0] == "&":
        return "&amp;"
    if name is None:
        return _character(match[0])
    if name in _XML_ENTITIES:
        return match[0]
    # As numbers, since `&LT;` names a character that would be markup.
    characters = html.entities.html5.get(name + ";")
    return "".join(f"&#{ord(c)};" for c in characters) if characters else f"&amp;{name};"


def repair_characters(text: str) -> str:
    """Drop references to characters that do not exist or that XML forbids.

    The lenient parser of feedparser fails on such references.
    """
    return _NUMBER.sub(lambda match: _character(match[0]), text)


def repair_names(text: str) -> str:
    """Drop tags with names that the lenient parser of feedparser uses for data of its own."""
    return _RESERVED_TAG.sub("", text)


def repair_namespaces(text: str) -> str:
    """Replace namespaces longer than `LONGEST_NAMESPACE` by short ones.

    A parser repeats the namespace in the name of each element and attribute.
    """
    return _LONG_NAMESPACE.sub(lambda match: f'{match[1]}"{_short(match[2][1:-1])}"', text)


def _short(uri: str) -> str:
    return f"urn:long:{blake2b(uri.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"


def _character(reference: str) -> str:
    """Return a character reference unchanged, or "" if XML forbids the character."""
    number = reference[2:].rstrip(";")
    digits = number.lstrip("xX").lstrip("0") or "0"
    if len(digits) > 7:
        return ""
    code = int(digits, 16 if number[0] in "xX" else 10)
    if code > 0x10FFFF or not printable(chr(code)):
        return ""
    return reference


def repair_prefixes(text: str) -> str:
    """Declare the well-known prefixes that `text` uses without a declaration.

    `text` is a document as `decode.prepare_xml` returns it.
    """
    root = _ROOT.match(text, len(HEAD))
    missing = "".join(
        f" xmlns:{prefix}={quote(uri)}"
        for prefix, uri in PREFIXES.items()
        if f"{prefix}:" in text and f"xmlns:{prefix}=" not in text
    )
    return text[: root.end()] + missing + text[root.end() :] if root else text


def repair_entry(text: str) -> str:
    """Wrap a document that is a single Atom entry in a feed. Source: RFC 4287 §2."""
    return f"{HEAD}<feed xmlns={quote(ATOM)}>{text[len(HEAD) :]}</feed>"
