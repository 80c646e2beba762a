"""The names in one start tag of a fragment, with prefixes that are right wherever it stands."""

from __future__ import annotations

from feedmirror.core.vocabulary import URIS
from feedmirror.core.xml import XML, Name


class Tag:
    """Gives each name of a start tag a prefix, and knows what must be declared for them.

    Outside of the fragment only the well-known prefixes are declared, and no default namespace.
    """

    def __init__(self, declared: dict[str, str], used: set[str]) -> None:
        self.scope = declared  # prefixes by what they are bound to within the element
        self.declarations: dict[str, str] = {}  # attributes to declare them with
        self._used = used  # well-known prefixes, to be declared on the document's root
        self._taken: dict[str, str] = {}  # prefixes of this tag

    def name(self, name: Name, *, attribute: bool = False) -> str:
        """The name as it is to be written."""
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
        if not self.declarations:  # copied only then: it may be long, and elements many
            self.scope = dict(self.scope)
        self.scope[prefix] = uri
        self._taken[prefix] = uri
        self.declarations[f"xmlns:{prefix}" if prefix else "xmlns"] = uri
