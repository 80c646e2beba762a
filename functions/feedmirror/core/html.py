"""Bodies: HTML re-serialised so that nothing in it runs, loads code or stays open."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

import nh3

from feedmirror.core.language import language_tag
from feedmirror.core.markup import OF_HTML, TAGS, Shape, outline, survey
from feedmirror.core.text import unescape
from feedmirror.core.uri import absolute
from feedmirror.core.xml import printable

# `class`, `id`, `role` and `style` stay out: the mirror's own mark must not be forgeable. Neither
# does `align` of what would float: it would be drawn within the box of the disclaimer.
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
_DROPPED_WITH_CONTENT = frozenset({"script", "style", "template", "noembed"})
_SCHEMES = frozenset({"http", "https", "mailto"})
# Frames and plug-ins, let through once more to be made links of.
_FRAMES = {"iframe": {"src", "data-src"}, "embed": {"src"}, "object": {"data"}}
_FRAME = re.compile(r"<(?:iframe|embed|object)\b([^<>]*)>|</(?:iframe|embed|object)>")
_FRAME_TARGET = re.compile(r"\s(?:src|data|data-src)=\"([^\"]*)\"")
# The sanitiser drops all that is in such an element, but what stands in `noscript` is for us, and
# of formulas and drawings the words are.
_NOT_DROPPED = re.compile(r"<(?:math|svg|noscript|noframes)\b", re.IGNORECASE)
_ANY_TAG = re.compile(r"</?([a-zA-Z][^\s/<>]*+)[^<>]*+>")
_MOST_PASSES = 3  # one is enough for what is well-formed, two for nearly all else
_CANDIDATE = re.compile(r"[\s,]*+(\S++)")
_DESCRIPTORS = re.compile(r"[^,]*")
_SIZE = re.compile(r"\d+(?:\.\d+)?[wxh]")
_FILTERED = re.compile(r"srcset|cite|poster|lang\s*=", re.IGNORECASE)
_PRE = re.compile(r"(<pre\b[^<>]*>)(?=\n)")


def clean(body: str, base: str | None = None, page: str | None = None) -> str:
    """`body` as a balanced, inert HTML fragment with absolute addresses.

    `base` is what relative addresses are resolved against, `page` what bare fragments (`#note-1`)
    belong to. Frames and plug-ins become links to what they showed. A body that no person wrote
    (nested endlessly, say) comes back as its text alone.
    """
    if "<" not in body and "&" not in body:
        return html.escape(printable(body), quote=False).strip()
    shape = survey(body)
    if shape is Shape.MONSTROUS:
        return html.escape(_words(body), quote=False).strip()
    resolve = _resolver(base, page)
    if shape is Shape.ODD:
        if _NOT_DROPPED.search(body):
            body = _ANY_TAG.sub(lambda tag: tag[0] if tag[1].lower() in OF_HTML else "", body)
        body = _FRAME.sub(_link_of(base), _sanitised(body, resolve, _FRAMES))
    made = _sanitised(body, resolve, {})
    for _ in range(_MOST_PASSES):
        # Removing elements may have left others where no parser puts them: until nothing moves.
        if outline(made) == outline(body):
            break
        body, made = made, _sanitised(made, resolve, {})
    return made.strip()


def _sanitised(body: str, resolve: Callable[[str], str | None], more: dict[str, set[str]]) -> str:
    made = nh3.clean(
        body,
        tags=set(TAGS | more.keys()),
        clean_content_tags=set(_DROPPED_WITH_CONTENT),
        attributes=_ATTRIBUTES | more,
        attribute_filter=_attribute_filter(resolve) if _FILTERED.search(body) else None,
        url_schemes=set(_SCHEMES),
        url_relative=resolve,
        link_rel="noopener noreferrer",
    )
    # A carriage return, which only a reference can have made, is a line break to whoever reads it;
    # and one right behind `<pre>` is dropped by them.
    return printable(_PRE.sub(r"\1\n", re.sub(r"\r\n?", "\n", made)))


def link(url: str) -> str:
    """A paragraph with a link to an address, which is its text too."""
    url = html.escape(url)
    return f'<p><a href="{url}" rel="noopener noreferrer">{url}</a></p>'


def _link_of(base: str | None) -> Callable[[re.Match[str]], str]:
    def of(match: re.Match[str]) -> str:
        targets = (unescape(url) for url in _FRAME_TARGET.findall(match[1] or ""))
        url = next(filter(None, (absolute(target, base) for target in targets)), None)
        return link(url) if url else ""

    return of


def _resolver(base: str | None, page: str | None) -> Callable[[str], str | None]:
    def resolve(url: str) -> str | None:
        return absolute(url, page or base if url.startswith("#") else base)

    return resolve


def _attribute_filter(
    resolve: Callable[[str], str | None],
) -> Callable[[str, str, str], str | None]:
    """Return nh3's hook for languages, and for the addresses that it does not resolve itself."""

    def keep(_tag: str, attribute: str, value: str) -> str | None:
        if attribute in {"cite", "poster"}:
            return resolved(value)
        if attribute in {"lang", "hreflang", "srclang"}:
            return language_tag(value)
        if attribute != "srcset":
            return value
        kept = [
            " ".join(filter(None, (address, size)))
            for url, size in _candidates(value)
            if (address := resolved(url))
        ]
        return ", ".join(kept) or None

    def resolved(url: str) -> str | None:
        return url if url.startswith(("http://", "https://")) else resolve(url)

    return keep


def _candidates(srcset: str) -> Iterator[tuple[str, str]]:
    """The addresses in a `srcset`, each with its width or density. Source: HTML §4.8.4.2.2."""
    position = 0
    while found := _CANDIDATE.match(srcset, position):
        position = found.end()
        url, size = found[1].rstrip(","), ""
        if url == found[1]:  # a comma right behind an address ends the candidate
            rest = _DESCRIPTORS.match(srcset, position)
            words = rest[0].split() if rest else []
            size = words[0] if words and _SIZE.fullmatch(words[0]) else ""
            position = rest.end() if rest else position
        yield url, size


def _words(body: str) -> str:
    """What is left when everything between angle brackets is taken away."""
    return printable(unescape(re.sub(r"<[^<>]*>", " ", body)))


def to_text(body: str) -> str:
    """The words of an HTML fragment, without its markup; white space is folded."""
    if "<" in body or "&" in body:
        if survey(body) is Shape.MONSTROUS:
            return " ".join(_words(body).split())
        spaced = re.sub(r"<(?:br|/p|/div|/li|/h\d|/tr)\b[^<>]*>", " ", body, flags=re.IGNORECASE)
        body = unescape(
            nh3.clean(spaced, tags=set(), clean_content_tags={"script", "style"}, attributes={})
        )
    return " ".join(printable(body).split())
