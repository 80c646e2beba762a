"""What of a body a browser shows where the body was published: not what is hidden there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from feedmirror.text.plain import unescape
from feedmirror.text.urls import absolute

FORMULA = "data-formula"  # an attribute of what a formula was made of
# Attributes that say what is shown, and what addresses are relative to.
TELLING = frozenset({"aria-hidden", "class", "hidden", "style", "xml:base", FORMULA})
_TELLS = re.compile(r"hidden|display|visibility|overflow|mso-hide|xml:base", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*+)((?>(?:[^<>\"]|\"[^\"<]*+\")*))>")
_ATTRIBUTE = re.compile(r"([^\s=\"]+)=\"([^\"]*+)\"")
_VOID = frozenset("area br col hr img source track wbr".split())
_COMMENT = re.compile(r"/\*(?:.*?\*/|.*)", re.DOTALL)
_ZERO = re.compile(r"0+(?:\.0*)?(?:px|em|rem|pt|%)?")
# Classes of KaTeX, MathJax and MediaWiki.
_IN_TWO_FORMS = frozenset({"katex", "mathjax", "mathjax_svg", "mwe-math-element"})

Resolve = Callable[[str, str], str]


def tells(body: str) -> bool:
    """True if anything in `body` may be hidden, or have a base of its own."""
    return _TELLS.search(body) is not None


def is_concealed(attributes: Mapping[str, str]) -> bool:
    """True if an element with these attributes is not shown, nor anything in it.

    Source: HTML §6.1, CSS Display 3 §2.5.
    """
    if "hidden" in attributes and attributes["hidden"].strip().lower() != "until-found":
        return True
    style = attributes.get("style")
    if not style:
        return False
    said = _declarations(style)
    return (
        said.get("display") == "none"
        or said.get("visibility") in {"hidden", "collapse"}
        or said.get("mso-hide") == "all"
        or _is_of_no_height(said)
    )


def _is_of_no_height(said: Mapping[str, str]) -> bool:
    """True for what mails begin with, to be shown in lists of mails alone."""
    if said.get("overflow") != "hidden":
        return False
    heights = [said.get("max-height", "")]
    if not any(name.startswith("padding") for name in said):  # which make room for a frame
        heights.append(said.get("height", ""))
    return any(_ZERO.fullmatch(height) for height in heights)


def _declarations(style: str) -> dict[str, str]:
    """The declarations in force, by property: the last of each, or the last that is important."""
    found: dict[str, tuple[bool, str]] = {}
    for declaration in _COMMENT.sub(" ", style).lower().split(";"):
        name, colon, value = declaration.partition(":")
        value, important, _ = value.partition("!important")
        before = found.get(name.strip())
        if colon and value.strip() and not (before and before[0] and not important):
            found[name.strip()] = (bool(important), value.strip())
    return {name: value for name, (_, value) in found.items()}


@dataclass(slots=True)
class _Open:
    """An element that is not closed yet."""

    start: int = 0  # the index of its tag among the pieces
    base: str | None = None  # its own, or an ancestor's
    is_concealed: bool = False
    is_formula: bool = False  # it holds one in two forms: one to be read out, one to be looked at
    is_for_eyes: bool = False
    has_text: bool = False  # of a formula
    for_eyes: list[tuple[int, int]] = field(default_factory=list)  # the pieces that are


def visible(body: str, base: str | None, resolve: Resolve) -> str:
    """`body`, which the sanitiser has balanced, without what is hidden in it, each formula once.

    `resolve(attributes, base)` makes addresses absolute where an element has a base of its own.
    """
    return _Walk(base, resolve).walk(body)


class _Walk:
    def __init__(self, base: str | None, resolve: Resolve) -> None:
        self._document = base
        self._resolve = resolve
        self._pieces: list[str] = []
        self._stack = [_Open()]
        self._formulas = 0  # that are open

    def walk(self, body: str) -> str:
        position = 0
        for found in _TAG.finditer(body):
            self._add(body[position : found.start()])
            position = found.end()
            if found[1]:
                self._end(found[0])
            else:
                self._start(found[2], found[3])
        self._add(body[position:])
        return "".join(self._pieces)

    def _add(self, piece: str) -> None:
        if piece and not self._stack[-1].is_concealed:
            self._pieces.append(piece)

    def _start(self, name: str, raw: str) -> None:
        outer = self._stack[-1]
        said = {key: unescape(value) for key, value in _ATTRIBUTE.findall(raw)}
        base = outer.base
        if "xml:base" in said:
            base = absolute(said["xml:base"], base or self._document) or base
        opened = _Open(len(self._pieces), base, outer.is_concealed or is_concealed(said))
        if not opened.is_concealed:
            self._add(f"<{name}{self._resolve(raw, base) if base else raw}>")
        if name in _VOID:
            return
        opened.is_formula = not _IN_TWO_FORMS.isdisjoint(said.get("class", "").lower().split())
        opened.is_for_eyes = said.get("aria-hidden", "").strip().lower() == "true"
        opened.has_text = FORMULA in said
        self._formulas += opened.is_formula
        self._stack.append(opened)

    def _end(self, source: str) -> None:
        if len(self._stack) == 1:
            return
        self._add(source)
        closed = self._stack.pop()
        self._formulas -= closed.is_formula
        if closed.is_formula and closed.has_text:
            for start, end in closed.for_eyes:
                self._pieces[start:end] = [""] * (end - start)
        elif self._formulas:
            outer = self._stack[-1]
            outer.has_text |= closed.has_text
            if closed.is_for_eyes and not closed.has_text:
                outer.for_eyes.append((closed.start, len(self._pieces)))
            else:
                outer.for_eyes += closed.for_eyes
