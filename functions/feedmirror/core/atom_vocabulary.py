"""An Atom element's own children and the foreign ones, joined so that its content model holds.

RSS carries elements of Atom's among the foreign ones; in Atom they are of the feed's own
vocabulary, in which most may stand once. Source: RFC 4287 §4.1, §6.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_ONCE = frozenset(
    "content generator icon id logo published rights source subtitle summary title updated".split()
)
# Where the origin's own element says more than what was read of it: markup, extensions, links.
_FULLER = frozenset({"author", "rights", "source"})
_HTML = frozenset({"", "text/html", "application/xhtml+xml"})
_START = re.compile(r"<(?:atom:)?(\w++)([^<>]*+)>")
_ATTRIBUTE = re.compile(r'\s([\w:.-]+)="([^"]*)"')
_NAME = re.compile(r"<(?:atom:)?name(?:\s[^<>]*+)?>\s*+([^<]++)<")
_XHTML = re.compile(r'(<atom:[^<>]*) type="xhtml"')
_UNPREFIXED = re.compile(r"<[^\s:<>/!?]+[\s>/]")
_ROOT = re.compile(r"<[^\s<>/]+")

Claim = tuple[str, ...]


def joined(own: tuple[str, ...], foreign: Iterable[str]) -> Iterator[str]:
    """The elements, foreign ones after the own; of two that say the same, or of which only one may
    be, one.

    A source comes last: after it, feedparser takes the title of a picture for the entry's.
    """
    fragments = tuple(map(_fenced, foreign))
    theirs = {f: _claim(f) for f in fragments if f.startswith("<atom:")}
    said: set[Claim | None] = {None}
    elements = list(own)
    if theirs:
        fuller = {claim for claim in theirs.values() if claim and claim[0] in _FULLER}
        claims = [(element, _claim(element)) for element in own]
        elements = [element for element, claim in claims if claim not in fuller]
        said |= {claim for _, claim in claims if claim not in fuller}
    for fragment in fragments:
        if fragment in theirs:
            if theirs[fragment] in said:
                continue
            said.add(theirs[fragment])
        elements.append(fragment)
    yield from sorted(elements, key=lambda e: e.startswith(("<source>", "<atom:source")))


def _claim(element: str) -> Claim | None:
    """What the element of Atom's says of its parent, that no other may say beside it; None if it
    may not stand there at all.
    """
    start = _START.match(element)
    if start is None:
        return None
    local, attributes = start[1], dict(_ATTRIBUTE.findall(start[2]))
    if local in _ONCE:
        return (local,)
    if local == "link":
        return _link_claim(attributes)
    if local in {"author", "contributor"}:
        name = _NAME.search(element)
        return (local, name[1].strip()) if name else None
    if local == "category" and attributes.get("term"):
        return (local, attributes["term"], attributes.get("scheme", ""))
    return None


def _link_claim(attributes: dict[str, str]) -> Claim | None:
    """Of alternates there is one of each type and language. Source: RFC 4287 §4.1.1, §4.1.2."""
    rel, href = attributes.get("rel") or "alternate", attributes.get("href")
    if not href:
        return None
    if rel != "alternate":
        return ("link", rel, href)
    kind = attributes.get("type", "")
    return ("link", rel, "html" if kind in _HTML else kind, attributes.get("hreflang", ""))


def _fenced(fragment: str) -> str:
    """The fragment as it can stand where elements without a prefix are Atom's.

    A text construct that was XHTML holds no more than its words.
    """
    if fragment.startswith("<atom:"):
        fragment = _XHTML.sub(r"\1", fragment)
    root = fragment[: fragment.find(">")]
    if " xmlns=" not in root and _UNPREFIXED.search(fragment):
        return _ROOT.sub(r'\g<0> xmlns=""', fragment, count=1)
    return fragment
