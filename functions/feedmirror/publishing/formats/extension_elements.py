"""Placement of extension elements in Atom and RSS, so that each stays valid in either format.

An Atom element in an RSS feed is an extension element there, but in atom.xml it meets the feed's
own elements, most of which may occur once only. Source: RFC 4287 §4.1, §6.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from feedmirror.text.namespaces import ATOM
from feedmirror.text.patterns import pattern

_ONCE = frozenset(
    "content generator icon id logo published rights source subtitle summary title updated".split()
)
# Elements of the origin that hold more than the model does: markup, extensions, links.
_FULLER = frozenset({"author", "rights", "source"})
_HTML = frozenset({"", "text/html", "application/xhtml+xml"})
_START = pattern(r"<(?:atom:)?(\w++)([^<>]*+)>")
_ATTRIBUTE = pattern(r'\s([\w:.-]+)="([^"]*)"')
_NAME = pattern(r"<(?:atom:)?name(?:\s[^<>]*+)?>\s*+([^<]++)<")
_UNPREFIXED = pattern(r"<[^\s:<>/!?]+[\s>/]")
_ROOT = pattern(r"<[^\s<>/]+")
_TAG = pattern(r"<(?P<end>/?)(?P<name>[^\s<>/]+)(?P<attributes>[^<>]*?)(?P<empty>/?)>")

UniqueKey = tuple[str, ...]  # no two children of an Atom element may have equal ones


def with_extension_elements(
    own: tuple[str, ...], extension_elements: Iterable[str]
) -> Iterator[str]:
    """Yield the children of an Atom feed or entry: its own elements, then the extension elements.

    Of several elements with the same meaning, or of a name that may occur once, one is yielded. A
    source comes last: after a source, feedparser takes a picture's title for the entry's.
    """
    fragments = tuple(extension_elements)
    keys = {f: _unique_key(f) for f in fragments if f.startswith("<atom:")}
    taken: set[UniqueKey | None] = {None}
    elements = list(own)
    if keys:
        fuller = {key for key in keys.values() if key and key[0] in _FULLER}
        keyed = [(element, _unique_key(element)) for element in own]
        elements = [element for element, key in keyed if key not in fuller]
        taken |= {key for _, key in keyed if key not in fuller}
    for fragment in fragments:
        if fragment in keys:
            if keys[fragment] in taken:
                continue
            taken.add(keys[fragment])
        elements.append(_unprefixed(fragment))
    yield from sorted(elements, key=lambda e: e.startswith(("<source>", "<source ")))


def _unique_key(element: str) -> UniqueKey | None:
    """Return the key that the Atom element shares with elements that must not stand beside it; None
    if the element is not valid in a feed or entry.
    """
    start = _START.match(element)
    if start is None:
        return None
    local, attributes = start[1], dict(_ATTRIBUTE.findall(start[2]))
    if local in _ONCE:
        return (local,)
    if local == "link":
        return _link_key(attributes)
    if local in {"author", "contributor"}:
        name = _NAME.search(element)
        return (local, name[1].strip()) if name else None
    if local == "category" and attributes.get("term"):
        return (local, attributes["term"], attributes.get("scheme", ""))
    return None


def _link_key(attributes: dict[str, str]) -> UniqueKey | None:
    """Return the key of a link. One alternate of each type and language is allowed.

    Source: RFC 4287 §4.1.1, §4.1.2.
    """
    rel, href = attributes.get("rel") or "alternate", attributes.get("href")
    if not href:
        return None
    if rel != "alternate":
        return ("link", rel, href)
    kind = attributes.get("type", "")
    return ("link", rel, "html" if kind in _HTML else kind, attributes.get("hreflang", ""))


def _unprefixed(fragment: str) -> str:
    """Return the fragment for a document whose default namespace is Atom.

    Atom elements lose their prefix, since some readers keep one prefix for a namespace.
    """
    if "atom:" in fragment or ATOM in fragment:
        return "".join(_Unprefixing().pieces(fragment))
    root = fragment[: fragment.find(">")]
    if " xmlns=" not in root and _UNPREFIXED.search(fragment):
        return _ROOT.sub(r'\g<0> xmlns=""', fragment, count=1)
    return fragment


class _Unprefixing:
    """Rewriting of one fragment with Atom as the default namespace."""

    def __init__(self) -> None:
        # Of each open element: the namespaces of prefixes as the fragment declares them, the name
        # as written, and the default namespace as written.
        self._scopes: list[tuple[dict[str, str], str, str]] = [({"atom": ATOM, "": ""}, "", ATOM)]

    def pieces(self, fragment: str) -> Iterator[str]:
        """Yield the rewritten fragment in pieces."""
        position = 0
        for tag in _TAG.finditer(fragment):
            yield fragment[position : tag.start()]
            position = tag.end()
            if tag["end"]:
                yield f"</{self._scopes.pop()[1]}>"
                continue
            yield self._start(tag)
            if tag["empty"]:
                self._scopes.pop()
        yield fragment[position:]

    def _start(self, tag: re.Match[str]) -> str:
        scope, _, default = self._scopes[-1]
        attributes = dict(_ATTRIBUTE.findall(tag["attributes"]))
        declared = {
            key.removeprefix("xmlns").removeprefix(":"): value
            for key, value in attributes.items()
            if key == "xmlns" or key.startswith("xmlns:")
        }
        scope = scope | declared if declared else scope
        prefix, _, local = tag["name"].rpartition(":")
        is_atom = scope.get(prefix) == ATOM
        # An element with a prefix does not depend on the default namespace.
        wanted = ATOM if is_atom else default if prefix else scope[""]
        kept = {key: value for key, value in attributes.items() if not _is_of_atom(key, scope)}
        kept.pop("xmlns", None)
        if wanted != default:
            kept = {"xmlns": wanted} | kept
        name = local if is_atom else tag["name"]
        self._scopes.append((scope, name, wanted))
        written = "".join(f' {key}="{value}"' for key, value in kept.items())
        return f"<{name}{written}{tag['empty']}>"


def _is_of_atom(key: str, scope: dict[str, str]) -> bool:
    """True for an attribute with a prefix for Atom, or that declares a prefix for Atom."""
    first, _, rest = key.rpartition(":")
    return bool(first) and scope.get(rest if first == "xmlns" else first) == ATOM


_IN_CHANNEL = frozenset(
    "author category contributor generator icon id link logo rights subtitle title updated".split()
)
_IN_ITEM = frozenset(
    "author category content contributor id link published rights summary title updated".split()
)
_REPEATABLE = frozenset({"category", "contributor", "link"})
_PERSONS = frozenset({"author", "contributor"})
_ATOM = pattern(r"<atom:(\w++)")
_RSS_NAME = pattern(r"<atom:name(?:\s[^<>]*+)?>\s*+[^<\s]")
_TITLE = pattern(r"<atom:title(?:\s[^<>]*+)?>([^<]*+)</atom:title>")


def valid_in_channel(fragments: Iterable[str]) -> Iterator[str]:
    """Yield the extension elements that are valid in an RSS channel."""
    return _valid(fragments, _IN_CHANNEL)


def valid_in_item(fragments: Iterable[str]) -> Iterator[str]:
    """Yield the extension elements that are valid in an RSS item. An Atom source is not valid;
    `atom_source_title` returns its title.
    """
    return _valid(fragments, _IN_ITEM)


def _valid(fragments: Iterable[str], allowed: frozenset[str]) -> Iterator[str]:
    """Yield the fragments except Atom elements that are not `allowed`, or not allowed twice."""
    seen: set[str] = set()
    for fragment in fragments:
        start = _ATOM.match(fragment)
        if start is None:
            yield fragment
            continue
        local = start[1]
        if local in allowed and (local in _REPEATABLE or local not in seen):
            if local in _PERSONS and not _RSS_NAME.search(fragment):
                continue
            seen.add(local)
            yield fragment


def atom_source_title(fragments: Iterable[str]) -> str | None:
    """Return the title, as XML, of the first Atom source in the fragments; None without one."""
    source = next((each for each in fragments if each.startswith("<atom:source")), None)
    title = _TITLE.search(source) if source else None
    return title[1].strip() or None if title else None
