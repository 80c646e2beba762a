"""Feed autodiscovery: find the feed that a web page links to.

Source: WHATWG HTML §4.6.7.1, RSS Autodiscovery.
"""

from __future__ import annotations

import re
from html import unescape

from feedmirror.text.urls import absolute

_MOST_CHARS = 200_000  # at the start of a page, where links to feeds are searched
_LONGEST = 500  # characters of an address
_TYPES = tuple(f"application/{kind}" for kind in ("rss+xml", "atom+xml", "feed+json"))
_COMMENT = re.compile(r"<!--(?:.*?-->|.*)", re.DOTALL)
_TAG = re.compile(r"<(link|base)(?=[\s/])([^<>]{1,2000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"(?<![a-z:-])([a-z:-]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'=<>`]++))", re.IGNORECASE
)


def first_feed(text: str, location: str) -> str | None:
    """Return the absolute address of the first feed that the page at `location` names, or None."""
    head = text[:_MOST_CHARS]
    base = location
    for tag in _TAG.finditer(_COMMENT.sub("", head)):
        attributes = _attributes(tag[2])
        href = attributes.get("href")
        if tag[1].lower() == "base":
            base = absolute(href, location) or base
            continue
        kind = attributes.get("type", "").partition(";")[0].strip().lower()
        if kind in _TYPES and "alternate" in attributes.get("rel", "").lower().split():
            address = absolute(href, base)
            if address and len(address) <= _LONGEST:
                return address
    return None


def _attributes(text: str) -> dict[str, str]:
    """Return the attributes of a tag by lower-case name; the first of each name counts."""
    attributes: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(text):
        attributes.setdefault(name.lower(), unescape("".join(values)))
    return attributes
