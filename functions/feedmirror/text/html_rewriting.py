"""HTML bodies: reduce them to elements of articles, so that sanitising loses no words.

Elements that HTML does not define, or that only pages have, are replaced by their content; frames
and plug-ins by links; check boxes of task lists by ☑ and ☐; formulas by a line of text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from itertools import pairwise

from feedmirror.text.html_tokens import HTML_ELEMENTS, TAGS, Tag, element_names, tokens
from feedmirror.text.html_visibility import FORMULA, is_hidden
from feedmirror.text.mathml import formula_text
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
