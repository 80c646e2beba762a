"""What a fetched document changes: a pure choice, from what we know and what we got.

Merging is additive: what is absent from the document stays. A document that was asked for before
the last one applied, or that a lagging alternate served, may add entries that were never seen and
change nothing else; so may one that was cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from feedmirror.core.commits import Commit, Decision
from feedmirror.core.listing import FLOOR, Seen, remembered, staying
from feedmirror.core.schedule import asks_of, effective_interval_s
from feedmirror.core.seal import Page, Sealed, seal
from feedmirror.core.sort_out import TOMORROW, SortedOut, sort_out
from feedmirror.core.state import Address, State
from feedmirror.core.window import Window
from feedmirror.model import PARSER_VERSION, Feed, ParsedFeed, Reading, Revision, Subscription

CHUNK = 200  # entries a commit, so that a first mirror of thousands is carried out in steps
_DAILY = timedelta(days=1)  # how often bookkeeping alone is written


def decide(state: State, subscription: Subscription, reading: Reading) -> Decision:
    """The commits to make one after the other; each but the last carries a part of the entries."""
    late = _is_late(state, reading)
    additive = late or not reading.parsed.complete
    found = sort_out(state, subscription, reading, additive=additive)
    base = replace(state, failing=None)
    if not additive:
        base = _described(base, subscription, reading, found)
    elif reading.alternate and reading.parsed.complete:
        addresses = _addresses(base, subscription, reading)
        base = replace(base, addresses=addresses, checked_at=reading.requested_at)
    feed_changed = not additive and _public(base.feed) != _public(state.feed)
    if not (found.new or found.revised or found.corrected or feed_changed):
        return Decision(_bookkeeping(state, base, reading.requested_at), found.unchanged)
    base = replace(base, seen=_seen(state, found), dated=_latest(state, reading))
    if state.feed is None:  # all that is known was read by this parser, document finished or not
        base = replace(base, feed=reading.parsed.feed, parser_version=PARSER_VERSION)
    commits = _commits(state, base, subscription, found, reading.requested_at)
    return Decision(tuple(commits), found.unchanged)


# ---------------------------------------------------------------- what is committed


def _commits(
    state: State, base: State, subscription: Subscription, found: SortedOut, now: datetime
) -> Iterator[Commit]:
    """The chunks: new entries oldest first, with revisions and all that is remembered of the
    document in the last one only, so that a crash between two makes the rest be found again.
    """
    chunks = [found.new[i : i + CHUNK] for i in range(0, len(found.new), CHUNK)] or [()]
    current = state
    for number, chunk in enumerate(chunks, 1):
        last = number == len(chunks)
        placed = [
            replace(revision, seq=current.next_seq + offset)
            for offset, revision in enumerate(
                (*chunk, *(r for r in found.revised if last and not r.seq))
            )
        ]
        revised = [r for r in found.revised if last and r.seq]
        corrected = [r for r in found.corrected if last and r.seq]
        ready = base if last else _halfway(state, base, current, chunk)
        window, sealed, pages = _listed(
            current, subscription.keep, (*placed, *revised, *corrected), now
        )
        current = replace(
            ready,
            generation=current.generation + 1,
            window=window,
            sealed=sealed,
            sealing=pages,
            pending=(*placed, *revised),
            settled=False,
            next_seq=current.next_seq + len(placed),
            changed_at=now,
        )
        yield Commit(current, new=len(chunk), revised=len(found.revised) if last else 0)


def _halfway(state: State, base: State, current: State, chunk: Iterable[Revision]) -> State:
    """The old state, knowing the feed and the entries up to this chunk, but not the document."""
    seen = {**current.seen, **{revision.key: base.seen[revision.key] for revision in chunk}}
    version = state.parser_version if state.feed else base.parser_version
    return replace(state, feed=base.feed, parser_version=version, seen=seen)


def _listed(
    state: State, keep: int, arrived: Iterable[Revision], now: datetime
) -> tuple[Window, Sealed, tuple[Page, ...]]:
    """The public entries, newest first: `keep` of them, all that came within 48 hours, and those
    that do not fill a page yet; with what is sealed in the others' pages.

    What a first mirror holds beyond `keep` is sealed at once.
    """
    by_key = {revision.key: revision for revision in state.window}
    by_key |= {r.key: replace(r, entry=replace(r.entry, original=None)) for r in arrived}
    newest = sorted(by_key.values(), key=lambda revision: -revision.seq)
    # Of a first mirror nothing has been public yet, unless its document was cut off before.
    floor = now - FLOOR if state.complete or state.documents else None
    stay = staying(newest, keep, floor)
    # No more than a chunk brings: the rest of what a smaller `keep` sets free, say, waits.
    sealed, pages = seal(state.sealed, islice(reversed(newest[stay:]), CHUNK))
    left = sum(len(page.revisions) for page in pages)
    return Window.of(newest[: len(newest) - left], state.window), sealed, pages


def _seen(state: State, found: SortedOut) -> Seen:
    """Keys with digest and first sight, those of this document last; the oldest are forgotten."""
    seen = dict(state.seen)
    for revision in (*found.new, *found.revised, *found.corrected):
        seen[revision.key] = (revision.digest, int(revision.first_seen.timestamp()))
    for key in found.keys:
        if key in seen:
            seen[key] = seen.pop(key)
    return remembered(seen, 2 * len(found.keys) + len(state.window))


# ---------------------------------------------------------------- what is remembered of a document


def _is_late(state: State, reading: Reading) -> bool:
    """Whether something newer has been applied already."""
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
    """The newest date in the document."""
    dates = [parsed.feed.updated]
    for entry in parsed.entries.values():
        dates += (entry.published, entry.updated)
    return max(filter(None, dates), default=None)


def _latest(state: State, reading: Reading) -> datetime | None:
    """The newest date in anything that was applied, this document included."""
    dates = [date for date in (state.dated, _dated(reading.parsed)) if date]
    return max((d for d in dates if d <= reading.requested_at + TOMORROW), default=None)


def _described(
    state: State, subscription: Subscription, reading: Reading, found: SortedOut
) -> State:
    """The state, with what is remembered of a document once all of its entries are applied."""
    fetched, parsed = reading.fetched, reading.parsed
    feed = parsed.feed
    asks = asks_of(
        subscription.every_s,
        ttl_s=feed.ttl_s,
        max_age_s=fetched.max_age_s,
        skip_hours=feed.skip_hours,
        skip_days=feed.skip_days,
    )
    interval = timedelta(seconds=effective_interval_s(subscription.every_s, asks))
    slower = asks.interval_s and asks != state.asks
    return replace(
        state,
        feed=feed,
        fingerprints=found.fingerprints,
        parser_version=PARSER_VERSION,
        addresses=_addresses(state, subscription, reading),
        complete=True,
        requested_at=reading.requested_at,
        dated=_latest(state, reading),
        checked_at=reading.requested_at,
        asks=asks,
        not_before=reading.requested_at + interval if slower else None,
    )


def _addresses(state: State, subscription: Subscription, reading: Reading) -> dict[str, Address]:
    """What is remembered of the feed's addresses, the one just read included; of others nothing."""
    kept = {subscription.url, *subscription.alternates, state.moved_to}
    url, validators = reading.fetched.url, reading.fetched.validators
    known = {address: held for address, held in state.addresses.items() if address in kept}
    return known | {url: Address(validators.etag, validators.last_modified, reading.digest)}


# What a feed says of when it was built: it may differ at every poll, and says nothing to readers.
_VOLATILE = ("<dc:date", "<dcterms:modified", "<atom:updated", "<sy:updateBase", "<openSearch:")


def _public(feed: Feed | None) -> Feed | None:
    """What of the feed's own properties makes a difference to its readers."""
    if feed is None:
        return None
    lasting = tuple(fragment for fragment in feed.foreign if not fragment.startswith(_VOLATILE))
    return replace(
        feed, updated=None, ttl_s=None, skip_hours=(), skip_days=(), foreign=lasting, prefixes=()
    )


def _bookkeeping(state: State, described: State, now: datetime) -> tuple[Commit, ...]:
    """What to write when nothing changed for readers: nothing, but once a day what is remembered.

    So an origin whose bytes differ at each poll (counters, signatures) causes no writes.
    """
    if described == state:  # as it is of a document that was cut off, which is not remembered
        return ()
    if state.failing or state.parser_version != PARSER_VERSION:
        return (Commit(described),)
    if state.checked_at and now - state.checked_at < _DAILY:
        return ()
    return (Commit(described),)
