"""A reader of archived feeds, of the tests' own making: from the newest entries to the oldest.

It knows RFC 5005 and JSON Feed 1.1, and nothing of how feedmirror lays things out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from xml.etree import ElementTree as ET

ATOM = "{http://www.w3.org/2005/Atom}"
HISTORY = "{http://purl.org/syndication/history/1.0}"

_RELATIONS = {"self", "current", "prev-archive", "next-archive"}

Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True, eq=False)  # `read` gives the same one each time
class Seen:
    """A document on the way."""

    address: str
    ids: tuple[str, ...]  # of its entries, in its order
    titles: tuple[str, ...]
    words: tuple[str, ...]  # all that each of them says, its markup included
    links: dict[str, str]  # by relation; those to its own kind alone
    is_archive: bool


def walk(fetch: Fetch, address: str) -> list[Seen]:
    """All documents from the one at that address backwards. Raises: what `fetch` does."""
    found: list[Seen] = []
    following: str | None = address
    while following is not None:
        assert following not in {seen.address for seen in found}, f"a circle at {following}"
        found.append(read(fetch(following), following))
        following = found[-1].links.get("prev-archive")
    return found


@lru_cache(maxsize=10_000)  # those who look after every step see most documents again
def read(body: bytes, address: str) -> Seen:
    """What one document says."""
    if address.endswith(".json"):
        return _json(body, address)
    root = ET.fromstring(body)
    channel = root.find("channel")
    return _atom(root, address) if channel is None else _rss(channel, address)


def _rss(channel: ET.Element, address: str) -> Seen:
    items = channel.findall("item")
    return Seen(
        address,
        tuple(item.findtext("guid") or "" for item in items),
        tuple(item.findtext("title") or "" for item in items),
        tuple("".join(item.itertext()) for item in items),
        _links(channel, "application/rss+xml"),
        channel.find(f"{HISTORY}archive") is not None,
    )


def _atom(root: ET.Element, address: str) -> Seen:
    entries = root.findall(f"{ATOM}entry")
    return Seen(
        address,
        tuple(entry.findtext(f"{ATOM}id") or "" for entry in entries),
        tuple(entry.findtext(f"{ATOM}title") or "" for entry in entries),
        tuple("".join(entry.itertext()) for entry in entries),
        _links(root, "application/atom+xml"),
        root.find(f"{HISTORY}archive") is not None,
    )


def _links(parent: ET.Element, kind: str) -> dict[str, str]:
    own = [link for link in parent.findall(f"{ATOM}link") if link.get("rel") in _RELATIONS]
    links = [(link.get("rel") or "", link.get("href") or "") for link in own]
    assert all(link.get("type") == kind for link in own)
    assert len(dict(links)) == len(links), f"two links of a sort: {links}"
    return dict(links)


def _json(body: bytes, address: str) -> Seen:
    feed = json.loads(body)
    links = {"self": feed["feed_url"]}
    if "next_url" in feed:
        links["prev-archive"] = feed["next_url"]
    return Seen(
        address,
        tuple(item["id"] for item in feed["items"]),
        tuple(item.get("title", "") for item in feed["items"]),
        tuple(str(item) for item in feed["items"]),
        links,
        False,
    )
