"""Classification of a document's entries: new, revised, amended (particulars only), unchanged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial

from msgspec import Struct, field
from msgspec.structs import replace

from feedmirror.mirror.comparison import date_of, is_renewed, particulars_digest, revision_digest
from feedmirror.mirror.flapping import DAY_S, may_follow
from feedmirror.mirror.identity import Identified, Memory, identify
from feedmirror.mirror.likeness import likenesses, shared_links
from feedmirror.mirror.record import LAST
from feedmirror.mirror.retention import KnownEntry
from feedmirror.mirror.state import TOMORROW, State
from feedmirror.mirror.window import Row
from feedmirror.model import PARSER_VERSION, Entry, Reading, Revision, Subscription

# A date that moves on by less follows the clock of whoever asks; by more, or back, it is corrected.
_MOVES_ON = timedelta(days=300)
_RENEWED_S = DAY_S // 4  # spacing of addresses that expire

# By key: entries that are known, as far as they were loaded; None: there is no record.
Loaded = Mapping[str, Revision | None]


class Classified(Struct, frozen=True):
    """The entries of a document by what is to be done with them."""

    at: datetime  # when the document was asked for
    new: tuple[Revision, ...] = ()  # oldest first, without their place in the feed
    revised: tuple[Revision, ...] = ()  # in their place, or without one if they left the window
    amended: tuple[Revision, ...] = ()  # whose particulars changed, or that were read better
    held: tuple[str, ...] = ()  # keys of those that change too often to be followed now
    unchanged: int = 0
    keys: tuple[str, ...] = ()  # of all entries of the document, in document order
    fingerprints: Mapping[str, str] = field(default_factory=dict)  # keys by item, but of `held`
    ambiguous: tuple[str, ...] = ()  # keys that stand for several entries since this document
    wanted: tuple[str, ...] = ()  # keys of entries that must be loaded before all this counts
    # Keys of entries that are not taken now, since too many were looked up in the store.
    postponed: tuple[str, ...] = ()
    # Keys, by item, of new entries that look like ones that were taken down: they are left out.
    withheld: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_origin(self) -> tuple[Revision, ...]:
        """The entries that the origin changed."""
        return (*self.revised, *self.amended)


def classify(
    state: State,
    subscription: Subscription,
    reading: Reading,
    loaded: Loaded,
    *,
    additive: bool,
    secret: bytes = b"",
    may_look_up: bool = True,
) -> Classified:
    """Return the document's entries, classified.

    Where the state has forgotten entries, unknown ones are wanted, too: whether they are stored.
    Without `may_look_up` they are postponed.

    With `additive`, entries that are known count as unchanged, whatever the document says of them.
    `secret` is that of the store, for `likenesses`; empty where no entry was taken down.
    """
    work = _Classifying(
        state, reading, loaded, additive=additive, secret=secret, may_look_up=may_look_up
    )
    parsed = reading.parsed
    memory = Memory(
        state.fingerprints if state.parser_version == PARSER_VERSION else {},
        {
            **dict.fromkeys(state.removed, ""),
            **{key: known_entry.digest for key, known_entry in state.known_entries.by_key.items()},
        },
        frozenset(state.ambiguous),
        work.recall,
    )
    who = identify(parsed.items, parsed.entries, subscription.identity, memory)
    for one in who.found:
        work.sort(one, parsed.entries[one.index])
    work.release_if_new()
    unsettled = {*work.held, *work.postponed}
    return Classified(
        reading.requested_at,
        _oldest_first(work.new),
        tuple(work.revised),
        tuple(work.amended),
        tuple(work.held),
        len(set(who.keys.values()) - set(work.withheld.values()))
        - len(work.new)
        - len(work.revised)
        - len(work.amended)
        - len(work.postponed),
        tuple(dict.fromkeys(who.keys[index] for index in sorted(who.keys))),
        {
            parsed.items[index].fingerprint: key
            for index, key in sorted(who.keys.items())
            if key not in unsettled and parsed.items[index].fingerprint not in work.withheld
        },
        who.ambiguous,
        tuple(work.wanted),
        tuple(work.postponed),
        work.withheld,
    )


class _Classifying:
    """Sorts entries one by one."""

    def __init__(
        self,
        state: State,
        reading: Reading,
        loaded: Loaded,
        *,
        additive: bool,
        secret: bytes,
        may_look_up: bool,
    ) -> None:
        self.withheld: dict[str, str] = {}  # keys by fingerprint
        self.new: list[Revision] = []
        self.revised: list[Revision] = []
        self.amended: list[Revision] = []
        self.held: dict[str, Callable[[], None]] = {}  # by key, how to follow it all the same
        self.wanted: dict[str, None] = {}  # an ordered set
        self.postponed: list[str] = []
        self._state = state
        self._reading = reading
        self._loaded = loaded
        self._additive = additive
        self._secret = secret
        self._may_look_up = may_look_up

    @cached_property
    def _listed(self) -> Mapping[str, Row]:
        return {row.key: row for row in self._state.window}

    def recall(self, key: str) -> Revision | None:
        """Return an entry by key, or None where it is still to be loaded, or has no record."""
        if key not in self._loaded and key in self._state.known_entries.by_key:
            self.wanted[key] = None
        return self._loaded.get(key)

    def sort(self, one: Identified, entry: Entry) -> None:
        """Put an entry where it belongs; pass over one that was taken down."""
        if one.key in self._state.removed:
            return
        known_entry = self._state.known_entries.by_key.get(one.key)
        if known_entry is None:
            self._sort_unknown(one, entry)
            return
        if self._additive:
            return
        observed = _observed(one, entry, self._reading)
        if observed.digest == known_entry.digest:
            observed = replace(
                observed, entry=_dated(observed.entry, known_entry, self._listed, one.key)
            )
        if f"{one.key}.{observed.digest}" in self._state.removed_revisions:
            return
        change = self._change(observed, known_entry)
        if change is None:
            return
        known = self._listed.get(one.key) or self.recall(one.key)
        revision = _again(observed, known, known_entry, is_edited=change is self.revised)
        if change is self.revised and one.key not in self._listed:
            revision = replace(revision, seq=0, listed_at=observed.listed_at)  # it comes back
        elif not revision.seq:
            return  # it has no record, so there is nothing to amend
        if self._may_follow(revision):
            change.append(revision)
        else:
            self.held[one.key] = partial(change.append, revision)

    def _sort_unknown(self, one: Identified, entry: Entry) -> None:
        if not self._state.known_entries.has_forgotten or one.key in self._loaded:
            self._sort_new(one, entry)
        elif self._may_look_up:
            self.wanted[one.key] = None
        else:
            self.postponed.append(one.key)

    def _sort_new(self, one: Identified, entry: Entry) -> None:
        if self._is_like_a_removed(one, entry):
            self.withheld[self._reading.parsed.items[one.index].fingerprint] = one.key
        else:
            self.new.append(_observed(one, entry, self._reading))

    def _is_like_a_removed(self, one: Identified, entry: Entry) -> bool:
        if not self._state.removed_likenesses or one.key in self._state.released:
            return False
        found = likenesses(entry, self._secret, self._shared_links)
        return any(each in self._state.removed_likenesses for each in found)

    @cached_property
    def _shared_links(self) -> frozenset[str]:
        parsed = self._reading.parsed
        return shared_links(parsed.entries.values(), parsed.feed.link)

    def release_if_new(self) -> None:
        """Follow all that is held, where documents are written anyway."""
        if self.new:
            for follow in self.held.values():
                follow()
            self.held.clear()

    def _change(self, observed: Revision, known_entry: KnownEntry) -> list[Revision] | None:
        """Return where the change of a known entry belongs, or None if there is none."""
        is_same_reader = self._state.parser_version == PARSER_VERSION
        if observed.digest != known_entry.digest:
            return self.revised if is_same_reader else self.amended
        if not self._reading.parsed.lossless:  # it has less to say than what is stored
            return None
        said = (particulars_digest(observed.entry), date_of(observed))
        return None if said == (known_entry.particulars, known_entry.dated) else self.amended

    def _may_follow(self, revision: Revision) -> bool:
        if self._state.parser_version != PARSER_VERSION:
            return True  # of the origin nothing has changed
        changes = self._state.flapping.get(revision.key)
        known = self.recall(revision.key) if changes else None
        renewed = (
            known is not None
            and known.digest == revision.digest
            and is_renewed(revision.entry, known.entry)
        )
        spacing_s = _RENEWED_S if renewed else DAY_S
        return may_follow(changes, self._reading.requested_at, spacing_s)


def known_entry_of(revision: Revision) -> KnownEntry:
    """Return what is remembered of an entry, given as it was read last."""
    first = int(revision.first_seen.timestamp())
    particulars = particulars_digest(revision.entry)
    reading = revision_digest(revision.entry)
    record = "" if reading == revision.digest else revision.digest
    return KnownEntry(reading, first, particulars, date_of(revision), record)


def _observed(item: Identified, entry: Entry, reading: Reading) -> Revision:
    """Return a new revision of the entry, without a place in the feed (`seq` 0)."""
    entry = credible(entry, reading.requested_at)
    return Revision(
        key=item.key,
        digest=revision_digest(entry),
        guid=item.guid,
        guid_is_permalink=item.guid_is_permalink,
        entry=entry,
        seq=0,
        first_seen=reading.requested_at,
        listed_at=reading.requested_at,
        observed_at=reading.requested_at,
        fetched_from=reading.fetched.url,
        feed_updated=reading.parsed.feed.updated,
    )


def credible(entry: Entry, at: datetime) -> Entry:
    """Return the entry without dates that are in the future of the time it was fetched at."""
    limit = at + TOMORROW
    return replace(
        entry,
        published=entry.published if entry.published and entry.published <= limit else None,
        updated=entry.updated if entry.updated and entry.updated <= limit else None,
    )


def _dated(entry: Entry, known_entry: KnownEntry, listed: Mapping[str, Row], key: str) -> Entry:
    """Return the entry with the date that is published."""
    if known_entry.dated is None:
        return entry
    known = listed.get(key)
    exact = known.published if known else None
    return first_dated(entry, exact or datetime.fromtimestamp(known_entry.dated, UTC))


def first_dated(entry: Entry, first: datetime) -> Entry:
    """Return the entry with the date that it had first, unless the origin has corrected that."""
    known = first.replace(microsecond=0)
    said = entry.published.replace(microsecond=0) if entry.published else None
    if said is not None and not known < said < known + _MOVES_ON:
        return entry
    return replace(entry, published=first)


def _again(
    observed: Revision, known: Row | Revision | None, known_entry: KnownEntry, *, is_edited: bool
) -> Revision:
    """An observed revision of an entry that is known: in its place, if it still has one, and under
    the public id that it has had from the first. Unless the origin has edited it, it is the same
    revision, whatever a newer parser makes of its words.
    """
    if known is None:
        first = datetime.fromtimestamp(known_entry.at, observed.observed_at.tzinfo)
        return replace(observed, first_seen=first)
    digest = observed.digest if is_edited else known.digest
    return replace(
        observed,
        digest=digest,
        guid=known.guid,
        guid_is_permalink=known.guid_is_permalink,
        seq=known.seq,
        first_seen=known.first_seen,
        listed_at=known.listed_at,
        number=min(known.number + 1, LAST) if known.digest == digest else 0,
    )


def _oldest_first(new: Sequence[Revision]) -> tuple[Revision, ...]:
    """Return the entries by date if every entry has a date, else in reverse document order."""
    reversed_ = list(reversed(new))
    dates = [revision.entry.published or revision.entry.updated for revision in reversed_]
    if all(dates):
        order = sorted(range(len(reversed_)), key=lambda i: dates[i] or reversed_[i].first_seen)
        return tuple(reversed_[i] for i in order)
    return tuple(reversed_)
