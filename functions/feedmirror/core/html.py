"""Bodies: HTML re-serialised so that nothing in it runs, loads code or stays open."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import nh3

from feedmirror.core.uri import SCHEME, absolute
from feedmirror.core.xml import printable

_TAGS = frozenset(
    "a abbr acronym address article aside audio b bdi bdo big blockquote br caption center cite "
    "code col colgroup dd del details dfn div dl dt em figcaption figure font footer "
    "h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li main map area mark menu nav ol p "
    "picture pre q rb rp rt rtc ruby s samp section small source span strike strong sub summary "
    "sup table tbody td tfoot th thead time tr track tt u ul var video wbr".split()
)
# `class`, `id`, `role` and `style` stay out: the mirror's own mark must not be forgeable.
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
    "img": {"align", "alt", "height", "loading", "src", "srcset", "sizes", "width", "usemap"},
    "ins": {"cite", "datetime"},
    "li": {"value"},
    "map": {"name"},
    "ol": {"reversed", "start", "type"},
    "q": {"cite"},
    "source": {"media", "sizes", "src", "srcset", "type"},
    "table": {"align", "summary"},
    "td": {"align", "colspan", "headers", "rowspan", "valign"},
    "th": {"abbr", "align", "colspan", "headers", "rowspan", "scope", "valign"},
    "time": {"datetime"},
    "track": {"kind", "label", "src", "srclang"},
    "video": {"controls", "height", "loop", "poster", "src", "width"},
}
_DROPPED_WITH_CONTENT = frozenset({"script", "style", "template", "noembed"})
_SCHEMES = frozenset({"http", "https", "mailto"})
_FRAME = re.compile(
    r"<(?:iframe|frame|embed|object)\b([^>]*)>|</(?:iframe|frame|embed|object|noframes|noscript)\s*>"
    r"|<(?:noframes|noscript)\b[^>]*>",
    re.IGNORECASE,
)
_FRAME_TARGET = re.compile(
    r"(?:^|[\s\"'])(?:src|data|data-src)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
# nh3 needs time quadratic in nesting: 488 KB of `<div>` took it 29 s, this many take 10 ms.
_DEEPEST = 400


def clean(body: str, base: str | None = None, page: str | None = None) -> str:
    """`body` as a balanced, inert HTML fragment with absolute addresses.

    `base` is what relative addresses are resolved against, `page` what bare fragments (`#note-1`)
    belong to. Frames and plug-ins become links to what they showed. A body nested deeper than any
    article is comes back as its text alone.
    """
    if "<" not in body and "&" not in body:
        return html.escape(printable(body), quote=False)
    framed = _FRAME.sub(_frame_link, body) if _FRAME.search(body) else body
    if _depth(framed) > _DEEPEST:
        framed = html.escape(re.sub(r"<[^<>]*>", " ", framed), quote=False)
    resolve = _resolver(base, page)
    return printable(
        nh3.clean(
            framed,
            tags=set(_TAGS),
            clean_content_tags=set(_DROPPED_WITH_CONTENT),
            attributes=_ATTRIBUTES,
            attribute_filter=_attribute_filter(resolve) if _needs_filter(framed) else None,
            url_schemes=set(_SCHEMES),
            url_relative=resolve,
            link_rel="noopener noreferrer",
        )
    ).strip()


def _resolver(base: str | None, page: str | None) -> Callable[[str], str | None]:
    def resolve(url: str) -> str | None:
        return absolute(url, page or base if url.startswith("#") else base)

    return resolve


def _needs_filter(body: str) -> bool:
    return "srcset" in body or "cite" in body or "poster" in body


def _attribute_filter(
    resolve: Callable[[str], str | None],
) -> Callable[[str, str, str], str | None]:
    """nh3's hook for the attributes that hold addresses and that it does not resolve itself."""

    def keep(_tag: str, attribute: str, value: str) -> str | None:
        if attribute in {"cite", "poster"}:
            return value if value.startswith(("http://", "https://")) else resolve(value)
        if attribute != "srcset":
            return value
        candidates = (
            part.split() for part in re.split(r",\s+|,(?=https?:)", value) if part.strip()
        )
        kept = [
            " ".join((address, *rest[:1]))
            for url, *rest in candidates
            if (address := url if url.startswith(("http://", "https://")) else resolve(url))
        ]
        return ", ".join(kept) or None

    return keep


def _frame_link(match: re.Match[str]) -> str:
    target = _FRAME_TARGET.search(match[1] or "")
    url = next((group for group in target.groups() if group), "") if target else ""
    if not url:
        return ""
    url = html.escape(html.unescape(url))
    return f'<p><a href="{url}">{url}</a></p>'


def _depth(body: str) -> int:
    """The deepest that tags could nest if each that is opened stays open until it is closed."""
    depth = deepest = 0
    for closing, name in _TAG.findall(body):
        if closing:
            depth = max(0, depth - 1)
        elif name.lower() not in _VOID and name.lower() not in {"p", "li", "td", "tr", "dt", "dd"}:
            depth += 1
            deepest = max(deepest, depth)
    return deepest


def to_text(body: str) -> str:
    """The words of an HTML fragment, without its markup; white space is folded."""
    if "<" in body or "&" in body:
        spaced = re.sub(r"<(?:br|/p|/div|/li|/h\d|/tr)\b[^>]*>", " ", body, flags=re.IGNORECASE)
        body = html.unescape(
            nh3.clean(spaced, tags=set(), clean_content_tags={"script", "style"}, attributes={})
        )
    return " ".join(printable(body).split())


def absolute_in_markup(url: str, base: str | None) -> str:
    """An address in an attribute of a foreign element, absolute if it was relative."""
    return url if SCHEME.match(url) else (absolute(url, base) or url)
