"""Places of an article that its own links lead to: footnotes, sections.

In a body they are ids behind a prefix, so that none is an id of whatever page the body stands on;
links to them lead to the origin's page there. On the entry's page they stay on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from feedmirror.text.plain import unescape
from feedmirror.text.urls import trimmed

PREFIX = "in-"
_HREF = re.compile(r"\shref\s*+=\s*+(?:\"([^\"<>]*)\"|'([^'<>]*)'|([^\s\"'<>]++))", re.IGNORECASE)
_NAME = re.compile(r"[\w.:-]{1,200}")
_MARKED = re.compile(rf"\s(?:id|name)=\"{PREFIX}([\w.:-]+)\"")


def linked_to(body: str, page: str | None) -> frozenset[str]:
    """Return the names of the places in `body`, whose page that is, that its links lead to."""
    if "#" not in body:
        return frozenset()
    found = (unescape(match[1] or match[2] or match[3] or "") for match in _HREF.finditer(body))
    parts = (trimmed(url).partition("#") for url in found)
    own = {"", _bare(page or "")}
    named = {unquote(place) for url, _, place in parts if url in own}
    return frozenset(filter(_NAME.fullmatch, named))


def _bare(url: str) -> str:
    return url.partition("#")[0]


@dataclass(frozen=True, slots=True)
class Places:
    """The places that a sanitised body has."""

    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()  # that mean the article itself

    @classmethod
    def of(cls, body: str, addresses: Iterable[str | None]) -> Places:
        """Return the places of `body`, at any of these addresses."""
        names = frozenset(_MARKED.findall(body))
        return cls(names, frozenset(_bare(url) for url in addresses if url)) if names else cls()

    def within(self, url: str) -> str | None:
        """Return where a link leads on the page that the body stands on; None: away from it."""
        page, _, name = url.partition("#")
        name = unquote(name)
        return f"#{PREFIX}{name}" if name in self.names and page in self.addresses else None


NOWHERE = Places()
