"""Which of a document's entries are new, which were edited, and which are as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from feedmirror.core.identity import Identified, identifier_of, identify, revision_digest
from feedmirror.core.state import TOMORROW, State
from feedmirror.model import PARSER_VERSION, Entry, Reading, Revision, Subscription


@dataclass(frozen=True, slots=True)
class SortedOut:
    """The entries of a document by what is to be done with them."""

    at: datetime  # when the document was asked for
    new: tuple[Revision, ...]  # oldest first, without their place in the feed
    revised: tuple[Revision, ...]  # in their old place, or without one if they had left the window
    corrected: tuple[Revision, ...]  # read better by a newer parser: no revision of the origin's
    unchanged: int
    keys: tuple[str, ...]  # of all entries of the document, in document order
    fingerprints: tuple[str, ...]  # of its items, without repeats that say something else


def sort_out(
    state: State, subscription: Subscription, reading: Reading, *, additive: bool
) -> SortedOut:
    """The document's entries, sorted. With `additive`, known ones count as unchanged."""
    window = {revision.key: revision for revision in state.window}
    items = identify(
        reading.parsed.items,
        reading.parsed.entries,
        subscription.identity,
        state.seen,
        {key: revision.item_link for key, revision in window.items()},
    )
    new: list[Revision] = []
    revised: list[Revision] = []
    corrected: list[Revision] = []
    unchanged = 0
    for item in items:
        entry = reading.parsed.entries.get(item.index)
        known = state.seen.get(item.key)
        observed = _observed(item, entry, reading) if entry else None
        if observed is None or (known and (additive or known[0] == observed.digest)):
            unchanged += 1
        elif known is None:
            new.append(observed)
        elif state.parser_version != PARSER_VERSION:
            corrected.append(_again(observed, window.get(item.key), known[1]))
        else:
            revised.append(_again(observed, window.get(item.key), known[1]))
    counted = {item.index for item in items}
    return SortedOut(
        reading.requested_at,
        _oldest_first(new),
        tuple(revised),
        tuple(corrected),
        unchanged,
        keys=tuple(item.key for item in items),
        # A repeat that was passed over may be the only one left in the next document.
        fingerprints=tuple(
            item.fingerprint
            for index, item in enumerate(reading.parsed.items)
            if index in counted or identifier_of(item, subscription.identity) is None
        ),
    )


def _observed(item: Identified, entry: Entry, reading: Reading) -> Revision:
    """An entry as a revision that was never seen before; `seq` 0 is no place yet."""
    limit = reading.requested_at + TOMORROW
    entry = replace(
        entry,
        published=entry.published if entry.published and entry.published <= limit else None,
        updated=entry.updated if entry.updated and entry.updated <= limit else None,
    )
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
        item_link=reading.parsed.items[item.index].link,
    )


def _again(observed: Revision, listed: Revision | None, first_seen: int) -> Revision:
    """An observed revision of an entry that is known: in its place, if it still has one."""
    if listed is not None:
        return replace(
            observed,
            seq=listed.seq,
            first_seen=listed.first_seen,
            listed_at=listed.listed_at,
            number=listed.number + 1 if listed.digest == observed.digest else 0,
        )
    then = datetime.fromtimestamp(first_seen, observed.observed_at.tzinfo)
    return replace(observed, first_seen=then)


def _oldest_first(new: Sequence[Revision]) -> tuple[Revision, ...]:
    """By date if every entry has one, else the document's order turned round."""
    turned = list(reversed(new))
    dates = [revision.entry.published or revision.entry.updated for revision in turned]
    if all(dates):
        order = sorted(range(len(turned)), key=lambda i: dates[i] or turned[i].first_seen)
        return tuple(turned[i] for i in order)
    return tuple(turned)
