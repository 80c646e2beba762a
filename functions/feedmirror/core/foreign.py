"""Elements of other vocabularies, carried along as they came.

Each becomes a fragment of XML that can stand in any document of the mirror's: well-known prefixes
are declared on that document's root, all others on the fragment itself. Where an element carries
a body of its own, the fragment has slots for the disclaimer, marked by control characters that no
XML document can contain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from feedmirror.core import html
from feedmirror.core.slots import HTML_AFTER, HTML_BEFORE, TEXT_AFTER, TEXT_BEFORE
from feedmirror.core.split import is_base
from feedmirror.core.text import looks_like_html
from feedmirror.core.vocabulary import (
    ACTIVE,
    ATOM,
    BODIES,
    CONTENT,
    CORE_LINK_RELS,
    DROPPED_LINK_RELS,
    ITUNES,
    MEDIA,
    MENDS,
    RDF,
    URIS,
    XHTML,
    XLINK,
    XML,
    canonical,
)
from feedmirror.core.xml import Name, Node, escape, quote

_SLOTS = re.compile("[\x01-\x04]")

_ATOM_CORE = frozenset(
    "id title subtitle link author category generator icon logo published updated summary content "
    "entry feed tagline modified issued created copyright info".split()
)
_ATOM_PARENTS = frozenset({"feed", "entry"})


def carried(
    parent: Node, base: str | None, *, slots: bool = True
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fragments of `parent`'s foreign children, in order, and the well-known prefixes that
    they use, sorted. `base` is what relative addresses in their attributes are resolved against;
    `slots` says whether bodies are to carry the disclaimer (a feed's own description need not).
    """
    used: set[str] = set()
    in_atom = is_base(parent.name.uri) and parent.name.local in _ATOM_PARENTS
    fragments = [
        _Writer(base, used).element(child, {})
        for child in _flattened(map(_corrected, parent.elements()))
        if _belongs(child, in_atom=in_atom)
    ]
    if not slots:
        fragments = [_SLOTS.sub("", fragment) for fragment in fragments]
    return tuple(filter(None, fragments)), tuple(sorted(used))


def _corrected(node: Node) -> Node:
    """The element with misspelt namespaces put right, all the way down."""
    node.name.uri = canonical(node.name.uri)
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


def _belongs(node: Node, *, in_atom: bool) -> bool:
    """Whether an element is carried; the core vocabulary and what steers readers away are not."""
    uri, local = node.name.uri, node.name.local
    if uri == ATOM and local == "link":
        rel = node.get("rel") or "alternate"
        return rel not in DROPPED_LINK_RELS and not (in_atom and rel in CORE_LINK_RELS)
    if uri == ATOM and in_atom:
        # A person with extensions (a portrait, say) travels whole, beside the author as RSS has it.
        extended = local == "author" and any(not is_base(n.name.uri) for n in node.elements())
        return extended or local not in _ATOM_CORE
    if uri == ATOM:
        return True
    if is_base(uri) or uri in {RDF, XHTML} or (uri == CONTENT and local == "encoded"):
        return False
    # It would move the mirror's subscribers back to the origin.
    return not (uri == ITUNES and local == "new-feed-url")


class _Writer:
    """Serialises one foreign element."""

    def __init__(self, base: str | None, used: set[str]) -> None:
        self._base = base
        self._used = used

    def element(self, node: Node, declared: dict[str, str]) -> str:
        """The element as XML, given the prefixes that its ancestors here declare; "" if dropped."""
        if node.name.uri in ACTIVE:
            return escape(node.text())
        inner = self._mended(node)
        if inner is None:
            return ""
        declarations: dict[str, str] = {}
        scope = dict(declared)
        tag = self._qualified(node.name, scope, declarations, attribute=False)
        attributes = ""
        for name, value in node.attributes:
            if name.uri not in {XLINK, XML} or (
                name.uri == XML and name.local in {"lang", "space"}
            ):
                key = self._qualified(name, scope, declarations, attribute=True)
                attributes += f" {key}={self._value(name, value)}"
        spaces = "".join(
            f" xmlns{':' if prefix else ''}{prefix}={quote(uri)}"
            for prefix, uri in declarations.items()
        )
        kind = BODIES.get((node.name.uri, node.name.local))
        if kind is not None:
            attributes, body = self._body(node, attributes, kind)
        else:
            body = inner or "".join(
                escape(child) if isinstance(child, str) else self.element(child, scope)
                for child in node.children
            )
        return (
            f"<{tag}{spaces}{attributes}>{body}</{tag}>"
            if body
            else f"<{tag}{spaces}{attributes}/>"
        )

    @staticmethod
    def _mended(node: Node) -> str | None:
        """What must stand in the element instead, "" if it is right as it is, None to drop it."""
        mend = MENDS.get((node.name.uri, node.name.local))
        if mend is None:
            return ""
        text = node.text().strip()
        value = mend(text)
        return None if value is None else escape(value)

    def _value(self, name: Name, value: str) -> str:
        if name.local in {"url", "href", "src"} and not name.uri:
            return quote(html.absolute_in_markup(value, self._base))
        return quote(value)

    def _qualified(
        self, name: Name, scope: dict[str, str], declarations: dict[str, str], *, attribute: bool
    ) -> str:
        """The name with a prefix that is bound to its namespace here, bound if it must be."""
        if name.uri == XML:
            return f"xml:{name.local}"
        if not name.uri:
            if not attribute and scope.get(""):
                scope[""] = declarations[""] = ""
            return name.local
        prefix = URIS.get(name.uri) or name.prefix
        if attribute and not prefix:
            prefix = next((p for p, uri in scope.items() if p and uri == name.uri), "ns")
        if URIS.get(name.uri) == prefix and scope.get(prefix, name.uri) == name.uri:
            self._used.add(prefix)
        elif scope.get(prefix) != name.uri:
            scope[prefix] = declarations[prefix] = name.uri
        return f"{prefix}:{name.local}" if prefix else name.local

    def _body(self, node: Node, attributes: str, kind: str) -> tuple[str, str]:
        """The attributes and the content of an element that carries a body, slots included."""
        nested = any(True for _ in node.elements())
        raw = _markup(node) if nested else node.text()
        declared = (node.get("type") or kind).lower()
        if nested or "html" in declared or (declared == "guess" and looks_like_html(raw)):
            body = html.clean(raw, self._base)
            if nested and 'type="' in attributes:
                attributes = attributes.replace('type="xhtml"', 'type="html"')
            return attributes, f"{HTML_BEFORE}{escape(body)}{HTML_AFTER}"
        return attributes, f"{TEXT_BEFORE}{escape(raw.strip())}{TEXT_AFTER}"


def _markup(node: Node) -> str:
    """The children as HTML source, namespaces dropped: input for the sanitiser, nothing else."""
    parts: list[str] = []
    for child in node.children:
        if isinstance(child, str):
            parts.append(escape(child))
            continue
        attributes = "".join(f" {name.local}={quote(value)}" for name, value in child.attributes)
        local = child.name.local
        parts.append(f"<{local}{attributes}>{_markup(child)}")
        if local not in {"br", "hr", "img", "wbr", "source", "track", "col", "area"}:
            parts.append(f"</{local}>")
    return "".join(parts)
