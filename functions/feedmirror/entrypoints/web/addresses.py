"""What an address stands for: a document of the store, or another address to go to.

`tests/support/addresses.py` holds this and the function in `infra/cdn.yaml` to the same answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from feedmirror.layout import (
    CSS,
    FEED_DOCUMENTS,
    FEEDS,
    HTML,
    INDEX_HTML,
    MEDIA_TYPES,
    PUBLIC,
    SITE_DOCUMENTS,
)

# Nothing of a path but these becomes part of a key or of a redirect: no dots, no second slash.
_NAME = r"[a-z0-9-]+"
_FOLDER = re.compile(rf"/{_NAME}(?:/archive/{_NAME})?")
_FEED = re.compile(rf"(/{_NAME}/)(archive/{_NAME}/)?{_NAME}\.(?:xml|json)")

_OF_SITE = re.compile(r"/([a-z0-9]+\.[a-z]+)")
_STYLE = re.compile(r"/style-[0-9a-f]{8}\.css")
_OF_FEED = re.compile(rf"/{_NAME}/(?:archive/{_NAME}/)?([a-z]+\.[a-z]+)")
_ENTRY = re.compile(rf"/{_NAME}/entries/[0-9a-f]{{16,64}}\.html")


@dataclass(frozen=True, slots=True)
class Place:
    """A public document, whether it is there or not."""

    key: str
    media_type: str  # the whole Content-Type
    is_feed: bool = False  # also shown as a page, to whoever opens it in a browser


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another address to go to."""

    location: str
    page: str | None = None  # the path that has to be there; None: go whether it is or not


def redirect_of(path: str, *, is_navigation: bool) -> Redirect | None:
    """Where the path leads to instead; None: nowhere else. `path` is as it was sent.

    A navigation is what a person does in a browser; programs that read feeds get the feed.
    """
    if _FOLDER.fullmatch(path):
        return Redirect(f"{path}/")  # links on the page are relative to it
    feed = _FEED.fullmatch(path) if is_navigation else None
    if feed is None:
        return None
    folder, archived = feed.groups()
    page = f"{folder}{archived or ''}"
    return Redirect(page if archived else f"{page}#subscribe", page)


def place_of(path: str) -> Place | None:
    """Which document the path stands for; None: none that this program publishes.

    `path` has its percent-encoding undone.
    """
    path = f"{path}{INDEX_HTML}" if path.endswith("/") else path
    key = f"{PUBLIC}{path[1:]}"
    if found := _OF_FEED.fullmatch(path):
        if found[1] not in FEED_DOCUMENTS:
            return None
        return Place(key, MEDIA_TYPES[found[1]], is_feed=found[1] in FEEDS)
    if found := _OF_SITE.fullmatch(path):
        return Place(key, MEDIA_TYPES[found[1]]) if found[1] in SITE_DOCUMENTS else None
    if _ENTRY.fullmatch(path):
        return Place(key, HTML)
    return Place(key, CSS) if _STYLE.fullmatch(path) else None
