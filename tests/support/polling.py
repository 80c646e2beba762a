"""A reader who polls throughout: looks at whatever is public the moment it is there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urldefrag, urljoin

import pytest

from feedmirror.publishing.formats.format import stamped
from history import read
from scene import PUBLIC_URL
from stores import MemoryStore, _Around

T = TypeVar("T")

_OF_THE_SITE = {"index.html", "feeds.opml", "removed.html", "status.json"}  # another writer's
_HREF = re.compile(r'(?:href|src)="([^"]*)"')


class Reader(_Around):
    """A store whose public objects are whole, lead nowhere in vain and never become older.

    `judge` gets the key and the bytes of each as well, to find more fault with it.
    """

    def __init__(
        self, inner: MemoryStore, judge: Callable[[str, bytes], None] = lambda key, body: None
    ) -> None:
        super().__init__(inner)
        self.objects = inner.objects
        self.looked = 0
        self._judge = judge
        self._generations: dict[str, int] = {}
        self._reached: set[str] = set()
        self._with_entries: set[str] = set()

    def _pass(self, operation: str, key: str, perform: Callable[[], T]) -> T:
        done = perform()
        if operation in {"create", "replace"} and key.startswith("public/") and done:
            try:
                self.look(key)
            except AssertionError as error:
                # No `Exception`: the program contains those, and takes them for faults of its own.
                pytest.fail(str(error))
        return done

    def look(self, key: str) -> None:
        """Raises: AssertionError if a reader would be right to complain."""
        self.looked += 1
        body = self.objects[key]
        if key.endswith((".xml", ".json")) and key.count("/") > 1:
            has_entries = bool(read(body, key).titles)
            is_archive = key.count("/") > 2
            assert has_entries or not (is_archive or key in self._with_entries), f"{key} is empty"
            self._with_entries |= {key} if has_entries else set()
        self._follow(key)
        generation = stamped(body).generation
        assert generation >= self._generations.get(key, 0), f"{key} went back to an older one"
        self._generations[key] = generation
        self._judge(key, body)

    def look_at_all(self) -> None:
        """As if all of it had just come to be there. Raises: AssertionError, as `look`."""
        self._reached.clear()
        for key in sorted(self.objects):
            if key.startswith("public/"):
                self.look(key)

    def _follow(self, key: str) -> None:
        """Whatever readers come to is there: what nothing leads to yet may not be finished."""
        page = f"{'/'.join(key.split('/')[:2])}/index.html"
        if key.count("/") > 1 and page not in self.objects:
            return  # of a first mirror, whose page is written last, nobody knows yet
        waiting = [key] if key in self._reached or _is_entrance(key) else []
        if key == page not in self._reached:
            folder = page.removesuffix("index.html")
            waiting = [k for k in self.objects if k.startswith(folder) and _is_entrance(k)]
        self._reached.update(waiting)
        while waiting:
            of = waiting.pop()
            address = f"{PUBLIC_URL}/{of.removeprefix('public/')}"
            for path in links(self.objects[of], address):
                target = f"public/{path}"
                if path in _OF_THE_SITE or target in self._reached:
                    continue
                assert target in self.objects, f"{of} leads to {path}, where nothing is"
                self._reached.add(target)
                waiting.append(target)


def _is_entrance(key: str) -> bool:
    """Whether readers have its address from elsewhere."""
    return key.count("/") <= 2


@lru_cache(maxsize=10_000)
def links(body: bytes, address: str) -> tuple[str, ...]:
    """Where it leads within the mirror: paths of what is served there."""
    targets = (urldefrag(urljoin(address, href))[0] for href in _hrefs(body, address))
    paths = (
        target.removeprefix(f"{PUBLIC_URL}/")
        for target in targets
        if target.startswith(f"{PUBLIC_URL}/")
    )
    return tuple(f"{path}index.html" if path.endswith("/") or not path else path for path in paths)


def _hrefs(body: bytes, address: str) -> Iterator[str]:
    if not address.endswith(".json"):
        yield from _HREF.findall(body.decode())
        return
    told: dict[str, Any] = json.loads(body)
    yield from (told[name] for name in ("feed_url", "next_url") if name in told)
