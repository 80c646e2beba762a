"""JSON Feed as input; the released feedparser reads none. Source: JSON Feed 1.0, 1.1."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Set
from hashlib import blake2b
from typing import Any

from feedmirror.core import html
from feedmirror.core.dates import from_iso
from feedmirror.core.split import PARSER_VERSION
from feedmirror.core.text import paragraphs
from feedmirror.core.uri import absolute
from feedmirror.core.xml import printable
from feedmirror.errors import Kind, ParseError
from feedmirror.model import Author, Category, Enclosure, Entry, Feed, Image, Item, ParsedFeed

_VERSION = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/(\d+(?:\.\d+)?)", re.IGNORECASE)
_DEEPEST = 64


def parse(text: str, location: str, known: Set[str]) -> ParsedFeed:
    """The feed, with an entry for each item whose fingerprint is not in `known`.

    Raises: ParseError NOT_A_FEED for other JSON, and for JSON that is damaged or cut.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(Kind.NOT_A_FEED, f"the document is not valid JSON: {error}") from error
    version = _VERSION.match(str(document.get("version")))
    listed = document.get("items")
    if version is None or not isinstance(listed, list):
        raise ParseError(
            Kind.NOT_A_FEED,
            "the document is JSON, but no JSON Feed: `version` or `items` is missing",
        )
    raws = [raw for raw in listed if isinstance(raw, dict)]
    sources = [json.dumps(raw, ensure_ascii=False, separators=(",", ":")) for raw in raws]
    items = tuple(
        Item(_fingerprint(source), _text(raw, "id"), _text(raw, "url"))
        for raw, source in zip(raws, sources, strict=True)
    )
    entries = {
        index: _entry(raw, source, location)
        for index, (raw, source) in enumerate(zip(raws, sources, strict=True))
        if items[index].fingerprint not in known
    }
    feed = _feed(document, location, version[1])
    return ParsedFeed(feed, items, entries, lossless=True, complete=True)


def _fingerprint(source: str) -> str:
    key = b"json" + str(PARSER_VERSION).encode()
    return blake2b(source.encode("utf-8", "replace"), digest_size=12, key=key).hexdigest()


def _text(raw: dict[str, Any], key: str) -> str | None:
    """A string; a number where 1.0 feeds put one (ids); None where it is missing or blank."""
    value = raw.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return printable(value).strip() or None if isinstance(value, str) else None


def _authors(raw: dict[str, Any]) -> tuple[Author, ...]:
    listed = raw.get("authors")
    people = [*(listed if isinstance(listed, list) else []), raw.get("author")]
    found = {
        Author(_text(person, "name"), None, absolute(_text(person, "url"), None)): None
        for person in people
        if isinstance(person, dict)
    }
    return tuple(author for author in found if author.name or author.uri)


def _feed(raw: dict[str, Any], location: str, version: str) -> Feed:
    title, link = _text(raw, "title"), absolute(_text(raw, "home_page_url"), location)
    icon = absolute(_text(raw, "icon"), location)
    return Feed(
        kind=f"JSON Feed {version if '.' in version else version + '.0'}",
        title=title,
        link=link,
        description=_text(raw, "description"),
        language=_text(raw, "language"),
        authors=_authors(raw),
        image=Image(icon) if icon else None,
    )


def _entry(raw: dict[str, Any], source: str, location: str) -> Entry:
    link = absolute(_text(raw, "url") or _text(raw, "external_url"), location)
    content = _text(raw, "content_html")
    plain = _text(raw, "content_text")
    summary = _text(raw, "summary")
    tags = raw.get("tags")
    title = _text(raw, "title")
    return Entry(
        guid=_text(raw, "id"),
        link=link,
        title=title,
        summary=paragraphs(summary) if summary else None,
        content=html.clean(content, location, link)
        if content
        else paragraphs(plain)
        if plain
        else None,
        language=_text(raw, "language"),
        authors=_authors(raw),
        categories=tuple(
            Category(printable(tag).strip())
            for tag in dict.fromkeys(tags if isinstance(tags, list) else ())
            if isinstance(tag, str) and printable(tag).strip()
        ),
        enclosures=tuple(_enclosures(raw, location)),
        published=from_iso(raw.get("date_published")),
        updated=from_iso(raw.get("date_modified")),
        original=source,
    )


def _enclosures(raw: dict[str, Any], location: str) -> Iterator[Enclosure]:
    listed = raw.get("attachments")
    for attachment in listed if isinstance(listed, list) else ():
        url = absolute(_text(attachment, "url"), location) if isinstance(attachment, dict) else None
        if url:
            size = attachment.get("size_in_bytes")
            yield Enclosure(
                url=url,
                media_type=_text(attachment, "mime_type"),
                length_bytes=int(size)
                if isinstance(size, int | float) and 0 <= size < 1e15
                else None,
                title=_text(attachment, "title"),
            )
