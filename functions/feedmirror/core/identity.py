"""What makes two entries the same one, and whether one has changed for its readers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from feedmirror.core.iri import urn_of
from feedmirror.core.uri import is_web
from feedmirror.model import Entry, Identity, Item


@dataclass(frozen=True, slots=True)
class Identified:
    """An item with its identity."""

    index: int  # into the document's items
    key: str  # digest of the identity; no byte of the origin's becomes part of a key
    guid: str  # the id it is published under
    guid_is_permalink: bool


def identify(
    items: Sequence[Item],
    entries: Mapping[int, Entry],
    mode: Identity,
    known: Collection[str],
    links: Mapping[str, str | None],
) -> tuple[Identified, ...]:
    """The items of one document that are entries of their own, in document order.

    Of exact repeats the first counts. Items that share a guid but differ in link are several
    entries: one keeps the guid, the others get one derived from guid and link. Which one keeps it
    is settled by `links` (raw links by key, of entries in the window) and `known` (keys ever seen),
    so that it is the same whatever the order. Items that only their content could identify and
    that are not in `entries` are left out: they were seen before.
    """
    keepers = _keepers(items, known, links) if mode is Identity.GUID else {}
    found: dict[str, Identified] = {}
    for index, item in enumerate(items):
        one = _identified(index, item, entries.get(index), mode, keepers)
        if one is not None:
            found.setdefault(one.key, one)
    return tuple(found.values())


def _identified(
    index: int, item: Item, entry: Entry | None, mode: Identity, keepers: Mapping[str, str | None]
) -> Identified | None:
    name, permalink = identifier_of(item, mode), False
    if name is None:
        if entry is None:
            return None
        key = _digest("content", entry.title or "", _visible(entry.content or entry.summary))
        return Identified(index, key, urn_of(key), guid_is_permalink=False)
    key = guid_key(name)
    if mode is Identity.GUID and item.guid:
        guid = item.guid
        permalink = bool(entry and entry.guid_is_permalink) and is_web(guid)
    else:
        guid = (entry and entry.link) or urn_of(key)
        permalink = is_web(guid)
    if keepers.get(name, item.link) != item.link:
        key = guid_and_link_key(name, item.link)
        return Identified(index, key, f"{guid}#{key[:12]}", guid_is_permalink=False)
    return Identified(index, key, guid, permalink)


def identifier_of(item: Item, mode: Identity) -> str | None:
    """The guid, or the link as if it were that: it is, of many entries, and no two may be public
    under the same one. None if only its content can identify the item.
    """
    if mode is Identity.GUID and item.guid:
        return item.guid
    return (item.link or None) if mode is not Identity.CONTENT else None


def guid_key(guid: str) -> str:
    """The key of the entry that a guid names."""
    return _digest("guid", guid)


def guid_and_link_key(guid: str, link: str | None) -> str:
    """The key of an entry whose guid another entry of the same document uses too."""
    return _digest("guid+link", guid, link or "")


def _keepers(
    items: Sequence[Item], known: Collection[str], links: Mapping[str, str | None]
) -> dict[str, str | None]:
    """For each guid that stands with several links: the link of the entry that keeps it."""
    groups: dict[str, dict[str | None, None]] = {}  # ordered sets: a list would be searched
    for item in items:
        name = identifier_of(item, Identity.GUID)
        if name:
            groups.setdefault(name, {})[item.link] = None
    return {
        guid: _keeper(guid, list(group), known, links)
        for guid, group in groups.items()
        if len(group) > 1
    }


def _keeper(
    guid: str, group: list[str | None], known: Collection[str], links: Mapping[str, str | None]
) -> str | None:
    remembered = links.get(guid_key(guid))
    if remembered in group:
        return remembered
    free = [link for link in group if guid_and_link_key(guid, link) not in known]
    return (free or group)[0]


def _digest(*parts: str) -> str:
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(joined, digest_size=16).hexdigest()


_TRACKING = re.compile(
    r"(?<=[?&])(?:utm_\w+|at_\w+|mc_[ce]id|fbclid|gclid|dclid|msclkid|igshid|yclid|cmpid|ns_\w+"
    r"|wt_mc|__twitter_impression)=[^&#]*&?",
    re.IGNORECASE,
)
_QUERY_IN_MARKUP = re.compile(r"((?:src|href|srcset|poster)=\"[^\"?]*)\?[^\"]*")


def revision_digest(entry: Entry) -> str:
    """A digest of what a reader sees: title, link, bodies, enclosures.

    Not of dates, tracking parameters, signatures in addresses, or other vocabularies: a change in
    those is no revision.
    """
    link = _TRACKING.sub("", entry.link or "").rstrip("?&")
    enclosures = (f"{e.url.partition('?')[0]} {e.media_type}" for e in entry.enclosures)
    return _digest(
        "revision",
        " ".join((entry.title or "").split()),
        link,
        _visible(entry.summary),
        _visible(entry.content),
        *enclosures,
    )


def _visible(body: str | None) -> str:
    return " ".join(_QUERY_IN_MARKUP.sub(r"\1", body).split()) if body else ""
