"""Bodies rewritten as elements of articles alone, so that a sanitiser leaves each word in place.

Elements that HTML does not know, or that only pages have, give way to what is in them; frames and
plug-ins to links; boxes of task lists to ☑ and ☐; formulas to a line of text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from itertools import pairwise

from feedmirror.text.html_tokens import OF_HTML, TAGS, Tag, names, tokens
from feedmirror.text.html_visibility import FORMULA, is_concealed
from feedmirror.text.mathml import formula
from feedmirror.text.urls import absolute

_ODD = re.compile(
    r"<[!?]|</(?![a-zA-Z])|\]\]>|<[a-zA-Z][^<>]*+(?:<|$)|=\s*+(?:\"[^\"]*+|'[^']*+)$"
    r"|<(?:audio|video)\b[^<>]*/>",
    re.IGNORECASE,
)
_TYPESET = re.compile(
    r"class=[\"']?mathjax(?!_preview)", re.IGNORECASE
)  # then formulas stand twice
_PREVIEW = re.compile(r"\sclass\s*=\s*[\"']?mathjax_preview\b", re.IGNORECASE)
_TEX = re.compile(r"<script[^<>]*[\s\"'=]math/tex", re.IGNORECASE)
_PLAYED = frozenset({"audio", "video"})  # what is in them is shown to nobody who can play them
_VOID = frozenset("area br col hr img source track wbr".split())
_VOID_END = re.compile(rf"</(?:{'|'.join(sorted(_VOID))})\s*>", re.IGNORECASE)
_FRAMES = {"iframe": ("src", "data-src"), "embed": ("src",), "object": ("data",)}
_RENAMED = {
    "image": "img",
    "nobr": "span",
    "dir": "ul",
    "listing": "pre",
    # Blocks: their words stand on lines of their own. Source: HTML §15.3.3.
    **dict.fromkeys(("dialog", "fieldset", "form", "legend", "search"), "div"),
    # MathJax: their attributes say what of a formula is for the eyes.
    **dict.fromkeys(("mjx-container", "mjx-math"), "span"),
}
# Words in them do not run together; of titles those of drawings, others are not shown.
_APART = frozenset({"desc", "option", "optgroup", "text", "title"})


class Rewritten:
    """A body of articles' elements, and what relative addresses in it are resolved against."""

    def __init__(self, body: str, base: str | None, *, xhtml: bool = False) -> None:
        """Rewrite `body`, whose document is at `base`; `xhtml` where each element has its end."""
        self.base = base
        self.body = body
        if _ODD.search(body) or not names(body) <= TAGS or (xhtml and _VOID_END.search(body)):
            self._xhtml = xhtml
            self._has_base = False
            self._is_typeset = _TYPESET.search(body) is not None
            self._has_tex = not self._is_typeset and _TEX.search(body) is not None
            self._parts: list[str] = []
            self._rewrite(list(tokens(body)))
            self.body = "".join(self._parts)

    def _rewrite(self, found: Sequence[Tag | str]) -> None:
        maths = [i for i, t in enumerate(found) if isinstance(t, Tag) and t.name == "math"]
        following = {
            start: end
            for start, end in pairwise(maths)
            if not _is_end(found[start]) and _is_end(found[end])
        }
        index = 0
        while index < len(found):
            token = found[index]
            if isinstance(token, str):
                self._parts.append(token)
            elif token.name == "math" and not token.is_whole and index in following:
                self._formula(formula(token, found[index + 1 : following[index]]))
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
            self._box(tag)
        elif self._has_tex and tag.name == "span" and _PREVIEW.search(tag.raw):
            self._parts.append("<span hidden>")  # it stands in for the formula in the script
        elif tag.name in _PLAYED and tag.is_whole and not self._xhtml:
            self._parts.append(f"{tag.source}</{tag.name}>")
        elif tag.name in _RENAMED and not tag.is_drawn:
            self._renamed(tag)
        elif tag.name in _APART and (tag.is_drawn or tag.name in OF_HTML):
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
        """Keep a formula in TeX, which pages with MathJax hold in a script."""
        is_tex = tag.attributes().get("type", "").lower().startswith("math/tex")
        if is_tex and not self._is_typeset:
            self._formula(" ".join(tag.content.split()))

    def _set_base(self, tag: Tag) -> None:
        """Take the first base that a document names. Source: HTML §4.2.3."""
        href = tag.attributes().get("href")
        if href is not None and not self._has_base:
            self._has_base = True
            self.base = absolute(href, self.base) or self.base

    def _frame(self, tag: Tag) -> None:
        if tag.is_end or is_concealed(tag.attributes()):
            return
        said = tag.attributes()
        targets = (absolute(said.get(name), self.base) for name in _FRAMES[tag.name])
        url = next(filter(None, targets), None)
        if url:
            self._parts.append(link(url))

    def _box(self, tag: Tag) -> None:
        said = tag.attributes()
        if said.get("type", "").strip().lower() == "checkbox" and not is_concealed(said):
            self._parts.append("☑ " if "checked" in said else "☐ ")


def link(url: str) -> str:
    """A paragraph with a link to an address, which is its text too."""
    url = html.escape(url)
    return f'<p><a href="{url}" rel="noopener noreferrer">{url}</a></p>'


def _is_end(token: Tag | str) -> bool:
    return isinstance(token, Tag) and token.is_end
