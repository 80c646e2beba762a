"""Fields that feeds and entries share: convert titles, authors, categories and media to the model.

Source of media: Media RSS 1.5.1, "Apple Podcasts RSS", "Google Play podcasts RSS".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from feedmirror.model import Author, Category, Enclosure
from feedmirror.parsing.elements import is_author
from feedmirror.text import sanitize
from feedmirror.text.namespaces import GOOGLEPLAY, ITUNES, MEDIA, canonical
from feedmirror.text.person import email_address, parse_person
from feedmirror.text.plain import unescape_once, unwrap_cdata
from feedmirror.text.urls import absolute
from feedmirror.text.xml import Element, Node, printable


def text_field(raw: dict[str, Any], key: str) -> str | None:
    """Return a text field of feedparser, without its fallbacks; None if missing or blank."""
    value = dict.get(raw, key)
    if not isinstance(value, str):
        return None
    return unwrap_cdata(printable(value).strip()) or None


def _line(raw: dict[str, Any], key: str) -> str | None:
    return " ".join((text_field(raw, key) or "").split()) or None


def plain(raw: dict[str, Any], key: str) -> str | None:
    """Return a text construct of feedparser as plain text; None if missing or blank."""
    value = text_field(raw, key)
    detail = dict.get(raw, key + "_detail") or {}
    if value is None or detail.get("type") not in {"text/html", "application/xhtml+xml"}:
        return value
    return sanitize.to_text(value) or None


def authors(raw: Any, element: Element | None) -> tuple[Author, ...]:
    """Return the authors of a feed or an entry, each once.

    They are read from `element`; if that is unknown, from `raw`, where feedparser has cut off
    top-level domains of more than four letters.
    """
    found: Iterator[Author]
    if element is None:
        found = (
            _author(_line(author, "name"), _line(author, "email"), author.get("href"))
            for author in dict.get(raw, "authors") or ()
        )
    else:
        found = _authors_of(element.node)
    named = {(author.name, author.email): author for author in found if author.name or author.email}
    return tuple(named.values())


def _authors_of(node: Node) -> Iterator[Author]:
    for child in node.elements():
        if is_author(child.name, node.name):
            parts = {
                part.name.local.lower(): " ".join(part.text().split()) for part in child.elements()
            }
            if not parts:
                yield parse_person(unwrap_cdata(child.text().strip()))
                continue
            uri = parts.get("uri") or parts.get("url") or parts.get("homepage")
            yield _author(parts.get("name"), parts.get("email"), uri)


def _author(name: str | None, email: str | None, uri: str | None) -> Author:
    """Return the author; an e-mail address that is not valid becomes the name if there is none."""
    address = email_address(email or "")
    return Author(name or (None if address else email) or None, address, absolute(uri, None))


def categories(raw: Any) -> tuple[Category, ...]:
    """Return the categories, also those of Dublin Core, each once. Categories are plain text."""
    found = {
        (term, tag.get("scheme")): Category(
            term, tag.get("scheme") or None, unescape_once(tag.get("label") or "") or None
        )
        for tag in dict.get(raw, "tags") or ()
        if (term := printable(unescape_once(unwrap_cdata(tag.get("term") or ""))))
    }
    return tuple(found.values())


_MEDIA = frozenset({"image", "audio", "video"})
_DIGITS = re.compile(r"\d{1,15}(?:\.\d{1,9})?", re.ASCII)
_MOST = 1e15  # bytes, seconds


def media_files_of(node: Node, base: str) -> Iterator[Enclosure]:
    """Yield the files of `media:content` elements, also in groups, in document order."""
    for child in node.elements():
        if canonical(child.name.uri) != MEDIA:
            continue
        child_base = child.base(base)
        if child.name.local == "group":
            yield from media_files_of(child, child_base)
        elif child.name.local == "content" and (url := absolute(child.get("url"), child_base)):
            medium = (child.get("medium") or "").strip().lower()
            yield Enclosure(
                url=url,
                media_type=(child.get("type") or "").strip() or None,
                length_bytes=size_of(child.get("filesize")),
                title=_text(child, "title") or _text(child, "description"),
                medium=medium if medium in _MEDIA else None,
                duration_s=number_of(child.get("duration")),
            )


def pictures_of(node: Node, base: str) -> Iterator[str]:
    """Yield the addresses of pictures that represent an entry or a feed, best first."""
    for uri in (ITUNES, GOOGLEPLAY):
        for child in node.elements():
            if (canonical(child.name.uri), child.name.local) == (uri, "image"):
                found = absolute(child.get("href") or child.text(), child.base(base))
                yield from filter(None, (found,))
    yield from (file.url for file in media_files_of(node, base) if _is_picture(file))
    yield from _thumbnails(node, base)


def _is_picture(file: Enclosure) -> bool:
    return (file.medium or (file.media_type or "").partition("/")[0].lower()) == "image"


def _thumbnails(node: Node, base: str) -> Iterator[str]:
    """Yield the addresses of `media:thumbnail` elements, also in groups and contents."""
    for child in node.elements():
        if canonical(child.name.uri) != MEDIA:
            continue
        child_base = child.base(base)
        if child.name.local == "thumbnail":
            yield from filter(None, (absolute(child.get("url") or child.text(), child_base),))
        elif child.name.local in {"group", "content"}:
            yield from _thumbnails(child, child_base)


def _text(node: Node, name: str) -> str | None:
    """Return the text of the first child of Media RSS with that name, on one line."""
    for child in node.elements():
        if canonical(child.name.uri) == MEDIA and child.name.local == name:
            return " ".join(printable(child.text()).split()) or None
    return None


def with_duration(enclosures: Sequence[Enclosure], duration: str | None) -> tuple[Enclosure, ...]:
    """Return the enclosures, with `duration` (of `itunes:duration`) on the playable one.

    With several playable enclosures, the duration is ambiguous and left out.
    """
    playing = [e for e in enclosures if (e.media_type or "").startswith(("audio/", "video/"))]
    seconds = _seconds(duration or "")
    if not seconds or len(playing or enclosures) != 1:
        return tuple(enclosures)
    (playable,) = playing or enclosures
    return tuple(replace(e, duration_s=seconds) if e is playable else e for e in enclosures)


def _seconds(text: str) -> int | float | None:
    """Parse `H:MM:SS`, `M:SS` or a number of seconds; return seconds, None for anything else.

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
    """Return `value`, a number or its digits, as a non-negative number; None for anything else."""
    if isinstance(value, str):
        value = float(value) if _DIGITS.fullmatch(value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value < _MOST:  # false for NaN, too
        return None
    return int(value) if value == int(value) else value


def size_of(value: object) -> int | None:
    """Return `value` as a whole number of bytes, see `number_of`."""
    number = number_of(value)
    return None if number is None else int(number)
