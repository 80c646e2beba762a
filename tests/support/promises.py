"""What the program promises, as a model: what was said at the origin, and what readers must find.

The model knows nothing of how a mirror is stored. It is told which documents were read for certain,
and which perhaps, since the run was killed; it asks of a store what a reader of it would see.

An entry is known by its number, what it says by a version: `version 3 of 7`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from builders import entry, rss_document
from feedmirror.mirror import record as records
from history import Seen, read, walk
from scene import FEEDS, PUBLIC_URL
from store_factories import state_in
from stores import MemoryStore
from validity import FROM_ORIGIN, atom_problems, disclaimers, json_problems, rss_problems

Said = Mapping[int, int]  # the versions of a document's entries, by number, in its order
Copies = dict[int, list[int]]  # the versions that a reader finds of each, the newest copy first

FLOOR = timedelta(hours=48)
_LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
FOLDER = f"{PUBLIC_URL}/news"
_SAYS = re.compile(r"version (\d+) of (\d+)\b")


HABITS = ("GUIDs", "links", "one GUID")


def spelled(said: Said, habit: str = "GUIDs") -> bytes:
    """The document at the origin, which has GUIDs, or links alone, or one GUID for all entries."""
    entries = [entry(n, summary=f"<p>version {version} of {n}</p>") for n, version in said.items()]
    if habit != "GUIDs":
        guid = None if habit == "links" else "https://gazette.example.org/"
        entries = [{**one, "guid": guid} for one in entries]
    return rss_document([{k: v for k, v in one.items() if v is not None} for one in entries])


@dataclass
class Promises:
    """What readers of one mirrored feed may count on."""

    store: MemoryStore
    owed: set[int] = field(default_factory=set)  # entries that were read for certain
    may_say: dict[int, set[int]] = field(default_factory=dict)  # the versions that may be public
    ever: dict[int, set[int]] = field(default_factory=dict)  # all that a document ever said
    reachable: set[int] = field(default_factory=set)  # by the end of the last undisturbed run
    edited: set[int] = field(default_factory=set)  # perhaps archived before, in another version
    newest: int = 0  # of the entries of documents that were read for certain
    disclaimers: list[str] = field(default_factory=list)  # that were ever configured
    listed: dict[str, dict[int, datetime]] = field(default_factory=dict)  # since when, by format
    known: dict[str, set[tuple[int, int]]] = field(default_factory=dict)  # in it or its archive
    unsettled: datetime | None = None  # since when a commit waits to be carried out to its end
    is_first: bool = True  # the first mirror of the feed, which has not come to an end yet
    took_out: bool = False  # a rebuild, since the last look
    is_lost: bool = False  # the state, and no rebuild has come to its end since

    # ------------------------------------------------------------ what the origin said

    def was_read(self, said: Said) -> None:
        """A whole document, and nothing newer before."""
        self._note(said)
        for number, version in said.items():
            self._show(number, {version})
        self.owed |= said.keys()
        self.newest = max((self.newest, *said))

    def may_have_been_read(self, said: Said) -> None:
        """The run was killed, or another one may have been first."""
        self._note(said)
        for number, version in said.items():
            self._show(number, self.may_say.get(number, set()) | {version})

    def added(self, said: Said) -> None:
        """A document that says nothing of entries that are known: late, or from a lagging copy."""
        self._note(said)
        for number, version in said.items():
            if number not in self.owed:
                self._show(number, self.may_say.get(number, set()) | {version})
        self.owed |= said.keys()

    def _note(self, said: Said) -> None:
        for number, version in said.items():
            self.ever.setdefault(number, set()).add(version)

    def _show(self, number: int, versions: set[int]) -> None:
        if self.may_say.get(number, versions) != versions:
            self.edited.add(number)
        self.may_say[number] = versions

    def state_was_lost(self) -> None:
        """Records are all that is left."""
        self.is_lost = True
        for listed in self.listed.values():
            listed.update(dict.fromkeys(listed, _LONG_AGO))  # those that will be there again

    def clock_was_set(self, now: datetime) -> None:
        """To before, perhaps: a time that is in the future now counts as now."""
        for listed in self.listed.values():
            listed.update({number: min(since, now) for number, since in listed.items()})
        self.unsettled = min(self.unsettled, now) if self.unsettled else None

    def was_rebuilt(self) -> None:
        """The state is there again, and entries may have been taken out of the archive."""
        self.is_lost = False
        self.took_out = True

    # ------------------------------------------------------------ what readers find

    def check_always(self, now: datetime) -> None:
        """At any moment, whoever died where."""
        is_settled = self._is_settled()
        self.is_first &= not (is_settled and "public/news/index.html" in self.store.objects)
        for name in () if self.is_first else FEEDS:
            chain = self._chain(name)
            copies = self._copies(chain)
            assert self.reachable <= copies.keys(), f"{name}: {self.reachable - copies.keys()} lost"
            if self.is_lost:
                self._note_known(name, chain)
                continue
            for number, versions in copies.items():
                assert len(versions) == 1 or number in self.edited, f"{name}: {number} twice"
                assert set(versions) <= self.ever[number]
            self._check_floor(name, chain, now)
        self.unsettled = None if is_settled else self.unsettled or now
        self.took_out = False

    def _is_settled(self) -> bool:
        """Whether no commit waits to be carried out to its end."""
        is_there = "state/news.json" in self.store.objects
        return not is_there or not state_in(self.store).tasks

    def _check_floor(self, name: str, chain: list[Seen], now: datetime) -> None:
        """Nothing leaves the subscription document within 48 hours: of the commit that let it in,
        whoever carried that out how much later. What a rebuild took out of the archive may go back.
        """
        there = _told(chain[0])
        listed, known = self.listed.setdefault(name, {}), self.known.setdefault(name, set())
        for number in listed.keys() - there.keys():
            since = listed.pop(number)
            assert now - since >= FLOOR, f"{name}: {number} was there for {now - since} only"
        for number, version in there.items():
            came_back = self.took_out or (number, version) in known
            listed.setdefault(number, _LONG_AGO if came_back else self.unsettled or now)
        self._note_known(name, chain)

    def _note_known(self, name: str, chain: list[Seen]) -> None:
        self.known.setdefault(name, set()).update(*(_told(seen).items() for seen in chain))

    def check_kept(self, disclaimer: str) -> None:
        """After a run that nothing disturbed."""
        state = state_in(self.store)
        assert state.tasks == ()
        ids = {name: [id_ for seen in self._chain(name) for id_ in seen.ids] for name in FEEDS}
        assert ids["atom.xml"] == ids["feed.json"] == ids["rss.xml"]
        for name in FEEDS:
            copies = self._copies(self._chain(name))
            assert self.owed <= copies.keys(), f"{name}: {self.owed - copies.keys()} lost"
            for number, (version, *_) in copies.items():
                assert version in self.may_say[number], f"{name}: {number} says {version}"
                self.may_say[number] = {version}
            for words in self._chain(name)[0].words:
                assert disclaimer in words, f"{name} has not the present disclaimer"
        self.owed |= self.may_say.keys() & copies.keys()
        self.reachable = set(self.owed)
        self._check_stored()

    def _check_stored(self) -> None:
        """Each version once each time that it came, the one that counts last; it is also on the
        entry's page.
        """
        found = Counter(
            _version_of(self.store.objects[key], key)
            for key in self.store.keys("data/news/entries/")
        )
        assert set(found.values()) <= {1}, f"stored twice: {found}"
        keys = {number: key for number, _, key, _ in found}
        assert len(set(keys.values())) == len(keys), "merged"
        last: dict[int, tuple[int, int]] = {}
        for number, version, _, commit in found:
            last[number] = max(last.get(number, (commit, version)), (commit, version))
        assert {number: {last[number][1]} for number in self.owed} == {
            number: self.may_say[number] for number in self.owed
        }
        for number in self.owed:
            page = self.store.objects[f"public/news/entries/{keys[number]}.html"].decode()
            (version,) = self.may_say[number]
            assert (str(version), str(number)) in _SAYS.findall(page), f"the page of {number}"

    def _chain(self, name: str) -> list[Seen]:
        return walk(self._fetch, f"{FOLDER}/{name}")

    def _fetch(self, address: str) -> bytes:
        return self.store.objects[f"public/{address.removeprefix(f'{PUBLIC_URL}/')}"]

    def _copies(self, chain: list[Seen]) -> Copies:
        copies: Copies = {}
        for seen in chain:
            for number, version in _told(seen).items():
                copies.setdefault(number, []).append(version)
        return copies

    def judge(self, key: str, body: bytes) -> None:
        """Whatever is public is valid, and every body says who mirrors it."""
        if key.count("/") == 1:
            return  # the site's own, or the style
        words = tuple(self.disclaimers)
        assert _is_disclaimed(body, key, words), f"{key} has a body without disclaimer"
        problems = _problems(body, f"{PUBLIC_URL}/{key.removeprefix('public/')}")
        assert problems == [], f"{key}: {problems}"


@lru_cache(maxsize=10_000)
def _version_of(record: bytes, key: str) -> tuple[int, int, str, int]:
    """Return the number and version of the entry, its key, and which commit named the record."""
    revision = records.load(record, "news", key).revision
    (version, number), *_ = _SAYS.findall(revision.entry.summary or "")
    return int(number), int(version), revision.key, revision.generation


@lru_cache(maxsize=10_000)
def _told(seen: Seen) -> dict[int, int]:
    """The versions of the entries of one document, by number."""
    found = [_SAYS.search(words) for words in seen.words]
    told = {int(say[2]): int(say[1]) for say in found if say}
    assert len(told) == len(seen.titles), f"{seen.address} has an entry twice, or an empty one"
    return told


@lru_cache(maxsize=10_000)
def _is_disclaimed(body: bytes, key: str, any_of: tuple[str, ...]) -> bool:
    if key.endswith(".xml"):
        found = [disclaimers(body, sentence=sentence) for sentence in any_of]
        return all(
            any(all(each.values()) and each for each in one) for one in zip(*found, strict=True)
        )
    if key.endswith(".json"):
        return all(any(s in words for s in any_of) for words in read(body, key).words)
    return any(sentence in body.decode() for sentence in any_of)


_MUCH_LATER = datetime.fromisoformat("2036-01-01T00:00:00+00:00")


@lru_cache(maxsize=10_000)
def _problems(body: bytes, address: str) -> list[str]:
    if address.endswith("rss.xml"):
        found = rss_problems(body, self_url=address, now=_MUCH_LATER)
    elif address.endswith("atom.xml"):
        found = atom_problems(body, self_url=address, now=_MUCH_LATER)
    elif address.endswith(".json"):
        found = json_problems(body, self_url=f"{FOLDER}/feed.json", now=_MUCH_LATER)
    else:
        return []
    return [problem for problem in found if problem.split()[0] not in FROM_ORIGIN]
