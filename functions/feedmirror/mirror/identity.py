"""Identity of entries: the key of each item of a document.

An entry is identified by its GUID or id, or by its link where it has none. An identifier that
stands for several entries is ambiguous: its items are identified by identifier and link, and where
these repeat, by identifier, title, words and enclosures. The first owner keeps its key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from feedmirror.mirror.comparison import (
    compared,
    compared_words,
    contents_digest,
    digest,
    revision_digest,
    shares_words,
)
from feedmirror.model import Entry, Identity, Item, Revision
from feedmirror.text.urls import is_web, urn_of

_LATER = timedelta(hours=1)  # an entry with a known identifier may be another one if it is newer


class Identified(Struct, frozen=True):
    """An item that was read, with its identity."""

    index: int  # into the document's items
    key: str  # digest of the identity; no byte of the origin's becomes part of a key
    guid: str  # the id it is to be published under if it is new
    guid_is_permalink: bool


class Identities(Struct, frozen=True):
    """The keys of a document's items."""

    found: tuple[Identified, ...]  # items that were read, one for each entry, in document order
    keys: Mapping[int, str]  # of all items that belong to an entry, by index
    ambiguous: tuple[str, ...]  # keys that stand for more than one entry since this document


class Memory(Struct, frozen=True):
    """The entries known from earlier documents."""

    items: Mapping[str, str] = field(default_factory=dict)  # keys by fingerprint of their item
    seen: Mapping[str, str] = field(default_factory=dict)  # digests of revisions by key
    ambiguous: Collection[str] = ()  # keys
    recall: Callable[[str], Revision | None] = lambda _: None


def identifier_of(item: Item, entry: Entry | None, mode: Identity) -> str | None:
    """Return the GUID, or the link as if it were that, in the form that is compared; None if only
    its content can identify the item.
    """
    if mode is Identity.GUID and item.guid and item.guid.strip():
        return compared(item.guid)
    link = _link(item, entry) if mode is not Identity.CONTENT else None
    return compared(link) if link else None


def guid_key(identifier: str) -> str:
    """Return the key of the entry that had an identifier first."""
    return digest("guid", compared(identifier))


def guid_and_link_key(identifier: str, link: str | None) -> str:
    """Return the key of a later entry, if no other has its identifier and its link."""
    return digest("guid+link", compared(identifier), compared(link or ""))


def guid_and_contents_key(identifier: str, link: str | None, entry: Entry) -> str:
    """Return the key of a later entry that nothing but its contents tells from others."""
    return digest(
        "guid+contents", compared(identifier), compared(link or ""), contents_digest(entry)
    )


def ambiguous_keys(revision: Revision, mode: Identity) -> tuple[str, ...]:
    """Return the keys that a stored entry shows to be ambiguous, since it has none of them."""
    entry = revision.entry
    name = identifier_of(Item("", entry.guid, entry.link), entry, mode)
    if name is None or mode is not Identity.GUID:
        return ()
    keys = (guid_key(name), guid_and_link_key(name, entry.link))
    return keys[: keys.index(revision.key)] if revision.key in keys else keys


def identify(
    items: Sequence[Item], entries: Mapping[int, Entry], mode: Identity, memory: Memory
) -> Identities:
    """Return the identities of a document's items.

    Items that are remembered are who they were. Of items that say the same under one identifier
    the one with the latest date counts.
    """
    keys = {
        index: memory.items[item.fingerprint]
        for index, item in enumerate(items)
        if item.fingerprint in memory.items
    }
    work = _Identification(mode, memory, keys)
    groups: dict[str | None, list[_Candidate]] = {}
    for index, entry in entries.items():
        if index not in keys:
            name = identifier_of(items[index], entry, mode)
            groups.setdefault(name, []).append(_Candidate(index, items[index], entry, name or ""))
    for name, candidates in groups.items():
        if name is None:
            work.by_contents(candidates)
        elif mode is Identity.GUID:
            work.by_guid(candidates)
        else:
            work.emit(candidates[0], guid_key(name), candidates)
    found = tuple(sorted(work.found.values(), key=lambda one: one.index))
    return Identities(found, keys, tuple(work.ambiguous))


class _Candidate:
    """An item whose identity is to be found."""

    def __init__(self, index: int, item: Item, entry: Entry, name: str) -> None:
        self.index = index
        self.item = item
        self.entry = entry
        self.name = name
        self.link = compared(_link(item, entry) or "")
        self._contents: str | None = None

    @property
    def contents(self) -> str:
        """Digest of title, words and enclosures."""
        if self._contents is None:
            self._contents = contents_digest(self.entry)
        return self._contents

    def says_the_same_as(self, revision: Revision) -> bool:
        """True if the two differ at most in dates and other particulars."""
        same_link = self.link == compared(revision.entry.link or "")
        return same_link and self.contents == contents_digest(revision.entry)

    def is_another_than(self, revision: Revision) -> bool:
        """True if the entry, with the same identifier, cannot be an edit of the revision."""
        ours, theirs = _date(self.entry), _date(revision.entry)
        if ours is None or theirs is None or ours <= theirs + _LATER:
            return False
        titles = [(one.title or "").casefold().split() for one in (self.entry, revision.entry)]
        return titles[0] != titles[1] and not shares_words(self.entry, revision.entry)


class _Identification:
    """Identifies the items of a document that were parsed."""

    def __init__(self, mode: Identity, memory: Memory, keys: dict[int, str]) -> None:
        self.found: dict[str, Identified] = {}  # by key
        self.ambiguous: dict[str, None] = {}  # an ordered set
        self._mode = mode
        self._memory = memory
        self._keys = keys
        self._taken = set(keys.values())  # by items that are as they were

    def emit(self, one: _Candidate, key: str, same: Iterable[_Candidate] = ()) -> None:
        """Record the key of an item, and of the items in `same`, which say the same."""
        for other in (one, *same):
            self._keys[other.index] = key
        if key not in self._taken:
            guid, permalink = _published(one, key, self._mode)
            self.found[key] = Identified(one.index, key, guid, permalink)

    def by_contents(self, candidates: Sequence[_Candidate]) -> None:
        """Identify items that have neither GUID nor link."""
        for one in candidates:
            entry = one.entry
            body = compared_words(entry.content or entry.summary)
            enclosures = (enclosure.url for enclosure in entry.enclosures)
            self.emit(one, digest("content", entry.title or "", body, *enclosures))

    def by_guid(self, candidates: Sequence[_Candidate]) -> None:
        """Identify items that have one identifier in common."""
        variants: dict[tuple[str, str], list[_Candidate]] = {}
        for one in candidates:
            variants.setdefault((one.link, one.contents), []).append(one)
        # The last of equal dates would depend on the order, which may change.
        latest = [max(same, key=_latest) for same in variants.values()]
        same_as = {one.index: same for one, same in zip(latest, variants.values(), strict=True)}
        key = guid_key(candidates[0].name)
        for one, its_key in self._resolved(latest, key):
            self.emit(one, its_key, same_as[one.index])

    def _resolved(self, variants: list[_Candidate], key: str) -> Iterable[tuple[_Candidate, str]]:
        """Yield each with its key, `key` being that of the entry that had the identifier first."""
        is_known = key in self._memory.seen or key in self._taken
        if len(variants) == 1 and key not in self._taken and not self._is_ambiguous(key):
            as_it_was = self._memory.seen.get(key) == revision_digest(variants[0].entry)
            owner = self._memory.recall(key) if is_known and not as_it_was else None
            if owner is None or not variants[0].is_another_than(owner):
                yield variants[0], key
                return
        owner = self._memory.recall(key) if is_known else None
        first = self._first(variants, key, owner)
        if first is not None:
            yield first, key
        others = [one for one in variants if one is not first]
        if not others:
            return
        self.ambiguous[key] = None
        links = Counter(one.link for one in variants)
        if owner is not None and first is None:
            links[compared(owner.entry.link or "")] += 1
        for one in others:
            yield one, self._later_key(one, repeats=links[one.link] > 1)

    def _first(
        self, variants: Sequence[_Candidate], key: str, owner: Revision | None
    ) -> _Candidate | None:
        """Return the one that has had the identifier first, or None if none of them has."""
        if owner is not None:
            for one in variants:
                if one.says_the_same_as(owner):
                    return one
        if key in self._taken or (key in self._memory.seen and owner is None):
            return None
        if owner is None:  # nobody has had it before
            fresh = [one for one in variants if not self._had_later_key(one)]
            return None if self._is_ambiguous(key) else (fresh or variants)[0]
        link = compared(owner.entry.link or "")
        its_link = [one for one in variants if one.link == link]
        later = guid_and_link_key(variants[0].name, link)
        if len(its_link) != 1 or self._is_ambiguous(later) or its_link[0].is_another_than(owner):
            return None
        return its_link[0]

    def _had_later_key(self, one: _Candidate) -> bool:
        seen = self._memory.seen
        return guid_and_link_key(one.name, one.link) in seen or self._contents_key(one) in seen

    def _later_key(self, one: _Candidate, *, repeats: bool) -> str:
        """Return the key of an entry whose identifier another one had first."""
        by_link, by_contents = guid_and_link_key(one.name, one.link), self._contents_key(one)
        if by_contents in self._memory.seen:
            return by_contents
        owner = self._memory.recall(by_link) if by_link in self._memory.seen else None
        if owner is not None and one.says_the_same_as(owner):
            return by_link
        is_other = by_link in self._taken or (owner is not None and one.is_another_than(owner))
        if not (repeats or is_other or self._is_ambiguous(by_link)):
            return by_link
        self.ambiguous[by_link] = None
        return by_contents

    def _contents_key(self, one: _Candidate) -> str:
        return guid_and_contents_key(one.name, one.link, one.entry)

    def _is_ambiguous(self, key: str) -> bool:
        return key in self._memory.ambiguous or key in self.ambiguous


def _published(one: _Candidate, key: str, mode: Identity) -> tuple[str, bool]:
    """Return the public id of a new entry, and whether it is the entry's address, too."""
    entry, permalink = one.entry, False
    if mode is Identity.GUID and one.item.guid and one.item.guid.strip():
        guid = one.item.guid.strip()
        permalink = entry.guid_is_permalink and is_web(guid)
    else:
        guid = entry.link or urn_of(key)
        permalink = is_web(guid)
    if one.name and key != guid_key(one.name):  # somebody else's
        return f"{guid}#{key[:12]}", False
    return guid, permalink


def _link(item: Item, entry: Entry | None) -> str | None:
    """Return the link: absolute, so that all readers of a document see the same one."""
    return entry.link if entry else item.link


def _date(entry: Entry) -> datetime | None:
    return entry.published or entry.updated


def _latest(one: _Candidate) -> tuple[float, int]:
    date = _date(one.entry)
    return (date.timestamp() if date else float("-inf"), -one.index)
