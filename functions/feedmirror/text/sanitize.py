"""Sanitiser: re-serialise HTML so that no part of it runs, loads code or stays open.

Also removes from extension elements whatever a reader might run.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import partial

import nh3

from feedmirror.text import html_images
from feedmirror.text.html_rewriting import (
    VISIBILITY_ATTRIBUTES,
    Rewritten,
    may_hide,
    without_hidden,
)
from feedmirror.text.html_tokens import PREFIX, TAGS, exceeds_limits, linked_anchors, outline
from feedmirror.text.language import language_tag
from feedmirror.text.namespaces import CREATIVE_COMMONS, DCTERMS, LICENCES, RSL
from feedmirror.text.plain import pair_surrogates, unescape
from feedmirror.text.urls import LINK_SCHEMES, absolute, harmless, link_address, scheme_of
from feedmirror.text.xml import XML, Name, Node, printable

# Without `class`, `role` and `style`, which could forge the mark of the disclaimer; without `id`,
# but for anchors that the article links to; and without `align` of elements that would float into
# the box of the disclaimer.
_ATTRIBUTES = {
    "*": {"dir", "lang", "title"},
    "a": {"href", "hreflang"},
    "area": {"alt", "coords", "href", "shape"},
    "audio": {"controls", "loop", "src"},
    "bdo": {"dir"},
    "blockquote": {"cite"},
    "col": {"align", "span"},
    "colgroup": {"align", "span"},
    "del": {"cite", "datetime"},
    "details": {"open"},
    "font": {"color"},
    "hr": {"align"},
    "img": {"alt", "height", "loading", "src", "srcset", "sizes", "width", "usemap"},
    "ins": {"cite", "datetime"},
    "li": {"value"},
    "map": {"name"},
    "ol": {"reversed", "start", "type"},
    "q": {"cite"},
    "source": {"media", "sizes", "src", "srcset", "type"},
    "table": {"summary"},
    "td": {"align", "colspan", "headers", "rowspan", "valign"},
    "th": {"abbr", "align", "colspan", "headers", "rowspan", "scope", "valign"},
    "time": {"datetime"},
    "track": {"kind", "label", "src", "srclang"},
    "video": {"controls", "height", "loop", "poster", "src", "width"},
}
# A second defence: `Rewritten` has removed these elements by then.
_DROPPED_WITH_CONTENT = frozenset({"script", "style", "template", "noembed"})
_ADDRESSES = frozenset({"cite", "href", "poster", "src"})
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{1,15}+):")
_MOST_PASSES = 3  # well-formed HTML needs one, nearly all other HTML two
_ADDRESS = re.compile(r"(?<=\s)(href|src|srcset|cite|poster)=\"([^\"]*+)\"")
_FILTERED = ("srcset", "cite", "poster", "lang")  # endings of attributes
_PRE = re.compile(r"(<pre\b[^<>]*>)(?=\n)")


def clean(
    body: str, base: str | None = None, page: str | None = None, *, xhtml: bool = False
) -> str:
    """Return `body` as a balanced, inert HTML fragment with absolute addresses.

    `base` is the address that relative addresses are resolved against, `page` the one that bare
    fragments (`#note-1`) are resolved against. With `xhtml` each element of `body` has an end tag,
    as in XML. Leaves out what the origin hides; keeps all other words, whatever element they are
    in. A body beyond the limits of text/html_tokens.py is returned as its text alone.
    """
    if "<" not in body and "&" not in body:
        return html.escape(printable(body), quote=False).strip()
    body = pair_surrogates(body)
    if html_images.needs_rewriting(body):
        body = html_images.rewrite_pictures(body, base)
    rewritten = Rewritten(body, base, xhtml=xhtml)
    body, base = rewritten.body, rewritten.base
    if exceeds_limits(body):
        return html.escape(_words(body), quote=False).strip()
    resolve, anchors = _resolver(base, page), linked_anchors(body, page)
    if may_hide(body):
        balanced = _sanitised(body, lambda url: url, anchors, VISIBILITY_ATTRIBUTES)
        body = without_hidden(balanced, base, partial(_with_absolute_addresses, page=page))
    cleaned = _sanitised(body, resolve, anchors)
    for _ in range(_MOST_PASSES):
        # Removing an element may move others, so repeat until the structure is stable.
        if outline(cleaned) == outline(body):
            break
        body, cleaned = cleaned, _sanitised(cleaned, resolve, anchors)
    return cleaned.strip()


Resolve = Callable[[str], str | None]


def _sanitised(
    body: str, resolve: Resolve, anchors: frozenset[str], more: frozenset[str] = frozenset()
) -> str:
    """Sanitise `body` with nh3; keep the ids in `anchors`, and the attributes in `more`."""
    schemes = {name.lower() for name in _SCHEME.findall(body)} & (LINK_SCHEMES | {"data"})
    everywhere = _ATTRIBUTES["*"] | more | ({"id"} if anchors else set())
    of_links = _ATTRIBUTES["a"] | ({"name"} if anchors else set())
    lower = body.lower()
    needs_filter = (
        anchors or schemes - {"http", "https"} or any(name in lower for name in _FILTERED)
    )
    cleaned = nh3.clean(
        body,
        tags=set(TAGS),
        clean_content_tags=set(_DROPPED_WITH_CONTENT),
        attributes=_ATTRIBUTES | {"*": everywhere, "a": of_links},
        attribute_filter=_attribute_filter(resolve, anchors) if needs_filter else None,
        url_schemes={"http", "https"} | schemes,
        url_relative=resolve,
        link_rel="noopener noreferrer",
    )
    # Parsers read a carriage return, which only a reference can have made, as a line break, and
    # drop a line break right after `<pre>`.
    return printable(_PRE.sub(r"\1\n", re.sub(r"\r\n?", "\n", cleaned)))


def _resolver(base: str | None, page: str | None) -> Resolve:
    def resolve(url: str) -> str | None:
        return absolute(url, page or base if url.startswith("#") else base)

    return resolve


def _attribute_filter(
    resolve: Resolve, anchors: frozenset[str]
) -> Callable[[str, str, str], str | None]:
    """Return a filter for nh3, of attributes that nh3 does not check itself.

    These are languages, anchors, and addresses with other schemes than http and https.
    """
    seen: set[str] = set()

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if attribute in {"lang", "hreflang", "srclang"}:
            return language_tag(value)
        if attribute == "id" or (tag, attribute) == ("a", "name"):
            bare = value.removeprefix(PREFIX)  # of a body that was sanitised before
            if bare not in anchors or bare in seen:
                return None
            seen.add(bare)
            return PREFIX + bare
        if attribute == "srcset":
            return _resolved_srcset(value, resolved)
        return _safe_address(tag, attribute, value, resolve) if attribute in _ADDRESSES else value

    def resolved(url: str) -> str | None:
        return url if url.startswith(("http://", "https://")) else resolve(url)

    return keep


def _safe_address(tag: str, attribute: str, value: str, resolve: Resolve) -> str | None:
    """Return a safe address, or None; leaves those to nh3 that nh3 resolves itself."""
    if value.startswith(("http://", "https://")):
        return value
    scheme = scheme_of(value)
    if scheme is None:
        return resolve(value) if attribute in {"cite", "poster"} else value
    if attribute == "href":
        return link_address(value, None)
    if scheme == "data" and (tag, attribute) == ("img", "src"):
        return value if html_images.is_inline(value) else None
    return absolute(value, None)


def _resolved_srcset(srcset: str, resolve: Callable[[str], str | None]) -> str | None:
    """Return a `srcset` with its addresses resolved, or None if no address is left."""
    kept = [
        " ".join(filter(None, (address, size)))
        for url, size in html_images.candidates(srcset)
        if (address := resolve(url))
    ]
    return ", ".join(kept) or None


def _with_absolute_addresses(attributes: str, base: str, page: str | None) -> str:
    """Resolve the addresses in the attributes of a sanitised tag against `base`."""
    resolve = _resolver(base, page)

    def resolve_one(match: re.Match[str]) -> str:
        value = unescape(match[2])
        url = _resolved_srcset(value, resolve) if match[1] == "srcset" else resolve(value)
        return f'{match[1]}="{html.escape(url)}"' if url else match[0]

    return _ADDRESS.sub(resolve_one, attributes)


def _words(body: str) -> str:
    """Return the text of `body`, taking everything in angle brackets for tags."""
    return printable(unescape(re.sub(r"<[^<>]*>", " ", body)))


def to_text(body: str) -> str:
    """Return the text of an HTML fragment on one line, without its markup."""
    if "<" in body or "&" in body:
        body = Rewritten(pair_surrogates(body), None).body
        if exceeds_limits(body):
            return " ".join(_words(body).split())
        spaced = re.sub(r"<(?:br|/p|/div|/li|/h\d|/tr)\b[^<>]*>", " ", body, flags=re.IGNORECASE)
        body = unescape(
            nh3.clean(spaced, tags=set(), clean_content_tags={"script", "style"}, attributes={})
        )
    return " ".join(printable(body).split())


# Attributes that hold an address, and endings of names of elements and attributes with addresses.
_ADDRESS_ATTRIBUTES = frozenset({"url", "href", "src", "uri"})
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
_SCRIPT_ADDRESS = re.compile(r"[=;][\"'`]?(?:javascript|vbscript|livescript|data):", re.IGNORECASE)


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
    return bool(_SCRIPT_ADDRESS.search(_INVISIBLE.sub("", unescape(rest))))


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
    if name.local.lower() in _ADDRESS_ATTRIBUTES and not name.uri:
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
    return clean(words) if is_active(words) else words


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
    return clean(words, base) if is_html or is_active(words) else words
