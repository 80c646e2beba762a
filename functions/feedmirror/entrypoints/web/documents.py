"""Public documents of a store in a directory, by the paths of their URLs.

`tests/support/addresses.py` checks that the function in `infra/cdn.yaml` has the same routes.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from pathlib import Path
from stat import S_ISREG

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.adapters.stores.directory import DirectoryStore
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
from feedmirror.site import published_url

# Only these characters of a path become part of a key or a redirect: no dots, no double slashes.
_NAME = r"[a-z0-9-]+"
_FOLDER = re.compile(rf"/{_NAME}(?:/archive/{_NAME})?")
_FEED = re.compile(rf"(/{_NAME}/)(archive/{_NAME}/)?{_NAME}\.(?:xml|json)")
_OF_SITE, _OF_FEED = ("|".join(map(re.escape, names)) for names in (SITE_DOCUMENTS, FEED_DOCUMENTS))
_DOCUMENT = re.compile(
    rf"/(?:{_OF_SITE}|style-[0-9a-f]{{8}}\.css|{_NAME}/entries/[0-9a-f]{{16,64}}\.html"
    rf"|{_NAME}/(?:archive/{_NAME}/)?(?:{_OF_FEED}))"
)


class PublicDocument(Struct, frozen=True):
    """Public document read from the store."""

    key: str
    body: bytes
    etag: str  # quoted
    modified_s: int  # seconds since 1970

    @property
    def media_type(self) -> str:
        """The whole Content-Type."""
        other = CSS if self.key.endswith(".css") else HTML
        return MEDIA_TYPES.get(self.key.rpartition("/")[2], other)

    def at(self, base: str, published: str) -> PublicDocument:
        """Return the document with addresses below `base` in place of those below `published`."""
        body = self.body.replace(f"{published}/".encode(), f"{base}/".encode())
        if base == published or body == self.body:
            return self
        mark = blake2b(base.encode(), digest_size=4).hexdigest()
        return replace(self, body=body, etag=f'{self.etag[:-1]}-{mark}"')

    @property
    def is_feed(self) -> bool:
        """True if a browser that opens the document is redirected to a page."""
        return self.key.endswith(FEEDS)


class Documents:
    """Public documents of one store. Ignores all other files below `public/`."""

    def __init__(self, store: Path) -> None:
        self._root = store.resolve()
        self._store = DirectoryStore(store)

    def feeds(self) -> list[str]:
        """List the paths of all feeds in the store: `/SLUG/NAME`. Raises: StoreError."""
        paths = (f"/{slug}/{name}" for slug in self._store.folders(PUBLIC) for name in FEEDS)
        return [path for path in paths if self._has(path)]

    def redirect(self, path: str, *, is_navigation: bool) -> str | None:
        """Return the path that a path, as sent, is redirected to; None if there is none.

        A navigation (a person opens a URL in a browser) leads to a page, if there is one; feed
        readers get the feed.
        """
        if _FOLDER.fullmatch(path):
            return f"{path}/"  # links on the page are relative to it
        feed = _FEED.fullmatch(path) if is_navigation else None
        if feed is None:
            return None
        folder, archived = feed.groups("")
        if not self._has(page := f"{folder}{archived}"):
            return None
        return page if archived else f"{page}#subscribe"

    def find(self, path: str) -> PublicDocument | None:
        """Read the document at a percent-decoded path; None without one. Raises: StoreError."""
        key = _key_at(path)  # none with dots or double slashes
        # Read before the body: if the document is replaced in between, its date is too old, which
        # costs one needless request; a date too new would hide the change.
        modified_s = self._modified_s(key) if key else None
        stored = self._store.load(key) if key and modified_s is not None else None
        if key is None or stored is None or modified_s is None:
            return None
        return PublicDocument(key, stored.body, f'"{stored.etag}"', modified_s)

    def published_url(self) -> str | None:
        """Return the address that the documents were published for; None if it is not known."""
        return published_url(self._store)

    def _has(self, path: str) -> bool:
        key = _key_at(path)
        return key is not None and self._modified_s(key) is not None

    def _modified_s(self, key: str) -> int | None:
        """Return the time of the last change; None without such a file, or with a symbolic link on
        its path.
        """
        path = self._root / key
        try:
            found = path.lstat()
            is_linked = path.resolve() != path
        except (OSError, RuntimeError):  # RuntimeError: links in a circle
            return None
        return int(found.st_mtime) if S_ISREG(found.st_mode) and not is_linked else None


def _key_at(path: str) -> str | None:
    """Return the key of the document at a path; None if this program publishes none there."""
    path = f"{path}{INDEX_HTML}" if path.endswith("/") else path
    return f"{PUBLIC}{path[1:]}" if _DOCUMENT.fullmatch(path) else None
