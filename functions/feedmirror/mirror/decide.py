"""Decide the commits that a fetched document asks for: a pure function of state and document.

Merging is additive: what is absent from the document stays. A document that was asked for before
the last one applied, or that a lagging alternate served, may add entries that were never seen and
change nothing else; so may one that was cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from msgspec.structs import replace

from feedmirror.mirror.archive import ArchivePage, ArchiveSummary, fill_pages
from feedmirror.mirror.classify import Classified, Loaded, classify, known_entry_of
from feedmirror.mirror.commits import Commit, Decision
from feedmirror.mirror.flapping import Changes, followed, lately, may_follow
from feedmirror.mirror.retention import (
    AMBIGUOUS,
    BOUND_BYTES,
    FLOOR,
    KnownEntries,
    count_public,
    portions,
)
from feedmirror.mirror.schedule import asks_of, effective_interval_s
from feedmirror.mirror.state import PROGRAM, SKEW, TOMORROW, Address, Quarantine, State
from feedmirror.mirror.tasks import tasks_of
from feedmirror.mirror.validators import after_document, worth_a_write
from feedmirror.mirror.window import Row, Window, row_of
from feedmirror.model import (
    PARSER_VERSION,
    Feed,
    ParsedFeed,
    Reading,
    Revision,
    Subscription,
)

CHUNK = 200  # entries a commit, so that a first mirror of thousands is carried out in steps
_HEAD = ""  # name of the feed's head among what flaps
_DAILY = timedelta(days=1)  # how often bookkeeping alone is written


def decide(
    state: State,
    subscription: Subscription,
    reading: Reading,
    loaded: Loaded,
    secret: bytes = b"",
    *,
    may_look_up: bool = True,
) -> Decision:
    """Return the commits to make, in order; each but the last has a part of the entries.

    `loaded` are entries that are known, by key. If the decision has keys in `wanted`, load these
    entries and decide again. `secret` and `may_look_up` are as in `classify`.
    """
    late = _is_late(state, reading)
    additive = late or not reading.parsed.complete
    found = classify(
        state,
        subscription,
        reading,
        loaded,
        additive=additive,
        secret=secret,
        may_look_up=may_look_up,
    )
    if found.wanted:
        return Decision((), found.unchanged, wanted=found.wanted)
    base = replace(state, failing=None)
    if not additive:
        base, found = _described(base, subscription, reading, found)
    elif reading.alternate and reading.parsed.complete:
        addresses = base.addresses if found.postponed else _addresses(base, subscription, reading)
        base = replace(base, addresses=addresses, checked_at=reading.requested_at)
    feed_changed = not additive and _public(base.feed) != _public(state.feed)
    if not (found.new or found.by_origin or feed_changed):
        base = replace(base, known_entries=base.known_entries.last(_least(state, found)))
        commits = _bookkeeping(state, base, reading)
        return Decision(
            commits,
            found.unchanged,
            held=len(found.held),
            postponed=len(found.postponed),
            withheld=tuple(found.withheld.values()),
        )
    if _pending_bytes(state) > BOUND_BYTES:
        # Nothing of the document is remembered, so the next refresh reads it again.
        return Decision((), found.unchanged, held_up=True)
    base = replace(
        base,
        known_entries=_known_entries(state, found, reading.requested_at),
        dated=_latest(state, reading),
        ambiguous=_ambiguous(state, found),
        flapping=_flapping(state, found, feed_changed=feed_changed),
    )
    if state.feed is None:  # all that is known was read by this parser, document finished or not
        base = replace(base, feed=reading.parsed.feed, parser_version=PARSER_VERSION)
    return Decision(
        tuple(_commits(base, subscription.keep, found, reading.requested_at)),
        found.unchanged,
        held=len(found.held),
        postponed=len(found.postponed),
        withheld=tuple(found.withheld.values()),
    )


# ---------------------------------------------------------------- what is committed


def _commits(base: State, keep: int, found: Classified, now: datetime) -> Iterator[Commit]:
    """Yield commits of the entries that change in their place, of the new ones, oldest first, then
    of the changed ones that come back to the window.

    An entry has to change before a new one can push it out of the window, into an archive page.
    Validators and fingerprints of the document come with the last commit: after a crash between two
    commits the next refresh reads the document again.
    """
    in_place = [revision for revision in found.by_origin if revision.seq]
    coming_back = [revision for revision in found.by_origin if not revision.seq]
    revisions = (*in_place, *found.new, *coming_back)
    chunks = tuple(portions(revisions, CHUNK, BOUND_BYTES)) or ((),)
    kinds = [{one.key for one in kind} for kind in (found.new, found.revised, found.amended)]
    for number, chunk in enumerate(chunks, 1):
        apply = partial(_applied, base, keep, chunk, now)
        if number == len(chunks):
            apply = partial(_finished, base, keep, found, chunk)
        yield Commit(apply, *(sum(one.key in kind for one in chunk) for kind in kinds))


def _applied(
    base: State, keep: int, chunk: Sequence[Revision], now: datetime, current: State
) -> State:
    """Return the state with these entries and the feed, but no validators or fingerprints."""
    return replace(
        _with_entries(current, keep, chunk, now),
        feed=base.feed,
        parser_version=current.parser_version if current.feed else base.parser_version,
        known_entries=current.known_entries.with_entries(
            {revision.key: base.known_entries.by_key[revision.key] for revision in chunk}
        ),
        ambiguous=base.ambiguous,
    )


# What the commits before the last one change, and carrying them out.
_OF_ENTRIES = (
    "generation window archive_summary tasks next_seq changed_at fault deployment renewal".split()
)


def _finished(
    base: State, keep: int, found: Classified, chunk: Sequence[Revision], current: State
) -> State:
    """Return the state with the last entries, and all that is remembered of the document."""
    entered = _with_entries(current, keep, chunk, found.at)
    rendered = {key: one for key, one in entered.quarantined.items() if one.documents}
    unread = {key: one for key, one in base.quarantined.items() if not one.documents}
    return replace(
        base,
        **{name: getattr(entered, name) for name in _OF_ENTRIES},
        quarantined={**rendered, **unread},
    )


def _with_entries(state: State, keep: int, chunk: Sequence[Revision], now: datetime) -> State:
    """The state with these entries; those that keep a place outside the window enter no list."""
    chunk = [replace(revision, generation=state.generation + 1) for revision in chunk]
    unplaced = [revision for revision in chunk if not revision.seq]
    placed = {
        revision.key: replace(revision, seq=state.next_seq + offset)
        for offset, revision in enumerate(unplaced)
    }
    arrived = tuple(placed.get(revision.key, revision) for revision in chunk)
    listed = {row.key for row in state.window}
    entering = [row_of(one) for one in arrived if one.key in placed or one.key in listed]
    window, archive_summary, pages = _listed(state, keep, entering, now)
    return replace(
        state,
        generation=state.generation + 1,
        window=window,
        archive_summary=archive_summary,
        tasks=tasks_of((*state.pending_entries, *arrived), (*state.pending_pages, *pages)),
        next_seq=state.next_seq + len(placed),
        changed_at=now,
    )


def _pending_bytes(state: State) -> int:
    """UTF-8 bytes of what earlier commits left undone."""
    archived = sum(row.size_bytes for page in state.pending_pages for row in page.entries)
    return archived + sum(revision.size_bytes for revision in state.pending_entries)


def _listed(
    state: State, keep: int, arrived: Iterable[Row], now: datetime
) -> tuple[Window, ArchiveSummary, tuple[ArchivePage[Row], ...]]:
    """Return the new window, the archive summary, and the archive pages to write.

    The window has the `keep` newest entries, all listed within 48 hours, and those that do not fill
    a page yet. A first mirror archives all beyond `keep` at once; so is what exceeds the bounds.
    """
    by_key = {row.key: _as_of(row, now) for row in state.window}
    by_key |= {row.key: row for row in arrived}
    newest = sorted(by_key.values(), key=lambda row: -row.seq)
    # Of a first mirror nothing has been public yet, unless its document was cut off before.
    floor = now - FLOOR if state.complete or state.documents else None
    stay = count_public(newest, keep, floor)
    archive_summary, pages = fill_pages(state.archive_summary, _leaving(newest[stay:]))
    left = sum(len(page.entries) for page in pages)
    return Window.of(newest[: len(newest) - left]), archive_summary, pages


def _leaving(newest_first: Sequence[Row]) -> Iterator[Row]:
    """Yield the oldest entries that may leave the window: as many as one commit may have.

    The rest waits for later commits, where a smaller `keep` lets many leave at once.
    """
    size = 0
    for row in islice(reversed(newest_first), CHUNK):
        yield row
        size += row.size_bytes
        if size > BOUND_BYTES:
            return


def _as_of(row: Row, now: datetime) -> Row:
    """Return the row without times in the future: these become `now`, as a clock was ahead."""
    if max(row.first_seen, row.listed_at, row.observed_at) <= now + SKEW:
        return row
    return replace(
        row,
        first_seen=min(row.first_seen, now),
        listed_at=min(row.listed_at, now),
        observed_at=min(row.observed_at, now),
    )


def _known_entries(state: State, found: Classified, reading_at: datetime) -> KnownEntries:
    """Return the known entries, those of this document last; the first ones are dropped."""
    now = int(reading_at.timestamp())
    known_entries = {
        key: entry if entry.at <= now else replace(entry, at=now)
        for key, entry in state.known_entries.by_key.items()
    }
    known_entries |= {one.key: known_entry_of(one) for one in (*found.new, *found.by_origin)}
    # What the document lists comes last, in the order in which it was first seen: documents begin
    # with what is newest.
    listed = set(found.keys)
    for key in [key for key in known_entries if key in listed]:
        known_entries[key] = known_entries.pop(key)
    has_forgotten = state.known_entries.has_forgotten
    made = KnownEntries.of(known_entries, has_forgotten=has_forgotten)
    return made.last(_least(state, found))


def _least(state: State, found: Classified) -> int:
    """Return how many known entries are remembered at least."""
    return 2 * len(found.keys) + len(state.window)


def _ambiguous(state: State, found: Classified) -> tuple[str, ...]:
    """Return the ambiguous keys, the first `AMBIGUOUS` of them.

    The last ones are dropped, since the origin soonest lists these again.
    """
    return tuple(dict.fromkeys((*state.ambiguous, *found.ambiguous)))[:AMBIGUOUS]


def _flapping(state: State, found: Classified, *, feed_changed: bool) -> dict[str, Changes]:
    """Return what the origin changed lately while nothing new came, a newer parser aside."""
    if found.new or state.parser_version != PARSER_VERSION:
        return {}
    flapping = lately(state.flapping, found.at)
    names = [revision.key for revision in found.by_origin]
    if feed_changed and not names:
        names = [_HEAD]
    return flapping | {name: followed(flapping.get(name), found.at) for name in names}


# ---------------------------------------------------------------- what is remembered of a document


def _is_late(state: State, reading: Reading) -> bool:
    """True if a newer document has been applied already."""
    if state.requested_at is None:
        return False
    if reading.requested_at < state.requested_at:
        return True
    if not reading.alternate:
        return False
    # A copy that may lag says nothing of entries that are known, unless it is clearly newer.
    dated = _dated(reading.parsed)
    return state.dated is not None and (dated is None or dated <= state.dated)


def _dated(parsed: ParsedFeed) -> datetime | None:
    """Return the newest date in the document."""
    dates = [parsed.feed.updated]
    for entry in parsed.entries.values():
        dates += (entry.published, entry.updated)
    return max(filter(None, dates), default=None)


def _latest(state: State, reading: Reading) -> datetime | None:
    """Return the newest date in all documents applied, this one included."""
    dates = [date for date in (state.dated, _dated(reading.parsed)) if date]
    return max((d for d in dates if d <= reading.requested_at + TOMORROW), default=None)


def _described(
    state: State, subscription: Subscription, reading: Reading, found: Classified
) -> tuple[State, Classified]:
    """Return the state after all entries of the document, and `found` with what is held.

    The feed's head may be held, too. While a change is held or an entry postponed, validators are
    not remembered, so that the next document is read again.
    """
    fetched, parsed = reading.fetched, reading.parsed
    feed = parsed.feed
    is_alone = not (found.new or found.by_origin) and state.parser_version == PARSER_VERSION
    is_held = is_alone and not may_follow(state.flapping.get(_HEAD), found.at)
    if state.feed and is_held and _public(feed) != _public(state.feed):
        feed, found = state.feed, replace(found, held=(*found.held, _HEAD))
    asks = asks_of(
        subscription.every_s,
        ttl_s=feed.ttl_s,
        max_age_s=fetched.max_age_s,
        skip_hours=feed.skip_hours,
        skip_days=feed.skip_days,
    )
    interval = timedelta(seconds=effective_interval_s(subscription.every_s, asks))
    slower = asks.interval_s and asks != state.asks
    described = replace(
        state,
        feed=feed,
        fingerprints=found.fingerprints,
        quarantined=_quarantined(state, reading),
        withheld={**_withheld(state, reading), **found.withheld},
        parser_version=PARSER_VERSION,
        addresses=(
            state.addresses
            if found.held or found.postponed
            else _addresses(state, subscription, reading)
        ),
        complete=True,
        requested_at=reading.requested_at,
        dated=_latest(state, reading),
        checked_at=reading.requested_at,
        asks=asks,
        not_before=reading.requested_at + interval if slower else None,
    )
    return described, found


def _quarantined(state: State, reading: Reading) -> dict[str, Quarantine]:
    """Return the quarantine, with unreadable items, without items no longer in the document."""
    items = reading.parsed.items
    listed = {item.fingerprint for item in items}
    kept = {key: one for key, one in state.quarantined.items() if one.documents or key in listed}
    read = {items[index].fingerprint for index in reading.parsed.entries}
    unread = {
        items[index].fingerprint: Quarantine(items[index].name, why, PROGRAM)
        for index, why in reading.parsed.unreadable.items()
    }
    return {key: one for key, one in kept.items() if key not in read} | unread


def _withheld(state: State, reading: Reading) -> dict[str, str]:
    """Return what is left out, without items that are no longer in the document."""
    listed = {item.fingerprint for item in reading.parsed.items}
    return {one: key for one, key in state.withheld.items() if one in listed}


def _addresses(state: State, subscription: Subscription, reading: Reading) -> dict[str, Address]:
    """Return what is known of each configured address, with the one just read."""
    kept = {subscription.url, *subscription.alternates, state.moved_to}
    url = reading.fetched.url
    known = {address: held for address, held in state.addresses.items() if address in kept}
    read = after_document(state.addresses.get(url), reading.fetched.validators, reading.digest)
    return known | {url: read}


# What a feed says of when it was built: it may differ at every poll, and says nothing to readers.
_VOLATILE = ("<dc:date", "<dcterms:modified", "<atom:updated", "<sy:updateBase", "<openSearch:")


def _public(feed: Feed | None) -> Feed | None:
    """Return the feed's own properties, but for those that make no difference to readers."""
    if feed is None:
        return None
    lasting = tuple(
        fragment for fragment in feed.extension_elements if not fragment.startswith(_VOLATILE)
    )
    return replace(
        feed,
        updated=None,
        ttl_s=None,
        skip_hours=(),
        skip_days=(),
        extension_elements=lasting,
        prefixes=(),
    )


def _bookkeeping(state: State, described: State, reading: Reading) -> tuple[Commit, ...]:
    """Return what to write when nothing changed for readers: new validators, and once a day all
    that is remembered.

    So an origin whose bytes differ at each poll (counters, signatures) causes no writes.
    """
    url, now = reading.fetched.url, reading.requested_at
    if described == state:  # as it is of a document that was cut off, which is not remembered
        return ()
    # An item that the parser cannot take is not to be tried at every poll.
    noted = (described.quarantined, described.withheld) != (state.quarantined, state.withheld)
    if noted or state.failing or state.parser_version != PARSER_VERSION:
        return (Commit(lambda _: described),)
    address = worth_a_write(state.addresses.get(url), described.addresses.get(url), now)
    if address is not None:
        renewed = replace(described, addresses={**described.addresses, url: address})
        return (Commit(lambda _: renewed),)
    if state.checked_at and now - state.checked_at < _DAILY:
        return ()
    return (Commit(lambda _: described),)
