"""BodyWriter: the output of a body's rewriting, with a stack of the open elements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from html import escape

from msgspec import Struct, field

from feedmirror.text.html_tokens import NO_ANCHORS, Anchors

# What may stand in a list, and the element that is put around anything else.
_CHILDREN = {
    "items": (frozenset({"li"}), '<li class="bare">', "</li>"),
    "definitions": (frozenset({"dt", "dd", "div"}), "<dd>", "</dd>"),
}


class OpenElement(Struct):
    """An element whose end tag is not written yet."""

    name: str  # in the body: the name of the end tag that closes the element
    closing: str = ""  # the end tag on the page
    holds: str = ""  # a key of `_CHILDREN`; "": anything may stand in the element
    is_added: bool = False  # put around a list's other content; closed before the next list item
    on_end: Callable[[BodyWriter, OpenElement], None] | None = None  # called before it is closed
    attributes: dict[str, str] = field(default_factory=dict)  # of a link
    url: str = ""  # of a link
    after: list[str] = field(default_factory=list)  # HTML that follows the end tag
    start: int = 0  # index of the start tag in `BodyWriter.out`
    has_words: bool = False  # visible text in it, or a picture with alternative text
    has_media: bool = False  # a picture, a sound or a film in it


class BodyWriter:
    """Output of a body's rewriting, always balanced. Takes linear time."""

    def __init__(self, *, with_pictures: bool, anchors: Anchors = NO_ANCHORS) -> None:
        self.out: list[str] = []
        self.anchors = anchors  # targets of links within the body
        self.with_pictures = with_pictures  # False: pictures become links
        self.levels: list[int] = []  # of the body's headings around this point, outermost first
        self._stack = [OpenElement("")]
        self._by_name: defaultdict[str, list[OpenElement]] = defaultdict(list)

    @property
    def top(self) -> OpenElement:
        """Return the innermost open element."""
        return self._stack[-1]

    def innermost(self, name: str) -> OpenElement | None:
        """Return the innermost open element of that name; None if no such element is open."""
        return next(reversed(self._by_name[name]), None)

    def is_open(self, *names: str) -> bool:
        """True within an element of any of these names."""
        return any(self._by_name[name] for name in names)

    def push(self, element: OpenElement, start_tag: str) -> None:
        """Open the element with that start tag."""
        element.start = len(self.out)
        self.out.append(start_tag)
        self._stack.append(element)
        self._by_name[element.name].append(element)

    def push_unwritten(self, name: str) -> None:
        """Open an element of which only the content is written."""
        self.push(OpenElement(name, holds=self.top.holds), "")

    def pop(self) -> OpenElement:
        """Close and return the innermost element."""
        element = self._stack.pop()
        self._by_name[element.name].pop()
        if element.on_end:
            element.on_end(self, element)
        self.out.append(element.closing)
        self.out.extend(element.after)
        self.top.has_words |= element.has_words
        self.top.has_media |= element.has_media
        return element

    def end(self, name: str) -> None:
        """Close the innermost element of that name and all elements in it; do nothing if no such
        element is open.
        """
        if self._by_name[name]:
            while self.pop().name != name:
                pass

    def end_all(self) -> None:
        """Close all open elements."""
        while len(self._stack) > 1:
            self.pop()

    def make_room(self, name: str) -> None:
        """Prepare for an element of that name, or for text (""): lists hold items only, so open an
        item around anything else, and close such an item before the list's own items.
        """
        if self.top.is_added and name in _CHILDREN[self._stack[-2].holds][0]:
            self.pop()
        if self.top.holds:
            children, start_tag, closing = _CHILDREN[self.top.holds]
            if name not in children:
                self.push(OpenElement("", closing, is_added=True), start_tag)


def render_start_tag(name: str, attributes: Mapping[str, str]) -> str:
    """Return the start tag. Values of `attributes` are plain text and are escaped here."""
    written = "".join(f' {key}="{escaped(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>"


def escaped(text: str) -> str:
    """Return plain text as HTML, for an element or for an attribute in double quotes."""
    return escape(text, quote=False).replace('"', "&quot;")
