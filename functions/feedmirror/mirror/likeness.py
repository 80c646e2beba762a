"""Likeness to entries that were taken down: what their origin lists again under another GUID.

Compared are keyed digests of links and of texts of 20 words or more, so nothing that is stored says
what an entry said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from hashlib import blake2b

from feedmirror.mirror.comparison import compared, compared_words
from feedmirror.model import Entry

_LEAST_WORDS = 20  # a shorter text may be that of many entries


def likenesses(entry: Entry, secret: bytes, shared_links: Set[str]) -> tuple[str, ...]:
    """Return the digests by which an entry is known again, made with the secret of the store.

    `shared_links` are links, in the form that is compared, that say nothing of an entry: of the
    feed itself, or of several entries.
    """
    return tuple(dict.fromkeys(_digest(text, secret) for text in _compared(entry, shared_links)))


def _compared(entry: Entry, shared_links: Set[str]) -> Iterator[str]:
    link = compared(entry.link or "")
    if link and link not in shared_links:
        yield f"link {link}"
    for body in (entry.summary, entry.content):
        words = compared_words(body).casefold().split()
        if len(words) >= _LEAST_WORDS:
            yield f"text {' '.join(words)}"


def shared_links(entries: Iterable[Entry], *own: str | None) -> frozenset[str]:
    """Return the links that several of the entries have, and the feed's `own`."""
    seen: set[str] = set()
    shared = {compared(link) for link in own if link}
    for entry in entries:
        link = compared(entry.link or "")
        (shared if link in seen else seen).add(link)
    return frozenset(shared)


def _digest(text: str, secret: bytes) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=secret).hexdigest()
