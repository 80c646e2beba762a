"""An Atom element's own children and extension elements, joined so that its content model holds.

RSS carries elements of Atom's among the extension elements; in Atom they are of the feed's own
vocabulary, in which most may stand once. Source: RFC 4287 §4.1, §6.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from feedmirror.text.namespaces import ATOM

_ONCE = frozenset(
    "content generator icon id logo published rights source subtitle summary title updated".split()
)
# Where the origin's own element says more than what was read of it: markup, extensions, links.
_FULLER = frozenset({"author", "rights", "source"})
_HTML = frozenset({"", "text/html", "application/xhtml+xml"})
_START = re.compile(r"<(?:atom:)?(\w++)([^<>]*+)>")
_ATTRIBUTE = re.compile(r'\s([\w:.-]+)="([^"]*)"')
_NAME = re.compile(r"<(?:atom:)?name(?:\s[^<>]*+)?>\s*+([^<]++)<")
_UNPREFIXED = re.compile(r"<[^\s:<>/!?]+[\s>/]")
_ROOT = re.compile(r"<[^\s<>/]+")
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[^\s<>/]+)(?P<attributes>[^<>]*?)(?P<empty>/?)>")

Claim = tuple[str, ...]


def joined(own: tuple[str, ...], extension_elements: Iterable[str]) -> Iterator[str]:
    """The elements, foreign ones after the own; of two that say the same, or of which only one may
    be, one.

    A source comes last: after it, feedparser takes the title of a picture for the entry's.
    """
    fragments = tuple(extension_elements)
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
        elements.append(_unprefixed(fragment))
    yield from sorted(elements, key=lambda e: e.startswith(("<source>", "<source ")))


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


def _unprefixed(fragment: str) -> str:
    """Return the fragment as it can stand where elements without a prefix are Atom's: Atom's own
    have none either, since some readers keep one prefix for a namespace.
    """
    if "atom:" in fragment or ATOM in fragment:
        return "".join(_Unprefixing().pieces(fragment))
    root = fragment[: fragment.find(">")]
    if " xmlns=" not in root and _UNPREFIXED.search(fragment):
        return _ROOT.sub(r'\g<0> xmlns=""', fragment, count=1)
    return fragment


class _Unprefixing:
    """Writes a fragment anew with Atom as the default namespace."""

    def __init__(self) -> None:
        # What prefixes mean in the fragment, of each open element, and its name and default
        # namespace as they are written.
        self._scopes: list[tuple[dict[str, str], str, str]] = [({"atom": ATOM, "": ""}, "", ATOM)]

    def pieces(self, fragment: str) -> Iterator[str]:
        """The fragment, tag by tag."""
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
        # With a prefix that is the document's or the fragment's, the default may be any.
        wanted = ATOM if is_atom else default if prefix else scope[""]
        kept = {key: value for key, value in attributes.items() if not _is_of_atom(key, scope)}
        kept.pop("xmlns", None)
        if wanted != default:
            kept = {"xmlns": wanted} | kept
        name = local if is_atom else tag["name"]
        self._scopes.append((scope, name, wanted))
        told = "".join(f' {key}="{value}"' for key, value in kept.items())
        return f"<{name}{told}{tag['empty']}>"


def _is_of_atom(key: str, scope: dict[str, str]) -> bool:
    """True for an attribute that declares a prefix for Atom, or has one."""
    first, _, rest = key.rpartition(":")
    return bool(first) and scope.get(rest if first == "xmlns" else first) == ATOM


_OF_CHANNEL = frozenset(
    "author category contributor generator icon id link logo rights subtitle title updated".split()
)
_OF_ITEM = frozenset(
    "author category content contributor id link published rights summary title updated".split()
)
_REPEATABLE = frozenset({"category", "contributor", "link"})
_PERSONS = frozenset({"author", "contributor"})
_ATOM = re.compile(r"<atom:(\w++)")
_RSS_NAME = re.compile(r"<atom:name(?:\s[^<>]*+)?>\s*+[^<\s]")
_TITLE = re.compile(r"<atom:title(?:\s[^<>]*+)?>([^<]*+)</atom:title>")


def of_channel(fragments: Iterable[str]) -> Iterator[str]:
    """Yield the fragments that are valid in a channel."""
    return _valid(fragments, _OF_CHANNEL)


def of_item(fragments: Iterable[str]) -> Iterator[str]:
    """Yield the fragments that are valid in an item. Atom's source is not: its title stays, as
    Dublin Core's.
    """
    return _valid(fragments, _OF_ITEM)


def _valid(fragments: Iterable[str], known: frozenset[str]) -> Iterator[str]:
    """Yield the fragments but for Atom's that may not stand there, or not again."""
    said: set[str] = set()
    for fragment in fragments:
        found = _ATOM.match(fragment)
        if found is None:
            yield fragment
            continue
        local = found[1]
        if local in known and (local in _REPEATABLE or local not in said):
            if local in _PERSONS and not _RSS_NAME.search(fragment):
                continue
            said.add(local)
            yield fragment


def title_of_source(fragments: Iterable[str]) -> str | None:
    """Return the title, as XML, that the Atom source among the fragments has; None if none."""
    source = next((one for one in fragments if one.startswith("<atom:source")), None)
    title = _TITLE.search(source) if source else None
    return title[1].strip() or None if title else None
