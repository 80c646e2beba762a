"""Restoration of a hidden entry in a state."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce

from msgspec.structs import replace

from feedmirror.mirror.archive import EntryLink
from feedmirror.mirror.recover import index_entry, known_entry, merge
from feedmirror.mirror.removal import with_rows
from feedmirror.mirror.state import State
from feedmirror.mirror.tasks import tasks_of
from feedmirror.mirror.window import Row, row_of, words_digest
from feedmirror.model import PARSER_VERSION, Revision


def restored_in(state: State, key: str, revisions: Iterable[Revision], now: datetime) -> State:
    """Return the state to commit for an entry that was hidden, of which these are the words."""
    words = {words_digest(one): one for one in revisions}
    last = max(words.values(), key=lambda one: one.generation)

    def row(one: Row) -> Row:
        if one.key != key or one.removal is None:
            return one
        said = words.get(one.words, last)  # a rebuild has named the stub meanwhile
        return replace(
            row_of(said),
            seq=one.seq,
            first_seen=one.first_seen,
            listed_at=one.listed_at,
            observed_at=one.observed_at,
        )

    def link(one: EntryLink | None) -> EntryLink | None:
        return EntryLink(key, last.title) if one and one.key == key else one

    known = state.known_entries
    if key in known.by_key:  # a rebuild has read the stub meanwhile
        read = reduce(merge, (index_entry(one, PARSER_VERSION) for one in words.values()))
        known = known.with_entries({key: known_entry(read, known.by_key[key])})
    generation = state.generation + 1
    again = with_rows(state, row, link)
    return replace(
        again,
        generation=generation,
        known_entries=known,
        removed={one: removal for one, removal in state.removed.items() if one != key},
        removed_likenesses={
            like: one for like, one in state.removed_likenesses.items() if one != key
        },
        removing=tuple(one for one in state.removing if one.tombstone.key != key),
        tasks=again.tasks or tasks_of(),
        changed_at=now,
        # What the origin has said of it meanwhile is read again.
        fingerprints={item: one for item, one in state.fingerprints.items() if one != key},
        addresses={},
    )
