"""Pictures, sounds and films that other vocabularies name beside the bodies of an entry or a feed.

Source: Media RSS 1.5.1, "Apple Podcasts RSS", "Google Play podcasts RSS".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from feedmirror.model import Enclosure
from feedmirror.text.namespaces import GOOGLEPLAY, ITUNES, MEDIA, canonical
from feedmirror.text.urls import absolute
from feedmirror.text.xml import Node, printable

_MEDIA = frozenset({"image", "audio", "video"})
_DIGITS = re.compile(r"\d{1,15}(?:\.\d{1,9})?", re.ASCII)
_MOST = 1e15  # bytes, seconds


def files_of(node: Node, base: str) -> Iterator[Enclosure]:
    """Yield the files of `media:content`, of those in groups too, in document order."""
    for child in node.elements():
        if canonical(child.name.uri) != MEDIA:
            continue
        its_base = child.base(base)
        if child.name.local == "group":
            yield from files_of(child, its_base)
        elif child.name.local == "content" and (url := absolute(child.get("url"), its_base)):
            medium = (child.get("medium") or "").strip().lower()
            yield Enclosure(
                url=url,
                media_type=(child.get("type") or "").strip() or None,
                length_bytes=size_of(child.get("filesize")),
                title=_words(child, "title") or _words(child, "description"),
                medium=medium if medium in _MEDIA else None,
                duration_s=number_of(child.get("duration")),
            )


def pictures_of(node: Node, base: str) -> Iterator[str]:
    """Yield the addresses of the pictures that stand for the entry or the feed, best first."""
    for uri in (ITUNES, GOOGLEPLAY):
        for child in node.elements():
            if (canonical(child.name.uri), child.name.local) == (uri, "image"):
                found = absolute(child.get("href") or child.text(), child.base(base))
                yield from filter(None, (found,))
    yield from (file.url for file in files_of(node, base) if _is_picture(file))
    yield from _thumbnails(node, base)


def _is_picture(file: Enclosure) -> bool:
    return (file.medium or (file.media_type or "").partition("/")[0].lower()) == "image"


def _thumbnails(node: Node, base: str) -> Iterator[str]:
    """The addresses of `media:thumbnail`, of those in groups and contents too."""
    for child in node.elements():
        if canonical(child.name.uri) != MEDIA:
            continue
        its_base = child.base(base)
        if child.name.local == "thumbnail":
            yield from filter(None, (absolute(child.get("url") or child.text(), its_base),))
        elif child.name.local in {"group", "content"}:
            yield from _thumbnails(child, its_base)


def _words(node: Node, name: str) -> str | None:
    """The words of the first child of that name, on one line."""
    for child in node.elements():
        if canonical(child.name.uri) == MEDIA and child.name.local == name:
            return " ".join(printable(child.text()).split()) or None
    return None


def timed(enclosures: Sequence[Enclosure], duration: str | None) -> tuple[Enclosure, ...]:
    """Return the enclosures, the one that plays with the duration that `itunes:duration` states.
    With several that play, none gets the duration: it may be that of any of them, or of all.
    """
    playing = [e for e in enclosures if (e.media_type or "").startswith(("audio/", "video/"))]
    seconds = _seconds(duration or "")
    if not seconds or len(playing or enclosures) != 1:
        return tuple(enclosures)
    (one,) = playing or enclosures
    return tuple(replace(e, duration_s=seconds) if e is one else e for e in enclosures)


def _seconds(text: str) -> int | float | None:
    """Return the seconds of `H:MM:SS`, `M:SS` or a number of seconds, None for anything else.

    Source: Apple Podcasts RSS, `<itunes:duration>`.
    """
    parts = [number_of(part) for part in text.strip().split(":")]
    if len(parts) > 3 or None in parts:
        return None
    seconds = 0.0
    for part in parts:
        seconds = seconds * 60 + (part or 0)
    return number_of(seconds)


def number_of(value: object) -> int | float | None:
    """Return a number that is not negative, from a number or from its digits; None for all else."""
    if isinstance(value, str):
        value = float(value) if _DIGITS.fullmatch(value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value < _MOST:  # which NaN is not either
        return None
    return int(value) if value == int(value) else value


def size_of(value: object) -> int | None:
    """Return a number of whole bytes, as `number_of` reads it."""
    number = number_of(value)
    return None if number is None else int(number)
