"""Anchors: ids in an article that its own links lead to, like those of footnotes and sections.

A sanitised body keeps the ids of its anchors behind a prefix, so that they cannot clash with ids of
the page around the body. Links to anchors lead to the origin's page in a feed, and stay on the page
of the entry there.
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
_ANCHOR = re.compile(rf"\s(?:id|name)=\"{PREFIX}([\w.:-]+)\"")


def linked_anchors(body: str, page: str | None) -> frozenset[str]:
    """Return the names of the anchors in `body` that links in `body` lead to.

    `page` is the address of the page that the body was published on.
    """
    if "#" not in body:
        return frozenset()
    hrefs = (unescape(match[1] or match[2] or match[3] or "") for match in _HREF.finditer(body))
    targets = (trimmed(url).partition("#") for url in hrefs)
    own_addresses = {"", _without_fragment(page or "")}
    names = {unquote(name) for url, _, name in targets if url in own_addresses}
    return frozenset(filter(_NAME.fullmatch, names))


def _without_fragment(url: str) -> str:
    return url.partition("#")[0]


@dataclass(frozen=True, slots=True)
class Anchors:
    """The anchors of a sanitised body."""

    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()  # of the article itself, without fragments

    @classmethod
    def of(cls, body: str, addresses: Iterable[str | None]) -> Anchors:
        """Return the anchors of `body`, an article that is published at all of `addresses`."""
        names = frozenset(_ANCHOR.findall(body))
        if not names:
            return cls()
        return cls(names, frozenset(_without_fragment(url) for url in addresses if url))

    def local_link(self, url: str) -> str | None:
        """Return `url` as a link within the entry's page; None if `url` leads to another page."""
        page, _, name = url.partition("#")
        name = unquote(name)
        return f"#{PREFIX}{name}" if name in self.names and page in self.addresses else None


NO_ANCHORS = Anchors()
