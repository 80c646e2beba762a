"""Fields derived alike for all formats: titles, archive links, sources, files, dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from feedmirror.model import Enclosure, Entry, Revision, Source
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.redaction import mirror_title
from feedmirror.text.namespaces import type_of
from feedmirror.text.urls import is_web

_LONGEST_TITLE = 1_000  # characters: every entry repeats it, and an origin may send a megabyte
UNKNOWN_TYPE = "application/octet-stream"  # for formats that require a media type
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:\s*;.*)?", re.ASCII)
_TO_NEWER = re.compile(
    rb'(?:<[a-z:]*link rel="next-archive"[^>]*>\n)?(?=<[a-z:]*link rel="current")'
)


def title_of(publication: Publication) -> str:
    """Return the title of the mirrored feed: never empty, 1,000 characters at most."""
    feed, settings = publication.feed, publication.settings
    own = feed.title or urlsplit(settings.source_url).hostname or settings.slug
    return mirror_title(settings.title, own)[:_LONGEST_TITLE]


def page_of(publication: Publication) -> str:
    """Return the address of the website of the feed; if the origin names none, the address of the
    feed at its origin, or else of the mirror.
    """
    url = publication.settings.source_url
    return publication.feed.link or (url if is_web(url) else publication.address)


def history_of(publication: Publication, name: str) -> Iterator[tuple[str, str]]:
    """Yield the relation and the address of each document that has other entries of the feed.

    Source: RFC 5005 §4.
    """
    archive = publication.archive
    if archive.older:
        yield "prev-archive", publication.address_of(name, archive.older)
    if archive.newer:
        yield "next-archive", publication.address_of(name, archive.newer)
    if archive.page:
        yield "current", publication.address_of(name)


def with_newer(document: bytes, link: str) -> bytes:
    """Return the document of an archive page with `link` as its only link to the next page.

    Archiving during a rebuild, or after the state was lost, may link to another next page first.
    """
    return _TO_NEWER.sub(lambda _: f"{link}\n".encode(), document, count=1)


def source_of(entry: Entry, publication: Publication) -> Source | None:
    """Return the source that the entry names, or else the mirrored feed; None for a feed from a
    file, whose path is not public.
    """
    return entry.source or _own_source(title_of(publication), publication.settings.source_url)


@lru_cache(maxsize=16)
def _own_source(title: str, url: str) -> Source | None:
    return Source(title, url) if is_web(url) else None


def media_type(enclosure: Enclosure) -> str | None:
    """Return the enclosure's media type: as declared, or else by the extension of its address."""
    declared = enclosure.media_type
    if declared and _MEDIA_TYPE.fullmatch(declared):
        return declared
    return type_of(enclosure.url)


def medium_of(file: Enclosure) -> str:
    """Return "image", "audio", "video" or another top-level media type; "" if unknown."""
    return file.medium or (media_type(file) or "").partition("/")[0].lower()


def files_of(entry: Entry) -> tuple[Enclosure, ...]:
    """Return the entry's files, each URL once: enclosures, then files of extension elements."""
    files: dict[str, Enclosure] = {}
    for file in (*entry.enclosures, *entry.media):
        files.setdefault(file.url, file)
    return tuple(files.values())


def picture_of(entry: Entry) -> str | None:
    """Return the address of the entry's image, or else of its first file that is a picture."""
    files = (
        file.url for file in files_of(entry) if medium_of(file) == "image" and is_web(file.url)
    )
    return entry.image or next(files, None)


def changed_at(revision: Revision) -> datetime | None:
    """Return when the entry last changed: as the origin says, or else when the present version was
    first fetched; None if only one version was ever fetched.
    """
    is_revised = revision.observed_at > revision.first_seen
    return revision.entry.updated or (revision.observed_at if is_revised else None)
