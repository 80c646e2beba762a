"""Elements of other vocabularies, carried along as they came.

Each becomes a fragment of XML that can stand in any document of the mirror's: well-known prefixes
are declared on that document's root, all others on the fragment itself. Where an element carries
a body of its own, the fragment has slots for the disclaimer, marked by control characters that no
XML document can contain. What a browser or a reader could run is taken out on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from feedmirror.core import active, html
from feedmirror.core.reading import is_own
from feedmirror.core.slots import HTML_AFTER, HTML_BEFORE, TEXT_AFTER, TEXT_BEFORE
from feedmirror.core.tag import Tag
from feedmirror.core.text import closed, is_read_as_html, looks_like_html, paragraphs
from feedmirror.core.vocabulary import (
    ACTIVE,
    ATOM,
    CONTENT,
    CORE_LINK_RELS,
    DROPPED_LINK_RELS,
    ENTRY_LIKE,
    HISTORY,
    ITUNES,
    MEDIA,
    MENDS,
    NESTED_BODIES,
    RDF,
    canonical,
)
from feedmirror.core.xml import XML, Element, Name, Node, quote, reference

_SLOTS = re.compile("[\x01-\x04]")
_ATOM_CORE = frozenset(
    "id title subtitle link author category generator icon logo published updated summary content "
    "entry feed tagline modified issued created copyright info".split()
)
_ATOM_PARENTS = frozenset({"feed", "entry"})
_VOID = frozenset("area br col hr img source track wbr".split())


def carried(element: Element, *, slots: bool = True) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fragments of an element's foreign children, in order, and the well-known prefixes that
    they use, sorted. `slots` says whether bodies are to carry the disclaimer: a feed's own
    description need not, but what is an entry in all but name always does.
    """
    used: set[str] = set()
    parent, base = element.node, element.node.base(element.base)
    fragments = [
        _fragment(child, base, {}, used)
        for child in _flattened(map(_corrected, parent.elements()))
        if _belongs(child, parent)
    ]
    if not slots:
        fragments = [f if f.startswith(ENTRY_LIKE) else _SLOTS.sub("", f) for f in fragments]
    return tuple(filter(None, fragments)), tuple(sorted(used))


def _corrected(node: Node) -> Node:
    """The element with misspelt namespaces put right, all the way down."""
    for name in (node.name, *(name for name, _ in node.attributes)):
        name.uri = canonical(name.uri)
    for child in node.elements():
        _corrected(child)
    return node


def _flattened(children: Iterable[Node]) -> Iterable[Node]:
    """The children, a `media:group` around a single content opened up (a group is of several)."""
    for child in children:
        if child.name.uri == MEDIA and child.name.local == "group":
            inner = list(child.elements())
            if sum(node.name.local == "content" for node in inner) <= 1:
                yield from inner
                continue
        yield child


def _belongs(node: Node, parent: Node) -> bool:
    """Whether an element is carried; the core vocabulary and what steers readers away are not."""
    uri, local = node.name.uri, node.name.local
    own = is_own(uri, parent.name.uri)
    in_atom = own and uri == ATOM and parent.name.local in _ATOM_PARENTS
    if uri == ATOM and local == "link":
        rel = node.get("rel") or "alternate"
        return rel not in DROPPED_LINK_RELS and not (own and rel in CORE_LINK_RELS)
    if in_atom:
        # A person with extensions (a portrait, say) travels whole, beside the author as RSS has it.
        extended = local == "author" and any(not is_own(n.name.uri, uri) for n in node.elements())
        return extended or local not in _ATOM_CORE
    if own or uri == RDF or uri in ACTIVE or (uri == CONTENT and local == "encoded"):
        return False
    # The one would move the mirror's subscribers back to the origin; the other says what the
    # origin's document holds of its history, not what the mirror's does.
    return not ((uri == ITUNES and local == "new-feed-url") or uri == HISTORY)


def _fragment(node: Node, outer_base: str, declared: dict[str, str], used: set[str]) -> str:
    """The element as XML, given the prefixes that its ancestors here declare; "" if dropped.

    Well-known prefixes that it needs are added to `used`.
    """
    if node.name.uri in ACTIVE:
        return reference(node.text())
    mended = _mended(node)
    if mended is None:
        return ""
    base = node.base(outer_base)
    tag = Tag(declared, used)
    name = tag.name(node.name)
    attributes = {
        tag.name(key, attribute=True): safe
        for key, value in node.attributes
        if _is_kept(key) and (safe := active.attribute(key, value, base)) is not None
    }
    if mended:
        inner = reference(mended)
    elif (node.name.uri, node.name.local) in NESTED_BODIES:
        inner = _body(node, attributes, base)
    else:
        inner = _inner(node, base, tag.scope, used)
    said = (tag.declarations | attributes).items()
    start = " ".join((name, *(f"{key}={quote(value)}" for key, value in said)))
    return f"<{start}>{inner}</{name}>" if inner else f"<{start}/>"


def _inner(node: Node, base: str, scope: dict[str, str], used: set[str]) -> str:
    """The content of an element. Its own words are looked at as one, whatever divides them: what
    would run together is cleaned together, and stands before the elements then.
    """
    own = "".join(
        child if isinstance(child, str) else child.text() if child.name.uri in ACTIVE else ""
        for child in node.children
    )
    safe = active.text(own, node, base)
    if safe == own:
        children = node.children
    else:
        children = [safe, *(each for each in node.elements() if each.name.uri not in ACTIVE)]
    return "".join(
        reference(child) if isinstance(child, str) else _fragment(child, base, scope, used)
        for child in children
    )


def _is_kept(name: Name) -> bool:
    """Whether an attribute is: not `xml:base`, since addresses are absolute, nor XLink's."""
    if name.uri == XML:
        return name.local in {"lang", "space"}
    return name.uri not in ACTIVE


def _mended(node: Node) -> str | None:
    """What must stand in the element instead, "" if it is right as it is, None to drop it."""
    mend = MENDS.get((node.name.uri, node.name.local))
    return mend(node.text().strip()) if mend else ""


def _body(node: Node, attributes: dict[str, str], base: str) -> str:
    """The content of an element that carries a body, slots included."""
    nested = any(True for _ in node.elements())
    raw = _markup(node) if nested else node.text()
    said = (node.get("type") or NESTED_BODIES[node.name.uri, node.name.local]).lower()
    guessed = said == "guess" and looks_like_html(raw)
    if not (nested or guessed or "html" in said or active.would_run(raw)):
        if said == "guess" and is_read_as_html(raw):  # a bracket is not to swallow the disclaimer
            return f"{HTML_BEFORE}{reference(paragraphs(raw))}{HTML_AFTER}"
        return f"{TEXT_BEFORE}{reference(closed(raw.strip()))}{TEXT_AFTER}"
    if "type" in attributes or node.name.uri == ATOM:
        attributes["type"] = "html"  # XHTML is escaped from now on
    return f"{HTML_BEFORE}{reference(html.clean(raw, base))}{HTML_AFTER}"


def _markup(node: Node) -> str:
    """The children as HTML source, namespaces dropped: input for the sanitiser, nothing else."""
    parts: list[str] = []
    for child in node.children:
        if isinstance(child, str):
            parts.append(reference(child))
            continue
        attributes = "".join(f" {name.local}={quote(value)}" for name, value in child.attributes)
        local = child.name.local
        end = "" if local in _VOID else f"</{local}>"
        parts.append(f"<{local}{attributes}>{_markup(child)}{end}")
    return "".join(parts)
