"""Removal of entries from a state: afterwards it has none of their words, and remembers their keys.

The archive pages and the window keep the places of removed entries, which have stubs there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from feedmirror.mirror.archive import EntryLink
from feedmirror.mirror.state import State
from feedmirror.mirror.tasks import StoreEntry, Task, WriteArchivePage, tasks_of
from feedmirror.mirror.tombstone import TakeDown, Tombstone, stub
from feedmirror.mirror.window import Row, Window, removed_row
from feedmirror.model import Revision


def removed_from(state: State, tombstone: Tombstone) -> State:
    """Return the state to commit for an entry that is taken down, with all that is left to do."""
    generation = state.generation + 1
    # The others have records.
    held = (one for one in state.pending_entries if is_of(tombstone, one))
    revisions = tuple(stub(one, tombstone.removal) for one in held)
    due = TakeDown(replace(tombstone, generation=generation), revisions)
    without = with_removals(state, (tombstone,))
    return replace(
        without,
        generation=generation,
        removing=(*state.removing, due),
        tasks=without.tasks or tasks_of(),
        changed_at=tombstone.at,
    )


def with_removals(state: State, tombstones: Iterable[Tombstone]) -> State:
    """Return the state without the words of these entries; the same one where it has none."""
    for tombstone in tombstones:
        if tombstone.is_restored or tombstone.name in names_of(state):
            continue
        state = _without(state, tombstone)
        if tombstone.revision:
            names = (*state.removed_revisions, tombstone.name)
            state = replace(state, removed_revisions=names)
        else:
            state = replace(state, removed={**state.removed, tombstone.key: tombstone.removal})
            like = dict.fromkeys(tombstone.likenesses, tombstone.key)
            state = replace(state, removed_likenesses={**state.removed_likenesses, **like})
    return state


def released(state: State, key: str) -> State:
    """Return the state that takes an entry which was left out, at the next document."""
    return replace(
        state,
        released=(*state.released, key),
        withheld={item: one for item, one in state.withheld.items() if one != key},
        addresses={},  # what they have is read again, whatever validators say
    )


def names_of(state: State) -> frozenset[str]:
    """Return the names of the tombstones that a state knows."""
    return frozenset((*state.removed, *state.removed_revisions))


def is_of(tombstone: Tombstone, one: Revision | Row) -> bool:
    """True if what was taken down has that revision."""
    return one.key == tombstone.key and tombstone.revision in (None, one.digest)


def _without(state: State, tombstone: Tombstone) -> State:
    key = tombstone.key

    def row(one: Row) -> Row:
        return removed_row(one, tombstone.removal) if is_of(tombstone, one) else one

    def link(one: EntryLink | None) -> EntryLink | None:
        return EntryLink(key) if one and one.key == key else one

    state = with_rows(state, row, link)
    return replace(
        state,
        tasks=tuple(
            task
            for task in state.tasks
            if not (isinstance(task, StoreEntry) and is_of(tombstone, task.revision))
        ),
        quarantined={name: one for name, one in state.quarantined.items() if name != key},
    )


def with_rows(
    state: State,
    row: Callable[[Row], Row],
    link: Callable[[EntryLink | None], EntryLink | None],
) -> State:
    """Return the state with other rows, and other links to entries."""
    rows = tuple(map(row, state.window))
    summary = state.archive_summary
    return replace(
        state,
        window=state.window if rows == state.window.rows else Window.of(rows),
        tasks=tuple(_task(task, row, link) for task in state.tasks),
        archive_summary=replace(summary, newest=link(summary.newest)),
    )


def _task(
    task: Task,
    row: Callable[[Row], Row],
    link: Callable[[EntryLink | None], EntryLink | None],
) -> Task:
    if not isinstance(task, WriteArchivePage):
        return task
    page = task.page
    entries = tuple(map(row, page.entries))
    return WriteArchivePage(replace(page, follows=link(page.follows), entries=entries))
