"""What the page of an entry says, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from feedmirror.core.attribution import changed_at, media_type, title_of
from feedmirror.core.disclaimer import Disclaimed
from feedmirror.core.formats import Publication
from feedmirror.core.months import dated
from feedmirror.core.pages import words
from feedmirror.core.pages.body import body_of, notice_of
from feedmirror.core.pages.entry import Neighbour
from feedmirror.core.pages.excerpt import excerpt, name_of, visible_title
from feedmirror.core.pages.languages import direction
from feedmirror.core.pages.listing import authors_of, language_of, subscribables
from feedmirror.core.pages.templates import filled
from feedmirror.core.uri import is_web
from feedmirror.model import Enclosure, Images, Revision, Robots

_PLAYABLE = frozenset({"audio", "video"})
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
) -> str:
    """The page; a bare one without the entry's own words."""
    revision, images = disclaimed.revision, publication.settings.images
    return filled(
        "entry.html",
        **_of_feed(publication),
        **_of_entry(revision, language_of(revision.entry, publication)),
        body=notice_of(disclaimed.notice_html) if bare else body_of(disclaimed, images),
        is_bare=bare,
        previous=previous,
    )


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
    files = [_file(enclosure) for enclosure in entry.enclosures]
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
        "categories": list(dict.fromkeys(c.label or c.term for c in entry.categories)),
        "comments": entry.comments,
        "revision": revision,
        "fetched_from": revision.fetched_from if is_web(revision.fetched_from) else None,
    }


def _file(enclosure: Enclosure) -> File:
    kind = media_type(enclosure) or ""
    plays = kind.partition("/")[0].lower()
    return File(
        enclosure.url,
        enclosure.title or words.file_name(enclosure.url),
        kind.partition(";")[0].strip(),
        words.size(enclosure.length_bytes) or "",
        plays if plays in _PLAYABLE else "",
    )
