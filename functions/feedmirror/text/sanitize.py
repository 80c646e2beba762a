"""Bodies: HTML re-serialised so that nothing in it runs, loads code or stays open."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import partial

import nh3

from feedmirror.text import html_images
from feedmirror.text.anchors import PREFIX, linked_to
from feedmirror.text.html_rewriting import Rewritten
from feedmirror.text.html_tokens import TAGS, is_monstrous, outline
from feedmirror.text.html_visibility import TELLING, tells, visible
from feedmirror.text.language import language_tag
from feedmirror.text.plain import paired, unescape
from feedmirror.text.urls import LEADING, absolute, leading, scheme_of
from feedmirror.text.xml import printable

# `class`, `role` and `style` stay out: the mirror's own mark must not be forgeable. So does `id`,
# but for places in the article that it links to itself. Neither
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
_ADDRESSES = frozenset({"cite", "href", "poster", "src"})
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{1,15}+):")
_MOST_PASSES = 3  # one is enough for what is well-formed, two for nearly all else
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
    body = paired(body)
    if html_images.are_to_be_read(body):
        body = html_images.ordinary(body, base)
    rewritten = Rewritten(body, base, xhtml=xhtml)
    body, base = rewritten.body, rewritten.base
    if is_monstrous(body):
        return html.escape(_words(body), quote=False).strip()
    resolve, named = _resolver(base, page), linked_to(body, page)
    if tells(body):
        balanced = _sanitised(body, lambda url: url, named, TELLING)
        body = visible(balanced, base, partial(_resolved, page=page))
    made = _sanitised(body, resolve, named)
    for _ in range(_MOST_PASSES):
        # Removing elements may have left others where no parser puts them: until nothing moves.
        if outline(made) == outline(body):
            break
        body, made = made, _sanitised(made, resolve, named)
    return made.strip()


Resolve = Callable[[str], str | None]


def _sanitised(
    body: str, resolve: Resolve, named: frozenset[str], more: frozenset[str] = frozenset()
) -> str:
    """The body as it may be: of ids those that are `named`, and `more` attributes of all."""
    schemes = {name.lower() for name in _SCHEME.findall(body)} & (LEADING | {"data"})
    everywhere = _ATTRIBUTES["*"] | more | ({"id"} if named else set())
    of_links = _ATTRIBUTES["a"] | ({"name"} if named else set())
    is_odd = named or schemes - {"http", "https"} or _FILTERED.search(body)
    made = nh3.clean(
        body,
        tags=set(TAGS),
        clean_content_tags=set(_DROPPED_WITH_CONTENT),
        attributes=_ATTRIBUTES | {"*": everywhere, "a": of_links},
        attribute_filter=_attribute_filter(resolve, named) if is_odd else None,
        url_schemes={"http", "https"} | schemes,
        url_relative=resolve,
        link_rel="noopener noreferrer",
    )
    # A carriage return, which only a reference can have made, is a line break to whoever reads it;
    # and one right behind `<pre>` is dropped by them.
    return printable(_PRE.sub(r"\1\n", re.sub(r"\r\n?", "\n", made)))


def _resolver(base: str | None, page: str | None) -> Resolve:
    def resolve(url: str) -> str | None:
        return absolute(url, page or base if url.startswith("#") else base)

    return resolve


def _attribute_filter(
    resolve: Resolve, named: frozenset[str]
) -> Callable[[str, str, str], str | None]:
    """Return nh3's hook for what it does not look at itself: languages, places that are `named`,
    and addresses of other schemes than the web's.
    """
    seen: set[str] = set()

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if attribute in {"lang", "hreflang", "srclang"}:
            return language_tag(value)
        if attribute == "id" or (tag, attribute) == ("a", "name"):
            bare = value.removeprefix(PREFIX)  # of what was cleaned before
            if bare not in named or bare in seen:
                return None
            seen.add(bare)
            return PREFIX + bare
        if attribute == "srcset":
            return _sources(value, resolved)
        return _address(tag, attribute, value, resolve) if attribute in _ADDRESSES else value

    def resolved(url: str) -> str | None:
        return url if url.startswith(("http://", "https://")) else resolve(url)

    return keep


def _address(tag: str, attribute: str, value: str, resolve: Resolve) -> str | None:
    """An address that may stand there; a relative one that nh3 resolves itself is left."""
    if value.startswith(("http://", "https://")):
        return value
    scheme = scheme_of(value)
    if scheme is None:
        return resolve(value) if attribute in {"cite", "poster"} else value
    if attribute == "href":
        return leading(value, None)
    if scheme == "data" and (tag, attribute) == ("img", "src"):
        return value if html_images.is_inline(value) else None
    return absolute(value, None)


def _sources(srcset: str, resolve: Callable[[str], str | None]) -> str | None:
    """Return a `srcset` with its addresses resolved, None if none is left."""
    kept = [
        " ".join(filter(None, (address, size)))
        for url, size in html_images.candidates(srcset)
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
