"""Visibility in HTML: remove from a body what the page of the origin hides."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from feedmirror.text.plain import unescape
from feedmirror.text.urls import absolute

FORMULA = "data-formula"  # attribute of the element that a formula was converted to
# Attributes that decide what is shown, and which base addresses are relative to.
VISIBILITY_ATTRIBUTES = frozenset({"aria-hidden", "class", "hidden", "style", "xml:base", FORMULA})
_MAY_HIDE = re.compile(r"hidden|display|visibility|overflow|mso-hide|xml:base", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*+)((?>(?:[^<>\"]|\"[^\"<]*+\")*))>")
_ATTRIBUTE = re.compile(r"([^\s=\"]+)=\"([^\"]*+)\"")
_VOID = frozenset("area br col hr img source track wbr".split())
_COMMENT = re.compile(r"/\*(?:.*?\*/|.*)", re.DOTALL)
_ZERO = re.compile(r"0+(?:\.0*)?(?:px|em|rem|pt|%)?")
# Classes of KaTeX, MathJax and MediaWiki, around a visual and a spoken form of a formula.
_IN_TWO_FORMS = frozenset({"katex", "mathjax", "mathjax_svg", "mwe-math-element"})

ResolveLink = Callable[[str, str], str]


def may_hide(body: str) -> bool:
    """True if an element of `body` may be hidden, or have a base of its own."""
    return _MAY_HIDE.search(body) is not None


def is_hidden(attributes: Mapping[str, str]) -> bool:
    """True if an element with these attributes is hidden, with all of its content.

    Source: HTML §6.1, CSS Display 3 §2.5.
    """
    if "hidden" in attributes and attributes["hidden"].strip().lower() != "until-found":
        return True
    style = attributes.get("style")
    if not style:
        return False
    declarations = _declarations(style)
    return (
        declarations.get("display") == "none"
        or declarations.get("visibility") in {"hidden", "collapse"}
        or declarations.get("mso-hide") == "all"
        or _has_no_height(declarations)
    )


def _has_no_height(declarations: Mapping[str, str]) -> bool:
    """True for the preview text of mails, which only lists of mails show."""
    if declarations.get("overflow") != "hidden":
        return False
    heights = [declarations.get("max-height", "")]
    if not any(
        name.startswith("padding") for name in declarations
    ):  # of a frame with a fixed aspect ratio
        heights.append(declarations.get("height", ""))
    return any(_ZERO.fullmatch(height) for height in heights)


def _declarations(style: str) -> dict[str, str]:
    """Return the declarations of `style` by property; the last or the last important one counts."""
    declarations: dict[str, tuple[bool, str]] = {}
    for declaration in _COMMENT.sub(" ", style).lower().split(";"):
        name, colon, value = declaration.partition(":")
        value, important, _ = value.partition("!important")
        before = declarations.get(name.strip())
        if colon and value.strip() and not (before and before[0] and not important):
            declarations[name.strip()] = (bool(important), value.strip())
    return {name: value for name, (_, value) in declarations.items()}


@dataclass(slots=True)
class _OpenElement:
    """An element that is not closed yet."""

    start: int = 0  # the index of its tag among the pieces
    base: str | None = None  # its own `xml:base`, or that of an ancestor
    is_hidden: bool = False
    is_formula: bool = False  # holds a formula in two forms, a visual and a spoken one
    is_visual: bool = False
    has_text: bool = False  # of a formula
    visuals: list[tuple[int, int]] = field(default_factory=list)  # ranges of pieces: visual forms


def without_hidden(body: str, base: str | None, resolve: ResolveLink) -> str:
    """Return `body` without its hidden elements, and with one form of each formula.

    `body` must be sanitised before, so that its elements are balanced. `resolve(attributes, base)`
    makes addresses absolute where an element has a base of its own.
    """
    return _Walk(base, resolve).walk(body)


class _Walk:
    def __init__(self, base: str | None, resolve: ResolveLink) -> None:
        self._document = base
        self._resolve = resolve
        self._pieces: list[str] = []
        self._stack = [_OpenElement()]
        self._formulas = 0  # elements with formulas that are open

    def walk(self, body: str) -> str:
        position = 0
        for tag in _TAG.finditer(body):
            self._add(body[position : tag.start()])
            position = tag.end()
            if tag[1]:
                self._end(tag[0])
            else:
                self._start(tag[2], tag[3])
        self._add(body[position:])
        return "".join(self._pieces)

    def _add(self, piece: str) -> None:
        if piece and not self._stack[-1].is_hidden:
            self._pieces.append(piece)

    def _start(self, name: str, raw: str) -> None:
        outer = self._stack[-1]
        attributes = {key: unescape(value) for key, value in _ATTRIBUTE.findall(raw)}
        base = outer.base
        if "xml:base" in attributes:
            base = absolute(attributes["xml:base"], base or self._document) or base
        opened = _OpenElement(len(self._pieces), base, outer.is_hidden or is_hidden(attributes))
        if not opened.is_hidden:
            self._add(f"<{name}{self._resolve(raw, base) if base else raw}>")
        if name in _VOID:
            return
        opened.is_formula = not _IN_TWO_FORMS.isdisjoint(
            attributes.get("class", "").lower().split()
        )
        opened.is_visual = attributes.get("aria-hidden", "").strip().lower() == "true"
        opened.has_text = FORMULA in attributes
        self._formulas += opened.is_formula
        self._stack.append(opened)

    def _end(self, source: str) -> None:
        if len(self._stack) == 1:
            return
        self._add(source)
        closed = self._stack.pop()
        self._formulas -= closed.is_formula
        if closed.is_formula and closed.has_text:
            for start, end in closed.visuals:
                self._pieces[start:end] = [""] * (end - start)
        elif self._formulas:
            outer = self._stack[-1]
            outer.has_text |= closed.has_text
            if closed.is_visual and not closed.has_text:
                outer.visuals.append((closed.start, len(self._pieces)))
            else:
                outer.visuals += closed.visuals
