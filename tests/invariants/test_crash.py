"""P1: a run killed at any operation of the store, and its recoveries too, loses nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from crash_history import KNOWN, History, run
from effort import some
from feedmirror.errors import FetchError, Kind
from feedmirror.mirror import decide
from feedmirror.ports import Store
from feedmirror.publishing import render
from feedmirror.publishing.formats import formats
from feedmirror.publishing.formats.format import Format, unstamped
from later_formats import later
from named_records import NamedRecords
from remembering import remember_renderings
from scene import FEEDS, SUBSCRIPTION, Scene, document
from store_factories import EVERYWHERE, MEMORY, NOTHING, Contents, Place, objects

MANY = document(*range(9, 0, -1))


@pytest.fixture(autouse=True)
def rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_renderings(monkeypatch)


def _committed(scene: Scene, at: int) -> bool:
    """Whether a run that dies after the operation of that number leaves a state."""
    run(scene, at, "after")
    return scene.store.load("state/news.json") is not None


def entries_in(store: Store) -> dict[str, bytes]:
    return {
        key: body
        for key, body in objects(store).items()
        if key.startswith("data/") and "/entries/" in key
    }


@pytest.mark.row("S1")
@EVERYWHERE
@KNOWN
def test_a_run_killed_at_any_operation_however_often_leaves_the_same_store(
    place: Place, known: bool
) -> None:
    history = History.of(place(), known=known)
    expected = history.recovered(history.beginning)
    left = history.left(however_often=True)
    for contents in some(left, 2):
        assert history.recovered(contents) == expected
    assert expected in left
    assert len(left) >= 7  # nothing done, committed, an entry more each time, published, settled


@pytest.mark.row("C5", "S1")
def test_a_first_mirror_of_many_chunks_killed_anywhere_leaves_the_same_store(
    monkeypatch: pytest.MonkeyPatch, small_pages: None
) -> None:
    monkeypatch.setattr(decide, "CHUNK", 2)
    # Nine entries in five commits: five are kept, and two pages archived on the way.
    history = History(MEMORY(), MANY, replace(SUBSCRIPTION, keep=5))
    expected = history.recovered(NOTHING)
    store = history.factory.store(expected)
    assert len(entries_in(store)) == 9
    assert sorted(history.scene(expected).archived()) == [f"Entry {n}" for n in (1, 2, 3, 4)]
    left = history.left()
    for contents in some(left, 2):
        # What is done once more by a later commit bears that one's generation.
        assert _unstamped(history.recovered(contents)) == _unstamped(expected)
    assert len(left) > 30


def _unstamped(contents: Contents) -> set[tuple[str, bytes]]:
    return {(key, unstamped(body) if key.count("/") > 2 else body) for key, body, *_ in contents}


@pytest.mark.row("S1", "U1")
@EVERYWHERE
def test_a_run_that_archives_killed_at_any_operation_however_often_leaves_the_same_store(
    place: Place, small_pages: None
) -> None:
    history = History(place(), document(3, 2, 1), replace(SUBSCRIPTION, keep=1))
    history.beginning = history.recovered(NOTHING)  # one page, and one entry that is kept
    history.origin = document(6, 5, 4, 3)
    history.beginning = history.recovered(history.beginning)
    history.origin = document(7, 6)
    history.hours = 72  # two more pages, the first of which has to be linked from the one before
    expected = history.recovered(history.beginning)
    scene = history.scene(expected)
    for name in FEEDS:
        chain = scene.history(name)
        found = [title for seen in chain for title in seen.titles]
        assert found == [f"Entry {n}" for n in range(7, 0, -1)]
        assert [len(seen.titles) for seen in chain] == [1, 2, 2, 2]
        newer = [seen.links.get("next-archive") for seen in chain[1:]]
        assert newer == [None, chain[1].address, chain[2].address] or name == "feed.json"
    left = history.left(however_often=True)
    for contents in some(left, 2):
        assert history.recovered(contents) == expected
        assert_nothing_lost(history.scene(contents), 6)
    assert expected in left
    assert len(left) >= 20


def assert_nothing_lost(scene: Scene, entries: int) -> None:
    """Whatever a reader follows at this moment is there, and leads to each entry just once."""
    for name in FEEDS:
        found = [title for seen in scene.history(name) for title in seen.titles]
        assert len(set(found)) == len(found) >= entries


@EVERYWHERE
def test_a_deploy_between_crash_and_recovery_publishes_what_the_new_version_renders(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def newer() -> tuple[Format, ...]:
        old = next(made for made in formats() if made.name == "rss.xml")
        return (later(old, lambda body: body.replace(b"<docs>", b"<!-- newer --><docs>")),)

    history = History.of(place(), known=True)
    left = history.left()
    monkeypatch.setattr(render, "formats", newer)
    found = []
    for contents in some(left, 2):
        store = history.factory.store(history.recovered(contents))
        public = objects(store)["public/news/rss.xml"].decode()
        assert "<!-- newer -->" in public
        found.append((public.count("<item>"), entries_in(store)))
    assert len(found) >= 4
    assert all(same == found[0] for same in found)


@pytest.mark.row("S1")
@EVERYWHERE
def test_what_a_dead_run_had_committed_is_published_though_the_origin_is_gone_now(
    place: Place,
) -> None:
    scene = History(place()).scene(NOTHING)
    commit = next(at for at in range(99) if _committed(History(place()).scene(NOTHING), at))
    run(scene, commit, "after")  # and nothing carried out
    scene.says(FetchError(Kind.LEGAL, "blocked by order of a court", status=451))
    assert scene.refresh().outcome == "failed"
    assert scene.public().count("<item>") == 3


@pytest.mark.row("S1")
@KNOWN
def test_records_are_written_after_the_commit_that_names_them(known: bool) -> None:
    """By a run that nothing stops, one that dies anywhere, and the one after it."""
    history = History.of(MEMORY(), known=known)
    scene = history.scene(history.beginning)
    store = NamedRecords(scene.store)
    scene.refresh(store=store)
    assert store.written == 3
    for contents in history.killed(history.beginning, ["after"]):
        history.recovered(contents)
