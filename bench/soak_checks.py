"""What a mirror promises, looked at in a store after all that has happened to it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urldefrag, urljoin

import jobs  # noqa: F401 - by it the tests' modules are found

# isort: split
import lxml.html
from lxml import etree
from soak_origin import Feed

from feedmirror.mirror import state_codec
from feedmirror.ports import Store
from history import walk
from rules.disclaimers import disclaimers
from rules.json_feed import json_disclaimers
from scene import FEEDS, PUBLIC_URL

CSS_CLASS = "feedmirror-disclaimer"
WORDS = "A copy that its readers keep."


def problems(store: Store, feeds: list[Feed]) -> Iterator[str]:
    """Each promise that is not kept, in a sentence."""
    for feed in feeds:
        slug = feed.subscription.slug
        yield from _unsettled(store, slug)
        for name in FEEDS:
            yield from _unreachable(store, feed, name)
        if feed.too_early:
            yield f"{slug} was asked {feed.too_early} times before it was allowed"
    yield from _dead_links(store)


def _fetch(store: Store, address: str) -> bytes:
    path = address.removeprefix(f"{PUBLIC_URL}/")
    stored = store.load(f"public/{path}")
    if stored is None:
        raise LookupError(address)
    return stored.body


def _unsettled(store: Store, slug: str) -> Iterator[str]:
    key = f"state/{slug}.json"
    stored = store.load(key)
    if stored is None:
        yield f"{slug} has no state"
        return
    state = state_codec.load(stored.body, key)
    if state.tasks or state.quarantined:
        yield f"{slug} has work left to do"


def _unreachable(store: Store, feed: Feed, name: str) -> Iterator[str]:
    """Entries that are not found by a reader of archives, or found again, or without a notice."""
    slug = feed.subscription.slug
    try:
        chain = walk(lambda address: _fetch(store, address), f"{PUBLIC_URL}/{slug}/{name}")
    except LookupError as error:
        yield f"{slug}: {name} leads to nothing at {error}"
        return
    found = Counter(title for seen in chain for title in seen.titles)
    for number in sorted(feed.promised):
        times = found[f"Entry {number}"]
        if times != 1 and not (times > 1 and number in feed.edits):
            yield f"{slug}: entry {number} is {times} times in the history of {name}"
    for seen in chain:
        body = _fetch(store, seen.address)
        if name == "feed.json":
            bodies = json_disclaimers(body, CSS_CLASS, WORDS)
        else:
            bodies = disclaimers(body, sentence=WORDS)
        if not all(each and set(each.values()) == {1} for each in bodies):
            yield f"{slug}: a body without its notice at {seen.address}"


def _dead_links(store: Store) -> Iterator[str]:
    """Links to the mirror itself, of all that is public, at whose end there is nothing."""
    there = {key.removeprefix("public/") for key in store.keys("public/")}
    for path in sorted(there):
        stored = store.load(f"public/{path}")
        if stored is None or path == "404.html":
            continue
        for link in set(_links(path, stored.body)):
            address = urldefrag(urljoin(f"{PUBLIC_URL}/{path}", link))[0]
            if not address.startswith(f"{PUBLIC_URL}/"):
                continue
            target = address.removeprefix(f"{PUBLIC_URL}/")
            if target.endswith("/") or not target:
                target += "index.html"
            if target not in there:
                yield f"{path} links to {address}, where nothing is"


def _links(path: str, body: bytes) -> Iterator[str]:
    if path.endswith(".html"):
        yield from map(str, lxml.html.fromstring(body).xpath("//@href | //@src"))
    elif path.endswith((".xml", ".opml")):
        root = etree.fromstring(body)
        yield from map(str, root.xpath("//@href | //@htmlUrl | //@xmlUrl"))
    elif path.endswith("feed.json"):
        feed = json.loads(body)
        yield from (feed[name] for name in ("feed_url", "next_url") if name in feed)
