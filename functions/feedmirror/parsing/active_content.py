"""What a reader might run in an element of another vocabulary, taken out."""

from __future__ import annotations

import re

from feedmirror.text import sanitize
from feedmirror.text.language import language_tag
from feedmirror.text.namespaces import CREATIVE_COMMONS, DCTERMS, LICENCES, RSL
from feedmirror.text.plain import unescape
from feedmirror.text.urls import harmless
from feedmirror.text.xml import XML, Name, Node

# Attributes that hold an address, and the ends of names of elements and attributes that do.
_ADDRESSES = frozenset({"url", "href", "src", "uri"})
_OF_ADDRESS = ("link", "url", "uri", "href", "rss", "image", "icon", "logo", "player", "comment")
_OF_ADDRESS_IN_TAG = (*_OF_ADDRESS, "src", "img", "poster", "thumbnail", "action", "data", "page")
_OF_ADDRESS_IN_LICENCE = ("server", "resource", "about", "url")
_RELATIVE = re.compile(r"\s*(?:/|\.\.?/)\S*\s*")
# Elements of licences, and of Dublin Core on them, that hold nothing but an address.
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
# Markup that does something when a reader takes a text for HTML. Talk of it ("the <script> tag")
# is no such thing, so there must be an end tag or an attribute. Where a tag ends is not asked: in
# quotes there may be brackets.
_BEGUN = re.compile("<[a-zA-Z]")
_HANDLER = re.compile(r"[\s/\"'`]on[a-z]+\s*=", re.IGNORECASE)
_ACTIVE_END = re.compile(r"</(?:script|iframe|object|svg|math|style|form)[\s/>]", re.IGNORECASE)
_LOADING = re.compile(
    r"<(?:applet|base|embed|form|frame|iframe|link|math|meta|object|script|svg)[\s/]+[\w:-]+\s*=",
    re.IGNORECASE,
)
# Once references are read, and what browsers do not see is gone.
_ADDRESS = re.compile(r"[=;][\"'`]?(?:javascript|vbscript|livescript|data):", re.IGNORECASE)


def would_run(text: str) -> bool:
    """Whether a reader that takes `text` for HTML without cleaning it would run something."""
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
    """True if a start tag with an attribute lacks its end: whatever a reader puts behind the text
    belongs to the tag then.
    """
    return _BEGUN.match(tag) is not None and ">" not in tag and "=" in tag


def attribute(name: Name, value: str, of: Name, base: str) -> str | None:
    """Return the value of an attribute of the element `of`, an address made absolute; None to drop
    it.
    """
    if name.uri == XML and name.local == "lang":  # the empty one is of no language: XML 1.0 §2.12
        return language_tag(value) if value else value
    if name.local.lower() in _ADDRESSES and not name.uri:
        return harmless(value, base)
    if of.uri in LICENCES and name.local.lower().endswith(_OF_ADDRESS_IN_LICENCE):
        return harmless(value, base)
    return None if _is_script(value, name, _OF_ADDRESS_IN_TAG) else value


def _is_script(words: str, name: Name, of_address: tuple[str, ...]) -> bool:
    """Whether it is an address that runs: those have no blanks, a title ("JavaScript: ...") has,
    but where the name says that it is an address.
    """
    if not _SCRIPT.match(_INVISIBLE.sub("", words)):
        return False
    return " " not in words.strip() or name.local.lower().endswith(of_address)


def value(name: str, words: str) -> str:
    """Return the words of a member of JSON of that name, as of an element."""
    if _is_script(words, Name("", name, ""), _OF_ADDRESS_IN_TAG):
        return ""
    return sanitize.clean(words) if would_run(words) else words


def text(words: str, node: Node, base: str) -> str:
    """The words that stand directly in an element, "" for an address that would run."""
    if _is_script(words, node.name, _OF_ADDRESS):
        return ""
    is_address = (node.name.uri, node.name.local) in _LICENCE_ADDRESSES
    pattern = _ONE_WORD if is_address else _RELATIVE
    if (is_address or node.name.uri in LICENCES) and pattern.fullmatch(words):
        return harmless(words.strip(), base) or ""
    # What was XHTML has been reduced to words.
    marked = "html" in (node.get("type") or "").lower() and not any(True for _ in node.elements())
    return sanitize.clean(words, base) if marked or would_run(words) else words
