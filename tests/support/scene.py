"""A refresh on a stage: an origin that says what it is told to, a clock that stands still."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import ClassVar

from msgspec.structs import replace

from builders import entry, rss_document
from feedmirror.errors import FeedError
from feedmirror.layout import DEPLOYMENTS
from feedmirror.mirror.deployment import Deployment
from feedmirror.model import (
    Entry,
    Fetched,
    Gone,
    NotModified,
    Outcome,
    ParsedFeed,
    Subscription,
    Validators,
)
from feedmirror.ports import DocumentParser, Located, Store, World
from feedmirror.refresh import refresh
from history import Seen, walk
from parsers import InProcessParser
from stores import MemoryStore

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
URL = "https://news.example.org/rss"
SUBSCRIPTION = Subscription("news", URL, keep=5)
PUBLIC_URL = "https://mirror.example.net"
FEEDS = ("atom.xml", "feed.json", "rss.xml")  # what subscribers read
DOCUMENTS = (*FEEDS, "index.html")  # of every feed, in the order they are written in
_calls = count(10**11)
Answer = bytes | Fetched | NotModified | Gone | FeedError


def newest() -> Deployment:
    """A deploy that is newer than all before."""
    return Deployment(next(_calls), configured_at=NOON)


def but_number(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """The contents of a store but for the number of its last rebuild."""
    numbered = re.compile(rb'"deployment":{"number":[0-9]+')
    return {
        key: numbered.sub(b"", body) if key.startswith("state/") else body
        for key, body in contents.items()
        if key != DEPLOYMENTS
    }


class StagedOrigin:
    """The `Origin` that answers with what was put in `answers`, by address; bytes mean a 200.

    A document that was asked for with its own ETag answers 304.
    """

    def __init__(self, answers: Mapping[str, Answer | Callable[[], Answer]]) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []

    def fetch(
        self, subscription: Subscription, url: str, validators: Mapping[str, Validators]
    ) -> Fetched | NotModified | Gone:
        self.asked.append(url)
        answer = self.answers[url]
        if callable(answer):
            answer = answer()
        if isinstance(answer, FeedError):
            raise answer
        if isinstance(answer, bytes):
            etag = f'"{hash(answer):x}"'
            known = validators.get(url)
            if known and known.etag == etag:
                return NotModified(url)
            return Fetched(url, answer, "application/rss+xml", validators=Validators(etag))
        return answer


class RememberingParser:
    """The real parser, asked once for each document: sweeps parse the same few a thousand times."""

    _memory: ClassVar[dict[tuple[Fetched, frozenset[str]], ParsedFeed]] = {}

    def parse(self, fetched: Fetched, known: Set[str]) -> ParsedFeed:
        question = (fetched, frozenset(known))
        if question not in self._memory:
            self._memory[question] = InProcessParser().parse(fetched, known)
        return self._memory[question]

    def reread(self, stored: Sequence[Located]) -> Sequence[Entry | str]:
        return InProcessParser().reread(stored)


class Scene:
    """One feed, one store, one origin, one clock."""

    def __init__(
        self,
        document: Answer,
        store: Store | None = None,
        subscription: Subscription = SUBSCRIPTION,
        parser: DocumentParser | None = None,
    ) -> None:
        self.store = store if store is not None else MemoryStore()
        self.subscription = subscription
        self.origin = StagedOrigin({subscription.url: document})
        self.parser = parser or RememberingParser()
        self.now = NOON
        self.deployment: Callable[[], Deployment] = lambda: Deployment(self.deploys)
        self.deploys = 1

    def says(self, document: Answer) -> None:
        """The origin's answer from now on."""
        self.origin.answers[self.subscription.url] = document

    def later(self, **delta: float) -> None:
        """Time goes by."""
        self.now += timedelta(**delta)

    def configure(self, **changes: object) -> None:
        """The operator edits the subscription."""
        self.subscription = replace(self.subscription, **changes)
        self.deploys += 1

    def world(self, store: Store | None = None) -> World:
        return World(
            store if store is not None else self.store,
            self.origin,
            self.parser,
            lambda: self.now,
            PUBLIC_URL,
            self.deployment,
        )

    def refresh(self, *, scheduled: bool = False, store: Store | None = None) -> Outcome:
        return refresh(self.subscription, self.world(store), scheduled=scheduled)

    def begin_anew(self) -> Outcome:
        """Refresh with no state and no records of the feed; restore its records after that."""
        objects: dict[str, bytes] = self.store.objects  # type: ignore[attr-defined]
        lost = {key: objects.pop(key) for key in list(objects) if not key.startswith("public/")}
        outcome = self.refresh()
        objects.update({key: body for key, body in lost.items() if "/entries/" in key})
        return outcome

    def public(self, name: str = "rss.xml") -> str:
        """The document that subscribers get."""
        stored = self.store.load(f"public/{self.subscription.slug}/{name}")
        assert stored is not None, "nothing is public"
        return stored.body.decode()

    def fetch(self, address: str) -> bytes:
        """What is served at an address of the mirror's."""
        path = address.removeprefix(f"{PUBLIC_URL}/")
        assert path != address, f"{address} is not the mirror's"
        stored = self.store.load(f"public/{path}")
        assert stored is not None, f"nothing is at {address}"
        return stored.body

    def history(self, name: str = "rss.xml") -> list[Seen]:
        """The documents of a format that a reader of archives finds, newest first."""
        return walk(self.fetch, f"{PUBLIC_URL}/{self.subscription.slug}/{name}")

    def archived(self, name: str = "rss.xml") -> list[str]:
        """The titles of the archived entries, newest first."""
        return [title for seen in self.history(name)[1:] for title in seen.titles]


def records_in(store: Store) -> list[str]:
    """The keys of all records of entries."""
    return [key for key in store.keys("data/") if "/entries/" in key]


def document(*numbers: int, title: str = "Example News", **changes: object) -> bytes:
    """A feed of the entries with these numbers; `e3="text"` gives number 3 that body."""
    bodies = {int(name[1:]): body for name, body in changes.items()}
    entries = [
        entry(number, **({"summary": bodies[number]} if number in bodies else {}))
        for number in numbers
    ]
    return rss_document(entries, title=title)
