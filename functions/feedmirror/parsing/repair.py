"""The commonest reasons for a document not to be well-formed, removed without reading any of it
differently.
"""

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
# Names under which feedparser keeps lists, details and dates of its own, and those that it expects
# within another element. An element of that name takes their place, or has it fail.
_OUT_OF_PLACE = re.compile(
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


def mend_references(text: str) -> str:
    """`text` without bare ampersands, HTML's named entities and references to characters that
    XML forbids, CDATA sections aside, where none of them means anything.
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
    # As numbers: `&LT;` names a character that would be markup.
    characters = html.entities.html5.get(name + ";")
    return "".join(f"&#{ord(c)};" for c in characters) if characters else f"&amp;{name};"


def mend_characters(text: str) -> str:
    """`text` without references to characters that XML forbids, or that there are none of, which
    feedparser's lenient parser dies of.
    """
    return _NUMBER.sub(lambda match: _character(match[0]), text)


def mend_names(text: str) -> str:
    """`text` without the tags that feedparser's lenient parser takes for its own records."""
    return _OUT_OF_PLACE.sub("", text)


def mend_namespaces(text: str) -> str:
    """`text` with a short name for each namespace whose own is longer than any: a parser repeats
    it in the name of each element and attribute.
    """
    return _LONG_NAMESPACE.sub(lambda found: f'{found[1]}"{_short(found[2][1:-1])}"', text)


def _short(uri: str) -> str:
    return f"urn:long:{blake2b(uri.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"


def _character(reference: str) -> str:
    """A character reference, or nothing where it names a character that XML forbids."""
    number = reference[2:].rstrip(";")
    digits = number.lstrip("xX").lstrip("0") or "0"
    if len(digits) > 7:
        return ""
    code = int(digits, 16 if number[0] in "xX" else 10)
    if code > 0x10FFFF or not printable(chr(code)):
        return ""
    return reference


def mend_prefixes(text: str) -> str:
    """`text`, a document that `gate.admit` let pass, with the well-known prefixes that it uses
    but forgot to declare.
    """
    root = _ROOT.match(text, len(HEAD))
    missing = "".join(
        f" xmlns:{prefix}={quote(uri)}"
        for prefix, uri in PREFIXES.items()
        if f"{prefix}:" in text and f"xmlns:{prefix}=" not in text
    )
    return text[: root.end()] + missing + text[root.end() :] if root else text


def mend_entry(text: str) -> str:
    """`text`, a document that is one entry of Atom, as a feed that holds it. RFC 4287 §2."""
    return f"{HEAD}<feed xmlns={quote(ATOM)}>{text[len(HEAD) :]}</feed>"
