"""The elements that are open while a body is written anew, and what has been written of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from feedmirror.text.anchors import NO_ANCHORS, Anchors


@dataclass(slots=True)
class Part:
    """A term or its definition, in a list of them."""

    name: str  # "dt" or "dd"
    begin: int  # where its start tag is in the output
    end: int = 0  # and its end tag


@dataclass(slots=True)
class Open:
    """An element that has begun."""

    name: str  # in the body: that is what its end will be called
    closing: str = ""  # what ends it on the page
    holds: str = ""  # "items", "definitions": what may stand in it; empty: anything
    is_put_in: bool = False  # it was not in the body: it ends when what it makes room for does
    ending: Callable[[Elements, Open], None] | None = None  # has a last word before it ends
    attributes: dict[str, str] = field(default_factory=dict)  # escaped
    leads_to: str = ""  # where a link does: what its `href` means
    parts: list[Part] | None = None  # of a list of definitions
    after: list[str] = field(default_factory=list)  # what is to follow it
    at: int = 0  # where its start tag is in the output
    is_named: bool = False  # there are words in it, or a picture with some
    has_picture: bool = False  # or a sound, or a film


class Elements:
    """What is written, and what of it is still open. Takes time in proportion to what is pushed."""

    def __init__(self, *, with_pictures: bool, places: Anchors = NO_ANCHORS) -> None:
        self.out: list[str] = []
        self.places = places
        self.with_pictures = with_pictures
        self.levels: list[int] = []  # of the headings in force, outermost first, as in the body
        self._stack = [Open("")]
        self._by_name: defaultdict[str, list[Open]] = defaultdict(list)

    @property
    def top(self) -> Open:
        """The innermost element."""
        return self._stack[-1]

    def is_open(self, *names: str) -> bool:
        """Whether one is within an element of these names."""
        return any(self._by_name[name] for name in names)

    def innermost(self, name: str) -> Open:
        """The innermost element of that name; there has to be one."""
        return self._by_name[name][-1]

    def push(self, opened: Open, start: str) -> Open:
        """The element, begun with that start tag."""
        opened.at = len(self.out)
        self.out.append(start)
        self._stack.append(opened)
        self._by_name[opened.name].append(opened)
        return opened

    def see_through(self, name: str) -> None:
        """Begin an element that leaves nothing on the page but what is in it."""
        self.push(Open(name, holds=self.top.holds, parts=self.top.parts), "")

    def pop(self) -> Open:
        """The innermost element, ended."""
        opened = self._stack.pop()
        self._by_name[opened.name].pop()
        if opened.ending:
            opened.ending(self, opened)
        self.out.append(opened.closing)
        self.out.extend(opened.after)
        self.top.is_named |= opened.is_named
        self.top.has_picture |= opened.has_picture
        return opened

    def end(self, name: str) -> None:
        """End the innermost element of that name and all that is open in it; nothing if none is."""
        if self._by_name[name]:
            while self.pop().name != name:
                pass

    def end_all(self) -> None:
        """End whatever is open."""
        while len(self._stack) > 1:
            self.pop()

    def make_room(self, name: str) -> None:
        """See to it that an element of that name, or words (""), may stand here: lists hold items
        only, so that others get one around them.
        """
        if self.top.is_put_in and name in _ITEMS[self._stack[-2].holds]:
            self.pop()
        holds = self.top.holds
        if not holds or name in _ITEMS[holds]:
            return
        if holds == "items":
            self.push(Open("", "</li>", is_put_in=True), '<li class="bare">')
        else:
            self.begin_part("", "dd", "<dd>").is_put_in = True

    def begin_part(self, name: str, kind: str, start: str) -> Open:
        """A term or a definition, begun in the list of them that is open."""
        parts = self.top.parts
        assert parts is not None  # noqa: S101 - who holds definitions has them
        part = Part(kind, len(self.out))
        parts.append(part)

        def note_end(elements: Elements, _: Open) -> None:
            part.end = len(elements.out)

        return self.push(Open(name, f"</{kind}>", ending=note_end), start)


_ITEMS: dict[str, frozenset[str]] = {
    "": frozenset(),
    "items": frozenset({"li"}),
    "definitions": frozenset({"dt", "dd", "div"}),
}


def are_definitions(parts: Iterable[Part]) -> bool:
    """Whether a definition follows a term; else it is no list of them, but something indented."""
    has_term = False
    for part in parts:
        if has_term and part.name == "dd":
            return True
        has_term = has_term or part.name == "dt"
    return False
