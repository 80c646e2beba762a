"""Bodies: HTML re-serialised so that nothing in it runs, loads code or stays open."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from functools import partial

import nh3

from feedmirror.core.language import language_tag
from feedmirror.core.markup import TAGS, is_monstrous, outline
from feedmirror.core.rewriting import Rewritten
from feedmirror.core.text import paired, unescape
from feedmirror.core.uri import absolute
from feedmirror.core.visible import TELLING, tells, visible
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
# Nothing is left of these by then.
_DROPPED_WITH_CONTENT = frozenset({"script", "style", "template", "noembed"})
_SCHEMES = frozenset({"http", "https", "mailto"})
_MOST_PASSES = 3  # one is enough for what is well-formed, two for nearly all else
_CANDIDATE = re.compile(r"[\s,]*+(\S++)")
_DESCRIPTORS = re.compile(r"[^,]*")
_SIZE = re.compile(r"\d+(?:\.\d+)?[wxh]")
_ADDRESS = re.compile(r"(?<=\s)(href|src|srcset|cite|poster)=\"([^\"]*+)\"")
_FILTERED = re.compile(r"srcset|cite|poster|lang\s*=", re.IGNORECASE)
_PRE = re.compile(r"(<pre\b[^<>]*>)(?=\n)")


def clean(
    body: str, base: str | None = None, page: str | None = None, *, xhtml: bool = False
) -> str:
    """`body` as a balanced, inert HTML fragment with absolute addresses.

    `base` is what relative addresses are resolved against, `page` what bare fragments (`#note-1`)
    belong to. With `xhtml` each element has an end tag, as XML has it. What the origin hides is
    left out; other words are kept, whatever element they stand in. A body that no person wrote
    (nested endlessly, say) comes back as its text alone.
    """
    if "<" not in body and "&" not in body:
        return html.escape(printable(body), quote=False).strip()
    rewritten = Rewritten(paired(body), base, xhtml=xhtml)
    body, base = rewritten.body, rewritten.base
    if is_monstrous(body):
        return html.escape(_words(body), quote=False).strip()
    resolve = _resolver(base, page)
    if tells(body):
        balanced = _sanitised(body, lambda url: url, {"*": _ATTRIBUTES["*"] | TELLING})
        body = visible(balanced, base, partial(_resolved, page=page))
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
        tags=set(TAGS),
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
        return _sources(value, resolved)

    def resolved(url: str) -> str | None:
        return url if url.startswith(("http://", "https://")) else resolve(url)

    return keep


def _sources(srcset: str, resolve: Callable[[str], str | None]) -> str | None:
    """Return a `srcset` with its addresses resolved, None if none is left."""
    kept = [
        " ".join(filter(None, (address, size)))
        for url, size in _candidates(srcset)
        if (address := resolve(url))
    ]
    return ", ".join(kept) or None


def _resolved(attributes: str, base: str, page: str | None) -> str:
    """Return the attributes of a tag, sanitised before, with addresses resolved against `base`."""
    resolve = _resolver(base, page)

    def absolute_one(found: re.Match[str]) -> str:
        value = unescape(found[2])
        made = _sources(value, resolve) if found[1] == "srcset" else resolve(value)
        return f'{found[1]}="{html.escape(made)}"' if made else found[0]

    return _ADDRESS.sub(absolute_one, attributes)


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
        body = Rewritten(paired(body), None).body
        if is_monstrous(body):
            return " ".join(_words(body).split())
        spaced = re.sub(r"<(?:br|/p|/div|/li|/h\d|/tr)\b[^<>]*>", " ", body, flags=re.IGNORECASE)
        body = unescape(
            nh3.clean(spaced, tags=set(), clean_content_tags={"script", "style"}, attributes={})
        )
    return " ".join(printable(body).split())
