"""Words of the window's entries are in records alone, and in the state until these are stored."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from feedmirror.mirror import record
from feedmirror.mirror.archive import PAGE_ENTRIES
from feedmirror.mirror.state import State
from feedmirror.mirror.window import row_of
from feedmirror.model import Entry, Revision
from feedmirror.storage import words as module
from feedmirror.storage.words import Words
from scene import DOCUMENTS, NOON, SUBSCRIPTION, Scene, document, records_in
from store_factories import state_in
from stores import CountingStore, MemoryStore

STATE = "state/news.json"
KEY, DIGEST = "c" * 32, "d" * 32


def _objects(scene: Scene) -> dict[str, bytes]:
    assert isinstance(scene.store, MemoryStore)
    return scene.store.objects


def _record_of(scene: Scene, number: int) -> str:
    """The key of the record of that entry."""
    said = f"What entry {number} says".encode()
    (found,) = (key for key in records_in(scene.store) if said in _objects(scene)[key])
    return found


def _named(scene: Scene) -> dict[str, list[int]]:
    """The numbers of the entries that each document has, by its name."""
    numbers = range(1, 60)
    return {
        name: [n for n in numbers if f"Entry {n}<" in body or f'"Entry {n}"' in body]
        for name, body in ((name, scene.public(name)) for name in DOCUMENTS)
    }


def _mirrored(*numbers: int) -> Scene:
    scene = Scene(document(*numbers))
    scene.refresh()
    scene.later(hours=1)
    return scene


def test_state_has_no_words_of_an_entry_that_is_stored() -> None:
    scene = _mirrored(2, 1)
    assert b"What entry" not in _objects(scene)[STATE]
    scene.says(document(3, 2, 1, e1="<p>Edited.</p>"))
    scene.refresh()
    for said in (b"What entry", b"Edited"):
        assert said not in _objects(scene)[STATE]


# ---------------------------------------------------------------- records that cannot be read

_DAMAGE = pytest.mark.parametrize("damage", [b"damaged", b"{}", None])


def _damage(scene: Scene, key: str, damage: bytes | None) -> bytes:
    """Damage the record, or remove it; return what it was."""
    body = _objects(scene).pop(key)
    if damage is not None:
        _objects(scene)[key] = damage
    return body


@_DAMAGE
def test_entry_stays_in_documents_that_take_it_over_though_its_record_is_damaged(
    damage: bytes | None,
) -> None:
    scene = _mirrored(2, 1)
    _damage(scene, _record_of(scene, 1), damage)
    scene.says(document(3, 2, 1))
    assert scene.refresh().quarantined == ()
    assert set(map(tuple, _named(scene).values())) == {(1, 2, 3)}


@_DAMAGE
def test_entry_without_words_is_left_out_of_new_documents_and_told_until_its_record_is_back(
    damage: bytes | None,
) -> None:
    scene = _mirrored(2, 1)
    lost = _record_of(scene, 1)
    body = _damage(scene, lost, damage)
    scene.configure(title="Mine")
    (guid,) = scene.refresh().quarantined
    assert set(map(tuple, _named(scene).values())) == {(2,)}
    scene.says(document(3, 2, 1))
    assert scene.refresh().quarantined == (guid,)
    assert set(map(tuple, _named(scene).values())) == {(2, 3)}
    _objects(scene)[lost] = body
    scene.later(hours=1)
    scene.says(document(4, 3, 2, 1))
    assert scene.refresh().quarantined == ()
    assert set(map(tuple, _named(scene).values())) == {(1, 2, 3, 4)}


def test_documents_stay_as_they_were_where_no_record_can_be_read() -> None:
    scene = _mirrored(2, 1)
    before = _named(scene)
    for number in (1, 2):
        _damage(scene, _record_of(scene, number), b"damaged")
    scene.configure(title="Mine")
    outcome = scene.refresh()
    assert outcome.failure is not None
    assert _named(scene) == before


def _about_to_archive() -> Scene:
    """A mirror that fills an archive page with the next entry, beyond the 48 hours."""
    newest = SUBSCRIPTION.keep + PAGE_ENTRIES - 1
    scene = Scene(document(1), subscription=SUBSCRIPTION)
    scene.refresh()
    scene.later(hours=1)
    scene.says(document(*range(newest, 0, -1)))
    scene.refresh()
    scene.later(days=3)
    scene.says(document(*range(newest + 1, 0, -1)))
    return scene


def _archived(scene: Scene) -> list[str]:
    return [key for key in _objects(scene) if "/archive/" in key and key.endswith("rss.xml")]


def test_entry_without_words_is_left_out_of_an_archive_page_and_told() -> None:
    scene = _about_to_archive()
    _damage(scene, _record_of(scene, 3), b"damaged")
    assert len(scene.refresh().quarantined) == 1
    (page,) = _archived(scene)
    assert _objects(scene)[page].count(b"<item>") == PAGE_ENTRIES - 1


def test_archive_page_without_any_words_waits_for_its_records() -> None:
    scene = _about_to_archive()
    lost = {number: _record_of(scene, number) for number in range(1, PAGE_ENTRIES + 1)}
    bodies = {key: _damage(scene, key, b"damaged") for key in lost.values()}
    before = _named(scene)
    outcome = scene.refresh()
    assert outcome.failure is not None
    assert "feedmirror rebuild" in outcome.failure.message
    assert (_archived(scene), _named(scene)) == ([], before)
    _objects(scene).update(bodies)
    scene.later(hours=1)
    assert scene.refresh().failure is None
    (page,) = _archived(scene)
    assert _objects(scene)[page].count(b"<item>") == PAGE_ENTRIES


# ---------------------------------------------------------------- which record


def _revision(said: str, **changes: object) -> Revision:
    made = Revision(KEY, DIGEST, "g", False, Entry(content=said), 1, NOON, NOON, NOON, "u")
    return replace(made, **changes)


def _stored(*revisions: Revision | None) -> MemoryStore:
    """A store with records of these, from number 0 on; None: a damaged one."""
    store = MemoryStore()
    for number, one in enumerate(revisions):
        key = record.key_of("news", one.key if one else KEY, DIGEST, number)
        store.objects[key] = record.dump("news", one, None) if one else b"damaged"
    return store


def _found(store: MemoryStore | CountingStore, revision: Revision) -> Revision | str:
    (found,) = Words(store, "news", map).of(State(), [row_of(revision)]).values()
    return found


@pytest.mark.parametrize("other", [_revision("Others."), _revision("Ours.", generation=7), None])
def test_record_of_a_row_is_the_first_from_its_number_on_that_has_its_words(
    other: Revision | None,
) -> None:
    ours = _revision("Ours.", generation=3)
    assert _found(_stored(other, ours), ours) == ours


def test_record_that_another_run_wrote_over_is_not_taken_for_the_one_of_the_row() -> None:
    assert _found(_stored(_revision("Others.")), _revision("Ours.")) == "it is missing"


def test_place_and_times_are_those_of_the_row() -> None:
    ours = _revision("Ours.", number=2)
    there = replace(ours, seq=9, first_seen=NOON.replace(hour=3), listed_at=NOON.replace(hour=4))
    assert _found(_stored(ours, ours, ours), there) == there


def test_words_that_were_stored_just_now_are_not_read_again_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_KEPT_BYTES", 10)
    several = [
        _revision(said, key=key * 32)
        for key, said in (("a", "aaaaa"), ("b", "bbbbb"), ("c", "ccc"))
    ]
    store = CountingStore(_stored(*several))
    words = Words(store, "news", map)
    for one in (*several, several[2]):
        words.keep(one)
    kept = words.of(State(), map(row_of, several[1:]))
    assert list(kept.values()) == several[1:]
    assert store.loads == []
    assert list(words.of(State(), [row_of(several[0])]).values()) == [several[0]]
    assert len(store.loads) == 1


def test_row_names_the_record_that_its_words_were_stored_in() -> None:
    """Where words flip to and fro, one read finds them, however often they have been there."""
    scene = _mirrored(1)
    for poll in range(6):
        scene.later(days=3)
        scene.says(document(1, **({} if poll % 2 else {"e1": "<p>Other words.</p>"})))
        assert scene.refresh().revised == 1
    (row,) = state_in(scene.store).window
    assert row.number == 3
    store = CountingStore(scene.store)
    assert isinstance(Words(store, "news", map).of(State(), [row])[row.key], Revision)
    assert len(store.loads) == 1
