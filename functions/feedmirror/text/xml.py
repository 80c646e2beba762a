"""The little of XML that parsing and rendering share: escaping, and a tree that keeps prefixes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from feedmirror.text.namespaces import meant
from feedmirror.text.urls import absolute

# Characters that XML 1.0 cannot carry at all, even escaped. Source: XML 1.0 §2.2 Char.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_C1 = re.compile("[\x80-\x9f]")
_C1_BYTES = re.compile(b"\xc2[\x80-\x9f]")
_CONTROLS = bytes({*range(32)} - {9, 10, 13})
_NON_CHARACTERS = re.compile(b"\xef\xbf[\xbe\xbf]")
_SPACES = re.compile("[\t\n\r]")  # a parser makes blanks of these. Source: XML 1.0 §3.3.3
XML = "http://www.w3.org/XML/1998/namespace"
SEPARATOR = "\n"  # between URI, local name and prefix in expat's names; no URI may hold it


def printable(text: str) -> str:
    """`text` without the characters that XML 1.0 forbids, and with those that C1 controls mean."""
    return text if _is_printable(text) else _C1.sub(_meant, _FORBIDDEN.sub("", text))


def meant_by_c1(code: int) -> str:
    """The character that a C1 control (0x80 to 0x9F) means, that of Windows-1252; "" for none.
    Source: HTML §13.2.5.80.
    """
    return bytes([code]).decode("cp1252", "ignore")


def _meant(control: re.Match[str]) -> str:
    return meant_by_c1(ord(control[0]))


def _is_printable(text: str) -> bool:
    """Whether there are none: bytes are looked through ten times as fast as by the pattern."""
    try:
        data = text.encode()
    except UnicodeEncodeError:  # a surrogate
        return False
    if len(data.translate(None, _CONTROLS)) != len(data) or _NON_CHARACTERS.search(data):
        return False
    return b"\xc2" not in data or not _C1_BYTES.search(data)


def escape(text: str) -> str:
    """`text` as XML character data."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def reference(text: str) -> str:
    """`text` as XML character data that any parser gives back to the letter, a carriage return
    too. Source: XML 1.0 §2.11.
    """
    return escape(text).replace("\r", "&#13;")


def quote(text: str) -> str:
    """`text` as an XML attribute value, quotes included; white space survives normalisation."""
    value = escape(text).replace('"', "&quot;")
    if _SPACES.search(value):
        value = _SPACES.sub(lambda match: f"&#{ord(match[0])};", value)
    return f'"{value}"'


def cdata(*texts: str) -> Iterator[str]:
    """Yield a section of character data in which nothing is escaped, in pieces: no text may go on
    with the rest of a `]]>` that the one before begins.
    """
    yield "<![CDATA["
    yield from (text.replace("]]>", "]]]]><![CDATA[>") for text in texts)
    yield "]]>"


@dataclass(slots=True)
class Name:
    """A name with its namespace and the prefix it was written with."""

    uri: str  # "" for none
    local: str
    prefix: str  # "" for none

    @classmethod
    def of(cls, name: str) -> Name:
        """Return the parts of a name as expat gives it with `namespace_prefixes`; the namespace is
        the one that clients take it for.
        """
        parts = name.split(SEPARATOR)
        if len(parts) == 1:
            return cls("", parts[0], "")
        prefix = parts[2] if len(parts) == 3 else ""
        return cls(meant(parts[0], parts[1], prefix), parts[1], prefix)


@dataclass(slots=True)
class Node:
    """An element; `children` holds elements and runs of text in document order."""

    name: Name
    attributes: list[tuple[Name, str]]
    children: list[Node | str] = field(default_factory=list)

    def elements(self) -> Iterator[Node]:
        """The child elements."""
        return (child for child in self.children if isinstance(child, Node))

    def text(self) -> str:
        """All character data below, in order."""
        return "".join(c if isinstance(c, str) else c.text() for c in self.children)

    def get(self, local: str, uri: str = "") -> str | None:
        """The value of an attribute, or None; the local name's case does not count."""
        for name, value in self.attributes:
            if name.local.lower() == local and name.uri == uri:
                return value
        return None

    def base(self, outer: str) -> str:
        """What addresses in it are relative to, given what its own is. Source: XML Base."""
        own = self.get("base", XML)
        return (absolute(own, outer) or outer) if own else outer


@dataclass(frozen=True, slots=True)
class Element:
    """An element lifted out of its document."""

    node: Node
    base: str  # what its address would be relative to: the document's, or an ancestor's `xml:base`


def parser() -> expat.XMLParserType:
    """A fresh expat parser that reports `uri, local, prefix` and joins runs of text."""
    made = expat.ParserCreate("utf-8", SEPARATOR)
    made.namespace_prefixes = True
    made.buffer_text = True
    made.ordered_attributes = True
    return made


def tree(*pieces: bytes) -> Node:
    """The root element of the document that the pieces make up, joined.

    Comments and processing instructions are left out. Raises: expat.ExpatError.
    """
    root = Node(Name("", "", ""), [])
    stack = [root]
    expat_parser = parser()

    def start(name: str, attributes: list[str]) -> None:
        pairs = zip(attributes[::2], attributes[1::2], strict=True)
        node = Node(Name.of(name), [(Name.of(key), value) for key, value in pairs])
        stack[-1].children.append(node)
        stack.append(node)

    def end(_name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].children.append(data)

    expat_parser.StartElementHandler = start
    expat_parser.EndElementHandler = end
    expat_parser.CharacterDataHandler = text
    for piece in pieces:
        expat_parser.Parse(piece, False)
    expat_parser.Parse(b"", True)
    return next(root.elements())


HTML_BEFORE, HTML_AFTER = "\x01", "\x02"  # around a body of escaped HTML
TEXT_BEFORE, TEXT_AFTER = "\x03", "\x04"  # around a plain one
