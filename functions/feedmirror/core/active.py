"""What a reader might run in an element of another vocabulary, taken out."""

from __future__ import annotations

import re

from feedmirror.core import html
from feedmirror.core.uri import harmless
from feedmirror.core.xml import Name, Node

# Attributes that hold an address, and the ends of names of elements that do.
_ADDRESSES = frozenset({"url", "href", "src", "uri"})
_OF_ADDRESS = ("link", "url", "uri", "href", "rss", "image", "icon", "logo", "player", "comment")
_SCRIPT = re.compile(r"(?:javascript|vbscript|livescript|data):", re.IGNORECASE)
_INVISIBLE = re.compile(r"[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028\ufeff]")
# Markup that does something when a reader takes a text for HTML. Talk of it ("the <script> tag")
# is no such thing, so there must be an end tag or a handler.
_HANDLER = re.compile(r"<\w[^<>]*[\s/\"']on\w+\s*=", re.IGNORECASE)
_ACTIVE_END = re.compile(r"</(?:script|iframe|object|svg|math|style|form)\s*>", re.IGNORECASE)
_ADDRESS = re.compile(r"<\w[^<>]*=\s*[\"']?\s*(?:javascript|vbscript|data):", re.IGNORECASE)


def would_run(text: str) -> bool:
    """Whether a reader that takes `text` for HTML without cleaning it would run something."""
    if "<" not in text:
        return False
    return any(found.search(text) for found in (_HANDLER, _ACTIVE_END, _ADDRESS))


def attribute(name: Name, value: str, base: str) -> str | None:
    """An attribute's value, an address made absolute; None to drop it."""
    if name.local.lower() in _ADDRESSES and not name.uri:
        return harmless(value, base)
    return None if _is_script(value) else value


def _is_script(words: str) -> bool:
    """Whether it is an address that runs: those have no blanks, a title ("JavaScript: ...") has."""
    return bool(_SCRIPT.match(_INVISIBLE.sub("", words))) and " " not in words.strip()


def text(node: Node, base: str) -> str:
    """The text of an element that holds nothing else, "" for an address that would run."""
    words = node.text()
    of_address = node.name.local.lower().endswith(_OF_ADDRESS)
    if _is_script(words) or (of_address and _SCRIPT.match(_INVISIBLE.sub("", words))):
        return ""
    marked = "html" in (node.get("type") or "").lower()
    return html.clean(words, base) if marked or would_run(words) else words
