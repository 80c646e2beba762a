"""Routes of the web server: from a URL path to a public document, or to a redirect.

`tests/support/addresses.py` checks that the function in `infra/cdn.yaml` has the same routes.
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

# Only these characters of a path become part of a key or a redirect: no dots, no double slashes.
_NAME = r"[a-z0-9-]+"
_FOLDER = re.compile(rf"/{_NAME}(?:/archive/{_NAME})?")
_FEED = re.compile(rf"(/{_NAME}/)(archive/{_NAME}/)?{_NAME}\.(?:xml|json)")

_OF_SITE = re.compile(r"/([a-z0-9]+\.[a-z]+)")
_STYLE = re.compile(r"/style-[0-9a-f]{8}\.css")
_OF_FEED = re.compile(rf"/{_NAME}/(?:archive/{_NAME}/)?([a-z]+\.[a-z]+)")
_ENTRY = re.compile(rf"/{_NAME}/entries/[0-9a-f]{{16,64}}\.html")


@dataclass(frozen=True, slots=True)
class PublicDocument:
    """Key and media type of a public document, which may not exist."""

    key: str
    media_type: str  # the whole Content-Type
    is_feed: bool = False  # True: a browser that opens it is redirected to a page


@dataclass(frozen=True, slots=True)
class Redirect:
    """Redirect to another path."""

    location: str
    page: str | None = None  # redirect only if this path exists; None: always


def redirect_of(path: str, *, is_navigation: bool) -> Redirect | None:
    """Return the redirect of a path as sent; None if there is none.

    A navigation (a person opens a URL in a browser) leads to a page; feed readers get the feed.
    """
    if _FOLDER.fullmatch(path):
        return Redirect(f"{path}/")  # links on the page are relative to it
    feed = _FEED.fullmatch(path) if is_navigation else None
    if feed is None:
        return None
    folder, archived = feed.groups()
    page = f"{folder}{archived or ''}"
    return Redirect(page if archived else f"{page}#subscribe", page)


def document_at(path: str) -> PublicDocument | None:
    """Return the document at a percent-decoded path; None if this program publishes none there."""
    path = f"{path}{INDEX_HTML}" if path.endswith("/") else path
    key = f"{PUBLIC}{path[1:]}"
    if found := _OF_FEED.fullmatch(path):
        if found[1] not in FEED_DOCUMENTS:
            return None
        return PublicDocument(key, MEDIA_TYPES[found[1]], is_feed=found[1] in FEEDS)
    if found := _OF_SITE.fullmatch(path):
        return PublicDocument(key, MEDIA_TYPES[found[1]]) if found[1] in SITE_DOCUMENTS else None
    if _ENTRY.fullmatch(path):
        return PublicDocument(key, HTML)
    return PublicDocument(key, CSS) if _STYLE.fullmatch(path) else None
