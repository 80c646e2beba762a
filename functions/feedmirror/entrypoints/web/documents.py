"""Public documents of a store in a directory, for the web server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from feedmirror.adapters.stores.directory import DirectoryStore
from feedmirror.entrypoints.web.addresses import PublicDocument, document_at
from feedmirror.layout import FEEDS
from feedmirror.settings.slugs import SLUG


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """Public document read from the store."""

    document: PublicDocument
    body: bytes
    etag: str  # quoted
    modified_s: int  # seconds since 1970


class Documents:
    """Public documents of one store. Ignores all other files below `public/`."""

    def __init__(self, store: Path) -> None:
        self._root = store
        self._store = DirectoryStore(store)

    def feeds(self) -> list[str]:
        """List the paths of all feeds in the store: `/SLUG/NAME`."""
        try:
            names = sorted(folder.name for folder in (self._root / "public").iterdir())
        except OSError:  # the folder does not exist yet
            return []
        paths = (f"/{slug}/{name}" for slug in filter(SLUG.fullmatch, names) for name in FEEDS)
        return [path for path in paths if self.has(path)]

    def has(self, path: str) -> bool:
        """True if there is a document at the path."""
        document = document_at(path)
        return document is not None and self._modified_s(document.key) is not None

    def find(self, path: str) -> StoredDocument | None:
        """Read the document at the path; None if there is none. Raises: StoreError."""
        document = document_at(path)  # rejects dots and double slashes
        if document is None:
            return None
        # Read before the body: if the document is replaced in between, its date is too old, which
        # costs one needless request; a date too new would hide the change.
        modified_s = self._modified_s(document.key)
        stored = self._store.load(document.key) if modified_s is not None else None
        if stored is None or modified_s is None:
            return None
        return StoredDocument(document, stored.body, f'"{stored.etag}"', modified_s)

    def _modified_s(self, key: str) -> int | None:
        """Return the time of the last change; None without such a file, or with a symbolic link on
        its path.
        """
        *folders, name = key.split("/")
        way = self._root
        try:
            for folder in folders:
                way /= folder
                if not S_ISDIR(way.lstat().st_mode):
                    return None
            found = (way / name).lstat()
        except OSError:
            return None
        return int(found.st_mtime) if S_ISREG(found.st_mode) else None
