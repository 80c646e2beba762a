"""Extension elements: convert elements of other vocabularies to fragments of safe XML.

A fragment can be inserted in any document of the mirror: the root of the document declares
well-known prefixes, the fragment itself all others. In an element that holds a body, the fragment
has slots for the disclaimer, marked by control characters that no XML document can contain. Active
content is removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from feedmirror.parsing.elements import is_base, is_own
from feedmirror.text import sanitize
from feedmirror.text.namespaces import (
    ACTIVE,
    ATOM,
    CONTENT,
    CORE_LINK_RELS,
    DC,
    DROPPED_LINK_RELS,
    ENTRY_LIKE,
    HISTORY,
    ITUNES,
    MEDIA,
    PODCAST,
    PREFIXES,
    RDF,
    REPAIRS,
    TOMBSTONES,
    URIS,
    body_kind,
    type_of,
)
from feedmirror.text.plain import (
    close_directions,
    is_prose,
    is_read_as_html,
    is_shown,
    looks_like_html,
    paragraphs,
    unescape_once,
)
from feedmirror.text.xml import (
    HTML_AFTER,
    HTML_BEFORE,
    TEXT_AFTER,
    TEXT_BEFORE,
    XML,
    Element,
    Name,
    Node,
    character_data,
    quote,
)

_SLOTS = re.compile("[\x01-\x04]")
_ATOM_CORE = frozenset(
    "id title subtitle link author category generator icon logo published updated summary content "
    "entry feed tagline modified issued created copyright info".split()
)
_CONTAINERS = frozenset({"source", "author", "contributor"})  # RFC 4287 §3.2, §4.2.11
_ATOM_PARENTS = frozenset({"feed", "entry"})
_OF_THE_ORIGIN = frozenset({(ITUNES, "new-feed-url"), (PODCAST, "guid")})
_VOID = frozenset("area br col hr img source track wbr".split())


def convert_extensions(
    element: Element, *, slots: bool = True
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the extension elements of `element` as fragments, and the prefixes they use.

    Fragments are in document order, the well-known prefixes sorted. With `slots`, fragments with
    bodies have slots for the disclaimer; elements that are like entries always have slots.
    """
    used: set[str] = set()
    parent, base = element.node, element.node.base(element.base)
    fragments = [
        _fragment(child, base, {}, used)
        for child in _flattened(map(_source_as_dublin_core, parent.elements()))
        if _is_kept_element(child, parent)
    ]
    if not slots:
        fragments = [f if f.startswith(ENTRY_LIKE) else _SLOTS.sub("", f) for f in fragments]
    return tuple(filter(None, fragments)), tuple(sorted(used))


def _source_as_dublin_core(node: Node) -> Node:
    """Return the element; a `dc:source` for a source of RSS or Atom that is only a name.

    Source: RSS 2.0 `<source>`, whose url is required; RFC 4287 §4.2.11, of elements only.
    """
    is_source = node.name.local.lower() == "source" and is_base(node.name.uri)
    if not is_source or (node.get("url") or "").strip() or any(True for _ in node.elements()):
        return node
    return Node(Name(DC, "source", "dc"), [], list(node.children) if node.text().strip() else [])


def _flattened(children: Iterable[Node]) -> Iterable[Node]:
    """Yield the children, replacing a `media:group` of a single content by its children."""
    for child in children:
        if child.name.uri == MEDIA and child.name.local == "group":
            inner = list(child.elements())
            if sum(node.name.local == "content" for node in inner) <= 1:
                yield from inner
                continue
        yield child


def _is_kept_element(node: Node, parent: Node) -> bool:
    """True if `node` is an extension element that the mirror keeps.

    False for elements of the format itself, and for elements that would lead readers away.
    """
    uri, local = node.name.uri, node.name.local
    own = is_own(uri, parent.name.uri)
    in_atom = own and uri == ATOM and parent.name.local in _ATOM_PARENTS
    if local == "link" and (uri == ATOM or node.name.prefix.lower() == "atom"):
        rel = (node.get("rel") or "alternate").strip().lower()
        return rel not in DROPPED_LINK_RELS and not (own and rel in CORE_LINK_RELS)
    if in_atom:
        # An author with extensions (a portrait, say) is kept whole, beside the author of the model.
        extended = local == "author" and any(not is_own(n.name.uri, uri) for n in node.elements())
        return extended or local not in _ATOM_CORE
    if own or uri == RDF or uri in ACTIVE or (uri == CONTENT and local.lower() == "encoded"):
        return False
    if uri == DC and local == "source" and not node.text().strip():
        return False
    # These would move subscribers of the mirror to the origin, give the mirror the identity of the
    # origin's feed, or describe the history that the origin's document has, not the mirror's.
    names = {(uri, local.lower()), (PREFIXES.get(node.name.prefix.lower()), local.lower())}
    return not (names & _OF_THE_ORIGIN or uri == HISTORY)


def _fragment(
    node: Node,
    outer_base: str,
    declared: dict[str, str],
    used: set[str],
    parent: Node | None = None,
    *,
    shown: bool = True,
) -> str:
    """Render an element as XML; return "" to drop the element.

    `declared` maps the prefixes that ancestors in the fragment declare to namespaces. Well-known
    prefixes that the element needs are added to `used`. `parent` is None for a child of an item;
    `shown` is False within elements that readers never show as an article.
    """
    if node.name.uri in ACTIVE:
        return character_data(node.text())
    if (
        node.name.uri == TOMBSTONES
    ):  # readers would delete entries that the mirror keeps. RFC 6721 §3
        return ""
    repaired = _repaired(node)
    if repaired is None:
        return ""
    base = node.base(outer_base)
    tag = StartTag(declared, used)
    name = tag.name(node.name)
    attributes = {
        tag.name(key, attribute=True): safe
        for key, value in node.attributes
        if _is_kept_attribute(key)
        and (safe := sanitize.safe_attribute(key, value, node.name, base)) is not None
    }
    if (node.name.uri, node.name.local) == (ATOM, "link") and not attributes.get("href"):
        return ""  # Source: RFC 4287 §4.2.7.1
    is_of_picture = parent is not None and _is_picture(parent)
    shown = shown and not is_of_picture and is_shown(_prefix(node), node.name.local)
    kind = "" if is_of_picture else _kind(node)
    if not kind and shown and _is_article(node):
        kind = "guess"
    if repaired:
        inner = character_data(repaired)
    elif kind:
        inner = _body(node, kind, attributes, base)
    elif _is_xhtml_of_atom(node):
        inner = _xhtml(node, attributes, base)
    else:
        inner = _inner(node, base, tag.scope, used, shown=shown)
        # Elements of an unknown vocabulary may be the paragraphs of an article.
        words = "" if parent or _prefix(node) or not shown else node.text()
        if is_prose(words) and not _SLOTS.search(inner):
            inner = f"{TEXT_BEFORE}{inner}{TEXT_AFTER}"
    all_attributes = (tag.declarations | attributes).items()
    start = " ".join((name, *(f"{key}={quote(value)}" for key, value in all_attributes)))
    return f"<{start}>{inner}</{name}>" if inner else f"<{start}/>"


def _prefix(node: Node) -> str:
    """Return the well-known prefix of the element's namespace, "" for an unknown namespace."""
    return URIS.get(node.name.uri, "")


def _is_article(node: Node) -> bool:
    """True for an element whose content is prose without child elements."""
    return not any(True for _ in node.elements()) and is_prose(node.text())


def _inner(node: Node, base: str, scope: dict[str, str], used: set[str], *, shown: bool) -> str:
    """Render the content of an element.

    The text directly in the element is checked as one, since child elements may divide active
    content. Text that had to be changed stands before the child elements.
    """
    own = "".join(
        child if isinstance(child, str) else child.text() if child.name.uri in ACTIVE else ""
        for child in node.children
    )
    is_container = node.name.uri == ATOM and node.name.local in _CONTAINERS
    safe = "" if is_container else sanitize.safe_text(own, node, base)
    if safe == own:
        children = node.children
    else:
        children = [safe, *(each for each in node.elements() if each.name.uri not in ACTIVE)]
    inner = "".join(
        character_data(child)
        if isinstance(child, str)
        else _fragment(child, base, scope, used, node, shown=shown)
        for child in children
    )
    return f"{TEXT_BEFORE}{inner}{TEXT_AFTER}" if shown and is_prose(safe) else inner


def _is_kept_attribute(name: Name) -> bool:
    """True if an attribute is kept: not `xml:base`, since addresses are absolute, nor XLink."""
    if name.uri == XML:
        return name.local in {"lang", "space"}
    return name.uri not in ACTIVE


def _repaired(node: Node) -> str | None:
    """Return the repaired content of an element, "" to keep its content, None to drop it."""
    if (node.name.uri, node.name.local) == (DC, "subject"):  # a category, which is plain text
        return unescape_once(node.text().strip())
    repair = REPAIRS.get((node.name.uri, node.name.local))
    return repair(node.text().strip()) if repair else ""


def _kind(node: Node) -> str:
    """Return the kind of body that the element holds, "" if it holds no body."""
    return body_kind(node.name.uri, node.name.local, node.name.prefix)


def _is_picture(node: Node) -> bool:
    """True for a picture of Media RSS, whose description is an alternative text, not a body."""
    if node.name.uri != MEDIA or node.name.local not in {"content", "thumbnail"}:
        return False
    kind = node.get("medium") or node.get("type") or type_of(node.get("url") or "") or ""
    return node.name.local == "thumbnail" or kind.strip().lower().startswith("image")


def _is_xhtml_of_atom(node: Node) -> bool:
    """True for an XHTML text construct of Atom. Source: RFC 4287 §3.1.1.3."""
    return node.name.uri == ATOM and (node.get("type") or "").strip().lower() == "xhtml"


def _xhtml(node: Node, attributes: dict[str, str], base: str) -> str:
    """Convert the content of an XHTML text construct to plain text in titles, else to HTML."""
    if node.name.local in {"title", "subtitle"}:
        del attributes["type"]
        return character_data(" ".join(node.text().split()))
    attributes["type"] = "html"
    inner = list(node.elements())
    return character_data(sanitize.clean(_markup(inner[0] if len(inner) == 1 else node), base))


def _body(node: Node, kind: str, attributes: dict[str, str], base: str) -> str:
    """Render the content of an element that holds a body of the given kind, with its slots."""
    nested = any(True for _ in node.elements())
    raw = _markup(node) if nested else node.text()
    declared = (node.get("type") or kind).lower()
    guessed = declared == "guess" and looks_like_html(raw)
    if not (nested or guessed or "html" in declared or sanitize.is_active(raw)):
        if declared == "guess" and is_read_as_html(raw):  # a bracket could swallow the disclaimer
            return f"{HTML_BEFORE}{character_data(paragraphs(raw))}{HTML_AFTER}"
        return f"{TEXT_BEFORE}{character_data(close_directions(raw.strip()))}{TEXT_AFTER}"
    if "type" in attributes or node.name.uri == ATOM:
        attributes["type"] = "html"  # also for XHTML, which is escaped here
    return f"{HTML_BEFORE}{character_data(sanitize.clean(raw, base))}{HTML_AFTER}"


def _markup(node: Node) -> str:
    """Render the children as HTML without namespaces. Not safe: only input for the sanitiser."""
    parts: list[str] = []
    for child in node.children:
        if isinstance(child, str):
            parts.append(character_data(child))
            continue
        attributes = "".join(f" {name.local}={quote(value)}" for name, value in child.attributes)
        local = child.name.local
        end = "" if local in _VOID else f"</{local}>"
        parts.append(f"<{local}{attributes}>{_markup(child)}{end}")
    return "".join(parts)


class StartTag:
    """The prefixes of a start tag: choose one for each name, and declare namespaces.

    Outside of the fragment, only the well-known prefixes are declared, and no default namespace.
    """

    def __init__(self, declared: dict[str, str], used: set[str]) -> None:
        self.scope = declared  # namespaces by prefix, within the element
        self.declarations: dict[str, str] = {}  # attributes that declare namespaces
        self._used = used  # well-known prefixes, to be declared on the document's root
        self._taken: dict[str, str] = {}  # namespaces by prefix, of this tag

    def name(self, name: Name, *, attribute: bool = False) -> str:
        """Return the name with its prefix; declare its namespace if needed."""
        if name.uri == XML:
            return f"xml:{name.local}"
        if not name.uri:
            # Only an element without a prefix is in the default namespace.
            if not attribute and self.scope.get(""):
                self._declare("", "")
            return name.local
        prefix = self._prefix(name, attribute=attribute)
        return f"{prefix}:{name.local}" if prefix else name.local

    def _prefix(self, name: Name, *, attribute: bool) -> str:
        prefix = URIS.get(name.uri) or name.prefix
        if attribute and not prefix:
            prefix = "ns"
        while self._taken.get(prefix, name.uri) != name.uri or prefix in {"xml", "xmlns"}:
            prefix += "_"
        self._taken[prefix] = name.uri
        well_known = URIS.get(name.uri) == prefix
        if well_known and self.scope.get(prefix, name.uri) == name.uri:
            self._used.add(prefix)
        elif self.scope.get(prefix) != name.uri:
            self._declare(prefix, name.uri)
        return prefix

    def _declare(self, prefix: str, uri: str) -> None:
        if (
            not self.declarations
        ):  # copied only here: copying for each element would take quadratic time
            self.scope = dict(self.scope)
        self.scope[prefix] = uri
        self._taken[prefix] = uri
        self.declarations[f"xmlns:{prefix}" if prefix else "xmlns"] = uri
