"""The public documents of a store in a directory, for the web server: found, or not there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from feedmirror.adapters.stores.directory import DirectoryStore
from feedmirror.entrypoints.web.addresses import Place, place_of
from feedmirror.layout import FEEDS
from feedmirror.settings.slugs import SLUG


@dataclass(frozen=True, slots=True)
class Found:
    """A public document as it is in the store."""

    place: Place
    body: bytes
    etag: str  # quoted
    modified_s: int  # since 1970


class Documents:
    """Those that have a name of ours, in folders of ours."""

    def __init__(self, store: Path) -> None:
        self._root = store
        self._store = DirectoryStore(store)

    def feeds(self) -> list[str]:
        """The paths of all documents to subscribe to that are there now: `/SLUG/NAME`."""
        try:
            names = sorted(folder.name for folder in (self._root / "public").iterdir())
        except OSError:  # there is no such folder yet
            return []
        paths = (f"/{slug}/{name}" for slug in filter(SLUG.fullmatch, names) for name in FEEDS)
        return [path for path in paths if self.has(path)]

    def has(self, path: str) -> bool:
        """Whether there is a document at the path."""
        place = place_of(path)
        return place is not None and self._modified_s(place.key) is not None

    def find(self, path: str) -> Found | None:
        """The document at the path, or None. Raises: StoreError."""
        place = place_of(path)  # dots, slashes and links elsewhere have no way in
        if place is None:
            return None
        # Looked up before the body is read: a document that is replaced in between then has a
        # date that is too old, and is asked for once too often rather than once too rarely.
        modified_s = self._modified_s(place.key)
        stored = self._store.load(place.key) if modified_s is not None else None
        if stored is None or modified_s is None:
            return None
        return Found(place, stored.body, f'"{stored.etag}"', modified_s)

    def _modified_s(self, key: str) -> int | None:
        """When it last changed, or None where there is no such file, or a symbolic link on the
        way.
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
