"""Page of one entry: its words, its files, the disclaimer, and where the copy comes from.

The HTML of the body, jinja2 and the HTML parser are imported only when an entry is rendered: most
refreshes find nothing new.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from feedmirror.errors import RenderError
from feedmirror.mirror.archive import dated
from feedmirror.model import Enclosure, Images, Revision, Robots
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.fields import changed_at, files_of, media_type, medium_of, title_of
from feedmirror.publishing.formats.format import encoded
from feedmirror.publishing.pages import phrases
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
from feedmirror.publishing.publication import Publication
from feedmirror.text.plain import unescape
from feedmirror.text.urls import is_web

_PLAYABLE = frozenset({"audio", "video"})
_ADDRESS = re.compile(r"\s(?:src|poster)=\"([^\"]*)\"")
_DIRECTION_CHARS = 1_000  # of an entry, to tell in which direction its script runs


class Neighbour(Struct, frozen=True):
    """Another entry of the feed, as the page of an entry links to it."""

    key: str  # names its page: entries/KEY.html
    title: str | None = None  # plain text


class File(Struct, frozen=True):
    """An enclosure or media file, as a page links to it."""

    url: str
    name: str
    kind: str  # media type; "": unknown
    size: str  # with its unit; "": unknown
    plays: str  # "audio", "video", or "" for a file that is linked to only


def render_entry(
    disclaimed: Disclaimed, publication: Publication, previous: Neighbour | None
) -> bytes:
    """Return the page without its generation. `publication.entries` is not read."""
    from feedmirror.publishing.pages.body import entry_body  # noqa: PLC0415 - see above

    images = publication.settings.images
    body = entry_body(disclaimed, images, publication.feed.link)
    return _page(disclaimed, publication, previous, body, _pictures(disclaimed, images))


def render_entry_bare(
    disclaimed: Disclaimed, publication: Publication, previous: Neighbour | None
) -> bytes:
    """Return the page without the body of the entry, for an entry whose page fails `verify_entry`
    or cannot be rendered.
    """
    from feedmirror.publishing.pages.body import notice_block  # noqa: PLC0415 - see above

    return _page(disclaimed, publication, previous, notice_block(disclaimed.notice_html))


def verify_entry(document: bytes, disclaimed: Disclaimed) -> None:
    """Check that the page is inert and has the disclaimer once, in the body.

    Raises: RenderError.
    """
    from feedmirror.publishing.pages.inspection import PageReader  # noqa: PLC0415 - see above

    name = f"entries/{disclaimed.revision.key}.html"
    if not PageReader(name, document).carries(disclaimed.notice_html, "body"):
        raise RenderError(f"{name} would lack the disclaimer")


def _page(
    disclaimed: Disclaimed,
    publication: Publication,
    previous: Neighbour | None,
    body: str,
    pictured: list[str] | None = None,
) -> bytes:
    """Return the page with this body; `pictured` is None for a page without the entry's own."""
    revision = disclaimed.revision
    page = pieces(
        "entry.html",
        **_feed_values(publication),
        **_entry_values(revision, language_of(revision.entry, publication)),
        indexed=publication.settings.robots is Robots.INDEX and revision.removal is None,
        pictures=pictured or [],
        body=body,
        is_bare=pictured is None,
        previous=previous,
    )
    return encoded(page)


def _feed_values(publication: Publication) -> dict[str, Any]:
    settings = publication.settings
    return {
        "root": "../../",
        "here": "../",
        "contacts_nobody": settings.images is Images.NONE,
        "feed_title": title_of(publication),
        "site": publication.feed.link,
        "feeds": subscribables(publication),
    }


def _entry_values(revision: Revision, lang: str) -> dict[str, Any]:
    entry = revision.entry
    title = visible_title(entry.title)
    files = [_file(file) for file in files_of(entry)]
    return {
        "name": name_of(revision),
        "title": title,
        "description": excerpt(entry),
        "original": entry.link,
        "lang": lang,
        "dir": direction(f"{title} {excerpt(entry, _DIRECTION_CHARS)}", lang),
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
    kind, medium = media_type(enclosure) or "", medium_of(enclosure)
    return File(
        enclosure.url,
        enclosure.title or phrases.file_name(enclosure.url),
        kind.partition(";")[0].strip(),
        phrases.size(enclosure.length_bytes) or "",
        medium if medium in _PLAYABLE and is_web(enclosure.url) else "",
    )


def _pictures(disclaimed: Disclaimed, images: Images) -> list[str]:
    """Return the entry's pictures that its body does not show, each once, as HTML."""
    from feedmirror.publishing.pages.elements import linked, shown_picture  # noqa: PLC0415

    entry = disclaimed.revision.entry
    shown = {unescape(url) for part in disclaimed.body for url in _ADDRESS.findall(part)}
    files = {file.url: file.title or "" for file in files_of(entry) if medium_of(file) == "image"}
    found = dict.fromkeys((*filter(None, (entry.image, entry.banner)), *files))
    return [
        shown_picture({"src": url, "alt": files.get(url, "")})
        if images is Images.ORIGIN
        else linked(url, files.get(url) or phrases.file_name(url))
        for url in found
        if is_web(url) and url not in shown
    ]
