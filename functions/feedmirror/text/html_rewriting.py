"""HTML bodies: reduce them to elements of articles, so that sanitising loses no words.

Elements that HTML does not define, or that only pages have, are replaced by their content; frames
and plug-ins by links; check boxes of task lists by ☑ and ☐; formulas by a line of text.
A sanitised body loses what the page of the origin hides.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct, field

from feedmirror.text.html_tokens import HTML_ELEMENTS, TAGS, Tag, element_names, tokens
from feedmirror.text.mathml import formula_text
from feedmirror.text.plain import unescape
from feedmirror.text.urls import absolute

_NEEDS_REWRITING = re.compile(
    r"<[!?]|</(?![a-zA-Z])|\]\]>|<[a-zA-Z][^<>]*+(?:<|$)|=\s*+(?:\"[^\"]*+|'[^']*+)$"
    r"|<(?:audio|video)\b[^<>]*/>",
    re.IGNORECASE,
)
# MathJax has run: the body has each formula twice, typeset and as its source.
_TYPESET = re.compile(r"class=[\"']?mathjax(?!_preview)", re.IGNORECASE)
_PREVIEW = re.compile(r"\sclass\s*=\s*[\"']?mathjax_preview\b", re.IGNORECASE)
_TEX = re.compile(r"<script[^<>]*[\s\"'=]math/tex", re.IGNORECASE)
_PLAYED = frozenset({"audio", "video"})  # their content is for browsers that cannot play them
_VOID = frozenset("area br col hr img source track wbr".split())
_VOID_END = re.compile(rf"</(?:{'|'.join(sorted(_VOID))})\s*>", re.IGNORECASE)
_FRAMES = {"iframe": ("src", "data-src"), "embed": ("src",), "object": ("data",)}
_RENAMED = {
    "image": "img",
    "nobr": "span",
    "dir": "ul",
    "listing": "pre",
    # Blocks, whose words stand on lines of their own. Source: HTML §15.3.3.
    **dict.fromkeys(("dialog", "fieldset", "form", "legend", "search"), "div"),
    # MathJax: the attributes tell the visual form of a formula from the spoken form.
    **dict.fromkeys(("mjx-container", "mjx-math"), "span"),
}
# Elements whose words must not run together. Titles are those of drawings, others are not shown.
_SEPARATED = frozenset({"desc", "option", "optgroup", "text", "title"})


class Rewritten:
    """A body made of elements of articles alone, and the base of its relative addresses."""

    def __init__(self, body: str, base: str | None, *, xhtml: bool = False) -> None:
        """Rewrite `body`, whose document is at `base`; with `xhtml` each element has an end tag."""
        self.base = base
        self.body = body
        if (
            _NEEDS_REWRITING.search(body)
            or not element_names(body) <= TAGS
            or (xhtml and _VOID_END.search(body))
        ):
            self._xhtml = xhtml
            self._has_base = False
            self._is_typeset = _TYPESET.search(body) is not None
            self._has_tex = not self._is_typeset and _TEX.search(body) is not None
            self._parts: list[str] = []
            self._rewrite(list(tokens(body)))
            self.body = "".join(self._parts)

    def _rewrite(self, body_tokens: Sequence[Tag | str]) -> None:
        maths = [i for i, t in enumerate(body_tokens) if isinstance(t, Tag) and t.name == "math"]
        following = {
            start: end
            for start, end in pairwise(maths)
            if not _is_end(body_tokens[start]) and _is_end(body_tokens[end])
        }
        index = 0
        while index < len(body_tokens):
            token = body_tokens[index]
            if isinstance(token, str):
                self._parts.append(token)
            elif token.name == "math" and not token.is_self_closing and index in following:
                self._formula(formula_text(token, body_tokens[index + 1 : following[index]]))
                index = following[index]
            else:
                self._tag(token)
            index += 1

    def _formula(self, text: str) -> None:
        if text:
            self._parts.append(f"<span {FORMULA}>{html.escape(text, quote=False)}</span>")

    def _tag(self, tag: Tag) -> None:
        if tag.name == "script":
            self._script(tag)
        elif tag.name == "base":
            self._set_base(tag)
        elif tag.name in _FRAMES:
            self._frame(tag)
        elif tag.name == "input":
            self._checkbox(tag)
        elif self._has_tex and tag.name == "span" and _PREVIEW.search(tag.raw):
            self._parts.append("<span hidden>")  # a preview of the formula in the script
        elif tag.name in _PLAYED and tag.is_self_closing and not self._xhtml:
            self._parts.append(f"{tag.source}</{tag.name}>")
        elif tag.name in _RENAMED and not tag.in_drawing:
            self._renamed(tag)
        elif tag.name in _SEPARATED and (tag.in_drawing or tag.name in HTML_ELEMENTS):
            self._parts.append(" ")
        elif tag.name in TAGS and not (self._xhtml and tag.is_end and tag.name in _VOID):
            self._parts.append(tag.source)

    def _renamed(self, tag: Tag) -> None:
        end = "/" if tag.is_end else ""
        # Source: HTML §4.11.4: a dialog that is not open is not shown.
        is_closed = tag.name == "dialog" and not end and "open" not in tag.attributes()
        hidden = " hidden" if is_closed else ""
        self._parts.append(f"<{end}{_RENAMED[tag.name]}{hidden}{tag.raw}>")

    def _script(self, tag: Tag) -> None:
        """Keep a formula in TeX, which MathJax reads from a script element."""
        is_tex = tag.attributes().get("type", "").lower().startswith("math/tex")
        if is_tex and not self._is_typeset:
            self._formula(" ".join(tag.content.split()))

    def _set_base(self, tag: Tag) -> None:
        """Use the first base that a document names. Source: HTML §4.2.3."""
        href = tag.attributes().get("href")
        if href is not None and not self._has_base:
            self._has_base = True
            self.base = absolute(href, self.base) or self.base

    def _frame(self, tag: Tag) -> None:
        if tag.is_end or is_hidden(tag.attributes()):
            return
        attributes = tag.attributes()
        targets = (absolute(attributes.get(name), self.base) for name in _FRAMES[tag.name])
        url = next(filter(None, targets), None)
        if url:
            self._parts.append(link_paragraph(url))

    def _checkbox(self, tag: Tag) -> None:
        attributes = tag.attributes()
        if attributes.get("type", "").strip().lower() == "checkbox" and not is_hidden(attributes):
            self._parts.append("☑ " if "checked" in attributes else "☐ ")


def link_paragraph(url: str) -> str:
    """Return a paragraph that links to `url`, with the address as its text."""
    url = html.escape(url)
    return f'<p><a href="{url}" rel="noopener noreferrer">{url}</a></p>'


def _is_end(token: Tag | str) -> bool:
    return isinstance(token, Tag) and token.is_end


FORMULA = "data-formula"  # attribute of the element that a formula was converted to
# Attributes that decide what is shown, and which base addresses are relative to.
VISIBILITY_ATTRIBUTES = frozenset({"aria-hidden", "class", "hidden", "style", "xml:base", FORMULA})
_MAY_HIDE = ("hidden", "display", "visibility", "overflow", "mso-hide", "xml:base")
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*+)((?>(?:[^<>\"]|\"[^\"<]*+\")*))>")
_ATTRIBUTE = re.compile(r"([^\s=\"]+)=\"([^\"]*+)\"")
_COMMENT = re.compile(r"/\*(?:.*?\*/|.*)", re.DOTALL)
_ZERO = re.compile(r"0+(?:\.0*)?(?:px|em|rem|pt|%)?")
# Classes of KaTeX, MathJax and MediaWiki, around a visual and a spoken form of a formula.
_IN_TWO_FORMS = frozenset({"katex", "mathjax", "mathjax_svg", "mwe-math-element"})

ResolveLink = Callable[[str, str], str]


def may_hide(body: str) -> bool:
    """True if an element of `body` may be hidden, or have a base of its own."""
    lower = body.lower()
    return any(word in lower for word in _MAY_HIDE)


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


class _OpenElement(Struct):
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
