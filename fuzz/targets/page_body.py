"""Bodies on pages: rewriting keeps them inert, balanced and complete."""

from __future__ import annotations

import re

from feedmirror.model import Images
from feedmirror.publishing.pages.body import rewrite_body
from feedmirror.text.plain import words_of
from feedmirror.text.sanitize import clean
from fuzz.inputs import URL, text
from fuzz.judges import require, require_text

SEEDS = ("html",)
# What a page names where it has no name, and pictures without an address: their words are shown.
_NAMED = re.compile(r'<(?:details|summary|img(?!(?:\s+[a-z]+="[^"]*")*?\s+src=))\b')
_IMAGE = re.compile(r"<img\b[^<>]*>")


def check(data: bytes) -> None:
    """Require that a rewritten body is balanced and has the words of the sanitised one."""
    cleaned = clean(text(data), URL)
    made = {images: rewrite_body(cleaned, images) for images in Images}
    for body in made.values():
        require_text(body, "the body")
        _require_balanced(body)
    if not _NAMED.search(cleaned):
        require(_said(made[Images.ORIGIN]) == _said(cleaned), "the words are others")


def _said(body: str) -> str:
    return "".join("".join(words_of(_IMAGE.sub("", body))).split())


def _require_balanced(made: str) -> None:
    flat = frozenset("area br col hr img source track wbr".split())
    stack: list[str] = []
    for end, name in re.findall(r"<(/?)([a-z0-9]+)[^<>]*>", made):
        if not end and name not in flat:
            stack.append(name)
        elif end:
            require(stack and stack.pop() == name, f"</{name}> closes nothing")
    require(not stack, f"{stack[-3:]} are left open")
