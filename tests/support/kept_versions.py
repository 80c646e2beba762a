"""A store in memory that keeps earlier versions, as a bucket does, for sweeps over many runs.

What S3 makes of the same requests, `test_takedown.py` shows with moto.
"""

from __future__ import annotations

from collections.abc import Iterator

from feedmirror.ports import Purged
from stores import MemoryStore


class KeepingStore(MemoryStore):
    """Keeps what is replaced, and is the `Versions` of its own objects."""

    def __init__(self) -> None:
        super().__init__()
        self.replaced: list[tuple[str, bytes]] = []  # keys and bodies, the earliest first

    def _put(self, key: str, body: bytes, media_type: str) -> str:
        if key in self.objects:
            self.replaced.append((key, self.objects[key]))
        return super()._put(key, body, media_type)

    def purge(self, prefix: str) -> Purged:
        return self._dropped(prefix, or_current=False)

    def delete(self, prefix: str) -> Purged:
        return self._dropped(prefix, or_current=True)

    def earlier(self, prefix: str) -> Iterator[tuple[str, str, bytes]]:
        for number, (key, body) in enumerate(self.replaced):
            if _is_below(key, prefix):
                yield key, str(number), body

    def _dropped(self, prefix: str, *, or_current: bool) -> Purged:
        with self._lock:
            kept = [one for one in self.replaced if not _is_below(one[0], prefix)]
            deleted = len(self.replaced) - len(kept)
            self.replaced = kept
            for key in list(self.objects) if or_current else ():
                if _is_below(key, prefix):
                    del self.objects[key]
                    deleted += 1
        return Purged(deleted)


def _is_below(key: str, prefix: str) -> bool:
    return key.startswith(prefix) if prefix.endswith("/") else key == prefix
