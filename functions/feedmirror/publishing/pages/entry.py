"""What the page of an entry says, and in which order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from feedmirror.mirror.archive import dated
from feedmirror.model import Enclosure, Images, Revision, Robots
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.formats.attribution import (
    changed_at,
    files_of,
    media_type,
    medium_of,
    title_of,
)
from feedmirror.publishing.formats.format import Publication, encoded
from feedmirror.publishing.pages import phrases, pictures
from feedmirror.publishing.pages.body import body_of, notice_of
from feedmirror.publishing.pages.entry_page import Neighbour
from feedmirror.publishing.pages.listing import (
    authors_of,
    excerpt,
    language_of,
    name_of,
    subscribables,
    visible_title,
)
from feedmirror.publishing.pages.phrases import direction
from feedmirror.publishing.pages.templates import pieces
from feedmirror.publishing.pages.tokens import quoted
from feedmirror.text.plain import unescape
from feedmirror.text.urls import is_web

_PLAYABLE = frozenset({"audio", "video"})
_ADDRESS = re.compile(r"\s(?:src|poster)=\"([^\"]*)\"")
_TELLING = 1_000  # characters, to tell which way an entry runs


@dataclass(frozen=True, slots=True)
class File:
    """An enclosure, as a page links to it."""

    url: str
    name: str
    kind: str  # its media type; empty: unknown
    size: str  # empty: unknown
    plays: str  # "audio", "video", or empty


def article(
    disclaimed: Disclaimed, publication: Publication, previous: Neighbour | None, *, bare: bool
) -> bytes:
    """Return the page; a bare one without the entry's own words."""
    revision, images = disclaimed.revision, publication.settings.images
    page = pieces(
        "entry.html",
        **_of_feed(publication),
        **_of_entry(revision, language_of(revision.entry, publication)),
        pictures=[] if bare else _pictures(disclaimed, images),
        body=notice_of(disclaimed.notice_html)
        if bare
        else body_of(disclaimed, images, publication.feed.link),
        is_bare=bare,
        previous=previous,
    )
    return encoded(page)


def _of_feed(publication: Publication) -> dict[str, Any]:
    settings = publication.settings
    return {
        "root": "../../",
        "here": "../",
        "indexed": settings.robots is Robots.INDEX,
        "contacts_nobody": settings.images is Images.NONE,
        "feed_title": title_of(publication),
        "site": publication.feed.link,
        "feeds": subscribables(publication),
    }


def _of_entry(revision: Revision, lang: str) -> dict[str, Any]:
    entry = revision.entry
    title = visible_title(entry.title)
    files = [_file(file) for file in files_of(entry)]
    return {
        "name": name_of(revision),
        "title": title,
        "description": excerpt(entry),
        "original": entry.link,
        "lang": lang,
        "dir": direction(f"{title} {excerpt(entry, _TELLING)}", lang),
        "authors": authors_of(entry.authors),
        "at": dated(revision),
        "changed": changed_at(revision),
        "players": [file for file in files if file.plays],
        "files": [file for file in files if not file.plays],
        "external": entry.external if entry.external != entry.link else None,
        "canonical": entry.link if entry.link and is_web(entry.link) else None,
        "categories": list(dict.fromkeys(c.label or c.term for c in entry.categories)),
        "comments": entry.comments,
        "revision": revision,
        "fetched_from": revision.fetched_from if is_web(revision.fetched_from) else None,
    }


def _file(enclosure: Enclosure) -> File:
    kind, plays = media_type(enclosure) or "", medium_of(enclosure)
    return File(
        enclosure.url,
        enclosure.title or phrases.file_name(enclosure.url),
        kind.partition(";")[0].strip(),
        phrases.size(enclosure.length_bytes) or "",
        plays if plays in _PLAYABLE and is_web(enclosure.url) else "",
    )


def _pictures(disclaimed: Disclaimed, images: Images) -> list[str]:
    """The pictures beside the body, each once, as markup: what is in the body too is not shown."""
    entry = disclaimed.revision.entry
    shown = {unescape(url) for part in disclaimed.body for url in _ADDRESS.findall(part)}
    files = {file.url: file.title or "" for file in files_of(entry) if medium_of(file) == "image"}
    found = dict.fromkeys((*filter(None, (entry.image, entry.banner)), *files))
    return [
        pictures.shown({"src": quoted(url), "alt": quoted(files.get(url, ""))})
        if images is Images.ORIGIN
        else pictures.linked(url, files.get(url) or phrases.file_name(url))
        for url in found
        if is_web(url) and url not in shown
    ]
