"""Active content in extension elements: remove whatever a reader might run."""

from __future__ import annotations

import re

from feedmirror.text import sanitize
from feedmirror.text.language import language_tag
from feedmirror.text.namespaces import CREATIVE_COMMONS, DCTERMS, LICENCES, RSL
from feedmirror.text.plain import unescape
from feedmirror.text.urls import harmless
from feedmirror.text.xml import XML, Name, Node

# Attributes that hold an address, and endings of names of elements and attributes with addresses.
_ADDRESSES = frozenset({"url", "href", "src", "uri"})
_OF_ADDRESS = ("link", "url", "uri", "href", "rss", "image", "icon", "logo", "player", "comment")
_OF_ADDRESS_IN_TAG = (*_OF_ADDRESS, "src", "img", "poster", "thumbnail", "action", "data", "page")
_OF_ADDRESS_IN_LICENCE = ("server", "resource", "about", "url")
_RELATIVE = re.compile(r"\s*(?:/|\.\.?/)\S*\s*")
# Elements of licences, in Dublin Core too, whose only content is an address.
_LICENCE_ADDRESSES = frozenset(
    {
        *((RSL, name) for name in ("custom", "link", "schema", "standard", "terms")),
        (CREATIVE_COMMONS, "license"),
        (DCTERMS, "license"),
    }
)
_ONE_WORD = re.compile(r"\s*\S+\s*")
_SCRIPT = re.compile(r"(?:javascript|vbscript|livescript|data):", re.IGNORECASE)
_INVISIBLE = re.compile(r"[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028\ufeff]")
# Markup that runs or loads something when a reader takes a text for HTML. It has an end tag or an
# attribute, since articles mention "the <script> tag". The end of a start tag is not searched:
# brackets may stand in quotes.
_BEGUN = re.compile("<[a-zA-Z]")
_HANDLER = re.compile(r"[\s/\"'`]on[a-z]+\s*=", re.IGNORECASE)
_ACTIVE_END = re.compile(r"</(?:script|iframe|object|svg|math|style|form)[\s/>]", re.IGNORECASE)
_LOADING = re.compile(
    r"<(?:applet|base|embed|form|frame|iframe|link|math|meta|object|script|svg)[\s/]+[\w:-]+\s*=",
    re.IGNORECASE,
)
# For a text with its references decoded and its invisible characters removed.
_ADDRESS = re.compile(r"[=;][\"'`]?(?:javascript|vbscript|livescript|data):", re.IGNORECASE)


def is_active(text: str) -> bool:
    """True if a reader that shows `text` as HTML without sanitising would run or load something."""
    if "<" not in text:
        return False
    if _ACTIVE_END.search(text):
        return True
    begun = _BEGUN.search(text)
    if begun is None:
        return False
    rest, last = text[begun.start() :], text[text.rfind("<") :]
    if _HANDLER.search(rest) or _LOADING.search(rest) or _is_unfinished(last):
        return True
    return bool(_ADDRESS.search(_INVISIBLE.sub("", unescape(rest))))


def _is_unfinished(tag: str) -> bool:
    """True for a start tag with an attribute but without an end.

    The text that a reader puts after such a tag would become part of the tag.
    """
    return _BEGUN.match(tag) is not None and ">" not in tag and "=" in tag


def safe_attribute(name: Name, value: str, of: Name, base: str) -> str | None:
    """Return a safe value for the attribute `name` of the element `of`, or None to drop it.

    Makes addresses absolute, relative to `base`.
    """
    if name.uri == XML and name.local == "lang":  # "" means no language: XML 1.0 §2.12
        return language_tag(value) if value else value
    if name.local.lower() in _ADDRESSES and not name.uri:
        return harmless(value, base)
    if of.uri in LICENCES and name.local.lower().endswith(_OF_ADDRESS_IN_LICENCE):
        return harmless(value, base)
    return None if _is_script_address(value, name, _OF_ADDRESS_IN_TAG) else value


def _is_script_address(words: str, name: Name, of_address: tuple[str, ...]) -> bool:
    """True if `words` is an address that runs code.

    A text with blanks ("JavaScript: the good parts") counts as an address only where the name of
    the element or attribute has one of the endings `of_address`.
    """
    if not _SCRIPT.match(_INVISIBLE.sub("", words)):
        return False
    return " " not in words.strip() or name.local.lower().endswith(of_address)


def safe_member(name: str, words: str) -> str:
    """Return a safe value for the JSON member `name`, whose value is the string `words`."""
    if _is_script_address(words, Name("", name, ""), _OF_ADDRESS_IN_TAG):
        return ""
    return sanitize.clean(words) if is_active(words) else words


def safe_text(words: str, node: Node, base: str) -> str:
    """Return safe text for the text directly in the element `node`; "" for an address that runs."""
    if _is_script_address(words, node.name, _OF_ADDRESS):
        return ""
    is_address = (node.name.uri, node.name.local) in _LICENCE_ADDRESSES
    pattern = _ONE_WORD if is_address else _RELATIVE
    if (is_address or node.name.uri in LICENCES) and pattern.fullmatch(words):
        return harmless(words.strip(), base) or ""
    # Inline XHTML has no markup left by then, so an element with children is not HTML.
    is_html = "html" in (node.get("type") or "").lower() and not any(True for _ in node.elements())
    return sanitize.clean(words, base) if is_html or is_active(words) else words
