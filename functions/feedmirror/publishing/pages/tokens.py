"""Sanitised HTML as tags and runs of text, in linear time, and tags as HTML again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape, unescape

from feedmirror.text.anchors import PREFIX
from feedmirror.text.language import language_tag

# No `<` within: the sanitiser escapes it in attributes too, and what is left open ends at the next.
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)((?>(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*))>")
_ATTRIBUTE = re.compile(r"([^\s\"'=<>/]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'))?")
# Of the mirror's own pages, whatever an older sanitiser let through; and `headers`, which names
# cells by ids that are gone, and `color`, which is chosen for another background.
_DROPPED = frozenset("class color headers id role style tabindex".split())
_SCOPES = frozenset("col colgroup row rowgroup".split())
_INVISIBLE = re.compile(r"(?:\s|[\u00ad\u200b-\u200f\u2060\ufeff])*")


@dataclass(slots=True)
class Tag:
    """A start or an end of an element."""

    name: str  # in small letters
    is_end: bool
    is_whole: bool  # `<br/>`, as the operator may write it
    attributes: dict[str, str]  # their values as they stand, escaped


def tokens(body: str) -> Iterator[Tag | str]:
    """The tags and the runs of text, in order; what looks like a tag and is none is escaped."""
    position = 0
    for found in _TAG.finditer(body):
        if found.start() > position:
            yield body[position : found.start()].replace("<", "&lt;")
        position = found.end()
        inside = found[3]
        held = {} if found[1] or not inside else _attributes(inside)
        yield Tag(found[2].lower(), bool(found[1]), inside.endswith("/"), held)
    if position < len(body):
        yield body[position:].replace("<", "&lt;")


def _attributes(inside: str) -> dict[str, str]:
    held = {
        found[1].lower(): (found[2] or found[3] or "").replace('"', "&quot;")
        for found in _ATTRIBUTE.finditer(inside)
    }
    return {name: value for name, value in held.items() if _is_kept(name, value)} | _mended(held)


def _is_kept(name: str, value: str) -> bool:
    if name == "id":
        return value.startswith(PREFIX)
    if name in _DROPPED or name == "lang" or name.startswith(("aria-", "on")):
        return False
    return name != "scope" or value in _SCOPES


def _mended(held: Mapping[str, str]) -> dict[str, str]:
    tag = language_tag(held.get("lang"))
    return {"lang": tag} if tag else {}


def written(name: str, attributes: Mapping[str, str]) -> str:
    """The start tag; values are escaped already."""
    told = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{told}>"


def plain(value: str | None) -> str:
    """What an attribute's value means."""
    return unescape(value or "").strip()


def quoted(text: str) -> str:
    """Text as an attribute's value."""
    return escape(text)


def is_visible(text: str) -> bool:
    """Whether there is anything to be seen, or read out, in a run of text."""
    return _INVISIBLE.fullmatch(unescape(text) if "&" in text else text) is None
