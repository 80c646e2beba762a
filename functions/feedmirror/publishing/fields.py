"""What every document says of its source and of its entries, in whatever format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from feedmirror.model import Enclosure, Entry, Revision, Source
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.redaction import worded
from feedmirror.text.namespaces import type_of
from feedmirror.text.urls import is_web

_LONGEST_TITLE = 1_000  # characters: it is in every entry, and some origin's may be a megabyte
UNKNOWN_TYPE = "application/octet-stream"  # for formats that want one
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:\s*;.*)?", re.ASCII)
_TO_NEWER = re.compile(
    rb'(?:<[a-z:]*link rel="next-archive"[^>]*>\n)?(?=<[a-z:]*link rel="current")'
)


def title_of(publication: Publication) -> str:
    """What the mirror is called, for readers: never empty, and no longer than a title is."""
    feed, settings = publication.feed, publication.settings
    own = feed.title or urlsplit(settings.source_url).hostname or settings.slug
    return worded(settings.title, own)[:_LONGEST_TITLE]


def page_of(publication: Publication) -> str:
    """The page that the feed is of: where the origin names none, its address, or ours."""
    url = publication.settings.source_url
    return publication.feed.link or (url if is_web(url) else publication.address)


def history_of(publication: Publication, name: str) -> Iterator[tuple[str, str]]:
    """The relations of a document to those that hold the other entries of the feed, each with its
    address. Source: RFC 5005 §4.
    """
    place = publication.archive
    older = place.older
    if older:
        yield "prev-archive", publication.address_of(name, older)
    if place.newer:
        yield "next-archive", publication.address_of(name, place.newer)
    if place.page:
        yield "current", publication.address_of(name)


def with_newer(document: bytes, link: str) -> bytes:
    """Return the document of a sealed page, with this link to the next one and no other: whoever
    sealed beside a rebuild, or after the state was lost, may have made another next one.
    """
    return _TO_NEWER.sub(lambda _: f"{link}\n".encode(), document, count=1)


def source_of(entry: Entry, publication: Publication) -> Source | None:
    """Where the entry was taken from: what it names itself, else the feed that is mirrored; None
    where that came from a file, whose place is nobody's business.
    """
    return entry.source or _own_source(title_of(publication), publication.settings.source_url)


@lru_cache(maxsize=16)
def _own_source(title: str, url: str) -> Source | None:
    return Source(title, url) if is_web(url) else None


def media_type(enclosure: Enclosure) -> str | None:
    """What the enclosure is: as declared, or by the extension of its address."""
    declared = enclosure.media_type
    if declared and _MEDIA_TYPE.fullmatch(declared):
        return declared
    return type_of(enclosure.url)


def medium_of(file: Enclosure) -> str:
    """Return "image", "audio", "video", or another first half of a media type; "" if unknown."""
    return file.medium or (media_type(file) or "").partition("/")[0].lower()


def files_of(entry: Entry) -> tuple[Enclosure, ...]:
    """Return the entry's files, each once: enclosures, then what is named in other vocabularies."""
    files: dict[str, Enclosure] = {}
    for file in (*entry.enclosures, *entry.media):
        files.setdefault(file.url, file)
    return tuple(files.values())


def picture_of(entry: Entry) -> str | None:
    """Return the address of the picture that stands for the entry beside its bodies, or is it."""
    files = (
        file.url for file in files_of(entry) if medium_of(file) == "image" and is_web(file.url)
    )
    return entry.image or next(files, None)


def changed_at(revision: Revision) -> datetime | None:
    """When the entry was last changed: as the origin says, else when another version of it was
    seen; None if it never was.
    """
    seen_to_change = revision.observed_at > revision.first_seen
    return revision.entry.updated or (revision.observed_at if seen_to_change else None)
