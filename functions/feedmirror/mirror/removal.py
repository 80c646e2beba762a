"""Removal of entries from a state: afterwards it has none of their words, and remembers their keys.

The archive pages and the window keep the places of removed entries, which have stubs there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from feedmirror.mirror.archive import ArchivePage, EntryLink
from feedmirror.mirror.state import State
from feedmirror.mirror.tasks import StoreEntry, Task, WriteArchivePage, tasks_of
from feedmirror.mirror.tombstone import TakeDown, Tombstone, stub
from feedmirror.mirror.window import Row, Window, removed_row
from feedmirror.model import Removal


def removed_from(state: State, tombstone: Tombstone) -> State:
    """Return the state to commit for an entry that is taken down, with all that is left to do."""
    key, generation = tombstone.key, state.generation + 1
    # The others have records.
    held = (one for one in state.pending_entries if one.key == key)
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
        if tombstone.key not in state.removed:
            state = _without(state, tombstone.key, tombstone.removal)
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


def _without(state: State, key: str, removal: Removal) -> State:
    window = state.window
    if any(one.key == key for one in window):
        window = Window.of(_rows(window, key, removal))
    summary = state.archive_summary
    return replace(
        state,
        removed={**state.removed, key: removal},
        window=window,
        tasks=tuple(_tasks(state.tasks, key, removal)),
        archive_summary=replace(summary, newest=_untitled(summary.newest, key)),
        quarantined={name: one for name, one in state.quarantined.items() if name != key},
    )


def _tasks(tasks: Iterable[Task], key: str, removal: Removal) -> Iterator[Task]:
    for task in tasks:
        if isinstance(task, WriteArchivePage):
            yield WriteArchivePage(_page(task.page, key, removal))
        elif not (isinstance(task, StoreEntry) and task.revision.key == key):
            yield task


def _page(page: ArchivePage[Row], key: str, removal: Removal) -> ArchivePage[Row]:
    entries = tuple(_rows(page.entries, key, removal))
    return replace(page, follows=_untitled(page.follows, key), entries=entries)


def _rows(rows: Iterable[Row], key: str, removal: Removal) -> Iterator[Row]:
    return (removed_row(one, removal) if one.key == key else one for one in rows)


def _untitled(link: EntryLink | None, key: str) -> EntryLink | None:
    return EntryLink(key) if link and link.key == key else link
