"""XML: escape text, filter forbidden characters, and parse to a tree that keeps prefixes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers import expat

from msgspec import Struct, field

from feedmirror.text.namespaces import namespace_of
from feedmirror.text.patterns import pattern
from feedmirror.text.urls import absolute

# Characters that XML 1.0 cannot carry at all, even escaped. Source: XML 1.0 §2.2 Char.
_FORBIDDEN = pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_C1 = pattern("[\x80-\x9f]")
_C1_BYTES = pattern(b"\xc2[\x80-\x9f]")
_CONTROLS = bytes({*range(32)} - {9, 10, 13})
_NON_CHARACTERS = pattern(b"\xef\xbf[\xbe\xbf]")
_SPACES = pattern("[\t\n\r]")  # which parsers turn into blanks. Source: XML 1.0 §3.3.3
XML = "http://www.w3.org/XML/1998/namespace"
SEPARATOR = (
    "\n"  # between URI, local name and prefix in expat's names; no URI may hold a line break
)


def printable(text: str) -> str:
    """Return `text` without characters that XML 1.0 forbids, and with C1 controls replaced."""
    return text if _is_printable(text) else _C1.sub(_replace_c1, _FORBIDDEN.sub("", text))


def windows_1252_for_c1(code: int) -> str:
    """Return the character of Windows-1252 that replaces a C1 control (0x80 to 0x9F), or "".

    Source: HTML §13.2.5.80.
    """
    return bytes([code]).decode("cp1252", "ignore")


def _replace_c1(control: re.Match[str]) -> str:
    return windows_1252_for_c1(ord(control[0]))


def _is_printable(text: str) -> bool:
    """True if `printable` would not change `text`. Bytes are searched ten times as fast as text."""
    try:
        data = text.encode()
    except UnicodeEncodeError:  # a surrogate
        return False
    if len(data.translate(None, _CONTROLS)) != len(data) or _NON_CHARACTERS.search(data):
        return False
    return b"\xc2" not in data or not _C1_BYTES.search(data)


def escape(text: str) -> str:
    """Return `text` as XML character data."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def character_data(text: str) -> str:
    """Return `text` as XML character data from which parsers recover carriage returns, too.

    Source: XML 1.0 §2.11.
    """
    return escape(text).replace("\r", "&#13;")


def quote(text: str) -> str:
    """Return `text` as an XML attribute value, quotes included, with white space preserved."""
    value = escape(text).replace('"', "&quot;")
    if _SPACES.search(value):
        value = _SPACES.sub(lambda match: f"&#{ord(match[0])};", value)
    return f'"{value}"'


def cdata(*texts: str) -> Iterator[str]:
    """Yield the pieces of a CDATA section that holds `texts`, in order.

    A `]]>` must not be split between two texts.
    """
    yield "<![CDATA["
    yield from (text.replace("]]>", "]]]]><![CDATA[>") for text in texts)
    yield "]]>"


class Name(Struct):
    """A name with its namespace, and with the prefix in the document."""

    uri: str  # "" for none
    local: str
    prefix: str  # "" for none

    @classmethod
    def of(cls, name: str) -> Name:
        """Parse a name as expat reports names with `namespace_prefixes`.

        The namespace is the one that clients take the name for.
        """
        parts = name.split(SEPARATOR)
        if len(parts) == 1:
            return cls("", parts[0], "")
        prefix = parts[2] if len(parts) == 3 else ""
        return cls(namespace_of(parts[0], parts[1], prefix), parts[1], prefix)


class Node(Struct):
    """An element; `children` holds elements and runs of text in document order."""

    name: Name
    attributes: list[tuple[Name, str]]
    children: list[Node | str] = field(default_factory=list)

    def elements(self) -> Iterator[Node]:
        """Yield the child elements."""
        return (child for child in self.children if isinstance(child, Node))

    def text(self) -> str:
        """Return all character data of the element and its descendants, in order."""
        return "".join(c if isinstance(c, str) else c.text() for c in self.children)

    def get(self, local: str, uri: str = "") -> str | None:
        """Return the value of an attribute, or None; the case of the local name is ignored."""
        for name, value in self.attributes:
            if name.local.lower() == local and name.uri == uri:
                return value
        return None

    def base(self, outer: str) -> str:
        """Return the base of addresses in the element, given the base of its parent.

        Source: XML Base.
        """
        own = self.get("base", XML)
        return (absolute(own, outer) or outer) if own else outer


class Element(Struct, frozen=True):
    """An element without its document."""

    node: Node
    base: str  # of its parent: the address of the document, or the `xml:base` of an ancestor


def parser() -> expat.XMLParserType:
    """Return a new expat parser that reports URI, local name and prefix, and joins runs of text."""
    made = expat.ParserCreate("utf-8", SEPARATOR)
    made.namespace_prefixes = True
    made.buffer_text = True
    made.ordered_attributes = True
    return made


def tree(*pieces: bytes) -> Node:
    """Parse a document, given in pieces; return its root element.

    Leaves out comments and processing instructions. Raises: expat.ExpatError.
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


# Slots for the disclaimer in a fragment of XML: characters that no XML document may hold.
HTML_BEFORE, HTML_AFTER = "\x01", "\x02"  # around a body of escaped HTML
TEXT_BEFORE, TEXT_AFTER = "\x03", "\x04"  # around a body of plain text
