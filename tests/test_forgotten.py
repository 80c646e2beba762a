"""Entries that the state has forgotten, and that the origin lists again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import Literal

import pytest
from msgspec.structs import replace

from feedmirror.errors import StoreError
from feedmirror.mirror import state_codec
from feedmirror.mirror.state import State
from feedmirror.rebuild import rebuild
from scene import PUBLIC_URL, SUBSCRIPTION, Scene, document, records_in
from store_factories import entries_in
from stores import CountingStore, Crash, CrashingStore, MemoryStore

_STATE = "state/news.json"


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A feed of forty entries that knows the last twenty or so."""
    monkeypatch.setattr("feedmirror.mirror.retention._REMEMBERED", 20)
    scene = Scene(document(*range(40, 0, -1)), subscription=replace(SUBSCRIPTION, keep=3))
    scene.refresh()
    for newest in (41, 42):
        _says(scene, range(newest, newest - 3, -1))
        assert scene.refresh().new == 1
    assert _state(scene).known_entries.has_forgotten
    assert len(_state(scene).known_entries.by_key) < 35
    return scene


def _says(scene: Scene, numbers: Sequence[int], **bodies: str) -> None:
    scene.later(hours=50)
    scene.says(document(*numbers, **bodies))


def _state(scene: Scene) -> State:
    stored = scene.store.load(_STATE)
    assert stored is not None
    return state_codec.load(stored.body, _STATE)


def _titles(scene: Scene) -> list[str]:
    return [title for seen in scene.history() for title in seen.titles]


def _objects(scene: Scene) -> dict[str, bytes]:
    assert isinstance(scene.store, MemoryStore)
    return scene.store.objects


def _records(scene: Scene) -> dict[str, bytes]:
    return {key: _objects(scene)[key] for key in records_in(scene.store)}


def test_an_entry_that_was_forgotten_is_not_new(scene: Scene) -> None:
    before, records = _titles(scene), _records(scene)
    _says(scene, (42, 41, 40, 3, 2, 1))
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.new, outcome.unchanged) == ("unchanged", 0, 6)
    assert (_titles(scene), _records(scene)) == (before, records)


def test_a_new_entry_among_forgotten_ones_is_the_only_new_one(scene: Scene) -> None:
    _says(scene, (43, 42, 3, 2, 1))
    outcome = scene.refresh()
    assert (outcome.new, outcome.unchanged) == (1, 4)
    assert sorted(_titles(scene)) == sorted({*_titles(scene)})


def test_a_new_entry_costs_one_listing_of_its_own_records(scene: Scene) -> None:
    store = CountingStore(scene.store)
    known = {one.key for one in _state(scene).window}
    _says(scene, (43, 42, 41))
    assert scene.refresh(store=store).new == 1
    (key,) = {one.key for one in _state(scene).window} - known
    assert store.listings == [f"data/news/entries/{key}/"]


def test_a_forgotten_entry_with_other_words_is_a_revision(scene: Scene) -> None:
    _says(scene, (42, 41, 40, 2), e2="<p>Corrected.</p>")
    outcome = scene.refresh()
    assert (outcome.new, outcome.revised) == (0, 1)
    assert "Corrected." in scene.public()
    (key,) = {one.key for one in entries_in(scene.store) if "Corrected" in str(one.entry)}
    assert len([name for name in records_in(scene.store) if key in name]) == 2


def test_what_was_looked_up_is_remembered(scene: Scene) -> None:
    _says(scene, (42, 41, 40, 3, 2, 1))
    scene.refresh()
    store = CountingStore(scene.store)
    _says(scene, (42, 41, 40, 3, 2, 1), e42="<p>Corrected.</p>")
    scene.refresh(store=store)
    assert store.listings == []


def test_a_feed_that_has_forgotten_nothing_looks_nothing_up() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    store = CountingStore(scene.store)
    scene.says(document(3, 2, 1))
    assert scene.refresh(store=store).new == 1
    assert store.listings == []


@pytest.mark.parametrize("numbers", [(42, 41, 40, 2), (43, 42, 41, 2)])
def test_a_forgotten_entry_whose_record_is_damaged_stays_as_it_is(
    scene: Scene, numbers: Sequence[int]
) -> None:
    before = _titles(scene)
    (name,) = [key for key, body in _records(scene).items() if b"/2<" in body]
    _objects(scene)[name] = b"{"
    _says(scene, numbers)
    assert scene.refresh().new == (43 in numbers)
    assert [title for title in _titles(scene) if "43" not in title] == before


def test_entries_beyond_the_bound_are_taken_by_the_next_refreshes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedmirror.refresh.LOOKED_UP", 3)
    _says(scene, (47, 46, 45, 44, 43, 42, 2, 1))
    outcomes = [scene.refresh() for _ in range(4)]
    assert [one.new for one in outcomes] == [1, 3, 1, 0]
    assert outcomes[0].note is not None
    assert outcomes[0].note.startswith("4 entries are left")
    assert outcomes[3].http_status == 304
    assert [title[-2:] for title in _titles(scene)[:6]] == ["47", "46", "45", "44", "43", "42"]


def test_known_entries_stay_bounded_whatever_is_looked_up(scene: Scene) -> None:
    for first in range(1, 40, 4):
        _says(scene, (42, *range(first, first + 4)))
        assert scene.refresh().new == 0
    assert len(_state(scene).known_entries.by_key) < 35


def test_what_a_state_from_a_backup_has_never_known_is_new(scene: Scene) -> None:
    backup = _objects(scene)[_STATE]
    _says(scene, (43, 42, 41))
    scene.refresh()
    _objects(scene)[_STATE] = backup
    scene.later(hours=1)
    assert scene.refresh().new == 1


def test_a_rebuild_that_remembers_all_entries_has_forgotten_none(scene: Scene) -> None:
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    known = _state(scene).known_entries
    assert (len(known.by_key), known.has_forgotten) == (42, False)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_dies_while_it_looks_up_leaves_nothing_undone(
    scene: Scene, moment: Literal["before", "after"]
) -> None:
    _says(scene, (44, 43, 42, 3, 2, 1), e2="<p>Corrected.</p>")
    beginning = dict(_objects(scene))
    scene.refresh()
    expected = _titles(scene)
    for at in count():
        _objects(scene).clear()
        _objects(scene).update(beginning)
        store = CrashingStore(scene.store, at, moment)
        with suppress(Crash, StoreError):
            scene.refresh(store=store)
        if not store.fired:
            break
        scene.refresh()
        assert _titles(scene) == expected
    assert at > 20
