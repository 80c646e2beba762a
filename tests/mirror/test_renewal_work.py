"""The work of a renewal is said in advance, as it is counted afterwards."""

from __future__ import annotations

from collections import Counter

from feedmirror.mirror.renewal_work import work_left, work_of_all
from feedmirror.model import Disclaimer
from feedmirror.renewal import renew_slice
from scene import SUBSCRIPTION, Scene, document
from store_factories import state_in
from stores import CountingStore, MemoryStore


def test_work_is_as_many_requests_as_are_counted() -> None:
    scene = Scene(document(1), MemoryStore(), SUBSCRIPTION)  # keep = 5
    for last in range(30, 91, 30):
        scene.says(document(*range(last, last - 30, -1)))
        scene.refresh()
        scene.later(days=3)
    scene.refresh()
    scene.configure(disclaimer=Disclaimer(text="Words of today."))
    whole = work_of_all(state_in(scene.store))
    scene.refresh()
    assert whole == work_left(state_in(scene.store))

    store, written = CountingStore(scene.store), 0
    while state_in(scene.store).renewal:
        written += renew_slice(scene.subscription, scene.world(store)).written

    counted = Counter(operation for operation, _ in store.operations)
    assert state_in(scene.store).archive_summary.pages == 2
    assert written == whole.pages
    listed = counted["keys"] + counted["folders"]
    # The oldest page has none before it to read and to link from; then pages are looked for that
    # are no part of the archive any more.
    assert whole.writes - (counted["replace"] + listed) in range(3)
    assert whole.reads - counted["load"] in range(10)


def test_entries_that_are_read_again_are_stored_again() -> None:
    scene = Scene(document(3, 2, 1))
    scene.refresh()
    state = state_in(scene.store)
    once, again = work_of_all(state), work_of_all(state, rereads=True)
    assert (again.pages, again.writes, again.reads) == (3, once.writes + 3, once.reads + 3)
